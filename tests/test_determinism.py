"""
The same problem, seed and version give the same plan, bit for bit.

In whatever order things are given, in threads and processes, on one processor or two, with another
hash seed, from a stored problem, and for plans that met a limit of nodes. A limit of seconds is the
one thing that promises nothing: here it lies far above what anything takes.
"""

import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

import pytest
from random_problems import random_coupled, random_problem
from sources import PROJECT

from slotengine.problem import LEVELS, SPREAD_LEVEL, TIE_LEVEL, Limits, Plan, Problem
from slotengine.solver.check import check
from slotengine.solver.solve import solve

ENOUGH_S = 3_600.0

PLAIN = [("plain", seed) for seed in range(4)]
COUPLED = [("coupled", seed) for seed in range(40)]
TERRITORIES = [("territory", seed) for seed in (1, 4, 6)]
FAIR = [("fair", 1)]
"""Effort is spread too: level 3 is not proved in a handful of nodes."""

LIMITED = [*PLAIN[:2], *COUPLED[::5], *TERRITORIES, *FAIR]

PARTS = ("practitioners", "sites", "slots", "referrals", "pins", "told")

SOLVE = """
import os, sys
from pathlib import Path
processors = int(sys.argv[1])
if processors:
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:processors])
from slotengine.problem import Limits, Problem
from slotengine.solver.solve import solve
for name in sys.argv[3:]:
    stored = Problem.model_validate_json(Path(name).read_text())
    nodes = int(sys.argv[2]) or None
    print(solve(stored, limits=Limits(seconds=3600, nodes=nodes), seed=7).digest)
"""
"""A process of its own: how many processors (0 all), how many nodes (0 any), which problems."""


@pytest.fixture(autouse=True)
def _from_the_root(monkeypatch: pytest.MonkeyPatch) -> None:
    """Benchmarks are not packaged: they run from the root of a checkout."""
    monkeypatch.syspath_prepend(PROJECT)


@cache
def drawn(kind: str, seed: int) -> Problem:
    if kind == "plain":
        return random_problem(seed)
    if kind == "coupled":
        return random_coupled(seed)
    from benchmarks.coupled_territory import coupled_of

    return coupled_of(50, seed=seed, spread=True) if kind == "fair" else coupled_of(40, seed=seed)


def solved(asked: Problem, *, nodes: int | None = None, seed: int = 7) -> Plan:
    return solve(asked, limits=Limits(seconds=ENOUGH_S, nodes=nodes), seed=seed)


@cache
def digest(kind: str, seed: int, nodes: int | None = None) -> str:
    return solved(drawn(kind, seed), nodes=nodes).digest


def shuffled(asked: Problem, order: int) -> Problem:
    draw = Random(order)  # noqa: S311 - a test case, not a secret
    parts: dict[str, list[Any]] = {part: list(getattr(asked, part)) for part in PARTS}
    for values in parts.values():
        draw.shuffle(values)
    fields = ("territory", "as_of", "policy", "matrix")
    return Problem.build(**{name: getattr(asked, name) for name in fields}, **parts)


@pytest.mark.parametrize(("kind", "seed"), [*PLAIN, *COUPLED[:12], *TERRITORIES[:1]])
def test_the_order_in_which_things_are_given_changes_nothing(kind: str, seed: int) -> None:
    for order in range(2):
        again = shuffled(drawn(kind, seed), order)
        assert again == drawn(kind, seed)
        assert solved(again).digest == digest(kind, seed)


@pytest.mark.parametrize(("kind", "seed"), LIMITED)
@pytest.mark.parametrize("nodes", [1, 5])
def test_a_limit_of_nodes_gives_one_plan(kind: str, seed: int, nodes: int) -> None:
    asked = drawn(kind, seed)
    plan = solved(asked, nodes=nodes)
    assert plan.digest == digest(kind, seed, nodes)
    assert check(asked, plan) == []
    if plan.proved:
        assert plan.digest == digest(kind, seed)
    else:
        at = plan.proved_levels
        assert plan.bound[at] is None or plan.bound[at] <= plan.objective[at]
        assert set(plan.bound[at + 1 :]) <= {None}


def test_some_limits_of_nodes_are_met_at_the_tie_break_and_before() -> None:
    """Plans that were proved all the same would say nothing about limits."""
    proved = {solved(drawn(*which), nodes=1).proved_levels for which in LIMITED}
    assert {SPREAD_LEVEL, TIE_LEVEL, len(LEVELS)} <= proved


def test_threads_do_not_disturb_each_other() -> None:
    """Four of each problem at once, on two threads, with and without a limit of nodes."""
    which = [*PLAIN[:2], *COUPLED[:6], *TERRITORIES[:1]]
    jobs = [(kind, seed, nodes) for kind, seed in which for nodes in (None, 5)] * 2
    wanted = [digest(*job) for job in jobs]
    with ThreadPoolExecutor(max_workers=2) as workers:
        found = workers.map(lambda job: solved(drawn(*job[:2]), nodes=job[2]).digest, jobs)
        assert list(found) == wanted


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Problems as files."""
    folder = tmp_path_factory.mktemp("problems")
    with pytest.MonkeyPatch.context() as patching:
        patching.syspath_prepend(PROJECT)
        files = []
        for kind, seed in STORED_LIMITED:
            file = folder / f"{kind}-{seed}.json"
            file.write_text(drawn(kind, seed).model_dump_json())
            files.append(str(file))
    return files


STORED = (*PLAIN[:2], *COUPLED[:8], *TERRITORIES)
STORED_LIMITED = (*STORED, *FAIR)


def started(files: list[str], processors: int, nodes: int, **env: str) -> "subprocess.Popen[str]":
    command = [sys.executable, "-c", SOLVE, str(processors), str(nodes), *files]
    return subprocess.Popen(
        command, env={**os.environ, **env}, stdout=subprocess.PIPE, text=True, cwd=PROJECT
    )


def printed(process: "subprocess.Popen[str]") -> list[str]:
    out, _ = process.communicate(timeout=300)
    assert process.returncode == 0
    return out.split()


@pytest.mark.parametrize("nodes", [0, 5])
def test_other_processes_find_the_same_plans(stored: list[str], nodes: int) -> None:
    """Two at once: one processor and one thread, and all of them with many; other hash seeds."""
    which = STORED_LIMITED if nodes else STORED  # the fair one takes minutes without a limit
    wanted = [digest(kind, seed, nodes or None) for kind, seed in which]
    files = stored[: len(which)]
    threads = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
    one = started(files, 1, nodes, PYTHONHASHSEED="1", **dict.fromkeys(threads, "1"))
    many = started(files[::-1], 0, nodes, PYTHONHASHSEED="77", **dict.fromkeys(threads, "4"))
    assert printed(one) == wanted
    assert printed(many) == wanted[::-1]


@pytest.mark.parametrize(("kind", "seed"), [*PLAIN[:2], *COUPLED[:8], *TERRITORIES[:1]])
def test_a_stored_plan_is_replayed_from_its_stored_problem(kind: str, seed: int) -> None:
    plan = solved(drawn(kind, seed))
    kept = Plan.model_validate_json(plan.model_dump_json())
    again = Problem.model_validate_json(drawn(kind, seed).model_dump_json())
    assert again.digest == kept.problem_digest
    replayed = solve(again, limits=Limits(seconds=ENOUGH_S), seed=kept.seed)
    assert replayed.digest == kept.digest
    assert check(again, kept) == []


def test_the_digest_leaves_out_the_seconds_and_nothing_else() -> None:
    plan = solved(drawn(*COUPLED[0]))
    assert plan.replaced(seconds=plan.seconds + 1).digest == plan.digest
    content = json.loads(plan.model_dump_json())
    others: dict[str, Any] = {
        "territory": "elsewhere",
        "as_of": "2026-01-01T00:00:00Z",
        "problem_digest": "0",
        "policy_version": 9,
        "policy_digest": "0",
        "travel_name": "roads",
        "seed": 8,
        "assignments": content["assignments"][1:],
        "unserved": [],
        "objective": [1] * 9,
        "bound": [1] * 9,
        "proved_levels": 3,
        "duals": [],
        "displaced": ["r"],
        "deferred": ["r"],
    }
    assert set(others) == set(Plan.model_fields) - {"seconds"}
    changed = [Plan.model_validate({**content, name: value}) for name, value in others.items()]
    same = [name for name, one in zip(others, changed, strict=True) if one.digest == plan.digest]
    # A field is only left out here where the other value happens to be the plan's own.
    assert [name for name in same if content[name] != others[name]] == []


def test_another_seed_is_another_tie_break() -> None:
    asked = drawn(*TERRITORIES[0])
    one, other = (solved(asked, seed=seed) for seed in (0, 1))
    assert one.digest != other.digest
    assert one.objective[:-1] == other.objective[:-1]


def test_files_of_problems_are_read_as_they_were_written(stored: list[str]) -> None:
    for (kind, seed), file in zip(STORED_LIMITED, stored, strict=True):
        assert Problem.model_validate_json(Path(file).read_text()) == drawn(kind, seed)
