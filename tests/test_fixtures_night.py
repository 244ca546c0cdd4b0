import math
from datetime import UTC, datetime, timedelta
from functools import cache

import pytest

from slotengine.codes import Mode
from slotengine.domain import Location
from slotengine.fixtures import NAMES, Territory, territory, validate
from slotengine.fixtures.demand import Demand
from slotengine.fixtures.people import Neighbourhood
from slotengine.fixtures.priors import DAILY_RATE, MONDAY_FACTOR
from slotengine.fixtures.territories import facts
from slotengine.opening import is_open
from slotengine.problem import Limits, Plan, Problem
from slotengine.solver.check import check
from slotengine.solver.solve import solve

EARTH_METRES = 6_371_008.8


@cache
def default(name: str) -> Territory:
    return territory(name)


@cache
def planned(name: str) -> tuple[Problem, Plan]:
    problem = default(name).problem()
    return problem, solve(problem, limits=Limits(), seed=0)


@pytest.mark.parametrize("seed", [0, 1, 2])
@pytest.mark.parametrize("name", NAMES)
def test_the_load_lies_between_the_promised_bounds_for_every_seed(name: str, seed: int) -> None:
    made = territory(name, seed=seed)
    assert 0.9 <= made.load <= 1.2
    own = sum(slot.capacity for slot in made.slots)
    assert 0.9 <= len(made.referrals) / own <= 1.2


def test_a_default_night_is_proved_and_leaves_somebody_unserved_for_reasons() -> None:
    unserved, codes = 0, set()
    for name in NAMES:
        problem, plan = planned(name)
        assert plan.proved
        assert list(check(problem, plan)) == []
        unserved += bool(plan.unserved)
        codes |= {reason.code for one in plan.unserved for reason in one.reasons}
        # Half or more find a seat: the night is tight, not hopeless.
        assert 2 * len(plan.assignments) >= len(problem.referrals)
    assert unserved >= 7
    assert len(codes) >= 4


def metres(one: Location, other: Location) -> float:
    lat1, lat2 = math.radians(one.lat), math.radians(other.lat)
    half_lat = math.sin((lat2 - lat1) / 2)
    half_lon = math.sin(math.radians(other.lon - one.lon) / 2)
    inner = half_lat**2 + math.cos(lat1) * math.cos(lat2) * half_lon**2
    return 2 * EARTH_METRES * math.asin(math.sqrt(inner))


def travel_minutes(problem: Problem) -> set[int]:
    """Minutes of pairs that profession, mode and distance allow, by a formula of its own."""
    people = {one.id: one for one in problem.practitioners}
    sites = {one.id: one.location for one in problem.sites}
    detour, found = problem.policy.detour, set()
    for referral in problem.referrals:
        home, speed = referral.patient.location, problem.policy.speeds.of(referral.patient.mobility)
        if home is None or speed is None or Mode.AMB not in referral.modes:
            continue
        for slot in problem.slots:
            allowed = people[slot.practitioner].profession in referral.professions
            straight = metres(home, sites[slot.site])
            bend = detour.base + detour.extra * math.exp(-straight / detour.scale_metres)
            road = math.floor(straight * bend * detour.factor + 0.5)
            if allowed and Mode.AMB in slot.modes and road <= (referral.max_travel_metres or 0):
                found.add(math.ceil(road * 60 / (speed * 1000)))
    return found


def test_at_least_fifty_travel_times_occur() -> None:
    big = {name: travel_minutes(default(name).problem()) for name in NAMES}
    assert len(set.union(*big.values())) >= 50
    # With a radius of 10 km and 30 km/h a car gives at most 20: the largest territory has 50.
    assert len(big["senart"]) >= 50
    for name in ("erdre-et-cens", "trois-forets", "confluent", "sud-lochois", "asclepios"):
        assert len(big[name]) >= 30, name


def test_a_neighbour_shares_slots_and_they_reach_the_problem() -> None:
    for borrower, lender in (("trois-forets", "coeur-de-rennes"), ("sud-lochois", "asclepios")):
        made = default(borrower)
        assert 1 <= len(made.borrowed.slots) <= 6
        assert {slot.territory for slot in made.borrowed.slots} == {lender}
        shared = {slot.id for slot in default(lender).slots if borrower in slot.shared_with}
        assert {slot.id for slot in made.borrowed.slots} == shared
        assert shared <= {slot.id for slot in made.problem().slots}


def test_referrals_are_open_hours_arrivals_not_yet_due_one_a_patient() -> None:
    for name in NAMES:
        made = default(name)
        for one in made.problem().referrals:
            assert one.received_at <= made.as_of < (one.deadline or made.as_of)
            assert is_open(made.policy, one.received_at)
        assert len({one.patient.key for one in made.referrals}) == len(made.referrals)


def test_about_eleven_percent_have_no_own_practitioner() -> None:
    referrals = [
        one for name in NAMES for seed in range(2) for one in territory(name, seed=seed).referrals
    ]
    share = sum(one.patient.own_practitioner is None for one in referrals) / len(referrals)
    # 1,100 draws at 11 %: a standard deviation of 0.9 points, four of them allowed.
    assert 0.07 < share < 0.15


def test_a_weeks_arrivals_follow_the_stated_rates() -> None:
    """Counts whole days before the thinning, against rates worked out from the constants."""
    made = default("senart")
    arrivals = weekday_arrivals(made, seeds=12)
    assert sum(DAILY_RATE.values()) == 88
    expected = 88 * 116_016 / 80_000
    tuesdays, mondays = arrivals[1], arrivals[0]
    # 12 days of 127.6: standard error 3.3, four of them allowed.
    assert abs(tuesdays - expected) < 13.2
    assert abs(mondays - expected * MONDAY_FACTOR) < 13.8
    assert arrivals[6] == 0


def weekday_arrivals(made: Territory, *, seeds: int) -> dict[int, float]:
    office = made.sites[0]
    people = Neighbourhood(
        facts(made.name),
        made.practitioners,
        {one.id: office for one in made.practitioners},
        made.requesters,
    )
    monday = datetime(2026, 11, 23, tzinfo=UTC).date()
    found: dict[int, float] = {}
    for ahead in (0, 1, 6):
        day = monday + timedelta(days=ahead)
        counts = [
            len(list(Demand(made.policy, people, seed=seed)._day(day))) for seed in range(seeds)
        ]
        found[ahead] = sum(counts) / seeds
    return found


def test_two_nights_know_the_same_practitioners_and_keep_waiting_referrals() -> None:
    tonight = default("rabelaisie")
    tomorrow = territory("rabelaisie", as_of=tonight.as_of + timedelta(days=1))
    assert tomorrow.practitioners == tonight.practitioners
    assert tomorrow.sites == tonight.sites
    kept = {one.id: one for one in tomorrow.referrals}
    again = [one for one in tonight.referrals if one.id in kept]
    assert again
    assert all(kept[one.id] == one for one in again)


def test_a_night_before_a_public_holiday_and_one_on_sunday_still_generate() -> None:
    for as_of in (
        datetime(2026, 12, 24, 18, 0, tzinfo=UTC),
        datetime(2026, 11, 22, 19, 0, tzinfo=UTC),
    ):
        made = territory("giennois", as_of=as_of)
        assert validate(made) == ()
        assert 0.9 <= made.load <= 1.2
        closed = {datetime(2026, 12, 25, tzinfo=UTC).date()}
        assert not closed & {slot.start.date() for slot in made.slots}
