"""
Ways between home visits as cuts: written only when a plan, whole or fractional, ignores one.

A cut is a set of bookings of one practitioner of which any two are at war, so that at most one of
them can be kept. Bookings of one row, and of one slot with a single seat, are at war too: the
larger the set, the more a relaxation learns from it.
"""

from collections import defaultdict
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from slotengine.codes import Mode
from slotengine.solver.costs import MODE_ORDER
from slotengine.solver.coupling_model import Cut
from slotengine.solver.encoding import Flags, Ints, Reals
from slotengine.solver.pairs import Pairs
from slotengine.solver.tours import Tours

SOME = 1e-6
"""Shares of a pair below it are rounding."""

HOME = MODE_ORDER.index(Mode.HH)


class _Agenda(NamedTuple):
    """The pairs of one practitioner who visits homes, (K,), and which two are at war, (K, K)."""

    arcs: Ints
    war: Flags
    real: Flags


class Wars:
    """Finds bookings of one practitioner that are not at peace, and the cuts that part them."""

    def __init__(self, pairs: Pairs, tours: Tours, rows: Ints | None = None) -> None:
        self._pairs, self._tours = pairs, tours
        # Row k of a neighbourhood is row rows[k] of the Problem that the tours know.
        self._rows = np.arange(pairs.rows, dtype=np.int64) if rows is None else rows
        visited = np.zeros(len(pairs.offered), dtype=np.bool_)
        visited[pairs.giver[pairs.slot[pairs.mode == HOME]]] = True
        self._arcs = np.flatnonzero(visited[pairs.giver[pairs.slot]])
        self._giver = pairs.giver[pairs.slot[self._arcs]]
        self._agendas: dict[int, _Agenda] = {}

    def found(self, arcs: Ints) -> Iterator[tuple[int, int]]:
        """Gives each two of some pairs, one a booking, whose ways are impossible."""
        for giver, own in self._by_giver(arcs).items():
            agenda = self._agenda(giver)
            at = np.searchsorted(agenda.arcs, own)
            one, other = np.nonzero(np.triu(agenda.real[np.ix_(at, at)], 1))
            yield from zip(own[one].tolist(), own[other].tolist(), strict=True)

    def cuts(self, arcs: Ints, shares: Reals) -> list[Cut]:
        """
        Gives cuts that a solution breaks.

        Parameters
        ----------
        arcs
            (K,) ascending indices of pairs.
        shares
            (K,) how much of each a solution takes, 1 for a booking.
        """
        some = shares > SOME
        used, share = arcs[some], shares[some]
        made: dict[tuple[int, ...], Cut] = {}
        for giver, own in self._by_giver(used).items():
            agenda = self._agenda(giver)
            at = np.searchsorted(agenda.arcs, own)
            weight = np.zeros(len(agenda.arcs))
            weight[at] = share[np.searchsorted(used, own)]
            for first in at.tolist():
                clique = _clique(agenda, first, weight)
                if weight[clique].sum() > 1 + SOME:
                    members = tuple(agenda.arcs[_maximal(agenda.war, clique)].tolist())
                    made[members] = Cut(members, (1,) * len(members), 1)
        return list(made.values())

    def _by_giver(self, arcs: Ints) -> dict[int, Ints]:
        at = np.searchsorted(self._arcs, arcs)
        inside = at < len(self._arcs)
        inside[inside] = self._arcs[at[inside]] == arcs[inside]
        grouped: dict[int, list[int]] = defaultdict(list)
        for arc in arcs[inside].tolist():
            grouped[int(self._pairs.giver[self._pairs.slot[arc]])].append(arc)
        return {giver: np.array(own, dtype=np.int64) for giver, own in grouped.items()}

    def _agenda(self, giver: int) -> _Agenda:
        known = self._agendas.get(giver)
        if known is None:
            arcs = self._arcs[self._giver == giver]
            row, slot = self._pairs.row_of(arcs), self._pairs.slot[arcs]
            real = ~self._tours.peace(self._rows[row], slot, self._pairs.mode[arcs])
            alone = self._pairs.room[slot] == 1
            war = real | (row[:, None] == row) | ((slot[:, None] == slot) & alone)
            np.fill_diagonal(war, val=False)
            np.fill_diagonal(real, val=False)
            real &= row[:, None] != row
            known = self._agendas[giver] = _Agenda(arcs, war, real)
        return known


def _clique(agenda: _Agenda, first: int, weight: Reals) -> list[int]:
    """Gathers what is at war with all gathered so far, the largest shares first."""
    clique = [first]
    open_ = agenda.war[first] & (weight > 0)
    while open_.any():
        best = int(np.where(open_, weight, 0.0).argmax())
        clique.append(best)
        open_ &= agenda.war[best]
    return clique


def _maximal(war: Flags, clique: list[int]) -> list[int]:
    """Adds pairs that the solution does not use, as long as all are at war with each other."""
    members = list(clique)
    open_ = war[clique].all(axis=0)
    while open_.any():
        # Who is at war with most of the others leaves most of them open.
        best = int(np.where(open_, war[:, open_].sum(axis=1), -1).argmax())
        members.append(best)
        open_ &= war[best]
    return sorted(members)
