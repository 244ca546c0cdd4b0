"""Why a patient is sent: a code of the sender's list, or the protocol that was followed."""

from slotengine.adapters import protocols, scalars
from slotengine.adapters.base import Door
from slotengine.adapters.identity import Identity
from slotengine.adapters.kinds import Kind
from slotengine.adapters.reading import Reading
from slotengine.adapters.scalars import BadValue
from slotengine.domain import Motive, Patient

MOTIVE_SYSTEM = "local"
"""The code system of a motive that names none: the sender's own list."""


def motive_of(
    reading: Reading, identity: Identity, patient: Patient, *, door: Door
) -> Motive | None:
    """
    Gives the motive; a label alone is dropped, since rules read codes only.

    A protocol comes before a code: it says what was done already. A red flag comes before all: it
    must reach the engine, whoever sends it and whatever was done.
    """
    raw = reading.fields.get("motive_label", "")
    label = identity.harmless_label(raw) if isinstance(raw, str) else ""
    code = reading.read("motive_code", scalars.identifier)
    system = reading.read("motive_system", scalars.identifier) or MOTIVE_SYSTEM
    coded = code is not None and system == protocols.SYSTEM
    grave = code is not None and code in door.red_flags
    name = "motive_code" if coded else "protocol"
    followed = None if grave else _followed(reading, name, patient, door)
    if followed is not None:
        return Motive(system=protocols.SYSTEM, code=followed, label=label)
    if code is None:
        return None
    allowed = door.profile.motives
    if allowed is not None and system not in allowed and not grave:
        # Dropped and not refused: who may not say why still needs a seat.
        reading.doubt("motive_code", Kind.NOT_ALLOWED)
        return None
    vault = door.pseudonymiser
    return Motive(
        code=identity.guarded("motive_code", code, vault),
        system=identity.guarded("motive_system", system, vault),
        label=label,
    )


def _followed(reading: Reading, name: str, patient: Patient, door: Door) -> str | None:
    """Gives the code of the protocol under which the source has acted, if it says one."""
    protocol = reading.read(name, _protocol)
    if protocol is None:
        return None
    against = protocols.objection(protocol, patient, door.profile.protocols)
    if against is not None:
        raise BadValue(name, against)
    return protocol.code


def _protocol(name: str, text: str) -> protocols.SnpProtocol:
    protocol = protocols.protocol_of(text)
    if protocol is None:
        raise BadValue(name, Kind.UNKNOWN_CODE)
    return protocol
