"""Payloads of HL7 v2 cut into messages: one, many one after another, or a batch file."""

import re
from collections.abc import Iterator

from slotengine.adapters.base import PAYLOAD
from slotengine.adapters.kinds import Kind
from slotengine.adapters.lines import BOM, Lines, Payload
from slotengine.errors import ReferralFormatError

MAX_MESSAGE_BYTES = 4 * 1024 * 1024
"""Bytes of one message: a letter of some pages inside it, and more. Our choice."""

START, END = b"\x0b", b"\x1c"
"""VT and FS around a message (HL7, transport specification: MLLP, release 1)."""

FRAMING = START + END + b"\x1a"
"""What MLLP (VT, FS) and DOS (SUB) put around messages that were saved to a file."""

_BLANK = b" \t\r\n"
_HEADER = re.compile(rb"(?:MSH|FHS|BHS)(?:[!-/:-@\[-`{-~]|\s*\Z)")
_ENVELOPE = re.compile(rb"(?:FHS|BHS|BTS|FTS)(?:[!-/:-@\[-`{-~]|\s*\Z)")

Found = tuple[int, bytes | Kind]
"""The line on which a message begins, and its bytes or its fault."""


def begins_like_hl7(head: bytes) -> bool:
    """Tells HL7 v2 by its first segment: a message, or the header of a file or batch."""
    return bool(_HEADER.match(bare(head)))


def bare(data: bytes) -> bytes:
    """Gives a message without what may stand before its header: a BOM, blanks, framing."""
    return data.removeprefix(BOM).lstrip(_BLANK + FRAMING)


def messages(payload: Payload, adapter: str) -> Iterator[Found]:
    """
    Gives each message; its segments end with CR, whatever they ended with.

    Raises
    ------
    ReferralFormatError
        When the payload is empty or begins with anything else.
    """
    head = payload.head()
    if not bare(head):
        raise ReferralFormatError(adapter, PAYLOAD, Kind.EMPTY)
    if not begins_like_hl7(head):
        raise ReferralFormatError(adapter, PAYLOAD, Kind.NOT_HL7)
    held = _Held()
    for line in Lines(payload, max_line_bytes=MAX_MESSAGE_BYTES):
        text = line.data.strip(b"\r\n").strip(FRAMING)
        if line.fault is not None:
            held.fault = Kind.TOO_LARGE
            held.line = held.line or line.number
        elif _ENVELOPE.match(text):
            yield from held.ended()
        elif _HEADER.match(text):
            yield from held.ended()
            held.line = line.number
            held.add(text)
        elif held.line:
            held.add(text)
    yield from held.ended()


class _Held:
    """The message whose end has not been seen yet."""

    def __init__(self) -> None:
        self._reset()

    def _reset(self) -> None:
        self.line = 0
        self.fault: Kind | None = None
        self._segments: list[bytes] = []
        self._bytes = 0

    def add(self, segment: bytes) -> None:
        self._bytes += len(segment) + 1
        if self._bytes > MAX_MESSAGE_BYTES:
            self.fault = Kind.TOO_LARGE
            self._segments.clear()
        elif segment and self.fault is None:
            self._segments.append(segment)

    def ended(self) -> Iterator[Found]:
        """Gives the message that ends here, if there is one."""
        if self.line:
            yield self.line, self.fault or b"\r".join([*self._segments, b""])
        self._reset()
