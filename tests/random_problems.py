"""Whole small territories drawn at random, with every rule in play; the same seed, the same one."""

from datetime import timedelta
from random import Random
from typing import Any

from builders import NOW, TOWN, patient, policy, practitioner, problem, referral, site, slot

from slotengine.codes import Audience, Mobility, Mode, Priority, Profession, SlotState, SourceKind
from slotengine.domain import Location, Motive, Referral, Slot, TimeWindow
from slotengine.problem import Pin, Problem

MOTIVES = tuple(Motive(system="hub", code=code) for code in ("M1", "M2"))
PROFESSIONS = (Profession.PHYSICIAN, Profession.PHYSICIAN, Profession.MIDWIFE)


def random_problem(seed: int, *, referrals: int = 12, slots: int = 16) -> Problem:
    draw = Random(seed)  # noqa: S311 - a test case, not a secret
    givers = [
        practitioner(
            f"d{number}",
            profession=draw.choice(PROFESSIONS),
            specialties=draw.choice(((), ("SM54",), ("SM54", "SM26"))),
            min_age=draw.choice((None, None, 6)),
            max_age=draw.choice((None, None, 80)),
            accepted_motives=draw.choice(((), (), (), ("M1",))),
            refused_motives=draw.choice(((), (), ("M2",))),
        )
        for number in range(1 + slots // 4)
    ]
    sites = [
        site(f"s{number}", location=_place(draw), accessible=draw.random() < 0.7)
        for number in range(4)
    ]
    offered = [_slot(draw, number, number % len(givers)) for number in range(slots)]
    asked = [_referral(draw, number, len(givers)) for number in range(referrals)]
    pins = [
        Pin(referral=f"r-{one.id}", patient=draw.choice(asked).patient.key, slot=one.id, seat=0)
        for one in offered
        if asked and draw.random() < 0.15
    ]
    return problem(
        policy=policy(home_visit_metres=15_000),
        practitioners=givers,
        sites=sites,
        slots=offered,
        referrals=asked,
        pins=pins,
    )


def _place(draw: Random) -> Location:
    return Location(lat=TOWN.lat + draw.uniform(-0.2, 0.2), lon=TOWN.lon + draw.uniform(-0.3, 0.3))


def _modes(draw: Random) -> tuple[Mode, ...]:
    return draw.choice(((Mode.AMB,), (Mode.AMB,), (Mode.AMB, Mode.VR), tuple(Mode), (Mode.HH,)))


def _slot(draw: Random, number: int, giver: int) -> Slot:
    # One practitioner's slots are an hour apart, so they never overlap.
    foreign = draw.random() < 0.2
    changes: dict[str, Any] = {
        "territory": "sologne" if foreign else "giennois",
        "shared_with": ("giennois",) if foreign and draw.random() < 0.7 else (),
        "audiences": draw.choice(((Audience.CPTS,), (Audience.SNP,), tuple(Audience))),
        "opens_at": draw.choice((None, None, None, NOW + timedelta(hours=1))),
        "state": draw.choice((SlotState.OPEN,) * 9 + (SlotState.WITHDRAWN,)),
    }
    return slot(
        f"slot{number:03}",
        after_minutes=10 + 60 * number + draw.randrange(30),
        capacity=draw.choice((1, 1, 1, 2, 3)),
        modes=_modes(draw),
        practitioner=f"d{giver}",
        site=f"s{draw.randrange(4)}",
        **changes,
    )


def _referral(draw: Random, number: int, givers: int) -> Referral:
    priority = draw.choice(tuple(Priority))
    received = NOW - timedelta(seconds=draw.randrange(7_200))
    start = NOW + timedelta(minutes=draw.randrange(300))
    return referral(
        str(number),
        source=draw.choice((SourceKind.PHARMACY, SourceKind.SAMU, SourceKind.SOCIAL)),
        priority=priority,
        received_at=received,
        deadline=received + timedelta(hours=draw.choice((6, 12, 24, 48))),
        professions=draw.choice(((Profession.PHYSICIAN,), tuple(PROFESSIONS))),
        specialties=draw.choice(((), (), ("SM54",), ("SM26",))),
        modes=_modes(draw),
        motive=draw.choice((None, *MOTIVES)),
        windows=draw.choice(((), (), (TimeWindow(start=start, end=start + timedelta(hours=20)),))),
        max_travel_metres=draw.choice((8_000, 30_000)),
        patient=patient(
            f"p{number}",
            location=None if draw.random() < 0.1 else _place(draw),
            age=draw.choice((None, 3, 40, 90)),
            mobility=draw.choice((Mobility.CAR, Mobility.CAR, *Mobility)),
            own_practitioner=draw.choice((None, f"d{draw.randrange(givers)}")),
        ),
    )
