"""Free seats: which there are, since when, and who did not want them."""

from collections.abc import Sequence
from datetime import UTC, datetime

from sqlalchemy import func, or_, select

from slotengine import tables
from slotengine.domain import TimeWindow
from slotengine.ports import FreeSeat
from slotengine.store_among import among
from slotengine.store_events import Record
from slotengine.store_seats import Seats
from slotengine.store_slots import BOOKABLE, read_slot, starting_in

LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)
"""Since when a seat is free whose slot was published before that was kept."""


class Freed(Seats):
    """The part of a unit of work that knows free seats."""

    def free_seats(self, territory: str, window: TimeWindow) -> tuple[FreeSeat, ...]:
        """
        Gives the free seats of open slots owned by or shared with the territory, by slot.

        Of slots that may be booked now and start in the window. ``since`` is the last of: the slot
        was published, it opened, the seat's last booking ended (a hold: when it ran out, whoever
        noticed). ``LONG_AGO`` where none of them is known.
        """
        rows = self._slot_rows(territory, *starting_in(window), *BOOKABLE)
        taken = self._taken([row.id for row in rows])
        given_up = self._given_up([row.id for row in rows])
        found = []
        for row in sorted(rows, key=lambda row: str(row.id)):
            slot = read_slot(row)
            for seat in range(slot.seats):
                if (slot.id, seat) in taken:
                    continue
                known = (row.published_at, row.opens_at, given_up.get((slot.id, seat)))
                since = max((one for one in known if one is not None), default=LONG_AGO)
                found.append(FreeSeat(slot=slot, seat=seat, since=since))
        return tuple(found)

    def _taken(self, ids: Sequence[str]) -> set[tuple[str, int]]:
        table = tables.booking
        return {
            (row.slot_id, row.seat)
            for row in self._connection.execute(
                select(table.c.slot_id, table.c.seat).where(
                    among(table.c.slot_id, ids), self._active()
                )
            )
        }

    def _given_up(self, ids: Sequence[str]) -> dict[tuple[str, int], datetime]:
        """Gives when the last booking of each seat ended."""
        table = tables.booking
        rows: Sequence[Record] = self._connection.execute(
            select(
                table.c.slot_id,
                table.c.seat,
                func.max(func.coalesce(table.c.ended_at, table.c.held_until)).label("ended"),
            )
            .where(
                among(table.c.slot_id, ids),
                or_(table.c.ended_at.is_not(None), self._stale()),
            )
            .group_by(table.c.slot_id, table.c.seat)
        ).all()
        return {(row.slot_id, row.seat): row.ended for row in rows}

    def refused_slots(self, referral_ids: Sequence[str]) -> frozenset[tuple[str, str]]:
        """
        Gives (referral, slot) of bookings that ran out or were released: not offered again.

        A seat that was cancelled for another reason (its practitioner is ill, a night planned
        again) was not refused by anybody.
        """
        table = tables.booking
        return frozenset(
            (row.referral_id, row.slot_id)
            for row in self._connection.execute(
                select(table.c.referral_id, table.c.slot_id).where(
                    among(table.c.referral_id, referral_ids),
                    or_(table.c.turned_down, self._stale()),
                )
            )
        )
