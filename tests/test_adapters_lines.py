"""Lines of what does not end: little is kept, and everything is counted."""

from collections.abc import Iterator
from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest

from slotengine.adapters import Cancel, Kind, Rejected, lines
from slotengine.adapters.agenda import AgendaDoor
from slotengine.adapters.agenda_fhir import FhirAgenda
from slotengine.adapters.lines import Lines, Payload
from slotengine.adapters.registry import format_named
from slotengine.adapters.sources import SourceAdapter
from slotengine.domain import TimeWindow
from slotengine.testing import NOW, ready_door

LIMIT = 1_000
LINE = 100
PIECE = 50
"""Two of them may be read beyond the limit."""


class Pieces:
    """Pieces of ten bytes, as far as anybody takes them."""

    def __init__(self, count: int, piece: bytes = b"x" * 10) -> None:
        self.taken = 0
        self._count = count
        self._piece = piece

    def __iter__(self) -> Iterator[bytes]:
        for _ in range(self._count):
            self.taken += 1
            yield self._piece


def faults(pieces: Pieces, monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, Kind | None]]:
    monkeypatch.setattr(lines, "MAX_PAYLOAD_BYTES", LIMIT)
    monkeypatch.setattr(lines, "CHUNK_BYTES", PIECE)
    return [(line.number, line.fault) for line in Lines(pieces, max_line_bytes=LINE)]


def test_a_line_without_an_end_is_not_read_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    pieces = Pieces(1_000_000)
    assert faults(pieces, monkeypatch) == [(1, Kind.TOO_LONG), (2, Kind.TOO_LARGE)]
    assert pieces.taken == (LIMIT + 2 * PIECE) // 10 + 1


def test_a_long_line_of_exactly_the_limit_costs_itself_only(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert faults(Pieces((LIMIT + 2 * PIECE) // 10), monkeypatch) == [(1, Kind.TOO_LONG)]


def test_many_short_lines_end_at_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    found = faults(Pieces(1_000_000, b"xxxxxxxxx\n"), monkeypatch)
    assert found[-2:] == [(100, None), (101, Kind.TOO_LARGE)]


@pytest.mark.parametrize("size", [1, 2, 3, 7, 100])
def test_lines_are_cut_alike_from_every_size_of_pieces(size: int) -> None:
    text = b"a\r\nbb\rccc\n\r\n\n" + b"d" * LINE + b"\re" + b"f" * LINE + b"\r\ng\r"
    pieces = [text[at : at + size] for at in range(0, len(text), size)]
    found = [line.fault or line.data for line in Lines(pieces, max_line_bytes=LINE + 1)]
    long = b"d" * LINE + b"\r"
    assert found == [b"a\r\n", b"bb\r", b"ccc\n", b"\r\n", b"\n", long, Kind.TOO_LONG, b"g\r"]


def test_no_line_that_the_limit_cuts_off_passes_for_a_whole_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for size in range(40, 60):
        found = faults(
            Pieces(100, b"1;2;3;4;5;6;7;8;9\n"[:17] * 2 + b"\n" * (size - 34)), monkeypatch
        )
        assert found[-1][1] is Kind.TOO_LARGE
        assert all(fault is None for _, fault in found[:-1])


def test_a_line_too_long_is_no_text_to_any_format_of_json(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("slotengine.adapters.fhir.MAX_DOCUMENT_BYTES", LIMIT)
    request = (
        '{"resourceType": "ServiceRequest", "identifier": [{"value": "%s"}], "status": "revoked"}'
    )
    payload = "\n".join(request % name for name in ("a", "b" * LIMIT, "c")).encode()
    parts = list(SourceAdapter(ready_door(), format_named("fhir")).parts(payload, now=NOW))
    first, second, third = (part.intake for part in parts)
    assert isinstance(first, Cancel)
    assert isinstance(third, Cancel)
    assert isinstance(second, Rejected)
    assert (second.record, second.line, second.kind) == (2, 2, Kind.TOO_LONG)
    assert parts[1].raw == b""


def test_a_line_too_long_is_no_text_to_an_agenda(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("slotengine.adapters.agenda_fhir.MAX_DOCUMENT_BYTES", LIMIT)
    slot = '{"resourceType": "Slot", "id": "%s"}'
    payload = "\n".join(slot % name for name in ("a", "b" * LIMIT, "c")).encode()
    window = TimeWindow(start=NOW, end=NOW + timedelta(days=1))
    door = AgendaDoor(name="cabinet", territory="giennois", zone=ZoneInfo("Europe/Paris"))
    first, *_ = FhirAgenda().read(Payload(payload), door=door, window=window)
    (fault,) = first.items
    assert isinstance(fault, Rejected)
    assert (fault.record, fault.line, fault.kind) == (2, 2, Kind.TOO_LONG)
    assert first.raw == b""
