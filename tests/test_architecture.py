"""Floors, doors and other walls of the house, read with ``ast`` from the sources."""

import ast
import sys
from collections.abc import Callable
from fnmatch import fnmatchcase
from graphlib import CycleError, TopologicalSorter
from typing import NamedTuple

import pytest
from sources import PROJECT, ROOT, Sources, ambient_uses, imports, own, read_house


class Room(NamedTuple):
    name: str
    floor: int
    modules: tuple[str, ...]


ROOMS = (
    Room("nouns", 0, ("domain", "codes", "errors")),
    Room(
        "contract",
        1,
        (
            *("policy", "side_constraints", "opening", "labels", "reasons", "problem"),
            *("directory", "destinations", "availability"),
            *("counter_rules", "forecast", "learning", "learning_*", "seat_prices"),
            *("problem_checks", "explanations", "transitions", "answers"),
        ),
    ),
    Room("ports", 2, ("ports", "ports_*")),
    Room(
        "store",
        3,
        ("store", "store_*", "tables", "tables_*", "vault", "migrations", "migrations.*"),
    ),
    Room("solver", 3, ("solver", "solver.*")),
    Room("adapters", 3, ("adapters", "adapters.*")),
    Room("fixtures", 3, ("fixtures", "fixtures.*")),
    Room(
        "engine",
        4,
        (
            "choosing",
            "data_folder",
            "delivering",
            "delivering_*",
            "engine",
            "explaining",
            "floors",
            "givers",
            "handing_back",
            "holding",
            "keeping",
            "loading",
            "loading_night",
            "offering",
            "pathways",
            "pinning",
            "plan_promises",
            "planning",
            "pricing",
            "promising",
            "publishing",
            "queries",
            "ranking",
            "receiving",
            "receiving_*",
            "reconciling",
            "reconciling_*",
            "redflags",
            "referring",
            "replacing",
            "repricing",
            "seating",
            "supplying",
            "tending",
            "tokens",
            "upkeep",
            "waitlist",
        ),
    ),
    Room("nightly", 5, ("nightly",)),
    Room("serving", 5, ("serving", "serving_*")),
    Room("sending", 5, ("sending", "sending_*")),
    Room("testing", 5, ("testing", "testing_*")),
    Room("simulation", 5, ("simulation", "simulation_*")),
    Room("cli", 5, ("cli", "cli_*", "__main__")),
)
"""Every module stands in exactly one room; imports lead to the same floor or a lower one."""

SEPARATE_FLOOR = 3
"""On this floor the rooms don't know each other: a host may take one without the others."""

DOORS: dict[str, tuple[str, ...]] = {
    "pydantic": ("*",),
    "ortools": ("solver.flow", "solver.flow_*", "solver.coupling", "solver.coupling_*"),
    "scipy": ("solver.flow", "solver.flow_*", "solver.coupling", "solver.coupling_*"),
    "numpy": ("solver.*", "fixtures.*", "simulation", "simulation_*"),
    "sqlalchemy": ("store", "store_*", "tables", "tables_*", "migrations.*"),
    "alembic": ("store", "store_*", "migrations.*"),
    "apscheduler": ("nightly",),
    "holidays": ("opening",),
    "platformdirs": ("data_folder",),
    "typer": ("cli", "cli_*"),
    "click": ("cli", "cli_*"),
    "rich": ("cli", "cli_*"),
    "openpyxl": ("adapters.tabular_xlsx*",),
    "defusedxml": ("adapters.tabular_xlsx*",),
    "icalendar": ("adapters.agenda_ics*", "adapters.out_ics"),
    "recurring_ical_events": ("adapters.agenda_ics*",),
    "starlette": ("serving", "serving_*"),
    "anyio": ("serving", "serving_*"),
    "uvicorn": ("serving", "serving_*"),
    "httpx": ("sending", "sending_*"),
}
"""Where each third party may come in. One that is not listed may come in nowhere."""

CHECKERS = ("solver.check", "solver.check_*", "solver.certificate", "solver.certificate_*")
CHECKERS_MAY_KNOW = (
    *("domain", "codes", "problem", "policy", "side_constraints", "errors"),
    *CHECKERS,
)
"""The independent check shares no code with what it checks, and no library either."""

EXEMPT: dict[tuple[str, str], str] = {
    ("cli", "*"): "the command line is where clock and environment come in",
    ("cli_*", "*"): "the same",
    ("nightly", "datetime.datetime.now"): "the job reads the clock once and passes it on",
    ("serving_tls", "socket.*"): "an option of a connection that is there; none is opened",
    ("solver.solve", "time.perf_counter"): "limits are elapsed seconds, and a plan says its own",
    ("solver.coupling_capped", "time.perf_counter"): "limits are elapsed seconds",
    ("store_connect", "os.getpid"): "a pool of connections does not survive a fork",
    ("sending_feeds", "time.monotonic"): "a limit is elapsed seconds; tests give their own clock",
    ("vault", "secrets.token_bytes"): "a key of pseudonyms must not be guessed",
}
"""(module, ambient name) that may be used, and why."""

MAX_LINES = 400
BANNED_NAMES = {"util", "utils", "helper", "helpers", "manager", "managers", "common", "misc"}


def _matches(module: str, patterns: tuple[str, ...]) -> bool:
    return any(fnmatchcase(module, pattern) for pattern in patterns)


def _room_of(module: str) -> Room | None:
    rooms = [room for room in ROOMS if _matches(module, room.modules)]
    return rooms[0] if len(rooms) == 1 else None


def floors(house: Sources) -> list[str]:
    """Lists modules without a floor and imports that point upwards or into a neighbouring room."""
    wrong = [f"{module} has no room, or two" for module in house if module and not _room_of(module)]
    for module, source in house.items():
        room = _room_of(module)
        if room is None:
            continue  # the root re-exports all floors and stands above them
        for name, line in imports(source, house):
            target = own(name)
            other = _room_of(target) if target else None
            if other is None:
                continue
            if other.floor > room.floor:
                wrong.append(f"{module}:{line} climbs to {target}")
            elif other.floor == room.floor == SEPARATE_FLOOR and other is not room:
                wrong.append(f"{module}:{line} crosses into {target}")
    return wrong


def doors(house: Sources) -> list[str]:
    """Lists third parties that come in elsewhere than through their door; a type opens none."""
    return [
        f"{module}:{line} opens {name}"
        for module, source in house.items()
        for name, line in imports(source, house, typing=False)
        if (top := name.partition(".")[0]) not in sys.stdlib_module_names
        and top != ROOT
        and not _matches(module, DOORS.get(top, ()))
    ]


def independent_check(house: Sources) -> list[str]:
    """Lists what the independent check knows beyond nouns and contract."""
    wrong = []
    for module, source in house.items():
        if not _matches(module, CHECKERS):
            continue
        for name, line in imports(source, house):
            target = own(name)
            stdlib = name.partition(".")[0] in sys.stdlib_module_names
            if not stdlib and (target is None or not _matches(target, CHECKERS_MAY_KNOW)):
                wrong.append(f"{module}:{line} knows {name}")
    return wrong


def roots(house: Sources) -> list[str]:
    """Lists imports of the package root from inside, and imports by the folder's own name."""
    aside = {"solver", "adapters", "fixtures"}
    return [
        f"{module}:{line} imports {name}"
        for module, source in house.items()
        for name, line in imports(source, house)
        if name == ROOT or name.partition(".")[0] in aside
    ]


def relatives(house: Sources) -> list[str]:
    """Lists relative imports."""
    return [
        f"{module}:{node.lineno} imports relatively"
        for module, source in house.items()
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.ImportFrom) and node.level
    ]


def cycles(house: Sources) -> list[str]:
    """Lists a cycle of imports, those inside functions included: opening late only hides one."""
    graph = {
        module: {
            target
            for name, _ in imports(source, house)
            if (target := own(name)) in house and target != module
        }
        for module, source in house.items()
        if module
    }
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as cycle:
        return [" -> ".join(cycle.args[1])]
    return []


def ambient(house: Sources) -> list[str]:
    """Lists uses of clock, randomness and environment that nobody exempted."""
    return [
        f"{module}:{line} uses {name}"
        for module, source in house.items()
        for name, line in ambient_uses(source)
        if not any(fnmatchcase(module, m) and fnmatchcase(name, n) for m, n in EXEMPT)
    ]


def sizes(house: Sources) -> list[str]:
    """Lists files past the size at which they are split."""
    return [
        f"{module} has {lines} lines"
        for module, source in house.items()
        if (lines := len(source.splitlines())) > MAX_LINES
    ]


def bad_names(house: Sources) -> list[str]:
    """Lists modules whose name says nothing."""
    return [
        f"{module} names nothing"
        for module in house
        if BANNED_NAMES.intersection(module.replace(".", "_").split("_"))
    ]


Wall = Callable[[Sources], list[str]]
WALLS: tuple[Wall, ...] = (
    floors, doors, independent_check, roots, relatives, cycles, ambient, sizes, bad_names,
)  # fmt: skip


@pytest.mark.parametrize("wall", WALLS, ids=lambda wall: wall.__name__)
def test_the_house_keeps_its(wall: Wall) -> None:
    assert wall(read_house()) == []


def test_the_house_is_read_whole() -> None:
    house = read_house()
    assert {"", "domain", "solver", "adapters", "fixtures", "migrations.versions"} <= house.keys()


def test_benchmarks_keep_size_and_names() -> None:
    files = (PROJECT / "benchmarks").rglob("*.py")
    benchmarks = {f"benchmarks.{file.stem}": file.read_text() for file in files}
    assert sizes(benchmarks) + bad_names(benchmarks) == []


def _small_house(**changes: str) -> Sources:
    modules = ("", "domain", "policy", "ports", "store", "solver", "solver.arcs", "solver.check",
               "adapters", "engine", "cli", "opening")  # fmt: skip
    named = {name.replace("__", "."): text for name, text in changes.items()}
    return {**dict.fromkeys(modules, ""), **named}


@pytest.mark.parametrize("wall", WALLS, ids=lambda wall: wall.__name__)
def test_a_sound_small_house_passes(wall: Wall) -> None:
    sound = _small_house(
        policy="from slotengine.domain import Value\nfrom datetime import datetime",
        engine="from slotengine import opening\nif TYPE_CHECKING:\n    import sqlalchemy",
        opening="def f():\n    import holidays",
        solver__check="import math\nfrom slotengine.problem import Plan",
        solver__arcs="import numpy as np\nrng = np.random.default_rng(7)",
        cli="import os, typer\nos.environ",
    )
    assert wall(sound) == []


@pytest.mark.parametrize(
    ("wall", "module", "source"),
    [
        (floors, "domain", "from slotengine.policy import Policy"),
        (floors, "store", "def f():\n    from slotengine.engine import Engine"),
        (floors, "solver__arcs", "import slotengine.store"),
        (floors, "adapters", "from slotengine.solver import rank"),
        (floors, "policy", "from slotengine import ports"),
        (floors, "newcomer", ""),
        (doors, "engine", "def f():\n    import scipy.sparse"),
        (doors, "engine", "from sqlalchemy.orm import Session"),
        (doors, "store", "import numpy"),
        (doors, "cli", "import pandas"),
        (doors, "policy", "if TYPE_CHECKING:\n    import math\nelse:\n    import apscheduler"),
        (independent_check, "solver__check", "from slotengine.solver.arcs import candidates"),
        (independent_check, "solver__check", "from slotengine.solver import arcs"),
        (independent_check, "solver__check", "import numpy"),
        (independent_check, "solver__check", "from slotengine.opening import is_open"),
        (roots, "engine", "import slotengine"),
        (roots, "engine", "from slotengine import Referral"),
        (roots, "engine", "from solver.arcs import candidates"),
        (relatives, "engine", "from .domain import Slot"),
        (relatives, "engine", "from . import domain"),
        (cycles, "domain", "def f():\n    from slotengine.policy import Policy"),
        (ambient, "engine", "from datetime import UTC, datetime\ndatetime.now(UTC)"),
        (ambient, "engine", "import datetime as dt\ndt.date.today()"),
        (ambient, "engine", "import time\nstarted = time.perf_counter()"),
        (ambient, "engine", "from time import monotonic as tick\ntick()"),
        (ambient, "engine", "import random\nrandom.shuffle([])"),
        (ambient, "engine", "import random\nrandom.Random()"),
        (ambient, "engine", "from uuid import uuid4"),
        (ambient, "engine", "import os\nos.environ['HOME']"),
        (ambient, "engine", "import secrets\nsecrets.token_hex()"),
        (ambient, "solver__arcs", "import numpy as np\nnp.random.rand()"),
        (ambient, "solver__arcs", "import numpy as np\nnp.random.default_rng()"),
        (sizes, "engine", "\n" * 401),
        (bad_names, "utils", ""),
        (bad_names, "adapters__date_helpers", ""),
        (bad_names, "slot_manager", ""),
    ],
)
def test_a_breach_is_refused(wall: Wall, module: str, source: str) -> None:
    sound = {"policy": "from slotengine.domain import Slot"}
    assert len(wall(_small_house(**{**sound, module: source}))) == 1


def test_a_file_of_exactly_the_size_is_allowed() -> None:
    assert sizes({"engine": "x = 1\n" * MAX_LINES}) == []


def test_every_exemption_says_why() -> None:
    assert all(EXEMPT.values())
