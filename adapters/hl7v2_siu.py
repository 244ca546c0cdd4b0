"""SIU^S12 to S17 and S26: an appointment that a sender books, moves, ends, or saw missed."""

import re
from collections.abc import Iterator, Mapping
from datetime import timedelta

from slotengine.adapters.hl7v2_found import Found, scoped_reference
from slotengine.adapters.hl7v2_patient import read_motive, rpps_of
from slotengine.adapters.hl7v2_text import Message, Segment
from slotengine.adapters.hl7v2_times import later, written
from slotengine.adapters.hl7v2_wanted import priority, read_wanted
from slotengine.adapters.kinds import Kind
from slotengine.adapters.words import Status

EVENTS: Mapping[str, Status] = {
    "S12": Status.NEW,
    "S13": Status.AMENDED,
    "S14": Status.AMENDED,
    "S15": Status.CANCELLED,
    "S16": Status.CANCELLED,
    "S17": Status.CANCELLED,
    "S26": Status.NOSHOW,
}

SCHEDULE_EVENTS = frozenset({"S23", "S24"})
"""Blocked and opened time: about an agenda, which comes in by another door."""

STATUSES: Mapping[str, Status] = {
    **dict.fromkeys(("CANCELLED", "CANCELED", "DELETED", "DC"), Status.CANCELLED),
    "NOSHOW": Status.NOSHOW,
    "COMPLETE": Status.FULFILLED,
}
"""SCH-25 (table 0278) where it says more than the event: a change may say that all is over."""

_MINUTE_UNITS: Mapping[str, int] = {"m": 1, "min": 1, "h": 60, "hr": 60, "d": 1440}
SECONDS_PER_MINUTE = 60
_NUMBER = re.compile(r"[0-9]{1,6}")
_DURATION_PREFIXES = ("second", "minute", "hour", "heure", "day", "jour")

TIMED = (("AIS", 4, 7), ("AIP", 6, 9), ("AIL", 6, 9), ("AIG", 8, 11))
"""Segments of resources: the fields of their start and duration; the unit stands behind it."""


def read_appointment(event: str, message: Message, found: Found) -> None:
    """
    Reads SCH and the resources of an appointment.

    What the sender booked is a wish here: the window is the appointment's time, and the engine
    gives a seat inside it. The number is the one of the schedule's owner (SCH-2): a message from
    there always has it; else the one of whoever asked (SCH-1).
    """
    sch = message.one("SCH")
    status = EVENTS[event]
    if status in {Status.NEW, Status.AMENDED}:
        status = STATUSES.get(sch.text(25).upper(), status)
    found.put("status", status, sch.path(25))
    for field in (2, 1):
        found.put("reference", scoped_reference(found, message, sch, field), sch.path(field))
    if status not in {Status.NEW, Status.AMENDED}:
        return
    tq1 = message.one("TQ1")
    found.put("priority", _priority(tq1), tq1.path(9))
    _times(message, found)
    for segment in message.all("AIP"):
        for person in segment.repetitions(3):
            found.put("own_practitioner", rpps_of(person), segment.path(3, person.number))
        for role in segment.repetitions(4):
            read_wanted(found, role, segment.path(4, role.number))
    for field in (8, 7):
        for said in sch.repetitions(field):
            read_wanted(found, said, sch.path(field, said.number))
    read_motive(message, found, (message.one("PV2"), 3), (sch, 7))


def _priority(tq1: Segment) -> str:
    """Gives TQ1-9 where it is of table 0280 too; of its others (table 0485) none says how soon."""
    said = priority(tq1.text(9))
    return said if said != tq1.text(9) else ""


def _times(message: Message, found: Found) -> None:
    """Reads the first start that is said, with an end beside it or a duration anywhere."""
    for start, start_path, end, end_path in _starts(message):
        if not start:
            continue
        found.put("window_start", (written(start),), start_path)
        if end:
            found.put("window_end", (written(end),), end_path)
        else:
            span = next((one for one in _spans(message) if one), None)
            if span is not None:
                found.put("window_end", (later(start, span),), start_path)
        break
    found.put("window_start", "", message.one("SCH").path(11))
    found.put("window_end", "", found.paths["window_start"])
    if not found.says("window_start"):
        raise found.refuse("window_start", Kind.MISSING, message.one("TQ1").path(7))


def _starts(message: Message) -> Iterator[tuple[str, str, str, str]]:
    """Gives starts and ends: TQ1, the resources, and SCH-11, which 2.5 has replaced by TQ1."""
    tq1, sch = message.one("TQ1"), message.one("SCH")
    yield tq1.text(7), tq1.path(7), tq1.text(8), tq1.path(8)
    for name, start, _ in TIMED:
        for segment in message.all(name):
            yield segment.text(start), segment.path(start), "", segment.path(start)
    yield sch.text(11, 4), sch.path(11), sch.text(11, 5), sch.path(11)


def _spans(message: Message) -> Iterator[timedelta | None]:
    """Gives durations, those of the resources first: official samples hold 60 seconds in SCH."""
    for name, _, field in TIMED:
        for segment in message.all(name):
            yield _span(segment.text(field), segment.text(field + 1))
    sch = message.one("SCH")
    yield _span(sch.text(9), sch.text(10))


def _span(number: str, unit: str) -> timedelta | None:
    """Gives a duration; minutes where no unit is said."""
    if not _NUMBER.fullmatch(number) or int(number) == 0:
        return None
    name = unit.lower() or "min"
    if name in {"s", "sec"} or name.startswith("second"):
        return timedelta(seconds=int(number))
    for word, minutes in (("minute", 1), ("hour", 60), ("heure", 60), ("day", 1440)):
        if name.startswith(word):
            return timedelta(minutes=int(number) * minutes)
    minutes_each = _MINUTE_UNITS.get(name)
    return None if minutes_each is None else timedelta(minutes=int(number) * minutes_each)
