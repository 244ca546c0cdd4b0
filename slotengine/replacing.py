"""
A locum takes over: the slots change hands, the bookings on them stay.

Nobody is moved, so nobody is lost; a slot whose patients could not be the locum's stays where it
is and comes back with the reason.
"""

from datetime import datetime
from functools import partial

from slotengine.answers import RejectedItem, ReplaceReport
from slotengine.codes import SlotState
from slotengine.domain import Booking, Slot, TimeWindow
from slotengine.errors import InputError
from slotengine.keeping import refusal_of
from slotengine.ports import ReplaceOutcome, Unit
from slotengine.problem import TravelMatrix
from slotengine.reasons import RULE, Rule

CHANGED = "booking.practitioner_changed"
"""The event by which a host tells a patient whom they will see."""

WHY_NOT: dict[ReplaceOutcome, str] = {
    "same": "it is not open any more",
    "overlap": "who takes over has another open slot at that time",
    "full": "its bookings would pass the limit of who takes over",
    "unknown": "who takes over was never published there",
    "foreign": "it belongs to another territory",
}

OTHER_PROFESSION = "who takes over has another profession"

OF_THE_PRACTITIONER = frozenset({Rule.PROFESSION, Rule.SPECIALTY, Rule.AGE, Rule.MOTIVE})
"""What a booked patient asks of whom they see; the other rules ask about the slot, which stays."""


class _StaysError(Exception):
    """A slot stays with its practitioner; undoes what was written of its taking over."""


def replace(
    unit: Unit,
    practitioner: str,
    by: str,
    window: TimeWindow,
    *,
    now: datetime,
    matrix: TravelMatrix | None,
) -> ReplaceReport:
    """
    Gives the open slots of a practitioner that start in the window to another one.

    Profession must be equal, caps and other slots must leave room, and every booked patient must
    be one whom the locum sees. A patient who knows the hour is to be told whom they will see: one
    event ``booking.practitioner_changed`` for each.

    Raises
    ------
    InputError
        When somebody would replace themselves.
    """
    if practitioner == by:
        raise InputError(f"practitioner {by} can't replace themselves")
    taken, bookings, rejected = [], [], []
    for slot in unit.agenda(practitioner, window):
        if slot.state is not SlotState.OPEN or slot.end <= now:
            continue
        unit.advance_clock(slot.territory, unit.policy(slot.territory).clock_tolerance)
        try:
            bookings += unit.attempt(partial(_handed_over, unit, slot, by, now=now, matrix=matrix))
        except _StaysError as stays:
            rejected.append(RejectedItem(id=slot.id, why=str(stays)))
        else:
            taken.append(slot.id)
    return ReplaceReport(
        slots=tuple(taken),
        bookings=tuple(booking.id for booking in bookings),
        rejected=tuple(rejected),
    )


def _handed_over(
    unit: Unit, slot: Slot, by: str, *, now: datetime, matrix: TravelMatrix | None
) -> list[Booking]:
    """
    Gives one slot over and tells of its bookings.

    Raises
    ------
    _StaysError
        With why it stays.
    """
    # As if the slot were theirs already: the store gives practitioners by slot.
    found = unit.practitioners([slot, slot.replaced(practitioner=by)])
    people = {one.id: one for one in found}
    if by in people and people[by].profession is not people[slot.practitioner].profession:
        raise _StaysError(OTHER_PROFESSION)
    outcome = unit.replace_practitioner(slot.id, by)
    if outcome in WHY_NOT:
        raise _StaysError(WHY_NOT[outcome])
    bookings = list(unit.active_bookings([slot.id]))
    for booking in bookings:
        referral = unit.stored_referral(booking.referral).referral
        policy = unit.policy(referral.territory)
        rule = refusal_of(unit, referral, policy, booking, now=now, matrix=matrix)
        if rule in OF_THE_PRACTITIONER:
            raise _StaysError(f"a patient on it is not theirs to see: {RULE[rule][1]}")
        if not booking.movable:
            # Who knows no hour yet has nothing to be told again.
            unit.event(
                booking.territory,
                CHANGED,
                referral=booking.referral,
                slot=slot.id,
                booking=booking.id,
                why=f"{slot.practitioner} > {by}",
            )
    return bookings
