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


class _Moves(NamedTuple):
    """
    Moves that holders may make, (M,) each, by holder, own seats left out.

    ``first`` tells where each holder's moves begin, of those who have any.
    """

    holder: Ints
    seat: Indices
    loss: Ints
    first: Ints


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
    # A power of two: numpy divides by it fast.
    unit = 1 << len(holders.sits).bit_length()
    label = np.full(len(free), _FAR, dtype=np.int64)
    label[free] = price[free] * unit
    goes = np.full(len(free), STUCK, dtype=np.int32)
    moves = _moves(holders, unit)
    if len(moves.holder) == 0:
        return _said(label, unit, goes, free)
    ways = moves
    found = _settled(ways, label, holders.sits)
    if found is None:
        ways = moves._replace(loss=np.maximum(moves.loss, 1))
        found = _settled(ways, label, holders.sits)
    if found is None:  # pragma: no cover - without gains no rotation gains
        raise SolverError("chains of promised seats have no cheapest")
    chosen = _chosen(ways, found)
    goes[holders.sits[moves.holder[chosen]]] = moves.seat[chosen]
    if ways is not moves:
        found = _along(moves, chosen, holders.sits, found)
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
    cost = label >> (unit.bit_length() - 1)
    cost[label >= _REACHED] = NEVER
    return Freed(cost, goes)


def _moves(holders: Holders, unit: int) -> _Moves:
    """
    Gives what each move loses, times ``unit`` plus 1, of the holders who may move at all.

    Pairs and no table of holders and seats: most holders may have one seat in ten.
    """
    holder = np.repeat(np.arange(len(holders.sits)), np.diff(holders.start))
    mine = holders.seat == holders.sits[holder]
    own = np.full(len(holders.sits), _FAR, dtype=np.int64)
    own[holder[mine]] = holders.cost[mine]
    may = np.flatnonzero(~mine & (own[holder] < _FAR))
    holder = holder[may]
    loss = (holders.cost[may] - own[holder]) * unit + 1
    return _Moves(holder, holders.seat[may], loss, _first(holder))


def _settled(moves: _Moves, label: Ints, sits: Indices) -> Ints | None:
    """Gives the cheapest labels, those of free seats as they are; None where a rotation gains."""
    label = label.copy()
    own = label[sits] = _least(moves, label, len(sits))
    among = _among(moves, sits, len(label))
    rounds, look, fell = 0, _ROUNDS, len(among.first) > 0
    while fell:
        # A chain moves each holder at most once; a rotation shows long before that.
        rounds += 1
        if rounds == look:
            look *= 2
            if _goes_round(moves, label, sits):
                return None
        best = _least(among, label, len(sits))
        less = (best < own) & (best < _REACHED)
        fell = bool(less.any())
        own[less] = best[less]
        label[sits] = own
    return label


def _among(moves: _Moves, sits: Indices, seats: int) -> _Moves:
    """Leaves the moves onto a holder's seat, whose labels may still fall."""
    held = np.zeros(seats, dtype=np.bool_)
    held[sits] = True
    onto = np.flatnonzero(held[moves.seat])
    holder = moves.holder[onto]
    return _Moves(holder, moves.seat[onto], moves.loss[onto], _first(holder))


def _first(holder: Ints) -> Ints:
    """Gives where each holder's moves begin."""
    begins = np.ones(len(holder), dtype=np.bool_)
    np.not_equal(holder[1:], holder[:-1], out=begins[1:])
    return begins.nonzero()[0]


def _least(moves: _Moves, label: Ints, people: int) -> Ints:
    """Gives (P,) the cheapest way on of each holder, ``_FAR`` for who has no move."""
    least = np.full(people, _FAR, dtype=np.int64)
    total = moves.loss + label[moves.seat]
    least[moves.holder[moves.first]] = np.minimum.reduceat(total, moves.first)
    return least


def _chosen(moves: _Moves, label: Ints) -> Ints:
    """Gives which move is the cheapest of each holder that has one, to the lowest seat."""
    total = moves.loss + label[moves.seat]
    best = np.full(int(moves.holder[-1]) + 1, _FAR, dtype=np.int64)
    best[moves.holder[moves.first]] = np.minimum.reduceat(total, moves.first)
    ties = (total == best[moves.holder]).nonzero()[0]
    holder, seat = moves.holder[ties], moves.seat[ties]
    # Few are left, and of most holders one.
    in_order = np.lexsort((seat, holder))
    lowest: Ints = ties[in_order[_first(holder[in_order])]]
    return lowest


def _goes_round(moves: _Moves, label: Ints, sits: Indices) -> bool:
    """
    Tells whether going on to the cheapest next seat leads somebody round.

    Each such move keeps or lowers a label, so all moves of a round lose less than nothing.
    """
    chosen = _chosen(moves, label)
    since = sits[moves.holder[chosen]]
    reached = label[since] < _REACHED
    since = since[reached]
    jump = np.arange(len(label))
    jump[since] = moves.seat[chosen[reached]]
    # Each pass doubles how far a jump leads: in the end farther than there are holders.
    for _ in range(len(since).bit_length()):
        jump = jump[jump]
    held = np.zeros(len(label), dtype=np.bool_)
    held[since] = True
    return bool(held[jump[since]].any())


def _along(moves: _Moves, chosen: Ints, sits: Indices, label: Ints) -> Ints:
    """Gives what each chosen chain really comes to, moves that gain included."""
    since = sits[moves.holder[chosen]]
    reached = label[since] < _REACHED
    since, chosen = since[reached], chosen[reached]
    jump = np.arange(len(label))
    jump[since] = moves.seat[chosen]
    total = np.zeros(len(label), dtype=np.int64)
    total[since] = moves.loss[chosen]
    # Each pass doubles how much of its chain a seat has added up; its end loses nothing more.
    for _ in range(len(since).bit_length()):
        total += total[jump]
        jump = jump[jump]
    true = label.copy()
    true[since] = total[since] + label[jump[since]]
    return true
