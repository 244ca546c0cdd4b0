"""The benchmarks run, agree with their peers, and do not pass when somebody is wrong."""

import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from sources import PROJECT

if TYPE_CHECKING:
    from benchmarks.peers import Answer, Peer
    from benchmarks.tasks import Task

KEYS = {
    "case", "ours_s", "peer", "peer_s", "ratio", "objective", "bound", "proved", "peak_mb",
    "certificate_pass_s",
}  # fmt: skip
PEER_NAMES = [
    "scipy-sparse", "scipy-dense", "ortools-flow", "ortools-lsa", "glop", "highs-lp", "networkx",
    "cp-sat",
]  # fmt: skip
LIMIT_S = 10.0


@pytest.fixture(autouse=True)
def _from_the_root(monkeypatch: pytest.MonkeyPatch) -> None:
    """Benchmarks are not packaged: they run from the root of a checkout."""
    monkeypatch.syspath_prepend(PROJECT)


def _task() -> "Task":
    """
    Three rows, two seats. Row 0 (level 1a) and row 1 (1d) want both seats, row 2 (1d) only seat 0.

    By hand: row 0 must be served, and one of the others can be. Row 2 on seat 0 and row 0 on seat 1
    cost 1 + 9 = 10; rows 0 and 1 cost at least 2 + 5 = 7, on seats 0 and 1. So the optimum leaves
    row 2 alone: (1 of 1d, 7).
    """
    from benchmarks.tasks import Task

    return Task(
        row=np.array([0, 0, 1, 1, 2], dtype=np.int32),
        col=np.array([0, 1, 0, 1, 0], dtype=np.int32),
        cost=np.array([2, 9, 8, 5, 1], dtype=np.int64),
        unserved=np.array([800, 100, 100], dtype=np.int64),
        level=np.array([1, 4, 4], dtype=np.int64),
        rows=3,
        cols=2,
    )


OPTIMUM = (0, 0, 0, 1, 7)


def _main(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, list[Any]]:
    from benchmarks import batch

    code = batch.main(["--json", "--repetitions", "1", "--check-up-to", "0", *arguments])
    return code, [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def _only(monkeypatch: pytest.MonkeyPatch, peer: "Peer") -> None:
    from benchmarks import batch

    monkeypatch.setattr(batch, "PEERS", (peer,))


def test_a_small_run_prints_one_line_a_peer_and_all_reach_the_same_optimum() -> None:
    command = (sys.executable, "-m", "benchmarks.batch", "--json", "--sizes", "30")
    done = subprocess.run(command, cwd=PROJECT, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert [line["peer"] for line in lines] == [None, *PEER_NAMES]
    for line in lines:
        assert line.keys() >= KEYS
        assert line["case"] == "30x45"
        assert line["proved"]
        assert line["objective"] == line["bound"]
    whole, *against = lines
    assert (whole["check_s"] > 0, whole["violations"]) == (True, 0)
    for line in against:
        assert line["same_optimum"] is True
        assert line["peer_objective"] == line["objective"] == whole["objective"][1:6]
        assert line["ratio"] == line["peer_s"] / line["ours_s"]
        assert line["ratio_is"] == "measured"


@pytest.mark.parametrize("name", PEER_NAMES)
def test_every_peer_finds_the_optimum_found_by_hand(name: str) -> None:
    from benchmarks.peers import PEERS
    from benchmarks.tasks import levels_of

    peer = {peer.name: peer for peer in PEERS}[name]
    answer = peer.solve(_task(), LIMIT_S)
    assert answer.ended
    assert answer.col_of_row is not None
    assert levels_of(_task(), answer.col_of_row) == OPTIMUM


def test_levels_count_the_unserved_by_class_and_add_up_the_costs() -> None:
    from benchmarks.tasks import levels_of, weighted_total

    nobody, two = np.array([-1, -1, -1]), np.array([1, -1, 0])
    assert levels_of(_task(), nobody) == (1, 0, 0, 2, 0)
    assert levels_of(_task(), two) == (0, 0, 0, 1, 10)
    assert weighted_total(_task(), two) == 110


@pytest.mark.parametrize(
    ("col_of_row", "why"),
    [([0, 0, -1], "used twice"), ([-1, -1, 1], "not allowed"), ([0, 2, -1], "not allowed")],
)
def test_an_answer_that_is_no_assignment_is_refused(col_of_row: list[int], why: str) -> None:
    from benchmarks.tasks import WrongAnswerError, levels_of

    with pytest.raises(WrongAnswerError, match=why):
        levels_of(_task(), np.array(col_of_row))


def test_the_certificate_pass_holds_on_the_edge_and_breaks_by_one() -> None:
    """These duals prove the optimum: they add up to its weighted sum, 2 + 5 + 100."""
    from benchmarks.tasks import reduced_costs_hold

    rows, cols = np.array([101, 98, 100]), np.array([-99, -93])
    assert rows.sum() + cols.sum() == 107
    # On the arcs: 2-101+99=0, 9-101+93=1, 8-98+99=9, 5-98+93=0, 1-100+99=0; alone: 100-100=0.
    assert reduced_costs_hold(_task(), rows, cols)
    assert not reduced_costs_hold(_task(), rows + np.array([1, 0, 0]), cols)  # an arc
    assert not reduced_costs_hold(_task(), rows + np.array([0, 0, 1]), cols - 1)  # staying alone
    assert not reduced_costs_hold(_task(), rows - 999, cols + np.array([100, 0]))  # a seat unused


@pytest.mark.parametrize(
    ("answer", "code", "same"),
    [
        ("nobody, it says optimal", 1, False),
        ("all on one seat, it says optimal", 1, False),
        ("nobody, limit hit", 0, None),
        ("none", 0, None),
    ],
)
def test_a_peer_that_claims_another_optimum_fails_the_run(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    answer: str,
    code: int,
    same: bool | None,  # noqa: FBT001 - a parameter of the test, not of a verb
) -> None:
    from benchmarks.peers import Answer, Peer

    def says(task: "Task", _: float) -> "Answer":
        seat = 0 if "one seat" in answer else -1
        said = np.full(task.rows, seat, dtype=np.int32)
        return Answer(None if answer == "none" else said, ended="optimal" in answer)

    _only(monkeypatch, Peer("liar", (), says))
    found, lines = _main(capsys, "--sizes", "30", "--peers", "liar")
    assert found == code
    assert lines[-1]["same_optimum"] is same
    assert lines[-1]["ratio_is"] == ("measured" if code else "lower bound")


def test_an_optimum_of_ours_that_a_peer_beats_fails_the_run(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Ours is made to claim one more unserved than it has, and a peer at its limit knows better."""
    from benchmarks import batch
    from benchmarks.peers import PEERS, Peer

    exact = PEERS[0].solve
    _only(monkeypatch, Peer("p", (), lambda task, limit: exact(task, limit)._replace(ended=False)))
    true_claim = batch.claim_of

    def overstated(*given: Any) -> Any:
        claim = true_claim(*given)
        return claim._replace(objective=(claim.objective[0] + 1, *claim.objective[1:]))

    monkeypatch.setattr(batch, "claim_of", overstated)
    code, lines = _main(capsys, "--sizes", "30", "--peers", "p")
    assert (code, lines[-1]["same_optimum"]) == (1, False)


def test_a_peer_is_skipped_by_size_and_the_line_says_so(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from benchmarks.peers import PEERS, Peer

    _only(monkeypatch, Peer("p", (), PEERS[0].solve, lambda task: f"skipped: {task.rows} rows"))
    code, lines = _main(capsys, "--sizes", "30", "--peers", "p")
    assert code == 0
    line = lines[-1]
    assert (line["peer_s"], line["ratio"], line["same_optimum"]) == (None, None, None)
    assert line["note"] == "skipped: 30 rows"


@pytest.mark.parametrize(
    ("name", "arcs", "cols"), [("networkx", 50_001, 1), ("scipy-dense", 1, 10_000)]
)
def test_peers_know_what_is_too_large_for_them(name: str, arcs: int, cols: int) -> None:
    from benchmarks.peers import PEERS
    from benchmarks.tasks import Task

    index, wide = np.zeros(arcs, dtype=np.int32), np.zeros(arcs, dtype=np.int64)
    large = Task(index, index, wide, wide, wide, rows=20_000, cols=cols)
    peer = {peer.name: peer for peer in PEERS}[name]
    assert peer.too_large(large).startswith("skipped:")
    assert peer.too_large(_task()) == ""


def test_without_json_people_get_a_table(capsys: pytest.CaptureFixture[str]) -> None:
    from benchmarks import batch

    arguments = ["--sizes", "30", "--repetitions", "1", "--peers", "scipy-sparse"]
    assert batch.main(arguments) == 0
    shown = capsys.readouterr().out.splitlines()
    assert shown[0].startswith("Python ")
    assert shown[1].split()[:2] == ["case", "peer"]
    assert shown[-1].split()[:2] == ["30x45", "scipy-sparse"]


@pytest.mark.parametrize("arguments", [("--sizes", "3"), ("--sizes", "x"), ("--peers", "nobody")])
def test_what_can_not_be_run_is_refused(
    arguments: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    from benchmarks import batch

    with pytest.raises(SystemExit) as refused:
        batch.main(list(arguments))
    assert refused.value.code == 2
    assert arguments[0] in capsys.readouterr().err


def test_a_territory_of_the_fixtures_is_a_case(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from slotengine import fixtures

    monkeypatch.setattr(fixtures, "NAMES", ("giennois",))
    code, lines = _main(capsys, "--territories", "--peers", "scipy-sparse")
    assert code == 0
    assert [line["case"] for line in lines] == ["giennois"] * 2
    assert lines[-1]["same_optimum"] is True


def test_a_drawn_problem_repeats_itself_and_has_three_seats_for_two_referrals() -> None:
    from benchmarks.territory import problem_of

    drawn = problem_of(30, seed=1)
    assert len(drawn.referrals) == 30
    assert len(drawn.free_seats) == 45
    assert problem_of(30, seed=1).digest == drawn.digest
    assert problem_of(30, seed=2).digest != drawn.digest


@pytest.mark.parametrize(
    ("budget_s", "order"), [(1e9, "opopopo"), (0.0, "opooo")], ids=["rich", "poor"]
)
def test_two_sides_take_turns_until_the_budget_is_spent(budget_s: float, order: str) -> None:
    from benchmarks.timing import side_by_side

    calls: list[str] = []
    ours, peer = side_by_side(
        lambda: calls.append("o"), lambda: calls.append("p"), repetitions=3, budget_s=budget_s
    )
    assert "".join(calls) == order
    assert (len(ours.seconds), len(peer.seconds)) == (order.count("o"), order.count("p"))


def test_the_most_memory_held_at_once_is_seen() -> None:
    from benchmarks.timing import peak_mb

    assert 8 <= peak_mb(lambda: np.zeros(1_000_000)) < 9
