"""Caps a day and a week, in bookings and effort minutes, as the database keeps them."""

from datetime import UTC, datetime, time
from typing import Any

import pytest
from builders import NOW, patient, policy, practitioner, slot
from desk import HOLD, Desk

from slotengine.codes import BookingStatus, Mode
from slotengine.domain import Slot
from slotengine.errors import SlotTakenError
from slotengine.side_constraints import Caps, Effort
from slotengine.store import SqlStore
from slotengine.store_caps import effort_minutes, most_given
from slotengine.store_counters import Load, Most

OWN = {"own_practitioner": "d1"}
"""Not a first visit at d1: a quarter of an hour is 15 minutes of effort there."""


@pytest.fixture
def desk(store: SqlStore) -> Desk:
    ready = Desk(store)
    ready.settle()
    return ready


def rule(desk: Desk, **caps: Any) -> None:
    desk.do(lambda unit: unit.save_policy(policy(caps=Caps(**caps), version=2)))


def own(desk: Desk, **caps: Any) -> None:
    desk.do(lambda unit: unit.put_practitioners([practitioner(**caps)]))


def days(*hours: int) -> list[Slot]:
    """Quarters of an hour that start so many hours after Monday 9 h in Paris."""
    return [slot(f"slot{hour}", after_minutes=60 * hour) for hour in hours]


def filled(desk: Desk, slots: list[Slot], **of_patient: Any) -> list[str]:
    """Tries to hold every slot for another patient; gives why it was refused, or ""."""
    found = []
    for where in slots:
        who = desk.refer(where.id, patient=patient(where.id, **of_patient))
        try:
            desk.hold(who, where)
            found.append("")
        except SlotTakenError as refused:
            found.append(refused.why)
    return found


FULL_DAY, FULL_WEEK = "its practitioner's day is full", "its practitioner's week is full"


@pytest.mark.parametrize(
    ("minutes", "expected"),
    [(None, ["", "", ""]), (45, ["", "", ""]), (44, ["", "", FULL_DAY]), (30, ["", "", FULL_DAY])],
)
def test_effort_a_day_holds_on_the_edge_and_not_a_minute_beyond(
    desk: Desk, minutes: int | None, expected: list[str]
) -> None:
    slots = days(1, 2, 3)
    desk.publish(*slots)
    rule(desk, effort_minutes_per_day=minutes)
    assert filled(desk, slots, **OWN) == expected
    assert desk.wrong_counters() == {}


def test_a_first_visit_weighs_half_as_much_again(desk: Desk) -> None:
    """15 * 150 % = 23 rounded up: two make 46."""
    slots = days(1, 2)
    desk.publish(*slots)
    rule(desk, effort_minutes_per_day=45)
    assert filled(desk, slots) == ["", FULL_DAY]


def test_a_week_runs_from_monday_to_sunday(desk: Desk) -> None:
    """NOW is a Monday at 9 h: 6 days later is Sunday, 7 days later the next week."""
    slots = days(1, 6 * 24, 7 * 24)
    desk.publish(*slots)
    rule(desk, bookings_per_week=1)
    assert filled(desk, slots) == ["", FULL_WEEK, ""]
    assert desk.wrong_counters() == {}


def test_effort_a_week_counts_over_its_days(desk: Desk) -> None:
    slots = days(1, 24, 48)
    desk.publish(*slots)
    rule(desk, effort_minutes_per_week=30)
    assert filled(desk, slots, **OWN) == ["", "", FULL_WEEK]


@pytest.mark.parametrize(("policys", "practitioners"), [(1, 2), (2, 1), (1, None), (None, 1)])
def test_the_lower_of_the_policys_cap_and_the_practitioners_counts(
    desk: Desk, policys: int | None, practitioners: int | None
) -> None:
    slots = days(1, 2)
    desk.publish(*slots)
    rule(desk, bookings_per_week=policys)
    own(desk, max_bookings_per_week=practitioners)
    assert filled(desk, slots) == ["", FULL_WEEK]


def test_what_took_place_still_counts_and_what_was_cancelled_does_not(desk: Desk) -> None:
    slots = days(1, 2, 3)
    desk.publish(*slots)
    rule(desk, bookings_per_day=1)
    first = desk.hold(desk.refer("1"), slots[0])
    desk.confirm(first)
    desk.end(first, BookingStatus.FULFILLED)
    assert filled(desk, [slots[1]]) == [FULL_DAY]
    rule(desk, bookings_per_day=2)
    second = desk.hold(desk.refer("2"), slots[1])
    desk.end(second)
    assert filled(desk, [slots[2]]) == [""]
    assert desk.wrong_counters() == {}


def test_a_cancelled_seat_frees_the_effort_that_it_took_whatever_the_policy_says_by_now(
    desk: Desk,
) -> None:
    slots = days(1, 2)
    desk.publish(*slots)
    booking = desk.hold(desk.refer("1", patient=patient("1", **OWN)), slots[0])
    desk.do(
        lambda unit: unit.save_policy(
            policy(effort=Effort(first_visit=300), caps=Caps(effort_minutes_per_day=60), version=2)
        )
    )
    desk.end(booking)
    assert desk.wrong_counters() == {}
    assert filled(desk, [slots[1]]) == [""]


def test_a_hold_that_ran_out_on_another_day_of_the_week_does_not_fill_it(desk: Desk) -> None:
    slots = days(1, 24)
    desk.publish(*slots)
    rule(desk, bookings_per_week=1)
    desk.hold(desk.refer("1"), slots[0])
    who = desk.refer("2")
    with pytest.raises(SlotTakenError, match="week is full"):
        desk.hold(who, slots[1])
    assert desk.hold(who, slots[1], now=NOW + HOLD).slot == slots[1].id


@pytest.mark.parametrize(
    ("minutes", "capacity", "mode", "first", "late_from", "expected"),
    [
        (15, 1, Mode.AMB, False, time(18), 15),
        (15, 1, Mode.AMB, True, time(18), 23),
        (15, 1, Mode.HH, True, time(18), 38),
        (15, 2, Mode.AMB, False, time(18), 8),
        (15, 1, Mode.AMB, False, time(9), 19),
        (15, 1, Mode.AMB, False, time(9, 1), 15),
        (15, 1, Mode.HH, True, time(9), 42),
    ],
)
def test_effort_by_hand(
    minutes: int, capacity: int, mode: Mode, *, first: bool, late_from: time, expected: int
) -> None:
    """15, 15 * 1.5, 15 * 2.5, ceil(7.5), 15 * 1.25, and at 9 h not yet late, 15 * 2.75 up."""
    where = slot(after_minutes=0, minutes=minutes, capacity=capacity)
    rules = policy(effort=Effort(late_from=late_from))
    assert effort_minutes(rules, where, mode=mode, first=first) == expected


def test_the_seconds_of_a_length_are_rounded_up_once() -> None:
    where = slot(after_minutes=0).replaced(end=datetime(2026, 11, 23, 8, 10, 30, tzinfo=UTC))
    assert effort_minutes(policy(), where, mode=Mode.AMB, first=False) == 11


def test_without_caps_nothing_is_limited() -> None:
    assert most_given(policy(), practitioner()) == (Most(None, None), Most(None, None))
    assert Most(None, None).holds(Load(10**9, 10**9))
