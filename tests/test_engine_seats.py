"""Offers, holds, confirmations and placements: the counter's verbs on both databases."""

from datetime import UTC, datetime, timedelta

import pytest
from builders import NOW, TOWN, north_of, patient, policy, practitioner, referral, site, slot
from counter import PHARMACIST, counter, later, share_from_neighbour

from slotengine.codes import (
    Audience,
    BookingStatus,
    Priority,
    Profession,
    ReferralState,
    SourceKind,
)
from slotengine.domain import TimeWindow
from slotengine.errors import (
    ClockError,
    DuplicateReferralError,
    HoldExpiredError,
    SlotTakenError,
    TokenError,
    TransitionError,
    UnknownIdError,
)
from slotengine.labels import Lang
from slotengine.reasons import ReasonCode
from slotengine.store import SqlStore
from slotengine.tokens import OfferToken


def test_offers_come_best_first_and_at_most_as_many_as_asked(store: SqlStore) -> None:
    engine = counter(store)
    engine.refer(referral(), now=NOW)
    found = engine.offers(referral().id, now=NOW)
    assert [offer.slot for offer in found] == ["soon", "later"]
    assert [offer.wait_minutes for offer in found] == [120, 180]
    assert len(engine.offers(referral().id, now=NOW, limit=1)) == 1
    assert engine.offers(referral().id, now=NOW, limit=0) == []


def test_an_offer_names_place_and_profession_and_no_patient(store: SqlStore) -> None:
    engine = counter(store, slot("far", practitioner="d2", site="s2"))
    engine.refer(referral(), now=NOW)
    (offer,) = engine.offers(referral().id, now=NOW)
    assert (offer.practitioner, offer.profession, offer.site) == ("d2", Profession.PHYSICIAN, "s2")
    # 5,000 m north, detour 1.1 + 0.3 exp(-0.25) = 1.33364: 6,668 m at 45 km/h is 8.89 min.
    assert (offer.travel_metres, offer.travel_minutes) == (6_668, 9)
    assert offer.expires_at == NOW + timedelta(minutes=5)
    assert referral().patient.key not in offer.model_dump_json()


def test_a_held_seat_is_not_offered_to_another(store: SqlStore) -> None:
    engine = counter(store)
    engine.place(referral("1"), now=NOW)
    engine.refer(referral("2"), now=NOW)
    assert [offer.slot for offer in engine.offers(referral("2").id, now=NOW)] == ["later"]


def test_a_hold_that_ran_out_is_offered_again_at_that_very_instant(store: SqlStore) -> None:
    engine = counter(store)
    engine.place(referral("1"), now=NOW)
    engine.refer(referral("2"), now=NOW)
    just_before = later(5) - timedelta(seconds=1)
    assert len(engine.offers(referral("2").id, now=just_before)) == 1
    assert engine.offers(referral("2").id, now=later(5))[0].slot == "soon"


def test_a_slot_shared_by_a_neighbour_is_offered(store: SqlStore) -> None:
    engine = counter(store)
    share_from_neighbour(engine)
    engine.refer(referral(), now=NOW)
    assert [offer.slot for offer in engine.offers(referral().id, now=NOW)] == [
        "soon",
        "later",
        "neighbour",
    ]


def test_a_slot_kept_for_regulators_is_not_offered_to_a_pharmacy(store: SqlStore) -> None:
    engine = counter(store, slot("snp", audiences=(Audience.SNP,)))
    engine.refer(referral(), now=NOW)
    assert engine.offers(referral().id, now=NOW) == []
    samu = referral(source=SourceKind.SAMU)
    engine.refer(samu, now=NOW)
    assert len(engine.offers(samu.id, now=NOW)) == 1


def test_hold_then_confirm(store: SqlStore) -> None:
    engine = counter(store)
    engine.refer(referral(), now=NOW)
    offer = engine.offers(referral().id, now=NOW)[0]
    booking = engine.hold(offer, now=later(1), actor=PHARMACIST)
    assert (booking.slot, booking.seat, booking.status) == ("soon", 0, BookingStatus.HELD)
    assert booking.held_until == later(6)
    assert engine.referral(referral().id).state is ReferralState.HELD
    confirmed = engine.confirm(booking.id, now=later(2))
    assert confirmed.status is BookingStatus.CONFIRMED
    assert engine.confirm(booking.id, now=later(60)) == confirmed
    assert engine.referral(referral().id).state is ReferralState.BOOKED


def test_a_double_click_holds_once(store: SqlStore) -> None:
    engine = counter(store)
    engine.refer(referral(), now=NOW)
    offer = engine.offers(referral().id, now=NOW)[0]
    assert engine.hold(offer.token, now=NOW) == engine.hold(offer.token, now=later(1))


def test_a_second_seat_for_one_referral_is_refused(store: SqlStore) -> None:
    engine = counter(store)
    engine.refer(referral(), now=NOW)
    first, second = engine.offers(referral().id, now=NOW)
    engine.hold(first, now=NOW)
    with pytest.raises(DuplicateReferralError):
        engine.hold(second, now=NOW)
    with pytest.raises(DuplicateReferralError):
        engine.offers(referral().id, now=NOW)


def test_an_offer_runs_out_at_its_instant(store: SqlStore) -> None:
    engine = counter(store)
    engine.refer(referral(), now=NOW)
    offer = engine.offers(referral().id, now=NOW)[0]
    with pytest.raises(SlotTakenError, match="run out"):
        engine.hold(offer, now=later(5))
    assert engine.hold(offer, now=later(5) - timedelta(seconds=1))


def test_an_offer_of_a_slot_that_changed_is_refused(store: SqlStore) -> None:
    engine = counter(store)
    engine.refer(referral(), now=NOW)
    offer = engine.offers(referral().id, now=NOW)[0]
    engine.publish("giennois", slots=[slot("soon", after_minutes=125)], now=NOW)
    with pytest.raises(SlotTakenError, match="changed"):
        engine.hold(offer, now=later(1))


def test_an_offer_of_a_withdrawn_slot_is_refused(store: SqlStore) -> None:
    engine = counter(store)
    engine.refer(referral(), now=NOW)
    offer = engine.offers(referral().id, now=NOW)[0]
    engine.withdraw(["soon"], reason="ill", now=NOW)
    with pytest.raises(SlotTakenError):
        engine.hold(offer, now=later(1))


def test_an_offer_somebody_else_was_faster_on_is_refused(store: SqlStore) -> None:
    engine = counter(store)
    engine.refer(referral("1"), now=NOW)
    offer = engine.offers(referral("1").id, now=NOW)[0]
    engine.place(referral("2"), now=NOW)
    with pytest.raises(SlotTakenError):
        engine.hold(offer, now=NOW)


def test_a_forged_token_gets_no_seat_that_the_rules_forbid(store: SqlStore) -> None:
    engine = counter(store, slot("snp", audiences=(Audience.SNP,)))
    engine.refer(referral(), now=NOW)
    forged = OfferToken(
        referral=referral().id, slot="snp", slot_version=1, mode="AMB", expires_at=later(60)
    )
    with pytest.raises(SlotTakenError):
        engine.hold(forged.text(), now=NOW)


@pytest.mark.parametrize("text", ["", "?", "AAAA", "e30", "x" * 5_000, "é"])
def test_what_is_no_token_is_refused_without_repeating_it(store: SqlStore, text: str) -> None:
    engine = counter(store)
    with pytest.raises(TokenError) as refused:
        engine.hold(text, now=NOW)
    assert not text or text not in str(refused.value)


def test_confirming_after_the_hold_ran_out_tells_the_truth(store: SqlStore) -> None:
    engine = counter(store)
    placed = engine.place(referral(), now=NOW)
    with pytest.raises(HoldExpiredError):
        engine.confirm(placed.booking.id, now=later(5))
    again = engine.place(referral(), now=later(6))
    assert again.booking.status is BookingStatus.HELD
    assert again.booking.id != placed.booking.id


def test_a_clock_that_went_back_does_not_revive_a_hold(store: SqlStore) -> None:
    engine = counter(store)
    held = engine.place(referral("1"), now=NOW).booking
    engine.refer(referral("2"), now=later(7))
    steps = (
        lambda now: engine.confirm(held.id, now=now),
        lambda now: engine.release(held.id, now=now),
        lambda now: engine.close(held.id, BookingStatus.FULFILLED, now=now),
    )
    for step in steps:
        with pytest.raises(ClockError):
            step(later(4.9))
    with pytest.raises(HoldExpiredError):
        engine.confirm(held.id, now=later(5))


def test_place_holds_the_best_seat_and_repeats_itself(store: SqlStore) -> None:
    engine = counter(store)
    placed = engine.place(referral(), now=NOW, actor=PHARMACIST)
    assert placed.state is ReferralState.HELD
    assert (placed.booking.slot, placed.offer.slot) == ("soon", "soon")
    again = engine.place(referral(), now=later(1))
    assert again.booking == placed.booking
    assert (again.offer.slot, again.offer.start) == ("soon", placed.offer.start)


def test_place_can_confirm_at_once_or_on_the_second_call(store: SqlStore) -> None:
    engine = counter(store)
    assert engine.place(referral("1"), now=NOW, confirm=True).state is ReferralState.BOOKED
    assert engine.place(referral("2"), now=NOW).state is ReferralState.HELD
    assert engine.place(referral("2"), now=NOW, confirm=True).state is ReferralState.BOOKED


def test_none_is_an_answer_that_tells_a_requester_nothing_of_others(store: SqlStore) -> None:
    engine = counter(store, slot("only"))
    engine.place(referral("1"), now=NOW)
    placement = engine.place(referral("2"), now=NOW)
    assert (placement.booking, placement.state) == (None, ReferralState.WAITING)
    assert [reason.code for reason in placement.reasons] == [ReasonCode.NO_FREE_SEAT]
    assert [one.id for one in engine.waiting("giennois")] == [referral("2").id]
    assert engine.place(referral("2"), now=later(1)).state is ReferralState.WAITING


def test_at_night_the_answer_names_the_out_of_hours_service(store: SqlStore) -> None:
    evening = datetime(2026, 11, 23, 19, 0, tzinfo=UTC)
    engine = counter(store, slot("tomorrow", after_minutes=60 * 24))
    placement = engine.place(referral(received_at=evening, deadline=None), now=evening)
    (reason,) = placement.reasons
    assert reason.code is ReasonCode.OUT_OF_HOURS
    assert "116117" in reason.text(Lang.FR)
    assert "la permanence des soins (PDSA) répond" in reason.text(Lang.FR)
    assert "out-of-hours care service (PDSA) answers" in reason.text(Lang.EN)
    second = referral("2", received_at=evening, deadline=None)
    assert engine.refer(second, now=evening).reasons == (reason,)
    red_flag = referral("3", received_at=evening, deadline=None, priority=Priority.STAT)
    refused = engine.place(red_flag, now=evening)
    assert refused.reasons[0].code is ReasonCode.RED_FLAG_STAT


def test_one_minute_before_closing_nothing_is_said_of_the_night(store: SqlStore) -> None:
    closing = datetime(2026, 11, 23, 19, 0, tzinfo=UTC) - timedelta(minutes=1)
    engine = counter(store, slot("tomorrow", after_minutes=60 * 24))
    placement = engine.place(referral(received_at=closing, deadline=None), now=closing)
    assert placement.reasons == ()


def test_a_patient_is_never_in_two_places_even_for_two_professions(store: SqlStore) -> None:
    engine = counter(store)
    engine.publish(
        "giennois",
        practitioners=[practitioner("n1", profession=Profession.NURSE)],
        slots=[
            slot("overlapping", after_minutes=130, practitioner="n1"),
            slot("touching", after_minutes=135 + 15, practitioner="n1"),
        ],
        now=NOW,
    )
    somebody = patient("somebody")
    engine.place(referral("1", patient=somebody), now=NOW, confirm=True)
    nurse = referral("2", patient=somebody, professions=(Profession.NURSE,))
    placed = engine.place(nurse, now=NOW)
    assert placed.booking.slot == "touching"


def test_capacity_above_one_seats_that_many_and_no_more(store: SqlStore) -> None:
    engine = counter(store, slot("hall", capacity=2))
    seats = [engine.place(referral(str(n)), now=NOW).booking for n in range(3)]
    assert [seat and seat.seat for seat in seats] == [0, 1, None]


def test_a_practitioner_s_day_is_full_at_its_cap(store: SqlStore) -> None:
    engine = counter(store)
    engine.publish("giennois", practitioners=[practitioner("d1", max_bookings_per_day=1)], now=NOW)
    assert engine.place(referral("1"), now=NOW).booking is not None
    second = engine.place(referral("2"), now=NOW)
    assert second.booking is None
    # The counter knows the cap before it tries: no race is lost against it.
    assert second.lost_races == 0


def test_releasing_and_cancelling_free_the_seat_and_the_referral_waits(store: SqlStore) -> None:
    engine = counter(store, slot("only"))
    held = engine.place(referral("1"), now=NOW).booking
    assert engine.release(held.id, now=NOW).status is BookingStatus.CANCELLED
    assert engine.referral(referral("1").id).state is ReferralState.WAITING
    assert engine.release(held.id, now=NOW).status is BookingStatus.CANCELLED
    taken = engine.place(referral("2"), now=NOW, confirm=True).booking
    assert taken.slot == "only"
    engine.cancel(taken.id, reason="patient called", now=later(1))
    assert engine.place(referral("1"), now=later(1)).booking is not None


@pytest.mark.parametrize("outcome", [BookingStatus.FULFILLED, BookingStatus.NOSHOW])
def test_closing_records_whether_the_patient_came(store: SqlStore, outcome) -> None:
    engine = counter(store)
    booked = engine.place(referral(), now=NOW, confirm=True).booking
    assert engine.close(booked.id, outcome, now=later(140)).status is outcome
    assert engine.referral(referral().id).state is ReferralState.CLOSED
    other = engine.place(referral("2"), now=later(141)).booking
    with pytest.raises(TransitionError):
        engine.close(other.id, outcome, now=later(142))


def test_every_change_is_in_the_feed_with_its_actor_and_ids_only(store: SqlStore) -> None:
    engine = counter(store)
    cursor = engine.events()[-1].cursor
    placed = engine.place(referral(), now=NOW, confirm=True, actor=PHARMACIST)
    feed = engine.events(cursor)
    assert [event.kind for event in feed] == [
        "referral.received",
        "booking.held",
        "referral.held",
        "booking.confirmed",
        "referral.booked",
    ]
    assert {event.actor for event in feed} == {PHARMACIST}
    assert {event.booking for event in feed if event.booking} == {placed.booking.id}
    assert not any(referral().patient.key in event.model_dump_json() for event in feed)
    assert engine.events(feed[-1].cursor) == ()
    assert engine.events(cursor, limit=2) == feed[:2]


def test_agenda_and_unknown_ids(store: SqlStore) -> None:
    engine = counter(store)
    day = TimeWindow(start=NOW, end=later(180))
    assert [one.id for one in engine.agenda("d1", day)] == ["soon"]
    for ask in (engine.booking, engine.referral):
        with pytest.raises(UnknownIdError):
            ask("nobody")
    with pytest.raises(UnknownIdError):
        engine.confirm("nobody", now=NOW)


def test_a_home_outside_the_radius_by_one_metre_is_not_seated(store: SqlStore) -> None:
    engine = counter(store, slot("far", practitioner="d2", site="s2"))
    assert engine.place(referral("1", max_travel_metres=6_667), now=NOW).booking is None
    assert engine.place(referral("2", max_travel_metres=6_668), now=NOW).booking is not None


def test_who_gives_slots_in_two_territories_is_seen_as_the_own_one_describes(
    store: SqlStore,
) -> None:
    engine = counter(store)
    engine.set_policy(policy(territory="asclepios"), now=NOW)
    engine.publish(
        "asclepios",
        practitioners=[practitioner("d1", territory="asclepios", min_age=99)],
        sites=[site("s1", territory="asclepios", location=north_of(TOWN, 9_000))],
        slots=[slot("abroad", after_minutes=400, territory="asclepios", shared_with=("giennois",))],
        now=NOW,
    )
    engine.refer(referral(), now=NOW)
    found = {offer.slot: offer.travel_metres for offer in engine.offers(referral().id, now=NOW)}
    assert (found["soon"], found["later"]) == (0, 0)
