"""What a FHIR payload may not be: broken, deep, large, or telling of a patient in its faults."""

import json
from datetime import timedelta
from typing import Any

import pytest
from builders import NOW
from fhir_messages import (
    PATIENT_URL,
    about,
    bundle,
    entry,
    fault,
    intakes,
    one,
    parts,
    person,
    referral,
    request,
)

from slotengine.adapters import (
    Cancel,
    Kind,
    New,
    Rejected,
    fhir,
    fhir_bundle,
)
from slotengine.adapters.fhir_nodes import Node
from slotengine.errors import ReferralFormatError


@pytest.mark.parametrize(
    ("payload", "kind"),
    [
        (b"", Kind.EMPTY),
        (b"   \n", Kind.EMPTY),
        (b'{\n"resourceType": "Bundle", ', Kind.BROKEN_JSON),
        (b"7", Kind.NOT_JSON),
    ],
)
def test_a_payload_unreadable_as_a_whole_is_an_error(payload: bytes, kind: Kind) -> None:
    with pytest.raises(ReferralFormatError) as refused:
        parts(payload)
    assert refused.value.kind == kind


def test_a_broken_line_is_one_rejection_and_the_next_line_is_read() -> None:
    payload = b'{"resourceType": "Bundle",}\n' + json.dumps(about()).encode()
    broken, good = intakes(payload)
    assert isinstance(broken, Rejected)
    assert (broken.kind, broken.line) == (Kind.BROKEN_JSON, 1)
    assert isinstance(good, New)


def test_nesting_is_allowed_to_the_edge_and_refused_beyond() -> None:
    def nested(levels: int) -> Any:
        value: Any = 1
        for _ in range(levels):
            value = [value]
        return value

    # The request is one level, its member's value the others.
    assert isinstance(one(request(status="revoked", extra=nested(fhir.MAX_DEPTH - 1))), Cancel)
    _, kind, _ = fault(request(status="revoked", extra=nested(fhir.MAX_DEPTH)))
    assert kind is Kind.TOO_DEEP


def test_a_record_larger_than_the_limit_is_refused_and_a_picture_does_not_count() -> None:
    large = "x" * fhir.MAX_RECORD_BYTES
    assert fault(about(person(language=large)))[:2] == ("record", Kind.TOO_LARGE)
    assert referral(about(person(photo=[{"data": large}]))).reference == "H-7"


def test_many_records_that_share_something_large_are_not_written_without_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(fhir, "MAX_PAYLOAD_BYTES", 20_000)
    several = [entry(request(identifier=[{"value": f"H-{n}"}])) for n in range(30)]
    found = intakes(bundle(*several, entry(person(language="x" * 2_000), PATIENT_URL)))
    assert isinstance(found[-1], Rejected)
    assert (found[-1].field, found[-1].kind) == ("payload", Kind.TOO_LARGE)
    assert len(found) < 10


def test_a_list_of_thousands_in_a_resource_is_refused() -> None:
    fields = fault(about(identifier=[{"value": "1"}] * 1_001))
    assert fields == ("record", Kind.TOO_MANY, "entry[0].resource.identifier")
    assert referral(about(identifier=[{"value": "1"}] * 1_000)).reference == "1"


def test_records_end_at_their_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fhir, "MAX_RECORDS", 2)
    several = [request(identifier=[{"value": f"H-{n}"}], status="revoked") for n in range(3)]
    found = intakes("\n".join(map(json.dumps, several)).encode())
    assert [type(one_) for one_ in found] == [Cancel, Cancel, Rejected]


def test_no_value_of_a_patient_stands_in_what_a_fault_shows() -> None:
    document = about(person(birthDate="31/31/1979"), authoredOn="2026-11-23")
    (part,) = parts(document)
    for shown in (repr(part), repr(part.intake), str(part.intake)):
        assert "Nominvent" not in shown
        assert "1979" not in shown
        assert "2790351" not in shown


def test_what_is_held_while_reading_shows_no_value() -> None:
    record = next(fhir_bundle.records(Node(about())))
    assert "Nominvent" not in repr(record)


def test_time_passes_between_two_readings_and_the_referral_is_the_same() -> None:
    document = about(authoredOn=None, meta={"lastUpdated": "2026-11-23T07:00:00Z"})
    assert referral(document) == referral(document, now=NOW + timedelta(days=3))
