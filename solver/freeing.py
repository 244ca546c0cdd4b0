"""
What each seat costs to free while promised seats may still move, and the moves that free it.

A free seat costs its price. A promised seat costs what its holder loses elsewhere, plus what that
seat costs to free: a shortest path over the holders (Bellman 1958; Ford, Fulkerson 1962), all of
them a round.
"""

from typing import NamedTuple

import numpy as np

from slotengine.errors import ProblemError, SolverError
from slotengine.solver.encoding import NEVER, Flags, Indices, Ints

STAYS = -1
"""In place of the seat that a holder goes to: the seat is free, nobody has to go."""

STUCK = -2
"""In place of the seat that a holder goes to: there is none, or nobody may be asked to go."""

_FAR = 1 << 61
"""Where there is no way: sums of two stay inside 64 bits and never look cheap."""

_REACHED = 1 << 60
"""Labels below it lead to a free seat; costs and prices are far smaller."""

_ROUNDS = 8
"""Rounds after which a rotation that gains is first looked for; then after twice as many."""


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
    # The shortest of equally cheap chains: a move weighs 1 below one weighted minute, so that a
    # rotation which gains nothing is dear, and no chain of equals ever leads round.
    unit = len(holders.sits) + 1
    label = np.full(len(free), _FAR, dtype=np.int64)
    label[free] = price[free] * unit
    if len(holders.sits) == 0:
        return _said(label, unit, np.full(len(free), STUCK, dtype=np.int32), free)
    moves = _moves(holders, len(free), unit)
    weight = moves
    found = _settled(weight, label, holders.sits)
    if found is None:
        weight = np.maximum(moves, 1)
        found = _settled(weight, label, holders.sits)
    if found is None:  # pragma: no cover - without gains no rotation gains
        raise SolverError("chains of promised seats have no cheapest")
    goes = np.full(len(free), STUCK, dtype=np.int32)
    goes[holders.sits] = np.argmin(weight + found, axis=1)
    if weight is not moves:
        found = _along(moves, goes, holders.sits, found)
    return _said(found, unit, goes, free)


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


def _said(label: Ints, unit: int, goes: Indices, free: Flags) -> Freed:
    goes[label >= _REACHED] = STUCK
    goes[free] = STAYS
    return Freed(np.where(label < _REACHED, label // unit, NEVER), goes)


def _moves(holders: Holders, seats: int, unit: int) -> Ints:
    """
    Gives (P, C) what each move loses, times ``unit`` plus 1, ``_FAR`` where there is none.

    A table, for the rounds run over all holders: 150 of them and 250 seats are 300 kB.
    """
    people = np.arange(len(holders.sits))
    moves = np.full((len(people), seats), _FAR, dtype=np.int64)
    moves[np.repeat(people, np.diff(holders.start)), holders.seat] = holders.cost * unit + 1
    own = moves[people, holders.sits]
    moves -= (own - 1)[:, None]
    moves[own == _FAR] = _FAR
    moves[people, holders.sits] = _FAR
    return moves


def _settled(weight: Ints, label: Ints, sits: Indices) -> Ints | None:
    """Gives the cheapest labels, those of free seats as they are; None where a rotation gains."""
    label = label.copy()
    free = np.flatnonzero(label < _REACHED)
    if len(free) == 0:
        return label
    own = (weight[:, free] + label[free]).min(axis=1)
    among = np.ascontiguousarray(weight[:, sits].T)
    fell = np.flatnonzero(own < _REACHED)
    rounds, look = 0, _ROUNDS
    while len(fell):
        # A chain moves each holder at most once; a rotation shows long before that.
        rounds += 1
        if rounds == look:
            look *= 2
            label[sits] = own
            if _goes_round(weight, label, sits):
                return None
        best = (among.take(fell, axis=0) + own[fell, None]).min(axis=0)
        fell = np.flatnonzero((best < own) & (best < _REACHED))
        own[fell] = best[fell]
    label[sits] = own
    return label


def _goes_round(weight: Ints, label: Ints, sits: Indices) -> bool:
    """
    Tells whether going on to the cheapest next seat leads somebody round.

    Each such move keeps or lowers a label, so all moves of a round lose less than nothing.
    """
    some = np.flatnonzero(label[sits] < _REACHED)
    jump = np.arange(len(label))
    jump[sits[some]] = np.argmin(weight[some] + label, axis=1)
    # Each pass doubles how far a jump leads: in the end farther than there are holders.
    for _ in range(len(some).bit_length()):
        jump = jump[jump]
    held = np.zeros(len(label), dtype=np.bool_)
    held[sits[some]] = True
    return bool(held[jump[sits[some]]].any())


def _along(moves: Ints, goes: Indices, sits: Indices, label: Ints) -> Ints:
    """Gives what each chosen chain really comes to, moves that gain included."""
    loss = dict(zip(sits.tolist(), moves[np.arange(len(sits)), goes[sits]].tolist(), strict=True))
    true = label.copy()
    for seat in loss:
        if label[seat] >= _REACHED:
            continue
        at, total = seat, 0
        while at in loss:
            total += loss[at]
            at = int(goes[at])
        true[seat] = total + int(label[at])
    return true
