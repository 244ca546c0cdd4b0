"""The contract of promises, from making to keeping, on both databases."""

from datetime import timedelta
from typing import Any

import pytest
from builders import NOW, slot
from desk import Desk
from promises import promised, terms

from slotengine.codes import PromiseState
from slotengine.errors import InputError, TransitionError
from slotengine.store import SqlStore

LATER = NOW + timedelta(minutes=10)


@pytest.fixture
def desk(store: SqlStore) -> Desk:
    return Desk.beside(store, "d1", "d2", "d3")


def test_a_promise_comes_back_as_it_was_given_with_the_seat_that_keeps_it(desk: Desk) -> None:
    desk.publish(slot())
    who, booking = promised(desk, "1", slot())
    assert desk.ask(lambda unit: unit.promise_of(who.id)) == terms(who)
    (one,) = desk.ask(lambda unit: unit.open_promises("giennois"))
    assert (one.promise, one.booking, one.slot) == (terms(who), booking, slot())
    assert desk.ask(lambda unit: unit.open_promises("senart")) == ()
    assert desk.kinds()[-1] == "promise.made"


def test_who_was_never_promised_anything_has_no_promise(desk: Desk) -> None:
    who = desk.refer()
    assert desk.ask(lambda unit: unit.promise_of(who.id)) is None
    desk.do(lambda unit: unit.end_promise(who.id, PromiseState.BROKEN))
    assert "promise.broken" not in desk.kinds()


@pytest.mark.parametrize("seat", ["none", "held", "confirmed"])
def test_a_promise_without_a_promised_seat_is_refused(desk: Desk, seat: str) -> None:
    desk.publish(slot())
    who = desk.refer()
    if seat != "none":
        booking = desk.hold(who, slot())
        if seat == "confirmed":
            desk.confirm(booking)
    with pytest.raises(TransitionError, match="without a promised seat"):
        desk.do(lambda unit: unit.save_promise(terms(who)))


def test_an_open_promise_is_not_made_again_and_an_ended_one_is(desk: Desk) -> None:
    desk.publish(slot())
    who, _ = promised(desk, "1", slot())
    again = terms(who, within_metres=9)
    with pytest.raises(TransitionError, match="open, it can't be made again"):
        desk.do(lambda unit: unit.save_promise(again))
    desk.do(lambda unit: unit.end_promise(who.id, PromiseState.GIVEN_UP, "asked"), now=LATER)
    ended = desk.ask(lambda unit: unit.promise_of(who.id))
    assert ended == terms(who, state=PromiseState.GIVEN_UP, ended_at=LATER, why="asked")
    desk.do(lambda unit: unit.save_promise(again))
    assert desk.ask(lambda unit: unit.promise_of(who.id)) == again


@pytest.mark.parametrize(
    "changes",
    [{"territory": "senart"}, {"state": PromiseState.KEPT, "ended_at": NOW}, {"ended_at": NOW}],
    ids=str,
)
def test_a_promise_of_elsewhere_or_one_that_ended_is_not_stored(
    desk: Desk, changes: dict[str, Any]
) -> None:
    desk.publish(slot())
    who = desk.refer()
    desk.promise(who, slot())
    with pytest.raises(InputError):
        desk.do(lambda unit: unit.save_promise(terms(who, **changes)))


def test_ending_a_promise_twice_changes_nothing(desk: Desk) -> None:
    desk.publish(slot())
    who, _ = promised(desk, "1", slot())
    desk.do(lambda unit: unit.end_promise(who.id, PromiseState.BROKEN, "ill"))
    desk.do(lambda unit: unit.end_promise(who.id, PromiseState.KEPT), now=LATER)
    found = desk.ask(lambda unit: unit.promise_of(who.id))
    assert found is not None
    assert (found.state, found.ended_at, found.why) == (PromiseState.BROKEN, NOW, "ill")
    assert [kind for kind in desk.kinds() if kind.startswith("promise.")] == [
        "promise.made",
        "promise.broken",
    ]
    with pytest.raises(InputError, match="does not end as an open one"):
        desk.do(lambda unit: unit.end_promise(who.id, PromiseState.OPEN))


def test_confirming_its_seat_keeps_a_promise(desk: Desk) -> None:
    desk.publish(slot())
    who, booking = promised(desk, "1", slot())
    desk.confirm(booking, now=LATER)
    found = desk.ask(lambda unit: unit.promise_of(who.id))
    assert found is not None
    assert (found.state, found.ended_at) == (PromiseState.KEPT, LATER)
    assert desk.ask(lambda unit: unit.open_promises("giennois")) == ()
    assert desk.kinds()[-3:] == ["booking.confirmed", "referral.booked", "promise.kept"]


def test_confirming_another_seat_than_the_promised_one_keeps_nothing(desk: Desk) -> None:
    other = slot("slot2", practitioner="d2")
    desk.publish(slot(), other)
    who, booking = promised(desk, "1", slot())
    desk.end(booking)
    desk.confirm(desk.hold(who, other))
    found = desk.ask(lambda unit: unit.promise_of(who.id))
    assert found is not None
    assert found.state is PromiseState.OPEN
    assert desk.ask(lambda unit: unit.open_promises("giennois")) == ()
