"""
Referrals as FHIR R4: Bundles of every type, messages, Parameters, single resources, NDJSON.

Read tolerantly, by thin functions over dicts: a profile that we don't know must not refuse a
patient. What comes out is what a table of the same content gives.
"""

import re
from collections.abc import Iterable, Iterator
from datetime import datetime

from slotengine.adapters import fhir_appointment, fhir_request
from slotengine.adapters.base import (
    MAX_DOCUMENT_BYTES,
    MAX_PAYLOAD_BYTES,
    MAX_RECORDS,
    PAYLOAD,
    WHOLE,
    Amend,
    Door,
    Intake,
    New,
    Part,
    Rejected,
)
from slotengine.adapters.fhir_bundle import Record, records
from slotengine.adapters.fhir_draft import Draft, issued_at, message_id
from slotengine.adapters.fhir_nodes import MisreadError, Node
from slotengine.adapters.fhir_raw import Rewriter, withdrawal
from slotengine.adapters.fields import Raw
from slotengine.adapters.json_texts import elements, parsed
from slotengine.adapters.kinds import Kind
from slotengine.adapters.lines import BOM, Payload
from slotengine.adapters.record import translate
from slotengine.adapters.scalars import BadValue
from slotengine.adapters.spot import Envelope, Spot
from slotengine.adapters.words import Status

MAX_DEPTH = 64
"""Nesting of a resource: extensions hold extensions. The official samples need 13. Our choice."""

MAX_RECORD_BYTES = 256 * 1024
"""Bytes of one record with what it refers to, without narrative and pictures. Our choice."""

# Hub Santé has a member of this name too, whose values are capitals (SMUR, LIBERAL.MG).
_MARK = re.compile(rb'"resourceType"\s*:\s*"[A-Z][a-z]')

_FIELDS = {
    "status": "status",
    "priority": "priority",
    "subject": "patient_id",
    "participant": "patient_id",
    "requester": "requester_id",
    "authoredOn": "received_at",
    "created": "received_at",
    "gender": "sex",
    "birthDate": "birth_date",
    "reasonCode": "motive_code",
    "performerType": "professions",
    "locationCode": "modes",
    "occurrencePeriod": "window_start",
    "occurrenceDateTime": "deadline",
}
"""The field that a member of FHIR stands for, where it can't be read at all."""

Located = tuple[str, tuple[Part, ...]]
"""The path of a record's own resource, and what it says."""


class FhirFormat:
    """Reads FHIR R4 as JSON, a document or one a line."""

    name = "fhir"
    suffix = "ndjson"

    def claims(self, head: bytes) -> bool:
        """Tells FHIR by the type that a resource names."""
        start = head.removeprefix(BOM).lstrip()
        return start[:1] in {b"{", b"["} and _MARK.search(start) is not None

    def read(self, payload: Payload, *, door: Door, adapter: str, now: datetime) -> Iterator[Part]:
        """Gives one ``Part`` for each request or appointment, and for each that was replaced."""
        for _, parts in self.located(payload, door=door, adapter=adapter, now=now):
            yield from parts

    def located(
        self, payload: Payload, *, door: Door, adapter: str, now: datetime
    ) -> Iterator[Located]:
        """Gives the same with the path of each record in its document, for whoever answers."""
        record = 0
        found = elements(payload, adapter, max_depth=MAX_DEPTH, max_line_bytes=MAX_DOCUMENT_BYTES)
        for line, element in found:
            reader = _Reader(door, adapter, now, line)
            for located in reader.located(element, after=record):
                record += 1
                if record > MAX_RECORDS:
                    spot = Spot(adapter, record, line)
                    yield "", (Part(spot.rejected(PAYLOAD, Kind.TOO_LARGE)),)
                    return
                yield located

    def joined(self, parts: Iterable[bytes], *, head: bytes) -> bytes:
        """Gives one record a line."""
        del head
        return b"".join(b" ".join(part.splitlines()) + b"\n" for part in parts)


class _Reader:
    """Reads one document."""

    def __init__(self, door: Door, adapter: str, now: datetime, line: int) -> None:
        self._door = door
        self._adapter = adapter
        self._now = now
        self._line = line

    def located(self, element: str | Kind, *, after: int) -> Iterator[Located]:
        """Gives the parts of each record, whose numbers come after ``after``."""
        # A kind is a text too, so it is asked for first.
        whole = element if isinstance(element, Kind) else parsed(element, max_depth=MAX_DEPTH)
        if isinstance(whole, Kind):
            raw = b"" if whole is element else element.encode(errors="surrogatepass")
            yield "", (Part(self._spot(after + 1).rejected(WHOLE, whole), raw),)
            return
        rewriter, written = Rewriter(), 0
        for number, record in enumerate(records(Node(whole)), after + 1):
            parts = self._read(record, number, rewriter)
            written += sum(len(part.raw) for part in parts)
            if written > MAX_PAYLOAD_BYTES:
                # Many records that share one huge resource would be written out without end.
                yield "", (Part(self._spot(number).rejected(PAYLOAD, Kind.TOO_LARGE)),)
                return
            yield record.entry.resource.path, parts

    def _spot(self, number: int, paths: dict[str, str] | None = None) -> Spot:
        return Spot(self._adapter, number, self._line, paths)

    def _read(self, record: Record, number: int, rewriter: Rewriter) -> tuple[Part, ...]:
        draft = Draft(record.entry, record.scope, record.message, self._door, self._now)
        spot = self._spot(number, draft.paths)
        intake, envelope = self._intake(record, draft, spot)
        raw = rewriter.line(record)
        if len(raw) > MAX_RECORD_BYTES:
            large = spot.rejected(WHOLE, Kind.TOO_LARGE)
            return (Part(intake if isinstance(intake, Rejected) else large),)
        if not isinstance(intake, New | Amend):
            return (Part(intake, raw),)
        return (Part(intake, raw), *self._replaced(draft, envelope, spot))

    def _intake(self, record: Record, draft: Draft, spot: Spot) -> tuple[Intake, Envelope]:
        envelope = Envelope()
        try:
            if record.fault is not None:
                raise record.fault
            gather = (
                fhir_request.gather
                if draft.root.type == "ServiceRequest"
                else fhir_appointment.gather
            )
            draft.paths["issued_at"] = draft.root.at("meta.lastUpdated")
            gather(draft)
            issued = issued_at(draft)
            envelope = Envelope(message_id(draft), issued, tuple(draft.warnings))
            intake = translate(
                draft.fields, spot, door=self._door, now=self._now, envelope=envelope
            )
        except MisreadError as misread:
            field = misread.field or _FIELDS.get(misread.member, WHOLE)
            draft.paths[field] = misread.path
            intake = spot.rejected(field, misread.kind)
        except BadValue as bad:
            intake = spot.rejected(bad.field, bad.kind)
        return intake, envelope

    def _replaced(self, draft: Draft, envelope: Envelope, spot: Spot) -> Iterator[Part]:
        """Gives a withdrawal of each request that an accepted one takes the place of."""
        for number in draft.replaced:
            fields: dict[str, Raw] = {"reference": number, "status": Status.CANCELLED.value}
            said = translate(fields, spot, door=self._door, now=self._now, envelope=envelope)
            yield Part(said, withdrawal(number))
