"""Regulators' accounts over HTTP (INT_R02): made, changed, moved; what is missing is refused."""

import copy
import json
import logging
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

import pytest
from sas_world import Caller, Doors

from slotengine.adapters.sas_regulators import read_regulator
from slotengine.adapters.sas_search import Refusal
from slotengine.ports_doors import Account
from slotengine.serving_fhir import MAX_BODY_BYTES

PERSONS = "urn:oid:1.2.250.1.71.4.2.1"
PLATFORM = "urn:oid:1.2.250.1.213.3.6"
ID_TYPES = "http://interopsante.org/fhir/CodeSystem/fr-v2-0203"
NUMBER = "3450000021/4711"
MAIL = "camille.exemple@example.org"


def regulator(
    number: str = NUMBER, mail: str = MAIL, *, system: str = PERSONS, active: bool = True
) -> dict[str, Any]:
    code = "IDNPS" if system == PERSONS else "INTRN"
    return {
        "resourceType": "Practitioner",
        "id": "whatever",
        "meta": {"source": PLATFORM},
        "text": {"status": "generated", "div": "<div>narrative</div>"},
        "identifier": [
            {
                "type": {"coding": [{"system": ID_TYPES, "code": code}]},
                "system": system,
                "value": number,
            }
        ],
        "active": active,
        "name": [{"family": "Exemple", "given": ["Camille"]}],
        "telecom": [{"system": "email", "value": mail}],
    }


def post(doors: Doors, body: Any, **given: Any) -> Any:
    return doors.client("POST", "/Practitioner", json=body, **given)


def put(doors: Doors, number: str, body: Any, *, system: str = PERSONS) -> Any:
    return doors.client("PUT", f"/Practitioner?identifier={system}|{number}", json=body)


def test_an_account_is_made_and_a_second_of_the_same_mail_is_refused() -> None:
    doors = Doors.open()
    made = post(doors, regulator())
    assert (made.status_code, made.content) == (201, b"")
    account = doors.engine.account_with(PERSONS, NUMBER)
    assert account is not None
    assert made.headers["location"] == f"https://slots.example/Practitioner/{account.id}"
    for mail in (MAIL, MAIL.upper(), f" {MAIL} "):
        again = post(doors, regulator("3450000021/4712", mail))
        assert again.status_code == 409
        assert again.json()["issue"][0]["code"] == "duplicate"
    assert doors.engine.account_with(PERSONS, "3450000021/4712") is None


def test_a_second_account_of_the_same_identifier_is_refused() -> None:
    doors = Doors.open()
    post(doors, regulator())
    assert post(doors, regulator(mail="other@example.org")).status_code == 409


def test_an_update_of_an_unknown_identifier_makes_the_account() -> None:
    doors = Doors.open()
    first = put(doors, NUMBER, regulator())
    again = put(doors, NUMBER, regulator())
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.headers["location"] == again.headers["location"]


def test_an_account_is_switched_off_and_on() -> None:
    doors = Doors.open()
    post(doors, regulator())
    for active in (False, True):
        assert put(doors, NUMBER, regulator(active=active)).status_code == 200
        account = doors.engine.account_with(PERSONS, NUMBER)
        assert account is not None
        assert account.active is active


def test_mail_and_identifier_of_an_account_change() -> None:
    doors = Doors.open()
    where = post(doors, regulator()).headers["location"]
    assert put(doors, NUMBER, regulator(mail="new@example.org")).headers["location"] == where
    other = regulator("3450000021/4712", "new@example.org")
    assert put(doors, NUMBER, other).headers["location"] == where
    assert doors.engine.account_with(PERSONS, NUMBER) is None
    # The old address is free again.
    doors.now += timedelta(seconds=1)
    assert post(doors, regulator()).status_code == 201


def test_a_technical_id_becomes_a_national_one() -> None:
    doors = Doors.open()
    uuid = "1ef1c748-01a3-6180-b098-73283ce4e5b1"
    where = post(doors, regulator(uuid, system=PLATFORM)).headers["location"]
    changed = put(doors, uuid, regulator(), system=PLATFORM)
    assert (changed.status_code, changed.headers["location"]) == (200, where)


def test_a_number_moves_from_an_account_that_was_switched_off_to_a_new_one() -> None:
    doors = Doors.open()
    uuid = "1ef1c748-01a3-6180-b098-73283ce4e5b1"
    old = post(doors, regulator()).headers["location"]
    put(doors, NUMBER, regulator(active=False))
    new = post(doors, regulator(uuid, "new@example.org", system=PLATFORM)).headers["location"]
    moved = put(doors, uuid, regulator(mail="new@example.org"), system=PLATFORM)
    assert (moved.status_code, moved.headers["location"]) == (200, new)
    assert new != old
    account = doors.engine.account_with(PERSONS, NUMBER)
    assert account is not None
    assert (new.endswith(account.id), account.active) == (True, True)


def test_an_unknown_identifier_with_a_known_mail_is_the_same_account() -> None:
    doors = Doors.open()
    where = post(doors, regulator()).headers["location"]
    other = put(doors, "3450000021/4712", regulator("3450000021/4712"))
    assert (other.status_code, other.headers["location"]) == (200, where)


BREAKS: dict[str, Callable[[dict[str, Any]], object]] = {
    "identifier": lambda one: one.pop("identifier"),
    "identifier, empty": lambda one: one.update(identifier=[]),
    "identifier, no list": lambda one: one.update(identifier={"value": "x"}),
    "identifier of another system": lambda one: one["identifier"][0].update(system="urn:oid:1"),
    "identifier without system": lambda one: one["identifier"][0].pop("system"),
    "identifier of an empty system": lambda one: one["identifier"][0].update(system=""),
    "identifier without value": lambda one: one["identifier"][0].pop("value"),
    "identifier of an empty value": lambda one: one["identifier"][0].update(value=" "),
    "identifier of a long value": lambda one: one["identifier"][0].update(value="1" * 201),
    "identifier without type": lambda one: one["identifier"][0].pop("type"),
    "type of the other system": lambda one: one["identifier"][0].update(system=PLATFORM),
    "type of another list": lambda one: one["identifier"][0]["type"]["coding"][0].update(
        system="http://x"
    ),
    "type that is no text": lambda one: one["identifier"][0]["type"]["coding"][0].update(
        system={"x": 1}
    ),
    "two identifiers of one system": lambda one: one["identifier"].append(
        {**one["identifier"][0], "value": "x"}
    ),
    "eleven identifiers": lambda one: one.update(identifier=one["identifier"] * 11),
    "active": lambda one: one.pop("active"),
    "active that is a text": lambda one: one.update(active="true"),
    "name": lambda one: one.pop("name"),
    "name, empty": lambda one: one.update(name=[]),
    "family": lambda one: one["name"][0].pop("family"),
    "family, empty": lambda one: one["name"][0].update(family=""),
    "given": lambda one: one["name"][0].pop("given"),
    "given, empty": lambda one: one["name"][0].update(given=[""]),
    "telecom": lambda one: one.pop("telecom"),
    "telecom that is a phone": lambda one: one["telecom"][0].update(system="phone"),
    "telecom, empty": lambda one: one["telecom"][0].update(value=""),
    "telecom that is no address": lambda one: one["telecom"][0].update(value="camille"),
    "telecom that is long": lambda one: one["telecom"][0].update(value=f"{'a' * 250}@example.org"),
    "another source": lambda one: one["meta"].update(source="urn:oid:1.2.3"),
}


@pytest.mark.parametrize("name", BREAKS)
def test_an_account_with_something_missing_empty_or_wrong_is_refused(name: str) -> None:
    broken = copy.deepcopy(regulator())
    BREAKS[name](broken)
    assert isinstance(read_regulator(broken), Refusal)


def test_what_is_refused_is_said_without_repeating_it() -> None:
    doors = Doors.open()
    broken = regulator(mail="camille at example")
    for answer in (post(doors, broken), put(doors, NUMBER, broken)):
        assert answer.status_code == 422
        (issue,) = answer.json()["issue"]
        assert issue["expression"] == ["Practitioner.telecom.value"]
        assert "camille" not in answer.text
    assert doors.engine.account_with(PERSONS, NUMBER) is None


@pytest.mark.parametrize("body", [None, [], "text", 7, {"resourceType": "Patient"}])
def test_what_is_no_practitioner_is_refused(body: object) -> None:
    found = read_regulator(body)
    assert isinstance(found, Refusal)
    assert found.code == "structure"


@pytest.mark.parametrize("source", [None, PLATFORM])
@pytest.mark.parametrize("without", ["text", "id", "meta"])
def test_what_need_not_be_there_may_be_missing(source: str | None, without: str) -> None:
    body = regulator()
    body["meta"] = {} if source is None else {"source": source}
    del body[without]
    assert not isinstance(read_regulator(body), Refusal)
    assert MAIL not in repr(read_regulator(regulator()))


# --- the wire ---


@pytest.mark.parametrize(
    ("content", "headers", "status"),
    [
        (b"{", {}, 400),
        (b"", {}, 400),
        (b"\xff", {}, 400),
        (b"[" * 20_000, {}, 400),
        (b"[]", {}, 400),
        (b"{}", {"content-type": "application/xml"}, 415),
        (b"{}", {"content-type": "application/json; charset=latin-1"}, 415),
        (b"{}", {"content-encoding": "gzip"}, 415),
        (b" " * (MAX_BODY_BYTES + 1), {}, 413),
        (b" " * MAX_BODY_BYTES, {}, 400),
        (b"{}", {"content-length": "9" * 30}, 413),
    ],
)
def test_a_body_that_is_none_is_refused(
    content: bytes, headers: dict[str, str], status: int
) -> None:
    doors = Doors.open()
    answer = doors.client("POST", "/Practitioner", content=content, headers=headers)
    assert answer.status_code == status
    assert answer.json()["resourceType"] == "OperationOutcome"


def test_a_body_that_comes_in_pieces_is_measured_too() -> None:
    async def pieces() -> Any:
        for _ in range(70):
            yield b" " * 1_000

    doors = Doors.open()
    assert doors.client("POST", "/Practitioner", content=pieces()).status_code == 413


@pytest.mark.parametrize(
    "kind",
    ["application/json", "application/fhir+json", "application/json+fhir; charset=UTF-8", None],
)
def test_every_type_of_json_is_taken(kind: str | None) -> None:
    doors = Doors.open()
    raw = b"\xef\xbb\xbf" + json.dumps(regulator()).encode()
    headers = {} if kind is None else {"content-type": kind}
    answer = doors.client("POST", "/Practitioner", content=raw, headers=headers)
    assert answer.status_code == 201


@pytest.mark.parametrize("query", ["", "?identifier=", "?identifier=x", "?name=x"])
def test_an_update_names_its_account(query: str) -> None:
    doors = Doors.open()
    answer = doors.client("PUT", f"/Practitioner{query}", json=regulator())
    assert answer.status_code == 400


def test_without_a_key_for_hashes_there_is_no_door() -> None:
    doors = Doors.open(pseudonyms=None)
    assert post(doors, regulator()).status_code == 404


def test_a_stranger_makes_no_account() -> None:
    doors = Doors.open()
    stranger = Caller(doors.client.app)
    assert stranger("POST", "/Practitioner", json=regulator()).status_code == 401
    assert doors.engine.account_with(PERSONS, NUMBER) is None


# --- the host, and what stays here ---


def test_the_host_hears_of_every_account_with_the_whole_resource() -> None:
    heard: list[tuple[Account, Mapping[str, Any]]] = []
    doors = Doors.open(on_account=lambda account, whole: heard.append((account, whole)))
    post(doors, regulator())
    put(doors, NUMBER, regulator(active=False))
    post(doors, regulator("x"))
    assert [whole["telecom"][0]["value"] for _, whole in heard] == [MAIL, MAIL]
    assert [account.active for account, _ in heard] == [True, False]
    assert len({account.id for account, _ in heard}) == 1


def test_what_the_host_refuses_is_not_kept(caplog: pytest.LogCaptureFixture) -> None:
    def refuse(_account: Account, whole: Mapping[str, Any]) -> None:
        raise RuntimeError(whole["telecom"][0]["value"])

    doors = Doors.open(on_account=refuse)
    with caplog.at_level(logging.INFO, logger="slotengine"):
        assert post(doors, regulator()).status_code == 500
        assert put(doors, NUMBER, regulator()).status_code == 500
    assert doors.engine.account_with(PERSONS, NUMBER) is None
    assert "camille" not in caplog.text.lower()


def test_an_account_here_names_nobody() -> None:
    doors = Doors.open()
    post(doors, regulator())
    account = doors.engine.account_with(PERSONS, NUMBER)
    assert account is not None
    assert set(Account.model_fields) == {"id", "active", "identifiers", "mail_hash", "version"}
    assert account.mail_hash is not None
    assert len(account.mail_hash) == 32
    assert "xemple" not in account.model_dump_json()


def test_changes_of_accounts_are_told_with_who_asked() -> None:
    doors = Doors.open()
    post(doors, regulator())
    events = [one for one in doors.engine.events(None) if one.kind.startswith("account.")]
    assert [(one.kind, one.actor.id if one.actor else None) for one in events] == [
        ("account.created", "tests")
    ]
