"""Envelope and files of HL7 v2: which message, when, how many, of what kind."""

from datetime import UTC, datetime, timedelta

import pytest
from builders import NOW
from hl7_messages import (
    PID,
    doubts,
    fault,
    message,
    pid,
    read,
    read_all,
    ref,
    rf1,
)
from records import VAULT, paris

from slotengine.adapters import Amend, Cancel, New, Rejected, adapter_for
from slotengine.adapters.hl7v2_files import MAX_MESSAGE_BYTES
from slotengine.codes import Priority, Sex
from slotengine.errors import ReferralFormatError


def test_a_referral_says_who_what_and_when() -> None:
    one = read(ref())
    assert isinstance(one, New)
    assert (one.message, one.issued_at) == ("I12:3995", paris(2026, 11, 23, 8, 55))
    found = one.referral
    assert found.reference == "ORBIS/R-1"
    assert found.requester.id == "CHU-X"
    assert found.received_at == paris(2026, 11, 23, 8, 55)
    assert (found.patient.age, found.patient.sex) == (47, Sex.FEMALE)
    assert found.priority is Priority.ROUTINE
    assert one.warnings == ()


@pytest.mark.parametrize(("event", "kind"), [("I12", New), ("I13", Amend), ("I14", Cancel)])
def test_the_event_says_whether_it_is_new_changed_or_over(event: str, kind: type) -> None:
    assert type(read(ref(event=event))) is kind


def test_the_same_number_in_another_event_is_another_message() -> None:
    new, over = read(ref()), read(ref(event="I14"))
    assert not isinstance(new, Rejected)
    assert not isinstance(over, Rejected)
    assert new.message != over.message


@pytest.mark.parametrize(
    ("written", "kind"),
    [
        ("", "missing"), ("20261123", "bad_date"), ("2026112308", "bad_date"),
        ("yesterday", "bad_date"), ("20261323085500", "bad_date"), ("198908181126", "out_of_range"),
    ],
)  # fmt: skip
def test_a_message_whose_date_orders_nothing_is_read_with_a_doubt(written: str, kind: str) -> None:
    one = read(ref(at=written))
    assert isinstance(one, New)
    assert one.issued_at is None
    assert ("issued_at", kind) in {(doubt.field, doubt.kind.value) for doubt in one.warnings}
    assert one.referral.received_at == NOW


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("202611230855", paris(2026, 11, 23, 8, 55)),
        ("20261123075500+0000", datetime(2026, 11, 23, 7, 55, tzinfo=UTC)),
        ("20261123085500.25-0500", None),
        ("20261123091500", paris(2026, 11, 23, 9, 15)),
    ],
)
def test_the_date_of_a_message_is_the_territory_s_unless_it_has_an_offset(
    written: str, meant: datetime | None
) -> None:
    one = read(ref(at=written))
    if meant is None:
        assert fault(ref(at=written)) == ("received_at", "in_future", "MSH-7")
    else:
        assert not isinstance(one, Rejected)
        assert one.issued_at == meant


def test_a_sender_s_clock_may_be_a_quarter_of_an_hour_ahead_and_no_more() -> None:
    assert isinstance(read(ref(at="20261123091500")), New)
    assert fault(ref(at="20261123091501"))[1] == "in_future"


@pytest.mark.parametrize(
    ("now", "offset"), [("2026-10-25T00:40:00+00:00", 2), ("2026-10-25T01:40:00+00:00", 1)]
)
def test_in_the_hour_that_comes_twice_a_message_was_written_just_now(now: str, offset: int) -> None:
    at = datetime.fromisoformat(now)
    one = read(ref(at="20261025023500"), now=at)
    assert not isinstance(one, Rejected)
    assert one.issued_at == datetime(2026, 10, 25, 2, 35, tzinfo=UTC) - timedelta(hours=offset)
    assert ("issued_at", "ambiguous_time") in doubts(ref(at="20261025023500"), now=at)


def test_an_hour_that_never_was_is_read_with_a_doubt() -> None:
    at = datetime(2027, 3, 28, 1, 40, tzinfo=UTC)
    assert ("issued_at", "nonexistent_time") in doubts(ref(at="20270328023500"), now=at)


@pytest.mark.parametrize("version", ["2.1", "2.3.1", "2.5", "2.5^FRA^2.11", "2.8", "2.9", ""])
def test_every_version_2_is_read(version: str) -> None:
    payload = ref().replace(b"2.5^FRA^2.11", version.encode())
    assert isinstance(read(payload), New)


@pytest.mark.parametrize("version", ["3.0", "2", "2.10", "FHIR", "2.5x"])
def test_another_version_is_refused(version: str) -> None:
    payload = ref().replace(b"2.5^FRA^2.11", version.encode())
    assert fault(payload) == ("record", "unsupported_version", "MSH-12")


@pytest.mark.parametrize(
    "kind", ["ADT^A60", "ADT^A08", "REF^I15", "SIU^S18", "ORU^R01", "REF", "", "ACK^I12", "ADT^Z99"]
)
def test_a_message_of_another_kind_is_refused(kind: str) -> None:
    assert fault(message(kind, PID)) == ("record", "unsupported_message", "MSH-9")


def test_the_structure_beside_the_event_is_not_asked_for() -> None:
    assert isinstance(read(message("REF^I14^REF_I12", rf1(), PID)), Cancel)


def test_a_test_message_is_told() -> None:
    payload = ref().replace(b"|3995|P|", b"|3995|D|")
    assert doubts(payload) == {("record", "exercise")}


def test_a_message_without_a_number_is_read_with_a_doubt() -> None:
    one = read(ref(number=""))
    assert isinstance(one, New)
    assert one.message is None
    assert ("message", "missing") in doubts(ref(number=""))


def test_a_number_may_have_199_signs_and_no_more() -> None:
    assert isinstance(read(ref(number="9" * 199)), New)
    assert fault(ref(number="9" * 200)) == ("message", "too_long", "MSH-10")
    assert fault(ref(number="\\X00\\")) == ("message", "control_character", "MSH-10")


def test_many_messages_of_a_file_are_read_each_by_itself() -> None:
    bad = ref(rf1(), pid(f7="19791350"), number="2")
    found = read_all(ref() + bad + ref(event="I14", number="3"))
    assert [type(one) for one in found] == [New, Rejected, Cancel]
    assert isinstance(found[1], Rejected)
    assert (found[1].record, found[1].line, found[1].path) == (2, 4, "PID-7")


def test_the_envelope_of_a_batch_is_no_message() -> None:
    batch = b"FHS|^~\\&|A\rBHS|^~\\&|A\r" + ref() + ref(number="4") + b"BTS|2\rFTS|1\r"
    assert [type(one) for one in read_all(batch)] == [New, New]


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
@pytest.mark.parametrize("around", [(b"", b""), (b"\x0b", b"\x1c\r"), (b"\xef\xbb\xbf", b"\x1a")])
def test_line_ends_and_framing_change_nothing(end: bytes, around: tuple[bytes, bytes]) -> None:
    framed = around[0] + ref().replace(b"\r", end) + around[1]
    assert read(framed) == read(ref())


def test_a_message_too_large_costs_only_itself() -> None:
    edge = ref(rf1(), PID)
    filler = b"ZZZ|" + b"x" * (MAX_MESSAGE_BYTES - len(edge) - 5) + b"\r"
    assert isinstance(read(edge + filler), New)
    large = read_all(edge + filler[:-1] + b"x\r" + ref(number="2"))
    assert [type(one) for one in large] == [Rejected, New]
    assert isinstance(large[0], Rejected)
    assert large[0].kind.value == "too_large"


@pytest.mark.parametrize(
    ("payload", "kind"),
    [(b"", "empty"), (b"\r\n\x0b\x1c", "empty"), (b"PID|1\r", "not_hl7"), (b"a;b\n", "not_hl7")],
)
def test_a_payload_that_is_no_hl7_is_refused_as_a_whole(payload: bytes, kind: str) -> None:
    with pytest.raises(ReferralFormatError) as caught:
        read_all(payload)
    assert (caught.value.field, caught.value.kind) == ("payload", kind)


def test_what_was_rejected_can_be_handed_in_again() -> None:
    adapter = adapter_for(
        "hospital", territory="giennois", zone=paris(2026, 1, 1).tzinfo, pseudonymiser=VAULT
    )
    opened = adapter.opened(ref() + ref(rf1(), pid(f7="x"), number="2") + ref(rf1(f6="")))
    rejected = [part for part in opened.parts(now=NOW) if isinstance(part.intake, Rejected)]
    again = adapter.opened(opened.joined(part.raw for part in rejected))
    second = [part.intake for part in again.parts(now=NOW)]
    assert [(one.field, one.kind) for one in second if isinstance(one, Rejected)] == [
        (one.intake.field, one.intake.kind) for one in rejected if isinstance(one.intake, Rejected)
    ]
    assert len(second) == len(rejected) == 2
