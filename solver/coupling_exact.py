"""
CP-SAT on a bounded model: whole numbers only, so that even sums of tie-breaks are exact.

Wrong for a whole territory (thousands of times slower than an assignment), right for what is left
when a search has ruled out nearly every pair, and for neighbourhoods of a plan.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from slotengine.errors import SolverError
from slotengine.problem import Limits
from slotengine.solver.coupling_highs import Level
from slotengine.solver.coupling_model import Model, Rows, tight_rows
from slotengine.solver.duals import UNSERVED
from slotengine.solver.encoding import Ints, Reals

if TYPE_CHECKING:
    from ortools.sat.python import cp_model

WORKERS = 1
"""One worker: with two, which of equal plans is found would depend on their race."""

LINEAR = 2
"""CP-SAT's ``linearization_level``: the relaxation sees every row, as costs are spread over all."""

LARGEST_SUM = 1 << 60
"""What all coefficients of an objective may add up to: CP-SAT computes in 64 bits."""

MOST = 1 << 40
"""Upper bound of a variable that has none: above every effort, far below CP-SAT's own limit."""


class Exact(NamedTuple):
    """Variables of the best solution, None without one, and a bound in whole numbers."""

    solution: Reals | None
    bound: int
    complete: bool


def exact_search(
    model: Model, cost: Ints, settled: Sequence[Level], start: Ints, limits: Limits
) -> Exact:
    """
    Makes the cost of a model small.

    Parameters
    ----------
    model
        Its rows hold whole numbers only.
    cost
        (size,) cost of each variable.
    settled
        Levels settled before. Unless effort is spread, which may give some of level 2 up, each is
        met exactly.
    start
        (R,) a plan that the model allows, from which the search begins.
    limits
        ``seconds`` is CP-SAT's deterministic time, about as long, and the same on every machine;
        ``nodes`` limits conflicts.

    Raises
    ------
    SolverError
        When CP-SAT calls a model impossible or wrong.

    Notes
    -----
    Nearly all plans that come near a good tie-break cost too much, so the search is led by what
    they cost: levels that are met exactly may be added to the objective at any weight. Measured
    on tie-breaks of 40 to 100 referrals, 600 to 5,200 pairs: from "at most" alone none of 50
    referrals ended in 100 deterministic seconds; met exactly, half of them in 8; led by cost, and
    with rows that follow from caps for whole plans only, all, 100 referrals in 8.
    """
    from ortools.sat.python import cp_model

    made = cp_model.CpModel()
    variables = []
    for upper in model.upper.tolist():
        most = MOST if np.isinf(upper) else int(upper)
        # Staying unserved is 0 or 1 by its row, though HiGHS need not be told so.
        variables.append(made.new_bool_var("") if most == 1 else made.new_int_var(0, most, ""))
    for rows in (*model.rows, *tight_rows(model)):
        _add(made, variables, rows, model.upper)
    lead, met = np.zeros(model.size, dtype=np.int64), 0
    for level in settled:
        exactly = not model.side.spread
        used = np.flatnonzero(level.cost)
        terms = cp_model.LinearExpr.weighted_sum(
            [variables[at] for at in used.tolist()], level.cost[used].tolist()
        )
        made.add_linear_constraint(terms, level.most if exactly else 0, level.most)
        if exactly and np.count_nonzero(level.cost) >= np.count_nonzero(lead):
            lead, met = level.cost, level.most
    kept = len(model.keep)
    chosen = np.isin(model.keep, start[start != UNSERVED])
    for at in range(kept):
        made.add_hint(variables[at], bool(chosen[at]))
    weight = _weight(model, cost, lead)
    led = cost + weight * lead
    priced = np.flatnonzero(led).tolist()
    made.minimize(
        cp_model.LinearExpr.weighted_sum([variables[at] for at in priced], led[priced].tolist())
    )
    solver = cp_model.CpSolver()
    solver.parameters.num_workers = WORKERS
    solver.parameters.random_seed = 0
    solver.parameters.linearization_level = LINEAR
    solver.parameters.max_deterministic_time = limits.seconds
    if limits.nodes is not None:
        solver.parameters.max_number_of_conflicts = limits.nodes
    status = solver.solve(made)
    if status in (cp_model.INFEASIBLE, cp_model.MODEL_INVALID):
        raise SolverError(f"CP-SAT calls a model with a known plan {solver.status_name(status)}")
    # Not ``best_objective_bound``, a double: the sum is above 2^53. Costs are never below 0.
    bound = max(0, int(solver.response_proto.inner_objective_lower_bound) - weight * met)
    if status == cp_model.UNKNOWN:
        return Exact(None, bound, complete=False)
    solution = np.array([float(solver.value(variable)) for variable in variables])
    return Exact(solution, bound, complete=status == cp_model.OPTIMAL)


def _add(
    made: "cp_model.CpModel", variables: Sequence["cp_model.IntVar"], rows: Rows, upper: Reals
) -> None:
    from ortools.sat.python import cp_model

    order = np.argsort(rows.row, kind="stable")
    cuts = np.searchsorted(rows.row[order], np.arange(len(rows.low) + 1))
    for at, (low, high) in enumerate(zip(rows.low.tolist(), rows.high.tolist(), strict=True)):
        entries = order[cuts[at] : cuts[at + 1]]
        own = [variables[col] for col in rows.col[entries].tolist()]
        values = rows.value[entries]
        if high == 1 and (values == 1).all() and (upper[rows.col[entries]] <= 1).all():
            # Said as what it is, a choice: half the time of the same as a sum.
            if low == 1:
                made.add_exactly_one(own)
                continue
            if low <= 0:
                made.add_at_most_one(own)
                continue
        terms = cp_model.LinearExpr.weighted_sum(own, [int(value) for value in values])
        least = cp_model.INT_MIN if np.isinf(low) else int(low)
        most = cp_model.INT_MAX if np.isinf(high) else int(high)
        made.add_linear_constraint(terms, least, most)


def _weight(model: Model, cost: Ints, lead: Ints) -> int:
    """Gives a weight for ``lead`` that outweighs ``cost``, as far as 64 bits allow."""
    dearest = np.zeros(model.pairs.rows, dtype=np.int64)
    np.maximum.at(dearest, model.row, cost[: len(model.keep)])
    return min(int(dearest.sum()) + 1, LARGEST_SUM // max(1, int(lead.sum())))
