"""Places of an agenda: a site with its point, and what may be shown of who works there."""

import hashlib
import re
from collections.abc import Callable, Mapping

from slotengine.adapters.agenda import AgendaDoor
from slotengine.adapters.base import Whereabouts
from slotengine.adapters.fields import plain
from slotengine.adapters.kinds import Kind
from slotengine.adapters.phones import phone_of
from slotengine.adapters.scalars import BadValue, identifier, insee_code, number, unspoilt
from slotengine.directory import Address, Role
from slotengine.domain import Location, Site

SITE_HASH_BYTES = 8
"""Bytes of the id of a place that has no number of its own."""

MAX_NAME_CHARS = 120
MAX_STREET_CHARS = 200
"""Characters of names and street lines (``slotengine.directory``)."""

Texts = Mapping[str, str]

_FINESS = re.compile(r"[0-9]{9}|2[AB][0-9]{7}")
_SIRET = re.compile(r"[0-9]{14}")
_POSTCODE = re.compile(r"[0-9]{5}")
_POSTCODE_DIGITS = 5
_URL = re.compile(r"https?://[^\s]{1,480}")
_STRUCTURES = (("finess", _FINESS), ("siret", _SIRET))


def site_of(texts: Texts, door: AgendaDoor) -> tuple[str, Site | None]:
    """Gives the place's id, and its description where the row describes it."""
    finess = _matched(texts, "finess", _FINESS, str.upper)
    siret = _matched(texts, "siret", _SIRET)
    named = identifier("site", texts["site"]) if "site" in texts else None
    said = Whereabouts(
        lat=float(number("lat", texts["lat"])) if "lat" in texts else None,
        lon=float(number("lon", texts["lon"])) if "lon" in texts else None,
        insee=insee_code("insee", texts["insee"]) if "insee" in texts else None,
        postcode=postcode_of(texts.get("postcode")),
        city=texts.get("city"),
    )
    site_id = named or finess or siret
    if said == Whereabouts():
        site_id = site_id or door.site
        if site_id is None:
            raise BadValue("site", Kind.MISSING)
        return site_id, None
    place = located(said, door)
    site_id = site_id or place_id(texts, said)
    return site_id, Site(
        id=site_id,
        territory=door.territory,
        location=place,
        label=" ".join(texts.get("label", "").split())[:MAX_NAME_CHARS],
        finess=finess,
        siret=siret,
    )


def located(said: Whereabouts, door: AgendaDoor) -> Location:
    """Gives where a place is; without a geocoder only coordinates tell."""
    place: Location | None = None
    if door.geocoder is not None:
        place, _ = door.geocoder.locate(said)
    elif said.lat is not None and said.lon is not None:
        place = Location(lat=said.lat, lon=said.lon, insee=said.insee)
    if place is None:
        asked = ("insee", "city", "postcode", "lat")
        field = next((name for name in asked if getattr(said, name) is not None), "lon")
        raise BadValue(field, Kind.UNKNOWN_CODE)
    return place


def place_id(texts: Texts, said: Whereabouts) -> str:
    """Gives the id of a place without a number: the same words give the same place."""
    words = (texts.get("line"), said.postcode, said.city, said.insee, said.lat, said.lon)
    text = "\x1f".join(plain(str(word)) if isinstance(word, str) else str(word) for word in words)
    return "place-" + hashlib.blake2b(text.encode(), digest_size=SITE_HASH_BYTES).hexdigest()


def _matched(
    texts: Texts, field: str, shape: re.Pattern[str], form: Callable[[str], str] = str
) -> str | None:
    if field not in texts:
        return None
    found = form(unspoilt(field, texts[field].replace(" ", "")))
    if not shape.fullmatch(found):
        raise BadValue(field, Kind.BAD_IDENTIFIER)
    return found


def role_of(texts: Texts, door: AgendaDoor, *, practitioner: str, site: str) -> Role | None:
    """Gives what may be shown of a practitioner at a place, where the row says any of it."""
    url = _matched(texts, "booking_url", _URL)
    phone = None
    if "phone" in texts:
        phone = phone_of(texts["phone"])
        if phone is None:
            raise BadValue("phone", Kind.BAD_IDENTIFIER)
    finess, siret = (_matched(texts, one, shape) for one, shape in _STRUCTURES)
    structure = f"1{finess}" if finess else f"3{siret}" if siret else None
    said = {
        "family_name": _named(texts, "family_name"),
        "given_name": _named(texts, "given_name"),
        "phone": phone,
        "structure": structure,
        "address": address_of(
            texts.get("line"), postcode_of(texts.get("postcode")), texts.get("city")
        ),
        "booking_url": url,
    }
    if not any(said.values()):
        return None
    return Role(territory=door.territory, practitioner=practitioner, site=site, **said)


def _named(texts: Texts, field: str) -> str | None:
    name = " ".join(texts.get(field, "").split())
    return name[:MAX_NAME_CHARS] or None


def address_of(line: str | None, postcode: str | None, city: str | None) -> Address | None:
    """Gives an address where all three of its parts are said."""
    if not (line and postcode and city and _POSTCODE.fullmatch(postcode)):
        return None
    return Address(
        line=" ".join(line.split())[:MAX_STREET_CHARS],
        postcode=postcode,
        city=city[:MAX_NAME_CHARS],
    )


def postcode_of(text: str | None) -> str | None:
    """Gives a postcode; a spreadsheet's lost leading zero is put back."""
    return text.zfill(_POSTCODE_DIGITS) if text and text.isdigit() else text
