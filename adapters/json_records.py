"""
Records as JSON: an array, one object, or one object a line.

Lines are read as a stream. An array or a single object is held in memory (``MAX_DOCUMENT_BYTES``)
and cut into its elements first, so that a bad element costs itself only.
"""

import json
import re
from collections.abc import Iterator
from datetime import datetime

from slotengine.adapters.base import (
    MAX_COLUMNS,
    MAX_DOCUMENT_BYTES,
    MAX_JSON_DEPTH,
    MAX_RECORDS,
    PAYLOAD,
    WHOLE,
    Door,
    Intake,
)
from slotengine.adapters.fields import DROPPED, LISTS, Raw, field_of
from slotengine.adapters.kinds import Kind
from slotengine.adapters.lines import BOM, Lines, Payload, decoded
from slotengine.adapters.record import Spot, translate
from slotengine.adapters.scalars import BadValue
from slotengine.errors import ReferralFormatError

Element = tuple[int, str | Kind]
"""The line on which a record begins, and its text or its fault."""

# Possessive, and a string without an end is a token too: nothing is ever read twice.
_STRING = r'"[^"\\]*+(?:\\.[^"\\]*+)*+(?:"|\\?\Z)'
_STRUCTURE = re.compile(_STRING + r"|[\[\]{}]", re.DOTALL)
_SCALAR = re.compile(r"(?:" + _STRING + r'|[^,\[\]{}"]++)++', re.DOTALL)
_GAP = re.compile(r"[\s,]*")


class _Object(tuple[tuple[str, object], ...]):
    """The members of a JSON object in their order, repeated names included."""

    __slots__ = ()


class JsonFormat:
    """Reads JSON and JSON Lines."""

    name = "json"

    def claims(self, head: bytes) -> bool:
        """Tells JSON by its first bracket."""
        return head.removeprefix(BOM).lstrip()[:1] in {b"{", b"["}

    def read(
        self, payload: Payload, *, door: Door, adapter: str, now: datetime
    ) -> Iterator[Intake]:
        """Gives one ``Intake`` for each element or line."""
        for record, (line, found) in enumerate(_elements(payload, adapter), 1):
            spot = Spot(adapter, record, line)
            if record > MAX_RECORDS:
                yield spot.rejected(PAYLOAD, Kind.TOO_LARGE)
                return
            try:
                fields = _fields(found) if isinstance(found, str) else found
            except BadValue as bad:
                yield spot.rejected(bad.field, bad.kind)
                continue
            if isinstance(fields, Kind):
                yield spot.rejected(WHOLE, fields)
            else:
                yield translate(fields, spot, door=door, now=now)


def _elements(payload: Payload, adapter: str) -> Iterator[Element]:
    """Tells the three forms apart by the first two lines, then cuts into records."""
    head = payload.head().removeprefix(BOM)
    first, second = [*(line for line in head.splitlines() if line.strip()), b"", b""][:2]
    first, second = first.strip(), second.strip()
    if not first:
        raise ReferralFormatError(adapter, PAYLOAD, Kind.EMPTY)
    one_a_line = first.startswith(b"{") and first.endswith(b"}")
    # No line inside an object begins with a brace, so a second line that does is a record.
    if not first.startswith(b"[") and (one_a_line or second.startswith(b"{")):
        yield from _by_line(Lines(payload))
        return
    data = payload.whole(MAX_DOCUMENT_BYTES)
    if data is None:
        raise ReferralFormatError(adapter, PAYLOAD, Kind.TOO_LARGE)
    document = decoded(data.removeprefix(BOM)) or ""
    text = document.strip()
    line = 1 + document[: len(document) - len(document.lstrip())].count("\n")
    if text.startswith("["):
        yield from _array(text, line)
        return
    if not text.startswith("{"):
        raise ReferralFormatError(adapter, PAYLOAD, Kind.NOT_JSON)
    members = _members(text)
    if isinstance(members, Kind):
        raise ReferralFormatError(adapter, PAYLOAD, members)
    yield line, text


def _by_line(lines: Lines) -> Iterator[Element]:
    for line in lines:
        if not line.blank:
            yield line.number, line.fault or decoded(line.data) or Kind.BAD_ENCODING


def _array(text: str, line: int) -> Iterator[Element]:
    """
    Gives the elements of an array as texts, each with the line on which it begins.

    Where the brackets don't match, nothing tells where the next element begins: the rest is one
    fault.
    """
    end = 0
    at = _after_gap(text, 1)
    while at < len(text) and text[at] != "]":
        line += text.count("\n", end, at)
        begin, found = at, _end_of_element(text, at)
        if found is None:
            yield line, Kind.BROKEN_JSON
            return
        yield line, text[begin:found]
        line += text.count("\n", begin, found)
        end = found
        at = _after_gap(text, end)
    if at != len(text) - 1:
        # Cut off before its end, or followed by something else: what is missing is unknown.
        yield line, Kind.BROKEN_JSON


def _after_gap(text: str, at: int) -> int:
    gap = _GAP.match(text, at)
    return at if gap is None else gap.end()


def _end_of_element(text: str, at: int) -> int | None:
    if text[at] not in "[{":
        scalar = _SCALAR.match(text, at)
        return None if scalar is None else scalar.end()
    depth = 0
    for token in _STRUCTURE.finditer(text, at):
        if token[0] in "[{":
            depth += 1
        elif token[0] in "]}":
            depth -= 1
            if depth == 0:
                return token.end()
    return None


def _depth(text: str) -> int:
    depth = deepest = 0
    for token in _STRUCTURE.finditer(text):
        depth += (token[0] in "[{") - (token[0] in "]}")
        deepest = max(deepest, depth)
    return deepest


def _members(text: str) -> _Object | Kind:
    """Gives the members of one object's text, or what is wrong with it."""
    if _depth(text) > MAX_JSON_DEPTH:
        return Kind.TOO_DEEP
    try:
        # Repeated names must be seen, and NaN and Infinity are no JSON.
        value = json.loads(text, object_pairs_hook=_Object, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        return Kind.BROKEN_JSON
    return value if isinstance(value, _Object) else Kind.NOT_AN_OBJECT


def _no_constant(_: str) -> None:
    raise ValueError("not JSON")


def _fields(text: str) -> dict[str, Raw] | Kind:
    """Gives the known members by field; raises ``BadValue`` for a member that can't be one."""
    members = _members(text)
    if isinstance(members, Kind):
        return members
    if len(members) > MAX_COLUMNS:
        return Kind.TOO_MANY
    fields: dict[str, Raw] = {}
    dropped: list[str] = []
    for name, value in members:
        field = field_of(name)
        if field == DROPPED:
            dropped.append(value if isinstance(value, str) else str(value))
        elif field is not None and value is not None:
            if field in fields:
                raise BadValue(field, Kind.DUPLICATE_FIELD)
            fields[field] = _raw(field, value)
    if dropped:
        fields[DROPPED] = tuple(dropped)
    return fields


def _raw(field: str, value: object) -> Raw:
    """Gives a member as the text that a table would hold."""
    if isinstance(value, str):
        return value
    if isinstance(value, int | float) and not isinstance(value, bool):
        return repr(value)
    if isinstance(value, list) and field in LISTS and all(isinstance(v, str | int) for v in value):
        return tuple(str(item) for item in value)
    raise BadValue(field, Kind.WRONG_TYPE)
