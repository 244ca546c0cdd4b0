"""RS-SAS-RDV: what a SAMU's software is told of a booking."""

import json
import re
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from builders import notice, practitioner
from pydantic import ValidationError

from slotengine.adapters.out_hubsante import (
    Category,
    Regulator,
    Route,
    appointment,
    encoded,
    enveloped,
    written,
)
from slotengine.codes import Audience, BookingStatus
from slotengine.destinations import Notice
from slotengine.directory import Role, Structure

PARIS = ZoneInfo("Europe/Paris")
NOTICE = notice(
    audiences=(Audience.SNP,),
    slot="slot1",
    start=datetime(2026, 11, 23, 13, 10, tzinfo=UTC),
    end=datetime(2026, 11, 23, 13, 25, tzinfo=UTC),
    created=datetime(2026, 11, 23, 8, 0, 0, 123_456, tzinfo=UTC),
    operator="account-7",
)
REGULATOR = Regulator(
    family_name="Exemple", given_name="Zoé", mail="zoe.exemple@samu.example", id="3450000001/7"
)
ROLE = Role(
    territory="giennois",
    practitioner="10002909371",
    site="s1",
    family_name="Modèle",
    given_name="Ana",
)
CPTS = Structure(finess="450012345", name="CPTS du Giennois")
ROUTE = Route(sender="fr.health.cpts", recipient="fr.health.samu450")


def told(notice: Notice = NOTICE, **facts: Any) -> dict[str, Any]:
    (said,) = appointment(notice, REGULATOR, zone=PARIS, **facts).values()
    assert isinstance(said, dict)
    return said


def test_a_new_booking_is_written_as_the_hub_wants_it() -> None:
    doctor = practitioner("10002909371", specialties=("SM54",))
    assert told(role=ROLE, practitioner=doctor) == {
        "appointmentId": "b-1",
        "method": "CreateAppointment",
        "created": "2026-11-23T09:00:00+01:00",
        "status": "booked",
        "orientationCategory": "PS",
        "start": "2026-11-23T14:10:00+01:00",
        "end": "2026-11-23T14:25:00+01:00",
        "practitioner": {
            "rppsId": "810002909371",
            "lastName": "Modèle",
            "firstName": "Ana",
            "specialityCode": "SM54",
            "specialityUrl": "https://mos.esante.gouv.fr/NOS/TRE_R38-SpecialiteOrdinale/FHIR/TRE-R38-SpecialiteOrdinale",
            "professionUrl": "https://mos.esante.gouv.fr/NOS/TRE_G15-ProfessionSante/FHIR/TRE-G15-ProfessionSante",
            "professionCode": "10",
        },
        "regulator": {
            "regulatorId": "3450000001/7",
            "regulatorName": "Exemple",
            "regulatorFirstname": "Zoé",
            "regulatorEmail": "zoe.exemple@samu.example",
        },
    }


@pytest.mark.parametrize(
    ("status", "word"),
    [
        (BookingStatus.PROMISED, "pending"), (BookingStatus.HELD, "pending"),
        (BookingStatus.CONFIRMED, "booked"), (BookingStatus.FULFILLED, "fulfilled"),
        (BookingStatus.NOSHOW, "noshow"), (BookingStatus.CANCELLED, "cancelled"),
        (BookingStatus.EXPIRED, "cancelled"),
    ],
)  # fmt: skip
def test_every_status_has_its_word(status: BookingStatus, word: str) -> None:
    assert told(NOTICE.replaced(status=status))["status"] == word


def test_only_the_first_state_creates_and_a_cancellation_never_does() -> None:
    assert told(NOTICE.replaced(sequence=2))["method"] == "UpdateAppointment"
    cancelled = NOTICE.replaced(status=BookingStatus.CANCELLED)
    assert told(cancelled)["method"] == "UpdateAppointment"
    assert told(cancelled.replaced(sequence=2))["method"] == "UpdateAppointment"


def test_a_seat_of_the_cpts_names_it_with_the_prefix_of_a_structure() -> None:
    ours = NOTICE.replaced(audiences=(Audience.CPTS, Audience.SNP))
    said = told(ours, structure=CPTS)
    assert said["orientationCategory"] == "CPTS"
    assert said["organization"] == {"organizationId": "1450012345", "name": "CPTS du Giennois"}
    # Reserved for others, or of no known structure: one professional.
    assert told(NOTICE, structure=CPTS)["orientationCategory"] == "PS"
    assert "organization" not in told(NOTICE, structure=CPTS)
    assert told(ours)["orientationCategory"] == "PS"
    house = told(NOTICE, structure=CPTS, category=Category.MSP)
    assert (house["orientationCategory"], "organization" in house) == ("MSP", True)


@pytest.mark.parametrize(
    ("number", "sent"),
    [("10002909371", "810002909371"), ("810002909371", "810002909371"), ("00002909371", None),
     ("d1", None), ("1000290937", None), ("100029093711", None)],
)  # fmt: skip
def test_who_has_no_rpps_that_the_schema_takes_is_not_named(number: str, sent: str | None) -> None:
    said = told(NOTICE.replaced(practitioner=number), role=ROLE)
    assert said.get("practitioner", {}).get("rppsId") == sent


def test_who_has_no_published_name_is_not_named() -> None:
    assert "practitioner" not in told()
    assert "practitioner" not in told(role=ROLE.replaced(family_name=None))
    assert "practitioner" not in told(role=ROLE.replaced(given_name=None))
    assert set(told(role=ROLE)["practitioner"]) == {"rppsId", "lastName", "firstName"}
    bare = practitioner("10002909371", specialties=())
    assert "specialityCode" not in told(role=ROLE, practitioner=bare)["practitioner"]


@pytest.mark.parametrize("zone", ["Europe/Paris", "UTC", "Indian/Reunion", "America/Martinique"])
def test_a_time_has_no_milliseconds_and_no_z_in_any_zone(zone: str) -> None:
    """The SAS demands what the hub refuses: two ways of writing, one test each."""
    hub = re.compile(r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}[\-+]\d{2}:\d{2}$")
    for instant in (NOTICE.created, datetime(2026, 10, 25, 0, 30, tzinfo=UTC)):
        assert hub.fullmatch(written(instant, ZoneInfo(zone)))
    assert written(datetime(2026, 11, 23, 8, tzinfo=UTC), ZoneInfo("UTC")).endswith("+00:00")


def test_the_hour_that_comes_twice_is_told_by_its_offset() -> None:
    first = datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
    assert written(first, PARIS) == "2026-10-25T02:30:00+02:00"
    assert written(first + timedelta(hours=1), PARIS) == "2026-10-25T02:30:00+01:00"


def test_a_state_has_one_number_whenever_it_is_sent() -> None:
    now = datetime(2026, 11, 23, 8, 1, tzinfo=UTC)
    message = appointment(NOTICE, REGULATOR, zone=PARIS)
    once = enveloped(message, NOTICE, ROUTE, now=now, zone=PARIS)
    later = enveloped(message, NOTICE, ROUTE, now=now + timedelta(hours=1), zone=PARIS)
    assert once["distributionID"] == later["distributionID"]
    assert str(once["distributionID"]).startswith("fr.health.cpts_")
    second = NOTICE.replaced(sequence=2)
    assert (
        enveloped(message, second, ROUTE, now=now, zone=PARIS)["distributionID"]
        != (once["distributionID"])
    )


def test_an_envelope_says_who_to_whom_and_until_when() -> None:
    now = datetime(2026, 11, 23, 8, 1, tzinfo=UTC)
    message = appointment(NOTICE, REGULATOR, zone=PARIS)
    whole: dict[str, Any] = enveloped(message, NOTICE, ROUTE, now=now, zone=PARIS)
    assert whole["dateTimeSent"] == "2026-11-23T09:01:00+01:00"
    assert whole["dateTimeExpires"] == "2026-11-24T09:01:00+01:00"
    assert whole["descriptor"]["explicitAddress"]["explicitAddressValue"] == "fr.health.samu450"
    inner = whole["content"][0]["jsonContent"]["embeddedJsonContent"]["message"]
    assert inner["messageId"] == whole["distributionID"]
    assert inner["sender"] == {"name": "fr.health.cpts", "URI": "hubex:fr.health.cpts"}
    assert inner["recipient"] == [{"name": "fr.health.samu450", "URI": "hubex:fr.health.samu450"}]
    assert (inner["kind"], inner["status"]) == ("Report", "Actual")
    assert inner["appointment"] == message["appointment"]
    drill = ROUTE.replaced(exercise=True)
    practised = enveloped(message, NOTICE, drill, now=now, zone=PARIS)
    assert practised["distributionStatus"] == "Exercise"


def test_equal_content_is_equal_bytes() -> None:
    one, two = (encoded(appointment(NOTICE, REGULATOR, zone=PARIS, role=ROLE)) for _ in range(2))
    assert one == two
    assert json.loads(one)["appointment"]["practitioner"]["lastName"] == "Modèle"


def test_nothing_of_the_patient_is_said() -> None:
    said = encoded(appointment(NOTICE, REGULATOR, zone=PARIS, role=ROLE)).decode()
    assert "r-1" not in said
    assert "patient" not in said


def test_a_regulator_is_shown_nowhere() -> None:
    shown = repr(REGULATOR)
    assert not any(name in shown for name in ("Exemple", "Zoé", "example"))


@pytest.mark.parametrize(
    ("field", "value"),
    [("family_name", ""), ("given_name", "Zoé\r\nBcc: x"), ("mail", "zoe"), ("mail", "a b@c"),
     ("mail", "a@b\n"), ("id", ""), ("id", "3450 7")],
)  # fmt: skip
def test_a_regulator_who_could_not_be_written_is_refused_without_a_word(
    field: str, value: str
) -> None:
    with pytest.raises(ValidationError) as caught:
        REGULATOR.replaced(**{field: value})
    assert "Exemple" not in str(caught.value)


@pytest.mark.parametrize(
    "address", ["", "samu450", "fr", "FR.health", "fr.health.samu 450", "fr.a\n"]
)
def test_an_address_that_is_none_of_the_hubs_is_refused(address: str) -> None:
    with pytest.raises(ValidationError):
        ROUTE.replaced(recipient=address)
