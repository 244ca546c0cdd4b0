"""
Dual values of an assignment: integers that prove it cheapest, or the finding that it is not.

With one extra node at potential zero, which carries "row stays unserved" and "seat stays unused",
the proof of a matching is a set of difference constraints between seats, and its largest solution
is a shortest-path distance from that node. It belongs to the optimum, not to the matching it is
read from: every optimal matching gives the same integers, so a plan's digest never depends on the
engine, and seats that are alike get equal duals.
"""

from typing import NamedTuple

import numpy as np

from slotengine.solver.encoding import Flags, Indices, Ints

REQUIRED = int(np.iinfo(np.int64).max)
"""In place of a cost: the row must be served, or the seat must be used."""

UNSERVED = -1
"""In place of a seat: the row was left alone."""

_UNREACHED = int(np.iinfo(np.int64).max)


class Network(NamedTuple):
    """
    One assignment problem: arcs sorted by row, and the price of leaving rows and seats alone.

    ``start`` (rows + 1,) int64; ``col`` (A,) int32; ``cost`` (A,) int64; ``unserved`` (rows,) and
    ``unused`` (cols,) int64 or ``REQUIRED``.
    """

    start: Ints
    col: Indices
    cost: Ints
    unserved: Ints
    unused: Ints

    @property
    def row(self) -> Indices:
        """The row of each arc, (A,) int32."""
        rows = np.arange(len(self.unserved), dtype=np.int32)
        return np.repeat(rows, np.diff(self.start))


class Duals(NamedTuple):
    """One integer a row and a seat; their sum is a lower bound of every assignment's cost."""

    row: Ints
    col: Ints


def matched_arcs(network: Network, col_of_row: Indices) -> Ints:
    """Gives for each row the index of the arc it uses, or ``UNSERVED``."""
    used = np.full(len(network.unserved), UNSERVED, dtype=np.int64)
    row = network.row
    hit = np.flatnonzero(network.col == col_of_row[row])
    used[row[hit]] = hit
    return used


def objective(network: Network, col_of_row: Indices) -> int:
    """Gives the exact cost of an assignment, rows and seats left alone included."""
    served = col_of_row != UNSERVED
    idle = np.ones(len(network.unused), dtype=np.bool_)
    idle[col_of_row[served]] = False
    arcs = matched_arcs(network, col_of_row)[served]
    return int(network.cost[arcs].sum() + network.unserved[~served].sum()) + int(
        network.unused[idle].sum()
    )


def duals(network: Network, col_of_row: Indices) -> Duals | None:
    """
    Gives the largest seat duals that prove an assignment cheapest, None when it is not.

    Parameters
    ----------
    network
        The problem.
    col_of_row
        (rows,) int32, a feasible assignment of it, ``UNSERVED`` where a row is left alone.

    Returns
    -------
    Duals or None
        ``cost - row - col >= 0`` on all arcs, ``unserved - row >= 0`` and ``unused - col >= 0``
        where leaving alone is allowed, and equality on all that the assignment uses. None when
        some exchange would make the assignment cheaper.

    Notes
    -----
    Label-correcting shortest paths over whole frontiers (Bellman 1958; Ford, Fulkerson 1962): after
    the first round only the arcs of rows whose seat became dearer are looked at again.
    """
    labels = _Labels(network, col_of_row)
    reached = labels.spread_from_the_extra_node()
    if reached is None:
        return None
    far = np.flatnonzero(reached == _UNREACHED)
    if len(far) and not labels.spread_among(reached, far):
        return None
    row = labels.row_duals(reached)
    found = Duals(row, reached)
    return found if _holds(network, found) else None


def smallest_duals(network: Network, col_of_row: Indices) -> Duals | None:
    """
    Gives the smallest seat duals that prove an assignment cheapest, None when it is not.

    Seen from a seat that may stay unused, in costs (less is better): the smallest dual is the
    optimum less the optimum without the seat, so minus the loss when it is taken away; the largest
    (``duals``) is the optimum with one more copy of the seat less the optimum, so minus the gain of
    the copy. The gain never exceeds the loss. Of a seat that an optimum leaves unused both are what
    it costs unused: with 0 it is worth nothing.

    Parameters
    ----------
    network
        The problem.
    col_of_row
        (rows,) int32, a cheapest assignment of it, ``UNSERVED`` where a row is left alone.

    Returns
    -------
    Duals or None
        As ``duals``, with the smallest integers for seats and the largest for rows.

    Notes
    -----
    The second of two shortest-path passes: rows and seats change places, and what is largest for
    one side is smallest for the other.
    """
    order = np.argsort(network.col, kind="stable")
    start = np.zeros(len(network.unused) + 1, dtype=np.int64)
    np.cumsum(np.bincount(network.col, minlength=len(network.unused)), out=start[1:])
    turned = Network(
        start, network.row[order], network.cost[order], network.unused, network.unserved
    )
    row_of_col = np.full(len(network.unused), UNSERVED, dtype=np.int32)
    served = np.flatnonzero(col_of_row != UNSERVED)
    row_of_col[col_of_row[served]] = served
    found = duals(turned, row_of_col)
    return None if found is None else Duals(found.col, found.row)


def _holds(network: Network, found: Duals) -> bool:
    if np.any(found.row > network.unserved) or np.any(found.col > network.unused):
        return False
    return bool(np.all(network.cost - found.row[network.row] - found.col[network.col] >= 0))


class _Labels:
    """Shortest-path labels of seats over the exchanges that a matching allows."""

    def __init__(self, network: Network, col_of_row: Indices) -> None:
        rows, cols = len(network.unserved), len(network.unused)
        self.network = network
        self.col_of_row = col_of_row
        self.served = col_of_row != UNSERVED
        self.row_of_col = np.full(cols, UNSERVED, dtype=np.int32)
        self.row_of_col[col_of_row[self.served]] = np.flatnonzero(self.served)
        self.idle = self.row_of_col == UNSERVED
        self.own_cost = np.zeros(rows, dtype=np.int64)
        arcs = matched_arcs(network, col_of_row)
        self.own_cost[self.served] = network.cost[arcs[self.served]]

    def row_duals(self, label: Ints) -> Ints:
        """A served row's dual follows from its seat's; an unserved one's is its own cost."""
        row = self.network.unserved.copy()
        row[self.served] = self.own_cost[self.served] - label[self.col_of_row[self.served]]
        return row

    def spread_from_the_extra_node(self) -> Ints | None:
        """Labels what the extra node reaches; None as soon as a path back to it gains."""
        unused = self.network.unused
        label = np.where(unused == REQUIRED, _UNREACHED, unused)
        seen = label != _UNREACHED
        first = ~self.served
        first[self.row_of_col[seen & ~self.idle]] = True
        frontier = np.flatnonzero(first)
        # A path visits a seat once, so after as many rounds as seats only a gaining cycle is left.
        for _ in range(len(unused) + 2):
            if len(frontier) == 0:
                return label
            changed = self._relax(label, self._dual_of(label, frontier), frontier)
            if np.any(self.idle[changed]):
                return None
            frontier = np.sort(self.row_of_col[changed])
            if np.any(self._dual_of(label, frontier) > self.network.unserved[frontier]):
                return None
        return None

    def spread_among(self, label: Ints, far: Ints) -> bool:
        """
        Labels the seats that the extra node does not reach, in place; False on a gaining cycle.

        They stand on rows and seats that must be used. No constraint leads to them from outside,
        so they are labelled among themselves and then raised together until those that lead out
        hold.
        """
        inside = np.zeros(len(label), dtype=np.bool_)
        inside[far] = True
        near = label.copy()
        label[far] = 0
        rows = np.sort(self.row_of_col[far])
        frontier = rows
        for _ in range(len(far) + 2):
            if len(frontier) == 0:
                break
            changed = self._relax(label, self._dual_of(label, frontier), frontier, inside)
            frontier = np.sort(self.row_of_col[changed])
        else:
            return False
        arcs, owner = self._arcs_of(rows)
        target = self.network.col[arcs]
        out = ~inside[target]
        dual = self._dual_of(label, rows)
        slack = self.network.cost[arcs[out]] - dual[owner[out]] - near[target[out]]
        leave = self.network.unserved[rows]
        free = leave != REQUIRED
        slack = np.concatenate([slack, leave[free] - dual[free]])
        label[far] += max(0, -int(slack.min())) if len(slack) else 0
        return True

    def _dual_of(self, label: Ints, rows: Indices | Ints) -> Ints:
        dual = self.network.unserved[rows]
        served = self.served[rows]
        sat = rows[served]
        dual[served] = self.own_cost[sat] - label[self.col_of_row[sat]]
        return dual

    def _arcs_of(self, rows: Indices | Ints) -> tuple[Ints, Ints]:
        """The arcs of some rows, and for each the position of its row among them."""
        start = self.network.start[rows]
        count = self.network.start[rows.astype(np.int64) + 1] - start
        owner = np.repeat(np.arange(len(rows)), count)
        offset = np.arange(len(owner)) - np.repeat(np.cumsum(count) - count, count)
        return start[owner] + offset, owner

    def _relax(
        self, label: Ints, dual: Ints, frontier: Indices | Ints, inside: Flags | None = None
    ) -> Indices:
        """Lowers the labels of the frontier's seats in place and gives the seats that fell."""
        if len(frontier) == len(self.served):
            arcs, owner = np.arange(len(self.network.col)), self.network.row.astype(np.int64)
        else:
            arcs, owner = self._arcs_of(frontier)
        col = self.network.col[arcs]
        offer = self.network.cost[arcs] - dual[owner]
        lower = offer < label[col]
        if inside is not None:
            lower &= inside[col]
        col, offer = col[lower], offer[lower]
        np.minimum.at(label, col, offer)
        marked = np.zeros(len(label), dtype=np.bool_)
        marked[col] = True
        return np.flatnonzero(marked).astype(np.int32)
