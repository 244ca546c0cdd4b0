"""
The wire formats that are known: ours, and those that other packages bring.

A package adds one by an entry point of group ``slotengine.adapters``: its name is the format's
name, its object a ``WireFormat`` class without arguments.
"""

import logging
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import Protocol

from slotengine.adapters.base import Door, Part
from slotengine.adapters.fhir import FhirFormat
from slotengine.adapters.hl7v2 import Hl7v2Format
from slotengine.adapters.hubsante import HubSanteFormat
from slotengine.adapters.json_records import JsonFormat
from slotengine.adapters.lines import Payload
from slotengine.adapters.tabular import CsvFormat
from slotengine.adapters.tabular_xlsx import XlsxFormat
from slotengine.errors import InputError

GROUP = "slotengine.adapters"

_VERBS = ("claims", "read", "joined")

logger = logging.getLogger("slotengine.adapters")
logger.addHandler(logging.NullHandler())


class WireFormat(Protocol):
    """How records are written down, whoever sends them."""

    name: str
    suffix: str

    def claims(self, head: bytes) -> bool:
        """Tells from the first bytes whether a payload is of this format."""
        ...

    def read(self, payload: Payload, *, door: Door, adapter: str, now: datetime) -> Iterator[Part]:
        """Gives each record exactly once; ``adapter`` is the name for its faults."""
        ...

    def joined(self, parts: Iterable[bytes], *, head: bytes) -> bytes:
        """Gives a payload of this format made of some parts of another that began with ``head``."""
        ...


@cache
def formats() -> Mapping[str, WireFormat]:
    """
    Gives every format by name, in the order in which they are asked to claim a payload.

    Guests come before ours: a FHIR bundle is JSON too, and CSV claims whatever is left. They can't
    take our names. One that fails to load, or is no format, is named in the log and left out.
    """
    ours: dict[str, WireFormat] = {
        "fhir": FhirFormat(),
        "hubsante": HubSanteFormat(),
        "hl7v2": Hl7v2Format(),
        "json": JsonFormat(),
        "xlsx": XlsxFormat(),
        "csv": CsvFormat(),
    }
    guests: dict[str, WireFormat] = {}
    for entry in sorted(entry_points(group=GROUP), key=lambda entry: entry.name):
        if entry.name in ours:
            logger.warning("adapter %s has the name of one of ours", entry.name)
        elif (guest := _loaded(entry)) is not None:
            guests[entry.name] = guest
    return {**guests, **ours}


def format_named(name: str) -> WireFormat:
    """Gives a format by name."""
    found = formats().get(name)
    if found is None:
        raise InputError(f"format {name!r} is unknown; known: {', '.join(sorted(formats()))}")
    return found


def format_claiming(head: bytes) -> WireFormat | None:
    """Gives the first format that claims a payload, or None."""
    return next((one for name, one in formats().items() if _claims(name, one, head)), None)


def _claims(name: str, one: WireFormat, head: bytes) -> bool:
    try:
        return one.claims(head)
    except Exception as exc:  # noqa: BLE001 - a guest that fails must not cost the others
        # Never the error itself: it may hold the payload.
        logger.warning(
            "adapter %s can't tell what it reads", name, extra={"fault": type(exc).__name__}
        )
        return False


def _loaded(entry: EntryPoint) -> WireFormat | None:
    try:
        made: WireFormat = entry.load()()
        if made.name != entry.name or not all(callable(getattr(made, one)) for one in _VERBS):
            raise TypeError(entry.name)  # noqa: TRY301 - told like any other fault of a guest
        made.suffix.encode()
    except Exception as exc:  # noqa: BLE001 - a guest's import may fail in any way
        logger.warning(
            "adapter %s can't be loaded", entry.name, extra={"fault": type(exc).__name__}
        )
        return None
    return made
