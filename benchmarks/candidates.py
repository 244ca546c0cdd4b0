"""
Listing candidate arcs against other ways to list them: ``python -m benchmarks.candidates``.

A line without a peer is the whole of it: every rule, costs included. A line with one asks ours and
the peer which slots of the profession wanted lie within reach; no other rule refuses anything
there. Ours still asks every rule and prices every pair. Other pairs than ours make the run exit
with 1, but for those that lie within half a metre of a limit, which are counted.
"""

import argparse
import json
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from statistics import median
from time import perf_counter, process_time
from typing import NamedTuple

import numpy as np

from benchmarks.candidate_peers import PEERS, Ints, Peer, Question, question_of, road_metres
from benchmarks.report import machine
from benchmarks.territory import problem_of
from benchmarks.timing import peak_mb, process_peak_mb
from slotengine.solver.arcs import Arcs, candidate_arcs
from slotengine.solver.columns import Columns, to_columns
from slotengine.solver.encoding import NEVER

DEFAULT_SIZES = "200,2000"
DEFAULT_REPETITIONS = 5
REPEATED_BELOW_S = 5.0
"""A peer that takes longer is measured once."""

SMALLEST = 4
"""Referrals that make one practitioner's six seats."""

HALF_A_METRE = 0.5
HEADER = f"{'case':<16}{'peer':<20}{'ours s':>10}{'peer s':>10}{'ratio':>9}{'arcs':>13}  pairs"


@dataclass(frozen=True, slots=True)
class Line:
    """
    Seconds are medians, ``seconds_cpu`` the least processor time of ours and of the peer, ``ratio``
    of seconds. ``at_limit`` are pairs that only one side lists, all within half a metre of the
    limit; ``peak_mb`` is what ours holds at once, its arguments left out.
    """

    case: str
    ours_s: float
    arcs: int
    peak_mb: float
    seconds_cpu: tuple[float, float | None]
    load_average: float
    peer: str | None = None
    peer_s: float | None = None
    ratio: float | None = None
    same: bool | None = None
    at_limit: int | None = None
    bytes_an_arc: float | None = None
    columns_s: float | None = None
    process_peak_mb: float | None = None
    note: str = ""


class Clocked(NamedTuple):
    """Median of elapsed seconds, and the least processor time."""

    seconds: float
    cpu: float


def main(arguments: list[str] | None = None) -> int:
    """Runs the cases asked for, prints a line each, and gives the exit code."""
    asked = _parser().parse_args(arguments)
    if not asked.json:
        print(machine())
        print(HEADER)
    sound = True
    for size in asked.sizes:
        for line in _lines(size, asked):
            sound = sound and line.same is not False
            print(json.dumps(asdict(line)) if asked.json else _row(line), flush=True)
    if not sound:
        print("not the same pairs: see the lines", file=sys.stderr)
    return 0 if sound else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.candidates", description=__doc__)
    parser.add_argument("--json", action="store_true", help="one JSON object a line")
    parser.add_argument("--sizes", type=_sizes, default=_sizes(DEFAULT_SIZES), help="referrals")
    parser.add_argument("--repetitions", type=int, default=DEFAULT_REPETITIONS)
    parser.add_argument("--seed", type=int, default=0, help="of the generator")
    return parser


def _sizes(text: str) -> list[int]:
    sizes = [int(part) for part in text.split(",")]
    if min(sizes) < SMALLEST:
        raise argparse.ArgumentTypeError(f"the smallest size is {SMALLEST}")
    return sizes


def _lines(size: int, asked: argparse.Namespace) -> Iterator[Line]:
    problem = problem_of(size, seed=asked.seed)
    case = f"{size}x{len(problem.free_seats)}"
    began = perf_counter()
    columns = to_columns(problem)
    columns_s = perf_counter() - began
    whole = _ours(case, columns, asked.repetitions)
    yield replace(whole, columns_s=columns_s, process_peak_mb=process_peak_mb())
    # Without deadlines only PROFESSION and TRAVEL refuse: everybody drives or takes the bus, and
    # slots begin the morning after. ``same`` shows it: a third rule would take pairs from ours.
    open_ended = replace(columns, referral_deadline_us=np.full(size, NEVER))
    question, own = question_of(columns), _ours(case, open_ended, asked.repetitions)
    keys = _keys(candidate_arcs(open_ended), columns.slots)
    for peer in PEERS:
        if peer.most_pairs is not None and question.pairs > peer.most_pairs:
            yield replace(own, peer=peer.name, note=f"skipped: {question.pairs:,} pairs")
        elif not peer.load():
            yield replace(own, peer=peer.name, note="skipped: not installed")
        else:
            sides = _clocked(
                lambda: candidate_arcs(open_ended),
                partial(peer.answer, question),
                repetitions=asked.repetitions,
            )
            yield _compared(peer, question, keys, replace(own, peer=peer.name), sides)


def _ours(case: str, columns: Columns, repetitions: int) -> Line:
    arcs = candidate_arcs(columns)
    held = sum(part.nbytes for part in arcs) - arcs.start.nbytes
    many = len(arcs.slot)
    del arcs
    (clocked,) = _clocked(lambda: candidate_arcs(columns), repetitions=repetitions)
    return Line(
        case=case,
        ours_s=clocked.seconds,
        arcs=many,
        peak_mb=peak_mb(lambda: candidate_arcs(columns)),
        seconds_cpu=(clocked.cpu, None),
        load_average=os.getloadavg()[0],
        bytes_an_arc=held / many if many else None,
    )


def _compared(
    peer: Peer, question: Question, keys: Ints, own: Line, sides: Sequence[Clocked]
) -> Line:
    """Compares the pairs of a peer with ours, and says which differences lie at the limit."""
    ours, theirs = sides
    apart = np.setxor1d(keys, peer.answer(question), assume_unique=True)
    limit = question.limit_metres[apart // len(question.offered)]
    near = np.abs(road_metres(question, apart) - limit) <= HALF_A_METRE
    excused = not peer.rounds and bool(near.all())
    return replace(
        own,
        ours_s=ours.seconds,
        peer_s=theirs.seconds,
        ratio=theirs.seconds / ours.seconds,
        same=len(apart) == 0 or excused,
        at_limit=int(near.sum()),
        seconds_cpu=(ours.cpu, theirs.cpu),
        load_average=os.getloadavg()[0],
        note=f"{len(apart):,} of {len(keys):,} pairs differ" if len(apart) else "",
    )


def _keys(arcs: Arcs, slots: int) -> Ints:
    return arcs.row.astype(np.int64) * slots + arcs.slot


def _clocked(*calls: Callable[[], object], repetitions: int) -> list[Clocked]:
    """Times calls in turn, round by round; one round only where a call takes long."""
    seconds: list[list[float]] = [[] for _ in calls]
    cpu: list[list[float]] = [[] for _ in calls]
    for _ in range(repetitions):
        for at, call in enumerate(calls):
            wall, busy = perf_counter(), process_time()
            call()
            seconds[at].append(perf_counter() - wall)
            cpu[at].append(process_time() - busy)
        if max(spent[0] for spent in seconds) > REPEATED_BELOW_S:
            break
    return [Clocked(median(one), min(two)) for one, two in zip(seconds, cpu, strict=True)]


def _row(line: Line) -> str:
    peer_s = "" if line.peer_s is None else f"{line.peer_s:.4f}"
    ratio = "" if line.ratio is None else f"{line.ratio:,.1f}"
    same = {True: "same", False: "OTHER", None: ""}[line.same]
    row = (
        f"{line.case:<16}{line.peer or '(every rule, costs)':<20}{line.ours_s:>10.4f}{peer_s:>10}"
        f"{ratio:>9}{line.arcs:>13,}  {same} {line.note}"
    ).rstrip()
    if line.peer is None:
        row += f"\n  peak {line.peak_mb:.0f} MB traced, processor {line.seconds_cpu[0]:.3f} s"
    return row


if __name__ == "__main__":
    sys.exit(main())
