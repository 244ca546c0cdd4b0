"""Slots that agendas published, found again at the next import."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import select

from slotengine import tables
from slotengine.domain import Practitioner, Site, Slot
from slotengine.store_among import among
from slotengine.store_slots import NOUN, Supply, read_slot


class StoredAgendas(Supply):
    """The part of a unit of work for it: see ``slotengine.ports_agendas``."""

    def slots_named(self, territory: str, prefix: str, *, since: datetime) -> tuple[Slot, ...]:
        """Gives the territory's own slots whose id begins so and that end later, any state."""
        table = tables.slot
        rows = self._connection.execute(
            select(table.c.id, *NOUN).where(
                table.c.territory == territory,
                table.c.ends_at > since,
                table.c.id.startswith(prefix, autoescape=True),
            )
        ).all()
        # Asked again here: SQLite's LIKE takes "a" for "A".
        found = [read_slot(row) for row in rows if row.id.startswith(prefix)]
        return tuple(sorted(found, key=lambda slot: slot.id))

    def slots_of(self, slot_ids: Sequence[str]) -> tuple[Slot, ...]:
        """Gives those of these slots that there are, by id."""
        found = self._stored(slot_ids) if slot_ids else {}
        return tuple(slot for _, slot in sorted(found.items()))

    def why_withdrawn(self, slot_ids: Sequence[str]) -> Mapping[str, str]:
        """Gives why these slots were last withdrawn; those that never were are left out."""
        if not slot_ids:
            return {}
        table = tables.event
        rows = self._connection.execute(
            select(table.c.slot, table.c.why)
            .where(table.c.kind == "slot.withdrawn", among(table.c.slot, slot_ids))
            .order_by(table.c.id)
        ).all()
        return {row.slot: row.why for row in rows}

    def described(
        self, territory: str, practitioners: Sequence[str], sites: Sequence[str]
    ) -> tuple[tuple[Practitioner, ...], tuple[Site, ...]]:
        """Gives those of these practitioners and sites that the territory knows, by id."""
        people = self._bodies(tables.practitioner, {(territory, id_) for id_ in practitioners})
        places = self._bodies(tables.site, {(territory, id_) for id_ in sites})
        return (
            tuple(Practitioner.model_validate_json(body) for _, body in sorted(people.items())),
            tuple(Site.model_validate_json(body) for _, body in sorted(places.items())),
        )
