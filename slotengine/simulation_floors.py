"""How far classes were served in a replay, for a desk that keeps floors as the counter does."""

from datetime import datetime

import numpy as np

from slotengine.codes import Priority
from slotengine.side_constraints import Floor
from slotengine.simulation_clerk import NO_SEAT, Clerk


class Lately:
    """
    What ``store_floors`` knows, of the referrals that came during a replay.

    Those of the days before it are no rows of the world: a floor is counted over its own days.
    """

    def __init__(self, clerk: Clerk) -> None:
        self._clerk = clerk
        self._rows: dict[Floor, list[int]] = {floor: [] for floor in clerk.policy.floors}

    def came(self, row: int) -> None:
        """Notes a referral that has come."""
        referral = self._clerk.referral(row)
        for floor, rows in self._rows.items():
            if floor.names(referral):
                rows.append(row)

    def served_share(
        self, territory: str, priority: Priority | None, insee: str | None, since: datetime
    ) -> tuple[int, int]:
        """Gives how many of a floor's referrals came since then, and how many have a seat."""
        del territory
        named = next(
            rows
            for floor, rows in self._rows.items()
            if (floor.priority, floor.insee) == (priority, insee)
        )
        rows = [row for row in named if self._clerk.referral(row).received_at >= since]
        seats = self._clerk.seated()[rows]
        return len(rows), int(np.count_nonzero(seats != NO_SEAT))
