"""Assignments against brute force and networkx, with required rows and seats, and bad input."""

from itertools import product

import networkx as nx
import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ortools.graph.python import min_cost_flow

from slotengine.errors import ProblemError, SolverError
from slotengine.solver import flow
from slotengine.solver.duals import REQUIRED, Network, duals
from slotengine.solver.flow import Matching, assign, proposed

Arcs = dict[tuple[int, int], int]


def assigned(
    arcs: Arcs, rows: int, cols: int, unserved: list[int] | None, unused: list[int] | int = 0
) -> Matching:
    row, col = [r for r, _ in arcs], [c for _, c in arcs]
    found = assign(
        row, col, list(arcs.values()), rows=rows, cols=cols, unserved=unserved, unused=unused
    )
    assert_proves_itself(found, arcs, unserved, unused)
    return found


def assert_proves_itself(
    found: Matching, arcs: Arcs, unserved: list[int] | None, unused: list[int] | int
) -> None:
    """States the certificate again, arc by arc in Python integers."""
    u, v = found.row_dual.tolist(), found.col_dual.tolist()
    assert found.proved
    assert sum(u) + sum(v) == found.bound == found.objective
    assert all(cost - u[r] - v[c] >= 0 for (r, c), cost in arcs.items())
    leave = [REQUIRED] * len(u) if unserved is None else unserved
    idle = [unused] * len(v) if isinstance(unused, int) else unused
    assert all(u[r] <= cost for r, cost in enumerate(leave) if cost != REQUIRED)
    assert all(v[c] <= cost for c, cost in enumerate(idle) if cost != REQUIRED)
    assert found.objective == cost_of(found.col_of_row.tolist(), arcs, leave, idle)


def cost_of(
    chosen: list[int] | tuple[int, ...], arcs: Arcs, unserved: list[int], unused: list[int]
) -> int | None:
    """The cost of one choice of seats; None when it is not allowed."""
    seats = [col for col in chosen if col >= 0]
    if len(set(seats)) < len(seats):
        return None
    parts = [unserved[r] if c < 0 else arcs.get((r, c), REQUIRED) for r, c in enumerate(chosen)]
    parts += [cost for c, cost in enumerate(unused) if c not in seats]
    return None if REQUIRED in parts else sum(parts)


def brute_force(arcs: Arcs, unserved: list[int], unused: list[int]) -> int | None:
    every = product(range(-1, len(unused)), repeat=len(unserved))
    costs = (cost_of(chosen, arcs, unserved, unused) for chosen in every)
    return min((cost for cost in costs if cost is not None), default=None)


@st.composite
def cases(draw: st.DrawFn) -> tuple[Arcs, list[int], list[int]]:
    rows, cols = draw(st.integers(1, 4)), draw(st.integers(1, 4))
    pairs = st.tuples(st.integers(0, rows - 1), st.integers(0, cols - 1))
    arcs = draw(st.dictionaries(pairs, st.integers(-4, 6), max_size=12))
    alone = st.one_of(st.integers(-3, 6), st.just(REQUIRED))
    unserved = draw(st.lists(alone, min_size=rows, max_size=rows))
    unused = draw(st.lists(alone, min_size=cols, max_size=cols))
    return arcs, unserved, unused


@settings(deadline=None, derandomize=True, max_examples=200)
@given(cases())
def test_the_optimum_equals_brute_force(case: tuple[Arcs, list[int], list[int]]) -> None:
    arcs, unserved, unused = case
    best = brute_force(arcs, unserved, unused)
    if best is None:
        with pytest.raises(ProblemError):
            assigned(arcs, len(unserved), len(unused), unserved, unused)
    else:
        found = assigned(arcs, len(unserved), len(unused), unserved, unused)
        assert found.objective == best


@settings(deadline=None, derandomize=True, max_examples=60)
@given(cases(), st.randoms(use_true_random=False))
def test_the_order_of_arcs_changes_nothing(
    case: tuple[Arcs, list[int], list[int]], random: st.DataObject
) -> None:
    arcs, unserved, unused = case
    if brute_force(arcs, unserved, unused) is None:
        return
    shuffled = list(arcs.items())
    random.shuffle(shuffled)
    first = assigned(arcs, len(unserved), len(unused), unserved, unused)
    second = assigned(dict(shuffled), len(unserved), len(unused), unserved, unused)
    assert first.col_of_row.tolist() == second.col_of_row.tolist()
    assert first.row_dual.tolist() == second.row_dual.tolist()
    assert first.col_dual.tolist() == second.col_dual.tolist()


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("required", [False, True])
def test_the_optimum_equals_networkx_on_medium_cases(seed: int, *, required: bool) -> None:
    rng = np.random.default_rng(seed)
    rows, cols = 40, 50
    arcs = {
        (r, c): int(rng.integers(0, 10_000))
        for r in range(rows)
        for c in range(cols)
        if rng.random() < 0.15
    }
    unserved = rng.integers(0, 20_000, rows).tolist()
    unused = rng.integers(0, 3_000, cols).tolist()
    if required:
        # These seats are used by a matching that exists, so requiring them stays feasible.
        free = assigned(arcs, rows, cols, unserved, unused)
        for col in [c for c in free.col_of_row.tolist() if c >= 0][:10]:
            unused[col] = REQUIRED
        for row in np.flatnonzero(free.col_of_row >= 0)[:10].tolist():
            unserved[row] = REQUIRED
        unused[int(free.col_of_row[free.col_of_row >= 0][0])] = REQUIRED
    graph = nx.DiGraph()
    graph.add_nodes_from((("row", r) for r in range(rows)), demand=-1)
    graph.add_nodes_from((("col", c) for c in range(cols)), demand=1)
    graph.add_node("extra", demand=rows - cols)
    graph.add_edges_from(
        (("row", r), ("col", c), {"weight": cost, "capacity": 1}) for (r, c), cost in arcs.items()
    )
    for r, cost in enumerate(unserved):
        if cost != REQUIRED:
            graph.add_edge(("row", r), "extra", weight=cost, capacity=1)
    for c, cost in enumerate(unused):
        if cost != REQUIRED:
            graph.add_edge("extra", ("col", c), weight=cost, capacity=1)
    expected = nx.min_cost_flow_cost(graph)
    assert assigned(arcs, rows, cols, unserved, unused).objective == expected


def test_costs_beyond_doubles_stay_exact() -> None:
    huge = 1 << 55
    arcs = {(0, 0): huge, (0, 1): huge + 1, (1, 0): huge, (1, 1): huge + 2}
    found = assigned(arcs, 2, 2, None)
    assert found.objective == 2 * huge + 1
    assert found.col_of_row.tolist() == [1, 0]


def test_seat_duals_are_the_largest_that_prove_it() -> None:
    # One seat, two rows worth 5 and 3: every price of the seat from 3 to 5 proves the optimum,
    # and the largest dual, -3, is what the runner-up loses.
    found = assigned({(0, 0): 0, (1, 0): 0}, 2, 1, [5, 3])
    assert found.col_dual.tolist() == [-3]
    assert found.row_dual.tolist() == [3, 3]


def test_more_rows_than_seats_with_all_required_is_refused() -> None:
    with pytest.raises(ProblemError, match="can't all be assigned"):
        assign([0, 1], [0, 0], [1, 1], rows=2, cols=1)


def test_two_rows_that_need_one_seat_are_refused() -> None:
    with pytest.raises(ProblemError, match="can't all be assigned"):
        assign([0, 1], [0, 0], [1, 1], rows=2, cols=2)


def test_two_required_seats_that_need_one_row_are_refused() -> None:
    with pytest.raises(ProblemError, match="can't all be assigned"):
        assign([0, 0], [0, 1], [1, 1], rows=1, cols=2, unserved=[0], unused=REQUIRED)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"rows": 0}, "rows is 0"),
        ({"cols": 0}, "cols is 0"),
        ({"row": [0]}, "one length"),
        ({"row": [-1, 1]}, "row -1 is outside 0 to 1"),
        ({"row": [0, 2]}, "row 2 is outside 0 to 1"),
        ({"col": [0, 2]}, "col 2 is outside 0 to 1"),
        ({"row": [0, 0], "col": [1, 1]}, "row 0 to col 1 is given twice"),
        ({"cost": [1.0, float("nan")]}, "cost holds float64"),
        ({"cost": [1, 1 << 70]}, "cost holds object"),
        ({"cost": [[1], [1, 2]]}, "cost is not an array"),
        ({"cost": np.array([1, 1 << 63], dtype=np.uint64)}, "cost holds uint64"),
        ({"cost": [1, 1 << 61]}, "may add up to"),
        ({"cost": [1, -(1 << 63)]}, "may add up to"),
        ({"unserved": [0, 1 << 61]}, "may add up to"),
        ({"unused": [0, 1 << 61]}, "may add up to"),
        ({"unserved": [0]}, "unserved has shape"),
        ({"unused": [0, 0, 0]}, "unused has shape"),
        ({"row": [0, 0], "unserved": None}, "row 1 must be assigned and has no arc"),
        ({"col": [0, 0], "unused": [0, REQUIRED]}, "seat 1 must be used and has no arc"),
    ],
)
def test_bad_input_is_named_before_solving(
    changes: dict[str, npt.ArrayLike | None], said: str
) -> None:
    fields = {"row": [0, 1], "col": [0, 1], "cost": [1, 1], "unserved": [0, 0], "unused": 0}
    sizes = {"rows": 2, "cols": 2}
    given_fields = {**fields, **sizes, **changes}
    row, col, cost = (given_fields.pop(name) for name in ("row", "col", "cost"))
    with pytest.raises(ProblemError, match=said):
        assign(row, col, cost, **given_fields)  # type: ignore[arg-type]  # wrong on purpose


def test_arcs_out_of_order_are_sorted() -> None:
    found = assigned({(1, 0): 1, (0, 1): 2, (0, 0): 0}, 2, 2, None)
    assert found.objective == 3
    assert found.col_of_row.tolist() == [1, 0]


def test_no_arc_at_all_leaves_everybody_alone() -> None:
    found = assigned({}, 2, 1, [4, 0], [3])
    assert (found.objective, found.col_of_row.tolist()) == (7, [-1, -1])


def test_an_engine_that_errs_is_not_believed(monkeypatch: pytest.MonkeyPatch) -> None:
    def wrong(_: Network) -> npt.NDArray[np.int32]:
        return np.array([1, 0], dtype=np.int32)

    monkeypatch.setattr(flow, "_by_matching", wrong)
    arcs = {(0, 0): 0, (0, 1): 5, (1, 0): 5, (1, 1): 0}
    assert assigned(arcs, 2, 2, [9, 9]).objective == 0
    monkeypatch.setattr(flow, "_by_flow", wrong)
    with pytest.raises(SolverError, match="can be proved"):
        assigned(arcs, 2, 2, [9, 9])


def small(unserved: list[int], unused: list[int], cost: list[int]) -> Network:
    """Two rows and two seats, all four arcs, in row order."""
    arrays = (np.array(values, dtype=np.int64) for values in (cost, unserved, unused))
    start, col = np.array([0, 2, 4]), np.array([0, 1, 0, 1], dtype=np.int32)
    return Network(start, col, *arrays)


@pytest.mark.parametrize(
    ("unserved", "unused", "chosen", "why"),
    [
        ([9, 9], [0, 0], [-1, 1], "an unserved row would gain by a free seat"),
        ([9, 9], [0, 0], [1, 0], "two rows would gain by exchanging seats"),
        ([-9, 9], [0, 0], [0, 1], "a served row would gain by staying alone"),
        ([REQUIRED] * 2, [REQUIRED] * 2, [1, 0], "the same where all is required"),
    ],
)
def test_what_can_be_bettered_has_no_duals(
    unserved: list[int], unused: list[int], chosen: list[int], why: str
) -> None:
    network = small(unserved, unused, [0, 5, 5, 0])
    assert duals(network, np.array(chosen, dtype=np.int32)) is None, why


def test_a_gaining_cycle_of_required_rows_has_no_duals() -> None:
    """Rows 0 and 1 must be served and would gain by an exchange; row 2 leads into their cycle."""
    network = Network(
        start=np.array([0, 2, 4, 5]),
        col=np.array([0, 1, 0, 1, 0], dtype=np.int32),
        cost=np.array([5, 0, 0, 5, 100]),
        unserved=np.array([REQUIRED, REQUIRED, 0]),
        unused=np.array([REQUIRED, REQUIRED]),
    )
    assert duals(network, np.array([0, 1, -1], dtype=np.int32)) is None
    assert duals(network, np.array([1, 0, -1], dtype=np.int32)) is not None


def test_an_engine_that_gives_up_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    class Tired(min_cost_flow.SimpleMinCostFlow):
        def solve(self) -> min_cost_flow.SimpleMinCostFlow.Status:
            return self.BAD_COST_RANGE

    monkeypatch.setattr(min_cost_flow, "SimpleMinCostFlow", Tired)
    with pytest.raises(SolverError, match="ended with status BAD_COST_RANGE"):
        assign([0], [0], [1], rows=1, cols=1, unused=REQUIRED)


def test_costs_without_room_get_no_proposal() -> None:
    assert proposed(small([1 << 60] * 2, [0, 0], [0, 0, 0, 0])) is None
