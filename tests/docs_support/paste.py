"""
Pastes what the pages' blocks print today into the pages, where it differs from what is shown.

Run ``python tests/docs_support/paste.py`` after a change that is meant, and read what differs: the
tests hold the pages to the program, only a reader holds the program to sense.
"""

import contextlib
import sys
import tempfile
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from docs_support.blocks import PAGES, Block, blocks, files_of, same_output
from docs_support.running import Shell, commands, execute
from sources import PROJECT

NOT_HERE = ("docs/hosts.md",)
"""Its commands need a PostgreSQL."""


def printed_by(page: str) -> list[tuple[Block, str]]:
    """Runs a page as the tests do and gives what each block printed."""
    names: dict[str, Any] = {"__name__": "__docs__"}
    found = []
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        for name, text in files_of(page).items():
            Path(name).parent.mkdir(parents=True, exist_ok=True)
            Path(name).write_text(text, encoding="utf-8")
        shell = Shell(Path(folder))
        for block in blocks(page):
            if block.language == "python" and block.file is None:
                found.append((block, execute(block, names)))
            elif block.language in {"console", "sh"} and page not in NOT_HERE:
                text = "".join(shell.run(one.text).output for one in commands(block))
                # Only where the page wants to show it: an empty `text` block asks for it.
                found.append((block, text if block.output is not None else ""))
        for name in ("scheduler", "engine", "desk"):
            opened = names.get(name)
            # A page may show a scheduler that the reader's application starts.
            if not getattr(opened, "running", True):
                continue
            for end in ("shutdown", "dispose"):
                getattr(opened, end, lambda: None)()
    return found


def paste(page: str) -> None:
    """Writes the differing outputs into a page, last first so that lines stay where they are."""
    file = PROJECT / page
    lines = file.read_text(encoding="utf-8").splitlines()
    for block, printed in reversed(printed_by(page)):
        if same_output(block.output or "", printed):
            continue
        end = block.line - 1 + len(block.text.splitlines())
        shown = [
            "",
            "```text",
            *(line.rstrip() for line in printed.strip("\n").splitlines()),
            "```",
        ]
        old = 0 if block.output is None else len(block.output.splitlines()) + 3
        lines[end + 1 : end + 1 + old] = shown
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    for each in PAGES:
        paste(each)
