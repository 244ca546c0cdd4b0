"""
Problems for properties: small ones that Hypothesis draws and shrinks, large ones from a seed.

Every plan that a test makes goes through ``checked``.
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import numpy as np
from builders import NOW, TOWN, north_of, patient, policy, practitioner, referral, site, slot
from hypothesis import strategies as st

from slotengine.codes import Audience, Mobility, Mode, Priority, Profession, SlotState, SourceKind
from slotengine.domain import Location, Motive, Referral, Slot, TimeWindow
from slotengine.problem import Pin, Plan, Problem
from slotengine.solver.check import check

PROFESSIONS = (Profession.PHYSICIAN, Profession.NURSE)
MODES = ((Mode.AMB,), (Mode.HH,), (Mode.AMB, Mode.VR), (Mode.AMB, Mode.HH, Mode.VR))


def checked(problem: Problem, plan: Plan) -> Plan:
    """Gives back a plan in which the independent check finds nothing."""
    assert check(problem, plan) == []
    return plan


@st.composite
def problems(
    draw: st.DrawFn, *, max_referrals: int = 4, max_slots: int = 4, max_pins: int = 1
) -> Problem:
    """Draws a small Problem in which every rule can refuse and costs often tie."""
    sites = [
        site(f"site{at}", location=north_of(TOWN, 6_000 * at), accessible=at == 0)
        for at in range(2)
    ]
    givers = [
        practitioner("d0"),
        practitioner("d1", min_age=15, refused_motives=("M9",)),
        practitioner("d2", profession=Profession.NURSE, specialties=()),
    ]
    slots = [_slot(draw, at, len(givers)) for at in range(draw(st.integers(0, max_slots)))]
    referrals = [
        _referral(draw, at, [one.id for one in givers])
        for at in range(draw(st.integers(0, max_referrals)))
    ]
    pins = []
    for pinned in slots[: draw(st.integers(0, max_pins))]:
        key = patient(draw(st.sampled_from(["stranger", "patient 0"]))).key
        pins.append(Pin(referral=f"pinned-{pinned.id}", patient=key, slot=pinned.id, seat=0))
    return Problem.build(
        territory="giennois",
        as_of=NOW,
        policy=policy(waiting=draw(st.sampled_from([_flat(), policy().waiting]))),
        practitioners=givers,
        sites=sites,
        slots=slots,
        referrals=referrals,
        pins=pins,
    )


def _flat() -> Any:
    return policy().waiting.replaced(stat=0, asap=0, urgent=0, routine=0)


def _slot(draw: st.DrawFn, at: int, givers: int) -> Slot:
    return slot(
        f"slot{at}",
        # Each slot has an hour of its own, so that no practitioner's slots overlap.
        after_minutes=60 * at + draw(st.sampled_from([5, 15, 30])),
        practitioner=f"d{draw(st.integers(0, givers - 1))}",
        site=f"site{draw(st.integers(0, 1))}",
        capacity=draw(st.sampled_from([1, 1, 2])),
        modes=draw(st.sampled_from(MODES)),
        audiences=draw(st.sampled_from([(Audience.CPTS,), (Audience.SNP,)])),
        state=draw(st.sampled_from([SlotState.OPEN] * 4 + [SlotState.WITHDRAWN])),
    )


def _referral(draw: st.DrawFn, at: int, givers: Sequence[str]) -> Referral:
    place = st.sampled_from([TOWN, north_of(TOWN, 3_000), north_of(TOWN, 9_000), None])
    window = TimeWindow(start=NOW, end=NOW + timedelta(hours=2))
    return referral(
        str(at),
        source=draw(st.sampled_from([SourceKind.PHARMACY, SourceKind.SAMU])),
        patient=patient(
            f"patient {at}",
            location=draw(place),
            age=draw(st.sampled_from([40, 10, None])),
            mobility=draw(st.sampled_from(list(Mobility))),
            own_practitioner=draw(st.sampled_from([None, *givers])),
        ),
        professions=draw(st.sampled_from([PROFESSIONS, PROFESSIONS[:1]])),
        priority=draw(st.sampled_from(list(Priority))),
        motive=draw(st.sampled_from([None, Motive(system="m", code="M9")])),
        windows=draw(st.sampled_from([(), (window,)])),
        modes=draw(st.sampled_from(MODES)),
        max_travel_metres=draw(st.sampled_from([30_000, 5_000])),
        deadline=NOW + timedelta(minutes=draw(st.sampled_from([100, 240]))),
    )


def territory(referrals: int, slots: int, *, seed: int, slots_each: int = 6) -> Problem:
    """Gives a synthetic territory: clustered homes, six professions, slots over two days."""
    rng = np.random.default_rng(seed)
    towns = rng.uniform((47.0, -2.0), (47.6, -1.2), (12, 2))

    def place() -> Location:
        lat, lon = towns[rng.integers(len(towns))] + rng.normal(0, 0.015, 2)
        return Location(lat=float(lat), lon=float(lon))

    professions = list(Profession)[:6]
    shares = np.array([0.5, 0.1, 0.1, 0.1, 0.1, 0.1])
    count = -(-slots // slots_each)
    givers = [
        practitioner(f"d{at:05}", profession=professions[rng.choice(6, p=shares)], specialties=())
        for at in range(count)
    ]
    sites = [site(f"s{at:05}", location=place()) for at in range(count)]
    agenda = []
    for at in range(slots):
        begins = 60 + (at % slots_each) * 460 + int(rng.integers(0, 400))
        agenda.append(
            slot(
                f"slot{at:06}",
                after_minutes=begins,
                practitioner=f"d{at // slots_each:05}",
                site=f"s{at // slots_each:05}",
            )
        )
    waiting = []
    for at in range(referrals):
        priority = list(Priority)[rng.choice(4, p=(0.02, 0.18, 0.3, 0.5))]
        waiting.append(
            referral(
                str(at),
                patient=patient(
                    f"p{at}",
                    location=place(),
                    own_practitioner=givers[rng.integers(count)].id,
                ),
                professions=(professions[rng.choice(6, p=shares)],),
                priority=priority,
                deadline=NOW + policy().deadlines.of(priority),
                max_travel_metres=int(rng.integers(15_000, 30_000)),
            )
        )
    return Problem.build(
        territory="giennois",
        as_of=NOW,
        policy=policy(),
        practitioners=givers,
        sites=sites,
        slots=agenda,
        referrals=waiting,
    )
