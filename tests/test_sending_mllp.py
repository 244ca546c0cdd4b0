"""Appointments sent over MLLP to a receiver on a real socket."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future

import pytest
from builders import NOW, notice
from records import PARIS

from slotengine.adapters.hl7v2_text import Message
from slotengine.codes import SourceKind
from slotengine.destinations import Delivery, Outgoing
from slotengine.errors import DeliveryError
from slotengine.sending_mllp import MllpChannel
from slotengine.serving_mllp import Listener

NOTICE = notice(source=SourceKind.PHARMACY, practitioner="10003456789", site="s-1", slot="slot-1")
MESSAGE = Outgoing(
    id=7,
    destination="agenda",
    notice=NOTICE,
    state=Delivery.PENDING,
    next_at=NOW,
    created_at=NOW,
)

Receiver = Callable[[tuple[bytes, ...]], MllpChannel]


class Scripted:
    """A receiver that answers what it is told to, and keeps what it got."""

    def __init__(self, replies: tuple[bytes, ...]) -> None:
        self.replies = replies
        self.got: list[bytes] = []

    def take(self, data: bytes) -> tuple[bytes, ...]:
        self.got.append(data)
        return self.replies

    refuse_large = take


@pytest.fixture
def receiving() -> Iterator[Receiver]:
    """Starts receivers in a thread of their own, as they are in another house."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    listeners: list[Listener] = []

    def start(replies: tuple[bytes, ...]) -> MllpChannel:
        listeners.append(Listener(Scripted(replies)))
        port: Future[int] = asyncio.run_coroutine_threadsafe(
            listeners[-1].start("127.0.0.1", 0), loop
        )
        return MllpChannel("127.0.0.1", port.result(10), PARIS)

    yield start
    for listener in listeners:
        asyncio.run_coroutine_threadsafe(listener.stop(), loop).result(10)
    loop.call_soon_threadsafe(loop.stop)
    thread.join(10)
    loop.close()


def ack(code: str, number: str = "7") -> bytes:
    return f"MSH|^~\\&|A|B|C|D|20261123||ACK|1|P|2.5\rMSA|{code}|{number}\r".encode()


@pytest.mark.parametrize("code", ["AA", "CA"])
def test_a_message_is_sent_when_it_is_taken(receiving: Receiver, code: str) -> None:
    channel = receiving((ack(code),))
    channel.send(MESSAGE, channel.render(MESSAGE))


@pytest.mark.parametrize(
    ("reply", "permanent"),
    [
        (ack("AE"), True), (ack("CE"), True), (ack("AR"), False), (ack("CR"), False),
        (ack("AA", "8"), False), (ack("ZZ"), False), (b"garbage", False),
    ],
)  # fmt: skip
def test_another_answer_is_a_failure(
    receiving: Receiver,
    reply: bytes,
    permanent: bool,  # noqa: FBT001 (the table's)
) -> None:
    channel = receiving((reply,))
    with pytest.raises(DeliveryError) as caught:
        channel.send(MESSAGE, channel.render(MESSAGE))
    assert caught.value.permanent is permanent


def test_nobody_there_is_a_failure_that_passes(receiving: Receiver) -> None:
    channel = receiving(())
    gone = MllpChannel("127.0.0.1", 1, channel.zone)
    with pytest.raises(DeliveryError, match="no answer") as caught:
        gone.send(MESSAGE, gone.render(MESSAGE))
    assert not caught.value.permanent


def test_the_same_message_is_rendered_alike() -> None:
    channel = MllpChannel("127.0.0.1", 1, PARIS)
    body = channel.render(MESSAGE)
    assert body == channel.render(MESSAGE.replaced(attempts=3))
    message = Message.of(body)
    assert isinstance(message, Message)
    assert (message.header.text(10), message.header.text(7)) == ("7", "20261123090000+0100")
    assert not message.all("PID")
