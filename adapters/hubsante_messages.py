"""The envelopes of the Hub Santé: EDXL-DE around RC-DE around one case, each of them optional."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from zoneinfo import ZoneInfo

from slotengine.adapters import hubsante_codes as codes
from slotengine.adapters.base import Warned
from slotengine.adapters.hubsante_nodes import Node
from slotengine.adapters.scalars import BadValue, instant

NEW_CASE, UPDATED_CASE, POORER_CASE = "createCaseHealth", "createCaseHealthUpdate", "createCase"
CASES = (UPDATED_CASE, NEW_CASE, POORER_CASE)
"""RS-EDA-MAJ, RS-EDA and RC-EDA by the key under which a message holds its case."""

CONTENT = ("jsonContent", "embeddedJsonContent", "message")
"""The way from an item of EDXL-DE's content to the message."""


@dataclass(frozen=True, slots=True)
class Message:
    """
    One message (``inner``): its case and what its headers say.

    A message that holds no case has no name, and is its own case.
    """

    name: str | None
    inner: Node
    case: Node
    number: str | None = None
    sent_at: datetime | None = None
    kind: str | None = None
    sender: str | None = None
    actual: bool = True
    warnings: tuple[Warned, ...] = field(default=())


def messages(root: Node, zone: ZoneInfo) -> Iterator[Message]:
    """Gives each message of a document: of every content of an EDXL-DE envelope, or itself."""
    contents = root.at("content")
    if not contents:
        yield _message(root, root, zone)
        return
    for content in contents.items():
        yield _message(root, content.at(*CONTENT), zone)


def _message(outer: Node, inner: Node, zone: ZoneInfo) -> Message:
    """Gives a message; what its own header leaves out, the envelope says."""
    name = next((name for name in CASES if inner.at(name)), None)
    sent_at, warnings = _sent_at(outer, inner, zone)
    statuses = {inner.at("status").text, outer.at("distributionStatus").text} - {None}
    return Message(
        name=name,
        inner=inner,
        case=inner.at(name) if name else inner,
        number=inner.at("messageId").text or outer.at("distributionID").text,
        sent_at=sent_at,
        kind=inner.at("kind").text or outer.at("distributionKind").text,
        sender=inner.at("sender").at("name").text or outer.at("senderID").text,
        actual=statuses <= {codes.ACTUAL},
        warnings=warnings,
    )


def _sent_at(
    outer: Node, inner: Node, zone: ZoneInfo
) -> tuple[datetime | None, tuple[Warned, ...]]:
    """Gives when a message was written; a time that can't be read is a doubt, not a fault."""
    doubts: tuple[Warned, ...] = ()
    for said in (inner.at("sentAt").text, outer.at("dateTimeSent").text):
        if said is None:
            continue
        try:
            return instant("issued_at", said, zone), doubts
        except BadValue as bad:
            doubts = (Warned(field="issued_at", kind=bad.kind),)
    return None, doubts
