"""Runs the blocks of a page in order: Python in one namespace, ``slotengine`` in one database."""

import ast
import contextlib
import io
import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from docs_support.blocks import Block, blocks
from typer.testing import CliRunner

from slotengine import cli
from slotengine.cli_options import exit_code
from slotengine.errors import SlotEngineError
from slotengine.fixtures.generate import DEFAULT_AS_OF

CLOCK = DEFAULT_AS_OF
"""
What ``datetime.now(UTC)`` gives in a page.

The one thing that the tests change in what is shown: an answer depends on the hour, and the pages
show answers. It is the hour of the shipped territories: Tuesday 24 November 2026, 19 h 30 in Paris.
"""

EXIT_CODE = re.compile(r"exit code (\d)")
MADE = {"make demo": "slotengine demo"}
"""What the Makefile runs."""


class _StoppedClock(ast.NodeTransformer):
    def visit_Call(self, node: ast.Call) -> ast.AST:
        self.generic_visit(node)
        if ast.unparse(node) == "datetime.now(UTC)":
            return ast.copy_location(ast.Call(ast.Name("_page_clock", ast.Load()), [], []), node)
        return node


def execute(block: Block, namespace: dict[str, Any]) -> str:
    """Runs one Python block and gives what it printed; a traceback names the line of the page."""
    tree = ast.increment_lineno(ast.parse(block.text), block.line - 1)
    tree = ast.fix_missing_locations(_StoppedClock().visit(tree))
    namespace["_page_clock"] = lambda: CLOCK
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        # What is run is the project's own documentation.
        exec(compile(tree, block.page, "exec"), namespace)  # noqa: S102 - as said above
    return printed.getvalue()


def run_python(page: str, namespace: dict[str, Any] | None = None) -> list[tuple[Block, str]]:
    """Runs a page's Python blocks that are no files, in one namespace; gives what each printed."""
    shared = {"__name__": "__docs__"} if namespace is None else namespace
    return [
        (block, execute(block, shared))
        for block in blocks(page)
        if block.language == "python" and block.file is None
    ]


@dataclass(frozen=True)
class Command:
    """One command of a console or sh block and the exit code that the page says."""

    text: str
    exit_code: int


def commands(block: Block) -> list[Command]:
    """Gives the commands of a block; ``# exit code 7`` behind one says that it ends with 7."""
    found = []
    for line in block.text.splitlines():
        text, _, remark = line.removeprefix("$ ").partition("  # ")
        said = EXIT_CODE.match(remark)
        if text.strip():
            found.append(Command(text.strip(), int(said[1]) if said else 0))
    return found


@dataclass(frozen=True)
class Result:
    """What a command left behind."""

    exit_code: int
    output: str
    errors: str


class Shell:
    """
    Runs ``slotengine ...`` as a newcomer's shell would, in one folder with one database.

    Where a page names no database, no key and no language, the folder's and English are meant.
    """

    def __init__(self, folder: Path, database_urls: Mapping[str, str] | None = None) -> None:
        self.url = f"sqlite:///{folder / 'docs.sqlite'}"
        self.key = folder / "pseudonym.key"
        self.database_urls = database_urls or {}

    def run(self, command: str, *extra: str) -> Result:
        """Runs a command; what ``slotengine.cli.main`` turns into an exit code is turned here."""
        name, *arguments = [*shlex.split(MADE.get(command, command)), *extra]
        assert name == "slotengine", command
        arguments = [self.database_urls.get(each, each) for each in arguments]
        for option, value in (("--db", self.url), ("--key-file", self.key), ("--lang", "en")):
            if option not in arguments and self._takes(arguments[0], option):
                arguments += [option, str(value)]
        result = CliRunner().invoke(cli.app, arguments, env={"COLUMNS": "100"})
        if isinstance(result.exception, SlotEngineError):
            said = f"slotengine: {result.exception}"
            return Result(exit_code(result.exception), result.stdout, said)
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return Result(result.exit_code, result.stdout, result.stderr)

    @staticmethod
    def _takes(command: str, option: str) -> bool:
        if option == "--key-file":
            return command == "intake"
        return option != "--db" or command != "demo"
