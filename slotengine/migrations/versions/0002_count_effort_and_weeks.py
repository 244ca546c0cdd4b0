"""
Counts effort and weeks: what a booking costs its practitioner, on the day's and the week's row.

Counters are made again from the bookings: until here a day counted only what was still to come,
from here on also what took place. Written out, as the first revision: later tables don't change it.
"""

import json
from collections import Counter
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from alembic import op
from sqlalchemy.types import TypeEngine

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

BATCH = 500
"""Rows in one statement."""

COUNTED = ("promised", "held", "confirmed", "fulfilled", "noshow")
ZONE = "Europe/Paris"
"""A territory's zone where its policy names none."""

FULL, FIRST_VISIT, HOME_VISIT, LATE, LATE_FROM = 100, 50, 100, 25, time(18)
"""Percent and local time: the effort that every policy has that was written before effort was."""

past = sa.MetaData()
"""Whole tables, not ``sa.table``: only these follow the map of schemas."""


def _table(name: str, *columns: tuple[str, TypeEngine[Any]]) -> sa.Table:
    return sa.Table(name, past, *(sa.Column(column, type_) for column, type_ in columns))


TEXT, WHOLE, DAY = sa.String(), sa.Integer(), sa.Date()
INSTANT = sa.DateTime(timezone=True)

booking = _table(
    "slotengine_booking",
    *((name, TEXT) for name in ("id", "territory", "referral_id", "slot_id", "status", "mode")),
    ("practitioner", TEXT),
    ("day", DAY),
    ("effort", WHOLE),
)
slot = _table(
    "slotengine_slot",
    ("id", TEXT),
    ("territory", TEXT),
    ("capacity", WHOLE),
    ("starts_at", INSTANT),
    ("ends_at", INSTANT),
)
referral = _table("slotengine_referral", *((name, TEXT) for name in ("id", "body", "group_id")))
policy = _table("slotengine_policy", *((name, TEXT) for name in ("territory", "digest", "body")))
territory = _table(
    "slotengine_territory", *((name, TEXT) for name in ("territory", "policy_digest"))
)
counters = {
    period: _table(
        f"slotengine_practitioner_{period}",
        ("territory", TEXT),
        ("practitioner", TEXT),
        (period, DAY),
        ("used", WHOLE),
        ("effort", WHOLE),
    )
    for period in ("day", "week")
}


def upgrade() -> None:
    """Adds what is counted and counts it."""
    # Alembic's own ALTERs don't follow the map of schemas that every other statement follows.
    schema = op.get_context().opts["version_table_schema"]
    op.add_column(
        "slotengine_booking",
        sa.Column("effort", sa.Integer(), server_default=sa.text("0"), nullable=False),
        schema=schema,
    )
    op.create_index(
        op.f("ix_slotengine_booking_practitioner_starts_at"),
        "slotengine_booking",
        ["practitioner", "starts_at"],
    )
    op.add_column(
        "slotengine_referral",
        sa.Column("group_id", sa.String(length=120), nullable=True),
        schema=schema,
    )
    op.create_index(
        op.f("ix_slotengine_referral_group_id"), "slotengine_referral", ["group_id"], unique=False
    )
    # A practitioner's limits are read from the body: there are four of them by now.
    op.drop_column("slotengine_practitioner", "cap", schema=schema)
    op.drop_table("slotengine_practitioner_day")
    for period in counters:
        _make_counter(period)
    _group()
    _count(_efforts())


def _make_counter(period: str) -> None:
    name = f"slotengine_practitioner_{period}"
    op.create_table(
        name,
        sa.Column("territory", sa.String(length=60), nullable=False),
        sa.Column("practitioner", sa.String(length=120), nullable=False),
        sa.Column(period, sa.Date(), nullable=False),
        sa.Column("used", sa.Integer(), nullable=False),
        sa.Column("cap", sa.Integer(), nullable=True),
        sa.Column("effort", sa.Integer(), nullable=False),
        sa.Column("effort_cap", sa.Integer(), nullable=True),
        sa.CheckConstraint("cap IS NULL OR used <= cap", name=op.f(f"ck_{name}_cap")),
        sa.CheckConstraint("used >= 0", name=op.f(f"ck_{name}_used")),
        sa.CheckConstraint(
            "effort_cap IS NULL OR effort <= effort_cap", name=op.f(f"ck_{name}_effort_cap")
        ),
        sa.CheckConstraint("effort >= 0", name=op.f(f"ck_{name}_effort")),
        sa.PrimaryKeyConstraint("practitioner", period, name=op.f(f"pk_{name}")),
    )


def _batches(rows: list[dict[str, object]]) -> list[list[dict[str, object]]]:
    return [rows[at : at + BATCH] for at in range(0, len(rows), BATCH)]


def _group() -> None:
    """Copies a referral's group out of its body, so that its siblings can be found."""
    connection = op.get_bind()
    grouped: list[dict[str, object]] = [
        {"which": row.id, "group_id": group}
        for row in connection.execute(sa.select(referral.c.id, referral.c.body))
        if (group := json.loads(row.body).get("group")) is not None
    ]
    for rows in _batches(grouped):
        connection.execute(sa.update(referral).where(referral.c.id == sa.bindparam("which")), rows)


def _zones() -> dict[str, ZoneInfo]:
    return {
        row.territory: ZoneInfo(json.loads(row.body).get("timezone", ZONE))
        for row in op.get_bind().execute(
            sa.select(policy.c.territory, policy.c.body).join(
                territory,
                sa.and_(
                    territory.c.territory == policy.c.territory,
                    territory.c.policy_digest == policy.c.digest,
                ),
            )
        )
    }


def _utc(instant: datetime) -> datetime:
    return instant.replace(tzinfo=UTC) if instant.tzinfo is None else instant


def _efforts() -> list[tuple[str, str, date, int]]:
    """Writes each booking's effort; gives territory, practitioner, day and effort to count."""
    connection = op.get_bind()
    zones = _zones()
    counted = []
    efforts: list[dict[str, object]] = []
    for row in connection.execute(
        sa.select(
            *(booking.c[name] for name in ("id", "status", "mode", "practitioner", "day")),
            *(slot.c[name] for name in ("starts_at", "ends_at", "capacity")),
            booking.c.territory,
            slot.c.territory.label("owner"),
            referral.c.body,
        )
        .join(slot, slot.c.id == booking.c.slot_id)
        .join(referral, referral.c.id == booking.c.referral_id)
    ):
        start = _utc(row.starts_at)
        seat = -((start - _utc(row.ends_at)) // (timedelta(minutes=1) * row.capacity))
        own = json.loads(row.body)["patient"].get("own_practitioner")
        local = start.astimezone(zones.get(row.owner, ZoneInfo(ZONE))).time()
        percent = (
            FULL
            + (own != row.practitioner) * FIRST_VISIT
            + (row.mode == "HH") * HOME_VISIT
            + (local >= LATE_FROM) * LATE
        )
        effort = -(-seat * percent // FULL)
        efforts.append({"which": row.id, "effort": effort})
        if row.status in COUNTED:
            counted.append((row.territory, row.practitioner, row.day, effort))
    for rows in _batches(efforts):
        connection.execute(sa.update(booking).where(booking.c.id == sa.bindparam("which")), rows)
    return counted


def _count(bookings: list[tuple[str, str, date, int]]) -> None:
    for period, counter in counters.items():
        used: Counter[tuple[str, date]] = Counter()
        spent: Counter[tuple[str, date]] = Counter()
        owner: dict[tuple[str, date], str] = {}
        for name, practitioner, day, effort in bookings:
            when = day if period == "day" else day - timedelta(days=day.weekday())
            used[practitioner, when] += 1
            spent[practitioner, when] += effort
            owner[practitioner, when] = name
        counted: list[dict[str, object]] = [
            {
                "territory": owner[key],
                "practitioner": key[0],
                period: key[1],
                "used": used[key],
                "effort": spent[key],
            }
            for key in sorted(used)
        ]
        for rows in _batches(counted):
            op.get_bind().execute(sa.insert(counter), rows)
