"""Seat prices at the counter: computed, stored, and what stands in where they don't serve."""

from datetime import timedelta
from typing import Any

import pytest
from builders import NOW, TOWN, patient, policy, practitioner, price_set, referral, slot
from counter import counter, later, save

from slotengine.codes import Priority, ReferralState, SourceKind
from slotengine.counter_rules import Commune, Pricing, PromiseRules, Reserve
from slotengine.engine import Engine
from slotengine.errors import TokenError
from slotengine.pricing import Neighbours, is_current, priced, stale_supply
from slotengine.reasons import ReasonCode
from slotengine.store import SqlStore
from slotengine.tokens import read_token


def with_prices(store: SqlStore, prices: dict[str, int], *slots: Any, **changes: Any) -> Engine:
    engine = counter(store, *slots)
    found = price_set(engine.policy("giennois"), prices, **changes)
    save(store, found)
    return engine


def offered(engine: Engine, *, now: Any = NOW, **changes: Any) -> Any:
    engine.refer(referral(**changes), now=NOW)
    return engine.offers(referral(**changes).id, now=now)


def codes(offer: Any) -> list[ReasonCode]:
    return [one.code for one in offer.reasons]


# --- prices on offers ---


@pytest.mark.parametrize(("price", "is_offered"), [(9_646, True), (9_647, False)])
def test_a_promise_moves_at_the_price_of_where_it_goes_even_past_the_asker_s_deadline(
    store: SqlStore, price: int, *, is_offered: bool
) -> None:
    """The asker could not have the later seat, but its price is what the move costs others."""
    rules = PromiseRules(priorities=(Priority.ROUTINE,))
    engine = counter(store, slot("soon"), slot("later", after_minutes=180), promises=rules)
    engine.place(referral("A", priority=Priority.ROUTINE, patient=patient("A")), now=NOW)
    found = price_set(engine.policy("giennois"), {"later": price})
    save(store, found)
    offers = offered(engine, deadline=later(150))
    # 120 of 150 min: 45 past the half of 75, so 2 * (120 + 45 * 45 // 75) = 294; A waits 60 more.
    assert [(one.slot, one.cost, one.price) for one in offers] == (
        [("soon", 294, 60 + price)] if is_offered else []
    )


def test_an_offer_shows_value_cost_and_price_and_names_their_set(store: SqlStore) -> None:
    engine = with_prices(store, {"soon": 500, "later": 100})
    first, second = offered(engine)
    # Urgent is worth 10,000. Waiting costs 2 a minute, 120 or 180 of them: nothing more in the
    # first half of the deadline.
    assert (first.slot, first.value, first.cost, first.price) == ("later", 10_000, 360, 100)
    assert (second.slot, second.value, second.cost, second.price) == ("soon", 10_000, 240, 500)
    assert (first.score, second.score) == (9_540, 9_260)
    assert (first.price_set, first.reasons) == ("giennois:one", ())
    assert read_token(first.token).price_set == "giennois:one"


@pytest.mark.parametrize(("price", "is_offered"), [(9_760, True), (9_761, False)])
def test_a_seat_is_offered_down_to_a_score_of_zero(store: SqlStore, price, is_offered) -> None:
    engine = with_prices(store, {"soon": price, "later": 20_000})
    assert [one.slot for one in offered(engine)] == (["soon"] if is_offered else [])


def test_who_finds_only_kept_seats_waits_and_is_told_so(store: SqlStore) -> None:
    engine = with_prices(store, {"soon": 20_000, "later": 20_000})
    placed = engine.place(referral(), now=NOW)
    assert (placed.state, placed.booking) == (ReferralState.WAITING, None)
    assert [one.code for one in placed.reasons] == [ReasonCode.KEPT]
    # A more urgent one is worth 20,000 less its cost: one seat is cheaper than that.
    engine = with_prices(
        store,
        {"soon": 15_000, "later": 15_000},
        id="giennois:two",
        computed_at=NOW + timedelta(seconds=1),
    )
    asap = referral("2", priority=Priority.ASAP)
    assert engine.place(asap, now=later(1)).booking is not None


def test_a_hold_never_asks_the_price_again(store: SqlStore) -> None:
    engine = with_prices(store, {"soon": 0, "later": 0})
    first, _ = offered(engine)
    dearer = price_set(
        engine.policy("giennois"),
        {"soon": 50_000, "later": 50_000},
        id="giennois:two",
        computed_at=later(1),
        valid_until=later(121),
    )
    store.write(lambda unit: unit.save_prices(dearer), now=later(1))
    assert engine.offers(referral().id, now=later(2)) == []
    assert engine.hold(first, now=later(2)).slot == first.slot


def test_a_token_with_prices_of_another_territory_is_refused(store: SqlStore) -> None:
    engine = with_prices(store, {"soon": 0, "later": 0})
    first, _ = offered(engine)
    forged = read_token(first.token).replaced(price_set="senart:one").text()
    with pytest.raises(TokenError, match="another territory"):
        engine.hold(forged, now=NOW)
    older = read_token(first.token).replaced(price_set="giennois:older").text()
    assert engine.hold(older, now=NOW).slot == first.slot


# --- what stands in ---


def test_without_prices_the_reserve_stands_in_and_says_so(store: SqlStore) -> None:
    engine = counter(store)
    found = offered(engine)
    # One free seat in each half-day: 15 % of one is no whole seat, so nothing is kept.
    assert [(one.price, one.price_set, codes(one)) for one in found] == [
        (0, None, [ReasonCode.PRICES_MISSING])
    ] * 2


def test_the_reserve_keeps_seats_from_the_less_urgent_only(store: SqlStore) -> None:
    engine = counter(
        store,
        slot("first", after_minutes=60),
        slot("second", after_minutes=120),
        reserve=Reserve(stat=0, asap=0, urgent=0.5),
    )
    # One of the two seats of this morning is kept from routine: the soonest.
    placed = engine.place(referral("1", priority=Priority.ROUTINE), now=NOW)
    assert placed.booking is not None
    assert placed.booking.slot == "second"
    urgent = engine.place(referral("2"), now=NOW)
    assert urgent.booking is not None
    assert urgent.booking.slot == "first"


def test_a_whole_reserve_keeps_every_seat_and_the_answer_says_kept(store: SqlStore) -> None:
    engine = counter(store, reserve=Reserve(stat=0, asap=0, urgent=1))
    kept = engine.place(referral("1", priority=Priority.ROUTINE), now=NOW)
    assert [one.code for one in kept.reasons] == [ReasonCode.KEPT, ReasonCode.PRICES_MISSING]
    assert engine.place(referral("2"), now=NOW).booking is not None


@pytest.mark.parametrize(("minutes", "stale"), [(119, False), (120, True), (200, True)])
def test_prices_are_stale_at_the_very_end_of_their_time(store: SqlStore, minutes, stale) -> None:
    engine = with_prices(store, {"late": 100}, slot("late", after_minutes=600))
    (offer,) = offered(engine, now=later(minutes))
    assert offer.price == (0 if stale else 100)
    assert codes(offer) == ([ReasonCode.PRICES_STALE] if stale else [])
    if stale:
        assert offer.reasons[0].figures == {"hours": minutes // 60}
        assert offer.price_set is None


def test_prices_of_another_policy_version_do_not_serve(store: SqlStore) -> None:
    engine = with_prices(store, {"soon": 100, "later": 100})
    engine.set_policy(policy(version=2), now=NOW)
    assert {tuple(codes(one)) for one in offered(engine)} == {(ReasonCode.PRICES_OTHER_POLICY,)}


def test_where_nothing_is_expected_nothing_is_kept_and_offers_say_so(store: SqlStore) -> None:
    engine = with_prices(store, {"soon": 0, "later": 0}, expected=0.0)
    found = offered(engine, priority=Priority.ROUTINE)
    assert {(one.price, tuple(codes(one))) for one in found} == {(0, (ReasonCode.NO_FORECAST,))}


def test_a_policy_without_prices_keeps_nothing_and_says_nothing(store: SqlStore) -> None:
    engine = counter(
        store, pricing=Pricing(enabled=False), reserve=Reserve(stat=1, asap=0, urgent=0)
    )
    assert engine.reprice("giennois", now=NOW) is None
    found = offered(engine)
    assert [(one.price, one.price_set, one.reasons) for one in found] == [(0, None, ())] * 2


def test_a_new_slot_takes_the_price_of_its_neighbours(store: SqlStore) -> None:
    engine = with_prices(
        store,
        {"a": 10, "b": 21, "other": 1_000},
        slot("a", after_minutes=60),  # 10 h in Paris
        slot("b", after_minutes=90),
        slot("other", after_minutes=300, practitioner="d2", site="s1"),  # 14 h
    )
    engine.publish(
        "giennois",
        practitioners=[practitioner("d3")],
        slots=[
            slot("same-half-day", after_minutes=150),
            slot("same-hour", after_minutes=315, practitioner="d3"),
            slot("alone", after_minutes=480, practitioner="d3"),
        ],
        now=NOW,
    )
    rules = engine.policy("giennois")

    def asked(unit: Any) -> Any:
        window = _day()
        return priced(unit, rules, unit.slots("giennois", window), now=NOW)

    found = store.read(asked, now=NOW)
    # Means in whole minutes, halves up: (10 + 21) / 2; d2's at 14 h; (10 + 21 + 1,000) / 3.
    assert found.prices["same-half-day"] == 16
    assert found.prices["same-hour"] == 1_000
    assert found.prices["alone"] == 344
    borrowed = {id_: [one.code for one in found.reasons_of(id_)] for id_ in found.prices}
    assert borrowed["alone"] == [ReasonCode.PRICE_OF_NEIGHBOURS]
    assert borrowed["a"] == []


def _day() -> Any:
    from slotengine.domain import TimeWindow

    return TimeWindow(start=NOW, end=later(24 * 60))


def test_a_set_without_any_price_prices_nothing(store: SqlStore) -> None:
    engine = with_prices(store, {})
    assert {tuple(codes(one)) for one in offered(engine)} == {(ReasonCode.PRICES_MISSING,)}
    found = price_set(engine.policy("giennois"), {})
    assert not is_current(found, engine.policy("giennois"), now=NOW)


# --- new prices ---


@pytest.mark.parametrize(
    ("share", "stale"),
    [(0.5, True), (0.51, False)],
)
def test_a_large_change_of_free_seats_asks_for_new_prices(store: SqlStore, share, stale) -> None:
    engine = counter(store, pricing=Pricing(large_change=share))
    found = price_set(engine.policy("giennois"), {"soon": 1, "later": 1})
    save(store, found)

    def asked() -> bool:
        return store.read(
            lambda unit: stale_supply(unit, unit.policy("giennois"), now=later(1)), now=later(1)
        )

    assert not asked()
    engine.place(referral(), now=later(1))  # one of two
    assert asked() is stale


def test_seats_that_come_count_like_seats_that_go(store: SqlStore) -> None:
    engine = counter(store, pricing=Pricing(large_change=1.0))
    found = price_set(engine.policy("giennois"), {"soon": 1, "later": 1})
    save(store, found)

    def asked() -> bool:
        return store.read(
            lambda unit: stale_supply(unit, unit.policy("giennois"), now=later(1)), now=later(1)
        )

    engine.place(referral(), now=later(1))
    assert not asked()
    engine.publish("giennois", slots=[slot("new", after_minutes=400)], now=later(1))
    assert asked()


def test_missing_prices_are_wanted_and_unwanted_ones_are_not_missing(store: SqlStore) -> None:
    counter(store)

    def asked() -> bool:
        return store.read(
            lambda unit: stale_supply(unit, unit.policy("giennois"), now=NOW), now=NOW
        )

    assert asked()
    counter(store, version=2, pricing=Pricing(enabled=False))
    assert not asked()


HERE = Commune(insee="44114", inhabitants=20_000, location=TOWN)


def test_reprice_prices_every_free_seat_under_this_very_policy(store: SqlStore) -> None:
    engine = counter(store, communes=(HERE,), pricing=Pricing(futures=3))
    found = engine.reprice("giennois", now=NOW)
    assert found is not None
    assert engine.prices("giennois") == found
    assert found.id.startswith("giennois:")
    assert [one.slot for one in found.prices] == ["later", "soon"]
    assert (found.policy_digest, found.free_seats) == (engine.policy("giennois").digest, 2)
    assert (found.computed_at, found.valid_until) == (NOW, NOW + timedelta(hours=2))
    assert found.expected > 0
    # Some 20 referrals for two seats: both are worth something to who comes later.
    assert min(one.price for one in found.prices) > 0
    priced_at = {one.slot: one.price for one in found.prices}
    stat = {"priority": Priority.STAT, "source": SourceKind.SAMU}
    found_offers = offered(engine, **stat)
    assert found_offers != []
    for offer in found_offers:
        assert (offer.price_set, offer.price) == (found.id, priced_at[offer.slot])


def test_the_same_seed_gives_the_same_prices_and_id(store: SqlStore) -> None:
    engine = counter(store, communes=(HERE,), pricing=Pricing(futures=3))
    first = engine.reprice("giennois", now=NOW, seed=5)
    assert engine.reprice("giennois", now=NOW, seed=5) == first


def test_prices_do_not_depend_on_the_prices_before(store: SqlStore) -> None:
    engine = counter(store, communes=(HERE,), pricing=Pricing(futures=3))
    engine.refer(referral(), now=NOW)
    first = engine.reprice("giennois", now=NOW)
    again = engine.reprice("giennois", now=NOW)
    assert first is not None
    assert again is not None
    assert again.prices == first.prices


def test_a_territory_without_history_or_communes_expects_nobody(store: SqlStore) -> None:
    engine = counter(store)
    found = engine.reprice("giennois", now=NOW)
    assert found is not None
    assert (found.expected, found.days_seen) == (0, 0)
    assert {one.price for one in found.prices} == {0}
    assert {tuple(codes(one)) for one in offered(engine)} == {(ReasonCode.NO_FORECAST,)}


def test_zero_seats_are_priced_to_an_empty_set(store: SqlStore) -> None:
    engine = counter(store, slot("only"), communes=(HERE,), pricing=Pricing(futures=2))
    engine.withdraw(["only"], reason="ill", now=NOW)
    found = engine.reprice("giennois", now=NOW)
    assert found is not None
    assert (found.prices, found.free_seats) == ((), 0)
    placed = engine.place(referral(), now=NOW)
    assert placed.reasons[0].code is ReasonCode.NO_FREE_SEAT


def test_a_promised_seat_is_taken_in_every_future(store: SqlStore) -> None:
    from slotengine import repricing

    engine = counter(store, communes=(HERE,), pricing=Pricing(futures=4))
    routine = referral("A", priority=Priority.ROUTINE, patient=patient("A"))
    engine.refer(routine, now=NOW)
    engine.promise(routine.id, now=NOW)
    engine.refer(referral("B", priority=Priority.ROUTINE), now=NOW)
    found = repricing.reprice(store, "giennois", now=NOW, seed=1)
    assert found is not None
    assert set(found.served) == {referral("B").id}
    (witness,) = store.read(lambda unit: unit.open_promises("giennois"), now=NOW)
    assert witness.slot.id not in {one.slot for one in found.prices.prices}


# --- means of neighbours ---


def test_neighbours_are_the_practitioner_s_half_day_then_the_profession_s_hour_then_all() -> None:
    near = [
        (slot("mine"), 2),
        (slot("mine-too", after_minutes=135), 3),
        (slot("of-another", practitioner="d2"), 100),
        (slot("in-days", after_minutes=3 * 1440, practitioner="d2"), 1_000),
    ]
    doctors = [practitioner(), practitioner("d2"), practitioner("d3")]
    found = Neighbours(policy().zone, doctors, near, [price for _, price in near])
    # 2 and 3: half of a minute rounded up. 2, 3 and 100 in one hour: 35. All four: 276.25.
    assert found.price_of(slot("new")) == 3
    assert found.price_of(slot("new", practitioner="d3")) == 35
    assert found.price_of(slot("new", after_minutes=6 * 1440, practitioner="d3")) == 276
