"""What a plan comes to at each level, in whole numbers, whoever found it."""

from collections.abc import Callable

import numpy as np

from slotengine.problem import (
    COST_LEVEL,
    FLOOR_LEVEL,
    LEVELS,
    MOVE_LEVEL,
    SPREAD_LEVEL,
    TIE_LEVEL,
)
from slotengine.solver.duals import UNSERVED
from slotengine.solver.encoding import Indices, Ints
from slotengine.solver.pairs import Pairs
from slotengine.solver.side import Side

TENTHS = 20
"""Tenths of a practitioner's offer that have a slope of their own at level 3."""

BEYOND_SLOPE = 41
"""Slope of level 3 beyond them: what tenth number 21 would weigh."""

MINUTE_TENTHS = 10
"""Level 3 counts effort in tenths of a minute, so that a tenth of an offer is whole."""

TieOf = Callable[[Ints], Ints]
"""Gives the tie-break of each of some pairs."""


def tally(pairs: Pairs, side: Side, arc_of_row: Ints, tie_of: TieOf) -> tuple[int, ...]:
    """
    Gives the cost of a plan at each of ``LEVELS``.

    Parameters
    ----------
    pairs, side
        The Problem.
    arc_of_row
        (R,) int64 the pair that each row uses, ``UNSERVED`` where none.
    tie_of
        The tie-break of pairs.
    """
    used = arc_of_row[arc_of_row != UNSERVED]
    left = arc_of_row == UNSERVED
    counts = np.bincount(pairs.level[left], minlength=len(LEVELS))
    totals = [int(count) for count in counts]
    totals[FLOOR_LEVEL] = sum(
        max(0, floor.wanted - int((~left[list(floor.rows)]).sum())) for floor in side.floors
    )
    totals[COST_LEVEL] = int(pairs.cost[used].sum())
    totals[SPREAD_LEVEL] = _spread(pairs, used) if side.spread else 0
    slots = slots_of(pairs, arc_of_row)
    totals[MOVE_LEVEL] = sum(int(slots[row]) != slot for row, slot in side.told.items())
    totals[TIE_LEVEL] = int(tie_of(used).sum())
    return tuple(totals)


def slots_of(pairs: Pairs, arc_of_row: Ints) -> Indices:
    """Gives the slot of each row, (R,), ``UNSERVED`` where none."""
    slots = np.full(pairs.rows, UNSERVED, dtype=np.int32)
    served = arc_of_row != UNSERVED
    slots[served] = pairs.slot[arc_of_row[served]]
    return slots


def _spread(pairs: Pairs, used: Ints) -> int:
    effort = pairs.pinned_effort.copy()
    np.add.at(effort, pairs.giver[pairs.slot[used]], pairs.effort[used].astype(np.int64))
    total = 0
    for share, offered in zip(
        (MINUTE_TENTHS * effort).tolist(), pairs.offered.tolist(), strict=True
    ):
        for tenth in range(TENTHS):
            total += (2 * tenth + 1) * min(max(share - tenth * offered, 0), offered)
        total += BEYOND_SLOPE * max(share - TENTHS * offered, 0)
    return total
