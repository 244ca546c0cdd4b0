"""
When a territory is open, and when a referral is due.

French public holidays come from the ``holidays`` library; the subdivision is a département number
(``57`` for all of Alsace-Moselle; overseas ``971`` to ``974`` and ``976``), or none. A holiday is
closed all day.
"""

from datetime import UTC, date, datetime, timedelta
from functools import lru_cache

from slotengine.codes import Priority
from slotengine.errors import PolicyError
from slotengine.policy import Counting, Policy

SEARCH_DAYS = 120
"""Days to look ahead for opening time; no territory closes for longer than its longest deadline."""


@lru_cache(maxsize=64)
def _holidays(year: int, subdivision: str | None) -> frozenset[date]:
    # Opened here: importing `holidays` costs some 200 ms that most callers never need.
    import holidays

    try:
        return frozenset(holidays.country_holidays("FR", subdiv=subdivision, years=year))
    except NotImplementedError as unknown:
        raise PolicyError(f"policy field holiday_subdivision: {subdivision!r} is none") from unknown


def is_holiday(policy: Policy, day: date) -> bool:
    """
    Tells whether ``day`` is a public holiday of the territory.

    Raises
    ------
    PolicyError
        When the Policy's subdivision is unknown.
    """
    return day in _holidays(day.year, policy.holiday_subdivision)


def opening_spans(policy: Policy, day: date) -> list[tuple[datetime, datetime]]:
    """Gives the opening spans ``[start, end)`` of a local day, in UTC, sorted."""
    if is_holiday(policy, day):
        return []
    return sorted(
        (
            datetime.combine(day, hours.start, policy.zone).astimezone(UTC),
            datetime.combine(day, hours.end, policy.zone).astimezone(UTC),
        )
        for hours in policy.opening
        if hours.weekday == day.weekday()
    )


def is_open(policy: Policy, at: datetime) -> bool:
    """Tells whether the territory is open at an instant (start included, end excluded)."""
    local = at.astimezone(policy.zone).date()
    return any(start <= at < end for start, end in opening_spans(policy, local))


def open_hours(policy: Policy, begin: datetime, end: datetime) -> float:
    """Gives how long the territory is open between two instants, in hours."""
    day, last = begin.astimezone(policy.zone).date(), end.astimezone(policy.zone).date()
    open_time = timedelta()
    while day <= last:
        for opens, closes in opening_spans(policy, day):
            open_time += max(timedelta(), min(closes, end) - max(opens, begin))
        day += timedelta(days=1)
    return open_time / timedelta(hours=1)


def deadline(policy: Policy, priority: Priority, received_at: datetime) -> datetime:
    """
    Gives the last instant at which a seat may start.

    By the clock, or counting only opening time: a referral of 4 h received 30 minutes before
    closing is then due 3 h 30 min after the next opening. When the territory never opens within
    ``SEARCH_DAYS``, the clock decides: a deadline must exist.
    """
    span = policy.deadlines.of(priority)
    if policy.counting is Counting.ELAPSED:
        return received_at + span
    left = span
    day = received_at.astimezone(policy.zone).date()
    for _ in range(SEARCH_DAYS):
        for start, end in opening_spans(policy, day):
            begin = max(start, received_at)
            if begin >= end:
                continue
            if end - begin >= left:
                return begin + left
            left -= end - begin
        day += timedelta(days=1)
    return received_at + span
