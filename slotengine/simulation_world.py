"""
A world to replay: who asks when, which slots come when, who cancels, who does not come.

It is drawn before anybody decides anything, so every policy meets the same days. A desk never sees
it: it sees the clerk (``slotengine.simulation_clerk``), who knows what is known by now.
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cached_property
from typing import NamedTuple

import numpy as np

from slotengine.errors import InputError
from slotengine.forecast import Endings, History
from slotengine.opening import opening_spans
from slotengine.policy import Policy
from slotengine.problem import Problem
from slotengine.simulation_demand import ENDS_SHARE, MISSES_SHARE, WEEKDAY_LEVEL, Asked, Demand
from slotengine.simulation_land import Land, drawn_land, land_of
from slotengine.simulation_supply import Agendas, Given, MoreSlots, opening
from slotengine.solver.arcs import best_ways, candidate_arcs
from slotengine.solver.columns import MICROSECOND, MINUTE_US, to_columns
from slotengine.solver.encoding import NEVER, Flags, Indices, Ints

LAST_DAY = date(2026, 11, 27)
"""The Friday on which the replayed days end: no seat lies within reach of what is asked after."""

HISTORY_DAYS = 56
"""Eight weeks of past, the same weekdays eight times."""

LONGEST_REPLAY_DAYS = 60

STOCK_DAYS = 2
"""Open days before the first of which somebody may still wait: the longest deadline, 48 h."""

STANDING_SHARE = (1 - ENDS_SHARE) * (1 - MISSES_SHARE)
"""Share of referrals whose need stands and whose patient comes: these make the load."""


class Ground(NamedTuple):
    """
    The world as arrays: R referrals, C seats, A allowed pairs, instants in microseconds.

    ``start`` (R + 1,) and ``seat`` ``cost`` ``metres`` ``minutes`` ``mode`` (A,) are the pairs in
    CSR form, their cost the weighted minutes of their cheapest mode; ``received_us`` ``due_us``
    ``ends_us`` ``value`` ``misses`` (R,); ``known_us`` ``begins_us`` ``slot`` (C,).
    """

    start: Ints
    seat: Ints
    cost: Ints
    metres: Ints
    minutes: Ints
    mode: Indices
    received_us: Ints
    due_us: Ints
    ends_us: Ints
    misses: Flags
    value: Ints
    known_us: Ints
    begins_us: Ints
    slot: Indices


@dataclass(frozen=True, eq=False)
class World:
    """
    Days to replay. ``published`` and ``ends`` follow the Problem's slots and referrals.

    ``history`` is the past before ``problem.as_of`` at the nominal rate; the days themselves may
    be busier (``rate_error``) or more urgent (``mix_error``) than the past was.
    """

    label: str
    inhabitants: int
    load: float
    rate_error: float
    mix_error: float
    seed: int
    days: tuple[date, ...]
    problem: Problem
    history: History
    published: tuple[datetime, ...]
    ends: tuple[datetime | None, ...]
    misses: tuple[bool, ...]

    @property
    def policy(self) -> Policy:
        """The rules of the territory."""
        return self.problem.policy

    @cached_property
    def ground(self) -> Ground:
        """The world as arrays; made once for all policies."""
        return _ground(self)

    def instant_us(self, at: datetime) -> int:
        """Gives an instant as microseconds after the world's beginning."""
        return (at - self.problem.as_of) // MICROSECOND


def draw_world(
    inhabitants: int,
    *,
    load: float = 1.0,
    days: int = 3,
    seed: int = 0,
    rate_error: float = 0.0,
    mix_error: float = 0.0,
) -> World:
    """
    Draws a synthetic territory and the days to replay.

    Parameters
    ----------
    inhabitants
        At least 10,000; 36 doctors per 100,000 give 6.5 slots in two days each.
    load
        Nominal demand of the days that stands and comes, over their seats.
    days
        Open days to replay, the last a Friday.
    seed
        Equal arguments give equal worlds.
    rate_error
        The days are busier than the past by this share: -0.3 to 0.3 in the benchmark.
    mix_error
        Stat and asap are likelier than in the past by this share.

    Raises
    ------
    InputError
        When a figure is out of range.
    """
    if inhabitants < SMALLEST:
        raise InputError(f"inhabitants is {inhabitants}, at least {SMALLEST} is allowed")
    land = drawn_land(inhabitants, seed=seed)
    return world_on(
        land,
        f"{inhabitants:,} inhabitants",
        load=load,
        days=days,
        seed=seed,
        rate_error=rate_error,
        mix_error=mix_error,
    )


SMALLEST = 10_000
"""Inhabitants below which a drawn territory would have one doctor or two."""


def territory_world(
    name: str,
    *,
    load: float = 1.0,
    days: int = 3,
    seed: int = 0,
    policy: Policy | None = None,
    more: tuple[MoreSlots, ...] = (),
) -> World:
    """
    Draws days of one of the fixture's territories: its people and places, this module's demand.

    Parameters
    ----------
    name
        One of ``slotengine.fixtures.NAMES``.
    load, days, seed
        As in ``draw_world``.
    policy
        Instead of the territory's own.
    more
        Slots that practitioners would give beyond their usual ones; demand stays what it was.

    Raises
    ------
    UnknownTerritoryError
        When there is no such territory.
    InputError
        When a figure is out of range, or nobody gives slots under an id of ``more``.
    """
    land = land_of(name, seed=seed, policy=policy)
    return world_on(land, name, load=load, days=days, seed=seed, more=more)


def world_on(
    land: Land,
    label: str,
    *,
    load: float,
    days: int,
    seed: int,
    rate_error: float = 0.0,
    mix_error: float = 0.0,
    more: tuple[MoreSlots, ...] = (),
) -> World:
    """Draws days on a land; see ``draw_world`` and ``territory_world``."""
    _check(load, days, rate_error, mix_error)
    _check_givers(land, more)
    before = open_days(land.policy, days + STOCK_DAYS)
    replayed = tuple(before[STOCK_DAYS:])
    begin = opening_spans(land.policy, replayed[0])[0][0]
    usual = Agendas(land, seed=seed)
    given = [one for day in replayed for one in Agendas(land, seed=seed, more=more).day(day)]
    seats = sum(one.slot.seats for day in replayed for one in usual.day(day))
    rate = load * seats / (STANDING_SHARE * sum(WEEKDAY_LEVEL[day.weekday()] for day in replayed))
    nominal = Demand(land, rate=rate, mix_error=0.0, seed=seed)
    today = Demand(land, rate=rate * (1 + rate_error), mix_error=mix_error, seed=seed)
    stock = [one for day in before[:STOCK_DAYS] for one in today.left_over(day, begin)]
    asked = [*stock, *(one for day in replayed for one in today.day(day))]
    past = [replayed[0] - timedelta(days=back) for back in range(HISTORY_DAYS, 0, -1)]
    given_past = [one for day in past for one in usual.day(day)]
    return _world(
        land,
        label,
        given,
        asked,
        history=_history(nominal, past, [*given_past, *given], begin),
        begin=begin,
        days=replayed,
        figures=(load, rate_error, mix_error, seed),
    )


def open_days(policy: Policy, days: int) -> tuple[date, ...]:
    """Gives the last open days up to ``LAST_DAY``, in order."""
    found: list[date] = []
    day = LAST_DAY
    while len(found) < days and LAST_DAY - day < timedelta(days=7 * LONGEST_REPLAY_DAYS):
        if opening_spans(policy, day):
            found.append(day)
        day -= timedelta(days=1)
    if len(found) < days:
        raise InputError(f"territory {policy.territory} is never open long enough to replay")
    return tuple(reversed(found))


def _check(load: float, days: int, rate_error: float, mix_error: float) -> None:
    if not LEAST_LOAD <= load <= MOST_LOAD:
        raise InputError(f"load is {load}, allowed is {LEAST_LOAD} to {MOST_LOAD}")
    if not 1 <= days <= LONGEST_REPLAY_DAYS:
        raise InputError(f"days is {days}, allowed is 1 to {LONGEST_REPLAY_DAYS}")
    for name, error in (("rate_error", rate_error), ("mix_error", mix_error)):
        if not -1 <= error <= MOST_ERROR:
            raise InputError(f"{name} is {error}, allowed is -1 to {MOST_ERROR}")


def _check_givers(land: Land, more: tuple[MoreSlots, ...]) -> None:
    if not land.givers:
        raise InputError(f"nobody gives slots in {land.policy.territory}")
    known = {one.practitioner.id for one in land.givers}
    for one in more:
        if one.practitioner not in known:
            raise InputError(f"practitioner {one.practitioner} gives no slots there")
        if not 1 <= one.slots <= MOST_MORE_SLOTS:
            raise InputError(f"more slots is {one.slots}, allowed is 1 to {MOST_MORE_SLOTS}")


LEAST_LOAD, MOST_LOAD = 0.0, 5.0
MOST_ERROR = 3.0
MOST_MORE_SLOTS = 20
"""Of one practitioner and day: five hours, and a typing error above it."""


def _world(
    land: Land,
    label: str,
    given: list[Given],
    asked: list[Asked],
    *,
    history: History,
    begin: datetime,
    days: tuple[date, ...],
    figures: tuple[float, float, float, int],
) -> World:
    load, rate_error, mix_error, seed = figures
    problem = Problem.build(
        territory=land.policy.territory,
        as_of=begin,
        policy=land.policy,
        practitioners=land.practitioners,
        sites=land.sites,
        slots=[one.slot for one in given],
        referrals=[one.referral for one in asked],
    )
    by_slot = {one.slot.id: one.published_at for one in given}
    by_referral = {one.referral.id: one for one in asked}
    return World(
        label=label,
        inhabitants=land.inhabitants,
        load=load,
        rate_error=rate_error,
        mix_error=mix_error,
        seed=seed,
        days=days,
        problem=problem,
        history=history,
        published=tuple(by_slot[slot.id] for slot in problem.slots),
        ends=tuple(by_referral[one.id].ends_at for one in problem.referrals),
        misses=tuple(by_referral[one.id].misses for one in problem.referrals),
    )


def _history(demand: Demand, past: list[date], given: list[Given], begin: datetime) -> History:
    arrivals = tuple(arrival for day in past for arrival in demand.past(day))
    since = opening_time(demand.policy, past[0])
    return History(
        since=since,
        until=begin,
        arrivals=arrivals,
        openings=tuple(opening(one) for one in given if since <= one.published_at < begin),
        endings=Endings(
            confirmed=len(arrivals),
            cancelled=round(ENDS_SHARE * len(arrivals)),
            missed=round(MISSES_SHARE * len(arrivals)),
        ),
    )


def opening_time(policy: Policy, day: date) -> datetime:
    """Gives local midnight of a day."""
    return datetime(day.year, day.month, day.day, tzinfo=policy.zone)


def _ground(world: World) -> Ground:
    problem = world.problem
    columns = to_columns(problem)
    arcs = candidate_arcs(columns)
    row = arcs.row
    ways = best_ways(columns, row, arcs.slot)
    # A slot of several seats gives each pair one arc a seat.
    many = columns.slot_free[arcs.slot]
    seat = np.repeat(columns.slot_first_seat[arcs.slot] - (np.cumsum(many) - many), many)
    seat += np.arange(len(seat))
    wide = np.repeat(np.arange(len(row)), many)
    count = np.bincount(row[wide], minlength=columns.referrals)
    start = np.concatenate([[0], np.cumsum(count)]).astype(np.int64)
    at = columns.seat_slot
    values = world.policy.values
    return Ground(
        start=start,
        seat=seat.astype(np.int64),
        cost=arcs.cost[wide],
        metres=ways.journey.metres[wide],
        minutes=ways.journey.minutes[wide],
        mode=ways.mode[wide],
        received_us=columns.referral_received_us,
        due_us=columns.referral_deadline_us,
        ends_us=_instants(world, world.ends),
        misses=np.array(world.misses, dtype=np.bool_),
        value=np.array([values.of(one.priority) for one in problem.referrals], dtype=np.int64),
        known_us=_instants(world, world.published)[at],
        begins_us=columns.slot_start_us[at],
        slot=at,
    )


def _instants(world: World, instants: tuple[datetime | None, ...]) -> Ints:
    return np.array(
        [NEVER if at is None else world.instant_us(at) for at in instants], dtype=np.int64
    )


def earliest_us(ground: Ground, notice_us: int, now_us: int | Ints) -> Ints:
    """Gives for each pair the first start that somebody told at ``now_us`` can reach, (A,)."""
    reached: Ints = now_us + notice_us + ground.minutes * MINUTE_US
    return reached
