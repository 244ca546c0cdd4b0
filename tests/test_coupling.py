"""Plans under side constraints when time runs out, and what more or fewer rules do to them."""

from collections.abc import Callable
from importlib import import_module
from itertools import count
from typing import Any

import pytest
from brute_side import best
from coupled_nights import capped, fair, first_goes_late, told, visits
from nights import ASAP, ROUTINE, STAT, asks
from random_problems import random_coupled, random_problem
from sources import PROJECT

from slotengine.codes import Mode
from slotengine.errors import SolverTimeoutError
from slotengine.problem import (
    COST_LEVEL,
    LEVELS,
    SPREAD_LEVEL,
    TIE_LEVEL,
    UNSERVED_LEVEL,
    Limits,
    Plan,
    Problem,
)
from slotengine.side_constraints import Caps
from slotengine.solver.check import check
from slotengine.solver.coupling_search import Search
from slotengine.solver.solve import solve

SOLVE = import_module("slotengine.solver.solve")
"""The module: the package shows the function of the same name."""


def assert_honest(asked: Problem, plan: Plan, optimum: tuple[int, ...]) -> None:
    """The plan passes, and says of itself no more than is true."""
    assert check(asked, plan) == []
    for at in range(plan.proved_levels):
        if at != COST_LEVEL or asked.policy.spread is None:
            assert plan.objective[at] == optimum[at]
    for at in range(plan.proved_levels, len(LEVELS)):
        bound = plan.bound[at]
        assert bound is None or (at == plan.proved_levels and bound <= plan.objective[at])


def stopped_clock(calls: int) -> Callable[[], float]:
    """Gives a clock that stands still for some looks at it, and then shows far too late."""
    looks = count()
    return lambda: 0.0 if next(looks) < calls else 1e6


NIGHTS = {
    "cap": capped(bookings_per_day=1),
    "effort": capped(effort_minutes_per_day=45),
    "pathway": first_goes_late(),
    "tour": visits(17),
    "spread": fair(2, 124),
    "told": told(1, 120, 135),
    **{f"drawn {seed}": random_coupled(seed) for seed in (0, 3, 5, 8, 13, 21, 34, 55)},
}


@pytest.mark.parametrize("name", NIGHTS)
def test_time_may_run_out_at_any_moment(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """After each look at the clock in turn: there is no plan yet, or a plan that is honest."""
    asked = NIGHTS[name]
    optimum = best(asked)[0]
    proved = set()
    for looks in count(1):  # the first look is when it begins
        monkeypatch.setattr(SOLVE, "perf_counter", stopped_clock(looks))
        try:
            plan = solve(asked)
        except SolverTimeoutError:
            continue
        assert_honest(asked, plan, optimum)
        proved.add(plan.proved_levels)
        if plan.seconds == 0:  # it ended before the clock moved
            assert plan.proved
            break
    assert len(proved) > 1


@pytest.mark.parametrize("seconds", [1e-3, 1e-2, 0.1])
def test_a_short_limit_gives_an_honest_plan_or_none(seconds: float) -> None:
    for seed in range(0, 60, 4):
        asked = random_coupled(seed)
        try:
            plan = solve(asked, limits=Limits(seconds=seconds))
        except SolverTimeoutError:
            continue
        assert_honest(asked, plan, best(asked)[0])


@pytest.mark.parametrize("looks", [4, 6, 12])
def test_a_search_cut_short_gives_an_honest_plan_of_a_territory(
    looks: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Cut after so many looks at the clock, not after seconds: the same on every machine."""
    monkeypatch.syspath_prepend(PROJECT)
    from benchmarks.coupled_territory import coupled_of

    asked = coupled_of(60, seed=2, spread=True)
    monkeypatch.setattr(SOLVE, "perf_counter", stopped_clock(looks))
    plan = solve(asked)
    assert check(asked, plan) == []
    bound = plan.bound[plan.proved_levels]
    assert bound is not None
    assert bound < plan.objective[plan.proved_levels]


def test_a_spread_that_could_not_be_tidied_up_leaves_the_tie_break_open(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What level 3 did not need of level 2 was not taken back: both are proved all the same."""
    asked = fair(2, 124)
    monkeypatch.setattr(Search, "regain", lambda _: False)
    plan = solve(asked)
    assert check(asked, plan) == []
    assert plan.proved_levels == TIE_LEVEL
    assert plan.bound[SPREAD_LEVEL:] == (plan.objective[SPREAD_LEVEL], 0, None)


@pytest.mark.parametrize("priority", [STAT, ASAP, ROUTINE])
@pytest.mark.parametrize("seed", range(12))
def test_one_more_referral_costs_the_others_at_most_itself(
    seed: int, priority: dict[str, Any]
) -> None:
    """The old plan with the newcomer unserved is a plan of both, so the best is no worse."""
    drawn = random_coupled(seed)
    drawn = drawn.replaced(policy=drawn.policy.replaced(floors=()))
    newcomer = asks("zz-newcomer", **priority, modes=tuple(Mode))
    more = drawn.replaced(referrals=(*drawn.referrals, newcomer))
    allowed = list(solve(drawn).objective[:COST_LEVEL])
    allowed[UNSERVED_LEVEL[newcomer.priority]] += 1
    assert solve(more).objective[:COST_LEVEL] <= tuple(allowed)


def _uncapped(asked: Problem) -> Problem:
    free = {f"max_{name}": None for name in Caps.model_fields}
    return asked.replaced(
        policy=asked.policy.replaced(caps=Caps()),
        practitioners=tuple(one.replaced(**free) for one in asked.practitioners),
    )


def _ungrouped(asked: Problem) -> Problem:
    return asked.replaced(
        referrals=tuple(one.replaced(group=None) for one in asked.referrals),
        pins=tuple(one.replaced(group=None) for one in asked.pins),
    )


def _loosely_told(asked: Problem) -> Problem:
    return asked.replaced(policy=asked.policy.replaced(max_told_moves=9))


def _later_gaps(asked: Problem) -> Problem:
    groups = asked.policy.groups.replaced(gap_minutes=1440)
    return asked.replaced(policy=asked.policy.replaced(groups=groups))


def _at_practices(seed: int) -> Problem:
    """
    Gives a drawn problem without home visits and without a spread.

    Where a pair has two modes, a rule that no longer refuses the cheaper one may make it dearer for
    the other rules: fewer rules are then not always better.
    """
    drawn = random_coupled(seed)
    amb = {"modes": (Mode.AMB,)}
    return drawn.replaced(
        slots=tuple(one.replaced(**amb) for one in drawn.slots),
        referrals=tuple(one.replaced(**amb) for one in drawn.referrals),
        pins=tuple(one.replaced(mode=Mode.AMB, location=None) for one in drawn.pins),
        told=(),
        policy=drawn.policy.replaced(spread=None),
    )


@pytest.mark.parametrize("drop", [_uncapped, _ungrouped, _later_gaps])
def test_without_a_side_constraint_no_plan_is_worse(drop: Callable[[Problem], Problem]) -> None:
    better = 0
    for seed in range(24):
        drawn = _at_practices(seed)
        bound, free = (solve(one).objective for one in (drawn, drop(drawn)))
        assert free <= bound, seed
        better += free < bound
    assert better > 0


def test_more_told_moves_are_never_worse_before_they_are_counted() -> None:
    better = 0
    for seed in range(40):
        drawn = random_coupled(seed)
        if drawn.told and drawn.policy.spread is None:
            bound, free = (solve(one).objective for one in (drawn, _loosely_told(drawn)))
            assert free[: COST_LEVEL + 1] <= bound[: COST_LEVEL + 1], seed
            better += free < bound
    assert better > 0


@pytest.mark.parametrize("seed", range(8))
def test_caps_that_nobody_reaches_change_nothing_but_the_problem(seed: int) -> None:
    drawn = random_problem(seed)
    roomy = Caps(bookings_per_day=100, effort_minutes_per_week=90_000)
    wide = drawn.replaced(policy=drawn.policy.replaced(caps=roomy))
    plain, other = solve(drawn), solve(wide)
    assert plain.assignments == other.assignments
    assert (plain.objective, plain.bound) == (other.objective, other.bound)
