"""
What a Problem must be before anybody solves it: complete, sorted, free of contradictions.

Each error names the id that is missing, repeated or impossible.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Protocol, TypeVar

from slotengine.domain import Practitioner, Referral, Slot
from slotengine.errors import ProblemError
from slotengine.policy import Policy


class _HasId(Protocol):
    @property
    def id(self) -> str: ...


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
        seats[slot.practitioner, slot.start.astimezone(policy.zone).date()] += slot.capacity
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
