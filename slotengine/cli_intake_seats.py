"""What is wanted for each new referral of a file: its best seat, or the offers to choose from."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from zoneinfo import ZoneInfo

from slotengine.adapters.profiles import PROFILES
from slotengine.adapters.seen import Seen, seen_by
from slotengine.answers import Placement, Receipt
from slotengine.cli_options import OPEN_AT, Session
from slotengine.cli_show import journey_words, place_words
from slotengine.codes import ReferralState
from slotengine.domain import Referral
from slotengine.engine import Engine
from slotengine.errors import ReferralConflictError
from slotengine.labels import MODE, PROFESSION, when, word
from slotengine.reasons import Reason, ReasonCode

SEATLESS = frozenset({ReferralState.RECEIVED, ReferralState.WAITING})
"""States in which a referral can be offered seats."""

BOOKABLE = SEATLESS | {ReferralState.HELD}
"""States in which a referral can be given a seat for good."""


class Wanted(StrEnum):
    """What is done for each new referral beside storing it."""

    NOTHING = "nothing"
    BOOK = "book"
    OFFERS = "offers"


def booked(
    session: Session, engine: Engine, referral: Referral, receipt: Receipt, *, now: datetime
) -> tuple[dict[str, Any], str | None]:
    """Holds and confirms the best seat; gives what to say of it, and what to count it as."""
    if receipt.state not in BOOKABLE:
        return {}, None
    try:
        placement = engine.place(referral, now=now, confirm=True, actor=OPEN_AT)
    except ReferralConflictError:
        # A change of it was kept until it came: what is stored by now counts.
        placement = _stored(engine, receipt.referral, now=now)
    said: dict[str, Any] = {
        "state": placement.state.value,
        "reasons": [reason.text(session.lang) for reason in placement.reasons],
    }
    booking, promise = placement.booking, placement.promise
    if promise is not None:
        # Never the promised booking's hour, which may still change; the reasons say the promise.
        said["booking"] = None if booking is None else booking.id
        said["promise"] = promise.model_dump(mode="json")
        return said, "promised"
    if booking is None:
        return said, None
    return said | {"booking": booking.id, "slot": booking.slot, "status": booking.status}, "booked"


def _stored(engine: Engine, referral_id: str, *, now: datetime) -> Placement:
    best = engine.offers(referral_id, now=now, limit=1)
    booking = None
    for offer in best:
        held = engine.hold(offer, now=now, actor=OPEN_AT)
        booking = engine.confirm(held.id, now=now, actor=OPEN_AT)
    return Placement(
        referral=referral_id,
        state=engine.referral(referral_id).state,
        booking=booking,
        offer=best[0] if best else None,
        reasons=() if best else (Reason(code=ReasonCode.NO_FREE_SEAT),),
    )


def offered(
    session: Session, engine: Engine, receipt: Receipt, *, zone: ZoneInfo, now: datetime
) -> dict[str, Any]:
    """
    Gives the ranked offers of a referral that has no seat, as its source may see them.

    Whoever holds one has its token.
    """
    if receipt.state not in SEATLESS:
        return {}
    found = engine.offers(receipt.referral, now=now)
    asked = engine.referral(receipt.referral)
    people = sorted({offer.practitioner for offer in found})
    roles = {(role.practitioner, role.site): role for role in engine.roles(people)}
    seen = [
        seen_by(
            PROFILES[asked.source],
            offer,
            role=roles.get((offer.practitioner, offer.site)),
            motive=asked.motive,
        )
        for offer in found
    ]
    return {
        "offers": [
            one.model_dump(mode="json") | {"sentence": _sentence(session, one, zone)}
            for one in seen
        ]
    }


def _sentence(session: Session, seen: Seen, zone: ZoneInfo) -> str:
    name = " ".join(filter(None, (seen.given_name, seen.family_name)))
    said = (
        when(seen.start, zone, session.lang),
        word(PROFESSION[seen.profession], session.lang),
        name,
        _where(session, seen),
        journey_words(session, seen.travel_minutes, seen.travel_metres),
        seen.phone or "",
    )
    return ", ".join(part for part in said if part)


def _where(session: Session, seen: Seen) -> str:
    """Gives the way of care and the address, in place of a label that says the same."""
    if seen.address is None:
        return place_words(session, seen)
    town = f"{seen.address.postcode} {seen.address.city}"
    label = "" if seen.place.startswith(seen.address.line) else seen.place
    where = (word(MODE[seen.mode], session.lang), label, seen.address.line, town)
    return ", ".join(part for part in where if part)
