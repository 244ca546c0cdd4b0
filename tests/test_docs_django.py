"""The Django files of the documentation, run in a Django project on both databases."""

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from docs_support.blocks import files_of
from sources import PROJECT

HOST = PROJECT / "tests" / "docs_django"


@pytest.fixture
def report(tmp_path: Path, store_url: str) -> dict[str, Any]:
    """What a Django process found; any warning there is an error."""
    project = tmp_path / "host"
    shutil.copytree(HOST, project, ignore=shutil.ignore_patterns("__pycache__"))
    shown = files_of("docs/hosts.md") | files_of("README.md")
    for name in ("clinic/on_django.py", "clinic/views.py"):
        (project / name).write_text(shown[name], encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-W", "error", "drive.py", store_url],
        cwd=project,
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_a_booking_lives_and_dies_with_djangos_transaction(report: dict[str, Any]) -> None:
    nothing = {"visits": 0, "bookings": 0, "referrals": 0}
    assert report["tried_and_undone"] == nothing
    assert report["host_failed"] == nothing, "an exception in the block takes both rows"
    assert report["inner_failed"] == {**nothing, "visits": 1}, "the outer block keeps its own row"
    assert report["state"] == "held"
    assert report["placed"] == {"visits": 2, "bookings": 1, "referrals": 1}
    assert report["lost"] == "it is taken or no longer fits"
    assert report["after_race"] == {"visits": 3, "bookings": 2, "referrals": 3}
    assert report["outside"] == "open transaction.atomic() first: there is nothing to roll back"
    assert report["same_instant"]
    assert report["django_instant"]
    assert report["regex"] == 3
