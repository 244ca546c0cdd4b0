"""The contract of free seats, of what may be offered, and of who comes first, on both databases."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from builders import NOW, slot
from desk import HOLD, Desk
from sqlalchemy import text

from slotengine.codes import Audience, BookingStatus, ReferralState, SlotState
from slotengine.domain import TimeWindow
from slotengine.errors import UnknownIdError
from slotengine.store import SqlStore
from slotengine.store_freed import LONG_AGO
from slotengine.store_slots import AUDIENCE_BITS

DAY = TimeWindow(start=NOW, end=NOW + timedelta(days=1))
MINUTE = timedelta(minutes=1)
INSTANT = timedelta(microseconds=1)


@pytest.fixture
def desk(store: SqlStore) -> Desk:
    return Desk.beside(store, "d1", "d2", "d3")


def free(
    desk: Desk, *, now: datetime = NOW, window: TimeWindow = DAY
) -> dict[tuple[str, int], datetime]:
    found = desk.ask(lambda unit: unit.free_seats("giennois", window), now=now)
    return {(one.slot.id, one.seat): one.since for one in found}


def offered(
    desk: Desk, *audiences: Audience, now: datetime = NOW, window: TimeWindow = DAY
) -> list[str]:
    found = desk.ask(lambda unit: unit.offered_slots("giennois", window, audiences), now=now)
    return [one.id for one in found]


def test_every_audience_has_one_bit_of_its_own() -> None:
    assert set(AUDIENCE_BITS) == set(Audience)
    assert sorted(AUDIENCE_BITS.values()) == [1, 2, 4, 8]


def test_only_slots_of_ones_audience_leave_the_database(desk: Desk) -> None:
    desk.publish(
        slot("pro", audiences=(Audience.PRO,)),
        slot("both", practitioner="d2", audiences=(Audience.PRO, Audience.PUBLIC)),
        slot("snp", practitioner="d3", audiences=(Audience.SNP,)),
    )
    assert offered(desk, Audience.PRO) == ["both", "pro"]
    assert offered(desk, Audience.PUBLIC, Audience.SNP) == ["both", "snp"]
    assert offered(desk, Audience.CPTS) == []
    assert offered(desk) == []
    desk.publish(slot("pro", audiences=(Audience.CPTS,)))
    assert offered(desk, Audience.CPTS) == ["pro"]


def test_only_open_slots_of_the_territory_in_the_window_are_offered(desk: Desk) -> None:
    desk.publish(
        slot("opens", opens_at=NOW + HOLD),
        slot("gone", practitioner="d2"),
        slot("back", practitioner="d3"),
        slot("tomorrow", after_minutes=24 * 60),
    )
    away: dict[str, Any] = {"practitioner": "d9", "territory": "senart"}
    desk.publish(slot("shared", shared_with=("giennois",), **away))
    desk.publish(slot("private", after_minutes=300, **away))
    desk.do(lambda unit: unit.withdraw_slot("gone", "ill"))
    desk.do(lambda unit: unit.hand_back("back", why="empty"))
    assert offered(desk, Audience.CPTS) == ["shared"]
    assert offered(desk, Audience.CPTS, now=NOW + HOLD - INSTANT) == ["shared"]
    assert offered(desk, Audience.CPTS, now=NOW + HOLD) == ["opens", "shared"]
    wider = TimeWindow(start=NOW, end=NOW + timedelta(days=1, microseconds=1))
    assert offered(desk, Audience.CPTS, window=wider) == ["shared", "tomorrow"]


def test_a_seat_is_free_since_it_was_published_opened_or_given_up(desk: Desk) -> None:
    where = slot(capacity=2, opens_at=NOW + 2 * MINUTE)
    desk.publish(where, now=NOW + MINUTE)
    assert free(desk, now=NOW + 2 * MINUTE - INSTANT) == {}
    opened = NOW + 2 * MINUTE
    assert free(desk, now=opened) == {("slot1", 0): opened, ("slot1", 1): opened}
    booking = desk.hold(desk.refer("1"), where, now=NOW + 3 * MINUTE)
    assert free(desk, now=NOW + 3 * MINUTE) == {("slot1", 1): opened}
    desk.end(booking, now=NOW + 4 * MINUTE)
    assert free(desk, now=NOW + 5 * MINUTE) == {
        ("slot1", 0): NOW + 4 * MINUTE,
        ("slot1", 1): opened,
    }


def test_a_seat_whose_hold_ran_out_is_free_since_then_whoever_noticed(desk: Desk) -> None:
    desk.publish(slot())
    desk.hold(desk.refer("1"), slot())
    assert free(desk, now=NOW + HOLD - INSTANT) == {}
    much_later = NOW + HOLD + 10 * MINUTE
    assert free(desk, now=much_later) == {("slot1", 0): NOW + HOLD}
    desk.do(lambda unit: unit.expire_holds("giennois"), now=much_later)
    assert free(desk, now=much_later) == {("slot1", 0): NOW + HOLD}


def test_the_last_to_give_a_seat_up_counts(desk: Desk) -> None:
    desk.publish(slot())
    desk.end(desk.hold(desk.refer("1"), slot()), now=NOW + MINUTE)
    desk.end(desk.hold(desk.refer("2"), slot(), now=NOW + 2 * MINUTE), now=NOW + 3 * MINUTE)
    assert free(desk, now=NOW + HOLD) == {("slot1", 0): NOW + 3 * MINUTE}


def test_a_change_of_the_slot_does_not_make_its_seats_new(desk: Desk) -> None:
    desk.publish(slot())
    desk.publish(slot(capacity=2), now=NOW + MINUTE)
    assert free(desk, now=NOW + MINUTE) == {("slot1", 0): NOW, ("slot1", 1): NOW}


def test_a_slot_of_which_nothing_is_known_is_free_since_long_ago(desk: Desk) -> None:
    desk.publish(slot())
    desk.do(
        lambda unit: unit._connection.execute(  # type: ignore[attr-defined] # as an old database
            text("UPDATE slotengine_slot SET published_at = NULL")
        )
    )
    assert free(desk) == {("slot1", 0): LONG_AGO}


def test_seats_agreed_against_no_shows_are_seats_and_the_last_to_be_taken(desk: Desk) -> None:
    where = slot(capacity=1, extra_capacity=1)
    desk.publish(where)
    assert set(free(desk)) == {("slot1", 0), ("slot1", 1)}
    assert desk.hold(desk.refer("1"), where).seat == 0
    assert desk.hold(desk.refer("2"), where).seat == 1
    assert free(desk) == {}
    fewer = slot(capacity=1)
    assert desk.publish(fewer) == {"slot1": "booked"}


def test_a_seat_that_ran_out_or_was_released_is_refused_and_a_cancelled_one_is_not(
    desk: Desk,
) -> None:
    for number, doctor in enumerate(("d1", "d2", "d3"), 1):
        desk.publish(slot(f"slot{number}", practitioner=doctor))
    who = desk.refer("1")

    def refused(now: datetime) -> set[str]:
        found = desk.ask(lambda unit: unit.refused_slots([who.id, "r-nothing"]), now=now)
        assert {referral for referral, _ in found} <= {who.id}
        return {id_ for _, id_ in found}

    assert refused(NOW) == set()
    assert desk.ask(lambda unit: unit.refused_slots([])) == frozenset()
    desk.end(desk.hold(who, slot("slot1")))
    assert refused(NOW) == set()
    booking = desk.hold(who, slot("slot2", practitioner="d2"))
    desk.do(lambda unit: unit.end_booking(booking.id, BookingStatus.CANCELLED, "released"))
    assert refused(NOW) == {"slot2"}
    desk.hold(who, slot("slot3", practitioner="d3"))
    assert refused(NOW + HOLD - INSTANT) == {"slot2"}
    assert refused(NOW + HOLD) == {"slot2", "slot3"}
    desk.do(lambda unit: unit.expire_holds("giennois"), now=NOW + HOLD)
    assert refused(NOW + HOLD) == {"slot2", "slot3"}


def test_a_withdrawn_seat_was_not_refused_by_its_patient(desk: Desk) -> None:
    desk.publish(slot())
    who = desk.refer("1")
    desk.confirm(desk.hold(who, slot()))
    desk.do(lambda unit: unit.withdraw_slot("slot1", "ill"))
    assert desk.ask(lambda unit: unit.refused_slots([who.id])) == frozenset()


def first(desk: Desk) -> set[str]:
    return set(desk.ask(lambda unit: unit.first_in_line("giennois")))


def test_who_is_first_in_line_stays_so_until_there_is_a_seat(desk: Desk) -> None:
    desk.publish(slot())
    one, other = desk.refer("1"), desk.refer("2")
    desk.do(lambda unit: unit.put_first_in_line(one.id))
    desk.do(lambda unit: unit.put_first_in_line(one.id))
    assert first(desk) == {one.id}
    assert desk.kinds().count("referral.first_in_line") == 1
    desk.do(lambda unit: unit.set_referral_state(one.id, ReferralState.WAITING))
    assert first(desk) == {one.id}
    booking = desk.hold(one, slot())
    assert first(desk) == set()
    desk.end(booking)
    assert first(desk) == set()
    desk.hold(other, slot())
    desk.do(lambda unit: unit.put_first_in_line(other.id))
    assert first(desk) == set()


def test_who_is_closed_or_unknown_is_not_put_first(desk: Desk) -> None:
    who = desk.refer()
    desk.do(lambda unit: unit.put_first_in_line(who.id))
    desk.do(lambda unit: unit.set_referral_state(who.id, ReferralState.CLOSED))
    assert first(desk) == set()
    with pytest.raises(UnknownIdError):
        desk.do(lambda unit: unit.put_first_in_line("r-nothing"))
    assert desk.ask(lambda unit: unit.first_in_line("senart")) == frozenset()


def test_a_slot_that_was_handed_back_has_no_free_seat(desk: Desk) -> None:
    desk.publish(slot())
    desk.do(lambda unit: unit.hand_back("slot1", why="empty"))
    assert free(desk) == {}
    assert desk.ask(lambda unit: unit.slot("slot1")).state is SlotState.HANDED_BACK
