"""Whatever a plan says, the check describes it and never raises; what differs is never passed."""

from typing import Any

import pytest
from brute_side import best, plan_of
from hypothesis import given, settings
from hypothesis import strategies as st
from random_problems import random_coupled

from slotengine.codes import Mode
from slotengine.problem import LEVELS, Assignment, LevelDuals, Plan, Problem, Unserved
from slotengine.reasons import Reason, ReasonCode
from slotengine.solver.check import check

FEW = st.integers(min_value=0, max_value=3)
NUMBERS = st.lists(st.integers(-3, 3), max_size=9).map(tuple)
SEEDS = (3, 8, 11, 19)


def corruptions(asked: Problem) -> dict[str, st.SearchStrategy[Any]]:
    """Gives for each part of a plan what could stand there instead, right or wrong."""
    referrals = st.sampled_from([*(one.id for one in asked.referrals), "nobody"])
    slots = st.sampled_from([*(one.id for one in asked.slots), "nowhere"])
    assignments = st.builds(
        Assignment,
        referral=referrals,
        slot=slots,
        seat=FEW,
        mode=st.sampled_from(Mode),
        travel_metres=FEW,
        travel_minutes=FEW,
        wait_minutes=FEW,
        cost=FEW,
    )
    verdicts = st.builds(
        Unserved,
        referral=referrals,
        reasons=st.sampled_from(ReasonCode).map(lambda code: (Reason(code=code),)),
    )
    levels = st.builds(LevelDuals, level=st.sampled_from(LEVELS), referral=NUMBERS, seat=NUMBERS)
    return {
        "assignments": st.lists(assignments, max_size=5).map(tuple),
        "unserved": st.lists(verdicts, max_size=5).map(tuple),
        "objective": NUMBERS,
        "bound": st.lists(st.none() | st.integers(-3, 3), max_size=10).map(tuple),
        "proved_levels": st.integers(0, len(LEVELS)),
        "duals": st.lists(levels, max_size=7).map(tuple),
        "displaced": st.lists(referrals, max_size=3).map(tuple),
    }


@pytest.mark.parametrize("seed", SEEDS)
@settings(deadline=None, derandomize=True, max_examples=60)
@given(st.data())
def test_a_corrupt_plan_is_described_and_never_raises(seed: int, data: st.DataObject) -> None:
    asked, optimal = drawn(seed)
    corruption = data.draw(st.fixed_dictionaries({}, optional=corruptions(asked)))
    corrupt = optimal.replaced(**corruption)
    broken = check(asked, corrupt)
    if corrupt == optimal:
        assert broken == []
    elif not weaker(corrupt, optimal):
        assert broken != []


def drawn(seed: int) -> tuple[Problem, Plan]:
    asked = random_coupled(seed)
    return asked, plan_of(asked, best(asked)[1][0])


def weaker(corrupt: Plan, optimal: Plan) -> bool:
    """Tells whether a plan only claims less, or names others that a floor displaced."""
    modest = optimal.replaced(
        bound=corrupt.bound, proved_levels=corrupt.proved_levels, displaced=corrupt.displaced
    )
    return corrupt == modest


@pytest.mark.parametrize("seed", range(12))
def test_a_referral_on_any_other_slot_is_found(seed: int) -> None:
    asked, optimal = drawn(seed)
    for at, one in enumerate(optimal.assignments):
        for other in asked.slots:
            if other.id != one.slot:
                moved = [*optimal.assignments]
                moved[at] = one.replaced(slot=other.id)
                assert check(asked, optimal.replaced(assignments=tuple(moved))) != []
