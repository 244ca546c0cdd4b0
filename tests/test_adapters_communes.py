"""The communes of France: all of them, once, and found by code, postcode, name and point."""

import csv
import gzip
import math
import os
from importlib import resources
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from slotengine.adapters.commune_names import (
    bare,
    city_of_district,
    district,
    district_code,
    district_of_postcode,
    names_of,
)
from slotengine.adapters.communes import Commune, Table, france
from slotengine.fixtures.communes import communes as of_territories


def test_all_34_870_communes_are_there_and_read_once() -> None:
    assert len(france()) == 34_870
    assert france() is france()


def test_the_shipped_file_is_small_and_names_its_source() -> None:
    folder = resources.files("slotengine.adapters") / "data"
    assert len((folder / "communes.csv.gz").read_bytes()) < 600_000
    assert "Licence Ouverte 2.0" in (folder / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("insee", "name", "postcodes", "lat", "lon"),
    [
        ("77067", "Cesson", ("77240",), 48.5626, 2.6032),
        ("35051", "Cesson-Sévigné", ("35510",), 48.1195, -1.6029),
        ("77479", "Vaires-sur-Marne", ("77360",), 48.8734, 2.6399),
        ("35126", "Guichen", ("35580",), 47.9662, -1.7963),
    ],
)
def test_a_commune_is_known_by_its_code(
    insee: str, name: str, postcodes: tuple[str, ...], lat: float, lon: float
) -> None:
    assert france().coded(insee) == Commune(insee, name, postcodes, lat, lon)


@pytest.mark.parametrize("code", ["00000", "45500", "2C004", "", "x", "99999"])
def test_an_unknown_code_is_nobody(code: str) -> None:
    assert france().coded(code) is None


def test_every_commune_of_the_ten_territories_has_the_same_point() -> None:
    for insee, commune in of_territories().items():
        found = france().coded(insee)
        assert found is not None
        assert found.name == commune.name
        # Rounded to four decimals there: some 6 m.
        assert found.metres_to(commune.lat, commune.lon) < 10


def test_the_table_is_the_shared_one() -> None:
    shared = os.environ.get("SLOTENGINE_SHARED")
    if shared is None:
        pytest.skip("SLOTENGINE_SHARED is not set: the source of the table is not at hand")
    file = Path(shared) / "geo" / "communes-france.csv.gz"
    with gzip.open(file, "rt", encoding="utf-8") as text:
        rows = list(csv.DictReader(text))
    assert len(rows) == len(france())
    for row in rows:
        found = france().coded(row["insee"])
        assert found is not None
        assert found.name == row["name"]
        assert found.postcodes == tuple(row["postcodes"].split("|"))
        assert abs(found.lat - float(row["lat"])) <= 0.00005001
        assert abs(found.lon - float(row["lon"])) <= 0.00005001


@pytest.mark.parametrize(
    ("insee", "city"),
    [
        ("75101", "75056"), ("75120", "75056"), ("69381", "69123"), ("69389", "69123"),
        ("13201", "13055"), ("13216", "13055"),
    ],
)  # fmt: skip
def test_an_arrondissement_keeps_its_code_and_stands_on_its_city(insee: str, city: str) -> None:
    found, whole = france().coded(insee), france().coded(city)
    assert found is not None
    assert whole is not None
    assert (found.insee, found.lat, found.lon) == (insee, whole.lat, whole.lon)
    assert city_of_district(insee) == city


@pytest.mark.parametrize("code", ["75100", "75121", "69380", "69390", "13200", "13217", "2A004"])
def test_next_to_the_arrondissements_there_is_none(code: str) -> None:
    assert city_of_district(code) is None


def test_communes_that_share_a_postcode_are_all_given() -> None:
    shared = {one.name for one in france().of_postcode("45500")}
    assert {"Gien", "Nevoy", "Poilly-lez-Gien"} < shared
    assert france().of_postcode("45501") == ()


def test_a_name_is_looked_for_in_the_department_of_the_postcode_only() -> None:
    assert [one.insee for one in france().named("cesson", "77999")] == ["77067"]
    assert france().named("cesson", "35999") == ()
    assert [one.insee for one in france().named("ajaccio", "20999")] == ["2A004"]
    assert [one.insee for one in france().named("bastia", "20999")] == ["2B033"]
    assert [one.insee for one in france().named("saint denis", "97499")] == ["97411"]
    assert france().named("saint denis", "97199") == ()
    assert france().named("gien", "00000") == ()


def haversine(lat: float, lon: float, other: Commune) -> float:
    a, b, c, d = map(math.radians, (lat, lon, other.lat, other.lon))
    h = math.sin((c - a) / 2) ** 2 + math.cos(a) * math.cos(c) * math.sin((d - b) / 2) ** 2
    return 2 * 6_371_000 * math.asin(math.sqrt(h))


SOME = [one for number in range(1, 96) for one in france().of_postcode(f"{number:02d}200")]


@settings(deadline=None, derandomize=True, max_examples=150)
@given(st.floats(42, 51), st.floats(-4, 8))
def test_the_nearest_commune_is_the_one_that_trying_all_gives(lat: float, lon: float) -> None:
    table = Table(SOME)
    found = table.nearest(lat, lon)
    first, second = sorted(haversine(lat, lon, one) for one in SOME)[:2]
    if found is None:
        assert first > 14_000
    else:
        # Flat or round, two that are equally near may change places.
        assert haversine(lat, lon, found) == pytest.approx(first, rel=0.01)
        assert first <= second


def test_in_the_middle_of_the_sea_there_is_no_commune() -> None:
    assert france().nearest(46.0, -5.0) is None
    assert france().nearest(0.0, 0.0) is None
    assert france().nearest(90.0, 180.0) is None


# Names.


@pytest.mark.parametrize(
    ("written", "official"),
    [
        ("ST AUBIN DU CORMIER", "Saint-Aubin-du-Cormier"),
        ("Ste-Honorine", "Sainte-Honorine"),
        ("thorigne fouillard", "Thorigné-Fouillard"),
        ("CHAPELLE SUR ERDRE (LA)", "La Chapelle-sur-Erdre"),
        ("la chapelle s/ erdre", "La Chapelle-sur-Erdre"),
        ("Orvault Cedex 9", "Orvault"),
        ("L'Haÿ les roses", "L'Haÿ-les-Roses"),
        ("Oeuilly", "Œuilly"),
        ("Poilly lès Gien", "Poilly-lez-Gien"),
        ("Le  Mans", "Le Mans"),
    ],
)
def test_a_name_is_the_same_however_it_is_written(written: str, official: str) -> None:
    assert bare(written) in names_of(official)


@pytest.mark.parametrize(
    ("one", "other"),
    [("Cesson", "Cesson-Sévigné"), ("Saint-Aubin", "Saint-Aubin-du-Cormier"), ("Les", "La")],
)
def test_another_commune_stays_another(one: str, other: str) -> None:
    assert bare(one) not in names_of(other)


def test_arrondissements_are_told_from_name_and_postcode() -> None:
    written = ("Paris 1er", "PARIS 11E ARRONDISSEMENT", "Lyon 03", "Marseille 8ème", "Paris XI")
    assert [district(name) for name in written] == [
        ("paris", 1), ("paris", 11), ("lyon", 3), ("marseille", 8), None,
    ]  # fmt: skip
    assert [district_code("75056", number) for number in (0, 1, 20, 21)] == [
        None, "75101", "75120", None,
    ]  # fmt: skip
    assert district_code("69123", 9) == "69389"
    assert district_of_postcode("75056", "75016") == "75116"
    assert district_of_postcode("75056", "75116") == "75116"
    assert district_of_postcode("13055", "13008") == "13208"
    assert district_of_postcode("75056", "92100") is None
    assert district_of_postcode("45155", "45500") is None
