"""
Times the national platform's questions: from the request on the wire to the whole answer.

A real uvicorn process on the loopback and a real HTTP client, over SQLite and PostgreSQL: one
practitioner over 72 h, 25 of them, and ten times the calls that the platform makes while seats are
booked through the engine of another process.
"""

import argparse
import contextlib
import json
import platform
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from datetime import timedelta
from pathlib import Path
from statistics import quantiles
from time import monotonic, perf_counter, sleep
from urllib.parse import quote

import httpx

from benchmarks.counter_databases import audit, postgres_database, postgres_server, sqlite_file
from benchmarks.counter_territory import NAME, OPENS_AT, Counter, counter
from benchmarks.counter_worker import Desk
from benchmarks.sas_server import KEY
from slotengine.codes import Audience
from slotengine.directory import Address, Role, Structure
from slotengine.domain import Slot
from slotengine.engine import Engine

STORES = ("sqlite", "postgresql")

SLOTS = 1_000
"""Free slots of a territory of 116,000 inhabitants over three days. As the counter's benchmark."""

ONE, MANY = 400, 200
"""Timed calls with one practitioner and with 25: four or two of them lie beyond p99."""

WARM_UP = 20
"""Calls before the clock runs: imports, compiled statements, caches."""

MOST_IDS = 25
"""Practitioners of one call (SAS)."""

CALLS_PER_HOUR = 3_000
"""What the platform asks at most (SAS guide, annex)."""

TIMES = 10
"""How many times as much is asked in the sustained case."""

SUSTAINED_S = 60.0
"""How long the sustained case lasts."""

BOOKINGS_PER_S = 5.0
"""Seats that are placed and confirmed meanwhile: a morning's rush of a large territory."""

START_S = 60.0
"""Until the server must answer."""

MS = 1_000
HEADER = (
    f"{'store':<12}{'case':<34}{'calls':>7}{'p50 ms':>9}{'p99 ms':>9}{'max ms':>9}{'errors':>8}"
)


@dataclass(frozen=True, slots=True)
class Load:
    """How much is asked."""

    slots: int = SLOTS
    one: int = ONE
    many: int = MANY
    sustained_s: float = SUSTAINED_S


QUICK = Load(slots=200, one=10, many=5, sustained_s=1.0)
"""Enough to see that it runs; no figure to quote."""


@dataclass(frozen=True, slots=True)
class Line:
    """What one case says; ``slots`` are those of its largest answer, ``booked`` the seats given."""

    store: str
    case: str
    calls: int
    p50_ms: float
    p99_ms: float
    max_ms: float
    errors: int
    slots: int
    booked: int
    double_bookings: int
    machine: str


@dataclass
class Asked:
    """Seconds of each call, what went wrong, and the largest total."""

    seconds: list[float]
    errors: int = 0
    slots: int = 0


def published(drawn: Counter) -> tuple[tuple[Slot, ...], tuple[Role, ...]]:
    """Gives the slots in every class that regulators see, and a role for each of their places."""
    slots = tuple(
        slot.replaced(audiences=(Audience.SNP, Audience.CPTS, Audience.PRO)) for slot in drawn.slots
    )
    places = sorted({(slot.practitioner, slot.site) for slot in slots})
    roles = tuple(
        Role(
            territory=NAME,
            practitioner=practitioner,
            site=site,
            family_name="Exemple",
            given_name="Camille",
            phone="+33160000000",
            structure="1770000017",
            address=Address(line="1 rue Inventée", postcode="77127", city="Lieusaint"),
            booking_url="https://agenda.example/book",
        )
        for practitioner, site in places
    )
    return slots, roles


def prepare(desk: Desk, load: Load) -> Counter:
    """Publishes a territory and gives what was drawn."""
    drawn = counter(slots=load.slots, referrals=int(load.sustained_s * BOOKINGS_PER_S) + 1)
    slots, roles = published(drawn)
    structure = Structure(finess="770000017", name="CPTS de Sénart")
    desk.engine.set_policy(drawn.policy.replaced(structure=structure), now=desk.now)
    desk.engine.publish(
        NAME,
        practitioners=drawn.practitioners,
        sites=drawn.sites,
        slots=slots,
        roles=roles,
        now=desk.now,
    )
    return drawn


def question(ids: list[str]) -> str:
    """Gives the path of a call for these practitioners over 72 h, with the includes of a CPTS."""
    start = OPENS_AT.isoformat(timespec="milliseconds")
    end = (OPENS_AT + timedelta(hours=72)).isoformat(timespec="milliseconds")
    people = ",".join(f"urn:oid:1.2.250.1.71.4.2.1|8{id_}" for id_ in ids)
    return (
        "/Slot?_include=Slot:schedule&_include:iterate=Schedule:actor"
        "&_include=Slot:service-type-reference&_include:iterate=HealthcareService:organization"
        f"&start=ge{quote(start)}&start=le{quote(end)}"
        f"&schedule.actor:Practitioner.identifier={people}&status=free"
    )


@contextlib.contextmanager
def running(url: str, began: float) -> Iterator[httpx.Client]:
    """Starts a server over a database and gives a client of it; stops it at the end."""
    command = [sys.executable, "-m", "benchmarks.sas_server", "--db", url]
    command += ["--at", OPENS_AT.isoformat(), "--began", repr(began)]
    root = Path(__file__).resolve().parent.parent
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=root) as server:  # noqa: S603 (our own module)
        try:
            port = int(server.stdout.readline()) if server.stdout else 0
            headers = {"authorization": f"Bearer {KEY}", "accept": "application/json+fhir"}
            with httpx.Client(
                base_url=f"http://127.0.0.1:{port}", headers=headers, timeout=START_S
            ) as client:
                client.get("/health").raise_for_status()
                yield client
        finally:
            server.terminate()
            server.wait()


def ask(client: httpx.Client, paths: list[str], *, every: float = 0.0) -> Asked:
    """
    Asks one question after the other and times each.

    Parameters
    ----------
    every
        Seconds between the starts of two calls; a late one is asked at once. Default none.
    """
    asked = Asked([])
    began = monotonic()
    for number, path in enumerate(paths):
        late = monotonic() - began - number * every
        if every and late < 0:
            sleep(-late)
        start = perf_counter()
        try:
            answer = client.get(path)
            asked.seconds.append(perf_counter() - start)
            bundle = answer.json()
            asked.errors += answer.status_code != httpx.codes.OK
            asked.slots = max(asked.slots, bundle.get("total", 0))
        except (httpx.HTTPError, ValueError):
            asked.seconds.append(perf_counter() - start)
            asked.errors += 1
    return asked


def line(store: str, case: str, asked: Asked, *, booked: int = 0, twice: int = 0) -> Line:
    """Gives what a case says."""
    hundredths = quantiles(asked.seconds, n=100, method="inclusive")
    return Line(
        store=store,
        case=case,
        calls=len(asked.seconds),
        p50_ms=round(hundredths[49] * MS, 2),
        p99_ms=round(hundredths[98] * MS, 2),
        max_ms=round(max(asked.seconds) * MS, 2),
        errors=asked.errors,
        slots=asked.slots,
        booked=booked,
        double_bookings=twice,
        machine=platform.machine(),
    )


def measured(store: str, url: str, load: Load) -> Iterator[Line]:
    """Gives the lines of one database."""
    began = monotonic()
    desk = Desk(url, began=began)
    drawn = prepare(desk, load)
    ids = sorted({slot.practitioner for slot in drawn.slots})
    lists = [[ids[(at + step) % len(ids)] for step in range(MOST_IDS)] for at in range(len(ids))]
    singles = [question([id_]) for id_ in ids]
    manies = [question(listed) for listed in lists]
    with running(url, began) as client:
        ask(client, _repeated(singles, WARM_UP) + _repeated(manies, WARM_UP))
        yield line(store, "one practitioner, 72 h", ask(client, _repeated(singles, load.one)))
        yield line(store, "25 practitioners, 72 h", ask(client, _repeated(manies, load.many)))
        every = 3_600 / (CALLS_PER_HOUR * TIMES)
        paths = _repeated([*singles, *manies], round(load.sustained_s / every))
        with _booking(desk, drawn, load) as booked:
            asked = ask(client, paths, every=every)
    desk.close()
    twice, wrong = audit(url)
    yield line(store, "30,000 calls/h while booking", asked, booked=booked(), twice=twice + wrong)


def _repeated(paths: list[str], wanted: int) -> list[str]:
    return [paths[number % len(paths)] for number in range(wanted)]


@contextlib.contextmanager
def _booking(desk: Desk, drawn: Counter, load: Load) -> Iterator[Callable[[], int]]:
    """Books seats beside what is going on; gives how many were given."""
    given: list[bool] = []
    stop = threading.Event()

    def work() -> None:
        began = monotonic()
        for number, referral in enumerate(drawn.referrals):
            if stop.wait(max(0.0, began + number / BOOKINGS_PER_S - monotonic())):
                return
            given.append(desk.place(referral)[0])

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield lambda: sum(given)
    finally:
        stop.set()
        thread.join(load.sustained_s + START_S)


def main(arguments: list[str] | None = None) -> int:
    """Prints a line for each case; 1 when a call failed or a seat was given twice."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="one JSON object a line")
    parser.add_argument("--quick", action="store_true", help="does it run?")
    parser.add_argument("--stores", nargs="+", choices=STORES, default=list(STORES))
    parser.add_argument("--postgres", help="URL of a server; default one is started")
    given = parser.parse_args(arguments)
    load = QUICK if given.quick else Load()
    if not given.json:
        sys.stdout.write(HEADER + "\n")
    wrong = 0
    for store in given.stores:
        with contextlib.ExitStack() as stack:
            if store == "sqlite":
                url = stack.enter_context(sqlite_file())
            else:
                server = stack.enter_context(postgres_server(given.postgres))
                url = stack.enter_context(postgres_database(server))
            Engine.upgrade(url)
            for found in measured(store, url, load):
                wrong += found.errors + found.double_bookings
                sys.stdout.write(_written(found, as_json=given.json) + "\n")
                sys.stdout.flush()
    return 1 if wrong else 0


def _written(found: Line, *, as_json: bool) -> str:
    if as_json:
        return json.dumps(asdict(found))
    return (
        f"{found.store:<12}{found.case:<34}{found.calls:>7}{found.p50_ms:>9}{found.p99_ms:>9}"
        f"{found.max_ms:>9}{found.errors:>8}"
    )


if __name__ == "__main__":
    sys.exit(main())
