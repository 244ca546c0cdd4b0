"""
Home visits of one practitioner: care at one place, then the way by car to the next.

Two bookings are at peace when the practitioner can do both. The question is asked of pairs of
bookings, so that a tour of any length is one because each two of its stops are.
"""

from typing import NamedTuple

import numpy as np

from slotengine.codes import Mode
from slotengine.solver.columns import FAR, MINUTE_US, NO_PLACE, Columns
from slotengine.solver.costs import MODE_ORDER
from slotengine.solver.encoding import Flags, Indices, Ints
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
        self._table = (
            np.concatenate([columns.place_lat, columns.site_lat]),
            np.concatenate([columns.place_lon, columns.site_lon]),
            np.concatenate([columns.place_zone, columns.site_zone]),
        )
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

    def peace(self, row: Ints, slot: Indices, mode: Indices) -> Flags:
        """
        Tells of each two of some bookings of one practitioner whether both can be done.

        Parameters
        ----------
        row, slot, mode
            (K,) the bookings; ``mode`` indexes ``MODE_ORDER``.

        Returns
        -------
        Flags
            (K, K); True between bookings of one slot at one place.
        """
        columns = self._columns
        home = mode == MODE_ORDER.index(Mode.HH)
        place = np.where(
            home, columns.referral_place[row], len(columns.place_lat) + columns.slot_site[slot]
        )
        nowhere = (mode == MODE_ORDER.index(Mode.VR)) | (home & (place == NO_PLACE))
        starts = columns.slot_start_us[slot]
        busy = np.maximum(columns.slot_end_us[slot], starts + home * self._care_us)
        minutes = self._journeys(np.where(nowhere, 0, place))
        in_time = busy[:, None] + minutes * MINUTE_US <= starts[None, :]
        same = slot[:, None] == slot
        at_one_place = self._alike(np.where(nowhere, 0, place))
        fits = np.where(same, at_one_place, in_time | in_time.T)
        either = home[:, None] | home
        free = nowhere[:, None] | nowhere
        return fits | ~either | free

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

    def _journeys(self, place: Ints) -> Ints:
        """Gives minutes by car from each of some places to each other."""
        columns = self._columns
        lat, lon, zone = self._table
        known, at = np.unique(place, return_inverse=True)
        if columns.matrix_minutes is not None:
            listed = (zone[known][:, None] != NO_PLACE) & (zone[known] != NO_PLACE)
            cells = columns.matrix_minutes[np.ix_(zone[known], zone[known])]
            return np.where(listed, cells, FAR)[np.ix_(at, at)]
        straight = great_circle_metres(
            lat[known][:, None], lon[known][:, None], lat[known], lon[known]
        )
        minutes = minutes_at(road_metres(columns, straight), columns.policy.speeds.car)
        return minutes[np.ix_(at, at)]

    def _alike(self, place: Ints) -> Flags:
        alike = np.ones((len(place), len(place)), dtype=np.bool_)
        for values in self._table:
            own = values[place]
            alike &= own[:, None] == own
        return alike

    def _where(self, place: int) -> "_Where":
        lat, lon, zone = self._table
        return _Where(float(lat[place]), float(lon[place]), int(zone[place]))


class _Where(NamedTuple):
    lat: float
    lon: float
    zone: int
