"""
Public instances against their published optima: ``python -m benchmarks.public``.

Assignment is our exact core; generalised assignment is our cap in effort minutes. The run exits
with 1 when an answer breaks a constraint, contradicts a published figure or claims a proof that it
has not; with 2 when the instances are not there.
"""

import argparse
import json
import os
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from time import perf_counter, process_time

import numpy as np

from benchmarks.public_instances import (
    ASSIGN_FOLDER,
    GAP_FOLDER,
    Assigning,
    Capped,
    Indices,
    Published,
    assignments,
    gaps,
)
from benchmarks.timing import process_peak_mb, timed
from slotengine.errors import SolverTimeoutError
from slotengine.problem import Limits
from slotengine.solver.flow import assign

SHARED = "SLOTENGINE_SHARED"
"""Environment variable that names the folder whose ``benchmarks`` holds the instances."""

DEFAULT_LIMIT_S = 60.0
KINDS = ("assign", "gap")

NOT_SOUND = 1
NOT_THERE = 2
"""Exit codes; ``argparse`` uses 2 too for what can't be run."""

ALONE = -1


@dataclass(frozen=True, slots=True)
class Line:
    """
    One instance: what was reached, what is proved, and what is published.

    ``gap_percent`` is between objective and our own bound; ``off_percent`` between objective and
    the published figure that it can't pass. ``certificate_pass_s`` is one pass over all arcs that
    verifies the duals, where there are any. ``peak_mb`` is the process's so far. ``wrong`` is
    empty, or says what is.
    """

    case: str
    kind: str
    arcs: int
    ours_s: float
    ours_cpu_s: float
    objective: int | None
    bound: int | None
    proved: bool
    published: tuple[int, int]
    is_published_optimum: bool
    gap_percent: float | None
    off_percent: float | None
    peak_mb: float
    certificate_pass_s: float | None = None
    wrong: str = ""


def main(arguments: list[str] | None = None) -> int:
    """Runs the instances asked for, prints a line each, and gives the exit code."""
    asked = _parser().parse_args(arguments)
    folder = asked.folder
    if folder is None:
        shared = os.environ.get(SHARED)
        if not shared:
            return _missing(f"{SHARED} is not set; it names the folder above benchmarks/")
        folder = Path(shared) / "benchmarks"
    for name in (ASSIGN_FOLDER, GAP_FOLDER):
        if not (folder / name).is_dir():
            return _missing(f"there is no folder {name} in {folder}")
    sound = True
    for line in _lines(folder, asked):
        sound = sound and not line.wrong
        print(json.dumps(asdict(line)) if asked.json else _row(line), flush=True)
    return 0 if sound else NOT_SOUND


def _missing(what: str) -> int:
    print(f"public instances are missing: {what}", file=sys.stderr)
    return NOT_THERE


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.public", description=__doc__)
    parser.add_argument("--json", action="store_true", help="one JSON object a line")
    parser.add_argument("--folder", type=Path, help=f"default ${SHARED}/benchmarks")
    parser.add_argument("--only", choices=KINDS, help="one kind (default both)")
    parser.add_argument("--names", type=lambda text: text.split(","), help="e.g. c05100_Min")
    parser.add_argument("--limit", type=float, default=DEFAULT_LIMIT_S, help="seconds for each")
    return parser


def _lines(folder: Path, asked: argparse.Namespace) -> Iterator[Line]:
    if asked.only in (None, "assign"):
        # Not reported: libraries load parts of themselves on their first call.
        assign([0], [0], [1], rows=1, cols=1)
        for assigning in assignments(folder):
            if asked.names is None or assigning.name in asked.names:
                yield assigned(assigning)
    if asked.only in (None, "gap"):
        for capped in gaps(folder):
            if asked.names is None or capped.name in asked.names:
                yield within_caps(capped, asked.limit)


def assigned(instance: Assigning) -> Line:
    """Solves an assignment instance with the exact core and verifies its duals in one pass."""
    began, cpu = perf_counter(), process_time()
    found = assign(
        instance.row, instance.col, instance.cost, rows=instance.size, cols=instance.size
    )
    cpu_s, seconds = process_time() - cpu, perf_counter() - began

    def duals_hold() -> bool:
        slack = instance.cost - found.row_dual[instance.row] - found.col_dual[instance.col]
        return bool(slack.min() >= 0 and found.col_dual.max() <= 0)

    passed = timed(duals_hold, 3)
    wrong = assignment_fault(instance, found.col_of_row, found.objective)
    if not wrong and not (found.proved and passed.given and found.bound == found.objective):
        wrong = "not proved"
    return Line(
        case=instance.name,
        kind="assign",
        arcs=len(instance.cost),
        ours_s=seconds,
        ours_cpu_s=cpu_s,
        objective=found.objective,
        bound=found.bound,
        proved=found.proved,
        published=instance.published,
        is_published_optimum=found.objective == instance.published.optimum,
        gap_percent=_percent(found.objective, found.bound),
        off_percent=_percent(found.objective, instance.published.lower),
        peak_mb=process_peak_mb(),
        certificate_pass_s=passed.best_s,
        wrong=wrong or figure_fault(instance.published, found.objective, proved=found.proved),
    )


def assignment_fault(instance: Assigning, col_of_row: Indices, objective: int) -> str:
    """Says what is wrong with an assignment of all rows, by the instance's pairs; or nothing."""
    if sorted(col_of_row.tolist()) != list(range(instance.size)):
        return "not every row has a column of its own"
    pairs = zip(instance.row.tolist(), instance.col.tolist(), strict=True)
    cost_of = dict(zip(pairs, instance.cost.tolist(), strict=True))
    costs = [cost_of.get(pair) for pair in enumerate(col_of_row.tolist())]
    if None in costs:
        return "a pair is used that is not allowed"
    total = sum(cost for cost in costs if cost is not None)
    return "" if total == objective else f"its pairs cost {total}, it says {objective}"


def within_caps(instance: Capped, limit_s: float) -> Line:
    """Solves a generalised assignment instance as practitioners with a cap in effort minutes."""
    from slotengine.solver.coupling_capped import assign_within

    agents, jobs = instance.value.shape
    # Every job is done once, so profits may be turned into costs that are never negative.
    most = int(instance.value.max())
    cost = most - instance.value if instance.maximise else instance.value
    row, col = np.divmod(np.arange(agents * jobs), agents)
    began, cpu = perf_counter(), process_time()
    try:
        found = assign_within(
            row.astype(np.int32),
            col.astype(np.int32),
            cost.T.ravel(),
            instance.effort.T.ravel(),
            rows=jobs,
            cols=agents,
            room=np.full(agents, jobs, dtype=np.int64),
            cap=instance.cap,
            limits=Limits(seconds=limit_s),
        )
    except SolverTimeoutError:
        # The line says so by its objective, which is missing.
        found = None
    cpu_s, seconds = process_time() - cpu, perf_counter() - began
    objective = None if found is None else found.objective
    bound = None if found is None else found.bound
    if instance.maximise:
        objective = None if objective is None else most * jobs - objective
        bound = None if bound is None else most * jobs - bound
    is_proved = found is not None and found.proved
    wrong = ""
    if found is not None and objective is not None:
        wrong = caps_fault(instance, found.col_of_row, objective)
        wrong = wrong or figure_fault(
            instance.published, objective, maximise=instance.maximise, proved=is_proved
        )
    if not wrong and bound is not None:
        wrong = bound_fault(instance.published, bound, maximise=instance.maximise)
    if not wrong and is_proved and objective != bound:
        wrong = "it says proved, its bound is another"
    goal = instance.published.upper if instance.maximise else instance.published.lower
    return Line(
        case=instance.name,
        kind="gap",
        arcs=len(row),
        ours_s=seconds,
        ours_cpu_s=cpu_s,
        objective=objective,
        bound=bound,
        proved=is_proved,
        published=instance.published,
        is_published_optimum=objective is not None and objective == instance.published.optimum,
        gap_percent=_percent(objective, bound),
        off_percent=_percent(objective, goal),
        peak_mb=process_peak_mb(),
        wrong=wrong,
    )


def caps_fault(instance: Capped, agent_of_job: Indices, objective: int) -> str:
    """Says which cap an answer passes, or that its sum is another; or nothing."""
    agents, jobs = instance.value.shape
    chosen = agent_of_job.tolist()
    if len(chosen) != jobs or not all(0 <= agent < agents for agent in chosen):
        return "not every job has an agent"
    used = [0] * agents
    for job, agent in enumerate(chosen):
        used[agent] += int(instance.effort[agent, job])
    for agent, (minutes, cap) in enumerate(zip(used, instance.cap.tolist(), strict=True)):
        if minutes > cap:
            return f"agent {agent} has {minutes} of {cap}"
    total = sum(int(instance.value[agent, job]) for job, agent in enumerate(chosen))
    return "" if total == objective else f"its pairs add up to {total}, it says {objective}"


def figure_fault(
    published: Published, objective: int, *, proved: bool, maximise: bool = False
) -> str:
    """Says how an objective contradicts what is published; or nothing."""
    if objective > published.upper if maximise else objective < published.lower:
        return f"{objective} is better than can be"
    short = objective < published.lower if maximise else objective > published.upper
    return f"it says proved, {tuple(published)} is published" if proved and short else ""


def bound_fault(published: Published, bound: int, *, maximise: bool) -> str:
    """Says that a bound cuts off what somebody has reached; or nothing."""
    cut = bound < published.lower if maximise else bound > published.upper
    return f"bound {bound} excludes what is published" if cut else ""


def _percent(objective: int | None, bound: int | None) -> float | None:
    if objective is None or bound is None:
        return None
    return 100 * abs(objective - bound) / max(1, abs(objective))


def _row(line: Line) -> str:
    state = "proved" if line.proved else "no answer"
    if line.gap_percent:
        state = f"gap {line.gap_percent:.3f} %"
    low, high = line.published
    published = f"{low}" if low == high else f"{low} to {high}"
    return (
        f"{line.case:<14}{line.arcs:>9,} arcs {line.ours_s:>9.3f} s  objective {line.objective}"
        f"  bound {line.bound}  {state}  published {published}  {line.wrong}"
    )


if __name__ == "__main__":
    sys.exit(main())
