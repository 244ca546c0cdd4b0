"""What the solver gives passes the check that shares no code with it; what is changed does not."""

from random import Random

import pytest
from builders import patient, problem, slot
from random_problems import random_problem

from slotengine.codes import Mode
from slotengine.domain import Location
from slotengine.problem import Pin, Plan, Problem, TravelMatrix
from slotengine.reasons import Reason, ReasonCode
from slotengine.solver.certificate import bounds
from slotengine.solver.check import check
from slotengine.solver.solve import solve

SEEDS = range(25)


def by_road(seed: int) -> Problem:
    """Gives a random problem whose places lie in the zones of a table with gaps."""
    draw = Random(seed)  # noqa: S311 - a test case, not a secret
    zones = tuple(f"z{number}" for number in range(6))
    reachable = [[draw.random() < 0.8 for _ in zones] for _ in zones]
    table = TravelMatrix(
        name="roads",
        version="1",
        zones=zones,
        metres=tuple(
            tuple(draw.randrange(25_000) if go else None for go in row) for row in reachable
        ),
        minutes=tuple(tuple(draw.randrange(90) if go else None for go in row) for row in reachable),
    )

    def moved(place: Location | None) -> Location | None:
        return place and place.replaced(zone=draw.choice((*zones, "off-the-map")))

    drawn = random_problem(seed)
    return drawn.replaced(
        matrix=table,
        sites=tuple(one.replaced(location=moved(one.location)) for one in drawn.sites),
        referrals=tuple(
            one.replaced(patient=one.patient.replaced(location=moved(one.patient.location)))
            for one in drawn.referrals
        ),
    )


@pytest.mark.parametrize("seed", SEEDS)
def test_solved_plans_pass_and_their_bounds_are_their_duals(seed: int) -> None:
    asked = random_problem(seed)
    plan = solve(asked, seed=seed)
    assert check(asked, plan) == []
    assert plan.proved
    assert bounds(asked, plan) == plan.objective == plan.bound


@pytest.mark.parametrize("seed", SEEDS)
def test_plans_on_a_table_of_roads_pass_too(seed: int) -> None:
    asked = by_road(seed)
    assert check(asked, solve(asked)) == []


def test_the_random_territories_put_every_mode_and_most_rules_to_work() -> None:
    modes: set[Mode] = set()
    reasons: set[ReasonCode] = set()
    for seed in SEEDS:
        plan = solve(random_problem(seed))
        modes |= {one.mode for one in plan.assignments}
        reasons |= {one.reasons[0].code for one in plan.unserved}
    assert modes == set(Mode)
    assert len(reasons) >= 8


@pytest.mark.parametrize("seed", range(10))
def test_another_seed_is_another_proof(seed: int) -> None:
    asked = random_problem(seed)
    plan = solve(asked, seed=1)
    if plan.assignments:
        assert check(asked, plan.replaced(seed=2)) != []


def _changed(asked: Problem, plan: Plan) -> list[Plan]:
    """Gives the plan with each referral on each other slot, seat or mode, figures kept."""
    changed = []
    for at, one in enumerate(plan.assignments):
        others = [one.replaced(slot=other.id) for other in asked.slots if other.id != one.slot]
        others += [one.replaced(mode=mode) for mode in Mode if mode is not one.mode]
        others += [one.replaced(seat=one.seat + 1)]
        changed += [
            plan.replaced(assignments=(*plan.assignments[:at], other, *plan.assignments[at + 1 :]))
            for other in others
        ]
    return changed


@pytest.mark.parametrize("seed", range(6))
def test_no_seat_slot_or_mode_can_be_changed_unseen(seed: int) -> None:
    asked = random_problem(seed, referrals=8, slots=10)
    plan = solve(asked)
    assert all(check(asked, other) for other in _changed(asked, plan))


@pytest.mark.parametrize("seed", range(6))
def test_no_dual_can_be_changed_unseen(seed: int) -> None:
    asked = random_problem(seed, referrals=8, slots=10)
    plan = solve(asked)
    for level, duals in enumerate(plan.duals):
        for row in range(len(duals.referral)):
            more = (*duals.referral[:row], duals.referral[row] + 1, *duals.referral[row + 1 :])
            altered = (
                *plan.duals[:level],
                duals.replaced(referral=more),
                *plan.duals[level + 1 :],
            )
            assert check(asked, plan.replaced(duals=altered)) != []


def test_a_territory_without_slots_says_so() -> None:
    asked = problem(slots=())
    plan = solve(asked)
    assert plan.unserved[0].reasons[0].code is ReasonCode.NO_SLOT
    assert check(asked, plan) == []


def test_a_territory_whose_seats_are_all_pinned_has_no_free_seat_and_claims_no_rule() -> None:
    taken = Pin(referral="r-x", patient=patient("x").key, slot="slot1", seat=0)
    full = problem(pins=(taken,))
    plan = solve(full)
    assert plan.unserved[0].reasons[0].code is ReasonCode.NO_FREE_SEAT
    assert check(full, plan) == []
    blamed = plan.unserved[0].replaced(reasons=(Reason(code=ReasonCode.DEADLINE),))
    (violation,) = check(full, plan.replaced(unserved=(blamed,)))
    assert violation.rule == "unserved.reason"


def test_a_pinned_seat_is_no_column() -> None:
    busy = Pin(referral="r-x", patient=patient("x").key, slot="slot1", seat=0)
    asked = problem(slots=(slot(capacity=2),), pins=(busy,))
    plan = solve(asked)
    assert [(one.slot, one.seat) for one in plan.assignments] == [("slot1", 1)]
    assert len(plan.duals[0].seat) == 1
    assert check(asked, plan) == []
