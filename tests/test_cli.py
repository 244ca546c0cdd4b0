"""A night on the command line: planned, withdrawn, explained, and what one more seat brings."""

import sqlite3

from shell import MORNING, Shell

from slotengine.cli_show import plan_figures
from slotengine.codes import Priority
from slotengine.fixtures import territory
from slotengine.planning import report
from slotengine.side_constraints import Floor
from slotengine.solver import solve


def test_a_night_from_loading_to_withdrawal(loaded: Shell) -> None:
    assert {"territory": "pays-de-la-chatre", "shipped": True, "stored": True} in loaded.json(
        "territories"
    )["territories"]
    report = loaded.json("plan", "pays-de-la-chatre", "--now", MORNING)
    assert report["proved"]
    assert report["served"] > 0
    again = loaded.json("plan", "pays-de-la-chatre", "--now", MORNING)
    assert again["plan"] == report["plan"]
    slot = _promised_slot(loaded)
    gone = loaded.json("withdraw", slot, "--reason", "doctor ill", "--now", MORNING)
    assert gone["withdrawn"] == [slot]
    assert len(gone["incidents"]) == 1
    why = loaded.json("explain", gone["incidents"][0]["referral"], "--now", MORNING)
    assert why["referral"] == gone["incidents"][0]["referral"]
    assert why["funnel"] == []
    words = loaded.run("explain", gone["incidents"][0]["referral"], "--breakdown", "--now", MORNING)
    assert words.returncode == 0, words.stderr


def _waiting(shell: Shell) -> list[str]:
    with sqlite3.connect(shell.url.removeprefix("sqlite:///")) as database:
        rows = database.execute(
            "SELECT id FROM slotengine_referral WHERE state = 'waiting' ORDER BY id"
        ).fetchall()
    database.close()
    return [str(one) for (one,) in rows]


def test_what_would_help_is_told_in_words_and_in_json(loaded: Shell) -> None:
    loaded.json("plan", "pays-de-la-chatre", "--now", MORNING)
    waiting = _waiting(loaded)[0]
    asked = ("explain", waiting, "--change", "--now", MORNING)
    document = loaded.json(*asked)
    assert document["change"]["referral"] == waiting
    assert document["change"]["served"] is False
    words = loaded.run(*asked)
    assert words.returncode == 0, words.stderr
    said = " ".join(words.stdout.split())
    assert all(sentence in said for sentence in document["change_sentences"])
    assert "change" not in loaded.json("explain", waiting, "--now", MORNING)


def test_where_one_more_seat_helps_is_told_in_words_and_in_json(loaded: Shell) -> None:
    asked = ("seats", "pays-de-la-chatre", "--now", MORNING, "--top", "2")
    document = loaded.json(*asked)
    assert document["territory"] == "pays-de-la-chatre"
    assert len(document["seats"]) == 2
    assert all(one["served"] or one["minutes"] > 0 for one in document["seats"])
    words = loaded.run(*asked)
    assert words.returncode == 0, words.stderr
    assert all(one["seat"]["place"] in words.stdout for one in document["seats"])
    # An hour ahead nothing is planned, so nothing is missing.
    none = loaded.run("seats", "pays-de-la-chatre", "--now", MORNING, "--hours", "1")
    assert none.stdout == "Aucune place de plus n'améliorerait le plan.\n"


def _promised_slot(shell: Shell) -> str:
    with sqlite3.connect(shell.url.removeprefix("sqlite:///")) as database:
        (slot,) = database.execute(
            "SELECT slot_id FROM slotengine_booking WHERE status = 'promised' ORDER BY slot_id"
        ).fetchone()
    database.close()
    return str(slot)


def test_a_plan_shows_whom_a_floor_displaced() -> None:
    plain = territory("confluent").problem()
    floor = Floor(percent=100, priority=Priority.ROUTINE)
    floored = plain.replaced(policy=plain.policy.replaced(floors=(floor,)))
    before = {one.referral for one in solve(plain).unserved}
    found = solve(floored)
    shown = plan_figures(report(floored, found, left_out=(), conflicts=()), floored.policy)
    # Every routine referral comes first now: who lost a seat had one without the floor.
    assert shown["displaced"]
    assert set(shown["displaced"]) == {one.referral for one in found.unserved} - before
