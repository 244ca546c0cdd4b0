from datetime import UTC, date, datetime, time
from importlib import resources
from zoneinfo import ZoneInfo

import pytest

from slotengine.codes import Priority
from slotengine.errors import UnknownTerritoryError
from slotengine.fixtures import dst, small
from slotengine.opening import deadline
from slotengine.problem import COST_LEVEL, Limits
from slotengine.reasons import ReasonCode
from slotengine.solver.check import check
from slotengine.solver.solve import solve

PARIS = ZoneInfo("Europe/Paris")


def utc(year: int, month: int, day: int, hour: int, minute: int = 0) -> datetime:
    return datetime(year, month, day, hour, minute, tzinfo=UTC)


def test_small_has_four_referrals_and_five_slots() -> None:
    problem = small()
    assert (len(problem.referrals), len(problem.slots)) == (4, 5)


def test_small_is_solved_as_by_hand() -> None:
    problem = small()
    plan = solve(problem, limits=Limits(), seed=0)
    assert list(check(problem, plan)) == []
    assert plan.proved
    assert plan.objective[: COST_LEVEL + 1] == (0, 0, 0, 0, 1, 330)
    assert plan.bound[: COST_LEVEL + 1] == (0, 0, 0, 0, 1, 330)
    assert [(a.referral, a.slot, a.cost) for a in plan.assignments] == [
        ("a", "s1", 90),
        ("b", "s2", 140),
        ("c", "s3", 100),
    ]
    assert [(a.travel_metres, a.travel_minutes, a.wait_minutes) for a in plan.assignments] == [
        (5_000, 5, 20),
        (10_000, 10, 60),
        (20_000, 20, 60),
    ]
    (left,) = plan.unserved
    assert left.referral == "d"
    assert left.reasons[0].code is ReasonCode.SEATS_TAKEN
    assert left.reasons[0].figures == {"seats": 3}


@pytest.mark.parametrize(
    ("referral", "costs"),
    [
        ("a", {"s1": 90, "s2": 250, "s3": 270}),
        ("b", {"s1": 60, "s2": 140, "s3": 200}),
        ("c", {"s1": 20, "s2": 60, "s3": 100}),
        ("d", {"s1": 30, "s2": 70, "s3": 112}),
    ],
)
def test_each_pair_of_small_costs_what_its_readme_says(
    referral: str, costs: dict[str, int]
) -> None:
    """One referral alone with one slot: the solver's level 2 is that pair's cost."""
    whole = small()
    (alone,) = (one for one in whole.referrals if one.id == referral)
    for slot in whole.slots:
        problem = whole.replaced(referrals=(alone,), slots=(slot,))
        plan = solve(problem, limits=Limits(), seed=0)
        if slot.id in costs:
            assert plan.objective[COST_LEVEL] == costs[slot.id]
        else:
            assert not plan.assignments


def test_smalls_readme_states_the_figures() -> None:
    text = (resources.files("slotengine.fixtures") / "small/README.md").read_text("utf-8")
    for figure in ("**330**", "**1d = 1**", "all 3 possible seats are taken"):
        assert figure in text


AUTUMN = {
    "a": ("first-0230", utc(2026, 10, 25, 0, 30), 240),
    "b": ("second-0230", utc(2026, 10, 25, 1, 30), 300),
    "c": ("after", utc(2026, 10, 25, 2, 0), 330),
    "d": ("before", utc(2026, 10, 24, 23, 30), 180),
}
SPRING = {
    "a": ("late", utc(2027, 3, 28, 1, 30), 240),
    "b": ("bridge", utc(2027, 3, 28, 0, 45), 195),
    "c": ("after", utc(2027, 3, 28, 1, 0), 210),
    "d": ("before", utc(2027, 3, 28, 0, 30), 180),
}


@pytest.mark.parametrize(("day", "expected"), [("2026-10-25", AUTUMN), ("2027-03-28", SPRING)])
def test_a_changeover_night_is_solved_as_by_hand(
    day: str, expected: dict[str, tuple[str, datetime, int]]
) -> None:
    problem = dst(day)
    plan = solve(problem, limits=Limits(), seed=0)
    assert list(check(problem, plan)) == []
    assert plan.proved
    assert not plan.unserved
    starts = {slot.id: slot.start for slot in problem.slots}
    found = {a.referral: (a.slot, starts[a.slot], a.wait_minutes) for a in plan.assignments}
    assert found == expected


def test_half_past_two_happens_twice_in_autumn() -> None:
    starts = {slot.id: slot.start for slot in dst("2026-10-25").slots}
    wall = datetime.combine(date(2026, 10, 25), time(2, 30), PARIS)
    assert starts["first-0230"] == wall.replace(fold=0).astimezone(UTC)
    assert starts["second-0230"] == wall.replace(fold=1).astimezone(UTC)
    shown = [starts[name].astimezone(PARIS).time() for name in ("first-0230", "second-0230")]
    assert shown == [time(2, 30), time(2, 30)]


def test_half_past_two_does_not_exist_in_spring() -> None:
    problem = dst("2027-03-28")
    shown = {slot.id: slot.start.astimezone(PARIS).time() for slot in problem.slots}
    assert time(2, 30) not in shown.values()
    assert (shown["bridge"], shown["after"], shown["late"]) == (time(1, 45), time(3), time(3, 30))
    written = datetime.combine(date(2027, 3, 28), time(2, 30), PARIS)
    assert written.astimezone(UTC) == utc(2027, 3, 28, 1, 30)
    (bridge,) = (slot for slot in problem.slots if slot.id == "bridge")
    assert (bridge.end - bridge.start).total_seconds() == 900
    assert bridge.end.astimezone(PARIS).time() == time(3)


@pytest.mark.parametrize(
    ("day", "due"),
    [
        ("2026-10-25", utc(2026, 10, 25, 0, 30)),
        ("2027-03-28", utc(2027, 3, 28, 1, 30)),
    ],
)
def test_four_hours_are_four_hours_across_the_change(day: str, due: datetime) -> None:
    problem = dst(day)
    (stat,) = (one for one in problem.referrals if one.priority is Priority.STAT)
    assert stat.deadline == due
    assert deadline(problem.policy, Priority.STAT, stat.received_at) == due


@pytest.mark.parametrize("day", ["2026-10-26", "tomorrow", ""])
def test_another_date_is_refused(day: str) -> None:
    with pytest.raises(UnknownTerritoryError):
        dst(day)
