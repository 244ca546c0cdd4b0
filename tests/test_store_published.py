"""Which slots are shown outside, on both databases: one slot, and what keeps it from being seen."""

from datetime import timedelta
from typing import Any

import pytest
from builders import NOW, policy, practitioner, site, slot
from desk import Desk
from sas_world import role

from slotengine.codes import Audience, BookingStatus
from slotengine.domain import Slot, TimeWindow
from slotengine.side_constraints import Caps, Effort
from slotengine.store import SqlStore

ALL = tuple(Audience)
THREE_DAYS = TimeWindow(start=NOW, end=NOW + timedelta(hours=72))


@pytest.fixture
def desk(store: SqlStore) -> Desk:
    ready = Desk(store)
    ready.settle(doctors=("d1", "d2"))
    return ready


def seen(
    desk: Desk, *who: str, audiences: Any = ALL, window: TimeWindow = THREE_DAYS, **when: Any
) -> list[str]:
    found = desk.ask(lambda unit: unit.published_slots(who or ("d1",), window, audiences), **when)
    return [one.id for one in found]


def test_a_free_slot_is_seen_and_one_of_somebody_else_is_not(desk: Desk) -> None:
    desk.publish(slot("a"), slot("b", practitioner="d2"))
    assert seen(desk) == ["a"]
    assert seen(desk, "d1", "d2", "nobody") == ["a", "b"]
    assert seen(desk, "nobody") == []


def test_a_slot_that_starts_at_the_window_s_start_is_in_it_and_at_its_end_is_not(
    desk: Desk,
) -> None:
    made = slot("a")
    desk.publish(made)
    minute = timedelta(minutes=1)
    assert seen(desk, window=TimeWindow(start=made.start, end=made.end)) == ["a"]
    assert seen(desk, window=TimeWindow(start=made.start + minute, end=made.end)) == []
    assert seen(desk, window=TimeWindow(start=NOW, end=made.start)) == []


def test_slots_come_by_practitioner_start_and_id(desk: Desk) -> None:
    desk.publish(
        slot("z", after_minutes=60), slot("a", after_minutes=120), slot("m", practitioner="d2")
    )
    assert seen(desk, "d2", "d1") == ["z", "a", "m"]


@pytest.mark.parametrize(
    ("audiences", "found"), [((Audience.SNP,), ["a"]), ((Audience.PRO,), []), (ALL, ["a"])]
)
def test_a_slot_of_no_class_asked_for_is_not_seen(
    desk: Desk, audiences: Any, found: list[str]
) -> None:
    desk.publish(slot("a", audiences=(Audience.SNP, Audience.CPTS)))
    assert seen(desk, audiences=audiences) == found


def test_a_slot_is_seen_from_the_instant_at_which_it_opens(desk: Desk) -> None:
    opens = NOW + timedelta(hours=1)
    desk.publish(slot("a", opens_at=opens))
    assert seen(desk) == []
    assert seen(desk, now=opens) == ["a"]


def test_a_withdrawn_slot_is_not_seen(desk: Desk) -> None:
    desk.publish(slot("a"))
    desk.do(lambda unit: unit.withdraw_slot("a", "away"))
    assert seen(desk) == []


def test_a_slot_is_seen_until_its_last_seat_is_taken(desk: Desk) -> None:
    made = slot("a", capacity=1, extra_capacity=1)
    desk.publish(made)
    desk.promise(desk.refer("1"), made)
    assert seen(desk) == ["a"]
    desk.confirm(desk.hold(desk.refer("2"), made))
    assert seen(desk) == []


def test_a_hold_hides_a_slot_until_it_runs_out(desk: Desk) -> None:
    made = slot("a")
    desk.publish(made)
    booking = desk.hold(desk.refer(), made)
    assert booking.held_until is not None
    assert seen(desk, now=booking.held_until - timedelta(seconds=1)) == []
    assert seen(desk, now=booking.held_until) == ["a"]


def test_a_cancelled_seat_is_seen_again(desk: Desk) -> None:
    made = slot("a")
    desk.publish(made)
    desk.end(desk.confirm(desk.hold(desk.refer(), made)))
    assert seen(desk) == ["a"]


def _capped(desk: Desk, **limits: Any) -> tuple[Slot, Slot, Slot]:
    """Two slots of Monday and one of Tuesday, of a practitioner with these limits."""
    desk.do(lambda unit: unit.put_practitioners([practitioner("d1", **limits)]))
    slots = slot("a"), slot("b", after_minutes=240), slot("c", after_minutes=24 * 60)
    desk.publish(*slots)
    return slots


@pytest.mark.parametrize(
    ("limits", "left"),
    [
        ({}, ["b", "c"]),
        ({"max_bookings_per_day": 2}, ["b", "c"]),
        ({"max_bookings_per_day": 1}, ["c"]),
        ({"max_bookings_per_week": 2}, ["b", "c"]),
        ({"max_bookings_per_week": 1}, []),
        # A first visit of 15 minutes counts 22.5, rounded up; another one at least 15.
        ({"max_effort_minutes_per_day": 38}, ["b", "c"]),
        ({"max_effort_minutes_per_day": 37}, ["c"]),
        ({"max_effort_minutes_per_week": 37}, []),
    ],
)
def test_a_practitioner_whose_day_or_week_is_full_is_not_seen_in_it(
    desk: Desk, limits: dict[str, int], left: list[str]
) -> None:
    monday, _, _ = _capped(desk, **limits)
    desk.confirm(desk.hold(desk.refer(), monday))
    assert seen(desk) == left


def test_a_cap_of_the_territory_counts_as_one_of_its_own(desk: Desk) -> None:
    monday, _, _ = _capped(desk)
    desk.do(lambda unit: unit.save_policy(policy(caps=Caps(bookings_per_day=1))))
    assert seen(desk) == ["a", "b", "c"]
    desk.confirm(desk.hold(desk.refer(), monday))
    assert seen(desk) == ["c"]


def test_what_took_place_counts_and_a_hold_that_ran_out_does_not(desk: Desk) -> None:
    monday, _, _ = _capped(desk, max_bookings_per_day=1)
    later = NOW + timedelta(minutes=6)
    desk.hold(desk.refer("1"), monday)
    assert seen(desk) == ["c"]
    assert seen(desk, now=later) == ["a", "b", "c"]
    kept = desk.confirm(desk.hold(desk.refer("2"), monday, now=later), now=later)
    desk.end(kept, BookingStatus.FULFILLED, now=later)
    assert seen(desk, now=later) == ["c"]


def test_a_cap_of_nothing_shows_nothing(desk: Desk) -> None:
    _capped(desk, max_bookings_per_day=0)
    assert seen(desk) == []


def test_effort_is_that_of_the_lightest_booking(desk: Desk) -> None:
    desk.do(lambda unit: unit.save_policy(policy(effort=Effort(late=0))))
    _capped(desk, max_effort_minutes_per_day=15)
    assert seen(desk) == ["a", "b", "c"]
    _capped(desk, max_effort_minutes_per_day=14)
    assert seen(desk) == []


def test_slots_of_every_territory_are_seen(store: SqlStore) -> None:
    desk = Desk.beside(store, "d1", neighbour="d1")
    desk.publish(slot("a"))
    desk.publish(slot("b", territory="senart", after_minutes=240))
    assert seen(desk) == ["a", "b"]


def test_a_day_is_the_territory_s_own(desk: Desk) -> None:
    """23:30 in UTC is the next day in Paris: Monday's cap does not hide Tuesday's first hour."""
    desk.do(lambda unit: unit.put_practitioners([practitioner("d1", max_bookings_per_day=1)]))
    evening, night = slot("a"), slot("b", after_minutes=15 * 60 + 30)
    desk.publish(evening, night)
    desk.confirm(desk.hold(desk.refer(), evening))
    assert seen(desk) == ["b"]


# --- roles ---


def test_roles_are_kept_replaced_and_given_by_key(desk: Desk) -> None:
    first, second = role("d1", "s1"), role("d1", "s2")
    assert desk.do(lambda unit: unit.put_roles([second, first])) == 2
    assert desk.do(lambda unit: unit.put_roles([second, first])) == 0
    assert desk.ask(lambda unit: unit.roles(["d1", "d2"])) == (first, second)
    moved = first.replaced(phone=None)
    assert desk.do(lambda unit: unit.put_roles([moved, second])) == 1
    assert desk.ask(lambda unit: unit.roles(["d1"])) == (moved, second)
    assert desk.ask(lambda unit: unit.roles([])) == ()
    assert desk.do(lambda unit: unit.put_roles([])) == 0


def test_roles_are_found_by_the_siret_of_the_role_or_else_of_its_site(desk: Desk) -> None:
    siret, other = "12345678900011", "98765432100019"
    desk.do(lambda unit: unit.put_sites([site("s1", siret=siret), site("s2", siret=siret)]))
    by_role = role("d1", "s0", structure=f"3{siret}")
    by_site = role("d1", "s1", structure=None)
    elsewhere = role("d1", "s2", structure=f"3{other}")
    finess = role("d2", "s2", structure="1450000021")
    desk.do(lambda unit: unit.put_roles([by_role, by_site, elsewhere, finess]))
    assert desk.ask(lambda unit: unit.roles_at([siret])) == (by_role, by_site)
    assert desk.ask(lambda unit: unit.roles_at([other, siret])) == (by_role, by_site, elsewhere)
    assert desk.ask(lambda unit: unit.roles_at([])) == ()
