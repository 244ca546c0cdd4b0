"""
The planning of one night against other ways to solve it: ``python -m benchmarks.batch``.

Ours and each peer solve the same arcs at the same costs, in one process, alternately. Every peer
that ends must reach the same objective at levels 1a to 2, or the run exits with 1.
"""

import argparse
import os
import sys
from collections.abc import Iterator
from functools import partial

from benchmarks.ours import Case, Claim, case_of, claim_of, levels_1a_to_2, whole_of
from benchmarks.peers import PEERS, Peer
from benchmarks.report import HEADER, Line, as_json, as_row, machine
from benchmarks.tasks import WrongAnswerError, levels_of
from benchmarks.territory import problem_of
from benchmarks.timing import peak_mb, process_peak_mb, side_by_side, timed

DEFAULT_SIZES = "200,2000"
DEFAULT_REPETITIONS = 5
DEFAULT_LIMIT_S = 60.0
"""Given to the peers that can keep a limit."""

BUDGET_S = 20.0
"""A peer that took this long in all is not repeated."""

CHECKED_UP_TO = 2_000
"""Referrals up to which the independent check runs by default: plain Python over all pairs."""

WARM_UP_SIZE = 30
"""Solved first and not reported: libraries load parts of themselves on their first call."""

SMALLEST = 4
"""Referrals that make one practitioner's six seats."""

WHOLE = "solve"
"""What ours is on a line without a peer: from Problem to Plan, all levels, tie-break included."""

CORE = "levels 1a-2"
"""What ours is beside a peer: the arcs are given, the tie-break is left out, the proof is not."""


def main(arguments: list[str] | None = None) -> int:
    """Runs the cases asked for, prints a line each, and gives the exit code."""
    asked = _parser().parse_args(arguments)
    peers = [peer for peer in PEERS if peer.name in asked.peers]
    for peer in peers:
        peer.load()
    _warm_up(peers)
    if not asked.json:
        print(machine())
        print(HEADER)
    sound = True
    for case in _cases(asked):
        for line in _lines(case, peers, asked):
            sound = sound and line.proved and line.same_optimum is not False
            sound = sound and not line.violations
            print(as_json(line) if asked.json else as_row(line), flush=True)
    if not sound:
        print("not the same optimum, not proved, or not valid: see the lines", file=sys.stderr)
    return 0 if sound else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.batch", description=__doc__)
    parser.add_argument("--json", action="store_true", help="one JSON object a line")
    parser.add_argument(
        "--sizes",
        type=_sizes,
        default=None,
        help=f"numbers of referrals, e.g. 200,2000 (default {DEFAULT_SIZES}, none with"
        " --territories)",
    )
    parser.add_argument("--territories", action="store_true", help="the ten of the fixtures")
    parser.add_argument(
        "--peers", type=_peers, default=_peers(""), help="names, e.g. cp-sat,networkx; none: no"
    )
    parser.add_argument("--repetitions", type=int, default=DEFAULT_REPETITIONS)
    parser.add_argument("--limit", type=float, default=DEFAULT_LIMIT_S, help="seconds a peer has")
    parser.add_argument("--check-up-to", type=int, default=CHECKED_UP_TO, help="referrals")
    parser.add_argument("--seed", type=int, default=0, help="of the generator")
    return parser


def _sizes(text: str) -> list[int]:
    sizes = [int(part) for part in text.split(",")]
    if min(sizes) < SMALLEST:
        raise argparse.ArgumentTypeError(f"the smallest size is {SMALLEST}")
    return sizes


def _peers(text: str) -> frozenset[str]:
    known = frozenset(peer.name for peer in PEERS)
    if text in ("", "none"):
        return frozenset() if text else known
    chosen = frozenset(text.split(","))
    if not chosen <= known:
        raise argparse.ArgumentTypeError(f"known are {', '.join(sorted(known))}")
    return chosen


def _warm_up(peers: list[Peer]) -> None:
    case = case_of("warm-up", problem_of(WARM_UP_SIZE))
    levels_1a_to_2(case)
    for peer in peers:
        peer.solve(case.task, DEFAULT_LIMIT_S)


def _cases(asked: argparse.Namespace) -> Iterator[Case]:
    sizes = asked.sizes
    if sizes is None:
        sizes = [] if asked.territories else _sizes(DEFAULT_SIZES)
    for size in sizes:
        problem = problem_of(size, seed=asked.seed)
        yield case_of(f"{size}x{len(problem.free_seats)}", problem)
    if asked.territories:
        from slotengine.fixtures import NAMES, territory

        for name in NAMES:
            yield case_of(name, territory(name, seed=asked.seed).problem())


def _lines(case: Case, peers: list[Peer], asked: argparse.Namespace) -> Iterator[Line]:
    claim = claim_of(case, levels_1a_to_2(case), asked.repetitions)
    checked = case.task.rows <= asked.check_up_to
    whole = whole_of(case, repetitions=asked.repetitions, checked=checked)
    line = partial(
        Line,
        case=case.name,
        referrals=case.task.rows,
        seats=case.task.cols,
        arcs=case.task.arcs,
        certificate_pass_s=claim.certificate_pass_s,
    )
    yield line(
        ours=WHOLE,
        ours_s=whole.seconds,
        objective=whole.plan.objective,
        bound=whole.plan.bound,
        proved=whole.plan.proved and claim.proved,
        peak_mb=whole.peak_mb,
        repetitions=(asked.repetitions, 0),
        stages_s=whole.stages_s,
        check_s=whole.check_s,
        violations=whole.violations,
        process_peak_mb=process_peak_mb(),
        load_average=os.getloadavg()[0],
    )
    line = partial(
        line,
        ours=CORE,
        objective=claim.objective,
        bound=claim.bound,
        proved=claim.proved,
        peak_mb=peak_mb(lambda: levels_1a_to_2(case)),
    )
    alone_s: float | None = None
    for peer in peers:
        skipped = peer.too_large(case.task)
        if skipped:
            if alone_s is None:
                alone_s = timed(lambda: levels_1a_to_2(case), asked.repetitions).median_s
            yield line(
                ours_s=alone_s, peer=peer.name, repetitions=(asked.repetitions, 0), note=skipped
            )
        else:
            yield _against(peer, case, claim, asked, line)


def _against(
    peer: Peer, case: Case, claim: Claim, asked: argparse.Namespace, line: "partial[Line]"
) -> Line:
    """Times ours and one peer alternately and compares what they reached."""
    ours, theirs = side_by_side(
        lambda: levels_1a_to_2(case),
        lambda: peer.solve(case.task, asked.limit),
        repetitions=asked.repetitions,
        budget_s=BUDGET_S,
    )
    answer = theirs.given
    reached, note = None, answer.note
    try:
        reached = None if answer.col_of_row is None else levels_of(case.task, answer.col_of_row)
        same = reached == claim.objective if answer.ended else None
        if reached is not None and reached < claim.objective:
            # A peer that has not ended may be worse, never better: ours says that it is proved.
            same = False
    except WrongAnswerError as wrong:
        same, note = False, str(wrong)
    return line(
        ours_s=ours.median_s,
        peer=peer.name,
        peer_s=theirs.median_s,
        ratio=theirs.median_s / ours.median_s,
        ratio_of_best=theirs.best_s / ours.best_s,
        ratio_is="measured" if answer.ended else "lower bound",
        peer_objective=reached,
        same_optimum=same,
        repetitions=(len(ours.seconds), len(theirs.seconds)),
        process_peak_mb=process_peak_mb(),
        load_average=os.getloadavg()[0],
        note=note,
    )


if __name__ == "__main__":
    sys.exit(main())
