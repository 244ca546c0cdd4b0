"""The night through the engine: what is pinned, written, refused and left out."""

from datetime import timedelta

import pytest
from builders import NOW, patient, practitioner, referral, slot
from counter import counter, later
from strategies import checked

from slotengine import planning
from slotengine.codes import BookingStatus, Priority, ReferralState, SourceKind
from slotengine.engine import Engine
from slotengine.errors import InputError, PlanRejectedError, UnknownTerritoryError
from slotengine.problem import Limits, Violation
from slotengine.reasons import ReasonCode
from slotengine.store import SqlStore


def planned(engine: Engine, **changes):
    """Plans, and puts the plan through the independent check once more."""
    problem = engine.problem("giennois", now=changes.get("now", NOW))
    report = engine.plan("giennois", **{"now": NOW, **changes})
    assert checked(problem, report.plan) is report.plan
    return report


def test_a_night_promises_the_best_seats_and_says_why_not(store: SqlStore) -> None:
    engine = counter(store)
    for number, priority in enumerate((Priority.ROUTINE, Priority.ASAP, Priority.URGENT)):
        engine.refer(referral(str(number), priority=priority), now=NOW)
    report = planned(engine)
    assert report.plan.proved
    assert report.served_by_priority == {
        "stat": (0, 0),
        "asap": (1, 1),
        "urgent": (1, 1),
        "routine": (0, 1),
    }
    assert (report.referrals, report.seats, report.without_own_practitioner) == (3, 2, 3)
    (left,) = report.plan.unserved
    assert left.referral == referral("0").id
    assert left.reasons[0].code is ReasonCode.SEATS_TAKEN
    states = [engine.referral(referral(str(n)).id).state for n in range(3)]
    assert states == [ReferralState.WAITING, ReferralState.PROMISED, ReferralState.PROMISED]


def test_planning_twice_writes_nothing_the_second_time(store: SqlStore) -> None:
    engine = counter(store)
    engine.refer(referral(), now=NOW)
    first = planned(engine)
    kinds = [event.kind for event in engine.events()]
    second = planned(engine)
    assert second.plan.assignments == first.plan.assignments
    new = [event.kind for event in engine.events()][len(kinds) :]
    assert set(new) <= {"plan.committed"}


def test_an_untold_promise_moves_for_somebody_more_urgent_and_a_told_one_stays(
    store: SqlStore,
) -> None:
    engine = counter(store, slot("only"))
    engine.refer(referral("routine", priority=Priority.ROUTINE), now=NOW)
    planned(engine)
    engine.refer(referral("asap", priority=Priority.ASAP), now=later(1))
    report = planned(engine, now=later(1))
    assert [one.referral for one in report.plan.assignments] == [referral("asap").id]
    assert engine.referral(referral("routine").id).state is ReferralState.WAITING
    told = [event.booking for event in engine.events() if event.kind == "booking.promised"][-1]
    engine.tell(told, now=later(2))
    engine.refer(
        referral("stat", priority=Priority.STAT, source=SourceKind.SAMU, deadline=later(200)),
        now=later(2),
    )
    report = planned(engine, now=later(3))
    assert report.pinned == 1
    assert report.plan.assignments == ()
    assert engine.booking(told).status is BookingStatus.PROMISED


def test_confirmed_and_held_seats_are_pinned_and_an_expired_hold_is_not(store: SqlStore) -> None:
    engine = counter(store, slot("a"), slot("b", after_minutes=180), slot("c", after_minutes=240))
    engine.place(referral("confirmed"), now=NOW, confirm=True)
    engine.place(referral("expired"), now=NOW)
    held = engine.place(referral("held"), now=later(4)).booking
    engine.refer(referral("new", priority=Priority.ASAP), now=later(6))
    report = planned(engine, now=later(6))
    assert (report.pinned, report.referrals) == (2, 2)
    assert held.slot == "c"
    (seated,) = report.plan.assignments
    assert (seated.referral, seated.slot) == (referral("new").id, "b")
    assert engine.referral(referral("expired").id).state is ReferralState.WAITING


def test_a_promise_can_be_confirmed(store: SqlStore) -> None:
    engine = counter(store)
    engine.refer(referral(), now=NOW)
    planned(engine)
    promised = next(event.booking for event in engine.events() if event.booking)
    assert engine.confirm(promised, now=later(1)).status is BookingStatus.CONFIRMED


def test_a_promise_beyond_the_horizon_stays(store: SqlStore) -> None:
    engine = counter(store, slot("late", after_minutes=600))
    engine.refer(referral(), now=NOW)
    planned(engine)
    short = engine.plan("giennois", timedelta(hours=1), now=NOW)
    assert short.referrals == 0
    assert engine.referral(referral().id).state is ReferralState.PROMISED


@pytest.mark.parametrize("seconds", [0, -60])
def test_a_horizon_that_is_not_positive_is_refused(store: SqlStore, seconds: int) -> None:
    with pytest.raises(InputError, match="horizon"):
        counter(store).plan("giennois", timedelta(seconds=seconds), now=NOW)


def test_a_slot_at_the_end_of_the_horizon_is_not_planned(store: SqlStore) -> None:
    engine = counter(store, slot("edge", after_minutes=120))
    assert engine.problem("giennois", timedelta(minutes=120), now=NOW).slots == ()
    assert len(engine.problem("giennois", timedelta(minutes=121), now=NOW).slots) == 1


def test_each_patient_is_placed_once_a_night_by_the_most_urgent_need(store: SqlStore) -> None:
    engine = counter(store)
    somebody = patient("somebody")
    engine.refer(referral("1", patient=somebody), now=NOW)
    engine.refer(referral("2", patient=somebody, priority=Priority.ASAP), now=NOW)
    report = planned(engine)
    assert [one.referral for one in report.plan.assignments] == [referral("2").id]
    assert [one.reasons[0].code for one in report.left_out] == [ReasonCode.ANOTHER_NEED_FIRST]


def test_a_need_that_has_a_seat_through_another_source_is_left_out(store: SqlStore) -> None:
    engine = counter(store)
    somebody = patient("somebody")
    engine.place(referral("1", patient=somebody), now=NOW, confirm=True)
    engine.refer(referral("2", patient=somebody, source=SourceKind.NURSE), now=NOW)
    report = planned(engine)
    assert [one.reasons[0].code for one in report.left_out] == [ReasonCode.LINKED]


def test_a_referral_past_its_deadline_is_reported_and_not_lost(store: SqlStore) -> None:
    engine = counter(store)
    engine.refer(referral(deadline=later(30)), now=NOW)
    assert planned(engine, now=later(30)).left_out == ()
    report = planned(engine, now=later(31))
    assert [one.reasons[0].code for one in report.left_out] == [ReasonCode.DEADLINE_PAST]
    assert len(engine.waiting("giennois")) == 1


def test_an_empty_night_is_a_proved_plan(store: SqlStore) -> None:
    report = planned(counter(store))
    assert (report.plan.proved, report.plan.objective) == (True, (0,) * 9)


def test_an_unknown_territory_can_not_be_planned(store: SqlStore) -> None:
    with pytest.raises(UnknownTerritoryError):
        counter(store).plan("senart", now=NOW)


def test_nothing_is_written_when_the_check_finds_a_violation(
    store: SqlStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = counter(store)
    engine.refer(referral(), now=NOW)
    broken = Violation(rule="deadline", subject="slot", detail="too late")
    monkeypatch.setattr("slotengine.solver.check.check", lambda *_: [broken])
    with pytest.raises(PlanRejectedError, match="deadline"):
        engine.plan("giennois", now=NOW)
    assert engine.referral(referral().id).state is ReferralState.RECEIVED
    assert "plan.committed" not in [event.kind for event in engine.events()]


def test_a_seat_that_the_day_took_comes_back_as_a_conflict_and_is_replaced(
    store: SqlStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = counter(store)
    engine.refer(referral("night"), now=NOW)
    solved = planning.solved

    def meanwhile(problem, *, limits, seed):
        plan = solved(problem, limits=limits, seed=seed)
        assert engine.place(referral("day"), now=NOW, confirm=True).booking.slot == "soon"
        return plan

    monkeypatch.setattr(planning, "solved", meanwhile)
    report = engine.plan("giennois", now=NOW)
    (conflict,) = report.conflicts
    assert (conflict.referral, conflict.slot) == (referral("night").id, "soon")
    assert conflict.replacement.slot == "later"
    assert engine.referral(referral("night").id).state is ReferralState.PROMISED


def test_a_referral_that_was_cancelled_meanwhile_is_a_conflict(
    store: SqlStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = counter(store)
    engine.refer(referral(), now=NOW)
    solved = planning.solved

    def meanwhile(problem, *, limits, seed):
        plan = solved(problem, limits=limits, seed=seed)
        engine.cancel_referral(referral().id, reason="recovered", now=NOW)
        return plan

    monkeypatch.setattr(planning, "solved", meanwhile)
    (conflict,) = engine.plan("giennois", now=NOW).conflicts
    assert conflict.replacement is None
    assert engine.referral(referral().id).state is ReferralState.CLOSED


def test_a_slot_withdrawn_meanwhile_is_a_conflict(
    store: SqlStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = counter(store)
    engine.refer(referral(), now=NOW)
    solved = planning.solved

    def meanwhile(problem, *, limits, seed):
        plan = solved(problem, limits=limits, seed=seed)
        engine.withdraw(["soon"], reason="ill", now=NOW)
        return plan

    monkeypatch.setattr(planning, "solved", meanwhile)
    (conflict,) = engine.plan("giennois", now=NOW).conflicts
    assert conflict.replacement.slot == "later"


def test_the_cap_of_a_day_that_the_night_did_not_know_is_a_conflict(
    store: SqlStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = counter(store)
    engine.refer(referral("1"), now=NOW)
    engine.refer(referral("2"), now=NOW)
    solved = planning.solved

    def meanwhile(problem, *, limits, seed):
        plan = solved(problem, limits=limits, seed=seed)
        capped = practitioner("d1", max_bookings_per_day=1)
        engine.publish("giennois", practitioners=[capped], now=NOW)
        return plan

    monkeypatch.setattr(planning, "solved", meanwhile)
    report = engine.plan("giennois", now=NOW)
    assert [one.why for one in report.conflicts] == ["its practitioner's day is full"]
    assert len(engine.waiting("giennois")) == 1


def test_limits_and_seed_reach_the_solver(store: SqlStore) -> None:
    engine = counter(store)
    engine.refer(referral(), now=NOW)
    report = engine.plan("giennois", now=NOW, limits=Limits(seconds=5), seed=7)
    assert report.plan.seed == 7
