"""A locum takes over: slots change hands, bookings stay, and what can't be theirs stays put."""

from datetime import timedelta
from typing import Any

import pytest
from builders import NOW, patient, practitioner, referral, slot
from counter import PHARMACIST, counter, later

from slotengine.codes import Profession
from slotengine.counter_rules import Pricing, PromiseRules
from slotengine.domain import Motive, TimeWindow
from slotengine.engine import Engine
from slotengine.errors import InputError
from slotengine.store import SqlStore, recount

DAY = TimeWindow(start=NOW, end=NOW + timedelta(days=1))


def desk(store: SqlStore, *slots: Any, **locum: Any) -> Engine:
    engine = counter(
        store,
        *(slots or (slot("soon"), slot("late", after_minutes=180))),
        pricing=Pricing(enabled=False),
    )
    engine.publish("giennois", practitioners=[practitioner("locum", **locum)], now=NOW)
    return engine


def booked(engine: Engine, reference: str = "1", **changes: Any) -> str:
    placed = engine.place(referral(reference, **changes), now=NOW, confirm=True)
    assert placed.booking is not None
    return placed.booking.id


def changed(engine: Engine) -> list[Any]:
    return [event for event in engine.events() if event.kind == "booking.practitioner_changed"]


def whose(engine: Engine, practitioner_id: str) -> list[str]:
    return [one.id for one in engine.agenda(practitioner_id, DAY)]


def test_slots_change_hands_and_bookings_stay(store: SqlStore) -> None:
    engine = desk(store)
    id_ = booked(engine)
    before = engine.booking(id_)
    found = engine.replace("d1", "locum", DAY, now=NOW, actor=PHARMACIST)
    assert (found.slots, found.bookings, found.rejected) == (("soon", "late"), (id_,), ())
    after = engine.booking(id_)
    assert (after.slot, after.seat, after.status) == (before.slot, before.seat, before.status)
    assert (whose(engine, "locum"), whose(engine, "d1")) == (["soon", "late"], [])
    (told,) = changed(engine)
    assert (told.booking, told.slot, told.actor) == (id_, "soon", PHARMACIST)
    assert told.why == "d1 > locum"


def test_a_second_time_there_is_nothing_left_to_take_over(store: SqlStore) -> None:
    engine = desk(store)
    booked(engine)
    engine.replace("d1", "locum", DAY, now=NOW)
    again = engine.replace("d1", "locum", DAY, now=NOW)
    assert (again.slots, again.bookings, again.rejected) == ((), (), ())
    assert len(changed(engine)) == 1


@pytest.mark.parametrize(
    ("start", "end", "taken"),
    [
        (120, 121, ["soon"]),
        (121, 300, ["late"]),
        (120, 180, ["soon"]),
        (120, 181, ["soon", "late"]),
        (0, 120, []),
    ],
)
def test_slots_that_start_in_the_window_are_taken_over(
    store: SqlStore, start: int, end: int, taken: list[str]
) -> None:
    window = TimeWindow(start=later(start), end=later(end))
    assert list(desk(store).replace("d1", "locum", window, now=NOW).slots) == taken


def test_nobody_replaces_themselves(store: SqlStore) -> None:
    with pytest.raises(InputError, match="d1"):
        desk(store).replace("d1", "d1", DAY, now=NOW)


def test_who_was_never_published_takes_nothing_over(store: SqlStore) -> None:
    engine = desk(store)
    found = engine.replace("d1", "stranger", DAY, now=NOW)
    assert found.slots == ()
    assert [one.id for one in found.rejected] == ["soon", "late"]
    assert {one.why for one in found.rejected} == {"who takes over was never published there"}


def test_another_profession_takes_nothing_over(store: SqlStore) -> None:
    engine = desk(store, profession=Profession.MIDWIFE, specialties=())
    found = engine.replace("d1", "locum", DAY, now=NOW)
    assert {one.why for one in found.rejected} == {"who takes over has another profession"}
    assert whose(engine, "d1") == ["soon", "late"]


def test_a_slot_that_overlaps_one_of_theirs_stays(store: SqlStore) -> None:
    engine = desk(store, slot("soon"), slot("late", after_minutes=180))
    theirs = slot("theirs", after_minutes=134, practitioner="locum")
    engine.publish("giennois", slots=[theirs], now=NOW)
    found = engine.replace("d1", "locum", DAY, now=NOW)
    assert found.slots == ("late",)
    assert [(one.id, one.why) for one in found.rejected] == [
        ("soon", "who takes over has another open slot at that time")
    ]


def test_a_slot_that_only_touches_one_of_theirs_is_taken_over(store: SqlStore) -> None:
    engine = desk(store)
    theirs = slot("theirs", after_minutes=135, practitioner="locum")
    engine.publish("giennois", slots=[theirs], now=NOW)
    assert engine.replace("d1", "locum", DAY, now=NOW).slots == ("soon", "late")


@pytest.mark.parametrize(("cap", "taken"), [(2, ("soon", "late")), (1, ("soon",)), (0, ())])
def test_bookings_that_would_pass_their_limit_stay(
    store: SqlStore, cap: int, taken: tuple[str, ...]
) -> None:
    engine = desk(store, max_bookings_per_day=cap)
    booked(engine, "1")
    booked(engine, "2")
    found = engine.replace("d1", "locum", DAY, now=NOW)
    assert found.slots == taken
    assert {one.why for one in found.rejected} <= {
        "its bookings would pass the limit of who takes over"
    }
    assert store.read(lambda unit: recount(unit._connection)) == {}


@pytest.mark.parametrize(("age", "stays"), [(15, True), (16, False)])
def test_a_patient_whom_they_do_not_see_keeps_the_slot_where_it_is(
    store: SqlStore, age: int, *, stays: bool
) -> None:
    engine = desk(store, min_age=16)
    id_ = booked(engine, "1", patient=patient("child", age=age))
    found = engine.replace("d1", "locum", DAY, now=NOW)
    assert found.slots == (("late",) if stays else ("soon", "late"))
    assert [one.why for one in found.rejected] == (
        ["a patient on it is not theirs to see: age"] if stays else []
    )
    assert (id_ in found.bookings) is not stays
    assert whose(engine, "d1") == (["soon"] if stays else [])
    assert len(changed(engine)) == (0 if stays else 1)


@pytest.mark.parametrize(
    ("locum", "why"),
    [
        ({"refused_motives": ("M05.01",)}, "motive"),
        ({"specialties": ("SM26",)}, "specialty"),
    ],
)
def test_motive_and_specialty_count_too(store: SqlStore, locum: dict[str, Any], why: str) -> None:
    engine = desk(store, **locum)
    motive = Motive(system="hub", code="M05.01")
    booked(engine, "1", motive=motive, specialties=("SM54",))
    found = engine.replace("d1", "locum", DAY, now=NOW)
    assert [one.why for one in found.rejected] == [f"a patient on it is not theirs to see: {why}"]


def test_who_was_not_told_an_hour_is_not_told_of_a_locum(store: SqlStore) -> None:
    engine = desk(store, slot("soon"))
    engine.refer(referral("1"), now=NOW)
    engine.plan("giennois", now=NOW)
    found = engine.replace("d1", "locum", DAY, now=NOW)
    assert len(found.bookings) == 1
    assert changed(engine) == []


def test_withdrawn_slots_and_those_that_are_over_are_left_alone(store: SqlStore) -> None:
    engine = desk(store)
    engine.withdraw(["soon"], reason="ill", now=NOW)
    assert engine.replace("d1", "locum", DAY, now=later(194)).slots == ("late",)
    assert engine.replace("locum", "d1", DAY, now=later(195)).slots == ()


def test_an_offer_made_before_is_refused_after(store: SqlStore) -> None:
    engine = desk(store)
    engine.refer(referral("1"), now=NOW)
    offer = engine.offers(referral("1").id, now=NOW)[0]
    engine.replace("d1", "locum", DAY, now=NOW)
    with pytest.raises(Exception, match=offer.slot):
        engine.hold(offer, now=NOW)


def test_a_promise_is_kept_by_the_locum(store: SqlStore) -> None:
    engine = desk(store, slot("soon"))
    policy = engine.policy("giennois")
    rules = PromiseRules(priorities=("urgent",))
    engine.set_policy(policy.replaced(promises=rules, version=2), now=NOW)
    placed = engine.place(referral("1"), now=NOW)
    assert placed.promise is not None
    engine.replace("d1", "locum", DAY, now=NOW)
    (told,) = engine.announce("giennois", now=later(60))
    assert told.booking.slot == "soon"
