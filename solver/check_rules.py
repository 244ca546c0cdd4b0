"""
The rules of ``docs/rules.md`` a second time: plain Python, one pair at a time, nothing clever.

``check`` and ``certificate`` stand on this file. It shares no line with ``arcs``, ``travel`` and
``costs``, so that a mistake must be made twice, in two shapes, before a wrong plan passes. Rule
names are spelled out here; a test compares them with ``slotengine.reasons.Rule``.
"""

import hashlib
import math
from collections import defaultdict
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from functools import lru_cache
from typing import NamedTuple

from slotengine.codes import Mobility, Mode, SlotState
from slotengine.domain import Location, Practitioner, Referral, Site, Slot, by_id
from slotengine.policy import Detour, Policy
from slotengine.problem import Problem

EARTH_RADIUS_METRES = 6_371_008.8
"""Mean radius of the earth, IUGG."""

MINUTE = timedelta(minutes=1)
METRES_PER_KM = 1_000
MINUTES_PER_HOUR = 60

SHORTEST_DEADLINE_MINUTES = 2
"""A deadline counts as at least this long, so that its half is at least one minute."""

MODE_ORDER = (Mode.AMB, Mode.VR, Mode.HH)
"""Which mode comes first between equally cheap ones."""

MODE_RULES = ("mobility", "access", "location", "travel", "reach", "tour", "cap")
"""Rules that depend on the mode, in the order in which they are asked."""

RULES = (
    *("sharing", "profession", "specialty", "mode", "audience", "age", "motive"),
    *("opening", "window", "deadline", "patient_busy", "pathway", "group"),
    *MODE_RULES,
)
"""Every rule, in the order in which they are asked."""

WORD = (1 << 64) - 1
"""Mask of 64-bit unsigned arithmetic."""


class Figures(NamedTuple):
    """What one referral on one slot in one mode amounts to."""

    mode: Mode
    travel_metres: int
    travel_minutes: int
    wait_minutes: int
    cost: int


def great_circle_metres(here: Location, there: Location) -> float:
    """
    Gives the great-circle distance on the mean sphere.

    Notes
    -----
    Haversine, after Sinnott (1984), Virtues of the Haversine, Sky & Telescope 68(2), 159.
    """
    lat1, lat2 = math.radians(here.lat), math.radians(there.lat)
    half_lat = (lat2 - lat1) / 2
    half_lon = math.radians(there.lon - here.lon) / 2
    square = math.sin(half_lat) ** 2 + math.cos(lat1) * math.cos(lat2) * math.sin(half_lon) ** 2
    # Rounding can lift the square of antipodes a hair above 1, where asin has no value.
    return 2 * EARTH_RADIUS_METRES * math.asin(math.sqrt(min(1.0, square)))


def road_metres(here: Location, there: Location, detour: Detour) -> int:
    """Gives whole road metres: the great circle lengthened by the policy's detour, rounded."""
    straight = great_circle_metres(here, there)
    stretch = detour.base + detour.extra * math.exp(-straight / detour.scale_metres)
    return math.floor(straight * (detour.factor * stretch) + 0.5)


def _ceil_div(number: int, by: int) -> int:
    return -(-number // by)


def _whole_minutes(span: timedelta) -> int:
    """Gives minutes rounded up; negative for a negative span."""
    return -(-span // MINUTE)


def pair_cost(
    policy: Policy, referral: Referral, slot: Slot, wait_minutes: int, travel_minutes: int
) -> int:
    """Gives the inconvenience of a pair in weighted minutes (level 2)."""
    deadline = referral.deadline or referral.received_at
    length = max(SHORTEST_DEADLINE_MINUTES, _whole_minutes(deadline - referral.received_at))
    half = length // 2
    late = max(0, wait_minutes - half)
    waiting = policy.waiting.of(referral.priority) * (wait_minutes + late**2 // half)
    far = max(0, travel_minutes - policy.comfort_minutes)
    travel = policy.travel_weight * (travel_minutes + far**2 // policy.comfort_minutes)
    own = referral.patient.own_practitioner
    other = own is not None and own != slot.practitioner
    return waiting + travel + (policy.not_own_practitioner_minutes if other else 0)


@lru_cache(maxsize=100_000)
def _hash64(text: str) -> int:
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "little")


def finalised(z: int) -> int:
    """
    Mixes 64 bits with the finaliser of splitmix64.

    Notes
    -----
    Steele, Lea, Flood (2014), Fast splittable pseudorandom number generators, OOPSLA.
    """
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & WORD
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & WORD
    return z ^ (z >> 31)


def tie_break(seed: int, referral_id: str, slot_id: str) -> int:
    """Gives the 31-bit tie-break of a pair (level 5)."""
    slot_hash = _hash64(f"s{slot_id}")
    turned = ((slot_hash << 32) | (slot_hash >> 32)) & WORD
    return finalised(_hash64(str(seed)) ^ _hash64(f"r{referral_id}") ^ turned) >> 33


def _shares(referral: Referral, slot: Slot) -> bool:
    return slot.territory == referral.territory or referral.territory in slot.shared_with


def _specialty_fits(referral: Referral, practitioner: Practitioner) -> bool:
    wanted = referral.specialties
    return not wanted or any(code in practitioner.specialties for code in wanted)


def _age_fits(age: int | None, practitioner: Practitioner) -> bool:
    youngest, oldest = practitioner.min_age, practitioner.max_age
    if youngest is None and oldest is None:
        return True
    if age is None:
        return False
    return (youngest is None or youngest <= age) and (oldest is None or age <= oldest)


def _motive_fits(referral: Referral, practitioner: Practitioner) -> bool:
    if referral.motive is None:
        return not practitioner.accepted_motives
    code = referral.motive.code
    if code in practitioner.refused_motives:
        return False
    return not practitioner.accepted_motives or code in practitioner.accepted_motives


class Rules:
    """
    Answers who may have which slot, and at what cost, for one problem.

    Travel is remembered per patient and site, since a site has many slots.
    """

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        self.policy = problem.policy
        self.practitioners: Mapping[str, Practitioner] = by_id(problem.practitioners)
        self.sites: Mapping[str, Site] = by_id(problem.sites)
        self.slots: Mapping[str, Slot] = by_id(problem.slots)
        self.referrals: Mapping[str, Referral] = by_id(problem.referrals)
        self._earliest = problem.as_of + self.policy.notice
        self._busy: dict[str, list[Slot]] = defaultdict(list)
        for pin in problem.pins:
            self._busy[pin.patient].append(self.slots[pin.slot])
        matrix = problem.matrix
        self._zones = {} if matrix is None else {zone: i for i, zone in enumerate(matrix.zones)}
        self._journeys: dict[tuple[str, str, Mode], tuple[int, int] | None] = {}

    def refusal(self, referral: Referral, slot: Slot) -> str | None:
        """Gives the first rule that a pair fails, in the order of rules.md, or None if allowed."""
        practitioner = self.practitioners[slot.practitioner]
        shared = _shared_modes(referral, slot)
        asked = (
            ("sharing", _shares(referral, slot)),
            ("profession", practitioner.profession in referral.professions),
            ("specialty", _specialty_fits(referral, practitioner)),
            ("mode", bool(shared)),
            ("audience", self._admits(referral, slot)),
            ("age", _age_fits(referral.patient.age, practitioner)),
            ("motive", _motive_fits(referral, practitioner)),
        )
        for rule, fits in asked:
            if not fits:
                return rule
        at_that_time = self._time_refusal(referral, slot)
        if at_that_time is not None:
            return at_that_time
        refusals = [self._mode_refusal(referral, slot, mode) for mode in shared]
        if None in refusals:
            return None
        # The latest rule that any mode got to says best what stood in the way.
        return max((name for name in refusals if name is not None), key=MODE_RULES.index)

    def modes(self, referral: Referral, slot: Slot) -> list[Figures]:
        """Gives the modes that an otherwise allowed pair may use, the plan's choice first."""
        found = [
            figures
            for mode in MODE_ORDER
            if mode in referral.modes
            and mode in slot.modes
            and self._mode_refusal(referral, slot, mode) is None
            and (figures := self.figures(referral, slot, mode)) is not None
        ]
        return sorted(found, key=lambda figures: figures.cost)  # stable: MODE_ORDER breaks ties

    def allowed(self, referral: Referral) -> Iterator[tuple[Slot, Figures]]:
        """
        Gives every slot that a referral may have, with its cheapest mode, in the problem's order.

        The practitioner's part of the rules is asked once per referral, and what is cheap to ask
        of a slot comes first.
        """
        suited = {
            key
            for key, practitioner in self.practitioners.items()
            if practitioner.profession in referral.professions
            and _specialty_fits(referral, practitioner)
            and _age_fits(referral.patient.age, practitioner)
            and _motive_fits(referral, practitioner)
        }
        for slot in self.problem.slots:
            if (
                slot.practitioner in suited
                and self._time_refusal(referral, slot) is None
                and _shares(referral, slot)
                and self._admits(referral, slot)
            ):
                modes = self.modes(referral, slot)
                if modes:
                    yield slot, modes[0]

    def figures(self, referral: Referral, slot: Slot, mode: Mode) -> Figures | None:
        """Gives the figures of a pair in a mode, allowed or not; None where no way leads there."""
        journey = self._journey(referral, slot, mode)
        if journey is None:
            return None
        metres, minutes = journey
        wait = max(0, _whole_minutes(slot.start - referral.received_at))
        return Figures(
            mode, metres, minutes, wait, pair_cost(self.policy, referral, slot, wait, minutes)
        )

    def _admits(self, referral: Referral, slot: Slot) -> bool:
        admitted = self.policy.audiences[referral.source]
        return any(audience in slot.audiences for audience in admitted)

    def _time_refusal(self, referral: Referral, slot: Slot) -> str | None:
        if slot.state is not SlotState.OPEN:
            return "opening"
        if slot.opens_at is not None and slot.opens_at > self.problem.as_of:
            return "opening"
        if referral.windows and not any(
            window.start <= slot.start and slot.end <= window.end for window in referral.windows
        ):
            return "window"
        if referral.deadline is not None and slot.start > referral.deadline:
            return "deadline"
        if any(overlap(taken, slot) for taken in self._busy.get(referral.patient.key, ())):
            return "patient_busy"
        return None

    def _mode_refusal(self, referral: Referral, slot: Slot, mode: Mode) -> str | None:
        patient = referral.patient
        if mode is Mode.AMB:
            if patient.mobility is Mobility.HOMEBOUND:
                return "mobility"
            if patient.mobility is Mobility.WHEELCHAIR and not self.sites[slot.site].accessible:
                return "access"
        if mode is not Mode.VR and patient.location is None:
            return "location"
        journey = self._journey(referral, slot, mode)
        limit = referral.max_travel_metres if mode is Mode.AMB else self.policy.home_visit_metres
        if journey is None:
            return "travel"
        metres, minutes = journey
        if mode is not Mode.VR and limit is not None and metres > limit:
            return "travel"
        arrival: datetime = self._earliest + minutes * MINUTE
        return "reach" if arrival > slot.start else None

    def _journey(self, referral: Referral, slot: Slot, mode: Mode) -> tuple[int, int] | None:
        """Gives metres and minutes of the one who travels, or None if there is no way."""
        if mode is Mode.VR:
            return 0, 0
        key = (referral.id, slot.site, mode)
        if key not in self._journeys:
            self._journeys[key] = self._travelled(referral, self.sites[slot.site], mode)
        return self._journeys[key]

    def _travelled(self, referral: Referral, site: Site, mode: Mode) -> tuple[int, int] | None:
        home = referral.patient.location
        if home is None:
            return None
        car = self.policy.speeds.car
        speed = self.policy.speeds.of(referral.patient.mobility) if mode is Mode.AMB else car
        if speed is None:
            return None
        start, end = (home, site.location) if mode is Mode.AMB else (site.location, home)
        if self.problem.matrix is None:
            metres = road_metres(start, end, self.policy.detour)
            return metres, _ceil_div(metres * MINUTES_PER_HOUR, speed * METRES_PER_KM)
        row = self._zones.get(start.matrix_zone or "")
        column = self._zones.get(end.matrix_zone or "")
        if row is None or column is None:
            return None
        cell_metres = self.problem.matrix.metres[row][column]
        cell_minutes = self.problem.matrix.minutes[row][column]
        if cell_metres is None or cell_minutes is None:
            return None
        return cell_metres, _ceil_div(cell_minutes * car, speed)


def overlap(one: Slot, other: Slot) -> bool:
    """Tells whether two slots share time; touching is not sharing."""
    return one.start < other.end and other.start < one.end


def _shared_modes(referral: Referral, slot: Slot) -> list[Mode]:
    return [mode for mode in referral.modes if mode in slot.modes]
