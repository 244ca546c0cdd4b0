"""
Hub Santé: cases that a SAMU's software sends on, in JSON, bare or in their envelopes.

RS-EDA brings a case, RS-EDA-MAJ what has changed in it, RC-EDA is what fire brigades share of one.
Each patient of a case is a record of its own.
"""

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import datetime

from slotengine.adapters import hubsante_codes as codes
from slotengine.adapters.base import MAX_RECORDS, PAYLOAD, WHOLE, Door, Intake, Part
from slotengine.adapters.hubsante_case import Refusal, patients, read, stands_alone
from slotengine.adapters.hubsante_messages import Message, messages
from slotengine.adapters.hubsante_nodes import BadNode, Node
from slotengine.adapters.json_texts import Json, elements, parsed
from slotengine.adapters.kinds import Kind
from slotengine.adapters.lines import BOM, Payload
from slotengine.adapters.record import translate
from slotengine.adapters.spot import Envelope, Spot

MAX_DEPTH = 32
"""Nesting of one message; an official error that quotes a message needs 15. Our choice."""

MAX_MESSAGE_BYTES = 1024 * 1024
"""Bytes of one message on one line; a case with a day's notes is far shorter. Our choice."""

_OURS = re.compile(
    rb'"(?:createCase(?:Health(?:Update)?)?|embeddedJsonContent|distributionID|appointmentId)"\s*:'
)
_FHIR = re.compile(rb'"resourceType"\s*:')


class HubSanteFormat:
    """Reads RS-EDA, RS-EDA-MAJ and RC-EDA, one message, an array, or one a line."""

    name = "hubsante"
    suffix = "jsonl"

    def claims(self, head: bytes) -> bool:
        """Tells by the keys that only these messages have; what is FHIR first is not ours."""
        if head.removeprefix(BOM).lstrip()[:1] not in {b"{", b"["}:
            return False
        ours = _OURS.search(head)
        fhir = _FHIR.search(head)
        return ours is not None and (fhir is None or ours.start() < fhir.start())

    def read(self, payload: Payload, *, door: Door, adapter: str, now: datetime) -> Iterator[Part]:
        """Gives one ``Part`` for each patient of each message."""
        record = 0
        found = elements(payload, adapter, max_depth=MAX_DEPTH, max_line_bytes=MAX_MESSAGE_BYTES)
        for line, text in found:
            for part in _parts(text, Spot(adapter, record + 1, line), door=door, now=now):
                record += 1
                if record > MAX_RECORDS:
                    yield Part(Spot(adapter, record, line).rejected(PAYLOAD, Kind.TOO_LARGE))
                    return
                yield part

    def joined(self, parts: Iterable[bytes], *, head: bytes) -> bytes:
        """Gives one message a line, each without its line breaks."""
        del head
        return b"".join(b" ".join(part.split(b"\n")) + b"\n" for part in parts if part)


def _parts(text: str | Kind, spot: Spot, *, door: Door, now: datetime) -> Iterator[Part]:
    if isinstance(text, Kind):
        yield Part(spot.rejected(WHOLE, text))
        return
    # Surrogates of a broken text are kept as they came.
    raw = text.encode(errors="surrogatepass")
    root = parsed(text, max_depth=MAX_DEPTH)
    if isinstance(root, Kind):
        yield Part(spot.rejected(WHOLE, root), raw)
        return
    try:
        said = list(messages(Node(root, ""), door.zone))
    except BadNode as bad:
        yield Part(_misplaced(spot, bad), raw)
        return
    if not said:
        # An envelope with nothing in it.
        yield Part(_refused(spot, Refusal(WHOLE, Kind.NOT_A_CASE, "content")), raw)
    number = spot.record
    for message in said:
        alone = raw if len(said) == 1 else None
        for part in _of_message(message, replace(spot, record=number), root, alone, door, now):
            yield part
            number += 1


def _of_message(  # noqa: PLR0917 - a message, where it stands, and what it was cut from
    message: Message,
    spot: Spot,
    root: dict[str, Json],
    raw: bytes | None,
    door: Door,
    now: datetime,
) -> Iterator[Part]:
    """Gives one part a patient; a message that is no case is one part."""
    refusal = _no_case(message)
    raw = _cut(root, message, None) if raw is None else raw
    if refusal is not None:
        yield Part(_refused(spot, refusal), raw)
        return
    try:
        listed = patients(message)
    except BadNode as bad:
        yield Part(_misplaced(spot, bad), raw)
        return
    several = len(listed) > 1
    known: set[str] = set()
    for index, patient in enumerate(listed):
        here = replace(spot, record=spot.record + index)
        try:
            intake = _intake(message, patient, here, several=several, door=door, now=now)
            intake = _told_apart(intake, here, patient, known) if several else intake
            own = several and stands_alone(message, patient)
        except BadNode as bad:
            intake, own = _misplaced(here, bad), False
        yield Part(intake, _cut(root, message, patient) if own else raw)


def _intake(
    message: Message, patient: Node, spot: Spot, *, several: bool, door: Door, now: datetime
) -> Intake:
    one = read(message, patient, several=several)
    if isinstance(one, Refusal):
        return _refused(spot, one)
    envelope = Envelope(
        message=message.number,
        issued_at=message.sent_at,
        warnings=(*message.warnings, *one.warnings),
        partial=one.partial,
    )
    return translate(
        one.found.fields,
        replace(spot, paths=one.found.paths),
        door=door,
        now=now,
        envelope=envelope,
    )


def _told_apart(intake: Intake, spot: Spot, patient: Node, known: set[str]) -> Intake:
    """Refuses a patient of several who can't be told from another: one would be lost."""
    at = patient.at("patientId")
    number = at.text
    if number is None or number in known:
        kind = Kind.MISSING if number is None else Kind.DUPLICATE_FIELD
        return _refused(spot, Refusal("patient_id", kind, at.path))
    known.add(number)
    return intake


def _no_case(message: Message) -> Refusal | None:
    if not message.actual:
        return Refusal(WHOLE, Kind.EXERCISE, message.case.path)
    if message.name is None or message.kind in codes.NO_NEWS:
        return Refusal(WHOLE, Kind.NOT_A_CASE, message.case.path)
    return None


def _at(spot: Spot, name: str, path: str) -> Spot:
    """Gives a spot that knows where a field stands; the document itself has no path."""
    return replace(spot, paths={name: path} if path else None)


def _refused(spot: Spot, refusal: Refusal) -> Intake:
    return _at(spot, refusal.field, refusal.path).rejected(refusal.field, refusal.kind)


def _misplaced(spot: Spot, bad: BadNode) -> Intake:
    return _at(spot, WHOLE, bad.path).rejected(WHOLE, bad.kind)


def _cut(root: dict[str, Json], message: Message, patient: Node | None) -> bytes:
    """Gives the document with this message only, and of its patients only this one."""
    inner = message.inner.value if isinstance(message.inner.value, dict) else {}
    if patient is not None and message.name is not None:
        case = message.case.value if isinstance(message.case.value, dict) else {}
        inner = {**inner, message.name: {**case, "patient": [patient.value]}}
    whole = inner
    if "content" in root:
        kept: Json = {"jsonContent": {"embeddedJsonContent": {"message": inner}}}
        whole = {**root, "content": [kept]}
    # ASCII: what is no letter in any encoding comes back as it came.
    return json.dumps(whole).encode()
