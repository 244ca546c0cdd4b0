"""
The first schema: territories, supply, referrals, bookings, counters, events, plans.

Written out, not imported from ``slotengine.tables``: a migration must stay what it was when the
tables move on. Down again there is no way: a host that goes back restores its backup.
"""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Makes every table."""
    op.create_table(
        "slotengine_event",
        sa.Column(
            "id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=True,
            nullable=False,
        ),
        sa.Column("xid", sa.BigInteger(), nullable=False),
        sa.Column("territory", sa.String(length=60), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("kind", sa.String(length=64), nullable=False),
        sa.Column("actor_role", sa.String(length=30), nullable=True),
        sa.Column("actor_id", sa.String(length=120), nullable=True),
        sa.Column("referral", sa.String(length=120), nullable=True),
        sa.Column("slot", sa.String(length=120), nullable=True),
        sa.Column("booking", sa.String(length=120), nullable=True),
        sa.Column("why", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_slotengine_event")),
        sqlite_autoincrement=True,
    )
    op.create_index(
        op.f("ix_slotengine_event_xid_id"), "slotengine_event", ["xid", "id"], unique=False
    )
    op.create_table(
        "slotengine_patient",
        sa.Column("territory", sa.String(length=60), nullable=False),
        sa.Column("patient_key", sa.String(length=64), nullable=False),
        sa.Column("used", sa.Integer(), nullable=False),
        sa.CheckConstraint("used >= 0", name=op.f("ck_slotengine_patient_used")),
        sa.PrimaryKeyConstraint("patient_key", name=op.f("pk_slotengine_patient")),
    )
    op.create_table(
        "slotengine_plan",
        sa.Column(
            "id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=True,
            nullable=False,
        ),
        sa.Column("territory", sa.String(length=60), nullable=False),
        sa.Column("digest", sa.String(length=32), nullable=False),
        sa.Column("as_of", sa.DateTime(timezone=True), nullable=False),
        sa.Column("committed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("problem_digest", sa.String(length=32), nullable=False),
        sa.Column("policy_version", sa.Integer(), nullable=False),
        sa.Column("policy_digest", sa.String(length=32), nullable=False),
        sa.Column("travel_name", sa.Text(), nullable=False),
        sa.Column("seed", sa.BigInteger(), nullable=False),
        sa.Column("objective", sa.Text(), nullable=False),
        sa.Column("bound", sa.Text(), nullable=False),
        sa.Column("proved_levels", sa.Integer(), nullable=False),
        sa.Column("seconds", sa.Float(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_slotengine_plan")),
        sqlite_autoincrement=True,
    )
    op.create_index(
        op.f("ix_slotengine_plan_territory_committed_at"),
        "slotengine_plan",
        ["territory", "committed_at"],
        unique=False,
    )
    op.create_table(
        "slotengine_policy",
        sa.Column("territory", sa.String(length=60), nullable=False),
        sa.Column("digest", sa.String(length=32), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("saved_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("territory", "digest", name=op.f("pk_slotengine_policy")),
    )
    op.create_table(
        "slotengine_practitioner",
        sa.Column("territory", sa.String(length=60), nullable=False),
        sa.Column("id", sa.String(length=120), nullable=False),
        sa.Column("cap", sa.Integer(), nullable=True),
        sa.Column("body", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("territory", "id", name=op.f("pk_slotengine_practitioner")),
    )
    op.create_index(
        op.f("ix_slotengine_practitioner_id"), "slotengine_practitioner", ["id"], unique=False
    )
    op.create_table(
        "slotengine_practitioner_day",
        sa.Column("territory", sa.String(length=60), nullable=False),
        sa.Column("practitioner", sa.String(length=120), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("used", sa.Integer(), nullable=False),
        sa.Column("cap", sa.Integer(), nullable=True),
        sa.CheckConstraint(
            "cap IS NULL OR used <= cap", name=op.f("ck_slotengine_practitioner_day_cap")
        ),
        sa.CheckConstraint("used >= 0", name=op.f("ck_slotengine_practitioner_day_used")),
        sa.PrimaryKeyConstraint("practitioner", "day", name=op.f("pk_slotengine_practitioner_day")),
    )
    op.create_table(
        "slotengine_referral",
        sa.Column("id", sa.String(length=120), nullable=False),
        sa.Column("territory", sa.String(length=60), nullable=False),
        sa.Column("source", sa.String(length=30), nullable=False),
        sa.Column("reference", sa.String(length=200), nullable=False),
        sa.Column("patient_key", sa.String(length=64), nullable=False),
        sa.Column("priority", sa.String(length=30), nullable=False),
        sa.Column("state", sa.String(length=30), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("amended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("digest", sa.String(length=32), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.CheckConstraint(
            "state IN ('received', 'waiting', 'promised', 'held', 'booked', 'closed', 'refused')",
            name=op.f("ck_slotengine_referral_state"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_slotengine_referral")),
        sa.UniqueConstraint(
            "territory",
            "source",
            "reference",
            name=op.f("uq_slotengine_referral_territory_source_reference"),
        ),
    )
    op.create_index(
        op.f("ix_slotengine_referral_patient_key"),
        "slotengine_referral",
        ["patient_key"],
        unique=False,
    )
    op.create_index(
        op.f("ix_slotengine_referral_territory_state"),
        "slotengine_referral",
        ["territory", "state"],
        unique=False,
    )
    op.create_table(
        "slotengine_site",
        sa.Column("territory", sa.String(length=60), nullable=False),
        sa.Column("id", sa.String(length=120), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("territory", "id", name=op.f("pk_slotengine_site")),
    )
    op.create_table(
        "slotengine_territory",
        sa.Column("territory", sa.String(length=60), nullable=False),
        sa.Column("policy_digest", sa.String(length=32), nullable=False),
        sa.Column("high_water", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("territory", name=op.f("pk_slotengine_territory")),
    )
    op.create_table(
        "slotengine_slot",
        sa.Column("id", sa.String(length=120), nullable=False),
        sa.Column("territory", sa.String(length=60), nullable=False),
        sa.Column("practitioner", sa.String(length=120), nullable=False),
        sa.Column("site", sa.String(length=120), nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("opens_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("capacity", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=30), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.CheckConstraint("state IN ('open', 'withdrawn')", name=op.f("ck_slotengine_slot_state")),
        sa.CheckConstraint("ends_at > starts_at", name=op.f("ck_slotengine_slot_ordered")),
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
    op.create_index(
        op.f("ix_slotengine_slot_practitioner_starts_at"),
        "slotengine_slot",
        ["practitioner", "starts_at"],
        unique=False,
    )
    op.create_index(
        op.f("ix_slotengine_slot_territory_starts_at"),
        "slotengine_slot",
        ["territory", "starts_at"],
        unique=False,
    )
    op.create_table(
        "slotengine_booking",
        sa.Column("id", sa.String(length=120), nullable=False),
        sa.Column("territory", sa.String(length=60), nullable=False),
        sa.Column("referral_id", sa.String(length=120), nullable=False),
        sa.Column("slot_id", sa.String(length=120), nullable=False),
        sa.Column("seat", sa.Integer(), nullable=False),
        sa.Column("status", sa.String(length=30), nullable=False),
        sa.Column("mode", sa.String(length=30), nullable=False),
        sa.Column("held_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("told_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("patient_key", sa.String(length=64), nullable=False),
        sa.Column("practitioner", sa.String(length=120), nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.CheckConstraint(
            "status <> 'held' OR held_until IS NOT NULL",
            name=op.f("ck_slotengine_booking_held_until"),
        ),
        sa.CheckConstraint(
            "status IN ('promised', 'held', 'confirmed', 'fulfilled', 'noshow', "
            "'cancelled', 'expired')",
            name=op.f("ck_slotengine_booking_status"),
        ),
        sa.CheckConstraint("seat >= 0", name=op.f("ck_slotengine_booking_seat")),
        sa.ForeignKeyConstraint(
            ["referral_id"],
            ["slotengine_referral.id"],
            name=op.f("fk_slotengine_booking_slotengine_referral"),
        ),
        sa.ForeignKeyConstraint(
            ["slot_id"], ["slotengine_slot.id"], name=op.f("fk_slotengine_booking_slotengine_slot")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_slotengine_booking")),
    )
    op.create_index(
        "ix_slotengine_booking_active_patient_key",
        "slotengine_booking",
        ["patient_key", "starts_at"],
        unique=False,
        sqlite_where=sa.text("status IN ('confirmed', 'held', 'promised')"),
        postgresql_where=sa.text("status IN ('confirmed', 'held', 'promised')"),
    )
    op.create_index(
        "ix_slotengine_booking_active_practitioner",
        "slotengine_booking",
        ["practitioner", "starts_at"],
        unique=False,
        sqlite_where=sa.text("status IN ('confirmed', 'held', 'promised')"),
        postgresql_where=sa.text("status IN ('confirmed', 'held', 'promised')"),
    )
    op.create_index(
        op.f("ix_slotengine_booking_referral_id"),
        "slotengine_booking",
        ["referral_id"],
        unique=False,
    )
    op.create_index(
        "uq_slotengine_booking_active_referral",
        "slotengine_booking",
        ["referral_id"],
        unique=True,
        sqlite_where=sa.text("status IN ('confirmed', 'held', 'promised')"),
        postgresql_where=sa.text("status IN ('confirmed', 'held', 'promised')"),
    )
    op.create_index(
        "uq_slotengine_booking_active_seat",
        "slotengine_booking",
        ["slot_id", "seat"],
        unique=True,
        sqlite_where=sa.text("status IN ('confirmed', 'held', 'promised')"),
        postgresql_where=sa.text("status IN ('confirmed', 'held', 'promised')"),
    )
    op.create_table(
        "slotengine_slot_share",
        sa.Column("territory", sa.String(length=60), nullable=False),
        sa.Column("slot_id", sa.String(length=120), nullable=False),
        sa.ForeignKeyConstraint(
            ["slot_id"],
            ["slotengine_slot.id"],
            name=op.f("fk_slotengine_slot_share_slotengine_slot"),
        ),
        sa.PrimaryKeyConstraint("territory", "slot_id", name=op.f("pk_slotengine_slot_share")),
    )
    op.create_index(
        op.f("ix_slotengine_slot_share_slot_id"), "slotengine_slot_share", ["slot_id"], unique=False
    )
