"""What is being gathered about one record: our fields, where each stood, and doubts."""

from dataclasses import dataclass, field
from datetime import datetime

from slotengine.adapters.base import Door, Warned
from slotengine.adapters.fhir_nodes import Node
from slotengine.adapters.fhir_scope import Entry, Scope
from slotengine.adapters.fields import Raw, plain
from slotengine.adapters.identity import MIN_NAME_CHARS
from slotengine.adapters.kinds import Kind
from slotengine.adapters.scalars import BadValue, instant


@dataclass(frozen=True, slots=True)
class Message:
    """What a message says about itself, beside its resources."""

    id: str | None = None
    written: tuple[Node, str] | None = None
    reason: str = ""
    sender: Entry | None = None
    header: Entry | None = None
    bundle: Node | None = None


@dataclass(slots=True)
class Draft:
    """The fields of one record while they are gathered."""

    entry: Entry
    scope: Scope
    message: Message
    door: Door
    now: datetime
    fields: dict[str, Raw] = field(default_factory=dict, repr=False)
    paths: dict[str, str] = field(default_factory=dict)
    warnings: list[Warned] = field(default_factory=list)
    replaced: list[str] = field(default_factory=list, repr=False)
    """References of requests that this one takes the place of."""
    names: set[str] = field(default_factory=set, repr=False)
    """Words of names that a kept text must not hold."""

    @property
    def root(self) -> Node:
        """The record's own resource."""
        return self.entry.resource

    def put(self, name: str, value: Raw | None, path: str) -> None:
        """Sets a field that was said, and where; a field that was not is expected there too."""
        self.paths[name] = path
        if value:
            self.fields[name] = value

    def warn(self, name: str, kind: Kind) -> None:
        """Notes a doubt that does not stop reading."""
        warned = Warned(field=name, kind=kind)
        if warned not in self.warnings:
            self.warnings.append(warned)

    def resource(
        self, reference: Node | None, kind: str, *, near: Entry | None = None
    ) -> Entry | None:
        """Gives what a reference means, of the record itself or of what stands ``near``."""
        if reference is None:
            return None
        return self.scope.find(reference, near=near or self.entry, kind=kind)

    def moment(self, name: str, text: str, path: str, *, ends: bool | None = None) -> datetime:
        """Gives an instant; what can't be one refuses the record at this path."""
        self.paths[name] = path
        return instant(name, text, self.door.zone, ends=ends)

    def remember_names(self, text: str | None) -> None:
        """Notes the words of a name, long enough to tell somebody apart."""
        self.names.update(word for word in plain(text or "").split() if len(word) >= MIN_NAME_CHARS)

    def says_a_name(self, text: str) -> bool:
        """Tells whether a text holds a word of the names that were noted."""
        return not self.names.isdisjoint(plain(text).split())


def issued_at(draft: Draft) -> datetime | None:
    """
    Gives when a record was written: the later of what message and resource say.

    Who cancels sends the resource back as it was fetched, its ``lastUpdated`` included; who copies
    a template leaves the message's timestamp. Each is a lower bound. One that can't be read is
    doubted and left out.
    """
    said = [draft.message.written] if draft.message.written is not None else []
    meta = draft.root.child("meta")
    own = None if meta is None else meta.text("lastUpdated")
    if meta is not None and own is not None:
        said.append((meta, own))
    found = []
    for _, text in said:
        try:
            found.append(instant("issued_at", text, draft.door.zone))
        except BadValue as bad:
            draft.warn("issued_at", bad.kind)
    return max(found, default=None)


def message_id(draft: Draft) -> str | None:
    """Gives the message's id, else the version of the resource that a server numbered."""
    if draft.message.id is not None:
        return draft.message.id
    meta = draft.root.child("meta")
    version = None if meta is None else meta.text("versionId")
    id_ = draft.root.text("id")
    return f"{draft.root.type}/{id_}/_history/{version}" if version and id_ else None
