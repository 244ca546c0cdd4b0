"""
JSON from outside, cut into records before it is parsed: a bad one costs itself only.

Lines are read as a stream. An array or a single object is held in memory
(``MAX_DOCUMENT_BYTES``). Every format that is JSON reads through here.
"""

import json
import re
from collections.abc import Iterator

from slotengine.adapters.base import (
    MAX_DOCUMENT_BYTES,
    MAX_JSON_DEPTH,
    MAX_LINE_BYTES,
    PAYLOAD,
)
from slotengine.adapters.kinds import Kind
from slotengine.adapters.lines import BOM, Lines, Payload, decoded
from slotengine.errors import ReferralFormatError

_TELLING_LINES = 2
"""Lines that tell the forms of JSON apart."""

_AROUND_A_LINE = len(BOM) + len(b"\r\n")
"""Bytes of a line beside its object: one that fits only without them is looked at as a whole."""

Element = tuple[int, str | Kind]
"""The line on which a record begins, and its text or its fault."""

Json = None | bool | int | float | str | list["Json"] | dict[str, "Json"]
"""What JSON can say."""

# Possessive, and a string without an end is a token too: nothing is ever read twice.
_STRING = r'"[^"\\]*+(?:\\.[^"\\]*+)*+(?:"|\\?\Z)'
_STRUCTURE = re.compile(_STRING + r"|[\[\]{}]", re.DOTALL)
_SCALAR = re.compile(r"(?:" + _STRING + r'|[^,\[\]{}"]++)++', re.DOTALL)
_LINE = re.compile(rb"[^\r\n]++")
_GAP = re.compile(r"[\s,]*")


class Members(tuple[tuple[str, object], ...]):
    """The members of a JSON object in their order, repeated names included."""

    __slots__ = ()


def elements(
    payload: Payload,
    adapter: str,
    *,
    max_depth: int = MAX_JSON_DEPTH,
    max_line_bytes: int = MAX_LINE_BYTES,
) -> Iterator[Element]:
    """
    Tells the three forms apart by the first two lines, then cuts into records.

    A first line longer than ``max_line_bytes`` is a record of its own or the only one: everything
    is looked at then.

    Raises
    ------
    ReferralFormatError
        When the payload is empty, no JSON, too large, or one broken object.
    """
    first, second = _first_lines(payload, max_line_bytes)
    if not first:
        raise ReferralFormatError(adapter, PAYLOAD, Kind.EMPTY)
    if not first.startswith(b"[") and _by_lines(first, second, max_line_bytes):
        yield from _by_line(Lines(payload, max_line_bytes=max_line_bytes))
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
    if len(text) > max_line_bytes and _end_of_element(text, 0) != len(text):
        # Not one object: lines of which the first is too long, or one that is cut off.
        if "\n" not in text:
            raise ReferralFormatError(adapter, PAYLOAD, Kind.BROKEN_JSON)
        yield from _by_line(Lines((data,), max_line_bytes=max_line_bytes))
        return
    found = members(text, max_depth=max_depth)
    if isinstance(found, Kind):
        raise ReferralFormatError(adapter, PAYLOAD, found)
    yield line, text


def _first_lines(payload: Payload, max_line_bytes: int) -> tuple[bytes, bytes]:
    """Gives the first two lines that are not blank, as far as lines may go."""
    # Two lines, their ends and a mark: what is longer is no line.
    head = payload.head()
    if head.count(b"\n") < _TELLING_LINES:
        head = payload.head(_TELLING_LINES * (max_line_bytes + 1))
    # Line by line: a head of megabytes is not copied for its first words.
    lines = (found[0].removeprefix(BOM).strip() for found in _LINE.finditer(head))
    written = filter(None, lines)
    return next(written, b""), next(written, b"")


def _by_lines(first: bytes, second: bytes, max_line_bytes: int) -> bool:
    fits = len(first) + _AROUND_A_LINE <= max_line_bytes
    one_a_line = first.startswith(b"{") and first.endswith(b"}") and fits
    # No line inside an object begins with a brace, so a second line that does is a record.
    return one_a_line or second.startswith(b"{")


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


def members(text: str, *, max_depth: int = MAX_JSON_DEPTH) -> Members | Kind:
    """Gives the members of one object's text, or what is wrong with it."""
    if _depth(text) > max_depth:
        return Kind.TOO_DEEP
    try:
        # Repeated names must be seen, and NaN and Infinity are no JSON.
        value = json.loads(text, object_pairs_hook=Members, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        return Kind.BROKEN_JSON
    return value if isinstance(value, Members) else Kind.NOT_AN_OBJECT


def _no_constant(_: str) -> None:
    raise ValueError("not JSON")


def parsed(text: str, *, max_depth: int) -> dict[str, Json] | Kind:
    """Gives one object's text as a dict, or what is wrong with it; a repeated name is wrong."""
    if _depth(text) > max_depth:
        return Kind.TOO_DEEP
    try:
        value = json.loads(text, object_pairs_hook=_once, parse_constant=_no_constant)
    except _RepeatedNameError:
        return Kind.DUPLICATE_FIELD
    except (ValueError, RecursionError):
        return Kind.BROKEN_JSON
    return value if isinstance(value, dict) else Kind.NOT_AN_OBJECT


class _RepeatedNameError(Exception):
    """Which of two values would be meant nobody can tell."""


def _once(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise _RepeatedNameError
    return found
