"""Our side of a case: the stages of ``solve`` one by one, and what they claim, verified."""

import gc
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from statistics import median
from time import perf_counter
from typing import NamedTuple

from benchmarks.tasks import (
    Levels,
    Task,
    WrongAnswerError,
    levels_of,
    reduced_costs_hold,
    task_of,
    weighted_total,
)
from benchmarks.timing import peak_mb, timed
from slotengine.problem import LEVELS, Limits, Plan, Problem
from slotengine.solver.arcs import Arcs, candidate_arcs
from slotengine.solver.check import check
from slotengine.solver.columns import Columns, to_columns
from slotengine.solver.duals import Duals, duals
from slotengine.solver.levels import TOGETHER, Climb, Face, climb, whole_face
from slotengine.solver.searching import flow_levels
from slotengine.solver.solve import solve

SEED = 0
"""Of the tie-break, which no peer solves."""

LIMITS = Limits(seconds=3_600)
"""Ours is measured to its end, however long that takes on a slow machine."""


@dataclass(frozen=True, eq=False, slots=True)
class Case:
    """One problem, ready for ours and for the peers."""

    name: str
    problem: Problem
    columns: Columns
    arcs: Arcs
    face: Face
    task: Task


class Claim(NamedTuple):
    """What ours reached at levels 1a to 2, what its duals prove, and the time of one pass."""

    objective: Levels
    bound: Levels
    proved: bool
    certificate_pass_s: float


class Whole(NamedTuple):
    """``solve`` from Problem to Plan: seconds in all and by stage, memory, independent check."""

    plan: Plan
    seconds: float
    stages_s: dict[str, float]
    peak_mb: float
    check_s: float | None
    violations: int | None


def case_of(name: str, problem: Problem) -> Case:
    """Makes the arrays that ours and the peers share."""
    columns = to_columns(problem)
    arcs = candidate_arcs(columns)
    face = whole_face(columns, arcs, SEED)
    return Case(name, problem, columns, arcs, face, task_of(face))


def levels_1a_to_2(case: Case) -> Climb:
    """
    Solves and proves levels 1a to 2: exactly what a peer's weighted sum decides.

    The tie-break of level 5 makes plans unique and costs time that no peer spends: it is left out.
    """
    reached = climb(case.face, TOGETHER, lambda: False)
    if reached is None:
        raise WrongAnswerError("ours gave no assignment")
    return reached


def claim_of(case: Case, reached: Climb, repetitions: int) -> Claim:
    """
    Adds up what ours reached and verifies its optimum with one pass over all arcs.

    The pass is over the duals of the one weighted sum, which hold on all arcs at once.
    """
    objective = levels_of(case.task, reached.col_of_row)
    bound = tuple(int(proof.row.sum()) + int(proof.col.sum()) for proof in reached.proofs)
    found = duals(case.face.lightly_weighted(), reached.col_of_row)
    if found is None:
        return Claim(objective, bound, proved=False, certificate_pass_s=0.0)
    held = timed(partial(_holds, case.task, found), repetitions)
    total = int(found.row.sum()) + int(found.col.sum())
    proved = held.given and bound == objective
    proved = proved and total == weighted_total(case.task, reached.col_of_row)
    return Claim(objective, bound, proved, held.median_s)


def whole_of(case: Case, *, repetitions: int, checked: bool) -> Whole:
    """Times ``solve`` and, alternately, its stages one by one."""
    plan, first = _solved(case)
    seconds, stages = [first], [_stages_s(case)]
    for _ in range(repetitions - 1):
        seconds.append(_solved(case)[1])
        stages.append(_stages_s(case))
    medians = {name: median(run[name] for run in stages) for name in stages[0]}
    whole_s = median(seconds)
    # What no stage holds: reasons, figures and nouns of the Plan. Noise may make it negative.
    medians["plan"] = max(0.0, whole_s - sum(medians.values()))
    check_s, violations = None, None
    if checked:
        began = perf_counter()
        violations = len(check(case.problem, plan))
        check_s = perf_counter() - began
    memory = peak_mb(lambda: _solved(case))
    return Whole(plan, whole_s, medians, memory, check_s, violations)


def _solved(case: Case) -> tuple[Plan, float]:
    run = timed(lambda: solve(case.problem, limits=LIMITS, seed=SEED), 1)
    return run.given, run.median_s


def _stages_s(case: Case) -> dict[str, float]:
    """Gives the seconds of each stage, the levels read off one climb."""
    marks: list[float] = []

    def mark() -> bool:
        marks.append(perf_counter())
        return False

    gc.collect()
    columns = timed(lambda: to_columns(case.problem), 1)
    arcs = timed(lambda: candidate_arcs(columns.given), 1)
    face = timed(lambda: whole_face(columns.given, arcs.given, SEED), 1)
    levels = flow_levels(case.problem)
    climb(face.given, levels, mark)
    marks.append(perf_counter())
    # The climb asks for time before levels 1a to 2, which are one solve, and before each later one.
    spent = [after - before for before, after in pairwise(marks)]
    return {
        "columns": columns.median_s,
        "arcs_and_costs": arcs.median_s,
        "face": face.median_s,
        "levels_1a_to_2": spent[0],
        **{
            f"level_{LEVELS[at]}": took
            for at, took in zip(levels[len(TOGETHER) :], spent[1:], strict=True)
        },
    }


def _holds(task: Task, found: Duals) -> bool:
    return reduced_costs_hold(task, found.row, found.col)
