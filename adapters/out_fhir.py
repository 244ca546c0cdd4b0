"""
A booking as a plain FHIR R4 Appointment, for a server of the host's own choice.

The patient is left out unless the host names one at the moment of sending, as a reference of its
own; nothing here knows who that is.
"""

from collections.abc import Mapping
from typing import Any
from zoneinfo import ZoneInfo

from slotengine.adapters.sas_appointment import STATUSES, prefixed
from slotengine.adapters.sas_times import written
from slotengine.adapters.sas_urls import MODES, PERSONS
from slotengine.codes import Mode
from slotengine.destinations import Notice

MODE_WORDS: Mapping[Mode, str] = {
    Mode.AMB: "ambulatory",
    Mode.HH: "home health",
    Mode.VR: "virtual",
}
"""Displays of HL7 v3-ActCode."""

PATIENT_DECLINED = "declined"
ACCEPTED = "accepted"


def appointment(
    notice: Notice, *, system: str, zone: ZoneInfo, patient: str | None = None
) -> dict[str, Any]:
    """
    Gives the Appointment of a notice.

    Parameters
    ----------
    system
        The URI under which the sender numbers its bookings.
    patient
        A reference that the receiver understands, for example ``Patient/17``. Default: none.
    """
    status = STATUSES[notice.status]
    participants: list[dict[str, Any]] = [
        {
            "actor": {
                "type": "Practitioner",
                "identifier": {"system": PERSONS, "value": prefixed(notice.practitioner)},
            },
            "status": ACCEPTED,
        },
        {
            "actor": {"type": "Location", "identifier": {"system": system, "value": notice.site}},
            "status": ACCEPTED,
        },
    ]
    if patient is not None:
        answer = PATIENT_DECLINED if status == "cancelled" else ACCEPTED
        participants.append({"actor": {"reference": patient}, "status": answer})
    return {
        "resourceType": "Appointment",
        "identifier": [{"system": system, "value": notice.booking}],
        "status": status,
        "serviceType": [
            {
                "coding": [
                    {
                        "system": MODES,
                        "code": notice.mode.value,
                        "display": MODE_WORDS[notice.mode],
                    }
                ]
            }
        ],
        "start": written(notice.start, zone),
        "end": written(notice.end, zone),
        "created": written(notice.created, zone),
        "basedOn": [
            {
                "type": "ServiceRequest",
                "identifier": {"system": system, "value": notice.referral},
            }
        ],
        "participant": participants,
    }
