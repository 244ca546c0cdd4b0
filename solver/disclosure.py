"""What a coordinator may count of the unserved: no cell so small that it points at somebody."""

from collections import Counter
from collections.abc import Hashable, Iterable, Mapping
from datetime import timedelta
from typing import TypeVar

from slotengine.codes import Priority
from slotengine.domain import Value
from slotengine.explanations import Explanation
from slotengine.labels import Lang, Words, within, word
from slotengine.problem import Problem
from slotengine.reasons import ReasonCode, Rule, step_words
from slotengine.solver.explain import colon

_Key = TypeVar("_Key", bound=Hashable)

UNSERVED_CODES = (
    ReasonCode.NO_SLOT,
    *(ReasonCode(rule.value) for rule in Rule),
    ReasonCode.SEATS_TAKEN,
    ReasonCode.NO_FREE_SEAT,
)
"""Every reason that a plan gives for a referral without a seat."""

NO_SLOT: Words = ("aucun créneau publié", "no slot published")
OTHER: Words = ("autres raisons", "other reasons")


class Breakdown(Value):
    """
    How many referrals had no seat, by reason and priority; None where a figure is hidden.

    ``totals`` count a priority's referrals without a seat, ``total`` all of them.
    """

    hidden_below: int
    cells: dict[ReasonCode, dict[Priority, int | None]]
    totals: dict[Priority, int | None]
    total: int | None


def for_coordinator(
    problem: Problem, explanations: Iterable[Explanation], *, hidden_below: int | None = None
) -> Breakdown:
    """
    Counts referrals without a seat by first reason and priority, and hides small cells.

    The rule, for each priority by itself: cells below the limit are hidden, zeros with them,
    because a shown zero narrows down its neighbours. A reader knows the total of a priority, so
    what is hidden must add up to the limit at least, in two different figures: while it does not,
    the smallest figure still shown is hidden too. Where every small cell is 0, nothing is hidden.
    A total above 0 and below the limit is hidden, and the grand total with it. There are no totals
    by reason: with totals both ways, small cells could be worked out. Every code has its row, so
    that a row tells nothing.

    Parameters
    ----------
    problem
        Knows the priority of each referral.
    explanations
        In full, as ``explain`` gave them.
    hidden_below
        Default ``hidden_below`` of the problem's policy (5).
    """
    limit = problem.policy.hidden_below if hidden_below is None else hidden_below
    priority = {referral.id: referral.priority for referral in problem.referrals}
    counts = Counter(
        (priority[one.referral], one.reasons[0].code) for one in explanations if one.reasons
    )
    columns = {
        urgency: hide_small({code: counts[urgency, code] for code in UNSERVED_CODES}, limit)
        for urgency in Priority
    }
    sums = {urgency: sum(counts[urgency, code] for code in UNSERVED_CODES) for urgency in Priority}
    totals = {urgency: None if 0 < many < limit else many for urgency, many in sums.items()}
    return Breakdown(
        hidden_below=limit,
        cells={
            code: {urgency: columns[urgency][code] for urgency in Priority}
            for code in UNSERVED_CODES
        },
        totals=totals,
        total=None if None in totals.values() else sum(sums.values()),
    )


def hide_small(counts: Mapping[_Key, int], limit: int) -> dict[_Key, int | None]:
    """
    Hides what is below ``limit``, and as much more as the known total of all would give away.

    What is hidden depends on the values only, never on whose they are: for a reader who knows this
    rule and the total, hidden values may have changed places; two different ones hide each other.

    Examples
    --------
    >>> hide_small({"age": 9, "travel": 6, "reach": 2, "mode": 0}, 5)
    {'age': 9, 'travel': None, 'reach': None, 'mode': None}
    """
    hidden = {key for key, count in counts.items() if count < limit}
    while True:
        values = [counts[key] for key in hidden if counts[key]]
        if not values:
            return dict(counts)
        shown = counts.keys() - hidden
        if not shown or (sum(values) >= limit and len(set(values)) > 1):
            return {key: None if key in hidden else count for key, count in counts.items()}
        smallest = min(counts[key] for key in shown)
        hidden |= {key for key in shown if counts[key] == smallest}


def breakdown_lines(problem: Problem, breakdown: Breakdown, lang: Lang) -> tuple[str, ...]:
    """Says a breakdown in words, one line per priority with somebody left out."""
    return tuple(
        _priority_text(problem, breakdown, urgency, lang)
        for urgency, total in breakdown.totals.items()
        if total != 0
    )


def _priority_text(problem: Problem, breakdown: Breakdown, urgency: Priority, lang: Lang) -> str:
    hours = problem.policy.deadlines.of(urgency) / timedelta(hours=1)
    title = f"{within(hours, lang)}{colon(lang)}"
    total = breakdown.totals[urgency]
    if total is None:
        few = word(("moins de {} sans place", "fewer than {} without a seat"), lang)
        return f"{title} {few.format(breakdown.hidden_below)}"
    shown = {code: many for code, row in breakdown.cells.items() if (many := row[urgency])}
    parts = [f"{word(_code_words(code), lang)} {many}" for code, many in shown.items()]
    rest = total - sum(shown.values())
    if rest:
        parts.append(f"{word(OTHER, lang)} {rest}")
    without = word(("sans place", "without a seat"), lang)
    return f"{title} {total} {without} ({', '.join(parts)})"


def _code_words(code: ReasonCode) -> Words:
    if code is ReasonCode.NO_SLOT:
        return NO_SLOT
    known = {*Rule, ReasonCode.SEATS_TAKEN}
    return step_words(code.value) if code.value in known else OTHER
