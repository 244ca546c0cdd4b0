"""Messages that came in as rows: each once, in the order in which they were written."""

from collections.abc import Sequence
from functools import cache

from sqlalchemy import and_, bindparam, select, update

from slotengine import tables, tables_doors
from slotengine.codes import SourceKind
from slotengine.errors import UnknownIdError
from slotengine.ports_doors import InboxState, Incoming
from slotengine.store_among import among_given
from slotengine.store_events import Events, Record, Statement, inserting

_TABLE = tables_doors.inbox

_ABOUT = select(_TABLE).where(
    _TABLE.c.territory == bindparam("mine"),
    _TABLE.c.source == bindparam("from"),
    among_given(_TABLE.c.reference, "references"),
)

_STANDING = (
    update(_TABLE)
    .where(
        and_(
            *(
                _TABLE.c[column] == bindparam(f"its_{column}")
                for column in ("territory", "source", "reference", "message")
            )
        )
    )
    .values(
        {column: bindparam(f"new_{column}") for column in ("state", "body", "why")}
        | {"issued_at": bindparam("new_issued_at", type_=_TABLE.c.issued_at.type)}
    )
)

# No key of the row changes: rows that refer to the territory need not wait, other writers do.
_TURN = (
    select(tables.territory.c.territory)
    .where(tables.territory.c.territory == bindparam("mine"))
    .with_for_update(key_share=True)
)


@cache
def _keeping(*, on_postgres: bool) -> Statement:
    insert = inserting(_TABLE, on_postgres=on_postgres)
    # As RETURNING: no driver of ours counts the rows of many inserts alike.
    return insert.on_conflict_do_nothing().returning(_TABLE.c.message)


def _read(row: Record) -> Incoming:
    return Incoming(
        territory=row.territory,
        source=row.source,
        reference=row.reference,
        message=row.message,
        issued_at=row.issued_at,
        received_at=row.received_at,
        kind=row.kind,
        state=row.state,
        body=row.body,
        why=row.why,
    )


class StoredInbox(Events):
    """The part of a unit of work that knows messages that came in."""

    def keep_message(self, message: Incoming) -> bool:
        """Inserts a message; False when (territory, source, reference, message) is known."""
        return self.keep_messages([message]) == 1

    def keep_messages(self, messages: Sequence[Incoming]) -> int:
        """Inserts messages in one statement; gives how many of them were not known."""
        if not messages:
            return 0
        rows = [
            {
                "territory": one.territory,
                "source": one.source.value,
                "reference": one.reference,
                "message": one.message,
                "issued_at": one.issued_at,
                "received_at": one.received_at,
                "kind": one.kind,
                "state": one.state,
                "body": one.body,
                "why": one.why,
            }
            for one in messages
        ]
        kept = self._connection.scalars(_keeping(on_postgres=self._on_postgres), rows).all()
        return len(kept)

    def set_message(
        self, message: Incoming, state: InboxState, *, body: str = "", why: str = ""
    ) -> None:
        """
        Says where a kept message stands now; what is no longer needed of its body goes.

        Raises
        ------
        UnknownIdError
            When it was never kept.
        """
        done = self._connection.execute(
            _STANDING,
            {
                "its_territory": message.territory,
                "its_source": message.source.value,
                "its_reference": message.reference,
                "its_message": message.message,
                "new_state": state,
                "new_body": body,
                "new_why": why,
                "new_issued_at": message.issued_at,
            },
        )
        if not done.rowcount:
            raise UnknownIdError("message", message.message)

    def messages_about(
        self, territory: str, source: SourceKind, references: Sequence[str]
    ) -> tuple[Incoming, ...]:
        """
        Gives the messages about these references, by reference, issued_at and message.

        One that does not say when it was written stands where it came.
        """
        if not references:
            return ()
        given = {"mine": territory, "from": source.value, "references": references}
        found = map(_read, self._connection.execute(_ABOUT, given))
        return tuple(sorted(found, key=lambda one: (one.reference, *one.order)))

    def messages_in(
        self, territory: str, states: Sequence[InboxState], limit: int
    ) -> tuple[Incoming, ...]:
        """Gives the territory's messages in these states, those that came first before others."""
        order = [_TABLE.c[name] for name in ("received_at", "source", "reference", "message")]
        rows = self._connection.execute(
            select(_TABLE)
            .where(_TABLE.c.territory == territory, _TABLE.c.state.in_(states))
            .order_by(*order)
            .limit(limit)
        )
        return tuple(map(_read, rows))

    def take_turn(self, territory: str) -> None:
        """
        Waits until nobody else receives messages for the territory, and keeps others waiting.

        A late message and the one it waits for would else miss each other: each would look before
        the other has written. SQLite has one writer at a time anyway.
        """
        if self._on_postgres:
            self._connection.execute(_TURN, {"mine": territory})
