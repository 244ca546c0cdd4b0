"""The six protocols: who may act under them, for whom, and how they are written."""

import pytest
from records import BASE, fault, referral, take

from slotengine.adapters import PROFILES, Kind, New
from slotengine.adapters.protocols import SNP_PROTOCOLS, protocol_of
from slotengine.codes import Sex, SourceKind
from slotengine.domain import Motive

COUNTER = {SourceKind.PHARMACY, SourceKind.NURSE}
HAND = {SourceKind.PHYSIOTHERAPIST}

SAID = {
    "odynophagie": (COUNTER, 6, 45, None),
    "pollakiurie": (COUNTER, 16, 65, Sex.FEMALE),
    "rhinoconjonctivite": (COUNTER, 15, 50, None),
    "eruption-vesiculeuse": (COUNTER, 1, 12, None),
    "cheville": (HAND, 18, 55, None),
    "lombalgie": (HAND, 20, 55, None),
}


def test_the_six_protocols_are_those_of_the_texts() -> None:
    assert {
        one.code: (set(one.sources), one.min_age, one.max_age, one.sex) for one in SNP_PROTOCOLS
    } == SAID


CASES = [(one.code, source) for one in SNP_PROTOCOLS for source in SourceKind]


@pytest.mark.parametrize(("code", "source"), CASES)
def test_a_protocol_is_taken_from_those_who_may_act_under_it(code: str, source: SourceKind) -> None:
    who, low, *_ = SAID[code]
    fields = {
        "protocol": code, "age": low, "sex": "F", "niveau_soin": "R3", "profession": "10",
        "requester_id": "account-1",
    }  # fmt: skip
    if source in who:
        found = referral(source.value, **fields).motive
        assert found == Motive(system="snp-protocol", code=code)
    else:
        assert fault(source.value, **fields) == ("protocol", Kind.NOT_ALLOWED)
    assert (code in PROFILES[source].protocols) == (source in who)


@pytest.mark.parametrize("code", SAID)
@pytest.mark.parametrize("step", [-1, 0, 1])
def test_its_ages_belong_to_it_and_the_next_ones_do_not(code: str, step: int) -> None:
    who, low, high, _ = SAID[code]
    source = min(who).value
    for edge, inside in ((low, step >= 0), (high, step <= 0)):
        fields = {"protocole": code, "age": edge + step, "sexe": "femme"}
        if inside:
            assert referral(source, **fields).motive == Motive(system="snp-protocol", code=code)
        else:
            assert fault(source, **fields) == ("protocol", Kind.OUTSIDE_PROTOCOL)


@pytest.mark.parametrize(
    ("sex", "taken"), [("F", True), ("", True), ("inconnu", True), ("M", False), ("autre", False)]
)
def test_cystitis_is_of_women_and_an_unknown_sex_excludes_nobody(sex: str, *, taken: bool) -> None:
    one = take({**BASE, "protocol": "cystite", "age": 30, "sex": sex})
    assert isinstance(one, New) is taken
    assert isinstance(take({**BASE, "protocol": "angine", "age": 30, "sex": sex}), New)


def test_an_age_that_nobody_said_excludes_nobody() -> None:
    assert referral(protocol="odynophagie").motive == Motive(
        system="snp-protocol", code="odynophagie"
    )


def test_the_age_is_that_of_the_birth_date() -> None:
    # 46 years old on 23 November 2026, whatever else is said.
    fields = {"protocol": "odynophagie", "birth_date": "1980-11-23", "age": 45}
    assert fault(**fields) == ("protocol", Kind.OUTSIDE_PROTOCOL)
    assert referral(**{**fields, "birth_date": "1980-11-24"}).motive is not None


@pytest.mark.parametrize(
    ("written", "code"),
    [
        ("Odynophagie", "odynophagie"), ("MAL DE GORGE", "odynophagie"),
        ("sore throat", "odynophagie"), ("brûlures mictionnelles", "pollakiurie"),
        ("Pollakiurie et brûlures mictionnelles", "pollakiurie"),
        ("Rhino-conjonctivite allergique saisonnière", "rhinoconjonctivite"),
        ("varicelle", "eruption-vesiculeuse"), ("eruption vesiculeuse", "eruption-vesiculeuse"),
        ("Entorse de la cheville", "cheville"),
        ("Traumatisme en torsion de la cheville", "cheville"),
        ("lombalgie aigüe", "lombalgie"), ("acute low back pain", "lombalgie"),
    ],
)  # fmt: skip
def test_a_protocol_is_known_by_code_and_by_words_of_two_languages(written: str, code: str) -> None:
    found = protocol_of(written)
    assert found is not None
    assert found.code == code


@pytest.mark.parametrize(
    "header", ["protocol", "Protocole", "SNP protocol", "Protocole SNP", "protocole de coopération"]
)
def test_its_column_has_names_in_two_languages(header: str) -> None:
    assert referral(**{header: "angine"}).motive == Motive(
        system="snp-protocol", code="odynophagie"
    )


def test_an_unknown_protocol_is_refused() -> None:
    assert fault(protocol="vaccination") == ("protocol", Kind.UNKNOWN_CODE)


def test_a_protocol_may_come_as_the_motives_code_system() -> None:
    as_code = {"motive_system": "snp-protocol", "motive_code": "odynophagie", "age": 20}
    assert referral(**as_code).motive == Motive(system="snp-protocol", code="odynophagie")
    assert fault("midwife", **as_code) == ("motive_code", Kind.NOT_ALLOWED)
    assert fault(**{**as_code, "age": 50}) == ("motive_code", Kind.OUTSIDE_PROTOCOL)
    assert fault(**{**as_code, "motive_code": "M-1"}) == ("motive_code", Kind.UNKNOWN_CODE)


def test_a_protocol_comes_before_a_code_and_keeps_a_harmless_label() -> None:
    both = {"protocol": "angine", "motive_code": "M-1", "motif": "Gorge rouge"}
    assert referral(**both).motive == Motive(
        system="snp-protocol", code="odynophagie", label="Gorge rouge"
    )
    assert referral(motive_code="M-1").motive == Motive(system="local", code="M-1")
