"""The contract of adapters: each way to break it is caught by the check meant for it."""

import dataclasses
import io
import logging
import re
import traceback
import warnings
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from docs_support.blocks import blocks, read_page

from slotengine import testing
from slotengine.adapters.base import Amend, New, Part, Rejected
from slotengine.adapters.kinds import Kind
from slotengine.adapters.sources import SourceAdapter
from slotengine.errors import InputError, ReferralFormatError
from slotengine.testing import Sample, adapter_checks, adapter_contract, ready_door
from slotengine.testing_contract import HOSTILE, RULES, SAMPLES

PYTHON = [block.text for block in blocks("docs/adapters.md") if block.language == "python"]
DOOR = ready_door("ehpad")


@lru_cache(maxsize=1)
def example() -> dict[str, Any]:
    """The names of the page's example, up to its sample; the contract itself is not run here."""
    names: dict[str, Any] = {}
    sample = PYTHON[1].partition("adapter_contract(MrsFormat()")[0]
    exec(PYTHON[0] + sample, names)  # noqa: S102 - the project's own documentation
    return names


Mrs: Any = example()["MrsFormat"]
SAMPLE: Sample = example()["SAMPLE"]


def parts_changed(change: Callable[[Iterator[Part], Any], Iterable[Part]]) -> Any:
    """Gives a format whose parts are changed."""

    class Changed(Mrs):  # type: ignore[misc]  # made from the page
        def read(self, payload: Any, *, door: Any, adapter: str, now: Any) -> Iterator[Part]:
            read = super().read(payload, door=door, adapter=adapter, now=now)
            yield from change(read, now)

    return Changed()


def intake_changed(change: Callable[[Any], Any]) -> Any:
    return parts_changed(
        lambda parts, _: (dataclasses.replace(part, intake=change(part.intake)) for part in parts)
    )


def referral_changed(change: Callable[[Any], Any]) -> Any:
    return intake_changed(
        lambda one: (
            type(one)(referral=change(one.referral)) if isinstance(one, New | Amend) else one
        )
    )


def last_first(parts: Iterator[Part], _: Any) -> Iterable[Part]:
    return reversed(list(parts))


def once_more(parts: Iterator[Part], _: Any) -> Iterator[Part]:
    for part in parts:
        yield part
        if isinstance(part.intake, New):
            yield part


def until_broken(parts: Iterator[Part], _: Any) -> Iterator[Part]:
    for part in parts:
        yield part
        if isinstance(part.intake, Rejected):
            return


def numbered_from_nought(one: Any) -> Any:
    return one.replaced(record=one.record + 6) if isinstance(one, Rejected) else one


class OnlyWhole(Mrs):  # type: ignore[misc]  # made from the page
    """Takes each piece of a stream for a payload of its own lines."""

    def read(self, payload: Any, **more: Any) -> Iterator[Part]:
        yield from super().read((piece + b"\n" for piece in pieces(payload)), **more)


def pieces(payload: Any) -> Iterator[bytes]:
    """What the stream gave at once, without the head that was put together before."""
    yield payload.head(1)
    yield from payload._pieces


class Counts(Mrs):  # type: ignore[misc]  # made from the page
    """Remembers what it has read."""

    seen = 0

    def read(self, payload: Any, **more: Any) -> Iterator[Part]:
        for part in super().read(payload, **more):
            type(self).seen += 1
            yield dataclasses.replace(part, raw=part.raw + b"~x=%d" % self.seen)


class LosesRaw(Mrs):  # type: ignore[misc]  # made from the page
    def joined(self, parts: Iterable[bytes], *, head: bytes) -> bytes:
        kept = [part.replace(b"~prenom=Ann", b"~prenom=Eve") for part in parts]
        return bytes(super().joined(kept, head=head))


class MendsRejects(Mrs):  # type: ignore[misc]  # made from the page
    def joined(self, parts: Iterable[bytes], *, head: bytes) -> bytes:
        kept = [part.replace(b"-02-31", b"-02-28") for part in parts]
        return bytes(super().joined(kept, head=head))


class Logs(Mrs):  # type: ignore[misc]  # made from the page
    def read(self, payload: Any, **more: Any) -> Iterator[Part]:
        for part in super().read(payload, **more):
            logging.getLogger("guest").debug("read", extra={"raw": part.raw.decode()})
            yield part


class Warns(Mrs):  # type: ignore[misc]  # made from the page
    def read(self, payload: Any, **more: Any) -> Iterator[Part]:
        for part in super().read(payload, **more):
            warnings.warn(part.raw.decode(), stacklevel=1)
            yield part


def names_in_pathway(referral: Any) -> Any:
    return referral.replaced(pathway="nominventé")


def by_the_clock(referral: Any) -> Any:
    return referral.replaced(received_at=datetime.now(UTC), deadline=None)


class OneZone(Mrs):  # type: ignore[misc]  # made from the page
    def read(self, payload: Any, *, door: Any, **more: Any) -> Iterator[Part]:
        here = dataclasses.replace(door, zone=ZoneInfo("Europe/Paris"))
        yield from super().read(payload, door=here, **more)


def no_round_trip(intake: Any) -> Any:
    if not isinstance(intake, New):
        return intake
    loose = intake.referral.model_copy(update={"windows": []})
    return intake.model_copy(update={"referral": loose})


class Claims(Mrs):  # type: ignore[misc]  # made from the page
    def __init__(self, claims: Callable[[bytes], Any]) -> None:
        self._claims = claims

    def claims(self, head: bytes) -> Any:
        return self._claims(head)


class Crashes(Mrs):  # type: ignore[misc]  # made from the page
    """Breaks where a byte is no UTF-8."""

    def read(self, payload: Any, **more: Any) -> Iterator[Part]:
        for part in super().read(payload, **more):
            part.raw.decode()
            yield part


class NoTail(Mrs):  # type: ignore[misc]  # made from the page
    """Breaks where the last line has no end."""

    def read(self, payload: Any, **more: Any) -> Iterator[Part]:
        for part in super().read(payload, **more):
            assert part.raw.endswith(b"\n")  # the fault that is looked for
            yield part


class Chains(Mrs):  # type: ignore[misc]  # made from the page
    """Carries the error that held the payload."""

    def read(self, payload: Any, *, adapter: str, **more: Any) -> Iterator[Part]:
        try:
            payload.head().decode()
        except UnicodeDecodeError as exc:
            raise ReferralFormatError(adapter, "payload", Kind.BAD_ENCODING) from exc
        yield from super().read(payload, adapter=adapter, **more)


class Quotes(Mrs):  # type: ignore[misc]  # made from the page
    """Names the value where it can't read it."""

    def read(self, payload: Any, **more: Any) -> Iterator[Part]:
        for part in super().read(payload, **more):
            one = part.intake
            if isinstance(one, Rejected) and one.kind is not Kind.BAD_DATE:
                one = one.replaced(path=part.raw.decode(errors="replace"))
            yield dataclasses.replace(part, intake=one)


class KeepsLong(Mrs):  # type: ignore[misc]  # made from the page
    """Keeps what is long in a fault."""

    def read(self, payload: Any, **more: Any) -> Iterator[Part]:
        for record, line in enumerate(payload.whole(1 << 40).splitlines()[1:], 1):
            for part in super().read([b"MRS1\n", line + b"\n"], **more):
                one = part.intake
                told = one.replaced(record=record, path=line.decode(errors="replace"))
                yield dataclasses.replace(part, intake=told if isinstance(one, Rejected) else one)


class Recurses(Mrs):  # type: ignore[misc]  # made from the page
    """Counts brackets by calling itself."""

    def read(self, payload: Any, **more: Any) -> Iterator[Part]:
        held = payload.whole(1 << 40)

        def deep(at: int) -> int:
            return deep(at + 1) + 1 if held[at : at + 1] == b"[" else 0

        deep(0)
        start = held.find(b"no=") + 3
        deep(start)
        yield from super().read([held], **more)


class Eats(Mrs):  # type: ignore[misc]  # made from the page
    """Holds the whole payload in memory, however long."""

    def read(self, payload: Any, **more: Any) -> Iterator[Part]:
        held = b"".join(payload)
        yield from super().read(io.BytesIO(held), **more)


class PicksUp(SourceAdapter):
    """Begins to read a stream where it stands, after the first line was looked at."""

    def read(self, source: Any, *, now: datetime) -> Iterator[Any]:
        if not isinstance(source, bytes):
            source = io.BytesIO(b"MRS1\n" + source.read()[100:])
        return super().read(source, now=now)


MUTANTS: dict[str, list[Any]] = {
    "records_in_order": [parts_changed(last_first), parts_changed(once_more)],
    "records_are_numbered": [intake_changed(numbered_from_nought)],
    "broken_costs_itself": [parts_changed(until_broken)],
    "bytes_and_streams_agree": [PicksUp(DOOR, Mrs())],
    "pieces_do_not_matter": [OnlyWhole()],
    "twice_is_the_same": [Counts()],
    "raw_is_read_again": [LosesRaw()],
    "rejects_are_rejected_again": [MendsRejects()],
    "nobody_is_named": [Logs(), Warns(), referral_changed(names_in_pathway)],
    "now_is_the_callers": [referral_changed(by_the_clock)],
    "zone_is_the_territorys": [OneZone()],
    "json_round_trip": [intake_changed(no_round_trip)],
    "claims_by_the_head": [
        Claims(lambda head: head.startswith((b"MRS1", b"{"))),
        Claims(lambda head: len(head) < 5_000 and head.startswith(b"MRS1")),
        Claims(lambda head: not head or head.startswith(b"MRS1")),
        Claims(lambda head: head[3] == ord("1")),
        Claims(lambda head: re.match(rb"MRS1", head)),
    ],
    "cut_off": [NoTail()],
    "bent": [Crashes(), Chains(), Quotes()],
    "long_fields": [KeepsLong()],
    "deep_nesting": [Recurses()],
    "endless": [Eats()],
}
CASES = [
    pytest.param(name, one, id=f"{name}-{at}")
    for name, some in MUTANTS.items()
    for at, one in enumerate(some)
]


def broken(tested: Any, *names: str, **more: Any) -> str | None:
    door = None if isinstance(tested, SourceAdapter) else DOOR
    given = {"samples": [SAMPLE], "door": door, **more}
    checks = {one.name: one for one in adapter_checks(tested, **given)}
    for name in names:
        try:
            checks[name]()
        except AssertionError as caught:
            return str(caught)
    return None


@pytest.mark.parametrize(("name", "mutant"), CASES)
def test_a_broken_rule_is_caught_by_its_check(name: str, mutant: Any) -> None:
    said = broken(mutant, name)
    assert said is not None
    assert said.startswith(f"{name}: ")
    assert "Sample 1: " in said
    assert not any(text.casefold() in said.casefold() for text in SAMPLE.identity)


def test_every_rule_has_somebody_who_breaks_it() -> None:
    assert set(MUTANTS) == set(RULES)
    assert all(MUTANTS.values())


def test_the_example_keeps_every_rule() -> None:
    assert broken(Mrs(), *(name for name in RULES if name != "endless")) is None


def test_all_broken_rules_are_told_together() -> None:
    with pytest.raises(AssertionError) as caught:
        adapter_contract(parts_changed(until_broken), samples=[SAMPLE], door=DOOR)
    told = [line.partition(":")[0] for line in str(caught.value).splitlines()]
    assert told[:2] == ["records_in_order", "broken_costs_itself"]
    assert "records_are_numbered" not in told
    error = "".join(traceback.format_exception(caught.value))
    assert not any(text in error for text in SAMPLE.identity)


def test_samples_show_what_is_checked() -> None:
    first, _, third = (line for line in SAMPLE.payload.splitlines(keepends=True)[1:])
    good = Sample(b"MRS1\n" + first + third, ("1", "3"), SAMPLE.identity)
    nobody = Sample(SAMPLE.payload, SAMPLE.references)
    edge = Sample(SAMPLE.payload, (None, "1", "3", None), SAMPLE.identity)
    for samples in ([good], [nobody], [edge]):
        assert (broken(Mrs(), SAMPLES, samples=samples) or "").startswith("samples_suffice: ")
    assert broken(Mrs(), SAMPLES, samples=[good, nobody]) is None
    assert broken(Mrs(), SAMPLES) is None


def test_a_sample_that_says_less_than_there_is_breaks_a_rule() -> None:
    short = Sample(SAMPLE.payload, ("1", None), SAMPLE.identity)
    assert broken(Mrs(), "records_in_order", samples=[short]) is not None
    wrong = Sample(SAMPLE.payload, ("1", None, "4"), SAMPLE.identity)
    assert broken(Mrs(), "records_in_order", samples=[wrong]) is not None
    kept = Sample(SAMPLE.payload, (None, None, "3"), SAMPLE.identity)
    assert broken(Mrs(), "broken_costs_itself", samples=[kept]) is not None


def test_what_is_hostile_must_be_refused() -> None:
    assert broken(Mrs(), HOSTILE, hostile=[b"MRS2\n", b"MRS1\nno=1~ne=x\n"]) is None
    taken = broken(Mrs(), HOSTILE, hostile=[b"MRS2\n", SAMPLE.payload])
    assert taken is not None
    assert taken.endswith("Sample 2: a record of it was taken.")
    assert broken(Mrs(), HOSTILE, hostile=[b"MRS1\n"]) is not None
    assert HOSTILE not in {check.name for check in adapter_checks(Mrs(), samples=[SAMPLE])}


def test_wrong_use_is_named() -> None:
    with pytest.raises(InputError, match="none was given"):
        adapter_checks(Mrs(), samples=[])
    with pytest.raises(InputError, match="door of its own"):
        adapter_checks(SourceAdapter(DOOR, Mrs()), samples=[SAMPLE], door=DOOR)
    with pytest.raises(InputError, match="5 signs or more"):
        Sample(b"", (), identity=("Anne",))
    assert Sample(b"", (), identity=("Annie",)).references == ()


def test_the_page_lists_the_rules_with_their_sentences() -> None:
    page = read_page("docs/adapters.md")
    rows = re.findall(r"^\| `(\w+)` \| ", page.partition("| rule |")[2], re.MULTILINE)
    assert rows == [SAMPLES, *RULES, HOSTILE]
    assert [name for name in testing.__all__ if f"`{name}`" not in page] == []


def test_a_check_shows_its_rule_and_nothing_of_a_sample() -> None:
    for check in adapter_checks(Mrs(), samples=[SAMPLE], door=DOOR):
        assert check.rule.endswith(".")
        assert check.name in repr(check)
        assert not any(text in repr(check) for text in SAMPLE.identity)
