"""Opening, breaking, sharing and moving a store: files, hosts, pickles, errors."""

import pickle
import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from builders import NOW, policy, slot
from desk import Desk
from sqlalchemy import Column, Engine, Integer, MetaData, Table, create_engine, event, insert, text
from sqlalchemy.exc import IntegrityError

from slotengine import tables
from slotengine.codes import BookingStatus
from slotengine.errors import (
    DuplicateReferralError,
    InputError,
    ReferralConflictError,
    SlotTakenError,
    StoreBusyError,
    StoreError,
)
from slotengine.store import SqlStore
from slotengine.store_errors import PROMISES, constraint_of

HOST = Table("appointments", MetaData(), Column("id", Integer, primary_key=True))


@pytest.fixture
def ready_url(store: SqlStore, store_url: str) -> str:
    """A database with our schema, one doctor and one slot of one seat."""
    desk = Desk(store)
    desk.settle()
    desk.publish(slot())
    return store_url


def deferred(url: str) -> Engine:
    """A host's engine with SQLAlchemy's own recipe for SQLite transactions."""
    engine = create_engine(url)

    @event.listens_for(engine, "connect")
    def connect(connection: Any, _record: object) -> None:
        connection.isolation_level = None

    @event.listens_for(engine, "begin")
    def begin(connection: Any) -> None:
        connection.exec_driver_sql("BEGIN")

    return engine


@pytest.fixture(params=["plain", "recipe"])
def host(request: pytest.FixtureRequest, ready_url: str) -> Iterator[Engine]:
    if request.param == "recipe" and ready_url.startswith("sqlite"):
        engine = deferred(ready_url)
    else:
        engine = create_engine(ready_url)
    HOST.create(engine)
    yield engine
    engine.dispose()


def test_a_hosts_rollback_removes_the_booking(host: Engine, store: SqlStore) -> None:
    who = Desk(store).refer()
    with host.connect() as connection:
        connection.execute(insert(HOST), {"id": 1})
        held = Desk(SqlStore.bound(connection)).hold(who, slot())
        assert held.status is BookingStatus.HELD
        connection.rollback()
        assert connection.execute(HOST.select()).all() == []
    assert Desk(store).ask(lambda unit: unit.booking_of(who.id)) is None
    assert Desk(store).state(who) == "received"


def test_a_hosts_commit_keeps_its_row_and_the_booking(host: Engine, store: SqlStore) -> None:
    who = Desk(store).refer()
    with host.begin() as connection:
        held = Desk(SqlStore.bound(connection)).hold(who, slot())
        connection.execute(insert(HOST), {"id": 1})
    assert Desk(store).ask(lambda unit: unit.booking_of(who.id)) == held
    with host.connect() as connection:
        assert connection.execute(HOST.select()).all() == [(1,)]


def test_nothing_is_committed_before_the_host_commits(host: Engine, store: SqlStore) -> None:
    who = Desk(store).refer()
    with host.connect() as connection:
        Desk(SqlStore.bound(connection)).hold(who, slot())
        assert Desk(store).ask(lambda unit: unit.booking_of(who.id)) is None
        connection.commit()
    assert Desk(store).ask(lambda unit: unit.booking_of(who.id)) is not None


def test_a_lost_race_leaves_the_hosts_transaction_usable(host: Engine, store: SqlStore) -> None:
    desk = Desk(store)
    desk.hold(desk.refer("1"), slot())
    late = desk.refer("2")
    with host.begin() as connection:
        bound = Desk(SqlStore.bound(connection))
        connection.execute(insert(HOST), {"id": 1})
        with pytest.raises(SlotTakenError):
            bound.hold(late, slot())
        connection.execute(insert(HOST), {"id": 2})
        assert bound.publish(slot("slot2", after_minutes=300)) == {"slot2": "created"}
    with host.connect() as connection:
        assert len(connection.execute(HOST.select()).all()) == 2
    assert desk.ask(lambda unit: unit.slot("slot2")).id == "slot2"


def test_a_database_error_inside_a_hosts_transaction_leaves_it_usable(host: Engine) -> None:
    def break_a_rule(unit: Any) -> None:
        unit._connection.execute(
            insert(tables.patient), {"territory": "giennois", "patient_key": "ab", "used": -1}
        )

    with host.begin() as connection:
        connection.execute(insert(HOST), {"id": 1})
        with pytest.raises(StoreError, match="ck_slotengine_patient_used"):
            SqlStore.bound(connection).write(break_a_rule, now=NOW)
        connection.execute(insert(HOST), {"id": 2})
    with host.connect() as connection:
        assert len(connection.execute(HOST.select()).all()) == 2


def test_a_store_over_a_hosts_engine_writes_and_leaves_the_engine_open(
    host: Engine, store: SqlStore
) -> None:
    over = SqlStore.over(host)
    who = Desk(over).refer()
    Desk(over).hold(who, slot())
    over.close()
    with host.connect() as connection:
        assert connection.execute(HOST.select()).all() == []
    assert Desk(store).state(who) == "held"


def test_a_connection_that_commits_by_itself_is_refused(host: Engine) -> None:
    with (
        host.connect().execution_options(isolation_level="AUTOCOMMIT") as connection,
        pytest.raises(InputError, match="commits by itself"),
    ):
        SqlStore.bound(connection)


def test_a_store_pickles_by_its_url_and_a_bound_one_refuses(
    store: SqlStore, store_url: str, ready_url: str
) -> None:
    again = pickle.loads(pickle.dumps(store))  # noqa: S301 (our own bytes)
    assert Desk(again).ask(lambda unit: unit.territories()) == ("giennois",)
    again.close()
    engine = create_engine(ready_url)
    over = pickle.loads(pickle.dumps(SqlStore.over(engine)))  # noqa: S301 (our own bytes)
    assert Desk(over).ask(lambda unit: unit.territories()) == ("giennois",)
    over.close()
    with engine.connect() as connection, pytest.raises(StoreError, match="pickled"):
        pickle.dumps(SqlStore.bound(connection))
    with engine.connect() as connection, pytest.raises(StoreError, match="upgrade"):
        SqlStore.bound(connection).upgrade()
    engine.dispose()
    memory = SqlStore.open("sqlite://")
    with pytest.raises(StoreError, match="memory"):
        pickle.dumps(memory)
    memory.close()
    assert store_url == ready_url


def test_a_database_in_memory_is_shared_by_threads() -> None:
    memory = SqlStore.open("sqlite://")
    desk = Desk(memory)
    desk.settle()
    workers = [threading.Thread(target=desk.refer, args=(str(number),)) for number in range(8)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert desk.kinds() == ["referral.received"] * 8
    memory.close()


_COLUMNS = (
    "id, territory, referral_id, slot_id, seat, status, mode, held_until, told_at, version, "
    "patient_key, practitioner, starts_at, ends_at, day, effort"
)


@pytest.mark.parametrize(
    ("name", "constraint", "expected"),
    [
        ("seat", "uq_slotengine_booking_active_seat", SlotTakenError),
        ("referral", "uq_slotengine_booking_active_referral", DuplicateReferralError),
        (
            "reference",
            "uq_slotengine_referral_territory_source_reference",
            ReferralConflictError,
        ),
        ("cap", "ck_slotengine_practitioner_day_cap", SlotTakenError),
        ("effort", "ck_slotengine_practitioner_day_effort_cap", SlotTakenError),
        ("week", "ck_slotengine_practitioner_week_cap", SlotTakenError),
        ("week's effort", "ck_slotengine_practitioner_week_effort_cap", SlotTakenError),
    ],
)
@pytest.mark.usefixtures("ready_url")
def test_each_promise_leads_to_its_error_whoever_breaks_it(
    store: SqlStore, name: str, constraint: str, expected: type[Exception]
) -> None:
    """Statements that somebody writes beside the library meet the constraint itself."""
    desk = Desk(store)
    desk.hold(desk.refer("1"), slot())
    desk.refer("2")
    copied = {
        "seat": (
            f"INSERT INTO slotengine_booking ({_COLUMNS}) SELECT 'b-2', territory, "
            "(SELECT id FROM slotengine_referral WHERE reference = '2'), slot_id, seat, status, "
            "mode, held_until, told_at, version, patient_key, practitioner, starts_at, ends_at, "
            "day, effort FROM slotengine_booking"
        ),
        "referral": (
            f"INSERT INTO slotengine_booking ({_COLUMNS}) "
            "SELECT 'b-2', territory, referral_id, slot_id, 1, "
            "status, mode, held_until, told_at, version, patient_key, practitioner, starts_at, "
            "ends_at, day, effort FROM slotengine_booking"
        ),
        "reference": (
            "INSERT INTO slotengine_referral SELECT 'r-2', territory, source, reference, "
            "patient_key, priority, state, received_at, amended_at, digest, body, group_id, "
            "NULL, NULL "
            "FROM slotengine_referral WHERE reference = '1'"
        ),
        "cap": "UPDATE slotengine_practitioner_day SET cap = 0",
        "effort": "UPDATE slotengine_practitioner_day SET effort_cap = 0",
        "week": "UPDATE slotengine_practitioner_week SET cap = 0",
        "week's effort": "UPDATE slotengine_practitioner_week SET effort_cap = 0",
    }[name]
    with pytest.raises(expected) as refused:
        desk.do(lambda unit: unit._connection.execute(text(copied)))
    cause = refused.value.__cause__
    assert isinstance(cause, IntegrityError)
    assert constraint_of(cause) == constraint
    assert "parameters:" not in str(cause)


def test_every_promise_names_a_constraint_that_exists() -> None:
    names = {
        str(constraint.name)
        for table in tables.metadata.tables.values()
        for constraint in [*table.constraints, *table.indexes]
    }
    assert set(PROMISES) <= names


def test_a_sqlite_file_is_durable_and_keeps_foreign_keys(sqlite_url: str) -> None:
    store = SqlStore.open(sqlite_url)

    def pragmas(unit: Any) -> list[Any]:
        return [
            unit._connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        ]

    # synchronous 2 is FULL; the timeout is in milliseconds.
    assert store.read(pragmas, now=NOW) == ["wal", 2, 1, 2000]
    store.close()


def test_a_missing_folder_is_said_in_one_sentence(tmp_path: Path) -> None:
    store = SqlStore.open(f"sqlite:///{tmp_path / 'missing' / 'db.sqlite'}")
    with pytest.raises(StoreError, match="folder is missing"):
        Desk(store).kinds()


def test_a_file_that_is_no_database_is_left_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "letter.txt"
    path.write_text("Dear colleague, this is not a database at all." * 40)
    before = path.read_bytes()
    store = SqlStore.open(f"sqlite:///{path}")
    with pytest.raises(StoreError, match="is not a SQLite database"):
        Desk(store).settle()
    store.close()
    assert path.read_bytes() == before


def test_a_read_only_file_can_be_read_and_refuses_a_write(tmp_path: Path) -> None:
    path = tmp_path / "db.sqlite"
    writer = SqlStore.open(f"sqlite:///{path}")
    Desk(writer).settle()
    writer.close()
    reader = SqlStore.open(f"sqlite:///file:{path}?mode=ro&uri=true")
    desk = Desk(reader)
    assert desk.ask(lambda unit: unit.territories()) == ("giennois",)
    with pytest.raises(StoreError, match="is read-only; nothing was written"):
        desk.refer()
    reader.close()


def test_a_locked_file_is_busy_and_nothing_is_written(tmp_path: Path) -> None:
    path = tmp_path / "db.sqlite"
    store = SqlStore.open(f"sqlite:///{path}?timeout=0.01")
    desk = Desk(store)
    desk.settle()
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreBusyError, match="locked"):
        desk.refer()
    # A reader does not wait for a writer.
    assert desk.kinds() == []
    other.rollback()
    other.close()
    desk.refer()
    assert desk.kinds() == ["referral.received"]
    store.close()


def test_a_writer_waits_for_its_turn_and_leaves_the_timeout_as_it_was(sqlite_url: str) -> None:
    """It looks again in steps of its own; other statements wait as the connection says."""
    store = SqlStore.open(sqlite_url)
    desk = Desk(store)
    desk.settle()
    path = sqlite_url.removeprefix("sqlite:///")
    other = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")
    threading.Timer(0.05, other.rollback).start()
    waited = desk.do(lambda unit: unit._connection.exec_driver_sql("PRAGMA busy_timeout").scalar())
    assert waited == 2000
    other.close()
    store.close()


def test_a_work_that_conflicts_is_tried_again_and_then_given_up(store: SqlStore) -> None:
    """A deadlock's victim runs again; one that never wins is told so after five runs."""
    from sqlalchemy.exc import OperationalError

    class Deadlock(Exception):  # noqa: N818 (stands in for the driver's own)
        sqlstate = "40P01"

    runs: list[int] = []

    def lose(times: int) -> Any:
        def work(unit: Any) -> str:
            unit.save_policy(policy())
            runs.append(1)
            if len(runs) <= times:
                raise OperationalError("SELECT", {}, Deadlock())
            return "won"

        return work

    assert store.write(lose(4), now=NOW) == "won"
    assert len(runs) == 5
    runs.clear()
    with pytest.raises(StoreBusyError):
        store.write(lose(5), now=NOW)
    assert len(runs) == 5


@pytest.mark.parametrize(
    "url",
    ["", "nonsense", "mysql://u:secret@h/d", "sqlite+aiosqlite://", "postgresql+asyncpg://h/d"],
)
def test_a_url_of_no_known_database_is_refused_without_repeating_it(url: str) -> None:
    with pytest.raises(InputError) as refused:
        SqlStore.open(url)
    assert "secret" not in str(refused.value)


def test_an_unreachable_server_is_a_store_error_without_its_password() -> None:
    store = SqlStore.open("postgresql://u:secret@127.0.0.1:1/d?connect_timeout=2")
    with pytest.raises(StoreError, match="can't be reached") as refused:
        Desk(store).kinds()
    assert "secret" not in str(refused.value)
    store.close()


@pytest.mark.parametrize("schema", ["", "Care", 'x"; DROP', "1st", "x" * 64])
def test_a_schema_name_that_would_need_quoting_is_refused(schema: str) -> None:
    with pytest.raises(InputError, match="schema name"):
        SqlStore.open("postgresql://h/d", schema=schema)


def test_sqlite_has_no_schema() -> None:
    with pytest.raises(InputError, match="no schemas"):
        SqlStore.open("sqlite://", schema="care")
