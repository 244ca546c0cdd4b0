"""
HTTP/1.1 over our own TLS: clients need a certificate, and its name reaches the authenticator.

uvicorn verifies a client certificate and then forgets it: the ASGI scope has no place for it. So
its protocol is taken over here at the one moment when the connection is made, and the subject put
into the state that every request of the connection gets.
"""

import asyncio
import socket
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol

from slotengine.serving_auth import PEER

FIRST_BYTES_SECONDS = 10.0
"""Time for the first request of a connection to arrive, headers and all. Our choice."""

_TYPES = {"commonName": "CN", "organizationalUnitName": "OU"}


class Connection(H11Protocol):
    """One connection: knows the client's certificate, and does not wait for ever."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn's own
        """Notes the subject of the certificate that TLS has verified."""
        super().connection_made(transport)
        # asyncio does this only where the listening socket names its protocol; without it an answer
        # of two parts waits 40 ms for the other side's delayed acknowledgement.
        plain = transport.get_extra_info("socket")
        if plain is not None and plain.family in {socket.AF_INET, socket.AF_INET6}:
            plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        tls: Any = transport.get_extra_info("ssl_object")
        peer = None if tls is None else tls.getpeercert()
        self.app_state = {**self.app_state, PEER: subject_of(peer)}
        self.loop.call_later(FIRST_BYTES_SECONDS, self._give_up)

    def _give_up(self) -> None:
        """Ends a connection on which no request has come whole."""
        if self.cycle is None and not self.transport.is_closing():
            self.transport.close()


def subject_of(certificate: Any) -> dict[str, list[str]] | None:  # noqa: ANN401 (ssl gives nested tuples)
    """
    Gives CN and OU of a verified certificate as ``ssl`` describes it, None where there is none.

    Examples
    --------
    >>> subject_of({"subject": ((("commonName", "sas.example"),),)})
    {'CN': ['sas.example']}
    """
    if not certificate:
        return None
    found: dict[str, list[str]] = {}
    for parts in certificate.get("subject", ()):
        for kind, value in parts:
            if kind in _TYPES:
                found.setdefault(_TYPES[kind], []).append(value)
    return found
