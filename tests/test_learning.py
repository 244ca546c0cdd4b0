"""What is expected by hand: priors alone, much history, in between; and how bookings end."""

from datetime import date, datetime, time, timedelta

import pytest
from builders import NOW
from histories import (
    A_DAY,
    DAY,
    PARIS,
    TUESDAY,
    arrival,
    expect,
    from_midnight,
    on_day,
    opening,
    past,
    rules,
    town,
    tuesdays,
)

from slotengine.codes import Mode, Priority, Profession
from slotengine.counter_rules import Forecasting
from slotengine.forecast import Endings, Opening
from slotengine.learning import learn
from slotengine.policy import OpeningHours

# --- the level of a day --------------------------------------------------------------------------


def test_without_history_only_the_priors_speak() -> None:
    found = expect(rules(), day=date(2026, 11, 24), days=2)
    assert on_day(found, date(2026, 11, 24)) == pytest.approx(A_DAY)
    assert found.days_seen == 0
    assert found.horizon == 2 * DAY


def test_expected_referrals_are_in_proportion_to_inhabitants() -> None:
    given = rules(communes=(town(20_000), town(20_000, "44001")))
    found = expect(given, day=date(2026, 11, 24))
    assert found.expected == pytest.approx(A_DAY / 2)


def given_seats(day: date, seats: int) -> Opening:
    """Seats of one slot on a day, published the day before."""
    start = datetime.combine(day, time(10), PARIS)
    return Opening(
        published_at=start - DAY,
        practitioner="d1",
        site="s1",
        start=start,
        minutes=20,
        seats=seats,
        modes=(Mode.AMB,),
    )


@pytest.mark.parametrize(("seats", "level"), [(30, 30.0), (89, 89.0), (90, 89.0), (500, 89.0)])
def test_priors_expect_no_more_than_the_seats_of_a_day(seats: int, level: float) -> None:
    """A weekday of 12 open hours, Tuesdays alone: its size is 1."""
    given = rules(opening=TUESDAY)
    tuesday = date(2026, 11, 24)
    history = past(
        openings=(given_seats(tuesday, seats),), until=from_midnight(tuesday) + timedelta(hours=1)
    )
    found = learn(given, history, now=history.until, horizon=DAY)
    assert found.expected == pytest.approx(level)


def test_what_came_counts_whatever_the_seats() -> None:
    given = rules(opening=TUESDAY)
    tuesday = date(2026, 11, 24)
    history = past(
        *tuesdays(20, 50),
        openings=(given_seats(tuesday, 10),),
        until=from_midnight(tuesday),
    )
    found = learn(given, history, now=history.until, horizon=DAY)
    # 20 made-up days of 10 and 20 real ones of 50.
    assert found.expected == pytest.approx(30.0)


def test_as_many_days_of_history_as_of_priors_meet_half_way() -> None:
    given = rules(opening=TUESDAY)
    found = expect(given, past(*tuesdays(20, 49)), day=date(2026, 11, 24))
    assert found.days_seen == 20
    assert found.expected == pytest.approx((20 * 89 + 20 * 49) / 40)


def test_much_history_outweighs_the_priors() -> None:
    given = rules(opening=TUESDAY)
    found = expect(given, past(*tuesdays(180, 49), days=2_000), day=date(2026, 11, 24))
    assert found.expected == pytest.approx((20 * 89 + 180 * 49) / 200)


def test_fewer_days_of_priors_weigh_less() -> None:
    given = rules(opening=TUESDAY, forecast=Forecasting(prior_days=1, lean=1.0))
    found = expect(given, past(*tuesdays(19, 49)), day=date(2026, 11, 24))
    assert found.expected == pytest.approx((89 + 19 * 49) / 20)


def test_open_days_before_the_first_arrival_are_not_counted_as_empty() -> None:
    given = rules(opening=TUESDAY)
    short, long = past(*tuesdays(5, 49), days=40), past(*tuesdays(5, 49), days=364)
    of_short, of_long = (expect(given, one, day=date(2026, 11, 24)) for one in (short, long))
    assert of_short.days_seen == of_long.days_seen == 5
    assert of_short.expected == of_long.expected


def test_open_days_without_arrivals_after_the_first_count() -> None:
    given = rules(opening=TUESDAY)
    only_first = tuesdays(10, 49)[-49:]
    found = expect(given, past(*only_first), day=date(2026, 11, 24))
    assert found.days_seen == 10
    assert found.expected == pytest.approx((20 * 89 + 49) / 30)


def test_a_first_opening_begins_the_history_too() -> None:
    given = rules(opening=TUESDAY)
    published = datetime(2026, 11, 9, 9, tzinfo=PARIS)
    history = past(openings=(opening(published_at=published, start=published + DAY),))
    found = expect(given, history, day=date(2026, 11, 24))
    assert found.days_seen == 2
    # Its one seat a day is all that the priors expect.
    assert found.expected == pytest.approx(20 * 1 / 22)


def test_what_came_while_closed_is_not_learned_from() -> None:
    given = rules(opening=TUESDAY)
    at_night = tuesdays(20, 100, hour=22)
    found = expect(given, past(*tuesdays(20, 49), *at_night), day=date(2026, 11, 24))
    assert found.expected == pytest.approx((20 * 89 + 20 * 49) / 40)


def test_the_last_instant_of_opening_is_closed_and_the_first_is_open() -> None:
    given = rules(opening=TUESDAY)
    edges = [datetime(2026, 11, 17, hour, tzinfo=PARIS) for hour in (8, 20)]
    one, none = (expect(given, past(arrival(at)), day=date(2026, 11, 24)).expected for at in edges)
    assert one == pytest.approx((20 * 89 + 1) / 21)
    assert none == pytest.approx(20 * 89 / 21)


def test_what_came_in_any_of_two_spans_that_overlap_is_learned_from() -> None:
    """The second span begins within the first, which ends within the second."""
    twice = (
        OpeningHours(weekday=1, start=time(8), end=time(12, 30)),
        OpeningHours(weekday=1, start=time(11, 30), end=time(20)),
    )
    came = [
        arrival(datetime(2026, 11, 17, hour, minute, tzinfo=PARIS), priority=Priority.STAT)
        for hour, minute in ((11, 45), (12, 15), (12, 45))
    ]
    weights = [
        sum(kind.share for kind in found.kinds if kind.priority is Priority.STAT)
        for count in range(4)
        for found in [expect(rules(opening=twice), past(*came[:count]), day=date(2026, 11, 24))]
    ]
    assert weights[0] < weights[1] < weights[2] < weights[3]


def test_a_day_half_over_counts_for_what_is_over() -> None:
    """At noon 1.8 + 1.8 + 1.2 + 1.0 of 12 hour weights are past."""
    given = rules(opening=TUESDAY)
    noon = datetime(2026, 11, 17, 12, tzinfo=PARIS)
    came = [arrival(noon - timedelta(hours=2, seconds=one)) for one in range(29)]
    found = learn(given, past(*came, until=noon), now=noon, horizon=8 * DAY)
    size = 5.8 / 12
    level = (20 * 89 + 29) / (20 + size)
    assert on_day(found, date(2026, 11, 24)) == pytest.approx(level)


def test_nothing_later_than_now_is_learned_from() -> None:
    given = rules(opening=TUESDAY)
    now = from_midnight(date(2026, 11, 10))
    history = past(*tuesdays(20, 49), until=NOW)
    found = learn(given, history, now=now, horizon=DAY)
    # Of 20 Tuesdays all but that of the 17th are over by the 10th, and that of the 10th.
    before = [one for one in history.arrivals if one.at < now]
    assert len({one.at.date() for one in before}) == 18
    assert found.expected == pytest.approx((20 * 89 + 18 * 49) / 38)


@pytest.mark.parametrize("lean", [0.5, 1.0, 1.1, 1.7])
def test_the_lean_multiplies_what_is_expected(lean: float) -> None:
    given = rules(forecast=Forecasting(prior_days=20, lean=lean))
    assert expect(given, day=date(2026, 11, 24)).expected == pytest.approx(A_DAY * lean)


def test_it_leans_to_too_much_by_default() -> None:
    given = rules(forecast=Forecasting())
    assert expect(given, day=date(2026, 11, 24)).expected == pytest.approx(A_DAY * 1.1)


def test_a_forecast_is_the_same_value_whatever_the_order_of_the_past() -> None:
    came = [
        *tuesdays(5, 7),
        *tuesdays(5, 3, hour=9, insee="44001", professions=(Profession.NURSE,)),
    ]
    one, other = (
        expect(rules(), past(*order), day=date(2026, 11, 24)) for order in (came, came[::-1])
    )
    assert one.digest == other.digest


# --- endings -------------------------------------------------------------------------------------


def test_chances_of_endings_are_the_priors_without_history() -> None:
    found = learn(rules(), past(), now=NOW, horizon=DAY)
    assert found.cancel_chance == pytest.approx(0.04)
    assert found.miss_chance == pytest.approx(0.04)


def test_chances_of_endings_shrink_by_bookings() -> None:
    """400 bookings of priors, 4 % of them 16; misses are among those not cancelled."""
    endings = Endings(confirmed=600, cancelled=100, missed=50)
    found = learn(rules(), past(endings=endings), now=NOW, horizon=DAY)
    assert found.cancel_chance == pytest.approx(116 / 1_000)
    assert found.miss_chance == pytest.approx(66 / 900)


def test_chances_stay_chances_when_the_counts_contradict_each_other() -> None:
    endings = Endings(confirmed=2, cancelled=500, missed=500)
    found = learn(rules(), past(endings=endings), now=NOW, horizon=DAY)
    assert found.cancel_chance == pytest.approx(18 / 402)
    assert found.miss_chance == pytest.approx(0.04)
