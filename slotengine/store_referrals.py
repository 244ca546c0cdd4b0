"""Referrals: found by what makes them unique, moved along ``transitions`` and nowhere else."""

import json
from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import Connection, Update, bindparam, select, update

from slotengine import tables
from slotengine.codes import BookingStatus, ReferralState, SourceKind
from slotengine.domain import Actor, Referral
from slotengine.errors import InputError, TransitionError, UnknownIdError
from slotengine.ports import StoredReferral
from slotengine.ports_doors import Added
from slotengine.store_among import among_given
from slotengine.store_events import Record, Statement, inserting
from slotengine.store_promises import Promises
from slotengine.transitions import REFERRAL_AFTER, REFERRAL_STEPS, UNPLACED

OVER = (ReferralState.CLOSED, ReferralState.REFUSED)
"""States that nothing leaves."""

SEATED = frozenset(
    REFERRAL_AFTER[status]
    for status in (BookingStatus.PROMISED, BookingStatus.HELD, BookingStatus.CONFIRMED)
)
"""States that a referral only has through a booking."""

_UNPLACED = sorted(state.value for state in UNPLACED)


def _noun(row: Record) -> Referral:
    return Referral.model_validate({**json.loads(row.body), "state": row.state})


_TABLE = tables.referral

_CONTENT = select(_TABLE.c.body, _TABLE.c.state, _TABLE.c.digest)

_BY_ID = _CONTENT.where(_TABLE.c.id == bindparam("one"))

_BY_MESSAGE = _CONTENT.where(
    _TABLE.c.territory == bindparam("mine"),
    _TABLE.c.source == bindparam("from"),
    _TABLE.c.reference == bindparam("message"),
)

_BY_MESSAGES = _CONTENT.add_columns(_TABLE.c.reference).where(
    _TABLE.c.territory == bindparam("mine"),
    _TABLE.c.source == bindparam("from"),
    among_given(_TABLE.c.reference, "messages"),
)

_OF_PATIENTS = select(_TABLE.c.body, _TABLE.c.state).where(
    _TABLE.c.territory == bindparam("mine"),
    among_given(_TABLE.c.patient_key, "keys"),
    _TABLE.c.state.not_in([state.value for state in OVER]),
)


@cache
def _adding(*, on_postgres: bool) -> Statement:
    insert = inserting(_TABLE, on_postgres=on_postgres)
    return insert.on_conflict_do_nothing().returning(_TABLE.c.id)


def _row(referral: Referral, digest: str) -> dict[str, Any]:
    return {
        "id": referral.id,
        "territory": referral.territory,
        "source": referral.source.value,
        "reference": referral.reference,
        "patient_key": referral.patient.key,
        "priority": referral.priority.value,
        "state": referral.state.value,
        "received_at": referral.received_at,
        "digest": digest,
        "body": referral.model_dump_json(exclude={"state"}),
        "group_id": referral.group,
    }


def _came(values: Iterable[Added]) -> Iterable[dict[str, Any]]:
    """Gives the events of referrals that came in."""
    for referral, _, linked in values:
        about = {"territory": referral.territory, "referral": referral.id}
        yield {**about, "kind": "referral.received"}
        if linked is not None:
            yield {**about, "kind": "referral.linked", "why": linked}


@cache
def _moving(state: ReferralState) -> Update:
    """Gives the statement that moves a referral; a seat ends the first place in line."""
    sources = [s.value for s, steps in REFERRAL_STEPS.items() if state in steps]
    marks: dict[str, Any] = {}
    if state in SEATED:
        marks["first_in_line_at"] = None
    elif state in OVER:
        marks["closed_at"] = bindparam("now", type_=_TABLE.c.closed_at.type)
    return (
        update(_TABLE)
        .where(_TABLE.c.id == bindparam("one"), _TABLE.c.state.in_(sources))
        .values(state=state.value, **marks)
        .returning(_TABLE.c.territory)
    )


class Referrals(Promises):
    """The part of a unit of work that knows referrals."""

    def __init__(
        self, connection: Connection, *, now: datetime | None, actor: Actor | None
    ) -> None:
        super().__init__(connection, now=now, actor=actor)
        # Those that this work added and nobody has seen yet: reading one again says the same.
        self._added: dict[str, StoredReferral] = {}

    def add_referral(self, referral: Referral, digest: str) -> bool:
        """Inserts a referral; False when (territory, source, reference) is already known."""
        added = self._connection.scalar(
            _adding(on_postgres=self._on_postgres), _row(referral, digest)
        )
        if added is None:
            if self.find_referral(referral.territory, referral.source, referral.reference) is None:
                raise InputError(f"referral id {referral.id} belongs to another reference")
            return False
        self._added[referral.id] = StoredReferral(referral=referral, digest=digest)
        self._append(list(_came([Added(referral, digest)])))
        return True

    def add_referrals(self, values: Sequence[Added]) -> int:
        """
        Inserts referrals with their events in one statement each; gives how many were new.

        Where that is not all of them the caller undoes the rest: which one was known is not told.
        """
        if not values:
            return 0
        # As RETURNING: no driver of ours counts the rows of many inserts alike.
        added = self._connection.scalars(
            _adding(on_postgres=self._on_postgres),
            [_row(referral, digest) for referral, digest, _ in values],
        ).all()
        self._append(list(_came(values)))
        return len(added)

    def find_referral(
        self, territory: str, source: SourceKind, reference: str
    ) -> StoredReferral | None:
        """Finds a referral by what makes it unique."""
        row = self._connection.execute(
            _BY_MESSAGE, {"mine": territory, "from": source.value, "message": reference}
        ).first()
        return None if row is None else StoredReferral(referral=_noun(row), digest=row.digest)

    def find_referrals(
        self, territory: str, source: SourceKind, references: Sequence[str]
    ) -> dict[str, StoredReferral]:
        """Finds referrals of one source by reference; those that are not known are left out."""
        given = {"mine": territory, "from": source.value, "messages": references}
        return {
            row.reference: StoredReferral(referral=_noun(row), digest=row.digest)
            for row in self._connection.execute(_BY_MESSAGES, given)
        }

    def stored_referral(self, referral_id: str) -> StoredReferral:
        """Gives one referral, or raises UnknownIdError."""
        if referral_id in self._added:
            return self._added[referral_id]
        row = self._connection.execute(_BY_ID, {"one": referral_id}).first()
        if row is None:
            raise UnknownIdError("referral", referral_id)
        return StoredReferral(referral=_noun(row), digest=row.digest)

    def replace_referral(self, referral: Referral, digest: str) -> None:
        """
        Replaces a referral's content (not its state) and records that it was amended.

        Raises
        ------
        UnknownIdError
            When nothing has that id.
        InputError
            When its territory, source or reference would change, or its patient while it has a
            seat: the booking leans on them.
        TransitionError
            When it is closed or refused.
        """
        table = tables.referral
        stored = self.stored_referral(referral.id).referral
        for field in ("territory", "source", "reference"):
            if getattr(stored, field) != getattr(referral, field):
                raise InputError(f"referral {referral.id} can't change its {field}")
        moved = stored.patient.key != referral.patient.key
        if moved and stored.state in SEATED:
            raise InputError(f"referral {referral.id} can't change its patient while it has a seat")
        closed_to = {*OVER, *SEATED} if moved else OVER
        self._added.pop(referral.id, None)
        replaced = self._connection.execute(
            update(table)
            .where(table.c.id == referral.id, table.c.state.not_in([s.value for s in closed_to]))
            .values(
                patient_key=referral.patient.key,
                priority=referral.priority.value,
                received_at=referral.received_at,
                amended_at=self._now,
                digest=digest,
                body=referral.model_dump_json(exclude={"state"}),
                group_id=referral.group,
            )
        )
        if not replaced.rowcount:
            raise TransitionError(f"referral {referral.id}", stored.state.value, "amended")
        self.event(referral.territory, "referral.amended", referral=referral.id)

    def set_referral_state(self, referral_id: str, state: ReferralState, why: str = "") -> None:
        """
        Moves a referral along ``transitions.REFERRAL_STEPS`` or raises TransitionError.

        States that say "has a seat" come and go with the booking, never by this verb: a referral
        whose booking is active can't be closed beside it.
        """
        found = self.stored_referral(referral_id).referral.state
        if state in SEATED or found in SEATED:
            raise TransitionError(f"referral {referral_id}", found.value, state.value)
        self._move_referral(referral_id, state, why)

    def _move_referral(
        self,
        referral_id: str,
        state: ReferralState,
        why: str,
        *,
        after: dict[str, Any] | None = None,
    ) -> None:
        """Moves a referral; its event follows that of the change that moved it, if any."""
        self._added.pop(referral_id, None)
        given = {"one": referral_id} | ({"now": self._now} if state in OVER else {})
        territory = self._connection.scalar(_moving(state), given)
        if territory is None:
            found = self.stored_referral(referral_id).referral.state
            raise TransitionError(f"referral {referral_id}", found.value, state.value)
        moved = {
            "territory": territory,
            "kind": f"referral.{state.value}",
            "referral": referral_id,
            "why": why,
        }
        self._append([moved] if after is None else [after, moved])

    def put_first_in_line(self, referral_id: str) -> None:
        """
        Marks a referral whose seat vanished: whoever waits, it comes first.

        One that has a seat, or is closed, is left as it is, and so is the first mark.
        """
        table = tables.referral
        territory = self._connection.scalar(
            update(table)
            .where(
                table.c.id == referral_id,
                table.c.state.in_(_UNPLACED),
                table.c.first_in_line_at.is_(None),
            )
            .values(first_in_line_at=self._now)
            .returning(table.c.territory)
        )
        if territory is None:
            self.stored_referral(referral_id)
            return
        self.event(territory, "referral.first_in_line", referral=referral_id)

    def first_in_line(self, territory: str) -> frozenset[str]:
        """Gives the unplaced referrals marked so."""
        table = tables.referral
        return frozenset(
            self._connection.scalars(
                select(table.c.id).where(
                    table.c.territory == territory,
                    table.c.state.in_(_UNPLACED),
                    table.c.first_in_line_at.is_not(None),
                )
            )
        )

    def referrals(self, territory: str, states: Sequence[ReferralState]) -> tuple[Referral, ...]:
        """Gives the territory's referrals in these states, by id."""
        table = tables.referral
        rows = self._connection.execute(
            select(table.c.body, table.c.state)
            .where(table.c.territory == territory, table.c.state.in_([s.value for s in states]))
            .order_by(table.c.id)
        )
        return tuple(sorted((_noun(row) for row in rows), key=lambda referral: referral.id))

    def patient_referrals(
        self, territory: str, patient_keys: Sequence[str]
    ) -> tuple[Referral, ...]:
        """Gives these patients' referrals in the territory that are neither closed nor refused."""
        rows = self._connection.execute(_OF_PATIENTS, {"mine": territory, "keys": patient_keys})
        return tuple(sorted(map(_noun, rows), key=lambda referral: referral.id))
