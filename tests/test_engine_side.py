"""Side constraints through the engine: groups, journeys, caps and told promises, day and night."""

from datetime import timedelta
from typing import Any

import pytest
from builders import NOW, TOWN, north_of, patient, policy, practitioner, referral, slot
from counter import counter, later
from sqlalchemy import event
from strategies import checked

from slotengine import planning
from slotengine.codes import BookingStatus, Mode, Priority, ReferralState
from slotengine.domain import Slot
from slotengine.engine import Engine
from slotengine.problem import Told
from slotengine.reasons import ReasonCode
from slotengine.side_constraints import Caps
from slotengine.store import SqlStore

HOUR, DAY = 60, 24 * 60


@pytest.fixture
def memory() -> SqlStore:
    return SqlStore.open("sqlite://")


def planned(engine: Engine, horizon: timedelta | None = None, *, now: Any = NOW) -> dict[str, str]:
    problem = engine.problem("giennois", horizon, now=now)
    report = engine.plan("giennois", horizon, now=now)
    assert checked(problem, report.plan) is report.plan
    names = {one.id: one.reference for one in problem.referrals}
    assert report.conflicts == ()
    return {names[one.referral]: one.slot for one in report.plan.assignments}


def quarters(*minutes: int, **changes: Any) -> list[Slot]:
    return [slot(f"m{at}", after_minutes=at, **changes) for at in minutes]


# --- pins ---


def test_a_pin_says_how_where_and_for_the_first_time(memory: SqlStore) -> None:
    home = north_of(TOWN, 900)
    engine = counter(
        memory, slot("home", modes=(Mode.HH,)), slot("later", after_minutes=300), caps=Caps()
    )
    who = patient("p", own_practitioner="d1", location=home)
    engine.place(referral("h", patient=who, modes=(Mode.HH,), group="g"), now=NOW, confirm=True)
    (pin,) = engine.problem("giennois", now=NOW).pins
    assert (pin.mode, pin.location, pin.group) == (Mode.HH, home, "g")
    assert not pin.first_visit
    engine.place(referral("a", patient=patient("q", own_practitioner="d2")), now=NOW)
    (other,) = [pin for pin in engine.problem("giennois", now=NOW).pins if pin.slot == "later"]
    assert (other.mode, other.location, other.group) == (Mode.AMB, None, None)
    assert other.first_visit
    assert other.patient == ""


def test_the_number_of_statements_does_not_grow_with_referrals(memory: SqlStore) -> None:
    engine = counter(memory, *quarters(*range(120, 120 + 15 * 40, 15)))
    counted = []

    def note(*_: Any) -> None:
        counted.append(1)

    event.listen(memory._of.engine, "before_cursor_execute", note)
    figures = []
    for first, last in ((0, 2), (2, 40)):
        for number in range(first, last):
            engine.refer(referral(str(number)), now=NOW)
        counted.clear()
        assert len(engine.problem("giennois", now=NOW).referrals) == last
        figures.append(len(counted))
    assert figures[0] == figures[1]


@pytest.mark.parametrize("own", [True, False])
def test_what_was_booked_earlier_in_the_week_counts_for_its_cap(
    memory: SqlStore, *, own: bool
) -> None:
    """Monday's two visits are over when Wednesday's night asks for two more of three a week."""
    wednesday = 2 * DAY
    slots = quarters(60, 75, 90, wednesday + 60, wednesday + 75)
    caps = {} if own else {"caps": Caps(bookings_per_week=3)}
    engine = counter(memory, *slots, **caps)
    if own:
        engine.publish(
            "giennois", practitioners=[practitioner("d1", max_bookings_per_week=3)], now=NOW
        )
    seats = [engine.place(referral(one), now=NOW, confirm=True).booking for one in ("1", "2")]
    for seat in seats:
        engine.close(seat.id, BookingStatus.FULFILLED, now=later(100))
    for reference in ("3", "4"):
        engine.refer(
            referral(reference, deadline=later(3 * DAY), received_at=later(100)), now=later(100)
        )
    now = later(wednesday)
    problem = engine.problem("giennois", now=now)
    assert {pin.slot for pin in problem.pins} == {"m60", "m75"}
    assert list(planned(engine, now=now).values()) == [f"m{wednesday + 60}"]
    placed = engine.place(referral("5", deadline=later(3 * DAY)), now=now)
    assert placed.booking is None


def test_a_slot_beyond_the_horizon_that_is_listed_for_its_booking_is_given_to_nobody(
    memory: SqlStore,
) -> None:
    friday = 4 * DAY
    engine = counter(
        memory,
        slot("near", after_minutes=60),
        slot("far", after_minutes=friday, capacity=3),
        caps=Caps(bookings_per_week=9),
    )
    far = referral("1", deadline=later(5 * DAY), windows=(_window(friday),))
    assert engine.place(far, now=NOW, confirm=True).booking.slot == "far"
    for reference in ("2", "3"):
        engine.refer(referral(reference, deadline=later(5 * DAY)), now=NOW)
    problem = engine.problem("giennois", timedelta(days=1), now=NOW)
    assert {one.id for one in problem.slots} == {"near", "far"}
    assert len(planned(engine, timedelta(days=1))) == 1
    assert {one.slot for one in _active(memory)} == {"near", "far"}
    assert len(planned(engine, timedelta(days=6))) == 2


def _window(minutes: int) -> dict[str, Any]:
    return {"start": later(minutes), "end": later(minutes + 15)}


def _active(store: SqlStore) -> Any:
    return store.read(lambda unit: unit.active_bookings(["near", "far"]), now=NOW)


@pytest.mark.parametrize(("gap", "served"), [(15, False), (16, True)])
def test_a_home_visit_that_just_began_leaves_time_for_the_way(
    memory: SqlStore, gap: int, *, served: bool
) -> None:
    """
    The visit began before the night and is not among its slots; the way back is 16 minutes.

    8,700 m by air are 8,700 * (1.1 + 0.3 * exp(-0.435)) = 11,259 road metres; at 45 km/h 15.01
    minutes, rounded up 16.
    """
    home = north_of(TOWN, 8_700)
    engine = counter(
        memory,
        slot("visit", after_minutes=60, minutes=30, modes=(Mode.HH,)),
        slot("practice", after_minutes=90 + gap),
    )
    engine.place(
        referral("h", patient=patient("h", location=home), modes=(Mode.HH,)), now=NOW, confirm=True
    )
    engine.refer(referral("a"), now=NOW)
    now = later(61)
    problem = engine.problem("giennois", now=now)
    assert [pin.slot for pin in problem.pins] == ["visit"]
    assert planned(engine, now=now) == ({"a": "practice"} if served else {})


# --- groups ---


def test_siblings_are_planned_side_by_side(memory: SqlStore) -> None:
    engine = counter(memory, *quarters(120), *quarters(150, 180, 195, practitioner="d2", site="s1"))
    for reference in ("1", "2"):
        engine.refer(referral(reference, group="family"), now=NOW)
    assert set(planned(engine).values()) == {"m180", "m195"}


def test_a_group_larger_than_any_day_is_left_out_and_the_night_goes_on(memory: SqlStore) -> None:
    engine = counter(memory, *quarters(120, 135), caps=Caps(bookings_per_day=2))
    for reference in ("1", "2", "3"):
        engine.refer(referral(reference, group="class"), now=NOW)
    engine.refer(referral("alone"), now=NOW)
    report = engine.plan("giennois", now=NOW)
    assert len(report.plan.assignments) == 1
    assert [one.reasons[0].code for one in report.left_out] == [ReasonCode.GROUP] * 3
    assert len(engine.waiting("giennois")) == 3


def test_a_group_of_exactly_a_day_is_planned(memory: SqlStore) -> None:
    engine = counter(memory, *quarters(120, 135, 150), caps=Caps(bookings_per_day=3))
    for reference in ("1", "2", "3"):
        engine.refer(referral(reference, group="class"), now=NOW)
    assert len(planned(engine)) == 3


def test_a_group_without_any_slot_does_not_stop_the_night(memory: SqlStore) -> None:
    """Its patient's own appointment is listed, alone and beyond the horizon."""
    engine = counter(memory, slot("far", after_minutes=5 * DAY))
    who = patient("p")
    engine.place(referral("0", patient=who, deadline=later(6 * DAY)), now=NOW, confirm=True)
    for reference, person in (("1", who), ("2", patient("q"))):
        engine.refer(referral(reference, patient=person, group="g", professions=("60",)), now=NOW)
    report = engine.plan("giennois", timedelta(days=1), now=NOW)
    assert [one.reasons[0].code for one in report.left_out] == [ReasonCode.GROUP] * 2


def test_a_sibling_gets_the_seat_beside_the_booked_one_or_a_true_no(memory: SqlStore) -> None:
    engine = counter(memory, *quarters(120, 150, 165, 210))
    first = engine.place(
        referral("1", group="g", windows=(_window(150),)), now=NOW, confirm=True
    ).booking
    assert first.slot == "m150"
    assert engine.place(referral("2", group="g"), now=NOW).booking.slot == "m165"
    third = engine.place(referral("3", group="g"), now=NOW)
    assert third.booking is None
    assert [one.code for one in third.reasons] == [ReasonCode.NO_FREE_SEAT]


# --- told promises ---


def told(engine: Engine, reference: str, *, now: Any = NOW) -> str:
    booking = engine.booking_of(referral(reference).id, now=now)
    return engine.tell(booking.id, now=now).id


def desk_with_two_told(memory: SqlStore, **rules: Any) -> Engine:
    """Two routine patients were told the two early slots; an urgent one can only come early."""
    engine = counter(memory, *quarters(120, 135, 300), **rules)
    for reference in ("1", "2"):
        engine.refer(referral(reference, priority=Priority.ROUTINE), now=NOW)
    planned(engine)
    for reference in ("1", "2"):
        told(engine, reference)
    engine.refer(referral("asap", priority=Priority.ASAP, deadline=later(140)), now=NOW)
    return engine


def test_a_told_promise_stays_where_the_policy_moves_none(memory: SqlStore) -> None:
    engine = desk_with_two_told(memory)
    problem = engine.problem("giennois", now=NOW)
    assert problem.told == ()
    assert len(problem.pins) == 2
    assert planned(engine) == {}


def test_a_told_promise_moves_for_somebody_more_urgent_and_must_be_told_again(
    memory: SqlStore,
) -> None:
    engine = desk_with_two_told(memory, max_told_moves=1)
    problem = engine.problem("giennois", now=NOW)
    before = {
        reference: engine.booking_of(referral(reference).id, now=NOW) for reference in ("1", "2")
    }
    assert problem.told == tuple(
        sorted(
            (Told(referral=one.referral, slot=one.slot) for one in before.values()),
            key=lambda one: one.referral,
        )
    )
    seats = planned(engine)
    assert sorted(seats.values()) == ["m120", "m135", "m300"]
    assert seats["asap"] != "m300"
    after = {
        reference: engine.booking_of(referral(reference).id, now=NOW) for reference in ("1", "2")
    }
    (moved,) = [one for one in after if after[one].slot != before[one].slot]
    (stayed,) = {"1", "2"} - {moved}
    assert after[stayed] == before[stayed]
    assert after[moved].told_at is None
    gone = [one for one in engine.events() if one.kind == "booking.cancelled"]
    assert [(one.booking, "must be told" in one.why) for one in gone] == [(before[moved].id, True)]


def test_a_told_promise_too_soon_to_reach_is_pinned_as_before(memory: SqlStore) -> None:
    """At 119 minutes nobody could be sent to a slot one minute ahead: its pair fails REACH."""
    engine = desk_with_two_told(memory, max_told_moves=1)
    problem = engine.problem("giennois", now=later(119))
    first = engine.booking_of(referral("1").id, now=later(119))
    (pin,) = problem.pins
    assert pin.slot == "m120"
    assert [one.slot for one in problem.told] == ["m135"]
    assert first is not None


def test_two_told_promises_that_break_a_lowered_cap_together_are_pinned(memory: SqlStore) -> None:
    engine = desk_with_two_told(memory, max_told_moves=1)
    engine.set_policy(policy(max_told_moves=1, caps=Caps(bookings_per_day=1), version=2), now=NOW)
    problem = engine.problem("giennois", now=NOW)
    assert problem.told == ()
    assert len(problem.pins) == 2
    assert planned(engine) == {}


def test_a_told_sibling_is_never_moved_alone(memory: SqlStore) -> None:
    engine = counter(memory, *quarters(120, 135), max_told_moves=5)
    for reference in ("1", "2"):
        engine.refer(referral(reference, group="g"), now=NOW)
    planned(engine)
    told(engine, "1")
    problem = engine.problem("giennois", now=NOW)
    assert problem.told == ()
    assert [pin.group for pin in problem.pins] == ["g"]


def test_who_was_told_keeps_the_seat_when_the_new_one_is_lost_to_the_day(
    memory: SqlStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = desk_with_two_told(memory, max_told_moves=1)
    before = {
        reference: engine.booking_of(referral(reference).id, now=NOW).slot
        for reference in ("1", "2")
    }
    solved = planning.solved

    def meanwhile(problem: Any, *, limits: Any, seed: int) -> Any:
        plan = solved(problem, limits=limits, seed=seed)
        assert engine.place(referral("day"), now=NOW, confirm=True).booking.slot == "m300"
        return plan

    monkeypatch.setattr(planning, "solved", meanwhile)
    report = engine.plan("giennois", now=NOW)
    for reference in ("1", "2"):
        booking = engine.booking_of(referral(reference).id, now=NOW)
        assert booking.slot == before[reference]
        assert booking.told_at is not None
    assert len(report.conflicts) == 2
    assert engine.referral(referral("asap").id).state in {
        ReferralState.RECEIVED,
        ReferralState.WAITING,
    }
