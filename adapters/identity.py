"""
Identity at the door: it becomes a pseudonym and an age here, and goes no further.

What a record keeps is compared with who it is about: a name in a reference would be stored and
shown for ever.
"""

import re
from dataclasses import dataclass, field
from datetime import date

from slotengine.adapters.base import Door, Pseudonyms
from slotengine.adapters.fields import plain
from slotengine.adapters.kinds import Kind
from slotengine.adapters.scalars import BadValue

MAX_LABEL_CHARS = 200
"""Characters of a motive's label (``slotengine.domain.Motive``)."""

MIN_NAME_CHARS = 3
"""Shorter name parts ("Le", "De") are words of every text."""

MIN_DIGITS = 6
"""Digits from which a number tells somebody apart: a birth date has 8, a phone 10, a NIR 15."""

UNKNOWN_PATIENT = "unknown patient of"
"""Stands where a house stands, and is none: ids of houses hold no space."""

PHONE_DIGITS = 9
"""Digits of a French phone number after its prefix."""

_PHONE = re.compile(r"(?:\+33|0033|0)[ .\-]?[1-9](?:[ .\-]?[0-9]{2}){4}")
_NIR_RUN = re.compile(r"(?<![0-9])[1-8][0-9]{2}(?:0[1-9]|1[0-2])[0-9AB]{8}[0-9]{2}(?![0-9])")
_CASE_NUMBER = re.compile(r"DRFR15[0-9]{13}")
"""Number of a SAMU's case: 15, département, year, day, rank; those of 01 to 12 look like a NIR."""

_DIGIT_RUN = re.compile(r"[0-9](?:[ ./\-]?[0-9]){5,}")
_NO_DIGITS = re.compile(r"[^0-9]+")
_CIVILITY = re.compile(
    r"\b(?:m|mr|mme|mlle|monsieur|madame|mademoiselle|ne le|nee le|born)\b", re.ASCII
)
_MONTH_AND_YEAR = re.compile(
    r"\b(?:janvier|fevrier|mars|avril|mai|juin|juillet|aout|septembre|octobre|novembre|decembre) "
    r"(?:19|20)[0-9]{2}\b"
)


@dataclass(frozen=True, slots=True)
class Identity:
    """Who a record is about, for as long as the record is read. Shows nothing of it."""

    nir: str | None = field(default=None, repr=False)
    birth_name: str | None = field(default=None, repr=False)
    family_name: str | None = field(default=None, repr=False)
    given_name: str | None = field(default=None, repr=False)
    birth_date: date | None = field(default=None, repr=False)
    patient_id: str | None = field(default=None, repr=False)
    contact: tuple[str, ...] = field(default=(), repr=False)
    _names: frozenset[str] = field(init=False, repr=False)
    _numbers: frozenset[str] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_names", self._telling_names())
        object.__setattr__(self, "_numbers", self._telling_numbers())

    def key(self, door: Door, *, house: str | None, reference: str) -> str:
        """
        Gives the pseudonym: of the NIR, else of name and birth date, else of the local id.

        A local id means something only in the house that gave it, so the house is hashed with it.
        Where a source may send a patient nobody knows, each referral is a person of its own.
        """
        vault = door.pseudonymiser
        if self.nir is not None:
            return _found(vault.of_nir(self.nir), "nir", Kind.BAD_NIR)
        # The name at birth stays when the name in use changes.
        named = self.birth_name or self.family_name, self.given_name, self.birth_date
        family, given, born = named
        if family is not None and given is not None and born is not None:
            return _found(vault.of_name(family, given, born), "family_name", Kind.BAD_NAME)
        scope = (door.territory, door.profile.source.value)
        if self.patient_id is not None:
            return vault.of_local_id((*scope, house or ""), self.patient_id)
        if door.profile.identity_required:
            parts = zip(("family_name", "given_name", "birth_date"), named, strict=True)
            absent = [name for name, part in parts if part is None]
            raise BadValue(absent[0] if len(absent) < len(named) else "patient_id", Kind.MISSING)
        return vault.of_local_id((*scope, UNKNOWN_PATIENT), reference)

    def _telling_names(self) -> frozenset[str]:
        """Gives the words of the names that are long enough to tell somebody apart."""
        said = " ".join(filter(None, (self.birth_name, self.family_name, self.given_name)))
        return frozenset(word for word in plain(said).split() if len(word) >= MIN_NAME_CHARS)

    def _telling_numbers(self) -> frozenset[str]:
        """Gives the digits of NIR, birth date (both orders) and phones."""
        digits = [_digits(self.nir or "")]
        # The last nine: a phone is written with 0, 0033 or +33 before them.
        digits += [_digits(text)[-PHONE_DIGITS:] for text in self.contact]
        if self.birth_date is not None:
            born = self.birth_date.isoformat().split("-")
            digits += ["".join(born), "".join(reversed(born))]
        return frozenset(run for run in digits if len(run) >= MIN_DIGITS)

    def occurs_in(self, text: str, *, with_names: bool = True) -> bool:
        """Tells whether a text repeats this person."""
        if with_names and not self._names.isdisjoint(plain(text).split()):
            return True
        digits = _digits(text)
        return any(run in digits for run in self._numbers)

    def guarded(self, name: str, text: str, vault: Pseudonyms, *, with_names: bool = True) -> str:
        """
        Gives a text that is to be kept, or refuses it for naming a person.

        ``with_names=False`` for ids of houses: a pharmacy may bear its patient's name.
        """
        compact = text.replace(" ", "").upper()
        nirs = _NIR_RUN.findall(_CASE_NUMBER.sub("", compact))
        if (
            "@" in text
            or _PHONE.fullmatch(text)
            or any(vault.of_nir(run) for run in nirs)
            or self.occurs_in(text, with_names=with_names)
        ):
            raise BadValue(name, Kind.IDENTIFYING)
        return text

    def harmless_label(self, text: str) -> str:
        """
        Gives a motive's label, or nothing when it may name a person or is too long.

        Dropped and not refused: no rule reads it, and a referral is worth more than its label.
        What looks like an address, a date, a number of six digits, or a civility counts as naming.
        """
        label = " ".join(text.split())
        said = plain(label)
        suspect = (
            len(label) > MAX_LABEL_CHARS
            or "@" in label
            or not label.isprintable()
            or _DIGIT_RUN.search(label)
            or _CIVILITY.search(said)
            or _MONTH_AND_YEAR.search(said)
            or self.occurs_in(label)
        )
        return "" if suspect else label


def _digits(text: str) -> str:
    return _NO_DIGITS.sub("", text)


def _found(key: str | None, name: str, kind: Kind) -> str:
    if key is None:
        raise BadValue(name, kind)
    return key
