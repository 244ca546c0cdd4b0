"""The plain reserve by hand: whole seats of each profession and local half-day, soonest first."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from builders import NOW, TOWN, patient, policy, practitioner, problem, referral, site, slot

from slotengine.codes import Priority, Profession, SlotState
from slotengine.problem import Pin, Problem
from slotengine.solver.reserve import keeps, kept_slots

MORE_URGENT_FIRST = (Priority.STAT, Priority.ASAP, Priority.URGENT, Priority.ROUTINE)
HALVES = {"reserve": {"stat": 0.2, "asap": 0.3, "urgent": 0.0}}
"""Kept from asap 20 %, from urgent and routine 50 %."""


def morning(count: int, **changes: Any) -> Problem:
    """Free seats of one practitioner from 10 h in Paris, five minutes each, in the order of id."""
    slots = [slot(f"s{at:03}", after_minutes=60 + at, minutes=1) for at in range(count)]
    fields: dict[str, Any] = {"slots": slots, "policy": policy(**HALVES), **changes}
    return problem(**fields)


def kept(asked: Problem, priority: Priority) -> list[int]:
    return [at for at, one in enumerate(keeps(asked, priority)) if one]


@pytest.mark.parametrize(
    ("seats", "asap", "routine"),
    [(0, 0, 0), (1, 0, 0), (2, 0, 1), (4, 0, 2), (5, 1, 2), (9, 1, 4), (10, 2, 5)],
)
def test_the_share_kept_is_rounded_down_to_whole_seats(seats: int, asap: int, routine: int) -> None:
    found = morning(seats)
    assert kept(found, Priority.STAT) == []
    assert kept(found, Priority.ASAP) == list(range(asap))
    assert kept(found, Priority.URGENT) == list(range(routine))
    assert kept(found, Priority.ROUTINE) == list(range(routine))


def test_the_default_keeps_5_15_and_30_of_100() -> None:
    found = morning(100, policy=policy())
    assert [len(kept(found, one)) for one in MORE_URGENT_FIRST] == [0, 5, 15, 30]


def test_a_share_that_a_double_rounds_down_keeps_its_whole_seat() -> None:
    # 0.29 * 100 is 28.999999999999996.
    found = morning(100, policy=policy(reserve={"stat": 0.29, "asap": 0, "urgent": 0}))
    assert len(kept(found, Priority.ASAP)) == 29


@pytest.mark.parametrize("seats", [1, 3, 7, 20, 61])
def test_what_is_kept_from_one_is_kept_from_the_less_urgent_too(seats: int) -> None:
    found = morning(seats, policy=policy())
    sets = [set(kept(found, one)) for one in MORE_URGENT_FIRST]
    assert all(more <= less for more, less in pairwise(sets))


def test_all_seats_may_be_kept_and_none() -> None:
    everything = morning(3, policy=policy(reserve={"stat": 1, "asap": 0, "urgent": 0}))
    assert kept(everything, Priority.STAT) == []
    assert kept(everything, Priority.ASAP) == [0, 1, 2]
    nothing = morning(3, policy=policy(reserve={"stat": 0, "asap": 0, "urgent": 0}))
    assert kept(nothing, Priority.ROUTINE) == []


def test_the_soonest_seats_are_kept_whatever_their_id() -> None:
    slots = (slot("a", after_minutes=90), slot("b", after_minutes=60))
    assert kept_slots(morning(0, slots=slots), Priority.ROUTINE) == {"b"}


def test_of_seats_that_begin_together_the_first_by_id_is_kept() -> None:
    slots = [slot(one, practitioner=f"d{one}") for one in "ab"]
    givers = [practitioner("da"), practitioner("db")]
    found = morning(0, slots=slots, practitioners=givers)
    assert kept_slots(found, Priority.ROUTINE) == {"a"}


def test_a_slot_is_kept_only_when_all_its_free_seats_are() -> None:
    one = morning(0, slots=(slot("hall", capacity=2),))
    assert kept(one, Priority.ROUTINE) == [0]
    assert kept_slots(one, Priority.ROUTINE) == frozenset()
    two = morning(0, slots=(slot("hall", capacity=2), slot("late", after_minutes=150, capacity=2)))
    assert kept(two, Priority.ROUTINE) == [0, 1]
    assert kept_slots(two, Priority.ROUTINE) == {"hall"}


def test_each_profession_is_counted_by_itself() -> None:
    givers = (practitioner(), practitioner("n1", profession=Profession.NURSE))
    slots = (slot("a"), slot("b", after_minutes=150), slot("n", practitioner="n1"))
    found = morning(0, practitioners=givers, slots=slots)
    assert kept_slots(found, Priority.ROUTINE) == {"a"}


def test_a_half_day_ends_at_noon_of_the_territory() -> None:
    # NOW is 9 h in Paris: noon is three hours later.
    before, noon = slot("a", after_minutes=179, minutes=1), slot("b", after_minutes=180)
    assert kept(morning(0, slots=(before, noon)), Priority.ROUTINE) == []
    both = (noon, slot("c", after_minutes=200))
    assert kept_slots(morning(0, slots=both), Priority.ROUTINE) == {"b"}
    # In La Réunion it is noon at 8 h UTC already: both are of the afternoon.
    island = policy(timezone="Indian/Reunion", **HALVES)
    assert kept_slots(morning(0, slots=(before, noon), policy=island), Priority.ROUTINE) == {"a"}


def test_each_day_is_counted_by_itself() -> None:
    slots = (slot("a"), slot("b", after_minutes=120 + 1440))
    assert kept(morning(0, slots=slots), Priority.ROUTINE) == []


def test_seats_that_are_taken_are_not_counted() -> None:
    pin = Pin(referral="x", patient=patient("x").key, slot="s000", seat=0)
    assert kept_slots(morning(3, pins=(pin,)), Priority.ROUTINE) == {"s001"}
    assert kept_slots(morning(2, pins=(pin,)), Priority.ROUTINE) == frozenset()


def test_seats_that_nobody_can_have_now_are_neither_counted_nor_kept() -> None:
    begun = slot("begun", start=NOW, end=NOW + timedelta(minutes=5))
    handed = slot("handed", after_minutes=30, state=SlotState.HANDED_BACK)
    two = (slot("a", after_minutes=60), slot("b", after_minutes=90))
    found = morning(0, slots=(begun, handed, *two))
    assert kept_slots(found, Priority.ROUTINE) == {"a"}
    assert kept(morning(0, slots=(begun, handed)), Priority.ROUTINE) == []


def test_the_change_of_clocks_moves_noon_with_it() -> None:
    # 2026-10-25: noon in Paris is 11 h UTC from that Sunday on, 10 h UTC on the day before.
    for day, hour in ((24, 10), (25, 11)):
        noon = datetime(2026, 10, day, hour, tzinfo=UTC)
        slots = [
            slot(name, start=noon + timedelta(minutes=at), end=noon + timedelta(minutes=at + 1))
            for name, at in (("a", -1), ("b", 0), ("c", 1))
        ]
        found = problem(
            as_of=noon - timedelta(hours=2),
            policy=policy(**HALVES),
            slots=slots,
            referrals=(),
            sites=(site(location=TOWN),),
        )
        assert kept_slots(found, Priority.ROUTINE) == {"b"}


def test_who_asks_and_what_seats_cost_change_nothing() -> None:
    assert kept(morning(4, referrals=(referral("9"),)), Priority.ROUTINE) == [0, 1]
