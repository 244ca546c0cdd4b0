"""
Why this seat, why not that one, why none: read from the rules and costs that decided it.

Whoever explains with rules of their own explains another program; so every verdict here comes from
``arcs``, ``rank`` and ``costs``, and the reasons of a referral without a seat from its plan.
"""

from collections.abc import Collection
from typing import NamedTuple

import numpy as np

from slotengine.codes import Mode
from slotengine.errors import UnknownIdError
from slotengine.explanations import Candidate, Explanation, FunnelStep
from slotengine.labels import MODE, PROFESSION, Lang, kilometres, when, word
from slotengine.problem import Assignment, Plan, Problem
from slotengine.reasons import Reason, ReasonCode, Rule, step_words
from slotengine.solver.arcs import ALLOWED, refusals
from slotengine.solver.beside import left_beside
from slotengine.solver.columns import Columns, to_columns
from slotengine.solver.costs import stranger_cost, travel_cost, waiting_cost
from slotengine.solver.encoding import Indices
from slotengine.solver.rank import rank
from slotengine.solver.verdicts import reason_without_seat

_RULES = tuple(Rule)

Seat = tuple[str, int]
"""Slot id and seat number."""


class CostLines(NamedTuple):
    """The parts of a pair's cost, in weighted minutes; they add up to it."""

    waiting: int
    travel: int
    not_own_practitioner: int


def why_not(problem: Problem, referral_id: str, slot_id: str) -> Rule | None:
    """
    Gives the first rule that refuses a referral a slot; None when it is allowed, free or not.

    Raises
    ------
    UnknownIdError
        When the problem has no such referral or slot.
    """
    row, slot = _row(problem, referral_id), _slot(problem, slot_id)
    refused = int(refusals(to_columns(problem), row)[slot])
    return None if refused == ALLOWED else _RULES[refused]


def explain(problem: Problem, plan: Plan, referral_id: str) -> Explanation:
    """
    Says why a referral has its seat, or none, in full: for coordinators, not for requesters.

    The funnel counts free seats: what each rule left of them, then what the plan's other referrals
    left, then, where a seat is left that they forbid, what forbids it. A referral with a seat is
    compared with the best seat that the plan leaves it; its own costs no more, its price included,
    or the plan would be better with it, unless effort is shared out.

    Raises
    ------
    UnknownIdError
        When the problem has no such referral, or the plan no verdict on it.
    """
    _row(problem, referral_id)
    seat = next((one for one in plan.assignments if one.referral == referral_id), None)
    left = next((one for one in plan.unserved if one.referral == referral_id), None)
    if seat is None and left is None:
        raise UnknownIdError("verdict on referral", referral_id)
    others = {(one.slot, one.seat) for one in plan.assignments if one.referral != referral_id}
    steps = funnel(problem, referral_id, others)
    if left is not None and steps[-1].seats_left:
        steps = (*steps, FunnelStep(rule=left.reasons[0].code.value, seats_left=0))
    return Explanation(
        referral=referral_id,
        served=seat is not None,
        seat=seat,
        runner_up=None if seat is None else _runner_up(problem, plan, seat, others),
        funnel=steps,
        reasons=() if left is None else left.reasons,
    )


def explain_now(
    problem: Problem, referral_id: str, *, own: str | None, beside: Problem
) -> Explanation:
    """
    Says where a referral stands outside any plan: on a slot of its own, or on none.

    The answer is that of a plan in which everybody else sits where they sit now.

    Parameters
    ----------
    problem
        With this referral to be placed; the seats of other patients are free in it, so that the
        funnel can say that they were possible but taken.
    own
        The slot it has; None for a referral that waits.
    beside
        The same with every other booking pinned: what a practitioner may still be given, and the
        ways between home visits, depend on all of them.

    Raises
    ------
    UnknownIdError
        When a problem has no such referral.
    """
    candidates = rank(beside, referral_id)
    taken = set(problem.free_seats) - set(beside.free_seats)
    steps = funnel(problem, referral_id, taken)
    runner_up = next((one for one in candidates if one.slot != own), None)
    reasons: tuple[Reason, ...] = ()
    if own is None and runner_up is not None:
        reasons = (Reason(code=ReasonCode.SEAT_FREE),)
    elif own is None and steps[-1].seats_left:
        reasons = (_forbidden(problem, referral_id, beside),)
        steps = (*steps, FunnelStep(rule=reasons[0].code.value, seats_left=0))
    elif own is None:
        row = _row(problem, referral_id)
        possible = next(step for step in reversed(steps) if step.rule == _RULES[-1].value)
        reasons = (reason_without_seat(to_columns(problem), row, possible.seats_left),)
    # A seat that was given before a rule grew stricter is shown by the rules it was given by.
    seats = candidates if own is None else (*candidates, *rank(problem, referral_id))
    return Explanation(
        referral=referral_id,
        served=own is not None,
        seat=next((_as_seat(one) for one in seats if one.slot == own), None),
        runner_up=runner_up,
        funnel=steps,
        reasons=reasons,
    )


def _forbidden(problem: Problem, referral_id: str, beside: Problem) -> Reason:
    """Names the latest rule by which others' bookings forbid the possible seats they leave."""
    refused = refusals(to_columns(problem), _row(problem, referral_id))
    possible = {
        slot.id for slot, rule in zip(problem.slots, refused, strict=True) if rule == ALLOWED
    }
    left = possible.intersection(slot for slot, _ in beside.free_seats)
    refused = refusals(to_columns(beside), _row(beside, referral_id))
    last = max(
        int(rule) for slot, rule in zip(beside.slots, refused, strict=True) if slot.id in left
    )
    return Reason(code=ReasonCode(_RULES[last].value))


def _as_seat(candidate: Candidate) -> Assignment:
    fields = {name: getattr(candidate, name) for name in Assignment.model_fields}
    return Assignment.model_validate(fields)


def cost_lines(problem: Problem, pair: Assignment | Candidate) -> CostLines:
    """
    Gives the parts of a pair's cost.

    Raises
    ------
    UnknownIdError
        When the problem has no such referral or slot.
    """
    row, slot = _one(_row(problem, pair.referral)), _one(_slot(problem, pair.slot))
    columns = to_columns(problem)
    minutes = np.array([pair.travel_minutes], dtype=np.int64)
    return CostLines(
        waiting=int(waiting_cost(columns, row, slot)[0]),
        travel=int(travel_cost(columns, minutes)[0]),
        not_own_practitioner=int(stranger_cost(columns, row, slot)[0]),
    )


def sentences(problem: Problem, explanation: Explanation, lang: Lang) -> tuple[str, ...]:
    """Says an explanation in words, one line each: the seat and its costs, or what is missing."""
    if explanation.seat is None:
        return (
            *(reason.text(lang) for reason in explanation.reasons),
            *(_step_text(step, lang) for step in explanation.funnel),
        )
    return (
        _seat_text(problem, explanation.seat, lang),
        _cost_text(problem, explanation.seat, lang),
        _runner_up_text(problem, explanation.seat, explanation.runner_up, lang),
    )


def for_requester(explanation: Explanation) -> Explanation:
    """
    Gives what a requester may read: the seat, or that no free seat fits, and nothing about others.

    The funnel, the runner-up and the reasons tell of other patients' seats and of what colleagues
    keep for whom; they are the coordinator's. That a seat is free they read from the offers too.
    """
    open_to_requesters = {ReasonCode.SEAT_FREE}
    told = tuple(one for one in explanation.reasons if one.code in open_to_requesters)
    if not explanation.served and not told:
        told = (Reason(code=ReasonCode.NO_FREE_SEAT),)
    return explanation.replaced(runner_up=None, funnel=(), reasons=told)


def _row(problem: Problem, referral_id: str) -> int:
    for row, referral in enumerate(problem.referrals):
        if referral.id == referral_id:
            return row
    raise UnknownIdError("referral", referral_id)


def _slot(problem: Problem, slot_id: str) -> int:
    for index, slot in enumerate(problem.slots):
        if slot.id == slot_id:
            return index
    raise UnknownIdError("slot", slot_id)


def _one(index: int) -> Indices:
    return np.array([index], dtype=np.int32)


def funnel(problem: Problem, referral_id: str, others: Collection[Seat]) -> tuple[FunnelStep, ...]:
    """Counts the free seats that each rule leaves a referral, then what ``others`` left of them."""
    row = _row(problem, referral_id)
    columns: Columns = to_columns(problem)
    refused = refusals(columns, row)
    free = columns.slot_free.astype(np.int64)
    steps = [
        # A slot is still there after a rule when the rule that refuses it, if any, comes later.
        FunnelStep(rule=rule.value, seats_left=int(free[refused > index].sum()))
        for index, rule in enumerate(_RULES)
    ]
    allowed = {
        slot.id for slot, rule in zip(problem.slots, refused, strict=True) if rule == ALLOWED
    }
    taken = sum(slot in allowed for slot, _ in others)
    left = max(0, steps[-1].seats_left - taken)
    return (*steps, FunnelStep(rule=ReasonCode.SEATS_TAKEN.value, seats_left=left))


def _lowest_free(problem: Problem, taken: Collection[Seat]) -> dict[str, int]:
    """Gives the lowest seat that is free and not taken, of each slot that has one."""
    left = [free for free in problem.free_seats if free not in taken]
    return dict(reversed(left))


def _runner_up(
    problem: Problem, plan: Plan, seat: Assignment, others: Collection[Seat]
) -> Candidate | None:
    """Gives the best seat of another slot that is free, stays free and breaks nothing beside it."""
    lowest = _lowest_free(problem, {*others, (seat.slot, seat.seat)})
    left = left_beside(problem, to_columns(problem), plan, _row(problem, seat.referral))
    price = {one.slot: one.price for one in problem.prices}
    found = [
        one.replaced(price=price.get(one.slot, 0))
        for one in rank(problem, seat.referral, seed=plan.seed)
    ]
    # Sorting is stable: between equal sums the tie-break still decides.
    for candidate in sorted(found, key=lambda one: one.cost + one.price):
        if candidate.slot != seat.slot and candidate.slot in lowest and candidate.slot in left:
            return candidate.replaced(seat=lowest[candidate.slot])
    return None


def _step_text(step: FunnelStep, lang: Lang) -> str:
    words = step_words(step.rule)
    if lang is Lang.FR:
        return f"Places restantes après « {word(words, lang)} » : {step.seats_left}"
    return f"Seats left after “{word(words, lang)}”: {step.seats_left}"


def _place_text(problem: Problem, pair: Assignment | Candidate, lang: Lang) -> str:
    slot = problem.slots[_slot(problem, pair.slot)]
    giver = next(one for one in problem.practitioners if one.id == slot.practitioner)
    at = when(slot.start, problem.policy.zone, lang)
    return f"{at}, {word(PROFESSION[giver.profession], lang)}, {word(MODE[pair.mode], lang)}"


def _seat_text(problem: Problem, seat: Assignment, lang: Lang) -> str:
    title = word(("Place", "Seat"), lang)
    return f"{title}{colon(lang)} {_place_text(problem, seat, lang)}."


def _cost_text(problem: Problem, seat: Assignment, lang: Lang) -> str:
    lines = cost_lines(problem, seat)
    mark = colon(lang)
    parts = [f"{word(('attente', 'waiting'), lang)} {seat.wait_minutes} min{mark} {lines.waiting}"]
    if seat.mode is not Mode.VR:
        way = f"{seat.travel_minutes} min ({kilometres(seat.travel_metres, lang)})"
        parts.append(f"{word(('trajet', 'travel'), lang)} {way}{mark} {lines.travel}")
    if lines.not_own_practitioner:
        other = word(("autre praticien que le sien", "not the patient's own practitioner"), lang)
        parts.append(f"{other}{mark} {lines.not_own_practitioner}")
    title = word(("Coût en minutes pondérées", "Cost in weighted minutes"), lang)
    text = f"{title}{mark} {seat.cost} ({', '.join(parts)})."
    if seat.price:
        text += f" {word(('Prix de la place', 'Price of the seat'), lang)}{mark} {seat.price}."
    return text


def _runner_up_text(problem: Problem, seat: Assignment, other: Candidate | None, lang: Lang) -> str:
    if other is None:
        return word(("Aucune autre place libre ne convient.", "No other free seat fits."), lang)
    title = word(("Meilleure place encore libre", "Best seat still free"), lang)
    more = ("minutes pondérées de plus", "weighted minutes more")
    difference = other.cost + other.price - seat.cost - seat.price
    if difference < 0:
        more = ("minutes pondérées de moins", "weighted minutes fewer")
    place = _place_text(problem, other, lang)
    return f"{title}{colon(lang)} {place} ({abs(difference)} {word(more, lang)})."


def colon(lang: Lang) -> str:
    """French sets a space before its colon."""
    return " :" if lang is Lang.FR else ":"
