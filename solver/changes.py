"""
The smallest change that would have served a referral, each verified by solving with it.

Kinds are tried from the lightest burden on: by video, farther, later, one more seat (our choice).
Within a kind the smallest figure counts, and allowing more never takes the referral's seat away, so
halving finds it. A change that takes nobody's seat is preferred to one that does. What the plan's
own proof rules out is never solved.
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import NamedTuple, TypeVar

import numpy as np

from slotengine.codes import Mode, Priority
from slotengine.domain import Referral
from slotengine.errors import ProblemError, SolverTimeoutError, UnknownIdError
from slotengine.explanations import Change, ChangeKind, ChangeSearch, Few
from slotengine.problem import UNSERVED_LEVEL, Limits, Plan, Problem
from slotengine.reasons import Rule
from slotengine.solver.arcs import ALLOWED, Arcs, candidate_arcs, refusals
from slotengine.solver.columns import LONGEST, MICROSECOND, MODE_BIT, Columns, to_columns
from slotengine.solver.reduced import Prices
from slotengine.solver.solve import DEFAULT_LIMITS, solve
from slotengine.solver.travel import journeys
from slotengine.solver.variations import (
    cell_key,
    new_seats,
    with_one_more_seat,
    with_referral,
)

MOST_MORE_METRES = 30_000
"""Farther than this is no small change. Our choice: as far again as the farthest by default."""

MOST_LATER = timedelta(hours=48)
"""Later than this is no small change. Our choice: the longest default deadline."""

DEFAULT_SOLVES = 16
"""Most plans that are solved for one referral. Our choice."""

MINUTE = timedelta(minutes=1)

_COLLEAGUE_MAY = (Rule.TOUR, Rule.CAP)
"""What refuses a practitioner's seat for the sake of that practitioner's day; a colleague may."""

_Figure = TypeVar("_Figure")


def smallest_change(
    problem: Problem,
    plan: Plan,
    referral_id: str,
    *,
    limits: Limits = DEFAULT_LIMITS,
    solves: int = DEFAULT_SOLVES,
) -> Change | None:
    """
    Gives the smallest change with which the best plan serves a referral; None when none was found.

    ``smallest_changes`` also says whether the search was complete.
    """
    found = smallest_changes(problem, plan, (referral_id,), limits=limits, solves=solves)
    return found[0].change


def smallest_changes(
    problem: Problem,
    plan: Plan,
    referral_ids: Sequence[str] | None = None,
    *,
    limits: Limits = DEFAULT_LIMITS,
    solves: int = DEFAULT_SOLVES,
) -> tuple[ChangeSearch, ...]:
    """
    Searches for several referrals at once and shares what they have in common.

    Parameters
    ----------
    problem
        What was planned.
    plan
        Its plan: who has a seat in it needs no change.
    referral_ids
        Whom to search for. Default everybody without a seat.
    limits
        Of each plan that is solved.
    solves
        Most plans that are solved for one referral; a search that needs more is not complete.

    Raises
    ------
    UnknownIdError
        When the problem has no such referral.
    ProblemError
        When the plan is of another problem.
    """
    if plan.problem_digest != problem.digest:
        raise ProblemError("the plan is of another problem")
    night = _Night(problem, plan)
    if referral_ids is None:
        referral_ids = [one.referral for one in plan.unserved]
    return tuple(_Search(night, one, limits, solves).run() for one in referral_ids)


class _Night:
    """What every search of one plan reads."""

    def __init__(self, problem: Problem, plan: Plan) -> None:
        self.problem = problem
        self.plan = plan
        self.columns = to_columns(problem)
        self.prices = Prices(problem, plan)
        self.gains = self.prices.gains(self.columns, candidate_arcs(self.columns))
        self.row = {one.id: row for row, one in enumerate(problem.referrals)}
        self.served = {one.referral for one in plan.assignments}
        self.slots = {slot.id for slot in problem.slots}
        self.cells = new_seats(problem)

    def loses(self, plan: Plan) -> dict[Priority, Few]:
        """Counts by priority who has a seat in this night's plan and none in another."""
        counts = Counter(
            self.problem.referrals[self.row[one.referral]].priority
            for one in plan.unserved
            if one.referral in self.served
        )
        limit = self.problem.policy.hidden_below
        return {
            urgency: counts[urgency] if counts[urgency] >= limit else None
            for urgency in Priority
            if counts[urgency]
        }


class _Served(NamedTuple):
    """A changed problem whose best plan serves the referral, and the slot it sits on."""

    problem: Problem
    plan: Plan
    slot: str


class _Least(NamedTuple):
    """The smallest figure that serves, by its place; not ``exact`` where less might do."""

    at: int
    served: _Served
    exact: bool


class _Search:
    """The search for one referral, within its number of plans to solve."""

    def __init__(self, night: _Night, referral_id: str, limits: Limits, solves: int) -> None:
        if referral_id not in night.row:
            raise UnknownIdError("referral", referral_id)
        self.night = night
        self.row = night.row[referral_id]
        self.referral = night.problem.referrals[self.row]
        self.limits = limits
        self.left = solves
        self.solves = 0
        self.complete = True

    def run(self) -> ChangeSearch:
        """Takes the first change that costs nobody a seat, else the first one."""
        served = self.referral.id in self.night.served
        found: Change | None = None
        if not served:
            for change in self._proposals():
                if found is None or not change.loses:
                    found = change
                if not found.loses:
                    break
        return ChangeSearch(
            referral=self.referral.id,
            served=served,
            change=found,
            complete=self.complete,
            solves=self.solves,
        )

    def _proposals(self) -> Iterator[Change]:
        yield from self._video()
        yield from self._distance()
        yield from self._deadline()
        yield from self._seats()

    def _video(self) -> Iterator[Change]:
        if Mode.VR in self.referral.modes:
            return
        by_video = self.referral.replaced(modes=(*self.referral.modes, Mode.VR))
        least = self._least((by_video,), lambda changed: changed)
        if least is not None:
            yield self._change(ChangeKind.VIDEO, least)

    def _distance(self) -> Iterator[Change]:
        limit = self.referral.max_travel_metres or 0
        farthest = self.referral.replaced(max_travel_metres=limit + MOST_MORE_METRES)
        arcs = self._arcs(farthest)
        metres = journeys(self.night.columns, arcs.row, arcs.slot, Mode.AMB).metres
        by_car = (self.night.columns.slot_modes[arcs.slot] & MODE_BIT[Mode.AMB]) > 0
        more = metres[by_car & (metres > limit) & (metres <= limit + MOST_MORE_METRES)] - limit
        figures = np.unique(more).tolist()
        least = self._least(
            figures, lambda figure: self.referral.replaced(max_travel_metres=limit + figure)
        )
        if least is not None:
            yield self._change(ChangeKind.DISTANCE, least, more_metres=figures[least.at])

    def _deadline(self) -> Iterator[Change]:
        deadline = self.referral.deadline
        if deadline is None:
            return

        def until(at: timedelta) -> Referral:
            return self.referral.replaced(deadline=deadline + at)

        slots = self._arcs(until(MOST_LATER)).slot
        past = self.night.columns.slot_start_us[slots] - self._deadline_us(self.referral)
        figures = [int(us) * MICROSECOND for us in np.unique(past[past > 0])]
        least = self._least(figures, until)
        if least is None:
            return
        # A later deadline makes waiting cheaper too, which alone may decide between two referrals.
        before = figures[least.at - 1] if least.at else timedelta(0)
        between = (figures[least.at] - before - MICROSECOND) // MINUTE
        sooner = [before + minute * MINUTE for minute in range(1, between + 1)]
        earlier = self._least(sooner, until)
        chosen, steps = (least, figures) if earlier is None else (earlier, sooner)
        change = self._change(ChangeKind.DEADLINE, chosen, deadline=deadline + steps[chosen.at])
        # On a seat that was in time already it would only take the place of somebody else, by
        # asking for less: that is no way out.
        if change.start > deadline:
            yield change

    def _seats(self) -> Iterator[Change]:
        """Tries one more seat like each that the referral might have."""
        for slot in self._seats_wanted():
            if self.left == 0:
                self.complete = False
                return
            found = self._solved(with_one_more_seat(self.night.problem, slot))
            if found is not None:
                least = _Least(0, found, exact=True)
                yield self._change(ChangeKind.SEAT, least, seat=self.night.cells[slot])

    def _seats_wanted(self) -> list[str]:
        """Slots of which the referral could use another seat: the cheapest of each cell first."""
        columns, slots = self.night.columns, self.night.problem.slots
        arcs = self._arcs(self.referral)
        own_cost = dict(zip(arcs.slot.tolist(), arcs.cost.tolist(), strict=True))
        refused = refusals(columns, self.row)
        fit = {ALLOWED, *(list(Rule).index(rule) for rule in _COLLEAGUE_MAY)}
        # One more seat serves one referral more: not this one, where it serves a more urgent one.
        level = UNSERVED_LEVEL[self.referral.priority]
        others_first = np.zeros(columns.slots, dtype=np.bool_)
        for at, gain in self.night.gains:
            others_first |= (at < level) & (gain > 0)
        wanted = [
            (bool(others_first[at]), at not in own_cost, own_cost.get(at, 0), slot.start, slot.id)
            for at, slot in enumerate(slots)
            if int(refused[at]) in fit and slot.id in self.night.cells
        ]
        ranked = [(key[0], slot_id) for *key, slot_id in sorted(wanted)]
        firsts = {cell_key(self.night.cells[slot_id]): slot_id for _, slot_id in reversed(ranked)}
        later = [
            (hopeless, firsts[cell_key(self.night.cells[slot_id])] != slot_id)
            for hopeless, slot_id in ranked
        ]
        order = sorted(range(len(ranked)), key=lambda at: (later[at], at))
        return [ranked[at][1] for at in order]

    def _least(
        self, figures: Sequence[_Figure], changed: Callable[[_Figure], Referral]
    ) -> _Least | None:
        """
        Gives the smallest of ascending figures with which the best plan serves the referral.

        Where the proof rules out the first ones, the next is the likeliest; the last tells whether
        any serves; between them halving decides.
        """
        first = bisect_left(
            range(len(figures)), 1, key=lambda at: int(self._possible(changed(figures[at])))
        )
        fails, last = first - 1, len(figures) - 1
        best: _Least | None = None
        while fails < last and (best is None or best.at - fails > 1):
            if self.left == 0:
                self.complete = False
                return None if best is None else best._replace(exact=False)
            at = (best.at + fails) // 2 if best is not None else last
            at = first if fails < first else at
            found = self._solved(with_referral(self.night.problem, changed(figures[at])))
            if found is None:
                fails = at
            else:
                # With effort shared out, allowing more need not be better, so halving may err.
                sure = at == first or self.night.problem.policy.spread is None
                best = _Least(at, found, exact=sure)
        return best

    def _solved(self, problem: Problem) -> _Served | None:
        """Solves a changed problem; None when its plan leaves the referral out, or in no time."""
        self.left -= 1
        self.solves += 1
        try:
            plan = solve(problem, limits=self.limits, seed=self.night.plan.seed)
        except SolverTimeoutError:
            self.complete = False
            return None
        self.complete &= plan.proved
        own = (one for one in plan.assignments if one.referral == self.referral.id)
        seat = next(own, None)
        return None if seat is None else _Served(problem, plan, seat.slot)

    def _possible(self, changed: Referral) -> bool:
        night = self.night
        columns = self._columns(changed)
        arcs = candidate_arcs(columns, np.array([self.row], dtype=np.int32))
        return bool(night.prices.could_be_used(columns, self.row, arcs).any())

    def _arcs(self, changed: Referral) -> Arcs:
        return candidate_arcs(self._columns(changed), np.array([self.row], dtype=np.int32))

    def _columns(self, changed: Referral) -> Columns:
        """Gives the night's arrays with this referral's deadline, distance and modes changed."""
        columns, row = self.night.columns, self.row
        metres = columns.referral_max_metres.copy()
        metres[row] = min(changed.max_travel_metres or 0, LONGEST)
        deadline = columns.referral_deadline_us.copy()
        deadline[row] = self._deadline_us(changed)
        modes = columns.referral_modes.copy()
        modes[row] = sum(MODE_BIT[mode] for mode in changed.modes)
        return replace(
            columns,
            referral_max_metres=metres,
            referral_deadline_us=deadline,
            referral_modes=modes,
        )

    def _deadline_us(self, referral: Referral) -> int:
        deadline = referral.deadline or self.night.problem.as_of
        return (deadline - self.night.problem.as_of) // MICROSECOND

    def _change(self, kind: ChangeKind, least: _Least, **figures: object) -> Change:
        problem, plan, slot_id = least.served
        slot = next(slot for slot in problem.slots if slot.id == slot_id)
        return Change.model_validate(
            {
                "referral": self.referral.id,
                "kind": kind,
                "slot": slot_id if slot_id in self.night.slots else None,
                "start": slot.start,
                "loses": self.night.loses(plan),
                "smallest": least.exact and self.complete,
                "proved": plan.proved,
                **figures,
            }
        )
