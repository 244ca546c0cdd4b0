"""The first rules, a second time: those that look at neither time nor place nor other bookings."""

from slotengine.codes import Mode
from slotengine.domain import Practitioner, Referral, Slot
from slotengine.policy import Policy


def kind_refusal(
    policy: Policy, referral: Referral, practitioner: Practitioner, slot: Slot
) -> str | None:
    """Gives the first of these rules that a pair fails, or None."""
    asked = (
        ("sharing", _shares(referral, slot)),
        ("profession", practitioner.profession in referral.professions),
        ("specialty", _specialty_fits(referral, practitioner)),
        ("mode", bool(shared_modes(referral, slot))),
        ("audience", any(one in slot.audiences for one in policy.audiences[referral.source])),
        ("age", _age_fits(referral.patient.age, practitioner)),
        ("motive", _motive_fits(referral, practitioner)),
    )
    return next((rule for rule, fits in asked if not fits), None)


def shared_modes(referral: Referral, slot: Slot) -> list[Mode]:
    """Gives the modes that both sides offer."""
    return [mode for mode in referral.modes if mode in slot.modes]


def _shares(referral: Referral, slot: Slot) -> bool:
    return slot.territory == referral.territory or referral.territory in slot.shared_with


def _specialty_fits(referral: Referral, practitioner: Practitioner) -> bool:
    wanted = referral.specialties
    return not wanted or any(code in practitioner.specialties for code in wanted)


def _age_fits(age: int | None, practitioner: Practitioner) -> bool:
    youngest, oldest = practitioner.min_age, practitioner.max_age
    if youngest is None and oldest is None:
        return True
    if age is None:
        return False
    return (youngest is None or youngest <= age) and (oldest is None or age <= oldest)


def _motive_fits(referral: Referral, practitioner: Practitioner) -> bool:
    if referral.motive is None:
        return not practitioner.accepted_motives
    code = referral.motive.code
    if code in practitioner.refused_motives:
        return False
    return not practitioner.accepted_motives or code in practitioner.accepted_motives
