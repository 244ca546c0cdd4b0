"""Hand-made nights: a few referrals and slots by name, solved, checked and read back by name."""

from datetime import timedelta
from typing import Any, NamedTuple

from brute_side import best
from builders import NOW, TOWN, north_of, practitioner, problem, referral, slot

from slotengine.codes import Mode, Priority
from slotengine.domain import Referral
from slotengine.problem import COST_LEVEL, Pin, Plan, Problem
from slotengine.solver.check import check
from slotengine.solver.solve import solve

DAY = 1440
"""Minutes."""

LATER = NOW + timedelta(days=200)
"""
A deadline so late that waiting costs its plain weight for the first hundred days: 8, 4, 2, 1
weighted minutes a minute from stat to routine.
"""

TEN_KM = north_of(TOWN, 10_000)
"""12,820 road metres, 18 minutes by car."""

STAT, ASAP, URGENT, ROUTINE = (
    {"priority": one} for one in (Priority.STAT, Priority.ASAP, Priority.URGENT, Priority.ROUTINE)
)
HOME: dict[str, Any] = {"modes": (Mode.HH,)}


class Night(NamedTuple):
    """Who sits where, why the others don't, and what it comes to."""

    seats: dict[str, str]
    reasons: dict[str, str]
    plan: Plan

    @property
    def unserved(self) -> tuple[int, ...]:
        """Levels 1a to 1d."""
        return self.plan.objective[1:COST_LEVEL]

    @property
    def cost(self) -> int:
        """Level 2."""
        return self.plan.objective[COST_LEVEL]


def asks(name: str, **changes: Any) -> Referral:
    """An urgent patient of the town, seen by nobody yet, whose id is the name."""
    return referral(name, **{"id": name, "deadline": LATER, **changes})


def agenda(*after_minutes: int, giver: str = "d1", **changes: Any) -> tuple[Any, ...]:
    """One practitioner's slots of 15 minutes, named after the minute they start at."""
    return tuple(
        slot(f"{giver}@{at}", after_minutes=at, practitioner=giver, **changes)
        for at in after_minutes
    )


def booked(slot_id: str, **changes: Any) -> Pin:
    """Somebody else's booking, seen for the first time at the practice."""
    return Pin(
        **{"referral": f"pinned-{slot_id}", "patient": "p", "seat": 0, **changes, "slot": slot_id}
    )


def night(asked: Any, slots: Any, **changes: Any) -> Problem:
    """Every practitioner named by a slot is there."""
    givers = sorted({one.practitioner for one in slots})
    fields = {"practitioners": [practitioner(one) for one in givers], **changes}
    return problem(referrals=asked, slots=slots, **fields)


def planned(asked: Problem, *, seed: int = 0) -> Night:
    """Solves; the plan passes, is proved, and no other of all plans is better."""
    plan = solve(asked, seed=seed)
    assert check(asked, plan) == []
    assert plan.proved
    assert plan.objective == best(asked, seed)[0]
    return Night(
        {one.referral: one.slot for one in plan.assignments},
        {one.referral: one.reasons[0].code.value for one in plan.unserved},
        plan,
    )
