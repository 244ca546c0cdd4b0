"""Small, readable nouns for tests; every default fits every other, and nobody is real."""

import hashlib
from datetime import UTC, datetime, timedelta
from typing import Any

from slotengine.codes import Audience, BookingStatus, Mode, Priority, Profession, SourceKind
from slotengine.destinations import Notice
from slotengine.domain import (
    Location,
    Patient,
    Practitioner,
    Referral,
    Requester,
    Site,
    Slot,
    referral_id,
)
from slotengine.engine import Engine
from slotengine.errors import InputError
from slotengine.policy import Policy

TERRITORY = "giennois"
NOW = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
"""A Monday, 9 h in Paris, inside opening hours."""

TOWN = Location(lat=47.27, lon=-1.62, insee="44114")


NEXT_TOWN_METRES = 5_000
"""To the second practice of ``ready_engine``."""

METRES_PER_DEGREE = 111_195.08
"""Of latitude, on the mean sphere (radius 6,371,009 m)."""


def north_of(place: Location, metres: float) -> Location:
    """Gives a place straight north."""
    return Location(lat=place.lat + metres / METRES_PER_DEGREE, lon=place.lon, insee=place.insee)


def patient(key: str = "p1", **changes: Any) -> Patient:  # noqa: ANN401 (fields of any noun)
    """Gives a patient of the town; who is told by ``key``."""
    fields: dict[str, Any] = {
        "key": hashlib.blake2b(key.encode(), digest_size=16).hexdigest(),
        "location": TOWN,
        "age": 40,
    }
    return Patient(**{**fields, **changes})


def practitioner(id_: str = "d1", **changes: Any) -> Practitioner:  # noqa: ANN401 (fields of any noun)
    """Gives a doctor of general practice."""
    fields: dict[str, Any] = {
        "id": id_,
        "territory": TERRITORY,
        "profession": Profession.PHYSICIAN,
        "specialties": ("SM54",),
    }
    return Practitioner(**{**fields, **changes})


def site(id_: str = "s1", **changes: Any) -> Site:  # noqa: ANN401 (fields of any noun)
    """Gives a practice in the town."""
    fields: dict[str, Any] = {"id": id_, "territory": TERRITORY, "location": TOWN}
    return Site(**{**fields, **changes})


def slot(
    id_: str = "slot1",
    *,
    after_minutes: int = 120,
    minutes: int = 15,
    **changes: Any,  # noqa: ANN401 (fields of any noun)
) -> Slot:
    """Gives a slot of doctor ``d1`` that starts so many minutes after ``NOW``."""
    start = NOW + timedelta(minutes=after_minutes)
    fields: dict[str, Any] = {
        "id": id_,
        "territory": TERRITORY,
        "practitioner": "d1",
        "site": "s1",
        "start": start,
        "end": start + timedelta(minutes=minutes),
        "modes": (Mode.AMB,),
        "audiences": (Audience.CPTS,),
    }
    return Slot(**{**fields, **changes})


def referral(reference: str = "1", **changes: Any) -> Referral:  # noqa: ANN401 (fields of any noun)
    """Gives a pharmacy's referral of a patient of its own, due within 24 hours."""
    source = changes.pop("source", SourceKind.PHARMACY)
    fields: dict[str, Any] = {
        "id": referral_id(changes.get("territory", TERRITORY), source, reference),
        "territory": TERRITORY,
        "source": source,
        "reference": reference,
        "requester": Requester(kind=source),
        "patient": patient(f"patient of {reference}"),
        "professions": (Profession.PHYSICIAN,),
        "priority": Priority.URGENT,
        "deadline": NOW + timedelta(hours=24),
        "max_travel_metres": 30_000,
        "received_at": NOW,
    }
    return Referral(**{**fields, **changes})


def notice(**changes: Any) -> Notice:  # noqa: ANN401 (fields of any noun)
    """Gives what others are told of a confirmed booking two hours after ``NOW``."""
    fields: dict[str, Any] = {
        "territory": TERRITORY,
        "booking": "b-1",
        "sequence": 1,
        "status": BookingStatus.CONFIRMED,
        "referral": "r-1",
        "source": SourceKind.SAMU,
        "practitioner": "10002909371",
        "site": "s1",
        "slot": "soon",
        "mode": Mode.AMB,
        "start": NOW + timedelta(hours=2),
        "end": NOW + timedelta(hours=2, minutes=15),
        "created": NOW,
        "changed": NOW,
    }
    return Notice(**{**fields, **changes})


def policy(**changes: Any) -> Policy:  # noqa: ANN401 (fields of any noun)
    """Gives the territory's rules: the defaults but for what is changed."""
    return Policy(**{"territory": TERRITORY, **changes})


def ready_engine(*slots: Slot, url: str = "sqlite://", **rules: Any) -> Engine:  # noqa: ANN401 (fields of any noun)
    """
    Gives an engine with a territory, two doctors and these slots; default three of theirs.

    In memory unless ``url`` says otherwise; ``rules`` change its Policy. Close it with ``dispose``,
    or use it in a ``with``.

    Examples
    --------
    >>> with ready_engine() as engine:
    ...     placed = engine.place(referral("1"), now=NOW)
    ...     placed.booking.slot
    'soon'
    """
    engine = Engine.open(url)
    engine.set_policy(policy(**rules), now=NOW)
    report = engine.publish(
        TERRITORY,
        practitioners=[practitioner("d1"), practitioner("d2")],
        sites=[site("s1"), site("s2", location=north_of(TOWN, NEXT_TOWN_METRES))],
        slots=slots
        or (
            slot("soon"),
            slot("later", after_minutes=180),
            slot("other", after_minutes=200, practitioner="d2", site="s2"),
        ),
        now=NOW,
    )
    if report.rejected:
        engine.dispose()
        raise InputError(f"slot {report.rejected[0].id} was rejected: {report.rejected[0].why}")
    return engine
