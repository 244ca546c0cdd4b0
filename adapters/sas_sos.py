"""
Free slots of a centre, searched by its SIRET (SOS): a Bundle around Schedules of places.

Nobody's name is in it: a Schedule is of a place, whoever works there. Each Bundle holds places and
structures, asked for or not: its profile demands them.
"""

from slotengine.adapters import sas_urls as url
from slotengine.adapters.sas_bundle import LeftOut, Shown, searchset, whole_entry
from slotengine.adapters.sas_patterns import fhir_id, in_json
from slotengine.adapters.sas_resources import (
    ROUTINE,
    Resource,
    address_resource,
    digest_id,
    phone_resource,
    place_identifier,
    structure_number,
)
from slotengine.adapters.sas_times import written
from slotengine.availability import Availability
from slotengine.codes import Audience
from slotengine.directory import Role
from slotengine.domain import Site, Slot

_CLASSES = (Audience.PUBLIC, Audience.SNP)
"""Classes of slots that the SOS profile knows."""


def schedules_bundle(found: Availability, *, base: str, link: str) -> Shown:
    """
    Gives the answer to ``GET /Schedule``.

    ``total`` counts slots, as in the official example, though the match is the Schedule.
    """
    places = _Places(found)
    start = in_json(base)[:-1]
    slots: list[str] = []
    ids: list[str] = []
    left_out: list[LeftOut] = []
    shown: dict[str, str] = {}
    zones = {policy.territory: policy.zone for policy in found.policies}
    for slot in found.slots:
        if not set(_CLASSES).intersection(slot.audiences):
            continue
        lacks = places.lacks(slot)
        if lacks is not None:
            left_out.append(LeftOut(slot.id, lacks))
            continue
        for resource, mode in places.resources(slot):
            key = f"{resource['resourceType']}/{resource['id']}"
            shown.setdefault(key, whole_entry(start, resource, mode))
        resource = {
            "resourceType": "Slot",
            "id": fhir_id(slot.id),
            "meta": {
                "profile": [url.SOS_SLOT],
                "security": [
                    {"system": url.SLOT_TYPES, "code": one.value}
                    for one in _CLASSES
                    if one in slot.audiences
                ],
            },
            "serviceType": [
                {"coding": [{"system": url.MODES, "code": mode.value}]} for mode in slot.modes
            ],
            "appointmentType": ROUTINE,
            "schedule": {"reference": f"Schedule/{_place_id(slot)}"},
            "status": "free",
            "start": written(slot.start, zones[slot.territory]),
            "end": written(slot.end, zones[slot.territory]),
            "comment": places.role(slot).booking_url,
        }
        ids.append(slot.id)
        slots.append(whole_entry(start, resource, "include"))
    profile = url.SOS_BUNDLE if slots else url.BUNDLE
    body = searchset(profile, link, [*slots, *shown.values()], total=len(slots))
    return Shown(body, tuple(ids), tuple(left_out))


def _place_id(slot: Slot) -> str:
    return digest_id(slot.territory, slot.site)


class _Places:
    """What is known of the places of slots."""

    def __init__(self, found: Availability) -> None:
        self._roles = {role.key: role for role in found.roles}
        self._sites = {(site.territory, site.id): site for site in found.sites}

    def role(self, slot: Slot) -> Role:
        """Gives the role of a slot's practitioner at its place."""
        return self._roles[slot.territory, slot.practitioner, slot.site]

    def lacks(self, slot: Slot) -> str | None:
        """Gives what keeps a slot from being shown, None when nothing does."""
        role = self.role(slot)
        if role.address is None:
            return "address"
        return "booking_url" if role.booking_url is None else None

    def resources(self, slot: Slot) -> tuple[tuple[Resource, str], ...]:
        """Gives Schedule, Location and Organization of a slot's place, each with its mode."""
        role, site = self.role(slot), self._sites[slot.territory, slot.site]
        number = structure_number(role, site)
        id_ = _place_id(slot)
        schedule: Resource = {
            "resourceType": "Schedule",
            "id": id_,
            "meta": {"profile": [url.SOS_SCHEDULE]},
            "actor": [{"reference": f"Location/{id_}"}],
        }
        organization: Resource = {
            "resourceType": "Organization",
            "id": str(number),
            "meta": {"profile": [url.SOS_ORGANIZATION]},
            "identifier": [
                {
                    "type": {"coding": [{"system": url.ID_TYPES_OF_PLACES, "code": "IDNST"}]},
                    "system": url.STRUCTURES,
                    "value": number,
                }
            ],
        }
        return (
            (schedule, "match"),
            (_location(id_, role, site, organization), "include"),
            (organization, "include"),
        )


def _location(id_: str, role: Role, site: Site, organization: Resource) -> Resource:
    if role.address is None:
        raise ValueError(f"the role at {role.site} has no address")
    resource: Resource = {
        "resourceType": "Location",
        "id": id_,
        "meta": {"profile": [url.SOS_LOCATION]},
        "identifier": [place_identifier(role)],
        # The profile demands a name; a place without one is called by its street.
        "name": site.label or role.address.line,
        "address": address_resource(role.address),
        "managingOrganization": {"reference": f"Organization/{organization['id']}"},
    }
    if role.phone:
        resource["telecom"] = [phone_resource(role.phone)]
    return resource
