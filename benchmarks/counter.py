"""
Times the counter: referral in to confirmed hold through ``Engine.place``.

One row a database and number of processes: SQLite (a file, WAL, synchronous=FULL) and a real
PostgreSQL, one and four processes on the same database, and one process again without waiting for
the disk. Afterwards the database itself is asked whether anybody has a seat twice.
"""

import argparse
import contextlib
import json
import os
import platform
import sqlite3
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from importlib.metadata import version
from itertools import islice
from statistics import quantiles
from time import monotonic

from benchmarks.counter_databases import audit, postgres_database, postgres_server, sqlite_file
from benchmarks.counter_territory import BOOKED_BEFORE, FREE_SLOTS, Counter, counter
from benchmarks.counter_worker import Desk, together
from slotengine.store import SqlStore

STORES = ("sqlite", "postgresql")
PROCESSES = (1, 4)
PLACEMENTS = 240
"""Placements of a row, all its processes together: two or three of them lie beyond p99."""

WARM_UP = 20
"""Placements of each process before the clock runs: imports, compiled statements, caches."""

MS = 1_000
HEADER = (
    f"{'store':<12}{'processes':>9}{'disk':>7}{'p50 ms':>9}{'p99 ms':>9}{'a second':>10}"
    f"{'cpu ms':>8}{'SQL':>6}{'served':>9}{'twice':>7}"
)

Fresh = Callable[[], contextlib.AbstractContextManager[str]]
"""Opens an empty database of its own and gives its URL."""


@dataclass(frozen=True, slots=True)
class Load:
    """How many slots are free and booked before, and how many placements are timed."""

    free: int = FREE_SLOTS
    booked: int = BOOKED_BEFORE
    timed: int = PLACEMENTS
    warm_up: int = WARM_UP


QUICK = Load(free=60, booked=6, timed=12, warm_up=1)
"""Enough to see that it runs; no figure to quote."""


@dataclass(frozen=True, slots=True)
class Row:
    """Which database, how many processes, and whether a commit waits for the disk."""

    store: str
    processes: int
    synced: bool


@dataclass(frozen=True, slots=True)
class Line:
    """
    What one row says.

    ``statements`` and ``cpu_ms`` are means of one place, ``cpu_ms`` of our processes alone: a
    server's own is not seen. ``served`` of ``placements`` found a seat. ``double_bookings`` and
    ``wrong_counters`` are asked of the database afterwards.
    """

    store: str
    processes: int
    p50_ms: float
    p99_ms: float
    placements_per_s: float
    double_bookings: int
    synced: bool
    placements: int
    served: int
    lost_races: int
    wrong_counters: int
    cpu_ms: float
    statements: float
    free_slots: int
    booked_before: int
    machine: str
    load_average: float


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the benchmark; exit code 1 when anybody has a seat twice or a counter is wrong."""
    asked = _parser().parse_args(arguments)
    load = QUICK if asked.quick else Load(timed=asked.placements)
    most = load.booked + load.timed + max(PROCESSES) * load.warm_up
    drawn = counter(slots=load.free + load.booked, referrals=most, seed=asked.seed)
    sound = True
    if not asked.json:
        print(HEADER)
    with contextlib.ExitStack() as stack:
        for store, fresh in _databases(stack, asked.stores, asked.postgres):
            for row in (
                *(Row(store, processes, synced=True) for processes in PROCESSES),
                Row(store, 1, synced=False),
            ):
                with fresh() as url:
                    line = measured(row, url, drawn, load)
                print(json.dumps(asdict(line)) if asked.json else _row(line), flush=True)
                sound &= line.double_bookings == 0 and line.wrong_counters == 0
    if not sound:
        print("somebody has a seat twice, or a counter is wrong: see the lines", file=sys.stderr)
    return 0 if sound else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.counter", description=__doc__)
    parser.add_argument("--json", action="store_true", help="one JSON object a line")
    parser.add_argument("--quick", action="store_true", help="a few placements: does it run?")
    parser.add_argument("--placements", type=int, default=PLACEMENTS, help="of each row")
    parser.add_argument("--seed", type=int, default=0, help="of the generator")
    parser.add_argument("--stores", nargs="+", choices=STORES, default=STORES, help="which")
    parser.add_argument("--postgres", help="URL of a server to use; default one is started")
    return parser


def _databases(
    stack: contextlib.ExitStack, stores: Sequence[str], postgres: str | None
) -> Iterator[tuple[str, Fresh]]:
    for store in stores:
        if store == "sqlite":
            yield store, sqlite_file
        else:
            server = stack.enter_context(postgres_server(postgres))
            yield store, partial(postgres_database, server)


def measured(row: Row, url: str, drawn: Counter, load: Load) -> Line:
    """Fills a fresh database, places referrals, and asks the database what became of it."""
    began = filled(url, drawn, load.booked)
    coming = iter(drawn.referrals[load.booked :])
    warm = [tuple(islice(coming, load.warm_up)) for _ in range(row.processes)]
    own = tuple(islice(coming, load.timed))
    done, elapsed = together(
        url,
        began=began,
        synced=row.synced,
        warm=warm,
        own=[own[at :: row.processes] for at in range(row.processes)],
    )
    twice, wrong = audit(url)
    at_hundredths = quantiles(done.seconds, n=100, method="inclusive")
    return Line(
        store=row.store,
        processes=row.processes,
        p50_ms=round(at_hundredths[49] * MS, 2),
        p99_ms=round(at_hundredths[98] * MS, 2),
        placements_per_s=round(len(own) / elapsed, 1),
        double_bookings=twice,
        synced=row.synced,
        placements=len(own),
        served=done.served,
        lost_races=done.lost_races,
        wrong_counters=wrong,
        cpu_ms=round(done.cpu_s / len(own) * MS, 2),
        statements=round(done.statements / len(own), 1),
        free_slots=len(drawn.slots) - load.booked,
        booked_before=load.booked,
        machine=_machine(),
        load_average=round(os.getloadavg()[0], 2),
    )


def filled(url: str, drawn: Counter, booked: int) -> float:
    """
    Makes the tables, publishes the territory, books the morning's bookings and prices the seats.

    Returns
    -------
    float
        The monotonic instant at which the territory opened.
    """
    began = monotonic()
    store = SqlStore.open(url)
    store.upgrade()
    store.close()
    desk = Desk(url, began=began, synced=False)
    desk.engine.set_policy(drawn.policy, now=desk.now)
    report = desk.engine.publish(
        drawn.policy.territory,
        practitioners=drawn.practitioners,
        sites=drawn.sites,
        slots=drawn.slots,
        now=desk.now,
    )
    if report.rejected:
        raise ValueError(f"{len(report.rejected)} slots of the territory were rejected")
    desk.work(drawn.referrals[:booked])
    desk.engine.reprice(drawn.policy.territory, now=desk.now)
    desk.close()
    return began


def _machine() -> str:
    return (
        f"{os.cpu_count()} cores {platform.machine()}, Python {platform.python_version()}, "
        f"SQLite {sqlite3.sqlite_version}, SQLAlchemy {version('sqlalchemy')}"
    )


def _row(line: Line) -> str:
    return (
        f"{line.store:<12}{line.processes:>9}{'waits' if line.synced else 'no':>7}"
        f"{line.p50_ms:>9.2f}{line.p99_ms:>9.2f}{line.placements_per_s:>10.1f}"
        f"{line.cpu_ms:>8.2f}{line.statements:>6.1f}{line.served:>5}/{line.placements}"
        f"{line.double_bookings:>5}"
    )


if __name__ == "__main__":
    sys.exit(main())
