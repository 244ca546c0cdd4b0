"""Whether pairs that somebody proposes make a plan: every side constraint in whole numbers."""

import numpy as np

from slotengine.solver.duals import UNSERVED
from slotengine.solver.encoding import Indices, Ints
from slotengine.solver.pairs import Pairs
from slotengine.solver.side import Follow, Group, Side
from slotengine.solver.tallies import slots_of


def fault(pairs: Pairs, side: Side, arc_of_row: Ints) -> str | None:
    """
    Gives the kind of the first rule that a plan breaks, None when it keeps all of them.

    Ways between home visits are not asked about: ``coupling_tours`` finds those.
    """
    slots = slots_of(pairs, arc_of_row)
    asked = (
        ("room", _fits_rooms(pairs, arc_of_row)),
        ("cap", _keeps_caps(pairs, arc_of_row)),
        ("told", _keeps_told(side, slots)),
        ("promised", all(slots[row] != UNSERVED for row in side.promised)),
        ("pathway", all(_in_step(pairs, follow, slots) for follow in side.follows)),
        ("group", all(_together(group, slots) for group in side.groups)),
    )
    return next((kind for kind, kept in asked if not kept), None)


def _fits_rooms(pairs: Pairs, arc_of_row: Ints) -> bool:
    taken = pairs.slot[arc_of_row[arc_of_row != UNSERVED]]
    return not (np.bincount(taken, minlength=len(pairs.room)) > pairs.room).any()


def _keeps_caps(pairs: Pairs, arc_of_row: Ints) -> bool:
    used = arc_of_row[arc_of_row != UNSERVED]
    for period in pairs.periods:
        at = period.of_slot[pairs.slot[used]]
        effort = np.zeros(len(period.effort), dtype=np.int64)
        np.add.at(effort, at, pairs.effort[used].astype(np.int64))
        bookings = np.bincount(at, minlength=len(period.bookings))
        if (effort > period.effort).any() or (bookings > period.bookings).any():
            return False
    return True


def _keeps_told(side: Side, slots: Indices) -> bool:
    moved = [row for row, slot in side.told.items() if slots[row] != slot]
    seated = all(slots[row] != UNSERVED for row in moved)
    return seated and len(moved) <= side.max_told_moves


def _in_step(pairs: Pairs, follow: Follow, slots: Indices) -> bool:
    before, after = int(slots[follow.before]), int(slots[follow.row])
    if after == UNSERVED:
        return True
    if before == UNSERVED:
        return False
    pause = int(pairs.starts_us[after] - pairs.ends_us[before])
    return follow.at_least_us <= pause <= follow.at_most_us


def _together(group: Group, slots: Indices) -> bool:
    seats = sorted(int(slots[row]) for row in group.rows)
    if seats[-1] == UNSERVED:
        return True
    runs = (sorted(slot for slot, count in run for _ in range(count)) for run in group.runs)
    return seats in runs
