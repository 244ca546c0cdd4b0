"""
HL7 v2 as text: bytes to characters, separators, escapes, segments and fields by their numbers.

By hand and lazily, not with ``hl7`` 0.4.5 (last released in 2022): that one builds every field of
every segment before one is asked for, fails with ``AssertionError`` and ``IndexError`` on broken
separators, and decodes escapes through a logging call that Python has deprecated. It is the tests'
second opinion.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Self

from slotengine.adapters.base import Warned
from slotengine.adapters.kinds import Kind
from slotengine.adapters.lines import decoded

CHARSETS: Mapping[str, str] = {
    **dict.fromkeys(("UNICODE UTF-8", "UTF-8", "UTF8", "UNICODE"), "utf-8"),
    # What is labelled Latin-1 in Europe is Windows-1252 as soon as it has an œ (WHATWG Encoding).
    **dict.fromkeys(("8859/1", "ISO-8859-1", "ISO 8859-1", "WINDOWS-1252"), "cp1252"),
    **dict.fromkeys(("8859/15", "ISO-8859-15"), "iso8859-15"),
}
"""MSH-18 (HL7 table 0211) to a codec; ``ASCII`` and what is not listed say nothing of an accent."""

DEFAULT_MARKS = "^~\\&"
"""MSH-2 where it is short of a sign (HL7 2.5, chapter 2)."""

NULL = '""'
"""What a sender writes to delete a value: nothing is said."""

MAX_ESCAPE_CHARS = 200
"""Characters of one escape sequence; a longer one is text. Our choice."""

_ENDS = re.compile(r"[\r\n]+")
_NAME = re.compile(r"[A-Z][A-Z0-9]{2}")
_HEX = re.compile(r"(?:[0-9A-Fa-f]{2})+")
_FORMATTING = re.compile(r"\.[a-z]{2}[+-]?[0-9]*")
_HIGHLIGHTING = re.compile(r"[HN]|[CM][0-9A-Fa-f]{4,6}|Z[^\\]*")


@dataclass(frozen=True, slots=True)
class Marks:
    """The separators that a message names in MSH-1 and MSH-2."""

    field: str = "|"
    component: str = "^"
    repetition: str = "~"
    escape: str = "\\"
    sub: str = "&"
    truncation: str = ""
    codec: str = "utf-8"

    @classmethod
    def of(cls, header: str, codec: str) -> Self | None:
        """Reads them from an MSH segment; None when they are letters, blanks or one another."""
        field = header[3:4]
        written = header[4:].split(field, 1)[0] if field else ""
        signs = written + DEFAULT_MARKS[len(written) :]
        allowed = all(sign.isascii() and sign.isprintable() for sign in field + signs)
        plain = any(sign.isalnum() or sign.isspace() for sign in field + signs)
        # A fifth sign marks truncation (HL7 2.7); a sixth is none.
        known = len(DEFAULT_MARKS) <= len(signs) <= len(DEFAULT_MARKS) + 1
        if not field or not written or not allowed or plain or not known:
            return None
        if len({field, *signs}) != 1 + len(signs):
            return None
        component, repetition, escape, sub = list(signs[: len(DEFAULT_MARKS)])
        truncation = signs[len(DEFAULT_MARKS) :]
        return cls(field, component, repetition, escape, sub, truncation, codec)

    def unescaped(self, text: str) -> str:
        """
        Gives a text without its escape sequences.

        What is not one, or never ends, is text: many senders forget to escape.
        """
        if self.escape not in text:
            return text
        pieces = text.split(self.escape)
        found = [pieces[0]]
        at = 1
        while at < len(pieces):
            meant = self._meant(pieces[at]) if at + 1 < len(pieces) else None
            if meant is None:
                found += [self.escape, pieces[at]]
                at += 1
            else:
                found += [meant, pieces[at + 1]]
                at += 2
        return "".join(found)

    def _meant(self, code: str) -> str | None:
        """Gives what stands between two escape signs, None for what is no sequence."""
        marks = self.field, self.component, self.repetition, self.escape, self.sub, self.truncation
        signs = dict(zip("FSRETP", marks, strict=True))
        if code in signs:
            return signs[code]
        if not code or len(code) > MAX_ESCAPE_CHARS:
            return None
        if code[0] == "X" and _HEX.fullmatch(code, 1):
            return bytes.fromhex(code[1:]).decode(self.codec, errors="replace")
        if _FORMATTING.fullmatch(code):
            return " "
        return "" if _HIGHLIGHTING.fullmatch(code) else None

    def escaped(self, text: str) -> str:
        """Gives a text with its separators and control signs written as escape sequences."""
        signs = self.escape, self.field, self.component, self.repetition, self.sub
        codes = dict(zip(signs, "EFSRT", strict=True))
        return "".join(
            f"{self.escape}{codes[sign]}{self.escape}"
            if sign in codes
            else sign
            if sign.isprintable()
            else f"{self.escape}X{sign.encode(self.codec, 'replace').hex().upper()}{self.escape}"
            for sign in text
        )


@dataclass(frozen=True, slots=True)
class Composite:
    """One repetition of a field: its components and their parts, numbered from 1."""

    raw: str
    marks: Marks
    number: int = 1

    def part(self, component: int = 1, sub: int = 1) -> str:
        """Gives a text without escapes and blanks around it, empty where nothing stands."""
        components = self.raw.split(self.marks.component)
        if component > len(components):
            return ""
        subs = components[component - 1].split(self.marks.sub)
        text = subs[sub - 1].strip() if sub <= len(subs) else ""
        return "" if text == NULL else self.marks.unescaped(text).strip()


@dataclass(frozen=True, slots=True)
class Segment:
    """One segment: ``number`` counts those of its name, from 1."""

    name: str
    number: int
    fields: tuple[str, ...]
    marks: Marks

    def repetitions(self, field: int) -> tuple[Composite, ...]:
        """Gives the repetitions of a field that say something."""
        raw = self.raw(field)
        if not raw or raw == NULL:
            return ()
        parts = enumerate(raw.split(self.marks.repetition), 1)
        return tuple(Composite(part, self.marks, number) for number, part in parts if part)

    def raw(self, field: int) -> str:
        """Gives a field as it is written."""
        return self.fields[field] if field < len(self.fields) else ""

    def text(self, field: int, component: int = 1, sub: int = 1) -> str:
        """Gives a part of the first repetition of a field, empty where nothing stands."""
        found = self.repetitions(field)
        return found[0].part(component, sub) if found else ""

    def path(self, field: int, repetition: int = 1) -> str:
        """Says where a field stands: ``PID-7``, ``PID-3[2]``, ``DG1[2]-3``."""
        name = self.name if self.number == 1 else f"{self.name}[{self.number}]"
        return f"{name}-{field}" if repetition == 1 else f"{name}-{field}[{repetition}]"


@dataclass(frozen=True, slots=True)
class Message:
    """One message, cut into segments; what a segment holds is read when it is asked for."""

    marks: Marks
    segments: tuple[Segment, ...]
    warnings: tuple[Warned, ...] = ()

    @classmethod
    def of(cls, data: bytes) -> Self | Kind:
        """Cuts a message into segments, or says what is wrong with it as a whole."""
        header = _header(data)
        marks = Marks.of(header, "utf-8")
        if marks is None:
            return Kind.BAD_SEPARATORS
        label = _charset(header, marks)
        text, codec, warnings = _characters(data, label)
        if text is None:
            return Kind.BAD_ENCODING
        marks = Marks.of(header, codec) or marks
        return cls(marks, tuple(_segments(text, marks)), warnings)

    @property
    def header(self) -> Segment:
        """The MSH segment."""
        return self.segments[0]

    def all(self, name: str) -> tuple[Segment, ...]:
        """Gives the segments of a name, in their order."""
        return tuple(segment for segment in self.segments if segment.name == name)

    def one(self, name: str) -> Segment:
        """Gives the first segment of a name, or an empty one."""
        found = self.all(name)
        return found[0] if found else Segment(name, 1, (), self.marks)


def charset_of(data: bytes) -> str:
    """Gives what a message says of its characters, as it says it; empty where it says nothing."""
    header = _header(data)
    marks = Marks.of(header, "utf-8")
    return "" if marks is None else _charset(header, marks)


def _header(data: bytes) -> str:
    return data.split(b"\r", 1)[0].split(b"\n", 1)[0].decode("latin-1")


def _charset(header: str, marks: Marks) -> str:
    """Gives what MSH-18 says; official samples lack a separator before it."""
    fields = header.split(marks.field)
    # MSH-1 is the separator itself, so field n stands at n - 1.
    near = (fields[number - 1] for number in (18, 17) if number <= len(fields))
    labels = [field.split(marks.repetition)[0].strip().upper() for field in near]
    return next((label for label in labels if label in CHARSETS), "")


def _characters(data: bytes, label: str) -> tuple[str | None, str, tuple[Warned, ...]]:
    """Gives the text, the codec that it was read with, and a doubt where the label was wrong."""
    codec = CHARSETS.get(label)
    if codec is None:
        text = decoded(data)
        return text, "utf-8" if text is not None and _is_utf8(data) else "cp1252", ()
    # Latin-1 has five signs that Windows-1252 leaves open; they are control signs.
    for tried in (codec, *(("latin-1",) if codec == "cp1252" else ())):
        try:
            return data.decode(tried), tried, ()
        except UnicodeDecodeError:
            continue
    return decoded(data), "cp1252", (Warned(field="record", kind=Kind.BAD_ENCODING),)


def _is_utf8(data: bytes) -> bool:
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _segments(text: str, marks: Marks) -> Iterator[Segment]:
    """Gives the segments; a line without a name is the rest of a broken one, and is left out."""
    counts: dict[str, int] = {}
    for line in _ENDS.split(text):
        name, *fields = line.split(marks.field)
        if not _NAME.fullmatch(name):
            continue
        counts[name] = counts.get(name, 0) + 1
        # In MSH the separator between name and second field is itself the first field.
        first = (name, marks.field) if name == "MSH" else (name,)
        yield Segment(name, counts[name], (*first, *fields), marks)
