"""
Agendas as tables: CSV with comma, semicolon or tab, and XLSX through the rows of the intake.

One row is one slot, several (an end and a length), or the same hours week after week. A row is
one line: nothing in an agenda needs a line break inside a cell.
"""

import csv
from collections.abc import Iterator
from datetime import datetime

from slotengine.adapters.agenda import AgendaDoor, AgendaItem, AgendaPart, Coverage, days_of
from slotengine.adapters.agenda_fields import column_of
from slotengine.adapters.agenda_record import translate
from slotengine.adapters.base import MAX_COLUMNS, MAX_RECORDS, PAYLOAD, WHOLE
from slotengine.adapters.kinds import Kind
from slotengine.adapters.lines import Line, Lines, Payload, decoded
from slotengine.adapters.spot import Spot
from slotengine.adapters.tabular import HEADER, SEPARATORS
from slotengine.directory import Role
from slotengine.domain import Practitioner, Site, Slot, TimeWindow
from slotengine.errors import ReferralFormatError

_ANNOUNCED = "sep="


class CsvAgenda:
    """Reads tables with a header line."""

    name = "csv"

    def claims(self, head: bytes) -> bool:
        """Takes whatever no other format wanted: a table has no mark of its own."""
        return bool(head.strip())

    def read(
        self, payload: Payload, *, door: AgendaDoor, window: TimeWindow
    ) -> Iterator[AgendaPart]:
        """Gives one part for each line that is not blank; a person or place is described once."""
        del window
        lines = Lines(payload)
        separator, columns = self._header(lines)
        seen: set[str] = set()
        starts: tuple[datetime, datetime] | None = None
        said: dict[object, AgendaItem] = {}
        for record, line in enumerate((line for line in lines if not line.blank), 1):
            spot = Spot(self.name, record, line.number)
            if record > MAX_RECORDS or line.fault is Kind.TOO_LARGE:
                yield AgendaPart((spot.rejected(PAYLOAD, Kind.TOO_LARGE),), line.data)
                return
            texts = _texts(line, separator, columns)
            if isinstance(texts, Kind):
                yield AgendaPart((spot.rejected(WHOLE, texts),), line.data)
            elif texts:
                part = translate(texts, spot, door=door, raw=line.data, seen=seen)
                for item in part.items:
                    if isinstance(item, Slot):
                        earliest, latest = starts or (item.start, item.start)
                        starts = min(earliest, item.start), max(latest, item.start)
                yield AgendaPart(tuple(news(part.items, said)), part.raw, part.assumed)
        if starts is not None:
            # It speaks for the days that it has rows for, and for no other.
            yield AgendaPart((Coverage(window=days_of(*starts, door.zone)),))

    def _header(self, lines: Lines) -> tuple[str, list[str | None]]:
        text = self._written(lines)
        announced = None
        if text.lower().startswith(_ANNOUNCED) and len(text) == len(_ANNOUNCED) + 1:
            announced = text[-1]
            text = self._written(lines)
        separators = (announced,) if announced in SEPARATORS else SEPARATORS
        tried = [(one, _columns(text, one)) for one in separators]
        # The separator under which most columns make sense; the first one of equals.
        separator, columns = max(tried, key=lambda pair: sum(name is not None for name in pair[1]))
        known = [name for name in columns if name is not None]
        if "start" not in known:
            raise ReferralFormatError(self.name, HEADER, Kind.NO_HEADER)
        if len(known) > len(set(known)):
            raise ReferralFormatError(self.name, HEADER, Kind.DUPLICATE_HEADER)
        return separator, columns

    def _written(self, lines: Lines) -> str:
        line = lines.next_written()
        if line is None:
            raise ReferralFormatError(self.name, PAYLOAD, Kind.EMPTY)
        text = None if line.fault is not None else decoded(line.data)
        if text is None or "\0" in text:
            raise ReferralFormatError(self.name, HEADER, line.fault or Kind.BAD_ENCODING)
        return text.strip("\r\n ")


def _columns(text: str, separator: str) -> list[str | None]:
    cells = _cells(text, separator)
    if isinstance(cells, Kind) or len(cells) > MAX_COLUMNS:
        return []
    return [column_of(name) for name in cells]


def _cells(text: str, separator: str) -> list[str] | Kind:
    try:
        return next(csv.reader([text], delimiter=separator, strict=True), [])
    except csv.Error:
        return Kind.BAD_QUOTES


def _texts(line: Line, separator: str, columns: list[str | None]) -> dict[str, str] | Kind:
    """Gives the cells of the known columns; nothing for a line of empty cells."""
    if line.fault is not None:
        return line.fault
    text = decoded(line.data)
    if text is None:
        return Kind.BAD_ENCODING
    cells = _cells(text.rstrip("\r\n"), separator)
    if isinstance(cells, Kind):
        return cells
    if len(cells) < len(columns) or any(cell.strip() for cell in cells[len(columns) :]):
        return {} if not any(cell.strip() for cell in cells) else Kind.COLUMN_COUNT
    pairs = zip(columns, cells, strict=False)
    return {name: cell for name, cell in pairs if name is not None and cell.strip()}


def news(items: tuple[AgendaItem, ...], said: dict[object, AgendaItem]) -> Iterator[AgendaItem]:
    """Leaves out what was said in the same words before: a doctor has a row for every slot."""
    for item in items:
        if isinstance(item, Practitioner | Site | Role):
            key = item.key if isinstance(item, Role) else (type(item), item.id)
            if said.get(key) == item:
                continue
            said[key] = item
        yield item
