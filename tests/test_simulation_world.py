"""Worlds: what is drawn, how much of it, and what a coordinator's change does to it."""

from collections import Counter
from datetime import date, timedelta
from functools import cache

import numpy as np
import pytest

from slotengine.codes import Priority
from slotengine.errors import InputError, UnknownTerritoryError
from slotengine.policy import SeatValues
from slotengine.simulation_demand import Demand
from slotengine.simulation_land import drawn_land, land_of
from slotengine.simulation_supply import LATE_AHEAD_MINUTES, Agendas, MoreSlots
from slotengine.simulation_what_if import Change, what_if
from slotengine.simulation_world import World, draw_world, open_days, territory_world
from slotengine.solver.check_rules import Rules

SOONEST = ("first come, soonest",)


@cache
def drawn(seed: int = 0) -> World:
    return draw_world(50_000, seed=seed, days=3)


def test_land_has_doctors_in_proportion_to_its_inhabitants() -> None:
    land = drawn_land(100_000, seed=0)
    assert Counter(one.profession.value for one in land.practitioners) == {
        "10": 36,
        "60": 5,
        "70": 3,
        "50": 2,
    }
    assert abs(land.inhabitants - 100_000) <= len(land.communes)
    assert land.policy.communes == land.communes


def test_the_days_end_on_a_friday_and_are_open() -> None:
    assert drawn().days == (date(2026, 11, 25), date(2026, 11, 26), date(2026, 11, 27))
    assert open_days(drawn().policy, 6)[0] == date(2026, 11, 20)


def test_a_mean_weekday_has_the_rate_that_was_asked_for() -> None:
    demand = Demand(drawn_land(50_000, seed=1), rate=100, mix_error=0, seed=1)
    days = [date(2026, 1, 5) + timedelta(days=at) for at in range(70)]
    counts = [len(demand.day(day)) for day in days if day.weekday() < 5]
    # 50 weekdays; a day's variance is Poisson's 100 and (12 % of 100) squared: 3 standard errors.
    assert np.mean(counts) == pytest.approx(100, abs=3 * (100 + 144) ** 0.5 / 50**0.5)


def test_a_rate_error_changes_the_days_and_not_the_past() -> None:
    same, more = drawn(), draw_world(50_000, seed=0, days=3, rate_error=1.0)
    assert more.history == same.history
    assert more.problem.slots == same.problem.slots
    grown = len(more.problem.referrals) / len(same.problem.referrals)
    # Twice as many are expected; about 280 drawn of a mean: 4 standard errors are 0.6.
    assert 1.5 < grown < 2.6


def test_a_wrong_mix_is_more_urgent_than_the_past() -> None:
    def urgent_share(world: World) -> float:
        classes = Counter(one.priority for one in world.problem.referrals)
        return (classes[Priority.STAT] + classes[Priority.ASAP]) / classes.total()

    assert urgent_share(draw_world(50_000, seed=0, mix_error=2.0)) > 1.5 * urgent_share(drawn())


def test_history_ends_where_the_days_begin() -> None:
    world = drawn()
    past = world.history
    assert past.until == world.problem.as_of
    assert all(past.since <= one.at < past.until for one in past.arrivals)
    assert all(past.since <= one.published_at < past.until for one in past.openings)
    # Eight weeks of five open days, less 11 November, a Wednesday in 2026.
    assert len({one.at.date() for one in past.arrivals}) == 39


def test_late_slots_are_published_before_they_start() -> None:
    world = drawn()
    late = [
        (slot.start - published).total_seconds() / 60
        for slot, published in zip(world.problem.slots, world.published, strict=True)
        if published > world.problem.as_of
    ]
    assert late
    assert min(late) >= LATE_AHEAD_MINUTES


def test_some_needs_end_and_some_patients_stay_away() -> None:
    worlds = [drawn(seed) for seed in range(3)]
    ends = np.mean([end is not None for world in worlds for end in world.ends])
    misses = np.mean([missed for world in worlds for missed in world.misses])
    # Some 850 referrals: three standard errors of 6 % are 2.5 points, of 4 % 2 points.
    assert ends == pytest.approx(0.06, abs=0.025)
    assert misses == pytest.approx(0.04, abs=0.02)
    for world in worlds:
        for one, end in zip(world.problem.referrals, world.ends, strict=True):
            assert end is None or one.received_at <= end <= (one.deadline or end)


def test_pairs_are_those_that_the_rules_allow() -> None:
    world = draw_world(10_000, seed=2, days=1)
    ground, rules = world.ground, Rules(world.problem)
    for row, referral in enumerate(world.problem.referrals):
        arcs = range(int(ground.start[row]), int(ground.start[row + 1]))
        found = {
            world.problem.slots[int(ground.slot[ground.seat[at]])].id: int(ground.cost[at])
            for at in arcs
        }
        expected = {
            slot.id: rules.modes(referral, slot)[0].cost
            for slot in world.problem.slots
            if rules.refusal(referral, slot) is None
        }
        assert found == expected


def test_more_slots_come_on_top_and_move_nothing_else() -> None:
    land = land_of("giennois", seed=0)
    giver = land.givers[0].practitioner.id
    monday, tuesday = date(2026, 11, 23), date(2026, 11, 24)
    usual = Agendas(land, seed=0)
    on_mondays = Agendas(land, seed=0, more=(MoreSlots(giver, 2, 0),))
    before, after = usual.day(monday), on_mondays.day(monday)
    assert len(after) == len(before) + 2
    assert set(before) < set(after)
    assert {one.slot.practitioner for one in set(after) - set(before)} == {giver}
    assert on_mondays.day(tuesday) == usual.day(tuesday)


def test_a_closed_day_has_neither_slots_nor_referrals() -> None:
    land = drawn_land(10_000, seed=0)
    sunday, holiday = date(2026, 11, 22), date(2026, 11, 11)
    for day in (sunday, holiday):
        assert Agendas(land, seed=0).day(day) == []
        assert Demand(land, rate=100, mix_error=0, seed=0).day(day) == []


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"inhabitants": 9_999}, "inhabitants is 9999"),
        ({"load": -0.1}, "load is -0.1"),
        ({"load": 5.1}, "load is 5.1"),
        ({"days": 0}, "days is 0"),
        ({"days": 61}, "days is 61"),
        ({"rate_error": -1.1}, "rate_error is -1.1"),
        ({"mix_error": 3.1}, "mix_error is 3.1"),
    ],
)
def test_figures_out_of_range_are_named(wrong: dict[str, float], named: str) -> None:
    inhabitants = int(wrong.pop("inhabitants", 10_000))
    with pytest.raises(InputError, match=named):
        draw_world(inhabitants, **wrong)  # type: ignore[arg-type]  # days is whole here


def test_no_demand_is_a_world_too() -> None:
    empty = draw_world(10_000, load=0.0, days=1)
    assert empty.problem.referrals == ()
    assert len(empty.ground.start) == 1


def test_an_unknown_territory_or_practitioner_is_named() -> None:
    with pytest.raises(UnknownTerritoryError):
        territory_world("atlantis")
    with pytest.raises(InputError, match="nobody-here"):
        territory_world("giennois", more=(MoreSlots("nobody-here", 1),))
    giver = land_of("giennois", seed=0).givers[0].practitioner.id
    with pytest.raises(InputError, match="more slots is 21"):
        territory_world("giennois", more=(MoreSlots(giver, 21),))


def test_a_smaller_radius_changes_who_goes_where_and_nothing_else() -> None:
    (trade,) = what_if(
        "giennois", Change(max_travel_metres=3_000), days=1, seeds=range(1), policies=SOONEST
    )
    assert trade.after.seats == trade.before.seats
    assert trade.after.asked == trade.before.asked
    assert trade.after.travel_minutes < trade.before.travel_minutes
    assert sum(trade.after.served) < sum(trade.before.served)
    assert trade.before.violations == trade.after.violations == 0


def test_more_slots_serve_nobody_less() -> None:
    givers = [one.practitioner.id for one in land_of("giennois", seed=0).givers]
    more = Change(more=tuple(MoreSlots(giver, 4) for giver in givers))
    (trade,) = what_if("giennois", more, days=1, seeds=range(1), load=2.0, policies=SOONEST)
    assert trade.after.seats == trade.before.seats + 4 * sum(
        one.seats for one in land_of("giennois", seed=0).givers
    )
    assert trade.after.asked == trade.before.asked
    assert sum(trade.after.served) > sum(trade.before.served)


def test_other_values_do_not_reward_themselves() -> None:
    """Who comes first decides by no value: by today's values nothing changes."""
    twice = SeatValues(stat=80_000, asap=40_000, urgent=20_000, routine=10_000)
    (trade,) = what_if("giennois", Change(values=twice), days=1, seeds=range(1), policies=SOONEST)
    assert trade.after == trade.before


def test_a_whole_policy_replaces_the_territorys_and_the_rest_changes_it() -> None:
    own = land_of("giennois", seed=0).policy
    other = own.replaced(version=9, max_travel_metres=7_000)
    assert Change().nothing
    assert Change().applied(own) == own
    assert Change(policy=other).applied(own) == other
    both = Change(policy=other, max_travel_metres=5_000).applied(own)
    assert (both.version, both.max_travel_metres) == (9, 5_000)


def test_totals_add_people_and_average_the_rest() -> None:
    (trade,) = what_if("giennois", Change(), days=1, seeds=range(2), policies=SOONEST)
    assert trade.before == trade.after
    assert trade.before.worlds == 2
    assert trade.before.pct_of_foresight is None
    assert len(trade.before.unserved_pct) == len(Priority)
