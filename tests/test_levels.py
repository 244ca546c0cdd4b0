"""Levels solved as one sum or one by one, and how many are proved when the time is out."""

import sys
from typing import Any

import numpy as np
import pytest
from builders import problem
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import checked, territory

from slotengine.errors import ProblemError, SolverTimeoutError
from slotengine.problem import COST_LEVEL, LEVELS, TIE_LEVEL, Limits, Plan, Problem
from slotengine.solver import levels as levels_
from slotengine.solver import solve
from slotengine.solver.arcs import candidate_arcs
from slotengine.solver.columns import to_columns
from slotengine.solver.duals import REQUIRED, Duals, Network, duals
from slotengine.solver.flow import proved


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
