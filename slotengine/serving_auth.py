"""
Who is asking: an API key, or a client certificate that a proxy or our own TLS has verified.

An authenticator gives an ``Actor`` or None; it never raises for what a stranger sends.
"""

import hashlib
import hmac
import re
from collections.abc import Sequence
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from pathlib import Path
from typing import Protocol, Self

from starlette.requests import HTTPConnection

from slotengine.domain import Actor
from slotengine.errors import InputError
from slotengine.serving_names import Subject, actor_id, envoy_subject, parsed

PLATFORM_ROLE = "regulation_platform"
"""Role of who comes with a certificate: the national platform."""

API_ROLE = "api_client"
"""Role of who comes with a key."""

MAX_KEY = 500
"""Characters of a key that are looked at. Our choice."""

PEER = "slotengine.peer"
"""Where the TLS of our own server puts the verified subject, in ``scope["state"]``."""

_LINE = re.compile(r"([A-Za-z0-9_.-]{1,60})\s*[:=]\s*([0-9a-f]{64})")


class Authenticate(Protocol):
    """Says who is asking; a host may bring one of its own."""

    def __call__(self, asked: HTTPConnection) -> Actor | None:
        """Gives the actor, or None for a stranger."""


class ApiKeys:
    """
    Keys of clients, known by their SHA-256 alone.

    A key is long and random, so a fast hash is enough. Each is compared, in constant time, so that
    the answer's time tells nothing.
    """

    def __init__(self, hashes: Sequence[tuple[str, str]]) -> None:
        if not hashes:
            raise InputError("there is no key at all")
        self._hashes = [(name, bytes.fromhex(digest)) for name, digest in hashes]

    def __repr__(self) -> str:
        return f"ApiKeys({len(self._hashes)} hidden)"

    @classmethod
    def from_file(cls, path: Path) -> Self:
        """
        Reads lines ``name: sha256``; empty lines and those with # are left out.

        Raises
        ------
        InputError
            When the file can't be read or a line is neither.
        """
        try:
            lines = path.read_text(encoding="utf-8").splitlines()
        except (OSError, UnicodeDecodeError) as unreadable:
            raise InputError(f"the file of keys {path} can't be read") from unreadable
        found = []
        for number, line in enumerate(lines, 1):
            if not line.strip() or line.lstrip().startswith("#"):
                continue
            read = _LINE.fullmatch(line.strip().lower())
            if read is None:
                raise InputError(f"line {number} of {path} is not `name: sha256`")
            found.append((read[1], read[2]))
        return cls(found)

    def __call__(self, asked: HTTPConnection) -> Actor | None:
        """Reads ``Authorization: Bearer KEY`` or ``X-API-Key: KEY``; two of them are refused."""
        given = [
            value.partition(" ")[2].strip()
            for value in asked.headers.getlist("authorization")
            if value[:7].lower() == "bearer "
        ]
        given += asked.headers.getlist("x-api-key")
        if len(given) != 1 or not 0 < len(given[0]) <= MAX_KEY:
            return None
        digest = hashlib.sha256(given[0].encode()).digest()
        names = [name for name, known in self._hashes if hmac.compare_digest(known, digest)]
        return Actor(role=API_ROLE, id=names[0]) if names else None


class ForwardedCertificate:
    """
    A certificate that a proxy has verified and whose name it forwards.

    Only from the proxies named here: anybody else could write the header. Read are nginx's
    ``X-SSL-Client-S-DN`` with ``X-SSL-Client-Verify: SUCCESS`` and Envoy's
    ``X-Forwarded-Client-Cert``; both at once, or one twice, are refused.

    Parameters
    ----------
    proxies
        Addresses or networks of the proxies, such as ``127.0.0.1`` or ``10.0.0.0/28``.
    clients
        Who may ask.
    """

    def __init__(self, proxies: Sequence[str], clients: Sequence[Subject]) -> None:
        if not proxies or not clients:
            raise InputError("a proxy and a client (CN=...,OU=...) are needed")
        self._proxies = [_network(text) for text in proxies]
        self._clients = tuple(clients)

    def __call__(self, asked: HTTPConnection) -> Actor | None:
        """Gives the platform where the name is one of the clients."""
        if asked.client is None or not self._trusts(asked.client.host):
            return None
        names = asked.headers.getlist("x-ssl-client-s-dn")
        elements = asked.headers.getlist("x-forwarded-client-cert")
        if len(names) + len(elements) != 1:
            return None
        if names:
            verified = asked.headers.getlist("x-ssl-client-verify") == ["SUCCESS"]
            return _platform(names[0], self._clients) if verified else None
        subject = envoy_subject(elements[0])
        return None if subject is None else _platform(subject, self._clients)

    def _trusts(self, host: str) -> bool:
        try:
            address = ip_address(host)
        except ValueError:
            return False
        # A socket of both families writes ::ffff:127.0.0.1.
        plain = getattr(address, "ipv4_mapped", None) or address
        return any(plain in network for network in self._proxies)


class ClientCertificate:
    """A certificate that our own TLS has verified (``serving_tls``): its CN and OU are checked."""

    def __init__(self, clients: Sequence[Subject]) -> None:
        if not clients:
            raise InputError("a client (CN=...,OU=...) is needed")
        self._clients = tuple(clients)

    def __call__(self, asked: HTTPConnection) -> Actor | None:
        """Gives the platform where the name is one of the clients."""
        name = asked.scope.get("state", {}).get(PEER)
        return _known(name, self._clients) if isinstance(name, dict) else None


def _network(text: str) -> IPv4Network | IPv6Network:
    try:
        return ip_network(text)
    except ValueError:
        raise InputError(f"proxy {text!r} is no address and no network") from None


def _platform(text: str, clients: Sequence[Subject]) -> Actor | None:
    name = parsed(text)
    return None if name is None else _known(name, clients)


def _known(name: dict[str, list[str]], clients: Sequence[Subject]) -> Actor | None:
    found = next((client for client in clients if client.names(name)), None)
    return None if found is None else Actor(role=PLATFORM_ROLE, id=actor_id(found.cn))
