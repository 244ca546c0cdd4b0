"""
From a Problem to a Plan: the unique lexicographic optimum, with its proof and its reasons.

Reads a monotonic clock only to keep ``Limits`` and to report seconds; no decision but
stopping depends on it.
"""

from collections.abc import Sequence
from time import perf_counter
from typing import NamedTuple

import numpy as np

from slotengine.errors import SolverTimeoutError
from slotengine.problem import (
    COST_LEVEL,
    FLOOR_LEVEL,
    LEVELS,
    MOVE_LEVEL,
    SPREAD_LEVEL,
    TIE_LEVEL,
    Assignment,
    LevelDuals,
    Limits,
    Plan,
    Problem,
    Unserved,
)
from slotengine.solver.arcs import Arcs, best_ways, candidate_arcs
from slotengine.solver.columns import NOT_TOLD, Columns, to_columns
from slotengine.solver.costs import MODE_ORDER, tie_breaks, waiting_minutes
from slotengine.solver.duals import UNSERVED, Duals
from slotengine.solver.encoding import Indices, Ints
from slotengine.solver.levels import climb, whole_face
from slotengine.solver.travel import Journeys
from slotengine.solver.verdicts import reason_without_seat

DEFAULT_LIMITS = Limits()


class Pairs(NamedTuple):
    """Chosen pairs of referral and slot with their figures, (K,) each."""

    row: Indices
    slot: Indices
    mode: Indices
    cost: Ints
    wait_minutes: Ints
    journey: Journeys


def solve(problem: Problem, *, limits: Limits = DEFAULT_LIMITS, seed: int = 0) -> Plan:
    """
    Gives each referral the seat it has in the best plan, or the reason why it has none.

    Parameters
    ----------
    problem
        What is to be planned.
    limits
        Looked at between levels. Default 60 s.
    seed
        Turns the tie-break. Default 0.

    Returns
    -------
    Plan
        Best level by level, each level with its duals. When the limit passes, the best
        assignment so far, and ``proved_levels`` says how far it is proved.

    Raises
    ------
    SolverTimeoutError
        When the limit passes before there is any assignment.
    """
    began = perf_counter()
    columns = to_columns(problem)
    arcs = candidate_arcs(columns)
    reached = climb(
        whole_face(columns, arcs, seed),
        flow_levels(problem),
        lambda: perf_counter() - began > limits.seconds,
    )
    if reached is None:
        raise SolverTimeoutError(limits.seconds)
    pairs = chosen_pairs(columns, reached.col_of_row)
    bound, proved_levels = _bounds(problem, reached.proofs)
    return Plan(
        territory=problem.territory,
        as_of=problem.as_of,
        problem_digest=problem.digest,
        policy_version=problem.policy.version,
        policy_digest=problem.policy.digest,
        travel_name=problem.travel_name,
        seed=seed,
        assignments=_assignments(problem, columns, pairs),
        unserved=_unserved(problem, columns, arcs, reached.col_of_row),
        objective=_objective(columns, pairs, seed),
        bound=bound,
        proved_levels=proved_levels,
        duals=tuple(
            LevelDuals(
                level=level, referral=tuple(found.row.tolist()), seat=tuple(found.col.tolist())
            )
            for level, found in zip(problem.active_levels, reached.proofs, strict=False)
        ),
        seconds=perf_counter() - began,
    )


def flow_levels(problem: Problem) -> list[int]:
    """Gives the active levels whose cost is a sum over pairs, as indices into ``LEVELS``."""
    apart = {FLOOR_LEVEL, SPREAD_LEVEL}
    active = (LEVELS.index(level) for level in problem.active_levels)
    return [at for at in active if at not in apart]


def _bounds(problem: Problem, proofs: Sequence[Duals]) -> tuple[tuple[int | None, ...], int]:
    """Gives the bound of each level, 0 at those that cost nothing, and how many are proved."""
    sums = {
        LEVELS[at]: int(found.row.sum()) + int(found.col.sum())
        for at, found in zip(flow_levels(problem), proofs, strict=False)
    }
    bound: list[int | None] = []
    for level in LEVELS:
        if level in problem.active_levels and level not in sums:
            break
        bound.append(sums.get(level, 0))
    return (*bound, *[None] * (len(LEVELS) - len(bound))), len(bound)


def chosen_pairs(columns: Columns, col_of_row: Indices) -> Pairs:
    """Gives the pairs that an assignment of rows to seats uses, rows ascending."""
    row = np.flatnonzero(col_of_row != UNSERVED).astype(np.int32)
    return priced_pairs(columns, row, columns.seat_slot[col_of_row[row]])


def priced_pairs(columns: Columns, row: Indices, slot: Indices) -> Pairs:
    """Adds cheapest mode, cost, wait and journey to allowed pairs of referral and slot."""
    ways = best_ways(columns, row, slot)
    wait = waiting_minutes(columns, row, slot)
    return Pairs(row, slot, ways.mode, ways.cost, wait, ways.journey)


def _assignments(problem: Problem, columns: Columns, pairs: Pairs) -> tuple[Assignment, ...]:
    """Numbers the seats of a slot so that referrals in id order take free seats in order."""
    next_seat = columns.slot_first_seat.copy()
    made = []
    for row, slot, mode, cost, wait, metres, minutes in zip(
        pairs.row.tolist(),
        pairs.slot.tolist(),
        pairs.mode.tolist(),
        pairs.cost.tolist(),
        pairs.wait_minutes.tolist(),
        pairs.journey.metres.tolist(),
        pairs.journey.minutes.tolist(),
        strict=True,
    ):
        seat = columns.seat_number[next_seat[slot]]
        next_seat[slot] += 1
        made.append(
            Assignment(
                referral=problem.referrals[row].id,
                slot=problem.slots[slot].id,
                seat=int(seat),
                mode=MODE_ORDER[mode],
                travel_metres=metres,
                travel_minutes=minutes,
                wait_minutes=wait,
                cost=cost,
            )
        )
    return tuple(made)


def _objective(columns: Columns, pairs: Pairs, seed: int) -> tuple[int, ...]:
    unserved = np.ones(columns.referrals, dtype=np.bool_)
    unserved[pairs.row] = False
    levels = np.bincount(columns.referral_level[unserved], minlength=len(LEVELS))
    objective = [int(count) for count in levels]
    told = columns.referral_told_slot[pairs.row]
    objective[MOVE_LEVEL] = int(((told != NOT_TOLD) & (told != pairs.slot)).sum())
    objective[COST_LEVEL] = int(pairs.cost.sum())
    objective[TIE_LEVEL] = int(tie_breaks(columns, pairs.row, pairs.slot, seed).sum())
    return tuple(objective)


def _unserved(
    problem: Problem, columns: Columns, arcs: Arcs, col_of_row: Indices
) -> tuple[Unserved, ...]:
    rows = np.flatnonzero(col_of_row == UNSERVED)
    possible = np.zeros(columns.referrals, dtype=np.int64)
    np.add.at(possible, arcs.row, columns.slot_free[arcs.slot])
    return tuple(
        Unserved(
            referral=problem.referrals[row].id,
            reasons=(reason_without_seat(columns, int(row), int(possible[row])),),
        )
        for row in rows
    )
