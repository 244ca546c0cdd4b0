"""Floors: how many of some referrals asked lately, and how many of them have or had a seat."""

from datetime import datetime
from functools import cache

from sqlalchemy import JSON, Text, bindparam, case, cast, exists, func, or_, select, type_coerce

from slotengine import tables
from slotengine.codes import BookingStatus, Priority, ReferralState
from slotengine.store_bookings import ACTIVE_NOW, Bookings
from slotengine.store_events import Statement

_COMMUNE = ("patient", "location", "insee")
"""Where the commune of a referral's patient stands in its body."""

_DONE = tables.booking.c.status.in_([BookingStatus.FULFILLED.value, BookingStatus.NOSHOW.value])


@cache
def _share(*, of_priority: bool, of_commune: bool, on_postgres: bool) -> Statement:
    """Gives the question after both counts; what it asks about are parameters."""
    table, booking = tables.referral, tables.booking
    seated = exists().where(booking.c.referral_id == table.c.id, or_(ACTIVE_NOW, _DONE))
    asked = (
        select(func.count().label("asked"), func.count(case((seated, 1))).label("served"))
        .select_from(table)
        .where(
            table.c.territory == bindparam("territory"),
            table.c.received_at >= bindparam("since"),
            table.c.state != ReferralState.REFUSED.value,
        )
    )
    if of_priority:
        asked = asked.where(table.c.priority == bindparam("priority"))
    if of_commune:
        # SQLite reads JSON from text as it is; a cast there would make a number of it.
        body = cast(table.c.body, JSON) if on_postgres else type_coerce(table.c.body, JSON)
        commune = bindparam("insee", type_=Text)
        asked = asked.where(body[_COMMUNE].as_string() == commune)
    return asked


class Floors(Bookings):
    """The part of a unit of work that knows how far a class was served."""

    def served_share(
        self, territory: str, priority: Priority | None, insee: str | None, since: datetime
    ) -> tuple[int, int]:
        """
        Gives how many referrals came since then, inclusive, and how many have or had a seat.

        Of one priority and of patients of one commune, None meaning any; refused referrals don't
        count. Whose booking is active, took place or was missed has or had a seat; a hold that ran
        out, or a booking that was cancelled, gave none.
        """
        wanted = {
            "territory": territory,
            "since": since,
            "now": self._now,
            **({} if priority is None else {"priority": priority.value}),
            **({} if insee is None else {"insee": insee}),
        }
        statement = _share(
            of_priority=priority is not None,
            of_commune=insee is not None,
            on_postgres=self._on_postgres,
        )
        row = self._connection.execute(statement, wanted).one()
        return int(row.asked), int(row.served)
