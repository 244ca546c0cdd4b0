"""
Connections: engines of our own, where a transaction begins, and what a fork leaves behind.

SQLite writers begin with ``BEGIN IMMEDIATE``: a transaction that reads first and writes later can
lose its snapshot, and no busy timeout mends that. It is asked for here, statement by statement,
because the driver's own begin is lazy and a host's engine must not get listeners of ours.
"""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import URL, Connection, Engine, Pool, StaticPool, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError

from slotengine.errors import InputError, StoreError
from slotengine.tables import VERSION_TABLE

BUSY_SECONDS = 2.0
"""How long a SQLite writer waits for another before it tries again; ``?timeout=`` overrides it."""

TURN_MS = 1
"""
How long a waiting SQLite writer sleeps before it looks again, the least that SQLite can. Left to
itself it sleeps up to 100 ms, and whoever comes meanwhile goes first: with four busy processes the
unlucky one of a hundred waited for 2 to 4 s.
"""

_ABANDONED: list[Pool] = []
"""
Pools inherited by a fork, kept alive for ever: closing their connections would tell the server, or
SQLite's lock file, that the parent has gone.
"""


def parsed(url: str) -> URL:
    """
    Reads a database URL; ``postgresql://`` means psycopg 3 whatever SQLAlchemy is installed.

    Raises
    ------
    InputError
        When it is no URL, or of another database; the text is not repeated (passwords).
    """
    try:
        read = make_url(url)
    except (ArgumentError, ValueError) as unreadable:
        # `from None`: SQLAlchemy's message repeats the text.
        del unreadable
        raise InputError("the database URL can't be read") from None
    if read.drivername in {"postgresql", "postgres"}:
        return read.set(drivername="postgresql+psycopg")
    if read.drivername in {"sqlite", "sqlite+pysqlite", "postgresql+psycopg"}:
        return read
    raise InputError(f"database {read.drivername} is not known; sqlite or postgresql is")


def is_memory(url: URL) -> bool:
    """Tells whether a SQLite URL names a database that lives in this process only."""
    return url.get_backend_name() == "sqlite" and (
        not url.database or url.database == ":memory:" or url.query.get("mode") == "memory"
    )


def in_words(url: URL) -> str:
    """Names a database in a sentence, without its password."""
    if url.get_backend_name() == "sqlite":
        return "database in memory" if is_memory(url) else f"database {url.database}"
    return f"database {url.render_as_string(hide_password=True)}"


def own_engine(url: URL) -> Engine:
    """Makes an engine of our own, with the pragmas that SQLite's promises need."""
    if url.get_backend_name() != "sqlite":
        return create_engine(url, hide_parameters=True, isolation_level="READ COMMITTED")
    arguments: dict[str, Any] = {"check_same_thread": False}
    if "timeout" not in url.query:
        arguments["timeout"] = BUSY_SECONDS
    kinds = {"poolclass": StaticPool} if is_memory(url) else {}
    engine = create_engine(url, hide_parameters=True, connect_args=arguments, **kinds)
    event.listen(engine, "connect", _set_pragmas)
    return engine


def _set_pragmas(connection: Any, _record: object) -> None:  # noqa: ANN401 (DBAPI: untyped)
    # journal_mode=WAL stays in the file, so store_schema sets it once; these two don't.
    connection.execute("PRAGMA foreign_keys=ON")
    connection.execute("PRAGMA synchronous=FULL")


def commits_by_itself(connection: Connection) -> bool:
    """Tells whether a host's connection is in autocommit: the option, or the driver's own mode."""
    if connection.get_execution_options().get("isolation_level") == "AUTOCOMMIT":
        return True
    # psycopg says so; sqlite3 can't: there a real BEGIN of ours opens a transaction all the same.
    raw: Any = connection.connection.dbapi_connection
    return connection.dialect.name == "postgresql" and bool(raw.autocommit)


def in_transaction(connection: Connection) -> bool:
    """Tells whether SQLite has really begun; SQLAlchemy only knows whether it was asked to."""
    raw: Any = connection.connection.dbapi_connection
    return bool(raw.in_transaction)


def begin_sqlite(connection: Connection, *, write: bool) -> None:
    """
    Begins a real SQLite transaction, at once a writing one where asked.

    Where the driver or the host has begun already, a write that changes nothing takes the lock.
    """
    if not in_transaction(connection):
        if write:
            _begin_writing(connection)
        else:
            connection.exec_driver_sql("BEGIN")
    elif write:
        connection.exec_driver_sql(f"UPDATE {VERSION_TABLE} SET version_num = version_num")  # noqa: S608 (a constant)


def _begin_writing(connection: Connection) -> None:
    """Waits as long as the connection would, but looks every ``TURN_MS``; then it is busy."""
    # Past SQLAlchemy: a turn that was not ours is no error that a host's listeners should hear of.
    raw: Any = connection.connection.dbapi_connection
    patience = int(raw.execute("PRAGMA busy_timeout").fetchone()[0])
    raw.execute(f"PRAGMA busy_timeout = {TURN_MS}")
    try:
        for _ in range(patience // TURN_MS):
            try:
                raw.execute("BEGIN IMMEDIATE")
            except sqlite3.OperationalError as refused:
                if refused.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY:
                    break
            else:
                return
        # Whatever refuses now is said by SQLAlchemy, which our errors are made from.
        connection.exec_driver_sql("BEGIN IMMEDIATE")
    finally:
        raw.execute(f"PRAGMA busy_timeout = {patience}")


class Source:
    """Gives connections of one engine, in whichever process it finds itself."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._process = os.getpid()

    @property
    def engine(self) -> Engine:
        """The engine; after a fork with a pool of its own."""
        if self._process != os.getpid():
            self._process = os.getpid()
            # A database in memory was copied with the process: its one connection is the database.
            if not isinstance(self._engine.pool, StaticPool):
                _ABANDONED.append(self._engine.pool)
                self._engine.dispose(close=False)
        return self._engine

    @contextmanager
    def transaction(self, *, write: bool) -> Iterator[Connection]:
        """Gives a connection in a transaction that is committed at the end, or rolled back."""
        options: dict[str, Any] = {}
        if self.engine.dialect.name == "postgresql":
            # Many queries, one snapshot; a write must see what the lock it waited for has changed.
            level = "READ COMMITTED" if write else "REPEATABLE READ"
            options = {"isolation_level": level, "postgresql_readonly": not write}
        with self.engine.connect() as connection:
            connection.execution_options(**options)
            with connection.begin():
                if self.engine.dialect.name == "sqlite":
                    begin_sqlite(connection, write=write)
                yield connection


def supported(engine_or_connection: Engine | Connection) -> None:
    """Refuses a database whose dialect the statements were never written for."""
    name = engine_or_connection.dialect.name
    if name not in {"sqlite", "postgresql"}:
        raise StoreError(f"database {name} is not known; sqlite or postgresql is")
