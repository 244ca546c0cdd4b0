"""The prose of the project: links lead somewhere, words are explained once."""

import re
import unicodedata
from enum import StrEnum
from pathlib import Path

import pytest
from sources import PROJECT, text_files

from slotengine.codes import Audience, CareLevel, Mode, Priority

LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
FENCE = re.compile(r"```.*?```|`[^`\n]*`", re.DOTALL)
ENTRY = re.compile(r"^- \*\*(.+?)\*\*(?: \(\*(.+?)\*\))?: (\S.*)$")

MUST_BE_EXPLAINED = (
    "ACI", "ARS", "CCAS", "CDAS", "CHU", "CPTS", "EHPAD", "EPCI", "FINESS", "INS", "INSEE", "MSP",
    "NIR", "PDSA", "RPPS", "SAMU", "SAS", "SIRET", "SNP", "TRE_G15", "TRE_R38", "TRE_R314",
    "médecin traitant",
)  # fmt: skip
SHOWN_CODES: tuple[type[StrEnum], ...] = (Audience, Mode, CareLevel, Priority)
"""Codes that stand in files which people open; the other enums are plain English words."""

MARKDOWN = [file for file in text_files() if file.suffix == ".md"]


def _broken_links(text: str, folder: Path) -> list[str]:
    targets = (target.partition("#")[0] for target in LINK.findall(FENCE.sub("", text)))
    local = (target for target in targets if target and not re.match(r"[a-z]+:", target))
    return [target for target in local if not (folder / target).exists()]


def _entries(text: str) -> list[str]:
    lines = [line for line in text.splitlines() if line.startswith("- ")]
    found = [ENTRY.match(line) for line in lines]
    unread = [line for line, entry in zip(lines, found, strict=True) if entry is None]
    assert unread == [], "an entry is '- **word** (*expansion*): explanation'"
    return [entry.group(1) for entry in found if entry]


def _collated(word: str) -> str:
    """Gives the word as a dictionary orders it: without accents and capitals."""
    plain = unicodedata.normalize("NFD", word)
    return "".join(each for each in plain if not unicodedata.combining(each)).casefold()


@pytest.fixture(scope="module")
def glossary() -> list[str]:
    return _entries((PROJECT / "docs" / "glossary.md").read_text(encoding="utf-8"))


@pytest.mark.parametrize("file", MARKDOWN, ids=lambda file: file.relative_to(PROJECT).as_posix())
def test_links_to_files_of_the_project_lead_somewhere(file: Path) -> None:
    assert _broken_links(file.read_text(encoding="utf-8"), file.parent) == []


def test_a_broken_link_would_be_seen(tmp_path: Path) -> None:
    (tmp_path / "there.md").touch()
    text = "[a](there.md#part) [b](gone.md) [c](https://example.org) [d](#here) `[e](code.md)`"
    assert _broken_links(text, tmp_path) == ["gone.md"]


def test_the_glossary_is_sorted_and_explains_each_word_once(glossary: list[str]) -> None:
    collated = [_collated(word) for word in glossary]
    assert collated == sorted(set(collated))


@pytest.mark.parametrize("word", MUST_BE_EXPLAINED)
def test_the_glossary_explains(word: str, glossary: list[str]) -> None:
    assert glossary.count(word) == 1


@pytest.mark.parametrize("codes", SHOWN_CODES, ids=lambda codes: codes.__name__)
def test_the_glossary_explains_every_code_of(codes: type[StrEnum], glossary: list[str]) -> None:
    assert {code.value for code in codes} - set(glossary) == set()


def test_an_entry_without_an_explanation_is_refused() -> None:
    with pytest.raises(AssertionError, match="an entry is"):
        _entries("- **ARS**")


def test_the_readme_leads_to_the_glossary() -> None:
    assert "docs/glossary.md" in (PROJECT / "README.md").read_text(encoding="utf-8")
