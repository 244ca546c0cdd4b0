"""Assignment within room and caps, against trying everything and CP-SAT, and bad input."""

from itertools import product
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from slotengine.errors import ProblemError, SolverTimeoutError
from slotengine.problem import Limits
from slotengine.solver.coupling_capped import LARGEST_SUM, Capped, assign_within
from slotengine.solver.duals import REQUIRED

Arcs = dict[tuple[int, int], tuple[int, int]]
"""Cost and effort by row and column."""

MATRIX: Arcs = {
    (0, 0): (1, 4),
    (1, 0): (5, 4),
    (2, 0): (9, 4),
    (0, 1): (2, 3),
    (1, 1): (6, 3),
    (2, 1): (1, 3),
}
"""Three rows of 4 minutes on column 0, of 3 on column 1."""


def _assigned(
    arcs: Arcs,
    rows: int,
    cols: int,
    *,
    room: list[int],
    cap: list[int],
    unserved: list[int] | None = None,
) -> Capped:
    return assign_within(
        [row for row, _ in arcs],
        [col for _, col in arcs],
        [cost for cost, _ in arcs.values()],
        [effort for _, effort in arcs.values()],
        rows=rows,
        cols=cols,
        room=room,
        cap=cap,
        unserved=unserved,
    )


def _cost_of(
    chosen: tuple[int, ...], arcs: Arcs, room: list[int], cap: list[int], unserved: list[int]
) -> int | None:
    """The cost of one choice of columns; None when a rule refuses it."""
    if any(col >= 0 and (row, col) not in arcs for row, col in enumerate(chosen)):
        return None
    if any(col < 0 and unserved[row] == REQUIRED for row, col in enumerate(chosen)):
        return None
    for col in range(len(room)):
        there = [row for row, own in enumerate(chosen) if own == col]
        if len(there) > room[col] or sum(arcs[row, col][1] for row in there) > cap[col]:
            return None
    return sum(unserved[row] if col < 0 else arcs[row, col][0] for row, col in enumerate(chosen))


def _brute_force(
    arcs: Arcs, rows: int, room: list[int], cap: list[int], unserved: list[int] | None
) -> int | None:
    leave = [REQUIRED] * rows if unserved is None else unserved
    every = (
        _cost_of(chosen, arcs, room, cap, leave)
        for chosen in product(range(-1, len(room)), repeat=rows)
    )
    return min((cost for cost in every if cost is not None), default=None)


@st.composite
def _instances(draw: st.DrawFn) -> tuple[Arcs, int, list[int], list[int], list[int] | None]:
    rows, cols = draw(st.integers(1, 5)), draw(st.integers(1, 3))
    some = st.none() | st.tuples(st.integers(-9, 30), st.integers(0, 9))
    arcs = {
        (row, col): arc
        for row in range(rows)
        for col in range(cols)
        if (arc := draw(some)) is not None
    }
    room = draw(st.lists(st.integers(0, 3), min_size=cols, max_size=cols))
    cap = draw(st.lists(st.integers(0, 20), min_size=cols, max_size=cols))
    alone = st.lists(st.just(REQUIRED) | st.integers(-5, 40), min_size=rows, max_size=rows)
    return arcs, rows, room, cap, draw(st.none() | alone)


@settings(deadline=None, derandomize=True, max_examples=150)
@given(_instances())
def test_the_optimum_is_what_trying_everything_finds(
    instance: tuple[Arcs, int, list[int], list[int], list[int] | None],
) -> None:
    arcs, rows, room, cap, unserved = instance
    best = _brute_force(arcs, rows, room, cap, unserved)
    if best is None:
        with pytest.raises(ProblemError, match=r"can't all be assigned|must be assigned"):
            _assigned(arcs, rows, len(room), room=room, cap=cap, unserved=unserved)
        return
    found = _assigned(arcs, rows, len(room), room=room, cap=cap, unserved=unserved)
    assert found.proved
    assert found.bound == found.objective == best
    leave = [REQUIRED] * rows if unserved is None else unserved
    assert _cost_of(tuple(found.col_of_row.tolist()), arcs, room, cap, leave) == best


@pytest.mark.parametrize(
    ("cap", "room", "objective"),
    [
        # By hand: rows 0 and 1 on column 0, row 2 on column 1: 1 + 5 + 1.
        ([8, 3], [3, 3], 7),
        ([7, 6], [3, 3], 8),  # one minute less: one row on column 0: 1+6+1, 2+5+1 or 2+6+9
        ([8, 6], [1, 3], 8),  # one place less says the same
        ([12, 0], [3, 3], 15),  # nothing on column 1
        ([0, 9], [3, 3], 9),  # nothing on column 0: 2 + 6 + 1
    ],
)
def test_caps_and_room_are_kept_to_the_minute(
    cap: list[int], room: list[int], objective: int
) -> None:
    found = _assigned(MATRIX, 3, 2, room=room, cap=cap)
    assert found.proved
    assert found.objective == found.bound == objective


def test_what_fits_nowhere_together_is_said_after_searching() -> None:
    with pytest.raises(ProblemError, match="can't all be assigned within the caps"):
        _assigned(MATRIX, 3, 2, room=[3, 3], cap=[7, 5])


def test_rows_may_stay_alone_for_what_that_costs() -> None:
    # Column 1 has minutes for one row: row 2 saves most there. Rows 0 and 1 would need 8 minutes.
    found = _assigned(MATRIX, 3, 2, room=[3, 3], cap=[7, 5], unserved=[REQUIRED, 4, 4])
    # Row 0 on column 0 (1), row 1 alone (4), row 2 on column 1 (1).
    assert found.col_of_row.tolist() == [0, -1, 1]
    assert (found.objective, found.bound, found.proved) == (6, 6, True)


def test_order_of_arcs_and_names_of_columns_change_nothing() -> None:
    turned = dict(reversed(MATRIX.items()))
    assert _assigned(turned, 3, 2, room=[3, 3], cap=[8, 3]).col_of_row.tolist() == [0, 0, 1]
    swapped = {(row, 1 - col): arc for (row, col), arc in MATRIX.items()}
    assert _assigned(swapped, 3, 2, room=[3, 3], cap=[3, 8]).col_of_row.tolist() == [1, 1, 0]


def test_one_number_stands_for_all_columns() -> None:
    found = assign_within([0, 1], [0, 1], [3, 4], [5, 5], rows=2, cols=2, room=1, cap=5)
    assert (found.objective, found.col_of_row.tolist()) == (7, [0, 1])


def _exact(cost: Any, effort: Any, cap: Any) -> int:
    """The optimum by a model of three lines in CP-SAT."""
    from ortools.sat.python import cp_model

    made = cp_model.CpModel()
    rows, cols = cost.shape
    used = [[made.new_bool_var("") for _ in range(cols)] for _ in range(rows)]
    for row in range(rows):
        made.add_exactly_one(used[row])
    for col in range(cols):
        minutes = sum(int(effort[row, col]) * used[row][col] for row in range(rows))
        made.add(minutes <= int(cap[col]))
    made.minimize(
        sum(int(cost[row, col]) * used[row][col] for row in range(rows) for col in range(cols))
    )
    solver = cp_model.CpSolver()
    solver.parameters.num_workers = 1
    assert solver.solve(made) == cp_model.OPTIMAL
    return round(solver.objective_value)


@pytest.mark.parametrize("seed", range(6))
def test_thirty_rows_reach_what_another_solver_proves(seed: int) -> None:
    draw = np.random.default_rng(seed)
    effort = draw.integers(5, 26, size=(30, 4))
    cost = draw.integers(10, 51, size=(30, 4)) if seed % 2 else 60 - effort
    cap = np.full(4, int(0.8 * effort.sum() / 16))
    row, col = np.divmod(np.arange(120), 4)
    found = assign_within(row, col, cost.ravel(), effort.ravel(), rows=30, cols=4, room=30, cap=cap)
    assert found.proved
    assert found.objective == found.bound == _exact(cost, effort, cap)


def test_a_limit_of_nodes_gives_the_same_plan_twice_and_a_sound_bound() -> None:
    draw = np.random.default_rng(5)
    effort = draw.integers(1, 101, size=(40, 5))
    cost = 111 - effort + draw.integers(-10, 11, size=(40, 5))
    cap = np.full(5, int(0.8 * effort.sum() / 25))
    row, col = np.divmod(np.arange(200), 5)
    best = _exact(cost, effort, cap)
    found = [
        assign_within(
            row,
            col,
            cost.ravel(),
            effort.ravel(),
            rows=40,
            cols=5,
            room=40,
            cap=cap,
            limits=Limits(nodes=1),
        )
        for _ in range(2)
    ]
    assert found[0].bound <= best <= found[0].objective
    assert found[0].col_of_row.tolist() == found[1].col_of_row.tolist()
    assert found[0].bound == found[1].bound


SOUND: dict[str, Any] = {
    "row": [0, 1],
    "col": [0, 0],
    "cost": [1, 2],
    "effort": [3, 4],
    "rows": 2,
    "cols": 1,
    "room": [2],
    "cap": [7],
}


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"cost": [1.0, float("nan")]}, "cost holds float64"),
        ({"effort": [3.5, 4.0]}, "effort holds float64"),
        ({"cost": [1, None]}, "cost holds object"),
        ({"cost": [1, 1 << 70]}, "cost holds object"),
        ({"cost": [[1], [2, 3]]}, "cost is not an array of integers"),
        ({"row": [0]}, "must be of one length"),
        ({"row": [[0, 1]], "col": [[0, 0]], "cost": [[1, 2]], "effort": [[3, 4]]}, "one length"),
        ({"row": [0, 2]}, "row 2 is outside 0 to 1"),
        ({"col": [-1, 0]}, "col -1 is outside 0 to 0"),
        ({"row": [1, 1]}, "arc of row 1 to col 0 is given twice"),
        ({"rows": 0}, "rows is 0"),
        ({"cols": 0}, "cols is 0"),
        ({"effort": [3, -4]}, "effort -4 is outside"),
        ({"effort": [3, 1 << 31]}, "effort 2147483648 is outside"),
        ({"cap": [-1]}, "cap -1 is below 0"),
        ({"cap": [1, 2]}, "cap has shape"),
        ({"cap": [7.0]}, "cap holds float64"),
        ({"room": [-1]}, "room -1 is below 0"),
        ({"room": [0]}, "row 0 must be assigned and no column has room for it"),
        ({"cap": [3]}, "row 1 must be assigned and no column has room for it"),
        ({"cost": [1, LARGEST_SUM]}, "costs may add up to"),
        ({"unserved": [1]}, "unserved has shape"),
        ({"unserved": [1, LARGEST_SUM]}, "costs may add up to"),
        ({"row": [], "col": [], "cost": [], "effort": []}, "row 0 must be assigned"),
    ],
)
def test_bad_input_is_named_before_solving(changes: dict[str, Any], why: str) -> None:
    with pytest.raises(ProblemError, match=why):
        assign_within(**{**SOUND, **changes})


def test_the_input_that_is_spoilt_above_is_sound() -> None:
    assert assign_within(**SOUND).objective == 3


def test_no_column_is_needed_by_those_who_may_stay_alone() -> None:
    nothing: dict[str, Any] = {"row": [], "col": [], "cost": [], "effort": []}
    found = assign_within(**{**SOUND, **nothing, "room": [0], "unserved": [5, -2]})
    assert (found.objective, found.proved, found.col_of_row.tolist()) == (3, True, [-1, -1])


def test_no_time_for_any_assignment_is_said() -> None:
    draw = np.random.default_rng(1)
    effort = draw.integers(40, 100, size=400)
    row, col = np.divmod(np.arange(400), 4)
    # Packed to the last minutes: whatever is quickly found leaves somebody over.
    cap = np.full(4, int(effort.reshape(100, 4).mean() * 25))
    with pytest.raises(SolverTimeoutError):
        assign_within(
            row,
            col,
            np.zeros(400, dtype=np.int64),
            np.repeat(effort[::4], 4),
            rows=100,
            cols=4,
            room=100,
            cap=cap,
            limits=Limits(seconds=1e-6),
        )
