"""
What is never ours: emergencies are refused with "call 15" and never placed.

A referral that reached us by mistake costs minutes that the patient does not have, so the answer is
given before anything is ranked.
"""

from slotengine.codes import Priority
from slotengine.domain import Referral
from slotengine.policy import Policy
from slotengine.reasons import Reason, ReasonCode


def red_flags(referral: Referral, policy: Policy) -> tuple[Reason, ...]:
    """
    Gives every reason to call 15 instead, none for a referral that is ours.

    SAMU care levels the Policy refuses (R1, R2: FIELD's mapping of Hub Santé ``niveauSoin``);
    ``stat`` from a source that can't grade an emergency; motives that the Policy lists.
    """
    found = []
    if referral.care_level is not None and referral.care_level in policy.refused_care_levels:
        found.append(ReasonCode.RED_FLAG_LEVEL)
    if referral.priority is Priority.STAT and referral.source not in policy.stat_sources:
        found.append(ReasonCode.RED_FLAG_STAT)
    if referral.motive is not None and referral.motive.code in policy.red_flag_motives:
        found.append(ReasonCode.RED_FLAG_MOTIVE)
    return tuple(Reason(code=code) for code in found)
