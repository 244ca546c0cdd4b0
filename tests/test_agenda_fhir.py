"""FHIR agendas: references followed, states told apart, a broken slot costs itself only."""

import contextlib
import json
from typing import Any

import pytest
from agendas import DOCTOR, faults, hours, parts, read
from hypothesis import given, settings
from hypothesis import strategies as st

from slotengine.adapters.agenda import Agenda
from slotengine.adapters.agenda_fhir import FhirAgenda
from slotengine.adapters.kinds import Kind
from slotengine.codes import Audience, Mode, Profession
from slotengine.errors import ReferralFormatError

Json = dict[str, Any]
HOST = "https://vendor.test/fhir"
G15 = "https://mos.esante.gouv.fr/NOS/TRE_G15-ProfessionSante/FHIR/TRE-G15-ProfessionSante"


def slot(id_: str = "s1", **changes: Any) -> Json:
    return {
        "resourceType": "Slot",
        "id": id_,
        "schedule": {"reference": "Schedule/c1"},
        "status": "free",
        "start": "2026-11-24T09:00:00.000+01:00",
        "end": "2026-11-24T09:20:00.000+01:00",
        **changes,
    }


def schedule(**changes: Any) -> Json:
    actors = [{"reference": "Practitioner/p1"}, {"reference": "PractitionerRole/r1"}]
    return {"resourceType": "Schedule", "id": "c1", "actor": actors, **changes}


def person(**changes: Any) -> Json:
    known = [{"system": "urn:oid:1.2.250.1.71.4.2.1", "value": f"8{DOCTOR}"}]
    return {"resourceType": "Practitioner", "id": "p1", "identifier": known, **changes}


def role(**changes: Any) -> Json:
    place = {
        "resourceType": "Location",
        "id": "l",
        "address": {"line": ["1 rue Imaginaire"], "city": "La Châtre", "postalCode": "36400"},
    }
    return {
        "resourceType": "PractitionerRole",
        "id": "r1",
        "contained": [place],
        "practitioner": {"reference": "Practitioner/p1"},
        "location": [{"reference": "#l"}],
        "organization": {"identifier": {"value": "1360000001"}},
        **changes,
    }


def bundle(*resources: Json, link: str | None = None) -> str:
    made: Json = {
        "resourceType": "Bundle",
        "type": "searchset",
        "entry": [
            {"fullUrl": f"{HOST}/{one['resourceType']}/{one['id']}", "resource": one}
            for one in resources
        ],
    }
    if link is not None:
        made["link"] = [{"relation": "self", "url": f"{HOST}/Slot?{link}"}]
    return json.dumps(made)


def agenda(*slots: Json, link: str | None = None, **changes: Any) -> Agenda:
    rest = (schedule(), person(), role())
    return read(FhirAgenda(), bundle(*slots, *rest, link=link), **changes)


def test_a_slot_is_followed_to_who_gives_it_and_where() -> None:
    found = agenda(slot())
    assert hours(found) == ["24/11 09:00-09:20"]
    assert (found.slots[0].id, found.slots[0].practitioner) == ("cabinet:s1", DOCTOR)
    (site,) = found.sites
    assert (site.finess, site.location.insee) == ("360000001", "36046")
    assert found.assumed_places == {site.id}


@pytest.mark.parametrize(
    "reference",
    [
        "Schedule/c1",
        f"{HOST}/Schedule/c1",
        "Schedule/c1/_history/2",
        "https://other.test/Schedule/c1",
    ],
)
def test_a_reference_may_be_written_in_any_way(reference: str) -> None:
    assert len(agenda(slot(schedule={"reference": reference})).slots) == 1


@pytest.mark.parametrize(
    ("identifier", "who"),
    [
        ({"system": "urn:oid:1.2.250.1.71.4.2.1", "value": f"8{DOCTOR}"}, DOCTOR),
        ({"system": "urn:oid:1.2.250.1.71.4.2.1", "value": DOCTOR}, DOCTOR),
        ({"system": "https://rpps.esante.gouv.fr", "value": DOCTOR}, DOCTOR),
        ({"value": f"8{DOCTOR}"}, DOCTOR),
        ({"system": "urn:oid:1.2.250.1.71.4.2.1", "value": "0361234567"}, "0361234567"),
        ({"system": "https://vendor.test/id", "value": "dr-7"}, "dr-7"),
    ],
    ids=["prefixed", "bare", "rpps-system", "no-system", "adeli", "vendors-own"],
)
def test_a_practitioner_is_known_by_any_spelling_of_the_number(identifier: Json, who: str) -> None:
    payload = bundle(slot(), schedule(), person(identifier=[identifier]), role())
    assert read(FhirAgenda(), payload).slots[0].practitioner == who


def test_the_same_digit_means_other_things_before_persons_and_structures() -> None:
    """8 before a person is an RPPS; 1 and 3 before a structure are FINESS and SIRET."""
    for value, finess, siret in (
        ("1360000001", "360000001", None),
        ("360000001", "360000001", None),
        ("312345678900011", None, "12345678900011"),
        ("410000000001234", None, None),
    ):
        office = role(organization={"identifier": {"value": value}})
        (site,) = read(FhirAgenda(), bundle(slot(), schedule(), person(), office)).sites
        assert (site.finess, site.siret) == (finess, siret)


@pytest.mark.parametrize(
    ("status", "free", "taken"),
    [
        ("free", 1, 0),
        ("busy", 0, 1),
        ("busy-tentative", 0, 1),
        ("busy-unavailable", 0, 0),
        ("entered-in-error", 0, 0),
    ],
)
def test_what_is_not_free_is_no_slot_and_what_is_booked_is_told_apart(
    status: str, free: int, taken: int
) -> None:
    found = agenda(slot(status=status))
    assert (len(found.slots), len(found.taken), faults(found)) == (free, taken, [])


def test_modes_classes_and_specialties_are_read_wherever_they_stand() -> None:
    r38 = (
        "https://mos.esante.gouv.fr/NOS/TRE_R38-SpecialiteOrdinale/FHIR/TRE-R38-SpecialiteOrdinale"
    )
    found = agenda(
        slot(
            meta={"security": [{"code": "SNP"}, {"code": "PRO"}, {"code": "?"}]},
            serviceType=[
                {"coding": [{"code": "VR"}], "text": "Téléconsultation"},
                {"coding": [{"code": "AMB"}]},
                {"text": "Visite de contrôle"},
            ],
            specialty=[{"coding": [{"system": r38, "code": "SM40"}]}, {"text": "Pédiatrie"}],
        )
    )
    assert found.slots[0].audiences == (Audience.PRO, Audience.SNP)
    assert found.slots[0].modes == (Mode.AMB, Mode.VR)
    assert found.practitioners[0].specialties == ("SM40",)


def test_a_walk_in_slot_needs_no_page_and_a_comment_that_is_none_is_no_page() -> None:
    walk_in = slot(appointmentType={"coding": [{"code": "WALKIN"}]})
    for one in (walk_in, slot(comment="Sonner deux fois"), slot(comment="javascript:alert(1)")):
        found = agenda(one)
        assert (len(found.slots), found.roles[0].booking_url) == (1, None)
    assert agenda(slot(comment="https://x.test/1")).roles[0].booking_url == "https://x.test/1"


def test_a_profession_is_read_where_the_role_says_it() -> None:
    nurse = role(code=[{"coding": [{"system": G15, "code": "60"}]}])
    found = read(FhirAgenda(), bundle(slot(), schedule(), person(), nurse))
    assert found.practitioners[0].profession is Profession.NURSE
    assert found.assumed_professions == frozenset()
    assert agenda(slot()).assumed_professions == {DOCTOR}


START, STOP = "start=ge2026-11-24T00:00:00.000{}", "start=le2026-11-27T00:00:00.000{}"


@pytest.mark.parametrize("offset", ["+01:00", "%2B01:00", " 01:00"])
def test_an_answer_speaks_for_what_it_was_asked(offset: str) -> None:
    who = "schedule.actor:Practitioner.identifier=urn:oid:1.2.250.1.71.4.2.1|8"
    link = f"{START.format(offset)}&{STOP.format(offset)}&status=free&{who}{DOCTOR}, x|810000000002"
    found = agenda(slot(), link=link)
    assert found.window is not None
    assert found.window.start.isoformat() == "2026-11-23T23:00:00+00:00"
    assert found.window.end.isoformat() == "2026-11-26T23:00:00+00:00"
    assert found.free_only
    assert found.speaks_of == {DOCTOR, "10000000002"}


def test_a_bundle_that_was_not_asked_for_speaks_for_its_days() -> None:
    found = agenda(slot())
    assert found.window is not None
    assert (found.window.end - found.window.start).days == 1
    assert (found.free_only, found.speaks_of) == (False, None)


@pytest.mark.parametrize(
    ("changes", "fault", "path"),
    [
        ({"schedule": {"reference": "Schedule/?"}}, ("schedule", "missing"), "schedule"),
        ({"schedule": None}, ("schedule", "missing"), "schedule"),
        ({"schedule": {"reference": "Practitioner/p1"}}, ("schedule", "missing"), "schedule"),
        ({"start": None}, ("start", "missing"), "start"),
        ({"start": "2026-11-24"}, ("start", "bad_date"), "start"),
        ({"start": 7}, ("start", "missing"), "start"),
        ({"end": "2026-11-24T09:00:00.000+01:00"}, ("end", "end_before_start"), "end"),
        ({"end": "2026-11-25T09:00:00.000+01:00"}, ("end", "out_of_range"), "end"),
        ({"status": None}, ("status", "missing"), "status"),
        ({"id": None}, ("id", "missing"), "id"),
    ],
)
def test_a_slot_that_can_not_be_read_costs_itself_only(
    changes: Json, fault: tuple[str, str], path: str
) -> None:
    bad = {name: value for name, value in {**slot("bad"), **changes}.items() if value is not None}
    resources = [slot("good"), bad, schedule(), person(), role()]
    entries = [{"resource": one} for one in resources]
    found = read(FhirAgenda(), json.dumps({"resourceType": "Bundle", "entry": entries}))
    assert [one.id for one in found.slots] == ["cabinet:good"]
    assert faults(found) == [fault]
    assert found.rejected[0].path == f"entry[1].resource.{path}"


@pytest.mark.parametrize(
    ("resources", "fault"),
    [
        ([schedule(), role(practitioner={})], ("practitioner", "missing")),
        ([schedule(), person(), role(location=[], contained=[])], ("site", "missing")),
        ([schedule(actor=[]), person(), role()], ("site", "missing")),
    ],
    ids=["nobody", "nowhere", "no-actor"],
)
def test_a_schedule_of_nobody_or_nowhere_refuses_its_slots(
    resources: list[Json], fault: tuple[str, str]
) -> None:
    assert faults(read(FhirAgenda(), bundle(slot(), *resources))) == [fault]


def test_an_empty_answer_is_an_answer() -> None:
    empty = {"resourceType": "Bundle", "total": 0, "link": [{"url": "https://x/Slot?status=free"}]}
    found = read(FhirAgenda(), json.dumps(empty))
    assert (found.slots, found.free_only, found.complete) == ((), True, True)


def test_resources_a_line_each_and_a_list_of_them_say_the_same() -> None:
    resources = [slot(), schedule(), person(), role()]
    lines = "\n".join(json.dumps(one) for one in resources)
    assert read(FhirAgenda(), lines).slots == read(FhirAgenda(), json.dumps(resources)).slots


@pytest.mark.parametrize(
    "payload", [b"", b"{}", b"[1]", b'{"resourceType": "Bundle"', b"nothing", b"[" * 100_000]
)
def test_what_is_no_agenda_gives_no_slot_and_raises_one_error_only(payload: bytes) -> None:
    try:
        found = read(FhirAgenda(), payload)
    except ReferralFormatError:
        return
    assert found.slots == ()


_SCALARS = st.none() | st.booleans() | st.integers() | st.text(max_size=10)
_JSON = st.recursive(
    _SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["reference", "identifier", "actor", "value", "coding", "line", "given"]
            ),
            inner,
            max_size=3,
        )
    ),
    max_leaves=8,
)


@settings(deadline=None, derandomize=True, max_examples=250)
@given(
    st.sampled_from(
        ["schedule", "actor", "identifier", "address", "serviceType", "contained", "organization",
         "name", "telecom", "position", "start", "status", "meta", "location", "link", "comment"]
    ),
    _JSON,
    st.integers(min_value=0, max_value=3),
)  # fmt: skip
def test_no_member_of_any_type_breaks_the_reader(name: str, value: Any, at: int) -> None:
    resources = [slot(), schedule(), person(), role()]
    place = {**resources[3]["contained"][0], name: value}
    resources[3]["contained"] = [place]
    resources[at] = {**resources[at], name: value}
    with contextlib.suppress(ReferralFormatError):
        assert parts(FhirAgenda(), bundle(*resources))


@pytest.mark.parametrize(
    ("document", "kind"),
    [
        ({"resourceType": "CapabilityStatement"}, Kind.UNKNOWN_FORMAT),
        (
            {"resourceType": "OperationOutcome", "issue": [{"severity": "error"}]},
            Kind.SENDER_FAULT,
        ),
        (
            {
                "resourceType": "Bundle",
                "type": "searchset",
                "link": [{"relation": "self", "url": "https://a.test/Slot?status=free"}],
                "entry": [
                    {
                        "resource": {
                            "resourceType": "OperationOutcome",
                            "issue": [{"severity": "fatal"}],
                        }
                    }
                ],
            },
            Kind.SENDER_FAULT,
        ),
    ],
)
def test_an_answer_that_failed_is_no_empty_agenda(document: dict[str, Any], kind: Kind) -> None:
    with pytest.raises(ReferralFormatError) as refused:
        parts(FhirAgenda(), json.dumps(document).encode())
    assert refused.value.kind == kind


def test_a_warning_beside_slots_is_no_failure() -> None:
    document = {
        "resourceType": "Bundle",
        "type": "searchset",
        "link": [{"relation": "self", "url": "https://a.test/Slot?status=free"}],
        "entry": [
            {
                "resource": {
                    "resourceType": "OperationOutcome",
                    "issue": [{"severity": "warning"}],
                }
            }
        ],
    }
    assert len(parts(FhirAgenda(), json.dumps(document).encode())) == 1
