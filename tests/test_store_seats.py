"""The contract of holds, promises, confirmations and ends, on both databases."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from builders import NOW, policy, slot
from desk import HOLD, Desk

from slotengine.codes import BookingStatus, Mode, ReferralState
from slotengine.domain import Booking
from slotengine.errors import (
    DuplicateReferralError,
    HoldExpiredError,
    InputError,
    SlotTakenError,
    TransitionError,
    UnknownIdError,
    UnknownTerritoryError,
)
from slotengine.store import SqlStore

INSTANT = timedelta(microseconds=1)


@pytest.fixture
def desk(store: SqlStore) -> Desk:
    return Desk.beside(store, "d1", "d2", neighbour="d3")


def active(desk: Desk, *ids: str, now: datetime = NOW) -> list[tuple[str, int]]:
    found = desk.ask(lambda unit: unit.active_bookings(ids), now=now)
    return [(booking.slot, booking.seat) for booking in found]


def test_a_hold_takes_the_lowest_free_seat_and_moves_its_referral(desk: Desk) -> None:
    where = slot(capacity=2)
    desk.publish(where)
    first, second = desk.refer("1"), desk.refer("2")
    one, two = desk.hold(first, where), desk.hold(second, where)
    assert (one.seat, two.seat) == (0, 1)
    assert one.held_until == NOW + HOLD
    assert (one.status, one.version, one.territory) == (BookingStatus.HELD, 1, "giennois")
    assert desk.state(first) == "held"
    assert desk.ask(lambda unit: unit.booking_of(first.id)) == one
    desk.end(one)
    assert desk.hold(desk.refer("3"), where).seat == 0


def test_a_hold_refuses_a_slot_whose_seats_are_all_held(desk: Desk) -> None:
    desk.publish(slot())
    desk.hold(desk.refer("1"), slot())
    late = desk.refer("2")
    with pytest.raises(SlotTakenError, match="taken") as refused:
        desk.hold(late, slot())
    assert refused.value.slot_id == "slot1"
    assert desk.state(late) == "received"


def test_after_a_lost_seat_the_same_work_takes_the_next_slot(desk: Desk) -> None:
    other = slot("slot2", practitioner="d2")
    desk.publish(slot(), other)
    desk.hold(desk.refer("1"), slot())
    who = desk.refer("2")

    def place(unit: Any) -> Booking:
        taken: dict[str, Any] = {
            "mode": Mode.AMB,
            "status": BookingStatus.HELD,
            "held_until": NOW + HOLD,
        }
        with pytest.raises(SlotTakenError):
            unit.take_seat(who.id, slot(), **taken)
        booking: Booking = unit.take_seat(who.id, other, **taken)
        return booking

    assert desk.do(place).slot == "slot2"
    assert desk.wrong_counters() == {}


def test_a_referral_has_one_seat_at_a_time(desk: Desk) -> None:
    other = slot("slot2", practitioner="d2", after_minutes=600)
    desk.publish(slot(), other)
    who = desk.refer()
    desk.hold(who, slot())
    with pytest.raises(DuplicateReferralError) as refused:
        desk.hold(who, other)
    assert refused.value.referral_id == who.id


@pytest.mark.parametrize(
    ("late_by", "expired"),
    [(-INSTANT, False), (timedelta(0), True), (INSTANT, True)],
    ids=["just before held_until", "exactly at held_until", "just after"],
)
def test_a_hold_is_taken_over_from_held_until_on(
    desk: Desk, late_by: timedelta, *, expired: bool
) -> None:
    desk.publish(slot())
    first = desk.refer("1")
    held = desk.hold(first, slot())
    then = NOW + HOLD + late_by
    second = desk.refer("2")
    assert active(desk, "slot1", now=then) == ([] if expired else [("slot1", 0)])
    if not expired:
        with pytest.raises(SlotTakenError):
            desk.hold(second, slot(), now=then)
        assert desk.confirm(held, now=then).status is BookingStatus.CONFIRMED
        return
    with pytest.raises(HoldExpiredError):
        desk.confirm(held, now=then)
    assert desk.ask(lambda unit: unit.booking_of(first.id), now=then) is None
    assert desk.hold(second, slot(), now=then).seat == 0
    assert desk.ask(lambda unit: unit.booking(held.id)).status is BookingStatus.EXPIRED
    assert desk.state(first) == "waiting"
    with pytest.raises(HoldExpiredError):
        desk.confirm(held, now=then)
    assert desk.wrong_counters() == {}


def test_the_same_referral_may_hold_again_once_its_hold_ran_out(desk: Desk) -> None:
    desk.publish(slot())
    who = desk.refer()
    first = desk.hold(who, slot())
    again = desk.hold(who, slot(), now=NOW + HOLD)
    assert again.id != first.id
    assert desk.state(who) == "held"


def test_a_hold_needs_an_end_after_now_and_a_promise_has_none(desk: Desk) -> None:
    desk.publish(slot())
    who = desk.refer()
    with pytest.raises(InputError, match="held_until"):
        desk.hold(who, slot(), until=NOW)
    for status, until in ((BookingStatus.HELD, None), (BookingStatus.PROMISED, NOW + HOLD)):
        with pytest.raises(InputError, match="held_until"):
            desk.do(
                lambda unit, status=status, until=until: unit.take_seat(
                    who.id, slot(), mode=Mode.AMB, status=status, held_until=until
                )
            )


@pytest.mark.parametrize(
    ("opens_in", "allowed"),
    [(None, True), (-INSTANT, True), (timedelta(0), True), (INSTANT, False)],
    ids=["field absent", "open", "opens now", "opens later"],
)
def test_a_slot_is_held_from_opens_at_on(
    desk: Desk, opens_in: timedelta | None, *, allowed: bool
) -> None:
    where = slot(opens_at=None if opens_in is None else NOW + opens_in)
    desk.publish(where)
    who = desk.refer()
    if allowed:
        assert desk.hold(who, where).slot == where.id
    else:
        with pytest.raises(SlotTakenError, match="not open yet"):
            desk.hold(who, where)


def test_a_hold_refuses_a_slot_that_changed_or_was_withdrawn_or_never_was(desk: Desk) -> None:
    desk.publish(slot())
    who = desk.refer()
    desk.publish(slot(after_minutes=180))
    with pytest.raises(SlotTakenError, match="version 2, not 1"):
        desk.hold(who, slot())
    desk.do(lambda unit: unit.withdraw_slot("slot1", "ill"))
    with pytest.raises(SlotTakenError, match="withdrawn"):
        desk.hold(who, slot(version=3))
    with pytest.raises(UnknownIdError):
        desk.hold(who, slot("nowhere"))


def test_a_referral_of_another_territory_is_held_only_on_a_shared_slot(desk: Desk) -> None:
    own, shared = slot(), slot("slot2", practitioner="d2", shared_with=("senart",))
    desk.publish(own, shared)
    who = desk.refer(territory="senart")
    with pytest.raises(SlotTakenError, match="not shared with senart"):
        desk.hold(who, own)
    booking = desk.hold(who, shared)
    assert booking.territory == "senart"
    assert active(desk, "slot2") == [("slot2", 0)]


def test_confirming_twice_gives_the_same_booking_and_writes_once(desk: Desk) -> None:
    desk.publish(slot())
    who = desk.refer()
    held = desk.hold(who, slot())
    once = desk.confirm(held)
    assert (once.status, once.held_until, once.version) == (BookingStatus.CONFIRMED, None, 2)
    # A confirmed booking has no end of its hold any more.
    assert desk.confirm(held, now=NOW + timedelta(days=1)) == once
    assert desk.kinds().count("booking.confirmed") == 1
    assert desk.state(who) == "booked"


@pytest.mark.parametrize(
    ("end", "state"),
    [
        (BookingStatus.CANCELLED, "waiting"),
        (BookingStatus.FULFILLED, "closed"),
        (BookingStatus.NOSHOW, "closed"),
    ],
)
def test_a_confirmed_booking_ends_once_and_repeating_changes_nothing(
    desk: Desk, end: BookingStatus, state: str
) -> None:
    desk.publish(slot())
    who = desk.refer()
    booking = desk.confirm(desk.hold(who, slot()))
    ended = desk.end(booking, end)
    before = len(desk.kinds())
    assert desk.end(booking, end) == ended
    assert len(desk.kinds()) == before
    assert desk.state(who) == state
    for other in {BookingStatus.CANCELLED, BookingStatus.FULFILLED, BookingStatus.NOSHOW} - {end}:
        with pytest.raises(TransitionError):
            desk.end(booking, other)
    with pytest.raises(TransitionError):
        desk.confirm(booking)
    assert desk.wrong_counters() == {}


def test_a_held_seat_can_be_released_but_not_kept_or_missed(desk: Desk) -> None:
    desk.publish(slot())
    booking = desk.hold(desk.refer(), slot())
    for end in (BookingStatus.FULFILLED, BookingStatus.NOSHOW):
        with pytest.raises(TransitionError, match="is held"):
            desk.end(booking, end)
    with pytest.raises(TransitionError, match="is expired"):
        desk.end(booking, now=NOW + HOLD)
    assert desk.end(booking, now=NOW + HOLD - INSTANT).status is BookingStatus.CANCELLED


def test_a_promise_is_told_once_and_confirmed(desk: Desk) -> None:
    desk.publish(slot())
    who = desk.refer()
    promise = desk.promise(who, slot())
    assert (promise.held_until, promise.told_at) == (None, None)
    told = desk.do(lambda unit: unit.tell(promise.id))
    assert told.told_at == NOW
    later = NOW + timedelta(hours=1)
    assert desk.do(lambda unit: unit.tell(promise.id), now=later) == told
    assert desk.kinds().count("booking.told") == 1
    confirmed = desk.confirm(promise)
    assert (confirmed.told_at, desk.state(who)) == (NOW, "booked")
    with pytest.raises(TransitionError, match="confirmed"):
        desk.do(lambda unit: unit.tell(promise.id))


def test_holds_that_ran_out_are_marked_in_their_own_territory_only(desk: Desk) -> None:
    there = slot("slot2", territory="senart", practitioner="d3")
    desk.publish(slot(), there)
    here = desk.hold(desk.refer(), slot())
    elsewhere = desk.hold(desk.refer("2", territory="senart"), there)
    assert desk.do(lambda unit: unit.expire_holds("giennois"), now=NOW + HOLD - INSTANT) == ()
    swept = desk.do(lambda unit: unit.expire_holds("giennois"), now=NOW + HOLD)
    assert [booking.id for booking in swept] == [here.id]
    assert swept[0].status is BookingStatus.EXPIRED
    assert desk.do(lambda unit: unit.expire_holds("giennois"), now=NOW + HOLD) == ()
    assert desk.ask(lambda unit: unit.booking(elsewhere.id)).status is BookingStatus.HELD
    assert desk.wrong_counters() == {}


def test_a_closed_referral_takes_no_seat_and_a_seated_one_is_not_closed_beside_its_booking(
    desk: Desk,
) -> None:
    desk.publish(slot())
    who = desk.refer()
    booking = desk.hold(who, slot())
    with pytest.raises(TransitionError, match="is held"):
        desk.do(lambda unit: unit.set_referral_state(who.id, ReferralState.CLOSED))
    desk.end(booking)
    desk.do(lambda unit: unit.set_referral_state(who.id, ReferralState.CLOSED, "asked"))
    with pytest.raises(TransitionError, match="is closed"):
        desk.hold(who, slot())
    assert active(desk, "slot1") == []


def test_a_referral_whose_hold_ran_out_can_be_closed(desk: Desk) -> None:
    desk.publish(slot())
    who = desk.refer()
    desk.hold(who, slot())
    desk.do(lambda unit: unit.set_referral_state(who.id, ReferralState.CLOSED), now=NOW + HOLD)
    assert desk.state(who) == "closed"


def test_withdrawing_cancels_what_is_active_and_says_what_it_was(desk: Desk) -> None:
    where = slot(capacity=3)
    desk.publish(where)
    people = [desk.refer(str(number)) for number in range(3)]
    held, confirmed, stale = (desk.hold(who, where, until=NOW + HOLD) for who in people)
    confirmed = desk.confirm(confirmed)
    lost = desk.do(lambda unit: unit.withdraw_slot("slot1", "ill"))
    assert lost == (held, confirmed, stale)
    assert [desk.state(who) for who in people] == ["waiting"] * 3
    again = desk.do(lambda unit: unit.withdraw_slot("slot1", "ill"))
    assert again == ()
    stored = desk.ask(lambda unit: unit.slot("slot1"))
    assert (stored.state.value, stored.version) == ("withdrawn", 2)
    with pytest.raises(UnknownIdError):
        desk.do(lambda unit: unit.withdraw_slot("nowhere", "ill"))
    assert desk.wrong_counters() == {}


def test_withdrawing_gives_no_hold_that_ran_out(desk: Desk) -> None:
    desk.publish(slot())
    held = desk.hold(desk.refer(), slot())
    assert desk.do(lambda unit: unit.withdraw_slot("slot1", "ill"), now=NOW + HOLD) == ()
    assert desk.ask(lambda unit: unit.booking(held.id)).status is BookingStatus.EXPIRED


def test_unknown_ids_are_named(desk: Desk) -> None:
    desk.publish(slot())
    for verb in ("booking", "confirm", "tell"):
        with pytest.raises(UnknownIdError, match="booking nothing"):
            desk.do(lambda unit, verb=verb: getattr(unit, verb)("nothing"))
    with pytest.raises(UnknownIdError, match="referral nothing"):
        desk.do(
            lambda unit: unit.take_seat(
                "nothing", slot(), mode=Mode.AMB, status=BookingStatus.PROMISED
            )
        )


def test_the_clock_of_a_territory_never_runs_back_further_than_allowed(desk: Desk) -> None:
    from slotengine.errors import ClockError

    tolerance = policy().clock_tolerance

    def tick(offset: timedelta, territory: str = "giennois") -> None:
        desk.do(lambda unit: unit.advance_clock(territory, tolerance), now=NOW + offset)

    tick(timedelta(hours=1))
    tick(timedelta(hours=1) - tolerance)
    with pytest.raises(ClockError, match="giennois"):
        tick(timedelta(hours=1) - tolerance - INSTANT)
    # Another territory has a clock of its own.
    tick(timedelta(0), "senart")
    with pytest.raises(UnknownTerritoryError):
        tick(timedelta(0), "nowhere")


def test_a_work_that_failed_leaves_the_clock_where_it_was(desk: Desk) -> None:
    def fails(unit: Any) -> None:
        unit.advance_clock("giennois", policy().clock_tolerance)
        raise InputError("no")

    with pytest.raises(InputError):
        desk.do(fails, now=NOW + timedelta(hours=1))
    desk.do(lambda unit: unit.advance_clock("giennois", timedelta(0)), now=NOW)


@pytest.mark.parametrize(
    ("minute", "minutes", "free"),
    [(295, 15, True), (296, 15, False), (324, 15, False), (325, 15, True), (300, 60, False)],
    ids=["just before", "a minute into it", "its last minute", "just after", "around it"],
)
def test_no_seat_is_taken_while_the_practitioner_has_a_patient_elsewhere(
    desk: Desk, minute: int, minutes: int, *, free: bool
) -> None:
    """From 310 to 325; two agendas of one person never overlap unless a database was mended."""
    desk.publish(slot("away", practitioner="d3", after_minutes=310, territory="senart"))
    where = slot("here", practitioner="d2", after_minutes=minute, minutes=minutes)
    desk.publish(where)
    desk.hold(
        desk.refer("away", territory="senart"),
        desk.ask(lambda unit: unit.slot("away")),
    )
    desk.rewrite_practitioner("d3", "d2")
    who = desk.refer("1")
    if free:
        assert desk.hold(who, where).slot == "here"
    else:
        with pytest.raises(SlotTakenError, match="has a patient elsewhere"):
            desk.hold(who, where)
        assert desk.state(who) == "received"
    assert desk.wrong_counters() == {}
