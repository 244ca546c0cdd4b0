"""
How a seat is taken: one winner, whoever else wants it at that moment.

The order is HOUSE's: the slot is locked for sharing at the version that was offered, holds that ran
out are marked, and the insert either wins under the two partial unique indexes or says nothing.
Rows are locked in one order everywhere (slot, patients, days, bookings, referral), so that two
takers wait for each other instead of stopping each other.
"""

import hashlib
import json
from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from functools import cache
from typing import Any, Literal

from sqlalchemy import and_, bindparam, func, select
from sqlalchemy.sql.expression import ColumnElement

from slotengine import tables
from slotengine.codes import BookingStatus, Mode, ReferralState, SlotState
from slotengine.domain import Booking, Slot
from slotengine.errors import (
    DuplicateReferralError,
    InputError,
    SlotTakenError,
    StoreError,
    TransitionError,
    UnknownIdError,
)
from slotengine.store_bookings import ACTIVE_NOW, RAN_OUT, read_booking, stale_rows
from slotengine.store_caps import effort_minutes, most_given
from slotengine.store_counters import (
    Day,
    Load,
    Most,
    Used,
    Week,
    local_days,
    overlapping,
    shift,
    week_of,
)
from slotengine.store_events import Record, Statement, inserting
from slotengine.store_seated import SeatedBookings
from slotengine.store_slots import Supply
from slotengine.transitions import REFERRAL_AFTER, REFERRAL_STEPS

FULL_DAY = "its practitioner's day is full"
FULL_WEEK = "its practitioner's week is full"
ELSEWHERE = "its practitioner has a patient elsewhere at that time"
TAKEN = "taken"
HANDED_BACK = "handed back to its practitioner"

_TO_SUNDAY = timedelta(days=6)
"""From the Monday of a week to its last day."""


def booking_id(referral_id: str, count: int) -> str:
    """
    Gives the id of a referral's booking from how many it had before: no randomness needed.

    Two takers may compute the same id; the primary key then lets one of them in.
    """
    text = f"{referral_id}\x1f{count}"
    return "b-" + hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


def first_visit(referral: Record, practitioner: str) -> bool:
    """Tells whether the patient's own practitioner, if any, is somebody else."""
    own: str | None = json.loads(referral.body)["patient"]["own_practitioner"]
    return own != practitioner


def weeks_of(days: Iterable[Day]) -> set[tuple[str, date, date]]:
    """Gives practitioner, Monday and Sunday of the weeks that hold the days."""
    return {(week.practitioner, week.week, week.week + _TO_SUNDAY) for week in map(week_of, days)}


_BOOKING, _REFERRAL = tables.booking, tables.referral


def given_in_weeks_of(days: Iterable[Day]) -> list[ColumnElement[bool]]:
    """Gives the conditions of bookings in the weeks that hold the days, by their practitioners."""
    return [
        and_(_BOOKING.c.practitioner == who, _BOOKING.c.day >= first, _BOOKING.c.day <= last)
        for who, first, last in sorted(weeks_of(days))
    ]


_OF_REFERRAL = select(
    *(_REFERRAL.c[name] for name in ("id", "territory", "patient_key", "state", "body"))
).where(_REFERRAL.c.id == bindparam("one"))
_LOCKED = _OF_REFERRAL.with_for_update()

_DAY = _BOOKING.c.day.type

_STALE_HERE = stale_rows(
    _BOOKING.c.slot_id == bindparam("slot"),
    _BOOKING.c.referral_id == bindparam("one"),
    and_(
        _BOOKING.c.practitioner == bindparam("who"),
        _BOOKING.c.day >= bindparam("first", type_=_DAY),
        _BOOKING.c.day <= bindparam("last", type_=_DAY),
    ),
)
"""Of a slot that lies in one week, as all do but those over a Sunday's midnight."""

_ITS_OWN = (
    select(func.count())
    .select_from(_BOOKING)
    .where(_BOOKING.c.referral_id == bindparam("referral_id"))
)

_IN_THE_WAY = select(
    _ITS_OWN.scalar_subquery().label("before"),
    _ITS_OWN.where(ACTIVE_NOW).scalar_subquery().label("seated"),
    overlapping("patient_key", "referral_id").scalar_subquery().label("patient"),
    overlapping("practitioner", "slot_id").scalar_subquery().label("practitioner"),
)
"""All that may stand in the way of a booking, asked at once: each question costs a round trip."""

_TAKEN_SEATS = select(_BOOKING.c.seat).where(_BOOKING.c.slot_id == bindparam("slot"), ACTIVE_NOW)


# Making a statement takes as long as asking it: those of the counter are made once.
@cache
def _booking(*, on_postgres: bool) -> Statement:
    insert = inserting(_BOOKING, on_postgres=on_postgres)
    return insert.on_conflict_do_nothing().returning(*_BOOKING.c)


class Seats(Supply, SeatedBookings):
    """The part of a unit of work that takes seats."""

    def take_seat(
        self,
        referral_id: str,
        slot: Slot,
        *,
        mode: Mode,
        status: Literal[BookingStatus.HELD, BookingStatus.PROMISED],
        held_until: datetime | None = None,
        why: str = "",
    ) -> Booking:
        """
        Takes the lowest free seat of the slot at the version given.

        Raises
        ------
        SlotTakenError
            Every seat is taken, the slot changed, was withdrawn, is not open yet or not shared with
            the referral's territory, its practitioner's day is full, or the practitioner is
            elsewhere. Nothing was written: the next candidate may be tried in the same work.
        DuplicateReferralError
            The referral has an active booking, or its patient has one at an overlapping hour.
        TransitionError
            The referral is closed or refused.
        InputError
            A hold without an end after ``now``, or a promise with one.
        """
        if (held_until is None) is (status is BookingStatus.HELD):
            raise InputError("a hold needs held_until, a promise has none")
        if held_until is not None and held_until <= self._now:
            raise InputError("held_until does not lie after now")
        open_slot = self._open_slot(slot.id, slot.version)
        return self._take(
            referral_id, open_slot, mode=mode, status=status, held_until=held_until, why=why
        )

    def _open_slot(self, slot_id: str, version: int) -> Slot:
        """Gives the slot at that version, open and locked against being withdrawn meanwhile."""
        found = self._locked_slot(slot_id)
        opened = found.opens_at is None or found.opens_at <= self._now
        if found.state is SlotState.OPEN and found.version == version and opened:
            return found
        if found.state is not SlotState.OPEN:
            handed_back = found.state is SlotState.HANDED_BACK
            raise SlotTakenError(slot_id, HANDED_BACK if handed_back else "withdrawn")
        if found.version != version:
            raise SlotTakenError(slot_id, f"changed (version {found.version}, not {version})")
        raise SlotTakenError(slot_id, "not open yet")

    def _take(
        self,
        referral_id: str,
        slot: Slot,
        *,
        mode: Mode,
        status: BookingStatus,
        held_until: datetime | None,
        why: str,
        seats: Iterable[int] | None = None,
    ) -> Booking:
        referral = self._referral_row(referral_id)
        if referral.territory not in {slot.territory, *slot.shared_with}:
            raise SlotTakenError(slot.id, f"not shared with {referral.territory}")
        policy = self.policy(slot.territory)
        days = self._days_of(slot)
        used = self._clear(referral, slot, days)
        referral = self._referral_row(referral_id, lock=True)
        before = self._unhindered(referral, slot)
        effort = effort_minutes(
            policy, slot, mode=mode, first=first_visit(referral, slot.practitioner)
        )
        most = self._room(slot, days[0], used, effort)
        if REFERRAL_AFTER[status] not in REFERRAL_STEPS[ReferralState(referral.state)]:
            raise TransitionError(
                f"referral {referral_id}", referral.state, REFERRAL_AFTER[status].value
            )
        row = self._insert_booking(
            referral,
            slot,
            {
                "status": status.value,
                "mode": mode.value,
                "held_until": held_until,
                "effort": effort,
            },
            day=days[0],
            before=before,
            seats=range(slot.seats) if seats is None else seats,
        )
        if not self._count_up(referral.patient_key, days[0], effort, most):
            raise StoreError(f"the counter of slot {slot.id} moved under its lock")
        self._follow(row, why)
        return read_booking(row)

    def _days_of(self, slot: Slot) -> list[Day]:
        """Gives the days on which a booking of the slot is counted, the first one first."""
        zone = self.policy(slot.territory).zone
        return [Day(slot.practitioner, day) for day in local_days(zone, slot.start, slot.end)]

    def _taken_seats(self, slot_id: str) -> set[int]:
        """Gives the numbers of the seats that are taken now."""
        return set(self._connection.scalars(_TAKEN_SEATS, {"slot": slot_id, "now": self._now}))

    def _referral_row(self, referral_id: str, *, lock: bool = False) -> Record:
        statement = _LOCKED if lock else _OF_REFERRAL
        row = self._connection.execute(statement, {"one": referral_id}).first()
        if row is None:
            raise UnknownIdError("referral", referral_id)
        return row

    def _clear(self, referral: Record, slot: Slot, days: list[Day]) -> Used:
        """
        Locks the counters and marks every hold that ran out and could stand in the way.

        Not only this slot's: one more on the practitioner's week would make it look full.
        """
        return self._without(
            self._stale_before(referral, slot, days),
            referral.territory,
            patients=[referral.patient_key],
            days=days,
        )

    def _without(
        self, stale: Sequence[Record], territory: str, *, patients: list[str], days: list[Day]
    ) -> Used:
        """Locks the counters of patients and days, and ends holds that ran out beside them."""
        by_id = {row.id: row for row in stale}
        used = self._lock_counters(
            territory,
            [*patients, *(row.patient_key for row in stale)],
            [*days, *(Day(row.practitioner, row.day) for row in stale)],
        )
        for ended in self._finish(list(by_id), BookingStatus.EXPIRED, RAN_OUT):
            row = by_id[ended.id]
            shift(used, Day(row.practitioner, row.day), -1, -row.effort)
        return used

    def _stale_before(self, referral: Record, slot: Slot, days: list[Day]) -> Sequence[Record]:
        weeks = sorted(weeks_of(days))
        if len(weeks) == 1:
            ((who, first, last),) = weeks
            given = {"slot": slot.id, "one": referral.id, "now": self._now}
            given |= {"who": who, "first": first, "last": last}
            return self._connection.execute(_STALE_HERE, given).all()
        return self._stale_rows(
            _BOOKING.c.slot_id == slot.id,
            _BOOKING.c.referral_id == referral.id,
            *given_in_weeks_of(days),
        )

    def _unhindered(self, referral: Record, slot: Slot) -> int:
        """
        Refuses a second seat for the referral, and its patient or the practitioner elsewhere.

        Returns
        -------
        int
            How many bookings the referral had before.
        """
        found = self._connection.execute(
            _IN_THE_WAY,
            {
                "referral_id": referral.id,
                "patient_key": referral.patient_key,
                "slot_id": slot.id,
                "practitioner": slot.practitioner,
                "begins": slot.start,
                "ends": slot.end,
                "now": self._now,
            },
        ).one()
        if found.seated:
            raise DuplicateReferralError(referral.id)
        if found.patient is not None:
            raise DuplicateReferralError(
                referral.id,
                f"is of a patient whose booking {found.patient} is at an overlapping hour",
            )
        if found.practitioner is not None:
            raise SlotTakenError(slot.id, ELSEWHERE)
        return int(found.before)

    def _room(self, slot: Slot, day: Day, used: Used, effort: int) -> dict[Day | Week, Most]:
        """Gives the limits of the day and the week; refuses what would pass one of them."""
        (practitioner,) = self.practitioners([slot])
        # Read under the lock: whoever was waited for may have lowered a cap.
        per_day, per_week = most_given(self._present_policy(slot.territory), practitioner)
        week = week_of(day)
        for key, most, why in ((day, per_day, FULL_DAY), (week, per_week, FULL_WEEK)):
            if not most.holds(Load(used[key].bookings + 1, used[key].effort + effort)):
                raise SlotTakenError(slot.id, why)
        return {day: per_day, week: per_week}

    def _insert_booking(
        self,
        referral: Record,
        slot: Slot,
        given: dict[str, Any],
        *,
        day: Day,
        before: int,
        seats: Iterable[int],
    ) -> Record:
        taken = self._taken_seats(slot.id)
        inserting_one = _booking(on_postgres=self._on_postgres)
        for seat in seats:
            if seat in taken:
                continue
            row = self._connection.execute(
                inserting_one,
                {
                    "id": booking_id(referral.id, before),
                    "territory": referral.territory,
                    "referral_id": referral.id,
                    "slot_id": slot.id,
                    "seat": seat,
                    "version": 1,
                    "patient_key": referral.patient_key,
                    "practitioner": slot.practitioner,
                    "starts_at": slot.start,
                    "ends_at": slot.end,
                    "day": day.day,
                    "made_at": self._now,
                    **given,
                },
            ).first()
            if row is not None:
                return row
            if self.booking_of(referral.id) is not None:
                raise DuplicateReferralError(referral.id)
        raise SlotTakenError(slot.id, TAKEN)
