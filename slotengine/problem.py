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
from typing import Annotated, Self

from pydantic import Field, ValidationError, model_validator

from slotengine.codes import Mode, Priority
from slotengine.domain import (
    Id,
    Instant,
    Location,
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
from slotengine.problem_checks import (
    check_agendas,
    check_groups,
    check_pathways,
    check_pins,
    check_prices,
    check_promised,
    check_referrals,
    check_told,
    sorted_ids,
)
from slotengine.reasons import Reason
from slotengine.seat_prices import SeatPrice

MAX_HORIZON = timedelta(days=400)
"""Furthest slot start after ``as_of``: keeps every cost sum far below 2^53."""

LEVELS = ("0", "1a", "1b", "1c", "1d", "2", "3", "4", "5")
"""
Objective levels in lexicographic order: shortfall of floors, unserved by priority, inconvenience,
effort spread, told bookings moved, tie-break.
"""

UNSERVED_LEVEL = {
    Priority.STAT: 1,
    Priority.ASAP: 2,
    Priority.URGENT: 3,
    Priority.ROUTINE: 4,
}
"""Index into ``LEVELS`` at which a referral of each priority counts as unserved."""

FLOOR_LEVEL = LEVELS.index("0")
COST_LEVEL = LEVELS.index("2")
SPREAD_LEVEL = LEVELS.index("3")
MOVE_LEVEL = LEVELS.index("4")
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
    """
    A seat that is taken and must not move: confirmed, told, or held by somebody now.

    What side constraints read of it: how care is given, whether the practitioner sees the patient
    for the first time, where a home visit leads (unknown restricts nothing), the group it is of.
    """

    referral: Id
    patient: str
    slot: Id
    seat: Annotated[int, Field(ge=0)]
    mode: Mode = Mode.AMB
    first_visit: bool = True
    location: Location | None = None
    group: Id | None = None


class Told(Value):
    """
    A booking whose patient was told and which may still move: the referral is to be placed too.

    It keeps a seat in any case; at most ``Policy.max_told_moves`` of them leave their slot.
    """

    referral: Id
    slot: Id


class Limits(Value):
    """
    How long the solver may take, and how many nodes its search may open.

    Default 60 s, far above a territory's night, and no limit of nodes. A plan that met only a limit
    of nodes is the same on every machine; one that met a limit of seconds is not.
    """

    seconds: Annotated[float, Field(gt=0, le=86_400)] = 60.0
    nodes: Annotated[int, Field(ge=1, le=100_000_000)] | None = None


class Problem(Value):
    """
    Everything that one planning run may know. ``Problem.build`` sorts for you.

    ``referrals`` are to be placed (deadline and max travel filled in, one a patient or one pathway
    a patient); ``pins`` are seats already given, whose slots are listed too; ``told`` are
    referrals that have a seat and may change it; ``promised`` are referrals that keep a seat in any
    case, which one is open. ``prices`` are what a seat of each slot is worth to those who come
    later, 0 for a slot not listed: nobody but the told and promised is given one for less.
    ``price_set`` names where the prices come from.
    """

    territory: TerritoryName
    as_of: Instant
    policy: Policy
    practitioners: tuple[Practitioner, ...]
    sites: tuple[Site, ...]
    slots: tuple[Slot, ...]
    referrals: tuple[Referral, ...]
    pins: tuple[Pin, ...] = ()
    told: tuple[Told, ...] = ()
    promised: tuple[Id, ...] = ()
    prices: tuple[SeatPrice, ...] = ()
    price_set: Id | None = None
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
        told: Sequence[Told] = (),
        promised: Sequence[str] = (),
        prices: Sequence[SeatPrice] = (),
        price_set: str | None = None,
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
                told=tuple(sorted(told, key=lambda one: one.referral)),
                promised=tuple(sorted(promised)),
                prices=tuple(sorted(prices, key=lambda one: one.slot)),
                price_set=price_set,
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
        practitioners = sorted_ids("practitioner", self.practitioners)
        sites = sorted_ids("site", self.sites)
        slots = sorted_ids("slot", self.slots)
        referrals = sorted_ids("referral", self.referrals)
        if self.policy.territory != self.territory:
            raise ProblemError(f"policy of {self.policy.territory} in problem of {self.territory}")
        for slot in self.slots:
            if slot.practitioner not in practitioners:
                raise ProblemError(f"slot {slot.id}: practitioner {slot.practitioner} is missing")
            if slot.site not in sites:
                raise ProblemError(f"slot {slot.id}: site {slot.site} is missing")
            if slot.start - self.as_of > MAX_HORIZON:
                raise HorizonError(f"slot {slot.id} starts over {MAX_HORIZON.days} days ahead")
        check_agendas(self.slots)
        check_referrals(self.territory, self.referrals)
        check_pathways(self.policy, referrals)
        check_groups(self.policy, practitioners, self.slots, self.referrals)
        check_pins(self.pins, slots, referrals)
        check_told(self.told, slots, referrals, self.free_seats)
        check_promised(self.promised, referrals, {one.referral for one in self.told})
        check_prices(self.prices, slots)
        return self

    @cached_property
    def free_seats(self) -> tuple[tuple[str, int], ...]:
        """Seats that are not pinned, as (slot id, seat), sorted: the columns of the assignment."""
        taken = {(pin.slot, pin.seat) for pin in self.pins}
        return tuple(
            (slot.id, seat)
            for slot in self.slots
            for seat in range(slot.seats)
            if (slot.id, seat) not in taken
        )

    @cached_property
    def active_levels(self) -> tuple[str, ...]:
        """The levels on which plans can differ; at the others every plan counts 0."""
        idle = {
            LEVELS[FLOOR_LEVEL]: not self.policy.floors,
            LEVELS[SPREAD_LEVEL]: self.policy.spread is None,
            LEVELS[MOVE_LEVEL]: not self.told or self.policy.max_told_moves == 0,
        }
        return tuple(level for level in LEVELS if not idle.get(level, False))

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
    price: Annotated[int, Field(ge=0)] = 0


class Unserved(Value):
    """A referral without a seat and why: the rule that left it none, or that all were taken."""

    referral: Id
    reasons: Annotated[tuple[Reason, ...], Field(min_length=1)]


class LevelDuals(Value):
    """
    The proof of one active level: an integer per referral and per free seat, in Problem order.

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

    ``objective[k]`` and ``bound[k]`` belong to ``LEVELS[k]``; the first ``proved_levels`` are
    proved optimal, the next has the best bound known, and those after it have ``None``. ``duals``
    prove the leading active levels for everybody to verify; a proved level without duals was
    searched (docs/rules.md, Proof). ``displaced`` are those who have no seat because of a floor,
    ``deferred`` those who could have one but for its price: they wait for what comes.
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
    displaced: tuple[Id, ...] = ()
    deferred: tuple[Id, ...] = ()
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
