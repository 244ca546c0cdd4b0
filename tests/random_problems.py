"""Whole small territories drawn at random, with every rule in play; the same seed, the same one."""

from collections import Counter
from datetime import timedelta
from random import Random
from typing import Any

from brute_side import scored
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

from slotengine.codes import Audience, Mobility, Mode, Priority, Profession, SlotState, SourceKind
from slotengine.domain import Location, Motive, Referral, Slot, TimeWindow
from slotengine.errors import ProblemError
from slotengine.policy import Policy
from slotengine.problem import Pin, Problem, Told
from slotengine.seat_prices import SeatPrice
from slotengine.side_constraints import (
    Caps,
    Effort,
    Floor,
    Groups,
    HomeVisits,
    Pathway,
    Spread,
    Step,
)
from slotengine.solver.check_rules import Rules

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


DAY_MINUTES = 1440
SECOND_TOWN = north_of(TOWN, 6_000).replaced(insee="44115")
"""7.9 km of road from the first, 11 minutes by car."""


def random_coupled(seed: int, *, referrals: int = 5, slots: int = 6) -> Problem:
    """
    Gives a problem small enough to try everything, in which side constraints often bind.

    Some seat assignment always keeps every constraint: told bookings are those of one that does.
    """
    draw = Random(seed)  # noqa: S311 - a test case, not a secret
    while True:
        try:
            drawn = _coupled(draw, referrals, slots)
        except ProblemError:  # a group larger than any day, as caps were drawn
            continue
        return _with_told(draw, drawn)


def _coupled(draw: Random, referrals: int, slots: int) -> Problem:
    givers = [practitioner(f"d{at}", **_own_caps(draw)) for at in range(2)]
    places = [TOWN, draw.choice((TOWN, SECOND_TOWN))]
    visits = draw.random() < 0.6
    offered = _agenda(draw, slots, visits=visits)
    asked = [_asking(draw, at, visits=visits) for at in range(referrals)]
    pins = [_pin(draw, one, visits=visits) for one in offered if draw.random() < 0.25]
    asked, pins = _grouped(draw, asked, pins)
    asked, pins = _following(draw, asked, pins, {one.id: one for one in offered})
    return problem(
        policy=_policy(draw),
        practitioners=givers,
        sites=[site(f"s{at}", location=place) for at, place in enumerate(places)],
        slots=offered,
        referrals=asked,
        pins=pins,
    )


def _own_caps(draw: Random) -> dict[str, Any]:
    """Gives a practitioner's own limits, one kind at most so that none hides another."""
    kind = draw.choice((None, None, "bookings_per_day", "effort_minutes_per_day", "week"))
    if kind == "week":
        return {"max_bookings_per_week": draw.choice((1, 2))}
    if kind is None:
        return {}
    return {f"max_{kind}": draw.choice((1, 2) if kind == "bookings_per_day" else (30, 45, 60))}


def _policy(draw: Random) -> Policy:
    kind = draw.choice((None, None, "bookings_per_week", "effort_minutes_per_week"))
    most = (2, 3) if kind == "bookings_per_week" else (45, 60, 90)
    gap = draw.choice((timedelta(0), timedelta(minutes=20), timedelta(hours=2)))
    step = Step(
        professions=(Profession.PHYSICIAN,),
        after_min=gap,
        after_max=gap + draw.choice((timedelta(minutes=30), timedelta(hours=6), timedelta(days=7))),
    )
    floors = (
        Floor(
            percent=draw.choice((60, 100)),
            priority=draw.choice((Priority.ROUTINE, None)),
            insee=draw.choice(("44114", "44115")),
        ),
        Floor(percent=draw.choice((50, 100)), priority=Priority.ROUTINE),
    )
    return policy(
        effort=Effort(first_visit=draw.choice((0, 50)), late=draw.choice((0, 100))),
        caps=Caps() if kind is None else Caps(**{kind: draw.choice(most)}),
        groups=Groups(gap_minutes=draw.choice((0, 5, 30))),
        home_visits=draw.choice((HomeVisits(), HomeVisits(care_minutes=40), None)),
        pathways=(Pathway(code="chain", name_fr="suite", name_en="chain", steps=(step,) * 3),),
        floors=draw.choice(((), floors[:1], floors[1:], floors)),
        spread=draw.choice((None, None, Spread(give_percent=draw.choice((0, 2, 20, 100))))),
        max_told_moves=draw.choice((0, 1, 2)),
    )


def _agenda(draw: Random, slots: int, *, visits: bool) -> list[Slot]:
    """Gives two practitioners' slots, close together, on one day or on two of different weeks."""
    days = draw.choice(((0,), (0, 1), (0, 7), (5, 7)))
    first = draw.choice((60, 500))  # from 10 h in Paris, or on both sides of 18 h
    ends: dict[tuple[int, int], int] = {}
    offered = []
    for number in range(slots):
        giver, day = number % 2, draw.choice(days)
        begins = ends.get((giver, day), day * DAY_MINUTES + first) + draw.choice((0, 0, 5, 12, 25))
        minutes = draw.choice((15, 15, 20, 30))
        ends[giver, day] = begins + minutes
        offered.append(
            slot(
                f"slot{number}",
                after_minutes=begins,
                minutes=minutes,
                capacity=draw.choice((1, 1, 1, 2)),
                practitioner=f"d{giver}",
                site=f"s{draw.choice((0, 0, 0, 1))}",
                modes=draw.choice(((Mode.HH,), (Mode.AMB, Mode.HH), tuple(Mode)))
                if visits
                else (Mode.AMB,),
            )
        )
    return offered


def _home(draw: Random) -> Location:
    return draw.choice((TOWN, north_of(TOWN, 2_500), SECOND_TOWN))


def _asking(draw: Random, number: int, *, visits: bool) -> Referral:
    return referral(
        str(number),
        priority=draw.choice((Priority.ASAP, Priority.URGENT, Priority.ROUTINE, Priority.ROUTINE)),
        deadline=NOW + timedelta(days=draw.choice((1, 9, 9))),
        modes=draw.choice(((Mode.HH,), (Mode.HH,), tuple(Mode))) if visits else (Mode.AMB,),
        patient=patient(
            f"patient {number}",
            location=_home(draw),
            own_practitioner=draw.choice((None, "d0", "d1")),
        ),
    )


def _pin(draw: Random, taken: Slot, *, visits: bool) -> Pin:
    mode = draw.choice(taken.modes)
    known = mode is Mode.HH and draw.random() < 0.8
    return Pin(
        referral=f"pinned-{taken.id}",
        patient=patient(f"pinned {taken.id}").key,
        slot=taken.id,
        seat=taken.capacity - 1 if visits else 0,
        mode=mode,
        first_visit=draw.random() < 0.5,
        location=_home(draw) if known else None,
    )


def _grouped(
    draw: Random, asked: list[Referral], pins: list[Pin]
) -> tuple[list[Referral], list[Pin]]:
    """Makes the first referrals siblings; sometimes one of them has its seat already."""
    size = draw.choice((0, 1, 2, 2, 3))
    asked = [one.replaced(group="siblings") if at < size else one for at, one in enumerate(asked)]
    if size and pins and draw.random() < 0.5:
        pins = [pins[0].replaced(group="siblings"), *pins[1:]]
    return asked, pins


def _following(
    draw: Random, asked: list[Referral], pins: list[Pin], slots: dict[str, Slot]
) -> tuple[list[Referral], list[Pin]]:
    """Makes the last referrals one patient's pathway; sometimes its first step is pinned."""
    size = min(draw.choice((1, 2, 2, 3)), sum(one.group is None for one in asked))
    if size == 0:
        return asked, pins
    chain = asked[-size:]
    step = 0
    before: str | None = None
    if pins and draw.random() < 0.6:
        # The earliest pin, so that something can follow it.
        first = min(pins, key=lambda pin: slots[pin.slot].start)
        pins = [pin.replaced(patient=chain[0].patient.key) if pin is first else pin for pin in pins]
        before, step = first.referral, 1
    made = []
    for one in chain:
        pathway = None if size == 1 and before is None else "chain"
        made.append(
            one.replaced(patient=chain[0].patient, follows=before, pathway=pathway, step=step)
        )
        before, step = one.id, step + 1
    return [*asked[:-size], *(one for one in made if one.step < 3)], pins  # the chain has 3 steps


def _with_told(draw: Random, drawn: Problem) -> Problem:
    """Says that some seats of one assignment that keeps every constraint were told."""
    told = draw.choice((0, 0, 1, 2))
    if told == 0:
        return drawn
    seated = [one.solution for one in scored(drawn)]
    solution = draw.choice(seated)
    kept = [
        Told(referral=one.id, slot=at)
        for one, at in zip(drawn.referrals, solution, strict=True)
        if at is not None
    ]
    chosen = draw.sample(kept, min(told, len(kept)))
    return drawn.replaced(told=tuple(sorted(chosen, key=lambda one: one.referral)))


PRICES = (0, 0, 500, 2_000, 4_700, 9_000, 18_000)
"""From nothing to what keeps everybody but the most urgent away (values 5,000 to 40,000)."""


def random_kept(seed: int, *, referrals: int = 5, slots: int = 6) -> Problem:
    """
    Gives a coupled problem as ``random_coupled`` does, with prices, promises and extra seats.

    Told and promised are those of one assignment that keeps every constraint, prices included.
    """
    draw = Random(seed)  # noqa: S311 - a test case, not a secret
    while True:
        try:
            drawn = _coupled(draw, referrals, slots)
        except ProblemError:  # a group larger than any day, as caps were drawn
            continue
        drawn = with_prices(draw, with_extra_seats(draw, drawn))
        seated = draw.choice([one.solution for one in scored(drawn)])
        return _keeping(draw, drawn, seated)


def random_priced(seed: int, *, referrals: int = 12, slots: int = 16) -> Problem:
    """Gives a problem as ``random_problem`` does, with prices, promises and extra seats."""
    draw = Random(seed)  # noqa: S311 - a test case, not a secret
    asked = random_problem(seed, referrals=referrals, slots=slots)
    drawn = with_prices(draw, with_extra_seats(draw, asked))
    rules = Rules(drawn)
    room = Counter(slot for slot, _ in drawn.free_seats)
    promised = []
    for one in drawn.referrals:
        may = [slot.id for slot, _ in rules.allowed(one) if room[slot.id]]
        if may and draw.random() < 0.3:
            room[draw.choice(may)] -= 1
            promised.append(one.id)
    return drawn.replaced(promised=tuple(promised))


def with_prices(draw: Random, drawn: Problem) -> Problem:
    """Gives most slots a price, all of them at 0 now and then."""
    prices = (0,) if draw.random() < 0.1 else PRICES
    return drawn.replaced(
        prices=tuple(
            SeatPrice(slot=one.id, price=draw.choice(prices))
            for one in drawn.slots
            if draw.random() < 0.8
        )
    )


def with_extra_seats(draw: Random, drawn: Problem) -> Problem:
    """Gives some slots a seat beyond their own."""
    return drawn.replaced(
        slots=tuple(one.replaced(extra_capacity=draw.choice((0, 0, 0, 1))) for one in drawn.slots)
    )


def _keeping(draw: Random, drawn: Problem, seated: tuple[str | None, ...]) -> Problem:
    """Says of some seats of an assignment that they were told, of some that they are promised."""
    kept = [(one.id, at) for one, at in zip(drawn.referrals, seated, strict=True) if at is not None]
    draw.shuffle(kept)
    told = sorted(kept[: draw.choice((0, 0, 1))])
    promised = sorted(kept[len(told) :][: draw.choice((0, 1, 2))])
    return drawn.replaced(
        told=tuple(Told(referral=referral, slot=at) for referral, at in told),
        promised=tuple(referral for referral, _ in promised),
    )
