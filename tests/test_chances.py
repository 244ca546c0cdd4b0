"""Stated chances against what became of them."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from slotengine.errors import ProblemError
from slotengine.solver.chances import calibrated, percent, pooled

CHANCES = st.floats(0, 1)
OUTCOMES = st.lists(st.tuples(CHANCES, st.booleans()), max_size=60)


@pytest.mark.parametrize(
    ("raw", "stated"), [(0, 0.05), (0.05, 0.05), (0.3, 0.3), (0.71, 0.71), (0.95, 0.95), (1, 0.95)]
)
def test_without_outcomes_a_chance_is_itself_but_for_its_ends(raw: float, stated: float) -> None:
    assert calibrated(raw, []) == pytest.approx(stated)


def test_ten_outcomes_weigh_as_much_as_the_prior() -> None:
    # Ten times 0.75 was said and never came true: (10 * 0.75 + 0) / 20, and the bins below that
    # said more than it are pooled with it: 0.55, 0.65 of weight 10 and 0.375 of 20.
    found = calibrated(0.75, [(0.75, False)] * 10)
    assert found == pytest.approx((0.55 + 0.65 + 2 * 0.375) / 4)


def test_one_outcome_moves_a_chance_by_one_in_eleven() -> None:
    assert calibrated(0.75, [(0.75, True)]) == pytest.approx((10 * 0.75 + 1) / 11)


def test_between_two_bins_the_line_is_straight() -> None:
    # 90 outcomes at 0.75, 45 true: (7.5 + 45) / 100 = 0.525; pooled with 0.55 and 0.65 of 10 each:
    # (5.5 + 6.5 + 52.5) / 120 = 0.5375. The bin of 0.85 keeps its 0.85, and 0.8 is half way.
    outcomes = [(0.75, at % 2 == 0) for at in range(90)]
    assert calibrated(0.75, outcomes) == pytest.approx(0.5375)
    assert calibrated(0.85, outcomes) == pytest.approx(0.85)
    assert calibrated(0.8, outcomes) == pytest.approx((0.5375 + 0.85) / 2)


def test_a_bin_stands_where_its_chances_were_not_in_its_middle() -> None:
    # 90 times 0.99 and 10 of the prior's 0.95: the last knot is at 0.986, with 99.5 of 100 true.
    outcomes = [(0.99, True)] * 90
    assert calibrated(0.986, outcomes) == pytest.approx(0.995)
    assert calibrated(1, outcomes) == pytest.approx(0.995)
    assert calibrated(0.9, outcomes) < 0.95


@settings(deadline=None, derandomize=True, max_examples=200)
@given(OUTCOMES, CHANCES, CHANCES)
def test_a_higher_raw_chance_is_never_stated_lower(
    outcomes: list[tuple[float, bool]], one: float, other: float
) -> None:
    low, high = sorted((one, other))
    found = calibrated(low, outcomes), calibrated(high, outcomes)
    assert 0 < found[0] <= found[1] + 1e-12 < 1 + 1e-12


@settings(deadline=None, derandomize=True, max_examples=50)
@given(OUTCOMES, CHANCES)
def test_the_order_of_outcomes_changes_nothing(
    outcomes: list[tuple[float, bool]], raw: float
) -> None:
    assert calibrated(raw, outcomes[::-1]) == pytest.approx(calibrated(raw, outcomes))


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
    stated = np.array([calibrated(raw, outcomes) for raw in raws[2_000:].tolist()])
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
        lambda: calibrated(wrong, []),
        lambda: calibrated(0.5, [(wrong, True)]),
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
