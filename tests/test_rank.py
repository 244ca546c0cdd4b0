"""One referral's candidates: the same order as a plan of that referral alone."""

import pytest
from builders import patient, practitioner, problem, referral, slot
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import checked, problems

from slotengine.codes import Mode
from slotengine.errors import ProblemError, UnknownIdError
from slotengine.explanations import Candidate
from slotengine.problem import Pin, Problem
from slotengine.seat_prices import SeatPrice
from slotengine.solver import rank, solve
from slotengine.solver.rank import spread_out


@settings(deadline=None, derandomize=True, max_examples=100)
@given(problems(max_referrals=1, max_slots=5, max_pins=2), st.integers(0, 3))
def test_the_first_candidate_is_what_solve_chooses(drawn: Problem, seed: int) -> None:
    if not drawn.referrals:
        return
    ranked = rank(drawn, drawn.referrals[0].id, seed=seed)
    plan = checked(drawn, solve(drawn, seed=seed))
    assert bool(ranked) == bool(plan.assignments)
    for chosen in plan.assignments:
        first = ranked[0].model_dump(exclude={"value"})
        assert first == chosen.model_dump()


def three() -> Problem:
    # An urgent minute weighs 2: 120, 240 and 360 weighted minutes.
    return problem(slots=[slot(f"s{at}", after_minutes=60 * at) for at in (1, 2, 3)])


def test_candidates_come_by_score() -> None:
    ranked = rank(three(), three().referrals[0].id)
    assert [(one.slot, one.cost, one.score) for one in ranked] == [
        ("s1", 120, 9_880),
        ("s2", 240, 9_760),
        ("s3", 360, 9_640),
    ]


def test_a_price_moves_a_candidate_down() -> None:
    ranked = rank(three(), three().referrals[0].id, prices={"s1": 121})
    assert [(one.slot, one.price) for one in ranked] == [("s2", 0), ("s1", 121), ("s3", 0)]


def test_a_score_of_zero_stays_and_less_is_left_out() -> None:
    prices = {"s1": 9_880, "s2": 9_761}
    ranked = rank(three(), three().referrals[0].id, prices=prices)
    assert [(one.slot, one.score) for one in ranked] == [("s3", 9_640), ("s1", 0)]


def test_the_problems_own_prices_count_as_they_do_in_a_plan() -> None:
    dear = three().replaced(prices=(SeatPrice(slot="s1", price=121),))
    ranked = rank(dear, dear.referrals[0].id)
    assert [(one.slot, one.price) for one in ranked] == [("s2", 0), ("s1", 121), ("s3", 0)]
    chosen = checked(dear, solve(dear)).assignments
    assert [(one.slot, one.price) for one in chosen] == [("s2", 0)]


def test_prices_given_count_instead_of_the_problems_own() -> None:
    dear = three().replaced(prices=(SeatPrice(slot="s1", price=121),))
    ranked = rank(dear, dear.referrals[0].id, prices={"s2": 500})
    assert [(one.slot, one.price) for one in ranked] == [("s1", 0), ("s3", 0), ("s2", 500)]


def test_without_prices_nothing_is_left_out() -> None:
    values = {"urgent": 200}
    poor = three().replaced(policy=three().policy.replaced(values=values))
    assert [one.score for one in rank(poor, poor.referrals[0].id)] == [80, -40, -160]
    assert [one.score for one in rank(poor, poor.referrals[0].id, prices={})] == [80]


def test_the_lowest_free_seat_is_offered_and_full_slots_are_not() -> None:
    pins = [
        Pin(referral=f"x{seat}", patient=patient("x").key, slot=name, seat=seat)
        for name, seat in (("hall", 0), ("hall", 1), ("full", 0))
    ]
    one = problem(
        practitioners=(practitioner(), practitioner("d2")),
        slots=(slot("hall", capacity=3), slot("full", practitioner="d2")),
        pins=pins,
    )
    assert [(found.slot, found.seat) for found in rank(one, one.referrals[0].id)] == [("hall", 2)]


def test_others_in_the_problem_change_nothing() -> None:
    alone = three()
    waiting = (*alone.referrals, referral("2"), referral("3"))
    crowd = problem(slots=alone.slots, referrals=waiting)
    assert rank(crowd, alone.referrals[0].id) == rank(alone, alone.referrals[0].id)


def test_an_unknown_referral_is_named() -> None:
    with pytest.raises(UnknownIdError, match="referral nobody is unknown"):
        rank(three(), "nobody")


def test_a_negative_price_is_named() -> None:
    with pytest.raises(ProblemError, match="price of slot s1 is -1"):
        rank(three(), three().referrals[0].id, prices={"s1": -1})


def test_nothing_fits_is_an_empty_list() -> None:
    empty = problem(slots=())
    assert rank(empty, empty.referrals[0].id) == []


def spread(*given: tuple[str, int], limit: int = 3, apart: int = 60) -> list[str]:
    """Candidates in this order, each with its practitioner and the minute it starts at."""
    slots = {
        f"{giver}@{minute}": slot(f"{giver}@{minute}", practitioner=giver, after_minutes=minute)
        for giver, minute in given
    }
    candidates = [
        Candidate(
            referral="r",
            slot=name,
            seat=0,
            mode=Mode.AMB,
            travel_metres=0,
            travel_minutes=0,
            wait_minutes=0,
            cost=at,
            value=100,
        )
        for at, name in enumerate(slots)
    ]
    return [one.slot for one in spread_out(candidates, slots, limit=limit, apart_minutes=apart)]


def test_offers_of_one_practitioner_are_at_least_so_far_apart() -> None:
    assert spread(("d1", 120), ("d1", 179), ("d1", 180)) == ["d1@120", "d1@180"]
    assert spread(("d1", 180), ("d1", 121), ("d1", 120)) == ["d1@180", "d1@120"]


def test_each_offer_differs_from_all_chosen_before_it_not_from_those_left_out() -> None:
    found = spread(("d1", 120), ("d1", 170), ("d1", 200), ("d1", 230), limit=4)
    assert found == ["d1@120", "d1@200"]


def test_another_practitioner_at_the_same_hour_is_another_offer() -> None:
    assert spread(("d1", 120), ("d2", 120), ("d1", 130)) == ["d1@120", "d2@120"]


def test_at_most_so_many_are_offered_best_first() -> None:
    given = (("d1", 300), ("d2", 120), ("d1", 120))
    assert spread(*given, limit=2) == ["d1@300", "d2@120"]
    assert spread(*given, limit=3) == ["d1@300", "d2@120", "d1@120"]
    assert spread(*given, limit=0) == []


def test_one_distinct_candidate_is_one_offer_and_none_is_none() -> None:
    assert spread(("d1", 120), ("d1", 140), ("d1", 160)) == ["d1@120"]
    assert spread() == []


def test_with_no_minutes_apart_every_candidate_differs() -> None:
    assert spread(("d1", 120), ("d1", 135), apart=0) == ["d1@120", "d1@135"]
