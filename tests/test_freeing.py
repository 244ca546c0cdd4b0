"""What a promised seat costs to free, against every chain of moves there is."""

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from slotengine.errors import ProblemError
from slotengine.solver.encoding import NEVER
from slotengine.solver.freeing import STAYS, STUCK, Freed, Holders, freed, path

Arcs = list[dict[int, int]]
"""For each holder, cost by seat; its own seat first."""


def holders(arcs: Arcs, sits: list[int] | None = None) -> Holders:
    own = [next(iter(one)) for one in arcs] if sits is None else sits
    start = np.cumsum([0, *map(len, arcs)]).astype(np.int64)
    return Holders(
        start,
        np.array([seat for one in arcs for seat in one], dtype=np.int32),
        np.array([cost for one in arcs for cost in one.values()], dtype=np.int64),
        np.array(own, dtype=np.int32),
    )


def found(arcs: Arcs, price: list[int | None], sits: list[int] | None = None) -> Freed:
    """Prices of free seats; None for seats that are not free."""
    return freed(
        holders(arcs, sits),
        np.array([NEVER if one is None else one for one in price], dtype=np.int64),
        np.array([one is not None for one in price], dtype=np.bool_),
    )


def cheapest_chain(arcs: Arcs, price: list[int | None], seat: int) -> int | None:
    """Tries every order in which holders could move on from a seat."""
    sits = [next(iter(one)) for one in arcs]
    if price[seat] is not None:
        return price[seat]
    if seat not in sits:
        return None
    first = sits.index(seat)
    others = [one for one in range(len(arcs)) if one != first]
    best: int | None = None
    for length in range(len(arcs)):
        for chain in permutations(others, length):
            movers = (first, *chain)
            total: int | None = 0
            for mover, following in zip(movers, (*chain, None), strict=True):
                costs = arcs[mover]
                own = costs[sits[mover]]
                if following is not None:
                    goals = [sits[following]]
                else:
                    goals = [at for at, one in enumerate(price) if one is not None]
                ways = [
                    costs[goal] - own + (0 if following is not None else price[goal] or 0)
                    for goal in goals
                    if goal in costs
                ]
                if not ways or total is None:
                    total = None
                    break
                total += min(ways)
            if total is not None and (best is None or total < best):
                best = total
    return best


def seated_well(arcs: Arcs) -> bool:
    """Whether no rotation of holders gains: each seat's holder set, in every other order."""
    sits = [next(iter(one)) for one in arcs]
    now = sum(costs[seat] for costs, seat in zip(arcs, sits, strict=True))
    for order in permutations(sits):
        pairs = list(zip(arcs, order, strict=True))
        allowed = all(seat in costs for costs, seat in pairs)
        if allowed and sum(costs[seat] for costs, seat in pairs) < now:
            return False
    return True


def after(arcs: Arcs, moves: list[tuple[int, int]], price: list[int | None]) -> list[int]:
    """Applies moves in order; each goes to a seat that is free at that moment."""
    sits = [next(iter(one)) for one in arcs]
    empty = {at for at, one in enumerate(price) if one is not None}
    for holder, seat in moves:
        assert seat in empty
        assert seat in arcs[holder]
        empty.remove(seat)
        empty.add(sits[holder])
        sits[holder] = seat
    assert len(set(sits)) == len(sits)
    return sits


@st.composite
def crowds(draw: st.DrawFn) -> tuple[Arcs, list[int | None]]:
    people, empty, others = (
        draw(st.integers(0, 4)),
        draw(st.integers(0, 3)),
        draw(st.integers(0, 1)),
    )
    seats = draw(st.permutations(range(people + empty + others)))
    arcs = []
    for one in range(people):
        goals = draw(st.lists(st.sampled_from(seats), unique=True, max_size=len(seats)))
        wanted = [seats[one], *(goal for goal in goals if goal != seats[one])]
        arcs.append({goal: draw(st.integers(0, 6)) for goal in wanted})
    price: list[int | None] = [None] * len(seats)
    for seat in seats[people : people + empty]:
        price[seat] = draw(st.integers(0, 6))
    return arcs, price


@settings(deadline=None, derandomize=True, max_examples=300)
@given(crowds())
def test_each_seat_costs_its_cheapest_chain_where_no_rotation_gains(
    crowd: tuple[Arcs, list[int | None]],
) -> None:
    arcs, price = crowd
    costs = found(arcs, price).cost.tolist()
    wanted = [cheapest_chain(arcs, price, seat) for seat in range(len(price))]
    if seated_well(arcs):
        assert costs == [NEVER if one is None else one for one in wanted]
    for cost, best in zip(costs, wanted, strict=True):
        assert (cost == NEVER) == (best is None)
        assert best is None or cost >= best


@settings(deadline=None, derandomize=True, max_examples=300)
@given(crowds())
def test_a_path_leaves_every_holder_on_an_allowed_seat_of_its_own_and_costs_what_is_said(
    crowd: tuple[Arcs, list[int | None]],
) -> None:
    arcs, price = crowd
    answer = found(arcs, price)
    sits = [next(iter(one)) for one in arcs]
    for seat in range(len(price)):
        if answer.cost[seat] == NEVER:
            assert answer.holder_next[seat] == STUCK
            with pytest.raises(ProblemError, match=f"seat {seat} can't be freed"):
                path(answer, holders(arcs), seat)
            continue
        moves = path(answer, holders(arcs), seat)
        now = after(arcs, moves, price)
        assert seat not in now
        lost = sum(
            costs[to] - costs[since] for costs, to, since in zip(arcs, now, sits, strict=True)
        )
        end = moves[0][1] if moves else seat
        assert lost + (price[end] or 0) == answer.cost[seat]


def test_a_free_seat_costs_its_price_and_nobody_moves() -> None:
    answer = found([], [7, None, 0])
    assert answer.cost.tolist() == [7, NEVER, 0]
    assert answer.holder_next.tolist() == [STAYS, STUCK, STAYS]
    assert path(answer, holders([]), 0) == []


def test_a_chain_of_three_moves_from_its_free_end() -> None:
    # 0 -> seat 1 (+1), its holder -> seat 2 (+2), its holder -> seat 3 (+3), which costs 10.
    arcs = [{0: 5, 1: 6}, {1: 0, 2: 2}, {2: 4, 3: 7}]
    answer = found(arcs, [None, None, None, 10])
    assert answer.cost.tolist() == [16, 15, 13, 10]
    assert path(answer, holders(arcs), 0) == [(2, 3), (1, 2), (0, 1)]


def test_a_holder_with_nowhere_to_go_keeps_its_seat() -> None:
    answer = found([{0: 5}, {1: 5, 0: 5}], [None, None, 3])
    assert answer.cost.tolist() == [NEVER, NEVER, 3]
    assert answer.holder_next.tolist() == [STUCK, STUCK, STAYS]


def test_two_holders_who_could_only_swap_keep_their_seats() -> None:
    for gain in (-1, 0, 1):
        answer = found([{0: 5, 1: 5 + gain}, {1: 5, 0: 5 + gain}], [None, None])
        assert answer.holder_next.tolist() == [STUCK, STUCK]


def test_a_holder_who_gains_by_moving_makes_its_seat_cheaper_than_nothing() -> None:
    answer = found([{0: 9, 1: 2}], [None, 3])
    assert answer.cost.tolist() == [2 - 9 + 3, 3]


def test_a_rotation_that_gains_leads_nobody_round() -> None:
    # Seats 0 and 1 would gain 4 together by swapping; the way out is seat 2 for either.
    arcs = [{0: 5, 1: 3, 2: 6}, {1: 5, 0: 3, 2: 8}]
    answer = found(arcs, [None, None, 10])
    # Out directly: +1 + 10. Over the other: -2 + 3 + 10, and nothing is gained by it twice.
    assert answer.cost.tolist() == [11, 11 - 2, 10]
    assert path(answer, holders(arcs), 0) == [(0, 2)]
    assert path(answer, holders(arcs), 1) == [(0, 2), (1, 0)]


def test_of_equal_costs_the_shorter_chain_then_the_lowest_seat_is_taken() -> None:
    # Straight to 2 or 3 for the same; over holder 1 costs as much, but moves two.
    arcs = [{0: 0, 3: 4, 2: 4, 1: 0}, {1: 0, 2: 4, 3: 4}]
    answer = found(arcs, [None, None, 6, 6])
    assert answer.cost.tolist() == [10, 10, 6, 6]
    assert answer.holder_next.tolist() == [2, 2, STAYS, STAYS]
    dearer = found(arcs, [None, None, 7, 6])
    assert dearer.holder_next.tolist() == [3, 3, STAYS, STAYS]


def test_one_minute_decides_between_two_ways() -> None:
    arcs = [{0: 0, 1: 4}, {1: 0, 2: 1}]
    price = [None, None, 5]
    assert found(arcs, price).cost.tolist() == [10, 6, 5]
    for straight, goes in ((4, 2), (5, 2), (6, 1)):
        answer = found([{**arcs[0], 2: straight}, arcs[1]], price)
        assert answer.cost[0] == min(straight + 5, 10)
        assert answer.holder_next[0] == goes


def test_a_holder_whose_own_seat_is_no_longer_allowed_does_not_move() -> None:
    answer = found([{1: 2}], [None, 3], sits=[0])
    assert answer.cost.tolist() == [NEVER, 3]
    assert answer.holder_next.tolist() == [STUCK, STAYS]


def test_a_seat_that_is_neither_free_nor_promised_leads_nowhere() -> None:
    answer = found([{0: 1, 1: 0}], [None, None])
    assert answer.cost.tolist() == [NEVER, NEVER]
