"""
Days of a territory replayed under several policies at the counter, side by side.

The worlds are drawn first (``draw_world``, ``territory_world``); every policy meets the same ones,
sees only what an engine would see, and is checked step by step afterwards.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from slotengine.errors import SolverError
from slotengine.problem import Violation
from slotengine.simulation_check import plain_value, violations
from slotengine.simulation_desks import (
    FlatReserve,
    Greedy,
    LeastRecentlyUsed,
    Nearest,
    SasOrder,
    Soonest,
)
from slotengine.simulation_figures import Figures, figures
from slotengine.simulation_foresight import perfect_foresight
from slotengine.simulation_run import Desk, Timer, run
from slotengine.simulation_world import World, draw_world, territory_world

__all__ = [
    "BASELINES",
    "Outcome",
    "desks",
    "draw_world",
    "simulate",
    "territory_world",
]

MakeDesk = Callable[[int], Desk]
"""Makes a fresh desk from a seed."""

BASELINES: Mapping[str, MakeDesk] = {
    Soonest.name: lambda _: Soonest(),
    Nearest.name: lambda _: Nearest(),
    SasOrder.name: lambda seed: SasOrder(seed=seed),
    LeastRecentlyUsed.name: lambda _: LeastRecentlyUsed(),
    FlatReserve.name: lambda _: FlatReserve(),
    Greedy.name: lambda _: Greedy(),
}
"""What ours is compared with, by name."""


@dataclass(frozen=True)
class Outcome:
    """One world under each policy, foresight last, and what the independent check found."""

    world: World
    figures: tuple[Figures, ...]
    violations: Mapping[str, tuple[Violation, ...]]


def simulate(
    world: World, policies: Mapping[str, MakeDesk], *, timer: Timer | None = None
) -> Outcome:
    """
    Replays a world under each policy and under perfect foresight.

    Parameters
    ----------
    world
        The days.
    policies
        Makers of fresh desks by name; each is given the world's seed.
    timer
        A clock in seconds for the time of decisions. Default none.

    Raises
    ------
    InputError
        When a desk does what the world does not allow.
    SolverError
        When a policy is worth more than perfect foresight, or two ways of adding up its value
        differ: a fault of the simulation.
    """
    best = perfect_foresight(world)
    found: list[Figures] = []
    wrong: dict[str, tuple[Violation, ...]] = {}
    for name, make in policies.items():
        done = run(world, make(world.seed), timer=timer)
        mine = figures(done, best)
        found.append(mine)
        wrong[name] = tuple(violations(done))
        value = plain_value(done)
        if value != mine.value:
            raise SolverError(f"{name}: value {mine.value}, added up again {value}")
    found.append(figures(best, best))
    for one in found:
        if one.value > found[-1].value:
            raise SolverError(f"{one.policy} is worth more than perfect foresight")
    return Outcome(world, tuple(found), wrong)


def desks(names: Sequence[str] = ()) -> dict[str, MakeDesk]:
    """Gives the makers of the policies named; default all."""
    return {name: make for name, make in BASELINES.items() if not names or name in names}
