"""
Ways between home visits as cuts: written only when a plan, whole or fractional, ignores one.

All pairs of bookings of one practitioner that can't both be kept would be more rows than pairs;
few of them ever matter.
"""

from collections import defaultdict
from collections.abc import Iterator
from itertools import combinations

import numpy as np

from slotengine.codes import Mode
from slotengine.solver.costs import MODE_ORDER
from slotengine.solver.coupling_model import Cut
from slotengine.solver.encoding import Ints, Reals
from slotengine.solver.pairs import Pairs
from slotengine.solver.tours import Stop, Tours

SOME = 1e-6
"""Shares of a pair below it are rounding."""

HOME = MODE_ORDER.index(Mode.HH)


class Wars:
    """Finds bookings of one practitioner that are not at peace, and the cuts that part them."""

    def __init__(self, pairs: Pairs, tours: Tours) -> None:
        self._pairs, self._tours = pairs, tours
        visited = np.zeros(len(pairs.offered), dtype=np.bool_)
        visited[pairs.giver[pairs.slot[pairs.mode == HOME]]] = True
        self._arcs = np.flatnonzero(visited[pairs.giver[pairs.slot]])
        self._row = pairs.row_of(self._arcs)
        self._of_slot: dict[int, list[int]] = defaultdict(list)
        for position, slot in enumerate(pairs.slot[self._arcs].tolist()):
            self._of_slot[slot].append(position)
        self._stops: dict[int, Stop] = {}

    def found(self, arcs: Ints) -> Iterator[tuple[int, int]]:
        """Gives each two of some pairs, one a booking, that can't both be kept."""
        agenda: dict[int, list[int]] = defaultdict(list)
        for position in self._positions(arcs):
            agenda[int(self._pairs.giver[self._slot(position)])].append(position)
        for own in agenda.values():
            for one, other in combinations(own, 2):
                if not self._peace(one, other):
                    yield one, other

    def cuts(self, arcs: Ints, shares: Reals) -> list[Cut]:
        """
        Gives a cut for each two bookings that share more than one whole between them.

        Parameters
        ----------
        arcs
            (K,) indices of pairs.
        shares
            (K,) how much of each a solution takes, 1 for a booking.
        """
        some = shares > SOME
        share = dict(zip(arcs[some].tolist(), shares[some].tolist(), strict=True))
        made: dict[tuple[int, int], Cut] = {}
        for one, other in self.found(arcs[some]):
            for alone, many in ((one, other), (other, one)):
                cut = self._cut(alone, many)
                if sum(share.get(arc, 0.0) for arc in cut.arcs) > 1 + SOME:
                    made[alone, self._slot(many)] = cut
        return list(made.values())

    def _cut(self, alone: int, many: int) -> Cut:
        """One booking against all of another slot that it is at war with, if that seats one."""
        slot = self._slot(many)
        rivals = [many]
        if self._pairs.room[slot] == 1 and slot != self._slot(alone):
            row = self._row[alone]
            rivals = [
                position
                for position in self._of_slot[slot]
                if self._row[position] == row or not self._peace(alone, position)
            ]
        arcs = tuple(sorted(int(self._arcs[position]) for position in {alone, *rivals}))
        return Cut(arcs, (1,) * len(arcs), 1)

    def _positions(self, arcs: Ints) -> list[int]:
        at = np.searchsorted(self._arcs, arcs)
        inside = at < len(self._arcs)
        inside[inside] = self._arcs[at[inside]] == arcs[inside]
        found: list[int] = at[inside].tolist()
        return found

    def _slot(self, position: int) -> int:
        return int(self._pairs.slot[self._arcs[position]])

    def _peace(self, one: int, other: int) -> bool:
        if self._row[one] == self._row[other]:
            return True
        return self._tours.at_peace(self._stop(one), self._stop(other))

    def _stop(self, position: int) -> Stop:
        known = self._stops.get(position)
        if known is None:
            mode = MODE_ORDER[int(self._pairs.mode[self._arcs[position]])]
            known = self._tours.stop(int(self._row[position]), self._slot(position), mode)
            self._stops[position] = known
        return known
