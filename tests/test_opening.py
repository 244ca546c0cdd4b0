from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from builders import policy

from slotengine.codes import Priority
from slotengine.errors import PolicyError
from slotengine.opening import SEARCH_DAYS, deadline, is_holiday, is_open, opening_spans
from slotengine.policy import Counting, Deadlines, OpeningHours

PARIS = ZoneInfo("Europe/Paris")
COUNTING_OPEN_HOURS = policy(counting=Counting.OPENING)


def paris(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=PARIS)  # type: ignore[misc,arg-type]  # year to second


def easter(year: int) -> date:
    """Gives Easter Sunday by the method of Meeus, Jones and Butcher (Nature, 1876)."""
    a, (b, c) = year % 19, divmod(year, 100)
    d, e = divmod(b, 4)
    g = (8 * b + 13) // 25
    h = (19 * a + b - d - g + 15) % 30
    i, k = divmod(c, 4)
    x = (32 + 2 * e + 2 * i - h - k) % 7
    m = (a + 11 * h + 19 * x) // 433
    month = (h + x - 7 * m + 90) // 25
    return date(year, month, (h + x - 7 * m + 33 * month + 19) % 32)


def french_holidays(year: int) -> set[date]:
    """Gives the eleven days of Code du travail, article L3133-1."""
    fixed = [(1, 1), (5, 1), (5, 8), (7, 14), (8, 15), (11, 1), (11, 11), (12, 25)]
    movable = {easter(year) + timedelta(days=days) for days in (1, 39, 50)}
    return {date(year, *day) for day in fixed} | movable


def test_easter_is_where_the_almanac_has_it() -> None:
    assert easter(2024) == date(2024, 3, 31)
    assert easter(2026) == date(2026, 4, 5)
    assert easter(2027) == date(2027, 3, 28)


@pytest.mark.parametrize("year", range(2024, 2031))
def test_holidays_are_the_eleven_of_the_law(year: int) -> None:
    first = date(year, 1, 1)
    days = [first + timedelta(days=n) for n in range(366)]
    closed = {day for day in days if day.year == year and is_holiday(policy(), day)}
    assert closed == french_holidays(year)


def test_alsace_and_moselle_have_good_friday_and_saint_stephen_too() -> None:
    alsace = policy(holiday_subdivision="57")
    for day in (date(2026, 4, 3), date(2026, 12, 26)):
        assert is_holiday(alsace, day)
        assert not is_holiday(policy(), day)
    assert is_holiday(alsace, date(2026, 7, 14))


def test_a_holiday_has_no_opening() -> None:
    assert opening_spans(policy(), date(2026, 11, 11)) == []
    assert opening_spans(policy(), date(2026, 7, 14)) == []
    assert len(opening_spans(policy(), date(2026, 11, 12))) == 1


@pytest.mark.parametrize(
    ("at", "open_"),
    [
        (paris(2026, 11, 23, 7, 59, 59), False),
        (paris(2026, 11, 23, 8), True),
        (paris(2026, 11, 23, 19, 59, 59), True),
        (paris(2026, 11, 23, 20), False),
        (paris(2026, 11, 28, 11, 59, 59), True),  # Saturday
        (paris(2026, 11, 28, 12), False),
        (paris(2026, 11, 29, 10), False),  # Sunday
        (paris(2026, 11, 11, 10), False),  # Armistice, a Wednesday
        (paris(2026, 4, 3, 10), True),  # Good Friday outside Alsace
    ],
)
def test_open_includes_its_first_instant_and_not_its_last(at: datetime, open_: bool) -> None:  # noqa: FBT001 - a table of cases
    assert is_open(policy(), at) is open_
    assert is_open(policy(), at.astimezone(UTC)) is open_


def test_good_friday_is_closed_in_moselle() -> None:
    assert not is_open(policy(holiday_subdivision="57"), paris(2026, 4, 3, 10))


def test_the_day_is_the_territorys_own() -> None:
    """At 23 h UTC on Sunday it is already Monday in La Réunion (UTC+4), and 3 h in the morning."""
    reunion = policy(timezone="Indian/Reunion")
    assert is_open(reunion, datetime(2026, 11, 23, 4, tzinfo=UTC))
    assert not is_open(reunion, datetime(2026, 11, 23, 3, 59, tzinfo=UTC))
    assert not is_open(reunion, datetime(2026, 11, 22, 23, tzinfo=UTC))


def test_two_spans_of_a_day_are_sorted_and_leave_lunch_closed() -> None:
    hours = (
        OpeningHours(weekday=0, start=time(14), end=time(18)),
        OpeningHours(weekday=0, start=time(9), end=time(12)),
    )
    lunch = policy(opening=hours)
    spans = opening_spans(lunch, date(2026, 11, 23))
    assert spans == [
        (paris(2026, 11, 23, 9), paris(2026, 11, 23, 12)),
        (paris(2026, 11, 23, 14), paris(2026, 11, 23, 18)),
    ]
    assert not is_open(lunch, paris(2026, 11, 23, 13))


@pytest.mark.parametrize(
    ("priority", "hours"),
    [
        (Priority.STAT, 4),
        (Priority.ASAP, 12),
        (Priority.URGENT, 24),
        (Priority.ROUTINE, 48),
    ],
)
def test_elapsed_deadlines_run_by_the_clock(priority: Priority, hours: int) -> None:
    received = paris(2026, 11, 27, 18)
    assert deadline(policy(), priority, received) - received == timedelta(hours=hours)


@pytest.mark.parametrize(
    ("received", "due"),
    [
        # 2 h on Friday evening, 2 h on Saturday from 8.
        (paris(2026, 11, 27, 18), paris(2026, 11, 28, 10)),
        # Exactly what is left of the day, and one second more.
        (paris(2026, 11, 27, 16), paris(2026, 11, 27, 20)),
        (paris(2026, 11, 27, 16, 0, 1), paris(2026, 11, 28, 8, 0, 1)),
        # Before opening, while closed, on a Sunday: counted from the next opening.
        (paris(2026, 11, 27, 5), paris(2026, 11, 27, 12)),
        (paris(2026, 11, 28, 12), paris(2026, 11, 30, 12)),
        (paris(2026, 11, 29, 15), paris(2026, 11, 30, 12)),
        # Saturday 10 h: 2 h, then Monday.
        (paris(2026, 11, 28, 10), paris(2026, 11, 30, 10)),
        # The evening before Armistice: 2 h, then over the holiday to Thursday.
        (paris(2026, 11, 10, 18), paris(2026, 11, 12, 10)),
        # The evening before 14 July 2026, a Tuesday.
        (paris(2026, 7, 13, 19), paris(2026, 7, 15, 11)),
    ],
)
def test_four_opening_hours_stop_while_the_territory_is_closed(
    received: datetime, due: datetime
) -> None:
    assert deadline(COUNTING_OPEN_HOURS, Priority.STAT, received) == due


def test_opening_hours_step_over_good_friday_only_in_moselle() -> None:
    moselle = policy(counting=Counting.OPENING, holiday_subdivision="57")
    received = paris(2026, 4, 2, 18)
    assert deadline(COUNTING_OPEN_HOURS, Priority.STAT, received) == paris(2026, 4, 3, 10)
    assert deadline(moselle, Priority.STAT, received) == paris(2026, 4, 4, 10)


def test_forty_eight_opening_hours_are_a_working_week() -> None:
    """Monday 8 h and four days of 12 hours end on Thursday at 20 h."""
    received = paris(2026, 11, 23, 8)
    assert deadline(COUNTING_OPEN_HOURS, Priority.ROUTINE, received) == paris(2026, 11, 26, 20)


AROUND_THE_CLOCK = tuple(
    OpeningHours(weekday=day, start=time(0), end=time(23, 59, 59)) for day in range(7)
)


@pytest.mark.parametrize(
    ("sunday", "hours"),
    [(date(2026, 10, 25), 25), (date(2027, 3, 28), 23)],
)
def test_a_changeover_sunday_is_as_long_as_it_is(sunday: date, hours: int) -> None:
    always = policy(opening=AROUND_THE_CLOCK)
    ((start, end),) = opening_spans(always, sunday)
    assert end - start == timedelta(hours=hours) - timedelta(seconds=1)
    assert is_open(always, start)
    assert not is_open(always, end)


@pytest.mark.parametrize(
    ("received", "due"),
    [
        # Clocks go back at 3 h: 2 h 30 in summer time and 4 h later.
        (datetime(2026, 10, 25, 0, 30, tzinfo=UTC), datetime(2026, 10, 25, 4, 30, tzinfo=UTC)),
        # Clocks go forward at 2 h: 1 h 30 in winter time and 4 h later is 6 h 30.
        (datetime(2027, 3, 28, 0, 30, tzinfo=UTC), datetime(2027, 3, 28, 4, 30, tzinfo=UTC)),
    ],
)
@pytest.mark.parametrize("counting", Counting)
def test_hours_are_real_hours_on_changeover_sundays(
    received: datetime, due: datetime, counting: Counting
) -> None:
    always = policy(opening=AROUND_THE_CLOCK, counting=counting)
    assert deadline(always, Priority.STAT, received) == due


@pytest.mark.parametrize(
    ("saturday", "monday_opening"),
    [
        (paris(2026, 10, 24, 10), datetime(2026, 10, 26, 7, tzinfo=UTC)),
        (paris(2027, 3, 27, 10), datetime(2027, 3, 29, 6, tzinfo=UTC)),
    ],
)
def test_a_weekend_of_changeover_counts_on_from_mondays_own_opening(
    saturday: datetime, monday_opening: datetime
) -> None:
    monday = monday_opening.astimezone(PARIS)
    assert monday.hour == 8
    closed = is_holiday(policy(), monday.date())
    # Easter Monday 2027 is 29 March: counting goes on from Tuesday.
    begins = monday_opening + timedelta(days=1) if closed else monday_opening
    assert closed == (monday.year == 2027)
    due = deadline(COUNTING_OPEN_HOURS, Priority.STAT, saturday)
    assert due == begins + timedelta(hours=2)


@pytest.mark.parametrize("hours", [(), (OpeningHours(weekday=0, start=time(8), end=time(8, 1)),)])
def test_a_territory_that_hardly_opens_counts_by_the_clock(hours: tuple[Any, ...]) -> None:
    never = policy(opening=hours, counting=Counting.OPENING, deadlines=Deadlines())
    received = paris(2026, 11, 23, 8)
    assert deadline(never, Priority.STAT, received) == received + timedelta(hours=4)
    assert SEARCH_DAYS // 7 < 4 * 60


def test_an_unknown_subdivision_is_a_policy_error_that_names_the_field() -> None:
    with pytest.raises(PolicyError, match="holiday_subdivision"):
        is_holiday(policy(holiday_subdivision="99"), date(2026, 11, 23))
