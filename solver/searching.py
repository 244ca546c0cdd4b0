"""
From the plan of pure pairs to the plan under side constraints: as it is if it keeps them, else the
nearest that does, made better until it is proved best or time is out.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from slotengine.problem import (
    COST_LEVEL,
    FLOOR_LEVEL,
    LEVELS,
    MOVE_LEVEL,
    SPREAD_LEVEL,
    TIE_LEVEL,
    Limits,
    Problem,
)
from slotengine.solver.columns import Columns
from slotengine.solver.costs import tie_breaks
from slotengine.solver.coupling import Settled, settle
from slotengine.solver.coupling_flow import Counting, flowed
from slotengine.solver.coupling_model import moved
from slotengine.solver.coupling_task import Task
from slotengine.solver.coupling_tours import Wars
from slotengine.solver.duals import UNSERVED, Duals
from slotengine.solver.encoding import Indices, Ints
from slotengine.solver.mending import completed, mended
from slotengine.solver.pairs import Pairs
from slotengine.solver.seating import Seating
from slotengine.solver.side import Side
from slotengine.solver.soundness import fault
from slotengine.solver.tallies import tally
from slotengine.solver.tours import Tours

OFF = np.iinfo(np.int64).max // 4
"""Reduced cost of a pair whose slot has no free seat."""


@dataclass(frozen=True, eq=False, slots=True)
class Ground:
    """A Problem with all that a search under side constraints reads."""

    problem: Problem
    columns: Columns
    pairs: Pairs
    side: Side
    seed: int

    def tie_of(self, arcs: Ints) -> Ints:
        """Gives the tie-break of pairs."""
        row = self.pairs.row_of(arcs).astype(np.int32)
        return tie_breaks(self.columns, row, self.pairs.slot[arcs], self.seed)

    @property
    def levels(self) -> tuple[int, ...]:
        """The levels that count."""
        return tuple(LEVELS.index(level) for level in self.problem.active_levels)


class Found(NamedTuple):
    """
    A plan that keeps every side constraint.

    ``settled`` holds its pairs, bounds and how far they are proved; ``seating`` the plan itself;
    ``objective`` one number a level.
    """

    settled: Settled
    seating: Seating
    objective: tuple[int, ...]


def flow_levels(problem: Problem) -> list[int]:
    """Gives the active levels that a sum over pairs decides, as indices into ``LEVELS``."""
    active = [LEVELS.index(level) for level in problem.active_levels]
    last = SPREAD_LEVEL if SPREAD_LEVEL in active else len(LEVELS)
    return [at for at in active if at != FLOOR_LEVEL and at < last]


def known_bounds(problem: Problem, proofs: Sequence[Duals]) -> list[int]:
    """Gives the bounds of the leading levels without side constraints; 0 where nothing costs."""
    sums = {
        at: int(found.row.sum()) + int(found.col.sum())
        for at, found in zip(flow_levels(problem), proofs, strict=False)
    }
    bounds: list[int] = []
    for at, level in enumerate(LEVELS):
        # No plan falls short of floors by less than nothing.
        free = level not in problem.active_levels or at == FLOOR_LEVEL
        if not free and at not in sums:
            break
        bounds.append(sums.get(at, 0))
    return bounds


def under_side_constraints(
    ground: Ground,
    slot_of_row: Indices,
    proofs: Sequence[Duals],
    limits: Limits,
    seconds_left: Callable[[], float],
) -> Found:
    """
    Gives the best plan that keeps the side constraints, as far as time allows.

    Parameters
    ----------
    ground
        What is planned.
    slot_of_row
        (R,) the plan of pure pairs, as good as ``proofs`` say.
    proofs
        Duals of the leading ``flow_levels`` without side constraints.
    limits, seconds_left
        Limits of the search, and how many seconds of them are left.
    """
    pairs, side = ground.pairs, ground.side
    tours = Tours(ground.columns) if side.tours else None
    known = known_bounds(ground.problem, proofs)
    wanted = _arcs_of(pairs, slot_of_row)
    spread = ground.problem.policy.spread
    if _stands(ground, wanted, tours):
        settled = Settled(wanted, _padded(known), len(known), len(known))
    else:
        capped = flowed(pairs, side, Counting.LEAST) if side.capped else None
        task = Task(
            pairs=pairs,
            side=side,
            tours=tours,
            tie_of=ground.tie_of,
            levels=ground.levels,
            known=known,
            capped=() if capped is None else capped.totals,
            reduced_of=_Reduced(ground, proofs),
            give_percent=0 if spread is None else spread.give_percent,
            seconds=limits.seconds,
            seconds_left=seconds_left,
            nodes=limits.nodes,
        )
        settled = settle(task, _start(ground, tours, wanted))
    seating = Seating.of(pairs, side, tours, settled.arc_of_row)
    if settled.proved < len(LEVELS):
        completed(seating)
        settled = settled._replace(arc_of_row=seating.arc_of_row)
    objective = tally(pairs, side, settled.arc_of_row, ground.tie_of)
    return Found(settled, seating, objective)


def _start(ground: Ground, tours: Tours | None, wanted: Ints) -> Ints | None:
    """Gives the better of the plans mended from pairs alone and from pairs and caps."""
    pairs, side = ground.pairs, ground.side
    starts = [mended(pairs, side, tours, wanted)]
    usual = flowed(pairs, side, Counting.USUAL) if side.capped else None
    if usual is not None:
        starts.append(mended(pairs, side, tours, usual.arc_of_row))
    found = [start for start in starts if start is not None]
    return min(found, key=lambda start: tally(pairs, side, start, ground.tie_of), default=None)


def _padded(bounds: list[int]) -> tuple[int | None, ...]:
    return (*bounds, *[None] * (len(LEVELS) - len(bounds)))


def _stands(ground: Ground, arc_of_row: Ints, tours: Tours | None) -> bool:
    """Tells whether a plan of pure pairs keeps all side constraints, and floors and spread too."""
    pairs, side = ground.pairs, ground.side
    if side.spread or fault(pairs, side, arc_of_row) is not None:
        return False
    if tally(pairs, side, arc_of_row, ground.tie_of)[FLOOR_LEVEL] > 0:
        return False
    used = arc_of_row[arc_of_row != UNSERVED]
    return tours is None or next(Wars(pairs, tours).found(used), None) is None


def _arcs_of(pairs: Pairs, slot_of_row: Indices) -> Ints:
    found = np.full(pairs.rows, UNSERVED, dtype=np.int64)
    for row in np.flatnonzero(slot_of_row != UNSERVED).tolist():
        arc = pairs.arc(row, int(slot_of_row[row]))
        found[row] = UNSERVED if arc is None else arc
    return found


class _Reduced:
    """Reduced costs of pairs under the proof without side constraints, level by level."""

    def __init__(self, ground: Ground, proofs: Sequence[Duals]) -> None:
        self._ground = ground
        self._proofs = dict(zip(flow_levels(ground.problem), proofs, strict=False))
        self._best: dict[int, Ints] = {}

    def __call__(self, at: int, arcs: Ints) -> Ints:
        """Gives them for pairs, (K,); for a slot of many seats, of the one that suits best."""
        pairs = self._ground.pairs
        if at not in self._proofs:
            return np.zeros(len(arcs), dtype=np.int64)
        row, slot = pairs.row_of(arcs), pairs.slot[arcs]
        reduced: Ints = self._cost(at, arcs, row) - self._proofs[at].row[row] - self._seat(at)[slot]
        return reduced

    def _cost(self, at: int, arcs: Ints, row: Ints) -> Ints:
        pairs = self._ground.pairs
        if at == COST_LEVEL:
            return pairs.cost[arcs]
        if at == MOVE_LEVEL:
            return moved(self._ground.side, row, pairs.slot[arcs].astype(np.int64))
        if at == TIE_LEVEL:
            return self._ground.tie_of(arcs)
        return np.zeros(len(arcs), dtype=np.int64)

    def _seat(self, at: int) -> Ints:
        """Gives the largest dual of each slot's free seats, (S,)."""
        if at not in self._best:
            columns = self._ground.columns
            best = np.full(columns.slots, -OFF, dtype=np.int64)
            np.maximum.at(best, columns.seat_slot, self._proofs[at].col)
            self._best[at] = best
        return self._best[at]
