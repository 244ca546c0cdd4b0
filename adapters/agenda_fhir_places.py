"""Who gives a FHIR slot and where: Practitioner, PractitionerRole, Location, Organization."""

import re
from dataclasses import dataclass

from slotengine.adapters.agenda import AgendaDoor, Assumed
from slotengine.adapters.agenda_fhir_nodes import Resource, Resources, codes, node, nodes, text
from slotengine.adapters.agenda_places import (
    MAX_NAME_CHARS,
    address_of,
    located,
    place_id,
    postcode_of,
)
from slotengine.adapters.base import Whereabouts
from slotengine.adapters.kinds import Kind
from slotengine.adapters.phones import phone_of
from slotengine.adapters.sas_urls import PERSONS, SPECIALTIES, STRUCTURES
from slotengine.adapters.scalars import BadValue, identifier
from slotengine.adapters.words import PROFESSIONS
from slotengine.codes import Profession
from slotengine.directory import Role
from slotengine.domain import Location, Practitioner, Site

RAW_RPPS = "https://rpps.esante.gouv.fr"
"""System of an RPPS without its prefix."""

RAW_FINESS = "https://finess.esante.gouv.fr"

_RPPS = re.compile(r"8?([0-9]{11})")
_STRUCTURE = re.compile(r"1[0-9AB]{9}|3[0-9]{14}|4[0-9]{14}|0[0-9]{9,14}")
_FINESS = re.compile(r"[0-9]{9}|2[AB][0-9]{7}")
_SIRET = re.compile(r"[0-9]{14}")
_SPECIALTY = re.compile(r"[A-Z]{1,4}[0-9]{1,4}")


@dataclass(frozen=True, slots=True)
class Giver:
    """Who gives the slots of a schedule, and where."""

    practitioner: Practitioner
    site_id: str
    site: Site | None
    role: Role
    assumed: frozenset[Assumed]


def giver_of(schedule: Resource, resources: Resources, door: AgendaDoor) -> Giver:
    """
    Gives who a schedule is of; one schedule is of one person at one place.

    Raises
    ------
    BadValue
        When nobody, or no place, can be made out.
    """
    actors = {
        kind: next((found for _, found in resources.referred(schedule, "actor", kind=kind)), None)
        for kind in ("Practitioner", "PractitionerRole", "Location", "HealthcareService")
    }
    role = actors["PractitionerRole"] or {}
    person = actors["Practitioner"] or _first(resources, role, "practitioner")
    structure = _structure(role, resources)
    place = actors["Location"] or _first(resources, role, "location")
    if not place and actors["HealthcareService"]:
        place = _first(resources, actors["HealthcareService"], "location")
    if place and structure is None:
        structure = _structure(place, resources)
    site_id, site = _site(place or {}, structure, door)
    who = _practitioner_id(person, role, structure, site_id, door)
    profession, said = _profession(role, door)
    assumed: set[Assumed] = set() if said else {"profession"}
    if "position" not in (place or {}):
        assumed.add("location")
    return Giver(
        Practitioner(id=who, territory=door.territory, profession=profession),
        site_id,
        site,
        Role.model_validate(
            {
                "territory": door.territory,
                "practitioner": who,
                "site": site_id,
                **_role(person or {}, role, place or {}, structure),
            }
        ),
        frozenset(assumed),
    )


def _first(resources: Resources, holder: Resource, name: str) -> Resource | None:
    return next((found for _, found in resources.referred(holder, name)), None)


def _identifiers(resource: Resource) -> list[tuple[str, str]]:
    return [
        (text(one, "system"), text(one, "value"))
        for one in nodes(resource, "identifier")
        if text(one, "value")
    ]


def _practitioner_id(
    person: Resource | None,
    role: Resource,
    structure: str | None,
    site_id: str,
    door: AgendaDoor,
) -> str:
    """
    Gives the RPPS, with or without its prefix and its system, else the sender's own id.

    An SOS schedule is of a place and of nobody: the structure at that place gives its slots.
    """
    known = _identifiers(person or {}) + _identifiers(node(role, "practitioner"))
    for system, value in known:
        found = _RPPS.fullmatch(value)
        if found is not None and system in {PERSONS, RAW_RPPS, ""}:
            return found[1]
    for system, value in known:
        # ADELI and ids inside a house keep their prefix: it is what tells them apart.
        if system in {PERSONS, ""} or not system.startswith("urn:oid:1.2.250"):
            return identifier("practitioner", value)
    if door.practitioner is not None:
        return door.practitioner
    if person is None and not role and structure is not None:
        return identifier("practitioner", f"{structure}-{site_id}")
    raise BadValue("practitioner", Kind.MISSING)


def _structure(holder: Resource, resources: Resources) -> str | None:
    """Gives the prefixed id of the structure that somebody works for, or a place belongs to."""
    for name in ("organization", "managingOrganization", "providedBy"):
        logical = _identifiers(node(holder, name)) or _logical(holder, name)
        found = _first(resources, holder, name)
        known = logical + (_identifiers(found) if found is not None else [])
        prefixed = next((one for pair in known if (one := _prefixed(*pair))), None)
        if prefixed is not None:
            return prefixed
    return None


def _logical(holder: Resource, name: str) -> list[tuple[str, str]]:
    """Gives the identifier that a reference carries: one object there, not a list."""
    return _identifiers({"identifier": [node(holder, name, "identifier")]})


def _prefixed(system: str, value: str) -> str | None:
    """Gives an IDNST with its prefix; a bare FINESS or SIRET gets it."""
    bare = value.replace(" ", "").upper()
    if _FINESS.fullmatch(bare) and system in {STRUCTURES, RAW_FINESS, ""}:
        return "1" + bare
    if _SIRET.fullmatch(bare) and system != RAW_FINESS:
        return "3" + bare
    return bare if _STRUCTURE.fullmatch(bare) else None


def finess_of(organization: Resource) -> str | None:
    """Gives the FINESS of a structure without its prefix."""
    known = (_prefixed(*pair) for pair in _identifiers(organization))
    return next((one[1:] for one in known if one is not None and one.startswith("1")), None)


def _site(place: Resource, structure: str | None, door: AgendaDoor) -> tuple[str, Site | None]:
    address = next(iter(nodes(place, "address")), {})
    line = _joined(address.get("line"))
    lat, lon = (node(place, "position").get(name) for name in ("latitude", "longitude"))
    said = Whereabouts(
        lat=float(lat) if isinstance(lat, int | float) else None,
        lon=float(lon) if isinstance(lon, int | float) else None,
        postcode=postcode_of(text(address, "postalCode")) or None,
        city=text(address, "city") or None,
    )
    if said == Whereabouts():
        if door.site is None:
            raise BadValue("site", Kind.MISSING)
        return door.site, None
    texts = {"line": line} if line else {}
    # By its address and not by its structure, which may have several places.
    site_id = place_id(texts, said)
    prefix = (structure or " ")[0]
    return site_id, Site(
        id=site_id,
        territory=door.territory,
        location=_point(said, door),
        label=text(place, "name")[:MAX_NAME_CHARS],
        finess=structure[1:] if structure and prefix == "1" else None,
        siret=structure[1:] if structure and prefix == "3" else None,
    )


def _point(said: Whereabouts, door: AgendaDoor) -> Location:
    try:
        return located(said, door)
    except ValueError:
        raise BadValue("lat", Kind.OUT_OF_RANGE) from None


def _profession(role: Resource, door: AgendaDoor) -> tuple[Profession, bool]:
    for system, code in codes(role, "code"):
        found = PROFESSIONS.get(code)
        if found is not None and "G15" in system:
            return found, True
    return door.profession, False


def specialties_of(slot: Resource) -> tuple[str, ...]:
    """Gives the TRE_R38 codes of a slot: all those of its practitioner."""
    return tuple(
        code
        for system, code in codes(slot, "specialty")
        if _SPECIALTY.fullmatch(code) and (system == SPECIALTIES or "R38" in system)
    )


def _role(
    person: Resource, role: Resource, place: Resource, structure: str | None
) -> dict[str, object]:
    """Gives what may be shown of a practitioner at a place."""
    name = next(iter(nodes(person, "name")), {})
    phones = (
        phone_of(text(one, "value"))
        for holder in (role, place)
        for one in nodes(holder, "telecom")
        if text(one, "system") == "phone"
    )
    address = next(iter(nodes(place, "address")), {})
    return {
        "family_name": text(name, "family")[:MAX_NAME_CHARS] or None,
        "given_name": _joined(name.get("given"))[:MAX_NAME_CHARS] or None,
        "phone": next(filter(None, phones), None),
        "structure": structure,
        "address": address_of(
            _joined(address.get("line")),
            postcode_of(text(address, "postalCode")),
            text(address, "city"),
        ),
    }


def _joined(value: object) -> str:
    items = value if isinstance(value, list) else [value]
    return " ".join(one.strip() for one in items if isinstance(one, str))
