"""What is answered when something went wrong: FHIR OperationOutcome, never with what was sent."""

from typing import Any

from slotengine.adapters.sas_search import Refusal

STATUS_OF = {"required": 400, "invalid": 400, "not-supported": 400, "too-costly": 400,
             "too-long": 400, "structure": 400, "value": 422, "duplicate": 409}  # fmt: skip
"""HTTP status of each code of a refusal: 400 no good request, 422 and 409 refused by a rule."""

CODE_OF = {
    400: "invalid",
    401: "login",
    403: "forbidden",
    404: "not-found",
    405: "not-supported",
    406: "not-supported",
    408: "timeout",
    413: "too-long",
    414: "too-long",
    415: "not-supported",
    422: "processing",
    431: "too-long",
    500: "exception",
    503: "transient",
}
"""Code of an issue (FHIR issue-type) for each HTTP status that has no refusal behind it."""

WORDS_OF = {
    401: "authentication is needed",
    403: "this is not allowed to who asks",
    404: "no such resource",
    405: "this interaction is not offered here",
    406: "only application/fhir+json is given",
    408: "the body did not come in time",
    413: "the body is too large",
    414: "the query is too long",
    415: "only application/fhir+json is taken",
    431: "the headers are too large",
    500: "a fault of this server",
    503: "too busy, or the database is away: try again",
}


def outcome(code: str, words: str, parameter: str | None = None) -> dict[str, Any]:
    """Gives an OperationOutcome with one error."""
    issue: dict[str, Any] = {"severity": "error", "code": code, "diagnostics": words}
    if parameter is not None:
        # An expression is FHIRPath, which names elements; a search parameter is none.
        if parameter[:1].isupper():
            issue["expression"] = [parameter]
        issue["diagnostics"] = f"{parameter}: {words}"
    return {"resourceType": "OperationOutcome", "issue": [issue]}


def of_refusal(refusal: Refusal) -> tuple[int, dict[str, Any]]:
    """Gives the HTTP status of a refusal and its OperationOutcome."""
    # "duplicate", "value" and "structure" are FHIR's issue types as well as our codes.
    return STATUS_OF[refusal.code], outcome(refusal.code, refusal.words, refusal.parameter)


def of_status(status: int) -> dict[str, Any]:
    """Gives the OperationOutcome of an HTTP status."""
    code = CODE_OF.get(status, "processing" if status < 500 else "exception")  # noqa: PLR2004 (HTTP)
    return outcome(code, WORDS_OF.get(status, "refused"))
