"""One record to one intake: each rule allowed, refused, exactly on the edge, and absent."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from builders import NOW

from slotengine.adapters import (
    Amend,
    Bounds,
    Cancel,
    Intake,
    Kind,
    New,
    Outcome,
    Rejected,
    adapter_for,
)
from slotengine.adapters.kinds import KIND, sentence
from slotengine.codes import BookingStatus, Mobility, Mode, Priority, Profession, Sex, SourceKind
from slotengine.domain import Location, Referral, TimeWindow, referral_id
from slotengine.labels import Lang
from slotengine.vault import Pseudonymiser

VAULT = Pseudonymiser(bytes(range(32)))
PARIS = ZoneInfo("Europe/Paris")
GIEN = Bounds(south=47.4, west=2.3, north=47.9, east=3.1)
BASE = {"reference": "42", "patient_id": "p-7"}


def take(
    record: Mapping[str, object], source: str = "pharmacy", *, now: datetime = NOW, **door: Any
) -> Intake:
    adapter = adapter_for(
        source, territory="giennois", zone=PARIS, pseudonymiser=VAULT, format="json", **door
    )
    (one,) = adapter.read(json.dumps([record]).encode(), now=now)
    return one


def referral(
    source: str = "pharmacy", *, door: Mapping[str, Any] | None = None, **fields: object
) -> Referral:
    one = take({**BASE, **fields}, source, **(door or {}))
    assert isinstance(one, New), one
    return one.referral


def fault(
    source: str = "pharmacy", *, door: Mapping[str, Any] | None = None, **fields: object
) -> tuple[str, Kind]:
    one = take({**BASE, **fields}, source, **(door or {}))
    assert isinstance(one, Rejected), one
    assert (one.adapter, one.record, one.line) == (f"{source}/json", 1, 1)
    return one.field, one.kind


def paris(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=PARIS)  # type: ignore[arg-type,misc]  # year, month, day, ...


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
        ("2026-11-24", Kind.IN_FUTURE), ("1900-11-23", Kind.OUT_OF_RANGE), ("31/02/1990", Kind.BAD_DATE),
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


COMMUNES = {"45155": Location(lat=47.69, lon=2.63, insee="45155")}


def test_a_commune_alone_is_its_point() -> None:
    assert (
        referral(door={"place_of": COMMUNES.get}, insee="45155").patient.location
        == COMMUNES["45155"]
    )


def test_an_unknown_commune_alone_is_refused_and_beside_coordinates_dropped() -> None:
    door = {"place_of": COMMUNES.get}
    assert fault(door=door, insee="45500") == ("insee", Kind.UNKNOWN_CODE)
    one = referral(door=door, insee="45500", lat=47.7, lon=2.6)
    assert one.patient.location == Location(lat=47.7, lon=2.6)


def test_a_commune_without_a_lookup_is_no_place() -> None:
    assert referral(insee="45155").patient.location is None


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


# What is asked for.


@pytest.mark.parametrize(
    ("words", "priority"),
    [
        ("stat", Priority.STAT), ("asap", Priority.ASAP), ("urgent", Priority.URGENT),
        ("routine", Priority.ROUTINE), ("dans les 4 h", Priority.STAT), ("Dans les 12h", Priority.ASAP),
        ("sous 24 h", Priority.URGENT), ("sous 48 heures", Priority.ROUTINE), ("within 4 h", Priority.STAT),
        ("4h", Priority.STAT), ("ROUTINE", Priority.ROUTINE),
    ],
)  # fmt: skip
def test_priority_is_a_code_or_what_people_say(words: str, priority: Priority) -> None:
    assert referral(priorite=words).priority is priority


@pytest.mark.parametrize("words", ["sous 3 h", "P2", "24", "demain", "très urgent"])
def test_another_priority_is_refused(words: str) -> None:
    assert fault(priority=words) == ("priority", Kind.UNKNOWN_CODE)


def test_a_red_flag_passes_the_door_for_the_engine_to_refuse() -> None:
    assert referral(priority="stat").priority is Priority.STAT
    assert referral("samu", care_level="R1").care_level == "R1"


def test_professions_are_codes_or_words_and_may_be_several() -> None:
    assert referral(profession="70").professions == (Profession.PHYSIOTHERAPIST,)
    assert referral(profession="Kiné | Médecin généraliste").professions == (
        Profession.PHYSICIAN, Profession.PHYSIOTHERAPIST,
    )  # fmt: skip
    assert referral(professions=["60", "sage-femme"]).professions == (
        Profession.MIDWIFE, Profession.NURSE,
    )  # fmt: skip


def test_a_fault_in_a_list_says_which_item() -> None:
    assert fault(professions="10|plumber") == ("professions[1]", Kind.UNKNOWN_CODE)
    assert fault(profession="plumber") == ("professions", Kind.UNKNOWN_CODE)
    assert fault(modes=["AMB", "moon"]) == ("modes[1]", Kind.UNKNOWN_CODE)
    assert fault(professions=[["10"]]) == ("professions", Kind.WRONG_TYPE)


def test_a_list_of_50_is_allowed_and_of_51_refused() -> None:
    assert referral(modes=["AMB"] * 50).modes == (Mode.AMB,)
    assert fault(modes=["AMB"] * 51) == ("modes", Kind.TOO_MANY)


def test_specialties_are_codes_and_general_practice_has_three() -> None:
    assert referral(specialite="sm40").specialties == ("SM40",)
    assert referral(specialties="Médecine générale").specialties == ("SM26", "SM53", "SM54")
    assert fault(specialties="SM40|Dr Who") == ("specialties[1]", Kind.UNKNOWN_CODE)


def test_modes_are_codes_or_words() -> None:
    assert referral(lieu_de_soin="au cabinet|à domicile|vidéo").modes == (
        Mode.AMB,
        Mode.HH,
        Mode.VR,
    )


def test_who_cant_leave_home_and_names_no_mode_is_visited_or_called() -> None:
    assert referral(mobility="homebound").modes == (Mode.HH, Mode.VR)
    assert referral(mobility="homebound", modes="HH").modes == (Mode.HH,)
    assert referral().modes == (Mode.AMB,)


@pytest.mark.parametrize(
    ("km", "metres"), [("0", 0), ("12,5", 12_500), (1000, 1_000_000), ("0.0005", 1)]
)
def test_the_radius_is_kept_in_metres(km: object, metres: int) -> None:
    assert referral(max_travel_km=km).max_travel_metres == metres


@pytest.mark.parametrize(
    ("km", "kind"),
    [("-1", Kind.OUT_OF_RANGE), ("1000.001", Kind.OUT_OF_RANGE), ("far", Kind.BAD_NUMBER)],
)
def test_a_radius_is_refused(km: str, kind: Kind) -> None:
    assert fault(max_travel_km=km) == ("max_travel_km", kind)


def test_a_motive_has_code_system_and_harmless_label() -> None:
    motive = referral(motive_code="M02.01", motive_system="hub", motif="Mal de  gorge").motive
    assert motive is not None
    assert (motive.system, motive.code, motive.label) == ("hub", "M02.01", "Mal de gorge")
    local = referral(motive_code="angine").motive
    assert local is not None
    assert (local.system, local.label) == ("local", "")


def test_a_label_without_a_code_is_dropped() -> None:
    assert referral(motif="Mal de gorge").motive is None


@pytest.mark.parametrize(
    ("label", "kept"),
    [
        ("x" * 200, True), ("x" * 201, False), ("x" * 2000, False), ("fièvre à 39,5 depuis 3 jours", True),
        ("rappeler au 06 12 34 56 78", False), ("né le 12/03/1950", False), ("12 mars 1950", False),
        ("suivi de mars 1950", False), ("a@b.fr", False), ("Mme D. tousse", False), ("12345", True),
        ("123456", False), ("toux\x07", False),
    ],
)  # fmt: skip
def test_a_label_that_may_name_somebody_is_dropped_and_the_referral_kept(
    label: str, *, kept: bool
) -> None:
    motive = referral(motive_code="M1", motive_label=label).motive
    assert motive is not None
    assert motive.label == (label if kept else "")


# Times. In Paris it is 9:00 on Monday 23 November 2026.


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("2026-11-23T08:30:00Z", datetime(2026, 11, 23, 8, 30, tzinfo=UTC)),
        ("2026-11-23T09:30:00.250+01:00", datetime(2026, 11, 23, 8, 30, 0, 250_000, tzinfo=UTC)),
        ("2026-11-23 09:30", datetime(2026, 11, 23, 8, 30, tzinfo=UTC)),
        ("23/11/2026 9h30", datetime(2026, 11, 23, 8, 30, tzinfo=UTC)),
        ("23/11/2026 09:30:15", datetime(2026, 11, 23, 8, 30, 15, tzinfo=UTC)),
        ("23/11/2026 à 10 h", datetime(2026, 11, 23, 9, 0, tzinfo=UTC)),
        ("2026-11-23T10:30+0200", datetime(2026, 11, 23, 8, 30, tzinfo=UTC)),
        # A day alone lasts to its end.
        ("23/11/2026", datetime(2026, 11, 23, 23, 0, tzinfo=UTC)),
        ("2026-11-30", datetime(2026, 11, 30, 23, 0, tzinfo=UTC)),
    ],
)
def test_a_deadline_is_read(written: str, meant: datetime) -> None:
    assert referral(deadline=written).deadline == meant


@pytest.mark.parametrize(
    ("written", "kind"),
    [
        ("2026-11-31T09:00", Kind.BAD_DATE), ("2026-11-23T24:00", Kind.BAD_DATE),
        ("2026-11-23T09:60", Kind.BAD_DATE), ("tomorrow", Kind.BAD_DATE), ("23/11/2026 14", Kind.BAD_DATE),
        ("23/11/2026 14:", Kind.BAD_DATE), ("2026-11-23T09:00+15:00", Kind.BAD_DATE),
        ("2026-11-23T09:00+01:00Z", Kind.BAD_DATE), ("20261123", Kind.BAD_DATE),
        ("1999-12-31", Kind.OUT_OF_RANGE), ("2101-01-01T00:00", Kind.OUT_OF_RANGE),
        ("9999-12-31", Kind.OUT_OF_RANGE), ("25/10/2026 02:30", Kind.AMBIGUOUS_TIME),
        ("2026-10-25T02:00", Kind.AMBIGUOUS_TIME), ("28/03/2027 02:30", Kind.NONEXISTENT_TIME),
        ("2027-03-28T02:00", Kind.NONEXISTENT_TIME), ("2026-11-23T08:59", Kind.BEFORE_RECEIVED),
    ],
)  # fmt: skip
def test_a_deadline_is_refused(written: str, kind: Kind) -> None:
    assert fault(deadline=written) == ("deadline", kind)


def test_a_deadline_at_the_moment_of_reception_is_allowed() -> None:
    assert referral(deadline="2026-11-23T09:00").deadline == NOW


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("2026-10-25T02:30+02:00", datetime(2026, 10, 25, 0, 30, tzinfo=UTC)),
        ("2026-10-25T02:30+01:00", datetime(2026, 10, 25, 1, 30, tzinfo=UTC)),
        ("2026-10-25T01:59:59", datetime(2026, 10, 24, 23, 59, 59, tzinfo=UTC)),
        ("2026-10-25T03:00", datetime(2026, 10, 25, 2, 0, tzinfo=UTC)),
    ],
)
def test_around_the_change_of_clocks_the_offset_decides(written: str, meant: datetime) -> None:
    assert referral(received_at=written).received_at == meant


def test_times_are_read_in_the_territorys_own_zone() -> None:
    record = {**BASE, "deadline": "2026-11-24 09:00"}
    overseas = adapter_for(
        "pharmacy", territory="reunion", zone=ZoneInfo("Indian/Reunion"), pseudonymiser=VAULT
    )
    (one,) = overseas.read(json.dumps(record).encode(), now=NOW)
    assert isinstance(one, New)
    assert one.referral.deadline == datetime(2026, 11, 24, 5, 0, tzinfo=UTC)


def test_a_reception_15_minutes_ahead_is_a_clock_and_later_a_fault() -> None:
    ahead = NOW + timedelta(minutes=15)
    assert referral(received_at=ahead.isoformat()).received_at == ahead
    late = ahead + timedelta(seconds=1)
    assert fault(received_at=late.isoformat()) == ("received_at", Kind.IN_FUTURE)
    assert fault(received_at="23/11/2026") == ("received_at", Kind.BAD_DATE)


def test_windows_are_pairs_of_starts_and_ends() -> None:
    one = referral(
        window_start="2026-11-24 09:00|25/11/2026",
        window_end="2026-11-24T12:00:00+01:00|25/11/2026",
    )
    assert one.windows == (
        TimeWindow(start=paris(2026, 11, 24, 9), end=paris(2026, 11, 24, 12)),
        TimeWindow(start=paris(2026, 11, 25), end=paris(2026, 11, 26)),
    )


@pytest.mark.parametrize(
    ("starts", "ends", "expected"),
    [
        ("2026-11-24 09:00", None, ("window_end", Kind.MISSING)),
        (None, "2026-11-24 09:00", ("window_start", Kind.MISSING)),
        ("2026-11-24|2026-11-25", "2026-11-24", ("window_end", Kind.WINDOW_COUNT)),
        ("2026-11-24 09:00", "2026-11-24 09:00", ("window_end", Kind.END_BEFORE_START)),
        ("2026-11-24|2026-11-25", "2026-11-24|2026-11-24", ("window_end[1]", Kind.END_BEFORE_START)),
        ("soon", "2026-11-24", ("window_start", Kind.BAD_DATE)),
        (["2026-11-24", "soon"], ["2026-11-24", "2026-11-25"], ("window_start[1]", Kind.BAD_DATE)),
    ],
)  # fmt: skip
def test_windows_are_refused(starts: object, ends: object, expected: tuple[str, Kind]) -> None:
    assert fault(window_start=starts, window_end=ends) == expected


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


def test_every_kind_of_fault_has_its_words() -> None:
    assert KIND.keys() == set(Kind)
    assert all(french and english for french, english in KIND.values())
    assert sentence("age", Kind.OUT_OF_RANGE, Lang.FR) == "age : valeur hors des limites"
    assert sentence("age", Kind.OUT_OF_RANGE, Lang.EN) == "age lies outside the allowed range"
