"""
What a territory decides of its counter: forecast, prices, promises, waitlist, hand-back.

Every default states its source or says that it is our choice; ``Policy`` holds one of each. Values
and prices are weighted minutes, as everywhere.
"""

from datetime import timedelta
from typing import Annotated

from pydantic import Field, StringConstraints, field_validator, model_validator

from slotengine.codes import Priority
from slotengine.domain import Location, Value

PositiveSpan = Annotated[timedelta, Field(gt=timedelta(0), le=timedelta(days=90))]
Span = Annotated[timedelta, Field(ge=timedelta(0), le=timedelta(days=90))]
Share = Annotated[float, Field(ge=0, le=1)]


class Commune(Value):
    """A commune that the territory serves: INSEE code, inhabitants, and where they live."""

    insee: Annotated[str, StringConstraints(pattern=r"^(\d{5}|2[AB]\d{3})$")]
    inhabitants: Annotated[int, Field(ge=1, le=100_000_000)]
    location: Location


class Forecasting(Value):
    """
    How expected referrals are learned.

    ``prior_days`` open days of the priors weigh as much as as many days of one's own history
    (default 20, a month of open days: our choice). ``lean`` multiplies what is expected: too much
    is safer than too little (docs/forecast.md); default 1.1. ``history`` is how far back the store
    is read, default a year, so that each season weighs once.
    """

    prior_days: Annotated[int, Field(ge=1, le=1_000)] = 20
    lean: Annotated[float, Field(ge=0.1, le=10)] = 1.1
    history: Annotated[timedelta, Field(gt=timedelta(0), le=timedelta(days=1_100))] = timedelta(
        days=364
    )


class Pricing(Value):
    """
    How seats are priced: sampled futures, how far they look, how long a set of prices is good.

    Default 20 futures over 3 days (SOLVER's evidence: 20 futures bring 6 points over 1), stale 2 h
    after they were computed, so that one missed hourly run does no harm. ``large_change`` is the
    share of free seats whose coming or going asks for new prices at once. Default 0.2, our choice.
    ``enabled`` False: every seat costs nothing and nothing is kept.
    """

    enabled: bool = True
    futures: Annotated[int, Field(ge=1, le=1_000)] = 20
    horizon: PositiveSpan = timedelta(days=3)
    valid_for: PositiveSpan = timedelta(hours=2)
    large_change: Annotated[float, Field(gt=0, le=1)] = 0.2


class Reserve(Value):
    """
    The plain nested reserve that stands in while there are no prices.

    Of the free seats of one profession and half-day, whole seats rounded down, this share is kept
    for a class and those more urgent; shares add up, so routine leaves stat's, asap's and urgent's
    alone. Default 5, 10 and 15 %: our choice.
    """

    stat: Share = 0.05
    asap: Share = 0.10
    urgent: Share = 0.15

    @model_validator(mode="after")
    def _not_everything(self) -> "Reserve":
        if self.stat + self.asap + self.urgent > 1:
            msg = "the shares kept add up to more than all seats"
            raise ValueError(msg)
        return self

    def kept_from(self, priority: Priority) -> float:
        """Gives the share of seats that a referral of this priority must leave alone."""
        shares = {Priority.STAT: self.stat, Priority.ASAP: self.asap, Priority.URGENT: self.urgent}
        order = list(Priority)
        return sum(
            share for one, share in shares.items() if order.index(one) < order.index(priority)
        )


class Offering(Value):
    """
    How offers differ from each other: at least so many minutes apart, or with another practitioner.

    Default 60: three times the same hour is one choice, not three. Our choice.
    """

    apart_minutes: Annotated[int, Field(ge=0, le=1_440)] = 60


class PromiseRules(Value):
    """
    Who is promised a seat before the hour is known, and how long ahead the hour is told.

    ``priorities`` empty (the default): everybody gets a seat with its hour at once. ``notice`` is
    how long before its start a promised seat is told and stays; default 1 h.
    """

    priorities: tuple[Priority, ...] = ()
    notice: PositiveSpan = timedelta(hours=1)

    @field_validator("priorities")
    @classmethod
    def _once(cls, given: tuple[Priority, ...]) -> tuple[Priority, ...]:
        order = list(Priority)
        return tuple(sorted(set(given), key=order.index))


class Refill(Value):
    """
    How a freed seat goes to somebody who waits: held for them, one at a time.

    ``hold_for`` is how long a requester has to answer, default 15 min. For
    ``own_practitioner_first`` after it came free, only patients of that practitioner are asked, if
    one of them waits; default 10 min. Both our choice.
    """

    hold_for: PositiveSpan = timedelta(minutes=15)
    own_practitioner_first: Span = timedelta(minutes=10)


class Handback(Value):
    """
    When an empty seat goes back to its practitioner.

    ``before`` its start, default 2 h, where the slot names no ``handback_at`` of its own; or once
    its price is below ``own_value``, what the practice itself makes of it, in weighted minutes.
    Default 0: no seat goes back for its price.
    """

    before: Span = timedelta(hours=2)
    own_value: Annotated[int, Field(ge=0, le=100_000)] = 0
