"""
Who an HL7 message is about: PID, the own doctor, the motive, with the French rules of each.

What identifies goes to the identity room, under the names that every format uses; phones are handed
there too, to be compared and forgotten. Next of kin, insurance and free text are never read.
"""

import re
from collections.abc import Iterator, Mapping

from slotengine.adapters import scalars
from slotengine.adapters.fields import DROPPED
from slotengine.adapters.hl7v2_found import Found
from slotengine.adapters.hl7v2_text import Composite, Message, Segment
from slotengine.adapters.hl7v2_times import day_of, lacks_day
from slotengine.adapters.kinds import Kind
from slotengine.adapters.scalars import BadValue

INS_OIDS = (
    "1.2.250.1.213.1.4.8",
    "1.2.250.1.213.1.4.9",
    "1.2.250.1.213.1.4.10",
    "1.2.250.1.213.1.4.11",
)
"""Authorities of an INS: of NIR, NIA, test and demonstration (ANS; fr-core-patient-ins)."""

INS_NAMES = ("ASIP-SANTE-INS-NIR", "ASIP-SANTE-INS-NIA")
"""The same authorities by name (IHE PAM France 2.11)."""

QUALIFIED = "VALI"
"""PID-32: the identity was checked against a document and the national service."""

LOCAL_TYPES = ("PI", "MR", "PT", "PN", "")
"""CX-5 of a number that a house gives its patient, best first (table 0203)."""

BIRTH_NAME_TYPES = ("L", "M", "B")
"""XPN-7: in France L is the name at birth, and the only one that must be there."""

USED_NAME_TYPES = ("D", "U", "C", "")
"""XPN-7: the name in use."""

HOME_TYPES = ("C", "H", "", "L", "P", "M")
"""XAD-7 of where a patient is, best first: now, home, none said, legal, permanent, mail."""

FRANCE = frozenset(
    {"", "FRA", "FR", "FRANCE", "GLP", "MTQ", "GUF", "REU", "MYT", "SPM", "BLM", "MAF", "250"}
)
"""XAD-6 of addresses with French postcodes (ISO 3166); 42010 elsewhere is no place in the Loire."""

SEXES: Mapping[str, str] = {
    "F": "female",
    "M": "male",
    "O": "other",
    "A": "other",
    "U": "unknown",
    "N": "unknown",
}
"""PID-8 (table 0001): A is ambiguous, N not applicable."""

OWN_DOCTOR_ROLES = ("ODRP", "PP", "FHCP")
"""ROL-3: médecin traitant (IHE France), primary care provider, family doctor (table 0443)."""

RPPS_DIGITS = re.compile(r"8?[0-9]{11}")
_INSEE = re.compile(r"[0-9]{5}|2[ABab][0-9]{3}")


def read_patient(message: Message, found: Found) -> None:
    """
    Reads who is meant, where they are, their own doctor and the motive.

    Raises
    ------
    BadValue
        When the message is about several patients.
    """
    several = message.all("PID")
    if len(several) > 1:
        raise found.refuse("patient_id", Kind.TOO_MANY, several[1].path(3))
    pid = message.one("PID")
    _numbers(pid, found)
    _names(pid, found)
    _birth(pid, found)
    _sex(pid, found)
    _address(pid, found)
    phones = tuple(
        text
        for field in (13, 14, 40)
        for one in pid.repetitions(field)
        for text in (one.part(), one.part(12), one.part(6) + one.part(7), one.part(4))
        if text
    )
    if phones or pid.text(19):
        found.put(DROPPED, (*phones, pid.text(19)), pid.path(13))
    for path, rpps in _own_doctors(message):
        found.put("own_practitioner", rpps, path)


def where_dead(message: Message) -> str | None:
    """Gives where a message says that the patient has died (PID-29, PID-30), or None."""
    pid = message.one("PID")
    if pid.text(30).upper() == "Y":
        return pid.path(30)
    return pid.path(29) if pid.text(29) and pid.text(30).upper() != "N" else None


def rpps_of(person: Composite) -> str:
    """
    Gives the RPPS of an XCN or PLN, empty for any other number.

    Official messages hold it bare and with the 8 of national ids before it.
    """
    text = person.part()
    return text if RPPS_DIGITS.fullmatch(text) else ""


def read_motive(message: Message, found: Found, *others: tuple[Segment, int]) -> None:
    """
    Reads the gravest diagnosis or reason, else what a message puts first (DG1-15, else the order).

    A reason whose code can't be one (words, blanks) is left out: the referral is worth more.
    """
    diagnoses = sorted(message.all("DG1"), key=lambda one: one.text(15) or "9")
    coded = [
        (segment, field, reason)
        for segment, field in (*((one, 3) for one in diagnoses), *others)
        for reason in segment.repetitions(field)
        if _is_code(reason, found)
    ]
    grave = (one for one in coded if one[2].part() in found.red_flags)
    for segment, field, reason in [*grave, *coded][:1]:
        path = segment.path(field, reason.number)
        found.put("motive_code", reason.part(), path)
        found.put("motive_system", _system(reason.part(3)), path)
        found.put("motive_label", reason.part(2) or segment.text(4), path)


def _is_code(reason: Composite, found: Found) -> bool:
    try:
        scalars.identifier("motive_code", reason.part())
    except BadValue:
        if any(reason.part(component) for component in (1, 2)):
            found.doubt("motive_code", Kind.BAD_IDENTIFIER)
        return False
    return True


def _system(text: str) -> str:
    try:
        return scalars.identifier("motive_system", text.replace(" ", "-"))
    except BadValue:
        return ""


def _numbers(pid: Segment, found: Found) -> None:
    """Reads the INS, if the identity is qualified, and the number that the house gave."""
    numbers = pid.repetitions(3)
    trusted = {one.part().upper() for one in pid.repetitions(32)}
    for one in sorted(numbers, key=_authority_rank):
        if not _is_ins(one):
            continue
        if trusted and QUALIFIED not in trusted:
            found.doubt("nir", Kind.UNQUALIFIED)
            break
        found.put("nir", one.part(), pid.path(3, one.number))
        break
    local = [one for one in numbers if not _is_ins(one) and one.part(5).upper() in LOCAL_TYPES]
    for one in sorted(local, key=lambda one: LOCAL_TYPES.index(one.part(5).upper())):
        # With its authority: two registers of one hospital both have a patient 42.
        authority = one.part(4, 2) or one.part(4)
        number = "^".join(filter(None, (one.part(), authority))) if one.part() else ""
        found.put("patient_id", number, pid.path(3, one.number))
    found.put("patient_id", "", pid.path(3))


def _is_ins(one: Composite) -> bool:
    if one.part(4, 2):
        return one.part(4, 2) in INS_OIDS
    return one.part(4).upper() in INS_NAMES or one.part(5).upper() == "INS"


def _authority_rank(one: Composite) -> int:
    oid = one.part(4, 2)
    return INS_OIDS.index(oid) if oid in INS_OIDS else len(INS_OIDS)


def _names(pid: Segment, found: Found) -> None:
    """Reads names; a pseudonym (S) or an alias is none."""
    names = pid.repetitions(5)
    for field, types in (("birth_name", BIRTH_NAME_TYPES), ("family_name", USED_NAME_TYPES)):
        for one in names:
            if one.part(7).upper() in types:
                path = pid.path(5, one.number)
                found.put(field, one.part(), path)
                found.put("given_name", one.part(2), path)
    found.put("family_name", "", pid.path(5))
    found.put("given_name", "", pid.path(5))


def _birth(pid: Segment, found: Found) -> None:
    """Reads the date of birth; one known to the month only tells nobody apart."""
    text = pid.text(7)
    if lacks_day(text):
        found.doubt("birth_date", Kind.IMPRECISE)
        text = ""
    found.put("birth_date", day_of(text), pid.path(7))


def _sex(pid: Segment, found: Found) -> None:
    text = pid.text(8).upper()
    if text and text not in SEXES:
        found.doubt("sex", Kind.UNKNOWN_CODE)
    found.put("sex", SEXES.get(text, ""), pid.path(8))


def _address(pid: Segment, found: Found) -> None:
    """Reads the commune of the address where the patient is; the birthplace stands there too."""
    addresses = [one for one in pid.repetitions(11) if one.part(7).upper() in HOME_TYPES]
    for one in sorted(addresses, key=lambda one: HOME_TYPES.index(one.part(7).upper())):
        path = pid.path(11, one.number)
        if one.part(6).upper() not in FRANCE:
            found.doubt("postcode", Kind.OUTSIDE_BOUNDS)
            continue
        code = one.part(9)
        if not (code or one.part(5) or one.part(3)):
            continue
        found.put("insee", code.upper() if _INSEE.fullmatch(code) else "", path)
        found.put("postcode", one.part(5), path)
        found.put("city", one.part(3), path)
        return


def _own_doctors(message: Message) -> Iterator[tuple[str, str]]:
    """Gives path and RPPS of the own doctor, wherever versions put it."""
    for name, role, person in (("ROL", 3, 4), ("PRT", 4, 5)):
        for segment in message.all(name):
            if segment.text(role).upper() in OWN_DOCTOR_ROLES:
                yield from _doctors(segment, person)
    yield from _doctors(message.one("PD1"), 4)


def _doctors(segment: Segment, field: int) -> Iterator[tuple[str, str]]:
    for one in segment.repetitions(field):
        if rpps := rpps_of(one):
            yield segment.path(field, one.number), rpps
