"""A place in a JSON document that knows its path, for whoever has to mend what stands there."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from slotengine.adapters.fields import DROPPED
from slotengine.adapters.json_texts import Json
from slotengine.adapters.kinds import Kind

MAX_ITEMS = 200
"""Patients, decisions or contacts of one case; more is a disaster plan, or a fault. Our choice."""


class BadNode(Exception):  # noqa: N818 - not an error of the caller: it never leaves this room
    """A place that can't be read; caught where the record becomes ``Rejected``."""

    def __init__(self, path: str, kind: Kind) -> None:
        super().__init__(path, kind)
        self.path = path
        self.kind = kind


@dataclass(frozen=True, slots=True)
class Node:
    """A value and its path; absent and ``null`` are the same."""

    value: Json = field(repr=False)
    path: str

    def at(self, *names: str) -> "Node":
        """Gives the member of that name, of that one the next."""
        found = self
        for name in names:
            if found.value is not None and not isinstance(found.value, dict):
                raise BadNode(found.path, Kind.WRONG_TYPE)
            path = f"{found.path}.{name}" if found.path else name
            found = Node(None if found.value is None else found.value.get(name), path)
        return found

    def items(self) -> Iterator["Node"]:
        """Gives what stands in a list; a single object in its place counts as one."""
        if self.value is None:
            return
        if not isinstance(self.value, list):
            yield self
            return
        if len(self.value) > MAX_ITEMS:
            raise BadNode(self.path, Kind.TOO_MANY)
        for index, value in enumerate(self.value):
            yield Node(value, f"{self.path}[{index}]")

    @property
    def text(self) -> str | None:
        """Gives a text, or a number as it was written; blank is absent."""
        value = self.value
        if value is None:
            return None
        if isinstance(value, str):
            return value.strip() or None
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise BadNode(self.path, Kind.WRONG_TYPE)
        return repr(value)

    def __bool__(self) -> bool:
        return self.value is not None


@dataclass(slots=True)
class Found:
    """The fields of a record and where each was found."""

    fields: dict[str, str | tuple[str, ...]] = field(default_factory=dict, repr=False)
    paths: dict[str, str] = field(default_factory=dict)

    def take(self, name: str, node: Node, *, value: str | None = None) -> str | None:
        """
        Notes what a place says as a field, or ``value`` in its stead; the first one stays.

        Where nothing stands the place is noted all the same, for whoever has to put it there.
        """
        said = node.text
        self.paths.setdefault(name, node.path)
        if said is None or name in self.fields:
            return None
        self.fields[name] = said if value is None else value
        self.paths[name] = node.path
        return said

    def forget(self, texts: tuple[str, ...]) -> None:
        """Notes what identifies a patient and has no field."""
        if texts:
            self.fields[DROPPED] = texts
