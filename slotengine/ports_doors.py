"""
What the store keeps for the doors: messages in and out, who works where, accounts.

Parts of ``ports.Unit``: each verb runs inside the unit's transaction, like those beside it.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Literal, NamedTuple, Protocol

from slotengine.codes import Audience, SourceKind
from slotengine.destinations import Delivery, Outgoing
from slotengine.directory import Role
from slotengine.domain import Id, Instant, Referral, Slot, TerritoryName, TimeWindow, Value

InboxState = Literal["applied", "waiting", "superseded", "refused"]
"""
Where an incoming message stands: ``waiting`` for an earlier one about the same referral,
``superseded`` by a later one that came before it.
"""


class Incoming(Value):
    """A message that came in, as the inbox keeps it; ``body`` is values of ours as JSON."""

    territory: TerritoryName
    source: SourceKind
    reference: str
    message: str
    issued_at: Instant | None = None
    received_at: Instant
    kind: str
    state: InboxState
    body: str = ""
    why: str = ""

    @property
    def order(self) -> tuple[datetime, datetime, str]:
        """Orders messages; one that does not say when it was written was written when it came."""
        return (self.issued_at or self.received_at, self.received_at, self.message)


class Account(Value):
    """A SAS regulator who may book; who it is, the host keeps."""

    id: Id
    active: bool = True
    identifiers: tuple[tuple[str, str], ...] = ()
    mail_hash: str | None = None
    version: int = 1


class Added(NamedTuple):
    """A referral to be added: its digest as it came, and the open need it is linked to, if any."""

    referral: Referral
    digest: str
    linked: str | None = None


class Inbox(Protocol):
    """Messages in, so that each is applied once and in the order in which they were written."""

    def keep_message(self, message: Incoming) -> bool:
        """Inserts a message; False when (territory, source, reference, message) is known."""

    def keep_messages(self, messages: Sequence[Incoming]) -> int:
        """Inserts messages in one statement; gives how many of them were not known."""

    def set_message(
        self, message: Incoming, state: InboxState, *, body: str = "", why: str = ""
    ) -> None:
        """Says where a kept message stands now; what is no longer needed of its body goes."""

    def messages_about(
        self, territory: str, source: SourceKind, references: Sequence[str]
    ) -> tuple[Incoming, ...]:
        """
        Gives the messages about these references, by reference, issued_at and message.

        One that does not say when it was written stands where it came.
        """

    def messages_in(
        self, territory: str, states: Sequence[InboxState], limit: int
    ) -> tuple[Incoming, ...]:
        """Gives the territory's messages in these states, those that came first before others."""

    def take_turn(self, territory: str) -> None:
        """Waits until nobody else receives messages for the territory, and keeps others waiting."""


class Outbox(Protocol):
    """Messages out, written with the change that they tell of."""

    def claim_messages(
        self, limit: int, *, until: datetime, destinations: Sequence[str]
    ) -> tuple[Outgoing, ...]:
        """
        Takes pending messages that are due and not taken, oldest first, for one sender.

        At most one of each (destination, booking), the oldest pending: a later state never
        overtakes an earlier one.
        """

    def seal_message(self, message_id: int, digest: str) -> bool:
        """Notes what is about to be sent; False when other content was noted before."""

    def end_message(self, message_id: int, state: Delivery, *, fault: str = "") -> None:
        """Marks a taken message as sent or stuck."""

    def postpone_message(self, message_id: int, *, until: datetime, fault: str) -> None:
        """Gives a taken message back, to be tried again later; counts the attempt."""

    def rearm_message(self, message_id: int) -> Outgoing:
        """Makes a stuck message pending again; UnknownIdError, or TransitionError when sent."""

    def messages(
        self, territory: str | None, states: Sequence[Delivery], limit: int
    ) -> tuple[Outgoing, ...]:
        """Gives the newest messages of these states, of one territory or of all, oldest first."""

    def messages_by_state(self, territory: str | None) -> dict[Delivery, int]:
        """Gives how many messages stand where."""


class Published(Protocol):
    """What is shown to those who look for free slots from outside."""

    def put_roles(self, roles: Sequence[Role]) -> int:
        """Inserts or replaces by (territory, practitioner, site); gives how many changed."""

    def roles(self, practitioners: Sequence[str]) -> tuple[Role, ...]:
        """Gives the roles of these practitioners in every territory, by key."""

    def roles_at(self, sirets: Sequence[str]) -> tuple[Role, ...]:
        """Gives the roles at structures with these SIRET (14 digits, no prefix), by key."""

    def published_slots(
        self, practitioners: Sequence[str], window: TimeWindow, audiences: Sequence[Audience]
    ) -> tuple[Slot, ...]:
        """
        Gives the slots of these practitioners that start in the window and have a free seat now.

        In every territory: open, open for booking, reserved for one of the audiences, neither the
        practitioner's day nor week full. By practitioner, start and id.
        """


class Accounts(Protocol):
    """Regulators of the SAS (INT_R02)."""

    def add_account(self, account: Account) -> bool:
        """Inserts an account; False when its mail or one of its identifiers is another's."""

    def account_with(self, system: str, value: str) -> Account | None:
        """Finds an account by one of its identifiers."""

    def account_of_mail(self, mail_hash: str) -> Account | None:
        """Finds an account by the keyed hash of its mail address."""

    def replace_account(self, account: Account) -> bool:
        """
        Replaces an account of a known id; False when its mail is another's.

        An identifier that another account has moves to this one.
        """
