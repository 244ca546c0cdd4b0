"""Why, from the store: what a requester may read, and what a coordinator may."""

from builders import NOW, TOWN, north_of, referral, slot
from counter import counter, later

from slotengine.codes import Audience, Mode, Priority, ReferralState
from slotengine.engine import Engine
from slotengine.explanations import ChangeKind
from slotengine.problem import TravelMatrix
from slotengine.reasons import ReasonCode
from slotengine.store import SqlStore


def codes(found) -> list[ReasonCode]:
    return [reason.code for reason in found.reasons]


def test_a_seat_taken_by_others_is_told_to_coordinators_only(store: SqlStore) -> None:
    engine = counter(store, slot("only"))
    engine.place(referral("1"), now=NOW)
    engine.place(referral("2"), now=NOW)
    asked = engine.explain(referral("2").id, now=NOW)
    assert codes(asked) == [ReasonCode.NO_FREE_SEAT]
    assert (asked.funnel, asked.runner_up, asked.served) == ((), None, False)
    full = engine.explain(referral("2").id, now=NOW, breakdown=True)
    assert codes(full) == [ReasonCode.SEATS_TAKEN]
    assert full.reasons[0].figures == {"seats": 1}
    assert (full.funnel[-2].seats_left, full.funnel[-1].seats_left) == (1, 0)


def test_a_rule_that_leaves_nothing_is_named(store: SqlStore) -> None:
    engine = counter(store, slot("snp", audiences=(Audience.SNP,)))
    engine.place(referral(), now=NOW)
    full = engine.explain(referral().id, now=NOW, breakdown=True)
    assert codes(full) == [ReasonCode.AUDIENCE]
    left = {step.rule: step.seats_left for step in full.funnel}
    assert (left["mode"], left["audience"]) == (1, 0)


def test_a_waiting_referral_for_which_a_seat_is_free_is_told_so(store: SqlStore) -> None:
    engine = counter(store)
    engine.refer(referral(), now=NOW)
    for breakdown in (False, True):
        found = engine.explain(referral().id, now=NOW, breakdown=breakdown)
        assert codes(found) == [ReasonCode.SEAT_FREE]
    assert found.runner_up is not None
    assert found.runner_up.slot == "soon"


def test_a_seat_is_explained_against_its_runner_up_even_minutes_before(store: SqlStore) -> None:
    engine = counter(store)
    engine.place(referral(), now=NOW, confirm=True)
    for now in (NOW, later(119)):
        found = engine.explain(referral().id, now=now, breakdown=True)
        assert found.served
        assert (found.seat.slot, found.seat.wait_minutes) == ("soon", 120)
        assert (found.runner_up.slot, found.reasons) == ("later", ())
    asked = engine.explain(referral().id, now=NOW)
    assert (asked.seat.slot, asked.runner_up) == ("soon", None)


def test_a_red_flag_is_explained_by_15(store: SqlStore) -> None:
    engine = counter(store)
    engine.refer(referral(priority=Priority.STAT), now=NOW)
    found = engine.explain(referral().id, now=NOW)
    assert codes(found) == [ReasonCode.RED_FLAG_STAT]


def test_after_the_deadline_the_deadline_is_the_reason(store: SqlStore) -> None:
    engine = counter(store)
    engine.refer(referral(deadline=later(30)), now=NOW)
    assert codes(engine.explain(referral().id, now=later(30), breakdown=True)) != [
        ReasonCode.DEADLINE_PAST
    ]
    found = engine.explain(referral().id, now=later(31), breakdown=True)
    assert codes(found) == [ReasonCode.DEADLINE_PAST]


def test_a_night_is_explained_after_it_was_written(store: SqlStore) -> None:
    engine = counter(store, slot("only"))
    engine.refer(referral("1"), now=NOW)
    engine.refer(referral("2"), now=NOW)
    report = engine.plan("giennois", now=NOW)
    (left,) = report.plan.unserved
    found = engine.explain(left.referral, now=NOW, breakdown=True)
    assert found.reasons == left.reasons
    (seated,) = report.plan.assignments
    why = engine.explain(seated.referral, now=NOW, breakdown=True)
    assert why.seat == seated


def test_a_host_s_own_travel_matrix_decides_and_is_kept_with_the_plan(store: SqlStore) -> None:
    counter(store, slot("far", practitioner="d2", site="s2"))
    # One way street: 4 km to the practice of another commune, nothing back.
    matrix = TravelMatrix(
        name="roads",
        version="2026-11",
        zones=("44114", "44194"),
        metres=((0, 4_000), (None, 0)),
        minutes=((0, 7), (None, 0)),
    )
    engine = Engine(store, travel=matrix)
    home = north_of(TOWN, 30_000).replaced(insee="44194")
    unreachable = referral("1", patient=referral("1").patient.replaced(location=home))
    placement = engine.place(unreachable, now=NOW)
    assert placement.state is ReferralState.WAITING
    full = engine.explain(unreachable.id, now=NOW, breakdown=True)
    assert codes(full) == [ReasonCode.TRAVEL]
    engine.refer(referral("2"), now=NOW)
    report = engine.plan("giennois", now=NOW)
    assert report.plan.travel_name == "roads@2026-11"
    assert [one.travel_metres for one in report.plan.assignments] == [0]


def test_what_would_serve_a_waiting_referral_is_searched_in_the_night_as_of_now(
    store: SqlStore,
) -> None:
    engine = counter(store, slot("video", modes=(Mode.VR,)))
    engine.refer(referral(), now=NOW)
    found = engine.smallest_change(referral().id, now=NOW)
    assert found.change is not None
    assert (found.change.kind, found.change.slot, found.served) == (
        ChangeKind.VIDEO,
        "video",
        False,
    )
    # Asking changes nothing.
    assert engine.referral(referral().id).modes == (Mode.AMB,)
    assert [one.kind for one in engine.events()].count("referral_amended") == 0


def test_a_referral_that_a_night_would_seat_needs_no_change(store: SqlStore) -> None:
    engine = counter(store)
    engine.refer(referral(), now=NOW)
    found = engine.smallest_change(referral().id, now=NOW)
    assert (found.served, found.change, found.solves) == (True, None, 0)


def test_a_referral_with_a_seat_needs_no_change(store: SqlStore) -> None:
    engine = counter(store)
    engine.place(referral(), now=NOW, confirm=True)
    found = engine.smallest_change(referral().id, now=NOW)
    assert (found.served, found.reasons) == (True, ())


def test_who_is_left_out_of_the_night_is_told_why_instead(store: SqlStore) -> None:
    engine = counter(store)
    engine.refer(referral("1", deadline=later(30)), now=NOW)
    past = engine.smallest_change(referral("1").id, now=later(31))
    assert codes(past) == [ReasonCode.DEADLINE_PAST]
    engine.refer(referral("2", priority=Priority.STAT), now=NOW)
    refused = engine.smallest_change(referral("2").id, now=NOW)
    assert codes(refused) == [ReasonCode.RED_FLAG_STAT]
    assert not refused.served


def test_one_more_seat_is_valued_in_the_night_as_of_now(store: SqlStore) -> None:
    engine = counter(store, slot("only"))
    for reference in ("1", "2"):
        engine.refer(referral(reference), now=NOW)
    (found,) = engine.more_seats("giennois", now=NOW)
    assert (found.slot, found.served) == ("only", {Priority.URGENT: 1})
    assert engine.more_seats("giennois", now=NOW, top=0) == ()
