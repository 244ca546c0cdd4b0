"""The smallest change that would have served: hand-made cases, and every figure tried again."""

from datetime import datetime, timedelta
from typing import Any

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

from slotengine.codes import Audience, Mobility, Mode, Priority, Profession
from slotengine.errors import ProblemError, SolverTimeoutError, UnknownIdError
from slotengine.explanations import Change, ChangeKind, ChangeSearch
from slotengine.problem import Limits, Pin, Plan, Problem, TravelMatrix
from slotengine.reasons import ReasonCode
from slotengine.side_constraints import Caps
from slotengine.solver import changes
from slotengine.solver.changes import smallest_change, smallest_changes
from slotengine.solver.solve import solve

ASKING = referral("1")
TWO_TOWNS = TravelMatrix(
    name="roads",
    version="1",
    zones=("44114", "44194"),
    metres=((0, 12_345), (12_345, 0)),
    minutes=((0, 15), (15, 0)),
)
"""The next town is 12,345 m away, either way."""
NEXT_TOWN = site("s1", location=north_of(TOWN, 10_000).replaced(insee="44194"))


def later(minutes: float) -> datetime:
    return NOW + timedelta(minutes=minutes)


def searched(asked: Problem, referral_id: str = ASKING.id, **bounds: Any) -> ChangeSearch:
    (found,) = smallest_changes(asked, solve(asked), (referral_id,), **bounds)
    return found


def change_of(asked: Problem, referral_id: str = ASKING.id) -> Change:
    found = smallest_change(asked, solve(asked), referral_id)
    assert found is not None
    return found


def in_the_next_town(limit: int) -> Problem:
    return problem(
        sites=(NEXT_TOWN,), referrals=(referral("1", max_travel_metres=limit),), matrix=TWO_TOWNS
    )


def test_one_metre_too_far_needs_one_metre_more() -> None:
    found = change_of(in_the_next_town(12_344))
    assert (found.kind, found.more_metres, found.slot) == (ChangeKind.DISTANCE, 1, "slot1")
    assert (found.loses, found.smallest, found.proved) == ({}, True, True)


def test_exactly_at_the_limit_needs_no_change() -> None:
    found = searched(in_the_next_town(12_345))
    assert (found.served, found.change, found.solves) == (True, None, 0)


def test_the_nearest_of_two_places_sets_the_metres() -> None:
    matrix = TravelMatrix(
        name="roads",
        version="1",
        zones=("44114", "44194", "44195"),
        metres=((0, 9_000, 7_000), (0, 0, 0), (0, 0, 0)),
        minutes=((0, 9, 7), (0, 0, 0), (0, 0, 0)),
    )
    asked = problem(
        sites=(NEXT_TOWN, site("s2", location=TOWN.replaced(insee="44195"))),
        practitioners=(practitioner(), practitioner("d2")),
        slots=(slot("a"), slot("b", practitioner="d2", site="s2")),
        referrals=(referral("1", max_travel_metres=5_000),),
        matrix=matrix,
    )
    found = change_of(asked)
    assert (found.more_metres, found.slot) == (2_000, "b")


def test_too_far_by_more_than_a_small_change_is_not_proposed() -> None:
    far = TWO_TOWNS.replaced(metres=((0, 30_001), (30_001, 0)))
    asked = in_the_next_town(0)
    just_too_far = Problem.build(**{**_fields(asked), "matrix": far})
    assert searched(just_too_far).change is None
    edge = far.replaced(metres=((0, 30_000), (30_000, 0)))
    assert change_of(Problem.build(**{**_fields(asked), "matrix": edge})).more_metres == 30_000


def _fields(asked: Problem) -> dict[str, Any]:
    return {name: getattr(asked, name) for name in Problem.model_fields}


def test_a_seat_one_minute_after_the_deadline_needs_that_minute() -> None:
    found = change_of(problem(referrals=(referral("1", deadline=later(119)),)))
    assert (found.kind, found.deadline) == (ChangeKind.DEADLINE, later(120))
    assert found.start == later(120)


def test_a_seat_at_the_deadline_itself_needs_no_change() -> None:
    assert searched(problem(referrals=(referral("1", deadline=later(120)),))).served


@pytest.mark.parametrize(("minutes", "helps"), [(48 * 60, True), (48 * 60 + 1, False)])
def test_a_deadline_is_moved_by_two_days_at_most(minutes: int, helps: bool) -> None:  # noqa: FBT001 - a case
    asked = problem(
        slots=(slot(after_minutes=60 + minutes),),
        referrals=(referral("1", deadline=later(60)),),
    )
    found = searched(asked)
    assert (found.change is not None, found.complete) == (helps, True)


def test_a_later_deadline_that_only_takes_another_s_place_is_not_proposed() -> None:
    """Past half of the deadline waiting weighs more: a later one makes the asker cheaper."""
    asked = problem(
        slots=(slot(after_minutes=600), slot("beyond", after_minutes=900)),
        referrals=(
            referral("1", deadline=later(600), patient=patient("p", location=north_of(TOWN, 500))),
            referral("2", deadline=later(899), patient=patient("q", location=north_of(TOWN, 900))),
        ),
        pins=(Pin(referral="r-x", patient=patient("x").key, slot="beyond", seat=0),),
    )
    plan = solve(asked)
    assert [one.referral for one in plan.unserved] == [ASKING.id]
    longer = referral("1", deadline=later(900), patient=patient("p", location=north_of(TOWN, 500)))
    both = sorted((longer, _other(asked)), key=lambda one: one.id)
    again = solve(asked.replaced(referrals=tuple(both)))
    assert [one.referral for one in again.assignments] == [ASKING.id]
    found = change_of(asked)
    assert found.kind is ChangeKind.SEAT


def _other(asked: Problem) -> Any:
    return next(one for one in asked.referrals if one.id != ASKING.id)


def test_a_seat_by_video_is_the_change_when_nothing_else_is() -> None:
    asked = problem(
        slots=(slot(modes=(Mode.VR,)),),
        referrals=(referral("1", patient=patient(location=None)),),
    )
    found = change_of(asked)
    assert (found.kind, found.slot, found.more_metres) == (ChangeKind.VIDEO, "slot1", 0)


def test_video_comes_before_distance_and_distance_before_a_later_hour() -> None:
    video = slot("video", after_minutes=180, modes=(Mode.VR,))
    far = slot("far")
    late = slot("late", after_minutes=600, practitioner="d2", site="s2")
    fields: dict[str, Any] = {
        "sites": (NEXT_TOWN, site("s2")),
        "practitioners": (practitioner(), practitioner("d2")),
        "referrals": (referral("1", max_travel_metres=5_000, deadline=later(300)),),
        "matrix": TWO_TOWNS,
    }
    kinds = [
        change_of(problem(slots=offered, **fields)).kind
        for offered in ((far, late, video), (far, late), (late,))
    ]
    assert kinds == [ChangeKind.VIDEO, ChangeKind.DISTANCE, ChangeKind.DEADLINE]


def test_one_more_seat_is_the_change_when_all_are_taken() -> None:
    # The other one stays with its own practitioner, so the colleague's seat is the asker's.
    settled = patient("settled", own_practitioner="d1")
    urgent = referral("2", priority=Priority.ASAP, patient=settled)
    asked = problem(referrals=(ASKING, urgent))
    found = change_of(asked)
    assert found.kind is ChangeKind.SEAT
    assert found.seat is not None
    assert (found.slot, found.start, found.loses) == (None, later(120), {})
    # 11 h in Paris on Monday: a morning.
    assert (found.seat.day, found.seat.afternoon) == (NOW.date(), False)
    assert (found.seat.profession, found.seat.insee) == (Profession.PHYSICIAN, "44114")


def test_a_seat_that_a_more_urgent_one_would_take_is_no_help() -> None:
    """Both seats would go to the others; a third seat is needed, and one change is one seat."""
    urgent = [referral(str(n), priority=Priority.ASAP) for n in (2, 3)]
    found = searched(problem(referrals=(ASKING, *urgent)))
    assert (found.change, found.complete, found.served) == (None, True, False)


def test_going_farther_is_no_help_where_a_more_urgent_one_needs_the_seat() -> None:
    near = patient("near", location=NEXT_TOWN.location)
    urgent = referral("2", priority=Priority.ASAP, patient=near)
    asked = problem(
        sites=(NEXT_TOWN,),
        referrals=(referral("1", max_travel_metres=5_000), urgent),
        matrix=TWO_TOWNS,
    )
    assert searched(asked).change is None


def test_who_is_less_urgent_loses_the_seat_and_is_told_by_class_only() -> None:
    near = patient("near", location=NEXT_TOWN.location)
    routine = referral("2", priority=Priority.ROUTINE, patient=near)
    fields: dict[str, Any] = {
        "sites": (NEXT_TOWN,),
        "referrals": (referral("1", max_travel_metres=5_000), routine),
        "matrix": TWO_TOWNS,
    }
    hidden = change_of(problem(**fields))
    assert (hidden.more_metres, hidden.loses) == (7_345, {Priority.ROUTINE: None})
    shown = change_of(problem(policy=policy(hidden_below=1), **fields))
    assert shown.loses == {Priority.ROUTINE: 1}


def test_a_change_that_costs_nobody_a_seat_comes_before_one_that_does() -> None:
    near = patient("near", location=NEXT_TOWN.location)
    asked = problem(
        sites=(NEXT_TOWN, site("s2")),
        practitioners=(practitioner(), practitioner("d2")),
        slots=(slot("far"), slot("late", after_minutes=600, practitioner="d2", site="s2")),
        referrals=(
            referral("1", max_travel_metres=5_000, deadline=later(300)),
            referral("2", priority=Priority.ROUTINE, patient=near, deadline=later(300)),
        ),
        matrix=TWO_TOWNS,
    )
    found = change_of(asked)
    assert (found.kind, found.deadline, found.loses) == (ChangeKind.DEADLINE, later(600), {})


@pytest.mark.parametrize(
    "offered",
    [
        {"slots": (slot(audiences=(Audience.SNP,)),)},
        {"practitioners": (practitioner(profession=Profession.MIDWIFE),)},
        {"practitioners": (practitioner(max_age=17),)},
        {"practitioners": (practitioner(accepted_motives=("M1",)),)},
        {"slots": (slot(after_minutes=5),)},
        {"slots": (slot(opens_at=later(60)),)},
        {"slots": ()},
        {"referrals": (referral("1", patient=patient(mobility=Mobility.HOMEBOUND)),)},
    ],
)
def test_what_is_no_small_change_is_not_proposed(offered: dict[str, Any]) -> None:
    found = searched(problem(**offered))
    assert (found.change, found.complete) == (None, True)


def test_two_things_at_once_are_not_one_change() -> None:
    asked = problem(
        sites=(NEXT_TOWN,),
        referrals=(referral("1", max_travel_metres=5_000, deadline=later(60)),),
        matrix=TWO_TOWNS,
    )
    assert searched(asked).change is None


def test_a_practitioner_whose_day_is_full_leaves_room_for_a_colleague() -> None:
    pinned = Pin(referral="r-x", patient=patient("x").key, slot="early", seat=0)
    asked = problem(
        policy=policy(caps=Caps(bookings_per_day=1)),
        slots=(slot("early", after_minutes=60), slot("slot1")),
        pins=(pinned,),
    )
    plan = solve(asked)
    assert [one.reasons[0].code for one in plan.unserved] == [ReasonCode.CAP]
    found = change_of(asked)
    assert found.kind is ChangeKind.SEAT


def test_a_neighbour_s_seat_is_not_ours_to_add() -> None:
    shared: dict[str, Any] = {"territory": "senart", "shared_with": ("giennois",)}
    urgent = referral("2", priority=Priority.ASAP)
    asked = problem(slots=(slot(**shared),), referrals=(ASKING, urgent))
    assert searched(asked).change is None


def test_a_search_without_a_plan_left_to_solve_says_that_it_was_cut_short() -> None:
    found = searched(in_the_next_town(5_000), solves=0)
    assert (found.change, found.complete, found.solves) == (None, False, 0)
    taken = problem(referrals=(ASKING, referral("2", priority=Priority.ASAP)))
    assert not searched(taken, solves=0).complete


def test_a_search_within_its_bound_counts_what_it_solved() -> None:
    found = searched(in_the_next_town(5_000), solves=1)
    assert (found.complete, found.solves) == (True, 1)


def test_a_plan_that_can_t_be_solved_in_time_is_no_answer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def never(*_: object, **__: object) -> Plan:
        raise SolverTimeoutError(1.0)

    asked = in_the_next_town(5_000)
    plan = solve(asked)
    monkeypatch.setattr(changes, "solve", never)
    (found,) = smallest_changes(asked, plan, limits=Limits(seconds=1))
    assert (found.change, found.complete) == (None, False)


def test_an_unknown_referral_and_a_foreign_plan_are_errors() -> None:
    asked = problem()
    with pytest.raises(UnknownIdError, match="r-x"):
        smallest_change(asked, solve(asked), "r-x")
    with pytest.raises(ProblemError, match="another problem"):
        smallest_change(asked, solve(problem(referrals=())), ASKING.id)


def test_by_default_everybody_without_a_seat_is_searched_for() -> None:
    asked = problem(referrals=[referral(str(n)) for n in range(3)])
    plan = solve(asked)
    found = smallest_changes(asked, plan)
    assert [one.referral for one in found] == [one.referral for one in plan.unserved]
