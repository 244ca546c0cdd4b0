"""What a record says of a place: one bad field falls back on the others, or is the fault."""

from typing import Any

import pytest
from records import BASE, fault, take

from slotengine.adapters import Bounds, Kind, New
from slotengine.adapters.base import Whereabouts
from slotengine.domain import Location

GIENNOIS = Bounds(south=47.4, west=2.3, north=47.9, east=3.1)
GIEN = Location(lat=47.6975, lon=2.6245, insee="45155")


def placed(**fields: object) -> tuple[Location | None, list[tuple[str, Kind]]]:
    one = take({**BASE, **fields}, bounds=GIENNOIS)
    assert isinstance(one, New), one
    return one.referral.patient.location, [(doubt.field, doubt.kind) for doubt in one.warnings]


BAD = [
    ({"lat": 2.62, "lon": 47.7}, "lat", Kind.SWAPPED),
    ({"lat": 47.7, "lon": -2.62}, "lon", Kind.SIGN_FLIPPED),
    ({"lat": -47.7, "lon": 2.62}, "lat", Kind.SIGN_FLIPPED),
    ({"lat": -47.7, "lon": -2.62}, "lat", Kind.SIGN_FLIPPED),
    ({"lat": 48.11, "lon": -1.67}, "lat", Kind.OUTSIDE_BOUNDS),
    ({"lat": 147.7, "lon": 2.62}, "lat", Kind.OUT_OF_RANGE),
    ({"lat": 0, "lon": "0,0"}, "lat", Kind.PLACEHOLDER),
    ({"lat": "nan", "lon": 2.62}, "lat", Kind.BAD_NUMBER),
    ({"lat": 47.7, "lon": "inf"}, "lon", Kind.BAD_NUMBER),
    ({"lat": 47.7}, "lon", Kind.MISSING),
    ({"lon": 2.62}, "lat", Kind.MISSING),
]


@pytest.mark.parametrize(("said", "field", "kind"), BAD)
@pytest.mark.parametrize(
    "commune", [{"insee": "45155"}, {"code_postal": "45500", "ville": "Gien"}], ids=["code", "name"]
)
def test_bad_coordinates_fall_back_on_the_commune_and_say_so(
    said: dict[str, object], field: str, kind: Kind, commune: dict[str, object]
) -> None:
    assert placed(**said, **commune) == (GIEN, [(field, kind)])


@pytest.mark.parametrize(("said", "field", "kind"), BAD)
@pytest.mark.parametrize("nothing", [{}, {"code_postal": "45500"}, {"ville": "Gien"}])
def test_bad_coordinates_with_nothing_to_fall_back_on_are_the_fault(
    said: dict[str, object], field: str, kind: Kind, nothing: dict[str, object]
) -> None:
    assert fault(door={"bounds": GIENNOIS}, **said, **nothing) == (field, kind)


@pytest.mark.parametrize(("lat", "lon"), [(47.4, 2.3), (47.9, 3.1), (47.4, 3.1), (47.9, 2.3)])
def test_the_edge_of_the_territory_belongs_to_it(lat: float, lon: float) -> None:
    place, warnings = placed(lat=lat, lon=lon)
    assert place is not None
    assert (place.lat, place.lon) == (lat, lon)
    assert warnings == []


def test_just_off_the_edge_is_outside() -> None:
    assert fault(door={"bounds": GIENNOIS}, lat=47.9001, lon=2.6) == ("lat", Kind.OUTSIDE_BOUNDS)


def test_a_visitor_is_where_the_coordinates_are() -> None:
    """The INSEE code is of a home in Orvault, the point lies in Gien."""
    place, warnings = placed(lat=47.71, lon=2.63, insee="44114")
    assert place == Location(lat=47.71, lon=2.63, insee="45155")
    assert warnings == [("insee", Kind.OUTSIDE_BOUNDS)]
    place, warnings = placed(lat=47.71, lon=2.63, cp="44700")
    assert place == Location(lat=47.71, lon=2.63, insee="45155")
    assert warnings == [("postcode", Kind.OUTSIDE_BOUNDS)]


def test_a_commune_outside_the_territory_is_taken_where_it_is_all_that_is_said() -> None:
    place, warnings = placed(insee="44114")
    assert place is not None
    assert place.insee == "44114"
    assert warnings == []


def test_a_place_is_not_demanded() -> None:
    assert placed() == (None, [])
    assert placed(cp="45500") == (None, [("postcode", Kind.AMBIGUOUS_PLACE)])


@pytest.mark.parametrize("written", ["45500", "45 500", "F-45500", "FR 45500", "F45500", 45500])
def test_a_postcode_is_read_however_it_is_written(written: object) -> None:
    assert placed(zip=written, town="GIEN") == (GIEN, [])


def test_a_postcode_that_lost_its_zero_gets_it_back() -> None:
    place, warnings = placed(cp=1400, commune="L'Abergement-Clémenciat")
    assert place is not None
    assert (place.insee, warnings) == ("01001", [])


@pytest.mark.parametrize("written", ["455", "4550O", "455000", "Gien"])
def test_a_malformed_postcode_is_the_fault_where_nothing_else_is_said(written: str) -> None:
    assert fault(postcode=written) == ("postcode", Kind.BAD_IDENTIFIER)
    assert placed(postcode=written, insee="45155") == (
        GIEN, [("postcode", Kind.BAD_IDENTIFIER)],
    )  # fmt: skip


def test_a_code_that_nobody_knows_is_the_fault_alone_and_a_doubt_beside_others() -> None:
    assert fault(insee="99999") == ("insee", Kind.UNKNOWN_CODE)
    # The postcode of seven communes: nobody can tell which.
    assert fault(insee="45500") == ("insee", Kind.POSTCODE)
    assert placed(insee="45500", ville="Gien") == (GIEN, [("insee", Kind.POSTCODE)])
    assert fault(insee="Gien") == ("insee", Kind.BAD_IDENTIFIER)
    assert placed(insee="Gien", cp="45500", ville="Gien") == (
        GIEN, [("insee", Kind.BAD_IDENTIFIER)],
    )  # fmt: skip


class Everywhere:
    """A geocoder of the host's: whoever lives anywhere lives in the town hall of Nevoy."""

    def __init__(self) -> None:
        self.asked: list[Whereabouts] = []

    def locate(self, said: Whereabouts) -> Any:
        self.asked.append(said)
        return Location(lat=47.72, lon=2.58, insee="45227"), ()


def test_a_host_may_bring_its_own_geocoder() -> None:
    mine = Everywhere()
    one = take({**BASE, "insee": "45155", "lat": "47,7", "lon": "2,6"}, geocoder=mine)
    assert isinstance(one, New)
    assert one.referral.patient.location == Location(lat=47.72, lon=2.58, insee="45227")
    assert mine.asked == [Whereabouts(lat=47.7, lon=2.6, insee="45155")]


def test_a_geocoder_is_not_asked_about_nothing() -> None:
    mine = Everywhere()
    take(BASE, geocoder=mine)
    assert mine.asked == []
