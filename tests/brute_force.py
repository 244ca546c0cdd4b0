"""
Optimal plans of tiny problems, by trying everything; the allowed pairs are stated by the test.

Shares no code with the solver or the check: the tie-break is written out again, and the duals come
from a shortest-path relaxation over what enumeration found to be optimal.
"""

import hashlib
from collections.abc import Iterator, Mapping
from itertools import product

from slotengine.codes import Mode
from slotengine.problem import LEVELS, UNSERVED_LEVEL, Assignment, LevelDuals, Plan, Problem
from slotengine.problem import Unserved as NoSeat
from slotengine.reasons import Reason, ReasonCode

Figures = tuple[Mode, int, int, int, int]
"""Mode, travel metres, travel minutes, wait minutes, cost."""

Pairs = Mapping[tuple[str, str], Figures]
"""Allowed pairs by (referral id, slot id), with figures worked out by hand."""

UNUSED = -1
"""The column that stands for "no seat"."""


def tie_break(seed: int, referral: str, slot: str) -> int:
    def eight(text: str) -> int:
        digest = hashlib.blake2b(text.encode("utf-8"), digest_size=8).digest()
        return sum(byte << (8 * place) for place, byte in enumerate(digest))

    modulus = 2**64
    s = eight("s" + slot)
    z = eight(str(seed)) ^ eight("r" + referral) ^ (s * 2**32 % modulus + s // 2**32)
    z = (z ^ z // 2**30) * 0xBF58476D1CE4E5B9 % modulus
    z = (z ^ z // 2**27) * 0x94D049BB133111EB % modulus
    return (z ^ z // 2**31) // 2**33


def solve(
    problem: Problem,
    pairs: Pairs,
    *,
    seed: int = 0,
    force: Mapping[str, str] | None = None,
    illegal: Pairs | None = None,
    refused: ReasonCode = ReasonCode.NO_FREE_SEAT,
) -> Plan:
    """
    Gives the optimal plan with its proof.

    ``force`` puts referrals on slots instead (the others get none), also on ``illegal`` pairs;
    bounds and duals stay those of the optimum. ``refused`` is the reason of those whom no free seat
    is allowed to.
    """
    rows = [referral.id for referral in problem.referrals]
    costs = _option_costs(problem, pairs, seed)
    best = min(_solutions(rows, costs), key=lambda chosen: _total(chosen, costs))
    every = {**pairs, **(illegal or {})}
    chosen = best if force is None else tuple(_forced(problem, force))
    without = [row for row, column in zip(rows, chosen, strict=True) if column == UNUSED]
    reasons = {row: _reason(problem, pairs, row, refused) for row in without}
    return Plan(
        territory=problem.territory,
        as_of=problem.as_of,
        problem_digest=problem.digest,
        policy_version=problem.policy.version,
        policy_digest=problem.policy.digest,
        travel_name=problem.travel_name,
        seed=seed,
        assignments=tuple(_assignments(problem, every, chosen)),
        unserved=tuple(NoSeat(referral=row, reasons=(why,)) for row, why in reasons.items()),
        deferred=tuple(row for row, why in reasons.items() if why.code is ReasonCode.KEPT),
        objective=_total(chosen, _option_costs(problem, every, seed)),
        bound=_total(best, costs),
        proved_levels=len(LEVELS),
        duals=_duals(problem, best, costs),
        seconds=0,
    )


def _reason(problem: Problem, pairs: Pairs, row: str, refused: ReasonCode) -> Reason:
    if not problem.slots:
        return Reason(code=ReasonCode.NO_SLOT)
    if not problem.free_seats:
        return Reason(code=ReasonCode.NO_FREE_SEAT)
    possible = sum((row, slot) in pairs for slot, _ in problem.free_seats)
    if possible:
        return Reason(code=ReasonCode.SEATS_TAKEN, figures={"seats": possible})
    return Reason(code=refused)


def _price(problem: Problem, slot: str) -> int:
    return sum(one.price for one in problem.prices if one.slot == slot)


Costs = dict[tuple[int, int], tuple[int, ...]]


def _option_costs(problem: Problem, pairs: Pairs, seed: int) -> Costs:
    costs: Costs = {}
    for row, referral in enumerate(problem.referrals):
        level = UNSERVED_LEVEL[referral.priority]
        if referral.id not in problem.promised:
            costs[row, UNUSED] = tuple(int(at == level) for at in range(len(LEVELS)))
        for column, (slot, _) in enumerate(problem.free_seats):
            if (referral.id, slot) in pairs:
                cost = pairs[referral.id, slot][-1] + _price(problem, slot)
                tie = tie_break(seed, referral.id, slot)
                costs[row, column] = (0, 0, 0, 0, 0, cost, 0, 0, tie)
    return costs


def _solutions(rows: list[str], costs: Costs) -> Iterator[tuple[int, ...]]:
    options = [[column for of, column in costs if of == row] for row in range(len(rows))]
    for chosen in product(*options):
        used = [column for column in chosen if column != UNUSED]
        if len(set(used)) == len(used):
            yield chosen


def _total(chosen: tuple[int, ...], costs: Costs) -> tuple[int, ...]:
    each = [costs[row, column] for row, column in enumerate(chosen)]
    return tuple(sum(cost[level] for cost in each) for level in range(len(LEVELS)))


def _duals(problem: Problem, chosen: tuple[int, ...], costs: Costs) -> tuple[LevelDuals, ...]:
    columns = range(len(problem.free_seats))
    face, unused = dict(costs), set(columns)
    found = []
    for level, name in enumerate(LEVELS):
        if name not in problem.active_levels:
            continue
        # v[other] <= v[own] + cost(other) - cost(own): Bellman and Ford's difference constraints.
        edges = [
            (chosen[row], column, cost[level] - face[row, chosen[row]][level])
            for (row, column), cost in face.items()
        ]
        edges += [(UNUSED, column, 0) for column in unused]
        edges += [(column, UNUSED, 0) for column in columns if column not in chosen]
        v = dict.fromkeys((UNUSED, *columns), 0)
        for _ in v:
            for own, other, more in edges:
                v[other] = min(v[other], v[own] + more)
        v = {column: value - v[UNUSED] for column, value in v.items()}
        assert all(v[other] <= v[own] + more for own, other, more in edges), "not optimal"
        u = [face[row, column][level] - v[column] for row, column in enumerate(chosen)]
        found.append(LevelDuals(level=name, referral=tuple(u), seat=tuple(v[j] for j in columns)))
        face = {
            (row, column): cost
            for (row, column), cost in face.items()
            if cost[level] - u[row] - v[column] == 0
        }
        unused = {column for column in unused if v[column] == 0}
    return tuple(found)


def _forced(problem: Problem, force: Mapping[str, str]) -> Iterator[int]:
    taken: set[int] = set()
    for referral in problem.referrals:
        seats = (
            column
            for column, (slot, _) in enumerate(problem.free_seats)
            if slot == force.get(referral.id) and column not in taken
        )
        column = next(seats, UNUSED)
        if column != UNUSED:
            taken.add(column)
        yield column


def _assignments(problem: Problem, pairs: Pairs, chosen: tuple[int, ...]) -> Iterator[Assignment]:
    # Seats of one slot are alike: referrals in id order take them in ascending order.
    seats = sorted(problem.free_seats[column] for column in chosen if column != UNUSED)
    lowest = {slot: [n for of, n in problem.free_seats if of == slot] for slot, _ in seats}
    for referral, column in zip(problem.referrals, chosen, strict=True):
        if column == UNUSED:
            continue
        slot = problem.free_seats[column][0]
        mode, metres, minutes, wait, cost = pairs[referral.id, slot]
        yield Assignment(
            referral=referral.id,
            slot=slot,
            seat=lowest[slot].pop(0),
            mode=mode,
            travel_metres=metres,
            travel_minutes=minutes,
            wait_minutes=wait,
            cost=cost,
            price=_price(problem, slot),
        )
