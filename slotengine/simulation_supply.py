"""
Which slots are given, and when they are published: the simulated world's own model of supply.

Practitioners have habits (the same hour on the same weekday), as a forecast of openings may hope,
and break them, as it must fear. Figures without a source are our choice.
"""

from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

import numpy as np

from slotengine.domain import Slot
from slotengine.forecast import Opening
from slotengine.opening import opening_spans
from slotengine.simulation_land import Generator, Giver, Land

SLOTS_A_DAY = 3.25
"""Slots of one practitioner and day: 6.5 in two days (SOLVER's evidence)."""

HABIT_KEPT = 0.8
"""Chance that a session is at its usual hour and not at any other."""

LATE_SHARE = 0.12
"""Share of sessions published on their own day, the earlier days' plan having changed."""

LATE_AHEAD_MINUTES = 75
"""A late session is published at least so long before it begins."""

LEAD_DAYS = (1, 12)
"""Days ahead at which all others are published, half-open."""

PUBLISHED_HOUR = timedelta(hours=12, minutes=30)
"""Local time at which agendas are filled in: the lunch break."""

QUARTER = 15
"""Minutes between the times at which a session may begin."""

END_OF_SESSION_SHARE = 0.75
"""Share of sessions at the end of a half-day, when the booked patients are through."""

END_OF_SESSION = ((11.0, 12.5), (16.5, 19.0))
"""Local hours between which those begin; the others begin at any hour."""


class Given(NamedTuple):
    """A slot and when it was published."""

    slot: Slot
    published_at: datetime


class MoreSlots(NamedTuple):
    """So many more slots of one practitioner, on one weekday (Monday 0) or on every day."""

    practitioner: str
    slots: int
    weekday: int | None = None

    def on(self, day: date) -> int:
        """Gives how many more there are on a day."""
        return self.slots if self.weekday in (None, day.weekday()) else 0


class Agendas:
    """Draws the slots of a land."""

    def __init__(self, land: Land, *, seed: int, more: tuple[MoreSlots, ...] = ()) -> None:
        self.land = land
        self.seed = seed
        self.more = more

    def day(self, day: date) -> list[Given]:
        """Gives the slots of all givers on a local day."""
        spans = opening_spans(self.land.policy, day)
        if not spans:
            return []
        found = []
        for serial, giver in enumerate(self.land.givers):
            # A stream of its own for each: what one gives more moves nobody else's.
            rng = np.random.default_rng([self.seed, day.toordinal(), serial, 5])
            found += self._session(rng, giver, serial, day, spans)
        return found

    def past(self, day: date) -> list[Opening]:
        """Gives a day of history."""
        return [opening(given) for given in self.day(day)]

    def _session(
        self,
        rng: Generator,
        giver: Giver,
        serial: int,
        day: date,
        spans: list[tuple[datetime, datetime]],
    ) -> list[Given]:
        count = int(SLOTS_A_DAY) + int(rng.random() < SLOTS_A_DAY % 1)
        length = timedelta(minutes=giver.minutes)
        habit = np.random.default_rng([self.seed, day.weekday(), serial, 6])
        kept = rng.random() < HABIT_KEPT
        begins = _begin(habit if kept else rng, spans, count * length, self.land.policy.zone)
        published = self._published(rng, day, begins, spans[0][0])
        more = sum(one.on(day) for one in self.more if one.practitioner == giver.practitioner.id)
        return [
            Given(
                Slot(
                    id=f"s{serial:04d}-{day:%Y%m%d}-{number:02d}",
                    territory=self.land.policy.territory,
                    practitioner=giver.practitioner.id,
                    site=giver.site.id,
                    start=begins + number * length,
                    end=begins + (number + 1) * length,
                    capacity=giver.seats,
                    modes=giver.modes,
                    audiences=giver.audiences,
                ),
                published,
            )
            for number in range(count + more)
        ]

    def _published(self, rng: Generator, day: date, begins: datetime, opens: datetime) -> datetime:
        late, luck = rng.random() < LATE_SHARE, float(rng.random())
        lead = int(rng.integers(*LEAD_DAYS))
        latest = begins - timedelta(minutes=LATE_AHEAD_MINUTES)
        if late and latest > opens:
            return opens + timedelta(minutes=int((latest - opens).total_seconds() * luck) // 60)
        zone = self.land.policy.zone
        noon = datetime(day.year, day.month, day.day, tzinfo=zone) + PUBLISHED_HOUR
        return (noon - timedelta(days=lead)).astimezone(UTC)


def opening(given: Given) -> Opening:
    """Gives what a store keeps of a slot's publication."""
    slot = given.slot
    return Opening(
        published_at=given.published_at,
        practitioner=slot.practitioner,
        site=slot.site,
        start=slot.start,
        minutes=int((slot.end - slot.start).total_seconds()) // 60,
        seats=slot.seats,
        modes=slot.modes,
    )


def _begin(
    rng: Generator, spans: list[tuple[datetime, datetime]], length: timedelta, zone: ZoneInfo
) -> datetime:
    """Draws when a session begins: at a quarter of an hour, so that it ends before closing."""
    quarters = [
        start + timedelta(minutes=minutes)
        for start, end in spans
        for minutes in range(0, int((end - start).total_seconds()) // 60, QUARTER)
        if start + timedelta(minutes=minutes) + length <= end
    ]
    if not quarters:
        return spans[0][0]
    late = [at for at in quarters if _at_the_end(at.astimezone(zone))]
    chosen = late if late and rng.random() < END_OF_SESSION_SHARE else quarters
    return chosen[int(rng.integers(len(chosen)))]


def _at_the_end(local: datetime) -> bool:
    hour = local.hour + local.minute / 60
    return any(begin <= hour <= end for begin, end in END_OF_SESSION)
