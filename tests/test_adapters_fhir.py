"""FHIR R4 as a format: what claims it, what a document holds, one bad record, sent again."""

import json
from pathlib import Path
from typing import Any

import pytest
from builders import NOW
from fhir_messages import (
    G15,
    PATIENT_URL,
    REQUEST_URL,
    about,
    bundle,
    concept,
    entry,
    fault,
    intakes,
    message,
    new,
    parts,
    person,
    referral,
    request,
)
from records import PARIS, VAULT, paris

from slotengine.adapters import (
    PROFILES,
    Amend,
    Cancel,
    Kind,
    New,
    Outcome,
    Rejected,
    adapter_for,
    fhir,
)
from slotengine.adapters.registry import format_claiming
from slotengine.codes import BookingStatus, Mode, Priority, Profession, SourceKind
from slotengine.domain import Location, Motive, TimeWindow

PAYLOADS = Path(__file__).parent / "payloads" / "fhir"


def test_a_message_of_a_hospital_is_read_to_the_last_field() -> None:
    said = new((PAYLOADS / "message.json").read_bytes())
    one_ = said.referral
    assert said.message == "msg-2026-0001"
    assert said.issued_at == paris(2026, 11, 23, 8, 45)
    assert one_.reference == "H-2026-31"
    assert (one_.source, one_.requester.id) == (SourceKind.HOSPITAL, "450000104")
    assert one_.patient.key == VAULT.of_nir("279035121518989")
    assert one_.patient.location == Location(lat=47.6867, lon=2.6318, insee="45155")
    assert (one_.patient.age, one_.patient.own_practitioner) == (47, "10002909371")
    assert (one_.professions, one_.specialties) == ((Profession.PHYSICIAN,), ("SM54",))
    assert (one_.priority, one_.modes) == (Priority.URGENT, (Mode.HH,))
    assert one_.motive == Motive(
        system="http://id.who.int/icd/release/10",
        code="I50.0",
        label="Insuffisance cardiaque congestive",
    )
    # Free from the discharge of the 24th on, not from the 23rd.
    assert one_.windows == (TimeWindow(start=paris(2026, 11, 24, 11), end=paris(2026, 11, 26, 18)),)
    assert one_.deadline == paris(2026, 11, 26, 18)
    assert one_.received_at == paris(2026, 11, 23, 8, 30)


def test_a_record_a_line_is_read_line_by_line() -> None:
    first, second, third, fourth = intakes((PAYLOADS / "requests.ndjson").read_bytes(), "pharmacy")
    assert isinstance(first, New)
    assert (first.referral.reference, first.referral.priority) == ("PH-1", Priority.ASAP)
    assert first.referral.patient.age == 78
    assert isinstance(second, Cancel)
    assert second.reference == "PH-2"
    assert isinstance(third, Rejected)
    assert (third.line, third.record, third.field, third.kind) == (
        3,
        3,
        "birth_date",
        Kind.BAD_DATE,
    )
    assert third.path == "contained[0].birthDate"
    assert isinstance(fourth, Outcome)
    assert (fourth.reference, fourth.outcome) == ("PH-4", BookingStatus.NOSHOW)


AS_A_TABLE = {
    SourceKind.SAMU: {"care_level": "R3"},
    SourceKind.PRACTICE: {"professions": "60"},
}
REQUESTERS = {SourceKind.NURSE, SourceKind.PHYSIOTHERAPIST, SourceKind.MIDWIFE}


@pytest.mark.parametrize("source", PROFILES)
def test_a_table_and_a_bundle_of_the_same_content_give_the_same_referral(
    source: SourceKind,
) -> None:
    house = "10002909371" if source in REQUESTERS else "450000104"
    own = {"performerType": concept(G15, "60")} if source is SourceKind.PRACTICE else {}
    if source is SourceKind.SAMU:
        own = {"category": [concept("https://hub.example/HubSante.niveauSoin", "R3")]}
    number = (
        {"system": "https://rpps.esante.gouv.fr", "value": house}
        if source in REQUESTERS
        else {"system": "https://finess.esante.gouv.fr", "value": house}
    )
    document = about(
        person(generalPractitioner=[{"identifier": {"system": "https://rpps.esante.gouv.fr",
                                                    "value": "10002909371"}}]),
        identifier=[{"value": "X-1"}],
        priority="asap",
        requester={"identifier": number},
        occurrencePeriod={"start": "2026-11-23T14:00:00+01:00", "end": "2026-11-23T18:00:00+01:00"},
        **own,
    )  # fmt: skip
    fields = {
        "reference": "X-1",
        "nir": "279035121518989",
        "birth_date": "31/03/1979",
        "sex": "F",
        "priority": "asap",
        "requester_id": house,
        "own_practitioner": "10002909371",
        "received_at": "23/11/2026 08:30",
        "window_start": "23/11/2026 14:00",
        "window_end": "23/11/2026 18:00",
        "deadline": "23/11/2026 18:00",
        **AS_A_TABLE.get(source, {}),
    }
    table = ";".join(fields) + "\n" + ";".join(fields.values()) + "\n"
    adapter = adapter_for(
        source.value, territory="giennois", zone=PARIS, pseudonymiser=VAULT, format="csv"
    )
    (written,) = adapter.read(table.encode(), now=NOW)
    assert isinstance(written, New), written
    assert referral(document, source.value) == written.referral


HUB = b'{"createCaseHealth": {"decision": [{"resourceType": "SMUR"}]}}'


@pytest.mark.parametrize(
    ("payload", "claimed"),
    [
        (b'{"resourceType":"Bundle"}', True),
        (b'\xef\xbb\xbf \n[{ "resourceType" : "ServiceRequest"}]', True),
        (b'{"type":"message","resourceType":"Bundle"}', True),
        (b'{"reference": "42"}', False),
        (HUB, False),
        (b"resourceType;Bundle", False),
        (b"", False),
    ],
)
def test_fhir_is_told_by_the_type_of_a_resource(payload: bytes, claimed: bool) -> None:  # noqa: FBT001 - a table
    assert fhir.FhirFormat().claims(payload) is claimed


def test_a_bundle_is_asked_for_before_plain_json_and_a_case_of_a_samu_is_left_alone() -> None:
    found, case = format_claiming(b'{"resourceType":"Bundle"}'), format_claiming(HUB)
    assert found is not None
    assert found.name == "fhir"
    assert case is not None
    assert case.name != "fhir"


@pytest.mark.parametrize("kind", ["transaction", "batch", "collection", "searchset", "history"])
def test_every_type_of_bundle_is_read(kind: str) -> None:
    document = {**about(), "type": kind}
    assert referral(document).reference == "H-7"


def test_parameters_arrays_and_bundles_in_bundles_are_read() -> None:
    whole = about()
    wrapped = {"resourceType": "Parameters", "parameter": [{"name": "content", "resource": whole}]}
    nested = bundle(entry(whole))
    for document in (wrapped, [whole], nested, {**nested, "type": "batch"}):
        assert referral(document).reference == "H-7"


def test_bundles_nested_without_end_are_refused() -> None:
    document = about()
    for _ in range(5):
        document = bundle(entry(document))
    field, kind, path = fault(document)
    assert (field, kind) == ("record", Kind.TOO_DEEP)
    assert path == "entry[0].resource" + ".entry[0].resource" * 4


@pytest.mark.parametrize(
    ("document", "kind", "path"),
    [
        ({"resourceType": "Patient"}, Kind.NOT_A_REFERRAL, "resourceType"),
        ({"nothing": 1}, Kind.NOT_A_REFERRAL, "resourceType"),
        ({"resourceType": "OperationOutcome", "issue": []}, Kind.SENDER_FAULT, "resourceType"),
        (bundle(entry(person())), Kind.NOT_A_REFERRAL, "entry"),
        (bundle(entry({"resourceType": "OperationOutcome"})), Kind.SENDER_FAULT, "entry"),
        (bundle(), Kind.NOT_A_REFERRAL, "entry"),
        (bundle("text"), Kind.NOT_AN_OBJECT, "entry[0]"),  # type: ignore[arg-type]  # wrong on purpose
        ({"resourceType": "Bundle", "entry": 7}, Kind.WRONG_TYPE, "entry"),
        ({"resourceType": "Parameters", "parameter": []}, Kind.NOT_A_REFERRAL, "entry"),
    ],
)
def test_what_holds_no_request_is_one_rejection(document: Any, kind: Kind, path: str) -> None:
    assert fault(document) == ("record", kind, path)


def test_a_search_that_found_nothing_says_nothing() -> None:
    assert intakes({"resourceType": "Bundle", "type": "searchset", "total": 0}) == []


def test_a_search_is_about_its_matches() -> None:
    document = bundle(
        entry(request(), REQUEST_URL, search={"mode": "match"}),
        entry(request(identifier=[{"value": "H-8"}]), search={"mode": "include"}),
        entry(person(), PATIENT_URL, search={"mode": "include"}),
        entry({"resourceType": "OperationOutcome"}, search={"mode": "outcome"}),
        kind="searchset",
    )
    assert referral(document).reference == "H-7"


def test_a_message_is_about_its_focus() -> None:
    focus = {"focus": [{"reference": REQUEST_URL}]}
    beside = entry(request(identifier=[{"value": "H-8"}]), "urn:uuid:of-another")
    entries = (beside, entry(request(), REQUEST_URL), entry(person(), PATIENT_URL))
    assert referral(message(*entries, header=focus)).reference == "H-7"
    assert len(intakes(message(*entries))) == 2


def test_the_answer_to_a_request_is_no_request() -> None:
    answer = {"response": {"identifier": "m-0", "code": "ok"}}
    document = message(entry(request(), REQUEST_URL), entry(person(), PATIENT_URL), header=answer)
    assert fault(document) == ("record", Kind.NOT_A_REFERRAL, "entry")


def test_a_resource_that_stands_in_place_of_its_entry_is_read() -> None:
    """Seen in a published sample of the NHS."""
    document = bundle(request(), entry(person(), PATIENT_URL))
    assert referral(document).reference == "H-7"


def test_one_bad_record_does_not_sink_the_others() -> None:
    document = bundle(
        entry(request(identifier=[{"value": "A"}]), REQUEST_URL),
        entry(request(identifier=[{"value": "B"}], authoredOn="yesterday")),
        entry(request(identifier=[{"value": "C"}], priority=3)),
        entry(request(identifier=[{"value": "D"}], basedOn=7)),
        entry({"resourceType": "Appointment", "status": "cancelled", "basedOn": 7}),
        entry(person(), PATIENT_URL),
    )
    found = intakes(document)
    assert [getattr(one_, "field", "") for one_ in found] == [
        "",
        "received_at",
        "priority",
        "",
        "record",
    ]
    assert [getattr(one_, "path", "") for one_ in found] == [
        "",
        "entry[1].resource.authoredOn",
        "entry[2].resource.priority",
        "",
        "entry[4].resource.basedOn",
    ]


def test_what_was_rejected_is_sent_again_after_correction() -> None:
    document = bundle(
        entry(request(identifier=[{"value": "A"}]), REQUEST_URL),
        entry(
            request(
                identifier=[{"value": "B"}],
                authoredOn="2026-13-01",
                text={"status": "generated", "div": "<div>large</div>"},
            )
        ),
        entry(person(), PATIENT_URL),
    )
    bad = [part for part in parts(document) if isinstance(part.intake, Rejected)]
    again = fhir.FhirFormat().joined([part.raw for part in bad], head=b"")
    assert again.count(b"\n") == 1
    assert b"large" not in again
    assert fault(again) == ("received_at", Kind.BAD_DATE, "entry[0].resource.authoredOn")
    mended = again.replace(b"2026-13-01", b"2026-11-23")
    assert referral(mended).reference == "B"
    assert referral(mended).patient.age == 47


@pytest.mark.parametrize("name", ["message.json", "requests.ndjson"])
def test_every_record_written_out_says_the_same_again(name: str) -> None:
    found = parts((PAYLOADS / name).read_bytes())
    again = parts(fhir.FhirFormat().joined([part.raw for part in found], head=b""))
    kept = [part.intake for part in found if not isinstance(part.intake, Rejected)]
    assert [part.intake for part in again if not isinstance(part.intake, Rejected)] == kept
    assert len(found) == len(again)


def test_the_message_its_reason_and_its_sender_are_sent_again_too() -> None:
    sender = {"resourceType": "Organization", "id": "o", "identifier": [{"value": "450000104"}]}
    document = message(
        entry(request(requester=None), REQUEST_URL),
        entry(person(), PATIENT_URL),
        entry(sender, "urn:uuid:sender"),
        reason="update",
        header={"sender": {"reference": "urn:uuid:sender"}},
        identifier={"value": "env-7"},
        timestamp="2026-11-23T08:59:00+01:00",
    )
    (first,) = parts(document)
    (again,) = parts(first.raw)
    assert isinstance(first.intake, Amend)
    assert first.intake.message == "env-7"
    assert first.intake.referral.requester.id == "450000104"
    assert again.intake == first.intake


def test_lone_surrogates_are_written_out_as_they_came() -> None:
    raw = json.dumps(request(identifier=[{"value": "\ud800"}], priority="\udfff")).encode()
    (part,) = parts(raw)
    assert isinstance(part.intake, Rejected)
    assert json.loads(part.raw)["priority"] == "\udfff"
