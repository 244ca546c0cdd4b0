"""The validator of the tests tells right from wrong, and our answers are right by it."""

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from builders import NOW
from fhir.resources.R4B.bundle import Bundle
from fhir.resources.R4B.capabilitystatement import CapabilityStatement
from profiles import Profiles
from sas_world import CPTS_INCLUDES, EVERYONE, OTHER, Doors, question

from slotengine.adapters import sas_urls as url
from slotengine.codes import Audience, Mode


@pytest.fixture(scope="session")
def profiles(conformance: Path) -> Profiles:
    return Profiles(conformance / "sas")


def example(conformance: Path, name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((conformance / "sas/examples" / name).read_text("utf-8"))
    return found


def test_every_official_example_passes_the_validator(conformance: Path, profiles: Profiles) -> None:
    files = sorted((conformance / "sas/examples").glob("*.json"))
    assert len(files) == 45
    wrong = {file.name: profiles.problems(example(conformance, file.name)) for file in files}
    assert {name: found for name, found in wrong.items() if found} == {}


def first(bundle: dict[str, Any], kind: str) -> dict[str, Any]:
    return next(
        entry["resource"] for entry in bundle["entry"] if entry["resource"]["resourceType"] == kind
    )


BREAKS: dict[str, Callable[[dict[str, Any]], object]] = {
    "another type": lambda one: one.update(type="collection"),
    "no such element": lambda one: one.update(kind="x"),
    "an empty list": lambda one: first(one, "Slot").update(specialty=[]),
    "an empty text": lambda one: first(one, "Slot").update(comment=""),
    "no start": lambda one: first(one, "Slot").pop("start"),
    "no schedule": lambda one: first(one, "Slot").pop("schedule"),
    "a start that is none": lambda one: first(one, "Slot").update(start="2026-11-23T09:00"),
    "a busy slot": lambda one: first(one, "Slot").update(status="busy"),
    "a class that there is not": lambda one: first(one, "Slot")["meta"]["security"][0].update(
        code="SECRET"
    ),
    "a mode that there is not": lambda one: first(one, "Slot")["serviceType"][0]["coding"][
        0
    ].update(code="XX"),
    "a schedule without actors": lambda one: first(one, "Schedule").pop("actor"),
    "a practitioner without id": lambda one: first(one, "Practitioner").pop("identifier"),
    "an id of another type": lambda one: first(one, "Practitioner")["identifier"][0]["type"][
        "coding"
    ][0].update(code="RPPS"),
    "an id of another system": lambda one: first(one, "Practitioner")["identifier"][0].update(
        system="urn:oid:1.2"
    ),
    "no place": lambda one: first(one, "PractitionerRole").pop("contained"),
    "no place referred to": lambda one: first(one, "PractitionerRole").pop("location"),
    "a place elsewhere": lambda one: first(one, "PractitionerRole").update(
        location=[{"reference": "#elsewhere"}]
    ),
    "a place without street": lambda one: first(one, "PractitionerRole")["contained"][0][
        "address"
    ].pop("line"),
    "two streets": lambda one: first(one, "PractitionerRole")["contained"][0]["address"].update(
        line=["a", "b"]
    ),
    "a structure of another system": lambda one: first(one, "PractitionerRole")["organization"][
        "identifier"
    ].update(system="urn:oid:1.2"),
    "an unknown profile": lambda one: first(one, "Slot")["meta"].update(profile=["http://x"]),
    "no profile": lambda one: first(one, "Slot").pop("meta"),
}


@pytest.mark.parametrize("name", BREAKS)
def test_a_broken_bundle_is_refused_by_the_validator(
    name: str, conformance: Path, profiles: Profiles
) -> None:
    whole = example(conformance, "Bundle-ExampleBundlePSIndiv.json")
    broken = copy.deepcopy(whole)
    BREAKS[name](broken)
    assert broken != whole
    assert profiles.problems(broken)


CPTS_BREAKS: dict[str, Callable[[dict[str, Any]], object]] = {
    "no total": lambda one: one.pop("total"),
    "no link": lambda one: one.pop("link"),
    "two links": lambda one: one["link"].append(one["link"][0]),
    "no full URL": lambda one: one["entry"][0].pop("fullUrl"),
    "no slot": lambda one: one["entry"].pop(0),
    "a service of nobody": lambda one: first(one, "HealthcareService").pop("providedBy"),
    "a structure that is no FINESS": lambda one: first(one, "Organization")["identifier"][0].update(
        value="12A0000221"
    ),
    "a type of another URL": lambda one: first(one, "Organization")["identifier"][0]["type"][
        "coding"
    ][0].update(system="http://interopsante.org/fhir/CodeSystem/fr-v2-0203"),
    "a CPTS without its service": lambda one: first(one, "Slot")["serviceType"][1].pop("extension"),
    "another appointment": lambda one: first(one, "Slot")["appointmentType"]["coding"][0].update(
        code="FOLLOWUP"
    ),
}


@pytest.mark.parametrize("name", CPTS_BREAKS)
def test_a_broken_bundle_of_a_cpts_is_refused_by_the_validator(
    name: str, conformance: Path, profiles: Profiles
) -> None:
    broken = example(conformance, "Bundle-ExampleBundleCPTS1.json")
    CPTS_BREAKS[name](broken)
    assert profiles.problems(broken)


def whole_world() -> Doors:
    doors = Doors.open()
    doors.publish("a", audiences=EVERYONE, modes=(Mode.AMB, Mode.VR))
    doors.publish("b", after_minutes=180, audiences=(Audience.CPTS,))
    doors.publish("c", who=OTHER, site="s2", after_minutes=60, audiences=(Audience.SNP,))
    return doors


@pytest.mark.parametrize("includes", [None, CPTS_INCLUDES])
def test_our_answers_pass_the_official_profiles_and_a_second_opinion(
    includes: str | None, profiles: Profiles
) -> None:
    asked = question("10000000011", OTHER, **({} if includes is None else {"includes": includes}))
    bundle = whole_world().ask(asked)
    assert bundle["total"] == (3 if includes == CPTS_INCLUDES else 2)
    assert profiles.problems(bundle) == []
    Bundle.model_validate(bundle)


def test_our_answer_after_a_siret_passes_the_official_profile(profiles: Profiles) -> None:
    doors = Doors.open()
    doors.publish("a", structure="312345678900011", audiences=EVERYONE)
    doors.publish("b", after_minutes=60, structure="312345678900011", audiences=(Audience.SNP,))
    bundle = doors.ask_place("312345678900011")
    assert bundle["total"] == 2
    assert bundle["meta"]["profile"] == [url.SOS_BUNDLE]
    assert profiles.problems(bundle) == []
    Bundle.model_validate(bundle)


@pytest.mark.parametrize("includes", [None, CPTS_INCLUDES])
def test_an_empty_answer_passes_the_profile_that_allows_it(
    includes: str | None, profiles: Profiles
) -> None:
    asked = question(**({} if includes is None else {"includes": includes}))
    bundle = Doors.open().ask(asked)
    assert (bundle["total"], "entry" in bundle) == (0, False)
    assert bundle["meta"]["profile"] == [url.BUNDLE]
    assert profiles.problems(bundle) == []
    assert profiles.problems(bundle, url.CPTS_BUNDLE)  # which needs a slot: nothing empty passes


def test_what_we_say_of_ourselves_passes_a_second_opinion() -> None:
    answer = Doors.open().get("/metadata")
    assert answer.status_code == 200
    said = CapabilityStatement.model_validate(answer.json())
    assert {one.type for one in said.rest[0].resource} == {"Slot", "Schedule", "Practitioner"}


def test_no_slot_of_an_answer_is_past_or_outside_of_what_was_asked() -> None:
    doors = whole_world()
    bundle = doors.ask(question("10000000011", OTHER, start="2026-11-22T09:00:00.000%2B01:00"))
    starts = [
        entry["resource"]["start"]
        for entry in bundle["entry"]
        if entry["resource"]["resourceType"] == "Slot"
    ]
    assert min(starts) >= NOW.astimezone(doors.zone).isoformat(timespec="milliseconds")
