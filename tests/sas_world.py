"""A small world that is shown to the SAS: doctors, places, roles, and what a request asks."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from builders import NOW, policy, practitioner, site, slot

from slotengine.codes import Audience
from slotengine.directory import Address, Role, Structure
from slotengine.domain import Practitioner, Site, Slot
from slotengine.engine import Engine

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
