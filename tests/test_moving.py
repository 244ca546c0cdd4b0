"""Who would move where to free a promised seat, read from nouns."""

from typing import Any

from builders import TOWN, north_of, policy, practitioner, problem, referral, site, slot
from counter import later

from slotengine.codes import Mode, Priority
from slotengine.problem import Pin
from slotengine.solver.moving import Seat, Step, moving

SLOTS = (slot("a"), slot("b", after_minutes=180), slot("c", after_minutes=240))


def holder(reference: str = "A", **changes: Any) -> Any:
    return referral(reference, **{"priority": Priority.ROUTINE, **changes})


def sits(who: Any, where: str, seat: int = 0) -> Seat:
    return Seat(who.id, where, seat)


def goes(who: Any, where: str) -> Step:
    return Step(who.id, where, Mode.AMB)


def test_a_holder_goes_where_waiting_and_price_cost_least() -> None:
    asked = problem(slots=SLOTS, referrals=(holder(),))
    # 60 or 120 more minutes of waiting at weight 1, and the price of the seat that is used up.
    cheap = moving(asked, [sits(holder(), "a")], prices={"b": 0, "c": 0})
    assert (cheap.cost, cheap.chains) == ({"a": 60}, {"a": (goes(holder(), "b"),)})
    dear = moving(asked, [sits(holder(), "a")], prices={"b": 100, "c": 39})
    assert (dear.cost, dear.chains) == ({"a": 159}, {"a": (goes(holder(), "c"),)})


def test_nobody_moves_to_a_kept_slot() -> None:
    asked = problem(slots=SLOTS, referrals=(holder(),))
    found = moving(asked, [sits(holder(), "a")], prices={}, kept={"b"})
    assert found.chains == {"a": (goes(holder(), "c"),)}
    assert moving(asked, [sits(holder(), "a")], prices={}, kept={"b", "c"}).cost == {}


def test_a_chain_leads_into_the_free_seat_first() -> None:
    first, second = holder("1", deadline=later(180)), holder("2")
    asked = problem(slots=SLOTS, referrals=(first, second))
    found = moving(asked, [sits(first, "a"), sits(second, "b")], prices={})
    assert found.chains["a"] == (goes(second, "c"), goes(first, "b"))
    # "2" waits an hour more: 60. "1" is due after 180 minutes, and waiting past half of that counts
    # more: 180 + 90 * 90 // 90 less 120 + 30 * 30 // 90 are 140.
    assert found.cost == {"a": 200, "b": 60}


def test_a_slot_with_a_free_seat_needs_no_move() -> None:
    two = (slot("a", capacity=2), slot("b", after_minutes=180))
    asked = problem(slots=two, referrals=(holder(),))
    assert moving(asked, [sits(holder(), "a", seat=1)], prices={}).cost == {}


def test_of_two_promised_seats_of_a_slot_the_cheaper_is_freed() -> None:
    near, far = holder("1"), holder("2", deadline=later(180))
    slots = (slot("a", capacity=2), slot("c", after_minutes=240))
    asked = problem(slots=slots, referrals=(near, far))
    found = moving(asked, [sits(near, "a", 0), sits(far, "a", 1)], prices={})
    assert found.chains == {"a": (goes(near, "c"),)}


def test_a_move_that_gains_makes_no_seat_cheaper_than_free() -> None:
    asked = problem(slots=SLOTS, referrals=(holder(),))
    found = moving(asked, [sits(holder(), "c")], prices={"a": 0, "b": 0})
    assert (found.cost, found.chains) == ({"c": 0}, {"c": (goes(holder(), "a"),)})


def test_a_holder_whose_own_seat_a_rule_forbids_stays() -> None:
    far = site("far", location=north_of(TOWN, 30_000))
    slots = (slot("a", site="far", practitioner="d2"), slot("b", after_minutes=180))
    asked = problem(
        slots=slots,
        sites=(site(), far),
        practitioners=(practitioner(), practitioner("d2")),
        referrals=(holder(max_travel_metres=1_000),),
    )
    assert moving(asked, [sits(holder(), "a")], prices={}).cost == {}


def test_seats_that_the_problem_does_not_place_are_left_alone() -> None:
    pinned = Pin(referral="somebody", patient="", slot="a", seat=0)
    asked = problem(slots=SLOTS, referrals=(holder(),), pins=(pinned,), policy=policy())
    assert moving(asked, [sits(holder(), "a"), Seat("stranger", "b", 0)], prices={}).cost == {}
    assert moving(asked, [], prices={}).chains == {}
