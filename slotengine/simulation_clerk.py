"""
The clerk: what a desk may see and do at an instant, and nothing else.

A desk under test is told what a real engine would know by now: referrals that came, slots that are
published, seats that are free. The clerk keeps the ledger, refuses what the world does not allow,
and writes down every step for the independent check.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import IntEnum
from typing import Literal, NamedTuple

import numpy as np

from slotengine.domain import Practitioner, Referral, Site, Slot
from slotengine.errors import InputError
from slotengine.forecast import Arrival, Endings, History, Opening
from slotengine.policy import Policy
from slotengine.simulation_moment import Moment, moment_of
from slotengine.simulation_pairs import Pairs, Seats
from slotengine.simulation_supply import Given, opening
from slotengine.simulation_world import World
from slotengine.solver.columns import MICROSECOND, MINUTE_US
from slotengine.solver.encoding import Flags, Ints

NO_SEAT = -1
"""In place of a seat: none."""

NOBODY = -1
"""In place of a row: the seat is free."""

Step = Literal["book", "promise", "move", "settle", "drop", "freed"]


class State(IntEnum):
    """Where a referral of the replay stands."""

    UNKNOWN = 0
    WAITING = 1
    BOOKED = 2
    PROMISED = 3
    GONE = 4


class Entry(NamedTuple):
    """One line of the ledger: what was done, when (microseconds), to whom, with which seat."""

    at_us: int
    step: Step
    row: int
    seat: int


class Chance(NamedTuple):
    """A chance that a desk stated: who, when, how many percent, and before when."""

    row: int
    at_us: int
    percent: int
    before_us: int


class Clerk:
    """
    What is known at ``now``. Rows and seats are indices into the world's Problem.

    Promises are kept by a seat that may move until ``policy.promises.notice`` before it starts;
    from then on it is fixed, whether or not the desk settled it.
    """

    def __init__(self, world: World) -> None:
        self._world = world
        self._ground = world.ground
        rows, seats = len(self._ground.received_us), len(self._ground.known_us)
        self._state = np.full(rows, State.UNKNOWN, dtype=np.int64)
        self._seat_of = np.full(rows, NO_SEAT, dtype=np.int64)
        self._row_of = np.full(seats, NOBODY, dtype=np.int64)
        self._settled = np.zeros(rows, dtype=np.bool_)
        self._published = np.zeros(seats, dtype=np.bool_)
        self._notice_us = world.policy.notice // MICROSECOND
        self._told_us = world.policy.promises.notice // MICROSECOND
        self._arrivals: list[Arrival] = list(world.history.arrivals)
        self._openings: list[Opening] = list(world.history.openings)
        self._ended = 0
        self.now_us = 0
        self.ledger: list[Entry] = []
        self.chances: list[Chance] = []
        self.moved = 0
        self.broken = 0

    # what a desk may see

    @property
    def now(self) -> datetime:
        """The present instant."""
        return self._world.problem.as_of + timedelta(microseconds=self.now_us)

    @property
    def policy(self) -> Policy:
        """The rules of the territory."""
        return self._world.policy

    @property
    def practitioners(self) -> tuple[Practitioner, ...]:
        """Who gives slots."""
        return self._world.problem.practitioners

    @property
    def sites(self) -> tuple[Site, ...]:
        """Where care is given."""
        return self._world.problem.sites

    @property
    def free(self) -> Flags:
        """Which seats are published and nobody's, (C,); some may have begun."""
        free: Flags = self._published & (self._row_of == NOBODY)
        return free

    @property
    def waiting(self) -> Ints:
        """Rows without a seat whose need stands and whose deadline has not passed."""
        stands = (self._state == State.WAITING) & (self._ground.due_us >= self.now_us)
        return np.flatnonzero(stands)

    @property
    def promised(self) -> Ints:
        """Rows with a promise whose seat may still move."""
        rows = np.flatnonzero((self._state == State.PROMISED) & ~self._settled)
        due = self._ground.begins_us[self._seat_of[rows]] - self._told_us
        return rows[due > self.now_us]

    def seats_of(self, row: int) -> Seats:
        """
        Gives the seats that a referral could have and reach in time, taken ones included.

        Raises
        ------
        InputError
            When it has not come yet.
        """
        self._known(row)
        return self.pairs_of(np.array([row])).seats

    def pairs_of(self, rows: Ints) -> Pairs:
        """
        Gives the seats of several referrals at once: what ``seats_of`` gives of each, in one go.

        Raises
        ------
        InputError
            When one of them has not come yet.
        """
        if np.any(self._state[rows] == State.UNKNOWN):
            raise InputError("one of the rows has not come yet")
        ground = self._ground
        first, many = ground.start[rows], np.diff(ground.start)[rows]
        of = np.repeat(np.arange(len(rows)), many)
        arc = np.arange(len(of)) + np.repeat(first - (np.cumsum(many) - many), many)
        begins = ground.begins_us[ground.seat[arc]]
        reached = self.now_us + self._notice_us + ground.minutes[arc] * MINUTE_US <= begins
        open_ = np.flatnonzero(reached & self._published[ground.seat[arc]])
        arc = arc[open_]
        return Pairs(
            of[open_],
            Seats(
                ground.seat[arc],
                ground.cost[arc],
                ground.metres[arc],
                ground.minutes[arc],
                begins[open_],
            ),
        )

    def value(self, row: int) -> int:
        """Gives what serving a referral is worth, in weighted minutes."""
        self._known(row)
        return int(self._ground.value[row])

    def seat_of(self, row: int) -> int:
        """Gives the seat of a referral, or ``NO_SEAT``."""
        self._known(row)
        return int(self._seat_of[row])

    def row_of(self, seat: int) -> int:
        """Gives who has a seat, or ``NOBODY``."""
        self._shown(seat)
        return int(self._row_of[seat])

    def referral(self, row: int) -> Referral:
        """Gives a referral that has come."""
        self._known(row)
        return self._world.problem.referrals[row]

    def slot(self, seat: int) -> Slot:
        """Gives the slot of a published seat."""
        self._shown(seat)
        return self._world.problem.slots[int(self._ground.slot[seat])]

    def begins_us(self, seat: int) -> int:
        """Gives when a published seat begins, in microseconds after the world's beginning."""
        self._shown(seat)
        return int(self._ground.begins_us[seat])

    def history(self) -> History:
        """Gives the past up to now: what a store would have kept."""
        past = self._world.history
        endings = Endings(
            confirmed=past.endings.confirmed + int(np.sum(self._state >= State.BOOKED)),
            cancelled=past.endings.cancelled + self._ended,
            missed=past.endings.missed,
        )
        return History(
            since=past.since,
            until=self.now,
            arrivals=tuple(self._arrivals),
            openings=tuple(self._openings),
            endings=endings,
        )

    def moment(self, rows: Sequence[int], promised: Sequence[int] = ()) -> Moment:
        """
        Gives a Problem of now: published slots to come, seats given as pins, some referrals.

        Parameters
        ----------
        rows
            Referrals without a seat.
        promised
            Referrals with a promise that may move: their seats count as free, they as promised.
        """
        for row in (*rows, *promised):
            self._known(row)
        ahead = np.flatnonzero(self._published & (self._ground.begins_us > self.now_us))
        holders = {
            seat: None if (row := int(self._row_of[seat])) == NOBODY else row
            for seat in ahead.tolist()
        }
        return moment_of(self._world, self.now, holders, rows, promised)

    # what a desk may do

    def book(self, row: int, seat: int) -> None:
        """
        Gives a waiting referral a seat for good.

        Raises
        ------
        InputError
            When the referral has a seat or is gone, the seat is taken, or the pair not allowed.
        """
        self._give(row, seat, State.BOOKED, "book")

    def promise(self, row: int, seat: int) -> None:
        """Promises a waiting referral a seat before its deadline, kept by this one for now."""
        self._give(row, seat, State.PROMISED, "promise")

    def move(self, row: int, seat: int) -> None:
        """
        Keeps a promise by another free seat, which can still be told its notice ahead.

        Raises
        ------
        InputError
            When the promise is fixed, or the seat is taken, too soon, or not allowed.
        """
        if not self.movable(row):
            raise InputError(f"row {row}: its seat is fixed, or it has no promise")
        self._allowed(row, seat)
        if self._ground.begins_us[seat] - self._told_us < self.now_us:
            raise InputError(f"row {row}: seat {seat} starts too soon to be told ahead")
        self._row_of[self._seat_of[row]] = NOBODY
        self._put(row, seat, "move")
        self.moved += 1

    def settle(self, row: int) -> None:
        """Announces a promise's seat: it is fixed from now on."""
        if self._state[row] != State.PROMISED:
            raise InputError(f"row {row} has no promise to announce")
        if not self._settled[row]:
            self._settled[row] = True
            self._write("settle", row, int(self._seat_of[row]))

    def drop(self, row: int) -> None:
        """Breaks a promise: the referral waits again. Counted."""
        if self._state[row] != State.PROMISED:
            raise InputError(f"row {row} has no promise to break")
        seat = int(self._seat_of[row])
        self._row_of[seat] = NOBODY
        self._seat_of[row] = NO_SEAT
        self._state[row] = State.WAITING
        self._settled[row] = False
        self.broken += 1
        self._write("drop", row, seat)

    def wait(self, row: int) -> None:
        """Leaves a referral on the waitlist: says so, and changes nothing."""
        if self._state[row] != State.WAITING:
            raise InputError(f"row {row} does not wait")

    def state_chance(self, row: int, percent: int, before: datetime | None = None) -> None:
        """States how likely a waiting referral gets a seat before an instant (its deadline)."""
        if self._state[row] != State.WAITING:
            raise InputError(f"row {row} does not wait")
        if not 0 <= percent <= 100:  # noqa: PLR2004  percent
            raise InputError(f"a chance of {percent} %")
        due = int(self._ground.due_us[row])
        limit = due if before is None else min(due, self._world.instant_us(before))
        self.chances.append(Chance(row, self.now_us, percent, limit))

    def movable(self, row: int) -> bool:
        """Tells whether a referral has a promise whose seat may still move."""
        if self._state[row] != State.PROMISED or self._settled[row]:
            return False
        return bool(self._ground.begins_us[self._seat_of[row]] - self._told_us > self.now_us)

    # what the world does

    def arrive(self, row: int) -> None:
        """A referral comes in."""
        self._state[row] = State.WAITING
        one = self._world.problem.referrals[row]
        if one.received_at < self._world.history.until:
            return
        place = one.patient.location
        self._arrivals.append(
            Arrival(
                at=one.received_at,
                source=one.source,
                priority=one.priority,
                professions=one.professions,
                insee=None if place is None else place.insee,
            )
        )

    def publish(self, seats: Ints) -> None:
        """Seats become visible."""
        self._published[seats] = True
        for at in sorted(set(self._ground.slot[seats].tolist())):
            published = self._world.published[at]
            if published >= self._world.history.until:
                self._openings.append(opening(Given(self._world.problem.slots[at], published)))

    def end(self, row: int) -> int:
        """A need ends: gives the seat that comes free by it, or ``NO_SEAT``."""
        seat = int(self._seat_of[row])
        if seat != NO_SEAT and self._ground.begins_us[seat] <= self.now_us:
            return NO_SEAT
        self._state[row] = State.GONE
        self._ended += 1
        if seat == NO_SEAT:
            return NO_SEAT
        self._seat_of[row] = NO_SEAT
        self._row_of[seat] = NOBODY
        self._write("freed", row, seat)
        return seat

    def seated(self) -> Ints:
        """Gives each referral's seat, (R,), ``NO_SEAT`` where it has none."""
        return self._seat_of.copy()

    # within

    def _known(self, row: int) -> None:
        if not 0 <= row < len(self._state) or self._state[row] == State.UNKNOWN:
            raise InputError(f"row {row} has not come yet")

    def _shown(self, seat: int) -> None:
        if not 0 <= seat < len(self._published) or not self._published[seat]:
            raise InputError(f"seat {seat} is not published yet")

    def _allowed(self, row: int, seat: int) -> None:
        self._known(row)
        self._shown(seat)
        if self._row_of[seat] != NOBODY:
            raise InputError(f"seat {seat} is taken")
        if not self._reached(row, seat):
            raise InputError(f"row {row} may not have seat {seat}, or can't reach it in time")

    def _reached(self, row: int, seat: int) -> bool:
        """Tells whether a referral may have a seat and be there in time: one of ``seats_of``."""
        first, last = (ground := self._ground).start[row : row + 2]
        there = self.now_us + self._notice_us + ground.minutes[first:last] * MINUTE_US
        return bool(np.any(ground.seat[first:last][there <= ground.begins_us[seat]] == seat))

    def _give(self, row: int, seat: int, state: State, step: Step) -> None:
        self._known(row)
        if self._state[row] != State.WAITING:
            raise InputError(f"row {row} has a seat, or its need has ended")
        self._allowed(row, seat)
        self._state[row] = state
        self._put(row, seat, step)

    def _put(self, row: int, seat: int, step: Step) -> None:
        self._row_of[seat] = row
        self._seat_of[row] = seat
        self._write(step, row, seat)

    def _write(self, step: Step, row: int, seat: int) -> None:
        self.ledger.append(Entry(self.now_us, step, row, seat))
