"""Promises at a desk: made, moved, and where their seats are."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from builders import NOW
from desk import Desk

from slotengine.codes import Mode
from slotengine.domain import Booking, Promise, Referral, Slot
from slotengine.ports import Move


def terms(who: Referral, **changes: Any) -> Promise:
    fields: dict[str, Any] = {
        "referral": who.id,
        "territory": who.territory,
        "made_at": NOW,
        "before": NOW + timedelta(hours=30),
        "within_metres": 15_000,
        "notice": timedelta(minutes=61, microseconds=1),
    }
    return Promise(**{**fields, **changes})


def promised(desk: Desk, reference: str, where: Slot, **changes: Any) -> tuple[Referral, Booking]:
    """A patient with a promise and the seat that keeps it."""
    who = desk.refer(reference, **changes)
    booking = desk.promise(who, where)
    desk.do(lambda unit: unit.save_promise(terms(who)))
    return who, booking


def move(booking: Booking, where: Slot, mode: Mode = Mode.AMB) -> Move:
    return Move(booking=booking.id, version=booking.version, slot=where, mode=mode)


def moved(desk: Desk, *moves: Move, now: Any = NOW) -> Sequence[Booking]:
    return desk.do(lambda unit: unit.attempt(lambda: unit.move_promises(moves)), now=now)


def places(desk: Desk) -> dict[str, tuple[str, int]]:
    """Where every open promise has its seat."""
    found = desk.ask(lambda unit: unit.open_promises("giennois"))
    return {one.promise.referral: (one.slot.id, one.booking.seat) for one in found}
