"""
Whether a new pair could enter the best plan at all, read from the plan's own proof.

A plan's duals give each option a reduced cost per level: an option whose first reduced cost that is
not 0 lies above 0 is in no plan as good as this one (docs/rules.md, Proof). Side constraints only
take plans away, so this holds with them too, on the levels that the duals prove.
"""

import numpy as np

from slotengine.problem import COST_LEVEL, LEVELS, TIE_LEVEL, Plan, Problem
from slotengine.solver.arcs import Arcs
from slotengine.solver.columns import Columns
from slotengine.solver.costs import tie_breaks
from slotengine.solver.encoding import Flags, Ints


class Prices:
    """A plan's duals, level by level, as arrays; none where its first level was searched."""

    def __init__(self, problem: Problem, plan: Plan) -> None:
        self._seed = plan.seed
        # Where convenience may be given up for fair shares, a dearer plan may be the best one.
        proves = TIE_LEVEL if problem.policy.spread is None else COST_LEVEL - 1
        self._levels: list[tuple[int, Ints, Ints]] = [
            (
                LEVELS.index(level.level),
                np.array(level.referral, dtype=np.int64),
                np.array(level.seat, dtype=np.int64),
            )
            for level in plan.duals
            if LEVELS.index(level.level) <= proves
        ]

    def could_be_used(self, columns: Columns, row: int, arcs: Arcs) -> Flags:
        """
        Tells for each arc of one unserved referral whether a plan as good or better might use it.

        False is certain: with these arcs and no others, the plan stays best and the referral
        stays without a seat. True is a question to ask of ``solve``.

        Parameters
        ----------
        columns
            The problem with the referral as changed.
        row
            The referral's index.
        arcs
            What ``candidate_arcs`` gives for this row.
        """
        slot = arcs.slot
        tie = tie_breaks(columns, arcs.row, slot, self._seed)
        seats = columns.slot_free[slot]
        owner = np.repeat(np.arange(len(slot)), seats)
        offset = np.arange(len(owner)) - np.repeat(np.cumsum(seats) - seats, seats)
        col = columns.slot_first_seat[slot[owner]] + offset
        undecided = np.ones(len(owner), dtype=np.bool_)
        usable = np.zeros(len(owner), dtype=np.bool_)
        for at, of_row, of_seat in self._levels:
            cost = np.zeros(len(owner), dtype=np.int64)
            if at == COST_LEVEL:
                cost = arcs.cost[owner]
            elif at == TIE_LEVEL:
                cost = tie[owner]
            reduced = cost - of_row[row] - of_seat[col]
            usable |= undecided & (reduced < 0)
            undecided &= reduced == 0
        usable |= undecided
        found = np.zeros(len(slot), dtype=np.bool_)
        found[owner[usable]] = True
        return found

    def more_urgent_first(self, columns: Columns, level: int) -> Flags:
        """
        Tells for each slot whether one more seat there would serve somebody more urgent.

        The dual of a seat says what a copy of it gains; so a referral that counts at ``level`` can
        hardly hope for it. (S,) flags, False where nothing is known.
        """
        found = np.zeros(columns.slots, dtype=np.bool_)
        for at, _, of_seat in self._levels:
            if at < level:
                found[columns.seat_slot[of_seat < 0]] = True
        return found
