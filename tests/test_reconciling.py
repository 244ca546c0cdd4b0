"""Agendas imported again: what changed is taken over, and nobody is moved silently."""

from datetime import timedelta
from typing import Any

import pytest
from builders import NOW, practitioner, referral, slot
from counter import counter, later

from slotengine.adapters.agenda import Agenda
from slotengine.adapters.base import PAYLOAD, Rejected
from slotengine.adapters.kinds import Kind
from slotengine.codes import BookingStatus, SlotState
from slotengine.domain import Slot, TimeWindow
from slotengine.engine import Engine
from slotengine.errors import InputError
from slotengine.reconciling import VANISHING_FREELY, AgendaReport
from slotengine.store import SqlStore

WINDOW = TimeWindow(start=NOW - timedelta(days=1), end=NOW + timedelta(days=2))


def own(name: str, after: int, *, agenda: str = "cabinet", **changes: Any) -> Slot:
    return slot(f"{agenda}:{name}", after_minutes=after, **changes)


def agenda(*slots: Slot, name: str = "cabinet", **changes: Any) -> Agenda:
    return Agenda(name=name, slots=slots, **changes)


def fault(field: str = "start") -> Rejected:
    return Rejected(adapter="csv", record=1, line=2, field=field, kind=Kind.BAD_DATE)


def bare(store: SqlStore) -> Engine:
    """A counter whose own two slots are far from those of the agenda."""
    return counter(store, slot("other", after_minutes=1400, practitioner="d2"))


def take(engine: Engine, found: Agenda, minutes: float = 0, **changes: Any) -> AgendaReport:
    given = {"territory": "giennois", "window": WINDOW, "now": later(minutes), **changes}
    return engine.reconcile(found, **given)


def listed(engine: Engine, practitioner: str = "d1") -> dict[str, SlotState]:
    return {one.id: one.state for one in engine.agenda(practitioner, WINDOW)}


def book(engine: Engine, reference: str = "1", minutes: float = 0) -> Any:
    return engine.place(referral(reference), now=later(minutes), confirm=True).booking


def test_what_an_agenda_lists_is_published(store: SqlStore) -> None:
    engine = bare(store)
    report = take(engine, agenda(own("a", 60), own("b", 120)))
    assert (report.created, report.changed, report.same, report.withdrawn) == (2, 0, 0, ())
    assert listed(engine) == {"cabinet:a": SlotState.OPEN, "cabinet:b": SlotState.OPEN}


def test_the_same_agenda_again_writes_no_event(store: SqlStore) -> None:
    engine = bare(store)
    found = agenda(own("a", 60), own("b", 120), practitioners=(practitioner("d1"),))
    take(engine, found)
    book(engine)
    before = engine.events()
    report = take(engine, found, 1)
    assert (report.created, report.changed, report.same, report.described) == (0, 0, 2, 0)
    assert engine.events() == before


def test_a_slot_that_vanished_is_withdrawn(store: SqlStore) -> None:
    engine = bare(store)
    take(engine, agenda(own("a", 60), own("b", 120)))
    report = take(engine, agenda(own("a", 60)), 1)
    assert report.withdrawn == ("cabinet:b",)
    assert listed(engine)["cabinet:b"] is SlotState.WITHDRAWN


def test_slots_of_another_agenda_stay(store: SqlStore) -> None:
    engine = bare(store)
    take(engine, agenda(own("a", 60), name="cabinet"))
    take(engine, agenda(own("a", 120, agenda="cabinet-b"), name="cabinet-b"), 1)
    report = take(engine, agenda(name="cabinet-b"), 2)
    assert report.withdrawn == ("cabinet-b:a",)
    assert listed(engine)["cabinet:a"] is SlotState.OPEN


@pytest.mark.parametrize(
    ("begins", "ends", "withdrawn"),
    [(60, 61, ("cabinet:a",)), (61, 200, ()), (0, 60, ()), (0, 61, ("cabinet:a",))],
    ids=["starts-on-its-edge", "before-it", "on-its-end", "inside"],
)
def test_only_what_starts_in_the_window_vanishes(
    store: SqlStore, begins: int, ends: int, withdrawn: tuple[str, ...]
) -> None:
    engine = bare(store)
    take(engine, agenda(own("a", 60)))
    window = TimeWindow(start=later(begins), end=later(ends))
    assert take(engine, agenda(), window=window).withdrawn == withdrawn


def test_a_slot_that_has_begun_neither_vanishes_nor_appears(store: SqlStore) -> None:
    engine = bare(store)
    take(engine, agenda(own("a", 60)))
    report = take(engine, agenda(own("b", 30)), 60)
    assert (report.withdrawn, report.created, report.ignored) == ((), 0, 1)


def test_a_booked_slot_that_vanished_is_an_incident_and_its_patient_seated_again(
    store: SqlStore,
) -> None:
    engine = bare(store)
    take(engine, agenda(own("a", 60), own("b", 120)))
    booking = book(engine)
    gone, stays = sorted(["cabinet:a", "cabinet:b"], key=lambda id_: id_ != booking.slot)
    kept = own("a", 60) if stays == "cabinet:a" else own("b", 120)
    report = take(engine, agenda(kept), 1)
    assert [(one.lost.id, one.replacement.slot) for one in report.incidents] == [
        (booking.id, stays)
    ]
    assert report.withdrawn == (gone,)
    assert engine.booking(booking.id).status is BookingStatus.CANCELLED


def test_a_booked_slot_whose_hour_was_shifted_gives_its_patient_the_shifted_one(
    store: SqlStore,
) -> None:
    """The whole morning is moved by ten minutes: each new slot overlaps an old one."""
    engine = bare(store)
    take(engine, agenda(own("a", 60), own("b", 75), own("c", 90)))
    booking = book(engine)
    assert booking.slot.startswith("cabinet:")
    shifted = agenda(own("d", 70), own("e", 85), own("f", 100))
    report = take(engine, shifted, 1)
    assert (report.created, len(report.withdrawn)) == (3, 3)
    (incident,) = report.incidents
    assert incident.replacement.slot in {"cabinet:d", "cabinet:e", "cabinet:f"}
    assert report.not_published == ()


def test_a_booked_slot_of_the_same_id_at_another_hour_comes_under_a_new_number(
    store: SqlStore,
) -> None:
    engine = bare(store)
    take(engine, agenda(own("a", 60)))
    booking = book(engine)
    report = take(engine, agenda(own("a", 70)), 1)
    assert report.withdrawn == ("cabinet:a",)
    assert listed(engine) == {"cabinet:a": SlotState.WITHDRAWN, "cabinet:a~2": SlotState.OPEN}
    assert report.incidents[0].lost.id == booking.id
    before = engine.events()
    assert take(engine, agenda(own("a", 70)), 2).same == 1
    assert engine.events() == before


def test_a_free_slot_moves_without_a_word(store: SqlStore) -> None:
    engine = bare(store)
    take(engine, agenda(own("a", 60)))
    report = take(engine, agenda(own("a", 70)), 1)
    assert (report.changed, report.withdrawn, report.incidents) == (1, (), ())


def test_a_slot_that_left_the_window_is_moved_not_withdrawn(store: SqlStore) -> None:
    engine = bare(store)
    take(engine, agenda(own("a", 60)))
    window = TimeWindow(start=NOW, end=later(90))
    report = take(engine, agenda(own("a", 100)), 1, window=window)
    assert (report.changed, report.withdrawn) == (1, ())


def test_a_slot_that_comes_back_is_published_anew(store: SqlStore) -> None:
    engine = bare(store)
    take(engine, agenda(own("a", 60), own("b", 120)))
    take(engine, agenda(own("b", 120)), 1)
    report = take(engine, agenda(own("a", 60), own("b", 120)), 2)
    assert (report.created, report.same, report.left) == (1, 1, ())
    assert listed(engine)["cabinet:a~2"] is SlotState.OPEN
    take(engine, agenda(own("b", 120)), 3)
    again = take(engine, agenda(own("a", 60), own("b", 120)), 4)
    assert (again.created, listed(engine)["cabinet:a~3"]) == (1, SlotState.OPEN)


def test_a_slot_that_a_person_withdrew_is_not_brought_back(store: SqlStore) -> None:
    engine = bare(store)
    found = agenda(own("a", 60), own("b", 120))
    take(engine, found)
    engine.withdraw(["cabinet:a"], reason="the doctor rang", now=later(1))
    report = take(engine, found, 2)
    assert (report.left, report.created, report.same) == (("cabinet:a",), 0, 1)
    assert listed(engine)["cabinet:a"] is SlotState.WITHDRAWN


def test_a_number_used_again_leaves_the_past_as_it_was(store: SqlStore) -> None:
    engine = bare(store)
    take(engine, agenda(own("a", 60)))
    report = take(engine, agenda(own("a", 400)), 200)
    assert report.created == 1
    found = {one.id: one.start for one in engine.agenda("d1", WINDOW)}
    assert found == {"cabinet:a": later(60), "cabinet:a~2": later(400)}


def test_fewer_seats_under_a_booking_are_said_and_move_nobody(store: SqlStore) -> None:
    engine = bare(store)
    take(engine, agenda(own("a", 60, capacity=2)))
    bookings = [book(engine, "1"), book(engine, "2")]
    assert {one.slot for one in bookings} == {"cabinet:a"}
    report = take(engine, agenda(own("a", 60, capacity=1)), 1)
    assert (report.withdrawn, report.incidents) == ((), ())
    assert [one.id for one in report.not_published] == ["cabinet:a"]


def morning(count: int) -> tuple[Slot, ...]:
    return tuple(own(f"s{number}", 60 + 20 * number) for number in range(count))


@pytest.mark.parametrize(
    ("before", "after", "refused"),
    [
        (10, 5, False),
        (10, 4, True),
        (VANISHING_FREELY, 0, False),
        (VANISHING_FREELY + 1, 0, True),
    ],
    ids=["half", "more-than-half", "few", "one-more-than-few"],
)
def test_an_agenda_of_which_half_vanished_is_refused(
    store: SqlStore, before: int, after: int, *, refused: bool
) -> None:
    engine = bare(store)
    take(engine, agenda(*morning(before)))
    events = engine.events()
    report = take(engine, agenda(*morning(after)), 1)
    assert bool(report.refused) is refused
    assert (report.vanishing, report.standing) == (before - after, before)
    assert (engine.events() == events) is refused
    if refused:
        allowed = take(engine, agenda(*morning(after)), 2, allow_withdrawals=True)
        assert len(allowed.withdrawn) == before - after


def test_an_agenda_that_broke_off_is_refused_whatever_vanishes(store: SqlStore) -> None:
    engine = bare(store)
    take(engine, agenda(*morning(6)))
    events = engine.events()
    broken = agenda(*morning(6), complete=False, rejected=(fault(PAYLOAD),))
    report = take(engine, broken, 1)
    assert "end" in report.refused
    assert engine.events() == events
    assert take(engine, broken, 2, allow_withdrawals=True).same == 6


def test_a_booked_slot_stays_while_a_record_could_not_be_read(store: SqlStore) -> None:
    engine = bare(store)
    take(engine, agenda(own("a", 60), own("b", 120)))
    booking = book(engine)
    free = ({"cabinet:a", "cabinet:b"} - {booking.slot}).pop()
    report = take(engine, agenda(rejected=(fault(),)), 1)
    assert (report.kept, report.withdrawn, report.incidents) == ((booking.slot,), (free,), ())
    allowed = take(engine, agenda(rejected=(fault(),)), 2, allow_withdrawals=True)
    assert (allowed.kept, allowed.withdrawn) == ((), (booking.slot,))


@pytest.mark.parametrize("said", [{"free_only": True}, {"taken": frozenset({"cabinet:a"})}])
def test_a_booked_slot_that_is_absent_from_what_is_free_stays(
    store: SqlStore, said: dict[str, Any]
) -> None:
    engine = bare(store)
    take(engine, agenda(own("a", 60)))
    booking = book(engine)
    report = take(engine, agenda(**said), 1)
    assert (report.kept, report.withdrawn) == ((booking.slot,), ())


def test_a_list_of_free_slots_may_be_empty(store: SqlStore) -> None:
    engine = bare(store)
    take(engine, agenda(*morning(8)))
    report = take(engine, agenda(free_only=True), 1)
    assert (report.refused, len(report.withdrawn)) == ("", 8)


def test_a_directory_withdraws_nothing(store: SqlStore) -> None:
    engine = bare(store)
    take(engine, agenda(*morning(8)))
    known = practitioner("d7")
    report = take(engine, agenda(lists_slots=False, practitioners=(known,)), 1)
    assert (report.refused, report.withdrawn, report.described) == ("", (), 1)


def test_what_a_coordinator_set_outlives_an_agenda(store: SqlStore) -> None:
    engine = bare(store)
    capped = practitioner("d1", max_age=15, max_bookings_per_day=3)
    engine.publish("giennois", practitioners=[capped], now=NOW)
    said = practitioner("d1", specialties=("SM40",))
    take(engine, agenda(own("a", 60), practitioners=(said,)))
    (known,), _ = store.read(lambda unit: unit.described("giennois", ["d1"], []))
    assert (known.max_age, known.max_bookings_per_day, known.specialties) == (15, 3, ("SM40",))


def test_a_slot_of_another_territory_or_agenda_is_refused(store: SqlStore) -> None:
    engine = bare(store)
    for wrong in (own("a", 60, agenda="other"), own("a~2", 60), own("a", 60, territory="senart")):
        with pytest.raises(InputError):
            take(engine, agenda(wrong))


def test_a_slot_beside_another_agendas_is_said_and_the_others_go_on(store: SqlStore) -> None:
    engine = counter(store, slot("first", after_minutes=60))
    report = take(engine, agenda(own("a", 65), own("b", 120), own("c", 180, site="nowhere")))
    assert report.created == 1
    assert [one.id for one in report.not_published] == ["cabinet:a", "cabinet:c"]


def test_slots_that_swap_their_hours_are_both_moved(store: SqlStore) -> None:
    engine = bare(store)
    take(engine, agenda(own("a", 60), own("b", 120)))
    swapped = agenda(own("a", 120), own("b", 60))
    report = take(engine, swapped, 1)
    assert (report.created, report.not_published) == (2, ())
    found = {one.start: one.id for one in engine.agenda("d1", WINDOW) if one.state == "open"}
    assert found == {later(60): "cabinet:b~2", later(120): "cabinet:a~2"}
    assert take(engine, swapped, 2).same == 2


def test_an_hour_that_is_no_longer_listed_is_not_offered_though_the_new_one_is_taken(
    store: SqlStore,
) -> None:
    engine = counter(store, slot("first", after_minutes=60))
    take(engine, agenda(own("a", 120)))
    moved = agenda(own("a", 65))
    report = take(engine, moved, 1)
    assert report.withdrawn == ("cabinet:a",)
    assert [one.id for one in report.not_published] == ["cabinet:a~2"]
    events = engine.events()
    assert len(take(engine, moved, 2).not_published) == 1
    assert engine.events() == events
