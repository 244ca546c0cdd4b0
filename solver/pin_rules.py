"""
Side rules of ``docs/rules.md`` between one referral and what is already booked (pins).

They bind at the counter, where one referral comes to a day half full, and at night, where they
leave out what no plan may use. Where nothing is booked that they ask about, they cost nothing.
"""

from itertools import pairwise
from typing import Protocol

import numpy as np

from slotengine.codes import Mode
from slotengine.solver.columns import FAR, MINUTE_US, NO_PLACE, Columns
from slotengine.solver.costs import MODE_ORDER
from slotengine.solver.encoding import Flags, Indices, Ints
from slotengine.solver.pin_columns import NO_GROUP, OUTSIDE
from slotengine.solver.travel import great_circle_metres, minutes_at, road_metres

FULL_PERCENT = 100

MEETINGS_AT_ONCE = 1 << 18
"""Bookings against stops looked at together: a dozen arrays of this size stay within 25 MB."""


class Way(Protocol):
    """Pairs of referral and slot, (N,) each, in one mode."""

    @property
    def row(self) -> Indices:
        """The referrals."""

    @property
    def slot(self) -> Indices:
        """The slots."""

    @property
    def mode(self) -> Mode:
        """How care is given in all of them."""


def pathway(columns: Columns, row: Indices, slot: Indices) -> Flags:
    """Allows a later step from ``after_min`` to ``after_max`` after its pinned one, inclusive."""
    pinned = columns.pinned
    if not pinned.follows:
        return _everywhere(row, slot)
    start = columns.slot_start_us[slot]
    earliest, latest = pinned.referral_earliest_us[row], pinned.referral_latest_us[row]
    return (earliest <= start) & (start <= latest)


def group(columns: Columns, row: Indices, slot: Indices) -> Flags:
    """Allows the practitioner and site of the group's pins; the last one makes them a run."""
    pinned = columns.pinned
    if len(pinned.group_fits) == NO_GROUP + 1:
        return _everywhere(row, slot)
    fits: Flags = pinned.group_fits[pinned.referral_group[row], slot]
    return fits


def tour(columns: Columns, way: Way) -> Flags:
    """
    Allows a booking whose practitioner can do it beside every pin: care, then the way by car.

    Between two bookings at sites it asks nothing: whoever published both slots can do both.
    """
    pinned = columns.pinned
    allowed = np.ones(len(way.row), dtype=np.bool_)
    at_home = way.mode is Mode.HH
    if way.mode is Mode.VR or len(pinned.stop_slot) == 0:
        return allowed
    stops = np.diff(pinned.stop_first) if at_home else pinned.stop_homes
    place = columns.referral_place[way.row] if at_home else _site_place(columns, way.slot)
    met = (stops[columns.slot_practitioner[way.slot]] > 0) & (place != NO_PLACE)
    asked = np.flatnonzero(met)
    # A booking is a place and a slot here: whose it is changes nothing.
    key = place[asked].astype(np.int64) * columns.slots + way.slot[asked]
    distinct, inverse = np.unique(key, return_inverse=True)
    peace = np.ones(len(distinct), dtype=np.bool_)
    many = stops[columns.slot_practitioner[distinct % columns.slots]]
    for first, last in _portions(many):
        part = distinct[first:last]
        peace[first:last] = _at_peace(
            columns, part // columns.slots, part % columns.slots, stops, home=at_home
        )
    allowed[asked] = peace[inverse]
    return allowed


def cap(columns: Columns, way: Way) -> Flags:
    """Allows what keeps the practitioner's day and week within every cap, inclusive."""
    if not columns.workload.capped:
        return np.ones(len(way.row), dtype=np.bool_)
    left = columns.workload.slot_effort_left()
    keeps: Flags = efforts(columns, way.row, way.slot, MODE_ORDER.index(way.mode)) <= left[way.slot]
    return keeps


def efforts(columns: Columns, row: Indices, slot: Indices, mode_index: Indices | int) -> Ints:
    """
    Gives the effort of each pair of referral and slot in whole minutes, rounded up.

    ``mode_index`` is an index into ``costs.MODE_ORDER`` for each pair, or one for all.
    """
    policy = columns.policy.effort
    first = columns.referral_own_practitioner[row] != columns.slot_practitioner[slot]
    home = np.asarray(mode_index) == MODE_ORDER.index(Mode.HH)
    percent = (
        FULL_PERCENT
        + first * policy.first_visit
        + home * policy.home_visit
        + columns.workload.slot_late[slot] * policy.late
    )
    minutes: Ints = -(-columns.workload.slot_seat_minutes[slot] * percent // FULL_PERCENT)
    return minutes


def car_minutes(columns: Columns, start: Indices, goal: Indices) -> Ints:
    """
    Gives whole minutes by car from place to place, pair by pair; ``FAR`` where there is no way.

    Parameters
    ----------
    columns
        The Problem as arrays.
    start, goal
        (N,) indices into the places of ``Columns.pinned``.
    """
    at = columns.pinned
    if columns.matrix_minutes is None:
        metres = road_metres(
            columns,
            great_circle_metres(
                at.place_lat[start], at.place_lon[start], at.place_lat[goal], at.place_lon[goal]
            ),
        )
        return minutes_at(metres, columns.policy.speeds.car)
    minutes = np.full(len(start), FAR, dtype=np.int64)
    leaves, arrives = at.place_zone[start], at.place_zone[goal]
    listed = np.flatnonzero((leaves != OUTSIDE) & (arrives != OUTSIDE))
    minutes[listed] = columns.matrix_minutes[leaves[listed], arrives[listed]]
    return minutes


def _everywhere(row: Indices, slot: Indices) -> Flags:
    shape = np.broadcast_shapes(row.shape, slot.shape)
    return np.broadcast_to(np.True_, shape)


def _site_place(columns: Columns, slot: Indices) -> Indices:
    return columns.pinned.site_place[columns.slot_site[slot]]


def _portions(many: Ints) -> list[tuple[int, int]]:
    """Cuts bookings with so many stops each into portions of about ``MEETINGS_AT_ONCE``."""
    portion = np.cumsum(many) // MEETINGS_AT_ONCE
    edges = [0, *(np.flatnonzero(np.diff(portion)) + 1).tolist(), len(many)]
    return list(pairwise(edges))


def _at_peace(columns: Columns, place: Ints, slot: Ints, stops: Ints, *, home: bool) -> Flags:
    """Tells which bookings at a place on a slot are at peace with the practitioner's stops."""
    pinned = columns.pinned
    practitioner = columns.slot_practitioner[slot]
    many = stops[practitioner]
    owner = np.repeat(np.arange(len(slot)), many)
    within = np.arange(len(owner)) - np.repeat(np.cumsum(many) - many, many)
    stop = np.repeat(pinned.stop_first[practitioner], many) + within
    here, there = place[owner].astype(np.int32), pinned.stop_place[stop]
    start_us, busy_us = columns.slot_start_us[slot], columns.slot_end_us[slot]
    visits = columns.policy.home_visits
    if home and visits is not None:
        busy_us = np.maximum(busy_us, start_us + visits.care_minutes * MINUTE_US)
    start_us, busy_us = start_us[owner], busy_us[owner]
    before = pinned.stop_start_us[stop] < start_us
    way_us = MINUTE_US * car_minutes(
        columns, np.where(before, there, here), np.where(before, here, there)
    )
    pause_us = np.where(
        before, start_us - pinned.stop_end_us[stop], pinned.stop_start_us[stop] - busy_us
    )
    same_slot = pinned.stop_slot[stop] == slot[owner]
    disturbed = ~np.where(same_slot, here == there, way_us <= pause_us)
    peace: Flags = np.bincount(owner[disturbed], minlength=len(slot)) == 0
    return peace
