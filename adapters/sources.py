"""Who sends: the reader of a source's payloads, in one format or in whichever claims them."""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import BinaryIO
from zoneinfo import ZoneInfo

from slotengine.adapters.base import (
    PAYLOAD,
    Bounds,
    Door,
    Geocoder,
    Intake,
    Part,
    Pseudonyms,
)
from slotengine.adapters.kinds import Kind
from slotengine.adapters.lines import Payload
from slotengine.adapters.profiles import PROFILES
from slotengine.adapters.registry import WireFormat, format_claiming, format_named
from slotengine.codes import SourceKind
from slotengine.errors import InputError, ReferralFormatError
from slotengine.policy import RED_FLAG_MOTIVES


@dataclass(frozen=True, slots=True)
class SourceAdapter:
    """Reads the payloads of one source in one format, or in whichever claims them."""

    door: Door
    format: WireFormat | None = None

    def read(self, source: bytes | BinaryIO, *, now: datetime) -> Iterator[Intake]:
        """
        Gives each record of a payload exactly once, in its order.

        Raises
        ------
        ReferralFormatError
            When the payload as a whole is unreadable; a bad record comes back as ``Rejected``.
        InputError
            When ``now`` has no zone.
        """
        return (part.intake for part in self.parts(source, now=now))

    def parts(self, source: bytes | BinaryIO, *, now: datetime) -> Iterator[Part]:
        """Gives the same with the bytes of each record; raises the same."""
        return self.opened(source).parts(now=now)

    def opened(self, source: bytes | BinaryIO) -> "Opened":
        """
        Looks at the beginning of a payload and finds who reads it.

        Raises
        ------
        ReferralFormatError
            When it is empty or of no known format.
        """
        name = self.door.profile.source.value
        payload = Payload(source)
        found = self.format or format_claiming(payload.head())
        if found is None:
            kind = Kind.UNKNOWN_FORMAT if payload.head().strip() else Kind.EMPTY
            raise ReferralFormatError(name, PAYLOAD, kind)
        return Opened(self.door, found, payload)


@dataclass(frozen=True, slots=True)
class Opened:
    """A payload whose format is known: read once, then what was rejected can be put together."""

    door: Door
    format: WireFormat
    payload: Payload

    def parts(self, *, now: datetime) -> Iterator[Part]:
        """Gives each record exactly once, in its order."""
        if now.tzinfo is None:
            raise InputError("now must be an aware datetime")
        adapter = f"{self.door.profile.source.value}/{self.format.name}"
        return self.format.read(self.payload, door=self.door, adapter=adapter, now=now)

    def joined(self, parts: Iterable[bytes]) -> bytes:
        """Gives a payload of the same format that holds these parts only."""
        return self.format.joined(parts, head=self.payload.head())


def adapter_for(
    source: str,
    *,
    territory: str,
    zone: ZoneInfo,
    pseudonymiser: Pseudonyms,
    format: str | None = None,  # noqa: A002 - the word that the command line uses
    geocoder: Geocoder | None = None,
    bounds: Bounds | None = None,
    sender: str | None = None,
    red_flags: Collection[str] = RED_FLAG_MOTIVES,
) -> SourceAdapter:
    """
    Gives the reader of a source's payloads.

    Parameters
    ----------
    source
        One of ``SourceKind``.
    zone
        The territory's own; times without an offset are read in it.
    format
        ``csv``, ``json`` or a plugged-in one. Default: told from the content.
    geocoder
        Finds a place from code, postcode, name and coordinates. Default: the communes of France,
        without a network.
    bounds
        The box that patients live in. Default: the whole earth.
    sender
        Id (RPPS, FINESS, account) of the house that sends, for records that name none.
    red_flags
        Motives that win over others of the same record. Default those that a Policy refuses by
        default; a territory with a list of its own hands in ``Policy.red_flag_motives``.

    Raises
    ------
    InputError
        When the source or the format is unknown.
    """
    try:
        profile = PROFILES[SourceKind(source)]
    except ValueError:
        known = ", ".join(kind.value for kind in SourceKind)
        raise InputError(f"source {source!r} is unknown; known: {known}") from None
    door = Door(
        profile=profile,
        territory=territory,
        zone=zone,
        pseudonymiser=pseudonymiser,
        bounds=bounds,
        sender=sender,
        geocoder=geocoder,
        red_flags=frozenset(red_flags),
    )
    return SourceAdapter(door, None if format is None else format_named(format))
