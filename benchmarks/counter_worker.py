"""
Processes at the counter: each places referrals one after the other and times every one.

Every process opens the database itself, as the servers of a host do. The clock that the engine is
told is the territory's hour and what has really passed since, so that all processes agree on it.
"""

import multiprocessing
import resource
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from datetime import datetime, timedelta
from multiprocessing.synchronize import Barrier
from time import monotonic, perf_counter
from typing import Any, NamedTuple

from sqlalchemy import Engine as Database
from sqlalchemy import event

from benchmarks.counter_territory import OPENS_AT
from slotengine.domain import Referral
from slotengine.engine import Engine
from slotengine.store import SqlStore
from slotengine.store_connect import own_engine, parsed

WITHOUT_SYNC = {"sqlite": "PRAGMA synchronous=OFF", "postgresql": "SET synchronous_commit = off"}
"""What makes a commit return before the disk has it: to know how much of a place is the disk."""

LONGEST_START_S = 120
"""Until every process must stand at the start: one that failed would keep the others for ever."""

Referrals = Sequence[Referral]


class Shift(NamedTuple):
    """What processes did: seconds of each place, and what all of them took together."""

    seconds: tuple[float, ...]
    served: int
    lost_races: int
    cpu_s: float
    statements: int

    def __add__(self, other: "Shift") -> "Shift":  # type: ignore[override]  # a sum, no longer row
        return Shift(
            self.seconds + other.seconds,
            self.served + other.served,
            self.lost_races + other.lost_races,
            self.cpu_s + other.cpu_s,
            self.statements + other.statements,
        )


class Desk:
    """
    An engine over one database, its clock, and a count of what it asks the database.

    Parameters
    ----------
    began
        The monotonic instant at which the territory opened.
    synced
        Whether a commit waits for the disk, as the library's own engines do.
    """

    def __init__(self, url: str, *, began: float, synced: bool = True) -> None:
        self.statements = 0
        self._began = began
        self._database = own_engine(parsed(url))
        if not synced:
            _without_sync(self._database)
        event.listen(self._database, "before_cursor_execute", self._count)
        self.engine = Engine(SqlStore.over(self._database))

    def _count(self, *_: object) -> None:
        self.statements += 1

    @property
    def now(self) -> datetime:
        """The territory's hour: monotonic clocks of one machine agree in all processes."""
        return OPENS_AT + timedelta(seconds=monotonic() - self._began)

    def place(self, referral: Referral) -> tuple[bool, int]:
        """Places and confirms; gives whether there was a seat, and how many races were lost."""
        now = self.now
        placed = self.engine.place(referral.replaced(received_at=now), now=now, confirm=True)
        return placed.booking is not None, placed.lost_races

    def work(self, referrals: Referrals, *, start: Barrier | None = None) -> Shift:
        """
        Places referrals one by one.

        Parameters
        ----------
        start
            Where processes wait for each other before their first one. Default none.
        """
        if start is not None:
            start.wait()
        seconds, served, lost = [], 0, 0
        statements, cpu = self.statements, _cpu_s()
        for referral in referrals:
            began = perf_counter()
            seated, races = self.place(referral)
            seconds.append(perf_counter() - began)
            served += seated
            lost += races
        return Shift(tuple(seconds), served, lost, _cpu_s() - cpu, self.statements - statements)

    def close(self) -> None:
        """Gives the connections back."""
        self._database.dispose()


def _without_sync(database: Database) -> None:
    statement = WITHOUT_SYNC[database.dialect.name]

    def set_it(connection: Any, _record: object) -> None:  # noqa: ANN401 (DBAPI: untyped)
        cursor = connection.cursor()
        cursor.execute(statement)
        cursor.close()
        # psycopg began a transaction for it; a rollback would undo what was set.
        connection.commit()

    event.listen(database, "connect", set_it)


def _cpu_s() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def together(
    url: str, *, began: float, synced: bool, warm: Sequence[Referrals], own: Sequence[Referrals]
) -> tuple[Shift, float]:
    """
    Lets one process a share of the referrals work at once; gives their shifts as one, and seconds.

    Parameters
    ----------
    warm, own
        For each process what it places before the clock runs, and while it runs.
    """
    if len(own) == 1:
        desk = Desk(url, began=began, synced=synced)
        desk.work(warm[0])
        started = perf_counter()
        done = desk.work(own[0])
        elapsed = perf_counter() - started
        desk.close()
        return done, elapsed
    context = multiprocessing.get_context("spawn")
    start = context.Barrier(len(own) + 1, timeout=LONGEST_START_S)
    with ProcessPoolExecutor(
        len(own), mp_context=context, initializer=_inherit, initargs=(start,)
    ) as pool:
        running = [
            pool.submit(_shift, url, began, synced, *shares)
            for shares in zip(warm, own, strict=True)
        ]
        start.wait()
        started = perf_counter()
        shifts = [one.result() for one in running]
        elapsed = perf_counter() - started
    whole = shifts[0]
    for one in shifts[1:]:
        whole += one
    return whole, elapsed


_START: list[Barrier] = []
"""Where this process waits for the others: a barrier can only be inherited, not sent."""


def _inherit(start: Barrier) -> None:
    _START.append(start)


def _shift(url: str, began: float, synced: bool, warm: Referrals, own: Referrals) -> Shift:  # noqa: FBT001 (a pool passes by position)
    desk = Desk(url, began=began, synced=synced)
    desk.work(warm)
    done = desk.work(own, start=_START[0])
    desk.close()
    return done
