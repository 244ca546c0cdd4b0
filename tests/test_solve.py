"""Plans: the lexicographic optimum, proved, whatever the order, and a true reason for every no."""

from collections.abc import Sequence
from datetime import timedelta
from itertools import product
from typing import Any

import networkx as nx
import pytest
from brute_force import tie_break
from builders import NOW, patient, policy, practitioner, problem, referral, slot
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import checked, problems, territory

from slotengine.codes import Mode, Priority
from slotengine.problem import COST_LEVEL, LEVELS, TIE_LEVEL, UNSERVED_LEVEL, Pin, Problem
from slotengine.reasons import ReasonCode
from slotengine.solver import solve
from slotengine.solver.check_rules import Rules

NO_COST = (0,) * len(LEVELS)
UNSERVED_LEVELS = slice(1, COST_LEVEL)
"""Levels 1a to 1d."""


def options(drawn: Problem, seed: int = 0) -> list[dict[str | None, tuple[int, ...]]]:
    """For each referral what each slot, or none, costs at each level, by the independent rules."""
    rules = Rules(drawn)
    found = []
    for one in drawn.referrals:
        left = [int(at == UNSERVED_LEVEL[one.priority]) for at in range(len(LEVELS))]
        choices: dict[str | None, tuple[int, ...]] = {None: tuple(left)}
        for seat, figures in rules.allowed(one):
            tie = tie_break(seed, one.id, seat.id)
            choices[seat.id] = (0, 0, 0, 0, 0, figures.cost, 0, 0, tie)
        found.append(choices)
    return found


def added(costs: Sequence[tuple[int, ...]]) -> tuple[int, ...]:
    return tuple(map(sum, zip(NO_COST, *costs, strict=True)))


def brute_force(drawn: Problem, seed: int) -> tuple[int, ...]:
    choices = options(drawn, seed)
    free = [slot_id for slot_id, _ in drawn.free_seats]
    best = None
    for chosen in product(*choices):
        taken = [slot_id for slot_id in chosen if slot_id is not None]
        if any(taken.count(slot_id) > free.count(slot_id) for slot_id in set(taken)):
            continue
        cost = added([choice[of] for choice, of in zip(choices, chosen, strict=True)])
        best = cost if best is None else min(best, cost)
    assert best is not None
    return best


@settings(deadline=None, derandomize=True, max_examples=120)
@given(problems(max_referrals=4, max_slots=4), st.integers(0, 3))
def test_the_plan_is_the_lexicographic_optimum(drawn: Problem, seed: int) -> None:
    # What pairs cost, without what binds them together.
    drawn = drawn.replaced(policy=drawn.policy.replaced(home_visits=None))
    plan = checked(drawn, solve(drawn, seed=seed))
    assert plan.objective == brute_force(drawn, seed)
    assert plan.bound == plan.objective
    assert plan.proved


@pytest.mark.parametrize("seed", [1, 2])
def test_each_level_equals_networkx_on_a_medium_territory(seed: int) -> None:
    """One exact solve in long integers: each level weighs more than all that follow it."""
    medium = territory(50, 45, seed=seed)
    base = 1 << 50

    def long(costs: tuple[int, ...]) -> int:
        return sum(cost * base ** (len(LEVELS) - at) for at, cost in enumerate(costs))

    graph = nx.DiGraph()
    graph.add_node("end", demand=len(medium.referrals))
    for one, choices in zip(medium.referrals, options(medium), strict=True):
        graph.add_node(one.id, demand=-1)
        for slot_id, costs in choices.items():
            graph.add_edge(one.id, slot_id or "end", weight=long(costs), capacity=1)
    for one_slot in medium.slots:
        graph.add_edge(one_slot.id, "end", weight=0, capacity=1)
    total = nx.min_cost_flow_cost(graph)
    expected = []
    for at in range(len(LEVELS)):
        digit, total = divmod(total, base ** (len(LEVELS) - at))
        expected.append(digit)
    plan = checked(medium, solve(medium))
    assert list(plan.objective) == expected
    assert sum(expected[UNSERVED_LEVELS]) > 0


def test_the_more_urgent_comes_first() -> None:
    waiting = [referral(str(at), priority=priority) for at, priority in enumerate(Priority)]
    crowded = problem(referrals=waiting, slots=(slot("a"), slot("b", after_minutes=200)))
    plan = checked(crowded, solve(crowded))
    served = {assignment.referral for assignment in plan.assignments}
    assert served == {waiting[0].id, waiting[1].id}
    assert plan.objective[UNSERVED_LEVELS] == (0, 0, 1, 1)


def test_one_stat_outweighs_many_routine() -> None:
    # One physician's seat; the stat patient needs a far one that costs more than all others save.
    urgent = referral("stat", priority=Priority.STAT, deadline=NOW + timedelta(hours=3))
    others = [referral(str(at), priority=Priority.ROUTINE) for at in range(5)]
    slots = [
        slot("late", after_minutes=170),
        *(slot(f"n{at}", after_minutes=200 + 20 * at) for at in range(4)),
    ]
    crowded = problem(referrals=[urgent, *others], slots=slots)
    plan = checked(crowded, solve(crowded))
    assert {pair.referral: pair.slot for pair in plan.assignments}[urgent.id] == "late"
    assert plan.objective[UNSERVED_LEVELS] == (0, 0, 0, 1)


def test_a_cheaper_swap_is_found() -> None:
    # Waiting weighs 8 for stat and 1 for routine: by hand 8 * 60 + 1 * 120 = 600.
    stat = referral("s", priority=Priority.STAT, deadline=NOW + timedelta(hours=24))
    routine = referral("r", priority=Priority.ROUTINE)
    two = problem(
        referrals=(stat, routine), slots=(slot("a", after_minutes=60), slot("b", after_minutes=120))
    )
    plan = checked(two, solve(two))
    assert {pair.referral: pair.slot for pair in plan.assignments} == {
        stat.id: "a",
        routine.id: "b",
    }
    assert plan.objective[COST_LEVEL] == 600


def test_a_slot_of_several_seats_is_filled_in_id_order() -> None:
    waiting = [referral(str(at)) for at in range(4)]
    pinned = Pin(referral="x", patient=patient("x").key, slot="slot1", seat=1)
    hall = problem(referrals=waiting, slots=(slot(capacity=4),), pins=(pinned,))
    plan = checked(hall, solve(hall))
    assert [pair.seat for pair in plan.assignments] == [0, 2, 3]
    assert [pair.referral for pair in plan.assignments] == sorted(
        pair.referral for pair in plan.assignments
    )
    assert len(plan.unserved) == 1


def test_pins_keep_their_seats() -> None:
    pinned = Pin(referral="x", patient=patient("x").key, slot="slot1", seat=0)
    full = problem(pins=(pinned,))
    plan = checked(full, solve(full))
    assert plan.assignments == ()
    assert [one.reasons[0].code for one in plan.unserved] == [ReasonCode.NO_FREE_SEAT]


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"slots": ()}, ReasonCode.NO_SLOT),
        ({"practitioners": (practitioner(max_age=15),)}, ReasonCode.AGE),
        ({"referrals": (referral(modes=(Mode.VR,)),)}, ReasonCode.MODE),
        ({"policy": policy(notice=timedelta(hours=2, seconds=1))}, ReasonCode.REACH),
    ],
)
def test_the_reason_is_the_rule_that_took_the_last_seat(
    changes: dict[str, Any], code: ReasonCode
) -> None:
    empty = problem(**changes)
    plan = checked(empty, solve(empty))
    assert [one.reasons[0].code for one in plan.unserved] == [code]


def test_the_reason_counts_the_seats_that_went_to_others() -> None:
    rivals = [referral("a"), referral("b"), referral("c", priority=Priority.ROUTINE)]
    crowded = problem(referrals=rivals, slots=(slot(capacity=2),))
    plan = checked(crowded, solve(crowded))
    assert [one.referral for one in plan.unserved] == [rivals[2].id]
    assert plan.unserved[0].reasons[0].code is ReasonCode.SEATS_TAKEN
    assert plan.unserved[0].reasons[0].figures == {"seats": 2}


def test_nobody_waiting_is_a_proved_plan() -> None:
    idle = problem(referrals=())
    plan = checked(idle, solve(idle))
    assert (plan.assignments, plan.unserved, plan.objective) == ((), (), NO_COST)
    assert plan.proved


def shuffled(drawn: Problem, step: int) -> Problem:
    """The same problem from inputs in another order: every ``step``-th, wrapping round."""

    def turned(values: Sequence[Any]) -> list[Any]:
        return [values[at * step % len(values)] for at in range(len(values))]

    return Problem.build(
        territory=drawn.territory,
        as_of=drawn.as_of,
        policy=drawn.policy,
        practitioners=turned(drawn.practitioners),
        sites=turned(drawn.sites),
        slots=turned(drawn.slots),
        referrals=turned(drawn.referrals),
    )


def test_row_order_changes_nothing() -> None:
    medium = territory(120, 128, seed=5)
    plan = checked(medium, solve(medium))
    assert solve(medium).digest == plan.digest
    assert solve(shuffled(medium, 7)).digest == plan.digest


def test_another_seed_only_breaks_ties_otherwise() -> None:
    medium = territory(120, 128, seed=5)
    one, other = (checked(medium, solve(medium, seed=seed)) for seed in (0, 1))
    assert one.objective[:TIE_LEVEL] == other.objective[:TIE_LEVEL]
    assert one.objective[TIE_LEVEL] != other.objective[TIE_LEVEL]


@settings(deadline=None, derandomize=True, max_examples=50)
@given(problems(max_pins=0))
def test_relabelling_changes_no_objective(drawn: Problem) -> None:
    """Ids in reverse order: only the tie-break may see them."""
    renamed = Problem.build(
        territory=drawn.territory,
        as_of=drawn.as_of,
        policy=drawn.policy,
        practitioners=drawn.practitioners,
        sites=drawn.sites,
        slots=[
            one.replaced(id=f"renamed{len(drawn.slots) - at}") for at, one in enumerate(drawn.slots)
        ],
        referrals=[
            one.replaced(id=f"renamed{len(drawn.referrals) - at}")
            for at, one in enumerate(drawn.referrals)
        ],
    )
    before, after = checked(drawn, solve(drawn)), checked(renamed, solve(renamed))
    assert before.objective[:TIE_LEVEL] == after.objective[:TIE_LEVEL]


@settings(deadline=None, derandomize=True, max_examples=50)
@given(problems(max_slots=3), st.data())
def test_another_seat_never_worsens_whom_it_serves(drawn: Problem, data: st.DataObject) -> None:
    if not drawn.slots:
        return
    at = data.draw(st.integers(0, len(drawn.slots) - 1))
    roomier = drawn.replaced(
        slots=tuple(
            one.replaced(capacity=one.capacity + 1) if index == at else one
            for index, one in enumerate(drawn.slots)
        )
    )
    before, after = checked(drawn, solve(drawn)), checked(roomier, solve(roomier))
    assert after.objective[UNSERVED_LEVELS] <= before.objective[UNSERVED_LEVELS]
