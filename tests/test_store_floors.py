"""How far a class was served lately, on both databases."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from builders import NOW, TOWN, patient, policy, slot
from desk import HOLD, Desk

from slotengine.codes import BookingStatus, Mode, Priority, ReferralState
from slotengine.domain import Referral
from slotengine.store import SqlStore

WEEK = timedelta(days=7)
INSTANT = timedelta(microseconds=1)
ELSEWHERE = TOWN.replaced(insee="44115")


@pytest.fixture
def desk(store: SqlStore) -> Desk:
    ready = Desk(store)
    ready.settle(doctors=("d1", "d2", "d3"))
    return ready


def share(
    desk: Desk,
    priority: Priority | None = None,
    insee: str | None = None,
    *,
    since: datetime = NOW - WEEK,
    now: datetime = NOW,
) -> tuple[int, int]:
    return desk.ask(
        lambda unit: unit.served_share("giennois", priority, insee, since),
        now=now,
    )


def lives(name: str, place: Any) -> dict[str, Any]:
    return {"patient": patient(name, location=place)}


def test_where_nobody_asked_nobody_was_served(desk: Desk) -> None:
    assert share(desk) == (0, 0)
    assert share(desk, Priority.ROUTINE, "44114") == (0, 0)


def test_a_class_is_a_priority_a_commune_or_both(desk: Desk) -> None:
    desk.refer("1", **lives("p1", TOWN))
    desk.refer("2", **lives("p2", ELSEWHERE))
    desk.refer("3", priority=Priority.ROUTINE, **lives("p3", ELSEWHERE))
    nowhere = {"modes": (Mode.VR,), **lives("p4", None)}
    desk.refer("4", priority=Priority.ROUTINE, **nowhere)
    unsaid = lives("p5", TOWN.replaced(insee=None))
    desk.refer("5", priority=Priority.ROUTINE, **unsaid)
    assert share(desk) == (5, 0)
    assert share(desk, Priority.URGENT) == (2, 0)
    assert share(desk, Priority.ROUTINE) == (3, 0)
    assert share(desk, Priority.STAT) == (0, 0)
    assert share(desk, insee="44114") == (1, 0)
    assert share(desk, insee="44115") == (2, 0)
    assert share(desk, Priority.ROUTINE, "44115") == (1, 0)
    assert share(desk, Priority.ROUTINE, "44114") == (0, 0)


def test_who_came_at_the_very_beginning_counts_and_who_came_before_does_not(desk: Desk) -> None:
    desk.refer("1", received_at=NOW - WEEK)
    desk.refer("2", received_at=NOW - WEEK - INSTANT, **lives("p2", TOWN))
    assert share(desk) == (1, 0)
    assert share(desk, since=NOW - WEEK - INSTANT) == (2, 0)
    assert share(desk, since=NOW - WEEK + INSTANT) == (0, 0)


def test_refused_and_other_territories_referrals_do_not_count(desk: Desk) -> None:
    refused = desk.refer("1")
    desk.do(lambda unit: unit.set_referral_state(refused.id, ReferralState.REFUSED))
    desk.do(lambda unit: unit.save_policy(policy(territory="senart")))
    desk.refer("2", territory="senart", **lives("p2", TOWN))
    assert share(desk) == (0, 0)
    desk.refer("3", **lives("p3", TOWN))
    assert share(desk) == (1, 0)


def three(desk: Desk) -> list[Referral]:
    desk.publish(*(slot(f"slot{at}", practitioner=f"d{at}") for at in (1, 2, 3)))
    return [desk.refer(str(at), **lives(f"p{at}", TOWN)) for at in (1, 2, 3)]


def test_held_promised_and_confirmed_seats_are_seats(desk: Desk) -> None:
    one, two, other = three(desk)
    slots = [desk.ask(lambda unit, at=at: unit.slot(f"slot{at}")) for at in (1, 2, 3)]
    held = desk.hold(one, slots[0])
    assert share(desk) == (3, 1)
    desk.promise(two, slots[1])
    assert share(desk) == (3, 2)
    desk.confirm(desk.hold(other, slots[2]))
    assert share(desk) == (3, 3)
    assert share(desk, now=NOW + HOLD - INSTANT) == (3, 3)
    # The hold that nobody confirmed is none from that very instant, marked or not.
    assert share(desk, now=NOW + HOLD) == (3, 2)
    desk.do(lambda unit: unit.expire_holds("giennois"), now=NOW + HOLD)
    assert share(desk, now=NOW + HOLD) == (3, 2)
    assert desk.ask(lambda unit: unit.booking(held.id)).status is BookingStatus.EXPIRED


@pytest.mark.parametrize(
    ("ended", "served"),
    [
        (BookingStatus.FULFILLED, 1),
        (BookingStatus.NOSHOW, 1),
        (BookingStatus.CANCELLED, 0),
    ],
)
def test_a_seat_that_was_used_or_missed_was_one_and_a_cancelled_one_was_not(
    desk: Desk, ended: BookingStatus, served: int
) -> None:
    who, *_ = three(desk)
    first = desk.ask(lambda unit: unit.slot("slot1"))
    booking = desk.confirm(desk.hold(who, first))
    desk.end(booking, ended, now=NOW + timedelta(hours=3))
    assert share(desk, now=NOW + timedelta(hours=3)) == (3, served)


def test_who_lost_a_seat_and_has_another_is_counted_once(desk: Desk) -> None:
    who, *_ = three(desk)
    first = desk.ask(lambda unit: unit.slot("slot1"))
    second = desk.ask(lambda unit: unit.slot("slot2"))
    desk.end(desk.confirm(desk.hold(who, first)))
    desk.hold(who, second)
    assert share(desk) == (3, 1)
