"""
Promised seats that may be freed: whose promise would move where, and what that costs.

One Problem holds the referral that asks and those who were promised a seat; ``freeing`` finds the
cheapest chain of moves to each promised seat, here it is read from nouns and given back as nouns.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from slotengine.codes import Mode
from slotengine.problem import Problem
from slotengine.solver.arcs import candidate_arcs
from slotengine.solver.columns import Columns, to_columns
from slotengine.solver.costs import MODE_ORDER
from slotengine.solver.encoding import NEVER, Flags, Indices, Ints, flags
from slotengine.solver.freeing import Freed, Holders, freed, path
from slotengine.solver.writing import priced_pairs


class Seat(NamedTuple):
    """Whose promise sits where."""

    referral: str
    slot: str
    seat: int


class Step(NamedTuple):
    """One move of a chain: a promised referral goes to a slot, in a mode."""

    referral: str
    slot: str
    mode: Mode


class Moving(NamedTuple):
    """
    What promised seats cost to free, by slot, where it can be done at all.

    ``cost`` in weighted minutes, never negative: a gain to others is no reason to prefer a seat
    that somebody was promised. ``chains`` are the moves that free it, in the order in which they
    are to be made: into the free seat first.
    """

    cost: Mapping[str, int]
    chains: Mapping[str, tuple[Step, ...]]


class _Pairs(NamedTuple):
    """Arcs of the holders, (A,) each: which holder, which slot, what it costs, in which mode."""

    holder: Ints
    slot: Indices
    cost: Ints
    mode: Indices


def moving(
    problem: Problem,
    seats: Sequence[Seat],
    *,
    prices: Mapping[str, int],
    kept: Collection[str] = (),
) -> Moving:
    """
    Finds how each promised seat can be freed, and at what cost.

    Parameters
    ----------
    problem
        The promised referrals are to be placed in it with their terms as content, and their own
        seats are free; whoever asks may be in it too.
    seats
        Where the promises sit now.
    prices
        What a seat of each slot is worth to those who come later; 0 for a slot not listed.
    kept
        Slots whose free seats nobody may be moved to now.

    Returns
    -------
    Moving
        Slots that have a seat free without any move are left out.
    """
    columns = to_columns(problem)
    row_of = {one.id: row for row, one in enumerate(problem.referrals)}
    number = {seat: at for at, seat in enumerate(problem.free_seats)}
    known = sorted(
        (row_of[one.referral], number[one.slot, one.seat])
        for one in seats
        if one.referral in row_of and (one.slot, one.seat) in number
    )
    if not known:
        return Moving({}, {})
    rows = np.array([row for row, _ in known], dtype=np.int32)
    sits = np.array([seat for _, seat in known], dtype=np.int32)
    taken = np.zeros(len(number), dtype=np.bool_)
    taken[sits] = True
    pairs = _pairs(columns, rows)
    holders = _holders(columns, pairs, sits)
    price = np.array([prices.get(slot, 0) for slot, _ in problem.free_seats], dtype=np.int64)
    free = ~taken & flags(slot not in kept for slot, _ in problem.free_seats)
    found = freed(holders, price, free)
    return _named(problem, found, holders, _steps(problem, pairs, rows), taken)


def _pairs(columns: Columns, rows: Indices) -> _Pairs:
    arcs = candidate_arcs(columns, rows)
    found = priced_pairs(columns, arcs.row, arcs.slot)
    return _Pairs(np.searchsorted(rows, found.row), found.slot, found.cost, found.mode)


def _holders(columns: Columns, pairs: _Pairs, sits: Indices) -> Holders:
    """Gives the arcs of the holders by seat instead of slot."""
    room = columns.slot_free[pairs.slot]
    first = columns.slot_first_seat[pairs.slot]
    owner = np.repeat(np.arange(len(pairs.slot)), room)
    offset = np.arange(len(owner)) - np.repeat(np.cumsum(room) - room, room)
    start = np.zeros(len(sits) + 1, dtype=np.int64)
    np.cumsum(np.bincount(pairs.holder[owner], minlength=len(sits)), out=start[1:])
    return Holders(
        start=start,
        seat=(first[owner] + offset).astype(np.int32),
        cost=pairs.cost[owner],
        sits=sits,
    )


_Steps = Mapping[tuple[int, str], Step]


def _steps(problem: Problem, pairs: _Pairs, rows: Indices) -> _Steps:
    """Gives each move that a holder may make, by holder and slot."""
    return {
        (holder, problem.slots[slot].id): Step(
            referral=problem.referrals[int(rows[holder])].id,
            slot=problem.slots[slot].id,
            mode=MODE_ORDER[way],
        )
        for holder, slot, way in zip(
            pairs.holder.tolist(), pairs.slot.tolist(), pairs.mode.tolist(), strict=True
        )
    }


def _named(problem: Problem, found: Freed, holders: Holders, steps: _Steps, taken: Flags) -> Moving:
    slot_of = [slot for slot, _ in problem.free_seats]
    without_move = {slot_of[at] for at in np.flatnonzero(~taken).tolist()}
    cost: dict[str, int] = {}
    chains: dict[str, tuple[Step, ...]] = {}
    cheapest_first = sorted(np.flatnonzero(taken).tolist(), key=lambda at: (found.cost[at], at))
    for at in cheapest_first:
        slot = slot_of[at]
        if slot in without_move or slot in cost or found.cost[at] >= NEVER:
            continue
        cost[slot] = max(0, int(found.cost[at]))
        chains[slot] = tuple(steps[holder, slot_of[to]] for holder, to in path(found, holders, at))
    return Moving(cost, chains)
