"""The contract of the inbox, on both databases."""

from datetime import timedelta

import pytest
from builders import NOW
from desk import Desk

from slotengine.codes import SourceKind
from slotengine.errors import UnknownIdError
from slotengine.ports_doors import Incoming
from slotengine.store import SqlStore

PHARMACY = SourceKind.PHARMACY


def message(number: str = "m1", **changes: object) -> Incoming:
    fields: dict[str, object] = {
        "territory": "giennois",
        "source": PHARMACY,
        "reference": "1",
        "message": number,
        "received_at": NOW,
        "kind": "amend",
        "state": "waiting",
        "body": "{}",
    }
    return Incoming.model_validate({**fields, **changes})


@pytest.fixture
def desk(store: SqlStore) -> Desk:
    ready = Desk(store)
    ready.settle()
    return ready


def about(desk: Desk, *references: str) -> tuple[Incoming, ...]:
    return desk.ask(lambda unit: unit.messages_about("giennois", PHARMACY, references))


def test_a_message_comes_back_as_it_was_kept(desk: Desk) -> None:
    kept = message(issued_at=NOW - timedelta(seconds=1, microseconds=5), why="none")
    assert desk.do(lambda unit: unit.keep_message(kept))
    assert about(desk, "1") == (kept,)


@pytest.mark.parametrize(
    "other",
    [
        {"territory": "senart"},
        {"source": SourceKind.NURSE},
        {"reference": "2"},
        {"message": "m2"},
    ],
)
def test_a_message_is_known_by_four_things_together(desk: Desk, other: dict[str, object]) -> None:
    assert desk.do(lambda unit: unit.keep_message(message()))
    assert not desk.do(lambda unit: unit.keep_message(message(state="applied", body="")))
    assert about(desk, "1") == (message(),)
    assert desk.do(lambda unit: unit.keep_message(message().replaced(**other)))


def test_many_are_kept_at_once_and_those_that_were_known_are_told_by_number(desk: Desk) -> None:
    first = [message(f"m{number:03}") for number in range(600)]
    assert desk.do(lambda unit: unit.keep_messages(first)) == 600
    second = [message(f"m{number:03}") for number in range(599, 602)]
    assert desk.do(lambda unit: unit.keep_messages(second)) == 2
    assert desk.do(lambda unit: unit.keep_messages([])) == 0
    assert [one.message for one in about(desk, "1")] == [f"m{number:03}" for number in range(602)]


def test_messages_stand_by_reference_then_by_when_they_were_written(desk: Desk) -> None:
    """One without a date stands where it came; numbers decide between equals."""
    rows = [
        message("b", reference="2", issued_at=NOW),
        message("e", issued_at=NOW + timedelta(minutes=3)),
        message("d", received_at=NOW + timedelta(minutes=2)),
        message("c", issued_at=NOW + timedelta(minutes=1)),
        message("a", issued_at=NOW + timedelta(minutes=1)),
        message("x", reference="3"),
    ]
    desk.do(lambda unit: unit.keep_messages(rows))
    found = about(desk, "2", "1", "unknown")
    assert [one.message for one in found] == ["a", "c", "d", "e", "b"]
    assert about(desk) == ()


def test_where_a_message_stands_is_said_anew_and_its_body_goes(desk: Desk) -> None:
    desk.do(lambda unit: unit.keep_messages([message(), message("m2")]))
    dated = message(issued_at=NOW)
    desk.do(lambda unit: unit.set_message(dated, "applied"))
    assert about(desk, "1") == (dated.replaced(state="applied", body=""), message("m2"))
    desk.do(lambda unit: unit.set_message(dated, "refused", body="x", why="InputError"))
    assert about(desk, "1")[0] == dated.replaced(state="refused", body="x", why="InputError")


def test_a_message_that_was_never_kept_stands_nowhere(desk: Desk) -> None:
    with pytest.raises(UnknownIdError):
        desk.do(lambda unit: unit.set_message(message(), "applied"))


def test_messages_are_listed_by_state_in_the_order_in_which_they_came(desk: Desk) -> None:
    rows = [
        message("late", received_at=NOW + timedelta(minutes=1)),
        message("early"),
        message("done", state="applied"),
        message("elsewhere", territory="senart"),
    ]
    desk.do(lambda unit: unit.keep_messages(rows))

    def listed(*states: str, limit: int = 10) -> list[str]:
        found = desk.ask(lambda unit: unit.messages_in("giennois", states, limit))  # type: ignore[arg-type]  # states of the inbox
        return [one.message for one in found]

    assert listed("waiting") == ["early", "late"]
    assert listed("waiting", "applied") == ["done", "early", "late"]
    assert listed("waiting", limit=1) == ["early"]
    assert listed("superseded") == []


def test_a_turn_can_be_taken_twice_and_where_there_is_no_territory(desk: Desk) -> None:
    desk.do(lambda unit: (unit.take_turn("giennois"), unit.take_turn("giennois")))
    desk.do(lambda unit: unit.take_turn("nowhere"))
