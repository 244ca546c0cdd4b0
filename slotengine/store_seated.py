"""Who sits where: bookings with their slots and what side constraints read of their patients."""

import json
from collections.abc import Iterable, Sequence
from functools import cache, lru_cache
from typing import Any

from sqlalchemy import Select, bindparam, or_, select
from sqlalchemy.sql.expression import ColumnElement

from slotengine import tables
from slotengine.codes import BookingStatus, Mode
from slotengine.domain import Location, TimeWindow
from slotengine.ports import Seated, SeatedBy
from slotengine.store_among import among_given
from slotengine.store_bookings import ACTIVE_NOW, BOOKING_COLUMNS, Bookings, read_booking
from slotengine.store_events import Record
from slotengine.store_slots import NOUN, read_slot

_KEYS = {
    "slot": tables.booking.c.slot_id,
    "patient": tables.booking.c.patient_key,
    "practitioner": tables.booking.c.practitioner,
    "referral": tables.booking.c.referral_id,
    "group": tables.referral.c.group_id,
}

SLOT = "slot_"
"""Before the columns of a slot in a row that also has a booking's."""


def labelled(before: str, columns: Iterable[ColumnElement[Any]]) -> tuple[ColumnElement[Any], ...]:
    """Gives columns with something before their names, for a row that has others beside them."""
    return tuple(column.label(before + str(column.key)) for column in columns)


class Part:
    """The columns of one table within a longer row, by their own names."""

    def __init__(self, row: Record, before: str) -> None:
        self._row, self._before = row, before

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 (as a row's)
        return getattr(self._row, self._before + name)


_TOOK_PLACE = (BookingStatus.FULFILLED.value, BookingStatus.NOSHOW.value)


class SeatedBookings(Bookings):
    """The part of a unit of work that knows who sits where."""

    def seated(
        self,
        by: SeatedBy,
        keys: Sequence[str],
        *,
        within: TimeWindow | None = None,
        mode: Mode | None = None,
        done: bool = False,
    ) -> tuple[Seated, ...]:
        """
        Gives the active bookings of these slots, patients, practitioners, referrals or groups.

        In every territory, by start and id.
        """
        statement = _question(by, within=within is not None, mode=mode is not None, done=done)
        given: dict[str, Any] = {"now": self._now}
        if within is not None:
            given |= {"begins": within.start, "ends": within.end}
        if mode is not None:
            given["mode"] = mode.value
        rows = self._connection.execute(statement, given | {"keys": keys}).all() if keys else ()
        return tuple(sorted(map(_seated, rows), key=lambda one: (one.slot.start, one.booking.id)))


# One for each kind of question: making a statement takes as long as asking it.
@cache
def _question(by: SeatedBy, *, within: bool, mode: bool, done: bool) -> Select[Any]:
    booking, slot, referral = tables.booking, tables.slot, tables.referral
    instant = booking.c.starts_at.type
    which = [or_(ACTIVE_NOW, booking.c.status.in_(_TOOK_PLACE)) if done else ACTIVE_NOW]
    if within:
        which += [
            booking.c.starts_at < bindparam("ends", type_=instant),
            booking.c.ends_at > bindparam("begins", type_=instant),
        ]
    if mode:
        which.append(booking.c.mode == bindparam("mode"))
    return (
        select(
            *BOOKING_COLUMNS,
            booking.c.patient_key,
            *labelled(SLOT, NOUN),
            referral.c.body.label("referral_body"),
        )
        .join(slot, slot.c.id == booking.c.slot_id)
        .join(referral, referral.c.id == booking.c.referral_id)
        .where(among_given(_KEYS[by], "keys"), *which)
    )


SEATED_KEPT = 4_096
"""Rows that a process keeps as nouns, some 15 MB: who sits where on a territory's next days."""


# A noun is frozen and the row is all that it is made of, so a kept one is never out of date.
@lru_cache(maxsize=SEATED_KEPT)
def _seated(row: Record) -> Seated:
    body = json.loads(row.referral_body)
    patient = body["patient"]
    place = patient["location"]
    return Seated(
        booking=read_booking(row),
        slot=read_slot(Part(row, SLOT)),
        patient=row.patient_key,
        own_practitioner=patient["own_practitioner"],
        location=None if place is None else Location.model_validate(place),
        group=body["group"],
        follows=body["follows"],
        # Bodies of the first schema know no steps.
        pathway=body.get("pathway"),
        step=body.get("step", 0),
    )
