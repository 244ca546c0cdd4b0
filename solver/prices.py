"""
What a seat is worth to those who have not come yet.

Futures are drawn from the forecast and each is solved as one assignment of all who may ask to all
seats there may be; the price of a seat is the mean of what its loss costs them. Wang, Truong, Bank
(arXiv 1805.10412) bound what is lost against perfect foresight; docs/forecast.md says what was
measured.
"""

from collections.abc import Iterable, Sequence
from itertools import chain, islice
from typing import NamedTuple

import numpy as np

from slotengine.errors import ProblemError
from slotengine.forecast import Forecast
from slotengine.problem import Problem
from slotengine.problem_checks import MOST_PRICE
from slotengine.solver.encoding import Flags, Ints, Reals, flags, ints
from slotengine.solver.futures import Future
from slotengine.solver.futures import futures as drawn
from slotengine.solver.prices_lift import LIFT_FUTURES, Quota, lifted, lifts, most_lift
from slotengine.solver.prices_worth import market, worth


class Prices(NamedTuple):
    """
    Prices and chances over all futures.

    ``of_seat`` (C,) int64 weighted minutes in the order of ``problem.free_seats``, never negative;
    ``served`` (R,) float64 share of futures in which each of the problem's referrals has a seat, 1
    for those who keep one in any case; ``expected`` referrals of the forecast; ``lift`` (F,) int64
    what each floor of the Policy added to the value of those it names.
    """

    of_seat: Ints
    served: Reals
    expected: float
    lift: Ints


def prices(
    problem: Problem,
    forecast: Forecast,
    *,
    futures: int,
    seed: int,
    quotas: Sequence[tuple[int, int, int]] = (),
) -> Prices:
    """
    Prices every free seat of a problem: what taking it costs those who come later, and who waits.

    Parameters
    ----------
    problem
        Who waits and which seats are free; its own ``prices`` are not looked at. Told and promised
        referrals keep a seat in every future.
    forecast
        Who will ask, which slots will open, which bookings will be cancelled.
    futures
        How many are drawn, at least 1.
    seed
        Same seed, same prices.
    quotas
        How far the floors of the Policy are met, in their order: percent wanted, asked, served. A
        class that would fall short is worth more in the futures (``solver.prices_lift``). Default
        none: floors add nothing.

    Raises
    ------
    ProblemError
        When no future is asked for, or quotas are not those of the floors.
    """
    if futures < 1:
        raise ProblemError(f"prices from {futures} futures, allowed is 1 or more")
    keep = {one.referral for one in problem.told} | set(problem.promised)
    kept = flags(one.id in keep for one in problem.referrals)
    floors = problem.policy.floors
    if quotas and len(quotas) != len(floors):
        raise ProblemError(f"{len(quotas)} quotas for {len(floors)} floors, allowed is one each")
    worlds = drawn(problem, forecast, count=futures, seed=seed)
    lift = np.zeros(len(floors), dtype=np.int64)
    if quotas:
        first = list(islice(worlds, LIFT_FUTURES))
        most = ints(most_lift(floor, problem.policy) for floor in floors)
        lift = lifts(first, kept, [Quota(*one) for one in quotas], most)
        worlds = (lifted(world, lift) for world in chain(first, worlds))
    of_seat, served = averaged(worlds, kept, len(problem.free_seats))
    return Prices(of_seat, served, forecast.expected, lift)


def averaged(worlds: Iterable[Future], kept: Flags, seats: int) -> tuple[Ints, Reals]:
    """
    Gives the mean price of the first seats, rounded half up, and how often each row is served.

    A price is at most ``MOST_PRICE``, which a Problem still takes and nobody can pay.

    Parameters
    ----------
    worlds
        Futures, at least one, that share their first rows and their first seats.
    kept
        (R,) which of the shared rows keep a seat in any case: they count as served.
    seats
        How many seats they share, C.
    """
    total = np.zeros(seats, dtype=np.int64)
    served = np.zeros(len(kept), dtype=np.int64)
    count = 0
    for world in worlds:
        found = worth(market(world, kept))
        total += found.of_seat[:seats]
        served += found.served[: len(kept)]
        count += 1
    mean = np.minimum((2 * total + count) // (2 * count), MOST_PRICE)
    share = np.where(kept, 1.0, served / count)
    return mean, share
