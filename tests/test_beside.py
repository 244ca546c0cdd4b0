"""What the rest of a plan leaves to one referral: the runner-up and the funnel in coupled plans."""

from typing import Any

from builders import patient, policy, practitioner, problem, referral, slot
from random_problems import random_problem

from slotengine.codes import Priority
from slotengine.labels import Lang
from slotengine.reasons import ReasonCode
from slotengine.side_constraints import Caps, Spread
from slotengine.solver.beside import left_beside
from slotengine.solver.columns import to_columns
from slotengine.solver.explain import explain, sentences
from slotengine.solver.solve import solve

CAPPED = policy(caps=Caps(bookings_per_day=1))
TWO_DOCTORS: dict[str, Any] = {"practitioners": (practitioner("d1"), practitioner("d2"))}


def test_the_runner_up_is_not_with_a_practitioner_whose_day_the_plan_fills() -> None:
    asked = problem(
        **TWO_DOCTORS,
        policy=CAPPED,
        slots=(
            slot("d1-early"),
            slot("d1-later", after_minutes=140),
            slot("d2-early", practitioner="d2", after_minutes=300),
            slot("d2-later", practitioner="d2", after_minutes=360),
        ),
        referrals=(
            referral("1", patient=patient("p", own_practitioner="d2")),
            referral("2", priority=Priority.ASAP),
        ),
    )
    plan = solve(asked)
    seats = {one.referral: one.slot for one in plan.assignments}
    assert seats == {referral("1").id: "d2-early", referral("2").id: "d1-early"}
    first = explain(asked, plan, referral("1").id)
    # d1's second slot is free, sooner and cheaper, and d1's day is full.
    assert first.runner_up is not None
    assert first.runner_up.slot == "d2-later"
    assert first.runner_up.cost > first.seat.cost


def test_its_own_day_does_not_stand_in_a_referral_s_way() -> None:
    asked = problem(policy=CAPPED, slots=(slot("a"), slot("b", after_minutes=180)))
    plan = solve(asked)
    assert left_beside(asked, to_columns(asked), plan, 0) == {"a", "b"}
    found = explain(asked, plan, referral("1").id)
    assert found.runner_up is not None
    assert found.runner_up.slot == "b"


def test_the_funnel_of_a_full_day_ends_with_what_forbids_the_seat_that_is_left() -> None:
    asked = problem(
        policy=CAPPED,
        slots=(slot("a"), slot("b", after_minutes=180)),
        referrals=(referral("1"), referral("2", priority=Priority.ASAP)),
    )
    plan = solve(asked)
    found = explain(asked, plan, referral("1").id)
    assert [one.code for one in found.reasons] == [ReasonCode.CAP]
    last = [(step.rule, step.seats_left) for step in found.funnel[-2:]]
    assert last == [("seats_taken", 1), ("cap", 0)]
    assert sentences(asked, found, Lang.EN)[-1] == "Seats left after “practitioner's limit”: 0"


def test_without_side_constraints_every_allowed_slot_with_a_seat_is_left() -> None:
    for seed in range(5):
        asked = random_problem(seed)
        plan = solve(asked)
        used = [one.slot for one in plan.assignments]
        for row, one in enumerate(asked.referrals):
            for slot_id in left_beside(asked, to_columns(asked), plan, row):
                own = any(a.slot == slot_id and a.referral == one.id for a in plan.assignments)
                free = sum(name == slot_id for name, _ in asked.free_seats)
                assert used.count(slot_id) - own < free


def test_a_cheaper_seat_that_was_given_up_for_fair_shares_is_told_as_such() -> None:
    asked = problem(
        **TWO_DOCTORS,
        policy=policy(spread=Spread(give_percent=100)),
        slots=(
            slot("a1"),
            slot("a2", after_minutes=135),
            slot("b1", practitioner="d2", after_minutes=200),
        ),
        referrals=(referral("1"), referral("2")),
    )
    plan = solve(asked)
    told = [explain(asked, plan, one.referral) for one in plan.assignments]
    cheaper = [one for one in told if one.runner_up and one.runner_up.cost < one.seat.cost]
    assert cheaper
    assert sentences(asked, cheaper[0], Lang.EN)[-1].endswith("weighted minutes fewer).")
    assert sentences(asked, cheaper[0], Lang.FR)[-1].endswith("minutes pondérées de moins).")
