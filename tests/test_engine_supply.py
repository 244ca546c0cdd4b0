"""Publication that never moves a patient, and withdrawal that seats patients again."""

import pytest
from builders import NOW, practitioner, referral, site, slot
from counter import PHARMACIST, counter, later

from slotengine.codes import BookingStatus, ReferralState
from slotengine.errors import InputError, UnknownIdError, UnknownTerritoryError
from slotengine.reasons import ReasonCode
from slotengine.store import SqlStore


def test_publishing_the_same_twice_changes_nothing(store: SqlStore) -> None:
    engine = counter(store)
    events = engine.events()
    again = engine.publish(
        "giennois",
        practitioners=[practitioner("d1"), practitioner("d2")],
        sites=[site("s1")],
        slots=[slot("soon"), slot("later", after_minutes=180)],
        now=later(1),
    )
    assert (again.created, again.changed, again.same) == (0, 0, 2)
    assert engine.events() == events


def test_a_slot_under_a_booking_is_kept_as_it_is_and_said_so(store: SqlStore) -> None:
    engine = counter(store)
    booked = engine.place(referral(), now=NOW, confirm=True).booking
    moved = slot("soon", after_minutes=150)
    report = engine.publish("giennois", slots=[moved, slot("new", after_minutes=240)], now=NOW)
    assert [(one.id, report.created) for one in report.rejected] == [("soon", 1)]
    assert "withdraw" in report.rejected[0].why
    assert engine.agenda("d1", _day())[0].start == slot("soon").start
    assert engine.booking(booked.id).status is BookingStatus.CONFIRMED


def _day():
    from slotengine.domain import TimeWindow

    return TimeWindow(start=NOW, end=later(24 * 60))


def test_an_overlapping_slot_of_one_practitioner_is_kept_back(store: SqlStore) -> None:
    engine = counter(store)
    report = engine.publish(
        "giennois",
        slots=[slot("across", after_minutes=130), slot("touching", after_minutes=135)],
        now=NOW,
    )
    assert [one.id for one in report.rejected] == ["across"]
    assert report.created == 1


def test_a_slot_without_its_practitioner_is_kept_back(store: SqlStore) -> None:
    engine = counter(store)
    report = engine.publish("giennois", slots=[slot("ghost", practitioner="d7")], now=NOW)
    assert [one.id for one in report.rejected] == ["ghost"]


def test_a_value_of_another_territory_stops_the_publication(store: SqlStore) -> None:
    engine = counter(store)
    with pytest.raises(InputError, match="senart"):
        engine.publish(
            "giennois",
            slots=[slot("fine", after_minutes=240), slot("alien", territory="senart")],
            now=NOW,
        )
    assert "fine" not in {one.id for one in engine.agenda("d1", _day())}


def test_a_territory_without_policy_can_not_publish(store: SqlStore) -> None:
    engine = counter(store)
    with pytest.raises(UnknownTerritoryError):
        engine.publish("senart", now=NOW)


def test_another_territory_can_not_take_over_a_slot_id(store: SqlStore) -> None:
    from builders import policy

    engine = counter(store)
    engine.set_policy(policy(territory="senart"), now=NOW)
    report = engine.publish(
        "senart",
        practitioners=[practitioner("d1", territory="senart")],
        sites=[site("s1", territory="senart")],
        slots=[slot("soon", territory="senart")],
        now=NOW,
    )
    assert [one.id for one in report.rejected] == ["soon"]


def test_a_withdrawn_seat_is_an_incident_and_the_patient_sits_elsewhere(store: SqlStore) -> None:
    engine = counter(store)
    booked = engine.place(referral(), now=NOW, confirm=True).booking
    report = engine.withdraw(["soon"], reason="doctor ill", now=later(5), actor=PHARMACIST)
    (incident,) = report.incidents
    assert incident.lost == booked
    assert incident.replacement.slot == "later"
    assert incident.replacement.status is BookingStatus.PROMISED
    assert engine.booking(booked.id).status is BookingStatus.CANCELLED
    assert engine.referral(referral().id).state is ReferralState.PROMISED
    assert "incident.seat_lost" in [event.kind for event in engine.events()]


def test_when_nothing_is_left_the_incident_says_so_and_the_patient_waits(store: SqlStore) -> None:
    engine = counter(store, slot("only"))
    engine.place(referral(), now=NOW, confirm=True)
    (incident,) = engine.withdraw(["only"], reason="doctor ill", now=later(5)).incidents
    assert incident.replacement is None
    assert incident.reasons[0].code is ReasonCode.NO_FREE_SEAT
    assert [one.id for one in engine.waiting("giennois")] == [referral().id]


def test_withdrawing_both_slots_does_not_seat_a_patient_on_the_second(store: SqlStore) -> None:
    engine = counter(store)
    engine.place(referral(), now=NOW, confirm=True)
    (incident,) = engine.withdraw(["soon", "later"], reason="ill", now=later(5)).incidents
    assert incident.replacement is None


def test_withdrawing_twice_or_an_unknown_slot(store: SqlStore) -> None:
    engine = counter(store)
    engine.withdraw(["soon"], reason="ill", now=NOW)
    assert engine.withdraw(["soon"], reason="ill", now=NOW).incidents == ()
    with pytest.raises(UnknownIdError):
        engine.withdraw(["soon", "ghost"], reason="ill", now=NOW)


def test_an_unknown_slot_in_a_list_withdraws_none_of_it(store: SqlStore) -> None:
    engine = counter(store)
    with pytest.raises(UnknownIdError):
        engine.withdraw(["ghost", "soon"], reason="ill", now=NOW)
    assert engine.place(referral(), now=NOW).booking.slot == "soon"


def test_a_withdrawn_slot_stays_withdrawn_when_its_agenda_is_sent_again(store: SqlStore) -> None:
    engine = counter(store, slot("only"))
    engine.withdraw(["only"], reason="ill", now=NOW)
    engine.publish("giennois", slots=[slot("only")], now=later(1))
    assert engine.place(referral(), now=later(1)).booking is None
