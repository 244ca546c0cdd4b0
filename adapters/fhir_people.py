"""Who a FHIR record is about, and who sends it."""

import re
from collections.abc import Iterator
from datetime import date, datetime

from slotengine.adapters import fhir_codes
from slotengine.adapters.fhir_draft import Draft
from slotengine.adapters.fhir_nodes import MisreadError, Node
from slotengine.adapters.fhir_scope import Entry, tail_of
from slotengine.adapters.kinds import Kind
from slotengine.adapters.registered import is_ins, requester_id

NIR_TYPES = frozenset({"INS-C", "INS", "NH", "INS-NIR", "NIR"})
"""Identifier types that say, without a system, that a number is an INS or a NIR."""

INTERNAL_TYPES = frozenset({"PI", "MR", "PT"})
"""Patient internal identifier, medical record number: what a house numbers its patients by."""

MID_YEAR = (7, 1)
"""Month and day taken for a birth of which only the year is known: half a year off at most."""

_PARTIAL = re.compile(r"([0-9]{4})(?:-([0-9]{2}))?")
_POSTCODE = re.compile(r"[0-9]{5}")


def patient(draft: Draft, reference: Node | None, where: str, *, since: datetime) -> None:
    """
    Gathers who the patient is and where.

    Raises
    ------
    MisreadError
        For a patient who died, or a subject that is no person.
    """
    for name in ("patient_id", "nir", "family_name", "given_name", "birth_date", "sex"):
        draft.paths[name] = where
    if reference is None:
        return
    draft.remember_names(reference.text("display"))
    found = draft.resource(reference, "Patient")
    if found is None:
        tail = tail_of(reference) or ""
        draft.put("patient_id", tail if tail.startswith("Patient/") else None, where)
        return
    if found.resource.type not in {"Patient", ""}:
        raise MisreadError(where, Kind.WRONG_TYPE)
    _alive(found.resource)
    _identifiers(draft, found.resource)
    _names(draft, found.resource)
    _born(draft, found.resource, since)
    draft.put("sex", found.resource.text("gender"), found.resource.at("gender"))
    address(draft, found.resource)
    _own_doctor(draft, found)


def _alive(who: Node) -> None:
    if who.flag("deceasedBoolean") or who.has("deceasedDateTime"):
        name = "deceasedDateTime" if who.has("deceasedDateTime") else "deceasedBoolean"
        raise MisreadError(who.at(name), Kind.DECEASED)


def _identifiers(draft: Draft, who: Node) -> None:
    """Takes the INS (or NIR), and one number of the house's own with its system."""
    local: list[tuple[int, str, str]] = []
    at = who.at("identifier")
    draft.paths["nir"] = draft.paths["patient_id"] = at
    for order, one in enumerate(who.each("identifier")):
        value = one.text("value")
        if value is None or one.text("use") == "old":
            continue
        system = one.text("system") or ""
        kind = one.child("type")
        codes = {coding.code for coding in kind.codings()} if kind is not None else set()
        if is_ins(system) or (not system and codes & NIR_TYPES):
            if "nir" not in draft.fields:
                draft.put("nir", value, one.at("value"))
        else:
            rank = 0 if codes & INTERNAL_TYPES else 2 if one.text("use") == "temp" else 1
            local.append((rank * len(who.value) + order, system, value))
    if local:
        # The system keeps number 7 of one software apart from number 7 of another.
        _, system, value = min(local)
        draft.put("patient_id", f"{system}|{value}" if system else value, at)
    elif who.has("id"):
        draft.put("patient_id", f"Patient/{who.text('id')}", who.at("id"))


_USES = ("usual", "official", "", "nickname", "temp", "anonymous")
"""Uses of a name from the one that a person goes by; ``maiden`` and ``old`` are names at birth."""


def _names(draft: Draft, who: Node) -> None:
    """
    Takes the name in use, its first given name, and the name at birth.

    FR Core: ``official`` is the name at birth where ``usual`` stands beside it; a given name has an
    item of its own, so that "Jean-Pierre" is one and "Jean", "Pierre" are two.
    """
    by_use: dict[str, Node] = {}
    for one in who.each("name"):
        by_use.setdefault(one.text("use") or "", one)
        for text in (one.text("family"), one.text("text"), *one.texts("given")):
            draft.remember_names(text)
        for extension in one.extensions("birth-list-given-name"):
            draft.remember_names(extension.text("valueString"))
    for contact in who.each("contact"):
        for one in contact.each("name"):
            for text in (one.text("family"), one.text("text"), *one.texts("given")):
                draft.remember_names(text)
    draft.paths["family_name"] = draft.paths["given_name"] = who.at("name")
    used = next((by_use[use] for use in _USES if use in by_use), None)
    if used is not None:
        draft.put("family_name", used.text("family"), used.at("family"))
        given = used.texts("given")
        draft.put("given_name", given[0] if given else None, used.at("given"))
    at_birth = _at_birth(used, by_use)
    if at_birth is not None:
        draft.put("birth_name", at_birth, who.at("name"))
    draft.put("dropped", _contacts(who), who.at("telecom"))


def _at_birth(used: Node | None, by_use: dict[str, Node]) -> str | None:
    if used is not None:
        beside = used.child("_family")
        for one in () if beside is None else beside.extensions("humanname-own-name"):
            return one.text("valueString")
    if "maiden" in by_use:
        return by_use["maiden"].text("family")
    if "usual" in by_use and "official" in by_use:
        return by_use["official"].text("family")
    return by_use["old"].text("family") if "old" in by_use else None


def _contacts(who: Node) -> tuple[str, ...]:
    """Gives phones and mails: compared with what is kept, then forgotten."""
    people = (who, *who.each("contact"))
    told = (one.text("value") for person in people for one in person.each("telecom"))
    return tuple(text for text in told if text)


def _born(draft: Draft, who: Node, since: datetime) -> None:
    """
    Takes the birth date; of a year alone an age, with a doubt.

    Half a date is never hashed with the name: the whole one of another record would be another
    person.
    """
    text, at = who.text("birthDate"), who.at("birthDate")
    partial = _PARTIAL.fullmatch(text or "")
    if partial is None:
        draft.put("birth_date", text, at)
        return
    draft.paths["age"] = draft.paths["birth_date"] = at
    month_and_day = (int(partial[2]), 1) if partial[2] else MID_YEAR
    try:
        born = date(int(partial[1]), *month_and_day)
    except ValueError:
        raise MisreadError(at, Kind.BAD_DATE) from None
    day = since.astimezone(draft.door.zone).date()
    age = draft.door.pseudonymiser.age_on(born, day)
    if age is None and (born.year, partial[2]) != (day.year, None):
        raise MisreadError(at, Kind.IN_FUTURE)
    # Born later this year, as far as we took it: an infant all the same.
    draft.put("age", str(age or 0), at)
    draft.warn("birth_date", Kind.IMPRECISE)


def address(draft: Draft, who: Node) -> bool:
    """Takes where somebody lives, or a place is; tells whether anything was said."""
    every = [one for one in who.each("address") if one.text("use") != "old"]
    # "temp" is where they are now; of a billing address nobody is at home.
    order = {"temp": 0, "home": 1, "billing": 3}
    every.sort(key=lambda one: order.get(one.text("use") or "", 2))
    return any(_place(draft, one) for one in every)


def _place(draft: Draft, place: Node) -> bool:
    said = False
    for outer in place.extensions("geolocation"):
        for name, field in (("latitude", "lat"), ("longitude", "lon")):
            for one in outer.extensions(name):
                draft.put(field, one.number("valueDecimal"), one.at("valueDecimal"))
                said = True
    code = _insee(place)
    if code is not None:
        draft.put("insee", code, place.at("extension"))
        said = True
    postcode = place.text("postalCode") or ""
    if _POSTCODE.fullmatch(postcode):
        draft.put("postcode", postcode, place.at("postalCode"))
        draft.put("city", place.text("city"), place.at("city"))
        said = True
    return said


def _insee(place: Node) -> str | None:
    beside = (place, place.child("_city"), place.child("_postalCode"))
    for node in beside:
        for one in () if node is None else node.extensions("insee"):
            for coding in (each for part in one.each("valueCoding") for each in part.codings()):
                return coding.code
            return one.text("valueCode") or one.text("valueString")
    return None


def _own_doctor(draft: Draft, who: Entry) -> None:
    draft.paths["own_practitioner"] = who.resource.at("generalPractitioner")
    for one in who.resource.each("generalPractitioner"):
        found = draft.resource(one, "Practitioner", near=who)
        rpps = None if found is None else _rpps(draft, found)
        if rpps is not None:
            draft.put("own_practitioner", rpps, one.path)
            return


def _rpps(draft: Draft, who: Entry) -> str | None:
    """Gives the RPPS of a practitioner, or of the one behind a role."""
    if who.resource.type == "Organization":
        return None
    own = fhir_codes.practitioner_of(who.resource)
    behind = draft.resource(who.resource.child("practitioner"), "Practitioner", near=who)
    return own or (None if behind is None else fhir_codes.practitioner_of(behind.resource))


_SPACES = re.compile(r"\s")


def requester(draft: Draft, reference: Node | None, where: str) -> None:
    """
    Takes the house that asks: FINESS or SIRET of the organisation, RPPS, or its own number.

    The first of a kind that this source is known by, else the first. A patient or a relative who
    asks is no house; then the message's sender is taken.
    """
    draft.paths["requester_id"] = where
    expected = draft.door.profile.ids
    for found in (draft.resource(reference, "Organization"), draft.message.sender):
        numbers = [] if found is None else list(_numbers(draft, found))
        if numbers:
            known = (one for one in numbers if requester_id(one, expected).kind in expected)
            draft.put("requester_id", next(known, numbers[0]), where)
            return


def _numbers(draft: Draft, who: Entry) -> Iterator[str]:
    if who.resource.type in {"Patient", "RelatedPerson", "Device"}:
        return
    house = draft.resource(who.resource.child("organization"), "Organization", near=who)
    person = draft.resource(who.resource.child("practitioner"), "Practitioner", near=who)
    every = [each.resource for each in (house, who, person) if each is not None]
    said = (
        *(fhir_codes.structure_of(one) for one in every),
        *(fhir_codes.practitioner_of(one) for one in every),
        *(number.text("value") for one in every for number in one.each("identifier")),
    )
    yield from (number for number in said if number and not _SPACES.search(number))
