"""
What every adapter speaks: the values it gives, the door it stands at, the limits it keeps.

An adapter translates and never decides: it refuses what can't be read, not what is not wanted.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Annotated, BinaryIO, ClassVar, Literal, Protocol
from zoneinfo import ZoneInfo

from pydantic import Field

from slotengine.adapters.kinds import Kind
from slotengine.adapters.registered import IdKind
from slotengine.codes import BookingStatus, Mode, Priority, Profession, SourceKind
from slotengine.domain import Instant, Location, Referral, TerritoryName, Value, referral_id
from slotengine.errors import InputError
from slotengine.policy import RED_FLAG_MOTIVES

MAX_PAYLOAD_BYTES = 256 * 1024 * 1024
"""Bytes of one streamed payload: a million lines of 256 bytes. Our choice."""

MAX_DOCUMENT_BYTES = 32 * 1024 * 1024
"""Bytes of a payload that must be in memory as a whole (a JSON array or object). Our choice."""

MAX_RECORDS = 1_000_000
"""Records of one payload; a territory of 100,000 people sends some 30 a day. Our choice."""

MAX_LINE_BYTES = 64 * 1024
"""Bytes of one line. A record of every field at its limit is shorter. Our choice."""

MAX_RECORD_LINES = 20
"""Lines that one quoted record may span before its quote counts as forgotten. Our choice."""

MAX_COLUMNS = 200
"""Columns of a table or keys of an object. Our choice."""

MAX_FIELD_CHARS = 1_000
"""Characters of one known field, lists included. Our choice."""

MAX_LIST_ITEMS = 50
"""Windows, professions or modes of one referral. Our choice."""

MAX_JSON_DEPTH = 16
"""Nesting of one JSON record; ours need two. Our choice."""

CHUNK_BYTES = 64 * 1024
"""Bytes read at once from a stream."""

WHOLE = "record"
"""The field name of a fault that concerns the record as a whole."""

PAYLOAD = "payload"
"""The field name of a fault that concerns the payload as a whole."""

OF_PATIENT = "patient."
"""Stands before the name of a patient's field in ``Amend.only``."""

ClosingStatus = Literal[BookingStatus.FULFILLED, BookingStatus.NOSHOW]
Reference = Annotated[str, Field(min_length=1, max_length=200)]


class Warned(Value):
    """
    A doubt about a field that was read all the same: which field, what kind of doubt.

    An official sample may hold a postcode in place of an INSEE code: the referral is worth more.
    """

    field: str
    kind: Kind


class _Said(Value):
    """
    What every message may say about itself.

    ``message`` is the sender's own number of the message: the same one again does nothing twice.
    ``issued_at`` is when it was written: what was written later wins, whichever comes first.
    """

    message: Reference | None = None
    issued_at: Instant | None = None
    warnings: tuple[Warned, ...] = ()


class New(_Said):
    """A referral that was not known before, or the same one again."""

    __match_args__: ClassVar[tuple[str, ...]] = ("referral",)
    referral: Referral


class Amend(_Said):
    """
    The new content of a referral that was sent before.

    ``only`` names what a partial message says (fields of ``Referral``, ``patient.age`` and the
    like); None, the default: everything. ``onto`` puts either over what is stored.
    """

    __match_args__: ClassVar[tuple[str, ...]] = ("referral",)
    referral: Referral
    only: tuple[str, ...] | None = None

    def onto(self, stored: Referral) -> Referral:
        """
        Gives what is asked for now: what this message does not say stays as stored.

        Another priority without a deadline asks for the territory's deadline anew.
        """
        if self.only is None:
            return self.referral
        own = {name for name in self.only if not name.startswith(OF_PATIENT)}
        his = {name.removeprefix(OF_PATIENT) for name in self.only if name not in own}
        changes: dict[str, object] = {name: getattr(self.referral, name) for name in own}
        if changes.get("priority", stored.priority) is not stored.priority:
            changes.setdefault("deadline", None)
        if his:
            said = self.referral.patient
            changes["patient"] = stored.patient.replaced(
                **{name: getattr(said, name) for name in his}
            )
        return stored.replaced(**changes)


class _AboutReferral(_Said):
    territory: TerritoryName
    source: SourceKind
    reference: Reference

    @property
    def referral_id(self) -> str:
        """The id of the referral that is meant."""
        return referral_id(self.territory, self.source, self.reference)


class Cancel(_AboutReferral):
    """The need is over: the referral is withdrawn by whoever sent it."""

    __match_args__: ClassVar[tuple[str, ...]] = ("territory", "source", "reference")


class Outcome(_AboutReferral):
    """How the appointment ended: the patient came, or did not."""

    __match_args__: ClassVar[tuple[str, ...]] = ("reference", "outcome")
    outcome: ClosingStatus


class Rejected(Value):
    """
    A record that could not be read: where it stands, which field, what kind of fault.

    Never the value itself, nor a column name of the sender's: a file without a header has
    patients in its first line. ``line`` is absent where the format has no lines; ``path`` is where
    the field stands in a format with paths (``entry[2].resource.occurrencePeriod``, ``PID-3``).
    """

    __match_args__: ClassVar[tuple[str, ...]] = ("adapter", "record", "line", "field", "kind")
    adapter: str
    record: Annotated[int, Field(ge=1)]
    line: Annotated[int, Field(ge=1)] | None = None
    field: str
    kind: Kind
    path: str | None = None


Intake = New | Amend | Cancel | Outcome | Rejected


@dataclass(frozen=True, slots=True)
class Part:
    """
    One record of a payload: what it says, and the bytes that said it.

    ``raw`` can be handed to the same adapter again, alone or with other parts
    (``WireFormat.joined``): what was rejected is mended by a person and sent anew. It holds the
    patient's data and is shown to nobody.
    """

    intake: Intake
    raw: bytes = field(default=b"", repr=False)


class Bounds(Value):
    """The box that a territory's patients live in, in degrees; edges belong to it."""

    south: Annotated[float, Field(ge=-90, le=90)]
    west: Annotated[float, Field(ge=-180, le=180)]
    north: Annotated[float, Field(ge=-90, le=90)]
    east: Annotated[float, Field(ge=-180, le=180)]

    def holds(self, lat: float, lon: float) -> bool:
        """Tells whether a point lies in the box."""
        return self.south <= lat <= self.north and self.west <= lon <= self.east


class Detail(StrEnum):
    """What a source may be shown beside when and where."""

    PRACTITIONER = "practitioner"
    ADDRESS = "address"
    PHONE = "phone"
    MOTIVE = "motive"


class Profile(Value):
    """
    What a source means when it says nothing, what it must say, and what it may.

    ``ids`` are the kinds of number that its requesters have; ``protocols`` the codes of those
    it may act under; ``motives`` the code systems it may give a reason in (None: any).
    """

    source: SourceKind
    priority: Priority
    professions: tuple[Profession, ...] = (Profession.PHYSICIAN,)
    modes: tuple[Mode, ...] = (Mode.AMB,)
    required: frozenset[str] = frozenset()
    identity_required: bool = True
    ids: frozenset[IdKind] = frozenset(IdKind)
    protocols: frozenset[str] = frozenset()
    motives: frozenset[str] | None = None
    sees: frozenset[Detail] = frozenset()


class Pseudonyms(Protocol):
    """What the vault does for an adapter: identity in, pseudonym and age out."""

    def of_nir(self, nir: str) -> str | None:
        """Gives a pseudonym, or None for a NIR whose key is wrong."""
        ...

    def of_name(self, family: str, given: str, birth_date: date) -> str | None:
        """Gives a pseudonym, or None for a name without a letter."""
        ...

    def of_local_id(self, scope: tuple[str, ...], local_id: str) -> str:
        """Gives the pseudonym of a number known only to whoever ``scope`` names."""
        ...

    def age_on(self, birth_date: date, day: date) -> int | None:
        """Gives whole years, or None before birth."""
        ...


class Whereabouts(Value):
    """What a record says about where a patient is, already read: numbers are finite."""

    lat: float | None = None
    lon: float | None = None
    insee: str | None = None
    postcode: str | None = None
    city: str | None = None


class Geocoder(Protocol):
    """Finds a place without asking anybody; a host may bring its own."""

    def locate(self, said: Whereabouts) -> tuple[Location | None, tuple[Warned, ...]]:
        """Gives the place, or None where nothing tells, and what was doubtful about it."""
        ...


_TERRITORY = re.compile(r"[a-z0-9][a-z0-9-]{0,59}")


@dataclass(frozen=True, slots=True)
class Door:
    """
    Where records come in: who sends, to which territory, and how places are known.

    Without a geocoder of its own it takes the communes of France
    (``slotengine.adapters.geocoding``). ``red_flags`` are motives that must not be lost among
    others: a referral has one, and it is the gravest that is said. Default the Policy's own.
    """

    profile: Profile
    territory: str
    zone: ZoneInfo
    pseudonymiser: Pseudonyms
    bounds: Bounds | None = None
    sender: str | None = None
    geocoder: Geocoder | None = None
    red_flags: frozenset[str] = frozenset(RED_FLAG_MOTIVES)

    def __post_init__(self) -> None:
        # Here and once: found in a record, it would look like the sender's fault.
        if not _TERRITORY.fullmatch(self.territory):
            raise InputError("a territory is named by lower-case letters, digits and hyphens")


class Adapter(Protocol):
    """A reader of one source's payloads."""

    def read(self, source: bytes | BinaryIO, *, now: datetime) -> Iterator[Intake]:
        """
        Gives each record of a payload exactly once, in its order.

        Raises
        ------
        ReferralFormatError
            When the payload as a whole is unreadable; a bad record comes back as ``Rejected``.
        """
        ...

    def parts(self, source: bytes | BinaryIO, *, now: datetime) -> Iterator[Part]:
        """Gives the same with the bytes of each record; raises the same."""
        ...
