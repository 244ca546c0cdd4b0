"""
New seat prices: read on one snapshot, computed outside any transaction, written in another.

Apart from ``pricing``, which offers and nights read: this needs to know who waits.
"""

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import NamedTuple

from slotengine.choosing import chosen_tonight
from slotengine.domain import Actor, TimeWindow
from slotengine.floors import Floors
from slotengine.forecast import Forecast, History
from slotengine.loading_night import market_problem
from slotengine.policy import Policy
from slotengine.ports import Store, Unit
from slotengine.pricing import AN_HOUR, priced_window
from slotengine.problem import Problem, TravelMatrix
from slotengine.seat_prices import PriceSet, SeatPrice
from slotengine.tokens import PRICED_BY
from slotengine.transitions import UNPLACED

EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
"""From which hours are counted."""

UNNAMED = "unnamed"
"""The id of a set until its digest is known."""


class Market(NamedTuple):
    """What prices are computed from, read on one snapshot."""

    policy: Policy
    history: History
    problem: Problem
    free_seats: int
    quotas: tuple[tuple[int, int, int], ...]


class Repriced(NamedTuple):
    """New prices, and for each referral that waits the share of futures in which it has a seat."""

    prices: PriceSet
    served: Mapping[str, float]
    forecast: Forecast


def load_market(
    unit: Unit, territory: str, *, now: datetime, matrix: TravelMatrix | None
) -> Market:
    """
    Reads the past, who waits, and the seats that are free for them.

    Promised seats count as taken. That a promise may move helps in every sampled future more than
    it will help: futures know who comes, and prices of free seats rise with what is hoped of moves
    (docs/simulation.md has the figures).
    """
    policy = unit.policy(territory)
    past = TimeWindow(start=now - policy.forecast.history, end=now)
    window = priced_window(policy, now)
    chosen, _ = chosen_tonight(unit, policy, window)
    waiting = [one for one in chosen if one.state in UNPLACED]
    return Market(
        policy=policy,
        history=unit.history(territory, past),
        problem=market_problem(unit, waiting, policy, window, now=now, matrix=matrix),
        free_seats=len(unit.free_seats(territory, window)),
        quotas=Floors(unit, policy, now=now).quotas(),
    )


def price_set(market: Market, *, now: datetime, seed: int) -> Repriced:
    """
    Samples futures and prices every free seat by them; pure, and slow enough for no transaction.

    Seats of a slot are alike, so a slot has one price: the largest of its free seats', from which
    the others differ by rounding alone.
    """
    from slotengine.learning import learn
    from slotengine.solver.prices import prices

    policy, problem = market.policy, market.problem
    forecast = learn(policy, market.history, now=now, horizon=policy.pricing.horizon)
    # Other futures each hour: what a sample has too much of is not kept for all day.
    hour = (now - EPOCH) // AN_HOUR
    found = prices(
        problem,
        forecast,
        futures=policy.pricing.futures,
        seed=seed + hour,
        quotas=market.quotas,
    )
    of_slot: dict[str, int] = {}
    for (slot_id, _), price in zip(problem.free_seats, found.of_seat.tolist(), strict=True):
        of_slot[slot_id] = max(price, of_slot.get(slot_id, 0))
    made = PriceSet(
        id=UNNAMED,
        territory=policy.territory,
        policy_digest=policy.digest,
        problem_digest=problem.digest,
        forecast_digest=forecast.digest,
        futures=policy.pricing.futures,
        seed=seed,
        computed_at=now,
        valid_until=now + policy.pricing.valid_for,
        free_seats=market.free_seats,
        expected=forecast.expected,
        days_seen=forecast.days_seen,
        prices=tuple(
            SeatPrice(slot=slot_id, price=price) for slot_id, price in sorted(of_slot.items())
        ),
    )
    served = {
        one.id: share for one, share in zip(problem.referrals, found.served.tolist(), strict=True)
    }
    return Repriced(made.replaced(id=_named(made)), served, forecast)


def _named(made: PriceSet) -> str:
    """Gives the id of a set: a digest behind its territory, which a token must not cross."""
    content = made.model_dump_json(exclude={"id"})
    digest = hashlib.blake2b(content.encode(), digest_size=16).hexdigest()
    return f"{made.territory}{PRICED_BY}{digest}"


def reprice(
    store: Store,
    territory: str,
    *,
    now: datetime,
    seed: int = 0,
    matrix: TravelMatrix | None = None,
    actor: Actor | None = None,
) -> Repriced | None:
    """
    Computes new prices and makes them the territory's; None where the Policy wants none.

    Reads in one transaction, computes in none, writes in another. A set that another process
    computed later meanwhile stays current.
    """

    def prepared(unit: Unit) -> bool:
        policy = unit.policy(territory)
        unit.advance_clock(territory, policy.clock_tolerance)
        unit.expire_holds(territory)
        return policy.pricing.enabled

    if not store.write(prepared, now=now, actor=actor):
        return None
    market = store.read(lambda unit: load_market(unit, territory, now=now, matrix=matrix), now=now)
    found = price_set(market, now=now, seed=seed)
    store.write(lambda unit: unit.save_prices(found.prices), now=now, actor=actor)
    return found
