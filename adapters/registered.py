"""
National numbers of persons and houses: which kind a text is, and whether its check digit fits.

The same leading digit means different things: in front of a person's number (IDNPS) 3 announces an
establishment's internal number, in front of a structure's (IDNST) a SIRET.
"""

import re
from enum import StrEnum
from functools import lru_cache
from typing import NamedTuple


class IdKind(StrEnum):
    """What kind of number tells who somebody is."""

    RPPS = "rpps"
    ADELI = "adeli"
    FINESS = "finess"
    SIRET = "siret"
    INTERNAL = "internal"
    """A number that a house gave one of its own, with the house's before it."""
    CABINET = "cabinet"
    """A practice, known by the number of who practises there."""
    ACCOUNT = "account"
    """Whatever else: an account of the host, a local code."""


class Known(NamedTuple):
    """A number without its national prefix, and its kind."""

    kind: IdKind
    value: str


IDNPS = "1.2.250.1.71.4.2.1"
"""OID of the numbers of persons (ANS, identifiant national de professionnel de santé)."""

IDNST = "1.2.250.1.71.4.2.2"
"""OID of the numbers of structures (ANS, identifiant national de structure)."""

INS_OIDS = {
    "1.2.250.1.213.1.4.8": "NIR",
    "1.2.250.1.213.1.4.9": "NIA",
    "1.2.250.1.213.1.4.10": "test",
    "1.2.250.1.213.1.4.11": "demonstration",
}
"""OIDs under which a patient's INS travels (fr-core-patient-ins)."""

LA_POSTE = "356000000"
"""SIREN of La Poste: the digits of its post offices' SIRET add up to a multiple of five."""

LA_POSTE_HEAD_OFFICE = "35600000000048"
"""The only one that keeps Luhn's rule by right."""

LA_POSTE_MODULUS = 5

LUHN_MODULUS = 10

CACHED = 4_096
"""Numbers of persons and houses remembered: those of a large territory. Our choice."""

_FINESS = r"(?:[0-9]{2}|2[AB])[0-9]{7}"
_PERSON = (
    (re.compile(r"8([0-9]{11})"), IdKind.RPPS),
    (re.compile(r"([0-9]{11})"), IdKind.RPPS),
    (re.compile(rf"0({_FINESS})"), IdKind.ADELI),
    (re.compile(rf"({_FINESS})"), IdKind.ADELI),
    # Cabinet ADELI, FINESS, SIREN, SIRET, cabinet RPPS; each with a number of its own behind it.
    (re.compile(rf"[13]({_FINESS}/.+)"), IdKind.INTERNAL),
    (re.compile(r"4([0-9]{9}/.+)"), IdKind.INTERNAL),
    (re.compile(r"5([0-9]{14}/.+)"), IdKind.INTERNAL),
    (re.compile(r"6([0-9]{11}/.+)"), IdKind.INTERNAL),
)
_STRUCTURE = (
    (re.compile(rf"1({_FINESS})"), IdKind.FINESS),
    (re.compile(rf"({_FINESS})"), IdKind.FINESS),
    (re.compile(r"3([0-9]{14})"), IdKind.SIRET),
    (re.compile(r"([0-9]{14})"), IdKind.SIRET),
    (re.compile(r"4([0-9]{14})"), IdKind.CABINET),
    (re.compile(rf"0({_FINESS}[0-9]{{1,5}})"), IdKind.CABINET),
)
_SPACES = re.compile(r"[\s\u00a0\u202f]+")
_OID = re.compile(r"(?:urn:oid:)?([0-9]+(?:\.[0-9]+)+)", re.IGNORECASE)


def person_id(text: str) -> Known:
    """
    Tells which kind of number a person's is, by the prefixes of IDNPS; a bare one too.

    Examples
    --------
    >>> person_id("810002909371"), person_id("0441234567").kind.value
    (Known(kind=<IdKind.RPPS: 'rpps'>, value='10002909371'), 'adeli')
    >>> person_id("3456780581/11242343").kind.value, person_id("jdoe").kind.value
    ('internal', 'account')
    """
    return _first(text, _PERSON)


def structure_id(text: str) -> Known:
    """
    Tells which kind of number a structure's is, by the prefixes of IDNST; a bare one too.

    Examples
    --------
    >>> structure_id("12A0000014"), structure_id("326450015500011").kind.value
    (Known(kind=<IdKind.FINESS: 'finess'>, value='2A0000014'), 'siret')
    """
    return _first(text, _STRUCTURE)


@lru_cache(maxsize=CACHED)
def requester_id(text: str, expected: frozenset[IdKind]) -> Known:
    """
    Tells which kind of number a requester's is, who may be a person or a house.

    Nine signs are a FINESS or an ADELI: the kind that is expected, FINESS where both are. An ADELI
    behind its 0 looks like a phone number and is refused as one: readers that know its system
    give it without (``person_id``).
    """
    person, house = person_id(text), structure_id(text)
    if house.kind is IdKind.ACCOUNT:
        return person
    if person.kind is IdKind.ACCOUNT or person.kind not in expected:
        return house
    return house if house.kind in expected else person


def _first(text: str, shapes: tuple[tuple[re.Pattern[str], IdKind], ...]) -> Known:
    compact = _SPACES.sub("", text)
    for shape, kind in shapes:
        found = shape.fullmatch(compact.upper())
        if found is not None:
            # What stands behind a slash is the house's own, capitals or not.
            return Known(kind, compact[found.start(1) :] if "/" in compact else found[1])
    return Known(IdKind.ACCOUNT, text)


@lru_cache(maxsize=CACHED)
def check_digit_fits(known: Known) -> bool:
    """
    Tells whether a number's check digit is right; kinds that have none always fit.

    A doubt and never a refusal: official samples fail it. RPPS and FINESS by Luhn is our inference
    from the samples that pass; nothing says how the letter of a Corsican FINESS is counted, so it
    is not checked.
    """
    post_office = known.value.startswith(LA_POSTE) and known.value != LA_POSTE_HEAD_OFFICE
    if known.kind is IdKind.SIRET and post_office:
        return sum(map(int, known.value)) % LA_POSTE_MODULUS == 0
    if known.kind not in {IdKind.RPPS, IdKind.FINESS, IdKind.SIRET} or not known.value.isdigit():
        return True
    return luhn(known.value)


def luhn(digits: str) -> bool:
    """
    Tells whether the last digit is the one that Luhn's rule gives (ISO/IEC 7812-1).

    Examples
    --------
    >>> luhn("10002909371"), luhn("10002909372")
    (True, False)
    """
    twice = (0, 2, 4, 6, 8, 1, 3, 5, 7, 9)
    total = sum(
        twice[int(digit)] if place % 2 else int(digit)
        for place, digit in enumerate(reversed(digits))
    )
    return total % LUHN_MODULUS == 0


def is_ins(system: str) -> bool:
    """
    Tells whether a system (an OID, bare or as a URN) is one of the INS.

    Examples
    --------
    >>> is_ins("urn:oid:1.2.250.1.213.1.4.8"), is_ins("1.2.250.1.71.4.2.1")
    (True, False)
    """
    found = _OID.fullmatch(system.strip())
    return found is not None and found[1] in INS_OIDS


def bare_ins(text: str) -> str:
    """
    Gives the number of an INS that came with its system, as a FHIR token or as an HL7 v2 CX.

    Examples
    --------
    >>> bare_ins("urn:oid:1.2.250.1.213.1.4.10|279035121518989")
    '279035121518989'
    >>> bare_ins("279035121518989^^^ASIP-SANTE-INS-NIR&1.2.250.1.213.1.4.10&ISO^INS")
    '279035121518989'
    """
    if "|" in text:
        system, _, number = text.partition("|")
        return number if is_ins(system) else text
    if "^" in text:
        number, _, rest = text.partition("^")
        parts = rest.replace("^", "&").split("&")
        return number if any(is_ins(part) for part in parts) or "INS" in parts else text
    return text
