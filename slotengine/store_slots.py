"""Slots, practitioners and sites as rows: practitioners and sites written, all three read."""

import json
from collections.abc import Iterable, Sequence
from typing import Any, TypeVar

from sqlalchemy import Table, or_, select
from sqlalchemy.sql.expression import ColumnElement

from slotengine import tables
from slotengine.codes import Audience, SlotState
from slotengine.domain import Practitioner, Site, Slot, TimeWindow, Value
from slotengine.errors import UnknownIdError
from slotengine.store_events import Events, Record, chunks

V = TypeVar("V", bound=Value)

AUDIENCE_BITS = {Audience.PUBLIC: 1, Audience.PRO: 2, Audience.SNP: 4, Audience.CPTS: 8}
"""One bit each, so that a query can ask for any of several; they are stored and never change."""


def audience_mask(audiences: Iterable[Audience]) -> int:
    """
    Gives the bits of several audiences.

    Examples
    --------
    >>> audience_mask([Audience.PUBLIC, Audience.CPTS])
    9
    """
    return sum(AUDIENCE_BITS[one] for one in set(audiences))


def read_slot(row: Record) -> Slot:
    """Gives the noun of a slot's row."""
    body = json.loads(row.body)
    return Slot.model_validate({**body, "state": row.state, "version": row.version})


def starting_in(window: TimeWindow) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    """Gives "starts in the window": its start belongs to it, its end does not."""
    table = tables.slot
    return table.c.starts_at >= window.start, table.c.starts_at < window.end


def slot_row(slot: Slot) -> dict[str, Any]:
    """Gives the row of a slot."""
    return {
        "id": slot.id,
        "territory": slot.territory,
        "practitioner": slot.practitioner,
        "site": slot.site,
        "starts_at": slot.start,
        "ends_at": slot.end,
        "opens_at": slot.opens_at,
        "capacity": slot.capacity,
        "state": slot.state.value,
        "version": slot.version,
        "body": slot.model_dump_json(exclude={"state", "version"}),
        "extra_capacity": slot.extra_capacity,
        "audience_mask": audience_mask(slot.audiences),
    }


class Supply(Events):
    """The part of a unit of work that knows who gives slots, where and when."""

    def put_practitioners(self, values: Sequence[Practitioner]) -> int:
        """Inserts or replaces by (territory, id); gives how many were new or changed."""
        return self._put_bodies(tables.practitioner, values)

    def put_sites(self, values: Sequence[Site]) -> int:
        """Inserts or replaces by (territory, id); gives how many were new or changed."""
        return self._put_bodies(tables.site, values)

    def _put_bodies(self, table: Table, values: Sequence[Practitioner] | Sequence[Site]) -> int:
        wanted = {(value.territory, value.id): value.model_dump_json() for value in values}
        known = self._bodies(table, wanted)
        rows = [
            {"territory": key[0], "id": key[1], "body": body}
            for key, body in sorted(wanted.items())
            if known.get(key) != body
        ]
        if rows:
            insert = self._insert(table)
            self._connection.execute(
                insert.on_conflict_do_update(
                    index_elements=[table.c.territory, table.c.id],
                    set_={"body": insert.excluded.body},
                ),
                rows,
            )
        return len(rows)

    def _bodies(self, table: Table, keys: Iterable[tuple[str, str]]) -> dict[tuple[str, str], str]:
        by_territory: dict[str, set[str]] = {}
        for territory, id_ in keys:
            by_territory.setdefault(territory, set()).add(id_)
        found: dict[tuple[str, str], str] = {}
        for territory, ids in sorted(by_territory.items()):
            for part in chunks(sorted(ids)):
                for row in self._connection.execute(
                    select(table.c.id, table.c.body).where(
                        table.c.territory == territory, table.c.id.in_(part)
                    )
                ):
                    found[territory, row.id] = row.body
        return found

    def slot(self, slot_id: str) -> Slot:
        """Gives one slot, or raises UnknownIdError."""
        row = self._connection.execute(
            select(tables.slot).where(tables.slot.c.id == slot_id)
        ).first()
        if row is None:
            raise UnknownIdError("slot", slot_id)
        return read_slot(row)

    def slots(self, territory: str, window: TimeWindow) -> tuple[Slot, ...]:
        """Gives slots owned by or shared with the territory that start in the window, any state."""
        return self._slots_of(territory, *starting_in(window))

    def offered_slots(
        self, territory: str, window: TimeWindow, audiences: Sequence[Audience]
    ) -> tuple[Slot, ...]:
        """
        Gives the slots that requesters of these audiences may be offered now, by id.

        Open, open for booking, owned by or shared with the territory, starting in the window and
        reserved for one of the audiences: asked in the query, so that others never leave it.
        """
        mask = audience_mask(audiences)
        return self._slots_of(
            territory,
            *starting_in(window),
            *self._bookable(),
            tables.slot.c.audience_mask.op("&")(mask) != 0,
        )

    def _bookable(self) -> tuple[ColumnElement[bool], ...]:
        """Gives "may be booked now"."""
        table = tables.slot
        return (
            table.c.state == SlotState.OPEN.value,
            or_(table.c.opens_at.is_(None), table.c.opens_at <= self._now),
        )

    def _slots_of(self, territory: str, *which: ColumnElement[bool]) -> tuple[Slot, ...]:
        found = self._slot_rows(territory, *which)
        return tuple(read_slot(row) for row in sorted(found, key=lambda row: str(row.id)))

    def _slot_rows(self, territory: str, *which: ColumnElement[bool]) -> list[Record]:
        """Gives the rows of slots owned by or shared with the territory."""
        table, shares = tables.slot, tables.slot_share
        # Two selects: an OR over two tables would keep both indexes from being used.
        owned = select(table).where(table.c.territory == territory, *which)
        shared = (
            select(table)
            .join(shares, shares.c.slot_id == table.c.id)
            .where(shares.c.territory == territory, *which)
        )
        return [row for query in (owned, shared) for row in self._connection.execute(query)]

    def agenda(self, practitioner: str, window: TimeWindow) -> tuple[Slot, ...]:
        """Gives one practitioner's slots that start in the window, by start."""
        table = tables.slot
        rows = self._connection.execute(
            select(table).where(
                table.c.practitioner == practitioner,
                table.c.starts_at >= window.start,
                table.c.starts_at < window.end,
            )
        )
        return tuple(sorted(map(read_slot, rows), key=lambda slot: (slot.start, slot.id)))

    def practitioners(self, slots: Sequence[Slot]) -> tuple[Practitioner, ...]:
        """
        Gives the practitioners of these slots, once for each owner territory of the slots.

        Somebody who gives slots in two territories is given twice, as each of them describes them.
        """
        found = self._bodies(
            tables.practitioner, {(slot.territory, slot.practitioner) for slot in slots}
        )
        return tuple(Practitioner.model_validate_json(body) for _, body in sorted(found.items()))

    def sites(self, slots: Sequence[Slot]) -> tuple[Site, ...]:
        """Gives the sites of these slots, once for each owner territory of the slots."""
        found = self._bodies(tables.site, {(slot.territory, slot.site) for slot in slots})
        return tuple(Site.model_validate_json(body) for _, body in sorted(found.items()))
