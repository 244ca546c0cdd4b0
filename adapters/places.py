"""Coordinates and commune of a record to a ``Location``, with the slip that explains a bad one."""

from decimal import Decimal

from slotengine.adapters.base import Bounds, PlaceOf
from slotengine.adapters.kinds import Kind
from slotengine.adapters.scalars import BadValue
from slotengine.domain import Location

_MAX_LAT, _MAX_LON = 90, 180


def location(
    lat: Decimal | None,
    lon: Decimal | None,
    insee: str | None,
    *,
    place_of: PlaceOf | None,
    bounds: Bounds | None,
) -> Location | None:
    """
    Gives where a patient is: the coordinates, else the commune's point, else nothing.

    An unknown code beside good coordinates is dropped: official samples hold postcodes there.
    Alone it is refused, since the patient would be nowhere. Without ``place_of`` nobody can tell.
    """
    place = place_of(insee) if insee is not None and place_of is not None else None
    unknown = insee is not None and place_of is not None and place is None
    if lat is None and lon is None:
        if unknown:
            raise BadValue("insee", Kind.UNKNOWN_CODE)
        return place
    if lat is None or lon is None:
        raise BadValue("lat" if lat is None else "lon", Kind.MISSING)
    _in_range(float(lat), float(lon), bounds)
    return Location(lat=float(lat), lon=float(lon), insee=None if unknown else insee)


def _in_range(lat: float, lon: float, bounds: Bounds | None) -> None:
    """Refuses coordinates off the earth or off the territory."""
    on_earth = abs(lat) <= _MAX_LAT and abs(lon) <= _MAX_LON
    if bounds is None:
        if not on_earth:
            raise BadValue("lat" if abs(lat) > _MAX_LAT else "lon", Kind.OUT_OF_RANGE)
        return
    if bounds.holds(lat, lon):
        return
    if bounds.holds(lon, lat):
        raise BadValue("lat", Kind.SWAPPED)
    if bounds.holds(lat, -lon):
        raise BadValue("lon", Kind.SIGN_FLIPPED)
    if bounds.holds(-lat, lon) or bounds.holds(-lat, -lon):
        raise BadValue("lat", Kind.SIGN_FLIPPED)
    raise BadValue("lat", Kind.OUTSIDE_BOUNDS if on_earth else Kind.OUT_OF_RANGE)
