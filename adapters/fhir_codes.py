"""The code systems that senders use, under all the names they have, and what their codes mean."""

from collections.abc import Mapping

from slotengine.adapters.fhir_nodes import Coding, Node
from slotengine.adapters.fields import plain
from slotengine.adapters.protocols import SYSTEM as PROTOCOL_SYSTEM
from slotengine.adapters.registered import IDNPS, IDNST, IdKind, person_id, structure_id
from slotengine.adapters.words import GENERAL_PRACTICE, MODES, PROFESSIONS, specialties_of
from slotengine.codes import Mode, Profession

PROFESSION_SYSTEMS = ("tre_g15", "tre-g15", "1.2.250.1.71.1.2.7")
SPECIALTY_SYSTEMS = ("tre_r38", "tre-r38", "1.2.250.1.213.2.28")
SNOMED_SYSTEMS = ("snomed.info/sct", "2.16.840.1.113883.6.96")
NUCC_SYSTEMS = ("nucc.org/provider-taxonomy", "2.16.840.1.113883.6.101")
ROLE_SYSTEMS = ("practitioner-role", "practitionerrole")
MODE_SYSTEMS = ("v3-actcode", "v3-rolecode", "servicedeliverylocation", "snomed.info/sct")
LEVEL_SYSTEMS = ("niveausoin",)
"""Hub Santé ``niveauSoin``: R1 to R4."""

RPPS_SYSTEMS = (IDNPS, "rpps")
"""IDNPS, whose persons with an RPPS begin with 8, and the RPPS by itself."""

STRUCTURE_SYSTEMS = (IDNST,)
"""IDNST: 1 FINESS, 3 SIRET."""

FINESS_SYSTEMS = ("finess",)

Wanted = tuple[Profession, tuple[str, ...]]
"""A profession, and its specialties where one is named."""

_GP: Wanted = (Profession.PHYSICIAN, GENERAL_PRACTICE)


def _doctor(*specialties: str) -> Wanted:
    return Profession.PHYSICIAN, specialties


SNOMED: Mapping[str, Wanted] = {
    # Occupations.
    "309343006": _doctor(),
    "59058001": _GP,
    "62247001": _GP,
    "106289002": (Profession.DENTIST, ()),
    "309453006": (Profession.MIDWIFE, ()),
    "106292003": (Profession.NURSE, ()),
    "224535009": (Profession.NURSE, ()),
    "36682004": (Profession.PHYSIOTHERAPIST, ()),
    "46255001": (Profession.PHARMACIST, ()),
    "59944000": (Profession.PSYCHOLOGIST, ()),
    "80546007": (Profession.OCCUPATIONAL_THERAPIST, ()),
    "159026005": (Profession.SPEECH_THERAPIST, ()),
    "159033005": (Profession.DIETITIAN, ()),
    "159034004": (Profession.PODIATRIST, ()),
    # Practice settings (value set c80-practice-codes).
    "394814009": _GP,
    "408443003": _GP,
    "419772000": _GP,
    "394802001": _doctor(),
    "394537008": _doctor("SM40"),
    "394579002": _doctor("SM04"),
    "394582007": _doctor("SM15"),
    "394585009": _doctor("SM20"),
    "394587001": _doctor("SM42"),
    "394591006": _doctor("SM32"),
    "394594003": _doctor("SM38"),
    "394811001": _doctor("SM18"),
}
"""SNOMED CT occupations and practice settings (international edition)."""

NUCC: Mapping[str, Wanted] = {
    "208D00000X": _GP,
    "207Q00000X": _GP,
    "208000000X": _doctor("SM40"),
    "207R00000X": _doctor("SM27"),
    "163W00000X": (Profession.NURSE, ()),
    "176B00000X": (Profession.MIDWIFE, ()),
    "225100000X": (Profession.PHYSIOTHERAPIST, ()),
    "183500000X": (Profession.PHARMACIST, ()),
    "122300000X": (Profession.DENTIST, ()),
    "213E00000X": (Profession.PODIATRIST, ()),
    "235Z00000X": (Profession.SPEECH_THERAPIST, ()),
    "225X00000X": (Profession.OCCUPATIONAL_THERAPIST, ()),
    "103T00000X": (Profession.PSYCHOLOGIST, ()),
    "133V00000X": (Profession.DIETITIAN, ()),
}
"""NUCC health care provider taxonomy."""

ROLES: Mapping[str, Wanted] = {
    "doctor": _doctor(),
    "nurse": (Profession.NURSE, ()),
    "pharmacist": (Profession.PHARMACIST, ()),
}
"""HL7 practitioner-role."""

_BY_SPECIALTY: Mapping[str, Profession] = {
    "SM": Profession.PHYSICIAN,
    "SCD": Profession.DENTIST,
    "SI": Profession.NURSE,
    "SP": Profession.PHARMACIST,
}
"""Whose a TRE_R38 specialty is, by the letters that its code begins with."""

MODE_CODES: Mapping[str, Mode] = {
    **{mode.value: mode for mode in Mode},
    "PTRES": Mode.HH,
    "OF": Mode.AMB,
    "PROFF": Mode.AMB,
    "264362003": Mode.HH,
}
"""v3-ActCode, v3-RoleCode (patient's residence, outpatient facility, office), SNOMED CT (home)."""

NOBODY = "?"
"""Stands for a profession that was asked for and is not understood: it is refused as a code."""

_TABLES = ((SNOMED_SYSTEMS, SNOMED), (NUCC_SYSTEMS, NUCC), (ROLE_SYSTEMS, ROLES))


def of(system: str, known: tuple[str, ...]) -> bool:
    """Tells whether a system is one of some, under whichever of their names."""
    name = system.casefold()
    return any(word in name for word in known)


def wanted(concept: Node) -> tuple[str | None, tuple[str, ...]]:
    """
    Gives the profession and the specialties that a concept asks for; None where none is known.

    A code of the national list that no slot of ours has is given as it is: translating refuses it.
    """
    codings = concept.codings()
    specialties = tuple(one.code for one in codings if of(one.system, SPECIALTY_SYSTEMS))
    for one in codings:
        if of(one.system, PROFESSION_SYSTEMS):
            return one.code or NOBODY, specialties
    for one in codings:
        found = _found(one)
        if found is not None:
            profession, named = found
            return profession.value, specialties or named
    for code in specialties:
        owner = _BY_SPECIALTY.get(code.rstrip("0123456789"))
        if owner is not None:
            return owner.value, specialties
    return _by_words(concept), specialties


def _found(coding: Coding) -> Wanted | None:
    for systems, table in _TABLES:
        if of(coding.system, systems):
            return table.get(coding.code)
    return None


def _by_words(concept: Node) -> str | None:
    said = (concept.text("text") or "", *(one.display for one in concept.codings()))
    for words in said:
        known = PROFESSIONS.get(plain(words))
        if known is not None:
            return known.value
        if words and specialties_of(words) == GENERAL_PRACTICE:
            return Profession.PHYSICIAN.value
    return None


def mode_of(concept: Node) -> Mode | None:
    """Gives the mode that a place's concept means, or None."""
    for one in concept.codings():
        if (not one.system or of(one.system, MODE_SYSTEMS)) and one.code in MODE_CODES:
            return MODE_CODES[one.code]
    said = (concept.text("text") or "", *(one.display for one in concept.codings()))
    return next((MODES[plain(words)] for words in said if plain(words) in MODES), None)


def level_of(concept: Node) -> str | None:
    """Gives a SAMU care level, or None where the concept is something else."""
    return next(
        (one.code for one in concept.codings() if one.code and of(one.system, LEVEL_SYSTEMS)), None
    )


def protocol_of(concept: Node) -> str | None:
    """Gives the protocol that was followed, or None where the concept is something else."""
    return next(
        (one.code for one in concept.codings() if one.code and of(one.system, (PROTOCOL_SYSTEM,))),
        None,
    )


def practitioner_of(resource: Node) -> str | None:
    """Gives the RPPS among a resource's identifiers without its prefix, or None."""
    for one in resource.each("identifier"):
        value = one.text("value")
        if value and (of(one.text("system") or "", RPPS_SYSTEMS) or _typed(one, "RPPS")):
            known = person_id(value)
            return known.value if known.kind is IdKind.RPPS else value
    return None


def structure_of(resource: Node) -> str | None:
    """Gives the FINESS or SIRET among a resource's identifiers without its prefix, or None."""
    found = [
        (one.text("system") or "", one.text("value") or "") for one in resource.each("identifier")
    ]
    for system, value in found:
        if value and (of(system, FINESS_SYSTEMS) or of(system, STRUCTURE_SYSTEMS)):
            known = structure_id(value)
            # A practice's number means nothing without the digit that says so.
            return known.value if known.kind in {IdKind.FINESS, IdKind.SIRET} else value
    return None


def _typed(identifier: Node, code: str) -> bool:
    kind = identifier.child("type")
    return kind is not None and any(one.code == code for one in kind.codings())
