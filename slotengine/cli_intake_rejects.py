"""
Where rejected records go: a file to mend and hand in again, and beside it the reasons.

The first holds patients' data, as it came, and is its owner's alone; the second holds none.
"""

import json
import os
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from itertools import count
from pathlib import Path
from typing import Any, NamedTuple

from slotengine.adapters.base import PAYLOAD, WHOLE, Rejected
from slotengine.adapters.kinds import Kind, sentence
from slotengine.errors import InputError
from slotengine.labels import Lang, Words, word

FILE_MODE, FOLDER_MODE = 0o600, 0o700
"""Read and written by nobody but whoever ran the command."""

STDIN = "stdin"
"""Stands for the name of a file where standard input was read."""

ENGINE: dict[str, Words] = {
    "ReferralPastError": (
        "toutes les heures demandées sont passées",
        "every time it asks for is past",
    ),
    "ReferralConflictError": (
        "référence connue avec un autre contenu : envoyez-la comme modifiée (amended)",
        "its reference is known with other content: send it as amended",
    ),
    "UnknownIdError": ("rien de tel n'est connu", "nothing of the kind is known"),
    "TransitionError": ("n'en est plus là", "is past that step"),
    "DuplicateReferralError": (
        "le patient a déjà un rendez-vous à cette heure",
        "the patient has an appointment at that hour",
    ),
    "SlotTakenError": ("la place est prise", "the seat is taken"),
}
"""What the engine refuses, by kind of error."""

REFUSED: Words = ("refusée par le moteur", "was refused by the engine")
"""Any other refusal of the engine."""

_AGAIN = re.compile(r"(?:\.\d+)?\.rejected$")


class Fault(NamedTuple):
    """Why a record was not taken in; nothing of the record itself."""

    adapter: str
    record: int | None
    line: int | None
    path: str | None
    field: str
    kind: str
    why: str = ""

    @classmethod
    def of(cls, rejected: Rejected) -> "Fault":
        """Gives what an adapter found."""
        return cls(
            rejected.adapter,
            rejected.record,
            rejected.line,
            rejected.path,
            rejected.field,
            rejected.kind.value,
        )

    @classmethod
    def of_engine(cls, adapter: str, record: int, error: str, why: str) -> "Fault":
        """Gives what the engine said; its words name ids only."""
        return cls(adapter, record, None, None, WHOLE, error, why)

    @classmethod
    def of_payload(cls, adapter: str, field: str, kind: str) -> "Fault":
        """Gives why a file could not be read at all."""
        return cls(adapter, None, None, None, field or PAYLOAD, kind)

    def sentence(self, lang: Lang) -> str:
        """Says it for a person."""
        if self.kind in Kind.__members__.values():
            return sentence(self.field, Kind(self.kind), lang)
        words = word(ENGINE.get(self.kind, REFUSED), lang)
        return f"{self.field} : {words}" if lang is Lang.FR else f"{self.field} {words}"

    def told(self) -> dict[str, Any]:
        """Gives what the file of reasons says."""
        return {
            "adapter": self.adapter,
            "record": self.record,
            "line": self.line,
            "path": self.path,
            "field": self.field,
            "kind": self.kind,
            "sentence_fr": self.sentence(Lang.FR),
            "sentence_en": self.sentence(Lang.EN),
        }


def folder_at(path: Path) -> Path:
    """
    Gives the folder of rejects, made when it is missing.

    Raises
    ------
    InputError
        When there can be none.
    """
    try:
        path.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
    except OSError as refused:
        raise InputError(f"--rejects: no folder can be made of {path}") from refused
    return path


def stem_of(path: Path) -> str:
    """
    Gives the name that the rejects of a file bear; what comes again keeps its first name.

    Examples
    --------
    >>> stem_of(Path("in/monday.csv")), stem_of(Path("monday.2.rejected.csv")), stem_of(Path("-"))
    ('monday', 'monday', 'stdin')
    """
    return STDIN if str(path) == "-" else _AGAIN.sub("", path.stem) or STDIN


def write(
    folder: Path, stem: str, suffix: str, faults: Sequence[tuple[Fault, bool]], payload: bytes
) -> tuple[Path | None, Path]:
    """
    Writes the reasons and, where there is something to mend, the rejected records.

    Each fault says whether its record is in ``payload``. What lies there from another run stays:
    names are counted up.

    Raises
    ------
    InputError
        When they can't be written.
    """
    try:
        for base in _bases(stem):
            reasons = folder / f"{base}.reasons.jsonl"
            rejected = folder / f"{base}.rejected.{suffix}" if payload else None
            if rejected is not None and os.path.lexists(rejected):
                continue
            with suppress(FileExistsError):
                _put(reasons, _lines(faults))
                if rejected is not None:
                    _put(rejected, (payload,))
                return rejected, reasons
    except OSError as refused:
        raise InputError(f"--rejects: nothing can be written to {folder}") from refused
    raise AssertionError  # numbers never end


def _bases(stem: str) -> Iterator[str]:
    yield stem
    for number in count(2):
        yield f"{stem}.{number}"


def _lines(faults: Iterable[tuple[Fault, bool]]) -> Iterator[bytes]:
    place = 0
    for fault, kept in faults:
        place += kept
        # A record that was too long, or half a document, is not there to be mended.
        line = fault.told() | {"rejected_record": place if kept else None}
        yield json.dumps(line, ensure_ascii=False).encode() + b"\n"


def _put(path: Path, pieces: Iterable[bytes]) -> None:
    """Writes a file that did not exist, through no link that somebody laid out."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
    with os.fdopen(os.open(path, flags, FILE_MODE), "wb") as file:
        file.writelines(pieces)
