"""The schema's version: made, migrated, refused, and at peace with a host's own alembic."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from builders import NOW
from desk import Desk
from sqlalchemy import (
    Column,
    Connection,
    Engine,
    Integer,
    MetaData,
    Table,
    create_engine,
    inspect,
    text,
)

from slotengine import tables
from slotengine.errors import SchemaError
from slotengine.store import SqlStore, include_object
from slotengine.store_schema import create_all


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_url(request: pytest.FixtureRequest) -> str:
    wanted = "sqlite_url" if request.param == "sqlite" else "empty_postgres_url"
    url: str = request.getfixturevalue(wanted)
    return url


def upgraded(url: str, schema: str | None = None) -> None:
    store = SqlStore.open(url, schema=schema)
    store.upgrade()
    store.close()


def _as_text(options: dict[str, Any]) -> dict[str, str]:
    # SQLite's reflection gives the WHERE of a partial index as a clause object.
    return {key: str(value) for key, value in options.items()}


def schema_of(engine: Engine, schema: str | None = None) -> dict[str, Any]:
    """Everything that the database itself tells about our tables."""
    inspector = inspect(engine)
    found: dict[str, Any] = {}
    for name in sorted(inspector.get_table_names(schema=schema)):
        found[name] = {
            "columns": [
                {**column, "type": str(column["type"])}
                for column in inspector.get_columns(name, schema=schema)
            ],
            "key": inspector.get_pk_constraint(name, schema=schema),
            "foreign": sorted(map(str, inspector.get_foreign_keys(name, schema=schema))),
            "unique": sorted(map(str, inspector.get_unique_constraints(name, schema=schema))),
            "checks": sorted(map(str, inspector.get_check_constraints(name, schema=schema))),
            "indexes": sorted(
                str({**index, "dialect_options": _as_text(index.get("dialect_options", {}))})
                for index in inspector.get_indexes(name, schema=schema)
            ),
        }
    return found


def without_schema(found: Any, schema: str) -> Any:
    if isinstance(found, dict):
        return {key: without_schema(value, schema) for key, value in found.items()}
    if isinstance(found, list):
        return [without_schema(value, schema) for value in found]
    return found.replace(f"{schema}.", "").replace(schema, "") if isinstance(found, str) else found


def test_the_tables_and_the_migrations_give_the_same_schema(empty_url: str, tmp_path: Path) -> None:
    upgraded(empty_url)
    migrated = create_engine(empty_url)
    if migrated.dialect.name == "sqlite":
        made = create_engine(f"sqlite:///{tmp_path / 'made.sqlite'}")
        with made.begin() as connection:
            create_all(connection, None)
        assert schema_of(made) == schema_of(migrated)
    else:
        # The same server: each in a schema of its own, so that only the way differs.
        upgraded(empty_url, "migrated")
        made = create_engine(empty_url)
        with made.begin() as connection:
            connection.execute(text("CREATE SCHEMA by_hand"))
            create_all(connection, "by_hand")
        assert without_schema(schema_of(made, "by_hand"), "by_hand") == without_schema(
            schema_of(migrated, "migrated"), "migrated"
        )
        assert len(schema_of(made, "by_hand")) == len(tables.metadata.tables) + 1
    with migrated.connect() as connection:
        context = MigrationContext.configure(
            connection, opts={"version_table": tables.VERSION_TABLE}
        )
        assert compare_metadata(context, tables.metadata) == []
    made.dispose()
    migrated.dispose()


def test_every_table_is_ours_by_name_and_every_row_has_a_territory() -> None:
    for table in tables.metadata.tables.values():
        assert table.name.startswith("slotengine_")
        assert not table.c.territory.nullable
        for constraint in [*table.constraints, *table.indexes]:
            assert constraint.name is not None


def test_upgrading_twice_changes_nothing(empty_url: str) -> None:
    store = SqlStore.open(empty_url)
    store.upgrade()
    Desk(store).settle()
    store.upgrade()
    assert Desk(store).ask(lambda unit: unit.territories()) == ("giennois",)
    store.close()


def test_postgresql_is_never_made_by_itself(empty_postgres_url: str) -> None:
    store = SqlStore.open(empty_postgres_url)
    with pytest.raises(SchemaError, match="slotengine db upgrade"):
        Desk(store).kinds()
    store.upgrade()
    assert Desk(store).kinds() == []
    store.close()


def test_a_hosts_engine_is_never_upgraded_by_itself(empty_url: str) -> None:
    engine = create_engine(empty_url)
    store = SqlStore.over(engine)
    with pytest.raises(SchemaError, match="slotengine db upgrade"):
        Desk(store).kinds()
    assert inspect(engine).get_table_names() == []
    store.upgrade()
    assert Desk(store).kinds() == []
    engine.dispose()


def set_revision(url: str, revision: str) -> None:
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.execute(
            text(f"UPDATE {tables.VERSION_TABLE} SET version_num = :to"), {"to": revision}
        )
    engine.dispose()


def test_a_newer_schema_is_refused_and_left_as_it_is(empty_url: str) -> None:
    upgraded(empty_url)
    set_revision(empty_url, "9999")
    store = SqlStore.open(empty_url)
    for use in (lambda: Desk(store).kinds(), lambda: Desk(store).settle(), store.upgrade):
        with pytest.raises(SchemaError, match="9999, newer"):
            use()
    store.close()


def test_an_older_schema_is_refused_where_it_is_not_ours_to_upgrade(empty_url: str) -> None:
    upgraded(empty_url)
    set_revision(empty_url, "0001")
    engine = create_engine(empty_url)
    with pytest.raises(SchemaError, match="0001, older than 0004"):
        Desk(SqlStore.over(engine)).kinds()
    engine.dispose()


def test_a_fresh_embedded_file_does_without_alembic(sqlite_url: str) -> None:
    code = (
        "import sys; from datetime import UTC, datetime; from slotengine.store import SqlStore\n"
        f"store = SqlStore.open({sqlite_url!r})\n"
        "store.read(lambda unit: unit.territories(), now=datetime.now(UTC))\n"
        "sys.exit('alembic' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_schema_of_its_own_holds_every_table(empty_postgres_url: str) -> None:
    store = SqlStore.open(empty_postgres_url, schema="care")
    store.upgrade()
    desk = Desk(store)
    desk.settle()
    desk.publish()
    engine = create_engine(empty_postgres_url)
    assert inspect(engine).get_table_names() == []
    assert set(inspect(engine).get_table_names(schema="care")) == {
        *tables.metadata.tables,
        tables.VERSION_TABLE,
    }
    assert desk.ask(lambda unit: unit.territories()) == ("giennois",)
    engine.dispose()
    store.close()


def test_a_hosts_statements_keep_their_own_schema_beside_ours(empty_postgres_url: str) -> None:
    store = SqlStore.open(empty_postgres_url, schema="care")
    store.upgrade()
    store.close()
    host = Table("slots", MetaData(), Column("id", Integer, primary_key=True))
    engine = create_engine(empty_postgres_url)
    with engine.begin() as connection:
        host.create(connection)
        Desk(SqlStore.bound(connection, schema="care")).settle()
        connection.execute(host.insert(), {"id": 1})
        assert connection.scalar(host.select()) == 1
    assert inspect(engine).get_table_names() == ["slots"]
    engine.dispose()


def _host_differences(connection: Connection, metadata: MetaData, **options: Any) -> list[Any]:
    context = MigrationContext.configure(connection, opts=options)
    found: list[Any] = compare_metadata(context, metadata)
    return found


def test_a_hosts_alembic_leaves_our_tables_and_sees_its_own(empty_url: str) -> None:
    upgraded(empty_url)
    metadata = MetaData()
    Table("slots", metadata, Column("id", Integer, primary_key=True))
    Table("doctors", metadata, Column("id", Integer, primary_key=True))
    engine = create_engine(empty_url)
    with engine.begin() as connection:
        metadata.tables["slots"].create(connection)
    with engine.connect() as connection:
        blind = _host_differences(connection, metadata)
        assert "remove_table" in {kind for kind, *_ in blind}
        seen = _host_differences(connection, metadata, include_object=include_object)
    assert [(kind, table.name) for kind, table in seen] == [("add_table", "doctors")]
    engine.dispose()


def test_two_upgrades_at_once_make_one_schema(empty_url: str) -> None:
    code = f"from slotengine.store import SqlStore; SqlStore.open({empty_url!r}).upgrade()"
    running = [subprocess.Popen([sys.executable, "-c", code]) for _ in range(2)]
    assert [process.wait() for process in running] == [0, 0]
    store = SqlStore.open(empty_url)
    assert store.read(lambda unit: unit.territories(), now=NOW) == ()
    store.close()


def test_the_migrations_have_one_head_and_it_is_the_last_revision() -> None:
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    config = Config()
    location = Path(tables.__file__).with_name("migrations")
    config.set_main_option("script_location", str(location))
    script = ScriptDirectory.from_config(config)
    assert script.get_heads() == [tables.REVISIONS[-1]]
    listed = [revision.revision for revision in script.walk_revisions()]
    assert tuple(reversed(listed)) == tables.REVISIONS
