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
from slotengine.policy import Policy
from slotengine.problem import Pin, Plan, Problem
from slotengine.side_constraints import (
    Caps,
    Floor,
    Groups,
    HomeVisits,
    Pathway,
    Spread,
    Step,
)
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


CHAIN = Pathway(
    code="chain",
    name_fr="suite",
    name_en="chain",
    steps=(
        Step(professions=PROFESSIONS),
        Step(
            professions=PROFESSIONS,
            after_min=timedelta(minutes=15),
            after_max=timedelta(minutes=60),
        ),
        Step(professions=PROFESSIONS, after_max=timedelta(days=1)),
    ),
)
MODES_OF_VISITS = ((Mode.HH,), (Mode.AMB, Mode.HH))


@st.composite
def coupled_problems(draw: st.DrawFn, *, max_referrals: int = 4, max_slots: int = 5) -> Problem:
    """Draws a small Problem in which bookings bind each other in every way, nobody told."""
    slots = _close_slots(draw, max_slots)
    count = draw(st.integers(1, max_referrals))
    siblings = draw(st.integers(0, min(count, 3, *_largest_day(slots))))
    referrals = [
        _coupled_referral(draw, at, group="siblings" if at < siblings else None)
        for at in range(count)
    ]
    pins = [_coupled_pin(draw, one) for one in slots[: draw(st.integers(0, min(2, len(slots))))]]
    free = [at for at in range(count) if at >= siblings]
    chain = free[: draw(st.integers(0, 3))]
    pinned_first = bool(pins) and draw(st.booleans())
    if pinned_first and chain:
        pins[0] = pins[0].replaced(patient=referrals[chain[0]].patient.key)
    before = pins[0].referral if pinned_first else None
    for step, at in enumerate(chain[:2] if pinned_first else chain, start=int(pinned_first)):
        referrals[at] = referrals[at].replaced(
            patient=referrals[chain[0]].patient, pathway="chain", step=step, follows=before
        )
        before = referrals[at].id
    return Problem.build(
        territory="giennois",
        as_of=NOW,
        policy=_coupled_policy(draw),
        practitioners=[
            practitioner(f"d{at}", max_effort_minutes_per_day=draw(st.sampled_from([None, 30, 60])))
            for at in range(2)
        ],
        sites=[site("site0"), site("site1", location=north_of(TOWN, 5_000))],
        slots=slots,
        referrals=referrals,
        pins=pins,
    )


def _largest_day(slots: Sequence[Slot]) -> list[int]:
    """Gives how many a group may have, as no Problem holds one larger than any day."""
    rooms = [
        sum(slot.capacity for slot in slots if slot.practitioner == giver) for giver in ("d0", "d1")
    ]
    return [max(rooms)] if slots else []


def _close_slots(draw: st.DrawFn, most: int) -> list[Slot]:
    ends = {"d0": 60, "d1": 60}
    slots = []
    for at in range(draw(st.integers(0, most))):
        giver = draw(st.sampled_from(sorted(ends)))
        begins = ends[giver] + draw(st.sampled_from([0, 0, 10, 20]))
        ends[giver] = begins + 15
        slots.append(
            slot(
                f"slot{at}",
                after_minutes=begins,
                practitioner=giver,
                site=f"site{draw(st.sampled_from([0, 0, 1]))}",
                capacity=draw(st.sampled_from([1, 1, 2])),
                modes=draw(st.sampled_from([(Mode.AMB,), *MODES_OF_VISITS])),
            )
        )
    return slots


def _coupled_referral(draw: st.DrawFn, at: int, *, group: str | None) -> Referral:
    return referral(
        str(at),
        group=group,
        priority=draw(st.sampled_from([Priority.ASAP, Priority.URGENT, Priority.ROUTINE])),
        modes=draw(st.sampled_from([(Mode.AMB,), *MODES_OF_VISITS])),
        patient=patient(
            f"patient {at}",
            location=draw(st.sampled_from([TOWN, north_of(TOWN, 5_000)])),
            own_practitioner=draw(st.sampled_from([None, "d0", "d1"])),
        ),
    )


def _coupled_pin(draw: st.DrawFn, taken: Slot) -> Pin:
    mode = draw(st.sampled_from(taken.modes))
    return Pin(
        referral=f"pinned-{taken.id}",
        patient=patient(taken.id).key,
        slot=taken.id,
        seat=0,
        mode=mode,
        first_visit=draw(st.booleans()),
        location=draw(st.sampled_from([TOWN, None])) if mode is Mode.HH else None,
        group=draw(st.sampled_from([None, "siblings"])),
    )


def _coupled_policy(draw: st.DrawFn) -> Policy:
    floor = Floor(percent=draw(st.sampled_from([50, 100])), priority=Priority.ROUTINE)
    return policy(
        # A group's size was drawn against seats, so no cap of bookings a day may be below it.
        caps=Caps(
            bookings_per_week=draw(st.sampled_from([None, 3, 4])),
            effort_minutes_per_day=draw(st.sampled_from([None, 45])),
        ),
        groups=Groups(gap_minutes=draw(st.sampled_from([0, 10]))),
        home_visits=draw(st.sampled_from([None, HomeVisits(), HomeVisits(care_minutes=20)])),
        pathways=(CHAIN,),
        floors=draw(st.sampled_from([(), (floor,)])),
        spread=draw(st.sampled_from([None, Spread(), Spread(give_percent=50)])),
    )
