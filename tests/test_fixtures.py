import math
import subprocess
import sys
from collections import Counter
from datetime import datetime
from functools import cache
from importlib import resources
from itertools import pairwise

import pytest
from pydantic import ValidationError

from slotengine.codes import Mobility, Mode, Priority, Profession, SourceKind
from slotengine.domain import Patient, Requester
from slotengine.errors import InputError, UnknownTerritoryError
from slotengine.fixtures import ATTRIBUTION, NAMES, Territory, territory, validate
from slotengine.fixtures.communes import Provenance, communes, contours
from slotengine.fixtures.priors import MOTIVE_SHARE
from slotengine.fixtures.territories import FACTS, facts
from slotengine.policy import RED_FLAG_MOTIVES, Policy

EARTH_METRES = 6_371_008.8

INHABITANTS = {
    "erdre-et-cens": 57_779,
    "trois-forets": 61_419,
    "coeur-de-rennes": 45_000,
    "senart": 116_016,
    "confluent": 55_246,
    "sud-lochois": 50_872,
    "giennois": 24_157,
    "pays-de-la-chatre": 16_094,
    "asclepios": 54_037,
    "rabelaisie": 23_829,
}
"""From the table of the source territories, not from the code."""

RADIUS_KM = {
    "erdre-et-cens": 10,
    "trois-forets": 10,
    "coeur-de-rennes": 10,
    "senart": 10,
    "confluent": 10,
    "sud-lochois": 20,
    "giennois": 20,
    "pays-de-la-chatre": 50,
    "asclepios": 20,
    "rabelaisie": 20,
}
"""Default radius of the département in the SAS file of 2025."""


@cache
def default(name: str) -> Territory:
    return territory(name)


@pytest.mark.parametrize("name", NAMES)
def test_a_territory_generates_validates_and_makes_a_problem(name: str) -> None:
    made = default(name)
    assert made.name == name
    assert validate(made) == ()
    assert len(made.problem().referrals) == len(made.referrals)


def test_the_ten_territories_have_their_names_in_order() -> None:
    assert tuple(INHABITANTS) == NAMES


def test_an_unknown_territory_is_refused_and_the_ten_are_listed() -> None:
    with pytest.raises(UnknownTerritoryError) as refused:
        territory("mettray")
    assert refused.value.known == NAMES


def test_a_naive_as_of_and_a_negative_seed_are_refused() -> None:
    with pytest.raises(InputError, match="aware"):
        territory("giennois", as_of=datetime(2026, 11, 24, 18, 30))  # noqa: DTZ001 - naive is the test
    with pytest.raises(InputError, match="-1"):
        territory("giennois", seed=-1)


@pytest.mark.parametrize("name", NAMES)
def test_documented_inhabitants_and_radius_are_those_of_the_sources(name: str) -> None:
    made = default(name)
    assert made.inhabitants == INHABITANTS[name]
    assert made.policy.max_travel_metres == RADIUS_KM[name] * 1000
    assert made.notes[0].value == INHABITANTS[name]


def test_documented_numbers_of_professionals_are_those_of_the_sources() -> None:
    stated = {
        name: known.professionals.value
        for name, known in FACTS.items()
        if known.professionals is not None
    }
    assert stated == {
        "erdre-et-cens": 400,
        "trois-forets": 93,
        "coeur-de-rennes": 600,
        "asclepios": 227,
    }
    gps = [one for one in default("asclepios").practitioners if one.specialties[:1] != ("SM40",)]
    assert facts("asclepios").gps.value == 52
    assert sum(bool({"SM26", "SM53", "SM54"} & set(one.specialties)) for one in gps) == 52


def test_trois_forets_has_its_clinic_msp_ehpad_and_cdas() -> None:
    made = default("trois-forets")
    documented = [house for house in made.requesters if house.provenance is Provenance.DOCUMENTED]
    counts = Counter(house.label.split(" ")[0] for house in documented)
    assert counts == {"EHPAD": 8, "CDAS": 2, "Clinique": 1, "MSP": 1}
    sited = {site.label for site in made.sites}
    assert {house.label for house in documented} <= sited


def test_erdre_et_cens_has_its_ccas_and_the_emergency_department_outside() -> None:
    houses = {house.label: house for house in default("erdre-et-cens").requesters}
    ccas = houses["CCAS d'Orvault"]
    assert ccas.kind is SourceKind.SOCIAL
    assert ccas.location is not None
    assert ccas.location.insee == "44114"
    assert houses["CHU de Nantes, urgences"].kind is SourceKind.EMERGENCY
    assert houses["CHU de Nantes, urgences"].location is None


@pytest.mark.parametrize("name", NAMES)
def test_the_same_seed_gives_the_same_digest_and_another_seed_another(name: str) -> None:
    assert territory(name, seed=0).digest == default(name).digest
    assert territory(name, seed=1).digest != default(name).digest


def test_another_process_gives_the_same_digest() -> None:
    code = "from slotengine.fixtures import territory; print(territory('giennois').digest)"
    out = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert out.stdout.strip() == default("giennois").digest


def test_the_import_loads_neither_numpy_nor_a_solver() -> None:
    code = (
        "import sys, slotengine.fixtures; "
        "heavy = ('numpy', 'scipy', 'ortools', 'pandas', 'sqlalchemy'); "
        "print([name for name in heavy if name in sys.modules])"
    )
    out = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert out.stdout.strip() == "[]"


@pytest.mark.parametrize("name", NAMES)
def test_homes_and_surgeries_lie_inside_the_contour_of_their_commune(name: str) -> None:
    shapely = pytest.importorskip("shapely")
    made = default(name)
    shapes = {row.insee: shapely.Polygon(contours()[row.insee]) for row in made.communes}
    places = [site.location for site in made.sites]
    places += [house.location for house in made.requesters if house.location is not None]
    places += [one.patient.location for one in made.referrals if one.patient.location is not None]
    assert len(places) > 30
    for place in places:
        assert shapes[place.insee].contains(shapely.Point(place.lon, place.lat))


def test_coeur_de_rennes_stays_in_the_centre() -> None:
    town = communes()["35238"]
    for referral in default("coeur-de-rennes").referrals:
        if referral.patient.location is not None:
            home = referral.patient.location
            # A degree of latitude is 111.2 km, one of longitude at 48.1 N is 74.2 km.
            east, north = (home.lon - town.lon) * 74.2, (home.lat - town.lat) * 111.2
            assert math.hypot(east, north) < 1.51


@pytest.mark.parametrize("name", NAMES)
def test_every_sender_occurs_and_sends_only_as_itself(name: str) -> None:
    made = default(name)
    assert {one.source for one in made.referrals} == set(SourceKind)
    houses = {house.id: house for house in made.requesters}
    for one in made.referrals:
        assert one.requester.id is not None
        assert houses[one.requester.id].kind is one.source


def test_no_referral_is_a_red_flag() -> None:
    flags = set(RED_FLAG_MOTIVES)
    assert not flags & {code for shares in MOTIVE_SHARE.values() for code in shares}
    for name in NAMES:
        made = default(name)
        for one in made.referrals:
            assert one.motive is None or one.motive.code not in flags
            assert one.care_level not in made.policy.refused_care_levels
            stat = one.priority is Priority.STAT
            assert not stat or one.source in made.policy.stat_sources


def test_variety_that_the_engine_must_meet_occurs_over_the_territories() -> None:
    referrals = [one for name in NAMES for one in default(name).referrals]
    slots = [one for name in NAMES for one in default(name).slots]
    people = [one for name in NAMES for one in default(name).practitioners]
    sites = [one for name in NAMES for one in default(name).sites]
    asked = {profession for one in referrals for profession in one.professions}
    assert asked >= {
        Profession.PHYSICIAN,
        Profession.NURSE,
        Profession.PHYSIOTHERAPIST,
        Profession.MIDWIFE,
    }
    assert {one.patient.mobility for one in referrals} == set(Mobility)
    assert {mode for one in slots for mode in one.modes} == set(Mode)
    assert {one.priority for one in referrals} == set(Priority)
    assert any(one.patient.own_practitioner is None for one in referrals)
    assert any(one.patient.age is None for one in referrals)
    assert any((one.patient.age or 99) < 6 for one in referrals)
    assert any(one.windows for one in referrals)
    assert any(one.opens_at for one in slots)
    assert any(one.handback_at for one in slots)
    assert {code for one in people for code in one.specialties} >= {"SM26", "SM53", "SM54", "SM40"}
    assert any(one.min_age for one in people)
    assert any(one.max_age for one in people)
    assert any(one.refused_motives for one in people)
    assert any(one.accepted_motives for one in people)
    assert any(one.new_patient_room for one in people)
    assert {one.accessible for one in sites} == {True, False}


def test_practitioner_ids_are_visibly_synthetic() -> None:
    for name in NAMES:
        for one in default(name).practitioners:
            assert len(one.id) == 11
            assert one.id.startswith("99")
            assert one.id.isdigit()


def test_no_field_can_hold_a_persons_name() -> None:
    assert set(Patient.model_fields) == {
        "key",
        "location",
        "age",
        "sex",
        "own_practitioner",
        "mobility",
    }
    assert set(Requester.model_fields) == {"kind", "id"}
    allowed = {
        word
        for label in (
            "Pharmacie Cabinet infirmier de kinésithérapie sage-femme EHPAD CCAS CDAS SAMU MSP",
            "Clinique Hôpital Urgences CHU urgences référence hors territoire",
            "(Trois Forêts) d'Orvault Amboise Gien Loches Chinon La Châtre Nantes Rennes",
            *(commune.name for commune in communes().values()),
        )
        for word in label.split()
    }
    for name in NAMES:
        made = default(name)
        for label in (
            *(site.label for site in made.sites),
            *(house.label for house in made.requesters),
        ):
            words = label.replace(",", "").split()
            assert all(word in allowed or word.isdigit() for word in words), label


def test_every_note_has_a_source_and_the_attribution_is_there() -> None:
    for name in NAMES:
        made = default(name)
        assert made.attribution == ATTRIBUTION
        assert made.notes
        assert all(note.source for note in made.notes)
    for holder in ("INSEE", "IGN Admin Express", "DILA", "La Poste", "Licence Ouverte 2.0"):
        assert holder in ATTRIBUTION


def test_package_data_is_found_and_small() -> None:
    root = resources.files("slotengine.fixtures")
    sizes = {
        path: len((root / path).read_bytes())
        for path in (
            "data/communes.csv",
            "data/contours.json",
            "data/README.md",
            "small/README.md",
            "dst/README.md",
        )
    }
    assert all(sizes.values())
    assert sum(sizes.values()) < 250_000
    assert ATTRIBUTION.split(":")[0] in (root / "data/README.md").read_text(encoding="utf-8")
    assert len(communes()) == 183
    assert set(contours()) == set(communes())


def test_contours_are_closed_rings() -> None:
    for ring in contours().values():
        assert ring[0] == ring[-1]
        assert all(here != there for here, there in pairwise(ring))


def test_a_territory_survives_json_and_is_frozen() -> None:
    made = default("pays-de-la-chatre")
    assert Territory.model_validate_json(made.model_dump_json()) == made
    with pytest.raises(ValidationError):
        made.seed = 3  # type: ignore[misc] -- assigning is what must fail


def test_the_policy_of_a_territory_is_its_own() -> None:
    policies: list[Policy] = [default(name).policy for name in NAMES]
    assert [policy.territory for policy in policies] == list(NAMES)
    assert len({policy.speeds.car for policy in policies}) > 3
    assert default("giennois").policy.detour.factor == 1.1
