"""A territory's policies, every one kept, and the clock that never runs backwards."""

from datetime import datetime, timedelta
from functools import lru_cache

from sqlalchemy import Connection, or_, select, update

from slotengine import tables
from slotengine.domain import Actor
from slotengine.errors import ClockError, UnknownTerritoryError
from slotengine.policy import Policy
from slotengine.store_events import Events


@lru_cache(maxsize=64)
def _policy(body: str) -> Policy:
    # A policy is frozen and read by every verb: parsing it costs more than the query.
    return Policy.model_validate_json(body)


class Territories(Events):
    """The part of a unit of work that knows territories."""

    def __init__(
        self, connection: Connection, *, now: datetime | None, actor: Actor | None
    ) -> None:
        super().__init__(connection, now=now, actor=actor)
        self._policies: dict[str, Policy] = {}

    def save_policy(self, policy: Policy) -> None:
        """Makes ``policy`` the territory's, creating the territory; older versions stay stored."""
        table, body = tables.territory, policy.model_dump_json()
        self._policies.pop(policy.territory, None)
        self._connection.execute(
            self._insert(tables.policy)
            .values(
                territory=policy.territory,
                digest=policy.digest,
                version=policy.version,
                saved_at=self._now,
                body=body,
            )
            .on_conflict_do_nothing()
        )
        self._connection.execute(
            self._insert(table)
            .values(territory=policy.territory, policy_digest=policy.digest)
            .on_conflict_do_update(
                index_elements=[table.c.territory], set_={"policy_digest": policy.digest}
            )
        )

    def policy(self, territory: str) -> Policy:
        """
        Gives the territory's present policy, or raises UnknownTerritoryError.

        The same all through a piece of work: it is decided under one policy, not under two.
        """
        known = self._policies.get(territory)
        if known is None:
            known = self._policies[territory] = self._present_policy(territory)
        return known

    def _present_policy(self, territory: str) -> Policy:
        """Gives the policy as it stands now, under the locks that are held."""
        table, present = tables.policy, tables.territory
        body = self._connection.scalar(
            select(table.c.body)
            .join(
                present,
                (present.c.territory == table.c.territory)
                & (present.c.policy_digest == table.c.digest),
            )
            .where(present.c.territory == territory)
        )
        if body is None:
            raise UnknownTerritoryError(territory, self.territories())
        return _policy(body)

    def territories(self) -> tuple[str, ...]:
        """Gives the names of all territories, sorted."""
        # Sorted here: a database's collation may order "-" in its own way.
        return tuple(sorted(self._connection.scalars(select(tables.territory.c.territory))))

    def advance_clock(self, territory: str, tolerance: timedelta) -> None:
        """
        Raises the territory's high-water ``now``; ClockError when ``now`` lies behind it.

        Default tolerance is the Policy's: servers' clocks differ by seconds. Further back, an
        expired hold would come to life again on another server.
        """
        table = tables.territory
        mine = table.c.territory == territory
        raised = self._connection.execute(
            update(table)
            .where(mine, or_(table.c.high_water.is_(None), table.c.high_water < self._now))
            .values(high_water=self._now)
        )
        if raised.rowcount:
            return
        seen = self._connection.scalar(select(table.c.high_water).where(mine))
        if seen is None:
            raise UnknownTerritoryError(territory, self.territories())
        if self._now < seen - tolerance:
            raise ClockError(
                f"now is {self._now.isoformat()}, territory {territory} has seen "
                f"{seen.isoformat()}; {tolerance} back is allowed"
            )
