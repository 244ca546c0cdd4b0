from itertools import product
from typing import Any

import pytest
from brute_force import Pairs, solve, tie_break
from builders import policy, practitioner, problem, referral, slot

from slotengine.codes import Mode, Priority
from slotengine.problem import COST_LEVEL, LEVELS, LevelDuals, Pin, Plan, Problem, Told
from slotengine.side_constraints import Caps, Floor, Spread
from slotengine.solver.certificate import MOST_LISTED, bounds, certify, searchable
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


TOLD = Told(referral=A.id, slot="slot1")


@pytest.mark.parametrize(
    ("changes", "wanted"),
    [
        ({}, False),
        ({"policy": policy(floors=(Floor(percent=50, priority=Priority.ROUTINE),))}, True),
        ({"policy": policy(spread=Spread())}, True),
        ({"told": (TOLD,)}, True),
        ({"policy": policy(caps=Caps(bookings_per_day=9))}, True),
        ({"policy": policy(caps=Caps(bookings_per_week=9))}, True),
        ({"policy": policy(caps=Caps(effort_minutes_per_day=999))}, True),
        ({"policy": policy(caps=Caps(effort_minutes_per_week=999))}, True),
        ({"practitioners": (practitioner(max_bookings_per_day=9),)}, True),
        ({"practitioners": (practitioner(max_bookings_per_week=9),)}, True),
        ({"practitioners": (practitioner(max_effort_minutes_per_day=999),)}, True),
        ({"practitioners": (practitioner(max_effort_minutes_per_week=999),)}, True),
        ({"slots": (slot(modes=(Mode.AMB, Mode.HH)),)}, True),
        (
            {"slots": (slot(modes=(Mode.AMB, Mode.HH)),), "policy": policy(home_visits=None)},
            False,
        ),
        ({"referrals": (A.replaced(group="g"),)}, False),
        (
            {
                "referrals": (A.replaced(group="g"),),
                "slots": (slot(capacity=2),),
                "pins": (Pin(referral="r-x", patient="p", slot="slot1", seat=0, group="g"),),
            },
            True,
        ),
        (
            {
                "referrals": (A.replaced(group="g"), B.replaced(group="g")),
                "slots": (slot(capacity=2),),
            },
            True,
        ),
        (
            {"referrals": (A.replaced(pathway="second-recourse", step=1, follows="r-before"),)},
            True,
        ),
    ],
)
def test_a_search_may_prove_only_where_side_constraints_exist(
    changes: dict[str, Any], wanted: object
) -> None:
    asked = problem(**{"referrals": (A,), **changes})
    assert searchable(asked) is wanted


@pytest.fixture
def capped() -> Problem:
    """The crossed problem with a cap and a spread: its levels may be proved by a search."""
    return problem(
        referrals=(A, B),
        slots=(slot("slot1"), slot("slot2", after_minutes=240)),
        policy=policy(caps=Caps(bookings_per_day=9), spread=Spread(give_percent=50)),
    )


def searched(asked: Problem, objective: tuple[int, ...], **changes: Any) -> set[str]:
    """Gives what ``certify`` says of a plan without duals that declares this objective."""
    plan = solve(problem(referrals=asked.referrals, slots=asked.slots), CROSSED)
    fields = {"objective": objective, "bound": objective, "duals": (), **changes}
    return {one.rule for one in certify(asked, plan.replaced(**fields))}


BEST = (0, 0, 0, 0, 0, 960, 7, 0, 5)


@pytest.mark.parametrize(
    ("changes", "wanted"),
    [
        ({}, set()),
        # The spread may give up half of 960.
        ({"bound": (0, 0, 0, 0, 0, 640, 7, 0, 5)}, set()),
        ({"bound": (0, 0, 0, 0, 0, 639, 7, 0, 5)}, {"certificate.gap"}),
        ({"bound": (0, 0, 0, 0, 0, 961, 7, 0, 5)}, {"certificate.gap"}),
        ({"bound": (0, 0, 0, 0, 0, 960, 6, 0, 5)}, {"certificate.gap"}),
        ({"bound": (0, 0, 0, 0, 0, 960, 7, 1, 5)}, {"certificate.bound"}),
        ({"bound": (0, 0, 0, 0, 0, 960, None, 0, 5)}, {"certificate.bound"}),
        ({"bound": (0, 0, 0, 0, 0, 960, 3, None, None), "proved_levels": 6}, set()),
        ({"bound": (0, 0, 0, 0, 0, 960, None, None, None), "proved_levels": 6}, set()),
        (
            {"bound": (0, 0, 0, 0, 0, 960, 8, None, None), "proved_levels": 6},
            {"certificate.gap"},
        ),
        (
            {"bound": (0, 0, 0, 0, 0, 960, -1, None, None), "proved_levels": 6},
            {"certificate.bound"},
        ),
        (
            {"bound": (0, 0, 0, 0, 0, 960, 3, None, 5), "proved_levels": 6},
            {"certificate.bound"},
        ),
        # Level 4 costs nothing here and is proved with level 3.
        (
            {"bound": (0, 0, 0, 0, 0, 960, 7, None, None), "proved_levels": 7},
            {"certificate.levels"},
        ),
        ({"bound": (0, 0, 0, 0, 0, 960, 7, 0, 3), "proved_levels": 8}, set()),
    ],
)
def test_what_a_search_proves_is_consistent(
    capped: Problem, changes: dict[str, Any], wanted: set[str]
) -> None:
    assert searched(capped, BEST, **changes) == wanted


def test_without_side_constraints_nothing_is_proved_by_a_search(crossed: Problem) -> None:
    assert searched(crossed, BEST) == {"certificate.levels"}
    one_level = {"proved_levels": 1, "bound": (0, 0, *[None] * 7)}
    assert searched(crossed, BEST, **one_level) == {"certificate.bound"}


def test_duals_end_before_the_first_level_that_only_a_search_proves(crossed: Problem) -> None:
    plan = solve(crossed, CROSSED)

    def with_policy(**changes: Any) -> set[str]:
        asked = crossed.replaced(policy=policy(**changes))
        return {one.rule for one in certify(asked, plan)}

    assert with_policy() == set()
    assert with_policy(caps=Caps(bookings_per_day=9)) == set()
    assert with_policy(spread=Spread()) == {"certificate.levels"}
    floor = Floor(percent=50, priority=Priority.ROUTINE)
    assert with_policy(floors=(floor,)) == {"certificate.levels"}


def test_a_told_referral_has_no_option_to_stay_unserved(lonely: Problem) -> None:
    """Its dual may pass what staying unserved costs, as the seat's dual gives that back."""
    duals = [*LONELY_DUALS]
    duals[2] = ((2,), (-2,))
    plan = by_hand(lonely, tuple(duals))
    assert {one.rule for one in certify(lonely, plan)} == {"certificate.unserved"}
    told = lonely.replaced(told=(TOLD,))
    assert certify(told, plan) == []


def test_the_dearest_seat_of_a_slot_is_judged_and_named() -> None:
    """A seat that must be used may have any dual: the second seat's makes the pair gain."""
    asked = problem(slots=(slot(capacity=2),), referrals=(A,))
    duals = [(rows, (0, 0)) for rows, _ in LONELY_DUALS]
    assert certify(asked, by_hand(asked, tuple(duals))) == []
    duals[3] = ((0,), (0, -1))  # leaving the second seat unused costs 1 and leaves the face
    assert {one.rule for one in certify(asked, by_hand(asked, tuple(duals)))} == {"certificate.gap"}
    duals[4] = ((240,), (0, 1))
    duals[3] = ((0,), (0, 0))
    found = certify(asked, by_hand(asked, tuple(duals)))
    assert {(one.rule, one.subject) for one in found} == {
        ("certificate.unused", "slot1#1"),
        ("certificate.arc", f"{A.id} slot1#1"),
    }


def test_a_pair_that_keeps_its_cost_is_judged_by_who_moves(lonely: Problem) -> None:
    """Told the other slot, which costs as much: a dual of 1 is what moving costs, 2 is too much."""
    there = slot("slot2", practitioner="d2")
    asked = problem(
        policy=policy(max_told_moves=1),
        practitioners=(practitioner(), practitioner("d2")),
        slots=(*lonely.slots, there),
        referrals=(A,),
        told=(Told(referral=A.id, slot="slot2"),),
    )
    plan = by_hand(lonely, LONELY_DUALS)
    levels = [*LONELY_DUALS[:5], ((0,), (0, 0)), ((0,), (0, 0))]
    names = ("1a", "1b", "1c", "1d", "2", "4", "5")

    def broken(moving: int) -> set[tuple[str, str, str]]:
        levels[5] = ((moving,), (0, 0))
        duals = tuple(
            LevelDuals(level=name, referral=rows, seat=(*seats[:1], 0))
            for name, (rows, seats) in zip(names, levels, strict=True)
        )
        said = plan.replaced(duals=duals, bound=(0, 0, 0, 0, 0, 240, 0, moving, 0))
        found = certify(asked, said)
        return {(one.rule, one.subject, one.detail[-1]) for one in found if "arc" in one.rule}

    assert broken(0) == set()
    assert broken(1) == {("certificate.arc", f"{A.id} slot2#0", "4")}
    assert broken(2) == {
        ("certificate.arc", f"{A.id} slot1#0", "4"),
        ("certificate.arc", f"{A.id} slot2#0", "4"),
    }
