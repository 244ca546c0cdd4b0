"""
Counter rows: how rules over several bookings hold while two transactions race.

A count in a query lets two bookings pass, because neither sees the other. So a practitioner's day
and ISO week and a patient have a row each: it is locked before the question is asked, in the order
of keys. A patient's row counts active bookings, a practitioner's also those that took place: a cap
is on what is given, not on what is still to come. A day is the local day of the slot's owner
territory: a cap is a promise about a doctor's day, not about midnight in Greenwich.
"""

from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta
from functools import cache
from typing import Any, NamedTuple, TypeAlias
from zoneinfo import ZoneInfo

from sqlalchemy import (
    Connection,
    Select,
    Table,
    Update,
    bindparam,
    func,
    literal_column,
    or_,
    select,
    update,
)
from sqlalchemy.sql.expression import ColumnElement

from slotengine import tables
from slotengine.codes import ACTIVE, BookingStatus
from slotengine.errors import StoreError
from slotengine.store_events import Record, Statement, inserting
from slotengine.store_referrals import Referrals


def _status_in(statuses: Iterable[BookingStatus]) -> ColumnElement[bool]:
    return tables.booking.c.status.in_(
        [literal_column(f"'{status}'") for status in sorted(one.value for one in statuses)]
    )


COUNTED = ACTIVE | {BookingStatus.FULFILLED, BookingStatus.NOSHOW}
"""What counts on a practitioner's day and week: the time was given, or is promised."""

COUNTED_STATUS = _status_in(COUNTED)

ACTIVE_STATUS = _status_in(ACTIVE)
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


class Week(NamedTuple):
    """The key of a practitioner's ISO week, by its Monday."""

    practitioner: str
    week: date
    # Tuples compare by content: without it a Monday and its week would be one key.
    period: str = "week"


class Load(NamedTuple):
    """Bookings and effort minutes: what a practitioner was given."""

    bookings: int
    effort: int


class Most(NamedTuple):
    """The most that a practitioner is given in one period; None is without limit."""

    bookings: int | None
    effort: int | None

    def holds(self, load: Load) -> bool:
        """Tells whether a load stays within both, exactly at the limit included."""
        return (self.bookings is None or load.bookings <= self.bookings) and (
            self.effort is None or load.effort <= self.effort
        )


Used: TypeAlias = dict[Day | Week, Load]


def week_of(day: Day) -> Week:
    """Gives the week that holds a day."""
    return Week(day.practitioner, day.day - timedelta(days=day.day.weekday()))


def local_days(zone: ZoneInfo, start: datetime, end: datetime) -> list[date]:
    """Gives the local days that ``[start, end)`` touches."""
    first = start.astimezone(zone).date()
    last = (end - _INSTANT).astimezone(zone).date()
    return [first + timedelta(days=step) for step in range((last - first).days + 1)]


def recount(connection: Connection) -> dict[str, tuple[int, int]]:
    """
    Counts bookings again and gives the counters that say otherwise.

    Returns
    -------
    dict
        From the counter in words ("practitioner day" and its key, "effort of practitioner week",
        "patient") to (counter, what bookings say); empty when all is well. Holds that ran out but
        were not marked yet still count on both sides.
    """
    booking, patients = tables.booking, tables.patient
    found: dict[str, list[int]] = {}

    def note(key: str, column: int, value: int) -> None:
        found.setdefault(key, [0, 0])[column] += value

    for period, table in _PERIODS.items():
        for row in connection.execute(
            select(table.c.practitioner, table.c[period], table.c.used, table.c.effort)
        ):
            note(f"practitioner {period} {row[0]} {row[1]}", 0, row.used)
            note(f"effort of practitioner {period} {row[0]} {row[1]}", 0, row.effort)
    for practitioner, day, used, effort in connection.execute(
        select(booking.c.practitioner, booking.c.day, func.count(), func.sum(booking.c.effort))
        .where(COUNTED_STATUS)
        .group_by(booking.c.practitioner, booking.c.day)
    ):
        for period, key in zip(_PERIODS, keys_of(Day(practitioner, day)), strict=True):
            note(f"practitioner {period} {key[0]} {key[1]}", 1, used)
            note(f"effort of practitioner {period} {key[0]} {key[1]}", 1, effort)
    for column, by_patient in (
        (0, select(patients.c.patient_key, patients.c.used)),
        (
            1,
            select(booking.c.patient_key, func.count())
            .where(ACTIVE_STATUS)
            .group_by(booking.c.patient_key),
        ),
    ):
        for key, used in connection.execute(by_patient):
            note(f"patient {key}", column, used)
    return {key: (used, real) for key, (used, real) in found.items() if used != real}


_PERIODS: dict[str, Table] = {"day": tables.practitioner_day, "week": tables.practitioner_week}
"""Counter tables in the order in which their rows are locked."""


def overlapping(who: str, beside: str) -> Select[Any]:
    """
    Gives the question after an active booking at some hour, made once.

    Its parameters are named as the columns, ``begins``, ``ends`` and ``now``.
    """
    table = tables.booking
    instant = table.c.starts_at.type
    return (
        select(table.c.id)
        .where(
            table.c[who] == bindparam(who),
            table.c[beside] != bindparam(beside),
            table.c.starts_at < bindparam("ends", type_=instant),
            table.c.ends_at > bindparam("begins", type_=instant),
            ACTIVE_STATUS,
            or_(
                table.c.held_until.is_(None),
                table.c.held_until > bindparam("now", type_=instant),
            ),
        )
        .order_by(table.c.id)
        .limit(1)
    )


@cache
def _locking(name: str, *, on_postgres: bool) -> Statement:
    """
    Gives the statement that makes a missing counter and locks it.

    One round trip where an insert and a ``SELECT ... FOR UPDATE`` would be two: an update that
    changes nothing takes the lock, and waits for whoever is just inserting the same row.
    """
    if name == "patient":
        table, key = tables.patient, ["patient_key"]
    else:
        table, key = _PERIODS[name], ["practitioner", name]
    locking = inserting(table, on_postgres=on_postgres).on_conflict_do_update(
        index_elements=key, set_={"used": table.c.used}
    )
    return locking if name == "patient" else locking.returning(table.c.used, table.c.effort)


@cache
def _giving(period: str, *, bookings: bool, effort: bool) -> Update:
    """Gives the statement that counts one booking more, under the caps that there are."""
    table = _PERIODS[period]
    most: Statement = bindparam("most")
    much: Statement = bindparam("minutes")
    return (
        update(table)
        .where(
            table.c.practitioner == bindparam("who"),
            table.c[period] == bindparam("at", type_=table.c[period].type),
            *([table.c.used + 1 <= most] if bookings else []),
            *([table.c.effort + much <= bindparam("most_minutes")] if effort else []),
        )
        .values(
            used=table.c.used + 1,
            cap=most,
            effort=table.c.effort + much,
            effort_cap=bindparam("most_minutes"),
        )
    )


_ONE_MORE = (
    update(tables.patient)
    .where(tables.patient.c.patient_key == bindparam("who"))
    .values(used=tables.patient.c.used + 1)
)


_ELSEWHERE = {
    column: (overlapping(column, beside), beside)
    for column, beside in {"practitioner": "slot_id", "patient_key": "referral_id"}.items()
}


def keys_of(day: Day) -> tuple[Day | Week, Day | Week]:
    """Gives the keys of a day's two counters, in the order of ``_PERIODS``."""
    return day, week_of(day)


def shift(used: Used, day: Day, bookings: int, effort: int) -> None:
    """Counts bookings and effort minutes more, or less, on what a day and its week use."""
    for key in keys_of(day):
        was = used[key]
        used[key] = Load(was.bookings + bookings, was.effort + effort)


class Counters(Referrals):
    """The part of a unit of work that locks and moves counter rows."""

    def _lock_counters(self, territory: str, patients: Iterable[str], days: Iterable[Day]) -> Used:
        """
        Makes and locks the rows, patients first, then days, then their weeks, each in key order.

        On SQLite the transaction already is the only writer, and no lock clause is written.

        Returns
        -------
        dict
            What each day, and each week that holds one of the days, uses.
        """
        locking = _locking("patient", on_postgres=self._on_postgres)
        # One by one: a statement of several rows is compiled anew each time, and mostly it is one.
        for key in sorted(set(patients)):
            self._connection.execute(
                locking, {"patient_key": key, "territory": territory, "used": 0}
            )
        wanted = sorted(set(days))
        used: Used = {}
        used.update(self._lock_period(territory, "day", wanted))
        used.update(self._lock_period(territory, "week", sorted(set(map(week_of, wanted)))))
        return used

    def _lock_period(
        self, territory: str, period: str, keys: list[Day] | list[Week]
    ) -> dict[Day | Week, Load]:
        locking = _locking(period, on_postgres=self._on_postgres)
        found: dict[Day | Week, Load] = {}
        for key in keys:
            row = self._connection.execute(
                locking,
                {
                    "practitioner": key[0],
                    period: key[1],
                    "territory": territory,
                    "used": 0,
                    "effort": 0,
                },
            ).one()
            found[key] = Load(row.used, row.effort)
        return found

    def _count_up(
        self, patient_key: str, day: Day, effort: int, most: Mapping[Day | Week, Most]
    ) -> bool:
        """Counts one booking more, unless the day or the week would pass a cap."""
        if not self._give(day, effort, most):
            return False
        self._connection.execute(_ONE_MORE, {"who": patient_key})
        return True

    def _give(self, day: Day, effort: int, most: Mapping[Day | Week, Most]) -> bool:
        """Counts one booking more on a practitioner's rows, unless one would pass a cap."""
        for period, key in zip(_PERIODS, keys_of(day), strict=True):
            limit = most[key]
            giving = _giving(
                period, bookings=limit.bookings is not None, effort=limit.effort is not None
            )
            given = {
                "who": key[0],
                "at": key[1],
                "most": limit.bookings,
                "minutes": effort,
                "most_minutes": limit.effort,
            }
            if not self._connection.execute(giving, given).rowcount:
                return False
        return True

    def _count_down(self, booking: Record) -> None:
        """Counts a booking that ended less, on the rows on which it was counted."""
        counted = self._connection.execute(
            update(tables.patient)
            .where(tables.patient.c.patient_key == booking.patient_key)
            .values(used=tables.patient.c.used - 1)
        ).rowcount
        if counted != 1:
            raise StoreError(f"the counter of the patient of booking {booking.id} is missing")
        if BookingStatus(booking.status) not in COUNTED:
            self._give_back(Day(booking.practitioner, booking.day), booking.effort)

    def _give_back(self, day: Day, effort: int) -> None:
        """Counts one booking less on a practitioner's rows."""
        for (period, table), key in zip(_PERIODS.items(), keys_of(day), strict=True):
            counted = self._connection.execute(
                update(table)
                .where(table.c.practitioner == key[0], table.c[period] == key[1])
                .values(used=table.c.used - 1, effort=table.c.effort - effort)
            ).rowcount
            if counted != 1:
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
        statement, other = _ELSEWHERE[who]
        given = {who: key, other: beside, "begins": start, "ends": end, "now": self._now}
        found: str | None = self._connection.scalar(statement, given)
        return found
