"""
A series of events as instances, within a window and within a number of steps.

Whoever writes a calendar can write a rule that has a billion instances, or none for ever: rules
are bounded by the steps that working them out may take, which are the same on every machine.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, Protocol

from slotengine.adapters.agenda_ics_text import (
    FIELD_OF,
    RawEvent,
    is_known_zone,
    own_zone,
)
from slotengine.adapters.kinds import Kind
from slotengine.domain import TimeWindow

MAX_RULE_STEPS = 120_000
"""Steps of one rule: monthly to the year 9999 (0.5 s, measured), daily for 300. Our choice."""

MAX_STEPS = 2_000_000
"""Steps of a calendar: some 10 s, measured. Our choice."""

EVENT_STEPS = 100
"""Steps that reading one event costs, in the same unit (some 0.5 ms, measured)."""

MAX_TIMES_A_DAY = 96
"""Times a day that one rule may have: every quarter of an hour. Our choice."""

LAST_YEAR = 9_999
"""A rule that never comes true is followed to here by the library."""

DAYS_PER_YEAR = 366

FREQUENCIES: Mapping[str, int] = {"DAILY": 1, "WEEKLY": 7, "MONTHLY": 28, "YEARLY": 365}
"""
Days of a period. Hours, minutes and seconds are refused: no doctor works every hour for ever.
"""

RARE = frozenset({"BYYEARDAY", "BYWEEKNO", "BYEASTER"})
"""Parts of a rule that may keep it from ever coming true; so do a month and its day together."""

SURE_POSITIONS = 4
"""Every month has each weekday four times: BYSETPOS and BYDAY up to there come true."""

AROUND = timedelta(days=1)
"""What an instance may lie beside the window in another time zone."""


class Component(Protocol):
    """What is asked of a component of the library, whose own types say less."""

    errors: list[tuple[str | None, str]]

    def get(self, name: str, default: object = None) -> Any:  # noqa: ANN401 (of many types)
        """Gives a property or the default."""

    def __getitem__(self, name: str) -> Any:  # noqa: ANN401 (of many types)
        """Gives a property."""

    def __contains__(self, name: object) -> bool:
        """Tells whether a property is there."""


@dataclass
class Budget:
    """The steps that are left for a calendar."""

    left: int = MAX_STEPS

    @property
    def spent(self) -> bool:
        """Tells whether none is left."""
        return self.left <= 0


@dataclass(frozen=True, slots=True)
class Found:
    """An instance of an event; its title is for the rule's eyes only."""

    uid: str
    known_by: date
    start: date
    end: date
    categories: tuple[str, ...]
    title: str
    class_: str
    status: str
    opaque: bool

    def __repr__(self) -> str:
        return f"Found({self.start!r})"


def expanded(
    series: list[RawEvent],
    zones: Mapping[str, list[str]],
    *,
    window: TimeWindow,
    budget: Budget,
) -> list[Found] | tuple[str, Kind]:
    """Gives the instances of a series around the window, or its field and fault."""
    budget.left -= EVENT_STEPS * len(series)
    fault = next((event.fault for event in series if event.fault is not None), None)
    if fault is not None:
        return fault
    named = set().union(*(event.zones() for event in series))
    names, definitions, unknown = _zones(named, zones)
    if unknown:
        return "start", Kind.UNKNOWN_CODE
    lines = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//slotengine//agenda//FR", *definitions]
    for event in series:
        lines += event.text(names)
    lines += ["END:VCALENDAR", ""]
    # Heavy: opened when there is a calendar to read.
    import icalendar
    import recurring_ical_events

    try:
        calendar = icalendar.Calendar.from_ical("\r\n".join(lines))
        events: Any = calendar.walk("VEVENT")
        for component in events:
            wrong = _wrong(component) or _bounded(component, window, budget)
            if wrong is not None:
                return wrong
        query = recurring_ical_events.of(calendar)
        found: Any = query.between(window.start - AROUND, window.end + AROUND)
        return [_found(component) for component in found]
    except Exception:  # noqa: BLE001 - two libraries that read outside text fail in any way
        return "start", Kind.BAD_RECURRENCE if _recurs(series) else Kind.BAD_DATE


def _recurs(series: list[RawEvent]) -> bool:
    return any(event.has("RRULE") or event.has("RDATE") for event in series)


def _zones(
    named: set[str], defined: Mapping[str, list[str]]
) -> tuple[dict[str, str], list[str], bool]:
    """Gives other names for zones the calendar defines itself, and whether one is unknown."""
    from icalendar.timezone.windows_to_olson import WINDOWS_TO_OLSON

    names: dict[str, str] = {}
    definitions: list[str] = []
    unknown = False
    for zone in sorted(named):
        if is_known_zone(zone):
            continue
        if zone in WINDOWS_TO_OLSON:
            names[zone] = WINDOWS_TO_OLSON[zone]
        elif zone in defined:
            names[zone], lines = own_zone(defined[zone])
            definitions += lines
        else:
            unknown = True
    return names, definitions, unknown


def _wrong(component: Component) -> tuple[str, Kind] | None:
    """Says what the library left out because it could not read it."""
    for name, _ in component.errors:
        return FIELD_OF.get(str(name), "start"), Kind.BAD_DATE
    if "DTSTART" not in component:
        return "start", Kind.MISSING
    start, end = component["DTSTART"].dt, component.get("DTEND")
    if not isinstance(start, datetime) and "DURATION" in component:
        # A day lasts days (RFC 5545, 3.6.1); with minutes it would begin at midnight.
        lasts = component["DURATION"].dt
        if lasts % timedelta(days=1):
            return "minutes", Kind.BAD_DATE
    if end is not None and type(end.dt) is type(start):
        both = [_comparable(start), _comparable(end.dt)]
        if both[1] < both[0]:
            return "end", Kind.END_BEFORE_START
    return None


def _comparable(at: date) -> datetime:
    """Gives an instant to compare with; zones that are not said count as UTC."""
    if not isinstance(at, datetime):
        return datetime(at.year, at.month, at.day, tzinfo=UTC)
    return at if at.tzinfo is not None else at.replace(tzinfo=UTC)


def _bounded(component: Component, window: TimeWindow, budget: Budget) -> tuple[str, Kind] | None:
    """
    Ends a rule at the window and counts its steps; says so where they are too many.

    A rule without an end that never comes true would be followed to the year 9999.
    """
    rules = component.get("RRULE")
    for rule in rules if isinstance(rules, list) else [rules] if rules is not None else []:
        if not _understood(rule):
            return "repeat", Kind.BAD_RECURRENCE
        start: date = component["DTSTART"].dt
        last = _ended(rule, start, window)
        steps = _steps(rule, start, last)
        if steps > MAX_RULE_STEPS:
            return "repeat", Kind.BAD_RECURRENCE
        budget.left -= steps
        if budget.spent:
            return "repeat", Kind.TOO_MANY
    return None


def _understood(rule: Mapping[str, Any]) -> bool:
    frequency = [str(one).upper() for one in rule.get("FREQ", [])]
    intervals = [int(one) for one in rule.get("INTERVAL", [1])]
    return (
        len(frequency) == 1
        and frequency[0] in FREQUENCIES
        and all(one > 0 for one in intervals)
        and _times(rule) <= MAX_TIMES_A_DAY
        and "BYSECOND" not in rule
    )


def _times(rule: Mapping[str, Any]) -> int:
    return max(1, len(rule.get("BYHOUR", []))) * max(1, len(rule.get("BYMINUTE", [])))


def _ended(rule: dict[str, Any], start: date, window: TimeWindow) -> int:
    """Gives the last year that the rule is followed to; without a count it ends at the window."""
    if _may_never_come(rule):
        # The library asks for one instance more than it needs, whatever the rule's end.
        return LAST_YEAR
    if "COUNT" in rule:
        return window.end.year + 1
    end = window.end + AROUND
    until = rule.get("UNTIL", [None])[0]
    if until is None or _comparable(until) > end:
        # Of the same kind as the start, or the rule is none (RFC 5545, 3.3.10).
        if not isinstance(start, datetime):
            rule["UNTIL"] = [end.date()]
        elif start.tzinfo is None:
            rule["UNTIL"] = [end.replace(tzinfo=None)]
        else:
            rule["UNTIL"] = [end]
    return end.year


def _may_never_come(rule: Mapping[str, Any]) -> bool:
    positions = [abs(int(one)) for one in rule.get("BYSETPOS", [])]
    ordinals = [int(digits) for one in rule.get("BYDAY", []) if (digits := _digits(str(one)))]
    return (
        not RARE.isdisjoint(rule)
        or {"BYMONTH", "BYMONTHDAY"} <= rule.keys()
        or max(positions, default=0) > SURE_POSITIONS
        or (bool(positions) and "BYDAY" not in rule)
        or max(ordinals, default=0) > SURE_POSITIONS
    )


def _digits(text: str) -> str:
    return "".join(sign for sign in text if sign.isdigit())


def _steps(rule: Mapping[str, Any], start: date, last_year: int) -> int:
    frequency = str(rule["FREQ"][0]).upper()
    days = max(1, (last_year - start.year + 1) * DAYS_PER_YEAR)
    steps = days // FREQUENCIES[frequency] * max(1, len(rule.get("BYDAY", [])))
    # Where a rule comes true is counted by the day, where it may never by the period.
    return (steps if last_year == LAST_YEAR else min(days, steps)) * _times(rule)


def _found(component: Component) -> Found:
    known = component.get("RECURRENCE-ID")
    start = component["DTSTART"].dt
    categories = component.get("CATEGORIES")
    said = categories if isinstance(categories, list) else [categories] if categories else []
    return Found(
        uid=str(component.get("UID", "")),
        known_by=start if known is None or type(known.dt) is not type(start) else known.dt,
        start=start,
        end=component["DTEND"].dt,
        categories=tuple(str(cat) for one in said for cat in one.cats),
        title=str(component.get("SUMMARY", "")),
        class_=str(component.get("CLASS", "")),
        status=str(component.get("STATUS", "")).upper(),
        opaque=str(component.get("TRANSP", "OPAQUE")).upper() != "TRANSPARENT",
    )
