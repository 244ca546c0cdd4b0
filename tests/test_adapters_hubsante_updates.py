"""Updates, ends and several patients of a case: which referral is meant, and what changes."""

from typing import Any

import pytest
from builders import NOW
from builders import referral as built
from hubsante_cases import (
    CASE_ID,
    ORIENTED,
    PATIENT,
    PAYLOADS,
    amend,
    case,
    fault,
    one,
    parts,
    referral,
    update,
    wrapped,
)

from slotengine.adapters import Cancel, Kind, New, Rejected
from slotengine.codes import CareLevel, Mode, Priority, Profession, SourceKind
from slotengine.engine import Engine
from slotengine.policy import Policy

FIRST, SECOND = f"{PATIENT}.1", f"{PATIENT}.2"


def patient(number: str, **members: Any) -> dict[str, Any]:
    return {"patientId": number, **members}


def references(document: object) -> list[str]:
    return [
        said.intake.reference if isinstance(said.intake, Cancel) else said.intake.referral.reference
        for said in parts(document)
        if not isinstance(said.intake, Rejected)
    ]


# Which referral is meant.


def test_each_patient_of_a_case_is_a_referral_with_a_reference_of_its_own() -> None:
    both = case(patient=[patient(FIRST), patient(SECOND)])
    assert references(both) == [CASE_ID, f"{CASE_ID}/2"]
    keys = {part.intake.referral.patient.key for part in parts(both)}  # type: ignore[union-attr]  # both are New
    assert len(keys) == 2


@pytest.mark.parametrize("number", [FIRST, SECOND, f"{PATIENT}.12"])
def test_a_patient_alone_has_the_reference_that_they_have_among_others(number: str) -> None:
    among = case(patient=[patient(FIRST), patient(SECOND), patient(f"{PATIENT}.12")])
    at = [FIRST, SECOND, f"{PATIENT}.12"].index(number)
    alone = references(update(patient=[patient(number)]))
    assert alone == [references(among)[at]]


def test_a_patient_whose_number_is_not_the_cases_keeps_the_cases_own_when_alone() -> None:
    stranger = "fr.health.samu450.patient.68263"
    assert references(case(patient=[patient(stranger)])) == [CASE_ID]
    other = "fr.health.samu450.patient.68264"
    both = references(case(patient=[patient(stranger), patient(other)]))
    assert both == [f"{CASE_ID}/68263", f"{CASE_ID}/68264"]


def test_an_update_of_another_patient_never_reaches_the_first_ones_referral() -> None:
    """As in the official sample that adds a second victim to a case."""
    second = amend(update(patient=[patient(SECOND, detail={"age": "P60Y"})]))
    assert second.referral.reference == f"{CASE_ID}/2"


def test_several_patients_who_cannot_be_told_apart_are_refused() -> None:
    twice = parts(case(patient=[patient(FIRST), patient(FIRST)]))
    assert isinstance(twice[0].intake, New)
    assert (twice[1].intake.field, twice[1].intake.kind) == ("patient_id", Kind.DUPLICATE_FIELD)
    nameless = parts(case(patient=[patient(FIRST), {"detail": {"age": "P5Y"}}]))
    assert (nameless[1].intake.field, nameless[1].intake.kind) == ("patient_id", Kind.MISSING)
    assert nameless[1].intake.path == "createCaseHealth.patient[1].patientId"


def test_one_patients_fault_does_not_sink_the_other() -> None:
    first, second = parts(case(patient=[patient(FIRST, detail={"age": "PXY"}), patient(SECOND)]))
    assert (first.intake.record, first.intake.field) == (1, "age")
    assert isinstance(second.intake, New)


# What an update says.


def test_an_update_says_only_what_it_holds() -> None:
    said = amend(update(qualification={"details": {"careLevel": "R2", "priority": "P3"}}))
    assert said.only == ("care_level", "priority")
    stored = referral(case())
    now = said.onto(stored)
    assert (now.care_level, now.priority) == (CareLevel.R2, Priority.ROUTINE)
    assert (now.motive, now.patient, now.modes) == (stored.motive, stored.patient, stored.modes)
    assert now.received_at == stored.received_at


def test_an_update_of_a_patient_changes_that_of_the_patient_only() -> None:
    said = amend(
        update(
            patient=[
                patient(
                    FIRST,
                    detail={"age": "P66Y"},
                    identity={"nonStrictFeatures": {"lastName": "Exemple", "firstName": "Zoé"}},
                )
            ]
        )
    )
    assert said.only == ("patient.age",)
    stored = referral(case())
    now = said.onto(stored)
    assert now.patient == stored.patient.replaced(age=66)


def test_an_update_with_an_orientation_says_who_and_how() -> None:
    home = {**ORIENTED, "orientationType": "DOMICILE", "resourceType": "LIBERAL.INF"}
    said = amend(update(decision=[home]))
    assert said.only == ("modes", "professions")
    now = said.onto(referral(case()))
    assert (now.professions, now.modes) == ((Profession.NURSE,), (Mode.HH,))


def test_an_update_of_notes_only_changes_nothing() -> None:
    said = amend(update(freetext="x", medicalNote=[{"freetext": "y"}]))
    stored = referral(case())
    assert said.only == ()
    assert said.onto(stored) == stored


def test_another_priority_asks_for_another_deadline() -> None:
    stored = built(source=SourceKind.SAMU, deadline=NOW, priority=Priority.URGENT)
    raised = amend(update(qualification={"details": {"priority": "P0"}})).onto(stored)
    assert (raised.priority, raised.deadline) == (Priority.ASAP, None)
    same = amend(update(qualification={"details": {"priority": "P2"}})).onto(stored)
    assert same.deadline == NOW


def test_a_whole_case_sent_as_an_update_replaces_everything() -> None:
    said = amend(wrapped(case(patient__0__detail__age="P70Y"), kind="Update"))
    assert said.only is None
    assert said.onto(referral(case())).patient.age == 70


def test_an_update_out_of_our_perimeter_is_refused_unless_it_says_a_level() -> None:
    assert fault(update(perimeter="AMU"))[:2] == ("perimeter", Kind.NOT_UNSCHEDULED)
    assert amend(update(perimeter="SNP")).only == ()
    worse = update(perimeter="AMU", qualification={"details": {"careLevel": "R1"}})
    assert amend(worse).referral.care_level is CareLevel.R1


def test_a_level_of_advice_alone_does_not_end_a_referral() -> None:
    said = amend(update(qualification={"details": {"careLevel": "R4"}}))
    assert said.only == ("care_level",)


# What ends one.


@pytest.mark.parametrize("kind", ["CONSEIL", "PMT", "PASPLUS"])
def test_advice_ends_a_case_that_is_sent_whole_and_nothing_in_an_update(kind: str) -> None:
    # An update may hold what is new only: advice beside an appointment takes nothing back.
    advice = {"creation": "2026-11-23T09:00:00+01:00", "decisionType": kind}
    assert amend(update(decision=[advice])).only == ()
    assert isinstance(one(wrapped(case(decision=[advice]), kind="Update")), Cancel)
    assert not isinstance(one(wrapped(case(decision=[advice, ORIENTED]), kind="Update")), Cancel)


def test_an_orientation_elsewhere_cancels_in_an_update_and_is_refused_at_first() -> None:
    hospital = {**ORIENTED, "orientationType": "URGENCES", "resourceType": None}
    assert isinstance(one(update(decision=[hospital])), Cancel)
    assert isinstance(one(wrapped(case(decision=[hospital]), kind="Update")), Cancel)
    assert fault(case(decision=[hospital]))[1] is Kind.ORIENTED_ELSEWHERE


STATES = ["PROGRAM", "ACTIF", "ACHEVE", "VALIDE", "CLOTURE", "CLASSE", "ARCHIVE"]


@pytest.mark.parametrize("status", STATES)
def test_no_state_of_a_case_takes_an_appointment_away(status: str) -> None:
    # It closes by itself a day after it began; who is to be seen tomorrow is still to be seen.
    assert amend(update(qualification={"details": {"status": status}})).only == ()
    assert not isinstance(one(case(qualification__details__status=status)), Cancel)


def test_a_message_of_the_kind_cancel_cancels_each_patient_it_lists() -> None:
    both = case(patient=[patient(FIRST), patient(SECOND)])
    ended = parts(wrapped(both, kind="Cancel"))
    assert all(isinstance(part.intake, Cancel) for part in ended)
    assert references(wrapped(both, kind="Cancel")) == [CASE_ID, f"{CASE_ID}/2"]
    assert references(wrapped(update(), kind="Cancel")) == [CASE_ID]


# Through the engine.


def taken(engine: Engine, name: str) -> list[tuple[str, str | None]]:
    intakes = [part.intake for part in parts((PAYLOADS / name).read_bytes())]
    return [
        (answer.outcome, answer.receipt.state if answer.receipt else None)
        for answer in engine.receive(intakes, now=NOW)
    ]


def test_the_engine_takes_a_case_its_update_and_its_end() -> None:
    with Engine.open("sqlite://") as engine:
        engine.set_policy(Policy(territory="giennois"), now=NOW)
        assert taken(engine, "case_oriented_to_a_practice.json") == [("applied", "received")]
        before = engine.referral(referral(case()).id)
        assert taken(engine, "case_oriented_to_a_practice.json") == [("repeated", "received")]
        assert taken(engine, "update_of_the_level.json") == [("applied", "refused")]
        after = engine.referral(before.id)
        assert (after.care_level, after.patient.location) == ("R2", before.patient.location)
        assert after.motive == before.motive


def test_an_end_that_comes_before_its_case_is_kept_for_it() -> None:
    with Engine.open("sqlite://") as engine:
        engine.set_policy(Policy(territory="giennois"), now=NOW)
        assert taken(engine, "update_that_ends.json") == [("kept", None)]
        taken(engine, "case_oriented_to_a_practice.json")
        assert engine.referral(referral(case()).id).state == "closed"
