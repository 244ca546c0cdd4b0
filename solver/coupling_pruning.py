"""Pairs that no plan under side constraints can use, found without solving anything."""

import numpy as np

from slotengine.solver.encoding import Ints
from slotengine.solver.pairs import Pairs
from slotengine.solver.side import Follow, Side


def usable(pairs: Pairs, side: Side) -> Ints:
    """
    Gives the pairs that some plan may use, ascending.

    Members of a group sit on a run or nowhere; a later step needs a seat of the step before it that
    is early enough and late enough. Pairs that alone pass a cap were refused before.
    """
    keep = np.ones(len(pairs.slot), dtype=np.bool_)
    for group in side.groups:
        on_run = np.zeros(len(pairs.room), dtype=np.bool_)
        on_run[[slot for run in group.runs for slot, count in run if count]] = True
        for row in group.rows:
            own = slice(pairs.start[row], pairs.start[row + 1])
            keep[own] &= on_run[pairs.slot[own]]
    # The first of a chain comes first: what it can't use, the next can't build on.
    for follow in _from_the_first(side):
        before = np.flatnonzero(keep[pairs.start[follow.before] : pairs.start[follow.before + 1]])
        ends = np.sort(pairs.ends_us[pairs.slot[before + pairs.start[follow.before]]])
        own = slice(pairs.start[follow.row], pairs.start[follow.row + 1])
        starts = pairs.starts_us[pairs.slot[own]]
        first = np.searchsorted(ends, starts - follow.at_most_us, side="left")
        last = np.searchsorted(ends, starts - follow.at_least_us, side="right")
        keep[own] &= first < last
    return np.flatnonzero(keep)


def _from_the_first(side: Side) -> list[Follow]:
    after = {follow.before: follow for follow in side.follows}
    later = {follow.row for follow in side.follows}
    ordered = []
    for follow in side.follows:
        at = follow if follow.before not in later else None
        while at is not None:
            ordered.append(at)
            at = after.get(at.row)
    return ordered
