"""
The public directory of practitioners (Annuaire Santé, ``PS_LibreAcces_Personne_activite``).

One line an activity and a know-how, so several a person: they are put together by RPPS. Columns
are found by name, because labels and even columns change from one extract to the next. Names stay
in the ``Role``; mail addresses are read by nobody.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from slotengine.adapters.agenda import AgendaDoor, AgendaItem, AgendaPart, Coverage
from slotengine.adapters.agenda_places import MAX_NAME_CHARS, address_of, located, place_id
from slotengine.adapters.base import MAX_LINE_BYTES, PAYLOAD, WHOLE, Whereabouts
from slotengine.adapters.fields import plain
from slotengine.adapters.kinds import Kind
from slotengine.adapters.lines import BOM, Payload, decoded
from slotengine.adapters.phones import phone_of
from slotengine.adapters.scalars import BadValue
from slotengine.adapters.spot import Spot
from slotengine.adapters.words import PROFESSIONS
from slotengine.codes import Profession
from slotengine.directory import Role
from slotengine.domain import Practitioner, Site, TimeWindow
from slotengine.errors import ReferralFormatError

MAX_LINES = 5_000_000
"""Lines of one extract; the whole of France has some 2 million. Our choice."""

MAX_KEPT = 200_000
"""Practitioners and places kept: a département's. Our choice."""

SEPARATOR = "|"
HEADER = "header"
RPPS_DIGITS, FINESS_CHARS, SIRET_DIGITS = 11, 9, 14

COLUMNS: Mapping[str, tuple[str, ...]] = {
    "rpps": ("identifiant pp",),
    "national": ("identification nationale pp",),
    "family_name": ("nom d exercice", "nom exercice"),
    "given_name": ("prenom d exercice", "prenom exercice"),
    "profession": ("code profession",),
    "know_how": ("code savoir faire",),
    "siret": ("numero siret site",),
    "finess": ("numero finess site",),
    "technical": ("identifiant technique de la structure",),
    "label": ("enseigne commerciale site", "raison sociale site"),
    "number": ("numero voie coord structure",),
    "suffix": ("indice repetition voie coord structure",),
    "way": ("libelle type de voie coord structure",),
    "street": ("libelle voie coord structure",),
    "postcode": ("code postal coord structure",),
    "insee": ("code commune coord structure",),
    "city": ("libelle commune coord structure", "bureau cedex coord structure"),
    "phone": ("telephone coord structure",),
    "phone2": ("telephone 2 coord structure",),
    "structure": ("ancien identifiant de la structure",),
}
"""What is read, by its normalised labels; the first one that a file has counts."""

NEEDED = ("profession", "insee")


@dataclass
class _Kept:
    """Everybody found so far, put together over several lines."""

    people: dict[str, Practitioner] = field(default_factory=dict)
    sites: dict[str, Site] = field(default_factory=dict)
    roles: dict[tuple[str, str, str], Role] = field(default_factory=dict)


class DirectoryReader:
    """Reads an extract as a stream; keeps who works in these communes (default all)."""

    name = "directory"

    def __init__(self, communes: frozenset[str] | None = None) -> None:
        self._communes = communes

    def claims(self, head: bytes) -> bool:
        """Tells an extract by its first line."""
        first = plain((decoded(head.removeprefix(BOM).partition(b"\n")[0]) or "")[:2_000])
        return "identification nationale pp" in first or first.startswith("type d identifiant pp")

    def read(
        self, payload: Payload, *, door: AgendaDoor, window: TimeWindow
    ) -> Iterator[AgendaPart]:
        """Gives the faults as they come, and everybody at the end: lines of one are scattered."""
        del window
        lines = _lines(payload)
        columns = self._header(next(lines, b""))
        kept = _Kept()
        for record, line in enumerate(lines, 1):
            # The header is line 1.
            spot = Spot(self.name, record, record + 1)
            if record > MAX_LINES or len(kept.roles) > MAX_KEPT:
                yield AgendaPart((spot.rejected(PAYLOAD, Kind.TOO_LARGE),), line)
                break
            texts = self._texts(line, columns)
            if isinstance(texts, Kind):
                yield AgendaPart((spot.rejected(WHOLE, texts),), line)
            elif texts:
                try:
                    _keep(texts, door, kept)
                except BadValue as bad:
                    yield AgendaPart((spot.rejected(bad.field, bad.kind),), line)
                except ValueError:
                    yield AgendaPart((spot.rejected(WHOLE, Kind.INVALID),), line)
        yield from _everybody(kept)

    def _header(self, line: bytes) -> dict[str, int]:
        if not line.strip():
            raise ReferralFormatError(self.name, PAYLOAD, Kind.EMPTY)
        said = decoded(line.removeprefix(BOM))
        if said is None or len(line) > MAX_LINE_BYTES:
            raise ReferralFormatError(self.name, HEADER, Kind.BAD_ENCODING)
        labels = [plain(label) for label in said.rstrip("\r\n").split(SEPARATOR)]
        found = {
            name: labels.index(label)
            for name, known in COLUMNS.items()
            if (label := next((one for one in known if one in labels), None)) is not None
        }
        if not {*NEEDED} <= found.keys() or not {"rpps", "national"} & found.keys():
            raise ReferralFormatError(self.name, HEADER, Kind.NO_HEADER)
        return found

    def _texts(self, line: bytes, columns: dict[str, int]) -> dict[str, str] | Kind:
        """Gives the known columns; nothing for a line of another commune or profession."""
        if len(line) > MAX_LINE_BYTES:
            return Kind.TOO_LONG
        said = decoded(line)
        if not said or not said.strip():
            return {} if said is not None else Kind.BAD_ENCODING
        # No quoting: a quote is a letter here. The bar at the end of a line may be missing.
        cells = said.rstrip("\r\n").split(SEPARATOR)
        if len(cells) <= max(columns.values()):
            return Kind.COLUMN_COUNT
        insee = cells[columns["insee"]].strip().upper()
        if self._communes is not None and insee not in self._communes:
            return {}
        # Professions that give no slots of ours, and places unknown, are passed over.
        if not insee or cells[columns["profession"]].strip() not in _PROFESSIONS:
            return {}
        return {name: cell for name, at in columns.items() if (cell := cells[at].strip())}


def _lines(payload: Payload) -> Iterator[bytes]:
    """
    Gives the lines of an extract; one that is too long is cut, not kept.

    Not those of ``adapters.lines``: an extract of the whole country is larger than any payload.
    """
    rest = b""
    for piece in payload:
        *lines, rest = (rest + piece).split(b"\n")
        yield from lines
        if len(rest) > MAX_LINE_BYTES:
            rest = rest[: MAX_LINE_BYTES + 1]
    if rest:
        yield rest


_PROFESSIONS = frozenset(one.value for one in Profession)


def _keep(texts: dict[str, str], door: AgendaDoor, kept: _Kept) -> None:
    who = _rpps(texts)
    known = kept.people.get(who)
    know_how = {texts["know_how"]} if "know_how" in texts else set()
    kept.people[who] = Practitioner(
        id=who,
        territory=door.territory,
        # Somebody with two professions keeps the first: a slot is of one.
        profession=known.profession if known else PROFESSIONS[texts["profession"]],
        specialties=tuple({*(known.specialties if known else ()), *know_how}),
    )
    line = " ".join(filter(None, (texts.get(name) for name in _STREET)))
    said = Whereabouts(
        insee=texts["insee"].upper(), postcode=texts.get("postcode"), city=texts.get("city")
    )
    finess, siret = _long(texts, "finess", FINESS_CHARS), _long(texts, "siret", SIRET_DIGITS)
    own = finess or siret or texts.get("technical")
    site_id = own or place_id({"line": line} if line else {}, said)
    if site_id not in kept.sites:
        kept.sites[site_id] = Site(
            id=site_id,
            territory=door.territory,
            location=located(said, door),
            label=texts.get("label", "")[:MAX_NAME_CHARS],
            finess=finess,
            siret=siret,
        )
    phones = (phone_of(texts[name]) for name in ("phone", "phone2") if name in texts)
    role = Role.model_validate(
        {
            "territory": door.territory,
            "practitioner": who,
            "site": site_id,
            "family_name": texts.get("family_name", "")[:MAX_NAME_CHARS] or None,
            "given_name": texts.get("given_name", "")[:MAX_NAME_CHARS] or None,
            "phone": next(filter(None, phones), None),
            "structure": _structure(texts, finess, siret),
            "address": address_of(line, said.postcode, said.city),
        }
    )
    kept.roles.setdefault(role.key, role)


_STREET = ("number", "suffix", "way", "street")


def _rpps(texts: dict[str, str]) -> str:
    """Gives the RPPS: bare, or the national number without its 8."""
    bare, national = texts.get("rpps", ""), texts.get("national", "")
    if len(bare) == RPPS_DIGITS and bare.isascii() and bare.isdigit():
        return bare
    if len(national) == RPPS_DIGITS + 1 and national.startswith("8") and national.isdigit():
        return national[1:]
    raise BadValue("practitioner", Kind.BAD_IDENTIFIER)


def _long(texts: dict[str, str], name: str, length: int) -> str | None:
    """Gives an id of the right length; a directory's slip must not lose a doctor."""
    found = texts.get(name, "").upper()
    return found if len(found) == length and found.isalnum() and found.isascii() else None


def _structure(texts: dict[str, str], finess: str | None, siret: str | None) -> str | None:
    """Gives the id that the national platform wants: the prefixed one, else made of another."""
    said = texts.get("structure", "")
    sane = said.isdigit() and {"1": 10, "3": 15, "4": 15, "0": 10}.get(said[:1]) == len(said)
    if sane:
        return said
    return f"1{finess}" if finess else f"3{siret}" if siret else None


def _everybody(kept: _Kept) -> Iterator[AgendaPart]:
    for who in kept.people.values():
        yield AgendaPart((who,))
    for site in kept.sites.values():
        yield AgendaPart((site,), assumed=frozenset({"location"}))
    for role in kept.roles.values():
        yield AgendaPart((role,))
    rest: tuple[AgendaItem, ...] = (Coverage(slots=False),)
    yield AgendaPart(rest)
