"""
Chance for sampled futures, read from hashes and not from a stream of random numbers.

Each draw has an address: seed, future, what is drawn, which hour or seat. So a forecast that is a
little higher adds a few arrivals and leaves the others where they were, and prices of two problems
differ by what differs, not by luck (common random numbers).
"""

from datetime import UTC, datetime, timedelta
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from slotengine.forecast import Forecast
from slotengine.opening import opening_spans
from slotengine.policy import Policy
from slotengine.solver.costs import SPLITMIX_FIRST, SPLITMIX_SECOND
from slotengine.solver.encoding import Hashes, Ints, Reals, hash64, ints

HOUR = timedelta(hours=1)
HOUR_US = 3_600_000_000
DAY = timedelta(days=1)
MICROSECOND = timedelta(microseconds=1)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

SPLITMIX_STEP = np.uint64(0x9E3779B97F4A7C15)
"""Increment of splitmix64: 2^64 over the golden ratio."""

UNIT = 2.0**-53
"""Spacing of 53-bit fractions, what a double holds."""

MOST_A_CELL = 64.0
"""Expected arrivals of a cell; above, an hour is cut: exp(-64) is still far from underflow."""

TAIL = 12.0
"""Standard deviations up to which counts are tabulated: beyond lies less than 1e-16."""

TAIL_LEAST = 40
"""Counts tabulated beyond the mean for small rates, where a Poisson tail is longer than normal."""

NUMBER_BITS = np.uint64(20)
"""Bits of an address for the number within its cell: a million arrivals of one hour."""


class Drawn(NamedTuple):
    """Arrivals of one future: ``at_us`` (N,) int64 after the forecast's ``as_of``, and ``kind``."""

    at_us: Ints
    kind: Ints


def uniforms(seed: int, future: int, what: str, address: Hashes) -> Reals:
    """
    Gives for each address a number in [0, 1), always the same for the same arguments.

    Notes
    -----
    splitmix64 at given counters (Steele, Lea, Flood, OOPSLA 2014), started from BLAKE2b.
    """
    begin = np.uint64(hash64(f"{seed}/{future}/{what}"))
    mixed = begin + address * SPLITMIX_STEP
    mixed = (mixed ^ (mixed >> np.uint64(30))) * SPLITMIX_FIRST
    mixed = (mixed ^ (mixed >> np.uint64(27))) * SPLITMIX_SECOND
    mixed = mixed ^ (mixed >> np.uint64(31))
    return (mixed >> np.uint64(11)).astype(np.float64) * UNIT


class ArrivalDraws:
    """Draws the arrivals of any future of one forecast: Poisson in each hour, then who and when."""

    def __init__(self, policy: Policy, forecast: Forecast) -> None:
        """Tabulates how likely each count of each hour is."""
        rates = np.array(forecast.hourly, dtype=np.float64)
        parts = np.maximum(1, np.ceil(rates / MOST_A_CELL)).astype(np.int64)
        self._hour = np.repeat(np.arange(len(rates), dtype=np.int64), parts)
        first = (forecast.as_of - EPOCH) // HOUR
        part = np.arange(len(self._hour)) - np.repeat(np.cumsum(parts) - parts, parts)
        # Named by the hour of the calendar, so that an hourly run draws the same ones again.
        calendar = (first + self._hour).astype(np.uint64)
        self._address = (calendar << np.uint64(12)) + part.astype(np.uint64)
        self._below = _below(np.repeat(rates / parts, parts))
        shares = np.cumsum([kind.share for kind in forecast.kinds])
        self._shares = shares / shares[-1] if len(shares) else shares
        self._clock = _OpenClock(policy, forecast.as_of, len(rates))

    def of(self, seed: int, future: int) -> Drawn:
        """Draws one future's arrivals, hour by hour."""
        luck = uniforms(seed, future, "arrivals", self._address)
        many = (luck[:, None] >= self._below).sum(axis=1)
        cell = np.repeat(np.arange(len(many)), many)
        number = np.arange(len(cell)) - np.repeat(np.cumsum(many) - many, many)
        address = (self._address[cell] << NUMBER_BITS) + number.astype(np.uint64)
        within = uniforms(seed, future, "instant", address)
        who = uniforms(seed, future, "kind", address)
        kind = np.searchsorted(self._shares, who, side="right")
        return Drawn(self._clock.at(self._hour[cell], within), kind.astype(np.int64))


def _below(rates: Reals) -> Reals:
    """Gives for each rate the chance of at most n arrivals, as (cells, n) rising along n."""
    most = float(rates.max(initial=0.0))
    counts = np.arange(1, int(most + TAIL * most**0.5) + TAIL_LEAST)
    steps = rates[:, None] / counts[None, :]
    first = np.exp(-rates)[:, None]
    chances = np.concatenate((first, first * np.cumprod(steps, axis=1)), axis=1)
    below: Reals = np.cumsum(chances, axis=1)
    return below


class _OpenClock:
    """Where in its hour an arrival falls: evenly over the part that the territory is open."""

    def __init__(self, policy: Policy, as_of: datetime, hours: int) -> None:
        until = as_of + hours * HOUR
        day, last = as_of.astimezone(policy.zone).date(), until.astimezone(policy.zone).date()
        spans: list[tuple[datetime, datetime]] = []
        while day <= last:
            spans.extend(opening_spans(policy, day))
            day += DAY
        starts = ints((start - as_of) // MICROSECOND for start, _ in spans)
        ends = ints((end - as_of) // MICROSECOND for _, end in spans)
        bounds = np.arange(hours + 1, dtype=np.int64) * HOUR_US
        self._starts = starts
        self._lengths = ends - starts
        self._before = np.cumsum(self._lengths) - self._lengths
        self._open = self._opened(bounds)

    def _opened(self, at: Ints) -> Ints:
        """Gives the open microseconds before each instant."""
        passed = np.clip(at[:, None] - self._starts[None, :], 0, self._lengths[None, :])
        opened: Ints = passed.sum(axis=1)
        return opened

    def at(self, hour: Ints, within: Reals) -> Ints:
        """Gives the instant at a fraction of each hour's open part, of all of it when closed."""
        begin = self._open[hour]
        room = self._open[hour + 1] - begin
        evenly: Ints = hour * HOUR_US + (within * HOUR_US).astype(np.int64)
        if len(self._starts) == 0:
            return evenly
        opened = begin + (within * room).astype(np.int64)
        span = np.searchsorted(self._before, opened, side="right") - 1
        return np.where(room > 0, self._starts[span] + opened - self._before[span], evenly)


def addresses(texts: list[str]) -> Hashes:
    """Gives the address of each named thing."""
    found: npt.NDArray[np.uint64] = np.array([hash64(text) for text in texts], dtype=np.uint64)
    return found
