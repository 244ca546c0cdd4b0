"""Records as JSON: an array, one object, or one object a line, with the fields of a table."""

from collections.abc import Iterable, Iterator
from datetime import datetime

from slotengine.adapters.base import (
    MAX_COLUMNS,
    MAX_RECORDS,
    PAYLOAD,
    WHOLE,
    Door,
    Intake,
    Part,
)
from slotengine.adapters.fields import DROPPED, LISTS, Raw, field_of
from slotengine.adapters.json_texts import elements, members
from slotengine.adapters.kinds import Kind
from slotengine.adapters.lines import BOM, Payload
from slotengine.adapters.record import translate
from slotengine.adapters.scalars import BadValue
from slotengine.adapters.spot import Spot


class JsonFormat:
    """Reads JSON and JSON Lines."""

    name = "json"
    suffix = "jsonl"

    def claims(self, head: bytes) -> bool:
        """Tells JSON by its first bracket."""
        return head.removeprefix(BOM).lstrip()[:1] in {b"{", b"["}

    def read(self, payload: Payload, *, door: Door, adapter: str, now: datetime) -> Iterator[Part]:
        """Gives one ``Part`` for each element or line."""
        for record, (line, found) in enumerate(elements(payload, adapter), 1):
            spot = Spot(adapter, record, line)
            if record > MAX_RECORDS:
                yield Part(spot.rejected(PAYLOAD, Kind.TOO_LARGE))
                return
            # A kind is a text too, so it is asked for first.
            if isinstance(found, Kind):
                yield Part(spot.rejected(WHOLE, found))
            else:
                # "Surrogates" of a broken text are kept as they came.
                raw = found.encode(errors="surrogatepass")
                yield Part(_said(found, spot, door=door, now=now), raw)

    def joined(self, parts: Iterable[bytes], *, head: bytes) -> bytes:
        """Gives one record a line, each without its line breaks."""
        del head
        return b"".join(b" ".join(part.splitlines()) + b"\n" for part in parts)


def _said(text: str, spot: Spot, *, door: Door, now: datetime) -> Intake:
    try:
        fields = _fields(text)
    except BadValue as bad:
        return spot.rejected(bad.field, bad.kind)
    if isinstance(fields, Kind):
        return spot.rejected(WHOLE, fields)
    return translate(fields, spot, door=door, now=now)


def _fields(text: str) -> dict[str, Raw] | Kind:
    """Gives the known members by field; raises ``BadValue`` for a member that can't be one."""
    found = members(text)
    if isinstance(found, Kind):
        return found
    if len(found) > MAX_COLUMNS:
        return Kind.TOO_MANY
    fields: dict[str, Raw] = {}
    dropped: list[str] = []
    for name, value in found:
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
