"""The tie-break among equal plans, against trying every plan, to the last unit."""

from dataclasses import replace
from itertools import product
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from slotengine.errors import SolverError
from slotengine.problem import COST_LEVEL, LEVELS, Limits
from slotengine.solver.coupling_exact import Exact, exact_search
from slotengine.solver.coupling_highs import Level
from slotengine.solver.coupling_model import model_of
from slotengine.solver.encoding import Ints
from slotengine.solver.pairs import Pairs, Period
from slotengine.solver.side import Side
from slotengine.solver.tallies import tally
from slotengine.solver.workload import UNLIMITED

ROUTINE = LEVELS.index("1d")
CAPS_ONLY = Side(
    groups=(),
    follows=(),
    told={},
    max_told_moves=0,
    floors=(),
    capped=True,
    tours=False,
    spread=False,
)

SECONDS = Limits(seconds=60.0)


class Drawn(NamedTuple):
    """Every row may have every slot; each slot is a practitioner's day of its own."""

    cost: list[list[int]]
    effort: list[list[int]]
    tie: list[list[int]]
    room: list[int]
    cap: list[int]

    @property
    def pairs(self) -> Pairs:
        """The same as arrays."""
        rows, slots = len(self.cost), len(self.room)
        each = np.arange(slots, dtype=np.int32)
        return Pairs(
            start=np.arange(rows + 1) * slots,
            slot=np.tile(each, rows),
            cost=np.array(self.cost, dtype=np.int64).ravel(),
            mode=np.zeros(rows * slots, dtype=np.int32),
            effort=np.array(self.effort, dtype=np.int32).ravel(),
            level=np.full(rows, ROUTINE),
            room=np.array(self.room, dtype=np.int64),
            starts_us=np.zeros(slots, dtype=np.int64),
            ends_us=np.zeros(slots, dtype=np.int64),
            giver=each,
            periods=(Period(each, np.full(slots, UNLIMITED), np.array(self.cap, np.int64)),),
            offered=np.full(slots, 10, dtype=np.int64),
            pinned_effort=np.zeros(slots, dtype=np.int64),
        )

    def plans(self) -> list[tuple[int, int, int, tuple[int, ...]]]:
        """Every plan by what it leaves unserved, its cost and its tie-break."""
        found = []
        for chosen in product(range(-1, len(self.room)), repeat=len(self.cost)):
            sound = True
            for slot in range(len(self.room)):
                there = [row for row, own in enumerate(chosen) if own == slot]
                minutes = sum(self.effort[row][slot] for row in there)
                sound = sound and len(there) <= self.room[slot] and minutes <= self.cap[slot]
            if sound:
                used = [(row, slot) for row, slot in enumerate(chosen) if slot >= 0]
                cost = sum(self.cost[row][slot] for row, slot in used)
                tie = sum(self.tie[row][slot] for row, slot in used)
                found.append((chosen.count(-1), cost, tie, chosen))
        return sorted(found)


def _searched(
    drawn: Drawn, unserved: int, cost: int, start: tuple[int, ...], limits: Limits = SECONDS
) -> Exact:
    pairs = drawn.pairs
    every = np.arange(len(pairs.slot), dtype=np.int64)
    model = model_of(pairs, CAPS_ONLY, every)
    settled = [Level(model.cost(ROUTINE), unserved), Level(model.cost(COST_LEVEL), cost)]
    ties = np.zeros(model.size, dtype=np.int64)
    ties[: len(every)] = np.array(drawn.tie, dtype=np.int64).ravel()
    return exact_search(model, ties, settled, _arcs(drawn, start), limits)


def _arcs(drawn: Drawn, chosen: tuple[int, ...]) -> Ints:
    slots = len(drawn.room)
    return np.array([at if at < 0 else row * slots + at for row, at in enumerate(chosen)])


def _tie_of(drawn: Drawn, found: Exact) -> int:
    assert found.solution is not None
    ties = np.array(drawn.tie, dtype=np.int64).ravel()
    return int(ties[found.solution[: len(ties)] > 0.5].sum())


@st.composite
def _draws(draw: st.DrawFn) -> Drawn:
    rows, slots = draw(st.integers(1, 5)), draw(st.integers(1, 3))

    def table(low: int, high: int) -> list[list[int]]:
        line = st.lists(st.integers(low, high), min_size=slots, max_size=slots)
        return draw(st.lists(line, min_size=rows, max_size=rows))

    def line(low: int, high: int) -> list[int]:
        return draw(st.lists(st.integers(low, high), min_size=slots, max_size=slots))

    # Few different costs, so that many plans are equal and the tie-break decides.
    return Drawn(table(1, 3), table(1, 4), table(0, (1 << 31) - 1), line(0, 3), line(0, 9))


@settings(deadline=None, derandomize=True, max_examples=80)
@given(_draws())
def test_the_smallest_tie_break_among_equal_plans_is_found_and_proved(drawn: Drawn) -> None:
    plans = drawn.plans()
    unserved, cost, tie, _ = plans[0]
    # The search begins from the worst of those that are equal.
    start = [plan for plan in plans if plan[:2] == (unserved, cost)][-1]
    found = _searched(drawn, unserved, cost, start[3])
    assert found.complete
    assert found.bound == _tie_of(drawn, found) == tie


def test_a_bound_is_exact_where_doubles_are_not() -> None:
    """Costs of ten million weigh more than 2^31 tie-breaks each: the sum is beyond 2^53."""
    dear, most = 10_000_000, (1 << 31) - 1
    drawn = Drawn(
        cost=[[dear, dear + 1], [dear + 1, dear], [dear, dear]],
        effort=[[5, 5], [5, 5], [5, 5]],
        tie=[[most, 0], [0, most - 2], [most - 1, most]],
        room=[2, 2],
        cap=[10, 10],
    )
    # Rows 0 and 1 have one cheap slot each; row 2 takes the first, one unit nearer.
    found = _searched(drawn, 0, 3 * dear, (0, 1, 1))
    assert found.complete
    assert found.bound == _tie_of(drawn, found) == most + (most - 2) + (most - 1)


def test_with_spread_a_level_may_come_to_less_than_its_most() -> None:
    drawn = Drawn([[3, 5]], [[1, 1]], [[7, 9]], [1, 1], [9, 9])
    pairs, spread = drawn.pairs, replace(CAPS_ONLY, spread=True)
    model = model_of(pairs, spread, np.arange(2))
    ties = np.zeros(model.size, dtype=np.int64)
    ties[:2] = [7, 9]
    settled = [Level(model.cost(ROUTINE), 0), Level(model.cost(COST_LEVEL), 5)]
    found = exact_search(model, ties, settled, np.array([1]), SECONDS)
    # The dearer slot was allowed for the sake of level 3; the tie-break prefers the cheaper one.
    assert (found.complete, found.bound, _tie_of(drawn, found)) == (True, 7, 7)
    chosen = np.array([0])
    counted = tally(pairs, spread, chosen, lambda arcs: ties[arcs])
    assert counted[COST_LEVEL] == 3


def test_a_limit_of_nodes_leaves_a_bound_that_no_plan_passes() -> None:
    draw = np.random.default_rng(3)
    rows, slots = 7, 3
    drawn = Drawn(
        cost=draw.integers(1, 4, size=(rows, slots)).tolist(),
        effort=draw.integers(1, 6, size=(rows, slots)).tolist(),
        tie=draw.integers(0, 1 << 31, size=(rows, slots)).tolist(),
        room=[3, 3, 3],
        cap=[8, 8, 8],
    )
    unserved, cost, tie, start = drawn.plans()[0]
    for nodes in (1, 3, 10):
        found = _searched(drawn, unserved, cost, start, Limits(nodes=nodes))
        assert 0 <= found.bound <= tie


def test_levels_that_no_plan_meets_are_a_fault_of_the_caller() -> None:
    drawn = Drawn([[3, 5]], [[1, 1]], [[7, 9]], [1, 1], [9, 9])
    with pytest.raises(SolverError, match="INFEASIBLE"):
        _searched(drawn, 0, 2, (0,))
