"""The samples of IHE scheduling: an appointment that is made, and offers that answer a search."""

from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from builders import NOW
from records import VAULT

from slotengine.adapters import Kind, Rejected, adapter_for

OFFER = (Kind.NOT_ACTIVE, "patient_id")
EXPECTED = {
    "example-appointment": [(Kind.ALREADY_BOOKED, "status")],
    # Three proposed appointments without a patient, and an outcome of the search.
    "example-iti-scheduling-bundle": [OFFER, OFFER, OFFER],
}


@pytest.mark.parametrize("source", ["hospital", "practice", "emergency"])
@pytest.mark.parametrize("name", EXPECTED)
def test_a_sample_is_refused_for_a_known_reason(conformance: Path, name: str, source: str) -> None:
    adapter = adapter_for(
        source, territory="giennois", zone=ZoneInfo("Europe/Paris"), pseudonymiser=VAULT
    )
    payload = (conformance / "ihe-scheduling" / f"{name}.json").read_bytes()
    found = [one for one in adapter.read(payload, now=NOW) if isinstance(one, Rejected)]
    assert [(one.kind, one.field) for one in found] == EXPECTED[name]


def test_no_sample_is_forgotten(conformance: Path) -> None:
    files = (conformance / "ihe-scheduling").glob("*.json")
    assert {file.stem for file in files} == set(EXPECTED)
