"""The official examples of IHE ITI Scheduling, beside what we answer."""

import json
from pathlib import Path
from xml.etree import ElementTree as ET  # the official files, not a stranger's

import pytest
from fhir.resources.R4B.appointment import Appointment
from fhir.resources.R4B.bundle import Bundle

from slotengine.adapters import iti_find
from slotengine.adapters.iti_appointments import BUNDLE, PROFILE

FHIR = {"f": "http://hl7.org/fhir"}
READ = {
    "find": {
        *("start", "end", "specialty", "visit-type", "practitioner", "organization"),
        *("location-string", "location-reference", "patient-reference", "patient-resource"),
        *("reason", "referral-identifier"),
    },
    "hold": {"appointment-reference"},
    "book": {"appointment-reference", "appointment-resource"},
}
LEFT = {
    "find": {"timing", "insurance-reference"},
    "hold": set(),
    "book": {"patient-resource", "comment"},
}
"""What is not read, and the docs say so: preferred times, insurance, free text."""


@pytest.mark.parametrize("operation", sorted(READ))
def test_every_parameter_is_read_or_known_to_be_left(conformance: Path, operation: str) -> None:
    file = conformance / "ihe-scheduling" / f"operationdefinition-appointment-{operation}.xml"
    root = ET.parse(file).getroot()  # noqa: S314 (the official file)
    asked = {
        name.get("value")
        for one in root.findall("f:parameter", FHIR)
        if (use := one.find("f:use", FHIR)) is not None
        and use.get("value") == "in"
        and (name := one.find("f:name", FHIR)) is not None
    }
    assert asked == READ[operation] | LEFT[operation]
    source = Path(iti_find.__file__).read_text(encoding="utf-8")
    assert all(f'"{name}"' in source for name in READ[operation])


def test_our_profiles_are_theirs(conformance: Path) -> None:
    folder = conformance / "ihe-scheduling"
    one = json.loads((folder / "example-appointment.json").read_text(encoding="utf-8"))
    many = json.loads((folder / "example-iti-scheduling-bundle.json").read_text(encoding="utf-8"))
    Appointment.model_validate(one)
    Bundle.model_validate(many)
    assert one["meta"]["profile"] == [PROFILE]
    assert many["meta"]["profile"] == [BUNDLE]
    assert many["type"] == "searchset"
    proposals = [
        entry["resource"]
        for entry in many["entry"]
        if entry["resource"]["resourceType"] == "Appointment"
    ]
    assert many["total"] == len(proposals)
    assert {one["status"] for one in proposals} == {"proposed"}
