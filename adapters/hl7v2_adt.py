"""
ADT^A01, A03, A04 and their cancellations: a visit of a hospital that calls for a seat in town.

A visit has two needs at most: one when somebody is registered (A01, A04), one when they are
discharged (A03). Each has a reference of its own, made of the visit's number and a word, so that
the discharge is not the registration again with other content.
"""

from collections.abc import Mapping

from slotengine.adapters.base import Door
from slotengine.adapters.hl7v2_found import Found, scoped_reference, whole
from slotengine.adapters.hl7v2_patient import read_motive, where_dead
from slotengine.adapters.hl7v2_text import Message
from slotengine.adapters.kinds import Kind
from slotengine.adapters.words import Status
from slotengine.codes import SourceKind

ARRIVAL, DISCHARGE = "arrival", "discharge"

EVENTS: Mapping[str, tuple[str, Status]] = {
    "A01": (ARRIVAL, Status.NEW),
    "A04": (ARRIVAL, Status.NEW),
    "A03": (DISCHARGE, Status.NEW),
    "A11": (ARRIVAL, Status.CANCELLED),
    "A13": (DISCHARGE, Status.CANCELLED),
}

CORRECTION = "Z99"
"""IHE PAM France: a movement is corrected; ZBE-6 names the event that it was."""

ACTIONS: Mapping[str, Status] = {"CANCEL": Status.CANCELLED, "UPDATE": Status.AMENDED}
"""ZBE-4 (IHE PAM): INSERT, the third, is the event itself."""

INPATIENT = "I"
"""PV1-2 (table 0004): the patient lies in a bed of the house."""

STAYS_IN_CARE = frozenset({"0", "6", "7"})
"""ZFM-2 (PMSI, mode de sortie): transferred for a while, moved, transferred. 8 is home."""

DIED = "9"
"""ZFM-2: the stay ended with the patient's death."""


def knows(event: str, message: Message) -> bool:
    """Tells whether an event is read here."""
    return _event(event, message) in EVENTS


def read_visit(event: str, message: Message, found: Found, door: Door) -> None:
    """
    Reads PV1, ZBE and ZFM.

    Raises
    ------
    BadValue
        When nobody needs a seat: admitted to a bed (unless the emergency department itself sends),
        or discharged to another bed, or dead.
    """
    need, status = EVENTS[_event(event, message)]
    zbe, zfm, pv1 = message.one("ZBE"), message.one("ZFM"), message.one("PV1")
    status = ACTIONS.get(zbe.text(4).upper(), status)
    found.put("status", status, zbe.path(4))
    for segment, field in ((pv1, 19), (message.one("PID"), 18), (pv1, 50)):
        if number := scoped_reference(found, message, segment, field):
            found.put("reference", f"{number}/{need}", found.paths["reference"])
    found.put("reference", "", pv1.path(19))
    if status is Status.CANCELLED:
        return
    if need == ARRIVAL:
        in_bed = pv1.text(2).upper() in ({INPATIENT, ""} if event == "A01" else {INPATIENT})
        if in_bed and door.profile.source is not SourceKind.EMERGENCY:
            raise whole(Kind.NOT_A_REFERRAL, pv1.path(2), found)
    elif zfm.text(2) in STAYS_IN_CARE or zfm.text(2) == DIED:
        raise whole(Kind.NOT_A_REFERRAL, zfm.path(2), found)
    elif (where := where_dead(message)) is not None:
        raise whole(Kind.NOT_A_REFERRAL, where, found)
    read_motive(message, found, (message.one("PV2"), 3))


def _event(event: str, message: Message) -> str:
    return message.one("ZBE").text(6).upper() if event == CORRECTION else event
