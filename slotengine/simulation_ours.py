"""
The engine's own policy at the simulated counter: prices, promises, a waitlist that refills.

It decides by the functions that the engine decides by (``learning``, ``solver.prices``,
``solver.freeing``, ``solver.chances``) and in the engine's order; it knows what the clerk tells it,
no more.
"""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from slotengine.floors import Floors
from slotengine.learning import learn
from slotengine.opening import open_hours
from slotengine.pricing import Neighbours
from slotengine.simulation_clerk import NO_SEAT, Clerk
from slotengine.simulation_floors import Lately
from slotengine.simulation_pairs import Seats
from slotengine.solver.chances import foreseen, learned, percent
from slotengine.solver.columns import MICROSECOND, MINUTE_US
from slotengine.solver.encoding import NEVER, Flags, Ints, Reals
from slotengine.solver.freeing import Holders, freed, path
from slotengine.solver.prices import prices


class _Stated(NamedTuple):
    """A chance that was stated: the raw one, before which instant, and whether a seat came."""

    raw: float
    before_us: int
    seated: bool = False


class _Promises:
    """
    Where promises may move, kept between arrivals: only time and what is free change it.

    What a row may have is known from when the seat is promised, and asked again when slots are
    published; of each pair it is known then until when it stands.
    """

    def __init__(self, clerk: Clerk) -> None:
        self._clerk = clerk
        self._rows: Ints = np.zeros(0, dtype=np.int64)
        self._pairs: Ints | None = None

    def note(self, row: int, found: Seats) -> None:
        """Keeps what a row that was just promised a seat may have."""
        if self._pairs is not None:
            at = int(np.searchsorted(self._pairs[0], row))
            new = self._until(np.full(len(found.seat), row), found)
            self._pairs = np.concatenate((self._pairs[:, :at], new, self._pairs[:, at:]), axis=1)
            before = np.searchsorted(self._rows, row)
            self._rows = np.concatenate((self._rows[:before], [row], self._rows[before:]))

    def forget(self) -> None:
        """Asks anew the next time: there are other seats than before."""
        self._pairs = None

    def holders(self) -> tuple[Ints, Holders]:
        """Gives the promises that may move, and the seats that keep them and can still be told."""
        clerk = self._clerk
        rows = clerk.promised
        row, seat, cost, reach, tell = self._pairs_of(rows)
        sits = clerk.seated()[rows]
        open_ = clerk.free
        open_[sits] = True
        of = np.searchsorted(rows, row)
        own = seat == sits[of]
        now = clerk.now_us
        keep = ((own & (reach >= now)) | (open_[seat] & (tell >= now))).nonzero()[0]
        start = np.searchsorted(of[keep], np.arange(len(rows) + 1))
        return rows, Holders(start, seat[keep].astype(np.int32), cost[keep], sits.astype(np.int32))

    def _pairs_of(self, rows: Ints) -> Ints:
        """Gives (5, N) row, seat, cost, until when it is reached, until when it can be told too."""
        if self._pairs is None:
            of, seats = self._clerk.pairs_of(rows)
            self._pairs = self._until(rows[of], seats)
        elif not np.array_equal(rows, self._rows):
            self._pairs = self._pairs[:, np.isin(self._pairs[0], rows)]
        self._rows = rows
        return self._pairs

    def _until(self, row: Ints, seats: Seats) -> Ints:
        rules = self._clerk.policy
        reach = seats.begins_us - rules.notice // MICROSECOND - seats.minutes * MINUTE_US
        tell = seats.begins_us - rules.promises.notice // MICROSECOND
        return np.stack((row, seats.seat, seats.cost, reach, np.minimum(reach, tell)))


class Ours:
    """
    Prices seats every hour, promises what the Policy says, and asks who waits one by one.

    Parameters
    ----------
    seed
        Of the sampled futures.
    """

    name = "ours"

    def __init__(self, *, seed: int = 0) -> None:
        self._seed = seed
        self._clerk: Clerk | None = None
        self._price: Ints = np.zeros(0, dtype=np.int64)
        self._known: Flags = np.zeros(0, dtype=np.bool_)
        self._stated: dict[int, _Stated] = {}
        self._outcomes: list[tuple[float, float]] = []
        self._lately: Lately | None = None
        self._kept: _Promises | None = None

    @property
    def clerk(self) -> Clerk:
        """The clerk of the run."""
        if self._clerk is None:
            raise RuntimeError("a desk is started before it is asked")
        return self._clerk

    @property
    def lately(self) -> Lately:
        """Who came during the run, and was served."""
        if self._lately is None:
            raise RuntimeError("a desk is started before it is asked")
        return self._lately

    @property
    def _promises(self) -> "_Promises":
        if self._kept is None:
            raise RuntimeError("a desk is started before it is asked")
        return self._kept

    def start(self, clerk: Clerk) -> None:
        """Meets the clerk, prices what is there and asks those who wait already."""
        self._clerk = clerk
        self._lately = Lately(clerk)
        self._kept = _Promises(clerk)
        self._price = np.zeros(len(clerk.free), dtype=np.int64)
        self._known = np.zeros(len(clerk.free), dtype=np.bool_)
        self._reprice()
        self._refill()

    def arrived(self, row: int) -> None:
        """Gives the best seat that is worth more than its price, or lets wait."""
        self.lately.came(row)
        if not self._serve(row):
            self.clerk.wait(row)

    def published(self, seats: Ints) -> None:
        """Prices new seats as their neighbours are and asks those who wait."""
        self._promises.forget()
        self._borrow(seats)
        self._refill()

    def freed(self, seat: int, row: int) -> None:
        """Asks those who wait."""
        del row
        if not self._known[seat]:
            # It was nobody's to price while it was taken.
            self._borrow(np.array([seat]))
        self._refill()

    def tick(self, *, hour: bool) -> None:
        """Prices anew every hour, then asks those who wait."""
        if hour:
            self._reprice()
            self._refill()

    def _reprice(self) -> None:
        """Samples futures with every given seat where it is, as ``repricing`` does."""
        clerk = self.clerk
        rules = clerk.policy.pricing
        moment = clerk.moment(clerk.waiting.tolist())
        forecast = learn(clerk.policy, clerk.history(), now=clerk.now, horizon=rules.horizon)
        self._seed += 1
        found = prices(
            moment.problem,
            forecast,
            futures=rules.futures,
            seed=self._seed,
            quotas=self._floors().quotas(),
        )
        self._price[:] = 0
        self._known[:] = False
        self._price[moment.seats] = found.of_seat
        self._known[moment.seats] = True
        self._state_chances(moment.rows, found.served)

    def _state_chances(self, rows: Ints, served: Reals) -> None:
        """States each waiting patient's chance once, corrected by what became of earlier ones."""
        clerk = self.clerk
        horizon = clerk.now + clerk.policy.pricing.horizon
        before = {
            row: min(clerk.referral(row).deadline or horizon, horizon) for row in rows.tolist()
        }
        raw = {
            row: foreseen(share, open_hours(clerk.policy, clerk.now, before[row]))
            for row, share in zip(before, served.tolist(), strict=True)
        }
        correction = learned([*self._so_far(raw), *self._outcomes])
        for row in [row for row in raw if row not in self._stated]:
            due = clerk.now_us + (before[row] - clerk.now) // MICROSECOND
            self._stated[row] = _Stated(raw[row], due)
            clerk.state_chance(row, percent(correction.chance(raw[row])), before[row])

    def _so_far(self, raw: Mapping[int, float]) -> list[tuple[float, float]]:
        """Gives how chances not yet due stand, by the raw ones of now; notes those that are due."""
        clerk = self.clerk
        found = []
        for row, stated in list(self._stated.items()):
            if stated.before_us == NEVER:
                continue
            seated = stated.seated or clerk.seat_of(row) != NO_SEAT
            self._stated[row] = stated._replace(seated=seated)
            if stated.before_us <= clerk.now_us:
                self._outcomes.append((stated.raw, float(seated)))
            elif seated or row in raw:
                found.append((stated.raw, 1.0 if seated else raw[row]))
                continue
            # Due, or gone without a seat: nobody knows then whether one would have come.
            self._stated[row] = stated._replace(before_us=NEVER)
        return found

    def _borrow(self, seats: Ints) -> None:
        """Prices seats that have no price yet as their neighbours that are free, 0 without any."""
        clerk = self.clerk
        known = np.flatnonzero(self._known & clerk.free).tolist()
        if known:
            prices = self._price[known].tolist()
            near = zip(map(clerk.slot, known), prices, strict=True)
            neighbours = Neighbours(clerk.policy.zone, clerk.practitioners, near, prices)
            for seat in seats.tolist():
                self._price[seat] = neighbours.price_of(clerk.slot(seat))
        self._known[seats] = True

    def _refill(self) -> None:
        """Gives free seats to those who wait, the largest gain first; floors last."""
        clerk = self.clerk
        floors = self._floors()
        while True:
            rows = clerk.waiting
            if not len(rows):
                return
            of, seats = clerk.pairs_of(rows)
            values = np.array([clerk.value(row) for row in rows.tolist()])
            gain = values[of] - seats.cost - self._price[seats.seat]
            short = np.array([self._short(floors, row) for row in rows.tolist()])
            may = np.flatnonzero(clerk.free[seats.seat] & ((gain >= 0) | short[of]))
            given: set[int] = set()
            for at in may[np.argsort(-gain[may], kind="stable")].tolist():
                row, seat = int(rows[of[at]]), int(seats.seat[at])
                if row in given or not clerk.free[seat]:
                    continue
                if gain[at] >= 0 or self._short(floors, row):
                    clerk.book(row, seat)
                    floors.serve(clerk.referral(row))
                    given.add(row)
            if not given:
                return

    def _floors(self) -> Floors:
        """Gives how far floors are met now, counted as at the counter."""
        return Floors(self.lately, self.clerk.policy, now=self.clerk.now)

    def _short(self, floors: Floors, row: int) -> bool:
        """Tells whether nothing is kept from a referral, because its class is short."""
        return floors.short(self.clerk.referral(row)) is not None

    def _serve(self, row: int) -> bool:
        """Takes the seat with the best score, others' promises moved where that is worth it."""
        clerk = self.clerk
        found = clerk.seats_of(row)
        if not len(found.seat):
            return False
        rows, holders = self._promises.holders()
        worth = freed(holders, self._price, clerk.free)
        price = worth.cost[found.seat]
        score = np.where(price == NEVER, -NEVER, clerk.value(row) - found.cost - price)
        best = int(np.argmax(score))
        kept = score[best] < 0 and not self._short(self._floors(), row)
        if kept or price[best] == NEVER:
            return False
        seat = int(found.seat[best])
        for holder, goes in path(worth, holders, seat):
            clerk.move(int(rows[holder]), goes)
        rules = clerk.policy.promises
        ahead = found.begins_us[best] - rules.notice // MICROSECOND >= clerk.now_us
        # A seat too near to be told ahead is told at once: nothing is left to promise.
        if ahead and clerk.referral(row).priority in rules.priorities:
            clerk.promise(row, seat)
            self._promises.note(row, found)
        else:
            clerk.book(row, seat)
        return True
