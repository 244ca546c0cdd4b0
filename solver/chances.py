"""
How likely somebody who waits gets a seat, corrected by what became of chances stated earlier.

The share of sampled futures that seat a patient knows nothing of what the forecast gets wrong;
what happened after earlier statements does.
"""

from collections.abc import Sequence

from slotengine.errors import ProblemError

BINS = 10
"""Ten points wide each: a stated chance is read as "about seven in ten", not finer. Our choice."""

PRIOR_OUTCOMES = 10
"""
Outcomes that a bin's own middle is worth. After as many, history counts half; with fewer, one
patient's luck would move the stated chance by tens of points. Our choice.
"""

PERCENT = 100


def calibrated(raw: float, outcomes: Sequence[tuple[float, bool]]) -> float:
    """
    Corrects a raw chance by how often chances like it came true.

    Parameters
    ----------
    raw
        Share of sampled futures, 0 to 1.
    outcomes
        Raw chances stated earlier and whether a seat came in time, in any order.

    Returns
    -------
    float
        Never falling in ``raw``. Without outcomes ``raw`` itself, but for the outer half bins,
        which are drawn in to 0.05 and 0.95: some futures are never sampled.

    Raises
    ------
    ProblemError
        When a chance is outside 0 to 1.

    Notes
    -----
    The share of each bin with its prior, made monotone by pooling adjacent violators (Ayer et al.
    1955), straight between the bins' mean raw chances.
    """
    _allowed(raw)
    seen, came, stated = [0] * BINS, [0] * BINS, [0.0] * BINS
    for said, happened in outcomes:
        _allowed(said)
        at = min(int(said * BINS), BINS - 1)
        seen[at] += 1
        came[at] += happened
        stated[at] += said
    weights = [PRIOR_OUTCOMES + count for count in seen]
    middles = [(at + 0.5) / BINS for at in range(BINS)]
    knots = [
        (PRIOR_OUTCOMES * middle + total) / weight
        for middle, total, weight in zip(middles, stated, weights, strict=True)
    ]
    shares = [
        (PRIOR_OUTCOMES * middle + count) / weight
        for middle, count, weight in zip(middles, came, weights, strict=True)
    ]
    return _between(raw, knots, pooled(shares, weights))


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


def pooled(values: Sequence[float], weights: Sequence[int]) -> list[float]:
    """
    Gives the nearest values that never fall, in weighted squares: neighbours that fall are merged.

    Examples
    --------
    >>> pooled([1.0, 4.0, 2.0], [1, 1, 1])
    [1.0, 3.0, 3.0]
    """
    blocks: list[tuple[float, int, int]] = []
    for value, weight in zip(values, weights, strict=True):
        mean, heavy, many = value, weight, 1
        while blocks and blocks[-1][0] > mean:
            before, other, count = blocks.pop()
            mean = (before * other + mean * heavy) / (other + heavy)
            heavy, many = heavy + other, many + count
        blocks.append((mean, heavy, many))
    return [mean for mean, _, many in blocks for _ in range(many)]


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
