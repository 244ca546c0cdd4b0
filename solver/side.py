"""
Side constraints of a Problem as indices: groups and runs, pathways, who keeps a seat, floors.

Read once from the Problem; who may sit where comes from the arcs. Nothing here decides: ``seating``
keeps the rules on a plan in the making, ``coupling_model`` writes them as linear rows.
"""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from slotengine.codes import Mode
from slotengine.domain import Slot
from slotengine.errors import ProblemError
from slotengine.problem import Problem
from slotengine.side_constraints import FULL
from slotengine.solver.arcs import Arcs
from slotengine.solver.columns import MICROSECOND, MINUTE_US, NOT_TOLD, Columns

MOST_RUNS = 20_000
"""
Runs listed for one group: far above what a family meets (some hundreds); a hall of a hundred seats
with a gap of a day would list more than any machine holds.
"""

Run = tuple[tuple[int, int], ...]
"""(slot index, seats taken there) in order of start."""


class Group(NamedTuple):
    """Rows that are seated together or not at all, and every run of seats that holds them."""

    rows: tuple[int, ...]
    runs: tuple[Run, ...]


class Follow(NamedTuple):
    """A row that needs a seat of another row before it, in microseconds from end to start."""

    before: int
    row: int
    at_least_us: int
    at_most_us: int


class FloorRows(NamedTuple):
    """The rows that a floor speaks of, and how many of them it wants served."""

    rows: tuple[int, ...]
    wanted: int


@dataclass(frozen=True, eq=False, slots=True)
class Side:
    """All side constraints of one Problem; empty where there are none."""

    groups: tuple[Group, ...]
    follows: tuple[Follow, ...]
    told: dict[int, int]
    max_told_moves: int
    floors: tuple[FloorRows, ...]
    capped: bool
    tours: bool
    spread: bool
    promised: frozenset[int] = frozenset()

    @property
    def seated(self) -> frozenset[int]:
        """Rows that keep a seat in any case: told, which may move little, or promised."""
        return self.promised.union(self.told)


def side_of(problem: Problem, columns: Columns, arcs: Arcs) -> Side:
    """
    Reads the side constraints.

    Raises
    ------
    ProblemError
        When a told booking breaks a hard rule, or a group has more runs than ``MOST_RUNS``.
    """
    row_of = {referral.id: row for row, referral in enumerate(problem.referrals)}
    told = {
        row: int(slot)
        for row, slot in enumerate(columns.referral_told_slot.tolist())
        if slot != NOT_TOLD
    }
    for row, slot in told.items():
        if slot not in arcs.slot[arcs.start[row] : arcs.start[row + 1]]:
            raise ProblemError(
                f"told referral {problem.referrals[row].id}: a rule refuses its slot"
                f" {problem.slots[slot].id}"
            )
    return Side(
        groups=tuple(_groups(problem, columns, arcs)),
        follows=tuple(_follows(problem, row_of)),
        told=told,
        max_told_moves=problem.policy.max_told_moves,
        floors=tuple(_floors(problem)),
        capped=columns.workload.capped,
        tours=problem.policy.home_visits is not None and _visits_homes(problem),
        spread=problem.policy.spread is not None,
        promised=frozenset(np.flatnonzero(columns.referral_promised).tolist()),
    )


def _visits_homes(problem: Problem) -> bool:
    asked = any(Mode.HH in referral.modes for referral in problem.referrals)
    return asked and any(Mode.HH in slot.modes for slot in problem.slots)


def _follows(problem: Problem, row_of: dict[str, int]) -> Iterator[Follow]:
    for row, referral in enumerate(problem.referrals):
        if referral.follows not in row_of or referral.pathway is None:
            continue
        pathway = problem.policy.pathway(referral.pathway)
        if pathway is not None:
            step = pathway.steps[referral.step]
            yield Follow(
                row_of[referral.follows],
                row,
                step.after_min // MICROSECOND,
                step.after_max // MICROSECOND,
            )


def _floors(problem: Problem) -> Iterator[FloorRows]:
    for floor in problem.policy.floors:
        rows = tuple(row for row, referral in enumerate(problem.referrals) if floor.names(referral))
        if rows:
            yield FloorRows(rows, -(-floor.percent * len(rows) // FULL))


def _groups(problem: Problem, columns: Columns, arcs: Arcs) -> Iterator[Group]:
    members: dict[str, list[int]] = defaultdict(list)
    for row, referral in enumerate(problem.referrals):
        if referral.group is not None:
            members[referral.group].append(row)
    pinned: dict[str, set[int]] = defaultdict(set)
    slot_index = {slot.id: index for index, slot in enumerate(problem.slots)}
    for pin in problem.pins:
        if pin.group is not None:
            pinned[pin.group].add(slot_index[pin.slot])
    for name, rows in sorted(members.items()):
        # One newcomer beside pins is a question of pairs: the rule GROUP has answered it.
        if len(rows) > 1:
            runs = _runs(problem, columns, arcs, rows, pinned.get(name, set()))
            if len(runs) > MOST_RUNS:
                raise ProblemError(f"group {name} fits into more than {MOST_RUNS} runs of seats")
            yield Group(tuple(rows), runs)


def _runs(
    problem: Problem, columns: Columns, arcs: Arcs, rows: list[int], held: set[int]
) -> tuple[Run, ...]:
    """Lists how the members can sit: practitioner by practitioner, site by site."""
    wanted: dict[int, int] = defaultdict(int)
    for row in rows:
        for slot in arcs.slot[arcs.start[row] : arcs.start[row + 1]].tolist():
            wanted[slot] += 1
    places: dict[tuple[str, str], list[int]] = defaultdict(list)
    for slot in sorted({*wanted, *held}):
        one = problem.slots[slot]
        places[one.practitioner, one.site].append(slot)
    gap_us = problem.policy.groups.gap_minutes * MINUTE_US
    found: list[Run] = []
    for where in sorted(places):
        slots = sorted(places[where], key=lambda at: problem.slots[at].start)
        if held <= set(slots):
            room = {at: min(int(columns.slot_free[at]), wanted[at]) for at in slots}
            seats = _Seats(problem.slots, room, frozenset(held), gap_us, found)
            seats.extend(slots, len(rows), ())
    return tuple(found)


class _Seats(NamedTuple):
    """One practitioner's slots at one site for one group; ``found`` gathers their runs."""

    slots: tuple[Slot, ...]
    room: dict[int, int]
    held: frozenset[int]
    gap_us: int
    found: list[Run]

    def extend(self, agenda: list[int], left: int, run: Run) -> None:
        """Adds every run that begins with ``run``; slots held by the group's pins are on each."""
        if left == 0 and self.held <= {at for at, _ in run}:
            self.found.append(run)
            if not self.held:
                return
        if len(self.found) > MOST_RUNS:
            return
        for position, at in enumerate(agenda):
            if run:
                pause = (self.slots[at].start - self.slots[run[-1][0]].end) // MICROSECOND
                if pause > self.gap_us:
                    break
            # A slot that pins hold may be passed without a new seat; no other slot may.
            least = 0 if at in self.held else 1
            for seats in range(least, min(left, self.room[at]) + 1):
                self.extend(agenda[position + 1 :], left - seats, (*run, (at, seats)))
