"""What is expected of each weekday, holiday, zone and hour, by hand."""

from datetime import UTC, date, datetime, time, timedelta

import pytest
from builders import NOW
from histories import A_DAY, DAY, PARIS, TUESDAY, expect, on_day, past, rules, tuesdays

from slotengine.counter_rules import Forecasting
from slotengine.errors import PolicyError
from slotengine.learning import learn
from slotengine.policy import OpeningHours

# --- weekdays, holidays, zones -------------------------------------------------------------------


def test_monday_brings_eight_percent_more() -> None:
    found = expect(rules(), day=date(2026, 11, 23))
    assert found.expected == pytest.approx(A_DAY * 1.08)


def test_saturday_morning_brings_its_hours_and_sunday_nothing() -> None:
    """8 to 12 h are 1.8 + 1.8 + 1.2 + 1.0 of 12."""
    found = expect(rules(), day=date(2026, 11, 28), days=2)
    assert on_day(found, date(2026, 11, 28)) == pytest.approx(A_DAY * 5.8 / 12)
    assert on_day(found, date(2026, 11, 29)) == 0


def test_nothing_is_expected_while_closed() -> None:
    found = expect(rules(), day=date(2026, 11, 24))
    expected = {hour: rate for hour, rate in enumerate(found.hourly) if rate > 0}
    assert set(expected) == set(range(8, 20))
    assert expected[8] == pytest.approx(A_DAY * 1.8 / 12)
    assert expected[12] == pytest.approx(A_DAY * 0.6 / 12)


def test_a_quiet_weekday_is_learned_and_the_others_keep_the_level() -> None:
    """
    Two open days a week, 4 of prior each; 16 Tuesdays of 49 and 16 Wednesdays of 89.

    Level: (8 * 89 + 16 * 138) / (8 + 32) = 73. Seen level: 69. Tuesday's factor:
    (4 * 73 + 16 * 49) / (4 * 73 + 16 * 69) = 1076 / 1396; Wednesday's (292 + 1424) / 1396.
    """
    both = (*TUESDAY, OpeningHours(weekday=2, start=time(8), end=time(20)))
    given = rules(opening=both, forecast=Forecasting(prior_days=8, lean=1.0))
    last = date(2026, 11, 3)
    wednesdays = [one.replaced(at=one.at + DAY) for one in tuesdays(16, 89, last=last)]
    history = past(*tuesdays(16, 49, last=last), *wednesdays)
    found = expect(given, history, day=date(2026, 11, 10), days=9)
    assert on_day(found, date(2026, 11, 17)) == pytest.approx(73 * 1076 / 1396)
    assert on_day(found, date(2026, 11, 18)) == pytest.approx(73 * 1716 / 1396)


def test_a_holiday_is_zero_and_the_day_after_brings_more() -> None:
    """Wednesday 11 November 2026 is Armistice Day."""
    found = expect(rules(), day=date(2026, 11, 10), days=4)
    assert on_day(found, date(2026, 11, 10)) == pytest.approx(A_DAY)
    assert on_day(found, date(2026, 11, 11)) == 0
    assert on_day(found, date(2026, 11, 12)) == pytest.approx(A_DAY * 1.08)
    assert on_day(found, date(2026, 11, 13)) == pytest.approx(A_DAY)


def test_the_day_after_a_holiday_that_is_always_closed_is_like_any_other() -> None:
    """1 November 2026 is a Sunday: Monday the 2nd is a Monday, no more."""
    found = expect(rules(), day=date(2026, 11, 2))
    assert found.expected == pytest.approx(A_DAY * 1.08)


def test_alsace_moselle_closes_on_good_friday_and_the_others_do_not() -> None:
    friday = date(2027, 3, 26)
    here = expect(rules(holiday_subdivision="57"), day=friday)
    elsewhere = expect(rules(), day=friday)
    assert here.expected == 0
    assert elsewhere.expected == pytest.approx(A_DAY)


def test_alsace_moselle_closes_on_the_second_day_of_christmas() -> None:
    """Saturday 26 December 2026 follows a holiday, Friday the 25th."""
    saturday = date(2026, 12, 26)
    assert expect(rules(holiday_subdivision="57"), day=saturday).expected == 0
    elsewhere = expect(rules(), day=saturday).expected
    assert elsewhere == pytest.approx(A_DAY * 5.8 / 12 * 1.08)


def test_la_reunion_has_its_own_holiday_and_its_own_clock() -> None:
    """Monday 20 December 2027 is the day of the abolition of slavery; 8 h there is 4 h UTC."""
    given = rules(timezone="Indian/Reunion", holiday_subdivision="974")
    now = datetime(2027, 12, 20, tzinfo=UTC)
    found = learn(given, past(until=now), now=now, horizon=2 * DAY)
    expected = [hour for hour, rate in enumerate(found.hourly) if rate > 0]
    assert expected == list(range(24 + 4, 24 + 16))
    # Tuesday the 21st follows the holiday.
    assert found.expected == pytest.approx(A_DAY * 1.08)


def test_an_unknown_subdivision_is_an_error_that_names_the_field() -> None:
    with pytest.raises(PolicyError, match="holiday_subdivision"):
        expect(rules(holiday_subdivision="99"), day=date(2026, 11, 24))


def test_clocks_go_back_and_the_hour_that_comes_twice_brings_twice() -> None:
    """25 October 2026, open from 1 to 4 h: four hours of weight 0.6."""
    nights = (OpeningHours(weekday=6, start=time(1), end=time(4)),)
    found = expect(rules(opening=nights), day=date(2026, 10, 25), days=2)
    assert [rate > 0 for rate in found.hourly[:7]] == [False, True, True, True, True, False, False]
    assert found.expected == pytest.approx(A_DAY * 4 * 0.6 / 12)


def test_clocks_go_forward_and_the_hour_that_is_missing_brings_nothing() -> None:
    """28 March 2027, open from 1 to 4 h: two hours of weight 0.6."""
    nights = (OpeningHours(weekday=6, start=time(1), end=time(4)),)
    found = expect(rules(opening=nights), day=date(2027, 3, 28))
    assert [rate > 0 for rate in found.hourly[:5]] == [False, True, True, False, False]
    assert found.expected == pytest.approx(A_DAY * 2 * 0.6 / 12)


def test_open_only_in_the_hour_that_is_missing_is_no_error() -> None:
    nights = (OpeningHours(weekday=6, start=time(2), end=time(2, 30)),)
    found = expect(rules(opening=nights), day=date(2027, 3, 28))
    assert found.expected == pytest.approx(A_DAY * 0.5 * 0.6 / 12)


def test_opening_hours_follow_the_local_clock_over_a_change() -> None:
    """8 h in Paris is 6 h UTC on Friday 23 October 2026 and 7 h UTC on Monday the 26th."""
    now = datetime(2026, 10, 23, tzinfo=UTC)
    found = learn(rules(), past(until=now), now=now, horizon=4 * DAY)
    first = [
        next(hour for hour in range(24) if found.hourly[24 * day + hour] > 0) for day in (0, 3)
    ]
    assert first == [6, 7]


# --- hours ---------------------------------------------------------------------------------------


def test_hours_shrink_towards_the_priors_by_days() -> None:
    """
    20 Tuesdays with all 89 at noon: of 2 * 20 * 89, noon has 20 * 89 * (0.6 / 12 + 1).

    The others keep half of what the priors give them.
    """
    given = rules(opening=TUESDAY)
    found = expect(given, past(*tuesdays(20, 89)), day=date(2026, 11, 24))
    assert found.hourly[12] == pytest.approx(A_DAY * (0.05 + 1) / 2)
    assert found.hourly[8] == pytest.approx(A_DAY * 1.8 / 12 / 2)
    assert found.expected == pytest.approx(A_DAY)


def test_the_first_hour_is_cut_where_the_forecast_begins() -> None:
    """From 9.45 h: a quarter of the hour of 9 h, then the hour of 10 h for three quarters."""
    now = datetime(2026, 11, 24, 9, 45, tzinfo=PARIS)
    found = learn(rules(), past(until=now), now=now, horizon=DAY)
    assert found.as_of == now
    assert found.hourly[0] == pytest.approx(A_DAY / 12 * (0.25 * 1.8 + 0.75 * 1.2))


def test_the_sum_does_not_depend_on_when_one_asks() -> None:
    begin = datetime(2026, 11, 24, 9, 17, 33, tzinfo=PARIS)
    found = learn(rules(), past(until=begin), now=begin, horizon=7 * DAY)
    week = A_DAY * (4 + 1.08 + 5.8 / 12)
    assert found.expected == pytest.approx(week)


def test_part_of_an_hour_of_horizon_counts_as_a_whole_one() -> None:
    found = learn(rules(), past(), now=NOW, horizon=timedelta(minutes=90))
    assert len(found.hourly) == 2


def test_an_hour_that_only_this_territory_opens_has_a_low_weight() -> None:
    early = (OpeningHours(weekday=1, start=time(7, 30), end=time(20)),)
    found = expect(rules(opening=early), day=date(2026, 11, 24))
    assert found.hourly[7] == pytest.approx(A_DAY / 12 * 0.6 / 2)
    assert found.hourly[8] == pytest.approx(A_DAY / 12 * 1.8)
