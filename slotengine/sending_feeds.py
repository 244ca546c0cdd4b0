"""
Fetching an agenda's feed: one URL, https, no redirects, a limit of time and of size.

The URL of a calendar's feed is a secret (whoever has it reads the calendar), so no error repeats
it.
"""

import time
from collections.abc import Callable
from http import HTTPStatus
from typing import Any

import httpx

from slotengine.adapters.base import MAX_DOCUMENT_BYTES
from slotengine.errors import DeliveryError
from slotengine.sending import client

SECONDS = 60.0
"""For all of a feed. Our choice."""


def fetch(
    url: str,
    *,
    transport: Any = None,  # noqa: ANN401 (httpx's own; for tests)
    elapsed: Callable[[], float] = time.monotonic,
) -> bytes:
    """
    Gives the bytes of a feed.

    Raises
    ------
    InputError
        When the URL is neither https nor of this machine.
    DeliveryError
        When the other side answers anything but 200, too slowly or too much.
    """
    held = bytearray()
    began = elapsed()
    with client(url, transport=transport) as http:
        try:
            with http.stream("GET", url, headers={"Accept": "*/*"}) as answer:
                if answer.status_code != HTTPStatus.OK:
                    raise DeliveryError(f"the feed answered {answer.status_code}")
                for piece in answer.iter_bytes():
                    held += piece
                    if len(held) > MAX_DOCUMENT_BYTES:
                        raise DeliveryError(
                            f"the feed has more than {MAX_DOCUMENT_BYTES} bytes", permanent=True
                        )
                    if elapsed() - began > SECONDS:
                        raise DeliveryError(f"the feed took more than {SECONDS:.0f} s")
        except (httpx.HTTPError, httpx.InvalidURL) as lost:
            # Not its cause: it would show the URL.
            raise DeliveryError(f"no feed ({type(lost).__name__})") from None
    return bytes(held)
