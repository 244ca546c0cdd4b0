"""
Sending what the outbox holds: taken, sealed, sent, and marked; or tried again later.

Nothing is sent inside a transaction. A sender that dies leaves its messages to the next one when
their time runs out; a message that is sent a second time has the content of the first.
"""

import hashlib
import logging
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Protocol

from slotengine.answers import DeliveryReport
from slotengine.destinations import Delivery, Outgoing
from slotengine.domain import Actor
from slotengine.errors import DeliveryError
from slotengine.ports import Store

logger = logging.getLogger("slotengine.delivering")
logger.addHandler(logging.NullHandler())

LEASE = timedelta(minutes=5)
"""How long a taken message is one sender's; longer than any channel's time limit. Our choice."""

FIRST_PAUSE, LONGEST_PAUSE = timedelta(seconds=30), timedelta(hours=1)
"""Between two attempts: doubled each time, up to the longest. Our choice."""

MAX_ATTEMPTS = 24
"""After which a message is stuck and waits for a person: some 18 hours. Our choice."""

CHANGED = "other content than was sent first"
"""The fault of a message that a channel renders in another way than the time before."""


class Channel(Protocol):
    """A way to one destination."""

    def render(self, message: Outgoing) -> bytes:
        """Gives what is sent: the same bytes for the same message, or it is not sent again."""
        ...

    def send(self, message: Outgoing, body: bytes) -> None:
        """
        Sends it, and returns when the other side has taken it.

        Raises
        ------
        DeliveryError
            When it did not; ``permanent`` where trying again is of no use.
        """
        ...


def pause_after(attempts: int) -> timedelta:
    """
    Gives how long to wait after so many attempts.

    Examples
    --------
    >>> [str(pause_after(attempts)) for attempts in (1, 2, 7, 8, 100)]
    ['0:00:30', '0:01:00', '0:32:00', '1:00:00', '1:00:00']
    """
    doublings = min(attempts - 1, 10)
    pause: timedelta = FIRST_PAUSE * 2**doublings
    return min(pause, LONGEST_PAUSE)


def deliver(
    store: Store,
    channels: Mapping[str, Channel],
    *,
    now: datetime,
    limit: int,
    actor: Actor | None,
) -> DeliveryReport:
    """Sends what is due to the destinations that have a channel, each message in its own turn."""
    taken = store.write(
        lambda unit: unit.claim_messages(limit, until=now + LEASE, destinations=sorted(channels)),
        now=now,
        actor=actor,
    )
    report: dict[Delivery, list[int]] = {state: [] for state in Delivery}
    for message in taken:
        fault = _sent(store, channels[message.destination], message, now=now, actor=actor)
        state = _noted(store, message, fault, now=now, actor=actor)
        report[state].append(message.id)
    return DeliveryReport(
        sent=tuple(report[Delivery.SENT]),
        postponed=tuple(report[Delivery.PENDING]),
        stuck=tuple(report[Delivery.STUCK]),
    )


def _noted(
    store: Store,
    message: Outgoing,
    fault: DeliveryError | None,
    *,
    now: datetime,
    actor: Actor | None,
) -> Delivery:
    """Notes what became of a message; gives where it stands."""
    if fault is None:
        _end(store, message, Delivery.SENT, now=now, actor=actor)
        return Delivery.SENT
    if fault.permanent or message.attempts + 1 >= MAX_ATTEMPTS:
        named = {"message_id": message.id, "destination": message.destination}
        logger.error("a message is stuck", extra=named)
        _end(store, message, Delivery.STUCK, fault=fault.why, now=now, actor=actor)
        return Delivery.STUCK
    again = now + max(fault.after, pause_after(message.attempts + 1))
    store.write(
        lambda unit: unit.postpone_message(message.id, until=again, fault=fault.why),
        now=now,
        actor=actor,
    )
    return Delivery.PENDING


def _end(
    store: Store,
    message: Outgoing,
    state: Delivery,
    *,
    fault: str = "",
    now: datetime,
    actor: Actor | None,
) -> None:
    store.write(lambda unit: unit.end_message(message.id, state, fault=fault), now=now, actor=actor)


def _sent(
    store: Store, channel: Channel, message: Outgoing, *, now: datetime, actor: Actor | None
) -> DeliveryError | None:
    """Sends one message; gives why it could not be."""
    try:
        body = channel.render(message)
        digest = hashlib.blake2b(body, digest_size=16).hexdigest()
        # Noted before it is sent: whoever sends it after a crash sends the same or nothing.
        sealed = store.write(
            lambda unit: unit.seal_message(message.id, digest), now=now, actor=actor
        )
        if not sealed:
            return DeliveryError(CHANGED, permanent=True)
        channel.send(message, body)
    except DeliveryError as refused:
        return refused
    return None
