"""One referral now: the slots it may have, best first, by the same arcs and costs as the night."""

from collections.abc import Mapping, Sequence
from datetime import timedelta

import numpy as np

from slotengine.domain import Slot
from slotengine.errors import ProblemError, UnknownIdError
from slotengine.explanations import Candidate
from slotengine.problem import Problem
from slotengine.solver.arcs import candidate_arcs
from slotengine.solver.columns import to_columns
from slotengine.solver.costs import MODE_ORDER, tie_breaks
from slotengine.solver.writing import priced_pairs


def rank(
    problem: Problem,
    referral_id: str,
    *,
    prices: Mapping[str, int] | None = None,
    at_any_price: bool = False,
    seed: int = 0,
) -> list[Candidate]:
    """
    Ranks the free slots that one referral may have, each with its lowest free seat.

    Parameters
    ----------
    problem
        Holds the referral among others or alone; the others are not looked at.
    referral_id
        Who asks.
    prices
        What a seat of each slot is worth to those who come later, in weighted minutes; 0 for a
        slot not listed. Candidates worth less than they cost are then left out. Default None: the
        problem's own prices, which are a rule for ``solve`` too; beyond that rule nothing is left
        out, and the first candidate is what ``solve`` gives this referral alone.
    at_any_price
        Leaves no candidate out for its price, by which it is ranked all the same. Default False.
    seed
        Turns the tie-break, as in ``solve``. Default 0.

    Returns
    -------
    list of Candidate
        By score, then by tie-break.

    Raises
    ------
    UnknownIdError
        When the problem holds no such referral.
    ProblemError
        When a price is negative.
    """
    index = next((at for at, one in enumerate(problem.referrals) if one.id == referral_id), None)
    if index is None:
        raise UnknownIdError("referral", referral_id)
    listed = {one.slot: one.price for one in problem.prices} if prices is None else prices
    for slot_id, price in listed.items():
        if price < 0:
            raise ProblemError(f"price of slot {slot_id} is {price}, allowed is 0 or more")
    columns = to_columns(problem)
    arcs = candidate_arcs(columns, np.array([index], dtype=np.int32))
    pairs = priced_pairs(columns, arcs.row, arcs.slot)
    ties = tie_breaks(columns, pairs.row, pairs.slot, seed)
    value = problem.policy.values.of(problem.referrals[index].priority)
    ranked = []
    found = zip(pairs.slot.tolist(), pairs.cost.tolist(), ties.tolist(), strict=True)
    for at, (slot, cost, tie) in enumerate(found):
        if columns.slot_free[slot] == 0:
            continue
        slot_id = problem.slots[slot].id
        price = listed.get(slot_id, 0)
        # Candidates are made of those alone that stay: making one takes longer than its arc.
        if prices is None or at_any_price or value >= cost + price:
            ranked.append((cost + price - value, tie, slot_id, at, slot))
    return [
        Candidate(
            referral=referral_id,
            slot=slot_id,
            seat=int(columns.seat_number[columns.slot_first_seat[slot]]),
            mode=MODE_ORDER[pairs.mode[at]],
            travel_metres=int(pairs.journey.metres[at]),
            travel_minutes=int(pairs.journey.minutes[at]),
            wait_minutes=int(pairs.wait_minutes[at]),
            cost=int(pairs.cost[at]),
            price=listed.get(slot_id, 0),
            value=value,
        )
        for _, _, slot_id, at, slot in sorted(ranked)
    ]


def spread_out(
    candidates: Sequence[Candidate],
    slots: Mapping[str, Slot],
    *,
    limit: int,
    apart_minutes: int,
) -> list[Candidate]:
    """
    Chooses the best candidates that differ from each other, so that a choice is one.

    Parameters
    ----------
    candidates
        Best first.
    slots
        Their slots by id.
    limit
        At most so many; 0 gives none.
    apart_minutes
        Two candidates differ by their practitioner, or when they start at least so far apart.

    Returns
    -------
    list of Candidate
        The best, then each next one that differs from all chosen before: fewer than ``limit``
        rather than two alike.
    """
    apart = timedelta(minutes=apart_minutes)
    chosen: list[Candidate] = []
    for candidate in candidates:
        if len(chosen) >= limit:
            break
        slot = slots[candidate.slot]
        if all(_differ(slot, slots[one.slot], apart) for one in chosen):
            chosen.append(candidate)
    return chosen


def _differ(slot: Slot, other: Slot, apart: timedelta) -> bool:
    return slot.practitioner != other.practitioner or abs(slot.start - other.start) >= apart
