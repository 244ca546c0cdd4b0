"""
A plan in the making that never breaks a side constraint: who sits where, and what is left.

Every question is answered for one referral and one slot, in whole numbers. The search uses it to
mend and to improve; nothing that it lets pass is trusted before ``check``.
"""

from collections import defaultdict
from collections.abc import Iterator
from enum import IntEnum
from typing import Self

import numpy as np

from slotengine.codes import Mode
from slotengine.solver.costs import MODE_ORDER
from slotengine.solver.duals import UNSERVED
from slotengine.solver.encoding import Ints
from slotengine.solver.pairs import Pairs
from slotengine.solver.side import Group, Run, Side
from slotengine.solver.tours import Stop, Tours


class Refusal(IntEnum):
    """Why a booking does not fit beside the others, in the order in which it is asked."""

    PATHWAY = 0
    GROUP = 1
    TOUR = 2
    CAP = 3
    SEAT = 4
    TOLD = 5


class Seating:
    """Rows on slots; ``slot_of_row`` (R,) int32, ``UNSERVED`` where a row has no seat."""

    def __init__(self, pairs: Pairs, side: Side, tours: Tours | None) -> None:
        self.pairs, self.side = pairs, side
        self.slot_of_row = np.full(pairs.rows, UNSERVED, dtype=np.int32)
        self.arc_of_row = np.full(pairs.rows, UNSERVED, dtype=np.int64)
        self.room = pairs.room.copy()
        self.moved = 0
        self._left = [(one.bookings.copy(), one.effort.copy()) for one in pairs.periods]
        self._tours = tours
        self._stops: dict[int, dict[int, Stop]] = defaultdict(dict)
        self._before = {follow.row: follow for follow in side.follows}
        self._after = {follow.before: follow for follow in side.follows}
        self._group = {row: group for group in side.groups for row in group.rows}

    @classmethod
    def of(cls, pairs: Pairs, side: Side, tours: Tours | None, arc_of_row: Ints) -> Self:
        """Seats everybody as a sound plan says."""
        made = cls(pairs, side, tours)
        for row in np.flatnonzero(arc_of_row != UNSERVED).tolist():
            made.add(row, int(pairs.slot[arc_of_row[row]]))
        return made

    def served(self, row: int) -> bool:
        """Tells whether a row has a seat."""
        return bool(self.slot_of_row[row] != UNSERVED)

    def coupled(self, row: int) -> bool:
        """Tells whether a row's seat depends on other rows' seats beyond room and caps."""
        return row in self._group or row in self._before or row in self._after

    def group(self, row: int) -> Group | None:
        """Gives the group of a row."""
        return self._group.get(row)

    def refusal(self, row: int, slot: int) -> Refusal | None:
        """
        Says why one row alone can't be added on a slot, or None when it can.

        A member of a group can't be added alone: ``seat_group`` seats all of them.
        """
        arc = self.pairs.arc(row, slot)
        if arc is None:
            raise KeyError((row, slot))
        if self.room[slot] <= 0:
            return Refusal.SEAT
        if not self._in_step(row, slot):
            return Refusal.PATHWAY
        if row in self._group:
            return Refusal.GROUP
        return self._refused_by_practitioner(row, arc, slot)

    def add(self, row: int, slot: int) -> None:
        """Seats a row where ``refusal`` gave None."""
        arc = self.pairs.arc(row, slot)
        if arc is None:
            raise KeyError((row, slot))
        self._move(row, arc, slot, -1)
        self.slot_of_row[row] = slot
        self.arc_of_row[row] = arc
        if self._tours is not None:
            stop = self._tours.stop(row, slot, self._mode(arc))
            self._stops[int(self.pairs.giver[slot])][row] = stop

    def remove(self, row: int) -> list[int]:
        """Takes the seat of a row, its group and its later steps away; gives all who lost one."""
        if not self.served(row):
            return []
        lost = []
        group = self._group.get(row)
        for one in (row,) if group is None else group.rows:
            if self.served(one):
                self._leave(one)
                lost.append(one)
        for one in tuple(lost):
            follow = self._after.get(one)
            if follow is not None:
                lost += self.remove(follow.row)
        return lost

    def seat_group(self, group: Group, run: Run) -> bool:
        """Seats a whole group on a run; False, and nothing changed, where that can't be."""
        seats = [slot for slot, count in run for _ in range(count)]
        taken: list[int] = []
        if self._seat_members(list(group.rows), seats, taken):
            return True
        for row in taken:
            self._leave(row)
        return False

    def options(self, row: int, *, full: bool = False) -> Iterator[tuple[int, int]]:
        """Gives (cost, slot) of a row's pairs on slots with room, or all, cheapest first."""
        of = self.pairs.of(row)
        first = of.start
        order = np.argsort(self.pairs.cost[first : of.stop], kind="stable")
        for at in order.tolist():
            slot = int(self.pairs.slot[first + at])
            if full or self.room[slot] > 0:
                yield int(self.pairs.cost[first + at]), slot

    def _seat_members(self, rows: list[int], seats: list[int], taken: list[int]) -> bool:
        if not rows:
            return True
        row, rest = rows[0], rows[1:]
        for slot in dict.fromkeys(seats):
            arc = self.pairs.arc(row, slot)
            if arc is None or self.room[slot] <= 0 or not self._in_step(row, slot):
                continue
            if self._refused_by_practitioner(row, arc, slot) is not None:
                continue
            left = seats.copy()
            left.remove(slot)
            self.add(row, slot)
            taken.append(row)
            if self._seat_members(rest, left, taken):
                return True
            taken.remove(row)
            self._leave(row)
        return False

    def _in_step(self, row: int, slot: int) -> bool:
        follow = self._before.get(row)
        if follow is not None:
            before = int(self.slot_of_row[follow.before])
            if before == UNSERVED:
                return False
            pause = int(self.pairs.starts_us[slot] - self.pairs.ends_us[before])
            if not follow.at_least_us <= pause <= follow.at_most_us:
                return False
        # A later step that sits already holds the step before it to its times.
        later = self._after.get(row)
        if later is not None and self.served(later.row):
            after = int(self.slot_of_row[later.row])
            pause = int(self.pairs.starts_us[after] - self.pairs.ends_us[slot])
            return later.at_least_us <= pause <= later.at_most_us
        return True

    def _refused_by_practitioner(self, row: int, arc: int, slot: int) -> Refusal | None:
        if self._tours is not None:
            here = self._tours.stop(row, slot, self._mode(arc))
            others = self._stops[int(self.pairs.giver[slot])].values()
            if not all(self._tours.at_peace(here, other) for other in others):
                return Refusal.TOUR
        wanted = int(self.pairs.effort[arc])
        for period, (bookings, effort) in zip(self.pairs.periods, self._left, strict=True):
            at = period.of_slot[slot]
            if bookings[at] < 1 or effort[at] < wanted:
                return Refusal.CAP
        told = self.side.told.get(row, slot)
        if told != slot and self.moved >= self.side.max_told_moves:
            return Refusal.TOLD
        return None

    def _leave(self, row: int) -> None:
        slot, arc = int(self.slot_of_row[row]), int(self.arc_of_row[row])
        self._move(row, arc, slot, 1)
        self.slot_of_row[row] = UNSERVED
        self.arc_of_row[row] = UNSERVED
        if self._tours is not None:
            del self._stops[int(self.pairs.giver[slot])][row]

    def _move(self, row: int, arc: int, slot: int, sign: int) -> None:
        wanted = sign * int(self.pairs.effort[arc])
        self.room[slot] += sign
        for period, (bookings, effort) in zip(self.pairs.periods, self._left, strict=True):
            at = period.of_slot[slot]
            bookings[at] += sign
            effort[at] += wanted
        if self.side.told.get(row, slot) != slot:
            self.moved -= sign

    def _mode(self, arc: int) -> Mode:
        return MODE_ORDER[int(self.pairs.mode[arc])]
