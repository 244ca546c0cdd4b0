"""National numbers: which kind they are, and whether their check digit fits."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from records import BASE, VAULT, fault, referral, take
from stdnum import luhn as oracle
from stdnum.fr import siret as oracle_siret

from slotengine.adapters import Kind, New
from slotengine.adapters.registered import (
    IdKind,
    Known,
    bare_ins,
    check_digit_fits,
    is_ins,
    luhn,
    person_id,
    requester_id,
    structure_id,
)


@pytest.mark.parametrize(
    ("text", "kind", "value"),
    [
        ("810002909371", IdKind.RPPS, "10002909371"), ("10002909371", IdKind.RPPS, "10002909371"),
        ("0441234567", IdKind.ADELI, "441234567"), ("441234567", IdKind.ADELI, "441234567"),
        ("02A1234567", IdKind.ADELI, "2A1234567"),
        ("3456780581/11242343", IdKind.INTERNAL, "456780581/11242343"),
        ("1441234567/Ab", IdKind.INTERNAL, "441234567/Ab"),
        ("4123456789/7", IdKind.INTERNAL, "123456789/7"),
        ("512345678900012/7", IdKind.INTERNAL, "12345678900012/7"),
        ("610002909371/7", IdKind.INTERNAL, "10002909371/7"),
        # One digit more or less is somebody's own number.
        ("8100029093711", IdKind.ACCOUNT, "8100029093711"), ("810002", IdKind.ACCOUNT, "810002"),
        ("7456780581/1", IdKind.ACCOUNT, "7456780581/1"), ("jdoe", IdKind.ACCOUNT, "jdoe"),
    ],
)  # fmt: skip
def test_a_persons_number_is_told_by_its_prefix(text: str, kind: IdKind, value: str) -> None:
    assert person_id(text) == Known(kind, value)


@pytest.mark.parametrize(
    ("text", "kind", "value"),
    [
        ("1950047225", IdKind.FINESS, "950047225"), ("950047225", IdKind.FINESS, "950047225"),
        ("12A0000014", IdKind.FINESS, "2A0000014"), ("2b0000014", IdKind.FINESS, "2B0000014"),
        ("326450015500011", IdKind.SIRET, "26450015500011"),
        ("26450015500011", IdKind.SIRET, "26450015500011"),
        ("264 500 155 00011", IdKind.SIRET, "26450015500011"),
        ("410002909371001", IdKind.CABINET, "10002909371001"),
        ("044123456701", IdKind.CABINET, "44123456701"),
        ("2C0000014", IdKind.ACCOUNT, "2C0000014"), ("95004722", IdKind.ACCOUNT, "95004722"),
        ("fr.health.samu770", IdKind.ACCOUNT, "fr.health.samu770"),
    ],
)  # fmt: skip
def test_a_structures_number_is_told_by_its_prefix(text: str, kind: IdKind, value: str) -> None:
    assert structure_id(text) == Known(kind, value)


@pytest.mark.parametrize(
    ("text", "of_person", "of_structure"),
    [
        # 3: an internal number of a FINESS, or a SIRET. 0: ADELI, or a practice. 1, 4: likewise.
        ("312345678/7", IdKind.ACCOUNT, IdKind.ACCOUNT),
        ("3123456789/7", IdKind.INTERNAL, IdKind.ACCOUNT),
        ("326450015500011", IdKind.ACCOUNT, IdKind.SIRET),
        ("0441234567", IdKind.ADELI, IdKind.ACCOUNT),
        ("044123456701", IdKind.ACCOUNT, IdKind.CABINET),
        ("1441234567", IdKind.ACCOUNT, IdKind.FINESS),
        ("410002909371001", IdKind.ACCOUNT, IdKind.CABINET),
        ("810002909371", IdKind.RPPS, IdKind.ACCOUNT),
        ("441234567", IdKind.ADELI, IdKind.FINESS),
    ],
)
def test_the_same_digit_means_different_things(
    text: str, of_person: IdKind, of_structure: IdKind
) -> None:
    assert (person_id(text).kind, structure_id(text).kind) == (of_person, of_structure)


@pytest.mark.parametrize(
    ("text", "expected", "kind"),
    [
        ("441234567", {IdKind.ADELI}, IdKind.ADELI), ("441234567", {IdKind.FINESS}, IdKind.FINESS),
        ("441234567", {IdKind.ADELI, IdKind.FINESS}, IdKind.FINESS),
        ("441234567", {IdKind.RPPS}, IdKind.FINESS),
        ("0441234567", {IdKind.ADELI}, IdKind.ADELI),
        ("0441234567", {IdKind.CABINET}, IdKind.ADELI),
        ("10002909371", {IdKind.FINESS}, IdKind.RPPS), ("jdoe", {IdKind.RPPS}, IdKind.ACCOUNT),
    ],
)  # fmt: skip
def test_nine_signs_are_what_is_expected_of_the_source(
    text: str, expected: set[IdKind], kind: IdKind
) -> None:
    assert requester_id(text, frozenset(expected)).kind is kind


# Check digits.


@settings(deadline=None, derandomize=True, max_examples=200)
@given(st.text("0123456789", min_size=1, max_size=20))
def test_luhn_agrees_with_a_library(digits: str) -> None:
    assert luhn(digits) == oracle.is_valid(digits)


@settings(deadline=None, derandomize=True, max_examples=200)
@given(
    st.text("0123456789", min_size=14, max_size=14)
    | st.text("0123456789", min_size=5, max_size=5).map("356000000".__add__)
)
def test_a_siret_is_checked_like_in_a_library(digits: str) -> None:
    ours = check_digit_fits(Known(IdKind.SIRET, digits))
    # The library asks for the SIREN's own digit, too; ours is the establishment's.
    assert ours or not oracle_siret.is_valid(digits)
    if digits.startswith("356000000") or oracle.is_valid(digits[:9]):
        assert ours == oracle_siret.is_valid(digits)


@pytest.mark.parametrize(
    ("kind", "value", "fits"),
    [
        # Official samples: some pass, some don't.
        (IdKind.RPPS, "10002909371", True), (IdKind.RPPS, "10005681340", True),
        (IdKind.RPPS, "10100050075", False), (IdKind.RPPS, "10001288385", False),
        (IdKind.FINESS, "950047225", True), (IdKind.FINESS, "050005917", True),
        (IdKind.FINESS, "810004421", False), (IdKind.FINESS, "000897406", False),
        # Nothing says how a Corsican letter counts.
        (IdKind.FINESS, "2A0000014", True), (IdKind.FINESS, "2B0000015", True),
        # La Poste: its head office by Luhn, its post offices by the sum of five.
        (IdKind.SIRET, "35600000000048", True), (IdKind.SIRET, "35600000049837", True),
        (IdKind.SIRET, "35600000049838", False),
        (IdKind.ADELI, "441234567", True), (IdKind.ACCOUNT, "jdoe", True),
        (IdKind.CABINET, "10002909372001", True),
    ],
)  # fmt: skip
def test_a_check_digit_fits(kind: IdKind, value: str, *, fits: bool) -> None:
    assert check_digit_fits(Known(kind, value)) is fits


@pytest.mark.parametrize(
    ("fields", "doubts"),
    [
        ({"requester_id": "10002909371"}, []),
        ({"requester_id": "10002909372"}, [("requester_id", Kind.CHECK_DIGIT)]),
        ({"requester_id": "950047226"}, [("requester_id", Kind.CHECK_DIGIT)]),
        ({"own_practitioner": "810002909371"}, []),
        ({"own_practitioner": "810100050075"}, [("own_practitioner", Kind.CHECK_DIGIT)]),
        ({}, []),
    ],
)
def test_a_wrong_check_digit_is_a_doubt_and_no_fault(
    fields: dict[str, str], doubts: list[tuple[str, Kind]]
) -> None:
    one = take({**BASE, **fields})
    assert isinstance(one, New)
    assert [(doubt.field, doubt.kind) for doubt in one.warnings] == doubts


def test_an_adeli_behind_its_zero_looks_like_a_phone_and_is_refused() -> None:
    assert fault("nurse", requester_id="0441234567") == ("requester_id", Kind.IDENTIFYING)
    assert referral("nurse", requester_id="441234567").requester.id == "441234567"
    assert referral("nurse", requester_id="02A1234567").requester.id == "2A1234567"


def test_a_house_is_one_house_with_and_without_its_national_prefix() -> None:
    bare, prefixed = (referral(requester_id=text) for text in ("950047225", "1950047225"))
    assert bare == prefixed
    assert bare.requester.id == "950047225"
    assert bare == referral(door={"sender": "1950047225"})


# INS.

NIR = "279035121518989"


@pytest.mark.parametrize("oid", ["8", "9", "10", "11"])
@pytest.mark.parametrize("before", ["urn:oid:", "", "URN:OID:"])
def test_the_four_systems_of_the_ins_are_known(oid: str, before: str) -> None:
    assert is_ins(f"{before}1.2.250.1.213.1.4.{oid}")
    assert not is_ins(f"{before}1.2.250.1.213.1.4.{oid}2")


@pytest.mark.parametrize(
    "written",
    [
        NIR,
        f"urn:oid:1.2.250.1.213.1.4.8|{NIR}",
        f"{NIR}^^^ASIP-SANTE-INS-NIR&1.2.250.1.213.1.4.10&ISO^INS^^20101207",
        f"{NIR}^^^&1.2.250.1.213.1.4.8&ISO",
        f"{NIR}^^^^INS",
    ],
)
def test_an_ins_is_one_person_however_its_system_is_written(written: str) -> None:
    assert bare_ins(written) == NIR
    assert referral(nir=written).patient.key == VAULT.of_nir(NIR)
    assert fault(nir=written, reference=NIR) == ("reference", Kind.IDENTIFYING)


@pytest.mark.parametrize(
    "written",
    [f"urn:oid:1.2.250.1.71.4.2.1|{NIR}", f"{NIR}^^^HOPITAL&1.2.3&ISO^PI", f"{NIR[:-1]}8"],
)
def test_a_number_of_another_system_or_with_a_wrong_key_is_no_ins(written: str) -> None:
    assert fault(nir=written) == ("nir", Kind.BAD_NIR)
