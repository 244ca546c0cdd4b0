"""
One message: applied once, and in the order in which messages were written, not came.

What is known of earlier ones stands in the inbox. A message about a referral that has not come yet
waits there; one that was written before the newest applied one changes nothing any more, but for
what a partial update says and no later one has said since.
"""

import hashlib
import json
from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import partial

from slotengine.adapters.base import Amend, Cancel, New, Outcome
from slotengine.answers import Receipt, Received
from slotengine.codes import SourceKind
from slotengine.errors import BookingError, InputError, StoreBusyError
from slotengine.ports import Unit
from slotengine.ports_doors import InboxState, Incoming
from slotengine.receiving_steps import Message, Steps
from slotengine.referring import standing

KINDS: dict[str, type[Message]] = {
    "new": New,
    "amend": Amend,
    "cancel": Cancel,
    "outcome": Outcome,
}
"""What a message is called in the inbox."""

_KIND_OF = {of: kind for kind, of in KINDS.items()}

MAX_MESSAGE_CHARS = 200
"""Characters of a message's number in the inbox (``adapters.base.Reference``)."""

REFUSED_EVENT = "message.refused"
"""What the feed says of a message that waited and was refused then: nobody else hears of it."""


def reference_of(one: Message) -> str:
    """Gives the sender's name of the referral that a message is about."""
    return one.referral.reference if isinstance(one, New | Amend) else one.reference


def source_of(one: Message) -> tuple[str, SourceKind]:
    """Gives the territory and the source that a message comes from."""
    about = one.referral if isinstance(one, New | Amend) else one
    return about.territory, about.source


def referral_of(one: Message) -> str:
    """Gives the id of the referral that a message is about."""
    return one.referral.id if isinstance(one, New | Amend) else one.referral_id


def incoming(
    one: Message, state: InboxState, *, now: datetime, rows: Iterable[Incoming] = ()
) -> Incoming:
    """
    Gives a message as the inbox keeps it, without its body.

    Its number is the sender's; where there is none, a digest of what it says and when. One number
    may stand on several records of a payload that say different things about one referral: then
    the kind stands before it.
    """
    kind = _KIND_OF[type(one)]
    number = one.message or _digest(kind, one)
    if any(row.message == number and row.kind != kind for row in rows):
        number = f"{kind}:{number}"
        if len(number) > MAX_MESSAGE_CHARS:
            number = hashlib.blake2b(number.encode(), digest_size=16).hexdigest()
    territory, source = source_of(one)
    return Incoming(
        territory=territory,
        source=source,
        reference=reference_of(one),
        message=number,
        issued_at=one.issued_at,
        received_at=now,
        kind=kind,
        state=state,
    )


def is_noted(one: Message) -> bool:
    """Tells whether the inbox remembers a message that is applied when it comes."""
    return one.message is not None or one.issued_at is not None


def _digest(kind: str, one: Message) -> str:
    if isinstance(one, New | Amend):
        said = f"{one.referral.content_digest()}{_fields_of(one)}"
    else:
        said = one.outcome.value if isinstance(one, Outcome) else ""
    when = "" if one.issued_at is None else one.issued_at.isoformat()
    text = f"{kind}\x1f{said}\x1f{when}"
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


def known_as(one: Incoming, rows: Iterable[Incoming]) -> Incoming | None:
    """Gives the row of a message that came before, if it did."""
    return next((row for row in rows if row.message == one.message), None)


def _fields_of(one: Message) -> str:
    """Gives the names of the fields that a partial update says, as JSON; "" for what says all."""
    if not isinstance(one, Amend) or one.only is None:
        return ""
    return json.dumps(sorted(one.only))


class Turn:
    """
    The messages about one referral while one more of them is taken.

    ``rows`` is what the inbox has of them. ``touched`` says afterwards whether messages that waited
    were taken as well.
    """

    def __init__(self, unit: Unit, steps: Steps, rows: Sequence[Incoming]) -> None:
        self._unit = unit
        self._steps = steps
        self._rows = rows
        self._done = [row for row in rows if row.state == "applied"]
        self.touched = False

    def take(self, one: Message) -> Received:
        """Applies a message, keeps it for later, or says why it changes nothing."""
        mine = incoming(one, "applied", now=self._steps.now, rows=self._rows)
        before = known_as(mine, self._rows)
        stored = self._unit.find_referral(mine.territory, mine.source, mine.reference)
        if before is not None and before.state != "refused":
            receipt = None if stored is None else standing(self._unit, stored)
            return repeated(one, before, receipt)
        if stored is None and not isinstance(one, New):
            body = one.model_dump_json(exclude={"warnings"})
            self._note(mine, before, "waiting", body=body)
            return Received(outcome="kept", referral=referral_of(one))
        waiting = sorted(
            (row for row in self._rows if row.state == "waiting"), key=lambda row: row.order
        )
        # Nothing can come before the message that brings the referral, whenever it was written.
        known = stored is not None
        earlier = [row for row in waiting if known and row.order < mine.order]
        self._take_kept(earlier)
        answer = self._taken(one, mine, before)
        if answer.outcome != "refused" or known:
            self._take_kept([row for row in waiting if row not in earlier])
        return self._as_it_stands(answer) if self.touched else answer

    def _taken(self, one: Message, mine: Incoming, before: Incoming | None) -> Received:
        said = self._still_said(one, mine)
        if said is None:
            self._note(mine, before, "superseded")
            return Received(outcome="superseded", referral=referral_of(one))
        asked = self._as_update(said, mine)

        def work() -> Receipt:
            receipt = self._steps.take(self._unit, asked)
            if is_noted(one):
                self._note(mine, before, "applied", body=_fields_of(one))
            return receipt

        try:
            receipt = self._unit.attempt(work)
        except (InputError, BookingError) as refused:
            if is_noted(one):
                self._note(mine, before, "refused", why=type(refused).__name__)
            return refusal(one, refused)
        self._done.append(mine.replaced(body=_fields_of(one)))
        return applied(receipt)

    def _still_said(self, one: Message, mine: Incoming) -> Message | None:
        """
        Gives what a message still says beside those written after it; None where that is nothing.

        Each of two partial updates may say what the other does not.
        """
        at = mine.issued_at
        newer = [
            row
            for row in self._done
            if at is not None and row.issued_at is not None and row.issued_at > at
        ]
        if not newer:
            return one
        partial_ones = all(row.kind == _KIND_OF[Amend] and row.body for row in newer)
        if not isinstance(one, Amend) or one.only is None or not partial_ones:
            return None
        left = set(one.only).difference(*(json.loads(row.body) for row in newer))
        return one.replaced(only=tuple(sorted(left))) if left else None

    def _as_update(self, one: Message, mine: Incoming) -> Message:
        """
        Gives an update for a request that is sent anew with other content, written later.

        Who sends resources (FHIR) puts what is asked by now and knows no message of change. Written
        at the same time as the other one, or without a time, it stays a conflict.
        """
        at = mine.issued_at
        if not isinstance(one, New) or at is None:
            return one
        stored = self._unit.find_referral(mine.territory, mine.source, mine.reference)
        earlier = any(row.issued_at is not None and row.issued_at < at for row in self._done)
        if stored is None or not earlier or stored.digest == one.referral.content_digest():
            return one
        return Amend(
            referral=one.referral,
            message=one.message,
            issued_at=one.issued_at,
            warnings=one.warnings,
        )

    def _take_kept(self, waiting: Iterable[Incoming]) -> None:
        """Takes messages that waited, in their order."""
        for row in waiting:
            self.touched = True
            one = KINDS[row.kind].model_validate_json(row.body)
            said = self._still_said(one, row)
            if said is None:
                self._unit.set_message(row, "superseded")
                continue
            try:
                self._unit.attempt(partial(self._take_one_kept, said, row, _fields_of(one)))
            except (InputError, BookingError) as refused:
                why = type(refused).__name__
                self._unit.set_message(row, "refused", why=why)
                self._unit.event(row.territory, REFUSED_EVENT, referral=referral_of(one), why=why)
            else:
                self._done.append(row.replaced(state="applied", body=_fields_of(one)))

    def _take_one_kept(self, one: Message, row: Incoming, fields: str) -> None:
        self._steps.take(self._unit, one)
        self._unit.set_message(row, "applied", body=fields)

    def _as_it_stands(self, answer: Received) -> Received:
        """Gives an answer whose receipt says how the referral stands after what had waited."""
        if answer.receipt is None:
            return answer
        present = self._unit.stored_referral(answer.receipt.referral).referral
        changed = {"state": present.state, "deadline": present.deadline}
        return answer.replaced(receipt=answer.receipt.replaced(**changed))

    def _note(
        self,
        mine: Incoming,
        before: Incoming | None,
        state: InboxState,
        *,
        body: str = "",
        why: str = "",
    ) -> None:
        if before is not None:
            self._unit.set_message(mine, state, body=body, why=why)
        elif not self._unit.keep_message(mine.replaced(state=state, body=body, why=why)):
            # Somebody writes messages without taking turns: what stands now must be read again.
            raise StoreBusyError("the same message came twice at once; nothing was written")


def applied(receipt: Receipt) -> Received:
    """Gives the answer to a message that was taken; "repeated" where it changed nothing."""
    return Received(
        outcome="repeated" if receipt.repeated else "applied",
        referral=receipt.referral,
        receipt=receipt,
    )


def repeated(one: Message, before: Incoming, receipt: Receipt | None) -> Received:
    """Gives the answer to a message that came before; ``why`` says where it is, if not applied."""
    return Received(
        outcome="repeated",
        referral=referral_of(one),
        receipt=receipt,
        why="" if before.state == "applied" else before.state,
    )


def refusal(one: Message, refused: Exception) -> Received:
    """Gives the answer to a message that the engine said no to, in the engine's words."""
    return Received(
        outcome="refused",
        referral=referral_of(one),
        error=type(refused).__name__,
        why=str(refused),
    )
