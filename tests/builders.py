"""Builders of small, readable nouns for tests: the public ones, and those of the solver."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from slotengine.policy import Policy
from slotengine.problem import Problem
from slotengine.seat_prices import PriceSet, SeatPrice
from slotengine.testing_nouns import (
    NOW,
    TOWN,
    north_of,
    notice,
    patient,
    policy,
    practitioner,
    referral,
    site,
    slot,
)

__all__ = [
    "NOW",
    "TOWN",
    "north_of",
    "notice",
    "patient",
    "policy",
    "practitioner",
    "price_set",
    "problem",
    "referral",
    "site",
    "slot",
]


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
