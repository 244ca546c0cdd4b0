"""Kinds of columns that several tables have: instants, ids, territories, and how long texts are."""

from datetime import UTC, datetime

from sqlalchemy import Column, DateTime, Dialect, String, TypeDecorator

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


def id_column(name: str, *, nullable: bool = False) -> Column[str]:
    """Gives a column for an id of ours."""
    return Column(name, String(ID_LENGTH), nullable=nullable)


def territory_column() -> Column[str]:
    """Gives the column that every table has."""
    return Column("territory", String(TERRITORY_LENGTH), nullable=False)
