"""
What IHE ITI-115, 116 and 117 are asked with: Parameters in, typed questions out.

Source: IHE ITI Scheduling (2025, FHIR R4), OperationDefinitions appointment-find, -hold, -book.
What is asked about a patient becomes a request for the FHIR reader, so that identity and defaults
are those of every other door.
"""

import json
import re
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Annotated, NamedTuple
from zoneinfo import ZoneInfo

from pydantic import Field

from slotengine.adapters.fhir_nodes import MisreadError, Node
from slotengine.adapters.json_texts import Json
from slotengine.adapters.kinds import Kind
from slotengine.adapters.sas_search import Refusal
from slotengine.adapters.sas_times import read_bound, written
from slotengine.adapters.sas_urls import SPECIALTIES
from slotengine.domain import Instant, Value

MAX_WISHES = 20
"""Values of one parameter: practitioners, places. Our choice."""

MAX_TEXT = 200
"""Characters of one text parameter. Our choice."""

MAX_PROPOSALS = 20
"""Proposals of one answer: what an engine offers at most. Our choice."""

PROFESSIONS = "https://mos.esante.gouv.fr/NOS/TRE_G15-ProfessionSante/FHIR/TRE-G15-ProfessionSante"

_CODE = re.compile(r"[A-Z]{2,4}[0-9]{1,3}")
_PROFESSION = re.compile(r"[0-9]{2}")
_TAIL = re.compile(r"(?:^|/)(?P<kind>[A-Z][A-Za-z]+)/(?P<id>[A-Za-z0-9\-.]{1,64})$")
_PATIENT_URL = "urn:slotengine:patient"


class Find(Value):
    """
    A search for proposals; lists are in order of preference, empty ones want nothing in particular.

    ``referral`` is the reference or id of a referral that is known. ``places`` are parts of an
    address.
    """

    start: Instant
    end: Instant
    practitioners: tuple[str, ...] = ()
    organizations: tuple[str, ...] = ()
    sites: tuple[str, ...] = ()
    places: tuple[str, ...] = ()
    referral: str | None = None
    count: Annotated[int, Field(ge=0, le=MAX_PROPOSALS)] = MAX_PROPOSALS


class Request(NamedTuple):
    """A search, and the request that it makes where no referral is named; it is shown nowhere."""

    find: Find
    asks: Callable[[str], bytes] | None
    content: bytes


def read_find(body: object, *, count: str | None, zone: ZoneInfo) -> Request | Refusal:
    """
    Reads the Parameters of ``$find``.

    ``Request.asks`` gives, for a reference, the Bundle that the FHIR reader makes a referral of;
    ``Request.content`` is what makes two searches the same.
    """
    if not isinstance(body, dict) or body.get("resourceType") != "Parameters":
        return Refusal("structure", "Parameters", "is not a Parameters resource")
    try:
        given = _by_name(Node(body))
        start = _moment(given, "start", zone, last=False)
        end = _moment(given, "end", zone, last=True)
        if isinstance(start, Refusal):
            return start
        if isinstance(end, Refusal):
            return end
        if end <= start:
            return Refusal("value", "end", "lies before the start")
        find = Find(
            start=start,
            end=end,
            practitioners=_ids(given, "practitioner", "Practitioner"),
            organizations=_ids(given, "organization", "Organization"),
            sites=_ids(given, "location-reference", "Location"),
            places=_texts(given, "location-string"),
            referral=_referral(given),
            count=_count(count),
        )
        return Request(find, _asking(given, find, zone), _content(body))
    except MisreadError as misread:
        return Refusal("structure", misread.path or "Parameters", "can't be read")


def read_appointment_id(body: object) -> tuple[str, Mapping[str, Json]] | Refusal:
    """
    Reads which Appointment ``$hold`` and ``$book`` are about, and the resource where one was sent.

    By ``appointment-reference``, or by the id of ``appointment-resource``.
    """
    if not isinstance(body, dict) or body.get("resourceType") != "Parameters":
        return Refusal("structure", "Parameters", "is not a Parameters resource")
    try:
        given = _by_name(Node(body))
        named = _ids(given, "appointment-reference", "Appointment")
        sent = [one.child("resource") for one in given.get("appointment-resource", ())]
        resources = [one for one in sent if one is not None and one.type == "Appointment"]
        ids = {*named, *(one.text("id") or "" for one in resources)} - {""}
    except MisreadError as misread:
        return Refusal("structure", misread.path or "Parameters", "can't be read")
    if not ids:
        return Refusal("required", "appointment-reference", "is missing")
    if len(ids) > 1 or len(resources) > 1:
        return Refusal("invalid", "appointment-reference", "names several appointments")
    return ids.pop(), resources[0].value if resources else {}


Given = Mapping[str, tuple[Node, ...]]


def _by_name(body: Node) -> Given:
    given: dict[str, list[Node]] = {}
    for one in body.each("parameter"):
        given.setdefault(one.text("name") or "", []).append(one)
    for name, several in given.items():
        if len(several) > MAX_WISHES:
            raise MisreadError(name, Kind.TOO_MANY)
    return {name: tuple(several) for name, several in given.items()}


def _moment(given: Given, name: str, zone: ZoneInfo, *, last: bool) -> datetime | Refusal:
    found = given.get(name, ())
    if len(found) != 1:
        return Refusal("required", name, "is asked for exactly once")
    text = found[0].text("valueDateTime") or found[0].text("valueInstant") or ""
    text = text or found[0].text("valueDate") or ""
    at = read_bound(text, zone, last=last)
    return at or Refusal("value", name, "is no instant with its offset, nor a day")


def _texts(given: Given, name: str) -> tuple[str, ...]:
    found = (one.text("valueString") or "" for one in given.get(name, ()))
    return tuple(text[:MAX_TEXT] for text in found if text)


def _ids(given: Given, name: str, kind: str) -> tuple[str, ...]:
    """Gives the ids that references name, by reference or by identifier."""
    return tuple(
        id_
        for one in given.get(name, ())
        for reference in one.each("valueReference")
        if (id_ := _id_of(reference, kind))
    )


def _id_of(reference: Node, kind: str) -> str | None:
    tail = _TAIL.search(reference.text("reference") or "")
    if tail is not None:
        return tail["id"] if tail["kind"] == kind else None
    named = reference.child("identifier")
    return None if named is None else named.text("value")


def _referral(given: Given) -> str | None:
    for one in given.get("referral-identifier", ()):
        for identifier in one.each("valueIdentifier"):
            return identifier.text("value")
    return None


def _count(text: str | None) -> int:
    """Gives how many proposals are wanted; what is no number wants all."""
    if text is None or not text.isascii() or not text.isdigit():
        return MAX_PROPOSALS
    return min(int(text[:4]), MAX_PROPOSALS)


def _patient(given: Given) -> dict[str, Json] | None:
    for one in given.get("patient-resource", ()):
        resource = one.child("resource")
        if resource is not None and resource.type == "Patient":
            return dict(resource.value)
    return None


def _asking(given: Given, find: Find, zone: ZoneInfo) -> Callable[[str], bytes] | None:
    """Gives what makes the request of a search; None where it names no patient."""
    who = _patient(given)
    subject: dict[str, Json] = {"reference": _PATIENT_URL}
    if who is None:
        named = [
            reference
            for one in given.get("patient-reference", ())
            for reference in one.each("valueReference")
        ]
        if not named:
            return None
        subject = dict(named[0].value)
    wanted: list[Json] = [_specialty(text) for text in _texts(given, "specialty")]
    places: list[Json] = [
        {"coding": [{"code": text}], "text": text} for text in _texts(given, "visit-type")
    ]
    reasons: list[Json] = [{"text": text} for text in _texts(given, "reason")]
    request: dict[str, Json] = {
        "resourceType": "ServiceRequest",
        "status": "active",
        "intent": "order",
        "subject": subject,
        "occurrencePeriod": {"start": written(find.start, zone), "end": written(find.end, zone)},
        **({"performerType": wanted} if wanted else {}),
        **({"locationCode": places} if places else {}),
        **({"reasonCode": reasons} if reasons else {}),
    }

    def bundle(reference: str) -> bytes:
        entries: list[Json] = [{"resource": {**request, "identifier": [{"value": reference}]}}]
        if who is not None:
            entries.append({"fullUrl": _PATIENT_URL, "resource": who})
        whole = {"resourceType": "Bundle", "type": "collection", "entry": entries}
        return json.dumps(whole).encode()

    return bundle


def _specialty(text: str) -> dict[str, Json]:
    code = text.strip()
    if _CODE.fullmatch(code):
        return {"coding": [{"system": SPECIALTIES, "code": code}]}
    if _PROFESSION.fullmatch(code):
        return {"coding": [{"system": PROFESSIONS, "code": code}]}
    return {"text": code}


def _content(body: Mapping[str, Json]) -> bytes:
    return json.dumps(body, sort_keys=True, separators=(",", ":")).encode()
