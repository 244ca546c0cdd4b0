"""Promises: told ahead, moved for who needs the seat more, kept through whatever vanishes."""

from datetime import timedelta
from typing import Any

import pytest
from builders import NOW, policy, practitioner, referral, slot
from counter import counter, later

from slotengine.codes import BookingStatus, Mode, Priority, PromiseState, ReferralState
from slotengine.counter_rules import Pricing, PromiseRules
from slotengine.domain import Motive, TimeWindow
from slotengine.engine import Engine
from slotengine.errors import DuplicateReferralError, TransitionError
from slotengine.labels import Lang
from slotengine.promising import in_words, terms_for, with_terms
from slotengine.reasons import ReasonCode
from slotengine.store import SqlStore

TO_ROUTINE = PromiseRules(priorities=(Priority.ROUTINE,))
SOON = TimeWindow(start=NOW, end=NOW + timedelta(minutes=135))
"""Holds the slot "soon" (120 to 135 minutes from NOW) and none later."""


def promising(store: SqlStore, *slots: Any, **rules: Any) -> Engine:
    """Opens a counter that promises to routine referrals, without prices."""
    return counter(
        store, *slots, **{"promises": TO_ROUTINE, "pricing": Pricing(enabled=False), **rules}
    )


def routine(reference: str = "A", **changes: Any) -> Any:
    return referral(reference, **{"priority": Priority.ROUTINE, **changes})


def wants_soon(reference: str = "B", **changes: Any) -> Any:
    return referral(reference, **{"priority": Priority.URGENT, "windows": (SOON,), **changes})


def promise_of(engine: Engine, who: Any) -> Any:
    return engine.promise_of(who.id)


def first_in_line(engine: Engine) -> Any:
    return engine._store.read(lambda unit: unit.first_in_line("giennois"), now=later(1))


def seat_of(engine: Engine, who: Any, *, now: Any = NOW) -> str | None:
    booking = engine.booking_of(who.id, now=now)
    return None if booking is None else booking.slot


# --- who is promised what ---


def test_a_promised_priority_gets_a_promise_in_words_instead_of_a_hold(store: SqlStore) -> None:
    engine = promising(store)
    placed = engine.place(routine(max_travel_metres=15_000), now=NOW)
    assert placed.state is ReferralState.PROMISED
    assert placed.booking is not None
    assert (placed.booking.slot, placed.booking.status) == ("soon", BookingStatus.PROMISED)
    assert (placed.offer, placed.booking.told_at, placed.booking.held_until) == (None, None, None)
    promise = placed.promise
    assert promise is not None
    assert (promise.before, promise.within_metres) == (NOW + timedelta(hours=24), 15_000)
    assert (promise.notice, promise.state) == (timedelta(hours=1), PromiseState.OPEN)
    said = placed.reasons[0]
    assert said.code is ReasonCode.PROMISED
    assert said.text() == (
        "Place promise avant mardi 24 novembre, 9 h 00, à moins de 15 km ; heure annoncée 60 min "
        "avant."
    )
    assert said.text(Lang.EN) == (
        "Seat promised before Tuesday 24 November, 09:00, within 15 km; the hour is told 60 min "
        "ahead."
    )


def test_another_priority_and_a_policy_without_promises_get_a_seat(store: SqlStore) -> None:
    engine = promising(store)
    urgent = engine.place(referral("1"), now=NOW)
    assert (urgent.promise, urgent.state) == (None, ReferralState.HELD)
    engine.set_policy(policy(version=2, pricing=Pricing(enabled=False)), now=NOW)
    second = engine.place(routine("2"), now=NOW)
    assert (second.promise, second.state) == (None, ReferralState.HELD)


def test_the_same_message_again_gives_the_same_promise(store: SqlStore) -> None:
    engine = promising(store)
    first = engine.place(routine(), now=NOW)
    again = engine.place(routine(), now=later(1), confirm=True)
    assert (again.promise, again.booking) == (first.promise, first.booking)
    assert again.reasons[0].code is ReasonCode.PROMISED
    assert again.offer is None


@pytest.mark.parametrize(("minutes", "promised"), [(60, True), (59, False)])
def test_a_witness_starts_late_enough_to_be_told(store: SqlStore, minutes, promised) -> None:
    engine = promising(store, slot("only", after_minutes=minutes))
    placed = engine.place(routine(), now=NOW)
    # Sooner than the notice there is nothing to promise: the seat is given as to everybody.
    assert (placed.promise is not None) is promised
    assert placed.state is (ReferralState.PROMISED if promised else ReferralState.HELD)


def test_without_a_seat_nothing_is_promised(store: SqlStore) -> None:
    engine = promising(store, slot("only"))
    engine.place(referral("1"), now=NOW, confirm=True)
    placed = engine.place(routine(), now=NOW)
    assert (placed.promise, placed.state) == (None, ReferralState.WAITING)
    assert placed.reasons[0].code is ReasonCode.NO_FREE_SEAT
    asked = engine.promise(routine().id, now=later(1))
    assert (asked.promise, asked.state) == (None, ReferralState.WAITING)


def test_promise_serves_any_priority_once_and_refuses_who_has_a_seat(store: SqlStore) -> None:
    engine = promising(store)
    engine.refer(referral("1"), now=NOW)
    given = engine.promise(referral("1").id, now=NOW)
    assert given.promise is not None
    assert engine.promise(referral("1").id, now=later(1)).promise == given.promise
    held = engine.place(referral("2"), now=NOW)
    with pytest.raises(DuplicateReferralError):
        engine.promise(held.referral, now=NOW)
    engine.cancel_referral(held.referral, reason="recovered", now=NOW)
    with pytest.raises(TransitionError):
        engine.promise(held.referral, now=NOW)


def test_kilometres_are_rounded_up_and_terms_come_from_the_policy_when_absent() -> None:
    rules = policy(max_travel_metres=7_010, promises=TO_ROUTINE)
    terms = terms_for(routine(max_travel_metres=None), rules, now=NOW)
    assert terms.within_metres == 7_010
    assert in_words(terms, rules).figures["km_fr"] == "7,1"
    assert in_words(terms, rules).figures["km_en"] == "7.1"


# --- a promise moves for who needs the seat ---


def test_a_promise_moves_for_who_can_only_have_its_seat(store: SqlStore) -> None:
    engine = promising(store)
    engine.place(routine(), now=NOW)
    placed = engine.place(wants_soon(), now=NOW)
    assert placed.booking is not None
    assert placed.booking.slot == "soon"
    assert seat_of(engine, routine()) == "later"
    assert promise_of(engine, routine()).state is PromiseState.OPEN
    assert "booking.moved" in {event.kind for event in engine.events()}


def test_an_offer_of_a_promised_seat_looks_like_any_and_is_held_like_any(store: SqlStore) -> None:
    engine = promising(store)
    engine.place(routine(), now=NOW)
    engine.refer(wants_soon(), now=NOW)
    (offer,) = engine.offers(wants_soon().id, now=NOW)
    # Moving A from minute 120 to minute 180 costs an hour of waiting at weight 1; routine's
    # deadline is 24 h here, whose second half adds nothing so early.
    assert (offer.slot, offer.price, offer.reasons) == ("soon", 60, ())
    assert routine().id not in offer.model_dump_json()
    assert seat_of(engine, routine()) == "soon"
    held = engine.hold(offer, now=later(1))
    assert (held.slot, held.status) == ("soon", BookingStatus.HELD)
    assert seat_of(engine, routine(), now=later(1)) == "later"


def test_a_chain_of_promises_moves_one_after_the_other(store: SqlStore) -> None:
    engine = promising(
        store, slot("soon"), slot("later", after_minutes=180), slot("last", after_minutes=300)
    )
    engine.place(routine("1", deadline=later(180)), now=NOW)
    engine.place(routine("2"), now=NOW)
    assert (seat_of(engine, routine("1")), seat_of(engine, routine("2"))) == ("soon", "later")
    # "1" can only go where "2" sits, who goes to the last.
    assert engine.place(wants_soon(), now=NOW).booking is not None
    assert (seat_of(engine, routine("1")), seat_of(engine, routine("2"))) == ("later", "last")


@pytest.mark.parametrize(("minutes", "moves"), [(180, True), (179, False)])
def test_a_promise_never_moves_past_its_before(store: SqlStore, minutes, moves) -> None:
    engine = promising(store)
    engine.place(routine(deadline=later(minutes)), now=NOW)
    placed = engine.place(wants_soon(), now=NOW)
    assert (placed.booking is not None) is moves
    assert seat_of(engine, routine()) == ("later" if moves else "soon")


@pytest.mark.parametrize(("metres", "moves"), [(6_668, True), (6_667, False)])
def test_a_promise_never_moves_farther_than_promised(store: SqlStore, metres, moves) -> None:
    # 5,000 m north are 6,668 m by road (tests of offers compute it by hand).
    engine = promising(
        store, slot("soon"), slot("far", after_minutes=180, practitioner="d2", site="s2")
    )
    engine.place(routine(max_travel_metres=metres), now=NOW)
    assert (engine.place(wants_soon(), now=NOW).booking is not None) is moves
    assert seat_of(engine, routine()) == ("far" if moves else "soon")


@pytest.mark.parametrize(("elapsed", "moves"), [(29, True), (30, False)])
def test_a_promise_stays_once_it_is_to_be_told(store: SqlStore, elapsed, moves) -> None:
    engine = promising(store, promises=PromiseRules(priorities=("routine",), notice="PT90M"))
    engine.place(routine(), now=NOW)
    # "soon" starts at minute 120: its hour is told at minute 30.
    placed = engine.place(wants_soon(), now=later(elapsed))
    assert (placed.booking is not None) is moves


@pytest.mark.parametrize(("elapsed", "moves"), [(0, True), (1, False)])
def test_a_promise_moves_only_where_it_can_still_be_told(store: SqlStore, elapsed, moves) -> None:
    engine = promising(store, slot("soon"))
    engine.place(routine(), now=NOW)
    # The only way out starts at minute 60: its hour is to be told at minute 0.
    early = slot("early", after_minutes=60, practitioner="d2", site="s1")
    engine.publish("giennois", slots=[early], now=NOW)
    exactly = TimeWindow(start=later(120), end=later(135))
    placed = engine.place(wants_soon(windows=(exactly,)), now=later(elapsed))
    assert (placed.booking is not None) is moves
    assert seat_of(engine, routine(), now=later(elapsed)) == ("early" if moves else "soon")


def test_a_confirmed_promise_is_kept_and_stays(store: SqlStore) -> None:
    engine = promising(store)
    witness = engine.place(routine(), now=NOW).booking
    confirmed = engine.confirm(witness.id, now=later(1))
    assert confirmed.status is BookingStatus.CONFIRMED
    assert engine.confirm(witness.id, now=later(2)) == confirmed
    assert promise_of(engine, routine()).state is PromiseState.KEPT
    assert engine.place(wants_soon(), now=later(2)).booking is None
    assert seat_of(engine, routine(), now=later(2)) == "soon"


def test_a_told_promise_stays(store: SqlStore) -> None:
    engine = promising(store)
    witness = engine.place(routine(), now=NOW).booking
    engine.tell(witness.id, now=later(1))
    assert engine.place(wants_soon(), now=later(2)).booking is None


@pytest.mark.parametrize(
    "changes",
    [
        {"group": "siblings"},
        {"modes": (Mode.HH,)},
    ],
)
def test_groups_and_home_visits_do_not_move_by_day(store: SqlStore, changes) -> None:
    both = (Mode.AMB, Mode.HH)
    engine = promising(
        store, slot("soon", modes=both), slot("later", after_minutes=240, modes=both)
    )
    assert engine.place(routine(**changes), now=NOW).promise is not None
    assert engine.place(wants_soon(), now=NOW).booking is None
    assert seat_of(engine, routine()) == "soon"


def test_a_night_s_promise_without_terms_does_not_move_by_day(store: SqlStore) -> None:
    engine = promising(store)
    engine.refer(routine(), now=NOW)
    engine.plan("giennois", now=NOW)
    assert seat_of(engine, routine()) == "soon"
    assert engine.place(wants_soon(), now=NOW).booking is None


def test_a_move_that_a_cap_forbids_leaves_everything_as_it_was(store: SqlStore) -> None:
    engine = promising(
        store, slot("soon"), slot("full", after_minutes=180, practitioner="d2", site="s2")
    )
    engine.place(routine(), now=NOW)
    engine.publish("giennois", practitioners=[practitioner("d2", max_bookings_per_day=0)], now=NOW)
    placed = engine.place(wants_soon(), now=NOW)
    assert placed.booking is None
    assert seat_of(engine, routine()) == "soon"
    assert "booking.moved" not in {event.kind for event in engine.events()}


# --- a promise ends ---


def test_cancelling_its_booking_gives_a_promise_up(store: SqlStore) -> None:
    engine = promising(store)
    witness = engine.place(routine(), now=NOW).booking
    engine.cancel(witness.id, reason="patient called", now=later(1))
    assert promise_of(engine, routine()).state is PromiseState.GIVEN_UP
    again = engine.promise(routine().id, now=later(2))
    assert again.promise is not None
    # The old booking's cancellation, repeated, is not the new promise's.
    engine.cancel(witness.id, reason="patient called", now=later(3))
    assert promise_of(engine, routine()).state is PromiseState.OPEN


def test_closing_the_referral_gives_a_promise_up(store: SqlStore) -> None:
    engine = promising(store)
    engine.place(routine(), now=NOW)
    engine.cancel_referral(routine().id, reason="recovered", now=later(1))
    assert promise_of(engine, routine()).state is PromiseState.GIVEN_UP
    assert seat_of(engine, routine(), now=later(1)) is None


def test_a_red_flag_gives_a_promise_up(store: SqlStore) -> None:
    engine = promising(store)
    engine.place(routine(), now=NOW)
    engine.amend(routine(motive=Motive(system="samu", code="M03.06")), now=later(1))
    assert promise_of(engine, routine()).state is PromiseState.GIVEN_UP


def test_an_amended_promise_whose_seat_still_fits_stays(store: SqlStore) -> None:
    engine = promising(store)
    first = engine.place(routine(), now=NOW)
    receipt = engine.amend(routine(deadline=later(120)), now=later(1))
    assert (receipt.state, receipt.reasons) == (ReferralState.PROMISED, ())
    assert engine.booking_of(routine().id, now=later(1)) == first.booking
    # The new deadline binds its moves: "later" is past it.
    assert engine.place(wants_soon(), now=later(1)).booking is None


def test_an_amended_promise_whose_seat_does_not_fit_is_given_anew(store: SqlStore) -> None:
    engine = promising(store)
    engine.place(routine(), now=NOW)
    afternoon = TimeWindow(start=later(150), end=later(300))
    receipt = engine.amend(routine(windows=(afternoon,)), now=later(1))
    assert receipt.state is ReferralState.PROMISED
    assert [one.code for one in receipt.reasons] == [ReasonCode.PROMISED]
    assert seat_of(engine, routine(), now=later(1)) == "later"
    assert promise_of(engine, routine()).made_at == later(1)


def test_an_amended_promise_that_nothing_fits_is_given_up(store: SqlStore) -> None:
    engine = promising(store)
    engine.place(routine(), now=NOW)
    never = TimeWindow(start=later(1_000), end=later(1_100))
    receipt = engine.amend(routine(windows=(never,)), now=later(1))
    assert receipt.state is ReferralState.WAITING
    assert [one.code for one in receipt.reasons] == [ReasonCode.WINDOW]
    assert promise_of(engine, routine()).state is PromiseState.GIVEN_UP


# --- its seat vanishes ---


def test_a_promise_whose_seat_is_withdrawn_gets_another_within_its_terms(store: SqlStore) -> None:
    engine = promising(store)
    before = engine.place(routine(), now=NOW).promise
    report = engine.withdraw(["soon"], reason="ill", now=later(1))
    assert report.incidents[0].replacement is not None
    assert report.incidents[0].replacement.slot == "later"
    assert promise_of(engine, routine()) == before


def test_another_promise_moves_for_one_whose_seat_is_withdrawn(store: SqlStore) -> None:
    engine = promising(
        store, slot("soon"), slot("later", after_minutes=180), slot("last", after_minutes=300)
    )
    engine.place(routine("1", deadline=later(180)), now=NOW)
    engine.place(routine("2"), now=NOW)
    report = engine.withdraw(["soon"], reason="ill", now=later(1))
    assert report.incidents[0].replacement is not None
    assert (seat_of(engine, routine("1")), seat_of(engine, routine("2"))) == ("later", "last")
    for one in ("1", "2"):
        assert promise_of(engine, routine(one)).state is PromiseState.OPEN


def test_a_promise_that_nothing_can_keep_is_broken_aloud_and_first_in_line(
    store: SqlStore,
) -> None:
    engine = promising(store)
    engine.place(routine(deadline=later(179)), now=NOW)
    report = engine.withdraw(["soon"], reason="ill", now=later(1))
    (incident,) = report.incidents
    assert incident.replacement is None
    assert ReasonCode.PROMISE_BROKEN in {one.code for one in incident.reasons}
    assert promise_of(engine, routine()).state is PromiseState.BROKEN
    kinds = [event.kind for event in engine.events()]
    assert "incident.seat_lost" in kinds
    assert "promise.broken" in kinds
    assert first_in_line(engine) == {routine().id}


def test_a_confirmed_seat_that_vanishes_without_another_is_first_in_line(store: SqlStore) -> None:
    engine = promising(store, slot("only"))
    engine.place(referral("1"), now=NOW, confirm=True)
    (incident,) = engine.withdraw(["only"], reason="ill", now=later(1)).incidents
    assert ReasonCode.PROMISE_BROKEN not in {one.code for one in incident.reasons}
    assert first_in_line(engine) == {referral("1").id}


# --- terms as content ---


def test_terms_bind_whichever_is_narrower_the_promise_or_what_is_asked() -> None:
    rules = policy(promises=TO_ROUTINE)
    terms = terms_for(routine(deadline=later(300), max_travel_metres=5_000), rules, now=NOW)
    wider = with_terms(routine(deadline=later(600), max_travel_metres=9_000), terms, now=NOW)
    assert (wider.deadline, wider.max_travel_metres) == (later(300), 5_000)
    narrower = with_terms(routine(deadline=later(200), max_travel_metres=1_000), terms, now=NOW)
    assert (narrower.deadline, narrower.max_travel_metres) == (later(200), 1_000)
    absent = with_terms(routine(deadline=None, max_travel_metres=None), terms, now=NOW)
    assert (absent.deadline, absent.max_travel_metres) == (later(300), 5_000)


def test_terms_clip_windows_to_what_can_still_be_told() -> None:
    terms = terms_for(routine(), policy(promises=TO_ROUTINE), now=NOW)
    past = TimeWindow(start=NOW, end=later(60))
    across = TimeWindow(start=later(30), end=later(90))
    clipped = with_terms(routine(windows=(past, across)), terms, now=NOW)
    assert clipped.windows == (TimeWindow(start=later(60), end=later(90)),)
    # A window that is all too soon does not become "any time".
    (none,) = with_terms(routine(windows=(past,)), terms, now=NOW).windows
    assert none.end - none.start <= timedelta(seconds=1)
