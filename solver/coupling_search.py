"""
One search under side constraints: the best plan so far, and what still may better it.

Each level ends as soon as the best plan reaches a bound: one that was known, that of the linear
relaxation, whose reduced costs then rule pairs out, or that of branch and bound.
"""

from collections.abc import Sequence
from itertools import count

import numpy as np

from slotengine.errors import ProblemError, SolverError, SolverTimeoutError
from slotengine.problem import (
    COST_LEVEL,
    FLOOR_LEVEL,
    LEVELS,
    TIE_LEVEL,
    UNSERVED_LEVEL,
    Limits,
)
from slotengine.side_constraints import FULL
from slotengine.solver.coupling_exact import exact_search
from slotengine.solver.coupling_highs import safe_bound, search
from slotengine.solver.coupling_model import Cut, Model
from slotengine.solver.coupling_neighbourhoods import Neighbourhoods
from slotengine.solver.coupling_pruning import usable
from slotengine.solver.coupling_relaxing import Relaxing
from slotengine.solver.coupling_task import Task
from slotengine.solver.coupling_tours import Wars
from slotengine.solver.duals import UNSERVED
from slotengine.solver.encoding import Ints, Reals
from slotengine.solver.soundness import fault
from slotengine.solver.tallies import tally

ROUNDS = 50
"""Most times that a search is repeated because its plan asked for impossible ways between homes."""

SLACK = 1e-6
"""How far a reduced cost of HiGHS may be off, in the unit of the level."""

CORE_PER_ROW = 12
"""
Pairs a row, by reduced cost, among which the first search looks: enough to find the optimum in most
cases and few enough for seconds. The proof then asks for all pairs that could still be better.
"""

CLASS_LEVELS = tuple(UNSERVED_LEVEL.values())
CLASS_WEIGHT = 3
"""Weight of one class of urgency over the next when all are searched at once."""

PROPOSED_PAIRS = 60_000
"""Pairs up to which the first search looks among all of them, so that it may prove something."""

LIKED_PER_ROW = 40
"""Pairs a row with which a relaxation of many pairs begins, by the prices without constraints."""

WALK_SHARE = 0.6
"""Share of the time left that the walk through neighbourhoods may take before levels are proved."""

WHOLE_SHARE = 0.95
"""Share of the walk where nothing is proved after it; the rest is for writing the plan."""

RELAXED_PAIRS = 2_000_000
"""
Most pairs that are relaxed. Beyond, a level is bounded by flows alone: the relaxation of 550,000
pairs takes some ten seconds, and grows faster than they do.
"""

TIED_PAIRS = 5_000
"""
Most pairs among which the tie-break is searched; beyond, the last level stays unproved. CP-SAT's
presolve alone took minutes on the 20,000 pairs that 200 referrals left open.
"""

TIE_SECONDS = 10.0
"""
Deterministic seconds spent on the tie-break at most, which makes plans unique but nobody healthier:
50 referrals end in 0.6, 100 in some 6. A constant, or the clock would decide between equal plans.
"""

LEAST_SECONDS = 1e-3
"""Shortest limit of a search that began when time was just out."""


class Search:
    """The best plan so far, the pairs that may still better it, and the levels already settled."""

    def __init__(self, task: Task, start: Ints | None) -> None:
        self._task = task
        self.best = np.full(task.pairs.rows, UNSERVED, dtype=np.int64)
        self._alive = usable(task.pairs, task.side)
        self._most: list[tuple[int, int]] = []
        self._classes_best = False
        self._give_percent = task.give_percent
        self._wars = None if task.tours is None else Wars(task.pairs, task.tours)
        if start is not None:
            self.best = start
        self._relaxing = Relaxing(task.pairs, task.side, self._wars, self._liked())
        if start is None:
            self.best = self._any_plan()
        self._tally = self._count(self.best)

    def propose(self) -> None:
        """
        Makes the best plan better before any level is asked to be proved.

        Where there are few pairs, by searching all classes of urgency at once: served sets under
        side constraints are no matroid, so the weights prove the last class alone, and only where
        all classes before it have reached their bounds. Where there are many, neighbourhood by
        neighbourhood.
        """
        known, last = self._task.known, COST_LEVEL + 1
        if len(known) >= last and self._tally[:last] <= tuple(known[:last]):
            return
        if len(self._alive) <= PROPOSED_PAIRS:
            if not self._task.side.floors:
                bound, _ = self._branched(CLASS_LEVELS, self._alive)
                # The best plan may be another: one more urgent served may cost many others.
                weights = zip(CLASS_LEVELS, _class_weights(CLASS_LEVELS), strict=True)
                total = sum(weight * self.value(at) for at, weight in weights)
                self._classes_best = bound is not None and total <= bound
            return
        self._walk()

    def _walk(self) -> None:
        """Improves all levels together, neighbourhood by neighbourhood, for a share of the time."""
        around = Neighbourhoods(self._task.pairs, self._task.side, self._task.tours, self._alive)
        share = WALK_SHARE if len(self._alive) <= RELAXED_PAIRS else WHOLE_SHARE
        until = self._task.seconds_left() * (1 - share)
        asked = count()

        def enough() -> bool:
            # With a limit of nodes so many neighbourhoods, so that no clock decides.
            over = self._task.nodes is not None and next(asked) >= self._task.nodes
            return over or self._task.seconds_left() <= until

        around.walk(self.best, _weigh_all, self._better, enough)

    def _better(self, arc_of_row: Ints) -> bool:
        before = self.best
        self._take(0, arc_of_row)
        return self.best is not before

    def value(self, at: int) -> int:
        """Gives what the best plan so far comes to at a level."""
        return self._tally[at]

    def level(self, at: int, known: int | None, *, pure: bool) -> tuple[int | None, bool]:
        """
        Settles one level: its bound, and whether the best plan reaches it.

        ``pure`` tells that the bound known is that of the problem without side constraints.
        """
        lower = known
        if lower is None or self.value(at) > lower:
            lower = self._searched(at, lower)
        elif pure and at != TIE_LEVEL:
            # Whoever reaches the bound uses only pairs of reduced cost zero.
            spare = self._allowed(at) - lower
            near = self._task.reduced_of(at, self._alive) <= spare
            self._alive = self._alive[near]
        proved = lower is not None and self.value(at) <= lower
        self._most.append((at, self._allowed(at)))
        return lower, proved

    def _any_plan(self) -> Ints:
        """Finds a plan that keeps everything, however bad: who was told or promised has a seat."""
        for _ in range(ROUNDS):
            if self._out_of_time():
                break
            model = self._relaxing.model(self._alive)
            limits = Limits(seconds=self._seconds())
            found = search(model, np.zeros(model.size, dtype=np.int64), (), limits)
            if found.impossible:
                raise ProblemError(
                    "no plan keeps the seats of all who were told one or promised one"
                )
            if found.solution is None:
                break
            arc_of_row = model.arc_of_row(found.solution)
            cuts = self._wars_of(arc_of_row)
            if not cuts:
                return arc_of_row
            self._relaxing.cuts += cuts
        raise SolverTimeoutError(self._task.seconds)

    def _wars_of(self, arc_of_row: Ints) -> list[Cut]:
        used = arc_of_row[arc_of_row != UNSERVED]
        return [] if self._wars is None else self._wars.cuts(used, np.ones(len(used)))

    def _liked(self) -> Ints:
        """Gives the pairs that a relaxation should begin with."""
        used = self.best[self.best != UNSERVED]
        if len(self._task.known) <= COST_LEVEL:
            return np.asarray(used)
        reduced = self._task.reduced_of(COST_LEVEL, self._alive)
        few = _smallest(reduced, LIKED_PER_ROW * self._task.pairs.rows)
        liked: Ints = np.union1d(self._alive[few], used)
        return liked

    def regain(self) -> bool:
        """
        Takes back what level 2 gave for level 3 and level 3 did not need; tells whether proved.

        Otherwise the tie-break would spend it on dearer seats for nobody's good.
        """
        self._give_percent = 0
        lower = self._searched(COST_LEVEL, None)
        self._most.append((COST_LEVEL, self.value(COST_LEVEL)))
        return lower is not None and self.value(COST_LEVEL) <= lower

    def _allowed(self, at: int) -> int:
        value = self.value(at)
        return value + value * self._give_percent // FULL if at == COST_LEVEL else value

    def _count(self, arc_of_row: Ints) -> tuple[int, ...]:
        return tally(self._task.pairs, self._task.side, arc_of_row, self._task.tie_of)

    def _out_of_time(self) -> bool:
        return self._task.seconds_left() <= 0

    def _seconds(self) -> float:
        # The last of them may pass after _out_of_time was asked, and a limit is never 0.
        return max(self._task.seconds_left(), LEAST_SECONDS)

    def _searched(self, at: int, known: int | None) -> int | None:
        """Searches below the best plan; gives the bound that this proves, None when it can't."""
        if at == TIE_LEVEL:
            return self._tied(known)
        if len(self._alive) > RELAXED_PAIRS:
            return known
        if at == CLASS_LEVELS[-1] and known is not None and self._classes_best:
            return self.value(at)
        self._relaxing.like(self.best[self.best != UNSERVED])
        loose = self._relaxing.relaxed(at, self._most, self._alive, self._out_of_time)
        if loose is None:
            if self._out_of_time():
                return known
            raise SolverError(f"level {LEVELS[at]} has no relaxation, though a plan is known")
        lower = max(safe_bound(loose.value), known if known is not None else 0)
        if self.value(at) > lower:
            before = self.value(at)
            lower = self._below(at, loose.value, loose.reduced, lower)
            many = len(self._alive) > PROPOSED_PAIRS
            if self.value(at) < before and many and at in CLASS_LEVELS:
                # The search looked at this level alone: the levels after it suffered.
                self._walk()
        if self.value(at) <= lower:
            # What costs more than may be spent at this level is in no plan that is still wanted.
            spare = self._allowed(at) - loose.value
            self._alive = self._alive[loose.reduced <= spare + SLACK]
        return lower

    def _below(self, at: int, value: float, reduced: Reals, lower: int) -> int:
        """Searches below the best plan, first among the pairs that the relaxation likes best."""
        core = self._alive[_smallest(reduced, CORE_PER_ROW * self._task.pairs.rows)]
        while True:
            used = self.best[self.best != UNSERVED]
            bound, complete = self._branched((at,), np.union1d(core, used))
            gap = self.value(at) - value
            if self.value(at) <= lower:
                return lower
            if not complete:
                # The core's own bound says nothing of plans outside it.
                inside = lower if bound is None else bound
                outside = lower if len(core) < len(self._alive) else self.value(at)
                return max(lower, min(inside, outside, self.value(at)))
            wanted = self._alive[reduced <= gap + SLACK]
            if np.isin(wanted, core).all():
                return self.value(at)
            core = wanted

    def _branched(self, levels: Sequence[int], keep: Ints) -> tuple[int | None, bool]:
        """
        Searches among some pairs: the bound there, and whether nothing better is left there.

        Several levels are weighed against each other, falling.
        """
        at = levels[0]
        for _ in range(ROUNDS):
            if self._out_of_time():
                break
            model = self._relaxing.model(keep)
            limits = Limits(seconds=self._seconds(), nodes=self._task.nodes)
            settled = self._relaxing.settled(model, self._most)
            found = search(model, _weighed(model, levels), settled, limits)
            if found.impossible:
                raise SolverError(f"level {LEVELS[at]} has no plan, though one is known")
            bound = None if found.bound is None else safe_bound(found.bound)
            if found.solution is None:
                return bound, False
            arc_of_row = model.arc_of_row(found.solution)
            cuts = self._wars_of(arc_of_row)
            if not cuts:
                self._take(at, arc_of_row)
                return bound, found.complete
            self._relaxing.cuts += cuts
        return None, False

    def _tied(self, known: int | None) -> int | None:
        """Searches the smallest tie-break among equal plans, in whole numbers throughout."""
        if self._out_of_time() or len(self._alive) > TIED_PAIRS:
            return known
        for _ in range(ROUNDS):
            model = self._relaxing.model(self._alive)
            seconds = min(TIE_SECONDS, self._seconds())
            limits = Limits(seconds=seconds, nodes=self._task.nodes)
            settled = self._relaxing.settled(model, self._most)
            ties = np.zeros(model.size, dtype=np.int64)
            ties[: len(self._alive)] = self._task.tie_of(self._alive)
            found = exact_search(model, ties, settled, self.best, limits)
            if found.solution is None:
                return found.bound
            arc_of_row = model.arc_of_row(found.solution)
            cuts = self._wars_of(arc_of_row)
            if not cuts:
                self._take(TIE_LEVEL, arc_of_row)
                return found.bound
            self._relaxing.cuts += cuts
        return known

    def _take(self, at: int, arc_of_row: Ints) -> None:
        """Keeps a plan that is better at this level and no worse at those before it."""
        broken = fault(self._task.pairs, self._task.side, arc_of_row)
        if broken is not None:
            raise SolverError(f"a search gave a plan that breaks {broken}")
        counted = self._count(arc_of_row)
        if any(counted[level] > most for level, most in self._most):
            raise SolverError(f"a search for level {LEVELS[at]} gave up a level before it")
        if counted[at:] < self._tally[at:]:
            self.best, self._tally = arc_of_row, counted


def _class_weights(levels: Sequence[int]) -> list[int]:
    return [CLASS_WEIGHT ** (len(levels) - 1 - place) for place in range(len(levels))]


def _weighed(model: Model, levels: Sequence[int]) -> Ints:
    weights = _class_weights(levels)
    parts = [weight * model.cost(at) for at, weight in zip(levels, weights, strict=True)]
    total: Ints = np.sum(parts, axis=0, dtype=np.int64)
    return total


def _weigh_all(model: Model) -> Ints:
    """Weighs floors over classes, the more urgent heavier, and these over inconvenience."""
    dearest = int(model.cost(COST_LEVEL).max(initial=0)) * model.pairs.rows + 1
    parts = [model.cost(COST_LEVEL)]
    for place, at in enumerate((*reversed(CLASS_LEVELS), FLOOR_LEVEL)):
        parts.append(CLASS_WEIGHT**place * dearest * model.cost(at))
    total: Ints = np.sum(parts, axis=0, dtype=np.int64)
    return total


def _smallest(values: Ints | Reals, count: int) -> Ints:
    """Gives the indices of the smallest values, ascending."""
    if count >= len(values):
        return np.arange(len(values), dtype=np.int64)
    few: Ints = np.sort(np.argpartition(values, count)[:count])
    return few
