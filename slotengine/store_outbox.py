"""
Messages out: written with the change that they tell of, taken by one sender at a time.

A destination hears of a booking once it is confirmed, and of every change after that. What was not
written with its change is not lost, because it can't be: both are one transaction.
"""

import json
from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import and_, bindparam, func, or_, select, update

from slotengine import tables
from slotengine.codes import Audience, BookingStatus, Mode, SourceKind
from slotengine.destinations import Delivery, Destination, Notice, Outgoing
from slotengine.domain import Requester
from slotengine.errors import TransitionError, UnknownIdError
from slotengine.store_among import among
from slotengine.store_events import Record, Statement
from slotengine.store_slots import read_slot
from slotengine.store_territory import Territories
from slotengine.tables_doors import outbox

BOOKING_CHANGED = "booking."
"""How the kinds of events begin that may have to be told."""

TOLD_STATUSES = tuple(
    status.value
    for status in (
        BookingStatus.CONFIRMED,
        BookingStatus.FULFILLED,
        BookingStatus.NOSHOW,
        BookingStatus.CANCELLED,
    )
)

_NOW = bindparam("now", type_=outbox.c.next_at.type)


@cache
def _claimable(*, on_postgres: bool) -> Statement:
    """Gives the question after messages that are due, each the oldest of its booking."""
    earlier = outbox.alias()
    overtaken = (
        select(earlier.c.id)
        .where(
            earlier.c.destination == outbox.c.destination,
            earlier.c.booking == outbox.c.booking,
            earlier.c.id < outbox.c.id,
            earlier.c.state == Delivery.PENDING.value,
        )
        .exists()
    )
    asked = (
        select(outbox)
        .where(
            outbox.c.state == Delivery.PENDING.value,
            outbox.c.next_at <= _NOW,
            or_(outbox.c.claimed_until.is_(None), outbox.c.claimed_until <= _NOW),
            outbox.c.destination.in_(bindparam("destinations", expanding=True)),
            ~overtaken,
        )
        .order_by(outbox.c.id)
        .limit(bindparam("most"))
    )
    # Whom another sender is taking is passed over, not waited for.
    return asked.with_for_update(skip_locked=True, of=outbox) if on_postgres else asked


def _read(row: Record) -> Outgoing:
    return Outgoing(
        id=row.id,
        destination=row.destination,
        notice=Notice.model_validate_json(row.notice),
        state=Delivery(row.state),
        attempts=row.attempts,
        next_at=row.next_at,
        created_at=row.created_at,
        sent_at=row.sent_at,
        digest=row.digest,
        fault=row.fault,
    )


class StoredOutbox(Territories):
    """The part of a unit of work that keeps what others are to be told."""

    def write_events(self) -> None:
        """Writes what was appended, and what it makes others hear."""
        changed = {
            (change["territory"], change["booking"])
            for change in self._unwritten
            if change["booking"] is not None and change["kind"].startswith(BOOKING_CHANGED)
        }
        super().write_events()
        listening = {
            territory: destinations
            for territory in sorted({territory for territory, _ in changed})
            if (destinations := self.policy(territory).destinations)
        }
        told = sorted(booking for territory, booking in changed if territory in listening)
        if told:
            self._post(told, listening)

    def _post(self, bookings: Sequence[str], to: dict[str, tuple[Destination, ...]]) -> None:
        """Writes one message a booking and destination, with the state that it has by now."""
        said = self._said_of(bookings)
        messages = [
            self._message(row, destination, said.get((destination.name, row.booking)))
            for row in self._confirmed_once(bookings)
            for destination in to[row.territory]
            if not destination.sources or SourceKind(row.source) in destination.sources
        ]
        if messages:
            self._connection.execute(outbox.insert(), messages)

    def _confirmed_once(self, bookings: Sequence[str]) -> Iterable[Record]:
        """Gives bookings that were confirmed, with their slot and referral."""
        booking, slot, referral = tables.booking, tables.slot, tables.referral
        return self._connection.execute(
            select(
                booking.c.id.label("booking"),
                *(booking.c[name] for name in ("territory", "status", "mode", "made_at")),
                *(slot.c[name] for name in ("body", "state", "version")),
                referral.c.id.label("referral"),
                referral.c.source,
                referral.c.body.label("asked"),
            )
            .join(slot, slot.c.id == booking.c.slot_id)
            .join(referral, referral.c.id == booking.c.referral_id)
            .where(
                among(booking.c.id, bookings),
                booking.c.confirmed_at.is_not(None),
                booking.c.status.in_(TOLD_STATUSES),
            )
            .order_by(booking.c.id)
        ).all()

    def _said_of(self, bookings: Sequence[str]) -> dict[tuple[str, str], Notice]:
        """Gives the last message about each booking by destination."""
        rows = self._connection.execute(
            select(outbox.c.destination, outbox.c.booking, outbox.c.notice)
            .where(among(outbox.c.booking, bookings))
            .order_by(outbox.c.id)
        )
        return {
            (row.destination, row.booking): Notice.model_validate_json(row.notice) for row in rows
        }

    def _message(self, row: Record, to: Destination, before: Notice | None) -> dict[str, Any]:
        slot = read_slot(row)
        # Who booked stays who booked, whoever cancels or closes it later.
        operator = before.operator if before is not None else self._operator(row.asked)
        notice = Notice(
            territory=row.territory,
            booking=row.booking,
            sequence=1 if before is None else before.sequence + 1,
            status=BookingStatus(row.status),
            referral=row.referral,
            source=SourceKind(row.source),
            practitioner=slot.practitioner,
            site=slot.site,
            slot=slot.id,
            mode=Mode(row.mode),
            audiences=tuple(Audience(one) for one in slot.audiences),
            start=slot.start,
            end=slot.end,
            created=row.made_at or self._now,
            changed=self._now,
            operator=operator,
        )
        return {
            "territory": row.territory,
            "destination": to.name,
            "booking": row.booking,
            "sequence": notice.sequence,
            "notice": notice.model_dump_json(),
            "state": Delivery.PENDING.value,
            "attempts": 0,
            "next_at": self._now,
            "created_at": self._now,
            "fault": "",
        }

    def _operator(self, asked: str) -> str | None:
        if self._actor is not None:
            return self._actor.id
        return _requester(asked).id

    def claim_messages(
        self, limit: int, *, until: datetime, destinations: Sequence[str]
    ) -> tuple[Outgoing, ...]:
        """
        Takes pending messages that are due and not taken, oldest first, for one sender.

        At most one of each (destination, booking), the oldest pending: a later state never
        overtakes an earlier one.
        """
        rows = self._connection.execute(
            _claimable(on_postgres=self._on_postgres),
            {"now": self._now, "most": limit, "destinations": list(destinations)},
        ).all()
        if rows:
            self._connection.execute(
                update(outbox)
                .where(outbox.c.id.in_([row.id for row in rows]))
                .values(claimed_until=until)
            )
        return tuple(_read(row) for row in rows)

    def seal_message(self, message_id: int, digest: str) -> bool:
        """Notes what is about to be sent; False when other content was noted before."""
        sealed = self._connection.execute(
            update(outbox)
            .where(
                outbox.c.id == message_id,
                or_(outbox.c.digest.is_(None), outbox.c.digest == digest),
            )
            .values(digest=digest)
        )
        return bool(sealed.rowcount)

    def end_message(self, message_id: int, state: Delivery, *, fault: str = "") -> None:
        """Marks a pending message as sent or stuck; one that was marked is left as it is."""
        sent_at = self._now if state is Delivery.SENT else None
        self._step(message_id, state=state.value, sent_at=sent_at, fault=fault)

    def postpone_message(self, message_id: int, *, until: datetime, fault: str) -> None:
        """Gives a taken message back, to be tried again later; counts the attempt."""
        self._step(message_id, next_at=until, fault=fault)

    def _step(self, message_id: int, **values: Any) -> None:  # noqa: ANN401 (columns of any kind)
        self._connection.execute(
            update(outbox)
            .where(and_(outbox.c.id == message_id, outbox.c.state == Delivery.PENDING.value))
            .values(attempts=outbox.c.attempts + 1, claimed_until=None, **values)
        )

    def rearm_message(self, message_id: int) -> Outgoing:
        """
        Makes a stuck message pending again, with what was noted of its content.

        UnknownIdError when there is none; TransitionError when it was sent.
        """
        row = self._connection.execute(select(outbox).where(outbox.c.id == message_id)).first()
        if row is None:
            raise UnknownIdError("message", str(message_id))
        if row.state == Delivery.SENT.value:
            raise TransitionError(f"message {message_id}", row.state, Delivery.PENDING.value)
        again = {"state": Delivery.PENDING.value, "attempts": 0, "next_at": self._now, "fault": ""}
        self._connection.execute(
            update(outbox)
            .where(outbox.c.id == message_id, outbox.c.state == Delivery.STUCK.value)
            .values(**again, claimed_until=None)
        )
        rows = self._connection.execute(select(outbox).where(outbox.c.id == message_id))
        return _read(rows.one())

    def messages(
        self, territory: str | None, states: Sequence[Delivery], limit: int
    ) -> tuple[Outgoing, ...]:
        """Gives the newest messages of these states, of one territory or of all, oldest first."""
        asked = select(outbox).where(outbox.c.state.in_([state.value for state in states]))
        if territory is not None:
            asked = asked.where(outbox.c.territory == territory)
        rows = self._connection.execute(asked.order_by(outbox.c.id.desc()).limit(limit)).all()
        return tuple(_read(row) for row in reversed(rows))

    def messages_by_state(self, territory: str | None) -> dict[Delivery, int]:
        """Gives how many messages stand where."""
        asked = select(outbox.c.state, func.count()).group_by(outbox.c.state)
        if territory is not None:
            asked = asked.where(outbox.c.territory == territory)
        return {Delivery(state): count for state, count in self._connection.execute(asked)}


def _requester(asked: str) -> Requester:
    return Requester.model_validate(json.loads(asked)["requester"])
