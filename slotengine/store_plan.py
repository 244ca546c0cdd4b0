"""
A plan becomes promises: seat by seat, what the day took meanwhile comes back as a conflict.

Everything is one transaction. Locks are taken up front in the order of ``store_seats``, so a night
and a counter wait for each other seat by seat and never in a circle.
"""

import json
from collections.abc import Mapping, Sequence

from sqlalchemy import insert, select, update

from slotengine import tables
from slotengine.answers import Conflict
from slotengine.codes import BookingStatus, ReferralState
from slotengine.domain import Booking, Slot
from slotengine.errors import BookingError, SlotTakenError
from slotengine.problem import Assignment, Plan, Told
from slotengine.store_among import among
from slotengine.store_bookings import read_booking
from slotengine.store_counters import Day
from slotengine.store_events import Record
from slotengine.store_moves import Moves
from slotengine.store_publication import Publication
from slotengine.store_seats import TAKEN
from slotengine.transitions import UNPLACED

PLANNED = "planned"
"""Why a promise was made."""
REPLANNED = "planned again"
"""Why an untold promise was cancelled."""
REPLANNED_TOLD = "planned again: the patient was told and must be told the new time"
"""Why a told promise was cancelled."""
RETURNED = "planned again, but the new seat was taken: as the patient was told"
"""Why a told promise was made again where it was."""

_PLACEABLE = UNPLACED | {ReferralState.PROMISED}


class Plans(Publication, Moves):
    """The part of a unit of work that writes plans."""

    def commit_plan(
        self, plan: Plan, slots: Sequence[Slot], told: Sequence[Told] = ()
    ) -> tuple[Conflict, ...]:
        """
        Writes a plan: untold promises of its referrals move, new ones are made, seat by seat.

        A told promise moves only if ``told`` lists it on its slot, and only onto a seat that is
        still free; the patient is to be told again. A seat that was taken meanwhile, a slot whose
        version differs from ``slots``, or a referral that was placed, amended or closed meanwhile
        comes back as a conflict. A promise whose slot, seat and mode stay is not touched, nor one
        that was told and whose slot and mode stay. The plan is stored.

        Notes
        -----
        A lost seat number is not yet a lost slot: after every planned seat was tried, the losers
        try the other free seats of their slot once.
        """
        open_slots = self._open_slots(plan, {slot.id: slot.version for slot in slots})
        rows = self._referral_rows(plan)
        active = self._locked_bookings(plan, rows, open_slots)
        where = {one.referral: one.slot for one in told}
        movable = {
            held.referral: held
            for held in active.values()
            if held.movable or _was_told_as_planned(held, where)
        }
        conflicts: list[Conflict] = []
        wanted: list[Assignment] = []
        staying: set[str] = set()
        for assignment in plan.assignments:
            held = active.get(assignment.referral)
            row = rows.get(assignment.referral)
            if held is not None and _stays(held, assignment) and not _amended(plan, row):
                staying.add(held.id)
                continue
            why = _stopped(plan, row, held, free=assignment.referral in movable)
            slot = open_slots[assignment.slot]
            if why is None and isinstance(slot, Slot):
                wanted.append(assignment)
            else:
                conflicts.append(_conflict(assignment, why or str(slot)))
                if held is not None and held.told_at is not None:
                    # Who was told keeps the old seat where the new one can't be had.
                    staying.add(held.id)
        moving = {one.referral for one in wanted}
        leaving = [
            held
            for held in movable.values()
            if held.id not in staying and (held.movable or held.referral in moving)
        ]
        self._leave(leaving)
        kept = {held.referral: held for held in leaving if held.told_at is not None}
        # Who was told goes first: nobody else may have taken their old seat by then.
        first = [one for one in wanted if one.referral in kept]
        self._promise(first, open_slots, conflicts, other_seats=True)
        self._return(kept, conflicts)
        others = [one for one in wanted if one.referral not in kept]
        lost = self._promise(others, open_slots, conflicts, other_seats=False)
        self._promise(lost, open_slots, conflicts, other_seats=True)
        self._keep(plan)
        return tuple(sorted(conflicts, key=lambda conflict: conflict.referral))

    def _leave(self, bookings: Sequence[Booking]) -> None:
        for told, why in ((False, REPLANNED), (True, REPLANNED_TOLD)):
            self._finish(
                [one.id for one in bookings if (one.told_at is not None) is told],
                BookingStatus.CANCELLED,
                why,
            )

    def _return(self, kept: Mapping[str, Booking], conflicts: Sequence[Conflict]) -> None:
        """Gives those who were told their old seat back where the new one was lost, as told."""
        table = tables.booking
        for conflict in conflicts:
            held = kept.get(conflict.referral)
            if held is None:
                continue
            try:
                again = self._take(
                    held.referral,
                    self.slot(held.slot),
                    mode=held.mode,
                    status=BookingStatus.PROMISED,
                    held_until=None,
                    why=RETURNED,
                )
            except BookingError:
                # Then the conflict stands, and whoever commits looks for another seat.
                continue
            self._connection.execute(
                update(table).where(table.c.id == again.id).values(told_at=held.told_at)
            )

    def _open_slots(self, plan: Plan, versions: dict[str, int]) -> dict[str, Slot | str]:
        """Locks the slots of the plan in id order; gives each, or why it can't be had."""
        found: dict[str, Slot | str] = {}
        for id_ in sorted({assignment.slot for assignment in plan.assignments}):
            if id_ not in versions:
                found[id_] = "the slot is not among those planned"
                continue
            try:
                found[id_] = self._open_slot(id_, versions[id_])
            except BookingError as refused:
                found[id_] = str(refused)
        return found

    def _referral_rows(self, plan: Plan) -> dict[str, Record]:
        table = tables.referral
        ids = {a.referral for a in plan.assignments} | {u.referral for u in plan.unserved}
        rows = self._connection.execute(
            select(
                table.c.id,
                table.c.territory,
                table.c.patient_key,
                table.c.state,
                table.c.amended_at,
            ).where(among(table.c.id, ids))
        ).all()
        return {row.id: row for row in rows}

    def _locked_bookings(
        self, plan: Plan, rows: dict[str, Record], slots: dict[str, Slot | str]
    ) -> dict[str, Booking]:
        """Gives the active bookings of the plan's referrals, locked, their counters first."""
        table = tables.booking
        days = {
            day for slot in slots.values() if isinstance(slot, Slot) for day in self._days_of(slot)
        }
        theirs = among(table.c.referral_id, rows)
        self._expire(theirs)
        days.update(
            Day(row.practitioner, row.day)
            for row in self._connection.execute(
                select(table.c.practitioner, table.c.day).where(theirs, self._active())
            )
        )
        self._lock_counters(plan.territory, {row.patient_key for row in rows.values()}, days)
        # Rows too: telling and confirming lock no counter, and must not slip in behind this look.
        return {
            row.referral_id: read_booking(row)
            for row in self._connection.execute(
                select(table).where(theirs, self._active()).order_by(table.c.id).with_for_update()
            )
        }

    def _promise(
        self,
        assignments: Sequence[Assignment],
        slots: dict[str, Slot | str],
        conflicts: list[Conflict],
        *,
        other_seats: bool,
    ) -> list[Assignment]:
        """Takes seats one by one; gives those whose seat was gone but whose slot may have more."""
        lost = []
        for assignment in assignments:
            slot = slots[assignment.slot]
            if not isinstance(slot, Slot):
                raise TypeError(slot)
            try:
                self._take(
                    assignment.referral,
                    slot,
                    mode=assignment.mode,
                    status=BookingStatus.PROMISED,
                    held_until=None,
                    why=PLANNED,
                    seats=range(slot.seats) if other_seats else [assignment.seat],
                )
            except SlotTakenError as taken:
                if taken.why == TAKEN and not other_seats:
                    lost.append(assignment)
                else:
                    conflicts.append(_conflict(assignment, taken.why))
            except BookingError as refused:
                conflicts.append(_conflict(assignment, str(refused)))
        return lost

    def _keep(self, plan: Plan) -> None:
        self._connection.execute(
            insert(tables.plan),
            {
                "territory": plan.territory,
                "digest": plan.digest,
                "as_of": plan.as_of,
                "committed_at": self._now,
                "problem_digest": plan.problem_digest,
                "policy_version": plan.policy_version,
                "policy_digest": plan.policy_digest,
                "travel_name": plan.travel_name,
                "seed": plan.seed,
                "objective": json.dumps(plan.objective),
                "bound": json.dumps(plan.bound),
                "proved_levels": plan.proved_levels,
                "seconds": plan.seconds,
                "body": plan.model_dump_json(),
            },
        )
        self.event(plan.territory, "plan.committed", why=plan.digest)


def _stays(booking: Booking, assignment: Assignment) -> bool:
    """
    Tells whether a promise already is what the plan wants.

    A patient was told a time, a place and a mode, not the number of a seat.
    """
    return (
        booking.status is BookingStatus.PROMISED
        and (booking.slot, booking.mode) == (assignment.slot, assignment.mode)
        and (booking.seat == assignment.seat or booking.told_at is not None)
    )


def _was_told_as_planned(booking: Booking, told: Mapping[str, str]) -> bool:
    """Tells whether the plan knew that this promise was told, and may move it all the same."""
    return (
        booking.status is BookingStatus.PROMISED
        and booking.told_at is not None
        and told.get(booking.referral) == booking.slot
    )


def _amended(plan: Plan, row: Record | None) -> bool:
    return row is not None and row.amended_at is not None and row.amended_at > plan.as_of


def _stopped(plan: Plan, row: Record | None, held: Booking | None, *, free: bool) -> str | None:
    """Tells why a referral can't be placed any more, judged by what the plan could know."""
    if row is None or row.territory != plan.territory:
        return "the referral is unknown here"
    if _amended(plan, row):
        return "the referral was amended meanwhile"
    if held is not None and not free:
        return f"the referral has booking {held.id}"
    if ReferralState(row.state) not in _PLACEABLE:
        return f"the referral is {row.state}"
    return None


def _conflict(assignment: Assignment, why: str) -> Conflict:
    return Conflict(referral=assignment.referral, slot=assignment.slot, why=why)
