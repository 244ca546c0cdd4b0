"""
How many referrals come on an open day, and how they spread over weekdays and hours.

A day's size is a level times a factor of its weekday and one of the day after a holiday; within a
day hours share it. Each figure is the mean of a gamma or Dirichlet posterior whose prior is a
made-up past of ``Policy.forecast.prior_days`` open days that went as ``learning_priors`` says.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import NamedTuple, TypeVar

from slotengine import learning_priors as priors
from slotengine.forecast import Arrival
from slotengine.opening import is_holiday, opening_spans
from slotengine.policy import Policy

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
MINUTES_PER_HOUR = 60

OpenHours = dict[int, float]
"""How long a day is open within each local hour, in hours."""


class Piece(NamedTuple):
    """Open time within one local hour of one day."""

    day: date
    hour: int
    begin: datetime
    end: datetime


def open_pieces(policy: Policy, begin: datetime, end: datetime) -> Iterable[Piece]:
    """Gives the open time of ``[begin, end)`` cut at the full hours of local clocks, in order."""
    day, last = begin.astimezone(policy.zone).date(), end.astimezone(policy.zone).date()
    # Hours are added below: by the clock of UTC, for a local one jumps twice a year.
    begin, end = begin.astimezone(UTC), end.astimezone(UTC)
    while day <= last:
        for opens, closes in opening_spans(policy, day):
            at, stop = max(opens, begin), min(closes, end)
            while at < stop:
                local = at.astimezone(policy.zone)
                past = local - local.replace(minute=0, second=0, microsecond=0)
                until = min(stop, at + HOUR - past)
                yield Piece(day, local.hour, at, until)
                at = until
        day += DAY


class Rhythm:
    """What was learned: ``prior_arrivals`` is how many the made-up past brought."""

    def __init__(
        self,
        policy: Policy,
        seen: Sequence[Piece],
        came: Sequence[Arrival],
        seats_a_day: float | None = None,
    ) -> None:
        """Learns from open time that was seen, the arrivals in it, and the seats of a day."""
        self._policy = policy
        self._seats_a_day = seats_a_day
        local = [arrival.at.astimezone(policy.zone) for arrival in came]
        by_day = Counter(at.date() for at in local)
        week = _usual_week(policy)
        usual = {day: _whole(hours) * priors.WEEKDAY_FACTOR[day] for day, hours in week.items()}
        mean = sum(usual.values()) / len(usual) if usual else 0.0
        days = _by_day(seen)
        sizes = {day: _size(policy, day, hours) for day, hours in days.items()}
        self._level = self._learned_level(mean, len(came), sum(sizes.values()))
        made_up_days = float(policy.forecast.prior_days)
        self.prior_arrivals = made_up_days * self._level * mean
        each = made_up_days * self._level / len(usual) if usual else 0.0
        # Factors compare days with each other, so with the level that was seen: beside the learned
        # one a quiet territory would look quiet on every weekday, and count twice.
        seen_level = len(came) / sum(sizes.values()) if sizes else 0.0
        self._weekday = {
            weekday: _factor(
                each * size,
                sum(many for day, many in by_day.items() if day.weekday() == weekday),
                sum(one for day, one in sizes.items() if day.weekday() == weekday) * seen_level,
            )
            for weekday, size in usual.items()
        }
        after = [day for day in sizes if _after_holiday(policy, day)]
        self._after_holiday = _factor(
            each * mean,
            sum(by_day[day] for day in after),
            sum(sizes[day] * self._weekday[day.weekday()] for day in after) * seen_level,
        )
        made_up = _spread(week, dict.fromkeys(week, 1.0))
        scale = self.prior_arrivals / len(week) if week else 0.0
        by_hour = Counter(at.hour for at in local)
        expected = _spread(days, by_day)
        self._hour = {
            hour: _hour_weight(hour) * _factor(part * scale, by_hour[hour], expected.get(hour, 0.0))
            for hour, part in made_up.items()
        }

    def hourly(self, now: datetime, hours: int) -> tuple[float, ...]:
        """Gives what to expect in each hour from ``now`` on, the lean included."""
        policy, end = self._policy, now + hours * HOUR
        # Whole days, so that an hour's share of its day does not depend on when one asks.
        begin = datetime.combine(now.astimezone(policy.zone), time(0), policy.zone)
        last = datetime.combine(end.astimezone(policy.zone) + DAY, time(0), policy.zone)
        ahead = list(open_pieces(policy, begin, last))
        sizes = {day: self._of_day(day, hours) for day, hours in _by_day(ahead).items()}
        found = [0.0] * hours
        for piece in ahead:
            rate = sizes[piece.day] * self._weight(piece.hour) * policy.forecast.lean
            for cell, part in _cells(piece, now, hours):
                found[cell] += rate * part
        return tuple(found)

    def _learned_level(self, mean: float, came: int, seen: float) -> float:
        """Gives how many come on a day of size 1: a weekday from 8 to 20 h without any factor."""
        inhabitants = sum(commune.inhabitants for commune in self._policy.communes)
        prior = sum(priors.DAILY_RATE.values()) * inhabitants / priors.PER_INHABITANTS
        if self._seats_a_day is not None and mean > 0:
            # A territory that begins is asked for a part of its need: by those who know of it.
            prior = min(prior, self._seats_a_day / mean)
        # Where nobody is known to live the priors say nothing, and only what was seen counts.
        made_up = self._policy.forecast.prior_days * mean if inhabitants else 0.0
        return (prior * made_up + came) / (made_up + seen) if made_up + seen else 0.0

    def _of_day(self, day: date, hours: OpenHours) -> float:
        """Gives how many a day brings in an hour of weight 1."""
        many = _size(self._policy, day, hours) * self._weekday[day.weekday()] * self._level
        if _after_holiday(self._policy, day):
            many *= self._after_holiday
        return many / sum(self._weight(hour) * length for hour, length in hours.items())

    def _weight(self, hour: int) -> float:
        # When clocks change, a span may fall into an hour in which the week is never open.
        return self._hour.get(hour, _hour_weight(hour))


def _cells(piece: Piece, now: datetime, hours: int) -> Iterable[tuple[int, float]]:
    """Gives which hours from ``now`` on hold how much of a piece: at most two."""
    first = (piece.begin - now) // HOUR
    for cell in (first, first + 1):
        begin, end = now + cell * HOUR, now + (cell + 1) * HOUR
        part = (min(end, piece.end) - max(begin, piece.begin)) / HOUR
        if part > 0 and 0 <= cell < hours:
            yield cell, part


def _factor(made_up: float, came: float, expected: float) -> float:
    """Gives the mean of a gamma posterior whose prior has mean 1 and weighs ``made_up``."""
    return (made_up + came) / (made_up + expected) if made_up + expected else 1.0


def _usual_week(policy: Policy) -> dict[int, OpenHours]:
    """Gives the open hours of each weekday that has some, Monday 0."""
    week: dict[int, OpenHours] = defaultdict(lambda: defaultdict(float))
    for opening in policy.opening:
        start, end = _hours_of(opening.start), _hours_of(opening.end)
        for hour in range(int(start), int(end) + 1):
            part = min(end, hour + 1) - max(start, hour)
            if part > 0:
                week[opening.weekday][hour] += part
    return week


def _hours_of(at: time) -> float:
    midnight = datetime.combine(date.min, time(0))
    return (datetime.combine(date.min, at) - midnight) / HOUR


def _by_day(pieces: Iterable[Piece]) -> dict[date, OpenHours]:
    days: dict[date, OpenHours] = defaultdict(lambda: defaultdict(float))
    for piece in pieces:
        days[piece.day][piece.hour] += (piece.end - piece.begin) / HOUR
    return days


def _hour_weight(hour: int) -> float:
    return priors.HOUR_WEIGHT.get(hour, priors.OTHER_HOUR_WEIGHT)


def _whole(hours: OpenHours) -> float:
    """Gives which part of a weekday from 8 to 20 h some open hours are by the priors."""
    return sum(_hour_weight(hour) * length for hour, length in hours.items()) / priors.WHOLE_DAY


def _size(policy: Policy, day: date, hours: OpenHours) -> float:
    """Gives what the priors make of a day's open hours, factors included."""
    size = _whole(hours) * priors.WEEKDAY_FACTOR[day.weekday()]
    return size * priors.AFTER_HOLIDAY_FACTOR if _after_holiday(policy, day) else size


def _after_holiday(policy: Policy, day: date) -> bool:
    """Tells whether the day before would have been open but was a holiday."""
    before = day - DAY
    usually = any(hours.weekday == before.weekday() for hours in policy.opening)
    return usually and is_holiday(policy, before)


_Day = TypeVar("_Day", int, date)
"""A weekday, or a date."""


def _spread(days: Mapping[_Day, OpenHours], many: Mapping[_Day, float]) -> dict[int, float]:
    """Spreads each day's arrivals over its hours as the priors say."""
    found: dict[int, float] = defaultdict(float)
    for day, hours in days.items():
        scale = many.get(day, 0) / (_whole(hours) * priors.WHOLE_DAY)
        for hour, length in hours.items():
            found[hour] += _hour_weight(hour) * length * scale
    return found
