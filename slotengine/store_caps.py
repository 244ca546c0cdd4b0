"""
What a booking costs its practitioner, and the most that one is given on a day and in a week.

The rules are those of the territory that owns the slot: a cap is a promise to its practitioner,
whoever sends the patient.
"""

from datetime import timedelta

from slotengine.codes import Mode
from slotengine.domain import Practitioner, Slot
from slotengine.policy import Policy
from slotengine.store_counters import Most

_MINUTE = timedelta(minutes=1)


def effort_minutes(policy: Policy, slot: Slot, *, mode: Mode, first: bool) -> int:
    """
    Gives the effort of one booking on a slot, in minutes.

    Parameters
    ----------
    first
        Whether the patient's own practitioner, if any, is somebody else.

    Examples
    --------
    >>> from datetime import UTC, datetime
    >>> slot = Slot(id="s", territory="giennois", practitioner="d", site="t", capacity=2,
    ...     start=datetime(2026, 11, 23, 8, tzinfo=UTC), end=datetime(2026, 11, 23, 9, tzinfo=UTC))
    >>> effort_minutes(Policy(territory="giennois"), slot, mode=Mode.AMB, first=True)
    45
    """
    seat_minutes = -((slot.start - slot.end) // (_MINUTE * slot.capacity))
    return policy.effort.minutes(
        seat_minutes,
        first=first,
        home=mode is Mode.HH,
        late=slot.start.astimezone(policy.zone).time() >= policy.effort.late_from,
    )


def most_given(policy: Policy, practitioner: Practitioner) -> tuple[Most, Most]:
    """Gives the most a day and the most a week: the lower of the Policy's and the own."""
    caps = policy.caps
    return (
        Most(
            _lower(caps.bookings_per_day, practitioner.max_bookings_per_day),
            _lower(caps.effort_minutes_per_day, practitioner.max_effort_minutes_per_day),
        ),
        Most(
            _lower(caps.bookings_per_week, practitioner.max_bookings_per_week),
            _lower(caps.effort_minutes_per_week, practitioner.max_effort_minutes_per_week),
        ),
    )


def _lower(*limits: int | None) -> int | None:
    return min((limit for limit in limits if limit is not None), default=None)
