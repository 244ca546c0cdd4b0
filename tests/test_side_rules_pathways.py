"""The pathways every policy starts with, planned together over a horizon of months."""

from typing import Any

import pytest
from builders import patient, policy, practitioner
from nights import ASAP, DAY, Night, agenda, asks, night, planned

from slotengine.codes import Profession
from slotengine.domain import Referral, TimeWindow
from slotengine.side_constraints import SHIPPED_PATHWAYS
from slotengine.solver.check import check
from slotengine.solver.solve import solve

GIVERS = [
    practitioner("gp"),
    practitioner("nurse", profession=Profession.NURSE),
    practitioner("midwife", profession=Profession.MIDWIFE),
    practitioner("foot", profession=Profession.PODIATRIST),
    practitioner("heart", specialties=("SM04",)),
]
LAST = "second-recourse"


def pathway(code: str) -> tuple[Referral, ...]:
    """One patient's referrals, one a step: ``elderly-home-0`` and so on."""
    (wanted,) = (one for one in SHIPPED_PATHWAYS if one.code == code)
    names = [f"{code}-{at}" for at in range(len(wanted.steps))]
    made = []
    for at, step in enumerate(wanted.steps):
        changes: dict[str, Any] = {"specialties": ("SM54",)} if code == LAST and at == 0 else {}
        if code == LAST and at == 1:
            changes["specialties"] = ("SM04",)
        made.append(
            asks(
                names[at],
                patient=patient(code),
                professions=step.professions,
                pathway=code,
                step=at,
                follows=names[at - 1] if at else None,
                **changes,
            )
        )
    return tuple(made)


def on_day(giver: str, *days: int, minute: int = 120, extra: int = 0) -> tuple[Any, ...]:
    return agenda(*(day * DAY + minute + extra for day in days), giver=giver)


EVERYBODY = tuple(one for shipped in SHIPPED_PATHWAYS for one in pathway(shipped.code))
BY_HAND = {
    "elderly-home-0": ("nurse", 120),
    "elderly-home-1": ("gp", 135 + 7 * DAY),
    "post-partum-diabetes-0": ("midwife", 120),
    "post-partum-diabetes-1": ("midwife", 135 + 28 * DAY),
    "second-recourse-0": ("gp", 150),
    "second-recourse-1": ("heart", 165 + 21 * DAY),
    "type-2-diabetes-0": ("gp", 200),
    "type-2-diabetes-1": ("nurse", 215 + DAY),
    "type-2-diabetes-2": ("foot", 230 + 61 * DAY),
}
"""
Each later step on the edge of its time after the one before, which lasts 15 minutes: a week, four
weeks, three weeks at most; a day at least, then sixty days at most.
"""

TOO_SOON_OR_LATE = {
    "elderly-home-1": ("gp", 136 + 7 * DAY),
    "post-partum-diabetes-1": ("midwife", 134 + 28 * DAY),
    "second-recourse-1": ("heart", 166 + 21 * DAY),
    "type-2-diabetes-1": ("nurse", 214 + DAY),
    "type-2-diabetes-2": ("foot", 231 + 61 * DAY),
}


def months(places: dict[str, tuple[str, int]]) -> Night:
    slots = [one for giver, at in places.values() for one in agenda(at, giver=giver)]
    asked = [one.replaced(**ASAP) if one.id == "elderly-home-0" else one for one in EVERYBODY]
    # Each patient's own hours, so that nobody takes another's slot: what is asked here are steps.
    own = {name: slot.id for name, slot in zip(places, slots, strict=True)}
    windows = {slot.id: TimeWindow(start=slot.start, end=slot.end) for slot in slots}
    asked = [one.replaced(windows=(windows[own[one.id]],)) for one in asked]
    return planned(night(asked, slots, practitioners=GIVERS, policy=policy()))


def test_all_shipped_pathways_are_planned_on_the_edge_of_their_times() -> None:
    found = months(BY_HAND)
    assert found.seats == {name: f"{giver}@{at}" for name, (giver, at) in BY_HAND.items()}
    weights = dict.fromkeys(BY_HAND, 2) | {"elderly-home-0": 4}
    assert found.cost == sum(weights[name] * at for name, (_, at) in BY_HAND.items())


@pytest.mark.parametrize("name", TOO_SOON_OR_LATE)
def test_a_minute_off_leaves_out_the_step_and_those_after_it(name: str) -> None:
    found = months(BY_HAND | {name: TOO_SOON_OR_LATE[name]})
    refused = {name} | ({"type-2-diabetes-2"} if name == "type-2-diabetes-1" else set())
    assert found.reasons == dict.fromkeys(refused, "pathway")


def test_the_latest_post_partum_visit_is_twelve_weeks_after() -> None:
    late = ("midwife", 135 + 84 * DAY)
    assert months(BY_HAND | {"post-partum-diabetes-1": late}).reasons == {}
    later = ("midwife", 136 + 84 * DAY)
    found = months(BY_HAND | {"post-partum-diabetes-1": later})
    assert found.reasons == {"post-partum-diabetes-1": "pathway"}


def test_patients_on_pathways_share_what_is_offered() -> None:
    """Nine steps, a choice of slots for each and nobody's hours: every step finds its time."""
    slots = [
        *on_day("gp", 0, 1, 3, 6, 8),
        *on_day("nurse", 0, 2, 10, 20),
        *on_day("midwife", 0, 14, 40, 90),
        *on_day("foot", 0, 30, 70),
        *on_day("heart", 0, 15, 30),
    ]
    asked = night(EVERYBODY, slots, practitioners=GIVERS, policy=policy())
    plan = solve(asked)
    assert check(asked, plan) == []
    assert plan.proved
    assert plan.unserved == ()
    days = {
        "elderly-home-0": ("nurse", 0),
        "elderly-home-1": ("gp", 1),  # the nurse is there at the hour of the physicians' first
        "post-partum-diabetes-0": ("midwife", 0),
        "post-partum-diabetes-1": ("midwife", 40),  # not before day 28
        "second-recourse-0": ("gp", 0),  # general practice was asked for
        "second-recourse-1": ("heart", 15),
        "type-2-diabetes-0": ("heart", 0),  # any physician
        "type-2-diabetes-1": ("nurse", 2),
        "type-2-diabetes-2": ("foot", 30),
    }
    assert {one.referral: one.slot for one in plan.assignments} == {
        name: f"{giver}@{day * DAY + 120}" for name, (giver, day) in days.items()
    }
    cost = sum(2 * (day * DAY + 120) for _, day in days.values())
    assert plan.objective == (0, 0, 0, 0, 0, cost, 0, 0, plan.objective[-1])
