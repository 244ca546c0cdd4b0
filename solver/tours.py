"""
Home visits of one practitioner: care at one place, then the way by car to the next.

Two bookings are at peace when the practitioner can do both. The question is asked of pairs of
bookings, so that a tour of any length is one because each two of its stops are.
"""

from typing import NamedTuple

import numpy as np

from slotengine.codes import Mode
from slotengine.solver.columns import FAR, MINUTE_US, NO_PLACE, Columns
from slotengine.solver.travel import great_circle_metres, minutes_at, road_metres

ANYWHERE = -1
"""Place of a video booking, and of a patient whose home nobody knows: it hinders nothing."""


class Stop(NamedTuple):
    """
    One booking on a practitioner's way.

    ``place`` indexes homes first and sites after them (``place_count``), ``ANYWHERE`` where none.
    """

    slot: int
    start_us: int
    busy_until_us: int
    place: int
    home: bool


class Tours:
    """Answers for one Problem; journeys once asked for are remembered."""

    def __init__(self, columns: Columns) -> None:
        self._columns = columns
        visits = columns.policy.home_visits
        self._care_us = 0 if visits is None else visits.care_minutes * MINUTE_US
        self._minutes: dict[tuple[int, int], int] = {}

    def stop(self, row: int, slot: int, mode: Mode) -> Stop:
        """Gives the stop that a referral's booking makes."""
        columns = self._columns
        start, end = int(columns.slot_start_us[slot]), int(columns.slot_end_us[slot])
        if mode is Mode.VR:
            return Stop(slot, start, end, ANYWHERE, home=False)
        if mode is Mode.AMB:
            site = len(columns.place_lat) + int(columns.slot_site[slot])
            return Stop(slot, start, end, site, home=False)
        home = int(columns.referral_place[row])
        place = ANYWHERE if home == NO_PLACE else home
        return Stop(slot, start, max(end, start + self._care_us), place, home=True)

    def at_peace(self, one: Stop, other: Stop) -> bool:
        """Tells whether a practitioner can do both bookings."""
        if not (one.home or other.home) or ANYWHERE in (one.place, other.place):
            return True
        if one.slot == other.slot:
            return self._where(one.place) == self._where(other.place)
        first, second = (one, other) if one.start_us < other.start_us else (other, one)
        pause_us = second.start_us - first.busy_until_us
        if pause_us < 0:
            return False
        return self.car_minutes(first.place, second.place) * MINUTE_US <= pause_us

    def car_minutes(self, start: int, goal: int) -> int:
        """Gives whole minutes by car from place to place; ``FAR`` where there is no way."""
        known = self._minutes.get((start, goal))
        if known is None:
            known = self._minutes[start, goal] = self._journey(start, goal)
        return known

    def _journey(self, start: int, goal: int) -> int:
        columns = self._columns
        here, there = self._where(start), self._where(goal)
        if columns.matrix_minutes is not None:
            if NO_PLACE in (here.zone, there.zone):
                return FAR
            return int(columns.matrix_minutes[here.zone, there.zone])
        degrees = (np.array([value]) for value in (here.lat, here.lon, there.lat, there.lon))
        metres = road_metres(columns, great_circle_metres(*degrees))
        return int(minutes_at(metres, columns.policy.speeds.car)[0])

    def _where(self, place: int) -> "_Where":
        columns = self._columns
        homes = len(columns.place_lat)
        if place < homes:
            table = (columns.place_lat, columns.place_lon, columns.place_zone)
        else:
            table = (columns.site_lat, columns.site_lon, columns.site_zone)
            place -= homes
        return _Where(float(table[0][place]), float(table[1][place]), int(table[2][place]))


class _Where(NamedTuple):
    lat: float
    lon: float
    zone: int
