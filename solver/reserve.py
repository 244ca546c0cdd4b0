"""
The plain nested reserve: seats kept for the more urgent while there are no prices.

Nested (Littlewood 1972; Belobaba 1987): what is kept from asap is kept from urgent and routine too.
"""

from collections import defaultdict
from datetime import date, datetime

from slotengine.codes import Priority, Profession, SlotState
from slotengine.problem import Problem
from slotengine.solver.encoding import Flags, flags
from slotengine.solver.variations import NOON

SHARE_ERROR = 1e-9
"""Added before rounding down: 0.29 of 100 seats are 29, not the 28.999999999999996 of doubles."""


def keeps(problem: Problem, priority: Priority) -> Flags:
    """
    Gives which free seats a referral of some priority must leave alone.

    Of the free seats of one profession in one local half-day, whole seats rounded down, the share
    ``Policy.reserve.kept_from(priority)`` is kept, and that the soonest: they are what the most
    urgent can still use before their deadline. Of seats that begin together the first in
    ``problem.free_seats`` is kept first. Seats that nobody can have now, closed or begun, are
    neither counted nor kept.

    Parameters
    ----------
    problem
        Its referrals and prices are not looked at.
    priority
        Who asks. The more urgent, the fewer seats are kept from them, and all of these from the
        less urgent too.

    Returns
    -------
    Flags
        (C,) in the order of ``problem.free_seats``.
    """
    share = problem.policy.reserve.kept_from(priority)
    kept: set[int] = set()
    for seats in _half_days(problem).values():
        count = int(share * len(seats) + SHARE_ERROR)
        kept.update(at for _, at in sorted(seats)[:count])
    return flags(at in kept for at in range(len(problem.free_seats)))


def kept_slots(problem: Problem, priority: Priority) -> frozenset[str]:
    """Gives the slots with free seats all of which a referral of some priority must leave alone."""
    kept = keeps(problem, priority)
    slots = [slot for slot, _ in problem.free_seats]
    open_to = {slot for slot, is_kept in zip(slots, kept, strict=True) if not is_kept}
    return frozenset(slots) - open_to


_HalfDay = tuple[Profession, date, bool]


def _half_days(problem: Problem) -> dict[_HalfDay, list[tuple[datetime, int]]]:
    """Gives start and index of the free seats of each profession and local half-day."""
    slots = {slot.id: slot for slot in problem.slots}
    profession = {one.id: one.profession for one in problem.practitioners}
    zone = problem.policy.zone
    found: defaultdict[_HalfDay, list[tuple[datetime, int]]] = defaultdict(list)
    for at, (slot_id, _) in enumerate(problem.free_seats):
        slot = slots[slot_id]
        if slot.state is SlotState.OPEN and slot.start > problem.as_of:
            local = slot.start.astimezone(zone)
            afternoon = local.time() >= NOON
            found[profession[slot.practitioner], local.date(), afternoon].append((slot.start, at))
    return found
