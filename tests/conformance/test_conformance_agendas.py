"""Official payloads read as agendas: the national platform's examples, and another country's."""

import json
from pathlib import Path
from typing import Any

import pytest
from agendas import faults, parts, read

from slotengine.adapters.agenda import Agenda
from slotengine.adapters.agenda_fhir import FhirAgenda
from slotengine.adapters.base import Warned, Whereabouts
from slotengine.adapters.directory import DirectoryReader
from slotengine.adapters.kinds import Kind
from slotengine.codes import Audience, Mode
from slotengine.domain import Location
from slotengine.errors import ReferralFormatError


class Anywhere:
    """Puts every address somewhere: these are all over France."""

    def locate(self, said: Whereabouts) -> tuple[Location | None, tuple[Warned, ...]]:
        return Location(lat=said.lat or 46.0, lon=said.lon or 2.0), ()


def agenda_of(payload: str | bytes, **changes: Any) -> Agenda:
    return read(FhirAgenda(), payload, geocoder=Anywhere(), **changes)


def example(conformance: Path, name: str) -> bytes:
    return (conformance / "sas" / "examples" / name).read_bytes()


@pytest.mark.parametrize(
    ("name", "slots", "practitioners", "sites"),
    [
        ("Bundle-ExampleBundlePSIndiv.json", 4, 2, 2),
        ("Bundle-ExampleBundleCPTS1.json", 1, 1, 1),
        ("Bundle-ExampleBundleCPTS2.json", 1, 1, 1),
        ("Bundle-ExampleBundleAgregateurSOS.json", 4, 3, 3),
    ],
)
def test_every_official_answer_is_read_whole(
    conformance: Path, name: str, slots: int, practitioners: int, sites: int
) -> None:
    agenda = agenda_of(example(conformance, name))
    assert faults(agenda) == []
    assert (len(agenda.slots), len(agenda.practitioners), len(agenda.sites)) == (
        slots,
        practitioners,
        sites,
    )
    assert agenda.free_only
    assert agenda.complete


def test_a_cpts_slot_has_its_classes_place_and_page(conformance: Path) -> None:
    agenda = agenda_of(example(conformance, "Bundle-ExampleBundleCPTS1.json"))
    (slot,) = agenda.slots
    assert slot.id == "cabinet:ExampleSlotCPTS1"
    assert slot.practitioner == "10002909371"
    assert slot.start.isoformat() == "2024-06-12T14:40:00+00:00"
    assert slot.audiences == (Audience.CPTS, Audience.PUBLIC)
    assert slot.modes == (Mode.AMB,)
    (role,) = agenda.roles
    assert role.booking_url == "https://exemple.com/rdv/com/"
    assert (role.phone, role.structure) == ("+33561855977", "412345678912345")
    assert role.address is not None
    assert role.address.postcode == "31840"
    assert agenda.practitioners[0].specialties == ("SM54",)
    assert agenda.speaks_of == {"10002909371"}


@pytest.mark.parametrize(
    ("structures", "audiences"),
    [
        (frozenset(), (Audience.CPTS, Audience.PUBLIC)),
        (frozenset({"950047225"}), (Audience.CPTS, Audience.PUBLIC)),
        (frozenset({"950046227"}), (Audience.CPTS, Audience.PUBLIC)),
        (frozenset({"350000000"}), (Audience.PUBLIC,)),
    ],
    ids=["none-said", "first", "second", "another"],
)
def test_a_slot_of_two_cpts_is_for_each_of_them_and_for_no_other(
    conformance: Path, structures: frozenset[str], audiences: tuple[Audience, ...]
) -> None:
    payload = example(conformance, "Bundle-ExampleBundleCPTS2.json")
    (slot,) = agenda_of(payload, structures=structures).slots
    assert slot.audiences == audiences


def test_an_sos_slot_is_given_by_the_structure_at_its_place(conformance: Path) -> None:
    agenda = agenda_of(example(conformance, "Bundle-ExampleBundleAgregateurSOS.json"))
    givers = {slot.practitioner.split("-")[0] for slot in agenda.slots}
    assert all(giver.startswith("3") and len(giver) == 15 for giver in givers)
    assert all(site.siret for site in agenda.sites)
    modes = {slot.modes for slot in agenda.slots}
    assert (Mode.AMB, Mode.VR) in modes


def test_single_resources_a_line_each_are_an_agenda_too(conformance: Path) -> None:
    files = sorted((conformance / "sas" / "examples").glob("*.json"))
    lines = [json.dumps(json.loads(file.read_text("utf-8"))) for file in files]
    singles = [line for line in lines if json.loads(line)["resourceType"] != "Bundle"]
    agenda = agenda_of("\n".join(singles))
    wanted = {json.loads(line)["id"] for line in singles if '"Slot"' in line}
    read_or_said = {slot.id.partition(":")[2] for slot in agenda.slots}
    assert read_or_said <= wanted
    assert len(read_or_said) + len(agenda.rejected) == len(
        [line for line in singles if json.loads(line)["resourceType"] == "Slot"]
    )


def test_every_single_example_is_read_or_refused_and_none_crashes(conformance: Path) -> None:
    refused = {}
    for file in sorted((conformance / "sas" / "examples").glob("*.json")):
        try:
            read_parts = parts(FhirAgenda(), file.read_bytes(), geocoder=Anywhere())
        except ReferralFormatError as no_agenda:
            refused[file.name] = no_agenda.kind
            continue
        assert all(part.items is not None for part in read_parts)
    # An appointment alone says nothing of free hours.
    names = ("Appointment-1.json", "Appointment-12345678.json", "Appointment-2.json")
    assert refused == dict.fromkeys(names, Kind.UNKNOWN_FORMAT)


def test_another_vendors_answer_of_another_country_is_read(conformance: Path) -> None:
    agenda = agenda_of((conformance / "bars" / "slots_GET-success.json").read_bytes())
    assert faults(agenda) == []
    assert len(agenda.slots) == 3
    assert {slot.practitioner for slot in agenda.slots} == {"ABCD123456"}
    assert agenda.sites[0].location.lat == pytest.approx(-37.22866)
    assert not agenda.free_only


def test_the_official_header_of_the_directory_is_understood(conformance: Path) -> None:
    header = (
        conformance / "nomenclatures" / "PS_LibreAcces_Personne_activite.header.txt"
    ).read_bytes()
    agenda = read(DirectoryReader(), header.rstrip() + b"\n")
    assert (agenda.practitioners, faults(agenda), agenda.lists_slots) == ((), [], False)
    assert DirectoryReader().claims(header)
