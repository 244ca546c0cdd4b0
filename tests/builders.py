"""Builders of small, readable nouns for tests; every default fits every other."""

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from slotengine.codes import Audience, Mode, Priority, Profession, SourceKind
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
from slotengine.policy import Policy
from slotengine.problem import Problem
from slotengine.seat_prices import PriceSet, SeatPrice

NOW = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
"""A Monday, 9 h in Paris, inside opening hours."""

TOWN = Location(lat=47.27, lon=-1.62, insee="44114")


def north_of(place: Location, metres: float) -> Location:
    """Gives a place straight north; one degree of latitude is 111,195 m on the mean sphere."""
    return Location(lat=place.lat + metres / 111_195.08, lon=place.lon, insee=place.insee)


def patient(key: str = "p1", **changes: Any) -> Patient:
    fields: dict[str, Any] = {
        "key": hashlib.blake2b(key.encode(), digest_size=16).hexdigest(),
        "location": TOWN,
        "age": 40,
    }
    return Patient(**{**fields, **changes})


def practitioner(id_: str = "d1", **changes: Any) -> Practitioner:
    fields: dict[str, Any] = {
        "id": id_,
        "territory": "giennois",
        "profession": Profession.PHYSICIAN,
        "specialties": ("SM54",),
    }
    return Practitioner(**{**fields, **changes})


def site(id_: str = "s1", **changes: Any) -> Site:
    fields: dict[str, Any] = {"id": id_, "territory": "giennois", "location": TOWN}
    return Site(**{**fields, **changes})


def slot(
    id_: str = "slot1", *, after_minutes: int = 120, minutes: int = 15, **changes: Any
) -> Slot:
    start = NOW + timedelta(minutes=after_minutes)
    fields: dict[str, Any] = {
        "id": id_,
        "territory": "giennois",
        "practitioner": "d1",
        "site": "s1",
        "start": start,
        "end": start + timedelta(minutes=minutes),
        "modes": (Mode.AMB,),
        "audiences": (Audience.CPTS,),
    }
    return Slot(**{**fields, **changes})


def referral(reference: str = "1", **changes: Any) -> Referral:
    source = changes.pop("source", SourceKind.PHARMACY)
    fields: dict[str, Any] = {
        "id": referral_id(changes.get("territory", "giennois"), source, reference),
        "territory": "giennois",
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


def policy(**changes: Any) -> Policy:
    return Policy(**{"territory": "giennois", **changes})


def problem(**changes: Any) -> Problem:
    fields: dict[str, Any] = {
        "territory": "giennois",
        "as_of": NOW,
        "policy": policy(),
        "practitioners": (practitioner(),),
        "sites": (site(),),
        "slots": (slot(),),
        "referrals": (referral(),),
    }
    return Problem.build(**{**fields, **changes})


def price_set(rules: Policy, of_slot: Mapping[str, int], **changes: Any) -> PriceSet:
    """Prices of these slots under a policy, computed now and valid for two hours."""
    fields: dict[str, Any] = {
        "id": "giennois:one",
        "territory": rules.territory,
        "policy_digest": rules.digest,
        "problem_digest": "0" * 32,
        "forecast_digest": "0" * 32,
        "futures": 1,
        "seed": 0,
        "computed_at": NOW,
        "valid_until": NOW + timedelta(hours=2),
        "free_seats": len(of_slot),
        "expected": 10.0,
        "prices": [SeatPrice(slot=id_, price=price) for id_, price in sorted(of_slot.items())],
    }
    return PriceSet(**{**fields, **changes})
