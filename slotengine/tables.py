"""
The tables of the library: names, columns, and the constraints that keep its promises.

Every table is called ``slotengine_*``, every row has a territory, every constraint has a name, and
each name leads to one error (``store_errors``). Nouns are columns where they are asked for and
a JSON body for the rest; ``state`` and ``version`` are columns only, so no two places disagree.
"""

from datetime import UTC, datetime

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Date,
    DateTime,
    Dialect,
    Float,
    ForeignKeyConstraint,
    Index,
    Integer,
    MetaData,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
    text,
)

from slotengine.codes import ACTIVE, BookingStatus, ReferralState, SlotState

PREFIX = "slotengine_"
VERSION_TABLE = "slotengine_version"
"""Alembic's own table of ours, apart from a host's ``alembic_version``."""

REVISIONS = ("0001", "0002")
"""Every schema revision, oldest first; the last one is what this library works on."""

ID_LENGTH = 120
"""As ``domain.Id``."""
TERRITORY_LENGTH = 60
"""As ``domain.TerritoryName``."""
KEY_LENGTH = 64
"""A patient's pseudonym (at most 64 hex digits), or the kind of an event."""
REFERENCE_LENGTH = 200
CODE_LENGTH = 30
DIGEST_LENGTH = 32
"""BLAKE2b of 16 bytes in hex."""

NAMES = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}

metadata = MetaData(naming_convention=NAMES)


class Utc(TypeDecorator[datetime]):
    """An aware instant: ``timestamptz`` on PostgreSQL, UTC text of fixed width on SQLite."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Turns an aware instant to UTC: SQLite drops the offset when it writes."""
        del dialect
        return None if value is None else value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Gives the instant back in UTC."""
        del dialect
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def _id(name: str, *, nullable: bool = False) -> Column[str]:
    return Column(name, String(ID_LENGTH), nullable=nullable)


def _territory() -> Column[str]:
    return Column("territory", String(TERRITORY_LENGTH), nullable=False)


def _one_of(column: str, values: type[BookingStatus | ReferralState | SlotState]) -> str:
    return f"{column} IN ({', '.join(repr(value.value) for value in values)})"


ACTIVE_SQL = f"status IN ({', '.join(sorted(repr(status.value) for status in ACTIVE))})"

territory = Table(
    PREFIX + "territory",
    metadata,
    _territory(),
    Column("policy_digest", String(DIGEST_LENGTH), nullable=False),
    Column("high_water", Utc),
    PrimaryKeyConstraint("territory"),
)

policy = Table(
    PREFIX + "policy",
    metadata,
    _territory(),
    Column("digest", String(DIGEST_LENGTH), nullable=False),
    Column("version", Integer, nullable=False),
    Column("saved_at", Utc, nullable=False),
    Column("body", Text, nullable=False),
    PrimaryKeyConstraint("territory", "digest"),
)

practitioner = Table(
    PREFIX + "practitioner",
    metadata,
    _territory(),
    _id("id"),
    Column("body", Text, nullable=False),
    PrimaryKeyConstraint("territory", "id"),
)
Index(None, practitioner.c.id)

site = Table(
    PREFIX + "site",
    metadata,
    _territory(),
    _id("id"),
    Column("body", Text, nullable=False),
    PrimaryKeyConstraint("territory", "id"),
)

slot = Table(
    PREFIX + "slot",
    metadata,
    _id("id"),
    _territory(),
    _id("practitioner"),
    _id("site"),
    Column("starts_at", Utc, nullable=False),
    Column("ends_at", Utc, nullable=False),
    Column("opens_at", Utc),
    Column("capacity", Integer, nullable=False),
    Column("state", String(CODE_LENGTH), nullable=False),
    Column("version", Integer, nullable=False),
    Column("body", Text, nullable=False),
    PrimaryKeyConstraint("id"),
    ForeignKeyConstraint(
        ["territory", "practitioner"], [practitioner.c.territory, practitioner.c.id]
    ),
    ForeignKeyConstraint(["territory", "site"], [site.c.territory, site.c.id]),
    CheckConstraint("ends_at > starts_at", name="ordered"),
    CheckConstraint(_one_of("state", SlotState), name="state"),
)
Index(None, slot.c.territory, slot.c.starts_at)
Index(None, slot.c.practitioner, slot.c.starts_at)

slot_share = Table(
    PREFIX + "slot_share",
    metadata,
    _territory(),
    _id("slot_id"),
    PrimaryKeyConstraint("territory", "slot_id"),
    ForeignKeyConstraint(["slot_id"], [slot.c.id]),
)
Index(None, slot_share.c.slot_id)

referral = Table(
    PREFIX + "referral",
    metadata,
    _id("id"),
    _territory(),
    Column("source", String(CODE_LENGTH), nullable=False),
    Column("reference", String(REFERENCE_LENGTH), nullable=False),
    Column("patient_key", String(KEY_LENGTH), nullable=False),
    Column("priority", String(CODE_LENGTH), nullable=False),
    Column("state", String(CODE_LENGTH), nullable=False),
    Column("received_at", Utc, nullable=False),
    Column("amended_at", Utc),
    Column("digest", String(DIGEST_LENGTH), nullable=False),
    Column("body", Text, nullable=False),
    _id("group_id", nullable=True),
    PrimaryKeyConstraint("id"),
    UniqueConstraint("territory", "source", "reference"),
    CheckConstraint(_one_of("state", ReferralState), name="state"),
)
Index(None, referral.c.territory, referral.c.state)
Index(None, referral.c.patient_key)
Index(None, referral.c.group_id)

booking = Table(
    PREFIX + "booking",
    metadata,
    _id("id"),
    _territory(),
    _id("referral_id"),
    _id("slot_id"),
    Column("seat", Integer, nullable=False),
    Column("status", String(CODE_LENGTH), nullable=False),
    Column("mode", String(CODE_LENGTH), nullable=False),
    Column("held_until", Utc),
    Column("told_at", Utc),
    Column("version", Integer, nullable=False),
    # Copied from the slot and the referral so that "elsewhere at that time" asks one table, and so
    # that a counter goes down on the row on which it went up.
    Column("patient_key", String(KEY_LENGTH), nullable=False),
    _id("practitioner"),
    Column("starts_at", Utc, nullable=False),
    Column("ends_at", Utc, nullable=False),
    Column("day", Date, nullable=False),
    # As it was counted: what a booking frees must be what it took, whatever the Policy says by now.
    Column("effort", Integer, nullable=False, server_default=text("0")),
    PrimaryKeyConstraint("id"),
    ForeignKeyConstraint(["referral_id"], [referral.c.id]),
    ForeignKeyConstraint(["slot_id"], [slot.c.id]),
    CheckConstraint("seat >= 0", name="seat"),
    CheckConstraint("status <> 'held' OR held_until IS NOT NULL", name="held_until"),
    CheckConstraint(_one_of("status", BookingStatus), name="status"),
)
_ACTIVE = text(ACTIVE_SQL)
Index(
    "uq_slotengine_booking_active_seat",
    booking.c.slot_id,
    booking.c.seat,
    unique=True,
    sqlite_where=_ACTIVE,
    postgresql_where=_ACTIVE,
)
Index(
    "uq_slotengine_booking_active_referral",
    booking.c.referral_id,
    unique=True,
    sqlite_where=_ACTIVE,
    postgresql_where=_ACTIVE,
)
for _name in ("patient_key", "practitioner"):
    Index(
        f"ix_slotengine_booking_active_{_name}",
        booking.c[_name],
        booking.c.starts_at,
        sqlite_where=_ACTIVE,
        postgresql_where=_ACTIVE,
    )
Index(None, booking.c.referral_id)
Index(None, booking.c.practitioner, booking.c.starts_at)


def _counter(period: str) -> Table:
    """Gives what a practitioner was given on each day, or in each week (by its Monday)."""
    return Table(
        f"{PREFIX}practitioner_{period}",
        metadata,
        _territory(),
        _id("practitioner"),
        Column(period, Date, nullable=False),
        Column("used", Integer, nullable=False),
        Column("cap", Integer),
        Column("effort", Integer, nullable=False),
        Column("effort_cap", Integer),
        PrimaryKeyConstraint("practitioner", period),
        CheckConstraint("used >= 0", name="used"),
        CheckConstraint("cap IS NULL OR used <= cap", name="cap"),
        CheckConstraint("effort >= 0", name="effort"),
        CheckConstraint("effort_cap IS NULL OR effort <= effort_cap", name="effort_cap"),
    )


practitioner_day = _counter("day")
practitioner_week = _counter("week")

patient = Table(
    PREFIX + "patient",
    metadata,
    _territory(),
    Column("patient_key", String(KEY_LENGTH), nullable=False),
    Column("used", Integer, nullable=False),
    PrimaryKeyConstraint("patient_key"),
    CheckConstraint("used >= 0", name="used"),
)

event = Table(
    PREFIX + "event",
    metadata,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), autoincrement=True),
    Column("xid", BigInteger, nullable=False),
    _territory(),
    Column("at", Utc, nullable=False),
    Column("kind", String(KEY_LENGTH), nullable=False),
    Column("actor_role", String(CODE_LENGTH)),
    _id("actor_id", nullable=True),
    _id("referral", nullable=True),
    _id("slot", nullable=True),
    _id("booking", nullable=True),
    Column("why", Text, nullable=False),
    PrimaryKeyConstraint("id"),
    # An id is never handed out twice, or a cursor could stand on another event.
    sqlite_autoincrement=True,
)
Index(None, event.c.xid, event.c.id)

plan = Table(
    PREFIX + "plan",
    metadata,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), autoincrement=True),
    _territory(),
    Column("digest", String(DIGEST_LENGTH), nullable=False),
    Column("as_of", Utc, nullable=False),
    Column("committed_at", Utc, nullable=False),
    Column("problem_digest", String(DIGEST_LENGTH), nullable=False),
    Column("policy_version", Integer, nullable=False),
    Column("policy_digest", String(DIGEST_LENGTH), nullable=False),
    Column("travel_name", Text, nullable=False),
    Column("seed", BigInteger, nullable=False),
    Column("objective", Text, nullable=False),
    Column("bound", Text, nullable=False),
    Column("proved_levels", Integer, nullable=False),
    Column("seconds", Float, nullable=False),
    Column("body", Text, nullable=False),
    PrimaryKeyConstraint("id"),
    sqlite_autoincrement=True,
)
Index(None, plan.c.territory, plan.c.committed_at)
