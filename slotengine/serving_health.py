"""Whether the server lives, and whether it can answer: for whoever watches it. No data."""

import json
from collections.abc import Callable

from starlette.requests import Request
from starlette.responses import Response

from slotengine.errors import StoreError
from slotengine.queries import Queries

_OK, _BUSY = 200, 503


def health(_request: Request) -> Response:
    """Answers ``GET /health``: the process lives."""
    return _json({"status": "alive"}, _OK)


def ready_door(
    engine: Queries, left_out: Callable[[], dict[str, int]]
) -> Callable[[Request], Response]:
    """
    Gives the answer to ``GET /ready``: the database answers, and how many territories it has.

    ``left_out`` counts slots that could not be shown, by what they lack.
    """

    def ready(_request: Request) -> Response:
        try:
            territories = len(engine.territories())
        except StoreError as away:
            return _json({"status": "away", "why": type(away).__name__}, _BUSY)
        return _json({"status": "ready", "territories": territories, "left_out": left_out()}, _OK)

    return ready


def _json(document: dict[str, object], status: int) -> Response:
    return Response(json.dumps(document), status_code=status, media_type="application/json")
