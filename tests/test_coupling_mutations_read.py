"""What the solver reads of each side constraint, made wrong: ``check`` names the rule.

Or, where it is made too strict, a plan that all plans were compared with is better.
"""

import pytest
from coupled_nights import (
    APART,
    PINNED,
    TWO_SITES,
    at_home,
    capped,
    floored,
    hall,
    late,
    siblings,
    steps,
    told,
    visits,
)
from mutants import Mutant, apply, named, notices
from nights import DAY, agenda

from slotengine.side_constraints import Floor
from slotengine.solver import pin_rules, side, tours, workload

CAP, GROUP, STEP, TOUR, TOLD = (
    {f"side.{one}"} for one in ("cap", "group", "pathway", "tour", "told")
)

READ = [
    Mutant(
        pin_rules.efforts, "first * policy.first_visit", "0", capped(effort_minutes_per_day=45), CAP
    ),
    Mutant(pin_rules.efforts, "home * policy.home_visit", "0", at_home(59), CAP),
    Mutant(pin_rules.efforts, "columns.workload.slot_late[slot] * policy.late", "0", late(37), CAP),
    Mutant(
        pin_rules.efforts,
        "-(-columns.workload.slot_seat_minutes[slot] * percent // FULL_PERCENT)",
        "columns.workload.slot_seat_minutes[slot] * percent // FULL_PERCENT",
        capped(effort_minutes_per_day=45),
        CAP,
    ),
    Mutant(
        workload._seat_minutes,
        "-(-(slot.end - slot.start)",
        "((slot.end - slot.start)",
        hall(23),
        CAP,
    ),
    Mutant(
        workload.workload, ">= policy.effort.late_from", "> policy.effort.late_from", late(37), CAP
    ),
    Mutant(
        workload._iso_week,
        "return year, week",
        "return year, day.day",
        capped(120, DAY + 120, bookings_per_week=1),
        CAP,
    ),
    Mutant(
        workload._iso_week,
        "return year, week",
        "return year, 0",
        capped(120, 7 * DAY + 120, bookings_per_week=1),
        {"not best"},
    ),
    Mutant(
        workload._week_caps,
        "caps.bookings_per_week, giver.max_bookings_per_week",
        "",
        capped(120, DAY + 120, bookings_per_week=1),
        CAP,
    ),
    Mutant(
        workload._week_caps,
        "caps.effort_minutes_per_week, giver.max_effort_minutes_per_week",
        "",
        capped(120, DAY + 120, effort_minutes_per_week=45),
        CAP,
    ),
    Mutant(
        workload._day_caps, "(caps.bookings_per_day, ", "(None, ", capped(bookings_per_day=1), CAP
    ),
    Mutant(
        workload._day_caps,
        "(caps.effort_minutes_per_day, ",
        "(None, ",
        capped(effort_minutes_per_day=45),
        CAP,
    ),
    Mutant(
        workload._day_caps,
        "day, giver.max_bookings_per_day",
        "day,",
        capped(own=1, bookings_per_day=2),
        CAP,
    ),
    Mutant(side._groups, "len(rows) > 1", "len(rows) > 2", APART, GROUP),
    Mutant(
        side._Seats.extend, "pause > self.gap_us", "pause > self.gap_us + MINUTE_US", APART, GROUP
    ),
    Mutant(
        side._Seats.extend,
        "pause > self.gap_us",
        "pause >= self.gap_us",
        siblings(*agenda(120, 140, 300, 315), gap=5),
        {"not best"},
    ),
    Mutant(
        side._Seats.extend,
        "left == 0 and self.held <= {at for at, _ in run}",
        "left == 0",
        PINNED,
        GROUP,
    ),
    Mutant(
        side._runs,
        "places[one.practitioner, one.site]",
        'places[one.practitioner, ""]',
        TWO_SITES,
        GROUP,
    ),
    Mutant(
        side._follows,
        "step.after_min // MICROSECOND",
        "step.after_min // MICROSECOND - MINUTE_US",
        steps(29),
        STEP,
    ),
    Mutant(
        side._follows,
        "step.after_max // MICROSECOND",
        "step.after_max // MICROSECOND + MINUTE_US",
        steps(61),
        STEP,
    ),
    Mutant(
        side._follows,
        "step.after_max // MICROSECOND",
        "step.after_max // MICROSECOND - MINUTE_US",
        steps(60),
        {"not best"},
    ),
    Mutant(
        side._floors,
        "-(-floor.percent * len(rows) // FULL)",
        "floor.percent * len(rows) // FULL",
        floored(34),
        {"not best"},
    ),
    Mutant(
        Floor.names,
        "if self.priority not in (None, referral.priority)",
        "if False",
        floored(67),
        {"not best"},
    ),
    Mutant(side.side_of, "_visits_homes(problem)", "False", visits(17), TOUR),
    Mutant(
        side.side_of, "if slot != NOT_TOLD", "if slot > len(problem.slots)", told(1, 120, 135), TOLD
    ),
    Mutant(tours.Tours.__init__, "visits.care_minutes", "0", visits(22, care=20), TOUR),
]
"""What is read of a problem."""


@pytest.mark.parametrize("mutant", named(READ))
def test_a_side_constraint_misread_is_noticed(
    mutant: Mutant, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert notices(mutant.asked) == set()
    apply(monkeypatch, mutant)
    found = notices(mutant.asked)
    assert found & mutant.noticed, found
