"""What ours and every peer are given: one assignment problem as plain arrays, and how to judge."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from slotengine.problem import COST_LEVEL, UNSERVED_LEVEL
from slotengine.solver.levels import Face

Indices = npt.NDArray[np.int32]
Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

ALONE = -1
"""In place of a seat: the referral stays unserved."""

FIRST_CLASS = min(UNSERVED_LEVEL.values())
"""Index of level 1a."""

Levels = tuple[int, ...]
"""Unserved of levels 1a to 1d, then the inconvenience of level 2."""


class WrongAnswerError(Exception):
    """A solver's answer is not an assignment of the task, or another one beats a proved optimum."""


@dataclass(frozen=True, eq=False, slots=True)
class Task:
    """
    Rows to seats: ``row``, ``col`` (A,) int32, ``cost`` (A,) int64; ``unserved`` (rows,) int64.

    ``unserved`` is the price of leaving a row alone in one weighted sum whose optimum is the
    optimum of levels 1a to 2; ``level`` (rows,) is the level at which it counts as unserved.
    """

    row: Indices
    col: Indices
    cost: Ints
    unserved: Ints
    level: Ints
    rows: int
    cols: int

    @property
    def arcs(self) -> int:
        """Number of allowed pairs of referral and seat."""
        return len(self.row)


def task_of(face: Face) -> Task:
    """
    Gives a peer's task: the arcs and costs on which our own levels are solved.

    A class weighs as little as in our own proposal: heavier ones cost a flow a third more. Should
    the optimum then be another, the run says so.
    """
    weighted = face.lightly_weighted()
    return Task(
        row=face.row,
        col=face.col,
        cost=face.cost,
        unserved=weighted.unserved,
        level=face.level,
        rows=len(face.level),
        cols=len(face.may_idle),
    )


def levels_of(task: Task, col_of_row: Indices) -> Levels:
    """
    Adds up what an assignment reaches at levels 1a to 2.

    Raises
    ------
    WrongAnswerError
        When it uses a pair that is not allowed, or a seat twice.
    """
    served = np.flatnonzero(col_of_row != ALONE)
    seats = col_of_row[served]
    if np.any((seats < 0) | (seats >= task.cols)):
        raise WrongAnswerError("a pair is used that is not allowed")
    if len(np.unique(seats)) != len(seats):
        raise WrongAnswerError("a seat is used twice")
    key = task.row.astype(np.int64) * task.cols + task.col
    wanted = served.astype(np.int64) * task.cols + seats
    arc = np.minimum(np.searchsorted(key, wanted), max(0, task.arcs - 1))
    if len(wanted) and not (task.arcs and np.array_equal(key[arc], wanted)):
        raise WrongAnswerError("a pair is used that is not allowed")
    alone = task.level[col_of_row == ALONE]
    counts = np.bincount(alone, minlength=COST_LEVEL)[FIRST_CLASS:COST_LEVEL]
    return (*(int(count) for count in counts), int(task.cost[arc].sum()) if len(wanted) else 0)


def reduced_costs_hold(task: Task, row_dual: Ints, col_dual: Ints) -> bool:
    """
    Verifies in one pass over all arcs that duals are feasible: their sum is then a lower bound.

    This is the certificate pass that solve times are compared with: nobody can claim an optimum of
    these arcs without having looked at each of them once.
    """
    on_arcs = task.cost - row_dual[task.row] - col_dual[task.col]
    return bool(
        (len(on_arcs) == 0 or on_arcs.min() >= 0)
        and np.all(row_dual <= task.unserved)
        and np.all(col_dual <= 0)
    )


def weighted_total(task: Task, col_of_row: Indices) -> int:
    """Gives the one weighted sum that an assignment reaches."""
    *_, cost = levels_of(task, col_of_row)
    return cost + int(task.unserved[col_of_row == ALONE].sum())
