"""
A set of seat prices: what each seat is worth to those who have not come yet.

Versioned: the territory has one current set; a set that is stale, of another policy, or of other
slots still answers, and says so.
"""

from collections.abc import Mapping
from functools import cached_property
from typing import Annotated

from pydantic import Field

from slotengine.domain import Id, Instant, TerritoryName, Value

PriceMinutes = Annotated[int, Field(ge=0)]


class SeatPrice(Value):
    """What one seat of a slot is worth to those who come later, in weighted minutes."""

    slot: Id
    price: PriceMinutes


class PriceSet(Value):
    """
    Prices of all seats that were free when they were computed, and where they come from.

    ``id`` is a digest of the rest but ``computed_at`` of the same figures. ``free_seats`` were
    free then: how far that is from now tells a large change.
    """

    id: Id
    territory: TerritoryName
    policy_digest: str
    problem_digest: str
    forecast_digest: str
    futures: Annotated[int, Field(ge=1)]
    seed: int
    computed_at: Instant
    valid_until: Instant
    free_seats: Annotated[int, Field(ge=0)]
    expected: Annotated[float, Field(ge=0)]
    days_seen: Annotated[int, Field(ge=0)] = 0
    prices: tuple[SeatPrice, ...]

    @cached_property
    def of_slot(self) -> Mapping[str, int]:
        """The price of a seat of each slot, by slot id: a counter asks for it with every offer."""
        return {one.slot: one.price for one in self.prices}
