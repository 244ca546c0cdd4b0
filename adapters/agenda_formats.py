"""The formats of agendas by name, and which of them a payload is."""

from collections.abc import Iterator, Mapping

from slotengine.adapters.agenda import AgendaDoor, AgendaPart, AgendaReader
from slotengine.adapters.agenda_csv import CsvAgenda
from slotengine.adapters.agenda_fhir import FhirAgenda
from slotengine.adapters.agenda_ics import IcsAgenda, ReservedRule
from slotengine.adapters.agenda_xlsx import XlsxAgenda
from slotengine.adapters.base import PAYLOAD
from slotengine.adapters.directory import DirectoryReader
from slotengine.adapters.kinds import Kind
from slotengine.adapters.lines import Payload
from slotengine.domain import TimeWindow
from slotengine.errors import InputError, ReferralFormatError


def readers(
    *, reserved: ReservedRule | None = None, communes: frozenset[str] | None = None
) -> Mapping[str, AgendaReader]:
    """
    Gives every reader by name, in the order in which they are asked to claim a payload.

    Parameters
    ----------
    reserved
        Which events of a calendar are slots; default those that say SNP.
    communes
        INSEE codes that a directory is read for; default all.
    """
    found: tuple[AgendaReader, ...] = (
        IcsAgenda(reserved or ReservedRule()),
        FhirAgenda(),
        XlsxAgenda(),
        DirectoryReader(communes),
        CsvAgenda(),
    )
    return {reader.name: reader for reader in found}


def parts(
    payload: Payload,
    *,
    door: AgendaDoor,
    window: TimeWindow,
    known: Mapping[str, AgendaReader],
    format_: str | None = None,
) -> Iterator[AgendaPart]:
    """
    Reads a payload in the format that is named, else in the one that it shows.

    Raises
    ------
    InputError
        When there is no such format.
    ReferralFormatError
        When no format claims the payload, or it is unreadable as a whole.
    """
    if format_ is not None and format_ not in known:
        raise InputError(f"format {format_!r} is unknown; known: {', '.join(known)}")
    head = payload.head()
    reader = (
        known[format_]
        if format_ is not None
        else next((one for one in known.values() if one.claims(head)), None)
    )
    if reader is None:
        kind = Kind.UNKNOWN_FORMAT if head.strip() else Kind.EMPTY
        raise ReferralFormatError("agenda", PAYLOAD, kind)
    return reader.read(payload, door=door, window=window)
