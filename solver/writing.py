"""A Plan's assignments from who sits where: cheapest modes, figures, seat numbers."""

from typing import NamedTuple

import numpy as np

from slotengine.problem import Assignment, Problem
from slotengine.solver.arcs import best_ways
from slotengine.solver.columns import Columns
from slotengine.solver.costs import MODE_ORDER, waiting_minutes
from slotengine.solver.duals import UNSERVED
from slotengine.solver.encoding import Indices, Ints
from slotengine.solver.travel import Journeys


class Priced(NamedTuple):
    """Chosen pairs of referral and slot with their figures, (K,) each."""

    row: Indices
    slot: Indices
    mode: Indices
    cost: Ints
    wait_minutes: Ints
    journey: Journeys


def priced_pairs(columns: Columns, row: Indices, slot: Indices) -> Priced:
    """Adds cheapest mode, cost, wait and journey to allowed pairs of referral and slot."""
    ways = best_ways(columns, row, slot)
    wait = waiting_minutes(columns, row, slot)
    return Priced(row, slot, ways.mode, ways.cost, wait, ways.journey)


def assignments(problem: Problem, columns: Columns, slot_of_row: Indices) -> tuple[Assignment, ...]:
    """Numbers the seats of a slot so that referrals in id order take free seats in order."""
    served = np.flatnonzero(slot_of_row != UNSERVED).astype(np.int32)
    pairs = priced_pairs(columns, served, slot_of_row[served])
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
                price=int(columns.slot_price[slot]),
            )
        )
    return tuple(made)
