"""
``Problem`` and ``Plan``: the contract between engine and solver.

A Problem is complete, sorted and checked when it is built; nothing is fetched, defaulted or
repaired while solving. A Plan carries its own proof: one dual per referral and per free seat at
each level.
"""

import hashlib
from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import cached_property
from itertools import pairwise
from typing import Annotated, Protocol, Self, TypeVar

from pydantic import Field, ValidationError, model_validator

from slotengine.codes import Mode, Priority
from slotengine.domain import (
    Id,
    Instant,
    Metres,
    Practitioner,
    Referral,
    Site,
    Slot,
    TerritoryName,
    Value,
)
from slotengine.errors import HorizonError, InputError, ProblemError
from slotengine.policy import Policy
from slotengine.reasons import Reason

MAX_HORIZON = timedelta(days=400)
"""Furthest slot start after ``as_of``: keeps every cost sum far below 2^53."""

LEVELS = ("1a", "1b", "1c", "1d", "2", "5")
"""Objective levels in lexicographic order: unserved by priority, inconvenience, tie-break."""

UNSERVED_LEVEL = {
    Priority.STAT: 0,
    Priority.ASAP: 1,
    Priority.URGENT: 2,
    Priority.ROUTINE: 3,
}
"""Index into ``LEVELS`` at which a referral of each priority counts as unserved."""

COST_LEVEL = LEVELS.index("2")
TIE_LEVEL = LEVELS.index("5")

Minutes = Annotated[int, Field(ge=0)]


class TravelMatrix(Value):
    """
    A host's own travel table between zones; ``None`` is unreachable. It may be asymmetric.

    ``metres[i][j]`` and ``minutes[i][j]`` lead by car from ``zones[i]`` to ``zones[j]``; slower
    means of travel scale the minutes by the ratio of the Policy's speeds, rounded up. A place whose
    zone is not listed is unreachable.
    """

    name: Id
    version: Id
    zones: tuple[Id, ...]
    metres: tuple[tuple[Metres | None, ...], ...]
    minutes: tuple[tuple[Minutes | None, ...], ...]

    @model_validator(mode="after")
    def _square(self) -> Self:
        size = len(self.zones)
        if len(set(self.zones)) != size:
            msg = "travel matrix lists a zone twice"
            raise ValueError(msg)
        for table in (self.metres, self.minutes):
            if len(table) != size or any(len(row) != size for row in table):
                msg = f"travel matrix must be {size} x {size}, one row and column a zone"
                raise ValueError(msg)
        for metres, minutes in zip(self.metres, self.minutes, strict=True):
            if any((m is None) != (t is None) for m, t in zip(metres, minutes, strict=True)):
                msg = "travel matrix has metres without minutes, or minutes without metres"
                raise ValueError(msg)
        return self


class Pin(Value):
    """A seat that is taken and must not move: confirmed, told, or held by somebody now."""

    referral: Id
    patient: str
    slot: Id
    seat: Annotated[int, Field(ge=0)]


class Limits(Value):
    """How long the solver may take. Default 60 s, far above a territory's night."""

    seconds: Annotated[float, Field(gt=0, le=86_400)] = 60.0


class _HasId(Protocol):
    @property
    def id(self) -> str: ...


_Ided = TypeVar("_Ided", bound=_HasId)


def _sorted_ids(what: str, values: Sequence[_Ided]) -> dict[str, _Ided]:
    for before, after in pairwise(values):
        if before.id == after.id:
            raise ProblemError(f"{what} {after.id} is listed twice")
        if before.id > after.id:
            raise ProblemError(f"{what}s are not sorted by id: {after.id} after {before.id}")
    return {value.id: value for value in values}


class Problem(Value):
    """
    Everything that one planning run may know. ``Problem.build`` sorts for you.

    ``referrals`` are to be placed (deadline and max travel filled in, at most one a patient);
    ``pins`` are seats already given, whose slots are listed too.
    """

    territory: TerritoryName
    as_of: Instant
    policy: Policy
    practitioners: tuple[Practitioner, ...]
    sites: tuple[Site, ...]
    slots: tuple[Slot, ...]
    referrals: tuple[Referral, ...]
    pins: tuple[Pin, ...] = ()
    matrix: TravelMatrix | None = None

    @classmethod
    def build(
        cls,
        *,
        territory: str,
        as_of: datetime,
        policy: Policy,
        practitioners: Sequence[Practitioner],
        sites: Sequence[Site],
        slots: Sequence[Slot],
        referrals: Sequence[Referral],
        pins: Sequence[Pin] = (),
        matrix: TravelMatrix | None = None,
    ) -> Self:
        """
        Sorts what is given by id and builds the Problem.

        Raises
        ------
        ProblemError
            Naming the id that is missing, repeated or contradictory.
        HorizonError
            When a slot starts more than ``MAX_HORIZON`` after ``as_of``.
        """
        try:
            return cls(
                territory=territory,
                as_of=as_of,
                policy=policy,
                practitioners=tuple(sorted(practitioners, key=lambda value: value.id)),
                sites=tuple(sorted(sites, key=lambda value: value.id)),
                slots=tuple(sorted(slots, key=lambda value: value.id)),
                referrals=tuple(sorted(referrals, key=lambda value: value.id)),
                pins=tuple(sorted(pins, key=lambda pin: (pin.slot, pin.seat))),
                matrix=matrix,
            )
        except ValidationError as invalid:
            # pydantic wraps every ValueError of a validator; ours says more than its wrapping.
            first = invalid.errors(include_url=False, include_input=False)[0]
            cause = first.get("ctx", {}).get("error")
            if isinstance(cause, InputError):
                raise cause from invalid
            field = ".".join(str(part) for part in first["loc"])
            raise ProblemError(f"problem field {field}: {first['msg']}") from invalid

    @model_validator(mode="after")
    def _complete(self) -> Self:
        practitioners = _sorted_ids("practitioner", self.practitioners)
        sites = _sorted_ids("site", self.sites)
        slots = _sorted_ids("slot", self.slots)
        _sorted_ids("referral", self.referrals)
        if self.policy.territory != self.territory:
            raise ProblemError(f"policy of {self.policy.territory} in problem of {self.territory}")
        for slot in self.slots:
            if slot.practitioner not in practitioners:
                raise ProblemError(f"slot {slot.id}: practitioner {slot.practitioner} is missing")
            if slot.site not in sites:
                raise ProblemError(f"slot {slot.id}: site {slot.site} is missing")
            if slot.start - self.as_of > MAX_HORIZON:
                raise HorizonError(f"slot {slot.id} starts over {MAX_HORIZON.days} days ahead")
        self._check_overlaps()
        self._check_referrals()
        self._check_pins(slots)
        return self

    def _check_overlaps(self) -> None:
        agenda = sorted(self.slots, key=lambda slot: (slot.practitioner, slot.start, slot.id))
        for before, after in pairwise(agenda):
            if before.practitioner == after.practitioner and after.start < before.end:
                raise ProblemError(f"slots {before.id} and {after.id} of one practitioner overlap")

    def _check_referrals(self) -> None:
        patients: dict[str, str] = {}
        for referral in self.referrals:
            if referral.territory != self.territory:
                raise ProblemError(f"referral {referral.id} is of {referral.territory}")
            if referral.deadline is None or referral.max_travel_metres is None:
                raise ProblemError(f"referral {referral.id}: deadline or max travel not filled in")
            other = patients.setdefault(referral.patient.key, referral.id)
            if other != referral.id:
                raise ProblemError(f"referrals {other} and {referral.id} are of one patient")

    def _check_pins(self, slots: dict[str, Slot]) -> None:
        placing = {referral.id for referral in self.referrals}
        seen: set[tuple[str, int]] = set()
        for pin in self.pins:
            if pin.slot not in slots:
                raise ProblemError(f"pin of {pin.referral}: slot {pin.slot} is missing")
            if pin.seat >= slots[pin.slot].capacity:
                raise ProblemError(f"pin of {pin.referral}: slot {pin.slot} has no seat {pin.seat}")
            if pin.referral in placing:
                raise ProblemError(f"referral {pin.referral} is pinned and to be placed")
            if (pin.slot, pin.seat) in seen:
                raise ProblemError(f"slot {pin.slot}: seat {pin.seat} is pinned twice")
            seen.add((pin.slot, pin.seat))

    @cached_property
    def free_seats(self) -> tuple[tuple[str, int], ...]:
        """Seats that are not pinned, as (slot id, seat), sorted: the columns of the assignment."""
        taken = {(pin.slot, pin.seat) for pin in self.pins}
        return tuple(
            (slot.id, seat)
            for slot in self.slots
            for seat in range(slot.capacity)
            if (slot.id, seat) not in taken
        )

    @cached_property
    def travel_name(self) -> str:
        """Name and version of the travel data, kept with the plan."""
        if self.matrix is not None:
            return f"{self.matrix.name}@{self.matrix.version}"
        return f"great-circle@{self.policy.digest[:8]}"

    @cached_property
    def digest(self) -> str:
        """A digest of the whole problem, kept with the plan so that it can be replayed."""
        return hashlib.blake2b(self.model_dump_json().encode(), digest_size=16).hexdigest()


class Assignment(Value):
    """One referral on one seat, with the figures that put it there."""

    referral: Id
    slot: Id
    seat: Annotated[int, Field(ge=0)]
    mode: Mode
    travel_metres: Metres
    travel_minutes: Minutes
    wait_minutes: Minutes
    cost: Annotated[int, Field(ge=0)]


class Unserved(Value):
    """A referral without a seat and why: the rule that left it none, or that all were taken."""

    referral: Id
    reasons: Annotated[tuple[Reason, ...], Field(min_length=1)]


class LevelDuals(Value):
    """
    The proof of one level: an integer per referral and per free seat, in the Problem's order.

    Over the arcs that earlier levels left: ``cost - referral[i] - seat[j] >= 0`` for an arc,
    ``unserved cost - referral[i] >= 0`` where staying unserved is still allowed, ``-seat[j] >= 0``
    where staying unused is still allowed. Their sum is the bound.
    """

    level: str
    referral: tuple[int, ...]
    seat: tuple[int, ...]


class Plan(Value):
    """
    Who gets which seat, who gets none and why, and the proof.

    ``objective[k]`` and ``bound[k]`` belong to ``LEVELS[k]``; the first ``proved_levels`` of them
    are proved equal, and the bounds after those are ``None``.
    """

    territory: TerritoryName
    as_of: Instant
    problem_digest: str
    policy_version: int
    policy_digest: str
    travel_name: str
    seed: int
    assignments: tuple[Assignment, ...]
    unserved: tuple[Unserved, ...]
    objective: tuple[int, ...]
    bound: tuple[int | None, ...]
    proved_levels: Annotated[int, Field(ge=0, le=len(LEVELS))]
    duals: tuple[LevelDuals, ...] = Field(repr=False)
    seconds: Annotated[float, Field(ge=0)]

    @property
    def proved(self) -> bool:
        """Whether every level is proved optimal."""
        return self.proved_levels == len(LEVELS)

    @cached_property
    def digest(self) -> str:
        """A digest of everything but the seconds: equal for equal problem, seed and version."""
        content = self.model_dump_json(exclude={"seconds"})
        return hashlib.blake2b(content.encode(), digest_size=16).hexdigest()


class Violation(Value):
    """A rule that a plan breaks, found by the independent check. Ids only."""

    rule: str
    subject: str
    detail: str


class Candidate(Value):
    """One seat that one referral may have now, best first in a ranking."""

    referral: Id
    slot: Id
    seat: Annotated[int, Field(ge=0)]
    mode: Mode
    travel_metres: Metres
    travel_minutes: Minutes
    wait_minutes: Minutes
    cost: Annotated[int, Field(ge=0)]
    price: Annotated[int, Field(ge=0)] = 0
    value: Annotated[int, Field(ge=0)]

    @property
    def score(self) -> int:
        """Value less cost less price, in weighted minutes."""
        return self.value - self.cost - self.price


class FunnelStep(Value):
    """How many free seats were left after a rule."""

    rule: str
    seats_left: Annotated[int, Field(ge=0)]


class Explanation(Value):
    """Why a referral has its seat, or none: the funnel of rules and the reasons."""

    referral: Id
    served: bool
    seat: Assignment | None
    runner_up: Candidate | None
    funnel: tuple[FunnelStep, ...]
    reasons: tuple[Reason, ...]
