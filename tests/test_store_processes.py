"""A store carried into other processes: forked, spawned, and still good in the parent."""

import multiprocessing
import os
from functools import partial
from typing import Any

import pytest
from builders import NOW, patient, policy, referral, slot
from desk import HOLD, Desk
from races import spawned, together

from slotengine.codes import BookingStatus, Mode
from slotengine.errors import SlotTakenError
from slotengine.side_constraints import Caps
from slotengine.store import SqlStore, recount

ROUNDS = 20


def _confirm_elsewhere(store: SqlStore, booking_id: str) -> None:
    store.write(lambda unit: unit.confirm(booking_id), now=NOW)


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_a_used_store_works_in_a_child_process_and_in_its_parent(
    store: SqlStore, method: str
) -> None:
    desk = Desk(store)
    desk.settle()
    desk.publish(slot())
    booking = desk.hold(desk.refer(), slot())
    context: Any = multiprocessing.get_context(method)
    child = context.Process(target=_confirm_elsewhere, args=(store, booking.id))
    child.start()
    child.join()
    assert child.exitcode == 0
    assert desk.ask(lambda unit: unit.booking(booking.id)).status is BookingStatus.CONFIRMED
    assert desk.confirm(booking).status is BookingStatus.CONFIRMED


def test_four_forked_children_share_no_connection(store: SqlStore) -> None:
    desk = Desk(store)
    desk.settle()
    where = slot(capacity=4)
    desk.publish(where)
    people = [desk.refer(str(number)) for number in range(4)]
    children = []
    for who in people:
        child = os.fork()
        if child == 0:
            try:
                desk.hold(who, where)
            except BaseException:  # noqa: BLE001 (a forked child must never return into pytest)
                os._exit(1)
            os._exit(0)
        children.append(child)
    assert [os.waitpid(child, 0)[1] for child in children] == [0, 0, 0, 0]
    held = desk.ask(lambda unit: unit.active_bookings([where.id]))
    assert [booking.seat for booking in held] == [0, 1, 2, 3]


def _effort_racer(store: SqlStore, name: str) -> list[str]:
    """Wants a quarter of an hour in each round, on a slot of its own; gives why it lost each."""
    said = []
    for round_ in range(ROUNDS):
        where = slot(f"{name}{round_}", after_minutes=_minutes(name, round_))
        together()
        try:
            store.write(
                lambda unit, where=where: unit.take_seat(
                    referral(where.id).id,
                    where,
                    mode=Mode.AMB,
                    status=BookingStatus.HELD,
                    held_until=NOW + HOLD,
                ),
                now=NOW,
            )
        except SlotTakenError as taken:
            said.append(taken.why)
        else:
            said.append("")
    store.close()
    return said


def _minutes(name: str, round_: int) -> int:
    """Two days of one week, another week each round."""
    return 7 * 24 * 60 * round_ + {"early": 60, "late": 2 * 24 * 60}[name]


def test_two_processes_racing_for_the_last_effort_minutes_have_one_winner(store: SqlStore) -> None:
    """Fifteen minutes are left in each week, and each of the two needs fifteen, on other days."""
    desk = Desk(store)
    desk.settle()
    desk.do(lambda unit: unit.save_policy(policy(caps=Caps(effort_minutes_per_week=29))))
    for name in ("early", "late"):
        for round_ in range(ROUNDS):
            where = slot(f"{name}{round_}", after_minutes=_minutes(name, round_))
            desk.publish(where)
            desk.refer(where.id, patient=patient(where.id, own_practitioner="d1"))
    said = spawned(*(partial(_effort_racer, store, name) for name in ("early", "late")))
    full = "its practitioner's week is full"
    assert [sorted(both) for both in zip(*said, strict=True)] == [["", full]] * ROUNDS
    wrong = desk.ask(lambda unit: recount(unit._connection))  # type: ignore[attr-defined] # a look behind the port
    assert wrong == {}
