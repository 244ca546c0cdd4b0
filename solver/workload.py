"""
How much each practitioner may still be given: days, weeks, what pins took of them, what is left.

Caps count bookings and effort minutes over a practitioner's local day and ISO week. The arrays are
read by the rule between one referral and the pins, and by whatever keeps a whole plan under them.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np

from slotengine.codes import Mode, SlotState
from slotengine.domain import Practitioner, Slot
from slotengine.policy import Policy
from slotengine.problem import Problem
from slotengine.solver.encoding import Flags, Indices, Ints, distinct, flags, ints

MINUTE = timedelta(minutes=1)

UNLIMITED = 1 << 53
"""Room where there is no cap: above every sum of efforts, and still whole in a double."""


@dataclass(frozen=True, eq=False, slots=True)
class Workload:
    """
    S slots, P practitioners, D days and W weeks with a slot, pinned slots included.

    A day is one practitioner's local date, a week one practitioner's ISO week; both are numbered in
    the order in which the Problem's slots come to them.

    ``slot_day``, ``slot_week`` (S,) int32 index of the slot's day and week; ``slot_seat_minutes``
    (S,) int64 whole minutes of one seat, at least 1; ``slot_late`` (S,) flags of slots that start
    late in local time.

    ``day_bookings_left`` (D,), ``week_bookings_left`` (W,) int64 bookings, ``day_effort_left``
    (D,), ``week_effort_left`` (W,) int64 effort minutes that the lower cap leaves beside the pins:
    never below 0, ``UNLIMITED`` without cap. ``capped`` tells whether any of them is limited.

    ``offered`` (P,) int64 minutes of all seats of the open slots, at least 1, and
    ``pinned_effort`` (P,) int64 effort minutes of the pins, practitioners in the Problem's order.
    """

    slot_day: Indices
    slot_week: Indices
    slot_seat_minutes: Ints
    slot_late: Flags
    day_bookings_left: Ints
    day_effort_left: Ints
    week_bookings_left: Ints
    week_effort_left: Ints
    capped: bool
    offered: Ints
    pinned_effort: Ints

    def slot_effort_left(self) -> Ints:
        """Gives the most effort that one more booking may have, (S,); 0 where none may be added."""
        bookings = np.minimum(
            self.day_bookings_left[self.slot_day], self.week_bookings_left[self.slot_week]
        )
        effort = np.minimum(
            self.day_effort_left[self.slot_day], self.week_effort_left[self.slot_week]
        )
        return np.where(bookings > 0, effort, 0)


def workload(problem: Problem) -> Workload:
    """Reads days, weeks, caps and pins of a Problem."""
    policy, slots = problem.policy, problem.slots
    givers = {one.id: one for one in problem.practitioners}
    starts, start = distinct(slot.start for slot in slots)
    local = [instant.astimezone(policy.zone) for instant in starts]
    of_start = start.tolist()
    # Many slots start together, and the clock of a time zone is slow to read.
    dates = [instant.date() for instant in local]
    weeks = [_iso_week(day) for day in dates]
    days, slot_day = distinct(
        (slot.practitioner, dates[at]) for slot, at in zip(slots, of_start, strict=True)
    )
    spans, slot_week = distinct(
        (slot.practitioner, weeks[at]) for slot, at in zip(slots, of_start, strict=True)
    )
    late = [instant.time() >= policy.effort.late_from for instant in local]
    slot_late = flags(late[at] for at in of_start)
    slot_minutes = ints(_seat_minutes(slot) for slot in slots)

    index = {slot.id: at for at, slot in enumerate(slots)}
    pinned = ints(index[pin.slot] for pin in problem.pins)
    effort = ints(
        policy.effort.minutes(
            int(slot_minutes[at]),
            first=pin.first_visit,
            home=pin.mode is Mode.HH,
            late=bool(slot_late[at]),
        )
        for pin, at in zip(problem.pins, pinned.tolist(), strict=True)
    )
    booked = np.ones(len(pinned), dtype=np.int64)
    day_caps = [_day_caps(policy, givers[one]) for one, _ in days]
    week_caps = [_week_caps(policy, givers[one]) for one, _ in spans]
    by_day, by_week = slot_day[pinned], slot_week[pinned]
    day_bookings = _left(ints(cap for cap, _ in day_caps), by_day, booked)
    day_effort = _left(ints(cap for _, cap in day_caps), by_day, effort)
    week_bookings = _left(ints(cap for cap, _ in week_caps), by_week, booked)
    week_effort = _left(ints(cap for _, cap in week_caps), by_week, effort)
    room = (day_bookings, day_effort, week_bookings, week_effort)

    position = {one.id: at for at, one in enumerate(problem.practitioners)}
    practitioner = ints(position[slot.practitioner] for slot in slots)
    is_open = flags(slot.state is SlotState.OPEN for slot in slots)
    minutes_offered = ints(slot.capacity for slot in slots) * slot_minutes * is_open
    return Workload(
        slot_day=slot_day,
        slot_week=slot_week,
        slot_seat_minutes=slot_minutes,
        slot_late=slot_late,
        day_bookings_left=day_bookings,
        day_effort_left=day_effort,
        week_bookings_left=week_bookings,
        week_effort_left=week_effort,
        capped=any(bool((left < UNLIMITED).any()) for left in room),
        offered=np.maximum(1, _summed(len(position), practitioner, minutes_offered)),
        pinned_effort=_summed(len(position), practitioner[pinned], effort),
    )


def _iso_week(day: date) -> tuple[int, int]:
    # The ISO year too: the last days of December may lie in week 1 of the next.
    year, week, _ = day.isocalendar()
    return year, week


def _seat_minutes(slot: Slot) -> int:
    return -(-(slot.end - slot.start) // (MINUTE * slot.capacity))


def _day_caps(policy: Policy, giver: Practitioner) -> tuple[int, int]:
    caps = policy.caps
    return (
        _lower((caps.bookings_per_day, giver.max_bookings_per_day)),
        _lower((caps.effort_minutes_per_day, giver.max_effort_minutes_per_day)),
    )


def _week_caps(policy: Policy, giver: Practitioner) -> tuple[int, int]:
    caps = policy.caps
    return (
        _lower((caps.bookings_per_week, giver.max_bookings_per_week)),
        _lower((caps.effort_minutes_per_week, giver.max_effort_minutes_per_week)),
    )


def _lower(caps: Iterable[int | None]) -> int:
    return min((UNLIMITED, *(cap for cap in caps if cap is not None)))


def _left(caps: Ints, period: Indices, taken: Ints) -> Ints:
    # Where pins alone pass a cap nothing is left, and that is no violation.
    left: Ints = np.maximum(0, caps - _summed(len(caps), period, taken))
    return np.where(caps == UNLIMITED, UNLIMITED, left)


def _summed(size: int, index: Indices | Ints, amount: Ints) -> Ints:
    # Summed as doubles, which are exact up to 2**53 minutes, and many times faster than add.at.
    total: Ints = np.bincount(index, weights=amount, minlength=size).astype(np.int64)
    return total
