"""What the regulator decided about one patient: whether a slot of ours is wanted, and which."""

from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum, auto

from slotengine.adapters import hubsante_codes as codes
from slotengine.adapters.hubsante_nodes import Node
from slotengine.codes import Mode, Profession

_NEVER = datetime.min.replace(tzinfo=UTC)


class Wish(Enum):
    """What the decisions of a case mean for us."""

    OPEN = auto()
    """Nothing is decided."""
    SLOT = auto()
    """Somebody is to be seen by a professional outside hospital."""
    ELSEWHERE = auto()
    """Somebody is taken care of by others."""
    ADVICE = auto()
    """A word or a prescription was enough."""


@dataclass(frozen=True, slots=True)
class Decided:
    """The wish, where it stands, and what kind of care was named."""

    wish: Wish
    at: Node
    profession: Profession | None = None
    mode: Mode | None = None


def decided(decisions: Node, patient: str | None, *, unscheduled: bool) -> Decided:
    """
    Gives what the last decision that moves somebody means.

    A decision that names another patient is not read. Advice beside an orientation is advice for
    the way; alone it ends the case.

    Parameters
    ----------
    unscheduled
        Whether the case is one of unscheduled care: "stay at home" then means a visit.
    """
    about = [each for each in decisions.items() if each.at("patientId").text in {None, patient, ""}]
    moving = [each for each in about if _type_of(each) in {codes.ORIENTED, codes.SENT}]
    if moving:
        return _meant(_latest(moving), unscheduled=unscheduled)
    if any(_type_of(each) in codes.ADVICE for each in about):
        return Decided(Wish.ADVICE, decisions)
    return Decided(Wish.OPEN, decisions)


def _type_of(decision: Node) -> str | None:
    return decision.at("decisionType").text


def _latest(decisions: list[Node]) -> Node:
    """Gives the one written last; the order of the list tells between equal times."""
    # ``max`` gives the first of equals: so from the end.
    return max(reversed(decisions), key=_written)


def _written(decision: Node) -> datetime:
    """Gives when a decision was written; a time that can't be read is older than any other."""
    text = decision.at("creation").text or ""
    try:
        written = datetime.fromisoformat(text)
    except ValueError:
        return _NEVER
    return _NEVER if written.tzinfo is None else written


def _meant(decision: Node, *, unscheduled: bool) -> Decided:
    where, who = decision.at("orientationType"), decision.at("resourceType")
    mode = codes.ORIENTATIONS.get(where.text or "")
    profession = codes.PRACTITIONERS.get(who.text or "")
    if who.text is not None and profession is None and who.text not in codes.CARRIERS:
        return Decided(Wish.ELSEWHERE, who)
    if _type_of(decision) == codes.SENT and mode is None:
        # Who is sent comes to the patient.
        mode = Mode.HH
    named = profession is not None
    if mode is Mode.AMB:
        wanted = True
    elif mode is Mode.HH:
        # Taken home by an ambulance, or told to stay there: a visit only where that is the matter.
        wanted = named or (unscheduled and who.text is None)
    else:
        wanted = named and where.text in {None, codes.UNCLEAR}
    return (
        Decided(Wish.SLOT, decision, profession, mode) if wanted else Decided(Wish.ELSEWHERE, where)
    )
