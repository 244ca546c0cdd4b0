"""What the command line takes in: files of referrals, and territories with their policy."""

import json
import sqlite3

from shell import MORNING, Shell, intake, record

from slotengine.fixtures import NAMES
from slotengine.problem import Plan


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
        "--book",
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
