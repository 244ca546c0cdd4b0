"""
What the pairs that a relaxation left out would cost under its prices: column generation.

A pair whose rows are only its own row, its slot, its practitioner's caps and spread, and the levels
settled before is priced by a sum over arrays. The others (groups, pathways, told bookings, those
who visit homes) are few and always kept.
"""

import numpy as np

from slotengine.problem import COST_LEVEL
from slotengine.solver.coupling_highs import Relaxed
from slotengine.solver.coupling_model import Model, folded
from slotengine.solver.coupling_tours import HOME
from slotengine.solver.encoding import Flags, Ints, Reals
from slotengine.solver.pairs import Pairs
from slotengine.solver.side import Side
from slotengine.solver.tallies import MINUTE_TENTHS


def woven(pairs: Pairs, side: Side) -> Flags:
    """Tells of each pair, (A,), whether it stands in rows that no sum over arrays prices."""
    rows = np.zeros(pairs.rows, dtype=np.bool_)
    for group in side.groups:
        rows[list(group.rows)] = True
    for follow in side.follows:
        rows[[follow.before, follow.row]] = True
    rows[list(side.told)] = True
    found = np.repeat(rows, np.diff(pairs.start))
    if side.tours:
        visiting = np.zeros(len(pairs.offered), dtype=np.bool_)
        visiting[pairs.giver[pairs.slot[pairs.mode == HOME]]] = True
        found |= visiting[pairs.giver[pairs.slot]]
    return found


def pair_cost(pairs: Pairs, level: int, arcs: Ints) -> Ints:
    """Gives what some plain pairs cost at a level before the tie-break: only level 2 asks pairs."""
    if level == COST_LEVEL:
        return pairs.cost[arcs]
    return np.zeros(len(arcs), dtype=np.int64)


def reduced_costs(
    model: Model, loose: Relaxed, level: int, settled: list[int], arcs: Ints
) -> Reals:
    """
    Gives the reduced costs of plain pairs, kept or not.

    Parameters
    ----------
    model, loose
        The relaxation and its prices.
    level
        The level that it made small.
    settled
        The levels settled before, in the order in which they were given to ``relax``.
    arcs
        (K,) indices of pairs.
    """
    pairs = model.pairs
    slot = pairs.slot[arcs]
    reduced = pair_cost(pairs, level, arcs).astype(np.float64)
    for rows, price in zip(model.rows, loose.price, strict=False):
        if rows.what == "row":
            reduced -= price[pairs.row_of(arcs)]
        elif rows.what == "room":
            reduced -= _spread_out(price, rows.key, len(pairs.room))[slot]
        elif rows.what in ("bookings", "effort"):
            period = pairs.periods[rows.period]
            each = _spread_out(price, rows.key, len(period.bookings))[period.of_slot[slot]]
            reduced -= each * pairs.effort[arcs] if rows.what == "effort" else each
        elif rows.what.startswith("fold"):
            period, fold = pairs.periods[rows.period], int(rows.what.removeprefix("fold"))
            key = period.of_slot[slot]
            each = _spread_out(price, rows.key, len(period.bookings))[key]
            weight = folded(pairs.effort[arcs].astype(np.int64), period.effort[key], fold)
            reduced -= np.where(each == 0, 0.0, each * weight)
        elif rows.what == "spread":
            reduced -= MINUTE_TENTHS * pairs.effort[arcs] * price[pairs.giver[slot]]
    for at, price in zip(settled, loose.price[-1], strict=True):
        reduced -= price * pair_cost(pairs, at, arcs)
    return reduced


def _spread_out(price: Reals, key: Ints, size: int) -> Reals:
    found = np.zeros(size)
    found[key] = price
    return found
