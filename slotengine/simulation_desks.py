"""
The policies that ours is compared with: how seats are given out today, and two simple protections.

All of them answer at once and for good. Whoever finds nothing waits, and when a seat appears
(published late, or given up) they are asked in turn: kinder than today's practice, where they call
again, so that what ours gains is not the waitlist alone.
"""

import numpy as np

from slotengine.simulation_clerk import Clerk, Seats
from slotengine.solver.encoding import Ints


class FirstCome:
    """Gives everybody who asks one of the free seats at once; ``_choose`` says which."""

    name = "first come"

    def __init__(self) -> None:
        self._clerk: Clerk | None = None

    @property
    def clerk(self) -> Clerk:
        """The clerk of the run."""
        if self._clerk is None:
            raise RuntimeError("a desk is started before it is asked")
        return self._clerk

    def start(self, clerk: Clerk) -> None:
        """Meets the clerk."""
        self._clerk = clerk

    def arrived(self, row: int) -> None:
        """Serves at once, or lets wait."""
        if not self._serve(row):
            self.clerk.wait(row)

    def published(self, seats: Ints) -> None:
        """Asks those who wait in turn."""
        if len(seats):
            self._refill()

    def freed(self, seat: int, row: int) -> None:
        """Asks those who wait in turn."""
        del seat, row
        self._refill()

    def tick(self, *, hour: bool) -> None:
        """Does nothing: no plan is made."""

    def _refill(self) -> None:
        for row in self._queue():
            self._serve(row)

    def _queue(self) -> list[int]:
        clerk = self.clerk
        rows: list[int] = clerk.waiting.tolist()
        return sorted(rows, key=lambda row: (clerk.referral(row).received_at, row))

    def _serve(self, row: int) -> bool:
        seats = self.clerk.seats_of(row)
        open_ = self.clerk.free[seats.seat]
        found = Seats(*(part[open_] for part in seats))
        if not len(found.seat):
            return False
        at = self._choose(row, found)
        if at is None:
            return False
        self.clerk.book(row, int(found.seat[at]))
        return True

    def _choose(self, row: int, seats: Seats) -> int | None:
        raise NotImplementedError


class Soonest(FirstCome):
    """The soonest seat: what a booking site shows first."""

    name = "first come, soonest"

    def _choose(self, row: int, seats: Seats) -> int | None:
        del row
        return int(np.lexsort((seats.seat, seats.cost, seats.begins_us))[0])
