"""The doors over HTTP: none forgets the guard, every fault is an OperationOutcome."""

import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
from builders import NOW, policy
from sas_world import (
    BEARER,
    CPTS_INCLUDES,
    DOCTOR,
    EVERYONE,
    KEYS,
    Caller,
    Doors,
    offered,
    open_engine,
    place_question,
    publish,
    question,
    resources,
)
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import BaseRoute, Mount, Route

from slotengine.domain import Actor
from slotengine.errors import StoreBusyError
from slotengine.serving_app import app
from slotengine.serving_guard import MAX_HEADER_BYTES, OPEN_PATHS, READING
from slotengine.vault import Pseudonymiser

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")


def is_outcome(answer: Any) -> bool:
    body = answer.json()
    (issue,) = body["issue"]
    return bool(
        body["resourceType"] == "OperationOutcome"
        and issue["severity"] == "error"
        and answer.headers["content-type"].startswith("application/fhir+json")
    )


def reached(_request: Request) -> PlainTextResponse:
    return PlainTextResponse("reached")


def whole(**options: Any) -> Starlette:
    """The app with every door, and one that somebody added."""
    options = {"pseudonyms": Pseudonymiser(b"k" * 32), **options}
    added = Route("/added", reached, methods=list(METHODS))
    return app(open_engine(), now=lambda: NOW, more=[added], **options)


def paths(routes: list[BaseRoute]) -> Iterator[str]:
    for route in routes:
        if isinstance(route, Mount):
            yield from (f"{route.path}{path}" for path in paths(list(route.routes)))
        elif isinstance(route, Route):
            yield route.path


@pytest.mark.parametrize("open_reading", [False, True])
def test_no_route_writes_without_an_actor(open_reading: bool) -> None:  # noqa: FBT001 (a table)
    """Walks all routes there are: one that is added later is walked, too."""
    shown = whole(authenticate=KEYS, open_reading=open_reading)
    walked = set(paths(shown.routes))
    assert walked >= {"/Slot", "/Schedule", "/Practitioner", "/added"} | OPEN_PATHS
    stranger = Caller(shown)
    for path in sorted(walked):
        for method in METHODS:
            status = stranger(method, path).status_code
            if method in READING and (open_reading or path in OPEN_PATHS):
                assert status != 401, (method, path)
            else:
                assert status == 401, (method, path)


def test_without_an_authenticator_nobody_writes_and_nobody_reads_slots() -> None:
    caller = Caller(whole(), BEARER)
    for method in METHODS:
        assert caller(method, "/added").status_code == 401
    assert caller("GET", f"/Slot?{question()}").status_code == 401
    assert caller("GET", "/metadata").status_code == 200


def test_who_has_a_key_reaches_a_route_that_was_added() -> None:
    assert Caller(whole(authenticate=KEYS), BEARER)("POST", "/added").text == "reached"


def test_a_stranger_hears_an_outcome_and_how_to_come_in() -> None:
    answer = Caller(whole(authenticate=KEYS))("GET", "/Slot")
    assert is_outcome(answer)
    assert answer.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize(
    "path", ["/health/", "/HEALTH", "//health", "/health/../Slot", "/metadata/x"]
)
def test_only_the_very_paths_are_open(path: str) -> None:
    assert Caller(whole(authenticate=KEYS))("GET", path).status_code == 401


def test_a_websocket_is_closed() -> None:
    import asyncio

    sent: list[Any] = []

    async def call() -> None:
        async def send(message: Any) -> None:
            sent.append(message)

        async def receive() -> Any:
            return {"type": "websocket.connect"}

        scope = {"type": "websocket", "path": "/Slot", "headers": [], "query_string": b""}
        await whole(authenticate=KEYS)(scope, receive, send)

    asyncio.run(call())
    assert [one["type"] for one in sent] == ["websocket.close"]


def test_headers_up_to_the_limit_pass_and_more_are_refused() -> None:
    doors = Doors.open()
    known = sum(len(name) + len(value) for name, value in doors.get("/health").request.headers.raw)
    room = MAX_HEADER_BYTES - known - len("x")
    assert doors.get("/health", x="y" * room).status_code == 200
    answer = doors.get("/health", x="y" * (room + 1))
    assert (answer.status_code, is_outcome(answer)) == (431, True)


# --- what is asked, and in which type it is answered ---


@pytest.fixture(scope="module")
def doors() -> Doors:
    doors = Doors.open()
    doors.publish()
    return doors


@pytest.mark.parametrize(
    ("accept", "kind"),
    [
        ("application/json+fhir", "application/json+fhir"),
        ("application/fhir+json", "application/fhir+json"),
        ("application/json", "application/json"),
        ("*/*", "application/fhir+json"),
        ("", "application/fhir+json"),
        ("text/html, application/*;q=0.1", "application/fhir+json"),
        ("application/fhir+xml;q=1, application/fhir+json;q=0.5", "application/fhir+json"),
        ("APPLICATION/FHIR+JSON; charset=utf-8", "application/fhir+json"),
    ],
)
def test_every_way_of_asking_for_json_is_answered(doors: Doors, accept: str, kind: str) -> None:
    answer = doors.get(f"/Slot?{question()}", accept=accept)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == f"{kind}; charset=utf-8"


@pytest.mark.parametrize(
    "accept", ["application/fhir+xml", "text/xml", "text/html", "application/json;q=0", "a;q=x"]
)
def test_what_is_no_json_is_not_written(doors: Doors, accept: str) -> None:
    answer = doors.get(f"/Slot?{question()}", accept=accept)
    assert answer.status_code == 406
    assert is_outcome(answer)


@pytest.mark.parametrize(
    ("wanted", "status"),
    [("json", 200), ("application/fhir+json", 200), ("application/fhir%2Bjson", 200), ("xml", 406)],
)
def test_format_goes_before_the_header(doors: Doors, wanted: str, status: int) -> None:
    asked = f"/Slot?{question()}&_format={wanted}"
    assert doors.get(asked, accept="application/fhir+xml").status_code == status


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/nothing", 404),
        ("GET", "/", 404),
        ("GET", "/Slot/slot1", 404),
        ("POST", "/Slot", 405),
        ("DELETE", "/Practitioner", 405),
        ("GET", "/Practitioner", 405),
        ("GET", "/Slot", 400),
        ("GET", "/Slot?status=free", 400),
        ("GET", "/Schedule", 400),
        ("GET", "/Schedule?x=y", 400),
    ],
)
def test_every_fault_is_an_outcome(doors: Doors, method: str, path: str, status: int) -> None:
    answer = doors.client(method, path)
    assert answer.status_code == status
    assert is_outcome(answer)


@pytest.mark.parametrize(
    ("error", "status"),
    [(RuntimeError("secret of a patient"), 500), (StoreBusyError("locked"), 503)],
)
def test_a_fault_of_ours_tells_nothing_of_what_it_held(
    error: Exception, status: int, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    doors = Doors.open()

    def broken(*_: Any, **__: Any) -> None:
        raise error

    monkeypatch.setattr(doors.engine, "availability", broken)
    with caplog.at_level(logging.INFO, logger="slotengine"):
        answer = doors.get(f"/Slot?{question()}")
    assert answer.status_code == status
    assert is_outcome(answer)
    assert "secret" not in answer.text + caplog.text
    assert type(error).__name__ in caplog.text


def test_the_log_has_no_query(doors: Doors, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, logger="slotengine"):
        doors.get(f"/Slot?{question()}")
        doors.client("PUT", "/Practitioner?identifier=s|who", json={})
    assert [record.getMessage() for record in caplog.records] == [
        "GET '/Slot' 200 tests",
        "PUT '/Practitioner' 400 tests",
    ]


# --- answers ---


def test_the_link_is_the_request_sign_by_sign(doors: Doors) -> None:
    for asked in (question(), question(start="2026-11-23T09:00:00.000+01:00") + "&_count=1000&x"):
        bundle = doors.ask(asked)
        assert bundle["link"][0]["url"] == f"https://slots.example/Slot?{asked}"


def test_a_path_with_a_slash_at_its_end_is_answered(doors: Doors) -> None:
    answer = doors.get(f"/Slot/?{question()}")
    assert answer.json()["link"][0]["url"].startswith("https://slots.example/Slot/?_include")


def test_an_unescaped_plus_finds_the_same_slots(doors: Doors) -> None:
    asked = question(start="2026-11-23T09:00:00.000+01:00", end="2026-11-26T09:00:00.000 01:00")
    assert doors.ask(asked)["total"] == 1


def test_an_empty_window_is_an_empty_bundle(doors: Doors) -> None:
    bundle = doors.ask(question(end="2026-11-22T09:00:00.000%2B01:00"))
    assert (bundle["total"], "entry" in bundle) == (0, False)
    past = place_question("312345678900011").replace("le2026-11-26", "le2026-11-22")
    assert doors.get(f"/Schedule?{past}").json()["total"] == 0


def test_nothing_that_has_begun_is_shown_whatever_the_window() -> None:
    doors = Doors.open()
    made = doors.publish()
    asked = question(start="2026-11-20T09:00:00.000%2B01:00")
    doors.now = made.start
    assert doors.ask(asked)["total"] == 1
    doors.now = made.end
    assert doors.ask(asked)["total"] == 0


def test_what_the_territory_does_not_give_to_regulators_is_not_shown() -> None:
    doors = Doors.open()
    doors.publish(audiences=EVERYONE)
    rules = policy().audiences
    closed = policy(audiences={**rules, "samu": ("SNP",)})
    doors.publish("pro", after_minutes=240, audiences=("PRO",))
    assert doors.ask(question())["total"] == 2
    doors.engine.set_policy(closed, now=NOW)
    assert [one["id"] for one in resources(doors.ask(question()), "Slot")] == ["slot1"]


def test_the_head_of_an_answer_has_no_body(doors: Doors) -> None:
    answer = doors.client("HEAD", f"/Slot?{question()}")
    assert (answer.status_code, answer.headers["content-type"][:21]) == (
        200,
        "application/fhir+json",
    )


def test_an_answer_has_no_spaces_and_keeps_accents(doors: Doors) -> None:
    raw = doors.get(f"/Slot?{question()}").content
    assert "1 rue Inventée".encode() in raw
    assert json.loads(raw)["total"] == 1
    assert b'": ' not in raw


def test_a_public_url_is_where_everything_is() -> None:
    doors = Doors.open(public_url="https://sas.example.org/fhir/")
    doors.publish()
    bundle = doors.ask(question())
    assert bundle["entry"][0]["fullUrl"] == "https://sas.example.org/fhir/Slot/slot1"
    assert bundle["link"][0]["url"] == f"https://sas.example.org/fhir/Slot?{question()}"


def test_the_app_is_mounted_in_a_host_s_own() -> None:
    engine = open_engine()
    publish(engine, offered())
    host = Starlette(routes=[Mount("/fhir", app(engine, now=lambda: NOW, authenticate=KEYS))])
    caller = Caller(host, BEARER)
    bundle = caller("GET", f"/fhir/Slot?{question()}").json()
    assert bundle["entry"][0]["fullUrl"] == "https://slots.example/fhir/Slot/slot1"
    assert bundle["link"][0]["url"] == f"https://slots.example/fhir/Slot?{question()}"
    assert Caller(host)("GET", "/fhir/health").status_code == 200
    assert Caller(host)("GET", f"/fhir/Slot?{question()}").status_code == 401
    assert is_outcome(caller("GET", "/fhir/nothing"))


def test_a_host_s_own_authenticator_is_asked() -> None:
    somebody = Actor(role="host_user", id="7")
    caller = Caller(whole(authenticate=lambda asked: somebody if asked.headers.get("x") else None))
    assert caller("GET", "/added").status_code == 401
    assert caller("POST", "/added", headers={"x": "y"}).status_code == 200


# --- health ---


def test_what_could_not_be_shown_is_counted_and_logged_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    doors = Doors.open()
    doors.publish("a", booking_url=None)
    doors.publish("b", site="s2", after_minutes=240, address=None)
    with caplog.at_level(logging.WARNING, logger="slotengine"):
        for _ in range(2):
            assert doors.ask(question())["total"] == 0
    said = [record.getMessage() for record in caplog.records]
    assert said == [
        "slot a is not shown: booking_url is missing",
        "slot b is not shown: address is missing",
    ]
    ready = doors.get("/ready").json()
    assert ready == {
        "status": "ready",
        "territories": 1,
        "left_out": {"address": 1, "booking_url": 1},
    }
    doors.publish("a")
    assert doors.ask(question())["total"] == 1
    assert doors.get("/ready").json()["left_out"] == {"address": 1}


def test_a_cpts_that_has_no_number_is_counted() -> None:
    doors = Doors.open()
    doors.engine.set_policy(policy(), now=NOW)
    doors.publish(audiences=("CPTS",))
    assert doors.ask(question())["total"] == 0
    assert doors.get("/ready").json()["left_out"] == {}
    assert doors.ask(question(includes=CPTS_INCLUDES))["total"] == 0
    assert doors.get("/ready").json()["left_out"] == {"structure of its territory": 1}


def test_whoever_watches_hears_when_the_database_is_away(monkeypatch: pytest.MonkeyPatch) -> None:
    doors = Doors.open()

    def away() -> None:
        raise StoreBusyError("locked")

    assert doors.get("/health", accept="text/plain").json() == {"status": "alive"}
    monkeypatch.setattr(doors.engine, "territories", away)
    answer = doors.get("/ready")
    assert (answer.status_code, answer.json()) == (503, {"status": "away", "why": "StoreBusyError"})
    assert doors.get("/health").status_code == 200


def test_a_doctor_of_two_territories_is_one_person_with_two_places() -> None:
    doors = Doors.open()
    doors.engine.set_policy(policy(territory="senart"), now=NOW)
    doors.publish("a")
    doors.publish("b", territory="senart", site="s1", after_minutes=240)
    bundle = doors.ask(question())
    assert bundle["total"] == 2
    counts = [len(resources(bundle, kind)) for kind in ("Practitioner", "PractitionerRole")]
    assert counts == [1, 2]
    assert len({one["schedule"]["reference"] for one in resources(bundle, "Slot")}) == 2
    assert resources(bundle, "Practitioner")[0]["id"] == DOCTOR
