"""Messages about one referral, for tests of what comes in."""

from datetime import datetime
from typing import Any

from builders import NOW, referral

from slotengine.adapters import Amend, Cancel, Intake, New, Outcome
from slotengine.answers import Received
from slotengine.codes import BookingStatus, Priority, SourceKind
from slotengine.engine import Engine


def new(
    reference: str = "1", *, by: str | None = None, at: datetime | None = None, **of: Any
) -> New:
    return New(referral=referral(reference, **of), message=by, issued_at=at)


def amend(
    reference: str = "1", *, by: str | None = None, at: datetime | None = None, **of: Any
) -> Amend:
    return Amend(referral=referral(reference, **of), message=by, issued_at=at)


def partly(
    *only: str, reference: str = "1", by: str | None = None, at: datetime | None = None, **of: Any
) -> Amend:
    """An update that says only these fields."""
    return Amend(referral=referral(reference, **of), only=only, message=by, issued_at=at)


def cancel(
    reference: str = "1",
    *,
    by: str | None = None,
    at: datetime | None = None,
    territory: str = "giennois",
) -> Cancel:
    return Cancel(
        territory=territory,
        source=SourceKind.PHARMACY,
        reference=reference,
        message=by,
        issued_at=at,
    )


def outcome(
    reference: str = "1",
    ended: Any = BookingStatus.FULFILLED,
    *,
    by: str | None = None,
    at: datetime | None = None,
) -> Outcome:
    return Outcome(
        territory="giennois",
        source=SourceKind.PHARMACY,
        reference=reference,
        outcome=ended,
        message=by,
        issued_at=at,
    )


def taken(engine: Engine, *intakes: Intake, now: datetime = NOW) -> list[str]:
    """What became of each, received together."""
    return [one.outcome for one in engine.receive(intakes, now=now)]


def one(engine: Engine, intake: Intake, *, now: datetime = NOW) -> Received:
    (answer,) = engine.receive([intake], now=now)
    return answer


def standing(engine: Engine, *states: Any) -> list[tuple[str, str]]:
    """The messages in these states, by number: kind and state."""
    every = states or ("applied", "waiting", "superseded", "refused")
    found = engine.waiting_messages("giennois", states=every)
    return sorted((row.kind, row.state) for row in found)


def kinds(engine: Engine) -> list[str]:
    return [event.kind for event in engine.events() if event.referral is not None]


def state(engine: Engine, reference: str = "1") -> str:
    return engine.referral(referral(reference).id).state.value


def priority(engine: Engine, reference: str = "1") -> Priority:
    return engine.referral(referral(reference).id).priority
