"""Why a referral has no seat, in one word, on which plan, counter and explanation agree."""

import numpy as np

from slotengine.problem import Problem, Unserved
from slotengine.reasons import Reason, ReasonCode, Rule
from slotengine.solver.arcs import Arcs, refusals
from slotengine.solver.columns import Columns
from slotengine.solver.duals import UNSERVED
from slotengine.solver.seating import Refusal, Seating

_RULES = tuple(Rule)

_SIDE = {
    Refusal.PATHWAY: ReasonCode.PATHWAY,
    Refusal.GROUP: ReasonCode.GROUP,
    Refusal.TOUR: ReasonCode.TOUR,
    Refusal.CAP: ReasonCode.CAP,
}


def reason_without_seat(columns: Columns, row: int, possible_seats: int) -> Reason:
    """
    Gives the reason of one referral without a seat, side constraints apart.

    Parameters
    ----------
    row
        The referral's index in the Problem.
    possible_seats
        How many free seats no rule refuses it; they went to others.

    Returns
    -------
    Reason
        No slot at all; every seat pinned; every possible seat taken; else the latest rule that
        refuses a slot with a free seat, because it took the last of them in the funnel.
    """
    if columns.slots == 0:
        return Reason(code=ReasonCode.NO_SLOT)
    if columns.seats == 0:
        return Reason(code=ReasonCode.NO_FREE_SEAT)
    if possible_seats > 0:
        return Reason(code=ReasonCode.SEATS_TAKEN, figures={"seats": possible_seats})
    last = int(refusals(columns, row)[columns.slot_free > 0].max())
    return Reason(code=ReasonCode(_RULES[last].value))


def verdicts(
    problem: Problem, columns: Columns, arcs: Arcs, seating: Seating
) -> tuple[Unserved, ...]:
    """
    Gives every referral without a seat and why.

    Parameters
    ----------
    problem, columns, arcs
        What was planned.
    seating
        The plan.
    """
    made = []
    for row in np.flatnonzero(seating.slot_of_row == UNSERVED).tolist():
        slots = arcs.slot[arcs.start[row] : arcs.start[row + 1]]
        reason = _beside_others(seating, row, slots.tolist())
        if reason is None:
            possible = int(columns.slot_free[slots].sum())
            reason = reason_without_seat(columns, row, possible)
        made.append(Unserved(referral=problem.referrals[row].id, reasons=(reason,)))
    return tuple(made)


def _beside_others(seating: Seating, row: int, slots: list[int]) -> Reason | None:
    """Gives what the rest of the plan forbids on every slot with a seat left; None without one."""
    refused = [seating.refusal(row, slot) for slot in slots if seating.room[slot] > 0]
    side = [_SIDE[why] for why in sorted(why for why in refused if why in _SIDE)]
    return Reason(code=side[-1]) if side else None
