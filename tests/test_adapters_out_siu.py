"""SIU messages that we send: our own reader and another library read them back."""

from datetime import date, datetime, timedelta
from typing import Any

import pytest
from builders import NOW
from hl7_messages import INS, read
from hl7apy.parser import parse_message
from hypothesis import given, settings
from hypothesis import strategies as st
from records import PARIS, VAULT, paris

from slotengine.adapters import Amend, Cancel, New, Outcome
from slotengine.adapters.hl7v2_text import Message
from slotengine.adapters.out_siu import Ends, Person, event_of, siu
from slotengine.codes import BookingStatus, Mode, Sex, SourceKind
from slotengine.destinations import Notice

START = paris(2026, 11, 24, 10)


def notice(**changes: Any) -> Notice:
    fields: dict[str, Any] = {
        "territory": "giennois",
        "booking": "b-1",
        "sequence": 1,
        "status": BookingStatus.CONFIRMED,
        "referral": "r-1",
        "source": SourceKind.PHARMACY,
        "practitioner": "10003456789",
        "site": "s-1",
        "slot": "slot-1",
        "mode": Mode.AMB,
        "start": START,
        "end": START + timedelta(minutes=20),
        "created": NOW,
        "changed": NOW,
        "operator": "pharmacy-1",
    }
    return Notice(**{**fields, **changes})


def written(one: Notice | None = None, **said: Any) -> bytes:
    return siu(one or notice(), number="n-1", at=NOW, zone=PARIS, **said)


def opened(data: bytes) -> Message:
    message = Message.of(data)
    assert isinstance(message, Message)
    return message


def test_a_booking_is_written_whole() -> None:
    ends = Ends("SNP", "CPTS", "AGENDA", "CABINET")
    assert written(ends=ends, pseudonym="f" * 32).decode().splitlines() == [
        (
            "MSH|^~\\&|SNP|CPTS|AGENDA|CABINET|20261123090000+0100||SIU^S12^SIU_S12|n-1|P|2.5|||||FRA"
            "|UNICODE UTF-8|FR"
        ),
        (
            "SCH|r-1^SLOTENGINE|b-1^SLOTENGINE||||S12^Booked|||20|min||||||"
            "810003456789^^^^^^^^ASIP-SANTE-PS&1.2.250.1.71.4.2.1&ISO^D^^^IDNPS||||pharmacy-1|||||Booked"
        ),
        "TQ1|||||||20261124100000+0100|20261124102000+0100",
        f"PID|1||{'f' * 32}^^^SLOTENGINE^PI||^^^^^^S",
        "RGS|1|A",
        "AIS|1|A|AMB^au cabinet^v3-ActCode|20261124100000+0100|||20|min||Booked",
        "AIL|1|A|^^^s-1|||20261124100000+0100|||20|min||Booked",
        (
            "AIP|1|A|810003456789^^^^^^^^ASIP-SANTE-PS&1.2.250.1.71.4.2.1&ISO^D^^^IDNPS|||"
            "20261124100000+0100|||20|min||Booked"
        ),
    ]


@pytest.mark.parametrize(
    ("status", "sequence", "event", "said"),
    [
        ("confirmed", 1, "S12", "Booked"), ("confirmed", 2, "S13", "Booked"),
        ("held", 1, "S12", "Pending"), ("promised", 1, "S12", "Pending"),
        ("fulfilled", 2, "S14", "Complete"), ("noshow", 2, "S26", "Noshow"),
        ("cancelled", 2, "S15", "Cancelled"), ("expired", 2, "S15", "Cancelled"),
        ("cancelled", 1, "S15", "Cancelled"),
    ],
)  # fmt: skip
def test_the_event_follows_from_state_and_sequence(
    status: str, sequence: int, event: str, said: str
) -> None:
    one = notice(status=BookingStatus(status), sequence=sequence)
    assert event_of(one) == event
    message = opened(written(one))
    assert (message.header.text(9, 2), message.one("SCH").text(25)) == (event, said)
    assert message.one("AIP").text(12) == said


@pytest.mark.parametrize(
    ("status", "sequence", "kind"),
    [("confirmed", 1, New), ("confirmed", 2, Amend), ("cancelled", 2, Cancel),
     ("noshow", 2, Outcome), ("fulfilled", 2, Outcome)],
)  # fmt: skip
def test_our_own_reader_reads_what_we_write(status: str, sequence: int, kind: type) -> None:
    one = read(
        written(notice(status=BookingStatus(status), sequence=sequence), pseudonym="a" * 32),
    )
    assert type(one) is kind
    if isinstance(one, New):
        assert one.referral.reference == "SLOTENGINE/b-1"
        assert one.referral.patient.own_practitioner == "10003456789"
        assert [(w.start, w.end) for w in one.referral.windows] == [
            (START, START + timedelta(minutes=20))
        ]


def test_a_person_is_named_only_when_the_host_says_who() -> None:
    who = Person("ESSAI", "DOMINIQUE", date(1979, 3, 28), Sex.FEMALE, nir=INS, local_id="42")
    one = read(written(person=who))
    assert isinstance(one, New)
    assert one.referral.patient.key == VAULT.of_nir(INS)
    assert (one.referral.patient.age, one.referral.patient.sex) == (47, Sex.FEMALE)
    assert not opened(written()).all("PID")
    silent = opened(written(pseudonym="a" * 32)).one("PID")
    assert [silent.raw(number) for number in (5, 7, 8, 32)] == ["^^^^^^S", "", "", ""]
    assert "ESSAI" not in repr(who)
    assert INS not in repr(who)


def test_who_has_no_rpps_is_named_by_our_own_number() -> None:
    aip = opened(written(notice(practitioner="d1"))).one("AIP")
    assert aip.raw(3) == "d1"


def test_times_keep_their_offset_when_clocks_change() -> None:
    start = datetime.fromisoformat("2026-10-25T01:30:00+00:00")
    one = notice(start=start, end=start + timedelta(minutes=30))
    assert opened(written(one)).one("TQ1").raw(7) == "20261025023000+0100"


NAMES = st.text(st.sampled_from("ABÉœ|^~\\&\r\n\x0b\x1c' -"), min_size=1, max_size=12)


@given(NAMES, NAMES)
@settings(deadline=None, derandomize=True, max_examples=60)
def test_no_name_breaks_a_message(family: str, given_name: str) -> None:
    data = written(person=Person(family, given_name))
    message = opened(data)
    assert [segment.name for segment in message.segments] == [
        "MSH", "SCH", "TQ1", "PID", "RGS", "AIS", "AIL", "AIP",
    ]  # fmt: skip
    name = message.one("PID").repetitions(5)[0]
    assert (name.part(1), name.part(2)) == (family.strip(), given_name.strip())
    assert b"\x0b" not in data
    assert b"\x1c" not in data


@pytest.mark.parametrize("status", ["confirmed", "cancelled", "noshow"])
def test_another_library_finds_it_valid(status: str) -> None:
    who = Person("D'ESSAI & FILS", "Zoé", date(1979, 3, 28), Sex.FEMALE, local_id="42")
    data = written(notice(status=BookingStatus(status), sequence=2), person=who)
    theirs = parse_message(data.decode())
    assert theirs.validate()
    assert theirs.sch.sch_2.to_er7() == "b-1^SLOTENGINE"
    person = theirs.siu_s12_patient.pid
    assert person.pid_5.to_er7() == "D'ESSAI \\T\\ FILS^Zoé^^^^^L"
