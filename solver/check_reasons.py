"""Whether what a plan says to those without a seat is true, a second time."""

from collections import Counter
from collections.abc import Iterator, Sequence

from slotengine.codes import Mode
from slotengine.domain import Referral, Slot
from slotengine.problem import Assignment, Plan, Unserved, Violation
from slotengine.solver.check_rules import RULES, Rules
from slotengine.solver.check_together import TOGETHER, Together

NO_SLOT, SEATS_TAKEN, NO_FREE_SEAT = "no_slot", "seats_taken", "no_free_seat"
"""Reason codes that are no rule: no slot at all; what was possible went to others; all pinned."""

KEPT = "kept"
"""The last rule, and the reason of those who would have a seat but for its price."""


def reason_violations(
    rules: Rules, assignments: Sequence[Assignment], unserved: Sequence[Unserved]
) -> Iterator[Violation]:
    """
    Verifies every reason, and that nobody without a seat could simply be given one.

    Asked of a plan whose assignments are sound: what others have decides what is left.
    """
    free = Counter(slot for slot, _ in rules.problem.free_seats)
    left = free - Counter(one.slot for one in assignments)
    together = Together(rules, assignments)
    for verdict in unserved:
        referral = rules.referrals[verdict.referral]
        possible = {
            slot.id: (slot, figures.mode)
            for slot, figures in rules.allowed(referral)
            if free[slot.id]
        }
        seats = sum(free[slot] for slot in possible)
        if not possible:
            yield from _says(verdict, _rule_without_seat(rules, referral, free))
            continue
        if any(
            left[slot.id] and together.refusal(referral, slot, mode) is None
            for slot, mode in _kept_from(rules, referral)
        ):
            yield from _says(verdict, KEPT)
            continue
        open_still = [pair for slot, pair in possible.items() if left[slot]]
        if not open_still:
            yield from _says(verdict, SEATS_TAKEN, seats)
            continue
        refusals = [together.refusal(referral, slot, mode) for slot, mode in open_still]
        named = [rule for rule in refusals if rule is not None]
        if len(named) < len(refusals):
            at = next(
                slot.id
                for (slot, _), rule in zip(open_still, refusals, strict=True)
                if rule is None
            )
            detail = f"slot {at} has a seat left for it"
            yield Violation(rule="unserved.addable", subject=referral.id, detail=detail)
        else:
            yield from _says(verdict, max(named, key=TOGETHER.index))


def deferred_violations(plan: Plan) -> Iterator[Violation]:
    """Verifies that those and only those are deferred whose reason is that seats are kept."""
    wanted = sorted(
        one.referral for one in plan.unserved if KEPT in {reason.code for reason in one.reasons}
    )
    if list(plan.deferred) != wanted:
        wrong = sorted({*plan.deferred} ^ {*wanted})
        detail = "deferred are those whose reason is kept, sorted, each once"
        yield Violation(rule="deferred", subject=wrong[0] if wrong else "plan", detail=detail)


def _kept_from(rules: Rules, referral: Referral) -> Iterator[tuple[Slot, Mode]]:
    if rules.problem.prices:
        yield from rules.kept_from(referral)


def _rule_without_seat(rules: Rules, referral: Referral, free: Counter[str]) -> str:
    """Gives the reason of a referral that no free seat is allowed to."""
    if not rules.slots:
        return NO_SLOT
    if not free:
        return NO_FREE_SEAT
    latest = -1
    for slots, most in rules.rings(referral):
        for slot in slots:
            if latest >= RULES.index(most):
                break
            refused_by = rules.refusal(referral, slot) if free[slot.id] else None
            if refused_by is not None:
                latest = max(latest, RULES.index(refused_by))
    return RULES[latest]


def _says(verdict: Unserved, wanted: str, seats: int | None = None) -> Iterator[Violation]:
    subject = verdict.referral
    if not verdict.reasons:
        yield Violation(rule="unserved.reason", subject=subject, detail="no reason")
    for reason in verdict.reasons:
        if reason.code != wanted:
            detail = f"says {reason.code}, is {wanted}"
            yield Violation(rule="unserved.reason", subject=subject, detail=detail)
        elif seats is not None and reason.figures.get("seats") != seats:
            detail = f"says {reason.figures.get('seats')} seats, {seats} were possible"
            yield Violation(rule="unserved.reason", subject=subject, detail=detail)
