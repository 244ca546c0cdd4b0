"""Days, weeks and caps of each practitioner: what pins took and what is left, by hand."""

from datetime import UTC, datetime, time, timedelta

import numpy as np
import pytest
from booked import pin
from builders import NOW, patient, policy, practitioner, problem, referral, slot

from slotengine.codes import Mode, SlotState
from slotengine.domain import Slot
from slotengine.side_constraints import Caps, Effort
from slotengine.solver.columns import to_columns
from slotengine.solver.costs import MODE_ORDER
from slotengine.solver.pin_rules import efforts
from slotengine.solver.workload import UNLIMITED, workload


def at(name: str, start: datetime, **changes: object) -> Slot:
    return slot(name, start=start, end=start + timedelta(minutes=15), **changes)


def test_days_and_weeks_are_local_and_the_practitioners_own() -> None:
    # Sunday 29 November 2026, 22:59 and 23:00 UTC: in Paris Monday begins between them.
    sunday = datetime(2026, 11, 29, 22, 59, tzinfo=UTC)
    load = workload(
        problem(
            practitioners=(practitioner("d1"), practitioner("d2")),
            slots=(
                at("a", sunday - timedelta(hours=1)),
                at("b", sunday),
                at("c", sunday + timedelta(minutes=15)),
                at("d", sunday, practitioner="d2"),
            ),
        )
    )
    assert load.slot_day.tolist() == [0, 0, 1, 2]
    assert load.slot_week.tolist() == [0, 0, 1, 2]
    assert len(load.day_effort_left) == len(load.week_effort_left) == 3


def test_an_iso_week_goes_on_over_new_year() -> None:
    # Thursday 31 December 2026 is in week 53 with Sunday 3 January 2027; Monday begins week 1.
    days = [datetime(2026, 12, 31, 12, tzinfo=UTC) + timedelta(days=more) for more in (0, 3, 4)]
    named = zip("abc", days, strict=True)
    load = workload(problem(slots=[at(name, day) for name, day in named]))
    assert load.slot_day.tolist() == [0, 1, 2]
    assert load.slot_week.tolist() == [0, 0, 1]


def test_the_same_week_number_of_another_year_is_another_week() -> None:
    load = workload(problem(slots=(at("a", NOW), at("b", NOW + timedelta(weeks=53)))))
    assert load.slot_week.tolist() == [0, 1]


@pytest.mark.parametrize(
    ("minutes", "capacity", "each"), [(15, 1, 15), (20, 3, 7), (60, 60, 1), (5, 200, 1)]
)
def test_a_seat_is_its_share_of_the_slot_rounded_up(minutes: int, capacity: int, each: int) -> None:
    load = workload(problem(slots=(slot(minutes=minutes, capacity=capacity),)))
    assert load.slot_seat_minutes.tolist() == [each]


def test_a_started_minute_counts_whole() -> None:
    end = NOW + timedelta(minutes=20, microseconds=1)
    load = workload(problem(slots=(slot(start=NOW + timedelta(minutes=10), end=end),)))
    assert load.slot_seat_minutes.tolist() == [11]


def test_late_is_the_local_time_of_the_start() -> None:
    # 18 h in Paris is 17 h UTC in winter.
    late = datetime(2026, 11, 23, 17, tzinfo=UTC)
    slots = (at("a", late - timedelta(minutes=15)), at("b", late))
    assert workload(problem(slots=slots)).slot_late.tolist() == [False, True]
    night = policy(effort=Effort(late_from=time(20)))
    assert workload(problem(slots=slots, policy=night)).slot_late.tolist() == [False, False]


def test_without_caps_everything_is_left() -> None:
    load = workload(problem(pins=(pin("slot1"),)))
    assert not load.capped
    for left in (
        load.day_bookings_left,
        load.day_effort_left,
        load.week_bookings_left,
        load.week_effort_left,
        load.slot_effort_left(),
    ):
        assert left.tolist() == [UNLIMITED]


def test_each_cap_loses_what_is_pinned_and_never_goes_below_nothing() -> None:
    # Three pins on the first day: 23, 15 and 38 effort minutes are 76; one on the next day: 23.
    slots = (slot("a", capacity=1), slot("b", after_minutes=300), slot("c", after_minutes=400),
             slot("d", after_minutes=24 * 60))  # fmt: skip
    pins = (
        pin("a", referral="x1"),
        pin("b", referral="x2", first_visit=False),
        pin("c", referral="x3", mode=Mode.HH),
        pin("d", referral="x4"),
    )
    asked = problem(
        policy=policy(caps=Caps(bookings_per_day=2, effort_minutes_per_day=100)),
        practitioners=(practitioner(max_bookings_per_week=9, max_effort_minutes_per_week=120),),
        slots=slots,
        pins=pins,
    )
    load = workload(asked)
    assert load.capped
    assert load.day_bookings_left.tolist() == [0, 1]
    assert load.day_effort_left.tolist() == [24, 77]
    assert load.week_bookings_left.tolist() == [5]
    assert load.week_effort_left.tolist() == [21]
    # No booking is left on the first day; on the second the week is tighter than the day.
    assert load.slot_effort_left().tolist() == [0, 0, 0, 21]
    assert load.pinned_effort.tolist() == [99]


def test_a_pin_of_the_evening_weighs_as_one() -> None:
    # 15 * (100 + 50 + 25) / 100 is 26.25, rounded up.
    evening = slot("a", after_minutes=9 * 60)
    assert workload(problem(slots=(evening,), pins=(pin("a"),))).pinned_effort.tolist() == [27]


def test_the_lower_cap_counts_and_a_huge_one_is_none() -> None:
    asked = problem(
        policy=policy(caps=Caps(bookings_per_day=7)),
        practitioners=(practitioner(max_bookings_per_day=4, max_effort_minutes_per_day=10**30),),
    )
    load = workload(asked)
    assert load.day_bookings_left.tolist() == [4]
    assert load.day_effort_left.tolist() == [UNLIMITED]


def test_what_was_offered_is_all_seats_of_open_slots() -> None:
    asked = problem(
        practitioners=(practitioner("d1"), practitioner("d2"), practitioner("d3")),
        slots=(
            slot("a", minutes=20, capacity=3),
            slot("b", after_minutes=300, state=SlotState.WITHDRAWN),
            slot("c", after_minutes=400, opens_at=NOW + timedelta(hours=1)),
            slot("d", practitioner="d2", state=SlotState.WITHDRAWN),
        ),
    )
    # 3 * 7 + 15; nothing at all counts as one minute.
    assert workload(asked).offered.tolist() == [36, 1, 1]


def test_effort_of_a_pair_asks_who_comes_where_and_when() -> None:
    evening = 9 * 60
    asked = problem(
        practitioners=(practitioner("d1"), practitioner("d2")),
        slots=(
            slot("day", modes=tuple(Mode)),
            slot("evening", after_minutes=evening, modes=tuple(Mode)),
        ),
        referrals=[
            referral(str(number), id=f"r{number}", patient=patient(str(number), **own))
            for number, own in enumerate(
                ({}, {"own_practitioner": "d1"}, {"own_practitioner": "elsewhere"})
            )
        ],
    )
    row = np.repeat(np.arange(3, dtype=np.int32), 2)
    both = np.tile(np.arange(2, dtype=np.int32), 3)
    columns = to_columns(asked)
    # 15 * (100 + 50 first + 100 home + 25 late) / 100, rounded up.
    expected = {
        Mode.AMB: [23, 27, 15, 19, 23, 27],
        Mode.VR: [23, 27, 15, 19, 23, 27],
        Mode.HH: [38, 42, 30, 34, 38, 42],
    }
    for index, mode in enumerate(MODE_ORDER):
        assert efforts(columns, row, both, index).tolist() == expected[mode]
    mixed = np.array([0, 2, 1, 0, 2, 1], dtype=np.int32)
    assert efforts(columns, row, both, mixed).tolist() == [23, 42, 15, 19, 38, 27]


@pytest.mark.parametrize("side", ["slots", "practitioners"])
def test_an_empty_side_is_an_empty_load(side: str) -> None:
    load = workload(problem(**{"slots": (), side: ()}))
    assert load.slot_day.dtype == load.slot_week.dtype == np.int32
    assert load.slot_effort_left().tolist() == []
    assert not load.capped
