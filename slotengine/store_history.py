"""What a territory has seen: arrivals, openings, endings, and what became of stated chances."""

import json
from collections.abc import Mapping, Sequence
from datetime import timedelta

from sqlalchemy import and_, func, or_, select

from slotengine import tables
from slotengine.codes import BookingStatus, ReferralState, SlotState
from slotengine.domain import TimeWindow
from slotengine.forecast import Arrival, Endings, History, Opening
from slotengine.store_events import Record
from slotengine.store_referrals import Referrals
from slotengine.store_slots import Supply, read_slot

SECONDS_A_MINUTE = 60

SETTLED = timedelta(hours=1)
"""
How old a stated chance is before how it stands is read: sooner the same futures would speak twice.
"""


def _arrival(row: Record) -> Arrival:
    body = json.loads(row.body)
    place = body["patient"]["location"]
    return Arrival(
        at=row.received_at,
        source=row.source,
        priority=row.priority,
        professions=tuple(body["professions"]),
        insee=None if place is None else place["insee"],
    )


def _opening(row: Record) -> Opening:
    slot = read_slot(row)
    seconds = int((slot.end - slot.start).total_seconds())
    return Opening(
        published_at=row.published_at,
        practitioner=slot.practitioner,
        site=slot.site,
        start=slot.start,
        minutes=-(-seconds // SECONDS_A_MINUTE),
        seats=slot.seats + row.handed_back,
        modes=slot.modes,
    )


class Histories(Supply, Referrals):
    """The part of a unit of work that looks back."""

    def history(self, territory: str, window: TimeWindow) -> History:
        """
        Gives what came, opened and ended in the window: what a forecast learns from.

        Arrivals by ``received_at``, refused ones left out. Openings by when they were first
        published, owned by or shared with the territory; a slot that was withdrawn never was any,
        one that was handed back was, with all its seats. Endings are those of confirmed bookings:
        a seat that left with its slot was not given up by anybody.
        """
        return History(
            since=window.start,
            until=window.end,
            arrivals=self._arrivals(territory, window),
            openings=self._openings(territory, window),
            endings=self._endings(territory, window),
        )

    def _arrivals(self, territory: str, window: TimeWindow) -> tuple[Arrival, ...]:
        table = tables.referral
        rows = self._connection.execute(
            select(table.c.received_at, table.c.source, table.c.priority, table.c.body)
            .where(
                table.c.territory == territory,
                table.c.received_at >= window.start,
                table.c.received_at < window.end,
                table.c.state != ReferralState.REFUSED.value,
            )
            .order_by(table.c.received_at, table.c.id)
        )
        return tuple(map(_arrival, rows))

    def _openings(self, territory: str, window: TimeWindow) -> tuple[Opening, ...]:
        table = tables.slot
        rows = self._slot_rows(
            territory,
            table.c.published_at >= window.start,
            table.c.published_at < window.end,
            table.c.state != SlotState.WITHDRAWN.value,
        )
        return tuple(_opening(row) for row in sorted(rows, key=lambda r: (r.published_at, r.id)))

    def _endings(self, territory: str, window: TimeWindow) -> Endings:
        booking, slot = tables.booking, tables.slot
        cancelled = BookingStatus.CANCELLED.value
        rows: Sequence[Record] = self._connection.execute(
            select(booking.c.status, func.count().label("bookings"))
            .join(slot, slot.c.id == booking.c.slot_id)
            .where(
                booking.c.territory == territory,
                booking.c.ended_at >= window.start,
                booking.c.ended_at < window.end,
                booking.c.confirmed_at.is_not(None),
                or_(booking.c.status != cancelled, slot.c.state != SlotState.WITHDRAWN.value),
            )
            .group_by(booking.c.status)
        ).all()
        counts = {str(row.status): int(row.bookings) for row in rows}
        return Endings(
            confirmed=sum(counts.values()),
            cancelled=counts.get(cancelled, 0),
            missed=counts.get(BookingStatus.NOSHOW.value, 0),
        )

    def record_chance(self, referral_id: str, raw: float, stated: float) -> None:
        """
        Notes the chance of a seat that was stated to a waiting patient, once a referral.

        It is a chance of a seat before the deadline that the referral has by now.
        """
        referral = self.stored_referral(referral_id).referral
        self._connection.execute(
            self._insert(tables.chance)
            .values(
                territory=referral.territory,
                referral_id=referral_id,
                raw=raw,
                stated=stated,
                at=self._now,
                before_at=referral.deadline,
            )
            .on_conflict_do_nothing()
        )

    def chance_outcomes(
        self, territory: str, waiting: Mapping[str, float] | None = None
    ) -> tuple[tuple[float, float], ...]:
        """
        Gives (raw chance, what became of it) of stated chances, by referral.

        When the instant has passed up to which the chance was stated: 1 where a seat was held,
        promised or booked in between, else 0. Before it, if ``waiting`` has raw chances by now of
        those who wait: 1 who has a seat, and theirs by now who wait, stated ``SETTLED`` ago or
        more. Seats alone would show the lucky, for who gets one gets it early. Whoever stopped
        waiting before it, without a seat, tells nothing and is left out.
        """
        chance, referral, booking = tables.chance, tables.referral, tables.booking
        seated_at = func.min(booking.c.made_at)
        columns = (chance.c.referral_id, chance.c.raw, chance.c.at, chance.c.before_at)
        rows = self._connection.execute(
            select(*columns, referral.c.closed_at)
            .add_columns(seated_at.label("seated_at"))
            .join(referral, referral.c.id == chance.c.referral_id)
            .outerjoin(
                booking,
                and_(
                    booking.c.referral_id == chance.c.referral_id,
                    booking.c.made_at >= chance.c.at,
                ),
            )
            .where(chance.c.territory == territory)
            .group_by(*columns, referral.c.closed_at)
        )
        found = []
        for row in sorted(rows, key=lambda row: str(row.referral_id)):
            became = self._became(row, waiting)
            if became is not None:
                found.append((float(row.raw), became))
        return tuple(found)

    def _became(self, row: Record, waiting: Mapping[str, float] | None) -> float | None:
        before = row.before_at
        if before is None:
            return None
        seated = row.seated_at is not None and row.seated_at < before
        if before > self._now:
            if waiting is None or row.at > self._now - SETTLED:
                return None
            return 1.0 if seated else waiting.get(str(row.referral_id))
        if seated:
            return 1.0
        # Closed in time and without a seat: nobody knows whether one would have come.
        return None if row.closed_at is not None and row.closed_at < before else 0.0
