"""The SAS told over HTTP: what is sent, what its answers mean, and reading another vendor."""

import json
import re
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, parse_qsl
from zoneinfo import ZoneInfo

import httpx
import pytest
from builders import NOW, notice, policy, referral
from counter import PHARMACIST, counter, later

from slotengine.adapters.sas_appointment import appointment
from slotengine.codes import BookingStatus
from slotengine.destinations import Delivery, Destination, Form, Outgoing
from slotengine.domain import TimeWindow
from slotengine.errors import DeliveryError, InputError
from slotengine.sending import FhirChannel, Tls, client, read_slots
from slotengine.store import SqlStore

PARIS = ZoneInfo("Europe/Paris")
OURS = "urn:oid:1.2.250.1.999.1"
SAS = "https://sas.test/fhir"
NOTICE = notice(
    start=datetime(2026, 11, 23, 13, 10, tzinfo=UTC),
    end=datetime(2026, 11, 23, 13, 25, tzinfo=UTC),
    changed=datetime(2026, 11, 23, 8, 1, tzinfo=UTC),
    operator="3456780581/11242343",
)
MESSAGE = Outgoing(
    id=1,
    destination="sas",
    notice=NOTICE,
    state=Delivery.PENDING,
    next_at=NOW,
    created_at=NOW,
)


class Platform:
    """A server that keeps Appointments by identifier, as the SAS says it does."""

    def __init__(self) -> None:
        self.kept: dict[str, dict[str, Any]] = {}
        self.calls: list[httpx.Request] = []
        self.answers: list[httpx.Response] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.calls.append(request)
        if self.answers:
            return self.answers.pop(0)
        ((_, which),) = parse_qsl(request.url.query.decode())
        known = which in self.kept
        self.kept[which] = json.loads(request.content)
        return httpx.Response(200 if known else 201, headers={"Location": "Appointment/1"})


def channel(platform: Any) -> FhirChannel:
    http = client(SAS, transport=httpx.MockTransport(platform))
    return FhirChannel.of_sas(http, system=OURS, zone=PARIS)


def put(platform: Platform, message: Outgoing = MESSAGE) -> None:
    to = channel(platform)
    to.send(message, to.render(message))


def test_the_appointment_is_the_one_that_the_profile_asks_for() -> None:
    # Written by hand after the official Appointment-1, with our own figures.
    id_type = "http://interopsante.org/fhir/CodeSystem/fr-v2-0203"
    persons = "urn:oid:1.2.250.1.71.4.2.1"
    idnps = {"coding": [{"system": id_type, "code": "IDNPS"}]}
    assert appointment(NOTICE, system=OURS, zone=PARIS) == {
        "resourceType": "Appointment",
        "meta": {"profile": ["http://sas.fr/fhir/StructureDefinition/FrAppointmentSAS"]},
        "extension": [
            {
                "url": "http://interopsante.org/fhir/StructureDefinition/FrAppointmentOperator",
                "valueReference": {
                    "identifier": {
                        "type": idnps,
                        "system": persons,
                        "value": "3456780581/11242343",
                    }
                },
            }
        ],
        "identifier": [{"system": OURS, "value": "b-1"}],
        "status": "booked",
        "start": "2026-11-23T14:10:00.000+01:00",
        "end": "2026-11-23T14:25:00.000+01:00",
        "created": "2026-11-23T09:00:00.000+01:00",
        "participant": [
            {
                "actor": {
                    "identifier": {"type": idnps, "system": persons, "value": "810002909371"}
                },
                "status": "accepted",
            }
        ],
    }


@pytest.mark.parametrize(
    ("status", "said"),
    [
        (BookingStatus.CONFIRMED, "booked"),
        (BookingStatus.CANCELLED, "cancelled"),
        (BookingStatus.FULFILLED, "fulfilled"),
        (BookingStatus.NOSHOW, "noshow"),
    ],
)
def test_each_state_has_its_word(status: BookingStatus, said: str) -> None:
    made = appointment(NOTICE.replaced(status=status), system=OURS, zone=PARIS)
    assert made["status"] == said


@pytest.mark.parametrize(
    ("operator", "system", "value"),
    [
        ("10002909371", "urn:oid:1.2.250.1.71.4.2.1", "810002909371"),
        ("810002909371", "urn:oid:1.2.250.1.71.4.2.1", "810002909371"),
        ("3456780581/11242343", "urn:oid:1.2.250.1.71.4.2.1", "3456780581/11242343"),
        (
            "b6e39355-8a61-4556-b340-36f7b95fec6a",
            "urn:oid:1.2.250.1.213.3.6",
            "b6e39355-8a61-4556-b340-36f7b95fec6a",
        ),
    ],
)
def test_a_regulator_is_named_as_the_sas_named_it(operator: str, system: str, value: str) -> None:
    made = appointment(NOTICE.replaced(operator=operator), system=OURS, zone=PARIS)
    named = made["extension"][0]["valueReference"]["identifier"]
    assert (named["system"], named["value"]) == (system, value)


def test_a_booking_that_nobody_made_is_not_sent() -> None:
    with pytest.raises(DeliveryError) as refused:
        appointment(NOTICE.replaced(operator=None), system=OURS, zone=PARIS)
    assert refused.value.permanent


def test_milliseconds_and_a_numeric_offset_are_always_written() -> None:
    wire = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}[+-]\d\d:\d\d")
    # Half past two twice, on the night of 25 October 2026: the offset tells them apart.
    for hour, offset in ((0, "+02:00"), (1, "+01:00")):
        at = datetime(2026, 10, 25, hour, 30, tzinfo=UTC)
        made = appointment(NOTICE.replaced(start=at), system=OURS, zone=PARIS)
        assert wire.fullmatch(made["start"])
        assert made["start"] == f"2026-10-25T02:30:00.000{offset}"


def test_it_is_put_under_its_identifier() -> None:
    platform = Platform()
    put(platform)
    (call,) = platform.calls
    assert call.method == "PUT"
    assert call.url.path == "/fhir/Appointment"
    assert parse_qs(call.url.query.decode()) == {"identifier": [f"{OURS}|b-1"]}
    assert call.headers["Content-Type"] == "application/json+fhir"
    put(platform)
    assert list(platform.kept) == [f"{OURS}|b-1"]


def test_a_plain_server_is_told_in_plain_fhir() -> None:
    platform = Platform()
    to = FhirChannel.of_server(
        client(SAS, transport=httpx.MockTransport(platform)), system=OURS, zone=PARIS
    )
    to.send(MESSAGE, to.render(MESSAGE))
    (call,) = platform.calls
    assert call.headers["Content-Type"] == "application/fhir+json"
    kept = platform.kept[f"{OURS}|b-1"]
    assert (kept["status"], "meta" in kept, "extension" in kept) == ("booked", False, False)


@pytest.mark.parametrize(
    ("status", "permanent"),
    [
        *((status, True) for status in (204, 302, 400, 410, 422)),
        *((status, False) for status in (401, 404, 408, 409, 429, 500, 503)),
    ],
)
def test_what_an_answer_means(status: int, permanent: bool) -> None:  # noqa: FBT001 (a parameter)
    platform = Platform()
    platform.answers = [httpx.Response(status, json={"text": "a secret of theirs"})]
    with pytest.raises(DeliveryError, match=f"^answered {status}$") as refused:
        put(platform)
    assert refused.value.permanent is permanent


@pytest.mark.parametrize(
    ("asked", "seconds"),
    [("120", 120), ("999999999", 6 * 3600), ("", 0), ("Wed, 21 Oct 2026 07:28:00 GMT", 0)],
)
def test_a_pause_that_is_asked_for_is_kept_within_reason(asked: str, seconds: int) -> None:
    platform = Platform()
    platform.answers = [httpx.Response(503, headers={"Retry-After": asked})]
    with pytest.raises(DeliveryError) as refused:
        put(platform)
    assert refused.value.after == timedelta(seconds=seconds)


def test_no_answer_is_tried_again() -> None:
    def silent(request: httpx.Request) -> httpx.Response:
        raise httpx.ReadTimeout("late", request=request)

    with pytest.raises(DeliveryError, match=r"no answer \(ReadTimeout\)") as refused:
        put(silent)  # type: ignore[arg-type]  # a platform that never answers
    assert not refused.value.permanent


def test_only_https_or_this_machine_is_told() -> None:
    for allowed in ("https://sas.test/fhir", "http://127.0.0.1:8080", "http://localhost"):
        client(allowed).close()
    for refused in ("http://sas.test/fhir", "ftp://sas.test", "sas.test"):
        with pytest.raises(InputError, match="https"):
            client(refused)


def test_a_certificate_that_is_not_there_is_a_clear_error() -> None:
    with pytest.raises(InputError, match="can't be read"):
        client(SAS, tls=Tls(cert="nowhere.pem"))


def test_from_the_booking_to_the_platform_and_back_to_cancelled(store: SqlStore) -> None:
    engine, platform = counter(store), Platform()
    told = Destination(name="sas", form=Form.SAS, url=SAS)
    engine.set_policy(policy(destinations=(told,)), now=NOW)
    placed = engine.place(referral(), now=NOW, confirm=True, actor=PHARMACIST)
    assert placed.booking is not None
    platform.answers = [httpx.Response(503)]
    assert engine.deliver({"sas": channel(platform)}, now=NOW).postponed
    engine.cancel(placed.booking.id, reason="patient", now=later(1))
    for minute in (2, 3):
        assert engine.deliver({"sas": channel(platform)}, now=later(minute)).sent
    (kept,) = platform.kept.values()
    assert kept["status"] == "cancelled"
    said = [json.loads(call.content)["status"] for call in platform.calls]
    assert said == ["booked", "booked", "cancelled"]
    # The same message twice, byte by byte.
    assert platform.calls[0].content == platform.calls[1].content
    everything = b"".join(call.content for call in platform.calls).decode()
    assert referral().patient.key not in everything
    assert referral().id not in everything


DAY = TimeWindow(start=NOW, end=NOW + timedelta(hours=72))


def test_another_vendor_is_asked_25_practitioners_at_a_time() -> None:
    asked: list[str] = []

    def vendor(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.query.decode())
        return httpx.Response(200, content=b'{"resourceType":"Bundle"}')

    http = client(SAS, transport=httpx.MockTransport(vendor))
    ids = [f"100000000{n:02}" for n in range(26)]
    assert len(list(read_slots(http, ids, DAY, zone=PARIS, cpts=True))) == 2
    assert [query.count("%7C") for query in asked] == [25, 1]
    first = parse_qs(asked[0])
    assert first["status"] == ["free"]
    assert first["start"] == [
        f"ge{NOW.astimezone(PARIS).isoformat(timespec='milliseconds')}",
        f"le{DAY.end.astimezone(PARIS).isoformat(timespec='milliseconds')}",
    ]
    assert first["_include:iterate"] == ["Schedule:actor", "HealthcareService:organization"]
    assert "+" not in asked[0]


def test_a_vendor_that_fails_or_floods_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    from slotengine import sending

    monkeypatch.setattr(sending, "MAX_ANSWER_BYTES", 10)
    for answer, words in (
        (httpx.Response(500), "answered 500"),
        (httpx.Response(200, content=b"x" * 11), "more than is read"),
    ):
        http = client(SAS, transport=httpx.MockTransport(lambda _, answer=answer: answer))
        with pytest.raises(DeliveryError, match=words):
            list(read_slots(http, ["10000000001"], DAY, zone=PARIS))
    exactly = httpx.Response(200, content=b"x" * 10)
    http = client(SAS, transport=httpx.MockTransport(lambda _: exactly))
    assert list(read_slots(http, ["10000000001"], DAY, zone=PARIS)) == [b"x" * 10]
