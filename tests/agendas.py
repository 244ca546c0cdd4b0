"""Agendas for tests: a door of an invented practice, and what a reader says of a payload."""

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from slotengine.adapters.agenda import Agenda, AgendaDoor, AgendaPart, AgendaReader
from slotengine.adapters.agenda_csv import CsvAgenda
from slotengine.adapters.base import Warned, Whereabouts
from slotengine.adapters.lines import Payload
from slotengine.domain import Location, TimeWindow

PARIS = ZoneInfo("Europe/Paris")
WINDOW = TimeWindow(
    start=datetime(2026, 10, 19, tzinfo=PARIS), end=datetime(2026, 12, 19, tzinfo=PARIS)
)
COMMUNES = {"36046": "la chatre", "44114": "orvault"}
DOCTOR, COLLEAGUE = "10000000001", "10000000002"


class Known:
    """Knows two communes, by code or by name."""

    def locate(self, said: Whereabouts) -> tuple[Location | None, tuple[Warned, ...]]:
        if said.lat is not None and said.lon is not None:
            return Location(lat=said.lat, lon=said.lon, insee=said.insee), ()
        names = {name: code for code, name in COMMUNES.items()}
        bare = (said.city or "").lower().replace("â", "a")
        code = said.insee if said.insee in COMMUNES else names.get(bare)
        return (None if code is None else Location(lat=46.58, lon=1.98, insee=code)), ()


def door(**changes: Any) -> AgendaDoor:
    given = {"name": "cabinet", "territory": "giennois", "zone": PARIS, "geocoder": Known()}
    return AgendaDoor(**{**given, **changes})


def parts(reader: AgendaReader, payload: str | bytes, **changes: Any) -> list[AgendaPart]:
    data = payload.encode() if isinstance(payload, str) else payload
    window = changes.pop("window", WINDOW)
    return list(reader.read(Payload(data), door=door(**changes), window=window))


def read(reader: AgendaReader, payload: str | bytes, **changes: Any) -> Agenda:
    data = payload.encode() if isinstance(payload, str) else payload
    window = changes.pop("window", WINDOW)
    at = door(**changes)
    return Agenda.of(at.name, reader.read(Payload(data), door=at, window=window))


def table(*rows: str, header: str) -> Agenda:
    return read(CsvAgenda(), "\n".join([header, *rows]))


def faults(agenda: Agenda) -> list[tuple[str, str]]:
    return [(one.field, one.kind.value) for one in agenda.rejected]


def hours(agenda: Agenda) -> list[str]:
    """Gives the starts and ends by the clock in Paris."""
    return [
        f"{slot.start.astimezone(PARIS):%d/%m %H:%M}-{slot.end.astimezone(PARIS):%H:%M}"
        for slot in sorted(agenda.slots, key=lambda one: (one.start, one.id))
    ]
