"""
Instants as the national platform writes and reads them.

Written with milliseconds and a numeric offset: ``Z`` is refused by its test kit. Read from queries
in which the ``+`` of an offset may have become a space.
"""

import re
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

_LOST_PLUS = re.compile(r" (?=\d\d:?\d\d$)")
_INSTANT = re.compile(
    r"\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?(?:Z|[+-]\d\d:?\d\d)", re.ASCII
)
_DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_FINEST = re.compile(r"(\.\d{6})\d+")
"""Digits beyond a microsecond, which Python does not keep."""


def written(instant: datetime, zone: ZoneInfo) -> str:
    """
    Gives an instant in a zone with milliseconds and a numeric offset, never ``Z``.

    Examples
    --------
    >>> written(datetime(2026, 11, 23, 8, tzinfo=UTC), ZoneInfo("Europe/Paris"))
    '2026-11-23T09:00:00.000+01:00'
    >>> written(datetime(2026, 11, 23, 8, tzinfo=UTC), ZoneInfo("UTC"))
    '2026-11-23T08:00:00.000+00:00'
    """
    return instant.astimezone(zone).isoformat(timespec="milliseconds")


def read_bound(text: str, zone: ZoneInfo, *, last: bool) -> datetime | None:
    """
    Gives the instant of a bound in a query, or None where it can't be read.

    A day stands for its first instant, or with ``last`` for its last microsecond, in ``zone``. A
    time without its offset is refused, as FHIR does.

    Examples
    --------
    >>> read_bound("2024-06-12T16:20:00.000 02:00", ZoneInfo("Europe/Paris"), last=False)
    datetime.datetime(2024, 6, 12, 14, 20, tzinfo=datetime.timezone.utc)
    """
    repaired = _LOST_PLUS.sub("+", text.strip())
    try:
        if _INSTANT.fullmatch(repaired):
            return datetime.fromisoformat(_FINEST.sub(r"\1", repaired)).astimezone(UTC)
        if _DAY.fullmatch(repaired):
            day = date.fromisoformat(repaired)
            first = datetime.combine(day, time.min, zone).astimezone(UTC)
            if not last:
                return first
            following = datetime.combine(day + timedelta(days=1), time.min, zone)
            return following.astimezone(UTC) - datetime.resolution
    except (ValueError, OverflowError):
        return None
    return None
