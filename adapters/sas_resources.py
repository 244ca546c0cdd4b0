"""
Resources of the national platform's profiles, made of our values: no element is ever empty.

One Slot resource however many seats a slot has: their number is nobody's business outside.
"""

import hashlib
import re
from collections.abc import Iterable
from typing import Any, NamedTuple, TypeAlias
from zoneinfo import ZoneInfo

from slotengine.adapters import sas_urls as url
from slotengine.adapters.sas_patterns import END, ID, START, fhir_id
from slotengine.codes import Audience, Mode
from slotengine.directory import Address, Role, Structure
from slotengine.domain import Site

Resource: TypeAlias = dict[str, Any]

_RPPS = re.compile(r"\d{11}", re.ASCII)
_ADELI = re.compile(r"[0-9AB]{9}", re.ASCII)

ROUTINE = {"coding": [{"system": url.APPOINTMENT_TYPES, "code": "ROUTINE"}]}
"""Bookable. We know no slots without appointment (WALKIN)."""


def digest_id(*parts: str) -> str:
    """Gives the id of what has a key of several parts."""
    return hashlib.blake2b("\x1f".join(parts).encode(), digest_size=16).hexdigest()


def person_number(practitioner: str) -> str | None:
    """Gives the national number with its prefix: 8 before an RPPS, 0 before an ADELI."""
    if _RPPS.fullmatch(practitioner):
        return f"8{practitioner}"
    return f"0{practitioner}" if _ADELI.fullmatch(practitioner) else None


def structure_number(role: Role, site: Site | None) -> str | None:
    """Gives the structure's number with its prefix: the role's own, else FINESS, else SIRET."""
    if role.structure is not None:
        return role.structure
    return None if site is None else number_of(site)


def number_of(site: Site) -> str | None:
    """Gives a site's FINESS, else its SIRET, with the prefix of structures."""
    if site.finess is not None:
        return f"1{site.finess}"
    return None if site.siret is None else f"3{site.siret}"


class Stand(NamedTuple):
    """A practitioner at a place, with all that a slot there says of it."""

    role: Role
    address: Address
    structure: str
    specialties: tuple[str, ...]
    zone: ZoneInfo

    @property
    def id(self) -> str:
        """The id of its Schedule, and of its PractitionerRole."""
        return digest_id(*self.role.key)


def slot_resource(
    modes: Iterable[Mode], stand: Stand, audiences: Iterable[Audience], cpts: Iterable[Structure]
) -> Resource:
    """Gives a free slot with marks for id, start and end; with CPTS under the CPTS's profile."""
    services = [_reference_to_cpts(structure) for structure in cpts]
    resource: Resource = {
        "resourceType": "Slot",
        "id": ID,
        "meta": {
            "profile": [url.CPTS_SLOT if services else url.SLOT],
            "security": [{"system": url.SLOT_TYPES, "code": one.value} for one in audiences],
        },
        "serviceType": [
            *({"coding": [{"system": url.MODES, "code": mode.value}]} for mode in modes),
            *services,
        ],
        "appointmentType": ROUTINE,
        "schedule": {"reference": f"Schedule/{stand.id}"},
        "status": "free",
        "start": START,
        "end": END,
        "comment": stand.role.booking_url,
    }
    if stand.specialties:
        resource["specialty"] = [
            {"coding": [{"system": url.SPECIALTIES, "code": code}]} for code in stand.specialties
        ]
    return resource


def _reference_to_cpts(structure: Structure) -> Resource:
    service = f"HealthcareService/{_service_id(structure)}"
    return {
        "extension": [{"url": url.SERVICE_TYPE, "valueReference": {"reference": service}}],
        "coding": [{"system": url.CATEGORIES, "code": url.CPTS_CATEGORY}],
    }


def schedule_resource(stand: Stand) -> Resource:
    """Gives the Schedule of a practitioner at a place."""
    return {
        "resourceType": "Schedule",
        "id": stand.id,
        "meta": {"profile": [url.SCHEDULE]},
        "actor": [
            {"reference": f"Practitioner/{fhir_id(stand.role.practitioner)}"},
            {"reference": f"PractitionerRole/{stand.id}"},
        ],
    }


def practitioner_resource(id_: str, roles: Iterable[Role]) -> Resource:
    """Gives a practitioner with what their roles say of them."""
    resource: Resource = {
        "resourceType": "Practitioner",
        "id": fhir_id(id_),
        "meta": {"profile": [url.PRACTITIONER]},
        "identifier": [
            {
                "type": {"coding": [{"system": url.ID_TYPES, "code": "IDNPS"}]},
                "system": url.PERSONS,
                "value": person_number(id_),
            }
        ],
    }
    named = next((role for role in roles if role.family_name or role.given_name), None)
    if named is not None:
        name: Resource = {}
        if named.family_name:
            name["family"] = named.family_name
        if named.given_name:
            name["given"] = [named.given_name]
        resource["name"] = [name]
    phones = sorted({role.phone for role in roles if role.phone})
    if phones:
        resource["telecom"] = [phone_resource(phone) for phone in phones]
    return resource


def role_resource(stand: Stand) -> Resource:
    """Gives the PractitionerRole with its place in it."""
    role = stand.role
    resource: Resource = {
        "resourceType": "PractitionerRole",
        "id": stand.id,
        "meta": {"profile": [url.PRACTITIONER_ROLE]},
        "contained": [
            {
                "resourceType": "Location",
                "id": "place",
                "meta": {"profile": [url.LOCATION]},
                "identifier": [place_identifier(role)],
                "address": address_resource(stand.address),
            }
        ],
        "practitioner": {"reference": f"Practitioner/{fhir_id(role.practitioner)}"},
        "organization": {
            "identifier": {
                "type": {"coding": [{"system": url.ID_TYPES, "code": "IDNST"}]},
                "system": url.STRUCTURES,
                "value": stand.structure,
            }
        },
        "location": [{"reference": "#place"}],
    }
    if role.phone:
        resource["telecom"] = [phone_resource(role.phone)]
    return resource


def place_identifier(role: Role) -> Resource:
    """Gives the id of a role's place, in a system of the territory's own."""
    return {
        "type": {"coding": [{"system": url.ID_TYPES_OF_PLACES, "code": "INTRN"}]},
        "system": f"urn:slotengine:site:{role.territory}",
        "value": role.site,
    }


def address_resource(address: Address) -> Resource:
    """Gives the street address of a place."""
    return {"line": [address.line], "city": address.city, "postalCode": address.postcode}


def phone_resource(number: str) -> Resource:
    """Gives a phone number."""
    return {"system": "phone", "value": number}


def _service_id(structure: Structure) -> str:
    return f"cpts-{structure.finess}"


def service_resource(structure: Structure) -> Resource:
    """Gives the HealthcareService of a CPTS."""
    return {
        "resourceType": "HealthcareService",
        "id": _service_id(structure),
        "meta": {"profile": [url.CPTS_SERVICE]},
        "providedBy": {"reference": f"Organization/1{structure.finess}"},
    }


def organization_resource(structure: Structure) -> Resource:
    """Gives a CPTS."""
    resource: Resource = {
        "resourceType": "Organization",
        "id": f"1{structure.finess}",
        "meta": {"profile": [url.CPTS_ORGANIZATION]},
        "identifier": [
            {
                "type": {"coding": [{"system": url.ID_TYPES_OF_CPTS, "code": "IDNST"}]},
                "system": url.STRUCTURES,
                "value": f"1{structure.finess}",
            }
        ],
        "name": structure.name,
    }
    if structure.phone:
        resource["telecom"] = [phone_resource(structure.phone)]
    return resource
