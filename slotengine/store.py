"""
The store: every promise of the library, kept by SQLite or PostgreSQL.

``SqlStore.open`` for a database of one's own, ``SqlStore.over`` for a host's engine,
``SqlStore.bound`` for a host's transaction. All SQL lives in this module and its ``store_*``
neighbours; a piece of work gets a ``SqlUnit`` and is written whole or not at all.
"""

import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from datetime import datetime
from typing import Any, Self, TypeVar

from sqlalchemy import URL, Connection, Engine
from sqlalchemy.exc import SQLAlchemyError

from slotengine.domain import Actor
from slotengine.errors import InputError, StoreBusyError, StoreError
from slotengine.ports import Unit
from slotengine.store_accounts import StoredAccounts
from slotengine.store_agendas import StoredAgendas
from slotengine.store_connect import (
    Source,
    begin_sqlite,
    commits_by_itself,
    in_transaction,
    in_words,
    is_memory,
    own_engine,
    parsed,
    supported,
)
from slotengine.store_counters import recount
from slotengine.store_errors import translated
from slotengine.store_floors import Floors
from slotengine.store_freed import Freed
from slotengine.store_handback import Handbacks
from slotengine.store_history import Histories
from slotengine.store_inbox import StoredInbox
from slotengine.store_outbox import StoredOutbox
from slotengine.store_plan import Plans
from slotengine.store_prices import Prices
from slotengine.store_published import StoredPublished
from slotengine.store_schema import check_revision, include_object, make_embedded, upgrade

__all__ = ["SqlStore", "SqlUnit", "include_object", "recount"]

MAX_ATTEMPTS = 5
"""
Times that a work is run before StoreBusyError: a deadlock costs PostgreSQL's `deadlock_timeout`
(1 s) each, a locked SQLite file ``store_connect.BUSY_SECONDS``. Our choice: at most 10 s.
"""

_SCHEMA_NAME = re.compile(r"[a-z_][a-z0-9_]{0,62}")

T = TypeVar("T")


class SqlUnit(
    Plans,
    Handbacks,
    Freed,
    Floors,
    Histories,
    Prices,
    StoredInbox,
    StoredOutbox,
    StoredPublished,
    StoredAccounts,
    StoredAgendas,
):
    """One transaction: see ``slotengine.ports.Unit`` for the contract of each verb."""


class SqlStore:
    """
    Runs pieces of work in transactions; safe in many threads, processes and after a fork.

    Examples
    --------
    >>> from datetime import UTC, datetime
    >>> from slotengine.policy import Policy
    >>> store = SqlStore.open("sqlite://")
    >>> now = datetime(2026, 11, 23, 8, tzinfo=UTC)
    >>> store.write(lambda unit: unit.save_policy(Policy(territory="giennois")), now=now)
    >>> store.read(lambda unit: unit.territories(), now=now)
    ('giennois',)
    >>> store.close()
    """

    def __init__(
        self,
        of: Source | Connection,
        url: URL,
        *,
        schema: str | None,
        embedded: bool = False,
        owned: bool = False,
    ) -> None:
        if schema is not None and _SCHEMA_NAME.fullmatch(schema) is None:
            raise InputError("a schema name has lower case letters, digits and _, at most 63")
        if schema is not None and url.get_backend_name() == "sqlite":
            raise InputError("SQLite has no schemas; leave it out")
        self._of = of
        self._url = url
        self._schema = schema
        self._embedded = embedded
        self._owned = owned
        self._checked = False
        self._where = in_words(url)
        # One connection is the whole database in memory: two threads would share a transaction.
        alone = isinstance(of, Source) and is_memory(url)
        self._turn: Any = threading.RLock() if alone else nullcontext()

    @classmethod
    def open(cls, url: str, *, schema: str | None = None) -> Self:
        """
        Opens a database by URL; nothing is touched before the first work.

        An embedded SQLite file is made and upgraded by itself. PostgreSQL is not: see ``upgrade``.
        ``schema`` is PostgreSQL's; default the connection's own.
        """
        read = parsed(url)
        embedded = read.get_backend_name() == "sqlite"
        return cls(Source(own_engine(read)), read, schema=schema, embedded=embedded, owned=True)

    @classmethod
    def over(cls, engine: Engine, schema: str | None = None) -> Self:
        """Works on a host's engine, in transactions of its own; never makes or upgrades tables."""
        supported(engine)
        return cls(Source(engine), engine.url, schema=schema)

    @classmethod
    def bound(cls, connection: Connection, schema: str | None = None) -> Self:
        """
        Works in a host's transaction, in SAVEPOINTs; never commits it or rolls it back.

        Raises
        ------
        InputError
            When the connection commits by itself: there would be no transaction to work in.
        """
        supported(connection)
        if commits_by_itself(connection):
            raise InputError("the connection commits by itself; hand over one in a transaction")
        return cls(connection, connection.engine.url, schema=schema)

    def write(self, work: Callable[[Unit], T], *, now: datetime, actor: Actor | None = None) -> T:
        """
        Runs work in one writing transaction; commits, or rolls all of it back and raises.

        Serialisation failures, deadlocks and locked files are retried ``MAX_ATTEMPTS`` times in
        all, then StoreBusyError. In a host's transaction a SAVEPOINT is used, nothing is retried
        (the host's snapshot would be the same), and the transaction stays usable after any error.
        """
        return self._tried(work, now=now, actor=actor, write=True)

    def read(self, work: Callable[[Unit], T], *, now: datetime | None = None) -> T:
        """Runs work that only reads, on one consistent snapshot; see ``ports.Store.read``."""
        return self._tried(work, now=now, actor=None, write=False)

    def _tried(
        self, work: Callable[[Unit], T], *, now: datetime | None, actor: Actor | None, write: bool
    ) -> T:
        attempts = 1 if isinstance(self._of, Connection) else MAX_ATTEMPTS
        for _ in range(attempts - 1):
            try:
                return self._once(work, now=now, actor=actor, write=write)
            except StoreBusyError:
                continue
        return self._once(work, now=now, actor=actor, write=write)

    def _once(
        self, work: Callable[[Unit], T], *, now: datetime | None, actor: Actor | None, write: bool
    ) -> T:
        try:
            with self._turn, self._transaction(write=write) as connection:
                unit = SqlUnit(connection, now=now, actor=actor)
                done = work(unit)
                unit.write_events()
                return done
        except SQLAlchemyError as error:
            raise translated(error, self._where) from error

    @contextmanager
    def _transaction(self, *, write: bool) -> Iterator[Connection]:
        if isinstance(self._of, Connection):
            connection = self._of
            if not connection.in_transaction():
                # The host's listeners (SQLAlchemy's recipe for SQLite) may begin for real here.
                connection.begin()
            if connection.dialect.name == "sqlite" and not in_transaction(connection):
                # A SAVEPOINT outside a transaction would commit when it is released.
                begin_sqlite(connection, write=write)
            with connection.begin_nested(), self._translated(connection):
                yield connection
            return
        if self._embedded and not self._checked:
            make_embedded(self._of.engine)
            self._checked = True
        with self._of.transaction(write=write) as connection, self._translated(connection):
            yield connection

    @contextmanager
    def _translated(self, connection: Connection) -> Iterator[None]:
        """Sends our statements, and no statement of a host, to the schema asked for."""
        if not self._checked:
            check_revision(connection, self._schema)
            self._checked = True
        if self._schema is None:
            yield
            return
        before = connection.get_execution_options().get("schema_translate_map")
        connection.execution_options(schema_translate_map={None: self._schema})
        try:
            yield
        finally:
            connection.execution_options(schema_translate_map=before)

    def upgrade(self) -> None:
        """
        Brings the database's schema to this library's, making it where there is none.

        Raises
        ------
        SchemaError
            When the database is newer than this library.
        StoreError
            When the store is bound to a host's transaction: a schema is not changed inside one.
        """
        if isinstance(self._of, Connection):
            raise StoreError("a store bound to a transaction can't upgrade; open it by URL")
        try:
            with self._turn:
                upgrade(self._of.engine, self._schema)
        except SQLAlchemyError as error:
            raise translated(error, self._where) from error

    def close(self) -> None:
        """Gives every connection back; a host's engine or connection stays the host's."""
        if isinstance(self._of, Source) and self._owned:
            self._of.engine.dispose()

    def __reduce__(self) -> tuple[Any, ...]:
        if isinstance(self._of, Connection):
            raise StoreError("a store bound to a transaction can't be pickled; open it by URL")
        if is_memory(self._url):
            raise StoreError("a database in memory can't be pickled; use a file")
        return _reopened, (
            self._url.render_as_string(hide_password=False),
            self._schema,
            self._embedded,
        )


def _reopened(url: str, schema: str | None, embedded: bool) -> SqlStore:  # noqa: FBT001 (pickle)
    read = parsed(url)
    return SqlStore(Source(own_engine(read)), read, schema=schema, embedded=embedded, owned=True)
