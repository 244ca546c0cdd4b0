"""
iCalendar text cut into events before a library reads it: a bad one costs itself only.

Of an event only times and what marks it as reserved are kept; descriptions, attendees and places
may name patients and go no further.
"""

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from zoneinfo import ZoneInfo

from slotengine.adapters.base import MAX_DOCUMENT_BYTES, MAX_FIELD_CHARS, PAYLOAD
from slotengine.adapters.kinds import Kind
from slotengine.adapters.lines import BOM, Payload, decoded
from slotengine.errors import ReferralFormatError

MAX_EVENTS = 20_000
"""Events of one calendar: a practice's appointments of a year. Our choice."""

MAX_DATES_CHARS = 20_000
"""Characters of a line of dates (EXDATE, RDATE): some 1,000 of them. Our choice."""

MAX_ZONES = 20
"""Time zones that one calendar may define. Our choice."""

MAX_ZONE_LINES = 200
"""Lines of one time zone's definition. Our choice."""

READ = frozenset(
    {
        *("DTSTART", "DTEND", "DURATION", "RRULE", "RDATE", "EXDATE", "RECURRENCE-ID", "UID"),
        *("STATUS", "TRANSP", "CLASS", "CATEGORIES", "SUMMARY", "SEQUENCE"),
    }
)
"""What is read of an event."""

_DATES = frozenset({"RDATE", "EXDATE"})
_FOLD = re.compile(r"\r?\n[ \t]|\r[ \t]")
_LINE = re.compile(
    r"(?P<name>[A-Za-z0-9-]+)(?P<params>(?:;[A-Za-z0-9-]+=(?:\"[^\"]*\"|[^\";:]*))*):(?P<value>.*)",
    re.DOTALL,
)
_TZID = re.compile(r";TZID=(?:\"([^\"]*)\"|([^\";:]*))", re.IGNORECASE)
_YEARLY = re.compile(
    r"FREQ=YEARLY(?:;(?:BYMONTH=[0-9]{1,2}|BYDAY=[+-]?[0-9][A-Z]{2}|INTERVAL=1|WKST=[A-Z]{2}"
    r"|UNTIL=[0-9]{8}(?:T[0-9]{6}Z?)?))*"
)


@dataclass
class RawEvent:
    """The lines of an event that are read, the line it begins on, and its fault."""

    line: int
    lines: list[tuple[str, str, str]] = field(default_factory=list)
    raw: list[str] = field(default_factory=list)
    fault: tuple[str, Kind] | None = None

    def value(self, name: str) -> str | None:
        """Gives the value of a property, or None."""
        return next((value for found, _, value in self.lines if found == name), None)

    def has(self, name: str) -> bool:
        """Tells whether a property stands there."""
        return any(found == name for found, _, _ in self.lines)

    def zones(self) -> set[str]:
        """Gives the names of the time zones it refers to."""
        return {zone for _, params, _ in self.lines if (zone := zone_named(params))}

    def text(self, names: dict[str, str]) -> list[str]:
        """Gives the lines for a calendar of its own, its time zones by other names."""
        return [
            "BEGIN:VEVENT",
            *(f"{name}{_renamed(params, names)}:{value}" for name, params, value in self.lines),
            "END:VEVENT",
        ]

    @property
    def bytes(self) -> bytes:
        """The event as it came."""
        return "\r\n".join([*self.raw, ""]).encode()


@dataclass
class RawCalendar:
    """The events of a calendar, the time zones that it defines, and whether it cancels."""

    events: list[RawEvent] = field(default_factory=list)
    zones: dict[str, list[str]] = field(default_factory=dict)
    cancels: bool = False
    complete: bool = True


def zone_named(params: str) -> str | None:
    """Gives the TZID among the parameters of a property."""
    found = _TZID.search(params)
    return None if found is None else (found[1] or found[2] or None)


def _renamed(params: str, names: dict[str, str]) -> str:
    zone = zone_named(params)
    if zone is None or zone not in names:
        return params
    return _TZID.sub(f";TZID={names[zone]}", params)


def is_known_zone(name: str) -> bool:
    """Tells whether a time zone is one of the IANA's."""
    try:
        ZoneInfo(name)
    except (ValueError, OSError, LookupError):
        return False
    return True


def scanned(payload: Payload, adapter: str) -> RawCalendar:
    """
    Cuts a calendar into events.

    Raises
    ------
    ReferralFormatError
        When it is empty, too large, no text, or no calendar.
    """
    data = payload.whole(MAX_DOCUMENT_BYTES)
    if data is None:
        raise ReferralFormatError(adapter, PAYLOAD, Kind.TOO_LARGE)
    text = decoded(data.removeprefix(BOM))
    if text is None:
        raise ReferralFormatError(adapter, PAYLOAD, Kind.BAD_ENCODING)
    if not text.strip():
        raise ReferralFormatError(adapter, PAYLOAD, Kind.EMPTY)
    if not text.lstrip().upper().startswith("BEGIN:VCALENDAR"):
        raise ReferralFormatError(adapter, PAYLOAD, Kind.UNKNOWN_FORMAT)
    return _Scanner().read(text)


class _Scanner:
    """Follows BEGIN and END; what is nested in an event (alarms) is passed over."""

    def __init__(self) -> None:
        self._found = RawCalendar()
        self._inside: list[str] = []
        self._event: RawEvent | None = None
        self._zone: list[str] = []
        self._ended = False

    def read(self, text: str) -> RawCalendar:
        for number, line in _unfolded(text):
            if self._event is not None:
                self._event.raw.append(line)
            name, _, rest = line.partition(":")
            match name.strip().upper():
                case "BEGIN":
                    self._begin(rest.strip().upper(), number, line)
                case "END":
                    self._end(rest.strip().upper(), line)
                case _:
                    self._property(line)
            if len(self._found.events) > MAX_EVENTS:
                self._found.complete = False
                return self._found
        # A file that was cut off says END:VCALENDAR no more.
        self._found.complete = self._ended and not self._inside
        return self._found

    def _begin(self, what: str, number: int, line: str) -> None:
        self._inside.append(what)
        if what == "VEVENT" and self._event is None:
            self._event = RawEvent(number, raw=[line])
            self._found.events.append(self._event)
        elif "VTIMEZONE" in self._inside:
            self._zone = [line] if what == "VTIMEZONE" else [*self._zone, line]

    def _end(self, what: str, line: str) -> None:
        if what in self._inside:
            while self._inside.pop() != what:
                pass
        if "VEVENT" not in self._inside:
            self._event = None
        if what == "VCALENDAR":
            self._ended = True
        elif what == "VTIMEZONE":
            self._keep_zone([*self._zone, line])
        elif "VTIMEZONE" in self._inside:
            self._zone.append(line)

    def _property(self, line: str) -> None:
        if "VTIMEZONE" in self._inside:
            if len(self._zone) < MAX_ZONE_LINES:
                self._zone.append(line)
            return
        if self._event is None:
            if self._inside == ["VCALENDAR"] and line.strip().upper() == "METHOD:CANCEL":
                self._found.cancels = True
            return
        if self._inside[-1] != "VEVENT":
            return
        found = _LINE.fullmatch(line)
        if found is None or (name := found["name"].upper()) not in READ:
            return
        if name == "SUMMARY":
            self._event.lines.append((name, "", found["value"][:MAX_FIELD_CHARS]))
        elif len(line) > (MAX_DATES_CHARS if name in _DATES else MAX_FIELD_CHARS):
            self._event.fault = (FIELD_OF.get(name, name.lower()), Kind.TOO_LONG)
        else:
            self._event.lines.append((name, found["params"], found["value"]))

    def _keep_zone(self, lines: list[str]) -> None:
        name = next(
            (line.partition(":")[2] for line in lines if line.upper().startswith("TZID")), ""
        )
        rules = [line.partition(":")[2] for line in lines if line.upper().startswith("RRULE")]
        # A zone whose clocks change every second would never be worked out.
        sane = len(lines) < MAX_ZONE_LINES and all(_YEARLY.fullmatch(rule) for rule in rules)
        if name and sane and len(self._found.zones) < MAX_ZONES:
            self._found.zones[name] = lines
        self._zone = []


FIELD_OF = {"DTSTART": "start", "DTEND": "end", "DURATION": "minutes", "RRULE": "repeat"}
"""Property to the name of the field in faults."""


def _unfolded(text: str) -> Iterator[tuple[int, str]]:
    """Gives logical lines with the physical line that each begins on."""
    number = 1
    for line in re.split(r"\r\n|\n|\r", _FOLD.sub("\x00", text)):
        yield number, line.replace("\x00", "")
        number += 1 + line.count("\x00")


def own_zone(lines: list[str]) -> tuple[str, list[str]]:
    """
    Gives a defined time zone under a name made of what it says.

    The library remembers zones by name for the life of the process: two calendars may each define
    a "Paris" of their own.
    """
    digest = hashlib.blake2b("\n".join(lines).encode(), digest_size=8).hexdigest()
    name = f"x-{digest}"
    return name, [f"TZID:{name}" if ln.upper().startswith("TZID") else ln for ln in lines]
