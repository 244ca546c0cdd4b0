"""
Policies at the counter against perfect foresight: ``python -m benchmarks.online``.

Every policy replays the same days of the same drawn territories (``docs/simulation.md``), with
cancellations, no-shows and slots that are published late. A broken promise, a step that the
independent check refuses, or a policy worth more than foresight makes the run exit with 1.
"""

import argparse
import os
import sys
import time
from collections.abc import Iterator
from concurrent.futures import Executor, ProcessPoolExecutor
from contextlib import contextmanager
from functools import partial
from multiprocessing import get_context
from statistics import fmean
from typing import NamedTuple

from benchmarks.online_report import HEADER, OnlineLine, as_json, as_row
from benchmarks.report import machine
from slotengine.codes import Priority
from slotengine.simulation import POLICIES, desks, draw_world, simulate
from slotengine.simulation_figures import Figures, calibration, outcomes, percentile_ms
from slotengine.simulation_what_if import totals

INHABITANTS = (100_000, 400_000)
LOADS = (0.7, 0.9, 1.0, 1.2)
RATE_ERRORS = (-0.3, 0.3)
MIX_ERRORS = (0.5,)
"""Stat and asap half as many again as in the past from which the forecast learns."""

FULL_LOAD = 1.0
"""The load of the quick run, and of those with a wrong forecast."""

PRIORITIES = tuple(one.value for one in Priority)

DEFAULT_SEEDS = 6
DEFAULT_DAYS = 3


class Case(NamedTuple):
    """One kind of world; each seed draws one."""

    inhabitants: int
    load: float
    rate_error: float = 0.0
    mix_error: float = 0.0


class Replayed(NamedTuple):
    """One policy in one world, as far as lines are made of it."""

    figures: Figures
    stated: list[tuple[int, bool]]
    decision_seconds: tuple[float, ...]
    referrals: int
    violations: int
    cpu_seconds: float


class Asked(NamedTuple):
    """What all lines of a run share."""

    seeds: range
    days: int
    policies: tuple[str, ...]


def main(arguments: list[str] | None = None) -> int:
    """Runs the cases asked for, prints a line each, and gives the exit code."""
    asked = _parser().parse_args(arguments)
    if not asked.json:
        print(machine())
        print(HEADER)
    sound = True
    same = Asked(range(asked.seed_from, asked.seed_from + asked.seeds), asked.days, asked.policies)
    with _workers(asked.processes) as workers:
        for case in _cases(asked):
            for line in lines_of(case, same, workers):
                sound = sound and not line.violations and not line.broken_promises
                print(as_json(line) if asked.json else as_row(line), flush=True)
    if not sound:
        print("a broken promise or a step that the check refuses: see the lines", file=sys.stderr)
    return 0 if sound else 1


def lines_of(case: Case, asked: Asked, workers: Executor | None = None) -> list[OnlineLine]:
    """Gives a line of each policy over all seeds of a case, foresight last."""
    one = partial(replayed, case, asked.days, asked.policies)
    worlds = list(map(one, asked.seeds) if workers is None else workers.map(one, asked.seeds))
    return [_line(case, name, [world[name] for world in worlds], asked) for name in worlds[0]]


def replayed(case: Case, days: int, policies: tuple[str, ...], seed: int) -> dict[str, Replayed]:
    """Replays the world of one seed under each policy, by name, foresight last."""
    seconds: dict[str, float] = {}
    world = draw_world(
        case.inhabitants,
        load=case.load,
        days=days,
        seed=seed,
        rate_error=case.rate_error,
        mix_error=case.mix_error,
    )
    before = time.process_time()

    def passed(name: str) -> None:
        nonlocal before
        now = time.process_time()
        seconds[name] = now - before
        before = now

    outcome = simulate(world, desks(policies), timer=time.process_time, done=passed)
    return {
        name: Replayed(
            figures=figures,
            stated=[(one.percent, came) for one, came in outcomes(run) if came is not None],
            decision_seconds=run.decision_seconds,
            referrals=len(run.seat_of),
            violations=len(outcome.violations.get(name, ())),
            cpu_seconds=seconds[name],
        )
        for (name, run), figures in zip(outcome.runs.items(), outcome.figures, strict=True)
    }


@contextmanager
def _workers(processes: int) -> Iterator[Executor | None]:
    if processes == 1:
        yield None
        return
    # Spawned, for numpy's threads do not survive a fork.
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as workers:
        yield workers


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.online", description=__doc__)
    parser.add_argument("--json", action="store_true", help="one JSON object a line")
    parser.add_argument(
        "--quick", action="store_true", help="load 1.0 of 100,000 inhabitants alone: a minute"
    )
    parser.add_argument("--seed-from", type=int, default=0, help="first seed: unseen days")
    parser.add_argument("--seeds", type=_positive, default=DEFAULT_SEEDS, help="how many")
    parser.add_argument("--days", type=_positive, default=DEFAULT_DAYS, help="open days replayed")
    parser.add_argument(
        "--inhabitants", type=_whole_numbers, default=INHABITANTS, help="e.g. 100000,400000"
    )
    parser.add_argument("--loads", type=_numbers, default=LOADS, help="e.g. 0.7,1.0")
    parser.add_argument(
        "--policies", type=_policies, default=(), help=f"of {', '.join(POLICIES)}; default all"
    )
    parser.add_argument(
        "--processes", type=_positive, default=os.cpu_count() or 1, help="worlds side by side"
    )
    return parser


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("at least 1")
    return number


def _whole_numbers(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split(","))


def _numbers(text: str) -> tuple[float, ...]:
    return tuple(float(part) for part in text.split(","))


def _policies(text: str) -> tuple[str, ...]:
    # Names hold commas: "first come, soonest".
    names = tuple(part.strip() for part in text.split(";"))
    unknown = [name for name in names if name not in POLICIES]
    if unknown:
        raise argparse.ArgumentTypeError(f"known are {'; '.join(POLICIES)}")
    return names


def _cases(asked: argparse.Namespace) -> Iterator[Case]:
    if asked.quick:
        yield Case(min(asked.inhabitants), FULL_LOAD)
        return
    for inhabitants in asked.inhabitants:
        for load in asked.loads:
            yield Case(inhabitants, load)
        if FULL_LOAD in asked.loads:
            for error in RATE_ERRORS:
                yield Case(inhabitants, FULL_LOAD, rate_error=error)
            for error in MIX_ERRORS:
                yield Case(inhabitants, FULL_LOAD, mix_error=error)


def _line(case: Case, name: str, worlds: list[Replayed], asked: Asked) -> OnlineLine:
    figures = [one.figures for one in worlds]
    shares = [one.pct_of_foresight or 0.0 for one in figures]
    whole = totals(figures, violations=sum(one.violations for one in worlds))
    return OnlineLine(
        inhabitants=case.inhabitants,
        load=case.load,
        rate_error=case.rate_error,
        mix_error=case.mix_error,
        policy=name,
        seeds=len(asked.seeds),
        seed_from=asked.seeds.start,
        days=asked.days,
        referrals=sum(one.referrals for one in worlds),
        seats=whole.seats,
        pct_of_foresight=fmean(shares),
        pct_worst=min(shares),
        served=sum(whole.served),
        unserved_by_priority=dict(zip(PRIORITIES, whole.unserved_pct, strict=True)),
        wait_hours=whole.wait_hours,
        travel_minutes=whole.travel_minutes,
        own_practitioner_pct=whole.own_practitioner_pct,
        spread_points=whole.spread_points,
        promises=whole.promises,
        promises_moved=whole.promises_moved,
        broken_promises=whole.broken_promises,
        chances=sum(one.chances for one in figures),
        calibration_points=calibration([pair for one in worlds for pair in one.stated]),
        decision_p99_ms=percentile_ms(
            tuple(second for one in worlds for second in one.decision_seconds)
        ),
        violations=whole.violations,
        cpu_seconds=sum(one.cpu_seconds for one in worlds),
    )


if __name__ == "__main__":
    sys.exit(main())
