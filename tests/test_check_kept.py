"""Seats that are kept for those who come later, promised seats, and extra ones, in the check."""

from datetime import timedelta
from typing import Any

import pytest
from brute_force import Pairs, solve
from builders import NOW, patient, referral, slot
from test_check import (
    ASAP,
    FIGURES,
    ROUTINE,
    URGENT,
    rules_broken,
    seated,
    three_for_two_seats,
)
from test_check_rules import AWAY, verdict

from slotengine.codes import Mode, Priority
from slotengine.policy import SeatValues
from slotengine.problem import Problem, Told, Unserved
from slotengine.reasons import Reason, ReasonCode
from slotengine.seat_prices import SeatPrice
from slotengine.side_constraints import Floor
from slotengine.solver.check import check
from slotengine.solver.solve import solve as solved


def at_price(price: int, **changes: Any) -> str | None:
    """An urgent referral 120 minutes before its slot: 10,000 less 2 * 120 leaves 9,760."""
    return verdict(prices=(SeatPrice(slot="slot1", price=price),), **changes)


def test_a_seat_is_kept_from_those_to_whom_it_is_worth_less_than_its_price() -> None:
    assert at_price(9_760) is None
    assert at_price(9_761) == "kept"
    assert at_price(0) is None
    assert verdict() is None


def test_who_was_promised_or_told_a_seat_keeps_one_whatever_it_is_worth() -> None:
    asking = referral()
    assert at_price(9_761, promised=(asking.id,)) is None
    assert at_price(9_761, told=(Told(referral=asking.id, slot="slot1"),)) is None


def floored(**whom: Any) -> dict[str, Any]:
    return {"policy": {"floors": (Floor(percent=50, **whom),)}}


def test_no_price_keeps_a_seat_from_whom_a_floor_names() -> None:
    """The referral is urgent and lives in commune 44114."""
    assert at_price(9_761, **floored(priority=Priority.URGENT)) is None
    assert at_price(9_761, **floored(priority=Priority.ROUTINE)) == "kept"
    assert at_price(9_761, **floored(insee="44114")) is None
    assert at_price(9_761, **floored(insee="44115")) == "kept"
    assert at_price(9_761, **floored(priority=Priority.URGENT, insee="44114")) is None
    assert at_price(9_761, **floored(priority=Priority.ROUTINE, insee="44114")) == "kept"
    assert at_price(9_761, **floored(priority=Priority.URGENT, insee="44115")) == "kept"


def test_who_lives_nowhere_known_is_named_by_no_commune() -> None:
    video: dict[str, Any] = {
        "referral": {"modes": (Mode.VR,), "patient": patient(location=None)},
        "slot": {"modes": (Mode.VR,)},
    }
    assert at_price(9_761, **video, **floored(insee="44114")) == "kept"
    assert at_price(9_761, **video, **floored(priority=Priority.URGENT)) is None


def test_without_prices_nothing_is_kept_and_with_any_a_slot_not_listed_costs_nothing() -> None:
    """241 weighted minutes are one more than serving is worth."""
    poor = {"policy": {"values": SeatValues(urgent=239)}}
    enough = {"policy": {"values": SeatValues(urgent=240)}}
    elsewhere: dict[str, Any] = {
        "others": (slot("slot2", practitioner="d2"),),
        "prices": (SeatPrice(slot="slot2", price=5),),
    }
    assert verdict(**poor) is None
    assert verdict(**poor, **elsewhere) == "kept"
    assert verdict(**enough, **elsewhere) is None


def test_one_mode_that_is_worth_the_price_is_enough() -> None:
    """Travelling for 18 minutes costs 36 more than a video consultation does."""
    away: dict[str, Any] = {"patient": AWAY}
    both = {"modes": (Mode.AMB, Mode.VR)}
    assert at_price(9_760 - 36, referral=away) is None
    assert at_price(9_760 - 35, referral=away) == "kept"
    assert at_price(9_760 - 35, referral={**away, **both}, slot=both) is None
    assert at_price(9_760 + 1, referral={**away, **both}, slot=both) == "kept"


def priced(price: int, **changes: Any) -> Problem:
    """The urgent gets slot1 for 240, the asap slot1 for 516 or slot2 for 996, the routine none."""
    prices = (SeatPrice(slot="slot2", price=price),)
    return three_for_two_seats(prices=prices, **changes)


def test_prices_count_in_the_objective_and_stand_beside_the_cost() -> None:
    asked = priced(300)
    plan = solve(asked, FIGURES)
    assert plan.objective[:6] == (0, 0, 0, 0, 1, 996 + 300)
    assert {(one.cost, one.price) for one in plan.assignments} == {(480, 300), (516, 0)}
    assert check(asked, plan) == []


@pytest.mark.parametrize("off", [-1, 1])
def test_a_wrong_price_is_named(off: int) -> None:
    asked = priced(300)
    plan = solve(asked, FIGURES)
    assert rules_broken(asked, seated(plan, URGENT.id, price=300 + off)) == {"figure.price"}
    assert rules_broken(asked, seated(plan, ASAP.id, price=1)) == {"figure.price"}


SOON = ASAP.replaced(deadline=NOW + timedelta(minutes=200))
"""Slot2 starts too late for it; half of 200 minutes are 100: 4 * (120 + 20^2 // 100) + 36 = 532."""
SOON_FIGURES: Pairs = {
    (SOON.id, "slot1"): (Mode.AMB, 12_820, 18, 120, 532),
    (ROUTINE.id, "slot1"): FIGURES[ROUTINE.id, "slot1"],
}


def test_who_would_have_a_seat_but_for_its_price_is_deferred() -> None:
    """Routine is worth 5,000 - 240 on slot2, which nobody else can use; slot1 is taken."""
    worth_it = priced(4_760, referrals=(SOON, ROUTINE))
    paid = {**SOON_FIGURES, (ROUTINE.id, "slot2"): FIGURES[ROUTINE.id, "slot2"]}
    served = solve(worth_it, paid)
    assert served.objective[:6] == (0, 0, 0, 0, 0, 532 + 240 + 4_760)
    assert served.deferred == ()
    assert check(worth_it, served) == []
    asked = priced(4_761, referrals=(SOON, ROUTINE))
    plan = solve(asked, SOON_FIGURES)
    assert plan.unserved[0].reasons[0].code is ReasonCode.SEATS_TAKEN
    assert rules_broken(asked, plan) == {"unserved.reason"}
    kept = Unserved(referral=ROUTINE.id, reasons=(Reason(code=ReasonCode.KEPT),))
    right = plan.replaced(unserved=(kept,), deferred=(ROUTINE.id,))
    assert check(asked, right) == []
    for deferred in ((), (SOON.id,), (ROUTINE.id, ROUTINE.id), (ROUTINE.id, "r-x")):
        assert rules_broken(asked, right.replaced(deferred=deferred)) == {"deferred"}
    assert solved(asked).deferred == (ROUTINE.id,)
    assert solved(worth_it).deferred == ()


def test_a_seat_that_others_have_is_not_kept_from_anybody() -> None:
    """Slot2 is too dear for the routine one, and the urgent one sits there anyway."""
    asked = priced(4_761)
    pairs = {pair: figures for pair, figures in FIGURES.items() if pair != (ROUTINE.id, "slot2")}
    plan = solve(asked, pairs)
    assert plan.unserved[0].reasons == (Reason(code=ReasonCode.SEATS_TAKEN, figures={"seats": 1}),)
    assert check(asked, plan) == []


def test_who_was_promised_a_seat_has_one_at_any_price() -> None:
    asked = priced(50_000, promised=(ROUTINE.id,))
    plan = solve(asked, {(ROUTINE.id, "slot2"): FIGURES[ROUTINE.id, "slot2"], **_but_slot2()})
    assert {(one.referral, one.slot) for one in plan.assignments} == {
        (ASAP.id, "slot1"),
        (ROUTINE.id, "slot2"),
    }
    assert plan.objective[:6] == (0, 0, 0, 1, 0, 516 + 240 + 50_000)
    urgent = Unserved(
        referral=URGENT.id, reasons=(Reason(code=ReasonCode.SEATS_TAKEN, figures={"seats": 1}),)
    )
    assert check(asked, plan.replaced(unserved=(urgent,))) == []
    free = priced(50_000)
    without = solve(free, _but_slot2())
    forgotten = without.replaced(problem_digest=asked.digest)
    assert "side.promised" in rules_broken(asked, forgotten)


def _but_slot2() -> Pairs:
    return {pair: figures for pair, figures in FIGURES.items() if pair[1] != "slot2"}


def test_extra_seats_are_seats_and_are_taken_last() -> None:
    """Slot1 has one seat more against no-shows: its seat 2, after the pinned 0 and the free 1."""
    slots = (slot("slot1", capacity=2, extra_capacity=1), slot("slot2", after_minutes=240))
    asked = three_for_two_seats(slots=slots)
    plan = solve(asked, FIGURES)
    assert not plan.unserved
    assert {(one.slot, one.seat) for one in plan.assignments} == {
        ("slot1", 1),
        ("slot1", 2),
        ("slot2", 0),
    }
    assert check(asked, plan) == []
    second = next(one.referral for one in plan.assignments if one.seat == 2)
    assert rules_broken(asked, seated(plan, second, seat=3)) == {"seat.unknown"}
