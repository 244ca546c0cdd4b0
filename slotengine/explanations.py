"""What may be said about seats: candidates, the funnel of rules, reasons, smallest changes."""

from datetime import date
from enum import StrEnum
from typing import Annotated

from pydantic import Field

from slotengine.codes import Mode, Priority, Profession
from slotengine.domain import Id, Instant, Metres, Value
from slotengine.problem import Assignment, Minutes
from slotengine.reasons import Reason


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


class ChangeKind(StrEnum):
    """What may be changed so that a referral is served, the lightest burden first (our choice)."""

    VIDEO = "video"
    DISTANCE = "distance"
    DEADLINE = "deadline"
    SEAT = "seat"


class NewSeat(Value):
    """
    One more seat that somebody might offer: which half-day, which profession, which commune.

    ``place`` is the public name of a site there; ``insee`` is absent where the site's is unknown.
    """

    day: date
    afternoon: bool
    profession: Profession
    insee: str | None
    place: str


Few = int | None
"""How many people; None where there is somebody, but fewer than may be counted."""


class Change(Value):
    """
    One change that gives a referral a seat in the best plan, verified by solving with it.

    ``more_metres`` belongs to a distance, ``deadline`` to a later deadline, ``seat`` to one more
    seat. ``slot`` and ``start`` are where the referral would sit; the slot is absent where it is
    the new one. ``loses`` counts by priority whom the new plan no longer serves. ``smallest``
    tells that nothing less of this kind would do; ``proved`` that the new plan is proved best.
    """

    referral: Id
    kind: ChangeKind
    more_metres: Metres = 0
    deadline: Instant | None = None
    seat: NewSeat | None = None
    slot: Id | None
    start: Instant
    loses: dict[Priority, Few]
    smallest: bool
    proved: bool


class ChangeSearch(Value):
    """
    What was found for one referral: it needs no change (``served``), one change, or none.

    ``complete`` tells that the search was not cut short, so that "none" means that no single
    change of these kinds would do; ``reasons`` say why a referral is not planned for at all.
    """

    referral: Id
    served: bool
    change: Change | None
    complete: bool
    solves: Annotated[int, Field(ge=0)]
    reasons: tuple[Reason, ...] = ()


class SeatValue(Value):
    """
    What one more seat brings, verified by solving with it: the best slot of its cell, copied.

    ``served`` counts how many more of each priority have a seat, ``floors`` how much less is
    missing to the floors, ``minutes`` how many weighted minutes are saved: negative where those
    who are served in addition cost more than the others save.
    """

    seat: NewSeat
    slot: Id
    served: dict[Priority, int]
    floors: int
    minutes: int
    proved: bool
