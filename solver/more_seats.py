"""
What one more seat is worth, by half-day, profession and commune, verified by solving with it.

The dual of a seat is what a copy of it gains, so the plan's own proof says which cells to try first
and which gain nothing; what is told is the gain of the plan that was solved with the seat.
"""

from collections import Counter

import numpy as np

from slotengine.codes import Priority
from slotengine.errors import ProblemError, SolverTimeoutError
from slotengine.explanations import NewSeat, SeatValue
from slotengine.problem import COST_LEVEL, FLOOR_LEVEL, Limits, Plan, Problem
from slotengine.solver.arcs import candidate_arcs
from slotengine.solver.columns import to_columns
from slotengine.solver.reduced import Prices
from slotengine.solver.solve import DEFAULT_LIMITS, solve
from slotengine.solver.variations import cell_key, new_seats, with_one_more_seat

DEFAULT_TOP = 5
"""Cells told by default. Our choice: calls that a morning has room for."""

TRIED_PER_TOLD = 3
"""Cells solved for each that is told: what the duals put first need not be first. Our choice."""

Gain = tuple[int, ...]
"""What a level's objective falls by, level by level; the larger tuple is the better seat."""


def more_seats(
    problem: Problem, plan: Plan, *, top: int = DEFAULT_TOP, limits: Limits = DEFAULT_LIMITS
) -> tuple[SeatValue, ...]:
    """
    Gives the half-days, professions and communes where one more seat brings most, best first.

    Only seats that serve somebody more, or the same people with less waiting and travel, are told.
    Each is like those of the cell's best slot (``with_one_more_seat``).

    Parameters
    ----------
    problem
        What was planned.
    plan
        Its plan.
    top
        How many are told, at most. Default 5.
    limits
        Of each plan that is solved; at most three are for each told one.

    Raises
    ------
    ProblemError
        When the plan is of another problem.
    """
    if plan.problem_digest != problem.digest:
        raise ProblemError("the plan is of another problem")
    cells = new_seats(problem)
    found: list[tuple[Gain, str, SeatValue]] = []
    for slot_id in _promising(problem, plan, cells)[: max(0, top) * TRIED_PER_TOLD]:
        try:
            other = solve(with_one_more_seat(problem, slot_id), limits=limits, seed=plan.seed)
        except SolverTimeoutError:
            break
        gain = _gain(plan, other)
        if gain > tuple(0 for _ in gain):
            value = _value(problem, plan, other, slot_id, cells[slot_id])
            found.append((gain, slot_id, value))
    # Equal gains in the order of slot ids, so that the answer is the same every time.
    found.sort(key=lambda one: (tuple(-part for part in one[0]), one[1]))
    return tuple(value for *_, value in found[: max(0, top)])


def _promising(problem: Problem, plan: Plan, cells: dict[str, NewSeat]) -> list[str]:
    """Gives the best slot of each cell, those first that the duals put first."""
    estimates = _estimates(problem, plan)
    best: dict[NewSeat, tuple[Gain, str]] = {}
    for slot_id, cell in cells.items():
        if slot_id not in estimates:
            continue
        key = cell_key(cell)
        offered = (tuple(-part for part in estimates[slot_id]), slot_id)
        best[key] = min(best.get(key, offered), offered)
    return [slot_id for _, slot_id in sorted(best.values())]


def _estimates(problem: Problem, plan: Plan) -> dict[str, Gain]:
    """
    Gives by slot what the duals say that another seat of it gains; slots that gain nothing not.

    Where they don't prove as far as inconvenience, the number of those without a seat who could
    have it counts after them.
    """
    columns = to_columns(problem)
    arcs = candidate_arcs(columns)
    gains = Prices(problem, plan).gains(columns, arcs)
    complete = any(at == COST_LEVEL for at, _ in gains)
    left = {one.referral for one in plan.unserved}
    waits = np.array([one.id in left for one in problem.referrals], dtype=np.bool_)
    asked = np.bincount(arcs.slot[waits[arcs.row]], minlength=columns.slots)
    if complete:
        asked[:] = 0
    each = zip(problem.slots, *(gain.tolist() for _, gain in gains), asked.tolist(), strict=True)
    return {slot.id: tuple(gain) for slot, *gain in each if any(gain)}


def _gain(plan: Plan, other: Plan) -> Gain:
    """Gives what each level before the tie-break falls by, where both plans count alike."""
    pairs = zip(plan.objective, other.objective, strict=True)
    falls = [before - after for before, after in pairs]
    # Effort shared out is measured against what is offered, which is more now: not comparable.
    return tuple(falls[: COST_LEVEL + 1])


def _value(problem: Problem, plan: Plan, other: Plan, slot_id: str, seat: NewSeat) -> SeatValue:
    priority = {one.id: one.priority for one in problem.referrals}
    before, after = (
        Counter(priority[one.referral] for one in each.assignments) for each in (plan, other)
    )
    fall = _gain(plan, other)
    return SeatValue(
        seat=seat,
        slot=slot_id,
        served={
            urgency: after[urgency] - before[urgency]
            for urgency in Priority
            if after[urgency] != before[urgency]
        },
        floors=fall[FLOOR_LEVEL],
        minutes=fall[COST_LEVEL],
        proved=other.proved,
    )
