"""Bytes from outside, as physical lines in bounded memory and as text."""

import codecs
import re
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain
from typing import BinaryIO

from slotengine.adapters.base import CHUNK_BYTES, MAX_LINE_BYTES, MAX_PAYLOAD_BYTES
from slotengine.adapters.kinds import Kind

BOM = b"\xef\xbb\xbf"
"""The UTF-8 byte order mark that spreadsheets put before the first line."""

WIDE_MARKS = {codecs.BOM_UTF16_LE: "utf-16-le", codecs.BOM_UTF16_BE: "utf-16-be"}
"""The marks of what Excel calls Unicode text."""

UTF_8, WINDOWS, MAC = "utf-8", "cp1252", "mac_roman"

NO_TEXT = b"\x81"
"""A byte that is a sign neither in UTF-8 nor in Windows-1252: what it stands in has no encoding."""

_SPARE_PIECES = 2
"""Read beyond the limit: of UTF-16 a piece is longer, and the line it breaks off in must show."""

_ENDS = re.compile(rb"[\r\n]")
_SURROGATES = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Line:
    """A physical line with its number from 1; with a fault it has no data."""

    number: int
    data: bytes
    fault: Kind | None = None

    @property
    def blank(self) -> bool:
        """Tells whether nothing stands in the line."""
        return self.fault is None and not self.data.strip()


class Payload:
    """
    The bytes of a payload, piece by piece and once, after a look at its beginning.

    What begins with the mark of UTF-16 is given as UTF-8, after a mark of its own.
    """

    def __init__(self, source: bytes | BinaryIO) -> None:
        self._pieces = _as_utf8(_pieces(source))
        self._head = b""

    def head(self, size: int = CHUNK_BYTES) -> bytes:
        """Gives the first ``size`` bytes or some more, without taking them; less is everything."""
        held, missing = [self._head], size - len(self._head)
        while missing > 0 and (piece := next(self._pieces, b"")):
            held.append(piece)
            missing -= len(piece)
        self._head = b"".join(held) if len(held) > 1 else self._head
        return self._head

    def __iter__(self) -> Iterator[bytes]:
        if head := self.head():
            yield head
        yield from self._pieces

    def whole(self, limit: int) -> bytes | None:
        """Gives everything, or None when that is more than ``limit`` bytes."""
        held = bytearray()
        for piece in self:
            held += piece
            if len(held) > limit:
                return None
        return bytes(held)


def _pieces(source: bytes | BinaryIO) -> Iterator[bytes]:
    if isinstance(source, bytes):
        for start in range(0, len(source), CHUNK_BYTES):
            yield source[start : start + CHUNK_BYTES]
        return
    while chunk := source.read(CHUNK_BYTES):
        yield chunk


def _as_utf8(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """Gives UTF-16 as UTF-8, and everything else as it came; never an empty piece."""
    first = b""
    while len(first) < len(codecs.BOM_UTF16_LE) and (piece := next(pieces, b"")):
        first += piece
    encoding = WIDE_MARKS.get(first[: len(codecs.BOM_UTF16_LE)])
    if encoding is not None:
        yield BOM
        pieces = _narrowed(chain((first[len(codecs.BOM_UTF16_LE) :],), pieces), encoding)
    elif first:
        yield first
    yield from filter(None, pieces)


def _narrowed(pieces: Iterable[bytes], encoding: str) -> Iterator[bytes]:
    """Gives UTF-8; what is half a sign becomes a byte that makes its line unreadable."""
    decoder = codecs.getincrementaldecoder(encoding)("surrogatepass")
    for piece in pieces:
        yield _narrow(decoder.decode(piece))
    try:
        yield _narrow(decoder.decode(b"", final=True))
    except UnicodeDecodeError:
        yield NO_TEXT


def _narrow(text: str) -> bytes:
    return NO_TEXT.join(part.encode() for part in _SURROGATES.split(text))


def _numbered(pieces: Iterable[bytes], max_line_bytes: int) -> Iterator[bytes]:
    """Cuts pieces into lines ended by LF, CR LF or CR; a line too long is cut, not kept."""
    held: list[bytes] = []
    size = 0
    for piece in pieces:
        if not _ENDS.search(piece) and not (held and held[-1].endswith(b"\r")):
            # Put together only once the line ends: each time, a long line would cost its square.
            if size <= max_line_bytes:
                held.append(piece)
                size += len(piece)
            continue
        parts = b"".join((*held, piece)).splitlines(keepends=True)
        # The last one may go on in the next piece, and so may a CR whose LF is still to come.
        held = [] if parts[-1].endswith(b"\n") else [parts.pop()]
        size = sum(map(len, held))
        yield from parts
    if held:
        yield b"".join(held)


class Lines(Iterator[Line]):
    """The lines of a payload; lines that were taken too early can be given back."""

    def __init__(self, pieces: Iterable[bytes], *, max_line_bytes: int = MAX_LINE_BYTES) -> None:
        self._lines = self._read(pieces, max_line_bytes)
        self._back: deque[Line] = deque()

    def __next__(self) -> Line:
        return self._back.popleft() if self._back else next(self._lines)

    def give_back(self, lines: list[Line]) -> None:
        """Puts lines back in front, in their order."""
        self._back.extendleft(reversed(lines))

    def next_written(self) -> Line | None:
        """Gives the next line that is not blank, or None at the end."""
        return next((line for line in self if not line.blank), None)

    @staticmethod
    def _read(pieces: Iterable[bytes], max_line_bytes: int) -> Iterator[Line]:
        total = 0
        number = 0
        bounded = _Bounded(pieces, MAX_PAYLOAD_BYTES + _SPARE_PIECES * CHUNK_BYTES)
        for number, data in enumerate(_numbered(bounded, max_line_bytes), 1):
            total += len(data)
            if total > MAX_PAYLOAD_BYTES:
                yield Line(number, b"", Kind.TOO_LARGE)
                return
            if len(data) > max_line_bytes:
                yield Line(number, b"", Kind.TOO_LONG)
            else:
                yield Line(number, data.removeprefix(BOM) if number == 1 else data)
        if bounded.exceeded:
            yield Line(number + 1, b"", Kind.TOO_LARGE)


class _Bounded:
    """Pieces up to a limit: of a line without an end little is kept, but all of it is counted."""

    def __init__(self, pieces: Iterable[bytes], limit: int) -> None:
        self._pieces = pieces
        self._left = limit
        self.exceeded = False

    def __iter__(self) -> Iterator[bytes]:
        for piece in self._pieces:
            self._left -= len(piece)
            if self._left < 0:
                self.exceeded = True
                return
            yield piece


def encoding_of(data: bytes, fallback: str = WINDOWS) -> str | None:
    """
    Gives the encoding of a line: UTF-8, else ``fallback``, else None.

    Line by line, because one bad line must not sink a file: French text in Windows-1252 is next
    to never valid UTF-8.
    """
    for encoding in (UTF_8, fallback):
        try:
            data.decode(encoding)
        except UnicodeDecodeError:
            continue
        return encoding
    return None


def decoded(data: bytes, fallback: str = WINDOWS) -> str | None:
    """Gives UTF-8 text, else ``fallback`` (default Windows-1252), else None."""
    for encoding in (UTF_8, fallback):
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    return None
