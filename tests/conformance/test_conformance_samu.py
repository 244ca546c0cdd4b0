"""
Every official message of the Hub Santé is read or refused for the documented reason.

What is expected stands in tables written by hand; the schemas judge what we write.
"""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hubsante_cases import PAYLOADS, doubts, parts
from jsonschema import Draft7Validator
from test_out_hubsante import CPTS, NOTICE, PARIS, REGULATOR, ROLE, ROUTE

from slotengine.adapters import Amend, Cancel, Kind, New, Rejected
from slotengine.adapters.base import Part
from slotengine.adapters.hubsante_codes import MOTIVES
from slotengine.adapters.out_hubsante import appointment, enveloped
from slotengine.codes import Audience, BookingStatus, CareLevel
from slotengine.errors import ReferralFormatError

SAMU = "samu/samples"
LRM = "sas/lrm_messages"
NOT_OURS = ("perimeter", Kind.NOT_UNSCHEDULED)
ELSEWHERE = ("decision", Kind.ORIENTED_ELSEWHERE)
NO_CASE = ("record", Kind.NOT_A_CASE)

EXPECTED: dict[str, list[tuple[str, Kind] | type[Amend | Cancel]]] = {
    # 15-18: no level is in its schema, and a SAMU's referral needs one.
    f"{SAMU}/RC-EDA-DouleurThoracique-PierreLegrand.json": [("care_level", Kind.MISSING)],
    f"{SAMU}/RS-EDA-MAJ_Secondaire_RobertVermande.09.json": [Amend],
    f"{SAMU}/RS-EDA-MAJ_partageDossier_DidierMorel.02.json": [Amend],
    f"{SAMU}/RS-EDA-MAJ_partageDossier_MonsieurX.02a.json": [Amend],
    # A mobile intensive care unit was sent; a transfer from one hospital to another.
    f"{SAMU}/RS-EDA-SMUR_DouleurThoracique_PierreLegrand.01.json": [ELSEWHERE],
    f"{SAMU}/RS-EDA_Secondaire_RobertVermande.01.json": [ELSEWHERE],
    # Emergency care (AMU), or no perimeter at all, and nobody oriented; two children in one.
    f"{SAMU}/RS-EDA_partageDossier_DidierMorel.01a.json": [NOT_OURS],
    f"{SAMU}/RS-EDA_partageDossier_EnfantsNguyen.01.json": [NOT_OURS, NOT_OURS],
    f"{SAMU}/RS-EDA_partageDossier_MonsieurX.01.json": [NOT_OURS],
    # Messages to a SAMU, its acknowledgement and the hub's errors hold no case.
    f"{SAMU}/RS-SAS-RDV_appointment_CDS.01.json": [NO_CASE],
    f"{SAMU}/RS-SAS-RDV_appointment_PS.01-MAJ.json": [NO_CASE],
    f"{SAMU}/RS-SAS-RDV_appointment_PS.01.json": [NO_CASE],
    f"{SAMU}/RS-SAS-RDV_appointment_SOS.01.json": [NO_CASE],
    **{f"{LRM}/lrm_0{number}.json": [NO_CASE] for number in (1, 2, 3, 4, 6, 7, 8)},
}
UNREADABLE = {f"{LRM}/lrm_05.invalid.txt": Kind.BROKEN_JSON}
"""Its comments are no JSON."""

CARE = {"perimeter": "SNP"}
LEVEL = {"careLevel": "R3"}


def everything(conformance: Path) -> dict[str, bytes]:
    return {
        path.relative_to(conformance).as_posix(): path.read_bytes()
        for folder in (SAMU, LRM)
        for path in sorted((conformance / folder).iterdir())
    }


def said(part: Part) -> tuple[str, Kind] | type[object]:
    intake = part.intake
    return (intake.field, intake.kind) if isinstance(intake, Rejected) else type(intake)


def schema(conformance: Path, name: str) -> Draft7Validator:
    path = conformance / "samu" / "schemas" / f"{name}.schema.json"
    return Draft7Validator(json.loads(path.read_text(encoding="utf-8")))


def faults(validator: Draft7Validator, document: object) -> list[str]:
    return [error.message for error in validator.iter_errors(document)]


def sample(conformance: Path, name: str) -> dict[str, Any]:
    text = (conformance / SAMU / name).read_text(encoding="utf-8")
    found: dict[str, Any] = json.loads(text)
    return found


def made_ours(document: dict[str, Any]) -> dict[str, Any]:
    """Gives an official case as if a regulator had found it to be unscheduled care."""
    case = document["createCaseHealth"]
    case["perimeter"] = "SNP"
    case.pop("decision", None)
    case["qualification"].setdefault("details", {})["careLevel"] = "R3"
    return document


def test_the_tables_name_every_file_and_no_other(conformance: Path) -> None:
    assert {*everything(conformance)} == {*EXPECTED, *UNREADABLE}


def test_every_message_is_read_or_refused_for_its_reason(conformance: Path) -> None:
    found = {
        name: [said(part) for part in parts(payload)]
        for name, payload in everything(conformance).items()
        if name not in UNREADABLE
    }
    assert found == EXPECTED


def test_every_message_is_read_the_same_by_its_own_format(conformance: Path) -> None:
    for name, payload in everything(conformance).items():
        if name in EXPECTED:
            assert [said(part) for part in parts(payload, format="hubsante")] == EXPECTED[name]


def test_what_is_no_json_is_refused_as_a_whole(conformance: Path) -> None:
    for name, kind in UNREADABLE.items():
        with pytest.raises(ReferralFormatError) as caught:
            parts((conformance / name).read_bytes())
        assert caught.value.kind == kind


def test_no_message_shows_anybodys_name(conformance: Path) -> None:
    names = ("Morel", "MOREL", "Nguyen", "Bernardi", "Vermande", "Legrand", "1963-12-12")
    for name in EXPECTED:
        for part in parts((conformance / name).read_bytes()):
            shown = f"{part!r}{part.intake.model_dump_json()}"
            assert not any(word in shown for word in names), name


@pytest.mark.parametrize(
    ("name", "ages", "doubted"),
    [
        # A postcode (77360) where the code of the commune (77479) should stand.
        ("RS-EDA_partageDossier_DidierMorel.01a.json", [65], [{"insee"}]),
        # An age of 21 months beside birth dates of 2021 and 2017.
        ("RS-EDA_partageDossier_EnfantsNguyen.01.json", [2, 6], [{"age"}, {"age"}]),
        ("RS-EDA_partageDossier_MonsieurX.01.json", [80], [set()]),
        ("RS-EDA_Secondaire_RobertVermande.01.json", [57], [set()]),
        # A motive outside the list.
        ("RS-EDA-SMUR_DouleurThoracique_PierreLegrand.01.json", [55], [{"motive_code"}]),
    ],
)
def test_the_traps_of_official_cases_are_doubts(
    conformance: Path, name: str, ages: list[int], doubted: list[set[str]]
) -> None:
    read = [part.intake for part in parts(made_ours(sample(conformance, name)))]
    assert [each.referral.patient.age for each in read if isinstance(each, New)] == ages
    assert [{field for field, _ in doubts(each)} for each in read] == doubted


def test_an_official_update_raises_the_level_and_leaves_the_rest(conformance: Path) -> None:
    first = parts(made_ours(sample(conformance, "RS-EDA_partageDossier_MonsieurX.01.json")))
    update = parts(sample(conformance, "RS-EDA-MAJ_partageDossier_MonsieurX.02a.json"))
    new, amend = first[0].intake, update[0].intake
    assert isinstance(new, New)
    assert isinstance(amend, Amend)
    assert amend.referral.id == new.referral.id
    assert amend.onto(new.referral) == new.referral.replaced(care_level=CareLevel.R2)


def test_an_official_case_that_closes_by_itself_takes_nothing_away(conformance: Path) -> None:
    first = parts(made_ours(sample(conformance, "RS-EDA_Secondaire_RobertVermande.01.json")))
    (end,) = parts(sample(conformance, "RS-EDA-MAJ_Secondaire_RobertVermande.09.json"))
    assert isinstance(first[0].intake, New)
    assert isinstance(end.intake, Amend)
    assert end.intake.onto(first[0].intake.referral) == first[0].intake.referral


def test_an_official_update_about_a_second_patient_is_of_another_referral(
    conformance: Path,
) -> None:
    first = parts(made_ours(sample(conformance, "RS-EDA_partageDossier_DidierMorel.01a.json")))
    (second,) = parts(sample(conformance, "RS-EDA-MAJ_partageDossier_DidierMorel.02.json"))
    assert isinstance(first[0].intake, New)
    assert isinstance(second.intake, Amend)
    assert second.intake.referral.id != first[0].intake.referral.id


def test_our_list_of_motives_is_the_official_one(conformance: Path) -> None:
    path = conformance / "samu" / "nomenclatures" / "HubSante.motif.csv"
    rows = path.read_text(encoding="utf-8").splitlines()
    official = {
        cells[1]
        for cells in (row.split(",") for row in rows[1:])
        if cells[1:2] and cells[0].isdigit()
    }
    assert {*MOTIVES} == official


@pytest.mark.parametrize(
    ("name", "root", "schema_name"),
    [
        ("case_oriented_to_a_practice.json", "createCaseHealth", "RS-EDA"),
        ("case_of_two_children.json", "createCaseHealth", "RS-EDA"),
        ("update_of_the_level.json", "createCaseHealthUpdate", "RS-EDA-MAJ"),
        ("update_that_ends.json", "createCaseHealthUpdate", "RS-EDA-MAJ"),
        ("alert_of_a_fire_brigade.json", "createCase", "RC-EDA"),
    ],
)
def test_our_own_payloads_are_what_the_schemas_allow(
    conformance: Path, name: str, root: str, schema_name: str
) -> None:
    whole = json.loads((PAYLOADS / name).read_text(encoding="utf-8"))
    if "content" in whole:
        assert faults(schema(conformance, "EDXL-DE-envelope-only"), whole) == []
        whole = whole["content"][0]["jsonContent"]["embeddedJsonContent"]["message"]
        assert faults(schema(conformance, "RC-DE"), whole) == []
    assert faults(schema(conformance, schema_name), whole[root]) == []


@pytest.mark.parametrize("status", list(BookingStatus))
@pytest.mark.parametrize("practitioner", ["10002909371", "d1"])
@pytest.mark.parametrize("sequence", [1, 2])
def test_what_we_write_is_what_the_schemas_allow(
    conformance: Path, status: BookingStatus, practitioner: str, sequence: int
) -> None:
    notice = NOTICE.replaced(
        status=status,
        practitioner=practitioner,
        sequence=sequence,
        audiences=(Audience.CPTS,),
    )
    message = appointment(notice, REGULATOR, zone=PARIS, role=ROLE, structure=CPTS)
    assert faults(schema(conformance, "RS-SAS-RDV"), message["appointment"]) == []
    now = datetime(2026, 11, 23, 8, 1, tzinfo=UTC)
    whole: dict[str, Any] = enveloped(message, notice, ROUTE, now=now, zone=PARIS)
    assert faults(schema(conformance, "EDXL-DE-envelope-only"), whole) == []
    inner = whole["content"][0]["jsonContent"]["embeddedJsonContent"]["message"]
    assert faults(schema(conformance, "RC-DE"), inner) == []


def test_the_schemas_refuse_what_we_take_care_not_to_write(conformance: Path) -> None:
    validator = schema(conformance, "RS-SAS-RDV")
    good: Any = appointment(NOTICE, REGULATOR, zone=PARIS, role=ROLE)["appointment"]
    for name, bad in (
        ("start", "2026-11-23T14:10:00.000+01:00"),
        ("start", "2026-11-23T13:10:00Z"),
        ("status", "confirmed"),
        ("method", "createAppointment"),
    ):
        assert faults(validator, {**good, name: bad})
    assert faults(validator, {**good, "practitioner": {**good["practitioner"], "rppsId": "8000"}})


def shape(value: object) -> object:
    if isinstance(value, dict):
        return {name: shape(inner) for name, inner in sorted(value.items())}
    return [shape(inner) for inner in value] if isinstance(value, list) else type(value).__name__


def test_our_message_has_the_shape_of_the_official_one(conformance: Path) -> None:
    from builders import practitioner

    official = json.loads((conformance / LRM / "lrm_04.json").read_text(encoding="utf-8"))
    bare = sample(conformance, "RS-SAS-RDV_appointment_PS.01.json")
    doctor = practitioner("10002909371", specialties=("SM54",))
    message = appointment(NOTICE, REGULATOR, zone=PARIS, role=ROLE, practitioner=doctor)
    assert shape(message) == shape(bare)
    now = datetime(2026, 11, 23, 8, 1, tzinfo=UTC)
    ours: Any = enveloped(message, NOTICE, ROUTE, now=now, zone=PARIS)
    # The official one leaves out the regulator, whom its own schema requires.
    inner = ours["content"][0]["jsonContent"]["embeddedJsonContent"]["message"]
    del inner["appointment"]["regulator"]
    assert shape(ours) == shape(official)
