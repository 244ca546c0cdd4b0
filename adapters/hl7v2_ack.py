"""
What is answered to an HL7 v2 message: ACK with MSA and, where something is wrong, ERR.

A REF may be answered by an RRI as well (HL7 2.5, chapter 11); that one repeats patient and
provider, and nobody needs them back: a plain ACK says the same without.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from slotengine.adapters.base import Rejected
from slotengine.adapters.hl7v2_files import bare
from slotengine.adapters.hl7v2_text import CHARSETS, Marks, Message, charset_of
from slotengine.adapters.kinds import Kind, sentence
from slotengine.answers import Received
from slotengine.labels import Lang

MAX_ECHO_CHARS = 250
"""Characters of a header field that are given back (MSH-3 to 6 hold 227). Our choice."""

MAX_WORDS_CHARS = 250
"""Characters of ERR-8 (table of data types, 2.5)."""

FIRST_WITH_ERL = (2, 5)
"""From this version ERR names its place in ERR-2; before, in ERR-1."""

ERROR_TABLE = "HL70357"


class Verdict(StrEnum):
    """MSA-1 (table 0008)."""

    ACCEPTED = "AA"
    ERROR = "AE"
    """The message is wrong: mend it, and send it again."""
    REJECTED = "AR"
    """Nothing of this message's content: of a type that is not read, unreadable, or come again."""


COMMIT: Mapping[Verdict, str] = {
    Verdict.ACCEPTED: "CA",
    Verdict.ERROR: "CE",
    Verdict.REJECTED: "CR",
}
"""The same in an accept acknowledgment (enhanced mode)."""

_REJECTED_KINDS: Mapping[Kind, str] = {
    **dict.fromkeys((Kind.UNSUPPORTED_MESSAGE, Kind.ABOUT_A_SCHEDULE), "201"),
    Kind.UNSUPPORTED_VERSION: "203",
    **dict.fromkeys((Kind.NOT_HL7, Kind.EMPTY, Kind.BAD_SEPARATORS), "100"),
    **dict.fromkeys((Kind.BAD_ENCODING, Kind.TOO_LARGE), "102"),
}
"""Kinds that are answered AR, with their code of table 0357."""

_ERROR_KINDS: Mapping[Kind, str] = {
    Kind.MISSING: "101",
    **dict.fromkeys((Kind.UNKNOWN_CODE, Kind.NOT_A_REFERRAL, Kind.OUT_OF_RANGE), "103"),
}
"""Kinds that are answered AE with a code of their own; the others are 102, data type error."""

_REFUSALS: Mapping[str, str] = {
    "UnknownIdError": "204",
    "UnknownTerritoryError": "204",
    "ReferralConflictError": "205",
    "DuplicateReferralError": "205",
}
"""What the engine says no with; the others are 207, application error."""

_WORDS: Mapping[str, str] = {
    "100": "Segment sequence error",
    "101": "Required field missing",
    "102": "Data type error",
    "103": "Table value not found",
    "200": "Unsupported message type",
    "201": "Unsupported event code",
    "203": "Unsupported version id",
    "204": "Unknown key identifier",
    "205": "Duplicate key identifier",
    "206": "Application record locked",
    "207": "Application internal error",
}

_PATH = re.compile(r"([A-Z][A-Z0-9]{2})(?:\[(\d+)\])?-(\d+)(?:\[(\d+)\])?")
_READ_TYPES = frozenset({"REF", "SIU", "ADT"})
_CONDITIONS = frozenset({"AL", "NE", "ER", "SU"})


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of a message: the verdict, a code of table 0357, the place, and why."""

    verdict: Verdict
    code: str = ""
    path: str | None = None
    field: str = ""
    kind: Kind | None = None
    why: str = ""


ACCEPTED = Answer(Verdict.ACCEPTED)
BUSY = Answer(Verdict.REJECTED, "206", why="busy: send it again later")
FAILED = Answer(Verdict.REJECTED, "207", why="not taken in: send it again later")


def answer_to_rejected(one: Rejected) -> Answer:
    """Gives the answer to a message that could not be read."""
    code = _REJECTED_KINDS.get(one.kind)
    verdict = Verdict.ERROR if code is None else Verdict.REJECTED
    code = code or _ERROR_KINDS.get(one.kind, "102")
    return Answer(verdict, code, one.path, one.field, one.kind)


def answer_to_unreadable(field: str, kind: Kind) -> Answer:
    """Gives the answer to a payload that is no message."""
    return Answer(Verdict.REJECTED, _REJECTED_KINDS.get(kind, "100"), None, field, kind)


def answer_to_received(one: Received) -> Answer:
    """
    Gives the answer to a message that the engine took, kept for later, or refused.

    Kept and superseded messages are accepted: to send them again would change nothing.
    """
    if one.outcome != "refused":
        return ACCEPTED
    return Answer(Verdict.ERROR, _REFUSALS.get(one.error, "207"), why=one.why)


def acknowledgements(
    data: bytes, answer: Answer, *, number: str, at: datetime
) -> tuple[bytes, ...]:
    """
    Gives the messages to send back: one, none or two, as MSH-15 and MSH-16 ask.

    Parameters
    ----------
    number
        MSH-10 of what is sent back, unlike any other; a second one gets a suffix.
    at
        MSH-7 of what is sent back, with its offset.
    """
    data = bare(data)
    message = Message.of(data)
    if isinstance(message, Kind):
        return (_unaddressed(answer, number, at),)
    header = message.header
    if header.text(9).upper() == "ACK":
        return ()  # two systems that answer each other's answers never stop
    accept, application = header.text(15).upper(), header.text(16).upper()
    if not {accept, application} & _CONDITIONS:
        # Original mode; official samples hold a country here.
        return (_answer(message, data, answer.verdict.value, answer, number=number, at=at),)
    fine = answer.verdict is Verdict.ACCEPTED
    codes = []
    if _asked(accept, fine=fine):
        codes.append(COMMIT[answer.verdict])
    if _asked(application, fine=fine):
        codes.append(answer.verdict.value)
    numbers = (number, f"{number}-2")
    return tuple(
        _answer(message, data, code, answer, number=one, at=at, enhanced=True)
        for code, one in zip(codes, numbers, strict=False)
    )


def _asked(condition: str, *, fine: bool) -> bool:
    return condition in {"AL", "SU" if fine else "ER"}


def _answer(
    message: Message,
    data: bytes,
    code: str,
    answer: Answer,
    *,
    number: str,
    at: datetime,
    enhanced: bool = False,
) -> bytes:
    """Writes one ACK with the sender's own separators and characters, so that it can read it."""
    header, marks = message.header, message.marks
    charset = charset_of(data)
    echo = {field: _short(header.raw(field)) for field in (3, 4, 5, 6, 10, 11, 12, 17)}
    event = marks.escaped(header.text(9, 2)[:MAX_ECHO_CHARS])
    modes = ["NE", "NE"] if enhanced else ["", ""]
    fields = [
        *(echo[5], echo[6], echo[3], echo[4], _stamp(at), ""),
        marks.component.join(["ACK", event, "ACK"] if event else ["ACK"]),
        *(marks.escaped(number), echo[11] or "P", echo[12] or "2.5", "", "", *modes),
        *(echo[17], charset),
    ]
    signs = marks.component + marks.repetition + marks.escape + marks.sub + marks.truncation
    french = bool(charset) and "FR" in {header.text(17)[:2].upper(), header.text(19)[:2].upper()}
    segments = [
        marks.field.join([f"MSH{marks.field}{signs}", *fields]).rstrip(marks.field),
        marks.field.join(["MSA", code, echo[10]]).rstrip(marks.field),
    ]
    if answer.verdict is not Verdict.ACCEPTED:
        lang = Lang.FR if french else Lang.EN
        segments.append(_error(answer, marks, header.text(9).upper(), header.text(12), lang))
    text = "".join(f"{segment}\r" for segment in segments)
    return text.encode(CHARSETS.get(charset.upper(), "ascii"), errors="replace")


def _error(answer: Answer, marks: Marks, kind: str, version: str, lang: Lang) -> str:
    """Writes ERR: place, code and words; never what stood there."""
    code = "200" if answer.code == "201" and kind not in _READ_TYPES else answer.code
    found = _PATH.fullmatch(answer.path or "")
    segment, count, field, repetition = found.groups() if found else ("", None, "", None)
    place = [segment, count or "1", field, repetition or "1"] if segment else []
    why = answer.why if answer.kind is None else sentence(answer.field, answer.kind, lang)
    said = marks.escaped(why)[:MAX_WORDS_CHARS]
    coded = [code, _WORDS[code], ERROR_TABLE]
    if _number_of(version) < FIRST_WITH_ERL:
        old = [*(place[:3] or ["", "", ""]), marks.sub.join(coded)]
        return marks.field.join(["ERR", marks.component.join(old)])
    where = marks.component.join(place)
    what = marks.component.join(coded)
    return marks.field.join(["ERR", "", where, what, "E", "", "", "", said]).rstrip(marks.field)


def _number_of(version: str) -> tuple[int, int]:
    found = re.match(r"(\d)\.(\d)", version)
    return (int(found[1]), int(found[2])) if found else FIRST_WITH_ERL


def _unaddressed(answer: Answer, number: str, at: datetime) -> bytes:
    """Writes an ACK to somebody whose header can't be read: no address, no number of theirs."""
    marks = Marks()
    fields = ["MSH|^~\\&", "", "", "", "", _stamp(at), "", "ACK", marks.escaped(number), "P", "2.5"]
    segments = ["|".join(fields), f"MSA|{answer.verdict.value}|"]
    if answer.verdict is not Verdict.ACCEPTED:
        segments.append(_error(answer, marks, "", "2.5", Lang.EN))
    return "".join(f"{segment}\r" for segment in segments).encode("ascii", errors="replace")


def _short(field: str) -> str:
    """Gives a field to echo; a control sign in it could end the frame that carries it."""
    return field if len(field) <= MAX_ECHO_CHARS and field.isprintable() else ""


def _stamp(at: datetime) -> str:
    return at.strftime("%Y%m%d%H%M%S%z")
