"""A territory's policies, every one kept, and the clock that never runs backwards."""

from datetime import datetime, timedelta
from functools import lru_cache

from sqlalchemy import Connection, bindparam, or_, select, update

from slotengine import tables
from slotengine.domain import Actor
from slotengine.errors import ClockError, UnknownTerritoryError
from slotengine.policy import Policy
from slotengine.store_events import Events


@lru_cache(maxsize=64)
def _policy(body: str) -> Policy:
    # A policy is frozen and read by every verb: parsing it costs more than the query.
    return Policy.model_validate_json(body)


_PRESENT = (
    select(tables.policy.c.body, tables.territory.c.high_water)
    .join(
        tables.territory,
        (tables.territory.c.territory == tables.policy.c.territory)
        & (tables.territory.c.policy_digest == tables.policy.c.digest),
    )
    .where(tables.territory.c.territory == bindparam("mine"))
)

_SEEN = select(tables.territory.c.high_water).where(
    tables.territory.c.territory == bindparam("mine")
)

_AT = bindparam("at", type_=tables.territory.c.high_water.type)

_RAISE = (
    update(tables.territory)
    .where(
        tables.territory.c.territory == bindparam("mine"),
        or_(tables.territory.c.high_water.is_(None), tables.territory.c.high_water < _AT),
    )
    .values(high_water=_AT)
)


class Territories(Events):
    """The part of a unit of work that knows territories."""

    def __init__(
        self, connection: Connection, *, now: datetime | None, actor: Actor | None
    ) -> None:
        super().__init__(connection, now=now, actor=actor)
        self._policies: dict[str, Policy] = {}
        self._seen: dict[str, datetime | None] = {}
        self._raised: set[str] = set()

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
        row = self._connection.execute(_PRESENT, {"mine": territory}).first()
        if row is None:
            raise UnknownTerritoryError(territory, self.territories())
        self._seen.setdefault(territory, row.high_water)
        return _policy(row.body)

    def territories(self) -> tuple[str, ...]:
        """Gives the names of all territories, sorted."""
        # Sorted here: a database's collation may order "-" in its own way.
        return tuple(sorted(self._connection.scalars(select(tables.territory.c.territory))))

    def advance_clock(self, territory: str, tolerance: timedelta) -> None:
        """
        Raises the territory's high-water ``now``; ClockError when ``now`` lies behind it.

        Default tolerance is the Policy's: servers' clocks differ by seconds. Further back, an
        expired hold would come to life again on another server.

        Raised at once, before anything else is read: on PostgreSQL the works of a territory then
        come one after the other. Rules that only a ranking asks (tours, groups, the step before,
        linked needs) lean on that; ``take_seat`` asks them of nobody again.
        """
        if territory in self._raised:
            return
        self.policy(territory)
        seen = self._seen[territory]
        given = {"mine": territory}
        if seen is None or seen < self._now:
            if self._connection.execute(_RAISE, given | {"at": self._now}).rowcount:
                self._raised.add(territory)
                return
            # Whoever was waited for raised it further.
            seen = self._connection.scalar(_SEEN, given)
        if seen is not None:
            self._refuse_behind(territory, seen, tolerance)

    def _refuse_behind(self, territory: str, seen: datetime, tolerance: timedelta) -> None:
        if self._now < seen - tolerance:
            raise ClockError(
                f"now is {self._now.isoformat()}, territory {territory} has seen "
                f"{seen.isoformat()}; {tolerance} back is allowed"
            )
