"""Every row of the national platform's requirements, by its id; each test's name says which."""

import csv
import re
import sys
from pathlib import Path
from typing import Any

import pytest
from builders import NOW, referral
from profiles import Profiles
from sas_world import (
    DOCTOR,
    EVERYONE,
    OTHER,
    PS_INCLUDES,
    Caller,
    Doors,
    open_engine,
    question,
    resources,
)

from slotengine.adapters import sas_urls as url
from slotengine.codes import Audience, Mode, SourceKind
from slotengine.domain import Requester
from slotengine.serving_app import app
from slotengine.serving_auth import ForwardedCertificate
from slotengine.serving_names import Subject

PROXY_ROWS = {1, 2, 3}
"""Mutual TLS: the reverse proxy's, which asks for a certificate; its headers are checked here."""

SUBJECT = "CN=sas.example,OU=318751275100020,O=ANS,C=FR"
DATE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+0\d:00")


@pytest.fixture(scope="session")
def profiles(conformance: Path) -> Profiles:
    return Profiles(conformance / "sas")


@pytest.fixture(scope="module")
def doors() -> Doors:
    """Two doctors, one of them at two places; every class of slots and every mode."""
    doors = Doors.open()
    doors.publish("a", after_minutes=60, audiences=EVERYONE, modes=(Mode.AMB,))
    doors.publish("b", after_minutes=120, audiences=(Audience.PRO,), modes=(Mode.HH,))
    doors.publish(
        "c", site="s2", after_minutes=200, audiences=(Audience.SNP,), modes=(Mode.VR,),
        phone="+33238222222", structure="345678901200017",
    )  # fmt: skip
    doors.publish("d", who=OTHER, site="s3", phone=None, family_name="Invente", given_name="Lou")
    doors.publish("past", after_minutes=-60)
    doors.publish("late", after_minutes=4 * 24 * 60)
    return doors


@pytest.fixture(scope="module")
def bundle(doors: Doors) -> Any:
    return doors.ask(question(DOCTOR, OTHER))


@pytest.fixture(scope="module")
def slots(bundle: Any) -> list[Any]:
    found = resources(bundle, "Slot")
    assert [one["id"] for one in found] == ["a", "b", "c", "d"]
    return found


@pytest.fixture(scope="module")
def roles(bundle: Any) -> list[Any]:
    found = resources(bundle, "PractitionerRole")
    assert len(found) == 3
    return found


@pytest.fixture(scope="module")
def people(bundle: Any) -> dict[str, Any]:
    return {one["identifier"][0]["value"]: one for one in resources(bundle, "Practitioner")}


def _behind_a_proxy(**headers: str) -> int:
    """The status of a search that a proxy hands on with these headers."""
    known = ForwardedCertificate(["127.0.0.1"], [Subject.read("CN=sas.example,OU=318751275100020")])
    shown = app(open_engine(), now=lambda: NOW, authenticate=known)
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    return Caller(shown, sent)("GET", f"/Slot?{question()}").status_code


def test_agg_psindiv_01_a_request_without_a_verified_certificate_is_refused() -> None:
    """The proxy asks for the certificate; what it did not verify is nobody here."""
    assert _behind_a_proxy() == 401
    assert _behind_a_proxy(x_ssl_client_s_dn=SUBJECT) == 401
    assert _behind_a_proxy(x_ssl_client_verify="FAILED:revoked", x_ssl_client_s_dn=SUBJECT) == 401
    assert _behind_a_proxy(x_ssl_client_verify="SUCCESS", x_ssl_client_s_dn=SUBJECT) == 200


def test_agg_psindiv_02_another_cn_is_refused() -> None:
    other = SUBJECT.replace("sas.example", "other.example")
    assert _behind_a_proxy(x_ssl_client_verify="SUCCESS", x_ssl_client_s_dn=other) == 401


def test_agg_psindiv_03_another_ou_is_refused() -> None:
    other = SUBJECT.replace("318751275100020", "318751275100021")
    assert _behind_a_proxy(x_ssl_client_verify="SUCCESS", x_ssl_client_s_dn=other) == 401


def test_agg_psindiv_04_slots_can_be_searched(doors: Doors) -> None:
    answer = doors.get(f"/Slot?{question()}", accept="application/json+fhir")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("application/json+fhir")


def test_agg_psindiv_05_no_slot_starts_before_what_was_asked(doors: Doors) -> None:
    later = doors.ask(question(start="2026-11-23T11:00:00.001%2B01:00"))
    assert [one["id"] for one in resources(later, "Slot")] == ["c"]
    exactly = doors.ask(question(start="2026-11-23T10:00:00.000%2B01:00"))
    assert [one["id"] for one in resources(exactly, "Slot")] == ["a", "b", "c"]


def test_agg_psindiv_06_only_slots_of_who_was_asked_for_come(doors: Doors) -> None:
    assert [one["id"] for one in resources(doors.ask(question(OTHER)), "Slot")] == ["d"]


def test_agg_psindiv_07_slots_lie_within_what_was_asked(doors: Doors, slots: list[Any]) -> None:
    assert all(
        "2026-11-23T09:00:00.000+01:00" <= one["start"] <= "2026-11-26T09:00:00.000+01:00"
        for one in slots
    )
    until = doors.ask(question(end="2026-11-23T10:00:00.000%2B01:00"))
    assert [one["id"] for one in resources(until, "Slot")] == ["a"]


def test_agg_psindiv_08_nothing_free_is_an_empty_bundle(doors: Doors) -> None:
    nothing = doors.ask(question("10000000037"))
    assert (nothing["type"], nothing["total"], nothing.get("entry")) == ("searchset", 0, None)


def test_agg_psindiv_09_slots_conform(profiles: Profiles, slots: list[Any]) -> None:
    assert [profiles.problems(one, url.SLOT) for one in slots] == [[]] * 4


def test_agg_psindiv_10_slots_are_free(slots: list[Any]) -> None:
    assert {one["status"] for one in slots} == {"free"}


def test_agg_psindiv_11_slots_have_start_and_end(slots: list[Any]) -> None:
    assert all(one["start"] < one["end"] for one in slots)


def test_agg_psindiv_12_slots_have_a_schedule(bundle: Any, slots: list[Any]) -> None:
    known = {f"Schedule/{one['id']}" for one in resources(bundle, "Schedule")}
    assert {one["schedule"]["reference"] for one in slots} == known


def test_agg_psindiv_13_the_bundle_conforms(profiles: Profiles, bundle: Any) -> None:
    assert bundle["meta"]["profile"] == [url.BUNDLE]
    assert profiles.problems(bundle) == []


def test_agg_psindiv_14_the_bundle_is_a_searchset(bundle: Any) -> None:
    assert (bundle["type"], bundle["total"]) == ("searchset", 4)


def test_agg_psindiv_15_there_is_a_practitioner(people: dict[str, Any]) -> None:
    assert people.keys() == {f"8{DOCTOR}", f"8{OTHER}"}


def test_agg_psindiv_16_practitioners_have_a_national_id(people: dict[str, Any]) -> None:
    for one in people.values():
        (identifier,) = one["identifier"]
        assert identifier["system"] == "urn:oid:1.2.250.1.71.4.2.1"
        assert identifier["type"]["coding"][0]["code"] == "IDNPS"


def test_agg_psindiv_17_ids_have_twelve_digits_and_begin_with_8(people: dict[str, Any]) -> None:
    assert all(re.fullmatch(r"8\d{11}", value) for value in people)


def test_agg_psindiv_18_ids_are_the_rpps(people: dict[str, Any]) -> None:
    assert people[f"8{DOCTOR}"]["identifier"][0]["value"] == "810000000011"


def test_agg_psindiv_19_there_is_a_role(roles: list[Any]) -> None:
    assert len(roles) == 3


def test_agg_psindiv_20_roles_have_the_number_of_a_structure(roles: list[Any]) -> None:
    numbers = [one["organization"]["identifier"] for one in roles]
    assert {one["system"] for one in numbers} == {"urn:oid:1.2.250.1.71.4.2.2"}
    assert {one["type"]["coding"][0]["code"] for one in numbers} == {"IDNST"}
    assert [one["value"] for one in numbers] == ["1450000021", "345678901200017", "1450000021"]


def test_agg_psindiv_21_roles_refer_to_a_practitioner(bundle: Any, roles: list[Any]) -> None:
    known = {f"Practitioner/{one['id']}" for one in resources(bundle, "Practitioner")}
    assert {one["practitioner"]["reference"] for one in roles} == known


def test_agg_psindiv_22_roles_contain_their_place(roles: list[Any]) -> None:
    for one in roles:
        (place,) = one["contained"]
        assert place["resourceType"] == "Location"
        assert one["location"] == [{"reference": f"#{place['id']}"}]


def test_agg_psindiv_23_slots_say_for_whom_they_are(slots: list[Any]) -> None:
    said = [[one["code"] for one in slot["meta"]["security"]] for slot in slots]
    assert said == [["PUBLIC", "PRO", "SNP"], ["PRO"], ["SNP"], ["PUBLIC"]]


def test_agg_psindiv_24_slots_say_how_care_is_given(slots: list[Any]) -> None:
    said = [one["serviceType"][0]["coding"][0]["code"] for one in slots]
    assert said == ["AMB", "HH", "VR", "AMB"]


def test_agg_psindiv_25_slots_say_where_to_book(slots: list[Any]) -> None:
    assert slots[0]["comment"] == f"https://agenda.example/{DOCTOR}"
    assert all(one["comment"].startswith("https://") for one in slots)


def test_agg_psindiv_26_start_is_understood(doors: Doors) -> None:
    without = question().replace("start=ge", "begin=ge")
    assert doors.get(f"/Slot?{without}").status_code == 400


def test_agg_psindiv_27_status_is_understood(doors: Doors) -> None:
    assert doors.get(f"/Slot?{question().replace('&status=free', '')}").status_code == 400
    assert doors.get(f"/Slot?{question().replace('=free', '=busy')}").status_code == 400


def test_agg_psindiv_28_include_is_understood(doors: Doors) -> None:
    with_ = doors.ask(question(includes="_include=Slot:schedule"))
    assert {one["resource"]["resourceType"] for one in with_["entry"]} == {"Slot", "Schedule"}
    without = doors.ask(question(includes="_count=1000"))
    assert {one["resource"]["resourceType"] for one in without["entry"]} == {"Slot"}


def test_agg_psindiv_29_ids_of_practitioners_are_understood(doors: Doors) -> None:
    for asked in (
        question(DOCTOR, OTHER),
        question(DOCTOR, OTHER).replace("|", "%7C"),
        question(DOCTOR, OTHER).replace(",", ",%20"),
        question(DOCTOR, OTHER).replace("urn:oid:1.2.250.1.71.4.2.1|8", ""),
    ):
        assert doors.ask(asked)["total"] == 4


def test_agg_psindiv_30_include_iterate_is_understood(doors: Doors) -> None:
    kinds = {one["resource"]["resourceType"] for one in doors.ask(question())["entry"]}
    assert "_include:iterate=Schedule:actor" in PS_INCLUDES
    assert kinds == {"Slot", "Schedule", "Practitioner", "PractitionerRole"}


def test_agg_psindiv_31_roles_conform(profiles: Profiles, roles: list[Any]) -> None:
    assert [profiles.problems(one, url.PRACTITIONER_ROLE) for one in roles] == [[]] * 3


def test_agg_psindiv_32_practitioners_conform(profiles: Profiles, people: dict[str, Any]) -> None:
    assert [profiles.problems(one, url.PRACTITIONER) for one in people.values()] == [[]] * 2


def test_agg_psindiv_33_who_has_a_name_is_shown_with_it(people: dict[str, Any]) -> None:
    assert people[f"8{DOCTOR}"]["name"] == [{"family": "Exemple", "given": ["Camille"]}]
    assert people[f"8{OTHER}"]["name"] == [{"family": "Invente", "given": ["Lou"]}]


def test_agg_psindiv_34_who_has_a_phone_is_shown_with_it(people: dict[str, Any]) -> None:
    numbers = [one["value"] for one in people[f"8{DOCTOR}"]["telecom"]]
    assert numbers == ["+33238111111", "+33238222222"]


def test_agg_psindiv_35_a_phone_is_called_a_phone(people: dict[str, Any]) -> None:
    assert {one["system"] for one in people[f"8{DOCTOR}"]["telecom"]} == {"phone"}


def test_agg_psindiv_36_who_has_no_phone_is_shown_without(people: dict[str, Any]) -> None:
    assert "telecom" not in people[f"8{OTHER}"]


def test_agg_psindiv_37_a_place_is_what_is_known_of_it(roles: list[Any]) -> None:
    assert roles[0]["contained"][0]["address"] == {
        "line": ["1 rue Inventée"],
        "city": "Gien",
        "postalCode": "45500",
    }


def test_agg_psindiv_38_a_place_has_its_street(roles: list[Any]) -> None:
    assert all(len(one["contained"][0]["address"]["line"]) == 1 for one in roles)


def test_agg_psindiv_39_a_place_has_its_town(roles: list[Any]) -> None:
    assert {one["contained"][0]["address"]["city"] for one in roles} == {"Gien"}


def test_agg_psindiv_40_a_place_has_its_postcode(roles: list[Any]) -> None:
    codes = [one["contained"][0]["address"]["postalCode"] for one in roles]
    assert all(re.fullmatch("[0-9]{5}", code) for code in codes)


def test_agg_psindiv_41_slots_have_the_specialty(slots: list[Any]) -> None:
    for one in slots:
        coding = one["specialty"][0]["coding"][0]
        assert (coding["system"], coding["code"]) == (url.SPECIALTIES, "SM54")


def test_agg_psindiv_42_two_places_are_two_schedules_and_two_roles(doors: Doors) -> None:
    alone = doors.ask(question(DOCTOR))
    counts = [len(resources(alone, kind)) for kind in ("Schedule", "PractitionerRole")]
    assert (counts, len(resources(alone, "Practitioner"))) == ([2, 2], 1)


def test_agg_psindiv_43_two_places_are_told_apart_by_references(doors: Doors) -> None:
    alone = doors.ask(question(DOCTOR))
    roles = {f"PractitionerRole/{one['id']}": one for one in resources(alone, "PractitionerRole")}
    schedules = {f"Schedule/{one['id']}": one for one in resources(alone, "Schedule")}
    places = {}
    for slot in resources(alone, "Slot"):
        actors = [one["reference"] for one in schedules[slot["schedule"]["reference"]]["actor"]]
        assert actors[0] == f"Practitioner/{DOCTOR}"
        role_ = roles[actors[1]]
        assert role_["practitioner"]["reference"] == actors[0]
        places[slot["id"]] = role_["contained"][0]["identifier"][0]["value"]
    assert places == {"a": "s1", "b": "s1", "c": "s2"}


def test_agg_psindiv_44_two_practitioners_are_two_of_each(bundle: Any) -> None:
    kinds = ("Practitioner", "PractitionerRole", "Schedule", "Slot")
    assert [len(resources(bundle, kind)) for kind in kinds] == [2, 3, 3, 4]
    ids = [(one["resource"]["resourceType"], one["resource"]["id"]) for one in bundle["entry"]]
    assert len(set(ids)) == len(ids)


def test_agg_psindiv_45_dates_have_milliseconds_and_an_offset(slots: list[Any]) -> None:
    assert slots[0]["start"] == "2026-11-23T10:00:00.000+01:00"
    assert all(DATE.fullmatch(one[end]) for one in slots for end in ("start", "end"))


def test_agg_psindiv_46_classes_come_from_the_national_list(slots: list[Any]) -> None:
    systems = {one["system"] for slot in slots for one in slot["meta"]["security"]}
    assert systems == {
        "https://mos.esante.gouv.fr/NOS/TRE_R314-TypeCreneau/FHIR/TRE-R314-TypeCreneau"
    }


def test_agg_psindiv_47_what_is_not_free_is_not_shown() -> None:
    doors = Doors.open()
    free, taken = doors.publish("free"), doors.publish("taken", after_minutes=240)
    doors.publish("withdrawn", after_minutes=300)
    doors.publish("not-open", after_minutes=360, opens_at=taken.start)
    doors.engine.withdraw(["withdrawn"], reason="away", now=NOW)
    asks = referral(source=SourceKind.SAMU, requester=Requester(kind=SourceKind.SAMU))
    placed = doors.engine.place(asks, now=NOW, confirm=True)
    assert placed.booking is not None
    left = {free.id, taken.id} - {placed.booking.slot}
    assert {one["id"] for one in resources(doors.ask(question()), "Slot")} == left


def test_agg_psindiv_48_modes_come_from_their_list(slots: list[Any]) -> None:
    systems = {
        one["system"] for slot in slots for kind in slot["serviceType"] for one in kind["coding"]
    }
    assert systems == {"http://terminology.hl7.org/CodeSystem/v3-ActCode"}


def test_agg_psindiv_49_slots_are_booked_by_appointment(slots: list[Any]) -> None:
    kinds = [one["appointmentType"]["coding"][0] for one in slots]
    assert {one["code"] for one in kinds} == {"ROUTINE"}
    assert {one["system"] for one in kinds} == {"http://terminology.hl7.org/CodeSystem/v2-0276"}


def test_every_row_of_the_requirements_has_its_test(conformance: Path) -> None:
    with (conformance / "sas/requirements.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = [(row["Req Set"], int(row["ID"])) for row in csv.DictReader(file)]
    assert len(rows) == 49
    tests = [name for name in vars(sys.modules[__name__]) if name.startswith("test_agg_psindiv_")]
    numbers = sorted(int(name.split("_")[3]) for name in tests)
    assert [("agg-psindiv", number) for number in numbers] == rows
