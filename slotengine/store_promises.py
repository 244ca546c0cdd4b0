"""Promises: their terms, one row a referral; the seat that keeps one is a booking like others."""

from datetime import timedelta

from sqlalchemy import select, update

from slotengine import tables
from slotengine.codes import PromiseState
from slotengine.domain import Promise
from slotengine.errors import InputError
from slotengine.store_events import Record
from slotengine.store_territory import Territories

_MICROSECOND = timedelta(microseconds=1)


def read_promise(row: Record) -> Promise:
    """Gives the noun of a promise's row."""
    return Promise(
        referral=row.referral_id,
        territory=row.territory,
        made_at=row.made_at,
        before=row.before_at,
        within_metres=row.within_metres,
        notice=row.notice_microseconds * _MICROSECOND,
        state=row.state,
        ended_at=row.ended_at,
        why=row.why,
    )


class Promises(Territories):
    """The part of a unit of work that knows the terms of promises."""

    def _write_promise(self, promise: Promise) -> bool:
        """Writes an open promise; False when the referral has one that is open."""
        table = tables.promise
        row = {
            "territory": promise.territory,
            "made_at": promise.made_at,
            "before_at": promise.before,
            "within_metres": promise.within_metres,
            "notice_microseconds": promise.notice // _MICROSECOND,
            "state": promise.state.value,
            "ended_at": None,
            "why": promise.why,
        }
        written = self._connection.scalar(
            self._insert(table)
            .values(referral_id=promise.referral, **row)
            .on_conflict_do_update(
                index_elements=[table.c.referral_id],
                set_=row,
                where=table.c.state != PromiseState.OPEN.value,
            )
            .returning(table.c.referral_id)
        )
        return written is not None

    def promise_of(self, referral_id: str) -> Promise | None:
        """Gives the latest promise to a referral, whatever its state."""
        row = self._connection.execute(
            select(tables.promise).where(tables.promise.c.referral_id == referral_id)
        ).first()
        return None if row is None else read_promise(row)

    def end_promise(self, referral_id: str, state: PromiseState, why: str = "") -> None:
        """
        Ends an open promise and writes its event; one that has ended is left as it is.

        A referral that was never promised anything has nothing to end.
        """
        if state is PromiseState.OPEN:
            raise InputError("a promise does not end as an open one")
        table = tables.promise
        territory = self._connection.scalar(
            update(table)
            .where(table.c.referral_id == referral_id, table.c.state == PromiseState.OPEN.value)
            .values(state=state.value, ended_at=self._now, why=why)
            .returning(table.c.territory)
        )
        if territory is not None:
            self.event(territory, f"promise.{state.value}", referral=referral_id, why=why)
