"""What one referral could have at all: never less than the rules allow, and the same ranking."""

from datetime import timedelta
from typing import Any

import numpy as np
import pytest
from builders import NOW, TOWN, north_of, patient, policy, practitioner, referral, site, slot
from random_problems import random_coupled, random_problem

from slotengine.codes import Mode, Profession
from slotengine.domain import Referral, TimeWindow
from slotengine.policy import Detour, Policy
from slotengine.problem import Problem, TravelMatrix
from slotengine.solver.arcs import candidate_arcs
from slotengine.solver.columns import to_columns
from slotengine.solver.rank import rank
from slotengine.solver.reachable import could_have, straight_metres

MATRIX = TravelMatrix(name="roads", version="1", zones=("44114",), metres=((0,),), minutes=((0,),))
STRAIGHT = Detour(base=1, extra=0)


def kept(who: Referral, *, rules: Policy | None = None, matrix: Any = None, **given: Any) -> int:
    """How many of one practitioner's one slot at one site are kept: 0 or 1."""
    found = could_have(
        who,
        [slot(**given.get("slot", {}))],
        [practitioner(**given.get("giver", {}))],
        [site(**given.get("site", {}))],
        policy=rules or policy(detour=STRAIGHT),
        matrix=matrix,
    )
    return len(found)


@pytest.mark.parametrize(
    ("asked", "offered", "many"),
    [
        ((Profession.PHYSICIAN,), Profession.PHYSICIAN, 1),
        ((Profession.NURSE,), Profession.PHYSICIAN, 0),
        ((Profession.NURSE, Profession.PHYSICIAN), Profession.PHYSICIAN, 1),
    ],
)
def test_only_professions_asked_for_are_kept(
    asked: tuple[Profession, ...], offered: Profession, many: int
) -> None:
    assert kept(referral(professions=asked), giver={"profession": offered}) == many


@pytest.mark.parametrize(
    ("asked", "held", "many"),
    [
        ((), ("SM54",), 1),
        (("SM54", "SM40"), ("SM54",), 1),
        (("SM40",), ("SM54",), 0),
        (("SM40",), (), 0),
    ],
)
def test_a_specialty_is_shared_or_none_is_asked_for(
    asked: tuple[str, ...], held: tuple[str, ...], many: int
) -> None:
    assert kept(referral(specialties=asked), giver={"specialties": held}) == many


@pytest.mark.parametrize(
    ("begins", "ends", "many"),
    [
        (timedelta(0), timedelta(minutes=15), 1),
        (timedelta(seconds=1), timedelta(hours=1), 0),
        (timedelta(hours=-1), timedelta(minutes=14), 0),
    ],
    ids=["it fits to the second", "it begins before", "it ends after"],
)
def test_a_slot_lies_whole_in_a_window(begins: timedelta, ends: timedelta, many: int) -> None:
    given = slot()
    window = TimeWindow(start=given.start + begins, end=given.start + ends)
    before = TimeWindow(start=NOW, end=NOW + timedelta(minutes=1))
    assert kept(referral(windows=(before, window))) == many
    assert kept(referral(windows=())) == 1


@pytest.mark.parametrize(("metres", "many"), [(10_000, 1), (10_010, 0)])
def test_a_site_beyond_the_limit_in_a_straight_line_is_left_out(metres: int, many: int) -> None:
    """One degree of latitude is 111,195 m; two metres are spared for rounding."""
    away = {"location": north_of(TOWN, metres)}
    assert kept(referral(max_travel_metres=10_000), site=away) == many


@pytest.mark.parametrize(("factor", "many"), [(0.5, 1), (0.998, 1), (1.0, 0)])
def test_roads_that_are_counted_shorter_than_the_air_keep_farther_sites(
    factor: float, many: int
) -> None:
    rules = policy(detour=Detour(base=1, extra=0, factor=factor))
    away = {"location": north_of(TOWN, 10_015)}
    assert kept(referral(max_travel_metres=10_000), rules=rules, site=away) == many


def test_the_hosts_matrix_says_how_far_it_is_and_nothing_else_does() -> None:
    away = {"location": north_of(TOWN, 50_000)}
    who = referral(max_travel_metres=10_000)
    assert kept(who, matrix=MATRIX, site=away) == 1
    assert kept(who, site=away) == 0


def test_a_video_needs_neither_home_nor_way() -> None:
    nowhere = patient(location=None)
    on_screen = {"modes": (Mode.VR, Mode.AMB)}
    assert kept(referral(patient=nowhere, modes=(Mode.VR,)), slot=on_screen) == 1
    assert kept(referral(patient=nowhere, modes=(Mode.AMB,)), slot=on_screen) == 0
    assert kept(referral(modes=(Mode.VR,)), slot={"modes": (Mode.AMB,)}) == 0


def test_a_home_visit_has_the_practitioners_own_limit() -> None:
    rules = policy(detour=STRAIGHT, home_visit_metres=20_000)
    away = {"location": north_of(TOWN, 15_000)}
    near_only = {"max_travel_metres": 1_000}
    visits = {"modes": (Mode.HH,)}
    assert kept(referral(modes=(Mode.HH,), **near_only), rules=rules, site=away, slot=visits) == 1
    assert kept(referral(modes=(Mode.AMB,), **near_only), rules=rules, site=away) == 0


def _narrowed(drawn: Problem, who: Referral) -> tuple[Problem, Problem]:
    """One referral's problem with every slot, and with what it could have and what is pinned."""
    alone = [one for one in drawn.referrals if one.id == who.id]
    whole = drawn.replaced(referrals=tuple(alone), told=(), promised=(), prices=())
    few = could_have(
        who,
        drawn.slots,
        drawn.practitioners,
        drawn.sites,
        policy=drawn.policy,
        matrix=drawn.matrix,
    )
    ids = {one.id for one in few} | {pin.slot for pin in drawn.pins}
    return whole, whole.replaced(slots=tuple(one for one in drawn.slots if one.id in ids))


@pytest.mark.parametrize("seed", range(60))
def test_whatever_the_rules_allow_is_kept_and_ranked_the_same(seed: int) -> None:
    drawn = random_coupled(seed) if seed % 2 else random_problem(seed)
    columns = to_columns(drawn)
    for row, who in enumerate(drawn.referrals):
        whole, narrow = _narrowed(drawn, who)
        arcs = candidate_arcs(columns, np.array([row], dtype=np.int32))
        allowed = {drawn.slots[at].id for at in arcs.slot.tolist()}
        assert allowed <= {one.id for one in narrow.slots}
        assert rank(narrow, who.id) == rank(whole, who.id)


def test_a_metre_is_a_metre_to_the_solver_too() -> None:
    """Every pair that the solver finds near enough in whole road metres is near in a line."""
    for seed in range(20):
        drawn = random_problem(seed)
        for who in drawn.referrals:
            for candidate in rank(_narrowed(drawn, who)[0], who.id):
                if candidate.mode is not Mode.AMB or who.patient.location is None:
                    continue
                offered = next(one for one in drawn.slots if one.id == candidate.slot)
                where = next(one for one in drawn.sites if one.id == offered.site)
                stretch = drawn.policy.detour.factor * drawn.policy.detour.base
                line = straight_metres(who.patient.location, where.location)
                if drawn.matrix is None:
                    assert line * stretch <= candidate.travel_metres + 1
