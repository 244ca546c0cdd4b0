"""The documentation runs, and names everything that there is."""

import doctest
import pkgutil
import re
from collections.abc import Iterator
from enum import StrEnum
from importlib import import_module
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from docs_support.blocks import PAGES, Block, blocks, files_of, read_page, same_output
from docs_support.running import execute
from sources import PROJECT

import slotengine
from slotengine import codes
from slotengine.cli_options import EXIT_BUG, EXIT_CODES, EXIT_REJECTED
from slotengine.policy import Policy

RUN_ELSEWHERE = {"clinic/on_django.py", "clinic/views.py"}
"""Files of a Django project: ``test_docs_django``."""

RUN_PAGES = ("README.md", "docs/api.md", "docs/cli.md", "docs/hosts.md", "docs/objective.md")
"""Pages that promise that what they show was run; another page may also show what is long."""

LANGUAGES = {"python", "console", "sh", "toml", "csv", "json"}
CODE_LISTS = [
    each for each in vars(codes).values() if isinstance(each, type) and issubclass(each, StrEnum)
]
CODE_LISTS.remove(StrEnum)
SMALL_FIGURE = "docs/way-of-a-referral.svg"


def python_of(page: str) -> list[Block]:
    return [one for one in blocks(page) if one.language == "python" and one.file is None]


@pytest.fixture
def namespace() -> Iterator[dict[str, Any]]:
    """What the Python blocks of one page share; what they opened is closed."""
    names: dict[str, Any] = {"__name__": "__docs__"}
    yield names
    for name in ("scheduler", "engine", "desk", "again", "database"):
        opened = names.get(name)
        # A page may show a scheduler that the reader's application starts.
        if not getattr(opened, "running", True):
            continue
        for end in ("shutdown", "dispose"):
            getattr(opened, end, lambda: None)()


@pytest.mark.parametrize("page", [page for page in PAGES if python_of(page)])
def test_the_python_of_a_page_runs_and_prints_what_is_shown(
    page: str, namespace: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for block in python_of(page):
        printed = execute(block, namespace)
        where = f"{page}, line {block.line}, printed:\n{printed}"
        # A page may say in a comment what is printed; shown as an output, it must be true.
        assert block.output is None or same_output(block.output, printed), where


@pytest.mark.parametrize("page", RUN_PAGES)
def test_every_block_is_of_a_kind_that_is_run_or_read(page: str) -> None:
    assert {one.language for one in blocks(page)} <= LANGUAGES
    shown = {name for name in files_of(page) if name.endswith(".py")}
    assert shown <= RUN_ELSEWHERE


@pytest.mark.parametrize("page", PAGES)
def test_a_policy_that_is_shown_can_be_read(page: str) -> None:
    for block in blocks(page):
        if block.language == "toml":
            assert Policy.from_toml(block.text).territory


def test_an_output_is_compared_line_by_line_whatever_the_seconds() -> None:
    assert same_output("a\nin 0.21 s\n", "a  \nin 0.48 s\n")
    assert same_output("a\n...\nz\n", "a\nb\nc\nz\n")
    assert not same_output("a\n", "a\nb\n")
    assert not same_output("a\nb\n", "a\n")
    assert not same_output("", "a\n")


def test_every_public_name_is_described() -> None:
    page = read_page("docs/api.md")
    assert [name for name in slotengine.__all__ if f"`{name}`" not in page] == []


def test_every_described_name_of_a_table_is_public() -> None:
    first_cells = re.findall(r"^\| `(\w+)` \|", read_page("docs/api.md"), re.MULTILINE)
    assert set(first_cells) <= set(slotengine.__all__)


def test_every_verb_of_the_engine_is_listed() -> None:
    page = read_page("docs/api.md")
    verbs = [name for name in dir(slotengine.Engine) if not name.startswith("_")]
    assert [verb for verb in verbs if f"`{verb}`" not in page] == []


def test_every_reason_is_explained() -> None:
    rows = re.findall(r"^\| `(\w+)` \|", read_page("docs/objective.md"), re.MULTILINE)
    assert [code for code in slotengine.ReasonCode if code.value not in rows] == []


def test_the_rules_are_explained_in_the_order_in_which_they_are_asked() -> None:
    rows = re.findall(r"^\| `(\w+)` \|", read_page("docs/objective.md"), re.MULTILINE)
    rules = [rule.value for rule in slotengine.Rule]
    assert [row for row in rows if row in rules] == rules


def test_every_level_is_explained() -> None:
    page = read_page("docs/objective.md")
    for level in slotengine.problem.LEVELS:
        assert f"| `{level}` |" in page


def test_every_source_is_named() -> None:
    page = read_page("docs/cli.md")
    assert [kind for kind in codes.SourceKind if f"`{kind.value}`" not in page] == []


def test_every_code_list_is_public_and_named() -> None:
    page = read_page("docs/api.md")
    assert [codes_.__name__ for codes_ in CODE_LISTS if f"`{codes_.__name__}`" not in page] == []


@pytest.mark.parametrize("page", ["README.md", "docs/cli.md"])
def test_the_exit_codes_are_the_ones_that_are_used(page: str) -> None:
    shown = [int(code) for code in re.findall(r"^\| (\d) \|", read_page(page), re.MULTILINE)]
    used = {0, EXIT_BUG, 2, EXIT_REJECTED, *(code for _, code in EXIT_CODES)}
    assert shown == sorted(used), "2 is what the command line library gives for wrong usage"


def test_the_picture_is_readable_without_seeing_it_and_in_the_dark() -> None:
    text = (PROJECT / SMALL_FIGURE).read_text(encoding="utf-8")
    picture = ET.fromstring(text)  # noqa: S314 - a file of our own
    space = "{http://www.w3.org/2000/svg}"
    assert picture.findtext(f"{space}title")
    assert len(picture.findtext(f"{space}desc") or "") > 100
    assert "prefers-color-scheme: dark" in text
    assert re.search(rf"!\[[^\]]{{100,}}\]\({SMALL_FIGURE}\)", read_page("README.md"))


def modules() -> list[str]:
    found = pkgutil.walk_packages(slotengine.__path__, "slotengine.")
    rooms = ("solver", "adapters", "fixtures")
    names = {module.name for module in found}
    for room in rooms:
        package = import_module(f"slotengine.{room}")
        names |= {
            module.name
            for module in pkgutil.walk_packages(package.__path__, package.__name__ + ".")
        }
    return sorted(name for name in names if ".migrations" not in name)


@pytest.mark.parametrize("module", modules())
def test_the_examples_of_a_modules_docstrings_hold(module: str) -> None:
    # One name space a module: its own, so that an example reads like a line of the module.
    assert doctest.testmod(import_module(module)).failed == 0
