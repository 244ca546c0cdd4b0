"""
Promises: a seat before an instant, within a distance, whose hour is told a while ahead.

A promise owns a real seat at every moment, its witness, which may change until it is told. Whoever
needs that seat more may have it where everybody promised still gets what they were promised.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from slotengine.codes import Mode, PromiseState, ReferralState
from slotengine.domain import Promise, Referral, Slot, TimeWindow, by_id
from slotengine.labels import Lang, when
from slotengine.loading import moving_problem
from slotengine.pinning import INSTANT
from slotengine.policy import Policy
from slotengine.ports import Move, SeatedPromise, Unit
from slotengine.problem import Problem, TravelMatrix
from slotengine.reasons import Reason, ReasonCode

LONGEST_VISIT = timedelta(days=1)
"""No slot lasts longer: a window that ends so much after a deadline cuts none that starts by it."""

METRES_A_TENTH = 100
TENTHS = 10
"""Of a kilometre."""

BROKEN = "incident.promise_broken"
"""The event by which a host learns that a promise was not kept."""

A_MINUTE = timedelta(minutes=1)


def terms_for(referral: Referral, policy: Policy, *, now: datetime) -> Promise:
    """Gives what a referral would be promised now: its own deadline and its own distance."""
    return Promise(
        referral=referral.id,
        territory=referral.territory,
        made_at=now,
        before=referral.deadline or now,
        within_metres=(
            policy.max_travel_metres
            if referral.max_travel_metres is None
            else referral.max_travel_metres
        ),
        notice=policy.promises.notice,
    )


def with_terms(referral: Referral, promise: Promise, *, now: datetime) -> Referral:
    """
    Gives a referral that asks for what it was promised: every seat it may have keeps the promise.

    Later than ``now`` by the notice at least, or its hour could not be told in time.
    """
    before = promise.before if referral.deadline is None else min(promise.before, referral.deadline)
    reach = referral.max_travel_metres
    earliest = now + promise.notice
    latest = max(before + LONGEST_VISIT, earliest + INSTANT)
    asked = referral.windows or (TimeWindow(start=earliest, end=latest),)
    windows = tuple(
        TimeWindow(start=max(window.start, earliest), end=window.end)
        for window in asked
        if max(window.start, earliest) < window.end
    )
    return referral.replaced(
        deadline=max(before, referral.received_at),
        max_travel_metres=(
            promise.within_metres if reach is None else min(reach, promise.within_metres)
        ),
        # No window means any time: where none is left, one that no slot can lie in.
        windows=windows or (TimeWindow(start=earliest, end=earliest + INSTANT),),
    )


def in_words(promise: Promise, policy: Policy) -> Reason:
    """Gives the sentence of a promise."""
    return Reason(
        code=ReasonCode.PROMISED,
        figures={
            "before_fr": f"avant {when(promise.before, policy.zone, Lang.FR)}",
            "before_en": f"before {when(promise.before, policy.zone, Lang.EN)}",
            "km_fr": _kilometres(promise.within_metres, ","),
            "km_en": _kilometres(promise.within_metres, "."),
            "notice": promise.notice // A_MINUTE,
        },
    )


def _kilometres(metres: int, point: str) -> str:
    """Gives tenths of a kilometre, rounded up: what is promised must hold to the last metre."""
    return f"{-(-metres // METRES_A_TENTH) / TENTHS:g}".replace(".", point)


class Behind(NamedTuple):
    """
    Promised seats that may be freed for one referral: at what cost, by which moves.

    ``moves`` of a slot lead from the free end backwards; after them a seat of the slot is free.
    """

    problem: Problem
    cost: Mapping[str, int]
    moves: Mapping[str, tuple[Move, ...]]


def behind(
    unit: Unit,
    referral: Referral,
    policy: Policy,
    *,
    full: Collection[str],
    prices: Callable[[Sequence[Slot]], Mapping[str, int]],
    kept: Collection[str],
    now: datetime,
    matrix: TravelMatrix | None,
) -> Behind | None:
    """
    Finds which promised seats a referral could have if promises moved; None when none may move.

    Groups and steps of a pathway don't move by day, and neither do home visits: what binds them to
    others is not seen by a chain of single moves. For the same reason none is freed for them.
    ``full`` are the slots without a free seat that the requester may be offered: no other promised
    seat is looked for. ``prices`` gives those of slots: asked only where a promise may move, and
    of all that holders could move to, later ones than the referral itself could have among them.
    """
    if referral.group is not None or referral.pathway is not None or not full:
        return None
    holders = _holders(unit, referral, now=now)
    if not any(one.slot.id in full for one, _ in holders):
        return None
    from slotengine.solver.moving import Seat, moving

    asking = {who.id: who for _, who in holders}
    witness = {one.booking.referral: one.booking for one, _ in holders}
    problem = moving_problem(unit, referral, list(asking.values()), policy, now=now, matrix=matrix)
    found = moving(
        problem,
        [Seat(id_, booking.slot, booking.seat) for id_, booking in witness.items()],
        prices=prices(problem.slots),
        kept=kept,
    )
    slots = by_id(problem.slots)
    return Behind(
        problem=problem,
        cost=found.cost,
        moves={
            slot_id: tuple(
                Move(
                    booking=witness[step.referral].id,
                    version=witness[step.referral].version,
                    slot=slots[step.slot],
                    mode=step.mode,
                )
                for step in chain
            )
            for slot_id, chain in found.chains.items()
        },
    )


def _holders(
    unit: Unit, referral: Referral, *, now: datetime
) -> list[tuple[SeatedPromise, Referral]]:
    """Gives the promises that may move now, each with a referral that asks for its terms."""
    opened = [one for one in unit.open_promises(referral.territory) if _may_move(one, now)]
    if not opened:
        return []
    content = {one.id: one for one in unit.referrals(referral.territory, [ReferralState.PROMISED])}
    found: list[tuple[SeatedPromise, Referral]] = []
    # A Problem places one need a patient: the first promise may move, the others stay.
    patients = {referral.patient.key}
    for one in opened:
        who = content.get(one.promise.referral)
        if who is None or who.group is not None or who.pathway is not None:
            continue
        modes = tuple(mode for mode in who.modes if mode is not Mode.HH)
        if not modes or who.patient.key in patients:
            continue
        patients.add(who.patient.key)
        asking = who if modes == who.modes else who.replaced(modes=modes)
        found.append((one, with_terms(asking, one.promise, now=now)))
    return found


def _may_move(one: SeatedPromise, now: datetime) -> bool:
    return (
        one.booking.movable
        and one.booking.mode is not Mode.HH
        and not _is_due(one.promise, one.slot, now)
    )


def _is_due(promise: Promise, slot: Slot, now: datetime) -> bool:
    """Tells whether a promise is to be told by now; at that very instant it stays where it is."""
    return slot.start - promise.notice <= now


def open_promise(unit: Unit, referral_id: str) -> Promise | None:
    """Gives the promise that a referral is still to be kept, None when there is none."""
    found = unit.promise_of(referral_id)
    return found if found is not None and found.state is PromiseState.OPEN else None


def give_up(unit: Unit, referral_id: str, why: str) -> None:
    """
    Ends a referral's open promise because its people did not want it any more.

    Asked after its booking ended: a promise that has a seat again is not meant.
    """
    if open_promise(unit, referral_id) is not None and unit.booking_of(referral_id) is None:
        unit.end_promise(referral_id, PromiseState.GIVEN_UP, why)


def broken(unit: Unit, referral_id: str, why: str) -> Reason:
    """Ends a promise that nothing can keep; the patient is first in line."""
    unit.end_promise(referral_id, PromiseState.BROKEN, why)
    unit.put_first_in_line(referral_id)
    return Reason(code=ReasonCode.PROMISE_BROKEN)


def broken_aloud(unit: Unit, one: SeatedPromise, why: str) -> None:
    """Ends a promise that nothing can keep, with an incident that names the seat it had."""
    reason = broken(unit, one.promise.referral, why)
    unit.event(
        one.promise.territory,
        BROKEN,
        referral=one.promise.referral,
        slot=one.slot.id,
        booking=one.booking.id,
        why=reason.code.value,
    )
