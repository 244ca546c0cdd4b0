"""Every format that is shipped keeps the contract of adapters, in each of its forms."""

import io
import json
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import hl7_messages as hl7
import hubsante_cases as samu
import pytest
from fhir_messages import about, person, request
from records import PARIS, VAULT
from workbooks import archive, parts, saved

from slotengine.adapters import adapter_for, registry
from slotengine.adapters.registry import format_named, formats
from slotengine.adapters.tabular_xlsx_package import MAX_SMALL_BYTES, MAX_STRINGS_BYTES
from slotengine.testing import NOW, Check, Sample, adapter_checks, ready_door

PAYLOADS = Path(__file__).parent / "payloads"


def of_file(name: str, *references: str | None, identity: tuple[str, ...] = ()) -> Sample:
    return Sample((PAYLOADS / name).read_bytes(), references, identity)


HEADER = ("référence", "nom", "prénom", "né le", "nir", "tél", "reçu le", "échéance")
ROWS = [
    ("T-1", "Nominventé", "Anatole", "28/03/1979", "", "06 99 00 00 01", "23/11/2026 08:00", ""),
    ("T-2", "Nominventé", "Anatole", "31/02/1979", "", "06 99 00 00 01", "", ""),
    ("T-3", "", "", "", "279035121518989", "", "", "24/11/2026 18:00"),
]
WHO = ("Nominventé", "Anatole", "28/03/1979", "1979-03-28", "279035121518989", "99 00 00 01")
FOUND = ("T-1", None, "T-3")


def table(separator: str = ";", *, encoding: str = "utf-8", end: str = "\n") -> Sample:
    lines = [separator.join(cells) + end for cells in (HEADER, *ROWS)]
    return Sample("".join(lines).encode(encoding), FOUND, WHO, local_times=True)


def tables() -> Iterator[Sample]:
    yield table()
    yield table(",", encoding="cp1252")
    yield table("\t", end="\r\n")
    yield table(encoding="utf-16")
    yield QUOTED


QUOTED = Sample(
    b'reference;patient_id;motif\n1;inconnu-1;"a\nb;""c"\n2;"inconnu-2;x\n3;inconnu-3;\n',
    ("1", None, "3"),
    ("inconnu-1", "inconnu-2", "inconnu-3"),
)


def records() -> list[dict[str, str]]:
    return [dict(zip(HEADER, row, strict=True)) for row in ROWS]


def json_samples() -> Iterator[Sample]:
    listed = json.dumps(records(), ensure_ascii=False, indent=1).encode()
    yield Sample(listed, FOUND, WHO, local_times=True)
    lines = "\r\n".join(json.dumps(one) for one in records())
    yield Sample(lines.encode(), FOUND, WHO, local_times=True)
    broken = json.dumps(records()[0]) + '\n{"référence": "T-2", "nom": "Nominventé"\n'
    yield Sample(broken.encode() + json.dumps(records()[2]).encode(), FOUND, WHO)


def workbook() -> Sample:
    return Sample(saved([HEADER, *ROWS]), FOUND, WHO, local_times=True)


def bombs() -> Iterator[bytes]:
    """Archives that unpack to far more than they are, or that name what they don't hold."""
    empty = parts("")
    yield archive({**empty, "xl/sharedStrings.xml": b"<a>" + b" " * (MAX_STRINGS_BYTES + 1)})
    yield archive({**empty, "xl/workbook.xml": b"<a>" + b" " * (MAX_SMALL_BYTES + 1)})
    doctype = '<!DOCTYPE x [<!ENTITY a "aaaa">]><sst>&a;</sst>'
    yield archive({**empty, "xl/sharedStrings.xml": doctype})
    broken = io.BytesIO()
    with zipfile.ZipFile(broken, "w") as zipped:
        zipped.writestr("_rels/.rels", "<no")
    yield broken.getvalue()


NAMED = ("Nominventé", "279035121518989", "1979-03-31")


def fhir_samples() -> Iterator[Sample]:
    bad = person(birthDate="1979-02-31")
    three = [about(**numbered("A")), about(bad, **numbered("B")), about(**numbered("C"))]
    lines = "\n".join(json.dumps(one, ensure_ascii=False) for one in three)
    yield Sample(lines.encode(), ("A", None, "C"), NAMED)
    alone = request(contained=[person(id="p")], subject={"reference": "#p"})
    yield Sample(json.dumps(alone).encode(), ("H-7",), NAMED)
    for one in ("requests.ndjson", "message.json"):
        found = ("PH-1", "PH-2", None, "PH-4") if one == "requests.ndjson" else ("H-2026-31",)
        yield of_file(f"fhir/{one}", *found, identity=("Nominventé", "Ann-Exemple", "1948-02-29"))


def numbered(number: str) -> dict[str, Any]:
    return {"identifier": [{"value": number}]}


SAID = ("ESSAI-TROIS", "DOMINIQUE", "19790328", "1979-03-28", "0254000000", "INVENTEE")


def hl7_samples() -> Iterator[Sample]:
    three = [
        hl7.ref(hl7.rf1(f6=f"R-{n}^ORBIS"), hl7.pid(f7=born), number=str(n))
        for n, born in enumerate(("19790328", "19790231", "19790328"), 1)
    ]
    found = ("ORBIS/R-1", None, "ORBIS/R-3")
    for payload in (b"".join(three), b"".join(three).replace(b"\r", b"\r\n")):
        yield Sample(payload, found, SAID, local_times=True)
    yield of_file("hl7v2/referrals.hl7", "ORBIS/R-1", None, "ORBIS/R-1", identity=SAID)
    yield of_file("hl7v2/appointments.hl7", "AGENDA/F-9", identity=SAID)
    yield of_file("hl7v2/visits.hl7", "1.2.3/V-12/discharge", identity=("BÉNÉTEAU", "0254000000"))


def samu_samples() -> Iterator[Sample]:
    who = {"birthName": "NOMINVENTE", "birthDate": "1961-03-31", "sex": "F"}
    named = samu.case(patient__0__identity__strictFeatures=who)
    bad = samu.changed(named, {"createCaseHealth.location.city.inseeCode": "99999"})
    bad = samu.changed(bad, {"createCaseHealth.qualification.details.careLevel": "R9"})
    other = samu.changed(named, {"createCaseHealth.caseId": "fr.health.samu450.DRFR2"})
    listed = [named, bad, samu.wrapped(other)]
    found = (samu.CASE_ID, None, "fr.health.samu450.DRFR2")
    identity = ("NOMINVENTE", "1961-03-31")
    yield Sample(json.dumps(listed, indent=1).encode(), found, identity)
    lines = "\n".join(map(json.dumps, listed)).encode()
    yield Sample(lines, found, identity)
    two = (samu.CASE_ID, f"{samu.CASE_ID}/2")
    yield of_file("hubsante/case_of_two_children.json", *two)
    yield of_file("hubsante/case_oriented_to_a_practice.json", samu.CASE_ID)
    yield of_file("hubsante/update_of_the_level.json", samu.CASE_ID)
    yield of_file("hubsante/update_that_ends.json", samu.CASE_ID)
    yield of_file("hubsante/alert_of_a_fire_brigade.json", None)


@dataclass(frozen=True)
class Set:
    format: str
    samples: tuple[Sample, ...]
    source: str = "hospital"
    hostile: tuple[bytes, ...] = field(default=(), repr=False)


SETS = (
    Set(
        "csv",
        (
            table(),
            table(",", encoding="cp1252"),
            table("\t", end="\r\n"),
            table(encoding="utf-16"),
            QUOTED,
        ),
    ),
    Set("json", tuple(json_samples())),
    Set("fhir", tuple(fhir_samples())),
    Set("hl7v2", tuple(hl7_samples())),
    Set("hubsante", tuple(samu_samples()), "samu"),
    Set("xlsx", (workbook(),), "hospital", tuple(bombs())),
)


def checks() -> Iterator[Any]:
    for number, one in enumerate(SETS):
        door = ready_door(one.source)
        made = adapter_checks(
            format_named(one.format), samples=one.samples, hostile=one.hostile, door=door
        )
        yield from (pytest.param(check, id=f"{one.format}-{number}-{check.name}") for check in made)


@pytest.mark.parametrize("check", list(checks()))
def test_a_shipped_format_keeps_the_contract(check: Check) -> None:
    check()


def test_every_shipped_format_is_tried() -> None:
    assert {one.format for one in SETS} == set(formats())


def test_a_readers_own_door_is_taken() -> None:
    adapter = adapter_for("hospital", territory="giennois", zone=PARIS, pseudonymiser=VAULT)
    for check in adapter_checks(adapter, samples=[table(), QUOTED]):
        if check.name != "endless":
            check()


FIRST = {one.format: one.samples[0] for one in SETS}


@pytest.mark.parametrize("name", sorted(FIRST))
def test_no_more_records_are_read_than_a_payload_may_have(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = format_named(name)
    monkeypatch.setattr(f"{type(known).__module__}.MAX_RECORDS", 2)
    source = "samu" if name == "hubsante" else "hospital"
    adapter = registry_adapter(name, source)
    found = list(adapter.read(FIRST[name].payload, now=NOW))
    assert len(found) == 3
    assert (found[-1].field, found[-1].kind.value) == ("payload", "too_large")  # type: ignore[union-attr]  # rejected


def registry_adapter(name: str, source: str) -> Any:
    return adapter_for(source, territory="giennois", zone=PARIS, pseudonymiser=VAULT, format=name)


def test_formats_are_told_from_their_samples() -> None:
    for one in SETS:
        for sample in one.samples:
            found = registry.format_claiming(sample.payload[:1_000])
            assert found is not None
            assert found.name == one.format
