"""Why a referral has no seat, in one word, on which plan, counter and explanation agree."""

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from slotengine.problem import Problem, Unserved
from slotengine.reasons import Reason, ReasonCode, Rule
from slotengine.solver.arcs import Arcs, candidate_arcs, refusals
from slotengine.solver.columns import Columns
from slotengine.solver.duals import UNSERVED
from slotengine.solver.encoding import Indices
from slotengine.solver.pairs import pairs_of
from slotengine.solver.seating import Refusal, Seating
from slotengine.solver.tours import Tours

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
    columns
        The Problem as arrays.
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
    without = np.flatnonzero(seating.slot_of_row == UNSERVED).astype(np.int32)
    unpriced = _unpriced(columns, seating, without) if columns.priced else None
    made = []
    for row in without.tolist():
        slots = arcs.slot[arcs.start[row] : arcs.start[row + 1]].tolist()
        possible = int(columns.slot_free[slots].sum())
        if possible and unpriced is not None and unpriced.would_seat(row, slots):
            reason: Reason | None = Reason(code=ReasonCode.KEPT)
        else:
            reason = _beside_others(seating, row, slots)
        if reason is None:
            reason = reason_without_seat(columns, row, possible)
        made.append(Unserved(referral=problem.referrals[row].id, reasons=(reason,)))
    return tuple(made)


def deferred(unserved: Sequence[Unserved]) -> tuple[str, ...]:
    """Gives those who wait because the seats they could have are kept, in the order given."""
    return tuple(
        one.referral
        for one in unserved
        if any(reason.code is ReasonCode.KEPT for reason in one.reasons)
    )


class _Unpriced(NamedTuple):
    """The same plan where seats cost nothing: ``arcs`` of those without a seat."""

    arcs: Arcs
    seating: Seating

    def would_seat(self, row: int, possible: Sequence[int]) -> bool:
        """Tells whether the plan leaves a row a seat that only its price keeps from it."""
        own = self.arcs.slot[self.arcs.start[row] : self.arcs.start[row + 1]].tolist()
        return any(
            self.seating.refusal(row, slot) is None for slot in sorted({*own}.difference(possible))
        )


def _unpriced(columns: Columns, seating: Seating, without: Indices) -> _Unpriced:
    free = replace(columns, priced=False, slot_price=np.zeros_like(columns.slot_price))
    asked = candidate_arcs(free, without)
    # Of those who have a seat only that one is asked about.
    served = np.flatnonzero(seating.slot_of_row != UNSERVED).astype(np.int32)
    row = np.concatenate([asked.row, served])
    slot = np.concatenate([asked.slot, seating.slot_of_row[served]])
    order = np.lexsort((slot, row))
    start = np.zeros(columns.referrals + 1, dtype=np.int64)
    np.cumsum(np.bincount(row, minlength=columns.referrals), out=start[1:])
    arcs = Arcs(start, slot[order], np.zeros(len(row), dtype=np.int64))
    pairs = pairs_of(free, arcs)
    arc_of_row = np.full(columns.referrals, UNSERVED, dtype=np.int64)
    arc_of_row[served] = start[served]
    tours = Tours(free) if seating.side.tours else None
    return _Unpriced(arcs, Seating.of(pairs, seating.side, tours, arc_of_row))


def _beside_others(seating: Seating, row: int, slots: list[int]) -> Reason | None:
    """Gives what the rest of the plan forbids on every slot with a seat left; None without one."""
    refused = [seating.refusal(row, slot) for slot in slots if seating.room[slot] > 0]
    side = [_SIDE[why] for why in sorted(why for why in refused if why in _SIDE)]
    return Reason(code=side[-1]) if side else None
