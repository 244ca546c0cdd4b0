"""One record to one intake: who it is about, where, and what no field may hold."""

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from builders import NOW
from records import BASE, VAULT, fault, paris, referral, take

from slotengine.adapters import (
    Amend,
    Bounds,
    Cancel,
    Kind,
    New,
    Outcome,
    Rejected,
    adapter_for,
)
from slotengine.adapters.base import Whereabouts
from slotengine.adapters.kinds import KIND, sentence
from slotengine.adapters.record import translate
from slotengine.adapters.spot import Spot
from slotengine.codes import BookingStatus, Mobility, Sex, SourceKind
from slotengine.domain import Location, referral_id
from slotengine.labels import Lang

GIEN = Bounds(south=47.4, west=2.3, north=47.9, east=3.1)


def test_a_record_of_reference_and_person_is_enough() -> None:
    one = referral()
    assert one.id == referral_id("giennois", SourceKind.PHARMACY, "42")
    assert one.territory == "giennois"
    assert one.requester.kind is SourceKind.PHARMACY
    assert one.received_at == NOW
    assert (one.deadline, one.windows, one.max_travel_metres, one.motive) == (None, (), None, None)
    assert (one.patient.age, one.patient.location) == (None, None)
    assert (one.patient.sex, one.patient.mobility) == (Sex.UNKNOWN, Mobility.CAR)


# Reference and status.


def test_a_record_without_reference_is_refused() -> None:
    assert fault(reference=None) == ("reference", Kind.MISSING)
    assert fault(reference="  ") == ("reference", Kind.MISSING)


def test_a_reference_may_be_a_json_number() -> None:
    assert referral(reference=42) == referral(reference="42")


def test_a_reference_of_200_characters_is_allowed_and_of_201_refused() -> None:
    assert referral(reference="x" * 200).reference == "x" * 200
    assert fault(reference="x" * 201) == ("reference", Kind.TOO_LONG)


@pytest.mark.parametrize("damaged", ["1,23E+14", "1.2E+9", "4E+12"])
def test_a_number_damaged_by_a_spreadsheet_is_no_id(damaged: str) -> None:
    assert fault(reference=damaged) == ("reference", Kind.SPREADSHEET_NUMBER)
    assert fault(patient_id=damaged) == ("patient_id", Kind.SPREADSHEET_NUMBER)
    assert fault(requester_id=damaged) == ("requester_id", Kind.SPREADSHEET_NUMBER)


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (None, New), ("new", New), ("Nouvelle", New), ("amended", Amend), ("Modifié", Amend),
        ("cancelled", Cancel), ("ANNULÉE", Cancel), ("revoked", Cancel), ("noshow", Outcome),
        ("Absent", Outcome), ("fulfilled", Outcome), ("honoré", Outcome),
    ],
)  # fmt: skip
def test_status_tells_the_kind_of_intake(status: str | None, kind: type) -> None:
    assert type(take({**BASE, "status": status})) is kind


def test_a_cancellation_needs_the_reference_only() -> None:
    one = take({"reference": "42", "statut": "annulé"})
    assert one == Cancel(territory="giennois", source=SourceKind.PHARMACY, reference="42")
    assert one.referral_id == referral().id


def test_an_outcome_says_how_it_ended() -> None:
    one = take({"reference": "42", "status": "absent"})
    assert isinstance(one, Outcome)
    assert (one.reference, one.outcome) == ("42", BookingStatus.NOSHOW)


def test_an_unknown_status_is_refused() -> None:
    assert fault(status="perhaps") == ("status", Kind.UNKNOWN_CODE)


# Person.


def test_without_any_identity_a_pharmacy_is_refused_and_a_samu_is_not() -> None:
    assert fault(patient_id=None) == ("patient_id", Kind.MISSING)
    one = referral("samu", patient_id=None, care_level="R3")
    other = referral("samu", patient_id=None, care_level="R3", reference="43")
    assert one.patient.key != other.patient.key
    assert one.patient.key == referral("samu", patient_id=None, care_level="R3").patient.key


NAMED = {"patient_id": None, "nom": "Exemple", "prenom": "Zoé", "date_naissance": "31/05/1948"}


@pytest.mark.parametrize(
    ("absent", "field"),
    [("nom", "family_name"), ("prenom", "given_name"), ("date_naissance", "birth_date")],
)
def test_a_name_needs_all_its_parts(absent: str, field: str) -> None:
    assert referral(**NAMED).patient.age == 78
    assert fault(**{**NAMED, absent: None}) == (field, Kind.MISSING)


def test_a_name_without_letters_is_refused() -> None:
    assert fault(**{**NAMED, "nom": "?"}) == ("family_name", Kind.BAD_NAME)


def test_the_name_at_birth_comes_before_the_name_in_use() -> None:
    both = referral(**NAMED, nom_de_naissance="Autre")
    assert both.patient.key == referral(**{**NAMED, "nom": "Autre"}).patient.key


def test_one_person_has_one_key_at_every_source_that_gives_the_nir() -> None:
    nir = {"patient_id": None, "nir": "2 79 03 51 215 189 89"}
    keys = {referral(source, **nir).patient.key for source in ("pharmacy", "nurse", "hospital")}
    assert keys == {VAULT.of_nir("279035121518989")}
    assert referral(**nir, nom="X", prenom="Y", birth_date="1979-03-01").patient.key in keys


def test_a_nir_with_a_wrong_key_is_refused_even_beside_a_name() -> None:
    assert fault(**NAMED, nir="279035121518988") == ("nir", Kind.BAD_NIR)


def test_a_local_id_belongs_to_the_house_that_gave_it() -> None:
    one = referral(requester_id="450000001").patient.key
    assert one == referral(door={"sender": "450000001"}).patient.key
    assert one != referral(requester_id="450000002").patient.key
    assert one != referral("nurse", requester_id="450000001").patient.key


@pytest.mark.parametrize(
    ("age", "expected"), [("0", 0), ("125", 125), (40, 40), ("40,0", 40), (None, None)]
)
def test_age_is_read(age: object, expected: int | None) -> None:
    assert referral(age=age).patient.age == expected


@pytest.mark.parametrize(
    ("age", "kind"),
    [
        ("200", Kind.OUT_OF_RANGE), ("126", Kind.OUT_OF_RANGE), ("-1", Kind.OUT_OF_RANGE),
        ("forty", Kind.BAD_NUMBER), ("40.5", Kind.BAD_NUMBER), (True, Kind.WRONG_TYPE),
        ([40], Kind.WRONG_TYPE), ({"years": 40}, Kind.WRONG_TYPE), ("٤٠", Kind.BAD_NUMBER),
    ],
)  # fmt: skip
def test_an_age_is_refused(age: object, kind: Kind) -> None:
    assert fault(age=age) == ("age", kind)


def test_the_birth_date_wins_over_a_stated_age() -> None:
    assert referral(birth_date="1948-05-31", age=21).patient.age == 78


@pytest.mark.parametrize(
    ("birth", "now", "age"),
    [
        ("2024-02-29", paris(2027, 2, 28, 12), 2),
        ("2024-02-29", paris(2027, 3, 1, 0), 3),
        # 23:30 UTC on the 23rd is the 24th in Paris: the birthday has begun there.
        ("2000-11-24", datetime(2026, 11, 23, 23, 30, tzinfo=UTC), 26),
        ("2000-11-24", datetime(2026, 11, 23, 22, 30, tzinfo=UTC), 25),
    ],
)
def test_age_is_counted_in_the_territory_on_the_day_of_the_need(
    birth: str, now: datetime, age: int
) -> None:
    one = take({**BASE, "birth_date": birth}, now=now)
    assert isinstance(one, New)
    assert one.referral.patient.age == age


@pytest.mark.parametrize(
    ("birth", "kind"),
    [
        ("2026-11-24", Kind.IN_FUTURE), ("1900-11-23", Kind.OUT_OF_RANGE),
        ("31/02/1990", Kind.BAD_DATE),
        ("00/00/1950", Kind.BAD_DATE), ("1990-13-01", Kind.BAD_DATE), ("23.11.1990", Kind.BAD_DATE),
        ("23/11/90", Kind.BAD_DATE), ("yesterday", Kind.BAD_DATE), ("0000-01-01", Kind.BAD_DATE),
    ],
)  # fmt: skip
def test_a_birth_date_is_refused(birth: str, kind: Kind) -> None:
    assert fault(birth_date=birth) == ("birth_date", kind)


@pytest.mark.parametrize(
    "birth", ["23/11/1901", "1901-11-23", "1901-11-23T00:00:00", "23/11/1901 00:00"]
)
def test_a_birth_date_125_years_ago_is_the_oldest(birth: str) -> None:
    assert referral(birth_date=birth).patient.age == 125


@pytest.mark.parametrize(
    ("field", "words", "attribute", "code"),
    [
        ("sexe", "F", "sex", Sex.FEMALE), ("gender", "male", "sex", Sex.MALE),
        ("sex", "Inconnu", "sex", Sex.UNKNOWN), ("mobilité", "à pied", "mobility", Mobility.WALK),
        ("mobility", "wheelchair", "mobility", Mobility.WHEELCHAIR),
        ("mobilite", "Fauteuil roulant", "mobility", Mobility.WHEELCHAIR),
        ("déplacement", "ALITÉE", "mobility", Mobility.HOMEBOUND),
    ],
)  # fmt: skip
def test_words_and_codes_of_the_patient(
    field: str, words: str, attribute: str, code: object
) -> None:
    assert getattr(referral(**{field: words}).patient, attribute) is code


@pytest.mark.parametrize("field", ["sex", "mobility", "care_level", "priority"])
def test_an_unknown_word_is_refused(field: str) -> None:
    assert fault(**{field: "purple"}) == (field, Kind.UNKNOWN_CODE)


@pytest.mark.parametrize(
    ("written", "kept"),
    [("10002345678", "10002345678"), ("810002345678", "10002345678"), ("d1", "d1"), (None, None)],
)
def test_the_own_practitioner_is_an_rpps_without_its_prefix(
    written: str | None, kept: str | None
) -> None:
    assert referral(medecin_traitant=written).patient.own_practitioner == kept


@pytest.mark.parametrize("written", ["MARTIN", "Dr Martin 2", "é1"])
def test_a_doctors_name_is_no_id(written: str) -> None:
    assert fault(own_practitioner=written) == ("own_practitioner", Kind.BAD_IDENTIFIER)


# Place.


def test_coordinates_and_commune_make_the_place() -> None:
    one = referral(lat="47,6867", lon=2.6318, insee="45155")
    assert one.patient.location == Location(lat=47.6867, lon=2.6318, insee="45155")


@pytest.mark.parametrize(
    ("lat", "lon", "expected"),
    [
        (47.4, 2.3, None), (47.9, 3.1, None),
        (47.39, 2.5, ("lat", Kind.OUTSIDE_BOUNDS)), (2.63, 47.68, ("lat", Kind.SWAPPED)),
        (47.68, -2.63, ("lon", Kind.SIGN_FLIPPED)), (-47.68, 2.63, ("lat", Kind.SIGN_FLIPPED)),
        (-47.68, -2.63, ("lat", Kind.SIGN_FLIPPED)), (476.8, 2.63, ("lat", Kind.OUT_OF_RANGE)),
    ],
)  # fmt: skip
def test_bounds_tell_swapped_and_flipped_coordinates(
    lat: float, lon: float, expected: tuple[str, Kind] | None
) -> None:
    fields = {"lat": lat, "lon": lon}
    if expected is None:
        assert referral(door={"bounds": GIEN}, **fields).patient.location is not None
    else:
        assert fault(door={"bounds": GIEN}, **fields) == expected


@pytest.mark.parametrize(
    ("lat", "lon", "expected"),
    [
        ("90.1", "2", ("lat", Kind.OUT_OF_RANGE)), ("47", "-180.1", ("lon", Kind.OUT_OF_RANGE)),
        ("47", None, ("lon", Kind.MISSING)), (None, "2", ("lat", Kind.MISSING)),
        ("nan", "2", ("lat", Kind.BAD_NUMBER)), ("47", "inf", ("lon", Kind.BAD_NUMBER)),
        ("47°", "2", ("lat", Kind.BAD_NUMBER)), ("1e999", "2", ("lat", Kind.OUT_OF_RANGE)),
    ],
)  # fmt: skip
def test_coordinates_are_refused(
    lat: str | None, lon: str | None, expected: tuple[str, Kind]
) -> None:
    assert fault(lat=lat, lon=lon) == expected


def test_the_edge_of_the_earth_is_allowed() -> None:
    assert referral(lat=-90, lon=180).patient.location == Location(lat=-90, lon=180)


@pytest.mark.parametrize(
    ("written", "kept"),
    [("1004", "01004"), ("2a004", "2A004"), ("2B033", "2B033"), (45155, "45155")],
)
def test_an_insee_code_is_mended_where_only_one_was_meant(written: object, kept: str) -> None:
    place = referral(lat=47, lon=2, insee=written).patient.location
    assert place is not None
    assert place.insee == kept


@pytest.mark.parametrize("code", ["451", "2C004", "Gien", "451555"])
def test_a_malformed_insee_code_is_refused(code: str) -> None:
    assert fault(insee=code) == ("insee", Kind.BAD_IDENTIFIER)


# What no field may hold.


def test_a_field_of_1000_characters_is_the_longest() -> None:
    assert fault(patient_id="x" * 1001) == ("patient_id", Kind.TOO_LONG)
    assert referral(patient_id="x" * 1000).patient.key


@pytest.mark.parametrize("bad", ["a\0b", "a\x1bb", "a\ud800b", "a\u200bb"])
def test_nul_escapes_surrogates_and_invisible_signs_are_refused(bad: str) -> None:
    assert fault(reference=bad) == ("reference", Kind.CONTROL_CHARACTER)
    assert fault(nom=bad) == ("family_name", Kind.CONTROL_CHARACTER)


def test_an_id_of_a_house_holds_no_space_and_no_accent() -> None:
    assert referral(requester_id="450000001").requester.id == "450000001"
    assert fault(requester_id="Pharmacie du Pont") == ("requester_id", Kind.BAD_IDENTIFIER)
    assert fault(requester_id="x" * 121) == ("requester_id", Kind.BAD_IDENTIFIER)


@pytest.mark.parametrize(
    "reference",
    ["279035121518989", "a-2 79 03 51 215 189 89", "06 12 34 56 78", "+33612345678", "a@b.fr"],
)
def test_a_reference_that_is_a_nir_a_phone_or_an_address_is_refused(reference: str) -> None:
    assert fault(reference=reference) == ("reference", Kind.IDENTIFYING)


@pytest.mark.parametrize("reference", ["EXEMPLE-1", "2026/zoé/3", "19480531-1", "A31051948"])
def test_a_reference_that_repeats_the_person_is_refused(reference: str) -> None:
    assert fault(**{**NAMED, "reference": reference}) == ("reference", Kind.IDENTIFYING)
    assert referral(reference=reference).reference == reference


def test_a_house_may_bear_its_patients_name() -> None:
    assert referral(**NAMED, requester_id="Pharmacie-Exemple").requester.id == "Pharmacie-Exemple"


def test_what_the_nouns_refuse_is_said_without_its_value() -> None:
    class Nowhere:
        def locate(self, said: Whereabouts) -> Any:
            return said.insee and "Nulleparts", ()

    assert fault(insee="45155", door={"geocoder": Nowhere()}) == ("location", Kind.INVALID)


def test_a_format_that_gives_a_list_for_a_text_is_told_so() -> None:
    door = adapter_for(
        "nurse", territory="giennois", zone=ZoneInfo("Europe/Paris"), pseudonymiser=VAULT
    ).door
    one = translate({"reference": ("1", "2")}, Spot("nurse/x", 3, None), door=door, now=NOW)
    assert one == Rejected(
        adapter="nurse/x", record=3, line=None, field="reference", kind=Kind.WRONG_TYPE
    )


def test_every_kind_of_fault_has_its_words() -> None:
    assert KIND.keys() == set(Kind)
    assert all(french and english for french, english in KIND.values())
    assert sentence("age", Kind.OUT_OF_RANGE, Lang.FR) == "age : valeur hors des limites"
    assert sentence("age", Kind.OUT_OF_RANGE, Lang.EN) == "age lies outside the allowed range"
