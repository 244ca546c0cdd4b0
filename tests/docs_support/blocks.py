"""
Reads the fenced blocks of the documentation, so that tests run what the reader copies.

Three conventions, each visible to the reader: a block that follows a line ending in a file name and
a colon is that file; a ``text`` block that directly follows another block is its output; a line
``...`` in an output stands for any number of lines.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from sources import PROJECT

PAGES = (
    "README.md",
    *sorted(file.relative_to(PROJECT).as_posix() for file in (PROJECT / "docs").glob("*.md")),
)
"""Every page but the decision records, which show no code to copy."""

FENCE = re.compile(r"^```(\w*)\s*$")
NAMES_A_FILE = re.compile(r"`([\w./-]+\.[a-z]+)`[^`]*:$")
SECONDS = re.compile(r"\b\d+[.,]\d+ s\b")


@dataclass(frozen=True)
class Block:
    """One fenced block: where it stands, its language, its text, the file it is, its output."""

    page: str
    line: int
    language: str
    text: str
    file: str | None = None
    output: str | None = None


@dataclass
class _Open:
    line: int
    language: str
    file: str | None
    lines: list[str] = field(default_factory=list)


def read_page(page: str) -> str:
    return (PROJECT / page).read_text(encoding="utf-8")


def blocks(page: str) -> list[Block]:
    """Gives the blocks of a page in order, outputs joined to the block that they follow."""
    found: list[Block] = []
    last_end = 0
    for block, end in _fenced(page):
        between = read_page(page).splitlines()[last_end : block.line - 2]
        if block.language == "text" and found and not any(line.strip() for line in between):
            before = found.pop()
            found.append(
                Block(
                    page=page,
                    line=before.line,
                    language=before.language,
                    text=before.text,
                    file=before.file,
                    output=block.text,
                )
            )
        else:
            found.append(block)
        last_end = end
    return found


def _fenced(page: str) -> Iterator[tuple[Block, int]]:
    current: _Open | None = None
    said = ""
    for number, line in enumerate(read_page(page).splitlines(), start=1):
        fence = FENCE.match(line)
        if current is None and fence:
            named = NAMES_A_FILE.search(said)
            current = _Open(number + 1, fence[1], named[1] if named else None)
        elif current is not None and fence:
            text = "".join(f"{line}\n" for line in current.lines)
            yield Block(page, current.line, current.language, text, current.file), number
            current, said = None, ""
        elif current is not None:
            current.lines.append(line)
        elif line.strip():
            said = line.strip()
    assert current is None, f"{page}: a block that opens on line {number} is never closed"


def files_of(page: str) -> dict[str, str]:
    """Gives the files that a page shows, by name."""
    return {block.file: block.text for block in blocks(page) if block.file is not None}


def same_output(shown: str, printed: str) -> bool:
    """
    Tells whether what is shown is what was printed.

    Trailing spaces don't count, and seconds don't: they differ from run to run.
    """
    pattern = "".join(
        r"(?:.*\n)*?" if line.strip() == "..." else re.escape(line) + r"[ ]*\n"
        for line in _timeless(shown).rstrip().splitlines()
    )
    return re.fullmatch(r"\n*" + pattern + r"\n*", _timeless(printed).rstrip() + "\n") is not None


def _timeless(text: str) -> str:
    return SECONDS.sub("_ s", "\n".join(line.rstrip() for line in text.splitlines()))
