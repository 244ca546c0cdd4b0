"""
A Problem with side constraints as one integer program, written down from ``docs/rules.md``.

Who may have which slot, at what cost and in which mode is given; everything that binds bookings
together is formulated here. Peers solve it, and their answers are judged by its rows in integers.
"""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from benchmarks.coupling_rules import (
    agendas,
    efforts,
    groups_of,
    periods,
    pin_efforts,
    quarrels,
    runs,
    seat_minutes,
    tie_breaks,
    visits,
)
from slotengine.codes import Mode, SlotState
from slotengine.domain import Referral
from slotengine.problem import LEVELS, UNSERVED_LEVEL, Problem
from slotengine.side_constraints import Floor
from slotengine.solver.arcs import best_ways, candidate_arcs
from slotengine.solver.columns import to_columns
from slotengine.solver.costs import MODE_ORDER

Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

ANY = 1 << 62
"""Right side of a row without that limit."""

FULL = 100
TENTHS = 10
STEPS = 20
"""Effort counts in tenths of what was offered, each weighing two more than the last, up to here."""


class Pairs(NamedTuple):
    """Allowed pairs, (A,) int64 each: referral, slot, cost, and index into ``MODE_ORDER``."""

    row: Ints
    slot: Ints
    cost: Ints
    mode: Ints

    def only(self, chosen: Ints | Flags) -> "Pairs":
        """Gives some of the pairs."""
        return Pairs(*(column[chosen] for column in self))


class Goal(NamedTuple):
    """What a level adds up: ``constant`` and (V,) coefficients."""

    of_variable: Ints
    constant: int = 0


@dataclass(frozen=True, eq=False, slots=True)
class Model:
    """
    V variables, the first A of them "this pair is booked", and M rows ``low <= A x <= high``.

    ``entry_row``, ``entry_variable``, ``entry_value`` are the matrix; ``kind`` (M,) names the rule
    of each row; ``most`` (V,) is each variable's upper bound, 0 the lower; ``whole`` (V,) tells
    that it is an integer. ``goals`` has one for each active level, the first the most important.
    """

    problem: Problem
    pairs: Pairs
    entry_row: Ints
    entry_variable: Ints
    entry_value: Ints
    low: Ints
    high: Ints
    kind: list[str]
    most: Ints
    whole: Flags
    goals: dict[str, Goal]

    @property
    def arcs(self) -> int:
        """Number of pairs."""
        return len(self.pairs.row)

    def value(self, level: str, values: Ints) -> int:
        """Adds up a level."""
        goal = self.goals[level]
        return int((goal.of_variable * values).sum()) + goal.constant

    def broken(self, values: Ints) -> list[str]:
        """Names the rule of each row that values of the variables break."""
        sums = np.zeros(len(self.low), dtype=np.int64)
        np.add.at(sums, self.entry_row, self.entry_value * values[self.entry_variable])
        wrong = np.flatnonzero((sums < self.low) | (sums > self.high))
        return [self.kind[row] for row in wrong.tolist()]


def pairs_of(problem: Problem) -> Pairs:
    """Gives the pairs that both sides are given: allowed, with their costs and modes."""
    columns = to_columns(problem)
    arcs = candidate_arcs(columns)
    keep = columns.slot_free[arcs.slot] > 0
    row, slot, cost = arcs.row[keep], arcs.slot[keep], arcs.cost[keep]
    mode = best_ways(columns, row, slot).mode
    return Pairs(*(column.astype(np.int64) for column in (row, slot, cost, mode)))


def model_of(problem: Problem, pairs: Pairs, *, seed: int | None = None) -> Model:
    """
    Writes down the rows and the goals of a Problem over some pairs.

    Parameters
    ----------
    problem
        Whose rules they are.
    pairs
        All of ``pairs_of``, or those of one plan, whose broken rules are then its faults.
    seed
        Of the tie-break, whose level is left out without it.
    """
    draft = _Draft(len(pairs.row))
    effort = efforts(problem, pairs.row, pairs.slot, pairs.mode == MODE_ORDER.index(Mode.HH))
    _seats(draft, problem, pairs)
    _caps(draft, problem, pairs, effort)
    _groups(draft, problem, pairs)
    _pathways(draft, problem, pairs)
    _tours(draft, problem, pairs)
    goals = dict(_goals(draft, problem, pairs, effort))
    if seed is not None:
        goals["5"] = (_terms(tie_breaks(problem, pairs.row, pairs.slot, seed)), 0)
    return draft.model(problem, pairs, goals)


_Terms = list[tuple[Ints, Ints]]
"""Variables and their coefficients, in pieces."""


@dataclass(eq=False, slots=True)
class _Draft:
    """Rows and variables in the making."""

    arcs: int
    rows: list[tuple[str, int, int]] = field(default_factory=list)
    entries: list[tuple[int, Ints, Ints]] = field(default_factory=list)
    extra: list[tuple[int, bool]] = field(default_factory=list)

    def variable(self, most: int, *, whole: bool = True) -> int:
        self.extra.append((most, whole))
        return self.arcs + len(self.extra) - 1

    def row(self, kind: str, terms: _Terms, *, low: int = -ANY, high: int = ANY) -> None:
        self.entries.extend((len(self.rows), variables, values) for variables, values in terms)
        self.rows.append((kind, low, high))

    def model(self, problem: Problem, pairs: Pairs, goals: dict[str, tuple[_Terms, int]]) -> Model:
        size = self.arcs + len(self.extra)
        dense = {}
        for level, (terms, constant) in goals.items():
            of_variable = np.zeros(size, dtype=np.int64)
            for variables, values in terms:
                np.add.at(of_variable, variables, values)
            dense[level] = Goal(of_variable, constant)
        lengths = [len(variables) for _, variables, _ in self.entries]
        none = [np.zeros(0, dtype=np.int64)]
        return Model(
            problem=problem,
            pairs=pairs,
            entry_row=np.repeat(_whole([row for row, _, _ in self.entries]), lengths),
            entry_variable=np.concatenate(none + [entry[1] for entry in self.entries]),
            entry_value=np.concatenate(none + [entry[2] for entry in self.entries]),
            low=_whole([low for _, low, _ in self.rows]),
            high=_whole([high for _, _, high in self.rows]),
            kind=[kind for kind, _, _ in self.rows],
            most=np.concatenate([np.ones(self.arcs, np.int64), _whole([m for m, _ in self.extra])]),
            whole=np.array([True] * self.arcs + [whole for _, whole in self.extra]),
            goals={level: dense[level] for level in LEVELS if level in dense},
        )


def _seats(draft: _Draft, problem: Problem, pairs: Pairs) -> None:
    """At most one seat a referral, one for each that was told; no more than are free in a slot."""
    told = _told(problem)
    for row, arcs in _by(pairs.row, len(problem.referrals)):
        if len(arcs) or row in told:
            draft.row("referral", [_each(arcs)], low=int(row in told), high=1)
    free: dict[str, int] = defaultdict(int)
    for slot, _ in problem.free_seats:
        free[slot] += 1
    for at, arcs in _by(pairs.slot, len(problem.slots)):
        if len(arcs):
            draft.row("seat", [_each(arcs)], high=free[problem.slots[at].id])
    if told:
        moved = np.flatnonzero([told.get(row, at) != at for row, at in _couples(pairs)])
        draft.row("told", [_each(moved)], high=problem.policy.max_told_moves)


def _caps(draft: _Draft, problem: Problem, pairs: Pairs, effort: Ints) -> None:
    of_slot = dict(_by(pairs.slot, len(problem.slots)))
    for period in periods(problem):
        arcs = np.concatenate([of_slot[at] for at in period.slots])
        if len(arcs) and period.bookings is not None:
            draft.row("cap", [_each(arcs)], high=period.bookings)
        if len(arcs) and period.effort is not None:
            draft.row("cap", [(arcs, effort[arcs])], high=period.effort)


def _groups(draft: _Draft, problem: Problem, pairs: Pairs) -> None:
    """One run for all members or none; each slot of it that no pin holds is some member's."""
    members, held = groups_of(problem)
    of_row = dict(_by(pairs.row, len(problem.referrals)))
    for group, rows in members.items():
        pinned = held.get(group, set())
        if len(rows) == 1 and not pinned:
            continue
        arcs = np.concatenate([of_row[row] for row in rows])
        used = {*pairs.slot[arcs].tolist(), *pinned}
        chosen = {
            run: draft.variable(1)
            for agenda in agendas(problem, used)
            if pinned <= set(agenda)
            for run in runs(problem, agenda, pinned, len(rows))
        }
        every = _whole(list(chosen.values()))
        draft.row("group", [_each(every)], high=1)
        for row in rows:
            draft.row("group", [_each(of_row[row]), _each(every, -1)], low=0, high=0)
        for at in sorted(used):
            on_it = _each(_whole([chosen[run] for run in chosen if at in run]), -1)
            here = arcs[pairs.slot[arcs] == at]
            for arc in here.tolist():
                draft.row("group", [_each(_whole([arc])), on_it], high=0)
            if at not in pinned:
                draft.row("group", [_each(here), on_it], low=0)


def _pathways(draft: _Draft, problem: Problem, pairs: Pairs) -> None:
    """A later step's slot only with a slot of the step before it that lies right."""
    index = {referral.id: row for row, referral in enumerate(problem.referrals)}
    of_row = dict(_by(pairs.row, len(problem.referrals)))
    for row, referral in enumerate(problem.referrals):
        if referral.follows not in index:
            continue
        pathway = problem.policy.pathway(referral.pathway or "")
        if pathway is None:
            continue
        step, before = pathway.steps[referral.step], of_row[index[referral.follows]]
        ends = [problem.slots[at].end for at in pairs.slot[before].tolist()]
        for arc in of_row[row].tolist():
            start = problem.slots[pairs.slot[arc]].start
            fits = [step.after_min <= start - end <= step.after_max for end in ends]
            draft.row(
                "pathway",
                [_each(_whole([arc])), _each(before[np.flatnonzero(fits)], -1)],
                high=0,
            )


def _tours(draft: _Draft, problem: Problem, pairs: Pairs) -> None:
    """A booking leaves no room in a slot for those with which it is not at peace."""
    if problem.policy.home_visits is None:
        return
    home = pairs.mode == MODE_ORDER.index(Mode.HH)
    number = {one.id: at for at, one in enumerate(problem.practitioners)}
    giver = np.array([number[slot.practitioner] for slot in problem.slots])[pairs.slot]
    for at, arcs in _by(giver, len(problem.practitioners)):
        if at not in set(giver[home].tolist()) or len(arcs) < 2:
            continue
        mine = pairs.only(arcs)
        modes = [MODE_ORDER[mode] for mode in mine.mode.tolist()]
        quarrel = quarrels(problem, visits(problem, mine.row, mine.slot, modes))
        quarrel &= mine.row[:, None] != mine.row[None, :]
        for slot in np.unique(mine.slot).tolist():
            there = np.flatnonzero(mine.slot == slot)
            room = problem.slots[slot].capacity
            for arc in np.flatnonzero(quarrel[:, there].any(axis=1)).tolist():
                against = arcs[there[quarrel[arc, there]]]
                draft.row("tour", [_each(against), _each(arcs[[arc]], room)], high=room)


def _goals(
    draft: _Draft, problem: Problem, pairs: Pairs, effort: Ints
) -> Iterator[tuple[str, tuple[_Terms, int]]]:
    level = np.array([UNSERVED_LEVEL[one.priority] for one in problem.referrals], dtype=np.int64)
    for at in sorted(set(UNSERVED_LEVEL.values())):
        served = np.flatnonzero(level[pairs.row] == at)
        yield LEVELS[at], ([_each(served, -1)], int((level == at).sum()))
    yield "2", (_terms(pairs.cost), 0)
    active = problem.active_levels
    if "0" in active:
        yield "0", (list(_shortfalls(draft, problem, pairs)), 0)
    if "3" in active:
        yield "3", (list(_spread(draft, problem, pairs, effort)), 0)
    if "4" in active:
        told = _told(problem)
        moved = np.flatnonzero([told.get(row, at) != at for row, at in _couples(pairs)])
        yield "4", ([_each(moved)], 0)


def _shortfalls(draft: _Draft, problem: Problem, pairs: Pairs) -> Iterator[tuple[Ints, Ints]]:
    for floor in problem.policy.floors:
        rows = [row for row, one in enumerate(problem.referrals) if _matches(floor, one)]
        wanted = -(-floor.percent * len(rows) // FULL)
        short = _whole([draft.variable(wanted)])
        served = np.flatnonzero(np.isin(pairs.row, rows))
        draft.row("floor", [_each(served), _each(short)], low=wanted)
        yield _each(short)


def _matches(floor: Floor, referral: Referral) -> bool:
    place = referral.patient.location
    commune = None if place is None else place.insee
    return floor.priority in (None, referral.priority) and floor.insee in (None, commune)


def _spread(
    draft: _Draft, problem: Problem, pairs: Pairs, effort: Ints
) -> Iterator[tuple[Ints, Ints]]:
    """Each practitioner's effort in tenths of what was offered, step by step ever dearer."""
    giver_of = {slot.id: slot.practitioner for slot in problem.slots}
    offered, pinned = defaultdict[str, int](int), defaultdict[str, int](int)
    for slot in problem.slots:
        if slot.state is SlotState.OPEN:
            offered[slot.practitioner] += slot.capacity * seat_minutes(slot)
    for pin, minutes in zip(problem.pins, pin_efforts(problem), strict=True):
        pinned[giver_of[pin.slot]] += minutes
    giver = np.array([giver_of[slot.id] for slot in problem.slots])[pairs.slot]
    for one in sorted(set(giver_of.values())):
        mine = np.flatnonzero(giver == one)
        step = max(1, offered[one])
        parts = [draft.variable(step, whole=False) for _ in range(STEPS)]
        most = TENTHS * (pinned[one] + int(effort[mine].sum()))
        beyond = draft.variable(most, whole=False)
        filled = _whole([*parts, beyond])
        draft.row(
            "spread",
            [_each(filled), (mine, -TENTHS * effort[mine])],
            low=TENTHS * pinned[one],
        )
        yield filled, _whole([2 * at + 1 for at in range(STEPS + 1)])


def _told(problem: Problem) -> dict[int, int]:
    rows = {referral.id: row for row, referral in enumerate(problem.referrals)}
    slots = {slot.id: at for at, slot in enumerate(problem.slots)}
    return {rows[told.referral]: slots[told.slot] for told in problem.told}


def _couples(pairs: Pairs) -> Iterator[tuple[int, int]]:
    return zip(pairs.row.tolist(), pairs.slot.tolist(), strict=True)


def _by(key: Ints, size: int) -> Iterator[tuple[int, Ints]]:
    """Gives for each value of a key the positions that have it."""
    order = np.argsort(key, kind="stable")
    ends = np.searchsorted(key[order], np.arange(size + 1))
    for value in range(size):
        yield value, order[ends[value] : ends[value + 1]]


def _each(variables: Ints, value: int = 1) -> tuple[Ints, Ints]:
    return variables, np.full(len(variables), value, dtype=np.int64)


def _terms(of_arc: Ints) -> _Terms:
    return [(np.arange(len(of_arc)), of_arc)]


def _whole(values: list[int]) -> Ints:
    return np.array(values, dtype=np.int64)
