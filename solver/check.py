"""
The independent validator: is this plan what it says it is?

Plain Python that knows no solver. A plan with any violation is never written. Violations carry ids,
never a patient. Sums are judged last, and only over a plan whose parts are sound: a total over
wrong parts says nothing, and its cause has been named already.

Rules
-----
``plan.*`` the plan belongs to this problem · ``referral.*`` ``unserved.*`` every referral once ·
``seat.*`` seats exist, are free, used once, numbered as rules.md says · the names of
``slotengine.reasons.Rule`` the hard rules · ``mode.*`` ``figure.*`` the cheapest allowed mode, and
its figures · ``patient.*`` ``practitioner.*`` nobody in two places · ``side.*`` what bookings do to
each other · ``displaced`` who yields to a floor · ``deferred`` who
yields to those who come later · ``objective`` the levels · ``certificate.*`` the
proof.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator
from itertools import pairwise

from slotengine.problem import Assignment, Plan, Problem, Violation
from slotengine.solver.certificate import dual_violations, gap_violations
from slotengine.solver.check_figures import Figures
from slotengine.solver.check_levels import displaced_violations, level_violations, objective
from slotengine.solver.check_reasons import deferred_violations, reason_violations
from slotengine.solver.check_rules import Rules, overlap
from slotengine.solver.check_together import Together

METRES_TOLERANCE = 1
"""Metres by which two roundings of the same great circle may differ."""


def check(problem: Problem, plan: Plan) -> list[Violation]:
    """
    Gives every rule that a plan breaks; nothing when it is valid and proved as far as it says.

    Never raises on a corrupt plan: what can't be read as part of the problem is a violation.
    """
    rules = Rules(problem)
    found = [
        *_belongs(problem, plan),
        *_each_referral_once(rules, plan),
        *_seats(problem, plan),
    ]
    known = [
        assignment
        for assignment in plan.assignments
        if assignment.referral in rules.referrals and assignment.slot in rules.slots
    ]
    for assignment in known:
        found += _pair(rules, assignment)
    found += _two_places(rules, known)
    found += Together(rules, known).violations()
    found += displaced_violations(rules, plan)
    broken = dual_violations(rules, plan)
    if not found:
        totals = objective(rules, plan.assignments, plan.seed)
        found += reason_violations(rules, plan.assignments, plan.unserved)
        found += deferred_violations(plan)
        found += level_violations(plan, totals)
        if not broken:
            found += gap_violations(problem, plan, totals)
    return [*found, *broken]


def _belongs(problem: Problem, plan: Plan) -> Iterator[Violation]:
    pairs = (
        ("plan.territory", plan.territory, problem.territory),
        ("plan.as_of", plan.as_of, problem.as_of),
        ("plan.problem", plan.problem_digest, problem.digest),
        ("plan.policy_version", plan.policy_version, problem.policy.version),
        ("plan.policy", plan.policy_digest, problem.policy.digest),
        ("plan.travel", plan.travel_name, problem.travel_name),
    )
    for rule, said, wanted in pairs:
        if said != wanted:
            yield Violation(rule=rule, subject="plan", detail=f"says {said}, problem has {wanted}")


def _each_referral_once(rules: Rules, plan: Plan) -> Iterator[Violation]:
    served = Counter(assignment.referral for assignment in plan.assignments)
    unserved = Counter(left.referral for left in plan.unserved)
    for referral, times in (served + unserved).items():
        if referral not in rules.referrals:
            yield Violation(rule="referral.unknown", subject=referral, detail="not in the problem")
        elif times > 1:
            detail = f"served {served[referral]} times, unserved {unserved[referral]} times"
            yield Violation(rule="referral.twice", subject=referral, detail=detail)
    for referral in rules.referrals:
        if not served[referral] and not unserved[referral]:
            yield Violation(rule="referral.missing", subject=referral, detail="no verdict")


def _seats(problem: Problem, plan: Plan) -> Iterator[Violation]:
    seats = {slot.id: slot.seats for slot in problem.slots}
    free: dict[str, list[int]] = defaultdict(list)
    for slot, seat in problem.free_seats:
        free[slot].append(seat)
    used: Counter[tuple[str, int]] = Counter()
    sitting: dict[str, list[tuple[str, int]]] = defaultdict(list)
    for assignment in plan.assignments:
        slot, seat = assignment.slot, assignment.seat
        name = f"{slot}#{seat}"
        used[slot, seat] += 1
        if slot not in seats:
            yield Violation(rule="seat.unknown", subject=name, detail="no such slot")
        elif not 0 <= seat < seats[slot]:
            detail = f"slot has {seats[slot]} seats"
            yield Violation(rule="seat.unknown", subject=name, detail=detail)
        elif seat not in free.get(slot, ()):
            yield Violation(rule="seat.pinned", subject=name, detail="taken by a pin")
        elif used[slot, seat] == 2:  # noqa: PLR2004 - the second use is the violation, once a seat
            yield Violation(rule="seat.twice", subject=name, detail="two referrals on one seat")
        else:
            sitting[slot].append((assignment.referral, seat))
    for slot, seated in sitting.items():
        if [seat for _, seat in sorted(seated)] != free[slot][: len(seated)]:
            detail = "referrals in id order take the lowest free seats"
            yield Violation(rule="seat.order", subject=slot, detail=detail)


def _pair(rules: Rules, assignment: Assignment) -> Iterator[Violation]:
    referral, slot = rules.referrals[assignment.referral], rules.slots[assignment.slot]
    subject = f"{referral.id} {slot.id}"
    refused_by = rules.refusal(referral, slot)
    if refused_by is not None:
        yield Violation(rule=refused_by, subject=subject, detail="not allowed")
    else:
        modes = rules.modes(referral, slot)
        if assignment.mode not in [figures.mode for figures in modes]:
            detail = f"{assignment.mode} is not allowed"
            yield Violation(rule="mode.refused", subject=subject, detail=detail)
        elif assignment.mode is not modes[0].mode:
            detail = f"{assignment.mode} instead of {modes[0].mode}"
            yield Violation(rule="mode.dearer", subject=subject, detail=detail)
    figures = rules.figures(referral, slot, assignment.mode)
    price = rules.price(slot)
    if assignment.price != price:
        detail = f"says {assignment.price}, is {price}"
        yield Violation(rule="figure.price", subject=subject, detail=detail)
    if figures is not None:
        yield from _figures(subject, assignment, figures)


def _figures(subject: str, assignment: Assignment, own: Figures) -> Iterator[Violation]:
    pairs = (
        ("travel_metres", assignment.travel_metres, own.travel_metres, METRES_TOLERANCE),
        ("travel_minutes", assignment.travel_minutes, own.travel_minutes, 0),
        ("wait_minutes", assignment.wait_minutes, own.wait_minutes, 0),
        ("cost", assignment.cost, own.cost, 0),
    )
    for name, said, wanted, tolerance in pairs:
        if abs(said - wanted) > tolerance:
            detail = f"says {said}, is {wanted}"
            yield Violation(rule=f"figure.{name}", subject=subject, detail=detail)


def _two_places(rules: Rules, assignments: list[Assignment]) -> Iterator[Violation]:
    """Looks for one person in two overlapping slots, among assignments and pins together."""
    slots_of: dict[tuple[str, str], set[str]] = defaultdict(set)
    new: set[str] = set()
    for pin in rules.problem.pins:
        slots_of["practitioner", rules.slots[pin.slot].practitioner].add(pin.slot)
    for assignment in assignments:
        slot = rules.slots[assignment.slot]
        patient = rules.referrals[assignment.referral].patient.key
        new.add(slot.id)
        slots_of["practitioner", slot.practitioner].add(slot.id)
        # A patient's pins are the hard rule "patient_busy"; here only what the plan itself adds.
        slots_of["patient", patient].add(slot.id)
    for (who, _), ids in slots_of.items():
        agenda = sorted((rules.slots[id_] for id_ in ids), key=lambda slot: (slot.start, slot.id))
        for before, after in pairwise(agenda):
            if overlap(before, after) and new & {before.id, after.id}:
                detail = "one person, overlapping times"
                subject = f"{before.id} {after.id}"
                yield Violation(rule=f"{who}.two_places", subject=subject, detail=detail)
