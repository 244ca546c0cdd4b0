"""Translators between outside payloads and the nouns of slotengine."""

from slotengine.adapters.base import (
    Adapter,
    Amend,
    Bounds,
    Cancel,
    Intake,
    New,
    Outcome,
    Rejected,
)
from slotengine.adapters.kinds import Kind
from slotengine.adapters.profiles import PROFILES
from slotengine.adapters.sources import adapter_for

__all__ = [
    "PROFILES",
    "Adapter",
    "Amend",
    "Bounds",
    "Cancel",
    "Intake",
    "Kind",
    "New",
    "Outcome",
    "Rejected",
    "adapter_for",
]
