"""Effort, days and weeks, and what pins leave to a pair: by hand, on each edge."""

from datetime import time, timedelta
from typing import Any

import pytest
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

from slotengine.codes import Mode
from slotengine.domain import Location
from slotengine.problem import Pin, TravelMatrix
from slotengine.side_constraints import Caps, Effort, Groups, HomeVisits, Pathway, Step
from slotengine.solver.check_rules import Rules
from slotengine.solver.check_side import seat_minutes

TEN_KM = north_of(TOWN, 10_000)
"""12,820 road metres, 18 minutes by car."""

HOME: dict[str, Any] = {"modes": (Mode.HH,)}
MINUTE = timedelta(minutes=1)
VISIT = Pin(referral="r-x", patient="p", slot="slot0", seat=0, mode=Mode.HH, location=TEN_KM)


def effort(
    *, slot_changes: dict[str, Any] | None = None, mode: Mode = Mode.AMB, **changes: Any
) -> int:
    wanted, asking = slot(**(slot_changes or {})), referral(**changes.pop("referral", {}))
    rules = Rules(problem(slots=(wanted,), referrals=(asking,), **changes))
    return rules.side.booking(asking, wanted, mode).effort_minutes


def test_effort_is_the_seats_minutes_and_more_for_what_takes_more() -> None:
    known = {"referral": {"patient": patient(own_practitioner="d1")}}
    other = {"referral": {"patient": patient(own_practitioner="d2")}}
    assert effort(**known) == 15
    assert effort(**other) == effort() == 23  # 15 * 1.5, rounded up
    assert effort(mode=Mode.HH, **known) == 30
    assert effort(mode=Mode.HH) == 38  # 15 * 2.5
    # 17 h UTC is 18 h in Paris in November.
    assert effort(slot_changes={"after_minutes": 9 * 60}, **known) == 19  # 15 * 1.25
    assert effort(slot_changes={"after_minutes": 9 * 60 - 1}, **known) == 15
    free = {"policy": policy(effort=Effort(first_visit=0, late=0, late_from=time(0)))}
    assert effort(**free) == 15


def test_a_seats_share_is_rounded_up() -> None:
    assert seat_minutes(slot(capacity=2)) == 8
    assert seat_minutes(slot(capacity=15)) == 1
    assert seat_minutes(slot(end=NOW + 130 * MINUTE + timedelta(seconds=1))) == 11
    assert seat_minutes(slot(capacity=2, end=NOW + 130 * MINUTE + timedelta(seconds=1))) == 6


def test_days_are_local_and_weeks_are_iso() -> None:
    def spans(minutes: int) -> list[str]:
        wanted = slot(after_minutes=minutes)
        return [span.name for span in Rules(problem(slots=(wanted,))).side.spans(wanted)]

    assert spans(0) == ["2026-11-23", "2026-W48"]
    assert spans(15 * 60 - 1) == ["2026-11-23", "2026-W48"]
    assert spans(15 * 60) == ["2026-11-24", "2026-W48"]
    # The first of January 2027 is a Friday: still the last week of 2026.
    assert spans(39 * 1440) == ["2027-01-01", "2026-W53"]
    assert spans(42 * 1440) == ["2027-01-04", "2027-W01"]


def refusal(
    *, pins: tuple[Pin, ...] = (), booked: dict[str, Any] | None = None, **changes: Any
) -> str | None:
    """Asks for ``slot1``, two hours from now, beside pins on ``slot0`` of the same practitioner."""
    given = {"slot": {}, "referral": {}, **changes}
    asking, wanted = referral(**given.pop("referral")), slot(**given.pop("slot"))
    before = slot("slot0", **{"after_minutes": 60, **(booked or {})})
    rules = Rules(problem(slots=(before, wanted), referrals=(asking,), pins=pins, **given))
    refused_by = rules.refusal(asking, wanted)
    assert (refused_by is None) == ("slot1" in [one.id for one, _ in rules.allowed(asking)])
    return refused_by


@pytest.mark.parametrize(
    ("after_minutes", "wanted"),
    [(87, None), (88, "tour")],  # the visit ends 18 minutes before, and 17
)
def test_a_pinned_visit_leaves_the_way_to_the_next_booking(
    after_minutes: int, wanted: str | None
) -> None:
    booked = {"after_minutes": after_minutes, **HOME}
    assert refusal(pins=(VISIT,), booked=booked) == wanted
    assert refusal(pins=(VISIT,), booked=booked, slot=HOME, referral=HOME) == wanted
    at_peace: tuple[dict[str, Any], ...] = (
        {"pins": (VISIT.replaced(location=None),)},
        {"pins": (VISIT.replaced(mode=Mode.VR),)},
        {"pins": (VISIT.replaced(mode=Mode.AMB),)},
        {"pins": (VISIT.replaced(location=TOWN),)},
        {"pins": (VISIT,), "policy": policy(home_visits=None)},
        {"pins": (VISIT,), "slot": {"modes": (Mode.VR,)}, "referral": {"modes": (Mode.VR,)}},
        {"pins": ()},
    )
    assert [refusal(booked=booked, **changes) for changes in at_peace] == [None] * len(at_peace)


def test_a_visit_after_the_slot_is_reached_from_it() -> None:
    assert refusal(pins=(VISIT,), booked={"after_minutes": 153}) is None
    assert refusal(pins=(VISIT,), booked={"after_minutes": 152}) == "tour"


def test_care_at_home_takes_its_time() -> None:
    care = policy(home_visits=HomeVisits(care_minutes=30))
    assert refusal(pins=(VISIT,), booked={"after_minutes": 72}, policy=care) is None
    assert refusal(pins=(VISIT,), booked={"after_minutes": 73}, policy=care) == "tour"


def test_on_one_slot_a_visit_is_at_peace_only_at_one_place() -> None:
    pin = VISIT.replaced(slot="slot1")
    both: dict[str, Any] = {"slot": {"capacity": 2, **HOME}}
    there = {**HOME, "patient": patient(location=TEN_KM)}
    assert refusal(pins=(pin,), referral=there, **both) is None
    assert refusal(pins=(pin,), referral=HOME, **both) == "tour"
    at_the_practice = pin.replaced(mode=Mode.AMB)
    assert refusal(pins=(at_the_practice,), referral=HOME, **both) is None
    assert refusal(pins=(at_the_practice,), referral=there, **both) == "tour"


def test_ways_between_visits_are_read_from_the_table_in_their_direction() -> None:
    table = TravelMatrix(
        name="roads",
        version="1",
        zones=("44114", "farm"),
        metres=((0, 9_000), (12_000, 0)),
        minutes=((0, 8), (20, 0)),
    )
    farm = Location(lat=0, lon=0, zone="farm")
    visit = VISIT.replaced(location=farm)

    def at(minutes: int, roads: TravelMatrix = table) -> str | None:
        return refusal(pins=(visit,), booked={"after_minutes": minutes}, matrix=roads)

    assert (at(85), at(86)) == (None, "tour")  # from the farm: 20
    assert (at(143), at(142)) == (None, "tour")  # to the farm: 8
    one_way = table.replaced(metres=((0, 9_000), (None, 0)), minutes=((0, 8), (None, 0)))
    assert at(30, one_way) == "tour"


@pytest.mark.parametrize(
    ("caps", "wanted"),
    [
        ({"bookings_per_day": 2}, None),
        ({"bookings_per_day": 1}, "cap"),
        ({"bookings_per_week": 1}, "cap"),
        ({"effort_minutes_per_day": 46}, None),
        ({"effort_minutes_per_day": 45}, "cap"),
        ({"effort_minutes_per_week": 46}, None),
        ({"effort_minutes_per_week": 45}, "cap"),
        ({}, None),
    ],
)
def test_pins_fill_a_cap(caps: dict[str, int], wanted: str | None) -> None:
    pin = VISIT.replaced(mode=Mode.AMB, location=None)
    assert refusal(pins=(pin,), policy=policy(caps=Caps(**caps))) == wanted
    own = practitioner(**{f"max_{name}": most for name, most in caps.items()})
    assert refusal(pins=(pin,), practitioners=(own,)) == wanted
    # The pin's patient was seen before: 15 minutes instead of 23.
    known = pin.replaced(first_visit=False)
    fits = None if wanted is None or "effort" in str(caps) else wanted
    assert refusal(pins=(known,), policy=policy(caps=Caps(**caps))) == fits


def test_of_two_modes_the_one_that_keeps_the_cap_is_left() -> None:
    both: dict[str, Any] = {"modes": (Mode.AMB, Mode.HH)}
    home = {**both, "patient": patient(own_practitioner="d1", location=TEN_KM)}
    asking, wanted = referral(**home), slot(**both)
    lame = policy(caps=Caps(effort_minutes_per_day=29))
    rules = Rules(problem(slots=(wanted,), referrals=(asking,), policy=lame))
    assert [figures.mode for figures in rules.modes(asking, wanted)] == [Mode.AMB]


def test_siblings_of_a_pin_sit_beside_it() -> None:
    sibling = Pin(referral="r-x", patient="p", slot="slot0", seat=0, group="g")
    asked: dict[str, Any] = {"pins": (sibling,), "referral": {"group": "g"}}
    right_before, apart = {"after_minutes": 105}, {"after_minutes": 104}
    assert refusal(booked=right_before, **asked) is None
    assert refusal(booked=apart, **asked) == "group"
    assert refusal(booked=apart, policy=policy(groups=Groups(gap_minutes=1)), **asked) is None
    assert refusal(booked={"after_minutes": 135}, **asked) is None
    assert refusal(booked=apart, pins=(sibling,)) is None
    assert (
        refusal(booked=apart, pins=(sibling.replaced(group=None),), referral={"group": "g"}) is None
    )
    elsewhere = {**right_before, "site": "s2"}
    assert refusal(booked=elsewhere, sites=(site(), site("s2")), **asked) == "group"
    others = {"practitioners": (practitioner(), practitioner("d2"))}
    assert refusal(booked={**right_before, "practitioner": "d2"}, **others, **asked) == "group"
    beside = {"pins": (sibling.replaced(slot="slot1"),), "slot": {"capacity": 2}}
    assert refusal(referral={"group": "g"}, **beside) is None


def test_of_several_siblings_each_may_leave_room_for_another() -> None:
    """Two are to be placed: that the row has no hole is asked of the whole plan."""
    sibling = Pin(referral="r-x", patient="p", slot="slot0", seat=0, group="g")
    one, other = referral("1", group="g"), referral("2", group="g")
    slots = (
        slot("slot0", after_minutes=90),
        slot("slot1", after_minutes=120),
        slot("slot2", after_minutes=105),
    )
    rules = Rules(problem(slots=slots, referrals=(one, other), pins=(sibling,)))
    assert rules.refusal(one, slots[1]) is None


@pytest.mark.parametrize(
    ("minutes", "wanted"),
    [(29, "pathway"), (30, None), (45, None), (46, "pathway")],
)
def test_a_step_follows_the_pinned_one_in_time(minutes: int, wanted: str | None) -> None:
    steps = (
        Step(professions=("10",)),
        Step(professions=("10",), after_min=30 * MINUTE, after_max=45 * MINUTE),
    )
    chain = Pathway(code="chain", name_fr="suite", name_en="chain", steps=steps)
    asking = {"follows": "r-x", "pathway": "chain", "step": 1}
    pin = Pin(referral="r-x", patient=referral().patient.key, slot="slot0", seat=0)
    fields: dict[str, Any] = {
        "referral": asking,
        "policy": policy(pathways=(chain,)),
        "booked": {"after_minutes": 105 - minutes},
    }
    assert refusal(pins=(pin,), **fields) == wanted
    assert refusal(pins=(pin.replaced(referral="r-y"),), **fields) == "pathway"
    assert refusal(pins=(), **fields) == "pathway"


def test_a_step_that_overlaps_the_pinned_one_is_the_pathways_business() -> None:
    chain = Pathway(
        code="chain", name_fr="suite", name_en="chain", steps=(Step(professions=("10",)),) * 2
    )
    key = referral().patient.key
    pin = Pin(referral="r-x", patient=key, slot="slot0", seat=0)
    fields: dict[str, Any] = {
        "policy": policy(pathways=(chain,)),
        "practitioners": (practitioner(), practitioner("d2")),
        "booked": {"after_minutes": 120, "practitioner": "d2"},
    }
    asking = {"follows": "r-x", "pathway": "chain", "step": 1}
    assert refusal(pins=(pin,), referral=asking, **fields) == "pathway"
    assert refusal(pins=(pin,), **fields) == "patient_busy"
