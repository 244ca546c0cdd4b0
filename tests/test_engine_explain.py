"""Why, from the store: what a requester may read, and what a coordinator may."""

import pytest
from builders import NOW, TOWN, north_of, patient, referral, slot
from counter import counter, later

from slotengine.codes import Audience, Mode, Priority, ReferralState
from slotengine.engine import Engine
from slotengine.explanations import ChangeKind
from slotengine.problem import TravelMatrix
from slotengine.reasons import ReasonCode
from slotengine.side_constraints import Caps
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


def test_a_free_seat_that_the_practitioner_s_limit_refuses_is_none(store: SqlStore) -> None:
    """One booking a day, and another patient has it: of two seats one is taken, one refused."""
    engine = counter(store, caps=Caps(bookings_per_day=1))
    engine.place(referral("1"), now=NOW)
    engine.place(referral("2"), now=NOW)
    asked = engine.explain(referral("2").id, now=NOW)
    assert codes(asked) == [ReasonCode.NO_FREE_SEAT]
    full = engine.explain(referral("2").id, now=NOW, breakdown=True)
    assert codes(full) == [ReasonCode.CAP]
    assert full.runner_up is None
    assert [(step.rule, step.seats_left) for step in full.funnel[-4:]] == [
        ("cap", 2),
        ("kept", 2),
        ("seats_taken", 1),
        ("cap", 0),
    ]


@pytest.mark.parametrize("most", [2, None])
def test_a_limit_that_is_not_reached_leaves_the_seat_free(
    store: SqlStore, most: int | None
) -> None:
    engine = counter(store, caps=Caps(bookings_per_day=most))
    engine.place(referral("1"), now=NOW)
    engine.refer(referral("2"), now=NOW)
    full = engine.explain(referral("2").id, now=NOW, breakdown=True)
    assert (codes(full), full.runner_up.slot) == ([ReasonCode.SEAT_FREE], "later")
    assert full.funnel[-1].seats_left == 1


def test_where_every_possible_seat_is_taken_no_limit_is_to_blame(store: SqlStore) -> None:
    engine = counter(store, slot("only"), caps=Caps(bookings_per_day=1))
    engine.place(referral("1"), now=NOW)
    engine.refer(referral("2"), now=NOW)
    full = engine.explain(referral("2").id, now=NOW, breakdown=True)
    assert codes(full) == [ReasonCode.SEATS_TAKEN]


def test_the_runner_up_of_a_seat_is_one_that_limits_allow(store: SqlStore) -> None:
    """d1 has given the one booking a day to another: what is left of the day is no runner-up."""
    engine = counter(
        store,
        slot("soon"),
        slot("later", after_minutes=180),
        slot("other", after_minutes=240, practitioner="d2"),
        slot("spare", after_minutes=300, practitioner="d2"),
        caps=Caps(bookings_per_day=1),
    )
    for reference in ("1", "2"):
        engine.place(referral(reference), now=NOW)
    found = engine.explain(referral("2").id, now=NOW, breakdown=True)
    assert (found.seat.slot, found.runner_up.slot) == ("other", "spare")
    # Neither d1's second slot nor the seat that another has.
    assert found.funnel[-1].seats_left == 3


def test_a_limit_set_since_shows_the_seat_that_was_given_all_the_same(store: SqlStore) -> None:
    engine = counter(store)
    for reference in ("1", "2"):
        engine.place(referral(reference), now=NOW, confirm=True)
    engine.set_policy(engine.policy("giennois").replaced(caps=Caps(bookings_per_day=1)), now=NOW)
    found = engine.explain(referral("2").id, now=NOW, breakdown=True)
    assert (found.served, found.seat.slot, found.runner_up) == (True, "later", None)


@pytest.mark.parametrize(
    ("after_minutes", "code"), [(142, ReasonCode.TOUR), (143, ReasonCode.SEAT_FREE)]
)
def test_the_way_from_another_patient_s_home_is_counted(
    store: SqlStore, after_minutes: int, code: ReasonCode
) -> None:
    """4 km of great circle are 5.4 km of road: 8 minutes at 45 km/h, after a visit till 135."""
    home = {"modes": (Mode.HH,)}
    engine = counter(
        store, slot("booked", **home), slot("next", after_minutes=after_minutes, **home)
    )
    engine.place(referral("1", **home), now=NOW)
    far = patient("far", location=north_of(TOWN, 4_000))
    engine.refer(referral("2", patient=far, **home), now=NOW)
    full = engine.explain(referral("2").id, now=NOW, breakdown=True)
    assert codes(full) == [code]


@pytest.mark.parametrize("effort", [20, 45, 60, 90])
def test_a_seat_is_said_to_be_free_exactly_when_one_is_offered(
    store: SqlStore, effort: int
) -> None:
    """Visits at the practice and at homes one to five km away fill a day under a cap in effort."""
    engine = counter(
        store,
        *(slot(f"m{at}", after_minutes=at, modes=(Mode.AMB, Mode.HH)) for at in (60, 80, 95, 130)),
        caps=Caps(effort_minutes_per_day=effort),
    )
    answers = []
    for number in range(5):
        home = patient(str(number), location=north_of(TOWN, 1_000 * number))
        who = referral(str(number), patient=home, modes=(Mode.HH if number % 2 else Mode.AMB,))
        engine.refer(who, now=NOW)
        offered = engine.offers(who.id, now=NOW)
        found = engine.explain(who.id, now=NOW, breakdown=True)
        assert (codes(found) == [ReasonCode.SEAT_FREE]) == bool(offered)
        if offered:
            assert found.runner_up.slot == offered[0].slot
            engine.place(who, now=NOW, confirm=True)
        else:
            assert found.funnel[-1].seats_left == 0
        answers.append(bool(offered))
    # The first visit is a stranger's, 23 minutes of effort: too much for the smallest cap.
    assert answers[0] == (effort > 22)
    assert not all(answers)


def test_now_and_the_night_give_one_reason(store: SqlStore) -> None:
    engine = counter(store, caps=Caps(bookings_per_day=1))
    for reference in ("1", "2"):
        engine.refer(referral(reference), now=NOW)
    report = engine.plan("giennois", now=NOW)
    (left,) = report.plan.unserved
    found = engine.explain(left.referral, now=NOW, breakdown=True)
    assert found.reasons == left.reasons
    assert codes(found) == [ReasonCode.CAP]


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
