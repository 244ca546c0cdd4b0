"""
A workbook as it lies in its archive: opened under limits, its parts read as streams.

Nothing is unpacked to disk and no part is held as a tree: what a part costs is known before it is
opened, and a document type, an entity or a reference outside ends the reading.
"""

import io
import re
import zipfile
from collections.abc import Iterator
from typing import Protocol
from xml.sax import SAXException
from xml.sax.handler import ContentHandler

from slotengine.adapters.base import CHUNK_BYTES, MAX_DOCUMENT_BYTES, MAX_PAYLOAD_BYTES
from slotengine.adapters.kinds import Kind
from slotengine.adapters.lines import Payload

ZIP_MARK = b"PK\x03\x04"
OLD_MARK = bytes.fromhex("d0cf11e0a1b11ae1")
"""How the container of old and of encrypted office files begins (MS-CFB 2.2)."""

MAX_ENTRIES = 1_000
"""Files in one archive; a workbook of ten sheets has some 40. Our choice."""

MAX_UNPACKED_BYTES = MAX_PAYLOAD_BYTES
"""Bytes that a workbook may unpack to: as many as a stream of text may have."""

MAX_STRINGS_BYTES = 64 * 1024 * 1024
"""Bytes of the table of texts, the one part that is held in memory. Our choice."""

MAX_SMALL_BYTES = 4 * 1024 * 1024
"""Bytes of the parts that only describe: sheets, styles, relations. Our choice."""

MAX_RATIO = 200
"""
Unpacked over packed bytes; tables reach 10 to 50, bombs 1,000. Our choice.
"""

RATIO_FROM_BYTES = 1024 * 1024
"""Unpacked bytes from which the ratio counts: a small part may well be all alike. Our choice."""

_ENTRY_MARK = b"PK\x01\x02"
_ENCRYPTED_BIT = 1
_ENCRYPTED_NAME = "EncryptedPackage".encode("utf-16-le")
_OLD_NAMES = tuple(name.encode("utf-16-le") for name in ("Workbook", "Book"))
_PLAIN = frozenset({zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED})
_PREFIX = re.compile(r"^.*:")


class UnreadableError(Exception):
    """A workbook, or the rest of it, can't be read; caught where it becomes an answer."""

    def __init__(self, kind: Kind) -> None:
        super().__init__(kind)
        self.kind = kind


class Reader(Protocol):
    """Takes the elements of a part; says when it has had enough."""

    done: bool

    def begin(self, name: str, attributes: dict[str, str]) -> None:
        """Takes the beginning of an element, named without its prefix."""

    def text(self, text: str) -> None:
        """Takes a piece of text."""

    def end(self, name: str) -> None:
        """Takes the end of an element."""


class Package:
    """The parts of a workbook."""

    def __init__(self, payload: Payload) -> None:
        """
        Opens an archive.

        Raises
        ------
        UnreadableError
            When it is none, is encrypted, or unpacks to more than is allowed.
        """
        data = payload.whole(MAX_DOCUMENT_BYTES)
        if data is None:
            raise UnreadableError(Kind.TOO_LARGE)
        if data.startswith(OLD_MARK):
            raise UnreadableError(_old_kind(data))
        # Asked before the list of entries is read: each of them costs memory.
        if data.count(_ENTRY_MARK) > MAX_ENTRIES:
            raise UnreadableError(Kind.TOO_LARGE)
        try:
            self._archive = zipfile.ZipFile(io.BytesIO(data))
            entries = self._archive.infolist()
        except Exception:  # noqa: BLE001 - a damaged archive fails in many ways
            raise UnreadableError(Kind.BROKEN_WORKBOOK) from None
        if any(entry.flag_bits & _ENCRYPTED_BIT for entry in entries):
            raise UnreadableError(Kind.ENCRYPTED)
        # The archive is never read beyond the sizes that it states, so they can be believed.
        unpacked = sum(entry.file_size for entry in entries)
        if len(entries) > MAX_ENTRIES or unpacked > MAX_UNPACKED_BYTES or any(map(_bomb, entries)):
            raise UnreadableError(Kind.TOO_LARGE)
        self._entries = {entry.filename.lower(): entry for entry in entries}

    def has(self, name: str) -> bool:
        """Tells whether there is such a part; case does not count in names of parts."""
        return name.lower() in self._entries

    def read(self, name: str, reader: Reader, *, limit: int) -> None:
        """Hands a whole part to a reader; raises what ``streamed`` raises."""
        for _ in self.streamed(name, reader, limit=limit):
            pass

    def streamed(self, name: str, reader: Reader, *, limit: int) -> Iterator[None]:
        """
        Hands a part to a reader, and gives way after each piece of it.

        Raises
        ------
        UnreadableError
            When it is absent, damaged, too large, or declares what we don't resolve.
        """
        from defusedxml import DefusedXmlException
        from defusedxml.sax import make_parser

        entry = self._entries.get(name.lower())
        if entry is None or entry.compress_type not in _PLAIN:
            raise UnreadableError(Kind.BROKEN_WORKBOOK)
        if entry.file_size > limit:
            raise UnreadableError(Kind.TOO_LARGE)
        parser = make_parser()
        parser.forbid_dtd = True
        parser.setContentHandler(_Elements(reader))
        try:
            with self._archive.open(entry) as part:
                while piece := part.read(CHUNK_BYTES):
                    parser.feed(piece)
                    yield
                    if reader.done:
                        return
                parser.close()
        except DefusedXmlException:
            raise UnreadableError(Kind.FORBIDDEN_XML) from None
        except (SAXException, OSError, EOFError, ValueError, zipfile.BadZipFile):
            raise UnreadableError(Kind.BROKEN_WORKBOOK) from None
        except UnreadableError:
            raise
        except Exception:  # noqa: BLE001 - what unpacks may fail in its own ways (zlib.error)
            raise UnreadableError(Kind.BROKEN_WORKBOOK) from None


class _Elements(ContentHandler):
    """Names without their prefixes: one workbook writes ``row``, another ``x:row``."""

    def __init__(self, reader: Reader) -> None:
        super().__init__()
        self._reader = reader
        # Asked for each of millions of elements.
        self.characters = reader.text  # type: ignore[assignment, method-assign]  # its own

    def startElement(self, name: str, attrs: object) -> None:  # noqa: N802 - the parser's name
        local = name if ":" not in name else _PREFIX.sub("", name)
        attributes = attrs._attrs  # type: ignore[attr-defined]  # noqa: SLF001 - no copy for each
        self._reader.begin(local, attributes)

    def endElement(self, name: str) -> None:  # noqa: N802 - the parser's name
        self._reader.end(name if ":" not in name else _PREFIX.sub("", name))


def _bomb(entry: zipfile.ZipInfo) -> bool:
    return entry.file_size > RATIO_FROM_BYTES and entry.file_size > MAX_RATIO * max(
        entry.compress_size, 1
    )


def _old_kind(data: bytes) -> Kind:
    if _ENCRYPTED_NAME in data:
        return Kind.ENCRYPTED
    return Kind.OLD_WORKBOOK if any(name in data for name in _OLD_NAMES) else Kind.NOT_A_WORKBOOK
