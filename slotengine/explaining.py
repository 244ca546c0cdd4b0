"""Why a referral stands where it stands, read from the store at this moment; what would help it."""

from datetime import datetime

from slotengine.codes import ReferralState
from slotengine.explanations import ChangeSearch, Explanation, SeatValue
from slotengine.loading import counter_problem, open_problem
from slotengine.ports import Unit
from slotengine.problem import Limits, Problem, TravelMatrix
from slotengine.reasons import Reason, ReasonCode
from slotengine.redflags import red_flags


def explain(
    unit: Unit,
    referral_id: str,
    *,
    now: datetime,
    breakdown: bool,
    matrix: TravelMatrix | None,
) -> Explanation:
    """
    Gives the explanation of one referral; without ``breakdown`` what a requester may read.

    A referral with a seat is explained as of when it was received, one without as of now: whoever
    has a seat in ten minutes can no longer "get there in time", and yet that was no mistake.
    """
    from slotengine.solver.explain import explain_now, for_requester

    referral = unit.stored_referral(referral_id).referral
    policy = unit.policy(referral.territory)
    if referral.state is ReferralState.REFUSED:
        return _without_seat(referral_id, red_flags(referral, policy))
    booking = unit.booking_of(referral_id)
    as_of = now if booking is None else min(now, referral.received_at)
    beside = counter_problem(unit, referral, policy, now=as_of, matrix=matrix)
    if beside is None:
        return _without_seat(referral_id, (Reason(code=ReasonCode.DEADLINE_PAST),))
    found = explain_now(
        open_problem(unit, referral, policy, as_of=as_of, matrix=matrix),
        referral_id,
        own=None if booking is None else booking.slot,
        beside=beside,
    )
    return found if breakdown else for_requester(found)


def _without_seat(referral_id: str, reasons: tuple[Reason, ...]) -> Explanation:
    return Explanation(
        referral=referral_id, served=False, seat=None, runner_up=None, funnel=(), reasons=reasons
    )


def smallest_change(problem: Problem, referral_id: str, *, limits: Limits) -> ChangeSearch:
    """Searches, for a referral of a night, what would give it a seat in the night's best plan."""
    from slotengine.solver.changes import smallest_changes
    from slotengine.solver.solve import solve

    plan = solve(problem, limits=limits)
    return smallest_changes(problem, plan, (referral_id,), limits=limits)[0]


def without_search(found: Explanation, reasons: tuple[Reason, ...]) -> ChangeSearch:
    """Answers for a referral that no night places: it has a seat, or the reasons why not."""
    return ChangeSearch(
        referral=found.referral,
        served=found.served,
        change=None,
        complete=True,
        solves=0,
        reasons=() if found.served else reasons or found.reasons,
    )


def more_seats(problem: Problem, *, top: int, limits: Limits) -> tuple[SeatValue, ...]:
    """Gives what one more seat would bring to a night's best plan, best first."""
    from slotengine.solver import more_seats as seats
    from slotengine.solver.solve import solve

    return seats.more_seats(problem, solve(problem, limits=limits), top=top, limits=limits)
