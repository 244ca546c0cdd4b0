"""
Home visits of a night, planned: care, then the way by car, on each edge.

From the town to the farm ten kilometres north are 18 minutes by car, 36 weighted minutes.
"""

from typing import Any

import pytest
from builders import TOWN, patient, policy, slot
from nights import ASAP, HOME, TEN_KM, Night, agenda, asks, booked, night, planned

from slotengine.codes import Mode
from slotengine.domain import Location
from slotengine.problem import TravelMatrix
from slotengine.side_constraints import HomeVisits

WAY = 36
"""Weighted minutes of the way to the farm."""

IN_TOWN = asks("a", **ASAP, **HOME)
AT_FARM = asks("b", **HOME, patient=patient("b", location=TEN_KM))


def visits(*starts: int, **changes: Any) -> Night:
    """A visit in town, as soon as possible, and an urgent one at the farm."""
    return planned(night((IN_TOWN, AT_FARM), agenda(*starts, **HOME), **changes))


def test_between_two_visits_lies_the_way() -> None:
    found = visits(120, 135 + 18)
    assert found.seats == {"a": "d1@120", "b": "d1@153"}
    assert found.cost == 4 * 120 + 2 * 153 + WAY
    found = visits(120, 135 + 17)
    assert (found.seats, found.reasons) == ({"a": "d1@120"}, {"b": "tour"})
    assert found.cost == 4 * 120
    assert visits(120, 135, policy=policy(home_visits=None)).reasons == {}


def test_a_colleague_takes_the_visit_that_there_is_no_time_for() -> None:
    slots = (*agenda(120, 152, **HOME), *agenda(200, giver="d2", **HOME))
    found = planned(night((IN_TOWN, AT_FARM), slots))
    assert found.seats == {"a": "d1@120", "b": "d2@200"}
    assert found.cost == 4 * 120 + 2 * 200 + WAY


@pytest.mark.parametrize(
    ("care", "pause", "reasons"),
    [
        (15, 18, {}),
        (20, 23, {}),
        (20, 22, {"b": "tour"}),
        (10, 18, {}),  # the slot is longer than the care: 15 minutes
        (10, 17, {"b": "tour"}),
    ],
)
def test_care_takes_its_minutes(care: int, pause: int, reasons: dict[str, str]) -> None:
    rules = policy(home_visits=HomeVisits(care_minutes=care))
    assert visits(120, 135 + pause, policy=rules).reasons == reasons


@pytest.mark.parametrize(
    ("first", "second", "pause", "reasons"),
    [
        (Mode.AMB, Mode.HH, 18, {}),  # from the practice in town to the farm
        (Mode.AMB, Mode.HH, 17, {"b": "tour"}),
        (Mode.HH, Mode.AMB, 0, {}),  # whoever lives at the farm comes to the practice
        (Mode.AMB, Mode.AMB, 0, {}),
        (Mode.HH, Mode.VR, 0, {}),
        (Mode.VR, Mode.HH, 0, {}),
    ],
)
def test_only_visits_and_the_practice_have_places(
    first: Mode, second: Mode, pause: int, reasons: dict[str, str]
) -> None:
    slots = (*agenda(120, modes=(first,)), *agenda(135 + pause, modes=(second,)))
    asked = (IN_TOWN.replaced(modes=(first,)), AT_FARM.replaced(modes=(second,)))
    assert planned(night(asked, slots)).reasons == reasons


def test_one_slot_holds_two_visits_at_one_place_only() -> None:
    shared = (slot("s", capacity=2, **HOME),)
    neighbours = [asks(name, **HOME, patient=patient(name, location=TEN_KM)) for name in "cd"]
    found = planned(night(neighbours, shared))
    assert found.seats == {"c": "s", "d": "s"}
    assert found.cost == 2 * (2 * 120 + WAY)
    found = planned(night((IN_TOWN, AT_FARM), shared))
    assert (found.seats, found.reasons) == ({"a": "s"}, {"b": "tour"})
    elsewhere = AT_FARM.replaced(patient=patient("b", location=TOWN.replaced(zone="next-door")))
    assert planned(night((IN_TOWN, elsewhere), shared)).reasons == {"b": "tour"}


def test_three_visits_need_two_ways() -> None:
    """There and back again: the farm lies between two visits in town."""
    third = asks("c", **HOME)
    starts = (120, 153, 186)
    found = planned(night((IN_TOWN, AT_FARM, third), agenda(*starts, **HOME)))
    assert found.seats == {"a": "d1@120", "b": "d1@153", "c": "d1@186"}
    # A minute less for the way back, and too little to end there: the farm comes first.
    found = planned(night((IN_TOWN, AT_FARM, third), agenda(120, 153, 185, **HOME)))
    assert found.seats == {"a": "d1@153", "b": "d1@120", "c": "d1@185"}
    assert found.cost == 4 * 153 + 2 * 120 + WAY + 2 * 185
    found = planned(night((IN_TOWN, AT_FARM, third), agenda(120, 152, 169, **HOME)))
    assert found.reasons == {"b": "tour"}


def test_a_pinned_visit_leaves_the_way_and_an_unknown_one_hinders_nobody() -> None:
    pin = booked("d1@120", mode=Mode.HH, location=TOWN)
    for start, reasons in ((153, {}), (152, {"b": "tour"})):
        slots = agenda(120, start, **HOME)
        assert planned(night((AT_FARM,), slots, pins=(pin,))).reasons == reasons
        for at_peace in ({"location": None}, {"mode": Mode.VR}, {"location": TEN_KM}):
            beside = pin.replaced(**at_peace)
            assert planned(night((AT_FARM,), slots, pins=(beside,))).reasons == {}


def test_two_new_visits_stand_on_both_sides_of_a_pinned_one() -> None:
    pin = booked("d1@153", mode=Mode.HH, location=TEN_KM)
    asked = (asks("a", **HOME), asks("b", **HOME))
    assert planned(night(asked, agenda(120, 153, 186, **HOME), pins=(pin,))).reasons == {}
    found = planned(night(asked, agenda(120, 153, 185, **HOME), pins=(pin,)))
    assert len(found.seats) == 1
    assert list(found.reasons.values()) == ["seats_taken"]


HILL, FARM = (Location(lat=0, lon=0, zone=name) for name in ("hill", "farm"))


def roads(*, hill_to_farm: int | None = 8, farm_to_hill: int | None = 20) -> TravelMatrix:
    """From the practice in town everything lies 5 minutes away."""
    minutes = ((0, 5, 5), (5, 0, hill_to_farm), (5, farm_to_hill, 0))
    metres = tuple(tuple(None if one is None else 900 * one for one in row) for row in minutes)
    return TravelMatrix(
        name="roads", version="1", zones=("44114", "hill", "farm"), metres=metres, minutes=minutes
    )


@pytest.mark.parametrize(
    ("starts", "table", "seats"),
    [
        ((120, 143), roads(), {"a": "d1@120", "b": "d1@143"}),  # down to the farm: 8
        ((120, 142), roads(), {"a": "d1@120"}),
        ((120, 155), roads(hill_to_farm=21), {"a": "d1@155", "b": "d1@120"}),  # up: 20
        ((120, 154), roads(hill_to_farm=21), {"a": "d1@120"}),
        ((120, 155), roads(hill_to_farm=None), {"a": "d1@155", "b": "d1@120"}),
        ((120, 900), roads(hill_to_farm=None, farm_to_hill=None), {"a": "d1@120"}),
    ],
)
def test_ways_are_read_from_the_table_in_their_direction(
    starts: tuple[int, int], table: TravelMatrix, seats: dict[str, str]
) -> None:
    asked = (
        IN_TOWN.replaced(patient=patient("a", location=HILL)),
        AT_FARM.replaced(patient=patient("b", location=FARM)),
    )
    found = planned(night(asked, agenda(*starts, **HOME), matrix=table))
    assert found.seats == seats
    weights = {"a": 4, "b": 2}
    # 5 minutes from the practice, twice: 10 weighted minutes a visit.
    assert found.cost == sum(weights[one] * int(at[3:]) + 10 for one, at in seats.items())


def test_siblings_at_one_home_are_one_visit_after_the_other() -> None:
    """A family's visits need no way; a stranger's visit between theirs would."""
    family = [
        asks(name, group="g", **HOME, patient=patient(name, location=TEN_KM)) for name in "cd"
    ]
    found = planned(night(family, agenda(120, 135, **HOME)))
    assert sorted(found.seats) == ["c", "d"]
    found = planned(night((*family, IN_TOWN), agenda(120, 135, 168, **HOME)))
    assert found.seats["a"] == "d1@168"
    assert planned(night((*family, IN_TOWN), agenda(120, 135, 167, **HOME))).reasons == {
        "c": "group",
        "d": "group",
    }
