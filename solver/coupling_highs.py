"""
HiGHS through scipy: the linear relaxation of a model, and its whole-number optimum.

Doubles decide nothing here alone: a bound is rounded down before it is up, a solution is read as
whole numbers and judged by whole numbers afterwards.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np

from slotengine.errors import SolverError
from slotengine.problem import Limits
from slotengine.solver.coupling_model import Model, Rows
from slotengine.solver.encoding import Ints, Reals

BOUND_SLACK = 1e-6
"""
By how much, relative to its size and at least absolutely, a bound of HiGHS may be too high: its
feasibility tolerances are 1e-7 and its integrality tolerance 1e-6.
"""


class Relaxed(NamedTuple):
    """
    Optimum of the linear relaxation.

    ``value`` its cost, ``solution`` (size,), ``price`` one dual a row of the model, at most 0 for
    "at most", with ``reduced`` (size,) reduced costs at lower bound 0.
    """

    value: float
    solution: Reals
    price: tuple[Reals, ...]
    reduced: Reals


class Searched(NamedTuple):
    """
    What a search found: variables or None, a lower bound or None, and how it ended.

    ``complete`` tells that nothing better exists; ``impossible`` that nothing exists at all.
    """

    solution: Reals | None
    bound: float | None
    complete: bool
    impossible: bool


class Level(NamedTuple):
    """A level already settled: its cost over the variables and the most it may come to."""

    cost: Ints
    most: int


def safe_bound(value: float) -> int:
    """Gives the whole-number lower bound that a double certainly stands for."""
    return int(np.ceil(value - BOUND_SLACK * max(1.0, abs(value))))


def relax(model: Model, cost: Ints, settled: Sequence[Level]) -> Relaxed | None:
    """
    Solves the linear relaxation; None when it has no solution.

    Raises
    ------
    SolverError
        When HiGHS ends for any other reason.
    """
    from scipy.optimize import linprog

    parts, low, high = _stacked(model, settled)
    equal = low == high
    above = ~equal & np.isfinite(high)
    below = ~equal & np.isfinite(low)
    rows = _vertical([parts[above], -parts[below]])
    found = linprog(
        cost.astype(np.float64),
        A_ub=rows,
        b_ub=np.concatenate([high[above], -low[below]]),
        A_eq=parts[equal],
        b_eq=low[equal],
        bounds=np.column_stack([np.zeros(model.size), model.upper]),
        method="highs",
    )
    if found.status == _INFEASIBLE:
        return None
    if found.status != 0:
        raise SolverError(f"HiGHS ended the linear relaxation with status {found.status}")
    price = np.zeros(len(low))
    price[equal] = found.eqlin.marginals
    price[above] += found.ineqlin.marginals[: above.sum()]
    price[below] -= found.ineqlin.marginals[above.sum() :]
    sizes = np.cumsum([0, *(len(rows.low) for rows in model.rows), len(settled)])
    prices = tuple(price[first:last] for first, last in pairwise(sizes.tolist()))
    reduced = cost - parts.T @ price
    return Relaxed(float(found.fun), found.x, prices, reduced)


def search(model: Model, cost: Ints, settled: Sequence[Level], limits: Limits) -> Searched:
    """
    Looks for the cheapest whole-number solution by branch and bound.

    Raises
    ------
    SolverError
        When HiGHS ends neither with an answer nor at a limit.
    """
    from scipy.optimize import Bounds, LinearConstraint, milp

    parts, low, high = _stacked(model, settled)
    options: dict[str, Any] = {"mip_rel_gap": 0.0, "time_limit": limits.seconds}
    if limits.nodes is not None:
        options["node_limit"] = limits.nodes
    found = milp(
        cost.astype(np.float64),
        integrality=model.whole.astype(np.int64),
        bounds=Bounds(np.zeros(model.size), model.upper),
        constraints=LinearConstraint(parts, low, high),
        options=options,
    )
    if found.status == _INFEASIBLE:
        return Searched(None, None, complete=True, impossible=True)
    if found.status not in (_OPTIMAL, _LIMIT) and _NODES_OPENED not in found.message:
        raise SolverError(f"HiGHS ended its search with status {found.status}")
    bound = found.mip_dual_bound
    known = bound is not None and np.isfinite(bound)
    return Searched(
        found.x, float(bound) if known else None, complete=found.status == 0, impossible=False
    )


_OPTIMAL = 0
_LIMIT = 1
_INFEASIBLE = 2
"""Statuses of scipy's ``milp`` and ``linprog``."""

_NODES_OPENED = "Solution limit reached"
"""What HiGHS says at a limit of nodes; scipy 1.17 has no status of its own for it."""


def _stacked(model: Model, settled: Sequence[Level]) -> tuple[Any, Reals, Reals]:
    from scipy.sparse import csr_array

    blocks = [_matrix(rows, model.size) for rows in model.rows]
    if settled:
        blocks.append(csr_array(np.array([level.cost for level in settled], dtype=np.float64)))
    low = [rows.low for rows in model.rows] + [np.full(len(settled), -np.inf)]
    high = [rows.high for rows in model.rows]
    high.append(np.array([level.most for level in settled], dtype=np.float64))
    return _vertical(blocks), np.concatenate(low), np.concatenate(high)


def _matrix(rows: Rows, size: int) -> Any:  # noqa: ANN401 - scipy's arrays have no type
    from scipy.sparse import csr_array

    return csr_array((rows.value, (rows.row, rows.col)), shape=(len(rows.low), size))


def _vertical(blocks: Sequence[Any]) -> Any:  # noqa: ANN401 - scipy's arrays have no type
    from scipy.sparse import vstack

    return vstack(blocks, format="csr")
