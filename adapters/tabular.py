"""
Tables of text: CSV with comma, semicolon or tab, in UTF-8 or Windows-1252, read as a stream.

A forgotten quote would swallow the rest of a file; here it costs its own line, and reading goes on
with the next one.
"""

import csv
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import NamedTuple

from slotengine.adapters.base import (
    MAX_COLUMNS,
    MAX_RECORD_LINES,
    MAX_RECORDS,
    PAYLOAD,
    WHOLE,
    Door,
    Part,
)
from slotengine.adapters.fields import DROPPED, Raw, field_of
from slotengine.adapters.kinds import Kind
from slotengine.adapters.lines import BOM, Line, Lines, Payload, decoded
from slotengine.adapters.record import translate
from slotengine.adapters.spot import Spot
from slotengine.errors import ReferralFormatError

SEPARATORS = (";", ",", "\t")
"""What stands between cells: French spreadsheets write semicolons."""

_ANNOUNCED = "sep="
HEADER = "header"


class Row(NamedTuple):
    """The first physical line of a record, its cells or its fault, and its bytes."""

    number: int
    cells: list[str] | Kind
    raw: bytes


class _RunawayQuoteError(Exception):
    """A quote stayed open for longer than any record is."""


class CsvFormat:
    """Reads tables with a header line."""

    name = "csv"
    suffix = "csv"

    def claims(self, head: bytes) -> bool:
        """Takes whatever no other format wanted: a table has no mark of its own."""
        return bool(head.strip())

    def read(self, payload: Payload, *, door: Door, adapter: str, now: datetime) -> Iterator[Part]:
        """Gives one ``Part`` for each line that is not blank."""
        lines = Lines(payload)
        separator, columns = _header(lines, adapter)
        for record, row in enumerate(_rows(lines, separator), 1):
            spot = Spot(adapter, record, row.number)
            if record > MAX_RECORDS:
                yield Part(spot.rejected(PAYLOAD, Kind.TOO_LARGE), row.raw)
                return
            if isinstance(row.cells, Kind):
                yield Part(spot.rejected(WHOLE, row.cells), row.raw)
                continue
            fields = _named(columns, row.cells)
            if fields is None:
                yield Part(spot.rejected(WHOLE, Kind.COLUMN_COUNT), row.raw)
            else:
                yield Part(translate(fields, spot, door=door, now=now), row.raw)

    def joined(self, parts: Iterable[bytes], *, head: bytes) -> bytes:
        """Gives the records under the header line that they came with."""
        above: list[bytes] = []
        for line in head.removeprefix(BOM).splitlines():
            above.append(line.rstrip(b"\r\n"))
            if line.strip() and not line.lower().startswith(_ANNOUNCED.encode()):
                break
        return b"".join(line.rstrip(b"\r\n") + b"\r\n" for line in (*above, *parts))


def _header(lines: Lines, adapter: str) -> tuple[str, list[str | None]]:
    """Gives the separator and, for each column, its field (None for a column we don't know)."""
    text = _header_text(lines, adapter)
    announced = None
    if text.lower().startswith(_ANNOUNCED) and len(text) == len(_ANNOUNCED) + 1:
        announced = text[-1]
        text = _header_text(lines, adapter)
    separators = (announced,) if announced in SEPARATORS else SEPARATORS
    tried = [(separator, _columns(text, separator)) for separator in separators]
    # The separator under which most columns make sense; the first one of equals.
    separator, columns = max(tried, key=lambda pair: sum(field is not None for field in pair[1]))
    known = [field for field in columns if field not in {None, DROPPED}]
    if not known:
        raise ReferralFormatError(adapter, HEADER, Kind.NO_HEADER)
    if len(known) > len(set(known)):
        raise ReferralFormatError(adapter, HEADER, Kind.DUPLICATE_HEADER)
    return separator, columns


def _header_text(lines: Lines, adapter: str) -> str:
    line = lines.next_written()
    if line is None:
        raise ReferralFormatError(adapter, PAYLOAD, Kind.EMPTY)
    text = None if line.fault is not None else decoded(line.data)
    if text is None or "\0" in text:
        raise ReferralFormatError(adapter, HEADER, line.fault or Kind.BAD_ENCODING)
    return text.strip("\r\n ")


def _columns(text: str, separator: str) -> list[str | None]:
    try:
        names = next(csv.reader([text], delimiter=separator), [])
    except csv.Error:
        return []
    return [field_of(name) for name in names] if len(names) <= MAX_COLUMNS else []


def _rows(lines: Lines, separator: str) -> Iterator[Row]:
    for line in lines:
        if line.fault is not None:
            yield Row(line.number, line.fault, line.data)
            continue
        text = decoded(line.data)
        if text is None:
            yield Row(line.number, Kind.BAD_ENCODING, line.data)
            continue
        row = (
            _quoted(line, lines, separator)
            if '"' in text
            else Row(line.number, text.rstrip("\r\n").split(separator), line.data)
        )
        if isinstance(row.cells, Kind) or any(cell.strip() for cell in row.cells):
            yield row


def _quoted(first: Line, lines: Lines, separator: str) -> Row:
    """Gives a record that may go on over several lines."""
    more: list[Line] = []

    def physical() -> Iterator[str]:
        yield decoded(first.data) or ""
        for line in lines:
            more.append(line)
            text = decoded(line.data)
            if line.fault is not None or text is None or len(more) >= MAX_RECORD_LINES:
                raise _RunawayQuoteError
            yield text

    try:
        cells = next(csv.reader(physical(), delimiter=separator, strict=True))
    except (csv.Error, StopIteration, _RunawayQuoteError):
        lines.give_back(more)
        return Row(first.number, Kind.BAD_QUOTES, first.data)
    return Row(first.number, cells, b"".join(line.data for line in (first, *more)))


def _named(columns: list[str | None], cells: list[str]) -> dict[str, Raw] | None:
    """Gives the cells by field, or None when there are not as many as columns."""
    if len(cells) < len(columns) or any(cell.strip() for cell in cells[len(columns) :]):
        return None
    fields: dict[str, Raw] = {}
    dropped: list[str] = []
    for field, cell in zip(columns, cells, strict=False):
        if field == DROPPED:
            dropped.append(cell)
        elif field is not None:
            fields[field] = cell
    if dropped:
        fields[DROPPED] = tuple(dropped)
    return fields
