"""
What the engine needs from the outside, as Protocols; each method is a contract.

A store runs a piece of work in one transaction. The work gets a ``Unit``: everything that it
changes is written with its event, or nothing is.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Annotated, Literal, Protocol, TypeVar

from pydantic import Field

from slotengine.answers import Conflict, Event
from slotengine.codes import (
    Audience,
    BookingStatus,
    Mode,
    Priority,
    PromiseState,
    ReferralState,
    SourceKind,
)
from slotengine.domain import (
    Actor,
    Booking,
    Id,
    Location,
    Practitioner,
    Promise,
    Referral,
    Site,
    Slot,
    TimeWindow,
    Value,
)
from slotengine.forecast import History
from slotengine.policy import Policy
from slotengine.ports_agendas import AgendaSlots
from slotengine.ports_doors import Accounts, Added, Inbox, Outbox, Published
from slotengine.problem import Plan, Told
from slotengine.seat_prices import PriceSet

T = TypeVar("T")

PutOutcome = Literal["created", "changed", "same", "booked", "foreign", "overlap", "unknown"]
"""
What became of a published slot: ``booked`` it has active bookings and would have moved under them
(kept as it was); ``foreign`` its id belongs to another territory; ``overlap`` its practitioner has
another open slot at that time; ``unknown`` its practitioner or site was never published.
"""


class StoredReferral(Value):
    """A referral as it stands, with the digest of the content it came with."""

    referral: Referral
    digest: str


SeatedBy = Literal["slot", "patient", "practitioner", "referral", "group"]
"""What the keys of a question after bookings are."""


class Seated(Value):
    """A booking with its slot, and what side constraints read of its patient."""

    booking: Booking
    slot: Slot
    patient: str
    own_practitioner: Id | None = None
    location: Location | None = None
    group: Id | None = None
    follows: Id | None = None
    pathway: Id | None = None
    step: int = 0


class Move(Value):
    """One step of an augmenting path: a promised booking leaves its seat for another slot."""

    booking: Id
    version: int
    slot: Slot
    mode: Mode


class SeatedPromise(Value):
    """An open promise with its witness: the seat that keeps it."""

    promise: Promise
    booking: Booking
    slot: Slot


class FreeSeat(Value):
    """A free seat of an open slot, and since when it is free (published, opened or given up)."""

    slot: Slot
    seat: Annotated[int, Field(ge=0)]
    since: datetime


ReplaceOutcome = Literal["replaced", "same", "overlap", "full", "unknown", "foreign"]
"""
What became of a slot that another practitioner takes over: ``overlap`` they have another open slot
then; ``full`` the bookings would pass their cap; ``unknown`` they were never published there;
``foreign`` the slot is another territory's.
"""


class Unit(Inbox, Outbox, Published, Accounts, AgendaSlots, Protocol):
    """One transaction. Changes are stamped with the ``now`` and ``actor`` it was opened with."""

    def save_policy(self, policy: Policy) -> None:
        """Makes ``policy`` the territory's, creating the territory; older versions stay stored."""

    def policy(self, territory: str) -> Policy:
        """Gives the territory's present policy, or raises UnknownTerritoryError."""

    def territories(self) -> tuple[str, ...]:
        """Gives the names of all territories, sorted."""

    def advance_clock(self, territory: str, tolerance: timedelta) -> None:
        """Raises the territory's high-water ``now``; ClockError when ``now`` lies behind it."""

    def put_practitioners(self, values: Sequence[Practitioner]) -> int:
        """Inserts or replaces by (territory, id); gives how many were new or changed."""

    def put_sites(self, values: Sequence[Site]) -> int:
        """Inserts or replaces by (territory, id); gives how many were new or changed."""

    def put_slots(self, values: Sequence[Slot]) -> dict[str, PutOutcome]:
        """
        Inserts or replaces slots by id and gives the outcome of each; a change raises its version.

        A repeated publication never reopens a withdrawn slot.
        """

    def withdraw_slot(self, slot_id: str, why: str) -> tuple[Booking, ...]:
        """
        Withdraws a slot, raises its version, cancels its active bookings, gives them as they were.

        UnknownIdError when there is none; a withdrawn slot gives () again.
        """

    def slot(self, slot_id: str) -> Slot:
        """Gives one slot, or raises UnknownIdError."""

    def slots(self, territory: str, window: TimeWindow) -> tuple[Slot, ...]:
        """Gives slots owned by or shared with the territory that start in the window, any state."""

    def practitioners(self, slots: Sequence[Slot]) -> tuple[Practitioner, ...]:
        """Gives the practitioners of these slots, once for each owner territory of the slots."""

    def sites(self, slots: Sequence[Slot]) -> tuple[Site, ...]:
        """Gives the sites of these slots, once for each owner territory of the slots."""

    def agenda(self, practitioner: str, window: TimeWindow) -> tuple[Slot, ...]:
        """Gives one practitioner's slots that start in the window, by start."""

    def active_bookings(self, slot_ids: Sequence[str]) -> tuple[Booking, ...]:
        """Gives promised, confirmed and unexpired held bookings of these slots."""

    def seats_taken(self, slot_ids: Sequence[str], *, beside: str) -> Mapping[str, int]:
        """Gives how many seats of these slots others than a referral have; those without none."""

    def seated(
        self,
        by: SeatedBy,
        keys: Sequence[str],
        *,
        within: TimeWindow | None = None,
        mode: Mode | None = None,
        done: bool = False,
    ) -> tuple[Seated, ...]:
        """
        Gives the active bookings of these slots, patients, practitioners, referrals or groups.

        In every territory, by start and id. ``within``: only those whose slot overlaps it.
        ``mode``: only those in this mode.
        ``done``: also those that took place, missed ones included. The number of statements does
        not grow with the keys, but by one every 500.
        """

    def add_referral(self, referral: Referral, digest: str) -> bool:
        """Inserts a referral; False when (territory, source, reference) is already known."""

    def add_referrals(self, values: Sequence[Added]) -> int:
        """Inserts referrals with their events in one statement each; gives how many were new."""

    def find_referral(
        self, territory: str, source: SourceKind, reference: str
    ) -> StoredReferral | None:
        """Finds a referral by what makes it unique."""

    def find_referrals(
        self, territory: str, source: SourceKind, references: Sequence[str]
    ) -> Mapping[str, StoredReferral]:
        """Finds referrals of one source by reference; those that are not known are left out."""

    def stored_referral(self, referral_id: str) -> StoredReferral:
        """Gives one referral, or raises UnknownIdError."""

    def replace_referral(self, referral: Referral, digest: str) -> None:
        """Replaces a referral's content (not its state) and records that it was amended."""

    def set_referral_state(self, referral_id: str, state: ReferralState, why: str = "") -> None:
        """
        Moves a referral along ``transitions.REFERRAL_STEPS`` or raises TransitionError.

        Into or out of promised, held and booked it moves only with its booking.
        """

    def referrals(self, territory: str, states: Sequence[ReferralState]) -> tuple[Referral, ...]:
        """Gives the territory's referrals in these states, by id."""

    def patient_referrals(
        self, territory: str, patient_keys: Sequence[str]
    ) -> tuple[Referral, ...]:
        """Gives these patients' referrals in the territory that are neither closed nor refused."""

    def booking(self, booking_id: str) -> Booking:
        """Gives one booking, or raises UnknownIdError."""

    def booking_of(self, referral_id: str) -> Booking | None:
        """Gives the referral's active booking (an expired hold is none)."""

    def take_seat(
        self,
        referral_id: str,
        slot: Slot,
        *,
        mode: Mode,
        status: Literal[BookingStatus.HELD, BookingStatus.PROMISED],
        held_until: datetime | None = None,
        why: str = "",
    ) -> Booking:
        """
        Takes the lowest free seat of the slot at the version given.

        SlotTakenError: every seat is taken, the slot changed, was withdrawn or is not open yet, its
        practitioner's day is full, or the practitioner is elsewhere. DuplicateReferralError: the
        referral has an active booking, or its patient has one at an overlapping hour.
        """

    def confirm(self, booking_id: str) -> Booking:
        """
        Confirms a held or promised booking; a confirmed one is given back as it is.

        HoldExpiredError when the hold ran out; TransitionError from any other status.
        """

    def end_booking(
        self,
        booking_id: str,
        status: Literal[BookingStatus.CANCELLED, BookingStatus.FULFILLED, BookingStatus.NOSHOW],
        why: str = "",
    ) -> Booking:
        """Ends an active booking and frees its counters; repeating the same end changes nothing."""

    def tell(self, booking_id: str) -> Booking:
        """Marks a promised booking as told to the patient: from now on it does not move."""

    def expire_holds(self, territory: str) -> tuple[Booking, ...]:
        """Marks holds that ran out as expired and gives them."""

    def commit_plan(
        self, plan: Plan, slots: Sequence[Slot], told: Sequence[Told] = ()
    ) -> tuple[Conflict, ...]:
        """
        Writes a plan: untold promises of its referrals move, new ones are made, seat by seat.

        A told promise moves only if ``told`` lists it on its slot, and only onto a seat that is
        still free; the patient is to be told again. A seat that was taken meanwhile, a slot whose
        version differs from ``slots``, or a referral that was placed, amended or closed meanwhile
        comes back as a conflict. The plan is stored.
        """

    def offered_slots(
        self, territory: str, window: TimeWindow, audiences: Sequence[Audience]
    ) -> tuple[Slot, ...]:
        """
        Gives the slots that requesters of these audiences may be offered now, by id.

        Open, open for booking, owned by or shared with the territory, starting in the window and
        reserved for one of the audiences: asked in the query, so that others never leave it.
        """

    def history(self, territory: str, window: TimeWindow) -> History:
        """Gives what came, opened and ended in the window: what a forecast learns from."""

    def save_prices(self, prices: PriceSet) -> bool:
        """
        Stores a set of prices and makes it the territory's current one.

        Rows first, then one compare-and-set: False when a set computed later is current already
        (the rows stay; nothing reads them).
        """

    def current_prices(self, territory: str) -> PriceSet | None:
        """Gives the territory's current set of prices, None when there never was one."""

    def save_promise(self, promise: Promise) -> None:
        """Stores an open promise to a referral with a promised booking; replaces an ended one."""

    def promise_of(self, referral_id: str) -> Promise | None:
        """Gives the latest promise to a referral, whatever its state."""

    def end_promise(self, referral_id: str, state: PromiseState, why: str = "") -> None:
        """Ends an open promise and writes its event; one that has ended is left as it is."""

    def open_promises(self, territory: str) -> tuple[SeatedPromise, ...]:
        """Gives the open promises that have a promised booking, by referral."""

    def move_promises(self, moves: Sequence[Move]) -> tuple[Booking, ...]:
        """
        Moves promised bookings along a path, in the order given: the free end first.

        Rows (slots, patients, days, bookings) are locked in id order. SlotTakenError as soon as one
        can't move (its version, its new seat, a cap, its patient elsewhere): the whole work must
        then be rolled back to where it stood, which ``attempt`` does.
        """

    def attempt(self, work: Callable[[], T]) -> T:
        """Runs a part of the work in a SAVEPOINT: what it wrote is undone when it raises."""

    def free_seats(self, territory: str, window: TimeWindow) -> tuple[FreeSeat, ...]:
        """Gives the free seats of open slots owned by or shared with the territory, by slot."""

    def refused_slots(self, referral_ids: Sequence[str]) -> frozenset[tuple[str, str]]:
        """Gives (referral, slot) of bookings that ran out or were cancelled: not offered again."""

    def put_first_in_line(self, referral_id: str) -> None:
        """Marks a referral whose seat vanished: whoever waits, it comes first."""

    def first_in_line(self, territory: str) -> frozenset[str]:
        """Gives the unplaced referrals marked so."""

    def hand_back(self, slot_id: str, *, why: str) -> int:
        """
        Gives the free seats above the last taken one back to the practitioner; gives how many.

        A slot without any active booking is handed back whole (its state), any other keeps as many
        seats as its last taken one needs. The slot's version is raised, an event says why.
        """

    def replace_practitioner(self, slot_id: str, by: str) -> ReplaceOutcome:
        """Gives an open slot to another practitioner; its bookings and their counters go along."""

    def served_share(
        self, territory: str, priority: Priority | None, insee: str | None, since: datetime
    ) -> tuple[int, int]:
        """
        Gives how many referrals came since then, inclusive, and how many have or had a seat.

        Of one priority and of patients of one commune, None meaning any; refused ones don't count.
        """

    def record_chance(self, referral_id: str, raw: float, stated: float) -> None:
        """Notes the chance of a seat that was stated to a waiting patient, once a referral."""

    def chance_outcomes(
        self, territory: str, waiting: Mapping[str, float] | None = None
    ) -> tuple[tuple[float, float], ...]:
        """
        Gives (raw chance, 1 served or 0 not) of stated chances whose outcome is known.

        With raw chances by now of those who wait, also of those not due yet: 1, or that chance.
        """

    def event(self, territory: str, kind: str, **ids: str | None) -> None:
        """Appends an event of its own (ids: referral, slot, booking, why)."""

    def events(self, after: str | None, limit: int) -> tuple[Event, ...]:
        """Gives events after a cursor, in an order that no later commit can fill in behind."""


class Store(Protocol):
    """Where every promise is kept."""

    def write(self, work: Callable[[Unit], T], *, now: datetime, actor: Actor | None = None) -> T:
        """
        Runs work in one writing transaction; commits, or rolls all of it back and raises.

        Serialisation failures and deadlocks are retried a bounded number of times (so work may
        run more than once); then StoreBusyError. In a host's transaction a SAVEPOINT is used and
        the host's transaction stays usable after any error.
        """

    def read(self, work: Callable[[Unit], T], *, now: datetime | None = None) -> T:
        """
        Runs work that only reads, on one consistent snapshot.

        Without ``now`` no question that depends on time can be asked (a ValueError says so).
        """

    def close(self) -> None:
        """Gives every connection back."""
