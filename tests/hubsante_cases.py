"""Synthetic cases of a SAMU, for tests of the Hub Santé's formats. Nobody in them exists."""

import copy
import json
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from builders import NOW
from records import PARIS, VAULT

from slotengine.adapters import Intake, Kind, New, Rejected, adapter_for
from slotengine.adapters.base import Amend, Part
from slotengine.domain import Referral

PAYLOADS = Path(__file__).parent / "payloads" / "hubsante"
CASE_ID = "fr.health.samu450.DRFR154502632700007"
PATIENT = "fr.health.samu450.patient.DRFR154502632700007"

CASE: dict[str, Any] = {
    "caseId": CASE_ID,
    "senderCaseId": "DRFR154502632700007",
    "creation": "2026-11-23T08:31:00+01:00",
    "perimeter": "SNP",
    "qualification": {
        "healthMotive": {"code": "M03.14", "label": "Fièvre, problème infectieux"},
        "details": {"priority": "P2", "careLevel": "R3", "attribution": "DRM.MRL.MG"},
    },
    "location": {
        "city": {"name": "Gien", "inseeCode": "45155"},
        "geometry": {
            "datetime": "2026-11-23T08:31:00+01:00",
            "point": {"coord": {"lat": 47.6875, "lon": 2.6307, "precision": "ADRESSE"}},
        },
    },
    "owner": "fr.health.samu450",
    "patient": [
        {
            "patientId": f"{PATIENT}.1",
            "detail": {"age": "P65Y"},
            "identity": {"strictFeatures": {"sex": "F"}},
        }
    ],
}
ORIENTED: dict[str, Any] = {
    "creation": "2026-11-23T08:40:00+01:00",
    "operator": {"role": "MEDECIN"},
    "decisionType": "ORIENT",
    "orientationType": "CABINET",
    "resourceType": "LIBERAL.MG",
}
HEADER: dict[str, Any] = {
    "messageId": "fr.health.samu450_1",
    "sender": {"name": "fr.health.samu450", "URI": "hubex:fr.health.samu450"},
    "sentAt": "2026-11-23T08:45:00+01:00",
    "kind": "Report",
    "status": "Actual",
    "recipient": [{"name": "fr.health.cpts", "URI": "hubex:fr.health.cpts"}],
}


def changed(whole: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """Gives a copy with members replaced by their dotted path; None takes one away."""
    made = copy.deepcopy(dict(whole))
    for path, value in changes.items():
        *way, last = path.split(".")
        at: Any = made
        for step in way:
            at = at[int(step)] if isinstance(at, list) else at.setdefault(step, {})
        if value is None:
            at.pop(last, None)
        elif isinstance(at, list):
            at[int(last)] = value
        else:
            at[last] = value
    return made


def case(**changes: Any) -> dict[str, Any]:
    """Gives an RS-EDA whose members are changed by path, ``__`` for the dots."""
    by_path = {name.replace("__", "."): value for name, value in changes.items()}
    return {"createCaseHealth": changed(CASE, by_path)}


def update(**members: Any) -> dict[str, Any]:
    """Gives an RS-EDA-MAJ that says only these members."""
    return {"createCaseHealthUpdate": {"caseId": CASE_ID, **members}}


def wrapped(inner: Mapping[str, Any], **header: Any) -> dict[str, Any]:
    """Gives a message in RC-DE and EDXL-DE."""
    said = {**HEADER, **header}
    return {
        "distributionID": said["messageId"],
        "senderID": "fr.health.samu450",
        "dateTimeSent": "2026-11-23T08:45:00+01:00",
        "dateTimeExpires": "2026-11-24T08:45:00+01:00",
        "distributionStatus": said["status"],
        "distributionKind": said["kind"],
        "descriptor": {
            "language": "fr-FR",
            "explicitAddress": {
                "explicitAddressScheme": "hubex",
                "explicitAddressValue": "fr.health.cpts",
            },
        },
        "content": [{"jsonContent": {"embeddedJsonContent": {"message": {**said, **inner}}}}],
    }


def parts(
    document: object, source: str = "samu", *, now: datetime = NOW, **door: Any
) -> list[Part]:
    """Reads a document, or bytes, in whichever format claims it."""
    payload = document if isinstance(document, bytes) else json.dumps(document).encode()
    adapter = adapter_for(source, territory="giennois", zone=PARIS, pseudonymiser=VAULT, **door)
    return list(adapter.parts(payload, now=now))


def one(document: object, source: str = "samu", **door: Any) -> Intake:
    (part,) = parts(document, source, **door)
    return part.intake


def referral(document: object, source: str = "samu", **door: Any) -> Referral:
    intake = one(document, source, **door)
    assert isinstance(intake, New), intake
    return intake.referral


def amend(document: object, **door: Any) -> Amend:
    intake = one(document, **door)
    assert isinstance(intake, Amend), intake
    return intake


def fault(document: object, source: str = "samu", **door: Any) -> tuple[str, Kind, str | None]:
    intake = one(document, source, **door)
    assert isinstance(intake, Rejected), intake
    assert intake.adapter == f"{source}/hubsante"
    return intake.field, intake.kind, intake.path


def doubts(intake: Intake) -> set[tuple[str, Kind]]:
    assert not isinstance(intake, Rejected), intake
    return {(doubt.field, doubt.kind) for doubt in intake.warnings}
