"""Empty seats go back to their practitioners: when, which, and never one that is somebody's."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest
from builders import NOW, price_set, referral, slot
from counter import counter, later, price, save, share_from_neighbour

from slotengine.codes import SlotState
from slotengine.counter_rules import Handback, Pricing
from slotengine.domain import Slot
from slotengine.engine import Engine
from slotengine.reasons import ReasonCode
from slotengine.store import SqlStore

TIME, PRICE = ReasonCode.HANDED_BACK_TIME, ReasonCode.HANDED_BACK_PRICE


def desk(
    store: SqlStore, slots: Sequence[Slot] = (slot(after_minutes=240),), **rules: Any
) -> Engine:
    return counter(store, *slots, **{"pricing": Pricing(enabled=False), **rules})


def given(engine: Engine, minute: float) -> list[tuple[str, int, ReasonCode]]:
    found = engine.hand_back("giennois", now=later(minute))
    return [(one.slot, one.seats, one.reason.code) for one in found]


@pytest.mark.parametrize(
    ("minute", "back"), [(119, []), (120, [("slot1", 1, TIME)]), (180, [("slot1", 1, TIME)])]
)
def test_two_hours_before_its_start_a_seat_goes_back(
    store: SqlStore, minute: float, back: list[Any]
) -> None:
    assert given(desk(store), minute) == back


def test_the_policy_says_how_long_before(store: SqlStore) -> None:
    engine = desk(store, handback=Handback(before=timedelta(minutes=30)))
    assert given(engine, 209) == []
    assert given(engine, 210) == [("slot1", 1, TIME)]


@pytest.mark.parametrize("due", [60, 200])
def test_a_slots_own_instant_counts_instead(store: SqlStore, due: int) -> None:
    engine = desk(store, [slot(after_minutes=240, handback_at=later(due))])
    assert given(engine, due - 1) == []
    assert given(engine, due) == [("slot1", 1, TIME)]


def test_what_went_back_is_closed_and_told_once(store: SqlStore) -> None:
    engine = desk(store)
    assert given(engine, 120) == [("slot1", 1, TIME)]
    assert given(engine, 121) == []
    assert store.read(lambda unit: unit.slot("slot1")).state is SlotState.HANDED_BACK
    assert engine.offers(_referred(engine, 121), now=later(121)) == []
    told = [event for event in engine.events() if event.kind == "slot.handed_back"]
    assert [(one.slot, one.why) for one in told] == [("slot1", TIME.value)]


def _referred(engine: Engine, minute: float) -> str:
    who = referral("1", received_at=later(minute), deadline=later(1_440))
    return engine.refer(who, now=later(minute)).referral


def test_a_slot_that_has_begun_is_left_alone(store: SqlStore) -> None:
    assert given(desk(store), 241) == []


def test_a_confirmed_seat_never_goes_back(store: SqlStore) -> None:
    engine = desk(store)
    engine.place(referral("1"), now=NOW, confirm=True)
    assert given(engine, 120) == []


def test_a_held_seat_goes_back_only_once_its_hold_ran_out(store: SqlStore) -> None:
    engine = desk(store)
    who = referral("1", received_at=later(118), deadline=later(1_440))
    engine.place(who, now=later(118))
    assert given(engine, 122) == []
    assert given(engine, 123) == [("slot1", 1, TIME)]


def test_a_promised_seat_never_goes_back(store: SqlStore) -> None:
    engine = desk(store)
    engine.refer(referral("1"), now=NOW)
    engine.plan("giennois", now=NOW)
    assert engine.booking_of(referral("1").id, now=NOW) is not None
    assert given(engine, 120) == []


def test_the_other_seats_of_a_slot_go_back_without_the_one_that_is_taken(store: SqlStore) -> None:
    engine = desk(store, [slot(after_minutes=240, capacity=3)])
    engine.place(referral("1"), now=NOW, confirm=True)
    assert given(engine, 120) == [("slot1", 2, TIME)]
    assert given(engine, 121) == []
    assert engine.booking_of(referral("1").id, now=later(121)) is not None


def test_a_neighbours_slot_is_not_ours_to_give_back(store: SqlStore) -> None:
    engine = desk(store)
    share_from_neighbour(engine)
    assert given(engine, 599) == []
    store_of_neighbour = engine.hand_back("senart", now=later(599))
    assert [one.slot for one in store_of_neighbour] == ["neighbour"]


# --- for its price ---

OWN = Handback(own_value=500)


@pytest.mark.parametrize(("cost", "back"), [(499, True), (500, False), (501, False)])
def test_a_seat_below_the_practices_own_value_goes_back(
    store: SqlStore, cost: int, *, back: bool
) -> None:
    engine = desk(store, pricing=Pricing(), handback=OWN)
    price(engine, store, slot1=cost)
    assert given(engine, 1) == ([("slot1", 1, PRICE)] if back else [])


def test_its_reason_has_both_figures(store: SqlStore) -> None:
    engine = desk(store, pricing=Pricing(), handback=OWN)
    price(engine, store, slot1=70)
    (found,) = engine.hand_back("giennois", now=NOW)
    assert found.reason.figures == {"price": 70, "own": 500}


def test_without_an_own_value_nothing_goes_back_for_its_price(store: SqlStore) -> None:
    engine = desk(store, pricing=Pricing())
    price(engine, store, slot1=0)
    assert given(engine, 1) == []


@pytest.mark.parametrize(
    "changes",
    [
        {"valid_until": later(1)},
        {"policy_digest": "1" * 32},
        {"expected": 0.0},
    ],
    ids=["stale", "other rules", "nothing expected"],
)
def test_prices_that_do_not_serve_give_nothing_back(
    store: SqlStore, changes: dict[str, Any]
) -> None:
    engine = desk(store, pricing=Pricing(), handback=OWN)
    save(store, price_set(engine.policy("giennois"), {"slot1": 0}, **changes))
    assert given(engine, 1) == []


def test_without_prices_nothing_goes_back_for_them(store: SqlStore) -> None:
    assert given(desk(store, pricing=Pricing(), handback=OWN), 1) == []


def test_a_neighbours_price_gives_nothing_back(store: SqlStore) -> None:
    slots = [slot(after_minutes=240), slot("beside", after_minutes=255)]
    engine = desk(store, slots, pricing=Pricing(), handback=OWN)
    price(engine, store, slot1=0)
    assert given(engine, 1) == [("slot1", 1, PRICE)]


def test_a_slot_that_is_not_open_yet_is_not_given_back_for_its_price(store: SqlStore) -> None:
    slots = [slot(after_minutes=240, opens_at=later(30))]
    engine = desk(store, slots, pricing=Pricing(), handback=OWN)
    price(engine, store, slot1=0)
    assert given(engine, 29) == []
    assert given(engine, 30) == [("slot1", 1, PRICE)]
