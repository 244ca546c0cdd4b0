"""
The land that a simulated world stands on: where people live, who gives slots and where.

Drawn here for any number of inhabitants, or taken from one of the fixture's territories. Nothing of
it is shared with the forecast, which must do well in a world that is not its own.
"""

from datetime import time
from typing import NamedTuple

import numpy as np

from slotengine.codes import Audience, Mode, Priority, Profession
from slotengine.counter_rules import Commune, PromiseRules
from slotengine.domain import Audiences, Location, Modes, Practitioner, Site
from slotengine.fixtures import territory
from slotengine.policy import OpeningHours, Policy

Generator = np.random.Generator

NAME = "simulated"

PER_100K: dict[Profession, int] = {
    Profession.PHYSICIAN: 36,
    Profession.NURSE: 5,
    Profession.PHYSIOTHERAPIST: 3,
    Profession.MIDWIFE: 2,
}
"""Practitioners who give slots, per 100,000 inhabitants: 36 doctors (SOLVER's evidence)."""

INHABITANTS_A_COMMUNE = 4_000
"""Mean commune; twice the French mean, for communes without a practice are left out. Our choice."""

INHABITANTS_A_KM2 = 105
"""Density of France (INSEE, 2021: 68 million on 640,000 km2, overseas included)."""

TOWNS_PER_100K = 3
"""Centres around which communes lie denser, our choice."""

AROUND_TOWN_KM = 6.0
"""Standard deviation of a commune's distance from its town, our choice."""

AROUND_TOWN_SHARE = 0.6
"""Share of the communes that lie around a town and not anywhere. Our choice."""

SIZE_EXPONENT = 0.9
"""Commune of rank k has inhabitants in proportion to k to the power of minus this (Zipf)."""

CENTRE = (46.6, 2.4)
"""Degrees north and east: the middle of France, so that distances per degree are right."""

KM_PER_DEGREE = 111.195
"""Kilometres of one degree of latitude on the mean sphere."""

PRACTITIONERS_A_SITE = 3
"""Practitioners of one profession who share a surgery, our choice."""

DECIMALS = 5
"""Of a degree: about a metre."""

FIRST_CODE = 95_700
"""INSEE codes of invented communes: five digits that no commune bears."""

SITE_SPREAD_KM = 0.6
"""How far surgeries lie from their commune's middle (standard deviation), our choice."""

VIDEO_SHARE = 0.12
"""Share of a fixture's patients who take a video consultation too, our choice."""

HOME_SHARE = 0.08
"""Share of a fixture's patients who must be visited, our choice."""

SLOT_MINUTES = 15
"""Four consultations an hour."""

WEEKDAYS = 5
SNP_DAY = (8, 20)
"""Local hours in which unscheduled care is open on weekdays (CSP R6315-1)."""


class Giver(NamedTuple):
    """Somebody who gives slots at one site, in these modes, to these requesters."""

    practitioner: Practitioner
    site: Site
    modes: Modes
    audiences: Audiences
    minutes: int
    seats: int


class Land(NamedTuple):
    """Communes, sites and givers, under a policy; ``video`` and ``home`` are shares of patients."""

    policy: Policy
    communes: tuple[Commune, ...]
    practitioners: tuple[Practitioner, ...]
    sites: tuple[Site, ...]
    givers: tuple[Giver, ...]
    video: float = 0.0
    home: float = 0.0

    @property
    def inhabitants(self) -> int:
        """All who live there."""
        return sum(commune.inhabitants for commune in self.communes)


PROMISED = (Priority.URGENT, Priority.ROUTINE)
"""Who is promised a seat first and told its hour later, in a drawn territory. Our choice."""


def drawn_land(inhabitants: int, *, seed: int) -> Land:
    """
    Draws communes around a few towns, and practitioners where people live.

    Parameters
    ----------
    inhabitants
        At least 10,000. The area grows with them, so that the density stays.
    seed
        Equal arguments give equal lands.
    """
    rng = np.random.default_rng([seed, inhabitants, 1])
    communes = _communes(rng, inhabitants)
    policy = Policy(
        territory=NAME,
        opening=_weekdays(),
        communes=communes,
        promises=PromiseRules(priorities=PROMISED),
    )
    practitioners: list[Practitioner] = []
    sites: list[Site] = []
    givers: list[Giver] = []
    shares = np.array([commune.inhabitants for commune in communes], dtype=np.float64)
    for profession, per_100k in PER_100K.items():
        for serial in range(max(1, round(per_100k * inhabitants / 100_000))):
            if serial % PRACTITIONERS_A_SITE == 0:
                at = int(rng.choice(len(communes), p=shares / shares.sum()))
                sites.append(_site(rng, len(sites), communes[at]))
            one = Practitioner(
                id=f"d{profession.value}-{serial:04d}",
                territory=NAME,
                profession=profession,
                specialties=("SM54",) if profession is Profession.PHYSICIAN else (),
            )
            practitioners.append(one)
            givers.append(Giver(one, sites[-1], (Mode.AMB,), (Audience.CPTS,), SLOT_MINUTES, 1))
    return Land(policy, communes, tuple(practitioners), tuple(sites), tuple(givers))


def land_of(name: str, *, seed: int, policy: Policy | None = None) -> Land:
    """
    Takes communes, practitioners and their places from a fixture's territory.

    Parameters
    ----------
    name
        One of ``slotengine.fixtures.NAMES``.
    seed
        Of the fixture's synthetic people.
    policy
        Instead of the territory's own; its communes are filled in where it lists none.

    Raises
    ------
    UnknownTerritoryError
        When there is no such territory.
    """
    night = territory(name, seed=seed)
    communes = tuple(
        Commune(
            insee=one.insee,
            inhabitants=one.population,
            location=Location(lat=one.lat, lon=one.lon, insee=one.insee),
        )
        for one in night.communes
    )
    rules = night.policy if policy is None else policy
    if not rules.communes:
        rules = rules.replaced(communes=communes)
    practitioners = {one.id: one for one in night.practitioners}
    sites = {one.id: one for one in night.sites}
    seen: dict[str, Giver] = {}
    for slot in night.slots:
        minutes = int((slot.end - slot.start).total_seconds()) // 60
        seen.setdefault(
            slot.practitioner,
            Giver(
                practitioners[slot.practitioner],
                sites[slot.site],
                slot.modes,
                slot.audiences,
                minutes,
                slot.capacity,
            ),
        )
    givers = tuple(seen[key] for key in sorted(seen))
    return Land(
        rules,
        communes,
        tuple(one.practitioner for one in givers),
        tuple(sites[key] for key in sorted({one.site.id for one in givers})),
        givers,
        video=VIDEO_SHARE,
        home=HOME_SHARE,
    )


def near(rng: Generator, commune: Commune, spread_km: float) -> Location:
    """Draws a place around a commune's middle."""
    lat = commune.location.lat + float(rng.normal()) * spread_km / KM_PER_DEGREE
    shrink = float(np.cos(np.radians(commune.location.lat)))
    lon = commune.location.lon + float(rng.normal()) * spread_km / KM_PER_DEGREE / shrink
    return Location(lat=round(lat, DECIMALS), lon=round(lon, DECIMALS), insee=commune.insee)


def _weekdays() -> tuple[OpeningHours, ...]:
    begin, end = SNP_DAY
    return tuple(
        OpeningHours(weekday=day, start=time(begin), end=time(end)) for day in range(WEEKDAYS)
    )


def _communes(rng: Generator, inhabitants: int) -> tuple[Commune, ...]:
    count = max(3, inhabitants // INHABITANTS_A_COMMUNE)
    side = (inhabitants / INHABITANTS_A_KM2) ** 0.5
    towns = (rng.random((max(1, TOWNS_PER_100K * inhabitants // 100_000), 2)) - 0.5) * side
    places = (rng.random((count, 2)) - 0.5) * side
    clustered = rng.random(count) < AROUND_TOWN_SHARE
    of_town = towns[rng.integers(len(towns), size=count)]
    places[clustered] = (of_town + rng.normal(size=(count, 2)) * AROUND_TOWN_KM)[clustered]
    weight = np.arange(1, count + 1) ** -SIZE_EXPONENT
    sizes = np.maximum(1, np.round(inhabitants * weight / weight.sum())).astype(int)
    shrink = float(np.cos(np.radians(CENTRE[0])))
    return tuple(
        Commune(
            insee=f"{FIRST_CODE + at:05d}",
            inhabitants=int(sizes[at]),
            location=Location(
                lat=round(CENTRE[0] + float(north) / KM_PER_DEGREE, DECIMALS),
                lon=round(CENTRE[1] + float(east) / KM_PER_DEGREE / shrink, DECIMALS),
                insee=f"{FIRST_CODE + at:05d}",
            ),
        )
        for at, (north, east) in enumerate(places)
    )


def _site(rng: Generator, serial: int, commune: Commune) -> Site:
    return Site(id=f"t{serial:04d}", territory=NAME, location=near(rng, commune, SITE_SPREAD_KM))
