"""
Promised seats that move: the witness of a promise leaves its seat for another, never for none.

A path is moved from its free end backwards, each step checked where it lands; the first that
misses stops all of them, and ``attempt`` puts everything back.
"""

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import TypeVar

from sqlalchemy import bindparam, select, update
from sqlalchemy.exc import IntegrityError

from slotengine import tables
from slotengine.codes import BookingStatus, PromiseState
from slotengine.domain import Booking, Promise, Slot
from slotengine.errors import InputError, SlotTakenError, TransitionError, UnknownIdError
from slotengine.ports import Move, SeatedPromise
from slotengine.store_among import among
from slotengine.store_bookings import ACTIVE_NOW, BOOKING_COLUMNS, change, read_booking
from slotengine.store_caps import effort_minutes
from slotengine.store_counters import Day, Used, shift
from slotengine.store_errors import translated
from slotengine.store_events import Record
from slotengine.store_promises import read_promise
from slotengine.store_seated import SLOT, Part, labelled
from slotengine.store_seats import ELSEWHERE, FULL_DAY, TAKEN, Seats, first_visit, given_in_weeks_of
from slotengine.store_slots import NOUN, read_slot

STIRRED = "a promise on the way to it has moved or was told meanwhile"
"""Why a path can't be moved: it was found on bookings that have changed since."""
NOT_MOVED = "a promise can't be moved there"

T = TypeVar("T")

_PROMISE = "promise_"
"""Before the columns of a promise in a row that also has a booking's."""

PROMISES_KEPT = 4_096
"""Rows that a process keeps as nouns, some 10 MB: the open promises of several territories."""


_OPEN = (
    select(
        *BOOKING_COLUMNS,
        *labelled(_PROMISE, tables.promise.c),
        *labelled(SLOT, NOUN),
    )
    .join(tables.promise, tables.booking.c.referral_id == tables.promise.c.referral_id)
    .join(tables.slot, tables.slot.c.id == tables.booking.c.slot_id)
    .where(
        tables.promise.c.territory == bindparam("mine"),
        tables.promise.c.state == PromiseState.OPEN.value,
        tables.booking.c.status == BookingStatus.PROMISED.value,
        ACTIVE_NOW,
    )
)
"""Asked with every referral: made once."""


# A noun is frozen and the row is all that it is made of, so a kept one is never out of date.
@lru_cache(maxsize=PROMISES_KEPT)
def _kept(row: Record) -> SeatedPromise:
    return SeatedPromise(
        promise=read_promise(Part(row, _PROMISE)),
        booking=read_booking(row),
        slot=read_slot(Part(row, SLOT)),
    )


class Moves(Seats):
    """The part of a unit of work that moves promised seats."""

    def save_promise(self, promise: Promise) -> None:
        """
        Stores an open promise to a referral with a promised booking; replaces an ended one.

        Raises
        ------
        InputError
            When the promise has ended, or is of another territory than its referral.
        TransitionError
            When the referral has no promised booking (a promise without a seat is only words), or
            an open promise already.
        """
        if promise.state is not PromiseState.OPEN or promise.ended_at is not None:
            raise InputError(f"the promise to {promise.referral} is {promise.state}, not open")
        referral = self._referral_row(promise.referral)
        if referral.territory != promise.territory:
            raise InputError(f"referral {referral.id} is not of territory {promise.territory}")
        witness = self.booking_of(referral.id)
        name = f"promise to {referral.id}"
        if witness is None or witness.status is not BookingStatus.PROMISED:
            raise TransitionError(name, "without a promised seat", "open")
        if not self._write_promise(promise):
            raise TransitionError(name, "open", "made again")
        self.event(
            promise.territory,
            "promise.made",
            referral=referral.id,
            slot=witness.slot,
            booking=witness.id,
        )

    def open_promises(self, territory: str) -> tuple[SeatedPromise, ...]:
        """Gives the open promises that have a promised booking, by referral."""
        rows = self._connection.execute(_OPEN, {"mine": territory, "now": self._now}).all()
        return tuple(sorted(map(_kept, rows), key=lambda one: one.promise.referral))

    def _by_id(self, ids: Sequence[str], *, lock: bool = False) -> dict[str, Record]:
        table = tables.booking
        statement = select(table).where(among(table.c.id, ids)).order_by(table.c.id)
        rows = self._connection.execute(statement.with_for_update() if lock else statement).all()
        return {row.id: row for row in rows}

    def attempt(self, work: Callable[[], T]) -> T:
        """
        Runs a part of the work in a SAVEPOINT: what it wrote is undone when it raises.

        A named constraint that refuses speaks as its own error, so that the work may go on.
        """
        # What was told before stays told, what is told within is undone with the rest.
        self.write_events()
        try:
            with self._connection.begin_nested():
                done = work()
                self.write_events()
                return done
        except IntegrityError as refused:
            raise translated(refused, "the database") from refused
        finally:
            self._unwritten.clear()
            # What was added or raised within may be undone.
            self._added.clear()
            self._raised.clear()

    def move_promises(self, moves: Sequence[Move]) -> tuple[Booking, ...]:
        """
        Moves promised bookings along a path, in the order given: the free end first.

        Raises
        ------
        SlotTakenError
            As soon as one can't move: it changed, was told or ended, its new slot changed, has no
            free seat, is not shared with its territory or not given in that mode, a cap would be
            passed, its patient or the practitioner is elsewhere. What was moved until then is not
            moved back: that is for ``attempt``.
        UnknownIdError
            When a booking was never there.
        """
        if not moves:
            return ()
        before = self._by_id([move.booking for move in moves])
        for move in moves:
            if move.booking not in before:
                raise UnknownIdError("booking", move.booking)
        slots = self._lock_path(moves, before)
        used = self._clear_path(before, slots)
        locked = self._by_id(list(before), lock=True)
        moved = [
            self._move(move, locked[move.booking], slots[move.slot.id], used) for move in moves
        ]
        return tuple(moved)

    def _lock_path(self, moves: Sequence[Move], before: dict[str, Record]) -> dict[str, Slot]:
        """Locks the slots that are left and reached, in id order; gives those reached."""
        versions = {move.slot.id: move.slot.version for move in moves}
        if any(versions[move.slot.id] != move.slot.version for move in moves):
            raise InputError("a path names one slot at two versions")
        left = {row.slot_id for row in before.values()}
        found: dict[str, Slot] = {}
        for id_ in sorted(left | set(versions)):
            if id_ in versions:
                found[id_] = self._open_slot(id_, versions[id_])
            else:
                self._connection.execute(
                    select(tables.slot.c.id)
                    .where(tables.slot.c.id == id_)
                    .with_for_update(read=True)
                )
        return found

    def _clear_path(self, before: dict[str, Record], slots: dict[str, Slot]) -> Used:
        """Locks every counter of the path and marks the holds that ran out on its slots."""
        # One list of days: a practitioner's week may be full of holds that ran out as well.
        days = {day for slot in slots.values() for day in self._days_of(slot)}
        stale = self._stale_rows(among(tables.booking.c.slot_id, slots), *given_in_weeks_of(days))
        return self._without(
            stale,
            next(iter(slots.values())).territory,
            patients=[row.patient_key for row in before.values()],
            days=[*days, *(Day(row.practitioner, row.day) for row in before.values())],
        )

    def _move(self, move: Move, row: Record, slot: Slot, used: Used) -> Booking:
        old, day = Day(row.practitioner, row.day), self._days_of(slot)[0]
        self._refuse_move(move, row, slot)
        referral = self._referral_row(row.referral_id)
        effort = effort_minutes(
            self.policy(slot.territory),
            slot,
            mode=move.mode,
            first=first_visit(referral, slot.practitioner),
        )
        self._give_back(old, row.effort)
        shift(used, old, -1, -row.effort)
        most = self._room(slot, day, used, effort)
        if not self._give(day, effort, most):
            raise SlotTakenError(slot.id, FULL_DAY)
        shift(used, day, 1, effort)
        table = tables.booking
        moved = self._connection.execute(
            update(table)
            .where(
                table.c.id == move.booking,
                table.c.status == BookingStatus.PROMISED.value,
                table.c.told_at.is_(None),
                table.c.version == move.version,
            )
            .values(
                slot_id=slot.id,
                seat=self._free_seat(slot),
                mode=move.mode.value,
                practitioner=slot.practitioner,
                starts_at=slot.start,
                ends_at=slot.end,
                day=day.day,
                effort=effort,
                version=table.c.version + 1,
            )
            .returning(*table.c)
        ).first()
        if moved is None:
            raise SlotTakenError(slot.id, STIRRED)
        self._append([change(moved, "booking.moved", f"from {row.slot_id}")])
        return read_booking(moved)

    def _refuse_move(self, move: Move, row: Record, slot: Slot) -> None:
        if (row.status, row.told_at, row.version) != (
            BookingStatus.PROMISED.value,
            None,
            move.version,
        ):
            raise SlotTakenError(slot.id, STIRRED)
        if row.territory not in {slot.territory, *slot.shared_with} or move.mode not in slot.modes:
            raise SlotTakenError(slot.id, NOT_MOVED)
        elsewhere = self._elsewhere(
            "patient_key", row.patient_key, slot.start, slot.end, beside=row.referral_id
        )
        if elsewhere is not None:
            raise SlotTakenError(slot.id, NOT_MOVED)
        if self._elsewhere("practitioner", slot.practitioner, slot.start, slot.end, beside=slot.id):
            raise SlotTakenError(slot.id, ELSEWHERE)

    def _free_seat(self, slot: Slot) -> int:
        taken = self._taken_seats(slot.id)
        for seat in range(slot.seats):
            if seat not in taken:
                return seat
        raise SlotTakenError(slot.id, TAKEN)
