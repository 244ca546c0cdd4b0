"""
Tables of Excel workbooks: the same cells give the same referrals as a table of text.

Read as a stream by a parser that resolves nothing; a formula is what it gave when it was saved,
and macros are never looked at. What was rejected comes back as a table of text.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from slotengine.adapters.base import MAX_COLUMNS, MAX_RECORDS, PAYLOAD, Door, Part
from slotengine.adapters.kinds import Kind
from slotengine.adapters.lines import BOM, Payload
from slotengine.adapters.spot import Spot
from slotengine.adapters.tabular import CsvFormat, Row, row_bytes
from slotengine.adapters.tabular_cells import HEADER, bare, checked, columns_of, known, said
from slotengine.adapters.tabular_xlsx_cells import Sheet, Styles, Texts, column_letters
from slotengine.adapters.tabular_xlsx_package import (
    MAX_SMALL_BYTES,
    MAX_STRINGS_BYTES,
    MAX_UNPACKED_BYTES,
    OLD_MARK,
    ZIP_MARK,
    Package,
    UnreadableError,
)
from slotengine.errors import ReferralFormatError

MAX_SHEETS = 50
"""Sheets that are looked at for a header. Our choice."""

_ROOT_RELATIONS = "_rels/.rels"
_USUAL_WORKBOOK = "xl/workbook.xml"
_LINE_END = b"\r\n"


class XlsxFormat:
    """Reads the first visible sheet whose first written row is a header we know."""

    name = "xlsx"
    suffix = "csv"

    def claims(self, head: bytes) -> bool:
        """Takes archives and old office files: none of them is a text, and both are explained."""
        return head.startswith((ZIP_MARK, OLD_MARK))

    def read(self, payload: Payload, *, door: Door, adapter: str, now: datetime) -> Iterator[Part]:
        """Gives one ``Part`` for each row that is not blank."""
        if not self.claims(payload.head()):
            # What was rejected is handed in again as text, under the name of the same format.
            yield from CsvFormat().read(payload, door=door, adapter=adapter, now=now)
            return
        header, rows = table(payload, adapter, lambda names: bool(known(columns_of(names))))
        columns = checked(columns_of(header), adapter)
        above = row_bytes(" ".join(name.split()) for name in header)
        letters = {
            field: column_letters(at) for at, field in enumerate(columns) if field is not None
        }
        for record, row in enumerate(rows, 1):
            spot = Spot(adapter, record, row.number, _Addresses(letters, row.number))
            if isinstance(row.cells, Kind) or record > MAX_RECORDS:
                kind = row.cells if isinstance(row.cells, Kind) else Kind.TOO_LARGE
                yield Part(spot.rejected(PAYLOAD, kind))
                return
            intake = said(columns, row.cells, spot, door=door, now=now)
            yield Part(intake, above + row_bytes(row.cells))

    def joined(self, parts: Iterable[bytes], *, head: bytes) -> bytes:
        """Gives the records under the header that each of them came with, as a table of text."""
        if not self.claims(head):
            return CsvFormat().joined(parts, head=head)
        written = bytearray(BOM)
        above = b""
        for part in parts:
            header, end, row = part.partition(_LINE_END)
            if part and header != above:
                above = header
                written += header + end
            written += row
        return bytes(written)


@dataclass(frozen=True, slots=True)
class _Addresses(Mapping[str, str]):
    """Where the fields of a row stand: ``B7``."""

    letters: Mapping[str, str]
    number: int

    def __getitem__(self, field: str) -> str:
        return f"{self.letters[field]}{self.number}"

    def __iter__(self) -> Iterator[str]:
        return iter(self.letters)

    def __len__(self) -> int:
        return len(self.letters)


def table(
    payload: Payload, adapter: str, fits: Callable[[list[str]], bool]
) -> tuple[list[str], Iterator[Row]]:
    """
    Gives the header and the written rows of the first visible sheet whose header fits.

    A row has a cell for each column of the header, or more. A workbook that breaks off ends with a
    row that holds the kind of its fault.

    Raises
    ------
    ReferralFormatError
        When it is no workbook, is damaged or encrypted, unpacks to too much, or no header fits.
    """
    found = _fitting(payload, fits)
    if isinstance(found, Kind):
        # Not raised while another one is handled: that one may hold the payload.
        field = HEADER if found is Kind.NO_HEADER else PAYLOAD
        raise ReferralFormatError(adapter, field, found)
    return found


def _fitting(
    payload: Payload, fits: Callable[[list[str]], bool]
) -> tuple[list[str], Iterator[Row]] | Kind:
    try:
        book = _Workbook(Package(payload))
        for sheet in book.sheets[:MAX_SHEETS]:
            rows = book.rows(sheet)
            header = next(rows, None)
            if header is not None and len(header.cells) <= MAX_COLUMNS:
                names = [str(name) for name in header.cells]
                if fits(names):
                    return names, _to_the_end(rows, len(names), header.number)
    except UnreadableError as unreadable:
        return unreadable.kind
    return Kind.NO_HEADER


def _to_the_end(rows: Iterator[Row], width: int, number: int) -> Iterator[Row]:
    try:
        for row in rows:
            number = row.number
            missing = width - len(row.cells)
            yield row if missing <= 0 else row._replace(cells=[*row.cells, *[""] * missing])
    except UnreadableError as unreadable:
        yield Row(number + 1, unreadable.kind, b"")


class _Workbook:
    """Which sheets there are, and what their cells are written with."""

    def __init__(self, package: Package) -> None:
        self._package = package
        main = self._main()
        folder = main.rpartition("/")[0]
        book, relations = _Book(), _Relations()
        package.read(main, book, limit=MAX_SMALL_BYTES)
        beside = f"{folder}/_rels/{main.rpartition('/')[2]}.rels".removeprefix("/")
        package.read(beside, relations, limit=MAX_SMALL_BYTES)
        self._since_1904 = book.since_1904
        targets = {one: _path(folder, where) for one, (_, where) in relations.found.items()}
        self.sheets = [targets[one] for one in book.sheets if one in targets]
        self._texts = Texts()
        self._styles = Styles()
        for one, (kind, _) in relations.found.items():
            if kind == "sharedStrings" and package.has(targets[one]):
                package.read(targets[one], self._texts, limit=MAX_STRINGS_BYTES)
            elif kind == "styles" and package.has(targets[one]):
                package.read(targets[one], self._styles, limit=MAX_SMALL_BYTES)

    def _main(self) -> str:
        """Gives the part that lists the sheets; an archive without one is no workbook."""
        if not self._package.has(_ROOT_RELATIONS):
            raise UnreadableError(Kind.NOT_A_WORKBOOK)
        relations = _Relations()
        self._package.read(_ROOT_RELATIONS, relations, limit=MAX_SMALL_BYTES)
        named = [where for kind, where in relations.found.values() if kind == "officeDocument"]
        main = _path("", named[0]) if named else _USUAL_WORKBOOK
        if not main.lower().startswith("xl/") or not main.lower().endswith(".xml"):
            # A text document, or a workbook in the binary format.
            raise UnreadableError(Kind.NOT_A_WORKBOOK)
        return main

    def rows(self, sheet: str) -> Iterator[Row]:
        """Gives the rows of a sheet in which something is written."""
        if not self._package.has(sheet):
            return
        reader = Sheet(self._texts.texts, self._styles.styles, since_1904=self._since_1904)
        broken = None
        pieces = self._package.streamed(sheet, reader, limit=MAX_UNPACKED_BYTES)
        while not reader.done and broken is None:
            try:
                if next(pieces, reader) is reader:
                    break
            except UnreadableError as unreadable:
                broken = unreadable
            # What was read before it broke off was read.
            while reader.rows:
                number, cells = reader.rows.popleft()
                if any(cell.strip() for cell in cells.values()):
                    width = max(cells) + 1
                    yield Row(number, [bare(cells.get(at, "")) for at in range(width)], b"")
        if broken is not None and not reader.done:
            raise broken


class _Book:
    """Reads the list of sheets; hidden ones hold lists and what nobody means to send."""

    done = False

    def __init__(self) -> None:
        self.sheets: list[str] = []
        self.since_1904 = False

    def begin(self, name: str, attributes: dict[str, str]) -> None:
        """Takes the beginning of an element."""
        if name == "sheet" and attributes.get("state", "visible") == "visible":
            relation = [value for key, value in attributes.items() if key.endswith(":id")]
            self.sheets += relation[:1]
        elif name == "workbookPr":
            self.since_1904 = attributes.get("date1904", "0") in {"1", "true"}

    def text(self, text: str) -> None:
        """Takes nothing: the list has no text."""

    def end(self, name: str) -> None:
        """Takes nothing."""


class _Relations:
    """Reads which part stands for what: id to kind and place."""

    done = False

    def __init__(self) -> None:
        self.found: dict[str, tuple[str, str]] = {}

    def begin(self, name: str, attributes: dict[str, str]) -> None:
        """Takes the beginning of an element."""
        if name == "Relationship" and attributes.get("TargetMode") != "External":
            kind = attributes.get("Type", "").rpartition("/")[2]
            self.found[attributes.get("Id", "")] = (kind, attributes.get("Target", ""))

    def text(self, text: str) -> None:
        """Takes nothing: relations have no text."""

    def end(self, name: str) -> None:
        """Takes nothing."""


def _path(folder: str, target: str) -> str:
    """Gives the name of a part; a place that begins with a slash is told from the root."""
    if target.startswith("/"):
        return target[1:]
    return f"{folder}/{target}".removeprefix("/").removeprefix("./")
