"""
Agendas as FHIR: what a vendor answers to the national platform, or any Bundle of slots.

A slot is followed to its schedule, from there to who gives it and where. Profiles are not asked
for: their URLs change, and a slot without one is a slot.
"""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from urllib.parse import parse_qsl, urlsplit

from slotengine.adapters.agenda import (
    MAX_MINUTES,
    AgendaDoor,
    AgendaItem,
    AgendaPart,
    Coverage,
    Taken,
    days_of,
    own_id,
)
from slotengine.adapters.agenda_fhir_nodes import (
    MAX_RESOURCES,
    Resource,
    Resources,
    codes,
    flattened,
    node,
    nodes,
    text,
)
from slotengine.adapters.agenda_fhir_places import Giver, finess_of, giver_of, specialties_of
from slotengine.adapters.base import MAX_DOCUMENT_BYTES, PAYLOAD, WHOLE
from slotengine.adapters.json_texts import elements, parsed
from slotengine.adapters.kinds import Kind
from slotengine.adapters.lines import BOM, Payload
from slotengine.adapters.sas_urls import CPTS_CATEGORY, SERVICE_TYPE
from slotengine.adapters.scalars import BadValue, instant, practitioner_id
from slotengine.adapters.spot import Spot
from slotengine.codes import Audience, Mode
from slotengine.directory import Role
from slotengine.domain import Practitioner, Site, Slot, TimeWindow
from slotengine.errors import ReferralFormatError

MAX_DEPTH = 24
"""Nesting of a bundle: entry, contained, identifier, type, coding need 13. Our choice."""

FREE = "free"
BUSY = frozenset({"busy", "busy-tentative"})
"""States that a booking makes; any other (``busy-unavailable``) takes the slot away."""

MAX_URL_CHARS = 500


OF_AGENDAS = frozenset(
    {
        *("Slot", "Schedule", "Practitioner", "PractitionerRole"),
        *("Location", "Organization", "HealthcareService"),
    }
)
"""Resources that an agenda is made of; one of them at least, unless it is a server's answer."""


class FhirAgenda:
    """Reads a Bundle, a list of resources, or one resource a line."""

    name = "fhir"

    def claims(self, head: bytes) -> bool:
        """Tells FHIR by the member that every resource has."""
        return head.removeprefix(BOM).lstrip()[:1] in {b"{", b"["} and b'"resourceType"' in head

    def read(
        self, payload: Payload, *, door: AgendaDoor, window: TimeWindow
    ) -> Iterator[AgendaPart]:
        """Gives one part for each slot; who gives it where is said once."""
        del window
        resources = Resources()
        links: list[str] = []
        read = elements(payload, self.name, max_depth=MAX_DEPTH, max_line_bytes=MAX_DOCUMENT_BYTES)
        for record, (line, found) in enumerate(read, 1):
            resource = found if isinstance(found, Kind) else parsed(found, max_depth=MAX_DEPTH)
            if isinstance(resource, Kind):
                # A kind is a text too, and none of the sender's.
                raw = b"" if resource is found else found.encode(errors="surrogatepass")
                yield AgendaPart((Spot(self.name, record, line).rejected(WHOLE, resource),), raw)
                continue
            links += [text(one, "url") for one in nodes(resource, "link")]
            for number, path, url, one in flattened(resource, record):
                resources.add(one, record=number, path=path, url=url)
            if resources.count > MAX_RESOURCES:
                raise ReferralFormatError(self.name, PAYLOAD, Kind.TOO_LARGE)
        if not resources.count and not links:
            raise ReferralFormatError(self.name, PAYLOAD, Kind.EMPTY)
        # An answer that failed must not pass for an agenda from which all slots are gone.
        if resources.failed:
            raise ReferralFormatError(self.name, PAYLOAD, Kind.SENDER_FAULT)
        if not links and resources.kinds.isdisjoint(OF_AGENDAS):
            raise ReferralFormatError(self.name, PAYLOAD, Kind.UNKNOWN_FORMAT)
        yield from _Reading(resources, door, self.name).parts()
        yield AgendaPart((_coverage(links, resources, door),))


class _Reading:
    """The slots of a payload, one after another; schedules are followed once."""

    def __init__(self, resources: Resources, door: AgendaDoor, name: str) -> None:
        self._resources = resources
        self._door = door
        self._name = name
        self._givers: dict[str, Giver] = {}
        self._specialties: dict[str, set[str]] = {}
        self._said: set[AgendaItem] = set()
        self._ids: set[str] = set()

    def parts(self) -> Iterator[AgendaPart]:
        """Gives one part for each slot."""
        for record, path, slot in self._resources.slots:
            spot = Spot(self._name, record, None, _Paths(path))
            try:
                yield self._part(slot)
            except BadValue as bad:
                yield AgendaPart((spot.rejected(bad.field, bad.kind),))
            except ValueError:
                yield AgendaPart((spot.rejected(WHOLE, Kind.INVALID),))

    def _part(self, slot: Resource) -> AgendaPart:
        id_ = own_id(self._door.name, self._id(slot))
        if text(slot, "status") in BUSY:
            return AgendaPart((Taken(id=id_),))
        if text(slot, "status") != FREE:
            if not text(slot, "status"):
                raise BadValue("status", Kind.MISSING)
            return AgendaPart(())
        if id_ in self._ids:
            raise BadValue("id", Kind.DUPLICATE_SLOT)
        audiences = self._audiences(slot)
        if not audiences:
            return AgendaPart(())
        giver = self._giver(slot)
        start, end = (_instant(slot, name, self._door) for name in ("start", "end"))
        if end <= start:
            raise BadValue("end", Kind.END_BEFORE_START)
        if (end - start).total_seconds() > MAX_MINUTES * 60:
            raise BadValue("end", Kind.OUT_OF_RANGE)
        found = Slot(
            id=id_,
            territory=self._door.territory,
            practitioner=giver.practitioner.id,
            site=giver.site_id,
            start=start,
            end=end,
            modes=_modes(slot, self._door),
            audiences=audiences,
            shared_with=self._door.shared_with,
        )
        self._ids.add(id_)
        return AgendaPart((*self._news(slot, giver), found), assumed=giver.assumed)

    def _id(self, slot: Resource) -> str:
        named = text(slot, "id")
        if not named:
            raise BadValue("id", Kind.MISSING)
        return named

    def _giver(self, slot: Resource) -> Giver:
        reference = text(slot, "schedule", "reference")
        if reference not in self._givers:
            schedule = self._resources.find(reference, inside=slot)
            if schedule is None or text(schedule, "resourceType") != "Schedule":
                raise BadValue("schedule", Kind.MISSING)
            self._givers[reference] = giver_of(schedule, self._resources, self._door)
        return self._givers[reference]

    def _news(self, slot: Resource, giver: Giver) -> Iterator[AgendaItem]:
        """Gives who and where as far as not said; specialties and URL stand in the slots."""
        who = giver.practitioner.id
        specialties = self._specialties.setdefault(who, set())
        specialties.update(specialties_of(slot))
        items: list[Practitioner | Site | Role | None] = [
            giver.practitioner.replaced(specialties=tuple(specialties)),
            giver.site,
            _with_url(giver.role, text(slot, "comment")),
        ]
        for item in items:
            if item is not None and item not in self._said:
                self._said.add(item)
                yield item

    def _audiences(self, slot: Resource) -> tuple[Audience, ...]:
        """
        Gives who a slot is reserved for; nothing when it is for other CPTS only.

        Which structures are ours the door says; where it says none, CPTS means ours.
        """
        labels = [text(one, "code").upper() for one in nodes(node(slot, "meta"), "security")]
        said = [Audience(one) for one in labels if one in Audience.__members__]
        if not said:
            return self._door.audiences
        if Audience.CPTS in said and self._door.structures:
            of = self._structures(slot)
            if of and of.isdisjoint(self._door.structures):
                said.remove(Audience.CPTS)
        return tuple(said)

    def _structures(self, slot: Resource) -> set[str]:
        """Gives the FINESS of the CPTS that a slot belongs to; it may be several."""
        found: set[str] = set()
        for concept in nodes(slot, "serviceType"):
            coded = {text(coding, "code") for coding in nodes(concept, "coding")}
            for extension in nodes(concept, "extension"):
                named = text(extension, "url") == SERVICE_TYPE or CPTS_CATEGORY in coded
                reference = text(extension, "valueReference", "reference")
                service = self._resources.find(reference, inside=slot) if named else None
                if service is not None:
                    owners = self._resources.referred(service, "providedBy")
                    found.update(filter(None, (finess_of(owner) for _, owner in owners)))
        return found


class _Paths(Mapping[str, str]):
    """Where each field of a resource stands: below the resource."""

    def __init__(self, path: str) -> None:
        self._path = path

    def __getitem__(self, name: str) -> str:
        return f"{self._path}.{name}" if self._path else name

    def __iter__(self) -> Iterator[str]:
        return iter(())

    def __len__(self) -> int:
        return 1


def _instant(slot: Resource, name: str, door: AgendaDoor) -> datetime:
    said = text(slot, name)
    if not said:
        raise BadValue(name, Kind.MISSING)
    return instant(name, said, door.zone).astimezone(UTC)


def _modes(slot: Resource, door: AgendaDoor) -> tuple[Mode, ...]:
    found = tuple(Mode(code) for _, code in codes(slot, "serviceType") if code in Mode.__members__)
    return found or door.modes


def _with_url(role: Role, comment: str) -> Role:
    """Adds the page that the practitioner's agenda is booked on, where the comment is one."""
    parts = urlsplit(comment) if comment.startswith(("http://", "https://")) else None
    usable = parts is not None and bool(parts.netloc) and len(comment) <= MAX_URL_CHARS
    return role.replaced(booking_url=comment) if usable and " " not in comment else role


_OF_SLOTS = "_has:Slot:schedule:"


def _coverage(links: list[str], resources: Resources, door: AgendaDoor) -> Coverage:
    """
    Gives what the answer covers, by the query that it repeats.

    ``+02:00`` in a query that nobody escaped arrives as a space, and is mended.
    """
    window, free_only = None, False
    who: set[str] = set()
    for link in links:
        # An answer about schedules says "_has:Slot:schedule:status" for the slots' own.
        asked = [(name.removeprefix(_OF_SLOTS), value) for name, value in _query(link)]
        starts = [value.replace(" ", "+") for name, value in asked if name == "start"]
        edges = {value[:2]: value[2:] for value in starts}
        free_only = free_only or ("status", FREE) in asked
        try:
            who.update(_asked_for(asked))
            start, end = (instant("start", edges[edge], door.zone) for edge in ("ge", "le"))
            window = TimeWindow(start=start, end=end)
        except (KeyError, BadValue, ValueError):
            continue
    if window is None:
        begins = sorted(_known_starts(resources, door))
        window = days_of(begins[0], begins[-1], door.zone) if begins else None
    return Coverage(window=window, free_only=free_only, practitioners=frozenset(who) or None)


def _asked_for(asked: list[tuple[str, str]]) -> Iterator[str]:
    """Gives whom a search names; an official example has a space after the comma."""
    for name, value in asked:
        if name.lower().endswith("practitioner.identifier"):
            for one in value.split(","):
                number = one.rpartition("|")[2].strip()
                if number:
                    yield practitioner_id("practitioner", number)


def _query(link: str) -> list[tuple[str, str]]:
    try:
        return parse_qsl(urlsplit(link).query, max_num_fields=100)
    except ValueError:
        return []


def _known_starts(resources: Resources, door: AgendaDoor) -> Iterator[datetime]:
    for _, _, slot in resources.slots:
        try:
            yield _instant(slot, "start", door)
        except BadValue:
            continue
