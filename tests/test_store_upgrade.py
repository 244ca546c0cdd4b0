"""A database of the first release, upgraded with everything that is in it."""

from pathlib import Path
from typing import Any

import pytest
from builders import NOW, patient, policy, practitioner, referral, site, slot
from desk import Desk
from sqlalchemy import Engine, create_engine, text

from slotengine import tables
from slotengine.errors import SlotTakenError
from slotengine.store import SqlStore, recount


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_url(request: pytest.FixtureRequest) -> str:
    wanted = "sqlite_url" if request.param == "sqlite" else "empty_postgres_url"
    url: str = request.getfixturevalue(wanted)
    return url


def at_first_revision(url: str) -> Engine:
    """A database as the first release made it."""
    from alembic import command
    from alembic.config import Config

    engine = create_engine(url)
    config = Config()
    location = Path(tables.__file__).with_name("migrations")
    config.set_main_option("script_location", str(location))
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
    return engine


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
