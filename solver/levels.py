"""
The levels of the objective, one after the other: propose once, then prove each.

One matching over weighted levels proposes an optimum of levels 1a to 2 together; the duals of each
level decide whether it is one. After a level only what has reduced cost zero stays on the
face, "row unserved" and "seat unused" included, so the next level can't spoil it (ADR 0006).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from slotengine.problem import COST_LEVEL, MOVE_LEVEL, TIE_LEVEL
from slotengine.solver.arcs import Arcs
from slotengine.solver.columns import NOT_TOLD, Columns
from slotengine.solver.costs import tie_breaks
from slotengine.solver.duals import REQUIRED, UNSERVED, Duals, Network, duals
from slotengine.solver.encoding import Flags, Indices, Ints
from slotengine.solver.flow import proposed, proved

CLASS_WEIGHTS = (0, 8, 4, 2, 1)
"""
Weight of an unserved referral in the proposal by its level, falling from 1a to 1d. Served sets of a
pure assignment form a transversal matroid, so any falling weights give the lexicographic one.
"""


@dataclass(frozen=True, eq=False, slots=True)
class Face:
    """
    What the levels so far have left: arcs to seats, sorted by row, and who may be left alone.

    ``row``, ``col`` (A,) int32; ``cost``, ``tie`` (A,) int64; ``moved`` (A,) flags of told rows
    on another slot than theirs; ``level`` (R,) int64, where the row counts as unserved;
    ``may_stay`` (R,) and ``may_idle`` (C,) flags.
    """

    row: Indices
    col: Indices
    cost: Ints
    tie: Ints
    moved: Flags
    level: Ints
    may_stay: Flags
    may_idle: Flags

    def network(self, at: int) -> Network:
        """Gives the assignment problem of one level on this face."""
        if at == COST_LEVEL:
            cost = self.cost
        elif at == MOVE_LEVEL:
            cost = self.moved.astype(np.int64)
        elif at == TIE_LEVEL:
            cost = self.tie
        else:
            cost = np.zeros(len(self.row), dtype=np.int64)
        return self._network(cost, (self.level == at).astype(np.int64))

    def weighted(self) -> Network:
        """
        Gives one problem whose optimum is the optimum of levels 1a to 2.

        Serving one more row weighs more than all that the pairs of all rows can cost.
        """
        dearest = np.zeros(len(self.level), dtype=np.int64)
        np.maximum.at(dearest, self.row, self.cost)
        above_all = int(dearest.sum()) + 1
        return self._network(self.cost, above_all * np.array(CLASS_WEIGHTS)[self.level])

    def _network(self, cost: Ints, unserved: Ints) -> Network:
        start = np.zeros(len(self.level) + 1, dtype=np.int64)
        np.cumsum(np.bincount(self.row, minlength=len(self.level)), out=start[1:])
        return Network(
            start,
            self.col,
            cost,
            np.where(self.may_stay, unserved, REQUIRED),
            np.where(self.may_idle, 0, REQUIRED),
        )

    def shrunk(self, network: Network, found: Duals) -> "Face":
        """Keeps what has reduced cost zero under the duals of a level."""
        keep = network.cost == found.row[self.row] + found.col[self.col]
        return Face(
            row=self.row[keep],
            col=self.col[keep],
            cost=self.cost[keep],
            tie=self.tie[keep],
            moved=self.moved[keep],
            level=self.level,
            may_stay=found.row == network.unserved,
            may_idle=found.col == network.unused,
        )


class Climb(NamedTuple):
    """The last assignment, (R,) int32 seats or ``UNSERVED``, and the duals of each proved level."""

    col_of_row: Indices
    proofs: tuple[Duals, ...]


def whole_face(columns: Columns, arcs: Arcs, seed: int) -> Face:
    """Gives face 0: each allowed pair with each free seat; who was told keeps a seat."""
    row, slot = arcs.row, arcs.slot
    told = columns.referral_told_slot
    moved = (told[row] != NOT_TOLD) & (told[row] != slot)
    tie = tie_breaks(columns, row, slot, seed)
    seats = columns.slot_free[slot]
    owner = np.repeat(np.arange(len(row)), seats)
    offset = np.arange(len(owner)) - np.repeat(np.cumsum(seats) - seats, seats)
    return Face(
        row=row[owner],
        col=(columns.slot_first_seat[slot[owner]] + offset).astype(np.int32),
        cost=arcs.cost[owner],
        tie=tie[owner],
        moved=moved[owner],
        level=columns.referral_level,
        may_stay=told == NOT_TOLD,
        may_idle=np.ones(columns.seats, dtype=np.bool_),
    )


def climb(face: Face, levels: Sequence[int], out_of_time: Callable[[], bool]) -> Climb | None:
    """
    Solves and proves level after level until the last, or until time is out.

    Parameters
    ----------
    face
        Face 0.
    levels
        Indices into ``LEVELS``, ascending, of the levels that cost something here.
    out_of_time
        Asked before the proposal and before each level.

    Returns
    -------
    Climb or None
        None when time was out before there was any assignment.
    """
    if out_of_time():
        return None
    col_of_row = _proposal(face)
    proofs: list[Duals] = []
    for at in levels:
        if out_of_time():
            break
        network = face.network(at)
        found = None
        # The proposal knows nothing of ties: looking for its proof would be time lost.
        if col_of_row is not None and (at != TIE_LEVEL or len(face.row) == 0):
            found = duals(network, col_of_row)
        if found is None:
            matching = proved(network)
            col_of_row = matching.col_of_row
            found = Duals(matching.row_dual, matching.col_dual)
        proofs.append(found)
        face = face.shrunk(network, found)
    return None if col_of_row is None else Climb(col_of_row, tuple(proofs))


def _proposal(face: Face) -> Indices | None:
    if len(face.row) == 0:
        return np.full(len(face.level), UNSERVED, dtype=np.int32)
    return proposed(face.weighted())
