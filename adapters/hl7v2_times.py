"""Times of HL7 v2 (DTM, TS): to the texts that records are written in, and to instants."""

import re
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from slotengine.adapters import scalars
from slotengine.adapters.base import Warned
from slotengine.adapters.kinds import Kind
from slotengine.adapters.record import CLOCK_SKEW
from slotengine.adapters.scalars import BadValue

_DTM = re.compile(
    r"(?P<y>[0-9]{4})(?P<m>[0-9]{2})(?P<d>[0-9]{2})"
    r"(?:(?P<H>[0-9]{2})(?P<M>[0-9]{2})?(?P<S>[0-9]{2})?(?P<f>\.[0-9]{1,4})?)?"
    r"(?P<z>[+-][0-9]{4})?"
)
_YEAR_OR_MONTH = re.compile(r"[0-9]{4}(?:[0-9]{2})?(?:[+-][0-9]{4})?")

ISSUED_AT = "issued_at"


def written(text: str) -> str:
    """
    Gives a DTM as ISO 8601; what is none stays as it is, for the record to refuse.

    Examples
    --------
    >>> written("202611230930+0100"), written("20261123"), written("20261123093015.25")
    ('2026-11-23T09:30:00+01:00', '2026-11-23', '2026-11-23T09:30:15.25')
    """
    found = _DTM.fullmatch(text)
    if found is None:
        return text
    day = f"{found['y']}-{found['m']}-{found['d']}"
    if found["H"] is None:
        return day
    clock = f"T{found['H']}:{found['M'] or '00'}:{found['S'] or '00'}{found['f'] or ''}"
    zone = found["z"]
    return day + clock + (f"{zone[:3]}:{zone[3:]}" if zone else "")


def day_of(text: str) -> str:
    """Gives the date of a DTM without its time: the day of birth, whatever the hour."""
    return written(text)[: len("2026-11-23")] if _DTM.fullmatch(text) else text


def lacks_day(text: str) -> bool:
    """Tells a date that is known to the year or the month only."""
    return bool(_YEAR_OR_MONTH.fullmatch(text))


def later(text: str, span: timedelta) -> str:
    """Gives a DTM some time later, with the offset that it has; the text itself if it is none."""
    iso = written(text)
    try:
        return (datetime.fromisoformat(iso) + span).isoformat()
    except (ValueError, OverflowError):
        return text


def issued_at(
    text: str, zone: ZoneInfo, now: datetime
) -> tuple[datetime | None, tuple[Warned, ...]]:
    """
    Gives when a message was written, or a doubt: an order can't rest on a date alone.

    In the hour that clocks show twice, the later instant that is not in the future is meant: a
    message on the wire was written now. To refuse every message of that hour would lose them.
    """
    if not text:
        return None, (_doubt(Kind.MISSING),)
    found = _DTM.fullmatch(text)
    if found is None or found["M"] is None:
        return None, (_doubt(Kind.BAD_DATE),)
    iso = written(text)
    try:
        return scalars.instant(ISSUED_AT, iso, zone), ()
    except BadValue as bad:
        if bad.kind not in {Kind.AMBIGUOUS_TIME, Kind.NONEXISTENT_TIME}:
            return None, (_doubt(bad.kind),)
        kind = bad.kind
    local = datetime.fromisoformat(iso).replace(tzinfo=zone)
    first, second = (local.replace(fold=fold).astimezone(UTC) for fold in (0, 1))
    early, late = sorted((first, second))
    return late if late <= now + CLOCK_SKEW else early, (_doubt(kind),)


def _doubt(kind: Kind) -> Warned:
    return Warned(field=ISSUED_AT, kind=kind)
