"""The commands of the documentation, run; every command and option of the program, documented."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer.main
from docs_support.blocks import PAGES, Block, blocks, files_of, read_page, same_output
from docs_support.running import MADE, Command, Shell, commands

from slotengine import cli

THEIR_DATABASE = "postgresql://user@host/name"
SHELLS = ("console", "sh")
PAGE = "docs/cli.md"


def shell_blocks(page: str) -> list[Block]:
    return [one for one in blocks(page) if one.language in SHELLS]


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, empty_postgres_url: str) -> Shell:
    monkeypatch.chdir(tmp_path)
    return Shell(tmp_path, {THEIR_DATABASE: empty_postgres_url})


def _write_files(page: str, folder: Path) -> None:
    for name, text in files_of(page).items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")


@pytest.mark.parametrize("page", [page for page in PAGES if shell_blocks(page)])
def test_the_commands_of_a_page_end_and_print_as_it_says(
    page: str, shell: Shell, tmp_path: Path
) -> None:
    _write_files(page, tmp_path)
    for block in shell_blocks(page):
        printed = ""
        for command in commands(block):
            result = shell.run(command.text)
            assert result.exit_code == command.exit_code, f"{command.text}\n{result.errors}"
            printed += result.output
        if block.output is not None:
            where = f"{page}, line {block.line}, printed:\n{printed}"
            assert same_output(block.output, printed), where


def test_every_command_speaks_json(shell: Shell, tmp_path: Path) -> None:
    _write_files(PAGE, tmp_path)
    for command in _shown(PAGE):
        if command.exit_code not in {0, 7}:
            continue
        said = command.text if "--json" in command.text else f"{command.text} --json"
        result = shell.run(said)
        assert result.exit_code == command.exit_code, f"{said}\n{result.errors}"
        assert isinstance(json.loads(result.output), dict), said


def _shown(page: str) -> list[Command]:
    return [command for block in shell_blocks(page) for command in commands(block)]


def _tree(group: Any, *path: str) -> Iterator[tuple[str, Any]]:
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from _tree(command, *path, name)
        else:
            yield " ".join((*path, name)), command


PROGRAM = dict(_tree(typer.main.get_command(cli.app)))


def _sections() -> dict[str, str]:
    parts = re.split(r"^## (.+)$", read_page(PAGE), flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


@pytest.mark.parametrize("name", PROGRAM)
def test_a_command_has_its_section_with_an_example_and_every_option(name: str) -> None:
    sections = _sections()
    assert re.search(rf"^\$ slotengine {name}\b", sections[name], re.MULTILINE)
    shared = sections["What every command shares"]
    for parameter in PROGRAM[name].params:
        for option in parameter.opts:
            if option.startswith("--"):
                where = shared + sections[name]
                assert re.search(rf"`{option}[ `]|{option} ", where), option


@pytest.mark.parametrize("name", PROGRAM)
def test_a_command_that_is_shown_takes_its_options(name: str) -> None:
    known = {option for parameter in PROGRAM[name].params for option in parameter.opts}
    for command in _shown(PAGE):
        if command.text.startswith(f"slotengine {name} "):
            assert set(re.findall(r" (--[a-z-]+)", command.text)) <= known


def test_no_section_is_about_a_command_that_does_not_exist() -> None:
    prose = {"What every command shares", "Exit codes", "In a script"}
    assert set(_sections()) - prose == set(PROGRAM)


def test_the_targets_that_are_shown_are_made_as_the_makefile_says(
    pytestconfig: pytest.Config,
) -> None:
    text = (pytestconfig.rootpath / "Makefile").read_text(encoding="utf-8")
    assert re.search(r"^DEMO \?= demo$", text, re.MULTILINE)
    assert "$(BIN)/slotengine $(DEMO)" in text
    assert MADE == {"make demo": "slotengine demo"}
    for target in re.findall(r"`make (\w+)", read_page("README.md")):
        assert re.search(rf"^{target}:", text, re.MULTILINE)
