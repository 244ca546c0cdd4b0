"""Who comes and when: Poisson counts, shares, open hours, and chance that stays put."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from builders import NOW
from sampled import HOUR, MICROSECOND, MIXED, busy_day, forecast, rules

from slotengine.forecast import Forecast
from slotengine.solver.futures import futures
from slotengine.solver.futures_draws import ArrivalDraws, uniforms


def test_counts_are_poisson() -> None:
    """
    2,000 futures of 3 expected in an hour: mean within 5 standard errors, and variance too.

    The standard error of the mean is sqrt(3 / 2000), that of the variance sqrt((3 + 2 * 9) / 2000).
    """
    draws = ArrivalDraws(rules(), forecast(hourly=(3.0,)))
    counts = np.array([len(draws.of(7, future).kind) for future in range(2_000)])
    assert abs(counts.mean() - 3) < 5 * (3 / 2_000) ** 0.5
    assert abs(counts.var() - 3) < 5 * (21 / 2_000) ** 0.5


@pytest.mark.parametrize("rate", [0.01, 64.0, 64.5, 700.0, 5_000.0])
def test_rates_of_every_size_have_their_mean_and_variance(rate: float) -> None:
    draws = ArrivalDraws(rules(), forecast(hourly=(rate,)))
    many = 400
    counts = np.array([len(draws.of(3, future).kind) for future in range(many)])
    assert abs(counts.mean() - rate) < 5 * (rate / many) ** 0.5
    assert abs(counts.var() - rate) < 5 * ((rate + 2 * rate * rate) / many) ** 0.5


def test_hours_are_independent() -> None:
    """The correlation of 2,000 pairs has a standard error of 1 / sqrt(2000)."""
    draws = ArrivalDraws(rules(), forecast(hourly=(4.0, 4.0)))
    pairs = np.array(
        [np.bincount(draws.of(1, one).at_us // 3_600_000_000, minlength=2) for one in range(2_000)]
    )
    assert abs(np.corrcoef(pairs.T)[0, 1]) < 5 / 2_000**0.5


def test_kinds_come_in_their_shares() -> None:
    draws = ArrivalDraws(rules(), forecast(*MIXED, hourly=(50.0,) * 10))
    kinds = np.concatenate([draws.of(0, future).kind for future in range(20)])
    found = np.bincount(kinds, minlength=len(MIXED)) / len(kinds)
    for share, one in zip(found, MIXED, strict=True):
        assert abs(share - one.share) < 5 * (one.share * (1 - one.share) / len(kinds)) ** 0.5


def test_a_zero_rate_brings_nobody() -> None:
    one = busy_day()
    for expected in (forecast(hourly=(0.0,) * 5), forecast(hourly=())):
        (future,) = futures(one, expected, count=1, seed=0)
        assert len(future.value) == len(one.referrals)


def test_a_forecast_of_nothing_has_no_kinds_and_is_no_error() -> None:
    one = busy_day()
    nothing = Forecast(
        territory="giennois", as_of=NOW, hourly=(0.0,), kinds=(), cancel_chance=0, miss_chance=0
    )
    (future,) = futures(one, nothing, count=1, seed=0)
    assert len(future.value) == len(one.referrals)
    assert future.seats == len(one.free_seats)


def test_arrivals_come_while_the_territory_is_open() -> None:
    """From 9.30 h UTC on, closed from 19 h: the hour from 18.30 h is open for its first half."""
    begin = NOW + timedelta(hours=1, minutes=30)
    hourly = (0.0,) * 9 + (500.0,)
    found = ArrivalDraws(rules(), forecast(as_of=begin, hourly=hourly)).of(0, 0)
    last = np.array([18, 30]) @ [3_600_000_000, 60_000_000]
    after_midnight = found.at_us + (begin - datetime(2026, 11, 23, tzinfo=UTC)) // MICROSECOND
    assert len(after_midnight) > 400
    assert after_midnight.min() >= last
    assert after_midnight.max() < last + 30 * 60_000_000


def test_arrivals_expected_while_closed_spread_over_their_hour() -> None:
    night = datetime(2026, 11, 24, 1, tzinfo=UTC)
    found = ArrivalDraws(rules(), forecast(as_of=night, hourly=(500.0,))).of(0, 0)
    quarters = np.bincount(found.at_us // 900_000_000, minlength=4)
    assert quarters.sum() == len(found.at_us)
    assert all(abs(many - len(found.at_us) / 4) < 60 for many in quarters)


def test_an_older_forecast_brings_nobody_of_the_past() -> None:
    """The forecast is an hour older than the problem: its first hour is over."""
    one = busy_day()
    older = forecast(as_of=NOW - HOUR, hourly=(50.0, 0.0))
    (future,) = futures(one, older, count=1, seed=0)
    assert len(future.value) == len(one.referrals)


def test_a_higher_rate_adds_arrivals_and_keeps_the_others() -> None:
    low, high = (
        ArrivalDraws(rules(), forecast(*MIXED, hourly=(rate,) * 10)).of(0, 0) for rate in (3, 3.3)
    )
    before = set(zip(low.at_us.tolist(), low.kind.tolist(), strict=True))
    after = set(zip(high.at_us.tolist(), high.kind.tolist(), strict=True))
    assert before < after


def test_an_hour_later_the_same_arrivals_are_still_to_come() -> None:
    now = ArrivalDraws(rules(), forecast(*MIXED)).of(0, 0).at_us
    later = ArrivalDraws(rules(), forecast(*MIXED, as_of=NOW + HOUR)).of(0, 0).at_us
    hour = 3_600_000_000
    assert set((now[now >= hour] - hour).tolist()) <= set(later.tolist())


def test_uniform_numbers_are_even() -> None:
    """100,000 numbers in ten bins: chi-squared of nine degrees stays below 40 (1 in 100,000)."""
    found = uniforms(1, 2, "anything", np.arange(100_000, dtype=np.uint64))
    bins = np.bincount((found * 10).astype(np.int64), minlength=10)
    assert ((bins - 10_000) ** 2 / 10_000).sum() < 40
    assert abs(np.corrcoef(found[:-1], found[1:])[0, 1]) < 5 / 100_000**0.5
