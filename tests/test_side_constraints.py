"""The values that say what a territory's rules ask of several bookings at once."""

from datetime import time, timedelta
from typing import Any

import pytest
from builders import policy
from pydantic import ValidationError

from slotengine.codes import Priority, Profession
from slotengine.domain import Value
from slotengine.errors import PolicyError
from slotengine.policy import Policy
from slotengine.side_constraints import (
    SHIPPED_PATHWAYS,
    Caps,
    Effort,
    Floor,
    Groups,
    HomeVisits,
    Pathway,
    Spread,
    Step,
)

STEP = Step(professions=(Profession.NURSE,))


@pytest.mark.parametrize(
    ("seat_minutes", "first", "home", "late", "minutes"),
    [
        (15, False, False, False, 15),
        (15, True, False, False, 23),  # 22.5
        (15, False, True, False, 30),
        (15, False, False, True, 19),  # 18.75
        (15, True, True, True, 42),  # 15 * 2.75 = 41.25: percents add, they don't multiply
        (20, True, False, True, 35),  # exactly
        (1, False, False, True, 2),  # 1.25
        (0, True, True, True, 0),
    ],
)
def test_effort_adds_percents_and_rounds_up(
    seat_minutes: int, minutes: int, *, first: bool, home: bool, late: bool
) -> None:
    assert Effort().minutes(seat_minutes, first=first, home=home, late=late) == minutes


def test_effort_may_be_the_seat_alone() -> None:
    plain = Effort(first_visit=0, home_visit=0, late=0)
    assert plain.minutes(15, first=True, home=True, late=True) == 15


def test_the_defaults_restrict_nobody() -> None:
    rules = policy()
    assert rules.caps == Caps()
    assert set(Caps().model_dump().values()) == {None}
    assert (rules.floors, rules.spread, rules.max_told_moves) == ((), None, 0)
    assert (rules.groups.gap_minutes, rules.home_visits) == (0, HomeVisits(care_minutes=0))
    assert rules.pathways == SHIPPED_PATHWAYS


@pytest.mark.parametrize("what", ["bookings", "effort_minutes"])
def test_caps_of_a_week_below_those_of_a_day_contradict(what: str) -> None:
    assert Caps(**{f"{what}_per_day": 5, f"{what}_per_week": 5})
    assert Caps(**{f"{what}_per_week": 4})
    with pytest.raises(ValidationError, match="caps contradict each other"):
        Caps(**{f"{what}_per_day": 5, f"{what}_per_week": 4})


def test_caps_of_different_kinds_do_not_contradict() -> None:
    assert Caps(bookings_per_day=30, effort_minutes_per_week=20)


def test_a_floor_names_somebody() -> None:
    assert Floor(percent=80, insee="2A004")
    assert Floor(percent=100, priority=Priority.ROUTINE)
    with pytest.raises(ValidationError, match="names a priority, a commune or both"):
        Floor(percent=80)


def test_two_floors_of_the_same_referrals_are_refused() -> None:
    routine = Floor(percent=80, priority=Priority.ROUTINE)
    there = Floor(percent=50, priority=Priority.ROUTINE, insee="44114")
    assert policy(floors=(routine, there)).floors == (routine, there)
    with pytest.raises(ValidationError, match="two floors name the same referrals"):
        policy(floors=(routine, there, routine.replaced(percent=10)))


def test_a_step_comes_at_most_as_late_as_at_least() -> None:
    hour = timedelta(hours=1)
    assert STEP.replaced(after_min=hour, after_max=hour)
    with pytest.raises(ValidationError, match="after_max of a step lies below its after_min"):
        STEP.replaced(after_min=hour, after_max=hour - timedelta(microseconds=1))


@pytest.mark.parametrize("steps", [(), (STEP,), (STEP,) * 11])
def test_a_pathway_has_two_to_ten_steps(steps: tuple[Step, ...]) -> None:
    fields: dict[str, Any] = {"code": "care", "name_fr": "suite", "name_en": "care"}
    assert Pathway(**fields, steps=(STEP,) * 10).steps == (STEP,) * 10
    with pytest.raises(ValidationError, match="steps"):
        Pathway(**fields, steps=steps)


def test_a_policy_lists_a_pathway_once() -> None:
    one = SHIPPED_PATHWAYS[0]
    with pytest.raises(ValidationError, match="a pathway is listed twice"):
        policy(pathways=(one, one.replaced(name_en="again")))


def test_a_pathway_is_found_by_its_code() -> None:
    assert policy().pathway("type-2-diabetes") is SHIPPED_PATHWAYS[2]
    assert policy().pathway("elsewhere") is None
    assert policy(pathways=()).pathway("type-2-diabetes") is None


def test_the_shipped_pathways_are_those_of_the_field() -> None:
    by_code = {one.code: one.steps for one in SHIPPED_PATHWAYS}
    assert {
        code: [step.professions[0] for step in steps] for code, steps in by_code.items()
    } == {
        "elderly-home": [Profession.NURSE, Profession.PHYSICIAN],
        "post-partum-diabetes": [Profession.MIDWIFE, Profession.MIDWIFE],
        "type-2-diabetes": [Profession.PHYSICIAN, Profession.NURSE, Profession.PODIATRIST],
        "second-recourse": [Profession.PHYSICIAN, Profession.PHYSICIAN],
    }  # fmt: skip
    second = by_code["post-partum-diabetes"][1]
    assert (second.after_min, second.after_max) == (timedelta(weeks=4), timedelta(weeks=12))


@pytest.mark.parametrize(
    ("kind", "field", "most"),
    [
        (Effort, "first_visit", 300),
        (Effort, "home_visit", 300),
        (Effort, "late", 300),
        (Caps, "bookings_per_day", 10_000),
        (Caps, "bookings_per_week", 10_000),
        (Caps, "effort_minutes_per_day", 100_000),
        (Caps, "effort_minutes_per_week", 100_000),
        (Groups, "gap_minutes", 1_440),
        (HomeVisits, "care_minutes", 1_440),
        (Spread, "give_percent", 100),
    ],
)
def test_a_figure_lies_between_nothing_and_its_most(
    kind: type[Value], field: str, most: int
) -> None:
    assert getattr(kind(**{field: 0}), field) == 0
    assert getattr(kind(**{field: most}), field) == most
    for beyond in (-1, most + 1):
        with pytest.raises(ValidationError, match=field):
            kind(**{field: beyond})


FULL_POLICY = """
territory = "giennois"
max_told_moves = 3

[effort]
first_visit = 40
home_visit = 120
late = 30
late_from = 19:30:00

[caps]
bookings_per_day = 20
bookings_per_week = 80
effort_minutes_per_day = 420
effort_minutes_per_week = 1800

[groups]
gap_minutes = 15

[home_visits]
care_minutes = 25

[spread]
give_percent = 5

[[floors]]
percent = 90
priority = "urgent"

[[floors]]
percent = 50
insee = "45155"

[[pathways]]
code = "wound-care"
name_fr = "plaie : médecin, puis infirmier"
name_en = "wound: physician, then nurse"

[[pathways.steps]]
professions = ["10"]

[[pathways.steps]]
professions = ["60"]
after_min = "PT12H"
after_max = "P2D"
"""


def test_every_side_constraint_is_read_from_toml() -> None:
    rules = Policy.from_toml(FULL_POLICY)
    assert rules.effort == Effort(first_visit=40, home_visit=120, late=30, late_from=time(19, 30))
    assert rules.caps == Caps(
        bookings_per_day=20,
        bookings_per_week=80,
        effort_minutes_per_day=420,
        effort_minutes_per_week=1_800,
    )
    assert rules.groups.gap_minutes == 15
    assert rules.home_visits == HomeVisits(care_minutes=25)
    assert rules.spread == Spread(give_percent=5)
    assert rules.floors == (
        Floor(percent=90, priority=Priority.URGENT),
        Floor(percent=50, insee="45155"),
    )
    assert rules.max_told_moves == 3
    (wound,) = rules.pathways
    assert wound.steps[1] == Step(
        professions=(Profession.NURSE,),
        after_min=timedelta(hours=12),
        after_max=timedelta(days=2),
    )
    assert Policy.model_validate_json(rules.model_dump_json()) == rules


def test_ways_between_home_visits_are_switched_off_in_toml_too() -> None:
    read = Policy.from_toml('territory = "giennois"\nhome_visits = false')
    assert read.home_visits is None
    assert Policy.model_validate_json(read.model_dump_json()) == read
    with pytest.raises(PolicyError, match="home_visits"):
        Policy.from_toml('territory = "giennois"\nhome_visits = true')
