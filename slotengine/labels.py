"""
The words that people read instead of codes, in French and English.

Nothing here decides; a code without a label is a programming error that tests catch.
"""

from datetime import date, datetime
from enum import StrEnum
from zoneinfo import ZoneInfo

from slotengine.codes import Mode, Profession, ReferralState


class Lang(StrEnum):
    """Languages of the sentences."""

    FR = "fr"
    EN = "en"


Words = tuple[str, str]
"""French, English."""

MODE: dict[Mode, Words] = {
    Mode.AMB: ("au cabinet", "at the practice"),
    Mode.HH: ("à domicile", "at home"),
    Mode.VR: ("en téléconsultation", "by video"),
}
PROFESSION: dict[Profession, Words] = {
    Profession.PHYSICIAN: ("médecin", "doctor"),
    Profession.PHARMACIST: ("pharmacien", "pharmacist"),
    Profession.DENTIST: ("chirurgien-dentiste", "dentist"),
    Profession.MIDWIFE: ("sage-femme", "midwife"),
    Profession.NURSE: ("infirmier", "nurse"),
    Profession.PHYSIOTHERAPIST: ("kinésithérapeute", "physiotherapist"),
    Profession.PODIATRIST: ("pédicure-podologue", "podiatrist"),
    Profession.SPEECH_THERAPIST: ("orthophoniste", "speech therapist"),
    Profession.ORTHOPTIST: ("orthoptiste", "orthoptist"),
    Profession.PSYCHOLOGIST: ("psychologue", "psychologist"),
    Profession.OCCUPATIONAL_THERAPIST: ("ergothérapeute", "occupational therapist"),
    Profession.DIETITIAN: ("diététicien", "dietitian"),
}
REFERRAL_STATE: dict[ReferralState, Words] = {
    ReferralState.RECEIVED: ("reçue", "received"),
    ReferralState.WAITING: ("en attente", "waiting"),
    ReferralState.PROMISED: ("créneau réservé, à annoncer", "seat reserved, to be announced"),
    ReferralState.HELD: ("créneau tenu", "seat held"),
    ReferralState.BOOKED: ("rendez-vous confirmé", "appointment confirmed"),
    ReferralState.CLOSED: ("close", "closed"),
    ReferralState.REFUSED: ("refusée", "refused"),
}

_DAYS_FR = ("lundi", "mardi", "mercredi", "jeudi", "vendredi", "samedi", "dimanche")
_DAYS_EN = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_MONTHS_FR = (
    "janvier", "février", "mars", "avril", "mai", "juin", "juillet", "août", "septembre",
    "octobre", "novembre", "décembre",
)  # fmt: skip
_MONTHS_EN = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September",
    "October", "November", "December",
)  # fmt: skip


def word(words: Words, lang: Lang) -> str:
    """Gives one of the two languages."""
    return words[0] if lang is Lang.FR else words[1]


def within(hours: float, lang: Lang, *, opening: bool = False) -> str:
    """
    Says a deadline's length in words; ``opening`` when only opening hours count.

    Examples
    --------
    >>> within(4, Lang.FR), within(24, Lang.FR), within(12, Lang.EN)
    ('dans les 4 h', 'sous 24 h', 'within 12 h')
    >>> within(8, Lang.FR, opening=True), within(8, Lang.EN, opening=True)
    ("dans les 8 h d'ouverture", 'within 8 opening hours')
    """
    number = f"{hours:g}"
    if lang is Lang.EN:
        return f"within {number} opening hours" if opening else f"within {number} h"
    soon = 12  # hours: "dans les" up to half a day, "sous" beyond, as the counter says it
    comma = number.replace(".", ",")
    text = f"dans les {comma} h" if hours <= soon else f"sous {comma} h"
    return f"{text} d'ouverture" if opening else text


def when(at: datetime, zone: ZoneInfo, lang: Lang) -> str:
    """
    Says an instant in the territory's own time.

    Examples
    --------
    >>> from datetime import UTC
    >>> when(datetime(2026, 11, 23, 13, 10, tzinfo=UTC), ZoneInfo("Europe/Paris"), Lang.FR)
    'lundi 23 novembre, 14 h 10'
    >>> when(datetime(2026, 11, 23, 13, 10, tzinfo=UTC), ZoneInfo("Europe/Paris"), Lang.EN)
    'Monday 23 November, 14:10'
    """
    local = at.astimezone(zone)
    hour = f"{local:%H:%M}" if lang is Lang.EN else f"{local.hour} h {local:%M}"
    return f"{_day(local.date(), lang)}, {hour}"


def half_day(day: date, lang: Lang, *, afternoon: bool) -> str:
    """
    Says a morning, or an afternoon and its evening.

    Examples
    --------
    >>> half_day(date(2026, 12, 1), Lang.FR, afternoon=False)
    'mardi 1er décembre, matin'
    >>> half_day(date(2026, 12, 1), Lang.EN, afternoon=True)
    'Tuesday 1 December, afternoon'
    """
    part = word(("après-midi", "afternoon") if afternoon else ("matin", "morning"), lang)
    return f"{_day(day, lang)}, {part}"


def _day(day: date, lang: Lang) -> str:
    if lang is Lang.EN:
        return f"{_DAYS_EN[day.weekday()]} {day.day} {_MONTHS_EN[day.month - 1]}"
    number = "1er" if day.day == 1 else str(day.day)
    return f"{_DAYS_FR[day.weekday()]} {number} {_MONTHS_FR[day.month - 1]}"


def kilometres(metres: int, lang: Lang) -> str:
    """
    Says a distance.

    Examples
    --------
    >>> kilometres(3250, Lang.FR), kilometres(3250, Lang.EN)
    ('3,2 km', '3.2 km')
    """
    text = f"{metres / 1000:.1f} km"
    return text.replace(".", ",") if lang is Lang.FR else text
