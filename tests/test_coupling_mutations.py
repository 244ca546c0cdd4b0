"""Each side constraint made wrong where the solver keeps, models or proves it: it is noticed.

``check`` names the rule; or a plan that all plans were compared with is better; or the solver's own
check of whole numbers refuses what the model allowed.
"""

import pytest
from coupled_nights import (
    APART,
    CONTESTED,
    EACH_WITH_OWN,
    FAIR_BESIDE_PIN,
    FIRST_NOWHERE,
    LATER_HALL,
    LONG_OR_SHORT,
    ONE_SEAT,
    OWN_IS_TOO_LATE,
    SHARED_SLOT,
    TOLD_UNDER_CAP,
    capped,
    fair,
    first_goes_late,
    floored,
    steps,
    told,
    visits,
)
from mutants import Mutant, apply, named, notices

from slotengine.solver import (
    coupling_model,
    coupling_pruning,
    coupling_tours,
    seating,
    soundness,
    tallies,
    tours,
)

REFUSED = "SolverError"
"""A search proposed what its own rules in whole numbers refuse."""

CAP, GROUP, STEP, TOUR, TOLD = (
    {f"side.{one}"} for one in ("cap", "group", "pathway", "tour", "told")
)

KEPT = [
    Mutant(
        soundness._keeps_caps,
        "bookings > period.bookings",
        "bookings > period.bookings + 1",
        capped(bookings_per_day=1),
        CAP,
    ),
    Mutant(
        soundness._keeps_caps,
        "effort > period.effort",
        "effort > period.effort + 1",
        capped(effort_minutes_per_day=45),
        CAP,
    ),
    Mutant(soundness._keeps_caps, "return False", "break", capped(bookings_per_day=1), CAP),
    Mutant(
        soundness._keeps_told,
        "<= side.max_told_moves",
        "<= side.max_told_moves + 1",
        told(1, 120, 135),
        TOLD,
    ),
    Mutant(
        soundness._in_step,
        "<= follow.at_most_us",
        "<= follow.at_most_us + 60_000_000",
        steps(61),
        STEP,
    ),
    Mutant(soundness._in_step, "follow.at_least_us <= pause", "0 <= pause", steps(29), STEP),
    Mutant(soundness._in_step, "return False", "return True", FIRST_NOWHERE, STEP),
    Mutant(soundness._together, "seats in runs", "True", APART, GROUP),
    Mutant(soundness._together, "seats[-1] == UNSERVED", "seats[0] == UNSERVED", ONE_SEAT, GROUP),
    Mutant(
        tours.Tours.peace,
        "minutes * MINUTE_US <= starts[None, :]",
        "minutes * MINUTE_US <= starts[None, :] + MINUTE_US",
        visits(17),
        TOUR,
    ),
    Mutant(tours.Tours.peace, "place[:, None] == place", "place[:, None] >= -9", SHARED_SLOT, TOUR),
    Mutant(
        coupling_tours.Wars.found,
        "agenda.real[np.ix_(at, at)]",
        "~agenda.war[np.ix_(at, at)]",
        visits(17),
        TOUR,
    ),
    Mutant(
        seating.Seating._refused_by_practitioner,
        "effort[at] < wanted",
        "effort[at] < wanted - 1",
        capped(effort_minutes_per_day=45),
        CAP,
    ),
    Mutant(
        seating.Seating._refused_by_practitioner,
        "bookings[at] < 1",
        "bookings[at] < 0",
        capped(bookings_per_day=1),
        CAP,
    ),
    Mutant(
        seating.Seating._refused_by_practitioner, "return Refusal.TOUR", "pass", visits(17), TOUR
    ),
    Mutant(seating.Seating._in_step, "follow.at_least_us <= pause", "0 <= pause", steps(29), STEP),
    Mutant(tallies.tally, "!= slot for row", "== slot for row", told(2, 120, 135), {"objective"}),
    Mutant(tallies.tally, "max(0, floor.wanted", "max(9, floor.wanted", floored(34), {"not best"}),
    Mutant(
        tallies.tally,
        "pairs.cost[used].sum()",
        "pairs.cost.sum()",
        capped(bookings_per_day=1),
        {REFUSED},
    ),
    Mutant(tallies._spread, "(2 * tenth + 1)", "(2 * tenth)", fair(2, 124), {REFUSED}),
]
"""What is asked of a whole plan."""

MODELLED = [
    Mutant(
        coupling_model._caps,
        "rows += [bookings._replace(period=number), effort",
        "rows += [effort",
        capped(bookings_per_day=1),
        {REFUSED},
    ),
    Mutant(
        coupling_model._caps,
        ", effort._replace(period=number)]",
        "]",
        capped(effort_minutes_per_day=45),
        {REFUSED},
    ),
    Mutant(
        coupling_model._sums,
        "high[binding].astype(np.float64)",
        "high[binding].astype(np.float64) + 1",
        capped(bookings_per_day=1),
        {REFUSED},
    ),
    Mutant(
        coupling_model._groups,
        "entries.add([*on_slot[slot], *seats[slot]], 0, 0)",
        "pass",
        EACH_WITH_OWN,
        {REFUSED},
    ),
    Mutant(coupling_model._groups, "-float(count)", "-1.0", LATER_HALL, {REFUSED}),
    Mutant(
        coupling_model._follow,
        "instant - follow.at_least_us",
        "instant",
        OWN_IS_TOO_LATE,
        {REFUSED},
    ),
    Mutant(
        coupling_model._follow,
        "instant - follow.at_most_us",
        "instant - follow.at_most_us - 86_400_000_000",
        first_goes_late(),
        {REFUSED},
    ),
    Mutant(
        coupling_model._follow,
        "instant - follow.at_most_us",
        "instant + follow.at_most_us",
        first_goes_late(),
        {REFUSED, "not best"},
    ),
    Mutant(
        coupling_model._follow,
        "entries.add([(unserved_before, 1.0), (unserved, -1.0)], -np.inf, 0)",
        "pass",
        CONTESTED,
        {REFUSED},
    ),
    Mutant(
        coupling_model._told,
        "float(model.side.max_told_moves)",
        "float(model.side.max_told_moves) + 1",
        told(1, 120, 135),
        {REFUSED},
    ),
    Mutant(
        coupling_model.model_of,
        "row for row in sorted(side.seated)]] = 0",
        "row for row in sorted(side.seated)]] = 1",
        TOLD_UNDER_CAP,
        {REFUSED},
    ),
    Mutant(
        coupling_model._floors,
        "len(floor.rows) - floor.wanted",
        "len(floor.rows) - floor.wanted + 1",
        floored(34),
        {"not best", "not proved", REFUSED},
    ),
    Mutant(
        coupling_model._spread,
        "pinned = -MINUTE_TENTHS",
        "pinned = MINUTE_TENTHS",
        FAIR_BESIDE_PIN,
        {REFUSED, "not proved"},
    ),
    Mutant(
        coupling_model._spread,
        "effort = MINUTE_TENTHS *",
        "effort = 1 *",
        fair(2, 124),
        {"not best", "not proved", REFUSED},
    ),
    Mutant(
        coupling_model.Model.cost,
        "2 * at + 1",
        "0 * at + 1",
        fair(2, 124),
        {"not best", "not proved", REFUSED},
    ),
    Mutant(
        coupling_model.moved,
        "(told[row] != slot)",
        "(told[row] == slot)",
        told(1, 120, 135),
        {REFUSED, "not best"},
    ),
    Mutant(
        coupling_model._cut_rows, "cut.high", "cut.high + 1", visits(17), {REFUSED, "not proved"}
    ),
    Mutant(
        coupling_model.folded,
        "maximum(cap, 1)) - 1",
        "maximum(cap, 1))",
        LONG_OR_SHORT,
        {REFUSED, "not best"},
    ),
    Mutant(
        coupling_pruning.usable,
        'at_most_us, side="left"',
        'at_most_us, side="right"',
        first_goes_late(),
        {REFUSED, "not best"},
    ),
]
"""What is written as linear rows."""


@pytest.mark.parametrize("mutant", named([*KEPT, *MODELLED]))
def test_a_side_constraint_made_wrong_is_noticed(
    mutant: Mutant, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert notices(mutant.asked) == set()
    apply(monkeypatch, mutant)
    found = notices(mutant.asked)
    assert found & mutant.noticed, found
