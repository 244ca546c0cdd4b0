"""Plans: the lexicographic optimum, proved, whatever the order, and a true reason for every no."""

import sys
from collections.abc import Sequence
from datetime import timedelta
from itertools import product
from typing import Any

import networkx as nx
import numpy as np
import pytest
from brute_force import tie_break
from builders import NOW, patient, policy, practitioner, problem, referral, slot
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import checked, problems, territory

from slotengine.codes import Mode, Priority
from slotengine.errors import ProblemError, SolverTimeoutError
from slotengine.problem import (
    COST_LEVEL,
    LEVELS,
    TIE_LEVEL,
    UNSERVED_LEVEL,
    Limits,
    Pin,
    Plan,
    Problem,
)
from slotengine.reasons import ReasonCode
from slotengine.solver import levels as levels_
from slotengine.solver import solve
from slotengine.solver.arcs import candidate_arcs
from slotengine.solver.check_rules import Rules
from slotengine.solver.columns import to_columns
from slotengine.solver.duals import REQUIRED, Duals, Network, duals
from slotengine.solver.flow import proved

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


class Clock:
    """Gives 0 s for the first readings and a day after them."""

    def __init__(self, in_time: int) -> None:
        self.left = in_time

    def __call__(self) -> float:
        self.left -= 1
        return 0.0 if self.left >= 0 else 86_400.0


def timed(problem_: Problem, in_time: int, monkeypatch: pytest.MonkeyPatch) -> Plan:
    # The package's attribute of that name is the verb; the module is found here.
    module = sys.modules["slotengine.solver.solve"]
    monkeypatch.setattr(module, "perf_counter", Clock(in_time))
    return solve(problem_, limits=Limits(seconds=60))


def test_without_time_there_is_no_plan(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SolverTimeoutError, match="no plan within 60 s"):
        timed(problem(), 1, monkeypatch)


@pytest.mark.parametrize(("after", "proved"), [(0, 8), (1, 9)])
def test_out_of_time_the_plan_says_how_far_it_is_proved(
    after: int, proved: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Read once at the start, once before levels 1a to 2 and once before each later level that
    # costs something: 0, 3 and 4 cost nothing here and are proved with the level before them.
    assert_proved_so_far(2 + after, proved, monkeypatch)


@pytest.mark.parametrize(("solved", "proved"), [(1, 2), (4, 5), (5, 8), (6, 9)])
def test_out_of_time_and_without_room_for_a_sum_levels_are_proved_one_by_one(
    solved: int, proved: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(levels_, "has_room", lambda _: False)
    assert_proved_so_far(2 + solved, proved, monkeypatch)


def assert_proved_so_far(in_time: int, proved: int, monkeypatch: pytest.MonkeyPatch) -> None:
    medium = territory(60, 50, seed=8)
    plan = checked(medium, timed(medium, in_time, monkeypatch))
    assert plan.proved_levels == proved
    assert plan.bound[proved:] == (None,) * (len(LEVELS) - proved)
    assert plan.bound[:proved] == plan.objective[:proved]
    full = solve_in_full(medium, monkeypatch)
    last = min(proved, TIE_LEVEL)
    assert plan.objective[:last] == full.objective[:last]


def solve_in_full(problem_: Problem, monkeypatch: pytest.MonkeyPatch) -> Plan:
    monkeypatch.undo()
    return solve(problem_)


@pytest.mark.parametrize("seed", range(4))
def test_without_room_for_a_sum_each_level_is_solved_itself(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    medium = territory(60, 50, seed=seed)
    quick = checked(medium, solve(medium))
    monkeypatch.setattr(levels_, "has_room", lambda _: False)
    slow = checked(medium, solve(medium))
    assert slow.duals == quick.duals
    assert slow.digest == quick.digest


def test_without_room_for_a_sum_and_time_there_is_no_plan(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(levels_, "has_room", lambda _: False)
    with pytest.raises(SolverTimeoutError):
        timed(problem(), 2, monkeypatch)


@settings(deadline=None, derandomize=True, max_examples=60)
@given(st.integers(0, 10_000), st.integers(2, 25), st.integers(2, 25))
def test_the_sum_decodes_into_the_duals_of_its_levels(seed: int, rows: int, seats: int) -> None:
    """Told rows must be served; the rest wait in four classes; costs tie often."""
    rng = np.random.default_rng(seed)
    told = rng.random(rows) < 1 / 4
    arcs = rng.random((rows, seats)) < 1 / 3
    # Each told row has a seat of its own, so that all of them can be served.
    arcs[np.flatnonzero(told)[:seats], np.arange(min(seats, told.sum()))] = True
    told[np.flatnonzero(told)[seats:]] = False
    row, col = np.nonzero(arcs)
    start = np.zeros(rows + 1, dtype=np.int64)
    np.cumsum(arcs.sum(axis=1), out=start[1:])
    cost = rng.integers(0, 9, len(row))
    level = rng.integers(1, COST_LEVEL, rows)

    def network(costs: Any, alone: Any) -> Network:
        idle = np.zeros(seats, dtype=np.int64)
        return Network(start, col.astype(np.int32), costs, np.where(told, REQUIRED, alone), idle)

    unit = 2 * 9 * rows + 1
    weighted = network(cost, unit * np.array(levels_.CLASS_WEIGHTS)[level])
    found = proved(weighted)
    together = levels_.decoded(Duals(found.row_dual, found.col_dual), unit)
    keep, stays, idles = np.ones(len(row), dtype=np.bool_), ~told, np.ones(seats, dtype=np.bool_)
    for at, decoded in zip(levels_.TOGETHER, together, strict=True):
        # One level by itself, on the face that those before it left.
        costs = cost if at == COST_LEVEL else np.zeros(len(row), dtype=np.int64)
        alone = np.where(stays, (level == at).astype(np.int64), REQUIRED)
        face = Network(
            np.concatenate([[0], np.cumsum(np.bincount(row[keep], minlength=rows))]),
            col[keep].astype(np.int32),
            costs[keep],
            alone,
            np.where(idles, 0, REQUIRED),
        )
        single = duals(face, found.col_of_row)
        assert single is not None
        assert single.row.tolist() == decoded.row.tolist()
        assert single.col.tolist() == decoded.col.tolist()
        keep &= costs == single.row[row] + single.col[col]
        stays, idles = stays & (single.row == alone), idles & (single.col == 0)


def test_a_proposal_whose_classes_weigh_too_little_is_not_believed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    medium = territory(60, 50, seed=8)
    plan = checked(medium, solve(medium))
    # One class then weighs as much as one weighted minute, so nobody far is worth serving.
    monkeypatch.setattr(levels_, "LIGHT_CLASS", 0)
    columns = to_columns(medium)
    face = levels_.whole_face(columns, candidate_arcs(columns), 0)
    assert levels_._proposed(face, face.weighted()) is None
    assert checked(medium, solve(medium)).digest == plan.digest


def test_who_keeps_a_seat_and_may_have_none_is_an_error() -> None:
    row, seat = np.array([REQUIRED]), np.array([0])
    nobody = Network(np.array([0, 0]), np.zeros(0, np.int32), np.zeros(0, np.int64), row, seat)
    with pytest.raises(ProblemError, match="can't all be assigned"):
        levels_._solved(nobody)
