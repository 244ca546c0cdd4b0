"""What is expected, by hand: priors alone, much history, in between, and every kind of day."""

from collections import defaultdict
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from builders import NOW, TOWN, policy

from slotengine import learning_kinds, learning_openings
from slotengine.codes import Mode, Priority, Profession, SourceKind
from slotengine.counter_rules import Commune, Forecasting
from slotengine.domain import Location
from slotengine.errors import PolicyError
from slotengine.forecast import Arrival, Endings, Forecast, History, Opening
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


# --- kinds ---------------------------------------------------------------------------------------


def shares(found: Forecast, field: str) -> dict[Any, float]:
    by: dict[Any, float] = defaultdict(float)
    for kind in found.kinds:
        by[getattr(kind, field)] += kind.share
    return by


def test_priors_of_senders_and_priorities() -> None:
    found = expect(rules(), day=date(2026, 11, 24))
    assert shares(found, "source")[SourceKind.SAMU] == pytest.approx(23 / 89)
    regulators = (23 + 8) / 89
    by_priority = shares(found, "priority")
    assert by_priority[Priority.STAT] == pytest.approx(0.05 * regulators)
    assert by_priority[Priority.ROUTINE] == pytest.approx(
        0.40 * regulators + 0.51 * (1 - regulators)
    )


def test_only_sources_that_may_say_stat_are_expected_to() -> None:
    found = expect(rules(stat_sources=(SourceKind.SAMU,)), day=date(2026, 11, 24))
    stat = {kind.source for kind in found.kinds if kind.priority is Priority.STAT}
    assert stat == {SourceKind.SAMU}


def test_priors_of_professions_belong_to_the_sender() -> None:
    found = expect(rules(), day=date(2026, 11, 24))
    midwives = [one for one in found.kinds if one.source is SourceKind.MIDWIFE]
    asked = {one.professions for one in midwives}
    assert asked == {DOCTOR, (Profession.MIDWIFE,)}
    doctors = sum(one.share for one in midwives if one.professions == DOCTOR)
    assert doctors == pytest.approx(3 / 89 / 2)


def test_shares_of_senders_shrink_by_days() -> None:
    """20 days of priors and 20 of pharmacies alone, 89 a day each."""
    found = expect(rules(opening=TUESDAY), past(*tuesdays(20, 89)), day=date(2026, 11, 24))
    assert shares(found, "source")[SourceKind.PHARMACY] == pytest.approx((15 / 89 + 1) / 2)
    assert shares(found, "source")[SourceKind.SAMU] == pytest.approx(23 / 89 / 2)


def test_shares_of_priorities_shrink_within_their_sender() -> None:
    """Pharmacies: 20 days * 15 of priors, 37 % urgent; 20 * 89 seen, all urgent."""
    found = expect(rules(opening=TUESDAY), past(*tuesdays(20, 89)), day=date(2026, 11, 24))
    of_pharmacies = [one for one in found.kinds if one.source is SourceKind.PHARMACY]
    urgent = sum(one.share for one in of_pharmacies if one.priority is Priority.URGENT)
    total = sum(one.share for one in of_pharmacies)
    assert urgent / total == pytest.approx((15 * 0.37 + 89) / (15 + 89))


def test_professions_that_the_priors_do_not_know_are_learned() -> None:
    dentist = (Profession.DENTIST,)
    came = tuesdays(20, 89, professions=dentist)
    found = expect(rules(opening=TUESDAY), past(*came), day=date(2026, 11, 24))
    assert shares(found, "professions")[dentist] == pytest.approx(1 / 2)


def test_communes_have_their_inhabitants_as_prior_and_learn() -> None:
    """60,000 and 20,000 inhabitants; all of 20 days lived in the smaller one."""
    given = rules(opening=TUESDAY, communes=(town(60_000), town(20_000, "44001")))
    before = expect(given, day=date(2026, 11, 24))
    assert shares(before, "insee") == pytest.approx({"44114": 0.75, "44001": 0.25})
    after = expect(given, past(*tuesdays(20, 89, insee="44001")), day=date(2026, 11, 24))
    assert shares(after, "insee") == pytest.approx({"44114": 0.375, "44001": 0.625})


@pytest.mark.parametrize("insee", ["35238", None])
def test_an_unseen_or_unknown_commune_is_counted_but_says_nothing_of_where(
    insee: str | None,
) -> None:
    given = rules(opening=TUESDAY, communes=(town(60_000), town(20_000, "44001")))
    found = expect(given, past(*tuesdays(20, 89, insee=insee)), day=date(2026, 11, 24))
    assert found.expected == pytest.approx(A_DAY)
    assert shares(found, "insee") == pytest.approx({"44114": 0.75, "44001": 0.25})


def test_without_communes_the_level_and_the_places_are_those_that_were_seen() -> None:
    given = rules(opening=TUESDAY, communes=())
    came = (*tuesdays(10, 30, insee="44001"), *tuesdays(10, 10, hour=15, insee=None))
    found = expect(given, past(*came), day=date(2026, 11, 24))
    assert found.expected == pytest.approx(40)
    assert shares(found, "insee") == pytest.approx({"44001": 1.0})


def test_without_communes_and_places_the_place_is_unknown() -> None:
    given = rules(opening=TUESDAY, communes=())
    found = expect(given, past(*tuesdays(10, 30, insee=None)), day=date(2026, 11, 24))
    assert shares(found, "insee") == pytest.approx({None: 1.0})


@pytest.mark.parametrize("opening_hours", [(), TUESDAY])
def test_neither_communes_nor_history_is_a_forecast_of_zero(
    opening_hours: tuple[OpeningHours, ...],
) -> None:
    found = expect(rules(communes=(), opening=opening_hours), day=date(2026, 11, 24))
    assert found.kinds == ()
    assert found.expected == 0
    assert len(found.hourly) == 24


def test_a_territory_that_never_opens_expects_nobody() -> None:
    found = expect(rules(opening=()), past(*tuesdays(20, 49)), day=date(2026, 11, 24))
    assert found.expected == 0
    assert found.kinds == ()
    assert found.days_seen == 0


def test_kinds_are_bounded_and_keep_what_is_asked_for() -> None:
    """100 communes: the rarest kinds move to the nearest that keeps them, nothing is lost."""
    many = tuple(town(1_000 + 10 * at, f"{35_000 + at}", at / 100) for at in range(100))
    given = rules(communes=many)
    found = expect(given, day=date(2026, 11, 24))
    assert len(found.kinds) == learning_kinds.MOST_KINDS
    alone = expect(rules(), day=date(2026, 11, 24))
    for field in ("source", "priority", "professions"):
        assert shares(found, field) == pytest.approx(shares(alone, field))


def test_the_rarest_kinds_move_to_the_nearest_commune(monkeypatch: pytest.MonkeyPatch) -> None:
    """One profile, three communes in a row, two may stay: the smallest joins its neighbour."""
    monkeypatch.setattr(learning_kinds, "MOST_KINDS", 2)
    places = {"35001": 0.0, "35002": 0.5, "35003": 0.7}
    people = {"35001": 50_000, "35002": 40_000, "35003": 10_000}
    given = rules(communes=tuple(town(people[one], one, at) for one, at in places.items()))
    profile = learning_kinds.Profile(SourceKind.PHARMACY, DOCTOR, Priority.URGENT)
    bounded = learning_kinds._bounded(
        given, {(profile, one): many / 100_000 for one, many in people.items()}
    )
    assert bounded == pytest.approx({(profile, "35001"): 0.5, (profile, "35002"): 0.5})


def test_wishes_beyond_the_bound_join_the_largest_of_their_sender() -> None:
    """Each of 12 professions with each other, 66 wishes: more than are told apart."""
    pairs = [
        tuple(sorted((one, other))) for one in Profession for other in Profession if one < other
    ]
    came = [
        arrival(datetime(2026, 11, 17, 9, tzinfo=PARIS) + timedelta(seconds=at), professions=pair)
        for at, pair in enumerate(pairs)
    ]
    found = expect(rules(opening=TUESDAY), past(*came), day=date(2026, 11, 24))
    profiles = {(one.source, one.professions, one.priority) for one in found.kinds}
    assert len(profiles) == learning_kinds.MOST_PROFILES
    pharmacies = shares(found, "source")[SourceKind.PHARMACY]
    level = (20 * 89 + 66) / 21
    made_up = 20 * level
    assert pharmacies == pytest.approx((made_up * 15 / 89 + 66) / (made_up + 66))


def test_a_forecast_is_the_same_value_whatever_the_order_of_the_past() -> None:
    came = [
        *tuesdays(5, 7),
        *tuesdays(5, 3, hour=9, insee="44001", professions=(Profession.NURSE,)),
    ]
    one, other = (
        expect(rules(), past(*order), day=date(2026, 11, 24)) for order in (came, came[::-1])
    )
    assert one.digest == other.digest


# --- openings ------------------------------------------------------------------------------------


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


def weekly(weeks: int, **changes: Any) -> list[Opening]:
    last = datetime(2026, 11, 17, 10, tzinfo=PARIS)
    lead = changes.pop("lead", timedelta(hours=20))
    return [
        opening(start=last - week * WEEK, published_at=last - week * WEEK - lead, **changes)
        for week in range(weeks)
    ]


def rates(*openings: Opening, now: datetime = NOW, days: int = 3) -> Forecast:
    history = past(until=now, openings=openings)
    return learn(rules(), history, now=now, horizon=days * DAY)


def test_without_past_openings_none_is_expected() -> None:
    assert rates().openings == ()


def test_a_weekly_slot_is_expected_to_open_again() -> None:
    """12 of 12 weeks with one week of doubt; published 20 h ahead, and there are 25 h to go."""
    (found,) = rates(*weekly(12)).openings
    assert (found.practitioner, found.site) == ("d1", "s1")
    assert found.start == datetime(2026, 11, 24, 10, tzinfo=PARIS)
    assert (found.minutes, found.seats, found.modes) == (15, 1, (Mode.AMB,))
    assert found.chance == pytest.approx(12 / 13)


def test_a_slot_of_every_other_week_is_half_as_likely() -> None:
    (found,) = rates(*weekly(12)[::2]).openings
    # Its first one is 10 weeks before the last: 11 Tuesdays seen, 6 with the slot.
    assert found.chance == pytest.approx(6 / 12)


def test_a_slot_published_earlier_than_this_will_not_come_any_more() -> None:
    assert rates(*weekly(12, lead=timedelta(hours=30))).openings == ()


def test_a_slot_that_half_the_time_is_published_earlier_is_less_likely_now() -> None:
    """It would be there by now half the time: 12/13 / 2 over that and the 1/13 that it never is."""
    late, early = weekly(12), weekly(12, lead=timedelta(hours=30))
    mixed = [one for pair in zip(late[::2], early[1::2], strict=True) for one in pair]
    (found,) = rates(*mixed).openings
    assert found.chance == pytest.approx((12 / 13 / 2) / (12 / 13 / 2 + 1 / 13))


def test_a_slot_published_after_the_last_notice_is_of_no_use() -> None:
    """The notice is 10 minutes: published 10 minutes ahead is in time, 9 is not."""
    assert len(rates(*weekly(12, lead=timedelta(minutes=10))).openings) == 1
    assert rates(*weekly(12, lead=timedelta(minutes=9))).openings == ()


def test_a_slot_that_is_published_already_is_not_expected_once_more() -> None:
    known = opening(
        start=datetime(2026, 11, 24, 10, tzinfo=PARIS), published_at=NOW - timedelta(hours=1)
    )
    assert rates(*weekly(12), known).openings == ()


def test_nothing_opens_on_a_holiday_and_holidays_are_no_missed_weeks() -> None:
    """Wednesday 11 November 2026 was one: 3 of 3 other Wednesdays, and none on the 11th itself."""
    wednesdays = [opening(start=datetime(2026, 10, day, 10, tzinfo=PARIS)) for day in (21, 28)]
    before = datetime(2026, 11, 10, 9, tzinfo=PARIS)
    assert rates(*wednesdays, now=before).openings == ()
    after = datetime(2026, 11, 17, 9, tzinfo=PARIS)
    (found,) = rates(*wednesdays, now=after).openings
    # 21 and 28 October, 4 November (nothing), not the 11th: 2 of 3 and one of doubt.
    assert found.chance == pytest.approx(2 / 4)


def test_openings_beyond_the_horizon_are_left_out_and_on_its_edge_listed() -> None:
    edge = NOW + timedelta(hours=25)
    for horizon, many in ((timedelta(hours=25), 1), (timedelta(hours=24), 0)):
        found = learn(rules(), past(openings=tuple(weekly(12))), now=NOW, horizon=horizon)
        assert [one.start for one in found.openings] == [edge][:many]


def test_old_patterns_are_forgotten() -> None:
    old = [one for one in weekly(30) if NOW - one.start > 14 * WEEK]
    assert rates(*old).openings == ()


def test_the_usual_number_of_seats_is_expected() -> None:
    several = [*weekly(12)[:4], *(one.replaced(seats=3) for one in weekly(12)[4:])]
    (found,) = rates(*several).openings
    assert found.seats == 3


def test_openings_are_bounded_to_the_likeliest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(learning_openings, "MOST_OPENINGS", 1)
    rare = opening(practitioner="d2", start=datetime(2026, 11, 17, 11, tzinfo=PARIS))
    (found,) = rates(*weekly(12), rare).openings
    assert found.practitioner == "d1"


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
