"""
The night: who is to be placed, a proven plan, an independent check, and a write seat by seat.

Solving happens outside any transaction; what the day took meanwhile comes back as a conflict and is
seated again at once.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from slotengine.answers import Conflict, PlanReport, Receipt
from slotengine.choosing import chosen_tonight, left_out_receipt
from slotengine.codes import Priority, ReferralState
from slotengine.domain import TimeWindow
from slotengine.errors import InputError, PlanRejectedError
from slotengine.keeping import reseat
from slotengine.loading_night import night_problem
from slotengine.plan_promises import CONFLICT, Keeping
from slotengine.ports import Unit
from slotengine.problem import Limits, Plan, Problem, TravelMatrix
from slotengine.promising import with_terms
from slotengine.reasons import ReasonCode
from slotengine.transitions import UNPLACED


def prepare(unit: Unit, territory: str) -> None:
    """Moves the territory's clock on and ends holds that ran out, so that their seats are free."""
    unit.advance_clock(territory, unit.policy(territory).clock_tolerance)
    unit.expire_holds(territory)


def load(
    unit: Unit,
    territory: str,
    *,
    now: datetime,
    horizon: timedelta | None,
    matrix: TravelMatrix | None,
) -> tuple[Problem, tuple[Receipt, ...]]:
    """
    Gives the night's Problem, and who is left out of it with the reason.

    Promises that may still move ask for what was promised, and have a seat in every plan.
    """
    policy = unit.policy(territory)
    span = policy.plan_horizon if horizon is None else horizon
    if span <= timedelta(0):
        raise InputError(f"planning horizon must be positive, not {span}")
    window = TimeWindow(start=now, end=now + span)
    chosen, left_out = chosen_tonight(unit, policy, window)
    open_promises = {one.promise.referral: one for one in unit.open_promises(territory)}
    night = night_problem(
        unit,
        [
            with_terms(one, open_promises[one.id].promise, now=now)
            if one.id in open_promises
            else one
            for one in chosen
        ],
        policy,
        now=now,
        horizon=span,
        matrix=matrix,
        witnesses={
            one.id: open_promises[one.id].slot.id for one in chosen if one.id in open_promises
        },
    )
    too_large = tuple(left_out_receipt(one, ReasonCode.GROUP, window) for one in night.too_large)
    return night.problem, (*left_out, *too_large)


def solved(problem: Problem, *, limits: Limits, seed: int) -> Plan:
    """
    Solves and checks.

    Raises
    ------
    PlanRejectedError
        When the independent check finds a violation: the plan must not be written.
    """
    from slotengine.solver.check import check
    from slotengine.solver.solve import solve

    plan = solve(problem, limits=limits, seed=seed)
    violations = check(problem, plan)
    if violations:
        raise PlanRejectedError(
            tuple(f"{one.rule}: {one.subject}: {one.detail}" for one in violations)
        )
    return plan


def commit(
    unit: Unit, problem: Problem, plan: Plan, *, now: datetime, matrix: TravelMatrix | None
) -> tuple[Conflict, ...]:
    """
    Writes the plan; a seat lost to the day is sought again among what is free now.

    An open promise never loses its seat by it: where its new one was lost, its old one is given
    back, and whoever the plan has put there looks for another.
    """
    unit.advance_clock(problem.territory, problem.policy.clock_tolerance)
    kept = Keeping(unit, problem, plan)
    lost = unit.commit_plan(plan, problem.slots, problem.told)
    lost += kept.restored(now=now, matrix=matrix)
    conflicts = []
    for conflict in sorted(lost, key=lambda conflict: conflict.referral):
        replacement = None
        if conflict.referral in kept.promises:
            replacement = unit.booking_of(conflict.referral)
        elif unit.stored_referral(conflict.referral).referral.state in UNPLACED:
            replacement, _ = reseat(unit, conflict.referral, now=now, matrix=matrix, why=CONFLICT)
        conflicts.append(conflict.replaced(replacement=replacement))
    for unserved in plan.unserved:
        if unit.stored_referral(unserved.referral).referral.state is ReferralState.RECEIVED:
            unit.set_referral_state(
                unserved.referral, ReferralState.WAITING, why=unserved.reasons[0].code.value
            )
    return tuple(conflicts)


def report(
    problem: Problem,
    plan: Plan,
    *,
    left_out: Sequence[Receipt],
    conflicts: Sequence[Conflict],
) -> PlanReport:
    """Counts what the night did."""
    served = {assignment.referral for assignment in plan.assignments}
    by_priority = {
        priority.value: (
            sum(one.priority is priority and one.id in served for one in problem.referrals),
            sum(one.priority is priority for one in problem.referrals),
        )
        for priority in Priority
    }
    return PlanReport(
        plan=plan,
        referrals=len(problem.referrals),
        seats=len(problem.free_seats),
        pinned=len(problem.pins),
        promised=len(problem.promised),
        price_set=problem.price_set,
        without_own_practitioner=sum(
            one.patient.own_practitioner is None for one in problem.referrals
        ),
        served_by_priority=by_priority,
        left_out=tuple(left_out),
        conflicts=tuple(conflicts),
    )
