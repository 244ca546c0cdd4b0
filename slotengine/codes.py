"""
The closed code lists of the field, as enums.

Sources: FHIR R4 request-priority; ANS nomenclatures TRE_G15 (professions), TRE_R38 (specialties),
TRE_R314 (slot types); HL7 v3-ActCode (modes); Hub Santé niveauSoin (care levels). People never read
these codes: ``slotengine.reasons`` and ``slotengine.labels`` give the words.
"""

from enum import StrEnum


class Priority(StrEnum):
    """FHIR request priority, most urgent first. ``asap`` comes before ``urgent`` in FHIR."""

    STAT = "stat"
    ASAP = "asap"
    URGENT = "urgent"
    ROUTINE = "routine"


class Profession(StrEnum):
    """TRE_G15 codes of the professions that a territory's slots come from or referrals ask for."""

    PHYSICIAN = "10"
    PHARMACIST = "21"
    DENTIST = "40"
    MIDWIFE = "50"
    NURSE = "60"
    PHYSIOTHERAPIST = "70"
    PODIATRIST = "80"
    SPEECH_THERAPIST = "91"
    ORTHOPTIST = "92"
    PSYCHOLOGIST = "93"
    OCCUPATIONAL_THERAPIST = "94"
    DIETITIAN = "95"


class Mode(StrEnum):
    """How care is given: at the practice, at home, by video (HL7 v3-ActCode)."""

    AMB = "AMB"
    HH = "HH"
    VR = "VR"


class Audience(StrEnum):
    """Who a slot was reserved for (TRE_R314): a promise to the doctor who gave it."""

    PUBLIC = "PUBLIC"
    PRO = "PRO"
    SNP = "SNP"
    CPTS = "CPTS"


class SourceKind(StrEnum):
    """Who sends a referral."""

    PHARMACY = "pharmacy"
    NURSE = "nurse"
    PHYSIOTHERAPIST = "physiotherapist"
    MIDWIFE = "midwife"
    SAMU = "samu"
    EMERGENCY = "emergency"
    HOSPITAL = "hospital"
    EHPAD = "ehpad"
    SOCIAL = "social"
    PRACTICE = "practice"


class CareLevel(StrEnum):
    """SAMU regulation level (Hub Santé niveauSoin). R1 and R2 are emergencies, never ours."""

    R1 = "R1"
    R2 = "R2"
    R3 = "R3"
    R4 = "R4"


class Sex(StrEnum):
    """FHIR administrative gender."""

    FEMALE = "female"
    MALE = "male"
    OTHER = "other"
    UNKNOWN = "unknown"


class Mobility(StrEnum):
    """How the patient gets to a practice; sets the speed, or forbids the journey."""

    CAR = "car"
    TRANSIT = "transit"
    WALK = "walk"
    WHEELCHAIR = "wheelchair"
    HOMEBOUND = "homebound"


class SlotState(StrEnum):
    """Whether a slot may be offered at all."""

    OPEN = "open"
    WITHDRAWN = "withdrawn"
    HANDED_BACK = "handed_back"


class ReferralState(StrEnum):
    """Where a referral stands. Exactly one at a time."""

    RECEIVED = "received"
    WAITING = "waiting"
    PROMISED = "promised"
    HELD = "held"
    BOOKED = "booked"
    CLOSED = "closed"
    REFUSED = "refused"


class PromiseState(StrEnum):
    """Where a promise stands: given, kept, given up by the patient, or broken by the world."""

    OPEN = "open"
    KEPT = "kept"
    GIVEN_UP = "given_up"
    BROKEN = "broken"


class BookingStatus(StrEnum):
    """Where a booking stands: promised, held and confirmed occupy the seat."""

    PROMISED = "promised"
    HELD = "held"
    CONFIRMED = "confirmed"
    FULFILLED = "fulfilled"
    NOSHOW = "noshow"
    CANCELLED = "cancelled"
    EXPIRED = "expired"


ACTIVE = frozenset({BookingStatus.PROMISED, BookingStatus.HELD, BookingStatus.CONFIRMED})
"""Statuses that occupy a seat and a referral."""
