"""The desk behind the MLLP listener: a message becomes a change of the engine, then an answer."""

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from itertools import count

from slotengine.adapters.base import PAYLOAD, Part, Rejected
from slotengine.adapters.hl7v2_ack import (
    BUSY,
    FAILED,
    Answer,
    Verdict,
    acknowledgements,
    answer_to_received,
    answer_to_rejected,
    answer_to_unreadable,
)
from slotengine.adapters.kinds import Kind
from slotengine.adapters.sources import SourceAdapter
from slotengine.domain import Actor
from slotengine.engine import Engine
from slotengine.errors import ReferralFormatError, SlotEngineError, StoreBusyError

NUMBERS = 1_000_000
"""After this many acknowledgments the counter in MSH-10 begins anew; the second differs then."""

ONE_MESSAGE = Answer(Verdict.REJECTED, "100", why="a frame holds one message")

_log = logging.getLogger("slotengine.mllp")
_log.addHandler(logging.NullHandler())


@dataclass(frozen=True)
class Desk:
    """
    Takes one message after another in, from as many threads as like to.

    ``clock`` is asked once for each message. ``adapter`` reads HL7 v2 of one source.
    """

    adapter: SourceAdapter
    engine: Engine
    clock: Callable[[], datetime]
    actor: Actor
    _numbers: "count[int]" = field(default_factory=count, repr=False)

    def take(self, data: bytes) -> tuple[bytes, ...]:
        """
        Gives what to send back for a message. It is committed by then, or answered AE or AR.

        Nothing is raised: whatever goes wrong here, the sender must hear that the message is still
        its own.
        """
        now = self.clock()
        try:
            answer = self._answer(data, now)
        except ReferralFormatError as unreadable:
            answer = answer_to_unreadable(unreadable.field, Kind(unreadable.kind))
        except StoreBusyError:
            answer = BUSY
        except SlotEngineError as fault:
            _log.warning("not taken in", extra={"fault": type(fault).__name__})
            answer = FAILED
        except Exception as bug:  # noqa: BLE001 - a silent connection would lose the message
            # Its name only: what it says may hold a patient's data.
            _log.error("a bug of ours", extra={"fault": type(bug).__name__})
            answer = FAILED
        return self._sent_back(data, answer, now)

    def refuse_large(self, head: bytes) -> tuple[bytes, ...]:
        """Gives what to send back for a message that is not read to its end."""
        answer = answer_to_unreadable(PAYLOAD, Kind.TOO_LARGE)
        return self._sent_back(head, answer, self.clock())

    def _answer(self, data: bytes, now: datetime) -> Answer:
        parts: tuple[Part, ...] = tuple(self.adapter.parts(data, now=now))
        if len(parts) != 1:
            return ONE_MESSAGE
        one = parts[0].intake
        if isinstance(one, Rejected):
            return answer_to_rejected(one)
        (received,) = self.engine.receive((one,), now=now, actor=self.actor)
        return answer_to_received(received)

    def _sent_back(self, data: bytes, answer: Answer, now: datetime) -> tuple[bytes, ...]:
        number = f"{now:%y%m%d%H%M%S}{next(self._numbers) % NUMBERS:06d}"
        _log.info("answered", extra={"verdict": answer.verdict.value, "code": answer.code})
        return acknowledgements(data, answer, number=number, at=now)
