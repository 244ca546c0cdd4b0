"""Pasts of one territory, made by hand, and what is expected of the days after them."""

from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from builders import NOW, TOWN, policy

from slotengine.codes import Mode, Priority, Profession, SourceKind
from slotengine.counter_rules import Commune, Forecasting
from slotengine.domain import Location
from slotengine.forecast import Arrival, Forecast, History, Opening
from slotengine.learning import learn
from slotengine.policy import OpeningHours, Policy

PARIS = ZoneInfo("Europe/Paris")
DAY = timedelta(days=1)
WEEK = timedelta(weeks=1)
DOCTOR = (Profession.PHYSICIAN,)

A_DAY = 89.0
"""Referrals a weekday of 80,000 inhabitants: 23+15+12+12+8+5+5+4+3+2."""

TUESDAY = (OpeningHours(weekday=1, start=time(8), end=time(20)),)


def town(inhabitants: int = 80_000, insee: str = "44114", north: float = 0.0) -> Commune:
    place = Location(lat=TOWN.lat + north, lon=TOWN.lon, insee=insee)
    return Commune(insee=insee, inhabitants=inhabitants, location=place)


def rules(**changes: Any) -> Policy:
    fields: dict[str, Any] = {
        "communes": (town(),),
        "forecast": Forecasting(prior_days=20, lean=1.0),
    }
    return policy(**{**fields, **changes})


def arrival(at: datetime, **changes: Any) -> Arrival:
    fields: dict[str, Any] = {
        "at": at,
        "source": SourceKind.PHARMACY,
        "priority": Priority.URGENT,
        "professions": DOCTOR,
        "insee": "44114",
    }
    return Arrival(**{**fields, **changes})


def past(*arrivals: Arrival, days: int = 364, until: datetime = NOW, **changes: Any) -> History:
    return History(since=until - days * DAY, until=until, arrivals=arrivals, **changes)


TUESDAYS_OFF = (date(2023, 8, 15), date(2025, 11, 11), date(2026, 7, 14))
"""Holidays among the Tuesdays of these years."""


def tuesdays(
    many: int, a_day: int, hour: int = 12, last: date = date(2026, 11, 17), **changes: Any
) -> list[Arrival]:
    """Arrivals of as many open Tuesdays, at one local hour."""
    back = (last - week * WEEK for week in range(many + len(TUESDAYS_OFF)))
    open_ones = [day for day in back if day not in TUESDAYS_OFF][:many]
    return [
        arrival(datetime.combine(day, time(hour, 30), PARIS) + timedelta(seconds=one), **changes)
        for day in open_ones
        for one in range(a_day)
    ]


def on_day(found: Forecast, day: date, zone: ZoneInfo = PARIS) -> float:
    """What is expected on one local day."""
    return sum(
        rate
        for hour, rate in enumerate(found.hourly)
        if (found.as_of + hour * timedelta(hours=1)).astimezone(zone).date() == day
    )


def from_midnight(day: date, zone: ZoneInfo = PARIS) -> datetime:
    return datetime.combine(day, time(0), zone)


def expect(given: Policy, history: History | None = None, *, day: date, days: int = 1) -> Forecast:
    now = from_midnight(day, given.zone)
    return learn(given, history or past(until=now), now=now, horizon=days * DAY)


def opening(**changes: Any) -> Opening:
    start = changes.pop("start", datetime(2026, 11, 17, 10, tzinfo=PARIS))
    fields: dict[str, Any] = {
        "published_at": start - timedelta(hours=20),
        "practitioner": "d1",
        "site": "s1",
        "start": start,
        "minutes": 15,
        "seats": 1,
        "modes": (Mode.AMB,),
    }
    return Opening(**{**fields, **changes})
