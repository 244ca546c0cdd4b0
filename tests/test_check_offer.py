"""What is offered by place: nothing that the rules allow is left out, and all that is far is."""

from random import Random

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
from random_problems import random_coupled, random_problem

from slotengine.codes import Mode
from slotengine.domain import Location
from slotengine.policy import Detour
from slotengine.problem import Problem
from slotengine.solver import check_offer
from slotengine.solver.check_offer import Offer
from slotengine.solver.check_rules import RULES, Rules
from slotengine.solver.check_travel import road_metres

STRAIGHT = Detour(factor=0.5, base=1, extra=0)
"""Roads half as long as the great circle: the least that a policy can say."""

DETOURS = (Detour(), STRAIGHT, Detour(factor=5, base=5, extra=5), Detour(scale_metres=1.0))
POLE, ANTIPODE = Location(lat=90, lon=0), Location(lat=-TOWN.lat, lon=TOWN.lon % 360 - 180)


@pytest.mark.parametrize("seed", range(40))
def test_what_is_allowed_is_what_no_rule_refuses(seed: int) -> None:
    asked = random_coupled(seed) if seed % 2 else random_problem(seed)
    rules = Rules(asked)
    for one in asked.referrals:
        unrefused = [at.id for at in asked.slots if rules.refusal(one, at) is None]
        allowed = list(rules.allowed(one))
        assert [at.id for at, _ in allowed] == unrefused
        for at, figures in allowed:
            assert figures == rules.modes(one, at)[0]


@pytest.mark.parametrize("seed", range(20))
def test_an_allowed_pair_has_its_own_cost_among_those_given(seed: int) -> None:
    asked = random_problem(seed)
    rules = Rules(asked)
    for one in asked.referrals:
        costs = {(asked.slots[at].id, cost) for at, cost in rules.costs(one)}
        for at, figures in rules.allowed(one):
            assert (at.id, figures.cost) in costs


@pytest.mark.parametrize("seed", range(40))
def test_no_ring_holds_a_slot_that_gets_further_than_it_says(seed: int) -> None:
    asked = random_coupled(seed) if seed % 2 else random_problem(seed)
    rules = Rules(asked)
    for one in asked.referrals:
        seen: set[str] = set()
        for ring, (slots, most) in enumerate(rules.rings(one)):
            for at in slots:
                refused_by = rules.refusal(one, at)
                if at.id in seen:
                    continue
                seen.add(at.id)
                if refused_by is None:
                    assert ring == 0
                else:
                    assert RULES.index(refused_by) <= RULES.index(most)
        assert seen == {at.id for at in asked.slots}


def asking(home: Location, there: Location, limit: int, detour: Detour) -> Problem:
    visitor = patient(location=home)
    return problem(
        policy=policy(detour=detour),
        sites=(site(location=there),),
        slots=(slot(after_minutes=60 * 24 * 30),),
        referrals=(
            referral(patient=visitor, max_travel_metres=limit, deadline=NOW.replace(year=2030)),
        ),
    )


def near(asked: Problem) -> bool:
    return bool(list(Offer(asked).near(asked.referrals[0])))


@pytest.mark.parametrize("detour", DETOURS)
@pytest.mark.parametrize("seed", range(30))
def test_a_place_exactly_as_far_as_the_limit_is_near(seed: int, detour: Detour) -> None:
    draw = Random(seed)  # noqa: S311 - a test case, not a secret
    reach = draw.choice((1e-5, 0.01, 1, 60))
    home = Location(lat=draw.uniform(-90, 90), lon=draw.uniform(-180, 180))
    there = Location(
        lat=max(-90, min(90, home.lat + draw.uniform(-reach, reach))),
        lon=(home.lon + draw.uniform(-reach, reach) + 180) % 360 - 180,
    )
    assert near(asking(home, there, road_metres(home, there, detour), detour))


@pytest.mark.parametrize("there", [TOWN, POLE, ANTIPODE, Location(lat=TOWN.lat, lon=180)])
def test_places_at_the_ends_of_the_earth_are_near_within_their_limit(there: Location) -> None:
    for detour in DETOURS:
        assert near(asking(TOWN, there, road_metres(TOWN, there, detour), detour))


def test_a_place_beyond_every_road_is_left_out() -> None:
    """10 km straight are at least 5 km of road; the slack is a metre and a bit."""
    there = north_of(TOWN, 10_000)
    assert near(asking(TOWN, there, 5_000, STRAIGHT))
    assert near(asking(TOWN, there, 4_999, STRAIGHT))
    assert not near(asking(TOWN, there, 4_990, STRAIGHT))


def test_a_visit_on_screen_has_no_limit_and_a_home_visit_the_policys() -> None:
    there = north_of(TOWN, 50_000)

    def at_distance(*modes: Mode) -> bool:
        return near(
            problem(
                policy=policy(home_visit_metres=70_000),
                sites=(site(location=there),),
                slots=(slot(modes=tuple(Mode)),),
                referrals=(referral(modes=modes, max_travel_metres=10_000),),
            )
        )

    assert not at_distance(Mode.AMB)
    assert at_distance(Mode.AMB, Mode.HH)
    assert at_distance(Mode.AMB, Mode.VR)


def test_forgetting_who_wished_what_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = random_problem(3)
    wanted = [list(Rules(asked).allowed(one)) for one in asked.referrals]
    monkeypatch.setattr(check_offer, "MOST_STRIPS", 1)
    rules = Rules(asked)
    for _ in range(2):
        assert [list(rules.allowed(one)) for one in asked.referrals] == wanted


def test_slots_of_one_place_are_told_apart_by_time_alone() -> None:
    asked = problem(
        practitioners=(practitioner(),),
        slots=(
            slot("late", after_minutes=300),
            slot("soon", after_minutes=100),
            slot("screen", after_minutes=200, modes=(Mode.VR,)),
        ),
        referrals=(referral(modes=(Mode.AMB, Mode.VR)),),
    )
    places = list(Offer(asked).near(asked.referrals[0]))
    assert sorted([one.id for one in place.slots] for place in places) == [
        ["screen"],
        ["soon", "late"],
    ]
    both = next(place for place in places if len(place.slots) == 2)
    first, second = both.starts
    assert list(both.between(first, second)) == [0, 1]
    assert list(both.between(first + 1, second)) == [1]
    assert list(both.between(first, second - 1)) == [0]
    assert list(both.between(first, None)) == [0, 1]
