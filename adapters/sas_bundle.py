"""
Free slots as the national platform reads them: a searchset Bundle of its profiles.

One Schedule for each PractitionerRole, which is one practitioner at one place; one Slot resource
however many seats a slot has: its number of seats is nobody's business outside. What a profile
demands and our data lack leaves the slot out, and says so by ids: never an invalid resource.
"""

import json
import re
from functools import lru_cache
from typing import NamedTuple

from slotengine.adapters import sas_urls as url
from slotengine.adapters.sas_patterns import Pattern, entry, fhir_id, in_json
from slotengine.adapters.sas_resources import (
    Resource,
    Stand,
    organization_resource,
    person_number,
    practitioner_resource,
    role_resource,
    schedule_resource,
    service_resource,
    slot_resource,
    structure_number,
)
from slotengine.availability import Availability
from slotengine.codes import Audience, Mode
from slotengine.directory import Role, Structure
from slotengine.domain import Slot

_CPTS_FINESS = re.compile(r"\d{9}", re.ASCII)
"""The profile of a CPTS (``^1[0-9]{9}$``) cannot hold a Corsican number."""

_INDIVIDUAL = (Audience.PUBLIC, Audience.PRO, Audience.SNP)
"""JDV_J165: what the profile for single practitioners may carry; CPTS is not among them."""


PLACES_KEPT = 8_192
"""Places, people and patterns of slots that a process keeps as JSON, some 15 MB. Our choice."""


class LeftOut(NamedTuple):
    """A slot that is not shown and what its role or territory lacks."""

    slot: str
    lacks: str


class Shown(NamedTuple):
    """A Bundle as JSON, the ids of our slots in it, and what had to be left out of it."""

    body: bytes
    slots: tuple[str, ...]
    left_out: tuple[LeftOut, ...]

    @property
    def bundle(self) -> Resource:
        """The Bundle as a value."""
        read: Resource = json.loads(self.body)
        return read


def slots_bundle(
    found: Availability,
    *,
    base: str,
    link: str,
    schedules: bool = True,
    actors: bool = True,
    services: bool = False,
) -> Shown:
    """
    Gives the answer to ``GET /Slot``: the slots, and what the request wants to come along.

    Parameters
    ----------
    base
        Where the server is, without a slash at its end: the start of every ``fullUrl``.
    link
        The request itself: the platform compares it.
    services
        Whether slots of a CPTS are shown as such, with their HealthcareService (INT_R04). Their
        Bundle's profile demands schedules and actors, so both come along.
    """
    desk = _Desk(found, base, services=services)
    for slot in found.slots:
        desk.show(slot)
    others: list[str] = []
    if schedules or desk.of_cpts:
        others += desk.schedules
        if actors or desk.of_cpts:
            others += [*desk.people(), *desk.roles]
    others += desk.services
    profile = url.CPTS_BUNDLE if desk.of_cpts else url.BUNDLE
    body = searchset(profile, link, [*desk.slots, *others], total=len(desk.slots))
    return Shown(body, tuple(desk.shown), tuple(desk.left_out))


def searchset(profile: str, link: str, entries: list[str], *, total: int) -> bytes:
    """Gives a Bundle of found resources as JSON; an empty one has no entries at all."""
    head = in_json(
        {
            "resourceType": "Bundle",
            "meta": {"profile": [profile]},
            "type": "searchset",
            "total": total,
            "link": [{"relation": "self", "url": link}],
        }
    )
    if not entries:
        return head.encode()
    return f'{head[:-1]},"entry":[{",".join(entries)}]}}'.encode()


def whole_entry(base: str, resource: Resource, mode: str) -> str:
    """Gives a Bundle's entry for a resource."""
    return entry(base, resource["resourceType"], resource["id"], in_json(resource), mode)


@lru_cache(maxsize=PLACES_KEPT)
def _pattern(
    stand: Stand,
    modes: tuple[Mode, ...],
    audiences: tuple[Audience, ...],
    cpts: tuple[Structure, ...],
) -> Pattern:
    return Pattern(slot_resource(modes, stand, audiences, cpts))


@lru_cache(maxsize=PLACES_KEPT)
def _place(stand: Stand) -> tuple[str, str, str]:
    """Gives the id of a place's Schedule and PractitionerRole, and both as JSON."""
    return stand.id, in_json(schedule_resource(stand)), in_json(role_resource(stand))


@lru_cache(maxsize=PLACES_KEPT)
def _person(id_: str, roles: tuple[Role, ...]) -> str:
    return in_json(practitioner_resource(id_, roles))


class _Desk:
    """Collects resources, each once, in the order in which slots need them."""

    def __init__(self, found: Availability, base: str, *, services: bool) -> None:
        self._base = in_json(base)[:-1]
        self._with_services = services
        self._roles = {role.key: role for role in found.roles}
        self._sites = {(site.territory, site.id): site for site in found.sites}
        self._givers = {(one.territory, one.id): one for one in found.practitioners}
        self._zones = {policy.territory: policy.zone for policy in found.policies}
        self._structures = {
            policy.territory: policy.structure
            for policy in found.policies
            if policy.structure is not None and _CPTS_FINESS.fullmatch(policy.structure.finess)
        }
        self._stands: dict[tuple[str, str, str], Stand | str] = {}
        self._seen: set[str] = set()
        self._used: dict[tuple[str, str, str], Stand] = {}
        self._patterns: dict[tuple[object, ...], Pattern] = {}
        self.slots: list[str] = []
        self.schedules: list[str] = []
        self.roles: list[str] = []
        self.services: list[str] = []
        self.shown: list[str] = []
        self.left_out: list[LeftOut] = []
        self.of_cpts = False

    def show(self, slot: Slot) -> None:
        """Adds a slot and what it refers to, or notes what it lacks."""
        place = (slot.territory, slot.practitioner, slot.site)
        if place not in self._stands:
            self._stands[place] = self._made(place)
        stand = self._stands[place]
        if isinstance(stand, str):
            self.left_out.append(LeftOut(slot.id, stand))
            return
        cpts = self._cpts_of(slot)
        audiences = slot.audiences if cpts else tuple(a for a in _INDIVIDUAL if a in slot.audiences)
        if not audiences:
            # Of a CPTS alone: only a question after CPTS can show it, under the CPTS's number.
            if self._with_services:
                self.left_out.append(LeftOut(slot.id, "structure of its territory"))
            return
        if place not in self._used:
            self._used[place] = stand
            self._add(stand)
        for structure in cpts:
            self._serve(structure)
        self.of_cpts = self.of_cpts or bool(cpts)
        self.shown.append(slot.id)
        # Asked here first: the whole key of a stand takes longer to compare than a slot to write.
        common = (place, slot.modes, audiences, *(structure.finess for structure in cpts))
        pattern = self._patterns.get(common)
        if pattern is None:
            pattern = self._patterns[common] = _pattern(stand, slot.modes, audiences, cpts)
        self.slots.append(pattern.of(self._base, slot, stand.zone))

    def people(self) -> list[str]:
        """Gives the practitioners of the roles that are shown, each once."""
        shown: dict[str, list[Role]] = {}
        for stand in self._used.values():
            shown.setdefault(stand.role.practitioner, []).append(stand.role)
        return [
            entry(self._base, "Practitioner", fhir_id(id_), _person(id_, tuple(roles)), "include")
            for id_, roles in shown.items()
        ]

    def _made(self, key: tuple[str, str, str]) -> Stand | str:
        territory, practitioner, place = key
        role = self._roles.get(key)
        if role is None:
            return "role"
        address = role.address
        number = structure_number(role, self._sites.get((territory, place)))
        if person_number(practitioner) is None:
            return "a national number"
        if address is None:
            return "address"
        if number is None:
            return "structure"
        if role.booking_url is None:
            return "booking_url"
        return Stand(
            role,
            address=address,
            structure=number,
            specialties=self._givers[territory, practitioner].specialties,
            zone=self._zones[territory],
        )

    def _cpts_of(self, slot: Slot) -> tuple[Structure, ...]:
        if not self._with_services or Audience.CPTS not in slot.audiences:
            return ()
        names = (slot.territory, *slot.shared_with)
        found = [self._structures[name] for name in names if name in self._structures]
        # Two territories may be parts of one CPTS.
        return tuple({structure.finess: structure for structure in found}.values())

    def _add(self, stand: Stand) -> None:
        id_, schedule, role = _place(stand)
        self.schedules.append(entry(self._base, "Schedule", id_, schedule, "include"))
        self.roles.append(entry(self._base, "PractitionerRole", id_, role, "include"))

    def _serve(self, structure: Structure) -> None:
        if structure.finess in self._seen:
            return
        self._seen.add(structure.finess)
        for resource in (service_resource(structure), organization_resource(structure)):
            self.services.append(whole_entry(self._base, resource, "include"))
