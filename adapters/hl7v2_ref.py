"""REF^I12, I13, I14: a referral, its change, its end."""

from collections.abc import Mapping

from slotengine.adapters.hl7v2_found import Found, scoped_reference
from slotengine.adapters.hl7v2_patient import RPPS_DIGITS, read_motive
from slotengine.adapters.hl7v2_text import Message, Segment
from slotengine.adapters.hl7v2_times import written
from slotengine.adapters.hl7v2_wanted import NOT_OURS, REFERRAL_TYPES, priority, read_wanted
from slotengine.adapters.kinds import Kind
from slotengine.adapters.words import Status

EVENTS: Mapping[str, Status] = {
    "I12": Status.NEW,
    "I13": Status.AMENDED,
    "I14": Status.CANCELLED,
}

OVER = frozenset({"R", "E"})
"""RF1-1 (table 0283): rejected and expired. Whatever the event, nobody waits any more."""

REASON_SYSTEM = "0336"
"""RF1-10 says why somebody refers (second opinion, work load), rarely what the patient has."""


def read_referral(event: str, message: Message, found: Found) -> None:
    """
    Reads RF1 and PRD.

    RF1-7 and RF1-8 bound when the referral is good: a window. Without a priority the last day is
    also all that is said of haste, so it is the deadline; beside one it is not: a referral marked
    STAT that is good for a year is wanted within hours.
    """
    rf1 = message.one("RF1")
    over = rf1.text(1).upper() in OVER
    found.put("status", Status.CANCELLED if over else EVENTS[event], rf1.path(1))
    found.put("reference", scoped_reference(found, message, rf1, 6), rf1.path(6))
    found.put("priority", priority(rf1.text(2)), rf1.path(2))
    _providers(message, found)
    _type(rf1, found)
    _dates(rf1, found)
    reasons = [(rf1, 10)] if REASON_SYSTEM not in rf1.text(10, 3) else []
    read_motive(message, found, *reasons, (message.one("PV2"), 3))


def _type(rf1: Segment, found: Found) -> None:
    for said in rf1.repetitions(3):
        path = rf1.path(3, said.number)
        code = said.part().lower()
        if code in NOT_OURS:
            raise found.refuse("professions", Kind.UNKNOWN_CODE, path)
        read_wanted(found, said, path)
        if code in REFERRAL_TYPES:
            name, value = REFERRAL_TYPES[code]
            found.put(name, (value,), path)


def _dates(rf1: Segment, found: Found) -> None:
    start, end = written(rf1.text(7)), written(rf1.text(8))
    if end and not found.says("priority"):
        found.put("deadline", end, rf1.path(8))
    if start and end:
        found.put("window_start", (start,), rf1.path(7))
    if end:
        found.put("window_end", (end,) if start else "", rf1.path(8))
        if not start:
            found.put("deadline", end, rf1.path(8))


def _providers(message: Message, found: Found) -> None:
    """Reads who refers and to whom, by numbers and roles; names and phones are never read."""
    for prd in message.all("PRD"):
        roles = prd.repetitions(1)
        codes = {role.part().upper() for role in roles}
        if "RT" in codes:
            for role in roles:
                if role.part().upper() not in {"RT", "RP"}:
                    read_wanted(found, role, prd.path(1, role.number))
            _numbers(prd, "own_practitioner", found)
        elif "RP" in codes:
            _numbers(prd, "requester_id", found)


def _numbers(prd: Segment, name: str, found: Found) -> None:
    for one in prd.repetitions(7):
        if RPPS_DIGITS.fullmatch(one.part()):
            found.put(name, one.part(), prd.path(7, one.number))
