"""The value of one more seat: hand-made cases, and each gain tried again by hand."""

from datetime import date
from typing import Any

import pytest
from builders import (
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
from hypothesis import given, settings
from hypothesis import strategies as st
from random_problems import random_problem

from slotengine.codes import Priority, Profession
from slotengine.errors import ProblemError, SolverTimeoutError
from slotengine.explanations import SeatValue
from slotengine.problem import COST_LEVEL, Pin, Plan, Problem
from slotengine.side_constraints import Caps, Spread
from slotengine.solver import more_seats as room
from slotengine.solver.more_seats import more_seats
from slotengine.solver.solve import solve
from slotengine.solver.variations import with_one_more_seat

TWO_DOCTORS: dict[str, Any] = {"practitioners": (practitioner("d1"), practitioner("d2"))}


def values(asked: Problem, **wishes: Any) -> tuple[SeatValue, ...]:
    return more_seats(asked, solve(asked), **wishes)


def test_a_seat_where_somebody_waits_serves_one_more() -> None:
    (found,) = values(problem(referrals=[referral(str(n)) for n in range(3)]))
    assert found.served == {Priority.URGENT: 1}
    assert (found.seat.day, found.seat.afternoon) == (date(2026, 11, 23), False)
    assert (found.seat.profession, found.seat.insee) == (Profession.PHYSICIAN, "44114")
    # The second urgent referral waits 120 minutes, each weighs 2: that much more is spent.
    assert (found.minutes, found.floors, found.proved) == (-240, 0, True)


def test_a_night_without_waiting_or_travel_to_save_needs_no_seat() -> None:
    assert values(problem()) == ()
    assert values(problem(referrals=())) == ()
    assert values(problem(slots=())) == ()


def test_a_seat_that_only_saves_waiting_is_told_by_its_minutes() -> None:
    asked = problem(
        slots=(slot("soon"), slot("later", after_minutes=420)),
        referrals=(referral("1"), referral("2")),
    )
    (found,) = values(asked)
    # One of them comes 300 minutes sooner, each weighs 2 up to half of the 24 h.
    assert (found.slot, found.served, found.minutes) == ("soon", {}, 600)


def test_the_more_urgent_gain_comes_first() -> None:
    asked = problem(
        **TWO_DOCTORS,
        sites=(site(), site("s2", location=north_of(TOWN, 500).replaced(insee="44194"))),
        slots=(slot("town"), slot("village", practitioner="d2", site="s2")),
        referrals=(
            *(referral(f"a{n}", priority=Priority.ROUTINE, max_travel_metres=100) for n in (1, 2)),
            *(_villager(f"b{n}", Priority.ASAP) for n in (1, 2)),
        ),
    )
    found = values(asked)
    assert [(one.slot, one.served) for one in found] == [
        ("village", {Priority.ASAP: 1}),
        ("town", {Priority.ROUTINE: 1}),
    ]
    assert [one.slot for one in values(asked, top=1)] == ["village"]
    assert values(asked, top=0) == ()


def _villager(reference: str, priority: Priority) -> Any:
    home = north_of(TOWN, 500).replaced(insee="44194")
    return referral(
        reference,
        priority=priority,
        max_travel_metres=100,
        patient=patient(reference, location=home),
    )


def test_two_slots_of_one_half_day_profession_and_commune_are_one_cell() -> None:
    asked = problem(
        **TWO_DOCTORS,
        sites=(site(), site("s2", label="Cabinet 2")),
        slots=(slot("one"), slot("two", practitioner="d2", site="s2")),
        referrals=[referral(str(n)) for n in range(4)],
    )
    assert len(values(asked)) == 1


@pytest.mark.parametrize(("minutes", "afternoon"), [(179, False), (180, True)])
def test_the_afternoon_begins_at_noon_in_the_territory_s_time(
    minutes: int,
    afternoon: bool,  # noqa: FBT001 - a case
) -> None:
    # 9 h in Paris and 180 minutes: noon.
    asked = problem(
        slots=(slot(after_minutes=minutes),), referrals=[referral(str(n)) for n in range(2)]
    )
    (found,) = values(asked)
    assert found.seat.afternoon is afternoon


def test_a_full_slot_can_be_worth_a_seat_too() -> None:
    taken = Pin(referral="r-x", patient=patient("x").key, slot="slot1", seat=0)
    (found,) = values(problem(pins=(taken,)))
    assert (found.slot, found.served) == ("slot1", {Priority.URGENT: 1})


def test_a_neighbour_s_seats_are_not_ours_to_ask_for() -> None:
    shared = slot(territory="senart", shared_with=("giennois",))
    asked = problem(slots=(shared,), referrals=[referral(str(n)) for n in range(2)])
    assert values(asked) == ()


def test_a_practitioner_whose_day_is_full_is_no_hindrance_for_a_colleague() -> None:
    asked = problem(
        policy=policy(caps=Caps(bookings_per_day=1)),
        slots=(slot(capacity=2),),
        referrals=[referral(str(n)) for n in range(2)],
    )
    (found,) = values(asked)
    assert found.served == {Priority.URGENT: 1}


def test_a_colleague_s_day_has_the_same_limits() -> None:
    # 15 minutes and half as much again for a first visit: more than a day may hold.
    asked = problem(policy=policy(caps=Caps(effort_minutes_per_day=22)))
    assert values(asked) == ()


def test_a_site_without_name_or_commune_goes_by_its_id() -> None:
    nowhere = site(location=TOWN.replaced(insee=None))
    (found,) = values(problem(sites=(nowhere,), referrals=[referral(str(n)) for n in range(2)]))
    assert (found.seat.insee, found.seat.place) == (None, "s1")


def test_a_plan_of_another_problem_is_refused() -> None:
    with pytest.raises(ProblemError, match="another problem"):
        more_seats(problem(), solve(problem(referrals=())))


def test_what_can_t_be_solved_in_time_is_not_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*_: object, **__: object) -> Plan:
        raise SolverTimeoutError(1.0)

    asked = problem(referrals=[referral(str(n)) for n in range(2)])
    plan = solve(asked)
    monkeypatch.setattr(room, "solve", never)
    assert more_seats(asked, plan) == ()


def test_the_seat_that_is_added_has_an_id_of_its_own() -> None:
    again = with_one_more_seat(with_one_more_seat(problem(), "slot1"), "slot1")
    assert [one.id for one in again.slots] == ["one-more-seat", "one-more-seat-", "slot1"]
    assert [one.id for one in again.practitioners] == ["d1", "one-more-seat", "one-more-seat-"]
    assert {one.capacity for one in again.slots} == {1}


def served_by_class(asked: Problem, plan: Plan) -> dict[Priority, int]:
    priority = {one.id: one.priority for one in asked.referrals}
    given = [priority[one.referral] for one in plan.assignments]
    return {urgency: given.count(urgency) for urgency in Priority}


def with_more_room(asked: Problem, slot_id: str) -> Problem:
    """Gives the slot itself one seat more: another way to add a seat than the code's."""
    slots = [
        one.replaced(capacity=one.capacity + 1) if one.id == slot_id else one for one in asked.slots
    ]
    return asked.replaced(slots=tuple(slots))


def strangers_all(asked: Problem) -> Problem:
    """Nobody has a practitioner of their own: then the slot's seat and a colleague's are alike."""
    return asked.replaced(
        referrals=tuple(
            one.replaced(patient=one.patient.replaced(own_practitioner=None))
            for one in asked.referrals
        )
    )


@settings(deadline=None, derandomize=True, max_examples=20)
@given(seed=st.integers(0, 10_000))
def test_the_gain_is_that_of_a_slot_with_one_seat_more(seed: int) -> None:
    asked = strangers_all(random_problem(seed))
    before = solve(asked)
    for one in more_seats(asked, before):
        after = solve(with_more_room(asked, one.slot))
        had, has = served_by_class(asked, before), served_by_class(asked, after)
        assert one.served == {key: has[key] - had[key] for key in has if has[key] != had[key]}
        assert one.minutes == before.objective[COST_LEVEL] - after.objective[COST_LEVEL]


@settings(deadline=None, derandomize=True, max_examples=8)
@given(seed=st.integers(0, 10_000))
def test_no_seat_that_is_not_told_is_worth_more_than_the_first(seed: int) -> None:
    asked = strangers_all(random_problem(seed, referrals=10, slots=8))
    before = solve(asked)
    told = more_seats(asked, before, top=1)
    best = min(
        (
            solve(with_more_room(asked, one.id)).objective[: COST_LEVEL + 1]
            for one in asked.slots
            if one.territory == asked.territory
        ),
        default=before.objective[: COST_LEVEL + 1],
    )
    if not told:
        assert best == before.objective[: COST_LEVEL + 1]
        return
    assert solve(with_more_room(asked, told[0].slot)).objective[: COST_LEVEL + 1] == best


@pytest.mark.parametrize("seed", range(4))
def test_without_proof_and_with_effort_shared_out_gains_are_still_verified(seed: int) -> None:
    drawn = strangers_all(random_problem(seed))
    asked = drawn.replaced(policy=drawn.policy.replaced(spread=Spread(give_percent=0)))
    before = solve(asked)
    for one in more_seats(asked, before):
        after = solve(with_one_more_seat(asked, one.slot))
        had, has = served_by_class(asked, before), served_by_class(asked, after)
        assert one.served == {key: has[key] - had[key] for key in has if has[key] != had[key]}
        assert after.objective[: COST_LEVEL + 1] < before.objective[: COST_LEVEL + 1]
