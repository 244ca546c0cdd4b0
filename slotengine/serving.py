"""
The HTTP server of all doors: uvicorn with limits, on the loopback unless somebody is asked who.

A host that has a server of its own mounts ``serving_app.app`` instead.
"""

from typing import TYPE_CHECKING

import uvicorn

from slotengine.errors import InputError
from slotengine.serving_app import app
from slotengine.serving_guard import MAX_HEADER_BYTES
from slotengine.serving_listening import Tls, is_loopback
from slotengine.serving_tls import Connection

if TYPE_CHECKING:
    from starlette.applications import Starlette

__all__ = ["app", "check_address", "server"]

MAX_CONCURRENT = 200
"""Connections at once; more are answered 503. The platform asks 3,000 times an hour. Our choice."""

IDLE_SECONDS = 10
"""How long a connection is kept for another request. Our choice."""

STOP_SECONDS = 10
"""How long requests may go on when the server is told to stop; the platform waits 7 s (SAS)."""

BACKLOG = 256
"""Connections that wait to be taken. Our choice."""


def check_address(host: str, *, authenticated: bool) -> None:
    """
    Refuses to listen where others can reach us while nobody is asked who they are.

    Raises
    ------
    InputError
        When the address is not a loopback and there is no authentication.
    """
    if not authenticated and not is_loopback(host):
        raise InputError(
            f"{host} can be reached by others and no authentication is configured: "
            "give keys, a proxy or a client authority, or listen on 127.0.0.1"
        )


def server(
    application: "Starlette", *, host: str, port: int, authenticated: bool, tls: Tls | None = None
) -> uvicorn.Server:
    """
    Gives a server that is ready to run; ``run()`` serves until SIGINT or SIGTERM.

    It never believes ``X-Forwarded-For``: who the proxy is must stay known. Port 0 takes any.

    Raises
    ------
    InputError
        When the address is not a loopback and nobody is authenticated, or TLS can't be set up.
    """
    check_address(host, authenticated=authenticated)
    config = uvicorn.Config(
        application,
        host=host,
        port=port,
        http=Connection,
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        limit_concurrency=MAX_CONCURRENT,
        timeout_keep_alive=IDLE_SECONDS,
        timeout_graceful_shutdown=STOP_SECONDS,
        h11_max_incomplete_event_size=MAX_HEADER_BYTES,
        backlog=BACKLOG,
    )
    config.load()
    if tls is not None:
        config.ssl = tls.context()
    return uvicorn.Server(config)
