"""
Draws a territory in which bookings bind each other, on top of ``benchmarks.territory``.

Caps that bite, siblings, pathways, home visits and seats already taken, in shares that are said
here; equal arguments give equal problems.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

import numpy as np

from benchmarks.territory import SLOT_LENGTH, problem_of
from slotengine.codes import Mobility, Mode, Profession
from slotengine.domain import Practitioner, Referral, Slot
from slotengine.policy import Policy
from slotengine.problem import Pin, Problem
from slotengine.side_constraints import Pathway, Spread, Step

IN_GROUPS = 0.05
"""Share of the referrals that come as two or three siblings of one household."""

SIBLINGS = (2, 3)
IN_PATHWAYS = 0.05
"""Share of the referrals that are one of two steps: nurse, then physician."""

NURSE_THEN_PHYSICIAN = Pathway(
    code="nurse-then-physician",
    name_fr="infirmier, puis médecin dans la journée",
    name_en="nurse, then physician within the day",
    steps=(
        Step(professions=(Profession.NURSE,)),
        Step(
            professions=(Profession.PHYSICIAN,),
            after_min=timedelta(hours=2),
            after_max=timedelta(hours=24),
        ),
    ),
)
"""The shipped pathway leaves seven days, which no window of 48 h ever meets."""

PINNED = 0.10
"""Share of the seats that are already booked."""

CAPPED = 0.5
"""Share of the practitioners with a cap of their own; about two of three of these caps bind."""

CAPS_IN_BOOKINGS = (1, 2)
CAPS_IN_EFFORT = (38, 46, 53, 61)
"""
Minutes a day: a first visit of 15 minutes weighs 23, a known patient 15, a late first visit 27. So
38 is one of each, 46 two first visits, 53 two known patients and a first visit, 61 the other way.
"""

AT_HOME = 0.6
"""Share of the referrals to nurses whose patient does not leave home."""

IN_BLOCKS = 0.5
"""Share of the practitioners whose slots of a day follow each other."""

CLOSING_QUARTER = 48
WITH_OWN_NEARBY = 0.5
FIRST_VISIT = 0.5
"""Share of the pins that are a first visit."""

GIVE_PERCENT = 2


@dataclass(eq=False, slots=True)
class _Draw:
    """What is drawn from, and what was drawn so far."""

    rng: np.random.Generator
    slots: list[Slot]
    referrals: list[Referral]
    free: set[int]

    def take(self, wanted: Profession) -> int | None:
        """Gives a referral of a profession that is in no group or pathway yet."""
        for at in sorted(self.free):
            if self.referrals[at].professions == (wanted,):
                self.free.discard(at)
                return at
        return None


def coupled_of(referrals: int, *, seed: int = 0, spread: bool = False) -> Problem:
    """
    Draws a Problem of ``referrals`` referrals and 1.5 times as many seats, a tenth of them pinned.

    Parameters
    ----------
    referrals
        At least 40, so that there is a pathway and a group.
    seed
        Of what is drawn. Default 0.
    spread
        Whether effort is to be shared among practitioners. Default not.
    """
    plain = problem_of(referrals, seed=seed)
    rng = np.random.default_rng([seed, referrals, 1])
    profession = {one.id: one.profession for one in plain.practitioners}
    slots = _agendas(rng, plain.slots, profession)
    draw = _Draw(rng, slots, list(plain.referrals), set(range(referrals)))
    _own_nearby(draw, plain)
    _at_home(draw)
    _groups(draw, round(referrals * IN_GROUPS))
    _pathways(draw, round(referrals * IN_PATHWAYS / 2))
    return Problem.build(
        territory=plain.territory,
        as_of=plain.as_of,
        policy=_policy(plain.policy, spread=spread),
        practitioners=_capped(rng, plain.practitioners),
        sites=plain.sites,
        slots=slots,
        referrals=draw.referrals,
        pins=_pins(rng, plain, slots, profession),
    )


def _policy(policy: Policy, *, spread: bool) -> Policy:
    return policy.replaced(
        pathways=(NURSE_THEN_PHYSICIAN,),
        spread=Spread(give_percent=GIVE_PERCENT) if spread else None,
    )


def _agendas(
    rng: np.random.Generator, slots: Sequence[Slot], profession: dict[str, Profession]
) -> list[Slot]:
    """Puts the slots of some days one after the other, and lets nurses come home."""
    days: dict[tuple[str, object], list[Slot]] = defaultdict(list)
    for slot in slots:
        days[slot.practitioner, slot.start.date()].append(slot)
    made = []
    for (giver, _), agenda in sorted(days.items(), key=lambda item: item[0]):
        ordered = sorted(agenda, key=lambda slot: slot.start)
        first, block = ordered[0].start, rng.random() < IN_BLOCKS
        # The last slots of a block must not run past closing time.
        first -= max(0, _quarter(ordered[0]) + len(ordered) - CLOSING_QUARTER) * SLOT_LENGTH
        modes = (Mode.AMB, Mode.HH) if profession[giver] is Profession.NURSE else (Mode.AMB,)
        for at, slot in enumerate(ordered):
            start = first + at * SLOT_LENGTH if block else slot.start
            made.append(slot.replaced(start=start, end=start + SLOT_LENGTH, modes=modes))
    return made


def _quarter(slot: Slot) -> int:
    return int(slot.id.rpartition("-")[2]) % CLOSING_QUARTER


def _own_nearby(draw: _Draw, plain: Problem) -> None:
    """Gives half of the patients an own practitioner who is asked for: the nearest of ten."""
    places = {site.id: site.location for site in plain.sites}
    where = {slot.practitioner: places[slot.site] for slot in plain.slots}
    givers: dict[Profession, list[str]] = defaultdict(list)
    for one in plain.practitioners:
        if one.id in where:
            givers[one.profession].append(one.id)
    for at, referral in enumerate(draw.referrals):
        candidates, home = givers[referral.professions[0]], referral.patient.location
        own = None
        if candidates and home is not None and draw.rng.random() < WITH_OWN_NEARBY:
            own = min(
                (candidates[int(draw.rng.integers(len(candidates)))] for _ in range(10)),
                key=lambda one: (
                    abs(where[one].lat - home.lat) + abs(where[one].lon - home.lon),
                    one,
                ),
            )
        patient = referral.patient.replaced(own_practitioner=own)
        draw.referrals[at] = referral.replaced(patient=patient)


def _at_home(draw: _Draw) -> None:
    for at, referral in enumerate(draw.referrals):
        if referral.professions == (Profession.NURSE,) and draw.rng.random() < AT_HOME:
            patient = referral.patient.replaced(mobility=Mobility.HOMEBOUND)
            draw.referrals[at] = referral.replaced(patient=patient, modes=(Mode.AMB, Mode.HH))


def _groups(draw: _Draw, wanted: int) -> None:
    """Makes siblings of patients: one home, one profession, one urgency."""
    number = 0
    while wanted >= min(SIBLINGS):
        size = min(wanted, int(draw.rng.choice(SIBLINGS)))
        rows = [draw.take(Profession.PHYSICIAN) for _ in range(size)]
        first = draw.referrals[rows[0]] if rows[0] is not None else None
        if first is None or None in rows:
            return
        for row in rows:
            if row is None:
                return
            one = draw.referrals[row]
            patient = one.patient.replaced(
                location=first.patient.location,
                own_practitioner=first.patient.own_practitioner,
                mobility=first.patient.mobility,
            )
            draw.referrals[row] = one.replaced(
                group=f"g{number:05d}",
                patient=patient,
                max_travel_metres=first.max_travel_metres,
                priority=first.priority,
            )
        number += 1
        wanted -= size


def _pathways(draw: _Draw, wanted: int) -> None:
    """Lets one patient need a nurse and then a physician."""
    for _ in range(wanted):
        nurse, physician = draw.take(Profession.NURSE), draw.take(Profession.PHYSICIAN)
        if nurse is None or physician is None:
            return
        head = draw.referrals[nurse].replaced(pathway=NURSE_THEN_PHYSICIAN.code)
        # Who goes to a physician leaves home.
        patient = head.patient.replaced(mobility=Mobility.CAR)
        draw.referrals[nurse] = head.replaced(patient=patient)
        draw.referrals[physician] = draw.referrals[physician].replaced(
            patient=patient, pathway=NURSE_THEN_PHYSICIAN.code, step=1, follows=head.id
        )


def _capped(rng: np.random.Generator, practitioners: Sequence[Practitioner]) -> list[Practitioner]:
    made = []
    for one in practitioners:
        drawn = rng.random()
        if drawn < CAPPED / 2:
            made.append(one.replaced(max_bookings_per_day=int(rng.choice(CAPS_IN_BOOKINGS))))
        elif drawn < CAPPED:
            made.append(one.replaced(max_effort_minutes_per_day=int(rng.choice(CAPS_IN_EFFORT))))
        else:
            made.append(one)
    return made


def _pins(
    rng: np.random.Generator,
    plain: Problem,
    slots: Sequence[Slot],
    profession: dict[str, Profession],
) -> list[Pin]:
    chosen = rng.choice(len(slots), size=round(len(slots) * PINNED), replace=False)
    homes = [referral.patient.location for referral in plain.referrals]
    made = []
    for serial, at in enumerate(sorted(chosen.tolist())):
        slot = slots[at]
        home = profession[slot.practitioner] is Profession.NURSE and rng.random() < AT_HOME
        made.append(
            Pin(
                referral=f"pinned-{serial:06d}",
                patient=f"pinned-{serial:06d}",
                slot=slot.id,
                seat=0,
                mode=Mode.HH if home else Mode.AMB,
                first_visit=bool(rng.random() < FIRST_VISIT),
                location=homes[int(rng.integers(len(homes)))] if home else None,
            )
        )
    return made
