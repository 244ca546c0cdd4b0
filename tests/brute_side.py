"""
Optimal plans of tiny problems with side constraints, by trying everything.

Stands on the rules of the independent check and on nothing of the solver.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple

from slotengine.codes import Mode
from slotengine.domain import Referral, Slot
from slotengine.problem import (
    COST_LEVEL,
    LEVELS,
    MOVE_LEVEL,
    SPREAD_LEVEL,
    TIE_LEVEL,
    UNSERVED_LEVEL,
    Assignment,
    Plan,
    Problem,
    Unserved,
)
from slotengine.reasons import Reason, ReasonCode
from slotengine.solver.check_figures import Figures, tie_break
from slotengine.solver.check_levels import shortfall, spread
from slotengine.solver.check_rules import RULES, Rules
from slotengine.solver.check_side import Booking, Load
from slotengine.solver.check_together import TOGETHER, Together

Solution = tuple[str | None, ...]
"""The slot of each referral in the problem's order, None for those without a seat."""


class Choice(NamedTuple):
    slot: Slot
    figures: Figures
    booking: Booking
    tie: int


class Scored(NamedTuple):
    totals: tuple[int, ...]
    solution: Solution


def best(problem: Problem, seed: int = 0) -> tuple[tuple[int, ...], list[Solution]]:
    """
    Gives the best objective over all levels, and every solution that reaches it.

    Raises ``ValueError`` where nothing keeps all constraints, which only those who were told or
    promised a seat can cause.
    """
    left = list(scored(problem, seed))
    for level in range(len(LEVELS)):
        least = min(one.totals[level] for one in left)
        if level == COST_LEVEL and problem.policy.spread is not None:
            least += least * problem.policy.spread.give_percent // 100
        left = [one for one in left if one.totals[level] <= least]
        if level == SPREAD_LEVEL:
            # What was given up for the spread and not needed is taken back.
            least = min(one.totals[COST_LEVEL] for one in left)
            left = [one for one in left if one.totals[COST_LEVEL] == least]
    return left[0].totals, [one.solution for one in left]


def best_cost(problem: Problem, seed: int = 0) -> int:
    """Gives the least that level 2 can be, which a spread may give something up of."""
    every = list(scored(problem, seed))
    before = min(one.totals[:COST_LEVEL] for one in every)
    return min(one.totals[COST_LEVEL] for one in every if one.totals[:COST_LEVEL] == before)


def scored(problem: Problem, seed: int = 0) -> Iterator[Scored]:
    """Gives every solution that keeps all constraints, with its total at each level."""
    rules = Rules(problem)
    told = {one.referral: one.slot for one in problem.told}
    choices = _choices(rules, seed)
    for chosen in _feasible(rules, choices, told):
        totals = [0] * len(LEVELS)
        made = []
        for referral, choice in zip(problem.referrals, chosen, strict=True):
            if choice is None:
                totals[UNSERVED_LEVEL[referral.priority]] += 1
                continue
            totals[COST_LEVEL] += choice.figures.cost + _price(problem, choice.slot.id)
            totals[MOVE_LEVEL] += told.get(referral.id, choice.slot.id) != choice.slot.id
            totals[TIE_LEVEL] += choice.tie
            made.append(_assignment(referral, choice, 0))
        totals[0] = shortfall(rules, {one.referral for one in made})
        totals[SPREAD_LEVEL] = spread(rules, made)
        solution = tuple(choice and choice.slot.id for choice in chosen)
        yield Scored(tuple(totals), solution)


def plan_of(problem: Problem, solution: Solution, seed: int = 0) -> Plan:
    """Gives the plan of a best solution, proved by having looked at all of them."""
    rules = Rules(problem)
    made = _assignments(rules, solution)
    totals, _ = next(one for one in scored(problem, seed) if one.solution == solution)
    bound = list(totals)
    if problem.policy.spread is not None:
        bound[COST_LEVEL] = best_cost(problem, seed)
    without = [
        referral for referral, slot in zip(problem.referrals, solution, strict=True) if slot is None
    ]
    reasons = {one.id: _reason(rules, one, made) for one in without}
    return forced(problem, solution, seed).replaced(
        unserved=tuple(Unserved(referral=id_, reasons=(why,)) for id_, why in reasons.items()),
        deferred=tuple(id_ for id_, why in reasons.items() if why.code is ReasonCode.KEPT),
        objective=totals,
        bound=tuple(bound),
        displaced=displaced(problem, solution, seed),
    )


def forced(problem: Problem, solution: Solution, seed: int = 0) -> Plan:
    """
    Gives a plan of any solution whose pairs are allowed, even where it breaks a side constraint.

    Its sums and reasons say nothing: they are looked at only in plans whose parts are sound.
    """
    nothing = (0,) * len(LEVELS)
    return Plan(
        territory=problem.territory,
        as_of=problem.as_of,
        problem_digest=problem.digest,
        policy_version=problem.policy.version,
        policy_digest=problem.policy.digest,
        travel_name=problem.travel_name,
        seed=seed,
        assignments=tuple(_assignments(Rules(problem), solution)),
        unserved=tuple(
            Unserved(referral=referral.id, reasons=(Reason(code=ReasonCode.NO_FREE_SEAT),))
            for referral, slot in zip(problem.referrals, solution, strict=True)
            if slot is None
        ),
        objective=nothing,
        bound=nothing,
        proved_levels=len(LEVELS),
        duals=(),
        seconds=0,
    )


def displaced(problem: Problem, solution: Solution, seed: int = 0) -> tuple[str, ...]:
    """Gives those who have a seat in the best plan without floors, and none in this one."""
    if not problem.policy.floors:
        return ()
    free = problem.replaced(policy=problem.policy.replaced(floors=()))
    _, without_floors = best(free, seed)
    return tuple(
        one.id
        for one, here, there in zip(problem.referrals, solution, without_floors[0], strict=True)
        if here is None and there is not None
    )


def _assignments(rules: Rules, solution: Solution) -> list[Assignment]:
    seats: dict[str, list[int]] = defaultdict(list)
    for slot_id, seat in rules.problem.free_seats:
        seats[slot_id].append(seat)
    made = []
    for referral, at in zip(rules.problem.referrals, solution, strict=True):
        if at is not None:
            slot, figures = next(pair for pair in rules.allowed(referral) if pair[0].id == at)
            booking = rules.side.booking(referral, slot, figures.mode)
            choice = Choice(slot, figures, booking, 0)
            price = _price(rules.problem, at)
            made.append(_assignment(referral, choice, seats[at].pop(0)).replaced(price=price))
    return made


def _choices(rules: Rules, seed: int) -> list[list[Choice]]:
    return [
        [
            Choice(
                slot,
                figures,
                rules.side.booking(referral, slot, figures.mode),
                tie_break(seed, referral.id, slot.id),
            )
            for slot, figures in rules.allowed(referral)
        ]
        for referral in rules.problem.referrals
    ]


def _feasible(
    rules: Rules, choices: list[list[Choice]], told: dict[str, str]
) -> Iterator[tuple[Choice | None, ...]]:
    """Goes through the referrals one by one; leaves a branch when what it has breaks something."""
    problem = rules.problem
    room = Counter(slot for slot, _ in problem.free_seats)
    load = Load(rules.side, rules.side.pinned)
    chosen: list[Choice | None] = []

    def below(row: int, moved: int) -> Iterator[tuple[Choice | None, ...]]:
        if row == len(choices):
            if _whole(rules, chosen):
                yield tuple(chosen)
            return
        kept = told.get(problem.referrals[row].id)
        if kept is None and problem.referrals[row].id not in problem.promised:
            chosen.append(None)
            yield from below(row + 1, moved)
            chosen.pop()
        for choice in choices[row]:
            slot, booking = choice.slot, choice.booking
            moves = moved + (kept is not None and kept != slot.id)
            if (
                not room[slot.id]
                or moves > problem.policy.max_told_moves
                or not load.room_for(booking)
                or not all(
                    rules.side.at_peace(booking, other.booking)
                    for other in chosen
                    if other is not None and other.slot.practitioner == slot.practitioner
                )
            ):
                continue
            room[slot.id] -= 1
            load.add(booking)
            chosen.append(choice)
            yield from below(row + 1, moves)
            chosen.pop()
            load.remove(booking)
            room[slot.id] += 1

    yield from below(0, 0)


def _whole(rules: Rules, chosen: list[Choice | None]) -> bool:
    """Asks groups and pathways, of which only a whole solution can tell."""
    problem = rules.problem
    slot_of = {
        referral.id: None if choice is None else choice.slot
        for referral, choice in zip(problem.referrals, chosen, strict=True)
    }
    groups: dict[str, list[Slot | None]] = defaultdict(list)
    for referral in problem.referrals:
        slot = slot_of[referral.id]
        if referral.group is not None:
            groups[referral.group].append(slot)
        if referral.follows in slot_of and slot is not None:
            before, pathway = slot_of[referral.follows], problem.policy.pathway(referral.pathway)
            step = pathway.steps[referral.step]
            if before is None or not step.after_min <= slot.start - before.end <= step.after_max:
                return False
    return all(_seated_together(problem, group, slots) for group, slots in groups.items())


def _seated_together(problem: Problem, group: str, slots: list[Slot | None]) -> bool:
    seated = [slot for slot in slots if slot is not None]
    if not seated:
        return True
    by_id = {slot.id: slot for slot in problem.slots}
    seated += [by_id[pin.slot] for pin in problem.pins if pin.group == group]
    # Seats of one slot are side by side; different slots must lie close.
    row = sorted({slot.id: slot for slot in seated}.values(), key=lambda slot: slot.start)
    gaps = [(after.start - before.end).total_seconds() / 60 for before, after in pairwise(row)]
    return (
        None not in slots
        and len({(slot.practitioner, slot.site) for slot in row}) == 1
        and all(gap <= problem.policy.groups.gap_minutes for gap in gaps)
    )


def _assignment(referral: Referral, choice: Choice, seat: int) -> Assignment:
    mode, metres, minutes, wait, cost = choice.figures
    return Assignment(
        referral=referral.id,
        slot=choice.slot.id,
        seat=seat,
        mode=mode,
        travel_metres=metres,
        travel_minutes=minutes,
        wait_minutes=wait,
        cost=cost,
    )


def _price(problem: Problem, slot: str) -> int:
    return sum(one.price for one in problem.prices if one.slot == slot)


def _reason(rules: Rules, referral: Referral, made: list[Assignment]) -> Reason:
    """Adds the referral to the plan, slot by slot, and reads off what the whole plan breaks."""
    free = Counter(slot for slot, _ in rules.problem.free_seats)
    if not free:
        none_at_all = ReasonCode.NO_FREE_SEAT if rules.problem.slots else ReasonCode.NO_SLOT
        return Reason(code=none_at_all)
    allowed: list[tuple[Slot, Mode]] = []
    refused: list[int] = []
    for slot_id in free:
        slot = rules.slots[slot_id]
        rule = rules.refusal(referral, slot)
        if rule is None:
            allowed.append((slot, rules.modes(referral, slot)[0].mode))
        else:
            refused.append(RULES.index(rule))
    if not allowed:
        return Reason(code=ReasonCode(RULES[max(refused)]))
    used = Counter(one.slot for one in made)
    free_of_price = Rules(rules.problem.replaced(prices=()))
    for slot_id in free:
        slot = rules.slots[slot_id]
        kept = rules.refusal(referral, slot) == "kept" and used[slot_id] < free[slot_id]
        if kept and _broken(free_of_price, referral, slot, made) is None:
            return Reason(code=ReasonCode.KEPT)
    still = [(slot, mode) for slot, mode in allowed if used[slot.id] < free[slot.id]]
    if not still:
        seats = sum(free[slot.id] for slot, _ in allowed)
        return Reason(code=ReasonCode.SEATS_TAKEN, figures={"seats": seats})
    latest = -1
    for slot, _ in still:
        first = _broken(rules, referral, slot, made)
        assert first is not None, "it could simply be added"
        latest = max(latest, first)
    return Reason(code=ReasonCode(TOGETHER[latest]))


def _broken(rules: Rules, referral: Referral, slot: Slot, made: list[Assignment]) -> int | None:
    """Gives the first of ``TOGETHER`` that one more booking on an allowed slot breaks."""
    figures = rules.modes(referral, slot)[0]
    booking = rules.side.booking(referral, slot, figures.mode)
    more = _assignment(referral, Choice(slot, figures, booking, 0), 0)
    broken = {one.rule for one in Together(rules, [*made, more]).violations()}
    return next((at for at, rule in enumerate(TOGETHER) if f"side.{rule}" in broken), None)
