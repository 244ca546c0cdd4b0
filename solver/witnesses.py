"""
Whether everybody who was promised a seat could stay where they sit: what a night rests on.

Where all of them fit, a plan that serves every promise exists, so whoever must have a seat has one
in the best plan too.
"""

from collections.abc import Mapping

import numpy as np

from slotengine.problem import Problem
from slotengine.solver.arcs import candidate_arcs
from slotengine.solver.columns import to_columns
from slotengine.solver.pairs import pairs_of
from slotengine.solver.seating import Seating
from slotengine.solver.side import side_of
from slotengine.solver.tours import Tours


def unfit(problem: Problem, slot_of: Mapping[str, str]) -> tuple[str, ...]:
    """
    Gives those who can't stay on their slots, all others and all who were told staying on theirs.

    Parameters
    ----------
    problem
        Those asked about are to be placed in it, their seats are free.
    slot_of
        The slot on which each promised referral sits now.

    Returns
    -------
    tuple of str
        Who is refused by a hard rule, or finds no room beside those before, in order of id.
    """
    if not slot_of:
        return ()
    told = {one.referral: one.slot for one in problem.told}
    row_of = {one.id: row for row, one in enumerate(problem.referrals)}
    index = {slot.id: at for at, slot in enumerate(problem.slots)}
    columns = to_columns(problem)
    rows = np.array(sorted(row_of[one] for one in {*told, *slot_of}), dtype=np.int32)
    arcs = candidate_arcs(columns, rows)
    pairs, side = pairs_of(columns, arcs), side_of(problem, columns, arcs)
    seating = Seating(pairs, side, Tours(columns) if side.tours else None)
    refused = []
    for referral, slot_id in (*sorted(told.items()), *sorted(slot_of.items())):
        row, slot = row_of[referral], index.get(slot_id)
        if slot is None or pairs.arc(row, slot) is None or seating.refusal(row, slot) is not None:
            refused.append(referral)
        else:
            seating.add(row, slot)
    return tuple(one for one in refused if one in slot_of)
