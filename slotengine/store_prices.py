"""
Prices of seats: sets that are written once and never changed, and which of them is current.

A counter asks for the current set with every referral, and a set has a row for each slot of a
territory: a process keeps the sets that it read last.
"""

import hashlib
import threading
from collections import OrderedDict
from datetime import timedelta

from sqlalchemy import bindparam, delete, or_, select, update

from slotengine import tables
from slotengine.errors import UnknownTerritoryError
from slotengine.seat_prices import PriceSet, SeatPrice
from slotengine.store_events import Record
from slotengine.store_territory import Territories

SETS_KEPT = 4
"""Sets that a process keeps: some 20 MB each for 30,000 slots. Our choice."""

ROWS_KEPT = timedelta(days=7)
"""
How long the prices of a set are kept after it was valid, to answer why an offer was made. Without
an end, 30,000 slots priced hourly would be 260 million rows a year. Our choice.
"""

_FIGURES = (
    *("id", "territory", "policy_digest", "problem_digest", "forecast_digest", "futures", "seed"),
    *("computed_at", "valid_until", "free_seats", "expected", "days_seen"),
)


class _Read:
    """The sets read last, by a digest of all that is in them: two databases may share a process."""

    def __init__(self) -> None:
        self._sets: OrderedDict[str, PriceSet] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, digest: str) -> PriceSet | None:
        with self._lock:
            found = self._sets.get(digest)
            if found is not None:
                self._sets.move_to_end(digest)
            return found

    def keep(self, digest: str, prices: PriceSet) -> None:
        with self._lock:
            self._sets[digest] = prices
            while len(self._sets) > SETS_KEPT:
                self._sets.popitem(last=False)


_READ = _Read()

_CURRENT = (
    select(tables.price_set)
    .join(
        tables.territory,
        (tables.territory.c.territory == tables.price_set.c.territory)
        & (tables.territory.c.price_set == tables.price_set.c.id),
    )
    .where(tables.territory.c.territory == bindparam("mine"))
)
"""Asked with every referral: made once."""


def _sorted(prices: PriceSet) -> PriceSet:
    return prices.replaced(prices=tuple(sorted(prices.prices, key=lambda one: one.slot)))


def _digest(prices: PriceSet) -> str:
    return hashlib.blake2b(prices.model_dump_json().encode(), digest_size=16).hexdigest()


class Prices(Territories):
    """The part of a unit of work that knows prices."""

    def save_prices(self, prices: PriceSet) -> bool:
        """
        Stores a set of prices and makes it the territory's current one.

        Rows first, then one compare-and-set: False when a set computed later is current already
        (the rows stay; nothing reads them). The same figures computed again, under one id, are as
        good as their last computation; an earlier one changes nothing. Prices of other sets are
        dropped ``ROWS_KEPT`` after they were valid, what they were computed from stays.
        """
        given = _sorted(prices)
        if self._write_set(given):
            rows = [
                {
                    "territory": given.territory,
                    "price_set": given.id,
                    "slot_id": one.slot,
                    "price": one.price,
                }
                for one in given.prices
            ]
            if rows:
                self._connection.execute(
                    self._insert(tables.seat_price).on_conflict_do_nothing(), rows
                )
        table = tables.territory
        mine = table.c.territory == given.territory
        current = self._connection.execute(
            update(table)
            .where(mine, or_(table.c.priced_at.is_(None), table.c.priced_at <= given.computed_at))
            .values(price_set=given.id, priced_at=given.computed_at)
        )
        if current.rowcount:
            self._drop_old(given)
            _READ.keep(_digest(given), given)
            self.event(given.territory, "prices.current", why=given.id)
            return True
        if self._connection.scalar(select(table.c.territory).where(mine)) is None:
            raise UnknownTerritoryError(given.territory, self.territories())
        return False

    def _drop_old(self, current: PriceSet) -> None:
        """Drops the prices of sets that nobody asks for any more; what they were of stays."""
        table, sets = tables.seat_price, tables.price_set
        old = select(sets.c.id).where(
            sets.c.territory == current.territory,
            sets.c.valid_until < self._now - ROWS_KEPT,
            sets.c.id != current.id,
        )
        self._connection.execute(
            delete(table).where(table.c.territory == current.territory, table.c.price_set.in_(old))
        )

    def _write_set(self, prices: PriceSet) -> bool:
        """Writes the set without its rows; False when it is there, computed as late or later."""
        table = tables.price_set
        row = {name: getattr(prices, name) for name in _FIGURES}
        row["digest"] = _digest(prices)
        changed = {name: value for name, value in row.items() if name not in {"id", "territory"}}
        written = self._connection.scalar(
            self._insert(table)
            .values(**row)
            .on_conflict_do_update(
                index_elements=[table.c.territory, table.c.id],
                set_=changed,
                where=table.c.computed_at < prices.computed_at,
            )
            .returning(table.c.id)
        )
        return written is not None

    def current_prices(self, territory: str) -> PriceSet | None:
        """Gives the territory's current set of prices, None when there never was one."""
        row = self._connection.execute(_CURRENT, {"mine": territory}).first()
        if row is None:
            return None
        found = _READ.get(row.digest)
        if found is None:
            found = self._read_set(row)
            _READ.keep(row.digest, found)
        return found

    def _read_set(self, row: Record) -> PriceSet:
        table = tables.seat_price
        rows = self._connection.execute(
            select(table.c.slot_id, table.c.price).where(
                table.c.territory == row.territory, table.c.price_set == row.id
            )
        )
        # Sorted here: a database's collation may order "-" in its own way.
        prices = sorted((slot, price) for slot, price in rows)
        return PriceSet(
            **{name: getattr(row, name) for name in _FIGURES},
            prices=tuple(SeatPrice(slot=slot, price=price) for slot, price in prices),
        )
