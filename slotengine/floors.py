"""
Floors at the counter: whom nothing is kept from, because too few like them were served lately.

The night counts a floor over its own referrals. A counter sees one at a time, so it counts over the
days before; while the class is short, neither a price nor the reserve keeps a seat from it.
"""

from datetime import datetime, timedelta
from typing import Protocol

from slotengine.codes import Priority
from slotengine.domain import Referral
from slotengine.policy import Policy
from slotengine.reasons import Reason, ReasonCode
from slotengine.side_constraints import FULL, Floor

FLOOR_DAYS = 7
"""
Days over which a floor is counted at the counter. A week holds each weekday once, so that a quiet
Sunday does not stand for all days; a month would still make up for what has long been forgotten.
Our choice.
"""


FLOOR_MARGIN = 2
"""
Points above a floor at which its class stops being short. Seats run out for the last who ask, and
needs end after they had a seat, so who stops at the floor ends below it: 57 to 59 % of 60 on drawn
worlds (docs/adr/0017). Our choice.
"""


class Shares(Protocol):
    """Who can say how many of some referrals came since an instant, and how many were served."""

    def served_share(
        self, territory: str, priority: Priority | None, insee: str | None, since: datetime
    ) -> tuple[int, int]:
        """Gives both counts, as ``ports.Unit`` does."""


def aim(floor: Floor) -> int:
    """Gives the percentage that is aimed at, so that the floor is reached."""
    return min(FULL, floor.percent + FLOOR_MARGIN)


def is_short(floor: Floor, asked: int, served: int) -> bool:
    """Tells whether fewer were served than is aimed at; at exactly that share it is met."""
    return served * FULL < aim(floor) * asked


class Floors:
    """
    How far the floors of a territory are met, as seats are given in one piece of work.

    ``shares`` is asked once a floor, and only when a referral comes that it names.
    """

    def __init__(self, shares: Shares, policy: Policy, *, now: datetime) -> None:
        self._shares = shares
        self._policy = policy
        self._since = now - timedelta(days=FLOOR_DAYS)
        self._counted: dict[Floor, tuple[int, int]] = {}

    def short(self, referral: Referral) -> Floor | None:
        """Gives the first floor that names a referral and is not met, None when there is none."""
        # Whoever has waited longer than the days that are counted asks now all the same.
        itself = referral.received_at < self._since
        for floor in self._policy.floors:
            if floor.names(referral):
                asked, served = self._share(floor)
                if is_short(floor, asked + itself, served):
                    return floor
        return None

    def serve(self, referral: Referral) -> None:
        """Counts a seat that a referral was just given."""
        for floor in self._policy.floors:
            if floor in self._counted and floor.names(referral):
                asked, served = self._counted[floor]
                itself = referral.received_at < self._since
                self._counted[floor] = asked + itself, served + 1

    def quotas(self) -> tuple[tuple[int, int, int], ...]:
        """Gives for each floor of the Policy the percentage aimed at, who asked, who was served."""
        return tuple((aim(floor), *self._share(floor)) for floor in self._policy.floors)

    def _share(self, floor: Floor) -> tuple[int, int]:
        if floor not in self._counted:
            self._counted[floor] = self._shares.served_share(
                self._policy.territory, floor.priority, floor.insee, self._since
            )
        return self._counted[floor]


def in_words(floor: Floor) -> Reason:
    """Gives the sentence of a seat that nothing keeps from a class because it is short."""
    return Reason(code=ReasonCode.FLOOR, figures={"percent": aim(floor), "days": FLOOR_DAYS})
