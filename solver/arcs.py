"""
Who may have which seat: each hard rule of ``docs/rules.md`` once, and the candidate arcs.

A rule is one function of index arrays that broadcast against each other, True where it allows. The
arcs of a whole territory and the reason of one refused pair are read from the same functions.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from slotengine.codes import Mode
from slotengine.reasons import Rule
from slotengine.solver.columns import LONGEST, MINUTE_US, MODE_BIT, NO_PLACE, Columns
from slotengine.solver.costs import MODE_ORDER, cheapest
from slotengine.solver.encoding import Flags, Indices, Ints
from slotengine.solver.pin_rules import cap, group, pathway, tour
from slotengine.solver.travel import Journeys, journeys

CELLS_AT_ONCE = 1 << 21
"""Pairs looked at together: a few arrays of this size stay in a processor's cache and memory."""

ALLOWED = len(Rule)
"""What ``refusals`` gives where no rule refuses: one past the last index into ``list(Rule)``."""

_RULE_INDEX = {rule: index for index, rule in enumerate(Rule)}


class Arcs(NamedTuple):
    """
    Allowed pairs in CSR form: referral r owns arcs ``start[r]:start[r + 1]``, slots ascending.

    ``start`` (R + 1,) int64; ``slot`` (A,) int32; ``cost`` (A,) int64 weighted minutes in the
    pair's cheapest mode. 12 bytes an arc: modes and journeys are asked again for the few pairs
    that are shown (``best_ways``).
    """

    start: Ints
    slot: Indices
    cost: Ints

    @property
    def row(self) -> Indices:
        """The referral of each arc, (A,) int32."""
        rows = np.arange(len(self.start) - 1, dtype=np.int32)
        return np.repeat(rows, np.diff(self.start))


def _sharing(columns: Columns, row: Indices, slot: Indices) -> Flags:
    """Allows slots of the referral's territory and slots shared with it."""
    return columns.slot_shared[slot] & (row >= 0)


def _profession(columns: Columns, row: Indices, slot: Indices) -> Flags:
    shared = columns.referral_professions[row] & columns.slot_profession[slot]
    return shared.astype(np.bool_)


def _specialty(columns: Columns, row: Indices, slot: Indices) -> Flags:
    """Allows any specialty when none is asked for, else a shared one."""
    wanted, held = columns.referral_specialties[row], columns.slot_specialties[slot]
    return columns.specialty_fits[wanted, held]


def _mode(columns: Columns, row: Indices, slot: Indices) -> Flags:
    return (columns.referral_modes[row] & columns.slot_modes[slot]).astype(np.bool_)


def _audience(columns: Columns, row: Indices, slot: Indices) -> Flags:
    """Allows what the slot was reserved for: a promise to the practitioner who gave it."""
    return (columns.referral_audiences[row] & columns.slot_audiences[slot]).astype(np.bool_)


def _age(columns: Columns, row: Indices, slot: Indices) -> Flags:
    """Allows ages between both limits, inclusive; an unknown age only where there is none."""
    age = columns.referral_age[row]
    return (columns.slot_min_age[slot] <= age) & (age <= columns.slot_max_age[slot])


def _motive(columns: Columns, row: Indices, slot: Indices) -> Flags:
    return columns.motive_fits[columns.referral_motive[row], columns.slot_motives[slot]]


def _opening(columns: Columns, row: Indices, slot: Indices) -> Flags:
    """Allows slots that are open for booking by now, inclusive."""
    return columns.slot_open[slot] & (row >= 0)


def _window(columns: Columns, row: Indices, slot: Indices) -> Flags:
    """Allows a slot that one window holds whole; two touching windows hold nothing together."""
    start, end = columns.slot_start_us[slot], columns.slot_end_us[slot]
    allowed = np.zeros(np.broadcast_shapes(row.shape, slot.shape), dtype=np.bool_)
    for window in range(columns.window_start_us.shape[1]):
        opens = columns.window_start_us[row, window]
        closes = columns.window_end_us[row, window]
        allowed |= (opens <= start) & (end <= closes)
    return allowed


def _deadline(columns: Columns, row: Indices, slot: Indices) -> Flags:
    """Allows a start at the deadline itself."""
    return columns.slot_start_us[slot] <= columns.referral_deadline_us[row]


def _patient_busy(columns: Columns, row: Indices, slot: Indices) -> Flags:
    """Refuses what overlaps the patient's own booking; touching it is allowed."""
    start, end = columns.slot_start_us[slot], columns.slot_end_us[slot]
    allowed = np.ones(np.broadcast_shapes(row.shape, slot.shape), dtype=np.bool_)
    for booking in range(columns.busy_start_us.shape[1]):
        begins = columns.busy_start_us[row, booking]
        ends = columns.busy_end_us[row, booking]
        allowed &= (end <= begins) | (ends <= start)
    return allowed


class _Way(NamedTuple):
    """Pairs in one mode, with the journey that it takes."""

    row: Indices
    slot: Indices
    mode: Mode
    journey: Journeys


def _mobility(columns: Columns, way: _Way) -> Flags:
    """Refuses the practice to those who can't travel: no speed, no journey."""
    return (columns.referral_speed_kmh[way.row] > 0) | (way.mode is not Mode.AMB)


def _access(columns: Columns, way: _Way) -> Flags:
    accessible = columns.site_accessible[columns.slot_site[way.slot]]
    return accessible | ~columns.referral_wheelchair[way.row] | (way.mode is not Mode.AMB)


def _location(columns: Columns, way: _Way) -> Flags:
    known: Flags = columns.referral_place[way.row] != NO_PLACE
    return known | (way.mode is Mode.VR)


def _travel(columns: Columns, way: _Way) -> Flags:
    """Allows metres up to the limit, inclusive: the patient's, or the practitioner's own."""
    limit = columns.referral_max_metres[way.row]
    if way.mode is Mode.HH:
        limit = np.full(len(way.row), min(columns.policy.home_visit_metres, LONGEST))
    near_enough: Flags = way.journey.metres <= limit
    return near_enough


def _reach(columns: Columns, way: _Way) -> Flags:
    """Allows whoever is told now, travels, and arrives by the start, inclusive."""
    arrival_us = columns.notice_us + way.journey.minutes * MINUTE_US
    in_time: Flags = arrival_us <= columns.slot_start_us[way.slot]
    return in_time


PAIR_RULES: tuple[tuple[Rule, Callable[[Columns, Indices, Indices], Flags]], ...] = (
    (Rule.SHARING, _sharing),
    (Rule.PROFESSION, _profession),
    (Rule.SPECIALTY, _specialty),
    (Rule.MODE, _mode),
    (Rule.AUDIENCE, _audience),
    (Rule.AGE, _age),
    (Rule.MOTIVE, _motive),
    (Rule.OPENING, _opening),
    (Rule.WINDOW, _window),
    (Rule.DEADLINE, _deadline),
    (Rule.PATIENT_BUSY, _patient_busy),
    (Rule.PATHWAY, pathway),
    (Rule.GROUP, group),
)
"""The rules that ask nothing about how care is given, in order."""

MODE_RULES: tuple[tuple[Rule, Callable[[Columns, _Way], Flags]], ...] = (
    (Rule.MOBILITY, _mobility),
    (Rule.ACCESS, _access),
    (Rule.LOCATION, _location),
    (Rule.TRAVEL, _travel),
    (Rule.REACH, _reach),
    (Rule.TOUR, tour),
    (Rule.CAP, cap),
)
"""The rules of each mode, in order; one mode that passes all of them is enough."""


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
    step = max(1, CELLS_AT_ONCE // max(1, columns.slots))
    found = [_admit(columns, asked[at : at + step]) for at in range(0, len(asked), step)]
    if not found:
        found = [_admit(columns, asked)]
    row, slot, cost = (np.concatenate(parts) for parts in zip(*found, strict=True))
    start = np.zeros(columns.referrals + 1, dtype=np.int64)
    np.cumsum(np.bincount(row, minlength=columns.referrals), out=start[1:])
    return Arcs(start, slot, cost)


class BestWays(NamedTuple):
    """
    How care is given in each pair: its cheapest allowed mode, with cost and journey.

    ``mode`` (K,) int32 index into ``costs.MODE_ORDER``; ``cost`` (K,) int64 weighted minutes.
    """

    mode: Indices
    cost: Ints
    journey: Journeys


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
    ways, _ = _open_ways(columns, row, slot)
    cost, chosen = cheapest(columns, row, slot, ways)
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
    for mode in Mode:
        shared = _shared(columns, row[asked], slot[asked], mode)
        way = _way(columns, row[asked[shared]], slot[asked[shared]], mode)
        got_to = np.full(len(way.row), ALLOWED, dtype=np.int32)
        for rule, passes in reversed(MODE_RULES):
            got_to[~passes(columns, way)] = _RULE_INDEX[rule]
        # ALLOWED is larger than every rule, so one mode that passes wins here too.
        latest[shared] = np.maximum(latest[shared], got_to)
    refused[asked] = latest
    return refused


class _Found(NamedTuple):
    row: Indices
    slot: Indices
    cost: Ints


def _admit(columns: Columns, rows: Indices) -> _Found:
    across, down = np.arange(columns.slots, dtype=np.int32)[None, :], rows[:, None]
    allowed = np.ones((len(rows), columns.slots), dtype=np.bool_)
    for _, allows in PAIR_RULES:
        allowed &= allows(columns, down, across)
    local, slot = (index.astype(np.int32) for index in np.nonzero(allowed))
    row = rows[local]
    ways, any_way = _open_ways(columns, row, slot)
    keep = np.flatnonzero(any_way)
    row, slot = row[keep], slot[keep]
    kept = {mode: (open_way[keep], minutes[keep]) for mode, (open_way, minutes) in ways.items()}
    cost, _ = cheapest(columns, row, slot, kept)
    return _Found(row, slot, cost)


def _open_ways(
    columns: Columns, row: Indices, slot: Indices
) -> tuple[dict[Mode, tuple[Flags, Ints]], Flags]:
    """Gives for each shared mode whether its rules pass and its minutes, and whether any does."""
    ways: dict[Mode, tuple[Flags, Ints]] = {}
    any_way = np.zeros(len(row), dtype=np.bool_)
    for mode in MODE_ORDER:
        shared = _shared(columns, row, slot, mode)
        if len(shared) == 0:
            continue
        way = _way(columns, row[shared], slot[shared], mode)
        passed = np.ones(len(shared), dtype=np.bool_)
        for _, passes in MODE_RULES:
            passed &= passes(columns, way)
        open_way = np.zeros(len(row), dtype=np.bool_)
        open_way[shared] = passed
        minutes = np.zeros(len(row), dtype=np.int64)
        minutes[shared] = way.journey.minutes
        ways[mode] = (open_way, minutes)
        any_way |= open_way
    return ways, any_way


def _shared(columns: Columns, row: Indices, slot: Indices, mode: Mode) -> Indices:
    both = columns.referral_modes[row] & columns.slot_modes[slot]
    return np.flatnonzero(both & MODE_BIT[mode]).astype(np.int32)


def _way(columns: Columns, row: Indices, slot: Indices, mode: Mode) -> _Way:
    return _Way(row, slot, mode, journeys(columns, row, slot, mode))
