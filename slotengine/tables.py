"""
The tables of the library: names, columns, and the constraints that keep its promises.

Every table is called ``slotengine_*``, every row has a territory, every constraint has a name, and
each name leads to one error (``store_errors``). Nouns are columns where they are asked for and
a JSON body for the rest; ``state`` and ``version`` are columns only, so no two places disagree.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    Float,
    ForeignKeyConstraint,
    Index,
    Integer,
    MetaData,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
    UniqueConstraint,
    false,
    text,
)

from slotengine.codes import ACTIVE, BookingStatus, PromiseState, ReferralState, SlotState
from slotengine.store_columns import (
    CODE_LENGTH,
    DIGEST_LENGTH,
    KEY_LENGTH,
    REFERENCE_LENGTH,
    Utc,
    id_column,
    territory_column,
)

PREFIX = "slotengine_"
VERSION_TABLE = "slotengine_version"
"""Alembic's own table of ours, apart from a host's ``alembic_version``."""

REVISIONS = ("0001", "0002", "0003", "0004")
"""Every schema revision, oldest first; the last one is what this library works on."""

NAMES = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}

metadata = MetaData(naming_convention=NAMES)


def _one_of(
    column: str, values: type[BookingStatus | PromiseState | ReferralState | SlotState]
) -> str:
    return f"{column} IN ({', '.join(repr(value.value) for value in values)})"


ACTIVE_SQL = f"status IN ({', '.join(sorted(repr(status.value) for status in ACTIVE))})"

territory = Table(
    PREFIX + "territory",
    metadata,
    territory_column(),
    Column("policy_digest", String(DIGEST_LENGTH), nullable=False),
    Column("high_water", Utc),
    # The current set of prices and when it was computed: a set never follows a later one.
    id_column("price_set", nullable=True),
    Column("priced_at", Utc),
    PrimaryKeyConstraint("territory"),
)

policy = Table(
    PREFIX + "policy",
    metadata,
    territory_column(),
    Column("digest", String(DIGEST_LENGTH), nullable=False),
    Column("version", Integer, nullable=False),
    Column("saved_at", Utc, nullable=False),
    Column("body", Text, nullable=False),
    PrimaryKeyConstraint("territory", "digest"),
)

practitioner = Table(
    PREFIX + "practitioner",
    metadata,
    territory_column(),
    id_column("id"),
    Column("body", Text, nullable=False),
    PrimaryKeyConstraint("territory", "id"),
)
Index(None, practitioner.c.id)

site = Table(
    PREFIX + "site",
    metadata,
    territory_column(),
    id_column("id"),
    Column("body", Text, nullable=False),
    PrimaryKeyConstraint("territory", "id"),
)

slot = Table(
    PREFIX + "slot",
    metadata,
    id_column("id"),
    territory_column(),
    id_column("practitioner"),
    id_column("site"),
    Column("starts_at", Utc, nullable=False),
    Column("ends_at", Utc, nullable=False),
    Column("opens_at", Utc),
    Column("capacity", Integer, nullable=False),
    Column("state", String(CODE_LENGTH), nullable=False),
    Column("version", Integer, nullable=False),
    Column("body", Text, nullable=False),
    # NULL where it was published before this was kept and no event tells.
    Column("published_at", Utc),
    Column("extra_capacity", Integer, nullable=False, server_default=text("0")),
    Column("audience_mask", Integer, nullable=False, server_default=text("0")),
    # How it differs from what its agenda publishes: seats given back, a practitioner stood in for.
    Column("handed_back", Integer, nullable=False, server_default=text("0")),
    id_column("stands_for", nullable=True),
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
Index(None, slot.c.territory, slot.c.published_at)

slot_share = Table(
    PREFIX + "slot_share",
    metadata,
    territory_column(),
    id_column("slot_id"),
    PrimaryKeyConstraint("territory", "slot_id"),
    ForeignKeyConstraint(["slot_id"], [slot.c.id]),
)
Index(None, slot_share.c.slot_id)

referral = Table(
    PREFIX + "referral",
    metadata,
    id_column("id"),
    territory_column(),
    Column("source", String(CODE_LENGTH), nullable=False),
    Column("reference", String(REFERENCE_LENGTH), nullable=False),
    Column("patient_key", String(KEY_LENGTH), nullable=False),
    Column("priority", String(CODE_LENGTH), nullable=False),
    Column("state", String(CODE_LENGTH), nullable=False),
    Column("received_at", Utc, nullable=False),
    Column("amended_at", Utc),
    Column("digest", String(DIGEST_LENGTH), nullable=False),
    Column("body", Text, nullable=False),
    id_column("group_id", nullable=True),
    Column("first_in_line_at", Utc),
    Column("closed_at", Utc),
    PrimaryKeyConstraint("id"),
    UniqueConstraint("territory", "source", "reference"),
    CheckConstraint(_one_of("state", ReferralState), name="state"),
)
Index(None, referral.c.territory, referral.c.state)
Index(None, referral.c.patient_key)
Index(None, referral.c.group_id)
Index(None, referral.c.territory, referral.c.received_at)

booking = Table(
    PREFIX + "booking",
    metadata,
    id_column("id"),
    territory_column(),
    id_column("referral_id"),
    id_column("slot_id"),
    Column("seat", Integer, nullable=False),
    Column("status", String(CODE_LENGTH), nullable=False),
    Column("mode", String(CODE_LENGTH), nullable=False),
    Column("held_until", Utc),
    Column("told_at", Utc),
    Column("version", Integer, nullable=False),
    # Copied from the slot and the referral so that "elsewhere at that time" asks one table, and so
    # that a counter goes down on the row on which it went up.
    Column("patient_key", String(KEY_LENGTH), nullable=False),
    id_column("practitioner"),
    Column("starts_at", Utc, nullable=False),
    Column("ends_at", Utc, nullable=False),
    Column("day", Date, nullable=False),
    # As it was counted: what a booking frees must be what it took, whatever the Policy says by now.
    Column("effort", Integer, nullable=False, server_default=text("0")),
    Column("made_at", Utc),
    Column("confirmed_at", Utc),
    Column("ended_at", Utc),
    # The requester let it run out or gave it back: this slot is not held for them again.
    Column("turned_down", Boolean, nullable=False, server_default=false()),
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
Index(None, booking.c.slot_id)
Index(None, booking.c.practitioner, booking.c.starts_at)
Index(None, booking.c.territory, booking.c.ended_at)


def _counter(period: str) -> Table:
    """Gives what a practitioner was given on each day, or in each week (by its Monday)."""
    return Table(
        f"{PREFIX}practitioner_{period}",
        metadata,
        territory_column(),
        id_column("practitioner"),
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
    territory_column(),
    Column("patient_key", String(KEY_LENGTH), nullable=False),
    Column("used", Integer, nullable=False),
    PrimaryKeyConstraint("patient_key"),
    CheckConstraint("used >= 0", name="used"),
)

promise = Table(
    PREFIX + "promise",
    metadata,
    territory_column(),
    id_column("referral_id"),
    Column("made_at", Utc, nullable=False),
    Column("before_at", Utc, nullable=False),
    Column("within_metres", Integer, nullable=False),
    # An INTERVAL would be text on SQLite.
    Column("notice_microseconds", BigInteger, nullable=False),
    Column("state", String(CODE_LENGTH), nullable=False),
    Column("ended_at", Utc),
    Column("why", Text, nullable=False),
    PrimaryKeyConstraint("referral_id"),
    ForeignKeyConstraint(["referral_id"], [referral.c.id]),
    CheckConstraint(_one_of("state", PromiseState), name="state"),
    CheckConstraint("(state = 'open') = (ended_at IS NULL)", name="ended"),
)
Index(None, promise.c.territory, promise.c.state)

chance = Table(
    PREFIX + "chance",
    metadata,
    territory_column(),
    id_column("referral_id"),
    Column("raw", Float, nullable=False),
    Column("stated", Float, nullable=False),
    Column("at", Utc, nullable=False),
    # The referral's deadline as it was then: a chance is one of a seat before an instant.
    Column("before_at", Utc),
    PrimaryKeyConstraint("referral_id"),
    ForeignKeyConstraint(["referral_id"], [referral.c.id]),
)
Index(None, chance.c.territory)

price_set = Table(
    PREFIX + "price_set",
    metadata,
    territory_column(),
    id_column("id"),
    # Of all of it: the key under which a process keeps a set that it has read.
    Column("digest", String(DIGEST_LENGTH), nullable=False),
    Column("policy_digest", String(DIGEST_LENGTH), nullable=False),
    Column("problem_digest", String(DIGEST_LENGTH), nullable=False),
    Column("forecast_digest", String(DIGEST_LENGTH), nullable=False),
    Column("futures", Integer, nullable=False),
    Column("seed", BigInteger, nullable=False),
    Column("computed_at", Utc, nullable=False),
    Column("valid_until", Utc, nullable=False),
    Column("free_seats", Integer, nullable=False),
    Column("expected", Float, nullable=False),
    Column("days_seen", Integer, nullable=False),
    PrimaryKeyConstraint("territory", "id"),
)

seat_price = Table(
    PREFIX + "seat_price",
    metadata,
    territory_column(),
    id_column("price_set"),
    id_column("slot_id"),
    Column("price", BigInteger, nullable=False),
    PrimaryKeyConstraint("territory", "price_set", "slot_id"),
    ForeignKeyConstraint(["territory", "price_set"], [price_set.c.territory, price_set.c.id]),
    CheckConstraint("price >= 0", name="price"),
)

event = Table(
    PREFIX + "event",
    metadata,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), autoincrement=True),
    Column("xid", BigInteger, nullable=False),
    territory_column(),
    Column("at", Utc, nullable=False),
    Column("kind", String(KEY_LENGTH), nullable=False),
    Column("actor_role", String(CODE_LENGTH)),
    id_column("actor_id", nullable=True),
    id_column("referral", nullable=True),
    id_column("slot", nullable=True),
    id_column("booking", nullable=True),
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
    territory_column(),
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
