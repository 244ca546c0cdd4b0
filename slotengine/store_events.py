"""
The ordered feed of state changes, written in the transaction of the change itself.

A reader's cursor never skips an event: see ADR 0005. What a unit of work is made of (connection,
``now``, actor) starts here because every change appends.
"""

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import cache
from typing import Any, TypeAlias

from sqlalchemy import (
    BigInteger,
    Connection,
    Insert,
    Table,
    Text,
    cast,
    func,
    literal,
    literal_column,
    select,
    tuple_,
)
from sqlalchemy.dialects import postgresql, sqlite

from slotengine import tables
from slotengine.answers import Event
from slotengine.domain import Actor
from slotengine.errors import InputError

MAX_KEY = 2**63 - 1
"""Largest BIGINT; a cursor beyond it was never ours."""

OLDEST_OPEN = """(
    SELECT coalesce(
        min(open.xid::text::bigint), pg_snapshot_xmax(pg_current_snapshot())::text::bigint
    )
    FROM pg_snapshot_xip(pg_current_snapshot()) AS open(xid)
    WHERE NOT EXISTS (
        SELECT FROM pg_locks AS held
        JOIN pg_stat_activity AS owner ON owner.pid = held.pid
        JOIN pg_database AS here ON here.datname = current_database()
        WHERE held.locktype = 'transactionid' AND held.mode = 'ExclusiveLock' AND held.granted
        AND held.transactionid::text::bigint = open.xid::text::bigint & 4294967295
        AND owner.datid <> here.oid
    )
)"""
"""
PostgreSQL: the oldest transaction that our snapshot can't see and that may still write here.

A transaction holds a lock on its own number until it ends, so one whose holder is connected to
another database of the cluster is told apart and does not delay our feed. ``pg_locks`` numbers have
32 bits, the snapshot's 64. Whose holder is not found counts: it may have ended since the snapshot.
"""

_CURSOR = re.compile(r"e([0-9a-f]{1,16})-([0-9a-f]{1,16})")

Record: TypeAlias = Any
"""One row. SQLAlchemy 2.0 and 2.1 type rows in ways that exclude each other."""

Statement: TypeAlias = Any
"""A statement that is made once: they type those in ways that exclude each other too."""


def _read_cursor(cursor: str) -> tuple[int, int]:
    found = _CURSOR.fullmatch(cursor)
    keys = tuple(int(part, 16) for part in found.groups()) if found else (MAX_KEY + 1,)
    if max(keys) > MAX_KEY:
        raise InputError("the event cursor is not one that this library gave out")
    return keys[0], keys[1]


def inserting(table: Table, *, on_postgres: bool) -> postgresql.Insert | sqlite.Insert:
    """Gives an insert with ON CONFLICT: Core has none, each dialect brings its own."""
    return postgresql.insert(table) if on_postgres else sqlite.insert(table)


# Making a statement takes as long as asking it: those of the counter are made once.
@cache
def _appending(*, on_postgres: bool) -> Insert:
    # xid8 has no cast to bigint but through text.
    transaction = (
        cast(cast(func.pg_current_xact_id(), Text), BigInteger)
        if on_postgres
        else literal(0, BigInteger)
    )
    return tables.event.insert().values(xid=transaction)


class Events:
    """The part of a unit of work that appends to and reads the feed."""

    def __init__(
        self, connection: Connection, *, now: datetime | None, actor: Actor | None
    ) -> None:
        if now is not None and now.tzinfo is None:
            raise InputError("now has no time zone")
        self._connection = connection
        self._at = None if now is None else now.astimezone(UTC)
        self._actor = actor
        self._on_postgres = connection.dialect.name == "postgresql"
        self._unwritten: list[dict[str, Any]] = []

    @property
    def _now(self) -> datetime:
        if self._at is None:
            raise ValueError("this question depends on the time: read with now=")
        return self._at

    def _insert(self, table: Table) -> postgresql.Insert | sqlite.Insert:
        return inserting(table, on_postgres=self._on_postgres)

    def _append(self, changes: Sequence[dict[str, Any]]) -> None:
        """
        Appends events; each change has a territory, a kind and any of the ids and ``why``.

        They are written together, in order, when the work has ended: see ``write_events``.
        """
        self._unwritten.extend(
            {
                "referral": None,
                "slot": None,
                "booking": None,
                "why": "",
                **change,
                "at": self._now,
                "actor_role": self._actor.role if self._actor else None,
                "actor_id": self._actor.id if self._actor else None,
            }
            for change in changes
        )

    def write_events(self) -> None:
        """Writes what was appended: one statement, where each change would be one."""
        if self._unwritten:
            self._connection.execute(_appending(on_postgres=self._on_postgres), self._unwritten)
            self._unwritten.clear()

    def event(self, territory: str, kind: str, **ids: str | None) -> None:
        """Appends an event of its own (ids: referral, slot, booking, why)."""
        strange = set(ids) - {"referral", "slot", "booking", "why"}
        if strange:
            raise InputError(f"an event has no {', '.join(sorted(strange))}")
        self._append([{"territory": territory, "kind": kind, **ids, "why": ids.get("why") or ""}])

    def events(self, after: str | None, limit: int) -> tuple[Event, ...]:
        """
        Gives events after a cursor, in an order that no later commit can fill in behind.

        On PostgreSQL an event shows once every transaction of this database that began before its
        own has ended;
        on SQLite one writer at a time makes the order of ids the order of commits.

        Raises
        ------
        InputError
            When the cursor is not one of ours, or the limit is below 1.
        """
        if limit < 1:
            raise InputError(f"limit is {limit}, at least 1 is needed")
        self.write_events()
        table = tables.event
        statement = select(table).order_by(table.c.xid, table.c.id).limit(limit)
        if after is not None:
            xid, id_ = _read_cursor(after)
            statement = statement.where(
                tuple_(table.c.xid, table.c.id)
                > tuple_(literal(xid, BigInteger), literal(id_, BigInteger))
            )
        if self._on_postgres:
            statement = statement.where(table.c.xid < literal_column(OLDEST_OPEN, BigInteger))
        return tuple(
            Event(
                cursor=f"e{row.xid:x}-{row.id:x}",
                at=row.at,
                territory=row.territory,
                kind=row.kind,
                actor=Actor(role=row.actor_role, id=row.actor_id) if row.actor_role else None,
                referral=row.referral,
                slot=row.slot,
                booking=row.booking,
                why=row.why,
            )
            for row in self._connection.execute(statement)
        )
