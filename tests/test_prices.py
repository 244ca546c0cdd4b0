"""Prices of seats against the loss by hand and by trying every assignment."""

from itertools import product
from typing import Any

import numpy as np
import pytest
from builders import NOW, problem, referral, slot
from hypothesis import given, settings
from hypothesis import strategies as st

from slotengine.codes import Priority, Profession, SourceKind
from slotengine.errors import ProblemError
from slotengine.forecast import Forecast, Kind
from slotengine.problem import Told
from slotengine.problem_checks import MOST_PRICE
from slotengine.solver import flow, prices_worth
from slotengine.solver.encoding import Indices
from slotengine.solver.flow import proposed
from slotengine.solver.futures import Future
from slotengine.solver.prices import averaged, prices
from slotengine.solver.prices_worth import KEPT_WORTH, market, worth

Costs = list[list[int | None]]
"""``costs[row][seat]``, None where the pair is not allowed."""


def future(costs: Costs, value: list[int], seats: int | None = None) -> Future:
    columns = len(costs[0]) if seats is None else seats
    arcs = [[(at, one) for at, one in enumerate(row) if one is not None] for row in costs]
    return Future(
        start=np.cumsum([0, *map(len, arcs)]).astype(np.int64),
        col=np.array([at for row in arcs for at, _ in row], dtype=np.int32),
        cost=np.array([cost for row in arcs for _, cost in row], dtype=np.int64),
        value=np.array(value, dtype=np.int64),
        seats=columns,
        named=np.zeros((0, len(value)), dtype=np.bool_),
        in_sight=np.ones(len(value), dtype=np.bool_),
    )


def nobody_kept(rows: int) -> Any:
    return np.zeros(rows, dtype=np.bool_)


def gain(costs: Costs, value: list[int], seats: set[int]) -> int:
    """The most that value less cost can come to, by trying everything."""
    best = 0
    for chosen in product([-1, *seats], repeat=len(value)):
        taken = [seat for seat in chosen if seat >= 0]
        pairs = [(row, costs[row][seat]) for row, seat in enumerate(chosen) if seat >= 0]
        if len(set(taken)) == len(taken) and all(cost is not None for _, cost in pairs):
            best = max(best, sum(value[row] - (cost or 0) for row, cost in pairs))
    return best


@st.composite
def worlds(draw: st.DrawFn) -> tuple[Costs, list[int]]:
    rows, seats = draw(st.integers(1, 4)), draw(st.integers(1, 3))
    pair = st.one_of(st.none(), st.integers(0, 9))
    costs = [[draw(pair) for _ in range(seats)] for _ in range(rows)]
    return costs, [draw(st.integers(0, 8)) for _ in range(rows)]


@settings(deadline=None, derandomize=True, max_examples=200)
@given(worlds())
def test_a_seat_is_worth_what_is_lost_when_it_is_taken(world: tuple[Costs, list[int]]) -> None:
    costs, value = world
    seats = set(range(len(costs[0])))
    found = worth(market(future(costs, value), nobody_kept(len(value))))
    whole = gain(costs, value, seats)
    assert found.of_seat.tolist() == [
        whole - gain(costs, value, seats - {seat}) for seat in sorted(seats)
    ]


def test_the_price_is_the_loss_and_not_the_gain_of_one_more() -> None:
    # One seat, one who wants it for 90: taking it costs 90; a second seat would bring nothing.
    assert averaged([future([[10]], [100])], nobody_kept(1), 1)[0].tolist() == [90]


def test_two_who_want_two_seats_lose_the_poorer_pair() -> None:
    # Seats 0 and 1; both of value 100. Row 0: 10 and 30, row 1: 20 and 60. Best 30 + 20: 150.
    # Without seat 0 only 70 is left (row 0 on 1), without seat 1 row 0 on 0 is 90.
    found = averaged([future([[10, 30], [20, 60]], [100, 100])], nobody_kept(2), 2)
    assert found[0].tolist() == [80, 60]
    assert found[1].tolist() == [1.0, 1.0]


def test_a_pair_that_costs_its_value_is_worth_nothing_and_one_more_is_no_pair() -> None:
    found = worth(market(future([[100], [101]], [100, 100]), nobody_kept(2)))
    assert found.of_seat.tolist() == [0]
    assert not found.served[1]


@pytest.mark.parametrize(
    ("losses", "mean"), [((0, 0, 1), 0), ((0, 1), 1), ((1, 1, 0), 1), ((1, 2), 2), ((7,), 7)]
)
def test_the_mean_over_futures_is_rounded_half_up(losses: tuple[int, ...], mean: int) -> None:
    several = [future([[0]], [loss]) for loss in losses]
    assert averaged(several, nobody_kept(1), 1)[0].tolist() == [mean]


def test_only_the_problems_rows_and_seats_are_reported() -> None:
    # Row 0 waits, row 1 came; seat 1 is this future's own and takes the loss of seat 0.
    alone = future([[0], [0]], [50, 80])
    with_extra = future([[0, 5], [0, 5]], [50, 80])
    of_seat, served = averaged([alone, with_extra], nobody_kept(1), 1)
    # Alone: 80 are lost. With the extra seat the poorer one goes without: 50.
    assert of_seat.tolist() == [(80 + 50) // 2]
    assert served.tolist() == [0.5]


def test_who_keeps_a_seat_is_served_before_all_and_counts_as_served() -> None:
    # The promised row is worth 1, the other 1000: one seat.
    kept = np.array([True])
    world = future([[0], [0]], [1, 1000])
    found = worth(market(world, kept))
    assert found.served.tolist() == [True, False]
    # Without the seat the promise breaks.
    assert found.of_seat.tolist() == [1 + KEPT_WORTH * 1000]
    assert averaged([world], kept, 1)[1].tolist() == [1.0]


def test_a_promise_keeps_its_seat_even_where_it_costs_more_than_it_is_worth() -> None:
    kept = np.array([True])
    found = worth(market(future([[70, None]], [10]), kept))
    assert found.served.tolist() == [True]
    # Dearest is the pair's 70; its 60 of loss come off.
    assert found.of_seat.tolist() == [KEPT_WORTH * 70 - 60, 0]


def test_no_price_is_beyond_what_a_problem_takes() -> None:
    dear = MOST_PRICE // KEPT_WORTH + 1
    found = averaged([future([[dear]], [0])], np.array([True]), 1)
    assert found[0].tolist() == [KEPT_WORTH * dear - dear]
    more = averaged([future([[2 * dear]], [0])], np.array([True]), 1)
    assert more[0].tolist() == [MOST_PRICE]


def test_two_promises_with_one_seat_are_no_error() -> None:
    kept = np.array([True, True])
    world = future([[0], [0]], [5, 5])
    of_seat, served = averaged([world], kept, 1)
    assert of_seat.tolist() == [5 + KEPT_WORTH * 5]
    assert served.tolist() == [1.0, 1.0]


def test_a_promise_with_a_second_seat_costs_the_difference() -> None:
    found = worth(market(future([[10, 25]], [100]), np.array([True])))
    assert found.of_seat.tolist() == [15, 0]


@pytest.mark.parametrize(
    ("world", "seats"),
    [
        (future([], [], seats=2), 2),
        (future([[], []], [5, 5], seats=0), 0),
        (future([[None, None]], [5]), 2),
    ],
    ids=["nobody", "no seat", "no pair"],
)
def test_nobody_no_seat_and_no_pair_are_worth_nothing(world: Future, seats: int) -> None:
    of_seat, served = averaged([world], nobody_kept(len(world.value)), seats)
    assert of_seat.tolist() == [0] * seats
    assert served.tolist() == [0.0] * len(world.value)


def _crowd(seed: int, rows: int, seats: int) -> Future:
    rng = np.random.default_rng(seed)
    allowed, cost = rng.random((rows, seats)) < 0.3, rng.integers(0, 5_000, (rows, seats))
    row, col = np.nonzero(allowed)
    start = np.concatenate(([0], np.cumsum(allowed.sum(axis=1)))).astype(np.int64)
    value = rng.choice([5_000, 10_000, 20_000], rows)
    named, in_sight = np.zeros((0, rows), dtype=np.bool_), np.ones(rows, dtype=np.bool_)
    return Future(start, col.astype(np.int32), cost[row, col], value, seats, named, in_sight)


def test_every_engine_gives_the_same_prices(monkeypatch: pytest.MonkeyPatch) -> None:
    network = market(_crowd(3, 60, 40), nobody_kept(60))
    wanted = worth(network).of_seat.tolist()
    assert max(wanted) > 0
    monkeypatch.setattr(flow, "MATCHING_BELOW", 0)
    assert worth(network).of_seat.tolist() == wanted
    monkeypatch.setattr(prices_worth, "proposed", lambda _: None)
    assert worth(network).of_seat.tolist() == wanted


def test_an_engine_that_is_wrong_is_not_believed(monkeypatch: pytest.MonkeyPatch) -> None:
    network = market(_crowd(4, 30, 20), nobody_kept(30))
    wanted = worth(network).of_seat.tolist()

    def worse(_: object) -> Indices:
        right = proposed(network)
        assert right is not None
        served = np.flatnonzero(right >= 0)
        right[served[0]] = -1
        return right

    monkeypatch.setattr(prices_worth, "proposed", worse)
    assert worth(network).of_seat.tolist() == wanted


def forecast(hourly: tuple[float, ...] = (), **changes: Any) -> Forecast:
    kind = Kind(
        source=SourceKind.PHARMACY,
        priority=Priority.URGENT,
        professions=(Profession.PHYSICIAN,),
        insee=None,
        share=1,
    )
    fields: dict[str, Any] = {
        "territory": "giennois",
        "as_of": NOW,
        "hourly": hourly,
        "kinds": (kind,) if hourly else (),
        "cancel_chance": 0.0,
        "miss_chance": 0.0,
    }
    return Forecast(**{**fields, **changes})


def test_with_nobody_waiting_and_nobody_expected_every_seat_costs_nothing() -> None:
    quiet = problem(referrals=(), slots=(slot("a"), slot("b", after_minutes=200)))
    found = prices(quiet, forecast(), futures=3, seed=0)
    assert found.of_seat.tolist() == [0, 0]
    assert found.served.tolist() == []
    assert found.expected == 0


def test_a_problem_without_seats_has_no_prices() -> None:
    found = prices(problem(slots=()), forecast(), futures=2, seed=0)
    assert found.of_seat.tolist() == []
    assert found.served.tolist() == [0.0]


def test_who_waits_makes_a_seat_dear() -> None:
    # An urgent minute weighs 2: 240 of 10,000 after two hours, 480 after four.
    one = prices(problem(), forecast(), futures=2, seed=0)
    assert (one.of_seat.tolist(), one.served.tolist()) == ([10_000 - 240], [1.0])
    slots = (slot("slot1"), slot("slot2", after_minutes=240))
    two = prices(problem(slots=slots), forecast(), futures=2, seed=0)
    assert two.of_seat.tolist() == [240, 0]


def test_two_who_wait_for_one_seat_are_served_once() -> None:
    waiting = (referral("1"), referral("2", priority=Priority.STAT))
    found = prices(problem(referrals=waiting), forecast(), futures=2, seed=0)
    asked = problem(referrals=waiting)
    # A stat minute weighs 8: 960 of 40,000.
    assert found.of_seat.tolist() == [40_000 - 960]
    shares = dict(zip([one.priority for one in asked.referrals], found.served, strict=True))
    assert shares == {Priority.STAT: 1.0, Priority.URGENT: 0.0}


@pytest.mark.parametrize("how", ["promised", "told"])
def test_told_and_promised_keep_a_seat_in_every_future(how: str) -> None:
    waiting = (referral("1"), referral("2", priority=Priority.STAT))
    kept: dict[str, Any] = {
        "promised": {"promised": (waiting[0].id,)},
        "told": {"told": (Told(referral=waiting[0].id, slot="slot1"),)},
    }[how]
    asked = problem(referrals=waiting, **kept)
    found = prices(asked, forecast(), futures=2, seed=0)
    shares = dict(zip([one.priority for one in asked.referrals], found.served, strict=True))
    assert shares == {Priority.STAT: 0.0, Priority.URGENT: 1.0}
    assert found.of_seat.tolist() == [10_000 - 240 + KEPT_WORTH * 40_000]


def test_same_seed_same_prices() -> None:
    slots = [slot(f"s{at}", after_minutes=90 + 20 * at) for at in range(6)]
    asked = problem(slots=slots, referrals=())
    expected = forecast((2.0,) * 8)
    first = prices(asked, expected, futures=5, seed=1)
    assert first.of_seat.tolist() == prices(asked, expected, futures=5, seed=1).of_seat.tolist()
    assert first.of_seat.tolist() != prices(asked, expected, futures=5, seed=2).of_seat.tolist()


@pytest.mark.parametrize("count", [0, -1])
def test_prices_from_no_future_are_refused(count: int) -> None:
    with pytest.raises(ProblemError, match=f"prices from {count} futures, allowed is 1 or more"):
        prices(problem(), forecast(), futures=count, seed=0)
