"""A busy day, what is expected of it, and the arcs of its sampled futures."""

from datetime import timedelta
from typing import Any

from builders import (
    NOW,
    TOWN,
    north_of,
    patient,
    policy,
    practitioner,
    problem,
    referral,
    site,
    slot,
)

from slotengine.codes import Audience, Mode, Priority, Profession, SourceKind
from slotengine.counter_rules import Commune
from slotengine.domain import Location
from slotengine.forecast import Forecast, Kind
from slotengine.policy import Counting, Deadlines, Policy
from slotengine.problem import Pin, Problem
from slotengine.solver.futures import Future

HOUR = timedelta(hours=1)
MICROSECOND = timedelta(microseconds=1)
DOCTOR = (Profession.PHYSICIAN,)
DEADLINES = Deadlines(stat=4 * HOUR, asap=8 * HOUR, urgent=12 * HOUR, routine=24 * HOUR)


def town(insee: str = "44114", north: float = 0.0) -> Commune:
    place = north_of(TOWN, north)
    return Commune(
        insee=insee,
        inhabitants=10_000,
        location=Location(lat=place.lat, lon=place.lon, insee=insee),
    )


def rules(**changes: Any) -> Policy:
    fields: dict[str, Any] = {
        "communes": (town(), town("44001", 8_000), town("44002", 25_000)),
        "counting": Counting.OPENING,
        "deadlines": DEADLINES,
    }
    return policy(**{**fields, **changes})


def kind(share: float = 1.0, **changes: Any) -> Kind:
    fields: dict[str, Any] = {
        "source": SourceKind.PHARMACY,
        "priority": Priority.URGENT,
        "professions": DOCTOR,
        "insee": "44114",
        "share": share,
    }
    return Kind(**{**fields, **changes})


def forecast(*kinds: Kind, hourly: tuple[float, ...] = (2.0,) * 10, **changes: Any) -> Forecast:
    fields: dict[str, Any] = {
        "territory": "giennois",
        "as_of": NOW,
        "hourly": hourly,
        "kinds": kinds or (kind(),),
        "cancel_chance": 0.0,
        "miss_chance": 0.0,
    }
    return Forecast(**{**fields, **changes})


def arcs(future: Future, row: int) -> dict[int, int]:
    span = slice(int(future.start[row]), int(future.start[row + 1]))
    return dict(zip(future.col[span].tolist(), future.cost[span].tolist(), strict=True))


def busy_day(**changes: Any) -> Problem:
    """A day of slots that differ in time, place, profession, audience, mode and limits."""
    people = (
        practitioner("d1"),
        practitioner("d2", min_age=6),
        practitioner("d3", max_age=15),
        practitioner("n1", profession=Profession.NURSE),
        practitioner("d4", max_bookings_per_day=1),
    )
    sites = (
        site("s1"),
        site("s2", location=north_of(TOWN, 14_000)),
        site("s3", location=north_of(TOWN, 31_000)),
    )
    slots = [
        slot(
            f"{person.id}-{at:02d}",
            practitioner=person.id,
            site=sites[(number + at) % 3].id,
            after_minutes=30 + 47 * at + 5 * number,
            capacity=1 + (at % 5 == 0),
            modes=(Mode.HH,) if at % 7 == 6 else (Mode.AMB, Mode.VR),
            audiences=(Audience.SNP,) if at % 6 == 5 else (Audience.CPTS,),
        )
        for number, person in enumerate(people)
        for at in range(14)
    ]
    fields: dict[str, Any] = {
        "policy": rules(),
        "practitioners": people,
        "sites": sites,
        "slots": slots,
        "referrals": (referral("1"), referral("2", priority=Priority.ROUTINE)),
        "pins": (Pin(referral="old", patient=patient("old").key, slot="d4-03", seat=0),),
    }
    return problem(**{**fields, **changes})


MIXED = (
    kind(0.3),
    kind(0.2, source=SourceKind.SAMU, priority=Priority.STAT, insee="44001"),
    kind(0.2, priority=Priority.ROUTINE, insee="44002"),
    kind(0.2, professions=(Profession.NURSE,), priority=Priority.ASAP),
    kind(0.1, source=SourceKind.SOCIAL, insee="44001"),
)
