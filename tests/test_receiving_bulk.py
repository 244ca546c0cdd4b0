"""Many at once and one by one: the same database, the same feed, the same answers."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from builders import NOW, patient, referral
from counter import counter, later
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from messages import amend, cancel, new, outcome, taken
from sqlalchemy import create_engine, event, text

from slotengine.adapters import Intake, New
from slotengine.answers import Received
from slotengine.codes import Priority, Profession, SourceKind
from slotengine.domain import Motive
from slotengine.engine import Engine
from slotengine.errors import BookingError, InputError
from slotengine.receiving import batches
from slotengine.store import SqlStore

TABLES = ("referral", "inbox", "booking", "event")

MEMORY = "sqlite://"

PRIORITIES = [Priority.URGENT, Priority.ASAP, Priority.STAT]


def rows(engine: Engine) -> dict[str, list[tuple[Any, ...]]]:
    """Everything that messages change, the feed in its order."""
    found = {}
    for table in TABLES:
        order = "id" if table == "event" else "1, 2, 3, 4"
        question = text(f"SELECT * FROM slotengine_{table} ORDER BY {order}")
        found[table] = engine._store.read(  # behind the port
            lambda unit, question=question: [
                tuple(row) for row in unit._connection.execute(question)
            ]
        )
    return found


_REFERENCES = st.sampled_from(["1", "2", "3", "4"])
_SAID = st.fixed_dictionaries(
    {
        "by": st.sampled_from([None, None, "m1", "m2"]),
        "at": st.sampled_from([None, None, later(-3), later(-2), later(-1)]),
    }
)
_ASKED = st.fixed_dictionaries(
    {
        "priority": st.sampled_from([*PRIORITIES, Priority.URGENT, Priority.URGENT]),
        "patient": st.sampled_from([patient("a"), patient("b")]),
        "deadline": st.sampled_from([None, later(60), later(-1)]),
        "received_at": st.just(later(-30)),
        "professions": st.sampled_from([(Profession.PHYSICIAN,), (Profession.NURSE,)]),
    }
)

INTAKES: st.SearchStrategy[Intake] = st.one_of(
    st.builds(lambda r, s, a: new(r, **s, **a), _REFERENCES, _SAID, _ASKED),
    st.builds(lambda r, s, a: new(r, **s, **a), _REFERENCES, _SAID, _ASKED),
    st.builds(lambda r, s, a: amend(r, **s, **a), _REFERENCES, _SAID, _ASKED),
    st.builds(lambda r, s: cancel(r, **s), _REFERENCES, _SAID),
    st.builds(lambda r, s: outcome(r, **s), _REFERENCES, _SAID),
)


def received(size: int, intakes: Sequence[Intake]) -> tuple[list[Received], Any]:
    """What batches of a size answer and leave behind."""
    engine = counter(SqlStore.open(MEMORY))
    answers = [
        answer for batch in batches(intakes, size) for answer in engine.receive(batch, now=NOW)
    ]
    left = rows(engine)
    engine.dispose()
    return answers, left


@settings(
    deadline=None,
    derandomize=True,
    max_examples=60,
    suppress_health_check=[HealthCheck.too_slow],
)
@given(st.lists(INTAKES, max_size=9), st.integers(2, 9))
def test_the_size_of_batches_changes_nothing(intakes: list[Intake], size: int) -> None:
    assert received(size, intakes) == received(1, intakes)


@settings(
    deadline=None,
    derandomize=True,
    max_examples=40,
    suppress_health_check=[HealthCheck.too_slow],
)
@given(st.lists(st.tuples(_REFERENCES, _ASKED), max_size=9))
def test_received_together_is_referred_alone(asked: list[tuple[str, dict[str, Any]]]) -> None:
    """The verb itself is the peer: same receipts, same refusals, same rows, same events."""
    wanted = [referral(reference, **fields) for reference, fields in asked]
    alone = counter(SqlStore.open(MEMORY))
    said: list[Any] = []
    for one in wanted:
        try:
            said.append(alone.refer(one, now=NOW))
        except (InputError, BookingError) as refused:
            said.append((type(refused).__name__, str(refused)))
    together = counter(SqlStore.open(MEMORY))
    answers = together.receive([New(referral=one) for one in wanted], now=NOW)
    assert [answer.receipt or (answer.error, answer.why) for answer in answers] == said
    assert rows(together) == rows(alone)


def test_five_hundred_are_written_with_a_handful_of_statements(store: SqlStore) -> None:
    engine = counter(store)
    statements: list[str] = []
    source: Any = store._of
    event.listen(source.engine, "before_cursor_execute", lambda *args: statements.append(args[2]))
    said = [new(str(number), by=f"m{number}") for number in range(500)]
    assert taken(engine, *said) == ["applied"] * 500
    inserts = [one for one in statements if one.startswith("INSERT")]
    assert [one.split()[2] for one in inserts] == [
        "slotengine_referral", "slotengine_inbox", "slotengine_event",
    ]  # fmt: skip
    # Policy, clock, known referrals, their messages, their patients, turn and savepoint beside.
    assert len(statements) <= 12
    statements.clear()
    assert taken(engine, *said) == ["repeated"] * 500
    assert not [one for one in statements if one.startswith("INSERT")]
    assert len(statements) <= 12


def test_those_who_share_a_patient_are_linked_within_a_batch(store: SqlStore) -> None:
    engine = counter(store)
    same = patient("one")
    answers = engine.receive(
        [new(reference, patient=same) for reference in ("1", "2", "3")], now=NOW
    )
    first, second, third = (referral(reference).id for reference in ("1", "2", "3"))
    assert [answer.receipt.linked for answer in answers if answer.receipt] == [
        (), (first,), tuple(sorted((first, second))),
    ]  # fmt: skip
    told = [(one.referral, one.why) for one in engine.events() if one.kind == "referral.linked"]
    assert told == [(second, first), (third, min(first, second))]


def test_one_referral_twice_in_a_batch_is_repeated_or_refused(store: SqlStore) -> None:
    engine = counter(store)
    said = [new("1"), new("1"), new("1", priority=Priority.ASAP), new("1")]
    assert taken(engine, *said) == ["applied", "repeated", "refused", "repeated"]


def test_one_id_for_two_references_is_refused_and_the_others_written(store: SqlStore) -> None:
    engine = counter(store)
    stolen = referral("2", id=referral("1").id)
    answers = engine.receive([new("1"), New(referral=stolen), new("3")], now=NOW)
    assert [(answer.outcome, answer.error) for answer in answers] == [
        ("applied", ""), ("refused", "InputError"), ("applied", ""),
    ]  # fmt: skip
    assert len(engine.waiting("giennois")) == 2


@pytest.mark.parametrize("by", [None, "m"])
def test_a_red_flag_between_others_keeps_the_order_of_the_feed(
    store: SqlStore, by: str | None
) -> None:
    engine = counter(store)
    flagged = {"motive": Motive(system="samu", code="M03.06"), "source": SourceKind.SAMU}
    said = [new(str(number), by=by, source=SourceKind.SAMU) for number in range(4)]
    said.insert(2, new("flagged", by=by, **flagged))
    assert taken(engine, *said) == ["applied"] * 5
    about = [one.referral for one in engine.events() if one.referral]
    flag = said[2].referral.id
    ids = [message.referral.id for message in said]
    assert about == [*ids[:2], flag, flag, *ids[3:]]


def test_what_is_kept_holds_no_more_than_a_referral_does(tmp_path: Path) -> None:
    """The body is our values as JSON: what the adapter dropped at the door is not in it."""
    url = f"sqlite:///{tmp_path / 'one.sqlite'}"
    engine = counter(SqlStore.open(url))
    asked = referral()
    taken(engine, amend(priority=Priority.ASAP))
    database = create_engine(url)
    with database.connect() as connection:
        body = json.loads(connection.scalar(text("SELECT body FROM slotengine_inbox")) or "")
    database.dispose()
    engine.dispose()
    assert set(body) == {"message", "issued_at", "referral", "only"}
    assert set(body["referral"]) == set(type(asked).model_fields)
