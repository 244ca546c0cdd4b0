"""
Who of the expected could have which seat, asked of the rules once for all futures.

Expected referrals differ by what the rules read: who sends them, which professions they ask for,
where they live. Each such template is asked about every slot as if it came now and was never due;
when it really comes is left to each future.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import NamedTuple

import numpy as np

from slotengine.codes import Audience, Mode, Priority, Profession, SlotState, SourceKind
from slotengine.domain import Location, Patient, Referral, Requester, Slot
from slotengine.forecast import Forecast, Kind, OpeningRate
from slotengine.problem import MAX_HORIZON, Problem
from slotengine.solver.arcs import Arcs, best_ways, candidate_arcs
from slotengine.solver.columns import MICROSECOND, MINUTE_US, Columns, to_columns
from slotengine.solver.costs import stranger_cost, travel_cost
from slotengine.solver.encoding import Indices, Ints, Reals, ints

ADULT_AGE = 40
"""Age of who is expected: any that no practitioner's limits of childhood or old age refuse."""

MOST_POINTS = 8
"""Places over which the expected of an unknown commune are spread: sites that give care."""

MARK = "~~~~~~~~expected-"
"""Begins the ids of what only futures have: ``~`` sorts last, so they follow the Problem's own."""


@dataclass(frozen=True, eq=False, slots=True)
class Templates:
    """
    T templates and all seats that any future may have: C free ones, then openings', then pins'.

    ``columns`` are those of the enlarged Problem: R referrals, then T templates. Kind k of the
    forecast is one of the templates ``kind_first[k]`` to ``+ kind_points[k]``, exclusive.

    ``row_start`` (R + 1,), ``row_seat``, ``row_cost``: arcs of the Problem's referrals to all
    seats. ``start`` (T + 1,), ``seat``, ``slot``, ``latest_us``, ``way_cost``: those of templates:
    the last instant of arrival from which the seat can be reached, and what the way costs.

    ``extra_chance`` and ``extra_name`` are of the seats after the C free ones.
    """

    columns: Columns
    referrals: int
    kind_first: Ints
    kind_points: Ints
    row_start: Ints
    row_seat: Ints
    row_cost: Ints
    start: Ints
    seat: Ints
    slot: Indices
    latest_us: Ints
    way_cost: Ints
    free_seats: int
    extra_chance: Reals
    extra_name: tuple[str, ...]


class _Seats(NamedTuple):
    """All seats of any future by slot of the enlarged Problem: slot s owns
    ``seat[first[s]:first[s] + many[s]]``.
    """

    first: Ints
    many: Ints
    seat: Ints


class _Extra(NamedTuple):
    """A seat that only some futures have."""

    slot: str
    name: str
    chance: float


class _Person(NamedTuple):
    """What the rules read of who is expected: same audiences, professions and place."""

    audiences: tuple[Audience, ...]
    professions: tuple[Profession, ...]
    place: Location | None


def templates_of(problem: Problem, forecast: Forecast) -> Templates:
    """Asks the rules about everything that futures of this problem can hold."""
    people, kind_first, kind_points = _people(problem, forecast.kinds)
    openings = _openings(problem, forecast.openings)
    enlarged = Problem.build(
        territory=problem.territory,
        as_of=problem.as_of,
        policy=problem.policy,
        practitioners=problem.practitioners,
        sites=problem.sites,
        # Whether it is open yet is asked again below, of each future's own instants.
        slots=[*(_opened(slot) for slot in problem.slots), *(slot for slot, _ in openings)],
        referrals=[*problem.referrals, *_referrals(problem, people)],
        pins=problem.pins,
        told=problem.told,
        promised=problem.promised,
        matrix=problem.matrix,
    )
    columns = to_columns(enlarged)
    extras = [*_opening_seats(openings), *_pinned_seats(problem, forecast.cancel_chance)]
    seats = _seats(enlarged, problem, extras)
    ready_us = _ready(problem, enlarged)
    arcs = candidate_arcs(columns)
    row, minutes = arcs.row, _minutes(columns, arcs)
    latest_us = columns.slot_start_us[arcs.slot] - columns.notice_us - minutes * MINUTE_US
    bookable = ready_us[arcs.slot] <= latest_us
    # By now a referral's arc was already asked whether it is in time; only the opening is new.
    bookable |= ready_us[arcs.slot] == 0
    known = len(problem.referrals)
    mine, theirs = (
        np.flatnonzero(bookable & (row < known)),
        np.flatnonzero(bookable & (row >= known)),
    )
    row_arc, row_seat = _by_seat(seats, row, arcs.slot, mine)
    arc, seat = _by_seat(seats, row, arcs.slot, theirs)
    return Templates(
        columns=columns,
        referrals=known,
        kind_first=kind_first,
        kind_points=kind_points,
        row_start=_starts(row[row_arc], known),
        row_seat=row_seat,
        row_cost=arcs.cost[row_arc],
        start=_starts(row[arc] - known, len(people)),
        seat=seat,
        slot=arcs.slot[arc],
        latest_us=latest_us[arc],
        way_cost=travel_cost(columns, minutes[arc])
        + stranger_cost(columns, row[arc], arcs.slot[arc]),
        free_seats=len(problem.free_seats),
        extra_chance=np.array([one.chance for one in extras], dtype=np.float64),
        extra_name=tuple(one.name for one in extras),
    )


def _people(problem: Problem, kinds: Sequence[Kind]) -> tuple[list[_Person], Ints, Ints]:
    """Gives the distinct templates, and for each kind its first one and how many it has."""
    people: list[_Person] = []
    known: dict[tuple[object, ...], tuple[int, int]] = {}
    places = _Places(problem)
    spans = []
    for kind in kinds:
        audiences = problem.policy.audiences[kind.source]
        same = (audiences, kind.professions, kind.insee)
        if same not in known:
            points = places.of(kind.insee)
            known[same] = (len(people), len(points))
            people.extend(_Person(audiences, kind.professions, point) for point in points)
        spans.append(known[same])
    return people, ints(first for first, _ in spans), ints(many for _, many in spans)


class _Places:
    """Where the expected live: their commune; where it is not known, all over the sites."""

    def __init__(self, problem: Problem) -> None:
        self._communes = {one.insee: one.location for one in problem.policy.communes}
        self._seen = {
            place.insee: place
            for referral in problem.referrals
            if (place := referral.patient.location) is not None and place.insee is not None
        }
        sites = [site.location for site in problem.sites]
        step = max(1, -(-len(sites) // MOST_POINTS))
        self._anywhere: list[Location | None] = [*sites[::step]] or [None]

    def of(self, insee: str | None) -> list[Location | None]:
        place = self._communes.get(insee or "") or self._seen.get(insee or "")
        if place is None:
            return self._anywhere
        return [place if place.insee is not None else place.replaced(insee=insee)]


def _referrals(problem: Problem, people: Sequence[_Person]) -> list[Referral]:
    sources = {problem.policy.audiences[source]: source for source in SourceKind}
    due = problem.as_of + 2 * MAX_HORIZON
    return [
        Referral(
            id=f"{MARK}{number:08d}",
            territory=problem.territory,
            source=sources[person.audiences],
            reference=f"{MARK}{number:08d}",
            requester=Requester(kind=sources[person.audiences]),
            patient=Patient(
                key=hashlib.blake2b(f"{MARK}{number}".encode(), digest_size=16).hexdigest(),
                location=person.place,
                age=ADULT_AGE,
            ),
            professions=person.professions,
            priority=Priority.ROUTINE,
            modes=(Mode.AMB,),
            deadline=due,
            max_travel_metres=problem.policy.max_travel_metres,
            received_at=problem.as_of,
        )
        for number, person in enumerate(people)
    ]


def _opened(slot: Slot) -> Slot:
    return slot if slot.opens_at is None else slot.replaced(opens_at=None)


def _openings(problem: Problem, rates: Sequence[OpeningRate]) -> list[tuple[Slot, float]]:
    """Gives the slots that may open and how likely; none beside what is published there already."""
    people = {one.id for one in problem.practitioners}
    sites = {one.id for one in problem.sites}
    possible = [
        Slot(
            id=f"{MARK}{number:08d}",
            territory=problem.territory,
            practitioner=rate.practitioner,
            site=rate.site,
            start=rate.start,
            end=rate.start + timedelta(minutes=rate.minutes),
            capacity=rate.seats,
            modes=rate.modes,
        )
        for number, rate in enumerate(rates)
        if rate.practitioner in people
        and rate.site in sites
        and problem.as_of < rate.start <= problem.as_of + MAX_HORIZON
    ]
    chances = {slot.id: rates[int(slot.id.removeprefix(MARK))].chance for slot in possible}
    # The published first, then the likelier: what overlaps one taken before it is left out.
    order = sorted(possible, key=lambda slot: (-chances[slot.id], slot.id))
    agendas: dict[str, list[Slot]] = {}
    for slot in problem.slots:
        agendas.setdefault(slot.practitioner, []).append(slot)
    found = []
    for slot in order:
        agenda = agendas.setdefault(slot.practitioner, [])
        if all(one.end <= slot.start or slot.end <= one.start for one in agenda):
            agenda.append(slot)
            found.append((slot, chances[slot.id]))
    return found


def _opening_seats(openings: Sequence[tuple[Slot, float]]) -> list[_Extra]:
    # All seats of a slot open together: they share the name that chance goes by.
    return [
        _Extra(slot.id, f"{slot.practitioner}/{slot.site}/{slot.start.isoformat()}", chance)
        for slot, chance in openings
        for _ in range(slot.capacity)
    ]


def _pinned_seats(problem: Problem, chance: float) -> list[_Extra]:
    slots = {slot.id: slot for slot in problem.slots}
    return [
        _Extra(pin.slot, f"{pin.slot}/{pin.seat}", chance)
        for pin in problem.pins
        if chance > 0
        and slots[pin.slot].state is SlotState.OPEN
        and slots[pin.slot].start >= problem.as_of + problem.policy.notice
    ]


def _seats(enlarged: Problem, problem: Problem, extras: Sequence[_Extra]) -> _Seats:
    position = {slot.id: at for at, slot in enumerate(enlarged.slots)}
    slot_of = ints(
        position[slot]
        for slot in (*(slot for slot, _ in problem.free_seats), *(x.slot for x in extras))
    )
    order = np.argsort(slot_of, kind="stable").astype(np.int64)
    many = np.bincount(slot_of, minlength=len(enlarged.slots)).astype(np.int64)
    return _Seats(np.cumsum(many) - many, many, order)


def _ready(problem: Problem, enlarged: Problem) -> Ints:
    """Gives from when each slot can be booked, microseconds after ``as_of``, 0 when it can now."""
    opens = {slot.id: slot.opens_at for slot in problem.slots if slot.opens_at is not None}
    return ints(
        max(0, (opens[slot.id] - problem.as_of) // MICROSECOND) if slot.id in opens else 0
        for slot in enlarged.slots
    )


def _minutes(columns: Columns, arcs: Arcs) -> Ints:
    return best_ways(columns, arcs.row, arcs.slot).journey.minutes


def _by_seat(seats: _Seats, row: Indices, slot: Indices, arcs: Ints) -> tuple[Ints, Ints]:
    """Gives for arcs to slots their arcs and seats, seats ascending in each row."""
    many = seats.many[slot[arcs]]
    arc = np.repeat(arcs, many)
    within = np.arange(len(arc)) - np.repeat(np.cumsum(many) - many, many)
    seat = seats.seat[seats.first[slot[arc]] + within]
    order = np.lexsort((seat, row[arc]))
    return arc[order], seat[order]


def _starts(row: Ints | Indices, rows: int) -> Ints:
    start = np.zeros(rows + 1, dtype=np.int64)
    np.cumsum(np.bincount(row, minlength=rows), out=start[1:])
    return start
