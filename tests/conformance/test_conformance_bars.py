"""Every payload of the NHS booking service is read, or refused for a reason we know."""

import json
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from builders import NOW
from records import VAULT

from slotengine.adapters import Bounds, Intake, Kind, New, Rejected, adapter_for
from slotengine.adapters.fhir import FhirFormat
from slotengine.domain import Motive

NEW = "new"
BOOKED = Kind.ALREADY_BOOKED
EXPECTED: dict[str, tuple[tuple[str | Kind, str], ...]] = {
    # Appointments that the NHS's own services have made: nothing is left to place.
    "appointment_GET-success": (
        (BOOKED, "entry[0].resource.status"),
        (BOOKED, "entry[1].resource.status"),
    ),
    "appointment_PATCH-body": ((BOOKED, "status"),),
    "appointment_PUT-body": ((BOOKED, "status"),),
    "appointment_id_GET-success": ((BOOKED, "status"),),
    "process_message_POST-body": ((BOOKED, "entry[1].resource.status"),),
    "process_message_POST-success": ((BOOKED, "entry[1].resource.status"),),
    "process_message_request_Booking_POST": ((BOOKED, "entry[1].resource.status"),),
    "process_message_response_Booking_HTTP_Response": ((BOOKED, "entry[1].resource.status"),),
    # No request at all.
    "message_definition_MessageDefinition_ServiceRequest-request_CaseTransfer": (
        (Kind.NOT_A_REFERRAL, "entry"),
    ),
    "metadata_BaRS_API_Capability_Statement": ((Kind.NOT_A_REFERRAL, "resourceType"),),
    "slots_GET-success": ((Kind.NOT_A_REFERRAL, "entry"),),
    # MessageHeader.response: an answer.
    "process_message_request_ValidationResponse_POST": ((Kind.NOT_A_REFERRAL, "entry"),),
    "process_message_request_ValidationRequest_POST": ((NEW, ""),),
    # Published as an answer, but nothing in it says so.
    "process_message_response_ValidationRequest_HTTP_Response": ((NEW, ""),),
    # The subject is a urn:uuid that was not sent along: nobody tells who it is.
    "service_request_GET-success": ((Kind.MISSING, "entry[0].subject"),),
    "service_request_PUT-body": ((Kind.MISSING, "subject"),),
    "service_request_id_GET-success": ((Kind.MISSING, "subject"),),
    # "inactive" is no status of FHIR R4.
    "service_request_PATCH-body": ((Kind.UNKNOWN_CODE, "status"),),
}


def read(payload: bytes, source: str = "hospital", **door: Any) -> list[Intake]:
    adapter = adapter_for(
        source,
        territory="giennois",
        zone=ZoneInfo("Europe/London"),
        pseudonymiser=VAULT,
        **door,
    )
    opened = adapter.opened(payload)
    assert opened.format.name == "fhir"
    return [part.intake for part in opened.parts(now=NOW)]


@pytest.mark.parametrize("name", EXPECTED)
def test_a_sample_is_read_or_refused_for_a_known_reason(conformance: Path, name: str) -> None:
    found = read((conformance / "bars" / f"{name}.json").read_bytes())
    said = [
        (one.kind, one.path) if isinstance(one, Rejected) else (type(one).__name__.lower(), "")
        for one in found
    ]
    assert tuple(said) == EXPECTED[name]


def test_no_sample_is_forgotten(conformance: Path) -> None:
    assert {file.stem for file in (conformance / "bars").glob("*.json")} == set(EXPECTED)


def test_every_report_of_a_fault_is_known_as_one(conformance: Path) -> None:
    files = sorted((conformance / "bars" / "OperationOutcome").glob("*.json"))
    assert len(files) == 18
    for file in files:
        (found,) = read(file.read_bytes())
        assert isinstance(found, Rejected)
        assert (found.kind, found.path) == (Kind.SENDER_FAULT, "resourceType")


REQUEST = "process_message_request_ValidationRequest_POST"


def test_the_samples_request_is_read_to_its_fields(conformance: Path) -> None:
    payload = (conformance / "bars" / f"{REQUEST}.json").read_bytes()
    (found,) = read(payload)
    assert isinstance(found, New)
    referral = found.referral
    # Bundle.id names the message; the request has no identifier and is known by its fullUrl.
    assert found.message == "86e3371d-1c15-4862-9552-d9560f8292ba"
    assert referral.reference == "236bb75d-90ef-461f-b71e-fde7f899802c"
    assert referral.requester.id == "PT2489"
    assert referral.patient.age == 62
    assert referral.windows[0].start.isoformat() == "2021-11-26T15:00:00+00:00"
    assert referral.windows[0].end.isoformat() == "2021-11-26T15:20:00+00:00"
    resources = [entry["resource"] for entry in json.loads(payload)["entry"]]
    (who,) = [one for one in resources if one["resourceType"] == "Patient"]
    name = who["name"][0]
    telling = (name["family"], name["given"][0], who["birthDate"], who["identifier"][0]["value"])
    assert [word for word in telling if word in repr(found)] == []


def test_the_reason_of_the_answers_request_is_read(conformance: Path) -> None:
    name = "process_message_response_ValidationRequest_HTTP_Response"
    (found,) = read((conformance / "bars" / f"{name}.json").read_bytes())
    assert isinstance(found, New)
    assert found.referral.motive == Motive(
        system="https://fhir.nhs.uk/CodeSystem/sd-codes",
        code="1122334455",
        label="SD Code example",
    )


def test_the_swapped_coordinates_of_leeds_are_told(conformance: Path) -> None:
    leeds = Bounds(south=53.5, west=-2, north=54, east=-1)
    payload = (conformance / "bars" / f"{REQUEST}.json").read_bytes()
    (found,) = read(payload, bounds=leeds)
    assert isinstance(found, Rejected)
    assert (found.field, found.kind) == ("lat", Kind.SWAPPED)
    assert found.path == "entry[13].resource.position.latitude"


def test_a_booking_asked_for_at_another_hour_than_its_slots_is_refused(conformance: Path) -> None:
    """The sample's appointment is on 12 October, its slot on the 6th; as a wish it would count."""
    payload = (conformance / "bars" / "process_message_request_Booking_POST.json").read_bytes()
    (found,) = read(payload.replace(b'"booked"', b'"proposed"'))
    assert isinstance(found, Rejected)
    assert (found.kind, found.path) == (Kind.CONTRADICTION, "entry[1].resource.start")


@pytest.mark.parametrize("source", ["practice", "emergency", "pharmacy", "samu", "social", "ehpad"])
def test_no_sample_is_too_much_for_any_source(conformance: Path, source: str) -> None:
    for file in sorted((conformance / "bars").rglob("*.json")):
        read(file.read_bytes(), source)


def test_what_is_written_out_of_a_sample_says_the_same_again(conformance: Path) -> None:
    adapter = adapter_for(
        "hospital", territory="giennois", zone=ZoneInfo("Europe/London"), pseudonymiser=VAULT
    )
    for file in sorted((conformance / "bars").rglob("*.json")):
        parts = list(adapter.parts(file.read_bytes(), now=NOW))
        again = read(FhirFormat().joined([part.raw for part in parts], head=b""))
        kinds = [getattr(part.intake, "kind", part.intake) for part in parts]
        assert [getattr(one, "kind", one) for one in again] == kinds, file.name
