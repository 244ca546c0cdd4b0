"""
A level's linear relaxation over many pairs: few are kept, the others priced, until none pays.

What it gives is the optimum over all of them, and a reduced cost for each.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from slotengine.solver.coupling_highs import Level, Relaxed, relax
from slotengine.solver.coupling_model import Cut, Model, model_of
from slotengine.solver.coupling_pricing import reduced_costs, woven
from slotengine.solver.coupling_tours import Wars
from slotengine.solver.encoding import Flags, Ints, Reals
from slotengine.solver.pairs import Pairs
from slotengine.solver.side import Side

DIRECTLY = 200_000
"""
Pairs up to which all are kept from the start: every round of pricing solves anew. Measured at
118,000 pairs: 2.6 s at once, 16.6 s in rounds at level 2; 10.1 s and 4.6 s at level 1d.
"""

NEW_PER_ROW = 20
"""Most pairs a row that one round of pricing adds."""

CUT_ROUNDS = 4
"""Rounds of cuts a level: a relaxation is a bound with any of them, and later rounds bring less."""

PAYS = -1e-7
"""Reduced costs above it are rounding of HiGHS, whose dual tolerance it is."""


class Loose(NamedTuple):
    """The value of a relaxation and the reduced cost of each pair asked about, (K,)."""

    value: float
    reduced: Reals


class Relaxing:
    """Relaxes level after level of one Problem; cuts and useful pairs stay from one to the next."""

    def __init__(self, pairs: Pairs, side: Side, wars: Wars | None, liking: Ints) -> None:
        self._pairs, self._side, self._wars = pairs, side, wars
        self.cuts: list[Cut] = []
        self._woven = woven(pairs, side)
        self._useful = np.zeros(len(pairs.slot), dtype=np.bool_)
        self._useful[liking] = True

    def like(self, arcs: Ints) -> None:
        """Keeps pairs in every relaxation from now on: those of a known plan make it possible."""
        self._useful[arcs] = True

    def model(self, keep: Ints, *, tight: bool = False) -> Model:
        """Gives the model over some pairs with all cuts so far."""
        return model_of(self._pairs, self._side, keep, self.cuts, tight=tight)

    def settled(self, model: Model, most: Sequence[tuple[int, int]]) -> list[Level]:
        """Gives the levels settled before as rows of a model."""
        return [Level(model.cost(at), value) for at, value in most]

    def relaxed(
        self,
        level: int,
        most: Sequence[tuple[int, int]],
        alive: Ints,
        out_of_time: Callable[[], bool],
    ) -> Loose | None:
        """
        Gives the relaxation of a level over the pairs ``alive``, None when time is out.

        Parameters
        ----------
        level
            Index into ``LEVELS``, not the tie-break.
        most
            The levels settled before and what they may come to.
        alive
            (K,) ascending indices of pairs.
        out_of_time
            Asked before each round.
        """
        directly = len(alive) <= DIRECTLY
        kept = np.ones(len(alive), dtype=np.bool_)
        if not directly:
            kept = self._woven[alive] | self._useful[alive]
        cut_rounds = CUT_ROUNDS
        while not out_of_time():
            keep = alive[kept]
            model = self.model(keep, tight=True)
            loose = relax(model, model.cost(level), self.settled(model, most))
            if loose is None:
                return None
            if cut_rounds > 0 and self._cut(keep, loose):
                cut_rounds -= 1
                continue
            reduced = np.empty(len(alive))
            reduced[kept] = loose.reduced[: len(keep)]
            if not directly:
                left_out = np.flatnonzero(~kept)
                settled = [at for at, _ in most]
                priced = reduced_costs(model, loose, level, settled, alive[left_out])
                reduced[left_out] = priced
                if self._added(alive, left_out[priced < PAYS], reduced, kept):
                    continue
            self._useful[keep[loose.solution[: len(keep)] > 0]] = True
            return Loose(loose.value, reduced)
        return None

    def _cut(self, keep: Ints, loose: Relaxed) -> bool:
        if self._wars is None:
            return False
        cuts = self._wars.cuts(keep, loose.solution[: len(keep)])
        self.cuts += cuts
        return bool(cuts)

    def _added(self, alive: Ints, paying: Ints, reduced: Reals, kept: Flags) -> bool:
        """Keeps the best pairs of each row among those that pay; tells whether there were any."""
        if len(paying) == 0:
            return False
        row = self._pairs.row_of(alive[paying])
        order = np.lexsort((reduced[paying], row))
        first = np.searchsorted(row[order], row[order], side="left")
        best = paying[order[np.arange(len(order)) - first < NEW_PER_ROW]]
        kept[best] = True
        self._useful[alive[best]] = True
        return True
