"""The messages of the Hub Santé: claimed, unwrapped, cut, joined; and never a crash."""

import json
from typing import Any

import pytest
from builders import NOW
from hubsante_cases import (
    HEADER,
    PATIENT,
    PAYLOADS,
    case,
    changed,
    doubts,
    fault,
    one,
    parts,
    referral,
    update,
    wrapped,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from records import paris

from slotengine.adapters import Amend, Cancel, Kind, New, Rejected
from slotengine.adapters.hubsante import MAX_DEPTH, HubSanteFormat
from slotengine.adapters.registry import format_claiming
from slotengine.errors import ReferralFormatError

ALERT = json.loads((PAYLOADS / "alert_of_a_fire_brigade.json").read_text(encoding="utf-8"))


def claimed(document: object) -> str | None:
    found = format_claiming(json.dumps(document).encode())
    return None if found is None else found.name


# Claiming.


def test_each_message_is_told_from_its_keys_bare_or_wrapped_or_in_a_list() -> None:
    for message in (case(), update(), ALERT):
        for document in (message, wrapped(message), [message], [wrapped(message)]):
            assert claimed(document) == "hubsante"


def test_other_json_is_not_taken_for_it() -> None:
    assert claimed({"reference": "1", "motif": "createCase"}) == "json"
    assert claimed({"reference": '"createCaseHealth": {'}) == "json"
    assert claimed({"resourceType": "Bundle", "createCase": 1}) == "fhir"
    assert not HubSanteFormat().claims(b'reference;"createCase":\n')
    assert not HubSanteFormat().claims(b"")


def test_a_byte_order_mark_and_line_breaks_do_not_hide_it() -> None:
    text = json.dumps(case(), indent=2).encode("utf-8-sig")
    assert HubSanteFormat().claims(text)
    (part,) = parts(text)
    assert isinstance(part.intake, New)


# Envelopes.


def test_the_header_gives_the_message_its_number_and_its_time() -> None:
    intake = one(wrapped(case()))
    assert isinstance(intake, New)
    assert (intake.message, intake.issued_at) == ("fr.health.samu450_1", paris(2026, 11, 23, 8, 45))
    bare = one(case())
    assert isinstance(bare, New)
    assert (bare.message, bare.issued_at) == (None, None)
    assert bare.referral == intake.referral


def test_a_header_without_its_envelope_is_read() -> None:
    intake = one({**HEADER, **case()})
    assert isinstance(intake, New)
    assert intake.message == "fr.health.samu450_1"


def test_what_the_header_leaves_out_the_envelope_says() -> None:
    whole = wrapped(case())
    message = whole["content"][0]["jsonContent"]["embeddedJsonContent"]["message"]
    for name in ("messageId", "sentAt", "kind", "sender"):
        del message[name]
    whole["distributionID"] = "d-1"
    intake = one({**whole, "distributionKind": "Update"})
    assert isinstance(intake, Amend)
    assert (intake.message, intake.issued_at) == ("d-1", paris(2026, 11, 23, 8, 45))


@pytest.mark.parametrize("sent", ["2026-11-23T07:45:00Z", "2026-11-23T08:45:00.000+01:00"])
def test_milliseconds_and_z_are_read_though_never_written(sent: str) -> None:
    assert one(wrapped(case(), sentAt=sent)).issued_at == paris(2026, 11, 23, 8, 45)  # type: ignore[union-attr]  # a New


def test_a_time_of_sending_that_cannot_be_read_is_doubted() -> None:
    odd = one(wrapped(case(), sentAt="noon"))
    assert doubts(odd) == {("issued_at", Kind.BAD_DATE)}
    assert odd.issued_at == paris(2026, 11, 23, 8, 45)  # type: ignore[union-attr]  # the envelope's
    assert fault(wrapped(case(), sentAt="2026-11-23T19:00:00+01:00"))[:2] == (
        "issued_at", Kind.IN_FUTURE,
    )  # fmt: skip


def test_a_single_content_without_its_list_and_several_contents_are_read() -> None:
    whole = wrapped(case())
    assert isinstance(one({**whole, "content": whole["content"][0]}), New)
    both = {**whole, "content": whole["content"] + wrapped(update())["content"]}
    assert [type(part.intake) for part in parts(both)] == [New, Amend]


@pytest.mark.parametrize("status", ["Exercise", "System", "Test"])
def test_an_exercise_is_no_patient(status: str) -> None:
    assert fault(wrapped(case(), status=status)) == (
        "record", Kind.EXERCISE,
        "content[0].jsonContent.embeddedJsonContent.message.createCaseHealth",
    )  # fmt: skip
    outer_only = {**wrapped(case()), "distributionStatus": status}
    assert fault(outer_only)[1] is Kind.EXERCISE


@pytest.mark.parametrize("kind", ["Ack", "Error"])
def test_an_answer_of_the_hub_is_no_case(kind: str) -> None:
    assert fault(wrapped({"reference": {"distributionID": "d"}}, kind=kind))[:2] == (
        "record", Kind.NOT_A_CASE,
    )  # fmt: skip
    assert fault(wrapped(case(), kind=kind))[1] is Kind.NOT_A_CASE


@pytest.mark.parametrize("content", [[], [{}], {}, [{"jsonContent": None}]])
def test_an_envelope_without_a_case_is_said_so(content: object) -> None:
    assert fault({**wrapped(case()), "content": content})[:2] == ("record", Kind.NOT_A_CASE)


@pytest.mark.parametrize("content", ["text", [1], [{"jsonContent": "text"}]])
def test_an_envelope_of_other_types_is_said_so(content: object) -> None:
    assert fault({**wrapped(case()), "content": content})[:2] == ("record", Kind.WRONG_TYPE)


# The poorer case of fire brigades.


def test_an_alert_has_no_level_so_a_samus_is_refused() -> None:
    assert fault(ALERT)[:2] == ("care_level", Kind.MISSING)


def test_a_source_that_needs_no_level_reads_an_alert_with_its_band_of_ages() -> None:
    said = one(ALERT, "emergency")
    assert isinstance(said, New)
    assert doubts(said) == {("age", Kind.AGE_BAND)}
    assert said.referral.motive is not None
    assert said.referral.motive.code == "M02.06"
    nobody = changed(ALERT, {"createCase.qualification.victims": None})
    assert doubts(one(nobody, "emergency")) == set()


# What was rejected comes back.


def test_the_bytes_of_one_message_are_its_own() -> None:
    text = json.dumps(case(creation="x"), indent=1).encode()
    (part,) = parts(text)
    assert part.raw == text


def test_rejected_patients_are_joined_to_a_payload_that_says_the_same_of_them() -> None:
    good, bad, worse = (
        {"patientId": f"{PATIENT}.{number}", "detail": {"age": age}}
        for number, age in ((1, "P1Y"), (2, "old"), (3, "P999Y"))
    )
    for whole in (case(patient=[good, bad, worse]), wrapped(case(patient=[good, bad, worse]))):
        read = parts([whole, case(creation="x")])
        rejected = [part for part in read if isinstance(part.intake, Rejected)]
        assert len(read) == 4
        joined = HubSanteFormat().joined([part.raw for part in rejected], head=b"")
        again = parts(joined)
        assert [part.intake.field for part in again] == ["age", "age", "received_at"]  # type: ignore[union-attr]  # Rejected
        mended = parts(joined.replace(b"old", b"P2Y"))
        assert mended[0].intake == parts(case(patient=[{**bad, "detail": {"age": "P2Y"}}]))[
            0
        ].intake.replaced(  # type: ignore[union-attr]  # it is a New
            message=mended[0].intake.message,  # type: ignore[union-attr]  # it is a New
            issued_at=mended[0].intake.issued_at,  # type: ignore[union-attr]  # it is a New
        )


def test_patients_without_numbers_of_the_case_keep_their_company() -> None:
    """Cut out alone they would be taken for the first patient of the case."""
    pair = [{"patientId": f"fr.health.samu450.patient.{name}"} for name in ("a", "b")]
    pair[1]["detail"] = {"age": "old"}
    for part in parts(case(patient=pair)):
        assert json.loads(part.raw)["createCaseHealth"]["patient"] == pair


def test_records_are_counted_by_patient_and_lines_by_message() -> None:
    two = case(patient=[{"patientId": f"{PATIENT}.{n}", "detail": {"age": "x"}} for n in (1, 2)])
    payload = b"\n".join(json.dumps(each).encode() for each in (two, two))
    found = [part.intake for part in parts(payload)]
    assert [(each.record, each.line) for each in found] == [(1, 1), (2, 1), (3, 2), (4, 2)]  # type: ignore[union-attr]  # Rejected


# What is no JSON, too deep, too long.


def test_a_broken_message_is_the_payloads_fault_alone_and_its_own_in_a_list() -> None:
    with pytest.raises(ReferralFormatError) as caught:
        parts(b'{"createCaseHealth": {"caseId": // none\n}}')
    assert str(caught.value) == "samu/hubsante: payload: broken_json"
    lines = json.dumps(case()).encode() + b'\n{"createCaseHealth": {"caseId": }}\n'
    good, bad = parts(lines)
    assert isinstance(good.intake, New)
    assert (bad.intake.kind, bad.intake.line) == (Kind.BROKEN_JSON, 2)  # type: ignore[union-attr]  # Rejected


def test_a_repeated_name_is_refused() -> None:
    (part,) = parts(b'{"createCaseHealth": {"caseId": "a.b.c.d", "caseId": "e.f.g.h"}}')
    assert part.intake.kind is Kind.DUPLICATE_FIELD  # type: ignore[union-attr]  # Rejected


def test_nesting_at_the_limit_is_read_and_past_it_is_not() -> None:
    def deep(levels: int) -> bytes:
        nest = "[" * levels + "]" * levels
        text = json.dumps(case())
        return (text[:-2] + f', "more": {nest}' + "}}").encode()

    assert isinstance(parts(deep(MAX_DEPTH - 2))[0].intake, New)
    with pytest.raises(ReferralFormatError):
        parts(json.dumps(json.loads(deep(MAX_DEPTH - 1)), indent=1).encode())


def test_the_format_can_be_forced() -> None:
    said = one({"reference": "1"}, format="hubsante")
    assert isinstance(said, Rejected)
    assert (said.field, said.kind) == ("record", Kind.NOT_A_CASE)


# Whatever stands in a message.

ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=6,
)
GONE = "gone"


def places(value: Any, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    items: list[tuple[str | int, Any]] = []
    if isinstance(value, dict):
        items = list(value.items())
    elif isinstance(value, list):
        items = list(enumerate(value))
    return [path, *(place for key, inner in items for place in places(inner, (*path, key)))]


FULL = [json.loads(path.read_text(encoding="utf-8")) for path in sorted(PAYLOADS.iterdir())]
PLACES = [(index, place) for index, whole in enumerate(FULL) for place in places(whole) if place]


@settings(deadline=None, derandomize=True, max_examples=300)
@given(st.sampled_from(PLACES), ANYTHING | st.just(GONE))
def test_any_change_of_a_message_is_read_or_refused_and_says_no_name(
    where: tuple[int, tuple[str | int, ...]], value: object
) -> None:
    index, place = where
    whole = json.loads(json.dumps(FULL[index]))
    at: Any = whole
    for step in place[:-1]:
        at = at[step]
    if value == GONE:
        del at[place[-1]]
    else:
        at[place[-1]] = value
    try:
        read = parts(whole, format="hubsante")
    except ReferralFormatError:
        return
    assert read
    for part in read:
        assert isinstance(part.intake, New | Amend | Cancel | Rejected)
        shown = f"{part!r}{part.intake.model_dump_json()}"
        assert "xemple" not in shown
        assert "1961" not in shown


@settings(deadline=None, derandomize=True, max_examples=100)
@given(st.binary(max_size=200), st.integers(0, 400))
def test_bytes_put_anywhere_raise_nothing_but_the_payloads_fault(put: bytes, at: int) -> None:
    text = json.dumps(wrapped(case())).encode()
    try:
        for part in parts(text[:at] + put + text[at:], format="hubsante"):
            assert part.intake is not None
    except ReferralFormatError:
        pass


def test_one_case_says_the_same_as_a_record_of_a_table() -> None:
    said = referral(case())
    record = {
        "reference": said.reference,
        "age": "65",
        "sexe": "F",
        "lat": "47.6875",
        "lon": "2.6307",
        "insee": "45155",
        "priorite": "sous 24 h",
        "niveau_soin": "R3",
        "motif_code": "M03.14",
        "motif_systeme": "hubsante-motif",
        "motif": "Fièvre, problème infectieux",
        "demandeur": "fr.health.samu450",
        "recu_le": "2026-11-23T08:31:00+01:00",
        "id_patient": f"{PATIENT}.1",
    }
    assert referral(record, now=NOW) == said
