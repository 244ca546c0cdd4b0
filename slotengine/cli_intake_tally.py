"""What became of the records of some files: counted, listed, said in words or as JSON."""

import json
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator
from types import TracebackType
from typing import IO, Any, Self

import typer

from slotengine.adapters.base import Warned
from slotengine.adapters.kinds import Kind, sentence
from slotengine.cli_intake_rejects import Fault
from slotengine.cli_options import Session
from slotengine.codes import ReferralState
from slotengine.labels import REFERRAL_STATE, Words, word
from slotengine.reasons import Reason, ReasonCode

IN_MEMORY_BYTES = 4 * 1024 * 1024
"""Bytes of answers that are held before they go to a temporary file. Our choice."""

COUNTS: dict[str, Words] = {
    "received": ("Reçues", "Received"),
    "repeated": ("Déjà connues", "Known already"),
    "booked": ("Réservées", "Booked"),
    "promised": ("Promises", "Promised"),
    "refused": ("Renvoyées au 15", "Sent to 15"),
    "ended": ("Closes", "Closed"),
    "kept": ("Gardées pour plus tard", "Kept for later"),
    "superseded": ("Dépassées", "Superseded"),
    "rejected": ("Rejetées", "Rejected"),
    "unreadable": ("Fichiers illisibles", "Unreadable files"),
}
"""What is counted, in the order of the summary."""

ALWAYS = ("received", "repeated", "booked", "refused", "ended", "rejected")
"""What the summary says even when it is nought."""

STANDS: dict[str, Words] = {
    "kept": (
        "gardé, en attente d'un message antérieur",
        "kept, waits for an earlier message",
    ),
    "superseded": (
        "dépassé par un message plus récent",
        "superseded by a later message",
    ),
}
"""What became of a message that changed nothing yet, or no more."""


class Tally:
    """
    Counts and answers; the answers wait outside of memory until everything is read.

    They hold ids, states and reasons, never what a record said.
    """

    def __init__(self, session: Session) -> None:
        self.counts: Counter[str] = Counter()
        self.doubts: Counter[tuple[str, Kind]] = Counter()
        self.files: list[dict[str, Any]] = []
        self.faults: list[tuple[str, Fault]] = []
        self._session = session
        self._answers: IO[str] = tempfile.SpooledTemporaryFile(  # noqa: SIM115 - closed by exit
            max_size=IN_MEMORY_BYTES, mode="w+", encoding="utf-8"
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._answers.close()

    def count(self, kinds: Iterable[str]) -> None:
        """Counts one record as each of these."""
        self.counts.update(kinds)

    def answer(self, line: dict[str, Any]) -> None:
        """Keeps one answer for the report."""
        json.dump(line, self._answers, ensure_ascii=False, default=str)
        self._answers.write("\n")

    def doubt(self, warnings: tuple[Warned, ...]) -> None:
        """Counts doubts that did not stop the reading."""
        self.doubts.update((one.field, one.kind) for one in warnings)

    def reject(self, file: str, fault: Fault) -> None:
        """Counts a record that was not taken in."""
        self.faults.append((file, fault))
        self.counts["rejected"] += 1

    def report(self) -> None:
        """Prints what became of everything."""
        if self._session.json:
            self._document()
        else:
            self._words()

    def _told(self) -> Iterator[dict[str, Any]]:
        self._answers.seek(0)
        return (json.loads(line) for line in self._answers)

    def _warnings(self) -> list[dict[str, Any]]:
        return [
            {"field": field, "kind": kind.value, "count": times}
            | {"sentence": sentence(field, kind, self._session.lang)}
            for (field, kind), times in sorted(self.doubts.items())
        ]

    def _rejected(self) -> Iterator[dict[str, Any]]:
        for file, fault in self.faults:
            line = {"file": file, **fault._asdict(), "sentence": fault.sentence(self._session.lang)}
            yield {key: value for key, value in line.items() if value not in {None, ""}}

    def _document(self) -> None:
        """Prints one JSON document line by line: as a whole it might not fit in memory."""
        typer.echo("{")
        for key in COUNTS:
            if key != "rejected":
                typer.echo(f'  "{key}": {self.counts[key]},')
        for key, found in (("files", self.files), ("warnings", self._warnings())):
            typer.echo(f'  "{key}": {json.dumps(found, ensure_ascii=False)},')
        _array("rejected", self._rejected(), end=",")
        _array("records", self._told(), end="")
        typer.echo("}")

    def _words(self) -> None:
        say, lang = self._session.say, self._session.lang
        for line in self._told():
            self._record(line)
        for file, fault in self.faults:
            words = ("enregistrement", "record") if fault.line is None else ("ligne", "line")
            where = fault.record if fault.line is None else fault.line
            said = say(f"{words[0]} {where} : ", f"{words[1]} {where}: ") + fault.sentence(lang)
            typer.echo(self._before(file) + said)
        for found in self._warnings():
            typer.echo(say("doute : ", "doubt: ") + f"{found['count']} x {found['sentence']}")
        for one in self.files:
            for path in filter(None, (one.get("rejects"), one.get("reasons"))):
                typer.echo(say("écrit : ", "written: ") + path)
        shown = [key for key in COUNTS if key in ALWAYS or self.counts[key]]
        colon = say(" : ", ": ")
        typer.echo(
            " ".join(f"{word(COUNTS[key], lang)}{colon}{self.counts[key]}." for key in shown)
        )

    def _before(self, file: str) -> str:
        return f"{file}: " if len(self.files) > 1 else ""

    def _record(self, line: dict[str, Any]) -> None:
        lang = self._session.lang
        words = STANDS.get(line["outcome"])
        if words is None and "state" in line:
            words = REFERRAL_STATE[ReferralState(line["state"])]
        said = [] if words is None else [word(words, lang)]
        text = " ".join((f"{line['referral']}:", *said, *line.get("reasons", ())))
        typer.echo(self._before(line["file"]) + text)
        for place, offer in enumerate(line.get("offers", ()), 1):
            typer.echo(f"  {place}. {offer['sentence']}")
        if line.get("offers") == []:
            typer.echo(f"  {Reason(code=ReasonCode.NO_FREE_SEAT).text(lang)}")


def _array(key: str, values: Iterator[dict[str, Any]], *, end: str) -> None:
    typer.echo(f'  "{key}": [', nl=False)
    first = True
    for value in values:
        between = "\n    " if first else ",\n    "
        typer.echo(between + json.dumps(value, ensure_ascii=False), nl=False)
        first = False
    typer.echo(f"]{end}" if first else f"\n  ]{end}")
