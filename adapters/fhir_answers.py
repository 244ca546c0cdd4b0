"""
What a host answers to a FHIR request: OperationOutcome, message response, batch response.

Says the kind of fault and where it stands, never a value: an answer may be logged on its way.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import NAMESPACE_OID, uuid5

from slotengine.adapters.base import Rejected
from slotengine.adapters.json_texts import Json
from slotengine.adapters.kinds import Kind, sentence
from slotengine.answers import Received
from slotengine.errors import ReferralFormatError
from slotengine.labels import Lang, Words, word

Answer = Received | Rejected | ReferralFormatError
Resource = dict[str, Json]


class Verdict(NamedTuple):
    """An issue's code (value set issue-type), and the HTTP status that fits it."""

    code: str
    status: int


_BAD = 400
_UNPROCESSABLE = 422

_CODES: Mapping[str, frozenset[Kind]] = {
    "required": frozenset({Kind.MISSING, Kind.NO_HEADER}),
    "code-invalid": frozenset({Kind.UNKNOWN_CODE}),
    "too-long": frozenset({Kind.TOO_LONG}),
    "too-costly": frozenset({Kind.TOO_MANY, Kind.TOO_DEEP, Kind.TOO_LARGE}),
    "structure": frozenset(
        {
            Kind.WRONG_TYPE,
            Kind.BROKEN_JSON,
            Kind.NOT_JSON,
            Kind.NOT_AN_OBJECT,
            Kind.DUPLICATE_FIELD,
            Kind.BAD_ENCODING,
            Kind.EMPTY,
            Kind.UNKNOWN_FORMAT,
        }
    ),
    "invariant": frozenset({Kind.END_BEFORE_START, Kind.BEFORE_RECEIVED, Kind.WINDOW_COUNT}),
}
_RULES = frozenset(
    {
        Kind.NOT_ACTIVE,
        Kind.NOT_A_REFERRAL,
        Kind.SENDER_FAULT,
        Kind.ALREADY_BOOKED,
        Kind.DECEASED,
        Kind.CONTRADICTION,
        Kind.IDENTIFYING,
    }
)
"""Kinds of what is well said and not for us."""

_BY_KIND = {
    **{kind: Verdict(code, _BAD) for code, kinds in _CODES.items() for kind in kinds},
    **dict.fromkeys(_RULES, Verdict("business-rule", _UNPROCESSABLE)),
}
_OTHER_KIND = Verdict("value", _BAD)

_BY_ERROR = {
    "UnknownIdError": Verdict("not-found", 404),
    "UnknownTerritoryError": Verdict("not-found", 404),
    "DuplicateReferralError": Verdict("duplicate", 409),
    "ReferralConflictError": Verdict("conflict", 409),
    "TransitionError": Verdict("conflict", 409),
    "SlotTakenError": Verdict("conflict", 409),
    "HoldExpiredError": Verdict("conflict", 409),
    "StoreBusyError": Verdict("transient", 503),
    "StoreError": Verdict("exception", 500),
}
_OTHER_ERROR = Verdict("business-rule", _UNPROCESSABLE)

_BY_OUTCOME = {
    "applied": Verdict("informational", 200),
    "repeated": Verdict("duplicate", 200),
    "kept": Verdict("informational", 202),
    "superseded": Verdict("conflict", 200),
}
_SEVERITY = {"superseded": "warning", "refused": "error"}

OUTCOMES: Mapping[str, Words] = {
    "applied": ("message pris en compte", "the message was taken into account"),
    "repeated": (
        "message déjà reçu : rien n'est fait deux fois",
        "the message is known: nothing is done twice",
    ),
    "kept": (
        "message gardé : il attend un message antérieur",
        "the message is kept: it waits for an earlier one",
    ),
    "superseded": (
        "un message plus récent a déjà été pris en compte",
        "a later message was taken into account already",
    ),
    "refused": ("message refusé", "the message was refused"),
}
"""What became of a message, in words that tell nothing of its content."""

_PHRASES = {
    200: "OK",
    202: "Accepted",
    400: "Bad Request",
    404: "Not Found",
    409: "Conflict",
    422: "Unprocessable Entity",
    500: "Internal Server Error",
    503: "Service Unavailable",
}
_ENTRY = re.compile(r"entry\[([0-9]+)\]")
_FAILED = 400
_PASSING = frozenset({503})


def verdict(answer: Answer) -> Verdict:
    """
    Gives an answer's code and status.

    Examples
    --------
    >>> verdict(Received(outcome="refused", error="UnknownIdError"))
    Verdict(code='not-found', status=404)
    """
    if isinstance(answer, Received):
        if answer.outcome == "refused":
            return _BY_ERROR.get(answer.error, _OTHER_ERROR)
        return _BY_OUTCOME[answer.outcome]
    return _BY_KIND.get(Kind(answer.kind), _OTHER_KIND)


def status_of(answers: Iterable[Answer]) -> int:
    """Gives the HTTP status for all answers together: the worst; 200 for none."""
    return max((verdict(answer).status for answer in answers), default=200)


def operation_outcome(answers: Iterable[Answer], *, lang: Lang = Lang.FR) -> Resource:
    """Gives an OperationOutcome with an issue for each answer; one that says so where none is."""
    issues: list[Json] = [_issue(answer, lang) for answer in answers]
    if not issues:
        issues = [{"severity": "information", "code": "informational"}]
    return {"resourceType": "OperationOutcome", "issue": issues}


def _issue(answer: Answer, lang: Lang) -> Resource:
    code = verdict(answer).code
    if isinstance(answer, Received):
        return {
            "severity": _SEVERITY.get(answer.outcome, "information"),
            "code": code,
            "details": {"text": word(OUTCOMES[answer.outcome], lang)},
        }
    kind = Kind(answer.kind)
    issue: Resource = {
        "severity": "fatal" if isinstance(answer, ReferralFormatError) else "error",
        "code": code,
        "details": {"text": sentence(answer.field, kind, lang)},
        "diagnostics": kind.value,
    }
    if isinstance(answer, Rejected) and answer.path:
        issue["expression"] = [answer.path]
    return issue


NO_EVENT = "http://hl7.org/fhir/OperationDefinition/MessageHeader-process-message"
"""The event of an answer to a request that named none, which FHIR forbids."""

Located = tuple[str, Sequence[Answer]]
"""The path of a record (``FhirFormat.located``), and what became of it."""


def batch_response(
    request: Mapping[str, Json], answered: Iterable[Located], *, lang: Lang = Lang.FR
) -> Resource:
    """
    Gives an entry for each entry of a batch or transaction, in its order.

    Records are taken one by one: a transaction of which some failed is answered as a batch, since
    it was none. What is no record (a Patient) is read with the records and says OK.
    """
    entries = request.get("entry")
    count = len(entries) if isinstance(entries, list) else 0
    by_entry: dict[int, list[Answer]] = {}
    for path, answers in answered:
        found = _ENTRY.match(path)
        if found is not None:
            by_entry.setdefault(int(found[1]), []).extend(answers)
    said = [by_entry.get(index, []) for index in range(count)]
    failed = any(status_of(answers) >= _FAILED for answers in said)
    whole = request.get("type") == "transaction" and not failed
    return {
        "resourceType": "Bundle",
        "type": "transaction-response" if whole else "batch-response",
        "entry": [{"response": _response(answers, lang)} for answers in said],
    }


def _response(answers: list[Answer], lang: Lang) -> Resource:
    status = status_of(answers)
    said: Resource = {"status": f"{status} {_PHRASES[status]}"}
    if answers:
        said["outcome"] = operation_outcome(answers, lang=lang)
    return said


def message_response(
    request: Mapping[str, Json],
    answers: Sequence[Answer],
    *,
    endpoint: str,
    now: datetime,
    lang: Lang = Lang.FR,
) -> Resource:
    """
    Gives the answer to a ``$process-message`` request: a message that names the one it answers.

    ``endpoint`` is the host's own address, as FHIR asks for. The same request gives the same ids.
    """
    header = _header(request)
    asked = _text(header, "id") or _text(request, "id") or ""
    own, details = (str(uuid5(NAMESPACE_OID, f"{asked}/{part}")) for part in ("header", "outcome"))
    event = {
        name: header[name] for name in ("eventCoding", "eventUri") if header.get(name) is not None
    }
    answer: Resource = {
        "resourceType": "MessageHeader",
        "id": own,
        **(event or {"eventUri": NO_EVENT}),
        "source": {"endpoint": endpoint},
        "response": {
            # The standard's id has 64 letters, digits, hyphens and points.
            "identifier": re.sub(r"[^A-Za-z0-9\-.]", "", asked)[:64] or own,
            "code": _message_code(answers),
            "details": {"reference": f"urn:uuid:{details}"},
        },
    }
    return {
        "resourceType": "Bundle",
        "type": "message",
        "timestamp": now.isoformat(timespec="milliseconds"),
        "entry": [
            {"fullUrl": f"urn:uuid:{own}", "resource": answer},
            {
                "fullUrl": f"urn:uuid:{details}",
                "resource": operation_outcome(answers, lang=lang),
            },
        ],
    }


def _message_code(answers: Sequence[Answer]) -> str:
    failed = {status for answer in answers if (status := verdict(answer).status) >= _FAILED}
    if not failed:
        return "ok"
    return "transient-error" if failed <= _PASSING else "fatal-error"


def _header(request: Mapping[str, Json]) -> Mapping[str, Json]:
    entries = request.get("entry")
    for entry in entries if isinstance(entries, list) else []:
        resource = entry.get("resource") if isinstance(entry, dict) else None
        if isinstance(resource, dict) and resource.get("resourceType") == "MessageHeader":
            return resource
    return {}


def _text(value: Mapping[str, Json], name: str) -> str | None:
    found = value.get(name)
    return found if isinstance(found, str) else None
