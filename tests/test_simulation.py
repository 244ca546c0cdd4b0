"""Policies on worlds small enough to be solved by hand, and the bound that foresight is."""

from datetime import timedelta
from typing import Any

import pytest
from builders import NOW, TOWN, north_of, policy, practitioner, site, slot
from simulated import asks, seated, two_seats_three_referrals, world

from slotengine.codes import Priority
from slotengine.counter_rules import Reserve
from slotengine.errors import InputError, SolverError
from slotengine.simulation import BASELINES, POLICIES, desks, draw_world, simulate
from slotengine.simulation_clerk import Clerk
from slotengine.simulation_desks import (
    FlatReserve,
    Greedy,
    LeastRecentlyUsed,
    Nearest,
    SasOrder,
    Soonest,
)
from slotengine.simulation_figures import figures
from slotengine.simulation_foresight import perfect_foresight
from slotengine.simulation_ours import Ours
from slotengine.simulation_run import Desk, run
from slotengine.simulation_world import World
from slotengine.solver.freeing import Freed, Holders


def given(one: World, desk: Desk) -> dict[str, str]:
    return seated(one, run(one, desk).seat_of)


@pytest.mark.parametrize("desk", [Soonest, Nearest, SasOrder, LeastRecentlyUsed, Greedy])
def test_without_foresight_the_first_two_take_both_seats(desk: type[Desk]) -> None:
    assert given(two_seats_three_referrals(), desk()) == {"r1": "a", "r2": "b"}


def test_value_of_who_came_first_is_as_added_by_hand() -> None:
    # Two routine: 5,000 - 120 and 5,000 - 170.
    assert figures(run(two_seats_three_referrals(), Soonest())).value == 9_710


def test_foresight_keeps_the_soonest_seat_for_the_most_urgent() -> None:
    one = two_seats_three_referrals()
    best = perfect_foresight(one)
    # s on a 40,000 - 480, r2 on b 5,000 - 170: 44,350; s on b and r2 on a would be 43,930.
    assert seated(one, best.seat_of) == {"s": "a", "r2": "b"}
    assert figures(best).value == 44_350
    share = figures(run(one, Soonest()), best).pct_of_foresight
    assert share == pytest.approx(100 * 9_710 / 44_350)


def test_foresight_knows_who_cancels_who_stays_away_and_what_opens_late() -> None:
    one = two_seats_three_referrals(misses=("s",), ends={"r2": 90})
    assert seated(one, perfect_foresight(one).seat_of) == {"r1": "a"}
    late = two_seats_three_referrals(published={"a": 115})
    # a is published 5 minutes before it starts, less than the notice of 10: nobody can have it.
    assert seated(late, perfect_foresight(late).seat_of) == {"s": "b"}


def test_a_seat_published_exactly_the_notice_ahead_can_be_had() -> None:
    edge = two_seats_three_referrals(published={"a": 110})
    assert seated(edge, perfect_foresight(edge).seat_of) == {"s": "a", "r2": "b"}
    assert given(edge, Soonest()) == {"r1": "b", "r2": "a"}


def test_a_flat_reserve_keeps_a_seat_for_the_urgent() -> None:
    kept = policy(reserve=Reserve(stat=0.5, asap=0, urgent=0))
    one = two_seats_three_referrals(policy=kept)
    # Of two seats one is kept: r1 may have a (2 free), r2 nothing (1 free), s the last.
    assert given(one, FlatReserve()) == {"r1": "a", "s": "b"}
    none = two_seats_three_referrals(policy=policy(reserve=Reserve(stat=0, asap=0, urgent=0)))
    assert given(none, FlatReserve()) == {"r1": "a", "r2": "b"}


def test_the_nearest_practice_wins_over_the_soonest_seat() -> None:
    far = north_of(TOWN, 8_000)
    places = world(
        [
            slot("far", after_minutes=120, practitioner="d2", site="s2"),
            slot("near", after_minutes=240),
        ],
        [asks("r1", Priority.ROUTINE, after=0)],
        practitioners=(practitioner(), practitioner("d2")),
        sites=(site(), site("s2", location=far)),
    )
    assert given(places, Nearest()) == {"r1": "near"}
    assert given(places, SasOrder()) == {"r1": "near"}
    assert given(places, Soonest()) == {"r1": "far"}


def test_the_least_recently_used_practitioner_takes_turns() -> None:
    two = world(
        [
            slot("a1", after_minutes=120),
            slot("a2", after_minutes=135),
            slot("b1", after_minutes=150, practitioner="d2"),
        ],
        [asks("r1", Priority.ROUTINE, after=0), asks("r2", Priority.ROUTINE, after=10)],
        practitioners=(practitioner(), practitioner("d2")),
    )
    assert given(two, LeastRecentlyUsed()) == {"r1": "a1", "r2": "b1"}


def test_the_national_list_looks_two_days_ahead_and_no_further() -> None:
    in_days = {0: "today", 2: "then", 3: "late"}
    slots = [slot(name, after_minutes=120 + day * 1440) for day, name in in_days.items()]
    week = asks("r1", Priority.ROUTINE, after=0, hours=200)
    assert given(world(slots[2:], [week]), SasOrder()) == {}
    assert given(world(slots[1:], [week]), SasOrder()) == {"r1": "then"}


def test_a_greedy_desk_gives_nothing_that_costs_more_than_it_is_worth() -> None:
    # 48 h of waiting of a routine patient with 48 h: 2,880 + 1,440 = 4,320 of 5,000.
    slots = [slot("last", after_minutes=2_880)]
    one = world(slots, [asks("r1", Priority.ROUTINE, after=0)])
    assert given(one, Greedy()) == {"r1": "last"}
    cheap = policy(values={"stat": 40_000, "asap": 20_000, "urgent": 10_000, "routine": 4_319})
    dear = world(slots, [asks("r1", Priority.ROUTINE, after=0)], policy=cheap)
    assert given(dear, Greedy()) == {}
    assert given(dear, Soonest()) == {"r1": "last"}


def test_a_freed_seat_goes_to_the_first_in_line() -> None:
    one = two_seats_three_referrals(ends={"r1": 70})
    # r1 gives up a at +70; s waits since +60 and can still reach it at +80.
    assert given(one, Soonest()) == {"r2": "b", "s": "a"}


def test_a_seat_published_late_goes_to_who_waits() -> None:
    one = two_seats_three_referrals(published={"b": 61})
    assert given(one, Soonest()) == {"r1": "a", "r2": "b"}


def test_who_stays_away_is_worth_nothing_and_holds_the_seat() -> None:
    one = two_seats_three_referrals(misses=("r1",))
    done = run(one, Soonest())
    assert seated(one, done.seat_of) == {"r1": "a", "r2": "b"}
    found = figures(done)
    assert found.value == 5_000 - 170
    # r1 would not have come: it is not among those asked.
    assert (found.asked, found.served) == ((1, 0, 0, 1), (0, 0, 0, 1))


def test_a_need_that_ends_at_the_start_of_its_seat_is_served() -> None:
    at_start = two_seats_three_referrals(ends={"r1": 120})
    assert figures(run(at_start, Soonest())).value == 9_710
    before = two_seats_three_referrals(ends={"r1": 119})
    assert figures(run(before, Soonest())).value == 5_000 - 170


def test_simulate_gives_every_policy_and_foresight_last() -> None:
    out = simulate(two_seats_three_referrals(), BASELINES)
    assert [one.policy for one in out.figures] == [*BASELINES, "perfect foresight"]
    assert out.figures[-1].pct_of_foresight == 100
    assert not any(out.violations.values())
    assert list(out.runs) == [*BASELINES, "perfect foresight"]


def test_equal_arguments_give_equal_runs_and_other_seeds_others() -> None:
    def seats(seed: int) -> list[int]:
        return run(draw_world(10_000, seed=seed, days=1), Soonest()).seat_of.tolist()

    assert seats(3) == seats(3)
    assert seats(3) != seats(4)


@pytest.mark.parametrize("seed", [0, 1])
def test_no_policy_passes_foresight_and_the_check_agrees(seed: int) -> None:
    out = simulate(draw_world(20_000, seed=seed, days=2, load=1.2), BASELINES)
    shares = [one.pct_of_foresight for one in out.figures]
    assert all(share is not None and 0 < share <= 100 for share in shares)
    assert not any(out.violations.values())


def test_a_policy_worth_more_than_foresight_is_a_fault_of_the_simulation(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    one = two_seats_three_referrals()
    poor = run(one, Soonest())
    monkeypatch.setattr("slotengine.simulation.perfect_foresight", lambda _: poor)
    rich = {"flat": lambda _: FlatReserve()}
    kept = policy(reserve=Reserve(stat=0.5, asap=0, urgent=0))
    simulate(one, {"soonest": lambda _: Soonest()})
    with pytest.raises(SolverError, match="worth more than perfect foresight"):
        simulate(two_seats_three_referrals(policy=kept), rich)


def test_a_policy_nobody_knows_is_named() -> None:
    assert list(desks()) == list(POLICIES)
    assert list(desks(["greedy best score"])) == ["greedy best score"]
    with pytest.raises(InputError, match="lottery"):
        desks(["lottery"])


def test_who_asked_yesterday_asks_first() -> None:
    early = asks("r0", Priority.ROUTINE, after=-600)
    one = world([slot("a", after_minutes=120)], [asks("r1", Priority.ROUTINE, after=0), early])
    assert given(one, Soonest()) == {"r0": "a"}
    assert early.received_at == NOW - timedelta(hours=10)


def test_a_desk_is_asked_only_after_it_was_started() -> None:
    with pytest.raises(RuntimeError, match="started"):
        _ = Soonest().clerk
    desk = Soonest()
    desk.start(Clerk(two_seats_three_referrals()))
    assert desk.clerk.now == NOW


def test_where_promises_may_move_is_what_the_clerk_says_at_every_arrival(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from slotengine import simulation_ours

    desk, whole, compared = Ours(), simulation_ours.freed, []

    def asked(holders: Holders, *rest: Any) -> Freed:
        clerk = desk.clerk
        rows = clerk.promised.tolist()
        sits = [clerk.seat_of(row) for row in rows]
        notice = clerk.policy.promises.notice // timedelta(microseconds=1)
        assert holders.sits.tolist() == sits
        for at, (row, own) in enumerate(zip(rows, sits, strict=True)):
            found = clerk.seats_of(row)
            told = (found.begins_us - notice >= clerk.now_us).tolist()
            wanted = [
                (seat, cost)
                for seat, cost, ahead in zip(
                    found.seat.tolist(), found.cost.tolist(), told, strict=True
                )
                if seat == own or (ahead and (clerk.free[seat] or seat in sits))
            ]
            part = slice(int(holders.start[at]), int(holders.start[at + 1]))
            pairs = zip(holders.seat[part].tolist(), holders.cost[part].tolist(), strict=True)
            assert list(pairs) == wanted
        compared.append(len(rows))
        return whole(holders, *rest)

    monkeypatch.setattr(simulation_ours, "freed", asked)
    done = run(draw_world(20_000, seed=1, days=2), desk)
    assert max(compared) > 1
    assert done.moved > 0
