"""
Who may have which seat: the rules in their order, and the candidate arcs of a whole territory.

A night would ask every rule about every pair, 600 million of them at 20,000 referrals. So rules on
kinds are asked once a kind, rules on places once a home and stand, and the rest pair by pair where
those allow it: the same functions each time.
"""

from collections.abc import Callable, Iterator
from typing import NamedTuple, cast

import numpy as np

from slotengine.codes import Mode
from slotengine.reasons import Rule
from slotengine.solver import hard_rules
from slotengine.solver.cells import Block, blocks
from slotengine.solver.columns import MODE_BIT, Columns
from slotengine.solver.costs import MODE_ORDER, cheapest, travel_cost
from slotengine.solver.encoding import Flags, Indices, Ints
from slotengine.solver.hard_rules import Way
from slotengine.solver.pin_rules import cap, group, pathway, tour
from slotengine.solver.stands import Stands, examples, referral_kind, stands
from slotengine.solver.travel import Journeys, journeys

PAIRS_AT_ONCE = 1 << 18
"""Pairs looked at together: the dozen arrays of this length stay in a processor's cache."""

FEW_PAIRS = 1 << 17
"""Up to this many pairs each is asked about: grouping would take longer."""

KINDS_AT_ONCE = 1 << 25
"""Kinds of referral times kinds of slot compared at once: 32 MB of flags."""

ALLOWED = len(Rule)
"""What ``refusals`` gives where no rule refuses: one past the last index into ``list(Rule)``."""

_RULE_INDEX = {rule: index for index, rule in enumerate(Rule)}


class Arcs(NamedTuple):
    """
    Allowed pairs in CSR form: referral r owns arcs ``start[r]:start[r + 1]``, slots ascending.

    ``start`` (R + 1,) int64; ``slot`` (A,) int32; ``cost`` (A,) int64 weighted minutes in the
    pair's cheapest mode and the price of the slot's seats: what a plan counts at level 2. 12 bytes
    an arc: modes and journeys are asked again for the few pairs that are shown (``best_ways``).
    """

    start: Ints
    slot: Indices
    cost: Ints

    @property
    def row(self) -> Indices:
        """The referral of each arc, (A,) int32."""
        rows = np.arange(len(self.start) - 1, dtype=np.int32)
        return np.repeat(rows, np.diff(self.start))


PAIR_RULES: tuple[tuple[Rule, Callable[[Columns, Indices, Indices], Flags]], ...] = (
    (Rule.SHARING, hard_rules.sharing),
    (Rule.PROFESSION, hard_rules.profession),
    (Rule.SPECIALTY, hard_rules.specialty),
    (Rule.MODE, hard_rules.mode),
    (Rule.AUDIENCE, hard_rules.audience),
    (Rule.AGE, hard_rules.age),
    (Rule.MOTIVE, hard_rules.motive),
    (Rule.OPENING, hard_rules.opening),
    (Rule.WINDOW, hard_rules.window),
    (Rule.DEADLINE, hard_rules.deadline),
    (Rule.PATIENT_BUSY, hard_rules.patient_busy),
    (Rule.PATHWAY, pathway),
    (Rule.GROUP, group),
)
"""The rules that ask nothing about how care is given, in order."""

MODE_RULES: tuple[tuple[Rule, Callable[[Columns, Way], Flags]], ...] = (
    (Rule.MOBILITY, hard_rules.mobility),
    (Rule.ACCESS, hard_rules.access),
    (Rule.LOCATION, hard_rules.location),
    (Rule.TRAVEL, hard_rules.travel),
    (Rule.REACH, hard_rules.reach),
    (Rule.TOUR, tour),
    (Rule.CAP, cap),
    (Rule.KEPT, hard_rules.kept),
)
"""The rules of each mode, in order; one mode that passes all of them is enough."""


OF_KIND = frozenset(
    {
        Rule.SHARING,
        Rule.PROFESSION,
        Rule.SPECIALTY,
        Rule.MODE,
        Rule.AUDIENCE,
        Rule.AGE,
        Rule.MOTIVE,
        Rule.OPENING,
    }
)
"""Pair rules that read nothing but what ``stands`` makes kinds of."""

OF_SITE = frozenset({Rule.MOBILITY, Rule.ACCESS, Rule.LOCATION, Rule.TRAVEL})
"""Mode rules that read nothing of a slot but its site."""


class BestWays(NamedTuple):
    """
    How care is given in each pair: its cheapest allowed mode, with cost and journey.

    ``mode`` (K,) int32 index into ``costs.MODE_ORDER``; ``cost`` (K,) int64 weighted minutes, the
    pair's own, without a price.
    """

    mode: Indices
    cost: Ints
    journey: Journeys


def candidate_arcs(columns: Columns, rows: Indices | None = None) -> Arcs:
    """
    Lists who may have which slot, as a sparse matrix in CSR form.

    Parameters
    ----------
    columns
        The Problem as arrays.
    rows
        Ascending indices of the referrals asked about. Default all; the others own no arc.

    Returns
    -------
    Arcs
        Slots without a free seat are listed too: a pair is allowed or not whoever sits there.
    """
    asked = np.arange(columns.referrals, dtype=np.int32) if rows is None else rows
    few = len(asked) * columns.slots <= FEW_PAIRS
    found = [_admit_each(columns, asked)] if few else list(_admit_by_kind(columns, asked))
    return _in_row_order(columns.referrals, found)


def best_ways(columns: Columns, row: Indices, slot: Indices) -> BestWays:
    """
    Gives the cheapest allowed mode of allowed pairs, with its cost and its journey.

    Parameters
    ----------
    columns
        The Problem as arrays.
    row, slot
        (K,) indices of referrals and slots; each pair is an arc.
    """
    cost, chosen = cheapest(columns, row, slot, _ways_each(columns, row, slot))
    metres, minutes = (np.zeros(len(row), dtype=np.int64) for _ in Journeys._fields)
    for index, mode in enumerate(MODE_ORDER):
        used = np.flatnonzero(chosen == index)
        metres[used], minutes[used] = journeys(columns, row[used], slot[used], mode)
    return BestWays(chosen, cost, Journeys(metres, minutes))


def refusals(columns: Columns, referral_index: int) -> Indices:
    """
    Gives for one referral and each slot the rule that refuses the pair.

    Returns
    -------
    Indices
        (S,) int32 index into ``list(Rule)``, ``ALLOWED`` where no rule refuses.
    """
    slot = np.arange(columns.slots, dtype=np.int32)
    row = np.full(columns.slots, referral_index, dtype=np.int32)
    refused = np.full(columns.slots, ALLOWED, dtype=np.int32)
    for rule, allows in reversed(PAIR_RULES):
        refused[~allows(columns, row, slot)] = _RULE_INDEX[rule]
    asked = np.flatnonzero(refused == ALLOWED).astype(np.int32)
    latest = np.zeros(len(asked), dtype=np.int32)
    for mode, shared in _shared(columns, row[asked], slot[asked]):
        way = _way(columns, row[asked[shared]], slot[asked[shared]], mode)
        got_to = np.full(len(way.row), ALLOWED, dtype=np.int32)
        for rule, passes in reversed(MODE_RULES):
            got_to[~passes(columns, way)] = _RULE_INDEX[rule]
        # ALLOWED is larger than every rule, so one mode that passes wins here too.
        latest[shared] = np.maximum(latest[shared], got_to)
    refused[asked] = latest
    return refused


class _Found(NamedTuple):
    """Arcs of some rows: ``row``, ``many`` (N,), then row by row ``slot`` and ``cost``, (A,)."""

    row: Indices
    many: Ints
    slot: Indices
    cost: Ints


class _Visits(NamedTuple):
    """Referrals at a stand in one mode, (V,) each: whether they may go, and how far it is."""

    opened: Flags
    journey: Journeys


_Ways = dict[Mode, tuple[Flags, Ints]]
"""For each mode whether each pair may take it and what its journey costs."""


def _admit_each(columns: Columns, rows: Indices) -> _Found:
    """Asks every rule about every pair that the rules before it allow."""
    row = _wide(np.repeat(rows, columns.slots))
    slot = _wide(np.tile(np.arange(columns.slots), len(rows)))
    for _, allows in PAIR_RULES:
        allowed = np.flatnonzero(allows(columns, row, slot))
        row, slot = row[allowed], slot[allowed]
    return _priced(columns, rows, row, slot, _ways_each(columns, row, slot))


def _ways_each(columns: Columns, row: Indices, slot: Indices) -> _Ways:
    ways: _Ways = {}
    for mode, shared in _shared(columns, row, slot):
        way = _way(columns, row[shared], slot[shared], mode)
        opened, minutes = np.zeros(len(row), dtype=np.bool_), np.zeros(len(row), dtype=np.int64)
        opened[shared] = _passing(columns, way, frozenset(Rule))
        # Refused journeys may be unreachably long: they are never squared.
        minutes[shared] = np.where(opened[shared], way.journey.minutes, 0)
        ways[mode] = (opened, travel_cost(columns, minutes))
    return ways


def _passing(columns: Columns, way: Way, rules: frozenset[Rule]) -> Flags:
    passed = np.ones(len(way.row), dtype=np.bool_)
    for rule, passes in MODE_RULES:
        if rule in rules:
            passed &= passes(columns, way)
    return passed


def _admit_by_kind(columns: Columns, rows: Indices) -> Iterator[_Found]:
    """Asks about kinds first, then about homes and stands, then about the pairs that are left."""
    shelf = stands(columns)
    step = max(1, KINDS_AT_ONCE // (int(shelf.kind.max(initial=0)) + 1))
    for begin in range(0, len(rows), step):
        part = rows[begin : begin + step]
        kind = referral_kind(columns, part)
        fits = _fits(columns, part[examples(kind)], shelf.example[examples(shelf.kind)])
        for block in blocks(columns, shelf, part, PAIRS_AT_ONCE):
            wanted = fits[kind[np.searchsorted(part, block.row)]][:, shelf.kind[block.stand]]
            wanted &= block.near | block.video
            yield _admit(columns, shelf, block, wanted)


def _fits(columns: Columns, row: Indices, slot: Indices) -> Flags:
    """Asks the rules on kinds about one referral and one slot of each."""
    fits = np.ones((len(row), len(slot)), dtype=np.bool_)
    for rule, allows in PAIR_RULES:
        if rule in OF_KIND:
            fits &= allows(columns, row[:, None], slot[None, :])
    return fits


def _admit(columns: Columns, shelf: Stands, block: Block, wanted: Flags) -> _Found:
    """Asks the rules on places about each home and stand, the others about their slots."""
    at, to = np.nonzero(wanted)
    row, stand = _wide(block.row)[at], block.stand[to]
    visits = _visits(columns, row, _wide(shelf.example)[stand], block.near[at, to])
    anyhow = np.zeros(len(row), dtype=np.bool_)
    for one in visits.values():
        anyhow |= one.opened
    some = np.flatnonzero(anyhow)
    size = shelf.size[stand[some]]
    first = shelf.first[stand[some]] - (np.cumsum(size) - size)
    visit = np.repeat(some, size)
    slot = _wide(shelf.slot)[np.repeat(first, size) + np.arange(len(visit))]
    row = row[visit]
    allowed = np.ones(len(row), dtype=np.bool_)
    for rule, allows in PAIR_RULES:
        if rule not in OF_KIND:
            allowed &= allows(columns, row, slot)
    if not allowed.all():
        keep = np.flatnonzero(allowed)
        visit, row, slot = visit[keep], row[keep], slot[keep]
    if not shelf.in_order:
        order = np.argsort(row * columns.slots + slot)
        visit, row, slot = visit[order], row[order], slot[order]
    ways: _Ways = {}
    for mode, one in visits.items():
        every = one.opened[some].all()
        on = slice(None) if every else np.flatnonzero(one.opened[visit])
        there = visit[on]
        journey = Journeys(one.journey.metres[there], one.journey.minutes[there])
        opened = np.zeros(len(visit), dtype=np.bool_)
        way = Way(row[on], slot[on], mode, journey)
        opened[on] = _passing(columns, way, frozenset(Rule) - OF_SITE)
        ways[mode] = (opened, travel_cost(columns, one.journey.minutes)[visit])
    return _priced(columns, block.row, row, slot, ways)


def _visits(columns: Columns, row: Indices, example: Indices, near: Flags) -> dict[Mode, _Visits]:
    """Asks the rules on places in each mode about referrals and an example slot of each stand."""
    visits: dict[Mode, _Visits] = {}
    for mode, sharing in _shared(columns, row, example):
        # Whoever is not near is refused by TRAVEL: no need to say how far it would have been.
        shared = sharing if mode is Mode.VR else sharing[near[sharing]]
        way = _way(columns, row[shared], example[shared], mode)
        passed = np.flatnonzero(_passing(columns, way, OF_SITE))
        opened = np.zeros(len(row), dtype=np.bool_)
        metres, minutes = (np.zeros(len(row), dtype=np.int64) for _ in Journeys._fields)
        opened[shared[passed]] = True
        metres[shared[passed]] = way.journey.metres[passed]
        minutes[shared[passed]] = way.journey.minutes[passed]
        visits[mode] = _Visits(opened, Journeys(metres, minutes))
    return visits


def _priced(columns: Columns, rows: Indices, row: Indices, slot: Indices, ways: _Ways) -> _Found:
    """Prices the pairs that some mode is open to; ``rows`` are all rows asked about, ascending."""
    anyhow = np.zeros(len(row), dtype=np.bool_)
    for opened, _ in ways.values():
        anyhow |= opened
    if not anyhow.all():
        keep = np.flatnonzero(anyhow)
        row, slot = row[keep], slot[keep]
        ways = {mode: (opened[keep], cost[keep]) for mode, (opened, cost) in ways.items()}
    cost, _ = cheapest(columns, row, slot, ways)
    many = np.diff(np.searchsorted(row, rows), append=len(row))
    return _Found(rows, many, slot.astype(np.int32), cost + columns.slot_price[slot])


def _in_row_order(referrals: int, found: list[_Found]) -> Arcs:
    """Joins arcs, whose rows lie in any order; empties the list, so that memory is freed early."""
    start = np.zeros(referrals + 1, dtype=np.int64)
    for one in found:
        start[one.row + 1] = one.many
    np.cumsum(start, out=start)
    slot, cost = np.empty(start[-1], dtype=np.int32), np.empty(start[-1], dtype=np.int64)
    while found:
        one = found.pop()
        ends = np.cumsum(one.many).tolist()
        first = start[one.row].tolist()
        # Row by row: copying spans is seven times faster than scattering arc by arc.
        for into, begin, end in zip(first, [0, *ends], ends, strict=False):
            slot[into : into + end - begin] = one.slot[begin:end]
            cost[into : into + end - begin] = one.cost[begin:end]
    return Arcs(start, slot, cost)


def _shared(columns: Columns, row: Indices, slot: Indices) -> Iterator[tuple[Mode, Ints]]:
    """Gives the positions of the pairs that share each mode, for modes that any pair shares."""
    both = columns.referral_modes[row] & columns.slot_modes[slot]
    for mode in MODE_ORDER:
        shared = np.flatnonzero(both & MODE_BIT[mode])
        if len(shared):
            yield mode, shared


def _wide(index: Indices | Ints) -> Indices:
    """
    Gives indices as numpy looks them up: with 32 bits each look-up of many takes three times as
    long, for it converts them first. Typed as what it was; at rest indices keep 32 bits.
    """
    return cast("Indices", index.astype(np.intp))


def _way(columns: Columns, row: Indices, slot: Indices, mode: Mode) -> Way:
    return Way(row, slot, mode, journeys(columns, row, slot, mode))
