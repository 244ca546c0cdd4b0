"""
Bookings: read, confirmed, told, ended; each step moves the referral and is told in the feed.

Nothing here ever looks at a hold that ran out as if it still held: a partial index can't contain
the time, so expiry stands in every statement.
"""

from collections.abc import Sequence
from typing import Any, Literal

from sqlalchemy import Select, Update, and_, bindparam, func, or_, select, union, update
from sqlalchemy.sql.expression import ColumnElement

from slotengine import tables
from slotengine.codes import BookingStatus, PromiseState, ReferralState
from slotengine.domain import Booking
from slotengine.errors import HoldExpiredError, TransitionError, UnknownIdError
from slotengine.store_among import among, among_given
from slotengine.store_counters import ACTIVE_STATUS, Counters, Day
from slotengine.store_events import Record
from slotengine.transitions import BOOKING_STEPS, REFERRAL_AFTER

RAN_OUT = "the hold ran out"

RELEASED = "released"
"""Why a booking is cancelled whose requester did not want it (``Engine.release``)."""


def read_booking(row: Record) -> Booking:
    """Gives the noun of a booking's row."""
    return Booking(
        id=row.id,
        territory=row.territory,
        referral=row.referral_id,
        slot=row.slot_id,
        seat=row.seat,
        status=row.status,
        mode=row.mode,
        held_until=row.held_until,
        told_at=row.told_at,
        version=row.version,
    )


BOOKING_COLUMNS = tuple(
    tables.booking.c[name]
    for name in (
        *("id", "territory", "referral_id", "slot_id", "seat", "status", "mode", "held_until"),
        *("told_at", "version"),
    )
)
"""All that a booking's noun is made of."""


_NOW = bindparam("now", type_=tables.booking.c.held_until.type)

ACTIVE_NOW = and_(
    ACTIVE_STATUS,
    or_(tables.booking.c.held_until.is_(None), tables.booking.c.held_until > _NOW),
)
"""As ``Bookings._active``, for statements that are made once: ``now`` is a parameter of theirs."""

_BOOKING_OF = select(tables.booking).where(
    tables.booking.c.referral_id == bindparam("referral"), ACTIVE_NOW
)


_ACTIVE_ON = select(*BOOKING_COLUMNS).where(
    among_given(tables.booking.c.slot_id, "slots"), ACTIVE_NOW
)

_SEATS_TAKEN = (
    select(tables.booking.c.slot_id, func.count().label("taken"))
    .where(
        among_given(tables.booking.c.slot_id, "slots"),
        tables.booking.c.referral_id != bindparam("beside"),
        ACTIVE_NOW,
    )
    .group_by(tables.booking.c.slot_id)
)

STALE_NOW = and_(
    ACTIVE_STATUS,
    tables.booking.c.status == BookingStatus.HELD.value,
    tables.booking.c.held_until <= _NOW,
)
"""As ``Bookings._stale``, for statements that are made once."""


def stale_rows(*which: ColumnElement[bool]) -> Select[Any]:
    """Gives the question after holds that ran out and that any of the conditions chooses."""
    table = tables.booking
    # A union, not an OR: each condition has an index of its own.
    chosen = union(*(select(table.c.id).where(STALE_NOW, each) for each in which))
    return select(table).where(table.c.id.in_(chosen))


def _confirming(before: BookingStatus) -> Update:
    """Gives the statement that confirms one booking which is held, or promised."""
    table = tables.booking
    # Asked only of a hold, or a parameter would have no value.
    running = [table.c.held_until > _NOW] if before is BookingStatus.HELD else []
    return (
        update(table)
        .where(table.c.id == bindparam("booking"), table.c.status == before.value, *running)
        .values(
            status=BookingStatus.CONFIRMED.value,
            held_until=None,
            confirmed_at=_NOW,
            version=table.c.version + 1,
        )
        .returning(*table.c)
    )


_CONFIRMING = {
    before: _confirming(before) for before in (BookingStatus.HELD, BookingStatus.PROMISED)
}


class Bookings(Counters):
    """The part of a unit of work that knows bookings."""

    def _active(self) -> ColumnElement[bool]:
        """Gives "occupies its seat now": a hold occupies it while ``now < held_until``."""
        table = tables.booking
        return and_(
            ACTIVE_STATUS,
            or_(table.c.held_until.is_(None), table.c.held_until > self._now),
        )

    def _stale(self) -> ColumnElement[bool]:
        """Gives "a hold that ran out and was not marked yet"."""
        table = tables.booking
        # "Active" says nothing that "held" does not, but lets the partial indexes serve.
        return and_(
            ACTIVE_STATUS,
            table.c.status == BookingStatus.HELD.value,
            table.c.held_until <= self._now,
        )

    def booking(self, booking_id: str) -> Booking:
        """Gives one booking, or raises UnknownIdError."""
        return read_booking(self._booking_row(booking_id))

    def _booking_row(self, booking_id: str, *, lock: bool = False) -> Record:
        statement: Select[Any] = select(tables.booking).where(tables.booking.c.id == booking_id)
        row = self._connection.execute(statement.with_for_update() if lock else statement).first()
        if row is None:
            raise UnknownIdError("booking", booking_id)
        return row

    def booking_of(self, referral_id: str) -> Booking | None:
        """Gives the referral's active booking (an expired hold is none)."""
        given = {"referral": referral_id, "now": self._now}
        row = self._connection.execute(_BOOKING_OF, given).first()
        return None if row is None else read_booking(row)

    def active_bookings(self, slot_ids: Sequence[str]) -> tuple[Booking, ...]:
        """Gives promised, confirmed and unexpired held bookings of these slots."""
        if not slot_ids:
            return ()
        given = {"slots": slot_ids, "now": self._now}
        found = map(read_booking, self._connection.execute(_ACTIVE_ON, given))
        return tuple(sorted(found, key=lambda booking: (booking.slot, booking.seat)))

    def seats_taken(self, slot_ids: Sequence[str], *, beside: str) -> dict[str, int]:
        """Gives how many seats of these slots others than a referral have; those without none."""
        if not slot_ids:
            return {}
        given = {"slots": slot_ids, "beside": beside, "now": self._now}
        rows = self._connection.execute(_SEATS_TAKEN, given)
        return {row.slot_id: row.taken for row in rows}

    def confirm(self, booking_id: str) -> Booking:
        """
        Confirms a held or promised booking; a confirmed one is given back as it is.

        A promised one keeps the promise that it was the witness of. HoldExpiredError when the hold
        ran out; TransitionError from any other status.
        """
        # Two statements: only a promised seat keeps a promise, and afterwards nobody could tell.
        for before, statement in _CONFIRMING.items():
            row = self._connection.execute(
                statement, {"booking": booking_id, "now": self._now}
            ).first()
            if row is None:
                continue
            self._follow(row, "")
            if before is BookingStatus.PROMISED:
                self.end_promise(row.referral_id, PromiseState.KEPT)
            return read_booking(row)
        found = self.booking(booking_id)
        if found.status is BookingStatus.CONFIRMED:
            return found
        # Still "held" in the table means that it ran out and nobody marked it yet.
        if found.status in {BookingStatus.HELD, BookingStatus.EXPIRED}:
            raise HoldExpiredError(booking_id)
        raise TransitionError(f"booking {booking_id}", found.status.value, "confirmed")

    def end_booking(
        self,
        booking_id: str,
        status: Literal[BookingStatus.CANCELLED, BookingStatus.FULFILLED, BookingStatus.NOSHOW],
        why: str = "",
    ) -> Booking:
        """
        Ends an active booking and frees its counters; repeating the same end changes nothing.

        TransitionError when it ended otherwise, a hold that ran out included.
        """
        row = self._booking_row(booking_id)
        self._lock_counters(row.territory, [row.patient_key], [Day(row.practitioner, row.day)])
        row = self._booking_row(booking_id, lock=True)
        found = BookingStatus(row.status)
        if found is status:
            return read_booking(row)
        if found is BookingStatus.HELD and row.held_until <= self._now:
            found = BookingStatus.EXPIRED
        if status not in BOOKING_STEPS[found]:
            raise TransitionError(f"booking {booking_id}", found.value, status.value)
        return self._finish([row.id], status, why)[0]

    def tell(self, booking_id: str) -> Booking:
        """Marks a promised booking as told to the patient: from now on it does not move."""
        table = tables.booking
        row = self._connection.execute(
            update(table)
            .where(
                table.c.id == booking_id,
                table.c.status == BookingStatus.PROMISED.value,
                table.c.told_at.is_(None),
            )
            .values(told_at=self._now, version=table.c.version + 1)
            .returning(*table.c)
        ).first()
        if row is None:
            found = self.booking(booking_id)
            if found.status is not BookingStatus.PROMISED:
                raise TransitionError(f"booking {booking_id}", found.status.value, "told")
            return found
        self._append([change(row, "booking.told", "")])
        return read_booking(row)

    def expire_holds(self, territory: str) -> tuple[Booking, ...]:
        """Marks holds that ran out as expired and gives them."""
        return self._expire(tables.booking.c.territory == territory)

    def set_referral_state(self, referral_id: str, state: ReferralState, why: str = "") -> None:
        """
        Moves a referral along ``transitions.REFERRAL_STEPS`` or raises TransitionError.

        States that say "has a seat" come and go with the booking, never by this verb: a referral
        whose booking is active can't be closed beside it.
        """
        self._expire(tables.booking.c.referral_id == referral_id)
        super().set_referral_state(referral_id, state, why)

    def _stale_rows(self, *which: ColumnElement[bool]) -> Sequence[Record]:
        """Gives holds that ran out and that any of the conditions chooses."""
        return self._connection.execute(stale_rows(*which), {"now": self._now}).all()

    def _expire(self, which: ColumnElement[bool]) -> tuple[Booking, ...]:
        """Marks the chosen holds that ran out, their counters locked first."""
        stale = self._stale_rows(which)
        if not stale:
            return ()
        self._lock_counters(
            stale[0].territory,
            [row.patient_key for row in stale],
            [Day(row.practitioner, row.day) for row in stale],
        )
        return self._finish([row.id for row in stale], BookingStatus.EXPIRED, RAN_OUT)

    def _finish(self, ids: Sequence[str], status: BookingStatus, why: str) -> tuple[Booking, ...]:
        """Ends those of the bookings that may still end so; their counters are locked already."""
        if not ids:
            return ()
        table = tables.booking
        sources = [s.value for s, steps in BOOKING_STEPS.items() if status in steps]
        expired = status is BookingStatus.EXPIRED
        when = self._stale() if expired else table.c.status.in_(sources)
        rows = self._connection.execute(
            update(table)
            .where(among(table.c.id, ids), when)
            .values(
                status=status.value,
                version=table.c.version + 1,
                # A hold ends when it runs out, not when somebody notices.
                ended_at=table.c.held_until if expired else self._now,
                turned_down=expired or (status is BookingStatus.CANCELLED and why == RELEASED),
            )
            .returning(*table.c)
        ).all()
        for row in rows:
            self._count_down(row)
            self._follow(row, why)
        return tuple(sorted(map(read_booking, rows), key=lambda booking: booking.id))

    def _follow(self, row: Record, why: str) -> None:
        """Writes a booking's step into the feed and moves its referral after it."""
        status = BookingStatus(row.status)
        after = change(row, f"booking.{status.value}", why)
        self._move_referral(row.referral_id, REFERRAL_AFTER[status], why, after=after)


def change(row: Record, kind: str, why: str) -> dict[str, Any]:
    """Gives the event of a booking's row."""
    return {
        "territory": row.territory,
        "kind": kind,
        "referral": row.referral_id,
        "slot": row.slot_id,
        "booking": row.id,
        "why": why,
    }
