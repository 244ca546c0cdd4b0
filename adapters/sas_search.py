"""
What the national platform asks for, read from the raw query string.

The raw one, because a form decoder turns the unescaped ``+`` of an offset into a space and cannot
tell it from a real one. Unknown parameters are ignored, as FHIR lets a server do.
"""

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Annotated, NamedTuple, TypeAlias
from urllib.parse import unquote_to_bytes
from zoneinfo import ZoneInfo

from pydantic import Field

from slotengine.adapters.sas_times import read_bound
from slotengine.adapters.sas_urls import PERSONS, STRUCTURES
from slotengine.domain import Id, TimeWindow, Value

MAX_QUERY_BYTES = 8_000
"""25 ids with their system take 1,100; RFC 9110 asks for at least 8,000 octets of a URI."""

MAX_IDS = 25
"""Ids of one request (SAS guide, 1..25)."""

MAX_DAYS = 31
"""Longest window. The platform asks for 72 h; a month is more than any agenda shows. Our choice."""

MAX_PARAMETERS = 100
"""Parameters of one query. Our choice: the longest official one has nine."""

Parameters: TypeAlias = list[tuple[str, str]]
"""Names and values in the order of the query; a name may come again."""

_LAST = datetime.max.replace(tzinfo=UTC)
_LOST_PERCENT = re.compile(r"(urn:oid:1\.2\.250\.1\.71\.4\.2\.[12])7C(?=\d)")
"""The official SOS request has lost the ``%`` of ``%7C``."""

_RPPS = re.compile(r"8?(\d{11})", re.ASCII)
_ADELI = re.compile(r"0?([0-9AB]{9})", re.ASCII)
_SIRET = re.compile(r"3?(\d{14})", re.ASCII)


class Refusal(NamedTuple):
    """Why a request is refused: the code of an OperationOutcome, the parameter, and words."""

    code: str
    parameter: str
    words: str


class Search(Value):
    """
    A search for free slots: ids without their prefix, from where to where, and what comes along.

    ``window`` None means an empty one. The ids are practitioners, or SIRET of structures.
    """

    ids: Annotated[tuple[Id, ...], Field(max_length=MAX_IDS)]
    window: TimeWindow | None
    schedules: bool = False
    actors: bool = False
    services: bool = False


def read_slot_search(raw: bytes, zone: ZoneInfo) -> Search | Refusal:
    """
    Reads the query of ``GET /Slot`` (INT_R01, and INT_R04 with the includes of a CPTS).

    Parameters
    ----------
    raw
        The query string as it came over the wire, without its question mark.
    zone
        In which a day without an hour is understood.
    """
    given = _parameters(raw)
    if isinstance(given, Refusal):
        return given
    names = ("schedule.actor:Practitioner.identifier", "schedule.actor.identifier")
    ids = _ids(given, names, PERSONS, _person)
    if isinstance(ids, Refusal):
        return ids
    window = _window(given, "start", zone)
    if isinstance(window, Refusal):
        return window
    included = _included(given)
    return _free(given, "status") or Search(
        ids=ids,
        window=window,
        schedules="Slot:schedule" in included,
        actors=bool(included.intersection(_ACTORS)),
        services="Slot:service-type-reference" in included,
    )


_ACTORS = ("Schedule:actor", "Schedule:actor:Practitioner", "Schedule:actor:PractitionerRole")


def read_schedule_search(raw: bytes, zone: ZoneInfo) -> Search | Refusal:
    """Reads the query of ``GET /Schedule`` (SOS), by SIRET."""
    given = _parameters(raw)
    if isinstance(given, Refusal):
        return given
    names = ("actor:Location.organization.identifier", "actor.organization.identifier")
    ids = _ids(given, names, STRUCTURES, _structure)
    if isinstance(ids, Refusal):
        return ids
    window = _window(given, "_has:Slot:schedule:start", zone)
    if isinstance(window, Refusal):
        return window
    return _free(given, "_has:Slot:schedule:status") or Search(ids=ids, window=window)


def read_identifier(raw: bytes) -> tuple[str, str] | Refusal:
    """
    Reads the one identifier of ``PUT /Practitioner?identifier=system|value``.

    The guide also writes ``Identifier``: both are read.
    """
    given = _parameters(raw)
    if isinstance(given, Refusal):
        return given
    found = [value for name, value in given if name.lower() == "identifier" and value.strip()]
    if len(found) != 1:
        return Refusal("required", "identifier", "exactly one identifier is needed")
    system, bar, value = _repaired(found[0]).rpartition("|")
    if not bar or not system.strip() or not value.strip():
        return Refusal("invalid", "identifier", "system|value is needed")
    return system.strip(), value.strip()


def _parameters(raw: bytes) -> Parameters | Refusal:
    if len(raw) > MAX_QUERY_BYTES:
        return Refusal("too-long", "query", f"more than {MAX_QUERY_BYTES} bytes")
    parts = raw.split(b"&")
    if len(parts) > MAX_PARAMETERS:
        return Refusal("too-long", "query", f"more than {MAX_PARAMETERS} parameters")
    found = []
    for part in parts:
        name, _, value = part.partition(b"=")
        try:
            found.append((unquote_to_bytes(name).decode(), unquote_to_bytes(value).decode()))
        except UnicodeDecodeError:
            return Refusal("invalid", "query", "not UTF-8")
    return [(name, value) for name, value in found if name]


def _repaired(token: str) -> str:
    return _LOST_PERCENT.sub(r"\1|", token)


def _tokens(value: str) -> Iterator[tuple[str | None, str]]:
    """Gives system (None where none is said) and value of each token of a comma list."""
    for part in value.split(","):
        # One official request has a space after the comma; a form encoder makes a plus of it.
        token = _repaired(part.strip(" +"))
        if token:
            system, bar, code = token.rpartition("|")
            yield (system if bar and system else None), code.strip()


def _person(value: str) -> str | None:
    found = _RPPS.fullmatch(value) or _ADELI.fullmatch(value)
    return found[1] if found else None


def _structure(value: str) -> str | None:
    found = _SIRET.fullmatch(value)
    return found[1] if found else None


def _ids(
    given: Parameters, names: tuple[str, ...], system: str, read: Callable[[str], str | None]
) -> tuple[str, ...] | Refusal:
    """Gives the ids that every one of the lists names; those of other systems are nobody's."""
    lists = [list(_tokens(value)) for name, value in given if name in names]
    if not lists or not all(lists):
        return Refusal("required", names[0], f"1 to {MAX_IDS} identifiers are needed")
    if any(len(set(listed)) > MAX_IDS for listed in lists):
        return Refusal("too-long", names[0], f"more than {MAX_IDS} identifiers")
    known = [
        {read(value) for its, value in listed if its is None or its == system} for listed in lists
    ]
    return tuple(sorted(id_ for id_ in set.intersection(*known) if id_ is not None))


_BOUND = re.compile(r"(ge|gt|le|lt|sa|eb)(.*)", re.DOTALL)


def _window(given: Parameters, name: str, zone: ZoneInfo) -> TimeWindow | Refusal | None:
    """Gives the window between the bounds, None where it is empty."""
    starts, ends = [], []
    for value in (value for key, value in given if key == name):
        found = _BOUND.fullmatch(value.strip())
        if found is None:
            return Refusal("invalid", name, "ge and le with an instant are needed")
        lower = found[1] in {"ge", "gt", "sa"}
        bound = read_bound(found[2], zone, last=found[1] in {"le", "gt", "sa"})
        if bound is None:
            return Refusal("invalid", name, "not an instant with its offset")
        if lower:
            starts.append(bound if found[1] == "ge" else _after(bound))
        else:
            # A window is half-open: what starts at the bound of `le` belongs to it.
            ends.append(_after(bound) if found[1] == "le" else bound)
    if not starts or not ends:
        return Refusal("required", name, "both ge and le are needed")
    start, end = max(starts), min(ends)
    if end - start > timedelta(days=MAX_DAYS):
        return Refusal("too-costly", name, f"more than {MAX_DAYS} days")
    return TimeWindow(start=start, end=end) if start < end else None


def _after(bound: datetime) -> datetime:
    return bound + datetime.resolution if bound < _LAST else bound


def _free(given: Parameters, name: str) -> Refusal | None:
    """Refuses what does not ask for free slots: no others are shown."""
    codes = [set(_split(value)) for key, value in given if key == name]
    if not codes:
        return Refusal("required", name, "free is needed")
    if not all("free" in listed for listed in codes):
        return Refusal("not-supported", name, "only free slots are shown")
    return None


def _included(given: Parameters) -> set[str]:
    """Gives what is to come along, whether it was asked for once or repeatedly."""
    return {
        value.strip()
        for name, value in given
        if name.partition(":")[0] in {"_include", "_revinclude"}
    }


def _split(value: str) -> list[str]:
    return [part.strip(" +") for part in value.split(",")]
