"""The contract of a plan's way into the database: compare and set, seat by seat."""

from datetime import timedelta
from typing import Any

import pytest
from builders import NOW, practitioner, slot
from desk import HOLD, Desk, planned
from sqlalchemy import create_engine, text

from slotengine.codes import BookingStatus, Priority, ReferralState
from slotengine.domain import Referral, Slot
from slotengine.store import SqlStore, recount

LATER = NOW + timedelta(minutes=1)


@pytest.fixture
def desk(store: SqlStore) -> Desk:
    ready = Desk(store)
    ready.settle(doctors=("d1", "d2"))
    return ready


def commit(desk: Desk, plan: Any, *slots: Slot) -> dict[str, str]:
    """Commits a plan a minute after it was made; gives its conflicts by referral."""
    found = desk.do(lambda unit: unit.commit_plan(plan, slots), now=LATER)
    return {conflict.referral: conflict.why for conflict in found}


def seat_of(desk: Desk, who: Referral) -> tuple[str, int, str] | None:
    found = desk.ask(lambda unit: unit.booking_of(who.id), now=LATER)
    return None if found is None else (found.slot, found.seat, found.status.value)


def test_a_plan_becomes_promises_and_is_kept(desk: Desk, store_url: str) -> None:
    hall, other = slot(capacity=2), slot("slot2", practitioner="d2")
    desk.publish(hall, other)
    first, second, third, left = (desk.refer(str(number)) for number in range(4))
    plan = planned((first, hall, 0), (second, hall, 1), (third, other, 0), unserved=[left])
    assert commit(desk, plan, hall, other) == {}
    assert seat_of(desk, first) == ("slot1", 0, "promised")
    assert seat_of(desk, second) == ("slot1", 1, "promised")
    assert seat_of(desk, third) == ("slot2", 0, "promised")
    assert (desk.state(first), desk.state(left)) == ("promised", "received")
    engine = create_engine(store_url)
    with engine.connect() as connection:
        assert recount(connection) == {}
        kept = connection.execute(
            text("SELECT territory, digest, seed, objective, bound FROM slotengine_plan")
        ).all()
    engine.dispose()
    assert kept == [("giennois", plan.digest, 7, "[0]", "[0]")]
    assert desk.kinds().count("plan.committed") == 1


def test_an_unchanged_promise_is_not_touched(desk: Desk) -> None:
    desk.publish(slot())
    who = desk.refer()
    promise = desk.promise(who, slot())
    before = desk.kinds()
    assert commit(desk, planned((who, slot(), 0)), slot()) == {}
    assert desk.ask(lambda unit: unit.booking_of(who.id)) == promise
    assert desk.kinds() == [*before, "plan.committed"]


def test_an_untold_promise_moves_and_a_told_one_stays(desk: Desk, store_url: str) -> None:
    other = slot("slot2", practitioner="d2")
    desk.publish(slot(capacity=2), other)
    free, told = desk.refer("1"), desk.refer("2")
    first = desk.promise(free, slot(capacity=2))
    second = desk.promise(told, slot(capacity=2))
    desk.do(lambda unit: unit.tell(second.id))
    plan = planned((free, other, 0), (told, other, 0))
    conflicts = commit(desk, plan, slot(capacity=2), other)
    assert conflicts == {told.id: f"the referral has booking {second.id}"}
    assert seat_of(desk, free) == ("slot2", 0, "promised")
    assert seat_of(desk, told) == ("slot1", 1, "promised")
    assert desk.ask(lambda unit: unit.booking(first.id)).status is BookingStatus.CANCELLED
    engine = create_engine(store_url)
    with engine.connect() as connection:
        assert recount(connection) == {}
    engine.dispose()


def test_two_promises_swap_their_seats(desk: Desk) -> None:
    other = slot("slot2", practitioner="d2")
    desk.publish(slot(), other)
    first, second = desk.refer("1"), desk.refer("2")
    desk.promise(first, slot())
    desk.promise(second, other)
    assert commit(desk, planned((first, other, 0), (second, slot(), 0)), slot(), other) == {}
    assert seat_of(desk, first) == ("slot2", 0, "promised")
    assert seat_of(desk, second) == ("slot1", 0, "promised")


def test_the_promise_of_a_referral_that_the_plan_leaves_out_is_cancelled(desk: Desk) -> None:
    desk.publish(slot())
    urgent, patient_one = desk.refer("1"), desk.refer("2")
    desk.promise(patient_one, slot())
    assert commit(desk, planned((urgent, slot(), 0), unserved=[patient_one]), slot()) == {}
    assert seat_of(desk, urgent) == ("slot1", 0, "promised")
    assert (seat_of(desk, patient_one), desk.state(patient_one)) == (None, "waiting")


def test_one_lost_seat_does_not_sink_the_others(desk: Desk) -> None:
    other = slot("slot2", practitioner="d2")
    desk.publish(slot(), other)
    first, second = desk.refer("1"), desk.refer("2")
    day = desk.refer("day")
    desk.hold(day, slot(), until=LATER + HOLD)
    assert commit(desk, planned((first, slot(), 0), (second, other, 0)), slot(), other) == {
        first.id: "taken"
    }
    assert seat_of(desk, second) == ("slot2", 0, "promised")
    assert desk.state(first) == "received"


def test_who_lost_a_seat_gets_another_of_the_same_slot_if_one_is_left(desk: Desk) -> None:
    hall = slot(capacity=3)
    desk.publish(hall)
    desk.hold(desk.refer("day"), hall, until=LATER + HOLD)
    first, second = desk.refer("1"), desk.refer("2")
    assert commit(desk, planned((first, hall, 0), (second, hall, 1)), hall) == {}
    # The day took seat 0; the second keeps the seat planned, the first has what is left.
    assert seat_of(desk, first) == ("slot1", 2, "promised")
    assert seat_of(desk, second) == ("slot1", 1, "promised")


@pytest.mark.parametrize(
    "happened", ["withdrawn", "changed", "placed", "closed", "amended", "unknown", "unlisted"]
)
def test_what_the_day_did_meanwhile_comes_back_as_a_conflict(desk: Desk, happened: str) -> None:
    desk.publish(slot(), slot("slot2", practitioner="d2", after_minutes=600))
    who = desk.refer()
    listed = [slot()]
    plan = planned((who, slot(), 0))
    if happened == "withdrawn":
        desk.do(lambda unit: unit.withdraw_slot("slot1", "ill"))
    elif happened == "changed":
        desk.publish(slot(after_minutes=130))
    elif happened == "placed":
        desk.confirm(desk.hold(who, slot("slot2", practitioner="d2", after_minutes=600)))
    elif happened == "closed":
        desk.do(lambda unit: unit.set_referral_state(who.id, ReferralState.CLOSED))
    elif happened == "amended":
        changed = who.replaced(priority=Priority.STAT)
        desk.do(
            lambda unit: unit.replace_referral(changed, "d"),
            now=NOW + timedelta(microseconds=1),
        )
    elif happened == "unknown":
        plan = planned((who.replaced(id="r-nothing"), slot(), 0))
    else:
        listed = []
    conflicts = commit(desk, plan, *listed)
    assert len(conflicts) == 1
    assert desk.ask(lambda unit: unit.active_bookings(["slot1"]), now=LATER) == ()


def test_an_amendment_that_the_plan_knew_is_no_conflict(desk: Desk) -> None:
    desk.publish(slot())
    who = desk.refer()
    desk.do(lambda unit: unit.replace_referral(who.replaced(priority=Priority.STAT), "d"))
    assert commit(desk, planned((who, slot(), 0)), slot()) == {}


def test_an_amended_referral_loses_its_untold_promise_and_waits(desk: Desk) -> None:
    desk.publish(slot())
    who = desk.refer()
    desk.promise(who, slot())
    changed = who.replaced(priority=Priority.STAT)
    desk.do(lambda unit: unit.replace_referral(changed, "d"), now=LATER)
    assert list(commit(desk, planned((who, slot(), 0)), slot())) == [who.id]
    assert (seat_of(desk, who), desk.state(who)) == (None, "waiting")


def test_a_plan_keeps_the_cap_of_the_day(desk: Desk) -> None:
    desk.do(lambda unit: unit.put_practitioners([practitioner(max_bookings_per_day=1)]))
    later = slot("slot2", after_minutes=300)
    desk.publish(slot(), later)
    first, second = desk.refer("1"), desk.refer("2")
    plan = planned((first, slot(), 0), (second, later, 0))
    assert commit(desk, plan, slot(), later) == {second.id: "its practitioner's day is full"}


def test_a_hold_that_ran_out_does_not_stop_a_plan(desk: Desk) -> None:
    desk.publish(slot())
    who, other = desk.refer("1"), desk.refer("2")
    desk.hold(other, slot(), until=LATER)
    assert commit(desk, planned((who, slot(), 0)), slot()) == {}
    assert seat_of(desk, who) == ("slot1", 0, "promised")
    assert desk.state(other) == "waiting"
