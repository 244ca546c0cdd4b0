"""
Learns what to expect of the next days from a territory's own past and the priors of the field.

The priors act as a made-up past of ``Policy.forecast.prior_days`` open days on which everything
went as they say, so each figure is (made-up + seen) over (what both should have brought): the mean
of a gamma, Dirichlet or beta posterior (Gelman et al., Bayesian Data Analysis, 3rd ed., 2.4-3.4).
"""

from bisect import bisect_right
from collections.abc import Sequence
from datetime import UTC, datetime, time, timedelta

from slotengine import learning_priors as priors
from slotengine.forecast import Arrival, Forecast, History
from slotengine.learning_kinds import kinds_of
from slotengine.learning_openings import openings_of
from slotengine.learning_rhythm import HOUR, Piece, Rhythm, open_pieces
from slotengine.policy import Policy


def learn(policy: Policy, history: History, *, now: datetime, horizon: timedelta) -> Forecast:
    """
    Gives what to expect from ``now`` on, hour by hour.

    Parameters
    ----------
    policy
        Opening hours, holidays, communes with their inhabitants, how much the priors weigh, and how
        far to lean to too much.
    history
        What the store knows. Open time before the day of the first arrival or opening is not read:
        the territory did not use the engine yet.
    now
        The forecast begins here; nothing that came later is learned from.
    horizon
        How far it looks, rounded up to whole hours.

    Returns
    -------
    Forecast
        Nothing at all where there are neither communes nor arrivals.
    """
    hours = -(-horizon // HOUR)
    since, until = _first_day(policy, history), min(history.until, now)
    # In a local zone an hour more would be one more on the wall, which jumps twice a year.
    now = now.astimezone(UTC)
    seen = [] if since is None else list(open_pieces(policy, max(since, history.since), until))
    came = _in_open_time(seen, history.arrivals)
    rhythm = Rhythm(policy, seen, came, _seats_a_day(policy, history))
    endings = history.endings
    kept = max(0, endings.confirmed - endings.cancelled)
    return Forecast(
        territory=policy.territory,
        as_of=now,
        hourly=rhythm.hourly(now, hours),
        kinds=kinds_of(policy, came, made_up=rhythm.prior_arrivals),
        openings=openings_of(policy, history, now=now, horizon=hours * HOUR),
        cancel_chance=_chance(priors.CANCEL_CHANCE, endings.cancelled, endings.confirmed),
        miss_chance=_chance(priors.MISS_CHANCE, endings.missed, kept),
        days_seen=len({piece.day for piece in seen}),
    )


def _first_day(policy: Policy, history: History) -> datetime | None:
    """Gives when the local day began on which the territory's first arrival or opening came."""
    known = [arrival.at for arrival in history.arrivals]
    known.extend(opening.published_at for opening in history.openings)
    first = min((at for at in known if at >= history.since), default=None)
    if first is None:
        return None
    return datetime.combine(first.astimezone(policy.zone), time(0), policy.zone)


def _seats_a_day(policy: Policy, history: History) -> float | None:
    """Gives how many seats a day has on which slots are given; None while none ever were."""
    zone = policy.zone
    days = {opening.start.astimezone(zone).date() for opening in history.openings}
    seats = sum(opening.seats for opening in history.openings)
    return seats / len(days) if days else None


def _in_open_time(seen: Sequence[Piece], arrivals: Sequence[Arrival]) -> list[Arrival]:
    """Leaves out what came while the territory was closed: nothing is expected then."""
    begins: list[datetime] = []
    ends: list[datetime] = []
    # Pieces that touch or overlap become one span, so that the last one that began decides.
    for begin, end in sorted((piece.begin, piece.end) for piece in seen):
        if ends and begin <= ends[-1]:
            ends[-1] = max(ends[-1], end)
        else:
            begins.append(begin)
            ends.append(end)
    last = [bisect_right(begins, arrival.at) - 1 for arrival in arrivals]
    return [
        arrival
        for arrival, at in zip(arrivals, last, strict=True)
        if at >= 0 and arrival.at < ends[at]
    ]


def _chance(prior: float, hits: int, trials: int) -> float:
    """Gives the mean of a beta posterior whose prior weighs ``BOOKINGS_OF_PRIOR`` bookings."""
    weight = priors.BOOKINGS_OF_PRIOR
    return (prior * weight + min(hits, trials)) / (weight + trials)
