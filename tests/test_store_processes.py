"""A store carried into other processes: forked, spawned, and still good in the parent."""

import multiprocessing
import os
from typing import Any

import pytest
from builders import NOW, slot
from desk import Desk

from slotengine.codes import BookingStatus
from slotengine.store import SqlStore


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
