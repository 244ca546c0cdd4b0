"""
The nouns of the coordinator's desk, as frozen values that validate, pickle and survive JSON.

Instants are aware and kept in UTC; a window is half-open ``[start, end)``; coordinates are WGS 84
degrees; ids are opaque strings that name no person.
"""

import hashlib
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Self, TypeVar

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    model_validator,
)

from slotengine.codes import (
    Audience,
    BookingStatus,
    CareLevel,
    Mobility,
    Mode,
    Priority,
    Profession,
    PromiseState,
    ReferralState,
    Sex,
    SlotState,
    SourceKind,
)

MAX_AGE_YEARS = 125
"""Above every verified human age (122 years)."""

MAX_SEATS = 200
"""Seats of one slot: a large hall of a vaccination day, and a typing error above it."""


def _utc(value: datetime) -> datetime:
    return value.astimezone(UTC)


def _sorted_unique(values: tuple[Any, ...]) -> tuple[Any, ...]:
    return tuple(sorted(set(values)))


Instant = Annotated[AwareDatetime, AfterValidator(_utc)]
Id = Annotated[str, StringConstraints(min_length=1, max_length=120, pattern=r"^[\x21-\x7e]+$")]
TerritoryName = Annotated[
    str, StringConstraints(min_length=1, max_length=60, pattern=r"^[a-z0-9][a-z0-9-]*$")
]
Professions = Annotated[tuple[Profession, ...], AfterValidator(_sorted_unique)]
Codes = Annotated[tuple[str, ...], AfterValidator(_sorted_unique)]
Modes = Annotated[tuple[Mode, ...], Field(min_length=1), AfterValidator(_sorted_unique)]
Audiences = Annotated[tuple[Audience, ...], Field(min_length=1), AfterValidator(_sorted_unique)]
Territories = Annotated[tuple[TerritoryName, ...], AfterValidator(_sorted_unique)]
AgeYears = Annotated[int, Field(ge=0, le=MAX_AGE_YEARS)]
Metres = Annotated[int, Field(ge=0)]


class Value(BaseModel):
    """A frozen value that knows no field but its own; its errors never repeat what was given."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", validate_default=True, hide_input_in_errors=True
    )

    def replaced(self, **changes: object) -> Self:
        """Gives a copy with fields changed, validated again (``model_copy`` would not)."""
        fields = {name: getattr(self, name) for name in type(self).model_fields}
        return type(self).model_validate({**fields, **changes})


class Location(Value):
    """A place on earth. ``zone`` names the row of a travel matrix; default the INSEE code."""

    lat: Annotated[float, Field(ge=-90, le=90, allow_inf_nan=False)]
    lon: Annotated[float, Field(ge=-180, le=180, allow_inf_nan=False)]
    insee: Annotated[str, StringConstraints(pattern=r"^(\d{5}|2[AB]\d{3})$")] | None = None
    zone: Id | None = None

    @property
    def matrix_zone(self) -> str | None:
        """The key under which a travel matrix knows this place."""
        return self.zone or self.insee


class TimeWindow(Value):
    """A half-open span ``[start, end)``."""

    start: Instant
    end: Instant

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.end <= self.start:
            msg = "a window must end after it starts"
            raise ValueError(msg)
        return self

    def contains(self, start: datetime, end: datetime) -> bool:
        """Tells whether ``[start, end)`` lies wholly inside."""
        return self.start <= start and end <= self.end


class Actor(Value):
    """Who asks for a change; recorded with each event. Ids are RPPS, FINESS or account ids."""

    role: Annotated[str, StringConstraints(pattern=r"^[a-z_]{1,30}$")]
    id: Id


class Requester(Value):
    """The professional or house that stands in front of the patient."""

    kind: SourceKind
    id: Id | None = None


class Motive(Value):
    """The reason for care in some code system, stored as it came."""

    system: Id
    code: Id
    label: Annotated[str, StringConstraints(max_length=200)] = ""


class Patient(Value):
    """A pseudonym and what a seat depends on. Identity is never here."""

    key: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{32,64}$")]
    location: Location | None = None
    age: AgeYears | None = None
    sex: Sex = Sex.UNKNOWN
    own_practitioner: Id | None = None
    mobility: Mobility = Mobility.CAR


class Practitioner(Value):
    """Who gives slots. Limits that are absent restrict nothing."""

    id: Id
    territory: TerritoryName
    profession: Profession
    specialties: Codes = ()
    min_age: AgeYears | None = None
    max_age: AgeYears | None = None
    accepted_motives: Codes = ()
    refused_motives: Codes = ()
    max_bookings_per_day: Annotated[int, Field(ge=0)] | None = None
    max_bookings_per_week: Annotated[int, Field(ge=0)] | None = None
    max_effort_minutes_per_day: Annotated[int, Field(ge=0)] | None = None
    max_effort_minutes_per_week: Annotated[int, Field(ge=0)] | None = None
    new_patient_room: Annotated[int, Field(ge=0)] = 0

    @model_validator(mode="after")
    def _ages_ordered(self) -> Self:
        if self.min_age is not None and self.max_age is not None and self.max_age < self.min_age:
            msg = "max_age lies below min_age"
            raise ValueError(msg)
        return self

    @model_validator(mode="after")
    def _caps_ordered(self) -> Self:
        for day, week in (
            (self.max_bookings_per_day, self.max_bookings_per_week),
            (self.max_effort_minutes_per_day, self.max_effort_minutes_per_week),
        ):
            if day is not None and week is not None and week < day:
                msg = "caps contradict each other: a week's lies below a day's"
                raise ValueError(msg)
        return self


class Site(Value):
    """Where care is given; ``label`` is a public name such as a clinic's, never a person's."""

    id: Id
    territory: TerritoryName
    location: Location
    label: Annotated[str, StringConstraints(max_length=120)] = ""
    finess: Annotated[str, StringConstraints(pattern=r"^[0-9AB]{9}$")] | None = None
    siret: Annotated[str, StringConstraints(pattern=r"^\d{14}$")] | None = None
    accessible: bool = True


class Slot(Value):
    """
    Time that a practitioner reserved for unscheduled care; ``capacity`` seats of it.

    ``extra_capacity`` are seats beyond it that the practitioner has agreed to give against
    no-shows: the last to be taken. Default 0.
    """

    id: Id
    territory: TerritoryName
    practitioner: Id
    site: Id
    start: Instant
    end: Instant
    capacity: Annotated[int, Field(ge=1, le=MAX_SEATS)] = 1
    extra_capacity: Annotated[int, Field(ge=0, le=MAX_SEATS)] = 0
    modes: Modes = (Mode.AMB,)
    audiences: Audiences = (Audience.CPTS,)
    shared_with: Territories = ()
    opens_at: Instant | None = None
    handback_at: Instant | None = None
    state: SlotState = SlotState.OPEN
    version: Annotated[int, Field(ge=1)] = 1

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.end <= self.start:
            msg = f"slot {self.id} ends before it starts"
            raise ValueError(msg)
        if self.territory in self.shared_with:
            msg = f"slot {self.id} is shared with its own territory"
            raise ValueError(msg)
        return self

    @property
    def seats(self) -> int:
        """All seats, the extra ones included; seat numbers are 0 to this, exclusive."""
        return self.capacity + self.extra_capacity


class Referral(Value):
    """
    One need of one patient, as a professional sent it.

    ``windows`` empty means any time; ``specialties`` empty means any of the professions;
    ``deadline`` and ``max_travel_metres`` absent mean the Policy's, which the engine fills in.
    Referrals of one ``group`` are seated together or not at all; one that ``follows`` another is
    ``step`` of a ``pathway`` of the Policy.
    """

    id: Id
    territory: TerritoryName
    source: SourceKind
    reference: Annotated[str, StringConstraints(min_length=1, max_length=200)]
    requester: Requester
    patient: Patient
    professions: Annotated[Professions, Field(min_length=1)]
    specialties: Codes = ()
    priority: Priority
    care_level: CareLevel | None = None
    motive: Motive | None = None
    windows: tuple[TimeWindow, ...] = ()
    deadline: Instant | None = None
    modes: Modes = (Mode.AMB,)
    max_travel_metres: Metres | None = None
    group: Id | None = None
    follows: Id | None = None
    pathway: Id | None = None
    step: Annotated[int, Field(ge=0, le=9)] = 0
    received_at: Instant
    state: ReferralState = ReferralState.RECEIVED

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.deadline is not None and self.deadline < self.received_at:
            msg = f"referral {self.id} has a deadline before it was received"
            raise ValueError(msg)
        if self.requester.kind is not self.source:
            msg = f"referral {self.id} comes from {self.source}, its requester is another kind"
            raise ValueError(msg)
        if (self.follows is not None) != (self.step > 0) or (self.step > 0 and not self.pathway):
            msg = f"referral {self.id}: a later step names its pathway and whom it follows"
            raise ValueError(msg)
        if self.follows is not None and self.group is not None:
            msg = f"referral {self.id} is in a group and a later step of a pathway"
            raise ValueError(msg)
        return self

    def content_digest(self) -> str:
        """
        Gives a digest of what was asked: equal for a repeated message, whatever its state.

        Taken before the engine fills in what the Policy decides, or a repeated message would
        differ from its own first coming.
        """
        content = self.model_dump_json(exclude={"state", "received_at"})
        return hashlib.blake2b(content.encode(), digest_size=16).hexdigest()


class Booking(Value):
    """A seat given to a referral, at one of the statuses of ``BookingStatus``."""

    id: Id
    territory: TerritoryName
    referral: Id
    slot: Id
    seat: Annotated[int, Field(ge=0)]
    status: BookingStatus
    mode: Mode
    held_until: Instant | None = None
    told_at: Instant | None = None
    version: Annotated[int, Field(ge=1)] = 1

    @property
    def movable(self) -> bool:
        """Whether a night may move it: promised, and the patient not told."""
        return self.status is BookingStatus.PROMISED and self.told_at is None


class Promise(Value):
    """
    What a patient was promised: a seat before an instant, within a distance, told a while ahead.

    It owns a real seat at every moment (its witness, a booking with status promised), which may
    change until ``notice`` before it starts.
    """

    referral: Id
    territory: TerritoryName
    made_at: Instant
    before: Instant
    within_metres: Metres
    notice: Annotated[timedelta, Field(gt=timedelta(0))]
    state: PromiseState = PromiseState.OPEN
    ended_at: Instant | None = None
    why: str = ""


def referral_id(territory: str, source: SourceKind, reference: str) -> str:
    """
    Gives the id of a referral from what makes it unique, so that a repeated message finds itself.

    Examples
    --------
    >>> referral_id("giennois", SourceKind.PHARMACY, "42")
    'r-77d23bf3a82f823d30f51bb9d8874f09'
    """
    text = f"{territory}\x1f{source.value}\x1f{reference}"
    return "r-" + hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


_Named = TypeVar("_Named", Practitioner, Site, Slot, Referral)


def by_id(values: Iterable[_Named]) -> dict[str, _Named]:
    """Gives a dict from id to value."""
    return {value.id: value for value in values}
