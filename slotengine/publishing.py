"""
What others are shown from outside, and who of the SAS may book.

``Engine`` has them beside its own. Nothing here knows a wire format.
"""

import hashlib
from collections.abc import Callable, Sequence
from datetime import datetime

from slotengine.availability import Availability
from slotengine.codes import Audience, SourceKind
from slotengine.directory import Role
from slotengine.domain import Actor, Slot, TimeWindow
from slotengine.ports import Store, Unit
from slotengine.ports_doors import Account

Told = Callable[[Account], None]
"""Hears of an account inside the transaction that keeps it; what it raises takes both back."""


class Publishing:
    """What others are shown, and accounts of regulators."""

    _store: Store

    def availability(
        self,
        practitioners: Sequence[str],
        window: TimeWindow,
        *,
        now: datetime,
        source: SourceKind = SourceKind.SAMU,
    ) -> Availability:
        """
        Gives the slots of these practitioners that start in the window and have a free seat now.

        Never one that has begun. A slot is shown where its territory's Policy lets requesters of
        ``source`` use one of its audiences. Default the SAMU's regulators.
        """
        return self._store.read(
            lambda unit: (
                _shown(
                    unit, unit.roles(practitioners), practitioners, window, now=now, source=source
                )
                if practitioners
                else Availability()
            ),
            now=now,
        )

    def availability_at(
        self,
        sirets: Sequence[str],
        window: TimeWindow,
        *,
        now: datetime,
        source: SourceKind = SourceKind.SAMU,
    ) -> Availability:
        """Gives the same for the structures with these SIRET (14 digits), whoever works there."""

        def work(unit: Unit) -> Availability:
            roles = unit.roles_at(sirets)
            people = sorted({role.practitioner for role in roles})
            found = (
                _shown(unit, roles, people, window, now=now, source=source)
                if people
                else Availability()
            )
            here = {role.key for role in roles}
            return found.replaced(
                slots=tuple(one for one in found.slots if _place(one) in here),
            )

        return self._store.read(work, now=now)

    def open_account(
        self,
        account: Account,
        *,
        now: datetime,
        actor: Actor | None = None,
        told: Told | None = None,
    ) -> Account | None:
        """Makes a regulator's account, or gives None: its mail or an identifier is another's."""

        def work(unit: Unit) -> Account | None:
            made = _named(account, now)
            return _heard(made, told) if unit.add_account(made) else None

        return self._store.write(work, now=now, actor=actor)

    def put_account(
        self,
        system: str,
        value: str,
        account: Account,
        *,
        now: datetime,
        actor: Actor | None = None,
        told: Told | None = None,
    ) -> tuple[Account, bool] | None:
        """
        Replaces the account with an identifier, or makes it; gives it and whether it is new.

        One that is unknown by that identifier and known by its mail is the same account: an
        identifier was added or exchanged. Identifiers that another account has move to this one,
        also where the identifier leads to one account and the mail to another. None when somebody
        else took the mail at the same moment: the same call again finds them.
        """

        def work(unit: Unit) -> tuple[Account, bool] | None:
            by_mail = None if account.mail_hash is None else unit.account_of_mail(account.mail_hash)
            found = by_mail or unit.account_with(system, value)
            if found is None:
                made = _named(account, now)
                # Identifiers of others move by the replacement, never by the insertion.
                bare = made.replaced(identifiers=())
                if not (unit.add_account(bare) and unit.replace_account(made)):
                    return None
                return _heard(made.replaced(version=bare.version + 1), told), True
            changed = account.replaced(id=found.id, version=found.version + 1)
            return (_heard(changed, told), False) if unit.replace_account(changed) else None

        return self._store.write(work, now=now, actor=actor)

    def account_with(self, system: str, value: str) -> Account | None:
        """Finds a regulator's account by one of its identifiers."""
        return self._store.read(lambda unit: unit.account_with(system, value))


def _shown(
    unit: Unit,
    roles: Sequence[Role],
    practitioners: Sequence[str],
    window: TimeWindow,
    *,
    now: datetime,
    source: SourceKind,
) -> Availability:
    start = max(window.start, now)
    if start >= window.end:
        return Availability()
    found = unit.published_slots(
        practitioners, TimeWindow(start=start, end=window.end), [*Audience]
    )
    rules = {name: unit.policy(name) for name in sorted({slot.territory for slot in found})}
    slots = tuple(
        slot
        for slot in found
        if set(slot.audiences).intersection(rules[slot.territory].audiences[source])
    )
    sharing = {name for slot in slots for name in slot.shared_with} - set(rules)
    # A slot may be shared with a territory that was never set up here.
    known = sharing.intersection(unit.territories()) if sharing else set()
    rules |= {name: unit.policy(name) for name in sorted(known)}
    return Availability(
        slots=slots,
        roles=tuple(roles),
        practitioners=unit.practitioners(slots),
        sites=unit.sites(slots),
        policies=tuple(rules.values()),
    )


def _place(slot: Slot) -> tuple[str, str, str]:
    return slot.territory, slot.practitioner, slot.site


def _named(account: Account, now: datetime) -> Account:
    """Gives the account with an id of ours: of what it is known by, and when it was made."""
    text = "\x1f".join(
        (account.mail_hash or "", *(part for one in account.identifiers for part in one), str(now))
    )
    return account.replaced(
        id="a-" + hashlib.blake2b(text.encode(), digest_size=16).hexdigest(), version=1
    )


def _heard(account: Account, told: Told | None) -> Account:
    if told is not None:
        told(account)
    return account
