"""
The contract that every adapter keeps, as checks that its own tests can run.

Needs no test runner: ``adapter_contract`` raises, ``adapter_checks`` gives the checks one by one.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import TypeVar

from slotengine.adapters.base import Door
from slotengine.adapters.registry import WireFormat
from slotengine.adapters.sources import SourceAdapter
from slotengine.errors import InputError
from slotengine.testing_abuse import (
    bent,
    cut_off,
    deep_nesting,
    endless,
    hostile_refused,
    long_fields,
)
from slotengine.testing_checks import (
    broken_costs_itself,
    bytes_and_streams_agree,
    claims_by_the_head,
    json_round_trip,
    nobody_is_named,
    now_is_the_callers,
    pieces_do_not_matter,
    raw_is_read_again,
    records_are_numbered,
    records_in_order,
    rejects_are_rejected_again,
    twice_is_the_same,
    zone_is_the_territorys,
)
from slotengine.testing_nouns import NOW
from slotengine.testing_subject import BrokenRuleError, Sample, Subject

Rule = Callable[[Subject, Sample], None]
_T = TypeVar("_T")

RULES: Mapping[str, Rule] = {
    rule.__name__: rule
    for rule in (
        records_in_order,
        records_are_numbered,
        broken_costs_itself,
        bytes_and_streams_agree,
        pieces_do_not_matter,
        twice_is_the_same,
        raw_is_read_again,
        rejects_are_rejected_again,
        nobody_is_named,
        now_is_the_callers,
        zone_is_the_territorys,
        json_round_trip,
        claims_by_the_head,
        cut_off,
        bent,
        long_fields,
        deep_nesting,
        endless,
    )
}
"""Every rule by name; its docstring says it."""

ONCE = frozenset({deep_nesting.__name__, endless.__name__})
"""Rules that take a second or two: the first sample is enough."""

HOSTILE = "hostile_refused"
SAMPLES = "samples_suffice"

_AROUND = 2
"""Records around a broken one."""


@dataclass(frozen=True, slots=True)
class Check:
    """
    One rule put to one adapter; call it, and it raises ``AssertionError`` where it is broken.

    ``rule`` is the sentence that must hold.
    """

    name: str
    rule: str
    _run: Callable[[], None] = field(repr=False)

    def __call__(self) -> None:
        """
        Checks.

        Raises
        ------
        AssertionError
            When the rule is broken; it names the sample and the record, and nothing in them.
        """
        self._run()


def adapter_checks(
    tested: WireFormat | SourceAdapter,
    *,
    samples: Sequence[Sample],
    hostile: Sequence[bytes] = (),
    door: Door | None = None,
    now: datetime = NOW,
) -> tuple[Check, ...]:
    """
    Gives the checks of an adapter one by one, for a test runner to name them.

    Parameters
    ----------
    tested
        A format, or a source's reader (``adapter_for``).
    samples
        Payloads of its own; one of them has a broken record between two good ones, all of them
        together name somebody.
    hostile
        Payloads of its own that must be refused, where a format has harm of its own: an archive
        that unpacks to too much. Default none.
    door
        Where the records come in; default ``ready_door()``, a hospital's.
    now
        When they are read; default ``slotengine.testing.NOW``.

    Raises
    ------
    InputError
        When there is no sample, or a door beside an adapter that has one.
    """
    if not samples:
        raise InputError("an adapter is tested with samples; none was given")
    subject = Subject.of(tested, door, now)
    checks = [Check(SAMPLES, _said(_samples_suffice), partial(_samples_suffice, samples))]
    for name, rule in RULES.items():
        put = samples[:1] if name in ONCE else samples
        checks.append(Check(name, _said(rule), partial(_each, name, rule, subject, put)))
    if hostile:
        run = partial(_each, HOSTILE, hostile_refused, subject, hostile)
        checks.append(Check(HOSTILE, _said(hostile_refused), run))
    return tuple(checks)


def adapter_contract(
    tested: WireFormat | SourceAdapter,
    *,
    samples: Sequence[Sample],
    hostile: Sequence[bytes] = (),
    door: Door | None = None,
    now: datetime = NOW,
) -> None:
    """
    Runs every check of ``adapter_checks``.

    Raises
    ------
    AssertionError
        When rules are broken: a line for each, with the rule, the sample and the record.
    """
    broken = []
    for check in adapter_checks(tested, samples=samples, hostile=hostile, door=door, now=now):
        try:
            check()
        except BrokenRuleError as one:
            broken.append(str(one))
    if broken:
        raise BrokenRuleError("\n".join(broken))


def _samples_suffice(samples: Sequence[Sample]) -> None:
    """The samples show what is checked."""
    if not any(_shows_a_broken_one(sample) for sample in samples):
        raise BrokenRuleError(f"{SAMPLES}: no sample has a broken record between two good ones")
    if not any(sample.identity for sample in samples):
        raise BrokenRuleError(f"{SAMPLES}: no sample says whose identity is in it")


def _shows_a_broken_one(sample: Sample) -> bool:
    inner = enumerate(sample.references[1:-1])
    return any(
        one is None and sample.references[at] and sample.references[at + _AROUND]
        for at, one in inner
    )


def _each(
    name: str, rule: Callable[[Subject, _T], None], subject: Subject, samples: Iterable[_T]
) -> None:
    for number, sample in enumerate(samples, 1):
        try:
            rule(subject, sample)
        except BrokenRuleError as broken:
            words = f"{name}: {_said(rule)} Sample {number}: {broken}."
            raise BrokenRuleError(words) from broken.__cause__
        except Exception as exc:
            # A sample that can't even be read breaks every rule.
            words = f"{name}: {_said(rule)} Sample {number}: {type(exc).__name__} is raised."
            raise BrokenRuleError(words) from exc


def _said(rule: Callable[..., None]) -> str:
    return (rule.__doc__ or "").strip().partition("\n")[0]
