"""
Keeps prices, promises, chances, and when slots and bookings came and ended.

What the feed of events still tells is filled in (when a slot was published, when a booking was
made, confirmed and ended); what it does not tell stays NULL: an invented instant would be learned
from. Written out, as the first revision: later tables don't change it.
"""

import json
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

BATCH = 500
"""Rows in one statement."""

AUDIENCE_BITS = {"PUBLIC": 1, "PRO": 2, "SNP": 4, "CPTS": 8}
DEFAULT_AUDIENCES = ("CPTS",)
"""A slot's where its body names none."""

STATES = "state IN ('open', 'withdrawn', 'handed_back')"
PROMISE_STATES = "state IN ('open', 'kept', 'given_up', 'broken')"
RELEASED = "released"
"""Why a booking was cancelled that its requester did not want."""

INSTANT, WHOLE, TEXT = sa.DateTime(timezone=True), sa.Integer(), sa.Text()
ID, TERRITORY, CODE, DIGEST = (sa.String(length=length) for length in (120, 60, 30, 32))

past = sa.MetaData()
"""Whole tables, not ``sa.table``: only these follow the map of schemas."""

event = sa.Table(
    "slotengine_event",
    past,
    *(sa.Column(name, TEXT) for name in ("kind", "slot", "referral", "booking", "why")),
    sa.Column("id", sa.BigInteger()),
    sa.Column("at", INSTANT),
)
slot = sa.Table(
    "slotengine_slot",
    past,
    *(sa.Column(name, TEXT) for name in ("id", "body")),
    sa.Column("published_at", INSTANT),
    sa.Column("audience_mask", WHOLE),
)
booking = sa.Table(
    "slotengine_booking",
    past,
    sa.Column("id", TEXT),
    *(sa.Column(name, INSTANT) for name in ("held_until", "made_at", "confirmed_at", "ended_at")),
    sa.Column("status", TEXT),
    sa.Column("turned_down", sa.Boolean()),
)
referral = sa.Table(
    "slotengine_referral",
    past,
    sa.Column("id", TEXT),
    sa.Column("closed_at", INSTANT),
)


def upgrade() -> None:
    """Adds tables and columns, and fills in what the events tell."""
    # First, and not only for queries: without it SQLite would read all bookings for each slot.
    _index("booking", "slot_id")
    _slots()
    _add("territory", sa.Column("price_set", ID), sa.Column("priced_at", INSTANT))
    _add("referral", sa.Column("first_in_line_at", INSTANT), sa.Column("closed_at", INSTANT))
    _index("referral", "territory", "received_at")
    _add(
        "booking",
        *(sa.Column(name, INSTANT) for name in ("made_at", "confirmed_at", "ended_at")),
        sa.Column("turned_down", sa.Boolean(), server_default=sa.false(), nullable=False),
    )
    _index("booking", "territory", "ended_at")
    _promises()
    _prices()
    _masks()
    _from_events()


def _add(table: str, *columns: sa.Column[Any]) -> None:
    # Alembic's own ALTERs don't follow the map of schemas that every other statement follows.
    schema = op.get_context().opts["version_table_schema"]
    for column in columns:
        op.add_column(f"slotengine_{table}", column, schema=schema)


def _index(table: str, *columns: str) -> None:
    op.create_index(
        op.f(f"ix_slotengine_{table}_{'_'.join(columns)}"), f"slotengine_{table}", list(columns)
    )


def _slots() -> None:
    if op.get_bind().dialect.name == "sqlite":
        _make_slots_again()
    else:
        schema = op.get_context().opts["version_table_schema"]
        name = op.f("ck_slotengine_slot_state")
        op.drop_constraint(name, "slotengine_slot", schema=schema)
        op.create_check_constraint(name, "slotengine_slot", STATES, schema=schema)
    _add(
        "slot",
        sa.Column("published_at", INSTANT),
        sa.Column("extra_capacity", WHOLE, server_default=sa.text("0"), nullable=False),
        sa.Column("audience_mask", WHOLE, server_default=sa.text("0"), nullable=False),
        sa.Column("handed_back", WHOLE, server_default=sa.text("0"), nullable=False),
        sa.Column("stands_for", ID),
    )
    _index("slot", "territory", "published_at")


def _make_slots_again() -> None:
    """
    Makes SQLite's table of slots again: it can't change a CHECK.

    Bookings refer to it all the while. Their foreign keys are asked at the end of the transaction,
    when every slot is back under its old name; a table that is renamed would not be counted.
    """
    op.execute("PRAGMA defer_foreign_keys = ON")
    op.execute("CREATE TABLE slotengine_slot_kept AS SELECT * FROM slotengine_slot")
    op.drop_table("slotengine_slot")
    op.create_table(
        "slotengine_slot",
        sa.Column("id", ID, nullable=False),
        sa.Column("territory", TERRITORY, nullable=False),
        sa.Column("practitioner", ID, nullable=False),
        sa.Column("site", ID, nullable=False),
        sa.Column("starts_at", INSTANT, nullable=False),
        sa.Column("ends_at", INSTANT, nullable=False),
        sa.Column("opens_at", INSTANT, nullable=True),
        sa.Column("capacity", WHOLE, nullable=False),
        sa.Column("state", CODE, nullable=False),
        sa.Column("version", WHOLE, nullable=False),
        sa.Column("body", TEXT, nullable=False),
        sa.CheckConstraint("ends_at > starts_at", name=op.f("ck_slotengine_slot_ordered")),
        sa.CheckConstraint(STATES, name=op.f("ck_slotengine_slot_state")),
        sa.ForeignKeyConstraint(
            ["territory", "practitioner"],
            ["slotengine_practitioner.territory", "slotengine_practitioner.id"],
            name=op.f("fk_slotengine_slot_slotengine_practitioner"),
        ),
        sa.ForeignKeyConstraint(
            ["territory", "site"],
            ["slotengine_site.territory", "slotengine_site.id"],
            name=op.f("fk_slotengine_slot_slotengine_site"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_slotengine_slot")),
    )
    op.execute("INSERT INTO slotengine_slot SELECT * FROM slotengine_slot_kept")
    op.execute("DROP TABLE slotengine_slot_kept")
    _index("slot", "territory", "starts_at")
    _index("slot", "practitioner", "starts_at")


def _promises() -> None:
    op.create_table(
        "slotengine_promise",
        sa.Column("territory", TERRITORY, nullable=False),
        sa.Column("referral_id", ID, nullable=False),
        sa.Column("made_at", INSTANT, nullable=False),
        sa.Column("before_at", INSTANT, nullable=False),
        sa.Column("within_metres", WHOLE, nullable=False),
        sa.Column("notice_microseconds", sa.BigInteger(), nullable=False),
        sa.Column("state", CODE, nullable=False),
        sa.Column("ended_at", INSTANT, nullable=True),
        sa.Column("why", TEXT, nullable=False),
        sa.CheckConstraint(PROMISE_STATES, name=op.f("ck_slotengine_promise_state")),
        sa.CheckConstraint(
            "(state = 'open') = (ended_at IS NULL)", name=op.f("ck_slotengine_promise_ended")
        ),
        sa.ForeignKeyConstraint(
            ["referral_id"],
            ["slotengine_referral.id"],
            name=op.f("fk_slotengine_promise_slotengine_referral"),
        ),
        sa.PrimaryKeyConstraint("referral_id", name=op.f("pk_slotengine_promise")),
    )
    _index("promise", "territory", "state")
    op.create_table(
        "slotengine_chance",
        sa.Column("territory", TERRITORY, nullable=False),
        sa.Column("referral_id", ID, nullable=False),
        sa.Column("raw", sa.Float(), nullable=False),
        sa.Column("stated", sa.Float(), nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.Column("before_at", INSTANT, nullable=True),
        sa.ForeignKeyConstraint(
            ["referral_id"],
            ["slotengine_referral.id"],
            name=op.f("fk_slotengine_chance_slotengine_referral"),
        ),
        sa.PrimaryKeyConstraint("referral_id", name=op.f("pk_slotengine_chance")),
    )
    _index("chance", "territory")


def _prices() -> None:
    op.create_table(
        "slotengine_price_set",
        sa.Column("territory", TERRITORY, nullable=False),
        sa.Column("id", ID, nullable=False),
        sa.Column("digest", DIGEST, nullable=False),
        sa.Column("policy_digest", DIGEST, nullable=False),
        sa.Column("problem_digest", DIGEST, nullable=False),
        sa.Column("forecast_digest", DIGEST, nullable=False),
        sa.Column("futures", WHOLE, nullable=False),
        sa.Column("seed", sa.BigInteger(), nullable=False),
        sa.Column("computed_at", INSTANT, nullable=False),
        sa.Column("valid_until", INSTANT, nullable=False),
        sa.Column("free_seats", WHOLE, nullable=False),
        sa.Column("expected", sa.Float(), nullable=False),
        sa.Column("days_seen", WHOLE, nullable=False),
        sa.PrimaryKeyConstraint("territory", "id", name=op.f("pk_slotengine_price_set")),
    )
    op.create_table(
        "slotengine_seat_price",
        sa.Column("territory", TERRITORY, nullable=False),
        sa.Column("price_set", ID, nullable=False),
        sa.Column("slot_id", ID, nullable=False),
        sa.Column("price", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("price >= 0", name=op.f("ck_slotengine_seat_price_price")),
        sa.ForeignKeyConstraint(
            ["territory", "price_set"],
            ["slotengine_price_set.territory", "slotengine_price_set.id"],
            name=op.f("fk_slotengine_seat_price_slotengine_price_set"),
        ),
        sa.PrimaryKeyConstraint(
            "territory", "price_set", "slot_id", name=op.f("pk_slotengine_seat_price")
        ),
    )


Row = dict[str, object]


def _set(table: sa.Table, rows: list[Row]) -> None:
    """Writes the rows, each with ``which``, the id, and the same columns as the others."""
    for at in range(0, len(rows), BATCH):
        op.get_bind().execute(
            sa.update(table).where(table.c.id == sa.bindparam("which")), rows[at : at + BATCH]
        )


def _masks() -> None:
    found = op.get_bind().execute(sa.select(slot.c.id, slot.c.body)).all()
    _set(
        slot,
        [
            {
                "which": row.id,
                "audience_mask": sum(
                    AUDIENCE_BITS[one]
                    for one in set(json.loads(row.body).get("audiences", DEFAULT_AUDIENCES))
                ),
            }
            for row in found
        ],
    )


def _events(*kinds: str) -> Iterator[sa.Row[tuple[str, ...]]]:
    yield from op.get_bind().execute(
        sa.select(event.c.kind, event.c.slot, event.c.referral, event.c.booking)
        .add_columns(event.c.at, event.c.why)
        .where(event.c.kind.in_(kinds))
        .order_by(event.c.id)
    )


def _from_events() -> None:
    published: dict[str, datetime] = {}
    for row in _events("slot.published"):
        published.setdefault(row.slot, row.at)
    _set(slot, [{"which": id_, "published_at": at} for id_, at in published.items()])
    closed = {row.referral: row.at for row in _events("referral.closed", "referral.refused")}
    _set(referral, [{"which": id_, "closed_at": at} for id_, at in closed.items()])
    steps = {
        "made_at": ("booking.promised", "booking.held"),
        "confirmed_at": ("booking.confirmed",),
        "ended_at": ("booking.cancelled", "booking.fulfilled", "booking.noshow"),
    }
    for column, kinds in steps.items():
        at = {row.booking: row.at for row in _events(*kinds)}
        _set(booking, [{"which": id_, column: instant} for id_, instant in at.items()])
    given_back = [row.booking for row in _events("booking.cancelled") if row.why == RELEASED]
    _set(booking, [{"which": id_, "turned_down": True} for id_ in given_back])
    # A hold ends when it runs out, not when somebody notices.
    op.get_bind().execute(
        sa.update(booking)
        .where(booking.c.status == "expired")
        .values(ended_at=booking.c.held_until, turned_down=True)
    )
