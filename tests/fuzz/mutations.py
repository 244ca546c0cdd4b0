"""Ways to bend an input: by its bytes, and by what it is made of."""

import io
import json
import re
import zipfile
from random import Random
from typing import Any

from slotengine.testing_abuse import mutated

MAX_BYTES = 400_000
"""Of one input: what is longer only takes longer. Our choice."""

VALUES: tuple[Any, ...] = (
    None, True, 0, -1, 1e308, 10**400, "", " ", "\0", "\ud800", "é", "x" * 5_000, [], {}, [[]],
    [None], {"": None}, "2026-02-30", "0000-00-00", "9999-12-31T23:59:59.999+14:00", "P999Y", "#",
    "0001-01-01T00:00:00+14:00", "1e5", "NaN", "٣", "24:00", "urn:oid:", "Patient/", "|", "-0",
    "2026-11-23T09:00:00Z", "2026-10-25T02:30:00", "279035121518989",
)  # fmt: skip
MARKS = re.compile(rb"[|^~&\\;,:=\"\r\n\t]")
DEEP = 5_000


def changed(data: bytes, draw: Random, others: list[bytes]) -> bytes:
    """Gives an input bent one to three times."""
    for _ in range(draw.choice((1, 1, 2, 3))):
        data = draw.choice(_ways(data))(data, draw, others)[:MAX_BYTES]
    return data


def _ways(data: bytes) -> tuple[Any, ...]:
    """Gives what can be done to an input of its kind; what is usual stands there more often."""
    if data.startswith(b"PK"):
        return (_members, _members, _bytes)
    start = data.lstrip(b"\xef\xbb\xbf \r\n\t")[:1]
    if start in {b"{", b"["}:
        return (_json, _json, _json, _bytes, _spliced)
    return (_marks, _marks, _lines, _lines, _cells, _bytes, _spliced)


def _bytes(data: bytes, draw: Random, _: list[bytes]) -> bytes:
    return mutated(data, draw)


def _spliced(data: bytes, draw: Random, others: list[bytes]) -> bytes:
    other = draw.choice(others)
    cut = draw.randrange(len(data) + 1)
    return data[:cut] + other[draw.randrange(len(other) + 1) :]


def _marks(data: bytes, draw: Random, _: list[bytes]) -> bytes:
    """Exchanges, doubles or drops separators and escapes."""
    found = [one.start() for one in MARKS.finditer(data)]
    if not found:
        return mutated(data, draw)
    made = bytearray(data)
    for at in sorted(draw.sample(found, min(len(found), draw.randint(1, 3))), reverse=True):
        sign = draw.choice((b"", b"|", b"^", b"\\", b"\\X0D\\", b'"', b";", b"\r", b"\n", b"\\E"))
        made[at : at + 1] = sign * draw.choice((1, 1, 2, 200))
    return bytes(made)


def _lines(data: bytes, draw: Random, others: list[bytes]) -> bytes:
    """Shuffles, doubles, drops or borrows lines and segments."""
    lines = data.splitlines(keepends=True) or [b""]
    at = draw.randrange(len(lines))
    kind = draw.randrange(5)
    if kind == 0:
        lines.insert(at, draw.choice(lines))
    elif kind == 1:
        del lines[at]
    elif kind == 2:
        draw.shuffle(lines)
    elif kind == 3:
        lines[at:at] = [lines[at]] * draw.choice((2, 50, 500))
    else:
        lines.insert(at, draw.choice(draw.choice(others).splitlines(keepends=True) or [b""]))
    return b"".join(lines)


def _cells(data: bytes, draw: Random, _: list[bytes]) -> bytes:
    """Puts an odd value between two separators."""
    found = [one.end() for one in MARKS.finditer(data)]
    if not found:
        return data
    start = draw.choice(found)
    end = MARKS.search(data, start)
    value = draw.choice(VALUES)
    text = (value if isinstance(value, str) else str(value)[:400]).encode(errors="surrogatepass")
    return data[:start] + text + data[end.start() if end else len(data) :]


def _json(data: bytes, draw: Random, others: list[bytes]) -> bytes:
    """Drops, doubles, replaces, nests, moves or blows up members of a document."""
    try:
        document = json.loads(data)
    except (ValueError, RecursionError):
        lines = data.split(b"\n")
        at = draw.randrange(len(lines))
        try:
            json.loads(lines[at])
        except (ValueError, RecursionError):
            return mutated(data, draw)
        lines[at] = _json(lines[at], draw, others)
        return b"\n".join(lines)
    places = list(_places(document)) if isinstance(document, dict | list) else []
    if not places:
        return json.dumps(draw.choice(VALUES)).encode()
    holder, key = draw.choice(places)
    kind = draw.randrange(7)
    if kind == 0:
        del holder[key]
    elif kind == 1:
        other, name = draw.choice(places)
        holder[key] = other[name]
    elif kind == 2:
        holder[key] = [holder[key]]
    elif kind == 3 and isinstance(holder, list):
        holder *= draw.choice((2, 60))
    elif kind == 4 and isinstance(holder, dict):
        holder[draw.choice(("", "id", "resourceType", "reference", "value", "x" * 999))] = (
            draw.choice(VALUES)
        )
    else:
        holder[key] = draw.choice(VALUES)
    text = _written(document)
    if text and kind == 5:
        text = text.replace(b'""', b"[" * DEEP, 1)
    return text or data


def _written(document: object) -> bytes:
    try:
        return json.dumps(document).encode()
    except (ValueError, RecursionError):
        return b""  # a member was moved into itself


def _places(value: Any) -> Any:
    stack = [value]
    seen: set[int] = set()
    while stack:
        holder = stack.pop()
        if id(holder) in seen:
            continue
        seen.add(id(holder))
        named = holder.items() if isinstance(holder, dict) else enumerate(holder)
        for key, one in list(named):
            yield holder, key
            if isinstance(one, dict | list):
                stack.append(one)


def _members(data: bytes, draw: Random, others: list[bytes]) -> bytes:
    """Bends, drops, doubles or blows up the members of an archive."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as opened:
            members = {name: opened.read(name) for name in opened.namelist()}
    except Exception:  # noqa: BLE001 - an archive that was bent before is bent as bytes
        return mutated(data, draw)
    if not members:
        return mutated(data, draw)
    name = draw.choice(sorted(members))
    kind = draw.randrange(6)
    if kind == 0:
        del members[name]
    elif kind == 1:
        members[name] = draw.choice(list(members.values()))
    elif kind == 2:
        members[name] = members[name] + b" " * 3_000_000
    elif kind == 3:
        members[name] = b"<a>" * DEEP
    elif kind == 4:
        members[name] = _marks(members[name].replace(b"<", b"\n<"), draw, others)
    else:
        members[name] = _digits(members[name], draw)
    file = io.BytesIO()
    with zipfile.ZipFile(
        file, "w", draw.choice((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED))
    ) as made:
        for one, content in members.items():
            made.writestr(one, content)
    return file.getvalue()


def _digits(data: bytes, draw: Random) -> bytes:
    """Replaces a number or a word: references of cells, counts, kinds, dates."""
    found = list(re.finditer(rb"[0-9A-Za-z.]+", data))
    if not found:
        return data
    one = draw.choice(found)
    said = (b"0", b"-1", b"99999999999", b"1E400", b"NaN", b"ZZZZ9", b"A0", b"s", b"d", b"e", b"")
    return data[: one.start()] + draw.choice(said) + data[one.end() :]
