"""What may be said about one referral's seats: candidates, the funnel of rules, the reasons."""

from typing import Annotated

from pydantic import Field

from slotengine.codes import Mode
from slotengine.domain import Id, Metres, Value
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
