"""The objective, added up a second time from what a plan does, trusting no figure of it."""

from collections import Counter
from collections.abc import Iterator, Sequence

from slotengine.codes import SlotState
from slotengine.problem import (
    COST_LEVEL,
    FLOOR_LEVEL,
    LEVELS,
    MOVE_LEVEL,
    SPREAD_LEVEL,
    TIE_LEVEL,
    UNSERVED_LEVEL,
    Assignment,
    Plan,
    Violation,
)
from slotengine.solver.check_figures import tie_break
from slotengine.solver.check_rules import Rules, floor_names
from slotengine.solver.check_side import seat_minutes
from slotengine.solver.check_travel import ceil_div

PERCENT = 100

STEPS = 20
"""Steps of the spread, a tenth of what was offered each; beyond twice the offer all weigh alike."""

TENTHS = 10


def objective(rules: Rules, assignments: Sequence[Assignment], seed: int) -> tuple[int, ...]:
    """Gives the total of each level; whoever has no assignment counts as unserved."""
    totals = [0] * len(LEVELS)
    served = {one.referral for one in assignments}
    for referral in rules.problem.referrals:
        if referral.id not in served:
            totals[UNSERVED_LEVEL[referral.priority]] += 1
    told = {one.referral: one.slot for one in rules.problem.told}
    for one in assignments:
        referral, slot = rules.referrals[one.referral], rules.slots[one.slot]
        figures = rules.figures(referral, slot, one.mode)
        totals[COST_LEVEL] += rules.price(slot) + (0 if figures is None else figures.cost)
        totals[MOVE_LEVEL] += told.get(referral.id, slot.id) != slot.id
        totals[TIE_LEVEL] += tie_break(seed, referral.id, slot.id)
    totals[FLOOR_LEVEL] = shortfall(rules, served)
    totals[SPREAD_LEVEL] = spread(rules, assignments)
    return tuple(totals)


def shortfall(rules: Rules, served: set[str]) -> int:
    """Gives how many are missing below the policy's floors (level 0)."""
    missing = 0
    for floor in rules.policy.floors:
        named = [one.id for one in rules.problem.referrals if floor_names(floor, one)]
        least = ceil_div(floor.percent * len(named), PERCENT)
        missing += max(0, least - sum(one in served for one in named))
    return missing


def spread(rules: Rules, assignments: Sequence[Assignment]) -> int:
    """Gives how unevenly effort lies on the practitioners (level 3); 0 where nobody asked."""
    if rules.policy.spread is None:
        return 0
    effort: Counter[str] = Counter()
    for booking in rules.side.pinned:
        effort[booking.slot.practitioner] += booking.effort_minutes
    for one in assignments:
        slot = rules.slots[one.slot]
        booking = rules.side.booking(rules.referrals[one.referral], slot, one.mode)
        effort[slot.practitioner] += booking.effort_minutes
    offered: Counter[str] = Counter()
    for slot in rules.problem.slots:
        if slot.state is SlotState.OPEN:
            offered[slot.practitioner] += slot.capacity * seat_minutes(slot)
    return sum(burden(effort[one], offered[one]) for one in rules.practitioners)


def burden(effort_minutes: int, offered_minutes: int) -> int:
    """Gives what one practitioner's effort counts at level 3: each further tenth weighs more."""
    tenths, step = TENTHS * effort_minutes, max(1, offered_minutes)
    total = (2 * STEPS + 1) * max(tenths - STEPS * step, 0)
    for at in range(1, STEPS + 1):
        total += (2 * at - 1) * min(max(tenths - (at - 1) * step, 0), step)
    return total


def level_violations(plan: Plan, totals: Sequence[int]) -> Iterator[Violation]:
    """Compares the objective that a plan declares with what it adds up to."""
    if len(plan.objective) != len(LEVELS):
        detail = f"{len(plan.objective)} figures for {len(LEVELS)} levels"
        yield Violation(rule="objective", subject="plan", detail=detail)
    for name, said, wanted in zip(LEVELS, plan.objective, totals, strict=False):
        if said != wanted:
            yield Violation(rule="objective", subject=name, detail=f"says {said}, is {wanted}")


def displaced_violations(rules: Rules, plan: Plan) -> Iterator[Violation]:
    """
    Verifies what can be seen of ``displaced`` without solving: who stands there, and how.

    Whether each would have a seat without floors only a second plan can say.
    """
    without = {left.referral for left in plan.unserved}
    for one in plan.displaced:
        if one not in without:
            yield Violation(rule="displaced", subject=one, detail="not without a seat")
    if list(plan.displaced) != sorted(set(plan.displaced)):
        yield Violation(rule="displaced", subject="plan", detail="not sorted, each once")
    if plan.displaced and not rules.policy.floors:
        yield Violation(rule="displaced", subject="plan", detail="no floor displaces anybody")
