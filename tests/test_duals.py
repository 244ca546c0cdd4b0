"""Seat duals against what they stand for: the optimum without the seat, and with a copy of it."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from slotengine.solver.duals import REQUIRED, UNSERVED, Duals, Network, duals, smallest_duals
from slotengine.solver.encoding import Indices
from slotengine.solver.flow import assign

Costs = list[list[int | None]]
"""``costs[row][seat]``, None where the pair is not allowed."""


def cheapest(costs: Costs, unserved: list[int], unused: list[int]) -> tuple[int, list[int]]:
    """The optimum by trying everything, and an assignment that reaches it."""
    best: tuple[int, list[int]] | None = None
    for chosen in product(range(-1, len(unused)), repeat=len(unserved)):
        seats = [seat for seat in chosen if seat >= 0]
        pairs = [costs[row][seat] for row, seat in enumerate(chosen) if seat >= 0]
        if len(set(seats)) < len(seats) or None in pairs:
            continue
        total = sum(cost for cost in pairs if cost is not None)
        total += sum(cost for row, cost in enumerate(unserved) if chosen[row] < 0)
        total += sum(cost for seat, cost in enumerate(unused) if seat not in seats)
        if best is None or total < best[0]:
            best = total, list(chosen)
    assert best is not None
    return best


def network_of(costs: Costs, unserved: list[int], unused: list[int]) -> Network:
    arcs = [
        (row, seat, cost)
        for row, line in enumerate(costs)
        for seat, cost in enumerate(line)
        if cost is not None
    ]
    start = np.zeros(len(unserved) + 1, dtype=np.int64)
    for row, _, _ in arcs:
        start[row + 1 :] += 1
    return Network(
        start,
        np.array([seat for _, seat, _ in arcs], dtype=np.int32),
        np.array([cost for _, _, cost in arcs], dtype=np.int64),
        np.array(unserved, dtype=np.int64),
        np.array(unused, dtype=np.int64),
    )


def both(costs: Costs, unserved: list[int], unused: list[int]) -> tuple[Duals, Duals]:
    """Smallest and largest duals of an optimum that was found by trying everything."""
    network = network_of(costs, unserved, unused)
    chosen = np.array(cheapest(costs, unserved, unused)[1], dtype=np.int32)
    low, high = smallest_duals(network, chosen), duals(network, chosen)
    assert low is not None
    assert high is not None
    return low, high


@st.composite
def markets(draw: st.DrawFn) -> tuple[Costs, list[int], list[int]]:
    rows, seats = draw(st.integers(1, 4)), draw(st.integers(1, 3))
    pair = st.one_of(st.none(), st.integers(-2, 9))
    return (
        [[draw(pair) for _ in range(seats)] for _ in range(rows)],
        [draw(st.integers(0, 12)) for _ in range(rows)],
        [draw(st.sampled_from([0, 0, 3])) for _ in range(seats)],
    )


@settings(deadline=None, derandomize=True, max_examples=80)
@given(markets())
def test_the_smallest_dual_is_the_loss_of_the_seat_and_the_largest_the_gain_of_a_copy(
    market: tuple[Costs, list[int], list[int]],
) -> None:
    costs, unserved, unused = market
    optimum, _ = cheapest(costs, unserved, unused)
    low, high = both(costs, unserved, unused)
    for seat, idle in enumerate(unused):
        without, _ = cheapest(
            [[*line[:seat], *line[seat + 1 :]] for line in costs],
            unserved,
            [*unused[:seat], *unused[seat + 1 :]],
        )
        copied, _ = cheapest([[*line, line[seat]] for line in costs], unserved, [*unused, idle])
        assert low.col[seat] == optimum - without
        assert high.col[seat] == copied - optimum


@settings(deadline=None, derandomize=True, max_examples=80)
@given(markets())
def test_both_prove_the_optimum(market: tuple[Costs, list[int], list[int]]) -> None:
    costs, unserved, unused = market
    optimum, _ = cheapest(costs, unserved, unused)
    for found in both(costs, unserved, unused):
        assert int(found.row.sum() + found.col.sum()) == optimum
        assert all(u <= cost for u, cost in zip(found.row, unserved, strict=True))
        assert all(v <= cost for v, cost in zip(found.col, unused, strict=True))
        for row, line in enumerate(costs):
            for seat, cost in enumerate(line):
                assert cost is None or cost - found.row[row] - found.col[seat] >= 0


def test_one_seat_two_rows() -> None:
    """Worth 5 to the one and 3 to the other: its loss costs 5, a copy would save 3."""
    low, high = both([[0], [0]], [5, 3], [0])
    assert (low.col.tolist(), high.col.tolist()) == ([-5], [-3])


def test_a_seat_that_nobody_needs_is_worth_nothing() -> None:
    low, high = both([[0, 0]], [5], [0, 0])
    assert (low.col.tolist(), high.col.tolist()) == ([0, 0], [0, 0])


def test_what_can_be_bettered_has_no_smallest_duals() -> None:
    network = network_of([[0, 5], [5, 0]], [9, 9], [0, 0])
    assert smallest_duals(network, np.array([1, 0], dtype=np.int32)) is None
    assert smallest_duals(network, np.array([UNSERVED, 1], dtype=np.int32)) is None


@pytest.mark.parametrize("seed", range(3))
def test_duals_belong_to_the_optimum_and_not_to_the_assignment(seed: int) -> None:
    """Costs tie often: engines and orders of rows give other assignments, never other duals."""
    rng = np.random.default_rng(seed)
    rows, seats = 12, 9
    costs: Costs = [
        [int(rng.integers(0, 3)) if rng.random() < 0.5 else None for _ in range(seats)]
        for _ in range(rows)
    ]
    unserved, unused = rng.integers(1, 6, rows).tolist(), [0] * seats
    found = []
    for order in (list(range(rows)), list(range(rows))[::-1]):
        network = network_of(
            [costs[row] for row in order], [unserved[row] for row in order], unused
        )
        matching = assign(
            network.row,
            network.col,
            network.cost,
            rows=rows,
            cols=seats,
            unserved=network.unserved,
        )
        low = smallest_duals(network, matching.col_of_row)
        assert low is not None
        found.append((matching.col_dual.tolist(), low.col.tolist()))
    assert found[0] == found[1]


def test_required_seats_have_smallest_duals_too() -> None:
    """Seat 0 must be used: row 0 sits there at 7 though seat 1 would cost it 1."""
    network = network_of([[7, 1]], [20], [REQUIRED, 0])
    chosen: Indices = np.array([0], dtype=np.int32)
    low = smallest_duals(network, chosen)
    assert low is not None
    assert int(low.row.sum() + low.col.sum()) == 7
    assert low.col[1] == 0
    assert low.row[0] <= 1
