"""Races: several works started at one instant, and what a database says afterwards."""

import multiprocessing
import threading
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing.synchronize import Barrier
from typing import Any, TypeVar

from sqlalchemy import create_engine, text

from slotengine.errors import BookingError
from slotengine.store import recount

BARRIER_SECONDS = 60
"""Far beyond any round; a racer that died must not hang the tests."""

T = TypeVar("T")

START: list[Barrier] = []
"""In a spawned process: where it meets the others."""

ACTIVE = "status IN ('promised', 'held', 'confirmed')"


def counted(url: str, sql: str) -> list[tuple[Any, ...]]:
    engine = create_engine(url)
    with engine.connect() as connection:
        rows = [tuple(row) for row in connection.execute(text(sql))]
    engine.dispose()
    return rows


def counters_agree(url: str) -> bool:
    engine = create_engine(url)
    with engine.connect() as connection:
        wrong = recount(connection)
    engine.dispose()
    return wrong == {}


def raced(*works: Callable[[], object]) -> list[object]:
    """Starts all at once; gives what each returned or the BookingError it got."""
    barrier = threading.Barrier(len(works))

    def run(work: Callable[[], object]) -> object:
        barrier.wait(BARRIER_SECONDS)
        try:
            return work()
        except BookingError as refused:
            return refused

    with ThreadPoolExecutor(len(works)) as pool:
        return list(pool.map(run, works))


def spawned(*works: Callable[[], T]) -> list[T]:
    """
    Runs each work in its own new process, which shares nothing with us; gives what each returned.

    They meet at ``together``. Where one fails, those that wait for it fail too, and its error is
    the one raised here.
    """
    # spawn: a child has nothing of ours but what was pickled and what the database keeps.
    context = multiprocessing.get_context("spawn")
    barrier = context.Barrier(len(works))
    with ProcessPoolExecutor(
        len(works), mp_context=context, initializer=_meet_at, initargs=(barrier,)
    ) as pool:
        running = [pool.submit(_or_abort, work) for work in works]
        failed = [error for one in running if (error := one.exception()) is not None]
        for error in failed:
            if not isinstance(error, threading.BrokenBarrierError):
                raise error
        return [one.result() for one in running]


def _meet_at(barrier: Barrier) -> None:
    START.append(barrier)


def _or_abort(work: Callable[[], T]) -> T:
    try:
        return work()
    except BaseException:
        START[0].abort()
        raise


def together() -> None:
    """Waits in a spawned process until all of them have come here."""
    START[0].wait(BARRIER_SECONDS)


def won(outcomes: list[object]) -> int:
    return sum(not isinstance(outcome, BookingError) for outcome in outcomes)
