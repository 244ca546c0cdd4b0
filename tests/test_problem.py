import pickle
from datetime import datetime, timedelta
from typing import Any

import pytest
from builders import (
    NOW,
    patient,
    policy,
    practitioner,
    problem,
    referral,
    site,
    slot,
)
from pydantic import ValidationError

from slotengine.codes import Mode, Priority
from slotengine.errors import HorizonError, InputError, ProblemError
from slotengine.explanations import Candidate
from slotengine.problem import (
    COST_LEVEL,
    FLOOR_LEVEL,
    LEVELS,
    MAX_HORIZON,
    MOVE_LEVEL,
    SPREAD_LEVEL,
    TIE_LEVEL,
    UNSERVED_LEVEL,
    Assignment,
    LevelDuals,
    Limits,
    Pin,
    Plan,
    Problem,
    Told,
    TravelMatrix,
    Unserved,
)
from slotengine.problem_checks import MOST_PRICE
from slotengine.reasons import Reason, ReasonCode
from slotengine.seat_prices import SeatPrice
from slotengine.side_constraints import Floor, Spread

FIRST, SECOND = sorted((referral("1"), referral("2")), key=lambda one: one.id)
PIN = Pin(referral="r-pinned", patient=patient("x").key, slot="slot1", seat=0)
TABLE: dict[str, Any] = {
    "name": "roads",
    "version": "2026-11",
    "zones": ("a", "b"),
    "metres": ((0, 9_000), (12_000, 0)),
    "minutes": ((0, 8), (20, 0)),
}


def test_what_is_given_in_any_order_is_sorted() -> None:
    asked = problem(
        practitioners=(practitioner("d2"), practitioner("d1")),
        sites=(site("s2"), site("s1")),
        slots=(slot("b", after_minutes=200, capacity=2), slot("a")),
        referrals=(SECOND, FIRST),
        pins=(PIN.replaced(slot="b", seat=1, referral="r-0"), PIN.replaced(slot="a")),
    )
    assert [one.id for one in asked.practitioners] == ["d1", "d2"]
    assert [one.id for one in asked.sites] == ["s1", "s2"]
    assert [one.id for one in asked.slots] == ["a", "b"]
    assert asked.referrals == (FIRST, SECOND)
    assert [pin.slot for pin in asked.pins] == ["a", "b"]
    assert asked.free_seats == (("b", 0),)


def test_the_order_given_changes_nothing() -> None:
    slots = (slot("b", after_minutes=200), slot("a"))
    assert problem(slots=slots) == problem(slots=slots[::-1])
    assert problem(slots=slots).digest == problem(slots=slots[::-1]).digest


def test_an_unsorted_problem_is_refused_where_nobody_sorts() -> None:
    asked = problem(slots=(slot("a"), slot("b", after_minutes=200)))
    with pytest.raises(ValidationError, match="slots are not sorted by id: a after b"):
        asked.replaced(slots=asked.slots[::-1])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"practitioners": (practitioner(), practitioner())}, "practitioner d1 is listed twice"),
        ({"sites": (site(), site())}, "site s1 is listed twice"),
        ({"slots": (slot(), slot())}, "slot slot1 is listed twice"),
        ({"referrals": (FIRST, FIRST)}, f"referral {FIRST.id} is listed twice"),
        ({"sites": ()}, "slot slot1: site s1 is missing"),
        ({"practitioners": ()}, "slot slot1: practitioner d1 is missing"),
        ({"policy": policy(territory="senart")}, "policy of senart in problem of giennois"),
        (
            {"referrals": (FIRST.replaced(territory="senart"),)},
            f"referral {FIRST.id} is of senart",
        ),
        (
            {"referrals": (FIRST.replaced(deadline=None),)},
            f"referral {FIRST.id}: deadline or max travel not filled in",
        ),
        (
            {"referrals": (FIRST.replaced(max_travel_metres=None),)},
            f"referral {FIRST.id}: deadline or max travel not filled in",
        ),
        (
            {"referrals": (FIRST, SECOND.replaced(patient=FIRST.patient))},
            f"referrals {FIRST.id} and {SECOND.id} are of one patient",
        ),
        (
            {"slots": (slot(), slot("slot2", after_minutes=134))},
            "slots slot1 and slot2 of one practitioner overlap",
        ),
        (
            {"pins": (PIN.replaced(slot="slot9"),)},
            "pin of r-pinned: slot slot9 is missing",
        ),
        (
            {"pins": (PIN.replaced(seat=1),)},
            "pin of r-pinned: slot slot1 has no seat 1",
        ),
        (
            {"pins": (PIN, PIN.replaced(referral="r-other"))},
            "slot slot1: seat 0 is pinned twice",
        ),
        (
            {"referrals": (FIRST,), "pins": (PIN.replaced(referral=FIRST.id),)},
            f"referral {FIRST.id} is pinned and to be placed",
        ),
        (
            {"referrals": (FIRST,), "promised": (SECOND.id,)},
            f"promised referral {SECOND.id} is not to be placed, or is told",
        ),
        (
            {
                "referrals": (FIRST,),
                "promised": (FIRST.id,),
                "told": (Told(referral=FIRST.id, slot="slot1"),),
            },
            f"promised referral {FIRST.id} is not to be placed, or is told",
        ),
        (
            {"referrals": (FIRST,), "promised": (FIRST.id, FIRST.id)},
            f"promised referral {FIRST.id} is listed twice or unsorted",
        ),
        (
            {"prices": (SeatPrice(slot="slot9", price=1),)},
            "price of slot slot9: the slot is missing",
        ),
        (
            {"prices": (SeatPrice(slot="slot1", price=MOST_PRICE + 1),)},
            f"price of slot slot1 is {MOST_PRICE + 1}, at most {MOST_PRICE}",
        ),
        (
            {"prices": (SeatPrice(slot="slot1", price=1), SeatPrice(slot="slot1", price=2))},
            "price of slot slot1 is listed twice or unsorted",
        ),
    ],
)
def test_a_contradiction_is_one_sentence_with_the_id(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ProblemError) as caught:
        problem(**changes)
    assert str(caught.value) == message


def test_touching_slots_of_one_practitioner_are_allowed() -> None:
    assert len(problem(slots=(slot(), slot("slot2", after_minutes=135))).slots) == 2


def test_overlapping_slots_of_two_practitioners_are_allowed() -> None:
    asked = problem(
        practitioners=(practitioner(), practitioner("d2")),
        slots=(slot(), slot("slot2", practitioner="d2")),
    )
    assert len(asked.slots) == 2


def test_a_long_slot_that_swallows_a_later_one_is_found() -> None:
    slots = (slot("a", minutes=300), slot("b", after_minutes=200), slot("c", after_minutes=400))
    with pytest.raises(ProblemError, match="slots a and b of one practitioner overlap"):
        problem(slots=slots)


def test_the_furthest_slot_starts_at_the_horizon() -> None:
    start = NOW + MAX_HORIZON
    assert problem(slots=(slot(start=start, end=start + timedelta(minutes=15)),)).slots
    later = start + timedelta(minutes=1)
    with pytest.raises(HorizonError, match="slot slot1 starts over 400 days ahead") as caught:
        problem(slots=(slot(start=later, end=later + timedelta(minutes=15)),))
    assert isinstance(caught.value, InputError)


def test_a_time_without_a_zone_is_a_problem_error_that_names_the_field() -> None:
    with pytest.raises(ProblemError, match=r"problem field as_of: .*timezone"):
        problem(as_of=datetime(2026, 11, 23, 9))  # noqa: DTZ001 - the point of the test


def test_a_field_of_the_wrong_kind_is_named_without_its_value() -> None:
    with pytest.raises(ProblemError, match="problem field territory") as caught:
        problem(territory="Mme Martin", policy=policy())
    assert "Martin" not in str(caught.value)


def test_an_empty_problem_is_complete() -> None:
    empty = problem(practitioners=(), sites=(), slots=(), referrals=())
    assert empty.free_seats == ()


def test_promised_and_priced_are_sorted_by_id() -> None:
    asked = problem(
        slots=(slot("a"), slot("b", after_minutes=200)),
        referrals=(FIRST, SECOND),
        promised=(SECOND.id, FIRST.id),
        prices=(SeatPrice(slot="b", price=1), SeatPrice(slot="a", price=2)),
    )
    assert asked.promised == (FIRST.id, SECOND.id)
    assert [(one.slot, one.price) for one in asked.prices] == [("a", 2), ("b", 1)]
    with pytest.raises(ValidationError, match=f"{FIRST.id} is listed twice or unsorted"):
        asked.replaced(promised=asked.promised[::-1])
    with pytest.raises(ValidationError, match="price of slot a is listed twice or unsorted"):
        asked.replaced(prices=asked.prices[::-1])


def test_a_price_is_never_negative() -> None:
    with pytest.raises(ValidationError, match="greater than or equal to 0"):
        SeatPrice(slot="a", price=-1)


def test_extra_seats_come_after_a_slots_own_and_are_free_until_pinned() -> None:
    asked = problem(slots=(slot(extra_capacity=1),), pins=(PIN,))
    assert asked.free_seats == (("slot1", 1),)
    with pytest.raises(ProblemError, match="pin of r-pinned: slot slot1 has no seat 2"):
        problem(slots=(slot(extra_capacity=1),), pins=(PIN.replaced(seat=2),))


def test_free_seats_are_those_without_a_pin() -> None:
    asked = problem(
        slots=(slot(capacity=3), slot("slot2", after_minutes=200)), pins=(PIN.replaced(seat=1),)
    )
    assert asked.free_seats == (("slot1", 0), ("slot1", 2), ("slot2", 0))


def test_the_digest_tells_problems_apart() -> None:
    digests = {
        problem().digest,
        problem(as_of=NOW + timedelta(seconds=1)).digest,
        problem(slots=(slot(version=2),)).digest,
        problem(pins=(PIN,)).digest,
        problem(policy=policy(version=2)).digest,
        problem(matrix=TravelMatrix(**TABLE)).digest,
        problem(pins=(PIN.replaced(mode=Mode.VR),)).digest,
        problem(referrals=(FIRST,)).digest,
        problem(referrals=(FIRST,), told=(TOLD,)).digest,
        problem(referrals=(FIRST,), promised=(FIRST.id,)).digest,
        problem(prices=(SeatPrice(slot="slot1", price=1),)).digest,
        problem(slots=(slot(extra_capacity=1),)).digest,
    }
    assert len(digests) == 12
    assert problem().digest == problem().digest


def test_travel_is_named_by_its_table_or_its_policy() -> None:
    assert problem(matrix=TravelMatrix(**TABLE)).travel_name == "roads@2026-11"
    rules = policy()
    assert problem(policy=rules).travel_name == f"great-circle@{rules.digest[:8]}"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"zones": ("a", "a")}, "lists a zone twice"),
        ({"zones": ("a",)}, "must be 1 x 1"),
        ({"metres": ((0, 9_000),)}, "must be 2 x 2"),
        ({"metres": ((0,), (12_000, 0))}, "must be 2 x 2"),
        ({"minutes": ((0, 8), (20, 0, 1))}, "must be 2 x 2"),
        ({"metres": ((0, None), (12_000, 0))}, "minutes without metres"),
        ({"minutes": ((0, 8), (None, 0))}, "metres without minutes"),
        ({"metres": ((0, -1), (12_000, 0))}, "greater than or equal to 0"),
    ],
)
def test_a_travel_table_is_square_and_whole(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        TravelMatrix(**{**TABLE, **changes})


def test_a_travel_table_may_be_asymmetric_and_have_gaps() -> None:
    gaps = {"metres": ((0, None), (12_000, 0)), "minutes": ((0, None), (20, 0))}
    assert TravelMatrix(**{**TABLE, **gaps}).metres[0][1] is None
    assert TravelMatrix(**TABLE).minutes == ((0, 8), (20, 0))


def test_every_priority_has_a_level_in_order_of_urgency() -> None:
    assert [LEVELS[UNSERVED_LEVEL[priority]] for priority in Priority] == ["1a", "1b", "1c", "1d"]
    others = (FLOOR_LEVEL, COST_LEVEL, SPREAD_LEVEL, MOVE_LEVEL, TIE_LEVEL)
    assert [LEVELS[at] for at in others] == ["0", "2", "3", "4", "5"]


TOLD = Told(referral=FIRST.id, slot="slot1")


@pytest.mark.parametrize(
    ("rules", "told", "idle"),
    [
        ({}, (), {"0", "3", "4"}),
        ({"floors": (Floor(percent=80, priority=Priority.URGENT),)}, (), {"3", "4"}),
        ({"spread": Spread()}, (), {"0", "4"}),
        ({"max_told_moves": 1}, (), {"0", "3", "4"}),
        ({}, (TOLD,), {"0", "3", "4"}),
        ({"max_told_moves": 1}, (TOLD,), {"0", "3"}),
    ],
)
def test_a_level_on_which_all_plans_count_nothing_is_idle(
    rules: dict[str, Any], told: tuple[Told, ...], idle: set[str]
) -> None:
    asked = problem(policy=policy(**rules), referrals=(FIRST,), told=told)
    assert asked.active_levels == tuple(level for level in LEVELS if level not in idle)


PLAN = Plan(
    territory="giennois",
    as_of=NOW,
    problem_digest="0" * 32,
    policy_version=1,
    policy_digest="0" * 32,
    travel_name="great-circle@00000000",
    seed=0,
    assignments=(
        Assignment(
            referral="r1",
            slot="slot1",
            seat=0,
            mode=Mode.AMB,
            travel_metres=0,
            travel_minutes=0,
            wait_minutes=120,
            cost=240,
        ),
    ),
    unserved=(Unserved(referral="r2", reasons=(Reason(code=ReasonCode.NO_SLOT),)),),
    objective=(0, 0, 0, 0, 1, 240, 0, 0, 7),
    bound=(0, 0, 0, 0, 1, 240, None, None, None),
    proved_levels=5,
    duals=(LevelDuals(level="1a", referral=(0, 2**60), seat=(-1,)),),
    seconds=0.5,
)


def test_a_plan_is_proved_when_every_level_is() -> None:
    assert not PLAN.proved
    assert PLAN.replaced(proved_levels=len(LEVELS)).proved
    with pytest.raises(ValidationError, match="proved_levels"):
        PLAN.replaced(proved_levels=len(LEVELS) + 1)


def test_the_digest_of_a_plan_leaves_out_how_long_it_took() -> None:
    assert PLAN.replaced(seconds=9).digest == PLAN.digest
    assert PLAN.replaced(seed=1).digest != PLAN.digest


def test_an_unserved_referral_has_at_least_one_reason() -> None:
    with pytest.raises(ValidationError, match="reasons"):
        Unserved(referral="r2", reasons=())


def test_a_candidate_scores_its_value_less_cost_and_price() -> None:
    fields: dict[str, Any] = PLAN.assignments[0].model_dump()
    assert Candidate(**fields, value=10_000).score == 10_000 - 240
    assert Candidate(**{**fields, "price": 100}, value=10_000).score == 10_000 - 240 - 100


@pytest.mark.parametrize("nodes", [0, -1, 100_000_001])
def test_a_limit_of_nodes_is_positive_and_absent_by_default(nodes: int) -> None:
    assert Limits().nodes is None
    assert Limits(nodes=1).nodes == 1
    with pytest.raises(ValidationError, match="nodes"):
        Limits(nodes=nodes)


@pytest.mark.parametrize("seconds", [0, -1, 86_401, float("nan")])
def test_a_limit_is_a_positive_time_within_a_day(seconds: float) -> None:
    assert Limits().seconds == 60
    with pytest.raises(ValidationError, match="seconds"):
        Limits(seconds=seconds)


@pytest.mark.parametrize(
    "value",
    [PLAN, problem(pins=(PIN,), matrix=TravelMatrix(**TABLE)), Limits(seconds=1)],
    ids=["plan", "problem", "limits"],
)
def test_problem_and_plan_pickle_and_survive_json(value: Problem | Plan | Limits) -> None:
    assert pickle.loads(pickle.dumps(value)) == value  # noqa: S301 - our own bytes
    assert type(value).model_validate_json(value.model_dump_json()) == value


def test_a_problem_that_survived_json_has_its_digest() -> None:
    asked = problem(pins=(PIN,))
    assert Problem.model_validate_json(asked.model_dump_json()).digest == asked.digest
    assert pickle.loads(pickle.dumps(asked)).digest == asked.digest  # noqa: S301 - our own bytes


def test_problem_and_plan_are_frozen_and_know_their_fields() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        problem().territory = "senart"  # type: ignore[misc]  # the point of the test
    with pytest.raises(ValidationError, match="Extra inputs"):
        PLAN.replaced(notes="x")
