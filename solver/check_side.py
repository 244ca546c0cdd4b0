"""
What several bookings do to each other, a second time: effort, caps, ways between visits, runs.

Only questions about bookings, made or planned; who asks them of what is for ``check_rules`` (one
pair beside the pins) and ``check_together`` (a whole plan).
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import timedelta
from itertools import pairwise
from typing import NamedTuple

from slotengine.codes import Mode
from slotengine.domain import Location, Practitioner, Referral, Site, Slot, by_id
from slotengine.problem import Pin, Problem
from slotengine.side_constraints import Period
from slotengine.solver.check_figures import MINUTE
from slotengine.solver.check_travel import Roads, ceil_div

WHOLE = 100
"""Percent of a booking's effort that the seat's own minutes make."""


class Booking(NamedTuple):
    """A booking as side constraints see it; ``place`` is where the practitioner is during it."""

    slot: Slot
    mode: Mode
    place: Location | None
    effort_minutes: int


class Span(NamedTuple):
    """The local day or ISO week of one practitioner, over which caps count."""

    practitioner: str
    period: Period
    name: str


class Cap(NamedTuple):
    """The most bookings and effort minutes of a span; None is without limit."""

    bookings: int | None
    effort_minutes: int | None


class Side:
    """Answers what bookings of one problem do to each other."""

    def __init__(self, problem: Problem, roads: Roads) -> None:
        self.policy = problem.policy
        self.slots = by_id(problem.slots)
        self._roads = roads
        self._sites: dict[str, Site] = by_id(problem.sites)
        self._zone = problem.policy.zone
        self._spans: dict[str, tuple[Span, Span]] = {}
        self._caps = {
            (one.id, period): cap
            for one in problem.practitioners
            for period in Period
            if (cap := self._cap(one, period)) != (None, None)
        }
        self.pinned = [self._made(pin) for pin in problem.pins]

    @property
    def capped(self) -> bool:
        """Whether anybody has a cap at all."""
        return bool(self._caps)

    def cap(self, span: Span) -> Cap:
        """Gives the cap of a span."""
        return self._caps.get((span.practitioner, span.period), Cap(None, None))

    def booking(self, referral: Referral, slot: Slot, mode: Mode) -> Booking:
        """Gives the booking that a referral would have on a slot in a mode."""
        first = referral.patient.own_practitioner != slot.practitioner
        return self._booking(slot, mode, referral.patient.location, first=first)

    def spans(self, slot: Slot) -> tuple[Span, Span]:
        """Gives the day and the week in which a slot counts, by local time of its start."""
        if slot.id not in self._spans:
            day = slot.start.astimezone(self._zone).date()
            year, week, _ = day.isocalendar()
            self._spans[slot.id] = (
                Span(slot.practitioner, Period.DAY, day.isoformat()),
                Span(slot.practitioner, Period.WEEK, f"{year}-W{week:02}"),
            )
        return self._spans[slot.id]

    def at_peace(self, one: Booking, other: Booking) -> bool:
        """Tells whether one practitioner can do both bookings, the way between them included."""
        home_visits = self.policy.home_visits
        modes = (one.mode, other.mode)
        if home_visits is None or Mode.HH not in modes or Mode.VR in modes:
            return True
        if one.place is None or other.place is None:
            return True
        if one.slot.id == other.slot.id:
            return _one_place(one.place, other.place)
        if other.slot.start < one.slot.start:
            return self.at_peace(other, one)
        minutes = self._roads.car_minutes(one.place, other.place)
        leaves = one.slot.end
        if one.mode is Mode.HH:
            leaves = max(leaves, one.slot.start + home_visits.care_minutes * MINUTE)
        return minutes is not None and leaves + minutes * MINUTE <= other.slot.start

    def run(self, slots: Sequence[Slot]) -> bool:
        """Tells whether slots follow one another closely enough for siblings."""
        gap = self.policy.groups.gap_minutes * MINUTE
        # Seats of one slot are side by side: only different slots can lie apart.
        different = {slot.id: slot for slot in slots}.values()
        in_order = sorted(different, key=lambda slot: (slot.start, slot.id))
        return all(after.start - before.end <= gap for before, after in pairwise(in_order))

    def _cap(self, practitioner: Practitioner, period: Period) -> Cap:
        caps = self.policy.caps
        if period is Period.DAY:
            return Cap(
                _lower(caps.bookings_per_day, practitioner.max_bookings_per_day),
                _lower(caps.effort_minutes_per_day, practitioner.max_effort_minutes_per_day),
            )
        return Cap(
            _lower(caps.bookings_per_week, practitioner.max_bookings_per_week),
            _lower(caps.effort_minutes_per_week, practitioner.max_effort_minutes_per_week),
        )

    def _made(self, pin: Pin) -> Booking:
        slot = self.slots[pin.slot]
        return self._booking(slot, pin.mode, pin.location, first=pin.first_visit)

    def _booking(self, slot: Slot, mode: Mode, home: Location | None, *, first: bool) -> Booking:
        place = home if mode is Mode.HH else self._sites[slot.site].location
        weights = self.policy.effort
        percent = WHOLE
        if first:
            percent += weights.first_visit
        if mode is Mode.HH:
            percent += weights.home_visit
        if slot.start.astimezone(self._zone).time() >= weights.late_from:
            percent += weights.late
        return Booking(slot, mode, place, ceil_div(seat_minutes(slot) * percent, WHOLE))


class Load:
    """How many bookings and effort minutes lie on each span."""

    def __init__(self, side: Side, bookings: Iterable[Booking] = ()) -> None:
        self._side = side
        self._bookings: Counter[Span] = Counter()
        self._effort: Counter[Span] = Counter()
        for booking in bookings:
            self.add(booking)

    def add(self, booking: Booking) -> None:
        """Counts one more booking."""
        for span in self._side.spans(booking.slot):
            self._bookings[span] += 1
            self._effort[span] += booking.effort_minutes

    def remove(self, booking: Booking) -> None:
        """Counts a booking no longer."""
        for span in self._side.spans(booking.slot):
            self._bookings[span] -= 1
            self._effort[span] -= booking.effort_minutes

    def room_for(self, booking: Booking) -> bool:
        """Tells whether one more booking keeps every cap of its day and its week."""
        return all(
            _at_most(self._bookings[span] + 1, cap.bookings)
            and _at_most(self._effort[span] + booking.effort_minutes, cap.effort_minutes)
            for span in self._side.spans(booking.slot)
            if (cap := self._side.cap(span)) != (None, None)
        )

    def over(self) -> Iterator[tuple[Span, str]]:
        """Gives each span whose cap is passed, with what is said about it."""
        for span in sorted(self._bookings):
            cap = self._side.cap(span)
            bookings, effort = self._bookings[span], self._effort[span]
            if not _at_most(bookings, cap.bookings):
                yield span, f"{bookings} bookings, at most {cap.bookings}"
            if not _at_most(effort, cap.effort_minutes):
                yield span, f"{effort} effort minutes, at most {cap.effort_minutes}"


def seat_minutes(slot: Slot) -> int:
    """Gives a seat's share of its slot in whole minutes, rounded up."""
    return -(-(slot.end - slot.start) // (slot.capacity * MINUTE))


def in_time(before: Slot, after: Slot, least: timedelta, most: timedelta) -> bool:
    """Tells whether a pathway's step comes neither too soon nor too late after the one before."""
    return least <= after.start - before.end <= most


def _one_place(here: Location, there: Location) -> bool:
    return (here.lat, here.lon, here.matrix_zone) == (there.lat, there.lon, there.matrix_zone)


def _lower(one: int | None, other: int | None) -> int | None:
    given = [cap for cap in (one, other) if cap is not None]
    return min(given, default=None)


def _at_most(figure: int, cap: int | None) -> bool:
    return cap is None or figure <= cap
