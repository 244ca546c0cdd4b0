"""
Sending to other systems over HTTP: the SAS (INT_R03) or any FHIR server, and reading their slots.

One door for ``httpx``. Certificates, time limits and sizes are the caller's or stated here; nothing
of an answer's body is repeated in an error.
"""

import ssl
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from http import HTTPStatus
from typing import Any, Self
from urllib.parse import quote
from zoneinfo import ZoneInfo

import httpx

from slotengine.adapters import out_fhir
from slotengine.adapters.sas_appointment import appointment, encoded, prefixed
from slotengine.adapters.sas_times import written
from slotengine.adapters.sas_urls import PERSONS
from slotengine.destinations import THIS_MACHINE, Notice, Outgoing
from slotengine.domain import TimeWindow
from slotengine.errors import DeliveryError, InputError

SECONDS = 7.0
"""Time limit of a call: the SAS drops answers after 7 s (its annexes), and so do we."""

MAX_ANSWER_BYTES = 16 * 1024 * 1024
"""Of another vendor's answer: 25 practitioners over 72 h are some 2 MB. Our choice."""

MAX_PRACTITIONERS = 25
"""In one search (SAS, INT_R01)."""

LONGEST_WAIT = timedelta(hours=6)
"""The most that ``Retry-After`` may ask for. Our choice."""

TRY_AGAIN = frozenset(
    {
        HTTPStatus.REQUEST_TIMEOUT,
        HTTPStatus.TOO_EARLY,
        HTTPStatus.TOO_MANY_REQUESTS,
        HTTPStatus.CONFLICT,
        # A certificate being renewed, a proxy being mended: the message is not at fault.
        HTTPStatus.UNAUTHORIZED,
        HTTPStatus.FORBIDDEN,
        HTTPStatus.NOT_FOUND,
    }
)
"""Refusals that may pass; every 5xx may."""

FHIR_JSON = "application/fhir+json"
SAS_JSON = "application/json+fhir"
"""What the SAS guide writes (sic); servers may expect either."""


@dataclass(frozen=True, slots=True)
class Tls:
    """Our client certificate for mTLS and the authority that signed the other side's."""

    cert: str | None = None
    key: str | None = None
    authority: str | None = None

    def context(self) -> ssl.SSLContext:
        """
        Gives the context of a connection, TLS 1.2 at least.

        Raises
        ------
        InputError
            When a file can't be read or does not fit its key.
        """
        try:
            made = ssl.create_default_context(cafile=self.authority)
            made.minimum_version = ssl.TLSVersion.TLSv1_2
            if self.cert is not None:
                made.load_cert_chain(self.cert, self.key)
        except OSError as unreadable:  # ssl.SSLError is one too
            raise InputError("the certificate, its key or the authority can't be read") from (
                unreadable
            )
        return made


def client(base: str, *, tls: Tls | None = None, transport: Any = None) -> httpx.Client:  # noqa: ANN401 (httpx's own; for tests)
    """
    Gives a client of a FHIR server; redirects are not followed.

    Raises
    ------
    InputError
        When the URL is neither https nor of this machine: what is sent must not be read by others.
    """
    url = httpx.URL(base.rstrip("/") + "/")
    if url.scheme != "https" and url.host not in THIS_MACHINE:
        raise InputError("a destination's URL begins with https://")
    return httpx.Client(
        base_url=url,
        verify=(tls or Tls()).context(),
        timeout=SECONDS,
        follow_redirects=False,
        transport=transport,
        headers={"Accept": f"{FHIR_JSON}, {SAS_JSON};q=0.9"},
    )


Renderer = Callable[[Notice], dict[str, Any]]


@dataclass(frozen=True, slots=True)
class FhirChannel:
    """
    Tells a FHIR server of bookings: ``PUT Appointment?identifier=system|booking``.

    The same message again changes nothing there, and an unknown one is created (SAS, INT_R03).
    """

    http: httpx.Client
    resource: Renderer
    content_type: str = FHIR_JSON

    @classmethod
    def of_sas(cls, http: httpx.Client, *, system: str, zone: ZoneInfo) -> Self:
        """Gives the channel to the SAS; ``system`` is the OID or URL that numbers our bookings."""
        return cls(http, lambda notice: appointment(notice, system=system, zone=zone), SAS_JSON)

    @classmethod
    def of_server(cls, http: httpx.Client, *, system: str, zone: ZoneInfo) -> Self:
        """Gives the channel to a plain FHIR R4 server; patients are not named."""
        return cls(http, lambda notice: out_fhir.appointment(notice, system=system, zone=zone))

    def render(self, message: Outgoing) -> bytes:
        """Gives the Appointment's bytes."""
        return encoded(self.resource(message.notice))

    def send(self, message: Outgoing, body: bytes) -> None:
        """
        Puts it; 200 and 201 mean taken.

        Raises
        ------
        DeliveryError
            Permanent when the server refuses the message itself (400, 422 and their like).
        """
        (number,) = self.resource(message.notice)["identifier"]
        which = quote(f"{number['system']}|{number['value']}", safe=":")
        try:
            answer = self.http.put(
                f"Appointment?identifier={which}",
                content=body,
                headers={"Content-Type": self.content_type},
            )
        except httpx.HTTPError as lost:
            # Whether it arrived nobody knows; sent again it changes nothing.
            raise DeliveryError(f"no answer ({type(lost).__name__})") from lost
        if answer.status_code in {HTTPStatus.OK, HTTPStatus.CREATED}:
            return
        passing = answer.status_code in TRY_AGAIN or answer.is_server_error
        raise DeliveryError(
            f"answered {answer.status_code}", permanent=not passing, after=_asked_pause(answer)
        )


def _asked_pause(answer: httpx.Response) -> timedelta:
    """Gives what ``Retry-After`` asks for in seconds; a date there is left alone."""
    asked = answer.headers.get("Retry-After", "")
    seconds = int(asked) if asked.isascii() and asked.isdigit() else 0
    return min(timedelta(seconds=min(seconds, 10**6)), LONGEST_WAIT)


def read_slots(
    http: httpx.Client,
    practitioners: Sequence[str],
    window: TimeWindow,
    *,
    zone: ZoneInfo,
    cpts: bool = False,
) -> Iterator[bytes]:
    """
    Gives another vendor's answers to ``GET /Slot``, one Bundle for 25 practitioners at a time.

    ``slotengine.adapters.agenda_fhir`` reads them. ``cpts`` asks for the CPTS of slots too.

    Raises
    ------
    DeliveryError
        When the vendor does not answer 200, too late or too much.
    """
    ids = sorted(set(practitioners))
    for start in range(0, len(ids), MAX_PRACTITIONERS):
        batch = ids[start : start + MAX_PRACTITIONERS]
        yield _asked(http, _query(batch, window, zone=zone, cpts=cpts))


def _query(ids: Sequence[str], window: TimeWindow, *, zone: ZoneInfo, cpts: bool) -> str:
    includes = ["_include=Slot:schedule", "_include:iterate=Schedule:actor"]
    if cpts:
        includes += [
            "_include=Slot:service-type-reference",
            "_include:iterate=HealthcareService:organization",
        ]
    named = ",".join(f"{PERSONS}|{prefixed(id_)}" for id_ in ids)
    return "&".join(
        [
            *includes,
            *(
                f"start={bound}{quote(written(at, zone))}"
                for bound, at in (("ge", window.start), ("le", window.end))
            ),
            f"schedule.actor:Practitioner.identifier={quote(named, safe=':,')}",
            "status=free",
        ]
    )


def _asked(http: httpx.Client, query: str) -> bytes:
    held = bytearray()
    try:
        with http.stream("GET", f"Slot?{query}") as answer:
            if answer.status_code != HTTPStatus.OK:
                passing = answer.status_code in TRY_AGAIN or answer.is_server_error
                raise DeliveryError(f"answered {answer.status_code}", permanent=not passing)
            for piece in answer.iter_bytes():
                held += piece
                if len(held) > MAX_ANSWER_BYTES:
                    raise DeliveryError("answered more than is read", permanent=True)
    except httpx.HTTPError as lost:
        raise DeliveryError(f"no answer ({type(lost).__name__})") from lost
    return bytes(held)
