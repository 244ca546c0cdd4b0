"""Costs by hand, and the tie-break against one written in Python integers."""

from datetime import timedelta
from typing import Any

import numpy as np
import pytest
from brute_force import tie_break
from builders import NOW, TOWN, north_of, patient, policy, practitioner, problem, referral, slot

from slotengine.codes import Mode, Priority
from slotengine.solver.arcs import best_ways, candidate_arcs
from slotengine.solver.columns import to_columns
from slotengine.solver.costs import (
    MODE_ORDER,
    tie_breaks,
    travel_cost,
    waiting_cost,
    waiting_minutes,
)

ONE = np.zeros(1, dtype=np.int32)


def pair(**changes: Any) -> tuple[int, Mode]:
    """Cost and mode of the only pair of a problem."""
    columns = to_columns(problem(**changes))
    arcs = candidate_arcs(columns)
    assert len(arcs.cost) == 1
    ways = best_ways(columns, arcs.row, arcs.slot)
    assert ways.cost.tolist() == arcs.cost.tolist()
    return int(arcs.cost[0]), MODE_ORDER[ways.mode[0]]


@pytest.mark.parametrize(
    ("priority", "deadline", "wait", "cost"),
    [
        # Half of 240 is 120: at it, waiting weighs 8; after it (180 - 120)^2 // 120 = 30 more.
        (Priority.STAT, 240, 120, 8 * 120),
        (Priority.STAT, 240, 121, 8 * 121),
        (Priority.STAT, 240, 131, 8 * (131 + 1)),
        (Priority.STAT, 240, 180, 8 * (180 + 30)),
        (Priority.ASAP, 240, 180, 4 * 210),
        (Priority.URGENT, 240, 180, 2 * 210),
        (Priority.ROUTINE, 240, 180, 210),
        # An odd deadline of 181 min has its half at 90.
        (Priority.ROUTINE, 181, 180, 180 + 90),
    ],
)
def test_waiting(priority: Priority, deadline: int, wait: int, cost: int) -> None:
    asked = referral(priority=priority, deadline=NOW + timedelta(minutes=deadline))
    assert pair(referrals=(asked,), slots=(slot(after_minutes=wait),)) == (cost, Mode.AMB)


def test_waiting_counts_from_receipt_in_minutes_begun() -> None:
    early = referral(received_at=NOW - timedelta(minutes=30, microseconds=1))
    columns = to_columns(problem(referrals=(early,)))
    assert waiting_minutes(columns, ONE, ONE).tolist() == [151]


def test_waiting_is_never_negative_and_a_deadline_never_too_short() -> None:
    later = NOW + timedelta(hours=5)
    odd = problem(referrals=(referral(received_at=later, deadline=later),))
    columns = to_columns(odd)
    assert waiting_minutes(columns, ONE, ONE).tolist() == [0]
    assert waiting_cost(columns, ONE, ONE).tolist() == [0]
    # A deadline of 0 min counts as 2, half of it as 1: 2 * (3 + (3 - 1)^2 // 1) = 14.
    due = NOW + timedelta(minutes=117)
    columns = to_columns(problem(referrals=(referral(received_at=due, deadline=due),)))
    assert waiting_cost(columns, ONE, ONE).tolist() == [14]


def test_travel_beyond_comfort_weighs_more() -> None:
    columns = to_columns(problem())
    minutes = np.array([0, 20, 24, 25, 40, 60])
    # 2 * (m + (m - 20)^2 // 20): 24 adds 16 // 20 = 0, 25 adds 1, 40 adds 20, 60 adds 80.
    assert travel_cost(columns, minutes).tolist() == [0, 40, 48, 52, 120, 280]
    columns = to_columns(problem(policy=policy(travel_weight=0)))
    assert travel_cost(columns, minutes).tolist() == [0] * 6


@pytest.mark.parametrize(("own", "extra"), [(None, 0), ("d1", 0), ("d2", 60), ("elsewhere", 60)])
def test_another_than_ones_own_practitioner_costs(own: str | None, extra: int) -> None:
    asked = referral(patient=patient(own_practitioner=own))
    both = (practitioner(), practitioner("d2"))
    # Two hours of waiting at the urgent weight.
    assert pair(referrals=(asked,), practitioners=both) == (240 + extra, Mode.AMB)


def test_between_equally_cheap_modes_the_practice_comes_first_then_video() -> None:
    def chosen(*modes: Mode, place: Any = TOWN) -> Mode:
        asked = referral(modes=modes, patient=patient(location=place))
        return pair(referrals=(asked,), slots=(slot(modes=tuple(Mode)),))[1]

    assert chosen(Mode.AMB, Mode.HH, Mode.VR) is Mode.AMB
    assert chosen(Mode.HH, Mode.VR) is Mode.VR
    assert chosen(Mode.AMB, Mode.HH) is Mode.AMB
    assert chosen(Mode.AMB, Mode.HH, Mode.VR, place=north_of(TOWN, 5_000)) is Mode.VR


def test_a_refused_mode_is_not_taken_however_cheap() -> None:
    # The walker's limit refuses the practice; the practitioner comes: 12,820 m by car, 18 min.
    asked = referral(
        modes=(Mode.AMB, Mode.HH),
        max_travel_metres=12_000,
        patient=patient(location=north_of(TOWN, 10_000)),
    )
    found = pair(referrals=(asked,), slots=(slot(modes=(Mode.AMB, Mode.HH)),))
    assert found == (240 + 2 * 18, Mode.HH)


@pytest.mark.parametrize("seed", [0, 1, -7, 1 << 70])
def test_the_tie_break_is_the_hash_of_the_rules(seed: int) -> None:
    many = problem(
        referrals=[referral(str(at)) for at in range(5)],
        slots=[slot(f"slot{at}", after_minutes=60 * at) for at in range(4)],
    )
    row, column = (index.ravel().astype(np.int32) for index in np.indices((5, 4)))
    expected = [tie_break(seed, one.id, other.id) for one in many.referrals for other in many.slots]
    assert tie_breaks(to_columns(many), row, column, seed).tolist() == expected
    assert all(0 <= value < 1 << 31 for value in expected)
