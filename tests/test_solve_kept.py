"""Plans where seats are kept, promised or extra, and where nothing of it is at stake."""

from typing import Any

import pytest
from brute_side import best
from builders import TOWN, policy, practitioner, slot
from mutants import Mutant, apply, named, notices
from nights import ASAP, ROUTINE, agenda, asks, booked, night, planned
from random_problems import random_kept, random_priced, random_problem

from slotengine.codes import Priority
from slotengine.errors import ProblemError
from slotengine.labels import Lang
from slotengine.policy import SeatValues
from slotengine.problem import Problem
from slotengine.reasons import Rule
from slotengine.seat_prices import SeatPrice
from slotengine.side_constraints import Caps, Floor
from slotengine.solver import arcs as arcs_module
from slotengine.solver import hard_rules, levels, verdicts
from slotengine.solver.arcs import candidate_arcs
from slotengine.solver.check import check
from slotengine.solver.check_rules import Rules
from slotengine.solver.columns import to_columns
from slotengine.solver.explain import explain, sentences, why_not
from slotengine.solver.more_seats import more_seats
from slotengine.solver.solve import solve


def price(slot_id: str, amount: int) -> SeatPrice:
    return SeatPrice(slot=slot_id, price=amount)


def test_a_seat_is_given_at_exactly_what_it_is_worth_and_kept_above() -> None:
    """Routine: 5,000 less 120 weighted minutes; asap: 20,000 less 480."""
    for who, amount, plain in ((ROUTINE, 4_880, 120), (ASAP, 19_520, 480)):
        given = planned(night([asks("a", **who)], agenda(120), prices=[price("d1@120", amount)]))
        assert (given.seats, given.cost) == ({"a": "d1@120"}, plain + amount)
        kept = planned(night([asks("a", **who)], agenda(120), prices=[price("d1@120", amount + 1)]))
        assert (kept.reasons, kept.plan.deferred) == ({"a": "kept"}, ("a",))


def floored(**whom: Any) -> Any:
    return policy(floors=(Floor(percent=100, **whom),))


@pytest.mark.parametrize("amount", [4_880, 4_881, 50_000])
def test_no_price_keeps_a_seat_from_whom_a_floor_names_and_the_price_counts(amount: int) -> None:
    dear = [price("d1@120", amount)]
    for whom in ({"priority": Priority.ROUTINE}, {"insee": TOWN.insee}):
        asked = night([asks("a", **ROUTINE)], agenda(120), prices=dear, policy=floored(**whom))
        found = planned(asked)
        assert (found.seats, found.cost, found.plan.deferred) == ({"a": "d1@120"}, 120 + amount, ())
    for whom in ({"priority": Priority.ASAP}, {"insee": "44115"}):
        asked = night([asks("a", **ROUTINE)], agenda(120), prices=dear, policy=floored(**whom))
        assert bool(planned(asked).seats) is (amount == 4_880)


def test_a_floor_names_nobody_else_whose_seat_a_price_keeps() -> None:
    """Both seats are too dear for b, whose urgent class no floor is about."""
    asked = night(
        [asks("a", **ROUTINE), asks("b")],
        agenda(120, 180),
        prices=[price("d1@120", 9_800), price("d1@180", 9_700)],
        policy=floored(priority=Priority.ROUTINE),
    )
    found = planned(asked)
    assert (found.seats, found.reasons) == ({"a": "d1@180"}, {"b": "kept"})


def test_of_two_seats_the_less_wanted_is_given() -> None:
    """An hour later costs 60 more; the earlier seat is worth 61 to others."""
    asked = night([asks("a", **ROUTINE)], agenda(120, 180), prices=[price("d1@120", 61)])
    assert planned(asked).seats == {"a": "d1@180"}
    level = night([asks("a", **ROUTINE)], agenda(120, 180), prices=[price("d1@120", 59)])
    assert planned(level).seats == {"a": "d1@120"}


def test_who_was_promised_a_seat_has_one_before_the_more_urgent() -> None:
    asked = night([asks("a", **ROUTINE), asks("b", **ASAP)], agenda(120), promised=["a"])
    found = planned(asked)
    assert (found.seats, found.reasons) == ({"a": "d1@120"}, {"b": "seats_taken"})
    assert found.unserved == (0, 1, 0, 0)


def test_promises_that_cannot_all_be_kept_are_a_problem_of_its_own() -> None:
    both = [asks("a"), asks("b")]
    with pytest.raises(ProblemError, match="required rows"):
        solve(night(both, agenda(120), promised=["a", "b"]))
    capped = policy(caps=Caps(bookings_per_day=1))
    with pytest.raises(ProblemError, match="promised"):
        solve(night(both, agenda(120, 135), promised=["a", "b"], policy=capped))


def test_a_promise_is_kept_under_a_cap_that_pairs_alone_would_pass() -> None:
    """D1 takes one more; the cheapest seats are both d1's."""
    asked = night(
        [asks("a", **ROUTINE), asks("b", **ASAP), asks("c", **ROUTINE)],
        [*agenda(120, 135), *agenda(300, giver="d2")],
        practitioners=[practitioner("d1", max_bookings_per_day=1), practitioner("d2")],
        promised=["a", "c"],
    )
    found = planned(asked)
    assert sorted(found.seats) == ["a", "c"]
    assert found.reasons == {"b": "cap"}


def test_an_extra_seat_counts_no_minutes_and_is_taken_last() -> None:
    (wide,) = agenda(120, capacity=2, extra_capacity=1)
    found = planned(night([asks(one) for one in "abc"], [wide]))
    assert [one.seat for one in found.plan.assignments] == [0, 1, 2]
    pinned = night([asks(one) for one in "bc"], [wide], pins=[booked("d1@120", seat=1)])
    assert [one.seat for one in planned(pinned).plan.assignments] == [0, 2]
    columns = to_columns(pinned)
    # 15 minutes in two seats: 8 each rounded up, 16 offered, whoever sits on the third.
    assert columns.workload.slot_seat_minutes.tolist() == [8]
    assert columns.workload.offered.tolist() == [16]


@pytest.mark.parametrize("seed", range(40))
def test_prices_of_nothing_change_nothing_where_every_pair_is_worth_its_cost(seed: int) -> None:
    drawn = random_problem(seed)
    rich = drawn.replaced(
        policy=drawn.policy.replaced(
            values=SeatValues(**dict.fromkeys(("stat", "asap", "urgent", "routine"), 100_000))
        )
    )
    free = rich.replaced(prices=tuple(price(one.id, 0) for one in rich.slots))
    rules = Rules(rich)
    pairs = [figures for one in rich.referrals for _, figures in rules.allowed(one)]
    assert all(figures.cost <= 100_000 for figures in pairs)
    plain, priced = solve(rich), solve(free)
    assert check(free, priced) == []
    assert priced.assignments == plain.assignments
    assert priced.unserved == plain.unserved
    assert priced.objective == plain.objective
    assert priced.duals == plain.duals
    assert priced.deferred == ()


def test_a_value_below_the_cost_is_what_a_price_of_nothing_asks_about() -> None:
    def served(value: int, *prices: SeatPrice) -> bool:
        rules = policy(values=SeatValues(routine=value))
        asked = night([asks("a", **ROUTINE)], agenda(120), policy=rules, prices=prices)
        return bool(planned(asked).seats)

    assert served(0)
    assert served(120, price("d1@120", 0))
    assert not served(119, price("d1@120", 0))


@pytest.mark.parametrize("few", [0, 1 << 17])
@pytest.mark.parametrize("seed", range(20))
def test_arcs_are_what_the_check_allows_and_cost_the_price_too(
    monkeypatch: pytest.MonkeyPatch, seed: int, few: int
) -> None:
    monkeypatch.setattr(arcs_module, "FEW_PAIRS", few)
    drawn = random_priced(seed)
    found = candidate_arcs(to_columns(drawn))
    rules, costs = Rules(drawn), {one.slot: one.price for one in drawn.prices}
    wanted = {
        (row, slot_.id): figures.cost + costs.get(slot_.id, 0)
        for row, one in enumerate(drawn.referrals)
        for slot_, figures in rules.allowed(one)
    }
    pairs = zip(found.row.tolist(), found.slot.tolist(), found.cost.tolist(), strict=True)
    assert {(row, drawn.slots[at].id): cost for row, at, cost in pairs} == wanted


@pytest.mark.parametrize("seed", range(60))
def test_plans_with_prices_promises_and_extra_seats_pass_and_are_proved(seed: int) -> None:
    drawn = random_priced(seed)
    plan = solve(drawn, seed=seed)
    assert check(drawn, plan) == []
    assert plan.proved
    assert not {one.referral for one in plan.unserved} & {*drawn.promised}
    for left in plan.deferred:
        stopped = {why_not(drawn, left, one.id) for one in drawn.slots}
        assert Rule.KEPT in stopped


def test_floors_give_seats_that_prices_keep_where_every_plan_was_tried() -> None:
    """Forty small nights with side constraints, each compared with the best of all its plans."""
    given = 0
    for seed in range(40):
        drawn = random_kept(seed)
        if not (drawn.policy.floors and drawn.prices):
            continue
        plan = solve(drawn)
        assert check(drawn, plan) == []
        assert plan.objective == best(drawn)[0]
        keeps = {*drawn.promised, *(one.referral for one in drawn.told)}
        who = {one.id: one for one in drawn.referrals}
        for one in plan.assignments:
            asking = who[one.referral]
            if one.cost + one.price > drawn.policy.values.of(asking.priority):
                home = asking.patient.location
                assert one.referral in keeps or any(
                    floor.priority in (None, asking.priority)
                    and (floor.insee is None or (home and floor.insee == home.insee))
                    for floor in drawn.policy.floors
                )
                given += one.referral not in keeps
    assert given >= 5


def test_why_not_and_the_funnel_know_what_is_kept() -> None:
    prices = [price("d1@120", 4_881), price("d1@180", 4_820)]
    asked = night([asks("a", **ROUTINE)], agenda(120, 180), prices=prices)
    assert why_not(asked, "a", "d1@120") is Rule.KEPT
    assert why_not(asked, "a", "d1@180") is None
    plan = solve(asked)
    told = explain(asked, plan, "a")
    left = {step.rule: step.seats_left for step in told.funnel}
    assert (left["cap"], left["kept"], left["seats_taken"]) == (2, 1, 1)
    _, costs, _ = sentences(asked, told, Lang.EN)
    assert costs.endswith(
        ": 180 (waiting 180 min: 180, travel 0 min (0.0 km): 0). Price of the seat: 4820."
    )


def test_the_runner_up_is_the_best_beside_its_price() -> None:
    """The seat an hour later costs 60 more and is worth 100 less to others than the next one."""
    prices = [price("d1@120", 50), price("d1@180", 100), price("d1@240", 20)]
    asked = night([asks("a", **ROUTINE)], agenda(120, 180, 240), prices=prices)
    told = explain(asked, solve(asked), "a")
    assert told.seat.slot == "d1@120"
    assert (told.runner_up.slot, told.runner_up.price) == ("d1@240", 20)
    assert "90 weighted minutes more" in sentences(asked, told, Lang.EN)[-1]


def test_one_more_seat_costs_what_the_seat_beside_it_does() -> None:
    """At 4,881 another seat like it would be kept too, so it brings nobody a seat."""
    for amount, gains in ((4_880, True), (4_881, False)):
        asked = night(
            [asks("a", **ASAP), asks("b", **ROUTINE)], agenda(120), prices=[price("d1@120", amount)]
        )
        assert bool(more_seats(asked, solve(asked))) is gains


def mutant(function: Any, old: str, new: str, asked: Problem, *noticed: str) -> Mutant:
    return Mutant(function, old, new, asked, {*noticed})


PROMISED_FIRST = night([asks("a", **ROUTINE), asks("b", **ASAP)], agenda(120), promised=["a"])
AT_ITS_PRICE = night([asks("a", **ROUTINE)], agenda(120), prices=[price("d1@120", 4_880)])
ABOVE_ITS_PRICE = night([asks("a", **ROUTINE)], agenda(120), prices=[price("d1@120", 4_881)])
FLOORED_AT_ANY_PRICE = ABOVE_ITS_PRICE.replaced(policy=floored(priority=Priority.ROUTINE))
PROMISED_AT_ANY_PRICE = ABOVE_ITS_PRICE.replaced(promised=("a",))
CHEAPER_LATER = night([asks("a", **ROUTINE)], agenda(120, 180), prices=[price("d1@120", 61)])
TAKEN_AND_KEPT = night(
    [asks("a", **ASAP, deadline=slot(after_minutes=200).start), asks("b", **ROUTINE)],
    agenda(120, 300),
    prices=[price("d1@300", 4_701)],
)
"""The asap one can only have the first; the other is worth 5,000 - 300 to the routine one."""


@pytest.mark.parametrize(
    "changed",
    named(
        [
            mutant(
                hard_rules.kept,
                ">= columns",
                "> columns",
                AT_ITS_PRICE,
                "certificate.arc",
                "not best",
                "unserved.addable",
            ),
            mutant(
                hard_rules.kept, ">= columns", "+ 1 >= columns", ABOVE_ITS_PRICE, "kept", "not best"
            ),
            mutant(
                hard_rules.kept,
                "| columns.referral_seated[way.row]",
                "",
                PROMISED_AT_ANY_PRICE,
                "ProblemError",
            ),
            mutant(
                hard_rules.kept,
                "| columns.referral_floored[way.row]",
                "",
                FLOORED_AT_ANY_PRICE,
                "not best",
                "unserved.addable",
            ),
            mutant(
                hard_rules.kept, "not columns.priced", "True", ABOVE_ITS_PRICE, "kept", "not best"
            ),
            mutant(
                arcs_module._priced,
                "cost + columns.slot_price[slot]",
                "cost",
                CHEAPER_LATER,
                "certificate.gap",
                "not best",
                "objective",
            ),
            mutant(
                levels.whole_face,
                "~columns.referral_seated",
                "np.ones(columns.referrals, dtype=np.bool_)",
                PROMISED_FIRST,
                "certificate.levels",
            ),
            mutant(
                verdicts.verdicts,
                "if possible and",
                "if not possible and",
                TAKEN_AND_KEPT,
                "unserved.reason",
            ),
            mutant(
                verdicts.deferred,
                "reason.code is",
                "reason.code is not",
                TAKEN_AND_KEPT,
                "deferred",
            ),
        ]
    ),
)
def test_a_rule_of_what_is_kept_made_wrong_is_noticed(
    monkeypatch: pytest.MonkeyPatch, changed: Mutant
) -> None:
    assert notices(changed.asked) == set()
    apply(monkeypatch, changed)
    assert notices(changed.asked) == changed.noticed
