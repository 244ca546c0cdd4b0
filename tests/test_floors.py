"""
A class that a floor names at the counter: nothing is kept from it while it is short.

Routine is worth 5,000, urgent 10,000; every seat here costs 50,000 where prices are set, so that
without a floor nobody has one.
"""

from datetime import timedelta
from typing import Any

import pytest
from builders import NOW, TOWN, patient, policy, referral, slot
from counter import counter, later
from test_engine_pricing import codes, price_set

from slotengine import repricing
from slotengine.codes import BookingStatus, Priority, ReferralState
from slotengine.counter_rules import PromiseRules, Reserve
from slotengine.domain import Referral, TimeWindow
from slotengine.engine import Engine
from slotengine.floors import FLOOR_DAYS, FLOOR_MARGIN, Floors, aim, is_short
from slotengine.labels import Lang
from slotengine.reasons import ReasonCode
from slotengine.side_constraints import Floor
from slotengine.store import SqlStore

ROUTINE, URGENT = Priority.ROUTINE, Priority.URGENT
DEAR = 50_000
WEEK = timedelta(days=7)
INSTANT = timedelta(microseconds=1)
AFTER_OWN = later(10)
"""When a seat published at ``NOW`` is anybody's."""


MARGIN = 2
"""Points above a floor that are aimed at."""


def floor(aimed: int = 50, **whom: Any) -> Floor:
    """Gives the floor for which so many percent are aimed at."""
    return Floor(percent=aimed - MARGIN, **(whom or {"priority": ROUTINE}))


def desk(
    store: SqlStore, *floors: Floor, price: int = DEAR, seats: int = 6, **rules: Any
) -> Engine:
    slots = [slot(f"s{at}", after_minutes=120 + 15 * at) for at in range(seats)]
    engine = counter(store, *slots, floors=floors, **rules)
    prices = price_set(engine.policy("giennois"), {one.id: price for one in slots})
    store.write(lambda unit: unit.save_prices(prices), now=NOW)
    return engine


def asks(name: str, **changes: Any) -> Referral:
    """A routine patient of commune 44114."""
    home = changes.pop("home", TOWN)
    return referral(
        name,
        **{
            "priority": ROUTINE,
            "deadline": NOW + timedelta(hours=48),
            "patient": patient(f"p{name}", location=home),
            **changes,
        },
    )


def placed(engine: Engine, *names: str, **changes: Any) -> list[bool]:
    return [engine.place(asks(one, **changes), now=NOW).booking is not None for one in names]


# --- when a class is short ---


@pytest.mark.parametrize(
    ("aimed", "asked", "served", "short"),
    [
        (50, 1, 0, True),
        (50, 2, 1, False),
        (50, 3, 1, True),
        (100, 3, 2, True),
        (100, 3, 3, False),
        (67, 3, 2, True),
        (66, 3, 2, False),
        (3, 100, 3, False),
        (3, 101, 3, True),
        (50, 0, 0, False),
    ],
)
def test_a_class_is_short_up_to_exactly_what_is_aimed_at(aimed, asked, served, short) -> None:
    assert is_short(floor(aimed), asked, served) is short


@pytest.mark.parametrize(("percent", "aimed"), [(1, 3), (50, 52), (98, 100), (99, 100), (100, 100)])
def test_a_little_more_than_the_floor_is_aimed_at_and_never_more_than_all(
    percent: int, aimed: int
) -> None:
    assert aim(Floor(percent=percent, priority=ROUTINE)) == aimed


def test_quotas_follow_the_floors_of_the_policy_and_count_what_was_served_since() -> None:
    unit = Counted(**{"any": (3, 1), "44114": (2, 2)})
    floors = Floors(unit, policy(floors=(floor(50), floor(60, insee="44114"))), now=NOW)
    assert floors.quotas() == ((50, 3, 1), (60, 2, 2))
    floors.serve(asks("1"))
    assert floors.quotas() == ((50, 3, 2), (60, 2, 3))
    assert len(unit.asked) == 2
    assert Floors(unit, policy(), now=NOW).quotas() == ()


class Counted:
    """Knows shares, and writes down what it was asked."""

    def __init__(self, **shares: tuple[int, int]) -> None:
        self.shares = shares
        self.asked: list[tuple[Any, ...]] = []

    def served_share(self, *of: Any) -> tuple[int, int]:
        self.asked.append(of)
        return self.shares[of[2] or "any"]


def test_the_store_is_asked_once_a_floor_and_only_about_whom_it_names() -> None:
    unit = Counted(any=(3, 1))
    floors = Floors(unit, policy(floors=(floor(50),)), now=NOW)
    assert floors.short(asks("1", priority=Priority.URGENT)) is None
    assert unit.asked == []
    assert floors.short(asks("1")) == floor(50)
    floors.serve(asks("1"))
    assert floors.short(asks("2")) is None
    assert unit.asked == [("giennois", ROUTINE, None, NOW - WEEK)]
    assert (FLOOR_DAYS, FLOOR_MARGIN) == (7, MARGIN)


def test_one_of_several_floors_that_is_short_is_enough() -> None:
    unit = Counted(**{"any": (2, 1), "44114": (2, 0)})
    both = (floor(50), floor(60, insee="44114"))
    floors = Floors(unit, policy(floors=both), now=NOW)
    assert floors.short(asks("1")) == both[1]
    assert floors.short(asks("1", home=TOWN.replaced(insee="44115"))) is None
    # Both count the one that is served: 1 of 2 is less than 60 %, 2 of 2 is not.
    floors.serve(asks("1"))
    assert floors.short(asks("2")) == both[1]
    floors.serve(asks("2"))
    assert floors.short(asks("3")) is None


def test_who_waits_longer_than_the_days_that_count_asks_all_the_same() -> None:
    rules = policy(floors=(floor(50),))
    for age, short in ((WEEK, False), (WEEK + INSTANT, True)):
        floors = Floors(Counted(any=(2, 1)), rules, now=NOW)
        old = asks("1", received_at=NOW - age, deadline=NOW)
        assert (floors.short(old) is not None) is short
    # 2 asked and itself, 1 served and itself: 2 of 3.
    floors.serve(old)
    assert floors.short(old) is None


# --- prices ---


def test_a_class_is_given_seats_at_any_price_up_to_its_share(store: SqlStore) -> None:
    """After n came, half of n rounded up have a seat; at exactly half prices rule again."""
    engine = desk(store, floor(50))
    assert placed(engine, *"12345") == [True, False, True, False, True]


def test_without_a_floor_or_for_others_prices_rule(store: SqlStore) -> None:
    plain = desk(store)
    assert placed(plain, "1") == [False]


def test_a_floor_of_others_keeps_nothing_open(store: SqlStore) -> None:
    engine = desk(store, floor(100, priority=Priority.URGENT), floor(100, insee="44115"))
    (refused,) = [engine.place(asks("1"), now=NOW)]
    assert [one.code for one in refused.reasons] == [ReasonCode.KEPT]
    assert placed(engine, "2", home=TOWN.replaced(insee="44115")) == [True]
    assert placed(engine, "3", home=TOWN.replaced(insee=None)) == [False]


def test_an_offer_that_stands_only_for_a_floor_says_so_and_comes_last(store: SqlStore) -> None:
    engine = counter(store, slot("dear"), slot("cheap", after_minutes=300), floors=(floor(50),))
    prices = price_set(engine.policy("giennois"), {"dear": DEAR, "cheap": 4_700})
    store.write(lambda unit: unit.save_prices(prices), now=NOW)
    engine.refer(asks("1"), now=NOW)
    cheap, dear = engine.offers(asks("1").id, now=NOW)
    # 5,000 - 300 - 4,700 is exactly nothing: that seat needs no floor.
    assert (cheap.slot, cheap.score, codes(cheap)) == ("cheap", 0, [])
    assert (dear.slot, dear.score, codes(dear)) == ("dear", 5_000 - 120 - DEAR, [ReasonCode.FLOOR])
    assert dear.reasons[0].text(Lang.EN) == (
        "In 7 days fewer than 50 % of such referrals had a seat: nothing is kept."
    )
    assert engine.hold(dear, now=later(1)).slot == "dear"


def test_a_seat_taken_for_a_floor_is_the_one_that_others_want_least(store: SqlStore) -> None:
    engine = counter(store, slot("soon"), slot("late", after_minutes=600), floors=(floor(50),))
    prices = price_set(engine.policy("giennois"), {"soon": DEAR, "late": DEAR - 1_000})
    store.write(lambda unit: unit.save_prices(prices), now=NOW)
    given = engine.place(asks("1"), now=NOW)
    assert given.offer is not None
    assert (given.offer.slot, codes(given.offer)) == ("late", [ReasonCode.FLOOR])


@pytest.mark.parametrize(("age", "given"), [(WEEK, False), (WEEK + INSTANT, True)])
def test_what_came_longer_ago_is_forgotten(store: SqlStore, age: Any, given: bool) -> None:  # noqa: FBT001  a case
    """One came a week ago and was served: with it the newcomer is one of two, else the first."""
    engine = desk(store, floor(50))
    engine.set_policy(policy(floors=(floor(50),), version=2), now=NOW - age)
    before = asks("1", received_at=NOW - age)
    assert engine.place(before, now=NOW).booking is not None
    renew(engine, store)
    assert placed(engine, "2") == [given]


def renew(engine: Engine, store: SqlStore) -> None:
    rules = engine.policy("giennois")
    prices = price_set(rules, {f"s{at}": DEAR for at in range(6)}, id="giennois:two")
    store.write(lambda unit: unit.save_prices(prices), now=NOW)


def test_a_hold_that_ran_out_was_no_seat(store: SqlStore) -> None:
    engine = desk(store, floor(50))
    first = engine.place(asks("1"), now=NOW)
    assert first.booking is not None
    # The hold runs out five minutes later: then none of the two before it is served.
    assert placed(engine, "2") == [False]
    assert engine.place(asks("3"), now=later(5)).booking is not None


@pytest.mark.parametrize(("floors", "seated"), [((), URGENT), ((floor(50),), ROUTINE)])
def test_new_prices_are_made_as_if_a_class_that_falls_short_were_worth_more(
    store: SqlStore, floors: tuple[Floor, ...], seated: Priority
) -> None:
    """One seat, and one of each waits: one of one is short of half, so the futures seat it."""
    engine = counter(store, slot("s0"), floors=floors)
    waits = {one: asks(str(at), priority=one) for at, one in enumerate((ROUTINE, URGENT), start=1)}
    for one in waits.values():
        engine.refer(one, now=NOW)
    market = store.read(
        lambda unit: repricing.load_market(unit, "giennois", now=NOW, matrix=None), now=NOW
    )
    assert market.quotas == tuple((50, 1, 0) for _ in floors)
    found = repricing.price_set(market, now=NOW, seed=0)
    assert {one for one, who in waits.items() if found.served[who.id] == 1} == {seated}
    # Urgent is worth 10,000 less 240 of waiting; who has its seat instead is worth as much.
    assert [10_000 - 240 <= one.price <= 10_000 - 160 for one in found.prices.prices] == [True]


# --- the reserve ---


def test_the_reserve_keeps_nothing_from_a_class_that_is_short(store: SqlStore) -> None:
    engine = counter(
        store,
        slot("first", after_minutes=60),
        slot("second", after_minutes=120),
        reserve=Reserve(stat=0, asap=0, urgent=1),
        floors=(floor(50),),
    )
    given = engine.place(asks("1"), now=NOW)
    assert given.offer is not None
    assert codes(given.offer) == [ReasonCode.PRICES_MISSING, ReasonCode.FLOOR]
    refused = engine.place(asks("2"), now=NOW)
    assert [one.code for one in refused.reasons] == [ReasonCode.KEPT, ReasonCode.PRICES_MISSING]


def test_what_the_reserve_leaves_says_nothing_of_a_floor(store: SqlStore) -> None:
    engine = counter(
        store,
        slot("first", after_minutes=60),
        slot("second", after_minutes=120),
        reserve=Reserve(stat=0, asap=0, urgent=0.5),
        floors=(floor(50),),
    )
    engine.refer(asks("1"), now=NOW)
    found = {one.slot: codes(one) for one in engine.offers(asks("1").id, now=NOW)}
    missing = ReasonCode.PRICES_MISSING
    assert found == {"first": [missing, ReasonCode.FLOOR], "second": [missing]}


# --- promises ---

PROMISED = PromiseRules(priorities=(ROUTINE,), notice=timedelta(hours=1))


def test_a_class_that_is_short_is_promised_seats_and_told_why(store: SqlStore) -> None:
    engine = desk(store, floor(50), promises=PROMISED)
    given = engine.place(asks("1"), now=NOW)
    assert given.promise is not None
    assert [one.code for one in given.reasons] == [ReasonCode.PROMISED, ReasonCode.FLOOR]
    refused = engine.place(asks("2"), now=NOW)
    assert (refused.booking, [one.code for one in refused.reasons]) == (None, [ReasonCode.KEPT])
    again = engine.promise(asks("2").id, now=NOW)
    assert (again.booking, again.state) == (None, ReferralState.WAITING)
    engine.refer(asks("3"), now=NOW)
    assert engine.promise(asks("3").id, now=NOW).promise is not None


def test_a_promise_within_its_price_says_nothing_of_a_floor(store: SqlStore) -> None:
    engine = desk(store, floor(50), price=100, promises=PROMISED)
    given = engine.place(asks("1"), now=NOW)
    assert [one.code for one in given.reasons] == [ReasonCode.PROMISED]


def test_a_promised_seat_is_freed_for_a_class_that_is_short(store: SqlStore) -> None:
    """The one seat by noon is promised to somebody who may as well have the dear one after it."""
    slots = (slot("soon"), slot("late", after_minutes=600))
    engine = counter(store, *slots, floors=(floor(50, insee="44115"),), promises=PROMISED)
    free = price_set(engine.policy("giennois"), {"soon": 0, "late": 0})
    store.write(lambda unit: unit.save_prices(free), now=NOW)
    first = engine.place(asks("1"), now=NOW)
    assert first.booking is not None
    assert first.booking.slot == "soon"
    dear = price_set(
        engine.policy("giennois"),
        {"soon": DEAR, "late": DEAR},
        id="giennois:two",
        computed_at=later(1),
        valid_until=later(121),
    )
    store.write(lambda unit: unit.save_prices(dear), now=later(1))
    by_noon = TimeWindow(start=NOW, end=later(200))
    hurried: dict[str, Any] = {"windows": (by_noon,), "priority": Priority.URGENT}
    assert engine.place(asks("2", **hurried), now=later(1)).booking is None
    named = asks("3", home=TOWN.replaced(insee="44115"), **hurried)
    given = engine.place(named, now=later(1))
    assert given.offer is not None
    assert (given.offer.slot, codes(given.offer)) == ("soon", [ReasonCode.FLOOR])
    # An hour of waiting costs the holder 60, and "late" is 8 hours later.
    assert given.offer.price == DEAR + 480
    moved = store.read(lambda unit: unit.active_bookings(["late"]), now=later(1))
    assert [(one.referral, one.status) for one in moved] == [(asks("1").id, BookingStatus.PROMISED)]


# --- the refill ---


@pytest.mark.parametrize(("percent", "held"), [(33, 1), (34, 2), (66, 2), (67, 3), (100, 3)])
def test_a_freed_seat_is_held_at_any_price_up_to_the_share(
    store: SqlStore, percent: int, held: int
) -> None:
    """Three wait, nobody was served: a share of three is met at 1, 2 or 3 of them."""
    engine = desk(store, floor(percent))
    for name in "123":
        engine.refer(asks(name, received_at=later(-6)), now=NOW)
    found = engine.refill("giennois", now=AFTER_OWN)
    assert len(found) == held
    assert all(one.gain < 0 for one in found)
    assert engine.refill("giennois", now=AFTER_OWN) == ()


def test_a_refill_without_a_floor_or_for_others_holds_nothing_above_its_price(
    store: SqlStore,
) -> None:
    engine = desk(store, floor(100, priority=Priority.URGENT), floor(100, insee="44115"))
    engine.refer(asks("1", received_at=later(-6)), now=NOW)
    assert engine.refill("giennois", now=AFTER_OWN) == ()


def test_who_pays_the_price_goes_before_who_has_a_floor(store: SqlStore) -> None:
    """One seat at 9,000: urgent is worth 10,000 less 2 * 126, routine 5,000 less 126."""
    engine = desk(store, floor(100), price=9_000, seats=1)
    engine.refer(asks("1", received_at=later(-6)), now=NOW)
    urgent = asks("2", received_at=later(-6), priority=Priority.URGENT)
    engine.refer(urgent, now=NOW)
    (found,) = engine.refill("giennois", now=AFTER_OWN)
    assert (found.referral, found.gain) == (urgent.id, 10_000 - 2 * 126 - 9_000)
