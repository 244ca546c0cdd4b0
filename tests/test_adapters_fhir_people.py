"""Patient, requester, place and times of a FHIR request."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from builders import NOW
from fhir_messages import (
    FINESS,
    INS,
    RPPS,
    about,
    bundle,
    concept,
    doubts,
    entry,
    fault,
    message,
    new,
    person,
    referral,
    request,
)
from records import VAULT

from slotengine.adapters import Bounds, Kind
from slotengine.codes import Sex

LOCAL = {"system": "https://clinique.example/ipp", "value": "900001"}
NAMELESS: dict[str, Any] = {"name": None, "birthDate": None}
SCOPE = ("giennois", "hospital", "450000104")


@pytest.mark.parametrize("last", [8, 9, 10, 11])
def test_every_system_of_the_ins_is_known(last: int) -> None:
    ins = {"system": f"urn:oid:1.2.250.1.213.1.4.{last}", "value": "2 79 03 51 215 189 89"}
    found = referral(about(person(identifier=[LOCAL, ins], **NAMELESS)))
    assert found.patient.key == VAULT.of_nir("279035121518989")


def test_a_typed_nir_without_a_system_is_one_and_a_wrong_key_is_refused() -> None:
    kind = concept("http://interopsante.org/fhir/CodeSystem/fr-v2-0203", "INS-NIR")
    typed = {"type": kind, "value": "279035121518989"}
    assert referral(about(person(identifier=[typed]))).patient.key == VAULT.of_nir(typed["value"])
    wrong = {**INS, "value": "279035121518988"}
    found = fault(about(person(identifier=[wrong])))
    assert found == ("nir", Kind.BAD_NIR, "entry[1].resource.identifier[0].value")


def test_a_number_of_the_house_is_hashed_with_its_system_and_its_house() -> None:
    key = referral(about(person(identifier=[LOCAL], **NAMELESS))).patient.key
    assert key == VAULT.of_local_id(SCOPE, "https://clinique.example/ipp|900001")
    bare = referral(about(person(identifier=[{"value": "900001"}], **NAMELESS))).patient.key
    assert bare == VAULT.of_local_id(SCOPE, "900001")


def test_the_record_number_comes_before_other_numbers_and_an_old_one_is_none() -> None:
    record = {**LOCAL, "type": concept("http://terminology.hl7.org/CodeSystem/v2-0203", "PI")}
    other = {"system": "https://mutuelle.example", "value": "1"}
    key = referral(about(person(identifier=[other, record], **NAMELESS))).patient.key
    assert key == VAULT.of_local_id(SCOPE, "https://clinique.example/ipp|900001")
    old = {**LOCAL, "use": "old"}
    key = referral(about(person(identifier=[old, other], **NAMELESS))).patient.key
    assert key == VAULT.of_local_id(SCOPE, "https://mutuelle.example|1")


@pytest.mark.parametrize(
    "subject",
    [
        {"reference": "Patient/7"},
        {"reference": "https://clinique.example/fhir/Patient/7"},
        {"reference": "https://clinique.example/fhir/Patient/7/_history/3"},
    ],
)
def test_a_patient_who_was_not_sent_is_known_by_the_servers_number(subject: Any) -> None:
    found = referral(request(subject=subject))
    assert found.patient.key == VAULT.of_local_id(SCOPE, "Patient/7")


def test_a_temporary_reference_that_leads_nowhere_is_nobody() -> None:
    assert fault(request())[:2] == ("patient_id", Kind.MISSING)


def test_a_subject_known_by_an_identifier_only_is_known() -> None:
    found = referral(request(subject={"type": "Patient", "identifier": INS}))
    assert found.patient.key == VAULT.of_nir(INS["value"])


@pytest.mark.parametrize(
    "subject",
    [
        {"reference": "#p"},
        {"reference": "urn:uuid:who"},
        {"reference": "Patient/7"},
        {"reference": "who"},
        {"type": "Patient", "identifier": INS},
    ],
)
def test_a_reference_is_resolved_in_each_of_its_forms(subject: Any) -> None:
    urls = {"urn:uuid:who": "urn:uuid:who", "who": "urn:uuid:who"}
    url = urls.get(subject.get("reference"), "https://clinique.example/fhir/Patient/7")
    contained = [person(id="p")] if subject.get("reference") == "#p" else None
    document = bundle(
        entry(request(subject=subject, contained=contained), "https://clinique.example/fhir/X/1"),
        entry(person(id="7"), url),
    )
    assert referral(document).patient.age == 47


def test_a_relative_reference_is_looked_up_on_its_own_server_first() -> None:
    other = person(id="7", birthDate="1950-01-01")
    document = bundle(
        entry(other, "https://other.example/fhir/Patient/7"),
        entry(
            request(subject={"reference": "Patient/7"}),
            "https://clinique.example/fhir/ServiceRequest/1",
        ),
        entry(person(id="7"), "https://clinique.example/fhir/Patient/7"),
    )
    assert referral(document).patient.age == 47


def test_the_name_at_birth_is_hashed_in_whichever_way_it_is_said() -> None:
    key = VAULT.of_name("Naissance", "Zoé", datetime(1979, 3, 31).date())  # noqa: DTZ001 - a date
    used = {"use": "usual", "family": "Usage", "given": ["Zoé", "Anne"]}
    own = "http://hl7.org/fhir/StructureDefinition/humanname-own-name"
    for names in (
        [{"family": "Naissance", "given": ["Zoé"]}],
        [used, {"use": "official", "family": "Naissance", "given": ["Zoé", "Anne"]}],
        [used, {"use": "maiden", "family": "Naissance"}],
        [used, {"use": "old", "family": "Naissance"}],
        [{**used, "_family": {"extension": [{"url": own, "valueString": "Naissance"}]}}],
    ):
        assert referral(about(person(identifier=None, name=names))).patient.key == key


@pytest.mark.parametrize(("born", "age"), [("1979", 47), ("1979-12", 46), ("1979-11", 47)])
def test_a_part_of_a_birth_date_gives_an_age_with_a_doubt(born: str, age: int) -> None:
    document = about(person(birthDate=born))
    assert referral(document).patient.age == age
    assert doubts(document) == [("birth_date", Kind.IMPRECISE)]


def test_a_year_is_no_birth_date_to_know_somebody_by() -> None:
    document = about(person(identifier=None, birthDate="1979"))
    assert fault(document)[:2] == ("birth_date", Kind.MISSING)


def test_an_infant_of_this_year_is_none_old_and_nobody_is_born_tomorrow() -> None:
    march = NOW - timedelta(days=240)
    spring = about(person(birthDate="2026"), authoredOn="2026-03-28T08:00:00+01:00")
    assert referral(spring, now=march).patient.age == 0
    for unborn in ("2027", "2026-12"):
        assert fault(about(person(birthDate=unborn)))[1] is Kind.IN_FUTURE
    assert fault(about(person(birthDate="1979-13")))[1] is Kind.BAD_DATE


@pytest.mark.parametrize(
    "dead", [{"deceasedBoolean": True}, {"deceasedDateTime": "2026-11-01T10:00:00+01:00"}]
)
def test_a_patient_who_died_is_refused(dead: Any) -> None:
    _, kind, path = fault(about(person(**dead)))
    assert (kind, path) == (Kind.DECEASED, f"entry[1].resource.{next(iter(dead))}")
    assert referral(about(person(deceasedBoolean=False))).patient.age == 47


def test_a_group_is_no_patient() -> None:
    group = entry({"resourceType": "Group"}, "urn:uuid:group")
    document = about(None, group, subject={"reference": "urn:uuid:group"})
    assert fault(document) == ("patient_id", Kind.WRONG_TYPE, "entry[0].resource.subject")


@pytest.mark.parametrize("sex", Sex)
def test_gender_keeps_its_word(sex: Sex) -> None:
    assert referral(about(person(gender=sex.value))).patient.sex is sex
    assert fault(about(person(gender="diverse")))[:2] == ("sex", Kind.UNKNOWN_CODE)


# Where.

INSEE = {
    "url": "https://hl7.fr/ig/fhir/core/StructureDefinition/fr-core-address-insee-code",
    "valueCoding": {"code": "45155"},
}


def geolocation(lat: object, lon: object) -> dict[str, Any]:
    return {
        "url": "http://hl7.org/fhir/StructureDefinition/geolocation",
        "extension": [
            {"url": "latitude", "valueDecimal": lat},
            {"url": "longitude", "valueDecimal": lon},
        ],
    }


def test_an_address_gives_a_point_and_a_commune() -> None:
    home = {"use": "home", "extension": [INSEE, geolocation(47.6867, 2.6318)]}
    place = referral(about(person(address=[home]))).patient.location
    assert place is not None
    assert (place.lat, place.lon, place.insee) == (47.6867, 2.6318, "45155")


@pytest.mark.parametrize(
    "home",
    [
        {"extension": [INSEE]},
        {"city": "Gien", "_city": {"extension": [{**INSEE, "url": "urn:INSEE"}]}},
        {"postalCode": "45500", "city": "GIEN"},
    ],
)
def test_a_commune_is_found_by_its_code_or_by_postcode_and_name(home: Any) -> None:
    place = referral(about(person(address=[home]))).patient.location
    assert place is not None
    assert place.insee == "45155"


def test_where_somebody_stays_comes_before_home_and_an_old_address_is_none() -> None:
    home = {"use": "home", "extension": [geolocation(47.6867, 2.6318)]}
    stays = {"use": "temp", "extension": [geolocation(47.7, 2.7)]}
    old = {"use": "old", "extension": [geolocation(48.0, 2.0)]}
    place = referral(about(person(address=[old, home, stays]))).patient.location
    assert place is not None
    assert (place.lat, place.lon) == (47.7, 2.7)
    assert referral(about(person(address=[old]))).patient.location is None


def located(**changes: Any) -> dict[str, Any]:
    place = {"resourceType": "Location", "position": {"latitude": 47.7, "longitude": 2.7}}
    home = {"use": "home", "extension": [geolocation(47.6867, 2.6318)]}
    return about(
        person(address=[home]),
        entry({**place, **changes}, "urn:uuid:place"),
        locationReference=[{"reference": "urn:uuid:place"}],
    )


def test_the_place_of_a_request_is_where_the_patient_is() -> None:
    place = referral(located()).patient.location
    assert place is not None
    assert (place.lat, place.lon) == (47.7, 2.7)


def test_a_place_that_an_organisation_runs_is_not_where_the_patient_is() -> None:
    run = {"managingOrganization": {"display": "Maison de santé"}}
    for changes, lat in (
        (run, 47.6867),
        ({**run, "physicalType": concept("urn:x", "ho")}, 47.7),
        ({"position": None}, 47.6867),
    ):
        place = referral(located(**changes)).patient.location
        assert place is not None
        assert place.lat == lat


def test_swapped_coordinates_are_told_and_do_not_place_the_patient_at_sea() -> None:
    """NHS sample: longitude 53.79, latitude -1.54, in Leeds."""
    bounds = Bounds(south=47, west=2, north=48, east=3)
    swapped = {"latitude": 2.7, "longitude": 47.7}
    alone = fault(located(position=swapped), bounds=bounds)
    assert alone == ("lat", Kind.SWAPPED, "entry[2].resource.position.latitude")
    said = new(located(position=swapped, address={"extension": [INSEE]}), bounds=bounds)
    assert ("lat", Kind.SWAPPED) in [(one.field, one.kind) for one in said.warnings]
    place = said.referral.patient.location
    assert place is not None
    assert place.insee == "45155"
    assert bounds.holds(place.lat, place.lon)


# Who asks.


@pytest.mark.parametrize(
    ("identifier", "source", "house"),
    [
        (FINESS, "hospital", "450000104"),
        ({"system": "https://finess.esante.gouv.fr", "value": "450000104"}, "ehpad", "450000104"),
        ({"system": FINESS["system"], "value": "326450015500011"}, "ehpad", "26450015500011"),
        (RPPS, "midwife", "10002909371"),
        ({"system": "https://rpps.esante.gouv.fr", "value": "10002909371"}, "nurse", "10002909371"),
        ({"system": "https://own.example", "value": "account-7"}, "nurse", "account-7"),
    ],
)
def test_who_asks_is_read_without_the_national_prefix(
    identifier: Any, source: str, house: str
) -> None:
    found = referral(about(requester={"identifier": identifier}), source)
    assert found.requester.id == house


def test_of_a_role_the_number_is_taken_that_its_source_is_known_by() -> None:
    role = {
        "resourceType": "PractitionerRole",
        "organization": {"identifier": FINESS},
        "practitioner": {"identifier": RPPS},
    }
    document = about(None, entry(role, "urn:uuid:role"), requester={"reference": "urn:uuid:role"})
    assert referral(document, "hospital").requester.id == "450000104"
    assert referral(document, "midwife").requester.id == "10002909371"


def test_where_nobody_asks_the_sender_of_the_message_does() -> None:
    def sent(asks: Any) -> Any:
        return message(
            entry(request(requester=asks), "urn:uuid:r"),
            entry(person(), request()["subject"]["reference"]),
            header={"sender": {"identifier": FINESS}},
        )

    patient = {"reference": request()["subject"]["reference"]}
    for asks in (None, patient, {"display": "Dr Exemple"}):
        assert referral(sent(asks)).requester.id == "450000104"
    assert referral(sent(None), sender="450000099").requester.id == "450000104"
    assert referral(about(requester=None), sender="450000099").requester.id == "450000099"


@pytest.mark.parametrize(
    ("own", "rpps"),
    [
        ([{"identifier": RPPS}], "10002909371"),
        ([{"type": "Organization", "identifier": FINESS}, {"identifier": RPPS}], "10002909371"),
        ([{"display": "Dr Exemple"}], None),
        ([{"identifier": {"system": "https://own.example", "value": "7"}}], None),
    ],
)
def test_the_own_doctor_is_one_with_an_rpps(own: Any, rpps: str | None) -> None:
    assert referral(about(person(generalPractitioner=own))).patient.own_practitioner == rpps
