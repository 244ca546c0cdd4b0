"""
Which resources of a document are records: of a Bundle of any type, a message, Parameters, one.

A message is about its focus; a search answers with matches; an appointment made for a request that
came with it says nothing that the request does not, unless it tells how it ended.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import parse_qs, urlsplit

from slotengine.adapters.fhir_appointment import OUTCOMES
from slotengine.adapters.fhir_draft import Message
from slotengine.adapters.fhir_nodes import MisreadError, Node
from slotengine.adapters.fhir_scope import Entry, Scope
from slotengine.adapters.json_texts import Json
from slotengine.adapters.kinds import Kind

RECORDS = frozenset({"ServiceRequest", "Appointment"})
MAX_NESTING = 4
"""Bundles in Bundles in Parameters. Our choice."""

_DELETED = re.compile(r"(ServiceRequest|Appointment)(?:/(?P<id>[A-Za-z0-9\-.]{1,64}))?$")


@dataclass(frozen=True, slots=True)
class Record:
    """A request or an appointment with what came with it; or why there is none, and where."""

    entry: Entry
    scope: Scope
    message: Message
    fault: MisreadError | None = None


def records(document: Node) -> Iterator[Record]:
    """Gives every record of a document in its order; at least one unless nothing was sent."""
    yield from _of(Entry(document), outer=None, message=Message(), depth=0)


def _of(entry: Entry, *, outer: Scope | None, message: Message, depth: int) -> Iterator[Record]:
    kind = entry.resource.type
    if depth > MAX_NESTING:
        yield _faulty(entry, message, entry.resource.path, Kind.TOO_DEEP)
        return
    try:
        if kind == "Bundle":
            found = list(_of_bundle(entry.resource, outer, depth))
        elif kind == "Parameters":
            found = list(_of_parameters(entry.resource, outer, message, depth))
        else:
            scope = outer if outer is not None else Scope((entry,))
            found = [_single(entry, scope, message)]
    except MisreadError as misread:
        found = [_faulty(entry, message, misread.path, misread.kind)]
    yield from found


def _single(entry: Entry, scope: Scope, message: Message) -> Record:
    kind = entry.resource.type
    if kind in RECORDS:
        return Record(entry, scope, message)
    reason = Kind.SENDER_FAULT if kind == "OperationOutcome" else Kind.NOT_A_REFERRAL
    return _faulty(entry, message, entry.resource.at("resourceType"), reason)


def _faulty(entry: Entry, message: Message, path: str, kind: Kind) -> Record:
    return Record(entry, Scope((entry,)), message, MisreadError(path, kind))


def _of_parameters(
    node: Node, outer: Scope | None, message: Message, depth: int
) -> Iterator[Record]:
    held = [one.child("resource") for one in (*node.each("parameter"), *node.each("part"))]
    entries = tuple(Entry(one) for one in held if one is not None)
    scope = Scope(entries, outer)
    yield from _chosen(entries, scope, message, depth, node)


def _of_bundle(bundle: Node, outer: Scope | None, depth: int) -> Iterator[Record]:
    entries, broken = _entries(bundle)
    scope = Scope(entries, outer)
    message, focus, answers = _message(bundle, entries, scope)
    if answers:
        yield _faulty(Entry(bundle), message, bundle.at("entry"), Kind.NOT_A_REFERRAL)
        return
    for path, item in broken:
        alone: dict[str, Json] = {"resourceType": "Bundle", "type": "collection", "entry": [item]}
        yield _faulty(Entry(Node(alone)), Message(), path, Kind.NOT_AN_OBJECT)
    if not entries:
        if not broken and bundle.text("type") != "searchset":
            yield _faulty(Entry(bundle), message, bundle.at("entry"), Kind.NOT_A_REFERRAL)
        return
    told = {id(entry.resource.value) for entry in focus}
    meant = tuple(entry for entry in entries if id(entry.resource.value) in told) or entries
    yield from _chosen(meant, scope, message, depth, bundle)


def _chosen(
    entries: tuple[Entry, ...], scope: Scope, message: Message, depth: int, node: Node
) -> Iterator[Record]:
    found = False
    requests = {id(one.resource.value) for one in entries if one.resource.type == "ServiceRequest"}
    for entry in entries:
        kind = entry.resource.type
        if kind in {"Bundle", "Parameters"}:
            for record in _of(entry, outer=scope, message=message, depth=depth + 1):
                found = True
                yield record
        elif kind in RECORDS and entry.mode != "include":
            found = True
            if not _said_by_its_request(entry, scope, requests):
                yield Record(entry, scope, message)
    if not found:
        said = {entry.resource.type for entry in entries}
        kind_ = Kind.SENDER_FAULT if "OperationOutcome" in said else Kind.NOT_A_REFERRAL
        yield _faulty(Entry(node), message, node.at("entry"), kind_)


def _said_by_its_request(entry: Entry, scope: Scope, requests: set[int]) -> bool:
    if entry.resource.type != "Appointment" or not requests:
        return False
    if entry.resource.value.get("status") in OUTCOMES:
        return False
    try:
        made_for = [scope.find(one, near=entry) for one in entry.resource.each("basedOn")]
    except MisreadError:
        # Read as a record it is told what is wrong with it; here it would sink the others.
        return False
    return any(one is not None and id(one.resource.value) in requests for one in made_for)


def _entries(bundle: Node) -> tuple[tuple[Entry, ...], list[tuple[str, Json]]]:
    """Gives the entries, and what is none with its path; a resource may stand for its entry."""
    said = bundle.value.get("entry")
    if isinstance(said, dict):
        said = [said]
    if said is None:
        said = []
    if not isinstance(said, list):
        raise MisreadError(bundle.at("entry"), Kind.WRONG_TYPE)
    found: list[Entry] = []
    broken: list[tuple[str, Json]] = []
    for index, item in enumerate(said):
        path = f"{bundle.at('entry')}[{index}]"
        entry = _entry(item, path)
        if item is None:
            continue
        if entry is None:
            broken.append((path, item))
        elif entry.resource.value:
            found.append(entry)
    return tuple(found), broken


def _entry(item: Json, path: str) -> Entry | None:
    if not isinstance(item, dict):
        return None
    node = Node(item, path)
    asked = item.get("request")
    ask = Node(asked if isinstance(asked, dict) else {}, node.at("request"))
    held = item.get("resource")
    made = held is None and "resourceType" not in item
    method, url = _said(ask, "method"), _said(ask, "url")
    if held is None and "resourceType" in item:
        # A published sample of a national service has it so.
        resource = node
    elif held is None and method == "DELETE":
        resource = Node(_deleted(url), node.at("request"))
    elif held is None:
        resource = Node({}, path)
    elif isinstance(held, dict):
        resource = Node(held, node.at("resource"))
    else:
        return None
    search = item.get("search")
    mode = _said(Node(search if isinstance(search, dict) else {}, ""), "mode")
    return Entry(resource, _said(node, "fullUrl"), method, url, _said(ask, "ifMatch"), mode, made)


def _said(node: Node, name: str) -> str:
    found = node.value.get(name)
    return found.strip() if isinstance(found, str) else ""


def _deleted(url: str) -> dict[str, Json]:
    """Gives what is deleted by its URL as a resource that is withdrawn."""
    parts = urlsplit(url)
    found = _DELETED.search(parts.path)
    if found is None:
        return {}
    tokens = parse_qs(parts.query).get("identifier", [])
    made: dict[str, Json] = {"resourceType": found[1]}
    made["status"] = "revoked" if found[1] == "ServiceRequest" else "cancelled"
    if found["id"]:
        made["id"] = found["id"]
    made["identifier"] = [{"value": token.rpartition("|")[2]} for token in tokens]
    return made


def _message(
    bundle: Node, entries: tuple[Entry, ...], scope: Scope
) -> tuple[Message, tuple[Entry, ...], bool]:
    """Gives what a message says of itself, what it is about, and whether it answers another."""
    header = next((one for one in entries if one.resource.type == "MessageHeader"), None)
    written = bundle.text("timestamp")
    when = None if written is None else (bundle, written)
    if header is None:
        return Message(_own_id(bundle), when, bundle=bundle), (), False
    node = header.resource
    reason = node.child("reason")
    codes = reason.codings() if reason is not None else ()
    sender = node.child("sender")
    said = Message(
        id=_own_id(bundle) or node.text("id") or bundle.text("id"),
        written=when,
        reason=codes[0].code if codes else "",
        sender=None if sender is None else scope.find(sender, near=header, kind="Organization"),
        header=header,
        bundle=bundle,
    )
    focus = tuple(
        found
        for one in node.each("focus")
        if (found := scope.find(one, near=header)) is not None and found.resource.type in RECORDS
    )
    return said, focus, node.has("response")


def _own_id(bundle: Node) -> str | None:
    identifier = bundle.child("identifier")
    return None if identifier is None else identifier.text("value")
