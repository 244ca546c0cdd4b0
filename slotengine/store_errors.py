"""
One sentence for everything a database can say: each constraint's name leads to one error.

Messages never repeat what the driver says: a driver quotes rows. Its own error is the
``__cause__``, with its parameters hidden.
"""

import copy
import sqlite3

from sqlalchemy import Index, PrimaryKeyConstraint, UniqueConstraint
from sqlalchemy.exc import DBAPIError, IntegrityError, SQLAlchemyError, StatementError

from slotengine import tables
from slotengine.errors import (
    DuplicateReferralError,
    ReferralConflictError,
    SchemaError,
    SlotEngineError,
    SlotTakenError,
    StoreBusyError,
    StoreError,
)

BUSY_STATES = frozenset({"40001", "40P01", "55P03"})
"""PostgreSQL: serialization_failure, deadlock_detected, lock_not_available."""

NO_TABLE_STATES = frozenset({"42P01", "3F000"})
"""PostgreSQL: undefined_table, invalid_schema_name."""

_SEEN_IN_CAUSE = "(named by the cause)"

PROMISES: dict[str, SlotEngineError] = {
    "uq_slotengine_booking_active_seat": SlotTakenError(_SEEN_IN_CAUSE),
    "uq_slotengine_booking_active_referral": DuplicateReferralError(_SEEN_IN_CAUSE),
    "uq_slotengine_referral_territory_source_reference": ReferralConflictError(_SEEN_IN_CAUSE),
    **{
        f"ck_slotengine_practitioner_{period}_{cap}": SlotTakenError(
            _SEEN_IN_CAUSE, f"its practitioner's {period} is full"
        )
        for period in ("day", "week")
        for cap in ("cap", "effort_cap")
    },
}
"""
Constraints that say no to a requester. The statements ask first, so these only speak when somebody
wrote beside the library.
"""


def _sqlite_columns() -> dict[str, str]:
    """Gives the text by which SQLite names a unique index: it gives columns, not the name."""
    listed: dict[str, str] = {}
    for table in tables.metadata.tables.values():
        found: list[Index | UniqueConstraint | PrimaryKeyConstraint] = [table.primary_key]
        found += [index for index in table.indexes if index.unique]
        found += [one for one in table.constraints if isinstance(one, UniqueConstraint)]
        for one in found:
            text = ", ".join(f"{table.name}.{column.name}" for column in one.columns)
            listed[f"UNIQUE constraint failed: {text}"] = str(one.name)
    return listed


_BY_COLUMNS = _sqlite_columns()


def constraint_of(error: IntegrityError) -> str | None:
    """Gives the name of the constraint that refused, where the driver tells it."""
    diagnosis = getattr(error.orig, "diag", None)
    if diagnosis is not None:
        name: str | None = diagnosis.constraint_name
        return name
    said = str(error.orig)
    if said in _BY_COLUMNS:
        return _BY_COLUMNS[said]
    return said.rpartition("CHECK constraint failed: ")[2] if "CHECK" in said else None


def is_busy(error: BaseException) -> bool:
    """Tells whether trying again may help: a lock, a deadlock or a serialisation failure."""
    if not isinstance(error, DBAPIError):
        return False
    if isinstance(error.orig, sqlite3.Error):
        # Extended codes (SQLITE_BUSY_SNAPSHOT ...) keep the primary one in the low byte.
        code = getattr(error.orig, "sqlite_errorcode", 0) & 0xFF
        return code in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}
    return getattr(error.orig, "sqlstate", None) in BUSY_STATES


def is_missing_table(error: BaseException) -> bool:
    """Tells whether the schema is not there at all."""
    if not isinstance(error, DBAPIError):
        return False
    if isinstance(error.orig, sqlite3.Error):
        return "no such table" in str(error.orig)
    return getattr(error.orig, "sqlstate", None) in NO_TABLE_STATES


def _sqlite_sentence(error: sqlite3.Error, where: str) -> str:
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    return {
        sqlite3.SQLITE_READONLY: f"{where} is read-only; nothing was written",
        sqlite3.SQLITE_CANTOPEN: (
            f"{where} can't be opened; its folder is missing or not accessible"
        ),
        sqlite3.SQLITE_NOTADB: f"{where} is not a SQLite database",
        sqlite3.SQLITE_CORRUPT: f"{where} is damaged; restore it from a backup",
        sqlite3.SQLITE_FULL: f"the disk of {where} is full; nothing was written",
    }.get(code, f"{where} refused ({type(error).__name__})")


def translated(error: SQLAlchemyError, where: str) -> SlotEngineError:
    """
    Gives our error for one of SQLAlchemy's; raise it ``from error``.

    Parameters
    ----------
    error
        What SQLAlchemy raised; its parameters are hidden from now on.
    where
        The database in words, without a password.
    """
    if isinstance(error, StatementError):
        error.hide_parameters = True
    if is_busy(error):
        return StoreBusyError(f"{where} is locked or too busy; nothing was written, try again")
    if is_missing_table(error):
        return SchemaError(f"{where} has no slotengine tables; run `slotengine db upgrade`")
    if isinstance(error, IntegrityError):
        return _of_constraint(error, where)
    if not isinstance(error, DBAPIError):
        return StoreError(f"{where} refused ({type(error).__name__})")
    if isinstance(error.orig, sqlite3.Error):
        return StoreError(_sqlite_sentence(error.orig, where))
    state = getattr(error.orig, "sqlstate", None)
    return StoreError(
        f"{where} can't be reached" if state is None else f"{where} refused (SQLSTATE {state})"
    )


def _of_constraint(error: IntegrityError, where: str) -> SlotEngineError:
    name = constraint_of(error)
    promise = PROMISES.get(name or "")
    if promise is None:
        return StoreError(f"{where} refused a row: constraint {name or 'unnamed'}")
    # Made anew: an exception that is raised twice carries the first one's traceback.
    return copy.copy(promise)
