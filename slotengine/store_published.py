"""
What is shown to those who look from outside: who works where, and slots with a free seat.

Two indexed questions for any number of practitioners: their slots with a free seat, and what they
were given in those weeks. A cap is counted from the bookings: a counter also holds what ran out
and was not marked yet.
"""

import json
from collections.abc import Sequence
from datetime import timedelta
from functools import lru_cache

from sqlalchemy import bindparam, func, or_, select

from slotengine import tables, tables_doors
from slotengine.codes import Audience, BookingStatus
from slotengine.directory import Role
from slotengine.domain import Practitioner, Slot, TimeWindow
from slotengine.policy import Policy
from slotengine.store_among import among, among_given
from slotengine.store_bookings import ACTIVE_NOW
from slotengine.store_caps import effort_minutes, most_given
from slotengine.store_counters import Day, Load, Week, keys_of, local_days
from slotengine.store_slots import BOOKABLE, NOUN, Supply, audience_mask, read_slot
from slotengine.store_territory import Territories

ROLES_KEPT = 4_096
"""Roles that a process keeps as nouns: reading one again costs more than its query. Our choice."""

_WEEK = timedelta(days=7)
_DAY = timedelta(days=1)

_SLOT, _BOOKING = tables.slot, tables.booking
_ROLE, _SITE = tables_doors.role, tables.site
_INSTANT = _SLOT.c.starts_at.type

_TAKEN = (
    select(func.count())
    .select_from(_BOOKING)
    .where(_BOOKING.c.slot_id == _SLOT.c.id, ACTIVE_NOW)
    .correlate(_SLOT)
    .scalar_subquery()
)

_FREE = select(*NOUN).where(
    among_given(_SLOT.c.practitioner, "who"),
    _SLOT.c.starts_at >= bindparam("begins", type_=_INSTANT),
    _SLOT.c.starts_at < bindparam("ends", type_=_INSTANT),
    *BOOKABLE,
    _SLOT.c.audience_mask.op("&")(bindparam("mask", type_=_SLOT.c.audience_mask.type)) != 0,
    _SLOT.c.capacity + _SLOT.c.extra_capacity > _TAKEN,
)

_TOOK_PLACE = (BookingStatus.FULFILLED.value, BookingStatus.NOSHOW.value)

_GIVEN = (
    select(
        _BOOKING.c.practitioner,
        _BOOKING.c.day,
        func.count().label("bookings"),
        func.sum(_BOOKING.c.effort).label("effort"),
    )
    .where(
        among_given(_BOOKING.c.practitioner, "who"),
        _BOOKING.c.starts_at >= bindparam("begins", type_=_INSTANT),
        _BOOKING.c.starts_at < bindparam("ends", type_=_INSTANT),
        or_(ACTIVE_NOW, _BOOKING.c.status.in_(_TOOK_PLACE)),
    )
    .group_by(_BOOKING.c.practitioner, _BOOKING.c.day)
)

_ROLES = select(_ROLE.c.body).where(among_given(_ROLE.c.practitioner, "who"))

_AT_STRUCTURES = (
    select(_ROLE.c.body, _SITE.c.body.label("site_body"))
    .outerjoin(_SITE, (_SITE.c.territory == _ROLE.c.territory) & (_SITE.c.id == _ROLE.c.site))
    .where(
        or_(_ROLE.c.body.like('%"structure":"3%'), _SITE.c.body.like('%"siret":"%')),
    )
)
"""Questions made once: making one takes as long as asking it."""


@lru_cache(maxsize=ROLES_KEPT)
def _role(body: str) -> Role:
    return Role.model_validate_json(body)


class StoredPublished(Supply, Territories):
    """The part of a unit of work for what is shown outside."""

    def put_roles(self, roles: Sequence[Role]) -> int:
        """Inserts or replaces by (territory, practitioner, site); gives how many changed."""
        wanted = {role.key: role.model_dump_json() for role in roles}
        rows = self._connection.execute(
            select(_ROLE).where(among(_ROLE.c.practitioner, {key[1] for key in wanted}))
        )
        known = {(row.territory, row.practitioner, row.site): row.body for row in rows}
        changed = [
            {"territory": key[0], "practitioner": key[1], "site": key[2], "body": body}
            for key, body in sorted(wanted.items())
            if known.get(key) != body
        ]
        if changed:
            insert = self._insert(_ROLE)
            self._connection.execute(
                insert.on_conflict_do_update(
                    index_elements=[_ROLE.c.territory, _ROLE.c.practitioner, _ROLE.c.site],
                    set_={"body": insert.excluded.body},
                ),
                changed,
            )
        return len(changed)

    def roles(self, practitioners: Sequence[str]) -> tuple[Role, ...]:
        """Gives the roles of these practitioners in every territory, by key."""
        rows = self._connection.execute(_ROLES, {"who": set(practitioners)}).all()
        return tuple(sorted((_role(body) for (body,) in rows), key=lambda role: role.key))

    def roles_at(self, sirets: Sequence[str]) -> tuple[Role, ...]:
        """
        Gives the roles at structures with these SIRET (14 digits, no prefix), by key.

        A role's own structure comes before its site's. Every role that has a SIRET is read: no
        index knows it, and a territory has some hundreds.
        """
        found = []
        for body, site_body in self._connection.execute(_AT_STRUCTURES):
            role = _role(body)
            own = role.structure
            if own is None and site_body is not None:
                siret = json.loads(site_body)["siret"]
                own = None if siret is None else f"3{siret}"
            if own is not None and own[0] == "3" and own[1:] in sirets:
                found.append(role)
        return tuple(sorted(found, key=lambda role: role.key))

    def published_slots(
        self, practitioners: Sequence[str], window: TimeWindow, audiences: Sequence[Audience]
    ) -> tuple[Slot, ...]:
        """
        Gives the slots of these practitioners that start in the window and have a free seat now.

        In every territory: open, open for booking, reserved for one of the audiences, neither the
        practitioner's day nor week full. By practitioner, start and id.
        """
        rows = self._connection.execute(
            _FREE,
            {
                "who": set(practitioners),
                "begins": window.start,
                "ends": window.end,
                "mask": audience_mask(audiences),
                "now": self._now,
            },
        ).all()
        free = self._within_caps([read_slot(row) for row in rows])
        return tuple(sorted(free, key=lambda slot: (slot.practitioner, slot.start, slot.id)))

    def _within_caps(self, slots: Sequence[Slot]) -> list[Slot]:
        givers = {(one.territory, one.id): one for one in self.practitioners(slots)}
        free, capped = [], []
        for slot in slots:
            policy, giver = self.policy(slot.territory), givers[slot.territory, slot.practitioner]
            if any(limit is not None for most in most_given(policy, giver) for limit in most):
                capped.append((slot, policy, giver))
            else:
                free.append(slot)
        given = self._given([slot for slot, _, _ in capped])
        return free + [
            slot for slot, policy, giver in capped if _has_room(slot, policy, giver, given)
        ]

    def _given(self, slots: Sequence[Slot]) -> dict[Day | Week, Load]:
        """Gives what the practitioners of these slots were given in their weeks."""
        if not slots:
            return {}
        first, last = min(slot.start for slot in slots), max(slot.start for slot in slots)
        rows = self._connection.execute(
            _GIVEN,
            {
                "who": {slot.practitioner for slot in slots},
                # A week before and after hold every week of the slots, in any time zone.
                "begins": first - _WEEK - _DAY,
                "ends": last + _WEEK + _DAY,
                "now": self._now,
            },
        )
        found: dict[Day | Week, Load] = {}
        for row in rows:
            day = Day(row.practitioner, row.day)
            for key in keys_of(day):
                was = found.get(key, Load(0, 0))
                found[key] = Load(was.bookings + row.bookings, was.effort + row.effort)
        return found


def _has_room(
    slot: Slot, policy: Policy, giver: Practitioner, given: dict[Day | Week, Load]
) -> bool:
    """Tells whether one booking more, the lightest that there is, stays within the caps."""
    day = Day(slot.practitioner, local_days(policy.zone, slot.start, slot.end)[0])
    effort = min(effort_minutes(policy, slot, mode=mode, first=False) for mode in slot.modes)
    return all(
        most.holds(Load(was.bookings + 1, was.effort + effort))
        for key, most in zip(keys_of(day), most_given(policy, giver), strict=True)
        for was in [given.get(key, Load(0, 0))]
    )
