"""Referrals before a seat: once, refused, past, amended, linked, cancelled."""

from datetime import UTC, datetime, timedelta

import pytest
from builders import NOW, patient, referral, slot
from counter import counter, later

from slotengine.codes import CareLevel, Priority, ReferralState, SourceKind
from slotengine.domain import Motive, TimeWindow
from slotengine.errors import (
    ClockError,
    InputError,
    ReferralConflictError,
    ReferralPastError,
    TransitionError,
    UnknownIdError,
    UnknownTerritoryError,
)
from slotengine.reasons import ReasonCode
from slotengine.store import SqlStore


def kinds(engine, after=None):
    return [event.kind for event in engine.events(after)]


def test_the_same_message_twice_writes_nothing_twice(store: SqlStore) -> None:
    engine = counter(store)
    first = engine.refer(referral(), now=NOW)
    events = engine.events()
    second = engine.refer(referral(), now=later(1))
    assert (first.repeated, second.repeated) == (False, True)
    assert second.state is ReferralState.RECEIVED
    assert engine.events() == events


def test_a_repeated_message_that_arrived_later_is_still_the_same(store: SqlStore) -> None:
    engine = counter(store)
    engine.refer(referral(deadline=None), now=NOW)
    again = engine.refer(referral(deadline=None, received_at=later(1)), now=later(1))
    assert again.repeated
    assert again.deadline == NOW + timedelta(hours=24)


def test_the_same_reference_with_other_content_is_a_conflict(store: SqlStore) -> None:
    engine = counter(store)
    engine.refer(referral(), now=NOW)
    with pytest.raises(ReferralConflictError, match="amend"):
        engine.refer(referral(priority=Priority.ASAP), now=NOW)
    assert engine.referral(referral().id).priority is Priority.URGENT


def test_deadline_and_radius_come_from_the_policy_when_absent(store: SqlStore) -> None:
    engine = counter(store, max_travel_metres=7_000)
    bare = referral(deadline=None, max_travel_metres=None, priority=Priority.ASAP)
    receipt = engine.refer(bare, now=NOW)
    assert receipt.deadline == datetime(2026, 11, 23, 20, 0, tzinfo=UTC)
    assert engine.referral(bare.id).max_travel_metres == 7_000


def test_a_radius_of_zero_is_not_an_absent_one(store: SqlStore) -> None:
    engine = counter(store)
    engine.refer(referral(max_travel_metres=0), now=NOW)
    assert engine.referral(referral().id).max_travel_metres == 0


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"source": SourceKind.SAMU, "care_level": CareLevel.R1}, ReasonCode.RED_FLAG_LEVEL),
        ({"source": SourceKind.SAMU, "care_level": CareLevel.R2}, ReasonCode.RED_FLAG_LEVEL),
        ({"priority": Priority.STAT}, ReasonCode.RED_FLAG_STAT),
        ({"motive": Motive(system="samu", code="M03.06")}, ReasonCode.RED_FLAG_MOTIVE),
    ],
)
def test_red_flags_are_refused_with_15_and_never_placed(store: SqlStore, changes, code) -> None:
    engine = counter(store)
    placement = engine.place(referral(**changes), now=NOW)
    assert placement.state is ReferralState.REFUSED
    assert placement.booking is None
    assert placement.reasons[0].code is code
    assert "15" in placement.reasons[0].text()
    again = engine.place(referral(**changes), now=later(1))
    assert (again.state, again.booking) == (ReferralState.REFUSED, None)
    assert again.reasons[0].code is code
    report = engine.plan("giennois", now=later(2))
    assert report.referrals == 0
    with pytest.raises(TransitionError):
        engine.offers(placement.referral, now=later(2))


@pytest.mark.parametrize(
    "changes",
    [
        {"source": SourceKind.SAMU, "care_level": CareLevel.R3},
        {"source": SourceKind.SAMU, "priority": Priority.STAT},
        {"source": SourceKind.EMERGENCY, "priority": Priority.STAT},
        {"motive": Motive(system="samu", code="M03.14")},
        {},
    ],
)
def test_what_is_ours_is_placed(store: SqlStore, changes) -> None:
    engine = counter(store)
    assert engine.place(referral(**changes), now=NOW).booking is not None


def test_a_policy_can_list_its_own_red_flags(store: SqlStore) -> None:
    engine = counter(store, red_flag_motives=("M03.14",))
    fever = referral(motive=Motive(system="samu", code="M03.14"))
    assert engine.refer(fever, now=NOW).state is ReferralState.REFUSED


def test_a_referral_whose_deadline_is_past_is_refused_and_not_stored(store: SqlStore) -> None:
    engine = counter(store)
    late = referral(received_at=later(-120), deadline=later(-1))
    with pytest.raises(ReferralPastError, match="deadline is past"):
        engine.refer(late, now=NOW)
    with pytest.raises(UnknownIdError):
        engine.referral(late.id)


def test_a_deadline_that_is_now_is_not_past(store: SqlStore) -> None:
    engine = counter(store)
    assert not engine.refer(referral(deadline=NOW), now=NOW).repeated


def test_a_referral_whose_windows_are_all_past_is_refused(store: SqlStore) -> None:
    engine = counter(store)
    past = TimeWindow(start=later(-60), end=NOW)
    open_ = TimeWindow(start=later(60), end=later(90))
    with pytest.raises(ReferralPastError, match="window"):
        engine.refer(referral(windows=(past,)), now=NOW)
    assert not engine.refer(referral(windows=(past, open_)), now=NOW).repeated


def test_a_referral_from_the_future_is_refused(store: SqlStore) -> None:
    engine = counter(store)
    with pytest.raises(InputError, match="after now"):
        engine.refer(referral(received_at=later(2.1)), now=NOW)
    assert engine.refer(referral(received_at=later(2)), now=NOW)


def test_an_unknown_territory_is_named(store: SqlStore) -> None:
    engine = counter(store)
    with pytest.raises(UnknownTerritoryError, match="senart"):
        engine.refer(referral(territory="senart"), now=NOW)


def test_a_clock_that_goes_back_beyond_tolerance_is_refused(store: SqlStore) -> None:
    engine = counter(store)
    engine.refer(referral("1"), now=later(10))
    engine.refer(referral("2"), now=later(8))
    with pytest.raises(ClockError):
        engine.refer(referral("3"), now=later(7.9))


def test_the_same_need_from_another_source_is_linked_and_not_seated_twice(store: SqlStore) -> None:
    engine = counter(store)
    somebody = patient("somebody")
    first = engine.place(referral("1", patient=somebody), now=NOW)
    from_nurse = referral("1", source=SourceKind.NURSE, patient=somebody)
    receipt = engine.refer(from_nurse, now=NOW)
    assert receipt.linked == (first.referral,)
    second = engine.place(from_nurse, now=NOW)
    assert second.booking is None
    assert ReasonCode.LINKED in {reason.code for reason in second.reasons}
    assert "referral.linked" in kinds(engine)


def test_another_need_of_the_same_patient_is_not_linked(store: SqlStore) -> None:
    from slotengine.codes import Profession

    engine = counter(store)
    somebody = patient("somebody")
    engine.refer(referral("1", patient=somebody), now=NOW)
    nurse = referral("2", patient=somebody, professions=(Profession.NURSE,))
    assert engine.refer(nurse, now=NOW).linked == ()


def test_amending_changes_what_is_asked(store: SqlStore) -> None:
    engine = counter(store)
    engine.refer(referral(), now=NOW)
    receipt = engine.amend(referral(max_travel_metres=1_000), now=later(1))
    assert not receipt.repeated
    assert engine.referral(referral().id).max_travel_metres == 1_000
    assert engine.amend(referral(max_travel_metres=1_000), now=later(1)).repeated
    assert engine.refer(referral(max_travel_metres=1_000), now=later(1)).repeated


def test_amending_gives_back_a_held_seat_that_no_longer_fits(store: SqlStore) -> None:
    engine = counter(store)
    placed = engine.place(referral(), now=NOW)
    assert placed.booking is not None
    receipt = engine.amend(referral(deadline=later(119)), now=later(1))
    assert receipt.reasons[0].code is ReasonCode.DEADLINE
    assert receipt.state is ReferralState.WAITING
    assert engine.booking(placed.booking.id).status == "cancelled"


def test_amending_keeps_a_held_seat_that_still_fits(store: SqlStore) -> None:
    engine = counter(store)
    placed = engine.place(referral(), now=NOW)
    receipt = engine.amend(referral(deadline=later(120)), now=later(1))
    assert (receipt.reasons, receipt.state) == ((), ReferralState.HELD)
    assert engine.booking(placed.booking.id).status == "held"


def test_amending_never_takes_a_confirmed_seat_away(store: SqlStore) -> None:
    engine = counter(store)
    placed = engine.place(referral(), now=NOW, confirm=True)
    receipt = engine.amend(referral(deadline=later(119)), now=later(1))
    assert receipt.reasons[0].code is ReasonCode.DEADLINE
    assert engine.booking(placed.booking.id).status == "confirmed"


def test_amending_to_a_red_flag_gives_the_seat_back_and_says_15(store: SqlStore) -> None:
    engine = counter(store)
    placed = engine.place(referral(), now=NOW, confirm=True)
    chest_pain = referral(motive=Motive(system="samu", code="M03.06"))
    receipt = engine.amend(chest_pain, now=later(1))
    assert receipt.state is ReferralState.REFUSED
    assert engine.booking(placed.booking.id).status == "cancelled"


def test_an_unknown_or_closed_referral_can_not_be_amended(store: SqlStore) -> None:
    engine = counter(store)
    with pytest.raises(UnknownIdError):
        engine.amend(referral(), now=NOW)
    engine.refer(referral(), now=NOW)
    engine.cancel_referral(referral().id, reason="patient recovered", now=NOW)
    with pytest.raises(TransitionError, match="closed"):
        engine.amend(referral(priority=Priority.ASAP), now=NOW)


def test_cancelling_a_referral_frees_its_seat_once(store: SqlStore) -> None:
    engine = counter(store, slot("only"))
    engine.place(referral("1"), now=NOW, confirm=True)
    assert engine.place(referral("2"), now=NOW).booking is None
    engine.cancel_referral(referral("1").id, reason="patient recovered", now=later(1))
    again = engine.cancel_referral(referral("1").id, reason="again", now=later(1))
    assert (again.state, again.repeated) == (ReferralState.CLOSED, True)
    assert engine.place(referral("2"), now=later(1)).booking is not None
