"""Races: real processes and real threads behind a barrier, judged by what SQL counts afterwards."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from builders import NOW, patient, practitioner, referral, slot
from desk import HOLD, Desk, planned
from races import ACTIVE, counted, counters_agree, raced, spawned, together, won
from sqlalchemy import create_engine, text

from slotengine.codes import BookingStatus, Mode
from slotengine.domain import Referral, Slot
from slotengine.errors import BookingError, DuplicateReferralError, SlotTakenError
from slotengine.ports import Unit
from slotengine.store import SqlStore

ROUNDS = 200
THREADS = 8


def _last(round_: int) -> Slot:
    return slot(f"last{round_}", after_minutes=60 + 15 * round_)


def _next(round_: int) -> Slot:
    return slot(f"next{round_}", after_minutes=60 + 15 * round_, practitioner="d2", capacity=2)


def _hold(who: Referral, where: Slot) -> Callable[[Unit], object]:
    return lambda unit: unit.take_seat(
        who.id, where, mode=Mode.AMB, status=BookingStatus.HELD, held_until=NOW + HOLD
    )


def _racer(url: str, name: str) -> None:
    """Wants the last seat of every round, and takes the next slot where it lost."""
    store = SqlStore.open(url)
    for round_ in range(ROUNDS):
        who = referral(f"{name}{round_}")
        together()
        try:
            store.write(_hold(who, _last(round_)), now=NOW)
        except SlotTakenError:
            store.write(_hold(who, _next(round_)), now=NOW)
    store.close()


def test_two_processes_racing_for_the_last_seat_have_one_winner_in_each_of_200_rounds(
    store: SqlStore, store_url: str
) -> None:
    desk = Desk(store)
    desk.settle(doctors=("d1", "d2"))

    def prepare(unit: Unit) -> None:
        unit.put_slots([make(round_) for round_ in range(ROUNDS) for make in (_last, _next)])
        for round_ in range(ROUNDS):
            for name in "ab":
                unit.add_referral(referral(f"{name}{round_}"), "digest")

    desk.do(prepare)
    spawned(*(partial(_racer, store_url, name) for name in "ab"))

    winners = counted(
        store_url,
        "SELECT slot_id, count(*) FROM slotengine_booking "
        f"WHERE slot_id LIKE 'last%' AND {ACTIVE} GROUP BY slot_id",
    )
    assert len(winners) == ROUNDS
    assert {count for _, count in winners} == {1}
    losers = counted(
        store_url,
        "SELECT slot_id, count(*) FROM slotengine_booking "
        f"WHERE slot_id LIKE 'next%' AND {ACTIVE} GROUP BY slot_id",
    )
    assert len(losers) == ROUNDS
    assert {count for _, count in losers} == {1}
    assert counters_agree(store_url)


def test_eight_threads_racing_for_three_seats_fill_exactly_three(
    store: SqlStore, store_url: str
) -> None:
    desk = Desk(store)
    desk.settle()
    where = slot(capacity=3)
    desk.publish(where)
    people = [desk.refer(str(number)) for number in range(THREADS)]
    outcomes = raced(*(lambda who=who: desk.hold(who, where) for who in people))
    assert won(outcomes) == 3
    assert all(isinstance(o, SlotTakenError) for o in outcomes if isinstance(o, BookingError))
    seats = counted(store_url, f"SELECT seat FROM slotengine_booking WHERE {ACTIVE} ORDER BY seat")
    assert seats == [(0,), (1,), (2,)]
    assert counters_agree(store_url)


def test_eight_threads_placing_one_referral_give_it_one_seat(
    store: SqlStore, store_url: str
) -> None:
    desk = Desk(store)
    desk.settle(doctors=tuple(f"d{number}" for number in range(THREADS)))
    slots = [slot(f"slot{number}", practitioner=f"d{number}") for number in range(THREADS)]
    desk.publish(*slots)
    who = desk.refer()
    outcomes = raced(*(lambda where=where: desk.hold(who, where) for where in slots))
    assert won(outcomes) == 1
    assert counted(store_url, f"SELECT count(*) FROM slotengine_booking WHERE {ACTIVE}") == [(1,)]
    assert counters_agree(store_url)


def test_a_hold_racing_a_withdrawal_never_stays_on_the_withdrawn_slot(
    store: SqlStore, store_url: str
) -> None:
    desk = Desk(store)
    desk.settle()
    for round_ in range(30):
        where = slot(f"slot{round_}", after_minutes=60 + 15 * round_)
        desk.publish(where)
        who = desk.refer(str(round_))
        raced(
            lambda where=where, who=who: desk.hold(who, where),
            lambda where=where: desk.do(lambda unit: unit.withdraw_slot(where.id, "ill")),
        )
    astray = counted(
        store_url,
        "SELECT b.id FROM slotengine_booking b JOIN slotengine_slot s ON s.id = b.slot_id "
        f"WHERE s.state = 'withdrawn' AND b.{ACTIVE}",
    )
    assert astray == []
    assert counted(store_url, "SELECT count(*) FROM slotengine_slot WHERE state = 'withdrawn'") == [
        (30,)
    ]
    assert counters_agree(store_url)


def test_a_hold_racing_a_publication_never_stays_on_a_moved_slot(
    store: SqlStore, store_url: str
) -> None:
    desk = Desk(store)
    desk.settle()
    for round_ in range(30):
        where = slot(f"slot{round_}", after_minutes=60 + 60 * round_)
        moved = slot(f"slot{round_}", after_minutes=90 + 60 * round_)
        desk.publish(where)
        who = desk.refer(str(round_))
        raced(
            lambda where=where, who=who: desk.hold(who, where),
            lambda moved=moved: desk.publish(moved),
        )
    assert (
        counted(
            store_url,
            "SELECT b.id FROM slotengine_booking b JOIN slotengine_slot s ON s.id = b.slot_id "
            f"WHERE s.starts_at <> b.starts_at AND b.{ACTIVE}",
        )
        == []
    )


def test_a_practitioners_cap_holds_when_two_slots_are_taken_at_once(
    store: SqlStore, store_url: str
) -> None:
    desk = Desk(store)
    desk.settle()
    desk.do(lambda unit: unit.put_practitioners([practitioner(max_bookings_per_day=1)]))
    for day in range(20):
        early, late = (
            slot(f"{name}{day}", after_minutes=24 * 60 * day + minutes)
            for name, minutes in (("early", 60), ("late", 180))
        )
        desk.publish(early, late)
        first, second = desk.refer(f"a{day}"), desk.refer(f"b{day}")
        outcomes = raced(
            lambda first=first, early=early: desk.hold(first, early),
            lambda second=second, late=late: desk.hold(second, late),
        )
        assert won(outcomes) == 1
    assert counted(
        store_url, "SELECT count(*) FROM slotengine_practitioner_day WHERE used = 1 AND cap = 1"
    ) == [(20,)]
    assert counters_agree(store_url)


def test_a_patient_is_not_in_two_places_when_two_referrals_are_placed_at_once(
    store: SqlStore, store_url: str
) -> None:
    """Two referrals of one patient, in two territories, at overlapping hours."""
    desk = Desk(store)
    desk.settle("giennois", doctors=("d1",))
    desk.settle("senart", doctors=("d2",))
    for round_ in range(20):
        minutes = 60 + 30 * round_
        here = slot(f"here{round_}", after_minutes=minutes)
        there = slot(
            f"there{round_}", after_minutes=minutes + 10, practitioner="d2", territory="senart"
        )
        desk.publish(here, there)
        one = patient(f"person {round_}")
        first = desk.refer(f"a{round_}", patient=one)
        second = desk.refer(f"b{round_}", patient=one, territory="senart")
        outcomes = raced(
            lambda first=first, here=here: desk.hold(first, here),
            lambda second=second, there=there: desk.hold(second, there),
        )
        assert won(outcomes) == 1
        assert any(isinstance(outcome, DuplicateReferralError) for outcome in outcomes)
    assert counters_agree(store_url)


def test_an_expired_hold_raced_by_two_takers_goes_to_one(store: SqlStore, store_url: str) -> None:
    desk = Desk(store)
    desk.settle()
    for round_ in range(20):
        where = slot(f"slot{round_}", after_minutes=60 + 15 * round_)
        desk.publish(where)
        desk.hold(desk.refer(f"old{round_}"), where)
        later = NOW + HOLD
        takers = [desk.refer(f"{name}{round_}") for name in "ab"]
        outcomes = raced(
            *(
                lambda who=who, where=where, at=later: desk.hold(who, where, now=at)
                for who in takers
            )
        )
        assert won(outcomes) == 1
    assert counters_agree(store_url)


def test_confirm_racing_cancel_ends_in_one_of_the_two(store: SqlStore, store_url: str) -> None:
    desk = Desk(store)
    desk.settle()
    for round_ in range(20):
        where = slot(f"slot{round_}", after_minutes=60 + 15 * round_)
        desk.publish(where)
        booking = desk.hold(desk.refer(str(round_)), where)
        raced(
            lambda booking=booking: desk.confirm(booking),
            lambda booking=booking: desk.end(booking),
        )
    # A cancellation always has its way: before the confirmation (which then fails) or after it.
    assert counted(store_url, "SELECT DISTINCT status FROM slotengine_booking") == [("cancelled",)]
    assert counted(store_url, "SELECT DISTINCT state FROM slotengine_referral") == [("waiting",)]
    assert counters_agree(store_url)


def test_events_never_appear_behind_a_cursor_while_eight_threads_write(store: SqlStore) -> None:
    """A reader that follows the feed while it is written sees every event exactly once."""
    desk = Desk(store)
    desk.settle()
    done = threading.Event()

    def write(number: int) -> None:
        for turn in range(15):
            desk.refer(f"{number}-{turn}")

    def follow() -> list[str]:
        seen: list[str] = []
        cursor: str | None = None
        last = False
        while True:
            page = desk.ask(lambda unit: unit.events(cursor, 7))  # noqa: B023 (called at once)
            seen += [event.cursor for event in page]
            cursor = page[-1].cursor if page else cursor
            if last and not page:
                return seen
            last = done.is_set()

    with ThreadPoolExecutor(THREADS + 1) as pool:
        reader = pool.submit(follow)
        writers = [pool.submit(write, number) for number in range(THREADS)]
        for writer in writers:
            writer.result()
        done.set()
        seen = reader.result()
    everything = desk.ask(lambda unit: unit.events(None, 10_000))
    assert seen == [event.cursor for event in everything]
    assert len({event.referral for event in everything}) == THREADS * 15


def test_an_event_of_a_slow_transaction_is_not_skipped(postgres_url: str) -> None:
    """An earlier transaction that commits later holds later events back; none is ever missed."""
    engine = create_engine(postgres_url)
    store = SqlStore.open(postgres_url)
    desk = Desk(store)
    desk.refer("before")
    with engine.connect() as slow:
        Desk(SqlStore.bound(slow)).refer("slow")
        desk.refer("quick")
        first = desk.ask(lambda unit: unit.events(None, 10))
        assert [event.referral for event in first] == [referral("before").id]
        slow.commit()
    rest = desk.ask(lambda unit: unit.events(first[-1].cursor, 10))
    assert [event.referral for event in rest] == [referral("slow").id, referral("quick").id]
    engine.dispose()
    store.close()


def test_a_transaction_of_another_database_does_not_hold_the_feed_back(
    postgres_url: str, empty_postgres_url: str
) -> None:
    """The cluster's transaction numbers are shared; its databases are not."""
    other = create_engine(empty_postgres_url)
    store = SqlStore.open(postgres_url)
    desk = Desk(store)
    with other.connect() as slow:
        number = slow.execute(text("SELECT pg_current_xact_id()::text::bigint")).scalar_one()
        desk.refer("quick")
        (event,) = desk.ask(lambda unit: unit.events(None, 10))
        assert event.referral == referral("quick").id
        assert int(event.cursor[1:].split("-")[0], 16) > number
    other.dispose()
    store.close()


def test_a_told_promise_stays_where_it_is_when_a_plan_wants_to_move_it_at_once(
    store: SqlStore, store_url: str
) -> None:
    """Either the plan came first and the old promise is gone, or the told one stayed."""
    desk = Desk(store)
    desk.settle(doctors=("d1", "d2"))
    for round_ in range(10):
        old = slot(f"old{round_}", after_minutes=60 + 15 * round_)
        new = slot(f"new{round_}", after_minutes=60 + 15 * round_, practitioner="d2")
        desk.publish(old, new)
        who = desk.refer(str(round_))
        first = desk.promise(who, old)
        told, conflicts = raced(
            lambda first=first: desk.do(lambda unit: unit.tell(first.id)),
            lambda who=who, old=old, new=new: desk.do(
                lambda unit: unit.commit_plan(planned((who, new, 0)), [old, new])
            ),
        )
        now_on = desk.ask(lambda unit: unit.booking_of(who.id))  # noqa: B023 (called at once)
        assert now_on is not None
        moved = isinstance(told, BookingError)
        assert now_on.slot == (new.id if moved else old.id)
        assert bool(conflicts) is not moved
    assert counters_agree(store_url)


def test_a_confirmation_is_never_undone_by_a_plan_that_wants_to_move_it_at_once(
    store: SqlStore, store_url: str
) -> None:
    desk = Desk(store)
    desk.settle(doctors=("d1", "d2"))
    for round_ in range(10):
        old = slot(f"old{round_}", after_minutes=60 + 15 * round_)
        new = slot(f"new{round_}", after_minutes=60 + 15 * round_, practitioner="d2")
        desk.publish(old, new)
        who = desk.refer(str(round_))
        first = desk.promise(who, old)
        confirmed, _ = raced(
            lambda first=first: desk.confirm(first),
            lambda who=who, old=old, new=new: desk.do(
                lambda unit: unit.commit_plan(planned((who, new, 0)), [old, new])
            ),
        )
        now_on = desk.ask(lambda unit: unit.booking_of(who.id))  # noqa: B023 (called at once)
        assert now_on is not None
        if isinstance(confirmed, BookingError):
            assert (now_on.slot, now_on.status) == (new.id, BookingStatus.PROMISED)
        else:
            assert (now_on.slot, now_on.status) == (old.id, BookingStatus.CONFIRMED)
    assert counters_agree(store_url)
