"""What a record says about where the patient is, to a ``Location`` and the doubts about it."""

from collections.abc import Callable, Mapping
from typing import TypeVar

from slotengine.adapters import scalars
from slotengine.adapters.base import Bounds, Geocoder, Warned, Whereabouts
from slotengine.adapters.kinds import Kind
from slotengine.adapters.scalars import BadValue
from slotengine.domain import Location

_T = TypeVar("_T")

_MAX_LAT, _MAX_LON = 90, 180

PLACE_FIELDS = ("lat", "lon", "insee", "postcode", "city")
"""The fields that say where a patient is."""


def location(
    texts: Mapping[str, str], *, geocoder: Geocoder, bounds: Bounds | None
) -> tuple[Location | None, tuple[Warned, ...]]:
    """
    Gives where a patient is and what was doubtful: one bad field falls back on the others.

    Coordinates that are missing by half, unreadable, 0/0, off the earth or off the territory are
    left out. Where nothing else tells the place, the first fault is the record's: a patient who
    is nowhere would be sent anywhere.
    """
    faults: list[BadValue] = []
    lat, lon = _coordinates(texts, bounds, faults)
    said = Whereabouts(
        lat=lat,
        lon=lon,
        insee=_attempted(texts, "insee", scalars.insee_code, faults),
        postcode=_attempted(texts, "postcode", scalars.postcode, faults),
        city=texts.get("city"),
    )
    place, doubts = geocoder.locate(said)
    if place is None:
        faults += [BadValue(doubt.field, doubt.kind) for doubt in doubts if doubt.field == "insee"]
        if faults:
            raise faults[0]
        return None, doubts
    found = [Warned(field=fault.field, kind=fault.kind) for fault in faults]
    if bounds is not None and lat is not None and not bounds.holds(place.lat, place.lon):
        # The coordinates lie in the territory, the commune does not: somebody on a visit.
        place, _ = geocoder.locate(Whereabouts(lat=lat, lon=lon))
        named = "postcode" if said.insee is None else "insee"
        return place, (*found, Warned(field=named, kind=Kind.OUTSIDE_BOUNDS))
    return place, (*found, *doubts)


def _attempted(
    texts: Mapping[str, str],
    name: str,
    of: Callable[[str, str], _T],
    faults: list[BadValue],
) -> _T | None:
    """Gives a field's value; where it can't be read, notes the fault and gives nothing."""
    text = texts.get(name)
    if text is None:
        return None
    try:
        return of(name, text)
    except BadValue as bad:
        faults.append(bad)
        return None


def _coordinates(
    texts: Mapping[str, str], bounds: Bounds | None, faults: list[BadValue]
) -> tuple[float | None, float | None]:
    if "lat" not in texts and "lon" not in texts:
        return None, None
    lat = _attempted(texts, "lat", scalars.number, faults)
    lon = _attempted(texts, "lon", scalars.number, faults)
    if lat is None or lon is None:
        if not faults:
            faults.append(BadValue("lat" if lat is None else "lon", Kind.MISSING))
        return None, None
    fault = _fault(float(lat), float(lon), bounds)
    if fault is not None:
        faults.append(fault)
        return None, None
    return float(lat), float(lon)


def _fault(lat: float, lon: float, bounds: Bounds | None) -> BadValue | None:
    """Gives the slip that explains coordinates off the earth or off the territory."""
    if bounds is not None and bounds.holds(lat, lon):
        return None
    if lat == 0 and lon == 0:
        return BadValue("lat", Kind.PLACEHOLDER)
    if bounds is not None and (slip := _slip(lat, lon, bounds)) is not None:
        return slip
    if abs(lat) > _MAX_LAT or abs(lon) > _MAX_LON:
        outside = "lat" if bounds is not None or abs(lat) > _MAX_LAT else "lon"
        return BadValue(outside, Kind.OUT_OF_RANGE)
    return None if bounds is None else BadValue("lat", Kind.OUTSIDE_BOUNDS)


def _slip(lat: float, lon: float, bounds: Bounds) -> BadValue | None:
    """Gives the typing error after whose mending the point would lie in the territory."""
    if bounds.holds(lon, lat):
        return BadValue("lat", Kind.SWAPPED)
    if bounds.holds(lat, -lon):
        return BadValue("lon", Kind.SIGN_FLIPPED)
    if bounds.holds(-lat, lon) or bounds.holds(-lat, -lon):
        return BadValue("lat", Kind.SIGN_FLIPPED)
    return None
