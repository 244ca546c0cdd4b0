"""Side rules against what is booked already: allowed, refused, on the edge, and absent."""

from datetime import timedelta
from typing import Any

import pytest
from booked import pin, refused
from builders import (
    NOW,
    patient,
    policy,
    practitioner,
    problem,
    referral,
    site,
    slot,
)

from slotengine.codes import Mode, Profession
from slotengine.domain import Referral
from slotengine.policy import Policy
from slotengine.problem import Pin, Problem
from slotengine.reasons import Rule
from slotengine.side_constraints import Caps, Effort, Groups, Pathway, Step
from slotengine.solver import rank
from slotengine.solver.explain import why_not

FIRST_VISIT_15 = 23
"""Effort of a first visit of 15 minutes: half as much again is 22.5, rounded up."""

CHECKUP = Pathway(
    code="checkup",
    name_fr="bilan, puis suite",
    name_en="checkup, then follow-up",
    steps=(
        Step(professions=(Profession.PHYSICIAN,)),
        Step(
            professions=(Profession.PHYSICIAN,),
            after_min=timedelta(minutes=60),
            after_max=timedelta(minutes=120),
        ),
    ),
)


def beside(
    asked: Referral, *pins: Pin, after_minutes: int = 300, rules: Policy | None = None, **new: Any
) -> Problem:
    """One slot ``new`` beside a slot ``booked`` that runs from 120 to 135 minutes after now."""
    return problem(
        policy=rules or policy(),
        slots=(
            slot("booked", capacity=3, modes=tuple(Mode)),
            slot("new", after_minutes=after_minutes, **new),
        ),
        referrals=(asked,),
        pins=pins,
    )


@pytest.mark.parametrize(
    ("caps", "rule"),
    [
        (Caps(bookings_per_day=2), None),
        (Caps(bookings_per_day=1), Rule.CAP),
        (Caps(bookings_per_week=2), None),
        (Caps(bookings_per_week=1), Rule.CAP),
        (Caps(effort_minutes_per_day=2 * FIRST_VISIT_15), None),
        (Caps(effort_minutes_per_day=2 * FIRST_VISIT_15 - 1), Rule.CAP),
        (Caps(effort_minutes_per_week=2 * FIRST_VISIT_15), None),
        (Caps(effort_minutes_per_week=2 * FIRST_VISIT_15 - 1), Rule.CAP),
        (Caps(), None),
    ],
)
def test_a_cap_counts_the_pin_and_the_new_booking_inclusive(caps: Caps, rule: Rule | None) -> None:
    asked = problem(
        policy=policy(caps=caps),
        slots=(slot("booked"), slot("new", after_minutes=300)),
        pins=(pin(),),
    )
    assert refused(asked) is rule


def test_a_full_day_leaves_the_next_day_and_the_colleague() -> None:
    asked = problem(
        policy=policy(caps=Caps(bookings_per_day=1)),
        practitioners=(practitioner("d1"), practitioner("d2")),
        slots=(
            slot("booked"),
            slot("same-day", after_minutes=300),
            slot("next-day", after_minutes=120 + 20 * 60),
            slot("colleague", after_minutes=300, practitioner="d2"),
        ),
        pins=(pin(),),
    )
    ranked = rank(asked, asked.referrals[0].id)
    assert {one.slot for one in ranked} == {"next-day", "colleague"}


def test_a_day_ends_at_local_midnight_and_a_week_on_sunday() -> None:
    # NOW is Monday 9 h in Paris: 15 h later Tuesday begins there, an hour before it does in UTC.
    late = referral(deadline=NOW + timedelta(days=9))
    until_midnight = 15 * 60
    day, week = policy(caps=Caps(bookings_per_day=1)), policy(caps=Caps(bookings_per_week=1))
    assert refused(beside(late, pin(), after_minutes=until_midnight - 1, rules=day)) is Rule.CAP
    assert refused(beside(late, pin(), after_minutes=until_midnight, rules=day)) is None
    monday = until_midnight + 6 * 24 * 60
    assert refused(beside(late, pin(), after_minutes=monday - 1, rules=week)) is Rule.CAP
    assert refused(beside(late, pin(), after_minutes=monday, rules=week)) is None


@pytest.mark.parametrize(("of_policy", "own"), [(1, 5), (5, 1), (1, None), (None, 1)])
def test_the_lower_of_both_caps_counts(of_policy: int | None, own: int | None) -> None:
    asked = problem(
        policy=policy(caps=Caps(bookings_per_day=of_policy)),
        practitioners=(practitioner(max_bookings_per_day=own),),
        slots=(slot("booked"), slot("new", after_minutes=300)),
        pins=(pin(),),
    )
    assert refused(asked) is Rule.CAP


@pytest.mark.parametrize(
    "own",
    [
        {"max_bookings_per_week": 1},
        {"max_effort_minutes_per_day": 2 * FIRST_VISIT_15 - 1},
        {"max_effort_minutes_per_week": 2 * FIRST_VISIT_15 - 1},
    ],
)
def test_each_cap_of_the_practitioner_binds(own: dict[str, int]) -> None:
    asked = problem(
        practitioners=(practitioner(**own),),
        slots=(slot("booked"), slot("new", after_minutes=300)),
        pins=(pin(),),
    )
    assert refused(asked) is Rule.CAP


def test_pins_above_a_cap_leave_nothing_and_are_no_error() -> None:
    asked = beside(
        referral(),
        *(pin(referral=f"r-{seat}", seat=seat) for seat in range(3)),
        rules=policy(caps=Caps(bookings_per_day=2, effort_minutes_per_day=1)),
    )
    assert refused(asked) is Rule.CAP


@pytest.mark.parametrize(
    ("changes", "minutes"),
    [
        ({}, 23),
        ({"first_visit": False}, 15),
        ({"mode": Mode.HH}, 38),
        ({"mode": Mode.HH, "first_visit": False}, 30),
        ({"mode": Mode.VR}, 23),
    ],
)
def test_a_pin_weighs_as_it_was_booked(changes: dict[str, Any], minutes: int) -> None:
    # The new booking is of the practitioner's own patient: 15 minutes.
    known = referral(patient=patient(own_practitioner="d1"))
    for room, rule in ((minutes + 15, None), (minutes + 14, Rule.CAP)):
        asked = problem(
            policy=policy(caps=Caps(effort_minutes_per_day=room)),
            slots=(slot("booked", modes=tuple(Mode)), slot("new", after_minutes=300)),
            referrals=(known,),
            pins=(pin(**changes),),
        )
        assert refused(asked) is rule


@pytest.mark.parametrize(("after_minutes", "minutes"), [(539, 15), (540, 19)])
def test_from_18_h_on_a_booking_weighs_a_quarter_more(after_minutes: int, minutes: int) -> None:
    known = referral(patient=patient(own_practitioner="d1"))
    for room, rule in ((minutes, None), (minutes - 1, Rule.CAP)):
        rules = policy(caps=Caps(effort_minutes_per_day=room))
        assert refused(beside(known, after_minutes=after_minutes, rules=rules)) is rule


def test_a_seat_of_a_shared_slot_weighs_its_share_rounded_up() -> None:
    # 20 minutes for 3 patients are 7 each; half as much again 10.5, rounded up.
    for room, rule in ((11, None), (10, Rule.CAP)):
        rules = policy(caps=Caps(effort_minutes_per_day=room))
        assert refused(beside(referral(), rules=rules, minutes=20, capacity=3)) is rule


def test_where_a_home_visit_is_too_much_the_practice_is_offered() -> None:
    # At home twice as dear: 15 * 2.5 = 37.5. The patient lives at the site: both ways take nothing.
    both = referral(modes=(Mode.AMB, Mode.HH))
    only_home = referral(modes=(Mode.HH,))
    for room, rule in ((38, None), (37, Rule.CAP)):
        rules = policy(caps=Caps(effort_minutes_per_day=room))
        visit = beside(only_home, rules=rules, modes=(Mode.AMB, Mode.HH))
        assert refused(visit) is rule
        (offer,) = [
            one
            for one in rank(beside(both, rules=rules, modes=(Mode.AMB, Mode.HH)), both.id)
            if one.slot == "new"
        ]
        assert offer.mode is Mode.AMB


def test_a_policy_may_weigh_all_bookings_alike() -> None:
    plain = Effort(first_visit=0, home_visit=0, late=0)
    rules = policy(effort=plain, caps=Caps(effort_minutes_per_day=15))
    visit = referral(modes=(Mode.HH,))
    assert refused(beside(visit, rules=rules, after_minutes=600, modes=(Mode.HH,))) is None


def follower(**changes: Any) -> Referral:
    fields = {"patient": patient("pinned"), "follows": "r-pinned", "pathway": "checkup", "step": 1}
    return referral("2", **{**fields, **changes})


@pytest.mark.parametrize(
    ("after_minutes", "rule"),
    [(194, Rule.PATHWAY), (195, None), (255, None), (256, Rule.PATHWAY)],
)
def test_a_follower_comes_from_the_least_to_the_most_after(
    after_minutes: int, rule: Rule | None
) -> None:
    """The step before it ends 135 minutes after now; 60 to 120 minutes later, inclusive."""
    rules = policy(pathways=(CHECKUP,))
    asked = beside(follower(), pin(), after_minutes=after_minutes, rules=rules)
    assert refused(asked) is rule


def test_a_follower_may_touch_the_step_before_it_where_no_least_is_set() -> None:
    steps = (CHECKUP.steps[0], Step(professions=(Profession.PHYSICIAN,)))
    rules = policy(pathways=(CHECKUP.replaced(steps=steps),))
    assert refused(beside(follower(), pin(), after_minutes=135, rules=rules)) is None
    assert refused(beside(follower(), pin(), after_minutes=136, rules=rules)) is Rule.PATHWAY


def test_a_follower_of_nobody_known_is_refused() -> None:
    rules = policy(pathways=(CHECKUP,))
    lost = follower(follows="r-nowhere")
    assert refused(beside(lost, pin(patient="0" * 32), rules=rules)) is Rule.PATHWAY


def test_a_follower_of_a_referral_to_be_placed_may_sit_anywhere() -> None:
    head = referral("1", patient=patient("pinned"), pathway="checkup")
    asked = problem(policy=policy(pathways=(CHECKUP,)), referrals=(head, follower(follows=head.id)))
    assert why_not(asked, follower().id, "slot1") is None


def test_the_step_before_is_asked_by_the_pathway_alone() -> None:
    """The seat beside it overlaps the patient's own pin: too early, not busy."""
    rules = policy(pathways=(CHECKUP,))
    assert refused(beside(follower(), pin(), rules=rules), "booked") is Rule.PATHWAY


def test_another_booking_of_the_follower_keeps_the_patient_busy() -> None:
    rules = policy(pathways=(CHECKUP,))
    other = pin("new", referral="r-other")
    asked = beside(follower(), pin(), other, after_minutes=200, rules=rules, capacity=2)
    assert refused(asked) is Rule.PATIENT_BUSY


def siblings(
    asked: Referral, *taken: str, gap: int = 0, more: tuple[Referral, ...] = ()
) -> Problem:
    """Five slots of d1 in a row and a sixth an hour later, and d1's elsewhere and a colleague's."""
    return problem(
        policy=policy(groups=Groups(gap_minutes=gap)),
        practitioners=(practitioner("d1"), practitioner("d2")),
        sites=(site("s1"), site("s2")),
        slots=(
            *(slot(f"at{at}", after_minutes=120 + 15 * at, capacity=2) for at in range(5)),
            slot("later", after_minutes=195 + 60),
            slot("elsewhere", after_minutes=105, site="s2"),
            slot("colleague", after_minutes=135, practitioner="d2"),
        ),
        referrals=(asked, *more),
        pins=[
            pin(name, referral=f"r-{name}", patient=patient(name).key, group="family")
            for name in taken
        ],
    )


def seats(asked: Problem, referral_id: str) -> set[str]:
    return {one.slot for one in rank(asked, referral_id)}


def test_a_sibling_sits_next_to_the_pinned_one_or_on_the_same_slot() -> None:
    sibling = referral(group="family")
    assert seats(siblings(sibling, "at2"), sibling.id) == {"at1", "at2", "at3"}


def test_a_sibling_fills_the_gap_or_continues_the_row() -> None:
    sibling = referral(group="family")
    assert seats(siblings(sibling, "at1", "at3"), sibling.id) == {"at2"}
    assert seats(siblings(sibling, "at1", "at2"), sibling.id) == {"at0", "at1", "at2", "at3"}


def test_pins_too_far_apart_leave_no_seat() -> None:
    sibling = referral(group="family")
    asked = siblings(sibling, "at0", "at4")
    assert seats(asked, sibling.id) == set()
    assert why_not(asked, sibling.id, "at2") is Rule.GROUP


@pytest.mark.parametrize(("gap", "fits"), [(59, False), (60, True)])
def test_the_gap_between_siblings_is_inclusive(gap: int, *, fits: bool) -> None:
    sibling = referral(group="family")
    assert ("later" in seats(siblings(sibling, "at4", gap=gap), sibling.id)) == fits


def test_pins_with_two_practitioners_leave_no_seat() -> None:
    sibling = referral(group="family")
    assert seats(siblings(sibling, "at1", "colleague"), sibling.id) == set()
    assert seats(siblings(sibling, "at0", "elsewhere"), sibling.id) == set()


def test_one_of_several_left_may_sit_anywhere_with_the_pinned_ones() -> None:
    """Whether their slots are a run together is the plan's question."""
    one, other = (referral(name, group="family") for name in ("1", "2"))
    asked = siblings(one, "at2", more=(other,))
    assert seats(asked, one.id) == {"at0", "at1", "at2", "at3", "at4", "later"}


@pytest.mark.parametrize("group", [None, "others"])
def test_other_groups_pins_bind_nobody(group: str | None) -> None:
    free = referral(group=group)
    assert len(seats(siblings(free, "at2"), free.id)) == len(siblings(free).slots)
