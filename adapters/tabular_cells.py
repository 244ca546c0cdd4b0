"""
What the cells of a table mean, whether they came as text or from a workbook.

A spreadsheet runs a cell that begins like a formula, so whatever we write has an apostrophe before
it (OWASP, CSV Injection). Reading takes away exactly what writing put there.
"""

import re
from collections.abc import Iterable, Sequence
from datetime import datetime

from slotengine.adapters.base import WHOLE, Door, Intake
from slotengine.adapters.fields import DROPPED, Raw, field_of
from slotengine.adapters.kinds import Kind
from slotengine.adapters.record import translate
from slotengine.adapters.spot import Spot
from slotengine.errors import ReferralFormatError

HEADER = "header"
"""The field name of a fault that concerns the header line."""

GUARD = "'"

_RUN_AS_FORMULA = "=+\\-@\t\r\n＝＋－＠"  # noqa: RUF001 - the wide signs run as formulas too
_FORMULA = re.compile(f"[{_RUN_AS_FORMULA}]")
_GUARDED = re.compile(f"{GUARD}+[{_RUN_AS_FORMULA}]")

SPREADSHEET_ERRORS = frozenset(
    {
        "#REF!", "#N/A", "#VALUE!", "#DIV/0!", "#NAME?", "#NULL!", "#NUM!", "#CALC!", "#SPILL!",
        "#VALEUR!", "#NOM?", "#NUL!", "#NOMBRE!", "#PROPAGATION!",
    }
)  # fmt: skip
"""What English and French spreadsheets show, and export, where a formula failed."""


def neutral(cell: str) -> str:
    """
    Gives a cell that no spreadsheet runs; every table that we write goes through here.

    Examples
    --------
    >>> neutral("=1+1"), neutral("-1,5"), neutral("'=1+1"), neutral("O'Neil")
    ("'=1+1", "'-1,5", "'=1+1", "O'Neil")
    """
    return GUARD + cell if _FORMULA.match(cell) else cell


def bare(cell: str) -> str:
    """
    Gives a cell without the apostrophe that ``neutral`` put before it.

    Examples
    --------
    >>> bare("'=1+1"), bare("''-1,5"), bare("'tis"), bare(neutral("-1,5"))
    ('=1+1', "'-1,5", "'tis", '-1,5')
    """
    return cell[1:] if _GUARDED.match(cell) else cell


def columns_of(names: Iterable[str]) -> list[str | None]:
    """Gives each column's field, ``DROPPED`` for contact data, None for what we don't know."""
    return [field_of(name) for name in names]


def known(columns: Iterable[str | None]) -> list[str]:
    """Gives the fields among the columns."""
    return [field for field in columns if field is not None and field != DROPPED]


def checked(columns: list[str | None], adapter: str) -> list[str | None]:
    """
    Gives the columns back when a table can be read by them.

    Raises
    ------
    ReferralFormatError
        When none is a field, or two are the same one.
    """
    fields = known(columns)
    if not fields:
        raise ReferralFormatError(adapter, HEADER, Kind.NO_HEADER)
    if len(fields) > len(set(fields)):
        raise ReferralFormatError(adapter, HEADER, Kind.DUPLICATE_HEADER)
    return columns


def said(
    columns: Sequence[str | None], cells: Sequence[str], spot: Spot, *, door: Door, now: datetime
) -> Intake:
    """Gives what a row says; one that has not the header's columns says nothing."""
    if len(cells) < len(columns) or any(cell.strip() for cell in cells[len(columns) :]):
        return spot.rejected(WHOLE, Kind.COLUMN_COUNT)
    fields: dict[str, Raw] = {}
    dropped: list[str] = []
    for field, cell in zip(columns, cells, strict=False):
        if field == DROPPED:
            dropped.append(cell)
        elif field is not None:
            if cell.startswith("#") and cell.strip().upper() in SPREADSHEET_ERRORS:
                return spot.rejected(field, Kind.SPREADSHEET_ERROR)
            fields[field] = cell
    if dropped:
        fields[DROPPED] = tuple(dropped)
    return translate(fields, spot, door=door, now=now)
