"""Races: several works started at one instant, and what a database says afterwards."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from sqlalchemy import create_engine, text

from slotengine.errors import BookingError
from slotengine.store import recount

BARRIER_SECONDS = 60
"""Far beyond any round; a racer that died must not hang the tests."""

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


def won(outcomes: list[object]) -> int:
    return sum(not isinstance(outcome, BookingError) for outcome in outcomes)
