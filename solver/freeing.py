"""
What each seat costs to free while promised seats may still move, and the moves that free it.

A free seat costs its price. A promised seat costs what its holder loses elsewhere, plus what that
seat costs to free: a shortest path over the holders (Bellman 1958; Ford, Fulkerson 1962), all of
them a round.
"""

from typing import NamedTuple

import numpy as np

from slotengine.errors import ProblemError
from slotengine.solver.encoding import NEVER, Flags, Indices, Ints

STAYS = -1
"""In place of the seat that a holder goes to: the seat is free, nobody has to go."""

STUCK = -2
"""In place of the seat that a holder goes to: there is none, or nobody may be asked to go."""

_FAR = 1 << 61
"""Label of a seat that can't be freed: sums with it stay inside 64 bits and never look cheap."""

_REACHED = 1 << 60
"""Labels below it lead to a free seat; costs and prices are far smaller."""


class Holders(NamedTuple):
    """
    P promised bookings that may move, and where to.

    Holder p may have seats ``seat[start[p]:start[p + 1]]`` for ``cost``, its own among them, which
    is ``sits[p]``. ``start`` (P + 1,), ``seat`` (A,) int32, ``cost`` (A,) int64, ``sits`` (P,)
    int32, no seat twice. A holder whose own seat is not among its arcs does not move: nobody knows
    what it would lose.
    """

    start: Ints
    seat: Indices
    cost: Ints
    sits: Indices


class Freed(NamedTuple):
    """
    What freeing each seat costs, (C,) int64 weighted minutes, ``NEVER`` where it can't be.

    ``holder_next`` (C,) int32: the seat its holder goes to, ``STAYS`` for a free seat, ``STUCK``
    for one that can't be freed.
    """

    cost: Ints
    holder_next: Indices


class _Moves(NamedTuple):
    """Arcs to other seats: ``first`` of each mover among them, ``seat``, ``loss``; own seats."""

    first: Ints
    seat: Indices
    loss: Ints
    own: Indices


def freed(holders: Holders, price: Ints, free: Flags) -> Freed:
    """
    Gives what each seat costs to free, and where its holder goes.

    Parameters
    ----------
    holders
        Who sits on a promised seat and may move.
    price
        (C,) what a free seat is worth to those who come later; elsewhere it is not looked at.
    free
        (C,) which seats are free.

    Returns
    -------
    Freed
        The cheapest chain of moves of each seat; of equally cheap ones the shortest, then by the
        lowest next seat. Less than zero where holders sit badly and a move gains. Where a rotation
        of holders would gain no chain is cheapest: moves that gain then count as free when the
        chain is chosen, and the cost is what the chosen chain comes to.
    """
    moves = _moves(holders)
    # The shortest of equally cheap chains: a move weighs 1 below one weighted minute, so that a
    # rotation which gains nothing is dear, and no chain of equals ever leads round.
    unit = len(moves.own) + 1
    start = np.full(len(free), _FAR, dtype=np.int64)
    start[free] = price[free] * unit
    label = start.copy()
    weight = moves.loss * unit + 1
    if not _settle(moves, weight, label):
        label = start.copy()
        weight = np.maximum(moves.loss, 0) * unit + 1
        _settle(moves, weight, label)
    goes = np.full(len(free), STUCK, dtype=np.int32)
    goes[free] = STAYS
    goes[moves.own] = _lowest(moves, weight, label)
    goes[label >= _REACHED] = STUCK
    cost = np.where(label < _REACHED, label // unit, NEVER)
    if np.any(moves.loss * unit + 1 != weight):
        cost = _along(moves, goes, price, cost)
    return Freed(cost, goes)


def path(found: Freed, holders: Holders, seat: int) -> list[tuple[int, int]]:
    """
    Lists the moves that free a seat, as (holder, seat it goes to), the free end first.

    Raises
    ------
    ProblemError
        When the seat can't be freed.
    """
    moves: list[tuple[int, int]] = []
    goes = int(found.holder_next[seat])
    while goes != STAYS:
        if goes == STUCK or len(moves) > len(holders.sits):
            raise ProblemError(f"seat {seat} can't be freed")
        moves.append((int(np.flatnonzero(holders.sits == seat)[0]), goes))
        seat, goes = goes, int(found.holder_next[goes])
    return moves[::-1]


def _moves(holders: Holders) -> _Moves:
    """Leaves out own seats, holders that can't be compared, and holders with nowhere to go."""
    many = np.diff(holders.start)
    row = np.repeat(np.arange(len(many)), many)
    at_home = holders.seat == holders.sits[row]
    own_cost = np.full(len(many), NEVER, dtype=np.int64)
    own_cost[row[at_home]] = holders.cost[at_home]
    elsewhere = np.flatnonzero(~at_home & (own_cost[row] != NEVER))
    row = row[elsewhere]
    first = np.flatnonzero(np.diff(row, prepend=-1))
    loss = holders.cost[elsewhere] - own_cost[row]
    return _Moves(first, holders.seat[elsewhere], loss, holders.sits[row[first]])


def _settle(moves: _Moves, weight: Ints, label: Ints) -> bool:
    """Lowers labels in place until none falls; False when a rotation gains without end."""
    if len(moves.own) == 0:
        return True
    # A chain moves each holder at most once.
    for _ in range(len(moves.own) + 1):
        best = np.minimum.reduceat(weight + label[moves.seat], moves.first)
        before = label[moves.own]
        falls = (best < before) & (best < _REACHED)
        if not falls.any():
            return True
        label[moves.own[falls]] = best[falls]
    return False


def _lowest(moves: _Moves, weight: Ints, label: Ints) -> Indices:
    """Gives for each mover the lowest seat that its label comes from."""
    if len(moves.own) == 0:
        return moves.own
    many = np.diff(moves.first, append=len(moves.seat))
    reached = weight + label[moves.seat] == np.repeat(label[moves.own], many)
    lowest: Indices = np.minimum.reduceat(
        np.where(reached, moves.seat, np.iinfo(np.int32).max), moves.first
    )
    return lowest


def _along(moves: _Moves, goes: Indices, price: Ints, cost: Ints) -> Ints:
    """Adds up what each chosen chain really comes to, moves that gain included."""
    many = np.diff(moves.first, append=len(moves.seat))
    mover = np.repeat(moves.own, many)
    taken = np.flatnonzero(goes[mover] == moves.seat)
    loss = dict(zip(mover[taken].tolist(), moves.loss[taken].tolist(), strict=True))
    true = cost.copy()
    for seat in loss:
        at, total = seat, 0
        while at in loss:
            total += loss[at]
            at = int(goes[at])
        true[seat] = total + int(price[at])
    return true
