"""What a search over whole plans reads: allowed pairs with cost and effort, and what slots have."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from slotengine.codes import Mode
from slotengine.solver.arcs import Arcs, best_ways
from slotengine.solver.columns import MODE_BIT, Columns
from slotengine.solver.encoding import Indices, Ints
from slotengine.solver.pin_rules import efforts
from slotengine.solver.workload import UNLIMITED


class Period(NamedTuple):
    """
    A cap's span: the period of each slot, (S,), and what is left there of bookings and effort.

    ``bookings``, ``effort`` (periods,) int64, ``UNLIMITED`` without a cap.
    """

    of_slot: Indices
    bookings: Ints
    effort: Ints


@dataclass(frozen=True, eq=False, slots=True)
class Pairs:
    """
    Allowed pairs in CSR form: row r owns ``start[r]:start[r + 1]``, slots ascending.

    ``start`` (R + 1,) int64; ``slot`` (A,) int32; ``cost`` (A,) int64; ``mode`` (A,) int32 index
    into ``MODE_ORDER``; ``effort`` (A,) int32 minutes. ``level`` (R,) int64, where a row counts as
    unserved. ``room`` (S,) seats; ``starts_us``, ``ends_us`` (S,) int64; ``giver`` (S,) int32;
    ``offered``, ``pinned_effort`` (practitioners,) minutes.
    """

    start: Ints
    slot: Indices
    cost: Ints
    mode: Indices
    effort: Indices
    level: Ints
    room: Ints
    starts_us: Ints
    ends_us: Ints
    giver: Indices
    periods: tuple[Period, ...]
    offered: Ints
    pinned_effort: Ints

    @property
    def rows(self) -> int:
        """Number of rows, R."""
        return len(self.level)

    def arc(self, row: int, slot: int) -> int | None:
        """Gives the index of a pair, or None when it is not allowed."""
        first, last = int(self.start[row]), int(self.start[row + 1])
        at = first + int(np.searchsorted(self.slot[first:last], slot))
        return at if at < last and self.slot[at] == slot else None

    def of(self, row: int) -> range:
        """Gives the indices of a row's pairs."""
        return range(int(self.start[row]), int(self.start[row + 1]))

    def row_of(self, arcs: Ints) -> Ints:
        """Gives the row of each pair."""
        found: Ints = np.searchsorted(self.start, arcs, side="right") - 1
        return found


def pairs_of(columns: Columns, arcs: Arcs) -> Pairs:
    """Prices every arc for a search: the mode only where homes are visited, and the effort."""
    load = columns.workload
    mode = _modes(columns, arcs)
    periods = (
        Period(load.slot_day, load.day_bookings_left, load.day_effort_left),
        Period(load.slot_week, load.week_bookings_left, load.week_effort_left),
    )
    return Pairs(
        start=arcs.start,
        slot=arcs.slot,
        cost=arcs.cost,
        mode=mode,
        effort=efforts(columns, arcs.row, arcs.slot, mode).astype(np.int32),
        level=columns.referral_level,
        room=columns.slot_free,
        starts_us=columns.slot_start_us,
        ends_us=columns.slot_end_us,
        giver=columns.slot_practitioner,
        periods=tuple(one for one in periods if _limited(one)),
        offered=load.offered,
        pinned_effort=load.pinned_effort,
    )


def _limited(period: Period) -> bool:
    return bool((period.bookings < UNLIMITED).any() or (period.effort < UNLIMITED).any())


def _modes(columns: Columns, arcs: Arcs) -> Indices:
    """Gives each arc's mode; where neither side visits homes, effort and tours ask for none."""
    mode = np.zeros(len(arcs.slot), dtype=np.int32)
    home = MODE_BIT[Mode.HH]
    visiting = np.zeros(len(columns.workload.offered), dtype=np.bool_)
    visiting[columns.slot_practitioner[(columns.slot_modes & home) > 0]] = True
    asked = np.flatnonzero(visiting[columns.slot_practitioner[arcs.slot]]).astype(np.int32)
    mode[asked] = best_ways(columns, arcs.row[asked], arcs.slot[asked]).mode
    return mode
