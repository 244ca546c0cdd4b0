"""Where the expected live, and the seats that only some futures have."""

from datetime import timedelta
from typing import Any

import numpy as np
import pytest
from builders import NOW, TOWN, north_of, patient, practitioner, problem, referral, site, slot
from sampled import HOUR, arcs, forecast, kind, rules

from slotengine.codes import Mode
from slotengine.forecast import OpeningRate
from slotengine.problem import Pin, Problem
from slotengine.solver.check_rules import Rules
from slotengine.solver.futures import futures

# --- where they live -----------------------------------------------------------------------------


def test_the_expected_of_an_unknown_commune_live_all_over_the_sites() -> None:
    """Sites 100 km apart: everybody reaches the near ones only, and all of them are reached."""
    sites = [site(f"s{at}", location=north_of(TOWN, 100_000 * at)) for at in range(3)]
    slots = [
        slot(f"slot{at}", practitioner=f"d{at}", site=f"s{at}", after_minutes=720)
        for at in range(3)
    ]
    one = problem(
        policy=rules(communes=()),
        practitioners=[practitioner(f"d{at}") for at in range(3)],
        sites=sites,
        slots=slots,
        referrals=(),
    )
    (future,) = futures(one, forecast(kind(insee=None)), count=1, seed=0)
    reached = [tuple(arcs(future, row)) for row in range(len(future.value))]
    assert set(reached) == {(0,), (1,), (2,)}


def test_a_commune_that_only_waiting_patients_tell_is_where_they_live() -> None:
    home = north_of(TOWN, 60_000).replaced(insee="44999")
    waiting = referral("1", patient=patient("1", location=home))
    one = problem(
        policy=rules(communes=()),
        sites=(site(location=home), site("s2")),
        slots=(slot(after_minutes=720),),
        referrals=(waiting,),
    )
    (future,) = futures(one, forecast(kind(insee="44999")), count=1, seed=0)
    assert all(set(arcs(future, row)) == {0} for row in range(len(future.value)))


def test_no_site_at_all_leaves_everybody_without_arcs() -> None:
    one = problem(policy=rules(communes=()), practitioners=(), sites=(), slots=(), referrals=())
    (future,) = futures(one, forecast(kind(insee=None)), count=1, seed=0)
    assert future.seats == 0
    assert len(future.value) > 0
    assert len(future.col) == 0


# --- seats that only some futures have -----------------------------------------------------------


def opening_rate(**changes: Any) -> OpeningRate:
    fields: dict[str, Any] = {
        "practitioner": "d1",
        "site": "s1",
        "start": NOW + 12 * HOUR,
        "minutes": 15,
        "seats": 2,
        "modes": (Mode.AMB,),
        "chance": 1.0,
    }
    return OpeningRate(**{**fields, **changes})


def test_a_certain_opening_adds_its_seats_after_the_free_ones() -> None:
    one = problem(policy=rules(), slots=(slot(after_minutes=600),))
    (future,) = futures(one, forecast(openings=(opening_rate(),)), count=1, seed=0)
    assert future.seats == 3
    assert set(arcs(future, 0)) == {0, 1, 2}
    plain = Rules(problem(policy=rules(), slots=(slot(after_minutes=720),)))
    waiting = plain.problem.referrals[0]
    cost = plain.modes(waiting, plain.problem.slots[0])[0].cost
    assert arcs(future, 0)[1] == arcs(future, 0)[2] == cost


def test_an_opening_comes_with_its_chance_and_all_seats_together() -> None:
    one = problem(policy=rules(), slots=(slot(after_minutes=600),))
    expected = forecast(openings=(opening_rate(chance=0.3),), hourly=())
    sizes = [future.seats for future in futures(one, expected, count=500, seed=0)]
    assert set(sizes) == {1, 3}
    assert abs(sizes.count(3) / 500 - 0.3) < 5 * (0.21 / 500) ** 0.5


@pytest.mark.parametrize(
    "changes",
    [
        {"chance": 0.0},
        {"practitioner": "gone"},
        {"site": "gone"},
        {"start": NOW},
        {"start": NOW + timedelta(days=401)},
        {"start": NOW + 10 * HOUR + timedelta(minutes=14)},
    ],
    ids=["no chance", "practitioner", "site", "past", "too far", "overlaps what is published"],
)
def test_openings_that_can_not_be_are_left_out(changes: dict[str, Any]) -> None:
    one = problem(policy=rules(), slots=(slot(after_minutes=600),))
    expected = forecast(openings=(opening_rate(**changes),))
    (future,) = futures(one, expected, count=1, seed=0)
    assert future.seats == 1


def test_of_two_openings_at_one_time_the_likelier_stays() -> None:
    one = problem(policy=rules(), slots=())
    pair = (opening_rate(chance=0.9, seats=1), opening_rate(minutes=30))
    (future,) = futures(one, forecast(openings=pair), count=1, seed=0)
    assert future.seats == 2


def pinned_day() -> Problem:
    pins = tuple(
        Pin(referral=f"old{seat}", patient=patient(f"old{seat}").key, slot="a", seat=seat)
        for seat in (0, 2)
    )
    slots = (slot("a", after_minutes=600, capacity=3), slot("b", after_minutes=700))
    return problem(policy=rules(), slots=slots, pins=pins)


def test_a_cancelled_booking_frees_its_seat() -> None:
    one = pinned_day()
    (never,) = futures(one, forecast(), count=1, seed=0)
    (always,) = futures(one, forecast(cancel_chance=1.0), count=1, seed=0)
    assert (never.seats, always.seats) == (2, 4)
    assert set(arcs(never, 0)) == {0, 1}
    of_a, of_b, *freed = (arcs(always, 0)[at] for at in range(4))
    assert freed == [of_a, of_a] != [of_b, of_b]


def test_bookings_are_cancelled_one_by_one_with_their_chance() -> None:
    one = pinned_day()
    expected = forecast(cancel_chance=0.5, hourly=())
    sizes = [future.seats for future in futures(one, expected, count=400, seed=0)]
    assert abs(np.mean(sizes) - 3) < 5 * (0.5 / 400) ** 0.5
    assert {2, 3, 4} == set(sizes)


def test_a_booking_that_is_about_to_start_is_not_cancelled_in_time() -> None:
    """The notice is 10 minutes: at 10 a cancelled seat can still be had, at 9 not."""
    for minutes, seats in ((10, 1), (9, 0)):
        one = problem(
            policy=rules(),
            slots=(slot(after_minutes=minutes),),
            pins=(Pin(referral="old", patient=patient("old").key, slot="slot1", seat=0),),
        )
        (future,) = futures(one, forecast(cancel_chance=1.0), count=1, seed=0)
        assert future.seats == seats
