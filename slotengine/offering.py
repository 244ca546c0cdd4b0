"""One referral now: ranked offers, a seat held by token, and a placement that survives races."""

from collections.abc import Sequence
from datetime import datetime
from typing import Literal

from slotengine import opening
from slotengine.answers import Offer, Placement, Receipt
from slotengine.codes import BookingStatus, ReferralState
from slotengine.domain import Booking, Referral, Slot, by_id
from slotengine.errors import DuplicateReferralError, SlotTakenError, TransitionError
from slotengine.explanations import Candidate
from slotengine.loading import counter_problem, open_problem, seat_problem
from slotengine.policy import Policy
from slotengine.ports import Unit
from slotengine.problem import Problem, TravelMatrix
from slotengine.reasons import Reason, ReasonCode, Rule
from slotengine.tokens import OfferToken
from slotengine.transitions import ENDED, UNPLACED


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


def _ranked(
    unit: Unit, referral: Referral, policy: Policy, *, now: datetime, matrix: TravelMatrix | None
) -> tuple[Problem | None, list[Candidate]]:
    from slotengine.solver.rank import rank

    problem = counter_problem(unit, referral, policy, now=now, matrix=matrix)
    return (None, []) if problem is None else (problem, rank(problem, referral.id))


def offers(
    unit: Unit, referral_id: str, *, now: datetime, limit: int, matrix: TravelMatrix | None
) -> list[Offer]:
    """
    Gives the best seats that are free now, best first; [] when none fits.

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
    policy = unit.policy(referral.territory)
    problem, candidates = _ranked(unit, referral, policy, now=now, matrix=matrix)
    if problem is None:
        return []
    return [offer_of(problem, candidate, now=now) for candidate in candidates[:limit]]


def offer_of(problem: Problem, candidate: Candidate, *, now: datetime) -> Offer:
    """Gives a candidate as an offer with its token, valid as long as a hold would be."""
    slot = by_id(problem.slots)[candidate.slot]
    site = by_id(problem.sites)[slot.site]
    practitioner = by_id(problem.practitioners)[slot.practitioner]
    until = now + problem.policy.hold_for
    token = OfferToken(
        referral=candidate.referral,
        slot=slot.id,
        slot_version=slot.version,
        mode=candidate.mode,
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
    )


def _offer_of_booking(
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
    candidates = rank(problem, referral.id)
    chosen = next((one for one in candidates if one.slot == booking.slot), None)
    return None if chosen is None else offer_of(problem, chosen, now=now)


def hold(unit: Unit, token: OfferToken, *, now: datetime, matrix: TravelMatrix | None) -> Booking:
    """
    Holds the seat that a token names, after checking every rule again.

    The referral's own running hold of the same slot is given back as it is: a double click holds
    once.

    Raises
    ------
    SlotTakenError
        When the offer ran out, the slot changed, a rule forbids it by now, or the seat is taken.
    """
    referral = unit.stored_referral(token.referral).referral
    policy = unit.policy(referral.territory)
    unit.advance_clock(referral.territory, policy.clock_tolerance)
    present = unit.booking_of(referral.id)
    if present is not None:
        if present.slot == token.slot and present.status is BookingStatus.HELD:
            return present
        raise DuplicateReferralError(referral.id)
    if referral.state in ENDED:
        raise TransitionError(f"referral {referral.id}", referral.state.value, "held")
    if token.expired(now):
        raise SlotTakenError(token.slot, "the offer has run out")
    problem, candidates = _ranked(unit, referral, policy, now=now, matrix=matrix)
    chosen = next((one for one in candidates if one.slot == token.slot), None)
    if problem is None or chosen is None:
        raise SlotTakenError(token.slot, "it is taken or no longer fits")
    slot = by_id(problem.slots)[token.slot]
    if slot.version != token.slot_version:
        raise SlotTakenError(token.slot, "it changed since it was offered")
    return unit.take_seat(
        referral.id,
        slot,
        mode=chosen.mode,
        status=BookingStatus.HELD,
        held_until=now + policy.hold_for,
    )


def place(
    unit: Unit, receipt: Receipt, *, now: datetime, confirm: bool, matrix: TravelMatrix | None
) -> Placement:
    """Gives a received referral its best free seat, or says that none is free and why."""
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
            if confirm and present is not None:
                present = unit.confirm(present.id)
                referral = unit.stored_referral(referral.id).referral
            offer = None
            if present is not None:
                offer = _offer_of_booking(unit, referral, policy, present, now=now, matrix=matrix)
            return Placement(
                referral=referral.id,
                state=referral.state,
                booking=present,
                offer=offer,
                reasons=receipt.reasons + closed,
            )
    if _need_is_met(unit, receipt.linked):
        _wait(unit, referral, ReasonCode.LINKED)
        return Placement(
            referral=referral.id,
            state=ReferralState.WAITING,
            reasons=receipt.reasons + closed,
        )
    return _seat(unit, referral, policy, now=now, confirm=confirm, matrix=matrix, notes=closed)


def _wait(unit: Unit, referral: Referral, why: ReasonCode) -> None:
    if referral.state is ReferralState.RECEIVED:
        unit.set_referral_state(referral.id, ReferralState.WAITING, why=why.value)


def _need_is_met(unit: Unit, linked: Sequence[str]) -> bool:
    return any(unit.booking_of(other) is not None for other in linked)


def _seat(
    unit: Unit,
    referral: Referral,
    policy: Policy,
    *,
    now: datetime,
    confirm: bool,
    matrix: TravelMatrix | None,
    notes: tuple[Reason, ...],
) -> Placement:
    problem, candidates = _ranked(unit, referral, policy, now=now, matrix=matrix)
    booking, chosen, lost = take_best(
        unit, referral, problem, candidates, status=BookingStatus.HELD, until=now + policy.hold_for
    )
    if problem is None or booking is None or chosen is None:
        _wait(unit, referral, ReasonCode.NO_FREE_SEAT)
        return Placement(
            referral=referral.id,
            state=ReferralState.WAITING,
            reasons=(Reason(code=ReasonCode.NO_FREE_SEAT), *notes),
            lost_races=lost,
        )
    if confirm:
        booking = unit.confirm(booking.id)
    return Placement(
        referral=referral.id,
        state=unit.stored_referral(referral.id).referral.state,
        booking=booking,
        offer=offer_of(problem, chosen, now=now),
        reasons=notes,
        lost_races=lost,
    )


def take_best(
    unit: Unit,
    referral: Referral,
    problem: Problem | None,
    candidates: Sequence[Candidate],
    *,
    status: Literal[BookingStatus.HELD, BookingStatus.PROMISED],
    until: datetime | None = None,
    why: str = "",
) -> tuple[Booking | None, Candidate | None, int]:
    """Takes the first candidate whose seat is still there; gives how many races were lost."""
    slots: dict[str, Slot] = {} if problem is None else by_id(problem.slots)
    for lost, candidate in enumerate(candidates):
        try:
            booking = unit.take_seat(
                referral.id,
                slots[candidate.slot],
                mode=candidate.mode,
                status=status,
                held_until=until,
                why=why,
            )
        except SlotTakenError:
            continue
        except DuplicateReferralError:
            # Another door placed this very referral, or its patient elsewhere at that hour.
            if unit.booking_of(referral.id) is not None:
                raise
            continue
        return booking, candidate, lost
    return None, None, len(candidates)


def reseat(
    unit: Unit, referral_id: str, *, now: datetime, matrix: TravelMatrix | None, why: str
) -> tuple[Booking | None, tuple[Reason, ...]]:
    """
    Finds another seat for a patient whose seat vanished, as a promise still to be told.

    A hold of minutes would be lost before anybody could tell the patient.
    """
    referral = unit.stored_referral(referral_id).referral
    policy = unit.policy(referral.territory)
    problem, candidates = _ranked(unit, referral, policy, now=now, matrix=matrix)
    booking, _, _ = take_best(
        unit, referral, problem, candidates, status=BookingStatus.PROMISED, why=why
    )
    if booking is not None:
        return booking, ()
    code = ReasonCode.DEADLINE_PAST if problem is None else ReasonCode.NO_FREE_SEAT
    return None, (Reason(code=code),)


def refusal_of(
    unit: Unit,
    referral: Referral,
    policy: Policy,
    booking: Booking,
    *,
    now: datetime,
    matrix: TravelMatrix | None,
) -> Rule | None:
    """Gives the first rule that a referral's present seat breaks, None when it fits."""
    from slotengine.solver.explain import why_not

    slot = unit.slot(booking.slot)
    problem = seat_problem(unit, referral, policy, slot, now=now, matrix=matrix)
    return why_not(problem, referral.id, slot.id)
