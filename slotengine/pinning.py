"""
Which bookings bind those that are to be made: the pins of a Problem.

Not only the seats of its slots: a patient's other appointments, siblings, the step before, and what
a practitioner was given on the same days and weeks or just before and after, for caps and journeys.
"""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, time, timedelta

from slotengine.codes import BookingStatus, Mode, SlotState
from slotengine.domain import Booking, Practitioner, Referral, Slot, TimeWindow
from slotengine.policy import Policy
from slotengine.ports import Seated, Unit
from slotengine.problem import MAX_HORIZON, Pin

TOUR_REACH = timedelta(hours=2)
"""
How far before and after the slots a practitioner's bookings are looked for, where home is visited.

Longer than any way between two patients of one territory (20 km by default). Our choice.
"""

INSTANT = timedelta(seconds=1)
"""What lies this much ahead is not open now."""

_WEEK = timedelta(days=7)
_DAY = timedelta(days=1)


def binding(
    unit: Unit,
    referrals: Sequence[Referral],
    policy: Policy,
    *,
    slots: Sequence[Slot],
    practitioners: Sequence[Practitioner],
) -> tuple[Seated, ...]:
    """Gives the bookings that bind these referrals on these slots, each once, by start and id."""
    found = [
        *_of_the_patients(unit, referrals),
        *unit.seated("slot", [slot.id for slot in slots]),
        *_of_capped(unit, policy, slots, practitioners),
        *_around_tours(unit, policy, slots),
    ]
    return tuple({one.booking.id: one for one in found}.values())


def binding_patients(unit: Unit, referrals: Sequence[Referral]) -> tuple[Seated, ...]:
    """Gives only those bookings that bind by patient, group or pathway: whatever others took."""
    return tuple({one.booking.id: one for one in _of_the_patients(unit, referrals)}.values())


def _of_the_patients(unit: Unit, referrals: Sequence[Referral]) -> list[Seated]:
    # A patient's other appointments count in every territory and outside the horizon too.
    found = list(unit.seated("patient", [one.patient.key for one in referrals]))
    groups = [one.group for one in referrals if one.group is not None]
    if groups:
        # Each territory numbers its groups; only patients are the same persons everywhere.
        here = {one.territory for one in referrals}
        found.extend(one for one in unit.seated("group", groups) if one.booking.territory in here)
    before = [one.follows for one in referrals if one.follows is not None]
    if before:
        found.extend(
            one
            for one in unit.seated("referral", before, done=True)
            if one.booking.status is not BookingStatus.NOSHOW
        )
    return found


def _of_capped(
    unit: Unit, policy: Policy, slots: Sequence[Slot], practitioners: Sequence[Practitioner]
) -> tuple[Seated, ...]:
    """Gives what capped practitioners were given in the days or weeks that the slots touch."""
    caps = policy.caps
    week = caps.bookings_per_week is not None or caps.effort_minutes_per_week is not None
    everybody = week or caps.bookings_per_day is not None or caps.effort_minutes_per_day is not None
    capped = set()
    for one in practitioners:
        own_week = one.max_bookings_per_week, one.max_effort_minutes_per_week
        own = *own_week, one.max_bookings_per_day, one.max_effort_minutes_per_day
        if everybody or own != (None,) * len(own):
            capped.add(one.id)
        week = week or own_week != (None, None)
    if not slots or not capped:
        return ()
    first = min(slot.start for slot in slots).astimezone(policy.zone).date()
    last = max(slot.start for slot in slots).astimezone(policy.zone).date()
    if week:
        first -= first.weekday() * _DAY
        last += _WEEK - (last.weekday() + 1) * _DAY
    span = TimeWindow(
        start=datetime.combine(first, time(), policy.zone),
        end=datetime.combine(last + _DAY, time(), policy.zone),
    )
    return unit.seated("practitioner", sorted(capped), within=span, done=True)


def _around_tours(unit: Unit, policy: Policy, slots: Sequence[Slot]) -> tuple[Seated, ...]:
    """Gives bookings so close before or after the slots that a journey lies between."""
    if policy.home_visits is None or not slots:
        return ()
    around = TimeWindow(
        start=min(slot.start for slot in slots) - TOUR_REACH,
        end=max(slot.end for slot in slots) + TOUR_REACH,
    )
    everybody = {slot.practitioner for slot in slots}
    travelling = {slot.practitioner for slot in slots if Mode.HH in slot.modes}
    # A home visit is felt by every slot near it; a visit at the practice only by those at home.
    found = unit.seated("practitioner", sorted(everybody), within=around, mode=Mode.HH, done=True)
    if travelling:
        found += unit.seated("practitioner", sorted(travelling), within=around, done=True)
    return found


def pins_of(
    seated: Iterable[Seated],
    referrals: Sequence[Referral],
    *,
    territory: str,
    free: Callable[[Booking], bool],
    now: datetime,
) -> tuple[tuple[Seated, Pin], ...]:
    """
    Gives a pin for each booking that is not ``free``, one a seat.

    Left out: what lies so far ahead that a Problem can't hold it, and what took place on a slot
    that was withdrawn since, whose time may be another slot's by now.
    """
    patients = {one.patient.key for one in referrals}
    pinned: dict[tuple[str, int], tuple[Seated, Pin]] = {}
    # A seat that was used and given back early may be somebody else's by now: theirs counts.
    for one in sorted(seated, key=lambda one: one.booking.status in _TOOK_PLACE):
        if (
            free(one.booking)
            or one.slot.state is not SlotState.OPEN
            or one.slot.start - now > MAX_HORIZON
        ):
            continue
        pinned.setdefault((one.slot.id, one.booking.seat), (one, _pin(one, patients, territory)))
    return tuple(pinned.values())


_TOOK_PLACE = frozenset({BookingStatus.FULFILLED, BookingStatus.NOSHOW})


def _pin(one: Seated, patients: set[str], territory: str) -> Pin:
    return Pin(
        referral=one.booking.referral,
        patient=one.patient if one.patient in patients else "",
        slot=one.slot.id,
        seat=one.booking.seat,
        mode=one.booking.mode,
        first_visit=one.own_practitioner != one.slot.practitioner,
        # Where somebody lives is asked only where a practitioner goes there.
        location=one.location if one.booking.mode is Mode.HH else None,
        group=one.group if one.booking.territory == territory else None,
    )


def listed_only(slot: Slot, now: datetime) -> Slot:
    """
    Gives a slot that is listed for its bookings: open, but not yet, so that nobody is put there.

    Not withdrawn: what its practitioner offered counts when effort is spread.
    """
    return slot.replaced(opens_at=now + INSTANT)


def before_step(referral: Referral, later: Seated, policy: Policy) -> Referral:
    """
    Gives a step of a pathway with only those windows that leave the step after it where it is.

    A step may lose its seat while the next one keeps its own (an agenda was withdrawn). A slot is
    then asked to start within the longest time before the next step, which is a slot's length
    stricter than the rule between two steps to be placed.
    """
    pathway = None if later.pathway is None else policy.pathway(later.pathway)
    if pathway is None or later.step >= len(pathway.steps):
        return referral
    step = pathway.steps[later.step]
    earliest = later.slot.start - step.after_max
    latest = later.slot.start - step.after_min
    asked = referral.windows or (TimeWindow(start=earliest, end=latest + INSTANT),)
    windows = tuple(
        TimeWindow(start=max(window.start, earliest), end=min(window.end, latest))
        for window in asked
        if max(window.start, earliest) < min(window.end, latest)
    )
    # No window means any time: where nothing is left, one that no slot can lie in.
    return referral.replaced(
        windows=windows or (TimeWindow(start=earliest, end=earliest + INSTANT),)
    )
