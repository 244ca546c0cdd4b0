"""
What goes wrong at a counter has a clear answer, and nothing is lost by it.

Clocks that go back, forged tokens, prices that don't fit the day. Faults of one verb alone stand
with their verb: ``test_engine_offers`` and ``test_engine_seats`` (offers and holds that ran out),
``test_engine_pricing`` (no history, stale prices), ``test_tending`` (steps that fail).
"""

import base64
import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from builders import NOW, TOWN, patient, policy, practitioner, referral, slot
from counter import counter, later, share_from_neighbour
from counter_model import View, seen
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from slotengine import repricing, waitlist
from slotengine.codes import BookingStatus, Mode, Priority, PromiseState, ReferralState, SourceKind
from slotengine.counter_rules import Commune, Pricing, PromiseRules
from slotengine.domain import TimeWindow
from slotengine.engine import Engine
from slotengine.errors import (
    BookingError,
    ClockError,
    HoldExpiredError,
    StoreBusyError,
    TokenError,
    TransitionError,
)
from slotengine.reasons import ReasonCode
from slotengine.seat_prices import PriceSet
from slotengine.store import SqlStore
from slotengine.tokens import OfferToken, read_token

FREE = Pricing(enabled=False)
TOWNSFOLK = (Commune(insee="44114", inhabitants=3_000, location=TOWN),)
FEW_FUTURES = Pricing(futures=2, horizon=timedelta(hours=12))


def stored(store: SqlStore) -> View:
    """Gives everything that is stored; whether holds ran out is not asked."""
    return store.read(lambda unit: seen(unit._connection, NOW))  # type: ignore[attr-defined] # a look behind the port


# --- a clock that goes back ---

BACK = later(7.9)
"""The clock stood at +10 min; two minutes are tolerated."""
ALL_DAY = TimeWindow(start=NOW, end=later(600))

CHANGING: dict[str, Callable[[Engine, str], Any]] = {
    "publish": lambda engine, _: engine.publish("giennois", slots=[slot("new")], now=BACK),
    "withdraw": lambda engine, _: engine.withdraw(["later"], reason="ill", now=BACK),
    "refer": lambda engine, _: engine.refer(referral("new"), now=BACK),
    "refer_pathway": lambda engine, _: engine.refer_pathway(
        referral("new"), policy().pathways[0].code, now=BACK
    ),
    "amend": lambda engine, _: engine.amend(referral("1", max_travel_metres=0), now=BACK),
    "cancel_referral": lambda engine, _: engine.cancel_referral(
        referral("1").id, reason="recovered", now=BACK
    ),
    "place": lambda engine, _: engine.place(referral("new"), now=BACK),
    "promise": lambda engine, _: engine.promise(referral("2").id, now=BACK),
    "hold": lambda engine, _: engine.hold(
        engine.offers(referral("2").id, now=later(10))[0], now=BACK
    ),
    "confirm": lambda engine, booking: engine.confirm(booking, now=BACK),
    "confirm_or_offer": lambda engine, booking: engine.confirm_or_offer(booking, now=BACK),
    "tell": lambda engine, booking: engine.tell(booking, now=BACK),
    "release": lambda engine, booking: engine.release(booking, now=BACK),
    "cancel": lambda engine, booking: engine.cancel(booking, reason="asked", now=BACK),
    "close": lambda engine, booking: engine.close(booking, BookingStatus.FULFILLED, now=BACK),
    "plan": lambda engine, _: engine.plan("giennois", now=BACK),
    "reprice": lambda engine, _: engine.reprice("giennois", now=BACK),
    "refill": lambda engine, _: engine.refill("giennois", now=BACK),
    "hand_back": lambda engine, _: engine.hand_back("giennois", now=BACK),
    "announce": lambda engine, _: engine.announce("giennois", now=BACK),
    "tend": lambda engine, _: engine.tend("giennois", now=BACK),
    "replace": lambda engine, _: engine.replace("d1", "d2", ALL_DAY, now=BACK),
}


@pytest.mark.parametrize("verb", CHANGING)
def test_a_clock_that_goes_back_changes_nothing(store: SqlStore, verb: str) -> None:
    engine = counter(store, pricing=FREE)
    booking = engine.place(referral("1"), now=NOW).booking
    assert booking is not None
    engine.refer(referral("2"), now=later(10))
    before, events = stored(store), engine.events()
    with pytest.raises(ClockError):
        CHANGING[verb](engine, booking.id)
    assert stored(store) == before
    assert engine.events() == events


# --- an offer confirmed too often, or too late ---


def test_a_seat_that_was_withdrawn_meanwhile_is_not_confirmed_and_its_patient_has_another(
    store: SqlStore,
) -> None:
    engine = counter(store, pricing=FREE)
    engine.refer(referral(), now=NOW)
    held = engine.hold(engine.offers(referral().id, now=NOW)[0], now=NOW)
    assert held.slot == "soon"
    engine.withdraw(["soon"], reason="ill", now=later(1))
    with pytest.raises(TransitionError):
        engine.confirm(held.id, now=later(2))
    present = engine.booking_of(referral().id, now=later(2))
    assert present is not None
    assert (present.slot, present.status) == ("later", BookingStatus.PROMISED)
    assert engine.confirm(present.id, now=later(2)).status is BookingStatus.CONFIRMED


def test_an_offer_held_and_confirmed_twice_is_one_booking(store: SqlStore) -> None:
    engine = counter(store, pricing=FREE)
    engine.refer(referral(), now=NOW)
    (offer, *_) = engine.offers(referral().id, now=NOW)
    first, again = (engine.hold(offer, now=NOW) for _ in range(2))
    assert first == again
    confirmed = [engine.confirm(first.id, now=later(at)) for at in (1, 9)]
    assert confirmed[0] == confirmed[1]
    assert len(stored(store).rows) == 1


def test_a_hold_that_ran_out_and_was_given_to_another_stays_theirs(store: SqlStore) -> None:
    engine = counter(store, slot("only"), pricing=FREE)
    lost = engine.place(referral("1"), now=NOW).booking
    assert lost is not None
    won = engine.place(referral("2"), now=later(5), confirm=True).booking
    assert won is not None
    with pytest.raises(HoldExpiredError):
        engine.confirm(lost.id, now=later(6))
    answer = engine.confirm_or_offer(lost.id, now=later(6))
    assert (answer.state, answer.booking, answer.offers) == (ReferralState.WAITING, None, ())
    assert engine.booking(won.id).status is BookingStatus.CONFIRMED


# --- tokens ---

IDS = st.sampled_from(("soon", "later", "neighbour", "nothing", referral("1").id, referral("2").id))
FIELDS: dict[str, st.SearchStrategy[Any]] = {
    "referral": IDS,
    "slot": IDS,
    "slot_version": st.integers(-1, 3) | st.just(10**30),
    "mode": st.sampled_from([*(one.value for one in Mode), "XX"]),
    "price_set": st.none() | st.sampled_from(("giennois:x", "senart:x", ":", "x", "")),
    "expires_at": st.sampled_from(
        ("2026-11-23T08:00:00Z", "2026-11-23T08:05:00Z", "9999-12-31T23:59:59Z", "soon", "", None)
    ),
    "patient": st.just("p"),
}


def written(fields: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(fields).encode()).rstrip(b"=").decode()


def harmless(engine: Engine, text: str) -> None:
    """Tries a token: it is refused in words, or gives the very seat that its rules would give."""
    before = stored(engine._store)  # type: ignore[arg-type] # SqlStore, as opened here
    try:
        booking = engine.hold(text, now=NOW)
    except (TokenError, BookingError):
        assert stored(engine._store) == before  # type: ignore[arg-type] # as above
        return
    token = read_token(text)
    assert (booking.referral, booking.slot) == (token.referral, token.slot)
    assert booking.slot in {"soon", "later", "neighbour"}
    engine.cancel_referral(booking.referral, reason="test", now=NOW)


@pytest.fixture
def one_counter(store: SqlStore) -> Engine:
    engine = counter(store, pricing=FREE)
    share_from_neighbour(engine)
    for reference in ("1", "2"):
        engine.refer(referral(reference), now=NOW)
    return engine


ON_ONE_COUNTER = settings(
    deadline=None,
    derandomize=True,
    max_examples=60,
    # One counter for all: what a token does is taken back or compared with what was there.
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


@ON_ONE_COUNTER
@given(fields=st.fixed_dictionaries({}, optional=FIELDS))
@example(fields={"referral": referral("1").id, "slot": "soon", "slot_version": 1, "mode": "AMB"})
def test_a_forged_token_gives_no_more_than_the_rules_do(
    one_counter: Engine, fields: dict[str, Any]
) -> None:
    good = OfferToken(
        referral=referral("1").id,
        slot="soon",
        slot_version=1,
        mode=Mode.AMB,
        expires_at=later(5),
    )
    harmless(one_counter, written({**good.model_dump(mode="json"), **fields}))


@ON_ONE_COUNTER
@given(data=st.data(), text=st.text(max_size=40))
def test_a_garbled_token_is_refused_in_words(
    one_counter: Engine, data: st.DataObject, text: str
) -> None:
    good = OfferToken(
        referral=referral("1").id, slot="soon", slot_version=1, mode=Mode.AMB, expires_at=NOW
    ).text()
    cut = data.draw(st.integers(0, len(good) - 1))
    for garbled in (text, good[:cut], good[:cut] + text + good[cut + 1 :]):
        harmless(one_counter, garbled)


def test_a_token_of_another_territorys_counter_gives_nothing(store: SqlStore) -> None:
    engine = counter(store, pricing=FREE)
    share_from_neighbour(engine)
    engine.refer(referral(), now=NOW)
    token = read_token(engine.offers(referral().id, now=NOW)[0].token)
    foreign = token.replaced(price_set="senart:1")
    with pytest.raises(TokenError):
        engine.hold(foreign.text(), now=NOW)
    assert stored(store).rows == {}


# --- nothing there ---


def test_a_territory_without_a_single_seat_answers_everything(store: SqlStore) -> None:
    engine = counter(store, slot("only"), communes=TOWNSFOLK, pricing=FEW_FUTURES)
    engine.withdraw(["only"], reason="ill", now=NOW)
    placed = engine.place(referral("1"), now=NOW)
    assert placed.booking is None
    assert placed.state is ReferralState.WAITING
    assert ReasonCode.NO_FREE_SEAT in {reason.code for reason in placed.reasons}
    assert engine.offers(referral("1").id, now=NOW) == []
    assert engine.promise(referral("1").id, now=NOW).promise is None
    report = engine.plan("giennois", now=NOW)
    assert [one.referral for one in report.plan.unserved] == [referral("1").id]
    prices = engine.reprice("giennois", now=NOW)
    assert prices is not None
    assert (prices.prices, prices.free_seats) == ((), 0)
    (waiting,) = engine.waitlist("giennois", now=NOW)
    assert waiting.chance is not None
    tended = engine.tend("giennois", now=later(1))
    assert (tended.refilled, tended.handed_back, tended.announced) == ((), (), ())


def test_a_territory_without_practitioners_history_or_inhabitants_expects_nobody(
    store: SqlStore,
) -> None:
    engine = Engine(store)
    engine.set_policy(policy(), now=NOW)
    prices = engine.reprice("giennois", now=NOW)
    assert prices is not None
    assert (prices.expected, prices.prices) == (0.0, ())
    assert engine.waitlist("giennois", now=NOW) == ()
    assert engine.tend("giennois", now=NOW).repriced is None
    assert engine.plan("giennois", now=NOW).plan.proved


def test_where_nobody_is_expected_every_seat_is_given(store: SqlStore) -> None:
    """Prices are all there and all 0: the night and the counter keep nothing back."""
    engine = counter(store, slot("only"))
    prices = engine.reprice("giennois", now=NOW)
    assert prices is not None
    assert prices.expected == 0
    routine = referral("1", priority=Priority.ROUTINE)
    engine.refer(routine, now=NOW)
    (offer,) = engine.offers(routine.id, now=NOW)
    assert offer.price == 0
    assert [reason.code for reason in offer.reasons] == [ReasonCode.NO_FORECAST]
    assert engine.plan("giennois", now=NOW).plan.deferred == ()


# --- prices that don't fit the day ---


def priced(store: SqlStore) -> tuple[Engine, PriceSet]:
    engine = counter(store, communes=TOWNSFOLK, pricing=FEW_FUTURES)
    found = engine.reprice("giennois", now=NOW)
    assert found is not None
    assert found.expected > 0
    return engine, found


def test_prices_of_slots_that_are_gone_price_the_slots_that_came_instead(store: SqlStore) -> None:
    engine, found = priced(store)
    engine.withdraw(["soon", "later"], reason="ill", now=NOW)
    engine.publish("giennois", slots=[slot("instead", after_minutes=120)], now=NOW)
    engine.refer(referral(priority=Priority.ASAP), now=NOW)
    (offer,) = engine.offers(referral().id, now=NOW)
    figures = [one.price for one in found.prices]
    assert sorted(one.slot for one in found.prices) == ["later", "soon"]
    # The mean of all, half a minute rounded up: no neighbour of its own is left.
    assert offer.price == (sum(figures) + 1) // 2
    assert offer.price_set == found.id
    assert [reason.code for reason in offer.reasons] == [ReasonCode.PRICE_OF_NEIGHBOURS]
    assert engine.plan("giennois", now=NOW).plan.proved


def test_prices_computed_while_the_policy_changed_are_of_the_old_one_and_say_so(
    store: SqlStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine, _ = priced(store)
    computed = repricing.price_set

    def and_meanwhile(*args: Any, **named: Any) -> Any:
        found = computed(*args, **named)
        rules = engine.policy("giennois").replaced(version=2, max_travel_metres=20_000)
        engine.set_policy(rules, now=NOW)
        return found

    with monkeypatch.context() as patched:
        patched.setattr(repricing, "price_set", and_meanwhile)
        late = engine.reprice("giennois", now=later(1))
    assert late is not None
    asked = referral(source=SourceKind.SAMU, priority=Priority.STAT)
    engine.refer(asked, now=later(1))
    offers = engine.offers(asked.id, now=later(1))
    assert offers != []
    for offer in offers:
        assert (offer.price, offer.price_set) == (0, None)
        assert [reason.code for reason in offer.reasons] == [ReasonCode.PRICES_OTHER_POLICY]
    # The next round notices, and computes them under the rules of today.
    anew = engine.tend("giennois", now=later(2)).repriced
    assert anew not in {None, late.id}
    (offer, *_) = engine.offers(asked.id, now=later(2))
    assert offer.price_set == anew


# --- a round that fails half-way ---


def test_what_a_failed_step_left_undone_is_done_by_the_next_round(
    store: SqlStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = counter(
        store,
        slot("promised", after_minutes=180),
        slot("free", after_minutes=300),
        pricing=FREE,
        promises=PromiseRules(priorities=(Priority.ROUTINE,)),
    )
    engine.place(referral("1", priority=Priority.ROUTINE, deadline=later(200)), now=NOW)
    engine.refer(referral("2", patient=patient("q")), now=NOW)

    def locked(*_: object, **__: object) -> None:
        raise StoreBusyError("locked")

    with monkeypatch.context() as patched:
        patched.setattr(waitlist, "refill", locked)
        with pytest.raises(StoreBusyError):
            engine.tend("giennois", now=later(120))
    assert stored(store).words[referral("1").id].state == PromiseState.KEPT.value
    assert engine.booking_of(referral("2").id, now=later(120)) is None
    (refilled,) = engine.tend("giennois", now=later(121)).refilled
    assert (refilled.referral, refilled.booking.slot) == (referral("2").id, "free")


def test_a_price_run_that_fails_leaves_the_prices_as_they_were(
    store: SqlStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine, found = priced(store)

    def locked(*_: object, **__: object) -> None:
        raise StoreBusyError("locked")

    with monkeypatch.context() as patched:
        patched.setattr(repricing, "price_set", locked)
        with pytest.raises(StoreBusyError):
            engine.reprice("giennois", now=later(1))
    assert store.read(lambda unit: unit.current_prices("giennois")) == found


def test_an_unknown_practitioner_or_slot_is_named_and_nothing_is_written(store: SqlStore) -> None:
    engine = counter(store, pricing=FREE)
    before, events = stored(store), engine.events()
    report = engine.publish(
        "giennois", slots=[slot("odd", practitioner="nobody", after_minutes=400)], now=NOW
    )
    assert [one.id for one in report.rejected] == ["odd"]
    assert engine.replace("nobody", "d1", ALL_DAY, now=NOW).slots == ()
    assert engine.publish("giennois", practitioners=[practitioner("d1")], now=NOW).changed == 0
    assert stored(store) == before
    assert engine.events() == events
