"""The command line: every command, its JSON, its words, its exit codes."""

import json
import os
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from builders import NOW

from slotengine.cli_options import exit_code, instant, language
from slotengine.cli_show import plan_figures
from slotengine.codes import Priority
from slotengine.errors import InputError, SlotEngineError
from slotengine.fixtures import NAMES, territory
from slotengine.labels import Lang
from slotengine.planning import report
from slotengine.problem import Plan
from slotengine.side_constraints import Floor
from slotengine.solver import solve

MORNING = "2026-11-24T09:00:00+01:00"
EVENING = "2026-11-24T19:30:00+01:00"


class Shell:
    """Runs ``slotengine`` as a person would: a process of its own, one database file."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.url = f"sqlite:///{folder / 'cli.sqlite'}"

    def run(self, *words: str, lang: str = "fr_FR.UTF-8", db: bool = True) -> Any:
        command = [sys.executable, "-W", "error", "-c", "from slotengine.cli import main; main()"]
        place = ["--db", self.url] if db else []
        return subprocess.run(
            [*command, *words, *place],
            capture_output=True,
            encoding="utf-8",
            timeout=120,
            check=False,
            env={
                **os.environ,
                "LC_ALL": lang,
                "XDG_DATA_HOME": str(self.folder / "data"),
                "COLUMNS": "200",
                "PYTHONWARNINGS": "",
            },
        )

    def json(self, *words: str) -> Any:
        done = self.run(*words, "--json")
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    return Shell(tmp_path)


@pytest.fixture
def loaded(shell: Shell) -> Shell:
    shell.json("load", "pays-de-la-chatre", "--now", MORNING)
    return shell


DEMO_KEYS = {
    "territory",
    "referrals",
    "seats",
    "served",
    "unserved",
    "served_by_priority",
    "without_own_practitioner",
    "proved",
    "objective",
    "bound",
    "violations",
    "seconds",
}


@pytest.mark.parametrize("name", NAMES)
def test_the_demo_proves_each_territory(shell: Shell, name: str) -> None:
    found = json.loads(shell.run("demo", "--territory", name, "--json", db=False).stdout)
    assert found.keys() >= DEMO_KEYS
    assert (found["territory"], found["proved"], found["violations"]) == (name, True, 0)
    assert found["objective"] == found["bound"]
    # Duals prove the leading levels; where ways between home visits bind, a search proves the rest.
    from_duals = found["bound_from_duals"]
    assert len(from_duals) >= 1
    assert from_duals == found["bound"][: len(from_duals)]
    assert found["served"] + found["unserved"] == found["referrals"]
    by_priority = found["served_by_priority"].values()
    assert sum(one["served"] for one in by_priority) == found["served"]
    assert sum(one["referrals"] for one in by_priority) == found["referrals"]
    assert sum(found["objective"][1:5]) == found["unserved"]
    # No reason is counted by itself under the Policy's five, nor by subtraction from the total.
    shown, rest = found["unserved_reasons"], found["unserved_other_reasons"]
    assert all(count >= 5 for count in shown.values())
    assert sum(shown.values()) + rest == found["unserved"]
    assert rest == 0 or rest >= 5 or not shown
    assert found["placement"]["state"] in {"held", "waiting"}


def test_the_demo_speaks_french_or_english_and_no_codes(shell: Shell) -> None:
    french = shell.run("demo", "--territory", "giennois", db=False)
    assert french.returncode == 0, french.stderr
    assert "Plan optimal, prouvé" in french.stdout
    english = shell.run("demo", "--territory", "giennois", "--lang", "en", db=False)
    assert "Optimal plan, proved" in english.stdout
    for code in ("AMB", "asap", "stat ", "CPTS_", "seats_taken"):
        assert code not in french.stdout + english.stdout


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


def record(reference: str, **changes: Any) -> dict[str, Any]:
    return {
        "reference": reference,
        "patient_id": f"invented-{reference}",
        "age": 41,
        "insee": "36046",
        "priority": "urgent",
        "profession": "10",
        "received_at": MORNING,
        **changes,
    }


def intake(shell: Shell, records: list[dict[str, Any]], *words: str, now: str = MORNING) -> Any:
    file = shell.folder / "referrals.json"
    file.write_text(json.dumps(records), encoding="utf-8")
    place = ("--territory", "pays-de-la-chatre", "--now", now)
    return shell.run("intake", "pharmacy", str(file), *place, *words)


def test_intake_takes_the_good_records_and_reports_the_bad(loaded: Shell) -> None:
    done = intake(
        loaded,
        [
            record("1"),
            record("2", age=300),
            record(
                "3",
                window_start="2026-11-23T08:00:00+01:00",
                window_end="2026-11-23T09:00:00+01:00",
            ),
            record("4", motive_code="M03.06", motive_system="hubsante-motif"),
        ],
        "--json",
        "--place",
    )
    assert done.returncode == 7, done.stderr
    found = json.loads(done.stdout)
    assert [one["state"] for one in found["records"]][1] == "refused"
    assert "15" in found["records"][1]["reasons"][0]
    assert len(found["rejected"]) == 2
    assert {one.get("field") for one in found["rejected"]} >= {"age"}
    assert "invented" not in done.stdout + done.stderr
    again = json.loads(intake(loaded, [record("1")], "--json").stdout)
    assert (again["received"], again["repeated"]) == (0, 1)
    changed = intake(loaded, [record("1", priority="routine")], "--json")
    assert changed.returncode == 7
    (conflict,) = json.loads(changed.stdout)["rejected"]
    assert (conflict["record"], conflict["kind"]) == (1, "ReferralConflictError")
    assert "amend" in conflict["sentence"]


def test_intake_in_words_names_line_and_field(loaded: Shell) -> None:
    done = intake(loaded, [record("1"), record("2", priority="soonish")])
    assert done.returncode == 7
    assert "priority" in done.stdout
    assert "Reçues : 1." in done.stdout


def test_offers_for_a_waiting_referral(loaded: Shell) -> None:
    received = json.loads(intake(loaded, [record("1")], "--json").stdout)
    (line,) = received["records"]
    offers = loaded.json("offers", line["referral"], "--limit", "2", "--now", MORNING)
    assert len(offers["offers"]) <= 2
    words = loaded.run("offers", line["referral"], "--now", MORNING)
    assert words.returncode == 0, words.stderr


@pytest.fixture
def priced(loaded: Shell) -> Shell:
    loaded.json("reprice", "pays-de-la-chatre", "--now", MORNING)
    return loaded


def test_offers_show_the_lines_that_put_them_in_order(priced: Shell) -> None:
    received = json.loads(intake(priced, [record("1")], "--json").stdout)
    asked = ("offers", received["records"][0]["referral"], "--now", MORNING)
    for offer in priced.json(*asked)["offers"]:
        assert offer["score"] == offer["value"] - offer["cost"] - offer["price"]
        assert offer["score"] >= 0
        assert offer["price_set"] is not None


def evening(reference: str) -> dict[str, Any]:
    """A record of the evening, when most of the next day's seats are neither past nor kept."""
    return record(reference, received_at=EVENING)


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
    taken = intake(shell, [evening("1")], "--json", "--place", now=EVENING)
    (line,) = json.loads(taken.stdout)["records"]
    assert line["promise"]["notice"] == "PT1H"
    assert "slot" not in line
    said = intake(shell, [evening("2")], "--place", now=EVENING).stdout
    assert "Place promise avant mercredi 25 novembre, 19 h 30" in said
    assert "heure annoncée 60 min avant" in said


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("plan", "atlantis"), 3, "atlantis"),
        (("load", "atlantis"), 3, "atlantis"),
        (("demo", "--territory", "atlantis"), 3, "erdre-et-cens"),
        (("explain", "r-nobody"), 4, "r-nobody"),
        (("offers", "r-nobody"), 4, "r-nobody"),
        (("withdraw", "s-nobody", "--reason", "ill"), 4, "s-nobody"),
        (("load", "giennois", "--now", "yesterday"), 3, "ISO 8601"),
        (("load", "giennois", "--now", "2026-11-23T09:00:00"), 3, "offset"),
        (("withdraw", "s-nobody"), 2, "--reason"),
        (("nonsense",), 2, "nonsense"),
    ],
)
def test_each_kind_of_error_has_its_exit_code_and_one_sentence(
    shell: Shell, words: tuple[str, ...], code: int, said: str
) -> None:
    done = shell.run(*words)
    assert done.returncode == code, done.stderr
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


def test_an_unreadable_policy_is_refused_before_anything_is_written(shell: Shell) -> None:
    policy = shell.folder / "policy.toml"
    for content, said in (
        (b"\xff\xfe", "can't be read"),
        (b"territory = ", "TOML"),
        (b'territory = "giennois"\ndeadline = 4\n', "deadline"),
        (b'territory = "senart"\n', "senart"),
    ):
        policy.write_bytes(content)
        done = shell.run("load", "giennois", "--policy", str(policy), "--now", MORNING)
        assert done.returncode == 3
        assert said in done.stderr
    assert shell.json("territories")["territories"][NAMES.index("giennois")]["stored"] is False


def test_a_policy_file_is_taken_over(shell: Shell) -> None:
    policy = shell.folder / "policy.toml"
    policy.write_text('territory = "giennois"\nmax_travel_metres = 1\n', encoding="utf-8")
    loaded = shell.json("load", "giennois", "--policy", str(policy), "--now", MORNING)
    # The people were drawn under opening hours; by the clock some of them waited too long.
    assert 0 < loaded["past"] < loaded["referrals"]
    shell.json("plan", "giennois", "--now", MORNING)
    # Few are unserved, so the command line hides why; the stored plan says it.
    with sqlite3.connect(shell.url.removeprefix("sqlite:///")) as database:
        (body,) = database.execute("SELECT body FROM slotengine_plan").fetchone()
    database.close()
    unserved = Plan.model_validate_json(body).unserved
    assert "travel" in {one.reasons[0].code for one in unserved}


def test_a_locked_database_is_one_sentence(loaded: Shell) -> None:
    other = sqlite3.connect(loaded.url.removeprefix("sqlite:///"), isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    done = loaded.run("plan", "pays-de-la-chatre", "--now", MORNING)
    other.execute("ROLLBACK")
    other.close()
    assert done.returncode == 6
    assert "Traceback" not in done.stderr


def test_what_is_no_database_is_one_sentence(shell: Shell) -> None:
    Path(shell.url.removeprefix("sqlite:///")).write_bytes(b"this is a letter, not a database" * 99)
    done = shell.run("territories")
    assert done.returncode == 6
    assert len(done.stderr.strip().splitlines()) <= 2


def test_a_newer_database_is_refused(loaded: Shell) -> None:
    with sqlite3.connect(loaded.url.removeprefix("sqlite:///")) as database:
        database.execute("UPDATE slotengine_version SET version_num = '9999'")
    database.close()
    done = loaded.run("territories")
    assert done.returncode == 6
    assert "newer" in done.stderr


def test_a_read_only_database_is_one_sentence(loaded: Shell) -> None:
    path = loaded.url.removeprefix("sqlite:///")
    read_only = f"sqlite:///file:{path}?mode=ro&uri=true"
    done = loaded.run("plan", "pays-de-la-chatre", "--now", MORNING, "--db", read_only, db=False)
    assert done.returncode == 6
    assert "Traceback" not in done.stderr


def test_upgrade_makes_the_tables(shell: Shell) -> None:
    assert shell.json("db", "upgrade") == {"upgraded": True}
    assert shell.run("db", "upgrade").stdout.strip() == "La base est à jour."


def test_without_db_the_data_folder_is_used(shell: Shell) -> None:
    done = shell.run("territories", "--json", db=False)
    assert done.returncode == 0, done.stderr
    assert (shell.folder / "data" / "slotengine" / "slotengine.sqlite").exists()


@pytest.mark.parametrize(
    ("locale", "expected"),
    [("fr_FR.UTF-8", Lang.FR), ("fr_CA", Lang.FR), ("en_GB.UTF-8", Lang.EN), ("C", Lang.EN)],
)
def test_the_locale_chooses_the_language(
    monkeypatch: pytest.MonkeyPatch, locale: str, expected: Lang
) -> None:
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        monkeypatch.delenv(name, raising=False)
    assert language(None) is Lang.EN
    monkeypatch.setenv("LANG", locale)
    assert language(None) is expected
    assert language(Lang.EN) is Lang.EN


def test_an_instant_keeps_its_offset() -> None:
    assert instant("2026-11-23T09:00:00+01:00") == NOW
    with pytest.raises(InputError):
        instant("2026-13-01T00:00:00Z")


def test_a_bug_of_ours_has_a_code_of_its_own() -> None:
    assert exit_code(SlotEngineError("odd")) == 1
    assert exit_code(None) == 0


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
