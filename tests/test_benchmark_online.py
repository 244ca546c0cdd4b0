"""The online benchmark prints what it says it prints, and fails where it must."""

import json
from typing import Any

import pytest
from sources import PROJECT

KEYS = {
    "inhabitants", "load", "rate_error", "policy", "seeds", "pct_of_foresight",
    "unserved_by_priority", "wait_hours", "travel_minutes", "broken_promises", "decision_p99_ms",
    "calibration_points", "served",
}  # fmt: skip
SMALL = ("--inhabitants", "20000", "--days", "1", "--seeds", "2", "--processes", "1")
TWO = ("--policies", "first come, soonest;greedy best score")


@pytest.fixture(autouse=True)
def _from_the_root(monkeypatch: pytest.MonkeyPatch) -> None:
    """Benchmarks are not packaged: they run from the root of a checkout."""
    monkeypatch.syspath_prepend(PROJECT)


def _main(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, list[Any]]:
    from benchmarks import online

    code = online.main(["--json", *SMALL, *TWO, *arguments])
    return code, [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_one_line_a_policy_with_foresight_last(capsys: pytest.CaptureFixture[str]) -> None:
    code, lines = _main(capsys, "--quick")
    assert code == 0
    policies = ["first come, soonest", "greedy best score", "perfect foresight"]
    assert [line["policy"] for line in lines] == policies
    for line in lines:
        assert line.keys() >= KEYS
        assert (line["inhabitants"], line["load"], line["seeds"]) == (20_000, 1.0, 2)
        assert 0 < line["pct_worst"] <= line["pct_of_foresight"] <= 100
        assert list(line["unserved_by_priority"]) == ["stat", "asap", "urgent", "routine"]
        assert line["violations"] == line["broken_promises"] == 0
    assert lines[-1]["decision_p99_ms"] is None
    assert lines[0]["decision_p99_ms"] > 0


def test_all_loads_and_then_the_wrong_forecasts(capsys: pytest.CaptureFixture[str]) -> None:
    _, lines = _main(capsys, "--loads", "0.7,1.0", "--seeds", "1")
    cases = [(one["load"], one["rate_error"], one["mix_error"]) for one in lines[::3]]
    assert cases == [(0.7, 0, 0), (1.0, 0, 0), (1.0, -0.3, 0), (1.0, 0.3, 0), (1.0, 0, 0.5)]


def test_seed_from_draws_other_days(capsys: pytest.CaptureFixture[str]) -> None:
    def shares(*arguments: str) -> list[float]:
        return [one["pct_of_foresight"] for one in _main(capsys, "--quick", *arguments)[1]]

    assert shares() == shares("--seed-from", "0") != shares("--seed-from", "100")


def test_a_broken_promise_or_a_violation_fails_the_run(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from benchmarks import online

    whole = online.replayed

    def broken(*arguments: Any) -> Any:
        return {name: one._replace(violations=1) for name, one in whole(*arguments).items()}

    monkeypatch.setattr(online, "replayed", broken)
    code, lines = _main(capsys, "--quick")
    assert code == 1
    assert lines[0]["violations"] == 2


def test_the_table_has_a_row_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    from benchmarks import online

    assert online.main(["--quick", *SMALL, *TWO]) == 0
    rows = capsys.readouterr().out.splitlines()
    assert len(rows) == 2 + 3
    assert "greedy best score" in rows[3]


@pytest.mark.parametrize("wrong", [("--policies", "lottery"), ("--seeds", "0")])
def test_what_is_asked_wrongly_is_refused(
    wrong: tuple[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    from benchmarks import online

    with pytest.raises(SystemExit):
        online.main([*wrong])
    assert wrong[0] in capsys.readouterr().err
