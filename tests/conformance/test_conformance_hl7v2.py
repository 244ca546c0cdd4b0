"""The saved HL7 v2 payloads: each is read as the table says, and none crashes."""

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import pytest
from builders import NOW
from hl7_messages import read_all

from slotengine.adapters import Rejected
from slotengine.adapters.hl7v2_ack import ACCEPTED, acknowledgements


class Said(NamedTuple):
    """What a payload is, under which number, and the doubts that do not stop the reading."""

    kind: str
    reference: str
    message: str
    doubts: frozenset[str]


ABROAD = "postcode outside_bounds"
DEAD = "record contradiction"
"""Booked for somebody whom PID-30 calls dead."""
BEFORE_2000 = "issued_at out_of_range"

SAID: Mapping[str, Said] = {
    "msft_REF-I12-01.hl7": Said("New", "EPIC/226839", "I12:MSG00112", frozenset({ABROAD})),
    "msft_REF-I14-01.hl7": Said("Cancel", "EPIC/226839", "I14:MSG00112", frozenset({ABROAD})),
    "msft_SIU-S12-01.hl7": Said(
        "New", "2.16.840.1.122848.1.30/36996", "S12:MSG00012", frozenset({ABROAD, DEAD})
    ),
    "msft_SIU-S12_1.hl7": Said(
        "New",
        "2.16.840.1.122848.1.30/36996",
        "S12:MSG00001",
        frozenset({ABROAD, DEAD, BEFORE_2000}),
    ),
    "msft_SIU-S13-01.hl7": Said(
        "Amend", "2.16.840.1.122848.1.30/36996", "S13:MSG00013", frozenset({ABROAD, DEAD})
    ),
    "msft_SIU-S15-01.hl7": Said(
        "Cancel", "2.16.840.1.122848.1.30/36996", "S15:MSG00015", frozenset({ABROAD, DEAD})
    ),
    "msft_SIU-S26-01.hl7": Said(
        "Outcome", "2.16.840.1.122848.1.30/36996", "S26:MSG00026", frozenset({ABROAD, DEAD})
    ),
    "msft_ADT-A04-01.hl7": Said(
        "New",
        "1.2/40007716/arrival",
        "A04:MSG00001",
        frozenset({ABROAD, DEAD, BEFORE_2000}),
    ),
}


def test_every_saved_payload_is_in_the_table(conformance: Path) -> None:
    assert {file.name for file in (conformance / "hl7v2").iterdir()} == SAID.keys()


@pytest.mark.parametrize("name", SAID)
@pytest.mark.parametrize("source", ["hospital", "emergency"])
def test_a_payload_is_read_as_the_table_says(conformance: Path, name: str, source: str) -> None:
    data = (conformance / "hl7v2" / name).read_bytes()
    (one,) = read_all(data, source)
    assert not isinstance(one, Rejected), one
    about = getattr(one, "referral", one)
    doubts = frozenset(f"{doubt.field} {doubt.kind}" for doubt in one.warnings)
    assert Said(type(one).__name__, about.reference, one.message or "", doubts) == SAID[name]


@pytest.mark.parametrize("name", SAID)
def test_a_payload_is_acknowledged_under_its_own_number(conformance: Path, name: str) -> None:
    data = (conformance / "hl7v2" / name).read_bytes()
    (sent,) = acknowledgements(data, ACCEPTED, number="n-1", at=NOW)
    assert sent.split(b"\r")[1] == b"MSA|AA|" + SAID[name].message.partition(":")[2].encode()
