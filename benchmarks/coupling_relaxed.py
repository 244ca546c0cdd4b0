"""What the best plan without side constraints would break: how much a drawn problem binds."""

from collections import Counter
from typing import NamedTuple

import numpy as np

from benchmarks.coupling_model import Pairs, model_of
from benchmarks.coupling_rules import efforts, groups_of, is_run, periods
from slotengine.codes import Mode, Priority
from slotengine.problem import Problem
from slotengine.solver.costs import MODE_ORDER
from slotengine.solver.flow import assign

WEIGHT = {Priority.STAT: 8, Priority.ASAP: 4, Priority.URGENT: 2, Priority.ROUTINE: 1}
"""In a pure assignment any falling weights give the lexicographic served set."""

OF_PAIRS = ("referral", "seat", "told", "floor", "spread", "group")
"""Rows that say nothing of a side constraint, or more than one plan of pairs can tell."""


class Relaxed(NamedTuple):
    """Broken rules by kind, and the share of the practitioners whose cap is passed."""

    faults: dict[str, int]
    capped_share: float


def relaxed_of(problem: Problem, pairs: Pairs) -> Relaxed:
    """Solves the pure assignment and counts what it breaks."""
    chosen = pairs.only(_best(problem, pairs))
    return Relaxed(
        dict(faults(problem, chosen)), len(over_caps(problem, chosen)) / _givers(problem)
    )


def faults(problem: Problem, chosen: Pairs) -> Counter[str]:
    """Counts the broken rows of the pairs of one plan, and the groups that are not seated."""
    model = model_of(problem, chosen)
    values = np.zeros(len(model.most), dtype=np.int64)
    values[: model.arcs] = 1
    found = Counter(kind for kind in model.broken(values) if kind not in OF_PAIRS)
    slot_of = dict(zip(chosen.row.tolist(), chosen.slot.tolist(), strict=True))
    members, held = groups_of(problem)
    for group, rows in members.items():
        seated = [slot_of[row] for row in rows if row in slot_of]
        whole = [*seated, *held.get(group, set())]
        if seated and not (len(seated) == len(rows) and is_run(problem, whole)):
            found["group"] += 1
    return found


def over_caps(problem: Problem, chosen: Pairs) -> set[str]:
    """Gives the practitioners of whom more is asked than a cap allows."""
    home = chosen.mode == MODE_ORDER.index(Mode.HH)
    effort = efforts(problem, chosen.row, chosen.slot, home)
    over = set()
    for period in periods(problem):
        here = np.isin(chosen.slot, period.slots)
        bookings, minutes = int(here.sum()), int(effort[here].sum())
        if (period.bookings is not None and bookings > period.bookings) or (
            period.effort is not None and minutes > period.effort
        ):
            over.add(problem.slots[period.slots[0]].practitioner)
    return over


def _best(problem: Problem, pairs: Pairs) -> "np.typing.NDArray[np.int64]":
    """Gives the pairs of the best assignment of referrals to seats."""
    slot_number = {slot.id: at for at, slot in enumerate(problem.slots)}
    seat_slot = np.array([slot_number[slot] for slot, _ in problem.free_seats], dtype=np.int64)
    room = np.bincount(seat_slot, minlength=len(problem.slots))
    first = np.concatenate([[0], np.cumsum(room)])
    # Free seats are sorted by slot, so a pair's seats stand side by side.
    arc = np.repeat(np.arange(len(pairs.row)), room[pairs.slot])
    ends = np.cumsum(room[pairs.slot])
    within = np.arange(len(arc)) - np.repeat(ends - room[pairs.slot], room[pairs.slot])
    col = first[pairs.slot[arc]] + within
    rows = len(problem.referrals)
    most = (rows + 1) * (int(pairs.cost.max(initial=0)) + 1)
    alone = np.array([most * WEIGHT[one.priority] for one in problem.referrals], dtype=np.int64)
    found = assign(
        pairs.row[arc].astype(np.int32),
        col.astype(np.int32),
        pairs.cost[arc],
        rows=rows,
        cols=len(seat_slot),
        unserved=alone,
    )
    used = found.col_of_row[pairs.row[arc]] == col
    chosen: np.typing.NDArray[np.int64] = arc[used]
    return chosen


def _givers(problem: Problem) -> int:
    return len({slot.practitioner for slot in problem.slots})
