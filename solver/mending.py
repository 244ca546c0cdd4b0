"""
From a plan that ignores side constraints to one that keeps them, as near to it as is quickly found.

Where the search begins. The more urgent are seated first; who can't keep the wanted seat takes the
cheapest that is left.
"""

from collections.abc import Sequence

import numpy as np

from slotengine.solver.duals import UNSERVED
from slotengine.solver.encoding import Ints
from slotengine.solver.pairs import Pairs
from slotengine.solver.seating import Refusal, Seating
from slotengine.solver.side import Group, Run, Side
from slotengine.solver.tours import Tours

RUNS_TRIED = 200
"""Runs tried for one group, cheapest first, before it is left for the search."""


def mended(pairs: Pairs, side: Side, tours: Tours | None, wanted: Ints) -> Ints | None:
    """
    Gives a plan that keeps every side constraint, None when told bookings can't simply stay,
    or when no seat was found for somebody who was promised one.

    Parameters
    ----------
    pairs, side, tours
        The Problem.
    wanted
        (R,) the pair that each row would like, ``UNSERVED`` where none.

    Returns
    -------
    Ints
        (R,) pairs, ``UNSERVED`` where a row has no seat.
    """
    seating = Seating(pairs, side, tours)
    if not _seat_told(seating, side):
        return None
    # Before anybody else: where pairs alone would have them, else wherever they fit.
    promised = sorted(side.promised)
    _seat(seating, promised, wanted)
    if not all(_seated(seating, row, set()) for row in promised):
        return None
    rows = _in_order(pairs, side)
    urgency = pairs.level[rows]
    for level in np.unique(urgency):
        own = rows[urgency == level].tolist()
        _seat(seating, own, wanted)
        # Before the less urgent take what they want.
        _seat(seating, own, None)
    completed(seating)
    return seating.arc_of_row


def completed(seating: Seating) -> None:
    """Seats whoever still fits, cheapest first, in place, until nobody does."""
    rows = _in_order(seating.pairs, seating.side).tolist()
    added = True
    while added:
        added = _seat(seating, rows, None)


def _seat(seating: Seating, rows: Sequence[int], wanted: Ints | None) -> bool:
    """Seats rows where they want, or where it is cheapest; tells whether anybody was seated."""
    added = False
    for row in rows:
        if seating.served(row):
            continue
        group = seating.group(row)
        if group is not None:
            _seat_group(seating, group, wanted)
        elif wanted is not None:
            _seat_where_wanted(seating, row, int(wanted[row]))
        else:
            _seat_cheapest(seating, row)
        added = added or seating.served(row)
    return added


def _seat_told(seating: Seating, side: Side) -> bool:
    depth = {follow.row: 1 for follow in side.follows}
    for row, slot in sorted(side.told.items(), key=lambda told: depth.get(told[0], 0)):
        if seating.refusal(row, slot) is not None:
            return False
        seating.add(row, slot)
    return True


def _seated(seating: Seating, row: int, asked: set[int]) -> bool:
    """
    Seats one who was promised a seat, who are promised one too moving on where that helps.

    An augmenting path, as between pairs alone; a rule over several bookings may hide one from it,
    and then the search decides.
    """
    if seating.served(row) or seating.coupled(row):
        return seating.served(row)
    for _, slot in seating.options(row, full=True):
        refused = seating.refusal(row, slot)
        if refused is None:
            seating.add(row, slot)
            return True
        if refused is not Refusal.SEAT or slot in asked:
            continue
        asked.add(slot)
        for other in sorted(seating.side.promised):
            if int(seating.slot_of_row[other]) != slot or seating.coupled(other):
                continue
            seating.remove(other)
            if seating.refusal(row, slot) is None:
                seating.add(row, slot)
                if _seated(seating, other, asked):
                    return True
                seating.remove(row)
            seating.add(other, slot)
    return False


def _in_order(pairs: Pairs, side: Side) -> Ints:
    """Orders rows: the urgent first, and who is followed before who follows."""
    depth = np.zeros(pairs.rows, dtype=np.int64)
    urgency = pairs.level.copy()
    pending = list(side.follows)
    # A chain has at most as many links as there are follows.
    for _ in pending:
        for follow in side.follows:
            depth[follow.row] = depth[follow.before] + 1
            urgency[follow.before] = min(urgency[follow.before], urgency[follow.row])
    options = np.diff(pairs.start)
    order: Ints = np.lexsort((options, depth, urgency))
    return order


def _seat_where_wanted(seating: Seating, row: int, arc: int) -> None:
    if arc == UNSERVED:
        return
    slot = int(seating.pairs.slot[arc])
    if seating.refusal(row, slot) is None:
        seating.add(row, slot)


def _seat_cheapest(seating: Seating, row: int) -> None:
    for _, slot in seating.options(row):
        if seating.refusal(row, slot) is None:
            seating.add(row, slot)
            return


def _seat_group(seating: Seating, group: Group, wanted: Ints | None) -> None:
    runs: Sequence[Run] = group.runs
    if wanted is not None:
        # Only runs with a seat that somebody of the group would get anyway.
        liked = {int(seating.pairs.slot[wanted[row]]) for row in group.rows if wanted[row] >= 0}
        runs = [run for run in runs if liked & {slot for slot, count in run if count}]
    ranked = sorted((_cost(seating, group, run), at) for at, run in enumerate(runs))
    for _, at in ranked[:RUNS_TRIED]:
        if seating.seat_group(group, runs[at]):
            return


def _cost(seating: Seating, group: Group, run: Run) -> int:
    """Gives what the group's first member would pay there: a guess that orders runs."""
    costs = (seating.pairs.arc(group.rows[0], slot) for slot, count in run if count)
    return min((int(seating.pairs.cost[arc]) for arc in costs if arc is not None), default=0)
