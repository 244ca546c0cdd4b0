"""Our side of a case: the stages of ``solve`` one by one, and what they claim, verified."""

from dataclasses import dataclass
from functools import partial
from itertools import count
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
from slotengine.problem import TIE_LEVEL, Plan, Problem
from slotengine.solver.arcs import Arcs, candidate_arcs
from slotengine.solver.check import check
from slotengine.solver.columns import Columns, to_columns
from slotengine.solver.duals import Duals, duals
from slotengine.solver.levels import Climb, Face, climb, whole_face
from slotengine.solver.solve import solve

SEED = 0
"""Of the tie-break, which no peer solves."""


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

    The tie-break of level 5 makes plans unique and costs time that no peer spends; the climb is
    stopped before it, as a time limit would.
    """
    # Asked once before the proposal and once before each level, hence one more than the levels.
    asked = count()
    reached = climb(case.face, lambda: next(asked) > TIE_LEVEL)
    if reached is None:
        raise WrongAnswerError("ours gave no assignment")
    return reached


def all_levels(case: Case) -> Climb | None:
    """Solves and proves all levels, tie-break included, as ``solve`` does."""
    return climb(case.face, lambda: False)


def claim_of(case: Case, reached: Climb, repetitions: int) -> Claim:
    """
    Adds up what ours reached and verifies its optimum with one pass over all arcs.

    The pass is over the duals of the one weighted sum, which hold on all arcs at once.
    """
    objective = levels_of(case.task, reached.col_of_row)
    bound = tuple(int(proof.row.sum()) + int(proof.col.sum()) for proof in reached.proofs)
    found = duals(case.face.weighted(), reached.col_of_row)
    if found is None:
        return Claim(objective, bound, proved=False, certificate_pass_s=0.0)
    held = timed(partial(_holds, case.task, found), repetitions)
    total = int(found.row.sum()) + int(found.col.sum())
    proved = held.given and bound == objective
    proved = proved and total == weighted_total(case.task, reached.col_of_row)
    return Claim(objective, bound, proved, held.median_s)


def whole_of(case: Case, *, repetitions: int, checked: bool) -> Whole:
    """Times ``solve`` and its stages; what the stages don't hold is the making of the Plan."""
    solved = timed(lambda: solve(case.problem, seed=SEED), repetitions)
    stages = {
        "columns": timed(lambda: to_columns(case.problem), repetitions).median_s,
        "arcs_and_costs": timed(lambda: candidate_arcs(case.columns), repetitions).median_s,
        "face": timed(lambda: whole_face(case.columns, case.arcs, SEED), repetitions).median_s,
        "levels_1a_to_2": timed(lambda: levels_1a_to_2(case), repetitions).median_s,
    }
    every = timed(lambda: all_levels(case), repetitions).median_s
    # Differences of medians of separate runs may fall below zero by noise.
    stages["level_5"] = max(0.0, every - stages["levels_1a_to_2"])
    stages["plan"] = max(0.0, solved.median_s - sum(stages.values()))
    check_s, violations = None, None
    if checked:
        began = perf_counter()
        violations = len(check(case.problem, solved.given))
        check_s = perf_counter() - began
    memory = peak_mb(lambda: solve(case.problem, seed=SEED))
    return Whole(solved.given, solved.median_s, stages, memory, check_s, violations)


def _holds(task: Task, found: Duals) -> bool:
    return reduced_costs_hold(task, found.row, found.col)
