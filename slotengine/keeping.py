"""A seat that stands: promised with its witness, found again when it vanished, still fitting."""

from datetime import datetime

from slotengine import promising
from slotengine.answers import Placement
from slotengine.codes import BookingStatus
from slotengine.domain import Booking, Referral
from slotengine.loading import seat_problem
from slotengine.policy import Policy
from slotengine.ports import Unit
from slotengine.problem import TravelMatrix
from slotengine.ranking import Desk, desk_of, take_best
from slotengine.reasons import Reason, ReasonCode, Rule

WHY_PROMISED = "promise"
"""Why a witness was booked whose hour nobody was told."""


def give_promise(
    unit: Unit,
    referral: Referral,
    policy: Policy,
    *,
    now: datetime,
    matrix: TravelMatrix | None,
    first: Desk | None = None,
    notes: tuple[Reason, ...] = (),
) -> Placement | None:
    """
    Gives a promise with its witness; None where no seat can be one.

    The witness starts by the deadline, no farther than the referral goes, and late enough for its
    hour to be told ahead. ``first`` is what was ranked of all seats already.
    """
    terms = promising.terms_for(referral, policy, now=now)
    earliest = now + terms.notice

    def look() -> Desk:
        # The terms are the referral's own: what is left out is what is too near to be told ahead.
        return desk_of(unit, referral, policy, now=now, matrix=matrix).starting_at(earliest)

    taken = take_best(
        unit,
        referral,
        look,
        first=None if first is None else first.starting_at(earliest),
        status=BookingStatus.PROMISED,
        why=WHY_PROMISED,
    )
    if taken.booking is None:
        return None
    given = taken.desk.priced.reasons_of(taken.booking.slot)
    unit.save_promise(terms)
    return Placement(
        referral=referral.id,
        state=unit.stored_referral(referral.id).referral.state,
        booking=taken.booking,
        promise=terms,
        reasons=(
            promising.in_words(terms, policy),
            *(one for one in given if one.code is ReasonCode.FLOOR),
            *notes,
        ),
        lost_races=taken.lost,
    )


def reseat(
    unit: Unit, referral_id: str, *, now: datetime, matrix: TravelMatrix | None, why: str
) -> tuple[Booking | None, tuple[Reason, ...]]:
    """
    Finds another seat for a patient whose seat vanished, as a promise still to be told.

    A hold of minutes would be lost before anybody could tell the patient. An open promise is kept
    within its terms, other promises moving where they must; no price keeps a seat from who had one.
    """
    referral = unit.stored_referral(referral_id).referral
    policy = unit.policy(referral.territory)
    promise = promising.open_promise(unit, referral_id)
    asked = referral if promise is None else promising.with_terms(referral, promise, now=now)
    taken = take_best(
        unit,
        referral,
        lambda: desk_of(unit, asked, policy, now=now, matrix=matrix, at_any_price=True),
        status=BookingStatus.PROMISED,
        why=why,
    )
    if taken.booking is not None:
        return taken.booking, ()
    code = ReasonCode.DEADLINE_PAST if taken.desk.problem is None else ReasonCode.NO_FREE_SEAT
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
