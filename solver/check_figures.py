"""What a pair amounts to, a second time: wait, cost in weighted minutes, tie-break."""

import hashlib
from datetime import timedelta
from functools import lru_cache
from typing import NamedTuple

from slotengine.codes import Mode
from slotengine.domain import Referral, Slot
from slotengine.policy import Policy

MINUTE = timedelta(minutes=1)

SHORTEST_DEADLINE_MINUTES = 2
"""A deadline counts as at least this long, so that its half is at least one minute."""

WORD = (1 << 64) - 1
"""Mask of 64-bit unsigned arithmetic."""


class Figures(NamedTuple):
    """What one referral on one slot in one mode amounts to."""

    mode: Mode
    travel_metres: int
    travel_minutes: int
    wait_minutes: int
    cost: int


def whole_minutes(span: timedelta) -> int:
    """Gives minutes rounded up; negative for a negative span."""
    return -(-span // MINUTE)


def pair_cost(
    policy: Policy, referral: Referral, slot: Slot, wait_minutes: int, travel_minutes: int
) -> int:
    """Gives the inconvenience of a pair in weighted minutes (level 2)."""
    weight = policy.waiting.of(referral.priority)
    return (
        waiting_cost(weight, half_deadline(referral), wait_minutes)
        + travel_cost(policy, travel_minutes)
        + stranger_cost(policy, referral, slot.practitioner)
    )


def half_deadline(referral: Referral) -> int:
    """Gives half of the minutes in which a referral is to be seen, at least one."""
    deadline = referral.deadline or referral.received_at
    length = max(SHORTEST_DEADLINE_MINUTES, whole_minutes(deadline - referral.received_at))
    return length // 2


def waiting_cost(weight: int, half: int, wait_minutes: int) -> int:
    """Gives what waiting costs: past half of the deadline, each minute weighs more."""
    late = wait_minutes - half
    return weight * (wait_minutes + late**2 // half if late > 0 else wait_minutes)


def travel_cost(policy: Policy, travel_minutes: int) -> int:
    """Gives what a journey costs: beyond comfort, each minute weighs more."""
    far = max(0, travel_minutes - policy.comfort_minutes)
    return policy.travel_weight * (travel_minutes + far**2 // policy.comfort_minutes)


def stranger_cost(policy: Policy, referral: Referral, practitioner: str) -> int:
    """Gives what it costs to see another than one's own practitioner."""
    other = referral.patient.own_practitioner not in (None, practitioner)
    return policy.not_own_practitioner_minutes if other else 0


@lru_cache(maxsize=100_000)
def _hash64(text: str) -> int:
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "little")


def finalised(z: int) -> int:
    """
    Mixes 64 bits with the finaliser of splitmix64.

    Notes
    -----
    Steele, Lea, Flood (2014), Fast splittable pseudorandom number generators, OOPSLA.
    """
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & WORD
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & WORD
    return z ^ (z >> 31)


def tie_break(seed: int, referral_id: str, slot_id: str) -> int:
    """Gives the 31-bit tie-break of a pair (level 5)."""
    slot_hash = _hash64(f"s{slot_id}")
    turned = ((slot_hash << 32) | (slot_hash >> 32)) & WORD
    return finalised(_hash64(str(seed)) ^ _hash64(f"r{referral_id}") ^ turned) >> 33
