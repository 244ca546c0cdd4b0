"""What a message was found to say: our fields, where each stands, and what was doubtful."""

from dataclasses import dataclass, field

from slotengine.adapters.base import WHOLE, Warned
from slotengine.adapters.fields import Raw
from slotengine.adapters.hl7v2_text import Message, Segment
from slotengine.adapters.kinds import Kind
from slotengine.adapters.scalars import BadValue


@dataclass(slots=True)
class Found:
    """The fields of one message while it is read; the first one to say something is right."""

    fields: dict[str, Raw] = field(default_factory=dict, repr=False)
    paths: dict[str, str] = field(default_factory=dict)
    warnings: list[Warned] = field(default_factory=list)
    red_flags: frozenset[str] = frozenset()
    """Motives that win over others of the same message."""

    def put(self, name: str, said: Raw, path: str) -> None:
        """Notes a field, unless nothing is said or it was said before."""
        self.paths.setdefault(name, path)
        if said and name not in self.fields:
            self.fields[name] = said
            self.paths[name] = path

    def says(self, name: str) -> bool:
        """Tells whether a field was said."""
        return name in self.fields

    def doubt(self, name: str, kind: Kind) -> None:
        """Notes a doubt that does not stop the reading."""
        self.warnings.append(Warned(field=name, kind=kind))

    def refuse(self, name: str, kind: Kind, path: str) -> BadValue:
        """Gives the fault to raise where reading must stop, with its place noted."""
        self.paths[name] = path
        return BadValue(name, kind)


def scoped_reference(found: Found, message: Message, segment: Segment, number: int) -> str:
    """
    Gives an entity identifier (EI or CX) as a reference, empty where there is none.

    ``12345`` of one house is not ``12345`` of another, and a cancellation must not end somebody
    else's need: the assigning authority stands before it, else the house that sends.
    """
    for one in segment.repetitions(number):
        if one.part():
            # CX has its authority in the fourth component, EI spreads it over second and third.
            authority = (
                one.part(4, 2) or one.part(4)
                if segment.name in {"PV1", "PID"}
                else one.part(3) or one.part(2)
            )
            path = segment.path(number, one.number)
            found.paths["reference"] = path
            return "/".join(filter(None, (authority or house_of(message), one.part())))
    return ""


def house_of(message: Message) -> str:
    """Gives who sends: the facility (MSH-4), else the application (MSH-3); an OID is clearer."""
    header = message.header
    return header.text(4, 2) or header.text(4) or header.text(3, 2) or header.text(3)


def whole(kind: Kind, path: str, found: Found) -> BadValue:
    """Gives a fault of the message as a whole, with the field that tells it."""
    return found.refuse(WHOLE, kind, path)
