"""The intake's benchmark runs, counts what the database says, and fails when a record is lost."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from builders import NOW
from records import PARIS, VAULT
from sources import PROJECT

from slotengine.adapters import New, adapter_for

if TYPE_CHECKING:
    from sqlalchemy import URL

KEYS = {"case", "records", "seconds", "per_second", "peak_mib", "errors", "store", "ratio"}


@pytest.fixture(autouse=True)
def _from_the_root(monkeypatch: pytest.MonkeyPatch) -> None:
    """Benchmarks are not packaged: they run from the root of a checkout."""
    monkeypatch.syspath_prepend(PROJECT)


def _main(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, list[Any]]:
    from benchmarks import intake

    code = intake.main(["--json", *arguments])
    return code, [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_a_small_run_prints_a_line_a_store_and_format(
    postgres_server: "URL", capsys: pytest.CaptureFixture[str]
) -> None:
    url = postgres_server.set(database="postgres").render_as_string(hide_password=False)
    code, lines = _main(
        capsys, "--records", "30", "--batch", "20", "--cases", "csv", "--stores", "sqlite",
        "postgresql", "--postgres", url,
    )  # fmt: skip
    assert code == 0
    assert [(line["store"], line["case"]) for line in lines] == [
        ("sqlite", "csv"),
        ("postgresql", "csv"),
    ]
    for line in lines:
        assert line.keys() >= KEYS
        assert (line["records"], line["peer_records"], line["errors"]) == (30, 30, 0)
        assert line["seconds"] >= 0
        assert line["peak_mib"] > 0


@pytest.mark.parametrize("case", ["csv", "jsonl"])
def test_every_record_of_a_file_can_be_read(case: str, tmp_path: Path) -> None:
    from benchmarks.intake_records import written

    path = written(tmp_path, case, 1_200)
    adapter = adapter_for("pharmacy", territory="giennois", zone=PARIS, pseudonymiser=VAULT)
    with path.open("rb") as source:
        read = list(adapter.read(source, now=NOW))
    assert all(isinstance(one, New) for one in read)
    referrals = [one.referral for one in read if isinstance(one, New)]
    assert len({one.reference for one in referrals}) == 1_200
    # Of ten records nine patients: the tenth is the one before.
    assert len({one.patient.key for one in referrals}) == 1_080


def test_a_lost_record_is_an_error(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from benchmarks import intake

    one = intake.Run(records=10, seconds=1.0, cpu_s=1.0, peak_mib=1.0, errors=1)
    monkeypatch.setattr(intake, "_apart", lambda _: one)
    code, lines = _main(capsys, "--records", "10", "--cases", "csv")
    assert code == 1
    assert lines[0]["errors"] == 2
