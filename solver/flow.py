"""
The exact core: rows to seats at the least cost, some of both left alone, with a proof.

Up to ``MATCHING_BELOW`` rows the engine is scipy's sparse matching, whose arithmetic is in doubles;
beyond, and where a seat must be used or the integers would not stay exact, it is OR-Tools' min-cost
flow in 64-bit integers. Neither is trusted: the duals are computed here and decide.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from slotengine.errors import ProblemError, SolverError
from slotengine.solver.duals import (
    REQUIRED,
    UNSERVED,
    Network,
    duals,
    objective,
)
from slotengine.solver.encoding import Indices, Ints
from slotengine.solver.given import integers, one_each

EXACT_FLOAT = 1 << 53
"""Integers below it are exact in a double."""

MATCHING_BELOW = 1_000
"""
Rows from which the flow is the better bet. Measured on 2 cores, milliseconds of matching and flow:
200 rows 1.1 and 5.0, or 14 and 17 where all want the same early seats; 2,000 rows 239 and 314, or
1,142 and 442. The matching's paths grow long where everybody competes.
"""

LARGEST_SUM = 1 << 61
"""Most that all costs may add up to: sums and differences of two such stay inside 64 bits."""

LARGEST_INDEX = int(np.iinfo(np.int32).max)

Engine = Callable[[Network], Indices | None]


@dataclass(frozen=True, eq=False, slots=True)
class Matching:
    """
    An assignment with its proof.

    ``col_of_row`` (rows,) int32, -1 where a row is left alone; ``row_dual`` (rows,), ``col_dual``
    (cols,) int64 with ``cost - row_dual - col_dual >= 0`` on every arc; ``bound`` is their sum, and
    ``proved`` tells that it equals ``objective``.
    """

    col_of_row: Indices
    objective: int
    bound: int
    row_dual: Ints
    col_dual: Ints
    proved: bool


def assign(
    row: npt.ArrayLike,
    col: npt.ArrayLike,
    cost: npt.ArrayLike,
    *,
    rows: int,
    cols: int,
    unserved: npt.ArrayLike | None = None,
    unused: npt.ArrayLike = 0,
) -> Matching:
    """
    Assigns rows to seats at the least total cost.

    Parameters
    ----------
    row, col, cost
        (A,) integers: arc k lets row ``row[k]`` have seat ``col[k]`` for ``cost[k]``. In any order.
    rows, cols
        Number of rows and seats, at least 1 each.
    unserved
        (rows,) cost of leaving a row alone, ``REQUIRED`` where it must be assigned. Default None:
        every row must be.
    unused
        (cols,) cost of leaving a seat alone, ``REQUIRED`` where it must be used; one number stands
        for all. Default 0.

    Returns
    -------
    Matching
        The optimum, proved. Its seat duals are the largest that prove it.

    Raises
    ------
    ProblemError
        Before solving: arrays of another shape or of floats, an index out of range, an arc given
        twice, an empty side, costs whose sum would leave 64 bits. After it: when what is required
        can't all be assigned.
    SolverError
        When no engine gives an assignment that can be proved.
    """
    return proved(_network(row, col, cost, rows=rows, cols=cols, unserved=unserved, unused=unused))


def proved(network: Network) -> Matching:
    """Solves a network whose parts are known to be sound; ``assign`` without its validation."""
    for engine in _engines(network):
        col_of_row = engine(network)
        if col_of_row is None:
            raise ProblemError("the required rows and seats can't all be assigned")
        found = duals(network, col_of_row)
        if found is not None:
            total = objective(network, col_of_row)
            bound = int(found.row.sum()) + int(found.col.sum())
            return Matching(col_of_row, total, bound, found.row, found.col, total == bound)
    raise SolverError("no engine gave an assignment that can be proved")


def proposed(network: Network) -> Indices | None:
    """
    Gives an assignment that its engine believes to be cheapest, without any proof.

    None when the costs leave the engine no room to compute with.
    """
    if not has_room(network):
        return None
    return next(_engines(network))(network)


def has_room(network: Network) -> bool:
    """Tells whether the costs of any assignment add up inside 64 bits."""
    return _largest_sum(network.cost, network.unserved, network.unused) <= LARGEST_SUM


def _network(
    row: npt.ArrayLike,
    col: npt.ArrayLike,
    cost: npt.ArrayLike,
    *,
    rows: int,
    cols: int,
    unserved: npt.ArrayLike | None,
    unused: npt.ArrayLike,
) -> Network:
    for name, size in (("rows", rows), ("cols", cols)):
        if not 1 <= size <= LARGEST_INDEX:
            raise ProblemError(f"{name} is {size}, allowed is 1 to {LARGEST_INDEX}")
    row, col, cost = (
        integers("row", row, LARGEST_SUM),
        integers("col", col, LARGEST_SUM),
        integers("cost", cost, LARGEST_SUM),
    )
    if not row.shape == col.shape == cost.shape == (len(row),):
        shapes = f"{row.shape}, {col.shape}, {cost.shape}"
        raise ProblemError(f"row, col and cost must be of one length, they are {shapes}")
    for name, index, size in (("row", row, rows), ("col", col, cols)):
        if len(index) and not (index.min() >= 0 and index.max() < size):
            worst = int(index.min()) if index.min() < 0 else int(index.max())
            raise ProblemError(f"{name} {worst} is outside 0 to {size - 1}")
    alone = one_each("unserved", REQUIRED if unserved is None else unserved, rows, LARGEST_SUM)
    idle = one_each("unused", unused, cols, LARGEST_SUM)
    key = row * cols + col
    if len(key) > 1 and not np.all(key[1:] > key[:-1]):
        order = np.argsort(key, kind="stable")
        row, col, cost, key = row[order], col[order], cost[order], key[order]
        twice = np.flatnonzero(key[1:] == key[:-1])
        if len(twice):
            raise ProblemError(f"arc of row {row[twice[0]]} to col {col[twice[0]]} is given twice")
    total = _largest_sum(cost, alone, idle)
    if total > LARGEST_SUM:
        raise ProblemError(f"costs may add up to {total}, allowed is {LARGEST_SUM}")
    start = np.zeros(rows + 1, dtype=np.int64)
    np.cumsum(np.bincount(row, minlength=rows), out=start[1:])
    network = Network(start, col.astype(np.int32), cost, alone, idle)
    _check_reach(network)
    return network


def _largest(values: Ints) -> int:
    return max(abs(int(values.max())), abs(int(values.min()))) if len(values) else 0


def _span(network: Network) -> int:
    """The largest cost of one arc, row or seat."""
    return max(
        _largest(network.cost),
        _largest(network.unserved[network.unserved != REQUIRED]),
        _largest(network.unused[network.unused != REQUIRED]),
    )


def _largest_sum(cost: Ints, unserved: Ints, unused: Ints) -> int:
    # A path of exchanges passes each row and each seat at most once.
    rows = 2 * _largest(cost) + _largest(unserved[unserved != REQUIRED])
    return (len(unserved) + 1) * rows + len(unused) * _largest(unused[unused != REQUIRED])


def _check_reach(network: Network) -> None:
    lonely = (network.unserved == REQUIRED) & (np.diff(network.start) == 0)
    if lonely.any():
        raise ProblemError(f"row {int(np.argmax(lonely))} must be assigned and has no arc")
    asked = np.zeros(len(network.unused), dtype=np.bool_)
    asked[network.col] = True
    barren = (network.unused == REQUIRED) & ~asked
    if barren.any():
        raise ProblemError(f"seat {int(np.argmax(barren))} must be used and has no arc")


def _engines(network: Network) -> Iterator[Engine]:
    # Shortest augmenting paths add costs along a path that passes each row once, forth and back.
    rows = len(network.unserved)
    exact = 4 * (rows + 1) * (_span(network) + 1) < EXACT_FLOAT
    if rows < MATCHING_BELOW and exact and not np.any(network.unused == REQUIRED):
        yield _by_matching
    yield _by_flow


def _by_matching(network: Network) -> Indices | None:
    from scipy.sparse import csr_array
    from scipy.sparse.csgraph import min_weight_full_bipartite_matching

    rows, cols = len(network.unserved), len(network.unused)
    optional = np.flatnonzero(network.unserved != REQUIRED)
    # Each row that may stay alone has a dummy seat of its own, right of all real ones, so that
    # sorted arcs stay sorted: one slot is inserted at the end of its arcs.
    ends = network.start[optional + 1]
    col = np.insert(network.col, ends, cols + np.arange(len(optional), dtype=np.int32))
    # What a seat costs unused is saved by using it.
    cost = np.insert(network.cost - network.unused[network.col], ends, network.unserved[optional])
    extra = np.zeros(rows + 1, dtype=np.int64)
    extra[optional + 1] = 1
    start = network.start + np.cumsum(extra)
    # scipy reads an explicit zero as no arc. Each row is assigned exactly once, so raising every
    # cost by the same number changes nothing.
    shifted = (cost - cost.min() + 1).astype(np.float64)
    graph = csr_array((shifted, col, start), shape=(rows, cols + len(optional)))
    if rows > cols + len(optional):
        return None
    try:
        assigned_rows, assigned_cols = min_weight_full_bipartite_matching(graph)
    except ValueError as error:
        # scipy's word for "infeasible"; any other ValueError is a fault, not an answer.
        if "no full matching" not in str(error):
            raise
        return None
    col_of_row = np.full(rows, UNSERVED, dtype=np.int32)
    real = assigned_cols < cols
    col_of_row[assigned_rows[real]] = assigned_cols[real]
    return col_of_row


def _by_flow(network: Network) -> Indices | None:
    from ortools.graph.python.min_cost_flow import SimpleMinCostFlow

    rows, cols = len(network.unserved), len(network.unused)
    extra = rows + cols
    optional = np.flatnonzero(network.unserved != REQUIRED)
    spare = np.flatnonzero(network.unused != REQUIRED)
    tail = np.concatenate([network.row, optional, np.full(len(spare), extra)])
    head = np.concatenate([network.col + rows, np.full(len(optional), extra), spare + rows])
    cost = np.concatenate([network.cost, network.unserved[optional], network.unused[spare]])
    solver = SimpleMinCostFlow()
    arcs = solver.add_arcs_with_capacity_and_unit_cost(
        tail.astype(np.int32), head.astype(np.int32), np.ones(len(tail), dtype=np.int64), cost
    )
    # Every seat takes one unit, from a row or from the extra node, which evens out the numbers.
    supply = np.concatenate([np.ones(rows), -np.ones(cols), [cols - rows]]).astype(np.int64)
    solver.set_nodes_supplies(np.arange(extra + 1, dtype=np.int32), supply)
    status = solver.solve()
    if status == SimpleMinCostFlow.INFEASIBLE:
        return None
    if status != SimpleMinCostFlow.OPTIMAL:
        raise SolverError(f"min-cost flow ended with status {status.name}")
    used = solver.flows(arcs[: len(network.col)]) > 0
    col_of_row = np.full(rows, UNSERVED, dtype=np.int32)
    col_of_row[network.row[used]] = network.col[used]
    return col_of_row
