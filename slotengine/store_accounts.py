"""
Regulators of the SAS as rows: ids, whether they are active, and the keyed hash of a mail address.

Two that are made at once with one mail address: the unique constraint lets one in, the other hears
that it is taken.
"""

from sqlalchemy import delete, insert, select, update

from slotengine import tables_doors
from slotengine.ports_doors import Account
from slotengine.store_events import Events, Record

SAS = "sas"
"""What stands for a territory in rows and events of accounts: they belong to none."""

_ACCOUNT, _IDENTIFIER = tables_doors.account, tables_doors.account_identifier


class StoredAccounts(Events):
    """The part of a unit of work for regulators' accounts."""

    def add_account(self, account: Account) -> bool:
        """Inserts an account; False when its mail or one of its identifiers is another's."""
        if any(self.account_with(*one) is not None for one in account.identifiers):
            return False
        adding = self._insert(_ACCOUNT).values(
            territory=SAS,
            id=account.id,
            active=account.active,
            mail_hash=account.mail_hash,
            version=account.version,
            made_at=self._now,
            changed_at=self._now,
        )
        # On either key: the id, or the mail of one that was made at the same instant.
        row = self._connection.execute(
            adding.on_conflict_do_nothing().returning(_ACCOUNT.c.id)
        ).first()
        if row is None:
            return False
        self._connect(account)
        self.event(SAS, "account.created", why=account.id)
        return True

    def account_with(self, system: str, value: str) -> Account | None:
        """Finds an account by one of its identifiers."""
        row = self._connection.execute(
            select(_ACCOUNT)
            .join(_IDENTIFIER, _IDENTIFIER.c.account == _ACCOUNT.c.id)
            .where(_IDENTIFIER.c.system == system, _IDENTIFIER.c.value == value)
        ).first()
        return None if row is None else self._read(row)

    def account_of_mail(self, mail_hash: str) -> Account | None:
        """Finds an account by the keyed hash of its mail address."""
        row = self._connection.execute(
            select(_ACCOUNT).where(_ACCOUNT.c.mail_hash == mail_hash)
        ).first()
        return None if row is None else self._read(row)

    def replace_account(self, account: Account) -> bool:
        """
        Replaces an account of a known id; False when its mail is another's.

        An identifier that another account has moves to this one.
        """
        if account.mail_hash is not None:
            holder = self.account_of_mail(account.mail_hash)
            if holder is not None and holder.id != account.id:
                return False
        self._connection.execute(
            update(_ACCOUNT)
            .where(_ACCOUNT.c.id == account.id)
            .values(
                active=account.active,
                mail_hash=account.mail_hash,
                version=_ACCOUNT.c.version + 1,
                changed_at=self._now,
            )
        )
        self._connection.execute(delete(_IDENTIFIER).where(_IDENTIFIER.c.account == account.id))
        self._connect(account)
        self.event(SAS, "account.changed", why=account.id)
        return True

    def _connect(self, account: Account) -> None:
        for system, value in account.identifiers:
            self._connection.execute(
                delete(_IDENTIFIER).where(
                    _IDENTIFIER.c.system == system, _IDENTIFIER.c.value == value
                )
            )
            self._connection.execute(
                insert(_IDENTIFIER).values(
                    territory=SAS, system=system, value=value, account=account.id
                )
            )

    def _read(self, row: Record) -> Account:
        identifiers = self._connection.execute(
            select(_IDENTIFIER.c.system, _IDENTIFIER.c.value).where(_IDENTIFIER.c.account == row.id)
        ).all()
        return Account(
            id=row.id,
            active=row.active,
            identifiers=tuple(sorted((system, value) for system, value in identifiers)),
            mail_hash=row.mail_hash,
            version=row.version,
        )
