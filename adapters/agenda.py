"""
What an agenda reader gives: who gives slots, where, which, and what could not be read.

An agenda speaks for its own slots only: their ids begin with its name, so that two agendas of one
territory never withdraw each other's.
"""

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from typing import Annotated, Literal, Protocol, Self, TypeVar
from zoneinfo import ZoneInfo

from pydantic import StringConstraints

from slotengine.adapters.base import PAYLOAD, Geocoder, Rejected
from slotengine.adapters.kinds import Kind
from slotengine.adapters.lines import Payload
from slotengine.codes import Audience, Mode, Profession
from slotengine.directory import Role
from slotengine.domain import Practitioner, Site, Slot, TerritoryName, TimeWindow, Value
from slotengine.errors import InputError, ReferralFormatError

MAX_ID_CHARS = 120
"""Characters of an id (``slotengine.domain.Id``)."""

MAX_PIECES = 200
"""Slots that one entry may be cut into: a day of 24 h in pieces of 8 minutes. Our choice."""

DEFAULT_MINUTES = 15
"""Of a slot of which only the start is known: 8 slots are 2 h in the SAS contract. Our choice."""

MIN_MINUTES, MAX_MINUTES = 5, 720
"""Length of a slot; shorter or longer is a typing error. Our choice."""

_Described = TypeVar("_Described", Practitioner, Site)

AgendaName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,39}$")]
"""Names the source of slots: lower-case letters, digits and hyphens."""


class Taken(Value):
    """A slot that the agenda lists as no longer free."""

    id: str


class Coverage(Value):
    """
    What an agenda says about itself.

    ``window`` is the time that it speaks for: what it does not list there has vanished.
    ``free_only``: it lists what is free and leaves out what is booked, so a booked slot that is
    absent has not vanished. ``practitioners``: it was asked for these only. ``slots`` false: it
    lists people and places only.
    """

    practitioners: frozenset[str] | None = None
    window: TimeWindow | None = None
    free_only: bool = False
    slots: bool = True


AgendaItem = Practitioner | Site | Slot | Role | Taken | Coverage | Rejected
Assumed = Literal["profession", "location"]


@dataclass(frozen=True, slots=True)
class AgendaPart:
    """
    What one record of an agenda says, and the bytes that said it.

    ``assumed`` names what was not said but supposed: a published value is better than a guess.
    """

    items: tuple[AgendaItem, ...]
    raw: bytes = field(default=b"", repr=False)
    assumed: frozenset[Assumed] = frozenset()


@dataclass(frozen=True, slots=True)
class AgendaDoor:
    """
    Where an agenda comes in: whose it is, and what it means by what it leaves out.

    ``structures`` are the FINESS of our CPTS: a slot for other CPTS only is none of ours.
    """

    name: str
    territory: str
    zone: ZoneInfo
    geocoder: Geocoder | None = None
    practitioner: str | None = None
    site: str | None = None
    profession: Profession = Profession.PHYSICIAN
    modes: tuple[Mode, ...] = (Mode.AMB,)
    audiences: tuple[Audience, ...] = (Audience.CPTS,)
    shared_with: tuple[str, ...] = ()
    minutes: int | None = None
    structures: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        try:
            _Named(name=self.name, territory=self.territory)
        except ValueError as bad:
            raise InputError("an agenda is named by lower-case letters, digits, hyphens") from bad
        if self.minutes is not None and not MIN_MINUTES <= self.minutes <= MAX_MINUTES:
            raise InputError(f"slots are {MIN_MINUTES} to {MAX_MINUTES} minutes long")


class _Named(Value):
    name: AgendaName
    territory: TerritoryName


class AgendaReader(Protocol):
    """Reads one format of agendas."""

    name: str

    def claims(self, head: bytes) -> bool:
        """Tells from the first bytes whether a payload is of this format."""
        ...

    def read(
        self, payload: Payload, *, door: AgendaDoor, window: TimeWindow
    ) -> Iterator[AgendaPart]:
        """
        Gives each record exactly once; ``window`` bounds what recurs without an end.

        Raises
        ------
        ReferralFormatError
            When the payload as a whole is unreadable; a bad record comes back as ``Rejected``.
        """
        ...


class Agenda(Value):
    """
    Everything that an agenda said, collected.

    ``window`` is the time that it speaks for, where it says so: of several files, from the first
    to the last. ``speaks_of`` are the practitioners that it was asked for; None for all of its own.
    ``assumed_professions`` and ``assumed_places`` name the practitioners and sites that were
    described by a default. ``complete`` is false where reading ended before the end.
    """

    name: AgendaName
    practitioners: tuple[Practitioner, ...] = ()
    sites: tuple[Site, ...] = ()
    slots: tuple[Slot, ...] = ()
    roles: tuple[Role, ...] = ()
    taken: frozenset[str] = frozenset()
    rejected: tuple[Rejected, ...] = ()
    assumed_professions: frozenset[str] = frozenset()
    assumed_places: frozenset[str] = frozenset()
    window: TimeWindow | None = None
    speaks_of: frozenset[str] | None = None
    free_only: bool = False
    lists_slots: bool = True
    complete: bool = True

    @classmethod
    def of(cls, name: str, parts: Iterable[AgendaPart]) -> Self:
        """
        Collects what a reader gives; the last description of a person or place stands.

        A fault of the whole payload, once something was read, is kept as a ``Rejected``.

        Raises
        ------
        ReferralFormatError
            When nothing at all could be read.
        """
        gathered = _Gathered()
        complete = True
        try:
            for part in parts:
                gathered.add(part)
        except ReferralFormatError as fault:
            if not gathered.anything:
                raise
            complete = False
            gathered.rejected.append(
                Rejected(
                    adapter=fault.adapter,
                    record=len(gathered.slots) + 1,
                    field=fault.field,
                    kind=Kind(fault.kind),
                )
            )
        return cls(
            name=name,
            practitioners=tuple(one for _, one in sorted(gathered.practitioners.items())),
            sites=tuple(one for _, one in sorted(gathered.sites.items())),
            slots=tuple(one for _, one in sorted(gathered.slots.items())),
            roles=tuple(one for _, one in sorted(gathered.roles.items())),
            taken=frozenset(gathered.taken),
            rejected=tuple(gathered.rejected),
            assumed_professions=frozenset(gathered.assumed_professions),
            assumed_places=frozenset(gathered.assumed_places),
            window=gathered.window(),
            speaks_of=gathered.asked(),
            free_only=any(one.free_only for one in gathered.coverage),
            lists_slots=all(one.slots for one in gathered.coverage) or bool(gathered.slots),
            complete=complete and all(one.field != PAYLOAD for one in gathered.rejected),
        )


@dataclass
class _Gathered:
    practitioners: dict[str, Practitioner] = field(default_factory=dict)
    sites: dict[str, Site] = field(default_factory=dict)
    slots: dict[str, Slot] = field(default_factory=dict)
    roles: dict[tuple[str, str, str], Role] = field(default_factory=dict)
    taken: set[str] = field(default_factory=set)
    rejected: list[Rejected] = field(default_factory=list)
    assumed_professions: set[str] = field(default_factory=set)
    assumed_places: set[str] = field(default_factory=set)
    coverage: list[Coverage] = field(default_factory=list)
    anything: bool = False

    def window(self) -> TimeWindow | None:
        spans = [one.window for one in self.coverage if one.window is not None]
        if not spans:
            return None
        return TimeWindow(
            start=min(span.start for span in spans), end=max(span.end for span in spans)
        )

    def asked(self) -> frozenset[str] | None:
        asked = [one.practitioners for one in self.coverage]
        named = [one for one in asked if one is not None]
        return frozenset().union(*named) if named and len(named) == len(asked) else None

    def add(self, part: AgendaPart) -> None:
        self.anything = True
        for item in part.items:
            self._take(item, part.assumed)

    def _take(self, item: AgendaItem, assumed: frozenset[Assumed]) -> None:
        match item:
            case Practitioner():
                _described(
                    self.practitioners, item, self.assumed_professions, "profession" in assumed
                )
            case Site():
                _described(self.sites, item, self.assumed_places, "location" in assumed)
            case Slot():
                self.slots[item.id] = item
            case Role():
                self.roles[item.key] = item
            case Taken():
                self.taken.add(item.id)
            case Coverage():
                self.coverage.append(item)
            case Rejected():
                self.rejected.append(item)


def _described(
    known: dict[str, _Described],
    item: _Described,
    assumed: set[str],
    guessed: bool,  # noqa: FBT001 - a private function with one caller
) -> None:
    """Keeps a description, unless it is a guess beside one that is none."""
    if guessed and item.id in known:
        return
    known[item.id] = item
    assumed.discard(item.id)
    if guessed:
        assumed.add(item.id)


def slot_id(agenda: str, practitioner: str, start: datetime) -> str:
    """
    Gives the id of a slot from what makes it the same at the next import.

    Examples
    --------
    >>> from datetime import UTC, datetime
    >>> slot_id("cabinet", "10000000001", datetime(2026, 11, 23, 8, 30, tzinfo=UTC))
    'cabinet:10000000001:20261123T083000Z'
    """
    return own_id(agenda, f"{practitioner}:{start:%Y%m%dT%H%M%SZ}")


def days_of(first: datetime, last: datetime, zone: ZoneInfo) -> TimeWindow:
    """Gives the whole local days from one instant to another."""
    begins, ends = (at.astimezone(zone).date() for at in (first, last))
    return TimeWindow(
        start=datetime.combine(begins, time.min, zone),
        end=datetime.combine(ends + timedelta(days=1), time.min, zone),
    )


def own_id(agenda: str, rest: str) -> str:
    """Gives the id of a slot of an agenda; a rest that is too long is hashed."""
    room = MAX_ID_CHARS - len(agenda) - 1 - GENERATION_CHARS
    fits = len(rest) <= room and rest.isascii() and rest.isprintable() and " " not in rest
    # "~" counts generations of one slot, and no id of somebody else's may look like one.
    if not fits or "~" in rest:
        rest = "h-" + hashlib.blake2b(rest.encode(errors="replace"), digest_size=16).hexdigest()
    return f"{agenda}:{rest}"


GENERATION_CHARS = 6
"""Room for "~" and the number of a slot that came back."""


def pieces(
    start: datetime, end: datetime, minutes: int | None
) -> Iterator[tuple[datetime, datetime]]:
    """
    Cuts a span into slots of so many minutes; what is left at its end is no slot.

    Counted in elapsed time: on a Sunday on which clocks change, 20 minutes are 20 minutes.
    """
    if minutes is None:
        yield start, end
        return
    step = timedelta(minutes=minutes)
    while start + step <= end:
        yield start, start + step
        start += step
