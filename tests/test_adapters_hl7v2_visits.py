"""SIU and ADT: appointments and visits of other houses."""

import pytest
from hl7_messages import (
    PID,
    SCH,
    TQ1,
    about,
    doubts,
    fault,
    message,
    pid,
    read,
    referral,
    with_field,
)
from records import paris

from slotengine.adapters import Amend, Cancel, New, Outcome, Rejected
from slotengine.codes import BookingStatus, Profession


def siu(event: str, *segments: str, sch: str = SCH) -> bytes:
    return message(f"SIU^{event}^SIU_S12", sch, *(segments or (TQ1, PID)))


@pytest.mark.parametrize(
    ("event", "kind"),
    [("S12", New), ("S13", Amend), ("S14", Amend), ("S15", Cancel), ("S16", Cancel),
     ("S17", Cancel), ("S26", Outcome)],
)  # fmt: skip
def test_the_events_of_an_appointment(event: str, kind: type) -> None:
    one = read(siu(event))
    assert type(one) is kind
    found = one.referral if isinstance(one, New | Amend) else one
    assert not isinstance(found, Rejected)
    assert found.reference == "AGENDA/F-9"
    if isinstance(one, Outcome):
        assert one.outcome is BookingStatus.NOSHOW


@pytest.mark.parametrize("event", ["S23", "S24"])
def test_blocked_time_is_about_an_agenda(event: str) -> None:
    assert fault(siu(event)) == ("record", "about_a_schedule", "MSH-9")


@pytest.mark.parametrize(
    ("status", "kind"),
    [("Booked", Amend), ("Cancelled", Cancel), ("Deleted", Cancel), ("DC", Cancel),
     ("Noshow", Outcome), ("Complete^Complete^HL70278", Outcome), ("", Amend)],
)  # fmt: skip
def test_a_change_may_say_that_all_is_over(status: str, kind: type) -> None:
    one = read(siu("S14", sch=with_field(SCH, 25, status)))
    assert type(one) is kind
    if status.startswith("Complete"):
        assert isinstance(one, Outcome)
        assert one.outcome is BookingStatus.FULFILLED


def test_the_number_is_the_schedule_owner_s_else_the_one_of_whoever_asked() -> None:
    assert referral(siu("S12", sch="SCH|P-7")).reference == "CHU-X/P-7"
    assert fault(siu("S12", sch="SCH|")) == ("reference", "missing", "SCH-2")


TEN, HALF_PAST = paris(2026, 11, 24, 10), paris(2026, 11, 24, 10, 30)


@pytest.mark.parametrize(
    "segments",
    [
        (TQ1, PID),
        ("TQ1|||||||202611241000", PID, "AIS|1|A|X^y|202611241000|||30|min"),
        (PID, "AIS|1|A|X^y|202611241000|||30|min^Minutes^ISO"),
        (PID, "AIP|1|A|1^X|R||202611241000|||1800|s"),
        (PID, "AIL|1|A|X|||202611241000+0100|||.5|h", "AIS|1|A|X|||||30|min"),
        (PID, "AIG|1|A|X|||||20261124100000|||30"),
    ],
)
def test_the_wanted_time_is_the_appointment_s(segments: tuple[str, ...]) -> None:
    (window,) = referral(siu("S12", *segments)).windows
    assert (window.start, window.end) == (TEN, HALF_PAST)


def test_the_time_of_version_2_3_stands_in_sch_11() -> None:
    sch = with_field(SCH, 11, "^^^202611241000^202611241030")
    (window,) = referral(siu("S12", PID, sch=sch)).windows
    assert (window.start, window.end) == (TEN, HALF_PAST)


def test_seconds_in_sch_are_believed_last() -> None:
    sch = with_field(with_field(SCH, 9, "60"), 10, "s")
    found = referral(siu("S12", PID, "AIS|1|A|X|202611241000|||30|min", sch=sch))
    assert found.windows[0].end == HALF_PAST


@pytest.mark.parametrize(
    ("segments", "expected"),
    [
        ((PID,), ("window_start", "missing", "TQ1-7")),
        (("TQ1|||||||x|202611241030", PID), ("window_start", "bad_date", "TQ1-7")),
        (("TQ1|||||||202611241030|202611241000", PID), ("window_end", "end_before_start", "TQ1-8")),
        (("TQ1|||||||202610250230|202610250300", PID), ("window_start", "ambiguous_time", "TQ1-7")),
    ],
)
def test_an_appointment_without_a_possible_time_is_refused(
    segments: tuple[str, ...], expected: tuple[str, str, str]
) -> None:
    assert fault(siu("S12", *segments)) == expected


def test_an_appointment_without_an_end_is_refused() -> None:
    payload = siu("S12", "TQ1|||||||202611241000", PID, sch="SCH|P|F")
    assert fault(payload) == ("window_end", "missing", "TQ1-7")


@pytest.mark.parametrize(("code", "priority"), [("S", "stat"), ("A", "asap"), ("P", "routine")])
def test_only_urgent_orders_have_a_priority(code: str, priority: str) -> None:
    assert referral(siu("S12", with_field(TQ1, 9, code), PID)).priority.value == priority


def test_whom_the_appointment_is_with_is_preferred() -> None:
    aip = "AIP|1|A|810003456789^DUPRE^ANNE^^^^^^X&1.2.250.1.71.4.2.1&ISO|60^Infirmier^TRE_G15"
    found = referral(siu("S12", TQ1, PID, aip))
    assert found.patient.own_practitioner == "10003456789"
    assert found.professions == (Profession.NURSE,)


def test_a_change_without_its_patient_changes_what_it_says() -> None:
    one = read(siu("S13", TQ1), "emergency")
    assert isinstance(one, Amend)
    assert one.only == ("windows",)


PV1 = "PV1|1|E|" + "|" * 15 + "|V-12^^^CHU-X&1.2.3&ISO^VN"


def adt(event: str, *segments: str, pv1: str = PV1) -> bytes:
    return message(f"ADT^{event}", "EVN||20261123085500", PID, pv1, *segments)


@pytest.mark.parametrize(
    ("event", "kind", "need"),
    [("A01", New, "arrival"), ("A04", New, "arrival"), ("A03", New, "discharge"),
     ("A11", Cancel, "arrival"), ("A13", Cancel, "discharge")],
)  # fmt: skip
def test_a_visit_has_a_need_when_it_begins_and_one_when_it_ends(
    event: str, kind: type, need: str
) -> None:
    one = read(adt(event))
    assert type(one) is kind
    found = one.referral if isinstance(one, New) else one
    assert not isinstance(found, Rejected | New | Amend)
    assert found.reference == f"1.2.3/V-12/{need}"


@pytest.mark.parametrize(
    ("event", "source", "accepted"),
    [
        ("A01", "hospital", False), ("A04", "hospital", False), ("A03", "hospital", True),
        ("A01", "emergency", True), ("A04", "emergency", True),
    ],
)  # fmt: skip
def test_who_lies_in_a_bed_needs_a_seat_when_discharged(
    event: str,
    source: str,
    accepted: bool,  # noqa: FBT001 (the table's)
) -> None:
    payload = adt(event, pv1=with_field(PV1, 2, "I"))
    if accepted:
        assert isinstance(read(payload, source), New)
    else:
        assert fault(payload, source) == ("record", "not_a_referral", "PV1-2")


def test_an_admission_that_names_no_class_is_one_to_a_bed() -> None:
    assert fault(adt("A01", pv1=with_field(PV1, 2, "")))[1] == "not_a_referral"
    assert isinstance(read(adt("A04", pv1=with_field(PV1, 2, ""))), New)


@pytest.mark.parametrize(
    ("mode", "accepted"),
    [("8", True), ("", True), ("6", False), ("7", False), ("0", False), ("9", False)],
)  # fmt: skip
def test_who_leaves_for_another_bed_or_has_died_needs_no_seat(
    mode: str,
    accepted: bool,  # noqa: FBT001 (the table's)
) -> None:
    payload = adt("A03", f"ZFM|8|{mode}||")
    if accepted:
        assert isinstance(read(payload), New)
    else:
        assert fault(payload) == ("record", "not_a_referral", "ZFM-2")


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        ({"f30": "Y"}, "PID-30"), ({"f29": "20261123"}, "PID-29"),
        ({"f29": "2026", "f30": "N"}, None),
    ],
)  # fmt: skip
def test_the_discharge_of_somebody_who_died_is_no_referral(
    fields: dict[str, str], path: str | None
) -> None:
    payload = adt("A03").replace(PID.encode(), pid(**fields).encode())
    if path is None:
        assert isinstance(read(payload), New)
    else:
        assert fault(payload) == ("record", "not_a_referral", path)


def test_a_referral_of_somebody_marked_as_dead_is_doubted() -> None:
    assert doubts(about(f30="Y")) == {("record", "contradiction")}


@pytest.mark.parametrize(
    ("zbe", "kind"),
    [
        ("ZBE|M1|20261123||INSERT|N", New), ("ZBE|M1|20261123||CANCEL|N", Cancel),
        ("ZBE|M1|20261123||UPDATE|N", Amend),
    ],
)  # fmt: skip
def test_the_french_movement_says_whether_it_is_corrected(zbe: str, kind: type) -> None:
    assert type(read(adt("A03", zbe, "ZFA|ACTIF", "ZFD|||Y|N|INSI"))) is kind


def test_a_corrected_movement_names_the_event_that_it_was() -> None:
    one = read(adt("Z99", "ZBE|M1|20261123||UPDATE|N|A03"))
    assert isinstance(one, Amend)
    assert one.referral.reference == "1.2.3/V-12/discharge"
    assert fault(adt("Z99", "ZBE|M1|20261123||UPDATE|N|A02"))[1] == "unsupported_message"


def test_a_visit_without_a_number_is_the_account_s_or_refused() -> None:
    bare = with_field(PV1, 19, "")
    account = adt("A03", pv1=bare).replace(PID.encode(), pid(f18="AN-5^^^X").encode())
    assert referral(account).reference == "X/AN-5/discharge"
    assert fault(adt("A03", pv1=bare)) == ("reference", "missing", "PV1-19")
