"""
Days of a territory replayed under several policies at the counter, side by side.

The worlds are drawn first (``draw_world``, ``territory_world``); every policy meets the same ones,
sees only what an engine would see, and is checked step by step afterwards.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from slotengine.errors import InputError, SolverError
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
from slotengine.simulation_run import Desk, Run, Timer, run
from slotengine.simulation_world import World, draw_world, territory_world

__all__ = [
    "BASELINES",
    "OURS",
    "POLICIES",
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
    """
    One world under each policy, and what the independent check found.

    ``figures`` follow the policies in the order asked, perfect foresight last; ``runs`` are what
    they were read from, by name.
    """

    world: World
    figures: tuple[Figures, ...]
    runs: Mapping[str, Run]
    violations: Mapping[str, tuple[Violation, ...]]


def simulate(
    world: World,
    policies: Mapping[str, MakeDesk],
    *,
    timer: Timer | None = None,
    done: Callable[[str], None] | None = None,
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
    done
        Told the name of each policy when it is through, foresight first. Default nobody.

    Raises
    ------
    InputError
        When a desk does what the world does not allow.
    SolverError
        When a policy is worth more than perfect foresight, or two ways of adding up its value
        differ: a fault of the simulation.
    """
    best = perfect_foresight(world)
    if done is not None:
        done(best.policy)
    found: list[Figures] = []
    runs: dict[str, Run] = {}
    wrong: dict[str, tuple[Violation, ...]] = {}
    for name, make in policies.items():
        runs[name] = one = run(world, make(world.seed), timer=timer)
        mine = figures(one, best)
        found.append(mine)
        wrong[name] = tuple(violations(one))
        value = plain_value(one)
        if value != mine.value:
            raise SolverError(f"{name}: value {mine.value}, added up again {value}")
        if done is not None:
            done(name)
    found.append(figures(best, best))
    for each in found:
        if each.value > found[-1].value:
            raise SolverError(f"{each.policy} is worth more than perfect foresight")
    runs[best.policy] = best
    return Outcome(world, tuple(found), runs, wrong)


def desks(names: Sequence[str] = ()) -> dict[str, MakeDesk]:
    """
    Gives the makers of the policies named; default all, ours last.

    Raises
    ------
    InputError
        Naming the policy that is unknown.
    """
    unknown = sorted(set(names) - POLICIES.keys())
    if unknown:
        raise InputError(f"policy {unknown[0]!r} is none of {', '.join(POLICIES)}")
    return {name: make for name, make in POLICIES.items() if not names or name in names}


def _ours(seed: int) -> Desk:
    # Opened here: whoever compares the others alone needs neither forecast nor prices.
    from slotengine.simulation_ours import Ours

    return Ours(seed=seed)


OURS = "ours"
POLICIES: Mapping[str, MakeDesk] = {**BASELINES, OURS: _ours}
"""Every policy that can be replayed, by name."""
