"""Why a referral has no seat, in one word, on which plan, counter and explanation agree."""

from slotengine.reasons import Reason, ReasonCode, Rule
from slotengine.solver.arcs import refusals
from slotengine.solver.columns import Columns

_RULES = tuple(Rule)


def reason_without_seat(columns: Columns, row: int, possible_seats: int) -> Reason:
    """
    Gives the reason of one referral without a seat.

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
