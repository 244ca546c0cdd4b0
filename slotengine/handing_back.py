"""Empty seats go back to their practitioners: their hour is near, or they are worth more there."""

from collections.abc import Sequence
from datetime import datetime

from slotengine import pricing
from slotengine.answers import HandedBack
from slotengine.domain import Slot, TimeWindow, by_id
from slotengine.policy import Policy
from slotengine.ports import Unit
from slotengine.problem import MAX_HORIZON
from slotengine.reasons import Reason, ReasonCode


def hand_back(unit: Unit, territory: str, *, now: datetime) -> tuple[HandedBack, ...]:
    """
    Gives free seats of the territory's own slots back, never one that is promised or held.

    A slot is due at its ``handback_at``, else ``Policy.handback.before`` its start. A slot that is
    open for booking goes back sooner where its price is below ``Policy.handback.own_value``: a
    price of its own, from a set that is current. A stale set, or a neighbour's price, says nothing
    about what comes, and what was given back can't be asked for again.
    """
    policy = unit.policy(territory)
    window = TimeWindow(start=now, end=now + MAX_HORIZON)
    free = by_id(
        seat.slot for seat in unit.free_seats(territory, window) if seat.slot.territory == territory
    )
    cheap = _cheap(unit, policy, list(free.values()), now=now)
    given = []
    for slot_id, slot in sorted(free.items()):
        reason = _due(policy, slot, cheap, now=now)
        if reason is None:
            continue
        seats = unit.hand_back(slot_id, why=reason.code.value)
        if seats:
            given.append(HandedBack(slot=slot_id, seats=seats, reason=reason))
    return tuple(given)


def due_at(policy: Policy, slot: Slot) -> datetime:
    """Gives the instant from which an empty seat of a slot goes back."""
    return slot.handback_at or slot.start - policy.handback.before


def _due(policy: Policy, slot: Slot, cheap: dict[str, int], *, now: datetime) -> Reason | None:
    if due_at(policy, slot) <= now:
        return Reason(code=ReasonCode.HANDED_BACK_TIME)
    if slot.id in cheap:
        return Reason(
            code=ReasonCode.HANDED_BACK_PRICE,
            figures={"price": cheap[slot.id], "own": policy.handback.own_value},
        )
    return None


def _cheap(unit: Unit, policy: Policy, slots: Sequence[Slot], *, now: datetime) -> dict[str, int]:
    """Gives the prices below the practice's own value, of slots that could be booked by now."""
    own = policy.handback.own_value
    open_now = [slot for slot in slots if slot.opens_at is None or slot.opens_at <= now]
    if own == 0 or not open_now:
        return {}
    found = pricing.priced(unit, policy, open_now, now=now)
    # No prices: nothing is known of what comes, or nothing is expected, which says no more.
    return {
        slot_id: price
        for slot_id, price in found.prices.items()
        if price < own and slot_id not in found.own_reasons
    }
