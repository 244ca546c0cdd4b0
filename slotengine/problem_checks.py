"""
What a Problem must be before anybody solves it: complete, sorted, free of contradictions.

Each error names the id that is missing, repeated or impossible.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from itertools import pairwise
from typing import Protocol, TypeVar

from slotengine.domain import Practitioner, Referral, Slot
from slotengine.errors import ProblemError
from slotengine.policy import Policy
from slotengine.seat_prices import SeatPrice

MOST_PRICE = 100_000_000
"""
Weighted minutes: a thousand times what serving may be worth (``Policy.values``), and sums of
millions of them stay within 64 bits.
"""


class _HasId(Protocol):
    @property
    def id(self) -> str: ...


class _Taken(Protocol):
    @property
    def referral(self) -> str: ...

    @property
    def slot(self) -> str: ...

    @property
    def seat(self) -> int: ...


class _Told(Protocol):
    @property
    def referral(self) -> str: ...

    @property
    def slot(self) -> str: ...


_Ided = TypeVar("_Ided", bound=_HasId)


def sorted_ids(what: str, values: Sequence[_Ided]) -> dict[str, _Ided]:
    """Gives values by id; refuses repeated and unsorted ones."""
    for before, after in pairwise(values):
        if before.id == after.id:
            raise ProblemError(f"{what} {after.id} is listed twice")
        if before.id > after.id:
            raise ProblemError(f"{what}s are not sorted by id: {after.id} after {before.id}")
    return {value.id: value for value in values}


def check_agendas(slots: Sequence[Slot]) -> None:
    """Refuses two slots of one practitioner that share time."""
    agenda = sorted(slots, key=lambda slot: (slot.practitioner, slot.start, slot.id))
    for before, after in pairwise(agenda):
        if before.practitioner == after.practitioner and after.start < before.end:
            raise ProblemError(f"slots {before.id} and {after.id} of one practitioner overlap")


def check_referrals(territory: str, referrals: Sequence[Referral]) -> None:
    """Refuses foreign or unfinished referrals, and two needs of one patient without a pathway."""
    needs: dict[str, list[Referral]] = defaultdict(list)
    for referral in referrals:
        if referral.territory != territory:
            raise ProblemError(f"referral {referral.id} is of {referral.territory}")
        if referral.deadline is None or referral.max_travel_metres is None:
            raise ProblemError(f"referral {referral.id}: deadline or max travel not filled in")
        needs[referral.patient.key].append(referral)
    for own in needs.values():
        # Needs of one patient could land on one hour, unless each but the first follows another.
        heads = [one.id for one in own if one.follows not in {other.id for other in own}]
        if len(heads) > 1:
            raise ProblemError(f"referrals {heads[0]} and {heads[1]} are of one patient")


def check_pathways(policy: Policy, referrals: Mapping[str, Referral]) -> None:
    """Refuses steps that no pathway of the policy has, cycles, branches and strangers' steps."""
    followed: dict[str, str] = {}
    for referral in referrals.values():
        if referral.pathway is not None:
            pathway = policy.pathway(referral.pathway)
            if pathway is None:
                raise ProblemError(f"referral {referral.id}: pathway is not in the policy")
            if referral.step >= len(pathway.steps):
                raise ProblemError(f"referral {referral.id}: its pathway has no step that late")
        if referral.follows is None:
            continue
        _refuse_cycle(referral, referrals)
        other = followed.setdefault(referral.follows, referral.id)
        if other != referral.id:
            raise ProblemError(f"referrals {other} and {referral.id} follow the same one")
        before = referrals.get(referral.follows)
        if before is not None and before.patient.key != referral.patient.key:
            raise ProblemError(f"referral {referral.id} follows another patient's {before.id}")
        if before is not None and (before.pathway, before.step) != (
            referral.pathway,
            referral.step - 1,
        ):
            raise ProblemError(f"referral {referral.id}: {before.id} is not the step before it")


def _refuse_cycle(referral: Referral, referrals: Mapping[str, Referral]) -> None:
    seen = {referral.id}
    at: Referral | None = referral
    while at is not None and at.follows is not None:
        if at.follows in seen:
            raise ProblemError(f"referral {referral.id} follows itself in a cycle")
        seen.add(at.follows)
        at = referrals.get(at.follows)


def check_groups(
    policy: Policy,
    practitioners: Mapping[str, Practitioner],
    slots: Sequence[Slot],
    referrals: Sequence[Referral],
) -> None:
    """Refuses a group that is larger than any practitioner's day; without slots nothing is said."""
    for group, size in sorted(too_large_groups(policy, practitioners, slots, referrals).items()):
        raise ProblemError(
            f"group {group} has {size} members, no practitioner's day more than "
            f"{_largest_day(policy, practitioners, slots)} seats"
        )


def too_large_groups(
    policy: Policy,
    practitioners: Mapping[str, Practitioner],
    slots: Sequence[Slot],
    referrals: Sequence[Referral],
) -> dict[str, int]:
    """Gives the sizes of groups larger than any practitioner's day; none without slots."""
    sizes = Counter(referral.group for referral in referrals if referral.group is not None)
    most = _largest_day(policy, practitioners, slots) if sizes else 0
    return {group: size for group, size in sizes.items() if slots and size > most}


def _largest_day(
    policy: Policy, practitioners: Mapping[str, Practitioner], slots: Sequence[Slot]
) -> int:
    seats: Counter[tuple[str, object]] = Counter()
    for slot in slots:
        seats[slot.practitioner, slot.start.astimezone(policy.zone).date()] += slot.seats
    most = 0
    for (practitioner, _), room in seats.items():
        caps = (
            policy.caps.bookings_per_day,
            policy.caps.bookings_per_week,
            practitioners[practitioner].max_bookings_per_day,
            practitioners[practitioner].max_bookings_per_week,
        )
        most = max(most, min([room, *(cap for cap in caps if cap is not None)]))
    return most


def check_pins(
    pins: Sequence[_Taken], slots: Mapping[str, Slot], placing: Mapping[str, Referral]
) -> None:
    """Refuses pins of missing seats, of referrals to be placed, and two pins of one seat."""
    seen: set[tuple[str, int]] = set()
    for pin in pins:
        if pin.slot not in slots:
            raise ProblemError(f"pin of {pin.referral}: slot {pin.slot} is missing")
        if pin.seat >= slots[pin.slot].seats:
            raise ProblemError(f"pin of {pin.referral}: slot {pin.slot} has no seat {pin.seat}")
        if pin.referral in placing:
            raise ProblemError(f"referral {pin.referral} is pinned and to be placed")
        if (pin.slot, pin.seat) in seen:
            raise ProblemError(f"slot {pin.slot}: seat {pin.seat} is pinned twice")
        seen.add((pin.slot, pin.seat))


def check_told(
    told: Sequence[_Told],
    slots: Mapping[str, Slot],
    placing: Mapping[str, Referral],
    free_seats: Sequence[tuple[str, int]],
) -> None:
    """Refuses told referrals that are not to be placed, unsorted, or more than a slot's seats."""
    room = Counter(slot for slot, _ in free_seats)
    for at, one in enumerate(told):
        if one.referral not in placing:
            raise ProblemError(f"told referral {one.referral} is not to be placed")
        if at and told[at - 1].referral >= one.referral:
            raise ProblemError(f"told referral {one.referral} is listed twice or unsorted")
        if one.slot not in slots:
            raise ProblemError(f"told referral {one.referral}: slot {one.slot} is missing")
        room[one.slot] -= 1
        if room[one.slot] < 0:
            raise ProblemError(f"slot {one.slot} is told to more than it has seats")


def check_promised(
    promised: Sequence[str], placing: Mapping[str, Referral], told: Collection[str]
) -> None:
    """Refuses promised referrals that are not to be placed, are told, twice or unsorted."""
    for at, referral in enumerate(promised):
        if referral not in placing or referral in told:
            raise ProblemError(f"promised referral {referral} is not to be placed, or is told")
        if at and promised[at - 1] >= referral:
            raise ProblemError(f"promised referral {referral} is listed twice or unsorted")


def check_prices(prices: Sequence[SeatPrice], slots: Mapping[str, Slot]) -> None:
    """Refuses prices of missing slots, twice or unsorted, and those that no sum would hold."""
    for at, one in enumerate(prices):
        if one.slot not in slots:
            raise ProblemError(f"price of slot {one.slot}: the slot is missing")
        if at and prices[at - 1].slot >= one.slot:
            raise ProblemError(f"price of slot {one.slot} is listed twice or unsorted")
        if one.price > MOST_PRICE:
            raise ProblemError(f"price of slot {one.slot} is {one.price}, at most {MOST_PRICE}")
