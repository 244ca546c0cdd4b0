"""
What time makes due: holds that run out, promises to be announced, prices that grow old.

A host calls ``Engine.tend`` every minute; each of its steps is a transaction of its own, so that
one that fails takes no other with it.
"""

from collections.abc import Callable
from datetime import datetime
from typing import TypeVar

from slotengine import pricing, promising
from slotengine.answers import Announced
from slotengine.codes import BookingStatus, PromiseState
from slotengine.domain import Booking
from slotengine.errors import BookingError, SlotEngineError
from slotengine.ports import SeatedPromise, Unit
from slotengine.reasons import ReasonCode

T = TypeVar("T")

TOLD = "promise.announced"
"""The event by which a host tells a patient the hour of the seat they were promised."""

TOLD_LATE = "incident.promise_told_late"

HALF = 2
"""Prices are computed anew at half of their time, so that one run that fails does no harm."""


def expire(unit: Unit, territory: str) -> tuple[Booking, ...]:
    """Moves the territory's clock on and ends the holds that ran out."""
    unit.advance_clock(territory, unit.policy(territory).clock_tolerance)
    return unit.expire_holds(territory)


def announce(unit: Unit, territory: str, *, now: datetime) -> tuple[Announced, ...]:
    """
    Fixes the promised seats whose hour is to be told by now: told, confirmed, promise kept.

    One that is told later than it was promised to be, by more than the clock's tolerance, is an
    incident too: told late is better than not at all, and nobody shall read that all went well.
    One whose hour came before anybody was told is broken; so is one whose seat can't be confirmed.
    The patient is first in line then.
    """
    tolerance = unit.policy(territory).clock_tolerance
    announced = []
    for one in unit.open_promises(territory):
        due = one.slot.start - one.promise.notice
        if due > now:
            continue
        booking = _fixed(unit, one) if now < one.slot.start else None
        if booking is None:
            _break_unless_given_up(unit, one)
            continue
        ids = {"referral": booking.referral, "slot": booking.slot, "booking": booking.id}
        unit.event(territory, TOLD, **ids)
        if now - due > tolerance:
            unit.event(territory, TOLD_LATE, **ids, why="nobody asked for what was due in time")
        promise = unit.promise_of(booking.referral) or one.promise
        announced.append(Announced(promise=promise, booking=booking))
    return tuple(announced)


def _fixed(unit: Unit, one: SeatedPromise) -> Booking | None:
    """Confirms the seat that keeps a promise; None when it can't be."""

    def work() -> Booking:
        unit.tell(one.booking.id)
        booking = unit.confirm(one.booking.id)
        # Repeating it changes nothing where confirming has kept the promise already.
        unit.end_promise(booking.referral, PromiseState.KEPT)
        return booking

    try:
        return unit.attempt(work)
    except BookingError:
        return None


def _break_unless_given_up(unit: Unit, one: SeatedPromise) -> None:
    """Ends a promise that can't be kept, with its incident; its patient is first in line."""
    referral = one.promise.referral
    if promising.open_promise(unit, referral) is None:
        # Its people gave the seat up while we looked: nothing is broken.
        return
    why = ReasonCode.PROMISE_BROKEN.value
    if unit.booking_of(referral) is not None:
        unit.end_booking(one.booking.id, BookingStatus.CANCELLED, why)
    promising.broken_aloud(unit, one, why)


def prices_due(unit: Unit, territory: str, *, now: datetime) -> bool:
    """
    Tells whether new prices are to be computed: none serve, half their time is over, or seats
    came and went.
    """
    policy = unit.policy(territory)
    if pricing.stale_supply(unit, policy, now=now):
        return True
    current = unit.current_prices(territory)
    return (
        policy.pricing.enabled
        and current is not None
        and now - current.computed_at >= policy.pricing.valid_for / HALF
    )


class Steps:
    """
    Runs steps that don't depend on each other and raises the first error once all were tried.

    Only deliberate errors wait: a bug ends the run at once, with its traceback.
    """

    def __init__(self) -> None:
        self._failed: list[tuple[str, SlotEngineError]] = []

    def tried(self, name: str, step: Callable[[], T]) -> T | None:
        """Gives what a step gives, None when it fails."""
        try:
            return step()
        except SlotEngineError as error:
            self._failed.append((name, error))
            return None

    def end(self) -> None:
        """Raises the first error, with a note for each of the others; nothing is swallowed."""
        if not self._failed:
            return
        (name, first), *others = self._failed
        first.add_note(f"raised by step {name}; the other steps were tried")
        for other, error in others:
            first.add_note(f"step {other} failed too: {type(error).__name__}: {error}")
        raise first
