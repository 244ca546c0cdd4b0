"""
Who outside is told about bookings, and what one message says: ids and times, never a patient.

A message is written with the change itself, in its transaction (the outbox), and sent later.
"""

from enum import StrEnum
from typing import Annotated

from pydantic import Field, StringConstraints

from slotengine.codes import Audience, BookingStatus, Mode, SourceKind
from slotengine.domain import Id, Instant, TerritoryName, Value


class Form(StrEnum):
    """How a destination wants to be told."""

    SAS = "sas"
    """INT_R03: FHIR Appointment of the national platform, conditional PUT, no patient at all."""
    FHIR = "fhir"
    """FHIR R4 Appointment to a server of one's own choice, the patient as a pseudonym or none."""
    HUBSANTE = "hubsante"
    """RS-SAS-RDV for a SAMU's software."""
    HL7V2 = "hl7v2"
    """SIU messages over MLLP."""
    ICALENDAR = "icalendar"
    """A file for the practice's calendar."""


THIS_MACHINE = frozenset({"127.0.0.1", "::1", "localhost"})
"""Hosts that may be told without TLS: nothing leaves the machine."""

DestinationUrl = Annotated[
    str, StringConstraints(max_length=500, pattern=r"^(https?|mllp)://[^\s]+$")
]
"""Where a destination is: ``https://...``, or ``mllp://host:port`` of an HL7 v2 receiver."""


class Destination(Value):
    """
    An outside system that a territory tells about its bookings. Holds no secret.

    ``sources`` empty means the bookings of every source; the SAS wants its regulators' only.
    """

    name: Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,39}$")]
    form: Form
    url: DestinationUrl | None = None
    sources: tuple[SourceKind, ...] = ()


class Shown(StrEnum):
    """What a confirmation may say beside its hour."""

    MODE = "mode"
    PRACTITIONER = "practitioner"
    PLACE = "place"
    PHONE = "phone"


class Confirmations(Value):
    """What confirmations may say; never the patient or the reason for care. Default: all."""

    shown: tuple[Shown, ...] = tuple(Shown)


class Notice(Value):
    """
    One state of one booking as others are told of it: no patient, no motive.

    ``sequence`` rises with each message about the booking; ``operator`` is the id of who booked.
    """

    territory: TerritoryName
    booking: Id
    sequence: Annotated[int, Field(ge=1)]
    status: BookingStatus
    referral: Id
    source: SourceKind
    practitioner: Id
    site: Id
    slot: Id
    mode: Mode
    audiences: tuple[Audience, ...] = ()
    start: Instant
    end: Instant
    created: Instant
    changed: Instant
    operator: Id | None = None


class Delivery(StrEnum):
    """Where a message of the outbox stands."""

    PENDING = "pending"
    SENT = "sent"
    STUCK = "stuck"
    """Refused for good or tried too often: kept and shown until somebody sends it again."""


class Outgoing(Value):
    """A message of the outbox: what it says, to whom, and what became of it."""

    id: Annotated[int, Field(ge=1)]
    destination: str
    notice: Notice
    state: Delivery
    attempts: Annotated[int, Field(ge=0)] = 0
    next_at: Instant
    created_at: Instant
    sent_at: Instant | None = None
    digest: str | None = None
    fault: str = ""
