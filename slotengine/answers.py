"""What the engine answers: receipts, offers, placements, reports and events, as frozen values."""

from typing import Annotated, Literal

from pydantic import Field

from slotengine.codes import Mode, Profession, ReferralState
from slotengine.domain import Actor, Booking, Id, Instant, Metres, Promise, TerritoryName, Value
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


class Received(Value):
    """
    What became of one message that came in.

    ``kept``: it waits for an earlier message about the same referral, which has not come yet.
    ``superseded``: a later message came first, and stands. ``refused``: the engine said no;
    ``error`` is the kind of error and ``why`` its words, which name ids only.
    """

    outcome: Literal["applied", "repeated", "kept", "superseded", "refused"]
    referral: Id | None = None
    receipt: Receipt | None = None
    error: str = ""
    why: str = ""


class Offer(Value):
    """
    A seat that a requester may have now, with its lines and an opaque token to hold it by.

    ``score`` is ``value`` less ``cost`` less ``price``, in weighted minutes; ``reasons`` say what
    the price could not rest on. ``extra`` marks a seat beyond the slot's own, agreed against
    no-shows.
    """

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
    value: Annotated[int, Field(ge=0)]
    cost: Annotated[int, Field(ge=0)]
    price: Annotated[int, Field(ge=0)] = 0
    extra: bool = False
    expires_at: Instant
    price_set: Id | None = None
    reasons: tuple[Reason, ...] = ()

    @property
    def score(self) -> int:
        """Value less cost less price, in weighted minutes."""
        return self.value - self.cost - self.price


class Placement(Value):
    """
    The answer to one referral: a seat held, confirmed or promised, or none with its reasons.

    With a ``promise`` the booking is its witness and may still move: the patient is told what is
    promised, not the booking's hour, and there is no offer to show. ``offers`` are what may be had
    instead of a seat whose hold ran out.
    """

    referral: Id
    state: ReferralState
    booking: Booking | None = None
    offer: Offer | None = None
    promise: Promise | None = None
    offers: tuple[Offer, ...] = ()
    reasons: tuple[Reason, ...] = ()
    lost_races: Annotated[int, Field(ge=0)] = 0


class Chance(Value):
    """
    How likely a waiting patient gets a seat before an instant, in whole percent.

    ``raw`` is the share of sampled futures before calibration on what became of chances stated
    earlier.
    """

    percent: Annotated[int, Field(ge=0, le=100)]
    before: Instant
    raw: Annotated[float, Field(ge=0, le=1)]


class WaitingEntry(Value):
    """Who waits for a seat: its place in line, until when, and how likely one comes."""

    referral: Id
    rank: Annotated[int, Field(ge=1)]
    deadline: Instant
    first_in_line: bool = False
    chance: Chance | None = None


class Refilled(Value):
    """A freed seat held for somebody who waited."""

    referral: Id
    booking: Booking
    gain: int


class HandedBack(Value):
    """Seats of a slot given back to its practitioner, and why."""

    slot: Id
    seats: Annotated[int, Field(ge=1)]
    reason: Reason


class ReplaceReport(Value):
    """Slots that a locum took over, bookings on them, and what could not be taken over and why."""

    slots: tuple[Id, ...]
    bookings: tuple[Id, ...]
    rejected: tuple["RejectedItem", ...] = ()


class Announced(Value):
    """A promise whose hour stands now: its seat is fixed and the patient is to be told."""

    promise: Promise
    booking: Booking


class TendReport(Value):
    """What time made due: holds that ran out, promises announced, seats refilled, given back."""

    expired: tuple[Booking, ...] = ()
    announced: tuple[Announced, ...] = ()
    refilled: tuple[Refilled, ...] = ()
    handed_back: tuple[HandedBack, ...] = ()
    repriced: Id | None = None


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


class DeliveryReport(Value):
    """What became of messages that were due: ids of the outbox."""

    sent: tuple[int, ...] = ()
    postponed: tuple[int, ...] = ()
    stuck: tuple[int, ...] = ()


class Conflict(Value):
    """A planned seat that the day took meanwhile, and the seat found instead, if any."""

    referral: Id
    slot: Id
    why: str
    replacement: Booking | None = None


class PlanReport(Value):
    """
    A planning run: the plan with its proof, what was written, and what could not be.

    ``price_set`` names the seat prices that it kept seats by; None where nothing was kept.
    ``promised`` are the promises that it kept, which may have moved.
    """

    plan: Plan
    referrals: int
    seats: int
    pinned: int
    promised: int = 0
    price_set: Id | None = None
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
