"""Sampled futures against the rules pair by pair, and the same luck for every problem."""

import numpy as np
import pytest
from builders import patient, problem, referral
from sampled import MICROSECOND, MIXED, arcs, busy_day, forecast, kind, rules

from slotengine.codes import Priority
from slotengine.domain import Referral, Requester
from slotengine.forecast import Forecast
from slotengine.opening import deadline
from slotengine.policy import Counting
from slotengine.problem import Problem
from slotengine.seat_prices import SeatPrice
from slotengine.side_constraints import Floor
from slotengine.solver.arcs import ALLOWED, refusals
from slotengine.solver.check_rules import Rules
from slotengine.solver.columns import to_columns
from slotengine.solver.futures import Future, futures
from slotengine.solver.futures_draws import ArrivalDraws


def drawn(one: Problem, expected: Forecast, future: int = 0, seed: int = 0) -> list[Referral]:
    """The arrivals of a future as referrals, as the engine would have filled them in."""
    found = ArrivalDraws(one.policy, expected).of(seed, future)
    places = {commune.insee: commune.location for commune in one.policy.communes}
    arrivals = []
    for number, (at_us, index) in enumerate(
        zip(found.at_us.tolist(), found.kind.tolist(), strict=True)
    ):
        of_kind = expected.kinds[index]
        at = expected.as_of + at_us * MICROSECOND
        arrivals.append(
            referral(
                f"drawn {number}",
                source=of_kind.source,
                requester=Requester(kind=of_kind.source),
                priority=of_kind.priority,
                professions=of_kind.professions,
                patient=patient(f"drawn {number}", location=places[of_kind.insee or ""]),
                max_travel_metres=one.policy.max_travel_metres,
                deadline=deadline(one.policy, of_kind.priority, at),
                received_at=at,
            )
        )
    return arrivals


def at_its_hour(one: Problem, arrival: Referral) -> Problem:
    """The problem that the counter has when an arrival comes: what opened since is open."""
    return Problem.build(
        territory=one.territory,
        as_of=arrival.received_at,
        policy=one.policy,
        practitioners=one.practitioners,
        sites=one.sites,
        slots=one.slots,
        referrals=(arrival,),
        pins=one.pins,
    )


# --- arcs and costs ------------------------------------------------------------------------------


@pytest.mark.parametrize("counting", list(Counting))
def test_an_arrival_has_the_arcs_that_the_rules_give_it_at_its_hour(counting: Counting) -> None:
    """Pair by pair against the plain rules and against the night's, each at the arrival's hour."""
    one = busy_day(policy=rules(counting=counting))
    expected = forecast(*MIXED, hourly=(3.0,) * 12)
    seen = 0
    for number, future in enumerate(futures(one, expected, count=3, seed=5)):
        arrivals = drawn(one, expected, number, seed=5)
        assert len(future.value) == len(one.referrals) + len(arrivals)
        for row, arrival in enumerate(arrivals, start=len(one.referrals)):
            then = at_its_hour(one, arrival)
            plain = Rules(then)
            allowed = {
                at: plain.modes(arrival, plain.slots[slot_id])[0].cost
                for at, (slot_id, _) in enumerate(one.free_seats)
                if plain.refusal(arrival, plain.slots[slot_id]) is None
            }
            arrived = arcs(future, row)
            assert arrived.keys() == allowed.keys()
            refused = refusals(to_columns(then), 0)
            order = {slot.id: at for at, slot in enumerate(then.slots)}
            assert all(
                (refused[order[slot_id]] == ALLOWED) == (at in arrived)
                for at, (slot_id, _) in enumerate(one.free_seats)
            )
            assert arrived == allowed
            seen += len(arrived)
    assert seen > 300


def test_who_waits_has_the_arcs_of_the_present_in_every_future() -> None:
    one = busy_day()
    plain = Rules(one)
    for future in futures(one, forecast(*MIXED), count=3, seed=1):
        for row, waiting in enumerate(one.referrals):
            allowed = {
                at: plain.modes(waiting, plain.slots[slot_id])[0].cost
                for at, (slot_id, _) in enumerate(one.free_seats)
                if plain.refusal(waiting, plain.slots[slot_id]) is None
            }
            assert arcs(future, row) == allowed


def test_values_are_those_of_the_policy_in_row_order() -> None:
    one = busy_day()
    expected = forecast(*MIXED)
    (future,) = futures(one, expected, count=1, seed=0)
    everybody = [*one.referrals, *drawn(one, expected)]
    assert future.value.tolist() == [one.policy.values.of(who.priority) for who in everybody]


def test_a_floor_names_the_same_in_a_future_as_at_the_counter() -> None:
    floors = (
        Floor(percent=50, priority=Priority.ROUTINE),
        Floor(percent=50, insee="44001"),
        Floor(percent=50, priority=Priority.URGENT, insee="44114"),
    )
    one = busy_day(policy=rules(floors=floors))
    expected = forecast(*MIXED, kind(0.0, insee=None))
    (future,) = futures(one, expected, count=1, seed=0)
    everybody = [*one.referrals, *drawn(one, expected)]
    assert future.named.tolist() == [[floor.names(who) for who in everybody] for floor in floors]
    assert future.named.any(axis=1).all()


def test_a_kind_without_a_commune_is_named_by_no_floor_of_one() -> None:
    floors = (Floor(percent=50, insee="44114"), Floor(percent=50, priority=Priority.URGENT))
    one = problem(policy=rules(floors=floors))
    (future,) = futures(one, forecast(kind(insee=None)), count=1, seed=0)
    waits = len(one.referrals)
    assert not future.named[0, waits:].any()
    assert future.named[1, waits:].all()


def test_prices_are_not_read() -> None:
    plain = busy_day()
    priced = busy_day(prices=(SeatPrice(slot="d1-09", price=1_000_000),))
    for one, other in zip(*(both(which) for which in (plain, priced)), strict=True):
        assert same(one, other)


def test_promised_and_told_rows_are_rows_like_others() -> None:
    plain = busy_day()
    promised = busy_day(promised=(plain.referrals[0].id,))
    for one, other in zip(both(plain), both(promised), strict=True):
        assert same(one, other)


def both(one: Problem, expected: Forecast | None = None, seed: int = 0) -> list[Future]:
    return list(futures(one, expected or forecast(*MIXED), count=2, seed=seed))


def same(one: Future, other: Future) -> bool:
    return all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))


# --- the same luck again -------------------------------------------------------------------------


def test_the_same_seed_gives_the_same_futures() -> None:
    for one, other in zip(both(busy_day()), both(busy_day()), strict=True):
        assert same(one, other)


def test_futures_of_other_seeds_and_numbers_differ() -> None:
    first, second = both(busy_day())
    (other, _) = both(busy_day(), seed=1)
    assert not same(first, second)
    assert not same(first, other)


def test_a_future_does_not_depend_on_how_many_are_asked_for() -> None:
    one = busy_day()
    few, many = (list(futures(one, forecast(*MIXED), count=n, seed=0)) for n in (1, 4))
    assert same(few[0], many[0])


def test_another_problem_meets_the_same_arrivals() -> None:
    """A seat less and a patient more: who comes has the same values and the same arcs elsewhere."""
    more = busy_day()
    fewer = busy_day(slots=more.slots[:-1], referrals=more.referrals[:1])
    kept = len(fewer.free_seats)
    for one, other in zip(both(more), both(fewer), strict=True):
        assert one.value[2:].tolist() == other.value[1:].tolist()
        for row in range(2, len(one.value)):
            left = {at: cost for at, cost in arcs(one, row).items() if at < kept}
            assert left == arcs(other, row - 1)
