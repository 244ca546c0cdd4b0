"""What time makes due: promises told an hour ahead, and a day looked after step by step."""

from datetime import timedelta
from typing import Any

import pytest
from builders import NOW, patient, referral, slot
from counter import PHARMACIST, counter, later

from slotengine import handing_back, tending, waitlist
from slotengine.codes import BookingStatus, Priority, PromiseState, ReferralState
from slotengine.counter_rules import Commune, Handback, Pricing, PromiseRules
from slotengine.domain import Slot
from slotengine.engine import Engine
from slotengine.errors import ClockError, SlotTakenError, StoreBusyError
from slotengine.store import SqlStore

FREE = Pricing(enabled=False)
URGENT = PromiseRules(priorities=(Priority.URGENT,))


def promised(store: SqlStore, *slots: Slot, **rules: Any) -> Engine:
    """A counter that has promised referral 1 a seat; its first slot is at +240 min."""
    given = slots or (slot(after_minutes=240),)
    engine = counter(store, *given, **{"pricing": FREE, "promises": URGENT, **rules})
    placed = engine.place(referral("1"), now=NOW, actor=PHARMACIST)
    assert placed.promise is not None
    assert placed.booking is not None
    return engine


WHO = referral("1").id


def kinds(engine: Engine, start: str) -> list[str]:
    return [event.kind for event in engine.events() if event.kind.startswith(start)]


def promise_state(store: SqlStore) -> PromiseState:
    found = store.read(lambda unit: unit.promise_of(WHO))
    assert found is not None
    return found.state


@pytest.mark.parametrize(("minute", "told"), [(179, False), (180, True), (182, True)])
def test_an_hour_ahead_the_hour_is_told_and_stands(
    store: SqlStore, minute: float, *, told: bool
) -> None:
    engine = promised(store)
    found = engine.announce("giennois", now=later(minute), actor=PHARMACIST)
    assert [one.promise.referral for one in found] == ([WHO] if told else [])
    booking = engine.booking_of(WHO, now=later(minute))
    assert booking is not None
    if not told:
        assert (booking.status, promise_state(store)) == (BookingStatus.PROMISED, PromiseState.OPEN)
        return
    assert found[0].booking == booking
    assert (booking.status, booking.told_at) == (BookingStatus.CONFIRMED, later(minute))
    assert found[0].promise.state is PromiseState.KEPT
    assert engine.referral(WHO).state is ReferralState.BOOKED
    assert kinds(engine, "promise.announced") == ["promise.announced"]
    assert kinds(engine, "incident") == []
    assert engine.announce("giennois", now=later(minute)) == ()


def test_the_notice_that_was_promised_counts_not_the_policys_of_today(store: SqlStore) -> None:
    engine = promised(store)
    changed = URGENT.replaced(notice=timedelta(minutes=30))
    policy = engine.policy("giennois").replaced(promises=changed, version=2)
    engine.set_policy(policy, now=later(1))
    assert len(engine.announce("giennois", now=later(180))) == 1


@pytest.mark.parametrize(("minute", "late"), [(182, False), (183, True), (239, True)])
def test_told_late_is_told_and_is_an_incident(
    store: SqlStore, minute: float, *, late: bool
) -> None:
    """The clock's tolerance of two minutes is what nobody could do better than."""
    engine = promised(store)
    assert len(engine.announce("giennois", now=later(minute))) == 1
    assert kinds(engine, "incident") == (["incident.promise_told_late"] if late else [])


def test_a_promise_that_nobody_was_told_of_is_broken_and_its_patient_comes_first(
    store: SqlStore,
) -> None:
    engine = promised(store)
    assert engine.announce("giennois", now=later(240)) == ()
    assert promise_state(store) is PromiseState.BROKEN
    assert engine.booking_of(WHO, now=later(240)) is None
    assert engine.referral(WHO).state is ReferralState.WAITING
    assert store.read(lambda unit: unit.first_in_line("giennois")) == {WHO}
    assert kinds(engine, "incident") == ["incident.promise_broken"]
    assert engine.announce("giennois", now=later(241)) == ()


def test_a_seat_that_was_given_up_is_not_announced(store: SqlStore) -> None:
    engine = promised(store)
    booking = engine.booking_of(WHO, now=NOW)
    assert booking is not None
    engine.release(booking.id, now=later(1))
    assert engine.announce("giennois", now=later(180)) == ()
    assert kinds(engine, "incident") == []
    assert promise_state(store) is PromiseState.GIVEN_UP


def test_a_promise_that_its_people_gave_up_meanwhile_is_no_incident(store: SqlStore) -> None:
    engine = promised(store)
    (seen,) = store.read(lambda unit: unit.open_promises("giennois"), now=later(180))
    engine.release(seen.booking.id, now=later(180))
    store.write(lambda unit: tending._break_unless_given_up(unit, seen), now=later(180))
    assert kinds(engine, "incident") == []
    assert store.read(lambda unit: unit.first_in_line("giennois")) == frozenset()


def test_a_seat_that_can_not_be_confirmed_breaks_its_promise(
    store: SqlStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = promised(store)

    def refuse(*_: object) -> None:
        raise SlotTakenError("slot1")

    monkeypatch.setattr(type_of_unit(store), "confirm", refuse)
    assert engine.announce("giennois", now=later(180)) == ()
    assert promise_state(store) is PromiseState.BROKEN
    assert kinds(engine, "booking.told") == []  # what was written before it is undone
    assert kinds(engine, "incident") == ["incident.promise_broken"]


def type_of_unit(store: SqlStore) -> type:
    return store.read(type)


def test_a_seat_promised_by_a_night_waits_to_be_told_by_people(store: SqlStore) -> None:
    engine = counter(store, slot(after_minutes=240), pricing=FREE)
    engine.refer(referral("1"), now=NOW)
    engine.plan("giennois", now=NOW)
    assert engine.announce("giennois", now=later(200)) == ()
    booking = engine.booking_of(WHO, now=later(200))
    assert booking is not None
    assert booking.status is BookingStatus.PROMISED


# --- tend ---


def test_tend_does_all_that_is_due_in_its_order(store: SqlStore) -> None:
    engine = promised(
        store,
        slot("promised", after_minutes=180),
        slot("held", after_minutes=240),
        slot("empty", after_minutes=200, practitioner="d2", modes=("VR",)),
        handback=Handback(before=timedelta(minutes=80)),
    )
    # Referral 2 lets its hold run out; referral 3, of the second need, is next.
    second = referral("2", priority=Priority.ROUTINE, received_at=later(60), deadline=later(1_440))
    third = second.replaced(**identity("3"))
    held = engine.place(second, now=later(100))
    assert held.booking is not None
    assert held.booking.slot == "held"
    engine.refer(third, now=later(100))
    found = engine.tend("giennois", now=later(120), actor=PHARMACIST)
    assert [one.id for one in found.expired] == [held.booking.id]
    assert [one.booking.slot for one in found.announced] == ["promised"]
    assert [(one.referral, one.booking.slot) for one in found.refilled] == [(third.id, "held")]
    assert [one.slot for one in found.handed_back] == ["empty"]
    assert found.repriced is None
    again = engine.tend("giennois", now=later(120))
    assert (again.expired, again.announced, again.refilled, again.handed_back) == ((), (), (), ())


def identity(reference: str) -> dict[str, Any]:
    other = referral(reference)
    return {"id": other.id, "reference": other.reference, "patient": patient(f"p{reference}")}


def test_new_prices_come_at_half_of_their_time_and_at_once_where_none_serve(
    store: SqlStore,
) -> None:
    commune = Commune(insee="44114", inhabitants=80_000, location=referral().patient.location)
    seats = [slot(f"s{n}", after_minutes=240 + 15 * n) for n in range(8)]
    engine = counter(store, *seats, communes=(commune,), handback=Handback(before=timedelta(0)))
    first = engine.tend("giennois", now=NOW).repriced
    assert first is not None
    assert engine.tend("giennois", now=later(59)).repriced is None
    second = engine.tend("giennois", now=later(60)).repriced
    assert second not in {None, first}
    assert engine.tend("giennois", now=later(61)).repriced is None


def test_a_large_change_asks_for_new_prices(store: SqlStore) -> None:
    seats = [slot(f"s{n}", after_minutes=240 + 15 * n) for n in range(5)]
    engine = counter(store, *seats, handback=Handback(before=timedelta(0)))
    assert engine.tend("giennois", now=NOW).repriced is not None
    assert engine.tend("giennois", now=later(1)).repriced is None
    engine.withdraw(["s0"], reason="ill", now=later(2))  # one of five is the policy's 20 %
    assert engine.tend("giennois", now=later(2)).repriced is not None


def test_where_prices_are_not_wanted_none_are_computed(store: SqlStore) -> None:
    engine = counter(store, pricing=FREE)
    assert engine.reprice("giennois", now=NOW) is None
    assert engine.tend("giennois", now=NOW).repriced is None


# --- faults ---


def failing(error: Exception) -> Any:
    def fail(*_: object, **__: object) -> None:
        raise error

    return fail


def test_a_step_that_fails_takes_no_other_with_it_and_is_raised(
    store: SqlStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = promised(store, slot(after_minutes=240), slot("empty", after_minutes=300))
    monkeypatch.setattr(waitlist, "refill", failing(StoreBusyError("locked")))
    with pytest.raises(StoreBusyError) as raised:
        engine.tend("giennois", now=later(180))
    assert raised.value.__notes__ == ["raised by step refill; the other steps were tried"]
    assert promise_state(store) is PromiseState.KEPT
    assert kinds(engine, "slot.handed_back") == ["slot.handed_back"]


def test_every_step_that_failed_is_named(store: SqlStore, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = promised(store)
    monkeypatch.setattr(waitlist, "refill", failing(StoreBusyError("locked")))
    monkeypatch.setattr(handing_back, "hand_back", failing(SlotTakenError("slot1")))
    with pytest.raises(StoreBusyError) as raised:
        engine.tend("giennois", now=later(180))
    assert raised.value.__notes__ == [
        "raised by step refill; the other steps were tried",
        "step hand back failed too: SlotTakenError: slot slot1 can't be held: taken",
    ]


def test_a_bug_ends_the_run_at_once(store: SqlStore, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = promised(store)
    monkeypatch.setattr(waitlist, "refill", failing(ZeroDivisionError()))
    with pytest.raises(ZeroDivisionError):
        engine.tend("giennois", now=later(180))
    assert promise_state(store) is PromiseState.KEPT  # what came before it stands


def test_a_clock_that_goes_back_does_nothing(store: SqlStore) -> None:
    engine = promised(store)
    engine.tend("giennois", now=later(100))
    with pytest.raises(ClockError):
        engine.tend("giennois", now=later(97))
    assert promise_state(store) is PromiseState.OPEN


# --- the line ---


def test_the_line_is_in_order_and_states_chances(store: SqlStore) -> None:
    slots = [slot(after_minutes=240), slot("b", after_minutes=255), slot("c", after_minutes=270)]
    engine = counter(store, *slots)
    who = {
        "1": {"priority": Priority.ROUTINE},
        "2": {"priority": Priority.URGENT, "deadline": later(1_000)},
        "3": {"priority": Priority.URGENT, "deadline": later(999)},
        "4": {"priority": Priority.ROUTINE},
        "5": {"priority": Priority.ASAP, "modes": ("VR",)},
        "6": {"priority": Priority.ASAP, "group": "siblings"},
    }
    for reference, changes in who.items():
        engine.refer(referral(reference, **changes), now=NOW)
    store.write(lambda unit: unit.put_first_in_line(referral("4").id), now=NOW)
    line = engine.waitlist("giennois", now=NOW)
    names = {referral(reference).id: reference for reference in who}
    order = [names[one.referral] for one in line]
    assert (order[0], set(order[1:3]), order[3:]) == ("4", {"5", "6"}, ["3", "2", "1"])
    assert [one.rank for one in line] == [1, 2, 3, 4, 5, 6]
    assert [one.first_in_line for one in line] == [True, False, False, False, False, False]
    chances = {names[one.referral]: one.chance for one in line}
    # Nobody else is expected: three seats for 6, 2 and 3; none for who asks for video.
    assert chances["6"] is None
    raw = {name: one.raw for name, one in chances.items() if one is not None}
    assert raw == {"2": 1, "3": 1, "1": 0, "4": 0, "5": 0}
    assert chances["3"] is not None
    assert chances["3"].before == later(999)
    assert all(0 < one.percent < 100 for one in chances.values() if one is not None)


def test_no_chance_is_stated_without_prices(store: SqlStore) -> None:
    engine = counter(store, pricing=FREE)
    engine.refer(referral("1"), now=NOW)
    (only,) = engine.waitlist("giennois", now=NOW)
    assert (only.chance, only.deadline) == (None, referral("1").deadline)


@pytest.mark.parametrize(("minute", "waits"), [(60, True), (61, False)])
def test_who_is_past_the_deadline_waits_no_more(
    store: SqlStore, minute: float, *, waits: bool
) -> None:
    engine = counter(store, slot(modes=("VR",)), pricing=FREE)
    engine.refer(referral("1", deadline=later(60)), now=NOW)
    assert len(engine.waitlist("giennois", now=later(minute))) == waits
