"""
What a host or a package of adapters needs for its own tests; no test runner is needed.

Nouns of invented people with a default for everything, an engine in memory that is ready to place
them, and the contract that every adapter keeps.
"""

from slotengine.testing_contract import Check, adapter_checks, adapter_contract
from slotengine.testing_nouns import (
    NOW,
    TERRITORY,
    TOWN,
    north_of,
    patient,
    policy,
    practitioner,
    ready_engine,
    referral,
    site,
    slot,
)
from slotengine.testing_subject import Sample, ready_door

__all__ = [
    "NOW",
    "TERRITORY",
    "TOWN",
    "Check",
    "Sample",
    "adapter_checks",
    "adapter_contract",
    "north_of",
    "patient",
    "policy",
    "practitioner",
    "ready_door",
    "ready_engine",
    "referral",
    "site",
    "slot",
]
