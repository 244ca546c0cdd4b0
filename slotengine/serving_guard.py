"""
The guard in front of every route: no door writes without an authenticated actor, none forgets it.

It stands before the routes, not in them: a route that is added later is guarded already. What may
be read by anybody is listed here; everything else is not on the list.
"""

import json
import logging
from typing import Any

from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from slotengine.adapters.sas_outcomes import of_status
from slotengine.domain import Actor
from slotengine.serving_auth import Authenticate

OPEN_PATHS = frozenset({"/health", "/ready", "/metadata"})
"""Read by anybody: they hold no data."""

READING = frozenset({"GET", "HEAD"})

FHIR_JSON = "application/fhir+json"
ACTOR = "slotengine.actor"
"""Where the actor of a request stands, in ``scope["state"]``."""

MAX_LOGGED_PATH = 100
"""Characters of a path in the log. Our choice."""

MAX_HEADER_BYTES = 16_384
"""Headers of a request together. h11 measures those that come in pieces; here all. Our choice."""

_UNAUTHORISED, _HEADERS_TOO_LARGE = 401, 431

_log = logging.getLogger("slotengine.serving")
_log.addHandler(logging.NullHandler())


def path_of(scope: Scope) -> str:
    """Gives the path below where the app is mounted."""
    path, root = str(scope["path"]), str(scope.get("root_path", ""))
    return path[len(root) :] if root and path.startswith(f"{root}/") else path


def actor_of(scope: Scope) -> Actor | None:
    """Gives who the guard has found."""
    found = scope.get("state", {}).get(ACTOR)
    return found if isinstance(found, Actor) else None


class Guard:
    """
    Lets requests through that may pass, and writes one line of log for each.

    A line has method, path, status and actor: never the query, which may name a regulator.
    """

    def __init__(
        self, app: ASGIApp, *, authenticate: Authenticate | None, open_reading: bool
    ) -> None:
        self._app = app
        self._authenticate = authenticate
        self._open_reading = open_reading

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers 401 by itself; websockets are never opened."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":
            await send({"type": "websocket.close", "code": 1008, "reason": ""})
            return
        actor = self._who(scope)
        # A copy: a server may share one state among its requests.
        scope["state"] = {**scope.get("state", {}), ACTOR: actor}

        async def noting(message: Message) -> None:
            if message["type"] == "http.response.start":
                _log.info(
                    "%s %r %s %s",
                    scope["method"],
                    path_of(scope)[:MAX_LOGGED_PATH],
                    message["status"],
                    "-" if actor is None else actor.id,
                )
            await send(message)

        if sum(len(name) + len(value) for name, value in scope["headers"]) > MAX_HEADER_BYTES:
            await _refuse(noting, _HEADERS_TOO_LARGE)
            return
        if actor is None and not self._is_open(scope):
            await _refuse(noting, _UNAUTHORISED)
            return
        await self._app(scope, receive, noting)

    def _who(self, scope: Scope) -> Actor | None:
        return None if self._authenticate is None else self._authenticate(HTTPConnection(scope))

    def _is_open(self, scope: Scope) -> bool:
        reads = scope["method"] in READING
        return reads and (self._open_reading or path_of(scope) in OPEN_PATHS)


async def _refuse(send: Send, status: int) -> None:
    body = json.dumps(of_status(status)).encode()
    headers: list[Any] = [
        (b"content-type", f"{FHIR_JSON}; charset=utf-8".encode()),
        (b"content-length", str(len(body)).encode()),
    ]
    if status == _UNAUTHORISED:
        headers.append((b"www-authenticate", b"Bearer"))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
