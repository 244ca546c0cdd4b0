"""One line a policy and case of ``benchmarks.online``: JSON for machines, a table for people."""

import json
from dataclasses import asdict, dataclass

from slotengine.codes import Priority

HEADER = (
    f"{'inhabitants':>11} {'load':>5} {'rate':>5} {'mix':>5}  {'policy':<22}{'% of foresight':>15}"
    f"{'worst':>7}  {'unserved % stat/asap/urgent/routine':<37}{'wait h':>7}{'travel':>7}"
    f"{'spread':>7}{'p99 ms':>8}"
)


@dataclass(frozen=True, slots=True)
class OnlineLine:
    """
    What one row says: one policy over all seeds of one case.

    ``pct_of_foresight`` is the mean over seeds of the share of perfect foresight's value,
    ``pct_worst`` the lowest of them. ``unserved_by_priority`` is percent of those who would have
    come, all seeds together, None where nobody asked. ``decision_p99_ms`` is CPU time of one answer
    to an arrival, all seeds together. ``calibration_points`` is None without stated chances.
    """

    inhabitants: int
    load: float
    rate_error: float
    mix_error: float
    policy: str
    seeds: int
    seed_from: int
    days: int
    referrals: int
    seats: int
    pct_of_foresight: float
    pct_worst: float
    served: int
    unserved_by_priority: dict[str, float | None]
    wait_hours: float
    travel_minutes: float
    own_practitioner_pct: float
    spread_points: float
    promises: int
    promises_moved: int
    broken_promises: int
    chances: int
    calibration_points: float | None
    decision_p99_ms: float | None
    violations: int
    cpu_seconds: float


def as_json(line: OnlineLine) -> str:
    """Gives a line as one JSON object."""
    return json.dumps({name: _rounded(value) for name, value in asdict(line).items()})


def as_row(line: OnlineLine) -> str:
    """Gives a line as a row under ``HEADER``."""
    unserved = " / ".join(
        "-" if (share := line.unserved_by_priority[one.value]) is None else f"{share:.1f}"
        for one in Priority
    )
    p99 = "" if line.decision_p99_ms is None else f"{line.decision_p99_ms:.3f}"
    broken = f"  BROKEN PROMISES {line.broken_promises}" if line.broken_promises else ""
    wrong = f"  VIOLATIONS {line.violations}" if line.violations else ""
    return (
        f"{line.inhabitants:>11,} {line.load:>5.2f} {line.rate_error:>+5.1f} "
        f"{line.mix_error:>+5.1f}  {line.policy:<22}{line.pct_of_foresight:>15.1f}"
        f"{line.pct_worst:>7.1f}  {unserved:<37}{line.wait_hours:>7.1f}{line.travel_minutes:>7.1f}"
        f"{line.spread_points:>7.1f}{p99:>8}{broken}{wrong}"
    )


def _rounded(value: object) -> object:
    if isinstance(value, float):
        return round(value, 4)
    if isinstance(value, dict):
        return {key: _rounded(inner) for key, inner in value.items()}
    return value
