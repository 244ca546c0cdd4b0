"""
What ``docs/rules.md`` says of bookings that bind each other, read a second time for the peers.

No code of the solver's: a misreading there would else be the peers' too.
"""

import hashlib
from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta
from functools import cache
from itertools import pairwise
from typing import NamedTuple
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt

from slotengine.codes import Mode
from slotengine.domain import Location, Slot
from slotengine.problem import Problem

Ints = npt.NDArray[np.int64]
Reals = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

MINUTE = timedelta(minutes=1)
EPOCH = datetime.fromisoformat("1970-01-01T00:00:00+00:00")
EARTH_METRES = 6_371_008.8
"""Mean radius, IUGG."""

FULL = 100
NEVER = 1 << 40
"""Minutes of a way that doesn't exist."""

Run = tuple[int, ...]
"""Slots, by index, in order of start."""


class Period(NamedTuple):
    """A practitioner's local day or ISO week, and what may still be added: None is any number."""

    slots: tuple[int, ...]
    bookings: int | None
    effort: int | None


class Visit(NamedTuple):
    """
    Bookings of one practitioner, (N,) each: when, where, and how.

    Instants are whole minutes from 1970; ``busy_end`` reckons with care at home. ``place`` is an
    index into ``places``, -1 where it is unknown or there is none.
    """

    slot: Ints
    start: Ints
    busy_end: Ints
    place: Ints
    home: Flags
    places: list[Location]


def seat_minutes(slot: Slot) -> int:
    """Gives the minutes of one seat, rounded up."""
    return -(-(slot.end - slot.start) // (slot.capacity * MINUTE))


def is_late(problem: Problem, slot: Slot) -> bool:
    """Tells whether a slot starts late by the territory's clock."""
    local = slot.start.astimezone(_zone(problem.policy.timezone))
    return local.time() >= problem.policy.effort.late_from


def efforts(problem: Problem, row: Ints, slot: Ints, home: Flags) -> Ints:
    """Gives the effort of each pair in minutes, rounded up."""
    effort = problem.policy.effort
    number = {one.id: at for at, one in enumerate(problem.practitioners)}
    own = np.array([number.get(_own(problem, at), -1) for at in range(len(problem.referrals))])
    giver = np.array([number[one.practitioner] for one in problem.slots])
    late = np.array([is_late(problem, one) for one in problem.slots])
    minutes = np.array([seat_minutes(one) for one in problem.slots])
    percent = (
        FULL
        + effort.first_visit * (own[row] != giver[slot])
        + effort.home_visit * home
        + effort.late * late[slot]
    )
    found: Ints = -(-minutes[slot] * percent // FULL)
    return found


def pin_efforts(problem: Problem) -> list[int]:
    """Gives the effort of each pin in minutes."""
    slots = {one.id: one for one in problem.slots}
    return [
        problem.policy.effort.minutes(
            seat_minutes(slots[pin.slot]),
            first=pin.first_visit,
            home=pin.mode is Mode.HH,
            late=is_late(problem, slots[pin.slot]),
        )
        for pin in problem.pins
    ]


def periods(problem: Problem) -> Iterator[Period]:
    """Gives each practitioner's days and weeks that have a cap, with what the pins left of it."""
    givers = {one.id: one for one in problem.practitioners}
    caps, zone = problem.policy.caps, _zone(problem.policy.timezone)
    spans: dict[tuple[str, str, object], list[int]] = {}
    for at, slot in enumerate(problem.slots):
        day: date = slot.start.astimezone(zone).date()
        spans.setdefault((slot.practitioner, "day", day), []).append(at)
        spans.setdefault((slot.practitioner, "week", day.isocalendar()[:2]), []).append(at)
    taken: dict[str, list[int]] = {}
    for pin, minutes in zip(problem.pins, pin_efforts(problem), strict=True):
        taken.setdefault(pin.slot, []).append(minutes)
    for (practitioner, length, _), slots in spans.items():
        giver = givers[practitioner]
        used = [minutes for at in slots for minutes in taken.get(problem.slots[at].id, [])]
        bookings = _lower(
            getattr(caps, f"bookings_per_{length}"), getattr(giver, f"max_bookings_per_{length}")
        )
        effort = _lower(
            getattr(caps, f"effort_minutes_per_{length}"),
            getattr(giver, f"max_effort_minutes_per_{length}"),
        )
        if bookings is not None or effort is not None:
            yield Period(
                tuple(slots),
                None if bookings is None else max(0, bookings - len(used)),
                None if effort is None else max(0, effort - sum(used)),
            )


def groups_of(problem: Problem) -> tuple[dict[str, list[int]], dict[str, set[int]]]:
    """Gives of each group the referrals to be placed and the slots of its pins."""
    index = {slot.id: at for at, slot in enumerate(problem.slots)}
    members: dict[str, list[int]] = {}
    held: dict[str, set[int]] = {}
    for row, referral in enumerate(problem.referrals):
        if referral.group is not None:
            members.setdefault(referral.group, []).append(row)
    for pin in problem.pins:
        if pin.group is not None:
            held.setdefault(pin.group, set()).add(index[pin.slot])
    return members, held


def agendas(problem: Problem, slots: set[int]) -> list[list[int]]:
    """Gives slots by practitioner and site, each in order of start."""
    found: dict[tuple[str, str], list[int]] = {}
    for at in sorted(slots, key=lambda at: problem.slots[at].start):
        found.setdefault((problem.slots[at].practitioner, problem.slots[at].site), []).append(at)
    return list(found.values())


def runs(problem: Problem, agenda: Sequence[int], held: set[int], members: int) -> Iterator[Run]:
    """
    Gives every run of different slots that ``members`` can use beside those of the group's pins.

    ``agenda`` are slots of one practitioner at one site in order of start, the held ones included.
    Several members may have seats of one slot, so a run may be shorter than they are many.
    """
    gap = problem.policy.groups.gap_minutes * MINUTE

    def longer(run: Run) -> Iterator[Run]:
        if held <= set(run):
            yield run
        for at in agenda:
            pause = problem.slots[at].start - problem.slots[run[-1]].end
            wanted = (*run, at)
            if timedelta(0) <= pause <= gap and len(set(wanted) - held) <= members:
                yield from longer(wanted)

    for first in agenda:
        yield from longer((first,))


def is_run(problem: Problem, slots: Sequence[int]) -> bool:
    """Tells whether slots are of one practitioner and site, the different ones close together."""
    chain = sorted((problem.slots[at] for at in set(slots)), key=lambda slot: slot.start)
    gap = problem.policy.groups.gap_minutes * MINUTE
    alike = len({(slot.practitioner, slot.site) for slot in chain}) == 1
    return alike and all(after.start - before.end <= gap for before, after in pairwise(chain))


def visits(problem: Problem, row: Ints, slot: Ints, mode: Sequence[Mode]) -> Visit:
    """Reads when and where bookings take place."""
    sites = {site.id: site.location for site in problem.sites}
    known: dict[Location, int] = {}
    places: list[Location] = []
    care = timedelta(0)
    if problem.policy.home_visits is not None:
        care = problem.policy.home_visits.care_minutes * MINUTE
    start, busy_end, place = [], [], []
    for referral, at, how in zip(row.tolist(), slot.tolist(), mode, strict=True):
        one = problem.slots[at]
        home = how is Mode.HH
        where = problem.referrals[referral].patient.location if home else sites[one.site]
        if where is None or how is Mode.VR:
            place.append(-1)
        else:
            # The commune is no part of a place, but names its zone where it has no other.
            bare = Location(lat=where.lat, lon=where.lon, zone=where.matrix_zone)
            if bare not in known:
                known[bare] = len(places)
                places.append(bare)
            place.append(known[bare])
        start.append((one.start - EPOCH) // timedelta(microseconds=1))
        ends = max(one.end, one.start + care) if home else one.end
        busy_end.append((ends - EPOCH) // timedelta(microseconds=1))
    home_visits = np.array([how is Mode.HH for how in mode], dtype=np.bool_)
    return Visit(slot, _whole(start), _whole(busy_end), _whole(place), home_visits, places)


def quarrels(problem: Problem, visit: Visit) -> Flags:
    """Tells of every two of one practitioner's bookings whether they are not at peace, (N, N)."""
    minute_us = MINUTE // timedelta(microseconds=1)
    count = len(visit.places)
    ways = np.full((count + 1, count + 1), NEVER, dtype=np.int64)
    ways[:count, :count] = car_minutes(problem, visit.places)
    minutes = ways[visit.place[:, None], visit.place[None, :]]
    late = visit.busy_end[:, None] + minutes * minute_us > visit.start[None, :]
    before = visit.start[:, None] < visit.start[None, :]
    same = visit.slot[:, None] == visit.slot[None, :]
    elsewhere = visit.place[:, None] != visit.place[None, :]
    quarrel = (before & late) | (before & late).T | (same & elsewhere)
    placed = visit.place >= 0
    quarrel &= placed[:, None] & placed[None, :]
    found: Flags = quarrel & (visit.home[:, None] | visit.home[None, :])
    return found


def car_minutes(problem: Problem, places: Sequence[Location]) -> Ints:
    """Gives whole minutes by car from each place to each, ``NEVER`` where there is no way."""
    policy, matrix = problem.policy, problem.matrix
    if matrix is not None:
        zones = {zone: at for at, zone in enumerate(matrix.zones)}
        found = np.full((len(places), len(places)), NEVER, dtype=np.int64)
        for a, here in enumerate(places):
            for b, there in enumerate(places):
                if here.zone in zones and there.zone in zones:
                    minutes = matrix.minutes[zones[here.zone]][zones[there.zone]]
                    found[a, b] = NEVER if minutes is None else minutes
        return found
    lat = np.radians(np.array([place.lat for place in places]))
    lon = np.radians(np.array([place.lon for place in places]))
    north, east = lat[:, None] - lat[None, :], lon[:, None] - lon[None, :]
    chord = (
        np.sin(north / 2) ** 2 + np.cos(lat[:, None]) * np.cos(lat[None, :]) * np.sin(east / 2) ** 2
    )
    metres: Reals = 2 * EARTH_METRES * np.arcsin(np.sqrt(np.minimum(1, chord)))
    detour = policy.detour
    factor = detour.factor * (detour.base + detour.extra * np.exp(-metres / detour.scale_metres))
    whole = np.floor(metres * factor + 1 / 2).astype(np.int64)
    ways: Ints = -(-whole * 60 // (policy.speeds.car * 1_000))
    return ways


def tie_breaks(problem: Problem, row: Ints, slot: Ints, seed: int) -> Ints:
    """Gives the tie-break of each pair, in 64-bit arithmetic that wraps."""
    first, second = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)
    of_row = np.array([_hash("r" + one.id) for one in problem.referrals], dtype=np.uint64)
    turned = []
    for one in problem.slots:
        value = _hash("s" + one.id)
        turned.append((value >> 32) | ((value << 32) & (2**64 - 1)))
    of_slot = np.array(turned, dtype=np.uint64)
    z = np.uint64(_hash(str(seed))) ^ of_row[row] ^ of_slot[slot]
    z = (z ^ (z >> np.uint64(30))) * first
    z = (z ^ (z >> np.uint64(27))) * second
    z = z ^ (z >> np.uint64(31))
    return (z >> np.uint64(33)).astype(np.int64)


def _hash(text: str) -> int:
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "little")


def _own(problem: Problem, row: int) -> str:
    return problem.referrals[row].patient.own_practitioner or ""


def _lower(*caps: int | None) -> int | None:
    return min((cap for cap in caps if cap is not None), default=None)


def _whole(values: Sequence[int]) -> Ints:
    return np.array(values, dtype=np.int64)


@cache
def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)
