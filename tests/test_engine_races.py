"""
Two real processes want the last seat at the same instant, 200 times, on both databases.

Then a seat that somebody was promised, which one of them may have once the promise has moved.
"""

from collections.abc import Sequence
from datetime import timedelta
from functools import partial
from typing import Any

from builders import NOW, policy, practitioner, referral, site, slot
from races import spawned, together
from sqlalchemy import create_engine, text

from slotengine.codes import Priority
from slotengine.counter_rules import Pricing, PromiseRules
from slotengine.domain import Booking, Referral, Slot, TimeWindow
from slotengine.engine import Engine
from slotengine.errors import SlotTakenError

ROUNDS = 200
FIRST_MINUTE = 120
ROUND_MINUTES = 30


def window_of(number: int) -> TimeWindow:
    start = NOW + timedelta(minutes=FIRST_MINUTE + number * ROUND_MINUTES)
    return TimeWindow(start=start, end=start + timedelta(minutes=ROUND_MINUTES))


def slots_of(number: int) -> list[Slot]:
    """Two quarters of an hour of two practitioners, who are two choices."""
    minute = FIRST_MINUTE + number * ROUND_MINUTES
    return [
        slot(f"round{number}-last", after_minutes=minute),
        slot(f"round{number}-next", after_minutes=minute + 15, practitioner="d2"),
    ]


def opened(engine: Engine, rounds: int, **rules: Any) -> list[Slot]:
    """Opens the territory with the slots of so many rounds."""
    everything = [one for number in range(rounds) for one in slots_of(number)]
    engine.set_policy(policy(**rules), now=NOW)
    engine.publish(
        "giennois",
        practitioners=[practitioner("d1"), practitioner("d2")],
        sites=[site()],
        slots=everything,
        now=NOW,
    )
    return everything


def grabbed(engine: Engine, asked: Referral, *, by_token: bool) -> Booking:
    """Takes the best seat as soon as the other process is ready too, or the next one."""
    if not by_token:
        together()
        placed = engine.place(asked, now=NOW).booking
        assert placed is not None
        return placed
    engine.refer(asked, now=NOW)
    best, second = engine.offers(asked.id, now=NOW)
    together()
    try:
        return engine.hold(best, now=NOW)
    except SlotTakenError:
        return engine.hold(second, now=NOW)


def race(url: str, who: str) -> list[str]:
    """Holds an offered seat in even rounds, and places in one step in odd ones."""
    won: list[str] = []
    with Engine.open(url) as engine:
        for number in range(ROUNDS):
            asked = referral(
                f"{who}-{number}", windows=(window_of(number),), deadline=window_of(number).end
            )
            booking = grabbed(engine, asked, by_token=number % 2 == 0)
            engine.confirm(booking.id, now=NOW)
            won.append(booking.slot)
            together()
    return won


def active_by_slot(url: str) -> dict[str, int]:
    database = create_engine(url)
    with database.connect() as connection:
        rows: Sequence[Any] = connection.execute(
            text(
                "SELECT slot_id, count(*) FROM slotengine_booking "
                "WHERE status IN ('promised', 'held', 'confirmed') GROUP BY slot_id"
            )
        ).all()
    database.dispose()
    return {str(slot_id): int(count) for slot_id, count in rows}


def test_the_last_seat_has_one_winner_and_the_loser_gets_the_next_offer(store_url: str) -> None:
    with Engine.open(store_url) as engine:
        everything = opened(engine, ROUNDS)
    outcomes = spawned(*(partial(race, store_url, who) for who in ("nurse", "pharmacy")))
    for number, seats in enumerate(zip(*outcomes, strict=True)):
        assert set(seats) == {f"round{number}-last", f"round{number}-next"}
    assert active_by_slot(store_url) == {one.id: 1 for one in everything}


PROMISED_ROUNDS = 30


def promised(number: int) -> Referral:
    """One who may have either slot of a round and is promised the sooner."""
    return referral(
        f"promised-{number}",
        priority=Priority.ROUTINE,
        windows=(window_of(number),),
        deadline=window_of(number).end,
    )


def race_for_a_promised_seat(url: str, who: str) -> list[str | None]:
    """Wants the first slot of each round and no other; the promise that sits there can move."""
    won: list[str | None] = []
    with Engine.open(url) as engine:
        for number in range(PROMISED_ROUNDS):
            (first, _) = slots_of(number)
            only = TimeWindow(start=first.start, end=first.end)
            asked = referral(f"{who}-{number}", windows=(only,), deadline=only.end)
            together()
            booking = engine.place(asked, now=NOW, confirm=True).booking
            won.append(None if booking is None else booking.slot)
    return won


def test_a_promised_seat_has_one_winner_and_the_promise_keeps_a_seat(store_url: str) -> None:
    with Engine.open(store_url) as engine:
        everything = opened(
            engine,
            PROMISED_ROUNDS,
            promises=PromiseRules(priorities=(Priority.ROUTINE,)),
            pricing=Pricing(enabled=False),
        )
        for number in range(PROMISED_ROUNDS):
            witness = engine.place(promised(number), now=NOW).booking
            assert witness is not None
            assert witness.slot == f"round{number}-last"
    works = [partial(race_for_a_promised_seat, store_url, who) for who in ("nurse", "pharmacy")]
    outcomes = spawned(*works)
    with Engine.open(store_url) as engine:
        for number in range(PROMISED_ROUNDS):
            last = f"round{number}-last"
            assert sorted((won[number] for won in outcomes), key=str) == [None, last]
            kept = engine.booking_of(promised(number).id, now=NOW)
            assert kept is not None
            assert kept.slot == f"round{number}-next"
            promise = engine.promise_of(promised(number).id)
            assert promise is not None
            assert promise.state == "open"
    assert active_by_slot(store_url) == {one.id: 1 for one in everything}
