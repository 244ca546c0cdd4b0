"""
What is offered, laid out so that few slots need be asked about: by place, from north to south.

Nothing here allows a pair. It only leaves out slots that a rule of ``check_rules`` refuses for
certain: shut ones, those too soon or too late for anybody, and places that no road short enough
can lead to, because no road is shorter than the straight line through the earth.
"""

import math
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from slotengine.codes import Mode, SlotState
from slotengine.domain import Location, Practitioner, Referral, Slot, by_id
from slotengine.policy import Policy
from slotengine.problem import Problem
from slotengine.solver.check_kinds import kind_refusal
from slotengine.solver.check_travel import EARTH_RADIUS_METRES

MICROSECOND = timedelta(microseconds=1)

SLACK_METRES = 1.0
"""More than the half metre by which rounding shortens a road."""

SLACK_SHARE = 1e-6
"""A millionth of a length: far above the error of doubles, and a metre in a thousand km."""


MOST_STRIPS = 1_000
"""Wishes whose places are remembered; a strip of a large night takes some 60 kB."""


class Spot(NamedTuple):
    """A place as metres from the centre of the earth, along three axes."""

    x: float
    y: float
    z: float


class Place(NamedTuple):
    """
    Open slots of one practitioner at one site that only their time tells apart.

    ``starts`` are microseconds since the problem's instant, ascending; ``slots`` and ``order``,
    their positions in the problem, stand beside them. Places of one ``kind`` suit the same people.
    """

    kind: int
    spot: Spot
    starts: Sequence[int]
    slots: Sequence[Slot]
    order: Sequence[int]

    def between(self, first: int, last: int | None) -> range:
        """Gives where slots lie that start in a span of microseconds, both ends included."""
        end = len(self.starts) if last is None else bisect_right(self.starts, last)
        return range(bisect_left(self.starts, first), end)


class Strip:
    """Places from south to north, of which the near ones are found without asking all."""

    def __init__(self, places: Sequence[Place]) -> None:
        self._places = places
        self._heights = [place.spot.z for place in places]

    def near(self, home: Location | None, metres: float | None) -> Iterator[Place]:
        """Gives at least all places to which a straight line is so long; all without a limit."""
        if home is None or metres is None:
            yield from self._places
            return
        here = spot(home)
        first = bisect_left(self._heights, here.z - metres)
        beyond = bisect_right(self._heights, here.z + metres)
        for place in self._places[first:beyond]:
            if math.dist(here, place.spot) <= metres:
                yield place


class Offer:
    """The open slots of a problem, by place."""

    def __init__(self, problem: Problem) -> None:
        self._policy = problem.policy
        self._as_of = problem.as_of
        self._tabled = problem.matrix is not None
        self._practitioners = by_id(problem.practitioners)
        self._places = sorted(_places(problem), key=lambda place: place.spot.z)
        self._strips: dict[tuple[object, ...], Strip] = {}

    def instant(self, at: datetime) -> int:
        """Gives an instant as ``Place.starts`` counts it."""
        return (at - self._as_of) // MICROSECOND

    def near(self, referral: Referral) -> Iterator[Place]:
        """Gives at least every place where a referral may have a slot."""
        home = referral.patient.location
        return self._strip(referral).near(home, self._farthest(referral))

    def suited(self, referral: Referral) -> Iterator[Place]:
        """Gives every place whose kind suits a referral, near or far."""
        return self._strip(referral).near(None, None)

    def _strip(self, referral: Referral) -> Strip:
        wishes = (
            *(referral.territory, referral.source, referral.professions, referral.specialties),
            *(referral.modes, referral.patient.age),
            None if referral.motive is None else referral.motive.code,
        )
        if wishes not in self._strips:
            if len(self._strips) >= MOST_STRIPS:
                self._strips.clear()
            self._strips[wishes] = self._suited(referral)
        return self._strips[wishes]

    def _suited(self, referral: Referral) -> Strip:
        """Gives the places whose kind the first rules allow; equal wishes, equal places."""
        suits: dict[int, bool] = {}
        for place in self._places:
            if place.kind not in suits:
                slot = place.slots[0]
                practitioner = self._practitioners[slot.practitioner]
                refused_by = kind_refusal(self._policy, referral, practitioner, slot)
                suits[place.kind] = refused_by is None
        return Strip([place for place in self._places if suits[place.kind]])

    def _farthest(self, referral: Referral) -> float | None:
        """Gives the straight metres beyond which every road is too long; None if any may do."""
        limits = [road_limit(self._policy, referral, mode) for mode in referral.modes]
        known = [limit for limit in limits if limit is not None]
        if self._tabled or len(known) < len(limits):
            return None
        stretch = self._policy.detour.factor * self._policy.detour.base
        return (max(known) + SLACK_METRES) / stretch * (1 + SLACK_SHARE)


def road_limit(policy: Policy, referral: Referral, mode: Mode) -> int | None:
    """Gives the most road metres of a mode; None is without limit."""
    if mode is Mode.AMB:
        return referral.max_travel_metres
    return policy.home_visit_metres if mode is Mode.HH else None


def spot(location: Location) -> Spot:
    """Gives where on the mean sphere a location lies."""
    lat, lon = math.radians(location.lat), math.radians(location.lon)
    ring = EARTH_RADIUS_METRES * math.cos(lat)
    return Spot(ring * math.cos(lon), ring * math.sin(lon), EARTH_RADIUS_METRES * math.sin(lat))


def _places(problem: Problem) -> Iterator[Place]:
    practitioners, sites = by_id(problem.practitioners), by_id(problem.sites)
    alike: dict[tuple[object, ...], list[tuple[int, int, Slot]]] = defaultdict(list)
    for order, slot in enumerate(problem.slots):
        shut = slot.opens_at is not None and slot.opens_at > problem.as_of
        if slot.state is SlotState.OPEN and not shut:
            start = (slot.start - problem.as_of) // MICROSECOND
            alike[slot.practitioner, slot.site, *_own(slot)].append((start, order, slot))
    kinds: dict[tuple[object, ...], int] = {}
    for rows in alike.values():
        starts, orders, slots = zip(*sorted(rows, key=lambda row: row[:2]), strict=True)
        kind = (*_suits(practitioners[slots[0].practitioner]), *_own(slots[0]))
        where = spot(sites[slots[0].site].location)
        yield Place(kinds.setdefault(kind, len(kinds)), where, starts, slots, orders)


def _own(slot: Slot) -> tuple[str, tuple[str, ...], tuple[Mode, ...], tuple[str, ...]]:
    """Gives all that a slot says but its time and who gives it where."""
    return slot.territory, slot.shared_with, slot.modes, slot.audiences


def _suits(one: Practitioner) -> tuple[object, ...]:
    """Gives all that decides whom a practitioner sees."""
    return (
        *(one.profession, one.specialties, one.min_age, one.max_age),
        *(one.accepted_motives, one.refused_motives),
    )
