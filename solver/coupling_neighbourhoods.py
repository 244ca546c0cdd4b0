"""
Better plans from bounded neighbourhoods: a few practitioners at a time, everybody else stays.

HiGHS finds the best way to seat all who sit with these practitioners, and those without a seat who
could (CP-SAT found the same in 2.7 times the time: 92 ms against 34 ms, 310 neighbourhoods). Which
practitioners belong together is read from the plan: those whose patients could sit with the one in
the middle. The order is fixed, so equal plans get equal improvements.
"""

from collections.abc import Callable, Iterator, Sequence

import numpy as np

from slotengine.problem import Limits
from slotengine.solver.coupling_highs import search
from slotengine.solver.coupling_model import Cut, Model, model_of
from slotengine.solver.coupling_narrowing import Narrow, narrowed, widened
from slotengine.solver.coupling_tours import Wars
from slotengine.solver.duals import UNSERVED
from slotengine.solver.encoding import Indices, Ints
from slotengine.solver.pairs import Pairs
from slotengine.solver.side import Side
from slotengine.solver.tallies import slots_of
from slotengine.solver.tours import Tours

GIVERS = 12
"""Practitioners in one neighbourhood, about a hundred seats: a fraction of a second."""

WAITING = 40
"""Most rows without a seat that one neighbourhood tries to seat, the most urgent first."""

NODES = 200
"""Nodes that one neighbourhood may open: most end at the root, and no clock decides."""

ROUNDS = 3
"""Repetitions of one neighbourhood because its plan asked for impossible ways between homes."""

Better = Callable[[Ints], bool]
"""Takes a plan and tells whether it was kept."""


class Neighbourhoods:
    """Walks through the neighbourhoods of a plan."""

    def __init__(self, pairs: Pairs, side: Side, tours: Tours | None, alive: Ints) -> None:
        self._pairs, self._side, self._tours = pairs, side, tours
        self._alive = alive
        order = np.argsort(pairs.slot[alive], kind="stable")
        self._by_slot = alive[order]
        self._first = np.searchsorted(pairs.slot[self._by_slot], np.arange(len(pairs.room) + 1))
        self._slots_of = _grouped(pairs.giver, len(pairs.offered))
        self._tied = _tied(side)

    def walk(
        self,
        best: Ints,
        weigh: Callable[[Model], Ints],
        keep: Better,
        out_of_time: Callable[[], bool],
    ) -> Ints:
        """
        Improves a plan until one whole round of neighbourhoods finds nothing.

        Parameters
        ----------
        best
            (R,) the plan to begin with.
        weigh
            Gives the cost of each variable of a model.
        keep
            Asked about each plan found.
        out_of_time
            Asked before each neighbourhood.
        """
        improved = True
        while improved:
            improved = False
            for giver in self._middles(best):
                if out_of_time():
                    return best
                found = self._around(giver, best, weigh)
                if found is not None and keep(found):
                    best, improved = found, True
        return best

    def _middles(self, best: Ints) -> Iterator[int]:
        """Gives practitioners, first those whom patients without a seat could see."""
        waiting = np.flatnonzero(best == UNSERVED)
        urgency = np.argsort(self._pairs.level[waiting], kind="stable")
        seen: set[int] = set()
        for row in waiting[urgency].tolist():
            own = self._pairs.slot[self._pairs.start[row] : self._pairs.start[row + 1]]
            if len(own):
                giver = int(self._pairs.giver[own[len(seen) % len(own)]])
                if giver not in seen:
                    seen.add(giver)
                    yield giver
        for giver, slots in enumerate(self._slots_of):
            if giver not in seen and len(slots):
                yield giver

    def _around(self, giver: int, best: Ints, weigh: Callable[[Model], Ints]) -> Ints | None:
        narrow = self._narrow(giver, best)
        if len(narrow.arcs) == 0:
            return None
        wars = None if self._tours is None else Wars(narrow.pairs, self._tours, narrow.rows)
        cuts: list[Cut] = []
        for _ in range(ROUNDS):
            every = np.arange(len(narrow.arcs), dtype=np.int64)
            model = model_of(narrow.pairs, narrow.side, every, cuts)
            found = search(model, weigh(model), (), Limits(nodes=NODES))
            if found.solution is None:
                return None
            arcs = model.arc_of_row(found.solution)
            used = np.sort(arcs[arcs != UNSERVED])
            more = [] if wars is None else wars.cuts(used, np.ones(len(used)))
            if not more:
                return widened(narrow, best, arcs)
            cuts += more
        return None

    def _narrow(self, giver: int, best: Ints) -> Narrow:
        pairs = self._pairs
        slots = slots_of(pairs, best)
        could = np.unique(pairs.row_of(self._arcs_on([giver])))
        seated = could[slots[could] != UNSERVED]
        shared = np.bincount(pairs.giver[slots[seated]], minlength=len(pairs.offered))
        shared[giver] = len(could) + 1
        givers = np.argsort(-shared, kind="stable")[:GIVERS]
        givers = givers[shared[givers] > 0]
        inside = np.isin(pairs.giver, givers)
        arcs = np.sort(self._arcs_on(givers.tolist()))
        waiting = could[slots[could] == UNSERVED]
        waiting = waiting[np.argsort(pairs.level[waiting], kind="stable")][:WAITING]
        sitting = np.flatnonzero((slots != UNSERVED) & inside[slots])
        rows = self._with_partners(np.union1d(sitting, waiting))
        own = best[rows]
        arcs = np.union1d(arcs[np.isin(pairs.row_of(arcs), rows)], own[own != UNSERVED])
        return narrowed(pairs, self._side, best, rows, arcs)

    def _arcs_on(self, givers: Sequence[int]) -> Ints:
        spans = [
            self._by_slot[self._first[slot] : self._first[slot + 1]]
            for giver in givers
            for slot in self._slots_of[giver]
        ]
        return np.concatenate([np.zeros(0, dtype=np.int64), *spans])

    def _with_partners(self, rows: Ints) -> Ints:
        found = set(rows.tolist())
        for row in tuple(found):
            found |= self._tied.get(row, frozenset())
        return np.array(sorted(found), dtype=np.int64)


def _grouped(giver: Indices, givers: int) -> list[list[int]]:
    slots: list[list[int]] = [[] for _ in range(givers)]
    for slot, of in enumerate(giver.tolist()):
        slots[of].append(slot)
    return slots


def _tied(side: Side) -> dict[int, frozenset[int]]:
    """Gives for each row of a group or pathway all rows that its seat hangs together with."""
    tied: dict[int, frozenset[int]] = {}
    for one in [group.rows for group in side.groups] + [(f.before, f.row) for f in side.follows]:
        whole = frozenset(one).union(*(tied.get(row, frozenset()) for row in one))
        for row in whole:
            tied[row] = whole
    return tied
