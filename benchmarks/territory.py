"""
Draws planning problems of any size: clustered communes, several professions, a 48 h window.

Not a real territory (those are ``slotengine.fixtures``): a shape that keeps its density as it
grows, so that figures of different sizes can be compared.
"""

from datetime import UTC, datetime, timedelta
from typing import NamedTuple, TypeVar

import numpy as np
import numpy.typing as npt

from slotengine.codes import Audience, Mobility, Mode, Priority, Profession, SourceKind
from slotengine.domain import (
    Location,
    Patient,
    Practitioner,
    Referral,
    Requester,
    Site,
    Slot,
    referral_id,
)
from slotengine.opening import deadline
from slotengine.policy import Deadlines, Policy
from slotengine.problem import Problem

Drawn = TypeVar("Drawn")

NAME = "benchmark"
AS_OF = datetime(2026, 11, 23, 18, 30, tzinfo=UTC)
"""A Monday, 19 h 30 in Paris: two whole working days lie in the window."""

WINDOW = timedelta(hours=48)
SEATS_PER_REFERRAL = 1.5
SLOTS_PER_PRACTITIONER = 6
SLOT_LENGTH = timedelta(minutes=15)
FIRST_SLOT = datetime(2026, 11, 24, 7, 0, tzinfo=UTC)
"""8 h in Paris on the first working day."""

DAYS = 2
SLOTS_A_DAY = 48
"""Quarter hours from 8 h to 20 h."""

TRAVEL_KM = (15, 30)
REFERRALS_PER_COMMUNE = 50
SIDE_KM = 22.0
"""Side of the square that 200 referrals live in; the area grows with their number."""

REFERRALS_IN_SIDE = 200
COMMUNE_RADIUS_KM = 1.5
RANK_EXPONENT = 0.8
"""The commune of rank k holds a share in proportion to k to the power of minus this."""

CENTRE = (47.3, -1.6)
KM_PER_DEGREE = 111.195
"""One degree of latitude on the mean sphere of 6,371 km."""

PROFESSION_SHARE = {
    Profession.PHYSICIAN: 0.76,
    Profession.NURSE: 0.10,
    Profession.PHYSIOTHERAPIST: 0.06,
    Profession.MIDWIFE: 0.04,
    Profession.DENTIST: 0.02,
    Profession.PODIATRIST: 0.02,
}
PRIORITY_SHARE = {
    Priority.STAT: 0.02,
    Priority.ASAP: 0.08,
    Priority.URGENT: 0.30,
    Priority.ROUTINE: 0.60,
}
MOBILITY_SHARE = {Mobility.CAR: 0.9, Mobility.TRANSIT: 0.1}
WITH_OWN_PRACTITIONER = 0.5
LONGEST_WAIT_SO_FAR_MINUTES = 720
OLDEST_DRAWN_YEARS = 95


class _Map(NamedTuple):
    """Communes: where each lies in degrees, and the chance that somebody lives there."""

    lat: npt.NDArray[np.float64]
    lon: npt.NDArray[np.float64]
    share: npt.NDArray[np.float64]

    def place(self, rng: np.random.Generator, commune: int) -> Location:
        spread = COMMUNE_RADIUS_KM / KM_PER_DEGREE
        lat = self.lat[commune] + rng.normal() * spread
        lon = self.lon[commune] + rng.normal() * spread / np.cos(np.radians(CENTRE[0]))
        return Location(lat=round(float(lat), 6), lon=round(float(lon), 6))


def problem_of(referrals: int, *, seed: int = 0) -> Problem:
    """
    Draws a Problem of ``referrals`` referrals and 1.5 times as many seats.

    Parameters
    ----------
    referrals
        At least 4, which is one practitioner.
    seed
        Equal arguments give equal problems. Default 0.
    """
    rng = np.random.default_rng([seed, referrals])
    seats = int(referrals * SEATS_PER_REFERRAL)
    policy = Policy(
        territory=NAME,
        deadlines=Deadlines(stat=WINDOW, asap=WINDOW, urgent=WINDOW, routine=WINDOW),
    )
    chart = _map(rng, referrals)
    givers = -(-seats // SLOTS_PER_PRACTITIONER)
    communes = rng.choice(len(chart.share), size=givers, p=chart.share)
    practitioners = [_practitioner(rng, serial) for serial in range(givers)]
    sites = [
        Site(id=f"t{serial:06d}", territory=NAME, location=chart.place(rng, int(commune)))
        for serial, commune in enumerate(communes)
    ]
    slots = [slot for serial in range(givers) for slot in _slots(rng, serial)][:seats]
    return Problem.build(
        territory=NAME,
        as_of=AS_OF,
        policy=policy,
        practitioners=practitioners,
        sites=sites,
        slots=slots,
        referrals=[
            _referral(rng, serial, policy, chart, practitioners) for serial in range(referrals)
        ],
    )


def _map(rng: np.random.Generator, referrals: int) -> _Map:
    communes = max(3, referrals // REFERRALS_PER_COMMUNE)
    side = SIDE_KM * (referrals / REFERRALS_IN_SIDE) ** 0.5 / KM_PER_DEGREE
    share = np.arange(1, communes + 1) ** -RANK_EXPONENT
    return _Map(
        CENTRE[0] + side * (rng.random(communes) - 0.5),
        CENTRE[1] + side * (rng.random(communes) - 0.5) / np.cos(np.radians(CENTRE[0])),
        share / share.sum(),
    )


def _drawn(rng: np.random.Generator, shares: dict[Drawn, float]) -> Drawn:
    return list(shares)[int(rng.choice(len(shares), p=list(shares.values())))]


def _practitioner(rng: np.random.Generator, serial: int) -> Practitioner:
    profession = _drawn(rng, PROFESSION_SHARE)
    return Practitioner(id=f"d{serial:06d}", territory=NAME, profession=profession)


def _slots(rng: np.random.Generator, serial: int) -> list[Slot]:
    drawn = rng.choice(DAYS * SLOTS_A_DAY, size=SLOTS_PER_PRACTITIONER, replace=False)
    made = []
    for quarter in sorted(drawn.tolist()):
        day, within = divmod(quarter, SLOTS_A_DAY)
        start = FIRST_SLOT + timedelta(days=day) + within * SLOT_LENGTH
        made.append(
            Slot(
                id=f"s{serial:06d}-{quarter:02d}",
                territory=NAME,
                practitioner=f"d{serial:06d}",
                site=f"t{serial:06d}",
                start=start,
                end=start + SLOT_LENGTH,
                modes=(Mode.AMB,),
                audiences=(Audience.CPTS,),
            )
        )
    return made


def _referral(
    rng: np.random.Generator,
    serial: int,
    policy: Policy,
    chart: _Map,
    practitioners: list[Practitioner],
) -> Referral:
    priority = _drawn(rng, PRIORITY_SHARE)
    waited = int(rng.integers(LONGEST_WAIT_SO_FAR_MINUTES))
    received_at = AS_OF - timedelta(minutes=waited)
    own = practitioners[int(rng.integers(len(practitioners)))].id
    reference = f"{serial:06d}"
    return Referral(
        id=referral_id(NAME, SourceKind.PHARMACY, reference),
        territory=NAME,
        source=SourceKind.PHARMACY,
        reference=reference,
        requester=Requester(kind=SourceKind.PHARMACY),
        patient=Patient(
            key=f"{serial:032x}",
            location=chart.place(rng, int(rng.choice(len(chart.share), p=chart.share))),
            age=int(rng.integers(OLDEST_DRAWN_YEARS)),
            own_practitioner=own if rng.random() < WITH_OWN_PRACTITIONER else None,
            mobility=_drawn(rng, MOBILITY_SHARE),
        ),
        professions=(_drawn(rng, PROFESSION_SHARE),),
        priority=priority,
        deadline=deadline(policy, priority, received_at),
        max_travel_metres=1_000 * int(rng.integers(TRAVEL_KM[0], TRAVEL_KM[1] + 1)),
        received_at=received_at,
    )
