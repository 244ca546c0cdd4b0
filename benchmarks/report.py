"""One line a measurement: JSON for machines, a table for people."""

import json
import os
import platform
from dataclasses import asdict, dataclass
from importlib.metadata import version

LIBRARIES = ("numpy", "scipy", "ortools", "networkx")
HEADER = (
    f"{'case':<22}{'peer':<14}{'ours s':>10}{'peer s':>10}{'ratio':>10}  "
    f"{'levels':<7}{'runs':>7}  note"
)


@dataclass(frozen=True, slots=True)
class Line:
    """
    What one row says. ``ratio`` is ``peer_s / ours_s``, with ``ratio_is`` measured or lower bound;
    ``ratio_of_best`` is the same of the shortest repetitions, for a machine that is not idle.

    A line without a peer is ``solve`` from Problem to Plan; a line with one is levels 1a to 2 on
    the same arcs. ``objective`` and ``bound`` have one integer a level.
    """

    case: str
    referrals: int
    seats: int
    arcs: int
    ours: str
    ours_s: float
    objective: tuple[int, ...]
    bound: tuple[int | None, ...]
    proved: bool
    peak_mb: float
    certificate_pass_s: float
    repetitions: tuple[int, int]
    peer: str | None = None
    peer_s: float | None = None
    ratio: float | None = None
    ratio_is: str | None = None
    ratio_of_best: float | None = None
    peer_objective: tuple[int, ...] | None = None
    same_optimum: bool | None = None
    note: str = ""
    stages_s: dict[str, float] | None = None
    check_s: float | None = None
    violations: int | None = None
    process_peak_mb: float | None = None
    load_average: float | None = None


def as_json(line: Line) -> str:
    """Gives a line as one JSON object."""
    return json.dumps(asdict(line))


def as_row(line: Line) -> str:
    """Gives a line as a row under ``HEADER``, followed by the stages where it has any."""
    sign = ">" if line.ratio_is == "lower bound" else ""
    ratio = "" if line.ratio is None else f"{sign}{line.ratio:,.1f}"
    peer_s = "" if line.peer_s is None else f"{line.peer_s:.4f}"
    same = {True: "same", False: "OTHER", None: ""}[line.same_optimum]
    runs = "+".join(str(number) for number in line.repetitions if number)
    row = (
        f"{line.case:<22}{line.peer or '(' + line.ours + ')':<14}{line.ours_s:>10.4f}{peer_s:>10}"
        f"{ratio:>10}  {same:<7}{runs:>7}  {line.note}"
    )
    if line.stages_s is not None:
        stages = ", ".join(f"{name} {seconds:.4f}" for name, seconds in line.stages_s.items())
        row += f"\n  {line.arcs:,} arcs, objective {list(line.objective)}, proved {line.proved}"
        row += f"\n  seconds: {stages}; one certificate pass {line.certificate_pass_s:.5f}"
        row += f"\n  peak {line.peak_mb:.0f} MB traced; {_checked(line)}"
    return row


def machine() -> str:
    """Says on what the figures were measured."""
    libraries = ", ".join(f"{name} {version(name)}" for name in LIBRARIES)
    return f"Python {platform.python_version()}, {os.cpu_count()} cores, {libraries}"


def _checked(line: Line) -> str:
    if line.check_s is None:
        return "independent check not run at this size"
    return f"independent check {line.violations} violations in {line.check_s:.1f} s"
