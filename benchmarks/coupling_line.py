"""One row of the coupling benchmark: what was measured, and whether two answers can be true."""

import os
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from time import perf_counter, process_time
from typing import TypeVar

from benchmarks.coupling_peers import Answer
from benchmarks.timing import BYTES_PER_MB, process_peak_mb
from slotengine.problem import LEVELS, TIE_LEVEL, Plan

Given = TypeVar("Given")

OWN_STATUS = Path("/proc/self/status")
OWN_REFS = Path("/proc/self/clear_refs")
RESET_PEAK = "5"
"""What written to ``clear_refs`` sets the peak to the present (proc(5), Linux 4.0)."""

HIGH_WATER = "VmHWM:"
BYTES_PER_KB = 1_024
FULL = 100


@dataclass(frozen=True, slots=True)
class Line:
    """
    Ours alone, or beside a peer, whose time leaves out making the arrays of its model.

    ``objective`` and ``bound`` have one integer a level; ``gap_percent`` is theirs at the first
    level that is not proved. ``relaxed`` is what the best plan without side constraints breaks, and
    ``capped_share`` the share of the practitioners whose cap it passes. ``peak_mb`` is what the
    process holds at most while ours runs. ``seconds_cpu`` are ours and the peer's processor time.
    """

    case: str
    referrals: int
    seats: int
    pairs: int
    ours_s: float
    objective: tuple[int, ...]
    bound: tuple[int | None, ...]
    proved: bool
    proved_levels: tuple[str, ...]
    gap_level: str | None
    gap_percent: float | None
    peak_mb: float
    relaxed: dict[str, int]
    capped_share: float
    seconds_cpu: tuple[float, float | None]
    repetitions: tuple[int, int]
    load_average: float
    violations: int | None = None
    peer: str | None = None
    peer_s: float | None = None
    ratio: float | None = None
    ratio_is: str | None = None
    peer_best: dict[str, int] | None = None
    peer_reached: dict[str, int] | None = None
    peer_bound: int | None = None
    same_optimum: bool | None = None
    note: str = ""


@dataclass(slots=True)
class Clock:
    """Elapsed and processor seconds of each call that it timed."""

    elapsed: list[float] = field(default_factory=list)
    processor: list[float] = field(default_factory=list)

    def time(self, call: Callable[[], Given]) -> Given:
        """Makes a call and keeps what it took."""
        began, began_processor = perf_counter(), process_time()
        given = call()
        self.processor.append(process_time() - began_processor)
        self.elapsed.append(perf_counter() - began)
        return given

    @property
    def median_s(self) -> float:
        """The median of the elapsed seconds."""
        return median(self.elapsed)

    @property
    def processor_s(self) -> float:
        """The median of the processor seconds of all threads."""
        return median(self.processor)


def resident_peak(call: Callable[[], Given]) -> tuple[Given, float]:
    """
    Makes a call and gives the most resident megabytes of the process meanwhile.

    Memory of a library's C++ counts, as ``tracemalloc`` would not; so does what was there before.
    Where the system can't reset its peak, it is the peak of the process so far.
    """
    with suppress(OSError):
        OWN_REFS.write_text(RESET_PEAK, encoding="ascii")
    given = call()
    with suppress(OSError, StopIteration):
        lines = OWN_STATUS.read_text(encoding="ascii").splitlines()
        peak = next(line for line in lines if line.startswith(HIGH_WATER))
        return given, int(peak.split()[1]) * BYTES_PER_KB / BYTES_PER_MB
    return given, process_peak_mb()


def gap(plan: Plan) -> tuple[str | None, float | None]:
    """Gives the first level that is not proved and how far its bound lies below, in percent."""
    if plan.proved:
        return None, None
    at = plan.proved_levels
    objective, bound = plan.objective[at], plan.bound[at]
    if bound is None:
        return LEVELS[at], None
    return LEVELS[at], FULL * (objective - bound) / max(1, objective)


def contradiction(plan: Plan, answer: Answer) -> str:
    """
    Says at which level our plan and a peer's answer can't both be true; or nothing.

    What one has proved the other can't pass. Levels are compared as long as both stand on the same
    optimum of those before.
    """
    for at, level in enumerate(LEVELS[:TIE_LEVEL]):
        best = answer.best.get(level)
        if best is None and level not in (answer.reached or {}):
            continue
        # A spread lets the objective of level 2 lie above its optimum: the bound is that.
        optimum = plan.bound[at] if at < plan.proved_levels else None
        fault = ""
        if best is None and answer.reached is not None:
            best = answer.reached[level]
            if optimum is not None and best < optimum:
                fault = f"ours proves {optimum}, the peer reached {best}"
        elif best is not None:
            fault = _other(plan.objective[at], plan.bound[at], optimum, best)
        if fault:
            return f"level {level}: {fault}"
        if best != optimum:
            break
    return ""


def _other(ours: int, bound: int | None, optimum: int | None, best: int) -> str:
    """Says how ours contradicts what a peer has proved at a level."""
    if optimum is not None and optimum != best:
        return f"ours proves {optimum}, the peer proves {best}"
    if ours < best:
        return f"ours reached {ours}, the peer proves {best}"
    if bound is not None and bound > best:
        return f"ours excludes less than {bound}, the peer reached {best}"
    return ""


def row_of(line: Line) -> str:
    """Gives a line as people read it."""
    state = "all proved" if line.proved else f"proved {','.join(line.proved_levels)}"
    if line.gap_level is not None:
        percent = "none" if line.gap_percent is None else f"{line.gap_percent:.2f} %"
        state += f", gap at {line.gap_level} {percent}"
    if line.peer is None:
        relaxed = ", ".join(f"{count} {kind}" for kind, count in sorted(line.relaxed.items()))
        found = "not checked" if line.violations is None else f"{line.violations} violations"
        return (
            f"{line.case:<24}{'(ours)':<15}{line.ours_s:>9.2f} s  {line.pairs:,} pairs, {state}\n"
            f"  objective {list(line.objective)}, bound {list(line.bound)}, {found}\n"
            f"  without side constraints broken: {relaxed or 'nothing'};"
            f" caps of {line.capped_share:.0%} of the practitioners; peak {line.peak_mb:.0f} MB"
        )
    sign = ">" if line.ratio_is == "lower bound" else ""
    peer_s = "" if line.peer_s is None else f"{line.peer_s:>9.2f} s"
    ratio = "" if line.ratio is None else f"{sign}{line.ratio:,.1f}"
    same = {True: "same", False: "OTHER", None: ""}[line.same_optimum]
    reached = "" if line.peer_reached is None else f"{list(line.peer_reached.values())}"
    return f"{line.case:<24}{line.peer:<15}{peer_s:>11}{ratio:>9} {same:<6}{reached} {line.note}"


def load_average() -> float:
    """Gives how many processes wanted to run over the last minute."""
    return os.getloadavg()[0]
