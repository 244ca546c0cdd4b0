"""
Rows to columns that have room for so many and effort for so much: generalised assignment.

The array-level entry to the search under side constraints: a column is a practitioner with one
period, its cap in effort minutes. Nothing here searches; the product's own parts do.
"""

from dataclasses import dataclass
from time import perf_counter

import numpy as np
import numpy.typing as npt

from slotengine.codes import Priority
from slotengine.errors import ProblemError, SolverTimeoutError
from slotengine.problem import COST_LEVEL, UNSERVED_LEVEL, Limits
from slotengine.solver.coupling import settle
from slotengine.solver.coupling_task import Task
from slotengine.solver.duals import REQUIRED, UNSERVED
from slotengine.solver.encoding import Indices, Ints
from slotengine.solver.given import integers, one_each
from slotengine.solver.mending import mended
from slotengine.solver.pairs import Pairs, Period
from slotengine.solver.side import Side
from slotengine.solver.workload import UNLIMITED

LARGEST_INDEX = int(np.iinfo(np.int32).max)
"""Indices and efforts are kept in 32 bits."""

LARGEST_SUM = 1 << 53
"""Costs and efforts of a whole assignment stay below it: the relaxation computes in doubles."""

SERVED_LEVEL = UNSERVED_LEVEL[Priority.ROUTINE]
"""Rows that must be assigned are counted here when they are not; the costs are the level after."""

DEFAULT_LIMITS = Limits()


@dataclass(frozen=True, eq=False, slots=True)
class Capped:
    """
    An assignment under caps.

    ``col_of_row`` (rows,) int32, -1 where a row is left alone; ``bound`` is what no assignment is
    cheaper than, and ``proved`` tells that it equals ``objective``.
    """

    col_of_row: Indices
    objective: int
    bound: int
    proved: bool


def assign_within(
    row: npt.ArrayLike,
    col: npt.ArrayLike,
    cost: npt.ArrayLike,
    effort: npt.ArrayLike,
    *,
    rows: int,
    cols: int,
    room: npt.ArrayLike,
    cap: npt.ArrayLike,
    unserved: npt.ArrayLike | None = None,
    limits: Limits = DEFAULT_LIMITS,
) -> Capped:
    """
    Assigns rows to columns at the least total cost, within each column's room and cap.

    Parameters
    ----------
    row, col, cost, effort
        (A,) integers: arc k lets row ``row[k]`` have a place on ``col[k]`` for ``cost[k]`` and
        ``effort[k]`` minutes, at least 0. In any order. An arc whose effort alone passes the cap is
        never used.
    rows, cols
        Number of rows and columns, at least 1 each.
    room
        (cols,) places, at least 0; one number stands for all.
    cap
        (cols,) most minutes of all rows there, at least 0 and inclusive; one number stands for all.
    unserved
        (rows,) cost of leaving a row alone, ``REQUIRED`` where it must be assigned. Default None:
        every row must be.
    limits
        Of the search. Default 60 s.

    Returns
    -------
    Capped
        The optimum, proved, or the best found within the limits with a bound.

    Raises
    ------
    ProblemError
        Before solving: arrays of another shape or of floats, an index out of range, an arc given
        twice, an empty side, a negative room, effort or cap, a required row that no column has room
        and minutes for, costs or efforts whose sum leaves doubles. After it: when what is required
        can't all be assigned.
    SolverTimeoutError
        When the limits pass before all that is required is assigned.
    """
    began = perf_counter()
    asked = _asked(row, col, cost, effort, rows=rows, cols=cols, unserved=unserved)
    pairs = asked.pairs(
        one_each("room", room, cols, LARGEST_SUM), one_each("cap", cap, cols, LARGEST_SUM)
    )

    def seconds_left() -> float:
        return limits.seconds - (perf_counter() - began)

    task = Task(
        pairs=pairs,
        side=CAPS_ONLY,
        tours=None,
        tie_of=_nothing,
        levels=(SERVED_LEVEL, COST_LEVEL),
        known=[0] * COST_LEVEL,
        reduced_of=lambda _, arcs: _nothing(arcs),
        give_percent=0,
        seconds=limits.seconds,
        seconds_left=seconds_left,
        nodes=limits.nodes,
    )
    alone = np.full(rows, UNSERVED, dtype=np.int64)
    settled = settle(task, mended(pairs, CAPS_ONLY, None, alone))
    if (settled.arc_of_row == UNSERVED).any():
        if settled.proved > SERVED_LEVEL or settled.bound[SERVED_LEVEL]:
            raise ProblemError("the required rows can't all be assigned within the caps")
        raise SolverTimeoutError(limits.seconds)
    col_of_row = pairs.slot[settled.arc_of_row]
    col_of_row[col_of_row == cols] = UNSERVED
    return Capped(
        col_of_row,
        asked.base + int(pairs.cost[settled.arc_of_row].sum()),
        asked.base + (settled.bound[COST_LEVEL] or 0),
        settled.proved > COST_LEVEL,
    )


CAPS_ONLY = Side(
    groups=(),
    follows=(),
    told={},
    max_told_moves=0,
    floors=(),
    capped=True,
    tours=False,
    spread=False,
)


def _nothing(arcs: Ints) -> Ints:
    return np.zeros(len(arcs), dtype=np.int64)


@dataclass(frozen=True, eq=False, slots=True)
class _Asked:
    """
    Arcs in order of row and column, each row's costs counted from its cheapest choice.

    Who may be left alone has one arc more, to column ``cols``, which takes everybody. ``base`` is
    what the cheapest choices add up to.
    """

    rows: int
    cols: int
    row: Ints
    col: Ints
    cost: Ints
    effort: Ints
    base: int

    def pairs(self, room: Ints, cap: Ints) -> Pairs:
        """Gives the arcs that a column has room and minutes for."""
        for name, values in (("room", room), ("cap", cap)):
            if values.min() < 0:
                raise ProblemError(f"{name} {int(values.min())} is below 0")
        room = np.append(np.minimum(room, self.rows), self.rows)
        cap = np.append(np.minimum(cap, UNLIMITED), UNLIMITED)
        fits = (room[self.col] > 0) & (self.effort <= cap[self.col])
        row, col = self.row[fits], self.col[fits]
        start = np.searchsorted(row, np.arange(self.rows + 1)).astype(np.int64)
        lonely = np.diff(start) == 0
        if lonely.any():
            one = int(np.argmax(lonely))
            raise ProblemError(f"row {one} must be assigned and no column has room for it")
        columns = self.cols + 1
        each = np.arange(columns, dtype=np.int32)
        unlimited = np.full(columns, UNLIMITED, dtype=np.int64)
        never = np.zeros(columns, dtype=np.int64)
        return Pairs(
            start=start,
            slot=col.astype(np.int32),
            cost=self.cost[fits],
            mode=np.zeros(len(row), dtype=np.int32),
            effort=self.effort[fits].astype(np.int32),
            level=np.full(self.rows, SERVED_LEVEL, dtype=np.int64),
            room=room,
            starts_us=never,
            ends_us=never,
            giver=each,
            periods=(Period(each, unlimited, cap),),
            offered=np.ones(columns, dtype=np.int64),
            pinned_effort=never,
        )


def _asked(
    row: npt.ArrayLike,
    col: npt.ArrayLike,
    cost: npt.ArrayLike,
    effort: npt.ArrayLike,
    *,
    rows: int,
    cols: int,
    unserved: npt.ArrayLike | None,
) -> _Asked:
    for name, size in (("rows", rows), ("cols", cols)):
        if not 1 <= size < LARGEST_INDEX:
            raise ProblemError(f"{name} is {size}, allowed is 1 to {LARGEST_INDEX - 1}")
    arrays = [
        integers(name, values, LARGEST_SUM)
        for name, values in (("row", row), ("col", col), ("cost", cost), ("effort", effort))
    ]
    if len({array.shape for array in arrays}) > 1 or arrays[0].ndim != 1:
        shapes = ", ".join(str(array.shape) for array in arrays)
        raise ProblemError(f"row, col, cost and effort must be of one length, they are {shapes}")
    of_row, of_col, costs, minutes = arrays
    for name, index, size in (("row", of_row, rows), ("col", of_col, cols)):
        _within(name, index, 0, size - 1)
    _within("effort", minutes, 0, LARGEST_INDEX)
    alone = one_each("unserved", REQUIRED if unserved is None else unserved, rows, LARGEST_SUM)
    optional = np.flatnonzero(alone != REQUIRED)
    of_row = np.concatenate([of_row, optional])
    of_col = np.concatenate([of_col, np.full(len(optional), cols, dtype=np.int64)])
    costs = np.concatenate([costs, alone[optional]])
    minutes = np.concatenate([minutes, np.zeros(len(optional), dtype=np.int64)])
    order = np.lexsort((of_col, of_row))
    of_row, of_col, costs, minutes = (part[order] for part in (of_row, of_col, costs, minutes))
    twice = np.flatnonzero((np.diff(of_row) == 0) & (np.diff(of_col) == 0))
    if len(twice):
        at = twice[0]
        raise ProblemError(f"arc of row {of_row[at]} to col {of_col[at]} is given twice")
    # Counted in Python integers: what is asked here is whether 64 bits and doubles hold it.
    for name, values in (("cost", costs), ("effort", minutes)):
        largest = rows * max((abs(int(edge)) for edge in _edges(values)), default=0)
        if 2 * largest > LARGEST_SUM:
            raise ProblemError(f"{name}s may add up to {largest}, allowed is {LARGEST_SUM // 2}")
    least = np.full(rows, np.iinfo(np.int64).max, dtype=np.int64)
    np.minimum.at(least, of_row, costs)
    least[np.bincount(of_row, minlength=rows) == 0] = 0
    costs = costs - least[of_row]
    return _Asked(rows, cols, of_row, of_col, costs, minutes, int(least.sum()))


def _edges(values: Ints) -> tuple[int, ...]:
    return (int(values.min()), int(values.max())) if len(values) else ()


def _within(name: str, values: Ints, low: int, high: int) -> None:
    for edge in _edges(values):
        if not low <= edge <= high:
            raise ProblemError(f"{name} {edge} is outside {low} to {high}")
