"""A small world that is shown to the SAS: doctors, places, roles, and what a request asks."""

import asyncio
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from builders import NOW, policy, practitioner, site, slot
from httpx import ASGITransport, AsyncClient, Response
from starlette.types import ASGIApp

from slotengine.codes import Audience
from slotengine.directory import Address, Role, Structure
from slotengine.domain import Practitioner, Site, Slot
from slotengine.engine import Engine
from slotengine.serving_app import app
from slotengine.serving_auth import ApiKeys
from slotengine.vault import Pseudonymiser

DOCTOR = "10000000011"
OTHER = "10000000029"
"""Invented; the national platform writes an 8 before them."""

PERSON = "urn:oid:1.2.250.1.71.4.2.1|8"
WEEKDAYS = timedelta(hours=72)
CPTS = Structure(finess="450000013", name="CPTS du Giennois", phone="+33238000000")
EVERYONE = (Audience.PUBLIC, Audience.PRO, Audience.SNP, Audience.CPTS)

PS_INCLUDES = "_include=Slot:schedule&_include:iterate=Schedule:actor"
CPTS_INCLUDES = (
    f"{PS_INCLUDES}&_include=Slot:service-type-reference"
    "&_include:iterate=HealthcareService:organization"
)


def role(practitioner_id: str = DOCTOR, site_id: str = "s1", **changes: Any) -> Role:
    fields: dict[str, Any] = {
        "territory": "giennois",
        "practitioner": practitioner_id,
        "site": site_id,
        "family_name": "Exemple",
        "given_name": "Camille",
        "phone": "+33238111111",
        "structure": "1450000021",
        "address": Address(line="1 rue Inventée", postcode="45500", city="Gien"),
        "booking_url": f"https://agenda.example/{practitioner_id}",
    }
    return Role(**{**fields, **changes})


def offered(id_: str = "slot1", who: str = DOCTOR, **changes: Any) -> Slot:
    return slot(id_, **{"practitioner": who, "audiences": (Audience.PUBLIC,), **changes})


def open_engine(url: str = "sqlite://", **rules: Any) -> Engine:
    engine = Engine.open(url)
    engine.set_policy(policy(structure=CPTS, **rules), now=NOW)
    return engine


def publish(
    engine: Engine,
    *slots: Slot,
    roles: Sequence[Role] | None = None,
    doctors: Sequence[Practitioner] | None = None,
    sites: Sequence[Site] = (),
    territory: str = "giennois",
    now: datetime = NOW,
) -> None:
    people = {one.practitioner for one in slots} or {DOCTOR}
    known = [practitioner(id_, territory=territory) for id_ in sorted(people)]
    places = sites or [site(id_, territory=territory) for id_ in {one.site for one in slots}]
    shown = [role(one.practitioner, one.site, territory=territory) for one in slots]
    report = engine.publish(
        territory,
        practitioners=known if doctors is None else doctors,
        sites=places,
        slots=slots,
        roles=shown if roles is None else roles,
        now=now,
    )
    assert report.rejected == ()


def question(
    *ids: str,
    start: str = "2026-11-23T09:00:00.000%2B01:00",
    end: str = "2026-11-26T09:00:00.000%2B01:00",
    includes: str = PS_INCLUDES,
) -> str:
    """The query of INT_R01 for these ids without their prefix, as the national platform writes."""
    people = ",".join(f"{PERSON}{id_}" for id_ in ids or (DOCTOR,))
    return (
        f"{includes}&start=ge{start}&start=le{end}"
        f"&schedule.actor:Practitioner.identifier={people}&status=free"
    )


KEY = "a key of the tests, long enough and known to nobody"
KEYS = ApiKeys([("tests", hashlib.sha256(KEY.encode()).hexdigest())])
BEARER = {"authorization": f"Bearer {KEY}"}


PARIS = ZoneInfo("Europe/Paris")


class Caller:
    """Calls an app without a network, as a client at an address would."""

    def __init__(
        self, app_: ASGIApp, headers: dict[str, str] | None = None, host: str = "127.0.0.1"
    ) -> None:
        self.app = app_
        self.headers = headers or {}
        self.host = host

    def __call__(self, method: str, path: str, **given: Any) -> Response:
        async def call() -> Response:
            wire = ASGITransport(self.app, client=(self.host, 40_000))
            async with AsyncClient(transport=wire, base_url="https://slots.example") as client:
                headers = {**self.headers, **given.pop("headers", {})}
                return await client.request(method, path, headers=headers, **given)

        return asyncio.run(call())


@dataclass
class Doors:
    """An engine, the app over it, and a client that has a key."""

    engine: Engine
    client: Caller
    now: datetime = NOW
    zone: ZoneInfo = PARIS

    @classmethod
    def open(cls, url: str = "sqlite://", **options: Any) -> "Doors":
        engine = open_engine(url)
        options = {"authenticate": KEYS, "pseudonyms": Pseudonymiser(b"k" * 32), **options}
        doors: list[Doors] = []
        shown = app(engine, now=lambda: doors[0].now, **options)
        client = Caller(shown, BEARER)
        doors.append(cls(engine, client))
        return doors[0]

    def publish(self, id_: str = "slot1", who: str = DOCTOR, **changes: Any) -> Slot:
        """A slot with its role; ``structure`` and other fields of a role are the role's."""
        of_role = {name: changes.pop(name) for name in set(changes) & set(Role.model_fields)
                   if name not in Slot.model_fields}  # fmt: skip
        made = offered(id_, who, **changes)
        roles = [role(who, made.site, territory=made.territory, **of_role)]
        publish(self.engine, made, roles=roles, territory=made.territory, now=self.now)
        return made

    def get(self, path: str, **headers: str) -> Response:
        return self.client("GET", path, headers=headers)

    def ask(self, query: str) -> Any:
        """The Bundle of a query that must be answered."""
        answer = self.client("GET", f"/Slot?{query}")
        assert answer.status_code == 200, answer.text
        return answer.json()

    def ask_place(self, *sirets: str) -> Any:
        answer = self.client("GET", f"/Schedule?{place_question(*sirets)}")
        assert answer.status_code == 200, answer.text
        return answer.json()


def place_question(*sirets: str) -> str:
    """The query of SOS for these SIRET, with their prefix."""
    ids = ",".join(f"urn:oid:1.2.250.1.71.4.2.2%7C{siret}" for siret in sirets)
    return (
        "_revinclude=Slot:schedule&_include=Schedule:actor:Location"
        "&_include:iterate=Location:organization"
        "&_has:Slot:schedule:start=ge2026-11-23T09:00:00+01:00"
        "&_has:Slot:schedule:start=le2026-11-26T09:00:00+01:00"
        f"&_has:Slot:schedule:status=free&actor:Location.organization.identifier={ids}"
    )


def resources(bundle: Any, kind: str) -> list[Any]:
    """Resources of one kind in a Bundle, in its order."""
    found = (entry["resource"] for entry in bundle.get("entry", []))
    return [one for one in found if one["resourceType"] == kind]
