"""
Slots and referrals that the rules can't tell apart but by place or time, each kind counted once.

A night asks about every slot of every referral; most rules ask only what kind of slot it is. A
stand is what a practitioner offers in one way at one site: its slots differ in time alone.
"""

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from slotengine.solver.columns import Columns
from slotengine.solver.encoding import Indices, Ints


class Stands(NamedTuple):
    """
    T stands, numbered by their lowest slot.

    ``slot`` (S,) int32 all slots, stand by stand, ascending in each: stand t owns
    ``slot[first[t]:first[t] + size[t]]``; ``first``, ``size`` (T,) int64; ``example`` (T,) int32
    the lowest slot; ``kind`` (T,) int64, equal where no rule on kinds can tell two stands apart.
    ``in_order``: ``slot`` is ascending as a whole, so pairs listed by stand are sorted by slot.
    """

    slot: Indices
    first: Ints
    size: Ints
    example: Indices
    kind: Ints
    in_order: bool


def stands(columns: Columns) -> Stands:
    """Groups slots by practitioner, site, modes, audiences, sharing and state."""
    same = alike(
        columns.slots,
        columns.slot_practitioner,
        columns.slot_site,
        columns.slot_modes,
        columns.slot_audiences,
        columns.slot_shared,
        columns.slot_open,
    )
    _, lowest, same = np.unique(same, return_index=True, return_inverse=True)
    # Numbered by lowest slot: agendas that list practitioner by practitioner stay in order.
    by_lowest = np.argsort(lowest)
    number = np.empty(len(lowest), dtype=np.int64)
    number[by_lowest] = np.arange(len(lowest))
    stand = number[same]
    in_order = bool((np.diff(stand) >= 0).all())
    slot = np.argsort(stand, kind="stable").astype(np.int32)
    size = np.bincount(stand, minlength=len(lowest)).astype(np.int64)
    example = lowest[by_lowest].astype(np.int32)
    kind = _slot_kind(columns, example)
    return Stands(slot, np.cumsum(size) - size, size, example, kind, in_order)


def referral_kind(columns: Columns, row: Indices) -> Ints:
    """Gives a number for each row, equal where no rule on kinds can tell two referrals apart."""
    age = columns.referral_age[row]
    return alike(
        len(row),
        columns.referral_professions[row],
        columns.referral_specialties[row],
        columns.referral_modes[row],
        columns.referral_audiences[row],
        columns.referral_motive[row],
        # Ages that lie on the same side of every limit are one kind.
        np.searchsorted(np.unique(columns.slot_min_age), age, side="right"),
        np.searchsorted(np.unique(columns.slot_max_age), age, side="left"),
    )


def _slot_kind(columns: Columns, slot: Indices) -> Ints:
    return alike(
        len(slot),
        columns.slot_shared[slot],
        columns.slot_open[slot],
        columns.slot_modes[slot],
        columns.slot_audiences[slot],
        columns.slot_profession[slot],
        columns.slot_specialties[slot],
        columns.slot_motives[slot],
        columns.slot_min_age[slot],
        columns.slot_max_age[slot],
    )


def alike(length: int, *parts: npt.NDArray[Any]) -> Ints:
    """Numbers entries from 0 so that two share a number exactly when they agree in every part."""
    code = np.zeros(length, dtype=np.int64)
    for part in parts:
        if length == 0 or (part == part[0]).all():
            continue
        values, index = np.unique(part, return_inverse=True)
        # Both factors are at most the length, so the product stays within 64 bits.
        _, code = np.unique(code * len(values) + index, return_inverse=True)
    return code


def examples(kind: Ints) -> Ints:
    """Gives the position of one entry of each kind, in the order of their numbers."""
    _, position = np.unique(kind, return_index=True)
    found: Ints = position.astype(np.int64)
    return found
