"""
A booking as the SAS is told of it: INT_R03, profile FrAppointmentSAS, no patient at all.

Sources: SAS implementation guide 1.2.0 (``specifications_techniques-tous-gestion_rdv``), profile
``http://sas.fr/fhir/StructureDefinition/FrAppointmentSAS``.
"""

import json
import re
from collections.abc import Mapping
from typing import Any
from zoneinfo import ZoneInfo

from slotengine.adapters.sas_times import written
from slotengine.adapters.sas_urls import APPOINTMENT, ID_TYPES, OPERATOR, PERSONS, PLATFORM
from slotengine.codes import BookingStatus
from slotengine.destinations import Notice
from slotengine.errors import DeliveryError

RPPS_DIGITS, RPPS_PREFIX = 11, "8"
_UUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")

STATUSES: Mapping[BookingStatus, str] = {
    BookingStatus.PROMISED: "pending",
    BookingStatus.HELD: "pending",
    BookingStatus.CONFIRMED: "booked",
    BookingStatus.FULFILLED: "fulfilled",
    BookingStatus.NOSHOW: "noshow",
    BookingStatus.CANCELLED: "cancelled",
    BookingStatus.EXPIRED: "cancelled",
}
"""FHIR appointment status of each of ours; others are told of a booking once it is confirmed."""


def prefixed(rpps: str) -> str:
    """Gives a practitioner's national id with its prefix; one that has it keeps it."""
    return RPPS_PREFIX + rpps if len(rpps) == RPPS_DIGITS and rpps.isdigit() else rpps


def appointment(notice: Notice, *, system: str, zone: ZoneInfo) -> dict[str, Any]:
    """
    Gives the Appointment of a notice.

    Parameters
    ----------
    system
        The sender's own OID or URL, under which its bookings are numbered.
    zone
        Of the territory: instants are written with its offset.

    Raises
    ------
    DeliveryError
        When nobody is named who booked: the SAS wants its regulator.
    """
    if notice.operator is None:
        raise DeliveryError("the notice names nobody who booked", permanent=True)
    return {
        "resourceType": "Appointment",
        "meta": {"profile": [APPOINTMENT]},
        "extension": [
            {"url": OPERATOR, "valueReference": {"identifier": _operator(notice.operator)}}
        ],
        "identifier": [{"system": system, "value": notice.booking}],
        "status": STATUSES[notice.status],
        "start": written(notice.start, zone),
        "end": written(notice.end, zone),
        "created": written(notice.created, zone),
        "participant": [
            {
                "actor": {
                    "identifier": _identifier("IDNPS", PERSONS, prefixed(notice.practitioner))
                },
                "status": "accepted",
            }
        ],
    }


def encoded(resource: Mapping[str, Any]) -> bytes:
    """Gives a resource's bytes: the same for the same content."""
    return json.dumps(resource, ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode()


def _operator(id_: str) -> dict[str, Any]:
    """Gives the regulator as INT_R02 named it: a UUID of the SAS, or a national id."""
    if _UUID.fullmatch(id_):
        return _identifier("INTRN", PLATFORM, id_)
    return _identifier("IDNPS", PERSONS, prefixed(id_))


def _identifier(code: str, system: str, value: str) -> dict[str, Any]:
    return {
        "type": {"coding": [{"system": ID_TYPES, "code": code}]},
        "system": system,
        "value": value,
    }
