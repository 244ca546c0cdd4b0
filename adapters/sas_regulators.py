"""
Accounts of regulators as the national platform sends them (INT_R02, FrPractitionerRegul).

The one thing here that names a person: the mail address leaves this file only as what the caller
hashes; name and address stay in the resource, which the host keeps, or nobody.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from slotengine.adapters import sas_urls as url
from slotengine.adapters.sas_search import Refusal
from slotengine.domain import Value

MAX_IDENTIFIERS = 10
"""Identifiers of one account: the profile knows two. Our choice."""

MAX_TEXT = 200
"""Characters of an identifier, as long as our column is; RFC 5321 allows 254 of an address."""

MAX_MAIL = 254

TYPES = {url.PERSONS: "IDNPS", url.PLATFORM: "INTRN"}
"""Which type of identifier goes with which system."""

_ID_TYPE_SYSTEMS = {url.ID_TYPES, url.ID_TYPES_OF_CPTS, url.ID_TYPES_OF_PLACES}
"""The three URLs of one list: accepted alike."""

_MAIL = re.compile(r"[^@\s,;<>]+@[^@\s,;<>]+\.[^@\s,;<>]+")


class Regulator(Value):
    """What the engine needs of an account; ``mail`` is hashed by the caller and then forgotten."""

    identifiers: tuple[tuple[str, str], ...]
    active: bool
    mail: str

    def __repr__(self) -> str:
        return "Regulator(hidden)"

    __str__ = __repr__


def read_regulator(resource: object) -> Regulator | Refusal:
    """
    Reads a Practitioner, or says which element is missing or empty; never what it held.

    Unknown elements and the narrative are ignored.
    """
    if not isinstance(resource, Mapping) or resource.get("resourceType") != "Practitioner":
        return Refusal("structure", "Practitioner", "a resource Practitioner is needed")
    wrong = _head(resource) or _name(resource.get("name"))
    if wrong is not None:
        return wrong
    identifiers = _identifiers(resource.get("identifier"))
    if isinstance(identifiers, Refusal):
        return identifiers
    mail = _mail(resource.get("telecom"))
    if isinstance(mail, Refusal):
        return mail
    return Regulator(identifiers=identifiers, active=resource["active"], mail=mail)


def _head(resource: Mapping[str, Any]) -> Refusal | None:
    source = _object(resource.get("meta")).get("source")
    if source is not None and source != url.PLATFORM:
        return Refusal("value", "Practitioner.meta.source", "is not the national platform")
    if not isinstance(resource.get("active"), bool):
        return Refusal("value", "Practitioner.active", "true or false is needed")
    return None


def _object(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _list(value: object) -> Sequence[object]:
    return value if isinstance(value, list) else ()


def _text(value: object) -> str:
    return value.strip() if isinstance(value, str) else ""


def _identifiers(value: object) -> tuple[tuple[str, str], ...] | Refusal:
    where = "Practitioner.identifier"
    found = []
    listed = _list(value)
    if not 1 <= len(listed) <= MAX_IDENTIFIERS:
        return Refusal("value", where, f"1 to {MAX_IDENTIFIERS} are needed")
    for one in map(_object, listed):
        system, number = _text(one.get("system")), _text(one.get("value"))
        if TYPES.get(system) is None:
            return Refusal("value", f"{where}.system", "is no system of persons or the platform")
        if not 1 <= len(number) <= MAX_TEXT:
            return Refusal("value", f"{where}.value", "is missing, empty or too long")
        codings = [_object(coding) for coding in _list(_object(one.get("type")).get("coding"))]
        known = [coding.get("code") for coding in codings if _is_known(coding)]
        if known != [TYPES[system]]:
            return Refusal("value", f"{where}.type", "does not go with its system")
        found.append((system, number))
    if len({system for system, _ in found}) != len(found):
        return Refusal("value", where, "two of one system")
    return tuple(sorted(found))


def _is_known(coding: Mapping[str, Any]) -> bool:
    system = coding.get("system")
    return isinstance(system, str) and system in _ID_TYPE_SYSTEMS


def _name(value: object) -> Refusal | None:
    names = [_object(one) for one in _list(value)]
    if not names or not _text(names[0].get("family")):
        return Refusal("value", "Practitioner.name.family", "is missing or empty")
    given = _list(names[0].get("given"))
    if not given or not all(_text(one) for one in given):
        return Refusal("value", "Practitioner.name.given", "is missing or empty")
    return None


def _mail(value: object) -> str | Refusal:
    where = "Practitioner.telecom"
    contacts = [_object(one) for one in _list(value)]
    if not contacts or any(one.get("system") != "email" for one in contacts):
        return Refusal("value", f"{where}.system", "one of kind email is needed, and no other")
    mail = _text(contacts[0].get("value"))
    if len(mail) > MAX_MAIL or not _MAIL.fullmatch(mail):
        return Refusal("value", f"{where}.value", "is missing, empty or no mail address")
    # Upper and lower case lead to one mailbox in practice: one account, too.
    return mail.casefold()
