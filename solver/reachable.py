"""
What one referral could have at all: the slots of a territory worth asking the rules about.

Never stricter than ``solver.hard_rules``: whatever is left out here is refused by PROFESSION,
SPECIALTY, MODE, WINDOW, LOCATION or TRAVEL. The counter has ten milliseconds, and the arrays of a
whole territory would take most of them.
"""

import math
from collections.abc import Mapping, Sequence
from functools import cache

from slotengine.codes import Mode
from slotengine.domain import Location, Practitioner, Referral, Site, Slot, by_id
from slotengine.policy import Policy
from slotengine.problem import TravelMatrix

EARTH_METRES = 6_371_008.8
"""Mean radius of the earth (IUGG), as in ``solver.travel``."""

SPARE_METRES = 2.0
"""Added to every limit: one for the rounding of road metres, one far above a double's error."""


def could_have(
    referral: Referral,
    slots: Sequence[Slot],
    practitioners: Sequence[Practitioner],
    sites: Sequence[Site],
    *,
    policy: Policy,
    matrix: TravelMatrix | None,
) -> list[Slot]:
    """
    Gives the slots of which no rule about place, person or hour is known to refuse the referral.

    With a host's matrix nothing is said of distances: its metres need not be longer than the air's.
    """
    wanted, asked = set(referral.professions), set(referral.specialties)
    people = {
        one.id
        for one in practitioners
        if one.profession in wanted and (not asked or not asked.isdisjoint(one.specialties))
    }
    near = None if matrix is not None else _near(referral, by_id(sites), policy)

    # Few places and few sets of modes, many slots.
    @cache
    def can_meet(site: str, modes: tuple[Mode, ...]) -> bool:
        return any(
            near is None or mode is Mode.VR or (site, mode) in near
            for mode in referral.modes
            if mode in modes
        )

    return [
        slot
        for slot in slots
        if slot.practitioner in people
        and can_meet(slot.site, slot.modes)
        and _in_a_window(referral, slot)
    ]


def _in_a_window(referral: Referral, slot: Slot) -> bool:
    if not referral.windows:
        return True
    return any(window.contains(slot.start, slot.end) for window in referral.windows)


def _near(referral: Referral, sites: Mapping[str, Site], policy: Policy) -> set[tuple[str, Mode]]:
    """Gives the sites within the limit of each mode in a straight line, which no road undercuts."""
    home = referral.patient.location
    if home is None:
        return set()
    stretch = policy.detour.factor * policy.detour.base
    limits = {
        Mode.AMB: referral.max_travel_metres or 0,
        Mode.HH: policy.home_visit_metres,
    }
    straight = {mode: (limit + SPARE_METRES) / stretch for mode, limit in limits.items()}
    return {
        (one.id, mode)
        for one in sites.values()
        for away in (straight_metres(home, one.location),)
        for mode, limit in straight.items()
        if away <= limit
    }


def straight_metres(one: Location, other: Location) -> float:
    """
    Gives the great-circle distance in metres.

    Examples
    --------
    >>> round(straight_metres(Location(lat=47, lon=2), Location(lat=48, lon=2)))
    111195
    """
    phi_a, phi_b = math.radians(one.lat), math.radians(other.lat)
    half_dlambda = math.radians(other.lon - one.lon) / 2
    chord = (
        math.sin((phi_b - phi_a) / 2) ** 2
        + math.cos(phi_a) * math.cos(phi_b) * math.sin(half_dlambda) ** 2
    )
    return 2 * EARTH_METRES * math.asin(math.sqrt(min(chord, 1.0)))
