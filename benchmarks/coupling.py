"""
Planning with side constraints against other ways to solve it: ``python -m benchmarks.coupling``.

Ours goes from Problem to Plan, all levels; the peers are given the finished integer program. What
both prove must be the same, and nobody may reach what the other has proved impossible, or the run
exits with 1.
"""

import argparse
import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict, replace

from benchmarks.coupled_territory import coupled_of
from benchmarks.coupling_line import (
    Clock,
    Line,
    contradiction,
    gap,
    load_average,
    resident_peak,
    row_of,
)
from benchmarks.coupling_model import Model, Pairs, model_of, pairs_of
from benchmarks.coupling_peers import PEERS, Peer, WrongAnswerError
from benchmarks.coupling_relaxed import relaxed_of
from benchmarks.report import machine
from slotengine.problem import LEVELS, TIE_LEVEL, Limits, Plan, Problem
from slotengine.solver.check import check
from slotengine.solver.solve import solve

DEFAULT_SIZES = "200,2000"
DEFAULT_REPETITIONS = 3
DEFAULT_LIMIT_S = 60.0
"""Given to each peer."""

DEFAULT_OWN_LIMIT_S = 300.0
"""Given to ours: five minutes of a night."""

REPEATED_BELOW_S = 10.0
"""What takes longer is measured once."""

CHECKED_UP_TO = 200
"""Referrals up to which the independent check runs by default: plain Python over all pairs."""

MOST_PAIRS = 2_000_000
"""Pairs up to which peers are asked: each is a variable of theirs and takes some kilobytes."""

SMALLEST = 40
"""Referrals that make a group and a pathway."""

CASES = ("plain", "spread")
SEED = 0
"""Of the tie-break, which no peer solves."""


def main(arguments: list[str] | None = None) -> int:
    """Runs the cases asked for, prints a line each, and gives the exit code."""
    asked = _parser().parse_args(arguments)
    peers = [peer for peer in PEERS if peer.name in asked.peers]
    for peer in peers:
        peer.load()
    # Not reported: libraries load parts of themselves on their first call.
    solve(coupled_of(SMALLEST), limits=Limits(seconds=asked.own_limit))
    if not asked.json:
        print(machine())
    sound = True
    for size in asked.sizes:
        for case in asked.cases:
            problem = coupled_of(size, seed=asked.seed, spread=case == "spread")
            name = f"{size}x{len(problem.free_seats)} {case}"
            for line in _lines(name, problem, peers, asked):
                sound = sound and line.same_optimum is not False and not line.violations
                print(json.dumps(asdict(line)) if asked.json else row_of(line), flush=True)
    if not sound:
        print("not the same optimum, or not valid: see the lines", file=sys.stderr)
    return 0 if sound else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.coupling", description=__doc__)
    parser.add_argument("--json", action="store_true", help="one JSON object a line")
    parser.add_argument("--sizes", type=_sizes, default=_sizes(DEFAULT_SIZES), help="referrals")
    parser.add_argument("--cases", type=_names(CASES), default=CASES, help=", ".join(CASES))
    names = tuple(peer.name for peer in PEERS)
    parser.add_argument("--peers", type=_names(names), default=names, help="names, or none")
    parser.add_argument("--repetitions", type=int, default=DEFAULT_REPETITIONS)
    parser.add_argument("--limit", type=float, default=DEFAULT_LIMIT_S, help="seconds of a peer")
    parser.add_argument(
        "--own-limit", type=float, default=DEFAULT_OWN_LIMIT_S, help="seconds of ours"
    )
    parser.add_argument("--check-up-to", type=int, default=CHECKED_UP_TO, help="referrals")
    parser.add_argument("--seed", type=int, default=0, help="of the generator")
    return parser


def _sizes(text: str) -> list[int]:
    sizes = [int(part) for part in text.split(",")]
    if min(sizes) < SMALLEST:
        raise argparse.ArgumentTypeError(f"the smallest size is {SMALLEST}")
    return sizes


def _names(known: tuple[str, ...]) -> Callable[[str], tuple[str, ...]]:
    def read(text: str) -> tuple[str, ...]:
        chosen = () if text == "none" else tuple(text.split(","))
        if not set(chosen) <= set(known):
            raise argparse.ArgumentTypeError(f"known are {', '.join(known)}")
        return chosen

    return read


def _lines(
    name: str, problem: Problem, peers: list[Peer], asked: argparse.Namespace
) -> Iterator[Line]:
    def ours() -> Plan:
        return solve(problem, limits=Limits(seconds=asked.own_limit), seed=SEED)

    clock = Clock()
    plan, peak_mb = resident_peak(lambda: clock.time(ours))
    again = asked.repetitions if clock.median_s < REPEATED_BELOW_S else 1
    for _ in range(again - 1):
        clock.time(ours)
    pairs = pairs_of(problem)
    whole = _alone(name, problem, plan, pairs, clock)
    whole = replace(whole, peak_mb=peak_mb)
    if len(problem.referrals) <= asked.check_up_to:
        whole = replace(whole, violations=len(check(problem, plan)))
    yield whole
    if len(pairs.row) > MOST_PAIRS:
        note = f"skipped: {len(pairs.row)} pairs, at most {MOST_PAIRS} are tried"
        yield from (replace(whole, peer=peer.name, note=note) for peer in peers)
        return
    if not peers:
        return
    model = model_of(problem, pairs)
    for peer in peers:
        yield _against(whole, plan, ours, peer, model, again=again, limit_s=asked.limit)


def _alone(name: str, problem: Problem, plan: Plan, pairs: Pairs, clock: Clock) -> Line:
    level, percent = gap(plan)
    relaxed = relaxed_of(problem, pairs)
    return Line(
        case=name,
        referrals=len(problem.referrals),
        seats=len(problem.free_seats),
        pairs=len(pairs.row),
        ours_s=clock.median_s,
        objective=plan.objective,
        bound=plan.bound,
        proved=plan.proved,
        proved_levels=LEVELS[: plan.proved_levels],
        gap_level=level,
        gap_percent=percent,
        peak_mb=0,
        relaxed=relaxed.faults,
        capped_share=relaxed.capped_share,
        seconds_cpu=(clock.processor_s, None),
        repetitions=(len(clock.elapsed), 0),
        load_average=load_average(),
    )


def _against(
    whole: Line,
    plan: Plan,
    ours: Callable[[], Plan],
    peer: Peer,
    model: Model,
    *,
    again: int,
    limit_s: float,
) -> Line:
    """Measures one peer, alternately with ours where both are quick, and compares."""
    own, theirs = Clock(), Clock()
    try:
        answer = theirs.time(lambda: peer.solve(model, limit_s))
        for _ in range(again - 1 if theirs.median_s < REPEATED_BELOW_S else 0):
            own.time(ours)
            answer = theirs.time(lambda: peer.solve(model, limit_s))
    except WrongAnswerError as wrong:
        return replace(whole, peer=peer.name, same_optimum=False, note=str(wrong))
    against = contradiction(plan, answer)
    same = None
    if against:
        same = False
    elif answer.ended and plan.proved_levels >= TIE_LEVEL:
        same = True
    ours_s = own.median_s if own.elapsed else whole.ours_s
    return replace(
        whole,
        ours_s=ours_s,
        seconds_cpu=(whole.seconds_cpu[0], theirs.processor_s),
        peer=peer.name,
        peer_s=theirs.median_s,
        ratio=theirs.median_s / ours_s,
        ratio_is="measured" if answer.ended else "lower bound",
        peer_best=answer.best,
        peer_reached=answer.reached,
        peer_bound=answer.bound,
        same_optimum=same,
        repetitions=(len(own.elapsed) or whole.repetitions[0], len(theirs.elapsed)),
        load_average=load_average(),
        note="; ".join(part for part in (answer.note, against) if part),
    )


if __name__ == "__main__":
    sys.exit(main())
