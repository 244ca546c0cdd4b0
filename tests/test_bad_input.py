"""
Input that no plan could be right for: a named error before anybody solves, with the id or field.

What one module alone refuses is tested there; here stands what a host can do wrong, door by door.
"""

import json
from datetime import timedelta
from typing import Any

import pytest
from builders import NOW, TOWN, patient, policy, practitioner, problem, referral, slot
from nights import ASAP, HOME, TEN_KM, agenda, asks, booked, night
from pydantic import ValidationError

from slotengine.codes import Profession
from slotengine.domain import Location
from slotengine.errors import HorizonError, InputError, PolicyError, ProblemError
from slotengine.policy import Policy
from slotengine.problem import Limits, Problem, Told, TravelMatrix
from slotengine.side_constraints import Caps, Floor, HomeVisits
from slotengine.solver import rank
from slotengine.solver.check import check
from slotengine.solver.explain import explain
from slotengine.solver.solve import solve

BAD_VALUES: list[tuple[Any, dict[str, Any], str]] = [
    (slot, {"capacity": 0}, "capacity"),
    (slot, {"capacity": -1}, "capacity"),
    (slot, {"minutes": 0}, "slot slot1 ends before it starts"),
    (Location, {"lat": float("nan"), "lon": 0}, "lat"),
    (Location, {"lat": 0, "lon": float("inf")}, "lon"),
    (referral, {"max_travel_metres": -1}, "max_travel_metres"),
    (referral, {"max_travel_metres": float("nan")}, "max_travel_metres"),
    (referral, {"professions": ()}, "professions"),
    (referral, {"deadline": NOW - timedelta(microseconds=1)}, "deadline before it was received"),
    (practitioner, {"max_bookings_per_day": -1}, "max_bookings_per_day"),
    (practitioner, {"max_effort_minutes_per_day": 2, "max_effort_minutes_per_week": 1}, "caps"),
    (practitioner, {"min_age": 20, "max_age": 10}, "max_age lies below min_age"),
    (Caps, {"bookings_per_day": 3, "bookings_per_week": 2}, "caps contradict each other"),
    (Caps, {"effort_minutes_per_day": float("nan")}, "effort_minutes_per_day"),
    (Caps, {"effort_minutes_per_day": 1 << 60}, "effort_minutes_per_day"),
    (HomeVisits, {"care_minutes": float("inf")}, "care_minutes"),
    (Floor, {"percent": 101, "insee": "44114"}, "percent"),
    (policy, {"travel_weight": 1_001}, "travel_weight"),
    (policy, {"travel_weight": float("nan")}, "travel_weight"),
    (policy, {"detour": {"factor": float("nan")}}, "detour.factor"),
    (policy, {"detour": {"scale_metres": 0}}, "detour.scale_metres"),
    (policy, {"speeds": {"car": 0}}, "speeds.car"),
    (policy, {"max_told_moves": -1}, "max_told_moves"),
    (Limits, {"seconds": float("nan")}, "seconds"),
    (Limits, {"nodes": 0}, "nodes"),
    (Told, {"referral": "", "slot": "s"}, "referral"),
]


@pytest.mark.parametrize(("kind", "fields", "said"), BAD_VALUES)
def test_a_value_that_means_nothing_is_refused_where_it_is_made(
    kind: Any, fields: dict[str, Any], said: str
) -> None:
    with pytest.raises(ValidationError, match=said):
        kind(**fields)


A, B = asks("a"), asks("b")
WALKER = {"patient": patient("walker"), "pathway": "type-2-diabetes"}
CIRCLE = (
    asks("a", follows="b", step=1, **WALKER),
    asks("b", follows="a", step=2, **WALKER),
)
FAMILY = tuple(asks(name, group="g") for name in "abc")

CONTRADICTIONS: list[tuple[dict[str, Any], str]] = [
    ({"referrals": CIRCLE}, "referral a follows itself in a cycle"),
    (
        {"referrals": (asks("b", follows="b", step=1, **WALKER),)},
        "referral b follows itself in a cycle",
    ),
    (
        {"referrals": FAMILY, "slots": agenda(120, 135)},
        "group g has 3 members, no practitioner's day more than 2 seats",
    ),
    (
        {
            "referrals": FAMILY,
            "slots": agenda(120, 135, 150),
            "policy": policy(caps=Caps(bookings_per_day=2)),
        },
        "group g has 3 members, no practitioner's day more than 2 seats",
    ),
    ({"referrals": (A, A)}, "referral a is listed twice"),
    ({"referrals": (A,), "slots": (slot(), slot())}, "slot slot1 is listed twice"),
    (
        {"referrals": (A,), "told": (Told(referral="z", slot="slot1"),)},
        "told referral z is not to be placed",
    ),
    (
        {"referrals": (A,), "told": (Told(referral="a", slot="slot9"),)},
        "told referral a: slot slot9 is missing",
    ),
    (
        {"referrals": (A, B), "told": [Told(referral=one, slot="slot1") for one in "ab"]},
        "slot slot1 is told to more than it has seats",
    ),
    (
        {
            "referrals": (A,),
            "told": (Told(referral="a", slot="slot1"),),
            "pins": (booked("slot1"),),
        },
        "slot slot1 is told to more than it has seats",
    ),
    ({"referrals": (A,), "pins": (booked("slot9"),)}, "pin of pinned-slot9: slot slot9 is missing"),
    (
        {"referrals": (A,), "pins": (booked("slot1", seat=1),)},
        "pin of pinned-slot1: slot slot1 has no seat 1",
    ),
    (
        {"referrals": (A,), "pins": (booked("slot1", referral="a"),)},
        "referral a is pinned and to be placed",
    ),
    ({"referrals": (A,), "practitioners": ()}, "slot slot1: practitioner d1 is missing"),
    ({"referrals": (A,), "sites": ()}, "slot slot1: site s1 is missing"),
]


@pytest.mark.parametrize(("changes", "said"), CONTRADICTIONS)
def test_a_contradiction_is_named_before_solving(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(ProblemError) as caught:
        problem(**changes)
    assert str(caught.value) == said
    assert isinstance(caught.value, InputError)


def test_a_stored_problem_with_a_contradiction_is_refused_too() -> None:
    content = json.loads(problem(referrals=(A, B), slots=agenda(120, 135)).model_dump_json())
    content["referrals"][0]["follows"] = "b"
    content["referrals"][0]["step"] = 1
    content["referrals"][0]["pathway"] = "elderly-home"
    with pytest.raises(ValidationError, match="referral a follows another patient's b"):
        Problem.model_validate(content)
    content["slots"].reverse()
    with pytest.raises(ValidationError, match="slots are not sorted by id"):
        Problem.model_validate(content)


def roads(minutes: Any) -> TravelMatrix:
    table = ((0, minutes), (minutes, 0))
    return TravelMatrix(name="m", version="1", zones=("44114", "x"), metres=table, minutes=table)


def test_a_travel_table_holds_whole_numbers_that_fit() -> None:
    for wrong in (float("nan"), float("inf"), -1, "far"):
        with pytest.raises(ValidationError, match="metres"):
            roads(wrong)
    far = asks("a", patient=patient("a", location=Location(lat=0, lon=0, zone="x")))
    fits = problem(referrals=(far,), matrix=roads(1_000_000_000))
    assert solve(fits).unserved[0].reasons[0].code.value == "travel"
    for beyond in (1_000_000_001, 1 << 62):
        with pytest.raises(ProblemError, match=f"travel matrix holds {beyond}"):
            solve(problem(referrals=(far,), matrix=roads(beyond)))


def test_the_largest_costs_that_can_be_said_are_added_up_exactly() -> None:
    """Weight 1,000, comfort 1 minute, journeys of months: 10^14 weighted minutes a pair."""
    month = 43_200
    slots = agenda(*(390 * 1440 + 15 * at for at in range(3)))
    steep = policy(travel_weight=1_000, comfort_minutes=1, caps=Caps(bookings_per_day=2))
    far = patient("x", location=Location(lat=0, lon=0, zone="x"))
    late = NOW + timedelta(days=400)
    asked = [
        asks(
            name,
            patient=far.replaced(key=patient(name).key),
            deadline=late,
            max_travel_metres=month,
        )
        for name in "abc"
    ]
    plan = solve(night(asked, slots, policy=steep, matrix=roads(month)))
    assert check(night(asked, slots, policy=steep, matrix=roads(month)), plan) == []
    journey = 1_000 * (month + (month - 1) ** 2)
    # d = 576,000 minutes, h = 288,000: past half of the deadline waiting weighs more.
    waits = [390 * 1440 + 15 * at for at in range(2)]
    waiting = sum(2 * (wait + (wait - 288_000) ** 2 // 288_000) for wait in waits)
    assert plan.objective[5] == 2 * journey + waiting


def test_a_slot_beyond_the_horizon_is_named() -> None:
    with pytest.raises(HorizonError, match="slot slot1 starts over 400 days ahead"):
        problem(slots=(slot(after_minutes=400 * 1440 + 1),))


def test_told_seats_that_a_rule_or_the_rest_refuses_are_named() -> None:
    told = (Told(referral="a", slot="d1@120"),)
    closed = night((A.replaced(professions=(Profession.NURSE,)),), agenda(120), told=told)
    with pytest.raises(ProblemError, match="told referral a: a rule refuses its slot d1@120"):
        solve(closed)
    both = (*told, Told(referral="b", slot="d1@135"))
    visits = (asks("a", **HOME), asks("b", **HOME, patient=patient("b", location=TEN_KM)))
    apart = night(visits, agenda(120, 135, **HOME), told=both)
    with pytest.raises(ProblemError, match="no plan keeps the seats of all who were told one"):
        solve(apart)


def test_a_policy_file_with_caps_that_contradict_names_them() -> None:
    text = 'territory = "giennois"\n[caps]\nbookings_per_day = 5\nbookings_per_week = 4\n'
    with pytest.raises(PolicyError, match=r"policy field caps: .*caps contradict each other"):
        Policy.from_toml(text)


EMPTY: list[tuple[dict[str, Any], str | None]] = [
    ({"slots": (), "practitioners": (), "sites": ()}, "no_slot"),
    ({"slots": (slot(),), "pins": (booked("slot1"),)}, "no_free_seat"),
    ({"referrals": ()}, None),
    ({"referrals": (), "slots": (), "practitioners": (), "sites": ()}, None),
]


@pytest.mark.parametrize(("changes", "code"), EMPTY)
@pytest.mark.parametrize("coupled", [False, True])
def test_an_empty_side_is_an_answer(
    changes: dict[str, Any],
    code: str | None,
    coupled: bool,  # noqa: FBT001 - a table of cases
) -> None:
    rules: dict[str, Any] = {}
    if coupled:
        floors = (Floor(percent=100, insee="44114"),)
        rules = {"caps": Caps(bookings_per_day=1), "floors": floors, "max_told_moves": 1}
    asked = problem(**{"referrals": (A,), "policy": policy(**rules), **changes})
    plan = solve(asked)
    assert check(asked, plan) == []
    assert plan.proved
    assert [one.reasons[0].code.value for one in plan.unserved] == ([code] if code else [])


def test_a_referral_without_any_arc_is_an_answer_with_its_funnel() -> None:
    """In a coupled night, beside others: who could have no seat at all hears the last rule."""
    nowhere = asks("n", patient=patient("n", location=None))
    far = asks("f", patient=patient("f", location=TEN_KM), max_travel_metres=1_000)
    asked = night(
        (asks("a", **ASAP), B, nowhere, far),
        agenda(120, 135),
        policy=policy(caps=Caps(bookings_per_day=1)),
    )
    plan = solve(asked)
    assert check(asked, plan) == []
    assert {one.referral: one.reasons[0].code.value for one in plan.unserved} == {
        "b": "cap",
        "n": "location",
        "f": "travel",
    }
    assert rank(asked, "f") == []
    explained = explain(asked, plan, "f")
    # Two seats in reach of every rule before it, none after it.
    left = {step.rule: step.seats_left for step in explained.funnel}
    assert (left["location"], left["travel"]) == (2, 0)


def test_no_error_repeats_a_patient() -> None:
    secret = patient("walker").key
    for changes in (
        {"referrals": CIRCLE},
        {"referrals": (A, asks("c", patient=A.patient))},
        {"referrals": (A.replaced(patient=patient("walker")),), "pins": (booked("slot9"),)},
    ):
        with pytest.raises(ProblemError) as caught:
            problem(**changes)
        assert secret not in str(caught.value)
        assert A.patient.key not in str(caught.value)
        assert str(TOWN.lat) not in str(caught.value)
