"""
Agendas as iCalendar files: which events are reserved slots is a rule, what they are called is not.

A reserved event becomes slots, cut to the length asked for. What another event of the calendar
makes busy is no slot. Titles are compared with the rule and forgotten: they may name patients.
"""

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Self

from pydantic import model_validator

from slotengine.adapters.agenda import (
    MAX_MINUTES,
    AgendaDoor,
    AgendaItem,
    AgendaPart,
    Coverage,
    pieces,
    slot_id,
)
from slotengine.adapters.agenda_ics_expand import Budget, Found, expanded
from slotengine.adapters.agenda_ics_text import RawCalendar, RawEvent, scanned
from slotengine.adapters.base import PAYLOAD
from slotengine.adapters.fields import plain
from slotengine.adapters.kinds import Kind
from slotengine.adapters.lines import BOM, Payload
from slotengine.adapters.spot import Spot
from slotengine.domain import Practitioner, Slot, TimeWindow, Value
from slotengine.errors import InputError

OWN_UID = "@slotengine"
"""Ends the UID of events that this library wrote: its own bookings make nothing busy."""

MAX_TITLE_CHARS = 200
"""Characters of a title that a rule is compared with. Our choice."""

SKIPPED_AROUND = timedelta(days=2)
"""Around the window: an event of one day in any time zone. Zones span 26 h."""

_DAY = re.compile(r"([0-9]{4})([0-9]{2})([0-9]{2})(?:T[0-9]{6}Z?)?")


class ReservedRule(Value):
    """
    Which events of a calendar are slots: any of a category, a title or a class is enough.

    ``categories`` and ``title`` (a regular expression) are compared without accents and case.
    ``all_day`` are the hours that an all-day event reserves; without them it reserves nothing.
    ``busy_takes`` false keeps slots that another event overlaps.
    """

    categories: tuple[str, ...] = ("SNP", "soins non programmés")
    title: str | None = r"\bsnp\b|\bsoins non programmes?\b"
    classes: tuple[str, ...] = ()
    all_day: tuple[time, time] | None = None
    busy_takes: bool = True

    @model_validator(mode="after")
    def _usable(self) -> Self:
        try:
            re.compile(self.title or "")
        except re.error as bad:
            msg = "the title of reserved events is no regular expression"
            raise ValueError(msg) from bad
        if self.all_day is not None and self.all_day[0] >= self.all_day[1]:
            msg = "the hours of all-day events end before they begin"
            raise ValueError(msg)
        return self

    def reserves(self, *, categories: Iterable[str], title: str, class_: str) -> bool:
        """Tells whether an event is a slot."""
        wanted = {plain(one) for one in self.categories}
        if not wanted.isdisjoint(plain(one) for one in categories):
            return True
        if class_ and class_.upper() in {one.upper() for one in self.classes}:
            return True
        said = plain(title[:MAX_TITLE_CHARS])
        return self.title is not None and re.search(self.title, said) is not None


@dataclass(frozen=True, slots=True)
class _Reserved:
    """A reserved span, and the start of its instance in the series: what it is known by."""

    known_by: datetime
    start: datetime
    end: datetime
    spot: Spot


class IcsAgenda:
    """Reads iCalendar files; a feed's bytes are fetched by whoever has the network."""

    name = "ics"

    def __init__(self, reserved: ReservedRule) -> None:
        self._rule = reserved

    def claims(self, head: bytes) -> bool:
        """Tells a calendar by its first line."""
        return head.removeprefix(BOM).lstrip()[:15].upper() == b"BEGIN:VCALENDAR"

    def read(
        self, payload: Payload, *, door: AgendaDoor, window: TimeWindow
    ) -> Iterator[AgendaPart]:
        """
        Gives the slots that start in the window, and a fault for each series that can't be read.

        Raises
        ------
        InputError
            When the door does not say whose calendar it is and where they work.
        """
        if door.practitioner is None or door.site is None:
            raise InputError("a calendar does not say whose it is: name a practitioner and a site")
        calendar = scanned(payload, self.name)
        reserved: list[_Reserved] = []
        busy: list[tuple[datetime, datetime]] = []
        yield AgendaPart(
            (
                Practitioner(
                    id=door.practitioner, territory=door.territory, profession=door.profession
                ),
                Coverage(window=window),
            ),
            assumed=frozenset({"profession"}),
        )
        budget = Budget()
        for record, series in enumerate(_series(calendar), 1):
            spot = Spot(self.name, record, series[0].line)
            if _far_off(series, window):
                continue
            found = expanded(series, calendar.zones, window=window, budget=budget)
            if isinstance(found, tuple):
                yield AgendaPart((spot.rejected(*found),), _raw(series))
                if budget.spent:
                    yield AgendaPart((spot.rejected(PAYLOAD, Kind.TOO_LARGE),))
                    break
                continue
            for one in found:
                self._sort(one, reserved, busy, door=door, calendar=calendar, spot=spot)
        if not calendar.complete:
            yield AgendaPart((Spot(self.name, 1, None).rejected(PAYLOAD, Kind.TOO_LARGE),))
        yield from _slots(reserved, _merged(busy), door=door, window=window)

    def _sort(
        self,
        one: Found,
        reserved: list[_Reserved],
        busy: list[tuple[datetime, datetime]],
        *,
        door: AgendaDoor,
        calendar: RawCalendar,
        spot: Spot,
    ) -> None:
        """Puts an instance where it belongs: reserved, busy, or neither."""
        if calendar.cancels or one.status == "CANCELLED":
            return
        start, end = _instant(one.start, door), _instant(one.end, door)
        whole_day = not isinstance(one.start, datetime)
        if self._rule.reserves(categories=one.categories, title=one.title, class_=one.class_):
            for begins, ends in self._hours(one, door) if whole_day else [(start, end)]:
                known = begins if whole_day else _instant(one.known_by, door)
                reserved.append(_Reserved(known, begins, ends, spot))
        elif self._rule.busy_takes and one.opaque and not one.uid.endswith(OWN_UID):
            busy.append((start, end))

    def _hours(self, one: Found, door: AgendaDoor) -> Iterator[tuple[datetime, datetime]]:
        if self._rule.all_day is None:
            return
        opens, closes = self._rule.all_day
        day, last = _day(one.start), _day(one.end)
        while day < last:
            yield (
                datetime.combine(day, opens, door.zone).astimezone(UTC),
                datetime.combine(day, closes, door.zone).astimezone(UTC),
            )
            day += timedelta(days=1)


def _series(calendar: RawCalendar) -> list[list[RawEvent]]:
    """Gives the events by UID: a series and what changes single instances of it."""
    found: dict[str, list[RawEvent]] = {}
    for number, event in enumerate(calendar.events):
        uid = event.value("UID")
        found.setdefault(f"u{uid}" if uid else f"n{number}", []).append(event)
    return list(found.values())


def _far_off(series: list[RawEvent], window: TimeWindow) -> bool:
    """Tells, without reading further, that a single event is nowhere near the window."""
    if len(series) > 1 or series[0].has("RRULE") or series[0].has("RDATE"):
        return False
    if series[0].has("DURATION") or series[0].fault is not None:
        return False
    days = [_date(series[0].value(name) or "") for name in ("DTSTART", "DTEND")]
    first = days[0]
    if first is None:
        return False
    last = days[1] or first
    return (
        last < (window.start - SKIPPED_AROUND).date()
        or first > (window.end + SKIPPED_AROUND).date()
    )


def _date(text: str) -> date | None:
    found = _DAY.fullmatch(text.strip())
    if found is None:
        return None
    try:
        return date(int(found[1]), int(found[2]), int(found[3]))
    except ValueError:
        return None


def _raw(series: list[RawEvent]) -> bytes:
    return b"".join(event.bytes for event in series)


def _day(at: date) -> date:
    return at.date() if isinstance(at, datetime) else at


def _instant(at: date, door: AgendaDoor) -> datetime:
    """Gives an instant in UTC; a floating time and a day are the territory's own."""
    local = at if isinstance(at, datetime) else datetime.combine(at, time.min)
    # RFC 5545, 3.3.5: of an hour that occurs twice the first is meant, and one that does not occur
    # is read by the offset before the gap: fold 0 is both.
    return (local if local.tzinfo else local.replace(tzinfo=door.zone)).astimezone(UTC)


def _merged(spans: list[tuple[datetime, datetime]]) -> list[tuple[datetime, datetime]]:
    merged: list[tuple[datetime, datetime]] = []
    for start, end in sorted(spans):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], end))
        elif end > start:
            merged.append((start, end))
    return merged


def _slots(
    reserved: list[_Reserved],
    busy: list[tuple[datetime, datetime]],
    *,
    door: AgendaDoor,
    window: TimeWindow,
) -> Iterator[AgendaPart]:
    """
    Gives the slots of the window; none that overlaps what is busy.

    An instance that was moved keeps the id of its first hour, unless another event stands there.
    """
    seen: set[str] = set()
    ends = [end for _, end in busy]
    order = sorted(reserved, key=lambda one: (one.known_by != one.start, one.start, one.known_by))
    for one in order:
        if one.end - one.start > timedelta(minutes=MAX_MINUTES):
            yield AgendaPart((one.spot.rejected("end", Kind.OUT_OF_RANGE),))
            continue
        if one.end <= one.start:
            yield AgendaPart((one.spot.rejected("end", Kind.END_BEFORE_START),))
            continue
        items: list[AgendaItem] = []
        for start, end in pieces(one.start, one.end, door.minutes):
            at = bisect_right(ends, start)
            taken = at < len(busy) and busy[at][0] < end
            if taken or not window.start <= start < window.end:
                continue
            known_by = one.known_by + (start - one.start)
            slots = [_slot(at, start, end, door) for at in (known_by, start)]
            slot = next((slot for slot in slots if slot.id not in seen), None)
            # Reserved twice is reserved once.
            if slot is not None:
                seen.add(slot.id)
                items.append(slot)
        if items:
            yield AgendaPart(tuple(items))


def _slot(known_by: datetime, start: datetime, end: datetime, door: AgendaDoor) -> Slot:
    if door.practitioner is None or door.site is None:
        raise InputError("a calendar does not say whose it is")
    return Slot(
        id=slot_id(door.name, door.practitioner, known_by),
        territory=door.territory,
        practitioner=door.practitioner,
        site=door.site,
        start=start,
        end=end,
        modes=door.modes,
        audiences=door.audiences,
        shared_with=door.shared_with,
    )
