"""
What is already booked as arrays: what side rules read of a Problem's pins.

Beside the pins themselves stand all places between which somebody may have to drive: homes of
referrals, sites, and where pinned home visits lead.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import pairwise
from operator import attrgetter
from typing import NamedTuple

import numpy as np

from slotengine.codes import Mode
from slotengine.domain import Location, Referral, Slot
from slotengine.problem import Problem
from slotengine.solver.encoding import NEVER, Flags, Indices, Ints, Reals, ints

MICROSECOND = timedelta(microseconds=1)
MINUTE = timedelta(minutes=1)

OUTSIDE = -1
"""Zone of a place that the travel matrix does not list."""

NO_GROUP = 0
"""Row of ``group_fits`` of a referral whose group has no pins: it fits everywhere."""

Place = tuple[float, float, str | None]
"""Latitude, longitude and matrix zone: places are one place when all three are equal."""

Span = tuple[int, int]
"""Microseconds after ``as_of``, both ends inclusive."""

ANY_TIME: Span = (-NEVER, NEVER)
NO_TIME: Span = (NEVER, -NEVER)


@dataclass(frozen=True, eq=False, slots=True)
class Pinned:
    """
    R referrals, S slots, T sites, P practitioners, and the pins.

    ``referral_earliest_us``, ``referral_latest_us`` (R,) int64 bound the start of a referral whose
    step before it is pinned, both inclusive; others are unbound, and one whose step before it is
    nowhere has no time at all. ``follows`` tells whether any is bound.

    ``group_fits`` (G, S) flags where the rest of a pinned group may sit, and ``referral_group``
    (R,) int32 its row, ``NO_GROUP`` for referrals without one.

    ``place_lat``, ``place_lon``, ``place_zone`` are distinct places: homes first, numbered as in
    ``Columns``, then sites (``site_place`` (T,) int32), then those of pinned home visits.

    Stops are pins of a known place: home visits, and what is booked at a site. Practitioner p owns
    stops ``stop_first[p]:stop_first[p + 1]``, ``stop_homes[p]`` home visits first. ``stop_slot``
    (K,) int32, ``stop_place`` (K,) int32, ``stop_start_us`` and ``stop_end_us`` (K,) int64, the end
    with the care a home visit takes at least. There are none where the policy ignores ways.
    """

    referral_earliest_us: Ints
    referral_latest_us: Ints
    follows: bool
    referral_group: Indices
    group_fits: Flags
    place_lat: Reals
    place_lon: Reals
    place_zone: Indices
    site_place: Indices
    stop_first: Ints
    stop_homes: Ints
    stop_slot: Indices
    stop_place: Indices
    stop_start_us: Ints
    stop_end_us: Ints


def pinned_columns(
    problem: Problem, homes: Sequence[Place], zones: Mapping[str | None, int]
) -> Pinned:
    """
    Makes the arrays of a Problem's pins.

    Parameters
    ----------
    problem
        The Problem.
    homes
        The distinct known homes of its referrals, in the order of ``Columns``.
    zones
        Index of each zone of the travel matrix.
    """
    slots = {slot.id: slot for slot in problem.slots} if problem.pins else {}
    starts = _start_spans(problem, slots)
    fits, group = _groups(problem, slots)
    places = {place: at for at, place in enumerate(homes)}
    site_place = [places.setdefault(_place(one.location), len(places)) for one in problem.sites]
    stops = _stops(problem, slots, places)
    listed = list(places)
    return Pinned(
        referral_earliest_us=ints(earliest for earliest, _ in starts),
        referral_latest_us=ints(latest for _, latest in starts),
        follows=any(start != ANY_TIME for start in starts),
        referral_group=ints(group).astype(np.int32),
        group_fits=fits,
        place_lat=np.array([lat for lat, _, _ in listed], dtype=np.float64),
        place_lon=np.array([lon for _, lon, _ in listed], dtype=np.float64),
        place_zone=ints(zones.get(zone, OUTSIDE) for *_, zone in listed).astype(np.int32),
        site_place=ints(site_place).astype(np.int32),
        stop_first=ints([0, *stops.until]),
        stop_homes=ints(stops.homes),
        stop_slot=ints(stops.slot).astype(np.int32),
        stop_place=ints(stops.place).astype(np.int32),
        stop_start_us=ints(stops.start_us),
        stop_end_us=ints(stops.end_us),
    )


def _place(location: Location) -> Place:
    return location.lat, location.lon, location.matrix_zone


def _start_spans(problem: Problem, slots: Mapping[str, Slot]) -> list[Span]:
    """Gives for each referral when it may start as far as its step before it is pinned."""
    if all(referral.follows is None for referral in problem.referrals):
        return [ANY_TIME] * len(problem.referrals)
    placing = {referral.id for referral in problem.referrals}
    pinned = {pin.referral: slots[pin.slot] for pin in problem.pins}
    spans = []
    for referral in problem.referrals:
        if referral.follows is None or referral.follows in placing:
            spans.append(ANY_TIME)
        elif referral.follows in pinned:
            spans.append(_step_span(problem, referral, pinned[referral.follows]))
        else:
            spans.append(NO_TIME)
    return spans


def _step_span(problem: Problem, referral: Referral, before: Slot) -> Span:
    pathway = problem.policy.pathway(referral.pathway or "")
    if pathway is None:
        return NO_TIME
    step = pathway.steps[referral.step]
    end_us = (before.end - problem.as_of) // MICROSECOND
    return end_us + step.after_min // MICROSECOND, end_us + step.after_max // MICROSECOND


def _groups(problem: Problem, slots: Mapping[str, Slot]) -> tuple[Flags, list[int]]:
    """Gives where the rest of each pinned group fits, and for each referral its row there."""
    members = Counter(one.group for one in problem.referrals if one.group is not None)
    pinned: dict[str, list[Slot]] = defaultdict(list)
    for pin in problem.pins:
        if pin.group is not None and pin.group in members:
            pinned[pin.group].append(slots[pin.slot])
    agendas: dict[tuple[str, str], list[int]] = defaultdict(list)
    for at, slot in enumerate(problem.slots if pinned else ()):
        agendas[slot.practitioner, slot.site].append(at)
    fits = np.zeros((1 + len(pinned), len(problem.slots)), dtype=np.bool_)
    fits[NO_GROUP] = True
    row_of: dict[str | None, int] = {}
    gap = problem.policy.groups.gap_minutes * MINUTE
    for row, (group, taken) in enumerate(pinned.items(), start=NO_GROUP + 1):
        row_of[group] = row
        given = {(slot.practitioner, slot.site) for slot in taken}
        # Pins that are apart leave no seat with all of them.
        for at in agendas[given.pop()] if len(given) == 1 else ():
            last = members[group] == 1
            fits[row, at] = not last or _is_run([*taken, problem.slots[at]], gap)
    return fits, [row_of.get(one.group, NO_GROUP) for one in problem.referrals]


def _is_run(slots: Sequence[Slot], gap: timedelta) -> bool:
    # Seats of one slot are side by side; different slots must lie close.
    different = {slot.id: slot for slot in slots}.values()
    in_order = sorted(different, key=attrgetter("start"))
    return all(after.start - before.end <= gap for before, after in pairwise(in_order))


class _Stops(NamedTuple):
    """Stops by practitioner, home visits first; ``until`` and ``homes`` are (P,)."""

    slot: list[int]
    place: list[int]
    start_us: list[int]
    end_us: list[int]
    until: list[int]
    homes: list[int]


def _stops(problem: Problem, slots: Mapping[str, Slot], places: dict[Place, int]) -> _Stops:
    """Gives the pins that lead somewhere; places of pinned home visits join ``places``."""
    index = {slot.id: at for at, slot in enumerate(problem.slots)}
    sites = {one.id: _place(one.location) for one in problem.sites}
    # A stop that several patients share, in one waiting room or one home, is asked once.
    visits: dict[str, set[tuple[bool, int, int]]] = defaultdict(set)
    for pin in problem.pins if problem.policy.home_visits is not None else ():
        slot, home = slots[pin.slot], pin.mode is Mode.HH
        if pin.mode is Mode.VR or (home and pin.location is None):
            continue
        place = sites[slot.site] if pin.location is None or not home else _place(pin.location)
        at = places.setdefault(place, len(places))
        visits[slot.practitioner].add((not home, index[slot.id], at))
    found = _Stops([], [], [], [], [], [])
    for giver in problem.practitioners:
        own = sorted(visits[giver.id]) if giver.id in visits else []
        for at_site, at, place_index in own:
            slot = problem.slots[at]
            found.slot.append(at)
            found.place.append(place_index)
            found.start_us.append((slot.start - problem.as_of) // MICROSECOND)
            end = slot.end if at_site else max(slot.end, slot.start + _care(problem))
            found.end_us.append((end - problem.as_of) // MICROSECOND)
        found.until.append(len(found.slot))
        found.homes.append(sum(not at_site for at_site, *_ in own))
    return found


def _care(problem: Problem) -> timedelta:
    visits = problem.policy.home_visits
    return timedelta(0) if visits is None else visits.care_minutes * MINUTE
