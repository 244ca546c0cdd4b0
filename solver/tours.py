"""
Home visits of one practitioner: care at one place, then the way by car to the next.

Two bookings are at peace when the practitioner can do both. The question is asked of pairs of
bookings, so that a tour of any length is one because each two of its stops are.
"""

from typing import NamedTuple

import numpy as np

from slotengine.codes import Mode
from slotengine.solver.columns import MINUTE_US, NO_PLACE, Columns
from slotengine.solver.costs import MODE_ORDER
from slotengine.solver.encoding import Flags, Indices, Ints
from slotengine.solver.pin_rules import car_minutes

ANYWHERE = -1
"""Place of a video booking, and of a patient whose home nobody knows: it hinders nothing."""


class Stop(NamedTuple):
    """
    One booking on a practitioner's way.

    ``place`` is an index into the places of ``Columns.pinned``, where each place is listed once:
    coordinates and zone are equal only where indices are. ``ANYWHERE`` where there is none.
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
            site = columns.pinned.site_place[columns.slot_site[slot]]
            return Stop(slot, start, end, int(site), home=False)
        home = int(columns.referral_place[row])
        place = ANYWHERE if home == NO_PLACE else home
        return Stop(slot, start, max(end, start + self._care_us), place, home=True)

    def at_peace(self, one: Stop, other: Stop) -> bool:
        """Tells whether a practitioner can do both bookings."""
        if not (one.home or other.home) or ANYWHERE in (one.place, other.place):
            return True
        if one.slot == other.slot:
            return one.place == other.place
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
        sites = columns.pinned.site_place[columns.slot_site[slot]]
        place = np.where(home, columns.referral_place[row], sites)
        nowhere = (mode == MODE_ORDER.index(Mode.VR)) | (home & (place == NO_PLACE))
        starts = columns.slot_start_us[slot]
        busy = np.maximum(columns.slot_end_us[slot], starts + home * self._care_us)
        minutes = self._journeys(place)
        in_time = busy[:, None] + minutes * MINUTE_US <= starts[None, :]
        same = slot[:, None] == slot
        fits = np.where(same, place[:, None] == place, in_time | in_time.T)
        either = home[:, None] | home
        free = nowhere[:, None] | nowhere
        peace: Flags = fits | ~either | free
        return peace

    def car_minutes(self, start: int, goal: int) -> int:
        """Gives whole minutes by car from place to place; ``FAR`` where there is no way."""
        known = self._minutes.get((start, goal))
        if known is None:
            ends = (np.array([place], dtype=np.int32) for place in (start, goal))
            known = self._minutes[start, goal] = int(car_minutes(self._columns, *ends)[0])
        return known

    def _journeys(self, place: Indices) -> Ints:
        """Gives minutes by car from each of some places to each other; any where one is none."""
        known, at = np.unique(np.maximum(place, 0), return_inverse=True)
        start, goal = np.repeat(known, len(known)), np.tile(known, len(known))
        minutes = car_minutes(self._columns, start, goal).reshape(len(known), len(known))
        return minutes[np.ix_(at, at)]
