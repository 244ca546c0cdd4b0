"""Every reader of something from outside, as a function that may raise what it documents only."""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from slotengine.adapters.agenda import Agenda, AgendaDoor
from slotengine.adapters.agenda_formats import parts as agenda_parts
from slotengine.adapters.agenda_formats import readers
from slotengine.adapters.base import Part, Rejected
from slotengine.adapters.hl7v2_ack import ACCEPTED, FAILED, acknowledgements
from slotengine.adapters.iti_find import read_appointment_id, read_find
from slotengine.adapters.lines import Payload
from slotengine.adapters.registry import format_named
from slotengine.adapters.sas_regulators import read_regulator
from slotengine.adapters.sas_search import read_identifier, read_schedule_search, read_slot_search
from slotengine.adapters.sources import SourceAdapter
from slotengine.domain import TimeWindow
from slotengine.errors import ReferralFormatError
from slotengine.testing import NOW, TERRITORY, ready_door

PARIS = ZoneInfo("Europe/Paris")
WINDOW = TimeWindow(start=NOW, end=NOW + timedelta(days=60))
DOOR = AgendaDoor(
    name="cabinet",
    territory=TERRITORY,
    zone=PARIS,
    practitioner="10000000001",
    site="s1",
    minutes=20,
)
SECOND_READING_BYTES = 64 * 1024
"""Rejected records are read again up to this size: the rest would say the same."""


class NotKeptError(Exception):
    """A reader keeps its exceptions but not its promises."""


@dataclass(frozen=True)
class Target:
    """A reader, and how the inputs that it is meant for are told: by the ends of file names."""

    read: Callable[[bytes], None]
    endings: tuple[str, ...]


def _referrals(source: str, format_: str | None) -> Callable[[bytes], None]:
    door = ready_door(source)

    def read(data: bytes) -> None:
        # Made anew: the registry is asked each time, as a host does.
        adapter = SourceAdapter(door, None if format_ is None else format_named(format_))
        try:
            opened = adapter.opened(data)
            parts = list(opened.parts(now=NOW))
        except ReferralFormatError as refused:
            if refused.__cause__ is not None or refused.__context__ is not None:
                raise NotKeptError("the error carries another") from None
            return
        for part in parts:
            part.intake.model_dump_json()
        _numbered(parts)
        rejected = [part.raw for part in parts if isinstance(part.intake, Rejected)]
        again = opened.joined(rejected)
        if rejected and len(again) < SECOND_READING_BYTES:
            try:
                list(SourceAdapter(door, opened.format).parts(again, now=NOW))
            except ReferralFormatError:
                return

    return read


def _numbered(parts: list[Part]) -> None:
    for place, part in enumerate(parts, 1):
        if isinstance(part.intake, Rejected) and part.intake.record != place:
            raise NotKeptError(f"record {place} is called {part.intake.record}")


def _agenda(format_: str | None) -> Callable[[bytes], None]:
    def read(data: bytes) -> None:
        try:
            found = agenda_parts(
                Payload(data), door=DOOR, window=WINDOW, known=readers(), format_=format_
            )
            Agenda.of(DOOR.name, found).model_dump_json()
        except ReferralFormatError as refused:
            if refused.__cause__ is not None or refused.__context__ is not None:
                raise NotKeptError("the error carries another") from None

    return read


def _queries(data: bytes) -> None:
    for line in data.splitlines()[:5]:
        read_slot_search(line, PARIS)
        read_schedule_search(line, PARIS)
        read_identifier(line)


def _answers(data: bytes) -> None:
    at = datetime(2026, 11, 23, 9, tzinfo=UTC)
    for answer in (ACCEPTED, FAILED):
        for one in acknowledgements(data, answer, number="1", at=at):
            if not one.startswith(b"MSH"):
                raise NotKeptError("an answer is no message")


def _documents(data: bytes) -> Iterator[object]:
    try:
        yield json.loads(data)
    except (ValueError, RecursionError):
        return


def _operations(data: bytes) -> None:
    for body in _documents(data):
        found = read_find(body, count="5", zone=PARIS)
        if hasattr(found, "asks") and found.asks is not None:
            _referrals("hospital", "fhir")(found.asks("r-1"))
        read_appointment_id(body)


def _accounts(data: bytes) -> None:
    for body in _documents(data):
        repr(read_regulator(body))


TABLES, JSON = (".csv", ".txt"), (".json", ".ndjson")
TARGETS: Mapping[str, Target] = {
    "csv": Target(_referrals("pharmacy", "csv"), TABLES),
    "xlsx": Target(_referrals("pharmacy", "xlsx"), (".xlsx",)),
    "json": Target(_referrals("pharmacy", "json"), JSON),
    "fhir": Target(_referrals("hospital", "fhir"), JSON),
    "hl7v2": Target(_referrals("hospital", "hl7v2"), (".hl7",)),
    "hubsante": Target(_referrals("samu", "hubsante"), JSON),
    "any": Target(_referrals("practice", None), ("",)),
    "agenda-csv": Target(_agenda("csv"), TABLES),
    "agenda-xlsx": Target(_agenda("xlsx"), (".xlsx",)),
    "agenda-ics": Target(_agenda("ics"), (".ics",)),
    "agenda-fhir": Target(_agenda("fhir"), JSON),
    "directory": Target(_agenda("directory"), (".txt",)),
    "agenda-any": Target(_agenda(None), ("",)),
    "sas-query": Target(_queries, (".query",)),
    "hl7-answer": Target(_answers, (".hl7",)),
    "operations": Target(_operations, (".json",)),
    "accounts": Target(_accounts, (".json",)),
}
