"""
Small problems with side constraints: all plans tried, the best one checked, solved and compared.

First the oracle itself: constraints that never bind would prove nothing.
"""

from collections.abc import Callable
from functools import cache

import pytest
from brute_side import Solution, best, forced, plan_of
from builders import patient, practitioner, slot
from hypothesis import given, settings
from random_problems import random_coupled, random_kept
from strategies import coupled_problems

from slotengine.codes import Mode
from slotengine.domain import Practitioner, Referral
from slotengine.problem import COST_LEVEL, TIE_LEVEL, Limits, Pin, Plan, Problem
from slotengine.side_constraints import Caps
from slotengine.solver.check import check
from slotengine.solver.solve import solve

SEEDS = range(200)
OFTEN = 10
"""Seeds of ``SEEDS`` in which a constraint must change the best plan, at least."""
MORE_SEEDS = range(300)
"""For promises, which decide less often: whom a floor names has a seat without one."""


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
        problem, lambda pin: pin.replaced(location=None) if pin.mode is Mode.HH else pin
    ),
    "floors": lambda problem: _policy(problem, floors=()),
    "spread": lambda problem: _policy(problem, spread=None),
    "told": lambda problem: problem.replaced(told=()),
    "told moves": lambda problem: _policy(problem, max_told_moves=5),
}
KEPT: dict[str, Callable[[Problem], Problem]] = {
    "prices": lambda problem: problem.replaced(prices=()),
    "promises": lambda problem: problem.replaced(promised=()),
    "extra seats": lambda problem: problem.replaced(
        slots=tuple(one.replaced(extra_capacity=0) for one in problem.slots)
    ),
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


@cache
def kept_and_best(seed: int) -> tuple[Problem, list[Solution]]:
    drawn = random_kept(seed)
    return drawn, best(drawn)[1]


@pytest.mark.parametrize("name", KEPT)
def test_prices_promises_and_extra_seats_often_decide_the_best_plan(name: str) -> None:
    binding = 0
    for seed in SEEDS:
        drawn, chosen = kept_and_best(seed)
        try:
            free = KEPT[name](drawn)
        except ValueError:  # somebody was told an extra seat
            continue
        binding += free != drawn and _chosen(free) != chosen
        if binding == OFTEN:
            return
    pytest.fail(f"binding in {binding} of {len(SEEDS)} problems")


def _chosen(problem: Problem) -> list[Solution]:
    try:
        return best(problem)[1]
    except ValueError:  # not all who were promised a seat can have one
        return []


@pytest.mark.parametrize("part", range(4))
def test_every_best_plan_with_prices_and_promises_passes_the_check(part: int) -> None:
    for seed in SEEDS[part::8]:
        drawn = random_kept(seed)
        _, solutions = best(drawn, seed)
        for solution in solutions:
            assert check(drawn, plan_of(drawn, solution, seed)) == [], seed


@pytest.mark.parametrize(("name", "rules"), [("prices", {"kept"}), ("promises", {"side.promised"})])
def test_a_plan_that_ignored_prices_or_promises_is_refused_and_names_it(
    name: str, rules: set[str]
) -> None:
    caught = 0
    for seed in MORE_SEEDS:
        drawn, chosen = kept_and_best(seed)
        free = KEPT[name](drawn)
        careless = best(free)[1]
        # Without prices the same pairs may be best and still be allowed with them.
        if careless[0] not in chosen and _is_worse(drawn, careless[0], name):
            plan = forced(free, careless[0]).replaced(problem_digest=drawn.digest)
            assert rules & {one.rule for one in check(drawn, plan)}, seed
            caught += 1
        if caught == OFTEN:
            return
    pytest.fail(f"seen in {caught} of {len(MORE_SEEDS)} problems")


def _is_worse(drawn: Problem, solution: Solution, name: str) -> bool:
    """Tells by hand whether a solution takes what is kept, or leaves out who was promised."""
    if name == "promises":
        pairs = zip(drawn.referrals, solution, strict=True)
        return any(one.id in drawn.promised and at is None for one, at in pairs)
    price = {one.slot: one.price for one in drawn.prices}
    figures = {one.referral: one for one in forced(_unpriced(drawn), solution).assignments}
    seated = {*drawn.promised, *(one.referral for one in drawn.told)}
    return any(
        drawn.policy.values.of(one.priority) < figures[one.id].cost + price.get(at, 0)
        for one, at in zip(drawn.referrals, solution, strict=True)
        if at is not None and one.id not in seated and not _is_floored(drawn, one)
    )


def _is_floored(drawn: Problem, one: Referral) -> bool:
    home = one.patient.location
    return any(
        floor.priority in (None, one.priority)
        and (floor.insee is None or (home is not None and home.insee == floor.insee))
        for floor in drawn.policy.floors
    )


def _unpriced(problem: Problem) -> Problem:
    return problem.replaced(prices=())


@pytest.mark.parametrize("part", range(4))
def test_every_best_plan_passes_the_check(part: int) -> None:
    for seed in SEEDS[part::8]:
        drawn = random_coupled(seed)
        _, solutions = best(drawn, seed)
        for solution in solutions:
            assert check(drawn, plan_of(drawn, solution, seed)) == [], seed


CAP, GROUP, TOUR, TOLD = (
    frozenset(rules)
    for rules in (
        ("side.cap", "cap"),
        ("side.group", "group"),
        ("side.tour", "tour"),
        ["side.told"],
    )
)
NAMED = {
    **dict.fromkeys(("bookings a day", "bookings a week", "effort a day", "effort a week"), CAP),
    **dict.fromkeys(("groups", "pinned siblings"), GROUP),
    "pathways": frozenset(("side.pathway", "pathway")),
    **dict.fromkeys(("tours", "pinned visits"), TOUR),
    **dict.fromkeys(("told", "told moves"), TOLD),
}
"""What a plan that ignored a constraint breaks."""


@pytest.mark.parametrize("name", NAMED)
def test_a_plan_that_ignored_a_constraint_is_refused_and_names_it(name: str) -> None:
    caught = 0
    for seed in SEEDS:
        drawn, chosen = drawn_and_best(seed)
        free = DROPPED[name](drawn)
        careless = best(free)[1] if free != drawn else chosen
        if careless != chosen:
            plan = forced(free, careless[0]).replaced(
                problem_digest=drawn.digest,
                policy_digest=drawn.policy.digest,
                travel_name=drawn.travel_name,
            )
            rules = {one.rule for one in check(drawn, plan)}
            assert rules & NAMED[name], (seed, rules)
            caught += 1
        if caught == OFTEN:
            return
    pytest.fail(f"seen in {caught} of {len(SEEDS)} problems")


def solution_of(problem: Problem, plan: Plan) -> Solution:
    slot_of = {one.referral: one.slot for one in plan.assignments}
    return tuple(slot_of.get(one.id) for one in problem.referrals)


def assert_best(problem: Problem, seed: int) -> None:
    objective, solutions = best(problem, seed)
    plan = solve(problem, seed=seed)
    assert check(problem, plan) == []
    assert plan.objective == objective
    assert solution_of(problem, plan) in solutions
    assert plan.proved


@pytest.mark.parametrize("part", range(8))
def test_solve_reaches_the_best_of_all_plans(part: int) -> None:
    for seed in SEEDS[part::8]:
        assert_best(random_coupled(seed), seed)


@pytest.mark.parametrize("part", range(8))
def test_solve_reaches_the_best_of_all_plans_with_prices_and_promises(part: int) -> None:
    for seed in SEEDS[part::8]:
        assert_best(random_kept(seed), seed)


@settings(deadline=None, derandomize=True, max_examples=60)
@given(coupled_problems())
def test_solve_reaches_the_best_of_all_plans_of_whatever_is_drawn(drawn: Problem) -> None:
    assert_best(drawn, 0)


@pytest.mark.parametrize("seed", range(25))
def test_pinned_bookings_stay_and_told_ones_as_far_as_they_must(seed: int) -> None:
    drawn = random_coupled(seed)
    plan = solve(drawn)
    pinned = {(pin.slot, pin.seat) for pin in drawn.pins}
    assert not pinned & {(one.slot, one.seat) for one in plan.assignments}
    slot_of = {one.referral: one.slot for one in plan.assignments}
    moved = [one for one in drawn.told if slot_of[one.referral] != one.slot]
    assert len(moved) <= drawn.policy.max_told_moves


@pytest.mark.parametrize("seed", range(25))
def test_one_more_slot_never_hurts_floors_and_service(seed: int) -> None:
    """
    Whatever kept all constraints keeps them beside a slot that nobody uses.

    One more seat of an old slot is another thing: it lessens the effort of all its seats, a dearer
    mode may then pass its cap, and with the mode the ways between visits change.
    """
    drawn = random_coupled(seed)
    more = drawn.replaced(
        practitioners=(*drawn.practitioners, practitioner("d9")),
        slots=(*drawn.slots, slot("slot9", after_minutes=300, practitioner="d9", site="s0")),
    )
    before, after = solve(drawn).objective, solve(more).objective
    assert after[:COST_LEVEL] <= before[:COST_LEVEL]


def renamed(problem: Problem) -> Problem:
    """Gives every id and group another name, in another order."""

    def other(name: str | None) -> str | None:
        return None if name is None else f"z{name[::-1]}"

    fields: dict[str, tuple[str, ...]] = {
        "practitioners": ("id",),
        "sites": ("id",),
        "slots": ("id", "practitioner", "site"),
        "referrals": ("id", "group", "follows"),
        "pins": ("referral", "slot", "group"),
        "told": ("referral", "slot"),
    }
    parts = {
        part: [
            one.replaced(**{name: other(getattr(one, name)) for name in names})
            for one in getattr(problem, part)
        ]
        for part, names in fields.items()
    }
    parts["referrals"] = [
        one.replaced(
            patient=one.patient.replaced(own_practitioner=other(one.patient.own_practitioner))
        )
        for one in parts["referrals"]
    ]
    return Problem.build(
        territory=problem.territory, as_of=problem.as_of, policy=problem.policy, **parts
    )


@pytest.mark.parametrize("seed", range(25))
def test_other_names_change_only_the_tie_break(seed: int) -> None:
    drawn = random_coupled(seed)
    one, other = solve(drawn), solve(renamed(drawn))
    # Within what a spread gives up, the tie-break chooses the inconvenience too: its bound is one.
    assert one.bound[:TIE_LEVEL] == other.bound[:TIE_LEVEL]
    assert one.objective[:COST_LEVEL] == other.objective[:COST_LEVEL]
    assert one.objective[COST_LEVEL + 1 : TIE_LEVEL] == other.objective[COST_LEVEL + 1 : TIE_LEVEL]


@pytest.mark.parametrize("nodes", [1, 2, 5])
def test_a_plan_that_met_its_limit_of_nodes_passes_and_overstates_nothing(nodes: int) -> None:
    for seed in range(0, 60, 3):
        drawn = random_coupled(seed)
        plan = solve(drawn, limits=Limits(nodes=nodes))
        assert check(drawn, plan) == [], seed
        objective, _ = best(drawn)
        proved = [at for at in range(plan.proved_levels) if at != COST_LEVEL]
        assert [plan.objective[at] for at in proved] == [objective[at] for at in proved]
