"""Tables of the doors: messages in and out, who works where, and accounts of the SAS."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Index,
    Integer,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
    UniqueConstraint,
    true,
)

from slotengine import tables
from slotengine.destinations import Delivery
from slotengine.store_columns import (
    CODE_LENGTH,
    DIGEST_LENGTH,
    REFERENCE_LENGTH,
    Utc,
    id_column,
    territory_column,
)
from slotengine.tables import PREFIX

metadata = tables.metadata
"""Of all tables, those of the doors included."""

NAME_LENGTH = 40
"""Characters of a destination's name (``destinations.Destination``)."""

URL_LENGTH = 500
"""Characters of a URL (``directory.Url``)."""

inbox = Table(
    PREFIX + "inbox",
    metadata,
    territory_column(),
    Column("source", String(CODE_LENGTH), nullable=False),
    Column("reference", String(REFERENCE_LENGTH), nullable=False),
    # The sender's own number of the message, or a digest of its content where it gives none.
    Column("message", String(REFERENCE_LENGTH), nullable=False),
    Column("issued_at", Utc),
    Column("received_at", Utc, nullable=False),
    Column("kind", String(CODE_LENGTH), nullable=False),
    Column("state", String(CODE_LENGTH), nullable=False),
    # The message as values of ours: pseudonyms only. Empty once it is applied.
    Column("body", Text, nullable=False),
    Column("why", Text, nullable=False),
    PrimaryKeyConstraint("territory", "source", "reference", "message"),
    CheckConstraint(
        "state IN ('applied', 'waiting', 'superseded', 'refused')",
        name="state",
    ),
)
Index(None, inbox.c.territory, inbox.c.state)

outbox = Table(
    PREFIX + "outbox",
    metadata,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), autoincrement=True),
    territory_column(),
    Column("destination", String(NAME_LENGTH), nullable=False),
    id_column("booking"),
    Column("sequence", Integer, nullable=False),
    Column("notice", Text, nullable=False),
    Column("state", String(CODE_LENGTH), nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("next_at", Utc, nullable=False),
    # Taken by a sender until then: two processes never send one message at once.
    Column("claimed_until", Utc),
    Column("created_at", Utc, nullable=False),
    Column("sent_at", Utc),
    # Of what was sent first: a second attempt with other content is refused.
    Column("digest", String(DIGEST_LENGTH)),
    Column("fault", Text, nullable=False),
    PrimaryKeyConstraint("id"),
    UniqueConstraint("destination", "booking", "sequence"),
    CheckConstraint(
        f"state IN ({', '.join(repr(state.value) for state in Delivery)})",
        name="state",
    ),
    sqlite_autoincrement=True,
)
Index(None, outbox.c.state, outbox.c.next_at)
Index(None, outbox.c.territory, outbox.c.state)

role = Table(
    PREFIX + "role",
    metadata,
    territory_column(),
    id_column("practitioner"),
    id_column("site"),
    Column("body", Text, nullable=False),
    PrimaryKeyConstraint("territory", "practitioner", "site"),
)
Index(None, role.c.practitioner)

account = Table(
    PREFIX + "account",
    metadata,
    # Of the whole database: a regulator's account belongs to no territory.
    territory_column(),
    id_column("id"),
    Column("active", Boolean, nullable=False, server_default=true()),
    # A keyed hash: who wants to write to a regulator asks the host.
    Column("mail_hash", String(DIGEST_LENGTH)),
    Column("version", Integer, nullable=False),
    Column("made_at", Utc, nullable=False),
    Column("changed_at", Utc, nullable=False),
    PrimaryKeyConstraint("id"),
    UniqueConstraint("mail_hash"),
)

account_identifier = Table(
    PREFIX + "account_identifier",
    metadata,
    territory_column(),
    Column("system", String(REFERENCE_LENGTH), nullable=False),
    Column("value", String(REFERENCE_LENGTH), nullable=False),
    id_column("account"),
    PrimaryKeyConstraint("system", "value"),
)
Index(None, account_identifier.c.account)
