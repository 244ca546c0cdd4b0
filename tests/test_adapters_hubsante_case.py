"""What a case of a SAMU says of one patient, field by field."""

from typing import Any

import pytest
from hubsante_cases import CASE_ID, ORIENTED, PATIENT, case, doubts, fault, one, referral, wrapped
from records import paris

from slotengine.adapters import Kind
from slotengine.adapters.base import Whereabouts
from slotengine.codes import CareLevel, Mode, Priority, Profession, Sex
from slotengine.domain import Location

NOBODY = {"patient": None}


def test_a_case_of_unscheduled_care_becomes_a_referral() -> None:
    said = referral(case())
    assert said.reference == CASE_ID
    assert said.received_at == paris(2026, 11, 23, 8, 31)
    assert (said.priority, said.care_level) == (Priority.URGENT, CareLevel.R3)
    assert (said.professions, said.modes) == ((Profession.PHYSICIAN,), (Mode.AMB,))
    assert (said.patient.age, said.patient.sex) == (65, Sex.FEMALE)
    assert said.patient.location == Location(lat=47.6875, lon=2.6307, insee="45155")
    assert said.requester.id == "fr.health.samu450"
    assert said.motive is not None
    assert (said.motive.code, said.motive.label) == ("M03.14", "Fièvre, problème infectieux")
    assert doubts(one(case())) == set()


@pytest.mark.parametrize(
    ("age", "years"),
    [("P65Y", 65), ("P0Y", 0), ("P21M", 1), ("P23M", 1), ("P24M", 2), ("P3W", 0), ("P52W", 1),
     ("P10D", 0), ("P364D", 0), ("P365D", 1), ("P125Y", 125)],
)  # fmt: skip
def test_an_age_in_any_unit_is_whole_years(age: str, years: int) -> None:
    assert referral(case(patient__0__detail__age=age)).patient.age == years


@pytest.mark.parametrize("age", ["P126Y", "P1Y6M", "old", "P-1Y", "P1000Y"])
def test_an_age_that_is_none_is_refused_with_its_path(age: str) -> None:
    field, _, path = fault(case(patient__0__detail__age=age))
    assert (field, path) == ("age", "createCaseHealth.patient[0].detail.age")


def test_a_patient_without_an_age_is_read() -> None:
    assert referral(case(patient__0__detail=None)).patient.age is None


def test_the_birth_date_wins_over_an_age_that_contradicts_it() -> None:
    both = case(
        patient__0__detail__age="P21M",
        patient__0__identity__strictFeatures__birthDate="2017-11-06",
    )
    assert referral(both).patient.age == 9
    assert {field for field, _ in doubts(one(both))} == {"age"}


@pytest.mark.parametrize(
    ("sex", "meant"),
    [
        ("M", Sex.MALE),
        ("F", Sex.FEMALE),
        ("O", Sex.OTHER),
        ("UN", Sex.UNKNOWN),
        (None, Sex.UNKNOWN),
    ],
)
def test_the_four_sexes_of_the_list_are_read(sex: str | None, meant: Sex) -> None:
    assert referral(case(patient__0__identity__strictFeatures__sex=sex)).patient.sex is meant


@pytest.mark.parametrize(
    ("said", "meant"),
    [("P0", Priority.ASAP), ("P1", Priority.ASAP), ("P2", Priority.URGENT),
     ("P3", Priority.ROUTINE), ("NR", Priority.URGENT), (None, Priority.URGENT)],
)  # fmt: skip
def test_the_priority_of_regulation_is_a_delay_and_never_four_hours(
    said: str | None, meant: Priority
) -> None:
    assert referral(case(qualification__details__priority=said)).priority is meant


def test_an_unknown_priority_is_doubted_and_the_default_taken() -> None:
    strange = case(qualification__details__priority="P9")
    assert referral(strange).priority is Priority.URGENT
    assert doubts(one(strange)) == {("priority", Kind.UNKNOWN_CODE)}


@pytest.mark.parametrize("level", ["R1", "R2", "R3"])
def test_a_level_is_passed_on_for_the_engine_to_refuse(level: str) -> None:
    assert referral(case(qualification__details__careLevel=level)).care_level == level


def test_the_patients_own_level_comes_before_the_cases() -> None:
    assert referral(case(patient__0__detail__careLevel="R1")).care_level is CareLevel.R1


def test_without_a_level_nobody_can_tell_an_emergency() -> None:
    assert fault(case(qualification__details__careLevel=None)) == (
        "care_level", Kind.MISSING, "createCaseHealth.qualification.details.careLevel",
    )  # fmt: skip
    assert fault(case(qualification__details__careLevel="R9"))[:2] == (
        "care_level", Kind.UNKNOWN_CODE,
    )  # fmt: skip


@pytest.mark.parametrize("priority", ["P2", "P3", None])
def test_an_orientation_to_a_practice_tells_the_level_of_a_calm_case(priority: str | None) -> None:
    calm = case(
        qualification__details__careLevel=None,
        qualification__details__priority=priority,
        decision=[ORIENTED],
    )
    assert referral(calm).care_level is CareLevel.R3
    assert doubts(one(calm)) == {("care_level", Kind.MISSING)}


@pytest.mark.parametrize("priority", ["P0", "P1", "NR", "P9"])
def test_it_does_not_tell_the_level_of_any_other(priority: str) -> None:
    pressing = case(
        qualification__details__careLevel=None,
        qualification__details__priority=priority,
        decision=[ORIENTED],
    )
    assert fault(pressing)[:2] == ("care_level", Kind.MISSING)


def test_advice_by_phone_needs_no_slot_unless_somebody_is_oriented() -> None:
    advice = {"qualification__details__careLevel": "R4"}
    assert fault(case(**advice)) == (
        "care_level", Kind.ADVICE_ONLY, "createCaseHealth.qualification.details.careLevel",
    )  # fmt: skip
    assert referral(case(**advice, decision=[ORIENTED])).care_level is CareLevel.R4


def test_the_own_doctor_is_an_rpps_with_or_without_its_prefix() -> None:
    path = "patient__0__administrativeFile__generalPractitioner"
    for written in ("810002909371", "10002909371", "8 10002909371"):
        said = referral(case(**{path: {"rppsId": written}}))
        assert said.patient.own_practitioner == "10002909371"
    named = case(**{path: {"rppsId": "Dr Modèle", "detailedName": {"complete": "Dr Modèle"}}})
    assert referral(named).patient.own_practitioner is None
    assert doubts(one(named)) == {("own_practitioner", Kind.BAD_IDENTIFIER)}
    assert referral(case(**{path: {"detailedName": {}}})).patient.own_practitioner is None


def motive(code: str | None, label: str | None) -> dict[str, Any]:
    return case(qualification__healthMotive={"code": code, "label": label})


@pytest.mark.parametrize(
    ("code", "label", "read", "doubt"),
    [
        ("M03.14", "Fièvre, problème infectieux", "M03.14", None),
        ("M01.02", "Détresse vitale; Altération de la conscience; Dont coma", "M01.02", None),
        ("M03.14", None, "M03.14", None),
        # Outside the list, the label says what it is; a third word does not matter.
        ("M17.03.01", "Douleur thoracique - cas n°1", "M03.06", ("motive_code", Kind.UNKNOWN_CODE)),
        ("M17.03.01", "Autre chose", "M17.03.01", ("motive_code", Kind.UNKNOWN_CODE)),
        # Two codes have this label, so it tells nothing.
        ("M99.99", "Saignements", "M99.99", ("motive_code", Kind.UNKNOWN_CODE)),
        # The code is known: it comes first, whatever the label says.
        ("M02.01", "Douleur thoracique", "M02.01", ("motive_label", Kind.CONTRADICTION)),
        (None, "Douleur thoracique", "M03.06", None),
    ],
)
def test_the_code_of_a_motive_comes_first_and_its_label_second(
    code: str | None, label: str | None, read: str, doubt: tuple[str, Kind] | None
) -> None:
    said = referral(motive(code, label)).motive
    assert said is not None
    assert (said.code, said.system) == (read, "hubsante-motif")
    assert doubts(one(motive(code, label))) == ({doubt} if doubt else set())


def test_a_case_without_a_motive_or_with_words_only_is_read() -> None:
    assert referral(case(qualification__healthMotive=None)).motive is None
    assert referral(motive(None, "Autre chose")).motive is None


def test_a_label_that_names_the_patient_is_dropped() -> None:
    named = case(
        qualification__healthMotive={"code": "M03.14", "label": "Fièvre de Exemple"},
        patient__0__identity__nonStrictFeatures={"lastName": "Exemple", "firstName": "Zoé"},
    )
    said = referral(named)
    assert said.motive is not None
    assert said.motive.label == ""
    whole = case(
        qualification__healthMotive={"code": "M03.14", "label": "Fièvre de Exemple"},
        patient__0__identity__nonStrictFeatures={"complete": "Zoé Exemple"},
    )
    assert "xemple" not in referral(whole).model_dump_json()


def test_a_point_that_may_be_anywhere_in_town_is_doubted() -> None:
    precision = "location__geometry__point__coord__precision"
    for word in ("VILLE", "INCONNUE"):
        assert doubts(one(case(**{precision: word}))) == {("lat", Kind.IMPRECISE)}
    for word in ("RUE", "ADRESSE", "EXACTE"):
        assert doubts(one(case(**{precision: word}))) == set()


def test_what_the_case_says_of_the_place_reaches_the_geocoder() -> None:
    heard: list[Whereabouts] = []

    class Listening:
        def locate(self, said: Whereabouts) -> tuple[Location | None, tuple[Any, ...]]:
            heard.append(said)
            return None, ()

    parts_of_it = case(location__city={"name": "Vaires-sur-Marne", "inseeCode": "77360"})
    one(parts_of_it, geocoder=Listening())
    (said,) = heard
    assert (said.insee, said.city) == ("77360", "Vaires-sur-Marne")
    assert (said.lat, said.lon) == (47.6875, 2.6307)


def test_a_postcode_in_place_of_the_code_of_a_commune_is_doubted() -> None:
    """Seen in official samples: Vaires-sur-Marne has code 77479 and postcode 77360."""
    place = {
        "city": {"name": "Vaires-sur-Marne", "inseeCode": "77360"},
        "geometry": {"point": {"coord": {"lat": 48.8668, "lon": 2.6321, "precision": "ADRESSE"}}},
    }
    said = one(case(location=place))
    assert referral(case(location=place)).patient.location == Location(
        lat=48.8668, lon=2.6321, insee="77479"
    )
    assert {field for field, _ in doubts(said)} == {"insee"}


def test_a_case_without_a_place_is_read() -> None:
    assert referral(case(location=None)).patient.location is None


def test_a_times_milliseconds_and_z_are_read_all_the_same() -> None:
    for written in ("2026-11-23T07:31:00Z", "2026-11-23T08:31:00.500+01:00", "2026-11-23T08:31:00"):
        said = referral(case(creation=written))
        assert said.received_at.replace(microsecond=0) == paris(2026, 11, 23, 8, 31)
    assert fault(case(creation="yesterday")) == (
        "received_at", Kind.BAD_DATE, "createCaseHealth.creation",
    )  # fmt: skip


def test_the_owner_asks_else_whoever_sends() -> None:
    assert referral(case(owner=None)).requester.id is None
    assert referral(wrapped(case(owner=None))).requester.id == "fr.health.samu450"
    assert referral(wrapped(case(owner="fr.health.samu770"))).requester.id == "fr.health.samu770"


def test_identity_becomes_a_pseudonym_and_is_nowhere_else() -> None:
    known = case(
        patient__0__identity={
            "strictFeatures": {"sex": "F", "birthName": "Modèle", "birthDate": "1961-05-31"},
            "nonStrictFeatures": {"lastName": "Exemple", "firstName": "Zoé"},
        },
        patient__0__administrativeFile={
            "externalId": [
                {"source": "SINUS", "value": "S-99"},
                {"source": "NIR", "value": "279035121518989"},
            ]
        },
        initialAlert={
            "caller": {
                "callerContact": {"detail": "+33199000001"},
                "detailedName": {"complete": "Ana Appelante"},
            }
        },
    )
    intake = one(known)
    shown = f"{intake!r} {intake.model_dump_json()}"
    for secret in (
        "279035121518989",
        "S-99",
        "Modèle",
        "Exemple",
        "Zo",
        "1961",
        "199000001",
        "Ana",
    ):
        assert secret not in shown
    nir_only = case(
        patient__0__administrativeFile={"externalId": {"source": "NIR", "value": "279035121518989"}}
    )
    assert referral(nir_only).patient.key == referral(known).patient.key


def test_a_nir_with_a_wrong_key_is_refused_by_its_path() -> None:
    wrong = case(
        patient__0__administrativeFile={
            "externalId": [{"source": "NIR", "value": "27903512151898"}]
        }
    )
    assert fault(wrong) == (
        "nir", Kind.BAD_NIR,
        "createCaseHealth.patient[0].administrativeFile.externalId[0].value",
    )  # fmt: skip


def test_a_patient_known_by_number_only_is_the_same_one_in_each_message() -> None:
    again = case(caseId="fr.health.samu450.other")
    assert referral(case()).patient.key == referral(again).patient.key
    other = case(patient__0__patientId=f"{PATIENT}.2")
    assert referral(other).patient.key != referral(case()).patient.key


def test_a_case_that_lists_no_patient_has_one_of_whom_nothing_is_known() -> None:
    said = referral(case(**NOBODY))
    assert (said.reference, said.patient.age) == (CASE_ID, None)


@pytest.mark.parametrize("number", [None, "", "   "])
def test_without_the_number_of_the_case_its_senders_own_is_taken(number: str | None) -> None:
    assert referral(case(caseId=number)).reference == "DRFR154502632700007"
    assert fault(case(caseId=number, senderCaseId=None))[:2] == ("reference", Kind.MISSING)


@pytest.mark.parametrize(
    ("path", "value", "where"),
    [
        ("caseId", {"a": 1}, "createCaseHealth.caseId"),
        ("qualification", "text", "createCaseHealth.qualification"),
        ("location", [1], "createCaseHealth.location"),
        ("patient", ["nobody"], "createCaseHealth.patient[0]"),
        ("patient__0__detail__age", True, "createCaseHealth.patient[0].detail.age"),
        ("decision", 4, "createCaseHealth.decision"),
    ],
)
def test_what_is_of_another_type_is_refused_with_its_path(
    path: str, value: object, where: str
) -> None:
    assert fault(case(**{path: value})) == ("record", Kind.WRONG_TYPE, where)


def test_a_number_may_be_written_as_a_text_and_a_text_as_a_number() -> None:
    place = "location__geometry__point__coord__lat"
    assert referral(case(**{place: "47.6875"})) == referral(case())
    assert referral(case(senderCaseId=7, caseId=None)).reference == "7"


def test_what_is_not_known_is_not_read() -> None:
    assert referral(case(futureField={"deep": [1]}, patient__0__detail__shoe=44)) == referral(
        case()
    )


def test_a_cases_number_that_could_be_a_nir_is_none() -> None:
    """One in 97 of the cases of the first twelve départements has the key of a NIR."""
    number = "fr.health.samu009.DRFR15@"
    keyed = [f"0092632700{rank:03d}" for rank in range(100, 200)]
    taken = [referral(case(caseId=number.replace("@", each))).reference for each in keyed]
    assert taken == [number.replace("@", each) for each in keyed]
    nir = "279035121518989"
    for text in (nir, f"DRFR{nir}", f"fr.health.{nir}"):
        assert fault(case(caseId=text))[:2] == ("reference", Kind.IDENTIFYING)
