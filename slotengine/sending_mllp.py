"""Tells an agenda of bookings by HL7 v2 over MLLP: one message, one acknowledgment."""

import asyncio
from dataclasses import dataclass
from ssl import SSLContext
from zoneinfo import ZoneInfo

from slotengine.adapters.hl7v2_files import END, START, bare
from slotengine.adapters.hl7v2_text import Message
from slotengine.adapters.kinds import Kind
from slotengine.adapters.out_siu import Ends, siu
from slotengine.destinations import Outgoing
from slotengine.errors import DeliveryError

ANSWER_SECONDS = 30.0
"""Time to connect, send and hear. Our choice."""

MAX_ANSWER_BYTES = 64 * 1024
"""Bytes of an acknowledgment. Our choice."""

TAKEN = frozenset({"AA", "CA"})
WRONG = frozenset({"AE", "CE"})
"""MSA-1: the message itself is refused. What is rejected (AR, CR) may be taken later."""


@dataclass(frozen=True, slots=True)
class MllpChannel:
    """A way to one receiver of SIU messages; patients are not named."""

    host: str
    port: int
    zone: ZoneInfo
    ends: Ends | None = None
    tls: SSLContext | None = None

    def render(self, message: Outgoing) -> bytes:
        """Gives the SIU message: the same number and date however often it is sent."""
        return siu(
            message.notice,
            number=str(message.id),
            at=message.created_at,
            zone=self.zone,
            ends=self.ends,
        )

    def send(self, message: Outgoing, body: bytes) -> None:
        """
        Sends it over a connection of its own; AA and CA mean taken.

        Raises
        ------
        DeliveryError
            Permanent when the receiver finds the message itself wrong (AE, CE).
        """
        try:
            back = asyncio.run(self._asked(body))
        except (OSError, TimeoutError, asyncio.IncompleteReadError) as lost:
            raise DeliveryError(f"no answer ({type(lost).__name__})") from lost
        except asyncio.LimitOverrunError as large:
            raise DeliveryError("an answer without an end") from large
        answer = Message.of(bare(back))
        if isinstance(answer, Kind):
            raise DeliveryError("an answer that can't be read")
        msa = answer.one("MSA")
        if msa.text(2) != str(message.id):
            raise DeliveryError("an answer to another message")
        verdict = msa.text(1).upper()
        if verdict not in TAKEN:
            known = verdict if verdict in WRONG or verdict in {"AR", "CR"} else "nothing known"
            raise DeliveryError(f"answered {known}", permanent=verdict in WRONG)

    async def _asked(self, body: bytes) -> bytes:
        async with asyncio.timeout(ANSWER_SECONDS):
            reader, writer = await asyncio.open_connection(
                self.host, self.port, ssl=self.tls, limit=MAX_ANSWER_BYTES
            )
            try:
                writer.write(START + body + END + b"\r")
                await writer.drain()
                await reader.readuntil(START)
                return (await reader.readuntil(END)).removesuffix(END)
            finally:
                writer.close()
