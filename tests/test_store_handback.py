"""The contract of slots that change hands: given back, or to a locum; on both databases."""

from datetime import timedelta
from typing import Any

import pytest
from builders import NOW, patient, policy, practitioner, slot
from desk import HOLD, Desk
from sqlalchemy import text

from slotengine.codes import BookingStatus, SlotState
from slotengine.domain import Slot
from slotengine.errors import SlotTakenError, UnknownIdError
from slotengine.side_constraints import Caps
from slotengine.store import SqlStore


@pytest.fixture
def desk(store: SqlStore) -> Desk:
    return Desk.beside(store, "d1", "d2")


def back(desk: Desk, id_: str = "slot1", **at: Any) -> int:
    return desk.do(lambda unit: unit.hand_back(id_, why="empty"), **at)


def stored(desk: Desk, id_: str = "slot1") -> Slot:
    return desk.ask(lambda unit: unit.slot(id_))


def replaced(desk: Desk, by: str, id_: str = "slot1") -> str:
    return str(desk.do(lambda unit: unit.replace_practitioner(id_, by)))


def days(desk: Desk) -> set[tuple[str, int, int]]:
    """Practitioner, bookings and effort of each day that has any."""
    rows = desk.ask(
        lambda unit: unit._connection.execute(  # type: ignore[attr-defined] # behind the port
            text("SELECT practitioner, used, effort FROM slotengine_practitioner_day")
        ).all()
    )
    return {tuple(row) for row in rows if row[1]}


def test_an_empty_slot_is_handed_back_whole(desk: Desk) -> None:
    desk.publish(slot(capacity=2, extra_capacity=1))
    assert back(desk) == 3
    after = stored(desk)
    assert (after.state, after.version, after.seats) == (SlotState.HANDED_BACK, 2, 3)
    assert desk.kinds()[-1] == "slot.handed_back"
    assert back(desk) == 0
    assert stored(desk) == after
    with pytest.raises(SlotTakenError, match="handed back"):
        desk.hold(desk.refer(), after)


@pytest.mark.parametrize(
    ("taken", "capacity", "extra", "given"),
    [(1, 1, 0, 4), (2, 2, 0, 3), (3, 3, 0, 2), (4, 3, 1, 1), (5, 3, 2, 0)],
)
def test_a_slot_keeps_as_many_seats_as_its_last_taken_one_needs(
    desk: Desk, taken: int, capacity: int, extra: int, given: int
) -> None:
    """Three seats and two extra ones; the first ``taken`` of them are held."""
    where = slot(capacity=3, extra_capacity=2)
    desk.publish(where)
    for number in range(taken):
        desk.hold(desk.refer(str(number)), where)
    assert back(desk) == given
    after = stored(desk)
    assert (after.capacity, after.extra_capacity) == (capacity, extra)
    assert (after.state, after.version) == (SlotState.OPEN, 2 if given else 1)
    assert back(desk) == 0


@pytest.mark.parametrize("status", ["held", "promised", "confirmed"])
def test_a_seat_that_somebody_has_is_never_handed_back(desk: Desk, status: str) -> None:
    desk.publish(slot())
    who = desk.refer()
    booking = desk.promise(who, slot()) if status == "promised" else desk.hold(who, slot())
    if status == "confirmed":
        desk.confirm(booking)
    assert back(desk) == 0
    assert stored(desk) == slot()
    desk.end(booking)
    assert back(desk) == 1


def test_a_hold_keeps_its_seat_until_the_instant_it_runs_out(desk: Desk) -> None:
    desk.publish(slot())
    desk.hold(desk.refer(), slot())
    assert back(desk, now=NOW + HOLD - timedelta(microseconds=1)) == 0
    assert back(desk, now=NOW + HOLD) == 1
    assert desk.wrong_counters() == {}


def test_a_free_seat_below_a_taken_one_stays(desk: Desk) -> None:
    where = slot(capacity=3)
    desk.publish(where)
    low = desk.hold(desk.refer("1"), where)
    desk.hold(desk.refer("2"), where)
    desk.end(low)
    assert back(desk) == 1
    assert stored(desk).seats == 2
    assert desk.hold(desk.refer("3"), stored(desk)).seat == 0


def test_what_was_handed_back_is_not_taken_again_by_a_repeated_publication(desk: Desk) -> None:
    hall, empty = slot(capacity=3), slot("empty", practitioner="d2")
    desk.publish(hall, empty)
    desk.hold(desk.refer("1"), hall)
    assert (back(desk), back(desk, "empty")) == (2, 1)
    assert desk.publish(hall, empty) == {"slot1": "same", "empty": "same"}
    assert (stored(desk).seats, stored(desk, "empty").state) == (1, SlotState.HANDED_BACK)
    # One seat more than the agenda had before is one seat more than is left.
    assert desk.publish(hall.replaced(capacity=4)) == {"slot1": "changed"}
    assert stored(desk).seats == 2


def test_handing_back_what_is_not_there_or_withdrawn(desk: Desk) -> None:
    with pytest.raises(UnknownIdError):
        back(desk, "nothing")
    desk.publish(slot())
    desk.do(lambda unit: unit.withdraw_slot("slot1", "ill"))
    assert back(desk) == 0
    assert stored(desk).state is SlotState.WITHDRAWN


def test_a_practitioner_who_gave_a_slot_back_may_publish_another_at_that_hour(desk: Desk) -> None:
    desk.publish(slot())
    back(desk)
    assert desk.publish(slot("slot2")) == {"slot2": "created"}


def test_a_locum_takes_over_a_slot_with_its_bookings_and_what_they_cost(desk: Desk) -> None:
    """15 min of one's own doctor are 15 of effort; with the locum a first visit, 22.5, so 23."""
    where = slot(capacity=1)
    desk.publish(where)
    booking = desk.confirm(
        desk.hold(desk.refer("1", patient=patient("1", own_practitioner="d1")), where)
    )
    assert days(desk) == {("d1", 1, 15)}
    assert replaced(desk, "d2") == "replaced"
    assert stored(desk) == where.replaced(practitioner="d2", version=2)
    after = desk.ask(lambda unit: unit.booking(booking.id))
    assert after == booking.replaced(version=booking.version + 1)
    assert days(desk) == {("d2", 1, 23)}
    assert desk.wrong_counters() == {}
    assert desk.kinds()[-2:] == ["booking.replaced", "slot.replaced"]
    # The patient's seat is the locum's now: cancelling frees the locum's day.
    desk.end(after)
    assert days(desk) == set()
    assert desk.wrong_counters() == {}


def test_a_visit_that_took_place_stays_with_who_gave_it(desk: Desk) -> None:
    where = slot(capacity=2)
    desk.publish(where)
    done = desk.confirm(desk.hold(desk.refer("1"), where))
    desk.hold(desk.refer("2"), where)
    desk.end(done, BookingStatus.FULFILLED)
    assert replaced(desk, "d2") == "replaced"
    assert {(who, used) for who, used, _ in days(desk)} == {("d1", 1), ("d2", 1)}
    assert desk.wrong_counters() == {}


def test_a_repeated_publication_does_not_undo_a_replacement(desk: Desk) -> None:
    desk.publish(slot())
    assert replaced(desk, "d2") == "replaced"
    assert desk.publish(slot()) == {"slot1": "same"}
    assert stored(desk).practitioner == "d2"
    assert desk.publish(slot(capacity=2)) == {"slot1": "changed"}
    assert (stored(desk).practitioner, stored(desk).capacity) == ("d2", 2)
    # Back to who published it, and from there on it is as if nobody had stood in.
    assert replaced(desk, "d1") == "replaced"
    assert desk.publish(slot(capacity=2)) == {"slot1": "same"}
    assert stored(desk).practitioner == "d1"


def test_an_agenda_that_names_somebody_else_moves_an_empty_slot(desk: Desk) -> None:
    desk.do(lambda unit: unit.put_practitioners([practitioner("d3")]))
    desk.publish(slot())
    replaced(desk, "d2")
    assert desk.publish(slot(practitioner="d3")) == {"slot1": "changed"}
    assert stored(desk).practitioner == "d3"
    assert desk.publish(slot()) == {"slot1": "changed"}
    assert stored(desk).practitioner == "d1"


@pytest.mark.parametrize(
    ("by", "outcome"), [("d1", "same"), ("d9", "foreign"), ("d8", "unknown"), ("d2", "replaced")]
)
def test_who_may_take_over(desk: Desk, by: str, outcome: str) -> None:
    desk.publish(slot())
    assert replaced(desk, by) == outcome
    assert stored(desk).practitioner == ("d2" if outcome == "replaced" else "d1")


@pytest.mark.parametrize(
    ("after_minutes", "minutes", "outcome"),
    [(105, 15, "replaced"), (105, 16, "overlap"), (134, 5, "overlap"), (135, 5, "replaced")],
)
def test_a_locum_is_not_in_two_places(
    desk: Desk, after_minutes: int, minutes: int, outcome: str
) -> None:
    """The slot is [120, 135) minutes from now."""
    desk.publish(
        slot(), slot("own", practitioner="d2", after_minutes=after_minutes, minutes=minutes)
    )
    assert replaced(desk, "d2") == outcome


@pytest.mark.parametrize("state", ["withdrawn", "handed back"])
def test_a_slot_that_is_not_open_is_not_taken_over(desk: Desk, state: str) -> None:
    desk.publish(slot())
    if state == "withdrawn":
        desk.do(lambda unit: unit.withdraw_slot("slot1", "ill"))
    else:
        back(desk)
    before = stored(desk)
    assert replaced(desk, "d2") == "same"
    assert stored(desk) == before
    with pytest.raises(UnknownIdError):
        replaced(desk, "d2", "nothing")


@pytest.mark.parametrize(
    ("caps", "outcome"),
    [
        ({"max_bookings_per_day": 2}, "replaced"),
        ({"max_bookings_per_day": 1}, "full"),
        ({"max_bookings_per_week": 1}, "full"),
        # Two seats of 15 minutes are 8 each, a first visit 12.
        ({"max_effort_minutes_per_day": 24}, "replaced"),
        ({"max_effort_minutes_per_day": 23}, "full"),
        ({"max_effort_minutes_per_week": 23}, "full"),
    ],
    ids=str,
)
def test_a_locum_takes_over_no_more_than_they_may_be_given(
    desk: Desk, caps: dict[str, Any], outcome: str
) -> None:
    where = slot(capacity=2)
    desk.publish(where)
    for number in "12":
        desk.hold(desk.refer(number), where)
    desk.do(lambda unit: unit.put_practitioners([practitioner("d2", **caps)]))
    assert replaced(desk, "d2") == outcome
    assert {who for who, _, _ in days(desk)} == {"d2" if outcome == "replaced" else "d1"}
    assert desk.wrong_counters() == {}


def test_the_policys_cap_holds_for_a_locum_too(desk: Desk) -> None:
    where = slot(capacity=2)
    desk.publish(where, slot("own", practitioner="d2", after_minutes=300))
    desk.hold(desk.refer("1"), where)
    desk.hold(desk.refer("2"), slot("own", practitioner="d2", after_minutes=300))
    desk.do(lambda unit: unit.save_policy(policy(caps=Caps(bookings_per_day=1))))
    assert replaced(desk, "d2") == "full"
    desk.do(lambda unit: unit.save_policy(policy(caps=Caps(bookings_per_day=2))))
    assert replaced(desk, "d2") == "replaced"


def test_a_hold_that_ran_out_is_not_taken_over(desk: Desk) -> None:
    desk.publish(slot())
    stale = desk.hold(desk.refer(), slot())
    desk.do(lambda unit: unit.replace_practitioner("slot1", "d2"), now=NOW + HOLD)
    assert desk.ask(lambda unit: unit.booking(stale.id)).status is BookingStatus.EXPIRED
    assert days(desk) == set()
    assert desk.wrong_counters() == {}
