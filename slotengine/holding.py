"""An offered seat held by its token, and a hold confirmed, or told that it ran out."""

from datetime import datetime

from slotengine.answers import Offer, Placement
from slotengine.codes import BookingStatus
from slotengine.domain import Booking, Referral
from slotengine.errors import (
    DuplicateReferralError,
    HoldExpiredError,
    SlotTakenError,
    TokenError,
    TransitionError,
)
from slotengine.offering import choice, offer_of_booking, out_of_hours
from slotengine.policy import Policy
from slotengine.ports import Unit
from slotengine.problem import TravelMatrix
from slotengine.ranking import Desk, desk_of, take_best
from slotengine.reasons import Reason, ReasonCode
from slotengine.tokens import OfferToken
from slotengine.transitions import ENDED


def hold(unit: Unit, token: OfferToken, *, now: datetime, matrix: TravelMatrix | None) -> Booking:
    """
    Holds the seat that a token names, after checking every rule again, but never the price.

    What was offered is held at the price it was offered at: a requester is not told "not any more"
    because prices moved. The referral's own running hold of the same slot is given back as it is: a
    double click holds once. A promised seat is freed by the moves that are possible now.

    Raises
    ------
    TokenError
        When the token's prices are of another territory than the referral.
    SlotTakenError
        When the offer ran out, the slot changed, a rule forbids it by now, or the seat is taken.
    DuplicateReferralError
        When the referral has another seat.
    """
    referral = unit.stored_referral(token.referral).referral
    policy = unit.policy(referral.territory)
    if not token.priced_in(referral.territory):
        raise TokenError(f"offer token of referral {referral.id} has prices of another territory")
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
    return _held(unit, token, referral, policy, now=now, matrix=matrix)


def _held(
    unit: Unit,
    token: OfferToken,
    referral: Referral,
    policy: Policy,
    *,
    now: datetime,
    matrix: TravelMatrix | None,
) -> Booking:
    # A token that names what never was says so, whatever the rules would say of it.
    if unit.slot(token.slot).version != token.slot_version:
        raise SlotTakenError(token.slot, "it changed since it was offered")

    def look() -> Desk:
        desk = desk_of(unit, referral, policy, now=now, matrix=matrix, at_any_price=True)
        return desk._replace(candidates=[one for one in desk.candidates if one.slot == token.slot])

    until = now + policy.hold_for
    taken = take_best(unit, referral, look, status=BookingStatus.HELD, until=until)
    if taken.booking is None:
        raise SlotTakenError(token.slot, "it is taken or no longer fits")
    return taken.booking


def confirm_or_offer(
    unit: Unit, booking_id: str, *, now: datetime, limit: int, matrix: TravelMatrix | None
) -> Placement:
    """Confirms a booking; where its hold ran out, says so and offers what may be had now."""
    booking = unit.booking(booking_id)
    policy = unit.policy(booking.territory)
    unit.advance_clock(booking.territory, policy.clock_tolerance)
    ran_out: tuple[Reason, ...] = ()
    others: list[Offer] = []
    try:
        unit.confirm(booking_id)
    except HoldExpiredError:
        unit.expire_holds(booking.territory)
        ran_out = (Reason(code=ReasonCode.HOLD_RAN_OUT),)
    referral = unit.stored_referral(booking.referral).referral
    # Whoever lost this hold may have another seat by now: that is what stands.
    present = unit.booking_of(referral.id)
    offer = None
    if present is not None:
        offer = offer_of_booking(unit, referral, policy, present, now=now, matrix=matrix)
    elif referral.state not in ENDED:
        others = choice(unit, referral, now=now, limit=limit, matrix=matrix)
    return Placement(
        referral=referral.id,
        state=referral.state,
        booking=present,
        offer=offer,
        offers=tuple(others),
        reasons=(*ran_out, *out_of_hours(policy, now)),
    )
