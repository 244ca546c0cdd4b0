"""What is booked already, and what it refuses one referral beside it."""

from typing import Any

from builders import patient

from slotengine.problem import Pin, Problem
from slotengine.reasons import Rule
from slotengine.solver import rank
from slotengine.solver.explain import why_not


def pin(slot_id: str = "booked", **changes: Any) -> Pin:
    fields: dict[str, Any] = {"referral": "r-pinned", "patient": patient("pinned").key, "seat": 0}
    return Pin(slot=slot_id, **{**fields, **changes})


def refused(asked: Problem, slot_id: str = "new") -> Rule | None:
    """Gives what ``why_not`` says, after ``rank`` has said the same."""
    (one,) = asked.referrals
    rule = why_not(asked, one.id, slot_id)
    offered = slot_id in [candidate.slot for candidate in rank(asked, one.id)]
    assert offered == (rule is None)
    return rule
