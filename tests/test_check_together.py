"""Side constraints of a whole plan: each allowed, refused, exactly on the edge, absent."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest
from brute_side import best, forced, plan_of
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

from slotengine.codes import Mode, Priority
from slotengine.problem import Pin, Problem, Told
from slotengine.reasons import Reason, ReasonCode
from slotengine.side_constraints import Caps, Floor, Groups, HomeVisits, Pathway, Step
from slotengine.solver.check import check

TEN_KM = north_of(TOWN, 10_000)
"""12,820 road metres, 18 minutes by car."""

MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
LATER = NOW + 9 * DAY
A, B = (referral(name, deadline=LATER) for name in "ab")
DOCTOR = Step(professions=("10",))
STEP = Step(professions=("10",), after_min=30 * MINUTE, after_max=DAY)
CHAIN = Pathway(code="chain", name_fr="suite", name_en="chain", steps=(DOCTOR, STEP))


def broken(asked: Problem, **seats: str) -> set[str]:
    """Gives the side constraints that "referral a on this slot, b on that" breaks."""
    slot_of = {A.id: seats.get("a"), B.id: seats.get("b")}
    solution = tuple(slot_of[one.id] for one in asked.referrals)
    rules = {one.rule for one in check(asked, forced(asked, solution))}
    return {rule for rule in rules if rule.startswith("side.")} or rules & {"cap", "tour", "group"}


def two(
    *slots: Any,
    a: Mapping[str, Any] | None = None,
    b: Mapping[str, Any] | None = None,
    **changes: Any,
) -> Problem:
    """Two referrals and two slots of 15 minutes, the second right after the first."""
    return problem(
        slots=slots or (slot("slot1"), slot("slot2", after_minutes=135)),
        referrals=(A.replaced(**(a or {})), B.replaced(**(b or {}))),
        **changes,
    )


@pytest.mark.parametrize(
    ("caps", "wanted"),
    [
        ({}, set()),
        ({"bookings_per_day": 2}, set()),
        ({"bookings_per_day": 1}, {"side.cap"}),
        ({"bookings_per_week": 2}, set()),
        ({"bookings_per_week": 1}, {"side.cap"}),
        # Two first visits of 15 minutes and half as much again: 23 each.
        ({"effort_minutes_per_day": 46}, set()),
        ({"effort_minutes_per_day": 45}, {"side.cap"}),
        ({"effort_minutes_per_week": 46}, set()),
        ({"effort_minutes_per_week": 45}, {"side.cap"}),
    ],
)
def test_caps_count_bookings_and_effort(caps: dict[str, int], wanted: set[str]) -> None:
    by_policy = two(policy=policy(caps=Caps(**caps)))
    assert broken(by_policy, a="slot1", b="slot2") == wanted
    own = {f"max_{name}": most for name, most in caps.items()}
    assert broken(two(practitioners=(practitioner(**own),)), a="slot1", b="slot2") == wanted
    assert broken(by_policy, a="slot1") == set()


def test_of_two_caps_the_lower_counts() -> None:
    for of_all, own in ((2, 1), (1, 2)):
        asked = two(
            policy=policy(caps=Caps(bookings_per_day=of_all)),
            practitioners=(practitioner(max_bookings_per_day=own),),
        )
        assert broken(asked, a="slot1", b="slot2") == {"side.cap"}


def test_a_day_ends_at_local_midnight_and_a_week_on_sunday() -> None:
    # 8 h UTC is 9 h in Paris: 15 hours later a new day begins, six days after it a new week.
    def apart(minutes: int, **caps: int) -> set[str]:
        late = slot("slot2", after_minutes=minutes)
        asked = two(slot("slot1"), late, policy=policy(caps=Caps(**caps)))
        return broken(asked, a="slot1", b="slot2")

    assert apart(15 * 60 - 1, bookings_per_day=1) == {"side.cap"}
    assert apart(15 * 60, bookings_per_day=1) == set()
    assert apart(6 * 1440 + 15 * 60 - 1, bookings_per_week=1) == {"side.cap"}
    assert apart(6 * 1440 + 15 * 60, bookings_per_week=1) == set()


def test_pins_count_and_alone_may_pass_a_cap() -> None:
    pins = tuple(Pin(referral=f"r-{at}", patient=f"p{at}", slot="full", seat=at) for at in range(2))
    full = slot("full", after_minutes=60, capacity=2)

    def with_cap(most: int) -> set[str]:
        asked = two(
            full,
            slot("slot1"),
            slot("slot2", after_minutes=135),
            slot("other", practitioner="d2"),
            practitioners=(practitioner(max_bookings_per_day=most), practitioner("d2")),
            pins=pins,
        )
        if most < 2:
            return broken(asked, a="other")
        return broken(asked, a="slot1", b="slot2" if most > 2 else None)

    assert with_cap(4) == set()
    assert with_cap(3) == {"side.cap"}
    assert with_cap(1) == set()


SIBLINGS: dict[str, Any] = {"a": {"group": "g"}, "b": {"group": "g"}}


@pytest.mark.parametrize(
    ("second", "gap", "wanted"),
    [
        ({}, 0, set()),
        ({"after_minutes": 136}, 0, {"side.group"}),
        ({"after_minutes": 140}, 5, set()),
        ({"after_minutes": 141}, 5, {"side.group"}),
        ({"practitioner": "d2"}, 0, {"side.group"}),
        ({"site": "s2"}, 0, {"side.group"}),
    ],
)
def test_siblings_sit_in_a_row(second: dict[str, Any], gap: int, wanted: set[str]) -> None:
    asked = two(
        slot("slot1", capacity=2),
        slot("slot2", **{"after_minutes": 135, **second}),
        practitioners=(practitioner(), practitioner("d2")),
        sites=(site(), site("s2")),
        policy=policy(groups=Groups(gap_minutes=gap)),
        **SIBLINGS,
    )
    assert broken(asked, a="slot1", b="slot2") == wanted
    assert broken(asked, a="slot2", b="slot1") == wanted


def test_siblings_have_seats_together_or_not_at_all() -> None:
    asked = two(**SIBLINGS)
    assert broken(asked, a="slot1") == {"side.group"}
    assert broken(asked) == set()
    assert broken(two(a={"group": "g"}), a="slot1") == set()


def test_seats_of_one_slot_are_side_by_side() -> None:
    asked = two(slot("slot1", capacity=2), slot("slot2", after_minutes=136), **SIBLINGS)
    assert broken(asked, a="slot1", b="slot1") == set()
    assert broken(asked, a="slot1", b="slot2") == {"side.group"}


def test_a_pinned_sibling_is_part_of_the_row() -> None:
    pinned = Pin(referral="r-x", patient="p", slot="slot3", seat=0, group="g")

    def at(minutes: int) -> set[str]:
        slots = (slot("slot1"), slot("slot2", after_minutes=135))
        third = slot("slot3", after_minutes=minutes)
        return broken(two(*slots, third, pins=(pinned,), **SIBLINGS), a="slot1", b="slot2")

    assert at(150) == set()
    assert at(151) == {"side.group"}
    assert at(105) == set()


def following(minutes: int) -> Problem:
    """Referral b is the step after a; its slot starts this long after a's ends."""
    return two(
        slot("slot1"),
        slot("slot2", after_minutes=135 + minutes),
        policy=policy(pathways=(CHAIN,)),
        a={"pathway": "chain"},
        b={"pathway": "chain", "follows": A.id, "step": 1, "patient": A.patient},
    )


@pytest.mark.parametrize(
    ("minutes", "wanted"),
    [(29, {"side.pathway"}), (30, set()), (1440, set()), (1441, {"side.pathway"})],
)
def test_a_step_comes_in_time_after_the_one_before(minutes: int, wanted: set[str]) -> None:
    assert broken(following(minutes), a="slot1", b="slot2") == wanted
    assert broken(following(minutes), b="slot2") == {"side.pathway"}
    assert broken(following(minutes), a="slot1") == set()


def visits(
    minutes: int, *, modes: tuple[Mode, Mode] = (Mode.HH, Mode.HH), **changes: Any
) -> set[str]:
    """Gives what a visit in town and a booking of somebody ten kilometres away break."""
    asked = two(
        slot("slot1", modes=modes[:1]),
        slot("slot2", after_minutes=135 + minutes, modes=modes[1:]),
        a={"modes": modes[:1]},
        b={"modes": modes[1:], "patient": patient("b", location=TEN_KM)},
        **changes,
    )
    return broken(asked, a="slot1", b="slot2")


def test_between_two_visits_lies_the_way() -> None:
    assert visits(18) == set()
    assert visits(17) == {"side.tour"}
    assert visits(17, policy=policy(home_visits=None)) == set()


def test_care_takes_its_minutes_even_where_the_slot_is_shorter() -> None:
    long_care = policy(home_visits=HomeVisits(care_minutes=20))
    assert visits(23, policy=long_care) == set()
    assert visits(22, policy=long_care) == {"side.tour"}
    assert visits(18, policy=policy(home_visits=HomeVisits(care_minutes=15))) == set()


def test_at_the_practice_the_place_is_the_sites() -> None:
    """B is seen in the practice in town, however far away at home."""
    assert visits(0, modes=(Mode.HH, Mode.AMB)) == set()
    assert visits(17, modes=(Mode.AMB, Mode.HH)) == {"side.tour"}
    assert visits(18, modes=(Mode.AMB, Mode.HH)) == set()
    assert visits(0, modes=(Mode.AMB, Mode.AMB)) == set()
    assert visits(0, modes=(Mode.HH, Mode.VR)) == set()


def test_one_slot_holds_two_visits_only_at_one_place() -> None:
    def on_one_slot(place: Any) -> set[str]:
        home: dict[str, Any] = {"modes": (Mode.HH,)}
        asked = two(
            slot("slot1", capacity=2, **home),
            a=home,
            b={**home, "patient": patient("b", location=place)},
        )
        return broken(asked, a="slot1", b="slot1")

    assert on_one_slot(TOWN) == set()
    assert on_one_slot(TEN_KM) == {"side.tour"}
    assert on_one_slot(TOWN.replaced(zone="next-door")) == {"side.tour"}


@pytest.mark.parametrize(
    ("most", "seats", "wanted"),
    [
        (0, {"a": "slot1", "b": "slot2"}, set()),
        (0, {"a": "slot1", "b": "slot3"}, {"side.told"}),
        (1, {"a": "slot1", "b": "slot3"}, set()),
        (1, {"a": "slot2", "b": "slot1"}, {"side.told"}),
        (2, {"a": "slot2", "b": "slot1"}, set()),
        (2, {"a": "slot1"}, {"side.told"}),
    ],
)
def test_few_told_bookings_move_and_none_is_lost(
    most: int, seats: dict[str, str], wanted: set[str]
) -> None:
    asked = two(
        *(slot(f"slot{at + 1}", after_minutes=120 + 15 * at) for at in range(3)),
        policy=policy(max_told_moves=most),
        told=(Told(referral=A.id, slot="slot1"), Told(referral=B.id, slot="slot2")),
    )
    assert broken(asked, **seats) == wanted


def only_reason(asked: Problem) -> Reason:
    """Gives the reason in the best plan, which passes, and refuses each other one there."""
    _, (solution,) = best(asked)
    plan = plan_of(asked, solution)
    assert check(asked, plan) == []
    reason = plan.unserved[-1].reasons[0]
    for code in ReasonCode:
        if code is not reason.code:
            other = Reason(code=code, figures=reason.figures)
            lying = plan.unserved[-1].replaced(reasons=(other,))
            kept = (lying.referral,) if code is ReasonCode.KEPT else ()
            changed = plan.replaced(unserved=(*plan.unserved[:-1], lying), deferred=kept)
            assert {one.rule for one in check(asked, changed)} == {"unserved.reason"}
    return reason


def test_who_has_no_seat_hears_what_refused_it() -> None:
    urgent: dict[str, Any] = {"priority": Priority.ASAP}
    cap = two(policy=policy(caps=Caps(bookings_per_day=1)), a=urgent)
    assert only_reason(cap).code is ReasonCode.CAP
    taken = two(slot("slot1"), a=urgent, policy=policy(caps=Caps(bookings_per_day=9)))
    assert only_reason(taken) == Reason(code=ReasonCode.SEATS_TAKEN, figures={"seats": 1})
    apart = two(slot("slot1"), slot("slot2", after_minutes=136), **SIBLINGS)
    assert only_reason(apart).code is ReasonCode.GROUP
    assert only_reason(following(29)).code is ReasonCode.PATHWAY
    home: dict[str, Any] = {"modes": (Mode.HH,)}
    far = two(
        slot("slot1", **home),
        slot("slot2", after_minutes=152, **home),
        a={**urgent, **home},
        b={**home, "patient": patient("b", location=TEN_KM)},
    )
    assert only_reason(far).code is ReasonCode.TOUR


def test_the_latest_refusal_over_the_open_slots_is_the_reason() -> None:
    """On one slot the way is too long, on the other the day is full: the day is said."""
    home: dict[str, Any] = {"modes": (Mode.HH,)}
    asked = two(
        slot("slot1", **home),
        slot("slot2", after_minutes=152, **home),
        slot("slot3", after_minutes=300, **home),
        a={"priority": Priority.ASAP, **home},
        b={**home, "patient": patient("b", location=TEN_KM)},
        policy=policy(caps=Caps(bookings_per_day=1)),
    )
    assert only_reason(asked).code is ReasonCode.CAP


def test_whoever_could_simply_be_added_is_named() -> None:
    asked = two()
    found = check(asked, forced(asked, ("slot1", None)))
    left = asked.referrals[1].id
    assert ("unserved.addable", left) in {(one.rule, one.subject) for one in found}


def test_displaced_are_without_a_seat_sorted_and_there_is_a_floor() -> None:
    floor = Floor(percent=100, priority=Priority.ROUTINE)
    asked = two(slot("slot1"), policy=policy(floors=(floor,)), b={"priority": Priority.ROUTINE})
    _, (solution,) = best(asked)
    plan = plan_of(asked, solution)
    assert plan.displaced == (A.id,)
    assert plan.objective[:6] == (0, 0, 0, 1, 0, 120)

    def wrong(*ids: str) -> set[str]:
        return {one.rule for one in check(asked, plan.replaced(displaced=ids))}

    assert wrong(A.id) == set()
    assert wrong() == set()
    assert wrong(B.id) == wrong(A.id, A.id) == wrong("r-x") == {"displaced"}
    without = two(slot("slot1"), a={"priority": Priority.ASAP})
    _, (chosen,) = best(without)
    lying = plan_of(without, chosen).replaced(displaced=(B.id,))
    assert "displaced" in {one.rule for one in check(without, lying)}
