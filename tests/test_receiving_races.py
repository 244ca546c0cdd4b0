"""Two processes receive the same messages at the same instant: each is applied once."""

import random
from collections import Counter
from collections.abc import Sequence
from functools import partial

import pytest
from builders import NOW, referral
from counter import counter, later
from messages import amend, cancel, new
from races import counted, raced, spawned, together
from sqlalchemy import create_engine, text

from slotengine.adapters import Intake
from slotengine.codes import Priority, ReferralState
from slotengine.engine import Engine
from slotengine.errors import StoreBusyError
from slotengine.receiving import batches
from slotengine.store import SqlStore

REFERENCES = 30
SIZE = 7
"""Messages of a batch: several batches of each process fall between those of the other."""


def said(*, numbered: bool = True) -> list[Intake]:
    """For each reference: it comes, and is amended; every third is cancelled instead."""
    everything: list[Intake] = []
    for at in range(REFERENCES):
        number = f"n{at}" if numbered else None
        everything.append(new(str(at), by=number and f"{number}-new", at=later(-9)))
        by = number and f"{number}-then"
        everything.append(
            amend(str(at), by=by, at=later(-8), priority=Priority.ASAP)
            if at % 3
            else cancel(str(at), by=by, at=later(-8))
        )
    return everything


def _receive(store: SqlStore, seed: int, messages: Sequence[Intake]) -> list[str]:
    """Receives them in an order of its own; gives what became of each."""
    mixed = list(messages)
    random.Random(seed).shuffle(mixed)  # noqa: S311 (an order, not a secret)
    engine = Engine(store)
    together()
    answers = [
        answer.outcome
        for batch in batches(mixed, SIZE)
        for answer in engine.receive(batch, now=NOW)
    ]
    store.close()
    return answers


def _agree(url: str, messages: Sequence[Intake]) -> None:
    """The last word stands for each referral, and each message has one row that says so."""
    closed = [referral(str(at)).id for at in range(0, REFERENCES, 3)]
    rows = counted(url, "SELECT id, state, priority FROM slotengine_referral")
    assert len(rows) == REFERENCES
    assert {row[0] for row in rows if row[1] == "closed"} == set(closed)
    assert {row[0] for row in rows if row[2] == "urgent"} == set(closed)
    states = Counter(row[0] for row in counted(url, "SELECT state FROM slotengine_inbox"))
    assert states == {"applied": len(messages)}
    events = counted(url, "SELECT kind, count(*) FROM slotengine_event GROUP BY kind")
    told = {kind: number for kind, number in events if kind.startswith("referral.")}
    assert told == {
        "referral.received": REFERENCES,
        "referral.amended": REFERENCES - len(closed),
        "referral.closed": len(closed),
    }


def test_two_processes_apply_each_message_once_in_whatever_order(
    store: SqlStore, store_url: str
) -> None:
    counter(store)
    messages = said()
    answers = spawned(
        *(partial(_receive, SqlStore.open(store_url), seed, messages) for seed in (1, 2))
    )
    _agree(store_url, messages)
    # What one of them kept may be applied in a batch of the other.
    outcomes = Counter(outcome for answer in answers for outcome in answer)
    assert outcomes["applied"] + outcomes["kept"] == outcomes["repeated"] == len(messages)


def test_two_threads_of_one_engine_apply_each_message_once(store: SqlStore, store_url: str) -> None:
    engine = counter(store)
    messages = said(numbered=False)

    def receive(of: Sequence[Intake]) -> list[str]:
        return [
            answer.outcome
            for batch in batches(of, SIZE)
            for answer in engine.receive(batch, now=NOW)
        ]

    backwards = messages[::-1]
    first, second = raced(partial(receive, messages), partial(receive, backwards))
    assert isinstance(first, list)
    assert isinstance(second, list)
    assert (first + second).count("repeated") == len(messages)
    _agree(store_url, messages)


def test_what_somebody_refers_meanwhile_is_found_and_not_written_twice(
    store: SqlStore, store_url: str
) -> None:
    """``refer`` takes no turn: the batch finds its row in the way and goes one by one."""
    engine = counter(store)
    # Both see this hour already: on PostgreSQL the clock's row keeps nobody waiting then.
    engine.refer(referral("before"), now=NOW)
    messages = [new(str(at)) for at in range(40)]

    def one_by_one() -> list[str]:
        said = [engine.refer(referral(str(at)), now=NOW) for at in reversed(range(40))]
        return ["repeated" if receipt.repeated else "applied" for receipt in said]

    def at_once() -> list[str]:
        return [answer.outcome for answer in engine.receive(messages, now=NOW)]

    first, second = raced(one_by_one, at_once)
    assert isinstance(first, list)
    assert isinstance(second, list)
    both = [{a, b} for a, b in zip(first[::-1], second, strict=True)]
    assert both == [{"applied", "repeated"}] * 40
    events = counted(store_url, "SELECT kind, count(*) FROM slotengine_event GROUP BY kind")
    assert dict(events)["referral.received"] == 41


def test_a_message_waits_for_its_turn_while_another_of_the_territory_is_taken(
    postgres_url: str,
) -> None:
    """Or a first message would miss what another transaction keeps for it and nobody sees yet."""
    engine = counter(SqlStore.open(postgres_url))
    # Both see this hour already: the clock's row keeps nobody waiting then.
    engine.refer(referral("before"), now=NOW)
    database = create_engine(postgres_url)
    with database.connect() as one, database.connect() as other:
        first, second = one.begin(), other.begin()
        kept = engine.bound_to(one).receive([cancel("1")], now=NOW)
        assert [answer.outcome for answer in kept] == ["kept"]
        other.execute(text("SET LOCAL lock_timeout = '50ms'"))
        with pytest.raises(StoreBusyError):
            engine.bound_to(other).receive([new("1")], now=NOW)
        first.commit()
        (answer,) = engine.bound_to(other).receive([new("1")], now=NOW)
        second.commit()
    database.dispose()
    assert answer.receipt is not None
    assert answer.receipt.state is ReferralState.CLOSED
    engine.dispose()
