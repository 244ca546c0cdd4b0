"""Tiny worlds for the simulation, with figures that can be added up by hand."""

from datetime import datetime, timedelta
from typing import Any

from builders import NOW, TOWN, patient, policy, practitioner, problem, referral, site, slot

from slotengine.codes import Priority
from slotengine.domain import Referral, Slot
from slotengine.forecast import History
from slotengine.simulation_world import World

HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)


def asks(
    name: str, priority: Priority, *, after: int, hours: float = 48, **changes: Any
) -> Referral:
    """A referral that comes ``after`` minutes and is due so many hours later; no own doctor."""
    at = NOW + after * MINUTE
    return referral(
        name,
        priority=priority,
        received_at=at,
        deadline=at + hours * HOUR,
        patient=patient(f"patient of {name}", location=TOWN, own_practitioner=None),
        **changes,
    )


def world(
    slots: list[Slot],
    referrals: list[Referral],
    *,
    published: dict[str, int] | None = None,
    ends: dict[str, int] | None = None,
    misses: tuple[str, ...] = (),
    **changes: Any,
) -> World:
    """
    A world of one day; ``published`` and ``ends`` are minutes after its beginning, by id or name.
    """
    whole = problem(
        slots=slots,
        referrals=referrals,
        policy=changes.pop("policy", policy()),
        practitioners=changes.pop("practitioners", (practitioner(),)),
        sites=changes.pop("sites", (site(),)),
    )
    known, over = published or {}, ends or {}

    def instant(minutes: int | None) -> datetime | None:
        return None if minutes is None else NOW + minutes * MINUTE

    return World(
        label="tiny",
        inhabitants=10_000,
        load=1.0,
        rate_error=0.0,
        mix_error=0.0,
        seed=0,
        days=(NOW.date(),),
        problem=whole,
        history=History(since=NOW - timedelta(days=7), until=NOW),
        published=tuple(NOW + known.get(one.id, -60) * MINUTE for one in whole.slots),
        ends=tuple(instant(over.get(one.reference)) for one in whole.referrals),
        misses=tuple(one.reference in misses for one in whole.referrals),
    )


def two_seats_three_referrals(**changes: Any) -> World:
    """
    Seats at +120 and +180 min; routine r1 at +0 and r2 at +10, stat s at +60 due 5 h later.

    Costs, travel and stranger being 0, are waits times 1 (routine) or 8 (stat): r1 120 and 180, r2
    110 and 170, s 480 and 960. Values are 5,000 and 40,000.
    """
    return world(
        [slot("a", after_minutes=120), slot("b", after_minutes=180)],
        [
            asks("r1", Priority.ROUTINE, after=0),
            asks("r2", Priority.ROUTINE, after=10),
            asks("s", Priority.STAT, after=60, hours=5),
        ],
        **changes,
    )


def row_of(one: World, reference: str) -> int:
    """The row of a referral by its reference."""
    return next(at for at, each in enumerate(one.problem.referrals) if each.reference == reference)


def seated(one: World, seat_of: Any) -> dict[str, str]:
    """Who has which slot, by reference and id."""
    seats = one.problem.free_seats
    return {
        one.problem.referrals[row].reference: seats[seat][0]
        for row, seat in enumerate(seat_of.tolist())
        if seat >= 0
    }
