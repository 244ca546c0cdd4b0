"""Who is wanted in HL7's words: codes of the French nomenclatures, else words, else table 0281."""

from collections.abc import Mapping

from slotengine.adapters import words
from slotengine.adapters.fields import plain
from slotengine.adapters.hl7v2_found import Found
from slotengine.adapters.hl7v2_text import Composite

PROFESSION_SYSTEMS = ("TRE_G15", "1.2.250.1.71.1.2.7")
SPECIALTY_SYSTEMS = ("TRE_R38", "1.2.250.1.213.2.28")
"""Names and OIDs of the national lists of professions and ordinal specialties (ANS)."""

REFERRAL_TYPES: Mapping[str, tuple[str, str]] = {
    "hom": ("modes", "HH"),
    "skn": ("professions", "60"),
    "med": ("professions", "10"),
}
"""RF1-3 (table 0281): home care, skilled nursing, medical. Laboratory and imaging are not ours."""

NOT_OURS = frozenset({"lab", "rad"})

PRIORITIES: Mapping[str, str] = {"S": "stat", "A": "asap", "U": "urgent", "R": "routine"}
"""RF1-2 (table 0280: S, A, R) and TQ1-9 (table 0485); U is what some senders add for urgent."""


def read_wanted(found: Found, said: Composite, path: str) -> None:
    """Notes a profession or specialty, where a coded element names one; nothing otherwise."""
    code, label, system = said.part(), said.part(2), said.part(3).upper().replace("-", "_")
    if any(known in system for known in PROFESSION_SYSTEMS):
        found.put("professions", (code,), path)
    elif any(known in system for known in SPECIALTY_SYSTEMS):
        found.put("specialties", (code,), path)
    else:
        for text in filter(None, (code, label)):
            # A bare number is a code of the sender's own list, whatever ours says of 10.
            profession = None if text.isdigit() else words.PROFESSIONS.get(plain(text))
            if profession is not None:
                found.put("professions", (profession.value,), path)
            if not any(sign.isdigit() for sign in text) and words.specialties_of(text):
                found.put("specialties", (text,), path)


def priority(text: str) -> str:
    """Gives a priority for a code of table 0280; words of ours, and what is neither, stay."""
    return PRIORITIES.get(text.upper(), text)
