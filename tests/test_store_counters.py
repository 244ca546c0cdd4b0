"""The contract of rules over several bookings: one place at a time, caps of a day."""

from datetime import timedelta

import pytest
from builders import NOW, patient, practitioner, slot
from desk import HOLD, Desk

from slotengine.errors import (
    DuplicateReferralError,
    SlotTakenError,
)
from slotengine.store import SqlStore

INSTANT = timedelta(microseconds=1)


@pytest.fixture
def desk(store: SqlStore) -> Desk:
    return Desk.beside(store, "d1", "d2", neighbour="d3")


@pytest.mark.parametrize(
    ("starts", "allowed"), [(115, False), (119, False), (120, True), (90, True), (91, False)]
)
def test_a_patient_is_never_in_two_places_at_once(
    desk: Desk, starts: int, *, allowed: bool
) -> None:
    """The first seat is [105, 120) minutes from now; touching is allowed."""
    here = slot(after_minutes=105)
    there = slot("slot2", practitioner="d3", territory="senart", after_minutes=starts)
    desk.publish(here, there)
    one = patient("same person")
    desk.hold(desk.refer("1", patient=one), here)
    second = desk.refer("2", patient=one, territory="senart")
    if allowed:
        desk.hold(second, there)
        found = desk.ask(lambda unit: unit.seated("patient", [one.key]))
        assert {one.slot.id for one in found} == {"slot1", "slot2"}
    else:
        with pytest.raises(DuplicateReferralError, match="overlapping") as refused:
            desk.hold(second, there)
        assert one.key not in str(refused.value)


@pytest.mark.parametrize(("cap", "allowed"), [(None, 3), (3, 3), (2, 2), (0, 0)])
def test_a_practitioners_day_takes_as_many_as_its_cap(
    desk: Desk, cap: int | None, allowed: int
) -> None:
    desk.do(lambda unit: unit.put_practitioners([practitioner(max_bookings_per_day=cap)]))
    slots = [slot(f"slot{hour}", after_minutes=60 * hour) for hour in range(1, 4)]
    desk.publish(*slots)
    for number, where in enumerate(slots):
        who = desk.refer(str(number))
        if number < allowed:
            desk.hold(who, where)
        else:
            with pytest.raises(SlotTakenError, match="day is full"):
                desk.hold(who, where)
    assert desk.wrong_counters() == {}


def test_a_cap_counts_the_local_day_of_the_slots_territory(desk: Desk) -> None:
    """23 h 30 in Paris is 22 h 30 UTC, and 0 h 30 is 23 h 30 UTC the same UTC day."""
    desk.do(lambda unit: unit.put_practitioners([practitioner(max_bookings_per_day=1)]))
    evening = slot("evening", after_minutes=14 * 60 + 30)
    night = slot("night", after_minutes=15 * 60 + 30)
    desk.publish(evening, night)
    desk.hold(desk.refer("1"), evening)
    assert desk.hold(desk.refer("2"), night).slot == "night"


def test_a_seat_that_ends_frees_its_place_in_the_cap(desk: Desk) -> None:
    desk.do(lambda unit: unit.put_practitioners([practitioner(max_bookings_per_day=1)]))
    later = slot("slot2", after_minutes=300)
    desk.publish(slot(), later)
    first = desk.hold(desk.refer("1"), slot())
    second = desk.refer("2")
    with pytest.raises(SlotTakenError, match="day is full"):
        desk.hold(second, later)
    desk.end(first)
    held = desk.hold(second, later)
    assert held.slot == "slot2"
    # The second hold runs out and is swept by whoever meets the cap next, on another slot.
    third = desk.hold(desk.refer("3"), slot(), now=NOW + HOLD)
    assert third.slot == "slot1"
    assert desk.wrong_counters() == {}


def test_a_lowered_cap_keeps_what_was_booked_and_lets_nobody_in(desk: Desk) -> None:
    slots = [slot(f"slot{hour}", after_minutes=60 * hour) for hour in range(1, 4)]
    desk.publish(*slots)
    first = desk.hold(desk.refer("1"), slots[0])
    second = desk.hold(desk.refer("2"), slots[1])
    desk.do(lambda unit: unit.put_practitioners([practitioner(max_bookings_per_day=1)]))
    third = desk.refer("3")
    for freed in (None, first):
        if freed is not None:
            desk.end(freed)
        with pytest.raises(SlotTakenError, match="day is full"):
            desk.hold(third, slots[2])
    desk.end(second)
    assert desk.hold(third, slots[2]).slot == "slot3"
    assert desk.wrong_counters() == {}
