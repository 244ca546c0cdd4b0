"""One target in a process of its own: each input has a time and a memory limit."""

import faulthandler
import json
import resource
import signal
import time
import traceback
from dataclasses import dataclass
from pathlib import Path
from random import Random
from types import FrameType

from fuzz.corpus import seeds
from fuzz.mutations import changed
from fuzz.targets import TARGETS

CPU_SECONDS = 5.0
"""Of one input of at most ``MAX_BYTES``; the slowest good ones take some 0.2 s. Our choice."""

MEMORY_BYTES = 2 * 1024**3
"""Address space of the process: the libraries alone take some 0.6 GiB. Our choice."""

MAX_FOUND = 10
"""Crashes of one target after which it stops: they tend to be one."""


class TooSlowError(Exception):
    """An input took longer than it may."""


@dataclass(frozen=True)
class Job:
    """What one process does; ``inputs`` None: as many as the seconds allow."""

    target: str
    seed: int
    seconds: float
    inputs: int | None
    crashes: Path

    def written(self) -> str:
        """Gives the job as a text for the process that does it."""
        return json.dumps({**vars(self), "crashes": str(self.crashes)})

    @classmethod
    def of(cls, text: str) -> "Job":
        """Reads what ``written`` gave."""
        said = json.loads(text)
        return cls(**{**said, "crashes": Path(said["crashes"])})


def made(target: str, seed: int, number: int, start: list[bytes]) -> bytes:
    """Gives one input: the same for the same target, seed, number and payloads."""
    if number < len(start):
        return start[number]
    draw = Random(f"{target}:{seed}:{number}")  # noqa: S311 - it must come again
    return changed(draw.choice(start), draw, start)


def limited() -> None:
    """Sets the limits of this process."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    signal.signal(signal.SIGVTALRM, _too_slow)


def _too_slow(_: int, __: FrameType | None) -> None:
    raise TooSlowError


def tried(target: str, data: bytes) -> str | None:
    """Gives the traceback of what an input does wrong, or None."""
    # Time of the processor: whatever else this machine does, the limit is the same.
    signal.setitimer(signal.ITIMER_VIRTUAL, CPU_SECONDS)
    try:
        TARGETS[target].read(data)
    except BaseException:  # noqa: BLE001 - everything is a finding, SystemExit as well
        return traceback.format_exc()
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
    return None


def work(job: Job) -> int:
    """Reads inputs until the time or the number is up; gives how many broke something."""
    limited()
    faulthandler.enable()
    start = seeds(job.target)
    name = f"{job.target}-{job.seed}"
    current = job.crashes / f"{name}-current.bin"
    job.crashes.mkdir(parents=True, exist_ok=True)
    end = time.monotonic() + job.seconds
    number = found = 0
    while found < MAX_FOUND:
        if time.monotonic() > end if job.inputs is None else number >= job.inputs:
            break
        data = made(job.target, job.seed, number, start)
        # Written before it is read: a process that dies leaves what it died of.
        current.write_bytes(data)
        if (said := tried(job.target, data)) is not None:
            found += 1
            (job.crashes / f"{name}-{number}.bin").write_bytes(data)
            (job.crashes / f"{name}-{number}.txt").write_text(said, encoding="utf-8")
        number += 1
    current.unlink()
    print(f"{job.target}: {number} inputs, {found} broke something", flush=True)  # noqa: T201 - a script
    return found
