"""``slotengine simulate``: what it shows, in both languages, and what it refuses."""

import json
from typing import Any

import pytest
from typer.testing import CliRunner

from slotengine.cli import app
from slotengine.errors import InputError

SMALL = ("simulate", "giennois", "--days", "1", "--seeds", "1", "--desk", "first come, soonest")


def _run(*arguments: str) -> str:
    result = CliRunner().invoke(app, [*SMALL, *arguments], catch_exceptions=False)
    assert result.exit_code == 0
    return result.stdout


def _json(*arguments: str) -> Any:
    return json.loads(_run("--json", *arguments))


def test_policies_stand_beside_foresight() -> None:
    document = _json()
    assert document["territory"] == "giennois"
    names = [one["policy"] for one in document["policies"]]
    assert names == ["first come, soonest", "perfect foresight"]
    assert document["policies"][1]["pct_of_foresight"] == 100
    assert "perfect" in _run("--lang", "en")
    assert "tout" in _run("--lang", "fr")


def test_a_change_shows_the_trade_of_the_policy_asked_for() -> None:
    document = _json("--radius-km", "3", "--values", "40000,20000,10000,6000")
    (trade,) = document["trades"]
    assert trade["before"]["policy"] == trade["after"]["policy"] == "first come, soonest"
    assert trade["after"]["travel_minutes"] < trade["before"]["travel_minutes"]
    text = _run("--radius-km", "3", "--lang", "fr")
    assert "rien n'est appliqué" in " ".join(text.split())
    assert "nothing is applied" in " ".join(_run("--radius-km", "3", "--lang", "en").split())


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("--more-slots", "somebody"),
        ("--more-slots", "somebody:two"),
        ("--more-slots", "somebody:2:noday"),
        ("--more-slots", "somebody:2"),
        ("--values", "1,2,3"),
        ("--values", "1,2,3,x"),
        ("--values", "1,2,3,100001"),
        ("--desk", "lottery"),
    ],
)
def test_what_is_asked_wrongly_is_refused(option: str, value: str) -> None:
    with pytest.raises(InputError):
        _run(option, value)


def test_slots_more_are_read_with_and_without_a_weekday() -> None:
    from slotengine.cli_simulate_tables import change_of

    change = change_of(policy=None, more_slots=["a:1", "b:2:wed"], radius_km=15, values=None)
    assert [tuple(one) for one in change.more] == [("a", 1, None), ("b", 2, 2)]
    assert change.max_travel_metres == 15_000
