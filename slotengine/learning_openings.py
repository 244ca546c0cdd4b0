"""
Which slots will open that are not published yet, learned from when practices published before.

A pattern is a practitioner, a site, a weekday and a local time. How often it was there in the weeks
seen, and how long ahead it was published, give the chance that it opens in time once more.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import NamedTuple

from slotengine.forecast import DAYS_A_WEEK, History, Opening, OpeningRate
from slotengine.opening import is_holiday
from slotengine.policy import Policy

PATTERN_WEEKS = timedelta(weeks=12)
"""How far back patterns are read: agendas change with the season. Our choice."""

DOUBT_WEEKS = 1
"""
Weeks without the slot that are added to those seen: once in one week is a chance of 1/2, twelve
times in twelve 12/13. To expect too few openings keeps seats for others, the safer error.
"""

LEAST_CHANCE = 0.01
"""Slots less likely than this are left out."""

MOST_OPENINGS = 2_000
"""Slots listed at most, the likeliest: as many as a large territory publishes in three days."""

DAY = timedelta(days=1)


class Pattern(NamedTuple):
    """A slot that comes back every week."""

    practitioner: str
    site: str
    weekday: int
    at: time


def openings_of(
    policy: Policy, history: History, *, now: datetime, horizon: timedelta
) -> tuple[OpeningRate, ...]:
    """
    Gives the slots that may open and start within the horizon, by start.

    Slots known by now are not among them: they are in the Problem, or were taken back. Nothing
    opens on a holiday.
    """
    zone = policy.zone
    known = [opening for opening in history.openings if opening.published_at <= now]
    since = max(history.since, now - PATTERN_WEEKS)
    patterns: dict[Pattern, list[Opening]] = defaultdict(list)
    first: dict[str, date] = {}
    for opening in known:
        if since <= opening.start <= now:
            local = opening.start.astimezone(zone)
            patterns[_pattern(opening, local)].append(opening)
            begun = first.get(opening.practitioner, local.date())
            first[opening.practitioner] = min(begun, local.date())
    taken = {(opening.practitioner, opening.start) for opening in known if opening.start > now}
    days: dict[int, list[date]] = defaultdict(list)
    for day in _days(policy, now, now + horizon):
        days[day.weekday()].append(day)
    found = []
    for pattern, past in patterns.items():
        if pattern.weekday not in days:
            continue
        weeks = _weeks(policy, pattern.weekday, first[pattern.practitioner], now)
        often = len({opening.start for opening in past}) / (weeks + DOUBT_WEEKS)
        for day in days[pattern.weekday]:
            start = datetime.combine(day, pattern.at, zone).astimezone(UTC)
            soon = now < start <= now + horizon
            if not soon or (pattern.practitioner, start) in taken:
                continue
            chance = _chance(policy, past, often, start - now)
            if chance >= LEAST_CHANCE:
                found.append(_rate(pattern, past, start, chance))
    likeliest = sorted(found, key=lambda rate: (-rate.chance, rate.start, rate.practitioner))
    return tuple(
        sorted(
            likeliest[:MOST_OPENINGS], key=lambda rate: (rate.start, rate.practitioner, rate.site)
        )
    )


def _pattern(opening: Opening, local: datetime) -> Pattern:
    return Pattern(opening.practitioner, opening.site, local.weekday(), local.time())


def _days(policy: Policy, begin: datetime, end: datetime) -> Iterable[date]:
    """Gives the local days from one instant to another that are no holidays."""
    day, last = begin.astimezone(policy.zone).date(), end.astimezone(policy.zone).date()
    while day <= last:
        if not is_holiday(policy, day):
            yield day
        day += DAY


def _weeks(policy: Policy, weekday: int, first: date, now: datetime) -> int:
    """Gives how many such weekdays were no holidays since a practitioner's first slot."""
    last = now.astimezone(policy.zone).date()
    day = first + ((weekday - first.weekday()) % DAYS_A_WEEK) * DAY
    count = 0
    while day <= last:
        count += not is_holiday(policy, day)
        day += DAYS_A_WEEK * DAY
    return count


def _chance(policy: Policy, past: Sequence[Opening], often: float, ahead: timedelta) -> float:
    """
    Gives how likely a slot opens that is not published yet so long ahead, and in time.

    What used to be published earlier than this and is not there is less likely to come at all
    (Bayes).
    """
    leads = [opening.start - opening.published_at for opening in past]
    later = sum(lead < ahead for lead in leads) / len(leads)
    in_time = sum(policy.notice <= lead < ahead for lead in leads) / len(leads)
    not_seen = often * later + 1 - often
    return often * in_time / not_seen if not_seen else 0.0


def _rate(pattern: Pattern, past: Sequence[Opening], start: datetime, chance: float) -> OpeningRate:
    latest = max(past, key=lambda opening: (opening.start, opening.published_at))
    # The usual number, the larger of two equally usual ones; the rest as it was last.
    usual = Counter(opening.seats for opening in past)
    return OpeningRate(
        practitioner=pattern.practitioner,
        site=pattern.site,
        start=start,
        minutes=latest.minutes,
        seats=max(usual, key=lambda seats: (usual[seats], seats)),
        modes=latest.modes,
        chance=min(1.0, chance),
    )
