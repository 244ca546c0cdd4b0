"""
Adds messages in and out, who works where, and accounts of the SAS.

Written out, as the first revision: later tables don't change it.
"""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

INSTANT, WHOLE, TEXT = sa.DateTime(timezone=True), sa.Integer(), sa.Text()
ID, TERRITORY, CODE, DIGEST, NAME, REFERENCE = (
    sa.String(length=length) for length in (120, 60, 30, 32, 40, 200)
)


def upgrade() -> None:
    """Adds the tables; nothing that stands in others says anything for them."""
    _messages()
    _people()


def _index(table: str, *columns: str) -> None:
    op.create_index(
        op.f(f"ix_slotengine_{table}_{'_'.join(columns)}"), f"slotengine_{table}", list(columns)
    )


def _column(name: str, kind: Any, *, nullable: bool = False) -> sa.Column[Any]:  # noqa: ANN401 (a type or an instance of one)
    return sa.Column(name, kind, nullable=nullable)


def _messages() -> None:
    op.create_table(
        "slotengine_inbox",
        _column("territory", TERRITORY),
        _column("source", CODE),
        _column("reference", REFERENCE),
        _column("message", REFERENCE),
        _column("issued_at", INSTANT, nullable=True),
        _column("received_at", INSTANT),
        _column("kind", CODE),
        _column("state", CODE),
        _column("body", TEXT),
        _column("why", TEXT),
        sa.CheckConstraint(
            "state IN ('applied', 'waiting', 'superseded', 'refused')",
            name=op.f("ck_slotengine_inbox_state"),
        ),
        sa.PrimaryKeyConstraint(
            "territory", "source", "reference", "message", name=op.f("pk_slotengine_inbox")
        ),
    )
    _index("inbox", "territory", "state")
    op.create_table(
        "slotengine_outbox",
        sa.Column(
            "id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=True,
            nullable=False,
        ),
        _column("territory", TERRITORY),
        _column("destination", NAME),
        _column("booking", ID),
        _column("sequence", WHOLE),
        _column("notice", TEXT),
        _column("state", CODE),
        _column("attempts", WHOLE),
        _column("next_at", INSTANT),
        _column("claimed_until", INSTANT, nullable=True),
        _column("created_at", INSTANT),
        _column("sent_at", INSTANT, nullable=True),
        _column("digest", DIGEST, nullable=True),
        _column("fault", TEXT),
        sa.CheckConstraint(
            "state IN ('pending', 'sent', 'stuck')", name=op.f("ck_slotengine_outbox_state")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_slotengine_outbox")),
        sa.UniqueConstraint(
            "destination",
            "booking",
            "sequence",
            name=op.f("uq_slotengine_outbox_destination_booking_sequence"),
        ),
        sqlite_autoincrement=True,
    )
    _index("outbox", "state", "next_at")
    _index("outbox", "territory", "state")


def _people() -> None:
    op.create_table(
        "slotengine_role",
        _column("territory", TERRITORY),
        _column("practitioner", ID),
        _column("site", ID),
        _column("body", TEXT),
        sa.PrimaryKeyConstraint(
            "territory", "practitioner", "site", name=op.f("pk_slotengine_role")
        ),
    )
    _index("role", "practitioner")
    op.create_table(
        "slotengine_account",
        _column("territory", TERRITORY),
        _column("id", ID),
        sa.Column("active", sa.Boolean(), server_default=sa.true(), nullable=False),
        _column("mail_hash", DIGEST, nullable=True),
        _column("version", WHOLE),
        _column("made_at", INSTANT),
        _column("changed_at", INSTANT),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_slotengine_account")),
        sa.UniqueConstraint("mail_hash", name=op.f("uq_slotengine_account_mail_hash")),
    )
    op.create_table(
        "slotengine_account_identifier",
        _column("territory", TERRITORY),
        _column("system", REFERENCE),
        _column("value", REFERENCE),
        _column("account", ID),
        sa.PrimaryKeyConstraint("system", "value", name=op.f("pk_slotengine_account_identifier")),
    )
    _index("account_identifier", "account")
