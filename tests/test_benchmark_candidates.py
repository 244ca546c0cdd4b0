"""Listing candidates beside peers runs, agrees with them, and fails when pairs differ."""

import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from sources import PROJECT

if TYPE_CHECKING:
    from benchmarks.candidate_peers import Ints, Question

KEYS = {"case", "ours_s", "peer", "peer_s", "ratio", "arcs", "same", "peak_mb"}
NAMES = ["double loop", "pandas cross join", "scipy cKDTree"]


@pytest.fixture(autouse=True)
def _from_the_root(monkeypatch: pytest.MonkeyPatch) -> None:
    """Benchmarks are not packaged: they run from the root of a checkout."""
    monkeypatch.syspath_prepend(PROJECT)


def _question() -> "Question":
    """
    Two homes on one meridian, three slots of two professions; roads are straight lines.

    One degree of latitude is 111,195.08 m. By hand: home 0 (limit 111,195 m, profession 1) reaches
    slot 0, one degree away, as its whole metres are the limit; slot 1 has another profession, slot
    2 lies two degrees away. Home 1 (limit 111,194 m, both professions), a degree away, lies a metre
    too far from slot 0, at slot 1 itself, and a degree from slot 2.
    """
    from benchmarks.candidate_peers import Question
    from slotengine.policy import Detour

    return Question(
        home_lat=np.array([0.0, 2.0]),
        home_lon=np.array([5.0, 5.0]),
        limit_metres=np.array([111_195, 111_194]),
        wanted=np.array([1, 3]),
        slot_lat=np.array([1.0, 2.0, -2.0]),
        slot_lon=np.array([5.0, 5.0, 5.0]),
        offered=np.array([1, 2, 1]),
        detour=Detour(base=1.0, extra=0.0),
    )


def _answer(name: str) -> "Ints":
    from benchmarks.candidate_peers import PEERS

    return {peer.name: peer for peer in PEERS}[name].answer(_question())


@pytest.mark.parametrize("name", NAMES[:2])
def test_peers_that_round_find_the_pairs_found_by_hand(name: str) -> None:
    if name.startswith("pandas"):
        pytest.importorskip("pandas")
    # Home 0 with slot 0, home 1 with slot 1: 0 * 3 + 0 and 1 * 3 + 1.
    assert _answer(name).tolist() == [0, 4]


def test_a_tree_leaves_out_what_rounding_brings_to_the_limit() -> None:
    from benchmarks.candidate_peers import road_metres

    assert _answer("scipy cKDTree").tolist() == [4]
    road = road_metres(_question(), np.array([0]))
    assert road == pytest.approx(111_195.08, abs=0.01)


def _main(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, list[Any]]:
    from benchmarks import candidates

    code = candidates.main(["--json", "--repetitions", "1", *arguments])
    return code, [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_a_small_run_prints_one_line_a_peer_and_all_find_the_same_pairs() -> None:
    command = (sys.executable, "-m", "benchmarks.candidates", "--json", "--sizes", "30")
    done = subprocess.run(command, cwd=PROJECT, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert [line["peer"] for line in lines] == [None, *NAMES]
    for line in lines:
        assert line.keys() >= KEYS
        assert line["case"] == "30x45"
        assert line["bytes_an_arc"] == 12
        assert line["peer"] is None or line["same"] is True or "not installed" in line["note"]
    assert 0 < lines[0]["arcs"] <= lines[1]["arcs"]


def _only(
    monkeypatch: pytest.MonkeyPatch, answer: Any, *, rounds: bool, most: int | None = None
) -> None:
    from benchmarks import candidates
    from benchmarks.candidate_peers import Peer

    monkeypatch.setattr(candidates, "PEERS", (Peer("p", "math", answer, most, rounds),))


@pytest.mark.parametrize("rounds", [True, False])
def test_other_pairs_than_ours_fail_the_run(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    rounds: bool,  # noqa: FBT001 - a parameter of the test, not of a verb
) -> None:
    _only(monkeypatch, lambda _: np.zeros(0, dtype=np.int64), rounds=rounds)
    code, lines = _main(capsys, "--sizes", "30")
    assert (code, lines[-1]["same"]) == (1, False)
    assert lines[-1]["note"].endswith("pairs differ")


@pytest.mark.parametrize(("rounds", "code"), [(True, 1), (False, 0)])
def test_pairs_at_the_limit_are_counted_and_excused_where_nothing_is_rounded(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    rounds: bool,  # noqa: FBT001 - a parameter of the test, not of a verb
    code: int,
) -> None:
    from benchmarks import candidates
    from benchmarks.candidate_peers import PEERS

    loop = PEERS[0].answer
    _only(monkeypatch, lambda question: loop(question)[1:], rounds=rounds)
    monkeypatch.setattr(candidates, "HALF_A_METRE", 1e9)
    found, lines = _main(capsys, "--sizes", "30")
    assert (found, lines[-1]["at_limit"]) == (code, 1)


def test_a_peer_is_skipped_by_size_and_the_line_says_so(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    _only(monkeypatch, None, rounds=True, most=30 * 45 - 1)
    code, lines = _main(capsys, "--sizes", "30")
    assert (code, lines[-1]["peer_s"], lines[-1]["note"]) == (0, None, "skipped: 1,350 pairs")


def test_a_peer_that_is_not_installed_is_skipped(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from benchmarks import candidates
    from benchmarks.candidate_peers import Peer

    missing = Peer("p", "no_such_module", lambda _: np.zeros(0, dtype=np.int64), None, rounds=True)
    monkeypatch.setattr(candidates, "PEERS", (missing,))
    code, lines = _main(capsys, "--sizes", "30")
    assert (code, lines[-1]["note"]) == (0, "skipped: not installed")


def test_without_json_people_get_a_table(capsys: pytest.CaptureFixture[str]) -> None:
    from benchmarks import candidates

    assert candidates.main(["--sizes", "30", "--repetitions", "1"]) == 0
    shown = capsys.readouterr().out.splitlines()
    assert shown[0].startswith("Python ")
    assert shown[1].split()[:2] == ["case", "peer"]
    assert shown[2].startswith("30x45")


@pytest.mark.parametrize("sizes", ["3", "x"])
def test_sizes_that_can_not_be_run_are_refused(
    sizes: str, capsys: pytest.CaptureFixture[str]
) -> None:
    from benchmarks import candidates

    with pytest.raises(SystemExit) as refused:
        candidates.main(["--sizes", sizes])
    assert refused.value.code == 2
    assert "--sizes" in capsys.readouterr().err
