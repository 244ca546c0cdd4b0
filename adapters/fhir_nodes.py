"""
A JSON object of FHIR with its path: read member by member, nothing taken for granted.

Senders leave a list out where one item stands; whatever else is of another type than FHIR says
refuses its record, because a priority that can't be read must not become a default.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from slotengine.adapters.json_texts import Json
from slotengine.adapters.kinds import Kind

MAX_ITEMS = 1_000
"""Items of one list inside a resource (identifiers, names, extensions). Our choice."""


class MisreadError(Exception):
    """Something inside a record that can't be read; caught where it becomes ``Rejected``."""

    def __init__(self, path: str, kind: Kind, name: str | None = None) -> None:
        super().__init__(path, kind, name)
        self.path = path
        self.field = name
        self.kind = kind

    @property
    def member(self) -> str:
        """The last member of the path, without its index."""
        return self.path.rpartition(".")[2].partition("[")[0]


class Coding(NamedTuple):
    """A code with its system; empty texts where nothing is said."""

    system: str
    code: str
    display: str
    chosen: bool


@dataclass(frozen=True, slots=True)
class Node:
    """
    An object and where it stands, as in ``entry[3].resource``; the root's path is empty.

    Shows no value.
    """

    value: Mapping[str, Json] = field(repr=False)
    path: str = ""

    @property
    def type(self) -> str:
        """The resource's type, or an empty text."""
        found = self.value.get("resourceType")
        return found if isinstance(found, str) else ""

    def at(self, name: str) -> str:
        """Gives the path of a member, there or not."""
        return f"{self.path}.{name}" if self.path else name

    def has(self, name: str) -> bool:
        """Tells whether a member says anything."""
        return self.value.get(name) not in (None, "", [], {})

    def text(self, name: str) -> str | None:
        """Gives a text, or None where there is none."""
        found = self.value.get(name)
        if found is None:
            return None
        if not isinstance(found, str):
            raise MisreadError(self.at(name), Kind.WRONG_TYPE)
        return found.strip() or None

    def texts(self, name: str) -> tuple[str, ...]:
        """Gives a list of texts, empty ones left out."""
        found = self.value.get(name)
        if found is None:
            return ()
        items: list[Json] = found if isinstance(found, list) else [found]
        self._bounded(name, items)
        if not all(item is None or isinstance(item, str) for item in items):
            raise MisreadError(self.at(name), Kind.WRONG_TYPE)
        return tuple(item.strip() for item in items if isinstance(item, str) and item.strip())

    def flag(self, name: str) -> bool | None:
        """Gives true, false or None."""
        found = self.value.get(name)
        if found is None or isinstance(found, bool):
            return found
        raise MisreadError(self.at(name), Kind.WRONG_TYPE)

    def number(self, name: str) -> str | None:
        """Gives a number as it would stand in a table; text that holds one passes too."""
        found = self.value.get(name)
        if found is None or isinstance(found, str):
            return found or None
        if isinstance(found, bool) or not isinstance(found, int | float):
            raise MisreadError(self.at(name), Kind.WRONG_TYPE)
        return repr(found)

    def child(self, name: str) -> "Node | None":
        """Gives an object; of a list, the first."""
        return next(iter(self.each(name)), None)

    def each(self, name: str) -> "tuple[Node, ...]":
        """Gives the objects of a list, or the one object that stands in its place."""
        found = self.value.get(name)
        if found is None:
            return ()
        if isinstance(found, dict):
            return (Node(found, self.at(name)),)
        if not isinstance(found, list):
            raise MisreadError(self.at(name), Kind.WRONG_TYPE)
        self._bounded(name, found)
        return tuple(self._items(name, found))

    def _bounded(self, name: str, items: list[Json]) -> None:
        if len(items) > MAX_ITEMS:
            raise MisreadError(self.at(name), Kind.TOO_MANY)

    def _items(self, name: str, items: list[Json]) -> "Iterator[Node]":
        for index, item in enumerate(items):
            where = f"{self.at(name)}[{index}]"
            if isinstance(item, dict):
                yield Node(item, where)
            elif item is not None:
                raise MisreadError(where, Kind.WRONG_TYPE)

    def codings(self) -> tuple[Coding, ...]:
        """Gives the codings of a CodeableConcept, or the object itself where it is a Coding."""
        own = (self,) if self.has("code") and not self.has("coding") else self.each("coding")
        return tuple(
            Coding(
                one.text("system") or "",
                one.text("code") or "",
                one.text("display") or "",
                one.flag("userSelected") or False,
            )
            for one in own
        )

    def extensions(self, *words: str) -> "tuple[Node, ...]":
        """
        Gives the extensions whose URL ends with or holds one of some words, whatever the case.

        Canonical URLs are mixed in the field: the same extension has moved house twice.
        """
        return tuple(
            one
            for one in self.each("extension")
            if any(word in (one.text("url") or "").casefold() for word in words)
        )
