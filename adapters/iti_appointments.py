"""
What IHE ITI-115, 116 and 117 are answered with: Appointments in Bundles, and why there is none.

Source: IHE ITI Scheduling, profiles ihe-sched-avail-bundle and ihe-sched-appt. No Appointment names
its patient: who asked knows.
"""

import hashlib
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from slotengine.adapters.sas_appointment import STATUSES, prefixed
from slotengine.adapters.sas_times import written
from slotengine.adapters.sas_urls import APPOINTMENT_TYPES, MODES, PERSONS
from slotengine.answers import Offer
from slotengine.codes import BookingStatus, Mode
from slotengine.domain import Booking, Slot
from slotengine.labels import Lang
from slotengine.reasons import Reason

BUNDLE = "https://profiles.ihe.net/ITI/Scheduling/StructureDefinition/ihe-sched-avail-bundle"
PROFILE = "https://profiles.ihe.net/ITI/Scheduling/StructureDefinition/ihe-sched-appt"

SITES = "urn:slotengine:site"
SLOTS = "urn:slotengine:slot"
REFERRALS = "urn:slotengine:referral"
"""Systems of our own ids."""

DIGEST_BYTES = 13
"""26 hexadecimal characters: an id of FHIR has 64, and a referral's takes 34 of them."""

_PROPOSAL = re.compile(r"(r-[0-9a-f]{32})-([0-9a-f]{26})")


def proposal_id(referral: str, slot: str, mode: Mode, start: datetime) -> str:
    """
    Gives the id of a proposal: its referral and a digest of slot, mode and hour.

    The same offer has the same id whenever it is made, so nothing need be kept between a search and
    a hold. It grants nothing: whoever holds it is offered the seats of that referral anew.
    """
    text = f"{slot}\x1f{mode.value}\x1f{start.astimezone(UTC).isoformat()}"
    digest = hashlib.blake2b(text.encode(), digest_size=DIGEST_BYTES).hexdigest()
    return f"{referral}-{digest}"


def referral_of(proposal: str) -> str | None:
    """
    Gives the referral that a proposal is for, or None where the id is none of a proposal.

    Examples
    --------
    >>> referral_of("r-77d23bf3a82f823d30f51bb9d8874f09-00112233445566778899aabbcc")
    'r-77d23bf3a82f823d30f51bb9d8874f09'
    >>> referral_of("b-77d23bf3a82f823d30f51bb9d8874f09") is None
    True
    """
    found = _PROPOSAL.fullmatch(proposal)
    return None if found is None else found[1]


def proposed(offer: Offer, *, zone: ZoneInfo) -> dict[str, Any]:
    """Gives the Appointment that an offer proposes."""
    return _appointment(
        proposal_id(offer.referral, offer.slot, offer.mode, offer.start),
        "proposed",
        offer.mode,
        start=written(offer.start, zone),
        end=written(offer.end, zone),
        participants=_participants(offer.practitioner, offer.site, "needs-action"),
        more=_slot_and_referral(offer.slot, offer.referral),
    )


def booked(booking: Booking, slot: Slot, *, zone: ZoneInfo) -> dict[str, Any]:
    """Gives the Appointment of a booking: pending while it is held, booked once confirmed."""
    active = booking.status in {BookingStatus.HELD, BookingStatus.PROMISED}
    answers = {"pending": "tentative", "cancelled": "declined"}
    status = STATUSES[booking.status]
    made = _appointment(
        booking.id,
        status,
        booking.mode,
        start=written(slot.start, zone),
        end=written(slot.end, zone),
        participants=_participants(slot.practitioner, slot.site, answers.get(status, "accepted")),
        more=_slot_and_referral(slot.id, booking.referral),
    )
    if active and booking.held_until is not None:
        made["comment"] = f"held until {written(booking.held_until, zone)}"
    return made


def bundle(
    appointments: Sequence[Mapping[str, Any]],
    *,
    base: str,
    outcome: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Gives the searchset of appointments, with an outcome beside them where one has to speak."""
    entries: list[dict[str, Any]] = [
        {
            "fullUrl": f"{base}/Appointment/{one['id']}",
            "resource": one,
            "search": {"mode": "match"},
        }
        for one in appointments
    ]
    if outcome is not None:
        entries.append({"resource": outcome, "search": {"mode": "outcome"}})
    made: dict[str, Any] = {
        "resourceType": "Bundle",
        "meta": {"profile": [BUNDLE]},
        "type": "searchset",
        "total": len(appointments),
    }
    # FHIR knows no empty list.
    return {**made, "entry": entries} if entries else made


def told(reasons: Sequence[Reason], *, code: str, severity: str) -> dict[str, Any]:
    """Gives an OperationOutcome that says reasons in both languages."""
    said = reasons or (None,)
    return {
        "resourceType": "OperationOutcome",
        "issue": [
            {
                "severity": severity,
                "code": code,
                "diagnostics": "no proposal" if one is None else _both(one),
            }
            for one in said
        ],
    }


def _both(reason: Reason) -> str:
    return f"{reason.text(Lang.FR)} / {reason.text(Lang.EN)}"


def _appointment(
    id_: str,
    status: str,
    mode: Mode,
    *,
    start: str,
    end: str,
    participants: list[dict[str, Any]],
    more: dict[str, Any],
) -> dict[str, Any]:
    return {
        "resourceType": "Appointment",
        "id": id_,
        "meta": {"profile": [PROFILE]},
        "status": status,
        "serviceType": [{"coding": [{"system": MODES, "code": mode.value}]}],
        "appointmentType": {"coding": [{"system": APPOINTMENT_TYPES, "code": "ROUTINE"}]},
        "start": start,
        "end": end,
        **more,
        "participant": participants,
    }


def _slot_and_referral(slot: str, referral: str) -> dict[str, Any]:
    return {
        "slot": [{"type": "Slot", "identifier": {"system": SLOTS, "value": slot}}],
        "basedOn": [
            {"type": "ServiceRequest", "identifier": {"system": REFERRALS, "value": referral}}
        ],
    }


def _participants(practitioner: str, site: str, status: str) -> list[dict[str, Any]]:
    return [
        {
            "actor": {
                "type": "Practitioner",
                "identifier": {"system": PERSONS, "value": prefixed(practitioner)},
            },
            "required": "required",
            "status": status,
        },
        {
            "actor": {"type": "Location", "identifier": {"system": SITES, "value": site}},
            "required": "required",
            "status": status,
        },
    ]
