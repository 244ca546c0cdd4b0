"""A format of another package: installed as a real distribution, used without a line of ours."""

import base64
import hashlib
import json
import os
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import pytest
from docs_support.blocks import blocks
from shell import MORNING

from slotengine.adapters import registry
from slotengine.cli_options import EXIT_REJECTED
from slotengine.errors import ReferralFormatError

CODE = next(block.text for block in blocks("docs/adapters.md") if block.language == "python")
MAX_EXAMPLE_LINES = 40
REQUESTS = """MRS1
no=1~nom=Nominventé~prenom=Ann-Exemple~ne=1931-03-28~finess=450000955~commune=36046
no=2~nom=Nominventé~prenom=Bob-Exemple~ne=1931-02-31~finess=450000955~commune=36046

no=3~nom=Nominventé~prenom=Cyd-Exemple~ne=1940-05-01~finess=450000955~commune=36046
"""
ENTRY_POINTS = """[slotengine.adapters]
mrs = mrs_for_slotengine:MrsFormat
csv = mrs_for_slotengine:MrsFormat
torn = torn_for_slotengine:TornFormat
hollow = mrs_for_slotengine:FIELDS
"""


def wheel(folder: Path) -> Path:
    """Builds a wheel by hand, as a build tool would: modules, metadata, record."""
    about = "mrs_for_slotengine-1.0.dist-info"
    files = {
        "mrs_for_slotengine.py": CODE,
        "torn_for_slotengine.py": 'raise RuntimeError("secret of a patient")\n',
        f"{about}/METADATA": "Metadata-Version: 2.1\nName: mrs-for-slotengine\nVersion: 1.0\n",
        f"{about}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{about}/entry_points.txt": ENTRY_POINTS,
    }
    made = folder / "mrs_for_slotengine-1.0-py3-none-any.whl"
    record = ""
    with zipfile.ZipFile(made, "w") as zipped:
        for name, text in files.items():
            zipped.writestr(name, text)
            digest = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest())
            record += f"{name},sha256={digest.decode().rstrip('=')},{len(text.encode())}\n"
        zipped.writestr(f"{about}/RECORD", f"{record}{about}/RECORD,,\n")
    return made


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder into which the package of the example is installed."""
    folder = tmp_path_factory.mktemp("guest")
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "install", "--quiet"]
    where = ["--no-index", "--no-deps", "--target", str(folder / "site")]
    subprocess.run([*pip, *where, str(wheel(folder))], check=True, timeout=120)
    return folder / "site"


def run(site: Path, folder: Path, *words: str, said: str = "") -> Any:
    code = f"{said}\nfrom slotengine.cli import main; main()"
    command = [sys.executable, "-W", "error", "-c", code, *words]
    known = os.pathsep.join(filter(None, [str(site), os.environ.get("PYTHONPATH")]))
    return subprocess.run(
        [*command, "--db", f"sqlite:///{folder / 'cli.sqlite'}"],
        capture_output=True,
        encoding="utf-8",
        timeout=120,
        check=False,
        env={**os.environ, "PYTHONPATH": known, "XDG_DATA_HOME": str(folder), "LC_ALL": "C.UTF-8"},
    )


def test_the_example_is_as_short_as_the_page_says() -> None:
    assert len(CODE.splitlines()) <= MAX_EXAMPLE_LINES


@pytest.mark.parametrize("named", [True, False])
def test_an_installed_format_is_taken_in_from_the_command_line(
    site: Path,
    tmp_path: Path,
    named: bool,  # noqa: FBT001 - a parameter
) -> None:
    done = run(site, tmp_path, "load", "pays-de-la-chatre", "--now", MORNING, "--json")
    assert done.returncode == 0, done.stderr
    file = tmp_path / "requests.txt"
    file.write_text(REQUESTS, encoding="utf-8")
    words = ["intake", "ehpad", str(file), "--territory", "pays-de-la-chatre", "--now", MORNING]
    words += ["--json", "--rejects", str(tmp_path / "rejects"), "--lang", "en"]
    words += ["--format", "mrs"] if named else []
    listens = "import logging; logging.basicConfig(level=logging.INFO)"
    done = run(site, tmp_path, *words, said=listens)
    told = json.loads(done.stdout)
    assert done.returncode == EXIT_REJECTED, done.stderr
    assert (told["received"], len(told["rejected"])) == (2, 1)
    mended = next((tmp_path / "rejects").glob("*.mrs"))
    assert mended.read_text(encoding="utf-8").splitlines() == ["MRS1", REQUESTS.splitlines()[2]]
    # The broken guests are named, and what broke in them is not told.
    assert "adapter torn can't be loaded" in done.stderr
    assert "adapter hollow can't be loaded" in done.stderr
    assert "secret of a patient" not in done.stderr
    assert "Nominvent" not in done.stdout + done.stderr


class Guest:
    name = suffix = "guest"

    def claims(self, head: bytes) -> bool:
        return head.startswith(b"GUEST")

    def read(self, *_: object, **__: object) -> Iterator[Any]:
        return iter(())

    def joined(self, *_: object, **__: object) -> bytes:
        return b""


class Greedy(Guest):
    name = "greedy"

    def claims(self, head: bytes) -> bool:
        raise LookupError(head)


def with_guests(monkeypatch: pytest.MonkeyPatch, **guests: type) -> None:
    def entry_points(*, group: str) -> list[EntryPoint]:
        assert group == "slotengine.adapters"
        return [
            EntryPoint(name, f"test_plugin:{one.__name__}", group) for name, one in guests.items()
        ]

    monkeypatch.setattr(registry, "entry_points", entry_points)
    registry.formats.cache_clear()


@pytest.fixture(autouse=True)
def _fresh() -> Iterator[None]:
    yield
    registry.formats.cache_clear()


def test_a_guest_is_asked_first_and_takes_no_name_of_ours(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with_guests(monkeypatch, guest=Guest, json=Guest)
    assert next(iter(registry.formats())) == "guest"
    assert type(registry.format_named("json")).__name__ == "JsonFormat"
    assert "adapter json has the name of one of ours" in caplog.text
    found = registry.format_claiming(b"GUEST")
    assert found is not None
    assert found.name == "guest"


def test_a_guest_that_fails_while_it_is_asked_claims_nothing(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with_guests(monkeypatch, greedy=Greedy)
    found = registry.format_claiming(b'{"reference": "Nominvente"}')
    assert found is not None
    assert found.name == "json"
    assert "adapter greedy can't tell what it reads" in caplog.text
    assert "Nominvente" not in caplog.text
    assert "LookupError" not in caplog.text


def test_what_is_no_format_is_left_out(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with_guests(monkeypatch, hollow=dict, guest=Guest)
    assert "hollow" not in registry.formats()
    assert "guest" in registry.formats()
    assert "adapter hollow can't be loaded" in caplog.text


def test_a_guest_whose_own_name_is_another_is_left_out(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    # Its faults would bear the name of a format that --format does not know, or of one of ours.
    with_guests(monkeypatch, visitor=Guest)
    assert "visitor" not in registry.formats()
    assert "adapter visitor can't be loaded" in caplog.text


def test_the_example_refuses_what_is_not_its_own() -> None:
    names: dict[str, Any] = {}
    exec(CODE, names)  # noqa: S102 - the project's own documentation
    format_ = names["MrsFormat"]()
    assert not format_.claims(b"reference;age\n")
    with pytest.raises(ReferralFormatError) as refused:
        list(format_.read([b"MRS2\n"], door=None, adapter="ehpad/mrs", now=None))
    assert (refused.value.field, refused.value.kind) == ("payload", "unknown_format")
