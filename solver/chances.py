"""
How likely somebody who waits gets a seat, corrected by what became of chances stated earlier.

The share of sampled futures that seat a patient is not yet their chance: it is lifted by the time
that is left (``foreseen``), and corrected by what became of those who heard one (``learned``), who
know what the forecast gets wrong.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import exp, log
from typing import NamedTuple

from slotengine.errors import ProblemError

BINS = 10
"""Ten points wide each: a stated chance is read as "about seven in ten", not finer. Our choice."""

PRIOR_OUTCOMES = 20
"""
Outcomes that a bin's own prior is worth. After as many, history counts half; with fewer, one
patient's luck would move the stated chance by tens of points. Our choice.
"""

UNFORESEEN = 0.01
"""
Raw chance of who has a seat in no future but time left, and what lies below counts with it: below
all that a share of 20 futures can say.
"""

LITTLE_HOURS = 8.0
"""Open hours up to which no seat that nobody foresaw is hoped for: 1 came in 867. Measured."""

OF_NOTHING = 0.005
OF_UNFORESEEN = 0.03
"""
Chances of who has a seat in no future, with little time left and with more, before anything was
seen: seats open that nobody foresaw. Measured in simulated worlds that no figure of the benchmark
is taken from (``docs/simulation.md``): 1 in 867, and 0.6 to 4.6 % by load.
"""

LIFT_AT_ONCE = -1.0
LIFT_LATER = 0.75
LATER_HOURS = 16.0
"""
How much likelier a seat is than futures say, in log odds: with no open hour left, and with as many
as ``LATER_HOURS`` or more; straight between them.

A future knows who comes and seats its patients at the last moment; whoever has little time left
sees that seat kept for others. Who has more is asked again every hour, with other futures, and one
good hour is enough. Measured in the same worlds.
"""

LIFT_SPREAD = 0.7
"""
Standard deviation of that between one time and another: a rush that no forecast knew of lowers
all chances together. Our choice, from how it differed between those worlds' loads.
"""

EDGE = 0.025
"""
Shares nearer to 0 and 1 count as this far away, half a future of twenty: some are never sampled.
"""

ROUNDS = 50
"""Newton steps at most; four are usual, for the likelihood is concave."""

NEAR = 1e-9
"""Steps of log odds below which the lift stands."""

LONGEST_STEP = 1.0
"""Of log odds: where nearly nothing came true, a whole step of Newton's would overshoot."""

PERCENT = 100


class _Seen(NamedTuple):
    """Chances alike: how many were stated, and how many came true or are expected to."""

    raw: float
    many: int
    came: float


@dataclass(frozen=True, slots=True)
class Correction:
    """
    What a raw chance is worth by what is known: straight between knots, flat outside.

    ``knots`` rise in raw chance, ``values`` do not fall.
    """

    knots: tuple[float, ...]
    values: tuple[float, ...]

    def chance(self, raw: float) -> float:
        """
        Corrects a raw chance; never falling in it.

        Parameters
        ----------
        raw
            As ``foreseen`` gives it, 0 to 1.

        Raises
        ------
        ProblemError
            When it is outside 0 to 1.
        """
        _allowed(raw)
        return _between(raw, self.knots, self.values)


def foreseen(share: float, hours: float) -> float:
    """
    Gives the raw chance of who has a seat in a share of the futures.

    Parameters
    ----------
    share
        Of sampled futures, 0 to 1.
    hours
        Open hours left until the instant before which the seat is wanted.

    Returns
    -------
    float
        In no future 0, or ``UNFORESEEN`` with more than ``LITTLE_HOURS`` left.

    Raises
    ------
    ProblemError
        When the share is outside 0 to 1.
    """
    _allowed(share)
    if share == 0:
        return UNFORESEEN if hours > LITTLE_HOURS else 0.0
    later = min(1.0, max(0.0, hours) / LATER_HOURS)
    lift = LIFT_AT_ONCE + later * (LIFT_LATER - LIFT_AT_ONCE)
    return _lifted(share, lift)


def learned(outcomes: Iterable[tuple[float, float]]) -> Correction:
    """
    Learns how often chances came true.

    Parameters
    ----------
    outcomes
        Raw chances stated earlier and what became of them, in any order: 1 where a seat came in
        time, 0 where none did, and for who still waits the raw chance by now. Waiting for the end
        alone would learn of a rush when it is over; seats given alone would show the lucky.

    Raises
    ------
    ProblemError
        When a chance is outside 0 to 1.

    Notes
    -----
    Two answers, the first the prior of the second. One lift of all that futures foresaw, in log
    odds, which few outcomes can tell: the likeliest by a normal prior (Platt 1999, with the slope
    left alone). Then the share of each bin, made monotone by pooling adjacent violators (Ayer et
    al. 1955), at the bins' mean raw chances.
    """
    seen = _counted(outcomes)
    lift = _lift(seen)
    middles = [(at + 0.5) / BINS for at in range(BINS)]
    priors = [OF_NOTHING, OF_UNFORESEEN, *(_lifted(middle, lift) for middle in middles)]
    weights = [float(PRIOR_OUTCOMES)] * len(priors)
    stated = [PRIOR_OUTCOMES * middle for middle in (0.0, UNFORESEEN, *middles)]
    came = [PRIOR_OUTCOMES * prior for prior in priors]
    for one in seen:
        at = _bin(one.raw)
        weights[at] += one.many
        stated[at] += one.many * one.raw
        came[at] += one.came
    knots = tuple(total / weight for total, weight in zip(stated, weights, strict=True))
    shares = [total / weight for total, weight in zip(came, weights, strict=True)]
    return Correction(knots, tuple(pooled(shares, weights)))


def percent(chance: float, *, certain: bool | None = None) -> int:
    """
    Gives a chance in whole percent, 1 to 99, rounded half up.

    Parameters
    ----------
    chance
        0 to 1.
    certain
        True for who holds a seat: 100. False for whose deadline is past: 0. Default None: nobody
        who waits is told that a seat is sure, or that there is no hope.
    """
    if certain is not None:
        return PERCENT if certain else 0
    _allowed(chance)
    return max(1, min(PERCENT - 1, int(chance * PERCENT + 0.5)))


def pooled(values: Sequence[float], weights: Sequence[float]) -> list[float]:
    """
    Gives the nearest values that never fall, in weighted squares: neighbours that fall are merged.

    Examples
    --------
    >>> pooled([1.0, 4.0, 2.0], [1, 1, 1])
    [1.0, 3.0, 3.0]
    """
    blocks: list[tuple[float, float, int]] = []
    for value, weight in zip(values, weights, strict=True):
        mean, heavy, many = value, weight, 1
        while blocks and blocks[-1][0] > mean:
            before, other, count = blocks.pop()
            mean = (before * other + mean * heavy) / (other + heavy)
            heavy, many = heavy + other, many + count
        blocks.append((mean, heavy, many))
    return [mean for mean, _, many in blocks for _ in range(many)]


def _counted(outcomes: Iterable[tuple[float, float]]) -> list[_Seen]:
    """Counts chances alike together, sorted first: sums of floats depend on their order."""
    many, came = Counter[float](), defaultdict[float, float](float)
    for raw, became in sorted(outcomes):
        _allowed(raw)
        _allowed(became)
        many[raw] += 1
        came[raw] += became
    return [_Seen(raw, many[raw], came[raw]) for raw in many]


def _bin(raw: float) -> int:
    """Gives 0 for nothing, 1 for what nobody foresaw, then the tenth."""
    if raw <= UNFORESEEN:
        return 0 if raw == 0 else 1
    return 2 + min(int(raw * BINS), BINS - 1)


def _lift(seen: Sequence[_Seen]) -> float:
    """Gives the likeliest lift of all chances that futures foresaw, with its prior."""
    tightness = 1 / LIFT_SPREAD**2
    lift = 0.0
    for _ in range(ROUNDS):
        pull, bend = -lift * tightness, tightness
        for one in seen:
            if one.raw > UNFORESEEN:
                chance = _lifted(one.raw, lift)
                pull += one.came - one.many * chance
                bend += one.many * chance * (1 - chance)
        step = max(-LONGEST_STEP, min(LONGEST_STEP, pull / bend))
        lift += step
        if abs(step) < NEAR:
            break
    return lift


def _lifted(raw: float, lift: float) -> float:
    """Moves a chance in log odds."""
    inside = max(EDGE, min(1 - EDGE, raw))
    return 1 / (1 + exp(-lift - log(inside / (1 - inside))))


def _between(raw: float, knots: Sequence[float], values: Sequence[float]) -> float:
    """Reads a broken line; flat before its first knot and after its last."""
    if raw <= knots[0]:
        return values[0]
    for at in range(1, len(knots)):
        if raw <= knots[at]:
            part = (raw - knots[at - 1]) / (knots[at] - knots[at - 1])
            return values[at - 1] + part * (values[at] - values[at - 1])
    return values[-1]


def _allowed(chance: float) -> None:
    if not 0 <= chance <= 1:
        raise ProblemError(f"chance is {chance}, allowed is 0 to 1")
