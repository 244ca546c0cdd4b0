"""
The app of all HTTP doors: a list of routes, and the guard in front of them.

``app`` gives a Starlette application: served by itself, or mounted in a host's Starlette or FastAPI
(``host.mount("/fhir", app(engine, ...))``).
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.routing import BaseRoute, Route

from slotengine.serving_accounts import Accounts, OnAccount
from slotengine.serving_auth import Authenticate
from slotengine.serving_fhir import endpoint, on_http_error
from slotengine.serving_guard import Guard
from slotengine.serving_health import health, ready_door
from slotengine.serving_sas import Clock, Doors
from slotengine.vault import Pseudonymiser

if TYPE_CHECKING:
    from slotengine.engine import Engine

DEFAULT_ZONE = "Europe/Paris"


def routes(
    engine: "Engine",
    *,
    now: Clock,
    zone: ZoneInfo,
    public_url: str | None = None,
    pseudonyms: Pseudonymiser | None = None,
    on_account: OnAccount | None = None,
) -> list[BaseRoute]:
    """
    Gives the routes without a guard; ``app`` puts it in front of them.

    Accounts have a door only where there is a key to hash their mail addresses with.
    """
    doors = Doors(engine, now=now, zone=zone, public_url=public_url)
    found: list[BaseRoute] = [
        # The national platform's own example has a slash at the end of the path.
        *(Route(path, endpoint(doors.slots), methods=["GET"]) for path in ("/Slot", "/Slot/")),
        *(
            Route(path, endpoint(doors.schedules), methods=["GET"])
            for path in ("/Schedule", "/Schedule/")
        ),
        Route("/metadata", endpoint(doors.metadata), methods=["GET"]),
        Route("/health", health, methods=["GET"]),
        Route("/ready", ready_door(engine, doors.gaps.counts), methods=["GET"]),
    ]
    if pseudonyms is not None:
        accounts = Accounts(
            engine, now=now, pseudonyms=pseudonyms, base=doors.base, on_account=on_account
        )
        found.append(Route("/Practitioner", accounts.endpoint, methods=["POST", "PUT"]))
    return found


def app(
    engine: "Engine",
    *,
    now: Clock,
    authenticate: Authenticate | None = None,
    open_reading: bool = False,
    zone: str = DEFAULT_ZONE,
    public_url: str | None = None,
    pseudonyms: Pseudonymiser | None = None,
    on_account: OnAccount | None = None,
    more: Sequence[BaseRoute] = (),
) -> Starlette:
    """
    Gives the application of all doors over an engine.

    Parameters
    ----------
    now
        Gives the present instant, aware.
    authenticate
        Says who is asking. Without it nobody writes, and nobody reads but with ``open_reading``.
    open_reading
        Lets anybody read free slots. Default no.
    zone
        In which a day without an hour is understood. Default Europe/Paris.
    public_url
        Where the app is seen from outside, where a proxy hides it. Default the request's own.
    pseudonyms
        The key that hashes mail addresses of regulators; without it they have no door.
    on_account
        Hears of each account with the whole resource: see ``serving_accounts.OnAccount``.
    more
        Routes of the host or of other parts, behind the same guard.
    """
    doors = routes(
        engine,
        now=now,
        zone=ZoneInfo(zone),
        public_url=public_url,
        pseudonyms=pseudonyms,
        on_account=on_account,
    )
    guard = Middleware(Guard, authenticate=authenticate, open_reading=open_reading)
    found = Starlette(
        routes=[*doors, *more],
        middleware=[guard],
        exception_handlers={HTTPException: on_http_error, Exception: on_http_error},
    )
    # 404 with an OperationOutcome, instead of a redirection to a path with or without a slash.
    found.router.redirect_slashes = False
    return found
