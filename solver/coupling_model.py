"""
The side constraints as linear rows over pairs: one model, from which every level takes its cost.

Variables stand in five blocks: ``x`` a kept pair is used, ``u`` a row stays unserved, ``y`` a group
takes a run, ``f`` a floor's shortfall, ``e`` a practitioner's effort by tenths of what was offered.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from slotengine.problem import COST_LEVEL, FLOOR_LEVEL, MOVE_LEVEL, SPREAD_LEVEL
from slotengine.solver.duals import UNSERVED
from slotengine.solver.encoding import Flags, Indices, Ints, Reals
from slotengine.solver.pairs import Pairs
from slotengine.solver.side import Follow, Side
from slotengine.solver.tallies import BEYOND_SLOPE, MINUTE_TENTHS, TENTHS
from slotengine.solver.workload import UNLIMITED

HALF = 0.5
"""A whole number of HiGHS lies within 1e-6 of one; half is far from both."""

NO_KEY: Ints = np.zeros(0, dtype=np.int64)


class Rows(NamedTuple):
    """
    Some rows of the model: entries (N,) by row, variable and value; bounds (M,).

    ``what`` names the kind of rows that a pair's price is made of: ``row``, ``room``, ``bookings``,
    ``effort``, ``spread``; ``key`` (M,) says which slot, period or practitioner each row is of.
    """

    row: Ints
    col: Ints
    value: Reals
    low: Reals
    high: Reals
    what: str = "other"
    key: Ints = NO_KEY
    period: int = 0


class Cut(NamedTuple):
    """A row over pairs alone, made when a solution broke a rule: at most ``high`` of its sum."""

    arcs: tuple[int, ...]
    values: tuple[int, ...]
    high: int


@dataclass(frozen=True, eq=False, slots=True)
class Model:
    """
    A model over the pairs ``keep`` (K,), ascending indices into all pairs.

    ``first_u``, ``first_y``, ``first_f``, ``first_e`` are where the blocks begin, ``size`` is the
    number of variables; ``upper`` (size,) their upper bounds, all lower bounds are 0; ``whole``
    (size,) flags of those that must be integers.
    """

    pairs: Pairs
    side: Side
    keep: Ints
    row: Ints
    slot: Ints
    first_u: int
    first_y: int
    first_f: int
    first_e: int
    size: int
    upper: Reals
    whole: Flags
    rows: tuple[Rows, ...]

    def cost(self, level: int) -> Ints:
        """Gives each variable's cost at a level but the tie-break, (size,) int64."""
        cost = np.zeros(self.size, dtype=np.int64)
        if level == FLOOR_LEVEL:
            cost[self.first_f : self.first_e] = 1
        elif level == COST_LEVEL:
            cost[: self.first_u] = self.pairs.cost[self.keep]
        elif level == SPREAD_LEVEL:
            slopes = [2 * at + 1 for at in range(TENTHS)] + [BEYOND_SLOPE]
            givers = (self.size - self.first_e) // len(slopes)
            cost[self.first_e :] = np.tile(slopes, givers)
        elif level == MOVE_LEVEL:
            cost[: self.first_u] = moved(self.side, self.row, self.slot)
        else:
            cost[self.first_u : self.first_y] = self.pairs.level == level
        return cost

    def arc_of_row(self, solution: Reals) -> Ints:
        """Gives the pair that a whole solution uses for each row, (R,), ``UNSERVED`` where none."""
        used = np.flatnonzero(solution[: self.first_u] > HALF)
        found = np.full(self.pairs.rows, UNSERVED, dtype=np.int64)
        found[self.row[used]] = self.keep[used]
        return found


def moved(side: Side, row: Ints, slot: Ints) -> Ints:
    """Gives 1 for each pair of a told row on another slot than its own, else 0."""
    told = np.full(int(row.max(initial=-1)) + 1, -1, dtype=np.int64)
    for at, own in side.told.items():
        if at < len(told):
            told[at] = own
    away: Flags = (told[row] >= 0) & (told[row] != slot)
    return away.astype(np.int64)


def model_of(
    pairs: Pairs, side: Side, keep: Ints, cuts: Sequence[Cut] = (), *, tight: bool = False
) -> Model:
    """
    Writes the model over some pairs; the others are not used in any of its solutions.

    ``tight`` adds rows that no whole plan breaks but many fractional ones do: they raise the bound
    of a relaxation, and slow a search down, which finds its own.
    """
    row = pairs.row_of(keep)
    slot = pairs.slot[keep].astype(np.int64)
    runs = sum(len(group.runs) for group in side.groups)
    givers = len(pairs.offered) if side.spread else 0
    first_u = len(keep)
    first_y = first_u + pairs.rows
    first_f = first_y + runs
    first_e = first_f + len(side.floors)
    size = first_e + givers * (TENTHS + 1)
    upper = np.full(size, np.inf)
    upper[:first_f] = 1
    upper[[first_u + row for row in sorted(side.seated)]] = 0
    if side.spread:
        offered = pairs.offered[:, None]
        block = np.concatenate(
            [np.repeat(offered, TENTHS, axis=1), np.full((givers, 1), np.inf)], axis=1
        )
        upper[first_e:] = block.ravel()
    whole = np.zeros(size, dtype=np.bool_)
    whole[:first_u] = True
    whole[first_y:first_f] = True
    made = Model(
        pairs, side, keep, row, slot, first_u, first_y, first_f, first_e, size, upper, whole, ()
    )
    rows = [_each_row_once(made), _room(made), *_caps(made), *_groups(made), *_pathways(made)]
    rows += [*_floors(made), *_told(made), *_spread(made)]
    if cuts:
        rows.append(_cut_rows(made, cuts))
    if tight:
        rows += tight_rows(made)
    return replace(made, rows=tuple(rows))


def _each_row_once(model: Model) -> Rows:
    rows = model.first_y - model.first_u
    one = np.ones(rows)
    return Rows(
        np.concatenate([model.row, np.arange(rows)]),
        np.arange(model.first_y),
        np.ones(model.first_y),
        one,
        one,
        "row",
        np.arange(rows),
    )


def _room(model: Model) -> Rows:
    return _sums(model, "room", model.pairs.slot, None, model.pairs.room)


def _sums(model: Model, what: str, key: Indices, value: Indices | Ints | None, high: Ints) -> Rows:
    """
    Gives one row for each key whose pairs, kept or not, could pass its bound.

    ``key`` and ``value`` are of all pairs, so that the rows don't depend on those that are kept.
    """
    most = np.bincount(key, weights=value, minlength=len(high))
    binding = np.flatnonzero((most > high) & (high < UNLIMITED))
    position = np.full(len(high), -1, dtype=np.int64)
    position[binding] = np.arange(len(binding))
    at = position[key[model.keep]]
    used = np.flatnonzero(at >= 0)
    kept = np.ones(len(used)) if value is None else value[model.keep[used]].astype(np.float64)
    return Rows(
        at[used],
        used,
        kept,
        np.full(len(binding), -np.inf),
        high[binding].astype(np.float64),
        what,
        binding,
    )


def _caps(model: Model) -> list[Rows]:
    pairs = model.pairs
    rows = []
    for number, period in enumerate(pairs.periods):
        key = period.of_slot[pairs.slot]
        bookings = _sums(model, "bookings", key, None, period.bookings)
        effort = _sums(model, "effort", key, pairs.effort, period.effort)
        rows += [bookings._replace(period=number), effort._replace(period=number)]
    return rows


FOLDS = (1, 2, 3, 4, 5)
"""
How many wholes a cap is thought of as, in turn. Measured at 200 referrals: the relaxation of level
1d rises from 14.99 to 18.83 where 20 is the optimum, that of level 2 from 2.7 % to 1.4 % below it.
"""


def folded(effort: Ints, cap: Ints, fold: int) -> Ints:
    """
    Gives the weight of an effort under a dual feasible function of a cap.

    Notes
    -----
    ``ceil((fold + 1) * effort / cap) - 1``: weights of whatever fits together add up to at most
    ``fold`` (Fekete, Schepers, "New classes of fast lower bounds for bin packing problems", 2001).
    """
    return -(-(fold + 1) * effort // np.maximum(cap, 1)) - 1


def tight_rows(model: Model) -> list[Rows]:
    """Gives rows that follow from caps in effort for whole plans only."""
    pairs = model.pairs
    rows = []
    for number, period in enumerate(pairs.periods):
        key = period.of_slot[pairs.slot]
        limited = period.effort < UNLIMITED
        effort = np.where(limited[key], pairs.effort, 0).astype(np.int64)
        for fold in FOLDS:
            weight = folded(effort, period.effort[key], fold)
            high = np.where(limited, fold, UNLIMITED)
            sums = _sums(model, f"fold{fold}", key, weight, high)
            rows.append(sums._replace(period=number))
    return rows


class _Entries:
    """Rows written one by one."""

    def __init__(self) -> None:
        self._row: list[int] = []
        self._col: list[int] = []
        self._value: list[float] = []
        self._low: list[float] = []
        self._high: list[float] = []

    def add(self, entries: Sequence[tuple[int, float]], low: float, high: float) -> None:
        """Adds one row of (variable, value)."""
        self._row += [len(self._low)] * len(entries)
        self._col += [variable for variable, _ in entries]
        self._value += [value for _, value in entries]
        self._low.append(low)
        self._high.append(high)

    def rows(self) -> Rows:
        """Gives them as arrays."""
        return Rows(
            np.array(self._row, dtype=np.int64),
            np.array(self._col, dtype=np.int64),
            np.array(self._value, dtype=np.float64),
            np.array(self._low, dtype=np.float64),
            np.array(self._high, dtype=np.float64),
        )


def _kept_of(model: Model, row: int) -> range:
    first, last = np.searchsorted(model.keep, model.pairs.start[row : row + 2])
    return range(int(first), int(last))


def _groups(model: Model) -> list[Rows]:
    """A member sits exactly as often as its group takes a run, and where the run has seats."""
    if not model.side.groups:
        return []
    entries = _Entries()
    variable = model.first_y
    for group in model.side.groups:
        taken = [(variable + at, -1.0) for at in range(len(group.runs))]
        seats: dict[int, list[tuple[int, float]]] = defaultdict(list)
        for at, run in enumerate(group.runs):
            for slot, count in run:
                seats[slot].append((variable + at, -float(count)))
        variable += len(group.runs)
        entries.add([(one, 1.0) for one, _ in taken], 0, 1)
        on_slot: dict[int, list[tuple[int, float]]] = defaultdict(list)
        for row in group.rows:
            kept = _kept_of(model, row)
            entries.add([*((at, 1.0) for at in kept), *taken], 0, 0)
            for at in kept:
                on_slot[int(model.slot[at])].append((at, 1.0))
        for slot in sorted({*on_slot, *seats}):
            entries.add([*on_slot[slot], *seats[slot]], 0, 0)
    return [entries.rows()]


def _pathways(model: Model) -> list[Rows]:
    """
    A later step needs the step before it within its times.

    Both steps are single seats, so it is enough to ask of every instant: who starts until then
    needs an end early enough, who starts from then on needs an end late enough.
    """
    entries = _Entries()
    for follow in model.side.follows:
        _follow(model, follow, entries)
    return [entries.rows()] if model.side.follows else []


def _follow(model: Model, follow: Follow, entries: _Entries) -> None:
    pairs = model.pairs
    before, after = _kept_of(model, follow.before), _kept_of(model, follow.row)
    ends = [(int(pairs.ends_us[model.slot[at]]), at) for at in before]
    starts = [(int(pairs.starts_us[model.slot[at]]), at) for at in after]
    unserved_before, unserved = (model.first_u + row for row in (follow.before, follow.row))
    entries.add([(unserved_before, 1.0), (unserved, -1.0)], -np.inf, 0)
    for instant in sorted({start for start, _ in starts}):
        until = [(at, 1.0) for start, at in starts if start <= instant]
        early = [(at, -1.0) for end, at in ends if end <= instant - follow.at_least_us]
        if len(early) < len(ends):
            entries.add([*until, *early], -np.inf, 0)
        since = [(at, 1.0) for start, at in starts if start >= instant]
        late = [(at, -1.0) for end, at in ends if end >= instant - follow.at_most_us]
        if len(late) < len(ends):
            entries.add([*since, *late], -np.inf, 0)


def _floors(model: Model) -> list[Rows]:
    if not model.side.floors:
        return []
    entries = _Entries()
    for at, floor in enumerate(model.side.floors):
        stay = [(model.first_u + row, 1.0) for row in floor.rows]
        most = len(floor.rows) - floor.wanted
        entries.add([*stay, (model.first_f + at, -1.0)], -np.inf, most)
    return [entries.rows()]


def _told(model: Model) -> list[Rows]:
    if not model.side.told:
        return []
    moves = np.flatnonzero(moved(model.side, model.row, model.slot))
    zero = np.zeros(len(moves), dtype=np.int64)
    high = np.array([float(model.side.max_told_moves)])
    return [Rows(zero, moves, np.ones(len(moves)), np.array([-np.inf]), high)]


def _spread(model: Model) -> list[Rows]:
    """Effort, pins included, fills the tenths of each practitioner's offer."""
    if not model.side.spread:
        return []
    givers = len(model.pairs.offered)
    giver = model.pairs.giver[model.slot].astype(np.int64)
    width = TENTHS + 1
    tenths = np.arange(givers * width)
    effort = MINUTE_TENTHS * model.pairs.effort[model.keep].astype(np.float64)
    pinned = -MINUTE_TENTHS * model.pairs.pinned_effort.astype(np.float64)
    return [
        Rows(
            np.concatenate([giver, tenths // width]),
            np.concatenate([np.arange(len(model.keep)), model.first_e + tenths]),
            np.concatenate([effort, -np.ones(givers * width)]),
            pinned,
            pinned,
            "spread",
            np.arange(givers),
        )
    ]


def _cut_rows(model: Model, cuts: Sequence[Cut]) -> Rows:
    entries = _Entries()
    for cut in cuts:
        at = np.searchsorted(model.keep, cut.arcs)
        kept = [
            (int(position), float(value))
            for position, arc, value in zip(at, cut.arcs, cut.values, strict=True)
            if position < len(model.keep) and model.keep[position] == arc
        ]
        if kept:
            entries.add(kept, -np.inf, cut.high)
    return entries.rows()
