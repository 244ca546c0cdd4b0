"""
Who gets a freed seat.

Gains by hand: an urgent referral is worth 10,000 and pays twice its minutes of waiting, a routine
one 5,000 and once; nobody here travels, and few have a practitioner of their own.
"""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest
from builders import NOW, patient, referral, slot
from counter import PHARMACIST, counter, later, price, share_from_neighbour

from slotengine.codes import Audience, BookingStatus, Mode, Priority, SourceKind
from slotengine.counter_rules import Pricing, Refill
from slotengine.domain import Booking, Motive, Referral, Slot
from slotengine.engine import Engine
from slotengine.store import SqlStore

FREE = Pricing(enabled=False)
"""Seats cost nothing: what is tested is not the price."""

EARLIER = NOW - timedelta(minutes=6)
"""Long enough ago not to be at the counter any more (5 min)."""

URGENT_GAIN = 10_000 - 2 * 126
"""In the slot at +120 min, asked for 6 minutes ago, which is before half of its 24 h."""


def waiting(reference: str, **changes: Any) -> Referral:
    return referral(reference, **{"received_at": EARLIER, **changes})


def routine(reference: str, **changes: Any) -> Referral:
    changes = {"priority": Priority.ROUTINE, "deadline": NOW + timedelta(hours=48), **changes}
    return waiting(reference, **changes)


def desk(
    store: SqlStore, *who: Referral, slots: Sequence[Slot] = (slot(),), **rules: Any
) -> Engine:
    """A counter whose slots were published an hour ago, with these referrals."""
    engine = counter(store, *slots, **{"pricing": FREE, **rules})
    for one in who:
        engine.refer(one, now=NOW, actor=PHARMACIST)
    return engine


AFTER_OWN = NOW + timedelta(minutes=10)
"""When a seat published at ``NOW`` is anybody's."""


def offered(engine: Engine, now: datetime = AFTER_OWN) -> list[tuple[str, str]]:
    found = engine.refill("giennois", now=now)
    return [(one.referral, one.booking.slot) for one in found]


def test_a_free_seat_is_held_for_whom_it_brings_most(store: SqlStore) -> None:
    few, most = routine("1"), waiting("2")
    engine = desk(store, few, most)
    (found,) = engine.refill("giennois", now=AFTER_OWN, actor=PHARMACIST)
    assert (found.referral, found.gain) == (most.id, URGENT_GAIN)
    assert found.booking.status is BookingStatus.HELD
    assert found.booking.held_until == AFTER_OWN + timedelta(minutes=15)
    told = [event for event in engine.events() if event.kind == "waitlist.offered"]
    assert [(one.referral, one.booking, one.why) for one in told] == [
        (most.id, found.booking.id, "refill")
    ]
    held = [event for event in engine.events() if event.kind == "booking.held"]
    assert [one.why for one in held] == ["refill"]


def test_a_hold_ends_when_there_is_no_time_left_to_get_there(store: SqlStore) -> None:
    engine = desk(store, waiting("1"), slots=[slot(after_minutes=30)])
    (found,) = engine.refill("giennois", now=AFTER_OWN)
    assert found.booking.held_until == later(20)  # ten minutes before: the policy's notice


@pytest.mark.parametrize(("start", "held"), [(21, True), (20, False), (19, False)])
def test_nothing_is_held_that_nobody_could_get_to(
    store: SqlStore, start: int, *, held: bool
) -> None:
    engine = desk(store, waiting("1"), slots=[slot(after_minutes=start)])
    assert bool(offered(engine)) is held


def test_who_lets_it_run_out_is_not_asked_again_but_the_next_is(store: SqlStore) -> None:
    first, second = waiting("1"), routine("2")
    engine = desk(store, first, second)
    assert offered(engine) == [(first.id, "slot1")]
    assert offered(engine, later(24)) == []
    # The hold ran out at +25; the seat is free since then, and nobody's own doctor's.
    assert offered(engine, later(25)) == [(second.id, "slot1")]
    assert offered(engine, later(40)) == []


def test_who_released_a_seat_is_not_asked_again(store: SqlStore) -> None:
    only = waiting("1")
    engine = desk(store, only)
    (found,) = engine.refill("giennois", now=AFTER_OWN)
    engine.release(found.booking.id, now=AFTER_OWN)
    assert offered(engine, later(30)) == []


def test_one_hold_a_referral_and_one_a_seat(store: SqlStore) -> None:
    slots = [slot("soon"), slot("later", after_minutes=180)]
    engine = desk(store, waiting("1"), slots=slots)
    assert offered(engine) == [(waiting("1").id, "soon")]
    assert offered(engine) == []
    assert offered(desk_more(engine, waiting("2"), waiting("3"))) == [(min_id("2", "3"), "later")]


def min_id(*references: str) -> str:
    return min(referral(one).id for one in references)


def desk_more(engine: Engine, *who: Referral) -> Engine:
    for one in who:
        engine.refer(one, now=AFTER_OWN)
    return engine


def test_equal_gains_go_by_the_line_then_by_id(store: SqlStore) -> None:
    engine = desk(store, waiting("1"), waiting("2"), waiting("3"))
    assert offered(engine) == [(min_id("1", "2", "3"), "slot1")]


def test_nobody_is_asked_when_all_is_full_or_nobody_waits(store: SqlStore) -> None:
    engine = desk(store)
    assert offered(engine, NOW) == []
    placed = engine.place(referral("1"), now=NOW, confirm=True)
    assert placed.booking is not None
    assert offered(desk_more(engine, waiting("2"))) == []


# --- the practitioner's own patients first ---


@pytest.mark.parametrize(("minute", "whose"), [(0, "own"), (9, "own"), (10, "other")])
def test_own_patients_are_asked_first_for_a_while(store: SqlStore, minute: int, whose: str) -> None:
    own = routine("1", patient=patient("own", own_practitioner="d1"))
    other = waiting("2")
    engine = desk(store, own, other)
    wanted = {"own": own.id, "other": other.id}[whose]
    assert offered(engine, later(minute)) == [(wanted, "slot1")]


def test_without_an_own_patient_anybody_is_asked_at_once(store: SqlStore) -> None:
    engine = desk(store, waiting("1"))
    assert offered(engine, NOW) == [(waiting("1").id, "slot1")]


def test_an_own_patient_who_may_not_have_it_keeps_nobody_out(store: SqlStore) -> None:
    child = routine("1", patient=patient("own", own_practitioner="d1"), modes=("VR",))
    engine = desk(store, child, waiting("2"))
    assert offered(engine, NOW) == [(waiting("2").id, "slot1")]


def test_a_second_seat_is_anybodys_when_one_own_patient_waits(store: SqlStore) -> None:
    own = routine("1", patient=patient("own", own_practitioner="d1"))
    engine = desk(store, own, waiting("2"), slots=[slot(capacity=2)])
    # Both seats are kept in this round, one is taken; the next round sees that nobody else waits.
    assert offered(engine, NOW) == [(own.id, "slot1")]
    assert offered(engine, later(1)) == [(waiting("2").id, "slot1")]


def test_the_policy_may_ask_anybody_at_once(store: SqlStore) -> None:
    own = routine("1", patient=patient("own", own_practitioner="d1"))
    rule = Refill(own_practitioner_first=timedelta(0), hold_for=timedelta(minutes=3))
    engine = desk(store, own, waiting("2"), refill=rule)
    (found,) = engine.refill("giennois", now=NOW)
    assert found.referral == waiting("2").id
    assert found.booking.held_until == later(3)


# --- first in line ---


def test_first_in_line_comes_before_everybody_at_any_price(store: SqlStore) -> None:
    wronged = routine("1")
    own = waiting("2", patient=patient("own", own_practitioner="d1"))
    engine = desk(store, wronged, own, pricing=Pricing())
    price(engine, store, slot1=40_000)
    assert offered(engine, NOW) == []
    store.write(lambda unit: unit.put_first_in_line(wronged.id), now=NOW)
    assert offered(engine, NOW) == [(wronged.id, "slot1")]


# --- prices ---


@pytest.mark.parametrize(
    ("cost", "held"), [(URGENT_GAIN - 1, True), (URGENT_GAIN, True), (URGENT_GAIN + 1, False)]
)
def test_a_seat_that_is_worth_more_later_is_kept(store: SqlStore, cost: int, *, held: bool) -> None:
    engine = desk(store, waiting("1"), pricing=Pricing())
    price(engine, store, slot1=cost)
    found = engine.refill("giennois", now=AFTER_OWN)
    assert [one.gain for one in found] == ([URGENT_GAIN - cost] if held else [])


def test_without_prices_the_plain_reserve_keeps_seats_from_routine(store: SqlStore) -> None:
    # 5 + 10 + 15 % of eight free seats of the morning are kept from routine: two, the soonest.
    slots = [slot(f"s{index}", after_minutes=60 + 15 * index) for index in range(8)]
    engine = desk(store, routine("1"), slots=slots, pricing=Pricing())
    assert offered(engine) == [(routine("1").id, "s2")]
    # From an urgent one 15 %, which is one whole seat.
    assert offered(desk_more(engine, waiting("2"))) == [(waiting("2").id, "s1")]


# --- who is not asked ---


def test_audience_and_motive_rules_hold(store: SqlStore) -> None:
    engine = desk(
        store,
        waiting("1"),
        slots=[slot("regulated", audiences=(Audience.SNP,))],
    )
    assert offered(engine) == []
    samu = waiting("2", source=SourceKind.SAMU, motive=Motive(system="hub", code="M05.01"))
    assert offered(desk_more(engine, samu)) == [(samu.id, "regulated")]


@pytest.mark.parametrize(("ago", "asked"), [(4, False), (5, True), (6, True)])
def test_who_has_just_come_may_still_be_at_the_counter(
    store: SqlStore, ago: int, *, asked: bool
) -> None:
    came = referral("1", received_at=AFTER_OWN - timedelta(minutes=ago))
    engine = desk(store)
    engine.refer(came, now=AFTER_OWN)
    assert bool(offered(engine)) is asked


def test_a_group_waits_for_the_night(store: SqlStore) -> None:
    engine = desk(store, waiting("1", group="siblings"), waiting("2", group="siblings"))
    assert offered(engine) == []


def test_who_is_promised_a_seat_for_the_same_need_is_not_given_another(store: SqlStore) -> None:
    who = patient("one")
    engine = desk(store, slots=[slot("soon"), slot("later", after_minutes=180)])
    engine.refer(routine("1", patient=who), now=NOW)
    engine.plan("giennois", now=NOW)
    assert engine.booking_of(routine("1").id, now=NOW) is not None
    engine.refer(waiting("2", patient=who), now=NOW)
    assert offered(engine) == []


@pytest.mark.parametrize(("due", "asked"), [(120, True), (119, False)])
def test_the_deadline_holds(store: SqlStore, due: int, *, asked: bool) -> None:
    engine = desk(store, waiting("1", deadline=later(due)))
    assert bool(offered(engine)) is asked


@pytest.mark.parametrize(("hour", "asked"), [(18, True), (19, False), (6, False), (7, True)])
def test_nobody_is_asked_outside_opening_hours(store: SqlStore, hour: int, *, asked: bool) -> None:
    """Open from 8 h to 20 h in Paris, which is 7 to 19 h UTC in November."""
    day = NOW if hour > 8 else NOW + timedelta(days=1)  # the clock of a territory only goes on
    now = day.replace(hour=hour)
    tomorrow = slot(after_minutes=30 * 60)
    engine = desk(store, waiting("1", deadline=NOW + timedelta(days=3)), slots=[tomorrow])
    assert bool(offered(engine, now)) is asked


def test_a_slot_that_opens_later_is_refilled_once_it_opens(store: SqlStore) -> None:
    engine = desk(store, waiting("1"), slots=[slot(opens_at=later(30))])
    assert offered(engine, later(29)) == []
    assert offered(engine, later(30)) == [(waiting("1").id, "slot1")]


def test_a_neighbours_shared_slot_is_refilled_too(store: SqlStore) -> None:
    engine = desk(store, waiting("1"), slots=[slot(modes=("VR",))])
    share_from_neighbour(engine)
    assert offered(engine) == [(waiting("1").id, "neighbour")]


def test_a_full_day_passes_to_the_next_pair(store: SqlStore) -> None:
    slots = [
        slot("a"),
        slot("b", after_minutes=180),
        slot("c", after_minutes=240, practitioner="d2"),
    ]
    engine = desk(store, waiting("1"), waiting("2"), slots=slots)
    capped = [
        one.replaced(max_bookings_per_day=1)
        for one in store.read(lambda unit: unit.practitioners(slots))
        if one.id == "d1"
    ]
    engine.publish("giennois", practitioners=capped, now=NOW)
    assert sorted(slot_id for _, slot_id in offered(engine)) == ["a", "c"]


AN_HOUR = timedelta(hours=1)
"""For a hold to last until its seat is anybody's."""

GIVEN_BACK: dict[str, Callable[[Engine, Booking], object]] = {
    "cancel": lambda engine, had: engine.cancel(had.id, reason="asked", now=AFTER_OWN),
    "release": lambda engine, had: engine.release(had.id, now=AFTER_OWN),
    "cancel_referral": lambda engine, had: engine.cancel_referral(
        had.referral, reason="recovered", now=AFTER_OWN
    ),
    "amend": lambda engine, _: engine.amend(waiting("1", modes=(Mode.VR,)), now=AFTER_OWN),
    "amend, a red flag": lambda engine, _: engine.amend(
        waiting("1", motive=Motive(system="samu", code="M03.06")), now=AFTER_OWN
    ),
}


@pytest.mark.parametrize("verb", GIVEN_BACK)
def test_a_seat_that_is_given_back_is_held_at_once_for_who_waits(
    store: SqlStore, verb: str
) -> None:
    engine = counter(store, slot(), pricing=FREE, hold_for=AN_HOUR)
    had = engine.place(waiting("1"), now=NOW).booking
    assert had is not None
    other = engine.place(waiting("2"), now=NOW)
    assert other.booking is None
    GIVEN_BACK[verb](engine, had)
    held = engine.booking_of(other.referral, now=AFTER_OWN)
    assert held is not None
    assert (held.slot, held.status) == (had.slot, BookingStatus.HELD)
    assert engine.booking_of(had.referral, now=AFTER_OWN) is None


def test_an_amendment_that_keeps_its_seat_asks_nobody(store: SqlStore) -> None:
    engine = counter(store, slot(), slot("free", after_minutes=180), pricing=FREE, hold_for=AN_HOUR)
    had = engine.place(waiting("1"), now=NOW).booking
    other = waiting("2")
    engine.refer(other, now=NOW)
    engine.amend(waiting("1", max_travel_metres=1_000), now=AFTER_OWN)
    assert engine.booking_of(waiting("1").id, now=AFTER_OWN) == had
    assert engine.booking_of(other.id, now=AFTER_OWN) is None


def test_a_referral_that_is_closed_again_asks_nobody(store: SqlStore) -> None:
    engine = counter(store, slot(), pricing=FREE, hold_for=AN_HOUR)
    one, other = waiting("1"), waiting("2")
    engine.refer(one, now=NOW)
    engine.refer(other, now=NOW)
    for _ in range(2):
        engine.cancel_referral(one.id, reason="recovered", now=AFTER_OWN)
    assert engine.booking_of(other.id, now=AFTER_OWN) is None
