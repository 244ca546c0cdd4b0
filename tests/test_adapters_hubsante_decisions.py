"""Whose care a case asks for: perimeter, decisions and what they name."""

from typing import Any

import pytest
from hubsante_cases import ORIENTED, PATIENT, case, fault, referral

from slotengine.adapters import Kind
from slotengine.codes import Mode, Profession

AMU = {"perimeter": "AMU"}
ELSEWHERE, ADVICE = Kind.ORIENTED_ELSEWHERE, Kind.ADVICE_ONLY


def decision(at: str = "08:40:00", **members: Any) -> dict[str, Any]:
    said = {"creation": f"2026-11-23T{at}+01:00", "operator": {"role": "MEDECIN"}, **members}
    return {name: value for name, value in said.items() if value is not None}


def oriented(where: str | None = "CABINET", who: str | None = None, **members: Any) -> Any:
    return decision(decisionType="ORIENT", orientationType=where, resourceType=who, **members)


@pytest.mark.parametrize("perimeter", ["AMU", "NEONAT", "PSY", None, "snp"])
def test_another_perimeter_without_a_decision_is_not_ours(perimeter: str | None) -> None:
    assert fault(case(perimeter=perimeter)) == (
        "perimeter", Kind.NOT_UNSCHEDULED, "createCaseHealth.perimeter",
    )  # fmt: skip


@pytest.mark.parametrize("perimeter", ["AMU", "SNP", None])
def test_an_orientation_to_a_practice_is_ours_whatever_the_perimeter(perimeter: str | None) -> None:
    said = referral(case(perimeter=perimeter, decision=[ORIENTED]))
    assert (said.professions, said.modes) == ((Profession.PHYSICIAN,), (Mode.AMB,))


@pytest.mark.parametrize(
    ("who", "profession"),
    [
        ("LIBERAL", Profession.PHYSICIAN), ("LIBERAL.MG", Profession.PHYSICIAN),
        ("LIBERAL.MSPD", Profession.PHYSICIAN), ("LIBERAL.SPEMED", Profession.PHYSICIAN),
        ("LIBERAL.INF", Profession.NURSE), ("LIBERAL.KINE", Profession.PHYSIOTHERAPIST),
        ("LIBERAL.PHARM", Profession.PHARMACIST), ("LIBERAL.DENT", Profession.DENTIST),
        (None, Profession.PHYSICIAN), ("TSU", Profession.PHYSICIAN),
    ],
)  # fmt: skip
def test_who_gives_care_is_the_profession(who: str | None, profession: Profession) -> None:
    assert referral(case(decision=[oriented("CABINET", who)])).professions == (profession,)


@pytest.mark.parametrize("who", ["LIBERAL.SOS", "LIBERAL.MMG", "LIBERAL.MCS", "LIBERAL.LABO",
                                 "LIBERAL.AUTREPRO", "SMUR", "HOSPIT", "SIS.SP"])  # fmt: skip
def test_who_is_called_by_name_or_gives_no_slots_is_elsewhere(who: str) -> None:
    assert fault(case(decision=[oriented("CABINET", who)])) == (
        "decision", ELSEWHERE, "createCaseHealth.decision[0].resourceType",
    )  # fmt: skip


@pytest.mark.parametrize("where", ["URGENCES", "REA-USI", "SANTE", "AUTRE"])
def test_a_hospital_is_elsewhere(where: str) -> None:
    assert fault(case(decision=[oriented(where)])) == (
        "decision", ELSEWHERE, "createCaseHealth.decision[0].orientationType",
    )  # fmt: skip


@pytest.mark.parametrize("where", ["DOMICILE", "EPHAD"])
def test_home_with_somebody_who_comes_is_a_visit(where: str) -> None:
    said = referral(case(**AMU, decision=[oriented(where, "LIBERAL.INF")]))
    assert (said.professions, said.modes) == ((Profession.NURSE,), (Mode.HH,))


def test_home_with_nobody_is_a_visit_in_unscheduled_care_only() -> None:
    assert referral(case(decision=[oriented("DOMICILE")])).modes == (Mode.HH,)
    assert fault(case(**AMU, decision=[oriented("DOMICILE")]))[1] is ELSEWHERE
    assert fault(case(decision=[oriented("DOMICILE", "TSU")]))[1] is ELSEWHERE


@pytest.mark.parametrize("where", ["AUTRE", None])
def test_elsewhere_unnamed_is_ours_when_who_gives_care_is_named(where: str | None) -> None:
    said = referral(case(decision=[oriented(where, "LIBERAL.KINE")]))
    assert (said.professions, said.modes) == ((Profession.PHYSIOTHERAPIST,), (Mode.AMB,))
    assert fault(case(decision=[oriented(where)]))[1] is ELSEWHERE


def test_a_doctor_who_is_sent_comes_home_and_an_ambulance_is_elsewhere() -> None:
    sent = decision(decisionType="INTER", resourceType="LIBERAL.MG")
    assert referral(case(**AMU, decision=[sent])).modes == (Mode.HH,)
    for who in ("SMUR", "TSU", None):
        carried = decision(decisionType="INTER", resourceType=who)
        assert fault(case(**AMU, decision=[carried]))[1] is ELSEWHERE


@pytest.mark.parametrize("kind", ["CONSEIL", "PMT", "PASPLUS"])
def test_advice_alone_asks_for_nothing(kind: str) -> None:
    assert fault(case(decision=[decision(decisionType=kind)])) == (
        "decision", ADVICE, "createCaseHealth.decision",
    )  # fmt: skip


@pytest.mark.parametrize("at", ["08:30:00", "08:50:00"])
def test_advice_beside_an_orientation_is_advice_for_the_way(at: str) -> None:
    advice = decision(at, decisionType="CONSEIL")
    assert referral(case(decision=[ORIENTED, advice])).modes == (Mode.AMB,)


def test_the_last_decision_that_moves_somebody_counts_whatever_the_order() -> None:
    early, late = "08:35:00", "08:50:00"
    for both in (
        [oriented("URGENCES", creation=f"2026-11-23T{late}+01:00"), ORIENTED],
        [ORIENTED, oriented("URGENCES", creation=f"2026-11-23T{late}+01:00")],
    ):
        assert fault(case(decision=both))[1] is ELSEWHERE
    first_hospital = [ORIENTED, oriented("URGENCES", creation=f"2026-11-23T{early}+01:00")]
    assert referral(case(decision=first_hospital)).modes == (Mode.AMB,)


def test_of_two_written_at_once_the_later_in_the_list_counts() -> None:
    assert fault(case(decision=[oriented("CABINET"), oriented("URGENCES")]))[1] is ELSEWHERE
    assert referral(case(decision=[oriented("URGENCES"), oriented("CABINET")])).modes == (Mode.AMB,)


def test_times_are_compared_across_offsets_and_an_unreadable_one_is_the_oldest() -> None:
    later = oriented("URGENCES", creation="2026-11-23T07:50:00Z")
    assert fault(case(decision=[later, ORIENTED]))[1] is ELSEWHERE
    for odd in ("soon", None, "2026-11-23T09:50:00"):
        unread = oriented("URGENCES", creation=odd)
        assert referral(case(decision=[ORIENTED, unread])).modes == (Mode.AMB,)


def test_a_decision_about_another_patient_is_not_read() -> None:
    other = oriented("URGENCES", patientId=f"{PATIENT}.2")
    assert referral(case(decision=[ORIENTED, other])).modes == (Mode.AMB,)
    own = oriented("URGENCES", patientId=f"{PATIENT}.1")
    assert fault(case(decision=[ORIENTED, own]))[1] is ELSEWHERE


def test_an_unknown_decision_is_none() -> None:
    assert referral(case(decision=[decision(decisionType="NEW-WORD")])).modes == (Mode.AMB,)
    assert fault(case(**AMU, decision=[decision(decisionType="NEW-WORD")]))[0] == "perimeter"


def test_a_single_decision_without_its_list_is_read() -> None:
    assert referral(case(**AMU, decision=ORIENTED)).modes == (Mode.AMB,)


def test_200_decisions_are_read_and_one_more_is_refused() -> None:
    assert referral(case(decision=[ORIENTED] * 200)).modes == (Mode.AMB,)
    assert fault(case(decision=[ORIENTED] * 201)) == (
        "record", Kind.TOO_MANY, "createCaseHealth.decision",
    )  # fmt: skip
