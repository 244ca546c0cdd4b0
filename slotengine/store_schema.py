"""
The schema's version: checked before the first statement, made or upgraded where that is ours to do.

Importing alembic costs a second, so a new embedded file is made from the tables and stamped; a test
proves that both ways give the same schema.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, inspect, text
from sqlalchemy.schema import CreateSchema

from slotengine import tables_doors
from slotengine.errors import SchemaError, StoreError
from slotengine.store_connect import in_transaction
from slotengine.tables import PREFIX, REVISIONS, VERSION_TABLE

HEAD = REVISIONS[-1]
"""The revision that this library works on."""

UPGRADE = "run `slotengine db upgrade`"


def include_object(
    object_: object, name: str | None, type_: str, _reflected: object, _compare_to: object
) -> bool:
    """
    Keeps a host's alembic from dropping what it does not know: hand it to ``context.configure``.

    Examples
    --------
    In the host's ``env.py``::

        context.configure(..., include_object=slotengine.store.include_object)
    """
    owner = name if type_ == "table" else getattr(getattr(object_, "table", None), "name", None)
    return not (owner or "").startswith(PREFIX)


def revision_of(connection: Connection, schema: str | None) -> str | None:
    """Gives the revision that the database is at; None when it has none of our tables."""
    inspector = inspect(connection)
    if not inspector.has_table(VERSION_TABLE, schema=schema):
        return None
    place = f'"{schema}".{VERSION_TABLE}' if schema else VERSION_TABLE
    found: str | None = connection.scalar(text(f"SELECT version_num FROM {place}"))  # noqa: S608 (the schema is checked when the store is made)
    return found


def check_revision(connection: Connection, schema: str | None) -> None:
    """Raises SchemaError unless the database is exactly at our revision."""
    found = revision_of(connection, schema)
    if found == HEAD:
        return
    if found is None:
        raise SchemaError(f"the database has no slotengine tables yet; {UPGRADE}")
    if found in REVISIONS:
        raise SchemaError(f"the database is at schema {found}, older than {HEAD}; {UPGRADE}")
    raise SchemaError(
        f"the database is at schema {found}, newer than {HEAD}; install a newer slotengine"
    )


def make_embedded(engine: Engine) -> None:
    """Makes or upgrades the schema of an embedded SQLite database, all of it or nothing."""
    with engine.connect() as connection:
        found = revision_of(connection, None)
        if found is not None and found not in REVISIONS:
            check_revision(connection, None)
        if found is None:
            # WAL stays in the file; asked outside a transaction, where alone it can be set.
            connection.rollback()
            connection.exec_driver_sql("PRAGMA journal_mode=WAL")
            connection.rollback()
    if found is None:
        with engine.connect() as connection, connection.begin():
            connection.exec_driver_sql("BEGIN IMMEDIATE")
            # Somebody else may have made it while this process waited for the lock.
            found = revision_of(connection, None)
            if found is None:
                create_all(connection, None)
                found = HEAD
    if found != HEAD:
        upgrade(engine, None)


def create_all(connection: Connection, schema: str | None) -> None:
    """Makes the tables without alembic and stamps them."""
    place = f'"{schema}".{VERSION_TABLE}' if schema else VERSION_TABLE
    connection = connection.execution_options(schema_translate_map={None: schema})
    tables_doors.metadata.create_all(connection, checkfirst=False)
    # The words of alembic's own version table, so that alembic finds nothing to change.
    connection.execute(
        text(
            f"CREATE TABLE {place} (version_num VARCHAR(32) NOT NULL, "
            f"CONSTRAINT {VERSION_TABLE}_pkc PRIMARY KEY (version_num))"
        )
    )
    connection.execute(
        text(f"INSERT INTO {place} (version_num) VALUES (:head)"),  # noqa: S608 (as above)
        {"head": HEAD},
    )


def _configured(connection: Connection, schema: str | None) -> Any:  # noqa: ANN401 (lazy import)
    from alembic.config import Config

    config = Config()
    location = Path(__file__).with_name("migrations")
    config.set_main_option("script_location", str(location).replace("%", "%%"))
    config.attributes["connection"] = connection
    config.attributes["schema"] = schema
    return config


def upgrade(engine: Engine, schema: str | None) -> None:
    """
    Brings the database to our revision with alembic, in one transaction.

    Two processes that upgrade at once wait for each other; the second finds nothing to do.
    """
    from alembic.util import CommandError

    def _run(run: Callable[[Any, str], None]) -> None:
        with engine.connect() as connection, connection.begin():
            if connection.dialect.name == "sqlite":
                if not in_transaction(connection):
                    connection.exec_driver_sql("BEGIN IMMEDIATE")
            else:
                connection.execute(text("SELECT pg_advisory_xact_lock(hashtext('slotengine'))"))
                if schema is not None:
                    connection.execute(CreateSchema(schema, if_not_exists=True))
            found = revision_of(connection, schema)
            if found is not None and found not in REVISIONS:
                check_revision(connection, schema)
            run(_configured(connection, schema), "head")

    from alembic import command

    try:
        _run(command.upgrade)
    except CommandError as refused:
        raise StoreError("the migrations of this installation are broken") from refused
