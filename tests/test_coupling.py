"""Plans under side constraints when time or nodes run out, and what more or fewer rules do."""

import pytest
from coupled_nights import fair

from slotengine.problem import SPREAD_LEVEL, TIE_LEVEL
from slotengine.solver.check import check
from slotengine.solver.coupling_search import Search
from slotengine.solver.solve import solve


def test_a_spread_that_could_not_be_tidied_up_leaves_the_tie_break_open(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What level 3 did not need of level 2 was not taken back: both are proved all the same."""
    asked = fair(2, 124)
    monkeypatch.setattr(Search, "regain", lambda _: False)
    plan = solve(asked)
    assert check(asked, plan) == []
    assert plan.proved_levels == TIE_LEVEL
    assert plan.bound[SPREAD_LEVEL:] == (plan.objective[SPREAD_LEVEL], 0, None)
