"""Promises, prices and hand-backs while several want the same thing, on both databases."""

from collections.abc import Callable
from datetime import timedelta
from functools import partial

import pytest
from builders import NOW, referral, slot
from desk import HOLD, Desk
from promises import move, promised
from races import ACTIVE, counted, counters_agree, raced, spawned, together, won
from test_store_prices import price_set

from slotengine.codes import BookingStatus, Mode
from slotengine.domain import Booking, Slot
from slotengine.errors import BookingError, SlotTakenError
from slotengine.ports import Unit
from slotengine.store import SqlStore

THREADS = 6
ROUNDS = 15
DOCTORS = ("d1", "d2", "d3")

TWICE = (
    f"SELECT slot_id, seat FROM slotengine_booking WHERE {ACTIVE} GROUP BY 1, 2 HAVING count(*) > 1"
)
SEATLESS = (
    "SELECT p.referral_id FROM slotengine_promise p WHERE p.state = 'open' AND NOT EXISTS ("
    "SELECT 1 FROM slotengine_booking b WHERE b.referral_id = p.referral_id "
    "AND b.status = 'promised')"
)
ASTRAY = (
    "SELECT b.id FROM slotengine_booking b JOIN slotengine_slot s ON s.id = b.slot_id "
    f"WHERE b.{ACTIVE} AND (s.state <> 'open' OR b.seat >= s.capacity + s.extra_capacity)"
)
"""Seats with two bookings, promises without a seat, bookings where no seat is."""


@pytest.fixture
def desk(store: SqlStore) -> Desk:
    ready = Desk(store)
    ready.settle(doctors=DOCTORS)
    return ready


def kept(url: str) -> bool:
    """Tells whether the database is as every promise of the library says."""
    return all(counted(url, sql) == [] for sql in (TWICE, SEATLESS, ASTRAY)) and counters_agree(url)


def at(round_: int, doctor: str) -> Slot:
    return slot(f"{doctor}-{round_}", practitioner=doctor, after_minutes=60 + 15 * round_)


def take(referral_id: str, booking: Booking, to: Slot, seat_of: Slot) -> Callable[[Unit], Booking]:
    """Moves a promise to its free seat and holds the seat that it leaves, or nothing of it."""

    def both(unit: Unit) -> Booking:
        unit.move_promises([move(booking, to)])
        return unit.take_seat(
            referral_id,
            seat_of,
            mode=Mode.AMB,
            status=BookingStatus.HELD,
            held_until=NOW + HOLD,
        )

    return lambda unit: unit.attempt(lambda: both(unit))


def test_of_several_takers_of_one_promised_seat_one_wins_and_the_promise_moves(
    desk: Desk, store_url: str
) -> None:
    """Each finds the same path: the promise goes to d2's seat, the taker to d1's."""
    for round_ in range(5):
        first, free = at(round_, "d1"), at(round_, "d2")
        desk.publish(first, free)
        who, booking = promised(desk, f"promised{round_}", first)
        takers = [desk.refer(f"{round_}-{number}") for number in range(THREADS)]
        outcomes = raced(*(partial(desk.do, take(one.id, booking, free, first)) for one in takers))
        assert won(outcomes) == 1
        lost = [one for one in outcomes if isinstance(one, BookingError)]
        assert all(isinstance(one, SlotTakenError) for one in lost)
        now_on = desk.ask(lambda unit, who=who: unit.booking_of(who.id))
        assert now_on is not None
        assert (now_on.id, now_on.slot) == (booking.id, free.id)
        assert kept(store_url)


def _taker(store: SqlStore, name: str) -> list[str]:
    """Wants the seat of the promise of every round, by the path that it reads at that moment."""
    desk = Desk(store)
    said = []
    for round_ in range(ROUNDS):
        first, free = at(round_, "d1"), at(round_, "d2")
        (one,) = desk.ask(
            lambda unit, first=first: [
                found for found in unit.open_promises("giennois") if found.slot.id == first.id
            ]
        )
        together()
        try:
            desk.do(take(referral(f"{name}{round_}").id, one.booking, free, first))
        except SlotTakenError:
            said.append("lost")
        else:
            said.append("won")
        together()
    store.close()
    return said


def test_two_processes_that_want_the_same_promised_seats_have_one_winner_each_round(
    desk: Desk, store_url: str
) -> None:
    for round_ in range(ROUNDS):
        desk.publish(at(round_, "d1"), at(round_, "d2"))
        promised(desk, f"promised{round_}", at(round_, "d1"))
        for name in "ab":
            desk.refer(f"{name}{round_}")
    said = spawned(*(partial(_taker, desk.store, name) for name in "ab"))
    assert [sorted(both) for both in zip(*said, strict=True)] == [["lost", "won"]] * ROUNDS
    assert kept(store_url)


def test_paths_that_cross_leave_every_promise_with_a_seat(desk: Desk, store_url: str) -> None:
    """Two promises, one free seat between them: whichever moves there, the other stays."""
    for round_ in range(ROUNDS):
        left, free, right = (at(round_, doctor) for doctor in DOCTORS)
        desk.publish(left, free, right)
        _, one = promised(desk, f"left{round_}", left)
        _, other = promised(desk, f"right{round_}", right)
        first, second = desk.refer(f"a{round_}"), desk.refer(f"b{round_}")
        outcomes = raced(
            partial(desk.do, take(first.id, one, free, left)),
            partial(desk.do, take(second.id, other, free, right)),
        )
        assert won(outcomes) == 1
    assert kept(store_url)


def test_a_promise_that_is_told_does_not_move_at_the_same_moment(
    desk: Desk, store_url: str
) -> None:
    """Moved first, it is told where it sits then; told first, it stays."""
    for round_ in range(ROUNDS):
        first, free = at(round_, "d1"), at(round_, "d2")
        desk.publish(first, free)
        who, booking = promised(desk, f"promised{round_}", first)
        step = move(booking, free)
        told, moved = raced(
            lambda booking=booking: desk.do(lambda unit: unit.tell(booking.id)),
            lambda step=step: desk.do(
                lambda unit: unit.attempt(lambda: unit.move_promises([step]))
            ),
        )
        assert isinstance(told, Booking)
        now_on = desk.ask(lambda unit, who=who: unit.booking_of(who.id))
        assert now_on is not None
        assert (
            now_on.slot == told.slot == (first.id if isinstance(moved, BookingError) else free.id)
        )
    assert kept(store_url)


@pytest.mark.parametrize("end", ["from", "to"])
def test_a_promise_never_stays_on_a_slot_that_is_withdrawn_as_it_moves(
    desk: Desk, store_url: str, end: str
) -> None:
    for round_ in range(ROUNDS):
        first, free = at(round_, "d1"), at(round_, "d2")
        gone = first if end == "from" else free
        desk.publish(first, free)
        who, booking = promised(desk, f"promised{round_}", first)
        step = move(booking, free)
        lost, moved = raced(
            lambda gone=gone: desk.do(lambda unit: unit.withdraw_slot(gone.id, "ill")),
            lambda step=step: desk.do(
                lambda unit: unit.attempt(lambda: unit.move_promises([step]))
            ),
        )
        now_on = desk.ask(lambda unit, who=who: unit.booking_of(who.id))
        # Either withdrawing found it and says so, or it sits on the slot that is left.
        assert (now_on is None) is bool(lost)
        if now_on is not None:
            assert now_on.slot == (first.id if isinstance(moved, BookingError) else free.id)
            assert now_on.slot != gone.id
    assert counted(store_url, ASTRAY) == counted(store_url, TWICE) == []
    assert counters_agree(store_url)


@pytest.mark.parametrize("seats", [1, 2])
def test_a_seat_is_held_or_handed_back_never_both(desk: Desk, store_url: str, seats: int) -> None:
    """With two seats the first is held already, and both want the second."""
    for round_ in range(ROUNDS):
        where = at(round_, "d1").replaced(capacity=seats)
        desk.publish(where)
        if seats > 1:
            desk.hold(desk.refer(f"first{round_}"), where)
        who = desk.refer(f"{round_}")
        held, given = raced(
            lambda who=who, where=where: desk.hold(who, where),
            lambda where=where: desk.do(lambda unit: unit.hand_back(where.id, why="empty")),
        )
        assert given == (1 if isinstance(held, BookingError) else 0)
    assert kept(store_url)


def test_a_hold_that_races_a_replacement_is_counted_with_whom_it_is(
    desk: Desk, store_url: str
) -> None:
    for round_ in range(ROUNDS):
        where = at(round_, "d1").replaced(capacity=2)
        desk.publish(where)
        first = desk.hold(desk.refer(f"first{round_}"), where)
        who = desk.refer(f"{round_}")
        held, ended, outcome = raced(
            lambda who=who, where=where: desk.hold(who, where),
            lambda first=first: desk.end(first),
            lambda where=where: desk.do(lambda unit: unit.replace_practitioner(where.id, "d3")),
        )
        assert outcome == "replaced"
        assert isinstance(ended, Booking)
        assert isinstance(held, Booking | SlotTakenError)
    astray = (
        "SELECT b.id FROM slotengine_booking b JOIN slotengine_slot s ON s.id = b.slot_id "
        f"WHERE b.{ACTIVE} AND s.practitioner <> b.practitioner"
    )
    assert counted(store_url, astray) == []
    assert kept(store_url)


def test_prices_computed_last_are_current_whoever_saves_them_first(
    desk: Desk, store_url: str
) -> None:
    for round_ in range(5):
        sets = [
            price_set(
                f"{round_}-{number}",
                computed_at=NOW + timedelta(hours=round_, minutes=7 * number % 60),
            )
            for number in range(THREADS)
        ]
        outcomes = raced(
            *(lambda one=one: desk.do(lambda unit: unit.save_prices(one)) for one in sets)
        )
        last = max(sets, key=lambda one: one.computed_at)
        assert outcomes[sets.index(last)] is True
        assert desk.ask(lambda unit: unit.current_prices("giennois")) == last
    (rows,) = counted(store_url, "SELECT count(*) FROM slotengine_price_set")
    assert rows == (5 * THREADS,)


def test_the_same_prices_saved_by_all_at_once_are_one_set(desk: Desk, store_url: str) -> None:
    sets = [price_set(computed_at=NOW + timedelta(minutes=number)) for number in range(THREADS)]
    raced(*(lambda one=one: desk.do(lambda unit: unit.save_prices(one)) for one in sets))
    assert desk.ask(lambda unit: unit.current_prices("giennois")) == sets[-1]
    assert counted(store_url, "SELECT count(*) FROM slotengine_price_set") == [(1,)]
    assert counted(store_url, "SELECT count(*) FROM slotengine_seat_price") == [(2,)]
