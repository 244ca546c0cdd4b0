"""
What a run is worth and to whom: the figures by which policies are compared.

Value counts only who came: a seat whose patient cancelled or stayed away is worth nothing. Shares
are of those who would have come, so that they mean the same for every policy, foresight included.
"""

from dataclasses import dataclass

import numpy as np

from slotengine.codes import Priority
from slotengine.simulation_clerk import NO_SEAT, Chance
from slotengine.simulation_run import Run
from slotengine.simulation_world import World
from slotengine.solver.columns import MINUTE_US
from slotengine.solver.encoding import NEVER, Flags, Ints

MINUTES_PER_HOUR = 60
PERCENT = 100
MS_PER_SECOND = 1_000
P99 = 99
CALIBRATION_BINS = 10
"""Stated chances are compared with what came of them in tenths."""


@dataclass(frozen=True)
class Figures:
    """
    One policy in one world.

    ``value`` is the sum of value less cost over those who came; ``pct_of_foresight`` the share of
    what perfect foresight makes of the same days. ``asked`` and ``served`` follow the priorities,
    most urgent first, of those who would have come. ``spread_points`` is the standard deviation,
    between practitioners, of the share of their seats that was used. ``calibration_points`` is how
    far stated chances lie from what came of them, None without any.
    """

    policy: str
    value: int
    pct_of_foresight: float | None
    asked: tuple[int, ...]
    served: tuple[int, ...]
    seats: int
    used: int
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


def figures(
    run: Run, foresight: Run | None = None, *, values: tuple[int, ...] | None = None
) -> Figures:
    """
    Gives the figures of a run.

    Parameters
    ----------
    run
        What a policy did.
    foresight
        Perfect foresight of the same world, to compare its value with. Default None.
    values
        Values of the priorities to count by, most urgent first. Default those of the world's
        Policy; others make runs under different policies comparable.
    """
    world, ground = run.world, run.world.ground
    priority = _priorities(world)
    came = attended(run)
    rows = np.flatnonzero(came)
    arcs = _arcs(world, rows, run.seat_of[rows])
    worth = ground.value if values is None else np.array(values, dtype=np.int64)[priority]
    value = int((worth[rows] - ground.cost[arcs]).sum())
    seat = run.seat_of[rows]
    waits = ground.begins_us[seat] - ground.received_us[rows]
    would = (ground.ends_us == NEVER) & ~ground.misses
    best = None if foresight is None else figures(foresight, values=values).value
    used = np.bincount(run.seat_of[run.seat_of != NO_SEAT], minlength=len(ground.known_us))
    return Figures(
        policy=run.policy,
        value=value,
        pct_of_foresight=None if not best else PERCENT * value / best,
        asked=_counts(priority[would]),
        served=_counts(priority[would & came]),
        seats=len(ground.known_us),
        used=int(used.sum()),
        wait_hours=_mean(waits / (MINUTE_US * MINUTES_PER_HOUR)),
        travel_minutes=_mean(ground.minutes[arcs]),
        own_practitioner_pct=_own(world, rows, seat),
        spread_points=_spread(world, used),
        promises=sum(entry.step == "promise" for entry in run.ledger),
        promises_moved=run.moved,
        broken_promises=run.broken,
        chances=len(run.chances),
        calibration_points=calibration([(c.percent, o) for c, o in outcomes(run) if o is not None]),
        decision_p99_ms=percentile_ms(run.decision_seconds),
    )


def attended(run: Run) -> Flags:
    """Tells who had a seat at the end and came, (R,)."""
    ground = run.world.ground
    seated: Flags = run.seat_of != NO_SEAT
    begins = ground.begins_us[np.where(seated, run.seat_of, 0)] if len(ground.known_us) else 0
    came: Flags = seated & ~ground.misses & (begins <= ground.ends_us)
    return came


def outcomes(run: Run) -> list[tuple[Chance, bool | None]]:
    """
    Gives what came of each stated chance: a seat given before the instant stated, or none.

    None where nobody can know: the need ended before that, while the patient still waited.
    """
    given: dict[int, list[int]] = {}
    for entry in run.ledger:
        if entry.step in ("book", "promise"):
            given.setdefault(entry.row, []).append(entry.at_us)
    begins, ends = run.world.ground.begins_us, run.world.ground.ends_us
    first_seat = {
        entry.row: int(begins[entry.seat])
        for entry in reversed(run.ledger)
        if entry.step in ("book", "promise")
    }
    found: list[tuple[Chance, bool | None]] = []
    for chance in run.chances:
        later = [at for at in given.get(chance.row, []) if at >= chance.at_us]
        got = bool(later) and first_seat[chance.row] <= chance.before_us
        unknown = not got and int(ends[chance.row]) < chance.before_us
        found.append((chance, None if unknown else got))
    return found


def calibration(stated: list[tuple[int, bool]]) -> float | None:
    """
    Gives how far chances lie from what came of them, in points; None without any.

    The mean over tenths of stated chance, weighted by how many were stated there, of the distance
    between what was stated and the share that came true.
    """
    if not stated:
        return None
    percent = np.array([one for one, _ in stated], dtype=np.float64)
    came = np.array([came for _, came in stated], dtype=np.float64) * PERCENT
    tenth = np.minimum(CALIBRATION_BINS - 1, percent * CALIBRATION_BINS // PERCENT).astype(int)
    apart = np.abs(np.bincount(tenth, percent - came))
    return float(apart.sum() / len(stated))


def percentile_ms(seconds: tuple[float, ...], percent: int = P99) -> float | None:
    """Gives a percentile in milliseconds, None without any."""
    return float(np.percentile(seconds, percent)) * MS_PER_SECOND if seconds else None


def _arcs(world: World, rows: Ints, seats: Ints) -> Ints:
    """Gives the index of each pair's arc."""
    ground = world.ground
    width = len(ground.known_us)
    row = np.repeat(np.arange(len(ground.received_us)), np.diff(ground.start))
    found: Ints = np.searchsorted(row * width + ground.seat, rows * width + seats)
    return found


def _priorities(world: World) -> Ints:
    order = list(Priority)
    return np.array([order.index(one.priority) for one in world.problem.referrals], dtype=np.int64)


def _counts(priority: Ints) -> tuple[int, ...]:
    return tuple(np.bincount(priority, minlength=len(Priority)).tolist())


def _mean(numbers: np.ndarray) -> float:
    return float(numbers.mean()) if len(numbers) else 0.0


def _own(world: World, rows: Ints, seats: Ints) -> float:
    problem, slot = world.problem, world.ground.slot
    known = [
        problem.slots[int(slot[seat])].practitioner == own
        for row, seat in zip(rows.tolist(), seats.tolist(), strict=True)
        if (own := problem.referrals[row].patient.own_practitioner) is not None
    ]
    return PERCENT * sum(known) / len(known) if known else 0.0


def _spread(world: World, used: Ints) -> float:
    names = {one.id: at for at, one in enumerate(world.problem.practitioners)}
    givers = np.array([names[one.practitioner] for one in world.problem.slots], dtype=np.int64)
    of_seat = givers[world.ground.slot]
    seats = np.bincount(of_seat, minlength=len(names))
    shares = np.bincount(of_seat, used, minlength=len(names))[seats > 0] / seats[seats > 0]
    return float(shares.std()) * PERCENT if len(shares) else 0.0
