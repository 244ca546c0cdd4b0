"""What every adapter keeps to, one rule a function: what comes back, in which order, from what."""

import io
import json
import random
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from slotengine.adapters.base import CHUNK_BYTES, WHOLE, Amend, New, Rejected
from slotengine.adapters.record import CLOCK_SKEW
from slotengine.errors import ReferralFormatError
from slotengine.testing_subject import (
    BrokenRuleError,
    Sample,
    Subject,
    bare,
    listening,
    reference_of,
    tried,
)

EARLY = datetime(2001, 1, 1, tzinfo=UTC)
"""Before any clock of today: what is received later was not told by ``now``."""

LATER = timedelta(days=400)
FAR_ZONE = ZoneInfo("Pacific/Auckland")
"""Half a day from France."""

PIECES = (1, 7, 1_000)
"""Bytes that streams give at once."""

STRANGERS = (
    b"reference;patient_id\n1;p\n",
    b'{"reference": "1", "patient_id": "p"}\n',
    b'{"resourceType": "Bundle", "type": "collection", "entry": []}',
    b'{"createCaseHealth": {}}',
    b"MSH|^~\\&|A|B|C|D|20261123090000||REF^I12|1|P|2.5\r",
    b"PK\x03\x04",
)
"""How payloads of our own formats begin."""

RANDOM_HEADS = 40
RANDOM_HEAD_BYTES = 200


def records_in_order(subject: Subject, sample: Sample) -> None:
    """Each record comes back exactly once, in its order."""
    found = tuple(reference_of(one) for one in subject.intakes(sample.payload))
    if found != sample.references:
        raise BrokenRuleError(
            f"{len(found)} records came back and {len(sample.references)} were said, "
            "or their references or order differ"
        )


def records_are_numbered(subject: Subject, sample: Sample) -> None:
    """A fault names its record, from 1, and who read it."""
    source = subject.adapter.door.profile.source.value
    line = 1
    for place, one in enumerate(subject.intakes(sample.payload), 1):
        if not isinstance(one, Rejected):
            continue
        if one.record != place:
            raise BrokenRuleError(f"record {place} is called {one.record}")
        if not one.adapter.startswith(f"{source}/"):
            raise BrokenRuleError(f"record {place} has another adapter's name")
        if one.line is not None and one.line < line:
            raise BrokenRuleError(f"record {place} lies on a line before an earlier record's")
        line = one.line or line


def broken_costs_itself(subject: Subject, sample: Sample) -> None:
    """A broken record between two good ones costs itself only."""
    found = [reference_of(one) for one in subject.intakes(sample.payload)]
    for place, reference in enumerate(sample.references):
        if reference is None and place < len(found) and found[place] is not None:
            raise BrokenRuleError(f"record {place + 1} is said to be broken and was read")
        around = slice(max(place - 1, 0), place + 2)
        if reference is None and found[around] != list(sample.references[around]):
            raise BrokenRuleError(f"record {place + 1} is broken and costs more than itself")


def bytes_and_streams_agree(subject: Subject, sample: Sample) -> None:
    """Bytes and a file object give the same."""
    stream = subject.adapter.read(io.BytesIO(sample.payload), now=subject.now)
    if list(stream) != subject.intakes(sample.payload):
        raise BrokenRuleError("a file object gives other records than its bytes")


def pieces_do_not_matter(subject: Subject, sample: Sample) -> None:
    """Where a stream is cut into pieces changes nothing."""
    whole = subject.intakes(sample.payload)
    for size in PIECES:
        stream = Pieces(sample.payload, size)
        if list(subject.adapter.read(stream, now=subject.now)) != whole:
            raise BrokenRuleError(f"pieces of {size} bytes give other records")


class Pieces(io.BytesIO):
    """A stream that never gives more than so many bytes at once, as a socket may."""

    def __init__(self, payload: bytes, size: int) -> None:
        super().__init__(payload)
        self._size = size

    def read(self, size: int | None = -1, /) -> bytes:
        """Gives some bytes, fewer than were asked for."""
        asked = self._size if size is None or size < 0 else min(size, self._size)
        return super().read(asked)


def twice_is_the_same(subject: Subject, sample: Sample) -> None:
    """The same payload gives the same each time."""
    if subject.parts(sample.payload) != subject.parts(sample.payload):
        raise BrokenRuleError("the same payload gives other records the second time")


def raw_is_read_again(subject: Subject, sample: Sample) -> None:
    """The bytes of every record, handed in again alone, give the same intake."""
    parts = subject.parts(sample.payload)
    for place, part in enumerate(parts, 1):
        if not part.raw and not isinstance(part.intake, Rejected):
            raise BrokenRuleError(f"record {place} comes back without its bytes")
        if not part.raw:
            continue  # nothing of it can be mended: too long, or no text
        # Records that can't be told apart in bytes come back together.
        said = _distinct(bare(one.intake) for one in parts if one.raw == part.raw)
        if _read_again(subject, sample, [part.raw]) != said:
            raise BrokenRuleError(f"record {place}, handed in again alone, gives another intake")


def rejects_are_rejected_again(subject: Subject, sample: Sample) -> None:
    """What was rejected, put together, is a payload that is rejected for the same faults."""
    parts = [part for part in subject.parts(sample.payload) if isinstance(part.intake, Rejected)]
    raws = list(dict.fromkeys(part.raw for part in parts if part.raw))
    if parts and not raws:
        raise BrokenRuleError("no rejected record has its bytes: none can be mended")
    if not raws:
        return
    faults = _distinct(bare(part.intake) for part in parts if part.raw)
    again = _read_again(subject, sample, raws)
    # What shares its bytes with a good record brings it along.
    if [one for one in again if one in faults or isinstance(one, tuple)] != faults:
        raise BrokenRuleError("what was rejected has other faults when it is put together")


def _read_again(subject: Subject, sample: Sample, raws: list[bytes]) -> list[object]:
    """Gives what some records say in a payload of their own."""
    try:
        again = subject.intakes(subject.joined(sample.payload, raws))
    except ReferralFormatError as unreadable:
        # One record that is no record at all is a payload that is none.
        return [(WHOLE, unreadable.kind)]
    return _distinct(map(bare, again))


def nobody_is_named(subject: Subject, sample: Sample) -> None:
    """No identity stands in an intake, a representation, a fault or a log."""
    with listening() as said:
        parts = subject.parts(sample.payload)
    for place, part in enumerate(parts, 1):
        told = f"{part.intake.model_dump_json()} {part.intake!r} {part!r}"
        if names(told, sample.identity):
            raise BrokenRuleError(f"record {place} holds identity of its patient")
    if names(said(), sample.identity):
        raise BrokenRuleError("a log, a warning or the output holds identity of a patient")


def names(text: str, identity: Iterable[str]) -> bool:
    """Tells whether a text holds somebody's identity, in any case of letters."""
    told = text.casefold()
    return any(
        written.casefold() in told for one in identity for written in (one, json.dumps(one)[1:-1])
    )


def now_is_the_callers(subject: Subject, sample: Sample) -> None:
    """The hour is the caller's: no clock is read."""
    early = subject.at(EARLY)
    for one in tried(early, sample.payload).intakes:
        if isinstance(one, New | Amend) and one.referral.received_at > EARLY + CLOCK_SKEW:
            raise BrokenRuleError("a record is received after `now`: a clock was read")
    later = subject.at(subject.now + LATER)
    pairs = zip(subject.intakes(sample.payload), later.intakes(sample.payload), strict=True)
    for place, (one, other) in enumerate(pairs, 1):
        if isinstance(one, New | Amend) and isinstance(other, New | Amend):
            received = one.referral.received_at, other.referral.received_at
            if received[0] != received[1] and received != (subject.now, later.now):
                raise BrokenRuleError(f"record {place} is received neither when it says nor `now`")


def zone_is_the_territorys(subject: Subject, sample: Sample) -> None:
    """Times without an offset are the territory's own."""
    there = subject.elsewhere(FAR_ZONE).intakes(sample.payload)
    if sample.local_times and there == subject.intakes(sample.payload):
        raise BrokenRuleError("a time without an offset is the same instant in every zone")


def json_round_trip(subject: Subject, sample: Sample) -> None:
    """What comes back survives JSON."""
    for place, one in enumerate(subject.intakes(sample.payload), 1):
        if type(one).model_validate_json(one.model_dump_json()) != one:
            raise BrokenRuleError(f"record {place} is another after a round trip through JSON")


def claims_by_the_head(subject: Subject, sample: Sample) -> None:
    """A payload is claimed by its first bytes, and nothing else is."""
    known = subject.format
    if known is None:
        return
    head = sample.payload[:CHUNK_BYTES]
    heads = [head[:size] for size in range(0, len(head), max(len(head) // RANDOM_HEADS, 1))]
    draw = random.Random(len(head))  # noqa: S311 - a seed makes the same heads each time
    heads += [draw.randbytes(draw.randrange(RANDOM_HEAD_BYTES)) for _ in range(RANDOM_HEADS)]
    for one in heads:
        try:
            known.claims(one)
        except Exception as exc:
            raise BrokenRuleError(f"claims raises {type(exc).__name__} for some bytes") from exc
    if known.claims(head) is not True:
        raise BrokenRuleError("a payload of its own is not claimed")
    if known.claims(head + b"\n" + b"x" * CHUNK_BYTES) is not True:
        raise BrokenRuleError("what follows the first bytes changes who claims a payload")
    if known.claims(b"") is not False:
        raise BrokenRuleError("a payload without a byte is claimed")
    if subject.is_guest and any(known.claims(one) for one in STRANGERS):
        raise BrokenRuleError("a payload of one of slotengine's own formats is claimed")


def _distinct(said: Iterable[object]) -> list[object]:
    """Gives each thing once, in its order; intakes are not hashable in every field."""
    found: list[object] = []
    for one in said:
        if one not in found:
            found.append(one)
    return found
