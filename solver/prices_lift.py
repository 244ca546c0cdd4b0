"""
What floors add to the value of those they name, so that seats are kept for them too.

A price keeps seats for whom the Policy values most. A class that would end below its floor is worth
more in the sampled futures, just so much that enough of it are served there: the multiplier of the
floor, found by halving. What the class takes then stands in the prices of the seats it takes.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from slotengine.codes import Priority
from slotengine.policy import Policy
from slotengine.side_constraints import FULL, Floor
from slotengine.solver.duals import UNSERVED
from slotengine.solver.encoding import Flags, Ints, ints
from slotengine.solver.flow import proposed, proved
from slotengine.solver.futures import Future
from slotengine.solver.prices_worth import market

LIFT_FUTURES = 8
"""Futures in which lifts are searched: each is solved ``HALVINGS`` times more. Our choice."""

HALVINGS = 7
"""Steps of the search: a lift is exact to a 128th of the most it can be, 78 for routine."""

LIFT_TIMES = 2
"""
A class is lifted by at most this multiple of its own value. Without such a bound a floor that could
hardly be reached any more kept seats for one patient from several more urgent ones, and more of
them stayed empty (docs/adr/0017). Our choice.
"""


class Quota(NamedTuple):
    """How far a floor is met: ``percent`` of all who ask are wanted, so many did and were."""

    percent: int
    asked: int
    served: int


def most_lift(floor: Floor, policy: Policy) -> int:
    """Gives the most that a floor adds, in weighted minutes."""
    named = (floor.priority,) if floor.priority is not None else tuple(Priority)
    return LIFT_TIMES * min(policy.values.of(one) for one in named)


def lifts(worlds: Sequence[Future], kept: Flags, quotas: Sequence[Quota], most: Ints) -> Ints:
    """
    Gives what each floor adds to the value of those it names, (F,) weighted minutes.

    The least with which, over the futures, its share of all who asked and will ask is served;
    where not even ``most`` reaches that, the least that serves as many. Several floors are searched
    at once, each as if the others stood still. Nothing for a floor that will be met without it.

    Parameters
    ----------
    worlds
        Futures, at least one.
    kept
        (R,) which of the shared rows keep a seat in any case: they are counted as served already.
    quotas
        One a floor. Who waits has asked; who comes in a future asks there.
    most
        (F,) the most that each may add.
    """
    count, known = len(worlds), len(kept)
    counted = [_counted(world, kept) for world in worlds]
    come = sum((one[:, known:].sum(axis=1) for one in counted), np.zeros(len(quotas), np.int64))
    asked = count * ints(one.asked for one in quotas) + come
    percent = ints(one.percent for one in quotas)
    wanted = -(-percent * asked // FULL) - count * ints(one.served for one in quotas)

    def served(lift: Ints) -> Ints:
        found = np.zeros(len(quotas), dtype=np.int64)
        for world, mine in zip(worlds, counted, strict=True):
            found += (mine & _seated(lifted(world, lift), kept)).sum(axis=1)
        return found

    low = np.zeros(len(quotas), dtype=np.int64)
    without = served(low)
    high = np.where(without < wanted, most, 0)
    if not high.any():
        return high
    wanted = np.minimum(wanted, served(high))
    high = np.where(without >= wanted, 0, high)
    for _ in range(HALVINGS):
        middle = (low + high) // 2
        enough = served(middle) >= wanted
        low, high = np.where(enough, low, middle), np.where(enough, middle, high)
    return high


def lifted(world: Future, lift: Ints) -> Future:
    """Gives a future in which those whom floors name are worth more."""
    return world._replace(value=world.value + lift @ world.named)


def _counted(world: Future, kept: Flags) -> Flags:
    """
    Gives whom each floor counts in a future, (F, R').

    Not who comes so late that a seat beyond the forecast would do: there they seem unserved.
    """
    counted = world.named & world.in_sight
    counted[:, : len(kept)] &= ~kept
    return counted


def _seated(world: Future, kept: Flags) -> Flags:
    """Gives who has a seat in a future; no dual is needed for that, and no proof."""
    network = market(world, kept)
    if len(network.col) == 0:
        return np.zeros(len(network.unserved), dtype=np.bool_)
    col_of_row = proposed(network)
    if col_of_row is None:
        col_of_row = proved(network).col_of_row
    seated: Flags = col_of_row != UNSERVED
    return seated
