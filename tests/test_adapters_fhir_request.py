"""ServiceRequest and Appointment: which number, which status, who is wanted, how and why."""

from typing import Any

import pytest
from fhir_messages import (
    FINESS,
    G15,
    PATIENT_URL,
    REQUEST_URL,
    RPPS,
    about,
    bundle,
    concept,
    doubts,
    entry,
    fault,
    intakes,
    message,
    one,
    person,
    referral,
    request,
)

from slotengine.adapters import Amend, Cancel, Kind, New, Outcome
from slotengine.codes import BookingStatus, CareLevel, Mode, Priority, Profession
from slotengine.domain import Motive

SCT = "http://snomed.info/sct"
ROLE_CODE = "http://terminology.hl7.org/CodeSystem/v3-RoleCode"
ACT_CODE = "http://terminology.hl7.org/CodeSystem/v3-ActCode"
R38 = "https://mos.esante.gouv.fr/NOS/TRE_R38-SpecialiteOrdinale/FHIR/TRE-R38-SpecialiteOrdinale"
PLACER = {"type": concept("http://terminology.hl7.org/CodeSystem/v2-0203", "PLAC")}
ASSIGNED = {"assigner": {"identifier": FINESS}}


@pytest.mark.parametrize(
    ("identifiers", "reference"),
    [
        ([{"value": "1"}, {"value": "2"}], "1"),
        ([{"use": "secondary", "value": "1"}, {"value": "2"}], "2"),
        ([{"use": "old", "value": "1"}, {"use": "temp", "value": "2"}], "2"),
        ([{"use": "official", "value": "1"}, {"value": "2", **PLACER}], "2"),
        ([{"system": "a"}, {"value": "2"}], "2"),
        ([{"use": "official", "value": "1"}, {"use": "temp", "value": "2", **ASSIGNED}], "2"),
    ],
)
def test_the_requesters_own_number_is_the_reference(identifiers: Any, reference: str) -> None:
    document = about(
        None,
        entry({"resourceType": "Organization", "identifier": [FINESS]}, "urn:uuid:house"),
        identifier=identifiers,
    )
    assert referral(document).reference == reference


def test_without_a_number_the_resource_is_known_by_its_id() -> None:
    assert referral(about(identifier=None, id="r-7")).reference == "r-7"
    assert referral(about(identifier=None)).reference == REQUEST_URL.removeprefix("urn:uuid:")
    field, kind, path = fault(request(identifier=None, status="revoked"))
    assert (field, kind, path) == ("reference", Kind.MISSING, "identifier")


@pytest.mark.parametrize("status", ["revoked", "entered-in-error"])
def test_a_withdrawn_request_is_a_cancel_whoever_knows_it(status: str) -> None:
    cancel = one(request(status=status, subject={"reference": "Patient/unknown"}))
    assert isinstance(cancel, Cancel)
    assert cancel.reference == "H-7"


def test_a_completed_request_is_an_outcome() -> None:
    done = one(request(status="completed"))
    assert isinstance(done, Outcome)
    assert done.outcome is BookingStatus.FULFILLED


@pytest.mark.parametrize(
    ("changes", "kind", "member"),
    [
        ({"status": "draft"}, Kind.NOT_ACTIVE, "status"),
        ({"status": "on-hold"}, Kind.NOT_ACTIVE, "status"),
        ({"status": "unknown"}, Kind.NOT_ACTIVE, "status"),
        ({"status": "inactive"}, Kind.UNKNOWN_CODE, "status"),
        ({"status": None}, Kind.MISSING, "status"),
        ({"intent": "option"}, Kind.NOT_ACTIVE, "intent"),
        ({"doNotPerform": True}, Kind.NOT_ACTIVE, "doNotPerform"),
        ({"priority": "soon"}, Kind.UNKNOWN_CODE, "priority"),
        ({"subject": None}, Kind.MISSING, "subject"),
    ],
)
def test_what_is_not_to_be_acted_upon_is_refused_and_says_where(
    changes: Any, kind: Kind, member: str
) -> None:
    _, found, path = fault(about(**changes))
    assert (found, path) == (kind, f"entry[0].resource.{member}")


@pytest.mark.parametrize("intent", ["proposal", "plan", "order", "filler-order", "new-one", None])
def test_every_other_intent_is_a_request(intent: str | None) -> None:
    assert referral(about(intent=intent, doNotPerform=False)).reference == "H-7"


@pytest.mark.parametrize(
    ("reason", "kind"),
    [("new", New), ("update", Amend), ("delete", Cancel), ("whatever", New)],
)
def test_a_messages_reason_tells_new_from_update(reason: str, kind: type) -> None:
    document = message(entry(request(), REQUEST_URL), entry(person(), PATIENT_URL), reason=reason)
    assert type(one(document)) is kind


def test_a_revoked_request_in_an_update_is_a_cancel() -> None:
    document = message(entry(request(status="revoked"), REQUEST_URL), reason="update")
    assert isinstance(one(document), Cancel)


def test_a_put_that_names_the_version_it_changes_is_an_amendment_and_a_bare_one_is_not() -> None:
    def put(**asked: str) -> Any:
        asked = {"method": "PUT", "url": "ServiceRequest?identifier=H-7", **asked}
        return bundle(
            entry(request(), REQUEST_URL, request=asked),
            entry(person(), PATIENT_URL),
            kind="transaction",
        )

    assert isinstance(one(put()), New)
    assert isinstance(one(put(ifMatch='W/"2"')), Amend)


@pytest.mark.parametrize(
    ("url", "reference"),
    [
        ("ServiceRequest/r-7", "r-7"),
        ("ServiceRequest?identifier=https://a.example|H-7", "H-7"),
        ("https://a.example/fhir/Appointment/r-8", "r-8"),
    ],
)
def test_a_deleted_request_is_a_cancel(url: str, reference: str) -> None:
    cancel = one(bundle({"request": {"method": "DELETE", "url": url}}, kind="transaction"))
    assert isinstance(cancel, Cancel)
    assert cancel.reference == reference


def test_deleting_something_else_is_no_request() -> None:
    gone = {"request": {"method": "DELETE", "url": "Patient/7"}}
    assert fault(bundle(gone, kind="transaction"))[1] is Kind.NOT_A_REFERRAL


def test_what_a_request_replaces_is_withdrawn_after_it_was_accepted() -> None:
    old = {"identifier": {"system": "https://clinique.example/demandes", "value": "H-6"}}
    first, second = intakes(about(replaces=[old, {"reference": "ServiceRequest/never-seen"}]))
    assert isinstance(first, New)
    assert isinstance(second, Cancel)
    assert (first.referral.reference, second.reference) == ("H-7", "H-6")
    assert fault(about(replaces=[old], priority="soon"))[0] == "priority"
    itself = {"identifier": {"value": "H-7"}}
    assert len(intakes(about(replaces=[itself]))) == 1


@pytest.mark.parametrize(
    ("said", "professions", "specialties"),
    [
        (concept(G15, "60"), ["60"], ()),
        (concept("urn:oid:1.2.250.1.71.1.2.7", "70"), ["70"], ()),
        (concept(R38, "SM40"), ["10"], ("SM40",)),
        (concept("urn:oid:1.2.250.1.213.2.28", "SI05"), ["60"], ("SI05",)),
        (concept(R38, "SCD01"), ["40"], ("SCD01",)),
        (concept(SCT, "408443003"), ["10"], ("SM26", "SM53", "SM54")),
        (concept("http://snomed.info/sct/900000000000207008", "36682004"), ["70"], ()),
        (concept("http://nucc.org/provider-taxonomy", "208000000X"), ["10"], ("SM40",)),
        (concept("http://terminology.hl7.org/CodeSystem/practitioner-role", "nurse"), ["60"], ()),
        ({"text": "Kinésithérapie"}, ["70"], ()),
        ({"text": "Médecine générale"}, ["10"], ()),
        (concept("https://own.example", "x1", "Sage-femme"), ["50"], ()),
        ({"coding": [{"system": "https://a.example", "code": "z"}, *concept(G15, "80")["coding"]]},
         ["80"], ()),
        (None, ["10"], ()),
        ({}, ["10"], ()),
    ],
)  # fmt: skip
def test_who_is_wanted_is_read_in_many_systems(
    said: Any, professions: list[str], specialties: tuple[str, ...]
) -> None:
    found = referral(about(performerType=said))
    assert [code.value for code in found.professions] == professions
    assert found.specialties == specialties


@pytest.mark.parametrize(
    "said",
    [
        concept(G15, "26"),
        concept(SCT, "17561000"),
        concept("https://own.example", "10"),
        {"text": "le docteur d'à côté"},
    ],
)
def test_a_profession_that_is_not_understood_is_refused_and_not_guessed(said: Any) -> None:
    field, kind, path = fault(about(performerType=said))
    assert (field.partition("[")[0], kind) == ("professions", Kind.UNKNOWN_CODE)
    assert path == "entry[0].resource.performerType"


def test_the_performers_role_says_who_is_wanted_where_no_type_does() -> None:
    def performed_by(*specialties: Any) -> Any:
        role = {"resourceType": "PractitionerRole", "specialty": list(specialties)}
        return about(None, entry(role, "urn:uuid:role"), performer=[{"reference": "urn:uuid:role"}])

    assert referral(performed_by(concept(R38, "SM40"))).specialties == ("SM40",)
    unknown = performed_by(concept("https://own.example", "7"))
    assert referral(unknown).professions == (Profession.PHYSICIAN,)
    assert doubts(unknown) == [("professions", Kind.UNKNOWN_CODE)]


@pytest.mark.parametrize(
    ("places", "modes"),
    [
        ([concept(ACT_CODE, "HH")], (Mode.HH,)),
        ([concept(ACT_CODE, "VR"), concept(ACT_CODE, "AMB")], (Mode.AMB, Mode.VR)),
        ([concept(ROLE_CODE, "PTRES")], (Mode.HH,)),
        ([concept(SCT, "264362003")], (Mode.HH,)),
        ([{"text": "À domicile"}], (Mode.HH,)),
        (None, (Mode.AMB,)),
    ],
)
def test_where_care_is_wanted_is_read(places: Any, modes: tuple[Mode, ...]) -> None:
    assert referral(about(locationCode=places)).modes == modes


def test_a_place_that_is_none_of_ours_is_doubted() -> None:
    hospital = about(locationCode=[concept(ROLE_CODE, "HOSP")])
    assert referral(hospital).modes == (Mode.AMB,)
    assert doubts(hospital) == [("modes", Kind.UNKNOWN_CODE)]


ICD, CISP = "http://hl7.org/fhir/sid/icd-10", "https://cisp.example"


@pytest.mark.parametrize(
    ("changes", "motive"),
    [
        ({"reasonCode": [concept(ICD, "J02", "Pharyngite")]}, ("J02", ICD, "Pharyngite")),
        ({"reasonCode": [{**concept(ICD, "J02"), "text": "mal de gorge"}]},
         ("J02", ICD, "mal de gorge")),
        ({"code": concept(CISP, "R21")}, ("R21", CISP, "")),
        ({"code": concept(CISP, "R21"), "reasonCode": [concept(ICD, "J02")]}, ("J02", ICD, "")),
        ({"reasonCode": [{"coding": [{"system": ICD, "code": "J02"},
                                     {"system": CISP, "code": "R21", "userSelected": True}]}]},
         ("R21", CISP, "")),
        ({"reasonCode": [{"coding": [{"code": "R21"}]}]}, ("R21", "local", "")),
        # A red flag wins, wherever it stands.
        ({"reasonCode": [concept(ICD, "J02"), concept("hub", "M03.06")]}, ("M03.06", "hub", "")),
        ({"reasonCode": [{"coding": [{"system": ICD, "code": "J02", "userSelected": True},
                                     {"system": "hub", "code": "M03.06"}]}]},
         ("M03.06", "hub", "")),
    ],
)  # fmt: skip
def test_the_reason_comes_before_what_is_ordered_and_the_coding_before_the_text(
    changes: Any, motive: tuple[str, str, str]
) -> None:
    code, system, label = motive
    assert referral(about(**changes)).motive == Motive(code=code, system=system, label=label)


def test_words_without_a_code_are_no_motive() -> None:
    assert referral(about(reasonCode=[{"text": "Zoé a mal à la gorge"}])).motive is None


@pytest.mark.parametrize(
    "label", ["vu avec Mme Voisine", "pour Jeannette", "petite-fille de Paulette", "Nominventé"]
)
def test_a_label_that_names_anybody_of_the_patients_file_is_dropped(label: str) -> None:
    who = person(
        name=[
            {"use": "official", "family": "Nominventé", "given": ["Zoé", "Jeannette"]},
            {"use": "old", "family": "Autrenom"},
        ],
        contact=[{"name": {"family": "Voisine", "given": ["Paulette"]}}],
    )
    found = referral(about(who, reasonCode=[concept(ICD, "J02", label)])).motive
    assert found == Motive(code="J02", system=ICD, label="")


def test_a_diagnosis_referred_to_is_a_reason_and_a_second_reason_is_doubted() -> None:
    condition = {"resourceType": "Condition", "code": concept(ICD, "I50.0")}
    document = about(
        None, entry(condition, "urn:uuid:c"), reasonReference=[{"reference": "urn:uuid:c"}]
    )
    assert referral(document).motive == Motive(code="I50.0", system=ICD)
    both = about(reasonCode=[concept(ICD, "J02"), concept(ICD, "I21")])
    assert doubts(both) == [("motive_code", Kind.PARTLY_READ)]


def test_a_protocol_that_was_followed_is_a_motive_of_its_own() -> None:
    document = about(
        person(birthDate="1996-01-01"),
        requester={"identifier": RPPS},
        reasonCode=[concept("snp-protocol", "odynophagie"), concept(ICD, "J02")],
    )
    found = referral(document, "pharmacy").motive
    assert found is not None
    assert (found.system, found.code) == ("snp-protocol", "odynophagie")


@pytest.mark.parametrize("member", ["category", "orderDetail"])
def test_the_level_of_a_regulation_is_read_from_what_codes_it(member: str) -> None:
    level = [concept("https://hub.example/HubSante.niveauSoin", "R3")]
    assert referral(about(**{member: level}), "samu").care_level is CareLevel.R3
    by_extension = [{"url": "https://hub.example/niveau", "valueCodeableConcept": level[0]}]
    assert referral(about(extension=by_extension), "samu").care_level is CareLevel.R3
    assert fault(about(), "samu")[:2] == ("care_level", Kind.MISSING)


@pytest.mark.parametrize("priority", Priority)
def test_a_priority_keeps_its_word(priority: Priority) -> None:
    assert referral(about(priority=priority.value)).priority is priority
