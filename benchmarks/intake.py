"""
Times the intake: a file of referrals in, read and stored through ``Engine.receive``.

One line a format and database: SQLite (a file, WAL, synchronous=FULL) and, where asked, a real
PostgreSQL. Beside it, in the same run on a database of its own, the first of the same records one
by one through ``Engine.refer``. Each in a fresh process, so that the peak of memory is its own.
"""

import argparse
import contextlib
import json
import multiprocessing
import os
import platform
import resource
import sqlite3
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from functools import partial
from importlib.metadata import version
from itertools import islice
from pathlib import Path
from time import perf_counter, process_time
from zoneinfo import ZoneInfo

from sqlalchemy import create_engine, text

from benchmarks.counter_databases import postgres_database, postgres_server, sqlite_file
from benchmarks.intake_records import WRITERS, written
from benchmarks.timing import MAXRSS_BYTES
from slotengine.adapters import Intake, New, adapter_for
from slotengine.engine import Engine
from slotengine.policy import Policy
from slotengine.receiving import BATCH, batches
from slotengine.vault import Pseudonymiser

RECORDS = 100_000
ONE_BY_ONE = 2_000
"""Records that the peer takes: seconds, not minutes."""

QUICK = 600
"""Enough to see that it runs; no figure to quote."""

STORES = ("sqlite", "postgresql")
TERRITORY = "giennois"
NOW = datetime(2026, 11, 24, 9, tzinfo=UTC)
"""A Tuesday at 10 h in Paris."""

MIB = 1024 * 1024
HEADER = (
    f"{'store':<12}{'case':<8}{'records':>9}{'seconds':>9}{'a second':>10}{'cpu s':>8}"
    f"{'peak MiB':>10}{'one by one':>12}{'ratio':>7}{'errors':>8}"
)

Fresh = Callable[[], contextlib.AbstractContextManager[str]]
"""Opens an empty database of its own and gives its URL."""


@dataclass(frozen=True, slots=True)
class Run:
    """What one process measured; ``errors`` are records that were not stored as they should be."""

    records: int
    seconds: float
    cpu_s: float
    peak_mib: float
    errors: int


@dataclass(frozen=True, slots=True)
class Line:
    """
    What one case says.

    ``seconds`` are from opening the file to the last commit, ``cpu_s`` of our process alone, and
    ``peak_mib`` of all of it, libraries included. ``errors`` are records that were rejected, that
    the engine did not apply, or that are not in the database afterwards. ``peer_per_second`` is
    ``Engine.refer`` one by one, ``ratio`` how much faster we are.
    """

    store: str
    case: str
    records: int
    batch: int
    seconds: float
    per_second: float
    cpu_s: float
    peak_mib: float
    errors: int
    peer: str
    peer_records: int
    peer_per_second: float
    ratio: float
    machine: str
    load_average: float


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the benchmark; exit code 1 when a record was lost."""
    asked = _parser().parse_args(arguments)
    records = min(asked.records, QUICK) if asked.quick else asked.records
    sound = True
    if not asked.json:
        print(HEADER)
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="slotengine-intake-")))
        for store, fresh in _databases(stack, asked.stores, asked.postgres):
            for case in asked.cases:
                path = written(folder, case, records)
                line = measured(store, case, path, fresh, records=records, batch=asked.batch)
                print(json.dumps(asdict(line)) if asked.json else _row(line), flush=True)
                sound &= line.errors == 0
    if not sound:
        print("records were lost: see the lines", file=sys.stderr)
    return 0 if sound else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.intake", description=__doc__)
    parser.add_argument("--json", action="store_true", help="one JSON object a line")
    parser.add_argument("--quick", action="store_true", help="a few records: does it run?")
    parser.add_argument("--records", type=int, default=RECORDS, help="of each file")
    parser.add_argument("--batch", type=int, default=BATCH, help="records of one transaction")
    parser.add_argument("--cases", nargs="+", choices=tuple(WRITERS), default=tuple(WRITERS))
    parser.add_argument("--stores", nargs="+", choices=STORES, default=STORES[:1], help="which")
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


def measured(store: str, case: str, path: Path, fresh: Fresh, *, records: int, batch: int) -> Line:
    """Takes a file in by batches, and its first records one by one, each in a fresh process."""
    with fresh() as url:
        ours = _apart(partial(_take, url, path, case, records=records, batch=batch))
    with fresh() as url:
        few = min(records, ONE_BY_ONE)
        peer = _apart(partial(_take, url, path, case, records=few, batch=0))
    per_second, peer_per_second = (run.records / run.seconds for run in (ours, peer))
    return Line(
        store=store,
        case=case,
        records=records,
        batch=batch,
        seconds=round(ours.seconds, 2),
        per_second=round(per_second, 1),
        cpu_s=round(ours.cpu_s, 2),
        peak_mib=round(ours.peak_mib, 1),
        errors=ours.errors + peer.errors,
        peer="Engine.refer",
        peer_records=peer.records,
        peer_per_second=round(peer_per_second, 1),
        ratio=round(per_second / peer_per_second, 1),
        machine=_machine(),
        load_average=round(os.getloadavg()[0], 2),
    )


def _apart(work: Callable[[], Run]) -> Run:
    """Runs work in a process of its own, which has nothing of ours in memory."""
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=context) as pool:
        return pool.submit(work).result()


def _take(url: str, path: Path, case: str, *, records: int, batch: int) -> Run:
    """Reads a file into a fresh database; a batch of 0 refers one by one."""
    Engine.upgrade(url)
    engine = Engine.open(url)
    engine.set_policy(Policy(territory=TERRITORY), now=NOW)
    adapter = adapter_for(
        "pharmacy",
        territory=TERRITORY,
        zone=ZoneInfo("Europe/Paris"),
        pseudonymiser=Pseudonymiser(bytes(32)),
        format="csv" if case == "csv" else "json",
    )
    began, cpu = perf_counter(), process_time()
    with path.open("rb") as source:
        coming = islice(adapter.read(source, now=NOW), records)
        stored = _bulk(engine, coming, batch) if batch else _one_by_one(engine, coming)
    seconds, cpu_s = perf_counter() - began, process_time() - cpu
    engine.dispose()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * MAXRSS_BYTES / MIB
    lost = max(records - stored, records - _counted(url))
    return Run(records=records, seconds=seconds, cpu_s=cpu_s, peak_mib=peak, errors=lost)


def _bulk(engine: Engine, coming: Iterator[Intake], batch: int) -> int:
    stored = 0
    for messages in batches((one for one in coming if isinstance(one, New)), batch):
        answers = engine.receive(messages, now=NOW)
        stored += sum(answer.outcome == "applied" for answer in answers)
    return stored


def _one_by_one(engine: Engine, coming: Iterator[Intake]) -> int:
    stored = 0
    for one in coming:
        if isinstance(one, New):
            stored += not engine.refer(one.referral, now=NOW).repeated
    return stored


def _counted(url: str) -> int:
    engine = create_engine(url)
    with engine.connect() as connection:
        found = connection.scalar(text("SELECT count(*) FROM slotengine_referral"))
    engine.dispose()
    return int(found or 0)


def _machine() -> str:
    return (
        f"{os.cpu_count()} cores {platform.machine()}, Python {platform.python_version()}, "
        f"SQLite {sqlite3.sqlite_version}, SQLAlchemy {version('sqlalchemy')}"
    )


def _row(line: Line) -> str:
    return (
        f"{line.store:<12}{line.case:<8}{line.records:>9}{line.seconds:>9.1f}"
        f"{line.per_second:>10.0f}{line.cpu_s:>8.1f}{line.peak_mib:>10.0f}"
        f"{line.peer_per_second:>12.0f}{line.ratio:>7.1f}{line.errors:>8}"
    )


if __name__ == "__main__":
    sys.exit(main())
