"""
FHIR over HTTP: what is accepted, how it is answered, and an OperationOutcome for every fault.

Bodies are read with a limit of size and of time. A fault of ours tells where it happened in the
log, never with a message that could hold what was sent.
"""

import json
import logging
import traceback
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeAlias

import anyio
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from slotengine.adapters.sas_outcomes import of_refusal, of_status
from slotengine.adapters.sas_patterns import in_json
from slotengine.adapters.sas_search import Refusal
from slotengine.errors import InputError, StoreError
from slotengine.serving_guard import FHIR_JSON

MAX_BODY_BYTES = 64_000
"""Size of one body: an account with its narrative takes 3,000. Our choice."""

BODY_SECONDS = 10.0
"""Time for one body to arrive. Our choice."""

MAX_ACCEPT = 1_000
"""Characters of an Accept header that are read. Our choice."""

RETRY_SECONDS = 1
"""When to try again after 503: what is locked is free by then. Our choice."""

JSON_TYPES = (FHIR_JSON, "application/json+fhir", "application/json", "text/json")
"""The SAS guide asks for the second, FHIR for the first; all occur."""

_BAD, _NOT_ACCEPTABLE, _TIMEOUT, _TOO_LARGE = 400, 406, 408, 413
_UNSUPPORTED, _FAULT, _BUSY = 415, 500, 503

_log = logging.getLogger("slotengine.serving")

Answer: TypeAlias = Callable[[Request], Response]
Endpoint: TypeAlias = Callable[[Request], Awaitable[Response]]


def answer(
    resource: Mapping[str, Any] | None,
    *,
    status: int = 200,
    kind: str = FHIR_JSON,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """Gives a response with a resource, or with nothing in it."""
    if resource is None:
        return Response(status_code=status, headers=headers)
    media = f"{kind}; charset=utf-8"
    return Response(in_json(resource), status_code=status, headers=headers, media_type=media)


def answer_written(body: bytes, kind: str) -> Response:
    """Gives a response with a resource that is JSON already."""
    return Response(body, media_type=f"{kind}; charset=utf-8")


def refused(refusal: Refusal) -> Response:
    """Gives the response to a request that can't be served."""
    status, resource = of_refusal(refusal)
    return answer(resource, status=status)


def failed(status: int, headers: Mapping[str, str] | None = None) -> Response:
    """Gives the response of an HTTP status that speaks for itself."""
    return answer(of_status(status), status=status, headers=headers)


def accepted(request: Request) -> str:
    """
    Gives the media type to answer in.

    Raises
    ------
    HTTPException
        406 where nothing that we write is accepted. ``_format`` goes before the header.
    """
    asked = request.query_params.get("_format")
    if asked is not None:
        # The + of application/fhir+json comes as a space.
        wanted = asked.partition(";")[0].strip().replace(" ", "+").lower()
        if wanted == "json":
            return FHIR_JSON
        if wanted in JSON_TYPES:
            return wanted
        raise HTTPException(_NOT_ACCEPTABLE)
    header = ",".join(request.headers.getlist("accept"))[:MAX_ACCEPT]
    if not header.strip():
        return FHIR_JSON
    ranges = [_range(part) for part in header.lower().split(",")]
    wanted_types = [name for name, quality in ranges if quality > 0]
    for name in wanted_types:
        if name in JSON_TYPES:
            return name
    if {"*/*", "application/*"}.intersection(wanted_types):
        return FHIR_JSON
    raise HTTPException(_NOT_ACCEPTABLE)


def _range(part: str) -> tuple[str, float]:
    name, *parameters = (piece.strip() for piece in part.split(";"))
    quality = 1.0
    for parameter in parameters:
        key, _, value = parameter.partition("=")
        if key.strip() == "q":
            try:
                quality = float(value)
            except ValueError:
                quality = 0.0
    return name, quality


async def body_of(request: Request) -> object:
    """
    Gives the JSON value of a request's body.

    Raises
    ------
    HTTPException
        415 for another type, 413 for too much, 408 for too slow, 400 for no JSON.
    """
    kind, _, rest = request.headers.get("content-type", FHIR_JSON).lower().partition(";")
    charset = rest.replace(" ", "").replace('"', "")
    known = kind.strip() in JSON_TYPES and charset in {"", "charset=utf-8"}
    if not known or request.headers.get("content-encoding", "identity") != "identity":
        raise HTTPException(_UNSUPPORTED)
    length = request.headers.get("content-length", "0")
    # Longer numbers than that are refused before they are read.
    if len(length) > len(str(MAX_BODY_BYTES)) or int(length) > MAX_BODY_BYTES:
        raise HTTPException(_TOO_LARGE)
    read = bytearray()
    try:
        with anyio.fail_after(BODY_SECONDS):
            async for chunk in request.stream():
                read += chunk
                if len(read) > MAX_BODY_BYTES:
                    raise HTTPException(_TOO_LARGE)
    except (TimeoutError, ClientDisconnect):
        raise HTTPException(_TIMEOUT) from None
    try:
        value: object = json.loads(read.decode("utf-8-sig"))
    except (ValueError, RecursionError):
        # Not `from` it: its message repeats what was sent.
        raise HTTPException(_BAD) from None
    return value


def endpoint(work: Answer) -> Endpoint:
    """Gives an endpoint that runs work in a thread, as the engine is synchronous."""

    async def call(request: Request) -> Response:
        return await guarded(request, lambda: run_in_threadpool(work, request))

    return call


async def guarded(request: Request, work: Callable[[], Awaitable[Response]]) -> Response:
    """Runs work and answers for whatever it raises; the type is agreed on before."""
    try:
        accepted(request)
        return await work()
    except HTTPException as known:
        return failed(known.status_code, known.headers)
    except StoreError as away:
        _log.warning("%s: %s", request.scope["method"], type(away).__name__)
        return failed(_BUSY, {"retry-after": str(RETRY_SECONDS)})
    except InputError as wrong:
        _log.warning("%s: %s", request.scope["method"], type(wrong).__name__)
        return failed(_BAD)
    except Exception as bug:  # noqa: BLE001 (whatever it is, an OperationOutcome says so)
        where = "".join(traceback.format_tb(bug.__traceback__))
        _log.error("%s: %s\n%s", request.scope["method"], type(bug).__name__, where)
        return failed(_FAULT)


async def on_http_error(_request: Request, error: Exception) -> Response:
    """Answers for Starlette's own 404 and 405."""
    status = error.status_code if isinstance(error, HTTPException) else _FAULT
    headers = error.headers if isinstance(error, HTTPException) else None
    return failed(status, headers)
