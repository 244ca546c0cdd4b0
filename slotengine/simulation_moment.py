"""The Problem of an instant: what an engine would load, made of what the clerk knows by then."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

import numpy as np

from slotengine.problem import Pin, Problem
from slotengine.simulation_world import World
from slotengine.solver.costs import MODE_ORDER
from slotengine.solver.encoding import Ints


class Moment(NamedTuple):
    """A Problem as it stands, with what its rows and free seats are in the world."""

    problem: Problem
    rows: Ints
    seats: Ints


def moment_of(
    world: World,
    now: datetime,
    holders: Mapping[int, int | None],
    rows: Sequence[int],
    promised: Sequence[int],
) -> Moment:
    """
    Gives the Problem of an instant.

    Parameters
    ----------
    holders
        Published seats that have not begun, ascending, and the row that has each, if any.
    rows, promised
        Referrals without a seat, and those with a promise that may move.
    """
    whole, numbers, lifted = world.problem, world.problem.free_seats, set(promised)
    slots = [whole.slots[at] for at in sorted(set(world.ground.slot[list(holders)].tolist()))]
    pins = [
        _pin(world, row, seat)
        for seat, row in holders.items()
        if row is not None and row not in lifted
    ]
    chosen = sorted({*rows, *promised})
    problem = Problem.build(
        territory=whole.territory,
        as_of=now,
        policy=whole.policy,
        practitioners=whole.practitioners,
        sites=whole.sites,
        slots=slots,
        referrals=[whole.referrals[row] for row in chosen],
        pins=pins,
        promised=[whole.referrals[row].id for row in promised],
    )
    taken = {(pin.slot, pin.seat) for pin in pins}
    seats = [seat for seat in holders if numbers[seat] not in taken]
    return Moment(problem, np.array(chosen, dtype=np.int64), np.array(seats, dtype=np.int64))


def _pin(world: World, row: int, seat: int) -> Pin:
    one, ground = world.problem.referrals[row], world.ground
    slot, number = world.problem.free_seats[seat]
    arcs = slice(int(ground.start[row]), int(ground.start[row + 1]))
    at = int(np.searchsorted(ground.seat[arcs], seat))
    return Pin(
        referral=one.id,
        patient=one.patient.key,
        slot=slot,
        seat=number,
        mode=MODE_ORDER[int(ground.mode[arcs][at])],
        location=one.patient.location,
    )
