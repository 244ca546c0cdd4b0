from itertools import product
from typing import Any

import pytest
from brute_force import Pairs, solve, tie_break
from builders import problem, referral, slot

from slotengine.codes import Mode, Priority
from slotengine.problem import COST_LEVEL, LEVELS, LevelDuals, Plan, Problem
from slotengine.solver.certificate import MOST_LISTED, bounds, certify
from slotengine.solver.check import check

A, B = referral("a"), referral("b", priority=Priority.ASAP)
EARLY, LATE = (Mode.AMB, 0, 0, 120, 240), (Mode.AMB, 0, 0, 240, 480)
FOR_ASAP = ((Mode.AMB, 0, 0, 120, 480), (Mode.AMB, 0, 0, 240, 960))


@pytest.fixture
def lonely() -> Problem:
    """One urgent referral, one seat at cost 240."""
    return problem(referrals=(A,))


def by_hand(asked: Problem, duals: tuple[tuple[tuple[int, ...], tuple[int, ...]], ...]) -> Plan:
    """Gives the brute-force plan of the lonely referral with duals from the test instead."""
    plan = solve(asked, {(A.id, "slot1"): EARLY})
    sums = {
        level: sum(rows) + sum(seats) for level, (rows, seats) in zip(ACTIVE, duals, strict=True)
    }
    return plan.replaced(
        duals=tuple(
            LevelDuals(level=level, referral=rows, seat=seats)
            for level, (rows, seats) in zip(ACTIVE, duals, strict=True)
        ),
        bound=tuple(sums.get(level, 0) for level in LEVELS),
    )


ACTIVE = ("1a", "1b", "1c", "1d", "2", "5")
"""The levels that count without floors, spread and told bookings."""

TIE = tie_break(0, A.id, "slot1")
LONELY_DUALS = (
    ((0,), (0,)),  # 1a: staying unserved costs nothing here, and stays on the face
    ((0,), (0,)),  # 1b
    # 1c: the arc costs 0 and staying unserved 1; a dual of 0 leaves the arc and the unused seat.
    ((0,), (0,)),
    ((0,), (0,)),
    ((240,), (0,)),  # 2: the referral must be served now
    ((TIE,), (0,)),
)


def test_duals_made_by_hand_prove_the_only_seat(lonely: Problem) -> None:
    plan = by_hand(lonely, LONELY_DUALS)
    assert certify(lonely, plan) == []
    assert check(lonely, plan) == []
    assert bounds(lonely, plan) == (0, 0, 0, 0, 0, 240, 0, 0, TIE) == plan.objective


def test_the_price_of_the_seat_may_carry_the_cost_instead(lonely: Problem) -> None:
    """A seat that must be used has a dual of free sign; a referral that may stay out has not."""
    duals = [*LONELY_DUALS]
    duals[2] = ((1,), (-1,))  # staying unserved: 1 - 1, still on the face; unused: 0 + 1, off it
    duals[4] = ((0,), (240,))
    duals[5] = ((0,), (TIE,))
    assert certify(lonely, by_hand(lonely, tuple(duals))) == []
    duals[4] = ((240,), (0,))
    found = certify(lonely, by_hand(lonely, tuple(duals)))
    assert ("certificate.unserved", A.id) in {(one.rule, one.subject) for one in found}


@pytest.mark.parametrize("level", range(len(ACTIVE)))
@pytest.mark.parametrize("side", ["referral", "seat"])
@pytest.mark.parametrize("more", [-1, 1])
def test_one_altered_dual_is_found(lonely: Problem, level: int, side: str, more: int) -> None:
    plan = by_hand(lonely, LONELY_DUALS)
    duals = [*plan.duals]
    changed = getattr(duals[level], side)[0] + more
    duals[level] = duals[level].replaced(**{side: (changed,)})
    altered = plan.replaced(duals=tuple(duals))
    rules = {one.rule for one in certify(lonely, altered)}
    assert "certificate.bound" in rules
    assert all(rule.startswith("certificate.") for rule in rules)
    # Nor does it help to state the bound that the altered duals add up to.
    consistent = altered.replaced(bound=bounds(lonely, altered))
    assert certify(lonely, consistent) != []


def test_the_broken_option_is_named(lonely: Problem) -> None:
    def broken(level: int, rows: tuple[int], seats: tuple[int]) -> set[tuple[str, str]]:
        duals = [*LONELY_DUALS]
        duals[level] = (rows, seats)
        found = certify(lonely, by_hand(lonely, tuple(duals)))
        return {(one.rule, one.subject) for one in found}

    assert broken(4, (241,), (0,)) == {("certificate.arc", f"{A.id} slot1#0")}
    assert broken(0, (1,), (-1,)) == {("certificate.unserved", A.id)}
    assert broken(0, (-1,), (1,)) == {("certificate.unused", "slot1#0")}


@pytest.fixture
def crossed() -> Problem:
    """Two referrals, two seats: the asap one waits at double weight, so it goes first."""
    return problem(referrals=(A, B), slots=(slot("slot1"), slot("slot2", after_minutes=240)))


CROSSED: Pairs = {
    (A.id, "slot1"): EARLY,
    (A.id, "slot2"): LATE,
    (B.id, "slot1"): FOR_ASAP[0],
    (B.id, "slot2"): FOR_ASAP[1],
}


def test_the_optimum_is_certified_and_the_suboptimal_plan_is_not(crossed: Problem) -> None:
    best = solve(crossed, CROSSED)
    assert best.objective[COST_LEVEL] == 480 + 480
    assert check(crossed, best) == []
    worse = solve(crossed, CROSSED, force={A.id: "slot1", B.id: "slot2"})
    assert worse.objective[COST_LEVEL] == 240 + 960
    assert {(one.rule, one.subject) for one in certify(crossed, worse)} >= {
        ("certificate.gap", "2")
    }


def test_plausible_duals_of_a_suboptimal_plan_are_refused(crossed: Problem) -> None:
    """Duals that reach the worse plan's 1,200 exactly must overcharge some pair."""
    worse = solve(crossed, CROSSED, force={A.id: "slot1", B.id: "slot2"})
    rows = [referral_.id for referral_ in crossed.referrals]
    for own_share, seat_share in product(range(0, 961, 120), range(-480, 481, 120)):
        u = {A.id: 240 - seat_share, B.id: own_share}
        seats = (seat_share, 960 - own_share)
        duals = [*worse.duals]
        duals[4] = LevelDuals(level="2", referral=tuple(u[row] for row in rows), seat=seats)
        plan = worse.replaced(duals=tuple(duals))
        plan = plan.replaced(bound=bounds(crossed, plan))
        assert plan.bound[COST_LEVEL] == 1_200 == plan.objective[COST_LEVEL]
        assert "certificate.arc" in {one.rule for one in certify(crossed, plan)}


def test_a_slot_with_several_seats_is_proved() -> None:
    roomy = problem(referrals=(A, B), slots=(slot("slot1", capacity=3),))
    pairs = {(A.id, "slot1"): EARLY, (B.id, "slot1"): FOR_ASAP[0]}
    plan = solve(roomy, pairs)
    assert plan.objective[:6] == (0, 0, 0, 0, 0, 720)
    assert check(roomy, plan) == []


def test_the_more_urgent_gets_the_only_seat() -> None:
    asked = problem(referrals=(A, B))
    plan = solve(asked, {(A.id, "slot1"): EARLY, (B.id, "slot1"): FOR_ASAP[0]})
    assert plan.objective[:6] == (0, 0, 0, 1, 0, 480)
    assert check(asked, plan) == []


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({"proved_levels": 5}, "certificate.levels"),
        ({"duals": ()}, "certificate.levels"),
        ({"bound": (0, 0, 0, 0, 0, 241, 0, 0, TIE)}, "certificate.bound"),
        ({"bound": (0, 0, 0, 0, 0, 240, 0, 0, None)}, "certificate.bound"),
        ({"bound": (0, 0, 0, 0, 0, 240)}, "certificate.bound"),
        ({"bound": ()}, "certificate.bound"),
        ({"objective": (0, 0, 0, 0, 0, 241, 0, 0, TIE)}, "certificate.gap"),
    ],
)
def test_what_is_said_about_the_proof_must_hold(
    lonely: Problem, changes: dict[str, Any], rule: str
) -> None:
    plan = by_hand(lonely, LONELY_DUALS).replaced(**changes)
    assert {one.rule for one in certify(lonely, plan)} == {rule}


@pytest.mark.parametrize(
    "changes",
    [
        {"level": "1b"},
        {"referral": ()},
        {"referral": (0, 0)},
        {"seat": ()},
        {"seat": (0, 0)},
    ],
)
def test_duals_fit_the_problem(lonely: Problem, changes: dict[str, Any]) -> None:
    plan = by_hand(lonely, LONELY_DUALS)
    misfit = plan.replaced(duals=(plan.duals[0].replaced(**changes), *plan.duals[1:]))
    assert {one.rule for one in certify(lonely, misfit)} == {"certificate.shape"}
    assert bounds(lonely, misfit) == (0,)


@pytest.mark.parametrize(
    ("duals", "levels"),
    # Levels on which every plan counts 0 are proved as soon as those before them are.
    [(0, 1), (1, 2), (2, 3), (3, 4), (4, 5), (5, 8)],
)
def test_a_plan_proved_in_part_says_so(lonely: Problem, duals: int, levels: int) -> None:
    whole = by_hand(lonely, LONELY_DUALS)
    part = whole.replaced(
        proved_levels=levels,
        duals=whole.duals[:duals],
        bound=(*whole.bound[:levels], *[None] * (len(LEVELS) - levels)),
    )
    assert check(lonely, part) == []
    boastful = part.replaced(bound=whole.bound)
    assert {one.rule for one in check(lonely, boastful)} == {"certificate.bound"}


def test_the_same_fault_is_not_listed_a_thousand_times() -> None:
    asked = problem(referrals=(), slots=(slot(capacity=100),))
    plan = solve(asked, {})
    ones = LevelDuals(level="1a", referral=(), seat=(1,) * 100)
    duals = (ones, *plan.duals[1:])
    found = certify(asked, plan.replaced(duals=duals, bound=(0, 100, *plan.bound[2:])))
    assert [one.rule for one in found] == ["certificate.unused"] * MOST_LISTED
