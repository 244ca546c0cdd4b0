"""Messages that come in: once, in the order in which they were written, each answered."""

from datetime import timedelta
from typing import Any

import pytest
from builders import NOW, referral, slot
from counter import PHARMACIST, counter, later
from messages import amend, cancel, kinds, new, one, outcome, priority, standing, state, taken

from slotengine import receiving
from slotengine.adapters import Kind, Rejected
from slotengine.codes import BookingStatus, Priority, Profession, ReferralState, SourceKind
from slotengine.domain import Actor
from slotengine.engine import Engine
from slotengine.errors import ClockError, InputError
from slotengine.reasons import ReasonCode
from slotengine.side_constraints import Pathway, Step
from slotengine.store import SqlStore

ASAP = Priority.ASAP
WEEK = timedelta(days=7)


# --- without a number and a date, as the verbs ---


def test_plain_messages_act_as_the_verbs_and_leave_nothing_in_the_inbox(store: SqlStore) -> None:
    engine = counter(store)
    answers = engine.receive(
        [new("1"), new("2"), amend("1", priority=ASAP), cancel("2")], now=NOW, actor=PHARMACIST
    )
    assert [answer.outcome for answer in answers] == ["applied"] * 4
    assert [answer.referral for answer in answers] == [
        referral(reference).id for reference in "1212"
    ]
    assert (priority(engine), state(engine, "2")) == (ASAP, "closed")
    assert standing(engine) == []
    assert {event.actor for event in engine.events() if event.referral} == {PHARMACIST}
    assert kinds(engine) == [
        "referral.received", "referral.received", "referral.amended", "referral.closed",
    ]  # fmt: skip


def test_plain_messages_again_are_repeated_and_write_nothing(store: SqlStore) -> None:
    engine = counter(store)
    said = [new("1"), amend("1", priority=ASAP), new("2"), cancel("2")]
    assert taken(engine, *said[:2], *said[2:]) == ["applied"] * 4
    events = engine.events()
    assert taken(engine, amend("1", priority=ASAP), new("2"), cancel("2")) == ["repeated"] * 3
    assert engine.events() == events


def test_a_receipt_says_what_the_verb_would_say(store: SqlStore) -> None:
    engine = counter(store)
    sunday = NOW - timedelta(days=1)
    answer = one(engine, new(received_at=sunday, deadline=None), now=NOW)
    assert answer.receipt is not None
    assert answer.receipt.deadline == sunday + timedelta(hours=24)
    night = NOW + timedelta(hours=14)
    closed = one(engine, new("2"), now=night)
    assert closed.receipt is not None
    assert [reason.code for reason in closed.receipt.reasons] == [ReasonCode.OUT_OF_HOURS]
    again = one(engine, new("2"), now=night)
    assert again.receipt == closed.receipt.replaced(repeated=True)


# --- once ---


@pytest.mark.parametrize("said", [{"by": "m1"}, {"at": NOW}, {"by": "m1", "at": NOW}])
def test_the_same_message_again_does_nothing_and_says_where_things_stand(
    store: SqlStore, said: dict[str, Any]
) -> None:
    engine = counter(store)
    assert taken(engine, new(**said)) == ["applied"]
    engine.amend(referral(priority=ASAP), now=NOW)
    engine.cancel_referral(referral().id, reason="asked", now=NOW)
    events = engine.events()
    again = one(engine, new(**said))
    assert (again.outcome, again.why) == ("repeated", "")
    assert again.receipt is not None
    assert again.receipt.state is ReferralState.CLOSED
    assert engine.events() == events
    assert standing(engine) == [("new", "applied")]


def test_without_a_number_a_date_and_the_content_make_the_message(store: SqlStore) -> None:
    """What was said again later was said again: a state that came back is a change."""
    engine = counter(store)
    urgent, asap = {"priority": Priority.URGENT}, {"priority": ASAP}
    assert taken(
        engine,
        new(at=NOW, **urgent),
        amend(at=later(1), **asap),
        amend(at=later(2), **urgent),
        amend(at=later(2), **urgent),
    ) == ["applied", "applied", "applied", "repeated"]
    assert priority(engine) is Priority.URGENT


def test_one_number_on_several_referrals_is_a_message_about_each(store: SqlStore) -> None:
    engine = counter(store)
    assert taken(engine, new("1", by="m"), new("2", by="m")) == ["applied", "applied"]
    assert taken(engine, new("1", by="m"), new("2", by="m")) == ["repeated", "repeated"]


def test_one_number_on_two_kinds_about_one_referral_is_two_messages(store: SqlStore) -> None:
    engine = counter(store)
    number = "n" * 200
    assert taken(engine, new(by=number), cancel(by=number)) == ["applied", "applied"]
    assert taken(engine, cancel(by=number), new(by=number)) == ["repeated", "repeated"]
    assert standing(engine) == [("cancel", "applied"), ("new", "applied")]


def test_a_known_referral_under_a_new_number_is_repeated_and_the_number_noted(
    store: SqlStore,
) -> None:
    engine = counter(store)
    assert taken(engine, new(by="m1"), new(by="m2"), new(by="m2")) == [
        "applied", "repeated", "repeated",
    ]  # fmt: skip
    assert standing(engine) == [("new", "applied"), ("new", "applied")]
    assert kinds(engine) == ["referral.received"]


# --- seats ---


def booked(engine: Engine, reference: str = "1") -> str:
    placement = engine.place(referral(reference), now=NOW, confirm=True)
    assert placement.booking is not None
    return placement.booking.id


@pytest.mark.parametrize("ended", [BookingStatus.FULFILLED, BookingStatus.NOSHOW])
def test_an_outcome_ends_the_booking_once(store: SqlStore, ended: BookingStatus) -> None:
    engine = counter(store)
    booking = booked(engine)
    answer = one(engine, outcome(ended=ended))
    assert answer.outcome == "applied"
    assert answer.receipt is not None
    assert answer.receipt.state is ReferralState.CLOSED
    assert engine.booking(booking).status is ended
    assert one(engine, outcome(ended=ended)).outcome == "repeated"


def test_an_outcome_can_not_be_unsaid_nor_said_of_no_booking(store: SqlStore) -> None:
    engine = counter(store)
    booked(engine)
    taken(engine, outcome())
    other = one(engine, outcome(ended=BookingStatus.NOSHOW))
    assert (other.outcome, other.error) == ("refused", "TransitionError")
    taken(engine, new("2"))
    none = one(engine, outcome("2"))
    assert (none.outcome, none.error) == ("refused", "UnknownIdError")


def test_an_outcome_of_a_seat_that_is_only_held_is_refused(store: SqlStore) -> None:
    engine = counter(store)
    engine.place(referral(), now=NOW)
    answer = one(engine, outcome(by="o"))
    assert (answer.outcome, answer.error) == ("refused", "TransitionError")
    assert state(engine) == "held"


def test_a_seat_given_back_by_a_message_is_held_for_who_waits(store: SqlStore) -> None:
    engine = counter(store, slot("only"))
    booked(engine)
    engine.place(referral("2", received_at=later(-60)), now=NOW)
    assert state(engine, "2") == "waiting"
    assert taken(engine, cancel(), now=later(6)) == ["applied"]
    assert (state(engine), state(engine, "2")) == ("closed", "held")


# --- refused ---


def test_what_the_engine_refuses_leaves_the_others_written(store: SqlStore) -> None:
    engine = counter(store)
    past = new("2", deadline=NOW, received_at=later(-60))
    answers = engine.receive(
        [new("1"), past, new("1", priority=ASAP), new("3"), cancel("3"), amend("3")], now=later(1)
    )
    assert [(answer.outcome, answer.error) for answer in answers] == [
        ("applied", ""),
        ("refused", "ReferralPastError"),
        ("refused", "ReferralConflictError"),
        ("applied", ""),
        ("applied", ""),
        ("refused", "TransitionError"),
    ]
    assert answers[1].referral == referral("2").id
    assert answers[1].why == f"referral {referral('2').id}: its deadline is past"
    assert [one.id for one in engine.waiting("giennois")] == [referral("1").id]
    assert standing(engine) == []


def test_a_refused_message_is_noted_and_tried_again_when_it_comes_again(store: SqlStore) -> None:
    engine = counter(store)
    late = new(by="m1", at=NOW, deadline=NOW, received_at=later(-60))
    assert one(engine, late, now=later(1)).error == "ReferralPastError"
    assert standing(engine) == [("new", "refused")]
    assert one(engine, late, now=later(1)).error == "ReferralPastError"
    mended = new(by="m1", at=NOW)
    assert one(engine, mended, now=later(1)).outcome == "applied"
    assert standing(engine) == [("new", "applied")]


def test_a_refused_first_message_leaves_what_waits_waiting(store: SqlStore) -> None:
    engine = counter(store)
    taken(engine, cancel(at=NOW))
    late = new(deadline=NOW, received_at=later(-60))
    assert taken(engine, late, now=later(1)) == ["refused"]
    assert [row.kind for row in engine.waiting_messages("giennois")] == ["cancel"]


def test_a_red_flag_is_stored_as_refused_and_not_an_error(store: SqlStore) -> None:
    engine = counter(store)
    answers = engine.receive([new("1"), new("2", priority=Priority.STAT), new("3")], now=NOW)
    assert [answer.outcome for answer in answers] == ["applied"] * 3
    assert answers[1].receipt is not None
    assert answers[1].receipt.state is ReferralState.REFUSED
    assert [reason.code for reason in answers[1].receipt.reasons] == [ReasonCode.RED_FLAG_STAT]
    assert taken(engine, new("2", priority=Priority.STAT)) == ["repeated"]


def test_messages_for_an_unknown_territory_are_refused_and_not_kept(store: SqlStore) -> None:
    engine = counter(store)
    answers = engine.receive(
        [new("1"), cancel("9", territory="nowhere"), new("9", territory="nowhere", by="m")],
        now=NOW,
    )
    assert [answer.error for answer in answers] == ["", *["UnknownTerritoryError"] * 2]
    assert store.read(lambda unit: unit.messages_in("nowhere", ("waiting", "refused"), 10)) == ()


def test_a_rejected_record_is_for_its_sender_and_nothing_is_written(store: SqlStore) -> None:
    engine = counter(store)
    bad = Rejected(adapter="pharmacy/csv", record=2, line=3, field="nir", kind=Kind.BAD_NIR)
    with pytest.raises(InputError, match="intake 2 was rejected"):
        engine.receive([new("1"), bad], now=NOW)
    assert engine.waiting("giennois") == ()


def test_a_clock_gone_back_stops_the_whole_batch(store: SqlStore) -> None:
    engine = counter(store)
    taken(engine, new("1"), now=later(10))
    with pytest.raises(ClockError):
        engine.receive([new("2"), cancel("1")], now=later(7))
    assert state(engine) == "received"


# --- around ---


def test_nothing_received_is_nothing_answered(store: SqlStore) -> None:
    assert counter(store).receive([], now=NOW) == ()


def test_sources_and_territories_may_be_mixed(store: SqlStore) -> None:
    engine = counter(store)
    engine.set_policy(engine.policy("giennois").replaced(territory="senart"), now=NOW)
    said = [
        new("1"),
        new("1", source=SourceKind.NURSE),
        new("1", territory="senart"),
        new("2"),
    ]
    assert taken(engine, *said) == ["applied"] * 4
    # One patient, three messengers: in one territory they are linked.
    assert kinds(engine) == [
        "referral.received", "referral.received", "referral.linked", "referral.received",
        "referral.received",
    ]  # fmt: skip


HOME = Pathway(
    code="home",
    name_fr="À domicile",
    name_en="At home",
    steps=(
        Step(professions=(Profession.PHYSICIAN,)),
        Step(professions=(Profession.NURSE,), after_min=timedelta(days=1), after_max=WEEK),
    ),
)


def test_a_pathway_is_started_whole_and_cancelled_whole(store: SqlStore) -> None:
    engine = counter(store, pathways=(HOME,))
    assert taken(engine, cancel("2"), new("1", pathway="home"), new("2", pathway="home")) == [
        "kept", "applied", "applied",
    ]  # fmt: skip
    assert [state(engine, reference) for reference in ("1", "1/2", "2", "2/2")] == [
        "received", "received", "closed", "closed",
    ]  # fmt: skip
    assert taken(engine, new("1", pathway="home"), cancel("1")) == ["repeated", "applied"]
    assert (state(engine), state(engine, "1/2")) == ("closed", "closed")


def test_batches_keep_order_and_size() -> None:
    said = [new(str(number)) for number in range(5)]
    assert [len(batch) for batch in receiving.batches(iter(said), 2)] == [2, 2, 1]
    assert [message for batch in receiving.batches(said, 3) for message in batch] == said
    assert list(receiving.batches([], 3)) == []
    with pytest.raises(InputError):
        next(receiving.batches(said, 0))


def test_a_host_takes_messages_with_its_own_rows_or_not_at_all(store: SqlStore) -> None:
    from sqlalchemy import create_engine

    engine = counter(store)
    url = store._url.render_as_string(hide_password=False)
    database = create_engine(url)
    by = Actor(role="samu", id="samu-45")
    with database.connect() as connection:
        outer = connection.begin()
        bound = engine.bound_to(connection)
        said = [cancel("2"), new("1", by="m1"), new("1", by="m1", priority=ASAP), new("2")]
        answers = bound.receive(said, now=NOW, actor=by)
        assert [answer.outcome for answer in answers] == ["kept", "applied", "repeated", "applied"]
        outer.rollback()
    assert engine.waiting("giennois") == ()
    assert standing(engine) == []
    with database.begin() as connection:
        engine.bound_to(connection).receive(said, now=NOW, actor=by)
    assert state(engine, "2") == "closed"
    assert standing(engine) == [("cancel", "applied"), ("new", "applied")]
    database.dispose()
