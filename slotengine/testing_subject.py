"""What is put to the test: a format or a source's reader, its samples, and how it is run."""

import io
import logging
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass, replace
from datetime import datetime
from zoneinfo import ZoneInfo

from slotengine.adapters.base import Amend, Door, Intake, New, Part, Rejected
from slotengine.adapters.profiles import PROFILES
from slotengine.adapters.registry import WireFormat
from slotengine.adapters.sources import SourceAdapter
from slotengine.codes import SourceKind
from slotengine.errors import InputError, ReferralFormatError
from slotengine.testing_nouns import TERRITORY
from slotengine.vault import KEY_BYTES, Pseudonymiser

MIN_IDENTITY_CHARS = 5
"""Below this a text stands in a pseudonym by chance. Our choice."""

OWN_PACKAGE = "slotengine.adapters."


@dataclass(frozen=True, slots=True)
class Sample:
    """
    A payload about invented people, and what it says.

    ``references`` are those of its records in their order, None for a broken one. ``identity`` are
    texts in it that may come back nowhere: names, numbers, dates of birth. ``local_times``: a time
    without an offset stands in it, so another zone means another instant.
    """

    payload: bytes
    references: tuple[str | None, ...]
    identity: tuple[str, ...] = ()
    local_times: bool = False

    def __post_init__(self) -> None:
        if any(len(text) < MIN_IDENTITY_CHARS for text in self.identity):
            raise InputError(f"identity of a sample has {MIN_IDENTITY_CHARS} signs or more")


def ready_door(source: str = "hospital", *, zone: str = "Europe/Paris") -> Door:
    """
    Gives a door for tests: a source's own profile, and a key that everybody knows.

    Examples
    --------
    >>> ready_door("samu").profile.source.value
    'samu'
    """
    return Door(
        profile=PROFILES[SourceKind(source)],
        territory=TERRITORY,
        zone=ZoneInfo(zone),
        pseudonymiser=Pseudonymiser(bytes(range(KEY_BYTES))),
    )


class BrokenRuleError(AssertionError):
    """An adapter breaks a rule. Mend the adapter; the message holds nothing of a sample."""


@dataclass(frozen=True, slots=True)
class Subject:
    """The adapter under test, at a door and at an instant."""

    adapter: SourceAdapter
    now: datetime

    @classmethod
    def of(cls, tested: WireFormat | SourceAdapter, door: Door | None, now: datetime) -> "Subject":
        """Gives what is tested; an adapter brings its own door."""
        if not isinstance(tested, SourceAdapter):
            return cls(SourceAdapter(door or ready_door(), tested), now)
        if door is not None:
            raise InputError("an adapter has a door of its own; give none")
        return cls(tested, now)

    @property
    def format(self) -> WireFormat | None:
        """The format, or None where each payload is read in whichever claims it."""
        return self.adapter.format

    @property
    def is_guest(self) -> bool:
        """Tells whether the format is of another package."""
        known = self.format
        return known is not None and not type(known).__module__.startswith(OWN_PACKAGE)

    def at(self, now: datetime) -> "Subject":
        """Gives the same at another instant."""
        return replace(self, now=now)

    def elsewhere(self, zone: ZoneInfo) -> "Subject":
        """Gives the same in another zone."""
        door = replace(self.adapter.door, zone=zone)
        return replace(self, adapter=replace(self.adapter, door=door))

    def parts(self, payload: bytes) -> list[Part]:
        """Reads a payload to its end."""
        return list(self.adapter.parts(payload, now=self.now))

    def intakes(self, payload: bytes) -> list[Intake]:
        """Gives what the records of a payload say."""
        return [part.intake for part in self.parts(payload)]

    def joined(self, payload: bytes, raws: list[bytes]) -> bytes:
        """Gives a payload of some records of another."""
        return self.adapter.opened(payload).joined(raws)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a payload: its records, or why it is unreadable, and what was said meanwhile."""

    intakes: list[Intake]
    error: ReferralFormatError | None
    said: str


def tried(subject: Subject, payload: bytes) -> Outcome:
    """
    Reads what may be unreadable, and listens to logs, warnings and output.

    Raises
    ------
    BrokenRuleError
        When anything else than ``ReferralFormatError`` is raised, or one that carries another.
    """
    intakes: list[Intake] = []
    error: ReferralFormatError | None = None
    with listening() as said:
        try:
            intakes += (part.intake for part in subject.adapter.parts(payload, now=subject.now))
        except ReferralFormatError as refused:
            error = refused
        except Exception as exc:
            raise BrokenRuleError(f"{type(exc).__name__} is raised") from exc
    if error is not None and (error.__cause__ or error.__context__):
        # What failed inside may hold the payload, and whoever logs the error logs it too.
        raise BrokenRuleError("ReferralFormatError carries another error: raise it by itself")
    return Outcome(intakes, error, said())


@contextmanager
def listening() -> Iterator[Callable[[], str]]:
    """Gives what was logged, warned of and printed until then."""
    heard = _Heard()
    root = logging.getLogger()
    level = root.level
    printed = io.StringIO()
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        root.addHandler(heard)
        root.setLevel(1)
        try:
            with redirect_stdout(printed), redirect_stderr(printed):
                yield lambda: "\n".join(
                    [*heard.texts, *(str(one.message) for one in warned), printed.getvalue()]
                )
        finally:
            root.setLevel(level)
            root.removeHandler(heard)


class _Heard(logging.Handler):
    def __init__(self) -> None:
        super().__init__(level=1)
        self.texts: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.texts += [record.getMessage(), *(str(value) for value in vars(record).values())]


def reference_of(intake: Intake) -> str | None:
    """Gives the sender's number, or None for what was rejected."""
    if isinstance(intake, Rejected):
        return None
    return intake.referral.reference if isinstance(intake, New | Amend) else intake.reference


def bare(intake: Intake) -> object:
    """Gives what stays the same when a record is read again in another payload."""
    return (intake.field, intake.kind) if isinstance(intake, Rejected) else intake
