"""From the words and codes that people write to the codes of the nouns."""

import re
from collections.abc import Mapping
from enum import StrEnum
from typing import TypeVar

from slotengine import labels
from slotengine.adapters.fields import plain
from slotengine.codes import CareLevel, Mobility, Mode, Priority, Profession, Sex
from slotengine.side_constraints import SHIPPED_PATHWAYS

Coded = TypeVar("Coded", bound=StrEnum)


class Status(StrEnum):
    """What a record says about its referral."""

    NEW = "new"
    AMENDED = "amended"
    CANCELLED = "cancelled"
    FULFILLED = "fulfilled"
    NOSHOW = "noshow"


def _table(
    codes: type[Coded],
    said: Mapping[Coded, labels.Words],
    also: Mapping[Coded, tuple[str, ...]],
) -> dict[str, Coded]:
    """Gives plain words to code: the code itself, its labels in both languages, and synonyms."""
    return {
        plain(words): code
        for code in codes
        for words in (code.value, *said.get(code, ()), *also.get(code, ()))
    }


PROFESSIONS = _table(
    Profession,
    labels.PROFESSION,
    {
        Profession.PHYSICIAN: (
            "physician", "gp", "general practitioner", "médecine générale", "généraliste",
            "médecin généraliste",
        ),
        Profession.PHARMACIST: ("pharmacienne", "pharmacie"),
        Profession.DENTIST: ("dentiste", "chirurgienne dentiste"),
        Profession.MIDWIFE: ("sage femme", "maïeuticien"),
        Profession.NURSE: ("infirmière", "infirmier(ère)", "ide", "idel"),
        Profession.PHYSIOTHERAPIST: (
            "kiné", "kinésithérapie",
            "masseur kinésithérapeute", "masseuse kinésithérapeute", "physio",
        ),
        Profession.PODIATRIST: ("podologue", "pédicure"),
        Profession.PSYCHOLOGIST: ("psychologist",),
        Profession.DIETITIAN: ("diététicienne",),
    },
)  # fmt: skip
MODES = _table(
    Mode,
    labels.MODE,
    {
        Mode.AMB: ("cabinet", "practice", "consultation", "au centre"),
        Mode.HH: ("domicile", "home", "visite", "visite à domicile", "home visit"),
        Mode.VR: ("téléconsultation", "vidéo", "video", "teleconsultation", "visio"),
    },
)
MOBILITIES = _table(
    Mobility,
    {},
    {
        Mobility.CAR: ("voiture", "en voiture", "véhicule"),
        Mobility.TRANSIT: ("transports en commun", "transport en commun", "bus"),
        Mobility.WALK: ("à pied", "pied", "marche", "walking", "on foot"),
        Mobility.WHEELCHAIR: ("fauteuil", "fauteuil roulant", "pmr"),
        Mobility.HOMEBOUND: (
            "non déplaçable", "ne se déplace pas",
            "alité", "alitée", "bedridden", "housebound",
        ),
    },
)  # fmt: skip
SEXES = _table(
    Sex,
    {},
    {
        Sex.FEMALE: ("f", "femme", "féminin"),
        Sex.MALE: ("m", "h", "homme", "masculin"),
        Sex.OTHER: ("o", "autre"),
        Sex.UNKNOWN: ("u", "un", "i", "inconnu", "indéterminé"),
    },
)
CARE_LEVELS = _table(CareLevel, {}, {})
STATUSES = _table(
    Status,
    {},
    {
        Status.NEW: ("nouveau", "nouvelle", "active"),
        Status.AMENDED: ("modifié", "modifiée", "updated", "amend"),
        Status.CANCELLED: ("annulé", "annulée", "canceled", "cancel", "revoked"),
        Status.FULFILLED: ("honoré", "honorée", "venu", "venue"),
        Status.NOSHOW: ("no show", "absent", "absente", "non honoré", "non honorée"),
    },
)

_PATHWAYS = {
    plain(words): pathway.code
    for pathway in SHIPPED_PATHWAYS
    for words in (pathway.name_fr, pathway.name_en)
}
_PATHWAY_CODE = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")

_PRIORITIES = _table(Priority, {}, {})
_HOURS: dict[int, Priority] = {
    4: Priority.STAT,
    12: Priority.ASAP,
    24: Priority.URGENT,
    48: Priority.ROUTINE,
}
"""The field's four promises, as said at the counter: hours to priority."""

_WITHIN = re.compile(r"(?:dans les |sous |d ici |en |within |in )?(\d{1,3}) ?(?:h|heures?|hours?)")

GENERAL_PRACTICE = ("SM26", "SM53", "SM54")
"""TRE_R38 has three codes for general practice, and directories use all three."""

_GENERAL_PRACTICE_WORDS = frozenset({"medecine generale", "general practice", "generaliste", "mg"})
_SPECIALTY = re.compile(r"[A-Z]{1,4}[0-9]{1,4}")


def priority_of(text: str) -> Priority | None:
    """
    Gives the priority that a code or a label means.

    Examples
    --------
    >>> priority_of("Dans les 4 h"), priority_of("sous 24h"), priority_of("demain")
    (<Priority.STAT: 'stat'>, <Priority.URGENT: 'urgent'>, None)
    """
    said = plain(text)
    within = _WITHIN.fullmatch(said)
    return _HOURS.get(int(within[1])) if within else _PRIORITIES.get(said)


def specialties_of(text: str) -> tuple[str, ...] | None:
    """
    Gives the TRE_R38 codes that a code or label means; only general practice has a label.

    Examples
    --------
    >>> specialties_of("sm40"), specialties_of("Médecine générale"), specialties_of("Dr Who")
    (('SM40',), ('SM26', 'SM53', 'SM54'), None)
    """
    if plain(text) in _GENERAL_PRACTICE_WORDS:
        return GENERAL_PRACTICE
    code = text.strip().upper()
    return (code,) if _SPECIALTY.fullmatch(code) else None


def pathway_of(text: str) -> str | None:
    """
    Gives the code of a pathway; whether the territory has it, the engine says.

    Examples
    --------
    >>> pathway_of("Elderly-Home"), pathway_of("type 2 diabetes: physician, nurse, podiatrist")
    ('elderly-home', 'type-2-diabetes')
    >>> pathway_of("Après l'hôpital !") is None
    True
    """
    known = _PATHWAYS.get(plain(text))
    code = text.strip().lower()
    return known or (code if _PATHWAY_CODE.fullmatch(code) else None)
