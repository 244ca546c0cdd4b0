"""One record as bytes that can be sent again: its resource with those it refers to, on one line."""

import json
from collections.abc import Iterator

from slotengine.adapters.fhir_bundle import RECORDS, Record
from slotengine.adapters.fhir_nodes import MisreadError, Node
from slotengine.adapters.fhir_scope import Entry, Scope
from slotengine.adapters.json_texts import Json

UNREAD = frozenset({"text", "photo"})
"""Members of a resource that are never read and may be large: narrative and pictures."""

MAX_REFERRED = 64
"""Resources that come with one record. Our choice."""

_REFERRING = (
    *("subject", "encounter", "requester", "performer", "locationReference", "reasonReference"),
    *("replaces", "basedOn", "slot", "participant"),
    *("generalPractitioner", "organization", "practitioner"),
)
"""Members of requests, appointments, patients and roles that are followed."""

_KEPT = ("id", "identifier", "timestamp")
"""What of a Bundle tells one message from another."""


class Rewriter:
    """Writes the records of one document; a resource that many refer to is written once."""

    def __init__(self) -> None:
        self._written: dict[int, tuple[object, str]] = {}

    def line(self, record: Record) -> bytes:
        """
        Gives a minimal Bundle, or the resource itself where nothing came with it.

        Requests and appointments that are only referred to are marked as not meant.
        """
        entry, message = record.entry, record.message
        beside = referred(record)
        if not (beside or message.bundle or message.header or entry.method):
            return _bytes(self._text(entry))
        header = message.header
        above = [one for one in (header, message.sender if header else None) if one is not None]
        others = [one for one in beside if one not in above]
        entries = [
            *(self._entry(one) for one in above),
            self._entry(entry),
            *(self._entry(one, aside=one.resource.type in RECORDS) for one in others),
        ]
        kept = {
            name: message.bundle.value[name]
            for name in _KEPT
            if message.bundle is not None and name in message.bundle.value
        }
        kind = "message" if header else "transaction" if entry.method else "collection"
        start = json.dumps({"resourceType": "Bundle", "type": kind, **kept}, ensure_ascii=False)
        return _bytes(f'{start[:-1]}, "entry": [{", ".join(entries)}]}}')

    def _entry(self, entry: Entry, *, aside: bool = False) -> str:
        said: dict[str, Json] = {}
        if entry.full_url:
            said["fullUrl"] = entry.full_url
        if entry.method and not aside:
            said["request"] = {
                "method": entry.method,
                "url": entry.url,
                **({"ifMatch": entry.if_match} if entry.if_match else {}),
            }
        if aside:
            said["search"] = {"mode": "include"}
        start = json.dumps(said, ensure_ascii=False)
        if entry.made:
            return start
        return f'{start[:-1]}{", " if said else ""}"resource": {self._text(entry)}}}'

    def _text(self, entry: Entry) -> str:
        value = entry.resource.value
        known = self._written.get(id(value))
        if known is None:
            kept = {name: item for name, item in value.items() if name not in UNREAD}
            # The value is kept beside its text: an id may be given to another object.
            known = self._written[id(value)] = value, json.dumps(kept, ensure_ascii=False)
        return known[1]


def withdrawal(reference: str) -> bytes:
    """Gives a withdrawn request of which only the sender's number is known."""
    said = {
        "resourceType": "ServiceRequest",
        "identifier": [{"value": reference}],
        "status": "revoked",
    }
    return json.dumps(said).encode()


def referred(record: Record) -> list[Entry]:
    """Gives what a record refers to, and what that refers to, as far as it is ever read."""
    found = [record.entry]
    seen = {id(record.entry.resource.value)}
    for entry in found:
        for reference in _references(entry.resource):
            one = _found(record.scope, reference, entry)
            if one is not None and one.own and id(one.resource.value) not in seen:
                seen.add(id(one.resource.value))
                found.append(one)
        if len(found) > MAX_REFERRED:
            break
    return found[1 : MAX_REFERRED + 1]


def _references(resource: Node) -> Iterator[Node]:
    for name in _REFERRING:
        said = resource.value.get(name)
        for one in said if isinstance(said, list) else [said]:
            if isinstance(one, dict):
                actor = one.get("actor")
                yield Node(actor if isinstance(actor, dict) else one)


def _found(scope: Scope, reference: Node, near: Entry) -> Entry | None:
    try:
        return scope.find(reference, near=near)
    except MisreadError:
        # What can't be read was told of where it is needed.
        return None


def _bytes(text: str) -> bytes:
    try:
        return text.encode()
    except UnicodeEncodeError:
        # Half a surrogate pair: no UTF-8 holds it, but JSON can name it.
        return "".join(_escaped(sign) for sign in text).encode()


def _escaped(sign: str) -> str:
    return f"\\u{ord(sign):04x}" if "\ud800" <= sign <= "\udfff" else sign
