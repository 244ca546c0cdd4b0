"""Calendars: which events are slots, at which instants, and what a calendar may not do to us."""

from datetime import UTC, datetime, time
from pathlib import Path
from typing import Any

import pytest
from agendas import DOCTOR, WINDOW, faults, hours, parts, read
from hypothesis import given, settings
from hypothesis import strategies as st

from slotengine.adapters.agenda import Agenda
from slotengine.adapters.agenda_ics import IcsAgenda, ReservedRule
from slotengine.domain import TimeWindow
from slotengine.errors import InputError, ReferralFormatError

PAYLOADS = Path(__file__).parent / "payloads" / "agendas"
NAME = "Jeanne Inventée"


def event(*lines: str, uid: str = "a@x", title: str = "SNP") -> list[str]:
    return ["BEGIN:VEVENT", f"UID:{uid}", f"SUMMARY:{title}", *lines, "END:VEVENT"]


def written(*events: list[str], before: tuple[str, ...] = ()) -> str:
    lines = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//x//x//FR", *before]
    return "\r\n".join([*lines, *(line for one in events for line in one), "END:VCALENDAR", ""])


def calendar(*events: list[str], before: tuple[str, ...] = (), **changes: Any) -> Agenda:
    rule = changes.pop("rule", ReservedRule())
    given = {"practitioner": DOCTOR, "site": "s1", **changes}
    return read(IcsAgenda(rule), written(*events, before=before), **given)


AT = "DTSTART;TZID=Europe/Paris:2026{}T{}00"


def at(day: str, clock: str = "0900", minutes: int = 20) -> list[str]:
    return [AT.format(day, clock), f"DURATION:PT{minutes}M"]


def test_a_calendar_of_a_practice_is_read_whole() -> None:
    payload = (PAYLOADS / "cabinet.ics").read_bytes()
    agenda = read(IcsAgenda(ReservedRule()), payload, practitioner=DOCTOR, site="s1", minutes=20)
    assert hours(agenda) == [
        "23/11 09:00-09:20",
        "23/11 09:40-10:00",
        "30/11 10:00-10:20",
        "30/11 10:20-10:40",
        "30/11 10:40-11:00",
        "07/12 11:00-11:20",
    ]
    assert faults(agenda) == []
    assert agenda.complete


@pytest.mark.parametrize(
    ("lines", "instant"),
    [
        (["DTSTART:20261124T080000Z"], "2026-11-24T08:00:00+00:00"),
        (["DTSTART;TZID=Europe/Paris:20261124T090000"], "2026-11-24T08:00:00+00:00"),
        (["DTSTART;TZID=Romance Standard Time:20261124T090000"], "2026-11-24T08:00:00+00:00"),
        (["DTSTART:20261124T090000"], "2026-11-24T08:00:00+00:00"),
        (["DTSTART;TZID=Indian/Reunion:20261124T120000"], "2026-11-24T08:00:00+00:00"),
        (["DTSTART;TZID=Europe/Paris:20261025T023000"], "2026-10-25T00:30:00+00:00"),
    ],
    ids=["utc", "zone", "windows-zone", "floating", "overseas", "twice-means-the-first"],
)
def test_an_instant_is_what_its_zone_says(lines: list[str], instant: str) -> None:
    agenda = calendar(event(*lines, "DURATION:PT20M"))
    assert [slot.start.isoformat() for slot in agenda.slots] == [instant]


ZONE = (
    "BEGIN:VTIMEZONE",
    "TZID:{}",
    "BEGIN:STANDARD",
    "DTSTART:19701025T030000",
    "RRULE:{}",
    "TZOFFSETFROM:+0200",
    "TZOFFSETTO:{}",
    "END:STANDARD",
    "BEGIN:DAYLIGHT",
    "DTSTART:19700329T020000",
    "RRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=-1SU",
    "TZOFFSETFROM:+0100",
    "TZOFFSETTO:+0200",
    "END:DAYLIGHT",
    "END:VTIMEZONE",
)
YEARLY = "FREQ=YEARLY;BYMONTH=10;BYDAY=-1SU"


def zone(name: str, rule: str = YEARLY, winter: str = "+0100") -> tuple[str, ...]:
    values = iter([name, rule, winter])
    return tuple(line.format(next(values)) if "{}" in line else line for line in ZONE)


def test_a_calendar_may_define_its_zone_and_another_the_same_name_otherwise() -> None:
    there = event("DTSTART;TZID=Cabinet:20261124T090000", "DURATION:PT20M")
    first = calendar(there, before=zone("Cabinet"))
    second = calendar(there, before=zone("Cabinet", winter="+0300"))
    assert [one.slots[0].start.hour for one in (first, second)] == [8, 6]


def test_a_zone_that_nobody_defines_is_refused_not_guessed() -> None:
    agenda = calendar(event("DTSTART;TZID=Cabinet:20261124T090000", "DURATION:PT20M"))
    assert faults(agenda) == [("start", "unknown_code")]


def test_a_zone_whose_clocks_change_every_second_is_no_zone() -> None:
    there = event("DTSTART;TZID=Cabinet:20261124T090000", "DURATION:PT20M")
    agenda = calendar(there, before=zone("Cabinet", rule="FREQ=SECONDLY"))
    assert faults(agenda) == [("start", "unknown_code")]


def test_a_weekly_hour_stays_that_hour_when_clocks_change() -> None:
    agenda = calendar(event(*at("1019"), "RRULE:FREQ=WEEKLY;COUNT=3"))
    assert hours(agenda) == ["19/10 09:00-09:20", "26/10 09:00-09:20", "02/11 09:00-09:20"]


def test_exceptions_additions_and_moves_of_a_series() -> None:
    agenda = calendar(
        event(
            *at("1116"),
            "RRULE:FREQ=WEEKLY;UNTIL=20261207T080000Z",
            "EXDATE;TZID=Europe/Paris:20261123T090000",
            "RDATE;TZID=Europe/Paris:20261125T150000",
        ),
        event("RECURRENCE-ID;TZID=Europe/Paris:20261130T090000", *at("1130", "1100")),
        event("RECURRENCE-ID;TZID=Europe/Paris:20261207T090000", *at("1207"), "STATUS:CANCELLED"),
    )
    assert hours(agenda) == ["16/11 09:00-09:20", "25/11 15:00-15:20", "30/11 11:00-11:20"]
    moved = agenda.slots[-1]
    assert moved.id == f"cabinet:{DOCTOR}:20261130T080000Z"


def test_an_event_that_takes_the_first_hour_of_a_moved_one_keeps_its_own_id() -> None:
    agenda = calendar(
        event(*at("1123"), "RRULE:FREQ=WEEKLY;COUNT=1"),
        event("RECURRENCE-ID;TZID=Europe/Paris:20261123T090000", *at("1123", "0800")),
        event(*at("1123"), uid="b@x"),
    )
    assert {slot.id[-16:]: slot.start.hour for slot in agenda.slots} == {
        "20261123T070000Z": 7,
        "20261123T080000Z": 8,
    }


@pytest.mark.parametrize(
    ("lines", "title", "rule", "reserved"),
    [
        ([], "Créneau SNP", {}, True),
        ([], "Soins non programmés", {}, True),
        ([], "SNPI", {}, False),
        ([], NAME, {}, False),
        (["CATEGORIES:Travail,snp"], NAME, {}, True),
        (["CATEGORIES:Travail", "CATEGORIES:SNP"], NAME, {}, True),
        (["CATEGORIES:SNP"], NAME, {"categories": ("Urgences",), "title": None}, False),
        (["CLASS:PRIVATE"], NAME, {"classes": ("private",)}, True),
        (["CLASS:PUBLIC"], NAME, {"classes": ("private",)}, False),
        ([], "Urgence du jour", {"title": "^urgence"}, True),
        (["TRANSP:TRANSPARENT"], "SNP", {}, True),
        (["STATUS:CANCELLED"], "SNP", {}, False),
        (["STATUS:TENTATIVE"], "SNP", {}, True),
    ],
)
def test_which_events_are_slots_is_a_rule(
    lines: list[str], title: str, rule: dict[str, Any], *, reserved: bool
) -> None:
    agenda = calendar(event(*at("1124"), *lines, title=title), rule=ReservedRule(**rule))
    assert bool(agenda.slots) is reserved


@pytest.mark.parametrize("rule", [{"title": "("}, {"all_day": (time(12), time(12))}])
def test_a_rule_that_can_not_be_followed_is_refused(rule: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"title|hours"):
        ReservedRule(**rule)


def test_no_title_of_an_event_goes_any_further() -> None:
    said = parts(
        IcsAgenda(ReservedRule()),
        written(event(*at("1124"), f"DESCRIPTION:{NAME}", title=f"SNP {NAME}")),
        practitioner=DOCTOR,
        site="s1",
    )
    assert NAME not in "".join(repr(part.items) for part in said)
    assert any(part.items for part in said)


def test_an_all_day_event_is_no_slot_unless_the_rule_gives_it_hours() -> None:
    day = event("DTSTART;VALUE=DATE:20261124", "DTEND;VALUE=DATE:20261126")
    assert hours(calendar(day)) == []
    rule = ReservedRule(all_day=(time(9), time(10)))
    assert hours(calendar(day, rule=rule, minutes=30)) == [
        "24/11 09:00-09:30",
        "24/11 09:30-10:00",
        "25/11 09:00-09:30",
        "25/11 09:30-10:00",
    ]


@pytest.mark.parametrize(
    ("start", "minutes", "lines", "left"),
    [
        ("0920", 20, [], ["24/11 09:00-09:20", "24/11 09:40-10:00"]),
        ("0910", 20, [], ["24/11 09:40-10:00"]),
        ("0840", 20, [], ["24/11 09:00-09:20", "24/11 09:20-09:40", "24/11 09:40-10:00"]),
        ("1000", 20, [], ["24/11 09:00-09:20", "24/11 09:20-09:40", "24/11 09:40-10:00"]),
        ("0959", 20, [], ["24/11 09:00-09:20", "24/11 09:20-09:40"]),
        ("0800", 300, [], []),
        ("0800", 300, ["TRANSP:TRANSPARENT"], None),
        ("0800", 300, ["STATUS:CANCELLED"], None),
    ],
    ids=["inside", "two", "before", "after", "a-minute", "all", "transparent", "cancelled"],
)
def test_what_another_event_makes_busy_is_no_slot(
    start: str, minutes: int, lines: list[str], left: list[str] | None
) -> None:
    reserved = event(*at("1124", "0900", 60))
    busy = event(*at("1124", start, minutes), *lines, uid="b@x", title=NAME)
    everything = ["24/11 09:00-09:20", "24/11 09:20-09:40", "24/11 09:40-10:00"]
    assert hours(calendar(reserved, busy, minutes=20)) == (everything if left is None else left)
    keep = ReservedRule(busy_takes=False)
    assert hours(calendar(reserved, busy, minutes=20, rule=keep)) == everything


def test_a_holiday_of_a_day_takes_its_slots() -> None:
    away = event("DTSTART;VALUE=DATE:20261124", uid="b@x", title="Congés")
    agenda = calendar(event(*at("1123"), "RRULE:FREQ=DAILY;COUNT=3"), away)
    assert hours(agenda) == ["23/11 09:00-09:20", "25/11 09:00-09:20"]


def test_our_own_bookings_in_the_practices_calendar_make_nothing_busy() -> None:
    ours = event(*at("1124"), uid="b-1@slotengine", title="Patient")
    assert hours(calendar(event(*at("1124")), ours)) == ["24/11 09:00-09:20"]


def test_time_reserved_twice_is_reserved_once() -> None:
    agenda = calendar(event(*at("1124")), event(*at("1124"), uid="b@x"))
    assert (len(agenda.slots), faults(agenda)) == (1, [])


def test_only_slots_of_the_window_are_given_edges_included() -> None:
    start, end = datetime(2026, 11, 24, 8, tzinfo=UTC), datetime(2026, 11, 25, 8, tzinfo=UTC)
    daily = event(*at("1120"), "RRULE:FREQ=DAILY")
    agenda = calendar(daily, window=TimeWindow(start=start, end=end))
    assert hours(agenda) == ["24/11 09:00-09:20"]
    assert agenda.window == TimeWindow(start=start, end=end)


@pytest.mark.parametrize(
    "rule",
    [
        "FREQ=SECONDLY",
        "FREQ=MINUTELY;COUNT=1000000000",
        "FREQ=HOURLY",
        "FREQ=WEEKLY;INTERVAL=0",
        "FREQ=DAILY;INTERVAL=-1",
        "FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30",
        "FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30;COUNT=5",
        "FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30;UNTIL=99991231T000000Z",
        "FREQ=DAILY;BYSECOND=0,1,2,3",
        "FREQ=DAILY;BYHOUR=" + ",".join(map(str, range(24))) + ";BYMINUTE=0,10,20,30,40",
        "FREQ=WEEKLY;BYWEEKNO=60",
        "FREQ=NEVER",
        "BYDAY=MO",
        "nonsense",
    ],
)
def test_a_rule_that_would_never_end_costs_itself_only(rule: str) -> None:
    agenda = calendar(event(*at("1124"), f"RRULE:{rule}"), event(*at("1124", "1100"), uid="b@x"))
    assert hours(agenda) == ["24/11 11:00-11:20"]
    assert len(agenda.rejected) == 1


@pytest.mark.parametrize(
    "rule",
    [
        "FREQ=DAILY;COUNT=1000000000",
        "FREQ=DAILY;UNTIL=99991231T000000Z",
        "FREQ=MONTHLY;BYDAY=-1MO",
        "FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=1;COUNT=600",
        "FREQ=YEARLY;BYMONTH=11;BYDAY=1MO",
        "FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,WE;WKST=MO",
    ],
)
def test_rules_that_practices_write_are_followed_from_long_ago(rule: str) -> None:
    old = ["DTSTART;TZID=Europe/Paris:19960101T090000", "DURATION:PT20M"]
    agenda = calendar(event(*old, f"RRULE:{rule}"))
    assert agenda.slots
    assert faults(agenda) == []


def test_a_calendar_of_many_old_rules_is_read_as_far_as_its_steps_go() -> None:
    old = ["DTSTART;TZID=Europe/Paris:19000101T090000", "DURATION:PT20M", "RRULE:FREQ=DAILY"]
    many = [event(*old, uid=f"{number}@x", title="x") for number in range(60)]
    agenda = calendar(*many)
    assert not agenda.complete
    assert ("repeat", "too_many") in faults(agenda)


@pytest.mark.parametrize(
    ("lines", "fault"),
    [
        (["DURATION:PT20M"], ("start", "missing")),
        (["DTSTART:20261324T090000"], ("start", "bad_date")),
        (["DTSTART:soon"], ("start", "bad_date")),
        ([*at("1124")[:1], "DTEND;TZID=Europe/Paris:20261124T080000"], ("end", "end_before_start")),
        (["DTSTART;VALUE=DATE:20261124", "DURATION:PT20M"], ("minutes", "bad_date")),
        ([*at("1124"), "X:" + "y" * 100_000], None),
        ([*at("1124"), "EXDATE:" + "20261124T080000Z," * 2_000], ("exdate", "too_long")),
        (at("1124", "0800", 721), ("end", "out_of_range")),
    ],
    ids=["no-start", "month-13", "words", "backwards", "day-with-minutes", "long-unread",
         "long-dates", "too-long"],
)  # fmt: skip
def test_an_event_that_can_not_be_read_costs_itself_only(
    lines: list[str], fault: tuple[str, str] | None
) -> None:
    agenda = calendar(event(*lines), event(*at("1124", "1500"), uid="b@x"))
    assert "24/11 15:00-15:20" in hours(agenda)
    assert faults(agenda) == ([] if fault is None else [fault])


def test_a_calendar_that_was_cut_off_says_so() -> None:
    whole = written(event(*at("1124")), event(*at("1125"), uid="b@x"))
    agenda = read(
        IcsAgenda(ReservedRule()), whole[: len(whole) // 2], practitioner=DOCTOR, site="s1"
    )
    assert not agenda.complete


def test_a_calendar_that_cancels_reserves_nothing() -> None:
    assert hours(calendar(event(*at("1124")), before=("METHOD:CANCEL",))) == []


def test_folded_lines_and_alarms_are_understood() -> None:
    folded = event(
        "DTSTART;TZID=Europe/P\r\n aris:20261124T09\r\n\t0000",
        "DURATION:PT20M",
        "BEGIN:VALARM",
        "TRIGGER:-PT5M",
        "DURATION:PT9H",
        "END:VALARM",
    )
    assert hours(calendar(folded)) == ["24/11 09:00-09:20"]


def test_a_calendar_needs_to_be_somebodys() -> None:
    with pytest.raises(InputError):
        read(IcsAgenda(ReservedRule()), written(event(*at("1124"))))


@pytest.mark.parametrize("payload", [b"", b"\n", b"hello", b"BEGIN:VCARD\n", b"\x81\x8d"])
def test_what_is_no_calendar_is_unreadable_as_a_whole(payload: bytes) -> None:
    with pytest.raises(ReferralFormatError):
        read(IcsAgenda(ReservedRule()), payload, practitioner=DOCTOR, site="s1")


_LINES = st.sampled_from(
    [
        *("BEGIN:VEVENT", "END:VEVENT", "BEGIN:VTIMEZONE", "END:VTIMEZONE", "TZID:Q", "UID:1"),
        *("DTSTART:20261124T090000", "DTSTART;VALUE=DATE:20261124", "DTSTART;TZID=Q:20261124T0900"),
        *("DTEND:20261124", "DURATION:P1D", "DURATION:-PT1H", "RRULE:FREQ=DAILY;COUNT=3"),
        *("RRULE:FREQ=WEEKLY;BYDAY=MO", "RDATE;VALUE=PERIOD:20261124T090000Z/PT1H", "RDATE:x"),
        *("EXDATE:20261124T090000", "RECURRENCE-ID:20261124T090000", "SUMMARY:SNP", "CATEGORIES:"),
        *("STATUS:CANCELLED", "END:VCALENDAR", " folded", "RRULE:COUNT=1", "DTSTART:", ":"),
    ]
)


@settings(deadline=None, derandomize=True, max_examples=200)
@given(st.lists(_LINES | st.text(max_size=20), max_size=20))
def test_no_calendar_breaks_the_reader(lines: list[str]) -> None:
    payload = "\r\n".join(["BEGIN:VCALENDAR", *lines, "END:VCALENDAR"])
    agenda = read(
        IcsAgenda(ReservedRule()),
        payload.encode(errors="replace"),
        practitioner=DOCTOR,
        site="s1",
        minutes=20,
    )
    assert all(WINDOW.start <= slot.start < WINDOW.end for slot in agenda.slots)
