"""
Verifies the proof that a plan carries: its duals, level by level, over every allowed pair.

The argument, which is all that has to be believed. A solution is a set of options: each referral
takes one seat or stays unserved, each free seat is taken or stays unused. At one level every option
costs something, and duals ``u`` (per referral) and ``v`` (per seat) give it a reduced cost: its
cost less the duals it meets. Each referral and each seat is met exactly once, so the level's
objective is ``sum(u) + sum(v)`` plus the reduced costs of the options chosen. Where no reduced cost
is negative, ``sum(u) + sum(v)`` is a bound; a solution that reaches it uses options of reduced
cost 0 only. Those options, and no others, are the face on which the next level is judged.

So an option's fate depends on no other option: each is followed through the levels on its own, from
the rules of ``check_rules``, and no arcs are kept.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain, takewhile
from operator import ge, gt
from typing import NamedTuple

from slotengine.codes import Mode
from slotengine.domain import Slot
from slotengine.problem import (
    COST_LEVEL,
    LEVELS,
    MOVE_LEVEL,
    TIE_LEVEL,
    UNSERVED_LEVEL,
    LevelDuals,
    Plan,
    Problem,
    Violation,
)
from slotengine.solver.check_figures import tie_break
from slotengine.solver.check_rules import Rules

SEARCHED_ALWAYS = ("0", "3")
"""Levels whose cost is no sum over pairs: duals of pairs can't prove them."""

MOST_LISTED = 20
"""Broken options listed per rule; a wrong dual breaks thousands, and the first tell as much."""

PERCENT = 100


def certify(problem: Problem, plan: Plan) -> list[Violation]:
    """
    Verifies duals, bounds and the plan's declared objective against each other.

    Whether the assignments really add up to that objective is ``check``'s question.
    """
    broken = dual_violations(Rules(problem), plan)
    return broken or list(gap_violations(problem, plan, plan.objective))


def bounds(problem: Problem, plan: Plan) -> tuple[int, ...]:
    """
    Gives the bound of each level as the sum of its duals, whatever the plan says its bounds are.

    A level on which no plan costs anything has bound 0. Stops before the first level whose duals
    are missing or don't fit the problem. They are lower bounds when ``certify`` finds nothing.
    """
    found: list[int] = []
    given = iter(plan.duals)
    for name in LEVELS:
        if name not in problem.active_levels:
            found.append(0)
            continue
        duals = next(given, None)
        if name in SEARCHED_ALWAYS or duals is None or not _fits(problem, name, duals):
            break
        found.append(sum(duals.referral) + sum(duals.seat))
    return tuple(found)


def searchable(problem: Problem) -> bool:
    """
    Tells whether side constraints exist, so that a level may be proved by a search.

    Without them duals prove every level, and a plan that says "searched" hides a missing proof.
    """
    policy = problem.policy
    groups = Counter(one.group for one in problem.referrals if one.group is not None)
    pinned_groups = {pin.group for pin in problem.pins}
    practitioners = (
        (
            *(one.max_bookings_per_day, one.max_bookings_per_week),
            *(one.max_effort_minutes_per_day, one.max_effort_minutes_per_week),
        )
        for one in problem.practitioners
    )
    caps = (
        *(policy.caps.bookings_per_day, policy.caps.bookings_per_week),
        *(policy.caps.effort_minutes_per_day, policy.caps.effort_minutes_per_week),
        *chain.from_iterable(practitioners),
    )
    return (
        bool(policy.floors or problem.told)
        or policy.spread is not None
        or any(size > 1 or group in pinned_groups for group, size in groups.items())
        or any(one.follows is not None for one in problem.referrals)
        or any(cap is not None for cap in caps)
        or (policy.home_visits is not None and any(Mode.HH in slot.modes for slot in problem.slots))
    )


def dual_violations(rules: Rules, plan: Plan) -> list[Violation]:
    """
    Verifies that the duals are feasible and that bounds and proved levels say what they prove.

    This says nothing about the assignments, and holds or fails without them.
    """
    problem = rules.problem
    levels = list(takewhile(lambda name: name not in SEARCHED_ALWAYS, problem.active_levels))
    if len(plan.duals) > len(levels):
        detail = f"duals for {len(plan.duals)} levels, at most {len(levels)} can have them"
        return [Violation(rule="certificate.levels", subject="plan", detail=detail)]
    for name, duals in zip(levels, plan.duals, strict=False):
        if not _fits(problem, name, duals):
            rows, columns = len(problem.referrals), len(problem.free_seats)
            detail = f"duals must be of level {name}, {rows} referrals and {columns} seats"
            return [Violation(rule="certificate.shape", subject=name, detail=detail)]
    covered = len(bounds(problem, plan))
    proved = plan.proved_levels
    if proved < covered or (proved > covered and not searchable(problem)):
        detail = f"{proved} levels proved, the duals prove {covered}"
        return [Violation(rule="certificate.levels", subject="plan", detail=detail)]
    if proved < len(LEVELS) and LEVELS[proved] not in problem.active_levels:
        detail = f"level {LEVELS[proved]} costs nothing and is proved as those before it are"
        return [Violation(rule="certificate.levels", subject="plan", detail=detail)]
    return [*_bound_violations(problem, plan), *_option_violations(rules, plan)]


def gap_violations(problem: Problem, plan: Plan, objective: Sequence[int]) -> Iterator[Violation]:
    """
    Verifies that each proved level's bound is reached by ``objective``, so nothing is better.

    With a spread, level 2 may stay above its bound by what the policy gives up. A bound that is
    not proved reached lies at most at the objective.
    """
    spread = problem.policy.spread
    for at, (name, reached, bound) in enumerate(zip(LEVELS, objective, plan.bound, strict=False)):
        if bound is None:
            continue
        most = bound
        if at >= plan.proved_levels:
            most = reached
        elif at == COST_LEVEL and spread is not None:
            most += bound * spread.give_percent // PERCENT
        if not bound <= reached <= most:
            detail = f"objective {reached}, bound {bound}"
            yield Violation(rule="certificate.gap", subject=name, detail=detail)


def _fits(problem: Problem, name: str, duals: LevelDuals) -> bool:
    return (
        duals.level == name
        and len(duals.referral) == len(problem.referrals)
        and len(duals.seat) == len(problem.free_seats)
    )


def _bound_violations(problem: Problem, plan: Plan) -> Iterator[Violation]:
    """Compares declared bounds with the duals, and what was searched with what may be declared."""
    sums = bounds(problem, plan)
    if len(plan.bound) != len(LEVELS):
        detail = f"{len(plan.bound)} bounds for {len(LEVELS)} levels"
        yield Violation(rule="certificate.bound", subject="plan", detail=detail)
    for at, (name, said) in enumerate(zip(LEVELS, plan.bound, strict=False)):
        if at < len(sums):
            wrong = said != sums[at]
            wanted = f"the duals prove {sums[at]}"
        elif at < plan.proved_levels:
            idle = name not in problem.active_levels
            wrong = said is None or said < 0 or (idle and said != 0)
            wanted = "a proved level has one"
        else:
            # The level that was being searched has the best bound known; those after it have none.
            best_known = at == plan.proved_levels and searchable(problem)
            wrong = said is not None and (not best_known or said < 0)
            wanted = "nothing is known of it"
        if wrong:
            detail = f"bound {said}, {wanted}"
            yield Violation(rule="certificate.bound", subject=name, detail=detail)


def _option_violations(rules: Rules, plan: Plan) -> Iterator[Violation]:
    """Follows every option through the levels; gives those whose reduced cost turns negative."""
    problem = rules.problem
    left: dict[str, int] = defaultdict(lambda: MOST_LISTED)
    for rule, subject, level in _broken_options(rules, plan):
        if left[rule] > 0:
            left[rule] -= 1
            detail = f"reduced cost below 0 at level {LEVELS[level]}"
            yield Violation(rule=rule, subject=subject or problem.territory, detail=detail)


def _broken_options(rules: Rules, plan: Plan) -> Iterator[tuple[str, str, int]]:
    if not plan.duals:
        return
    problem = rules.problem
    levels = [LEVELS.index(duals.level) for duals in plan.duals]
    told = {one.referral: one.slot for one in problem.told}
    seats: dict[str, list[tuple[int, tuple[int, ...]]]] = defaultdict(list)
    by_seat = zip(*(level.seat for level in plan.duals), strict=True)
    for (slot_id, seat), duals in zip(problem.free_seats, by_seat, strict=True):
        seats[slot_id].append((seat, duals))
        at = _first_negative(levels, [-dual for dual in duals])
        if at is not None:
            yield "certificate.unused", f"{slot_id}#{seat}", at
    suspects = _Suspects(problem, levels, seats)
    for row, referral in enumerate(problem.referrals):
        own = tuple(level.referral[row] for level in plan.duals)
        staying = [int(at == UNSERVED_LEVEL[referral.priority]) for at in levels]
        at = _first_negative(levels, [cost - u for cost, u in zip(staying, own, strict=True)])
        # Who was told or promised a seat keeps one: staying unserved is no option.
        if at is not None and referral.id not in rules.seated:
            yield "certificate.unserved", referral.id, at
        for slot in suspects.of(own, rules.costs(referral)):
            figures = rules.choice(referral, slot)
            if figures is None:
                continue
            moved = told.get(referral.id, slot.id) != slot.id
            cost = figures.cost + rules.price(slot)
            pair = _Pair(referral.id, slot.id, cost, moved)
            for seat, duals in seats[slot.id]:
                at = _first_negative(levels, _reduced_costs(plan.seed, levels, pair, own, duals))
                if at is not None:
                    yield "certificate.arc", f"{referral.id} {slot.id}#{seat}", at


class _Suspects:
    """
    Finds the pairs that their duals and costs up to level 2 don't make leave the face.

    A pair leaves where its first reduced cost that is not 0 is positive: where its costs less
    ``u``, level by level, come after the seat's ``v`` as words do in a dictionary. So a comparison
    of tuples judges a pair up to level 2, and the seat that comes last judges a whole slot.
    """

    def __init__(
        self,
        problem: Problem,
        levels: Sequence[int],
        seats: Mapping[str, Sequence[tuple[int, tuple[int, ...]]]],
    ) -> None:
        self._slots = problem.slots
        self._before = sum(level < COST_LEVEL for level in levels)
        self._priced = COST_LEVEL in levels
        judged = self._before + self._priced
        # Where no level comes after, a pair that meets its duals exactly has kept to all of them.
        self._stays = ge if judged < len(levels) else gt
        self._last = [
            max((duals[:judged] for _, duals in seats.get(slot.id, ())), default=None)
            for slot in problem.slots
        ]
        self._very_last = max((duals for duals in self._last if duals is not None), default=())

    def of(self, own: tuple[int, ...], costs: Iterable[tuple[int, int]]) -> list[Slot]:
        """Gives the slots of such pairs of one referral, in the problem's order."""
        found: set[int] = set()
        # Before level 2 no pair costs anything.
        idle = tuple(-u for u in own[: self._before])
        if not self._priced and not self._stays(self._very_last, idle):
            return []
        for at, cost in costs:
            last = self._last[at]
            due = (*idle, cost - own[self._before]) if self._priced else idle
            if last is not None and self._stays(last, due):
                found.add(at)
        return [self._slots[at] for at in sorted(found)]


class _Pair(NamedTuple):
    referral: str
    slot: str
    cost: int
    moved: bool


def _reduced_costs(
    seed: int, levels: Sequence[int], pair: _Pair, own: tuple[int, ...], seat: tuple[int, ...]
) -> Iterator[int]:
    """Gives a pair's reduced cost level by level; few pairs get as far as their tie-break."""
    for level, u, v in zip(levels, own, seat, strict=True):
        cost = 0
        if level == COST_LEVEL:
            cost = pair.cost
        elif level == MOVE_LEVEL:
            cost = int(pair.moved)
        elif level == TIE_LEVEL:
            cost = tie_break(seed, pair.referral, pair.slot)
        yield cost - u - v


def _first_negative(levels: Sequence[int], reduced_costs: Iterable[int]) -> int | None:
    """Gives the level at which an option breaks the proof; None when it leaves the face first."""
    for reduced, level in zip(reduced_costs, levels, strict=True):
        if reduced:
            return level if reduced < 0 else None
    return None
