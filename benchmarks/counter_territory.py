"""
The counter's territory: a real one of 116,000 inhabitants, 400 free slots, referrals one by one.

Communes, practitioners, agendas and people are those of ``slotengine.fixtures`` for Sénart on a
Tuesday at 10 h. One draw has a night's 106 slots; several draws of the same practitioners' agendas
lie over each other until enough slots are open, without anybody being in two places.
"""

import hashlib
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import cache
from itertools import count, islice
from typing import NamedTuple

from slotengine.domain import Practitioner, Referral, Site, Slot, referral_id
from slotengine.fixtures import Territory, territory
from slotengine.policy import Policy

NAME = "senart"
OPENS_AT = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
"""A Tuesday, 10 h in Paris: two whole working days lie within most deadlines."""

FREE_SLOTS = 400
BOOKED_BEFORE = 120
"""Bookings made before the clock runs: a morning's."""

MOST_DRAWS = 40
"""Seeds after which a territory is called full: enough for 1,000 slots of Sénart."""


Draws = Callable[[int], Territory]
"""The territory by the seed of its draw."""


class Counter(NamedTuple):
    """What is published, and an endless row of referrals of all sources."""

    policy: Policy
    practitioners: tuple[Practitioner, ...]
    sites: tuple[Site, ...]
    slots: tuple[Slot, ...]
    referrals: tuple[Referral, ...]


def counter(*, slots: int, referrals: int, seed: int = 0) -> Counter:
    """
    Draws the territory with this many slots and referrals; the same for equal arguments.

    Raises
    ------
    ValueError
        When the practitioners' days have no room for so many slots.
    """
    drawn = _draws()
    own = drawn(seed)
    return Counter(
        own.policy,
        own.practitioners,
        own.sites,
        _agenda(slots, seed, drawn),
        tuple(islice(_arrivals(seed, drawn), referrals)),
    )


def _draws() -> Draws:
    """Gives the territory by seed, each drawn once: it gives slots and people both."""
    return cache(lambda seed: territory(NAME, seed=seed, as_of=OPENS_AT))


def _agenda(wanted: int, seed: int, drawn: Draws) -> tuple[Slot, ...]:
    known = {one.id for one in drawn(seed).practitioners}
    given: dict[str, list[Slot]] = {}
    made = 0
    for draw in range(seed, seed + MOST_DRAWS):
        for slot in drawn(draw).slots:
            agenda = given.setdefault(slot.practitioner, [])
            apart = all(slot.end <= one.start or one.end <= slot.start for one in agenda)
            if not apart or slot.practitioner not in known or slot.opens_at is not None:
                continue
            agenda.append(slot)
            made += 1
            if made == wanted:
                return tuple(one for agenda in given.values() for one in agenda)
    raise ValueError(f"{made} slots found room, {wanted} were asked for")


def _arrivals(seed: int, drawn: Draws) -> Iterator[Referral]:
    """Gives the people of many draws as if each came on this day, one after the other."""
    for draw in count(seed):
        for one in drawn(draw).referrals:
            reference = f"{draw}-{one.reference}"
            days = OPENS_AT.date() - one.received_at.date()
            key = hashlib.blake2b(reference.encode(), digest_size=16).hexdigest()
            yield one.replaced(
                id=referral_id(NAME, one.source, reference),
                reference=reference,
                patient=one.patient.replaced(key=key),
                windows=tuple(
                    window.replaced(start=window.start + days, end=window.end + days)
                    for window in one.windows
                ),
                received_at=OPENS_AT,
            )
