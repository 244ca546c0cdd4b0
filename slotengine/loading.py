"""
From the store to a Problem: what one referral, or one night, may know.

The counter and the night load through the same functions, so that both see the same rules.
"""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from typing import TypeVar

from slotengine.codes import ReferralState, SlotState
from slotengine.domain import Booking, Practitioner, Referral, Site, Slot, TimeWindow, by_id
from slotengine.policy import Policy
from slotengine.ports import Unit
from slotengine.problem import Pin, Problem, TravelMatrix

_Supply = TypeVar("_Supply", Practitioner, Site)

EDGE = timedelta(seconds=1)
"""A window is half-open; a deadline is inclusive: the window must end just after it."""


def counter_problem(
    unit: Unit,
    referral: Referral,
    policy: Policy,
    *,
    now: datetime,
    matrix: TravelMatrix | None,
) -> Problem | None:
    """Gives the Problem of one referral now, every active booking pinned; None without a future."""
    if referral.deadline is None or referral.deadline < now:
        return None
    slots = _slots_before(unit, referral.territory, now, referral.deadline)
    bookings = unit.active_bookings([slot.id for slot in slots])
    return _problem(
        unit, [referral], policy, now=now, slots=slots, bookings=bookings, free=_none, matrix=matrix
    )


def open_problem(
    unit: Unit,
    referral: Referral,
    policy: Policy,
    *,
    as_of: datetime,
    deadline: datetime,
    matrix: TravelMatrix | None,
) -> tuple[Problem, tuple[Booking, ...]]:
    """
    Gives the Problem of one referral with other patients' seats free, and who has them.

    To explain: a seat that was possible but taken is another answer than a seat that never was.
    """
    slots = _slots_before(unit, referral.territory, as_of, deadline)
    problem = _problem(
        unit,
        [referral.replaced(deadline=deadline)],
        policy,
        now=as_of,
        slots=slots,
        bookings=(),
        free=lambda booking: booking.referral == referral.id,
        matrix=matrix,
    )
    taken = unit.active_bookings([slot.id for slot in slots])
    return problem, tuple(one for one in taken if one.referral != referral.id)


def _slots_before(unit: Unit, territory: str, now: datetime, deadline: datetime) -> list[Slot]:
    return _open_slots(unit, territory, TimeWindow(start=now, end=deadline + EDGE))


def night_problem(
    unit: Unit,
    referrals: Sequence[Referral],
    policy: Policy,
    *,
    now: datetime,
    horizon: timedelta,
    matrix: TravelMatrix | None,
) -> Problem:
    """Gives the Problem of a night: promises of these referrals that nobody was told are free."""
    window = TimeWindow(start=now, end=now + horizon)
    slots = _open_slots(unit, policy.territory, window)
    placing = {referral.id for referral in referrals}
    return _problem(
        unit,
        referrals,
        policy,
        now=now,
        slots=slots,
        bookings=unit.active_bookings([slot.id for slot in slots]),
        free=lambda booking: booking.referral in placing and booking.movable,
        matrix=matrix,
    )


def _none(_: Booking) -> bool:
    return False


def _open_slots(unit: Unit, territory: str, window: TimeWindow) -> list[Slot]:
    return [slot for slot in unit.slots(territory, window) if slot.state is SlotState.OPEN]


def _problem(
    unit: Unit,
    referrals: Sequence[Referral],
    policy: Policy,
    *,
    now: datetime,
    slots: Sequence[Slot],
    bookings: Iterable[Booking],
    free: Callable[[Booking], bool],
    matrix: TravelMatrix | None,
) -> Problem:
    """Builds a Problem in which every active booking is pinned but those that are ``free``."""
    known = by_id(slots)
    pinned = {booking.id: booking for booking in bookings if not free(booking)}
    patients: dict[str, str] = {}
    for referral in referrals:
        # A patient's other appointments count in every territory and outside the horizon too.
        for booking, slot in unit.patient_bookings(referral.patient.key):
            if not free(booking):
                pinned[booking.id] = booking
                patients[booking.id] = referral.patient.key
                known.setdefault(slot.id, slot)
    pins = [
        Pin(
            referral=booking.referral,
            patient=patients.get(booking.id, ""),
            slot=booking.slot,
            seat=booking.seat,
        )
        for booking in pinned.values()
    ]
    listed = list(known.values())
    return Problem.build(
        territory=policy.territory,
        as_of=now,
        policy=policy,
        practitioners=_own_first(unit.practitioners(listed), policy.territory),
        sites=_own_first(unit.sites(listed), policy.territory),
        slots=listed,
        # Where a referral stands changes nothing of the problem: equal nights have equal digests.
        referrals=[one.replaced(state=ReferralState.WAITING) for one in referrals],
        pins=pins,
        matrix=matrix,
    )


def _own_first(values: Iterable[_Supply], territory: str) -> list[_Supply]:
    """Keeps one value an id; the own territory's where two territories describe the same."""
    chosen: dict[str, _Supply] = {}
    for value in values:
        if value.id not in chosen or value.territory == territory:
            chosen[value.id] = value
    return list(chosen.values())
