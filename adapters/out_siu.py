"""
SIU messages for an agenda that speaks HL7 v2: one booking's present state, in version 2.5.

Nothing here knows who the patient is. A host that does may hand the identity in at the moment of
sending; without it PID holds the pseudonym, and without that there is no PID.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from zoneinfo import ZoneInfo

from slotengine.adapters.hl7v2_patient import INS_OIDS
from slotengine.adapters.hl7v2_text import Marks
from slotengine.codes import BookingStatus, Sex
from slotengine.destinations import Notice
from slotengine.labels import MODE

VERSION = "2.5"
CHARSET, CODEC = "UNICODE UTF-8", "utf-8"
AUTHORITY = "SLOTENGINE"
"""Assigning authority of our ids of bookings, referrals and sites."""

RPPS_AUTHORITY = ("ASIP-SANTE-PS", "1.2.250.1.71.4.2.1", "ISO")
"""Of a national id of a person; an RPPS has an 8 before it there (IDNPS, ANS)."""

INS_AUTHORITY = ("ASIP-SANTE-INS-NIR", INS_OIDS[0], "ISO")

STATUSES: Mapping[BookingStatus, str] = {
    BookingStatus.PROMISED: "Pending",
    BookingStatus.HELD: "Pending",
    BookingStatus.CONFIRMED: "Booked",
    BookingStatus.FULFILLED: "Complete",
    BookingStatus.NOSHOW: "Noshow",
    BookingStatus.CANCELLED: "Cancelled",
    BookingStatus.EXPIRED: "Cancelled",
}
"""SCH-25 (table 0278)."""

_ENDINGS: Mapping[BookingStatus, str] = {
    BookingStatus.FULFILLED: "S14",
    BookingStatus.NOSHOW: "S26",
    BookingStatus.CANCELLED: "S15",
    BookingStatus.EXPIRED: "S15",
}

_REASONS: Mapping[str, str] = {
    "S12": "Booked",
    "S13": "Rescheduled",
    "S14": "Modified",
    "S15": "Cancelled",
    "S26": "Noshow",
}
"""SCH-6, which 2.5 demands."""

_ACTIONS: Mapping[str, str] = {"S12": "A", "S13": "U", "S14": "U", "S15": "D", "S26": "U"}
"""Second field of RGS and the resources (table 0206): add, update, delete."""

_SEXES: Mapping[Sex, str] = {
    Sex.FEMALE: "F",
    Sex.MALE: "M",
    Sex.OTHER: "O",
    Sex.UNKNOWN: "U",
}

_RPPS = re.compile(r"[0-9]{11}")
_MARKS = Marks(codec=CODEC)

SECONDS_PER_MINUTE = 60


@dataclass(frozen=True, slots=True)
class Ends:
    """Who sends and who receives: MSH-3 to MSH-6."""

    application: str = AUTHORITY
    facility: str = ""
    to_application: str = ""
    to_facility: str = ""


@dataclass(frozen=True, slots=True)
class Person:
    """Who a patient is, as the host says it at the moment of sending. Shows nothing of it."""

    family_name: str = field(default="", repr=False)
    given_name: str = field(default="", repr=False)
    birth_date: date | None = field(default=None, repr=False)
    sex: Sex = field(default=Sex.UNKNOWN, repr=False)
    nir: str | None = field(default=None, repr=False)
    """INS with its key; only of a qualified identity."""
    local_id: str | None = field(default=None, repr=False)


def event_of(notice: Notice) -> str:
    """
    Gives the trigger event: booked first, rescheduled after, or how it ended.

    A later state of the same booking may have another hour, and a receiver that looks for a change
    of hour in S13 only would miss it in S14.
    """
    ended = _ENDINGS.get(notice.status)
    return ended or ("S12" if notice.sequence == 1 else "S13")


def siu(
    notice: Notice,
    *,
    number: str,
    at: datetime,
    zone: ZoneInfo,
    ends: Ends | None = None,
    person: Person | None = None,
    pseudonym: str | None = None,
) -> bytes:
    """
    Gives one SIU message, its segments ended with CR, without MLLP's framing.

    Parameters
    ----------
    number
        MSH-10: the same one when the same message is sent again.
    at
        When it is written (MSH-7).
    zone
        The territory's: times are local, with their offset.
    person
        Who the patient is. Default None: nobody says so.
    pseudonym
        Stands in PID-3 where ``person`` does not. Default None: no PID.
    """
    event = event_of(notice)
    way = ends or Ends(facility=notice.territory)
    stamp = _time(at, zone)
    segments = [
        _header(way, event, number, stamp),
        _schedule(notice, event),
        _line("TQ1", {7: _time(notice.start, zone), 8: _time(notice.end, zone)}),
        *_patient(person, pseudonym),
        _line("RGS", {1: "1", 2: _ACTIONS[event]}),
        *_resources(notice, event, zone),
    ]
    return "".join(f"{segment}\r" for segment in segments).encode(CODEC)


def _header(way: Ends, event: str, number: str, stamp: str) -> str:
    fields = {
        3: _text(way.application),
        4: _text(way.facility),
        5: _text(way.to_application),
        6: _text(way.to_facility),
        7: stamp,
        9: f"SIU^{event}^SIU_S12",
        10: _text(number),
        11: "P",
        12: VERSION,
        17: "FRA",
        18: CHARSET,
        19: "FR",
    }
    # MSH-1 is the separator itself: the second field stands right behind the name.
    return _line("MSH", {2: "^~\\&", **fields}).replace("MSH||", "MSH|", 1)


def _schedule(notice: Notice, event: str) -> str:
    return _line(
        "SCH",
        {
            1: f"{_text(notice.referral)}^{AUTHORITY}",
            2: f"{_text(notice.booking)}^{AUTHORITY}",
            6: f"{event}^{_REASONS[event]}",
            9: _minutes(notice),
            10: "min",
            16: _practitioner(notice.practitioner),
            20: _practitioner(notice.operator or notice.practitioner),
            25: STATUSES[notice.status],
        },
    )


def _patient(person: Person | None, pseudonym: str | None) -> list[str]:
    if person is None:
        number = f"{_text(pseudonym)}^^^{AUTHORITY}^PI" if pseudonym else ""
        # PID-5 must be there: a pseudonym's type says that no name is.
        return [_line("PID", {1: "1", 3: number, 5: "^^^^^^S"})] if number else []
    numbers = []
    if person.local_id:
        numbers.append(f"{_text(person.local_id)}^^^{AUTHORITY}^PI")
    if person.nir:
        numbers.append(f"{_text(person.nir)}^^^{'&'.join(INS_AUTHORITY)}^INS")
    fields = {
        1: "1",
        3: "~".join(numbers),
        5: f"{_text(person.family_name)}^{_text(person.given_name)}^^^^^L",
        7: f"{person.birth_date:%Y%m%d}" if person.birth_date else "",
        8: _SEXES[person.sex],
        32: "VALI" if person.nir else "",
    }
    return [_line("PID", fields)]


def _resources(notice: Notice, event: str, zone: ZoneInfo) -> list[str]:
    """Gives what is booked: the kind of care, the place, the practitioner."""
    start, minutes, status = _time(notice.start, zone), _minutes(notice), STATUSES[notice.status]
    french, _ = MODE[notice.mode]
    first = {1: "1", 2: _ACTIONS[event]}
    service = f"{notice.mode.value}^{_text(french)}^v3-ActCode"
    late = {6: start, 9: minutes, 10: "min", 12: status}
    return [
        _line("AIS", {**first, 3: service, 4: start, 7: minutes, 8: "min", 10: status}),
        _line("AIL", {**first, 3: f"^^^{_text(notice.site)}", **late}),
        _line("AIP", {**first, 3: _practitioner(notice.practitioner), **late}),
    ]


def _practitioner(number: str) -> str:
    if not _RPPS.fullmatch(number):
        return _text(number)
    return f"8{number}^^^^^^^^{'&'.join(RPPS_AUTHORITY)}^D^^^IDNPS"


def _minutes(notice: Notice) -> str:
    return str(int((notice.end - notice.start).total_seconds()) // SECONDS_PER_MINUTE)


def _time(at: datetime, zone: ZoneInfo) -> str:
    return at.astimezone(zone).strftime("%Y%m%d%H%M%S%z")


def _text(text: str | None) -> str:
    return _MARKS.escaped(text or "")


def _line(name: str, fields: Mapping[int, str]) -> str:
    """Gives a segment from its numbered fields; what is empty at its end is left out."""
    written = [fields.get(number, "") for number in range(1, max(fields) + 1)]
    return "|".join([name, *written]).rstrip("|")
