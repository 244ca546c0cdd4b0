"""
HL7 v2 as a wire format: REF, SIU and ADT messages, one, many in a row, or in a batch file.

Reads 2.1 to 2.9, and France's 2.5^FRA^2.11 with its Z segments. What each field becomes is in
``docs/formats-hl7v2.md``.
"""

import re
from collections.abc import Iterable, Iterator
from datetime import datetime

from slotengine.adapters.base import MAX_RECORDS, PAYLOAD, WHOLE, Door, Intake, Part
from slotengine.adapters.hl7v2_adt import knows as knows_visit
from slotengine.adapters.hl7v2_adt import read_visit
from slotengine.adapters.hl7v2_files import begins_like_hl7, messages
from slotengine.adapters.hl7v2_found import Found, house_of, whole
from slotengine.adapters.hl7v2_patient import read_patient, where_dead
from slotengine.adapters.hl7v2_ref import EVENTS as REFERRAL_EVENTS
from slotengine.adapters.hl7v2_ref import read_referral
from slotengine.adapters.hl7v2_siu import EVENTS as APPOINTMENT_EVENTS
from slotengine.adapters.hl7v2_siu import SCHEDULE_EVENTS, read_appointment
from slotengine.adapters.hl7v2_text import Message
from slotengine.adapters.hl7v2_times import issued_at
from slotengine.adapters.kinds import Kind
from slotengine.adapters.lines import Payload
from slotengine.adapters.record import MAX_REFERENCE_CHARS, translate
from slotengine.adapters.scalars import BadValue
from slotengine.adapters.spot import Envelope, Spot

MAX_CONTROL_ID_CHARS = 199
"""Characters of MSH-10 (HL7 2.7; 20 before)."""

TESTING = frozenset({"D", "T"})
"""MSH-11 (table 0103) of messages that are no production: debugging, training."""

_VERSION = re.compile(r"2\.[1-9](?:\.[0-9])?")
# An id of ours: up to 120 visible signs (``slotengine.domain.Id``).
_HOUSE = re.compile(r"[\x21-\x7e]{1,120}")


class Hl7v2Format:
    """Reads HL7 v2 messages."""

    name = "hl7v2"
    suffix = "hl7"

    def claims(self, head: bytes) -> bool:
        """Tells HL7 v2 by its first segment."""
        return begins_like_hl7(head)

    def read(self, payload: Payload, *, door: Door, adapter: str, now: datetime) -> Iterator[Part]:
        """Gives one ``Part`` for each message."""
        for record, (line, found) in enumerate(messages(payload, adapter), 1):
            spot = Spot(adapter, record, line)
            if record > MAX_RECORDS:
                yield Part(spot.rejected(PAYLOAD, Kind.TOO_LARGE))
                return
            if isinstance(found, Kind):
                yield Part(spot.rejected(WHOLE, found))
            else:
                yield Part(_said(found, spot, door=door, now=now), found)

    def joined(self, parts: Iterable[bytes], *, head: bytes) -> bytes:
        """Gives the messages one after another; the envelope of a batch is left out."""
        del head
        return b"".join(part if part.endswith(b"\r") else part + b"\r" for part in parts)


def _said(data: bytes, spot: Spot, *, door: Door, now: datetime) -> Intake:
    message = Message.of(data)
    if isinstance(message, Kind):
        path = {WHOLE: "MSH-2" if message is Kind.BAD_SEPARATORS else "MSH-18"}
        return Spot(spot.adapter, spot.record, spot.line, path).rejected(WHOLE, message)
    found = Found(warnings=list(message.warnings), red_flags=door.red_flags)
    try:
        envelope = _envelope(message, found, door=door, now=now)
        _read(message, found, door)
    except BadValue as bad:
        place = Spot(spot.adapter, spot.record, spot.line, found.paths)
        return place.rejected(bad.field, bad.kind)
    place = Spot(spot.adapter, spot.record, spot.line, found.paths)
    said = Envelope(
        message=envelope.message,
        issued_at=envelope.issued_at,
        warnings=tuple(found.warnings),
        partial=envelope.partial,
    )
    return translate(found.fields, place, door=door, now=now, envelope=said)


def _envelope(message: Message, found: Found, *, door: Door, now: datetime) -> Envelope:
    """Reads MSH: who sends, which message, when it was written."""
    header = message.header
    version = header.text(12)
    if version and not _VERSION.fullmatch(version):
        raise whole(Kind.UNSUPPORTED_VERSION, header.path(12), found)
    number = header.text(10)
    if len(number) > MAX_CONTROL_ID_CHARS:
        raise found.refuse("message", Kind.TOO_LONG, header.path(10))
    if not number.isprintable():
        raise found.refuse("message", Kind.CONTROL_CHARACTER, header.path(10))
    if not number:
        found.doubt("message", Kind.MISSING)
    if header.text(11).upper() in TESTING:
        found.doubt(WHOLE, Kind.EXERCISE)
    at, doubts = issued_at(header.text(7), door.zone, now)
    found.warnings += doubts
    found.paths["issued_at"] = header.path(7)
    if at is not None:
        # The need arose when the sender wrote; waiting counts from there.
        found.put("received_at", at.isoformat(), header.path(7))
    # With its event: official samples send a referral and its end under one number.
    told = ":".join(filter(None, (header.text(9, 2).upper(), number)))[-MAX_REFERENCE_CHARS:]
    return Envelope(message=told if number else None, issued_at=at, partial=not message.all("PID"))


def _read(message: Message, found: Found, door: Door) -> None:
    """
    Reads a message by its type and event (MSH-9).

    The structure named beside them (MSH-9.3) is not asked for: official samples name another's.
    """
    header = message.header
    kind, event = header.text(9).upper(), header.text(9, 2).upper()
    # The house before a person of it: it is the house whose patient numbers these are.
    house = house_of(message)
    if _HOUSE.fullmatch(house):
        found.put("requester_id", house, header.path(4))
    if kind == "REF" and event in REFERRAL_EVENTS:
        read_referral(event, message, found)
    elif kind == "SIU" and event in APPOINTMENT_EVENTS:
        read_appointment(event, message, found)
    elif kind == "SIU" and event in SCHEDULE_EVENTS:
        raise whole(Kind.ABOUT_A_SCHEDULE, header.path(9), found)
    elif kind == "ADT" and knows_visit(event, message):
        read_visit(event, message, found, door)
    else:
        raise whole(Kind.UNSUPPORTED_MESSAGE, header.path(9), found)
    read_patient(message, found)
    if where_dead(message) is not None:
        # Official samples book for people marked as dead: who books knows better than a mark.
        found.doubt(WHOLE, Kind.CONTRADICTION)
