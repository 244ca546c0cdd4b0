"""Small FHIR resources of people who do not exist, and readers of them."""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from builders import NOW
from records import PARIS, VAULT

from slotengine.adapters import Intake, Kind, New, Rejected, adapter_for
from slotengine.adapters.base import Part
from slotengine.domain import Referral

Resource = dict[str, Any]

PATIENT_URL = "urn:uuid:0f1ad1f0-0000-4000-8000-000000000001"
REQUEST_URL = "urn:uuid:0f1ad1f0-0000-4000-8000-000000000002"
INS = {"system": "urn:oid:1.2.250.1.213.1.4.10", "value": "279035121518989"}
RPPS = {"system": "urn:oid:1.2.250.1.71.4.2.1", "value": "810002909371"}
FINESS = {"system": "urn:oid:1.2.250.1.71.4.2.2", "value": "1450000104"}
G15 = "https://mos.esante.gouv.fr/NOS/TRE_G15-ProfessionSante/FHIR/TRE-G15-ProfessionSante"


def without_none(said: Mapping[str, Any]) -> Resource:
    return {name: value for name, value in said.items() if value is not None}


def concept(system: str, code: str, display: str | None = None) -> Resource:
    return {"coding": [without_none({"system": system, "code": code, "display": display})]}


def person(**changes: Any) -> Resource:
    said = {
        "resourceType": "Patient",
        "identifier": [INS],
        "name": [{"use": "official", "family": "Nominventé", "given": ["Zoé"]}],
        "gender": "female",
        "birthDate": "1979-03-31",
    }
    return without_none({**said, **changes})


def request(**changes: Any) -> Resource:
    said = {
        "resourceType": "ServiceRequest",
        "identifier": [{"system": "https://clinique.example/demandes", "value": "H-7"}],
        "status": "active",
        "intent": "order",
        "subject": {"reference": PATIENT_URL},
        "authoredOn": "2026-11-23T08:30:00+01:00",
        "requester": {"identifier": FINESS},
    }
    return without_none({**said, **changes})


def entry(resource: Resource, url: str | None = None, **more: Any) -> Resource:
    return without_none({"fullUrl": url, "resource": resource, **more})


def bundle(*entries: Resource, kind: str = "collection", **more: Any) -> Resource:
    return {"resourceType": "Bundle", "type": kind, **more, "entry": list(entries)}


def about(
    who: Resource | None = None, *more: Resource, of: Resource | None = None, **changes: Any
) -> Resource:
    """Gives a Bundle of one request and its patient, and what else is needed."""
    return bundle(
        entry(of or request(**changes), REQUEST_URL), entry(who or person(), PATIENT_URL), *more
    )


def message(*entries: Resource, reason: str = "new", header: Any = None, **more: Any) -> Resource:
    said = {
        "resourceType": "MessageHeader",
        "id": "m-1",
        "eventCoding": {"system": "https://example.org/events", "code": "servicerequest-request"},
        "source": {"endpoint": "https://clinique.example/fhir"},
        "reason": concept("https://example.org/reasons", reason),
        **(header or {}),
    }
    url = "urn:uuid:0f1ad1f0-0000-4000-8000-00000000000a"
    return bundle(entry(said, url), *entries, kind="message", **more)


def parts(
    document: object, source: str = "hospital", *, now: datetime = NOW, **door: Any
) -> list[Part]:
    adapter = adapter_for(
        source, territory="giennois", zone=PARIS, pseudonymiser=VAULT, format="fhir", **door
    )
    payload = document if isinstance(document, bytes) else json.dumps(document).encode()
    return list(adapter.parts(payload, now=now))


def intakes(document: object, source: str = "hospital", **door: Any) -> list[Intake]:
    return [part.intake for part in parts(document, source, **door)]


def one(document: object, source: str = "hospital", **door: Any) -> Intake:
    (intake,) = intakes(document, source, **door)
    return intake


def new(document: object, source: str = "hospital", **door: Any) -> New:
    intake = one(document, source, **door)
    assert isinstance(intake, New), intake
    return intake


def referral(document: object, source: str = "hospital", **door: Any) -> Referral:
    return new(document, source, **door).referral


def fault(document: object, source: str = "hospital", **door: Any) -> tuple[str, Kind, str | None]:
    intake = one(document, source, **door)
    assert isinstance(intake, Rejected), intake
    return intake.field, intake.kind, intake.path


def doubts(document: object, source: str = "hospital", **door: Any) -> list[tuple[str, Kind]]:
    return [(warned.field, warned.kind) for warned in new(document, source, **door).warnings]
