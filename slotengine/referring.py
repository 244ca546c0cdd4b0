"""A referral before it gets a seat: received, repeated, refused, amended, linked, closed."""

from collections.abc import Iterable, Mapping
from datetime import datetime

from slotengine import opening
from slotengine.answers import Receipt
from slotengine.codes import BookingStatus, ReferralState
from slotengine.domain import Booking, Referral
from slotengine.errors import InputError, ReferralConflictError, ReferralPastError, TransitionError
from slotengine.policy import Policy
from slotengine.ports import StoredReferral, Unit
from slotengine.problem import TravelMatrix
from slotengine.promising import give_up, open_promise
from slotengine.reasons import Reason, ReasonCode
from slotengine.redflags import red_flags
from slotengine.transitions import ENDED

AMENDED = "amended"
"""Why a seat was given back that no longer fits what is asked."""


def filled(referral: Referral, policy: Policy) -> Referral:
    """Gives the referral with deadline and max travel from the Policy where it has none."""
    due = referral.deadline or opening.deadline(policy, referral.priority, referral.received_at)
    reach = referral.max_travel_metres
    if reach is not None and due == referral.deadline:
        return referral
    return referral.replaced(
        deadline=due,
        max_travel_metres=policy.max_travel_metres if reach is None else reach,
    )


def receive(unit: Unit, referral: Referral, *, now: datetime) -> Receipt:
    """
    Stores a referral once, or says where the known one stands.

    Raises
    ------
    ReferralPastError
        When its deadline or all its windows are past.
    ReferralConflictError
        When the reference is known with other content.
    """
    policy = unit.policy(referral.territory)
    unit.advance_clock(referral.territory, policy.clock_tolerance)
    known = unit.find_referral(referral.territory, referral.source, referral.reference)
    if known is not None:
        return _repeated(unit, known, referral)
    asked = filled(referral, policy).replaced(state=ReferralState.RECEIVED)
    reject_past(asked, policy, now)
    if not unit.add_referral(asked, referral.content_digest()):
        # Another process stored the same message between our look and our write.
        again = unit.find_referral(referral.territory, referral.source, referral.reference)
        if again is None:
            raise InputError(f"referral id {referral.id} belongs to another reference")
        return _repeated(unit, again, referral)
    flags = red_flags(asked, policy)
    if flags:
        unit.set_referral_state(asked.id, ReferralState.REFUSED, why=flags[0].code.value)
        return _receipt(asked.replaced(state=ReferralState.REFUSED), reasons=flags)
    linked = linked_needs(unit, asked)
    if linked:
        unit.event(asked.territory, "referral.linked", referral=asked.id, why=linked[0].id)
    return _linked_receipt(asked, linked)


def standing(unit: Unit, known: StoredReferral, *, repeated: bool = True) -> Receipt:
    """Says where a known referral stands."""
    present = known.referral
    open_ones: tuple[Referral, ...] = ()
    if present.state not in ENDED:
        open_ones = unit.patient_referrals(present.territory, [present.patient.key])
    policy = unit.policy(present.territory)
    return standing_among(present, policy, open_ones, repeated=repeated)


def standing_among(
    present: Referral, policy: Policy, open_ones: Iterable[Referral], *, repeated: bool = True
) -> Receipt:
    """Says where a referral stands among the open ones of its patient, its own included or not."""
    if present.state is ReferralState.REFUSED:
        return _receipt(present, reasons=red_flags(present, policy), repeated=repeated)
    linked = () if present.state is ReferralState.CLOSED else linked_among(present, open_ones)
    return _linked_receipt(present, linked, repeated=repeated)


def _linked_receipt(
    referral: Referral, linked: tuple[Referral, ...], *, repeated: bool = False
) -> Receipt:
    return _receipt(
        referral,
        reasons=(Reason(code=ReasonCode.LINKED),) if linked else (),
        linked=tuple(other.id for other in linked),
        repeated=repeated,
    )


def _repeated(unit: Unit, known: StoredReferral, referral: Referral) -> Receipt:
    if known.digest != referral.content_digest():
        raise ReferralConflictError(known.referral.id)
    return standing(unit, known)


def _receipt(
    referral: Referral,
    *,
    reasons: tuple[Reason, ...] = (),
    repeated: bool = False,
    linked: tuple[str, ...] = (),
) -> Receipt:
    if referral.deadline is None:
        raise InputError(f"referral {referral.id} was stored without a deadline")
    return Receipt(
        referral=referral.id,
        state=referral.state,
        deadline=referral.deadline,
        repeated=repeated,
        reasons=reasons,
        linked=linked,
    )


def reject_past(referral: Referral, policy: Policy, now: datetime) -> None:
    """Refuses a referral that nothing can serve any more, or that comes from the future."""
    if referral.received_at > now + policy.clock_tolerance:
        raise InputError(f"referral {referral.id} was received after now")
    if referral.deadline is not None and referral.deadline < now:
        raise ReferralPastError(referral.id, "its deadline")
    if referral.windows and all(window.end <= now for window in referral.windows):
        raise ReferralPastError(referral.id, "every window it asks for")


def linked_needs(unit: Unit, referral: Referral) -> tuple[Referral, ...]:
    """
    Gives other open referrals of the same patient for the same profession, by id.

    Two professionals who send one patient for one need are told of each other; the time they
    cover overlaps when neither is due before the other was received. Steps of one pathway are not
    two messages of one need.
    """
    return linked_among(
        referral, unit.patient_referrals(referral.territory, [referral.patient.key])
    )


def linked_among(referral: Referral, open_ones: Iterable[Referral]) -> tuple[Referral, ...]:
    """Gives those of a patient's open referrals, sorted by id, that ``linked_needs`` means."""
    open_ones = [other for other in open_ones if other.id != referral.id]
    if not open_ones:
        return ()
    chain = chain_of(referral, open_ones)
    return tuple(
        other
        for other in open_ones
        if other.id not in chain
        and set(other.professions) & set(referral.professions)
        and other.deadline is not None
        and referral.deadline is not None
        and other.deadline >= referral.received_at
        and referral.deadline >= other.received_at
    )


def amend(unit: Unit, referral: Referral, *, now: datetime, matrix: TravelMatrix | None) -> Receipt:
    """
    Replaces what is asked; a seat that no longer fits is given back unless it was confirmed.

    A confirmed appointment is known to the patient: it stays, and the receipt says which rule it
    breaks now, for people to decide. A promise whose seat no longer fits is given anew for what is
    asked now, if it can be. What a pathway decides of a step stays as it is.
    """
    # Imported here: ranking loads numpy, which a mere receipt does not need.
    from slotengine.keeping import give_promise, refusal_of

    policy = unit.policy(referral.territory)
    unit.advance_clock(referral.territory, policy.clock_tolerance)
    stored = unit.stored_referral(referral.id)
    state = stored.referral.state
    if state in ENDED:
        raise TransitionError(f"referral {referral.id}", state.value, "amended")
    referral = _as_its_step(referral, stored.referral)
    asked = filled(referral, policy).replaced(state=state)
    reject_past(asked, policy, now)
    if stored.digest == referral.content_digest():
        return _receipt(stored.referral, repeated=True)
    unit.replace_referral(asked, referral.content_digest())
    booking = unit.booking_of(referral.id)
    flags = red_flags(asked, policy)
    if flags:
        _end(unit, booking, "red_flag")
        unit.set_referral_state(asked.id, ReferralState.REFUSED, why=flags[0].code.value)
        return _receipt(asked.replaced(state=ReferralState.REFUSED), reasons=flags)
    reasons: tuple[Reason, ...] = ()
    if booking is not None:
        rule = refusal_of(unit, asked, policy, booking, now=now, matrix=matrix)
        if rule is not None:
            reasons = (Reason(code=ReasonCode(rule.value)),)
            if booking.status is not BookingStatus.CONFIRMED:
                promised = open_promise(unit, asked.id) is not None
                _end(unit, booking, AMENDED)
                anew = (
                    give_promise(unit, asked, policy, now=now, matrix=matrix) if promised else None
                )
                reasons = reasons if anew is None else anew.reasons
    present = unit.stored_referral(asked.id).referral
    return _receipt(present, reasons=reasons)


def _as_its_step(referral: Referral, stored: Referral) -> Referral:
    """Gives what is asked with what the pathway decides: who gives a step, and after which one."""
    if referral.pathway not in {None, stored.pathway}:
        raise InputError(f"referral {referral.id} can't change its pathway; cancel it and refer")
    if stored.pathway is None:
        return referral
    return referral.replaced(
        **{
            name: getattr(stored, name)
            for name in ("pathway", "step", "follows", "professions", "specialties")
        }
    )


def _end(unit: Unit, booking: Booking | None, why: str) -> None:
    if booking is not None:
        unit.end_booking(booking.id, BookingStatus.CANCELLED, why=why)
        give_up(unit, booking.referral, why)


def cancel(unit: Unit, referral_id: str, why: str) -> Receipt:
    """Closes a referral and gives its seat back; a closed one is left as it is."""
    referral = unit.stored_referral(referral_id).referral
    policy = unit.policy(referral.territory)
    unit.advance_clock(referral.territory, policy.clock_tolerance)
    if referral.state in ENDED:
        return _receipt(referral, repeated=True)
    _end(unit, unit.booking_of(referral_id), why)
    unit.set_referral_state(referral_id, ReferralState.CLOSED, why=why)
    return _receipt(unit.stored_referral(referral_id).referral)


def chain_of(referral: Referral, among: Iterable[Referral]) -> frozenset[str]:
    """Gives the ids of the steps that a referral follows or is followed by, its own included."""
    after: dict[str, str] = {}
    before: dict[str, str] = {}
    for one in {referral.id: referral, **{one.id: one for one in among}}.values():
        if one.follows is not None:
            before[one.id] = one.follows
            after[one.follows] = one.id
    return frozenset({*_walk(referral.id, before), *_walk(referral.id, after)})


def _walk(start: str, steps: Mapping[str, str]) -> list[str]:
    seen = [start]
    while seen[-1] in steps and steps[seen[-1]] not in seen:
        seen.append(steps[seen[-1]])
    return seen
