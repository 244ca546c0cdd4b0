"""
The steps that a message asks for, each as the engine's own verb of that name takes it.

A seat that comes free by one is held at once for one of those who wait.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, TypeAlias

from slotengine import offering, pathways, referring
from slotengine.adapters.base import Amend, Cancel, New, Outcome
from slotengine.answers import Receipt
from slotengine.codes import BookingStatus
from slotengine.domain import Booking, Referral
from slotengine.errors import TransitionError, UnknownIdError
from slotengine.ports import Unit
from slotengine.problem import TravelMatrix
from slotengine.transitions import ENDED

BY_ITS_SOURCE = "cancelled by its source"
"""Why a referral is closed whose sender took it back."""

Message: TypeAlias = New | Amend | Cancel | Outcome
"""What a sender can say; a ``Rejected`` says nothing that could be done."""


class WhoWaits(Protocol):
    """Holds seats that were just given back for others who wait."""

    def __call__(self, unit: Unit, given_back: Sequence[Booking], *, now: datetime) -> None:
        """Asks one after the other."""


@dataclass(frozen=True, slots=True)
class Steps:
    """What every step needs beside its message."""

    now: datetime
    matrix: TravelMatrix | None
    ask_who_waits: WhoWaits

    def take(self, unit: Unit, one: Message) -> Receipt:
        """Does what a message says; the engine's errors say no."""
        match one:
            case New():
                return self.refer(unit, one.referral)
            case Amend(only=None):
                return self.amend(unit, one.referral)
            case Amend():
                return self._amend_in_part(unit, one)
            case Cancel():
                return self.cancel(unit, one.referral_id, BY_ITS_SOURCE)
            case Outcome():
                return self.close(unit, one)

    def refer(self, unit: Unit, referral: Referral) -> Receipt:
        """Receives a referral; see ``Engine.refer``."""
        return offering.answered(
            pathways.receive_need(unit, referral, now=self.now),
            unit.policy(referral.territory),
            now=self.now,
        )

    def amend(self, unit: Unit, referral: Referral) -> Receipt:
        """Replaces what a referral asks for; see ``Engine.amend``."""
        had = unit.booking_of(referral.id)
        receipt = referring.amend(unit, referral, now=self.now, matrix=self.matrix)
        has = unit.booking_of(referral.id)
        if had is not None and (has is None or has.slot != had.slot):
            self.ask_who_waits(unit, [had], now=self.now)
        return receipt

    def _amend_in_part(self, unit: Unit, one: Amend) -> Receipt:
        """Replaces what a partial message says; what is so already was not amended."""
        stored = unit.stored_referral(one.referral.id)
        asked = one.onto(stored.referral)
        if asked == stored.referral and asked.state not in ENDED:
            return referring.standing(unit, stored)
        return self.amend(unit, asked)

    def cancel(self, unit: Unit, referral_id: str, reason: str) -> Receipt:
        """Closes a referral and gives its seats back; see ``Engine.cancel_referral``."""
        had = [unit.booking_of(one) for one in pathways.from_step(unit, referral_id)]
        receipt = pathways.cancel_from(unit, referral_id, reason)
        self.ask_who_waits(unit, [one for one in had if one is not None], now=self.now)
        return receipt

    def close(self, unit: Unit, one: Outcome) -> Receipt:
        """
        Records how a referral's appointment ended; the same end again changes nothing.

        Raises
        ------
        UnknownIdError
            When the referral is unknown, or has no appointment.
        TransitionError
            When its appointment ended otherwise, or was never confirmed.
        """
        before = unit.stored_referral(one.referral_id)
        booking = unit.booking_of(one.referral_id)
        if booking is None:
            _refuse_other_end(unit, one)
            return referring.standing(unit, before)
        unit.end_booking(booking.id, one.outcome)
        return referring.standing(unit, unit.stored_referral(one.referral_id), repeated=False)


def _refuse_other_end(unit: Unit, one: Outcome) -> None:
    """Raises unless the appointment ended as the message says."""
    ended = {
        BookingStatus(seated.booking.status): seated.booking.id
        for seated in unit.seated("referral", [one.referral_id], done=True)
    }
    if one.outcome in ended:
        return
    if not ended:
        raise UnknownIdError("booking of referral", one.referral_id)
    status, booking = next(iter(ended.items()))
    raise TransitionError(f"booking {booking}", status.value, one.outcome.value)
