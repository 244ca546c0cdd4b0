"""
Sampled futures: each an assignment of who waits and who may come to seats that may be there.

The price of a seat is read from how well each future would do without it (``solver.prices``). What
may sit where is asked of the same rules as a night's plan and a counter's offer; the expected count
from their own arrival: they are told then, travel, and must be there in time.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple, TypeVar

import numpy as np

from slotengine.codes import Priority
from slotengine.forecast import Forecast, Kind
from slotengine.problem import UNSERVED_LEVEL, Problem
from slotengine.side_constraints import Floor
from slotengine.solver.columns import MICROSECOND, Columns
from slotengine.solver.costs import waiting_cost
from slotengine.solver.encoding import Flags, Indices, Ints, flags, ints
from slotengine.solver.futures_draws import ArrivalDraws, addresses, uniforms
from slotengine.solver.futures_due import Due
from slotengine.solver.futures_templates import Templates, templates_of
from slotengine.solver.hard_rules import deadline

PRIORITIES = tuple(Priority)
One = TypeVar("One")


class Future(NamedTuple):
    """
    One sampled future as an assignment: R' rows, ``seats`` columns, arcs in CSR form.

    Rows are the Problem's referrals in order, then the sampled arrivals; columns the Problem's free
    seats in order, then seats that only this future has. ``start`` (R' + 1,) int64; ``col`` (A,)
    int32; ``cost`` (A,) int64 weighted minutes of the pair from the row's own arrival; ``value``
    (R',) int64 what serving the row is worth. ``named`` (F, R') which rows each floor of the Policy
    names; ``in_sight`` (R',) whose deadline lies within the forecast, who waits always.
    """

    start: Ints
    col: Indices
    cost: Ints
    value: Ints
    seats: int
    named: Flags
    in_sight: Flags


def futures(problem: Problem, forecast: Forecast, *, count: int, seed: int) -> Iterator[Future]:
    """
    Samples futures of a problem; future k is the same whenever seed and forecast are.

    Parameters
    ----------
    problem
        Who waits and which seats are free; its prices are not read. Seats of pins are in a future
        when their booking is cancelled there.
    forecast
        Who else may come, which slots may open, how likely a booking is cancelled.
    count
        How many.
    seed
        Another seed, other futures.
    """
    templates = templates_of(problem, forecast)
    draws = ArrivalDraws(problem.policy, forecast)
    due = Due(problem.policy, problem.as_of)
    shift = (forecast.as_of - problem.as_of) // MICROSECOND
    priority = ints(PRIORITIES.index(kind.priority) for kind in forecast.kinds)
    known = ints(problem.policy.values.of(one.priority) for one in problem.referrals)
    seats = addresses(list(templates.extra_name))
    waits = _names(problem.policy.floors, problem.referrals, Floor.names)
    comes = _names(problem.policy.floors, forecast.kinds, _names_kind)
    seen_us = shift + forecast.horizon // MICROSECOND
    for future in range(count):
        drawn = draws.of(seed, future)
        at_us = drawn.at_us + shift
        to_come = np.flatnonzero(at_us >= 0)
        kind, at_us = drawn.kind[to_come], at_us[to_come]
        where = uniforms(seed, future, "point", at_us.astype(np.uint64))
        person = templates.kind_first[kind]
        person = person + (where * templates.kind_points[kind]).astype(np.int64)
        there = np.ones(templates.free_seats + len(seats), dtype=np.bool_)
        luck = uniforms(seed, future, "seat", seats)
        there[templates.free_seats :] = luck < templates.extra_chance
        columns = _arrived(templates, priority[kind], at_us, due)
        named = np.concatenate((waits, comes[:, kind]), axis=1)
        yield _future(templates, columns, person, there, known, named=named, seen_us=seen_us)


def _names(
    floors: Sequence[Floor], whom: Sequence[One], names: Callable[[Floor, One], bool]
) -> Flags:
    """Gives which of some each floor names, (F, N)."""
    found = flags(names(floor, one) for floor in floors for one in whom)
    return found.reshape(len(floors), len(whom))


def _names_kind(floor: Floor, kind: Kind) -> bool:
    """Tells whether a floor names the expected of a kind, as ``Floor.names`` does a referral."""
    return floor.priority in (None, kind.priority) and floor.insee in (None, kind.insee)


def _arrived(templates: Templates, priority: Ints, at_us: Ints, due: Due) -> Columns:
    """Gives columns whose referrals are the arrivals, with what changes from one to the other."""
    policy = templates.columns.policy
    due_us = np.zeros(len(at_us), dtype=np.int64)
    for index, one in enumerate(PRIORITIES):
        mine = np.flatnonzero(priority == index)
        due_us[mine] = due.of(one, at_us[mine])
    return replace(
        templates.columns,
        referral_received_us=at_us,
        referral_deadline_us=due_us,
        referral_level=ints(UNSERVED_LEVEL[one] for one in PRIORITIES)[priority],
        referral_waiting_weight=ints(policy.waiting.of(one) for one in PRIORITIES)[priority],
    )


def _future(
    templates: Templates,
    columns: Columns,
    person: Ints,
    there: Flags,
    known: Ints,
    *,
    named: Flags,
    seen_us: int,
) -> Future:
    """Joins the arcs of who waits and of who came, to the seats that are there."""
    number = np.cumsum(there) - 1
    policy = columns.policy
    here = there[templates.row_seat]
    row_many = np.diff(np.concatenate(([0], np.cumsum(here)))[templates.row_start])
    first, many = templates.start[person], np.diff(templates.start)[person]
    row = np.repeat(np.arange(len(person), dtype=np.int64), many)
    arc = np.arange(len(row)) + np.repeat(first - (np.cumsum(many) - many), many)
    in_time = columns.referral_received_us[row] <= templates.latest_us[arc]
    keep = np.flatnonzero(in_time & there[templates.seat[arc]])
    who, arc = row[keep].astype(np.int32), arc[keep]
    keep = np.flatnonzero(deadline(columns, who, templates.slot[arc]))
    who, arc = who[keep], arc[keep]
    cost = templates.way_cost[arc] + waiting_cost(columns, who, templates.slot[arc])
    many = np.concatenate((row_many, np.bincount(who, minlength=len(person))))
    values = ints(policy.values.of(one) for one in PRIORITIES)
    level = ints(UNSERVED_LEVEL[one] for one in PRIORITIES)
    worth = values[np.searchsorted(level, columns.referral_level)]
    return Future(
        start=np.concatenate((np.zeros(1, dtype=np.int64), np.cumsum(many))).astype(np.int64),
        col=np.concatenate((number[templates.row_seat[here]], number[templates.seat[arc]])).astype(
            np.int32
        ),
        cost=np.concatenate((templates.row_cost[here], cost)),
        value=np.concatenate((known, worth)),
        seats=int(there.sum()),
        named=named,
        in_sight=np.concatenate(
            (np.ones(len(known), dtype=np.bool_), columns.referral_deadline_us <= seen_us)
        ),
    )
