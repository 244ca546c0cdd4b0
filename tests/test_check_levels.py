"""Levels 0 and 3 by hand: floors that are missed, effort that lies unevenly."""

from typing import Any

import pytest
from brute_side import forced
from builders import (
    TOWN,
    patient,
    policy,
    practitioner,
    problem,
    referral,
    slot,
)

from slotengine.codes import Mode, Priority, SlotState
from slotengine.problem import Pin, Problem
from slotengine.side_constraints import Effort, Floor, Spread
from slotengine.solver.check_levels import burden, objective, shortfall, spread
from slotengine.solver.check_rules import Rules

ELSEWHERE = TOWN.replaced(insee="44115")
FOUR = tuple(
    referral(name, priority=priority, patient=patient(name, location=place))
    for name, priority, place in (
        ("a", Priority.ROUTINE, TOWN),
        ("b", Priority.ROUTINE, ELSEWHERE),
        ("c", Priority.URGENT, ELSEWHERE),
        ("d", Priority.URGENT, None),
    )
)
A, B, C, D = (one.id for one in FOUR)


@pytest.mark.parametrize(
    ("floor", "served", "missing"),
    [
        ({"percent": 100, "priority": "routine"}, {A, B}, 0),
        ({"percent": 100, "priority": "routine"}, {A}, 1),
        ({"percent": 100, "priority": "routine"}, {C, D}, 2),
        # Half of two, and half of three rounded up.
        ({"percent": 50, "priority": "routine"}, {A}, 0),
        ({"percent": 50, "priority": "routine"}, set(), 1),
        ({"percent": 51, "priority": "routine"}, {A}, 1),
        ({"percent": 100, "insee": "44115"}, {B}, 1),
        ({"percent": 100, "insee": "44115"}, {B, C}, 0),
        ({"percent": 100, "insee": "44115", "priority": "routine"}, {B}, 0),
        ({"percent": 100, "insee": "44999"}, set(), 0),
        ({"percent": 100, "priority": "stat"}, set(), 0),
    ],
)
def test_a_floor_counts_whom_it_names(
    floor: dict[str, Any], served: set[str], missing: int
) -> None:
    asked = problem(referrals=FOUR, policy=policy(floors=(Floor(**floor),)))
    assert shortfall(Rules(asked), served) == missing


def test_floors_add_up_and_none_asks_nothing() -> None:
    both = (Floor(percent=100, priority="routine"), Floor(percent=100, insee="44115"))
    asked = problem(referrals=FOUR, policy=policy(floors=both))
    assert shortfall(Rules(asked), {A}) == 1 + 2
    assert shortfall(Rules(problem(referrals=FOUR)), set()) == 0


@pytest.mark.parametrize(
    ("effort", "offered", "counts"),
    [
        (0, 150, 0),
        (15, 150, 150),  # the first tenth, at weight 1
        (30, 150, 600),  # 150 + 3 * 150
        (37, 150, 950),  # 600 and 5 * 70
        (300, 150, 60_000),  # twenty tenths: 150 * 20^2
        (310, 150, 64_100),  # and 41 * 100 beyond them
        (1, 0, 100),  # nothing offered counts as a minute: ten steps of 1
    ],
)
def test_each_further_tenth_weighs_more(effort: int, offered: int, counts: int) -> None:
    assert burden(effort, offered) == counts


def spread_of(*solution: str | None, **changes: Any) -> int:
    asked = two_practitioners(**changes)
    plan = forced(asked, solution)
    return spread(Rules(asked), plan.assignments)


def two_practitioners(**changes: Any) -> Problem:
    """A practitioner with 4 * 15 minutes and one with 2 * 15; one referral, of effort 15."""
    fields: dict[str, Any] = {
        "practitioners": (practitioner(), practitioner("d2")),
        "slots": (
            slot("slot1", capacity=2, minutes=30),
            slot("slot2", capacity=2, minutes=30, after_minutes=150),
            slot("slot3", practitioner="d2", capacity=2, minutes=29),
            slot("slot4", practitioner="d2", after_minutes=300, state=SlotState.WITHDRAWN),
        ),
        "referrals": (referral(),),
        "policy": policy(spread=Spread(), effort=Effort(first_visit=0)),
    }
    return problem(**{**fields, **changes})


def test_effort_is_measured_against_what_was_offered() -> None:
    # 150 tenths over steps of 60: 60 * (1 + 3) + 5 * 30; over steps of 30: 30 * 5^2.
    assert spread_of("slot1") == 390
    assert spread_of("slot3") == 750
    assert spread_of(None) == 0
    assert spread_of("slot1", policy=policy(effort=Effort(first_visit=0))) == 0


def test_pins_are_effort_too() -> None:
    pin = Pin(referral="r-x", patient="p", slot="slot3", seat=0, first_visit=False)
    assert spread_of(None, pins=(pin,)) == 750
    assert spread_of("slot1", pins=(pin,)) == 750 + 390
    # A home visit costs twice as much: 300 tenths, 30 * 10^2.
    visit = pin.replaced(mode=Mode.HH, location=TOWN)
    assert spread_of(None, pins=(visit,)) == 3_000


def test_levels_that_nobody_asked_for_are_nothing() -> None:
    asked = two_practitioners(policy=policy())
    totals = objective(Rules(asked), forced(asked, ("slot1",)).assignments, 0)
    assert (totals[0], totals[6], totals[7]) == (0, 0, 0)
    unserved = objective(Rules(asked), (), 0)
    assert unserved == (0, 0, 0, 1, 0, 0, 0, 0, 0)
