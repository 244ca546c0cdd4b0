"""
Inconvenience of a pair in weighted minutes, one integer, and the tie-break that makes plans unique.

The same integers serve the night's plan and the counter's ranking; the Policy holds every exchange
rate.
"""

import numpy as np

from slotengine.codes import Mode
from slotengine.solver.columns import MINUTE_US, NO_PRACTITIONER, Columns
from slotengine.solver.encoding import NEVER, Flags, Hashes, Indices, Ints, hash64

MODE_ORDER = (Mode.AMB, Mode.VR, Mode.HH)
"""Which mode is taken of equally cheap ones: to the practice, by video, at home."""

SHORTEST_DEADLINE_MINUTES = 2
"""A deadline counts as at least this long, so that half of it is never zero."""

SPLITMIX_FIRST = np.uint64(0xBF58476D1CE4E5B9)
SPLITMIX_SECOND = np.uint64(0x94D049BB133111EB)
"""Multipliers of splitmix64's finaliser (Steele, Lea, Flood, OOPSLA 2014; Stafford's mix 13)."""

TIE_BITS = 31


def waiting_minutes(columns: Columns, row: Indices, slot: Indices) -> Ints:
    """Gives whole minutes from receipt to start, rounded up, never negative."""
    wait_us = columns.slot_start_us[slot] - columns.referral_received_us[row]
    minutes: Ints = np.maximum(0, -(-wait_us // MINUTE_US))
    return minutes


def waiting_cost(columns: Columns, row: Indices, slot: Indices) -> Ints:
    """Gives the weighted minutes of waiting: past half of the deadline each weighs more."""
    wait = waiting_minutes(columns, row, slot)
    length_us = columns.referral_deadline_us[row] - columns.referral_received_us[row]
    half = np.maximum(SHORTEST_DEADLINE_MINUTES, -(-length_us // MINUTE_US)) // 2
    late = np.maximum(0, wait - half)
    cost: Ints = columns.referral_waiting_weight[row] * (wait + late * late // half)
    return cost


def travel_cost(columns: Columns, travel_minutes: Ints) -> Ints:
    """
    Gives the weighted minutes of a journey: squared beyond comfort.

    Squared because one very long journey is worse than two long ones.
    """
    comfort = columns.policy.comfort_minutes
    beyond = np.maximum(0, travel_minutes - comfort)
    cost: Ints = columns.policy.travel_weight * (travel_minutes + beyond * beyond // comfort)
    return cost


def stranger_cost(columns: Columns, row: Indices, slot: Indices) -> Ints:
    """Gives the weighted minutes of seeing another than one's own known practitioner."""
    own = columns.referral_own_practitioner[row]
    stranger = (own != NO_PRACTITIONER) & (own != columns.slot_practitioner[slot])
    cost: Ints = stranger * np.int64(columns.policy.not_own_practitioner_minutes)
    return cost


def way_cost(columns: Columns, row: Indices, slot: Indices, travel_minutes: Ints) -> Ints:
    """Gives the cost of each pair with a journey of so many minutes."""
    cost: Ints = (
        travel_cost(columns, travel_minutes)
        + waiting_cost(columns, row, slot)
        + stranger_cost(columns, row, slot)
    )
    return cost


def cheapest(
    columns: Columns,
    row: Indices,
    slot: Indices,
    ways: dict[Mode, tuple[Flags, Ints]],
) -> tuple[Ints, Indices]:
    """
    Chooses each pair's cheapest allowed mode.

    Parameters
    ----------
    columns
        The Problem as arrays.
    row, slot
        (A,) indices of referrals and slots, each allowed in at least one mode.
    ways
        For each mode whether it is allowed, (A,), and what its journey costs, (A,).

    Returns
    -------
    tuple
        (A,) int64 cost of the pair and (A,) int32 index of its mode in ``MODE_ORDER``.
    """
    travel = np.full(len(row), NEVER, dtype=np.int64)
    chosen = np.zeros(len(row), dtype=np.int32)
    for index, mode in enumerate(MODE_ORDER):
        if mode not in ways:
            continue
        allowed, cost = ways[mode]
        possible = np.where(allowed, cost, NEVER)
        chosen[possible < travel] = index
        travel = np.minimum(travel, possible)
    total = travel + waiting_cost(columns, row, slot) + stranger_cost(columns, row, slot)
    return total, chosen


def tie_breaks(columns: Columns, row: Indices, slot: Indices, seed: int) -> Ints:
    """
    Gives the tie-break of each pair: 31 bits of a hash of seed, referral and slot.

    A hash and not the order of ids: otherwise the same practitioner would win every tie.
    """
    of_slot = columns.slot_hash[slot]
    turned = (of_slot << np.uint64(32)) | (of_slot >> np.uint64(32))
    mixed: Hashes = np.uint64(hash64(str(seed))) ^ columns.referral_hash[row] ^ turned
    mixed = (mixed ^ (mixed >> np.uint64(30))) * SPLITMIX_FIRST
    mixed = (mixed ^ (mixed >> np.uint64(27))) * SPLITMIX_SECOND
    mixed = mixed ^ (mixed >> np.uint64(31))
    return (mixed >> np.uint64(64 - TIE_BITS)).astype(np.int64)
