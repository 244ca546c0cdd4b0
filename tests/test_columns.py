"""The arrays of a Problem: order, seats, and values that mean "absent"."""

from datetime import timedelta

import numpy as np
import pytest
from builders import (
    NOW,
    TOWN,
    north_of,
    patient,
    policy,
    practitioner,
    problem,
    referral,
    site,
    slot,
)

from slotengine.codes import Mobility, Mode
from slotengine.domain import TimeWindow
from slotengine.problem import Pin, Told
from slotengine.side_constraints import HomeVisits
from slotengine.solver.columns import (
    ELSEWHERE,
    NO_PLACE,
    NO_PRACTITIONER,
    NOT_TOLD,
    UNKNOWN_AGE,
    to_columns,
)
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


def test_a_patient_is_busy_at_every_pin_but_the_step_before() -> None:
    key = patient("x").key
    pins = [Pin(referral=f"r-{name}", patient=key, slot=name, seat=0) for name in ("a", "b")]
    second_step = {"follows": "r-a", "pathway": "elderly-home", "step": 1}
    for changes, starts in (({}, [60, 120]), (second_step, [120])):
        columns = to_columns(
            problem(
                slots=(slot("a", after_minutes=60), slot("b", after_minutes=120)),
                referrals=(referral(patient=patient("x"), **changes),),
                pins=pins,
            )
        )
        minutes = columns.busy_start_us[0] // 60_000_000
        assert minutes.tolist() == starts


def test_told_slots_are_indices_or_absent() -> None:
    told = [Told(referral="r1", slot="b")]
    slots = (slot("a"), slot("b", after_minutes=300))
    referrals = [referral(str(at), id=f"r{at}") for at in range(2)]
    columns = to_columns(problem(slots=slots, referrals=referrals, told=told))
    assert columns.referral_told_slot.tolist() == [NOT_TOLD, 1]


def test_places_are_homes_then_sites_then_where_pinned_visits_lead() -> None:
    """One place is one coordinate and one zone; a home at a site is the site."""
    home, far = north_of(TOWN, 2_000), north_of(TOWN, 9_000)
    visit = {"patient": patient("x").key, "mode": Mode.HH, "slot": "slot1"}
    asked = problem(
        sites=(site("s1"), site("s2", location=far)),
        slots=(slot(capacity=3, modes=(Mode.HH,)),),
        referrals=[
            referral("1", id="r1", patient=patient("1", location=home)),
            referral("2", id="r2", patient=patient("2", location=TOWN)),
        ],
        pins=[
            Pin(referral="x1", seat=0, location=home, **visit),
            Pin(referral="x2", seat=1, location=home.replaced(zone="flat"), **visit),
            Pin(referral="x3", seat=2, **visit),
        ],
    )
    columns = to_columns(asked)
    assert columns.referral_place.tolist() == [0, 1]
    assert columns.pinned.site_place.tolist() == [1, 2]
    assert columns.pinned.stop_place.tolist() == [0, 3]
    assert columns.pinned.place_lat.tolist() == [home.lat, TOWN.lat, far.lat, home.lat]


def test_stops_are_the_practitioners_home_visits_first() -> None:
    """Two patients in one room at one time are one stop; video and unknown homes are none."""
    far = north_of(TOWN, 9_000)
    booked = [
        ("a", 0, {"mode": Mode.AMB}),
        ("a", 1, {"mode": Mode.AMB}),
        ("b", 0, {"mode": Mode.HH, "location": far}),
        ("c", 0, {"mode": Mode.VR}),
        ("d", 0, {"mode": Mode.HH}),
        ("e", 0, {"mode": Mode.HH, "location": far}),
    ]
    pins = [
        Pin(referral=f"x{name}{seat}", patient=patient("x").key, slot=name, seat=seat, **how)
        for name, seat, how in booked
    ]
    slots = [
        slot(name, after_minutes=60 * at, capacity=2, practitioner="d2" if name == "e" else "d1")
        for at, name in enumerate("abcde")
    ]
    givers = (practitioner("d0"), practitioner("d1"), practitioner("d2"))
    rules = policy(home_visits=HomeVisits(care_minutes=30))
    pinned = to_columns(problem(practitioners=givers, slots=slots, pins=pins, policy=rules)).pinned
    assert pinned.stop_first.tolist() == [0, 0, 2, 3]
    assert pinned.stop_homes.tolist() == [0, 1, 1]
    assert pinned.stop_slot.tolist() == [1, 0, 4]
    minutes = [int(end) // 60_000_000 for end in pinned.stop_end_us]
    assert minutes == [60 + 30, 15, 240 + 30]
    nobody = policy(home_visits=None)
    absent = to_columns(problem(practitioners=givers, slots=slots, pins=pins, policy=nobody))
    assert len(absent.pinned.stop_slot) == 0


def test_the_hash_reads_eight_bytes_little_endian() -> None:
    # b2sum --length=64 of "abc": its bytes are d8 bb 14 d8 33 d5 95 59.
    assert hash64("abc") == 0x5995D533D814BBD8


@pytest.mark.parametrize("side", ["referrals", "slots"])
def test_empty_sides_keep_their_types(side: str) -> None:
    columns = to_columns(problem(**{side: ()}))
    assert columns.referral_level.dtype == columns.slot_start_us.dtype == np.int64
    assert columns.seat_slot.dtype == columns.referral_place.dtype == np.int32
    assert columns.specialty_fits.shape == (columns.referrals and 1, columns.slots and 1)
