from collections.abc import Mapping
from enum import StrEnum
from typing import TypeVar

import pytest

from slotengine.codes import ACTIVE, BookingStatus, ReferralState
from slotengine.transitions import BOOKING_STEPS, REFERRAL_AFTER, REFERRAL_STEPS, UNPLACED

B, R = BookingStatus, ReferralState
Step = TypeVar("Step", bound=StrEnum)


def reached(start: Step, steps: Mapping[Step, frozenset[Step]]) -> set[Step]:
    seen: set[Step] = set()
    front = {start}
    while front:
        seen |= front
        front = {after for before in front for after in steps[before]} - seen
    return seen


def test_every_status_and_state_has_its_steps() -> None:
    assert set(BOOKING_STEPS) == set(B) == set(REFERRAL_AFTER)
    assert set(REFERRAL_STEPS) == set(R)


def test_every_status_is_reached_from_promised_or_held() -> None:
    assert reached(B.PROMISED, BOOKING_STEPS) == set(B)
    assert reached(R.RECEIVED, REFERRAL_STEPS) == set(R)


def test_what_occupies_a_seat_can_end_and_what_ended_stays_so() -> None:
    for status in B:
        assert bool(BOOKING_STEPS[status]) == (status in ACTIVE)
    assert REFERRAL_STEPS[R.CLOSED] == REFERRAL_STEPS[R.REFUSED] == frozenset()


@pytest.mark.parametrize("status", [B.PROMISED, B.CONFIRMED])
def test_only_a_hold_expires(status: BookingStatus) -> None:
    assert B.EXPIRED not in BOOKING_STEPS[status]
    assert B.EXPIRED in BOOKING_STEPS[B.HELD]


def test_nothing_stays_where_it_is() -> None:
    assert all(status not in after for status, after in BOOKING_STEPS.items())
    assert all(state not in after for state, after in REFERRAL_STEPS.items())


def test_a_booking_and_its_referral_step_together() -> None:
    """Every step of a booking moves its referral along a step that the referral may take."""
    for status, after in BOOKING_STEPS.items():
        for next_status in after:
            before, then = REFERRAL_AFTER[status], REFERRAL_AFTER[next_status]
            assert then in REFERRAL_STEPS[before], (status, next_status)


def test_a_referral_without_a_seat_can_get_one() -> None:
    for state in UNPLACED:
        assert {R.PROMISED, R.HELD} <= REFERRAL_STEPS[state]
    assert {REFERRAL_AFTER[status] for status in ACTIVE} & UNPLACED == set()


def test_only_a_referral_without_a_seat_is_refused() -> None:
    assert {state for state in R if R.REFUSED in REFERRAL_STEPS[state]} == set(UNPLACED)
