"""The dense engine against the others, and what it must leave to them."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from slotengine.solver import flow_dense
from slotengine.solver.duals import REQUIRED, Network, duals, objective
from slotengine.solver.flow import proved
from slotengine.solver.flow_dense import densely, fits


def network(cost: list[list[int | None]], unserved: list[int], seats: int) -> Network:
    arcs = [[(at, one) for at, one in enumerate(row) if one is not None] for row in cost]
    return Network(
        np.cumsum([0, *map(len, arcs)]).astype(np.int64),
        np.array([at for row in arcs for at, _ in row], dtype=np.int32),
        np.array([one for row in arcs for _, one in row], dtype=np.int64),
        np.array(unserved, dtype=np.int64),
        np.zeros(seats, dtype=np.int64),
    )


@st.composite
def networks(draw: st.DrawFn) -> Network:
    rows, seats = draw(st.integers(1, 6)), draw(st.integers(1, 5))
    pair = st.one_of(st.none(), st.integers(-9, 9))
    cost = [[draw(pair) for _ in range(seats)] for _ in range(rows)]
    return network(cost, [draw(st.integers(-3, 9)) for _ in range(rows)], seats)


@settings(deadline=None, derandomize=True, max_examples=200)
@given(networks())
def test_what_it_proposes_is_cheapest(asked: Network) -> None:
    assert fits(asked)
    chosen = densely(asked)
    assert objective(asked, chosen) == proved(asked).objective
    assert duals(asked, chosen) is not None


def test_a_pair_that_saves_nothing_is_left_out() -> None:
    assert densely(network([[0], [-1]], [0, 0], 1)).tolist() == [-1, 0]
    assert densely(network([[5]], [5], 1)).tolist() == [-1]
    assert densely(network([[4]], [5], 1)).tolist() == [0]


def test_what_must_be_seated_or_used_is_left_to_the_others() -> None:
    plain = network([[1]], [5], 1)
    assert fits(plain)
    assert not fits(plain._replace(unserved=np.array([REQUIRED])))
    assert not fits(plain._replace(unused=np.array([1])))
    assert not fits(plain._replace(unused=np.array([REQUIRED])))


def test_a_large_table_is_left_to_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    two_by_three = network([[1, 2, 3], [1, 2, 3]], [5, 5], 3)
    monkeypatch.setattr(flow_dense, "DENSE_CELLS", 6)
    assert fits(two_by_three)
    monkeypatch.setattr(flow_dense, "DENSE_CELLS", 5)
    assert not fits(two_by_three)


def test_integers_beyond_doubles_are_left_to_the_others() -> None:
    # 4 * (1 + 1) * (cost + 1) must stay below 2^53.
    assert fits(network([[(1 << 50) - 2]], [0], 1))
    assert not fits(network([[(1 << 50) - 1]], [0], 1))
