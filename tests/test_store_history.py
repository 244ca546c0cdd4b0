"""The contract of looking back: arrivals, openings, endings, chances; on both databases."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import pytest
from builders import NOW, TOWN, patient, slot
from desk import HOLD, Desk
from sqlalchemy import text

from slotengine.codes import BookingStatus, Mode, Priority, Profession, ReferralState, SourceKind
from slotengine.domain import Referral, TimeWindow
from slotengine.errors import UnknownIdError
from slotengine.forecast import Arrival, Endings, History, Opening
from slotengine.store import SqlStore

HOUR = timedelta(hours=1)
INSTANT = timedelta(microseconds=1)
PAST = TimeWindow(start=NOW, end=NOW + HOUR)


@pytest.fixture
def desk(store: SqlStore) -> Desk:
    return Desk.beside(store, "d1", "d2", "d3")


def past(desk: Desk, territory: str = "giennois", window: TimeWindow = PAST) -> History:
    return desk.ask(lambda unit: unit.history(territory, window))


def test_a_territory_without_a_past_has_an_empty_history(desk: Desk) -> None:
    assert past(desk) == History(since=NOW, until=NOW + HOUR)


def test_an_arrival_is_what_a_forecast_reads_of_a_referral(desk: Desk) -> None:
    desk.refer(
        "1",
        source=SourceKind.NURSE,
        priority=Priority.ASAP,
        professions=(Profession.NURSE, Profession.PHYSICIAN),
        received_at=NOW + timedelta(minutes=5),
    )
    desk.refer("2", patient=patient("x", location=None))
    desk.refer("3", patient=patient("y", location=TOWN.replaced(insee=None)))
    desk.refer("4", territory="senart")
    first, second, third = past(desk).arrivals
    assert third == Arrival(
        at=NOW + timedelta(minutes=5),
        source=SourceKind.NURSE,
        priority=Priority.ASAP,
        professions=(Profession.PHYSICIAN, Profession.NURSE),
        insee="44114",
    )
    assert (first.insee, second.insee) == (None, None)
    assert len(past(desk, "senart").arrivals) == 1


@pytest.mark.parametrize(
    ("at", "seen"), [(-INSTANT, 0), (timedelta(0), 1), (HOUR - INSTANT, 1), (HOUR, 0)]
)
def test_a_window_holds_its_start_and_not_its_end(desk: Desk, at: timedelta, seen: int) -> None:
    desk.refer("1", received_at=NOW + at)
    desk.publish(slot(), now=NOW + at)
    found = past(desk)
    assert (len(found.arrivals), len(found.openings)) == (seen, seen)


@pytest.mark.parametrize(
    ("state", "seen"), [(ReferralState.CLOSED, 1), (ReferralState.WAITING, 1), ("refused", 0)]
)
def test_a_refused_referral_is_no_arrival(desk: Desk, state: Any, seen: int) -> None:
    who = desk.refer()
    desk.do(lambda unit: unit.set_referral_state(who.id, ReferralState(state)))
    assert len(past(desk).arrivals) == seen


def test_an_opening_is_what_a_slot_was_when_it_was_first_published(desk: Desk) -> None:
    where = slot(minutes=20, capacity=2, extra_capacity=1, modes=(Mode.AMB, Mode.VR))
    desk.publish(where, now=NOW + timedelta(minutes=1))
    desk.publish(where.replaced(shared_with=("senart",)), now=NOW + timedelta(minutes=9))
    opening = Opening(
        published_at=NOW + timedelta(minutes=1),
        practitioner="d1",
        site="s1",
        start=where.start,
        minutes=20,
        seats=3,
        modes=(Mode.AMB, Mode.VR),
    )
    assert past(desk).openings == (opening,)
    assert past(desk, "senart").openings == (opening,)


def test_seats_handed_back_were_opened_and_a_withdrawn_slot_was_not(desk: Desk) -> None:
    hall = slot(capacity=3)
    desk.publish(hall, slot("whole", practitioner="d2"), slot("gone", practitioner="d3"))
    desk.hold(desk.refer(), hall)
    for id_ in ("slot1", "whole"):
        desk.do(lambda unit, id_=id_: unit.hand_back(id_, why="empty"))
    desk.do(lambda unit: unit.withdraw_slot("gone", "ill"))
    assert [(one.practitioner, one.seats) for one in past(desk).openings] == [("d1", 3), ("d2", 1)]


def test_a_slot_published_before_that_was_kept_is_no_opening(desk: Desk) -> None:
    desk.publish(slot())
    desk.do(
        lambda unit: unit._connection.execute(  # type: ignore[attr-defined] # as an old database
            text("UPDATE slotengine_slot SET published_at = NULL")
        )
    )
    assert past(desk).openings == ()


def test_endings_are_those_of_confirmed_bookings_that_ended_in_the_window(desk: Desk) -> None:
    """Came, missed, cancelled by its people: 3. Held only, promised only, withdrawn, later: 0."""
    for number in range(8):
        desk.publish(slot(f"slot{number}", after_minutes=120 + 15 * number))

    def confirmed(number: int) -> Any:
        where = slot(f"slot{number}", after_minutes=120 + 15 * number)
        return desk.confirm(desk.hold(desk.refer(str(number)), where))

    desk.end(confirmed(0), BookingStatus.FULFILLED)
    desk.end(confirmed(1), BookingStatus.NOSHOW)
    desk.end(confirmed(2))
    desk.end(desk.hold(desk.refer("3"), slot("slot3", after_minutes=165)))
    desk.end(desk.promise(desk.refer("4"), slot("slot4", after_minutes=180)))
    confirmed(5)
    desk.do(lambda unit: unit.withdraw_slot("slot5", "ill"))
    desk.end(confirmed(6), now=NOW + HOUR)
    confirmed(7)
    assert past(desk).endings == Endings(confirmed=3, cancelled=1, missed=1)
    assert past(desk, "senart").endings == Endings()


def outcomes(
    desk: Desk, now: datetime, waiting: Mapping[str, float] | None = None
) -> tuple[tuple[float, float], ...]:
    return desk.ask(lambda unit: unit.chance_outcomes("giennois", waiting), now=now)


def stated(desk: Desk, deadline: datetime | None = NOW + HOUR) -> Referral:
    who = desk.refer("1", deadline=deadline)
    desk.do(lambda unit: unit.record_chance(who.id, 0.25, 0.3))
    return who


def test_a_chance_is_not_known_to_have_failed_before_its_instant(desk: Desk) -> None:
    stated(desk)
    assert outcomes(desk, NOW + HOUR - INSTANT) == ()
    assert outcomes(desk, NOW + HOUR) == ((0.25, False),)
    assert desk.ask(lambda unit: unit.chance_outcomes("senart")) == ()


def test_only_the_first_chance_of_a_referral_is_kept(desk: Desk) -> None:
    who = stated(desk)
    desk.do(lambda unit: unit.record_chance(who.id, 0.9, 0.9))
    assert outcomes(desk, NOW + HOUR) == ((0.25, False),)
    with pytest.raises(UnknownIdError):
        desk.do(lambda unit: unit.record_chance("r-nothing", 0.9, 0.9))


@pytest.mark.parametrize(
    ("at", "served"), [(timedelta(0), True), (HOUR - INSTANT, True), (HOUR, False)]
)
def test_a_seat_before_its_instant_makes_a_chance_come_true(
    desk: Desk, at: timedelta, served: object
) -> None:
    """Whatever becomes of the seat: it came, as was said."""
    desk.publish(slot())
    who = stated(desk)
    desk.end(desk.hold(who, slot(), now=NOW + at), now=NOW + at)
    assert outcomes(desk, NOW + 2 * HOUR) == ((0.25, served),)


def test_a_seat_given_up_before_the_chance_was_stated_is_not_what_was_waited_for(
    desk: Desk,
) -> None:
    desk.publish(slot())
    who = desk.refer("1", deadline=NOW + HOUR)
    desk.end(desk.hold(who, slot()))
    desk.do(lambda unit: unit.record_chance(who.id, 0.25, 0.3), now=NOW + HOLD)
    assert outcomes(desk, NOW + HOUR) == ((0.25, False),)


@pytest.mark.parametrize(
    ("closed", "known"), [(HOUR - INSTANT, ()), (HOUR, ((0.25, False),))], ids=str
)
def test_who_stops_waiting_tells_nothing_about_the_chance(
    desk: Desk, closed: timedelta, known: object
) -> None:
    who = stated(desk)
    desk.do(lambda unit: unit.set_referral_state(who.id, ReferralState.CLOSED), now=NOW + closed)
    assert outcomes(desk, NOW + 2 * HOUR) == known


def test_a_chance_without_an_instant_tells_nothing(desk: Desk) -> None:
    desk.publish(slot())
    who = stated(desk, deadline=None)
    desk.hold(who, slot())
    assert outcomes(desk, NOW + 100 * HOUR) == ()


def test_who_got_a_seat_early_tells_it_no_sooner_than_who_got_none(desk: Desk) -> None:
    """Else the lucky would be counted first, and every chance be told too high."""
    desk.publish(slot())
    who = stated(desk)
    desk.hold(who, slot())
    assert outcomes(desk, NOW + HOUR - INSTANT) == ()
    assert outcomes(desk, NOW + HOUR) == ((0.25, True),)


def test_how_a_chance_stands_is_told_from_an_hour_on(desk: Desk) -> None:
    """Sooner it would be the same futures once more."""
    who = stated(desk, deadline=NOW + 4 * HOUR)
    by_now = {who.id: 0.1}
    assert outcomes(desk, NOW + HOUR - INSTANT, by_now) == ()
    assert outcomes(desk, NOW + HOUR, by_now) == ((0.25, 0.1),)
    assert outcomes(desk, NOW + HOUR) == ()
    assert outcomes(desk, NOW + HOUR, {}) == ()
    assert outcomes(desk, NOW + 4 * HOUR - INSTANT, by_now) == ((0.25, 0.1),)
    assert outcomes(desk, NOW + 4 * HOUR, by_now) == ((0.25, 0),)


def test_who_has_a_seat_stands_beside_those_who_wait(desk: Desk) -> None:
    desk.publish(slot())
    who = stated(desk, deadline=NOW + 4 * HOUR)
    desk.end(desk.hold(who, slot()))
    assert outcomes(desk, NOW + HOUR, {}) == ((0.25, 1),)
    assert outcomes(desk, NOW + HOUR) == ()


def test_who_stopped_waiting_does_not_stand_anywhere(desk: Desk) -> None:
    who = stated(desk, deadline=NOW + 4 * HOUR)
    desk.do(lambda unit: unit.set_referral_state(who.id, ReferralState.CLOSED), now=NOW + HOUR)
    assert outcomes(desk, NOW + 2 * HOUR, {}) == ()
