"""Promises and kept seats through a night: what may move, what stays, what a race can't take."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from builders import NOW, TOWN, patient, practitioner, referral, slot
from counter import counter, later
from strategies import checked

from slotengine import planning
from slotengine.answers import Conflict, PlanReport
from slotengine.codes import BookingStatus, Mode, Priority, PromiseState, ReferralState
from slotengine.domain import Promise, Referral, TimeWindow
from slotengine.engine import Engine
from slotengine.problem import Limits, Problem
from slotengine.reasons import ReasonCode
from slotengine.seat_prices import PriceSet, SeatPrice
from slotengine.store import SqlStore

HOUR = timedelta(hours=1)
SECOND = timedelta(seconds=1)
ONLY_FIRST = (TimeWindow(start=later(120), end=later(135)),)
"""Of somebody who can only come to the slot after 120 minutes."""


def refer(engine: Engine, name: str, **changes: Any) -> Referral:
    value = referral(name, **changes)
    engine.refer(value, now=NOW)
    return value


def promise(
    store: SqlStore, who: Referral, where: str, *, now: datetime = NOW, **terms: Any
) -> None:
    """Gives a seat and the promise that rests on it; by default all that was asked for."""
    made = {"before": who.deadline, "within_metres": 30_000, "notice": HOUR, **terms}

    def work(unit: Any) -> None:
        unit.take_seat(
            who.id, unit.slot(where), mode=Mode.AMB, status=BookingStatus.PROMISED, why="promise"
        )
        unit.save_promise(Promise(referral=who.id, territory=who.territory, made_at=now, **made))

    store.write(work, now=now)


def seat_of(engine: Engine, who: Referral, now: datetime = NOW) -> str | None:
    booking = engine.booking_of(who.id, now=now)
    return None if booking is None else booking.slot


def state_of(store: SqlStore, who: Referral) -> PromiseState | None:
    found = store.read(lambda unit: unit.promise_of(who.id), now=NOW)
    return None if found is None else found.state


def night(engine: Engine, now: datetime = NOW) -> PlanReport:
    asked = engine.problem("giennois", now=now)
    report = engine.plan("giennois", now=now)
    assert checked(asked, report.plan) is report.plan
    return report


def raced(store: SqlStore, meanwhile: Callable[[], object]) -> tuple[Problem, tuple[Conflict, ...]]:
    """Plans, lets the day happen, and writes the plan."""
    asked, _ = store.read(
        lambda unit: planning.load(unit, "giennois", now=NOW, horizon=None, matrix=None), now=NOW
    )
    plan = planning.solved(asked, limits=Limits(), seed=0)
    meanwhile()
    written = later(1)
    return asked, store.write(
        lambda unit: planning.commit(unit, asked, plan, now=written, matrix=None), now=written
    )


def taken_by_the_day(engine: Engine, store: SqlStore, where: str) -> Referral:
    who = refer(engine, f"at the counter, {where}", patient=patient(f"takes {where}"))
    store.write(
        lambda unit: unit.take_seat(
            who.id,
            unit.slot(where),
            mode=Mode.AMB,
            status=BookingStatus.HELD,
            held_until=later(30),
        ),
        now=later(0.5),
    )
    return who


def test_a_promise_keeps_its_seat_however_urgent_others_are(store: SqlStore) -> None:
    engine = counter(store, slot("only"))
    calm = refer(engine, "calm", priority=Priority.ROUTINE)
    promise(store, calm, "only")
    hurried = refer(engine, "hurried", priority=Priority.ASAP)
    report = night(engine)
    assert seat_of(engine, calm) == "only"
    assert report.promised == 1
    assert [one.referral for one in report.plan.unserved] == [hurried.id]
    assert state_of(store, calm) is PromiseState.OPEN


def moves(store: SqlStore, *, now: datetime = NOW, elsewhere: Any = None, **terms: Any) -> bool:
    """Whether a promise on the first slot gives way to one who can only come there."""
    other = elsewhere or slot("other", after_minutes=180)
    engine = counter(store, slot("first"), other)
    calm = refer(engine, "calm", priority=Priority.ROUTINE, patient=patient("calm", location=TOWN))
    promise(store, calm, "first", **terms)
    hurried = refer(engine, "hurried", priority=Priority.ASAP, windows=ONLY_FIRST)
    night(engine, now)
    assert state_of(store, calm) is PromiseState.OPEN
    moved = seat_of(engine, calm, now) == other.id
    assert seat_of(engine, calm, now) == (other.id if moved else "first")
    assert seat_of(engine, hurried, now) == ("first" if moved else None)
    return moved


def test_a_promise_moves_where_somebody_more_urgent_needs_its_seat(store: SqlStore) -> None:
    assert moves(store)


def test_a_promise_moves_as_late_as_it_was_promised(store: SqlStore) -> None:
    assert moves(store, before=later(180))


def test_a_promise_does_not_move_later_than_promised(store: SqlStore) -> None:
    assert not moves(store, before=later(180) - SECOND)


@pytest.mark.parametrize(("metres", "moved"), [(6_667, False), (6_668, True)])
def test_a_promise_moves_as_far_as_it_was_promised(
    store: SqlStore, metres: int, *, moved: bool
) -> None:
    """5,000 * (1.1 + 0.3 * exp(-0.25)) = 6,668.2 road metres, 6,668 in whole ones."""
    far = slot("other", after_minutes=180, site="s2", practitioner="d2")
    assert moves(store, elsewhere=far, within_metres=metres) is moved


@pytest.mark.parametrize(
    ("notice", "moved"), [(timedelta(minutes=60), True), (HOUR + SECOND, False)]
)
def test_a_promise_moves_only_where_its_hour_can_still_be_told(
    store: SqlStore, notice: timedelta, *, moved: bool
) -> None:
    soon = slot("other", after_minutes=60)
    assert moves(store, elsewhere=soon, notice=notice) is moved


@pytest.mark.parametrize(("seconds", "moved"), [(-1, True), (0, False)])
def test_a_promise_that_is_to_be_told_by_now_stays(
    store: SqlStore, seconds: int, *, moved: bool
) -> None:
    assert moves(store, now=later(60) + seconds * SECOND) is moved


def test_siblings_and_steps_who_were_promised_stay(store: SqlStore) -> None:
    engine = counter(store, slot("first"), slot("other", after_minutes=180))
    calm = refer(engine, "calm", priority=Priority.ROUTINE, group="family")
    promise(store, calm, "first")
    refer(engine, "hurried", priority=Priority.ASAP, windows=ONLY_FIRST)
    report = night(engine)
    assert (report.pinned, report.promised) == (1, 0)
    assert seat_of(engine, calm) == "first"


def test_a_promise_whose_seat_no_rule_would_allow_today_stays_there(store: SqlStore) -> None:
    engine = counter(store, slot("first"), slot("other", after_minutes=180, practitioner="d2"))
    calm = refer(engine, "calm", priority=Priority.ROUTINE)
    promise(store, calm, "first")
    engine.publish("giennois", practitioners=[practitioner("d1", min_age=60)], now=NOW)
    report = night(engine)
    assert (report.pinned, report.promised) == (1, 0)
    assert seat_of(engine, calm) == "first"
    assert state_of(store, calm) is PromiseState.OPEN


def test_a_promise_whose_new_seat_the_day_took_keeps_its_old_one(store: SqlStore) -> None:
    engine = counter(store, slot("first"), slot("other", after_minutes=180))
    calm = refer(engine, "calm", priority=Priority.ROUTINE)
    promise(store, calm, "first")
    hurried = refer(engine, "hurried", priority=Priority.ASAP, windows=ONLY_FIRST)
    asked, conflicts = raced(store, lambda: taken_by_the_day(engine, store, "other"))
    assert asked.promised == (calm.id,)
    assert seat_of(engine, calm, later(1)) == "first"
    assert state_of(store, calm) is PromiseState.OPEN
    assert engine.referral(calm.id).state is ReferralState.PROMISED
    assert {one.referral for one in conflicts} == {calm.id, hurried.id}
    assert engine.referral(hurried.id).state is ReferralState.WAITING
    kept = next(one for one in conflicts if one.referral == calm.id)
    assert kept.replacement.slot == "first"


def test_a_whole_chain_of_promises_goes_back_where_its_end_was_lost(store: SqlStore) -> None:
    """The first gives way to the second's seat, the second to the last one, which the day took."""
    slots = (slot("first"), slot("second", after_minutes=180), slot("last", after_minutes=240))
    engine = counter(store, *slots)
    one = refer(engine, "one", priority=Priority.ROUTINE)
    two = refer(engine, "two", priority=Priority.ROUTINE)
    promise(store, one, "first", before=later(180))
    promise(store, two, "second", before=later(240))
    hurried = refer(engine, "hurried", priority=Priority.ASAP, windows=ONLY_FIRST)
    asked, conflicts = raced(store, lambda: taken_by_the_day(engine, store, "last"))
    assert len(asked.promised) == 2
    assert seat_of(engine, one, later(1)) == "first"
    assert seat_of(engine, two, later(1)) == "second"
    assert hurried.id in {conflict.referral for conflict in conflicts}
    assert engine.referral(hurried.id).state is ReferralState.WAITING
    assert {state_of(store, who) for who in (one, two)} == {PromiseState.OPEN}


def test_the_same_chain_moves_where_nothing_was_lost(store: SqlStore) -> None:
    slots = (slot("first"), slot("second", after_minutes=180), slot("last", after_minutes=240))
    engine = counter(store, *slots)
    one = refer(engine, "one", priority=Priority.ROUTINE)
    two = refer(engine, "two", priority=Priority.ROUTINE)
    promise(store, one, "first", before=later(180))
    promise(store, two, "second", before=later(240))
    hurried = refer(engine, "hurried", priority=Priority.ASAP, windows=ONLY_FIRST)
    _, conflicts = raced(store, lambda: None)
    assert conflicts == ()
    seats = [seat_of(engine, who, later(1)) for who in (hurried, one, two)]
    assert seats == ["first", "second", "last"]
    assert {state_of(store, who) for who in (one, two)} == {PromiseState.OPEN}


def test_a_promise_that_the_day_made_meanwhile_is_not_moved_by_the_plan(store: SqlStore) -> None:
    """The plan would have put it on the first slot, which starts too soon for its notice."""
    engine = counter(store, slot("first", after_minutes=30), slot("other", after_minutes=180))
    calm = refer(engine, "calm", priority=Priority.ROUTINE)
    asked, conflicts = raced(store, lambda: promise(store, calm, "other", now=later(0.5)))
    assert asked.promised == ()
    assert seat_of(engine, calm, later(1)) == "other"
    assert state_of(store, calm) is PromiseState.OPEN
    assert conflicts == ()


def test_a_promise_that_the_day_made_to_one_whom_the_plan_left_out_stays(store: SqlStore) -> None:
    engine = counter(store, slot("first"))
    refer(engine, "hurried", priority=Priority.ASAP)
    calm = refer(engine, "calm", priority=Priority.ROUTINE)
    _, conflicts = raced(store, lambda: promise(store, calm, "first", now=later(0.5)))
    assert seat_of(engine, calm, later(1)) == "first"
    assert state_of(store, calm) is PromiseState.OPEN
    assert [one.referral for one in conflicts] == [referral("hurried").id]


def test_a_promise_told_meanwhile_stays_as_told(store: SqlStore) -> None:
    engine = counter(store, slot("first"), slot("other", after_minutes=180))
    calm = refer(engine, "calm", priority=Priority.ROUTINE)
    promise(store, calm, "first")
    refer(engine, "hurried", priority=Priority.ASAP, windows=ONLY_FIRST)
    booking = engine.booking_of(calm.id, now=NOW)
    _, conflicts = raced(store, lambda: engine.tell(booking.id, now=later(0.5)))
    assert engine.booking_of(calm.id, now=later(1)).id == booking.id
    assert calm.id in {one.referral for one in conflicts}


def priced(store: SqlStore, engine: Engine, price: int, **changes: Any) -> PriceSet:
    fields: dict[str, Any] = {
        "id": "giennois:1",
        "territory": "giennois",
        "policy_digest": engine.policy("giennois").digest,
        "problem_digest": "0" * 32,
        "forecast_digest": "0" * 32,
        "futures": 20,
        "seed": 0,
        "computed_at": NOW,
        "valid_until": later(120),
        "free_seats": 1,
        "expected": 4.0,
        "prices": (SeatPrice(slot="first", price=price),),
        **changes,
    }
    made = PriceSet(**fields)
    store.write(lambda unit: unit.save_prices(made), now=NOW)
    return made


def test_the_night_keeps_a_seat_that_is_worth_more_to_those_who_come_later(
    store: SqlStore,
) -> None:
    """Routine is worth 5,000, less 120 for waiting two hours."""
    engine = counter(store, slot("first"))
    calm = refer(engine, "calm", priority=Priority.ROUTINE)
    made = priced(store, engine, 4_881)
    report = night(engine)
    assert report.price_set == made.id
    assert report.plan.deferred == (calm.id,)
    assert report.plan.unserved[0].reasons[0].code is ReasonCode.KEPT
    assert engine.referral(calm.id).state is ReferralState.WAITING
    waiting = next(event for event in engine.events() if event.kind == "referral.waiting")
    assert waiting.why == "kept"


def test_the_night_gives_a_seat_at_exactly_its_price_and_says_so(store: SqlStore) -> None:
    engine = counter(store, slot("first"))
    calm = refer(engine, "calm", priority=Priority.ROUTINE)
    priced(store, engine, 4_880)
    report = night(engine)
    (seated,) = report.plan.assignments
    assert (seated.referral, seated.cost, seated.price) == (calm.id, 120, 4_880)
    assert report.plan.deferred == ()
    assert report.plan.objective[5] == 5_000


def test_a_promise_is_kept_at_any_price(store: SqlStore) -> None:
    engine = counter(store, slot("first"))
    calm = refer(engine, "calm", priority=Priority.ROUTINE)
    promise(store, calm, "first")
    priced(store, engine, 50_000)
    report = night(engine)
    assert report.plan.deferred == ()
    assert seat_of(engine, calm) == "first"


@pytest.mark.parametrize(
    "changes",
    [
        {"valid_until": NOW, "computed_at": NOW - HOUR},
        {"policy_digest": "1" * 32},
        {"expected": 0.0},
    ],
    ids=["stale", "of another policy", "nobody expected"],
)
def test_prices_that_say_nothing_now_keep_nothing(store: SqlStore, changes: dict[str, Any]) -> None:
    engine = counter(store, slot("first"))
    calm = refer(engine, "calm", priority=Priority.ROUTINE)
    priced(store, engine, 50_000, **changes)
    report = night(engine)
    assert report.plan.deferred == ()
    assert seat_of(engine, calm) == "first"
    assert (report.price_set is None) is ("expected" not in changes)
