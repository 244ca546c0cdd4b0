"""
A short message to a phone: the hour, the place, whom to call. Nothing else has a parameter.

It travels in clear and lights up on a table: no name, no profession (a psychologist is a reason for
care), no motive. One segment of the GSM alphabet (3GPP TS 23.038), 160 characters.
"""

import unicodedata
from zoneinfo import ZoneInfo

from slotengine.adapters.out_text import Visit
from slotengine.codes import BookingStatus, Mode
from slotengine.errors import InputError
from slotengine.labels import Lang, when, word

MAX_CHARS = 160
"""Of one segment in the GSM 7-bit alphabet (3GPP TS 23.038)."""

GSM = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
"""The basic alphabet; the extended one costs two characters a sign and is left out."""

OPENING = {
    BookingStatus.HELD: ("Créneau tenu", "Slot held"),
    BookingStatus.CONFIRMED: ("RDV", "Appointment"),
    BookingStatus.CANCELLED: ("RDV annulé", "Appointment cancelled"),
}


def plain_gsm(text: str) -> str:
    """
    Gives a text in the GSM alphabet: a sign that it lacks loses its accent, or goes.

    Examples
    --------
    >>> plain_gsm("Ça, forêt en août à Gien ☎")
    'Ça, foret en aout à Gien '
    """
    found = []
    for sign in text.replace("\u2019", "'"):
        if sign in GSM:
            found.append(sign)
            continue
        bare = unicodedata.normalize("NFKD", sign)
        found += [part for part in bare if part in GSM]
    return "".join(found)


def sms(visit: Visit, *, zone: ZoneInfo, lang: Lang) -> str:
    """
    Says an appointment in one segment; where all does not fit, the street goes first.

    Raises
    ------
    InputError
        When its status is none that a person is told.
    """
    if visit.status not in OPENING:
        raise InputError(f"a booking that is {visit.status.value} is not told to a person")
    opening = f"{word(OPENING[visit.status], lang)} {when(visit.start, zone, lang)}"
    town = " ".join(filter(None, (visit.postcode, visit.city)))
    where = [part for part in (visit.line, town) if part] if visit.mode is Mode.AMB else []
    call = visit.phone or ""
    for parts in ([opening, *where, call], [opening, *where[-1:], call], [opening, call]):
        text = plain_gsm(", ".join(filter(None, parts)) + ".")
        if len(text) <= MAX_CHARS:
            return text
    return plain_gsm(opening)[:MAX_CHARS]
