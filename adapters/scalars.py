"""One text of a record to one value: numbers, dates, times, identifiers."""

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from enum import StrEnum
from typing import TypeVar
from zoneinfo import ZoneInfo

from slotengine.adapters.fields import plain
from slotengine.adapters.kinds import Kind
from slotengine.adapters.registered import person_id

_Code = TypeVar("_Code", bound=StrEnum)

FIRST_YEAR, LAST_YEAR = 2000, 2100
"""Years that a time of a referral may lie in; outside is a typing error."""

MAX_OFFSET = timedelta(hours=14)
"""The largest offset from UTC that any place uses (Kiribati)."""

MICROSECOND_DIGITS = 6

_NUMBER = re.compile(r"[+-]?[0-9]{1,12}(?:[.,][0-9]{1,20})?(?:[eE][+-]?[0-9]{1,3})?")
_SPACES = re.compile(r"[\s\u00a0\u202f]+")
_DATE = (
    r"(?:(?P<y>[0-9]{4})-(?P<m>[0-9]{1,2})-(?P<d>[0-9]{1,2})"
    r"|(?P<d2>[0-9]{1,2})/(?P<m2>[0-9]{1,2})/(?P<y2>[0-9]{4}))"
)
_CLOCK = (
    r"(?P<H>[0-9]{1,2})(?:\s?[hH]\s?(?P<M>[0-9]{2})?"
    r"|:(?P<M2>[0-9]{2})(?::(?P<S>[0-9]{2})(?:[.,](?P<f>[0-9]{1,9}))?)?)"
)
_OFFSET = r"(?P<z>[zZ]|(?P<sign>[+-])(?P<oh>[0-9]{2}):?(?P<om>[0-9]{2})?)"
_DAY = re.compile(_DATE)
_MIDNIGHT = re.compile(r"[T ]00:00(?::00(?:\.0+)?)?$")
_INSTANT = re.compile(_DATE + r"(?:\s*[Tà]\s*|\s+)" + _CLOCK + r"\s*" + _OFFSET + r"?")
_ID = re.compile(r"[\x21-\x7e]{1,120}")
_SPREADSHEET = re.compile(r"[0-9](?:[.,][0-9]+)?[eE]\+[0-9]+")
_INSEE = re.compile(r"[0-9]{5}|2[AB][0-9]{3}")
_INSEE_DIGITS = 5
_POSTCODE = re.compile(r"[0-9]{5}")
_POSTCODE_DIGITS = 5
_COUNTRY = re.compile(r"f(?:r|rance)?[ -]*(?=[0-9])", re.IGNORECASE)
_AGE = re.compile(
    r"p?(?P<count>[0-9]{1,5})(?:[.,]0+)? ?"
    r"(?P<unit>y|m|w|d|ans?|mois|semaines?|jours?|years?|months?|weeks?|days?)?",
    re.IGNORECASE,
)
_PER_YEAR = {"y": 1, "a": 1, "m": 12, "w": 52.1775, "s": 52.1775, "d": 365.2425, "j": 365.2425}
"""How many of a unit, known by its first letter, are a year (Gregorian mean)."""


class BadValue(Exception):  # noqa: N818 - not an error of the caller: it never leaves this room
    """A field that can't be read; caught where the record becomes ``Rejected``."""

    def __init__(self, field: str, kind: Kind) -> None:
        super().__init__(field, kind)
        self.field = field
        self.kind = kind


def number(field: str, text: str) -> Decimal:
    """Gives a number written with a point or a comma; never infinite."""
    bare = _SPACES.sub("", text)
    if not _NUMBER.fullmatch(bare):
        raise BadValue(field, Kind.BAD_NUMBER)
    return Decimal(bare.replace(",", "."))


def whole(field: str, text: str, *, low: int, high: int) -> int:
    """Gives a whole number between limits, both allowed."""
    value = number(field, text)
    if value != value.to_integral_value():
        raise BadValue(field, Kind.BAD_NUMBER)
    if not low <= value <= high:
        raise BadValue(field, Kind.OUT_OF_RANGE)
    return int(value)


def coded(field: str, text: str, table: Mapping[str, _Code]) -> _Code:
    """Gives the code that a word of a table means."""
    code = table.get(plain(text))
    if code is None:
        raise BadValue(field, Kind.UNKNOWN_CODE)
    return code


def _date_of(field: str, found: re.Match[str]) -> date:
    year, month, day = (found[a] or found[b] for a, b in (("y", "y2"), ("m", "m2"), ("d", "d2")))
    try:
        return date(int(year), int(month), int(day))
    except ValueError:
        raise BadValue(field, Kind.BAD_DATE) from None


def day(field: str, text: str) -> date:
    """Gives a date written as 1948-05-31 or 31/05/1948; a spreadsheet's midnight is left out."""
    found = _DAY.fullmatch(_MIDNIGHT.sub("", text))
    if found is None:
        raise BadValue(field, Kind.BAD_DATE)
    return _date_of(field, found)


def instant(field: str, text: str, zone: ZoneInfo, *, ends: bool | None = None) -> datetime:
    """
    Gives an instant in UTC; a time without an offset is the territory's own.

    A local time that occurs twice or never is refused, not guessed: an hour is more than some
    deadlines have left, and whoever writes the offset is understood.

    Parameters
    ----------
    ends
        What a date without a time means: its first instant (False), the instant after it (True),
        or nothing (None, the default: it is refused).
    """
    bare_day = _DAY.fullmatch(text) if ends is not None else None
    if bare_day is not None:
        local = datetime.combine(_date_of(field, bare_day), time.min)
        _in_years(field, local)
        return (local + timedelta(days=int(bool(ends)))).replace(tzinfo=zone).astimezone(UTC)
    found = _INSTANT.fullmatch(text)
    if found is None:
        raise BadValue(field, Kind.BAD_DATE)
    fraction = (found["f"] or "0").ljust(MICROSECOND_DIGITS, "0")[:MICROSECOND_DIGITS]
    hour, minute, second = (
        int(part or 0) for part in (found["H"], found["M"] or found["M2"], found["S"])
    )
    try:
        clock = time(hour, minute, second, int(fraction))
    except ValueError:
        raise BadValue(field, Kind.BAD_DATE) from None
    local = datetime.combine(_date_of(field, found), clock)
    _in_years(field, local)
    if found["z"]:
        return local.replace(tzinfo=_offset(field, found)).astimezone(UTC)
    return localised(field, local, zone)


def localised(field: str, local: datetime, zone: ZoneInfo) -> datetime:
    """Gives the one instant that a local time means."""
    first, second = (local.replace(tzinfo=zone, fold=fold).utcoffset() for fold in (0, 1))
    if first is not None and second is not None and first != second:
        # Clocks set back leave the larger offset first; set forward, the smaller.
        twice = first > second
        raise BadValue(field, Kind.AMBIGUOUS_TIME if twice else Kind.NONEXISTENT_TIME)
    return local.replace(tzinfo=zone).astimezone(UTC)


def _in_years(field: str, local: datetime) -> None:
    if not FIRST_YEAR <= local.year <= LAST_YEAR:
        raise BadValue(field, Kind.OUT_OF_RANGE)


def _offset(field: str, found: re.Match[str]) -> timezone:
    if found["sign"] is None:
        return UTC
    span = timedelta(hours=int(found["oh"]), minutes=int(found["om"] or 0))
    if span > MAX_OFFSET:
        raise BadValue(field, Kind.BAD_DATE)
    return timezone(-span if found["sign"] == "-" else span)


def unspoilt(field: str, text: str) -> str:
    """Gives a text back, unless a spreadsheet turned it (and many others) into 1,23E+14."""
    if _SPREADSHEET.fullmatch(text):
        raise BadValue(field, Kind.SPREADSHEET_NUMBER)
    return text


def identifier(field: str, text: str) -> str:
    """Gives an id: printable ASCII without spaces."""
    if not _ID.fullmatch(unspoilt(field, text)):
        raise BadValue(field, Kind.BAD_IDENTIFIER)
    return text


def practitioner_id(field: str, text: str) -> str:
    """
    Gives an RPPS, without the leading 8 that national messages put before it.

    The check digit is not asked for (official samples fail it), but a digit is: a doctor's name
    is no id.
    """
    found = identifier(field, text)
    if not any(sign.isdigit() for sign in found):
        raise BadValue(field, Kind.BAD_IDENTIFIER)
    return person_id(found).value


def age(field: str, text: str, *, high: int) -> int:
    """
    Gives whole years of an age, said in years or as ISO 8601 in one unit.

    Examples
    --------
    >>> age("age", "P65Y", high=125), age("age", "P21M", high=125), age("age", "10 jours", high=125)
    (65, 1, 0)
    """
    found = _AGE.fullmatch(text)
    if found is None or (text[0] in "pP") != (len(found["unit"] or "") == 1):
        return whole(field, text, low=0, high=high)
    years = int(int(found["count"]) / _PER_YEAR[(found["unit"] or "y")[0].lower()])
    if years > high:
        raise BadValue(field, Kind.OUT_OF_RANGE)
    return years


def insee_code(field: str, text: str) -> str:
    """Gives an INSEE code; a spreadsheet's lost leading zero is put back."""
    code = text.upper()
    code = code.zfill(_INSEE_DIGITS) if len(code) == _INSEE_DIGITS - 1 else code
    if not _INSEE.fullmatch(code):
        raise BadValue(field, Kind.BAD_IDENTIFIER)
    return code


def postcode(field: str, text: str) -> str:
    """Gives a postcode; a spreadsheet's lost leading zero is put back, F- and spaces left out."""
    code = _SPACES.sub("", _COUNTRY.sub("", text, count=1))
    code = code.zfill(_POSTCODE_DIGITS) if len(code) == _POSTCODE_DIGITS - 1 else code
    if not _POSTCODE.fullmatch(code):
        raise BadValue(field, Kind.BAD_IDENTIFIER)
    return code
