"""Appointments in FHIR: wishes, endings, and what is no referral at all."""

from typing import Any

import pytest
from fhir_messages import (
    PATIENT_URL,
    REQUEST_URL,
    about,
    bundle,
    concept,
    entry,
    fault,
    intakes,
    message,
    new,
    one,
    person,
    referral,
    request,
)
from records import paris

from slotengine.adapters import Cancel, Kind, New, Outcome
from slotengine.codes import Mode
from slotengine.domain import Motive, TimeWindow

ACT_CODE = "http://terminology.hl7.org/CodeSystem/v3-ActCode"
R38 = "https://mos.esante.gouv.fr/NOS/TRE_R38-SpecialiteOrdinale/FHIR/TRE-R38-SpecialiteOrdinale"
ICD = "http://hl7.org/fhir/sid/icd-10"


START, END = "2026-11-24T10:00:00+01:00", "2026-11-24T10:15:00+01:00"


def appointment(**changes: Any) -> dict[str, Any]:
    said = {
        "resourceType": "Appointment",
        "identifier": [{"value": "A-1"}],
        "status": "proposed",
        "participant": [{"actor": {"reference": PATIENT_URL}, "status": "accepted"}],
        "created": "2026-11-23T08:30:00+01:00",
        "start": START,
        "end": END,
    }
    return {name: value for name, value in {**said, **changes}.items() if value is not None}


def wished(*more: Any, **changes: Any) -> dict[str, Any]:
    return bundle(entry(appointment(**changes)), entry(person(), PATIENT_URL), *more)


@pytest.mark.parametrize("status", ["proposed", "pending", "waitlist"])
def test_a_wished_appointment_is_a_referral_for_its_time(status: str) -> None:
    found = referral(wished(status=status))
    assert found.reference == "A-1"
    assert found.windows == (
        TimeWindow(start=paris(2026, 11, 24, 10), end=paris(2026, 11, 24, 10, 15)),
    )


def test_requested_periods_come_before_the_time_and_each_is_a_window() -> None:
    morning = {"start": "2026-11-24T08:00:00+01:00", "end": "2026-11-24T12:00:00+01:00"}
    day = {"start": "2026-11-25", "end": "2026-11-25"}
    assert len(referral(wished(requestedPeriod=[morning])).windows) == 1
    first, second = referral(wished(requestedPeriod=[morning, day])).windows
    assert first.start == paris(2026, 11, 24, 8)
    assert (second.start, second.end) == (paris(2026, 11, 25), paris(2026, 11, 26))
    open_ended = wished(requestedPeriod=[morning, {"start": "2026-11-25"}])
    assert fault(open_ended)[1] is Kind.MISSING


def test_an_appointment_without_a_patient_is_an_offer_and_refused() -> None:
    for source in ("hospital", "emergency"):
        nobody = [{"actor": {"display": "Cabinet Exemple"}, "status": "needs-action"}]
        found = fault(appointment(participant=nobody), source)
        assert found == ("patient_id", Kind.NOT_ACTIVE, "participant")


@pytest.mark.parametrize("status", ["booked", "arrived", "checked-in"])
def test_an_appointment_made_elsewhere_leaves_nothing_to_place(status: str) -> None:
    found = fault(wished(status=status))
    assert found == ("status", Kind.ALREADY_BOOKED, "entry[0].resource.status")


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        ("cancelled", Cancel),
        ("entered-in-error", Cancel),
        ("fulfilled", Outcome),
        ("noshow", Outcome),
    ],
)
def test_how_an_appointment_ended_is_told_of_the_request_it_was_made_for(
    status: str, kind: type
) -> None:
    for made_for in (
        {"identifier": {"system": "https://clinique.example/demandes", "value": "H-7"}},
        {"reference": "ServiceRequest/H-7"},
    ):
        ended = one(appointment(status=status, basedOn=[made_for]))
        assert type(ended) is kind
        assert getattr(ended, "reference", None) == "H-7"
    own = one(appointment(status=status))
    assert getattr(own, "reference", None) == "A-1"


def test_an_unknown_status_of_an_appointment_is_refused() -> None:
    assert fault(wished(status="open"))[:2] == ("status", Kind.UNKNOWN_CODE)
    assert fault(wished(status=None))[:2] == ("status", Kind.MISSING)


def test_an_hour_that_its_slot_contradicts_is_refused() -> None:
    """NHS booking sample: the appointment says 12 October, its slot the 6th."""

    def beside(start: str) -> Any:
        slot = entry({"resourceType": "Slot", "start": start}, "urn:uuid:slot")
        return wished(slot, slot=[{"reference": "urn:uuid:slot"}])

    assert referral(beside("2026-11-24T09:00:00.000Z")).reference == "A-1"
    found = fault(beside("2026-11-24T09:00:30Z"))
    assert found[1:] == (Kind.CONTRADICTION, "entry[0].resource.start")


def test_an_appointment_beside_its_request_says_only_how_it_ended() -> None:
    def both(status: str) -> Any:
        made = appointment(status=status, basedOn=[{"reference": REQUEST_URL}])
        return about(None, entry(made))

    assert [type(one_) for one_ in intakes(both("booked"))] == [New]
    assert [type(one_) for one_ in intakes(both("cancelled"))] == [New]
    assert [type(one_) for one_ in intakes(both("fulfilled"))] == [New, Outcome]


def test_service_types_tell_how_and_specialties_tell_who() -> None:
    found = referral(
        wished(
            serviceType=[concept(ACT_CODE, "VR"), {"text": "Renouvellement"}],
            specialty=[concept(R38, "SM40")],
            reasonCode=[concept(ICD, "J02")],
        )
    )
    assert (found.modes, found.specialties) == ((Mode.VR,), ("SM40",))
    assert found.motive == Motive(code="J02", system=ICD)


def test_a_message_id_is_the_envelopes_else_the_headers_else_the_version() -> None:
    def said(**more: Any) -> str | None:
        entries = (entry(request(), REQUEST_URL), entry(person(), PATIENT_URL))
        return new(message(*entries, **more)).message

    assert said(identifier={"value": "env"}, id="b-1") == "env"
    assert said(id="b-1") == "m-1"
    assert said(id="b-1", header={"id": None}) == "b-1"
    version = {"versionId": "3", "lastUpdated": "2026-11-23T07:00:00Z"}
    assert new(about(id="r-7", meta=version)).message == "ServiceRequest/r-7/_history/3"
    assert new(about()).message is None
