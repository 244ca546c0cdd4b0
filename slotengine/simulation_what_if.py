"""
What if: the trade of a change, shown before anything is applied.

The same days of the same patients are replayed without and with the change, for each seed, and both
are counted by today's values, so that a change of values does not reward itself.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean

from slotengine.codes import Priority
from slotengine.domain import Value
from slotengine.policy import Policy, SeatValues
from slotengine.simulation import OURS, MakeDesk, desks
from slotengine.simulation_check import violations
from slotengine.simulation_figures import PERCENT, Figures, figures
from slotengine.simulation_land import land_of
from slotengine.simulation_run import run
from slotengine.simulation_supply import MoreSlots
from slotengine.simulation_world import World, territory_world


class Change(Value):
    """
    What a coordinator would change: slots given, the radius, the values, or the whole policy.

    Absent parts stay as they are. ``policy`` replaces the territory's first, the other parts change
    it.
    """

    more: tuple[MoreSlots, ...] = ()
    max_travel_metres: int | None = None
    values: SeatValues | None = None
    policy: Policy | None = None

    @property
    def nothing(self) -> bool:
        """Whether nothing would change."""
        return self == Change()

    def applied(self, policy: Policy) -> Policy:
        """Gives the policy as it would be."""
        changed = policy if self.policy is None else self.policy
        if self.max_travel_metres is not None:
            changed = changed.replaced(max_travel_metres=self.max_travel_metres)
        return changed if self.values is None else changed.replaced(values=self.values)


@dataclass(frozen=True)
class Totals:
    """
    Several worlds under one policy: sums of people, means of the rest.

    ``pct_of_foresight`` is None where foresight was not computed; ``unserved_pct`` follows the
    priorities, None where nobody asked.
    """

    policy: str
    worlds: int
    value: int
    pct_of_foresight: float | None
    asked: tuple[int, ...]
    served: tuple[int, ...]
    unserved_pct: tuple[float | None, ...]
    seats: int
    used: int
    wait_hours: float
    travel_minutes: float
    own_practitioner_pct: float
    spread_points: float
    promises: int
    promises_moved: int
    broken_promises: int
    violations: int = 0


@dataclass(frozen=True)
class Trade:
    """One policy without a change and with it, over the same seeds."""

    before: Totals
    after: Totals


def totals(found: Sequence[Figures], *, violations: int = 0) -> Totals:
    """Puts figures of several worlds under one policy together; at least one."""
    asked = tuple(map(sum, zip(*(one.asked for one in found), strict=True)))
    served = tuple(map(sum, zip(*(one.served for one in found), strict=True)))
    shares = [one.pct_of_foresight for one in found if one.pct_of_foresight is not None]
    return Totals(
        policy=found[0].policy,
        worlds=len(found),
        value=sum(one.value for one in found),
        pct_of_foresight=fmean(shares) if shares else None,
        asked=asked,
        served=served,
        unserved_pct=tuple(
            PERCENT * (many - had) / many if many else None
            for many, had in zip(asked, served, strict=True)
        ),
        seats=sum(one.seats for one in found),
        used=sum(one.used for one in found),
        wait_hours=fmean(one.wait_hours for one in found),
        travel_minutes=fmean(one.travel_minutes for one in found),
        own_practitioner_pct=fmean(one.own_practitioner_pct for one in found),
        spread_points=fmean(one.spread_points for one in found),
        promises=sum(one.promises for one in found),
        promises_moved=sum(one.promises_moved for one in found),
        broken_promises=sum(one.broken_promises for one in found),
        violations=violations,
    )


def what_if(
    territory: str,
    change: Change,
    *,
    policy: Policy | None = None,
    load: float = 1.0,
    days: int = 3,
    seeds: range = range(3),
    policies: Sequence[str] = (OURS,),
) -> tuple[Trade, ...]:
    """
    Replays a territory without and with a change and gives both, policy by policy.

    Parameters
    ----------
    territory
        One of ``slotengine.fixtures.NAMES``.
    change
        What would be different. Demand and everybody's luck stay the same.
    policy
        Today's rules. Default those that the territory ships with.
    load, days
        As in ``territory_world``.
    seeds
        One pair of worlds each. Default three.
    policies
        Names of policies at the counter. Default ours.

    Raises
    ------
    UnknownTerritoryError
        When there is no such territory.
    InputError
        When a figure is out of range or a name unknown.
    """
    before: dict[str, list[Figures]] = {}
    after: dict[str, list[Figures]] = {}
    wrong = {False: 0, True: 0}
    for seed in seeds:
        today = land_of(territory, seed=seed, policy=policy).policy
        for changed, into in ((False, before), (True, after)):
            world = territory_world(
                territory,
                load=load,
                days=days,
                seed=seed,
                policy=change.applied(today) if changed else today,
                more=change.more if changed else (),
            )
            for name, make in desks(policies).items():
                one, broken = _replayed(world, make, today)
                into.setdefault(name, []).append(one)
                wrong[changed] += broken
    return tuple(
        Trade(
            totals(before[name], violations=wrong[False]),
            totals(after[name], violations=wrong[True]),
        )
        for name in before
    )


def _replayed(world: World, make: MakeDesk, today: Policy) -> tuple[Figures, int]:
    done = run(world, make(world.seed))
    by_today = tuple(today.values.of(priority) for priority in Priority)
    return figures(done, values=by_today), len(violations(done))
