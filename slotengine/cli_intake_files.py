"""Files of referrals: read as streams, handed to the engine in batches, answered one by one."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO

import typer

from slotengine.adapters import adapter_for
from slotengine.adapters.base import Amend, Intake, New, Part, Rejected
from slotengine.adapters.sources import Opened, SourceAdapter
from slotengine.answers import Received
from slotengine.cli_intake_rejects import STDIN, Fault, folder_at, stem_of, write
from slotengine.cli_intake_seats import Wanted, booked, offered
from slotengine.cli_intake_tally import Tally
from slotengine.cli_options import EXIT_REJECTED, OPEN_AT, Session
from slotengine.cli_places import bounds_of
from slotengine.codes import ReferralState
from slotengine.data_folder import default_key_file
from slotengine.engine import Engine
from slotengine.errors import BookingError, InputError, ReferralFormatError
from slotengine.receiving import BATCH
from slotengine.vault import Pseudonymiser

EXIT_UNREADABLE = 3
"""The exit code of wrong input (``slotengine.cli``)."""

Numbered = tuple[int, Part]


def wanted(*, book: bool, offers: bool) -> Wanted:
    """
    Gives what two options ask for.

    Raises
    ------
    InputError
        When both are given: what is booked needs no offers.
    """
    if book and offers:
        raise InputError("--book and --offers exclude each other")
    if book:
        return Wanted.BOOK
    return Wanted.OFFERS if offers else Wanted.NOTHING


def readable(files: list[Path]) -> list[Path]:
    """
    Gives the files back when all can be opened; asked before anything is stored.

    Raises
    ------
    typer.BadParameter
        When one can't.
    """
    for path in files:
        if str(path) != "-" and not (path.is_file() and os.access(path, os.R_OK)):
            raise typer.BadParameter(f"file {str(path)!r} can't be read")
    return files


@dataclass(frozen=True)
class Sent:
    """Files of referrals, who sent them, how they are read and what is wanted for each."""

    files: tuple[Path, ...]
    source: str
    territory: str
    format_: str | None = None
    sender: str | None = None
    key_file: Path | None = None
    wanted: Wanted = Wanted.NOTHING
    rejects: Path | None = None


@dataclass
class _File:
    """One file while it is read, and what is to be mended of it."""

    name: str
    opened: Opened | None = None
    faults: list[tuple[Fault, bool]] = field(default_factory=list)
    raws: list[bytes] = field(default_factory=list)
    records: int = 0

    @property
    def adapter(self) -> str:
        """The name of who reads it, as its faults say it."""
        if self.opened is None:
            return ""
        return f"{self.opened.door.profile.source.value}/{self.opened.format.name}"


def intake(session: Session, engine: Engine, sent: Sent, *, now: datetime) -> int:
    """Reads files of referrals into the engine; gives the exit code."""
    policy = engine.policy(sent.territory)
    adapter = adapter_for(
        sent.source,
        territory=sent.territory,
        zone=policy.zone,
        pseudonymiser=Pseudonymiser.from_file(sent.key_file or default_key_file()),
        format=sent.format_,
        bounds=bounds_of(sent.territory),
        sender=sent.sender,
        red_flags=policy.red_flag_motives,
    )
    if sent.rejects is not None:
        # Before anything is read: afterwards there would be nowhere to put what was rejected.
        folder_at(sent.rejects)
    with Tally(session) as tally:
        for path in sent.files:
            _Intake(session, engine, adapter, tally, sent, now).take(path)
        tally.report()
        if tally.counts["unreadable"]:
            return EXIT_UNREADABLE
        return EXIT_REJECTED if tally.counts["rejected"] else 0


@dataclass(frozen=True)
class _Intake:
    session: Session
    engine: Engine
    adapter: SourceAdapter
    tally: Tally
    sent: Sent
    now: datetime

    def take(self, path: Path) -> None:
        """Reads one file; one that can't be read is named, and the others are read."""
        file = _File(STDIN if str(path) == "-" else path.name)
        told: dict[str, object] = {"file": file.name}
        try:
            with _stream(path) as stream:
                file.opened = self.adapter.opened(stream)
                self._read(file, file.opened)
        except ReferralFormatError as unreadable:
            self.tally.counts["unreadable"] += 1
            fault = Fault.of_payload(unreadable.adapter, unreadable.field, unreadable.kind)
            file.faults.append((fault, False))
            told["error"] = fault.sentence(self.session.lang)
            typer.echo(f"slotengine: {file.name}: {told['error']}", err=True)
        told |= {"adapter": file.adapter, "records": file.records}
        self.tally.files.append(told | self._mendable(path, file))

    def _read(self, file: _File, opened: Opened) -> None:
        parts = self.session.track(opened.parts(now=self.now), file.name, None)
        for batch in _batches(enumerate(parts, 1)):
            file.records += len(batch)
            good = [part.intake for _, part in batch if not isinstance(part.intake, Rejected)]
            answers = iter(self.engine.receive(good, now=self.now, actor=OPEN_AT) if good else ())
            for number, part in batch:
                if isinstance(part.intake, Rejected):
                    self._reject(file, part, Fault.of(part.intake))
                else:
                    self._answered(file, number, part, next(answers))

    def _answered(self, file: _File, number: int, part: Part, answer: Received) -> None:
        """Reports what the engine said; what it refuses is reported like a bad record."""
        try:
            line, counted = self._line(part.intake, answer)
        except (InputError, BookingError) as refused:
            error, why = type(refused).__name__, str(refused)
        else:
            error, why = answer.error, answer.why
            if answer.outcome != "refused":
                self.tally.count(counted)
                self.tally.answer({"file": file.name, "record": number, **line})
                return
        self._reject(file, part, Fault.of_engine(file.adapter, number, error, why))

    def _line(self, one: Intake, answer: Received) -> tuple[dict[str, Any], list[str]]:
        """Gives what is said of one record, and what it counts as."""
        if isinstance(one, Rejected):
            raise InputError("a rejected record has no answer")
        self.tally.doubt(one.warnings)
        line: dict[str, Any] = {"referral": answer.referral, "outcome": answer.outcome}
        receipt = answer.receipt
        if receipt is not None:
            line["state"] = receipt.state.value
            line["reasons"] = [reason.text(self.session.lang) for reason in receipt.reasons]
        if answer.outcome != "applied":
            counted: list[str] = [answer.outcome]
        elif isinstance(one, New | Amend):
            counted = ["received"]
        else:
            counted = ["ended"]
        if receipt is None or answer.outcome not in {"applied", "repeated"}:
            return line, counted
        if receipt.state is ReferralState.REFUSED and answer.outcome == "applied":
            counted.append("refused")
        if isinstance(one, New) and self.sent.wanted is Wanted.BOOK:
            said, how = booked(self.session, self.engine, one.referral, receipt, now=self.now)
            line |= said
            counted += [how] if how is not None else []
        elif isinstance(one, New) and self.sent.wanted is Wanted.OFFERS:
            zone = self.adapter.door.zone
            line |= offered(self.session, self.engine, receipt, zone=zone, now=self.now)
        return line, counted

    def _reject(self, file: _File, part: Part, fault: Fault) -> None:
        self.tally.reject(file.name, fault)
        if self.sent.rejects is not None:
            file.faults.append((fault, bool(part.raw)))
            if part.raw:
                file.raws.append(part.raw)

    def _mendable(self, path: Path, file: _File) -> dict[str, str]:
        """Writes what was rejected of a file; gives where it lies."""
        if self.sent.rejects is None or not file.faults:
            return {}
        payload, suffix = b"", ""
        if file.opened is not None and file.raws:
            payload, suffix = file.opened.joined(file.raws), file.opened.format.suffix
        rejected, reasons = write(self.sent.rejects, stem_of(path), suffix, file.faults, payload)
        found = {"rejects": rejected, "reasons": reasons}
        return {key: str(where) for key, where in found.items() if where is not None}


def _batches(parts: Iterator[Numbered]) -> Iterator[list[Numbered]]:
    """Cuts parts into what is one transaction; each keeps its number and its bytes."""
    while batch := list(islice(parts, BATCH)):
        yield batch


@contextmanager
def _stream(path: Path) -> Iterator[BinaryIO]:
    """Opens a file, or standard input."""
    if str(path) == "-":
        yield sys.stdin.buffer
        return
    with path.open("rb") as stream:
        yield stream
