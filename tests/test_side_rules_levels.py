"""Floors, spread, told bookings, seats and pins of a night, planned: on each edge, and absent."""

from typing import Any

import pytest
from builders import NOW, TOWN, patient, policy, slot
from nights import ASAP, DAY, ROUTINE, STAT, Night, agenda, asks, booked, night, planned

from slotengine.codes import Mode, Priority
from slotengine.domain import Referral, TimeWindow
from slotengine.errors import ProblemError
from slotengine.problem import COST_LEVEL, MOVE_LEVEL, SPREAD_LEVEL, Told
from slotengine.side_constraints import Caps, Floor, Groups, Spread
from slotengine.solver.solve import solve

FEW = (*[asks(name, **ASAP) for name in "ab"], *[asks(name, **ROUTINE) for name in "xyz"])
"""Two to be seen as soon as possible, three routine."""


def with_floors(*floors: Floor, asked: Any = FEW, slots: Any = None) -> Night:
    return planned(night(asked, slots or agenda(120, 135, 150), policy=policy(floors=floors)))


@pytest.mark.parametrize(
    ("percent", "routine", "displaced"),
    [
        (33, 1, 0),  # of three: 0.99, so one, who has a seat anyway
        (34, 2, 1),  # 1.02, so two
        (66, 2, 1),
        (67, 3, 2),
        (100, 3, 2),
    ],
)
def test_a_floor_serves_a_class_before_the_more_urgent(
    percent: int, routine: int, displaced: int
) -> None:
    found = with_floors(Floor(percent=percent, priority=Priority.ROUTINE))
    assert found.plan.objective[0] == 0
    assert sum(name in found.seats for name in "xyz") == routine
    assert found.unserved == (0, routine - 1, 0, 3 - routine)
    assert len(found.plan.displaced) == displaced
    assert set(found.plan.displaced) <= {"a", "b"} & set(found.reasons)


def test_without_floors_nobody_is_displaced() -> None:
    found = with_floors()
    assert {"a", "b"} <= set(found.seats)
    assert found.plan.displaced == ()
    assert "0" not in night(FEW, agenda(120)).active_levels


def test_what_a_floor_lacks_is_counted() -> None:
    found = with_floors(Floor(percent=100, priority=Priority.ROUTINE), slots=agenda(120, 135))
    assert found.plan.objective[0] == 1
    assert set(found.plan.displaced) == {"a", "b"}
    nobody = with_floors(Floor(percent=100, priority=Priority.STAT))
    assert nobody.plan.objective[0] == 0
    assert nobody.plan.displaced == ()


def test_floors_of_two_classes_add_up() -> None:
    floors = [Floor(percent=100, priority=one) for one in (Priority.ROUTINE, Priority.ASAP)]
    found = with_floors(*floors)
    # Five are wanted, three have seats: the more urgent then decide who.
    assert found.plan.objective[:5] == (2, 0, 0, 0, 2)
    assert found.plan.displaced == ()


def lives(name: str, insee: str | None, **changes: Any) -> Referral:
    place = None if insee is None else TOWN.replaced(insee=insee)
    return asks(name, patient=patient(name, location=place), **changes)


def test_a_floor_of_a_commune_counts_where_patients_live() -> None:
    asked = (lives("a", "44114", **ASAP), lives("b", "44115"), lives("c", "44116"))
    there = Floor(percent=100, insee="44115")
    found = with_floors(there, asked=asked, slots=agenda(120))
    assert found.seats == {"b": "d1@120"}
    assert found.plan.displaced == ("a",)
    both = Floor(percent=100, insee="44115", priority=Priority.ROUTINE)
    found = with_floors(both, asked=asked, slots=agenda(120))
    assert found.seats == {"a": "d1@120"}
    nowhere = with_floors(there, asked=(asked[0], lives("b", None)), slots=agenda(120))
    assert (nowhere.seats, nowhere.plan.objective[0]) == ({"a": "d1@120"}, 0)


def test_a_floor_keeps_the_caps() -> None:
    floor = Floor(percent=100, priority=Priority.ROUTINE)
    rules = policy(floors=(floor,), caps=Caps(bookings_per_day=2))
    found = planned(night(FEW, agenda(120, 135, 150), policy=rules))
    assert found.plan.objective[:5] == (1, 0, 2, 0, 1)
    assert set(found.reasons.values()) == {"cap"}


ALIKE = (
    slot("early", capacity=2, practitioner="d1"),
    slot("late", after_minutes=124, capacity=2, practitioner="d2"),
)


def shared(give_percent: int | None, *, later: int = 124, pins: Any = ()) -> Night:
    """Two urgent patients; both with d1 is best at level 2, one with each is fairer."""
    start = slot("x", after_minutes=later)
    slots = (ALIKE[0], ALIKE[1].replaced(start=start.start, end=start.end))
    spread = None if give_percent is None else Spread(give_percent=give_percent)
    asked = (asks("a"), asks("b"))
    return planned(night(asked, slots, policy=policy(spread=spread), pins=pins))


FAIR = 2 * (49 * 16 + 15 * 8)
"""
One first visit each: 8 minutes and half as much again, 12, so 120 tenths where 16 were offered:
seven whole tenths of the offer, weighing 1, 3 ... 13, and half of the eighth, weighing 15.
"""

UNFAIR = 225 * 16
"""Both with one: 240 tenths, fifteen whole tenths of the offer, 1 + 3 + ... + 29 = 225."""


@pytest.mark.parametrize(
    ("give_percent", "later", "cost", "spread"),
    [
        (2, 124, 240 + 248, FAIR),  # 480 and 2 percent: at most 489
        (2, 125, 480, UNFAIR),
        (0, 120, 480, FAIR),
        (0, 121, 480, UNFAIR),
        (100, 300, 240 + 600, FAIR),
        (100, 361, 480, UNFAIR),
        (100, 360, 240 + 720, FAIR),  # exactly twice as much
        (None, 120, 480, 0),
    ],
)
def test_effort_is_spread_for_what_may_be_given_up(
    give_percent: int | None, later: int, cost: int, spread: int
) -> None:
    found = shared(give_percent, later=later)
    assert found.cost == cost
    assert found.plan.objective[SPREAD_LEVEL] == spread
    assert found.plan.bound[COST_LEVEL] == 480


def test_pins_are_part_of_the_spread() -> None:
    """Who has a home visit already is spared; who has a short booking is not."""
    known = booked("late", seat=1, first_visit=False)
    found = shared(2, pins=(known,))
    # With d2, 8 and 12 minutes: 200 tenths, twelve whole tenths of the offer and half a thirteenth.
    assert found.plan.objective[SPREAD_LEVEL] == FAIR // 2 + 144 * 16 + 25 * 8
    assert found.cost == 240 + 248
    # A first visit at home is 20 minutes; one more would make 32, twenty whole tenths: 400 * 16.
    found = shared(2, pins=(known.replaced(first_visit=True, mode=Mode.HH),))
    assert found.plan.objective[SPREAD_LEVEL] == UNFAIR + 144 * 16 + 25 * 8
    assert found.cost == 480


def told(**slots: str) -> tuple[Told, ...]:
    return tuple(Told(referral=name, slot=f"d1@{at}") for name, at in slots.items())


def moving(most: int, *starts: int, asked: Any = (), **slots: str) -> Night:
    given = asked or tuple(asks(name) for name in slots)
    rules = policy(max_told_moves=most)
    return planned(night(given, agenda(*starts), policy=rules, told=told(**slots)))


@pytest.mark.parametrize(
    ("most", "seats", "moves"),
    [
        (0, {"a": "d1@150", "b": "d1@165"}, 0),
        (1, {"a": "d1@150", "b": "d1@120"}, 1),
        (2, {"a": "d1@120", "b": "d1@135"}, 2),
    ],
)
def test_few_told_bookings_move_to_cheaper_seats(
    most: int, seats: dict[str, str], moves: int
) -> None:
    found = moving(most, 120, 135, 150, 165, a="150", b="165")
    # With two moves who has which of the two seats is a tie.
    assert sorted(found.seats.values()) == sorted(seats.values())
    assert most == 2 or found.seats == seats
    assert found.plan.objective[MOVE_LEVEL] == moves
    assert found.cost == sum(2 * int(at[3:]) for at in seats.values())


def test_of_plans_as_convenient_the_one_with_fewer_moves_is_best() -> None:
    """To move a to 120, or b to 120 and a to 135: the same sum."""
    found = moving(2, 120, 135, 150, a="150", b="135")
    assert found.seats == {"a": "d1@120", "b": "d1@135"}
    assert found.plan.objective[MOVE_LEVEL] == 1


def test_who_was_told_keeps_a_seat_whoever_else_needs_one() -> None:
    asked = (asks("a", **ROUTINE), asks("s", **STAT))
    for most in (0, 1):
        found = moving(most, 120, asked=asked, a="120")
        assert (found.seats, found.reasons) == ({"a": "d1@120"}, {"s": "seats_taken"})
    only_first = TimeWindow(start=NOW, end=agenda(120)[0].end)
    soon = (asked[0], asked[1].replaced(windows=(only_first,)))
    assert moving(0, 120, 135, asked=soon, a="120").reasons == {"s": "seats_taken"}
    found = moving(1, 120, 135, asked=soon, a="120")
    assert found.seats == {"a": "d1@135", "s": "d1@120"}


def test_nobody_told_is_nobody_kept() -> None:
    found = moving(2, 120, asked=(asks("a", **ROUTINE), asks("s", **STAT)))
    assert found.seats == {"s": "d1@120"}
    assert found.plan.objective[MOVE_LEVEL] == 0


def test_told_seats_that_no_plan_can_keep_are_an_error() -> None:
    both = (asks("a"), asks("b"))
    capped = policy(caps=Caps(bookings_per_day=1), max_told_moves=2)
    asked = night(both, agenda(120, 135), policy=capped, told=told(a="120", b="135"))
    with pytest.raises(ProblemError, match="no plan keeps the seats of all who were told one"):
        solve(asked)
    # A seat on another day would do.
    found = planned(
        night(both, agenda(120, 135, 120 + DAY), policy=capped, told=told(a="120", b="135"))
    )
    assert sorted(found.seats.values()) == ["d1@120", f"d1@{120 + DAY}"]
    far = night((both[0],), agenda(5), policy=capped, told=told(a="5"))
    with pytest.raises(ProblemError, match="told referral a: a rule refuses its slot d1@5"):
        solve(far)


def test_a_told_sibling_draws_the_others_to_its_side() -> None:
    family = tuple(asks(name, group="g") for name in "ab")
    found = moving(0, 120, 150, 165, asked=family, a="150")
    assert found.seats == {"a": "d1@150", "b": "d1@165"}
    with pytest.raises(ProblemError, match="no plan keeps"):
        solve(night(family, agenda(120, 150), policy=policy(), told=told(a="150")))
    rules = policy(groups=Groups(gap_minutes=15))
    found = planned(night(family, agenda(120, 150), policy=rules, told=told(a="150")))
    assert found.seats == {"a": "d1@150", "b": "d1@120"}


def test_seats_of_one_slot_go_to_ids_in_order_around_a_pin() -> None:
    hall = slot("hall", capacity=4)
    asked = [asks(name) for name in "cab"]
    found = planned(night(asked, (hall,), pins=(booked("hall", seat=1),)))
    assert [(one.referral, one.seat) for one in found.plan.assignments] == [
        ("a", 0),
        ("b", 2),
        ("c", 3),
    ]
    one_less = planned(night(asked, (hall.replaced(capacity=3),), pins=(booked("hall", seat=1),)))
    assert list(one_less.reasons.values()) == ["seats_taken"]


def test_a_seat_of_a_larger_slot_takes_less_effort() -> None:
    """15 minutes for two are 8 each, 12 on a first visit; for one they are 23."""
    rules = policy(caps=Caps(effort_minutes_per_day=24))
    both = (asks("a"), asks("b"))
    assert planned(night(both, (slot("hall", capacity=2),), policy=rules)).reasons == {}
    assert len(planned(night(both, agenda(120, 135), policy=rules)).reasons) == 1
    tighter = rules.replaced(caps=Caps(effort_minutes_per_day=23))
    found = planned(night(both, (slot("hall", capacity=2),), policy=tighter))
    assert list(found.reasons.values()) == ["cap"]


def test_pins_never_move_whatever_they_cost_others() -> None:
    pin = booked("d1@120", referral="r-routine", patient=patient("q").key)
    found = planned(night((asks("s", **STAT),), agenda(120), pins=(pin,)))
    assert found.reasons == {"s": "no_free_seat"}
    found = planned(night((asks("s", **STAT),), agenda(120, 135), pins=(pin,)))
    assert found.seats == {"s": "d1@135"}
