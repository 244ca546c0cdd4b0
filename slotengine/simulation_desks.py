"""
The policies that ours is compared with: how seats are given out today, and two simple protections.

All of them answer at once and for good. Whoever finds nothing waits, and when a seat appears
(published late, or given up) they are asked in turn: kinder than today's practice, where they call
again, so that what ours gains is not the waitlist alone.
"""

from collections import Counter
from datetime import date, time, timedelta

import numpy as np

from slotengine.codes import Profession
from slotengine.simulation_clerk import Clerk
from slotengine.simulation_pairs import Seats
from slotengine.solver.encoding import Flags, Ints

NOON = time(13)
"""Local time that parts the half-days of the flat reserve."""

SAS_AHEAD = timedelta(days=2)
"""How far ahead the national platform looks: today and two days more."""


class FirstCome:
    """
    Gives everybody who asks one of the free seats at once.

    ``_open`` says which seats may be given to whom, ``_choose`` which of them is.
    """

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
        open_ = self._open(row, seats)
        found = Seats(*(part[open_] for part in seats))
        at = self._choose(row, found) if len(found.seat) else None
        if at is None:
            return False
        self.clerk.book(row, int(found.seat[at]))
        return True

    def _open(self, row: int, seats: Seats) -> Flags:
        del row
        return self.clerk.free[seats.seat]

    def _choose(self, row: int, seats: Seats) -> int | None:
        raise NotImplementedError


class Soonest(FirstCome):
    """The soonest seat: what a booking site shows first."""

    name = "first come, soonest"

    def _choose(self, row: int, seats: Seats) -> int | None:
        del row
        return int(np.lexsort((seats.seat, seats.cost, seats.begins_us))[0])


class Nearest(FirstCome):
    """The nearest practice, its soonest seat."""

    name = "first come, nearest"

    def _choose(self, row: int, seats: Seats) -> int | None:
        del row
        return int(np.lexsort((seats.seat, seats.begins_us, seats.metres))[0])


class Greedy(FirstCome):
    """The seat that costs this patient least, if it is worth anything: no thought of later."""

    name = "greedy best score"

    def _choose(self, row: int, seats: Seats) -> int | None:
        at = int(np.lexsort((seats.seat, seats.cost))[0])
        return at if seats.cost[at] <= self.clerk.value(row) else None


class FlatReserve(Greedy):
    """
    Greedy, but whole seats of each profession and half-day are kept for who is more urgent.

    The shares are ``Policy.reserve``'s, of the seats published: a plain rule that a territory could
    write on paper.
    """

    name = "flat nested reserve"

    def _open(self, row: int, seats: Seats) -> Flags:
        clerk = self.clerk
        open_ = super()._open(row, seats)
        kept = clerk.policy.reserve.kept_from(clerk.referral(row).priority)
        return open_ & self._beyond(seats.seat, kept) if kept > 0 else open_

    def published(self, seats: Ints) -> None:
        """Learns which half-day each new seat is of."""
        self._learn(seats)
        super().published(seats)

    def start(self, clerk: Clerk) -> None:
        """Meets the clerk, and learns which half-day each seat is of."""
        super().start(clerk)
        self._shelf: dict[int, tuple[Profession, date, bool]] = {}
        self._profession = {one.id: one.profession for one in clerk.practitioners}
        self._learn(np.flatnonzero(clerk.free))

    def _learn(self, seats: Ints) -> None:
        zone = self.clerk.policy.zone
        for seat in seats.tolist():
            slot = self.clerk.slot(seat)
            local = slot.start.astimezone(zone)
            profession = self._profession[slot.practitioner]
            self._shelf[seat] = (profession, local.date(), local.time() < NOON)

    def _beyond(self, seats: Ints, kept: float) -> Flags:
        free = self.clerk.free
        wanted = {self._shelf[seat] for seat in seats.tolist()}
        total: Counter[tuple[Profession, date, bool]] = Counter()
        left: Counter[tuple[Profession, date, bool]] = Counter()
        for seat, shelf in self._shelf.items():
            if shelf in wanted:
                total[shelf] += 1
                left[shelf] += int(free[seat])
        allowed = {shelf: left[shelf] > int(kept * total[shelf]) for shelf in wanted}
        return np.array([allowed[self._shelf[seat]] for seat in seats.tolist()], dtype=np.bool_)


class LeastRecentlyUsed(FirstCome):
    """The practitioner who was given a patient longest ago, their soonest seat."""

    name = "least recently used"

    def start(self, clerk: Clerk) -> None:
        """Meets the clerk; nobody was given a patient yet."""
        super().start(clerk)
        self._given: dict[str, int] = {}
        self._turn = 0

    def _choose(self, row: int, seats: Seats) -> int | None:
        del row
        givers = [self.clerk.slot(seat).practitioner for seat in seats.seat.tolist()]
        at = min(
            range(len(givers)),
            key=lambda one: (
                self._given.get(givers[one], 0),
                int(seats.begins_us[one]),
                int(seats.seat[one]),
            ),
        )
        self._turn += 1
        self._given[givers[at]] = self._turn
        return at


class SasOrder(FirstCome):
    """
    The national platform's list: nearest first where an address is known, else in random order.

    The regulator books the first on the list who has a slot today, tomorrow or the day after (ANS,
    SAS platform, search by place); all who give slots take part.
    """

    name = "SAS order"

    def __init__(self, *, seed: int = 0) -> None:
        super().__init__()
        self._rng = np.random.default_rng([seed, 8])

    def _choose(self, row: int, seats: Seats) -> int | None:
        clerk = self.clerk
        zone = clerk.policy.zone
        today = clerk.now.astimezone(zone).date()
        slots = [clerk.slot(seat) for seat in seats.seat.tolist()]
        in_list = [
            at
            for at, slot in enumerate(slots)
            if slot.start.astimezone(zone).date() <= today + SAS_AHEAD
        ]
        if not in_list:
            return None
        if clerk.referral(row).patient.location is None:
            givers = sorted({slots[at].practitioner for at in in_list})
            first = givers[int(self._rng.integers(len(givers)))]
            in_list = [at for at in in_list if slots[at].practitioner == first]
        return min(
            in_list,
            key=lambda at: (
                int(seats.metres[at]),
                slots[at].practitioner,
                int(seats.begins_us[at]),
            ),
        )
