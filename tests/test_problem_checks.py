"""What a Problem with side constraints must be: contradictions are named before anybody solves."""

from typing import Any

import pytest
from booked import pin
from builders import patient, policy, practitioner, problem, referral, slot

from slotengine.domain import Practitioner, Referral
from slotengine.errors import ProblemError
from slotengine.problem import Problem, Told
from slotengine.side_constraints import Caps

WALKER = patient("walker")


def step(at: int, follows: str | None = None, **changes: Any) -> Referral:
    """One step of the pathway of three steps, ids in the order of the steps."""
    fields: dict[str, Any] = {
        "id": f"r{at}",
        "patient": WALKER,
        "pathway": "type-2-diabetes",
        "step": at,
        "follows": follows,
    }
    return referral(str(at), **{**fields, **changes})


def refusal(**changes: Any) -> str:
    with pytest.raises(ProblemError) as caught:
        problem(**changes)
    return str(caught.value)


def test_a_whole_pathway_of_one_patient_is_accepted() -> None:
    asked = problem(referrals=(step(0), step(1, "r0"), step(2, "r1")))
    assert len(asked.referrals) == 3


def test_a_step_may_follow_one_that_is_not_in_the_problem() -> None:
    assert problem(referrals=(step(2, "r1"),), pins=(pin("slot1", referral="r1"),))
    assert problem(referrals=(step(2, "nowhere"),))


@pytest.mark.parametrize(
    ("referrals", "message"),
    [
        ((step(0, pathway="unheard-of"),), "referral r0: pathway is not in the policy"),
        ((step(3, "r0"),), "referral r3: its pathway has no step that late"),
        (
            (step(0), step(1, "r0", patient=patient("stranger"))),
            "referral r1 follows another patient's r0",
        ),
        ((step(0), step(2, "r0")), "referral r2: r0 is not the step before it"),
        (
            (step(0, pathway="elderly-home"), step(1, "r0")),
            "referral r1: r0 is not the step before it",
        ),
        (
            (step(0), step(1, "r0"), step(1, "r0", id="r1b")),
            "referrals r1 and r1b follow the same one",
        ),
        ((step(1, "r1"),), "referral r1 follows itself in a cycle"),
        ((step(1, "r2"), step(2, "r1")), "referral r1 follows itself in a cycle"),
    ],
    ids=["unknown", "late", "stranger", "skipped", "other", "branch", "itself", "circle"],
)
def test_a_broken_pathway_is_named(referrals: tuple[Referral, ...], message: str) -> None:
    assert refusal(referrals=referrals) == message


def test_a_later_step_says_whom_it_follows() -> None:
    for changes in ({"follows": None}, {"pathway": None}, {"step": 0}):
        with pytest.raises(ValueError, match="a later step names its pathway and whom it follows"):
            step(1, "r0").replaced(**changes)
    with pytest.raises(ValueError, match="in a group and a later step"):
        step(1, "r0").replaced(group="family")


def test_two_needs_of_one_patient_are_refused_unless_one_follows_the_other() -> None:
    other = referral("x", id="x", patient=WALKER)
    message = "referrals r0 and x are of one patient"
    assert refusal(referrals=(step(0), other)) == message
    assert refusal(referrals=(step(0), step(1, "r0"), other)) == message
    assert problem(referrals=(step(0), step(1, "r0")))


def test_two_pathways_of_one_patient_are_refused() -> None:
    second = step(0, id="s0", pathway="elderly-home")
    assert refusal(referrals=(step(0), second)) == "referrals r0 and s0 are of one patient"


def family(size: int) -> tuple[Referral, ...]:
    return tuple(referral(str(at), id=f"r{at}", group="family") for at in range(size))


def day(size: int, *givers: Practitioner, **changes: Any) -> Problem:
    """Two seats at noon, one more in the afternoon; two the day after."""
    slots = (
        slot("a", capacity=2),
        slot("b", after_minutes=300),
        slot("c", after_minutes=120 + 24 * 60, capacity=2),
    )
    fields = {"practitioners": givers or (practitioner(),), "slots": slots, **changes}
    return problem(referrals=family(size), **fields)


def test_a_group_is_at_most_as_large_as_the_largest_day() -> None:
    assert len(day(3).referrals) == 3
    message = "group family has 4 members, no practitioner's day more than 3 seats"
    with pytest.raises(ProblemError, match=message):
        day(4)


@pytest.mark.parametrize(
    ("caps", "own"),
    [
        (Caps(bookings_per_day=2), {}),
        (Caps(bookings_per_week=2), {}),
        (Caps(), {"max_bookings_per_day": 2}),
        (Caps(bookings_per_day=3), {"max_bookings_per_week": 2}),
    ],
)
def test_caps_make_a_day_smaller(caps: Caps, own: dict[str, int]) -> None:
    rules, giver = policy(caps=caps), practitioner(**own)
    assert day(2, giver, policy=rules)
    with pytest.raises(ProblemError, match="group family has 3 members"):
        day(3, giver, policy=rules)


def test_a_colleague_with_room_is_room_enough() -> None:
    givers = (practitioner("d1", max_bookings_per_day=1), practitioner("d2"))
    with pytest.raises(ProblemError, match="more than 1 seats"):
        day(2, *givers)
    colleagues = (slot("a"), slot("b", practitioner="d2", capacity=2))
    assert day(2, *givers, slots=colleagues)


def test_without_slots_a_group_is_a_question_like_any_other() -> None:
    assert day(4, slots=()).slots == ()


ASKED = referral("1", id="r1")
OTHER = referral("2", id="r2")
TOLD = Told(referral="r1", slot="slot1")


def test_a_told_booking_is_of_a_referral_and_a_slot_of_the_problem() -> None:
    assert problem(referrals=(ASKED,), told=(TOLD,)).told == (TOLD,)
    assert refusal(referrals=(OTHER,), told=(TOLD,)) == "told referral r1 is not to be placed"
    elsewhere = TOLD.replaced(slot="slot9")
    message = "told referral r1: slot slot9 is missing"
    assert refusal(referrals=(ASKED,), told=(elsewhere,)) == message


def test_a_referral_is_told_one_slot() -> None:
    slots = (slot(capacity=2), slot("slot2", after_minutes=300))
    message = "told referral r1 is listed twice or unsorted"
    for again in (TOLD, TOLD.replaced(slot="slot2")):
        assert refusal(slots=slots, referrals=(ASKED,), told=(TOLD, again)) == message


def test_told_bookings_are_sorted_where_somebody_builds_and_refused_where_nobody_does() -> None:
    both = (TOLD.replaced(referral="r2"), TOLD)
    asked = problem(slots=(slot(capacity=2),), referrals=(ASKED, OTHER), told=both)
    assert [one.referral for one in asked.told] == ["r1", "r2"]
    with pytest.raises(ValueError, match="listed twice or unsorted"):
        asked.replaced(told=both)


@pytest.mark.parametrize(("capacity", "pins"), [(2, 0), (3, 1)])
def test_a_slot_is_told_to_as_many_as_it_has_seats_beside_the_pins(
    capacity: int, pins: int
) -> None:
    fields: dict[str, Any] = {
        "referrals": (ASKED, OTHER),
        "told": (TOLD, TOLD.replaced(referral="r2")),
        "pins": [pin("slot1", referral=f"x{seat}", seat=seat) for seat in range(pins)],
    }
    assert problem(slots=(slot(capacity=capacity),), **fields)
    message = "slot slot1 is told to more than it has seats"
    assert refusal(slots=(slot(capacity=capacity - 1),), **fields) == message


@pytest.mark.parametrize("what", ["bookings", "effort_minutes"])
def test_a_practitioners_week_is_no_smaller_than_the_day(what: str) -> None:
    assert practitioner(**{f"max_{what}_per_day": 5, f"max_{what}_per_week": 5})
    with pytest.raises(ValueError, match="caps contradict each other"):
        practitioner(**{f"max_{what}_per_day": 5, f"max_{what}_per_week": 4})


def test_the_policys_day_may_lie_above_the_practitioners_week() -> None:
    """The lower one counts at each: a week of 4 bookings makes no day of 5 wrong."""
    asked = problem(
        policy=policy(caps=Caps(bookings_per_day=5)),
        practitioners=(practitioner(max_bookings_per_week=4),),
    )
    assert asked.practitioners[0].max_bookings_per_week == 4
