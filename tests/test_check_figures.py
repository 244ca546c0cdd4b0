"""The independent figures: great circle, road, minutes, cost, cheapest mode, tie-break."""

import math
from datetime import timedelta
from typing import Any

import pytest
from brute_force import tie_break as tie_break_again
from builders import NOW, TOWN, north_of, patient, policy, problem, referral, slot
from hypothesis import given, settings
from hypothesis import strategies as st

from slotengine.codes import Mobility, Mode, Priority
from slotengine.domain import Location
from slotengine.policy import Detour
from slotengine.solver.check_figures import Figures, finalised, pair_cost, tie_break
from slotengine.solver.check_rules import Rules
from slotengine.solver.check_travel import great_circle_metres, road_metres

TEN_KM = north_of(TOWN, 10_000)
AWAY = patient(location=TEN_KM)
SECOND = timedelta(seconds=1)


def best(
    *, referral_changes: dict[str, Any] | None = None, slot_changes: dict[str, Any] | None = None
) -> Figures:
    """Gives the cheapest mode of the only pair of a problem."""
    asking, wanted = referral(**(referral_changes or {})), slot(**(slot_changes or {}))
    return Rules(problem(referrals=(asking,), slots=(wanted,))).modes(asking, wanted)[0]


PARIS = Location(lat=48.8566, lon=2.3522)
LYON = Location(lat=45.764, lon=4.8357)


def test_great_circles_have_their_known_lengths() -> None:
    quarter = math.pi / 2 * 6_371_008.8
    pole, gabon = Location(lat=90, lon=0), Location(lat=0, lon=9)
    assert great_circle_metres(pole, gabon) == pytest.approx(quarter)
    assert great_circle_metres(TOWN, TOWN) == 0
    opposite = Location(lat=-48.8566, lon=2.3522 - 180)
    assert great_circle_metres(PARIS, opposite) == pytest.approx(2 * quarter)
    # By the spherical law of cosines, another formula for the same arc.
    lat1, lat2 = math.radians(PARIS.lat), math.radians(LYON.lat)
    turn = math.radians(LYON.lon - PARIS.lon)
    cosine = math.sin(lat1) * math.sin(lat2) + math.cos(lat1) * math.cos(lat2) * math.cos(turn)
    assert great_circle_metres(PARIS, LYON) == pytest.approx(math.acos(cosine) * 6_371_008.8)


@pytest.mark.parametrize(
    ("straight", "factor", "metres"),
    [
        (0, 1.0, 0),
        (10_000, 1.0, 12_820),  # 10,000 * (1.1 + 0.3 * 0.606531)
        (20_000, 1.0, 24_207),  # 20,000 * (1.1 + 0.3 * 0.367879)
        (10_000, 1.25, 16_024),
    ],
)
def test_roads_are_longer_than_the_great_circle(
    straight: float, factor: float, metres: int
) -> None:
    assert road_metres(TOWN, north_of(TOWN, straight), Detour(factor=factor)) == metres


@pytest.mark.parametrize(
    ("mobility", "minutes"),
    [(Mobility.CAR, 18), (Mobility.TRANSIT, 43), (Mobility.WALK, 193), (Mobility.WHEELCHAIR, 31)],
)
def test_minutes_follow_the_patients_own_speed(mobility: Mobility, minutes: int) -> None:
    asked = {"patient": AWAY.replaced(mobility=mobility)}
    figures = best(referral_changes=asked, slot_changes={"after_minutes": 240})
    assert (figures.travel_metres, figures.travel_minutes) == (12_820, minutes)


def _cost(wait: int, travel: int, **changes: Any) -> int:
    return pair_cost(policy(), referral(**changes), slot(), wait, travel)


@pytest.mark.parametrize(
    ("wait", "priority", "cost"),
    [
        (0, Priority.URGENT, 0),
        (120, Priority.STAT, 960),
        (120, Priority.ASAP, 480),
        (120, Priority.URGENT, 240),
        (120, Priority.ROUTINE, 120),
        (720, Priority.ROUTINE, 720),  # exactly half of 24 h
        (900, Priority.URGENT, 1_890),  # 2 * (900 + 180^2 // 720)
        (1_440, Priority.ROUTINE, 2_160),  # at the deadline: 1.5 times its length
    ],
)
def test_waiting_weighs_more_past_half_of_the_deadline(
    wait: int, priority: Priority, cost: int
) -> None:
    assert _cost(wait, 0, priority=priority) == cost


def test_a_deadline_of_nothing_still_has_a_half() -> None:
    assert _cost(5, 0, deadline=NOW) == 2 * (5 + 4**2 // 1)


@pytest.mark.parametrize(("minutes", "cost"), [(0, 0), (18, 36), (20, 40), (43, 138), (60, 280)])
def test_travel_weighs_more_beyond_comfort(minutes: int, cost: int) -> None:
    assert _cost(0, minutes) == cost  # 43: 2 * (43 + 23^2 // 20); 60: 2 * (60 + 40^2 // 20)


@pytest.mark.parametrize(("own", "cost"), [(None, 0), ("d1", 0), ("d2", 60)])
def test_another_than_the_own_practitioner_costs_an_hour(own: str | None, cost: int) -> None:
    assert _cost(0, 0, patient=patient(own_practitioner=own)) == cost


def test_waiting_is_rounded_up_and_never_negative() -> None:
    assert best(referral_changes={"received_at": NOW - SECOND}).wait_minutes == 121
    assert best(referral_changes={"received_at": NOW}).wait_minutes == 120
    later = {"received_at": NOW + timedelta(hours=3)}
    assert best(referral_changes=later).wait_minutes == 0


def test_the_cheapest_mode_is_taken_and_equals_go_to_the_practice_then_video() -> None:
    every: dict[str, Any] = {"modes": tuple(Mode)}
    assert best(slot_changes=every, referral_changes=every).mode is Mode.AMB
    assert best(slot_changes=every, referral_changes={**every, "patient": AWAY}).mode is Mode.VR
    no_practice: dict[str, Any] = {"modes": (Mode.HH, Mode.VR)}
    assert best(slot_changes=every, referral_changes=no_practice).mode is Mode.VR


def test_the_finaliser_gives_the_published_numbers() -> None:
    """Splitmix64 seeded with 0 adds its golden gamma and finalises (Vigna's reference output)."""
    gamma = 0x9E3779B97F4A7C15
    assert finalised(gamma) == 0xE220A8397B1DCDAF
    assert finalised(2 * gamma % 2**64) == 0x6E789E6AA1B965F4


@settings(deadline=None, derandomize=True, max_examples=100)
@given(st.integers(0, 2**63), st.text(max_size=9), st.text(max_size=9))
def test_the_tie_break_has_31_bits_and_agrees_with_its_second_writing(
    seed: int, one: str, other: str
) -> None:
    found = tie_break(seed, one, other)
    assert 0 <= found < 2**31
    assert found == tie_break_again(seed, one, other)
