"""Public instances are read as they are, judged by themselves, and reach what is published."""

import json
import os
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from sources import PROJECT

if TYPE_CHECKING:
    from benchmarks.public_instances import Capped

SHARED = os.environ.get("SLOTENGINE_SHARED")
given = pytest.mark.skipif(not SHARED, reason="the public instances are not given")
coupled = pytest.mark.skipif(
    find_spec("slotengine.solver.coupling") is None, reason="caps are not solved yet"
)

DENSE = "2\n 4 1\n 2 8\n"
"""Rows on the diagonal cost 4 + 8, across 1 + 2 = 3: the optimum."""

SPARSE = " 2 \n 1 1 4\n 2 2 8 \n 2 1 2\n"
"""The same without the pair (1, 2): only the diagonal is left, 12."""

GAP = "2 3\n 1 5 9\n 2 6 1\n 4 4 4\n 3 3 3\n 8 6\n"
"""
Two agents, three jobs. Agent 0 has 8 minutes and takes 4 for each job, so two; agent 1 has 6 and
takes 3, so two. Values 1 5 9 and 2 6 1: by hand over the six ways to split 2 + 1 or 1 + 2, the sums
are 0,0,1: 1+5+1=7; 0,1,0: 1+6+9=16; 1,0,0: 2+5+9=16; 0,1,1: 1+6+1=8; 1,0,1: 2+5+1=8;
1,1,0: 2+6+9=17.
"""

GAP_LEAST, GAP_MOST = 7, 17


@pytest.fixture(autouse=True)
def _from_the_root(monkeypatch: pytest.MonkeyPatch) -> None:
    """Benchmarks are not packaged: they run from the root of a checkout."""
    monkeypatch.syspath_prepend(PROJECT)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder of instances small enough to be solved by hand."""
    (tmp_path / "orlib_assign").mkdir()
    (tmp_path / "orlib_assign" / "OPTIMA.txt").write_text("Prose 2 n.\nassign2 3\nassignp2 12\n")
    (tmp_path / "orlib_assign" / "assign2.txt").write_text(DENSE)
    (tmp_path / "orlib_assign" / "assignp2.txt").write_text(SPARSE)
    (tmp_path / "gap").mkdir()
    (tmp_path / "gap" / "BOUNDS.txt").write_text("t_Max\t17\t17\nt_Min\t7\t7\n")
    (tmp_path / "gap" / "t").write_text(GAP)
    return tmp_path


def _main(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, list[Any], str]:
    from benchmarks import public

    code = public.main(["--json", *arguments])
    said = capsys.readouterr()
    return code, [json.loads(line) for line in said.out.splitlines()], said.err


def _capped(*, maximise: bool = False) -> "Capped":
    from benchmarks.public_instances import Published, generalised

    numbers = np.array(GAP.split(), dtype=np.int64)
    best = GAP_MOST if maximise else GAP_LEAST
    return generalised(numbers, "t", Published(best, best), maximise=maximise)


def test_dense_and_sparse_files_reach_the_optimum_found_by_hand(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, lines, _ = _main(capsys, "--only", "assign", "--folder", str(folder))
    assert code == 0
    # The sparse one has fewer pairs and comes first.
    assert [(line["case"], line["objective"], line["bound"]) for line in lines] == [
        ("assignp2", 12, 12),
        ("assign2", 3, 3),
    ]
    assert all(line["proved"] and line["is_published_optimum"] for line in lines)


def test_a_published_figure_that_is_not_reached_fails_the_run(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for said, why in (("assign2 2\n", "it says proved"), ("assign2 4\n", "better than can be")):
        (folder / "orlib_assign" / "OPTIMA.txt").write_text(said)
        code, lines, _ = _main(capsys, "--only", "assign", "--folder", str(folder))
        assert code == 1
        assert why in lines[0]["wrong"]


@coupled
def test_a_capped_instance_is_solved_in_both_senses(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, lines, _ = _main(capsys, "--only", "gap", "--folder", str(folder))
    assert code == 0
    assert [(line["case"], line["objective"], line["proved"]) for line in lines] == [
        ("t_Max", GAP_MOST, True),
        ("t_Min", GAP_LEAST, True),
    ]


@coupled
def test_an_instance_without_an_answer_in_time_is_a_line_without_an_objective(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    # Jobs 0 and 1 first fill half of each agent; only together on one they leave room for job 2.
    (folder / "gap" / "t").write_text("2 3\n 1 9 5\n 9 1 5\n 1 1 2\n 1 1 2\n 2 2\n")
    (folder / "gap" / "BOUNDS.txt").write_text("t_Min\t15\t15\n")
    asked = ["--only", "gap", "--folder", str(folder)]
    code, lines, _ = _main(capsys, *asked, "--limit", "1e-9")
    assert code == 0
    assert [(line["objective"], line["bound"], line["proved"]) for line in lines] == [
        (None, None, False)
    ]
    code, lines, _ = _main(capsys, *asked)
    assert [(line["objective"], line["proved"], line["wrong"]) for line in lines] == [
        (15, True, "")
    ]


@pytest.mark.parametrize(
    ("kind", "text", "why"),
    [
        ("assign", "2 4 1 2", "3 costs, expected 2 x 2"),
        ("assignp", "2 1 1", "2 numbers are not lines of three"),
        ("assignp", "2 1 3 5", "an index is outside 1 to 2"),
        ("assignp", "2 0 1 5", "an index is outside 1 to 2"),
        ("gap", "2 3 1 1", "2 numbers, expected 14"),
    ],
)
def test_a_file_that_does_not_add_up_is_refused(kind: str, text: str, why: str) -> None:
    from benchmarks.public_instances import FormatError, Published, assignment, generalised

    numbers, none = np.array(text.split(), dtype=np.int64), Published(0, 0)
    read: Callable[[], Any] = lambda: assignment(numbers, kind, none)  # noqa: E731 - one of two
    if kind == "gap":
        read = lambda: generalised(numbers, kind, none, maximise=False)  # noqa: E731 - the other
    with pytest.raises(FormatError, match=why):
        read()


def test_words_and_emptiness_are_refused(folder: Path) -> None:
    from benchmarks.public_instances import FormatError, assignments, gaps

    (folder / "gap" / "BOUNDS.txt").write_text("t 7 7\n")
    with pytest.raises(FormatError, match="neither minimise nor maximise"):
        gaps(folder)
    (folder / "orlib_assign" / "assign2.txt").write_text("2 1 2 3 four")
    with pytest.raises(FormatError, match="else than whole numbers"):
        assignments(folder)
    (folder / "orlib_assign" / "assign2.txt").write_text("\n")
    with pytest.raises(FormatError, match="is empty"):
        assignments(folder)


@pytest.mark.parametrize(
    ("agents", "objective", "why"),
    [
        ([0, 0, 1], 7, ""),
        ([0, 0, 1], 6, "add up to 7"),
        ([0, 0, 0], 15, "agent 0 has 12 of 8"),
        ([0, -1, 1], 2, "not every job"),
        ([0, 1], 7, "not every job"),
    ],
)
def test_an_answer_is_judged_by_the_instance_alone(
    agents: list[int], objective: int, why: str
) -> None:
    from benchmarks.public import caps_fault

    fault = caps_fault(_capped(), np.array(agents, dtype=np.int32), objective)
    assert why in fault
    assert bool(fault) == bool(why)


@pytest.mark.parametrize(
    ("columns", "objective", "why"),
    [
        ([0, 1], 12, ""),
        ([0, 1], 11, "cost 12"),
        ([0, 0], 6, "of its own"),
        ([1, 0], 3, "not allowed"),
    ],
)
def test_an_assignment_is_judged_by_its_pairs(columns: list[int], objective: int, why: str) -> None:
    from benchmarks.public import assignment_fault
    from benchmarks.public_instances import Published, assignment

    instance = assignment(np.array(SPARSE.split(), dtype=np.int64), "assignp2", Published(12, 12))
    fault = assignment_fault(instance, np.array(columns, dtype=np.int32), objective)
    assert why in fault
    assert bool(fault) == bool(why)


def test_a_figure_contradicts_what_is_published_only_past_its_edge() -> None:
    """The optimum lies in [10, 12]: 9 and 13 contradict it, by sense and by claim."""
    from benchmarks.public import bound_fault, figure_fault
    from benchmarks.public_instances import Published

    between = Published(10, 12)
    assert between.optimum is None
    assert figure_fault(between, 10, proved=True) == figure_fault(between, 12, proved=True) == ""
    assert "better" in figure_fault(between, 9, proved=False)
    assert "proved" in figure_fault(between, 13, proved=True)
    assert figure_fault(between, 13, proved=False) == ""
    assert "better" in figure_fault(between, 13, proved=False, maximise=True)
    assert "proved" in figure_fault(between, 9, proved=True, maximise=True)
    assert figure_fault(between, 9, proved=False, maximise=True) == ""
    assert bound_fault(between, 12, maximise=False) == bound_fault(between, 3, maximise=False) == ""
    assert bound_fault(between, 10, maximise=True) == bound_fault(between, 20, maximise=True) == ""
    assert "excludes" in bound_fault(between, 13, maximise=False)
    assert "excludes" in bound_fault(between, 9, maximise=True)


def test_a_missing_folder_is_said_and_ends_with_two(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    code, lines, said = _main(capsys, "--folder", str(tmp_path))
    assert (code, lines) == (2, [])
    assert "orlib_assign" in said
    monkeypatch.delenv("SLOTENGINE_SHARED", raising=False)
    code, lines, said = _main(capsys)
    assert (code, lines) == (2, [])
    assert "SLOTENGINE_SHARED is not set" in said


def test_without_json_people_get_a_row(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from benchmarks import public

    assert public.main(["--names", "assign2", "--only", "assign", "--folder", str(folder)]) == 0
    shown = capsys.readouterr().out.splitlines()
    assert len(shown) == 1
    assert shown[0].split()[0] == "assign2"
    assert "proved" in shown[0]


@given
@pytest.mark.parametrize(("name", "optimum"), [("assign100", 305), ("assignp800", 2239)])
def test_the_core_reaches_optima_published_by_beasley(
    name: str, optimum: int, capsys: pytest.CaptureFixture[str]
) -> None:
    code, lines, _ = _main(capsys, "--only", "assign", "--names", name)
    assert code == 0
    assert [(line["objective"], line["proved"]) for line in lines] == [(optimum, True)]


@given
@coupled
def test_caps_reach_a_published_optimum(capsys: pytest.CaptureFixture[str]) -> None:
    code, lines, _ = _main(capsys, "--only", "gap", "--names", "c05100_Min")
    assert code == 0
    assert [(line["objective"], line["proved"]) for line in lines] == [(1931, True)]
