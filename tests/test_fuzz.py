"""The fuzzing script itself, on a few inputs; ``make fuzz`` runs it for longer."""

import os
import subprocess
import sys
from pathlib import Path
from random import Random
from typing import Any

import pytest
from fuzz import running
from fuzz.corpus import seeds
from fuzz.mutations import MAX_BYTES, changed
from fuzz.running import made, tried
from fuzz.targets import TARGETS
from hypothesis import given, settings
from hypothesis import strategies as st
from sources import PROJECT

from slotengine.adapters.agenda_formats import readers
from slotengine.adapters.registry import formats

INPUTS = 12
"""Inputs of each reader beyond its payloads."""


@pytest.fixture(autouse=True)
def _ours_only(monkeypatch: pytest.MonkeyPatch) -> None:
    # The official payloads have tests of their own.
    monkeypatch.delenv("SLOTENGINE_SHARED", raising=False)


def script(*words: str) -> Any:
    return subprocess.run(
        [sys.executable, str(PROJECT / "tests" / "fuzz"), *words],
        capture_output=True,
        encoding="utf-8",
        timeout=300,
        check=False,
        env={name: text for name, text in os.environ.items() if name != "SLOTENGINE_SHARED"},
    )


def test_every_reader_is_fuzzed() -> None:
    assert set(formats()) <= set(TARGETS)
    agendas = {f"agenda-{name}" for name in readers()} - {"agenda-directory"}
    assert agendas <= set(TARGETS)
    assert all(seeds(target) for target in TARGETS)


@pytest.mark.parametrize("target", sorted(TARGETS))
def test_bent_payloads_break_nothing(target: str) -> None:
    start = seeds(target)
    for number in range(len(start) + INPUTS):
        TARGETS[target].read(made(target, 0, number, start))


@pytest.mark.parametrize("target", sorted(TARGETS))
@settings(deadline=None, derandomize=True, max_examples=15)
@given(data=st.binary(max_size=200))
def test_arbitrary_bytes_break_nothing(target: str, data: bytes) -> None:
    TARGETS[target].read(data)


def test_the_same_seed_gives_the_same_inputs() -> None:
    start = seeds("fhir")
    once = [made("fhir", 7, number, start) for number in range(40)]
    assert once == [made("fhir", 7, number, seeds("fhir")) for number in range(40)]
    assert once[: len(start)] == start
    assert once != [made("fhir", 8, number, start) for number in range(40)]


@pytest.mark.parametrize("target", ["csv", "fhir", "hl7v2", "xlsx"])
def test_inputs_differ_and_stay_small(target: str) -> None:
    start = seeds(target)
    inputs = [changed(start[0], Random(n), start) for n in range(30)]  # noqa: S311 - seeded
    assert len(set(inputs)) > 20
    assert max(map(len, inputs)) <= MAX_BYTES


def test_the_script_runs_and_leaves_nothing_where_nothing_breaks(tmp_path: Path) -> None:
    done = script("--inputs", "3", "--target", "csv", "--crashes", str(tmp_path))
    assert (done.returncode, done.stdout) == (0, "csv: 3 inputs, 0 broke something\n")
    assert list(tmp_path.iterdir()) == []


BREAKS = """
import sys
sys.path.insert(0, {tests!r})
from pathlib import Path
from fuzz import running, targets
running.CPU_SECONDS = 0.3
def read(data):
{body}
targets.TARGETS["csv"] = targets.Target(read, targets.TABLES)
sys.exit(running.work(running.Job("csv", 0, 0, 2, Path({crashes!r}))))
"""


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("    raise KeyError('x')", "KeyError"),
        ("    sys.exit(3)", "SystemExit"),
        ("    while True: pass", "TooSlowError"),
        ("    bytearray(8 * 1024**3)", "MemoryError"),
    ],
)
def test_what_breaks_is_kept_with_its_input(tmp_path: Path, body: str, said: str) -> None:
    code = BREAKS.format(tests=str(PROJECT / "tests"), body=body, crashes=str(tmp_path))
    done = subprocess.run([sys.executable, "-c", code], timeout=120, check=False)
    assert done.returncode == 2
    assert sorted(file.name for file in tmp_path.iterdir()) == [
        "csv-0-0.bin", "csv-0-0.txt", "csv-0-1.bin", "csv-0-1.txt"
    ]  # fmt: skip
    assert said in (tmp_path / "csv-0-0.txt").read_text()
    assert (tmp_path / "csv-0-0.bin").read_bytes() == seeds("csv")[0]


def test_a_process_that_dies_leaves_what_it_died_of(tmp_path: Path) -> None:
    body = "    import os; os.abort()"
    code = BREAKS.format(tests=str(PROJECT / "tests"), body=body, crashes=str(tmp_path))
    done = subprocess.run([sys.executable, "-c", code], timeout=120, check=False, stderr=-3)
    assert done.returncode < 0
    assert (tmp_path / "csv-0-current.bin").read_bytes() == seeds("csv")[0]


def test_one_input_is_read_again_by_whoever_its_name_says(tmp_path: Path) -> None:
    file = tmp_path / "agenda-csv-0-7.bin"
    file.write_bytes(b"nothing that an agenda says")
    done = script("--again", str(file))
    assert (done.returncode, done.stdout) == (0, "nothing breaks\n")


def test_a_finding_is_told_with_its_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    def read(_: bytes) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(running, "TARGETS", {"csv": type(TARGETS["csv"])(read, ())})
    assert "ZeroDivisionError" in (tried("csv", b"") or "")


def test_make_fuzz_says_how_long() -> None:
    text = (PROJECT / "Makefile").read_text()
    assert "FUZZ_SECONDS ?= 60" in text
    assert "tests/fuzz --seconds $(FUZZ_SECONDS) --seed $(FUZZ_SEED)" in text
