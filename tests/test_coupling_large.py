"""What only large territories use, asked on small ones, where every plan can be tried."""

from pathlib import Path

import numpy as np
import pytest
from brute_side import best
from random_problems import random_coupled
from strategies import checked

from slotengine.problem import LEVELS, Problem
from slotengine.solver import coupling_neighbourhoods, coupling_relaxing, coupling_search
from slotengine.solver.arcs import candidate_arcs
from slotengine.solver.columns import to_columns
from slotengine.solver.coupling_flow import Counting, flowed
from slotengine.solver.coupling_pruning import usable
from slotengine.solver.coupling_relaxing import Relaxing
from slotengine.solver.duals import UNSERVED
from slotengine.solver.mending import mended
from slotengine.solver.pairs import Pairs, pairs_of
from slotengine.solver.side import Side, side_of
from slotengine.solver.solve import solve
from slotengine.solver.soundness import fault
from slotengine.solver.tours import Tours

SEEDS = range(40)
CLASSES = (1, 2, 3, 4)


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> Problem:
    """Sixty referrals of the benchmark's territory, in which all constraints bind."""
    monkeypatch.syspath_prepend(str(Path(__file__).parent.parent))
    from benchmarks.coupled_territory import coupled_of

    return coupled_of(60)


def read(problem: Problem) -> tuple[Pairs, Side, Tours]:
    columns = to_columns(problem)
    arcs = candidate_arcs(columns)
    return pairs_of(columns, arcs), side_of(problem, columns, arcs), Tours(columns)


@pytest.mark.parametrize("level", [4, 5])
def test_pairs_priced_from_a_few_give_the_relaxation_of_all(
    level: int, drawn: Problem, monkeypatch: pytest.MonkeyPatch
) -> None:
    pairs, side, tours = read(drawn)
    start = mended(pairs, side, tours, np.full(pairs.rows, UNSERVED, dtype=np.int64))
    assert start is not None
    used = np.sort(start[start != UNSERVED])
    left = np.bincount(pairs.level[start == UNSERVED], minlength=len(LEVELS))
    most = [(at, int(left[at])) for at in CLASSES if at < level]
    values = []
    for directly in (0, len(pairs.slot)):
        monkeypatch.setattr(coupling_relaxing, "DIRECTLY", directly)
        loose = Relaxing(pairs, side, None, used).relaxed(
            level, most, usable(pairs, side), lambda: False
        )
        assert loose is not None
        # At the optimum no pair of the whole problem pays, kept or priced.
        assert loose.reduced[loose.reduced > -1e-6].size > 0
        values.append(loose.value)
    assert values[0] == pytest.approx(values[1], abs=1e-6)


@pytest.mark.parametrize("seed", SEEDS)
def test_walking_and_pricing_reach_the_best_of_all_plans(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(coupling_relaxing, "DIRECTLY", 0)
    monkeypatch.setattr(coupling_search, "PROPOSED_PAIRS", 0)
    monkeypatch.setattr(coupling_search, "CORE_PER_ROW", 1)
    monkeypatch.setattr(coupling_search, "LIKED_PER_ROW", 1)
    monkeypatch.setattr(coupling_neighbourhoods, "GIVERS", 1)
    problem = random_coupled(seed)
    plan = checked(problem, solve(problem))
    assert plan.proved
    assert plan.objective == best(problem)[0]


@pytest.mark.parametrize("seed", SEEDS)
def test_bounds_of_flows_alone_are_bounds(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(coupling_search, "PROPOSED_PAIRS", 0)
    monkeypatch.setattr(coupling_search, "RELAXED_PAIRS", -1)
    monkeypatch.setattr(coupling_search, "TIED_PAIRS", -1)
    problem = random_coupled(seed)
    plan = checked(problem, solve(problem))
    optimum, _ = best(problem)
    assert plan.objective[: plan.proved_levels] == optimum[: plan.proved_levels]
    if plan.proved_levels < len(LEVELS):
        first = plan.bound[plan.proved_levels]
        assert first is None or first <= optimum[plan.proved_levels]
        assert problem.policy.spread is not None or plan.objective >= optimum


@pytest.mark.parametrize("seed", SEEDS)
def test_a_flow_with_least_efforts_bounds_every_level_in_turn(seed: int) -> None:
    problem = random_coupled(seed)
    pairs, side, _ = read(problem)
    found = flowed(pairs, side, Counting.LEAST)
    assert found is not None
    # Floors come before the classes of urgency, and a flow knows nothing of them.
    if not problem.policy.floors and problem.policy.spread is None:
        assert found.totals <= best(problem)[0][: len(found.totals)]


def test_a_mended_plan_keeps_every_rule_though_nothing_was_wanted_well(drawn: Problem) -> None:
    pairs, side, tours = read(drawn)
    worst = np.array(
        [int(pairs.start[row + 1]) - 1 if len(pairs.of(row)) else UNSERVED for row in range(60)]
    )
    plan = mended(pairs, side, tours, worst)
    assert plan is not None
    assert fault(pairs, side, plan) is None
