"""What nobody may do to an adapter: cut payloads off, bend them, make them long, deep, endless."""

import io
import random
import tracemalloc
from collections.abc import Iterator

from slotengine.adapters.base import (
    CHUNK_BYTES,
    MAX_DOCUMENT_BYTES,
    MAX_PAYLOAD_BYTES,
    Rejected,
)
from slotengine.errors import ReferralFormatError
from slotengine.testing_checks import names
from slotengine.testing_subject import BrokenRuleError, Sample, Subject, reference_of, tried

CUTS = 120
"""Places at which a payload is cut off, the last bytes all among them."""

LAST_BYTES = 40
MUTATIONS = 150
MAX_CHANGES = 4
"""Changes of one payload: more of them and nothing of it is left to read."""

LONG_FIELD_BYTES = 2 * 1024 * 1024
"""Far above ``MAX_LINE_BYTES`` and ``MAX_FIELD_CHARS``."""

MAX_INTAKE_CHARS = 64 * 1024
"""JSON of one intake with every field at its limit is shorter. Our choice."""

DEPTH = 100_000
"""Python's parsers break below 1,000 without a limit of their own."""

OPENINGS = (b"[", b'{"a":', b"{", b"(", b"<a>")

MAX_HELD_BYTES = 8 * MAX_DOCUMENT_BYTES
"""Bytes in memory that an endless payload may take: two lines of a document's size, and copies."""

SPARE_BYTES = 8 * 1024 * 1024
"""What may be read beyond the limit before it counts as not kept."""

_SCRAPS = (
    b"", b"\0", b"\n", b"\r", b"\r\n", b'"', b"'", b";", b",", b"|", b"^", b"~", b"&", b"\\", b"{",
    b"}", b"[", b"]", b":", b"null", b"-1", b"1e999", b"\xff", b"\x81", b"\xc3", b"\xef\xbb\xbf",
    b"9" * 400, b"2026-02-30", b"\xed\xa0\x80", b"\\ud800", b"<", b"=1+1",
)  # fmt: skip


def cut_off(subject: Subject, sample: Sample) -> None:
    """A payload that is cut off anywhere is read, or unreadable as a whole, and nothing else."""
    size = len(sample.payload)
    places = {*range(0, size, max(size // CUTS, 1)), *range(max(size - LAST_BYTES, 0), size)}
    for place in sorted(places):
        _quietly(subject, sample, sample.payload[:place], f"cut off after {place} bytes")


def bent(subject: Subject, sample: Sample) -> None:
    """A payload with some bytes changed is read, or unreadable as a whole, and nothing else."""
    for seed in range(MUTATIONS):
        draw = random.Random(seed)  # noqa: S311 - a seed makes the same payload each time
        _quietly(subject, sample, mutated(sample.payload, draw), f"bent with seed {seed}")


def mutated(payload: bytes, draw: random.Random) -> bytes:
    """Gives a payload with a few bytes put in, left out, doubled or replaced."""
    made = bytearray(payload)
    for _ in range(draw.randint(1, MAX_CHANGES)):
        at = draw.randrange(len(made) + 1)
        to = min(len(made), at + draw.choice((0, 1, 1, 2, 8, 60)))
        kind = draw.randrange(4)
        if kind == 0:
            made[at:to] = draw.choice(_SCRAPS)
        elif kind == 1:
            made[at:at] = made[at:to] * 2
        elif kind == 2:  # noqa: PLR2004 - the third of four
            made[at:to] = draw.randbytes(to - at)
        else:
            other = draw.randrange(len(made) + 1)
            made[at:to] = made[other : other + to - at]
    return bytes(made)


def _quietly(subject: Subject, sample: Sample, payload: bytes, how: str) -> None:
    """Reads what is broken: one kind of error only, and nobody's name in faults and logs."""
    try:
        outcome = tried(subject, payload)
    except BrokenRuleError as broken:
        raise BrokenRuleError(f"{how}: {broken}") from broken.__cause__
    # Where a separator is gone a name may stand in another field: faults and logs are looked at.
    told = [one.model_dump_json() for one in outcome.intakes if isinstance(one, Rejected)]
    if outcome.error is not None:
        told.append(f"{outcome.error!r} {vars(outcome.error)}")
    if names("\n".join([*told, outcome.said]), sample.identity):
        raise BrokenRuleError(f"{how}: a fault, an error or a log holds identity of a patient")


def long_fields(subject: Subject, sample: Sample) -> None:
    """A field of megabytes is refused or left out, never kept."""
    for place, text in enumerate((*sample.references, *sample.identity), 1):
        said = (text or "").encode()
        if not said or said not in sample.payload:
            continue
        long = sample.payload.replace(said, b"7" * LONG_FIELD_BYTES, 1)
        for one in tried(subject, long).intakes:
            if len(one.model_dump_json()) > MAX_INTAKE_CHARS:
                raise BrokenRuleError(f"a field of megabytes is kept (text {place} of the sample)")


def deep_nesting(subject: Subject, sample: Sample) -> None:
    """Nesting without an end is refused."""
    reference = next((one for one in sample.references if one), "").encode()
    for opening in OPENINGS:
        deep = opening * DEPTH
        inside = sample.payload.replace(reference, deep, 1) if reference else deep
        for payload in (deep, inside, sample.payload + deep):
            for one in tried(subject, payload).intakes:
                if len(one.model_dump_json()) > MAX_INTAKE_CHARS:
                    raise BrokenRuleError("nesting without an end is kept")


def endless(subject: Subject, sample: Sample) -> None:
    """A payload without an end is refused at a limit, and never held in memory."""
    stream = Endless(sample.payload, MAX_PAYLOAD_BYTES + SPARE_BYTES)
    tracing = tracemalloc.is_tracing()
    if not tracing:
        tracemalloc.start(1)
    tracemalloc.reset_peak()
    before = tracemalloc.get_traced_memory()[0]
    faults = 0
    try:
        for part in _parts(subject, stream):
            faults += isinstance(part, Rejected | ReferralFormatError)
        held = tracemalloc.get_traced_memory()[1] - before
    finally:
        if not tracing:
            tracemalloc.stop()
    if stream.left <= 0:
        raise BrokenRuleError(f"more than {MAX_PAYLOAD_BYTES} bytes of a payload are read")
    if not faults:
        raise BrokenRuleError("a payload without an end is taken without a fault")
    if held > MAX_HELD_BYTES:
        raise BrokenRuleError(f"more than {MAX_HELD_BYTES} bytes of a payload are held in memory")


def _parts(subject: Subject, stream: "Endless") -> Iterator[object]:
    try:
        for part in subject.adapter.parts(stream, now=subject.now):
            yield part.intake
    except ReferralFormatError as refused:
        yield refused


class Endless(io.BytesIO):
    """A payload that goes on with a line that does not end, as far as anybody reads."""

    def __init__(self, payload: bytes, size: int) -> None:
        super().__init__(payload)
        self.left = size
        self._more = b"x" * CHUNK_BYTES

    def read(self, size: int | None = -1, /) -> bytes:
        """Gives what was asked for, for as long as it may go on."""
        asked = CHUNK_BYTES if size is None or size < 0 else size
        if self.left <= 0:
            return b""
        found = super().read(asked) or self._more[:asked]
        self.left -= len(found)
        return found


def hostile_refused(subject: Subject, payload: bytes) -> None:
    """What is meant to do harm is refused."""
    outcome = tried(subject, payload)
    if any(reference_of(one) is not None for one in outcome.intakes):
        raise BrokenRuleError("a record of it was taken")
    if outcome.error is None and not outcome.intakes:
        raise BrokenRuleError("it was taken without a fault")
