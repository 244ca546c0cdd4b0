"""
What the store tells of slots that agendas published.

A part of ``ports.Unit``: each verb runs inside the unit's transaction, like those beside it.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol

from slotengine.domain import Practitioner, Site, Slot


class AgendaSlots(Protocol):
    """Slots found again by the beginning of their ids, and people and places as described."""

    def slots_named(self, territory: str, prefix: str, *, since: datetime) -> tuple[Slot, ...]:
        """Gives the territory's own slots whose id begins so and that end later, any state."""

    def slots_of(self, slot_ids: Sequence[str]) -> tuple[Slot, ...]:
        """Gives those of these slots that there are, by id."""

    def why_withdrawn(self, slot_ids: Sequence[str]) -> Mapping[str, str]:
        """Gives why these slots were last withdrawn; those that never were are left out."""

    def described(
        self, territory: str, practitioners: Sequence[str], sites: Sequence[str]
    ) -> tuple[tuple[Practitioner, ...], tuple[Site, ...]]:
        """Gives those of these practitioners and sites that the territory knows, by id."""
