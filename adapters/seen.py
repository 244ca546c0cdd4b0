"""
What a source is shown of an offer: enough to send the patient there, and nothing for browsing.

The one place where this is decided; who may have which slot at all is ``Policy.audiences``.
"""

from slotengine.adapters.base import Detail, Profile
from slotengine.answers import Offer
from slotengine.codes import Mode, Profession
from slotengine.directory import Address, Phone, Role
from slotengine.domain import Id, Instant, Motive, Value


class Seen(Value):
    """
    An offer as its requester sees it.

    Value, cost and price stay inside: they weigh other patients' needs.
    """

    token: str
    start: Instant
    end: Instant
    mode: Mode
    profession: Profession
    place: str
    travel_metres: int
    travel_minutes: int
    expires_at: Instant
    practitioner: Id | None = None
    family_name: str | None = None
    given_name: str | None = None
    address: Address | None = None
    phone: Phone | None = None
    motive: Motive | None = None


def seen_by(
    profile: Profile, offer: Offer, *, role: Role | None = None, motive: Motive | None = None
) -> Seen:
    """
    Gives what a source may see of an offer.

    Parameters
    ----------
    role
        What the directory says of the practitioner at the site, if it knows them.
    motive
        The referral's reason for care, where it is to be shown beside the offer.
    """
    sees = profile.sees
    named = role if Detail.PRACTITIONER in sees else None
    return Seen(
        token=offer.token,
        start=offer.start,
        end=offer.end,
        mode=offer.mode,
        profession=offer.profession,
        place=offer.place,
        travel_metres=offer.travel_metres,
        travel_minutes=offer.travel_minutes,
        expires_at=offer.expires_at,
        practitioner=offer.practitioner if Detail.PRACTITIONER in sees else None,
        family_name=named.family_name if named else None,
        given_name=named.given_name if named else None,
        address=role.address if role and Detail.ADDRESS in sees else None,
        phone=role.phone if role and Detail.PHONE in sees else None,
        motive=motive if Detail.MOTIVE in sees else None,
    )
