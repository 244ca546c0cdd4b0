"""
Publication: slots come again and again, and never move a booking silently.

One practitioner's publications wait for each other (their rows are locked), or two of them could
each see no overlap and write one together.
"""

from bisect import bisect_left, insort
from collections.abc import Iterable, Sequence
from datetime import datetime

from sqlalchemy import bindparam, delete, insert, or_, select, update

from slotengine import tables
from slotengine.codes import BookingStatus, SlotState
from slotengine.domain import Booking, Slot
from slotengine.ports import PutOutcome
from slotengine.store_among import among
from slotengine.store_counters import Day
from slotengine.store_seats import Seats
from slotengine.store_slots import read_slot, slot_row


class _Agenda:
    """The open slots of the practitioners concerned; none of one practitioner's overlap."""

    def __init__(self, slots: Iterable[Slot]) -> None:
        self._spans: dict[str, list[tuple[datetime, datetime, str]]] = {}
        for slot in slots:
            self.add(slot)

    def add(self, slot: Slot) -> None:
        insort(self._spans.setdefault(slot.practitioner, []), (slot.start, slot.end, slot.id))

    def move(self, old: Slot | None, new: Slot) -> bool:
        """Puts ``new`` in the place of ``old``, unless it overlaps another slot."""
        if old is not None and old.state is SlotState.OPEN:
            self._spans[old.practitioner].remove((old.start, old.end, old.id))
        if new.state is not SlotState.OPEN:
            return True
        spans = self._spans.setdefault(new.practitioner, [])
        at = bisect_left(spans, (new.start, new.end, new.id))
        clashes = (at > 0 and spans[at - 1][1] > new.start) or (
            at < len(spans) and spans[at][0] < new.end
        )
        if clashes:
            if old is not None and old.state is SlotState.OPEN:
                self.add(old)
            return False
        self.add(new)
        return True


def _moves(old: Slot, new: Slot, bookings: Sequence[Booking]) -> bool:
    """Tells whether a change would move one of the bookings, or take its seat or mode away."""
    if not bookings:
        return False
    if new.state is not SlotState.OPEN:
        return True
    same_place = (old.practitioner, old.site, old.start, old.end) == (
        new.practitioner,
        new.site,
        new.start,
        new.end,
    )
    return not same_place or any(
        booking.seat >= new.seats or booking.mode not in new.modes for booking in bookings
    )


_OVER = frozenset({SlotState.WITHDRAWN, SlotState.HANDED_BACK})
"""States that a publication never takes a slot out of."""


class Publication(Seats):
    """The part of a unit of work that publishes and withdraws slots."""

    def put_slots(self, values: Sequence[Slot]) -> dict[str, PutOutcome]:
        """
        Inserts or replaces slots by id and gives the outcome of each; a change raises its version.

        A repeated publication never reopens a withdrawn slot, or one that was handed back.
        """
        published = {slot.id: slot for slot in values}
        wanted = self._as_they_stand(published)
        stored = self._stored(wanted)
        self._lock_agendas({slot.practitioner for slot in [*wanted.values(), *stored.values()]})
        differing = [id_ for id_, slot in stored.items() if _differs(slot, wanted[id_])]
        stored.update(self._stored(differing, lock=True))
        self._expire(among(tables.booking.c.slot_id, differing))
        on: dict[str, list[Booking]] = {}
        for booking in self.active_bookings(differing):
            on.setdefault(booking.slot, []).append(booking)
        outcomes: dict[str, PutOutcome] = {}
        known = self._known(wanted.values())
        for id_, slot in wanted.items():
            old = stored.get(id_)
            if old is not None and old.territory != slot.territory:
                outcomes[id_] = "foreign"
            elif not known[id_]:
                outcomes[id_] = "unknown"
            elif old is not None and (old.state in _OVER or not _differs(old, slot)):
                outcomes[id_] = "same"
            elif old is not None and _moves(old, slot, on.get(id_, [])):
                outcomes[id_] = "booked"
        pending = [slot for id_, slot in wanted.items() if id_ not in outcomes]
        fitting = self._without_overlap(pending, stored)
        for slot in pending:
            outcomes[slot.id] = "overlap"
        for slot in fitting:
            outcomes[slot.id] = "changed" if slot.id in stored else "created"
        self._write(fitting, stored, published)
        return {id_: outcomes[id_] for id_ in wanted}

    def _lock_agendas(self, practitioners: set[str]) -> None:
        table = tables.practitioner
        # FOR NO KEY UPDATE: a booking's foreign key check need not wait for a publication.
        self._connection.execute(
            select(table.c.id)
            .where(among(table.c.id, practitioners))
            .order_by(table.c.id, table.c.territory)
            .with_for_update(key_share=True)
        ).all()

    def _known(self, slots: Iterable[Slot]) -> dict[str, bool]:
        listed = list(slots)
        people = self._bodies(
            tables.practitioner, {(slot.territory, slot.practitioner) for slot in listed}
        )
        places = self._bodies(tables.site, {(slot.territory, slot.site) for slot in listed})
        return {
            slot.id: (slot.territory, slot.practitioner) in people
            and (slot.territory, slot.site) in places
            for slot in listed
        }

    def _without_overlap(self, pending: Sequence[Slot], stored: dict[str, Slot]) -> list[Slot]:
        """
        Gives those that fit beside every open slot of their practitioner.

        Tried again as long as one more fits: a day that is moved by half an hour overlaps itself
        until its last slot has moved.
        """
        agenda = _Agenda(self._open_around(pending))
        fitting: list[Slot] = []
        left = list(pending)
        while left:
            still = []
            for slot in left:
                if agenda.move(stored.get(slot.id), slot):
                    fitting.append(slot)
                else:
                    still.append(slot)
            if len(still) == len(left):
                break
            left = still
        return fitting

    def _open_around(self, pending: Sequence[Slot]) -> list[Slot]:
        table = tables.slot
        if not pending:
            return []
        first = min(slot.start for slot in pending)
        last = max(slot.end for slot in pending)
        rows = self._connection.execute(
            select(table).where(
                among(table.c.practitioner, [slot.practitioner for slot in pending]),
                table.c.state == SlotState.OPEN.value,
                table.c.starts_at < last,
                table.c.ends_at > first,
            )
        ).all()
        found = {row.id: read_slot(row) for row in rows}
        # A slot that moves leaves its old place, wherever that was.
        ids = [slot.id for slot in pending]
        for id_, slot in self._stored(ids).items():
            if slot.state is SlotState.OPEN:
                found.setdefault(id_, slot)
        return list(found.values())

    def _as_they_stand(self, published: dict[str, Slot]) -> dict[str, Slot]:
        """
        Gives the slots less the seats that were given back, and with who stands in.

        An agenda that publishes what it always did must not undo either.
        """
        table = tables.slot
        found = dict(published)
        for row in self._connection.execute(
            select(table.c.id, table.c.practitioner, table.c.handed_back, table.c.stands_for).where(
                among(table.c.id, published),
                or_(table.c.handed_back > 0, table.c.stands_for.is_not(None)),
            )
        ):
            slot = found[row.id]
            if slot.practitioner == row.stands_for:
                slot = slot.replaced(practitioner=row.practitioner)
            if row.handed_back:
                slot = with_seats(slot, slot.seats - row.handed_back)
            found[row.id] = slot
        return found

    def _write(
        self, slots: Sequence[Slot], stored: dict[str, Slot], published: dict[str, Slot]
    ) -> None:
        table, shares = tables.slot, tables.slot_share
        created = [
            {**slot_row(slot), "published_at": self._now} for slot in slots if slot.id not in stored
        ]
        changed = [
            {
                **slot_row(slot.replaced(version=stored[slot.id].version + 1)),
                "stands_for": _stood_for(published[slot.id], slot),
            }
            for slot in slots
            if slot.id in stored
        ]
        if created:
            self._connection.execute(insert(table), created)
        if changed:
            # "id" names a column that is set, so the condition's parameter needs a name of its own.
            self._connection.execute(
                update(table).where(table.c.id == bindparam("which")),
                [{"which": row["id"], **{k: row[k] for k in row if k != "id"}} for row in changed],
            )
            left = among(shares.c.slot_id, [row["id"] for row in changed])
            self._connection.execute(delete(shares).where(left))
        shared = [
            {"territory": territory, "slot_id": slot.id}
            for slot in slots
            for territory in slot.shared_with
        ]
        if shared:
            self._connection.execute(insert(shares), shared)
        self._append(
            [
                {
                    "territory": slot.territory,
                    "kind": "slot.changed" if slot.id in stored else "slot.published",
                    "slot": slot.id,
                }
                for slot in slots
            ]
        )

    def withdraw_slot(self, slot_id: str, why: str) -> tuple[Booking, ...]:
        """
        Withdraws a slot, raises its version, cancels its active bookings, gives them as they were.

        UnknownIdError when there is none; a withdrawn slot gives () again.
        """
        table, bookings = tables.slot, tables.booking
        row = self._connection.execute(
            update(table)
            .where(table.c.id == slot_id, table.c.state == SlotState.OPEN.value)
            .values(state=SlotState.WITHDRAWN.value, version=table.c.version + 1)
            .returning(table.c.territory)
        ).first()
        if row is None:
            self.slot(slot_id)
            return ()
        self.event(row.territory, "slot.withdrawn", slot=slot_id, why=why)
        self._expire(bookings.c.slot_id == slot_id)
        found = self._connection.execute(
            select(bookings).where(bookings.c.slot_id == slot_id, self._active())
        ).all()
        if not found:
            return ()
        self._lock_counters(
            row.territory,
            [booking.patient_key for booking in found],
            [Day(booking.practitioner, booking.day) for booking in found],
        )
        before = self.active_bookings([slot_id])
        self._finish([booking.id for booking in before], BookingStatus.CANCELLED, why)
        return before


def with_seats(slot: Slot, seats: int) -> Slot:
    """
    Gives the slot with so many seats, at least one: those agreed against no-shows go first.

    Examples
    --------
    >>> from datetime import UTC, datetime
    >>> slot = Slot(id="s", territory="giennois", practitioner="d", site="t", capacity=3,
    ...     extra_capacity=1, start=datetime(2026, 11, 23, 8, tzinfo=UTC),
    ...     end=datetime(2026, 11, 23, 9, tzinfo=UTC))
    >>> [(one.capacity, one.extra_capacity) for n in (4, 3, 1, 0) for one in [with_seats(slot, n)]]
    [(3, 1), (3, 0), (1, 0), (1, 0)]
    """
    capacity = max(1, min(slot.capacity, seats))
    return slot.replaced(capacity=capacity, extra_capacity=max(0, seats - slot.capacity))


def _stood_for(published: Slot, slot: Slot) -> str | None:
    return None if published.practitioner == slot.practitioner else published.practitioner


def _differs(old: Slot, new: Slot) -> bool:
    return old != new.replaced(version=old.version)
