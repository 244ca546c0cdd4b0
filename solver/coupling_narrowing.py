"""A neighbourhood as a problem of its own: some rows are free, what the others have is taken."""

from dataclasses import replace
from typing import NamedTuple

import numpy as np

from slotengine.solver.duals import UNSERVED
from slotengine.solver.encoding import Indices, Ints
from slotengine.solver.pairs import Pairs
from slotengine.solver.side import FloorRows, Group, Side
from slotengine.solver.tallies import slots_of
from slotengine.solver.workload import UNLIMITED


class Narrow(NamedTuple):
    """
    The free rows as a problem: row k is row ``rows[k]`` of the whole, pair k its ``arcs[k]``.

    ``pairs`` and ``side`` are what is left to them.
    """

    pairs: Pairs
    side: Side
    rows: Ints
    arcs: Ints


def narrowed(pairs: Pairs, side: Side, best: Ints, rows: Ints, arcs: Ints) -> Narrow:
    """
    Frees some rows of a plan.

    Parameters
    ----------
    pairs, side
        The whole problem.
    best
        (R,) the plan, one pair a row or ``UNSERVED``.
    rows
        Ascending indices of the rows that are free; with a row all that its seat depends on.
    arcs
        Ascending indices of the pairs that the free rows may use.
    """
    fixed = best.copy()
    fixed[rows] = UNSERVED
    used = fixed[fixed != UNSERVED]
    taken = pairs.slot[used]
    effort = pairs.effort[used].astype(np.int64)
    start = np.searchsorted(pairs.row_of(arcs), np.append(rows, pairs.rows))
    periods = tuple(
        period._replace(
            bookings=_less(period.bookings, period.of_slot[taken], np.ones(len(used), np.int64)),
            effort=_less(period.effort, period.of_slot[taken], effort),
        )
        for period in pairs.periods
    )
    pinned = pairs.pinned_effort.copy()
    np.add.at(pinned, pairs.giver[taken], effort)
    narrow = replace(
        pairs,
        start=start.astype(np.int64),
        slot=pairs.slot[arcs],
        cost=pairs.cost[arcs],
        mode=pairs.mode[arcs],
        effort=pairs.effort[arcs],
        level=pairs.level[rows],
        room=pairs.room - np.bincount(taken, minlength=len(pairs.room)),
        periods=periods,
        pinned_effort=pinned,
    )
    return Narrow(narrow, _side(pairs, side, fixed, rows), rows, arcs)


def widened(narrow: Narrow, best: Ints, found: Ints) -> Ints:
    """Gives the whole plan with what a neighbourhood found for its rows."""
    whole = best.copy()
    whole[narrow.rows] = np.where(found == UNSERVED, UNSERVED, narrow.arcs[found])
    return whole


def _less(left: Ints, at: Indices, amount: Ints) -> Ints:
    used = np.zeros(len(left), dtype=np.int64)
    np.add.at(used, at, amount)
    return np.where(left >= UNLIMITED, left, left - used)


def _side(pairs: Pairs, side: Side, fixed: Ints, rows: Ints) -> Side:
    place = {row: at for at, row in enumerate(rows.tolist())}
    slots = slots_of(pairs, fixed)
    moved = sum(slots[row] != slot for row, slot in side.told.items() if row not in place)
    return replace(
        side,
        groups=tuple(
            Group(tuple(place[row] for row in group.rows), group.runs)
            for group in side.groups
            if group.rows[0] in place
        ),
        follows=tuple(
            follow._replace(before=place[follow.before], row=place[follow.row])
            for follow in side.follows
            if follow.row in place
        ),
        told={place[row]: slot for row, slot in side.told.items() if row in place},
        promised=frozenset(place[row] for row in side.promised if row in place),
        max_told_moves=side.max_told_moves - int(moved),
        floors=tuple(
            FloorRows(
                tuple(place[row] for row in floor.rows if row in place),
                floor.wanted - sum(slots[row] != UNSERVED for row in floor.rows),
            )
            for floor in side.floors
        ),
    )
