"""
The other ways to solve the same task, each as its own documentation would have it written.

A peer gets the arrays of a ``Task`` and builds its own model from them: its time is model and
solution together, as ours is. Importing a library is not counted for anyone.
"""

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import NamedTuple

import numpy as np

from benchmarks.tasks import ALONE, Flags, Indices, Task, WrongAnswerError

WORKERS = 2
"""Threads for the peer that can use several. Ours uses one."""

MOST_NETWORKX_ARCS = 50_000
"""Its network simplex, in plain Python, takes minutes beyond."""

MOST_MODEL_ARCS = 2_000_000
"""One Python object an arc, or one column of a linear program, takes some kilobytes each."""

MOST_MATCHING_ARCS = 2_000_000
"""Paths grow long where everybody wants the same seats: minutes at 9 million arcs, no limit."""

MOST_DENSE_BYTES = 2 << 30
"""A dense matrix above 2 GiB is not tried."""

BYTES_PER_DOUBLE = 8

MILLISECONDS = 1_000
"""In a second."""

LINPROG_LIMIT = 1
"""Status of scipy's ``linprog`` when its limit passed."""


class Answer(NamedTuple):
    """``col_of_row`` (rows,) or None where there is none; ``ended`` tells that it says optimal."""

    col_of_row: Indices | None
    ended: bool
    note: str = ""


@dataclass(frozen=True, slots=True)
class Peer:
    """A way to solve a task, and why a task is too large for it: an empty text is never."""

    name: str
    modules: tuple[str, ...]
    solve: Callable[[Task, float], Answer]
    too_large: Callable[[Task], str] = lambda _: ""

    def load(self) -> None:
        """Imports what the peer needs, so that no timing holds an import."""
        for module in self.modules:
            import_module(module)


def _cp_sat(task: Task, limit_s: float) -> Answer:
    """
    One boolean an arc, at most one a row and a seat, one weighted sum.

    Level by level, each level's optimum made a constraint of the next and its solution a hint, is
    worse: level 2 was not proved after 60 s at 200 referrals, the weighted sum was after 12 s.
    """
    from ortools.sat.python import cp_model

    model = cp_model.CpModel()
    takes = [model.new_bool_var("") for _ in range(task.arcs)]
    of_row: list[list[cp_model.IntVar]] = [[] for _ in range(task.rows)]
    of_col: list[list[cp_model.IntVar]] = [[] for _ in range(task.cols)]
    for taken, row, col in zip(takes, task.row.tolist(), task.col.tolist(), strict=True):
        of_row[row].append(taken)
        of_col[col].append(taken)
    for group in (*of_row, *of_col):
        model.add_at_most_one(group)
    # What a row costs unserved is saved by serving it.
    gain = (task.cost - task.unserved[task.row]).tolist()
    model.minimize(cp_model.LinearExpr.weighted_sum(takes, gain))
    solver = cp_model.CpSolver()
    solver.parameters.num_workers = WORKERS
    solver.parameters.max_time_in_seconds = limit_s
    status = solver.solve(model)
    if status not in (cp_model.OPTIMAL, cp_model.FEASIBLE):
        return Answer(None, ended=False, note=f"no solution in {limit_s:g} s")
    chosen = np.array([solver.boolean_value(taken) for taken in takes], dtype=np.bool_)
    ended = status == cp_model.OPTIMAL
    note = "" if ended else f"not proved in {limit_s:g} s"
    return Answer(_seats(task, chosen), ended=ended, note=note)


def _min_cost_flow(task: Task, _: float) -> Answer:
    """Rows supply one unit each, over a seat or directly, to one sink."""
    from ortools.graph.python.min_cost_flow import SimpleMinCostFlow

    sink = task.rows + task.cols
    rows, cols = np.arange(task.rows), np.arange(task.rows, sink)
    tail = np.concatenate([task.row, rows, cols]).astype(np.int32)
    head = np.concatenate([task.col + task.rows, np.full(sink, sink)]).astype(np.int32)
    cost = np.concatenate([task.cost, task.unserved, np.zeros(task.cols, dtype=np.int64)])
    flow = SimpleMinCostFlow()
    arcs = flow.add_arcs_with_capacity_and_unit_cost(
        tail, head, np.ones(len(tail), dtype=np.int64), cost
    )
    supply = np.zeros(sink + 1, dtype=np.int64)
    supply[rows], supply[sink] = 1, -task.rows
    flow.set_nodes_supplies(np.arange(sink + 1, dtype=np.int32), supply)
    status = flow.solve()
    if status != SimpleMinCostFlow.OPTIMAL:
        raise WrongAnswerError(f"min-cost flow ended with {status.name}")
    return Answer(_seats(task, flow.flows(arcs[: task.arcs]) > 0), ended=True)


def _sum_assignment(task: Task, _: float) -> Answer:
    """
    OR-Tools' assignment by cost scaling, which wants every row and every seat matched.

    So the graph is mirrored: each row has a seat of its own, each seat a row of its own, and these
    are matched with each other at no cost where their owners are.
    """
    from ortools.graph.python.linear_sum_assignment import SimpleLinearSumAssignment

    rows, cols = np.arange(task.rows), np.arange(task.cols)
    left = np.concatenate([task.row, rows, task.rows + task.col, task.rows + cols])
    right = np.concatenate([task.col, task.cols + rows, task.cols + task.row, cols])
    nothing = np.zeros(task.arcs + task.cols, dtype=np.int64)
    solver = SimpleLinearSumAssignment()
    solver.add_arcs_with_cost(
        left.astype(np.int32),
        right.astype(np.int32),
        np.concatenate([task.cost, task.unserved, nothing]),
    )
    status = solver.solve()
    if status != solver.OPTIMAL:
        raise WrongAnswerError(f"linear sum assignment ended with {status.name}")
    mates = np.array([solver.right_mate(row) for row in range(task.rows)], dtype=np.int32)
    return Answer(np.where(mates < task.cols, mates, ALONE).astype(np.int32), ended=True)


def _glop(task: Task, limit_s: float) -> Answer:
    """The linear program, by OR-Tools' own simplex."""
    from ortools.linear_solver import pywraplp

    solver = pywraplp.Solver.CreateSolver("GLOP")
    solver.SetTimeLimit(int(limit_s * MILLISECONDS))
    at_most_one = [solver.Constraint(0, 1) for _ in range(task.rows + task.cols)]
    saved = (task.cost - task.unserved[task.row]).tolist()
    takes = []
    for row, col, cost in zip(task.row.tolist(), task.col.tolist(), saved, strict=True):
        taken = solver.NumVar(0, 1, "")
        at_most_one[row].SetCoefficient(taken, 1)
        at_most_one[task.rows + col].SetCoefficient(taken, 1)
        solver.Objective().SetCoefficient(taken, cost)
        takes.append(taken)
    solver.Objective().SetMinimization()
    if solver.Solve() != pywraplp.Solver.OPTIMAL:
        return Answer(None, ended=False, note=f"no optimum in {limit_s:g} s")
    chosen = np.array([taken.solution_value() > 1 / 2 for taken in takes], dtype=np.bool_)
    return Answer(_seats(task, chosen), ended=True)


def _networkx(task: Task, _: float) -> Answer:
    """The same network, by its network simplex."""
    import networkx as nx

    graph = nx.DiGraph()
    graph.add_node("sink", demand=task.rows)
    for row, unserved in enumerate(task.unserved.tolist()):
        graph.add_node(("row", row), demand=-1)
        graph.add_edge(("row", row), "sink", weight=unserved, capacity=1)
    for col in range(task.cols):
        graph.add_edge(("col", col), "sink", weight=0, capacity=1)
    graph.add_edges_from(
        (("row", row), ("col", col), {"weight": cost, "capacity": 1})
        for row, col, cost in zip(
            task.row.tolist(), task.col.tolist(), task.cost.tolist(), strict=True
        )
    )
    _, flow = nx.network_simplex(graph)
    col_of_row = np.full(task.rows, ALONE, dtype=np.int32)
    for row in range(task.rows):
        for node, units in flow["row", row].items():
            if units and node != "sink":
                col_of_row[row] = node[1]
    return Answer(col_of_row, ended=True)


def _dense(task: Task, _: float) -> Answer:
    """All pairs in one matrix, forbidden ones infinite, with a dummy seat for each row."""
    from scipy.optimize import linear_sum_assignment

    matrix = np.full((task.rows, task.cols + task.rows), np.inf)
    matrix[task.row, task.col] = task.cost
    rows = np.arange(task.rows)
    matrix[rows, task.cols + rows] = task.unserved
    _, col_of_row = linear_sum_assignment(matrix)
    return Answer(np.where(col_of_row < task.cols, col_of_row, ALONE), ended=True)


def _sparse(task: Task, _: float) -> Answer:
    """The matching that our own engine calls, bare: no levels, no duals, no proof."""
    from scipy.sparse import csr_array
    from scipy.sparse.csgraph import min_weight_full_bipartite_matching

    rows = np.arange(task.rows)
    # An explicit zero is read as no arc; one more for each of the rows changes no choice.
    cost = np.concatenate([task.cost, task.unserved]).astype(np.float64) + 1
    row = np.concatenate([task.row, rows])
    col = np.concatenate([task.col, task.cols + rows])
    graph = csr_array((cost, (row, col)), shape=(task.rows, task.cols + task.rows))
    _, col_of_row = min_weight_full_bipartite_matching(graph)
    return Answer(np.where(col_of_row < task.cols, col_of_row, ALONE), ended=True)


def _highs(task: Task, limit_s: float) -> Answer:
    """The linear program, whose corners are assignments, by the HiGHS inside scipy."""
    from scipy.optimize import linprog
    from scipy.sparse import csr_array

    arc = np.arange(task.arcs)
    where = (np.concatenate([task.row, task.rows + task.col]), np.concatenate([arc, arc]))
    size = task.rows + task.cols
    at_most_one = csr_array((np.ones(2 * task.arcs), where), shape=(size, task.arcs))
    solved = linprog(
        task.cost - task.unserved[task.row],
        A_ub=at_most_one,
        b_ub=np.ones(size),
        bounds=(0, None),
        method="highs-ds",
        options={"time_limit": limit_s},
    )
    if solved.status == LINPROG_LIMIT:
        return Answer(None, ended=False, note=f"no optimum in {limit_s:g} s")
    if solved.status != 0:
        raise WrongAnswerError(f"linear program ended with status {solved.status}")
    return Answer(_seats(task, solved.x > 1 / 2), ended=True)


def _seats(task: Task, chosen: Flags) -> Indices:
    col_of_row = np.full(task.rows, ALONE, dtype=np.int32)
    col_of_row[task.row[chosen]] = task.col[chosen]
    return col_of_row


def _above(most_arcs: int) -> Callable[[Task], str]:
    def too_large(task: Task) -> str:
        if task.arcs <= most_arcs:
            return ""
        return f"skipped: {task.arcs} arcs, at most {most_arcs} are tried"

    return too_large


def _too_dense(task: Task) -> str:
    needed = task.rows * (task.cols + task.rows) * BYTES_PER_DOUBLE
    if needed <= MOST_DENSE_BYTES:
        return ""
    return f"skipped: matrix of {needed >> 20} MiB, at most {MOST_DENSE_BYTES >> 20} are tried"


PEERS = (
    Peer("scipy-sparse", ("scipy.sparse.csgraph",), _sparse, _above(MOST_MATCHING_ARCS)),
    Peer("scipy-dense", ("scipy.optimize",), _dense, _too_dense),
    Peer("ortools-flow", ("ortools.graph.python.min_cost_flow",), _min_cost_flow),
    Peer(
        "ortools-lsa",
        ("ortools.graph.python.linear_sum_assignment",),
        _sum_assignment,
        _above(MOST_MATCHING_ARCS),
    ),
    Peer("glop", ("ortools.linear_solver.pywraplp",), _glop, _above(MOST_MODEL_ARCS)),
    Peer("highs-lp", ("scipy.optimize", "scipy.sparse"), _highs, _above(MOST_MODEL_ARCS)),
    Peer("networkx", ("networkx",), _networkx, _above(MOST_NETWORKX_ARCS)),
    Peer("cp-sat", ("ortools.sat.python.cp_model",), _cp_sat, _above(MOST_MODEL_ARCS)),
)
"""Slowest last, so that what it leaves in memory disturbs nobody."""
