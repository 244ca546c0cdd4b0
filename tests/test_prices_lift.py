"""What floors add to a class: the least that serves enough of it, found against hand and search."""

from typing import Any

import numpy as np
import pytest
from builders import NOW, policy, problem, referral, slot
from hypothesis import given, settings
from hypothesis import strategies as st
from test_prices import Costs, future

from slotengine.codes import Priority
from slotengine.errors import ProblemError
from slotengine.forecast import Forecast
from slotengine.side_constraints import Floor
from slotengine.solver.futures import Future
from slotengine.solver.prices import prices
from slotengine.solver.prices_lift import LIFT_TIMES, Quota, lifted, lifts, most_lift

MOST = 128
"""Seven halvings of it end at steps of one."""


def named(one: Future, *floors: list[int], out_of_sight: tuple[int, ...] = ()) -> Future:
    """Gives a future whose floors name these rows."""
    rows = len(one.value)
    in_sight = np.array([row not in out_of_sight for row in range(rows)])
    who = np.array([[row in floor for row in range(rows)] for floor in floors])
    return one._replace(named=who.reshape(len(floors), rows), in_sight=in_sight)


def found(*worlds: Future, quotas: list[tuple[int, int, int]], kept: tuple[bool, ...] = ()) -> Any:
    most = np.full(len(quotas), MOST)
    flags = np.array(kept, dtype=np.bool_)
    return lifts(worlds, flags, [Quota(*one) for one in quotas], most).tolist()


def rivals(mine: int, theirs: int) -> Future:
    """One seat at no cost: row 0 is one of the class, row 1 is not."""
    return named(future([[0], [0]], [mine, theirs]), [0])


def test_a_class_is_lifted_just_above_whoever_has_its_seat() -> None:
    # At 60 it is worth what the other is, and either may have the seat.
    assert found(rivals(40, 100), quotas=[(100, 0, 0)]) in ([60], [61])


def test_a_class_that_has_its_share_anyway_is_not_lifted() -> None:
    assert found(rivals(101, 100), quotas=[(100, 0, 0)]) == [0]
    both = named(future([[0, 0], [0, 0]], [40, 100]), [0])
    assert found(both, quotas=[(100, 0, 0)]) == [0]


@pytest.mark.parametrize(
    ("percent", "lift"),
    [(81, False), (82, True)],
    ids=["exactly at its share", "just below it"],
)
def test_who_was_served_before_counts(percent: int, *, lift: bool) -> None:
    """Nine of ten were served, the eleventh comes: nine are 81 % of eleven, rounded up, not 82."""
    assert (found(rivals(40, 100), quotas=[(percent, 10, 9)])[0] > 0) is lift


def test_who_is_served_in_futures_makes_up_for_who_was_not() -> None:
    """None of two was served; two come and find seats: half of four, and exactly that is enough."""
    free = named(future([[0, None], [None, 0]], [40, 40]), [0, 1])
    assert found(free, quotas=[(50, 2, 0)]) == [0]
    both = named(future([[0, None], [None, 0], [None, 0]], [40, 40, 100]), [0, 1])
    assert found(both, quotas=[(50, 2, 0)]) in ([60], [61])


def test_who_waits_has_asked_already_and_who_comes_has_not() -> None:
    """Two of the class find seats in any case, the third has a rival; four asked, none served."""
    costs: Costs = [[0, None, None], [None, 0, None], [None, None, 0], [None, None, 0]]
    world = named(future(costs, [40, 40, 40, 100]), [0, 1, 2])
    # Half of four is two; half of the seven that they are with three newcomers is four.
    assert found(world, quotas=[(50, 4, 0)], kept=(False, False, False)) == [0]
    assert found(world, quotas=[(50, 4, 0)]) in ([60], [61])


def test_the_share_is_that_of_all_futures_together() -> None:
    worlds = (rivals(40, 100), rivals(40, 60))
    assert found(*worlds, quotas=[(50, 0, 0)]) in ([20], [21])
    assert found(*worlds, quotas=[(51, 0, 0)]) in ([60], [61])


def test_what_can_not_be_reached_is_reached_as_far_as_it_can() -> None:
    nowhere = named(future([[None], [0]], [40, 100]), [0])
    assert found(nowhere, quotas=[(100, 0, 0)]) == [0]
    # Of two of the class one can be served, for 20; nothing is added for the other.
    half = named(future([[None], [0], [0]], [40, 40, 60]), [0, 1])
    assert found(half, quotas=[(100, 0, 0)]) in ([20], [21])
    # Beyond the most that may be added nobody is served: then nothing is.
    assert found(rivals(40, 40 + MOST + 1), quotas=[(100, 0, 0)]) == [0]


def test_who_keeps_a_seat_is_not_counted_twice() -> None:
    """Row 0 is promised, and counted as served: 60 % of three are two, and it is only one."""
    world = named(future([[0, None], [None, 0], [None, 0]], [5, 40, 100]), [0, 1])
    assert found(world, quotas=[(60, 2, 1)], kept=(True,)) in ([60], [61])


def test_who_comes_too_late_to_be_seen_is_lifted_and_not_counted() -> None:
    world = named(future([[0], [0]], [40, 100]), [0], out_of_sight=(0,))
    assert found(world, quotas=[(100, 0, 0)]) == [0]
    assert lifted(world, np.array([7])).value.tolist() == [47, 100]


def test_who_is_named_twice_is_lifted_twice() -> None:
    world = named(future([[0], [0], [0]], [1, 2, 3]), [0, 1], [1])
    assert lifted(world, np.array([10, 100])).value.tolist() == [11, 112, 3]


def test_floors_are_searched_side_by_side() -> None:
    """Two seats, each wanted by one of a class and by one who is worth more."""
    costs: Costs = [[0, None], [0, None], [None, 0], [None, 0]]
    world = named(future(costs, [10, 40, 10, 80]), [0], [2])
    first, second = found(world, quotas=[(100, 0, 0), (100, 0, 0)])
    assert (first in (30, 31), second in (70, 71)) == (True, True)
    assert found(world, quotas=[(100, 0, 0), (1, 1, 1)]) in ([30, 0], [31, 0])


def served(world: Future, lift: int) -> int:
    """How many of the class the best assignments serve, at most, by trying everything."""
    best: tuple[int, int] = (0, 0)

    def extend(row: int, taken: frozenset[int], worth: int, mine: int) -> None:
        nonlocal best
        if row == len(world.value):
            best = max(best, (worth, mine))
            return
        extend(row + 1, taken, worth, mine)
        is_mine = bool(world.named[0, row])
        value = int(world.value[row]) + lift * is_mine
        for at in range(int(world.start[row]), int(world.start[row + 1])):
            seat = int(world.col[at])
            if seat not in taken:
                gain = value - int(world.cost[at])
                extend(row + 1, taken | {seat}, worth + gain, mine + is_mine)

    extend(0, frozenset(), 0, 0)
    return best[1]


@st.composite
def worlds(draw: st.DrawFn) -> Future:
    rows, seats = draw(st.integers(1, 4)), draw(st.integers(1, 3))
    pair = st.one_of(st.none(), st.integers(0, 9))
    costs = [[draw(pair) for _ in range(seats)] for _ in range(rows)]
    value = [draw(st.integers(10, 60)) for _ in range(rows)]
    return named(future(costs, value), draw(st.lists(st.integers(0, rows - 1), unique=True)))


@settings(deadline=None, derandomize=True, max_examples=100)
@given(worlds(), st.integers(1, 100))
def test_a_lift_is_the_least_that_serves_enough(world: Future, percent: int) -> None:
    (lift,) = found(world, quotas=[(percent, 0, 0)])
    asked = int(world.named.sum())
    wanted = min(-(-percent * asked // 100), served(world, MOST))
    # Where several assignments are equally good, one more minute decides between them.
    assert served(world, lift + 1) >= wanted
    assert lift == 0 or served(world, lift - 2) < wanted or lift < 2


# --- prices ---


def nobody() -> Forecast:
    return Forecast(
        territory="giennois",
        as_of=NOW,
        hourly=(0.0,),
        kinds=(),
        cancel_chance=0.0,
        miss_chance=0.0,
    )


def priced(*quotas: tuple[int, int, int], floors: int = 1) -> tuple[int, list[int]]:
    """One seat; a routine and an urgent patient wait. Routine is worth 5,000, urgent 10,000."""
    waits = [
        referral(str(at), priority=one)
        for at, one in enumerate((Priority.ROUTINE, Priority.URGENT), start=1)
    ]
    named = (Floor(percent=50, priority=Priority.ROUTINE), Floor(percent=50, insee="44115"))
    one = problem(slots=[slot("s1")], referrals=waits, policy=policy(floors=named[:floors]))
    got = prices(one, nobody(), futures=2, seed=0, quotas=quotas)
    return int(got.of_seat[0]), got.lift.tolist()


def test_a_floor_that_is_met_or_that_nobody_counted_leaves_prices_alone() -> None:
    # An hour of waiting costs urgent 2 a minute: two hours are 240.
    assert priced() == (10_000 - 240, [0])
    assert priced((50, 2, 1)) == (10_000 - 240, [0])
    assert priced(floors=0) == (10_000 - 240, [])


def test_a_class_that_is_short_makes_its_seat_dearer_for_others() -> None:
    price, lift = priced((50, 1, 0))
    # Lifted above the urgent one, the routine one has the seat: its worth is the price.
    assert price == 5_000 - 120 + lift[0]
    step = -(-10_000 // 2**7)
    assert 10_000 - 240 <= price <= 10_000 - 240 + step


def test_quotas_are_those_of_the_floors() -> None:
    with pytest.raises(ProblemError, match="1 quotas for 2 floors"):
        priced((50, 1, 0), floors=2)


def test_a_class_is_lifted_by_twice_its_own_value_at_most() -> None:
    rules = policy()
    assert LIFT_TIMES == 2
    assert most_lift(Floor(percent=1, priority=Priority.ASAP), rules) == 40_000
    # Of a commune the least urgent count.
    assert most_lift(Floor(percent=1, insee="44115"), rules) == 10_000
