"""Which slots the rest of a plan leaves to one referral, side constraints included."""

import numpy as np

from slotengine.problem import Plan, Problem
from slotengine.solver.arcs import Arcs, candidate_arcs
from slotengine.solver.columns import NOT_TOLD, Columns
from slotengine.solver.duals import UNSERVED
from slotengine.solver.pairs import pairs_of
from slotengine.solver.seating import Seating
from slotengine.solver.side import side_of
from slotengine.solver.tours import Tours


def left_beside(problem: Problem, columns: Columns, plan: Plan, row: int) -> set[str]:
    """
    Gives the allowed slots on which one referral could sit, all others staying where they are.

    Parameters
    ----------
    problem, columns
        What was planned.
    plan
        Where the others sit; the referral's own seat counts as free.
    row
        The referral's index.
    """
    slot_index = {slot.id: at for at, slot in enumerate(problem.slots)}
    row_index = {one.id: at for at, one in enumerate(problem.referrals)}
    seated = {row_index[one.referral]: slot_index[one.slot] for one in plan.assignments}
    seated.pop(row, None)
    own = candidate_arcs(columns, np.array([row], dtype=np.int32)).slot.tolist()
    arcs = _arcs(columns, {**{other: {slot} for other, slot in seated.items()}, row: set(own)})
    side = side_of(problem, columns, arcs)
    pairs = pairs_of(columns, arcs)
    arc_of_row = np.full(columns.referrals, UNSERVED, dtype=np.int64)
    for other, slot in seated.items():
        arc = pairs.arc(other, slot)
        arc_of_row[other] = UNSERVED if arc is None else arc
    seating = Seating.of(pairs, side, Tours(columns) if side.tours else None, arc_of_row)
    return {problem.slots[slot].id for slot in own if seating.refusal(row, slot) is None}


def _arcs(columns: Columns, slots_of_row: dict[int, set[int]]) -> Arcs:
    """Gives only the pairs that are asked about: of everybody else, where they sit or were told."""
    for row in np.flatnonzero(columns.referral_told_slot != NOT_TOLD).tolist():
        slots_of_row.setdefault(row, set()).add(int(columns.referral_told_slot[row]))
    listed = [(row, slot) for row in sorted(slots_of_row) for slot in sorted(slots_of_row[row])]
    rows, slots = (np.array([pair[at] for pair in listed], dtype=np.int32) for at in (0, 1))
    start = np.zeros(columns.referrals + 1, dtype=np.int64)
    np.cumsum(np.bincount(rows, minlength=columns.referrals), out=start[1:])
    return Arcs(start, slots, np.zeros(len(slots), dtype=np.int64))
