"""Whether pairs that somebody proposes make a plan: every side constraint in whole numbers."""

import numpy as np

from slotengine.solver.duals import UNSERVED
from slotengine.solver.encoding import Ints
from slotengine.solver.pairs import Pairs
from slotengine.solver.side import Side
from slotengine.solver.tallies import slots_of


def fault(pairs: Pairs, side: Side, arc_of_row: Ints) -> str | None:
    """
    Gives the kind of the first rule that a plan breaks, None when it keeps all of them.

    Ways between home visits are not asked about: ``coupling_tours`` finds those.
    """
    used = arc_of_row[arc_of_row != UNSERVED]
    slots = slots_of(pairs, arc_of_row)
    taken = pairs.slot[used]
    if (np.bincount(taken, minlength=len(pairs.room)) > pairs.room).any():
        return "room"
    for period in pairs.periods:
        at = period.of_slot[taken]
        if (np.bincount(at, minlength=len(period.bookings)) > period.bookings).any():
            return "cap"
        effort = np.zeros(len(period.effort), dtype=np.int64)
        np.add.at(effort, at, pairs.effort[used].astype(np.int64))
        if (effort > period.effort).any():
            return "cap"
    moved = [row for row, slot in side.told.items() if slots[row] != slot]
    if any(slots[row] == UNSERVED for row in moved) or len(moved) > side.max_told_moves:
        return "told"
    for follow in side.follows:
        before, after = int(slots[follow.before]), int(slots[follow.row])
        if after == UNSERVED:
            continue
        if before == UNSERVED:
            return "pathway"
        pause = int(pairs.starts_us[after] - pairs.ends_us[before])
        if not follow.at_least_us <= pause <= follow.at_most_us:
            return "pathway"
    for group in side.groups:
        seats = sorted(int(slots[row]) for row in group.rows)
        if seats[0] == UNSERVED and seats[-1] == UNSERVED:
            continue
        run_seats = (
            sorted(slot for slot, count in run for _ in range(count)) for run in group.runs
        )
        if seats not in run_seats:
            return "group"
    return None
