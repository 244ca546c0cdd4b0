"""
Pathways: one message becomes a chain of referrals, each the step after the one before.

A chain is received, planned and cancelled as a whole from some step on; each step has its own seat.
"""

from collections.abc import Iterable
from datetime import datetime

from slotengine.answers import Receipt
from slotengine.codes import ReferralState
from slotengine.domain import Referral, referral_id
from slotengine.errors import InputError
from slotengine.policy import Policy
from slotengine.ports import Unit
from slotengine.referring import cancel, filled, receive, standing
from slotengine.side_constraints import Pathway
from slotengine.transitions import ENDED

LONGEST_REFERENCE = 197
"""Characters of a first step's reference: later ones add up to three ("/10") to at most 200."""

STEP_CANCELLED = "pathway: a step before was cancelled"
"""Why a later step is closed."""


def steps_of(referral: Referral, policy: Policy, code: str) -> tuple[Referral, ...]:
    """
    Gives the referrals of all steps of a pathway, the first one's as it came.

    The first step is for the professions of the pathway; what the message asks of specialties is of
    the last step: whoever sends a patient through a physician to a cardiologist means the
    cardiologist. Windows are the first step's, later steps may come at any time. The deadline of a
    step is that of the one before and its longest time.

    Raises
    ------
    InputError
        When the Policy has no such pathway, or the referral is a step of one or in a group already.
    """
    pathway = policy.pathway(code)
    if pathway is None:
        raise InputError(f"referral {referral.id}: pathway is not in the policy")
    if referral.follows is not None or referral.pathway not in {None, code}:
        raise InputError(f"referral {referral.id} is a step of a pathway already")
    if len(referral.reference) > LONGEST_REFERENCE:
        raise InputError(f"referral {referral.id}: its reference leaves no room for steps")
    if referral.group is not None:
        raise InputError(f"referral {referral.id} is in a group: its pathway starts without it")
    return tuple(_steps(referral, policy, pathway))


def _steps(referral: Referral, policy: Policy, pathway: Pathway) -> Iterable[Referral]:
    last = len(pathway.steps) - 1
    due = filled(referral, policy).deadline
    before: Referral | None = None
    for at, step in enumerate(pathway.steps):
        changes: dict[str, object] = {
            "professions": step.professions,
            "specialties": referral.specialties if at == last else (),
            "pathway": pathway.code,
            "step": at,
        }
        if before is not None:
            if due is None:
                raise InputError(f"referral {referral.id} has no deadline to count from")
            due += step.after_max
            reference = f"{referral.reference}/{at + 1}"
            changes |= {
                "id": referral_id(referral.territory, referral.source, reference),
                "reference": reference,
                "follows": before.id,
                "windows": (),
                "deadline": due,
            }
        before = referral.replaced(**changes)
        yield before


def receive_pathway(
    unit: Unit, referral: Referral, code: str, *, now: datetime
) -> tuple[Receipt, ...]:
    """
    Stores all steps of a pathway, or says where the known ones stand; see ``referring.receive``.

    A first step that is refused (a red flag) closes the way: later ones are not stored. The first
    step alone tells whether the message is known: the deadlines of the others count from when it
    came, and it may come again later.
    """
    policy = unit.policy(referral.territory)
    first, *later = steps_of(referral, policy, code)
    receipts = [receive(unit, first, now=now)]
    if receipts[0].repeated:
        known = (unit.find_referral(one.territory, one.source, one.reference) for one in later)
        return (*receipts, *(standing(unit, one) for one in known if one is not None))
    if receipts[0].state is not ReferralState.REFUSED:
        receipts += [receive(unit, step, now=now) for step in later]
    return tuple(receipts)


def receive_need(unit: Unit, referral: Referral, *, now: datetime) -> Receipt:
    """Receives a referral; one that names a pathway and is no later step starts the pathway."""
    if referral.pathway is None or referral.follows is not None:
        return receive(unit, referral, now=now)
    return receive_pathway(unit, referral, referral.pathway, now=now)[0]


def later_steps(unit: Unit, referral: Referral) -> tuple[Referral, ...]:
    """Gives the open steps after a referral, the next one first."""
    if referral.pathway is None:
        return ()
    own = unit.patient_referrals(referral.territory, [referral.patient.key])
    after = {one.follows: one for one in own if one.follows is not None}
    found: list[Referral] = []
    at = referral.id
    while at in after and after[at] not in found:
        found.append(after[at])
        at = found[-1].id
    return tuple(found)


def cancel_from(unit: Unit, referral_id: str, why: str) -> Receipt:
    """
    Closes a referral and the steps after it, and gives their seats back, the last one first.

    The step after an appointment that will not take place has lost its sense; who still wants it
    refers it anew. A seat that the patient knows of is given back too: the event says why.
    """
    for step in reversed(from_step(unit, referral_id)[1:]):
        cancel(unit, step, STEP_CANCELLED)
    return cancel(unit, referral_id, why)


def from_step(unit: Unit, referral_id: str) -> list[str]:
    """Gives a referral and the steps of its pathway after it, that alone once it has ended."""
    referral = unit.stored_referral(referral_id).referral
    later = () if referral.state in ENDED else later_steps(unit, referral)
    return [referral_id, *(step.id for step in later)]
