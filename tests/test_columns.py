"""The arrays of a Problem: order, seats, and values that mean "absent"."""

from datetime import timedelta

import numpy as np
import pytest
from builders import NOW, TOWN, patient, practitioner, problem, referral, slot

from slotengine.codes import Mobility
from slotengine.domain import TimeWindow
from slotengine.problem import Pin
from slotengine.solver.columns import ELSEWHERE, NO_PLACE, NO_PRACTITIONER, UNKNOWN_AGE, to_columns
from slotengine.solver.encoding import NEVER, hash64


def test_seats_are_the_problems_free_seats() -> None:
    pins = [
        Pin(referral=f"x{at}", patient=patient("x").key, slot=name, seat=seat)
        for at, (name, seat) in enumerate([("b", 1), ("c", 0)])
    ]
    several = problem(
        slots=[
            slot(name, after_minutes=60 * at, capacity=size)
            for at, (name, size) in enumerate([("a", 2), ("b", 3), ("c", 1), ("d", 1)])
        ],
        pins=pins,
    )
    columns = to_columns(several)
    ids = [several.slots[at].id for at in columns.seat_slot]
    assert list(zip(ids, columns.seat_number.tolist(), strict=True)) == list(several.free_seats)
    assert columns.slot_first_seat.tolist() == [0, 2, 4, 4]
    assert columns.slot_free.tolist() == [2, 2, 0, 1]
    assert (columns.referrals, columns.slots, columns.seats) == (1, 4, 5)


def test_instants_are_microseconds_after_as_of() -> None:
    early = NOW - timedelta(microseconds=3)
    columns = to_columns(problem(referrals=(referral(received_at=early),)))
    assert columns.referral_received_us.tolist() == [-3]
    assert columns.referral_deadline_us.tolist() == [24 * 3_600 * 1_000_000]
    assert columns.slot_start_us.tolist() == [7_200_000_000]
    assert columns.slot_end_us.tolist() == [8_100_000_000]


def test_what_is_absent_has_a_value_of_its_own() -> None:
    bare = patient("b", location=None, age=None, mobility=Mobility.HOMEBOUND)
    foreign = patient("f", own_practitioner="elsewhere")
    own = patient("o", own_practitioner="d1", location=TOWN)
    columns = to_columns(
        problem(
            referrals=[
                referral(str(at), id=f"r{at}", patient=who)
                for at, who in enumerate((bare, foreign, own))
            ]
        )
    )
    assert columns.referral_place.tolist() == [NO_PLACE, 0, 0]
    assert columns.referral_age.tolist() == [UNKNOWN_AGE, 40, 40]
    assert columns.referral_speed_kmh.tolist() == [0, 45, 45]
    assert columns.referral_own_practitioner.tolist() == [NO_PRACTITIONER, ELSEWHERE, 0]


def test_limits_of_age_that_are_absent_are_open() -> None:
    givers = [
        practitioner("d1"),
        practitioner("d2", min_age=3),
        practitioner("d3", max_age=15),
    ]
    slots = [slot(f"s{at}", practitioner=f"d{at}") for at in (1, 2, 3)]
    columns = to_columns(problem(practitioners=givers, slots=slots))
    assert columns.slot_min_age.tolist() == [UNKNOWN_AGE, 3, 0]
    assert columns.slot_max_age.tolist() == [NEVER, NEVER, 15]


def test_padding_of_windows_holds_nothing() -> None:
    spans = tuple(
        TimeWindow(start=NOW + timedelta(hours=at), end=NOW + timedelta(hours=at + 1))
        for at in (1, 5)
    )
    referrals = (referral("1", id="r1"), referral("2", id="r2", windows=spans))
    columns = to_columns(problem(referrals=referrals))
    hour = 3_600_000_000
    assert columns.window_start_us.tolist() == [[-NEVER, NEVER], [hour, 5 * hour]]
    assert columns.window_end_us.tolist() == [[NEVER, -NEVER], [2 * hour, 6 * hour]]
    assert columns.busy_start_us.shape == (2, 0)


def test_the_hash_reads_eight_bytes_little_endian() -> None:
    # b2sum --length=64 of "abc": its bytes are d8 bb 14 d8 33 d5 95 59.
    assert hash64("abc") == 0x5995D533D814BBD8


@pytest.mark.parametrize("side", ["referrals", "slots"])
def test_empty_sides_keep_their_types(side: str) -> None:
    columns = to_columns(problem(**{side: ()}))
    assert columns.referral_level.dtype == columns.slot_start_us.dtype == np.int64
    assert columns.seat_slot.dtype == columns.referral_place.dtype == np.int32
    assert columns.specialty_fits.shape == (columns.referrals and 1, columns.slots and 1)
