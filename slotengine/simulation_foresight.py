"""
Perfect foresight: the most that anybody could have made of the days, knowing all of them.

One assignment of everybody who would come to the seats they could have reached, had they been told
at the first instant at which both were known. No policy can do better: each patient who attends is
one pair of it, and no two share a seat or a patient.
"""

import numpy as np

from slotengine.simulation_run import Run
from slotengine.simulation_world import World, earliest_us
from slotengine.solver.columns import MICROSECOND
from slotengine.solver.duals import Network
from slotengine.solver.encoding import Ints
from slotengine.solver.flow import proved

NAME = "perfect foresight"


def perfect_foresight(world: World) -> Run:
    """
    Gives the run of somebody who knew the days beforehand: who asks, cancels, does not come.

    Parameters
    ----------
    world
        The days.
    """
    ground = world.ground
    rows, seats = len(ground.received_us), len(ground.known_us)
    row = np.repeat(np.arange(rows), np.diff(ground.start))
    told = np.maximum(ground.received_us[row], ground.known_us[ground.seat])
    begins = ground.begins_us[ground.seat]
    worth = ground.cost - ground.value[row]
    use = begins >= earliest_us(ground, world.policy.notice // MICROSECOND, told)
    use &= (begins <= ground.ends_us[row]) & ~ground.misses[row] & (worth < 0)
    seat_of = np.full(rows, -1, dtype=np.int64)
    if use.any():
        seat_of[:] = _solved(rows, seats, row[use], ground.seat[use], worth[use])
    return Run(
        policy=NAME,
        world=world,
        seat_of=seat_of,
        ledger=(),
        chances=(),
        moved=0,
        broken=0,
        decision_seconds=(),
    )


def _solved(rows: int, seats: int, row: Ints, seat: Ints, cost: Ints) -> Ints:
    start = np.zeros(rows + 1, dtype=np.int64)
    np.cumsum(np.bincount(row, minlength=rows), out=start[1:])
    network = Network(
        start,
        seat.astype(np.int32),
        cost,
        np.zeros(rows, dtype=np.int64),
        np.zeros(seats, dtype=np.int64),
    )
    return proved(network).col_of_row.astype(np.int64)
