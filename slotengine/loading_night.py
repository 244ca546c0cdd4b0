"""
From the store to a Problem of many: a night, or the market from which seats are priced.

The counter and the night load through the same functions, so that both see the same rules.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from slotengine.domain import Referral, Slot, TimeWindow, by_id
from slotengine.givers import Givers, open_slots, problem_of
from slotengine.loading import line_problem, seat_problem
from slotengine.pinning import binding
from slotengine.policy import Policy
from slotengine.ports import Unit
from slotengine.pricing import priced
from slotengine.problem import Problem, Told, TravelMatrix
from slotengine.problem_checks import too_large_groups
from slotengine.seat_prices import SeatPrice


class Night(NamedTuple):
    """A night's Problem, and the referrals whose group is larger than any practitioner's day."""

    problem: Problem
    too_large: tuple[Referral, ...]


def market_problem(
    unit: Unit,
    referrals: Sequence[Referral],
    policy: Policy,
    window: TimeWindow,
    *,
    now: datetime,
    matrix: TravelMatrix | None,
) -> Problem:
    """
    Gives the Problem of some who wait and all open slots of a window, every booking pinned.

    Without the groups that are larger than any practitioner's day.
    """
    slots = open_slots(unit, policy.territory, window)
    large = _too_large(policy, Givers(unit, policy.territory, slots), referrals)
    able = [one for one in referrals if one.group is None or one.group not in large]
    return line_problem(unit, able, policy, slots, now=now, matrix=matrix)


def night_problem(
    unit: Unit,
    referrals: Sequence[Referral],
    policy: Policy,
    *,
    now: datetime,
    horizon: timedelta,
    matrix: TravelMatrix | None,
    witnesses: Mapping[str, str] | None = None,
) -> Night:
    """
    Gives the Problem of a night: promises of these referrals that may move are free.

    A promise that nobody was told may move; one that was told only if the Policy lets some move and
    it would be allowed where it is today, else it is pinned.

    ``witnesses`` are the slots on which promises rest that must be kept: their referrals have a
    seat in every plan. All of them could stay where they are, beside all who were told, so there is
    such a plan; who could not, because a rule grew stricter or an agenda fuller, is pinned.
    """
    window = TimeWindow(start=now, end=now + horizon)
    slots = open_slots(unit, policy.territory, window)
    supply = Givers(unit, policy.territory, slots)
    large = _too_large(policy, supply, referrals)
    placing = {one.id: one for one in referrals if one.group is None or one.group not in large}
    seated = binding(
        unit,
        list(placing.values()),
        policy,
        slots=slots,
        practitioners=supply.practitioners,
    )
    told = []
    for one in seated:
        if one.booking.referral not in placing or one.booking.told_at is None:
            continue
        who = placing[one.booking.referral]
        if _may_stay(unit, who, policy, one.slot, now=now, matrix=matrix):
            told.append(Told(referral=who.id, slot=one.slot.id))
        else:
            del placing[who.id]
    moving = {one.referral for one in told}
    cost = priced(unit, policy, slots, now=now)
    keeping = {} if witnesses is None else {**witnesses}
    while True:
        keeping = {id_: slot for id_, slot in keeping.items() if id_ in placing}
        problem = problem_of(
            supply,
            list(placing.values()),
            policy,
            now=now,
            seated=seated,
            free=lambda booking: (
                booking.referral in placing and (booking.movable or booking.referral in moving)
            ),
            told=told,
            promised=sorted(keeping),
            prices=[SeatPrice(slot=id_, price=price) for id_, price in cost.prices.items()],
            price_set=cost.price_set,
            matrix=matrix,
        )
        pinned = _unfit(problem, keeping)
        if not pinned:
            break
        for id_ in pinned:
            del placing[id_]
    return Night(problem, tuple(one for one in referrals if one.group in large))


def _unfit(problem: Problem, keeping: Mapping[str, str]) -> tuple[str, ...]:
    if not keeping:
        return ()
    from slotengine.solver.witnesses import unfit

    return unfit(problem, keeping)


def _too_large(policy: Policy, supply: Givers, referrals: Sequence[Referral]) -> set[str]:
    groups = {one.group for one in referrals if one.group is not None}
    if not supply.slots:
        # No day at all has room for two; slots that are listed for bookings alone don't count.
        return {group for group in groups if sum(one.group == group for one in referrals) > 1}
    people = by_id(supply.practitioners)
    return set(too_large_groups(policy, people, supply.slots, referrals))


def _may_stay(
    unit: Unit,
    referral: Referral,
    policy: Policy,
    slot: Slot,
    *,
    now: datetime,
    matrix: TravelMatrix | None,
) -> bool:
    """
    Tells whether a referral could be given the seat it has, every other booking where it is.

    Asked one by one, which is enough: where each may stay beside all others, all may stay.
    """
    from slotengine.solver.explain import why_not

    problem = seat_problem(unit, referral, policy, slot, now=now, matrix=matrix)
    return why_not(problem, referral.id, slot.id) is None
