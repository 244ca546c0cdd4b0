"""Agendas as Excel workbooks: the rows of the intake's reader, read as those of a table."""

from collections.abc import Iterator
from datetime import datetime

from slotengine.adapters.agenda import AgendaDoor, AgendaItem, AgendaPart, Coverage, days_of
from slotengine.adapters.agenda_csv import news
from slotengine.adapters.agenda_fields import column_of
from slotengine.adapters.agenda_record import translate
from slotengine.adapters.base import MAX_RECORDS, PAYLOAD, WHOLE
from slotengine.adapters.kinds import Kind
from slotengine.adapters.lines import Payload
from slotengine.adapters.spot import Spot
from slotengine.adapters.tabular_cells import SPREADSHEET_ERRORS
from slotengine.adapters.tabular_xlsx import XlsxFormat, table
from slotengine.domain import Slot, TimeWindow


class XlsxAgenda:
    """Reads the first sheet whose header names a start."""

    name = "xlsx"

    def claims(self, head: bytes) -> bool:
        """Tells a workbook as the intake does."""
        return XlsxFormat().claims(head)

    def read(
        self, payload: Payload, *, door: AgendaDoor, window: TimeWindow
    ) -> Iterator[AgendaPart]:
        """Gives one part for each row in which something is written."""
        del window
        header, rows = table(payload, self.name, _fits)
        columns = [column_of(name) for name in header]
        seen: set[str] = set()
        said: dict[object, AgendaItem] = {}
        starts: list[datetime] = []
        for record, row in enumerate(rows, 1):
            spot = Spot(self.name, record, row.number)
            if isinstance(row.cells, Kind) or record > MAX_RECORDS:
                kind = row.cells if isinstance(row.cells, Kind) else Kind.TOO_LARGE
                yield AgendaPart((spot.rejected(PAYLOAD, kind),))
                return
            texts = _texts(columns, row.cells)
            if isinstance(texts, Kind):
                yield AgendaPart((spot.rejected(WHOLE, texts),), row.raw)
                continue
            part = translate(texts, spot, door=door, raw=row.raw, seen=seen)
            found = [item.start for item in part.items if isinstance(item, Slot)]
            starts = [min([*starts, *found]), max([*starts, *found])] if found else starts
            yield AgendaPart(tuple(news(part.items, said)), part.raw, part.assumed)
        if starts:
            yield AgendaPart((Coverage(window=days_of(starts[0], starts[1], door.zone)),))


def _fits(names: list[str]) -> bool:
    known = [name for name in map(column_of, names) if name is not None]
    return "start" in known and len(known) == len(set(known))


def _texts(columns: list[str | None], cells: list[str]) -> dict[str, str] | Kind:
    """Gives the cells of the known columns; a formula that failed is no value."""
    named = {name: cell for name, cell in zip(columns, cells, strict=False) if name is not None}
    if any(cell.strip().upper() in SPREADSHEET_ERRORS for cell in named.values()):
        return Kind.SPREADSHEET_ERROR
    return named
