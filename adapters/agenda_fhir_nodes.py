"""Resources of a bundle found by reference, and members that may be of any type."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from slotengine.adapters.json_texts import Json

Resource = dict[str, Json]

MAX_RESOURCES = 200_000
"""Resources of one payload: 25 doctors have some 2,000 slots in three days. Our choice."""

MAX_ITEMS = 100
"""Members of one list inside a resource. Our choice."""


def node(value: Json, *names: str) -> Resource:
    """Gives an object inside objects; an empty one where anything else stands."""
    found = value
    for name in names:
        found = found.get(name) if isinstance(found, dict) else None
    return found if isinstance(found, dict) else {}


def nodes(value: Json, name: str) -> list[Resource]:
    """Gives the objects of a list; one that stands alone counts as a list of one."""
    found = value.get(name) if isinstance(value, dict) else None
    items = found if isinstance(found, list) else [found]
    return [item for item in items[:MAX_ITEMS] if isinstance(item, dict)]


def text(value: Json, *names: str) -> str:
    """Gives a text inside objects; an empty one where anything else stands."""
    *way, last = names
    found = node(value, *way).get(last)
    return found.strip() if isinstance(found, str) else ""


def codes(value: Json, name: str) -> Iterator[tuple[str, str]]:
    """Gives (system, code) of a list of CodeableConcepts."""
    for concept in nodes(value, name):
        for coding in nodes(concept, "coding"):
            yield text(coding, "system"), text(coding, "code")


@dataclass
class Resources:
    """The resources of a payload by type and id, by full URL, and contained ones."""

    slots: list[tuple[int, str, Resource]] = field(default_factory=list)
    _by_key: dict[str, Resource] = field(default_factory=dict)
    count: int = 0
    kinds: set[str] = field(default_factory=set)
    failed: bool = False
    """Whether an answer came that says that it is none (OperationOutcome, error or fatal)."""

    def add(self, resource: Resource, *, record: int, path: str, url: str = "") -> None:
        """Keeps a resource; ``path`` is where it stands."""
        self.count += 1
        kind, id_ = text(resource, "resourceType"), text(resource, "id")
        self.kinds.add(kind)
        if kind == "OperationOutcome":
            said = {text(issue, "severity") for issue in nodes(resource, "issue")}
            self.failed = self.failed or not said.isdisjoint({"error", "fatal"})
        if kind == "Slot":
            self.slots.append((record, path, resource))
        for key in filter(None, (f"{kind}/{id_}" if id_ else "", url)):
            self._by_key.setdefault(key, resource)

    def find(self, reference: str, *, inside: Resource | None = None) -> Resource | None:
        """
        Gives what a reference names: contained, by full URL, or by type and id.

        Servers write ``Schedule/1``, ``https://host/fhir/Schedule/1`` and
        ``Schedule/1/_history/2`` for one and the same.
        """
        if not reference:
            return None
        if reference.startswith("#"):
            contained = nodes(inside, "contained") if inside is not None else []
            return next((one for one in contained if text(one, "id") == reference[1:]), None)
        if reference in self._by_key:
            return self._by_key[reference]
        parts = reference.partition("/_history/")[0].rstrip("/").split("/")
        return self._by_key.get("/".join(parts[-2:]))

    def referred(
        self, holder: Resource, name: str, *, kind: str | None = None
    ) -> Iterator[tuple[str, Resource]]:
        """Gives (reference, resource) of a member that refers to others."""
        for one in nodes(holder, name):
            reference = text(one, "reference")
            found = self.find(reference, inside=holder)
            if found is not None and kind in {None, text(found, "resourceType")}:
                yield reference, found


def flattened(resource: Resource, record: int) -> Iterable[tuple[int, str, str, Resource]]:
    """Gives (record, path, full URL, resource) of a bundle's entries, or of the resource itself."""
    if text(resource, "resourceType") != "Bundle":
        yield record, "", "", resource
        return
    entries = resource.get("entry")
    for number, entry in enumerate(entries if isinstance(entries, list) else []):
        found = node(entry, "resource")
        if found:
            yield number + 1, f"entry[{number}].resource", text(entry, "fullUrl"), found
