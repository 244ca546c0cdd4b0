"""Until when an arrival is due, and which seats it can have by then, to the microsecond."""

from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from builders import NOW, TOWN, north_of, practitioner, problem, site, slot
from hypothesis import given, settings
from hypothesis import strategies as st
from sampled import HOUR, MICROSECOND, arcs, forecast, kind, rules

from slotengine.codes import Priority
from slotengine.domain import Location
from slotengine.forecast import Forecast
from slotengine.opening import deadline
from slotengine.policy import Counting
from slotengine.solver.futures import futures
from slotengine.solver.futures_draws import ArrivalDraws
from slotengine.solver.futures_due import Due


@settings(deadline=None, derandomize=True, max_examples=150)
@given(
    begin=st.datetimes(datetime(2026, 10, 1), datetime(2027, 4, 30), timezones=st.just(UTC)),  # noqa: DTZ001  Hypothesis adds the zone
    after=st.lists(st.integers(0, 6 * 24 * 3600), min_size=1, max_size=6),
    counting=st.sampled_from(Counting),
    priority=st.sampled_from(Priority),
    place=st.sampled_from([None, "57", "974"]),
)
def test_deadlines_of_many_are_those_of_each(
    begin: datetime, after: list[int], counting: Counting, priority: Priority, place: str | None
) -> None:
    zone = "Indian/Reunion" if place == "974" else "Europe/Paris"
    one = rules(counting=counting, holiday_subdivision=place, timezone=zone)
    received = np.array(after, dtype=np.int64) * 1_000_000
    found = Due(one, begin).of(priority, received)
    expected = [
        (deadline(one, priority, begin + timedelta(seconds=at)) - begin) // MICROSECOND
        for at in after
    ]
    assert found.tolist() == expected


def test_a_territory_that_never_opens_counts_by_the_clock() -> None:
    found = Due(rules(opening=()), NOW).of(Priority.URGENT, np.array([0, 60_000_000]))
    assert found.tolist() == [12 * 3_600_000_000, 12 * 3_600_000_000 + 60_000_000]


@pytest.mark.parametrize(("hours", "seen"), [(12, False), (13, True)])
def test_who_is_due_after_the_forecast_ends_is_out_of_its_sight(hours: int, *, seen: bool) -> None:
    """Urgent is due 12 h later, by the clock; all come in the first hour."""
    one = problem(policy=rules(counting=Counting.ELAPSED))
    expected = forecast(kind(), hourly=(20.0, *(0.0,) * (hours - 1)))
    (future,) = futures(one, expected, count=1, seed=0)
    waits = len(one.referrals)
    assert future.in_sight[:waits].all()
    assert len(future.value) > waits
    assert future.in_sight[waits:].tolist() == [seen] * (len(future.value) - waits)


def first_arrival(expected: Forecast, seed: int = 0) -> datetime:
    at_us = int(ArrivalDraws(rules(), expected).of(seed, 0).at_us[0])
    return expected.as_of + at_us * MICROSECOND


def seats_of_first(*starts: datetime, where: Location = TOWN, **changes: Any) -> set[int]:
    """Which of the slots, each of another practitioner, the first arrival may have."""
    people = [practitioner(f"d{at}") for at in range(len(starts))]
    slots = [
        slot(f"slot{at}", practitioner=f"d{at}", start=start, end=start + HOUR, **changes)
        for at, start in enumerate(starts)
    ]
    one = problem(
        policy=rules(),
        practitioners=people,
        sites=(site(location=where),),
        slots=slots,
        referrals=(),
    )
    (future,) = futures(one, forecast(), count=1, seed=0)
    return set(arcs(future, 0))


def test_an_arrival_must_be_there_in_time_counted_from_its_own_instant() -> None:
    """Told in 10 minutes: a seat 10 minutes after it came is in time, one of a minute less not."""
    told = first_arrival(forecast()) + timedelta(minutes=10)
    assert seats_of_first(told, told - MICROSECOND, told - timedelta(minutes=1)) == {0}


def test_the_way_counts_too() -> None:
    """20 km as the crow flies are 24.2 of road (factor 1.1 + 0.3 / e): 33 min at 45 km/h."""
    told = first_arrival(forecast()) + timedelta(minutes=10 + 33)
    assert seats_of_first(told - MICROSECOND, told, where=north_of(TOWN, 20_000)) == {1}


def test_an_arrival_may_have_a_seat_at_its_deadline_and_none_later() -> None:
    due = deadline(rules(), Priority.URGENT, first_arrival(forecast()))
    assert seats_of_first(due, due + MICROSECOND) == {0}


def test_a_slot_that_opens_later_can_be_had_if_there_is_time_after_it_opens() -> None:
    """Bookable from a moment on: told then at the earliest, so at least 10 minutes remain."""
    start = NOW + 12 * HOUR
    opens = start - timedelta(minutes=10)
    assert seats_of_first(start, opens_at=opens) == {0}
    assert seats_of_first(start, opens_at=opens + MICROSECOND) == set()


def test_who_waits_may_have_a_slot_that_opens_later() -> None:
    start = NOW + 3 * HOUR
    for late, found in ((timedelta(), {0}), (MICROSECOND, set())):
        opens = start - timedelta(minutes=10) + late
        one = problem(policy=rules(), slots=(slot(start=start, end=start + HOUR, opens_at=opens),))
        (future,) = futures(one, forecast(hourly=()), count=1, seed=0)
        assert set(arcs(future, 0)) == found


def test_limits_beyond_their_commune_refuse_the_expected_too() -> None:
    """30 km of road are the limit; 31 km as the crow flies are more."""
    one = NOW + 12 * HOUR
    assert seats_of_first(one, where=north_of(TOWN, 31_000)) == set()
