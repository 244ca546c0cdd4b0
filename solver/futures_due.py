"""Deadlines of thousands of arrivals at once, equal to what ``opening.deadline`` gives each."""

from datetime import date, datetime, timedelta

import numpy as np

from slotengine.codes import Priority
from slotengine.opening import SEARCH_DAYS, opening_spans
from slotengine.policy import Counting, Policy
from slotengine.solver.encoding import NEVER, Ints

DAY = timedelta(days=1)
MICROSECOND = timedelta(microseconds=1)


class Due:
    """
    The deadlines of a Policy for arrivals from ``as_of`` on; opening days are read once.

    The same walk over opening spans as ``opening.deadline``, for all arrivals side by side.
    """

    def __init__(self, policy: Policy, as_of: datetime) -> None:
        """Reads nothing yet: days are opened as they are asked for."""
        self._policy, self._as_of = policy, as_of
        self._first = as_of.astimezone(policy.zone).date()
        self._days: list[list[tuple[int, int]]] = []

    def of(self, priority: Priority, received_us: Ints) -> Ints:
        """Gives the last instant at which a seat may start, (N,) microseconds after ``as_of``."""
        length = self._policy.deadlines.of(priority) // MICROSECOND
        by_the_clock: Ints = received_us + length
        if self._policy.counting is Counting.ELAPSED:
            return by_the_clock
        left = np.full(len(received_us), length, dtype=np.int64)
        due = np.full(len(received_us), NEVER, dtype=np.int64)
        last = (int(received_us.max(initial=0)) * MICROSECOND) // DAY + SEARCH_DAYS
        for ahead in range(last):
            waiting = due == NEVER
            if not waiting.any():
                break
            for start, end in self._spans(ahead):
                begin = np.maximum(start, received_us)
                room = np.maximum(0, end - begin)
                ends_here = waiting & (room > 0) & (room >= left)
                due[ends_here] = (begin + left)[ends_here]
                left -= np.where(waiting & ~ends_here, room, 0)
                waiting &= ~ends_here
        return np.where(due == NEVER, by_the_clock, due)

    def _spans(self, ahead: int) -> list[tuple[int, int]]:
        while len(self._days) <= ahead:
            day: date = self._first + len(self._days) * DAY
            self._days.append(
                [
                    ((start - self._as_of) // MICROSECOND, (end - self._as_of) // MICROSECOND)
                    for start, end in opening_spans(self._policy, day)
                ]
            )
        return self._days[ahead]
