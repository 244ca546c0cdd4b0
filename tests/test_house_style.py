"""House style that tools can hold: lint, suppressions with reasons, decision records."""

import io
import re
import subprocess
import sys
import tokenize
from pathlib import Path

import pytest
from sources import PROJECT, text_files

SUPPRESSION = re.compile(r"#\s*(noqa|type:\s*ignore|pragma:|ruff:|mypy:|flake8:)", re.IGNORECASE)
CODED = re.compile(
    r"#\s*(?:noqa: [A-Z]+\d+(?:, ?[A-Z]+\d+)*|type: ignore\[[a-z-]+(?:, ?[a-z-]+)*\]"
    r"|pragma: no (?:cover|branch))"
)
REASON_LETTERS = 4
"""Shortest thing that can pass for a reason, as in "(pickle)"."""

UNFINISHED = re.compile(r"(#|<!--)\s*(TODO|FIXME|XXX|HACK)\b|\b(TODO|FIXME)[:(]")
MACHINE_PATH = re.compile(r"(?<![\w.])/(?:home/\w|Users/\w|root/|work/)|\b[A-Z]:\\Users")

ADR_NAME = re.compile(r"\d{4}(-[a-z0-9]+){2,}\.md")
ADR_SECTIONS = [
    "Status",
    "Context",
    "Decision",
    "Consequences",
    "How we would know it was wrong",
]
ADR_MAX_LINES = 60
ADR_FOLDER = PROJECT / "docs" / "adr"
ADRS = sorted(file for file in ADR_FOLDER.glob("*.md") if file.name != "README.md")


def _bare_suppressions(source: str) -> list[str]:
    """Lists comments that silence a tool without saying which rule and why."""
    wrong = []
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type != tokenize.COMMENT or not SUPPRESSION.search(token.string):
            continue
        rest = CODED.sub("", token.string)
        reasoned = len(re.findall(r"[^\W\d_]", rest)) >= REASON_LETTERS
        if SUPPRESSION.search(rest) or not reasoned:
            wrong.append(f"{token.start[0]}: {token.string}")
    return wrong


def _lines(file: Path) -> list[str]:
    # Some payloads of the tests are Latin-1 on purpose; every pattern is plain ASCII.
    return file.read_text(encoding="utf-8", errors="replace").splitlines()


def _ruff(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = (sys.executable, "-m", "ruff", *arguments, "--no-cache", ".")
    return subprocess.run(command, cwd=PROJECT, check=False, capture_output=True, text=True)


def test_ruff_finds_nothing() -> None:
    done = _ruff("check", "--output-format=concise")
    assert done.returncode == 0, done.stdout


def test_the_format_is_ruffs() -> None:
    done = _ruff("format", "--check")
    assert done.returncode == 0, done.stdout


def test_every_suppression_carries_a_code_and_a_reason() -> None:
    wrong = [
        f"{file.relative_to(PROJECT)}:{line}"
        for file in text_files()
        if file.suffix == ".py"
        for line in _bare_suppressions(file.read_text(encoding="utf-8"))
    ]
    assert wrong == []


@pytest.mark.parametrize(
    "line",
    [
        "x = 1  # noqa",
        "x = 1  # noqa: E501",
        "x = 1  # noqa: E501 - ok",
        "x = 1  # type: ignore",
        "x = 1  # type: ignore  # the library has no types",
        "x = 1  # type: ignore[arg-type]",
        "x = 1  # pragma: no cover",
        "x = 1  # noqa - because it is so",
        "# ruff: noqa",
        "# mypy: ignore-errors",
    ],
)
def test_a_bare_suppression_is_refused(line: str) -> None:
    assert len(_bare_suppressions(line)) == 1


@pytest.mark.parametrize(
    "line",
    [
        "x = 1  # noqa: PLR2004 - minutes of an hour",
        "x = 1  # noqa: PLR2004, S101 - minutes of an hour",
        "x = 1  # type: ignore[arg-type]  # the library has no types",
        "x = 1  # type: ignore[arg-type]  # noqa: B018 - the misspelling is the test",
        "x = 1  # pragma: no cover - only on PostgreSQL",
        "x = '# noqa'",
    ],
)
def test_a_reasoned_suppression_is_allowed(line: str) -> None:
    assert _bare_suppressions(line) == []


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        (UNFINISHED, "# TO" + "DO later"),
        (UNFINISHED, "the last case (FIX" + "ME: rounding)"),
        (MACHINE_PATH, "see /home/" + "someone/notes"),
        (MACHINE_PATH, "/ro" + "ot/x"),
        (MACHINE_PATH, "C:" + "\\Users"),
    ],
)
def test_what_must_not_stand_in_a_text_would_be_seen(pattern: re.Pattern[str], text: str) -> None:
    assert pattern.search(text)


@pytest.mark.parametrize("pattern", [UNFINISHED, MACHINE_PATH], ids=["unfinished", "machine path"])
def test_no_text_holds(pattern: re.Pattern[str]) -> None:
    wrong = [
        f"{file.relative_to(PROJECT)}:{number}"
        for file in text_files()
        for number, line in enumerate(_lines(file), start=1)
        if pattern.search(line)
    ]
    assert wrong == []


@pytest.mark.parametrize("adr", ADRS, ids=lambda adr: adr.name)
def test_a_decision_record_is_short_and_whole(adr: Path) -> None:
    text = adr.read_text(encoding="utf-8")
    assert ADR_NAME.fullmatch(adr.name)
    assert re.findall(r"^## (.+)$", text, re.MULTILINE) == ADR_SECTIONS
    assert len(text.splitlines()) <= ADR_MAX_LINES
    assert re.match(rf"# {adr.name[:4]} \S", text)


def test_decision_records_are_numbered_once_and_listed() -> None:
    numbers = [adr.name[:4] for adr in ADRS]
    assert numbers == sorted(set(numbers))
    listed = (ADR_FOLDER / "README.md").read_text(encoding="utf-8")
    assert [adr.name for adr in ADRS if f"({adr.name})" not in listed] == []
