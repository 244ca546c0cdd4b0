"""What every command shares: language, database, instant, JSON, progress and exit codes."""

import json
import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, TypeVar

import typer
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
)

from slotengine.domain import Actor
from slotengine.engine import Engine
from slotengine.errors import (
    BookingError,
    DeliveryError,
    InputError,
    SlotEngineError,
    SolverError,
    StoreError,
)
from slotengine.labels import Lang

T = TypeVar("T")

OPEN_AT = Actor(role="coordinator", id="command-line")
"""Who acts when somebody types a command."""

EXIT_CODES: tuple[tuple[type[SlotEngineError], int], ...] = (
    (InputError, 3),
    (BookingError, 4),
    (DeliveryError, 4),
    (SolverError, 5),
    (StoreError, 6),
)
EXIT_BUG = 1
EXIT_REJECTED = 7

Json = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]
Language = Annotated[Lang | None, typer.Option("--lang", help="fr or en; default from the locale.")]
Db = Annotated[
    str | None,
    typer.Option("--db", help="SQLAlchemy URL; default one SQLite file in your data folder."),
]
Now = Annotated[
    str | None,
    typer.Option("--now", help="Act as of this ISO 8601 instant with its offset; default now."),
]


def exit_code(error: SlotEngineError | None, *, rejected: bool = False) -> int:
    """Gives the documented exit code."""
    if error is None:
        return EXIT_REJECTED if rejected else 0
    return next((code for kind, code in EXIT_CODES if isinstance(error, kind)), EXIT_BUG)


def language(chosen: Lang | None) -> Lang:
    """Gives the language asked for, else the locale's: French where it is, English elsewhere."""
    if chosen is not None:
        return chosen
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        value = os.environ.get(name, "")
        if value:
            return Lang.FR if value.lower().startswith("fr") else Lang.EN
    return Lang.EN


def present() -> datetime:
    """Gives the present instant, for commands that go on."""
    return datetime.now(UTC)


def instant(text: str | None, option: str = "--now") -> datetime:
    """
    Gives the instant that an option names; without one the present.

    Raises
    ------
    InputError
        When the text is no ISO 8601 instant with an offset.
    """
    if text is None:
        return present()
    try:
        at = datetime.fromisoformat(text)
    except ValueError as broken:
        raise InputError(f"{option} {text!r} is not an ISO 8601 instant") from broken
    if at.tzinfo is None:
        raise InputError(f"{option} {text!r} lacks its offset from UTC, such as +01:00")
    return at


@contextmanager
def engine_at(url: str | None) -> Iterator[Engine]:
    """Opens the engine and gives its connections back."""
    with Engine.open(url) as engine:
        yield engine


@dataclass(frozen=True)
class Session:
    """How one command talks: language, JSON or tables, progress on standard error."""

    json: bool
    lang: Lang

    def say(self, french: str, english: str) -> str:
        """Gives one of two sentences."""
        return french if self.lang is Lang.FR else english

    @property
    def out(self) -> Console:
        """Standard output, for people."""
        return Console(highlight=False)

    def emit(self, document: dict[str, Any]) -> None:
        """Prints one JSON document."""
        typer.echo(json.dumps(document, ensure_ascii=False, indent=2, default=str))

    @contextmanager
    def busy(self, what: str) -> Iterator[None]:
        """Shows that something long is going on."""
        with _progress() as progress:
            progress.add_task(what, total=None)
            yield

    def track(self, values: Sequence[T] | Iterable[T], what: str, total: int | None) -> Iterator[T]:
        """Counts values on a progress bar as they go by."""
        with _progress() as progress:
            task = progress.add_task(what, total=total)
            for value in values:
                yield value
                progress.advance(task)


def _progress() -> Progress:
    return Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=Console(stderr=True),
        transient=True,
    )
