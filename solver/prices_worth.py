"""
What each seat is worth in one future: the loss if it is taken.

The dual of a seat is not unique. The loss if it is taken is the largest of them seen as worth; the
gain of one more copy is the smallest; what an engine happens to return is any between.
"""

from typing import NamedTuple

import numpy as np

from slotengine.errors import SolverError
from slotengine.solver.duals import UNSERVED, Network, smallest_duals
from slotengine.solver.encoding import Flags, Ints
from slotengine.solver.flow import proposed, proved
from slotengine.solver.futures import Future

KEPT_WORTH = 8
"""
How many of the dearest values or pairs it is worth to seat one who must keep a seat.

Not required outright: a seat that one of them can't do without would have no finite loss, and in
some future there may be none for all. Seating one of them leaves at most one other alone, at one
value and some exchanges; eight of the dearest is above that, and keeps a price far above every
value even where one future in eight gives it. Our choice.
"""


class Worth(NamedTuple):
    """Seats (C,) int64 in weighted minutes, never negative; who is served, (R,) flags."""

    of_seat: Ints
    served: Flags


def market(future: Future, kept: Flags) -> Network:
    """
    Gives the assignment of one future, in which leaving a row or a seat alone costs nothing.

    Parameters
    ----------
    future
        Its first rows are the Problem's referrals.
    kept
        (R,) which of these keep a seat in any case.

    Returns
    -------
    Network
        Cost less value of each pair; pairs that cost more than they are worth are left out, but
        for rows that keep a seat.
    """
    value = future.value.astype(np.int64)
    keeps = np.zeros(len(value), dtype=np.bool_)
    keeps[: len(kept)] = kept
    row = np.repeat(np.arange(len(value)), np.diff(future.start))
    dearest = max(int(value.max(initial=1)), int(future.cost[keeps[row]].max(initial=1)))
    value[keeps] += KEPT_WORTH * dearest
    lost = future.cost - value[row]
    take = np.flatnonzero(lost <= 0)
    start = np.zeros(len(value) + 1, dtype=np.int64)
    np.cumsum(np.bincount(row[take], minlength=len(value)), out=start[1:])
    return Network(
        start,
        future.col[take],
        lost[take],
        np.zeros(len(value), dtype=np.int64),
        np.zeros(future.seats, dtype=np.int64),
    )


def worth(network: Network) -> Worth:
    """
    Solves one market and gives what each of its seats is worth.

    Parameters
    ----------
    network
        As ``market`` gives it.

    Raises
    ------
    SolverError
        When no engine gives an assignment that can be proved.
    """
    if len(network.col) == 0:
        nobody = np.zeros(len(network.unserved), dtype=np.bool_)
        return Worth(np.zeros(len(network.unused), dtype=np.int64), nobody)
    col_of_row = proposed(network)
    found = None if col_of_row is None else smallest_duals(network, col_of_row)
    if col_of_row is None or found is None:
        col_of_row = proved(network).col_of_row
        found = smallest_duals(network, col_of_row)
        if found is None:  # pragma: no cover - both passes prove the same optimum
            raise SolverError("a proved market has no smallest duals")
    return Worth(-found.col, col_of_row != UNSERVED)
