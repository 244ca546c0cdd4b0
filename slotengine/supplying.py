"""Slots come and go: publication that never moves a patient, withdrawal that seats them again."""

from collections.abc import Sequence
from datetime import UTC, datetime

from slotengine.answers import Incident, PublishReport, RejectedItem, WithdrawReport
from slotengine.directory import Role
from slotengine.domain import Booking, Practitioner, Site, Slot
from slotengine.errors import InputError
from slotengine.keeping import reseat
from slotengine.ports import PutOutcome, Unit
from slotengine.problem import TravelMatrix
from slotengine.promising import broken, open_promise
from slotengine.reasons import Reason

WHY_REJECTED: dict[PutOutcome, str] = {
    "booked": "it has bookings and would change under them; withdraw it instead",
    "foreign": "its id belongs to another territory",
    "overlap": "its practitioner has another open slot at that time",
    "unknown": "its practitioner or site was never published",
}


def publish(
    unit: Unit,
    territory: str,
    *,
    practitioners: Sequence[Practitioner],
    sites: Sequence[Site],
    slots: Sequence[Slot],
    roles: Sequence[Role] = (),
) -> PublishReport:
    """
    Takes over what changed; keeps back, with its reason, what would move a patient.

    Raises
    ------
    InputError
        When a value belongs to another territory: nothing is written.
    """
    policy = unit.policy(territory)
    unit.advance_clock(territory, policy.clock_tolerance)
    supply: list[Practitioner | Site | Slot] = [*practitioners, *sites, *slots]
    owners = [(value.id, value.territory) for value in supply]
    owners += [(f"role of {role.practitioner} at {role.site}", role.territory) for role in roles]
    for what, owner in owners:
        if owner != territory:
            raise InputError(f"{what} is of {owner}, not of {territory}")
    changed_people = unit.put_practitioners(practitioners) + unit.put_sites(sites)
    changed_people += unit.put_roles(roles)
    outcomes = unit.put_slots(slots)
    counts = {name: sum(found == name for found in outcomes.values()) for name in _COUNTED}
    return PublishReport(
        created=counts["created"],
        changed=counts["changed"] + changed_people,
        same=counts["same"],
        rejected=tuple(
            RejectedItem(id=id_, why=WHY_REJECTED[outcome])
            for id_, outcome in sorted(outcomes.items())
            if outcome in WHY_REJECTED
        ),
    )


_COUNTED = ("created", "changed", "same")


def withdraw(
    unit: Unit,
    slot_ids: Sequence[str],
    *,
    why: str,
    now: datetime,
    matrix: TravelMatrix | None,
) -> WithdrawReport:
    """
    Takes slots back; each patient on them becomes an incident and gets another seat if one fits.

    All slots go first, so that nobody is seated again on the next one to vanish.
    """
    lost = take_back(unit, slot_ids, why=why)
    incidents = seat_again(unit, lost, why=why, now=now, matrix=matrix)
    return WithdrawReport(withdrawn=tuple(sorted(set(slot_ids))), incidents=incidents)


def take_back(unit: Unit, slot_ids: Sequence[str], *, why: str) -> list[Booking]:
    """Takes slots back and gives the bookings that were on them; ``seat_again`` has to follow."""
    lost: list[Booking] = []
    for slot_id in sorted(set(slot_ids)):
        slot = unit.slot(slot_id)
        unit.advance_clock(slot.territory, unit.policy(slot.territory).clock_tolerance)
        lost.extend(unit.withdraw_slot(slot_id, why))
    return lost


def seat_again(
    unit: Unit,
    lost: Sequence[Booking],
    *,
    why: str,
    now: datetime,
    matrix: TravelMatrix | None,
) -> tuple[Incident, ...]:
    """
    Seeks another seat for each patient whose slot was taken back.

    Promises come before the others, the soonest due first. Who gets none is first in line; a
    promise that nothing can keep is broken, and its incident says so.
    """
    incidents = []
    for booking in sorted(lost, key=lambda booking: _claim(unit, booking)):
        replacement, reasons = reseat(
            unit, booking.referral, now=now, matrix=matrix, why=f"incident:{booking.id}"
        )
        if replacement is None:
            reasons += _wronged(unit, booking.referral, why)
        unit.event(
            booking.territory,
            "incident.seat_lost",
            referral=booking.referral,
            slot=booking.slot,
            booking=booking.id,
            why=why,
        )
        incidents.append(
            Incident(
                referral=booking.referral,
                lost=booking,
                replacement=replacement,
                reasons=reasons,
            )
        )
    return tuple(incidents)


def _claim(unit: Unit, booking: Booking) -> tuple[bool, datetime, str]:
    """Gives the order in which seats are sought: what was promised, then by id."""
    promise = open_promise(unit, booking.referral)
    if promise is None:
        return True, datetime.max.replace(tzinfo=UTC), booking.referral
    return False, promise.before, booking.referral


def _wronged(unit: Unit, referral_id: str, why: str) -> tuple[Reason, ...]:
    """Puts a patient whose seat vanished first in line; says so where a promise is broken by it."""
    if open_promise(unit, referral_id) is not None:
        return (broken(unit, referral_id, why),)
    unit.put_first_in_line(referral_id)
    return ()
