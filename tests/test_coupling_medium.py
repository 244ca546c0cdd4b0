"""
Plans of forty referrals with all side constraints at once, against HiGHS and CP-SAT.

Too large to try everything, small enough for whole integer programs: both are written down from
the rules without the solver's code, and find the same optimum at every level.
"""

from random import Random
from typing import Any

import pytest
from sources import PROJECT

from slotengine.codes import Priority
from slotengine.problem import LEVELS, TIE_LEVEL, Limits, Plan, Problem, Told
from slotengine.side_constraints import Floor, HomeVisits
from slotengine.solver.check import check
from slotengine.solver.solve import solve

LIMIT_S = 600.0
"""Far above what any of these takes: no answer here depends on the clock."""

TIED_UP_TO = 40
"""
Referrals up to which the peer proves the tie-break too. Beyond, a plain program takes seconds in
one run and minutes in the next, and so it does where effort is spread; all other levels are
compared there too, and the tie-break of small spread plans in ``test_oracle``.
"""

LIMITS = Limits(seconds=LIMIT_S)

BRACKETS = (
    (40, 1, "plain"),
    (40, 6, "plain"),
    (50, 6, "plain"),
    (60, 2, "plain"),
    (40, 3, "floors"),
    (40, 4, "told"),
    (40, 7, "spread"),
)
"""Referrals, seed, and which constraint is added to caps, groups, pathways, tours and pins."""


@pytest.fixture(autouse=True)
def _from_the_root(monkeypatch: pytest.MonkeyPatch) -> None:
    """Benchmarks are not packaged: they run from the root of a checkout."""
    monkeypatch.syspath_prepend(PROJECT)


def _drawn(referrals: int, seed: int, added: str) -> Problem:
    from benchmarks.coupled_territory import coupled_of

    draw = Random(seed)  # noqa: S311 - a test case, not a secret
    drawn = coupled_of(referrals, seed=seed, spread=added == "spread")
    slots = [
        one.replaced(capacity=2) if draw.random() < 0.1 else one  # halls, and shared visits
        for one in drawn.slots
    ]
    care = HomeVisits(care_minutes=20)
    changes: dict[str, Any] = {"home_visits": care}
    if added == "floors":
        # Routine patients are the last to be served: a floor takes seats from urgent ones.
        changes["floors"] = (Floor(percent=90, priority=Priority.ROUTINE),)
    if added == "told":
        changes["max_told_moves"] = 1
    drawn = drawn.replaced(slots=tuple(slots), policy=drawn.policy.replaced(**changes))
    return _told(draw, drawn) if added == "told" else drawn


def _told(draw: Random, drawn: Problem) -> Problem:
    """Tells some patients of a plan, and takes two of its seats away from the best one."""
    from benchmarks.coupling_peers import cp_sat

    answer = cp_sat(drawn, LIMIT_S)
    assert answer.slot_of_row is not None
    seated = [(row, at) for row, at in enumerate(answer.slot_of_row.tolist()) if at >= 0]
    told = [
        Told(referral=drawn.referrals[row].id, slot=drawn.slots[at].id)
        for row, at in draw.sample(seated, 6)
    ]
    late = draw.sample([row for row, _ in seated], 3)
    # Three who were served become the most urgent: what was best for the told is so no more.
    referrals = tuple(
        one.replaced(priority=Priority.STAT) if row in late else one
        for row, one in enumerate(drawn.referrals)
    )
    return drawn.replaced(
        told=tuple(sorted(told, key=lambda one: one.referral)), referrals=referrals
    )


def _optima(plan: Plan) -> dict[str, int | None]:
    return dict(zip(LEVELS, plan.bound, strict=True))


@pytest.mark.parametrize(("referrals", "seed", "added"), BRACKETS)
def test_a_plan_is_what_two_whole_programs_prove_at_each_level(
    referrals: int, seed: int, added: str
) -> None:
    from benchmarks.coupling_model import model_of, pairs_of
    from benchmarks.coupling_peers import by_levels, cp_sat_stage, highs_stage

    drawn = _drawn(referrals, seed, added)
    plan = solve(drawn, limits=LIMITS)
    assert plan.proved
    assert check(drawn, plan) == []
    pairs = pairs_of(drawn)
    if referrals <= TIED_UP_TO and added != "spread":
        exact = by_levels(model_of(drawn, pairs, seed=0), cp_sat_stage, LIMIT_S)
        assert exact.ended
        assert exact.best == {level: _optima(plan)[level] for level in drawn.active_levels}
        # The tie-break makes the plan one of its kind: the same referrals have the same slots.
        assert exact.reached == {
            level: plan.objective[LEVELS.index(level)] for level in drawn.active_levels
        }
    relaxed = by_levels(model_of(drawn, pairs), highs_stage, LIMIT_S)
    assert relaxed.ended
    assert relaxed.best == {
        level: _optima(plan)[level] for level in drawn.active_levels if level != LEVELS[TIE_LEVEL]
    }


def test_what_is_compared_binds_in_every_way() -> None:
    """Constraints that never bind would prove nothing."""
    from benchmarks.coupling_model import pairs_of
    from benchmarks.coupling_relaxed import relaxed_of

    kinds: set[str] = set()
    for referrals, seed, added in BRACKETS:
        if added != "told":
            drawn = _drawn(referrals, seed, added)
            kinds.update(relaxed_of(drawn, pairs_of(drawn)).faults)
    assert kinds == {"cap", "group", "pathway", "tour"}
