"""
RS-SAS-RDV (INT_L02): what a SAMU's software is told of a booking, in JSON.

No patient and no motive; the regulator who booked is named, with names that the host hands over at
the moment of sending and that are kept nowhere.
"""

import json
import re
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Annotated
from uuid import UUID, uuid5
from zoneinfo import ZoneInfo

from pydantic import Field, StringConstraints

from slotengine.adapters.json_texts import Json
from slotengine.adapters.sas_appointment import STATUSES
from slotengine.codes import Audience, BookingStatus
from slotengine.destinations import Notice
from slotengine.directory import Role, Structure
from slotengine.domain import Practitioner, Value

PROFESSION_URL = (
    "https://mos.esante.gouv.fr/NOS/TRE_G15-ProfessionSante/FHIR/TRE-G15-ProfessionSante"
)
SPECIALTY_URL = (
    "https://mos.esante.gouv.fr/NOS/TRE_R38-SpecialiteOrdinale/FHIR/TRE-R38-SpecialiteOrdinale"
)
RPPS_PREFIX = "8"
"""Stands before an RPPS in national messages (IDNPS)."""

FINESS_PREFIX = "1"
"""Stands before a FINESS in national messages (IDNST)."""

KEPT_FOR = timedelta(days=1)
"""How long the hub may keep a message: the day that its own messages say (official samples)."""

_NUMBERS = UUID("5f0c4a52-8f0e-5d2b-9a36-6c1de3a2b7f4")
"""Namespace of the numbers of our messages: drawn once."""

_RPPS = re.compile(r"8?(1[0-9]{10})")

Name = Annotated[
    str,
    StringConstraints(min_length=1, max_length=120, pattern=r"^[^\x00-\x1f\x7f]+$"),
    Field(repr=False),
]
HubAddress = Annotated[str, StringConstraints(pattern=r"^fr(\.[A-Za-z0-9_-]+){2,8}$")]


class Category(StrEnum):
    """Whom the patient is sent to (TRE_R66 604, 603, 124; or SOS Médecins, one person, PDM)."""

    CPTS = "CPTS"
    MSP = "MSP"
    CDS = "CDS"
    SOS = "SOS"
    PS = "PS"
    PDM = "PDM"


class Regulator(Value):
    """Who booked, as the SAMU knows them: handed over for one message and shown nowhere."""

    family_name: Name
    given_name: Name
    mail: Annotated[
        str,
        StringConstraints(max_length=254, pattern=r"^[^\s@\x00-\x1f]+@[^\s@\x00-\x1f]+$"),
        Field(repr=False),
    ]
    id: Annotated[str, StringConstraints(min_length=1, max_length=120, pattern=r"^[\x21-\x7e]+$")]


class Route(Value):
    """From whom to whom a message travels: addresses on the hub."""

    sender: HubAddress
    recipient: HubAddress
    exercise: bool = False


def appointment(
    notice: Notice,
    regulator: Regulator,
    *,
    zone: ZoneInfo,
    role: Role | None = None,
    practitioner: Practitioner | None = None,
    structure: Structure | None = None,
    category: Category | None = None,
) -> dict[str, Json]:
    """
    Gives the message without its envelopes.

    The first state of a booking creates, each later one updates, and a cancelled booking is an
    update too: a second creation would be refused with 409, an update of what is unknown creates.

    Parameters
    ----------
    zone
        The territory's: times carry its offset.
    role, practitioner
        Public facts of who gives care. Without an RPPS and both names nobody is named: the schema
        asks for all three.
    structure
        The CPTS (or house, or centre) that the seat was given through.
    category
        Default ``CPTS`` for a seat reserved for it when ``structure`` is known, else ``PS``.
    """
    ended = notice.status in {BookingStatus.CANCELLED, BookingStatus.EXPIRED}
    creates = notice.sequence == 1 and not ended
    through_cpts = structure is not None and Audience.CPTS in notice.audiences
    kind = category or (Category.CPTS if through_cpts else Category.PS)
    said: dict[str, Json] = {
        "appointmentId": notice.booking,
        "method": "CreateAppointment" if creates else "UpdateAppointment",
        "created": written(notice.created, zone),
        "status": STATUSES[notice.status],
        "orientationCategory": kind.value,
        "start": written(notice.start, zone),
        "end": written(notice.end, zone),
    }
    who = _practitioner(notice, role, practitioner)
    if who is not None:
        said["practitioner"] = who
    if structure is not None and kind is not Category.PS:
        said["organization"] = {
            "organizationId": FINESS_PREFIX + structure.finess,
            "name": structure.name,
        }
    said["regulator"] = {
        "regulatorId": regulator.id,
        "regulatorName": regulator.family_name,
        "regulatorFirstname": regulator.given_name,
        "regulatorEmail": regulator.mail,
    }
    return {"appointment": said}


def enveloped(
    message: dict[str, Json], notice: Notice, route: Route, *, now: datetime, zone: ZoneInfo
) -> dict[str, Json]:
    """
    Gives a message in RC-DE and EDXL-DE, as it travels.

    One state of one booking has one number, whenever it is sent: the hub and the SAMU know a
    repetition by it.
    """
    number = f"{route.sender}_{uuid5(_NUMBERS, f'{notice.booking} {notice.sequence}')}"
    status = "Exercise" if route.exercise else "Actual"
    sent = written(now, zone)
    inner: dict[str, Json] = {
        "messageId": number,
        "sender": _address(route.sender),
        "sentAt": sent,
        "status": status,
        "kind": "Report",
        "recipient": [_address(route.recipient)],
        **message,
    }
    return {
        "distributionID": number,
        "senderID": route.sender,
        "dateTimeSent": sent,
        "dateTimeExpires": written(now + KEPT_FOR, zone),
        "distributionStatus": status,
        "distributionKind": "Report",
        "descriptor": {
            "language": "fr-FR",
            "explicitAddress": {
                "explicitAddressScheme": "hubex",
                "explicitAddressValue": route.recipient,
            },
        },
        "content": [{"jsonContent": {"embeddedJsonContent": {"message": inner}}}],
    }


def encoded(message: dict[str, Json]) -> bytes:
    """Gives the bytes of a message: equal for equal content."""
    return json.dumps(message, ensure_ascii=False, separators=(",", ":")).encode()


def written(instant: datetime, zone: ZoneInfo) -> str:
    """
    Gives a time as the hub wants it: no milliseconds and no ``Z``, which the SAS demands.

    Examples
    --------
    >>> from datetime import UTC
    >>> written(datetime(2026, 11, 23, 8, 0, 0, 999_999, UTC), ZoneInfo("Europe/Paris"))
    '2026-11-23T09:00:00+01:00'
    """
    return instant.astimezone(zone).replace(microsecond=0).isoformat()


def _practitioner(
    notice: Notice, role: Role | None, practitioner: Practitioner | None
) -> dict[str, Json] | None:
    rpps = _RPPS.fullmatch(notice.practitioner)
    if rpps is None or role is None or role.family_name is None or role.given_name is None:
        return None
    said: dict[str, Json] = {
        "rppsId": RPPS_PREFIX + rpps[1],
        "lastName": role.family_name,
        "firstName": role.given_name,
    }
    if practitioner is not None:
        if practitioner.specialties:
            said |= {"specialityCode": practitioner.specialties[-1], "specialityUrl": SPECIALTY_URL}
        said |= {"professionUrl": PROFESSION_URL, "professionCode": practitioner.profession.value}
    return said


def _address(name: str) -> Json:
    return {"name": name, "URI": f"hubex:{name}"}
