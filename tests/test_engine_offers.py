"""Offers: few, unlike each other, for this requester only; held by token, confirmed in time."""

from datetime import timedelta
from typing import Any

import pytest
from builders import NOW, patient, referral, slot
from counter import counter, later

from slotengine.codes import Audience, BookingStatus, Mode, ReferralState, SourceKind
from slotengine.counter_rules import Offering, Pricing
from slotengine.engine import Engine
from slotengine.errors import (
    ClockError,
    DuplicateReferralError,
    HoldExpiredError,
    SlotTakenError,
    TokenError,
    TransitionError,
    UnknownIdError,
)
from slotengine.reasons import ReasonCode
from slotengine.store import SqlStore
from slotengine.tokens import read_token

NO_PRICES = Pricing(enabled=False)


def plain(store: SqlStore, *slots: Any, **rules: Any) -> Engine:
    return counter(store, *slots, **{"pricing": NO_PRICES, **rules})


def offered(engine: Engine, *, limit: int = 3, now: Any = NOW, **changes: Any) -> Any:
    engine.refer(referral(**changes), now=NOW)
    return engine.offers(referral(**changes).id, now=now, limit=limit)


# --- unlike each other ---


@pytest.mark.parametrize(
    ("apart", "slots"),
    [
        (59, ["soon", "hour", "two"]),
        (60, ["soon", "hour", "two"]),
        (61, ["soon", "two"]),
        (0, ["soon", "next", "hour"]),
    ],
)
def test_offers_of_one_practitioner_start_apart(store: SqlStore, apart, slots) -> None:
    engine = plain(
        store,
        slot("soon", after_minutes=120),
        slot("next", after_minutes=135),
        slot("hour", after_minutes=180),
        slot("two", after_minutes=240),
        offering=Offering(apart_minutes=apart),
    )
    assert [one.slot for one in offered(engine)] == slots


def test_two_practitioners_at_one_hour_are_two_choices(store: SqlStore) -> None:
    engine = plain(store, slot("one"), slot("two", practitioner="d2"))
    assert {one.slot for one in offered(engine)} == {"one", "two"}


def test_at_most_as_many_as_asked_and_never_an_agenda(store: SqlStore) -> None:
    many = [slot(f"s{number:02}", after_minutes=60 + 60 * number) for number in range(24)]
    engine = plain(store, *many)
    assert offered(engine, limit=0) == []
    assert len(offered(engine, limit=2)) == 2
    assert len(offered(engine, limit=1_000)) == 20


# --- for this requester ---


def test_slots_of_another_audience_never_leave_the_query(store: SqlStore) -> None:
    engine = plain(
        store, slot("snp", audiences=(Audience.SNP,)), slot("pro", audiences=(Audience.PRO,),
        after_minutes=240)
    )  # fmt: skip
    assert [one.slot for one in offered(engine)] == ["pro"]
    social = {"source": SourceKind.SOCIAL, "patient": patient("other")}
    assert offered(engine, **social) == []
    samu = {"source": SourceKind.SAMU, "patient": patient("third")}
    assert [one.slot for one in offered(engine, **samu)] == ["snp", "pro"]


@pytest.mark.parametrize(("minutes", "is_offered"), [(-1, True), (0, True), (1, False)])
def test_a_slot_is_offered_from_the_instant_it_opens(store: SqlStore, minutes, is_offered) -> None:
    engine = plain(store, slot("only", opens_at=later(10 + minutes)))
    assert bool(offered(engine, now=later(10))) is is_offered


def test_a_seat_beyond_the_slot_s_own_is_marked_and_goes_last(store: SqlStore) -> None:
    engine = plain(store, slot("hall", capacity=1, extra_capacity=1))
    first = engine.place(referral("1"), now=NOW)
    second = engine.place(referral("2"), now=NOW)
    assert (first.booking.seat, first.offer.extra) == (0, False)
    assert (second.booking.seat, second.offer.extra) == (1, True)
    assert engine.place(referral("2"), now=NOW).offer.extra
    assert engine.place(referral("3"), now=NOW).booking is None


# --- tokens ---


def test_a_token_of_an_unknown_slot_or_referral_says_which(store: SqlStore) -> None:
    engine = plain(store)
    (first, _) = offered(engine)
    token = read_token(first.token)
    with pytest.raises(UnknownIdError, match="slot nowhere"):
        engine.hold(token.replaced(slot="nowhere").text(), now=NOW)
    with pytest.raises(UnknownIdError, match="referral nobody"):
        engine.hold(token.replaced(referral="nobody").text(), now=NOW)
    with pytest.raises(TokenError):
        engine.hold("forged", now=NOW)
    assert engine.referral(referral().id).state is ReferralState.RECEIVED


def test_a_forged_version_or_mode_gives_no_right(store: SqlStore) -> None:
    engine = plain(store)
    (first, _) = offered(engine)
    token = read_token(first.token)
    with pytest.raises(SlotTakenError, match="changed"):
        engine.hold(token.replaced(slot_version=7).text(), now=NOW)
    # The mode is the rules' choice, not the token's.
    assert engine.hold(token.replaced(mode=Mode.HH).text(), now=NOW).mode is Mode.AMB


def test_a_token_that_outlives_its_offer_still_meets_the_rules(store: SqlStore) -> None:
    engine = plain(store)
    (first, _) = offered(engine)
    forged = read_token(first.token).replaced(expires_at=later(10_000)).text()
    taken = engine.place(referral("2"), now=later(1), confirm=True).booking
    assert taken.slot == first.slot
    with pytest.raises(SlotTakenError):
        engine.hold(forged, now=later(60))


@pytest.mark.parametrize(("minutes", "held"), [(4.99, True), (5, False)])
def test_an_offer_runs_out_at_its_very_instant(store: SqlStore, minutes, held) -> None:
    engine = plain(store)
    (first, _) = offered(engine)
    if held:
        assert engine.hold(first, now=later(minutes)).slot == first.slot
    else:
        with pytest.raises(SlotTakenError, match="run out"):
            engine.hold(first, now=later(minutes))


def test_a_withdrawn_slot_can_not_be_held_by_its_offer(store: SqlStore) -> None:
    engine = plain(store)
    (first, _) = offered(engine)
    engine.withdraw([first.slot], reason="ill", now=later(1))
    with pytest.raises(SlotTakenError):
        engine.hold(first, now=later(2))
    assert engine.referral(referral().id).state is ReferralState.RECEIVED


# --- confirmed in time, or told the truth ---


def test_confirm_or_offer_confirms_in_time_and_again(store: SqlStore) -> None:
    engine = plain(store)
    held = engine.place(referral(), now=NOW).booking
    answer = engine.confirm_or_offer(held.id, now=later(4))
    assert (answer.state, answer.booking.status) == (ReferralState.BOOKED, BookingStatus.CONFIRMED)
    assert (answer.offer.slot, answer.offers, answer.reasons) == (held.slot, (), ())
    assert engine.confirm_or_offer(held.id, now=later(60)).booking == answer.booking


def test_confirm_after_expiry_tells_the_truth_and_offers_again(store: SqlStore) -> None:
    engine = plain(store)
    held = engine.place(referral(), now=NOW).booking
    with pytest.raises(HoldExpiredError):
        engine.confirm(held.id, now=later(5))
    answer = engine.confirm_or_offer(held.id, now=later(5))
    assert (answer.booking, answer.offer) == (None, None)
    assert answer.state is ReferralState.WAITING
    assert [one.code for one in answer.reasons] == [ReasonCode.HOLD_RAN_OUT]
    assert [one.slot for one in answer.offers] == ["soon", "later"]
    assert engine.booking(held.id).status is BookingStatus.EXPIRED
    assert engine.hold(answer.offers[1], now=later(6)).slot == "later"


def test_confirm_after_expiry_shows_the_seat_that_came_instead(store: SqlStore) -> None:
    engine = plain(store)
    lost = engine.place(referral(), now=NOW).booking
    engine.place(referral("2"), now=later(6), confirm=True)
    found = engine.place(referral(), now=later(6)).booking
    answer = engine.confirm_or_offer(lost.id, now=later(7))
    assert (answer.booking, answer.offers) == (found, ())
    assert answer.reasons[0].code is ReasonCode.HOLD_RAN_OUT


def test_confirm_or_offer_refuses_what_was_cancelled(store: SqlStore) -> None:
    engine = plain(store)
    held = engine.place(referral(), now=NOW).booking
    engine.release(held.id, now=NOW)
    with pytest.raises(TransitionError):
        engine.confirm_or_offer(held.id, now=NOW)
    with pytest.raises(UnknownIdError):
        engine.confirm_or_offer("nothing", now=NOW)


def test_a_clock_gone_back_holds_confirms_and_promises_nothing(store: SqlStore) -> None:
    engine = plain(store)
    (first, _) = offered(engine)
    held = engine.place(referral("2"), now=later(10)).booking
    back = later(7.9)
    engine.refer(referral("3"), now=later(10))
    for verb in (
        lambda: engine.hold(first, now=back),
        lambda: engine.confirm(held.id, now=back),
        lambda: engine.confirm_or_offer(held.id, now=back),
        lambda: engine.promise(referral("3").id, now=back),
        lambda: engine.reprice("giennois", now=back),
    ):
        with pytest.raises(ClockError):
            verb()
    # Within the tolerance of two minutes the same is fine.
    assert engine.confirm(held.id, now=later(8)).status is BookingStatus.CONFIRMED


# --- a seat that comes free ---


def test_a_cancelled_seat_is_held_at_once_for_who_waits(store: SqlStore) -> None:
    engine = plain(store, slot("only"))
    taken = engine.place(referral("1"), now=NOW, confirm=True).booking
    assert engine.place(referral("2"), now=NOW).state is ReferralState.WAITING
    engine.cancel(taken.id, reason="patient called", now=later(1))
    held = engine.booking_of(referral("2").id, now=later(1))
    assert held is not None
    assert (held.slot, held.status) == ("only", BookingStatus.HELD)
    # A cancellation that is repeated frees nothing again.
    engine.release(held.id, now=later(2))
    engine.cancel(taken.id, reason="patient called", now=later(3))
    assert engine.booking_of(referral("2").id, now=later(3)) is None


def test_who_cancels_is_not_given_the_same_seat_back(store: SqlStore) -> None:
    engine = plain(store, slot("only"))
    taken = engine.place(referral("1"), now=NOW, confirm=True).booking
    engine.cancel(taken.id, reason="patient called", now=later(1))
    assert engine.booking_of(referral("1").id, now=later(1)) is None
    with pytest.raises(DuplicateReferralError):
        engine.offers(engine.place(referral("2"), now=later(1)).referral, now=later(1))


def test_an_offer_expires_as_a_hold_would(store: SqlStore) -> None:
    engine = plain(store, hold_for=timedelta(minutes=9))
    assert {one.expires_at for one in offered(engine)} == {later(9)}
