"""
Small problems with side constraints: all plans tried, the best one checked, solved and compared.

First the oracle itself: constraints that never bind would prove nothing.
"""

from collections.abc import Callable
from functools import cache

import pytest
from brute_side import Solution, best, plan_of
from builders import patient
from random_problems import random_coupled

from slotengine.codes import Mode
from slotengine.domain import Practitioner
from slotengine.problem import Pin, Problem
from slotengine.side_constraints import Caps
from slotengine.solver.check import check

SEEDS = range(200)
OFTEN = 10
"""Seeds of ``SEEDS`` in which a constraint must change the best plan, at least."""


def _without_caps(problem: Problem, period: str, what: str) -> Problem:
    policy = problem.policy
    name = f"{what}_per_{period}"

    def free(one: Practitioner) -> Practitioner:
        return one.replaced(**{f"max_{name}": None})

    return problem.replaced(
        policy=policy.replaced(caps=Caps.model_validate({**dict(policy.caps), name: None})),
        practitioners=tuple(free(one) for one in problem.practitioners),
    )


def _without_groups(problem: Problem) -> Problem:
    return _pins(
        problem.replaced(
            referrals=tuple(one.replaced(group=None) for one in problem.referrals),
        ),
        lambda pin: pin.replaced(group=None),
    )


def _without_pathways(problem: Problem) -> Problem:
    return problem.replaced(
        referrals=tuple(
            one.replaced(
                follows=None,
                step=0,
                pathway=None,
                patient=one.patient.replaced(key=patient(one.id).key),
            )
            for one in problem.referrals
        )
    )


def _pins(problem: Problem, changed: Callable[[Pin], Pin]) -> Problem:
    return problem.replaced(pins=tuple(changed(pin) for pin in problem.pins))


def _policy(problem: Problem, **changes: object) -> Problem:
    return problem.replaced(policy=problem.policy.replaced(**changes))


DROPPED: dict[str, Callable[[Problem], Problem]] = {
    "bookings a day": lambda problem: _without_caps(problem, "day", "bookings"),
    "bookings a week": lambda problem: _without_caps(problem, "week", "bookings"),
    "effort a day": lambda problem: _without_caps(problem, "day", "effort_minutes"),
    "effort a week": lambda problem: _without_caps(problem, "week", "effort_minutes"),
    "groups": _without_groups,
    "pinned siblings": lambda problem: _pins(problem, lambda pin: pin.replaced(group=None)),
    "pathways": _without_pathways,
    "tours": lambda problem: _policy(problem, home_visits=None),
    "pinned visits": lambda problem: _pins(
        problem, lambda pin: pin.replaced(location=None, mode=Mode.VR)
    ),
    "floors": lambda problem: _policy(problem, floors=()),
    "spread": lambda problem: _policy(problem, spread=None),
    "told": lambda problem: problem.replaced(told=()),
    "told moves": lambda problem: _policy(problem, max_told_moves=5),
}
"""Each constraint, and the problem without it."""


@cache
def drawn_and_best(seed: int) -> tuple[Problem, list[Solution]]:
    drawn = random_coupled(seed)
    return drawn, best(drawn)[1]


@pytest.mark.parametrize("name", DROPPED)
def test_each_constraint_often_decides_the_best_plan(name: str) -> None:
    binding = 0
    for seed in SEEDS:
        drawn, chosen = drawn_and_best(seed)
        free = DROPPED[name](drawn)
        binding += free != drawn and best(free)[1] != chosen
        if binding == OFTEN:
            return
    pytest.fail(f"binding in {binding} of {len(SEEDS)} problems")


@pytest.mark.parametrize("part", range(4))
def test_every_best_plan_passes_the_check(part: int) -> None:
    for seed in SEEDS[part::4]:
        drawn = random_coupled(seed)
        _, solutions = best(drawn, seed)
        for solution in solutions:
            assert check(drawn, plan_of(drawn, solution, seed)) == [], seed
