"""
Tables of text: CSV with comma, semicolon or tab, in UTF-8, UTF-16 or Windows-1252, as a stream.

A forgotten quote would swallow the rest of a file; here it costs its own line, and reading goes on
with the next one.
"""

import csv
import io
import re
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
from slotengine.adapters.kinds import Kind
from slotengine.adapters.lines import (
    BOM,
    MAC,
    UTF_8,
    WINDOWS,
    Line,
    Lines,
    Payload,
    decoded,
    encoding_of,
)
from slotengine.adapters.spot import Spot
from slotengine.adapters.tabular_cells import (
    GUARD,
    HEADER,
    bare,
    checked,
    columns_of,
    known,
    neutral,
    said,
)
from slotengine.errors import ReferralFormatError

__all__ = ["HEADER", "SEPARATORS", "CsvFormat", "row_bytes"]

SEPARATORS = (";", ",", "\t")
"""What stands between cells: French spreadsheets write semicolons."""

_ANNOUNCED = "sep="
_LINE_END = "\r\n"


class Layout(NamedTuple):
    """How the lines of a table are cut into cells."""

    separator: str
    fallback: str
    columns: list[str | None]


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
        layout = _header(lines, adapter)
        for record, row in enumerate(_rows(lines, layout), 1):
            spot = Spot(adapter, record, row.number)
            if record > MAX_RECORDS:
                yield Part(spot.rejected(PAYLOAD, Kind.TOO_LARGE), row.raw)
                return
            if isinstance(row.cells, Kind):
                yield Part(spot.rejected(WHOLE, row.cells), row.raw)
            else:
                yield Part(said(layout.columns, row.cells, spot, door=door, now=now), row.raw)

    def joined(self, parts: Iterable[bytes], *, head: bytes) -> bytes:
        """Gives the records under the header line they came with; no cell runs as a formula."""
        above: list[bytes] = []
        for line in head.removeprefix(BOM).splitlines():
            above.append(line)
            if line.strip() and not line.lower().startswith(_ANNOUNCED.encode()):
                break
        try:
            layout = _header(Lines(above_line + b"\n" for above_line in above), self.name)
        except ReferralFormatError:
            layout = Layout(SEPARATORS[0], WINDOWS, [])
        # What Excel marked as UTF-8, it shows as UTF-8 again.
        mark = BOM if head.startswith(BOM) else b""
        written = (_neutral(line.rstrip(b"\r\n"), layout) for line in (*above, *parts))
        return mark + b"".join(line + _LINE_END.encode() for line in written)


def row_bytes(cells: Iterable[str], separator: str = SEPARATORS[0]) -> bytes:
    """Gives cells as one record of a table in UTF-8; none of them runs as a formula."""
    return _written(cells, separator).encode()


def _written(cells: Iterable[str], separator: str) -> str:
    text = io.StringIO()
    # Signs of the line end are quoted where they stand in a cell, so it must be named here.
    writer = csv.writer(text, delimiter=separator, lineterminator=_LINE_END)
    writer.writerow([neutral(cell) for cell in cells])
    return text.getvalue()


def _neutral(raw: bytes, layout: Layout) -> bytes:
    """
    Gives a record that no spreadsheet runs, and that is read as before.

    A record that can't be cut into cells stays as broken as it was: only apostrophes are put in.
    """
    separator = re.escape(layout.separator).encode()
    # The three bytes are those that the wide signs begin with in UTF-8.
    begins = rb"(^|" + separator + rb")(\"?)(?=[=+\-@\t\r\n]|\xef\xbc[\x9d\x8b\x8d\xa0])"
    if not re.search(begins, raw):
        return raw
    encoding = encoding_of(raw, layout.fallback)
    cells = None if encoding is None else _cells(raw.decode(encoding), layout.separator)
    if encoding is None or cells is None:
        return re.sub(begins, rb"\g<1>\g<2>" + GUARD.encode(), raw)
    return _written(cells, layout.separator).removesuffix(_LINE_END).encode(encoding)


def _cells(text: str, separator: str) -> list[str] | None:
    if '"' not in text:
        return text.split(separator)
    try:
        rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True))
    except csv.Error:
        return None
    return rows[0] if len(rows) == 1 else None


def _header(lines: Lines, adapter: str) -> Layout:
    """Finds the separator and, for each column, its field (None for a column we don't know)."""
    line = _header_line(lines, adapter)
    announced = None
    text = _header_text(line, adapter)
    if text.lower().startswith(_ANNOUNCED) and len(text) == len(_ANNOUNCED) + 1:
        announced = text[-1]
        line = _header_line(lines, adapter)
        text = _header_text(line, adapter)
    separators = (announced,) if announced in SEPARATORS else SEPARATORS
    tried = [
        Layout(separator, fallback, _columns(text, separator))
        for fallback, text in _readings(line.data, text)
        for separator in separators
    ]
    # Under which most columns make sense; the first one of equals.
    found = max(tried, key=lambda layout: len(known(layout.columns)))
    checked(found.columns, adapter)
    return found


def _readings(data: bytes, text: str) -> Iterator[tuple[str, str]]:
    """
    Gives the encodings that a header may be of, with its text in each.

    MacRoman is told from Windows-1252 by names of columns only: where no name has an accent, a
    file of MacRoman can't be told, and its accents are read as others.
    """
    encoding = encoding_of(data)
    if encoding is not None:
        yield WINDOWS, text
    if encoding != UTF_8:
        yield MAC, (decoded(data, MAC) or "").strip("\r\n ")


def _header_line(lines: Lines, adapter: str) -> Line:
    line = lines.next_written()
    if line is None:
        raise ReferralFormatError(adapter, PAYLOAD, Kind.EMPTY)
    return line


def _header_text(line: Line, adapter: str) -> str:
    # What is no text in Windows-1252 may be one on a Mac.
    text = None if line.fault is not None else decoded(line.data) or decoded(line.data, MAC)
    if text is None or "\0" in text:
        raise ReferralFormatError(adapter, HEADER, line.fault or Kind.BAD_ENCODING)
    return text.strip("\r\n ")


def _columns(text: str, separator: str) -> list[str | None]:
    try:
        names = next(csv.reader([text], delimiter=separator), [])
    except csv.Error:
        return []
    return columns_of(names) if len(names) <= MAX_COLUMNS else []


def _rows(lines: Lines, layout: Layout) -> Iterator[Row]:
    separator = layout.separator
    for line in lines:
        if line.fault is not None:
            yield Row(line.number, line.fault, line.data)
            continue
        text = decoded(line.data, layout.fallback)
        if text is None:
            yield Row(line.number, Kind.BAD_ENCODING, line.data)
            continue
        row = (
            _quoted(line, lines, layout)
            if '"' in text
            else Row(line.number, text.rstrip("\r\n").split(separator), line.data)
        )
        if isinstance(row.cells, Kind) or any(cell.strip() for cell in row.cells):
            # Few cells hold an apostrophe at all, and this is done for every line.
            guarded = GUARD in text and not isinstance(row.cells, Kind)
            yield row._replace(cells=[bare(cell) for cell in row.cells]) if guarded else row


def _quoted(first: Line, lines: Lines, layout: Layout) -> Row:
    """Gives a record that may go on over several lines."""
    more: list[Line] = []

    def physical() -> Iterator[str]:
        yield decoded(first.data, layout.fallback) or ""
        for line in lines:
            more.append(line)
            text = decoded(line.data, layout.fallback)
            if line.fault is not None or text is None or len(more) >= MAX_RECORD_LINES:
                raise _RunawayQuoteError
            yield text

    try:
        cells = next(csv.reader(physical(), delimiter=layout.separator, strict=True))
    except (csv.Error, StopIteration, _RunawayQuoteError):
        lines.give_back(more)
        return Row(first.number, Kind.BAD_QUOTES, first.data)
    return Row(first.number, cells, b"".join(line.data for line in (first, *more)))
