"""
The same problem with one thing changed: a referral that asks for less, or one more seat.

Everything else is the value that it was, so whatever a new plan does differently is due to it.
"""

from bisect import insort
from collections.abc import Collection
from datetime import time

from slotengine.domain import Referral
from slotengine.explanations import NewSeat
from slotengine.problem import Problem

NOON = time(12)
"""Local time at which a half-day's afternoon begins."""

COLLEAGUE = "one-more-seat"
"""Id of the slot that is added, and of the colleague who gives it."""


def with_referral(problem: Problem, changed: Referral) -> Problem:
    """Gives the problem with one referral replaced by the one of the same id."""
    return problem.replaced(
        referrals=tuple(changed if one.id == changed.id else one for one in problem.referrals)
    )


def with_one_more_seat(problem: Problem, slot_id: str) -> Problem:
    """
    Gives the problem with one more seat like those of a slot.

    A colleague gives it: of the same profession and specialties, with the same limits, at the same
    place and hours, in a slot of one seat. Not the slot itself with a seat more: that would halve
    the minutes of each of its bookings, and a practitioner whose day is full can't add any.
    """
    like = next(slot for slot in problem.slots if slot.id == slot_id)
    giver = next(one for one in problem.practitioners if one.id == like.practitioner)
    colleague = giver.replaced(id=_unused({one.id for one in problem.practitioners}))
    seat = like.replaced(
        id=_unused({slot.id for slot in problem.slots}),
        practitioner=colleague.id,
        capacity=1,
        extra_capacity=0,
    )
    practitioners, slots = list(problem.practitioners), list(problem.slots)
    insort(practitioners, colleague, key=lambda one: one.id)
    insort(slots, seat, key=lambda one: one.id)
    # At the same hour it is worth as much to those who come later as the seat that it is like.
    prices = [
        *problem.prices,
        *(one.replaced(slot=seat.id) for one in problem.prices if one.slot == slot_id),
    ]
    return problem.replaced(
        practitioners=tuple(practitioners),
        slots=tuple(slots),
        prices=tuple(sorted(prices, key=lambda one: one.slot)),
    )


def _unused(taken: Collection[str]) -> str:
    name = COLLEAGUE
    while name in taken:
        name += "-"
    return name


def new_seats(problem: Problem) -> dict[str, NewSeat]:
    """Gives for each slot of the territory itself the half-day, profession and commune it is of."""
    giver = {one.id: one for one in problem.practitioners}
    sites = {one.id: one for one in problem.sites}
    zone = problem.policy.zone
    found = {}
    for slot in problem.slots:
        if slot.territory != problem.territory:
            # A neighbour's seats are the neighbour's to add.
            continue
        site, start = sites[slot.site], slot.start.astimezone(zone)
        found[slot.id] = NewSeat(
            day=start.date(),
            afternoon=start.time() >= NOON,
            profession=giver[slot.practitioner].profession,
            insee=site.location.insee,
            place=site.label or site.location.insee or site.id,
        )
    return found


def cell_key(seat: NewSeat) -> NewSeat:
    """Gives what seats of one half-day, profession and commune have in common."""
    # A commune's sites are one cell, whatever their names.
    return seat.replaced(place="") if seat.insee else seat
