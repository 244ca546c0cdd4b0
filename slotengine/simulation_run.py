"""
One policy through one world: the events of the days in order, one desk that answers them.

At one instant slots are published first, then needs end, then time ticks, then patients ask: what
is known at an instant is known to who asks at it.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal, NamedTuple, Protocol

import numpy as np

from slotengine.opening import opening_spans
from slotengine.simulation_clerk import NO_SEAT, Chance, Clerk, Entry
from slotengine.simulation_world import World
from slotengine.solver.encoding import NEVER, Ints

TICK_MINUTES = 5
"""How often time alone makes a desk look around; a host's own timer would be set so."""

HOUR_MINUTES = 60

Timer = Callable[[], float]

Kind = Literal["published", "ends", "tick", "hour", "arrived"]
_ORDER: tuple[Kind, ...] = ("published", "ends", "hour", "tick", "arrived")


class Event(NamedTuple):
    """Something that happens, in microseconds after the world's beginning."""

    at_us: int
    order: int
    row: int

    @property
    def kind(self) -> Kind:
        """What happens."""
        return _ORDER[self.order]


class Desk(Protocol):
    """
    A policy at the counter. It is given a clerk once and told what happens, as it happens.

    Everything it does, it does through the clerk. A desk serves one run.
    """

    @property
    def name(self) -> str:
        """How figures call it."""

    def start(self, clerk: Clerk) -> None:
        """The days begin; slots published earlier are visible."""

    def arrived(self, row: int) -> None:
        """A referral asks: book, promise, or leave it waiting."""

    def published(self, seats: Ints) -> None:
        """Seats became visible."""

    def freed(self, seat: int, row: int) -> None:
        """A seat came free because the need of ``row`` ended."""

    def tick(self, *, hour: bool) -> None:
        """Five minutes of opening time passed; ``hour`` when it is a full hour since opening."""


@dataclass(frozen=True, eq=False)
class Run:
    """What came of it: each referral's seat at the end (-1: none), the ledger, stated chances."""

    policy: str
    world: World
    seat_of: Ints
    ledger: tuple[Entry, ...]
    chances: tuple[Chance, ...]
    moved: int
    broken: int
    decision_seconds: tuple[float, ...]


def run(world: World, desk: Desk, *, timer: Timer | None = None) -> Run:
    """
    Replays a world under one policy.

    Parameters
    ----------
    world
        The days.
    desk
        The policy; a fresh one.
    timer
        A clock in seconds by which the answers to arrivals are timed. Default none: nothing is
        timed, and equal arguments give equal runs.

    Raises
    ------
    InputError
        When the desk does what the world does not allow.
    """
    clerk = Clerk(world)
    known = world.ground.known_us
    clerk.publish(np.flatnonzero(known <= 0))
    desk.start(clerk)
    seconds: list[float] = []
    for event in events(world):
        clerk.now_us = event.at_us
        if event.kind == "published":
            seats = np.flatnonzero(known == event.at_us)
            clerk.publish(seats)
            desk.published(seats)
        elif event.kind == "ends":
            seat = clerk.end(event.row)
            if seat != NO_SEAT:
                desk.freed(seat, event.row)
        elif event.kind == "arrived":
            clerk.arrive(event.row)
            begun = 0.0 if timer is None else timer()
            desk.arrived(event.row)
            if timer is not None:
                seconds.append(timer() - begun)
        else:
            desk.tick(hour=event.kind == "hour")
    return Run(
        policy=desk.name,
        world=world,
        seat_of=clerk.seated(),
        ledger=tuple(clerk.ledger),
        chances=tuple(clerk.chances),
        moved=clerk.moved,
        broken=clerk.broken,
        decision_seconds=tuple(seconds),
    )


def events(world: World) -> list[Event]:
    """
    Gives what happens, in order; of each instant of publication one event.

    Who asked on an earlier day and still waits asks again at the beginning.
    """
    ground = world.ground
    found = [
        *(Event(at, 0, 0) for at in sorted(set(ground.known_us[ground.known_us > 0].tolist()))),
        *_each(ground.ends_us, "ends"),
        *_each(np.maximum(0, ground.received_us), "arrived"),
        *_ticks(world),
    ]
    return sorted(found)


def _each(instants: Ints, kind: Kind) -> Iterator[Event]:
    order = _ORDER.index(kind)
    for row, at in enumerate(instants.tolist()):
        if at != NEVER:
            yield Event(at, order, row)


def _ticks(world: World) -> Iterator[Event]:
    for day in world.days:
        for start, end in opening_spans(world.policy, day):
            minutes = int((end - start) / timedelta(minutes=1))
            for passed in range(0, minutes + 1, TICK_MINUTES):
                kind: Kind = "hour" if passed % HOUR_MINUTES == 0 else "tick"
                at = world.instant_us(start + timedelta(minutes=passed))
                yield Event(at, _ORDER.index(kind), 0)
