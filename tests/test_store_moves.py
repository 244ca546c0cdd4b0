"""The contract of promised seats that move, one by one and along a path, on both databases."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any, NamedTuple

import pytest
from builders import NOW, patient, policy, practitioner, slot
from desk import HOLD, Desk
from promises import move, moved, places, promised
from sqlalchemy import text

from slotengine.codes import BookingStatus, Mode
from slotengine.domain import Booking, Referral, Slot
from slotengine.errors import InputError, SlotTakenError, UnknownIdError
from slotengine.side_constraints import Caps
from slotengine.store import SqlStore

LATER = NOW + timedelta(minutes=10)


@pytest.fixture
def desk(store: SqlStore) -> Desk:
    return Desk.beside(store, "d1", "d2", "d3")


def test_a_promise_moves_to_a_free_seat_and_its_counters_with_it(desk: Desk) -> None:
    tomorrow = slot("slot2", practitioner="d2", after_minutes=26 * 60, capacity=2)
    desk.publish(slot(), tomorrow)
    desk.hold(desk.refer("other"), tomorrow)
    who, booking = promised(desk, "1", slot())
    (after,) = moved(desk, move(booking, tomorrow))
    assert after == booking.replaced(slot="slot2", seat=1, version=2)
    assert places(desk) == {who.id: ("slot2", 1)}
    assert desk.state(who) == "promised"
    assert desk.wrong_counters() == {}
    event = desk.ask(lambda unit: unit.events(None, 1000))[-1]
    assert (event.kind, event.slot, event.booking, event.why) == (
        "booking.moved",
        "slot2",
        booking.id,
        "from slot1",
    )
    # The place it left is free again, and the patient is no longer there at that hour.
    desk.hold(desk.refer("next", patient=patient("patient of 1")), slot())


class Path(NamedTuple):
    """Three slots at one hour: nobody's, one's and two's."""

    free: Slot
    middle: Slot
    first: Slot
    one: Referral
    seat_of_one: Booking
    two: Referral
    seat_of_two: Booking


@pytest.fixture
def path(desk: Desk) -> Path:
    free, middle, first = (slot(f"slot{n}", practitioner=f"d{n}") for n in (1, 2, 3))
    desk.publish(free, middle, first)
    return Path(free, middle, first, *promised(desk, "1", middle), *promised(desk, "2", first))


def test_a_path_is_moved_from_its_free_end_backwards(desk: Desk, path: Path) -> None:
    """At one hour: 1 goes to the free seat, 2 to where 1 was, the hold to where 2 was."""
    taker = desk.refer("taker")

    def work(unit: Any) -> Booking:
        unit.move_promises([move(path.seat_of_one, path.free), move(path.seat_of_two, path.middle)])
        taken: Booking = unit.take_seat(
            taker.id, path.first, mode=Mode.AMB, status=BookingStatus.HELD, held_until=NOW + HOLD
        )
        return taken

    booking = desk.do(lambda unit: unit.attempt(lambda: work(unit)))
    assert (booking.slot, booking.seat) == ("slot3", 0)
    assert places(desk) == {path.one.id: ("slot1", 0), path.two.id: ("slot2", 0)}
    assert desk.wrong_counters() == {}


def test_a_path_moved_the_other_way_round_misses_and_leaves_nothing_behind(
    desk: Desk, path: Path
) -> None:
    before = desk.kinds()
    with pytest.raises(SlotTakenError, match="taken"):
        moved(desk, move(path.seat_of_two, path.middle), move(path.seat_of_one, path.free))
    assert places(desk) == {path.one.id: ("slot2", 0), path.two.id: ("slot3", 0)}
    assert desk.kinds() == before
    assert desk.wrong_counters() == {}


def test_a_step_that_misses_undoes_the_steps_before_it_and_the_work_goes_on(
    desk: Desk, path: Path
) -> None:
    stale = move(path.seat_of_two.replaced(version=9), path.middle)
    known = desk.kinds()

    def work(unit: Any) -> str:
        unit.event("giennois", "went.before")
        with pytest.raises(SlotTakenError, match="has moved or was told meanwhile"):
            unit.attempt(lambda: unit.move_promises([move(path.seat_of_one, path.free), stale]))
        unit.event("giennois", "went.on")
        return "went on"

    assert desk.do(work) == "went on"
    assert places(desk) == {path.one.id: ("slot2", 0), path.two.id: ("slot3", 0)}
    assert desk.kinds() == [*known, "went.before", "went.on"]
    assert desk.wrong_counters() == {}


def _cap(desk: Desk, period: str) -> None:
    cap: dict[str, Any] = {f"max_bookings_per_{period}": 0}
    desk.do(lambda unit: unit.put_practitioners([practitioner("d2", **cap)]))


def _patient_elsewhere(desk: Desk) -> None:
    beside = slot("beside", practitioner="d3", after_minutes=310)
    desk.publish(beside)
    desk.hold(desk.refer("2", patient=patient("patient of 1")), beside)


def _elsewhere(desk: Desk) -> None:
    """d2 has a patient at 310 whom no publication knows of."""
    desk.publish(slot("away", practitioner="d3", after_minutes=310))
    desk.hold(desk.refer("2"), slot("away", practitioner="d3", after_minutes=310))
    desk.rewrite_practitioner("d3", "d2")


THERE = slot("there", practitioner="d2", after_minutes=300)

HAPPENED: dict[str, tuple[str, Callable[[Desk, Booking], object]]] = {
    "told": ("was told", lambda desk, booking: desk.do(lambda unit: unit.tell(booking.id))),
    "cancelled": ("was told", lambda desk, booking: desk.end(booking)),
    "confirmed": ("was told", lambda desk, booking: desk.confirm(booking)),
    "changed": ("version 2, not 1", lambda desk, _: desk.publish(THERE.replaced(capacity=2))),
    "withdrawn": (
        "withdrawn",
        lambda desk, _: desk.do(lambda unit: unit.withdraw_slot("there", "ill")),
    ),
    "handed back": (
        "handed back",
        lambda desk, _: desk.do(lambda unit: unit.hand_back("there", why="empty")),
    ),
    "patient elsewhere": ("can't be moved there", lambda desk, _: _patient_elsewhere(desk)),
    "practitioner elsewhere": ("patient elsewhere", lambda desk, _: _elsewhere(desk)),
    "taken": ("taken", lambda desk, _: desk.hold(desk.refer("2"), THERE)),
    "day": ("day is full", lambda desk, _: _cap(desk, "day")),
    "week": ("week is full", lambda desk, _: _cap(desk, "week")),
}


@pytest.mark.parametrize("happened", HAPPENED)
def test_a_promise_does_not_move_once_something_has_happened(desk: Desk, happened: str) -> None:
    why, happen = HAPPENED[happened]
    desk.publish(slot(), THERE)
    _, booking = promised(desk, "1", slot())
    happen(desk, booking)
    with pytest.raises(SlotTakenError, match=why):
        moved(desk, move(booking, THERE))
    assert desk.ask(lambda unit: unit.booking(booking.id)).slot == "slot1"
    assert desk.wrong_counters() == {}


@pytest.mark.parametrize(
    ("changes", "mode", "why"),
    [
        ({"opens_at": LATER}, Mode.AMB, "not open yet"),
        ({"practitioner": "d9", "territory": "senart"}, Mode.AMB, "can't be moved there"),
        ({}, Mode.VR, "can't be moved there"),
    ],
    ids=str,
)
def test_a_promise_does_not_move_where_it_may_not_sit(
    desk: Desk, changes: dict[str, Any], mode: Mode, why: str
) -> None:
    there = THERE.replaced(**changes)
    desk.publish(slot(), there)
    _, booking = promised(desk, "1", slot())
    with pytest.raises(SlotTakenError, match=why):
        moved(desk, move(booking, there, mode))
    assert desk.ask(lambda unit: unit.booking(booking.id)).slot == "slot1"
    assert desk.wrong_counters() == {}


def test_a_move_within_a_full_day_is_no_second_booking_of_it(desk: Desk) -> None:
    """The cap is one a day, and the promise that moves is that one."""
    late = slot("late", after_minutes=300)
    desk.publish(slot(), late)
    desk.do(lambda unit: unit.put_practitioners([practitioner(max_bookings_per_day=1)]))
    who, booking = promised(desk, "1", slot())
    moved(desk, move(booking, late))
    assert places(desk) == {who.id: ("late", 0)}
    assert desk.wrong_counters() == {}


@pytest.mark.parametrize(("cap", "lands"), [(45, "there"), (44, "slot1")])
def test_a_move_is_counted_with_what_it_costs_where_it_lands(
    desk: Desk, cap: int, lands: str
) -> None:
    """15 minutes with one's own doctor; 30 at a stranger's are 45 of effort, not 15."""
    there = slot("there", practitioner="d2", minutes=30, after_minutes=300)
    desk.publish(slot(), there)
    desk.do(lambda unit: unit.save_policy(policy(caps=Caps(effort_minutes_per_day=cap))))
    who, booking = promised(
        desk, "1", slot(), patient=patient("patient of 1", own_practitioner="d1")
    )
    if lands == "there":
        moved(desk, move(booking, there))
    else:
        with pytest.raises(SlotTakenError, match="day is full"):
            moved(desk, move(booking, there))
    assert places(desk) == {who.id: (lands, 0)}
    assert desk.wrong_counters() == {}


def test_a_hold_that_ran_out_does_not_stop_a_path(desk: Desk) -> None:
    there = slot("there", practitioner="d2")
    desk.publish(slot(), there)
    stale = desk.hold(desk.refer("stale"), there)
    _, booking = promised(desk, "1", slot())
    with pytest.raises(SlotTakenError, match="taken"):
        moved(desk, move(booking, there), now=NOW + HOLD - timedelta(microseconds=1))
    moved(desk, move(booking, there), now=NOW + HOLD)
    assert desk.ask(lambda unit: unit.booking(stale.id)).status is BookingStatus.EXPIRED
    assert desk.wrong_counters() == {}


def test_an_empty_path_an_unknown_booking_and_two_versions_of_a_slot(desk: Desk) -> None:
    desk.publish(slot())
    _, booking = promised(desk, "1", slot())
    assert desk.do(lambda unit: unit.move_promises([])) == ()
    with pytest.raises(UnknownIdError):
        moved(desk, move(booking.replaced(id="b-nothing"), slot()))
    with pytest.raises(InputError, match="two versions"):
        moved(desk, move(booking, slot()), move(booking, slot(version=2)))


def test_a_constraint_broken_in_an_attempt_speaks_as_its_own_error(desk: Desk) -> None:
    """Whoever wrote beside the library: the attempt is undone and the work goes on."""
    desk.publish(slot(capacity=2))
    desk.hold(desk.refer("1"), slot(capacity=2))
    desk.hold(desk.refer("2"), slot(capacity=2))

    def work(unit: Any) -> str:
        with pytest.raises(SlotTakenError):
            unit.attempt(
                lambda: unit._connection.execute(text("UPDATE slotengine_booking SET seat = 0"))
            )
        return "went on"

    assert desk.do(work) == "went on"
    seats = [one.seat for one in desk.ask(lambda unit: unit.active_bookings(["slot1"]))]
    assert seats == [0, 1]


def test_a_promise_moves_to_a_slot_shared_with_its_territory(desk: Desk) -> None:
    shared = slot("there", practitioner="d9", territory="senart", shared_with=("giennois",))
    desk.publish(slot(), shared)
    who, booking = promised(desk, "1", slot())
    moved(desk, move(booking, shared))
    assert places(desk) == {who.id: ("there", 0)}
    assert desk.wrong_counters() == {}
