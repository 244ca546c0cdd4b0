"""
From a Problem to a Plan: the unique lexicographic optimum, with its proof and its reasons.

Reads a monotonic clock only to keep ``Limits`` and to report seconds; no decision but
stopping depends on it.
"""

from time import perf_counter

import numpy as np

from slotengine.errors import SolverTimeoutError
from slotengine.problem import FLOOR_LEVEL, LEVELS, LevelDuals, Limits, Plan, Problem
from slotengine.solver.arcs import candidate_arcs
from slotengine.solver.columns import to_columns
from slotengine.solver.duals import UNSERVED
from slotengine.solver.levels import climb, whole_face
from slotengine.solver.pairs import pairs_of
from slotengine.solver.searching import Found, Ground, flow_levels, under_side_constraints
from slotengine.solver.side import side_of
from slotengine.solver.verdicts import deferred, verdicts
from slotengine.solver.writing import assignments

DEFAULT_LIMITS = Limits()


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
    side = side_of(problem, columns, arcs)

    def seconds_left() -> float:
        return limits.seconds - (perf_counter() - began)

    reached = climb(
        whole_face(columns, arcs, seed), flow_levels(problem), lambda: seconds_left() < 0
    )
    if reached is None:
        raise SolverTimeoutError(limits.seconds)
    ground = Ground(problem, columns, pairs_of(columns, arcs), side, seed)
    slot_of_row = reached.col_of_row.copy()
    served = slot_of_row != UNSERVED
    slot_of_row[served] = columns.seat_slot[slot_of_row[served]]
    found = under_side_constraints(ground, slot_of_row, reached.proofs, limits, seconds_left)
    unserved = verdicts(problem, columns, arcs, found.seating)
    covered = 0 if LEVELS[FLOOR_LEVEL] in problem.active_levels else found.settled.relaxed
    return Plan(
        territory=problem.territory,
        as_of=problem.as_of,
        problem_digest=problem.digest,
        policy_version=problem.policy.version,
        policy_digest=problem.policy.digest,
        travel_name=problem.travel_name,
        seed=seed,
        assignments=assignments(problem, columns, found.seating.slot_of_row),
        unserved=unserved,
        objective=found.objective,
        bound=found.settled.bound,
        proved_levels=found.settled.proved,
        duals=tuple(
            LevelDuals(
                level=LEVELS[at], referral=tuple(proof.row.tolist()), seat=tuple(proof.col.tolist())
            )
            for at, proof in zip(flow_levels(problem), reached.proofs, strict=False)
            if at < covered
        ),
        displaced=_displaced(problem, found, limits=limits, seed=seed),
        deferred=deferred(unserved),
        seconds=perf_counter() - began,
    )


def _displaced(problem: Problem, found: Found, *, limits: Limits, seed: int) -> tuple[str, ...]:
    """Gives who would have a seat if there were no floors."""
    if not problem.policy.floors:
        return ()
    free = problem.replaced(policy=problem.policy.replaced(floors=()))
    seated = {one.referral for one in solve(free, limits=limits, seed=seed).assignments}
    without = np.flatnonzero(found.seating.slot_of_row == UNSERVED).tolist()
    return tuple(
        problem.referrals[row].id for row in without if problem.referrals[row].id in seated
    )
