"""
Plans under side constraints: the best first, level by level, each with a bound.

A level ends as soon as the best plan known reaches a bound: that of the plan without side
constraints; that of the linear relaxation, whose reduced costs then rule pairs out; or that of
branch and bound over the pairs that are left (ADR 0010).
"""

from collections.abc import Sequence
from typing import NamedTuple

from slotengine.problem import LEVELS, SPREAD_LEVEL
from slotengine.solver.coupling_search import Search
from slotengine.solver.coupling_task import Task
from slotengine.solver.encoding import Ints


class Settled(NamedTuple):
    """
    The best plan found, (R,) pairs or ``UNSERVED``, and a bound for each of ``LEVELS``.

    The first ``proved`` levels are proved best, the first ``relaxed`` of them by the bounds that
    were known; the bounds after the next level are None.
    """

    arc_of_row: Ints
    bound: tuple[int | None, ...]
    proved: int
    relaxed: int


def settle(task: Task, start: Ints | None) -> Settled:
    """
    Makes a plan that keeps all side constraints as good as time allows.

    Parameters
    ----------
    task
        What is searched.
    start
        (R,) a plan that keeps all side constraints; None when none is known.

    Returns
    -------
    Settled
        Never worse than ``start``.

    Raises
    ------
    ProblemError
        When no plan keeps the seats of all who were told or promised one.
    SolverTimeoutError
        When time was out before any plan was found.
    """
    searching = Search(task, start)
    searching.propose()
    bound: list[int | None] = []
    relaxed = capped = 0
    wasteful = False
    for at in range(len(LEVELS)):
        if at not in task.levels:
            bound.append(0)
            relaxed += relaxed == at
            capped += capped == at
            continue
        if wasteful:
            # Levels that count nothing, above, are proved as those before them are.
            return Settled(searching.best, _padded(bound), at, relaxed)
        # A bound of a relaxed problem holds only while its levels before were reached too.
        hints = [
            bounds[at]
            for bounds, reached in ((task.known, relaxed), (task.capped, capped))
            if reached == at and at < len(bounds)
        ]
        hint = max(hints, default=None)
        pure = relaxed == at and at < len(task.known) and hint == task.known[at]
        lower, proved = searching.level(at, hint, pure=pure)
        bound.append(lower)
        if not proved:
            return Settled(searching.best, _padded(bound), at, relaxed)
        wasteful = at == SPREAD_LEVEL and not searching.regain()
        relaxed += _reached(task.known, relaxed, at, searching.value(at))
        capped += _reached(task.capped, capped, at, searching.value(at))
    return Settled(searching.best, _padded(bound), len(LEVELS), relaxed)


def _reached(bounds: Sequence[int], reached: int, at: int, value: int) -> bool:
    return reached == at and at < len(bounds) and value == bounds[at]


def _padded(bound: list[int | None]) -> tuple[int | None, ...]:
    return (*bound, *[None] * (len(LEVELS) - len(bound)))
