"""
Side constraints: what a territory's rules say about several bookings at once.

Between one referral and one slot a rule can be asked of the pair; these can't. Each is a field of
``Policy`` whose default changes nothing, but travel between home visits, which is a fact and not a
choice.
"""

from datetime import time, timedelta
from enum import StrEnum
from typing import Annotated, Self

from pydantic import BeforeValidator, Field, StringConstraints, field_validator, model_validator

from slotengine.codes import Priority, Profession
from slotengine.domain import Professions, Referral, Value

MORE_PERCENT = 300
"""Most that one kind of booking may add to its effort, in percent: four times as long."""

MAX_GAP_DAYS = 400
"""Longest time between two steps of a pathway, in days: the planning horizon."""

MINUTES_PER_DAY = 1440
FULL = 100
"""Percent."""

Percent = Annotated[int, Field(ge=0, le=FULL)]
More = Annotated[int, Field(ge=0, le=MORE_PERCENT)]
Count = Annotated[int, Field(ge=0, le=10_000)]
EffortMinutes = Annotated[int, Field(ge=0, le=100_000)]
Gap = Annotated[timedelta, Field(ge=timedelta(0), le=timedelta(days=MAX_GAP_DAYS))]
PathwayCode = Annotated[
    str, StringConstraints(min_length=1, max_length=40, pattern=r"^[a-z0-9][a-z0-9-]*$")
]


class Period(StrEnum):
    """What a cap counts over: the practitioner's local day, or the ISO week that holds it."""

    DAY = "day"
    WEEK = "week"


class Effort(Value):
    """
    What a booking costs its practitioner, in minutes: its share of the slot, and more in percent.

    A first visit adds half as much again, a home visit as much again, one that starts at or after
    ``late_from`` a quarter. Our choice.
    """

    first_visit: More = 50
    home_visit: More = 100
    late: More = 25
    late_from: time = time(18)

    @field_validator("late_from")
    @classmethod
    def _local(cls, late_from: time) -> time:
        if late_from.tzinfo is not None:
            msg = "late_from is local time, without a zone"
            raise ValueError(msg)
        return late_from

    def minutes(self, seat_minutes: int, *, first: bool, home: bool, late: bool) -> int:
        """
        Gives the effort of one booking in whole minutes, rounded up.

        Examples
        --------
        >>> Effort().minutes(15, first=True, home=False, late=True)
        27
        """
        percent = FULL + first * self.first_visit + home * self.home_visit + late * self.late
        return -(-seat_minutes * percent // FULL)


class Caps(Value):
    """
    The most that any practitioner of the territory is given, bookings already made included.

    Absent means without limit. A practitioner's own limits hold beside these: the lower counts.
    """

    bookings_per_day: Count | None = None
    bookings_per_week: Count | None = None
    effort_minutes_per_day: EffortMinutes | None = None
    effort_minutes_per_week: EffortMinutes | None = None

    @model_validator(mode="after")
    def _not_contradictory(self) -> Self:
        for day, week, what in (
            (self.bookings_per_day, self.bookings_per_week, "bookings"),
            (self.effort_minutes_per_day, self.effort_minutes_per_week, "effort minutes"),
        ):
            if day is not None and week is not None and week < day:
                msg = f"caps contradict each other: {what} a week lie below those a day"
                raise ValueError(msg)
        return self


class Groups(Value):
    """
    How siblings are seated: all of them or none, with one practitioner at one site, in a row.

    ``gap_minutes`` is the most that may lie between one's slot and the next one's. Our choice: 0.
    """

    gap_minutes: Annotated[int, Field(ge=0, le=MINUTES_PER_DAY)] = 0


class HomeVisits(Value):
    """
    A practitioner's home visits: care, then the way by car to the next place.

    ``care_minutes`` is the shortest time of care at home, where the slot itself is shorter.
    Our choice: 0, the slot's own length.
    """

    care_minutes: Annotated[int, Field(ge=0, le=MINUTES_PER_DAY)] = 0


def _off(value: object) -> object:
    # TOML has no word for nothing; "home_visits = false" says it.
    return None if value is False else value


Ways = Annotated[HomeVisits | None, BeforeValidator(_off)]
"""Home visits with the ways between them; ``None`` (in TOML ``false``) where ways don't count."""


class Floor(Value):
    """
    No fewer than ``percent`` of these referrals are served, where that is possible at all.

    ``priority`` and ``insee`` (commune of the patient) absent mean any; one must be given.
    """

    percent: Annotated[int, Field(ge=1, le=FULL)]
    priority: Priority | None = None
    insee: Annotated[str, StringConstraints(pattern=r"^(\d{5}|2[AB]\d{3})$")] | None = None

    @model_validator(mode="after")
    def _names_somebody(self) -> Self:
        if self.priority is None and self.insee is None:
            msg = "a floor names a priority, a commune or both"
            raise ValueError(msg)
        return self

    def names(self, referral: Referral) -> bool:
        """Tells whether a referral is one of those that the floor is about."""
        if self.priority not in (None, referral.priority):
            return False
        place = referral.patient.location
        return self.insee is None or (place is not None and place.insee == self.insee)


class Spread(Value):
    """
    Effort shared among practitioners in proportion to what each offered (level 3).

    ``give_percent`` is how much of the best inconvenience (level 2) may be given up for it; with 0
    it decides only between plans that are equally convenient. Our choice: 2.
    """

    give_percent: Percent = 2


class Step(Value):
    """One appointment of a pathway: who gives it, and how long after the one before it."""

    professions: Annotated[Professions, Field(min_length=1)]
    after_min: Gap = timedelta(0)
    after_max: Gap = timedelta(0)

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.after_max < self.after_min:
            msg = "after_max of a step lies below its after_min"
            raise ValueError(msg)
        return self


class Pathway(Value):
    """
    Appointments that follow each other; the first step's own times say nothing.

    The time of a step counts from the end of the slot before it to the start of its own.
    """

    code: PathwayCode
    name_fr: Annotated[str, StringConstraints(min_length=1, max_length=120)]
    name_en: Annotated[str, StringConstraints(min_length=1, max_length=120)]
    steps: Annotated[tuple[Step, ...], Field(min_length=2, max_length=10)]


def _days(days: int) -> timedelta:
    return timedelta(days=days)


SHIPPED_PATHWAYS = (
    Pathway(
        code="elderly-home",
        name_fr="retour à domicile d'une personne âgée : infirmier, puis médecin",
        name_en="elderly patient back from hospital: nurse, then physician",
        steps=(
            Step(professions=(Profession.NURSE,)),
            Step(professions=(Profession.PHYSICIAN,), after_min=_days(0), after_max=_days(7)),
        ),
    ),
    Pathway(
        code="post-partum-diabetes",
        name_fr="suites de couches après un diabète gestationnel : sage-femme, deux fois",
        name_en="after birth with gestational diabetes: midwife, twice",
        steps=(
            Step(professions=(Profession.MIDWIFE,)),
            Step(professions=(Profession.MIDWIFE,), after_min=_days(28), after_max=_days(84)),
        ),
    ),
    Pathway(
        code="type-2-diabetes",
        name_fr="diabète de type 2 : médecin, infirmier, pédicure-podologue",
        name_en="type 2 diabetes: physician, nurse, podiatrist",
        steps=(
            Step(professions=(Profession.PHYSICIAN,)),
            Step(professions=(Profession.NURSE,), after_min=_days(1), after_max=_days(21)),
            Step(professions=(Profession.PODIATRIST,), after_min=_days(1), after_max=_days(60)),
        ),
    ),
    Pathway(
        code="second-recourse",
        name_fr="second recours : médecin, puis spécialiste",
        name_en="second recourse: physician, then specialist",
        steps=(
            Step(professions=(Profession.PHYSICIAN,)),
            Step(professions=(Profession.PHYSICIAN,), after_max=_days(21)),
        ),
    ),
)
"""
The pathways every policy starts with. Four to twelve weeks after birth is when persisting diabetes
is looked for (American Diabetes Association, Standards of Care); the other times are our choice,
for the territory's professionals to confirm.
"""
