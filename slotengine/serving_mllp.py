"""
HL7 v2 over MLLP: a message is stored first and acknowledged then, so that none is lost.

The framing is by hand over asyncio. ``hl7.mllp`` 0.4.5 was tried: whatever stands between two
frames, such as the line feed that some senders add, costs it the next message; an oversized frame
empties its buffer unanswered; its tasks may be collected while they run. ``hl7apy`` has a blocking
server with a thread for each connection.
"""

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from typing import Protocol

from slotengine.adapters.hl7v2_files import END, MAX_MESSAGE_BYTES, START
from slotengine.errors import InputError
from slotengine.serving_listening import Tls, is_loopback

DEFAULT_PORT = 2575
"""Registered for MLLP (IANA, service hl7)."""

_log = logging.getLogger("slotengine.mllp")
_log.addHandler(logging.NullHandler())

HEAD_BYTES = 16 * 1024
"""Bytes of a message that is too large that are read all the same: its header stands there."""


class Clerk(Protocol):
    """Whoever takes the messages of a listener; called in threads, and may wait there."""

    def take(self, data: bytes) -> tuple[bytes, ...]:
        """Takes a message in and gives what to send back; raises nothing."""
        ...

    def refuse_large(self, head: bytes) -> tuple[bytes, ...]:
        """Gives what to send back for a message past the bounds, from its beginning."""
        ...


@dataclass(frozen=True, slots=True)
class Bounded:
    """
    What one listener bears. All our choice.

    A hospital's interface engine holds one or two connections open, for hours without a message.
    """

    connections: int = 32
    message_bytes: int = MAX_MESSAGE_BYTES
    idle_seconds: float = 3_600.0
    frame_seconds: float = 30.0
    write_seconds: float = 30.0
    stop_seconds: float = 10.0
    threads: int = 4


def refuse_open_address(host: str, tls: Tls | None) -> None:
    """
    Refuses to listen where others can connect unseen: MLLP itself knows no sender and no secret.

    Raises
    ------
    InputError
        When the address is not this machine's own and clients need no certificate.
    """
    if tls is None and not is_loopback(host):
        raise InputError(
            f"host {host!r} can be reached from outside: name --cert, --key and --client-ca, "
            "or listen on 127.0.0.1 behind a tunnel"
        )


class Listener:
    """A server of MLLP: connections side by side, the messages of each in their order."""

    def __init__(self, clerk: Clerk, *, bounds: Bounded | None = None) -> None:
        self._clerk = clerk
        self._bounds = bounds or Bounded()
        self._threads = ThreadPoolExecutor(self._bounds.threads, thread_name_prefix="mllp")
        self._connections: set[asyncio.Task[None]] = set()
        self._waiting: set[asyncio.Task[None]] = set()
        self._stopping = False
        self._server: asyncio.Server | None = None

    async def start(self, host: str, port: int, *, tls: Tls | None = None) -> int:
        """
        Starts to listen; gives the port, which is another one where 0 was asked for.

        Raises
        ------
        InputError
            When the address is open to others without client certificates, or can't be had.
        """
        refuse_open_address(host, tls)
        context = None if tls is None else tls.context()
        try:
            self._server = await asyncio.start_server(
                self._connected, host, port, ssl=context, limit=self._bounds.message_bytes
            )
        except OSError as taken:
            raise InputError(f"can't listen on {host}, port {port}: {taken.strerror}") from taken
        bound: int = self._server.sockets[0].getsockname()[1]
        _log.info("listening", extra={"host": host, "port": bound, "tls": tls is not None})
        return bound

    async def stop(self) -> None:
        """
        Stops: nobody new, idle connections end, a message that is being taken is acknowledged.

        What was not acknowledged its sender sends again.
        """
        self._stopping = True
        if self._server is not None:
            self._server.close()
        for task in tuple(self._waiting):
            task.cancel()
        if self._connections:
            await asyncio.wait(tuple(self._connections), timeout=self._bounds.stop_seconds)
        for task in tuple(self._connections):
            task.cancel()
        if self._connections:
            await asyncio.wait(tuple(self._connections), timeout=self._bounds.stop_seconds)
        self._threads.shutdown(wait=False, cancel_futures=True)
        _log.info("stopped")

    def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._stopping or len(self._connections) >= self._bounds.connections:
            _log.warning("connection refused", extra={"open": len(self._connections)})
            writer.close()
            return
        # Kept here: the loop itself holds its tasks weakly.
        task = asyncio.get_running_loop().create_task(self._serve(reader, writer))
        self._connections.add(task)
        task.add_done_callback(self._connections.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        messages = 0
        try:
            while not self._stopping:
                frame = await self._next_frame(reader)
                if frame is None:
                    break
                messages += 1
                await self._answer(writer, await self._in_thread(self._clerk.take, frame))
        except asyncio.LimitOverrunError:
            head = await reader.read(HEAD_BYTES)
            await self._answer(writer, await self._in_thread(self._clerk.refuse_large, head))
        except (OSError, TimeoutError) as gone:
            _log.info("connection lost", extra={"fault": type(gone).__name__})
        except asyncio.CancelledError:
            _log.info("connection ended by the listener")
        except Exception as bug:  # noqa: BLE001 - told by the loop it would hold the message
            _log.error("a bug of ours", extra={"fault": type(bug).__name__})
        finally:
            writer.close()
            with suppress(OSError, TimeoutError, asyncio.CancelledError):
                async with asyncio.timeout(self._bounds.write_seconds):
                    await writer.wait_closed()
            _log.info("connection over", extra={"messages": messages})

    async def _in_thread(
        self, take: Callable[[bytes], tuple[bytes, ...]], data: bytes
    ) -> tuple[bytes, ...]:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, take, data)

    async def _answer(self, writer: asyncio.StreamWriter, replies: tuple[bytes, ...]) -> None:
        for reply in replies:
            writer.write(START + reply + END + b"\r")
        async with asyncio.timeout(self._bounds.write_seconds):
            await writer.drain()

    async def _next_frame(self, reader: asyncio.StreamReader) -> bytes | None:
        """
        Gives the bytes between the next VT and FS, None at the end or where nothing more comes.

        What stands between two frames (CR, or CR and LF) is passed over. A VT inside a frame
        begins it anew: a sender that broke off sends the message from its beginning.

        Raises
        ------
        LimitOverrunError
            When a frame is larger than the bounds: nothing tells where the next one begins.
        """
        task = asyncio.current_task()
        if task is None:  # pragma: no cover - a coroutine of a listener runs in a task
            return None
        self._waiting.add(task)
        try:
            async with asyncio.timeout(self._bounds.idle_seconds):
                await reader.readuntil(START)
            async with asyncio.timeout(self._bounds.frame_seconds):
                frame = await reader.readuntil(END)
        except (asyncio.IncompleteReadError, TimeoutError) as broken:
            fault = type(broken).__name__
            _log.info("no further frame", extra={"fault": fault})
            return None
        finally:
            self._waiting.discard(task)
        return frame.removesuffix(END).rpartition(START)[2]
