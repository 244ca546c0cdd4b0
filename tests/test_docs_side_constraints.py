"""The page on rules over several bookings: every field, its true default, an example that reads."""

from datetime import time, timedelta

import pytest
from docs_support.blocks import read_page
from docs_support.fields import example, example_sets, fields, rows_of_fields
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


FIELDS = fields(DEFAULTS, (*LISTS, "max_told_moves"), OF_SEVERAL)
ROWS = rows_of_fields(read_page(PAGE))


def said(value: object) -> str:
    words = {None: "none", (): "none", side_constraints.SHIPPED_PATHWAYS: "four"}
    if isinstance(value, time):
        return value.strftime("%H:%M")
    return words[value] if value in words else str(value)


def test_every_side_constraint_of_the_policy_is_listed_here() -> None:
    own = [value for value in vars(side_constraints).values() if isinstance(value, type)]
    known = {type(getattr(DEFAULTS, name)) for name in OF_SEVERAL} | {
        type(one) for name in LISTS for one in getattr(DEFAULTS, name)
    }
    parts = {Floor, side_constraints.Step}
    models = {one for one in own if one.__module__ == side_constraints.__name__}
    assert {one for one in models if issubclass(one, BaseModel)} == known | parts


@pytest.mark.parametrize(("field", "default"), FIELDS.items(), ids=lambda value: str(value)[:30])
def test_a_field_stands_in_the_table_with_its_default(field: str, default: object) -> None:
    # Sharing effort is off as a whole; what it gives up counts once it is on.
    wanted = "off" if field == "spread.give_percent" else said(default)
    assert ROWS[field] == wanted


def test_no_row_is_about_a_field_that_does_not_exist() -> None:
    assert ROWS.keys() == FIELDS.keys()


@pytest.mark.parametrize("field", FIELDS)
def test_the_example_sets_every_field(field: str) -> None:
    assert example_sets(PAGE, field)


def test_the_example_says_what_it_means() -> None:
    read = Policy.from_toml(example(PAGE))
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
