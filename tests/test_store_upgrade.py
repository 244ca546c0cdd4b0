"""A database of the first release, upgraded with everything that is in it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from builders import NOW, patient, policy, practitioner, referral, site, slot
from desk import Desk
from sqlalchemy import Engine, create_engine, text

from slotengine import tables
from slotengine.codes import SlotState
from slotengine.errors import SlotTakenError, StoreError
from slotengine.store import SqlStore, recount


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_url(request: pytest.FixtureRequest) -> str:
    wanted = "sqlite_url" if request.param == "sqlite" else "empty_postgres_url"
    url: str = request.getfixturevalue(wanted)
    return url


def at_first_revision(url: str) -> Engine:
    """A database as the first release made it."""
    engine = create_engine(url)
    migrate(engine, "0001")
    return engine


def migrate(engine: Engine, revision: str) -> None:
    from alembic import command
    from alembic.config import Config

    config = Config()
    location = Path(tables.__file__).with_name("migrations")
    config.set_main_option("script_location", str(location))
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, revision)


def _old_rows(engine: Engine) -> None:
    """
    Three visits of d1 in one week, as the first release wrote them.

    Monday 8 h Paris: promised, own practitioner, half of 30 minutes. Tuesday 18 h: fulfilled, at
    home, of a stranger, 20 minutes. Wednesday: cancelled.
    """
    at = "2026-11-{} {}:00.000000"
    visits = [
        ("1", "promised", "AMB", "23", "07:00", "07:30", 2, "d1", "g1"),
        ("2", "fulfilled", "HH", "24", "17:00", "17:20", 1, None, None),
        ("3", "cancelled", "AMB", "25", "07:00", "07:15", 1, "d1", None),
    ]
    rows: list[tuple[str, dict[str, Any]]] = [
        ("territory", {"territory": "giennois", "policy_digest": "p"}),
        (
            "policy",
            {
                "territory": "giennois",
                "digest": "p",
                "version": 1,
                "saved_at": at.format("22", "12:00"),
                "body": policy().model_dump_json(include={"territory", "timezone"}),
            },
        ),
        (
            "practitioner",
            {
                "territory": "giennois",
                "id": "d1",
                "cap": 2,
                "body": practitioner(max_bookings_per_day=2).model_dump_json(),
            },
        ),
        ("site", {"territory": "giennois", "id": "s1", "body": site().model_dump_json()}),
    ]
    for number, status, mode, day, start, end, capacity, own, group in visits:
        starts, ends = at.format(day, start), at.format(day, end)
        where = slot(
            f"slot{number}", after_minutes=0, capacity=capacity, modes=("AMB", "HH")
        ).replaced(start=f"{starts}Z", end=f"{ends}Z")
        who = referral(number, patient=patient(number, own_practitioner=own), group=group)
        rows += [
            (
                "slot",
                {
                    "id": where.id,
                    "territory": "giennois",
                    "practitioner": "d1",
                    "site": "s1",
                    "starts_at": starts,
                    "ends_at": ends,
                    "capacity": capacity,
                    "state": "open",
                    "version": 1,
                    "body": where.model_dump_json(exclude={"state", "version"}),
                },
            ),
            (
                "referral",
                {
                    "id": who.id,
                    "territory": "giennois",
                    "source": "pharmacy",
                    "reference": number,
                    "patient_key": who.patient.key,
                    "priority": "urgent",
                    "state": "promised" if status == "promised" else "closed",
                    "received_at": starts,
                    "digest": "d",
                    # The first release knew neither pathways nor steps.
                    "body": who.model_dump_json(exclude={"state", "pathway", "step"}),
                },
            ),
            (
                "booking",
                {
                    "id": f"b{number}",
                    "territory": "giennois",
                    "referral_id": who.id,
                    "slot_id": where.id,
                    "seat": 0,
                    "status": status,
                    "mode": mode,
                    "version": 1,
                    "patient_key": who.patient.key,
                    "practitioner": "d1",
                    "starts_at": starts,
                    "ends_at": ends,
                    "day": f"2026-11-{day}",
                },
            ),
            (
                "patient",
                {
                    "territory": "giennois",
                    "patient_key": who.patient.key,
                    "used": int(status == "promised"),
                },
            ),
            (
                "practitioner_day",
                {
                    "territory": "giennois",
                    "practitioner": "d1",
                    "day": f"2026-11-{day}",
                    "used": int(status == "promised"),
                    "cap": 2,
                },
            ),
        ]
    with engine.begin() as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(text("SET TIME ZONE 'UTC'"))
        for table, row in rows:
            names = ", ".join(row)
            values = ", ".join(f":{name}" for name in row)
            connection.execute(
                text(f"INSERT INTO slotengine_{table} ({names}) VALUES ({values})"), row
            )


def test_a_database_of_the_first_release_is_upgraded_with_what_is_in_it(empty_url: str) -> None:
    """15 min own practitioner: 15. 20 min at home, first visit, at 18 h: 20 * 2.75 = 55."""
    engine = at_first_revision(empty_url)
    _old_rows(engine)
    store = SqlStore.open(empty_url)
    if engine.dialect.name == "postgresql":
        store.upgrade()
    desk = Desk(store)
    assert desk.ask(lambda unit: unit.territories()) == ("giennois",)
    with engine.connect() as connection:
        assert recount(connection) == {}
        efforts = connection.execute(
            text("SELECT id, effort FROM slotengine_booking ORDER BY id")
        ).all()
        assert [tuple(row) for row in efforts] == [("b1", 15), ("b2", 55), ("b3", 15)]
        weeks = connection.execute(
            text("SELECT used, effort FROM slotengine_practitioner_week")
        ).all()
        assert [tuple(row) for row in weeks] == [(2, 70)]
        days = connection.execute(
            text("SELECT used, effort FROM slotengine_practitioner_day ORDER BY day")
        ).all()
        assert [tuple(row) for row in days] == [(1, 15), (1, 55)]
        groups = connection.scalars(
            text("SELECT group_id FROM slotengine_referral ORDER BY reference")
        ).all()
        assert groups == ["g1", None, None]
    desk.end(desk.ask(lambda unit: unit.booking("b1")), now=NOW)
    with engine.connect() as connection:
        assert recount(connection) == {}
        assert connection.scalar(text("SELECT effort FROM slotengine_practitioner_week")) == 55
    store.close()
    engine.dispose()


def test_an_upgraded_file_keeps_the_rules_of_a_new_one(sqlite_url: str) -> None:
    engine = at_first_revision(sqlite_url)
    _old_rows(engine)
    engine.dispose()
    store = SqlStore.open(sqlite_url)
    desk = Desk(store)
    desk.do(lambda unit: unit.put_practitioners([practitioner(max_bookings_per_week=2)]))
    new = slot("new", after_minutes=240)
    desk.publish(new)
    with pytest.raises(SlotTakenError, match="week is full"):
        desk.hold(desk.refer("4"), new)
    store.close()


def _second_rows(engine: Engine) -> None:
    """
    What the second release added: a feed, a hold that ran out and one that was released.

    Slots 1 and 2 have an event of their publication, slot 3 has none; slot 2 was changed later.
    """
    events = [
        ("slot.published", "09:00", "slot1", None, None, ""),
        ("slot.published", "09:01", "slot2", None, None, ""),
        ("slot.changed", "09:02", "slot2", None, None, ""),
        ("booking.promised", "09:10", "slot1", "b1", "1", "planned"),
        ("booking.held", "09:11", "slot2", "b2", "2", ""),
        ("booking.confirmed", "09:12", "slot2", "b2", "2", ""),
        ("booking.fulfilled", "09:13", "slot2", "b2", "2", ""),
        ("referral.closed", "09:13", None, None, "2", ""),
        ("booking.held", "09:14", "slot3", "b3", "3", ""),
        ("booking.cancelled", "09:15", "slot3", "b3", "3", "ill"),
        ("booking.held", "09:20", "slot3", "b4", "3", ""),
        ("booking.expired", "09:50", "slot3", "b4", "3", "the hold ran out"),
        ("booking.held", "10:00", "slot3", "b5", "3", ""),
        ("booking.cancelled", "10:01", "slot3", "b5", "3", "released"),
    ]
    with engine.begin() as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(text("SET TIME ZONE 'UTC'"))
        for id_, status, until in (("b4", "expired", "09:25"), ("b5", "cancelled", "10:05")):
            connection.execute(
                text(
                    "INSERT INTO slotengine_booking (id, territory, referral_id, slot_id, seat, "
                    "status, mode, held_until, version, patient_key, practitioner, starts_at, "
                    "ends_at, day, effort) SELECT :id, territory, referral_id, slot_id, seat, "
                    ":status, mode, :until, 2, patient_key, practitioner, starts_at, ends_at, day, "
                    "effort FROM slotengine_booking WHERE id = 'b3'"
                ),
                {"id": id_, "status": status, "until": _at(until)},
            )
        for kind, at, slot_id, booking, reference, why in events:
            who = None if reference is None else referral(reference).id
            connection.execute(
                text(
                    "INSERT INTO slotengine_event "
                    "(xid, territory, at, kind, referral, slot, booking, why) "
                    "VALUES (0, 'giennois', :at, :kind, :who, :slot, :booking, :why)"
                ),
                {
                    "at": _at(at),
                    "kind": kind,
                    "who": who,
                    "slot": slot_id,
                    "booking": booking,
                    "why": why,
                },
            )


def _at(clock: str) -> str:
    return f"2026-11-20 {clock}:00.000000"


def _clock(instant: Any) -> str | None:
    """Hours and minutes of an instant as either driver gives it."""
    return None if instant is None else str(instant)[11:16]


def _told(engine: Engine, sql: str) -> list[tuple[Any, ...]]:
    with engine.connect() as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(text("SET TIME ZONE 'UTC'"))
        return [tuple(row) for row in connection.execute(text(sql))]


@pytest.fixture
def second(empty_url: str) -> Iterator[Engine]:
    """A database of the second release, upgraded with everything that is in it."""
    engine = at_first_revision(empty_url)
    _old_rows(engine)
    migrate(engine, "0002")
    _second_rows(engine)
    store = SqlStore.open(empty_url)
    store.upgrade()
    store.close()
    yield engine
    engine.dispose()


def test_a_slot_knows_when_it_was_published_where_an_event_tells(second: Engine) -> None:
    rows = _told(
        second,
        "SELECT id, published_at, audience_mask, extra_capacity, handed_back, "
        "stands_for, state, version FROM slotengine_slot ORDER BY id",
    )
    assert [(id_, _clock(at), *rest) for id_, at, *rest in rows] == [
        ("slot1", "09:00", 8, 0, 0, None, "open", 1),
        ("slot2", "09:01", 8, 0, 0, None, "open", 1),
        ("slot3", None, 8, 0, 0, None, "open", 1),
    ]


def test_a_booking_knows_what_became_of_it_where_an_event_tells(second: Engine) -> None:
    rows = _told(
        second,
        "SELECT id, made_at, confirmed_at, ended_at, turned_down FROM slotengine_booking "
        "ORDER BY id",
    )
    assert [(id_, *map(_clock, at), bool(down)) for id_, *at, down in rows] == [
        ("b1", "09:10", None, None, False),
        ("b2", "09:11", "09:12", "09:13", False),
        ("b3", "09:14", None, "09:15", False),
        # It ended when it ran out, half an hour before somebody noticed.
        ("b4", "09:20", None, "09:25", True),
        ("b5", "10:00", None, "10:01", True),
    ]
    closed = _told(second, "SELECT closed_at FROM slotengine_referral ORDER BY reference")
    assert [_clock(at) for (at,) in closed] == [None, "09:13", None]


def test_bookings_still_lean_on_the_slots_that_were_made_again(
    second: Engine, empty_url: str
) -> None:
    """On SQLite the table of slots is made anew: nothing is lost and nothing hangs loose."""
    if second.dialect.name == "sqlite":
        assert _told(second, "PRAGMA foreign_key_check") == []
        assert _told(second, "PRAGMA integrity_check") == [("ok",)]
        named = _told(second, "SELECT sql FROM sqlite_master WHERE sql LIKE '%slot_kept%'")
        assert named == []
    store = SqlStore.open(empty_url)
    desk = Desk(store)
    (one,) = desk.ask(lambda unit: unit.seated("referral", [referral("1").id]))
    assert (one.booking.id, one.slot.id) == ("b1", "slot1")
    with pytest.raises(StoreError, match="refused a row"):
        desk.do(
            lambda unit: unit._connection.execute(  # type: ignore[attr-defined] # behind the port
                text("DELETE FROM slotengine_slot WHERE id = 'slot1'")
            )
        )
    assert desk.do(lambda unit: unit.hand_back("slot3", why="empty")) == 1
    assert desk.ask(lambda unit: unit.slot("slot3")).state is SlotState.HANDED_BACK
    with second.connect() as connection:
        assert recount(connection) == {}
    store.close()
