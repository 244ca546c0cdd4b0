"""Whether all who were promised a seat could stay: alone refused, or only together."""

from builders import patient, policy, practitioner, problem, referral, slot

from slotengine.problem import Problem, Told
from slotengine.seat_prices import SeatPrice
from slotengine.side_constraints import Caps
from slotengine.solver.check import check
from slotengine.solver.solve import solve
from slotengine.solver.witnesses import unfit

A, B = sorted(
    (referral(one, patient=patient(one)) for one in "ab"), key=lambda referral: referral.id
)


def promised(**changes: object) -> Problem:
    fields = {
        "slots": (slot("one"), slot("two", after_minutes=180)),
        "referrals": (A, B),
        "promised": (A.id, B.id),
    }
    return problem(**{**fields, **changes})


def test_who_fits_stays_and_every_plan_then_serves_all() -> None:
    asked = promised(prices=(SeatPrice(slot="one", price=90_000),))
    assert unfit(asked, {A.id: "one", B.id: "two"}) == ()
    plan = solve(asked)
    assert check(asked, plan) == []
    assert plan.unserved == ()


def test_nobody_asked_about_is_nobody_refused() -> None:
    assert unfit(promised(promised=()), {}) == ()


def test_two_on_one_seat_are_one_too_many() -> None:
    assert unfit(promised(), {A.id: "one", B.id: "one"}) == (B.id,)


def test_a_slot_that_is_not_there_or_that_a_rule_refuses_fits_nobody() -> None:
    assert unfit(promised(), {A.id: "gone", B.id: "two"}) == (A.id,)
    old = promised(practitioners=(practitioner(min_age=41),))
    assert unfit(old, {A.id: "one", B.id: "two"}) == (A.id, B.id)


def test_a_cap_that_holds_one_booking_holds_the_first() -> None:
    for cap, wrong in ((2, ()), (1, (B.id,))):
        asked = promised(policy=policy(caps=Caps(bookings_per_day=cap)))
        assert unfit(asked, {A.id: "one", B.id: "two"}) == wrong


def test_who_was_told_a_seat_comes_before_who_was_promised_one() -> None:
    asked = promised(promised=(A.id,), told=(Told(referral=B.id, slot="one"),))
    assert unfit(asked, {A.id: "two"}) == ()
    assert unfit(asked, {A.id: "one"}) == (A.id,)
