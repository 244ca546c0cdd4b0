"""What is shown of a slot, and what keeps it out: never an invalid resource."""

from typing import Any

import pytest
from builders import policy, practitioner, site
from sas_world import CPTS, DOCTOR, EVERYONE, offered, resources, role

from slotengine.adapters import sas_urls as url
from slotengine.adapters.sas_bundle import LeftOut, Shown, slots_bundle
from slotengine.adapters.sas_patterns import fhir_id
from slotengine.adapters.sas_resources import person_number, structure_number
from slotengine.adapters.sas_sos import schedules_bundle
from slotengine.availability import Availability
from slotengine.codes import Audience, Mode
from slotengine.directory import Structure
from slotengine.domain import Slot

BASE = "https://slots.example"


def found(*slots: Slot, **changes: Any) -> Availability:
    fields: dict[str, Any] = {
        "slots": slots,
        "roles": (role(),),
        "practitioners": (practitioner(DOCTOR),),
        "sites": (site(),),
        "policies": (policy(structure=CPTS),),
    }
    return Availability(**{**fields, **changes})


def shown(availability: Availability, **asked: Any) -> Shown:
    return slots_bundle(availability, base=BASE, link=f"{BASE}/Slot?x=1", **asked)


def cpts(availability: Availability) -> Shown:
    return shown(availability, services=True)


def test_one_slot_brings_one_of_each() -> None:
    answer = shown(found(offered()))
    kinds = [one["resource"]["resourceType"] for one in answer.bundle["entry"]]
    assert kinds == ["Slot", "Schedule", "Practitioner", "PractitionerRole"]
    assert [one["search"]["mode"] for one in answer.bundle["entry"]] == [
        "match", "include", "include", "include",
    ]  # fmt: skip
    assert answer.bundle["entry"][0]["fullUrl"] == f"{BASE}/Slot/slot1"
    assert answer.bundle["total"] == 1
    assert answer.bundle["link"] == [{"relation": "self", "url": f"{BASE}/Slot?x=1"}]
    assert (answer.slots, answer.left_out) == (("slot1",), ())


def test_a_slot_with_many_seats_is_one_resource() -> None:
    answer = shown(found(offered(capacity=4, extra_capacity=1)))
    assert answer.bundle["total"] == 1
    assert "4" not in str(resources(answer.bundle, "Slot")[0]["id"])


@pytest.mark.parametrize(
    ("changes", "lacks"),
    [
        ({"roles": ()}, "role"),
        ({"roles": (role(address=None),)}, "address"),
        ({"roles": (role(structure=None),)}, "structure"),
        ({"roles": (role(booking_url=None),)}, "booking_url"),
        ({"roles": (role(site_id="elsewhere"),)}, "role"),
    ],
)
def test_a_slot_whose_role_lacks_what_a_profile_demands_is_left_out(
    changes: dict[str, Any], lacks: str
) -> None:
    answer = shown(found(offered(), **changes))
    assert answer.bundle["total"] == 0
    assert "entry" not in answer.bundle
    assert answer.left_out == (LeftOut("slot1", lacks),)


def test_a_slot_of_who_has_no_national_number_is_left_out() -> None:
    without = found(offered(who="d1"), roles=(role("d1"),), practitioners=(practitioner("d1"),))
    assert shown(without).left_out == (LeftOut("slot1", "a national number"),)


def test_what_is_unknown_of_a_person_is_no_element() -> None:
    bare = role(family_name=None, given_name=None, phone=None)
    answer = shown(
        found(offered(), roles=(bare,), practitioners=(practitioner(DOCTOR, specialties=()),))
    ).bundle
    person, job = resources(answer, "Practitioner")[0], resources(answer, "PractitionerRole")[0]
    assert {"name", "telecom"}.isdisjoint(person)
    assert "telecom" not in job
    assert "specialty" not in resources(answer, "Slot")[0]
    half = shown(found(offered(), roles=(role(given_name=None),))).bundle
    assert resources(half, "Practitioner")[0]["name"] == [{"family": "Exemple"}]


@pytest.mark.parametrize(
    ("own", "of_site", "number"),
    [
        ("1450000021", {"finess": "450000039"}, "1450000021"),
        (None, {"finess": "450000039", "siret": "12345678900011"}, "1450000039"),
        (None, {"siret": "12345678900011"}, "312345678900011"),
        (None, {}, None),
    ],
)
def test_the_number_of_a_structure_is_the_role_s_or_the_site_s(
    own: str | None, of_site: dict[str, str], number: str | None
) -> None:
    assert structure_number(role(structure=own), site(**of_site)) == number
    assert structure_number(role(structure=own), None) == own


def test_numbers_and_ids_are_written_as_they_must_be() -> None:
    assert person_number("10000000011") == "810000000011"
    assert person_number("459912345") == "0459912345"
    assert person_number("1000000001") is None
    assert fhir_id("a" * 64) == "a" * 64
    assert len(fhir_id("a" * 65)) == 34
    assert fhir_id("a/b") != fhir_id("a/c")


# --- slots of a CPTS ---


def test_a_slot_of_a_cpts_brings_its_service_and_structure() -> None:
    answer = cpts(found(offered(audiences=EVERYONE, modes=(Mode.AMB, Mode.HH)))).bundle
    (slot,) = resources(answer, "Slot")
    assert answer["meta"]["profile"] == [url.CPTS_BUNDLE]
    assert slot["meta"]["profile"] == [url.CPTS_SLOT]
    assert [one["code"] for one in slot["meta"]["security"]] == ["CPTS", "PRO", "PUBLIC", "SNP"]
    modes = [one["coding"][0]["code"] for one in slot["serviceType"]]
    assert modes == ["AMB", "HH", "604"]
    (service,) = resources(answer, "HealthcareService")
    reference = slot["serviceType"][2]["extension"][0]["valueReference"]["reference"]
    assert reference == f"HealthcareService/{service['id']}"
    (organization,) = resources(answer, "Organization")
    assert service["providedBy"]["reference"] == f"Organization/{organization['id']}"
    assert organization["identifier"][0]["value"] == "1450000013"
    assert organization["name"] == "CPTS du Giennois"


def test_a_shared_slot_is_of_both_cpts() -> None:
    other = Structure(finess="770000017", name="CPTS de Sénart")
    rules = (policy(structure=CPTS), policy(territory="senart", structure=other))
    both = found(offered(audiences=EVERYONE, shared_with=("senart",)), policies=rules)
    answer = cpts(both).bundle
    assert [one["identifier"][0]["value"] for one in resources(answer, "Organization")] == [
        "1450000013",
        "1770000017",
    ]
    assert "telecom" not in resources(answer, "Organization")[1]
    codes = [one["coding"][0]["code"] for one in resources(answer, "Slot")[0]["serviceType"]]
    assert codes == ["AMB", "604", "604"]


def test_two_territories_of_one_cpts_name_it_once() -> None:
    rules = (policy(structure=CPTS), policy(territory="senart", structure=CPTS))
    both = found(offered(audiences=EVERYONE, shared_with=("senart",)), policies=rules)
    codes = [
        one["coding"][0]["code"] for one in resources(cpts(both).bundle, "Slot")[0]["serviceType"]
    ]
    assert codes == ["AMB", "604"]


def test_a_slot_that_is_not_of_a_cpts_stays_plain_among_them() -> None:
    answer = cpts(found(offered(), offered("b", audiences=EVERYONE, after_minutes=240))).bundle
    profiles = [one["meta"]["profile"] for one in resources(answer, "Slot")]
    assert profiles == [[url.SLOT], [url.CPTS_SLOT]]
    alone = cpts(found(offered())).bundle
    assert alone["meta"]["profile"] == [url.BUNDLE]
    assert resources(alone, "HealthcareService") == []


def test_the_class_cpts_is_for_questions_after_cpts_only() -> None:
    """The profile for single practitioners knows PUBLIC, PRO and SNP."""
    plain = shown(found(offered(audiences=(Audience.CPTS, Audience.PRO)))).bundle
    codes = [one["code"] for one in resources(plain, "Slot")[0]["meta"]["security"]]
    assert codes == ["PRO"]
    nothing = shown(found(offered(audiences=(Audience.CPTS,))))
    assert (nothing.bundle["total"], nothing.left_out) == (0, ())


@pytest.mark.parametrize(
    "structure", [None, Structure(finess="2A0000013", name="CPTS corse")], ids=["none", "Corsica"]
)
def test_a_cpts_that_its_profile_cannot_hold_leaves_its_own_slots_out(
    structure: Structure | None,
) -> None:
    """The profile wants 1 and nine digits: Corsica's numbers have a letter."""
    rules = (policy(structure=structure),)
    own = cpts(found(offered(audiences=(Audience.CPTS,)), policies=rules))
    assert own.left_out == (LeftOut("slot1", "structure of its territory"),)
    mixed = cpts(found(offered(audiences=EVERYONE), policies=rules)).bundle
    assert resources(mixed, "Slot")[0]["meta"]["profile"] == [url.SLOT]


# --- a centre ---


def centre(*slots: Slot, **changes: Any) -> Shown:
    fields = {"roles": (role(structure="312345678900011"),), **changes}
    return schedules_bundle(found(*slots, **fields), base=BASE, link=f"{BASE}/Schedule?x=1")


def test_a_centre_is_shown_by_places_without_names() -> None:
    answer = centre(offered(), offered("b", after_minutes=240)).bundle
    counts = {kind: len(resources(answer, kind)) for kind in ("Slot", "Schedule", "Location")}
    assert counts == {"Slot": 2, "Schedule": 1, "Location": 1}
    assert answer["total"] == 2
    modes = {one["resource"]["resourceType"]: one["search"]["mode"] for one in answer["entry"]}
    assert modes == {
        "Slot": "include", "Schedule": "match", "Location": "include", "Organization": "include",
    }  # fmt: skip
    assert "Exemple" not in str(answer)
    assert resources(answer, "Organization")[0]["identifier"][0]["value"] == "312345678900011"
    assert resources(answer, "Slot")[0]["start"] == "2026-11-23T11:00:00.000+01:00"


@pytest.mark.parametrize(
    ("label", "name"), [("Centre Nord", "Centre Nord"), ("", "1 rue Inventée")]
)
def test_a_place_without_a_label_is_called_by_its_street(label: str, name: str) -> None:
    answer = centre(offered(), sites=(site(label=label),)).bundle
    assert resources(answer, "Location")[0]["name"] == name


@pytest.mark.parametrize(
    ("changes", "lacks"), [({"address": None}, "address"), ({"booking_url": None}, "booking_url")]
)
def test_a_slot_of_a_centre_that_lacks_something_is_left_out(
    changes: dict[str, Any], lacks: str
) -> None:
    answer = centre(offered(), roles=(role(structure="312345678900011", **changes),))
    assert answer.left_out == (LeftOut("slot1", lacks),)
    assert answer.bundle["meta"]["profile"] == [url.BUNDLE]


def test_a_centre_shows_the_classes_that_its_profile_knows() -> None:
    answer = centre(offered(audiences=EVERYONE), offered("b", audiences=(Audience.PRO,))).bundle
    assert [one["id"] for one in resources(answer, "Slot")] == ["slot1"]
    codes = [one["code"] for one in resources(answer, "Slot")[0]["meta"]["security"]]
    assert codes == ["PUBLIC", "SNP"]
