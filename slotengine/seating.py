"""
The verbs that give, hold, promise and take back a seat. ``Engine`` adds referrals and nights.

Each is one transaction. A seat that comes free is held at once for one of those who wait.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Literal

from slotengine import holding, offering, pathways, promising, waitlist
from slotengine.answers import Offer, Placement
from slotengine.codes import BookingStatus
from slotengine.domain import Actor, Booking, Referral
from slotengine.ports import Unit
from slotengine.tokens import read_token
from slotengine.upkeep import Upkeep

AGAIN = 3
"""Offers after a hold ran out: as many as ``offers`` gives by default."""


class Seating(Upkeep):
    """What a requester does with a seat."""

    def hold(self, offer: Offer | str, *, now: datetime, actor: Actor | None = None) -> Booking:
        """
        Holds an offered seat for the Policy's time; takes an ``Offer`` or its token.

        Raises
        ------
        SlotTakenError
            When somebody else was faster, the offer ran out, or the slot changed.
        DuplicateReferralError
            When the referral has a seat already.
        TokenError
            When the text is no token, or its prices are of another territory.
        """
        token = read_token(offer.token if isinstance(offer, Offer) else offer)
        return self._store.write(
            lambda unit: holding.hold(unit, token, now=now, matrix=self._travel),
            now=now,
            actor=actor,
        )

    def place(
        self,
        referral: Referral,
        *,
        now: datetime,
        confirm: bool = False,
        actor: Actor | None = None,
    ) -> Placement:
        """
        Receives a referral and holds its best seat, in one transaction.

        Priorities that the Policy promises to get a promise instead of a hold, ``confirm`` or not:
        its hour is told later. A seat lost to somebody faster is followed by the next candidate.
        "None" is an answer, with reasons; outside opening hours the answer names the service that
        is open.
        """
        return self._store.write(
            lambda unit: offering.place(
                unit,
                pathways.receive_need(unit, referral, now=now),
                now=now,
                confirm=confirm,
                matrix=self._travel,
            ),
            now=now,
            actor=actor,
        )

    def promise(self, referral_id: str, *, now: datetime, actor: Actor | None = None) -> Placement:
        """
        Promises a referral a seat by its deadline and within its distance, told a while ahead.

        Whatever its priority. Its seat may move until then, never the promise. Without a seat that
        can be promised the referral waits, with reasons; a repeated call gives the same promise.

        Raises
        ------
        DuplicateReferralError
            When the referral has another seat.
        TransitionError
            When it is closed or refused.
        """
        return self._store.write(
            lambda unit: offering.promise(unit, referral_id, now=now, matrix=self._travel),
            now=now,
            actor=actor,
        )

    def confirm(self, booking_id: str, *, now: datetime, actor: Actor | None = None) -> Booking:
        """
        Confirms a held or promised seat; again gives the same.

        The booking of a promise is fixed by it, and the promise kept.

        Raises
        ------
        HoldExpiredError
            When the hold ran out: ``confirm_or_offer`` tells what may be had instead.
        """
        return self._step(booking_id, lambda unit: unit.confirm(booking_id), now=now, actor=actor)

    def confirm_or_offer(
        self, booking_id: str, *, now: datetime, limit: int = AGAIN, actor: Actor | None = None
    ) -> Placement:
        """
        Confirms a booking, or says that its hold ran out and offers other seats.

        The answer tells how the referral stands by now: with ``booking``, confirmed or the one it
        has meanwhile, or without one and with ``offers``. Raises nothing for a hold that ran out.
        """
        return self._store.write(
            lambda unit: holding.confirm_or_offer(
                unit, booking_id, now=now, limit=limit, matrix=self._travel
            ),
            now=now,
            actor=actor,
        )

    def tell(self, booking_id: str, *, now: datetime, actor: Actor | None = None) -> Booking:
        """Records that the patient was told a promised seat: from now on no night moves it."""
        return self._step(booking_id, lambda unit: unit.tell(booking_id), now=now, actor=actor)

    def release(self, booking_id: str, *, now: datetime, actor: Actor | None = None) -> Booking:
        """Gives a seat back because the requester did not want it."""
        return self.cancel(booking_id, reason="released", now=now, actor=actor)

    def cancel(
        self, booking_id: str, *, reason: str, now: datetime, actor: Actor | None = None
    ) -> Booking:
        """
        Cancels a booking; its referral waits again. Repeating it changes nothing.

        What it was promised is given up with it, and the seat is held for one of those who wait.
        """

        def work(unit: Unit) -> Booking:
            before = unit.booking(booking_id)
            ended = unit.end_booking(booking_id, BookingStatus.CANCELLED, why=reason)
            if ended != before:
                promising.give_up(unit, ended.referral, reason)
                self._ask_who_waits(unit, [ended], now=now)
            return ended

        return self._step(booking_id, work, now=now, actor=actor)

    def close(
        self,
        booking_id: str,
        outcome: Literal[BookingStatus.FULFILLED, BookingStatus.NOSHOW],
        *,
        now: datetime,
        actor: Actor | None = None,
    ) -> Booking:
        """Records that the patient came, or did not; the referral is closed."""
        return self._step(
            booking_id,
            lambda unit: unit.end_booking(booking_id, outcome),
            now=now,
            actor=actor,
        )

    def _ask_who_waits(self, unit: Unit, given_back: Sequence[Booking], *, now: datetime) -> None:
        """Holds seats of one territory that were just given back for others who wait."""
        for territory in {one.territory for one in given_back}:
            waitlist.refill(
                unit,
                territory,
                now=now,
                matrix=self._travel,
                slots={one.slot for one in given_back},
                without={one.referral for one in given_back},
            )

    def _step(
        self,
        booking_id: str,
        step: Callable[[Unit], Booking],
        *,
        now: datetime,
        actor: Actor | None,
    ) -> Booking:
        """Takes one step with a booking; a clock gone back would revive a hold that ran out."""

        def work(unit: Unit) -> Booking:
            territory = unit.booking(booking_id).territory
            unit.advance_clock(territory, unit.policy(territory).clock_tolerance)
            return step(unit)

        return self._store.write(work, now=now, actor=actor)
