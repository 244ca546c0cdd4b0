"""
Caps counted in bookings are still a flow: through a node for each practitioner's day and week.

Effort becomes a number of bookings, in two ways. With the least effort that any booking there can
have, the flow is a relaxation, and its optimum a bound at all levels up to 2. With a usual effort
it is a guess from which nearly nothing needs mending.
"""

from enum import Enum
from typing import NamedTuple

import numpy as np

from slotengine.errors import SolverError
from slotengine.problem import COST_LEVEL, LEVELS
from slotengine.solver.duals import UNSERVED
from slotengine.solver.encoding import Indices, Ints
from slotengine.solver.pairs import Pairs, Period
from slotengine.solver.side import Side
from slotengine.solver.workload import UNLIMITED

CLASS_WEIGHTS = {1: 4, 2: 3, 3: 2, 4: 1}
"""
Weight of an unserved row by its level: falling weights give the lexicographic served set, because
sets of rows that a flow can serve together form a gammoid, which is a matroid.
"""

LARGEST_SUM = 1 << 60
"""Most that all costs of one flow may add up to in 64 bits."""


class Counting(Enum):
    """How effort is counted as bookings."""

    LEAST = "least"
    USUAL = "usual"


class Flowed(NamedTuple):
    """A plan that keeps caps in bookings, (R,) pairs or ``UNSERVED``; its cost up to level 2."""

    arc_of_row: Ints
    totals: tuple[int, ...]


def flowed(pairs: Pairs, side: Side, counting: Counting) -> Flowed | None:
    """
    Gives the best plan of pairs, slots and caps alone, level by level up to 2.

    Parameters
    ----------
    pairs, side
        The Problem; of the side constraints only caps and who keeps a seat count.
    counting
        ``LEAST`` makes ``totals`` bounds of the leading levels, each among the plans that are best
        at the levels before it.

    Returns
    -------
    Flowed or None
        None where costs leave 64 bits, or told and promised rows can't all be seated.

    Raises
    ------
    SolverError
        When OR-Tools ends for another reason.
    """
    from ortools.graph.python.min_cost_flow import SimpleMinCostFlow

    dearest = int(pairs.cost.max(initial=0)) * pairs.rows + 1
    if dearest * max(CLASS_WEIGHTS.values()) * pairs.rows > LARGEST_SUM:
        return None
    leave = dearest * np.array([CLASS_WEIGHTS.get(at, 0) for at in range(len(LEVELS))])[pairs.level]
    arcs = _arcs(pairs, side, leave, counting)
    solver = SimpleMinCostFlow()
    made = solver.add_arcs_with_capacity_and_unit_cost(
        arcs.tail.astype(np.int32), arcs.head.astype(np.int32), arcs.most, arcs.cost
    )
    supply = np.zeros(arcs.sink + 1, dtype=np.int64)
    supply[: pairs.rows] = 1
    supply[arcs.sink] = -pairs.rows
    solver.set_nodes_supplies(np.arange(len(supply), dtype=np.int32), supply)
    status = solver.solve()
    if status == SimpleMinCostFlow.INFEASIBLE:
        return None
    if status != SimpleMinCostFlow.OPTIMAL:
        raise SolverError(f"min-cost flow ended with status {status.name}")
    used = np.flatnonzero(solver.flows(made[: len(pairs.slot)]) > 0)
    arc_of_row = np.full(pairs.rows, UNSERVED, dtype=np.int64)
    arc_of_row[pairs.row_of(used)] = used
    counts = np.bincount(pairs.level[arc_of_row == UNSERVED], minlength=COST_LEVEL)
    return Flowed(arc_of_row, (*counts[:COST_LEVEL].tolist(), int(pairs.cost[used].sum())))


class _Arcs(NamedTuple):
    tail: Ints
    head: Ints
    most: Ints
    cost: Ints
    sink: int


def _arcs(pairs: Pairs, side: Side, leave: Ints, counting: Counting) -> _Arcs:
    """Lists the network: pairs first, then rows left alone, then slots and periods to the sink."""
    slots = len(pairs.room)
    first_slot = pairs.rows
    at = first_slot + slots
    firsts = []
    for period in pairs.periods:
        firsts.append(at)
        at += len(period.bookings)
    sink = at
    free = np.setdiff1d(np.arange(pairs.rows), np.array(sorted(side.seated), dtype=np.int64))
    tails = [pairs.row_of(np.arange(len(pairs.slot))), free]
    heads = [first_slot + pairs.slot.astype(np.int64), np.full(len(free), sink)]
    most = [np.ones(len(pairs.slot), dtype=np.int64), np.ones(len(free), dtype=np.int64)]
    cost = [pairs.cost, leave[free]]
    below: Ints = first_slot + np.arange(slots, dtype=np.int64)
    nodes: Ints | Indices = np.arange(slots, dtype=np.int64)
    room = pairs.room
    for first, period in zip(firsts, pairs.periods, strict=True):
        # Each node below stands for slots of one practitioner's same day, so any of them tells.
        above = np.zeros(len(below), dtype=np.int64)
        above[nodes] = period.of_slot
        tails.append(below)
        heads.append(first + above)
        most.append(room)
        below, nodes = first + np.arange(len(period.bookings)), period.of_slot
        room = np.minimum(_counts(pairs, period, counting), pairs.rows)
    tails.append(below)
    heads.append(np.full(len(below), sink))
    most.append(room)
    zero = np.zeros(sum(len(tail) for tail in tails) - len(pairs.slot) - len(free), dtype=np.int64)
    return _Arcs(
        np.concatenate(tails),
        np.concatenate(heads),
        np.concatenate(most).astype(np.int64),
        np.concatenate([*cost, zero]),
        sink,
    )


def _counts(pairs: Pairs, period: Period, counting: Counting) -> Ints:
    """Gives the most bookings of each period."""
    key = period.of_slot[pairs.slot]
    if counting is Counting.LEAST:
        effort = np.full(len(period.effort), UNLIMITED, dtype=np.int64)
        np.minimum.at(effort, key, pairs.effort.astype(np.int64))
    else:
        effort = _usual(key, pairs.effort, len(period.effort))
    limited = period.effort < UNLIMITED
    count = np.where(limited, period.effort // np.maximum(effort, 1), UNLIMITED)
    return np.minimum(count, period.bookings)


def _usual(key: Indices, effort: Indices, periods: int) -> Ints:
    """Gives the median effort of the pairs of each period."""
    order = np.lexsort((effort, key))
    first = np.searchsorted(key[order], np.arange(periods))
    last = np.searchsorted(key[order], np.arange(periods), side="right")
    middle = np.minimum((first + last) // 2, max(len(key) - 1, 0))
    found = np.ones(periods, dtype=np.int64)
    some = last > first
    found[some] = effort[order[middle[some]]]
    return found
