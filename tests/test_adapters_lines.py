"""Lines of what does not end: little is kept, and everything is counted."""

from collections.abc import Iterator

import pytest

from slotengine.adapters import Kind, lines
from slotengine.adapters.lines import Lines

LIMIT = 1_000
LINE = 100


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
    return [(line.number, line.fault) for line in Lines(pieces, max_line_bytes=LINE)]


def test_a_line_without_an_end_is_not_read_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    pieces = Pieces(1_000_000)
    assert faults(pieces, monkeypatch) == [(1, Kind.TOO_LONG), (2, Kind.TOO_LARGE)]
    assert pieces.taken == (LIMIT + LINE) // 10 + 1


def test_a_long_line_of_exactly_the_limit_costs_itself_only(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert faults(Pieces((LIMIT + LINE) // 10), monkeypatch) == [(1, Kind.TOO_LONG)]


def test_many_short_lines_end_at_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    found = faults(Pieces(1_000_000, b"xxxxxxxxx\n"), monkeypatch)
    assert found[-2:] == [(100, None), (101, Kind.TOO_LARGE)]
