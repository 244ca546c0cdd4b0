"""What a user installs: the wheel, in a fresh environment, from another folder."""

import json
import os
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import tomllib
import zipfile
from pathlib import Path

import pytest
from sources import PROJECT, ROOT

PYPROJECT = tomllib.loads((PROJECT / "pyproject.toml").read_text())
SETUPTOOLS = PYPROJECT["tool"]["setuptools"]
FOLDERS = {package: PROJECT / folder for package, folder in SETUPTOOLS["package-dir"].items()}
SHIPPED_BESIDE = ("pyproject.toml", "README.md", "LICENSE")

# One worker builds once for all tests of this file.
pytestmark = pytest.mark.xdist_group("packaging")

CONSUMER = """
from datetime import UTC, datetime

from slotengine import Engine, Limits, Location, Plan, Policy, Problem, Reason, Referral
from slotengine import SlotEngineError, TimeWindow, Violation
from slotengine.solver.check import check
from slotengine.solver.solve import solve

NOW = datetime(2026, 11, 23, 8, tzinfo=UTC)


def plan_and_check(problem: Problem) -> list[Violation]:
    plan: Plan = solve(problem, limits=Limits(seconds=5), seed=0)
    return check(problem, plan)


def first_reason(engine: Engine, referral: Referral) -> str:
    try:
        reasons: tuple[Reason, ...] = engine.place(referral, now=NOW).reasons
    except SlotEngineError as refused:
        return str(refused)
    return reasons[0].text()


def tomorrow() -> TimeWindow:
    return TimeWindow(start=NOW, end=NOW.replace(day=24))


ORVAULT = Location(lat=47.27, lon=-1.62, insee="44114")
POLICY = Policy(territory="giennois")
"""

MISTAKEN = """
from slotengine import Engine, Refferal


def wrong(engine: Engine) -> int:
    return engine.territories()


wrong("sqlite://")
"""
EXPECTED_MISTAKES = (
    ("2", "attr-defined"),
    ("6", "return-value"),
    ("9", "arg-type"),
)

IMPORT_EVERYTHING = """
import importlib, pkgutil, sys, warnings
warnings.simplefilter("error")
import slotengine
for module in pkgutil.walk_packages(slotengine.__path__, "slotengine."):
    # Alembic runs these two itself, with a context that an import does not have.
    if not module.name.startswith("slotengine.migrations.") and "__main__" not in module.name:
        importlib.import_module(module.name)
from slotengine import *
print(slotengine.__file__)
"""


def _run(*command: str | Path, cwd: Path) -> str:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    done = subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env=clean,
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, f"{command} failed:\n{done.stdout}\n{done.stderr}"
    return done.stdout


def _shipped_files() -> set[str]:
    """Gives every file on disk that belongs in the wheel, as its path there."""
    return {
        f"{package.replace('.', '/')}/{file.relative_to(folder).as_posix()}"
        for package, folder in FOLDERS.items()
        for file in folder.rglob("*")
        if file.is_file() and "__pycache__" not in file.parts
    }


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Builds sdist and, from it, the wheel, from a copy: a stale build/ can't leak in."""
    tree = tmp_path_factory.mktemp("tree")
    for folder in {path.relative_to(PROJECT).parts[0] for path in FOLDERS.values()}:
        shutil.copytree(
            PROJECT / folder, tree / folder, ignore=shutil.ignore_patterns("__pycache__")
        )
    for name in SHIPPED_BESIDE:
        shutil.copy(PROJECT / name, tree / name)
    dist = tmp_path_factory.mktemp("dist")
    # From another folder: in a tree with a build/ folder, `-m build` could mean that one.
    _run(sys.executable, "-m", "build", "--outdir", dist, tree, cwd=dist)
    return next(dist.glob("*.whl")), next(dist.glob("*.tar.gz"))


@pytest.fixture(scope="module")
def fresh_venv(built: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Installs the wheel alone in a new environment and gives its python."""
    venv = tmp_path_factory.mktemp("venv")
    _run(sys.executable, "-m", "venv", "--without-pip", venv, cwd=venv)
    python = venv / "bin" / "python"
    _run(
        sys.executable, "-m", "pip", "--python", python, "install", "--quiet", "--no-deps",
        "--no-index", built[0], cwd=venv,
    )  # fmt: skip
    # The dependencies are lent from this environment: installing them again proves nothing. A
    # .pth adds the folder only, not the editable install that this environment itself holds.
    purelib = _run(
        python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))", cwd=venv
    ).strip()
    (Path(purelib) / "lent.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return python


def test_the_list_of_packages_equals_the_disk() -> None:
    on_disk = set()
    for package in (ROOT, *(name for name in FOLDERS if name != ROOT)):
        for init in FOLDERS[package].rglob("__init__.py"):
            inner = init.parent.relative_to(FOLDERS[package]).parts
            on_disk.add(".".join((package, *inner)))
    assert sorted(SETUPTOOLS["packages"]) == sorted(on_disk)


def test_every_folder_with_code_is_a_package() -> None:
    without = {
        file.parent
        for folder in FOLDERS.values()
        for file in folder.rglob("*.py")
        if not (file.parent / "__init__.py").exists()
    }
    assert without == set()


def test_the_only_top_level_of_the_wheel_is_slotengine(built: tuple[Path, Path]) -> None:
    version = PYPROJECT["project"]["version"]
    with zipfile.ZipFile(built[0]) as wheel:
        tops = {name.partition("/")[0] for name in wheel.namelist()}
    assert tops == {"slotengine", f"slotengine-{version}.dist-info"}


def test_the_wheel_holds_every_file_of_the_packages(built: tuple[Path, Path]) -> None:
    with zipfile.ZipFile(built[0]) as wheel:
        inside = set(wheel.namelist())
    assert _shipped_files() - inside == set()
    assert "slotengine/py.typed" in inside


def test_the_sdist_holds_every_file_of_the_packages(built: tuple[Path, Path]) -> None:
    with tarfile.open(built[1]) as sdist:
        inside = {name.partition("/")[2] for name in sdist.getnames()}
    beside = {
        file.relative_to(PROJECT).as_posix()
        for folder in FOLDERS.values()
        for file in folder.rglob("*")
        if file.is_file() and "__pycache__" not in file.parts
    }
    assert (beside | set(SHIPPED_BESIDE)) - inside == set()


def test_every_module_imports_from_the_wheel(fresh_venv: Path, tmp_path: Path) -> None:
    origin = _run(fresh_venv, "-I", "-c", IMPORT_EVERYTHING, cwd=tmp_path).strip()
    assert Path(origin).is_relative_to(fresh_venv.parents[1])


def test_the_demo_runs_from_the_wheel(fresh_venv: Path, tmp_path: Path) -> None:
    """Fixture data, migrations and entry point are all in the wheel, or this would fail."""
    command = (fresh_venv.parent / "slotengine", "demo", "--json", "--territory", "giennois")
    figures = json.loads(_run(*command, cwd=tmp_path))
    assert figures["territory"] == "giennois"
    assert figures["proved"] is True
    assert figures["violations"] == 0


def test_a_strict_consumer_is_type_checked_against_the_wheel(
    fresh_venv: Path, tmp_path: Path
) -> None:
    (tmp_path / "consumer.py").write_text(CONSUMER)
    (tmp_path / "mistaken.py").write_text(MISTAKEN)
    command = (sys.executable, "-m", "mypy", "--strict", "--config-file=", "--no-error-summary",
               "--python-executable", str(fresh_venv), "consumer.py", "mistaken.py")  # fmt: skip
    done = subprocess.run(command, cwd=tmp_path, check=False, capture_output=True, text=True)
    errors = [line for line in done.stdout.splitlines() if ": error: " in line]
    found = tuple((line.split(":")[1], line.rsplit("[", 1)[1].rstrip("]")) for line in errors)
    assert all(line.startswith("mistaken.py:") for line in errors), done.stdout
    assert found == EXPECTED_MISTAKES, done.stdout + done.stderr
