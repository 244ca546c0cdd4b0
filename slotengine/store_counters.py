"""
Counter rows: how rules over several bookings hold while two transactions race.

A count in a query lets two bookings pass, because neither sees the other. So a practitioner's day
and a patient have a row each: it is locked before the question is asked, in the order of keys, and
it counts the active bookings below it. A day is the local day of the slot's owner territory: a cap
is a promise about a doctor's day, not about midnight in Greenwich.
"""

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, bindparam, func, or_, select, tuple_, update

from slotengine import tables
from slotengine.codes import ACTIVE
from slotengine.errors import StoreError
from slotengine.store_events import chunks
from slotengine.store_referrals import Referrals

ACTIVE_STATUS = tables.booking.c.status.in_(
    bindparam(
        "active",
        sorted(status.value for status in ACTIVE),
        expanding=True,
        literal_execute=True,
        unique=True,
    )
)
"""
"Is active", written out word for word as in the partial indexes: SQLite can't prove that a
parameter implies an index's condition, and would read the whole table.
"""

_INSTANT = timedelta(microseconds=1)
"""The finest step of a datetime: a slot's end is not in the slot."""


class Day(NamedTuple):
    """The key of a practitioner's day, in the order in which rows are locked."""

    practitioner: str
    day: date


def local_days(zone: ZoneInfo, start: datetime, end: datetime) -> list[date]:
    """Gives the local days that ``[start, end)`` touches."""
    first = start.astimezone(zone).date()
    last = (end - _INSTANT).astimezone(zone).date()
    return [first + timedelta(days=step) for step in range((last - first).days + 1)]


def recount(connection: Connection) -> dict[str, tuple[int, int]]:
    """
    Counts active bookings again and gives the counters that say otherwise.

    Returns
    -------
    dict
        From "practitioner day" or "patient" and its key to (counter, bookings); empty when all is
        well. Holds that ran out but were not marked yet still count on both sides.
    """
    booking, days, patients = tables.booking, tables.practitioner_day, tables.patient
    active = ACTIVE_STATUS
    found: dict[str, list[int]] = {}
    for column, statement in (
        (0, select(days.c.practitioner, days.c.day, days.c.used)),
        (
            1,
            select(booking.c.practitioner, booking.c.day, func.count())
            .where(active)
            .group_by(booking.c.practitioner, booking.c.day),
        ),
    ):
        for practitioner, day, used in connection.execute(statement):
            found.setdefault(f"practitioner day {practitioner} {day}", [0, 0])[column] = used
    for column, by_patient in (
        (0, select(patients.c.patient_key, patients.c.used)),
        (
            1,
            select(booking.c.patient_key, func.count())
            .where(active)
            .group_by(booking.c.patient_key),
        ),
    ):
        for key, used in connection.execute(by_patient):
            found.setdefault(f"patient {key}", [0, 0])[column] = used
    return {key: (used, real) for key, (used, real) in found.items() if used != real}


class Counters(Referrals):
    """The part of a unit of work that locks and moves counter rows."""

    def _lock_counters(
        self, territory: str, patients: Iterable[str], days: Iterable[Day]
    ) -> dict[Day, int]:
        """
        Makes and locks the rows, patients first, each kind in key order; gives what days use.

        On SQLite the transaction already is the only writer, and no lock clause is written.
        """
        keys, wanted = sorted(set(patients)), sorted(set(days))
        table = tables.patient
        for part in chunks(keys):
            rows = [{"patient_key": key, "territory": territory, "used": 0} for key in part]
            self._connection.execute(self._insert(table).on_conflict_do_nothing(), rows)
            self._connection.execute(
                select(table.c.patient_key)
                .where(table.c.patient_key.in_(part))
                .order_by(table.c.patient_key)
                .with_for_update()
            ).all()
        table = tables.practitioner_day
        used: dict[Day, int] = {}
        for days_part in chunks(wanted):
            rows = [
                {"practitioner": day.practitioner, "day": day.day, "territory": territory}
                for day in days_part
            ]
            self._connection.execute(
                self._insert(table).values(used=0).on_conflict_do_nothing(), rows
            )
            for row in self._connection.execute(
                select(table.c.practitioner, table.c.day, table.c.used)
                .where(tuple_(table.c.practitioner, table.c.day).in_(days_part))
                .order_by(table.c.practitioner, table.c.day)
                .with_for_update()
            ):
                used[Day(row.practitioner, row.day)] = row.used
        return used

    def _count_up(self, patient_key: str, day: Day, cap: int | None) -> bool:
        """Counts one booking more, unless the day would pass its cap."""
        table = tables.practitioner_day
        fits = table.c.used + 1 <= cap if cap is not None else table.c.used >= 0
        counted = self._connection.execute(
            update(table)
            .where(table.c.practitioner == day.practitioner, table.c.day == day.day, fits)
            .values(used=table.c.used + 1, cap=cap)
        )
        if not counted.rowcount:
            return False
        patients = tables.patient
        self._connection.execute(
            update(patients)
            .where(patients.c.patient_key == patient_key)
            .values(used=patients.c.used + 1)
        )
        return True

    def _count_down(self, patient_key: str, day: Day) -> None:
        """Counts one booking less, on the rows on which it was counted."""
        table, patients = tables.practitioner_day, tables.patient
        days = self._connection.execute(
            update(table)
            .where(table.c.practitioner == day.practitioner, table.c.day == day.day)
            .values(used=table.c.used - 1)
        )
        people = self._connection.execute(
            update(patients)
            .where(patients.c.patient_key == patient_key)
            .values(used=patients.c.used - 1)
        )
        if days.rowcount != 1 or people.rowcount != 1:
            raise StoreError(
                f"a counter of practitioner {day.practitioner} on {day.day} is missing"
            )

    def _elsewhere(
        self, who: str, key: str, start: datetime, end: datetime, *, beside: str
    ) -> str | None:
        """
        Gives the id of an active booking that overlaps ``[start, end)``, if there is one.

        Parameters
        ----------
        who
            The column: ``practitioner`` or ``patient_key``.
        beside
            The slot (for a practitioner) or referral (for a patient) that does not count.
        """
        table = tables.booking
        own = table.c.slot_id if who == "practitioner" else table.c.referral_id
        found: str | None = self._connection.scalar(
            select(table.c.id)
            .where(
                table.c[who] == key,
                own != beside,
                table.c.starts_at < end,
                table.c.ends_at > start,
                ACTIVE_STATUS,
                or_(table.c.held_until.is_(None), table.c.held_until > self._now),
            )
            .order_by(table.c.id)
            .limit(1)
        )
        return found
