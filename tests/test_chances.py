"""Stated chances against what became of them."""

from datetime import UTC, datetime, timedelta
from math import exp

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from slotengine.errors import ProblemError
from slotengine.opening import open_hours
from slotengine.policy import Policy
from slotengine.solver.chances import foreseen, learned, percent, pooled

CHANCES = st.floats(0, 1)
OUTCOMES = st.lists(st.tuples(CHANCES, st.booleans()), max_size=60)
HOUR = timedelta(hours=1)
MONDAY = datetime(2026, 11, 23, 7, tzinfo=UTC)
"""8 h in Paris, when the territory opens until 20 h."""


@pytest.mark.parametrize(
    ("end", "hours"),
    [
        (MONDAY - HOUR, 0),
        (MONDAY, 0),
        (MONDAY + HOUR, 1),
        (MONDAY + 12 * HOUR, 12),
        (MONDAY + 24 * HOUR, 12),
        (MONDAY + 25.5 * HOUR, 13.5),
        # Five days of 12 h and the four of Saturday.
        (MONDAY + 7 * 24 * HOUR, 64),
    ],
)
def test_open_hours_are_counted_while_the_territory_is_open(end: datetime, hours: float) -> None:
    assert open_hours(Policy(territory="giennois"), MONDAY, end) == pytest.approx(hours)
    begun = MONDAY - 3 * HOUR
    assert open_hours(Policy(territory="giennois"), begun, end) == pytest.approx(hours)


def test_a_holiday_has_no_open_hours() -> None:
    christmas = datetime(2026, 12, 25, tzinfo=UTC)
    policy = Policy(territory="giennois")
    assert open_hours(policy, christmas, christmas + 20 * HOUR) == 0


@pytest.mark.parametrize(
    ("hours", "chance"),
    [
        # One half is even odds; e to the power of -1, -0.125, 0.75 to one.
        (-1, 0.268941),
        (0, 0.268941),
        (8, 0.468791),
        (16, 0.679179),
        (40, 0.679179),
    ],
)
def test_little_time_left_lowers_a_chance_and_much_raises_it(hours: float, chance: float) -> None:
    assert foreseen(0.5, hours) == pytest.approx(chance, abs=1e-6)


@pytest.mark.parametrize(("hours", "raw"), [(-1, 0), (0, 0), (8, 0), (8.01, 0.01), (40, 0.01)])
def test_who_has_a_seat_in_no_future_may_hope_only_with_time_left(hours: float, raw: float) -> None:
    assert foreseen(0, hours) == raw


def test_a_share_of_all_futures_is_not_sure_and_a_tiny_one_not_hopeless() -> None:
    # 39 to 1, for half a future of twenty was never sampled, times e to the power of 0.75.
    odds = 39 * 2.117
    assert foreseen(1, 40) == pytest.approx(odds / (1 + odds), abs=1e-6)
    assert foreseen(1e-9, 40) == pytest.approx(foreseen(0.02, 40))


@pytest.mark.parametrize(
    ("raw", "stated"),
    [
        (0, 0.005),
        (0.01, 0.03),
        (0.03, 0.04),
        (0.05, 0.05),
        (0.3, 0.3),
        (0.71, 0.71),
        (0.95, 0.95),
        (1, 0.95),
    ],
)
def test_without_outcomes_a_chance_is_itself_but_for_its_ends(raw: float, stated: float) -> None:
    assert learned([]).chance(raw) == pytest.approx(stated)


def test_who_is_in_no_future_learns_from_such_alone() -> None:
    # 20 of the prior with 0.6 seats, 60 seen with 3.
    outcomes = [(0.01, at < 3) for at in range(60)]
    assert learned(outcomes).chance(0.01) == pytest.approx(3.6 / 80)
    assert learned(outcomes).chance(0) == pytest.approx(0.005)
    assert learned(outcomes).chance(0.3) == pytest.approx(0.3)


def test_where_more_came_of_no_future_than_of_few_both_are_told_the_same() -> None:
    # 80 with 16.6 unforeseen, 20 with 1 at 0.05 and 20 with 3 at 0.15: 20.6 of 120.
    outcomes = [(0.01, at < 16) for at in range(60)]
    for raw in (0.01, 0.05, 0.15):
        assert learned(outcomes).chance(raw) == pytest.approx(20.6 / 120)
    assert learned(outcomes).chance(0.25) == pytest.approx(0.25)


def test_one_outcome_moves_all_chances_a_little() -> None:
    # The lift x that one seat at even odds asks for: x / 0.49 = 1 - 1 / (1 + e^-x), so 0.2184, by
    # bisection. The bin of 0.55 has then 20 of its lifted middle; 0.75 is lifted alone.
    x = 0.218353
    assert x / 0.49 == pytest.approx(1 - 1 / (1 + exp(-x)), abs=1e-5)
    odds = 3 * exp(x)
    assert learned([(0.5, True)]).chance(0.75) == pytest.approx(odds / (1 + odds), abs=1e-5)


def test_who_waits_as_likely_as_before_changes_nothing() -> None:
    """Neither a seat nor none: half a chance that is half a chance by now."""
    standing = [(0.05 + at / 10, 0.05 + at / 10) for at in range(10)]
    for raw in (0.05, 0.3, 0.5, 0.95):
        assert learned(standing).chance(raw) == pytest.approx(raw)


def test_who_waits_and_fell_behind_lowers_the_chance_of_others() -> None:
    fallen = learned([(0.5, 0.1)] * 10)
    assert fallen.chance(0.5) < 0.4
    assert fallen.chance(0.85) < 0.8
    assert fallen.chance(0) == pytest.approx(0.005)


def test_a_bin_stands_where_its_chances_were_not_in_its_middle() -> None:
    # 180 times 0.99 and 20 of the prior's 0.95: the last knot is at 0.986.
    found = learned([(0.99, True)] * 180)
    assert found.knots[-1] == pytest.approx(0.986)
    assert found.chance(1) == found.chance(0.986) == found.values[-1] > 0.99


@settings(deadline=None, derandomize=True, max_examples=200)
@given(OUTCOMES, CHANCES, CHANCES)
def test_a_higher_raw_chance_is_never_stated_lower(
    outcomes: list[tuple[float, bool]], one: float, other: float
) -> None:
    low, high = sorted((one, other))
    found = learned(outcomes).chance(low), learned(outcomes).chance(high)
    assert 0 < found[0] <= found[1] + 1e-12 < 1 + 1e-12


@settings(deadline=None, derandomize=True, max_examples=50)
@given(OUTCOMES, CHANCES)
def test_the_order_of_outcomes_changes_nothing(
    outcomes: list[tuple[float, bool]], raw: float
) -> None:
    assert learned(outcomes[::-1]) == learned(outcomes)
    assert 0 < learned(outcomes).chance(raw) < 1


@pytest.mark.parametrize(
    "true_chance",
    [lambda raw: raw, lambda raw: raw**2, lambda raw: 0.6 * raw, lambda raw: 0.3 + 0.6 * raw],
    ids=["honest", "squared", "too-high", "too-flat"],
)
@pytest.mark.parametrize("shape", [(1, 1), (5, 2), (0.5, 0.5)])
def test_after_2000_outcomes_a_biased_chance_is_off_by_less_than_5_points(
    true_chance: object, shape: tuple[float, float]
) -> None:
    assert callable(true_chance)
    rng = np.random.default_rng(20260)
    raws = rng.beta(*shape, size=4_000)
    came = rng.random(4_000) < true_chance(raws)
    outcomes = list(zip(raws[:2_000].tolist(), came[:2_000].tolist(), strict=True))
    correction = learned(outcomes)
    stated = np.array([correction.chance(raw) for raw in raws[2_000:].tolist()])
    tenth = np.minimum((stated * 10).astype(int), 9)
    error = sum(
        abs(stated[tenth == at].mean() - true_chance(raws[2_000:][tenth == at]).mean())
        * np.mean(tenth == at)
        for at in set(tenth.tolist())
    )
    assert error < 0.05


@pytest.mark.parametrize("wrong", [-0.01, 1.01, float("nan")])
def test_a_chance_outside_0_to_1_is_refused(wrong: float) -> None:
    for refused in (
        lambda: learned([]).chance(wrong),
        lambda: learned([(wrong, 1.0)]),
        lambda: learned([(0.5, wrong)]),
        lambda: foreseen(wrong, 4),
        lambda: percent(wrong),
    ):
        with pytest.raises(ProblemError, match="allowed is 0 to 1"):
            refused()


@pytest.mark.parametrize(
    ("chance", "stated"),
    [(0, 1), (0.004, 1), (0.014, 1), (0.015, 2), (0.705, 71), (0.994, 99), (1, 99)],
)
def test_nobody_who_waits_is_told_never_or_surely(chance: float, stated: int) -> None:
    assert percent(chance) == stated


def test_who_holds_a_seat_has_100_and_whose_deadline_is_past_0() -> None:
    assert percent(0.3, certain=True) == 100
    assert percent(0.3, certain=False) == 0


@pytest.mark.parametrize(
    ("values", "weights", "rising"),
    [
        ([], [], []),
        ([1, 2, 3], [1, 1, 1], [1, 2, 3]),
        ([3, 2, 1], [1, 1, 1], [2, 2, 2]),
        ([4, 1, 3], [1, 2, 1], [2, 2, 3]),
        ([1, 3, 2, 2], [1, 1, 1, 2], [1, 2.25, 2.25, 2.25]),
    ],
)
def test_values_that_fall_are_merged_by_weight(
    values: list[float], weights: list[int], rising: list[float]
) -> None:
    assert pooled(values, weights) == pytest.approx(rising)
