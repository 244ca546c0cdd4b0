"""From the named texts of one row to slots, and to who gives them where."""

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import TypeVar

from slotengine.adapters.agenda import (
    DEFAULT_MINUTES,
    MAX_MINUTES,
    MAX_PIECES,
    MIN_MINUTES,
    AgendaDoor,
    AgendaItem,
    AgendaPart,
    Assumed,
    pieces,
    slot_id,
)
from slotengine.adapters.agenda_fields import AUDIENCES
from slotengine.adapters.agenda_places import Texts, role_of, site_of
from slotengine.adapters.base import MAX_FIELD_CHARS, WHOLE
from slotengine.adapters.fields import LIST_SEPARATOR, plain
from slotengine.adapters.kinds import Kind
from slotengine.adapters.scalars import (
    BadValue,
    coded,
    day,
    instant,
    practitioner_id,
    whole,
)
from slotengine.adapters.spot import Spot
from slotengine.adapters.words import MODES, PROFESSIONS, specialties_of
from slotengine.domain import MAX_SEATS, Practitioner, Slot

MAX_WEEKS = 54
"""Weeks that a row may repeat for: a year and its rest. Our choice."""

_LISTED = re.compile(r"[|,;/+]")

T = TypeVar("T")


def translate(
    texts: Texts, spot: Spot, *, door: AgendaDoor, raw: bytes = b"", seen: set[str] | None = None
) -> AgendaPart:
    """
    Gives what a row says; ``seen`` are the slots given before, so that none is given twice.

    A row that can't be read as a whole gives nothing but its fault: half a row is a guess.
    """
    known = {name: text.strip() for name, text in texts.items() if text.strip()}
    try:
        _short_enough(known)
        items, assumed = _said(known, door, seen if seen is not None else set())
    except BadValue as bad:
        return AgendaPart((spot.rejected(bad.field, bad.kind),), raw)
    except ValueError:
        # A noun's own rule; its words may repeat what was given.
        return AgendaPart((spot.rejected(WHOLE, Kind.INVALID),), raw)
    return AgendaPart(items, raw, assumed)


def _short_enough(texts: Texts) -> None:
    for name, text in texts.items():
        if len(text) > MAX_FIELD_CHARS:
            raise BadValue(name, Kind.TOO_LONG)


def _said(
    texts: Texts, door: AgendaDoor, seen: set[str]
) -> tuple[tuple[AgendaItem, ...], frozenset[Assumed]]:
    who = _practitioner_id(texts, door)
    assumed: set[Assumed] = set()
    profession = door.profession
    if "profession" in texts:
        profession = coded("profession", texts["profession"], PROFESSIONS)
    else:
        assumed.add("profession")
    practitioner = Practitioner(
        id=who,
        territory=door.territory,
        profession=profession,
        specialties=_specialties(texts.get("specialties", "")),
    )
    site_id, site = site_of(texts, door)
    if site is not None and not {"lat", "lon"} <= texts.keys():
        assumed.add("location")
    role = role_of(texts, door, practitioner=who, site=site_id)
    slots = _slots(texts, door, practitioner=who, site=site_id)
    ids = [slot.id for slot in slots]
    if len(set(ids)) < len(ids) or not seen.isdisjoint(ids):
        raise BadValue("start", Kind.DUPLICATE_SLOT)
    seen.update(ids)
    rest = (site, role)
    found = (practitioner, *(one for one in rest if one is not None), *slots)
    return found, frozenset(assumed)


def _practitioner_id(texts: Texts, door: AgendaDoor) -> str:
    if "practitioner" in texts:
        return practitioner_id("practitioner", texts["practitioner"])
    if door.practitioner is None:
        raise BadValue("practitioner", Kind.MISSING)
    return door.practitioner


def _specialties(text: str) -> tuple[str, ...]:
    found: list[str] = []
    for word in filter(None, (word.strip() for word in text.split(LIST_SEPARATOR))):
        codes = specialties_of(word)
        if codes is None:
            raise BadValue("specialties", Kind.UNKNOWN_CODE)
        # "Médecine générale" is three codes for whoever asks, and one of them for who has it.
        found.append(codes[-1])
    return tuple(found)


def _slots(texts: Texts, door: AgendaDoor, *, practitioner: str, site: str) -> list[Slot]:
    capacity, opens_at = 1, None
    if "capacity" in texts:
        capacity = whole("capacity", texts["capacity"], low=1, high=MAX_SEATS)
    if "opens_at" in texts:
        opens_at = instant("opens_at", texts["opens_at"], door.zone, ends=False)
    audiences = _each(texts, "audiences", AUDIENCES, door.audiences)
    modes = _each(texts, "modes", MODES, door.modes)
    slots = [
        Slot(
            id=slot_id(door.name, practitioner, start),
            territory=door.territory,
            practitioner=practitioner,
            site=site,
            start=start,
            end=end,
            capacity=capacity,
            audiences=audiences,
            modes=modes,
            opens_at=opens_at,
            shared_with=door.shared_with,
        )
        for span in _weeks(texts, door)
        for start, end in _cut(texts, door, span)
    ]
    if not slots:
        raise BadValue("minutes", Kind.OUT_OF_RANGE)
    return slots


def _each(
    texts: Texts, field: str, table: Mapping[str, T], default: tuple[T, ...]
) -> tuple[T, ...]:
    words = [word for word in _LISTED.split(texts.get(field, "")) if word.strip()]
    found = []
    for word in words:
        code = table.get(plain(word))
        if code is None:
            raise BadValue(field, Kind.UNKNOWN_CODE)
        found.append(code)
    return tuple(found) or default


def _weeks(texts: Texts, door: AgendaDoor) -> Iterator[tuple[datetime, datetime]]:
    """
    Gives the span of the row, and the same hours of the weeks after it where it repeats.

    Each week is read by the local clock: 9 h stays 9 h when summer time ends.
    """
    if "repeat_until" not in texts:
        yield _span(texts, door)
        return
    first = day("date", texts["date"]) if "date" in texts else None
    if first is None:
        raise BadValue("date", Kind.MISSING)
    last = day("repeat_until", texts["repeat_until"])
    weeks = (last - first).days // 7
    if weeks < 0:
        raise BadValue("repeat_until", Kind.END_BEFORE_START)
    if weeks > MAX_WEEKS:
        raise BadValue("repeat_until", Kind.OUT_OF_RANGE)
    for week in range(weeks + 1):
        yield _span({**texts, "date": (first + timedelta(weeks=week)).isoformat()}, door)


def _span(texts: Texts, door: AgendaDoor) -> tuple[datetime, datetime]:
    if "start" not in texts:
        raise BadValue("start", Kind.MISSING)
    start = _at("start", texts, door)
    if "end" in texts:
        end = _at("end", texts, door)
    else:
        end = start + timedelta(minutes=_minutes(texts, door) or DEFAULT_MINUTES)
    if end <= start:
        raise BadValue("end", Kind.END_BEFORE_START)
    if end - start > timedelta(minutes=MAX_MINUTES):
        raise BadValue("end", Kind.OUT_OF_RANGE)
    return start, end


_CLOCK = re.compile(r"[0-9]{1,2}(?:\s?[hH]\s?(?:[0-9]{2})?|:[0-9]{2}(?::[0-9]{2}(?:\.0+)?)?)")


def _at(field: str, texts: Texts, door: AgendaDoor) -> datetime:
    text = texts[field]
    if not _CLOCK.fullmatch(text):
        return instant(field, text, door.zone)
    if "date" not in texts:
        raise BadValue("date", Kind.MISSING)
    date = day("date", texts["date"])
    return instant(field, f"{date.isoformat()} {text}", door.zone)


def _minutes(texts: Texts, door: AgendaDoor) -> int | None:
    if "minutes" not in texts:
        return door.minutes
    bare = re.sub(r"\s*(?:min|mn|minutes)\.?$", "", texts["minutes"])
    return whole("minutes", bare, low=MIN_MINUTES, high=MAX_MINUTES)


def _cut(
    texts: Texts, door: AgendaDoor, span: tuple[datetime, datetime]
) -> list[tuple[datetime, datetime]]:
    # An end and a length together mean: so many slots of that length.
    minutes = _minutes(texts, door) if "end" in texts else None
    found = list(pieces(span[0].astimezone(UTC), span[1].astimezone(UTC), minutes))
    if len(found) > MAX_PIECES:
        raise BadValue("minutes", Kind.TOO_MANY)
    return found
