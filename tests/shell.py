"""The command line as a person uses it, and files of referrals to hand it."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

MORNING = "2026-11-24T09:00:00+01:00"
EVENING = "2026-11-24T19:30:00+01:00"


class Shell:
    """Runs ``slotengine`` as a person would: a process of its own, one database file."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.url = f"sqlite:///{folder / 'cli.sqlite'}"

    def run(self, *words: str, lang: str = "fr_FR.UTF-8", db: bool = True) -> Any:
        command = [sys.executable, "-W", "error", "-c", "from slotengine.cli import main; main()"]
        place = ["--db", self.url] if db else []
        return subprocess.run(
            [*command, *words, *place],
            capture_output=True,
            encoding="utf-8",
            timeout=120,
            check=False,
            env={
                **os.environ,
                "LC_ALL": lang,
                "XDG_DATA_HOME": str(self.folder / "data"),
                "COLUMNS": "200",
                "PYTHONWARNINGS": "",
            },
        )

    def json(self, *words: str) -> Any:
        done = self.run(*words, "--json")
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)


def record(reference: str, **changes: Any) -> dict[str, Any]:
    return {
        "reference": reference,
        "patient_id": f"invented-{reference}",
        "age": 41,
        "insee": "36046",
        "priority": "urgent",
        "profession": "10",
        "received_at": MORNING,
        **changes,
    }


def intake(shell: Shell, records: list[dict[str, Any]], *words: str, now: str = MORNING) -> Any:
    file = shell.folder / "referrals.json"
    file.write_text(json.dumps(records), encoding="utf-8")
    place = ("--territory", "pays-de-la-chatre", "--now", now)
    return shell.run("intake", "pharmacy", str(file), *place, *words)


def evening(reference: str) -> dict[str, Any]:
    """A record of the evening, when most of the next day's seats are neither past nor kept."""
    return record(reference, received_at=EVENING)
