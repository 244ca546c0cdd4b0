"""IHE $find, $hold and $book on the served app: proposals, holds, races, and what is refused."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any
from zoneinfo import ZoneInfo

import anyio
import httpx
import pytest
from builders import NOW, TOWN, referral, slot
from counter import counter, later
from fhir.resources.R4B.bundle import Bundle
from fhir.resources.R4B.operationoutcome import OperationOutcome
from starlette.requests import HTTPConnection

from slotengine.adapters.base import Door
from slotengine.adapters.sources import PROFILES
from slotengine.codes import BookingStatus, SourceKind
from slotengine.domain import Actor
from slotengine.engine import Engine
from slotengine.serving_app import app
from slotengine.serving_iti import Operations
from slotengine.store import SqlStore
from slotengine.vault import Pseudonymiser

PARIS = ZoneInfo("Europe/Paris")
ACTORS = {"key-a": Actor(role="api_client", id="a"), "key-b": Actor(role="api_client", id="b")}
DOOR = Door(
    profile=PROFILES[SourceKind.PHARMACY],
    territory="giennois",
    zone=PARIS,
    pseudonymiser=Pseudonymiser(bytes(range(32))),
)


def who(asked: HTTPConnection) -> Actor | None:
    return ACTORS.get(asked.headers.get("x-api-key", ""))


class Clinic:
    """A client of the app whose clock the test moves."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.now: datetime = NOW
        operations = Operations(
            engine,
            now=lambda: self.now,
            door_of=lambda actor: DOOR if actor.id == "a" else None,
            base=lambda _: "https://clinic.test/fhir",
        )
        served = app(engine, now=lambda: self.now, authenticate=who, more=operations.routes())
        self._served = httpx.ASGITransport(app=served)

    def post(self, operation: str, body: Any, *, key: str = "key-a", query: str = "") -> Any:
        return self.call("POST", f"/Appointment/{operation}{query}", json=body, key=key)

    def call(self, method: str, path: str, *, key: str, **more: Any) -> httpx.Response:
        async def asked() -> httpx.Response:
            async with httpx.AsyncClient(
                transport=self._served, base_url="https://clinic.test"
            ) as http:
                return await http.request(method, path, headers={"x-api-key": key}, **more)

        return anyio.run(asked)

    def find(self, *more: dict[str, Any], query: str = "") -> list[dict[str, Any]]:
        answer = self.post("$find", parameters(*more), query=query)
        assert answer.status_code == 200, answer.text
        Bundle.model_validate(answer.json())
        found = [
            one["resource"]
            for one in answer.json().get("entry", ())
            if one["search"]["mode"] == "match"
        ]
        assert answer.json()["total"] == len(found)
        return found

    def hold(self, id_: str) -> Any:
        return self.post("$hold", reference(id_))

    def book(self, id_: str) -> Any:
        return self.post("$book", reference(id_))


@pytest.fixture
def clinic(store: SqlStore) -> Clinic:
    engine = counter(
        store,
        slot("soon"),
        slot("later", after_minutes=180),
        slot("other", after_minutes=200, practitioner="d2", site="s2"),
    )
    return Clinic(engine)


PATIENT = {
    "name": "patient-resource",
    "resource": {
        "resourceType": "Patient",
        "identifier": [{"system": "urn:clinic", "value": "invented-17"}],
        "birthDate": "1971-03-02",
        "gender": "female",
        "address": [
            {
                "extension": [
                    {
                        "url": "http://hl7.org/fhir/StructureDefinition/geolocation",
                        "extension": [
                            {"url": "latitude", "valueDecimal": TOWN.lat},
                            {"url": "longitude", "valueDecimal": TOWN.lon},
                        ],
                    }
                ]
            }
        ],
    },
}


def parameters(*more: dict[str, Any], hours: float = 24) -> dict[str, Any]:
    start = NOW.astimezone(PARIS)
    return {
        "resourceType": "Parameters",
        "parameter": [
            {"name": "start", "valueDateTime": start.isoformat()},
            {"name": "end", "valueDateTime": (start + timedelta(hours=hours)).isoformat()},
            *(more or (PATIENT,)),
        ],
    }


def reference(id_: str) -> dict[str, Any]:
    return {
        "resourceType": "Parameters",
        "parameter": [
            {
                "name": "appointment-reference",
                "valueReference": {"reference": f"https://clinic.test/fhir/Appointment/{id_}"},
            }
        ],
    }


def refused(answer: Any, status: int, code: str) -> None:
    assert answer.status_code == status, answer.text
    OperationOutcome.model_validate(answer.json())
    assert answer.json()["issue"][0]["code"] == code


def test_what_is_proposed_is_what_the_counter_offers(clinic: Clinic) -> None:
    found = clinic.find()
    assert [one["slot"][0]["identifier"]["value"] for one in found] == ["soon", "later", "other"]
    first = found[0]
    assert (first["status"], len(first["id"])) == ("proposed", 61)
    assert [one["status"] for one in first["participant"]] == ["needs-action"] * 2
    assert first["start"] == later(120).astimezone(PARIS).isoformat(timespec="milliseconds")
    assert "invented" not in str(found)


def test_the_same_search_again_is_the_same_referral(clinic: Clinic) -> None:
    ids = [one["id"] for one in clinic.find()]
    clinic.now = later(5)
    assert [one["id"] for one in clinic.find()] == ids
    assert len(clinic.engine.waiting("giennois")) == 1
    (asked,) = clinic.engine.waiting("giennois")
    assert (asked.source, asked.patient.age) == (SourceKind.PHARMACY, 55)
    assert asked.windows[0].start == NOW


def test_a_known_referral_is_found_by_its_reference(clinic: Clinic) -> None:
    clinic.engine.refer(referral("42"), now=NOW)
    named = {"name": "referral-identifier", "valueIdentifier": {"value": "42"}}
    assert clinic.find(named)[0]["basedOn"][0]["identifier"]["value"] == referral("42").id
    assert len(clinic.engine.waiting("giennois")) == 1


@pytest.mark.parametrize(
    ("wish", "slots"),
    [
        (
            {"name": "practitioner", "valueReference": {"reference": "Practitioner/d2"}},
            ["other"],
        ),
        (
            {"name": "location-reference", "valueReference": {"identifier": {"value": "s1"}}},
            ["soon", "later"],
        ),
        ({"name": "practitioner", "valueReference": {"reference": "Practitioner/d9"}}, []),
    ],
)
def test_wishes_choose_and_order(clinic: Clinic, wish: dict[str, Any], slots: list[str]) -> None:
    found = clinic.find(PATIENT, wish)
    assert [one["slot"][0]["identifier"]["value"] for one in found] == slots


def test_preferences_come_in_their_order(clinic: Clinic) -> None:
    wishes = [
        {"name": "practitioner", "valueReference": {"reference": f"Practitioner/{name}"}}
        for name in ("d2", "d1")
    ]
    found = clinic.find(PATIENT, *wishes)
    assert [one["slot"][0]["identifier"]["value"] for one in found] == ["other", "soon", "later"]


@pytest.mark.parametrize(("query", "count"), [("?_count=1", 1), ("?_count=0", 0), ("?_count=x", 3)])
def test_as_many_as_are_asked_for(clinic: Clinic, query: str, count: int) -> None:
    assert len(clinic.find(query=query)) == count


def test_none_comes_with_its_reasons(store: SqlStore) -> None:
    clinic = Clinic(counter(store, slot("far", after_minutes=60 * 24 * 5)))
    answer = clinic.post("$find", parameters()).json()
    assert answer["total"] == 0
    (entry,) = answer["entry"]
    assert entry["search"]["mode"] == "outcome"
    OperationOutcome.model_validate(entry["resource"])
    said = entry["resource"]["issue"][0]["diagnostics"]
    assert " / " in said


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"resourceType": "Patient"}, 400, "structure"),
        ([], 400, "structure"),
        ({"resourceType": "Parameters"}, 400, "required"),
        ({"resourceType": "Parameters", "parameter": [{"name": "start"}]}, 422, "value"),
        (parameters({"name": "reason", "valueString": "cough"}), 422, "value"),
        (parameters(hours=0), 422, "value"),
        (parameters(PATIENT, *([{"name": "reason"}] * 21)), 400, "structure"),
        (
            parameters({"name": "referral-identifier", "valueIdentifier": {"value": "none"}}),
            404,
            "not-found",
        ),
        (
            parameters({"name": "patient-resource", "resource": {"resourceType": "Patient"}}),
            400,
            "required",
        ),
    ],
)
def test_a_search_that_can_t_be_served_says_why(
    clinic: Clinic, body: Any, status: int, code: str
) -> None:
    refused(clinic.post("$find", body), status, code)
    assert clinic.engine.waiting("giennois") == ()


def test_a_proposal_is_held_and_nobody_else_finds_it(clinic: Clinic) -> None:
    (first, *_) = clinic.find()
    answer = clinic.hold(first["id"])
    assert answer.status_code == 200
    Bundle.model_validate(answer.json())
    (entry,) = answer.json()["entry"]
    held = entry["resource"]
    assert (held["status"], held["participant"][0]["status"]) == ("pending", "tentative")
    assert parsedate_to_datetime(answer.headers["expires"]) == later(5)
    # The same again is the same hold.
    assert clinic.hold(first["id"]).json()["entry"][0]["resource"]["id"] == held["id"]
    clinic.engine.refer(referral("42"), now=NOW)
    named = {"name": "referral-identifier", "valueIdentifier": {"value": "42"}}
    others = [one["slot"][0]["identifier"]["value"] for one in clinic.find(named)]
    assert others == ["later", "other"]


def test_a_held_proposal_is_booked_and_cancelled(clinic: Clinic) -> None:
    (first, *_) = clinic.find()
    held = clinic.hold(first["id"]).json()["entry"][0]["resource"]["id"]
    booked = clinic.book(held)
    assert booked.json()["entry"][0]["resource"]["status"] == "booked"
    assert "expires" not in booked.headers
    again = clinic.book(held)
    assert again.json()["entry"][0]["resource"]["status"] == "booked"
    change = {
        "resourceType": "Parameters",
        "parameter": [
            {
                "name": "appointment-resource",
                "resource": {"resourceType": "Appointment", "id": held, "status": "cancelled"},
            }
        ],
    }
    ended = clinic.post("$book", change)
    assert ended.json()["entry"][0]["resource"]["status"] == "cancelled"
    assert clinic.engine.booking(held).status is BookingStatus.CANCELLED


def test_a_proposal_is_booked_at_once(clinic: Clinic) -> None:
    (first, *_) = clinic.find()
    booked = clinic.book(first["id"]).json()["entry"][0]["resource"]
    assert (booked["status"], booked["slot"][0]["identifier"]["value"]) == ("booked", "soon")


def test_an_appointment_is_not_moved(clinic: Clinic) -> None:
    (first, *_) = clinic.find()
    held = clinic.hold(first["id"]).json()["entry"][0]["resource"]

    def book(**changes: Any) -> Any:
        sent = {**held, **changes}
        one = {"name": "appointment-resource", "resource": sent}
        return clinic.post("$book", {"resourceType": "Parameters", "parameter": [one]})

    refused(book(start=later(180).isoformat()), 422, "business-rule")
    assert clinic.engine.booking(held["id"]).status is BookingStatus.HELD
    assert book().status_code == 200


def test_a_hold_that_ran_out_is_gone_and_others_are_proposed(clinic: Clinic) -> None:
    (first, *_) = clinic.find()
    held = clinic.hold(first["id"]).json()["entry"][0]["resource"]["id"]
    clinic.now = later(5)
    answer = clinic.book(held)
    assert answer.status_code == 410
    entries = answer.json()["entry"]
    assert entries[-1]["resource"]["resourceType"] == "OperationOutcome"
    assert answer.json()["total"] == len(entries) - 1 > 0


def test_what_is_taken_meanwhile_is_a_conflict(clinic: Clinic) -> None:
    (first, *_) = clinic.find()
    clinic.engine.place(referral("7"), now=NOW)
    refused(clinic.hold(first["id"]), 409, "conflict")
    refused(clinic.book(first["id"]), 409, "conflict")


@pytest.mark.parametrize(
    "id_", ["b-unknown", "r-77d23bf3a82f823d30f51bb9d8874f09-00112233445566778899aabbcc"]
)
def test_an_appointment_that_is_none_of_ours_is_not_found(clinic: Clinic, id_: str) -> None:
    refused(clinic.hold(id_), 404, "not-found")
    refused(clinic.book(id_), 404, "not-found")


def test_another_sources_referral_is_none_of_theirs(clinic: Clinic) -> None:
    other = referral("8", source=SourceKind.NURSE)
    placed = clinic.engine.place(other, now=NOW)
    assert placed.booking is not None
    refused(clinic.book(placed.booking.id), 404, "not-found")


@pytest.mark.parametrize("operation", ["$find", "$hold", "$book"])
def test_nobody_writes_without_a_name(clinic: Clinic, operation: str) -> None:
    assert clinic.post(operation, parameters(), key="wrong").status_code == 401
    assert clinic.post(operation, parameters(), key="key-b").status_code == 403
    assert clinic.engine.waiting("giennois") == ()
    assert clinic.call("GET", f"/Appointment/{operation}", key="key-a").status_code == 405


def test_two_that_hold_one_seat_at_once_are_one_and_a_conflict(store_url: str) -> None:
    engine = counter(SqlStore.open(store_url), slot("soon"))
    clinics = [Clinic(engine) for _ in range(2)]
    patients = [
        {**PATIENT, "resource": {**PATIENT["resource"], "identifier": [{"value": f"invented-{n}"}]}}  # type: ignore[dict-item]  # of this test
        for n in range(2)
    ]
    ids = [clinic.find(who)[0]["id"] for clinic, who in zip(clinics, patients, strict=True)]
    barrier = threading.Barrier(2)

    def hold(number: int) -> int:
        barrier.wait(60)
        return int(clinics[number].hold(ids[number]).status_code)

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(hold, range(2))) == [200, 409]
    engine.dispose()
