"""Every change that is found, tried again from outside; and every figure less than it."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from random_problems import random_problem

from slotengine.codes import Mode
from slotengine.domain import Referral
from slotengine.explanations import Change, ChangeKind
from slotengine.problem import Plan, Problem
from slotengine.side_constraints import Caps, Spread
from slotengine.solver.changes import smallest_changes
from slotengine.solver.check import check
from slotengine.solver.solve import solve


def _fields(asked: Problem) -> dict[str, Any]:
    return {name: getattr(asked, name) for name in Problem.model_fields}


def as_changed(asked: Referral, change: Change) -> Referral:
    if change.kind is ChangeKind.VIDEO:
        return asked.replaced(modes=(*asked.modes, Mode.VR))
    if change.kind is ChangeKind.DISTANCE:
        return asked.replaced(max_travel_metres=(asked.max_travel_metres or 0) + change.more_metres)
    return asked.replaced(deadline=change.deadline)


def replan(asked: Problem, changed: Referral) -> Plan:
    others = [one for one in asked.referrals if one.id != changed.id]
    fields = {**_fields(asked), "referrals": (*others, changed)}
    again = Problem.build(**fields)
    plan = solve(again)
    assert check(again, plan) == []
    return plan


def serves(plan: Plan, referral_id: str) -> bool:
    return any(one.referral == referral_id for one in plan.assignments)


def verify(asked: Problem, change: Change) -> None:
    wanting = next(one for one in asked.referrals if one.id == change.referral)
    if change.kind is ChangeKind.SEAT:
        verify_seat(asked, change)
        return
    plan = replan(asked, as_changed(wanting, change))
    assert serves(plan, wanting.id)
    assert change.smallest
    less = None
    if change.kind is ChangeKind.DISTANCE:
        less = change.replaced(more_metres=change.more_metres - 1)
    elif change.kind is ChangeKind.DEADLINE and change.deadline is not None:
        less = change.replaced(deadline=change.deadline - timedelta(minutes=1))
        if less.deadline is not None and wanting.deadline is not None:
            less = less.replaced(deadline=max(less.deadline, wanting.deadline))
    if less is not None:
        assert not serves(replan(asked, as_changed(wanting, less)), wanting.id)


def verify_seat(asked: Problem, change: Change) -> None:
    """Somewhere in the half-day, profession and commune a colleague's seat serves."""
    assert change.seat is not None
    giver = {one.id: one for one in asked.practitioners}
    sites = {one.id: one for one in asked.sites}
    for like in asked.slots:
        start = like.start.astimezone(asked.policy.zone)
        cell = (
            start.date(),
            start.hour >= 12,
            giver[like.practitioner].profession,
            sites[like.site].location.insee,
        )
        wanted = change.seat
        if cell != (wanted.day, wanted.afternoon, wanted.profession, wanted.insee):
            continue
        again = Problem.build(
            **{
                **_fields(asked),
                "practitioners": (
                    *asked.practitioners,
                    giver[like.practitioner].replaced(id="colleague"),
                ),
                "slots": (
                    *asked.slots,
                    like.replaced(id="added", practitioner="colleague", capacity=1),
                ),
            }
        )
        if serves(solve(again), change.referral):
            return
    pytest.fail("no seat of that half-day, profession and commune serves")


@settings(deadline=None, derandomize=True, max_examples=25)
@given(seed=st.integers(0, 10_000))
def test_every_change_serves_and_nothing_smaller_of_its_kind_does(seed: int) -> None:
    asked = random_problem(seed)
    for found in smallest_changes(asked, solve(asked), solves=64):
        assert found.complete
        if found.change is not None:
            verify(asked, found.change)


@settings(deadline=None, derandomize=True, max_examples=10)
@given(seed=st.integers(0, 10_000))
def test_no_change_means_that_none_of_the_largest_serves(seed: int) -> None:
    asked = random_problem(seed, referrals=10, slots=10)
    for found in smallest_changes(asked, solve(asked), solves=64):
        if found.change is not None or found.served:
            continue
        wanting = next(one for one in asked.referrals if one.id == found.referral)
        deadline, metres = wanting.deadline, wanting.max_travel_metres
        assert deadline is not None
        assert metres is not None
        for changed in (
            wanting.replaced(modes=(*wanting.modes, Mode.VR)),
            wanting.replaced(max_travel_metres=metres + 30_000),
        ):
            assert not serves(replan(asked, changed), wanting.id)
        # Later it may be served in another's place, on a seat that was in time before; else not.
        plan = replan(asked, wanting.replaced(deadline=deadline + timedelta(hours=48)))
        starts = {one.id: one.start for one in asked.slots}
        seats = [one.slot for one in plan.assignments if one.referral == wanting.id]
        assert all(starts[seat] <= deadline for seat in seats)


@pytest.mark.parametrize("seed", range(6))
def test_the_search_finds_the_same_without_the_proof_s_shortcuts(
    seed: int,
) -> None:
    asked = random_problem(seed)
    plan = solve(asked)
    quick = smallest_changes(asked, plan, solves=200)
    blind = plan.replaced(duals=())
    slow = smallest_changes(asked, blind, solves=200)
    assert [one.change for one in quick] == [one.change for one in slow]
    assert sum(one.solves for one in quick) <= sum(one.solves for one in slow)


def test_with_effort_shared_out_a_change_still_serves() -> None:
    for seed in range(4):
        drawn = random_problem(seed)
        asked = Problem.build(
            **{**_fields(drawn), "policy": drawn.policy.replaced(spread=Spread(give_percent=5))}
        )
        for found in smallest_changes(asked, solve(asked)):
            if found.change is not None and found.change.kind is not ChangeKind.SEAT:
                wanting = next(one for one in asked.referrals if one.id == found.referral)
                assert serves(replan(asked, as_changed(wanting, found.change)), wanting.id)


@pytest.mark.parametrize("seed", range(4))
def test_under_caps_a_change_still_serves(seed: int) -> None:
    drawn = random_problem(seed)
    capped = drawn.policy.replaced(caps=Caps(bookings_per_day=2, effort_minutes_per_day=50))
    asked = Problem.build(**{**_fields(drawn), "policy": capped})
    for found in smallest_changes(asked, solve(asked)):
        if found.change is not None:
            verify(asked, found.change)
