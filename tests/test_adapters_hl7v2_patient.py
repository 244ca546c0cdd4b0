"""Who an HL7 message is about: numbers, names, birth, place, own doctor."""

from datetime import datetime

import pytest
from hl7_messages import (
    INS,
    PID,
    about,
    doubts,
    fault,
    pid,
    ref,
    referral,
    rf1,
)
from records import VAULT


def key(**fields: str) -> str:
    return referral(about(**fields)).patient.key


INS_FIELD = f"42^^^CHU-X^PI~{INS}^^^ASIP-SANTE-INS-NIR&1.2.250.1.213.1.4.10&ISO^INS"


@pytest.mark.parametrize("oid", ["8", "9", "10", "11"])
def test_an_ins_is_known_by_its_authority(oid: str) -> None:
    number = f"42^^^X^PI~{INS}^^^N&1.2.250.1.213.1.4.{oid}&ISO^INS"
    assert key(f3=number, f32="VALI") == VAULT.of_nir(INS)


@pytest.mark.parametrize("authority", ["ASIP-SANTE-INS-NIR", "ASIP-SANTE-INS-NIA", ""])
def test_an_ins_without_an_oid_is_known_by_name_or_type(authority: str) -> None:
    assert key(f3=f"{INS}^^^{authority}^INS") == VAULT.of_nir(INS)


def test_an_old_calculated_ins_is_none() -> None:
    number = "0123456789012345678901^^^ASIP-SANTE-INS-C&1.2.250.1.213.1.4.2&ISO^INS-C"
    assert key(f3=number) == VAULT.of_name("ESSAI-TROIS", "DOMINIQUE", datetime(1979, 3, 28).date())  # noqa: DTZ001 (a date)


def test_an_ins_with_a_wrong_key_is_refused() -> None:
    wrong = INS_FIELD.replace(INS, "279035121518988")
    assert fault(about(f3=wrong, f32="VALI")) == ("nir", "bad_nir", "PID-3[2]")


@pytest.mark.parametrize("state", ["PROV", "VIDE", "DOUB", "USUR"])
def test_the_ins_of_an_identity_that_is_not_qualified_is_not_used(state: str) -> None:
    payload = about(f3=INS_FIELD, f32=state)
    assert referral(payload).patient.key != VAULT.of_nir(INS)
    assert ("nir", "unqualified") in doubts(payload)


@pytest.mark.parametrize("state", ["VALI", "", "VALI~RECD"])
def test_the_ins_of_a_qualified_identity_is_used(state: str) -> None:
    assert key(f3=INS_FIELD, f32=state) == VAULT.of_nir(INS)


def test_the_name_at_birth_comes_before_the_name_in_use() -> None:
    born = datetime(1979, 3, 28).date()  # noqa: DTZ001 (a date)
    both = "DUPRE^DOMINIQUE^^^^^D~ESSAI^DOMINIQUE^^^^^L"
    assert key(f5=both) == VAULT.of_name("ESSAI", "DOMINIQUE", born)
    assert key(f5="DUPRE^DOMINIQUE^^^^^D") == VAULT.of_name("DUPRE", "DOMINIQUE", born)
    assert key(f5="DUPRE^DOMINIQUE") == VAULT.of_name("DUPRE", "DOMINIQUE", born)


def test_a_pseudonym_in_the_place_of_a_name_is_no_name() -> None:
    assert key(f5="ANONYME^X^^^^^S") == key(f5="")


def test_the_number_of_a_patient_is_one_of_its_house_and_register() -> None:
    bare = {"f5": "", "f3": "7^^^A&1.2.3&ISO^PI"}
    assert key(**bare) == key(f5="", f3="x^^^B^AN~7^^^A&1.2.3&ISO^PI")
    assert key(**bare) != key(f5="", f3="7^^^B&1.2.4&ISO^PI")
    other = ref(rf1(), pid(**bare)).replace(b"|CHU-X|SNP", b"|CHU-Y|SNP")
    assert key(**bare) != referral(other).patient.key


def test_a_patient_without_any_identity_is_refused_where_the_source_must_know() -> None:
    assert fault(about(f3="", f5="", f7="")) == ("patient_id", "missing", "PID-3")
    assert referral(about(f3="", f5="", f7=""), "emergency").patient.key


@pytest.mark.parametrize("born", ["1979", "197903"])
def test_a_birth_date_without_its_day_tells_nobody_apart(born: str) -> None:
    assert ("birth_date", "imprecise") in doubts(about(f7=born))
    assert referral(about(f7=born)).patient.age is None


@pytest.mark.parametrize("born", ["19790300", "19791331", "1979032", "born"])
def test_an_impossible_birth_date_is_refused(born: str) -> None:
    assert fault(about(f7=born)) == ("birth_date", "bad_date", "PID-7")


def test_the_hour_of_birth_is_left_out() -> None:
    assert referral(about(f7="197903280530+0100")).patient.age == 47


@pytest.mark.parametrize(
    ("written", "sex"),
    [("F", "female"), ("M", "male"), ("O", "other"), ("A", "other"), ("U", "unknown"),
     ("N", "unknown"), ("", "unknown"), ("f", "female"), ("F^Female^HL70001", "female")],
)  # fmt: skip
def test_sex_is_read_by_table_0001(written: str, sex: str) -> None:
    assert referral(about(f8=written)).patient.sex.value == sex


def test_an_unknown_sex_is_doubted() -> None:
    assert doubts(about(f8="X")) == {("sex", "unknown_code")}


def test_messages_about_two_patients_are_refused() -> None:
    assert fault(ref(rf1(), PID, PID)) == ("patient_id", "too_many", "PID[2]-3")


LA_CHATRE = "36046"


def where(address: str) -> str | None:
    place = referral(about(f11=address)).patient.location
    return None if place is None else place.insee


@pytest.mark.parametrize(
    "address",
    [
        "1 RUE X^^LA CHATRE^^36400^FRA^H",
        "1 RUE X^^^^^^H^^36046",
        "1 RUE X^^LA CHATRE^^36400",
        "^^PARIS^^75007^FRA^BDL^^75107~1 RUE X^^LA CHATRE^^36400^FRA^H",
        "^^PARIS^^75007^FRA^H~1 RUE X^^LA CHATRE^^36400^FRA^C",
        "^^^^^FRA^C~1 RUE X^^LA CHATRE^^36400^FRA^H",
        "^^GOODTOWN^^42010^USA^C~1 RUE X^^LA CHATRE^^36400^FRA^H",
    ],
)
def test_a_patient_is_where_the_address_of_now_or_home_says(address: str) -> None:
    assert where(address) == LA_CHATRE


@pytest.mark.parametrize("address", ["", "^^PARIS^^75007^FRA^BDL^^75107", "^^GOODTOWN^^42010^USA"])
def test_a_birthplace_or_a_postcode_abroad_is_no_place(address: str) -> None:
    assert where(address) is None


def test_a_postcode_abroad_is_doubted() -> None:
    assert ("postcode", "outside_bounds") in doubts(about(f11="^^GOODTOWN^^42010^USA^H"))


RPPS = "ASIP-SANTE-PS&1.2.250.1.71.4.2.1&ISO^L^^^RPPS"


@pytest.mark.parametrize(
    "segment",
    [
        f"ROL|1|UC|ODRP|10000023084^AGNES^Isabelle^^^^^^{RPPS}",
        f"ROL|1|UC|ODRP|810000023084^AGNES^^^^^^^{RPPS}",
        "ROL|1|UC|PP^Primary Care Provider^HL70443|10000023084",
        "PRT|1|UC||PP^Primary Care Provider^HL70912|10000023084",
        "PD1||||10000023084^AGNES",
    ],
)
def test_the_own_doctor_is_known_by_rpps_wherever_versions_put_it(segment: str) -> None:
    assert referral(ref(rf1(), PID, segment)).patient.own_practitioner == "10000023084"


@pytest.mark.parametrize(
    "segment",
    ["ROL|1|UC|AT|10000023084", "ROL|1|UC|ODRP|351064431^X^^^^^^^^^^^ADELI", "ROL|1|UC|ODRP|X^DOE"],
)
def test_another_role_or_another_number_is_no_own_doctor(segment: str) -> None:
    assert referral(ref(rf1(), PID, segment)).patient.own_practitioner is None


def test_a_name_in_the_reference_is_refused() -> None:
    assert fault(ref(rf1(f6="ESSAI-TROIS"), PID)) == ("reference", "identifying", "RF1-6")
