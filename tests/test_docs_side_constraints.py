"""The page on rules over several bookings: every field, its true default, an example that reads."""

import re
import tomllib
from collections.abc import Iterator
from datetime import time, timedelta
from typing import Any

import pytest
from docs_support.blocks import blocks, read_page
from pydantic import BaseModel

from slotengine import side_constraints
from slotengine.codes import Priority, Profession
from slotengine.policy import Policy
from slotengine.side_constraints import Effort, Floor, Spread

PAGE = "docs/side-constraints.md"
LISTS = ("floors", "pathways")
OF_SEVERAL = ("effort", "caps", "groups", "home_visits", "spread")
"""Fields of the Policy that are tables of their own."""

DEFAULTS = Policy(territory="giennois").replaced(spread=Spread())


def fields() -> Iterator[tuple[str, Any]]:
    """Gives every field of a side constraint as a policy file writes it, and its default."""
    for name in OF_SEVERAL:
        value: BaseModel = getattr(DEFAULTS, name)
        for field in type(value).model_fields:
            yield f"{name}.{field}", getattr(value, field)
    for name in (*LISTS, "max_told_moves"):
        yield name, getattr(DEFAULTS, name)


ROWS = dict(re.findall(r"^\| `([\w.]+)` \| ([^|]+) \|", read_page(PAGE), re.MULTILINE))


def said(value: object) -> str:
    words = {None: "none", (): "none", side_constraints.SHIPPED_PATHWAYS: "four"}
    if isinstance(value, time):
        return value.strftime("%H:%M")
    return words[value] if value in words else str(value)


def example() -> str:
    (text,) = [one.text for one in blocks(PAGE) if one.language == "toml"]
    return text


def test_every_side_constraint_of_the_policy_is_listed_here() -> None:
    own = [value for value in vars(side_constraints).values() if isinstance(value, type)]
    known = {type(getattr(DEFAULTS, name)) for name in OF_SEVERAL} | {
        type(one) for name in LISTS for one in getattr(DEFAULTS, name)
    }
    parts = {Floor, side_constraints.Step}
    models = {one for one in own if one.__module__ == side_constraints.__name__}
    assert {one for one in models if issubclass(one, BaseModel)} == known | parts


@pytest.mark.parametrize(("field", "default"), list(fields()), ids=lambda value: str(value)[:30])
def test_a_field_stands_in_the_table_with_its_default(field: str, default: object) -> None:
    # Sharing effort is off as a whole; what it gives up counts once it is on.
    wanted = "off" if field == "spread.give_percent" else said(default)
    assert ROWS[field] == wanted


def test_no_row_is_about_a_field_that_does_not_exist() -> None:
    assert set(ROWS) == {field for field, _ in fields()}


@pytest.mark.parametrize("field", [field for field, _ in fields()])
def test_the_example_sets_every_field(field: str) -> None:
    found: Any = tomllib.loads(example())
    for part in field.split("."):
        found = found[part]
    assert found is not None


def test_the_example_says_what_it_means() -> None:
    read = Policy.from_toml(example())
    assert read.caps.model_dump() == {
        "bookings_per_day": 8,
        "bookings_per_week": 30,
        "effort_minutes_per_day": 180,
        "effort_minutes_per_week": 600,
    }
    assert read.floors == (
        Floor(percent=50, priority=Priority.ROUTINE),
        Floor(percent=80, priority=Priority.URGENT, insee="45155"),
    )
    (wound,) = read.pathways
    assert wound.steps[1].professions == (Profession.NURSE,)
    assert (wound.steps[1].after_min, wound.steps[1].after_max) == (
        timedelta(hours=12),
        timedelta(days=2),
    )
    assert (read.max_told_moves, read.spread) == (2, Spread(give_percent=2))


def test_the_stranger_at_home_in_the_evening_costs_what_is_said() -> None:
    assert "42 minutes (41.25, rounded up)" in read_page(PAGE)
    assert Effort().minutes(15, first=True, home=True, late=True) == 42


@pytest.mark.parametrize("pathway", side_constraints.SHIPPED_PATHWAYS, ids=lambda one: one.code)
def test_every_shipped_pathway_is_named(pathway: side_constraints.Pathway) -> None:
    assert f"`{pathway.code}`" in read_page(PAGE)


def test_the_switch_that_is_named_turns_ways_off() -> None:
    assert "`home_visits = false`" in read_page(PAGE)
    assert Policy.from_toml('territory = "giennois"\nhome_visits = false').home_visits is None
