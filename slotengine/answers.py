"""What the engine answers: receipts, offers, placements, reports and events, as frozen values."""

from typing import Annotated

from pydantic import Field

from slotengine.codes import Mode, Profession, ReferralState
from slotengine.domain import Actor, Booking, Id, Instant, Metres, TerritoryName, Value
from slotengine.problem import Plan
from slotengine.reasons import Reason


class Receipt(Value):
    """What became of a referral that came in; ``repeated`` when it was known already."""

    referral: Id
    state: ReferralState
    deadline: Instant
    repeated: bool = False
    reasons: tuple[Reason, ...] = ()
    linked: tuple[Id, ...] = ()


class Offer(Value):
    """A seat that a requester may have now, with its lines and an opaque token to hold it by."""

    token: str
    referral: Id
    slot: Id
    practitioner: Id
    profession: Profession
    site: Id
    place: str
    start: Instant
    end: Instant
    mode: Mode
    travel_metres: Metres
    travel_minutes: Annotated[int, Field(ge=0)]
    wait_minutes: Annotated[int, Field(ge=0)]
    score: int
    expires_at: Instant


class Placement(Value):
    """The answer to one referral: a held or confirmed seat, or none with its reasons."""

    referral: Id
    state: ReferralState
    booking: Booking | None = None
    offer: Offer | None = None
    reasons: tuple[Reason, ...] = ()
    lost_races: Annotated[int, Field(ge=0)] = 0


class RejectedItem(Value):
    """One published value that was not taken over, and why; the others were."""

    id: Id
    why: str


class PublishReport(Value):
    """What a publication changed: counts, and what was kept back with its reason."""

    created: int = 0
    changed: int = 0
    same: int = 0
    rejected: tuple[RejectedItem, ...] = ()


class Incident(Value):
    """A promised or booked seat that vanished: the booking, and the seat found instead, if any."""

    referral: Id
    lost: Booking
    replacement: Booking | None
    reasons: tuple[Reason, ...] = ()


class WithdrawReport(Value):
    """Slots taken back and what happened to the patients on them."""

    withdrawn: tuple[Id, ...]
    incidents: tuple[Incident, ...]


class Conflict(Value):
    """A planned seat that the day took meanwhile, and the seat found instead, if any."""

    referral: Id
    slot: Id
    why: str
    replacement: Booking | None = None


class PlanReport(Value):
    """A planning run: the plan with its proof, what was written, and what could not be."""

    plan: Plan
    referrals: int
    seats: int
    pinned: int
    without_own_practitioner: int
    served_by_priority: dict[str, tuple[int, int]]
    left_out: tuple[Receipt, ...] = ()
    conflicts: tuple[Conflict, ...] = ()


class Event(Value):
    """One change of state, ids only. ``cursor`` orders the feed and is opaque."""

    cursor: str
    at: Instant
    territory: TerritoryName
    kind: str
    actor: Actor | None
    referral: Id | None = None
    slot: Id | None = None
    booking: Id | None = None
    why: str = ""
