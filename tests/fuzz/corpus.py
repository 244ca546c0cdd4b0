"""Where inputs begin: our payloads, the official ones where they are, and some written here."""

import os
from pathlib import Path

from workbooks import saved

from fuzz.targets import TARGETS

TESTS = Path(__file__).resolve().parents[1]
MAX_SEED_BYTES = 200_000
QUERY = (
    b"_include=Slot:schedule&_include:iterate=Schedule:actor&_include=Slot:service-type-reference"
    b"&start=ge2026-11-23T16:20:00.000+02:00&start=le2026-11-25T16:20:00.000+02:00"
    b"&schedule.actor:Practitioner.identifier=urn:oid:1.2.250.1.71.4.2.1%7C810002909371,"
    b" urn:oid:1.2.250.1.71.4.2.1|810001288385&status=free\n"
    b"actor:Location.organization.identifier=urn:oid:1.2.250.1.71.4.2.27C33456780581001"
    b"&_has:Slot:schedule:start=ge2026-11-23&_has:Slot:schedule:start=lt2026-11-24"
    b"&_has:Slot:schedule:status=free\n"
    b"identifier=urn:oid:1.2.250.1.71.4.2.1%7C810002909371"
)
FIND = (
    b'{"resourceType": "Parameters", "parameter": ['
    b'{"name": "start", "valueDateTime": "2026-11-23T09:00:00+01:00"},'
    b'{"name": "end", "valueDateTime": "2026-11-24T09:00:00+01:00"},'
    b'{"name": "specialty", "valueString": "SM54"}, {"name": "reason", "valueString": "toux"},'
    b'{"name": "practitioner", "valueReference": {"reference": "Practitioner/1"}},'
    b'{"name": "referral-identifier", "valueIdentifier": {"value": "r"}},'
    b'{"name": "patient-resource", "resource": {"resourceType": "Patient",'
    b' "birthDate": "1979-03-28", "name": [{"family": "Nominvente", "given": ["Ann"]}]}},'
    b'{"name": "appointment-reference", "valueReference": {"reference": "Appointment/a"}}]}'
)
ACCOUNT = (
    b'{"resourceType": "Practitioner", "active": true, "identifier": [{"type": {"coding": [{"code":'
    b' "IDNPS"}]}, "system": "urn:oid:1.2.250.1.71.4.2.1", "value": "810002909371"}],'
    b' "name": [{"family": "Nominvente", "given": ["Ann"]}],'
    b' "telecom": [{"system": "email", "value": "ann@example.org"}]}'
)
TABLE = [
    ["reference", "patient_id", "age", "deadline"],
    ["1", "p", 40, "24/11/2026"],
    ["2", "q", 1, 46_000.5],
]


def seeds(target: str) -> list[bytes]:
    """Gives the inputs that a target begins with, in an order that never changes."""
    folders = [TESTS / "payloads"]
    if shared := os.environ.get("SLOTENGINE_SHARED"):
        folders.append(Path(shared) / "conformance")
    files = [
        (file.name, file.read_bytes())
        for folder in folders
        for file in sorted(folder.rglob("*"))
        if file.is_file() and file.stat().st_size <= MAX_SEED_BYTES
    ]
    files += [
        ("q.query", QUERY), ("find.json", FIND), ("account.json", ACCOUNT), ("a.xlsx", saved(TABLE))
    ]  # fmt: skip
    agenda = (TESTS / "payloads" / "agendas" / "cabinet.csv").read_text(encoding="utf-8")
    files.append(("b.xlsx", saved([line.split(";") for line in agenda.splitlines()])))
    endings = TARGETS[target].endings
    return [data for name, data in files if name.endswith(endings)]
