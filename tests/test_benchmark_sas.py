"""The benchmark of the national platform's questions runs, over a real server, and counts."""

import json
from typing import TYPE_CHECKING

import pytest
from sources import PROJECT

if TYPE_CHECKING:
    from sqlalchemy import URL

CASES = ["one practitioner, 72 h", "25 practitioners, 72 h", "30,000 calls/h while booking"]


@pytest.fixture(autouse=True)
def _from_the_root(monkeypatch: pytest.MonkeyPatch) -> None:
    """Benchmarks are not packaged: they run from the root of a checkout."""
    monkeypatch.syspath_prepend(PROJECT)


@pytest.mark.parametrize("store", ["sqlite", "postgresql"])
def test_a_quick_run_prints_a_line_for_each_case(
    store: str, postgres_server: "URL", capsys: pytest.CaptureFixture[str]
) -> None:
    from benchmarks import sas

    url = postgres_server.set(database="postgres").render_as_string(hide_password=False)
    code = sas.main(["--json", "--quick", "--stores", store, "--postgres", url])
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert code == 0
    assert [line["case"] for line in lines] == CASES
    for line in lines:
        assert line.keys() >= {"case", "p50_ms", "p99_ms", "max_ms", "errors"}
        assert (line["errors"], line["double_bookings"]) == (0, 0)
        assert 0 < line["p50_ms"] <= line["p99_ms"] <= line["max_ms"]
    assert lines[1]["slots"] > lines[0]["slots"] > 0
    assert lines[2]["booked"] > 0
