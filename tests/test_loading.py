"""What the counter loads: fewer slots than the territory has, and the same choice as with all."""

from datetime import timedelta
from typing import Any

import pytest

from slotengine.domain import Referral
from slotengine.engine import Engine
from slotengine.fixtures import territory
from slotengine.loading import counter_problem, problem_within_reach
from slotengine.policy import Caps
from slotengine.ports import Unit
from slotengine.solver.rank import rank
from slotengine.store import SqlStore

DECIDED = 30
"""Referrals of the territory's morning that are placed before the others are compared."""

ASKED = 40


@pytest.mark.parametrize("caps", [Caps(), Caps(bookings_per_day=2, effort_minutes_per_week=120)])
def test_a_counter_without_what_is_full_ranks_as_with_the_whole_territory(caps: Caps) -> None:
    drawn = territory("senart", seed=3)
    rules = drawn.policy.replaced(caps=caps)
    now = max(one.received_at for one in drawn.referrals) + timedelta(minutes=1)
    store = SqlStore.open("sqlite://")
    engine = Engine(store)
    engine.set_policy(rules, now=now)
    engine.publish(
        rules.territory,
        practitioners=drawn.practitioners,
        sites=drawn.sites,
        slots=drawn.slots,
        now=now,
    )
    coming = [one.replaced(received_at=now, deadline=None, windows=()) for one in drawn.referrals]
    for one in coming[:DECIDED]:
        engine.place(one, now=now, confirm=True)
    for one in coming[DECIDED : DECIDED + ASKED]:
        engine.refer(one, now=now)

    def both(unit: Unit, who: Referral) -> tuple[list[Any], list[Any], int]:
        asked = unit.stored_referral(who.id).referral
        whole = counter_problem(unit, asked, rules, now=now, matrix=None, offered=True)
        near = problem_within_reach(unit, asked, rules, now=now, matrix=None)
        assert whole is not None
        assert near is not None
        return rank(whole, asked.id), rank(near.problem, asked.id), len(near.full)

    found = full = 0
    for one in coming[DECIDED : DECIDED + ASKED]:
        with_all, with_few, left_out = store.read(lambda unit, one=one: both(unit, one), now=now)
        assert with_few == with_all
        found += len(with_all)
        full += left_out
    # Else nothing would have been compared.
    assert found > ASKED
    assert full > 0
    store.close()
