"""
Problems with side constraints by the solvers that others would take: HiGHS and CP-SAT.

Each gets the whole integer program of ``coupling_model`` as its own documentation would have it
written, and solves it level by level or as one weighted sum whose optimum is the lexicographic one.
An answer counts by what its whole numbers add up to, and is refused when they break a row.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from importlib import import_module
from math import ceil
from time import perf_counter
from typing import NamedTuple

import numpy as np

from benchmarks.coupling_model import ANY, Goal, Ints, Model, model_of, pairs_of
from slotengine.problem import Problem

WORKERS = 2
"""Threads of CP-SAT. Ours uses one."""

LARGEST_DOUBLE = 1 << 53
LARGEST_INTEGER = 1 << 62
"""Sums of a weighted goal must stay below: HiGHS computes in doubles, CP-SAT in 64 bits."""

SLACK = 1e-6
"""HiGHS holds integers and rows to within this much; a bound is rounded up beyond it."""

FULL = 100

MILP_OPTIMAL, MILP_LIMIT = 0, 1
"""Statuses of scipy's ``milp``."""


class WrongAnswerError(Exception):
    """A peer's answer breaks the rules, or it calls a sound problem infeasible."""


class Stage(NamedTuple):
    """One solution of one goal: values (V,) or None, what no solution passes, whether it ended."""

    values: Ints | None
    bound: int | None
    ended: bool


class Answer(NamedTuple):
    """
    What a peer reached.

    ``best`` has the optimum of each level that ended; with a spread the later ones may have given
    something of it up. ``reached`` is what the last solution adds up to at every level, None
    without any; ``bound`` is that of the first level that did not end. ``slot_of_row`` (R,) has -1
    where a referral stays unserved.
    """

    best: dict[str, int]
    reached: dict[str, int] | None = None
    bound: int | None = None
    ended: bool = False
    slot_of_row: Ints | None = None
    note: str = ""


Rows = Sequence[tuple[Goal, int]]
"""Goals of earlier levels and what each may add up to at most."""

Engine = Callable[[Model, Goal, Rows, float, Ints | None], Stage]


def highs(problem: Problem, limit_s: float) -> Answer:
    """Solves a Problem level by level with the HiGHS inside scipy, the tie-break left out."""
    return by_levels(model_of(problem, pairs_of(problem)), highs_stage, limit_s)


def cp_sat(problem: Problem, limit_s: float, *, seed: int | None = None) -> Answer:
    """Solves a Problem level by level with CP-SAT; with a seed the tie-break too."""
    return by_levels(model_of(problem, pairs_of(problem), seed=seed), cp_sat_stage, limit_s)


def by_levels(model: Model, engine: Engine, limit_s: float) -> Answer:
    """Makes each level's optimum a row of the next, and its solution a hint."""
    began, best, rows = perf_counter(), dict[str, int](), list[tuple[Goal, int]]()
    values, bound = None, None
    for level, goal in _in_turn(model):
        left = limit_s - (perf_counter() - began)
        stage = engine(model, goal, rows, max(left, SLACK), values) if left > 0 else None
        if stage is not None and stage.values is not None:
            values = stage.values
        if stage is None or not stage.ended or values is None:
            bound = None if stage is None else stage.bound
            note = f"level {level} not proved in {limit_s:g} s"
            return _answer(model, best, values, bound, note)
        again, reached, give = level in best, model.value(level, values), 0
        if not again:
            best[level] = reached
        if level == "2" and not again and model.problem.policy.spread is not None:
            give = reached * model.problem.policy.spread.give_percent // FULL
        rows.append((goal, reached + give))
    return _answer(model, best, values, bound, "")


def _in_turn(model: Model) -> Iterator[tuple[str, Goal]]:
    """Gives the levels in order; inconvenience once more after the spread that it gave way to."""
    for level, goal in model.goals.items():
        yield level, goal
        if level == "3":
            yield "2", model.goals["2"]


def weighted(model: Model, engine: Engine, limit_s: float, largest: int) -> Answer:
    """
    Solves one weighted sum in which one more at a level outweighs all that those after it can be.

    The levels after inconvenience have no place in it: a spread may give some of it up.
    """
    levels = [level for level in model.goals if level <= "2"]
    weight, total = 1, np.zeros(len(model.most), dtype=np.int64)
    for level in reversed(levels):
        goal = model.goals[level]
        if weight * (_span(model, goal) + 1) >= largest:
            return Answer(best={}, note="no room for weights that dominate")
        total += weight * goal.of_variable
        weight *= _span(model, goal) + 1
    stage = engine(model, Goal(total), [], limit_s, None)
    best = {}
    if stage.ended and stage.values is not None:
        best = {level: model.value(level, stage.values) for level in levels}
    note = "" if stage.ended else f"not proved in {limit_s:g} s"
    return _answer(model, best, stage.values, None, note, levels=levels)


def _span(model: Model, goal: Goal) -> int:
    """How far two solutions can lie apart: each referral adds its largest pair, or nothing."""
    arcs = np.abs(goal.of_variable[: model.arcs])
    most = np.zeros(len(model.problem.referrals), dtype=np.int64)
    np.maximum.at(most, model.pairs.row, arcs)
    extra = np.abs(goal.of_variable[model.arcs :]) * model.most[model.arcs :]
    return int(most.sum() + extra.sum())


def _answer(
    model: Model,
    best: dict[str, int],
    values: Ints | None,
    bound: int | None,
    note: str,
    *,
    levels: Sequence[str] | None = None,
) -> Answer:
    if values is None:
        return Answer(best=best, bound=bound, note=note)
    reached = {level: model.value(level, values) for level in levels or model.goals}
    booked = np.flatnonzero(values[: model.arcs])
    slot_of_row = np.full(len(model.problem.referrals), -1, dtype=np.int64)
    slot_of_row[model.pairs.row[booked]] = model.pairs.slot[booked]
    return Answer(best, reached, bound, ended=not note, slot_of_row=slot_of_row, note=note)


def highs_stage(model: Model, goal: Goal, rows: Rows, limit_s: float, _: Ints | None) -> Stage:
    """
    Minimises a goal with scipy's ``milp``.

    Raises
    ------
    WrongAnswerError
        When HiGHS finds no solution where there is one, or rounds to values that break a row.
    """
    from scipy.optimize import Bounds, LinearConstraint, milp
    from scipy.sparse import csr_array

    if len(model.most) == 0:
        return Stage(np.zeros(0, dtype=np.int64), goal.constant, ended=True)
    shape = (len(model.low), len(model.most))
    matrix = csr_array(
        (model.entry_value.astype(np.float64), (model.entry_row, model.entry_variable)), shape=shape
    )
    low = np.where(model.low == -ANY, -np.inf, model.low)
    high = np.where(model.high == ANY, np.inf, model.high)
    constraints = [LinearConstraint(matrix, low, high)] if shape[0] else []
    if rows:
        earlier = np.array([row.of_variable for row, _ in rows], dtype=np.float64)
        most = np.array([most - row.constant for row, most in rows])
        constraints.append(LinearConstraint(csr_array(earlier), -np.inf, most))
    found = milp(
        goal.of_variable.astype(np.float64),
        constraints=constraints,
        integrality=model.whole.astype(np.int64),
        bounds=Bounds(0, model.most.astype(np.float64)),
        options={"time_limit": limit_s, "mip_rel_gap": 0},
    )
    if found.status not in (MILP_OPTIMAL, MILP_LIMIT):
        raise WrongAnswerError(f"HiGHS ended with status {found.status}")
    bound = found.mip_dual_bound
    bound = None if bound is None or not np.isfinite(bound) else ceil(bound - SLACK) + goal.constant
    if found.x is None:
        return Stage(None, bound, ended=False)
    values = np.rint(found.x).astype(np.int64)
    _refuse_broken(model, rows, values, "HiGHS")
    return Stage(values, bound, ended=found.status == MILP_OPTIMAL)


def cp_sat_stage(model: Model, goal: Goal, rows: Rows, limit_s: float, hint: Ints | None) -> Stage:
    """
    Minimises a goal with CP-SAT: one boolean an arc, at most one where a row says so.

    Raises
    ------
    WrongAnswerError
        When CP-SAT finds no solution where there is one.
    """
    from ortools.sat.python import cp_model

    made = cp_model.CpModel()
    variables = [
        made.new_bool_var("") if most == 1 else made.new_int_var(0, most, "")
        for most in model.most.tolist()
    ]
    of_entry = model.entry_variable.tolist()
    ends = np.searchsorted(model.entry_row, np.arange(len(model.low) + 1)).tolist()
    plain = np.ones(len(model.low), dtype=np.bool_)
    plain[model.entry_row[(model.entry_value != 1) | (model.most[model.entry_variable] != 1)]] = 0
    low, high = model.low.tolist(), model.high.tolist()
    for row in range(len(low)):
        terms = [variables[at] for at in of_entry[ends[row] : ends[row + 1]]]
        if plain[row] and high[row] == 1 and low[row] <= 0:
            made.add_at_most_one(terms)
            continue
        values = model.entry_value[ends[row] : ends[row + 1]].tolist()
        total = cp_model.LinearExpr.weighted_sum(terms, values)
        made.add_linear_constraint(total, max(low[row], -ANY), min(high[row], ANY))

    def sum_of(wanted: Goal) -> cp_model.LinearExprT:
        used = np.flatnonzero(wanted.of_variable)
        return cp_model.LinearExpr.weighted_sum(
            [variables[at] for at in used.tolist()], wanted.of_variable[used].tolist()
        )

    for earlier, most in rows:
        made.add(sum_of(earlier) <= most - earlier.constant)
    if hint is not None:
        for variable, value in zip(variables, hint.tolist(), strict=True):
            made.add_hint(variable, value)
    made.minimize(sum_of(goal))
    solver = cp_model.CpSolver()
    solver.parameters.num_workers = WORKERS
    solver.parameters.max_time_in_seconds = limit_s
    status = solver.solve(made)
    if status in (cp_model.INFEASIBLE, cp_model.MODEL_INVALID):
        raise WrongAnswerError(f"CP-SAT ended with {solver.status_name(status)}")
    if status not in (cp_model.OPTIMAL, cp_model.FEASIBLE):
        return Stage(None, None, ended=False)
    found = np.array([solver.value(variable) for variable in variables], dtype=np.int64)
    _refuse_broken(model, rows, found, "CP-SAT")
    # Its bound may still lie below what no sum of rows can be; every level counts from 0.
    bound = max(0, ceil(solver.best_objective_bound - SLACK) + goal.constant)
    return Stage(found, bound, ended=status == cp_model.OPTIMAL)


def _refuse_broken(model: Model, rows: Rows, values: Ints, who: str) -> None:
    wrong = set(model.broken(values))
    if wrong:
        raise WrongAnswerError(f"{who} breaks {', '.join(sorted(wrong))}")
    for goal, most in rows:
        if int((goal.of_variable * values).sum()) + goal.constant > most:
            raise WrongAnswerError(f"{who} gives up an earlier level")


@dataclass(frozen=True, slots=True)
class Peer:
    """A way to solve a model, and the modules it loads."""

    name: str
    modules: tuple[str, ...]
    solve: Callable[[Model, float], Answer]

    def load(self) -> None:
        """Imports what the peer needs, so that no timing holds an import."""
        for module in self.modules:
            import_module(module)


SCIPY = ("scipy.optimize", "scipy.sparse")
CP_SAT = ("ortools.sat.python.cp_model",)
PEERS = (
    Peer("highs", SCIPY, lambda m, s: weighted(m, highs_stage, s, LARGEST_DOUBLE)),
    Peer("highs-levels", SCIPY, lambda m, s: by_levels(m, highs_stage, s)),
    Peer("cp-sat", CP_SAT, lambda m, s: weighted(m, cp_sat_stage, s, LARGEST_INTEGER)),
    Peer("cp-sat-levels", CP_SAT, lambda m, s: by_levels(m, cp_sat_stage, s)),
)
