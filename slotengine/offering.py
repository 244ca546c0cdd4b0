"""One referral now: ranked offers, a seat held by token, and a placement that survives races."""

from collections.abc import Sequence
from datetime import datetime

from slotengine import opening, promising
from slotengine.answers import Offer, Placement, Receipt
from slotengine.codes import BookingStatus, ReferralState
from slotengine.domain import Booking, Referral
from slotengine.errors import (
    DuplicateReferralError,
    TransitionError,
)
from slotengine.explanations import Candidate
from slotengine.keeping import give_promise
from slotengine.loading import open_problem
from slotengine.policy import Policy
from slotengine.ports import Unit
from slotengine.problem import TravelMatrix
from slotengine.ranking import Desk, desk_of, take_best
from slotengine.reasons import Reason, ReasonCode
from slotengine.tokens import OfferToken
from slotengine.transitions import ENDED, REFERRAL_AFTER, UNPLACED


def out_of_hours(policy: Policy, now: datetime) -> tuple[Reason, ...]:
    """Gives the reason that names the out-of-hours service, when the territory is closed now."""
    if opening.is_open(policy, now):
        return ()
    service = policy.out_of_hours
    return (
        Reason(
            code=ReasonCode.OUT_OF_HOURS,
            figures={
                "service_fr": service.name_fr,
                "service_en": service.name_en,
                "phone": service.phone,
            },
        ),
    )


def answered(receipt: Receipt, policy: Policy, *, now: datetime) -> Receipt:
    """Adds to a receipt who answers while the territory is closed; 15 needs no second number."""
    if receipt.state is ReferralState.REFUSED:
        return receipt
    return receipt.replaced(reasons=receipt.reasons + out_of_hours(policy, now))


def offers(
    unit: Unit, referral_id: str, *, now: datetime, limit: int, matrix: TravelMatrix | None
) -> list[Offer]:
    """
    Gives the best seats that may be had now and differ from each other; [] when none fits.

    Raises
    ------
    DuplicateReferralError
        When the referral has a seat.
    TransitionError
        When it is closed or refused.
    """
    referral = unit.stored_referral(referral_id).referral
    if unit.booking_of(referral_id) is not None:
        raise DuplicateReferralError(referral_id)
    if referral.state in ENDED:
        raise TransitionError(f"referral {referral_id}", referral.state.value, "offered a seat")
    return choice(unit, referral, now=now, limit=limit, matrix=matrix)


def choice(
    unit: Unit, referral: Referral, *, now: datetime, limit: int, matrix: TravelMatrix | None
) -> list[Offer]:
    """Gives at most ``limit`` offers that differ to a referral without a seat, best first."""
    from slotengine.solver.rank import spread_out

    policy = unit.policy(referral.territory)
    desk = desk_of(unit, referral, policy, now=now, matrix=matrix)
    chosen = spread_out(
        desk.candidates,
        desk.slots,
        limit=limit,
        apart_minutes=policy.offering.apart_minutes,
    )
    return [offer_of(desk, candidate, policy, now=now) for candidate in chosen]


def offer_of(desk: Desk, candidate: Candidate, policy: Policy, *, now: datetime) -> Offer:
    """Gives a candidate as an offer with its token, valid as long as a hold would be."""
    slot = desk.slots[candidate.slot]
    site, practitioner = desk.place(slot)
    until = now + policy.hold_for
    token = OfferToken(
        referral=candidate.referral,
        slot=slot.id,
        slot_version=slot.version,
        mode=candidate.mode,
        price_set=desk.priced.price_set,
        expires_at=until,
    )
    return Offer(
        token=token.text(),
        referral=candidate.referral,
        slot=slot.id,
        practitioner=practitioner.id,
        profession=practitioner.profession,
        site=site.id,
        place=site.label,
        start=slot.start,
        end=slot.end,
        mode=candidate.mode,
        travel_metres=candidate.travel_metres,
        travel_minutes=candidate.travel_minutes,
        wait_minutes=candidate.wait_minutes,
        value=candidate.value,
        cost=candidate.cost,
        price=candidate.price,
        extra=candidate.seat >= slot.capacity,
        expires_at=until,
        price_set=desk.priced.price_set,
        reasons=desk.priced.reasons_of(slot.id),
    )


def offer_of_booking(
    unit: Unit,
    referral: Referral,
    policy: Policy,
    booking: Booking,
    *,
    now: datetime,
    matrix: TravelMatrix | None,
) -> Offer | None:
    """
    Gives the seat that a referral has in the words of an offer, for a message that came again.

    None when the referral could not have that seat any more, as when it was amended since.
    """
    from slotengine.solver.rank import rank

    as_of = min(now, referral.received_at)
    problem = open_problem(unit, referral, policy, as_of=as_of, matrix=matrix)
    desk = Desk.of(problem, rank(problem, referral.id))
    chosen = next((one for one in desk.candidates if one.slot == booking.slot), None)
    if chosen is None:
        return None
    return offer_of(desk, chosen.replaced(seat=booking.seat), policy, now=now)


def place(
    unit: Unit, receipt: Receipt, *, now: datetime, confirm: bool, matrix: TravelMatrix | None
) -> Placement:
    """
    Gives a received referral its best seat, or a promise of one, or says that none is and why.

    Priorities that the Policy promises to get a promise, ``confirm`` or not: its hour is told
    later. Where no seat starts late enough to be promised, they get a seat like everybody.
    """
    referral = unit.stored_referral(receipt.referral).referral
    policy = unit.policy(referral.territory)
    closed = out_of_hours(policy, now)
    if referral.state not in UNPLACED:
        present = unit.booking_of(referral.id)
        if present is None and referral.state is ReferralState.HELD:
            # Its hold ran out and nobody has noticed yet: it is looked at as waiting.
            unit.expire_holds(referral.territory)
            referral = unit.stored_referral(referral.id).referral
        else:
            return _standing(
                unit, receipt, policy, present, now=now, confirm=confirm, matrix=matrix
            )
    if _need_is_met(unit, receipt.linked):
        _wait(unit, referral, ReasonCode.LINKED)
        return Placement(
            referral=referral.id,
            state=ReferralState.WAITING,
            reasons=receipt.reasons + closed,
        )
    desk = desk_of(unit, referral, policy, now=now, matrix=matrix)
    if _is_promised(desk, referral, policy, now=now):
        promised = give_promise(
            unit, referral, policy, now=now, matrix=matrix, first=desk, notes=closed
        )
        if promised is not None:
            return promised
    return _seat(
        unit, referral, policy, desk, now=now, confirm=confirm, matrix=matrix, notes=closed
    )


def _is_promised(desk: Desk, referral: Referral, policy: Policy, *, now: datetime) -> bool:
    """
    Tells whether a referral is to be promised a seat: by its priority, unless the best one is near.

    A seat too near to be told ahead is told at once: it would be lost on who has no other need, and
    nothing is left to promise.
    """
    if referral.priority not in policy.promises.priorities or not desk.candidates:
        return False
    return desk.slots[desk.candidates[0].slot].start >= now + policy.promises.notice


def _standing(
    unit: Unit,
    receipt: Receipt,
    policy: Policy,
    present: Booking | None,
    *,
    now: datetime,
    confirm: bool,
    matrix: TravelMatrix | None,
) -> Placement:
    """Gives what a referral has already, in the words of a placement; a promise stays one."""
    reasons = receipt.reasons + out_of_hours(policy, now)
    promise = None if present is None else promising.open_promise(unit, receipt.referral)
    if promise is not None:
        return Placement(
            referral=receipt.referral,
            state=unit.stored_referral(receipt.referral).referral.state,
            booking=present,
            promise=promise,
            reasons=(promising.in_words(promise, policy), *reasons),
        )
    if confirm and present is not None:
        present = unit.confirm(present.id)
    referral = unit.stored_referral(receipt.referral).referral
    offer = None
    if present is not None:
        offer = offer_of_booking(unit, referral, policy, present, now=now, matrix=matrix)
    return Placement(
        referral=referral.id, state=referral.state, booking=present, offer=offer, reasons=reasons
    )


def promise(
    unit: Unit, referral_id: str, *, now: datetime, matrix: TravelMatrix | None
) -> Placement:
    """
    Promises a referral a seat, whatever its priority; without one that fits it waits.

    Raises
    ------
    DuplicateReferralError
        When it has a seat already, unless that is what it was promised.
    TransitionError
        When it is closed or refused.
    """
    referral = unit.stored_referral(referral_id).referral
    policy = unit.policy(referral.territory)
    unit.advance_clock(referral.territory, policy.clock_tolerance)
    closed = out_of_hours(policy, now)
    present = unit.booking_of(referral_id)
    given = None if present is None else promising.open_promise(unit, referral_id)
    if given is not None:
        return Placement(
            referral=referral_id,
            state=referral.state,
            booking=present,
            promise=given,
            reasons=(promising.in_words(given, policy), *closed),
        )
    if present is not None:
        raise DuplicateReferralError(referral_id)
    if referral.state in ENDED:
        raise TransitionError(f"referral {referral_id}", referral.state.value, "promised a seat")
    unit.expire_holds(referral.territory)
    referral = unit.stored_referral(referral_id).referral
    found = give_promise(unit, referral, policy, now=now, matrix=matrix, notes=closed)
    if found is not None:
        return found
    terms = promising.terms_for(referral, policy, now=now)
    desk = desk_of(
        unit, promising.with_terms(referral, terms, now=now), policy, now=now, matrix=matrix
    )
    return _none(unit, referral, desk, notes=closed, lost=0)


def _wait(unit: Unit, referral: Referral, why: ReasonCode) -> None:
    if referral.state is ReferralState.RECEIVED:
        unit.set_referral_state(referral.id, ReferralState.WAITING, why=why.value)


def _need_is_met(unit: Unit, linked: Sequence[str]) -> bool:
    return any(unit.booking_of(other) is not None for other in linked)


def _seat(
    unit: Unit,
    referral: Referral,
    policy: Policy,
    desk: Desk,
    *,
    now: datetime,
    confirm: bool,
    matrix: TravelMatrix | None,
    notes: tuple[Reason, ...],
) -> Placement:
    taken = take_best(
        unit,
        referral,
        lambda: desk_of(unit, referral, policy, now=now, matrix=matrix),
        first=desk,
        status=BookingStatus.HELD,
        until=now + policy.hold_for,
    )
    booking, chosen = taken.booking, taken.candidate
    if booking is None or chosen is None:
        return _none(unit, referral, taken.desk, notes=notes, lost=taken.lost)
    if confirm:
        booking = unit.confirm(booking.id)
    return Placement(
        referral=referral.id,
        state=REFERRAL_AFTER[booking.status],
        booking=booking,
        offer=offer_of(taken.desk, chosen, policy, now=now),
        reasons=notes,
        lost_races=taken.lost,
    )


def _none(
    unit: Unit, referral: Referral, desk: Desk, *, notes: tuple[Reason, ...], lost: int
) -> Placement:
    """Says that no seat is given: none fits, or those that would are kept for others."""
    code = ReasonCode.KEPT if desk.kept else ReasonCode.NO_FREE_SEAT
    _wait(unit, referral, code)
    return Placement(
        referral=referral.id,
        state=ReferralState.WAITING,
        reasons=(Reason(code=code), *(desk.priced.reasons if desk.kept else ()), *notes),
        lost_races=lost,
    )
