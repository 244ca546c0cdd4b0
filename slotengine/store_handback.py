"""Slots that change hands: free seats go back to their practitioner, or a locum takes over."""

from collections.abc import Sequence

from sqlalchemy import select, update

from slotengine import tables
from slotengine.codes import Mode, SlotState
from slotengine.domain import Practitioner, Slot
from slotengine.ports import ReplaceOutcome
from slotengine.store_bookings import change
from slotengine.store_caps import effort_minutes, most_given
from slotengine.store_counters import Day, Load, keys_of
from slotengine.store_events import Record
from slotengine.store_publication import Publication, with_seats
from slotengine.store_seats import first_visit
from slotengine.store_slots import read_slot, slot_row


class Handbacks(Publication):
    """The part of a unit of work that gives slots back, or to somebody else."""

    def hand_back(self, slot_id: str, *, why: str) -> int:
        """
        Gives the free seats above the last taken one back to the practitioner; gives how many.

        A slot without any active booking is handed back whole (its state), any other keeps as many
        seats as its last taken one needs. The slot's version is raised, an event says why. A slot
        that is not open, or has no such seat, is left as it is: 0. UnknownIdError when there is
        none.
        """
        row = self._slot_to_change(slot_id)
        slot = read_slot(row)
        if slot.state is not SlotState.OPEN:
            return 0
        self._expire(tables.booking.c.slot_id == slot_id)
        kept = max(self._taken_seats(slot_id), default=-1) + 1
        given = slot.seats - kept
        if not given:
            return 0
        version = slot.version + 1
        if kept:
            left = with_seats(slot, kept).replaced(version=version)
            self._put_slot(left, handed_back=row.handed_back + given)
        else:
            self._put_slot(slot.replaced(state=SlotState.HANDED_BACK, version=version))
        self.event(slot.territory, "slot.handed_back", slot=slot_id, why=why)
        return given

    def _slot_to_change(self, slot_id: str) -> Record:
        self.slot(slot_id)
        table = tables.slot
        return self._connection.execute(
            select(table).where(table.c.id == slot_id).with_for_update()
        ).one()

    def _put_slot(self, slot: Slot, **more: object) -> None:
        table = tables.slot
        row = {name: value for name, value in slot_row(slot).items() if name != "id"}
        self._connection.execute(update(table).where(table.c.id == slot.id).values({**row, **more}))

    def replace_practitioner(self, slot_id: str, by: str) -> ReplaceOutcome:
        """
        Gives an open slot to another practitioner; its bookings and their counters go along.

        What they cost is counted anew: somebody else's patients are first visits. ``same`` also
        for a slot that is not open (there is nothing to take over), ``foreign`` when ``by`` was
        published, but in other territories only. Bookings that took place stay with who gave them.
        UnknownIdError when there is no such slot.
        """
        before = self.slot(slot_id)
        self._lock_agendas({before.practitioner, by})
        row = self._slot_to_change(slot_id)
        slot = read_slot(row)
        if slot.state is not SlotState.OPEN or slot.practitioner == by:
            return "same"
        taken_over = slot.replaced(practitioner=by, version=slot.version + 1)
        known = self.practitioners([taken_over])
        if not known:
            return "foreign" if self._is_known(by) else "unknown"
        if any(
            other.id != slot_id and other.start < slot.end and slot.start < other.end
            for other in self._open_around([taken_over])
            if other.practitioner == by
        ):
            return "overlap"
        self._expire(tables.booking.c.slot_id == slot_id)
        if not self._hand_over(taken_over, known[0]):
            return "full"
        published_under = row.stands_for or slot.practitioner
        self._put_slot(taken_over, stands_for=None if by == published_under else published_under)
        self.event(slot.territory, "slot.replaced", slot=slot_id, why=by)
        return "replaced"

    def _is_known(self, practitioner: str) -> bool:
        table = tables.practitioner
        found = self._connection.scalar(
            select(table.c.id).where(table.c.id == practitioner).limit(1)
        )
        return found is not None

    def _hand_over(self, slot: Slot, by: Practitioner) -> bool:
        """Moves the bookings of a slot and their counters; False, and nothing moved, when full."""
        table = tables.booking
        wanted = select(table).where(table.c.slot_id == slot.id, self._active())
        rows = self._connection.execute(wanted).all()
        if not rows:
            return True
        days = {Day(who, row.day) for row in rows for who in (row.practitioner, by.id)}
        used = self._lock_counters(slot.territory, [row.patient_key for row in rows], days)
        # Read again under the locks: a booking ends with its counters locked.
        rows = self._connection.execute(wanted.order_by(table.c.id).with_for_update()).all()
        policy = self.policy(slot.territory)
        efforts = [
            effort_minutes(
                policy,
                slot,
                mode=Mode(row.mode),
                first=first_visit(self._referral_row(row.referral_id), by.id),
            )
            for row in rows
        ]
        if not rows:
            return True
        day = Day(by.id, rows[0].day)
        limits = dict(zip(keys_of(day), most_given(policy, by), strict=True))
        for key, most in limits.items():
            was = used[key]
            if not most.holds(Load(was.bookings + len(rows), was.effort + sum(efforts))):
                return False
        for row, effort in zip(rows, efforts, strict=True):
            self._give_back(Day(row.practitioner, row.day), row.effort)
            self._give(day, effort, limits)
            self._connection.execute(
                update(table)
                .where(table.c.id == row.id)
                .values(practitioner=by.id, effort=effort, version=table.c.version + 1)
            )
        self._tell_of(rows, by.id)
        return True

    def _tell_of(self, rows: Sequence[Record], by: str) -> None:
        self._append([change(row, "booking.replaced", by) for row in rows])
