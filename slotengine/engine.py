"""
The engine: the verbs that a host calls. One engine is safe in many threads.

Every changing verb takes ``now`` and ``actor`` and is one transaction: it happens with its events,
or not at all. "No slot fits" is an answer; the world saying no is a ``BookingError``.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Self

from slotengine import offering, opening, pathways, planning, receiving, supplying
from slotengine.adapters.base import Intake
from slotengine.answers import PlanReport, PublishReport, Receipt, Received, WithdrawReport
from slotengine.data_folder import default_url
from slotengine.directory import Role
from slotengine.domain import Actor, Practitioner, Referral, Site, Slot
from slotengine.policy import Policy
from slotengine.ports_doors import InboxState, Incoming
from slotengine.problem import Limits, TravelMatrix
from slotengine.publishing import Publishing
from slotengine.receiving_steps import Steps
from slotengine.seating import Seating

if TYPE_CHECKING:
    from sqlalchemy import Connection


class Engine(Seating, Publishing):
    """
    Places referrals, plans nights and keeps every promise in one store.

    Parameters
    ----------
    store
        Where promises are kept; ``Engine.open`` makes one from a URL.
    travel
        The host's own travel matrix; default great circle and detour of the Policy.
    """

    @classmethod
    def open(
        cls,
        url: str | None = None,
        *,
        travel: TravelMatrix | None = None,
        schema: str | None = None,
    ) -> Self:
        """
        Opens the database at an SQLAlchemy URL; default one SQLite file in the user's data folder.

        Raises
        ------
        SchemaError
            When the database is older or newer than this library; an embedded SQLite file that is
            older is upgraded instead.
        StoreError
            When the database can't be opened.
        """
        # The store opens SQLAlchemy, which `import slotengine` must not pay for.
        from slotengine.store import SqlStore

        return cls(SqlStore.open(url or default_url(), schema=schema), travel=travel)

    @classmethod
    def upgrade(cls, url: str | None = None, *, schema: str | None = None) -> None:
        """
        Creates the tables at a URL, or brings an older database up to this library's version.

        Raises
        ------
        SchemaError
            When the database is newer than this library.
        """
        from slotengine.store import SqlStore

        store = SqlStore.open(url or default_url(), schema=schema)
        try:
            store.upgrade()
        finally:
            store.close()

    def bound_to(self, connection: "Connection", *, schema: str | None = None) -> "Engine":
        """
        Gives an engine that works inside the host's transaction and never ends it.

        A rollback by the host takes the booking with it; a lost race leaves the transaction usable.
        """
        from slotengine.store import SqlStore

        return Engine(SqlStore.bound(connection, schema=schema), travel=self._travel)

    def dispose(self) -> None:
        """Gives every connection back; ``close`` is what one does to a booking."""
        self._store.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.dispose()

    # --- the territory and its slots ---

    def set_policy(self, policy: Policy, *, now: datetime, actor: Actor | None = None) -> None:
        """
        Makes ``policy`` its territory's from now on; the territory is created if it is new.

        Raises
        ------
        PolicyError
            When its holiday subdivision is unknown: better now than at a deadline.
        """
        opening.is_holiday(policy, now.date())
        self._store.write(lambda unit: unit.save_policy(policy), now=now, actor=actor)

    def publish(
        self,
        territory: str,
        *,
        practitioners: Sequence[Practitioner] = (),
        sites: Sequence[Site] = (),
        slots: Sequence[Slot] = (),
        roles: Sequence[Role] = (),
        now: datetime,
        actor: Actor | None = None,
    ) -> PublishReport:
        """
        Takes over practitioners, sites, slots and who works where; repeating it changes nothing.

        A slot with bookings is never changed under them: it comes back as rejected, with why.

        Raises
        ------
        UnknownTerritoryError
            When the territory has no policy yet.
        InputError
            When a value is of another territory; nothing is written then.
        """
        return self._store.write(
            lambda unit: supplying.publish(
                unit,
                territory,
                practitioners=practitioners,
                sites=sites,
                slots=slots,
                roles=roles,
            ),
            now=now,
            actor=actor,
        )

    def withdraw(
        self,
        slot_ids: Sequence[str],
        *,
        reason: str,
        now: datetime,
        actor: Actor | None = None,
    ) -> WithdrawReport:
        """Takes slots back; a patient on one is an incident and is seated again if a seat fits."""
        return self._store.write(
            lambda unit: supplying.withdraw(
                unit, slot_ids, why=reason, now=now, matrix=self._travel
            ),
            now=now,
            actor=actor,
        )

    # --- referrals ---

    def refer(self, referral: Referral, *, now: datetime, actor: Actor | None = None) -> Receipt:
        """
        Receives a referral; the same message again gives its present state and writes nothing.

        A red flag is stored as refused, with "call 15" as its reason; outside opening hours the
        receipt names the service that is open. A referral that names a pathway starts it:
        ``refer_pathway`` gives the receipts of all its steps.

        Raises
        ------
        ReferralConflictError
            When the reference is known with other content: ``amend`` is the way.
        ReferralPastError
            When its deadline or all its windows are past.
        """
        steps = self._steps(now)
        return self._store.write(lambda unit: steps.refer(unit, referral), now=now, actor=actor)

    def refer_pathway(
        self, referral: Referral, code: str, *, now: datetime, actor: Actor | None = None
    ) -> tuple[Receipt, ...]:
        """
        Receives the first step of a pathway of the Policy and makes the referrals of all steps.

        One transaction; the same message again writes nothing. Later steps have the reference of
        the first with "/2", "/3", and are due within their longest time after the one before.

        Raises
        ------
        InputError
            When the Policy has no such pathway, or the referral is a step or in a group already.
        """
        return self._store.write(
            lambda unit: tuple(
                offering.answered(receipt, unit.policy(referral.territory), now=now)
                for receipt in pathways.receive_pathway(unit, referral, code, now=now)
            ),
            now=now,
            actor=actor,
        )

    def amend(self, referral: Referral, *, now: datetime, actor: Actor | None = None) -> Receipt:
        """
        Replaces what a referral asks for.

        A held or promised seat that no longer fits is given back, and held for one of those who
        wait; a confirmed one stays, and the receipt names the rule it breaks.
        """
        steps = self._steps(now)
        return self._store.write(lambda unit: steps.amend(unit, referral), now=now, actor=actor)

    def cancel_referral(
        self, referral_id: str, *, reason: str, now: datetime, actor: Actor | None = None
    ) -> Receipt:
        """
        Closes a referral and gives its seat back; repeating it changes nothing.

        Later steps of its pathway are closed with it. The seats are held for those who wait.
        """
        steps = self._steps(now)
        return self._store.write(
            lambda unit: steps.cancel(unit, referral_id, reason), now=now, actor=actor
        )

    def receive(
        self, intakes: Iterable[Intake], *, now: datetime, actor: Actor | None = None
    ) -> tuple[Received, ...]:
        """
        Takes what an adapter has read: one answer each, in order, all in one transaction.

        The same message again changes nothing. One about a referral that has not come yet is kept
        and applied with it; one written before the newest applied one about its referral changes
        nothing any more. What the engine refuses is an answer; the others are written. Large
        payloads come in ``receiving.batches``.

        Raises
        ------
        InputError
            When one is a ``Rejected``: those are for their sender, leave them out.
        """
        messages = receiving.messages_of(intakes)
        steps = self._steps(now)
        return self._store.write(
            lambda unit: receiving.receive(unit, messages, steps), now=now, actor=actor
        )

    def waiting_messages(
        self, territory: str, *, states: Sequence[InboxState] = ("waiting",), limit: int = 1000
    ) -> tuple[Incoming, ...]:
        """
        Gives messages that wait for the referral they are about, those that came first before.

        Without what they say. ``states`` asks for others: superseded, refused, applied.
        """
        found = self._store.read(lambda unit: unit.messages_in(territory, states, limit))
        return tuple(one.replaced(body="") for one in found)

    def _steps(self, now: datetime) -> Steps:
        return Steps(now=now, matrix=self._travel, ask_who_waits=self._ask_who_waits)

    # --- the night, and why ---

    def plan(
        self,
        territory: str,
        horizon: timedelta | None = None,
        *,
        now: datetime,
        limits: Limits | None = None,
        seed: int = 0,
        actor: Actor | None = None,
    ) -> PlanReport:
        """
        Plans the territory's waiting referrals over a horizon (default the Policy's), with proof.

        Confirmed, told and held seats are pinned. What is written is promised: the seat is blocked
        and may move until the patient is told. A seat that the day took while we solved comes back
        as a conflict, with the seat found instead.

        Raises
        ------
        PlanRejectedError
            When the independent check finds a violation; nothing is written.
        SolverTimeoutError
            When nothing usable was found within ``limits``.
        """
        bounds = limits or Limits()
        self._store.write(lambda unit: planning.prepare(unit, territory), now=now, actor=actor)
        problem, left_out = self._night(territory, horizon, now=now)
        plan = planning.solved(problem, limits=bounds, seed=seed)
        conflicts = self._store.write(
            lambda unit: planning.commit(unit, problem, plan, now=now, matrix=self._travel),
            now=now,
            actor=actor,
        )
        return planning.report(problem, plan, left_out=left_out, conflicts=conflicts)
