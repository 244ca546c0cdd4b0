"""The counter on the command line: offers, promises, prices, the line and its upkeep."""

import json
import sqlite3

import pytest
from shell import EVENING, MORNING, Shell, evening, intake, record


@pytest.fixture
def priced(loaded: Shell) -> Shell:
    loaded.json("reprice", "pays-de-la-chatre", "--now", MORNING)
    return loaded


def test_offers_for_a_waiting_referral(loaded: Shell) -> None:
    received = json.loads(intake(loaded, [record("1")], "--json").stdout)
    (line,) = received["records"]
    offers = loaded.json("offers", line["referral"], "--limit", "2", "--now", MORNING)
    assert len(offers["offers"]) <= 2
    words = loaded.run("offers", line["referral"], "--now", MORNING)
    assert words.returncode == 0, words.stderr


def test_offers_show_the_lines_that_put_them_in_order(priced: Shell) -> None:
    received = json.loads(intake(priced, [record("1")], "--json").stdout)
    asked = ("offers", received["records"][0]["referral"], "--now", MORNING)
    for offer in priced.json(*asked)["offers"]:
        assert offer["score"] == offer["value"] - offer["cost"] - offer["price"]
        assert offer["score"] >= 0
        assert offer["price_set"] is not None


def test_offers_without_prices_say_what_stands_in(shell: Shell) -> None:
    shell.json("load", "pays-de-la-chatre", "--now", EVENING)
    received = json.loads(intake(shell, [evening("1")], "--json", now=EVENING).stdout)
    words = shell.run("offers", received["records"][0]["referral"], "--now", EVENING)
    assert words.stdout.count("Aucun prix de place n'a été calculé") == 1
    assert all(head in words.stdout for head in ("valeur", "- coût", "- prix", "= reste"))


def test_prices_and_the_line_are_told_in_words_and_in_json(priced: Shell) -> None:
    prices = priced.json("reprice", "pays-de-la-chatre", "--now", MORNING, "--seed", "1")["prices"]
    assert len(prices["prices"]) > 0
    words = priced.run("reprice", "pays-de-la-chatre", "--now", MORNING)
    assert "Valables jusqu'à mardi 24 novembre, 11 h 00." in words.stdout
    line = priced.json("waitlist", "pays-de-la-chatre", "--now", MORNING)["waiting"]
    assert [one["rank"] for one in line] == list(range(1, len(line) + 1))
    assert all(" % avant " in one["sentence"] for one in line)
    words = priced.run("waitlist", "pays-de-la-chatre", "--now", MORNING)
    assert words.returncode == 0, words.stderr
    assert all(one["referral"] in words.stdout for one in line)


def test_tend_offers_gives_back_and_says_so(priced: Shell) -> None:
    done = priced.json("tend", "pays-de-la-chatre", "--now", "2026-11-24T09:10:00+01:00")
    assert done["territory"] == "pays-de-la-chatre"
    assert len(done["refilled"]) > 0
    late = "2026-11-25T06:30:00+01:00"
    assert priced.json("hand-back", "pays-de-la-chatre", "--now", late)["handed_back"]
    none = priced.run("hand-back", "pays-de-la-chatre", "--now", late)
    assert none.stdout == "Aucune place n'est rendue.\n"
    words = priced.run("tend", "pays-de-la-chatre", "--now", late)
    assert "Prix : recalculés." in words.stdout


def test_a_locum_takes_over_and_what_stays_has_its_reason(loaded: Shell) -> None:
    day = ("--from", MORNING, "--until", "2026-11-27T00:00:00+01:00", "--now", MORNING)
    absent = _practitioner(loaded)
    found = loaded.run("replace", absent, "--by", "stranger", *day, "--json")
    assert found.returncode == 7, found.stderr
    assert json.loads(found.stdout)["slots"] == []
    words = loaded.run("replace", absent, "--by", "stranger", *day)
    assert "who takes over was never published there" in words.stdout
    itself = loaded.run("replace", absent, "--by", absent, *day)
    assert itself.returncode == 3
    backwards = loaded.run("replace", absent, "--by", "x", "--from", MORNING, "--until", MORNING)
    assert (backwards.returncode, "--until" in backwards.stderr) == (3, True)
    naive = loaded.run("replace", absent, "--by", "x", "--from", "2026-11-24", "--until", MORNING)
    assert (naive.returncode, "--from" in naive.stderr) == (3, True)


def _practitioner(shell: Shell) -> str:
    with sqlite3.connect(shell.url.removeprefix("sqlite:///")) as database:
        (body,) = database.execute("SELECT body FROM slotengine_slot ORDER BY id").fetchone()
    database.close()
    return str(json.loads(body)["practitioner"])


def test_a_promise_is_told_in_words_and_never_its_hour(shell: Shell) -> None:
    policy = shell.folder / "policy.toml"
    policy.write_text(
        'territory = "pays-de-la-chatre"\n[promises]\npriorities = ["urgent"]\n', encoding="utf-8"
    )
    shell.json("load", "pays-de-la-chatre", "--policy", str(policy), "--now", EVENING)
    taken = intake(shell, [evening("1")], "--json", "--book", now=EVENING)
    (line,) = json.loads(taken.stdout)["records"]
    assert line["promise"]["notice"] == "PT1H"
    assert "slot" not in line
    said = intake(shell, [evening("2")], "--book", now=EVENING).stdout
    assert "Place promise avant mercredi 25 novembre, 19 h 30" in said
    assert "heure annoncée 60 min avant" in said
