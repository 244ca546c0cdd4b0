"""
The rules of a territory as one versioned value: deadlines, radii, weights, hold times.

Every default states its source or says that it is our choice; a territory's coordinator owns them.
"""

import hashlib
import tomllib
from datetime import time, timedelta
from enum import StrEnum
from functools import cached_property
from typing import Annotated, Self
from zoneinfo import ZoneInfo

from pydantic import Field, StringConstraints, ValidationError, field_validator, model_validator

from slotengine.codes import Audience, CareLevel, Mobility, Priority, SourceKind
from slotengine.counter_rules import (
    Commune,
    Forecasting,
    Handback,
    Offering,
    Pricing,
    PromiseRules,
    Refill,
    Reserve,
)
from slotengine.destinations import Confirmations, Destination
from slotengine.directory import Structure
from slotengine.domain import Audiences, Codes, Metres, TerritoryName, Value
from slotengine.errors import PolicyError
from slotengine.side_constraints import (
    SHIPPED_PATHWAYS,
    Caps,
    Effort,
    Floor,
    Groups,
    HomeVisits,
    Pathway,
    Spread,
    Ways,
)

Weight = Annotated[int, Field(ge=0, le=1_000)]
Minutes = Annotated[int, Field(ge=0, le=100_000)]
PositiveDuration = Annotated[timedelta, Field(gt=timedelta(0), le=timedelta(days=90))]
Duration = Annotated[timedelta, Field(ge=timedelta(0), le=timedelta(days=90))]
SpeedKmh = Annotated[int, Field(ge=1, le=130)]

MINUTES_PER_DAY = 1440


class Counting(StrEnum):
    """How a deadline's hours are counted: by the clock, or only while the territory is open."""

    ELAPSED = "elapsed"
    OPENING = "opening"


class Deadlines(Value):
    """How soon a referral of each priority must be seen. Default 4, 12, 24, 48 h (the field's)."""

    stat: PositiveDuration = timedelta(hours=4)
    asap: PositiveDuration = timedelta(hours=12)
    urgent: PositiveDuration = timedelta(hours=24)
    routine: PositiveDuration = timedelta(hours=48)

    def of(self, priority: Priority) -> timedelta:
        """Gives the deadline of one priority."""
        span: timedelta = getattr(self, priority.value)
        return span

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if not self.stat <= self.asap <= self.urgent <= self.routine:
            msg = "deadlines must not shrink from stat to routine"
            raise ValueError(msg)
        return self


class WaitingWeights(Value):
    """Weighted minutes that one minute of waiting costs. Default 8, 4, 2, 1 (our choice)."""

    stat: Weight = 8
    asap: Weight = 4
    urgent: Weight = 2
    routine: Weight = 1

    def of(self, priority: Priority) -> int:
        """Gives the weight of one priority."""
        weight: int = getattr(self, priority.value)
        return weight


class SeatValues(Value):
    """
    Weighted minutes that serving one referral is worth, against which costs and prices count.

    Default 40,000, 20,000, 10,000, 5,000: above the largest waiting cost of each class within its
    default deadline (8 * 360, 4 * 1,080, 2 * 2,160, 4,320), so that waiting alone never makes
    serving worthless. Our choice.
    """

    stat: Minutes = 40_000
    asap: Minutes = 20_000
    urgent: Minutes = 10_000
    routine: Minutes = 5_000

    def of(self, priority: Priority) -> int:
        """Gives the value of one priority."""
        value: int = getattr(self, priority.value)
        return value


class Speeds(Value):
    """
    Door-to-door km/h by mobility, over road metres.

    Car 45 (country and small-town roads, our choice), public transport 18, walking 4, wheelchair
    in adapted transport 25. A homebound patient does not travel.
    """

    car: SpeedKmh = 45
    transit: SpeedKmh = 18
    walk: SpeedKmh = 4
    wheelchair: SpeedKmh = 25

    def of(self, mobility: Mobility) -> int | None:
        """Gives the speed of one mobility, or None where the patient can't travel."""
        return None if mobility is Mobility.HOMEBOUND else getattr(self, mobility.value)


class Detour(Value):
    """
    Road metres from great-circle metres: ``d * factor * (base + extra * exp(-d / scale))``.

    Heran, "Des distances à vol d'oiseau aux distances réelles", Flux 76-77 (2009) p. 110, via a
    secondary source; mountains break it, hence ``factor``, a territory's own.
    """

    base: Annotated[float, Field(ge=1, le=5)] = 1.1
    extra: Annotated[float, Field(ge=0, le=5)] = 0.3
    scale_metres: Annotated[float, Field(gt=0, le=1e6)] = 20_000.0
    factor: Annotated[float, Field(ge=0.5, le=5)] = 1.0


class OpeningHours(Value):
    """Half-open opening span of one weekday (Monday 0) in the territory's local time."""

    weekday: Annotated[int, Field(ge=0, le=6)]
    start: time
    end: time

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.end <= self.start:
            msg = "opening hours must end after they start"
            raise ValueError(msg)
        return self


class OutOfHours(Value):
    """The regulated out-of-hours service (PDSA) that answers while the territory is closed."""

    name_fr: Annotated[str, StringConstraints(min_length=1, max_length=120)] = (
        "la permanence des soins (PDSA)"
    )
    name_en: Annotated[str, StringConstraints(min_length=1, max_length=120)] = (
        "the out-of-hours care service (PDSA)"
    )
    phone: Annotated[str, StringConstraints(pattern=r"^[0-9 +]{2,20}$")] = "116117"


SNP_OPENING = (
    *(OpeningHours(weekday=day, start=time(8), end=time(20)) for day in range(5)),
    OpeningHours(weekday=5, start=time(8), end=time(12)),
)
"""Monday to Friday 8-20 h, Saturday 8-12 h: outside it PDSA hours begin (CSP R6315-1)."""

RED_FLAG_MOTIVES = (
    "M01.00", "M01.01", "M01.02", "M01.03", "M02.02", "M02.04", "M02.08", "M02.09", "M02.10",
    "M03.01", "M03.04", "M03.06", "M03.08", "M03.19", "M04.01", "M04.04",
)  # fmt: skip
"""
Hub Santé motive codes refused by default with "call 15": vital distress, severe bleeding or
trauma, birth, obstetric bleeding, chest pain, stroke, self-poisoning. Our choice, for the
territory's medical council to confirm.
"""


def _default_audiences() -> dict[SourceKind, tuple[Audience, ...]]:
    """
    Gives who may use which class of slot.

    Professionals of the territory see PUBLIC, PRO and CPTS slots; SNP slots are kept for
    regulators (TRE_R314), so for the SAMU; a social centre employs no health professional and sees
    PUBLIC and CPTS.
    """
    professional: tuple[Audience, ...] = (Audience.CPTS, Audience.PRO, Audience.PUBLIC)
    rules = dict.fromkeys(SourceKind, professional)
    rules[SourceKind.SAMU] = (*professional, Audience.SNP)
    rules[SourceKind.SOCIAL] = (Audience.CPTS, Audience.PUBLIC)
    return rules


class Policy(Value):
    """The rules of one territory. Stored with each plan it produced."""

    territory: TerritoryName
    version: Annotated[int, Field(ge=1)] = 1
    timezone: str = "Europe/Paris"
    holiday_subdivision: str | None = None
    deadlines: Deadlines = Deadlines()
    counting: Counting = Counting.ELAPSED
    opening: tuple[OpeningHours, ...] = SNP_OPENING
    out_of_hours: OutOfHours = OutOfHours()
    refused_care_levels: tuple[CareLevel, ...] = (CareLevel.R1, CareLevel.R2)
    stat_sources: tuple[SourceKind, ...] = (SourceKind.SAMU, SourceKind.EMERGENCY)
    red_flag_motives: Codes = RED_FLAG_MOTIVES
    audiences: dict[SourceKind, Audiences] = Field(default_factory=_default_audiences)
    max_travel_metres: Metres = 30_000
    home_visit_metres: Metres = 20_000
    notice: Duration = timedelta(minutes=10)
    speeds: Speeds = Speeds()
    detour: Detour = Detour()
    waiting: WaitingWeights = WaitingWeights()
    values: SeatValues = SeatValues()
    travel_weight: Weight = 2
    comfort_minutes: Annotated[int, Field(ge=1, le=MINUTES_PER_DAY)] = 20
    not_own_practitioner_minutes: Minutes = 60
    hold_for: PositiveDuration = timedelta(minutes=5)
    clock_tolerance: Duration = timedelta(minutes=2)
    plan_horizon: PositiveDuration = timedelta(days=3)
    hidden_below: Annotated[int, Field(ge=1, le=100)] = 5
    effort: Effort = Effort()
    caps: Caps = Caps()
    groups: Groups = Groups()
    home_visits: Ways = HomeVisits()
    pathways: tuple[Pathway, ...] = SHIPPED_PATHWAYS
    floors: tuple[Floor, ...] = ()
    spread: Spread | None = None
    max_told_moves: Annotated[int, Field(ge=0, le=1_000)] = 0
    communes: tuple[Commune, ...] = ()
    forecast: Forecasting = Forecasting()
    pricing: Pricing = Pricing()
    reserve: Reserve = Reserve()
    offering: Offering = Offering()
    promises: PromiseRules = PromiseRules()
    refill: Refill = Refill()
    handback: Handback = Handback()
    structure: Structure | None = None
    destinations: tuple[Destination, ...] = ()
    confirmations: Confirmations = Confirmations()

    @field_validator("communes")
    @classmethod
    def _communes_once(cls, communes: tuple[Commune, ...]) -> tuple[Commune, ...]:
        codes = [commune.insee for commune in communes]
        if len(set(codes)) != len(codes):
            msg = "a commune is listed twice"
            raise ValueError(msg)
        return communes

    @field_validator("destinations")
    @classmethod
    def _destinations_once(cls, told: tuple[Destination, ...]) -> tuple[Destination, ...]:
        names = [destination.name for destination in told]
        if len(set(names)) != len(names):
            msg = "a destination is listed twice"
            raise ValueError(msg)
        return told

    @field_validator("timezone")
    @classmethod
    def _known_zone(cls, name: str) -> str:
        try:
            ZoneInfo(name)
        except (KeyError, ValueError, OSError) as unknown:
            msg = "not an IANA time zone"
            raise ValueError(msg) from unknown
        return name

    @field_validator("audiences")
    @classmethod
    def _all_sources(
        cls, rules: dict[SourceKind, tuple[Audience, ...]]
    ) -> dict[SourceKind, tuple[Audience, ...]]:
        # A policy file names the sources it changes; the others keep the default.
        return {**_default_audiences(), **rules}

    @field_validator("pathways")
    @classmethod
    def _pathways_once(cls, pathways: tuple[Pathway, ...]) -> tuple[Pathway, ...]:
        codes = [pathway.code for pathway in pathways]
        if len(set(codes)) != len(codes):
            msg = "a pathway is listed twice"
            raise ValueError(msg)
        return pathways

    @field_validator("floors")
    @classmethod
    def _floors_once(cls, floors: tuple[Floor, ...]) -> tuple[Floor, ...]:
        whom = [(floor.priority, floor.insee) for floor in floors]
        if len(set(whom)) != len(whom):
            msg = "two floors name the same referrals"
            raise ValueError(msg)
        return floors

    def pathway(self, code: str) -> Pathway | None:
        """Gives the pathway of a code, or None."""
        return next((one for one in self.pathways if one.code == code), None)

    @property
    def zone(self) -> ZoneInfo:
        """The territory's time zone."""
        return ZoneInfo(self.timezone)

    @cached_property
    def digest(self) -> str:
        """A digest of the whole policy, kept with every plan."""
        return hashlib.blake2b(self.model_dump_json().encode(), digest_size=16).hexdigest()

    @classmethod
    def from_toml(cls, text: str) -> Self:
        """
        Reads a policy from TOML; lengths of time are ISO 8601 (``"PT4H"``).

        Raises
        ------
        PolicyError
            Naming the first field that can't be read.
        """
        try:
            return cls.model_validate(tomllib.loads(text))
        except tomllib.TOMLDecodeError as broken:
            raise PolicyError(f"policy is not TOML: {broken}") from broken
        except ValidationError as invalid:
            first = invalid.errors(include_url=False, include_input=False)[0]
            field = ".".join(str(part) for part in first["loc"]) or "policy"
            raise PolicyError(f"policy field {field}: {first['msg']}") from invalid
