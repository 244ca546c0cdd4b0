"""
From the store to a Problem: what one referral, or a few, may know.

The counter and the night load through the same functions, so that both see the same rules.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from slotengine.domain import Referral, Slot, TimeWindow
from slotengine.givers import Givers, open_slots, problem_of
from slotengine.pinning import binding, binding_patients
from slotengine.policy import Policy
from slotengine.ports import Unit
from slotengine.problem import Problem, TravelMatrix

EDGE = timedelta(seconds=1)
"""A window is half-open; a deadline is inclusive: the window must end just after it."""


def counter_problem(
    unit: Unit,
    referral: Referral,
    policy: Policy,
    *,
    now: datetime,
    matrix: TravelMatrix | None,
    offered: bool = False,
) -> Problem | None:
    """
    Gives the Problem of one referral now, every other booking pinned; None without a future.

    ``offered``: of only those slots that its requester may be offered, asked so in the query;
    default all, of which an explanation says why they are none of them.
    """
    if referral.deadline is None or referral.deadline < now:
        return None
    slots: Sequence[Slot]
    if offered:
        slots = offered_slots(unit, referral, policy, now=now)
    else:
        slots = _slots_before(unit, referral.territory, now, referral.deadline)
    supply = Givers(unit, policy.territory, slots)
    return _alone(supply, referral, policy, now=now, matrix=matrix)


def _alone(
    supply: Givers,
    referral: Referral,
    policy: Policy,
    *,
    now: datetime,
    matrix: TravelMatrix | None,
) -> Problem:
    """Gives the Problem of one referral and these slots, every other booking pinned."""
    seated = binding(
        supply.unit, [referral], policy, slots=supply.slots, practitioners=supply.practitioners
    )
    return problem_of(
        supply,
        [referral],
        policy,
        now=now,
        seated=seated,
        free=lambda booking: booking.referral == referral.id,
        matrix=matrix,
    )


class Within(NamedTuple):
    """What one referral could have: a Problem of what has room, and the slots that have none."""

    problem: Problem
    full: frozenset[str]


def problem_within_reach(
    unit: Unit,
    referral: Referral,
    policy: Policy,
    *,
    now: datetime,
    matrix: TravelMatrix | None,
) -> Within | None:
    """
    Gives the Problem of what a referral may be offered now and could have; None without a future.

    ``solver.reachable`` leaves out no candidate. Neither does whatever is full: what its bookings
    take of a practitioner's day, of a patient's or of a tour is asked by practitioner, patient,
    group and step before, not by slot.
    """
    from slotengine.solver.reachable import could_have

    if referral.deadline is None or referral.deadline < now:
        return None
    slots = offered_slots(unit, referral, policy, now=now)
    supply = Givers(unit, policy.territory, slots)
    near = could_have(
        referral, slots, supply.practitioners, supply.sites, policy=policy, matrix=matrix
    )
    taken = unit.seats_taken([slot.id for slot in near], beside=referral.id)
    full = frozenset(slot.id for slot in near if taken.get(slot.id, 0) >= slot.seats)
    supply.keep([slot for slot in near if slot.id not in full])
    return Within(_alone(supply, referral, policy, now=now, matrix=matrix), full)


def offered_slots(
    unit: Unit, referral: Referral, policy: Policy, *, now: datetime
) -> tuple[Slot, ...]:
    """Gives the slots that the requester of a referral may be offered now, until its deadline."""
    window = TimeWindow(start=now, end=(referral.deadline or now) + EDGE)
    return unit.offered_slots(referral.territory, window, policy.audiences[referral.source])


def moving_problem(
    unit: Unit,
    referral: Referral,
    holders: Sequence[Referral],
    policy: Policy,
    *,
    now: datetime,
    matrix: TravelMatrix | None,
) -> Problem:
    """
    Gives the Problem of one referral beside promised ones whose seats may move.

    The holders' own seats are free in it; each holder asks for what it was promised.
    """
    asking = [referral, *holders]
    last = max(one.deadline or now for one in asking)
    slots = _slots_before(unit, policy.territory, now, last)
    supply = Givers(unit, policy.territory, slots)
    seated = binding(unit, asking, policy, slots=slots, practitioners=supply.practitioners)
    moving = {one.id for one in asking}
    return problem_of(
        supply,
        asking,
        policy,
        now=now,
        seated=seated,
        free=lambda booking: booking.referral in moving,
        matrix=matrix,
    )


def open_problem(
    unit: Unit,
    referral: Referral,
    policy: Policy,
    *,
    as_of: datetime,
    matrix: TravelMatrix | None,
) -> Problem:
    """
    Gives the Problem of one referral with other patients' seats free.

    To explain: a seat that was possible but taken is another answer than a seat that never was.
    Siblings' seats and the step before are pinned: they are why a seat was possible at all.
    """
    deadline = referral.deadline or as_of
    slots = _slots_before(unit, referral.territory, as_of, deadline)
    return problem_of(
        Givers(unit, policy.territory, slots),
        [referral.replaced(deadline=deadline)],
        policy,
        now=as_of,
        seated=binding_patients(unit, [referral]),
        free=lambda booking: booking.referral == referral.id,
        matrix=matrix,
    )


def seat_problem(
    unit: Unit,
    referral: Referral,
    policy: Policy,
    slot: Slot,
    *,
    now: datetime,
    matrix: TravelMatrix | None,
) -> Problem:
    """Gives the Problem of one referral and the slot it sits on, every other booking pinned."""
    supply = Givers(unit, policy.territory, [slot])
    seated = binding(unit, [referral], policy, slots=[slot], practitioners=supply.practitioners)
    return problem_of(
        supply,
        [referral],
        policy,
        now=now,
        seated=seated,
        free=lambda booking: booking.referral == referral.id,
        matrix=matrix,
    )


def line_problem(
    unit: Unit,
    referrals: Sequence[Referral],
    policy: Policy,
    slots: Sequence[Slot],
    *,
    now: datetime,
    matrix: TravelMatrix | None,
) -> Problem:
    """Gives the Problem of some who wait and some slots, every booking pinned."""
    supply = Givers(unit, policy.territory, slots)
    seated = binding(unit, referrals, policy, slots=slots, practitioners=supply.practitioners)
    return problem_of(
        supply,
        referrals,
        policy,
        now=now,
        seated=seated,
        free=lambda _: False,
        matrix=matrix,
    )


def _slots_before(unit: Unit, territory: str, now: datetime, deadline: datetime) -> list[Slot]:
    return open_slots(unit, territory, TimeWindow(start=now, end=deadline + EDGE))
