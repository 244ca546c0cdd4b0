"""Runs the blocks of a page in order: Python in one namespace, ``slotengine`` in one database."""

import ast
import contextlib
import io
import shlex
import sys
from datetime import datetime
from pathlib import Path
from typing import Any

from docs_support.blocks import Block, blocks
from typer.testing import CliRunner

from slotengine import cli
from slotengine.errors import SlotEngineError
from slotengine.fixtures.generate import DEFAULT_AS_OF

CLOCK = DEFAULT_AS_OF
"""
What ``datetime.now(UTC)`` gives in a page.

The one thing that the tests change in what is shown: an answer depends on the hour, and the pages
show answers. It is the hour of the shipped territories: Tuesday 24 November 2026, 19 h 30 in Paris.
"""

OWN_FILE = ("intake",)
"""Commands that need a key file."""


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


def commands(block: Block) -> list[str]:
    """Gives the commands of a console or sh block, continued lines joined, comments dropped."""
    text = block.text.replace("\\\n", " ")
    lines = [line.removeprefix("$ ").strip() for line in text.splitlines()]
    return [line.partition("  # ")[0].strip() for line in lines if line and line[0] != "#"]


class Shell:
    """Runs ``slotengine ...`` as a newcomer's shell would, in one folder with one database."""

    def __init__(self, folder: Path) -> None:
        self.url = f"sqlite:///{folder / 'docs.sqlite'}"
        self.key = folder / "docs.key"

    def run(self, command: str, *extra: str) -> tuple[int, str, str]:
        """Gives exit code, standard output and standard error."""
        arguments = shlex.split(command)
        assert arguments[0] == "slotengine", command
        arguments = [*arguments[1:], *extra]
        if "--help" not in arguments:
            if "--db" not in arguments and arguments[0] != "demo":
                arguments += ["--db", self.url]
            if arguments[0] in OWN_FILE and "--key-file" not in arguments:
                arguments += ["--key-file", str(self.key)]
            if "--lang" not in arguments:
                arguments += ["--lang", "en"]
        result = CliRunner().invoke(cli.app, arguments, env={"COLUMNS": "100"})
        if isinstance(result.exception, SlotEngineError):
            # `slotengine.cli.main` turns these into a sentence and a code.
            return cli.exit_code(result.exception), result.stdout, f"slotengine: {result.exception}"
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result.exit_code, result.stdout, result.stderr


def frozen(at: datetime) -> type[datetime]:
    """Gives a ``datetime`` whose ``now`` stands still, for modules that read the clock."""

    class Frozen(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> datetime:
            return at.astimezone(tz)

    return Frozen


def forget(*modules: str) -> None:
    """Forgets modules that a page brought, so that pages don't see each other's."""
    for name in modules:
        sys.modules.pop(name, None)
