"""Where a patient is: each way to say it, alone and against the others."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from slotengine.adapters.base import Warned, Whereabouts
from slotengine.adapters.communes import Commune, Table
from slotengine.adapters.geocoding import Communes
from slotengine.adapters.kinds import Kind
from slotengine.domain import Location

FRANCE = Communes()
Found = tuple[str | None, list[tuple[str, Kind]]]


def told(warnings: tuple[Warned, ...]) -> list[tuple[str, Kind]]:
    return [(one.field, one.kind) for one in warnings]


def found(**said: object) -> Found:
    place, warnings = FRANCE.locate(Whereabouts.model_validate(said))
    return None if place is None else place.insee, told(warnings)


def test_a_code_alone_is_the_communes_point() -> None:
    place, warnings = FRANCE.locate(Whereabouts(insee="77067"))
    assert place == Location(lat=48.5626, lon=2.6032, insee="77067")
    assert warnings == ()


def test_nothing_said_is_nowhere() -> None:
    assert found() == (None, [])


@pytest.mark.parametrize(
    ("postcode", "city", "insee"),
    [
        # Cesson (77) is not Cesson-Sévigné (35), and Gien not its neighbours of one postcode.
        ("77240", "Cesson", "77067"), ("35510", "CESSON SEVIGNE", "35051"),
        ("45500", "Gien", "45155"), ("45500", "poilly lez gien", "45254"),
        ("35140", "St Aubin du Cormier", "35253"), ("44700", "ORVAULT CEDEX", "44114"),
        # A CEDEX postcode is in no table: the name within the département.
        ("44706", "Orvault Cedex", "44114"), ("45501", "GIEN CEDEX 1", "45155"),
        # One commune: no name needed, and a hamlet's does no harm.
        ("44700", None, "44114"),
        ("75011", None, "75111"), ("75116", "Paris", "75116"), ("75999", "Paris 12e", "75112"),
        ("69003", "Lyon", "69383"), ("13008", "Marseille", "13208"), ("75011", "PARIS 11", "75111"),
        ("20000", "Ajaccio", "2A004"), ("97400", "Saint-Denis", "97411"),
    ],
)  # fmt: skip
def test_postcode_and_name_say_the_commune(postcode: str, city: str | None, insee: str) -> None:
    assert found(postcode=postcode, city=city) == (insee, [])


@pytest.mark.parametrize(
    ("postcode", "city", "expected"),
    [
        ("45500", None, (None, [("postcode", Kind.AMBIGUOUS_PLACE)])),
        ("45999", None, (None, [("postcode", Kind.UNKNOWN_CODE)])),
        (
            "45500", "Nulleparts",
            (None, [("city", Kind.UNKNOWN_CODE), ("postcode", Kind.AMBIGUOUS_PLACE)]),
        ),
        ("44700", "Le Petit Chantilly", ("44114", [("city", Kind.UNKNOWN_CODE)])),
        # The neighbour's postcode: the name is what people know.
        ("44700", "Sautron", ("44194", [("postcode", Kind.CONTRADICTS)])),
        (None, "Orvault", (None, [("city", Kind.AMBIGUOUS_PLACE)])),
    ],
)  # fmt: skip
def test_what_is_doubtful_is_said(postcode: str | None, city: str | None, expected: Found) -> None:
    assert found(postcode=postcode, city=city) == expected


def test_several_communes_of_a_postcode_are_told_apart_by_the_coordinates() -> None:
    # Beside the town hall of Nevoy (47.7177, 2.5803).
    assert found(postcode="45500", lat=47.718, lon=2.581) == ("45227", [])


# A postcode where an INSEE code should be: both official samples.


@pytest.mark.parametrize(
    "said",
    [
        {"insee": "77360", "lat": 48.87, "lon": 2.64},
        {"insee": "77360", "city": "VAIRES-SUR-MARNE"},
        {"insee": "77360", "postcode": "77360"},
        {"insee": "77360", "city": "Vaires sur Marne", "lat": 48.87, "lon": 2.64},
    ],
)
def test_a_postcode_that_is_also_an_insee_code_is_seen_through(said: dict[str, object]) -> None:
    """77360 is the postcode of Vaires-sur-Marne, and the INSEE code of Pézarches, 30 km away."""
    assert found(**said) == ("77479", [("insee", Kind.POSTCODE)])


@pytest.mark.parametrize(
    "said",
    [
        {"insee": "77360"},
        {"insee": "77360", "city": "Pézarches"},
        {"insee": "77360", "postcode": "77131"},
        {"insee": "77360", "lat": 48.74, "lon": 2.99},
        # The name decides before the point: the patient may be on a visit.
        {"insee": "77360", "city": "Pézarches", "lat": 48.87, "lon": 2.64},
        {"insee": "77360", "city": "Nulleparts"},
    ],
)
def test_an_insee_code_that_is_also_a_postcode_stays_one(said: dict[str, object]) -> None:
    assert found(**said) == ("77360", [])


def test_a_postcode_that_is_no_insee_code_falls_back() -> None:
    doubt = [("insee", Kind.POSTCODE)]
    assert found(insee="35580", city="Guichen") == ("35126", doubt)
    assert found(insee="35580", lat=47.966, lon=-1.796) == ("35126", doubt)
    assert found(insee="44700") == ("44114", doubt)
    assert found(insee="35580") == (None, [*doubt, ("postcode", Kind.AMBIGUOUS_PLACE)])


def test_a_code_that_nobody_knows_falls_back_on_whatever_there_is() -> None:
    doubt = [("insee", Kind.UNKNOWN_CODE)]
    assert found(insee="99999", postcode="44700") == ("44114", doubt)
    assert found(insee="99999", lat=47.6975, lon=2.6245) == (
        "45155", [*doubt, ("postcode", Kind.UNKNOWN_CODE)],
    )  # fmt: skip


# Where fields disagree, the INSEE code wins.


def test_a_code_wins_over_a_postcode_or_name_of_another_commune() -> None:
    assert found(insee="45155", postcode="45500", city="Gien") == ("45155", [])
    assert found(insee="45155", postcode="44700") == (
        "45155", [("postcode", Kind.CONTRADICTS)],
    )  # fmt: skip
    assert found(insee="45155", postcode="45500", city="Nevoy") == (
        "45155", [("city", Kind.CONTRADICTS)],
    )  # fmt: skip
    # A hamlet or a commune that was merged contradicts nothing.
    assert found(insee="45155", postcode="45500", city="Arrabloy") == ("45155", [])
    assert found(insee="75111", postcode="75011", city="Paris") == ("75111", [])
    assert found(insee="45155", postcode="45999") == ("45155", [])


# Coordinates.


def test_good_coordinates_stay_the_point() -> None:
    place, warnings = FRANCE.locate(Whereabouts(lat=47.71, lon=2.63, insee="45155"))
    assert place == Location(lat=47.71, lon=2.63, insee="45155")
    assert warnings == ()


def test_coordinates_alone_get_the_code_of_the_nearest_commune() -> None:
    place, warnings = FRANCE.locate(Whereabouts(lat=47.71, lon=2.63))
    assert place == Location(lat=47.71, lon=2.63, insee="45155")
    assert warnings == ()
    assert FRANCE.locate(Whereabouts(lat=46.0, lon=-5.0)) == (Location(lat=46.0, lon=-5.0), ())


EQUATOR = Communes(
    Table(
        [
            Commune("45001", "Ici", ("45000",), 0.0, 0.0),
            Commune("97353", "Là-bas", ("97370",), 0.0, 0.0),
        ]
    )
)


@pytest.mark.parametrize(
    ("insee", "lat", "near"),
    [
        # A degree is 111,195 m: 40 km are 0.35973 degrees, 250 km are 2.24830.
        ("45001", 0.3597, True), ("45001", 0.3598, False), ("45001", -0.3598, False),
        ("97353", 2.2482, True), ("97353", 2.2484, False),
    ],
)  # fmt: skip
def test_coordinates_are_near_the_commune_named_up_to_40_km_and_250_in_guiana(
    insee: str, lat: float, *, near: bool
) -> None:
    place, warnings = EQUATOR.locate(Whereabouts(lat=lat, lon=0.0, insee=insee))
    assert place == Location(lat=lat if near else 0.0, lon=0.0, insee=insee)
    assert told(warnings) == ([] if near else [("lat", Kind.FAR_FROM_COMMUNE)])


# Whatever is said.

DIGITS = st.text("0123456789", min_size=5, max_size=5)
SAID = st.builds(
    Whereabouts,
    lat=st.floats(-90, 90),
    lon=st.floats(-180, 180),
    insee=st.none() | DIGITS | st.sampled_from(["77360", "45155", "2A004", "75111"]),
    postcode=st.none() | DIGITS | st.sampled_from(["45500", "44700", "75011", "20000"]),
    city=st.none() | st.text(max_size=20) | st.sampled_from(["Gien", "PARIS 3E", "Cedex", "St"]),
)


@settings(deadline=None, derandomize=True, max_examples=200)
@given(SAID)
def test_with_coordinates_a_place_is_always_found(said: Whereabouts) -> None:
    place, warnings = FRANCE.locate(said)
    assert place is not None
    assert FRANCE.locate(said) == (place, warnings)
    moved = (place.lat, place.lon) != (said.lat, said.lon)
    assert moved == (("lat", Kind.FAR_FROM_COMMUNE) in told(warnings))
