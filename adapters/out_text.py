"""
A confirmation in words, in French and English: when, where, with whom, and what is still to do.

Built from typed fields only. There is no field for a patient or a reason for care, names hold
letters and no text holds six digits in a row, so that neither a NIR nor a phone of the patient's
can be slipped in; and what is said is what the Policy allows.
"""

import re
from typing import Annotated, ClassVar, Self
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, StringConstraints

from slotengine.codes import BookingStatus, Mode, Profession
from slotengine.destinations import Confirmations, Shown
from slotengine.directory import Address, Phone, Role
from slotengine.domain import Instant, Practitioner, Site, Slot, Value
from slotengine.errors import InputError
from slotengine.labels import MODE, PROFESSION, Lang, when, word

_SIX_DIGITS = re.compile(r"\d(?:[ ./\-]?\d){5}")


def _harmless(text: str) -> str:
    if _SIX_DIGITS.search(text) or "@" in text:
        # Hidden from the message: it may be somebody's number.
        msg = "a text of a confirmation holds no long number and no mail address"
        raise ValueError(msg)
    return text


_NAME = "^[^\\W\\d_]+(?:[ '\u2019.\\-]+[^\\W\\d_]+)*\\.?$"

Name = Annotated[str, StringConstraints(min_length=1, max_length=60, pattern=_NAME)]
"""A public name of a professional: letters, spaces, hyphens, apostrophes."""

Label = Annotated[
    str,
    StringConstraints(max_length=80, pattern=r"^[^\x00-\x1f\x7f]*$"),
    AfterValidator(_harmless),
]
"""A public name of a place, a street or a town."""


class Visit(Value):
    """What is known of an appointment that may be told: nothing of who comes and why."""

    status: BookingStatus
    start: Instant
    mode: Mode = Mode.AMB
    profession: Profession | None = None
    family_name: Name | None = None
    given_name: Name | None = None
    place: Label = ""
    line: Label = ""
    postcode: Annotated[str, StringConstraints(pattern=r"^[0-9]{5}$")] | None = None
    city: Label = ""
    phone: Phone | None = None
    until: Instant | None = None

    TOLD: ClassVar[frozenset[BookingStatus]] = frozenset(
        {BookingStatus.HELD, BookingStatus.CONFIRMED, BookingStatus.CANCELLED}
    )

    @classmethod
    def of(
        cls,
        status: BookingStatus,
        slot: Slot,
        *,
        mode: Mode,
        practitioner: Practitioner | None = None,
        site: Site | None = None,
        role: Role | None = None,
        until: Instant | None = None,
    ) -> Self:
        """
        Gathers a visit from nouns; ``until`` is when a hold ends.

        Raises
        ------
        ValidationError
            When a public text looks like somebody's number.
        """
        address: Address | None = None if role is None else role.address
        return cls(
            status=status,
            start=slot.start,
            mode=mode,
            profession=None if practitioner is None else practitioner.profession,
            family_name=None if role is None else role.family_name,
            given_name=None if role is None else role.given_name,
            place="" if site is None else site.label,
            line="" if address is None else address.line,
            postcode=None if address is None else address.postcode,
            city="" if address is None else address.city,
            phone=None if role is None else role.phone,
            until=until,
        )


class Text(Value):
    """A subject, which never says more than that there is an appointment, and a body."""

    subject: str
    body: str


SUBJECT = {
    BookingStatus.HELD: ("Créneau tenu", "Slot held"),
    BookingStatus.CONFIRMED: ("Rendez-vous confirmé", "Appointment confirmed"),
    BookingStatus.CANCELLED: ("Rendez-vous annulé", "Appointment cancelled"),
}


def place_line(visit: Visit) -> str:
    """
    Gives where, in one line, or nothing.

    Examples
    --------
    >>> from datetime import UTC, datetime
    >>> at = datetime(2026, 11, 23, 13, 10, tzinfo=UTC)
    >>> place_line(Visit(status="confirmed", start=at, line="3 rue Haute", postcode="45500",
    ...                  city="Gien"))
    '3 rue Haute, 45500 Gien'
    """
    town = " ".join(filter(None, (visit.postcode, visit.city)))
    return ", ".join(filter(None, (visit.place, visit.line, town)))


def confirmation(
    visit: Visit, *, zone: ZoneInfo, lang: Lang, rules: Confirmations | None = None
) -> Text:
    """
    Says an appointment to a person.

    Parameters
    ----------
    rules
        What may be said beside the hour (``Policy.confirmations``). Default: everything typed here.

    Raises
    ------
    InputError
        When its status is none that a person is told.
    """
    if visit.status not in Visit.TOLD:
        raise InputError(f"a booking that is {visit.status.value} is not told to a person")
    shown = (rules or Confirmations()).shown
    subject = word(SUBJECT[visit.status], lang)
    lines = [f"{subject}{' :' if lang is Lang.FR else ':'} {when(visit.start, zone, lang)}"]
    if Shown.MODE in shown:
        lines[0] += f", {word(MODE[visit.mode], lang)}"
    lines[0] += "."
    lines += _who(visit, lang, shown)
    where = place_line(visit)
    if Shown.PLACE in shown and where and visit.mode is Mode.AMB:
        lines.append(_said(("Lieu", "Place"), where, lang))
    if Shown.PHONE in shown and visit.phone:
        lines.append(_said(("Téléphone", "Phone"), visit.phone, lang))
    lines += _still_to_do(visit, zone, lang)
    return Text(subject=subject, body="\n".join(lines) + "\n")


def _said(words: tuple[str, str], what: str, lang: Lang) -> str:
    colon = " :" if lang is Lang.FR else ":"
    return f"{word(words, lang)}{colon} {what}."


def _who(visit: Visit, lang: Lang, shown: tuple[Shown, ...]) -> list[str]:
    if Shown.PRACTITIONER not in shown:
        return []
    name = " ".join(filter(None, (visit.given_name, visit.family_name)))
    kind = word(PROFESSION[visit.profession], lang) if visit.profession else ""
    who = f"{name} ({kind})" if name and kind else name or kind
    return [_said(("Avec", "With"), who, lang)] if who else []


def _still_to_do(visit: Visit, zone: ZoneInfo, lang: Lang) -> list[str]:
    if visit.status is BookingStatus.HELD:
        if visit.until is None:
            return [word(("À confirmer.", "To be confirmed."), lang)]
        last = when(visit.until, zone, lang)
        return [word((f"À confirmer avant {last}.", f"To be confirmed before {last}."), lang)]
    if visit.status is BookingStatus.CANCELLED:
        return []
    return [
        word(
            (
                "Si le patient ne peut pas venir, prévenez le cabinet : un autre attend.",
                "If the patient can't come, tell the practice: somebody else is waiting.",
            ),
            lang,
        )
    ]
