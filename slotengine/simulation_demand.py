"""
Who asks, and when: the simulated world's own model of demand.

Not the forecast's: a day's level is itself random (so counts vary more than Poisson's), hours
follow a broken line instead of steps, weekdays and classes have shares of their own.
Every figure without a source is our choice, and was chosen to differ from the forecast's priors:
the forecast is to be tested on a world that it did not make.
"""

from collections import Counter
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple, TypeVar

import numpy as np
import numpy.typing as npt

from slotengine.codes import Mobility, Mode, Priority, Profession, SourceKind
from slotengine.domain import Patient, Referral, Requester, referral_id
from slotengine.forecast import Arrival
from slotengine.opening import deadline, opening_spans
from slotengine.policy import Policy
from slotengine.simulation_land import KM_PER_DEGREE, Generator, Land, near

Reals = npt.NDArray[np.float64]
Drawn = TypeVar("Drawn")

DAY_SPREAD = 0.12
"""Standard deviation of a day's level over its mean: weather, flu, a closed practice."""

WEEKDAY_LEVEL = (1.17, 1.0, 0.94, 0.92, 0.97, 0.55, 0.4)
"""Level of Monday to Sunday over the mean of weekdays; closed days have no arrivals anyway."""

HOUR_LINE = (
    (8.0, 0.6), (8.75, 2.2), (10.5, 1.5), (12.5, 0.5), (14.0, 0.8), (16.5, 1.0), (17.5, 1.2),
    (20.0, 0.2),
)  # fmt: skip
"""Local hour and relative intensity there; a straight line between, nothing outside."""

GRID_MINUTES = 5
"""Step at which the broken line is tabulated."""

SOURCE_SHARE = {
    SourceKind.SAMU: 21,
    SourceKind.PHARMACY: 24,
    SourceKind.NURSE: 13,
    SourceKind.PRACTICE: 19,
    SourceKind.EMERGENCY: 10,
    SourceKind.HOSPITAL: 5,
    SourceKind.EHPAD: 5,
    SourceKind.SOCIAL: 3,
}
"""Who sends."""

PRIORITY_SHARE = {
    SourceKind.SAMU: (12, 26, 37, 25),
    SourceKind.EMERGENCY: (8, 20, 38, 34),
}
PRIORITY_ELSE = (0, 10, 33, 57)
"""Stat, asap, urgent, routine by source; only regulators and emergency departments say stat."""

URGENT_CLASSES = 2
"""The classes that a wrong mix makes more or fewer of: stat and asap."""

AGES = ((0, 6, 14), (6, 18, 13), (18, 45, 27), (45, 70, 26), (70, 99, 20))
"""From, to (exclusive), share."""

HOME_SPREAD_KM = 1.4
WITH_OWN_PRACTITIONER = 0.86
OWN_AMONG_NEAREST = 6
"""One's own doctor is one of so many nearest who give slots, each as likely."""

MOBILITY_SHARE = {Mobility.CAR: 88, Mobility.TRANSIT: 6, Mobility.WALK: 4, Mobility.WHEELCHAIR: 2}
OWN_LIMIT_SHARE = 0.4
OWN_LIMIT_KM = (8, 26)
"""Share of patients who name a distance themselves, and which, half-open; others the Policy's."""

ENDS_SHARE = 0.06
MISSES_SHARE = 0.04
"""Needs that end before their deadline, and patients who do not come (FIELD: 2.6 to 5.4 %)."""


STILL_WAITING = 0.5
"""Chance to have found no seat within a day: about half of appointments are same day (FIELD)."""

DAY = timedelta(days=1)


class Asked(NamedTuple):
    """A referral with what nobody knows beforehand: when its need ends, and whether it is missed"""

    referral: Referral
    ends_at: datetime | None
    misses: bool


class Demand:
    """Draws the referrals of a land, ``rate`` of them on a mean weekday."""

    def __init__(self, land: Land, *, rate: float, mix_error: float, seed: int) -> None:
        self.land = land
        self.policy = land.policy
        self.rate = rate
        self.mix_error = mix_error
        self.seed = seed
        weight = np.array([one.inhabitants for one in land.communes], dtype=np.float64)
        self._commune_share = weight / weight.sum()
        self._nearest = [_nearest(land, at) for at in range(len(land.communes))]
        # Asked for in proportion to the seats, so that no profession is busier than another.
        self._professions: Counter[Profession] = Counter()
        for giver in land.givers:
            self._professions[giver.practitioner.profession] += giver.seats

    def day(self, day: date) -> list[Asked]:
        """Gives what is asked on a local day, in the order of its instants."""
        rng = np.random.default_rng([self.seed, day.toordinal(), 3])
        return [
            self._asked(rng, at, day, serial) for serial, at in enumerate(self._instants(rng, day))
        ]

    def left_over(self, day: date, now: datetime) -> list[Asked]:
        """Gives who asked on an earlier day and still waits: each with a chance, by how long ago"""
        rng = np.random.default_rng([self.seed, day.toordinal(), 7])
        return [
            one
            for one in self.day(day)
            if rng.random() < STILL_WAITING ** ((now - one.referral.received_at) / DAY)
            and (one.referral.deadline or now) > now
            and (one.ends_at is None or one.ends_at > now)
        ]

    def past(self, day: date) -> list[Arrival]:
        """Gives a day of history: only what a store keeps of a referral."""
        rng = np.random.default_rng([self.seed, day.toordinal(), 4])
        instants = self._instants(rng, day)
        count = len(instants)
        sources = _picks(rng, SOURCE_SHARE, count)
        professions = _picks(rng, self._professions, count)
        communes = rng.choice(len(self._commune_share), size=count, p=self._commune_share)
        classes = {
            source: iter(rng.choice(len(Priority), size=count, p=self._classes(source)).tolist())
            for source in SOURCE_SHARE
        }
        order = list(Priority)
        return [
            Arrival(
                at=at,
                source=source,
                priority=order[next(classes[source])],
                professions=(profession,),
                insee=self.land.communes[commune].insee,
            )
            for at, source, profession, commune in zip(
                instants, sources, professions, communes.tolist(), strict=True
            )
        ]

    def _instants(self, rng: Generator, day: date) -> list[datetime]:
        moments, shares = _intensity(self.policy, day)
        if not moments:
            return []
        level = float(rng.gamma(DAY_SPREAD**-2, DAY_SPREAD**2))
        count = int(rng.poisson(self.rate * WEEKDAY_LEVEL[day.weekday()] * level))
        steps = np.sort(rng.choice(len(moments), size=count, p=shares))
        within = rng.random(count) * GRID_MINUTES * 60
        return sorted(
            moments[step] + timedelta(seconds=int(seconds))
            for step, seconds in zip(steps.tolist(), within.tolist(), strict=True)
        )

    def _classes(self, source: SourceKind) -> Reals:
        share = np.array(PRIORITY_SHARE.get(source, PRIORITY_ELSE), dtype=np.float64)
        share[:URGENT_CLASSES] *= 1 + self.mix_error
        shares: Reals = share / share.sum()
        return shares

    def _priority(self, rng: Generator, source: SourceKind) -> Priority:
        return list(Priority)[int(rng.choice(len(Priority), p=self._classes(source)))]

    def _commune(self, rng: Generator) -> int:
        return int(rng.choice(len(self._commune_share), p=self._commune_share))

    def _asked(self, rng: Generator, at: datetime, day: date, serial: int) -> Asked:
        source = pick(rng, SOURCE_SHARE)
        priority = self._priority(rng, source)
        profession = pick(rng, self._professions)
        commune = self._commune(rng)
        territory = self.policy.territory
        reference = f"{day:%Y%m%d}-{serial:05d}"
        own = self._nearest[commune].get(profession, [])
        due = deadline(self.policy, priority, at)
        ends, misses = rng.random() < ENDS_SHARE, rng.random() < MISSES_SHARE
        span = float(rng.random())
        own_one = own[int(rng.integers(len(own)))] if own else None
        referral = Referral(
            id=referral_id(territory, source, reference),
            territory=territory,
            source=source,
            reference=reference,
            requester=Requester(kind=source),
            patient=Patient(
                key=f"{day.toordinal():016x}{serial:016x}",
                location=near(rng, self.land.communes[commune], HOME_SPREAD_KM),
                age=_age(rng),
                own_practitioner=own_one if rng.random() < WITH_OWN_PRACTITIONER else None,
                mobility=pick(rng, MOBILITY_SHARE),
            ),
            professions=(profession,),
            priority=priority,
            deadline=due,
            modes=_modes(rng, self.land),
            max_travel_metres=self._limit(rng),
            received_at=at,
        )
        whole = timedelta(seconds=int((due - at).total_seconds() * span))
        return Asked(referral, at + whole if ends else None, bool(misses))

    def _limit(self, rng: Generator) -> int:
        named = 1_000 * int(rng.integers(*OWN_LIMIT_KM))
        radius = self.policy.max_travel_metres
        return min(named, radius) if rng.random() < OWN_LIMIT_SHARE else radius


def pick(rng: Generator, shares: Mapping[Drawn, int]) -> Drawn:
    """Draws one of several in proportion to their shares."""
    weight = np.array(list(shares.values()), dtype=np.float64)
    return list(shares)[int(rng.choice(len(weight), p=weight / weight.sum()))]


def _picks(rng: Generator, shares: Mapping[Drawn, int], count: int) -> list[Drawn]:
    weight = np.array(list(shares.values()), dtype=np.float64)
    known = list(shares)
    return [known[at] for at in rng.choice(len(known), size=count, p=weight / weight.sum())]


def _age(rng: Generator) -> int:
    shares = {(begin, end): share for begin, end, share in AGES}
    return int(rng.integers(*pick(rng, shares)))


def _modes(rng: Generator, land: Land) -> tuple[Mode, ...]:
    luck = rng.random()
    if luck < land.home:
        return (Mode.HH,)
    return (Mode.AMB, Mode.VR) if luck < land.home + land.video else (Mode.AMB,)


def _intensity(policy: Policy, day: date) -> tuple[list[datetime], Reals]:
    """Tabulates the broken line over the opening spans of a day."""
    hours, heights = zip(*HOUR_LINE, strict=True)
    moments = [
        start + timedelta(minutes=step)
        for start, end in opening_spans(policy, day)
        for step in range(0, int((end - start).total_seconds()) // 60, GRID_MINUTES)
    ]
    local = [moment.astimezone(policy.zone) for moment in moments]
    # Territories that open before or close after the line's ends keep its last heights there.
    weight = np.interp([one.hour + one.minute / 60 for one in local], hours, heights)
    total = weight.sum()
    return [one.astimezone(UTC) for one in moments], weight / total if total else weight


def _nearest(land: Land, commune: int) -> dict[Profession, list[str]]:
    here = land.communes[commune].location
    shrink = float(np.cos(np.radians(here.lat)))
    ranked: dict[Profession, list[tuple[float, str]]] = {}
    for giver in land.givers:
        there = giver.site.location
        north, east = there.lat - here.lat, (there.lon - here.lon) * shrink
        apart = KM_PER_DEGREE * (north * north + east * east) ** 0.5
        ranked.setdefault(giver.practitioner.profession, []).append((apart, giver.practitioner.id))
    return {
        profession: [name for _, name in sorted(found)[:OWN_AMONG_NEAREST]]
        for profession, found in ranked.items()
    }
