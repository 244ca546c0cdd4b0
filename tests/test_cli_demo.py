"""The demo on the command line: each territory proved, in words or as JSON."""

import json

import pytest
from shell import Shell

from slotengine.fixtures import NAMES

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
