"""Answers to FHIR requests: valid by a second opinion, one issue each, never a value."""

import importlib
import json
from typing import Any

import pytest
from builders import NOW
from fhir_messages import PATIENT_URL, REQUEST_URL, bundle, entry, message, person, request
from records import PARIS, VAULT

from slotengine.adapters import Kind, Rejected, adapter_for
from slotengine.adapters.fhir import FhirFormat
from slotengine.adapters.fhir_answers import (
    Answer,
    Verdict,
    batch_response,
    message_response,
    operation_outcome,
    status_of,
    verdict,
)
from slotengine.adapters.lines import Payload
from slotengine.answers import Received
from slotengine.errors import ReferralFormatError
from slotengine.labels import Lang

HERE = "https://slots.example/fhir"
APPLIED = Received(outcome="applied")
REPEATED = Received(outcome="repeated")
BUSY = Received(outcome="refused", error="StoreBusyError", why="locked")
UNKNOWN = Received(outcome="refused", error="UnknownIdError", why="no referral r-1")


def rejected(kind: Kind = Kind.MISSING, field: str = "reference") -> Rejected:
    return Rejected(
        adapter="hospital/fhir", record=1, line=1, field=field, kind=kind,
        path="entry[0].resource.identifier",
    )  # fmt: skip


def valid(resource: Any) -> Any:
    """Gives the resource back if the second opinion (HL7's R4B as pydantic models) agrees."""
    name = resource["resourceType"]
    module = importlib.import_module(f"fhir.resources.R4B.{name.lower()}")
    getattr(module, name).model_validate_json(json.dumps(resource))
    return resource


@pytest.mark.parametrize("kind", Kind)
def test_every_kind_of_fault_is_a_valid_outcome_with_its_place(kind: Kind) -> None:
    (issue,) = valid(operation_outcome([rejected(kind)]))["issue"]
    assert issue["severity"] == "error"
    assert issue["diagnostics"] == kind.value
    assert issue["expression"] == ["entry[0].resource.identifier"]
    assert 400 <= status_of([rejected(kind)]) <= 422


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        (Kind.MISSING, Verdict("required", 400)),
        (Kind.UNKNOWN_CODE, Verdict("code-invalid", 400)),
        (Kind.BAD_DATE, Verdict("value", 400)),
        (Kind.END_BEFORE_START, Verdict("invariant", 400)),
        (Kind.WRONG_TYPE, Verdict("structure", 400)),
        (Kind.TOO_DEEP, Verdict("too-costly", 400)),
        (Kind.NOT_ACTIVE, Verdict("business-rule", 422)),
        (Kind.DECEASED, Verdict("business-rule", 422)),
    ],
)
def test_a_fault_has_a_code_of_its_kind(kind: Kind, expected: Verdict) -> None:
    assert verdict(rejected(kind)) == expected


@pytest.mark.parametrize(
    ("answer", "severity", "code", "status"),
    [
        (APPLIED, "information", "informational", 200),
        (REPEATED, "information", "duplicate", 200),
        (Received(outcome="kept"), "information", "informational", 202),
        (Received(outcome="superseded"), "warning", "conflict", 200),
        (UNKNOWN, "error", "not-found", 404),
        (Received(outcome="refused", error="DuplicateReferralError"), "error", "duplicate", 409),
        (Received(outcome="refused", error="ReferralConflictError"), "error", "conflict", 409),
        (Received(outcome="refused", error="ReferralPastError"), "error", "business-rule", 422),
        (BUSY, "error", "transient", 503),
    ],
)
def test_what_became_of_a_message_is_said(
    answer: Received, severity: str, code: str, status: int
) -> None:
    (issue,) = valid(operation_outcome([answer]))["issue"]
    assert (issue["severity"], issue["code"]) == (severity, code)
    assert verdict(answer).status == status


def test_a_payload_that_is_unreadable_is_fatal() -> None:
    answer = ReferralFormatError("hospital/fhir", "payload", Kind.BROKEN_JSON)
    (issue,) = valid(operation_outcome([answer]))["issue"]
    assert (issue["severity"], issue["code"]) == ("fatal", "structure")
    assert status_of([answer]) == 400


def test_words_are_french_or_english_and_the_worst_status_stands() -> None:
    (french,) = operation_outcome([rejected()])["issue"]  # type: ignore[misc,union-attr]  # a list of dicts
    (english,) = operation_outcome([rejected()], lang=Lang.EN)["issue"]  # type: ignore[misc,union-attr]  # the same
    assert french["details"] == {"text": "reference : manque"}  # type: ignore[call-overload,index]  # a dict
    assert english["details"] == {"text": "reference is missing"}  # type: ignore[call-overload,index]  # a dict
    assert status_of([APPLIED, rejected(), UNKNOWN]) == 404
    assert status_of([]) == 200
    assert valid(operation_outcome([]))["issue"][0]["severity"] == "information"


def test_the_words_of_an_error_are_not_passed_on() -> None:
    assert "r-1" not in json.dumps(operation_outcome([UNKNOWN]))


REQUEST = message(entry(request(), REQUEST_URL), entry(person(), PATIENT_URL))


@pytest.mark.parametrize(
    ("answers", "code"),
    [
        ([APPLIED, REPEATED], "ok"),
        ([APPLIED, BUSY], "transient-error"),
        ([BUSY, UNKNOWN], "fatal-error"),
        ([rejected()], "fatal-error"),
    ],
)
def test_a_message_is_answered_by_a_message(answers: list[Answer], code: str) -> None:
    answer = valid(message_response(REQUEST, answers, endpoint=HERE, now=NOW))
    header, outcome = (one["resource"] for one in answer["entry"])
    assert header["eventCoding"]["code"] == "servicerequest-request"
    assert header["response"]["identifier"] == "m-1"
    assert header["response"]["code"] == code
    assert header["response"]["details"]["reference"] == answer["entry"][1]["fullUrl"]
    assert len(outcome["issue"]) == len(answers)
    assert answer == message_response(REQUEST, answers, endpoint=HERE, now=NOW)


@pytest.mark.parametrize("request_", [{}, {"id": "ü " * 90}, {"entry": [7, {"resource": 7}]}])
def test_a_message_without_a_header_is_answered_all_the_same(request_: Any) -> None:
    valid(message_response(request_, [rejected()], endpoint=HERE, now=NOW))


def located(document: Any) -> list[tuple[str, list[Answer]]]:
    """Reads as a server would, and says that everything read was applied."""
    door = adapter_for("hospital", territory="giennois", zone=PARIS, pseudonymiser=VAULT).door
    payload = Payload(json.dumps(document).encode())
    found = FhirFormat().located(payload, door=door, adapter="hospital/fhir", now=NOW)
    return [
        (path, [one.intake if isinstance(one.intake, Rejected) else APPLIED for one in parts])
        for path, parts in found
    ]


def transaction(*identifiers: str, kind: str = "transaction") -> Any:
    asked = {"method": "POST", "url": "ServiceRequest"}
    several = [
        entry(request(identifier=[{"value": value}] if value else None), request=asked)
        for value in identifiers
    ]
    return bundle(
        entry(person(), PATIENT_URL, request={"method": "POST", "url": "Patient"}),
        *several,
        kind=kind,
    )


def test_a_transaction_is_answered_entry_by_entry() -> None:
    document = transaction("A", "B")
    answer = valid(batch_response(document, located(document)))
    assert answer["type"] == "transaction-response"
    assert [one["response"]["status"] for one in answer["entry"]] == ["200 OK"] * 3
    assert "outcome" not in answer["entry"][0]["response"]


def test_a_transaction_of_which_one_failed_was_a_batch() -> None:
    document = transaction("A", "")
    answer = valid(batch_response(document, located(document)))
    assert answer["type"] == "batch-response"
    statuses = [one["response"]["status"] for one in answer["entry"]]
    assert statuses == ["200 OK", "200 OK", "400 Bad Request"]
    (issue,) = answer["entry"][2]["response"]["outcome"]["issue"]
    assert issue["expression"] == ["entry[2].resource.identifier"]
    batch = transaction("A", kind="batch")
    assert batch_response(batch, located(batch))["type"] == "batch-response"
