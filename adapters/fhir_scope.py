"""
The resources that came together, found by whatever refers to them.

A reference is a ``fullUrl``, a ``urn:uuid``, relative (``Patient/7``), contained (``#p``), or only
an identifier (a "logical" one). National samples also leave ``urn:uuid:`` out.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from slotengine.adapters.fhir_nodes import MisreadError, Node
from slotengine.adapters.json_texts import Json

_VERSION = re.compile(r"/_history/[^/]*$")
_TAIL = re.compile(r"(?:^|/)([A-Z][A-Za-z]+/[A-Za-z0-9\-.]{1,64})$")


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry of a Bundle: its resource, and what the sender asks to do with it."""

    resource: Node
    full_url: str = ""
    method: str = ""
    url: str = ""
    if_match: str = ""
    mode: str = ""
    made: bool = False
    """Not sent as a resource: made from what was asked about it."""
    own: bool = True
    """An entry of a Bundle, neither contained in another nor made of an identifier."""


@dataclass(slots=True)
class Scope:
    """Where references of one Bundle are looked up; of a Bundle in another, there too."""

    entries: tuple[Entry, ...]
    outer: "Scope | None" = None
    _by_url: dict[str, Entry] = field(init=False, repr=False, default_factory=dict)
    _by_token: dict[tuple[str, str, str], Entry] | None = field(
        init=False, repr=False, default=None
    )

    def __post_init__(self) -> None:
        for entry in self.entries:
            for name in _names(entry):
                self._by_url.setdefault(name, entry)

    def find(self, reference: Node, *, near: Entry, kind: str = "") -> Entry | None:
        """
        Gives what a reference of a resource means, or None.

        What only an identifier tells of is a resource of that identifier, with the type ``kind``
        where the reference names none.
        """
        literal = reference.text("reference")
        if literal is not None:
            found = self.literal(literal, near)
            if found is not None:
                return found
        identifier = reference.child("identifier")
        if identifier is None or not identifier.has("value"):
            return None
        said = reference.text("type") or kind
        known = self._logical(said, identifier)
        if known is not None:
            return known
        made: dict[str, Json] = {"resourceType": said, "identifier": [dict(identifier.value)]}
        return Entry(Node(made, reference.path), own=False)

    def literal(self, literal: str, near: Entry) -> Entry | None:
        """Gives what a URL, a relative path or a ``#name`` means, here or around, or None."""
        if literal.startswith("#"):
            return _contained(literal[1:], near)
        literal = _VERSION.sub("", literal)
        for name in _readings(literal, near.full_url):
            if name in self._by_url:
                return self._by_url[name]
        return None if self.outer is None else self.outer.literal(literal, near)

    def _logical(self, kind: str, identifier: Node) -> Entry | None:
        if self._by_token is None:
            self._by_token = {
                token: entry for entry in reversed(self.entries) for token in _tokens(entry)
            }
        token = (kind, identifier.text("system") or "", identifier.text("value") or "")
        return self._by_token.get(token)


def _names(entry: Entry) -> Iterable[str]:
    if entry.full_url:
        yield entry.full_url
        tail = _TAIL.search(entry.full_url)
        if tail is not None:
            yield tail[1]
    id_ = _quiet(entry.resource, "id")
    if id_:
        yield f"{_quiet(entry.resource, 'resourceType')}/{id_}"
        yield f"urn:uuid:{id_}"


def _readings(literal: str, full_url: str) -> Iterable[str]:
    """Gives what a literal reference may mean, the likeliest first."""
    tail = _TAIL.search(literal)
    beside = _TAIL.search(full_url)
    if tail is not None and beside is not None and literal == tail[1]:
        yield full_url[: beside.start(1)] + literal
    yield literal
    if tail is not None:
        yield tail[1]
    elif ":" not in literal:
        yield f"urn:uuid:{literal}"


def _contained(id_: str, near: Entry) -> Entry | None:
    if not id_:
        return near
    return next(
        (
            Entry(one, near.full_url, own=False)
            for one in near.resource.each("contained")
            if one.text("id") in {id_, f"#{id_}"}
        ),
        None,
    )


def _tokens(entry: Entry) -> Iterable[tuple[str, str, str]]:
    try:
        for one in entry.resource.each("identifier"):
            if one.has("value"):
                yield entry.resource.type, one.text("system") or "", one.text("value") or ""
    except MisreadError:
        # Somebody else's fault: whoever refers to this resource is told when it is read.
        return


def _quiet(node: Node, name: str) -> str:
    found = node.value.get(name)
    return found if isinstance(found, str) else ""


def tail_of(reference: Node) -> str | None:
    """
    Gives ``Type/id`` of a literal reference, or None.

    Examples
    --------
    >>> tail_of(Node({"reference": "https://a.example/fhir/Patient/7/_history/2"}))
    'Patient/7'
    """
    literal = reference.text("reference") or ""
    tail = _TAIL.search(_VERSION.sub("", literal))
    return None if tail is None else tail[1]
