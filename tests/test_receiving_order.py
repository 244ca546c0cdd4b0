"""Messages that come late, early or twice: the order in which they were written decides."""

from itertools import permutations
from typing import Any

import pytest
from builders import NOW, patient, referral
from counter import counter, later
from messages import (
    amend,
    cancel,
    kinds,
    new,
    one,
    outcome,
    partly,
    priority,
    standing,
    state,
    taken,
)

from slotengine.codes import Priority, ReferralState
from slotengine.receiving import batches
from slotengine.store import SqlStore

ASAP = Priority.ASAP


@pytest.mark.parametrize("said", [{}, {"by": "m"}, {"at": NOW}])
@pytest.mark.parametrize("early", [amend, cancel, outcome])
def test_what_comes_before_its_referral_is_kept_and_shown(
    store: SqlStore, early: Any, said: dict[str, Any]
) -> None:
    engine = counter(store)
    answer = one(engine, early(**said))
    assert (answer.outcome, answer.referral, answer.receipt) == ("kept", referral().id, None)
    (shown,) = engine.waiting_messages("giennois")
    assert (shown.kind, shown.state, shown.body) == (early.__name__, "waiting", "")
    assert engine.waiting_messages("senart") == ()
    again = one(engine, early(**said))
    assert (again.outcome, again.receipt, again.why) == ("repeated", None, "waiting")
    assert len(engine.waiting_messages("giennois")) == 1
    assert engine.waiting(territory="giennois") == ()


def test_what_was_kept_is_applied_in_order_with_the_message_that_brings_it(
    store: SqlStore,
) -> None:
    engine = counter(store)
    last, first = amend(at=later(-1), priority=ASAP), amend(at=later(-2), patient=patient("moved"))
    assert taken(engine, last, first) == ["kept", "kept"]
    answer = one(engine, new(by="m1", at=later(-3)))
    assert answer.outcome == "applied"
    assert kinds(engine) == ["referral.received", "referral.amended", "referral.amended"]
    assert priority(engine) is ASAP
    assert standing(engine) == [("amend", "applied"), ("amend", "applied"), ("new", "applied")]
    assert taken(engine, first, last) == ["repeated", "repeated"]


def test_a_kept_cancel_closes_its_referral_as_soon_as_it_comes(store: SqlStore) -> None:
    engine = counter(store)
    assert taken(engine, cancel(by="c")) == ["kept"]
    answer = one(engine, new())
    assert answer.outcome == "applied"
    assert answer.receipt is not None
    assert answer.receipt.state is ReferralState.CLOSED
    assert engine.waiting("giennois") == ()


def test_the_inbox_forgets_what_was_said_once_it_is_applied(store: SqlStore) -> None:
    engine = counter(store)

    def bodies() -> list[str]:
        states = ("applied", "waiting", "superseded", "refused")
        rows = store.read(lambda unit: unit.messages_in("giennois", states, 10))
        return [row.body for row in rows]

    taken(engine, amend(priority=ASAP))
    (body,) = bodies()
    assert '"asap"' in body
    taken(engine, new())
    assert bodies() == [""]


@pytest.mark.parametrize(
    ("minutes", "outcome_"), [(-1, "superseded"), (0, "applied"), (1, "applied")]
)
def test_what_was_written_before_the_newest_applied_one_changes_nothing(
    store: SqlStore, minutes: int, outcome_: str
) -> None:
    engine = counter(store)
    taken(engine, new(at=later(-60)), amend(by="m2", at=NOW, priority=ASAP))
    late = amend(by="m3", at=later(minutes), priority=Priority.ROUTINE)
    assert taken(engine, late) == [outcome_]
    applied = outcome_ == "applied"
    assert priority(engine) is (Priority.ROUTINE if applied else ASAP)
    assert one(engine, late).why == ("" if applied else "superseded")
    assert ("amend", outcome_) in standing(engine)


def test_without_a_date_nothing_is_too_late(store: SqlStore) -> None:
    engine = counter(store)
    taken(engine, new(at=NOW))
    assert taken(engine, amend(by="m2", priority=ASAP)) == ["applied"]
    # And what is not dated makes nothing late that is.
    assert taken(engine, amend(at=NOW, priority=Priority.ROUTINE)) == ["applied"]


def test_what_was_kept_and_is_older_than_its_referral_is_superseded(store: SqlStore) -> None:
    engine = counter(store)
    taken(engine, amend(at=later(-9), priority=ASAP), cancel(at=later(-8)))
    assert taken(engine, new(at=later(-5))) == ["applied"]
    assert (state(engine), priority(engine)) == ("received", Priority.URGENT)
    assert standing(engine) == [
        ("amend", "superseded"), ("cancel", "superseded"), ("new", "applied"),
    ]  # fmt: skip


def test_a_late_first_message_after_a_later_one_was_applied_is_no_conflict(
    store: SqlStore,
) -> None:
    engine = counter(store)
    taken(engine, amend(at=later(-1), priority=ASAP), new(by="m1", at=later(-3)))
    assert taken(engine, new(by="m0", at=later(-4), priority=Priority.ROUTINE)) == ["superseded"]
    assert priority(engine) is ASAP


@pytest.mark.parametrize("size", [1, 4])
def test_in_whatever_order_messages_come_the_last_word_stands(store: SqlStore, size: int) -> None:
    """By hand: received, then asap, then routine; of each message one answer and one row."""
    engine = counter(store)
    for number, order in enumerate(permutations(range(4))):
        mine, other = f"{number}a", f"{number}b"
        said = [
            new(mine, by="m0", at=later(-9)),
            amend(mine, by="m1", at=later(-8), priority=ASAP),
            amend(mine, by="m2", at=later(-7), priority=Priority.ROUTINE),
            new(other, by="m0", at=later(-9)),
        ]
        for batch in batches([said[at] for at in order], size):
            engine.receive(batch, now=NOW)
        assert (priority(engine, mine), state(engine, mine)) == (Priority.ROUTINE, "received")
        assert taken(engine, *said) == ["repeated"] * 4
    assert engine.waiting_messages("giennois") == ()
    rows = [said for _, said in standing(engine)]
    assert (len(rows), rows.count("refused")) == (4 * 24, 0)


def test_a_message_about_a_referral_that_came_by_another_way_meets_it(store: SqlStore) -> None:
    engine = counter(store)
    taken(engine, amend(at=later(-2), priority=ASAP))
    engine.refer(referral(), now=NOW)
    assert taken(engine, amend(at=later(-1), max_travel_metres=7)) == ["applied"]
    # In order: the one that had waited first, then this one, which says urgent again.
    assert engine.referral(referral().id).max_travel_metres == 7
    assert kinds(engine) == ["referral.received", "referral.amended", "referral.amended"]
    assert standing(engine) == [("amend", "applied"), ("amend", "applied")]


def test_a_kept_message_that_is_refused_is_an_event_and_stays_shown(store: SqlStore) -> None:
    engine = counter(store)
    taken(engine, outcome(by="o", at=later(-1)))
    assert taken(engine, new(at=later(-2))) == ["applied"]
    assert kinds(engine) == ["referral.received", "message.refused"]
    assert engine.events()[-1].why == "UnknownIdError"
    (shown,) = engine.waiting_messages("giennois", states=("refused",))
    assert (shown.message, shown.why) == ("o", "UnknownIdError")


AGE = {"patient": patient("patient of 1", age=7)}


@pytest.mark.parametrize("order", list(permutations(range(4))))
def test_partial_updates_say_the_same_in_whatever_order_they_come(
    sqlite_url: str, order: tuple[int, ...]
) -> None:
    """By hand: seven years old, asap, and two kilometres, which were said last."""
    engine = counter(SqlStore.open(sqlite_url))
    said = [
        new(at=later(-9)),
        partly("patient.age", "max_travel_metres", at=later(-8), max_travel_metres=1_000, **AGE),
        partly("priority", at=later(-7), priority=ASAP, deadline=None),
        partly("max_travel_metres", at=later(-6), max_travel_metres=2_000),
    ]
    for at in order:
        engine.receive([said[at]], now=NOW)
    stored = engine.referral(referral().id)
    assert (stored.patient.age, stored.max_travel_metres) == (7, 2_000)
    assert stored.priority is ASAP
    assert taken(engine, *said) == ["repeated"] * 4
    assert standing(engine) == [("amend", "applied")] * 3 + [("new", "applied")]
    engine.dispose()


def test_a_late_partial_update_whose_fields_were_all_said_since_is_superseded(
    store: SqlStore,
) -> None:
    engine = counter(store)
    taken(engine, new(at=later(-9)), partly("max_travel_metres", at=NOW, max_travel_metres=7))
    late = partly("max_travel_metres", at=later(-1), max_travel_metres=9)
    assert taken(engine, late) == ["superseded"]
    assert engine.referral(referral().id).max_travel_metres == 7


def test_a_late_partial_update_is_superseded_by_a_whole_one(store: SqlStore) -> None:
    engine = counter(store)
    taken(engine, new(at=later(-9)), amend(at=NOW, priority=ASAP))
    assert taken(engine, partly("patient.age", at=later(-1), **AGE)) == ["superseded"]
    assert engine.referral(referral().id).patient.age == 40


def test_a_partial_update_of_what_is_so_already_is_repeated(store: SqlStore) -> None:
    engine = counter(store)
    taken(engine, new(deadline=None))
    assert taken(engine, partly("patient.age", patient=patient("patient of 1"))) == ["repeated"]
    assert kinds(engine) == ["referral.received"]
    # Still the one that came: its digest was not replaced.
    assert taken(engine, new(deadline=None)) == ["repeated"]


def test_partial_updates_of_other_fields_are_two_messages(store: SqlStore) -> None:
    engine = counter(store)
    both = {"priority": ASAP, "max_travel_metres": 7}
    taken(engine, new(at=later(-9)))
    said = [partly("priority", at=NOW, **both), partly("max_travel_metres", at=NOW, **both)]
    assert taken(engine, *said) == ["applied", "applied"]
    assert (priority(engine), engine.referral(referral().id).max_travel_metres) == (ASAP, 7)


def test_a_request_sent_anew_with_other_content_is_an_update_if_it_was_written_later(
    store: SqlStore,
) -> None:
    engine = counter(store)
    assert taken(engine, new(by="v1", at=later(-5))) == ["applied"]
    # Written at the same time, or without a time: nobody can tell which one is meant.
    assert taken(engine, new(by="v1b", at=later(-5), priority=ASAP)) == ["refused"]
    assert taken(engine, new(by="v1c", priority=ASAP)) == ["refused"]
    assert priority(engine) is Priority.URGENT
    assert taken(engine, new(by="v3", at=later(-3), priority=ASAP)) == ["applied"]
    assert priority(engine) is ASAP
    assert kinds(engine) == ["referral.received", "referral.amended"]
    assert taken(engine, new(by="v2", at=later(-4), priority=Priority.ROUTINE)) == ["superseded"]
    assert taken(engine, new(by="v3", at=later(-3), priority=ASAP)) == ["repeated"]
    assert taken(engine, new(by="v4", at=later(-2), priority=ASAP)) == ["repeated"]
    assert priority(engine) is ASAP


def test_a_request_sent_anew_after_its_end_is_refused(store: SqlStore) -> None:
    engine = counter(store)
    taken(engine, new(by="v1", at=later(-5)), cancel(by="v2", at=later(-4)))
    assert taken(engine, new(by="v3", at=later(-3), priority=ASAP)) == ["refused"]
    assert state(engine) == "closed"


def test_a_later_request_about_one_that_was_never_dated_is_a_conflict(store: SqlStore) -> None:
    engine = counter(store)
    engine.refer(referral(), now=NOW)
    assert taken(engine, new(by="v2", at=later(-3), priority=ASAP)) == ["refused"]
