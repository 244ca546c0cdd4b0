from collections import defaultdict
from itertools import product

import pytest
from builders import policy, problem, referral

from slotengine.codes import Priority
from slotengine.explanations import Explanation
from slotengine.labels import Lang
from slotengine.problem import Problem
from slotengine.reasons import Reason, ReasonCode
from slotengine.solver.disclosure import (
    UNSERVED_CODES,
    Breakdown,
    breakdown_lines,
    for_coordinator,
    hide_small,
)

Counts = dict[tuple[Priority, ReasonCode], int]


def broken_down(counts: Counts, **changes: int) -> tuple[Problem, Breakdown]:
    named = [
        (referral(f"{priority} {code} {number}", priority=priority), code)
        for (priority, code), many in counts.items()
        for number in range(many)
    ]
    asked = problem(referrals=[one for one, _ in named], policy=policy(**changes))
    explanations = [
        Explanation(
            referral=one.id,
            served=False,
            seat=None,
            runner_up=None,
            funnel=(),
            reasons=(Reason(code=code),),
        )
        for one, code in named
    ]
    return asked, for_coordinator(asked, explanations)


def shown(breakdown: Breakdown, priority: Priority) -> dict[ReasonCode, int | None]:
    return {code: row[priority] for code, row in breakdown.cells.items() if row[priority] != 0}


def test_large_cells_are_shown_with_their_totals() -> None:
    _, breakdown = broken_down(
        {
            (Priority.URGENT, ReasonCode.TRAVEL): 5,
            (Priority.URGENT, ReasonCode.SEATS_TAKEN): 9,
            (Priority.ROUTINE, ReasonCode.SEATS_TAKEN): 6,
        }
    )
    assert shown(breakdown, Priority.URGENT) == {ReasonCode.TRAVEL: 5, ReasonCode.SEATS_TAKEN: 9}
    assert breakdown.totals == {
        Priority.STAT: 0,
        Priority.ASAP: 0,
        Priority.URGENT: 14,
        Priority.ROUTINE: 6,
    }
    assert breakdown.total == 20


def test_a_cell_under_five_is_hidden_and_the_next_smallest_with_it() -> None:
    _, breakdown = broken_down(
        {
            (Priority.URGENT, ReasonCode.AGE): 4,
            (Priority.URGENT, ReasonCode.TRAVEL): 6,
            (Priority.URGENT, ReasonCode.SEATS_TAKEN): 9,
        }
    )
    cells = shown(breakdown, Priority.URGENT)
    assert cells.pop(ReasonCode.SEATS_TAKEN) == 9
    assert set(cells.values()) == {None}
    assert len(cells) == len(UNSERVED_CODES) - 1
    assert breakdown.totals[Priority.URGENT] == 19


def test_small_cells_that_reach_the_limit_together_hide_no_other() -> None:
    _, breakdown = broken_down(
        {
            (Priority.URGENT, ReasonCode.AGE): 2,
            (Priority.URGENT, ReasonCode.MODE): 3,
            (Priority.URGENT, ReasonCode.TRAVEL): 6,
        }
    )
    assert breakdown.cells[ReasonCode.TRAVEL][Priority.URGENT] == 6
    assert breakdown.cells[ReasonCode.AGE][Priority.URGENT] is None


def test_two_small_cells_of_one_figure_do_not_hide_each_other() -> None:
    """Who knows that only two reasons occurred would halve their sum."""
    _, breakdown = broken_down(
        {
            (Priority.URGENT, ReasonCode.AGE): 4,
            (Priority.URGENT, ReasonCode.MODE): 4,
            (Priority.URGENT, ReasonCode.TRAVEL): 6,
            (Priority.URGENT, ReasonCode.SEATS_TAKEN): 9,
        }
    )
    assert breakdown.cells[ReasonCode.TRAVEL][Priority.URGENT] is None
    assert breakdown.cells[ReasonCode.SEATS_TAKEN][Priority.URGENT] == 9


def test_a_small_total_is_hidden_and_the_grand_total_too() -> None:
    _, breakdown = broken_down(
        {(Priority.STAT, ReasonCode.AGE): 1, (Priority.ROUTINE, ReasonCode.TRAVEL): 7}
    )
    assert breakdown.totals[Priority.STAT] is None
    assert breakdown.totals[Priority.ROUTINE] == 7
    assert breakdown.total is None


def test_the_limit_is_the_policys() -> None:
    counts: Counts = {(Priority.STAT, ReasonCode.AGE): 3}
    assert broken_down(counts, hidden_below=3)[1].totals[Priority.STAT] == 3
    assert broken_down(counts, hidden_below=4)[1].totals[Priority.STAT] is None


def test_the_served_are_not_counted() -> None:
    asked = problem()
    served = Explanation(
        referral=asked.referrals[0].id,
        served=True,
        seat=None,
        runner_up=None,
        funnel=(),
        reasons=(),
    )
    assert for_coordinator(asked, [served]).total == 0


@pytest.mark.parametrize(("cells", "limit"), [(2, 3), (2, 5), (3, 3), (3, 4), (4, 3)])
def test_no_hidden_cell_can_be_worked_out(cells: int, limit: int) -> None:
    """A reader knows the rule and the total: of all tables shown alike, no cell is the same."""
    largest_total = 12 if cells < 4 else 8
    same: dict[tuple[tuple[int | None, ...], int], list[tuple[int, ...]]] = defaultdict(list)
    for counts in product(range(largest_total + 1), repeat=cells):
        if sum(counts) <= largest_total:
            published = hide_small(dict(enumerate(counts)), limit)
            same[tuple(published.values()), sum(counts)].append(counts)
    for (values, _), tables in same.items():
        for cell, value in enumerate(values):
            if value is None:
                assert len({table[cell] for table in tables}) > 1


def test_a_breakdown_is_told_in_both_languages() -> None:
    asked, breakdown = broken_down(
        {
            (Priority.STAT, ReasonCode.AGE): 2,
            (Priority.URGENT, ReasonCode.SEATS_TAKEN): 9,
            (Priority.URGENT, ReasonCode.TRAVEL): 4,
            (Priority.URGENT, ReasonCode.DEADLINE): 2,
            (Priority.ASAP, ReasonCode.TRAVEL): 6,
            (Priority.ROUTINE, ReasonCode.NO_SLOT): 5,
        }
    )
    assert breakdown_lines(asked, breakdown, Lang.FR) == (
        "dans les 4 h : moins de 5 sans place",
        "dans les 12 h : 6 sans place (distance 6)",
        "sous 24 h : 15 sans place (places prises par d'autres demandes 9, autres raisons 6)",
        "sous 48 h : 5 sans place (aucun créneau publié 5)",
    )
    assert breakdown_lines(asked, breakdown, Lang.EN) == (
        "within 4 h: fewer than 5 without a seat",
        "within 12 h: 6 without a seat (distance 6)",
        "within 24 h: 15 without a seat (seats taken by other referrals 9, other reasons 6)",
        "within 48 h: 5 without a seat (no slot published 5)",
    )


def test_side_rules_are_counted_and_told_like_all_others() -> None:
    side = (ReasonCode.PATHWAY, ReasonCode.GROUP, ReasonCode.TOUR, ReasonCode.CAP)
    asked, breakdown = broken_down(
        {(Priority.URGENT, code): 5 + at for at, code in enumerate(side)}
    )
    assert set(side) <= set(UNSERVED_CODES)
    assert shown(breakdown, Priority.URGENT) == dict(zip(side, (5, 6, 7, 8), strict=True))
    assert breakdown_lines(asked, breakdown, Lang.FR) == (
        (
            "sous 24 h : 26 sans place (étape précédente du parcours 5, places côte à côte 6, "
            "trajets entre visites à domicile 7, plafond du praticien 8)"
        ),
    )
    assert breakdown_lines(asked, breakdown, Lang.EN) == (
        (
            "within 24 h: 26 without a seat (step before it in the pathway 5, "
            "seats side by side 6, ways between home visits 7, practitioner's limit 8)"
        ),
    )
