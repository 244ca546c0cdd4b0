"""
The levels of the objective: 1a to 2 proved together, the later ones on what they leave.

One matching over weighted levels is an optimum of levels 1a to 2, and its duals decode into those
of each level, so that one shortest-path pass proves all five (ADR 0011). After that only what has
reduced cost zero stays on the face, "row unserved" and "seat unused" included, so the next level
can't spoil it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from slotengine.errors import ProblemError
from slotengine.problem import COST_LEVEL, MOVE_LEVEL, TIE_LEVEL
from slotengine.solver.arcs import Arcs
from slotengine.solver.columns import NOT_TOLD, Columns
from slotengine.solver.costs import tie_breaks
from slotengine.solver.duals import REQUIRED, UNSERVED, Duals, Network, duals
from slotengine.solver.encoding import Flags, Indices, Ints
from slotengine.solver.flow import has_room, proposed, proved

CLASS_WEIGHTS = (0, 4, 3, 2, 1)
"""
Weight of an unserved referral in the one weighted sum by its level, falling from 1a to 1d. Served
sets of a pure assignment form a transversal matroid, so any falling weights give the lexicographic
one; small ones keep the integers short.
"""

LIGHT_CLASS = 8
"""
Dearest pairs that a class weighs in the proposal. Exchanges that serve one more row cost less in
all that was measured; where they don't, the duals say so. At 2,000 rows the flow takes 0.31 s of
CPU instead of 0.41 s.
"""

TOGETHER = (*range(1, len(CLASS_WEIGHTS)), COST_LEVEL)
"""Levels 1a to 2: what the weighted sum decides, and its duals prove."""


@dataclass(frozen=True, eq=False, slots=True)
class Face:
    """
    What the levels so far have left: arcs to seats in CSR form, and who may be left alone.

    Row r owns arcs ``start[r]:start[r + 1]``; ``col`` (A,) int32 seats; ``cost`` (A,) int64;
    ``may_stay`` (R,) and ``may_idle`` (C,) flags. 12 bytes an arc: what the later levels read of
    it is worked out on the few arcs left for them.
    """

    columns: Columns
    seed: int
    start: Ints
    col: Indices
    cost: Ints
    may_stay: Flags
    may_idle: Flags

    @property
    def row(self) -> Indices:
        """The row of each arc, (A,) int32, made anew each time."""
        return np.repeat(np.arange(len(self.may_stay), dtype=np.int32), np.diff(self.start))

    @property
    def level(self) -> Ints:
        """The level at which each row counts as unserved, (R,) int64."""
        return self.columns.referral_level

    @property
    def tie(self) -> Ints:
        """The tie-break of each arc, (A,) int64."""
        return tie_breaks(self.columns, self.row, self.columns.seat_slot[self.col], self.seed)

    @property
    def moved(self) -> Flags:
        """Which arcs lead a told row to another slot than its own, (A,)."""
        told = self.columns.referral_told_slot[self.row]
        moved: Flags = (told != NOT_TOLD) & (told != self.columns.seat_slot[self.col])
        return moved

    def network(self, at: int) -> Network:
        """Gives the assignment problem of one level on this face."""
        if at == COST_LEVEL:
            cost = self.cost
        elif at == MOVE_LEVEL:
            cost = self.moved.astype(np.int64)
        elif at == TIE_LEVEL:
            cost = self.tie
        else:
            cost = np.zeros(len(self.col), dtype=np.int64)
        return self._network(cost, (self.level == at).astype(np.int64))

    def weighted(self) -> Network:
        """
        Gives one problem whose optimum is the optimum of levels 1a to 2.

        Serving one more row weighs more than all that the pairs of all rows can cost.
        """
        return self._weighted(self.above_all())

    def lightly_weighted(self) -> Network:
        """
        Gives one problem whose optimum is nearly always that of ``weighted``, and easier to find.

        Cost-scaling flows spend their rounds on the size of costs.
        """
        dearest = int(np.abs(self.cost).max(initial=0))
        return self._weighted(min(LIGHT_CLASS * dearest + 1, self.above_all()))

    def _weighted(self, one_class: int) -> Network:
        return self._network(self.cost, one_class * np.array(CLASS_WEIGHTS)[self.level])

    def above_all(self) -> int:
        """
        Gives the weight of one class: above twice what an exchange along any path can cost.

        Twice, so that the nearest multiple of it in a label is the label's class.
        """
        asked = np.diff(self.start) > 0
        dearest = np.maximum.reduceat(self.cost, self.start[:-1][asked]) if asked.any() else 0
        return 2 * int(np.sum(dearest)) + 1

    def _network(self, cost: Ints, unserved: Ints) -> Network:
        return Network(
            self.start,
            self.col,
            cost,
            np.where(self.may_stay, unserved, REQUIRED),
            np.where(self.may_idle, 0, REQUIRED),
        )

    def shrunk(self, network: Network, found: Duals) -> "Face":
        """Keeps what has reduced cost zero under the duals of a level, or of several together."""
        row = self.row
        keep = np.flatnonzero(network.cost == found.row[row] + found.col[self.col])
        start = np.zeros(len(self.start), dtype=np.int64)
        np.cumsum(np.bincount(row[keep], minlength=len(self.may_stay)), out=start[1:])
        return Face(
            columns=self.columns,
            seed=self.seed,
            start=start,
            col=self.col[keep],
            cost=self.cost[keep],
            may_stay=found.row == network.unserved,
            may_idle=found.col == network.unused,
        )


class Climb(NamedTuple):
    """The last assignment, (R,) int32 seats or ``UNSERVED``, and the duals of each proved level."""

    col_of_row: Indices
    proofs: tuple[Duals, ...]


def whole_face(columns: Columns, arcs: Arcs, seed: int) -> Face:
    """Gives face 0: each allowed pair with each free seat; who was told or promised keeps one."""
    start, col, cost = arcs.start, columns.slot_first_seat[arcs.slot].astype(np.int32), arcs.cost
    if np.any(columns.slot_free != 1):
        seats = columns.slot_free[arcs.slot]
        before = np.zeros(len(seats) + 1, dtype=np.int64)
        np.cumsum(seats, out=before[1:])
        owner = np.repeat(np.arange(len(seats)), seats)
        start, cost = before[arcs.start], cost[owner]
        col = (col[owner] + np.arange(len(owner)) - before[owner]).astype(np.int32)
    return Face(
        columns=columns,
        seed=seed,
        start=start,
        col=col,
        cost=cost,
        may_stay=~columns.referral_seated,
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
        Asked before levels 1a to 2, which are one solve, and before each later level; before each
        level where a weighted sum of them leaves 64 bits.

    Returns
    -------
    Climb or None
        None when time was out before there was any assignment.

    Raises
    ------
    ProblemError
        When the rows that keep a seat in any case can't all have one.
    """
    if out_of_time():
        return None
    col_of_row: Indices | None = None
    proofs: list[Duals] = []
    if tuple(levels[: len(TOGETHER)]) == TOGETHER:
        weighted = face.weighted()
        if has_room(weighted):
            col_of_row, found = _proposed(face, weighted) or _solved(weighted)
            proofs.extend(decoded(found, face.above_all()))
            face = face.shrunk(weighted, found)
    for at in levels[len(proofs) :]:
        if out_of_time():
            break
        network = face.network(at)
        again = None
        # The assignment so far knows nothing of ties: looking for its proof would be time lost.
        if col_of_row is not None and at != TIE_LEVEL:
            again = duals(network, col_of_row)
        if again is None:
            col_of_row, again = _solved(network)
        proofs.append(again)
        face = face.shrunk(network, again)
    return None if col_of_row is None else Climb(col_of_row, tuple(proofs))


def decoded(found: Duals, above_all: int) -> tuple[Duals, ...]:
    """
    Takes the duals of the weighted sum apart into those of levels 1a to 2.

    A label is the length of a path that begins at the extra node, directly or through one row that
    stays unserved: it holds the weight of one class at most, and exchanges that cost less than half
    of that weight. So the nearest multiple of ``above_all`` is the class, the rest is level 2. The
    weights order such lengths as the levels do, one after the other; a shortest path of the sum is
    the shortest at each level among those that are so at the levels before it. These are the labels
    that the levels give when they are solved one by one, and ``ADR 0011`` says why.
    """
    row_class, row_rest = _apart(found.row, above_all)
    col_class, col_rest = _apart(found.col, above_all)
    classes = (
        Duals(_one_class(row_class, weight), _one_class(col_class, weight))
        for weight in CLASS_WEIGHTS[1:]
    )
    return (*classes, Duals(row_rest, col_rest))


def _apart(dual: Ints, above_all: int) -> tuple[Ints, Ints]:
    multiple = (dual + above_all // 2) // above_all
    return multiple, dual - multiple * above_all


def _one_class(multiple: Ints, weight: int) -> Ints:
    digit: Ints = (multiple == weight).astype(np.int64) - (multiple == -weight)
    return digit


def _proposed(face: Face, weighted: Network) -> tuple[Indices, Duals] | None:
    """Solves the lighter sum; None where that is no optimum of the true one."""
    col_of_row = proposed(face.lightly_weighted()) if len(face.col) else None
    found = None if col_of_row is None else duals(weighted, col_of_row)
    return None if col_of_row is None or found is None else (col_of_row, found)


def _solved(network: Network) -> tuple[Indices, Duals]:
    if len(network.col) == 0:
        return _without_arcs(network)
    matching = proved(network)
    return matching.col_of_row, Duals(matching.row_dual, matching.col_dual)


def _without_arcs(network: Network) -> tuple[Indices, Duals]:
    """Nobody can be served; an engine would want a row and a seat at least."""
    if np.any(network.unserved == REQUIRED) or np.any(network.unused == REQUIRED):
        raise ProblemError("the required rows and seats can't all be assigned")
    nobody = np.full(len(network.unserved), UNSERVED, dtype=np.int32)
    return nobody, Duals(network.unserved, network.unused)
