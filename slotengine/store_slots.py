"""Slots, practitioners and sites as rows: practitioners and sites written, all three read."""

import json
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Any, TypeVar

from sqlalchemy import CompoundSelect, Select, Table, bindparam, or_, select, union_all
from sqlalchemy.sql.expression import ColumnElement

from slotengine import tables
from slotengine.codes import Audience, SlotState
from slotengine.domain import Practitioner, Site, Slot, TimeWindow, Value
from slotengine.errors import UnknownIdError
from slotengine.store_among import among, among_given
from slotengine.store_events import Events, Record, Statement

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


SLOTS_KEPT = 8_192
SUPPLY_KEPT = 4_096
"""
Slots, and practitioners or sites, that a process keeps as nouns: those of a dozen territories, some
20 MB. Reading one again costs more than its query. Our choice.
"""


NOUN = (tables.slot.c.body, tables.slot.c.state, tables.slot.c.version)
"""All that a slot's noun is made of."""


def read_slot(row: Record) -> Slot:
    """Gives the noun of a slot's row."""
    return _slot(row.body, row.state, row.version)


# A noun is frozen and the key is all that it is made of, so a kept one is never out of date.
@lru_cache(maxsize=SLOTS_KEPT)
def _slot(body: str, state: str, version: int) -> Slot:
    return Slot.model_validate({**json.loads(body), "state": state, "version": version})


@lru_cache(maxsize=SUPPLY_KEPT)
def _practitioner(body: str) -> Practitioner:
    return Practitioner.model_validate_json(body)


@lru_cache(maxsize=SUPPLY_KEPT)
def _site(body: str) -> Site:
    return Site.model_validate_json(body)


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


_TABLE, _SHARES = tables.slot, tables.slot_share
_INSTANT = _TABLE.c.starts_at.type

_NOW = bindparam("now", type_=_INSTANT)

BOOKABLE = (
    _TABLE.c.state == SlotState.OPEN.value,
    or_(_TABLE.c.opens_at.is_(None), _TABLE.c.opens_at <= _NOW),
)
"""May be booked now."""

_STARTING = (
    _TABLE.c.starts_at >= bindparam("begins", type_=_INSTANT),
    _TABLE.c.starts_at < bindparam("ends", type_=_INSTANT),
)


def _of_territory(
    *which: ColumnElement[bool], columns: Sequence[ColumnElement[Any]] = ()
) -> CompoundSelect[Any]:
    """Gives the question after slots owned by or shared with a territory, ``mine``."""
    wanted = select(*(columns or _TABLE.c))
    mine: Statement = bindparam("mine")
    # A union: an OR over two tables would keep both indexes from being used. None is in both,
    # a slot can't be shared with its own territory.
    owned = wanted.where(_TABLE.c.territory == mine, *which)
    shared = wanted.join(_SHARES, _SHARES.c.slot_id == _TABLE.c.id).where(
        _SHARES.c.territory == mine, *which
    )
    return union_all(owned, shared)


_SLOTS = _of_territory(*_STARTING, columns=NOUN)

_OFFERED = _of_territory(
    *_STARTING,
    *BOOKABLE,
    _TABLE.c.audience_mask.op("&")(bindparam("mask", type_=_TABLE.c.audience_mask.type)) != 0,
    columns=NOUN,
)

_ONE = select(*NOUN).where(_TABLE.c.id == bindparam("one"))
_ONE_LOCKED = _ONE.with_for_update(read=True)

_BODIES = {
    table.name: select(table.c.id, table.c.body).where(
        table.c.territory == bindparam("territory"),
        among_given(table.c.id, "ids"),
    )
    for table in (tables.practitioner, tables.site)
}
"""Questions made once: making one takes as long as asking it."""


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
            rows = self._connection.execute(
                _BODIES[table.name], {"territory": territory, "ids": ids}
            ).all()
            found.update(((territory, id_), body) for id_, body in rows)
        return found

    def slot(self, slot_id: str) -> Slot:
        """Gives one slot, or raises UnknownIdError."""
        return self._one_slot(_ONE, slot_id)

    def _locked_slot(self, slot_id: str) -> Slot:
        """Gives one slot as it stands and will stand: nobody may change it until we have ended."""
        # The lock waits for whoever is changing the slot, and then reads what came of it.
        return self._one_slot(_ONE_LOCKED, slot_id)

    def _one_slot(self, statement: Select[Any], slot_id: str) -> Slot:
        row = self._connection.execute(statement, {"one": slot_id}).first()
        if row is None:
            raise UnknownIdError("slot", slot_id)
        return read_slot(row)

    def _stored(self, ids: Iterable[str], *, lock: bool = False) -> dict[str, Slot]:
        """Gives those of the slots that there are, by id; locked in that order."""
        table = tables.slot
        statement = select(table).where(among(table.c.id, ids)).order_by(table.c.id)
        rows: Sequence[Record] = self._connection.execute(
            statement.with_for_update() if lock else statement
        ).all()
        return {row.id: read_slot(row) for row in rows}

    def slots(self, territory: str, window: TimeWindow) -> tuple[Slot, ...]:
        """Gives slots owned by or shared with the territory that start in the window, any state."""
        return self._slots_of(_SLOTS, territory, window, {})

    def offered_slots(
        self, territory: str, window: TimeWindow, audiences: Sequence[Audience]
    ) -> tuple[Slot, ...]:
        """
        Gives the slots that requesters of these audiences may be offered now, by id.

        Open, open for booking, owned by or shared with the territory, starting in the window and
        reserved for one of the audiences: asked in the query, so that others never leave it.
        """
        mask = audience_mask(audiences)
        return self._slots_of(_OFFERED, territory, window, {"now": self._now, "mask": mask})

    def _slots_of(
        self,
        statement: CompoundSelect[Any],
        territory: str,
        window: TimeWindow,
        given: dict[str, Any],
    ) -> tuple[Slot, ...]:
        given |= {"mine": territory, "begins": window.start, "ends": window.end}
        rows = self._connection.execute(statement, given).all()
        found = [_slot(body, state, version) for body, state, version in rows]
        # Sorted here: a database's collation may order "-" in its own way.
        return tuple(sorted(found, key=lambda slot: slot.id))

    def _slot_rows(self, territory: str, *which: ColumnElement[bool]) -> Sequence[Record]:
        """Gives all columns of slots owned by or shared with the territory."""
        given: dict[str, Any] = {"mine": territory}
        if self._at is not None:
            given["now"] = self._at
        return self._connection.execute(_of_territory(*which), given).all()

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
        return tuple(_practitioner(body) for _, body in sorted(found.items()))

    def sites(self, slots: Sequence[Slot]) -> tuple[Site, ...]:
        """Gives the sites of these slots, once for each owner territory of the slots."""
        found = self._bodies(tables.site, {(slot.territory, slot.site) for slot in slots})
        return tuple(_site(body) for _, body in sorted(found.items()))
