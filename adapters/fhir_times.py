"""When care is wanted, in FHIR's many ways: a period, a day, an instant, a timing, a discharge."""

import calendar
import re
from datetime import datetime, timedelta

from slotengine.adapters.base import MAX_LIST_ITEMS
from slotengine.adapters.fhir_draft import Draft, issued_at
from slotengine.adapters.fhir_nodes import MisreadError, Node
from slotengine.adapters.kinds import Kind

OPEN_END = timedelta(days=7)
"""
How long a wish without an end holds after its beginning.

The national scheme of return home after hospital (PRADO) wants the doctor seen within 7 days.
"""

STAYS = frozenset({"IMP", "ACUTE", "NONAC", "SS", "OBSENC", "EMER"})
"""Classes of an encounter that a patient leaves (v3-ActCode); a visit just ends."""

MAX_TIMING_DAYS = 366
"""Days that the bounds of a timing may span. Our choice."""

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

_MONTH = re.compile(r"([0-9]{4})(?:-([0-9]{2}))?")
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


def whole_days(text: str, *, ends: bool) -> str:
    """
    Gives the first or last day of a year or a month; anything else as it came.

    Examples
    --------
    >>> whole_days("2028-02", ends=True), whole_days("2026", ends=False)
    ('2028-02-29', '2026-01-01')
    """
    found = _MONTH.fullmatch(text)
    if found is None:
        return text
    year, month = int(found[1]), int(found[2] or (12 if ends else 1))
    if not 1 <= month <= 12 or not 1 <= year <= 9999:  # noqa: PLR2004 - what a calendar has
        return text
    last = calendar.monthrange(year, month)[1] if ends else 1
    return f"{year:04d}-{month:02d}-{last:02d}"


def is_day(text: str) -> bool:
    """Tells whether a text is a date without a time, of whichever precision."""
    return bool(_MONTH.fullmatch(text) or _DAY.fullmatch(text))


def authored(draft: Draft, name: str) -> datetime:
    """
    Takes when the need was stated, else when that was written down; a day begins at midnight.

    Not the moment of reading: read again, the same message would say something else.
    """
    text, at = draft.root.text(name), draft.root.at(name)
    draft.paths["received_at"] = at
    if text is None:
        written = issued_at(draft)
        draft.put("received_at", None if written is None else written.isoformat(), at)
        return written or draft.now
    stated = draft.moment("received_at", text, at, ends=False if _DAY.fullmatch(text) else None)
    draft.put("received_at", stated.isoformat(), at)
    return stated


def occurrence(draft: Draft, since: datetime) -> None:
    """Takes when the service should occur: ``occurrencePeriod``, ``DateTime`` or ``Timing``."""
    for name in ("window_start", "window_end", "deadline"):
        draft.paths[name] = draft.root.at("occurrencePeriod")
    period = draft.root.child("occurrencePeriod")
    at = draft.root.text("occurrenceDateTime")
    timing = draft.root.child("occurrenceTiming")
    if period is not None:
        _period(draft, period, since)
    elif at is not None:
        _at(draft, at, draft.root.at("occurrenceDateTime"))
    elif timing is not None:
        _timing(draft, timing, since)


def _period(draft: Draft, period: Node, since: datetime) -> None:
    start, end = period.text("start"), period.text("end")
    draft.paths["window_start"] = period.at("start")
    draft.paths["window_end"] = draft.paths["deadline"] = period.at("end")
    if start is not None and start == end:
        _at(draft, start, period.at("start"))
    elif start is not None and end is not None:
        wish(draft, whole_days(start, ends=False), whole_days(end, ends=True))
    elif end is not None:
        draft.fields["deadline"] = whole_days(end, ends=True)
    elif start is not None:
        opens = draft.moment("window_start", whole_days(start, ends=False), period.at("start"),
                             ends=False)  # fmt: skip
        # From before the need was stated on: that is no wish.
        if opens > since:
            wish(draft, opens.isoformat(), (opens + OPEN_END).isoformat())


def wish(draft: Draft, start: str, end: str) -> None:
    """Sets one window; who says until when has said the deadline."""
    draft.fields |= {"window_start": start, "window_end": end, "deadline": end}


def _at(draft: Draft, text: str, path: str) -> None:
    """Takes a day as a window, an instant as the last moment: nobody is free for no time at all."""
    for name in ("window_start", "window_end", "deadline"):
        draft.paths[name] = path
    if is_day(text):
        wish(draft, whole_days(text, ends=False), whole_days(text, ends=True))
    else:
        draft.fields["deadline"] = text


def _timing(draft: Draft, timing: Node, since: datetime) -> None:
    events = timing.texts("event")
    if events:
        days = [text for text in events if is_day(text)]
        if days:
            _days(draft, days, timing.at("event"))
        else:
            at = timing.at("event")
            moments = [draft.moment("deadline", text, at) for text in events]
            draft.put("deadline", max(moments).isoformat(), at)
        return
    repeat = timing.child("repeat")
    bounds = None if repeat is None else repeat.child("boundsPeriod")
    if repeat is None or bounds is None:
        draft.warn("window_start", Kind.PARTLY_READ)
        return
    wanted = {DAYS.index(day) for day in repeat.texts("dayOfWeek") if day in DAYS}
    if repeat.has("timeOfDay") or repeat.has("when"):
        draft.warn("window_start", Kind.PARTLY_READ)
    if wanted and bounds.has("start") and bounds.has("end"):
        _days(draft, _weekdays(draft, bounds, wanted), bounds.path)
    else:
        _period(draft, bounds, since)


def _weekdays(draft: Draft, bounds: Node, wanted: set[int]) -> list[str]:
    edges = []
    for name, ends in (("start", False), ("end", True)):
        text = whole_days(bounds.text(name) or "", ends=ends)
        moment = draft.moment("window_start", text, bounds.at(name), ends=False)
        edges.append(moment.astimezone(draft.door.zone).date())
    first, last = edges
    if (last - first).days > MAX_TIMING_DAYS:
        raise MisreadError(bounds.path, Kind.TOO_MANY)
    every = [first + timedelta(days=ahead) for ahead in range((last - first).days + 1)]
    found = [day.isoformat() for day in every if day.weekday() in wanted]
    if not found:
        raise MisreadError(bounds.path, Kind.END_BEFORE_START)
    return found


def _days(draft: Draft, days: list[str], path: str) -> None:
    if len(days) > MAX_LIST_ITEMS:
        raise MisreadError(path, Kind.TOO_MANY)
    draft.put("window_start", tuple(whole_days(day, ends=False) for day in days), path)
    last = [whole_days(day, ends=True) for day in days]
    draft.put("window_end", tuple(last), path)
    draft.put("deadline", max(last), path)


def discharge(draft: Draft, since: datetime) -> None:
    """
    Takes that a patient who is still in hospital can come only after leaving it.

    With nothing else said the doctor is seen within ``OPEN_END`` of that day.
    """
    found = draft.resource(draft.root.child("encounter"), "Encounter")
    period = None if found is None else found.resource.child("period")
    text = None if period is None else period.text("end")
    if found is None or period is None or text is None or not _is_stay(found.resource):
        return
    at = period.at("end")
    leaves = draft.moment("window_start", whole_days(text, ends=True), at, ends=False)
    start, end = draft.fields.get("window_start"), draft.fields.get("window_end")
    if leaves <= since or isinstance(start, tuple):
        return
    if end is None and "deadline" not in draft.fields:
        wish(draft, leaves.isoformat(), (leaves + OPEN_END).isoformat())
    elif isinstance(start, str) and isinstance(end, str):
        opens = draft.moment("window_start", start, draft.paths["window_start"], ends=False)
        closes = draft.moment("window_end", end, draft.paths["window_end"], ends=True)
        if opens < leaves < closes:
            draft.put("window_start", leaves.isoformat(), at)
        elif closes <= leaves:
            draft.warn("window_end", Kind.CONTRADICTION)


def _is_stay(encounter: Node) -> bool:
    return any(one.code in STAYS for kind in encounter.each("class") for one in kind.codings())
