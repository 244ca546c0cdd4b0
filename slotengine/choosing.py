"""
Who is placed tonight: one need of each patient, or one pathway from its first open step on.

Asked of the store in a few statements, however many wait.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from slotengine.answers import Receipt
from slotengine.codes import BookingStatus, Priority, ReferralState
from slotengine.domain import Referral, TimeWindow
from slotengine.policy import Policy
from slotengine.ports import Seated, SeatedPromise, Unit
from slotengine.reasons import Reason, ReasonCode
from slotengine.referring import chain_of

PLANNED_STATES = (
    ReferralState.RECEIVED,
    ReferralState.WAITING,
    ReferralState.PROMISED,
    ReferralState.HELD,
)
"""Held is listed for holds that ran out and that nobody has marked yet."""

URGENCY = {priority: rank for rank, priority in enumerate(Priority)}


class _Desk(NamedTuple):
    """What is known of the patients who wait, by patient key or referral id."""

    open_needs: Mapping[str, Sequence[Referral]]
    seats: Mapping[str, Seated]
    promises: Mapping[str, SeatedPromise]
    window: TimeWindow
    told_may_move: bool


def chosen_tonight(
    unit: Unit, policy: Policy, window: TimeWindow
) -> tuple[list[Referral], tuple[Receipt, ...]]:
    """
    Chooses who is placed tonight, and says why others are not.

    Two needs of one patient could land on overlapping hours, which no rule between one referral
    and one slot can see; the second need is placed by the next run or at the counter. Steps of one
    pathway can't: each comes after the one before.
    """
    waiting = sorted(
        unit.referrals(policy.territory, PLANNED_STATES),
        key=lambda one: (URGENCY[one.priority], one.deadline or window.end, one.id),
    )
    desk = _desk(unit, policy, waiting, window)
    codes: dict[str, ReasonCode | None] = {
        one.id: _left_out(one, desk)
        for one in waiting
        if one.state is not ReferralState.HELD or one.id not in desk.seats
    }
    able = [one for one in waiting if one.id in codes and codes[one.id] is None]
    chosen = _one_need_each(able, desk, codes)
    left_out = tuple(
        left_out_receipt(one, code, window)
        for one in waiting
        if (code := codes.get(one.id)) is not None and one.state is not ReferralState.PROMISED
    )
    return chosen, left_out


def _desk(unit: Unit, policy: Policy, waiting: Sequence[Referral], window: TimeWindow) -> _Desk:
    open_needs: dict[str, list[Referral]] = {}
    for one in unit.patient_referrals(policy.territory, [who.patient.key for who in waiting]):
        open_needs.setdefault(one.patient.key, []).append(one)
    before = [one.follows for one in waiting if one.follows is not None]
    own = unit.seated("referral", [one.id for one in waiting])
    done = unit.seated("referral", before, done=True) if before else ()
    return _Desk(
        open_needs=open_needs,
        seats={
            one.booking.referral: one
            for one in (*own, *done)
            if one.booking.status is not BookingStatus.NOSHOW
        },
        promises={one.promise.referral: one for one in unit.open_promises(policy.territory)},
        window=window,
        told_may_move=policy.max_told_moves > 0,
    )


def _left_out(referral: Referral, desk: _Desk) -> ReasonCode | None:
    """Tells why a referral is not placed tonight; a told, due or later promise stays as it is."""
    window, seat = desk.window, desk.seats.get(referral.id)
    if referral.state is ReferralState.PROMISED and seat is not None:
        # Siblings and steps were told together: one of them alone is not moved.
        alone = referral.group is None and referral.pathway is None
        promise = desk.promises.get(referral.id)
        if promise is None:
            movable = seat.booking.movable or (desk.told_may_move and alone)
        else:
            # It may lose its seat to a better one only: together with others it might to none.
            due = seat.slot.start - promise.promise.notice <= window.start
            movable = seat.booking.movable and alone and not due
        inside = window.start <= seat.slot.start < window.end
        return None if movable and inside else ReasonCode.LINKED
    if referral.deadline is not None and referral.deadline < window.start:
        return ReasonCode.DEADLINE_PAST
    needs = desk.open_needs.get(referral.patient.key, ())
    chain = chain_of(referral, needs)
    met = any(
        other.id not in chain
        and set(other.professions) & set(referral.professions)
        and other.state in {ReferralState.HELD, ReferralState.BOOKED}
        for other in needs
    )
    return ReasonCode.LINKED if met else None


def _one_need_each(
    able: Sequence[Referral], desk: _Desk, codes: dict[str, ReasonCode | None]
) -> list[Referral]:
    """Gives the most urgent need of each patient with its pathway; notes why others are not."""
    known = {one.id: one for one in able}
    after = {one.follows: one for one in able if one.follows is not None}
    chosen: dict[str, list[Referral]] = {}
    for one in able:
        if codes[one.id] is not None or one in chosen.get(one.patient.key, ()):
            continue
        if one.patient.key in chosen:
            codes[one.id] = ReasonCode.ANOTHER_NEED_FIRST
            continue
        steps = list(_from_first(one, known, after))
        before = steps[0].follows
        if before is None or before in desk.seats:
            chosen[one.patient.key] = steps
        else:
            codes |= dict.fromkeys((step.id for step in steps), ReasonCode.PATHWAY)
    return [step for steps in chosen.values() for step in steps]


def _from_first(
    one: Referral, known: Mapping[str, Referral], after: Mapping[str, Referral]
) -> Iterable[Referral]:
    """Gives the open steps of a pathway in order, from the first that can be placed tonight."""
    passed = {one.id}
    while one.follows is not None and one.follows in known and one.follows not in passed:
        one = known[one.follows]
        passed.add(one.id)
    given: set[str] = set()
    while one.id not in given:
        yield one
        given.add(one.id)
        one = after.get(one.id, one)


def left_out_receipt(referral: Referral, code: ReasonCode, window: TimeWindow) -> Receipt:
    """Says that a referral is not placed tonight, and why."""
    return Receipt(
        referral=referral.id,
        state=referral.state,
        deadline=referral.deadline or window.end,
        repeated=True,
        reasons=(Reason(code=code),),
    )
